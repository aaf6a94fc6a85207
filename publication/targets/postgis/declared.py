"""What `pub` is called inside: names, roles and types that loading, audit and service share.

Not here: the long table's name and columns, which all forms share (`publication.layers`), which
relations an edition has (`relations`), and any step.
"""

SCHEMA, STAGING = "pub", "pub_neu"

PUBLISHER = "sozialraum_publisher"
EXPERTS, EVERYONE = "sozialraum_fachlich", "sozialraum_oeffentlich"
READERS = (EXPERTS, EVERYONE)

PUBLIC_VIEW = "oeff_"
"""What the name of a view with a table's public columns begins with."""

LONG_COMMENT = (
    "Alle Kennzahlen: eine Zeile je Raum, Gebietsstand, Stichtag, Indikator und Version, mit den "
    "Namen von Raum und Indikator. Ein leerer Wert ist nicht null; warum er fehlt, sagt status."
)

EDITIONS = "ausgabe"
EDITIONS_COMMENT = "Alle Ausgaben, die hierher geladen wurden: eine Zeile je Ausgabe."
EDITIONS_COLUMNS = {
    "edition_id": ("text", "Kennung der Ausgabe"),
    "kind": ("text", "Art der Ausgabe"),
    "region": ("text", "Kennung der Region"),
    "erzeugt_am": ("timestamp with time zone", "Zeitpunkt, zu dem die Ausgabe entstand"),
    "geladen_am": ("timestamp with time zone", "Zeitpunkt, zu dem sie zuletzt geladen wurde"),
    "content_hash": ("text", "Prüfsumme über alle veröffentlichten Werte und Flächen"),
    "aktuell": ("boolean", "Ob es diese Ausgabe ist, die hier steht"),
    "bestand": ("text[]", "Namen der Tabellen und Sichten, die mit ihr kamen"),
}

SRID = 25832
GEOMETRY_COLUMN = "geom"
GEOMETRY = f"geometry(MultiPolygon,{SRID})"

TYPES = {
    "BOOLEAN": "boolean",
    "SMALLINT": "smallint",
    "INTEGER": "integer",
    "BIGINT": "bigint",
    "DOUBLE": "double precision",
    "DATE": "date",
    "VARCHAR": "text",
}
"""DuckDB's types → PostgreSQL's."""

READ_BY = ("raum_id", "indikator_id", "stichtag")
"""Columns by which readers select; where a table has them, each has an index."""

GONE = "Nicht mehr enthalten"
"""With what the comment of a column or table begins that later editions no longer have."""

LONGEST_NAME = 63
"""Bytes of a name in PostgreSQL; it cuts longer ones off."""
