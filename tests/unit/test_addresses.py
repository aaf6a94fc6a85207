"""Addresses: spelling, the register with its history, matching, the street list, the program.

The county is made by hand: two Kommunen, two Gebietsstände, one unit of length a square. What an
address must be placed in is told beside it, never by the code.
"""

import csv
import shutil
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from sources.addresses import (
    build_register,
    export_register,
    house_number,
    locate,
    match,
    normalise,
    street_list,
)
from sources.addresses.spelling import name_key_sql, numbers_sql, parts_sql
from sources.landing import Folders
from sources.placement import place_postcodes
from sources.region import Region

AREAS = {
    ("alt", "0101"): (0, 1),
    ("alt", "0102"): (1, 2),
    ("alt", "0201"): (2, 4),
    ("neu", "0101"): (0, 1.5),
    ("neu", "0102"): (1.5, 2),
    ("neu", "0201"): (2, 4),
}
"""West and east of each Sozialraum; all are one unit high."""

DISTRICTS = {"01-B1": (0, 0.5), "01-B2": (0.5, 2)}
ADDRESS_COLUMNS = ("strassenschluessel", "strasse", "hausnummer", "zusatz")


def _column(name: str, kind: str = "text") -> dict:
    needed = {"header": name, "sensitivity": "intern", "description": name, "required": False}
    return {"name": name, "type": kind, **needed}


def _feed(name: str, spatial: dict, *columns: str) -> dict:
    return {
        "feed": name,
        "title": name,
        "partner": "amt",
        "ebene": "aggregat",
        "thema": "raum",
        "location": name,
        "files": "*",
        "name_pattern": rf"{name}_(?P<jahr>\d{{4}})\.csv",
        "stichtag": {"rule": "jahresende"},
        "key": [columns[0]],
        "spatial": spatial,
        "columns": [_column(c, "decimal" if c in ("x", "y") else "text") for c in columns],
        "layouts": [
            {
                "id": "a",
                "format": "delimited",
                "delimiter": ";",
                "valid_from": "2000-01-01",
                "valid_to": "2030-12-31",
            }
        ],
    }


def _region(**more) -> Region:
    points = {"kind": "koordinaten", "x": "x", "y": "y", "srs": 25832}
    by_address = {
        "kind": "adresse",
        "kommune": "kommune_id",
        "strassenschluessel": "strassenschluessel",
        "strasse": "strasse",
        "hausnummer": "hausnummer",
        "zusatz": "zusatz",
    }
    key = ("land", "regierungsbezirk", "kreis", "gemeinde")
    return Region.model_validate(
        {
            "region": "musterkreis",
            "name": "Musterkreis",
            "kreis_id": "0",
            "statistikstelle": False,
            "srs": 25832,
            "data_hint": "none",
            "levels": [
                {"ebene": "sozialraum", "name": "Sozialraum", "prefix": 4},
                {"ebene": "kommune", "name": "Kommune", "prefix": 2},
                {"ebene": "kreis", "name": "Kreis", "unit": "0"},
            ],
            "gebietsstaende": [
                {"gebietsstand": "alt", "gueltig_ab": "2010-01-01", "gueltig_bis": "2014-12-31"},
                {"gebietsstand": "neu", "gueltig_ab": "2015-01-01", "gueltig_bis": None},
            ],
            "partners": {"amt": {"name": "Amt", "contact": "Stelle"}},
            "kommunen": [
                {"kommune_id": "01", "name": "Oberstadt", "aliases": ["Oberstadt (Rhld.)"]},
                {"kommune_id": "02", "name": "Unterdorf"},
            ],
            "adressregister": {"adressen": "punkte", "strassen": "strassen", "plz": "plz"},
            "raumsysteme": [
                {"system": "bezirke", "name": "Bezirke", "feed": "bezirke", "kommune_id": "01"}
            ],
            "expected": {},
            "feeds": [
                _feed("punkte", points, "oi", *key, *ADDRESS_COLUMNS, "x", "y"),
                _feed("strassen", {"kind": "keine"}, "kommune_id"),
                _feed("plz", {"kind": "keine"}, "oi", "plz"),
                _feed("bezirke", {"kind": "flaeche", "ebene": "bezirk"}, "raum_id"),
                _feed("faelle", by_address, "kommune_id", *ADDRESS_COLUMNS),
                _feed("karten", {"kind": "plz", "column": "plz"}, "plz"),
            ],
            **more,
        }
    )


