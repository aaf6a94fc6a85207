"""The draft of an edition: every form of the published tables, and the manifest over them.

Here belongs what turns marts into files. Not here: the choice of what is published (tables), the
audit of the result (audit) and the switch (edition). The warehouse is only ever read.
"""

import json
import shutil
from collections.abc import Mapping, Sequence
from hashlib import file_digest
from pathlib import Path
from typing import TYPE_CHECKING

from publication import catalogue
from publication.bericht import form as bericht
from publication.content import content_hash, geometry_hash
from publication.forms import datapackage, geopackage, geoparquet, kommonitor, views
from publication.handbuch import HANDBOOK, render
from publication.imprint import IMPRINT, Imprint
from publication.layers import area_shapes
from publication.material import MANIFEST, MARTS, Material
from publication.profiles import form as profiles
from publication.tables import PublishedTable, literal, quoted, quoted_list

if TYPE_CHECKING:
    import duckdb

COMPUTED = ("content_hash", "geometry_hash", "tables", "files", IMPRINT)

FORMS = (
    geopackage.write,
    geoparquet.write,
    datapackage.write,
    kommonitor.write,
    profiles.write,
    bericht.write,
    catalogue.write,
)
"""What is written beside marts, Parquet and handbook, in this order."""


def write_draft(
    *,
    warehouse: Path,
    tables: Sequence[PublishedTable],
    areas: Path,
    folder: Path,
    facts: Mapping,
    imprint: Imprint,
    handbook: Mapping | None = None,
    previous: Path | None = None,
) -> dict:
    """Write all files of an edition into a new folder.

    Writes `marts.duckdb` with its views, `parquet/<table>.parquet`, with its facts `handbuch.html`,
    the files of each form, and, last, `manifest.json`.
    A draft that fails is removed again; one with a manifest is complete.

    Args:
        warehouse: the DuckDB file with the relations of the tables; opened read-only.
        tables: what is published; exactly these tables and columns are written.
        areas: Parquet, one row for each area and Gebietsstand: `raum_id`, `gebietsstand`,
            `raumebene` and `geometry` (WKB polygons in EPSG:25832).
        folder: where to write; must not exist.
        facts: what the manifest says beside what is computed here; JSON values only.
        imprint: who publishes, and what leads; the manifest keeps it.
        handbook: what the quality handbook tells (`handbuch.render`); None: there is none.
        previous: the folder of the edition before, to tell what has changed; None: there is none.

    Returns:
        The manifest: `facts`, `content_hash`, `geometry_hash`, `tables` {name: {rows, columns,
        oeffentlich: those for everyone}}
        and `files` {relative path: {sha256, bytes}}, which lists all files but the manifest.

    Raises:
        FileExistsError: the folder exists.
        ValueError: `facts` uses a computed key, the warehouse lacks a declared relation or column
            or has another type, a key repeats, or the areas do not fit `dim_raum`.
    """
    taken = [key for key in COMPUTED if key in facts]
    if taken:
        raise ValueError(
            f"facts: expected no key of {', '.join(COMPUTED)}, found {', '.join(taken)}; "
            "leave it out, the draft computes it"
        )
    folder.mkdir(parents=True)
    try:
        counts = _write_tables(warehouse, tables, folder)
        _write_views(folder / MARTS, facts, imprint)
        shown = area_shapes(folder / MARTS, areas)
        if handbook is not None:
            (folder / HANDBOOK).write_text(render(handbook), "utf-8")
        material = Material(folder, tuple(tables), shown, areas, imprint, dict(facts), previous)
        for write in FORMS:
            write(material)
        outlines = geometry_hash(shown)
        manifest = {
            **facts,
            IMPRINT: imprint.facts(),
            "content_hash": content_hash(folder / MARTS, tables, outlines),
            "geometry_hash": outlines,
            "tables": {
                table.name: {
                    "rows": counts[table.name],
                    "columns": list(table.column_names),
                    "oeffentlich": list(table.public_columns()),
                }
                for table in tables
            },
            "files": file_facts(folder),
        }
        text = json.dumps(manifest, indent=2, sort_keys=True, ensure_ascii=False)
        (folder / MANIFEST).write_text(text + "\n", "utf-8")
    except BaseException:
        shutil.rmtree(folder)
        raise
    return manifest


