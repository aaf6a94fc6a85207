"""Files of features with geometry: GeoJSON and what else GDAL opens."""

from pathlib import Path

from sources.contract import FeaturesLayout, Feed, header_of
from sources.errors import DeliveryError
from sources.formats import RawTable


def read(feed: Feed, path: Path, layout: FeaturesLayout, srs: int) -> RawTable:
    """Read all features; geometries as WKB in `srs`, and a point inside each in `layout.srs`.

    Raises:
        DeliveryError: the file cannot be opened, is in another reference system than agreed,
            or lacks an agreed property.
    """
    import geopandas as gpd
    import pyarrow as pa

    frame = _open(feed, path)
    _require_srs(feed, path, frame, layout)
    if missing := _missing(feed, layout, frame):
        raise DeliveryError(
            feed.feed,
            path.name,
            expected=f"the properties of layout {layout.id}",
            found=f"no property {missing}",
            remedy="if the partner changed its form, add a layout to the contract",
        )
    points = frame.geometry.representative_point()
    projected = gpd.GeoSeries(frame.geometry).to_crs(srs).make_valid()
    columns: dict[str, pa.Array] = {"row_number": pa.array(range(1, len(frame) + 1), pa.int64())}
    for column in feed.columns:
        if column.type == "geometry":
            columns[column.name] = pa.array(projected.to_wkb(), pa.binary())
            columns["area_m2"] = pa.array(projected.area, pa.float64(), from_pandas=True)
        else:
            values = frame[header_of(layout, column)]
            columns[column.name] = pa.array(
                values.astype("string"), pa.string(), from_pandas=True
            )
    columns["point_x"] = pa.array(points.x, pa.float64(), from_pandas=True)
    columns["point_y"] = pa.array(points.y, pa.float64(), from_pandas=True)
    return RawTable(layout, pa.table(columns))


def _open(feed: Feed, path: Path):
    import pyogrio

    try:
        return pyogrio.read_dataframe(path)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, ValueError) as error:
        raise DeliveryError(
            feed.feed,
            path.name,
            expected="a complete file of features",
            found=f"a file that cannot be opened ({type(error).__name__}): truncated or no GeoJSON",
            remedy=f"ask {feed.partner} to send it again",
        ) from None


def _require_srs(feed: Feed, path: Path, frame, layout: FeaturesLayout) -> None:
    found = frame.crs.to_epsg() if frame.crs is not None else None
    if found != layout.srs:
        raise DeliveryError(
            feed.feed,
            path.name,
            expected=f"coordinates in EPSG:{layout.srs}",
            found=f"EPSG:{found}",
            remedy="ask the partner, or add a layout with this reference system",
        )


def _missing(feed: Feed, layout: FeaturesLayout, frame) -> list[str]:
    headers = [header_of(layout, c) for c in feed.columns if c.type != "geometry"]
    return [header for header in headers if header not in frame.columns]