class World:
    """A county on disk: what has landed is written as landing would write it."""

    def __init__(self, root: Path):
        self.root, self.folders, self.region = root, Folders(root / "landing"), _region()
        self.areas, self.register = root / "areas.parquet", root / "placement"
        self.found: list[dict] = []
        if not self.areas.exists():
            self._begin()

    def _begin(self) -> None:
        self._areas()
        self.points(2010)
        self.streets()
        self.land("plz", 2010, {"oi": [], "plz": []})

    def _areas(self) -> None:
        shapes = [(s, r, "sozialraum", *x) for (s, r), x in AREAS.items()]
        shapes += [("alt", r, "bezirk", *x) for r, x in DISTRICTS.items()]
        table = {
            "gebietsstand": [s[0] for s in shapes],
            "raum_id": [s[1] for s in shapes],
            "raumebene": [s[2] for s in shapes],
            "geometry": [shapely.to_wkb(shapely.box(s[3], 0, s[4], 1)) for s in shapes],
        }
        pq.write_table(pa.table(table), self.areas)

    def land(self, feed: str, year: int, columns: dict[str, list]) -> None:
        count = len(next(iter(columns.values())))
        technical = {
            "delivery_id": pa.array([f"{feed}{year}"] * count, pa.string()),
            "row_number": pa.array(range(1, count + 1), pa.int64()),
            "liefereinheit": pa.array(["kreis"] * count, pa.string()),
            "stichtag": pa.array([date(year, 12, 31)] * count, pa.date32()),
        }
        dates = ("gueltig_ab", "gueltig_bis")
        kinds = {"x": pa.float64(), "y": pa.float64(), **dict.fromkeys(dates, pa.date32())}
        arrays = {name: pa.array(c, kinds.get(name, pa.string())) for name, c in columns.items()}
        folder = self.folders.accepted(feed)
        folder.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table({**technical, **arrays}), folder / f"{feed}{year}.parquet")

    def points(self, year: int, *points: tuple) -> None:
        """Land addresses: (oi, kommune, key, street, number, suffix, x)."""
        names = ("oi", "k", *ADDRESS_COLUMNS, "x")
        rows = zip(*points, strict=True) if points else ([] for _ in names)
        columns = {name: list(c) for name, c in zip(names, rows, strict=True)}
        kommunen = columns.pop("k")
        self.land(
            "punkte",
            year,
            {
                **columns,
                "land": [k[0] for k in kommunen],
                "regierungsbezirk": [k[1] for k in kommunen],
                "kreis": [None] * len(kommunen),
                "gemeinde": [None] * len(kommunen),
                "y": [0.5] * len(kommunen),
            },
        )

    def streets(self, *streets: tuple) -> None:
        """Land streets: (kommune, key, name, from, to, successor)."""
        names = ("kommune_id", "strassenschluessel", "strasse", "gueltig_ab", "gueltig_bis")
        rows = list(zip(*streets, strict=True)) or [[]] * 6
        self.land(
            "strassen",
            2015,
            dict(zip((*names, "nachfolger"), (list(r) for r in rows), strict=True)),
        )

    def build(self) -> dict[str, int]:
        return build_register(self.region, self.folders, self.areas, self.register)

    def addresses(self) -> list[dict]:
        return pq.read_table(self.register / "_adressen.parquet").to_pylist()

    def ask(self, *rows: tuple, year: int = 2015) -> list[tuple[str | None, str]]:
        """Place rows (kommune, key, street, number, suffix); return area and method of each."""
        names = ("kommune_id", *ADDRESS_COLUMNS)
        columns = dict(zip(names, (list(c) for c in zip(*rows, strict=True)), strict=True))
        self.land("faelle", year, columns)
        target = self.register / "faelle.parquet"
        feed = self.region.feed("faelle")
        counts = match(feed, self.region, self.folders, self.register, target)
        found = sorted(pq.read_table(target).to_pylist(), key=lambda row: row["row_number"])
        found = [row for row in found if row["delivery_id"] == f"faelle{year}"]
        assert len(found) == len(rows)
        assert {row["anteil"] for row in found} == {1.0}
        assert sum(counts.values()) >= len(rows)
        self.found = found
        return [(row["raum_id"], row["methode"]) for row in found]

    def ask_one(self, *row: str | None, year: int = 2015) -> tuple[str | None, str]:
        return self.ask(row, year=year)[0]


