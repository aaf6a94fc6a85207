"""The synthetic county: sizes, space, families and needs are what its profile and its rules say.

Expectations come from the design's table and from the profile, never from the county's own counts.
"""

from datetime import date

import numpy as np
import pandas as pd
import pytest
import shapely

from sources.simulator.county import County, known_at, make_county
from sources.simulator.profile import Profile, read_profile
from sources.simulator.truth import BANDS, true_results

INHABITANTS = {
    "aachen": {
        "05334002": 245_885, "05334004": 46_880, "05334008": 26_819, "05334012": 55_909,
        "05334016": 46_583, "05334020": 12_352, "05334024": 8_527, "05334028": 15_266,
        "05334032": 56_739, "05334036": 38_962,
    },
    "rbk": {
        "05378004": 111_366, "05378008": 18_256, "05378012": 19_893, "05378016": 27_937,
        "05378020": 15_123, "05378024": 27_264, "05378028": 28_386, "05378032": 34_504,
    },
}  # fmt: skip
TOTAL = {"aachen": 553_922, "rbk": 282_729}
AREAS = {"aachen": 93, "rbk": 60}


@pytest.fixture(scope="module")
def full() -> County:
    return make_county(read_profile("aachen"))


@pytest.fixture(scope="module")
def small() -> County:
    return make_county(read_profile("aachen"), 0.05)


@pytest.fixture(scope="module")
def other() -> County:
    return make_county(read_profile("rbk"), 0.05)


def inhabitants(county: County, jahr: int) -> pd.DataFrame:
    stock = county.bestand(jahr)
    return stock[stock["wohnungsstatus"] != "neben"]


@pytest.mark.parametrize("region", ["aachen", "rbk"])
def test_profile_holds_the_design_s_numbers(region: str):
    profile = read_profile(region)
    assert {k.kommune_id: k.einwohner for k in profile.kommunen} == INHABITANTS[region]
    assert sum(k.einwohner for k in profile.kommunen) == TOTAL[region]
    assert sum(k.sozialraeume for k in profile.kommunen) == AREAS[region]


def test_unknown_profile_is_refused():
    with pytest.raises(ValueError, match="has no profile"):
        read_profile("atlantis")


def test_umbau_without_a_second_gebietsstand_is_refused():
    declared = read_profile("aachen").model_dump()
    declared["gebietsstaende"] = declared["gebietsstaende"][:1]
    with pytest.raises(ValueError, match="go together"):
        Profile.model_validate(declared)


def test_fortschreibung_is_exact_at_full_size(full: County):
    rows = full.kommunen.itertuples()
    assert {row.kommune_id: row.fortschreibung[2015] for row in rows} == INHABITANTS["aachen"]
    last = full.fortschreibung[full.fortschreibung["jahr"] == 2015]
    assert last["anzahl"].sum() == TOTAL["aachen"]
    assert set(full.fortschreibung["jahr"]) == set(range(2010, 2016))


@pytest.mark.parametrize("jahr", [2013, 2014, 2015])
def test_registers_differ_from_the_fortschreibung_as_they_do(full: County, jahr: int):
    register = inhabitants(full, jahr).groupby("kommune_id", observed=True).size()
    official = full.kommunen.set_index("kommune_id")["fortschreibung"].map(lambda of: of[jahr])
    difference = (register / official - 1).abs()
    assert difference.between(0.005, 0.02).all()


def test_nobody_is_registered_twice(full: County):
    for jahr in (2013, 2014, 2015):
        assert not full.bestand(jahr)["person"].duplicated().any()


def test_unknown_addresses_are_few_but_enough(full: County):
    for jahr in (2013, 2014, 2015):
        stock = inhabitants(full, jahr)
        unknown = stock["adresse"].eq(-1).groupby(stock["kommune_id"], observed=True)
        assert unknown.sum().min() >= 12
        assert unknown.mean().between(0.001, 0.003).all()
        nowhere = stock.loc[stock["adresse"] == -1]
        assert (nowhere["raum_id"].astype(str) == nowhere["kommune_id"].astype(str) + "-ohne").all()


def test_secondary_residences_are_about_one_in_a_hundred(full: County):
    share = (full.bestand(2015)["wohnungsstatus"] == "neben").mean()
    assert 0.005 < share < 0.015


