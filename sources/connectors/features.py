"""Areas and points from a map service (WFS, OGC API Features) or a file that GDAL reads.

A service shows today's state. So only the last Stichtag that has come is asked for; what an area
looked like before cannot be asked any more.
"""

from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from sources.connectors import retry
from sources.connectors.pull import Request

PAGE = 1000
"""Features that one answer holds."""


def stichtage_of(request: Request) -> tuple[date, ...]:
    """Return the last Stichtag."""
    return request.stichtage[-1:]


def is_known(request: Request, name: str) -> bool:
    """Return whether the Stichtag was read before; one that was rejected is read once more."""
    return request.known_of(name).usable


def fetch(request: Request, stichtag: date, part: Path) -> bool:
    """Write the features of the layer `abfrage` as GeoPackage.

    Raises:
        DeliveryError: the service does not answer, has no such layer, or sends fewer features
            than it says it has.
    """
    from pyogrio.errors import DataLayerError, DataSourceError

    try:
        # GDAL wants its own ending; the part gets its name when it is complete.
        with TemporaryDirectory(dir=part.parent, prefix=".gdal-") as folder:
            written = retry.patiently(
                lambda: _copy(request, part.stem, Path(folder)),
                lambda error: isinstance(error, DataSourceError),
            )
            written.replace(part)
    except (DataSourceError, DataLayerError, ValueError, OSError, RuntimeError) as error:
        raise request.refused(part.stem, error) from None
    return True


def _copy(request: Request, name: str, folder: Path) -> Path:
    """Write a GeoPackage into a folder of its own and return it."""
    import pyogrio

    layer = request.source.abfrage
    seconds = str(int(retry.TIMEOUT))
    pyogrio.set_gdal_config_options(
        {
            "GDAL_HTTP_TIMEOUT": seconds,
            "GDAL_HTTP_CONNECTTIMEOUT": seconds,
            "GDAL_HTTP_LOW_SPEED_TIME": seconds,
            "GDAL_HTTP_LOW_SPEED_LIMIT": "1",
            "OGR_WFS_PAGE_SIZE": str(PAGE),
        }
    )
    expected = pyogrio.read_info(request.address, layer=layer)["features"]
    meta, table = pyogrio.read_arrow(request.address, layer=layer)
    if table.num_rows == 0 or 0 <= expected != table.num_rows:
        raise request.error(
            name,
            expected=f"{expected} features of layer {layer}",
            found=str(table.num_rows),
            remedy="ask the service's operator; pull again",
        )
    path = folder / "features.gpkg"
    pyogrio.write_arrow(
        table,
        path,
        driver="GPKG",
        layer=Path(name).stem,
        geometry_type=meta["geometry_type"],
        geometry_name=meta["geometry_name"] or "wkb_geometry",
        crs=meta["crs"],
    )
    return path
