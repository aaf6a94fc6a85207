"""The audit of the GeoPackage: its layers, columns, coordinate system, areas and every cell.

Shares the names of files and columns with the writer and none of its steps. Not here: styles and
the project (qgis).
"""

import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from publication.audit import qgis
from publication.audit.reading import (
    LONG_NAMES,
    layer_cells,
    long_cells,
    measures,
    near,
    open_marts,
    same_names,
)
from publication.forms.geopackage import GEOPACKAGE, PROJECTS, STYLES
from publication.layers import (
    AREA_COLUMNS,
    CRS,
    GENERALISED,
    LONG,
    LONG_ALIASES,
    NO_AREA,
    TOLERANCE,
)
from publication.material import Finished
from publication.tables import PublishedTable, quoted, table_named

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

STANDARD = {
    *("gpkg_contents", "gpkg_data_columns", "gpkg_data_column_constraints", "gpkg_extensions"),
    *("gpkg_geometry_columns", "gpkg_ogr_contents", "gpkg_spatial_ref_sys"),
    *("gpkg_tile_matrix", "gpkg_tile_matrix_set", "sqlite_sequence"),
}
INDEX_OF_SHAPES = ("", "_node", "_parent", "_rowid")


def names(finished: Finished) -> set[str]:
    """Return the files of this form."""
    return {GEOPACKAGE}


def check(finished: Finished) -> Iterator[str]:
    """Compare layers, cells, styles and the project with the marts; one sentence a problem."""
    path = finished.folder / GEOPACKAGE
    with open_marts(finished.folder) as marts:
        yield from _stored(path, finished, marts)
        areas = shown_areas(marts)
        yield from _cells(path, marts, areas)
        yield from _shapes(path, areas)
        yield from _long(path, marts, table_named(finished.tables, "mart_indikator"))


def _stored(path: Path, finished: Finished, marts: "duckdb.DuckDBPyConnection") -> Iterator[str]:
    """Compare what is in the file, beside cells and shapes, with the declarations."""
    areas = shown_areas(marts)
    wide = {"fid", "geom", *AREA_COLUMNS}
    for measure in measures(marts):
        wide.update(measure.columns)
    columns = {level + suffix: wide for level in areas for suffix in ("", GENERALISED)}
    mart = table_named(finished.tables, "mart_indikator")
    columns[LONG] = {"fid", *mart.public_columns(), *LONG_NAMES}
    classes = qgis.declared_classes(marts)
    versions = marts.execute("SELECT DISTINCT gebietsstand FROM dim_raum").fetchall()
    imprint = finished.imprint
    known = [version for (version,) in versions]
    known += [imprint.titel, imprint.quellenvermerk, imprint.lizenz_name]
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as con:
        yield from _layers(con, columns, areas)
        yield from _labels(con, columns, _declared_words(marts, finished.tables))
        yield from _texts(con, known)
        stored = {name for (name,) in con.execute("SELECT name FROM sqlite_master")}
        if STYLES in stored:
            yield from qgis.styles(con, columns, classes)
        if PROJECTS in stored:
            yield from qgis.project(con, columns, classes, known)


def shown_areas(con: "duckdb.DuckDBPyConnection") -> dict[str, tuple[str, list[str]]]:
    """Return {level: (gebietsstand, areas in order)} of what an edition shows on maps.

    A level shows the newest Gebietsstand with figures on it; without any, the newest.
    """
    figures = set(
        con.execute("SELECT DISTINCT raumebene, gebietsstand FROM mart_indikator").fetchall()
    )
    shown: dict[str, tuple] = {}
    for level, version, begin, keys in con.execute(
        "SELECT raumebene, gebietsstand, max(gueltig_ab), list(raum_id ORDER BY raum_id) "
        "FROM dim_raum WHERE raumebene <> ? GROUP BY raumebene, gebietsstand",
        [NO_AREA],
    ).fetchall():
        rank = ((level, version) in figures, begin or date.min, version)
        shown[level] = max(shown.get(level, (rank, keys)), (rank, keys))
    return {level: (rank[2], keys) for level, (rank, keys) in shown.items()}


