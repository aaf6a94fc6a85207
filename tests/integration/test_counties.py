"""The two counties of the study: given the partners' files, this edition.

The simulator writes the truth beside the files; only here it is read.
"""

from collections import Counter

import duckdb
import pytest

from sources.region import read_region
from tests.integration.conftest import Warehouse

# Fortschreibung at 31.12.2015, IT.NRW.
INHABITANTS = {
    "aachen": {
        "05334": 553_922,
        "05334002": 245_885,
        "05334004": 46_880,
        "05334008": 26_819,
        "05334012": 55_909,
        "05334016": 46_583,
        "05334020": 12_352,
        "05334024": 8_527,
        "05334028": 15_266,
        "05334032": 56_739,
        "05334036": 38_962,
    },
    "rbk": {
        "05378": 282_729,
        "05378004": 111_366,
        "05378008": 18_256,
        "05378012": 19_893,
        "05378016": 27_937,
        "05378020": 15_123,
        "05378024": 27_264,
        "05378028": 28_386,
        "05378032": 34_504,
    },
}
AREAS = {"aachen": 93, "rbk": 60}
REGIONS = tuple(AREAS)
CELL = "raum_id, gebietsstand, stichtag"
CROSSING = f"{CELL}, basis, altersgruppe, geschlecht, staatsangehoerigkeit"


@pytest.fixture(params=REGIONS)
def county(request) -> Warehouse:
    """Each of the two, one after the other."""
    return request.getfixturevalue(request.param)


def compare(county: Warehouse, query: str) -> list[tuple]:
    """Query the sealed star beside the truth."""
    with duckdb.connect(str(county.settings.warehouse), read_only=True) as con:
        return con.execute(query).fetchall()


def test_fortschreibung_is_that_of_the_state_office(county):
    rows = county.published(
        "select raum_id, anzahl from mart_bevoelkerung where basis = 'fortschreibung' "
        "and stichtag = date '2015-12-31' and raumebene in ('kreis', 'kommune') "
        "and altersgruppe = 'insgesamt' and geschlecht = 'insgesamt' "
        "and staatsangehoerigkeit = 'insgesamt'"
    )
    assert dict(rows) == INHABITANTS[county.settings.region]


def test_the_county_has_its_areas(county):
    (areas,) = county.published(
        "select count(*) from dim_raum where raumebene = 'sozialraum' "
        "and date '2015-12-31' between gueltig_ab and coalesce(gueltig_bis, date '9999-12-31')"
    )
    assert areas == (AREAS[county.settings.region],)


def test_the_boundaries_changed_once(aachen):
    stands = dict(
        aachen.published(
            "select gebietsstand, count(*) from dim_raum "
            "where raumebene = 'sozialraum' group by all"
        )
    )
    assert stands["2015"] == AREAS["aachen"]
    assert stands["2010"] != stands["2015"]


def test_register_counts_are_the_truth(county):
    wrong = compare(
        county,
        f"""
        select truth.stichtag, truth.basis, count(*)
        from read_parquet('{county.truth("bevoelkerung")}') as truth
        left join core.fct_bevoelkerung as fact using ({CROSSING})
        where fact.anzahl is distinct from truth.anzahl
            and not (truth.anzahl = 0 and fact.raum_id is null)
            and truth.geschlecht = 'insgesamt'
        group by all
        """,
    )
    assert wrong == []


def test_nobody_is_counted_who_is_not_in_the_truth(county):
    wrong = compare(
        county,
        f"""
        select fact.stichtag, fact.basis, count(*)
        from core.fct_bevoelkerung as fact
        left join read_parquet('{county.truth("bevoelkerung")}') as truth using ({CROSSING})
        where fact.anzahl > 0 and truth.raum_id is null and fact.geschlecht = 'insgesamt'
        group by all
        """,
    )
    assert wrong == []


