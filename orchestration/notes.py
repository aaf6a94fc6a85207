"""What the ledger of deliveries may tell readers of figures, as published notes.

Here belongs only where the pieces come from; the sentences are `sources/notes.py`.
"""

import dagster as dg

from orchestration.gates import released_key
from orchestration.landing import feed_key
from orchestration.models import Manifest
from orchestration.settings import Settings
from orchestration.warehouse import OWNER
from sources.landing import Folders, valid_deliveries
from sources.notes import delivery_notes
from sources.region import Region

NOTES = released_key("hinweis")

_SCHEMA = {
    "hinweis_id": "string",
    "raum_id": "string",
    "indikator_id": "string",
    "stichtag_von": "date32",
    "stichtag_bis": "date32",
    "art": "string",
    "text": "string",
}


def notes_spec(region: Region) -> dg.AssetSpec:
    """Return the asset of the notes that come from deliveries."""
    return dg.AssetSpec(
        NOTES,
        deps=[feed_key(feed.feed) for feed in region.feeds],
        description="What has to be told of deliveries; no word of their authors.",
        group_name="released",
        kinds={"python", "parquet"},
        owners=[OWNER],
    )


def release_notes(settings: Settings, region: Region, manifest: Manifest) -> int:
    """Write the notes of the deliveries that count; return how many rows they are."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = delivery_notes(
        valid_deliveries(region, Folders(settings.landing)),
        feeds={feed.feed: feed for feed in region.feeds},
        kommunen={unit: told.kommunen for unit, told in region.liefereinheiten.items()},
        indicators=indicators_of_feeds(manifest),
        quarantine_from=region.lesehilfe.quarantaene_ab_prozent,
    )
    kinds = {column: pa.type_for_alias(kind) for column, kind in _SCHEMA.items()}
    settings.released.mkdir(parents=True, exist_ok=True)
    table = pa.Table.from_pylist(rows, schema=pa.schema(kinds.items()))
    pq.write_table(table, settings.released / "hinweis.parquet")
    return len(rows)


def indicators_of_feeds(manifest: Manifest) -> dict[str, list[str]]:
    """Return which indicators each feed brings the numerator of, as their entries say."""
    found: dict[str, list[str]] = {}
    for model in manifest.models.values():
        for feed in model.meta.get("indikator", {}).get("feeds", ()):
            found.setdefault(feed, []).append(model.name.removeprefix("ind_"))
    return {feed: sorted(names) for feed, names in found.items()}
