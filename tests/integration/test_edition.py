"""The published edition of Berlin against what the publishers printed."""

import json
import re
from pathlib import Path

import duckdb
import pytest

INHABITANTS = {
    "2001-12-31": 3_337_233,
    "2005-12-31": 3_339_436,
    "2011-12-31": 3_427_114,
    "2012-12-31": 3_469_621,
    "2014-12-31": 3_562_166,
    "2015-12-31": 3_610_156,
    "2016-12-31": 3_670_622,
    "2017-12-31": 3_711_930,
}
CLASSES = {"1": "hoch", "2": "mittel", "3": "niedrig", "4": "sehr niedrig"}


def published_classes(data: Path, year: int, column: str) -> dict[str, str]:
    """What the MSS printed for the areas that it does not exclude."""
    file = next(data.glob(f"mss/*-{year}-00-1-planning-areas.csv"))
    rows = duckdb.sql(f"select id, {column} from read_csv('{file}', all_varchar = true)").fetchall()
    printed = {area: code for area, code in rows if code != "0"}
    return {a: CLASSES.get(c, c) for a, c in printed.items()}


def test_inhabitants_of_the_city(berlin):
    rows = berlin.published(
        "select stichtag::varchar, anzahl from mart_bevoelkerung where raumebene = 'kreis' and "
        "altersgruppe = 'insgesamt' and geschlecht = 'insgesamt' "
        "and staatsangehoerigkeit = 'insgesamt'"
    )
    assert dict(rows) == INHABITANTS


@pytest.mark.parametrize(("year", "stichtag"), [(2015, "2014-12-31"), (2017, "2016-12-31")])
def test_inhabitants_agree_with_the_monitoring(berlin, berlin_data, year, stichtag):
    file = next(berlin_data.glob(f"mss/*-{year}-00-1-planning-areas.csv"))
    printed = duckdb.sql(f"select id, inhabitants from read_csv('{file}', all_varchar = true)")
    printed = {area: int(number) for area, number in printed.fetchall()}
    rows = berlin.published(
        f"select raum_id, anzahl from mart_bevoelkerung where stichtag = '{stichtag}' and "
        "raumebene = 'sozialraum' and altersgruppe = 'insgesamt' and geschlecht = 'insgesamt'"
    )
    assert len(printed) == 447
    assert dict(rows) == printed


def test_a_change_does_not_tell_a_withheld_share(berlin):
    """02020201 was excluded in 2014 and is not in 2016: share minus change would tell 2014."""
    rows = berlin.published(
        "select indikator_id, status, wert from mart_indikator where raum_id = '02020201' "
        "and stichtag = '2016-12-31' and indikator_id like '%_veraenderung' order by all"
    )
    assert [row[1:] for row in rows] == [("geheim", None)] * 4
    assert berlin.published(
        "select status, klasse is not null, index_wert, summe from mart_index "
        "where raum_id = '02020201' and stichtag = '2016-12-31' and index_id = 'mss_dynamik'"
    ) == [("ok", True, None, None)]
    told = berlin.published(
        "select count(*) from mart_indikator as change join mart_indikator as earlier "
        "on earlier.raum_id = change.raum_id and change.indikator_id = "
        "earlier.indikator_id || '_veraenderung' and earlier.stichtag = '2014-12-31' "
        "where change.stichtag = '2016-12-31' and earlier.status = 'geheim' "
        "and change.wert is not null"
    )
    assert told == [(0,)]


def index_sql(berlin, change=lambda sql: sql) -> str:
    """The model of the index as plain SQL on the sealed database, changed for a test."""
    from orchestration.warehouse import run_dbt

    compiled = run_dbt(berlin.settings, "compile", "--select", "fct_index_klasse").result.results
    return change(compiled[0].node.compiled_code)


def test_sample_deviation_would_flip_one_label(berlin, berlin_data):
    """The population SD is what the MSS uses; the sample SD gives one other label in 2015."""
    wrong = {}
    for name, change in (("population", str), ("sample", lambda s: s.replace("_pop(", "_samp("))):
        rows = berlin.sealed(
            f"select raum_id, klasse from ({index_sql(berlin, change)}) where status = 'ok' "
            "and index_id = 'mss_dynamik' and stichtag = '2014-12-31'"
        )
        printed = published_classes(berlin_data, 2015, "dynamic_index")
        wrong[name] = {area for area, klasse in rows if printed[area] != klasse}
    assert wrong == {"population": set(), "sample": {"07070707"}}


