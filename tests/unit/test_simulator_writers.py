"""The simulated partners of part A: register, survey office, BA, Jobcenter and state office.

Their files are landed with the agreed contracts, and what has landed is compared with the frames
of the county that they were written from: nothing is lost, nothing is bent, and of what was
planted everything is found, and nothing else.
"""

import os
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from sources.landing import Folders, land_feed
from sources.ledger import Outcome
from sources.region import Region, read_region
from sources.simulator.county import County, make_county
from sources.simulator.profile import read_profile
from sources.simulator.writers import ba, itnrw, register, space
from sources.simulator.writers.defects import Defect
from sources.simulator.writers.outbox import Outbox

# GDAL remarks that files in landing's `raw` have no ending; they are read all the same.
pytestmark = pytest.mark.filterwarnings("ignore:.*non conformant file extension:RuntimeWarning")

SCALE = 0.02
WRITERS = (space, register, ba, itnrw)
AREAS = ("gemeinde_grenzen", "sozialraum_grenzen", "stadtbezirke")
FEEDS = {
    "aachen": (
        "ewo_bestand", "ewo_bewegung", "ewo_jahressummen", "ba_kommunal", "ba_einzeldaten",
        "itnrw_fortschreibung", "itnrw_hze", "itnrw_mindestsicherung",
        "itnrw_mindestsicherungsquote", "itnrw_pflege", "hauskoordinaten", "strassenverzeichnis",
        "plz_adressen",
    ),
    "rbk": ("ewo_bestand_raum", "ewo_jahressummen", "jobcenter_bewertung", "hauskoordinaten"),
}  # fmt: skip


@dataclass(frozen=True)
class Landed:
    """A county, what its partners wrote and what became of it."""

    county: County
    region: Region
    inbox: Path
    folders: Folders
    defects: list[Defect]
    outcomes: dict[str, list[Outcome]]

    def rows(self, feed: str, sql: str = "select * from landed") -> pd.DataFrame:
        """Return what a query says of a feed's accepted rows."""
        with duckdb.connect() as con:
            files = self.folders.accepted(feed) / "*.parquet"
            con.execute(f"create view landed as select * from read_parquet('{files}')")
            return con.execute(sql).df()


def write(name: str, inbox: Path) -> tuple[County, Region, list[Defect]]:
    """Let the partners of part A of a small county write."""
    county, region = make_county(read_profile(name), SCALE), read_region(name)
    outbox = Outbox(county, region, inbox, [])
    for writer in WRITERS:
        writer.write(outbox)
    return county, region, outbox.defects


def land(name: str, root: Path) -> Landed:
    """Write a county's files and land them; the arrival gate is not asked."""
    county, region, defects = write(name, root / "inbox")
    folders = Folders(root / "landing")
    outcomes = {
        feed.feed: land_feed(
            feed,
            region,
            folders,
            inbox=root / "inbox",
            data=None,
            gate=lambda candidates: {},
            secret=bytes(32),
        )
        for feed in sorted(region.feeds, key=lambda feed: feed.feed not in AREAS)
        if feed.feed in (*AREAS, *FEEDS[name])
    }
    return Landed(county, region, root / "inbox", folders, defects, outcomes)


@pytest.fixture(scope="module")
def aachen(tmp_path_factory) -> Landed:
    return land("aachen", tmp_path_factory.mktemp("aachen"))


@pytest.fixture(scope="module")
def rbk(tmp_path_factory) -> Landed:
    return land("rbk", tmp_path_factory.mktemp("rbk"))


def inhabitants(county: County, jahr: int) -> pd.DataFrame:
    """Return those who are registered with their only or main dwelling."""
    stock = county.bestand(jahr)
    return stock[stock["wohnungsstatus"] != "neben"]


# --- planted defects --------------------------------------------------------------------------


def found(landed: Landed, defect: Defect) -> list[Outcome]:
    """Return what was said of the defect's file."""
    return [o for o in landed.outcomes[defect.feed] if o.file == defect.file]


@pytest.mark.parametrize("name", FEEDS)
def test_every_planted_defect_is_met_as_it_should(name, request):
    landed = request.getfixturevalue(name)
    for defect in landed.defects:
        if defect.feed not in landed.outcomes:
            continue
        outcomes = found(landed, defect)
        assert outcomes, defect
        results = {o.result for o in outcomes}
        said = " ".join(o.reason or "" for o in outcomes)
        if defect.expected in ("rejected", "duplicate"):
            assert results == {defect.expected}, defect
            assert defect.reason in said, (defect, said)
            continue
        assert results == {"accepted"}, defect
        if defect.expected == "repaired":
            repairs = " ".join(str(o.repairs) for o in outcomes)
            assert defect.reason in repairs and str(defect.rows) in repairs, defect