@pytest.fixture
def world(tmp_path: Path, _made: Path) -> World:
    """A county with a street through two Sozialräume, and one that was renamed."""
    shutil.copytree(_made, tmp_path, dirs_exist_ok=True)
    return World(tmp_path)


@pytest.fixture(scope="module")
def _made(tmp_path_factory) -> Path:
    made = World(tmp_path_factory.mktemp("made"))
    made.points(
        2013,
        ("A1", "01", "00001", "Bergstraße", "1", None, 0.2),
        ("A2", "01", "00001", "Bergstraße", "2", None, 0.3),
        ("A12", "01", "00001", "Bergstraße", "12", None, 1.2),
        ("A12a", "01", "00001", "Bergstraße", "12", "a", 1.2),
        ("A12b", "01", "00001", "Bergstraße", "12", "b", 1.2),
        ("A14", "01", "00001", "Bergstraße", "14", None, 1.8),
        ("A20", "01", "00001", "Bergstraße", "20", "a-c", 1.9),
        ("K7", "01", "00002", "Kaiserplatz", "7", None, 0.4),
        ("M3", "01", "00004", "Am Markt", "3", None, 0.1),
        ("U1", "02", "00001", "Bergstraße", "1", None, 2.5),
        ("U9", "02", "00007", "Lindenallee", "9", None, 3.5),
    )
    made.points(
        2015,
        ("K7neu", "01", "00003", "Platz der Republik", "7", None, 0.45),
        ("A1", "01", "00001", "Bergstraße", "1", None, 0.25),
        ("A99", "01", "00001", "Bergstraße", "99", None, 1.6),
    )
    made.streets(
        ("01", "00001", "Bergstraße", date(1950, 1, 1), None, None),
        ("01", "00002", "Kaiserplatz", date(1900, 1, 1), date(2014, 5, 31), "00003"),
        ("01", "00003", "Platz der Republik", date(2014, 6, 1), None, None),
        ("01", "00004", "Am Markt", date(1900, 1, 1), None, None),
    )
    made.build()
    return made.root


# Spelling


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("Bergstr.", "bergstrasse"),
        ("Bergstraße", "bergstrasse"),
        ("BERGSTRASSE", "bergstrasse"),
        ("Bergstrasse", "bergstrasse"),
        ("Berg-Str.", "berg strasse"),
        ("Strandweg", "strandweg"),
        ("Strasserweg", "strasserweg"),
        ("Straße des 17. Juni", "strasse des 17 juni"),
        ("St.-Josef-Pl.", "sankt josef platz"),
        ("Ostwall", "ostwall"),
        ("  Am   Markt ", "am markt"),
        ("Mühlenweg", "muehlenweg"),
        ("Mu\u0308hlenweg", "muehlenweg"),
        ("Rue de Liège", "rue de liege"),
        ("In den 30 Morgen", "in den 30 morgen"),
        ("Dr.-Kurt-Str", "doktor kurt strasse"),
        ("Wasserfall", "wasserfall"),
        ("Berliner Al.", "berliner allee"),
        ("", ""),
    ],
)
def test_a_street_name_has_one_normal_form(written, normal):
    assert normalise(written) == normal


@given(st.text(max_size=40))
@settings(max_examples=100, deadline=None)
def test_the_normal_form_of_a_normal_form_is_itself(name):
    once = normalise(name)
    assert normalise(once) == once


@given(st.text("abcdefgnrstuüß -.", max_size=12))
@settings(max_examples=50, deadline=None)
def test_street_abbreviated_is_street_in_full(stem):
    assert normalise(stem + "str.") == normalise(stem + "straße") == normalise(stem + "Strasse")


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("12", (12, "", 12, "")),
        ("012", (12, "", 12, "")),
        ("12a", (12, "a", 12, "a")),
        ("12 a", (12, "a", 12, "a")),
        ("12 A", (12, "a", 12, "a")),
        ("12-14", (12, "", 14, "")),
        ("12 – 14", (12, "", 14, "")),
        ("12 bis 14", (12, "", 14, "")),
        ("12/14", (12, "", 14, "")),
        ("12/1", (12, "/1", 12, "/1")),
        ("12 1/2", (12, "1/2", 12, "1/2")),
        ("12 a-c", (12, "a", 12, "c")),
        ("12a-13c", (12, "a", 13, "c")),
        ("12-14b", (12, "", 14, "b")),
        ("Nr. 12", (12, "", 12, "")),
        ("", (0, "", 0, "")),
        ("*", (0, "", 0, "")),
        ("14-12", None),
        ("12c-a", None),
        ("12 Hinterhaus", None),
        ("Hof", None),
        ("999999", None),
    ],
)
def test_house_numbers_are_read(written, read):
    assert house_number(written) == read


