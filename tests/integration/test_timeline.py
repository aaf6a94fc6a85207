"""Series on one Gebietsstand: nothing is lost by carrying over, and its error is known."""

import duckdb
import pytest

MISPLACED = 0.005
"""Share of a county's persons that may be misplaced at most."""

BERLIN_2017 = "select sum(anzahl) from mart_bevoelkerung where stichtag = '2017-12-31' and " \
    "raumebene = 'kreis' and altersgruppe = 'insgesamt' and geschlecht = 'insgesamt'"  # fmt: skip


def test_carrying_over_changes_no_total(aachen):
    """Where all parts of a Kommune are published, they add up to it before and after."""
    rows = aachen.published(
        """
        with teile as (
            select raum.kommune_id as raum_id, reihe.stichtag, reihe.indikator_id, reihe.version,
                sum(reihe.zaehler) as zaehler, count(*) as raeume,
                bool_or(reihe.umgerechnet) as neu,
                bool_and(reihe.zaehler is not null) as vollstaendig
            from mart_reihe as reihe
            join dim_raum as raum using (raum_id, gebietsstand)
            where reihe.raumebene in ('sozialraum', 'ohne_raum')
            group by all
        )
        select teile.zaehler, kommune.zaehler, teile.raeume
        from teile
        join mart_reihe as kommune using (raum_id, stichtag, indikator_id, version)
        where teile.neu and teile.vollstaendig
        """
    )
    assert rows
    for parts, whole, areas in rows:
        assert abs(parts - whole) <= areas / 2  # each part is rounded by itself


def test_fewer_than_half_a_percent_are_misplaced(aachen):
    rows = aachen.published(
        "select raumebene, fehler_anteil, methode from mart_umrechnung where methode <> 'gleich'"
    )
    assert {method for _, _, method in rows} == {"adressen"}
    county = [error for level, error, _ in rows if level == "kreis"]
    assert [0 < error < MISPLACED for error in county] == [True]
    assert all(error is not None for _, error, _ in rows)


def test_areas_that_stayed_keep_their_true_population(aachen):
    truth = duckdb.sql(
        f"""
        select raum_id, anzahl from '{aachen.truth("bevoelkerung")}'
        where stichtag = date '2014-12-31' and basis = 'melderegister'
            and altersgruppe = 'insgesamt' and geschlecht = 'insgesamt'
            and staatsangehoerigkeit = 'insgesamt'
        """
    ).fetchall()
    carried = dict(
        aachen.published(
            "select raum_id, zaehler from mart_reihe where indikator_id = 'einwohner' "
            "and stichtag = '2014-12-31' and raumebene = 'sozialraum' and not umgerechnet"
        )
    )
    same = [(carried[area], number) for area, number in truth if area in carried]
    assert len(same) > len(carried) / 2
    assert sum(abs(found - number) for found, number in same) == 0


def test_a_series_is_whole_where_boundaries_stayed(aachen):
    told = aachen.published("select umgerechnet, bruch, count(*) from mart_reihe group by all")
    assert {converted for converted, _, _ in told} == {True, False}
    rows = aachen.published(
        "select count(distinct stichtag), count(trend) from mart_reihe "
        "where indikator_id = 'einwohner' and raumebene = 'kreis'"
    )
    stichtage, trends = rows[0]
    assert trends == stichtage - 3


def test_the_first_edition_has_no_revisions(aachen):
    assert aachen.published("select count(*) from mart_revision") == [(0,)]


def test_a_county_with_one_gebietsstand_carries_nothing_over(rbk):
    assert rbk.published("select count(*) from mart_umrechnung") == [(0,)]
    assert rbk.published("select bool_or(umgerechnet) from mart_reihe") == [(False,)]


def test_berlins_total_is_conserved_on_areas_without_geometry(berlin):
    (total,) = berlin.published(BERLIN_2017)[0]
    areas, people, drawn = berlin.published(
        "select count(*), sum(einwohner), bool_or(mit_geometrie) from mart_umrechnung "
        "where raumebene = 'sozialraum'"
    )[0]
    assert (areas, drawn) == (542, False)
    assert people == pytest.approx(total, abs=areas / 2)
    assert berlin.published("select einwohner from mart_umrechnung where raumebene = 'kreis'") == [
        (total,)
    ]
