"""The demographic half of the catalogue: values beside the simulated counties' truth.

Expectations are made from the truth's counts here, never from the warehouse's own.
"""

import duckdb
import pytest

from tests.integration.conftest import Warehouse

DAY = "date '2015-12-31'"
PERSONS = "geschlecht = 'insgesamt' and staatsangehoerigkeit = 'insgesamt'"

# numerator: Merkmale of the truth with their signs; denominator: from which age to which, factor
COUNTED = {
    "durchschnittsalter": ({"alterssumme": 1}, (0, 999), 1),
    "wanderungssaldo": ({"zuzuege": 1, "fortzuege": -1}, (0, 999), 1000),
    "wanderungsvolumen": ({"zuzuege": 1, "fortzuege": 1}, (0, 999), 1000),
    "wohndauer_ab_10": ({"wohndauer_ab_10": 1}, (18, 999), 100),
    "familienwanderung_u6": ({"zuzuege_u6": 1, "fortzuege_u6": -1}, (0, 5), 100),
}
AGES = {
    "greying_index": ("a >= 80", "a between 60 and 79", 100),
    "jugendquotient": ("a < 18", "a between 18 and 64", 100),
    "altenquotient": ("a >= 65", "a between 18 and 64", 100),
}
ESTIMATED = {
    # Measured on the counties; what the register cannot show is told in the definitions.
    "migrationshintergrund": 0.03,
    "migrationshintergrund_u18": 0.02,
    "haushalte": 0.05,
    "haushalte_einperson": 0.12,
    "haushalte_alleinerziehend": 0.1,
    "haushalte_einperson_ab_65": 0.06,
    "haushalte_mit_kindern": 0.02,
    "haushalte_kinderreich": 0.05,
}
"""By which share the estimate of the county may miss the truth."""


def published(warehouse: Warehouse, indikator_id: str) -> dict[str, tuple]:
    """Return raum_id -> (numerator, denominator, value) of the Sozialräume that have a value."""
    rows = warehouse.published(
        f"select raum_id, zaehler, nenner, wert from mart_indikator where stichtag = {DAY} "
        f"and indikator_id = '{indikator_id}' and raumebene = 'sozialraum' and status = 'ok'"
    )
    return {raum_id: values for raum_id, *values in rows}


def truth(warehouse: Warehouse, numerator: str, denominator: str) -> dict[str, list[int]]:
    """Return raum_id -> [numerator, denominator]: sums of columns of the truth, area by area."""
    rows = duckdb.sql(
        f"""
        with counted as (
            select raum_id, merkmal, anzahl, 0 as a from '{warehouse.truth("fallzahl")}'
            where stichtag = {DAY}
            union all
            select raum_id, 'alter', anzahl, cast(substr(altersgruppe, 1, 2) as integer)
            from '{warehouse.truth("bevoelkerung")}'
            where stichtag = {DAY} and {PERSONS} and basis = 'melderegister'
                and altersgruppe <> 'insgesamt'
        )
        select raum_id, cast({numerator} as bigint), cast({denominator} as bigint)
        from counted group by raum_id
        """
    ).fetchall()
    return {raum_id: values for raum_id, *values in rows}


def same(found: dict[str, tuple], expected: dict[str, list[int]], factor: int) -> None:
    """Numbers exactly, values to 1e-9."""
    assert len(found) > 30
    for raum_id, (zaehler, nenner, wert) in found.items():
        assert [zaehler, nenner] == expected[raum_id], raum_id
        assert wert == pytest.approx(zaehler / nenner * factor, abs=1e-9)


@pytest.mark.parametrize("indikator_id", COUNTED)
def test_rates_of_register_counts_are_the_truth(aachen, indikator_id):
    signs, (youngest, oldest), factor = COUNTED[indikator_id]
    numerator = " + ".join(
        f"({sign}) * sum(anzahl) filter (merkmal = '{name}')" for name, sign in signs.items()
    )
    denominator = f"sum(anzahl) filter (merkmal = 'alter' and a >= {youngest} and a <= {oldest})"
    same(published(aachen, indikator_id), truth(aachen, numerator, denominator), factor)


@pytest.mark.parametrize("region", ["aachen", "rbk"])
@pytest.mark.parametrize("indikator_id", AGES)
def test_quotients_of_ages_are_the_truth(request, region, indikator_id):
    county = request.getfixturevalue(region)
    over, under, factor = AGES[indikator_id]
    sums = [f"sum(anzahl) filter (merkmal = 'alter' and {part})" for part in (over, under)]
    same(published(county, indikator_id), truth(county, *sums), factor)


