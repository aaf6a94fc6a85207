"""What the region declares, as an asset: the rules that the models join."""

import dagster as dg

from disclosure.policy import read_policy
from orchestration import index_sources
from orchestration.freigaben import all_freigaben
from orchestration.settings import Settings
from orchestration.warehouse import OWNER, write_empty_archives
from sources.freigaben import freigabe_rows
from sources.region import Region, rule_tables
from sources.timeline import TIMELINE_SCHEMAS

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
            {
                **threshold.model_dump(exclude={"reason", "summen"}),
                "min_zaehler": threshold.min_zaehler,
                "min_zaehler_sozialraum": threshold.min_zaehler_sozialraum,
            }
            for threshold in policy.thresholds
        ]
        tables["rule_sum"] = [
            {"merkmal": merkmal} for threshold in policy.thresholds for merkmal in threshold.summen
        ]
        tables["rule_freigabe"] = freigabe_rows(all_freigaben(settings, region))
        tables["rule_index_quelle"] = index_sources.index_sources(region, settings.dbt_project)
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
    "rule_freigabe": {
        "kommune_id": "string",
        "thema": "string",
        "stichtag_bis": "date32",
        "am": "date32",
    },
    "rule_uninhabited": {"raum_id": "string", "reason": "string"},
    **TIMELINE_SCHEMAS,
    "rule_hinweis": {
        "hinweis_id": "string",
        "art": "string",
        "raum_id": "string",
        "indikator_id": "string",
        "thema": "string",
        "stichtag_von": "date32",
        "stichtag_bis": "date32",
        "text": "string",
    },
    "rule_abgleich": {
        "gegenstand": "string",
        "name": "string",
        "einheit": "string",
        "toleranz": "float64",
        "toleranz_in": "string",
        "erklaerung": "string",
        "seite": "string",
        "quelle": "string",
        "schluessel": "string",
        "teile": "int32",
    },
    "rule_reconciliation": {
        "raumebene": "string",
        "merkmal": "string",
        "max_ueberschuss": "int64",
    },
    "rule_chance": {"z": "float64", "hoechstbreite": "float64"},
    "rule_peers": {"vergleich_id": "string", "anzahl": "int32"},
    "rule_peer_feature": {
        "vergleich_id": "string",
        "indikator_id": "string",
        "gewicht": "float64",
    },
    "rule_index": {
        "index_id": "string",
        "name": "string",
        "quelle": "string",
        "standardisierung": "string",
        "referenz_stichtag": "date32",
        "leitindikator": "string",
        "hoechstabstand_tage": "int32",
        "hoechstens_fehlend": "int32",
        "klassen_nach": "string",
        "klasse_aus_allen": "bool",
        "spielraum": "float64",
    },
    "rule_index_part": {
        "index_id": "string",
        "domaene": "string",
        "domaene_gewicht": "float64",
        "indikator_id": "string",
        "ausrichtung": "string",
        "gewicht": "float64",
    },
    "rule_schwellen": {
        "schwellen_id": "string",
        "name": "string",
        "gegen": "string",
        "mindestzahl": "int32",
        "leitindikator": "string",
        "hoechstabstand_tage": "int32",
        "beschlossen_am": "date32",
        "beschlossen_von": "string",
    },
    "rule_schwelle": {
        "schwellen_id": "string",
        "position": "int32",
        "indikator_id": "string",
        "ausrichtung": "string",
        "art": "string",
        "wert": "float64",
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
    "rule_klassengrenze": {
        "indikator_id": "string",
        "klasse": "int32",
        "ueber": "float64",
        "bis": "float64",
        "name": "string",
    },
    "rule_stellungnahme": {
        "position": "int32",
        "raum_id": "string",
        "art": "string",
        "von": "string",
        "am": "date32",
        "text": "string",
    },
    "rule_index_quelle": index_sources.SCHEMA,
    "rule_threshold": {
        "thema": "string",
        "max_sensitive": "int32",
        "min_zaehler": "int32",
        "min_zaehler_sozialraum": "int32",
        "min_nenner": "int32",
        "min_einwohner": "int32",
    },
    "rule_sum": {"merkmal": "string"},
}


def _write_rules(settings: Settings, tables: dict[str, list[dict]]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    settings.rules.mkdir(parents=True, exist_ok=True)
    for name, fields in RULE_SCHEMAS.items():
        kinds = {column: pa.type_for_alias(kind) for column, kind in fields.items()}
        table = pa.Table.from_pylist(tables[name], schema=pa.schema(kinds.items()))
        pq.write_table(table, settings.rules / f"{name}.parquet")
