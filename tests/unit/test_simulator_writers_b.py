"""The simulated partners of part B: health, youth, schools, social office, housing, elections.

Their files are landed with the agreed contracts, and what has landed is compared with the frames
of the county that they were written from: nothing is lost, nothing is bent, and of what was
planted everything is found, and nothing else.
"""

import os
import re
import sqlite3
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from rapidfuzz.distance import OSA

from sources.formats import read
from sources.landing import Folders, land_feed
from sources.ledger import Outcome
from sources.region import Region, read_region
from sources.simulator.county import County, make_county
from sources.simulator.profile import read_profile
from sources.simulator.writers import space
from sources.simulator.writers.defects import Defect
from sources.simulator.writers.offices import write_offices
from sources.simulator.writers.outbox import Outbox
from sources.simulator.writers.spelling import shortened, spellings

# GDAL remarks that files in landing's `raw` have no ending; they are read all the same.
pytestmark = pytest.mark.filterwarnings("ignore:.*non conformant file extension:RuntimeWarning")

SAMPLE = Path(os.environ.get("SOZIALRAUM_DATA") or "no-data") / "misc/votemanager_excerpt.csv"
SCALE = 0.02
AREAS = ("gemeinde_grenzen", "sozialraum_grenzen")
SHARED = (
    "jugendamt_hze", "jugendamt_kita", "schulen", "auslaenderamt", "wohlfahrt_angebote",
    "wohnungsunternehmen", "baugenehmigungen", "wahlen", "wahlbezirke",
)  # fmt: skip
FEEDS = {
    "aachen": (*SHARED, "seu_einzeldaten", "sozialamt_leistungen", "schwerbehinderte"),
    "rbk": (*SHARED, "seu_raum", "sozialamt_raum", "schwerbehinderte_plz"),
}
BY_ADDRESS = (
    "schwerbehinderte", "sozialamt_leistungen", "wohlfahrt_angebote", "wohnungsunternehmen",
    "baugenehmigungen",
)  # fmt: skip
YEARS = (2013, 2014, 2015)


@dataclass(frozen=True)
class Landed:
    """A county, what its offices wrote and what became of it."""

    county: County
    region: Region
    root: Path
    defects: list[Defect]
    outcomes: dict[str, list[Outcome]]

    @property
    def folders(self) -> Folders:
        return Folders(self.root / "landing")

    def rows(self, feed: str, sql: str = "select * from landed") -> pd.DataFrame:
        """Return what a query says of a feed's accepted rows."""
        with duckdb.connect() as con:
            files = self.folders.accepted(feed) / "*.parquet"
            con.execute(f"create view landed as select * from read_parquet('{files}')")
            return con.execute(sql).df()

    def truth(self, name: str) -> pd.DataFrame:
        """Return a frame of the truth."""
        return pd.read_parquet(self.root / "truth" / f"{name}.parquet")


def write(name: str, root: Path) -> tuple[County, Region, list[Defect]]:
    """Let the offices of a small county write; the social office's answers are files too."""
    county, region = make_county(read_profile(name), SCALE), read_region(name)
    space.write(Outbox(county, region, root / "inbox", []))
    defects: list[Defect] = []
    write_offices(county, region, root / "inbox", defects, root / "truth", root / "sources")
    if "sozialamt_leistungen" in FEEDS[name]:
        for jahr in YEARS:
            answer(root, date(jahr, 12, 31))
    return county, region, defects


def answer(root: Path, stichtag: date) -> None:
    """Ask the social office's database for a Stichtag, as the connector does."""
    folder = root / "inbox" / "sozialamt_leistungen"
    folder.mkdir(parents=True, exist_ok=True)
    with sqlite3.connect(root / "sources" / "sozialamt.sqlite") as database:
        query = "select * from sozialplanung where BEGINN <= ?"
        rows = pd.read_sql(query, database, params=[str(stichtag)])
    rows.to_csv(folder / f"SOZIALAMT_{stichtag:%Y%m%d}.csv", sep=";", index=False)


