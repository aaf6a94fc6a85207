"""Files of features with geometry: GeoJSON and what else GDAL opens."""

from pathlib import Path

from sources.contract import FeaturesLayout, Feed, header_of
from sources.errors import DeliveryError
from sources.formats import RawTable


def read(feed: Feed, path: Path, file_name: str, layout: FeaturesLayout, srs: int) -> RawTable:
    """Read all features; geometries as WKB in `srs`, and a point inside each in `layout.srs`.

    Raises:
        DeliveryError: the file cannot be opened, is in another reference system than agreed,
            has coordinates that this system does not have, or lacks an agreed property.
    """
    import geopandas as gpd
    import pyarrow as pa

    frame = _open(feed, path, file_name)
    _require_srs(feed, file_name, frame, layout)
    if missing := _missing(feed, layout, frame):
        raise DeliveryError(
            feed.feed,
            file_name,
            expected=f"the properties of layout {layout.id}",
            found=f"no property {missing}",
            remedy="if the partner changed its form, add a layout to the contract",
        )
    projected = gpd.GeoSeries(frame.geometry).to_crs(srs)
    _require_places(feed, file_name, projected, layout)
    projected = _polygons(projected.make_valid())
    points = frame.geometry.representative_point()
    columns: dict[str, pa.Array] = {"row_number": pa.array(range(1, len(frame) + 1), pa.int64())}
    for column in feed.columns:
        if column.type == "geometry":
            columns[column.name] = pa.array(projected.to_wkb(), pa.binary())
            columns["area_m2"] = pa.array(projected.area, pa.float64(), from_pandas=True)
        else:
            values = frame[header_of(layout, column)]
            columns[column.name] = pa.array(values.astype("string"), pa.string(), from_pandas=True)
    columns["point_x"] = pa.array(points.x, pa.float64(), from_pandas=True)
    columns["point_y"] = pa.array(points.y, pa.float64(), from_pandas=True)
    return RawTable(layout, pa.table(columns))


def _polygons(shapes):
    """Keep what has a surface: mending a shape may leave lines and points beside it."""
    import shapely

    mixed = shapes.geom_type == "GeometryCollection"
    shapes[mixed] = shapes[mixed].map(
        lambda shape: shapely.union_all([part for part in shape.geoms if part.area > 0])
    )
    return shapes


def _open(feed: Feed, path: Path, file_name: str):
    import pyogrio

    try:
        # A shape that is none becomes a row without one, which its contract judges.
        return pyogrio.read_dataframe(path, on_invalid="ignore")
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, ValueError) as error:
        raise DeliveryError(
            feed.feed,
            file_name,
            expected="a complete file of features",
            found=f"a file that cannot be opened ({type(error).__name__}): truncated or no GeoJSON",
            remedy=f"ask {feed.partner} to send it again",
        ) from None


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
    headers = [header_of(layout, c) for c in feed.columns if c.type != "geometry"]
    return [header for header in headers if header not in frame.columns]
