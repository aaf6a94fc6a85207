"""The audit of an edition's core: its manifest, marts, Parquet files, hash and handbook.

Not here: the forms beside them, each of which has a module of its own.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from publication.audit.reading import PATH, count, open_marts, same_names
from publication.content import content_hash, geometry_hash
from publication.draft import file_facts
from publication.forms import views
from publication.forms.geopackage import GEOPACKAGE
from publication.handbuch import HANDBOOK, faults
from publication.layers import GENERALISED, multipolygons
from publication.material import MANIFEST, MARTS, Finished
from publication.tables import PublishedTable, literal, quoted

if TYPE_CHECKING:
    import duckdb

WITHHELD = ("geheim", "nicht_freigegeben")
FIGURES = {
    "mart_bevoelkerung": ("anzahl",),
    "mart_indikator": ("wert", "zaehler", "klasse"),
    "mart_index": ("index_wert", "summe", "klasse"),
    "mart_reihe": ("wert", "zaehler", "klasse", "veraenderung", "veraenderung_prozent"),
    "mart_abgleich": ("differenz", "differenz_prozent"),
}
"""Columns that say nothing beside a status that withholds."""
ABSOLUTE_PATH = re.compile(r"^(~?/|\\\\|[A-Za-z]:[\\/]|file:)|/(home|Users|root)/")


def names(finished: Finished) -> set[str]:
    """Return the files of the core; the handbook is there if there were facts for it."""
    return {
        MARTS,
        *({HANDBOOK} if (finished.folder / HANDBOOK).exists() else ()),
        *(f"parquet/{table.name}.parquet" for table in finished.tables),
    }


def checks(finished: Finished) -> list[tuple[str, Callable[[], Iterator[str]]]]:
    """Return the checks of the core, each with the file that it speaks of."""
    folder, tables, manifest = finished.folder, finished.tables, finished.manifest
    return [
        (MANIFEST, lambda: _files(folder, manifest)),
        (MANIFEST, lambda: _strings(manifest)),
        (HANDBOOK, lambda: _handbook(folder)),
        (MARTS, lambda: _marts(folder, tables, manifest)),
        (MARTS, lambda: _views(finished)),
        (MARTS, lambda: _withheld(folder, tables)),
        *(
            (f"parquet/{table.name}.parquet", lambda table=table: _parquet(folder, table))
            for table in tables
        ),
        (MANIFEST, lambda: _hash(folder, tables, manifest)),
    ]


def _files(folder: Path, manifest: Mapping) -> Iterator[str]:
    listed, present = manifest.get("files", {}), file_facts(folder)
    for name in sorted(listed.keys() - present.keys()):
        yield f"{name}: expected as listed in {MANIFEST}, found no such file"
    for name in sorted(present.keys() - listed.keys()):
        yield f"{name}: expected only files listed in {MANIFEST}, found one more"
    for name in sorted(listed.keys() & present.keys()):
        if listed[name] != present[name]:
            yield f"{name}: expected size and SHA-256 of {MANIFEST}, found others"


def _handbook(folder: Path) -> Iterator[str]:
    """Read the handbook, if there is one: it needs nothing beside it and names no machine."""
    page = folder / HANDBOOK
    if not page.exists():
        return
    text = page.read_text("utf-8")
    yield from faults(text)
    if PATH.search(text):
        yield f"{HANDBOOK}: expected no path of a machine, found one"


def _strings(value: object, where: str = "") -> Iterator[str]:
    """Find paths of this machine, which carry the names of its users."""
    if isinstance(value, str) and ABSOLUTE_PATH.search(value):
        yield f"{MANIFEST}: expected no absolute path, found one at {where or 'the top'}"
    elif isinstance(value, Mapping):
        for key, entry in value.items():
            yield from _strings(str(key), f"a key in {where or 'the top'}")
            yield from _strings(entry, f"{where}.{key}".lstrip("."))
    elif isinstance(value, list):
        for number, entry in enumerate(value):
            yield from _strings(entry, f"{where}[{number}]")


def _marts(folder: Path, tables: Sequence[PublishedTable], manifest: Mapping) -> Iterator[str]:
    declared = {table.name: table for table in tables}
    listed = manifest.get("tables", {})
    with open_marts(folder) as con:
        found = {
            f"{schema}.{name}".removeprefix("main.")
            for (schema, name) in con.execute(
                "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = 'marts'"
            ).fetchall()
        }
        yield from same_names(MARTS, "tables", declared, found)
        yield from same_names(f"{MANIFEST} tables", "tables", declared, listed)
        for name in sorted(declared.keys() & found):
            table = declared[name]
            yield from _layout(con, f"{MARTS} {name}", quoted(name), table)
            rows = count(con, f"SELECT count(*) FROM {quoted(name)}")
            expected = {
                "rows": rows,
                "columns": list(table.column_names),
                "oeffentlich": list(table.public_columns()),
            }
            if name in listed and listed[name] != expected:
                yield (
                    f"{MANIFEST} {name}: expected {rows} rows and the declared columns as in "
                    f"{MARTS}, found {listed[name].get('rows')} rows or other columns"
                )


def _views(finished: Finished) -> Iterator[str]:
    """Compare the views with those that their SQL makes over empty tables as declared.

    The database of that comparison has the published tables and reaches no file, so a view that is
    equal to one of its views can read nothing else.
    """
    import duckdb

    with duckdb.connect(config={"enable_external_access": "false"}) as con:
        for table in finished.tables:
            columns = ", ".join(f"{quoted(column.name)} {column.type}" for column in table.columns)
            con.execute(f"CREATE TABLE {quoted(table.name)} ({columns})")
        views.write(con, finished.manifest, finished.imprint)
        expected = _views_of(con)
    with open_marts(finished.folder) as con:
        found = _views_of(con)
    yield from same_names(MARTS, "views", expected, found)
    for name in sorted(expected.keys() & found.keys()):
        if expected[name].sql != found[name].sql:
            yield f"{MARTS} {name}: expected the declared query, found another"
        if expected[name].columns != found[name].columns:
            yield f"{MARTS} {name}: expected the declared columns and comments, found others"
    for name, view in sorted(expected.items()):
        bare = [column or "itself" for column, _, comment in view.columns if not comment]
        if bare:
            yield f"{MARTS} {name}: expected a comment on each column, found none on {bare[0]}"


class _View(NamedTuple):
    """The query of a view, and its columns (name, type, comment), its own comment the first."""

    sql: str
    columns: tuple[tuple[str, str | None, str | None], ...]


def _views_of(con: "duckdb.DuckDBPyConnection") -> dict[str, _View]:
    columns: dict[tuple[str, str], list] = {}
    for schema, name, *column in con.execute(
        "SELECT schema_name, table_name, column_name, data_type, comment FROM duckdb_columns() "
        "WHERE database_name = current_database() AND NOT internal ORDER BY column_index"
    ).fetchall():
        columns.setdefault((schema, name), []).append(tuple(column))
    return {
        f"{schema}.{name}".removeprefix("main."): _View(
            sql, (("", None, comment), *columns[schema, name])
        )
        for schema, name, sql, comment in con.execute(
            "SELECT schema_name, view_name, sql, comment FROM duckdb_views() "
            "WHERE database_name = current_database() AND NOT internal"
        ).fetchall()
    }


def _withheld(folder: Path, tables: Sequence[PublishedTable]) -> Iterator[str]:
    statuses = ", ".join(map(literal, WITHHELD))
    with open_marts(folder) as con:
        for table in tables:
            for column in FIGURES.get(table.name, ()):
                figures = f"SELECT count({column}) FROM {quoted(table.name)}"
                wrong = count(con, f"{figures} WHERE status IN ({statuses})")
                if wrong:
                    yield (
                        f"{MARTS} {table.name}.{column}: expected no value where status is one of "
                        f"{', '.join(WITHHELD)}, found {wrong}"
                    )


def _parquet(folder: Path, table: PublishedTable) -> Iterator[str]:
    path = folder / "parquet" / f"{table.name}.parquet"
    name = f"parquet/{path.name}"
    with open_marts(folder) as con:
        source = f"read_parquet({literal(str(path))})"
        problems = list(_layout(con, name, source, table))
        yield from problems
        if problems:
            return
        ours, theirs = (f"SELECT * FROM {quoted(table.name)}", f"SELECT * FROM {source}")
        missing = count(con, f"SELECT count(*) FROM ({ours} EXCEPT ALL {theirs})")
        extra = count(con, f"SELECT count(*) FROM ({theirs} EXCEPT ALL {ours})")
        if missing or extra:
            yield (
                f"{name}: expected the rows of {MARTS}, found {missing} rows missing and {extra} "
                "rows more"
            )


def _layout(
    con: "duckdb.DuckDBPyConnection", name: str, source: str, table: PublishedTable
) -> Iterator[str]:
    """Compare the columns and types of a source with the declaration, their order included."""
    found = dict(row[:2] for row in con.execute(f"DESCRIBE FROM {source}").fetchall())
    yield from same_names(name, "columns", table.column_names, found)
    if found.keys() == set(table.column_names) and tuple(found) != table.column_names:
        yield f"{name}: expected the columns in declared order, found another order"
    casts = ", ".join(f"NULL::{column.type}" for column in table.columns)
    types = [row[1] for row in con.execute(f"DESCRIBE SELECT {casts}").fetchall()]
    for column, kind in zip(table.column_names, types, strict=True):
        if found.get(column, kind) != kind:
            yield f"{name}.{column}: expected type {kind}, found {found[column]}"


def _hash(folder: Path, tables: Sequence[PublishedTable], manifest: Mapping) -> Iterator[str]:
    import pyarrow as pa
    import pyogrio

    layers = []
    for level, kind in pyogrio.list_layers(folder / GEOPACKAGE):
        if kind is None or level.endswith(GENERALISED):
            continue
        _, rows = pyogrio.read_arrow(
            folder / GEOPACKAGE, layer=level, columns=["raum_id", "gebietsstand"]
        )
        rows = rows.append_column("raumebene", pa.array([level] * len(rows), pa.string()))
        layers.append(rows.append_column("geometry", multipolygons(rows.column("geom"))))
    columns = ["raumebene", "raum_id", "gebietsstand", "geometry"]
    outlines = geometry_hash(pa.concat_tables([rows.select(columns) for rows in layers]))
    if outlines != manifest.get("geometry_hash"):
        yield f"{GEOPACKAGE}: expected the geometry_hash of {MANIFEST}, found other shapes or areas"
    if content_hash(folder / MARTS, tables, outlines) != manifest.get("content_hash"):
        yield f"{MARTS}: expected the content_hash of {MANIFEST}, found other values"