def land(name: str, root: Path) -> Landed:
    """Write a county's files and land them; the arrival gate is not asked."""
    county, region, defects = write(name, root)
    outcomes = {
        feed: land_feed(
            region.feed(feed),
            region,
            Folders(root / "landing"),
            inbox=root / "inbox",
            data=None,
            gate=lambda candidates: {},
            secret=bytes(32),
        )
        for feed in (*AREAS, *FEEDS[name])
    }
    return Landed(county, region, root, defects, outcomes)


@pytest.fixture(scope="module")
def aachen(tmp_path_factory) -> Landed:
    return land("aachen", tmp_path_factory.mktemp("aachen"))


@pytest.fixture(scope="module")
def rbk(tmp_path_factory) -> Landed:
    return land("rbk", tmp_path_factory.mktemp("rbk"))


# --- what was planted -------------------------------------------------------------------------


@pytest.mark.parametrize("name", FEEDS)
def test_every_planted_defect_is_met_as_it_should(name, request):
    landed = request.getfixturevalue(name)
    assert {d.nr for d in landed.defects} >= {2, 3, 4, 6, 8, 10, 11, 12, 13, 15, 16}
    for defect in landed.defects:
        (outcome,) = [o for o in landed.outcomes[defect.feed] if o.file == defect.file]
        said = outcome.reason or ""
        if defect.expected in ("rejected", "duplicate"):
            assert outcome.result == defect.expected, defect
            assert defect.reason in said, (defect, said)
            continue
        assert outcome.result == "accepted", (defect, said)
        if defect.expected == "quarantined":
            assert defect.reason in said, (defect, said)
        if defect.expected == "repaired":
            assert f"leading zeros of {defect.reason}" in outcome.repairs, defect
            assert str(defect.rows) in outcome.repairs, (defect, outcome.repairs)


@pytest.mark.parametrize("name", FEEDS)
def test_only_planted_rows_are_quarantined(name, request):
    landed = request.getfixturevalue(name)
    bad = [d for d in landed.defects if d.expected == "quarantined"]
    planted = pd.Series([d.rows for d in bad], [d.file for d in bad]).groupby(level=0).sum()
    for feed in FEEDS[name]:
        for outcome in landed.outcomes[feed]:
            if outcome.result == "accepted":
                expected = planted.get(outcome.file, 0)
                assert outcome.rows_quarantined == expected, (outcome.file, outcome.reason)


@pytest.mark.parametrize("name", FEEDS)
def test_states_are_those_of_the_marks_that_were_typed(name, request):
    landed = request.getfixturevalue(name)
    tables = {feed: landed.rows(feed) for feed in FEEDS[name]}
    for defect in (d for d in landed.defects if d.expected == "state"):
        (outcome,) = [o for o in landed.outcomes[defect.feed] if o.file == defect.file]
        rows = tables[defect.feed]
        rows = rows[rows["delivery_id"] == outcome.delivery_id]
        states = rows[[name for name in rows if name.endswith("__zustand")]]
        assert (states == defect.reason).to_numpy().sum() == defect.rows, defect


@pytest.mark.parametrize("name", FEEDS)
def test_every_expected_delivery_is_there(name, request):
    landed = request.getfixturevalue(name)
    for name_of_feed in FEEDS[name]:
        feed = landed.region.feed(name_of_feed)
        accepted = {
            (o.liefereinheit, o.stichtag)
            for o in landed.outcomes[name_of_feed]
            if o.result == "accepted"
        }
        expected = landed.region.expected[name_of_feed]
        assert accepted == {(u, day) for u in feed.liefereinheiten for day in expected}


# --- what offices know ------------------------------------------------------------------------