@pytest.mark.parametrize(("name", "areas"), [("small", {"2010": 91, "2015": 93}),
                                             ("other", {"2010": 60})])  # fmt: skip
def test_areas_partition_their_municipality(name: str, areas: dict[str, int], request):
    county: County = request.getfixturevalue(name)
    assert county.sozialraeume.groupby("gebietsstand").size().to_dict() == areas
    shape = county.kommunen.set_index("kommune_id")["geometry"]
    for (_, kommune_id), mine in county.sozialraeume.groupby(["gebietsstand", "kommune_id"]):
        shapes = mine["geometry"].to_numpy()
        assert shapely.coverage_is_valid(shapes)
        assert shapely.union_all(shapes).equals(shape[kommune_id])
        assert shapely.area(shapes).sum() == pytest.approx(shape[kommune_id].area)
        assert mine["raum_id"].str.fullmatch(kommune_id + r"-\d{3}").all()
    assert shapely.coverage_is_valid(county.kommunen["geometry"].to_numpy())


def test_municipalities_have_their_size(small: County):
    sizes = shapely.area(small.kommunen["geometry"].to_numpy()) / 1e6
    wanted = np.array([kommune.km2 for kommune in small.profile.kommunen])
    assert (np.abs(sizes / wanted - 1) < 0.25).all()


def test_areas_change_in_one_municipality_only(small: County):
    old, new = (
        small.sozialraeume[small.sozialraeume["gebietsstand"] == stand].set_index("raum_id")
        for stand in ("2010", "2015")
    )
    gone, come = set(old.index) - set(new.index), set(new.index) - set(old.index)
    assert len(gone) == 4  # one for three, one for two, and two that become one
    assert len(come) == 6
    assert {raum_id[:8] for raum_id in gone | come} == {small.profile.umbau.kommune_id}
    same = old.index.intersection(new.index)
    assert (old.loc[same, "geometry"] == new.loc[same, "geometry"]).all()
    assert shapely.union_all(old.loc[list(gone), "geometry"].to_numpy()).area == pytest.approx(
        shapely.union_all(new.loc[list(come), "geometry"].to_numpy()).area
    )


def test_sozialraeume_are_of_unequal_size(full: County):
    stock = inhabitants(full, 2015)
    placed = stock[stock["adresse"] >= 0]
    size = placed.groupby(placed["raum_id"].astype(str)).size()
    assert len(size) == 93
    assert 60 <= size.min() <= 200
    assert 10_000 < size.max() <= 15_500


def test_addresses_lie_in_their_sozialraum(small: County):
    points = shapely.points(small.adressen["x"], small.adressen["y"])
    for stand, areas in small.sozialraeume.groupby("gebietsstand"):
        tree = shapely.STRtree(areas["geometry"].to_numpy())
        address, area = tree.query(points, predicate="within")
        found = areas["raum_id"].to_numpy()[area[np.argsort(address)]]
        assert len(address) == len(small.adressen)
        assert (found == small.adressen[f"raum_{stand}"].astype(str).to_numpy()).all()


def test_addresses_are_told_apart_and_some_streets_cross_borders(small: County):
    key = ["kommune_id", "strassenschluessel", "hausnummer", "zusatz"]
    assert not small.adressen.duplicated(key).any()
    assert small.adressen["oi"].is_unique
    streets = small.adressen.groupby(key[:2], observed=True)
    assert (streets["raum_2015"].nunique() > 1).any()
    assert {"Bergstraße", "Am Markt", "In den 30 Morgen"} <= set(small.adressen["strasse"])
    assert set(small.adressen["ab"]) == {2010, 2014, 2015}
    assert len(small.bezirke) == 40
    assert set(small.adressen["bezirk_id"].dropna()) <= set(small.bezirke["bezirk_id"])


def test_renamed_streets_have_a_successor(small: County):
    old = small.strassen[small.strassen["gueltig_bis"].notna()]
    assert set(old["kommune_id"]) == {kommune.kommune_id for kommune in small.profile.kommunen}
    assert (old["gueltig_bis"].dt.year == 2014).all()
    new = old.merge(
        small.strassen,
        left_on=["kommune_id", "nachfolger"],
        right_on=["kommune_id", "strassenschluessel"],
        suffixes=("", "_neu"),
    )
    assert len(new) == len(old)
    assert (new["gueltig_ab_neu"] == new["gueltig_bis"] + pd.Timedelta(days=1)).all()
    assert (new["strasse_neu"] != new["strasse"]).all()