@given(st.text(max_size=12))
@settings(max_examples=100, deadline=None)
def test_any_text_is_a_house_number_or_none(text):
    found = house_number(text)
    assert found is None or found[:2] <= found[2:]


@pytest.mark.parametrize(
    ("address", "street", "number"),
    [
        ("Bergstr. 12 a-c", "Bergstr.", "12 a-c"),
        ("Bergstr.12", "Bergstr.", "12"),
        ("Straße 101 Nr. 12", "Straße 101", "Nr. 12"),
        ("In den 30 Morgen 34b", "In den 30 Morgen", "34b"),
        ("C 3 54", "C 3", "54"),
        ("Am Markt", "Am Markt", ""),
        ("Bergstr. 12/1, 52062 Oberstadt", "Bergstr.", "12/1"),
        ("Bergstr. 12 - 14 52062 Oberstadt", "Bergstr.", "12 - 14"),
        ("Straße des 17. Juni 3", "Straße des 17. Juni", "3"),
    ],
)
def test_an_address_in_one_text_ends_with_its_number(address, street, number):
    with duckdb.connect() as con:
        query = f"select unnest({parts_sql('a')}) from (select ? as a)"
        found = con.execute(query, [address]).fetchone()
    assert tuple(part.strip() for part in found) == (street, number)


# The register


def test_the_register_places_each_address_in_every_gebietsstand(world):
    lies = {(a["adresse_id"], a["gebietsstand"]): a["raum_id"] for a in world.addresses()}
    assert lies["A12", "alt"] == "0102"
    assert lies["A12", "neu"] == "0101"
    assert lies["A14", "alt"] == lies["A14", "neu"] == "0102"
    assert lies["U1", "alt"] == "0201"
    assert len(lies) == 2 * 12


def test_an_address_is_known_by_street_and_number_not_by_its_official_id(world):
    """The square was renamed, its key and the official id of its number changed."""
    known = {a["adresse_id"]: a for a in world.addresses() if a["gebietsstand"] == "neu"}
    assert "K7" not in known
    square = known["K7neu"]
    assert (square["strassenschluessel"], square["strasse"]) == ("00003", "Platz der Republik")
    assert square["x"] == 0.45
    assert (known["A1"]["x"], known["A2"]["x"]) == (0.25, 0.3)  # newest; once known, always known


def test_a_range_in_the_register_is_kept(world):
    (row,) = [a for a in world.addresses() if a["adresse_id"] == "A20" and a["raum_id"] == "0102"][
        :1
    ]
    assert (row["hausnummer"], row["zusatz"]) == (20, "a")
    assert (row["bis_hausnummer"], row["bis_zusatz"]) == (20, "c")


def test_a_point_beyond_the_border_stays_in_its_own_municipality(world):
    world.points(2014, ("X1", "01", "00001", "Bergstraße", "77", None, 2.5))
    assert world.build()["ohne_raum"] == 1
    assert {a["raum_id"] for a in world.addresses() if a["adresse_id"] == "X1"} == {None}
    assert world.ask_one("01", "00001", None, "77", None) == ("01-ohne", "ohne")


def test_a_further_system_of_areas_is_placed_by_the_same_addresses(world):
    rows = pq.read_table(world.register / "_raumsystem_bezirke.parquet").to_pylist()
    assert {row["adresse_id"]: row["raum_id"] for row in rows} == {
        "A1": "01-B1",
        "A2": "01-B1",
        "M3": "01-B1",
        "K7neu": "01-B1",
        "A12": "01-B2",
        "A12a": "01-B2",
        "A12b": "01-B2",
        "A14": "01-B2",
        "A20": "01-B2",
        "A99": "01-B2",
    }


def test_a_street_that_took_its_old_name_again_is_no_circle(world):
    world.streets(
        ("01", "00002", "Kaiserplatz", date(1900, 1, 1), date(1945, 1, 1), "00003"),
        ("01", "00003", "Platz der Republik", date(1945, 1, 2), date(1950, 1, 1), "00002"),
        ("01", "00002", "Kaiserplatz", date(1950, 1, 2), date(2014, 5, 31), "00009"),
        ("01", "00009", "Neuer Platz", date(2014, 6, 1), None, None),
    )
    world.points(2014, ("N7", "01", "00009", "Neuer Platz", "7", None, 0.4))
    world.build()
    for key in ("00002", "00009"):
        assert world.ask_one("01", key, None, "7", None) == ("0101", "schluessel")


