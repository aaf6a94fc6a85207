"""Files of features with geometry: GeoJSON, GeoPackage and what else GDAL opens."""

import contextlib
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from sources.contract import Feed, header_of
from sources.errors import DeliveryError
from sources.formats import RawTable
from sources.formats.table import complete, present
from sources.layouts import FeaturesLayout

if TYPE_CHECKING:
    import pyarrow as pa


def fits(start: bytes, layouts: list[FeaturesLayout]) -> bool:
    """Whether a file that begins so may hold features: GeoPackage, GeoJSON, GML."""
    return start.startswith(b"SQLite format 3\x00") or start.lstrip()[:1] in (b"{", b"<")


def read(
    feed: Feed, path: Path, file_name: str, layouts: list[FeaturesLayout], srs: int
) -> RawTable:
    """Read all features; geometries as WKB in `srs`, and a point inside each in `layout.srs`.

    Of several layouts the first counts whose layer and properties the file has.

    Raises:
        DeliveryError: the file cannot be opened, is in another reference system than agreed,
            has coordinates that this system does not have, or lacks an agreed property.
    """
    names = _layers(feed, path, file_name)
    frames = {}
    for layout in layouts:
        if layout.layer in names or (layout.layer is None and len(names) == 1):
            frame = frames[layout.id] = _open(feed, path, file_name, layout.layer)
            if not _missing(feed, layout, frame):
                return _raw(feed, file_name, layout, frame, srs)
    raise _unknown_form(feed, file_name, layouts, names, frames)


def _raw(feed: Feed, file_name: str, layout: FeaturesLayout, frame, srs: int) -> RawTable:
    import geopandas as gpd
    import pyarrow as pa

    _require_srs(feed, file_name, frame, layout)
    projected = gpd.GeoSeries(frame.geometry).to_crs(srs)
    _require_places(feed, file_name, projected, layout)
    projected = _polygons(projected.make_valid())
    points = frame.geometry.representative_point()
    numbers = pa.array(range(1, len(frame) + 1), pa.int64())
    columns = {
        column.name: pa.array(projected.to_wkb(), pa.binary())
        if column.type == "geometry"
        else _texts(frame[header_of(layout, column)])
        for column in present(feed, layout)
    }
    measures = {"area_m2": projected.area, "point_x": points.x, "point_y": points.y}
    rows = complete(feed, layout, numbers, columns)
    for name, values in measures.items():
        rows = rows.append_column(name, pa.array(values, pa.float64(), from_pandas=True))
    return RawTable(layout, rows)


def _texts(values) -> "pa.Array":
    """Return a property as text; whole numbers stay whole, even where some are missing."""
    import pandas as pd
    import pyarrow as pa

    if pd.api.types.is_float_dtype(values) and (values.dropna() % 1 == 0).all():
        values = values.astype("Int64")
    return pa.array(values.astype("string"), pa.string(), from_pandas=True)


def _polygons(shapes):
    """Keep what has a surface: mending a shape may leave lines and points beside it."""
    import shapely

    mixed = shapes.geom_type == "GeometryCollection"
    shapes[mixed] = shapes[mixed].map(
        lambda shape: shapely.union_all([part for part in shape.geoms if part.area > 0])
    )
    return shapes


@contextlib.contextmanager
def _whatever_its_name() -> Iterator[None]:
    """Files in the sealed zone are named by their content, without the ending that GDAL wants."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        yield


def _layers(feed: Feed, path: Path, file_name: str) -> list[str]:
    import pyogrio

    try:
        with _whatever_its_name():
            return [str(name) for name, _ in pyogrio.list_layers(path)]
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as error:
        raise _unreadable(feed, file_name, error) from None


def _open(feed: Feed, path: Path, file_name: str, layer: str | None):
    import pyogrio

    try:
        with _whatever_its_name():
            # A shape that is none becomes a row without one, which its contract judges.
            return pyogrio.read_dataframe(path, layer=layer, on_invalid="ignore")
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, ValueError) as error:
        raise _unreadable(feed, file_name, error) from None


def _unreadable(feed: Feed, file_name: str, error: Exception) -> DeliveryError:
    return DeliveryError(
        feed.feed,
        file_name,
        expected="a complete file of features",
        found=f"a file that cannot be opened ({type(error).__name__}): truncated, or none such",
        remedy=f"ask {feed.partner} to send it again",
    )


def _require_srs(feed: Feed, file_name: str, frame, layout: FeaturesLayout) -> None:
    found = frame.crs.to_epsg() if frame.crs is not None else None
    if found != layout.srs:
        raise DeliveryError(
            feed.feed,
            file_name,
            expected=f"coordinates in EPSG:{layout.srs}",
            found=f"EPSG:{found}",
            remedy="ask the partner, or add a layout with this reference system",
        )


def _require_places(feed: Feed, file_name: str, projected, layout: FeaturesLayout) -> None:
    """Metres that are taken for degrees lie nowhere: GeoJSON without a system says degrees."""
    import numpy as np
    import shapely

    if not np.isfinite(shapely.get_coordinates(projected)).all():
        raise DeliveryError(
            feed.feed,
            file_name,
            expected=f"coordinates in EPSG:{layout.srs}",
            found="coordinates that this reference system does not have",
            remedy=f"ask {feed.partner} in which reference system it exports",
        )


def _missing(feed: Feed, layout: FeaturesLayout, frame) -> list[str]:
    headers = [header_of(layout, c) for c in present(feed, layout) if c.type != "geometry"]
    return [header for header in headers if header not in frame.columns]


def _unknown_form(
    feed: Feed, file_name: str, layouts: list[FeaturesLayout], layers: list[str], frames: dict
) -> DeliveryError:
    tried = [layout for layout in layouts if layout.id in frames]
    remedy = "if the partner changed its form, add a layout to the contract"
    if not tried:
        agreed = [layout.layer for layout in layouts if layout.layer]
        expected = f"one of the layers {agreed}" if agreed else "one layer"
        return DeliveryError(
            feed.feed, file_name, expected=expected, found=f"the layers {layers}", remedy=remedy
        )
    nearest = min(tried, key=lambda layout: len(_missing(feed, layout, frames[layout.id])))
    return DeliveryError(
        feed.feed,
        file_name,
        expected=f"the properties of layout {nearest.id}",
        found=f"no property {_missing(feed, nearest, frames[nearest.id])}",
        remedy=remedy,
    )
