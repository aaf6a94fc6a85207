"""The catalogue in the counties: values follow from published counts, gaps are explained."""

import pytest

from orchestration.catalogue import read_entries
from orchestration.settings import PROJECT
from tests.integration.conftest import Warehouse
from tests.unit.test_katalog import CATALOGUE, NOBODY_DELIVERS

KEY = "gebietsstand, stichtag, indikator_id, version"


@pytest.fixture(params=("aachen", "rbk"))
def county(request) -> Warehouse:
    """Each of the two, one after the other."""
    return request.getfixturevalue(request.param)


def test_the_catalogue_is_published_whole(county):
    rows = county.published("select indikator_id, quelle_vorhanden from dim_indikator")
    assert {name for name, _ in rows} >= CATALOGUE
    entries = read_entries(PROJECT / "dbt_project")
    without = {name for name, delivered in rows if not delivered}
    assert without >= NOBODY_DELIVERS
    assert county.settings.region != "aachen" or without == NOBODY_DELIVERS
    told = {
        name for (name,) in county.published("select distinct indikator_id from mart_indikator")
    }
    assert told & without == set()
    assert {name for name in told if "nrw" not in entries[name].katalog} <= {"bewertung_jobcenter"}


@pytest.mark.parametrize(("level", "indicators"), [("kommune", 25), ("kreis", 8)])
def test_counts_of_a_level_are_those_of_its_parts_and_of_the_unplaced(county, level, indicators):
    query = f"""
        with parts as (
            select raum.{level}_id as raum_id, {KEY},
                sum(part.zaehler) as zaehler, sum(part.nenner) as nenner
            from mart_indikator as part
            inner join dim_raum as raum using (raum_id, gebietsstand)
            where part.raumebene in ('sozialraum', 'ohne_raum') and not part.umgerechnet
            group by all
            -- Where a part is withheld, the level has its own published total, or leaves it out.
            having bool_and(part.status in ('ok', 'zu_klein', 'nicht_zutreffend'))
        )
        select wholes.indikator_id, wholes.raum_id, wholes.stichtag, wholes.zaehler, parts.zaehler,
            wholes.nenner, parts.nenner,
            wholes.zaehler is distinct from parts.zaehler
                or wholes.nenner is distinct from parts.nenner as wrong
        from mart_indikator as wholes
        inner join parts using (raum_id, {KEY})
        where wholes.raumebene = '{level}' and not wholes.umgerechnet
    """
    rows = county.published(query)
    assert [row for row in rows if row[-1]] == []
    assert len({row[0] for row in rows}) >= indicators


def test_the_county_is_the_sum_of_its_kommunen(county):
    compared = county.published(
        f"""
        with sums as (
            select {KEY}, sum(zaehler) as zaehler, sum(nenner) as nenner
            from mart_indikator where raumebene = 'kommune' and not umgerechnet group by all
            having bool_and(status in ('ok', 'zu_klein', 'nicht_zutreffend') and abdeckung = 1)
        )
        select kreis.zaehler is distinct from sums.zaehler
            or kreis.nenner is distinct from sums.nenner as wrong, indikator_id, stichtag
        from mart_indikator as kreis inner join sums using ({KEY})
        where kreis.raumebene = 'kreis' and not kreis.umgerechnet
        """
    )
    assert len(compared) >= 60
    assert [row for row in compared if row[0]] == []


def test_every_value_follows_from_its_numerator_and_denominator(county):
    rows = county.published(
        """
        select indikator_id, raum_id, stichtag, art, wert, zaehler, nenner, faktor
        from mart_indikator inner join dim_indikator using (indikator_id, version)
        where status = 'ok' and art <> 'klasse' and not umgerechnet
        """
    )
    assert len(rows) > 1000
    for indikator_id, raum_id, stichtag, art, wert, zaehler, nenner, faktor in rows:
        where = (indikator_id, raum_id, stichtag)
        assert wert is not None, where
        if art in ("anteil", "verhaeltnis"):
            assert nenner > 0, where
            assert wert == pytest.approx(zaehler / nenner * faktor, rel=1e-9, abs=1e-12), where
        elif art in ("anzahl", "saldo"):
            assert wert == zaehler * faktor, where


def test_a_share_is_no_more_than_all(county):
    above = county.published(
        "select indikator_id, raum_id, stichtag, zaehler, nenner "
        "from mart_indikator inner join dim_indikator using (indikator_id, version) "
        "where art = 'anteil' and status = 'ok' and not geschaetzt "
        "and (zaehler > nenner or zaehler < 0)"
    )
    assert above == []


def test_the_estimated_age_limit_is_near_the_truth(rbk):
    """Where the register has years of age only, less than 2 % of those above it are wrong."""
    ((counted, true),) = rbk.sealed(
        f"""
        select sum(fact.anzahl), sum(truth.anzahl)
        from read_parquet('{rbk.truth("fallzahl")}') as truth
        inner join core.fct_fallzahl as fact using (raum_id, gebietsstand, stichtag, merkmal)
        where truth.merkmal = 'einwohner_ab_altersgrenze' and fact.status = 'ok'
        """
    )
    assert counted == pytest.approx(true, rel=0.02)


STATES = (
    "ok",
    "nicht_geliefert",
    "nicht_freigegeben",
    "geheim",
    "zu_klein",
    "nicht_vergleichbar",
    "nicht_zutreffend",
)


def test_the_datentableau_knows_every_cell_and_why(county):
    counts = ", ".join(f"raeume_{state}" for state in STATES)
    rows = county.published(
        f"select indikator_id, raum_id, sozialraeume, kommune_status, grund, {counts} "
        "from mart_datentableau"
    )
    kommunen = {
        raum_id
        for (raum_id,) in county.published(
            "select raum_id from dim_raum where raumebene = 'kommune'"
        )
    }
    indicators = {name for (name,) in county.published("select indikator_id from dim_indikator")}
    assert {(row[0], row[1]) for row in rows} == {(i, k) for i in indicators for k in kommunen}
    for indikator_id, raum_id, sozialraeume, kommune_status, grund, *states in rows:
        where = (indikator_id, raum_id)
        assert sum(states) == sozialraeume, where
        complete = states[0] == sozialraeume and kommune_status in ("ok", "nicht_zutreffend")
        assert complete or grund, where
        assert grund is None or not complete or kommune_status == "nicht_zutreffend", where
    nobody = {row[0] for row in rows if row[4] and row[4].startswith("Vereinbart")}
    assert nobody >= NOBODY_DELIVERS


def test_the_datentableau_counts_what_is_published(county):
    wrong = county.published(
        """
        with counted as (
            select raum.kommune_id as raum_id, gebietsstand, indikator_id, version, stichtag,
                count(*) filter (status = 'ok') as ok, count(*) filter (status = 'geheim') as geheim
            from mart_indikator as wert
            inner join dim_raum as raum using (raum_id, gebietsstand)
            where wert.raumebene = 'sozialraum' and not umgerechnet
            group by all
        )
        select raum_id, indikator_id, stichtag
        from mart_datentableau
        inner join counted using (raum_id, gebietsstand, indikator_id, version, stichtag)
        where raeume_ok <> ok or raeume_geheim <> geheim
        """
    )
    assert wrong == []