def test_pointers_lead_to_registered_people_of_the_same_municipality(small: County):
    stock = small.bestand(2014).set_index("person")
    for pointer in ("ehegatte", "vater", "mutter"):
        pointing = stock[stock[pointer] >= 0]
        other = stock.loc[pointing[pointer]]
        assert len(pointing) > 1000
        assert (other["kommune_id"].to_numpy() == pointing["kommune_id"].to_numpy()).all()
    couples = stock[stock["ehegatte"] >= 0]
    assert (stock.loc[couples["ehegatte"], "ehegatte"].to_numpy() == couples.index).all()
    assert (stock.loc[couples["ehegatte"], "adresse"].to_numpy() == couples["adresse"]).all()
    assert set(couples["familienstand"]) == {"verheiratet", "lebenspartnerschaft"}
    assert not (stock.loc[stock["ehegatte"] < 0, "familienstand"] == "verheiratet").any()


def test_children_are_younger_than_their_parents(small: County):
    stock = small.bestand(2015).set_index("person")
    for pointer, sex in (("mutter", "weiblich"), ("vater", "maennlich")):
        children = stock[stock[pointer] >= 0]
        parents = stock.loc[children[pointer]]
        assert (parents["alter"].to_numpy() - children["alter"].to_numpy() >= 15).all()
        assert set(parents["geschlecht"]) == {sex}
        minors = children["alter"].to_numpy() < 18
        same = parents["haushalt"].to_numpy() == children["haushalt"].to_numpy()
        assert same[minors].all()


def test_events_follow_one_another(small: County):
    stays = small.personen
    ended = stays["bis"].notna()
    assert (stays.loc[ended, "von"] <= stays.loc[ended, "bis"]).all()
    assert (stays["buchung_von"] >= stays["von"]).all()
    assert (stays.loc[ended, "buchung_bis"] >= stays.loc[ended, "bis"]).all()
    assert (stays.loc[ended, "anlass_bis"].notna()).all()
    moved = stays[stays["anlass_von"] == "umzug"]
    before = stays[stays["anlass_bis"] == "umzug"]
    assert sorted(zip(moved["person"], moved["von"], strict=True)) == sorted(
        zip(before["person"], before["bis"], strict=True)
    )


def test_late_bookings_do_not_count_for_their_year(full: County):
    stays = full.personen
    arrived = stays[(stays["anlass_von"] == "zuzug") & (stays["von"].dt.year == 2014)]
    late = arrived[arrived["buchung_von"] > pd.Timestamp(2015, 1, 31)]
    assert 0.005 < len(late) / len(arrived) < 0.015
    assert not late["person"].isin(known_at(stays, 2014)["person"]).any()
    assert late["person"].isin(known_at(stays, 2015)["person"]).all()


def test_the_same_seed_gives_the_same_county():
    first, again = (make_county(read_profile("rbk"), 0.02, seed=7) for _ in range(2))
    another = make_county(read_profile("rbk"), 0.02, seed=8)
    for name in ("kommunen", "sozialraeume", "strassen", "adressen", "menschen", "personen"):
        assert getattr(first, name).equals(getattr(again, name)), name
    assert first.lagen(2015).equals(again.lagen(2015))
    assert not first.personen.equals(another.personen)


def test_needs_follow_deprivation_and_one_another(full: County):
    needs = full.lagen(2015)
    young = needs[(needs["alter"] < 65) & (needs["adresse"] >= 0)]
    sgb2 = young.groupby(young["raum_id"].astype(str))["sgb2"].mean()
    size = young.groupby(young["raum_id"].astype(str)).size()
    assert 0.11 < needs.loc[needs["alter"] < 65, "sgb2"].mean() < 0.13
    assert sgb2[size >= 2000].between(0.03, 0.27).all()
    areas = full.sozialraeume[full.sozialraeume["gebietsstand"] == "2015"]
    poor = areas.set_index("raum_id")["deprivation"]
    work = needs[needs["alter"].between(15, 64)]
    old = needs[needs["alter"] >= 65]
    children = needs[needs["alter"] < 21]
    for values in (
        sgb2,
        work.groupby(work["raum_id"].astype(str))["arbeitslos"].mean(),
        (old["gs"] == "gs_alter").groupby(old["raum_id"].astype(str)).mean(),
        (children["hze"] != "none").groupby(children["raum_id"].astype(str)).mean(),
    ):
        large = size[size >= 1000].index
        assert poor[large].corr(values[large], method="spearman") > 0.7