def areas_of(county: County, rows: pd.DataFrame, stichtag: date) -> pd.Series:
    """Return where persons live at a day, straight from the address frame."""
    stand = "2015" if county.profile.umbau and stichtag >= date(2015, 1, 1) else "2010"
    at = rows["adresse"].to_numpy()
    known = county.adressen[f"raum_{stand}"].astype(str).to_numpy()[np.maximum(at, 0)]
    raum = np.where(at >= 0, known, rows["kommune_id"].astype(str) + "-ohne")
    return pd.Series(raum, index=rows.index)


def same(landed: pd.Series, expected: pd.Series) -> None:
    """Assert that two counts by area agree; areas without any count for nothing."""
    landed, expected = landed[landed.ne(0)], expected[expected.ne(0)]
    assert len(expected)
    assert {**landed.astype(int)} == {**expected.astype(int)}


@pytest.mark.parametrize("jahr", YEARS)
def test_examined_children_lie_where_they_live(aachen, jahr):
    needs = aachen.county.lagen(jahr)
    children = needs[needs["seu"]]
    day = date(jahr, 6, 30)
    rows = aachen.rows("seu_einzeldaten", f"select * from landed where stichtag = '{day}'")
    raum = areas_of(aachen.county, children, day)
    same(rows.groupby("raum_id").size(), children.groupby(raum).size())
    spoken = rows["sopess_sprache"].eq("auffaellig").groupby(rows["raum_id"]).sum()
    same(spoken, children["sopess"].eq("auffaellig").groupby(raum).sum())
    twice = (rows["impfbuch"].eq("1") & rows["mmr_anzahl"].ge(2)).groupby(rows["raum_id"]).sum()
    same(twice, (children["impfbuch"] & children["mmr"].ge(2)).groupby(raum).sum())
    assert rows.loc[rows["impfbuch"].eq("0"), "mmr_anzahl"].isna().all()


@pytest.mark.parametrize("jahr", YEARS)
def test_examinations_counted_by_area_are_the_childrens(rbk, jahr):
    needs = rbk.county.lagen(jahr)
    children = needs[needs["seu"]]
    day = date(jahr, 6, 30)
    rows = rbk.rows("seu_raum", f"select * from landed where stichtag = '{day}'")
    counted = rows.set_index(["merkmal", "raum_id"])["anzahl"]
    raum = areas_of(rbk.county, children, day)
    book = children["vorsorgeheft"]
    for merkmal, who in {
        "seu_untersuchte": children["seu"],
        "seu_impfbuch": children["impfbuch"],
        "seu_vorsorgeheft": book,
        "seu_u8_u9": book & children["u8"] & children["u9"],
    }.items():
        same(counted[merkmal], who.groupby(raum).sum())


@pytest.mark.parametrize("name", FEEDS)
@pytest.mark.parametrize("jahr", YEARS)
def test_help_is_counted_by_kind_and_area_in_every_form(name, jahr, request):
    landed = request.getfixturevalue(name)
    needs = landed.county.lagen(jahr)
    cases = needs[needs["hze"] != "none"]
    rows = landed.rows("jugendamt_hze", f"select * from landed where year(stichtag) = {jahr}")
    counted = (rows["laufend"] + rows["beendet"]).groupby([rows["raum_id"], rows["hilfeart"]]).sum()
    raum = areas_of(landed.county, cases, date(jahr, 12, 31))
    same(counted, cases.groupby([raum, cases["hze"].astype(str)]).size())
    assert rows.loc[rows["laufend"] + rows["beendet"] == 0, "kosten_eur"].eq(0).all()
    files = {Path(o.file).suffix for o in landed.outcomes["jugendamt_hze"] if o.file}
    assert files == {".csv", ".xlsx"}
    assert {o.layout for o in landed.outcomes["jugendamt_hze"]} == {
        "hze_csv",
        "hze_csv_kurz",
        "hze_mappe",
    }


