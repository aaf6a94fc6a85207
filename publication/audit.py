"""The audit of a finished edition: reads every file again and says what is not as declared.

Here belong the checks of the publication gate on files. Not here: how the files are written; the
audit shares the declarations, the column names and the definition of the hash with the writers, and
none of their steps. Its sentences name files, tables, columns and counts, never a value of a row.
"""

import json
import re
import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from publication.content import content_hash, geometry_hash
from publication.draft import GEOPACKAGE, MANIFEST, MARTS, file_facts
from publication.geopackage import AREA_COLUMNS, CRS, NO_AREA, multipolygons
from publication.handbuch import HANDBOOK, faults
from publication.tables import PublishedTable, literal, quoted

if TYPE_CHECKING:
    import duckdb

WITHHELD = ("geheim", "nicht_freigegeben")
FIGURES = {"mart_bevoelkerung": "anzahl", "mart_indikator": "wert", "mart_index": "index_wert"}
ABSOLUTE_PATH = re.compile(r"^(~?/|\\\\|[A-Za-z]:[\\/]|file:)|/(home|Users|root)/")

PATH_OF_A_USER = re.compile(r"/(home|Users|root|tmp|var|work)/|file:|[A-Za-z]:\\")


class Measure(NamedTuple):
    """An indicator or index as the layers have to show it."""

    mart: str
    key_column: str
    key: str
    value: str
    version: str
    columns: tuple[str, str, str]


def audit_files(folder: Path, tables: Sequence[PublishedTable]) -> list[str]:
    """Read the finished files of an edition and return what is wrong with them.

    Checked are: the files and their checksums against the manifest, its strings, tables, columns,
    types and rows of `marts.duckdb` and of each Parquet file against the declarations and against
    each other, the content hash, and of the GeoPackage its layers, columns, coordinate system,
    areas and every cell, against the marts.

    Args:
        folder: a draft or an edition.
        tables: the declarations with which it was written.

    Returns:
        One sentence for each problem, with the file, what was expected and what was found; an
        empty list if the edition is what was declared. A file that cannot be read is a problem,
        not an exception.
    """
    try:
        manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
    except (OSError, ValueError) as error:
        return [f"{MANIFEST}: expected a readable manifest, found {type(error).__name__}"]
    checks: list[tuple[str, Callable[[], Iterator[str]]]] = [
        (MANIFEST, lambda: _files(folder, manifest)),
        (MANIFEST, lambda: _strings(manifest)),
        (MANIFEST, lambda: _declared(manifest, tables)),
        (HANDBOOK, lambda: _handbook(folder)),
        (MARTS, lambda: _marts(folder, tables, manifest)),
        (MARTS, lambda: _withheld(folder, tables)),
        *(
            (f"parquet/{table.name}.parquet", lambda table=table: _parquet(folder, table))
            for table in tables
        ),
        (GEOPACKAGE, lambda: _layers(folder)),
        (GEOPACKAGE, lambda: _cells(folder)),
        (MANIFEST, lambda: _hash(folder, tables, manifest)),
    ]
    return [problem for name, check in checks for problem in _run(name, check)]


def _run(name: str, check: Callable[[], Iterator[str]]) -> list[str]:
    try:
        return list(check())
    except Exception as error:
        # whatever a damaged file raises: fail closed, and never pass on a text that may hold values
        return [f"{name}: expected files that can be read, found {type(error).__name__}"]


def _files(folder: Path, manifest: Mapping) -> Iterator[str]:
    listed, present = manifest.get("files", {}), file_facts(folder)
    for name in sorted(listed.keys() - present.keys()):
        yield f"{name}: expected as listed in {MANIFEST}, found no such file"
    for name in sorted(present.keys() - listed.keys()):
        yield f"{name}: expected only files listed in {MANIFEST}, found one more"
    for name in sorted(listed.keys() & present.keys()):
        if listed[name] != present[name]:
            yield f"{name}: expected size and SHA-256 of {MANIFEST}, found others"


