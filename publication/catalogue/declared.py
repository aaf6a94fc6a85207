"""Names, identifiers and declared choices of the catalogue, which writers and audit share.

An identifier is made from the region's `kennung` and what it stands for, so it is the same in each
edition: catalogues know a record by it. Not here: any value of an edition.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID, uuid5

from publication.imprint import Imprint

CATALOGUE = "catalogue"
TURTLE, JSON_LD = f"{CATALOGUE}/dcat-ap-de.ttl", f"{CATALOGUE}/dcat-ap-de.jsonld"
CHANGES_PAGE, CHANGES_TABLE = f"{CATALOGUE}/aenderungen.html", f"{CATALOGUE}/aenderungen.csv"

DATASET, SERVICE = "datensatz", "dienst"
"""What a record stands for, beside the levels."""

OPEN_DATA = "opendata"
"""Catalogues pass a record on to GovData by this keyword, which belongs to no thesaurus."""

INSPIRE_THEMES = ("Statistische Einheiten", "Verteilung der Bevölkerung — Demografie")
EU_THEMES = ("SOCI", "REGI")

SLIVER = 0.1
"""Overlaps below this percentage of both areas come from how a line is drawn: they are left out."""

FEW = 3
"""Cells whose protection has changed are counted from here on."""
LESS = f"weniger als {FEW}"

WITHHELD, SHOWN = ("geheim", "nicht_freigegeben"), ("ok", "zu_klein")
"""Status of a cell that is withheld, and of one whose counts are published."""

CONCORDANCE = {
    "raumebene": "VARCHAR",
    "raum_id_von": "VARCHAR",
    "raum_name_von": "VARCHAR",
    "raum_id_nach": "VARCHAR",
    "raum_name_nach": "VARCHAR",
    "flaeche_km2": "DOUBLE",
    "anteil_von_prozent": "DOUBLE",
    "anteil_nach_prozent": "DOUBLE",
    "methode": "VARCHAR",
    "anteil_umgerechnet": "DOUBLE",
    "fehler_anteil": "DOUBLE",
}
"""Columns of a concordance with their types; texts are quoted, numbers are not."""

CHANGES = {
    "art": "VARCHAR",
    "thema": "VARCHAR",
    "indikator_id": "VARCHAR",
    "indikator": "VARCHAR",
    "stichtag": "DATE",
    "gebietsstand": "VARCHAR",
    "raumebene": "VARCHAR",
    "raum_id": "VARCHAR",
    "raum_name": "VARCHAR",
    "wert_alt": "DOUBLE",
    "wert_neu": "DOUBLE",
    "anzahl": "VARCHAR",
}
"""Columns of the change report; `anzahl` is a text, because it may say `weniger als 3`."""


class Distribution(NamedTuple):
    """One form of the edition, as records tell it.

    Attributes:
        key: what its identifier is made of.
        title: German.
        extension: of its files.
        format: short name, also in the EU's list of file types.
        media_type: of IANA.
        files: relative paths.
    """

    key: str
    title: str
    extension: str
    format: str
    media_type: str
    files: tuple[str, ...]


PUBLIC_FORMS = {
    "sozialraum.gpkg": "GeoPackage mit den Ebenen als Karten",
    "geoparquet": "GeoParquet mit den Ebenen als Karten",
    "csv": "Tabellen mit ihrer Beschreibung",
    "kommonitor": "Importdateien für KomMonitor",
    "profiles": "Steckbriefe",
    "handbuch.html": "Qualitätshandbuch",
    CATALOGUE: "Konkordanz der Gebietsstände und Änderungen",
}
"""Files and folders that everyone may have. What is for the administration is in no record."""

FORMATS = {
    "gpkg": ("GPKG", "application/geopackage+sqlite3"),
    "parquet": ("PARQUET", "application/vnd.apache.parquet"),
    "csv": ("CSV", "text/csv"),
    "json": ("JSON", "application/json"),
    "geojson": ("GEOJSON", "application/geo+json"),
    "pdf": ("PDF", "application/pdf"),
    "html": ("HTML", "text/html"),
    "zip": ("ZIP", "application/zip"),
}


def distributions(files: Iterable[str]) -> list[Distribution]:
    """Return the public forms among some files, one for each form and format.

    Args:
        files: relative paths of an edition, in any order.
    """
    groups: dict[tuple[str, str], list[str]] = {}
    for name in sorted(files):
        top, extension = name.partition("/")[0], name.rpartition(".")[2].lower()
        if top in PUBLIC_FORMS and extension in FORMATS:
            groups.setdefault((top, extension), []).append(name)
    return [
        Distribution(
            f"{top}:{extension}",
            f"{PUBLIC_FORMS[top]} ({FORMATS[extension][0]})",
            extension,
            *FORMATS[extension],
            tuple(names),
        )
        for (top, extension), names in sorted(groups.items())
    ]


def level_key(level: str) -> str:
    """Return what the record of a level stands for."""
    return f"ebene_{level}"


def identifier(imprint: Imprint, what: str) -> str:
    """Return the UUID of a record or resource, the same in each edition.

    Raises:
        ValueError: the imprint's `kennung` is no UUID.
    """
    return str(uuid5(UUID(imprint.kennung), what))


def record_file(what: str) -> str:
    """Return where the ISO record of something stands."""
    return f"{CATALOGUE}/iso_{slug(what)}.xml"


def concordance_file(before: str, after: str) -> str:
    """Return where the concordance of two Gebietsstände stands."""
    return f"{CATALOGUE}/konkordanz_{slug(before)}_{slug(after)}.csv"


def slug(text: str) -> str:
    """Return a text as part of a file name."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", text)


def licence(imprint: Imprint) -> dict[str, str]:
    """Return the licence as GDI-DE and GovData read it from a record's constraints."""
    return {
        "id": imprint.lizenz_kennung,
        "name": imprint.lizenz_name,
        "url": imprint.lizenz_url,
        "quelle": imprint.quellenvermerk,
    }