@pytest.mark.parametrize("jahr", YEARS)
def test_children_in_care_are_counted_by_the_areas_of_march(aachen, jahr):
    needs = aachen.county.lagen(jahr)
    children, day = needs[needs["kita"]], date(jahr + 1, 3, 1)
    rows = aachen.rows("jugendamt_kita", f"select * from landed where stichtag = '{day}'")
    band = np.where(children["alter"] < 3, "u3", "ue3")
    raum = areas_of(aachen.county, children, day)
    counted = rows.groupby(["raum_id", "altersgruppe"])["kinder"].sum()
    same(counted, children.groupby([raum, band]).size())
    assert rows.loc[rows["raum_id"].str.endswith("-ohne"), "plaetze"].eq(0).all()


@pytest.mark.parametrize("jahr", YEARS)
def test_benefits_at_a_stichtag_are_those_of_its_persons(aachen, jahr):
    needs = aachen.county.lagen(jahr)
    day = f"date '{jahr}-12-31'"
    rows = aachen.rows(
        "sozialamt_leistungen",
        f"select kommune_id, leistungsart, count(*) as n from landed where stichtag = {day} "
        f"and beginn <= {day} and (ende is null or ende > {day}) group by all",
    )
    counted = rows.set_index(["kommune_id", "leistungsart"])["n"]
    kommune = needs["kommune_id"].astype(str)
    for kind in ("hlu", "gs_alter", "gs_erwerbsminderung"):
        expected = needs["gs"].eq(kind).groupby(kommune).sum()
        same(counted.xs(kind, level="leistungsart"), expected)
    care = needs["hilfe_pflege"].groupby(kommune).sum()
    same(counted.xs("hilfe_zur_pflege", level="leistungsart"), care)


def test_a_pulled_answer_holds_cases_that_have_ended(aachen):
    ended = "select count(*) as n from landed where stichtag = '2015-12-31' and ende <= stichtag"
    assert aachen.rows("sozialamt_leistungen", ended)["n"][0] > 0


@pytest.mark.parametrize("jahr", YEARS)
def test_benefits_counted_by_area_are_those_of_its_persons(rbk, jahr):
    needs = rbk.county.lagen(jahr)
    raum = areas_of(rbk.county, needs, date(jahr, 12, 31))
    rows = rbk.rows("sozialamt_raum", f"select * from landed where year(stichtag) = {jahr}")
    counted = rows.set_index(["leistungsart", "raum_id"])["anzahl"]
    for kind in ("hlu", "gs_alter", "gs_erwerbsminderung"):
        same(counted[kind], needs["gs"].eq(kind).groupby(raum).sum())
    same(counted["hilfe_zur_pflege"], needs["hilfe_pflege"].groupby(raum).sum())
    assert rows["betrag_eur"].sum() == pytest.approx(needs["betrag"].sum(), rel=1e-4)


@pytest.mark.parametrize("jahr", YEARS)
def test_valid_cards_are_those_of_severely_disabled_persons(aachen, jahr):
    needs = aachen.county.lagen(jahr)
    day = f"date '{jahr}-12-31'"
    rows = aachen.rows(
        "schwerbehinderte",
        f"select kommune_id, count(*) as n from landed where stichtag = {day} and gdb >= 50 "
        f"and (gueltig_bis is null or gueltig_bis >= {day}) group by all",
    )
    severe = needs["gdb"].ge(50).groupby(needs["kommune_id"].astype(str)).sum()
    same(rows.set_index("kommune_id")["n"], severe)
    several = "select count(*) as n from landed where merkzeichen like '%,%'"
    assert aachen.rows("schwerbehinderte", several)["n"][0] > 0


