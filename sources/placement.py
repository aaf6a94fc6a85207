"""Where things lie: the areas of all levels in one file, and the area of each point.

Addresses without coordinates are not placed here.
"""

from pathlib import Path

from sources.contract import Feed
from sources.landing import Folders
from sources.region import Region

AREA_COLUMNS = ("raum_id", "gebietsstand", "raumebene", "geometry")


def unite_areas(region: Region, folders: Folders, target: Path) -> int:
    """Write the geometry of all levels to one Parquet file and return its number of rows.

    A level that no feed brings and that has one unit is the union of the Kommunen.
    Grain: area × Gebietsstand; geometry as WKB in the region's reference system.
    """
    import duckdb
    import geopandas as gpd
    import pandas as pd

    frames = []
    for feed in region.feeds:
        if feed.spatial.kind != "flaeche":
            continue
        with duckdb.connect() as con:
            rows = con.execute(
                f"select raum_id, geometrie from "
                f"read_parquet('{folders.accepted(feed.feed)}/*', union_by_name = true) "
                "order by raum_id"
            ).df()
        shapes = gpd.GeoSeries.from_wkb(rows["geometrie"].map(bytes), crs=region.srs)
        frames.append(
            gpd.GeoDataFrame(
                {
                    "raum_id": rows["raum_id"],
                    "gebietsstand": feed.spatial.gebietsstand,
                    "raumebene": feed.spatial.ebene,
                },
                geometry=shapes.to_numpy(),
                crs=region.srs,
            )
        )
    areas = gpd.GeoDataFrame(pd.concat(frames, ignore_index=True), crs=region.srs)
    areas = pd.concat([areas, _single_units(region, areas)], ignore_index=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(areas).assign(geometry=areas.geometry.to_wkb()).to_parquet(target, index=False)
    return len(areas)


def _single_units(region: Region, areas):
    import geopandas as gpd

    kommunen = areas[areas["raumebene"] == "kommune"]
    rows = [
        {
            "raum_id": level.unit,
            "gebietsstand": gebietsstand,
            "raumebene": level.ebene,
            "geometry": group.geometry.union_all(),
        }
        for level in region.levels
        if level.unit
        for gebietsstand, group in kommunen.groupby("gebietsstand")
    ]
    return gpd.GeoDataFrame(rows, columns=list(AREA_COLUMNS), geometry="geometry", crs=region.srs)


def place_points(
    feed: Feed, region: Region, folders: Folders, areas: Path, target: Path
) -> tuple[int, int]:
    """Write which area each landed row lies in, by its coordinates.

    A point on a border between areas belongs to the one with the lowest key. A row that lies
    in no area has `raum_id` NULL.

    Returns:
        The number of rows with and without an area. Grain of the file: delivery × row.
    """
    import duckdb
    import geopandas as gpd

    spatial = feed.spatial
    with duckdb.connect() as con:
        rows = con.execute(
            f"select delivery_id, row_number, {spatial.x} as x, {spatial.y} as y "
            f"from read_parquet('{folders.accepted(feed.feed)}/*.parquet', union_by_name = true)"
        ).df()
        shapes = con.execute(
            f"select raum_id, geometry from read_parquet('{areas}') "
            "where raumebene = ? and gebietsstand = ?",
            [spatial.ebene, spatial.gebietsstand],
        ).df()
    polygons = gpd.GeoDataFrame(
        shapes[["raum_id"]],
        geometry=gpd.GeoSeries.from_wkb(shapes["geometry"].map(bytes)).to_numpy(),
        crs=region.srs,
    )
    points = gpd.GeoDataFrame(
        rows[["delivery_id", "row_number"]],
        geometry=gpd.points_from_xy(rows["x"], rows["y"]),
        crs=spatial.srs,
    ).to_crs(region.srs)
    hits = points.sjoin(polygons, how="left", predicate="intersects")
    placed = hits.groupby(["delivery_id", "row_number"], as_index=False)["raum_id"].min()
    placed["raum_id"] = placed["raum_id"].astype("string")
    target.parent.mkdir(parents=True, exist_ok=True)
    placed.to_parquet(target, index=False)
    return int(placed["raum_id"].notna().sum()), int(placed["raum_id"].isna().sum())