def _declared(manifest: Mapping, tables: Sequence[PublishedTable]) -> Iterator[str]:
    """Find files that no declaration asks for, even if the manifest lists them."""
    tables_written = {f"parquet/{table.name}.parquet" for table in tables}
    forms = {MARTS, GEOPACKAGE, HANDBOOK, *tables_written}
    for name in sorted(set(manifest.get("files", {})) - forms):
        yield f"{name}: expected only the forms of an edition, found a file that is none"


def _handbook(folder: Path) -> Iterator[str]:
    """Read the handbook, if there is one: it needs nothing beside it and names no machine."""
    page = folder / HANDBOOK
    if not page.exists():
        return
    text = page.read_text("utf-8")
    yield from faults(text)
    if PATH_OF_A_USER.search(text):
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
    with _open(folder) as con:
        found = {
            f"{schema}.{name}".removeprefix("main.")
            for (schema, name) in con.execute(
                "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = 'marts' "
                "UNION ALL SELECT schema_name, view_name FROM duckdb_views() "
                "WHERE database_name = 'marts' AND NOT internal"
            ).fetchall()
        }
        yield from _same_names(MARTS, "tables", declared, found)
        yield from _same_names(f"{MANIFEST} tables", "tables", declared, listed)
        for name in sorted(declared.keys() & found):
            table = declared[name]
            yield from _layout(con, f"{MARTS} {name}", quoted(name), table)
            rows = _count(con, f"SELECT count(*) FROM {quoted(name)}")
            expected = {"rows": rows, "columns": list(table.column_names)}
            if name in listed and listed[name] != expected:
                yield (
                    f"{MANIFEST} {name}: expected {rows} rows and the declared columns as in "
                    f"{MARTS}, found {listed[name].get('rows')} rows or other columns"
                )


def _withheld(folder: Path, tables: Sequence[PublishedTable]) -> Iterator[str]:
    statuses = ", ".join(map(literal, WITHHELD))
    with _open(folder) as con:
        for table in tables:
            column = FIGURES.get(table.name)
            if column in table.column_names and "status" in table.column_names:
                figures = f"SELECT count({column}) FROM {quoted(table.name)}"
                wrong = _count(con, f"{figures} WHERE status IN ({statuses})")
                if wrong:
                    yield (
                        f"{MARTS} {table.name}.{column}: expected no value where status is one of "
                        f"{', '.join(WITHHELD)}, found {wrong}"
                    )


def _parquet(folder: Path, table: PublishedTable) -> Iterator[str]:
    path = folder / "parquet" / f"{table.name}.parquet"
    name = f"parquet/{path.name}"
    with _open(folder) as con:
        source = f"read_parquet({literal(str(path))})"
        problems = list(_layout(con, name, source, table))
        yield from problems
        if problems:
            return
        ours, theirs = (f"SELECT * FROM {quoted(table.name)}", f"SELECT * FROM {source}")
        missing = _count(con, f"SELECT count(*) FROM ({ours} EXCEPT ALL {theirs})")
        extra = _count(con, f"SELECT count(*) FROM ({theirs} EXCEPT ALL {ours})")
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
    yield from _same_names(name, "columns", table.column_names, found)
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
    for level in pyogrio.list_layers(folder / GEOPACKAGE)[:, 0]:
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


def _layers(folder: Path) -> Iterator[str]:
    """Compare layers, columns, coordinate system and areas with what the marts ask for."""
    with _open(folder) as con:
        areas = _areas(con)
        columns = {"fid", "geom", *AREA_COLUMNS}
        for measure in _measures(con):
            columns.update(measure.columns)
    uri = f"{(folder / GEOPACKAGE).resolve().as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True)) as con:
        found = dict(con.execute("SELECT table_name, srs_id FROM gpkg_contents"))
        yield from _same_names(GEOPACKAGE, "layers", areas, found)
        yield from _hidden_tables(con, found)
        for level in sorted(areas.keys() & found.keys()):
            yield from _layer(con, level, columns, areas[level])