def test_the_published_total_is_that_of_the_registers(county):
    published = county.published(
        "select stichtag, anzahl from mart_bevoelkerung where basis = 'melderegister' "
        "and raumebene = 'kreis' and altersgruppe = 'insgesamt' and geschlecht = 'insgesamt' "
        "and staatsangehoerigkeit = 'insgesamt' order by stichtag"
    )
    truth = duckdb.sql(
        f"""
        select stichtag, sum(anzahl) from read_parquet('{county.truth("bevoelkerung")}')
        where basis = 'melderegister' and altersgruppe = 'insgesamt'
            and geschlecht = 'insgesamt' and staatsangehoerigkeit = 'insgesamt'
        group by all order by all
        """
    ).fetchall()
    assert [(day, count) for day, count in published] == [(day, int(n)) for day, n in truth]
    assert len(truth) == 6  # totals from 2010 on


def test_the_sexes_are_all_persons(county):
    wrong = compare(
        county,
        f"""
        select {CELL} from core.fct_bevoelkerung
        where basis = 'melderegister' and altersgruppe = 'insgesamt'
            and staatsangehoerigkeit = 'insgesamt'
        group by all
        having count(*) > 1 and sum(case when geschlecht <> 'insgesamt' then anzahl end)
            <> sum(case when geschlecht = 'insgesamt' then anzahl end)
        """,
    )
    assert wrong == []


def test_case_counts_are_the_truth_unless_estimated(county):
    wrong = compare(
        county,
        f"""
        select truth.merkmal, truth.stichtag, count(*)
        from read_parquet('{county.truth("fallzahl")}') as truth
        inner join core.fct_fallzahl as fact using ({CELL}, merkmal)
        where fact.status = 'ok' and not fact.geschaetzt and fact.anzahl <> truth.anzahl
        group by all order by all
        """,
    )
    assert wrong == []
    (compared,) = compare(
        county,
        f"""
        select count(distinct truth.merkmal)
        from read_parquet('{county.truth("fallzahl")}') as truth
        inner join core.fct_fallzahl as fact using ({CELL}, merkmal)
        where fact.status = 'ok' and not fact.geschaetzt
        """,
    )
    assert compared[0] >= {"aachen": 20, "rbk": 10}[county.settings.region]


def test_every_delivery_balances(county):
    split = [o for o in county.ledger() if o.rows_read is not None]
    assert split
    assert all(o.rows_read == o.rows_accepted + o.rows_quarantined for o in split)


def test_every_planted_defect_is_caught_and_nothing_else(county):
    """Quarantined rows are the planted ones, file by file, and with the right reason."""
    defects = (
        duckdb.sql(
            f"select nr, kind, feed, file, expected, reason, rows from '{county.truth('defects')}'"
        )
        .df()
        .to_dict("records")
    )
    outcomes = county.ledger()
    missed = [d for d in defects if not _is_caught(d, outcomes)]
    assert missed == []
    planted = Counter()
    for defect in defects:
        if defect["expected"] == "quarantined":
            planted[defect["feed"], defect["file"]] += defect["rows"]
    accepted = [o for o in outcomes if o.result == "accepted"]
    found = Counter()
    for outcome in accepted:
        found[outcome.feed, outcome.file] += outcome.rows_quarantined
    false_alarms = {key: (found[key], planted[key]) for key in found if found[key] != planted[key]}
    assert false_alarms == {}
    refused = {(o.feed, o.file) for o in outcomes if o.result == "rejected"}
    meant = {(d["feed"], d["file"]) for d in defects if d["expected"] == "rejected"}
    assert refused == meant


def _is_caught(defect: dict, outcomes: list) -> bool:
    own = [o for o in outcomes if (o.feed, o.file) == (defect["feed"], defect["file"])]
    expected, reason = defect["expected"], defect["reason"]
    if expected in ("quarantined", "rejected"):
        return any(reason in (o.reason or "") for o in own)
    if expected == "duplicate":
        return any(o.result in ("duplicate", "unchanged") for o in own)
    if expected == "warned":
        return any(o.warnung for o in own)
    if expected == "repaired":
        return any(o.repairs for o in own)
    return any(o.result == "accepted" for o in own)  # state, accepted: the numbers are the truth