@pytest.mark.parametrize("region", ["aachen", "rbk"])
def test_billeter_is_below_zero_in_an_old_county(request, region):
    county = request.getfixturevalue(region)
    alter = "sum(anzahl) filter (merkmal = 'alter' and {})".format
    numerator = f"{alter('a < 15')} - {alter('a >= 50')}"
    expected = truth(county, numerator, alter("a between 15 and 49"))
    found = published(county, "billeter_mass")
    same(found, expected, 1)
    assert all(wert < 0 for _, _, wert in found.values())


def test_mean_age_comes_from_counts_by_year_of_age_too(rbk):
    numerator = "sum(anzahl) filter (merkmal = 'alterssumme')"
    everybody = "sum(anzahl) filter (merkmal = 'alter')"
    same(published(rbk, "durchschnittsalter"), truth(rbk, numerator, everybody), 1)


def test_births_are_told_for_women_of_15_to_44(aachen):
    births = "sum(anzahl) filter (merkmal = 'geburten')"
    expected = truth(aachen, births, "0")
    found = published(aachen, "geburten_je_1000_frauen")
    assert len(found) > 30
    women = dict(
        aachen.sealed(
            f"select raum_id, anzahl from core.fct_bevoelkerung where stichtag = {DAY} "
            "and altersgruppe = '15-44' and geschlecht = 'weiblich'"
        )
    )
    for raum_id, (zaehler, nenner, wert) in found.items():
        assert zaehler == expected[raum_id][0]
        assert nenner == women[raum_id]
        assert wert == pytest.approx(zaehler / nenner * 1000, abs=1e-9)


def test_growth_is_told_area_by_area_where_the_boundaries_are_the_same(rbk):
    totals = duckdb.sql(
        f"""
        select raum_id, sum(anzahl) filter (stichtag = {DAY})::bigint,
            sum(anzahl) filter (stichtag = date '2010-12-31')::bigint
        from '{rbk.truth("bevoelkerung")}'
        where basis = 'melderegister' and altersgruppe = 'insgesamt' and {PERSONS}
        group by raum_id
        """
    ).fetchall()
    expected = {raum_id: [now - then, then] for raum_id, now, then in totals}
    same(published(rbk, "bevoelkerungsentwicklung"), expected, 100)


def test_growth_is_told_for_kommunen_where_the_boundaries_changed(aachen):
    totals = duckdb.sql(
        f"""
        select substr(raum_id, 1, 8), sum(anzahl) filter (stichtag = {DAY})::bigint,
            sum(anzahl) filter (stichtag = date '2010-12-31')::bigint
        from '{aachen.truth("bevoelkerung")}'
        where basis = 'melderegister' and altersgruppe = 'insgesamt' and {PERSONS}
        group by all
        """
    ).fetchall()
    rows = aachen.published(
        "select raumebene, raum_id, zaehler, nenner, status, abdeckung from mart_indikator "
        f"where indikator_id = 'bevoelkerungsentwicklung' and stichtag = {DAY}"
    )
    assert {row[4] for row in rows if row[0] == "sozialraum"} == {"nicht_vergleichbar"}
    kommunen = {row[1]: row[2:] for row in rows if row[0] == "kommune"}
    assert kommunen == {raum_id: (now - then, then, "ok", 1.0) for raum_id, now, then in totals}
    (kreis,) = (row[2:] for row in rows if row[0] == "kreis")
    assert kreis[0] == sum(now - then for _, now, then in totals)
    assert kreis[2:] == ("ok", 1.0)


def test_no_sum_of_ages_stands_where_the_inhabitants_are_withheld(aachen):
    (told,) = duckdb.sql(
        f"""
        select count(*) from '{aachen.settings.released}/fallzahl.parquet' as ages
        inner join '{aachen.settings.released}/bevoelkerung.parquet' as people
            using (raum_id, gebietsstand, stichtag)
        where ages.merkmal = 'alterssumme' and ages.anzahl is not null
            and people.altersgruppe = 'insgesamt' and {PERSONS}
            and people.basis = 'melderegister' and people.status = 'geheim'
        """
    ).fetchone()
    assert told == 0


def test_estimates_miss_the_truth_by_no_more_than_is_known(aachen):
    with duckdb.connect(str(aachen.settings.warehouse), read_only=True) as con:
        rows = con.execute(
            f"""
            select merkmal, abs(sum(fact.anzahl) - sum(truth.anzahl)) / sum(truth.anzahl)
            from '{aachen.truth("fallzahl")}' as truth
            inner join core.fct_fallzahl as fact
                using (raum_id, gebietsstand, stichtag, merkmal)
            where fact.status = 'ok' and fact.geschaetzt and fact.delivery_id is not null
            group by merkmal
            """
        ).fetchall()
    missed = dict(rows)
    assert set(ESTIMATED) <= set(missed)
    assert {name: share for name, share in missed.items() if share > ESTIMATED.get(name, 1)} == {}