def test_without_a_declared_register_the_message_says_what_to_do(world):
    bare = _region(adressregister=None)
    with pytest.raises(ValueError, match="adressregister"):
        build_register(bare, world.folders, world.areas, world.register)


# Matching


def test_by_key_and_number(world):
    assert world.ask_one("01", "00001", None, "12", "A") == ("0101", "schluessel")
    assert world.found[0]["gebietsstand"] == "neu"
    assert world.found[0]["adresse_id"] == "A12a"


def test_the_gebietsstand_is_that_of_the_stichtag(world):
    assert world.ask_one("01", "00001", None, "12", None, year=2013) == ("0102", "schluessel")
    assert world.found[0]["gebietsstand"] == "alt"
    assert world.ask_one("01", "00001", None, "12", None, year=2015) == ("0101", "schluessel")


def test_by_the_old_key_of_a_renamed_street(world):
    assert world.ask_one("01", "00002", None, "7", None) == ("0101", "schluessel")
    assert world.ask_one("01", "00003", None, "7", None, year=2013) == ("0101", "schluessel")


@pytest.mark.parametrize(
    "name", ["Bergstr.", "BERGSTRASSE", "Berg-Straße", "bergstrasse", " Berg  str"]
)
def test_by_name_in_any_spelling(world, name):
    assert world.ask_one("01", None, name, "14", None) == ("0102", "name")
    assert world.ask_one("02", None, name, "1", None) == ("0201", "name")


def test_by_an_old_and_by_a_new_name(world):
    for name in ("Kaiserpl.", "Platz der Republik"):
        assert world.ask_one("01", None, name, "7", None) == ("0101", "name")


def test_the_street_that_was_called_so_at_the_stichtag_comes_first(world):
    """A new street got the old name of another; both have a number 7."""
    world.streets(
        ("01", "00002", "Kaiserplatz", date(1900, 1, 1), date(2014, 5, 31), "00003"),
        ("01", "00003", "Platz der Republik", date(2014, 6, 1), None, None),
        ("01", "00008", "Kaiserplatz", date(2014, 6, 1), None, None),
    )
    world.points(2014, ("N7", "01", "00008", "Kaiserplatz", "7", None, 1.9))
    world.build()
    assert world.ask_one("01", None, "Kaiserplatz", "7", None, year=2013) == ("0101", "name")
    assert world.ask_one("01", None, "Kaiserplatz", "7", None, year=2015) == ("0102", "name")


def test_by_range_delivered_and_in_the_register(world):
    assert world.ask_one("01", None, "Bergstr.", "12 a-c", None) == ("0101", "bereich")
    assert world.ask_one("01", "00001", None, "20", "b") == ("0102", "bereich")
    assert world.ask_one("01", "00001", None, "20 a-c", None) == ("0102", "schluessel")
    assert world.ask_one("01", None, "Bergstr.", "20 b-d", None) == ("0102", "bereich")


def test_a_range_counts_one_side_of_the_street(world):
    """1 lies in 0101 like 2: 1-3 has only uneven numbers, 2-14 runs through two Sozialräume."""
    assert world.ask_one("01", None, "Bergstr.", "1-3", None) == ("0101", "bereich")
    assert world.ask_one("01", None, "Bergstr.", "2-14", None) == ("01-ohne", "ohne")
    assert world.ask_one("01", None, "Bergstr.", "3-13", None) == ("01-ohne", "ohne")
    assert world.ask_one("01", None, "Bergstr.", "13-14", None) == ("0102", "bereich")


def test_an_unknown_suffix_is_the_number_if_only_one_sozialraum_is_possible(world):
    assert world.ask_one("01", None, "Bergstr.", "12 f", None) == ("0101", "bereich")
    assert world.ask_one("01", None, "Bergstr.", "20", None) == ("0102", "bereich")
    world.points(2014, ("A12g", "01", "00001", "Bergstraße", "12", "g", 1.8))
    world.build()
    assert world.ask_one("01", None, "Bergstr.", "12 f", None) == ("01-ohne", "ohne")


