"""No rule of a gate that cannot fail: each is shown to fail on a fault planted for it alone."""

import shutil
from pathlib import Path

import duckdb
import pytest

from disclosure.star.store import PATTERN
from orchestration.gates import PRIVACY_RULES, RELEASED_TABLES
from orchestration.models import CORE_STEP, dbt_vars
from orchestration.settings import Settings
from sources.region import REGIONS
from tests.integration.conftest import Warehouse

TOTAL = "altersgruppe = 'insgesamt' and geschlecht = 'insgesamt'"
ONE = "raum_id = '01011101' and stichtag = '2016-12-31'"

# Statements on a copy of the sealed database.
PLAUSIBILITY = {
    ("core.dim_raum", "has_areas"): "delete from core.dim_raum",
    (
        "core.dim_raum",
        "each_level_has_units",
    ): "delete from core.dim_raum where raumebene = 'kreis'",
    ("core.dim_raum", "one_unit_above"): "delete from core.dim_raum where raum_id = '010111'",
    ("core.dim_raum", "area_is_positive"): "update core.dim_raum set flaeche_km2 = 0 "
    "where raum_id = '010111'",
    ("core.fct_bevoelkerung", "not_negative"): "update core.fct_bevoelkerung set anzahl = -1 "
    f"where {ONE} and altersgruppe = '00-00'",
    ("core.fct_bevoelkerung", "bands_add_up"): "update core.fct_bevoelkerung set "
    f"anzahl = anzahl + 1 where {ONE} and altersgruppe = '00-00'",
    ("core.fct_bevoelkerung", "sexes_add_up"): "update core.fct_bevoelkerung set "
    f"anzahl = anzahl + 1 where {ONE} and geschlecht = 'weiblich'",
    ("core.fct_bevoelkerung", "coarse_bands_add_up"): "update staging.stg_afs__einwohner set "
    f"anzahl = anzahl + 1 where {ONE} and spalte = 'grob_00_00'",
    ("core.fct_bevoelkerung", "no_area_lost"): "update core.fct_bevoelkerung set anzahl = null, "
    f"status = 'nicht_geliefert' where {ONE}",
    ("core.fct_bevoelkerung", "no_area_invented"): f"delete from core.fct_bevoelkerung where {ONE}",
    ("core.fct_bevoelkerung", "sums_close"): "update intermediate.int_bevoelkerung__united set "
    f"anzahl = anzahl + 1 where {ONE} and altersgruppe = '00-00'",
    ("core.fct_bevoelkerung", "rolls_up"): "insert into core.bridge_raum values "
    "('01011101', 'lor_bis_2020', 'sozialraum', '02', 'kommune', 2)",
    ("core.fct_bevoelkerung", "kommune_changes_believably"): "update core.fct_bevoelkerung set "
    "anzahl = anzahl * 2 where raum_id like '01%' and stichtag = '2016-12-31'",
    ("core.fct_bevoelkerung", "areas_change_believably"): "update core.fct_bevoelkerung set "
    "anzahl = anzahl * 2 where raum_id like '0%1' and stichtag = '2016-12-31'",
    ("core.fct_bevoelkerung", "no_copy_of_another_year"): "update core.fct_bevoelkerung as new "
    "set anzahl = old.anzahl from core.fct_bevoelkerung as old where new.stichtag = '2016-12-31' "
    "and old.stichtag = '2015-12-31' and new.raum_id = old.raum_id and new.altersgruppe = "
    "old.altersgruppe and new.geschlecht = old.geschlecht",
    ("core.fct_fallzahl", "not_negative"): f"update core.fct_fallzahl set anzahl = -1 where {ONE}",
    ("core.fct_fallzahl", "numerator_within_denominator"): "update core.fct_fallzahl set "
    f"anzahl = 100000 where {ONE}",
    ("core.fct_fallzahl", "numerators_are_whole"): "update intermediate.int_mss__rebuilt set "
    f"rest = 0.3 where {ONE}",
    ("core.fct_fallzahl", "inhabitants_agree"): "update intermediate.int_mss__rebuilt set "
    f"einwohner = einwohner + 1 where {ONE}",
    (
        "core.fct_fallzahl",
        "no_area_lost",
    ): f"delete from staging.stg_senstadt__mss_anteile where {ONE}",
    ("core.fct_fallzahl", "places_add_up"): "update core.fct_fallzahl set anzahl = anzahl + 1 "
    "where merkmal = 'kita_plaetze' and raum_id = '01011101'",
    ("core.fct_fallzahl", "rolls_up"): "insert into core.bridge_raum values "
    "('01011101', 'lor_bis_2020', 'sozialraum', '02', 'kommune', 2)",
    ("core.fct_fallzahl", "sums_close"): "update intermediate.int_fallzahl__united set "
    "anzahl = anzahl + 1 where merkmal = 'kita_plaetze' and raum_id = '01011101'",
    ("core.fct_fallzahl", "no_count_invented"): "update intermediate.int_fallzahl__united set "
    f"raum_id = '09041403' where {ONE}",
    ("core.fct_fallzahl", "no_copy_of_another_year"): "update core.fct_fallzahl as new "
    "set anzahl = old.anzahl from core.fct_fallzahl as old where new.stichtag = '2016-12-31' "
    "and old.stichtag = '2014-12-31' and new.raum_id = old.raum_id and new.merkmal = old.merkmal",
    ("core.fct_fallzahl", "no_area_invented"): "update staging.stg_senstadt__mss_anteile set "
    f"raum_id = '09041403' where {ONE}",
    ("core.fct_fallzahl", "kommune_changes_believably"): "update core.fct_fallzahl set "
    "anzahl = anzahl * 2 where raum_id like '01%' and stichtag = '2016-12-31'",
    ("core.fct_fallzahl", "published_classes_agree"): "update staging.stg_senstadt__mss_klassen "
    f"set status_klasse = 'hoch' where {ONE}",
    ("core.fct_lieferwert", "no_area_lost"): "update core.fct_lieferwert set wert = null, "
    f"status = 'nicht_geliefert' where {ONE}",
    ("core.fct_lieferwert", "in_range"): f"update core.fct_lieferwert set wert = 101 where {ONE}",
    ("core.fct_lieferwert", "no_copy_of_another_year"): "update core.fct_lieferwert as new "
    "set wert = old.wert from core.fct_lieferwert as old where new.stichtag = '2016-12-31' "
    "and old.stichtag = '2014-12-31' and new.raum_id = old.raum_id and new.merkmal = old.merkmal",
    ("core.rec_mss", "inhabitants_agree"): "update core.rec_mss set "
    "einwohner_geliefert = einwohner_geliefert + 1 where raum_id = '010111'",
    ("core.rec_mss", "no_part_exceeds_its_whole"): "update core.rec_mss set ueberschuss = -1 "
    "where raum_id = '010111'",
    ("core.rec_mss", "surplus_is_explained"): "update core.rec_mss set ueberschuss = 47 "
    "where raum_id = '010112'",
    ("core.rec_mss", "shares_agree"): "update core.rec_mss set anteil = anteil + 0.00002 "
    "where ueberschuss = 0 and raeume_ausgeschlossen = 0",
}

