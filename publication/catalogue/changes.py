"""What has changed since the edition before: a page for readers and a table for programs.

New and withdrawn Stichtage, indicators and areas are named; revised values are those that
`mart_revision` shows. What is withheld now or shown again is told as numbers of cells only, by
theme or by indicator and Stichtag, and a small number as `weniger als 3`: nobody learns from here
which area it is. Not here: the log of revisions itself (dbt_project).
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from publication.catalogue.declared import (
    CHANGES,
    CHANGES_PAGE,
    CHANGES_TABLE,
    FEW,
    LESS,
    SHOWN,
    WITHHELD,
)
from publication.catalogue.tables import write_rows
from publication.handbuch import PAGES, readable
from publication.material import MANIFEST, MARTS, Material
from publication.numbers import day
from publication.tables import literal

if TYPE_CHECKING:
    import duckdb

TEMPLATE = "aenderungen.html"

KINDS = {
    "raum_neu": "Neue Räume",
    "raum_entfallen": "Entfallene Räume",
    "indikator_neu": "Neue Indikatoren",
    "indikator_entfallen": "Entfallene Indikatoren",
    "definition_neu": "Neue Versionen von Definitionen",
    "stichtag_neu": "Neue Stichtage",
    "stichtag_entfallen": "Entfallene Stichtage",
    "nachgeliefert": "Nachgelieferte Zahlen",
    "wert_revidiert": "Revidierte Werte",
    "anzahl_geaendert": "Geänderte Einwohnerzahlen",
    "klasse_geaendert": "Geänderte Klassen von Indizes",
    "neu_gezeigt": "Zahlen, die zurückgehalten waren und jetzt gezeigt werden",
    "neu_zurueckgehalten": "Zahlen, die gezeigt waren und jetzt zurückgehalten werden",
}
"""Kinds of changes in the order of the report."""

COLUMNS = {
    "raum_neu": ("gebietsstand", "raumebene", "anzahl"),
    "raum_entfallen": ("gebietsstand", "raumebene", "anzahl"),
    "indikator_neu": ("thema", "indikator"),
    "indikator_entfallen": ("thema", "indikator"),
    "definition_neu": ("thema", "indikator", "anzahl"),
    "wert_revidiert": ("thema", "indikator", "stichtag", "raumebene", "anzahl"),
    "neu_zurueckgehalten": ("thema", "anzahl"),
}
"""What the page shows of a kind."""

COUNTED = ("thema", "indikator", "stichtag", "anzahl")
"""What it shows of all others."""

SUMMED = ("raum_neu", "raum_entfallen", "wert_revidiert")
"""Kinds that the table tells one by one and the page in numbers."""

TITLES = {
    "thema": "Thema",
    "indikator": "Indikator",
    "stichtag": "Stichtag",
    "gebietsstand": "Gebietsstand",
    "raumebene": "Ebene",
    "anzahl": "Anzahl",
}

# One row for each published cell of an edition; `gezeigt` is what it shows
CELLS = """
    SELECT
        'indikator' AS art, indikator_id AS schluessel, stichtag, gebietsstand, raumebene, raum_id,
        CAST(version AS VARCHAR) AS merkmale, status,
        CASE WHEN status = 'ok' THEN coalesce(CAST(wert AS VARCHAR), klasse) END AS gezeigt
    FROM {edition}.mart_indikator
    UNION ALL
    SELECT
        'index', index_id, stichtag, gebietsstand, raumebene, raum_id, '', status,
        CASE WHEN status = 'ok' THEN klasse END
    FROM {edition}.mart_index
    UNION ALL
    SELECT
        'bevoelkerung', 'bevoelkerung', stichtag, gebietsstand, raumebene, raum_id,
        concat_ws('|', basis, altersgruppe, geschlecht, staatsangehoerigkeit), status,
        CASE WHEN status = 'ok' THEN CAST(anzahl AS VARCHAR) END
    FROM {edition}.mart_bevoelkerung
"""

# What a key of a cell is called: an indicator of either edition, an index, the inhabitants
SUBJECTS = """
    SELECT schluessel, thema, name FROM (
        SELECT indikator_id AS schluessel, thema, name, 2 AS alter, version FROM neu.dim_indikator
        UNION ALL
        SELECT indikator_id, thema, name, 1, version FROM alt.dim_indikator
        UNION ALL
        SELECT index_id, 'index', coalesce(any_value(name), index_id), 0, 0
        FROM (SELECT index_id FROM neu.mart_index UNION SELECT index_id FROM alt.mart_index)
        LEFT JOIN neu.dim_indexklasse USING (index_id)
        GROUP BY index_id
        UNION ALL
        VALUES ('bevoelkerung', 'bevoelkerung', 'Einwohnerinnen und Einwohner', 0, 0)
    )
    QUALIFY row_number() OVER (PARTITION BY schluessel ORDER BY alter DESC, version DESC) = 1
