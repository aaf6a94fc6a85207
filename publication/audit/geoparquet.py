"""The audit of the GeoParquet files: their layers, columns, metadata, shapes and every cell.

Shares the names of files and columns with the writer and none of its steps.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from publication.audit.reading import (
    PATH,
    Measure,
    count,
    layer_cells,
    levels,
    measures,
    near,
    open_marts,
    same_names,
)
from publication.forms.geopackage import GEOPACKAGE
from publication.forms.geoparquet import EXTENT, FOLDER, SHAPE
from publication.layers import AREA_COLUMNS, CRS, GENERALISED, multipolygons
from publication.material import Finished
from publication.tables import quoted_list

if TYPE_CHECKING:
    import duckdb
    import numpy as np
    import pyarrow as pa

VERSION = "1.1.0"


def names(finished: Finished) -> set[str]:
    """Return the files of this form."""
    with finished.open() as con:
        return {_name(level, suffix) for level in levels(con) for suffix in ("", GENERALISED)}


def check(finished: Finished) -> Iterator[str]:
    """Compare columns, cells and shapes with marts and GeoPackage; a sentence for each problem."""
    with open_marts(finished.folder) as con:
        found = measures(con)
        for level in levels(con):
            expected = _shapes_of(finished.folder / GEOPACKAGE, level)
            name, simplified = _name(level, ""), _name(level, GENERALISED)
            rows = _read(finished.folder / name)
            other = _read(finished.folder / simplified)
            yield from _columns(name, rows, found)
            yield from _columns(simplified, other, found)
            yield from _cells(con, name, level, rows, found)
            yield from _same_rows(simplified, rows, other)
            yield from _shapes(name, rows, expected, exact=True)
            yield from _shapes(simplified, other, expected, exact=False)


def _name(level: str, suffix: str) -> str:
    return f"{FOLDER}/{level}{suffix}.parquet"


def _read(path: Path) -> "pa.Table":
    import pyarrow.parquet as pq

    return pq.ParquetFile(path).read()


def _columns(name: str, rows: "pa.Table", found: Sequence[Measure]) -> Iterator[str]:
    declared = {SHAPE, EXTENT, *AREA_COLUMNS}.union(*(measure.columns for measure in found))
    yield from same_names(name, "columns", declared, rows.column_names)
    yield from _metadata(name, rows.schema)


def _cells(
    con: "duckdb.DuckDBPyConnection",
    name: str,
    level: str,
    rows: "pa.Table",
    found: Sequence[Measure],
) -> Iterator[str]:
    """Compare every cell of a file with the marts."""
    con.register("layer", rows.drop_columns([SHAPE, EXTENT]))
    yield from _areas(con, name, level)
    shown = [measure for measure in found if set(measure.columns) <= set(rows.column_names)]
    yield from layer_cells(con, name, level, shown)


def _same_rows(name: str, rows: "pa.Table", other: "pa.Table") -> Iterator[str]:
    """Compare every cell of the simplified file with the exact one, which the marts confirm."""
    if set(rows.column_names) != set(other.column_names):
        return  # `_columns` has said so
    ours, theirs = (
        table.drop_columns([SHAPE, EXTENT]).sort_by("raum_id") for table in (rows, other)
    )
    different = sum(
        not ours.column(column).equals(theirs.column(column)) for column in ours.column_names
    )
    if different:
        yield (
            f"{name}: expected the cells of the exact layer, found {different} columns with others"
        )


def _metadata(name: str, schema: "pa.Schema") -> Iterator[str]:
    """Read what the file says of itself: its version, coordinate system and descriptions."""
    found = {key.decode(): value.decode() for key, value in (schema.metadata or {}).items()}
    geo = json.loads(found.get("geo", "{}"))
    shape = geo.get("columns", {}).get(SHAPE, {})
    if geo.get("version") != VERSION or "covering" not in shape:
        yield f"{name}: expected GeoParquet {VERSION} with covering, found another"
    if shape.get("crs", {}).get("id") != {"authority": "EPSG", "code": int(CRS.split(":")[1])}:
        yield f"{name}: expected {CRS}, found another coordinate system"
    if shape.get("geometry_types") != ["MultiPolygon"]:
        yield f"{name}: expected multipolygons only, found other kinds declared"
    texts = [dict(field.metadata or {}) for field in schema]
    silent = sum(b"description" not in told for told in texts)
    if silent:
        yield f"{name}: expected a description of each column, found {silent} without"
    told = [*found.values(), *(value.decode() for text in texts for value in text.values())]
    if any(map(PATH.search, told)):
        yield f"{name}: expected no path of a machine in its metadata, found one"


def _areas(con: "duckdb.DuckDBPyConnection", name: str, level: str) -> Iterator[str]:
    """Compare the areas and what is said of them with one Gebietsstand of dim_raum."""
    versions = con.execute("SELECT DISTINCT gebietsstand FROM layer").fetchall()
    if len(versions) != 1:
        yield f"{name}: expected areas of one Gebietsstand, found {len(versions)}"
        return
    columns = quoted_list(AREA_COLUMNS)
    con.execute("SET VARIABLE shown = ?", [[level, *versions[0]]])
    ours = (
        f"SELECT {columns} FROM dim_raum "
        "WHERE [raumebene::VARCHAR, gebietsstand::VARCHAR] = getvariable('shown')"
    )
    theirs = f"SELECT {columns} FROM layer"
    missing = count(con, f"SELECT count(*) FROM ({ours} EXCEPT ALL {theirs})")
    extra = count(con, f"SELECT count(*) FROM ({theirs} EXCEPT ALL {ours})")
    if missing or extra:
        yield (
            f"{name}: expected each area of dim_raum once and as there, found {missing} missing "
            f"and {extra} others"
        )


def _shapes_of(path: Path, level: str) -> "dict[str, bytes]":
    """Return {area: normalised WKB} of a layer of the GeoPackage."""
    import pyogrio

    _, rows = pyogrio.read_arrow(path, layer=level, columns=["raum_id"])
    shapes = multipolygons(rows.column("geom"))
    return dict(zip(rows.column("raum_id").to_pylist(), shapes.to_pylist(), strict=True))


def _shapes(
    name: str, rows: "pa.Table", expected: "dict[str, bytes]", *, exact: bool
) -> Iterator[str]:
    """Compare the shapes with the GeoPackage's, byte by byte or within the tolerance."""
    import numpy as np
    import shapely

    keys = rows.column("raum_id").to_pylist()
    found = rows.column(SHAPE).to_pylist()
    shapes = shapely.from_wkb(np.array(found, dtype=object))
    points = int((shapely.get_type_id(shapes) != shapely.GeometryType.MULTIPOLYGON).sum())
    if points:
        yield f"{name}: expected multipolygons only, found {points} shapes of another kind"
        return
    if exact:
        other = sum(expected.get(key) != shape for key, shape in zip(keys, found, strict=True))
    else:
        whole = shapely.from_wkb(np.array([expected.get(key) for key in keys], dtype=object))
        other = int((~near(shapes, whole)).sum())
    if other:
        yield f"{name}: expected the shapes of {GEOPACKAGE}, found {other} others"
    yield from _extents(name, rows, shapely.bounds(shapes))


def _extents(name: str, rows: "pa.Table", bounds: "np.ndarray") -> Iterator[str]:
    import numpy as np

    told = rows.column(EXTENT).combine_chunks().flatten()
    if not np.array_equal(np.column_stack([column.to_numpy() for column in told]), bounds):
        yield f"{name}: expected {EXTENT} to be the extents of the shapes, found others"