# Statements on a database with the released tables, which are then written back as Parquet.
PRIVACY = {
    ("bevoelkerung", "has_rows"): "delete from bevoelkerung",
    ("bevoelkerung", "theme_has_a_policy"): f"update bevoelkerung set thema = 'neu' where {ONE}",
    ("bevoelkerung", "minimum_frequency"): "update bevoelkerung set anzahl = 2 "
    f"where {ONE} and altersgruppe = '95+'",
    ("bevoelkerung", "number_only_if_ok"): "update bevoelkerung set status = 'geheim' "
    f"where {ONE} and altersgruppe = '95+'",
    ("pattern", "has_rows"): "delete from pattern",
    ("pattern", "withstands_attack"): "update pattern set suppressed = 0, n = coalesce(n, 7)",
    ("bevoelkerung", "printed_as_its_pattern_says"): "update pattern set suppressed = 1 where "
    "raum = '01011101' and stichtag = '2016-12-31' and geschlecht = 'weiblich'",
    ("bevoelkerung", "complete_as_its_pattern_says"): "update bevoelkerung set status = 'geheim', "
    f"anzahl = null where {ONE} and altersgruppe = 'insgesamt' and geschlecht = 'insgesamt'",
    ("fallzahl", "printed_as_its_pattern_says"): "update fallzahl set anzahl = anzahl + 1 "
    f"where {ONE} and merkmal = 'mss_arbeitslose'",
    ("fallzahl", "complete_as_its_pattern_says"): f"delete from fallzahl where {ONE}",
    ("fallzahl", "has_rows"): "delete from fallzahl",
    ("fallzahl", "theme_has_a_policy"): f"update fallzahl set thema = 'neu' where {ONE}",
    ("fallzahl", "minimum_frequency"): f"update fallzahl set anzahl = 1 where {ONE}",
    ("fallzahl", "number_only_if_ok"): f"update fallzahl set status = 'geheim' where {ONE}",
    ("fallzahl", "nothing_before_its_embargo"): "update fallzahl set "
    f"publishable_from = date '2999-01-01' where {ONE}",
    ("bevoelkerung", "nothing_before_its_embargo"): "update bevoelkerung set "
    f"publishable_from = date '2999-01-01' where {ONE}",
    **{(table, "only_what_is_released"): "delete from rule_freigabe" for table in RELEASED_TABLES},
    ("lieferwert", "change_tells_no_withheld_count"): "update lieferwert set wert = 1, "
    "status = 'ok' where raum_id = '02020201' and stichtag = '2016-12-31'",
    ("indexklasse", "tells_no_withheld_count"): "update indexklasse set klasse = case klasse "
    f"when 'hoch' then 'mittel' when '+' then '-' else '+' end where {ONE}",
    ("indexklasse", "class_only_if_ok"): f"update indexklasse set status = 'geheim' where {ONE}",
    ("indexklasse", "nothing_before_its_embargo"): "update indexklasse set "
    f"publishable_from = date '2999-01-01' where {ONE}",
    ("lieferwert", "number_only_if_ok"): f"update lieferwert set wert = null where {ONE}",
    ("lieferwert", "nothing_before_its_embargo"): "update lieferwert set "
    f"publishable_from = date '2999-01-01' where {ONE}",
}