@pytest.mark.parametrize(
    ("kommune", "name", "number", "area"),
    [
        ("01", "Bregstr.", "14", "0102"),
        ("01", "Bergstrase", "14", "0102"),
        ("01", "Berkstraße", "14", "0102"),
        ("01", "Am Mark", "3", "0101"),
        ("02", "Lindenalee", "9", "0201"),
        ("01", "Plaz der Republik", "7", "0101"),
    ],
)
def test_by_similarity_one_slip(world, kommune, name, number, area):
    assert world.ask_one(kommune, None, name, number, None) == (area, "aehnlich")


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("Brgsstraße", "14"),  # two slips in a short name
        ("Bergstrase", "15"),  # the number does not exist
        ("Lindenalee", "9"),  # the street lies in the other municipality
        ("Lindenallee", "9"),
        ("Gartenweg", "1"),
        ("", "14"),
        (None, None),
        ("Bergstr.", "Hinterhaus"),
    ],
)
def test_what_cannot_be_matched_lies_in_the_municipality_without_an_area(world, name, number):
    assert world.ask_one("01", None, name, number, None) == ("01-ohne", "ohne")
    assert world.found[0]["adresse_id"] is None


def test_a_misspelt_name_between_two_streets_is_not_matched(world):
    world.points(2014, ("B14", "01", "00011", "Burgstraße", "14", None, 0.2))
    world.build()
    assert world.ask_one("01", None, "Birgstraße", "14", None) == ("01-ohne", "ohne")
    assert world.ask_one("01", None, "Burgstraße", "14", None) == ("0101", "name")


def test_two_streets_of_one_name_are_matched_where_they_agree_only(world):
    world.points(
        2014,
        ("B1", "01", "00012", "Bergstraße", "1", None, 0.3),
        ("B2", "01", "00012", "Bergstraße", "14", None, 0.9),
    )
    world.build()
    assert world.ask_one("01", None, "Bergstr.", "1", None) == ("0101", "name")
    assert world.found[0]["adresse_id"] is not None
    assert world.ask_one("01", None, "Bergstr.", "14", None) == ("01-ohne", "ohne")
    assert world.ask_one("01", "00012", "Bergstr.", "14", None) == ("0101", "schluessel")


def test_an_address_stands_for_a_row_only_if_all_systems_agree(world):
    """K7 and its twin lie in one Sozialraum, but in two districts."""
    world.points(
        2014,
        ("P1", "01", "00013", "Doppelweg", "5", "a", 0.2),
        ("P2", "01", "00013", "Doppelweg", "5", "b", 0.8),
    )
    world.build()
    assert world.ask_one("01", None, "Doppelweg", "5", None) == ("0101", "bereich")
    assert world.found[0]["adresse_id"] is None


def test_a_row_without_a_municipality_lies_nowhere(world):
    assert world.ask_one(None, "00001", "Bergstr.", "1", None) == (None, "ohne")


def test_all_rows_of_all_deliveries_are_placed_once(world):
    row = ("01", "00001", None, "14", None)
    world.ask(row, row, year=2013)
    assert world.ask(row, ("02", None, "Bergstr.", "1", None), year=2015) == [
        ("0102", "schluessel"),
        ("0201", "name"),
    ]
    rows = pq.read_table(world.register / "faelle.parquet").to_pylist()
    assert len({(r["delivery_id"], r["row_number"]) for r in rows}) == len(rows) == 4


STREET_NAMES = st.sampled_from(["Bergstr.", "Bergstraße", "Lindenallee", "Am Markt", "Lindenale"])
NUMBERS = st.sampled_from(["1", "3", "7", "9", "12", "12-14", "14", "x", None])


@given(st.lists(st.tuples(st.sampled_from(["01", "02"]), STREET_NAMES, NUMBERS), min_size=1))
@settings(max_examples=10, deadline=None)
def test_no_match_goes_across_municipalities(tmp_path_factory, questions):
    world = World(tmp_path_factory.mktemp("world"))
    world.points(
        2014,
        ("A", "01", "00001", "Bergstraße", "1", None, 0.5),
        ("B", "01", "00004", "Am Markt", "3", None, 0.5),
        ("C", "02", "00001", "Lindenallee", "9", None, 2.5),
        ("D", "02", "00002", "Am Markt", "14", None, 2.5),
    )
    world.build()
    found = world.ask(*((kommune, None, name, number, None) for kommune, name, number in questions))
    for (kommune, _, _), (area, _) in zip(questions, found, strict=True):
        assert area.startswith(kommune)


