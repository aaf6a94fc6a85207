"""Berlin's published tables as releases: what the pair of 2015 gave away, and what stands now.

The releases here are built from the publisher's files alone, without the warehouse; the classes
are those of the edition. Shares are S1, S2 and S4: of S3 a Bezirksregion also counts recipients
without an address, so that it is no sum of its areas.
"""

import re

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from test_edition import published_classes

from disclosure.audit import audit_release
from disclosure.engine import protect_release
from disclosure.release import TOTAL, Release
from disclosure.specification import make_release
from publication.shares import withheld_shares

MEASURES = ["s1", "s2", "s4"]
ALONE = "04061757"
"""An excluded area that is alone in its Bezirksregion `040617`, which prints nothing either."""


@pytest.fixture(scope="module")
def counts(berlin_data) -> pa.Table:
    """Numerators of 2015: raum, bezirksregion, measure, n (NULL: nobody knows), excluded.

    What an excluded area has is the difference between its Bezirksregion and its other areas:
    exactly what the published pair of tables gave away.
    """
    mss = f"{berlin_data}/mss/berlin-monitoring-social-urban-development-2015-00"
    with duckdb.connect() as con:
        return con.execute(
            f"""
            with register as (
                select lpad(RAUMID::varchar, 8, '0') as raum, E_E as alle,
                    E_E00_01 + E_E01_02 + E_E02_03 + E_E03_05 + E_E05_06 + E_E06_07 + E_E07_08
                        + E_E08_10 + E_E10_12 + E_E12_14 + E_E14_15 as kinder,
                    E_E65_67 + E_E67_70 + E_E70_75 + E_E75_80 + E_E80_85 + E_E85_90 + E_E90_95
                        + E_E95_110 as alte
                from read_csv('{berlin_data}/register/EWR201412E_Matrix.csv', delim = ';')
            ),
            printed as (
                select id, columns('^s[124]_') from read_csv('{mss}-2-1-planning-areas.csv',
                    types = {{'id': 'varchar'}})
                union all
                select id, columns('^s[124]_') from read_csv('{mss}-2-2-district-regions.csv',
                    types = {{'id': 'varchar'}})
            ),
            shares as (
                select id, left(name, 2) as measure, share
                from (unpivot printed on columns('^s') into name name value share)
            ),
            areas as (
                select id as raum, status_index = 0 as excluded
                from read_csv('{mss}-1-planning-areas.csv', types = {{'id': 'varchar'}})
            ),
            named as (
                select distinct measure, measure = 's4' as of_children from shares
            ),
            small as (
                select areas.raum, left(areas.raum, 6) as bezirksregion, named.measure, excluded,
                    case when of_children then kinder else alle - kinder - alte end as nenner,
                    case when not excluded then round(share * nenner / 100)::bigint end as n
                from areas cross join named inner join register using (raum)
                inner join shares on shares.id = areas.raum and shares.measure = named.measure
            ),
            large as (
                select bezirksregion, small.measure,
                    round(any_value(share) * sum(nenner) / 100)::bigint as n
                from small
                inner join shares
                    on shares.id = bezirksregion and shares.measure = small.measure
                group by all
            )
            select small.raum, bezirksregion, small.measure, excluded,
                case when not excluded then small.n when small.raum <> '{ALONE}'
                    then large.n - sum(coalesce(small.n, 0)) over (
                        partition by bezirksregion, small.measure) end::bigint as n
            from small inner join large using (bezirksregion, measure)
            order by all
            """
        ).to_arrow_table()


def pair_of(counts: pa.Table, measures: list[str]) -> Release:
    """Planungsräume and Bezirksregionen, published together."""
    areas = counts.group_by(["raum", "bezirksregion"]).aggregate([]).to_pylist()
    regions = sorted({area["bezirksregion"] for area in areas})
    dims = [[area["raum"], area["bezirksregion"]] for area in areas]
    own = {name: counts.filter(pc.equal(counts["measure"], name)) for name in measures}
    spec = {
        "name": "mss 2015",
        "dims": {"raum": [*dims, *([region, TOTAL] for region in regions)]},
        "measures": {name: {"maxN": 2, "tables": [["raum"]]} for name in measures},
    }
    return make_release(spec, {name: table.select(["raum", "n"]) for name, table in own.items()})


@pytest.fixture(scope="module")
def excluded(counts) -> pa.Table:
    """What the publisher withholds: excluded areas, and the Bezirksregion that is one of them."""
    areas = counts.filter(counts["excluded"])
    alone = areas.filter(pc.equal(areas["raum"], ALONE))
    regions = alone.select(["measure", "bezirksregion"]).rename_columns(["measure", "raum"])
    return pa.concat_tables([areas.select(["measure", "raum"]), regions])


