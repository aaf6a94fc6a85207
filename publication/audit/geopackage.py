"""The audit of the GeoPackage: its layers, columns, coordinate system, areas and every cell.

Shares the names of files and columns with the writer and none of its steps.
"""

import sqlite3
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from publication.audit.reading import layer_cells, measures, open_marts, same_names
from publication.forms.geopackage import GEOPACKAGE
from publication.layers import AREA_COLUMNS, CRS, NO_AREA
from publication.material import Finished
from publication.tables import quoted

if TYPE_CHECKING:
    import duckdb


def names(finished: Finished) -> set[str]:
    """Return the files of this form."""
    return {GEOPACKAGE}


def check(finished: Finished) -> Iterator[str]:
    """Compare layers and cells with the marts; one sentence for each problem."""
    yield from _layers(finished.folder)
    yield from _cells(finished.folder)


def _layers(folder: Path) -> Iterator[str]:
    """Compare layers, columns, coordinate system and areas with what the marts ask for."""
    with open_marts(folder) as con:
        areas = _areas(con)
        columns = {"fid", "geom", *AREA_COLUMNS}
        for measure in measures(con):
            columns.update(measure.columns)
    uri = f"{(folder / GEOPACKAGE).resolve().as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True)) as con:
        found = dict(con.execute("SELECT table_name, srs_id FROM gpkg_contents"))
        yield from same_names(GEOPACKAGE, "layers", areas, found)
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
    yield from same_names(name, "columns", columns, found)
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

    with open_marts(folder) as con:
        for level in pyogrio.list_layers(folder / GEOPACKAGE)[:, 0]:
            _, layer = pyogrio.read_arrow(folder / GEOPACKAGE, layer=level, read_geometry=False)
            con.register("layer", layer)
            found = [
                measure
                for measure in measures(con)
                if set(measure.columns) <= set(layer.column_names)
            ]
            yield from layer_cells(con, f"{GEOPACKAGE} layer {level}", level, found)