@pytest.mark.parametrize("name", FEEDS)
def test_planted_rows_and_no_others_are_quarantined(name, request):
    landed = request.getfixturevalue(name)
    planted: dict[tuple[str, str], int] = {}
    for defect in landed.defects:
        if defect.expected == "quarantined":
            key = defect.feed, defect.file
            planted[key] = planted.get(key, 0) + defect.rows
    for feed, outcomes in landed.outcomes.items():
        for outcome in outcomes:
            if outcome.result == "accepted":
                expected = planted.pop((feed, outcome.file), 0)
                assert outcome.rows_quarantined == expected, (feed, outcome.file, outcome.reason)
    assert {key for key in planted if key[0] in landed.outcomes} == set()


def test_planted_states_are_landed(aachen):
    wanted: dict[tuple[str, str], int] = {}
    for defect in aachen.defects:
        if defect.expected == "state" and defect.reason != "zero":
            key = defect.feed, defect.reason
            wanted[key] = wanted.get(key, 0) + defect.rows
    assert set(wanted) == {
        ("ba_kommunal", "suppressed"),
        ("itnrw_pflege", "suppressed_or_unknown"),
        ("itnrw_hze", "pending"),
    }
    for (feed, state), cells in wanted.items():
        sql = f"select count(*) as n from landed where anzahl__zustand = '{state}'"
        assert aachen.rows(feed, sql)["n"].item() == cells


def test_dissolved_counties_hold_nothing(aachen):
    gone = [area["gebiet_id"] for area in itnrw.gebiete()["aufgeloest"]]
    rows = aachen.rows("itnrw_fortschreibung")
    rows = rows[rows["gebiet_id"].isin(gone)]
    assert len(rows) == 6 * 3 * len(gone)
    assert set(rows["anzahl__zustand"]) == {"zero"}


# --- the register -----------------------------------------------------------------------------


def test_the_register_is_that_of_the_county(aachen):
    rows = aachen.rows("ewo_bestand")
    for stichtag in aachen.county.stichtage:
        mine = rows[rows["stichtag"] == pd.Timestamp(stichtag)]
        stock = aachen.county.bestand(stichtag.year)
        for column in ("kommune_id", "wohnungsstatus", "geschlecht", "staat1"):
            true = stock[column].astype(str).value_counts().sort_index()
            landed = mine[column].value_counts().sort_index()
            assert landed.to_dict() == true[true > 0].to_dict(), (stichtag, column)
        born = (stock["geburtsmonat"].astype(str)).sort_values().tolist()
        assert mine["geburtsmonat"].sort_values().tolist() == born


def test_pointers_lead_to_persons_of_the_same_municipality(aachen):
    lost = aachen.rows(
        "ewo_bestand",
        "select count(*) as n from landed as l where exists (select 1 from unnest("
        "[ehegatte_id, vater_id, mutter_id]) as t(id) where id is not null and id not in "
        "(select person_id from landed as p where p.delivery_id = l.delivery_id "
        "and p.kommune_id = l.kommune_id))",
    )
    stock = aachen.county.bestand(2015)
    pointed = (stock[["ehegatte", "vater", "mutter"]] >= 0).sum()
    landed = aachen.rows(
        "ewo_bestand",
        "select count(ehegatte_id), count(vater_id), count(mutter_id) from landed "
        "where stichtag = date '2015-12-31'",
    )
    assert lost["n"].item() == 0
    assert landed.iloc[0].tolist() == pointed.tolist()


def test_a_provider_writes_fixed_width_and_a_city_of_its_own_a_csv(aachen):
    layouts = {(o.liefereinheit, o.layout) for o in aachen.outcomes["ewo_bestand"]
               if o.result == "accepted"}  # fmt: skip
    single = {unit: len(aachen.region.kommunen_of(unit)) == 1 for unit, _ in layouts}
    assert {(single[unit], layout) for unit, layout in layouts} == {
        (True, "kommagetrennt"),
        (False, "festbreite"),
    }


