"""What an edition says, as one hash: over values, never over the bytes of files.

Here belong the hashes that tell whether two editions publish the same. Not here: the checksums of
files (draft), which differ from run to run although the values agree.
"""

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from publication.tables import PublishedTable, quoted, quoted_list

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa


def content_hash(database: Path, tables: Sequence[PublishedTable], geometry_hash: str = "") -> str:
    """Return the SHA-256 over every published value.

    It covers the names of the tables, names and types of their columns and the multiset of their
    rows; the physical order of tables and rows does not matter. NULL, the empty text and the text
    `null` are three different values.

    Args:
        database: a DuckDB file that holds the tables under their published names.
        tables: the tables and columns that count.
        geometry_hash: from `geometry_hash`, so that the areas' shapes count too.

    Raises:
        duckdb.Error: a declared table or column is missing.
    """
    import duckdb

    digest = sha256(geometry_hash.encode())
    with duckdb.connect(str(database), read_only=True) as con:
        con.execute("SET TimeZone = 'UTC'")  # else the text of a timestamp depends on the machine
        for table in sorted(tables, key=lambda table: table.name):
            digest.update(f"\n{table.name}\n{_rows_hash(con, table)}".encode())
    return digest.hexdigest()


def geometry_hash(areas: "pa.Table") -> str:
    """Return the SHA-256 over the shapes of the areas, independent of their order.

    Args:
        areas: one row for each area, with `raumebene`, `raum_id`, `gebietsstand` and `geometry`,
            the normalised WKB as `layers.area_shapes` returns it.
    """
    columns = [
        areas.column(name).to_pylist()
        for name in ("raumebene", "raum_id", "gebietsstand", "geometry")
    ]
    digest = sha256()
    for level, area, version, shape in sorted(zip(*columns, strict=True)):
        digest.update(f"{level}\0{area}\0{version}\0{len(shape)}\0".encode() + shape)
    return digest.hexdigest()


def _rows_hash(con: "duckdb.DuckDBPyConnection", table: PublishedTable) -> str:
    columns = quoted_list(table.column_names)
    layout = con.execute(f"DESCRIBE SELECT {columns} FROM {quoted(table.name)}").fetchall()
    header = "\n".join(f"{name} {kind}" for name, kind, *_ in layout)
    # a JSON array keeps NULL, '' and 'null' apart and the borders between values, too
    (rows,) = con.execute(
        f"""
        SELECT sha256(coalesce(string_agg(line, '' ORDER BY line), ''))
        FROM (SELECT sha256(json_array({columns})::VARCHAR) AS line FROM {quoted(table.name)})
        """
    ).fetchone()
    return f"{header}\n{rows}"