def test_a_class_waits_for_what_its_scale_rests_on(berlin):
    """Mean and deviation of the reference Stichtag are under embargo, and so are all classes."""

    def embargo(sql: str) -> str:
        late = "case when stichtag = '2014-12-31' then date '2999-01-01' else publishable_from end"
        changed = {
            r'"\w+"\."core"\."fct_index_teil"': f"{late} as publishable_from",
            r"\S*rule_index\b(?!_)\S*": "date '2014-12-31' as referenz_stichtag",
        }
        for table, column in changed.items():
            assert re.search(table, sql)
            sql = re.sub(table, lambda m, c=column: f"(select * replace ({c}) from {m[0]})", sql)
        return sql

    days = "select stichtag, min(publishable_from) > '2999-01-01'::date - 1 from"
    own = dict(berlin.sealed(f"{days} ({index_sql(berlin)}) group by all"))
    waiting = dict(berlin.sealed(f"{days} ({index_sql(berlin, embargo)}) group by all"))
    assert len(own) > 1
    assert not any(own.values())
    assert waiting.keys() == own.keys()
    assert all(waiting.values())


def test_shares_of_bezirksregionen_close(berlin):
    """Numerators over denominators equal the printed shares; only S3 holds people without area."""
    rows = berlin.sealed(
        "select merkmal, count(*), "
        "count(*) filter (round(anteil - anteil_geliefert, 5) = 0), "
        "count(*) filter (ueberschuss > 0), min(ueberschuss), max(ueberschuss) "
        "from core.rec_mss where raumebene = 'bezirksregion' and stichtag = '2014-12-31' "
        "and raeume_ausgeschlossen = 0 group by merkmal order by merkmal"
    )
    assert rows == [
        ("mss_arbeitslose", 126, 126, 0, 0, 0),
        ("mss_langzeitarbeitslose", 126, 126, 0, 0, 0),
        ("mss_transferbezug", 126, 93, 33, 0, 46),
        ("mss_transferbezug_u15", 126, 126, 0, 0, 0),
    ]


def test_mean_of_rates_would_not_pass_the_gate(berlin, tmp_path):
    """The same rule of the plausibility suite, on shares that are means of rates."""
    from expectations.runner import run_suite
    from expectations.suite import Suite, load_suite

    suite = load_suite("plausibility")
    table = next(t for t in suite.tables if t.table == "core.rec_mss")
    rule = next(e for e in table.expectations if e.name == "shares_agree")
    one = Suite(
        name="mean",
        description="one rule",
        tables=[table.model_copy(update={"expectations": [rule], "table": "rec_mss"})],
    )
    means = """
        select rec.* replace (means.mean as anteil) from core.rec_mss as rec
        inner join (
            select bridge.ober_raum_id as raum_id, rebuilt.stichtag, rebuilt.merkmal,
                avg(100.0 * rebuilt.zaehler / rebuilt.nenner) as mean
            from intermediate.int_mss__rebuilt as rebuilt
            inner join core.bridge_raum as bridge on bridge.raum_id = rebuilt.raum_id
            group by all
        ) as means using (raum_id, stichtag, merkmal)
    """
    results = {}
    for name, query in (("right", "from core.rec_mss"), ("mean", means)):
        path = tmp_path / f"{name}.parquet"
        with duckdb.connect(str(berlin.settings.warehouse), read_only=True) as con:
            con.execute(f"copy ({query}) to '{path}' (format parquet)")
        results[name] = run_suite(one, {"rec_mss": path})
    assert results["right"].passed
    assert not results["mean"].passed
    assert results["mean"].failed[0].unexpected_count > 100


def test_excluded_areas_are_withheld_and_their_register_counts_stay(berlin):
    query = (
        "select count(distinct raum_id) from mart_indikator join dim_indikator "
        "using (indikator_id, version) where status = 'geheim' and art = 'anteil' "
        "and raumebene = 'sozialraum' and stichtag = '{}'"
    )
    assert berlin.published(query.format("2014-12-31")) == [(12,)]
    assert berlin.published(query.format("2016-12-31")) == [(11,)]
    assert berlin.published(
        "select count(*) from mart_indikator where status = 'geheim' "
        "and (zaehler is not null or wert is not null)"
    ) == [(0,)]
    assert berlin.published(
        "select anzahl, status from mart_bevoelkerung where raum_id = '01011102' "
        "and stichtag = '2014-12-31' and altersgruppe = 'insgesamt' and geschlecht = 'insgesamt'"
    ) == [(194, "ok")]


