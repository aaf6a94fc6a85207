"""Space as assets: the geometry of all levels in one file, and what lies in which area.

Placing is `sources/placement.py`.
"""

import dagster as dg

from orchestration.landing import RULES, feed_key
from orchestration.settings import Settings
from orchestration.warehouse import OWNER
from sources.contract import Feed
from sources.landing import Folders
from sources.placement import place_points, unite_areas
from sources.region import Region

AREAS = dg.AssetKey(["space", "areas"])


def placement_key(feed: str) -> dg.AssetKey:
    """Return the asset key of a feed's placement."""
    return dg.AssetKey(["space", f"placement_{feed}"])


def space_assets(settings: Settings, region: Region) -> list[dg.AssetsDefinition]:
    """Return the assets of geometry and, for each feed with coordinates, of its placement."""
    folders = Folders(settings.landing)
    located = [feed for feed in region.feeds if feed.spatial.kind == "koordinaten"]
    area_feeds = [feed for feed in region.feeds if feed.spatial.kind == "flaeche"]

    @dg.asset(
        key=AREAS,
        deps=[RULES, *(feed_key(feed.feed) for feed in area_feeds)],
        description="Geometry of all levels. Grain is area × Gebietsstand.",
        group_name="space",
        kinds={"geopandas", "parquet"},
        owners=[OWNER],
        required_resource_keys={"run_lock"},
    )
    def areas(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        rows = unite_areas(region, folders, settings.areas)
        return dg.MaterializeResult(metadata={"dagster/row_count": rows})

    return [areas, *(_placement(settings, region, feed, folders) for feed in located)]


def _placement(
    settings: Settings, region: Region, feed: Feed, folders: Folders
) -> dg.AssetsDefinition:
    @dg.asset(
        key=placement_key(feed.feed),
        deps=[AREAS, feed_key(feed.feed)],
        description=f"Which {feed.spatial.ebene} each row of {feed.feed} lies in.",
        group_name="space",
        kinds={"geopandas", "parquet"},
        owners=[OWNER],
        required_resource_keys={"run_lock"},
    )
    def placement(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        target = settings.placement / f"{feed.feed}.parquet"
        placed, unplaced = place_points(feed, region, folders, settings.areas, target)
        return dg.MaterializeResult(metadata={"placed": placed, "unplaced": unplaced})

    return placement
