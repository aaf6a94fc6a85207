"""How values of older areas are carried over: weights by addresses, by area, or as given."""

import csv
from datetime import date

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely

from sources.crosswalk import (
    AREA_STEP,
    WEIGHTS,
    address_weights,
    area_weights,
    normalised,
    schema,
    write_errors,
)
from sources.landing import Folders
from sources.timeline import Break, Timeline, timeline_rows

BERLIN_2014 = 3_562_166
"""Inhabitants of the register at 31.12.2014, as published."""


def write(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


@pytest.fixture
def addresses(tmp_path):
    """Ten addresses of A, of which six lie in N1, three in N2, one in no new area; B is N3."""
    new = ["N1"] * 6 + ["N2"] * 3 + [None] + ["N3"] * 2
    rows = []
    for number, raum in enumerate(new):
        row = {"adresse_id": f"a{number:02}", "kommune_id": "01"}
        rows.append({**row, "gebietsstand": "alt", "raum_id": "B" if raum == "N3" else "A"})
        rows.append({**row, "gebietsstand": "neu", "raum_id": raum})
    return write(tmp_path / "placement" / "_adressen.parquet", rows)


def released(tmp_path, inhabitants):
    cells = {"basis": "melderegister", "altersgruppe": "insgesamt", "geschlecht": "insgesamt",
             "staatsangehoerigkeit": "insgesamt", "gebietsstand": "neu"}  # fmt: skip
    rows = [
        {**cells, "raum_id": raum, "stichtag": date(year, 12, 31), "anzahl": number,
         "status": "ok" if number is not None else "geheim"}
        for raum, numbers in inhabitants.items()
        for year, number in zip((2015, 2016), numbers, strict=True)
    ]  # fmt: skip
    return write(tmp_path / "bevoelkerung.parquet", rows)


def by_pair(rows):
    return {(row["raum_id_von"], row["raum_id_nach"]): row["gewicht"] for row in rows}


def test_addresses_count_alike_without_published_inhabitants(addresses, tmp_path):
    weights = by_pair(address_weights(addresses, tmp_path / "none.parquet", "alt", "neu"))
    assert weights == pytest.approx(
        {("A", "N1"): 0.6, ("A", "N2"): 0.3, ("A", "01-ohne"): 0.1, ("B", "N3"): 1.0}
    )


def test_addresses_count_by_the_inhabitants_of_their_new_area(addresses, tmp_path):
    """N1 has 10 to an address, N2 20, at the first Stichtag: 60 to 60."""
    counts = released(tmp_path, {"N1": (60, 900), "N2": (60, 1), "N3": (5, 5)})
    weights = by_pair(address_weights(addresses, counts, "alt", "neu"))
    assert weights == pytest.approx({("A", "N1"): 0.5, ("A", "N2"): 0.5, ("B", "N3"): 1.0})


def test_where_inhabitants_are_withheld_addresses_count_alike(addresses, tmp_path):
    counts = released(tmp_path, {"N1": (60, 60), "N2": (None, 60), "N3": (5, 5)})
    weights = by_pair(address_weights(addresses, counts, "alt", "neu"))
    assert weights["A", "N1"] == pytest.approx(0.6)
    assert weights["A", "N2"] == pytest.approx(0.3)


def test_areas_without_addresses_are_carried_over_by_area(tmp_path):
    def area(raum, stand, west, east):
        shape = shapely.to_wkb(shapely.box(west, 0, east, 100))
        return {"raum_id": raum, "gebietsstand": stand, "raumebene": "sozialraum",
                "geometry": shape}  # fmt: skip

    # The border of P and Q was redrawn by a hair: that is a sliver, not a change.
    drawn = [
        area("O", "alt", 0, 400), area("P", "alt", 400, 600), area("A", "alt", 600, 700),
        area("N1", "neu", 0, 100), area("N2", "neu", 100, 400.01), area("Q", "neu", 400.01, 700),
    ]  # fmt: skip
    areas = write(tmp_path / "areas.parquet", drawn)
    weights = by_pair(area_weights(areas, "alt", "neu", 25832, without=["A"]))
    assert weights == pytest.approx({("O", "N1"): 0.25, ("O", "N2"): 0.75, ("P", "Q"): 1.0})


def test_given_weights_conserve_the_total_of_berlin(berlin_files):
    with (berlin_files / "lor" / "lor_crosswalk_pre2021_to_2021.csv").open() as file:
        rows = [
            {"raum_id_von": row["plr_id_pre2021"], "raum_id_nach": row["plr_id_2021"],
             "gewicht": float(row["weight"])}
            for row in csv.DictReader(file)
        ]  # fmt: skip
    with (berlin_files / "register" / "EWR201412E_Matrix.csv").open() as file:
        people = {
            row["RAUMID"].zfill(8): int(row["E_E"]) for row in csv.DictReader(file, delimiter=";")
        }
    assert sum(people.values()) == BERLIN_2014

    def carried(weights):
        return sum(people.get(row["raum_id_von"], 0) * row["gewicht"] for row in weights)

    assert len({row["raum_id_nach"] for row in rows}) == 542
    assert carried(rows) == pytest.approx(BERLIN_2014 - 42, abs=1)  # as the table is delivered
    assert carried(normalised(rows)) == pytest.approx(BERLIN_2014, abs=1e-6)


def test_the_error_is_what_is_misplaced_and_rounded_up(addresses, county, tmp_path):
    """100 rows of A at addresses of N1 (58), N2 (42); the weights say 60 and 40."""
    weights = {("A", "N1"): 0.6, ("A", "N2"): 0.4, ("B", "N3"): 1.0}
    path = tmp_path / "umrechnung.parquet"
    crosswalk = pa.Table.from_pylist(
        [
            {"gebietsstand_von": "alt", "gebietsstand_nach": "neu", "raum_id_von": von,
             "raum_id_nach": nach, "gewicht": weight, "methode": "adressen"}
            for (von, nach), weight in weights.items()
        ],
        schema=schema(WEIGHTS),
    )  # fmt: skip
    pq.write_table(crosswalk, path)
    content = "ORT_ID;OST;NORD\nO1;300500;5600500\n"
    outcome = county.deliver_and_land("orte", "orte_2015.csv", content)
    places = ["a00"] * 58 + ["a07"] * 42 + ["a10"] * 100
    write(
        addresses.with_name("orte.parquet"),
        [
            {"delivery_id": outcome.delivery_id, "row_number": number, "gebietsstand": "alt",
             "raum_id": "B" if place == "a10" else "A", "adresse_id": place}
            for number, place in enumerate(places)
        ],
    )  # fmt: skip
    region = county.region.model_copy(update={"zeit": Timeline(gemessen_an="orte")})
    target = tmp_path / "fehler.parquet"
    write_errors(region, county.folders, path, addresses.parent, target)
    errors = {row["raum_id_nach"]: row["fehler"] for row in pq.read_table(target).to_pylist()}
    assert errors == {
        "N1": pytest.approx(0.035),  # 2 of 58 are 3.4 %
        "N2": pytest.approx(0.05),  # 2 of 42 are 4.8 %
        "N3": 0.0,
        region.kreis_id: pytest.approx(0.01),  # 2 of 200
    }
    assert AREA_STEP == 0.005


def test_without_a_measured_feed_there_is_no_error(addresses, county, tmp_path):
    target = tmp_path / "fehler.parquet"
    folders: Folders = county.folders
    assert write_errors(county.region, folders, tmp_path / "w", addresses.parent, target) == 0
    assert pq.read_table(target).num_rows == 0


def test_breaks_are_rows_and_belong_to_one_thing():
    told = Break(ab=date(2017, 12, 31), art="definition", text="neu", feed="pflege")
    rules = timeline_rows(Timeline(brueche=(told,)))
    assert [row["feed"] for row in rules["rule_bruch"]] == ["pflege"]
    assert rules["rule_reihe"][0]["trend_mindestzahl"] == 4
    with pytest.raises(ValueError, match="name one of them"):
        Break(ab=date(2017, 12, 31), art="definition", text="neu")