def _layers(
    con: sqlite3.Connection,
    columns: Mapping[str, Collection[str]],
    areas: Mapping[str, tuple[str, list[str]]],
) -> Iterator[str]:
    """Compare layers, columns, coordinate system and areas with what the marts ask for."""
    found = dict(con.execute("SELECT table_name, data_type FROM gpkg_contents"))
    yield from same_names(GEOPACKAGE, "layers", {*columns, STYLES}, found)
    yield from _hidden_tables(con, found, areas)
    for name in sorted(columns.keys() & found.keys()):
        listed = [column for _, column, *_ in con.execute(f"PRAGMA table_info({quoted(name)})")]
        yield from same_names(f"{GEOPACKAGE} layer {name}", "columns", columns[name], listed)
        if name != LONG:
            yield from _layer(con, name, *areas[name.removesuffix(GENERALISED)])
    for name in (LONG, STYLES):
        if found.get(name, "attributes") != "attributes":
            yield f"{GEOPACKAGE} {name}: expected a table without shapes, found {found[name]}"


def _declared_words(con: "duckdb.DuckDBPyConnection", tables: Sequence[PublishedTable]) -> set[str]:
    """Return what a column may be called or described by."""
    words = {*AREA_COLUMNS.values(), *LONG_ALIASES.values(), ""}
    for table in tables:
        words.update(column.description for column in table.columns)
        words.update(column.name.replace("_", " ").capitalize() for column in table.columns)
    named = con.execute(
        "SELECT name, einheit, definition FROM dim_indikator UNION ALL "
        "SELECT name, NULL, NULL FROM dim_indexklasse UNION ALL "
        "SELECT 'Index ' || index_id, NULL, NULL FROM mart_index"
    ).fetchall()
    for name, unit, definition in named:
        words.update((name, f"{name} ({unit})", definition or ""))
        words.update(f"{name}: {what}" for what in ("Klasse", "Status", "Stichtag"))
    return words


def _labels(
    con: sqlite3.Connection, columns: Mapping[str, Collection[str]], words: Collection[str]
) -> Iterator[str]:
    """Demand a declared alias for every column and for no other."""
    name = f"{GEOPACKAGE} gpkg_data_columns"
    rows = con.execute(
        "SELECT table_name || '.' || column_name, name, title, description, mime_type, "
        "constraint_name FROM gpkg_data_columns"
    ).fetchall()
    expected = {
        f"{table}.{column}" for table in columns for column in {*columns[table]} - {"fid", "geom"}
    }
    yield from same_names(name, "columns", expected, [row[0] for row in rows])
    other = sum(not set(filter(None, row[1:])) <= set(words) for row in rows)
    if other:
        yield f"{name}: expected declared names and descriptions, found {other} others"


def _texts(con: sqlite3.Connection, known: Collection[str]) -> Iterator[str]:
    """Find figures in the titles and descriptions of layers."""
    rows = con.execute("SELECT table_name, identifier, description FROM gpkg_contents").fetchall()
    for table, *texts in rows:
        if any(qgis.figures_in(text or "", known) for text in texts):
            yield f"{GEOPACKAGE} gpkg_contents: expected no figures in the texts of {table}"


def _hidden_tables(
    con: sqlite3.Connection, layers: Collection[str], areas: Collection[str]
) -> Iterator[str]:
    """Find what a GIS would not show, but the file would hold."""
    known = {*layers, *STANDARD, STYLES, PROJECTS}
    for level in areas:
        for layer in (level, level + GENERALISED):
            known.update(f"rtree_{layer}_geom{part}" for part in INDEX_OF_SHAPES)
    stored = con.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")
    found = {name for (name,) in stored}
    for name in sorted(found - known):
        yield f"{GEOPACKAGE}: expected no tables but its layers, found {name}"
    for name in sorted({PROJECTS, STYLES} - found):
        yield f"{GEOPACKAGE}: expected a table {name}, found none"


