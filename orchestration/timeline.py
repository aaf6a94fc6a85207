"""Time as assets: how values of older boundaries are carried over, and what was published last.

Computing the weights is `sources/crosswalk.py`; what series and the log of revisions say are marts.
"""

from collections.abc import Sequence
from pathlib import Path

import dagster as dg

from orchestration.gates import released_key
from orchestration.landing import feed_key
from orchestration.rules import RULES
from orchestration.settings import Settings
from orchestration.space import ADDRESSES, AREAS, placement_key
from orchestration.warehouse import OWNER
from sources.crosswalk import schema, write_crosswalk, write_errors
from sources.landing import Folders, valid_deliveries
from sources.region import Region

CROSSWALK = dg.AssetKey(["space", "umrechnung"])
LAST_EDITION = dg.AssetKey(["edition", "vorausgabe"])

VALUES = {
    "raum_id": "string",
    "gebietsstand": "string",
    "raumebene": "string",
    "stichtag": "date32",
    "indikator_id": "string",
    "version": "int32",
    "zaehler": "int64",
    "nenner": "int64",
    "wert": "float64",
    "status": "string",
}
LOG = {
    **{name: VALUES[name] for name in list(VALUES)[:6]},
    "edition_alt": "string",
    "wert_alt": "float64",
    "wert_neu": "float64",
    "zaehler_alt": "int64",
    "zaehler_neu": "int64",
    "nenner_alt": "int64",
    "nenner_neu": "int64",
    "status_alt": "string",
    "status_neu": "string",
    "lieferung": "string",
}
NEW_DELIVERIES = {"feed": "string", "stichtag": "date32", "lieferung": "string"}


def timeline_assets(settings: Settings, region: Region) -> list[dg.AssetsDefinition]:
    """Return the assets that the marts of series and revisions rest on."""
    folders = Folders(settings.landing)
    measured = region.zeit.gemessen_an

    @dg.asset(
        key=CROSSWALK,
        deps=[
            AREAS,
            RULES,
            released_key("bevoelkerung"),
            *([ADDRESSES] if region.adressregister else []),
            *([placement_key(measured)] if measured else []),
            *(feed_key(given.feed) for given in region.zeit.vorgaben),
        ],
        description="Weights from each older Gebietsstand to the newest, and their error. Grain is "
        "old area × new area.",
        group_name="space",
        kinds={"duckdb", "geopandas", "parquet"},
        owners=[OWNER],
        required_resource_keys={"run_lock"},
    )
    def umrechnung(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        released = settings.released / "bevoelkerung.parquet"
        counts = write_crosswalk(
            region, folders, settings.areas, settings.placement, released, settings.crosswalk
        )
        errors = write_errors(
            region, folders, settings.crosswalk, settings.placement, settings.crosswalk_errors
        )
        return dg.MaterializeResult(metadata={**counts, "rows_fehler": errors})

    @dg.asset(
        key=LAST_EDITION,
        deps=[RULES, released_key("bevoelkerung")],
        description="What the last edition said, and the deliveries that are new since.",
        group_name="edition",
        kinds={"parquet"},
        owners=[OWNER],
        required_resource_keys={"run_lock"},
    )
    def vorausgabe(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        return dg.MaterializeResult(metadata=_copy_last_edition(settings, region, folders))

    return [umrechnung, vorausgabe]


def _copy_last_edition(settings: Settings, region: Region, folders: Folders) -> dict[str, int]:
    """Write values and log of the region's last edition, and what was delivered since.

    The edition goes by the first 16 digits of its content hash: an id holds the time, and the same
    deliveries must give the same edition. Without an edition all three are empty.
    """
    from publication.edition import current_manifest

    told = current_manifest(settings.published) or {}
    last = told if told.get("region") == region.region else {}
    parquet = settings.published / "current" / "parquet"
    edition = last.get("content_hash", "")[:16]
    counts = {
        "indikator": _copy(
            parquet / "mart_indikator.parquet" if last else None,
            {**VALUES, "edition": "string"},
            settings.last_edition / "indikator.parquet",
            {"edition": edition},
        ),
        "revision": _copy(
            parquet / "mart_revision.parquet" if last else None,
            LOG,
            settings.last_edition / "revision.parquet",
        ),
    }
    known = {delivery["sha256"] for delivery in last.get("deliveries", ())}
    new = [
        {
            "feed": o.feed,
            "stichtag": o.stichtag,
            "lieferung": f"{o.feed} {o.liefereinheit} {o.stichtag} {o.sha256[:12]}",
        }
        for o in (valid_deliveries(region, folders) if last else ())
        if o.sha256 not in known
    ]
    counts["lieferung"] = _write(new, NEW_DELIVERIES, settings.last_edition / "lieferung.parquet")
    return {f"rows_{name}": rows for name, rows in counts.items()}


def _copy(
    source: Path | None,
    kinds: dict[str, str],
    target: Path,
    constants: dict[str, str] | None = None,
) -> int:
    """Copy the columns `kinds` of a published table; one that is not there has no rows."""
    import pyarrow.parquet as pq

    rows: Sequence[dict] = ()
    if source and source.exists():
        known = [name for name in kinds if name in pq.read_schema(source).names]
        rows = pq.read_table(source, columns=known).to_pylist()
    return _write([{**row, **(constants or {})} for row in rows], kinds, target)


def _write(rows: list[dict], kinds: dict[str, str], target: Path) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    target.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema=schema(kinds)), target)
    return len(rows)
