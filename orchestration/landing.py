"""One asset for each feed, made from its contract, and the one that ends retention.

What landing does is `sources/landing.py`, where files are pulled from is `sources/connectors/`,
what the arrival gate demands is `expectations/arrival.py`. Here they meet.
"""

import os
import secrets
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import dagster as dg
from pydantic import Field

from orchestration.gates import ArrivalGate, today
from orchestration.lanes import side_by_side
from orchestration.rhythm import add_partitions, partition_of, partitions, wanted
from orchestration.settings import Settings
from orchestration.warehouse import OWNER
from sources import ledger
from sources.contract import Feed
from sources.folders import Folders
from sources.kit.receipt import receipt_paths, write_receipts
from sources.landing import Wanted, land_feed, valid_of
from sources.ledger import Outcome
from sources.region import Region
from sources.retention import purge
from sources.status import deliveries

RETENTION = dg.AssetKey(["landing", "retention"])
SECRET_BYTES = 32
ARRIVAL = "arrival"
RHYTHM = "rhythm"
LEDGER = "ledger_balances"


def feed_key(feed: str) -> dg.AssetKey:
    """Return the asset key of a feed's landed deliveries."""
    return dg.AssetKey(["landing", feed])


def delivery_key(feed: str) -> dg.AssetKey:
    """Return the asset key of what partners deliver of a feed."""
    return dg.AssetKey(["lieferung", feed])


def partner_key(partner: str) -> dg.AssetKey:
    """Return the asset key of a partner."""
    return dg.AssetKey(["partner", partner])


def partner_specs(region: Region) -> list[dg.AssetSpec]:
    """Return the partners as external assets, where the graph begins."""
    return [
        dg.AssetSpec(
            partner_key(key),
            description=f"{partner.name} ({partner.contact})",
            group_name="partner",
            kinds={"file"},
        )
        for key, partner in region.partners.items()
    ]


def delivery_specs(region: Region) -> list[dg.AssetSpec]:
    """Return the deliveries of each feed as external assets: Liefereinheit × Stichtag."""
    return [
        dg.AssetSpec(
            delivery_key(feed.feed),
            deps=[partner_key(feed.partner)],
            description=f"{feed.title}: what was accepted, by Liefereinheit and Stichtag. "
            "`sozialraum status` tells what is late, refused or not agreed.",
            group_name="lieferung",
            kinds={"file"},
            partitions_def=partitions(region, feed),
        )
        for feed in region.feeds
    ]


class LandingConfig(dg.Config):
    """What a run may say about landing.

    `nur`: only these deliveries, as `liefereinheit|stichtag`; none named: all.
    """

    nur: list[str] = Field(default_factory=list)


def landing_assets(settings: Settings, region: Region) -> list[dg.AssetsDefinition]:
    """Return the asset of retention and one asset for each feed of the region."""
    return [_retention_asset(settings, region), _feed_assets(settings, region)]