# Statements on a copy of the edition's database.
PUBLICATION = {
    ("main.dim_raum", "has_areas"): "delete from dim_raum",
    ("main.dim_indikator", "has_indicators"): "delete from dim_indikator",
    ("main.dim_indikator", "thresholds_are_known"): "update dim_indikator set min_nenner = null",
    ("main.mart_bevoelkerung", "has_rows"): "delete from mart_bevoelkerung",
    ("main.mart_bevoelkerung", "number_only_if_ok"): "update mart_bevoelkerung set "
    f"status = 'geheim' where {ONE}",
    ("main.mart_bevoelkerung", "coverage_is_a_share"): "update mart_bevoelkerung set "
    f"abdeckung = 1.5 where {ONE}",
    ("main.mart_bevoelkerung", "levels_close"): "update mart_bevoelkerung set "
    "anzahl = anzahl + 1 where raumebene = 'kreis' and stichtag = '2016-12-31'",
    ("main.mart_bevoelkerung", "parts_close"): "update mart_bevoelkerung set "
    f"anzahl = anzahl + 1 where {ONE}",
    ("main.mart_bevoelkerung", "no_sensitive_count"): "update mart_bevoelkerung set anzahl = 2 "
    f"where {ONE} and altersgruppe = '95+'",
    ("main.mart_indikator", "no_sensitive_count"): "update mart_indikator set zaehler = 1 "
    f"where {ONE}",
    ("main.mart_indikator", "small_area_has_no_rate"): "update mart_indikator set status = 'ok', "
    "wert = 1 where status = 'zu_klein'",
    ("main.mart_indikator", "has_rows"): "delete from mart_indikator",
    ("main.mart_indikator", "value_only_if_ok"): "update mart_indikator set wert = null "
    f"where {ONE}",
    ("main.mart_indikator", "withheld_has_no_counts"): "update mart_indikator set zaehler = 5 "
    "where status = 'geheim'",
    ("main.mart_indikator", "rate_has_its_counts"): "update mart_indikator set "
    f"wert = wert + 0.001 where {ONE}",
    ("main.mart_indikator", "shares_in_range"): f"update mart_indikator set wert = 101 where {ONE}",
    ("main.mart_indikator", "small_denominator_has_no_rate"): "update mart_indikator set "
    f"nenner = 99 where {ONE}",
    ("main.mart_indikator", "numerators_close"): "update mart_indikator set "
    "nenner = nenner + 1 where raumebene = 'kreis'",
    ("main.mart_index", "class_only_if_ok"): f"update mart_index set klasse = null where {ONE}",
}


def run_one(gate: str, table: str, rule: str, source) -> bool:
    """Run one rule of a suite; return whether it passed."""
    from expectations.runner import run_suite
    from expectations.suite import Suite, load_suite

    found = next(t for t in load_suite(gate).tables if t.table == table)
    one = [e for e in found.expectations if e.name == rule]
    suite = Suite(
        name=gate, description="one", tables=[found.model_copy(update={"expectations": one})]
    )
    parameters = {}
    if gate == "privacy":
        folders = {"releases": "pattern", "rules": "rule_threshold", "released": "indexklasse"}
        parameters = {name: str(source[table].parent) for name, table in folders.items()}
        parameters["today"] = "2026-01-01"
        parameters["ledger"] = str(source["pattern"].parent / "no ledger")
        parameters["policy"] = str(REGIONS / "berlin" / "privacy.yaml")
    (result,) = run_suite(suite, source, parameters=parameters).results
    assert result.problem is None
    return result.passed