@pytest.mark.parametrize(
    ("methode", "least"), [("schluessel", 1.0), ("name", 1.0), ("bereich", 1.0), ("aehnlich", 0.99)]
)
def test_addresses_are_placed_right(aachen, methode, least):
    """Placements by key, name and range are all right, by similarity nearly all."""
    folder = aachen.settings.placement
    landed = aachen.settings.landing / "accepted"
    feeds = duckdb.sql(f"select distinct feed from '{aachen.truth('adressen')}'").fetchall()
    right = total = 0
    for (feed,) in feeds:
        hits, rows = duckdb.sql(
            f"""
            select count(*) filter (placed.raum_id = truth.raum_id), count(*)
            from '{aachen.truth("adressen")}' as truth
            inner join (
                select delivery_id, file
                from read_parquet('{aachen.settings.landing}/ledger/*.parquet')
                where result = 'accepted' and feed = '{feed}' group by all
            ) as delivered on delivered.file = truth.file
            inner join '{landed}/{feed}/*.parquet' as rows
                on rows.delivery_id = delivered.delivery_id and rows.row_number = truth.row_number
            inner join '{folder}/{feed}.parquet' as placed
                on placed.delivery_id = rows.delivery_id and placed.row_number = rows.row_number
            where truth.feed = '{feed}' and placed.methode = '{methode}'
            """
        ).fetchone()
        right, total = right + hits, total + rows
    if methode == "schluessel":
        return  # offices write names; the register's keys are proven by its counts
    assert total > 0
    assert right >= least * total


def test_nearly_everybody_is_placed(aachen):
    placed, everybody = duckdb.sql(
        f"""
        select count(*) filter (methode <> 'ohne'), count(*)
        from '{aachen.settings.placement}/ewo_bestand.parquet'
        """
    ).fetchone()
    assert placed >= 0.995 * everybody


def test_no_rows_of_persons_land_without_a_statistikstelle(rbk):
    region = read_region("rbk")
    assert {feed.ebene for feed in region.feeds} == {"aggregat"}
    kinds = {column.sensitivity for feed in region.feeds for column in feed.columns}
    assert not kinds & {"personenbezogen", "identifier"}


def test_ratings_are_classes_and_never_averaged(rbk):
    rows = rbk.published(
        "select raumebene, klasse, wert, status from mart_indikator "
        "where indikator_id = 'bewertung_jobcenter'"
    )
    of_areas = [row for row in rows if row[0] == "sozialraum"]
    assert len(of_areas) >= AREAS["rbk"]
    assert {row[1] for row in of_areas if row[3] == "ok"} <= {
        "sehr_niedrig",
        "niedrig",
        "mittel",
        "hoch",
        "sehr_hoch",
    }
    assert all(row[2] is None for row in rows)
    assert all(row[1] is None for row in rows if row[0] in ("kommune", "kreis"))


def test_identifiers_are_hashes_that_cannot_be_linked(aachen):
    folder = aachen.settings.landing / "accepted" / "ewo_bestand"
    odd, shared = duckdb.sql(
        f"""
        with ids as (select distinct stichtag, person_id from '{folder}/*.parquet')
        select
            (select count(*) from ids where not regexp_full_match(person_id, '[0-9a-f]{{20}}')),
            (select count(*) from (select person_id from ids group by all having count(*) > 1))
        """
    ).fetchone()
    assert (odd, shared) == (0, 0)


def test_pointers_of_a_delivery_still_hold(aachen):
    folder = aachen.settings.landing / "accepted" / "ewo_bestand"
    lost, pointers = duckdb.sql(
        f"""
        with people as (from '{folder}/*.parquet' where stichtag = date '2015-12-31')
        select count(*) filter (other.person_id is null), count(*)
        from people
        left join people as other on other.person_id = people.mutter_id
        where people.mutter_id is not null
        """
    ).fetchone()
    assert pointers > 0
    assert lost < 0.05 * pointers  # mothers who live elsewhere
