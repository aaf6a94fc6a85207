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
    key_column: str
    key: str
    value: str
    version: str
    columns: tuple[str, str, str]


def measures(con: "duckdb.DuckDBPyConnection") -> list[Measure]:
    """Return every indicator and index that has rows."""
    rows = con.execute(
        """
        SELECT 'mart_indikator', 'indikator_id', indikator_id, 'version', indikator_id IN (
            SELECT indikator_id FROM dim_indikator GROUP BY indikator_id
            HAVING arg_max(art, version) = 'klasse'
        )
        FROM mart_indikator GROUP BY indikator_id
        UNION ALL
        SELECT 'mart_index', 'index_id', index_id, '0', true FROM mart_index GROUP BY index_id
        """
    ).fetchall()
    return [
        Measure(
            mart,
            key_column,
            key,
            "klasse" if is_class else "wert",
            version,
            (f"{key}_klasse" if is_class else key, f"{key}_status", f"{key}_stichtag"),
        )
        for mart, key_column, key, version, is_class in rows
    ]


def levels(con: "duckdb.DuckDBPyConnection") -> list[str]:
    """Return the levels whose areas have shapes."""
    rows = con.execute(
        "SELECT DISTINCT raumebene FROM dim_raum WHERE raumebene <> ? ORDER BY raumebene", [NO_AREA]
    ).fetchall()
    return [level for (level,) in rows]


def layer_cells(
    con: "duckdb.DuckDBPyConnection", name: str, level: str, measure: Measure
) -> Iterator[str]:
    """Compare one measure of a wide layer with its mart: value, status and Stichtag of each area.

    Args:
        con: the marts, with the layer registered as `layer`.
        name: what the sentences call the layer.
        level: its level.
        measure: has its columns in the layer.
    """
    value, status, day = map(quoted, measure.columns)
    exposed, different = con.execute(
        f"""
        WITH
        newest AS (
            SELECT raum_id, gebietsstand, status, stichtag, {measure.value} AS figure
            FROM {measure.mart}
            WHERE raumebene = ? AND {measure.key_column} = ?
            QUALIFY row(stichtag, {measure.version})
                = max(row(stichtag, {measure.version})) OVER (PARTITION BY gebietsstand)
        ),
        cells AS (SELECT raum_id, gebietsstand, {value} AS v, {status} AS s, {day} AS d FROM layer)
        SELECT
            count(*) FILTER (WHERE v IS NOT NULL AND status IS DISTINCT FROM 'ok'),
            count(*) FILTER (
                WHERE (status = 'ok' AND v IS DISTINCT FROM figure)
                OR s IS DISTINCT FROM status
                OR d IS DISTINCT FROM stichtag
            )
        FROM cells LEFT JOIN newest USING (raum_id, gebietsstand)
        """,
        [level, measure.key],
    ).fetchone()
    cell = f"{name}, column {measure.columns[0]}"
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