@pytest.mark.parametrize("jahr", YEARS)
def test_the_list_by_postcode_holds_every_severely_disabled_person(rbk, jahr):
    needs = rbk.county.lagen(jahr)
    rows = rbk.rows("schwerbehinderte_plz", f"select * from landed where year(stichtag) = {jahr}")
    severe = needs[needs["gdb"] >= 50]
    assert rows["anzahl"].sum() == len(severe)
    old = rows.loc[rows["altersgruppe"] == "65+", "anzahl"].sum()
    assert old == severe["alter"].ge(65).sum()


@pytest.mark.parametrize("name", FEEDS)
def test_foreigners_are_rounded_cell_by_cell(name, request):
    landed = request.getfixturevalue(name)
    rows = landed.rows("auslaenderamt", "select * from landed where stichtag = '2015-12-31'")
    assert rows["anzahl"].mod(5).eq(0).all()
    total = rows["staatsangehoerigkeit"].eq("insgesamt")
    parts = rows[~total].groupby("kommune_id")["anzahl"].agg(["sum", "size"])
    totals = rows[total].set_index("kommune_id")["anzahl"]
    assert (totals - parts["sum"]).abs().le(2.5 * (parts["size"] + 1)).all()
    assert (totals - parts["sum"]).ne(0).any()
    stock = landed.county.bestand(2015)
    foreign = stock[stock["staat1"].ne("000") & stock["wohnungsstatus"].ne("neben")]
    exact = foreign["kommune_id"].astype(str).value_counts()
    assert (totals - exact).abs().max() <= 2


@pytest.mark.parametrize("name", FEEDS)
def test_schools_stand_where_the_truth_counts_their_pupils(name, request):
    landed = request.getfixturevalue(name)
    rows = landed.rows("schulen", "select * from landed where stichtag = '2015-10-15'")
    assert (rows["uebergaenge_gymnasium"] <= rows["abgaenge_klasse4"]).all()
    assert (rows["abgaenge_ohne_abschluss"] <= rows["abgaenge"]).all()
    houses = landed.county.adressen
    centimetres = {"x": "{:.2f}".format, "y": "{:.2f}".format}
    by_point = houses.assign(**{name: houses[name].map(form) for name, form in centimetres.items()})
    rows = rows.assign(**{name: rows[name].map(form) for name, form in centimetres.items()})
    newest = landed.county.profile.gebietsstaende[-1].gebietsstand
    at = rows.merge(by_point[["x", "y", f"raum_{newest}"]], on=["x", "y"], how="left")
    truth = landed.truth("fallzahl_offices")
    truth = truth[truth["stichtag"].astype(str).eq("2015-10-15") & truth["merkmal"].eq("schueler")]
    counted = at.groupby(at[f"raum_{newest}"].astype(str))["schueler"].sum()
    same(counted, truth.set_index("raum_id")["anzahl"])


@pytest.mark.parametrize("name", FEEDS)
def test_an_election_adds_up(name, request):
    landed = request.getfixturevalue(name)
    results, places = landed.rows("wahlen"), landed.rows("wahlbezirke")
    postal = results["wahlberechtigte"].isna()
    assert results[postal].groupby("kommune_id").size().eq(1).all()
    assert (results.loc[postal, "waehler"] == results.loc[postal, "briefwahl"]).all()
    assert (results["ungueltig"] + results["gueltig"] == results["waehler"]).all()
    key = ["kommune_id", "bezirk_nr"]
    at = results[~postal].merge(places[[*key, "raum_id"]], on=key, validate="one_to_one")
    assert len(at) == len(places)
    stock = landed.county.bestand(2013)
    may = stock[
        stock["alter"].ge(18)
        & stock["staat1"].eq("000")
        & stock["wohnungsstatus"].ne("neben")
        & stock["adresse"].ge(0)
    ]
    raum = areas_of(landed.county, may, date(2014, 5, 25))
    same(at.groupby("raum_id")["wahlberechtigte"].sum(), may.groupby(raum).size())
    truth = landed.truth("fallzahl_offices")
    assert truth.loc[truth["merkmal"] == "waehler", "anzahl"].sum() == results["waehler"].sum()


