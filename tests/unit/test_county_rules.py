"""Rules of the plausibility gate that speak of the counties' feeds: each fails on its own fault.

Rules of all regions have their planted faults in tests/integration/test_gates.py.
"""

import duckdb
import pytest

from expectations.suite import Suite, load_suite
from orchestration.models import dbt_vars
from orchestration.settings import Settings

STAR = """
create schema core; create schema staging; create schema intermediate; create schema seeds;

create table core.dim_raum as
from (values ('K1-001', 'g', 'sozialraum'), ('K1-ohne', 'g', 'ohne_raum'), ('K1', 'g', 'kommune'),
    ('K', 'g', 'kreis')) as t (raum_id, gebietsstand, raumebene);

create table core.bridge_raum as
select raum_id, 'g' as gebietsstand, raumebene, 'K1' as ober_raum_id, 'kommune' as ober_raumebene
from core.dim_raum where raumebene in ('sozialraum', 'ohne_raum');

create table core.fct_bevoelkerung as
select raum_id, 'g' as gebietsstand, date '2015-12-31' as stichtag, basis,
    'insgesamt' as altersgruppe, 'insgesamt' as geschlecht, staatsangehoerigkeit,
    cast(anzahl as bigint) as anzahl, 'ok' as status
from (values ('K1-001', 'melderegister', 'insgesamt', 9900),
    ('K1-001', 'melderegister', 'deutsch', 9000), ('K1-001', 'melderegister', 'auslaendisch', 900),
    ('K1-ohne', 'melderegister', 'insgesamt', 100), ('K1-ohne', 'melderegister', 'deutsch', 90),
    ('K1-ohne', 'melderegister', 'auslaendisch', 10),
    ('K1-ohne', 'fortschreibung', 'insgesamt', 10250))
    as t (raum_id, basis, staatsangehoerigkeit, anzahl);

create table core.fct_fallzahl as
select 'K1-001' as raum_id, 'g' as gebietsstand, date '2015-12-31' as stichtag, merkmal,
    cast(anzahl as bigint) as anzahl, 'ok' as status
from (values ('arbeitslose', 500), ('langzeitarbeitslose', 200)) as t (merkmal, anzahl);

create table seeds.merkmale as
from (values ('arbeitslose', 'fallzahl', 'einwohner'),
    ('langzeitarbeitslose', 'fallzahl', 'arbeitslose'))
    as t (merkmal, fakt, teil_von);

create table staging.stg_ewo__bestand as
select 'd1' as delivery_id, wohnungsstatus
from (values ('alleinige'), ('haupt'), ('neben')) as t (wohnungsstatus);

create table intermediate.int_bevoelkerung__united as
select 'd1' as delivery_id, 'insgesamt' as altersgruppe, 'insgesamt' as geschlecht,
    'insgesamt' as staatsangehoerigkeit, cast(2 as bigint) as anzahl;

create table staging.stg_itnrw__fortschreibung as
select 'K' as gebiet_id, date '2015-12-31' as stichtag, 'insgesamt' as geschlecht,
    cast(10250 as bigint) as anzahl;
"""

FAULTS = {
    ("core.fct_bevoelkerung", "nationalities_add_up"): "update core.fct_bevoelkerung set "
    "anzahl = anzahl + 1 where staatsangehoerigkeit = 'deutsch' and raum_id = 'K1-001'",
    ("core.fct_bevoelkerung", "persons_are_counted"): "insert into staging.stg_ewo__bestand "
    "values ('d1', 'haupt')",
    ("core.fct_bevoelkerung", "bases_are_near"): "update core.fct_bevoelkerung set "
    "anzahl = 10400 where basis = 'fortschreibung'",
    ("core.fct_bevoelkerung", "kreis_is_its_sum"): "update staging.stg_itnrw__fortschreibung set "
    "anzahl = anzahl + 1",
    ("core.fct_fallzahl", "part_within_whole"): "update core.fct_fallzahl set anzahl = 501 "
    "where merkmal = 'langzeitarbeitslose'",
}
"""Statements on the small star above, each against one rule."""


def rules_of(*regions: str) -> set[tuple[str, str]]:
    """The rules of the gate that the feeds of some regions call for."""
    feeds = {f for r in regions for f in dbt_vars(Settings(None, r))["feeds"]}
    return {
        (t.table, e.name) for t in load_suite("plausibility", feeds).tables for e in t.expectations
    }


def test_every_county_rule_has_its_planted_fault():
    assert rules_of("aachen", "rbk") - rules_of("berlin") == set(FAULTS)


def test_rules_of_feeds_that_nobody_delivers_are_left_out():
    every = {(t.table, e.name) for t in load_suite("plausibility").tables for e in t.expectations}
    assert rules_of("aachen", "rbk", "berlin") == every
    tables = {table.table for table in load_suite("plausibility", ["ewo_bestand"]).tables}
    assert "core.rec_mss" not in tables
    assert "core.fct_bevoelkerung" in tables


@pytest.mark.parametrize(("table", "rule"), FAULTS)
def test_county_rule_fails_on_its_fault(tmp_path, table, rule):
    path = tmp_path / "star.duckdb"
    with duckdb.connect(str(path)) as con:
        con.execute(STAR)
    assert run_one(path, table, rule)
    with duckdb.connect(str(path)) as con:
        con.execute(FAULTS[table, rule])
    assert not run_one(path, table, rule)


def test_a_part_may_not_exceed_the_inhabitants(tmp_path):
    path = tmp_path / "star.duckdb"
    with duckdb.connect(str(path)) as con:
        con.execute(STAR)
        con.execute("update core.fct_fallzahl set anzahl = 9901 where merkmal = 'arbeitslose'")
    assert not run_one(path, "core.fct_fallzahl", "part_within_whole")


def run_one(path, table: str, rule: str) -> bool:
    """Run one rule; return whether it passed."""
    from expectations.runner import run_suite

    found = next(t for t in load_suite("plausibility").tables if t.table == table)
    one = [e for e in found.expectations if e.name == rule]
    tables = [found.model_copy(update={"expectations": one})]
    (result,) = run_suite(Suite(name="one", description="one", tables=tables), path).results
    assert result.problem is None
    return result.passed