def file_facts(folder: Path) -> dict[str, dict]:
    """Return {relative path: {sha256, bytes}} of every file in a folder but its manifest."""
    facts = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name != MANIFEST:
            with path.open("rb") as file:
                digest = file_digest(file, "sha256").hexdigest()
            facts[name] = {"sha256": digest, "bytes": path.stat().st_size}
    return facts


def _write_tables(
    warehouse: Path, tables: Sequence[PublishedTable], folder: Path
) -> dict[str, int]:
    """Write the marts as DuckDB and Parquet; return the number of rows of each table."""
    import duckdb

    (folder / "parquet").mkdir()
    with duckdb.connect() as con:
        # never COPY FROM DATABASE: it would take the schemas that hold persons, too
        con.execute(f"ATTACH {literal(str(warehouse))} AS warehouse (READ_ONLY)")
        con.execute(f"ATTACH {literal(str(folder / MARTS))} AS edition")
        for table in tables:
            _copy(con, table)
            _comment(con, table)
            _write_parquet(con, table, folder / "parquet" / f"{table.name}.parquet")
        counts = {
            table.name: con.table(_target(table)).count("*").fetchone()[0] for table in tables
        }
        con.execute("DETACH edition")  # writes everything into the one file, no .wal beside it
    return counts


def _write_views(marts: Path, facts: Mapping, imprint: Imprint) -> None:
    import duckdb

    with duckdb.connect(str(marts)) as con:
        views.write(con, facts, imprint)


def _target(table: PublishedTable) -> str:
    return quoted("edition", "main", table.name)


def _copy(con: "duckdb.DuckDBPyConnection", table: PublishedTable) -> None:
    """Create one table as declared and fill it in the order of all its columns."""
    import duckdb

    columns = [f"{quoted(column.name)} {column.type}" for column in table.columns]
    key = [f"PRIMARY KEY ({quoted_list(table.key)})"] if table.key else []
    con.execute(f"CREATE TABLE {_target(table)} ({', '.join(columns + key)})")
    _check_layout(con, table)
    try:
        con.execute(
            f"INSERT INTO {_target(table)} SELECT {quoted_list(table.column_names)} "
            f"FROM {quoted('warehouse', *table.relation.split('.'))} ORDER BY ALL"
        )
    except duckdb.ConstraintException:
        # DuckDB's own message carries the values of the row
        raise ValueError(
            f"{table.relation}: expected each {', '.join(table.key)} once and never empty, found "
            "repeated or empty keys; mend the model or its declared key"
        ) from None


def _check_layout(con: "duckdb.DuckDBPyConnection", table: PublishedTable) -> None:
    """Demand every declared column, in its declared type, of the warehouse."""
    found = _layout(con, "warehouse", *table.relation.split("."))
    if not found:
        raise ValueError(
            f"{table.relation}: expected in the warehouse, found no such relation; build the marts"
        )
    # read back from DuckDB, so that `text` and `VARCHAR` are the same
    for name, kind in _layout(con, "edition", "main", table.name).items():
        if found.get(name) != kind:
            raise ValueError(
                f"{table.relation}.{name}: expected type {kind}, found "
                f"{found.get(name, 'no such column')}; build the marts anew or mend the contract"
            )


def _layout(
    con: "duckdb.DuckDBPyConnection", database: str, schema: str, name: str
) -> dict[str, str]:
    return dict(
        con.execute(
            "SELECT column_name, data_type FROM duckdb_columns() "
            "WHERE database_name = ? AND schema_name = ? AND table_name = ? ORDER BY column_index",
            [database, schema, name],
        ).fetchall()
    )


def _comment(con: "duckdb.DuckDBPyConnection", table: PublishedTable) -> None:
    con.execute(f"COMMENT ON TABLE {_target(table)} IS {literal(table.description)}")
    for column in table.columns:
        con.execute(
            f"COMMENT ON COLUMN {_target(table)}.{quoted(column.name)} "
            f"IS {literal(column.description)}"
        )


def _write_parquet(con: "duckdb.DuckDBPyConnection", table: PublishedTable, path: Path) -> None:
    """Write one table; ordered rows and one writer give the same bytes from run to run."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = con.sql(f"SELECT * FROM {_target(table)} ORDER BY ALL").to_arrow_table()
    schema = pa.schema(
        [
            field.with_metadata({"description": column.description})
            for field, column in zip(rows.schema, table.columns, strict=True)
        ],
        metadata={"description": table.description},
    )
    pq.write_table(rows.cast(schema), path, compression="zstd")