def local_secret(settings: Settings) -> bytes:
    """Return what keys of identifiers' hashes are made from; made once, for its owner only."""
    settings.secret.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(settings.secret, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return settings.secret.read_bytes()
    with os.fdopen(handle, "wb") as file:
        file.write(secrets.token_bytes(SECRET_BYTES))
    return settings.secret.read_bytes()


def _retention_asset(settings: Settings, region: Region) -> dg.AssetsDefinition:
    @dg.asset(
        key=RETENTION,
        description="Deletes rows of persons whose retention has ended, before anything is landed.",
        group_name="landing",
        kinds={"parquet"},
        owners=[OWNER],
        required_resource_keys={"run_lock"},
    )
    def retention(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        purged = purge(region, Folders(settings.landing), today())
        for outcome in purged:
            context.log.warning(
                f"{outcome.feed}, {outcome.liefereinheit}, {outcome.stichtag}: {outcome.reason}"
            )
        return dg.MaterializeResult(metadata={"purged_deliveries": len(purged)})

    return retention


def _feed_assets(settings: Settings, region: Region) -> dg.AssetsDefinition:
    """Return the feeds as assets of one step: it lands them side by side."""

    @dg.multi_asset(
        name="landing",
        specs=[_spec(region, feed) for feed in region.feeds],
        check_specs=[check for feed in region.feeds for check in _checks(feed)],
        can_subset=True,
        required_resource_keys={"run_lock"},
    )
    def landing(context: dg.AssetExecutionContext, config: LandingConfig) -> Iterator:
        feeds = [f for f in region.feeds if feed_key(f.feed) in context.selected_asset_keys]
        only, secret = wanted(config.nur), local_secret(settings)
        for landed in side_by_side(
            feeds,
            region.references_of,
            lambda feed: _land(settings, region, feed, only=only, secret=secret),
        ):
            yield from _told(context, region, landed)

    return landing


def _spec(region: Region, feed: Feed) -> dg.AssetSpec:
    return dg.AssetSpec(
        feed_key(feed.feed),
        deps=[
            RETENTION,
            delivery_key(feed.feed),
            *(feed_key(other.feed) for other in region.references_of(feed)),
        ],
        description=f"{feed.title}. Delivered by {region.partners[feed.partner].name}, "
        f"ebene {feed.ebene}.",
        group_name="landing",
        kinds={"parquet", "geojson" if feed.spatial.kind == "flaeche" else "csv"},
        owners=[OWNER],
    )


def _checks(feed: Feed) -> list[dg.AssetCheckSpec]:
    key = feed_key(feed.feed)
    return [
        dg.AssetCheckSpec(RHYTHM, asset=key, description="Every delivery that is due has come."),
        dg.AssetCheckSpec(
            ARRIVAL,
            asset=key,
            description="Every expected delivery has come and was accepted.",
        ),
        dg.AssetCheckSpec(
            LEDGER,
            asset=key,
            blocking=True,
            description="Rows delivered = rows accepted + rows quarantined, in each delivery.",
        ),
    ]


@dataclass(frozen=True)
class _Landed:
    """What one landing of a feed left: `told` went wrong at the source, `valid` lies there now."""

    feed: Feed
    told: list[str]
    outcomes: list[Outcome]
    valid: list[Outcome]
    history: list[Outcome]
    report_url: str | None
    seconds: float


def _land(
    settings: Settings, region: Region, feed: Feed, *, only: Wanted | None, secret: bytes
) -> _Landed:
    """Land a feed; in a thread of its own, so it speaks to Dagster by what it returns."""
    started = time.perf_counter()
    gate = ArrivalGate(settings, feed.feed)
    folders = Folders(settings.landing)
    told = _pull(settings, region, feed, folders)
    outcomes = land_feed(
        feed,
        region,
        folders,
        inbox=settings.inbox,
        data=settings.data,
        gate=gate,
        secret=secret,
        only=only,
        today=today(),
    )
    write_receipts(receipt_paths(outcomes, settings.receipts), region)
    return _Landed(
        feed,
        told,
        outcomes,
        valid_of(feed, folders),
        ledger.read(folders.ledger, feed.feed),
        gate.report(),
        time.perf_counter() - started,
    )


def _told(context: dg.AssetExecutionContext, region: Region, landed: _Landed) -> Iterator:
    """Tell Dagster what became of a feed."""
    feed, outcomes, key = landed.feed, landed.outcomes, feed_key(landed.feed.feed)
    lines = [
        *landed.told,
        *(
            f"{o.liefereinheit}, {o.stichtag}: {'; '.join(filter(None, [o.reason, o.warnung]))}"
            for o in outcomes
            if o.reason or o.warnung
        ),
    ]
    if lines:
        context.log.warning("\n".join(f"{feed.feed}: {line}" for line in lines))
    context.log_event(_observation(feed, outcomes))
    _mark(context, region, feed, outcomes)
    yield dg.MaterializeResult(asset_key=key, metadata=_metadata(landed))
    yield _rhythm_result(key, region, feed, landed.history)
    yield _arrival_result(key, outcomes, landed.report_url)
    yield _ledger_result(key, outcomes)


def _pull(settings: Settings, region: Region, feed: Feed, folders: Folders) -> list[str]:
    """Fetch what is new at the source of a feed, if it has one; return what went wrong."""
    source = region.quellen.get(feed.feed)
    if source is None:
        return []
    from sources.connectors.pull import pull, seen_of

    address = settings.source_address(source.verbindung)
    if address is None:
        return [f"no address: set SOZIALRAUM_QUELLE_{source.verbindung} to pull it"]
    pulled = pull(
        feed,
        source,
        region,
        inbox=settings.inbox,
        address=address,
        seen=seen_of(ledger.read(folders.ledger, feed.feed)),
        stichtage=region.expected.get(feed.feed, ()),
    )
    return [*pulled.failed.values(), *pulled.remarks.values()]


def _mark(
    context: dg.AssetExecutionContext, region: Region, feed: Feed, outcomes: list[Outcome]
) -> None:
    """Turn the deliveries green that this run has accepted."""
    accepted = [outcome for outcome in outcomes if outcome.result == "accepted"]
    add_partitions(context.instance, region, feed, {outcome.stichtag for outcome in accepted})
    for outcome in accepted:
        context.log_event(
            dg.AssetMaterialization(
                delivery_key(feed.feed),
                partition=partition_of(outcome.liefereinheit, outcome.stichtag),
                metadata={
                    "dagster/row_count": outcome.rows_accepted,
                    "quarantined_rows": outcome.rows_quarantined,
                    "file": outcome.file,
                },
            )
        )


def _observation(feed: Feed, outcomes: list[Outcome]) -> dg.AssetObservation:
    """What was seen of a partner: its page in the UI lists how its feeds fared."""
    results = Counter(outcome.result for outcome in outcomes)
    return dg.AssetObservation(partner_key(feed.partner), metadata={"feed": feed.feed, **results})


def _metadata(landed: _Landed) -> dict:
    """What lies there now, and what became of each try of this run."""
    outcomes, valid = landed.outcomes, landed.valid
    return {
        "seconds": round(landed.seconds, 2),
        "dagster/row_count": sum(o.rows_accepted for o in valid),
        "quarantined_rows": sum(o.rows_quarantined for o in valid),
        "bytes_delivered": sum(o.bytes for o in valid),
        "deliveries": dg.MetadataValue.table(
            [
                dg.TableRecord(
                    {
                        "liefereinheit": o.liefereinheit or "",
                        "stichtag": str(o.stichtag),
                        "result": o.result,
                        "file": o.file or "",
                        "accepted": o.rows_accepted,
                        "quarantined": o.rows_quarantined,
                        "repairs": o.repairs or "",
                        "warnung": o.warnung or "",
                    }
                )
                for o in outcomes
            ]
            or [dg.TableRecord({"stichtag": "", "result": "nothing new"})],
            schema=None
            if outcomes
            else dg.TableSchema(columns=[dg.TableColumn("stichtag"), dg.TableColumn("result")]),
        ),
    }


def _rhythm_result(
    key: dg.AssetKey, region: Region, feed: Feed, outcomes: list[Outcome]
) -> dg.AssetCheckResult:
    """Not blocking: what is late or missing is the partner's to mend."""
    listed = deliveries(region, outcomes, today(), [feed])
    behind = [d for d in listed if d.state in ("verspaetet", "fehlt", "nicht_vereinbart")]
    return dg.AssetCheckResult(
        asset_key=key,
        check_name=RHYTHM,
        passed=not behind,
        severity=dg.AssetCheckSeverity.WARN,
        description="\n".join(f"{d.liefereinheit}, {d.stichtag}: {d.state}" for d in behind)
        or None,
        metadata=dict(Counter(delivery.state for delivery in listed)),
    )


def _arrival_result(
    key: dg.AssetKey, outcomes: list[Outcome], report_url: str | None
) -> dg.AssetCheckResult:
    """Not blocking: one partner's fault does not stop the others."""
    refused = [o for o in outcomes if o.result in ("rejected", "not_delivered")]
    reasons = [f"{o.liefereinheit}, {o.stichtag}: {o.result}: {o.reason}" for o in refused]
    return dg.AssetCheckResult(
        asset_key=key,
        check_name=ARRIVAL,
        passed=not refused,
        severity=dg.AssetCheckSeverity.ERROR,
        description="\n\n".join(reasons) or None,
        metadata={
            "accepted": sum(o.result == "accepted" for o in outcomes),
            "unchanged": sum(o.result in ("unchanged", "duplicate") for o in outcomes),
            "rejected": sum(o.result == "rejected" for o in outcomes),
            "not_delivered": sum(o.result == "not_delivered" for o in outcomes),
            "not_agreed": sum(o.result == "not_agreed" for o in outcomes),
            **({"to_do": dg.MetadataValue.md("\n\n".join(reasons))} if reasons else {}),
            **({"data_docs": dg.MetadataValue.url(report_url)} if report_url else {}),
        },
    )


def _ledger_result(key: dg.AssetKey, outcomes: list[Outcome]) -> dg.AssetCheckResult:
    split = [o for o in outcomes if o.rows_read is not None]
    wrong = [o for o in split if o.rows_read != o.rows_accepted + o.rows_quarantined]
    return dg.AssetCheckResult(
        asset_key=key,
        check_name=LEDGER,
        passed=not wrong,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata={
            "rows_read": sum(o.rows_read for o in split),
            "rows_accepted": sum(o.rows_accepted for o in split),
            "rows_quarantined": sum(o.rows_quarantined for o in split),
            "files_that_do_not_balance": ", ".join(o.file for o in wrong),
        },
    )