"""


def write(material: Material) -> None:
    """Write page and table; without an edition before, they say so and tell no change."""
    before = earlier(material)
    rows = [] if before is None else list(_changes(material, before))
    write_rows(material.folder / CHANGES_TABLE, CHANGES, rows)
    (material.folder / CHANGES_PAGE).write_text(_page(material, before, rows), "utf-8")


def earlier(material: Material) -> Mapping | None:
    """Return the manifest of the edition before, if there is one of this region."""
    if material.previous is None:
        return None
    told = json.loads((material.previous / MANIFEST).read_text("utf-8"))
    return told if told.get("region") == material.facts.get("region") else None


def _changes(material: Material, before: Mapping) -> Iterator[dict]:
    """Return all changes in the order of the report."""
    import duckdb

    with duckdb.connect() as con:
        _attach(con, material.marts, "neu")
        _attach(con, material.previous / MARTS, "alt")
        for edition in ("neu", "alt"):
            con.execute(f"CREATE TEMP TABLE zellen_{edition} AS {CELLS.format(edition=edition)}")
        con.execute(f"CREATE TEMP TABLE gegenstand AS {SUBJECTS}")
        con.execute(
            """
            CREATE TEMP TABLE zelle AS
            SELECT neu.*, alt.status AS status_alt, alt.gezeigt AS gezeigt_alt
            FROM zellen_neu AS neu
            JOIN zellen_alt AS alt
                USING (art, schluessel, stichtag, gebietsstand, raumebene, raum_id, merkmale)
            """
        )
        yield from _areas(con)
        yield from _subjects(con)
        yield from _days(con)
        yield from _revised(con, before)
        yield from _protected(con)


def _attach(con: "duckdb.DuckDBPyConnection", marts: Path, name: str) -> None:
    con.execute(f"ATTACH {literal(str(marts))} AS {name} (READ_ONLY)")


def _areas(con: "duckdb.DuckDBPyConnection") -> Iterator[dict]:
    keys = "gebietsstand, raumebene, raum_id"
    for kind, here, there in (("raum_neu", "neu", "alt"), ("raum_entfallen", "alt", "neu")):
        yield from _told(
            con,
            f"""
            SELECT {literal(kind)} AS art, {keys}, raum_name
            FROM {here}.dim_raum ANTI JOIN {there}.dim_raum USING ({keys})
            ORDER BY {keys}
            """,
        )


def _subjects(con: "duckdb.DuckDBPyConnection") -> Iterator[dict]:
    """Indicators and indices that have come or gone, and definitions with a new version."""
    for kind, here, there in (
        ("indikator_neu", "neu", "alt"),
        ("indikator_entfallen", "alt", "neu"),
    ):
        yield from _told(
            con,
            f"""
            SELECT DISTINCT {literal(kind)} AS art, thema, schluessel AS indikator_id,
                name AS indikator
            FROM zellen_{here} ANTI JOIN zellen_{there} USING (schluessel)
            JOIN gegenstand USING (schluessel) ORDER BY ALL
            """,
        )
    yield from _told(
        con,
        """
        SELECT 'definition_neu' AS art, thema, indikator_id, name AS indikator,
            'Version ' || version AS anzahl
        FROM neu.dim_indikator ANTI JOIN alt.dim_indikator USING (indikator_id, version)
        SEMI JOIN alt.dim_indikator USING (indikator_id)
        ORDER BY ALL
        """,
    )


def _days(con: "duckdb.DuckDBPyConnection") -> Iterator[dict]:
    """Stichtage of indicators that both editions have, and what has been delivered since."""
    for kind, here, there in (("stichtag_neu", "neu", "alt"), ("stichtag_entfallen", "alt", "neu")):
        yield from _told(
            con,
            f"""
            SELECT {literal(kind)} AS art, thema, schluessel AS indikator_id, name AS indikator,
                stichtag, CAST(count(*) FILTER (WHERE {_in("status", SHOWN)}) AS VARCHAR) AS anzahl
            FROM zellen_{here}
            ANTI JOIN zellen_{there} USING (schluessel, stichtag)
            SEMI JOIN zellen_{there} USING (schluessel)
            JOIN gegenstand USING (schluessel)
            GROUP BY ALL ORDER BY ALL
            """,
        )
    yield from _counted(
        con, "nachgeliefert", f"status_alt = 'nicht_geliefert' AND {_in('status', SHOWN)}"
    )


def _revised(con: "duckdb.DuckDBPyConnection", before: Mapping) -> Iterator[dict]:
    """Values that the log shows as changed since that edition; elsewhere numbers of cells."""
    yield from _told(
        con,
        f"""
        SELECT 'wert_revidiert' AS art, thema, indikator_id, gegenstand.name AS indikator, stichtag,
            gebietsstand, raumebene, raum_id, raum_name, wert_alt, wert_neu
        FROM neu.mart_revision
        JOIN gegenstand ON schluessel = indikator_id
        LEFT JOIN neu.dim_raum USING (raum_id, gebietsstand, raumebene)
        WHERE edition_alt = {literal(edition_key(before))} AND abs(wert_alt - wert_neu) > 1e-9
        ORDER BY indikator_id, stichtag, gebietsstand, raumebene, raum_id, version
        """,
    )
    both = "status = 'ok' AND status_alt = 'ok' AND gezeigt IS DISTINCT FROM gezeigt_alt"
    yield from _counted(con, "anzahl_geaendert", f"art = 'bevoelkerung' AND {both}")
    yield from _counted(con, "klasse_geaendert", f"art = 'index' AND {both}")


def edition_key(manifest: Mapping) -> str:
    """Return how `mart_revision` names an edition: the first 16 digits of its content hash."""
    return manifest["content_hash"][:16]


def _protected(con: "duckdb.DuckDBPyConnection") -> Iterator[dict]:
    """Numbers of cells whose protection has changed.

    Each theme is told, whether anything of it is withheld now or not: a line that is there only
    for some would tell of the others.
    """
    shown = f"{_in('status_alt', WITHHELD)} AND {_in('status', SHOWN)}"
    yield from _counted(con, "neu_gezeigt", shown, floor=True)
    yield from _told(
        con,
        f"""
        SELECT 'neu_zurueckgehalten' AS art, thema,
            {
            _floor(
                f"count(*) FILTER (WHERE {_in('status_alt', SHOWN)} AND {_in('status', WITHHELD)})"
            )
        } AS anzahl
        FROM gegenstand LEFT JOIN zelle USING (schluessel)
        GROUP BY thema ORDER BY thema
        """,
    )


def _counted(
    con: "duckdb.DuckDBPyConnection", kind: str, condition: str, *, floor: bool = False
) -> Iterator[dict]:
    """Count cells of both editions by indicator and Stichtag."""
    number = _floor("count(*)") if floor else "CAST(count(*) AS VARCHAR)"
    return _told(
        con,
        f"""
        SELECT {literal(kind)} AS art, thema, schluessel AS indikator_id, name AS indikator,
            stichtag, {number} AS anzahl
        FROM zelle JOIN gegenstand USING (schluessel)
        WHERE {condition}
        GROUP BY thema, schluessel, name, stichtag
        ORDER BY thema, schluessel, stichtag
        """,
    )


def _floor(count: str) -> str:
    return f"CASE WHEN {count} < {FEW} THEN {literal(LESS)} ELSE CAST({count} AS VARCHAR) END"


def _in(column: str, values: Sequence[str]) -> str:
    return f"{column} IN ({', '.join(map(literal, values))})"


def _told(con: "duckdb.DuckDBPyConnection", query: str) -> Iterator[dict]:
    found = con.execute(query)
    names = [name for name, *_ in found.description]
    for row in found.fetchall():
        yield dict(zip(names, row, strict=True))


def _page(material: Material, before: Mapping | None, rows: Sequence[Mapping]) -> str:
    """Return the report as HTML; every value is escaped, and nothing is fetched."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    pages = Environment(
        loader=FileSystemLoader(PAGES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters["lesbar"] = readable
    page = pages.get_template(TEMPLATE)
    text = page.render(
        titel=material.imprint.titel,
        ausgabe=material.facts["edition_id"],
        vorausgabe=before and before["edition_id"],
        wenige=LESS,
        abschnitte=[
            (KINDS[kind], *section)
            for kind in KINDS
            if (section := _section(kind, [row for row in rows if row["art"] == kind], material))
        ],
    )
    return text.strip() + "\n"


def _section(
    kind: str, rows: Sequence[Mapping], material: Material
) -> tuple[list[str], list[list]] | None:
    """Return the titles and lines of one kind of changes; areas and values are summed up."""
    if not rows:
        return None
    columns = COLUMNS.get(kind, COUNTED)
    told = _summed(rows, columns[:-1]) if kind in SUMMED else rows
    lines = [[_cell(name, row[name], material) for name in columns] for row in told]
    return [TITLES[name] for name in columns], lines


def _cell(name: str, value: object, material: Material) -> object:
    if name == "raumebene":
        return material.imprint.plural(value)
    return day(value) if name == "stichtag" else value


def _summed(rows: Sequence[Mapping], keys: Sequence[str]) -> list[dict]:
    """Return the keys in the order in which they come, with the number of rows of each."""
    counts = Counter(tuple(row[name] for name in keys) for row in rows)
    return [{**dict(zip(keys, key, strict=True)), "anzahl": n} for key, n in counts.items()]