def test_needs_stay_with_people(small: County):
    before = small.lagen(2014).set_index("person")["sgb2"]
    after = small.lagen(2015).set_index("person")["sgb2"]
    both = before[before].index.intersection(after.index)
    assert after[both].mean() > 0.75


def test_needs_agree_with_age_and_residence(small: County):
    needs, stock = small.lagen(2015), small.bestand(2015)
    assert (needs["person"].to_numpy() == stock["person"].to_numpy()).all()
    elb, nef = (needs.loc[needs["personengruppe"] == group, "alter"] for group in ("elb", "nef"))
    assert elb.between(15, 64).all()
    assert nef.max() < 65
    assert needs.loc[needs["kita"], "alter"].max() < 6
    assert set(needs.loc[needs["seu"], "alter"]) == {6}
    assert needs.loc[needs["gs"] == "gs_alter", "alter"].min() >= 65
    assert not (needs["sgb2"] & (needs["gs"] != "none")).any()
    secondary = needs[(stock["wohnungsstatus"] == "neben").to_numpy()]
    assert not secondary[["sgb2", "arbeitslos", "kita", "seu", "hilfe_pflege"]].to_numpy().any()


def test_earlier_totals_are_those_of_the_first_areas(small: County):
    totals = small.jahressummen
    assert set(totals["jahr"]) == {2010, 2011, 2012}
    placed = totals[~totals["raum_id"].str.endswith("-ohne")]
    old = small.sozialraeume[small.sozialraeume["gebietsstand"] == "2010"]
    assert set(placed["raum_id"]) == set(old["raum_id"])
    first = len(inhabitants(small, 2013))
    assert totals.groupby("jahr")["anzahl"].sum().between(0.95 * first, first).all()


def test_truth_closes_over_its_crossings(small: County):
    people = true_results(small)["bevoelkerung"]
    register = people[(people["basis"] == "melderegister")]
    whole = register[(register[["altersgruppe", "geschlecht", "staatsangehoerigkeit"]]
                      == "insgesamt").all(axis=1)]  # fmt: skip
    for stichtag in small.stichtage:
        expected = len(inhabitants(small, stichtag.year))
        now = register[register["stichtag"] == stichtag]
        assert whole.loc[whole["stichtag"] == stichtag, "anzahl"].sum() == expected
        assert now.loc[now["altersgruppe"] != "insgesamt", "anzahl"].sum() == expected
        assert now.loc[now["staatsangehoerigkeit"] != "insgesamt", "anzahl"].sum() == expected
        diverse = (inhabitants(small, stichtag.year)["geschlecht"] == "divers").sum()
        assert now.loc[now["geschlecht"] != "insgesamt", "anzahl"].sum() == expected - diverse
    assert set(register["altersgruppe"]) == {*BANDS, "insgesamt"}


def test_truth_counts_at_the_stichtag_of_the_feed(small: County):
    counts = true_results(small)["fallzahl"].set_index(["merkmal", "stichtag"]).sort_index()
    day_care = counts.loc[("kita_kinder_u3", date(2015, 3, 1))]
    # The stock is that of 31.12.2014, the areas are those of the new Gebietsstand.
    assert set(day_care["gebietsstand"]) == {"2015"}
    assert day_care["anzahl"].sum() == (small.lagen(2014).query("alter < 3")["kita"]).sum()
    examined = counts.loc[("seu_untersuchte", date(2014, 6, 30))]
    assert set(examined["gebietsstand"]) == {"2010"}
    assert examined["anzahl"].sum() == small.lagen(2014)["seu"].sum()


def test_truth_counts_households_once(small: County):
    counts = true_results(small)["fallzahl"]
    last = counts[counts["stichtag"] == date(2015, 12, 31)].groupby("merkmal")["anzahl"].sum()
    stock = inhabitants(small, 2015)
    assert last["haushalte"] == stock["haushalt"].nunique()
    assert last["haushalte_einperson"] == (stock["haushalt"].value_counts() == 1).sum()
    assert last["haushalte_alleinerziehend"] < last["haushalte_mit_kindern"] < last["haushalte"]
    assert last["migrationshintergrund"] > (stock["staat1"] != "000").sum()