def test_area_without_inhabitants_has_no_facts(berlin):
    assert berlin.published("select count(*) from dim_raum where raum_id = '09041403'") == [(1,)]
    for table in ("mart_bevoelkerung", "mart_indikator", "mart_index"):
        rows = berlin.published(f"select count(*) from {table} where raum_id = '09041403'")
        assert rows == [(0,)]


def test_space(berlin):
    rows = berlin.published("select raumebene, count(*) from dim_raum group by all order by all")
    assert rows == [
        ("bezirksregion", 138),
        ("kommune", 12),
        ("kreis", 1),
        ("ohne_raum", 12),
        ("sozialraum", 448),
    ]
    assert berlin.published(
        "select count(*) from dim_raum where raum_id in ('04030417', '06010102')"
    ) == [(2,)]
    # Berlin has 891 square kilometres; the geometry is generalised.
    (area,) = berlin.published("select flaeche_km2 from dim_raum where raumebene = 'kreis'")[0]
    assert area == pytest.approx(891, rel=0.005)


def test_places_of_day_care_are_all_counted(berlin, berlin_data):
    file = next(berlin_data.glob("kita/*.csv"))
    (total,) = duckdb.sql(f"select sum(places) from read_csv('{file}')").fetchone()
    assert berlin.published(
        "select zaehler, wert, status from mart_indikator where indikator_id = 'kita_plaetze' "
        "and raumebene = 'kreis'"
    ) == [(total, total, "ok")]
    parts = berlin.published(
        "select sum(zaehler) from mart_indikator where indikator_id = 'kita_plaetze' "
        "and raumebene in ('sozialraum', 'ohne_raum')"
    )
    assert parts == [(total,)]


def test_quota_over_children_of_another_time_is_not_comparable(berlin):
    rows = berlin.published(
        "select distinct status, wert from mart_indikator "
        "where indikator_id = 'kita_versorgungsquote'"
    )
    assert rows == [("nicht_vergleichbar", None)]


def test_a_rate_by_hand(berlin, berlin_data):
    """Share under 18 of one area in 2016, from the file's own cells."""
    file = berlin_data / "register" / "EWR201612E_Matrix.csv"
    bands = ("E_EU1", "E_E1U6", "E_E6U15", "E_E15U18")
    under_18, everyone = duckdb.sql(
        f"select {' + '.join(bands)}, E_E from read_csv('{file}', delim = ';', "
        "types = {'RAUMID': 'varchar'}) where RAUMID = '01011101'"
    ).fetchone()
    rows = berlin.published(
        "select zaehler, nenner, wert from mart_indikator where raum_id = '01011101' "
        "and indikator_id = 'anteil_unter_18' and stichtag = '2016-12-31'"
    )
    assert rows == [(under_18, everyone, pytest.approx(100 * under_18 / everyone, rel=1e-14))]


def test_small_denominators_have_no_rate(berlin):
    rows = berlin.published(
        "select count(*) from mart_indikator join dim_indikator using (indikator_id, version) "
        "where art in ('anteil', 'verhaeltnis') and nenner < min_nenner "
        "and mart_indikator.status = 'ok'"
    )
    assert rows == [(0,)]
    rows = berlin.published(
        "select count(*) > 0, bool_and(wert is null), bool_and(zaehler is not null) "
        "from mart_indikator where status = 'zu_klein'"
    )
    assert rows == [(True, True, True)]


def test_manifest_says_where_everything_came_from(berlin):
    folder = berlin.settings.published / "current"
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["kind"] == "monitoring"
    assert manifest["region"] == "berlin"
    assert len(manifest["deliveries"]) == 22
    assert {gate: result["passed"] for gate, result in manifest["gates"].items()} == {
        "plausibility": True,
        "privacy": True,
        "publication": True,
    }
    assert {repair.get("id") or repair["raum_id"] for repair in manifest["repairs"]} == {
        "lor_doppelt_06010102",
        "09041403",
    }
    files = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}
    assert files == {*manifest["files"], "manifest.json"}


def test_every_published_column_is_described_in_the_database(berlin):
    undescribed = berlin.published(
        "select table_name, column_name from duckdb_columns() where coalesce(comment, '') = '' "
        "and schema_name = 'main' and not internal"
    )
    assert undescribed == []
