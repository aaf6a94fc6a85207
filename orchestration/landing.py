"""One asset for each feed, made from its contract, and the rules that the region declares.

What landing does is `sources/landing.py`; what the arrival gate demands is
`expectations/arrival.py`. Here the two meet.
"""

from collections import Counter
from collections.abc import Iterator

import dagster as dg

from disclosure.policy import read_policy
from orchestration.gates import ArrivalGate
from orchestration.settings import Settings
from orchestration.warehouse import OWNER
from sources.contract import Feed
from sources.landing import Folders, land_feed, valid_deliveries
from sources.ledger import Outcome
from sources.region import Region, rule_tables

RULES = dg.AssetKey(["rules", "region"])
ARRIVAL = "arrival"
LEDGER = "ledger_balances"


def feed_key(feed: str) -> dg.AssetKey:
    """Return the asset key of a feed's landed deliveries."""
    return dg.AssetKey(["landing", feed])


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


def landing_assets(settings: Settings, region: Region) -> list[dg.AssetsDefinition]:
    """Return one asset for each feed of the region."""
    return [_landing_asset(settings, region, feed) for feed in region.feeds]


def rules_asset(settings: Settings, region: Region) -> dg.AssetsDefinition:
    """Return the asset that writes what the region declares where the models can join it."""

    @dg.asset(
        key=RULES,
        description="What the region declares: levels, expected deliveries, indices, thresholds.",
        group_name="rules",
        kinds={"yaml", "parquet"},
        owners=[OWNER],
        required_resource_keys={"run_lock"},
    )
    def rules(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        policy = read_policy(settings.region_folder / "privacy.yaml")
        tables = rule_tables(region)
        tables["rule_threshold"] = [
            {**threshold.model_dump(exclude={"reason"}), "min_zaehler": threshold.min_zaehler}
            for threshold in policy.thresholds
        ]
        _write_rules(settings, tables)
        return dg.MaterializeResult(
            metadata={
                "region_version": region.version,
                "policy_version": policy.version,
                **{f"rows_{name}": len(rows) for name, rows in tables.items()},
            }
        )

    return rules


RULE_SCHEMAS = {
    "rule_level": {"raumebene": "string", "name": "string", "prefix": "int32", "unit": "string"},
    "rule_gebietsstand": {
        "gebietsstand": "string",
        "gueltig_ab": "date32",
        "gueltig_bis": "date32",
    },
    "rule_feed": {
        "feed": "string",
        "partner": "string",
        "thema": "string",
        "raumebene": "string",
        "gebietsstand": "string",
    },
    "rule_uninhabited": {"raum_id": "string", "reason": "string"},
    "rule_reconciliation": {
        "raumebene": "string",
        "merkmal": "string",
        "max_ueberschuss": "int64",
    },
    "rule_index_part": {
        "index_id": "string",
        "indikator_id": "string",
        "gewicht": "float64",
        "klasse_aus_allen": "bool",
    },
    "rule_difference": {"lieferwert": "string", "merkmal": "string", "jahre": "int32"},
    "rule_index_class": {
        "index_id": "string",
        "klasse": "string",
        "ueber": "float64",
        "bis": "float64",
        "ueber_einschliesslich": "bool",
        "bis_einschliesslich": "bool",
    },
    "rule_index_exclusion": {"index_id": "string", "raum_id": "string"},
    "rule_threshold": {
        "thema": "string",
        "max_sensitive": "int32",
        "min_zaehler": "int32",
        "min_nenner": "int32",
        "min_einwohner": "int32",
    },
}


def _write_rules(settings: Settings, tables: dict[str, list[dict]]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    settings.rules.mkdir(parents=True, exist_ok=True)
    for name, fields in RULE_SCHEMAS.items():
        kinds = {column: pa.type_for_alias(kind) for column, kind in fields.items()}
        table = pa.Table.from_pylist(tables[name], schema=pa.schema(kinds.items()))
        pq.write_table(table, settings.rules / f"{name}.parquet")


def _landing_asset(settings: Settings, region: Region, feed: Feed) -> dg.AssetsDefinition:
    key = feed_key(feed.feed)

    @dg.asset(
        key=key,
        deps=[
            partner_key(feed.partner),
            *(feed_key(other.feed) for other in region.references_of(feed)),
        ],
        description=f"{feed.title}. Delivered by {region.partners[feed.partner].name}, "
        f"ebene {feed.ebene}.",
        group_name="landing",
        kinds={"parquet", "geojson" if feed.spatial.kind == "flaeche" else "csv"},
        owners=[OWNER],
        check_specs=[
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
        ],
        required_resource_keys={"run_lock"},
    )
    def landed(context: dg.AssetExecutionContext) -> Iterator:
        gate = ArrivalGate(settings, feed.feed)
        folders = Folders(settings.landing)
        outcomes = land_feed(
            feed,
            region,
            folders,
            inbox=settings.inbox,
            data=settings.data,
            gate=gate,
        )
        for outcome in outcomes:
            if outcome.reason:
                context.log.warning(f"{feed.feed}, {outcome.stichtag}: {outcome.reason}")
        context.log_event(_observation(feed, outcomes))
        valid = [o for o in valid_deliveries(region, folders) if o.feed == feed.feed]
        yield dg.MaterializeResult(asset_key=key, metadata=_metadata(outcomes, valid))
        yield _arrival_result(key, outcomes, gate.report())
        yield _ledger_result(key, outcomes)

    return landed


def _observation(feed: Feed, outcomes: list[Outcome]) -> dg.AssetObservation:
    """What was seen of a partner: its page in the UI lists how its feeds fared."""
    results = Counter(outcome.result for outcome in outcomes)
    return dg.AssetObservation(partner_key(feed.partner), metadata={"feed": feed.feed, **results})


def _metadata(outcomes: list[Outcome], valid: list[Outcome]) -> dict:
    """What lies there now, and what became of each try of this run."""
    return {
        "dagster/row_count": sum(o.rows_accepted for o in valid),
        "quarantined_rows": sum(o.rows_quarantined for o in valid),
        "bytes_delivered": sum(o.bytes for o in valid),
        "deliveries": dg.MetadataValue.table(
            [
                dg.TableRecord(
                    {
                        "stichtag": str(o.stichtag),
                        "result": o.result,
                        "file": o.file or "",
                        "accepted": o.rows_accepted,
                        "quarantined": o.rows_quarantined,
                        "repairs": o.repairs or "",
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


def _arrival_result(
    key: dg.AssetKey, outcomes: list[Outcome], report_url: str | None
) -> dg.AssetCheckResult:
    """Not blocking: one partner's fault does not stop the others."""
    refused = [o for o in outcomes if o.result in ("rejected", "not_delivered")]
    reasons = [f"{o.stichtag}: {o.result}: {o.reason}" for o in refused]
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