def test_unknown_addresses_stay_unknown(aachen):
    keys = set(aachen.county.strassen["strassenschluessel"])
    assert register.UNKNOWN_STREET not in keys
    stock = aachen.county.bestand(2014)
    rows = aachen.rows("ewo_bestand", "select * from landed where stichtag = date '2014-12-31'")
    unknown = rows["strassenschluessel"] == register.UNKNOWN_STREET
    assert unknown.sum() == (stock["adresse"] < 0).sum() > 0


def test_movements_are_those_booked_until_the_closing_day_and_late_ones_come_next_year(aachen):
    rows = aachen.rows("ewo_bewegung")
    year = rows["stichtag"].dt.year
    booked, event = rows["verarbeitungsdatum"], rows["ereignisdatum"]
    closing = pd.to_datetime((year + 1).astype(str) + "-01-31")
    opening = pd.to_datetime(year.astype(str) + "-01-31")
    late = event.dt.year < year
    assert late.any()
    assert (booked <= closing).all()
    assert (booked[late] > opening[late]).all()

    stays = aachen.county.personen
    for art, column, day in (("zuzug", "anlass_von", "von"), ("sterbefall", "anlass_bis", "bis")):
        happened = stays[stays[column].astype(str) == art]
        for jahr in (2013, 2014, 2015):
            cut = pd.Timestamp(date(jahr + 1, 1, 31))
            due = pd.to_datetime(happened[f"buchung_{day}"]) <= cut
            true = (due & (pd.to_datetime(happened[day]).dt.year == jahr)).sum()
            mine = (rows["bewegungsart"] == art) & (year == jahr) & ~late
            assert mine.sum() == true > 0, (art, jahr)


def test_counts_of_a_county_without_a_statistikstelle_are_those_of_its_register(rbk):
    rows = rbk.rows("ewo_bestand_raum")
    for stichtag in rbk.county.stichtage:
        stock = inhabitants(rbk.county, stichtag.year)
        mine = rows[rows["stichtag"] == pd.Timestamp(stichtag)]
        for column, of in (("raum_id", "raum_id"), ("altersjahr", "alter"),
                           ("staatsangehoerigkeit", "staatsangehoerigkeit")):  # fmt: skip
            true = stock[of].astype(str).value_counts()
            landed = mine.astype({column: str}).groupby(column)["anzahl"].sum()
            assert landed.to_dict() == true[true > 0].to_dict()
        assert set(mine["geschlecht"]) == {"maennlich", "weiblich"}


def test_nothing_of_persons_is_written_where_there_is_no_statistikstelle(rbk):
    feeds = {path.name for path in rbk.inbox.iterdir()}
    assert feeds
    assert all(rbk.region.feed(feed).ebene == "aggregat" for feed in feeds)


# --- BA and Jobcenter ---------------------------------------------------------------------------


def test_no_count_below_ten_can_be_read_or_computed_from_a_workbook(aachen):
    rows = aachen.rows("ba_kommunal")
    printed = rows["anzahl"].dropna()
    assert not printed.between(1, ba.SMALL - 1).any()
    total = rows["raum_id"].str.len() == 8
    group = ["liefereinheit", "stichtag", "merkmal"]
    hidden = (rows["anzahl__zustand"] == "suppressed") & ~total
    known = rows[total].set_index(group)["anzahl"].notna()
    parts = rows[~total].assign(hidden=hidden, zero=rows["anzahl"] == 0)
    counted = parts.groupby(group)[["hidden", "zero"]].sum()
    areas = parts.groupby(group).size()
    alone = (counted["hidden"] == 1) & known.reindex(counted.index)
    # One alone cannot be protected by another one where all others are zero.
    assert (counted["zero"][alone] == areas[alone] - 1).all()


def test_workbooks_hold_the_true_counts_where_they_print_any(aachen):
    rows = aachen.rows("ba_kommunal")
    rows = rows[rows["anzahl"].notna()]
    for jahr in (2013, 2015):
        needs = aachen.county.lagen(jahr)
        true = needs[needs["arbeitslos"]].astype({"raum_id": str}).groupby("raum_id").size()
        of_year = rows[(rows["stichtag"].dt.year == jahr) & (rows["merkmal"] == "arbeitslose")]
        for raum_id, anzahl in of_year[["raum_id", "anzahl"]].itertuples(index=False):
            within = true[true.index.str.startswith(raum_id)].sum()
            assert anzahl == within, (jahr, raum_id)