def test_without_addresses_or_areas_all_rows_are_counted_without_an_area(tmp_path):
    """One partner never stops the others: what is missing is told where it was expected."""
    empty = World(tmp_path)
    assert empty.build() == {"adressen": 0, "ohne_raum": 0, "strassen": 0}
    assert empty.ask_one("01", "00001", "Bergstr.", "1", None) == ("01-ohne", "ohne")
    nothing = pq.read_table(empty.areas).slice(0, 0)
    pq.write_table(nothing, empty.areas)
    empty.points(2013, ("A1", "01", "00001", "Bergstraße", "1", None, 0.2))
    assert empty.build()["adressen"] == 1
    assert empty.ask_one("01", "00001", "Bergstr.", "1", None) == ("01-ohne", "ohne")


# Postcodes


def test_a_postcode_is_spread_by_its_addresses(world):
    world.land(
        "plz", 2015, {"oi": ["K7", "A14", "A99", "A1", "U1"], "plz": ["1", "1", "1", "1", "9"]}
    )
    world.build()
    world.land("karten", 2015, {"plz": ["1", "9", "5"]})
    world.land("karten", 2013, {"plz": ["1"]})
    target = world.register / "karten.parquet"
    feed = world.region.feed("karten")
    counts = place_postcodes(feed, world.region, world.folders, world.register, target)
    assert counts == {"ohne": 1, "plz": 3}
    shares = {
        (r["delivery_id"], r["row_number"], r["raum_id"]): r["anteil"]
        for r in pq.read_table(target).to_pylist()
    }
    assert shares == {
        ("karten2015", 1, "0101"): 0.5,
        ("karten2015", 1, "0102"): 0.5,
        ("karten2015", 2, "0201"): 1.0,
        ("karten2015", 3, None): 1.0,
        ("karten2013", 1, "0101"): 0.5,
        ("karten2013", 1, "0102"): 0.5,
    }


# The street list


def cut(world: World, target: Path) -> list[tuple]:
    """Cut the register by the street list as a partner would; return address, area, area cut."""
    with duckdb.connect() as con:
        return con.execute(
            f"""
            select a.adresse_id, a.gebietsstand, coalesce(a.raum_id, a.kommune_id || '-ohne'),
                   l.raum_id
            from read_parquet('{world.register / "_adressen.parquet"}') as a
            left join read_parquet('{target}') as l
                on l.gebietsstand = a.gebietsstand and l.kommune_id = a.kommune_id
                and l.strassenschluessel = a.strassenschluessel
                and (l.seite = 'alle' or (
                    (l.seite = 'gerade') = (coalesce(a.hausnummer, 0) % 2 = 0)
                    and (
                        coalesce(a.hausnummer, 0) > l.hausnummer_von
                        or coalesce(a.hausnummer, 0) = l.hausnummer_von and a.zusatz >= l.zusatz_von
                    )
                    and (
                        coalesce(a.hausnummer, 0) < l.hausnummer_bis
                        or coalesce(a.hausnummer, 0) = l.hausnummer_bis and a.zusatz <= l.zusatz_bis
                    )
                ))
            """
        ).fetchall()


def test_the_street_list_tells_runs_of_numbers(world, tmp_path):
    target = tmp_path / "list.csv"
    street_list(world.register, target)
    with target.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    columns = ("seite", "hausnummer_von", "zusatz_von", "hausnummer_bis", "zusatz_bis", "raum_id")
    runs = [
        tuple(r[name] for name in columns)
        for r in rows
        if (r["gebietsstand"], r["kommune_id"], r["strassenschluessel"]) == ("neu", "01", "00001")
    ]
    assert sorted(runs) == [
        ("gerade", "14", "", "20", "c", "0102"),
        ("gerade", "2", "", "12", "b", "0101"),
        ("ungerade", "1", "", "1", "", "0101"),
        ("ungerade", "99", "", "99", "", "0102"),
    ]
    market = [r for r in rows if r["strasse"] == "Am Markt" and r["gebietsstand"] == "neu"]
    assert [(r["seite"], r["hausnummer_von"], r["raum_id"]) for r in market] == [
        ("alle", "", "0101")
    ]


ADDRESS = st.tuples(
    st.sampled_from(["00001", "00002"]),
    st.one_of(st.none(), st.integers(1, 9)),
    st.sampled_from([None, "a", "b", "f"]),
    st.floats(-0.5, 2, allow_nan=False),
)


