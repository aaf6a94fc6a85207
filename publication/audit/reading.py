"""What the audits of all forms share: reading, counting and comparing names.

Not here: any declaration of a form. Sentences name files, tables, columns and counts, never a value
of a row.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from publication.layers import NO_AREA, TOLERANCE
from publication.material import MARTS
from publication.tables import PublishedTable, literal, quoted

if TYPE_CHECKING:
    import duckdb
    import numpy as np


PATH = re.compile(
    r"(?<![\w.-])/(home|Users|root|tmp|var|work|srv|mnt|media|opt|data|usr|etc)/"
    r"|\bfile:/|\b[A-Za-z]:\\"
)
"""A path of a machine, which carries the names of its users; no address of a page."""


LONG_NAMES = {
    "raum_name": ("dim_raum", "raum_name"),
    "name": ("dim_indikator", "name"),
    "thema": ("dim_indikator", "thema"),
    "einheit": ("dim_indikator", "einheit"),
}
"""What the long table tells beside the columns of `mart_indikator`: column → where it stands."""

# What wide layers show of one level: the newest Stichtag of each indicator and index
NEWEST = """
    SELECT 'mart_indikator' AS mart, indikator_id AS key, raum_id, gebietsstand, status, stichtag,
        wert, klasse
    FROM mart_indikator WHERE raumebene = $level
    QUALIFY row(stichtag, version)
        = max(row(stichtag, version)) OVER (PARTITION BY gebietsstand, indikator_id)
    UNION ALL
    SELECT 'mart_index', index_id, raum_id, gebietsstand, status, stichtag, NULL, klasse
    FROM mart_index WHERE raumebene = $level
    QUALIFY stichtag = max(stichtag) OVER (PARTITION BY gebietsstand, index_id)
"""


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
    con: "duckdb.DuckDBPyConnection", layer: str, level: str, told: Collection[Measure]
) -> Iterator[str]:
    """Compare values, statuses and Stichtage of one wide layer with the newest ones of its level.

    Args:
        con: the marts, with the layer registered as `layer`.
        layer: what the sentences call it.
        level: its level.
        told: the measures that have their columns in the layer.
    """
    found = con.execute(
        f"""
        WITH
        newest AS ({NEWEST}),
        cells AS ({" UNION ALL ".join(map(_cell, told))}),
        compared AS (
            SELECT cells.*, newest.status, newest.stichtag, CASE
                WHEN NOT is_class THEN number IS DISTINCT FROM wert
                ELSE word IS DISTINCT FROM klasse
            END AS other
            FROM cells LEFT JOIN newest USING (mart, key, raum_id, gebietsstand)
        )
        SELECT name, mart,
            count(*) FILTER (
                WHERE (number IS NOT NULL OR word IS NOT NULL) AND status IS DISTINCT FROM 'ok'
            ),
            count(*) FILTER (
                WHERE (status = 'ok' AND other)
                OR told_status IS DISTINCT FROM status
                OR told_day IS DISTINCT FROM stichtag
            )
        FROM compared GROUP BY name, mart ORDER BY name
        """,
        {"level": level},
    ).fetchall()
    for column, mart, exposed, different in found:
        name = f"{layer}, column {column}"
        if exposed:
            yield f"{name}: expected no value where the status in {mart} is not ok, found {exposed}"
        if different:
            yield (
                f"{name}: expected value, status and stichtag of {mart}, "
                f"found {different} areas with others"
            )


def _cell(measure: Measure) -> str:
    """Return the SQL of one measure's cells of a layer, one row for each area."""
    value, status, day = map(quoted, measure.columns)
    is_class = measure.value == "klasse"
    number, word = ("NULL", value) if is_class else (value, "NULL")
    return f"""
        SELECT {literal(measure.columns[0])} AS name, {literal(measure.mart)} AS mart,
            {literal(measure.key)} AS key, raum_id, gebietsstand, {is_class} AS is_class,
            {number}::double AS number, {word}::varchar AS word,
            {status} AS told_status, {day} AS told_day
        FROM layer
    """


def long_cells(con: "duckdb.DuckDBPyConnection", name: str, mart: PublishedTable) -> Iterator[str]:
    """Compare every row and cell of a long table with `mart_indikator` and the names in dimensions.

    Args:
        con: the marts, with the table registered as `long`; it has all columns.
        name: what the sentences call it.
        mart: the declaration of `mart_indikator`.
    """
    columns = [*mart.public_columns(), *LONG_NAMES]
    casts = {column.name: column.type for column in mart.columns}
    found = [
        f"{quoted(column)}::{casts.get(column, 'varchar')} AS {quoted(column)}"
        for column in columns
    ]
    expected = [
        quoted("mart", column) if column in casts else quoted(*LONG_NAMES[column])
        for column in columns
    ]
    ours = f"""
        SELECT {", ".join(expected)} FROM mart_indikator AS mart
        LEFT JOIN dim_raum USING (raum_id, gebietsstand)
        LEFT JOIN dim_indikator USING (indikator_id, version)
    """
    theirs = f"SELECT {', '.join(found)} FROM long"
    missing, extra, exposed = (
        count(con, f"SELECT count(*) FROM ({query})")
        for query in (
            f"{ours} EXCEPT ALL {theirs}",
            f"{theirs} EXCEPT ALL {ours}",
            "FROM long WHERE status <> 'ok' AND (wert IS NOT NULL OR klasse IS NOT NULL)",
        )
    )
    if exposed:
        yield f"{name}: expected no value where the status is not ok, found {exposed}"
    if missing or extra:
        yield (
            f"{name}: expected the rows of mart_indikator, found {missing} rows missing and "
            f"{extra} rows more"
        )


def near(rough: "Sequence", exact: "Sequence") -> "np.ndarray":
    """Return whether simplified shapes lie along the exact ones.

    They differ by no more than if the whole boundary had moved as far as `TOLERANCE` allows.
    """
    import shapely

    apart = shapely.area(shapely.symmetric_difference(shapely.make_valid(exact), rough))
    return apart <= TOLERANCE * shapely.length(exact)


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
