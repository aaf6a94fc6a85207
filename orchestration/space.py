"""Space as assets: the geometry of all levels, the register of addresses, and what lies where.

Placing is `sources/placement.py` and `sources/addresses`.
"""

import dagster as dg

from orchestration.landing import feed_key
from orchestration.rules import RULES
from orchestration.settings import Settings
from orchestration.warehouse import OWNER
from sources.addresses import build_register, export_register, match, street_list
from sources.contract import Feed
from sources.landing import Folders
from sources.placement import place_points, place_postcodes, unite_areas
from sources.region import Region

AREAS = dg.AssetKey(["space", "areas"])
ADDRESSES = dg.AssetKey(["space", "adressen"])
BY_ADDRESS = ("adresse", "plz")

PARTNERS_REGISTER = "_adressverzeichnis.parquet"
"""What `sozialraum locate` reads at a partner's."""

STREET_LIST = "_strassenliste.csv"
"""What a partner needs who cuts its tables itself."""


def placement_key(feed: str) -> dg.AssetKey:
    """Return the asset key of a feed's placement."""
    return dg.AssetKey(["space", f"placement_{feed}"])


def space_assets(settings: Settings, region: Region) -> list[dg.AssetsDefinition]:
    """Return the assets of geometry and addresses, and of the placement of each feed we place.

    Raises:
        ValueError: a feed is placed by addresses and the region has no register of them.
    """
    folders = Folders(settings.landing)
    register = region.adressregister
    by_address = [feed for feed in region.feeds if feed.spatial.kind in BY_ADDRESS]
    if by_address and not register:
        raise ValueError(
            f"region {region.region}: feed {by_address[0].feed} is placed by addresses; expected "
            "`adressregister` in region.yaml, found none; name the feeds that bring it"
        )
    located = [
        feed
        for feed in region.feeds
        if feed.spatial.kind == "koordinaten" and not (register and feed.feed == register.adressen)
    ]
    return [
        _areas(settings, region, folders),
        *([_register(settings, region, folders)] if register else []),
        *(_placement(settings, region, feed, folders) for feed in (*located, *by_address)),
    ]


def _areas(settings: Settings, region: Region, folders: Folders) -> dg.AssetsDefinition:
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

    return areas


def _register(settings: Settings, region: Region, folders: Folders) -> dg.AssetsDefinition:
    named = region.adressregister
    feeds = [name for name in (named.adressen, named.strassen, named.plz) if name]

    @dg.asset(
        key=ADDRESSES,
        deps=[AREAS, *(feed_key(feed) for feed in feeds)],
        description="The register of addresses and streets with its history, and what partners get "
        "of it. Grain is address × Gebietsstand.",
        group_name="space",
        kinds={"duckdb", "geopandas", "parquet"},
        owners=[OWNER],
        required_resource_keys={"run_lock"},
    )
    def adressen(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        folder = settings.placement
        counts = build_register(region, folders, settings.areas, folder)
        exported = export_register(region, folder, folder / PARTNERS_REGISTER)
        runs = street_list(folder, folder / STREET_LIST)
        return dg.MaterializeResult(
            metadata={**counts, "rows_for_partners": exported, "rows_street_list": runs}
        )

    return adressen


def _placement(
    settings: Settings, region: Region, feed: Feed, folders: Folders
) -> dg.AssetsDefinition:
    kind = feed.spatial.kind

    @dg.asset(
        key=placement_key(feed.feed),
        deps=[ADDRESSES if kind in BY_ADDRESS else AREAS, feed_key(feed.feed)],
        description=f"Which {feed.spatial.ebene} each row of {feed.feed} lies in.",
        group_name="space",
        kinds={"duckdb" if kind in BY_ADDRESS else "geopandas", "parquet"},
        owners=[OWNER],
        required_resource_keys={"run_lock"},
    )
    def placement(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        target = settings.placement / f"{feed.feed}.parquet"
        if kind == "koordinaten":
            placed, unplaced = place_points(feed, region, folders, settings.areas, target)
            counts = {"placed": placed, "unplaced": unplaced}
        else:
            place = match if kind == "adresse" else place_postcodes
            counts = place(feed, region, folders, settings.placement, target)
        return dg.MaterializeResult(metadata=counts)

    return placement