@pytest.mark.parametrize(
    ("gate", "faults"),
    [("plausibility", PLAUSIBILITY), ("privacy", PRIVACY), ("publication", PUBLICATION)],
)
def test_every_rule_has_its_planted_fault(gate, faults):
    """Rules that speak of feeds which this region lacks have theirs in test_county_rules.py."""
    from expectations.suite import load_suite

    feeds = dbt_vars(Settings(Path(), "berlin"))["feeds"]
    rules = {(t.table, e.name) for t in load_suite(gate, feeds).tables for e in t.expectations}
    assert rules == set(faults)


@pytest.fixture(scope="module")
def core(berlin, tmp_path_factory) -> Path:
    """A copy of the sealed database whose views are tables, so that faults can be planted."""
    copy = tmp_path_factory.mktemp("core") / "warehouse.duckdb"
    shutil.copyfile(berlin.settings.warehouse, copy)
    with duckdb.connect(str(copy)) as con:
        views = con.execute(
            "select schema_name, view_name from duckdb_views() where not internal "
            "and schema_name in ('staging', 'intermediate')"
        ).fetchall()
        for schema, view in views:
            con.execute(f"create table {schema}.tmp as from {schema}.{view}")
            con.execute(f"drop view {schema}.{view}")
            con.execute(f"alter table {schema}.tmp rename to {view}")
    assert {schema for schema, _ in views} < set(CORE_STEP)
    return copy


@pytest.mark.parametrize(("table", "rule"), PLAUSIBILITY)
def test_plausibility_rule_fails_on_its_fault(core, tmp_path, table, rule):
    assert run_one("plausibility", table, rule, core)
    copy = tmp_path / "warehouse.duckdb"
    shutil.copyfile(core, copy)
    with duckdb.connect(str(copy)) as con:
        con.execute(PLAUSIBILITY[table, rule])
    assert not run_one("plausibility", table, rule, copy)


def released(warehouse: Warehouse, folder: Path, fault: str) -> dict[str, Path]:
    """The released tables and the patterns with a fault in them."""
    settings = warehouse.settings
    releases = folder / "release"
    shutil.rmtree(releases, ignore_errors=True)
    shutil.copytree(settings.release, releases)
    shutil.copytree(settings.rules, folder, dirs_exist_ok=True)
    tables = {name: folder / f"{name}.parquet" for name in RELEASED_TABLES}
    tables["pattern"] = releases / PATTERN
    with duckdb.connect() as con:
        for name in RELEASED_TABLES:
            con.execute(f"create table {name} as from '{settings.released / name}.parquet'")
        for name in PRIVACY_RULES:
            tables[name] = folder / f"{name}.parquet"
            con.execute(f"create table {name} as from '{tables[name]}'")
        con.execute(f"create table pattern as from '{tables['pattern']}'")
        con.execute(fault)
        for name, path in tables.items():
            con.execute(f"copy {name} to '{path}' (format parquet)")
    return tables


@pytest.mark.parametrize(("table", "rule"), PRIVACY)
def test_privacy_rule_fails_on_its_fault(berlin, tmp_path, table, rule):
    if rule != "withstands_attack":  # that it holds, the run itself has shown
        assert run_one("privacy", table, rule, released(berlin, tmp_path, "select 1"))
    assert not run_one("privacy", table, rule, released(berlin, tmp_path, PRIVACY[table, rule]))


@pytest.mark.parametrize(("table", "rule"), PUBLICATION)
def test_publication_rule_fails_on_its_fault(berlin, tmp_path, table, rule):
    edition = berlin.settings.published / "current" / "marts.duckdb"
    assert run_one("publication", table, rule, edition)
    copy = tmp_path / "marts.duckdb"
    shutil.copyfile(edition, copy)
    copy.chmod(0o600)
    with duckdb.connect(str(copy)) as con:
        con.execute(PUBLICATION[table, rule])
    assert not run_one("publication", table, rule, copy)


@pytest.mark.parametrize("table", RELEASED_TABLES)
@pytest.mark.parametrize(
    "fault",
    [
        "update rule_freigabe set stichtag_bis = date '2010-01-01'",
        "insert into rule_kommune values ('01', 'eine', false)",
        "update rule_agreement set kleinraeumig = false",
    ],
)
def test_of_small_areas_nothing_leaves_that_lacks_a_right(berlin, tmp_path, table, fault):
    """Released by its municipality, which takes part, and allowed by an agreement: all three."""
    assert not run_one("privacy", table, "only_what_is_released", released(berlin, tmp_path, fault))
