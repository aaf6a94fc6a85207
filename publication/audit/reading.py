"""What the audits of all forms share: reading, counting and comparing names.

Not here: any declaration of a form. Sentences name files, tables, columns and counts, never a value
of a row.
"""

import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from publication.layers import NO_AREA
from publication.material import MARTS
from publication.tables import quoted

if TYPE_CHECKING:
    import duckdb


PATH = re.compile(r"(?<![\w.-])/(home|Users|root|tmp|var|work)/|\bfile:/|\b[A-Za-z]:\\")
"""A path of a machine, which carries the names of its users; no address of a page."""


class Measure(NamedTuple):
    """An indicator or index as the layers have to show it."""

    mart: str
    key: str
    value: str
    columns: tuple[str, str, str]


def measures(con: "duckdb.DuckDBPyConnection") -> list[Measure]:
    """Return every indicator and index that has rows."""
    rows = con.execute(
        """
        SELECT 'mart_indikator', indikator_id, indikator_id IN (
            SELECT indikator_id FROM dim_indikator GROUP BY indikator_id
            HAVING arg_max(art, version) = 'klasse'
        )
        FROM mart_indikator GROUP BY indikator_id
        UNION ALL
        SELECT 'mart_index', index_id, true FROM mart_index GROUP BY index_id
        """
    ).fetchall()
    return [
        Measure(
            mart,
            key,
            "klasse" if is_class else "wert",
            (f"{key}_klasse" if is_class else key, f"{key}_status", f"{key}_stichtag"),
        )
        for mart, key, is_class in rows
    ]


def levels(con: "duckdb.DuckDBPyConnection") -> list[str]:
    """Return the levels whose areas have shapes."""
    rows = con.execute(
        "SELECT DISTINCT raumebene FROM dim_raum WHERE raumebene <> ? ORDER BY raumebene", [NO_AREA]
    ).fetchall()
    return [level for (level,) in rows]


def layer_cells(
    con: "duckdb.DuckDBPyConnection", name: str, level: str, found: Collection[Measure]
) -> Iterator[str]:
    """Compare every cell of a wide layer with the marts: value, status and Stichtag of each area.

    Args:
        con: the marts, with the layer registered as `layer`.
        name: what the sentences call the layer.
        level: its level.
        found: the measures that have their columns in the layer.
    """
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE newest AS
        SELECT 'mart_indikator' AS mart, indikator_id AS key, raum_id, gebietsstand, status,
            stichtag, wert, klasse
        FROM mart_indikator WHERE raumebene = $raumebene
        QUALIFY row(stichtag, version)
            = max(row(stichtag, version)) OVER (PARTITION BY gebietsstand, indikator_id)
        UNION ALL
        SELECT 'mart_index', index_id, raum_id, gebietsstand, status, stichtag, NULL, klasse
        FROM mart_index WHERE raumebene = $raumebene
        QUALIFY stichtag = max(stichtag) OVER (PARTITION BY gebietsstand, index_id)
        """,
        {"raumebene": level},
    )
    for measure in found:
        yield from _cells_of(con, f"{name}, column {measure.columns[0]}", measure)


def _cells_of(con: "duckdb.DuckDBPyConnection", cell: str, measure: Measure) -> Iterator[str]:
    value, status, day = map(quoted, measure.columns)
    exposed, different = con.execute(
        f"""
        WITH
        told AS (FROM newest WHERE mart = ? AND key = ?),
        cells AS (SELECT raum_id, gebietsstand, {value} AS v, {status} AS s, {day} AS d FROM layer)
        SELECT
            count(*) FILTER (WHERE v IS NOT NULL AND status IS DISTINCT FROM 'ok'),
            count(*) FILTER (
                WHERE (status = 'ok' AND v IS DISTINCT FROM told.{measure.value})
                OR s IS DISTINCT FROM status
                OR d IS DISTINCT FROM stichtag
            )
        FROM cells LEFT JOIN told USING (raum_id, gebietsstand)
        """,
        [measure.mart, measure.key],
    ).fetchone()
    if exposed:
        yield (
            f"{cell}: expected no value where the status in {measure.mart} is not ok, "
            f"found {exposed}"
        )
    if different:
        yield (
            f"{cell}: expected value, status and stichtag of {measure.mart}, "
            f"found {different} areas with others"
        )


def same_names(
    name: str, what: str, expected: Collection[str], found: Collection[str]
) -> Iterator[str]:
    """Say which names are missing and which are there undeclared."""
    for missing in sorted(set(expected) - set(found)):
        yield f"{name}: expected {missing} among its {what}, found no such one"
    for extra in sorted(set(found) - set(expected)):
        yield f"{name}: expected only declared {what}, found {extra}"


def open_marts(folder: Path) -> "duckdb.DuckDBPyConnection":
    """Open an edition's database for reading; the caller closes it."""
    import duckdb

    return duckdb.connect(str(folder / MARTS), read_only=True)


def count(con: "duckdb.DuckDBPyConnection", query: str) -> int:
    """Return the one number that a query gives."""
    return con.execute(query).fetchone()[0]
