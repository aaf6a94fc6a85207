"""What the audits of all forms share: reading, counting and comparing names.

Not here: any declaration of a form. Sentences name files, tables, columns and counts, never a value
of a row.
"""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from publication.material import MARTS

if TYPE_CHECKING:
    import duckdb


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
