"""What a region declares of its publications: publisher, class limits, statements, targets."""

import uuid

import pytest

from orchestration.imprint import imprint_of
from publication.imprint import Imprint
from publication.legends import legends, ramp
from publication.limits import propose_limits
from publication.numbers import number
from sources.klassen import Klassen, Klassengrenzen, class_rows
from sources.publikation import Publikation
from sources.region import read_region, region_names
from sources.ziele import Ziel, Ziele


@pytest.mark.parametrize("name", region_names())
def test_every_region_declares_what_its_editions_say(name: str):
    imprint = imprint_of(read_region(name))
    assert imprint.region == name
    assert uuid.UUID(imprint.kennung)
    assert Imprint.of({"publikation": imprint.facts()}) == imprint


def test_no_two_regions_are_one_dataset():
    kennungen = [imprint_of(read_region(name)).kennung for name in region_names()]
    assert len(set(kennungen)) == len(kennungen)


def test_an_edition_without_publisher_is_told_what_to_do():
    with pytest.raises(ValueError, match="expected 'publikation', found none; publish a new"):
        Imprint.of({"edition_id": "old"})
    without = read_region("aachen").model_copy(update={"publikation": None})
    with pytest.raises(ValueError, match="expected a publikation"):
        imprint_of(without)


def test_levels_that_are_always_there_have_names():
    told = read_region("aachen").publikation.model_dump()
    del told["stufennamen"]["kommune"]
    with pytest.raises(ValueError, match="found none for kommune"):
        Publikation.model_validate(told)


def test_limits_make_classes_that_are_open_at_both_ends():
    rows = class_rows([Klassengrenzen(indikator_id="x", grenzen=(1, 2.5))])
    assert [(row["klasse"], row["ueber"], row["bis"]) for row in rows] == [
        (1, None, 1),
        (2, 1, 2.5),
        (3, 2.5, None),
    ]


def test_ratings_have_words_in_their_order():
    rows = class_rows([Klassengrenzen(indikator_id="x", klassen=("gering", "hoch"))])
    assert [(row["klasse"], row["name"], row["bis"]) for row in rows] == [
        (1, "gering", None),
        (2, "hoch", None),
    ]


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"grenzen": [2, 1]}, "expected ascending limits"),
        ({"grenzen": [1, 1]}, "expected ascending limits"),
        ({}, "either grenzen or klassen"),
        ({"grenzen": [1], "klassen": ["a"]}, "either grenzen or klassen"),
    ],
)
def test_limits_that_make_no_classes_are_refused(told: dict, message: str):
    with pytest.raises(ValueError, match=message):
        Klassengrenzen(indikator_id="x", **told)


def test_an_indicator_has_its_limits_once():
    one = {"indikator_id": "x", "grenzen": [1]}
    with pytest.raises(ValueError, match="stand twice: x"):
        Klassen(beschlossen_am="2026-01-01", beschlossen_von="y", indikatoren=[one, one])


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"art": "ordner"}, "expected formen for a folder"),
        ({"art": "postgis", "formen": ["csv"]}, "none for PostGIS"),
        ({"art": "postgis"}, "expected publikum: fachlich for PostGIS"),
        ({"art": "ordner", "formen": ["marts"]}, "found marts, which hold columns for experts"),
    ],
)
def test_a_target_that_no_edition_fits_is_refused(told: dict, message: str):
    with pytest.raises(ValueError, match=message):
        Ziel(ziel="a", verbindung="A", **told)


def test_two_targets_of_one_name_or_place_are_refused():
    one = Ziel(ziel="a", art="postgis", verbindung="A", publikum="fachlich")
    other = Ziel(ziel="b", art="postgis", verbindung="A", publikum="fachlich")
    with pytest.raises(ValueError, match="each verbindung once, found A again"):
        Ziele(ziele=(one, other))


def test_a_legend_says_what_the_declared_limits_say(tmp_path):
    import duckdb
    from made_edition import LIMITS, declared_tables, made_rows, write_warehouse

    write_warehouse(tmp_path / "w.duckdb", declared_tables(), made_rows())
    with duckdb.connect(str(tmp_path / "w.duckdb")) as con:
        con.execute("SET search_path = 'marts'")
        found = legends(con)
    quote = found["sgb2_quote"]
    assert [entry.label for entry in quote.entries] == [
        "bis 5",
        "über 5 bis 10",
        "über 10 bis 15",
        "über 15 bis 20",
        "über 20",
    ]
    assert [quote.entry(value).label for value in (5.0, 5.01, 20.0, 99.0)] == [
        "bis 5",
        "über 5 bis 10",
        "über 15 bis 20",
        "über 20",
    ]
    assert quote.entry(None) is None
    assert [entry.klasse for entry in found["rating"].entries] == ["gering", "mittel", "hoch"]
    assert [entry.klasse for entry in found["lage"].entries] == ["gering", "mittel", "hoch"]
    assert set(LIMITS) < set(found)
    for legend in found.values():
        assert len({entry.colour for entry in legend.entries}) == len(legend.entries)


def test_a_ramp_has_as_many_colours_as_classes():
    for count in range(1, 10):
        assert len(set(ramp(count, -1))) == count


def test_proposed_limits_part_the_values_into_fifths(tmp_path):
    import duckdb

    with duckdb.connect(str(tmp_path / "m.duckdb")) as con:
        con.execute(
            "CREATE TABLE mart_indikator AS SELECT 'x' AS indikator_id, 'sozialraum' AS raumebene, "
            "'ok' AS status, number::DOUBLE AS wert FROM range(101) AS numbers(number)"
        )
    assert propose_limits(tmp_path / "m.duckdb") == {"x": [20, 40, 60, 80]}


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (1234.56, 1, "1.234,6"),
        (0, 0, "0"),
        (-0.01, 1, "0,0"),
        (-1234, 0, "−1.234"),
        (None, 1, "–"),
        (1e6, 0, "1.000.000"),
    ],
)
def test_numbers_are_written_for_german_readers(value, digits: int, text: str):
    assert number(value, digits) == text