def _areas(con: "duckdb.DuckDBPyConnection") -> dict[str, dict[str, list[str]]]:
    """Return {level: {gebietsstand: areas in order}} of everything that has a shape."""
    areas: dict[str, dict[str, list[str]]] = {}
    for level, version, keys in con.execute(
        "SELECT raumebene, gebietsstand, list(raum_id ORDER BY raum_id) FROM dim_raum "
        "WHERE raumebene <> ? GROUP BY raumebene, gebietsstand",
        [NO_AREA],
    ).fetchall():
        areas.setdefault(level, {})[version] = keys
    return areas


def _hidden_tables(con: sqlite3.Connection, layers: Collection[str]) -> Iterator[str]:
    """Find what a GIS would not show, but the file would hold."""
    stored = con.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")
    for (name,) in stored:
        if name not in layers and not name.startswith(("gpkg_", "sqlite_", "rtree_")):
            yield f"{GEOPACKAGE}: expected no tables but its layers, found {name}"


def _layer(
    con: sqlite3.Connection, level: str, columns: Collection[str], areas: Mapping[str, list[str]]
) -> Iterator[str]:
    name = f"{GEOPACKAGE} layer {level}"
    found = [column for _, column, *_ in con.execute(f"PRAGMA table_info({quoted(level)})")]
    yield from _same_names(name, "columns", columns, found)
    systems = {
        srs_id
        for table in ("gpkg_contents", "gpkg_geometry_columns")
        for (srs_id,) in con.execute(f"SELECT srs_id FROM {table} WHERE table_name = ?", [level])
    }
    if systems != {int(CRS.removeprefix("EPSG:"))}:
        yield f"{name}: expected {CRS}, found {sorted(systems)}"
    rows = con.execute(
        f"SELECT gebietsstand, raum_id FROM {quoted(level)} ORDER BY raum_id"
    ).fetchall()
    versions = {version for version, _ in rows}
    if len(versions) != 1 or areas.get(*versions) != [area for _, area in rows]:
        yield (
            f"{name}: expected each area of one Gebietsstand of dim_raum once, found {len(rows)} "
            f"rows of {len(versions)} Gebietsstände that are not these areas"
        )


def _cells(folder: Path) -> Iterator[str]:
    """Compare every cell of every layer with the marts: value, status and Stichtag."""
    import pyogrio

    with _open(folder) as con:
        for level in pyogrio.list_layers(folder / GEOPACKAGE)[:, 0]:
            _, layer = pyogrio.read_arrow(folder / GEOPACKAGE, layer=level, read_geometry=False)
            con.register("layer", layer)
            for measure in _measures(con):
                if set(measure.columns) <= set(layer.column_names):
                    yield from _cells_of(con, level, measure)


def _cells_of(con: "duckdb.DuckDBPyConnection", level: str, measure: Measure) -> Iterator[str]:
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
    name = f"{GEOPACKAGE} layer {level}, column {measure.columns[0]}"
    if exposed:
        yield (
            f"{name}: expected no value where the status in {measure.mart} is not ok, "
            f"found {exposed}"
        )
    if different:
        yield (
            f"{name}: expected value, status and stichtag of {measure.mart}, "
            f"found {different} areas with others"
        )


def _measures(con: "duckdb.DuckDBPyConnection") -> list[Measure]:
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


def _same_names(
    name: str, what: str, expected: Collection[str], found: Collection[str]
) -> Iterator[str]:
    for missing in sorted(set(expected) - set(found)):
        yield f"{name}: expected {missing} among its {what}, found no such one"
    for extra in sorted(set(found) - set(expected)):
        yield f"{name}: expected only declared {what}, found {extra}"


def _open(folder: Path) -> "duckdb.DuckDBPyConnection":
    import duckdb

    return duckdb.connect(str(folder / MARTS), read_only=True)


def _count(con: "duckdb.DuckDBPyConnection", query: str) -> int:
    return con.execute(query).fetchone()[0]