def test_single_records_have_an_area_and_new_pseudonyms(aachen):
    rows = aachen.rows("ba_einzeldaten")
    assert not rows.groupby("person_id")["stichtag"].nunique().gt(1).any()
    for stichtag in aachen.county.stichtage:
        needs = aachen.county.lagen(stichtag.year)
        entitled = needs[needs["sgb2"]]
        mine = rows[rows["stichtag"] == pd.Timestamp(stichtag)]
        true = entitled["raum_id"].astype(str).value_counts()
        assert mine["raum_id"].value_counts().to_dict() == true[true > 0].to_dict()
        assert mine["bg_id"].nunique() == entitled["bg"].nunique()


def test_the_jobcenter_rates_every_area_in_five_classes(rbk):
    rows = rbk.rows("jobcenter_bewertung")
    areas = set(rbk.county.sozialraeume["raum_id"].astype(str))
    for _, mine in rows.groupby("stichtag"):
        assert set(mine["raum_id"]) == areas
        assert mine["bewertung"].value_counts().nunique() == 1
        assert set(mine["bewertung"]) == set(ba.CLASSES)


# --- the state office ---------------------------------------------------------------------------


def test_fortschreibung_is_exact_in_every_form(aachen):
    rows = aachen.rows("itnrw_fortschreibung")
    assert {o.layout for o in aachen.outcomes["itnrw_fortschreibung"]} == {"klassisch", "flach"}
    for kommune in aachen.county.profile.kommunen:
        mine = rows[rows["gebiet_id"] == kommune.kommune_id].set_index(["stichtag", "geschlecht"])
        newest = mine["anzahl"][pd.Timestamp(2015, 12, 31), "insgesamt"]
        assert newest == round(kommune.einwohner * SCALE)
        by_sex = mine["anzahl"].unstack("geschlecht")
        assert (by_sex["maennlich"] + by_sex["weiblich"] == by_sex["insgesamt"]).all()
    official = aachen.county.kommunen["fortschreibung"]
    county = rows[
        (rows["gebiet_id"] == aachen.region.kreis_id) & (rows["geschlecht"] == "insgesamt")
    ]
    for stichtag, anzahl in county[["stichtag", "anzahl"]].itertuples(index=False):
        assert anzahl == sum(years[stichtag.year] for years in official)


def test_minimum_benefits_are_rounded_but_for_sgb2(aachen):
    rows = aachen.rows("itnrw_mindestsicherung")
    own = rows[rows["gebiet_id"].str.len() == 8].pivot_table(
        index=["gebiet_id", "stichtag"], columns="leistung", values="anzahl"
    )
    assert (own[["hlu", "grundsicherung", "asylblg"]] % 5 == 0).all(axis=None)
    parts = own[["sgb2", "hlu", "grundsicherung", "asylblg"]].sum(axis=1)
    assert (own["insgesamt"] == parts).all()
    needs = aachen.county.lagen(2015)
    true = needs[needs["sgb2"]].groupby(needs["kommune_id"].astype(str)).size()
    newest = own.xs(pd.Timestamp(2015, 12, 31), level="stichtag")["sgb2"]
    assert newest.to_dict() == true.reindex(newest.index, fill_value=0).to_dict()


# --- the survey office ----------------------------------------------------------------------------


def test_points_are_the_same_in_both_forms(aachen):
    rows = aachen.rows("hauskoordinaten")
    forms = {o.stichtag.year: o.layout for o in aachen.outcomes["hauskoordinaten"]
             if o.result == "accepted"}  # fmt: skip
    assert forms == {2013: "gebref_15", 2014: "gebref_15", 2015: "gebref_21"}
    true = aachen.county.adressen.astype({"oi": str}).set_index("oi")
    for _, mine in rows.groupby("stichtag"):
        at = true.loc[mine["oi"]]
        assert (abs(mine["x"].to_numpy() - at["x"].to_numpy()) < 0.001).all()
        assert (abs(mine["y"].to_numpy() - at["y"].to_numpy()) < 0.001).all()
        ags = mine["land"] + mine["regierungsbezirk"] + mine["kreis"] + mine["gemeinde"]
        assert ags.tolist() == at["kommune_id"].astype(str).tolist()
    newest = rows[rows["stichtag"].dt.year == 2015]
    assert len(newest) == len(true)