@pytest.mark.parametrize("name", FEEDS)
def test_services_of_one_carrier_share_its_cell_and_plans_are_red(name, request):
    landed = request.getfixturevalue(name)
    rows = landed.rows("wohlfahrt_angebote")
    assert rows["traeger"].notna().all()
    assert rows["traeger"].nunique() > 1
    assert "ansprechpartner" not in rows
    truth = landed.truth("fallzahl_offices")
    running = truth.loc[truth["merkmal"] == "angebote_wohlfahrt", "anzahl"].sum()
    assert rows["zustand_angebot"].eq("aktiv").sum() == running
    flagged = rows["plaetze__zustand"].eq("flagged")
    assert rows.loc[flagged, "plaetze"].mod(5).eq(0).all()


@pytest.mark.parametrize("name", FEEDS)
def test_bound_dwellings_have_an_end_and_permits_may_be_negative(name, request):
    landed = request.getfixturevalue(name)
    stock = landed.rows("wohnungsunternehmen")
    assert (stock["gebunden"] <= stock["wohnungen"]).all()
    assert (stock["gebunden"].gt(0) == stock["bindung_bis"].notna()).all()
    assert (pd.to_datetime(stock["bindung_bis"]) >= pd.to_datetime(stock["stichtag"])).sum() == (
        stock["gebunden"].gt(0).sum()
    )
    permits = landed.rows("baugenehmigungen")
    assert permits.loc[permits["art"] == "abbruch", "wohnungen"].lt(0).all()
    truth = landed.truth("fallzahl_offices")
    granted = truth.loc[truth["merkmal"] == "genehmigte_wohnungen", "anzahl"].sum()
    assert permits.loc[permits["storniert"] == "0", "wohnungen"].sum() == granted


# --- addresses as they are written --------------------------------------------------------------


@pytest.mark.parametrize("name", FEEDS)
def test_every_accepted_address_has_its_truth(name, request):
    landed = request.getfixturevalue(name)
    truth = landed.truth("adressen")
    for feed in {*BY_ADDRESS} & {*FEEDS[name]}:
        files = {o.delivery_id: o.file for o in landed.outcomes[feed] if o.delivery_id}
        rows = landed.rows(feed)
        rows["file"] = rows["delivery_id"].map(files)
        known = truth[truth["feed"] == feed]
        both = rows.merge(known, on=["file", "row_number"], how="outer", indicator=True)
        assert both["_merge"].eq("both").all()
        assert (both["raum_id"].str[:8] == both["kommune_id"]).all()
        nowhere = both["strasse"].eq("ohne festen Wohnsitz")
        assert (nowhere == both["raum_id"].str.endswith("-ohne")).all()
        ranged = both["hausnummer"].fillna("").str.contains("-", regex=False)
        assert (ranged == both["methode"].eq("bereich")).all()


def test_addresses_are_written_in_many_ways(aachen):
    share = aachen.truth("adressen")["methode"].value_counts(normalize=True)
    assert 0.005 < share["aehnlich"] < 0.02
    assert 0.005 < share["bereich"] < 0.03
    assert share["ohne"] < 0.005
    streets = aachen.rows("schwerbehinderte")["strasse"]
    assert streets.str.endswith("str.").any()
    assert streets.str.isupper().any()


def test_old_names_stand_in_files_from_before_and_after_the_new_name(aachen):
    houses = aachen.county.adressen
    renamed = houses.loc[houses["strasse_alt"].ne(""), ["kommune_id", "strasse", "strasse_alt"]]
    renamed = renamed.astype(str).drop_duplicates()
    old = {*zip(renamed["kommune_id"], renamed["strasse_alt"], strict=True)}
    new = {*zip(renamed["kommune_id"], renamed["strasse"], strict=True)}
    rows = aachen.rows("schwerbehinderte")
    rows["jahr"] = pd.to_datetime(rows["stichtag"]).dt.year
    written = {
        jahr: {*zip(group["kommune_id"], group["strasse"], strict=True)}
        for jahr, group in rows.groupby("jahr")
    }
    assert written[2013] & old
    assert written[2015] & old
    assert written[2015] & new