def test_with_the_engines_pattern_nothing_withheld_can_be_computed(counts, excluded):
    pair = pair_of(counts, MEASURES)
    protection = protect_release(pair, primary=excluded)
    assert protection.unsatisfiable is None
    audit = audit_release(
        pair, protection.pattern, primary=excluded, attackers=("A0", "A1"), all_withheld=True
    )
    assert audit.passed, audit.text
    rows = protection.pattern.select(["measure", "raum", "suppressed"]).to_pylist()
    withheld = {(row["measure"], row["raum"]) for row in rows if row["suppressed"]}
    areas = counts.filter(counts["excluded"]).select(["measure", "raum"]).to_pylist()
    assert {(area["measure"], area["raum"]) for area in areas} < withheld


@pytest.mark.parametrize("measure", MEASURES)
def test_the_pair_as_it_was_published_is_refused_and_named(counts, excluded, measure):
    """Every Bezirksregion with an excluded area gives it away; none of their counts is told."""
    pair = pair_of(counts, [measure])
    own = excluded.filter(pc.equal(excluded["measure"], measure)).drop_columns("measure")
    pattern = protect_release(pair, primary=own).pattern
    kept = [*own["raum"].to_pylist(), TOTAL]  # the pair has no table of the whole city
    withheld = [int(raum in kept) for raum in pattern["raum"].to_pylist()]
    place = pattern.column_names.index("suppressed")
    published = pattern.set_column(place, "suppressed", pa.array(withheld, pa.int64()))

    audit = audit_release(pair, published, primary=own, attackers=("A0", "A1"))

    assert not audit.passed
    areas = counts.filter(pc.and_(counts["excluded"], pc.equal(counts["measure"], measure)))
    given_away = {
        (area["raum"], area["bezirksregion"]) for area in areas.to_pylist() if area["raum"] != ALONE
    }
    assert len({region for _, region in given_away}) == 11
    assert {hit.key for hit in audit.hits if hit.learned == "exact"} == {
        (area,) for area, _ in given_away
    }
    assert set(re.findall(r"(\d{8}) \(of (\d{6})\)", audit.text)) == given_away
    without_keys = re.sub(r"\b(\d{8}|\d{6}|A0|A1|and \d+ more)\b|mss 2015", "", audit.text)
    assert not re.search(r"\d", without_keys)


TAKEN = {("mss_dynamik", "06010204", "2016-12-31")}
"""The class that follows a withheld change of 02020201 within a point; no other one tells any."""


def test_every_class_that_stands_is_the_published_one(berlin, berlin_data):
    """Status and dynamics of both years; the audit takes one of 1742 classes away."""
    standing = withheld = 0
    for year, day in ((2015, "2014-12-31"), (2017, "2016-12-31")):
        for index, column in (("mss_status", "status_index"), ("mss_dynamik", "dynamic_index")):
            own = published_classes(berlin_data, year, column)
            told = berlin.published(
                "select raum_id, klasse, status, summe, index_wert, rang from mart_index "
                f"where index_id = '{index}' and stichtag = '{day}'"
            )
            classes = {row[0]: row[1] for row in told if row[2] == "ok"}
            assert classes.items() <= own.items()
            gone = {(index, area, day) for area in own.keys() - classes.keys()}
            assert gone <= TAKEN
            assert {row[1:] for row in told if row[0] not in classes} <= {
                (None, "geheim", None, None, None)
            }
            standing, withheld = standing + len(classes), withheld + len(gone)
    assert (standing, withheld) == (1741, 1)


def test_parts_of_classes_are_what_the_marts_say(berlin):
    """Before the gate as behind it: wherever a rate is published, its counts are the same."""
    rows = berlin.sealed(
        "select count(*), count(teil.raum_id), count(*) filter (teil.zaehler = told.zaehler "
        "and teil.nenner = told.nenner and teil.nenner_stichtag = told.nenner_stichtag) "
        "from marts.mart_indikator as told left join core.fct_index_teil as teil "
        "on teil.index_id = 'mss_status' and teil.raum_id = told.raum_id "
        "and teil.teil_stichtag = told.stichtag and teil.indikator_id = told.indikator_id "
        "where told.raumebene = 'sozialraum' and told.status in ('ok', 'zu_klein') "
        "and told.indikator_id like 'mss_%' and told.indikator_id not like '%_veraenderung'"
    )
    assert rows == [(4 * (435 + 436),) * 3]


def test_share_of_what_is_withheld(berlin):
    """12 and 11 excluded areas with four shares and four changes, and the four of 02020201."""
    shares = withheld_shares(berlin.settings.published / "current" / "marts.duckdb")
    assert {thema: geheim for thema, geheim, _ in shares if geheim} == {
        "soziale_lage": 8 * (12 + 11) + 4
    }
    assert {thema: cells for thema, _, cells in shares}["soziale_lage"] == 2 * 8 * 447