def test_a_street_has_its_old_name_until_it_is_renamed(aachen):
    renamed = aachen.county.adressen
    renamed = renamed[renamed["umbenannt_am"].notna() & (renamed["ab"] <= 2013)]
    assert len(renamed) > 0
    rows = aachen.rows("hauskoordinaten").set_index(["stichtag", "oi"])["strasse"]
    before = rows.loc[pd.Timestamp(2013, 12, 31)].loc[renamed["oi"]]
    after = rows.loc[pd.Timestamp(2015, 12, 31)].loc[renamed["oi"]]
    assert before.tolist() == renamed["strasse_alt"].astype(str).tolist()
    assert after.tolist() == renamed["strasse"].astype(str).tolist()


@pytest.mark.parametrize(("name", "areas"), [("aachen", 93), ("rbk", 60)])
def test_areas_are_delivered_for_each_gebietsstand(name, areas, request):
    landed = request.getfixturevalue(name)
    rows = landed.rows(
        "sozialraum_grenzen", "select stichtag, count(*) as n from landed group by 1"
    )
    assert len(rows) == len(landed.county.profile.gebietsstaende)
    assert rows.set_index("stichtag")["n"][rows["stichtag"].max()] == areas


# --- the same again ---------------------------------------------------------------------------


def test_the_same_seed_writes_the_same_files(tmp_path):
    for run in ("first", "second"):
        write("rbk", tmp_path / run)
    first = {
        path.relative_to(tmp_path / "first"): path for path in (tmp_path / "first").rglob("*.*")
    }
    assert first
    for name, path in first.items():
        assert path.read_bytes() == (tmp_path / "second" / name).read_bytes(), name


# --- what the regions declare -------------------------------------------------------------------


@pytest.mark.parametrize("name", FEEDS)
def test_every_feed_is_expected_and_agreed_for_every_liefereinheit_and_stichtag(name):
    region = read_region(name)
    assert {feed.feed for feed in region.feeds} == set(region.expected)
    for feed in region.feeds:
        for unit in feed.liefereinheiten:
            for stichtag in region.expected[feed.feed]:
                assert region.agreement_for(feed, unit, stichtag), (feed.feed, unit, stichtag)


@pytest.mark.parametrize("name", FEEDS)
def test_addresses_lie_within_the_declared_bounds(name, request):
    landed = request.getfixturevalue(name)
    west, south, east, north = landed.region.grenzen
    places = landed.county.adressen
    assert places["x"].between(west, east).all()
    assert places["y"].between(south, north).all()


# --- the real tables, by the same contracts -------------------------------------------------------

GENESIS = Path(os.environ.get("SOZIALRAUM_DATA") or "no-data") / "genesis"


@pytest.mark.skipif(not GENESIS.exists(), reason="SOZIALRAUM_DATA has no folder genesis")
def test_real_tables_of_the_state_office_are_read_by_the_same_contracts(tmp_path):
    """Expected figures are read off the files themselves."""
    region, folders = read_region("aachen"), Folders(tmp_path / "landing")

    def value(feed: str, file: str, name: str, where: str, column: str = "anzahl") -> list:
        path = tmp_path / "inbox" / feed / name
        path.parent.mkdir(parents=True)
        path.write_bytes((GENESIS / file).read_bytes())
        land_feed(
            region.feed(feed),
            region,
            folders,
            inbox=tmp_path / "inbox",
            data=None,
            gate=lambda candidates: {},
            secret=bytes(32),
        )
        files = folders.accepted(feed) / "*.parquet"
        with duckdb.connect() as con:
            return con.execute(
                f"select stichtag, {column}, {column}__zustand from read_parquet('{files}') "
                f"where {where} order by all"
            ).fetchall()

    end = date(2024, 12, 31)
    aids = "22517-02i.csv"
    of_essen = "jugendamt_id = '05113'"
    assert value("itnrw_hze", aids, aids, of_essen) == [(end, None, "unreliable")] * 22
    where = "gebiet_id = '05154040' and leistung in ('sgb2', 'insgesamt')"
    name = "22811-05i.csv"
    found = value("itnrw_mindestsicherung", name, name, where)
    assert found == [(end, 200, None), (end, None, "suppressed_or_unknown")]
    name = "22811-01i_no_time_column.csv"
    where = "gebiet_id = '05113'"
    found = value("itnrw_mindestsicherungsquote", name, name, where, "quote")
    assert found == [(date(2023, 12, 31), 17.8, None)]
    where = "gebiet_id = '05334' and geschlecht <> 'insgesamt'"
    file = "12411-01-01-4_ffcsv.csv"
    found = value("itnrw_fortschreibung", file, "12411-01-01-4_2024.csv", where)
    assert found == [(end, 287_769, None), (end, 294_641, None)]