def test_a_misspelt_name_is_close_to_one_street_only(aachen):
    houses = spellings(aachen.county)
    names = houses[["kommune_id", "strasse", "alt", "falsch"]].drop_duplicates()
    wrong = names[names["falsch"] != ""]
    assert len(wrong) > 20
    for kommune, group in wrong.groupby("kommune_id"):
        here = names[names["kommune_id"] == kommune]
        every = {*here["strasse"], *here["alt"]} - {""}
        for street, slip in zip(group["strasse"], group["falsch"], strict=True):
            assert OSA.distance(street.casefold(), slip.casefold()) == 1
            assert (
                min(OSA.distance(other.casefold(), slip.casefold()) for other in every - {street})
                > 1
            )


def test_a_range_lies_in_one_area_at_every_gebietsstand(aachen):
    houses = aachen.county.adressen.reset_index(drop=True)
    ranges = spellings(aachen.county)["bereich"]
    key = ["kommune_id", "strasse", "hausnummer"]
    text = houses[["kommune_id", "strasse"]].astype(str).assign(hausnummer=houses["hausnummer"])
    areas = houses["raum_2010"].astype(str) + houses["raum_2015"].astype(str)
    at = areas.groupby([text[name] for name in key]).agg(set).to_dict()
    streets = list(zip(text["kommune_id"], text["strasse"], strict=True))
    numbered = ranges[ranges.str.fullmatch(r"\d+-\d+")]
    lettered = ranges[ranges.str.fullmatch(r"\d+ a-[b-z]")]
    assert len(numbered)
    assert len(lettered)
    for row, value in numbered.items():
        first, last = map(int, re.fullmatch(r"(\d+)-(\d+)", value).groups())
        street = streets[row]
        covered = [at.get((*street, number), set()) for number in range(first, last + 1)]
        assert len(set().union(*covered)) == 1
        assert covered[-1]
    for row in lettered.index:
        assert len(at[(*streets[row], houses.at[row, "hausnummer"])]) == 1


@pytest.mark.parametrize(
    ("street", "short"),
    [
        ("Bergstraße", "Bergstr."),
        ("Aachener Straße", "Aachener Str."),
        ("Lindenplatz", "Lindenpl."),
        ("Straße des 17. Juni", "Straße des 17. Juni"),
        ("Am Markt", "Am Markt"),
    ],
)
def test_streets_are_shortened_as_offices_do(street, short):
    assert shortened(street) == short


def test_the_same_county_gives_the_same_files(tmp_path, rbk):
    write("rbk", tmp_path)
    again = {
        p.name: p.read_bytes() for f in FEEDS["rbk"] for p in (tmp_path / "inbox" / f).iterdir()
    }
    raw = {p.read_bytes() for p in (rbk.root / "landing" / "raw").iterdir()}
    assert len(again) > 40
    assert {*again.values()} <= raw


@pytest.mark.skipif(not SAMPLE.exists(), reason="set SOZIALRAUM_DATA to the folder of open data")
def test_a_real_export_of_votemanager_is_read_with_the_contract():
    feed = read_region("aachen").feed("wahlen")
    table = read(feed, SAMPLE, "WAHL_20230319.csv", list(feed.layouts), 25832)
    (row,) = table.rows.to_pylist()
    assert row["wahl"] == "Oberbürgermeisterwahl"
    assert row["kommune_id"] == "06411000"
    assert (row["erwartet"], row["gemeldet"], row["wahlberechtigte"]) == ("1", "0", "")
    assert table.facts["unknown_columns"] == "13"  # A1, A2, A3 and the lists D1 to D10
