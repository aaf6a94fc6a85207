"""What the region declares, as an asset: the rules that the models join."""

import dagster as dg

from disclosure.policy import read_policy
from orchestration.settings import Settings
from orchestration.warehouse import OWNER, write_empty_archives
from sources.region import Region, rule_tables

RULES = dg.AssetKey(["rules", "region"])


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
        write_empty_archives(settings)
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
        "ebene": "string",
        "buchungsschluss_tage": "int32",
    },
    "rule_kommune": {"kommune_id": "string", "name": "string", "teilnahme": "bool"},
    "rule_liefereinheit": {"feed": "string", "liefereinheit": "string", "kommune_id": "string"},
    "rule_agreement": {
        "feed": "string",
        "liefereinheit": "string",
        "kleinraeumig": "bool",
        "gueltig_ab": "date32",
        "gueltig_bis": "date32",
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