@given(st.lists(ADDRESS, min_size=1, max_size=40))
@settings(max_examples=10, deadline=None)
def test_cutting_by_the_street_list_gives_every_address_its_sozialraum_back(
    tmp_path_factory, addresses
):
    world = World(tmp_path_factory.mktemp("world"))
    world.points(
        2014,
        *(
            (f"N{n}", "01", key, f"Weg {key}", number and str(number), number and suffix, x)
            for n, (key, number, suffix, x) in enumerate(addresses)
        ),
    )
    counts = world.build()
    target = world.root / "list.parquet"
    street_list(world.register, target)
    found = cut(world, target)
    assert len(found) == 2 * counts["adressen"]  # each address falls into exactly one row
    assert [row for row in found if row[2] != row[3]] == []


# The program for partners


def program(world: World, content: bytes, suffix: str = ".parquet", **more) -> list[dict]:
    register, source = world.root / f"register{suffix}", world.root / "in.csv"
    export_register(world.region, world.register, register)
    source.write_bytes(content)
    target = world.root / "out.csv"
    locate(source, target, register, **more)
    with target.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, delimiter=";"))


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_a_file_of_addresses_comes_back_with_its_areas(world, suffix):
    content = (
        "Nr im Amt;Gemeinde;Straße;Haus-Nr.;Notiz\n"
        '7;Oberstadt;Bergstr.;12 a-c;"a;b"\n'
        "8;OBERSTADT (RHLD.);Kaiserplatz;7;\n"
        "9;02;Bergstraße;1;\n"
        "10;Fernstadt;Bergstraße;1;\n"
        "11;Oberstadt;Bergstrase;14;\n"
        "12;Oberstadt;Waldweg;1;\n"
    )
    rows = program(world, content.encode("cp1252"), suffix)
    assert [row["Nr im Amt"] for row in rows] == ["7", "8", "9", "10", "11", "12"]
    assert (rows[0]["Straße"], rows[0]["Haus-Nr."], rows[0]["Notiz"]) == (
        "Bergstr.",
        "12 a-c",
        "a;b",
    )
    assert [(row["raum_id"], row["methode"]) for row in rows] == [
        ("0101", "bereich"),
        ("0101", "name"),
        ("0201", "name"),
        ("", "ohne"),
        ("0102", "aehnlich"),
        ("01-ohne", "ohne"),
    ]
    assert {row["gebietsstand"] for row in rows} == {"neu"}


def test_street_and_number_may_stand_in_one_column_and_the_day_decides(world):
    content = b"ags,adresse\n01,Bergstr. 12\n01,Kaiserpl. 7\n"
    assert [r["raum_id"] for r in program(world, content)] == ["0101", "0101"]
    before = program(world, content, stichtag=date(2013, 12, 31))
    assert [(r["raum_id"], r["gebietsstand"]) for r in before] == [("0102", "alt"), ("0101", "alt")]


def test_the_exported_register_tells_nothing_but_streets_and_areas(world):
    target = world.root / "register.parquet"
    assert export_register(world.region, world.register, target) > 0
    columns = set(pq.read_schema(target).names)
    assert not columns & {"x", "y", "geometry"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("name;ort\nGeheim;Oberstadt\n", "strasse"),
        ("strasse;hausnummer\nGeheim;1\n", "kommune"),
        ("gemeinde;strasse;hausnummer\nOberstadt;Geheim;1;2\n", "line 2"),
        ("gemeinde;strasse;hausnummer;raum_id\nOberstadt;Geheim;1;2\n", "raum_id"),
        ("", "empty"),
    ],
)
def test_a_file_that_is_no_list_of_addresses_is_refused_without_a_value(world, content, message):
    with pytest.raises(ValueError, match=message) as refused:
        program(world, content.encode())
    assert "Geheim" not in str(refused.value)
    assert not (world.root / "out.csv").exists()


def test_the_partners_rule_is_the_sealed_zones_rule():
    """One definition: the SQL that places a feed is what `normalise` and `house_number` run."""
    with duckdb.connect() as con:
        names = "(select unnest(['Bergstr.', 'Am Markt']) as n)"
        found = con.execute(f"select {name_key_sql('n')} from {names}").fetchall()
        assert found == [("bergstrasse",), ("ammarkt",)]
        numbers = numbers_sql("(select '12 a-c' as text)")
        assert con.execute(numbers).fetchone()[1:] == house_number("12 a-c")