def _layer(con: sqlite3.Connection, layer: str, version: str, keys: list[str]) -> Iterator[str]:
    name = f"{GEOPACKAGE} layer {layer}"
    systems = {
        srs_id
        for table in ("gpkg_contents", "gpkg_geometry_columns")
        for (srs_id,) in con.execute(f"SELECT srs_id FROM {table} WHERE table_name = ?", [layer])
    }
    if systems != {int(CRS.removeprefix("EPSG:"))}:
        yield f"{name}: expected {CRS}, found {sorted(systems)}"
    kinds = con.execute(
        "SELECT geometry_type_name FROM gpkg_geometry_columns WHERE table_name = ?", [layer]
    ).fetchall()
    if kinds != [("MULTIPOLYGON",)]:
        yield f"{name}: expected multipolygons, found {', '.join(kind for (kind,) in kinds)}"
    rows = con.execute(
        f"SELECT gebietsstand, raum_id FROM {quoted(layer)} ORDER BY raum_id"
    ).fetchall()
    if rows != [(version, key) for key in keys]:
        yield (
            f"{name}: expected each area of Gebietsstand {version} of dim_raum once, found "
            f"{len(rows)} rows that are not these areas"
        )


def _read(path: Path, layer: str, *, shapes: bool) -> "pa.Table":
    import pyogrio

    return pyogrio.read_arrow(path, layer=layer, read_geometry=shapes)[1]


def _present(path: Path, areas: Collection[str]) -> Iterator[tuple[str, str]]:
    """Return (layer, level) of the declared layers that the file has."""
    import pyogrio

    found = set(pyogrio.list_layers(path)[:, 0])
    for level in sorted(areas):
        yield from ((name, level) for name in (level, level + GENERALISED) if name in found)


def _cells(path: Path, con: "duckdb.DuckDBPyConnection", areas: Collection[str]) -> Iterator[str]:
    """Compare every cell of every wide layer with the marts."""
    known = measures(con)
    for layer, level in _present(path, areas):
        con.register("layer", _read(path, layer, shapes=False))
        found = {row[0] for row in con.execute("DESCRIBE layer").fetchall()}
        if set(AREA_COLUMNS) <= found:
            yield from _areas_of(con, layer)
        told = [measure for measure in known if set(measure.columns) <= found]
        if told:
            yield from layer_cells(con, f"{GEOPACKAGE} layer {layer}", level, told)


def _areas_of(con: "duckdb.DuckDBPyConnection", layer: str) -> Iterator[str]:
    columns = [quoted(name) for name in AREA_COLUMNS]
    other = " OR ".join(f"layer.{name} IS DISTINCT FROM dim_raum.{name}" for name in columns)
    (different,) = con.execute(
        f"SELECT count(*) FROM layer LEFT JOIN dim_raum USING (raum_id, gebietsstand) WHERE {other}"
    ).fetchone()
    if different:
        yield (
            f"{GEOPACKAGE} layer {layer}: expected the areas as dim_raum describes them, found "
            f"{different} with other names, keys or surfaces"
        )


def _shapes(path: Path, areas: Collection[str]) -> Iterator[str]:
    """Compare simplified shapes with exact ones, area by area; all are polygons."""
    import shapely

    polygons = (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON)
    read = {}
    for layer, level in _present(path, areas):
        rows = _read(path, layer, shapes=True).sort_by("raum_id")
        shapes = shapely.from_wkb(rows.column("geom").to_numpy(zero_copy_only=False))
        read[layer] = dict(zip(rows.column("raum_id").to_pylist(), shapes, strict=True))
        wrong = sum(shapely.get_type_id(shape) not in polygons for shape in shapes)
        if wrong:
            yield f"{GEOPACKAGE} layer {layer}: expected polygons only, found {wrong} other shapes"
        elif layer != level and level in read:
            yield from _simplified(layer, read[level], read[layer])


def _simplified(layer: str, exact: Mapping, rough: Mapping) -> Iterator[str]:
    shared = sorted(exact.keys() & rough.keys())
    close = near([rough[key] for key in shared], [exact[key] for key in shared])
    moved = int((~close).sum()) + len(exact.keys() ^ rough.keys())
    if moved:
        yield (
            f"{GEOPACKAGE} layer {layer}: expected the exact areas within {TOLERANCE:g} m of "
            f"their boundary, found {moved} others"
        )


def _long(path: Path, con: "duckdb.DuckDBPyConnection", mart: PublishedTable) -> Iterator[str]:
    """Compare every row and cell of the long table with the marts."""
    import pyogrio

    if LONG not in pyogrio.list_layers(path)[:, 0]:
        return
    rows = _read(path, LONG, shapes=False)
    if {*mart.public_columns(), *LONG_NAMES} <= set(rows.column_names):
        con.register("long", rows)
        yield from long_cells(con, f"{GEOPACKAGE} {LONG}", mart)
