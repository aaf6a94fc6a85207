"""One delivery at the border: which rows are accepted, which go to quarantine, and why."""

import csv
import json
import math
import re
from collections import Counter, defaultdict
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sources import delivery
from sources.judge import Terms
from sources.landing import Folders, land_feed, read_references

TOTALS = {
    2001: 3_337_233,
    2005: 3_339_436,
    2011: 3_427_114,
    2012: 3_469_621,
    2014: 3_562_166,
    2015: 3_610_156,
    2016: 3_670_622,
    2017: 3_711_930,
}
MSS = "berlin-monitoring-social-urban-development-{}-00-{}.csv"
GOOD, BAD = "bestand_201512.csv", "not the agreed number of fields"
AREAS = ("0101", "0102", "0201", "0202")


def cells(feed: str, county, *names: str) -> list[tuple]:
    """Return some columns of the accepted rows."""
    return [tuple(row[name] for name in names) for row in county.accepted(feed)]


# --- a good delivery ------------------------------------------------------------------------


def test_a_good_delivery_lands_as_agreed(county):
    outcome = county.deliver_and_land("bestand", GOOD, county.bestand(*county.good_rows()))
    assert (outcome.result, outcome.reason) == ("accepted", None)
    assert (outcome.rows_read, outcome.rows_accepted, outcome.rows_quarantined) == (4, 4, 0)
    assert outcome.layout == "form_a"
    rows = county.accepted("bestand")
    assert list(rows[0]) == [
        "delivery_id",
        "row_number",
        "liefereinheit",
        "stichtag",
        "zeit",
        "raum_id",
        "art",
        "anzahl",
        "anteil",
    ]
    assert [tuple(row.values())[1:] for row in rows][:2] == [
        (1, "kreis", outcome.stichtag, "201512", "0101", "alt", 10, 0.5),
        (2, "kreis", outcome.stichtag, "201512", "0102", "alt", 11, 1.5),
    ]


@pytest.mark.parametrize(
    ("mark", "end", "last"),
    [("", "\r\n", "\r\n"), ("", "\n", ""), ("\ufeff", "\n", "\n"), ("\ufeff", "\r\n", "")],
    ids=["crlf", "last line open", "byte order mark", "all three"],
)
def test_line_ends_and_byte_order_mark_change_nothing(county, mark, end, last):
    text = county.bestand(*county.good_rows()).removesuffix("\n").replace("\n", end)
    outcome = county.deliver_and_land("bestand", GOOD, mark + text + last)
    assert (outcome.result, outcome.rows_accepted) == ("accepted", 4)
    assert cells("bestand", county, "raum_id", "anteil")[-1] == ("0202", 3.5)


def test_a_quoted_layout_with_decimal_comma(county):
    header = '"ZEIT";"RAUM_ID";"ART";"ANZAHL";"ANTEIL";"TELEFON"'
    rows = ['"201512";"0101";"N";2930,00;0,25;"a;b"', '"201512";"0102";"A";0,00;100,0;""']
    outcome = county.deliver_and_land("bestand", GOOD, county.bestand(*rows, header=header))
    assert (outcome.result, outcome.layout) == ("accepted", "form_b")
    assert cells("bestand", county, "raum_id", "art", "anzahl", "anteil") == [
        ("0101", "neu", 2930, 0.25),
        ("0102", "alt", 0, 100.0),
    ]


def test_a_point_is_no_decimal_sign_where_the_comma_is_one(county):
    """`2.000` is two thousand to its writer; read as two it would be wrong without a sign."""
    header = '"ZEIT";"RAUM_ID";"ART";"ANZAHL";"ANTEIL";"TELEFON"'
    numbers = [("2.000", "1,0"), ("1.5", "1,0"), ("1,00", "1.234"), ("1,00", "1.234,5")]
    rows = [
        f'"201512";"{area}";"N";{count};{share};""'
        for area, (count, share) in zip(AREAS, numbers, strict=True)
    ]
    outcome = county.deliver_and_land("bestand", GOOD, county.bestand(*rows, header=header))
    assert outcome.layout == "form_b"
    whole, decimal = "anzahl: not a value of type integer", "anteil: not a value of type decimal"
    assert [row["reasons"] for row in county.quarantined("bestand")] == [
        [whole],
        [whole],
        [decimal],
        [decimal],
    ]


def test_forms_of_a_whole_number(county):
    forms = {"1e1": 10, "10.0": 10, " 7 ": 7, "007": 7}
    rows = [f"201512;{a};A;{text};;" for a, text in zip(AREAS, forms, strict=True)]
    county.deliver_and_land("bestand", GOOD, county.bestand(*rows))
    assert [number for (number,) in cells("bestand", county, "anzahl")] == [*forms.values()]


def test_lost_leading_zeros_are_filled_and_counted(county):
    county.feeds["bestand"]["layouts"][0]["pad"] = {"raum_id": 4}
    rows = ["201512;101;A;1;;", "201512;0102;A;2;;", "201512;201;A;3;;"]
    outcome = county.deliver_and_land("bestand", GOOD, county.bestand(*rows))
    assert [area for (area,) in cells("bestand", county, "raum_id")] == ["0101", "0102", "0201"]
    assert outcome.repairs == "leading zeros of raum_id: 2 row(s)"


def test_what_is_no_number_is_not_filled_up(county):
    county.feeds["bestand"]["layouts"][0]["pad"] = {"raum_id": 4}
    outcome = county.deliver_and_land("bestand", GOOD, county.bestand("201512;1x1;A;1;;"))
    assert outcome.repairs is None
    assert "no such area" in outcome.reason
    assert county.quarantined("bestand")[0]["raum_id"] == "1x1"


# --- bad rows -------------------------------------------------------------------------------

ROW_FAULTS = {
    "201512;0102;A;12 Personen;1.0;": "anzahl: not a value of type integer",
    "201512;0102;A;1.5;1.0;": "anzahl: not a value of type integer",
    "201512;0102;A;1,5;1.0;": "anzahl: not a value of type integer",
    "201512;0102;A;0x1F;1.0;": "anzahl: not a value of type integer",
    "201512;0102;A;1e30;1.0;": "anzahl: not a value of type integer",
    "201512;0102;A;-1;1.0;": "anzahl: below the agreed limit of 0",
    "201512;0102;A;;1.0;": "anzahl: missing",
    "201512;0102;A;   ;1.0;": "anzahl: missing",
    "201512;0102;A;1;101;": "anteil: above the agreed limit of 100",
    "201512;0102;A;1;-0.1;": "anteil: below the agreed limit of 0",
    "201512;0102;A;1;NaN;": "anteil: not a value of type decimal",
    "201512;0102;A;1;inf;": "anteil: not a value of type decimal",
    "201512;0102;A;1;-;": "anteil: not a value of type decimal",
    "201512;0102;B;1;1.0;": "art: not in the code list",
    "201512;0102;a;1;1.0;": "art: not in the code list",
    "201512;0109;A;1;1.0;": "raum_id: no such area at level sozialraum",
    "201512;00000000;A;1;1.0;": "raum_id: no such area at level sozialraum",
    "201512;102;A;1;1.0;": "raum_id: no such area at level sozialraum",
    "201511;0102;A;1;1.0;": "zeit: not the Stichtag that the file name says",
    "201512;0102;A;1;1.0": "row: not the agreed number of fields",
    "201512;0102;A;1;1.0;;": "row: not the agreed number of fields",
    "201512;0102": "row: not the agreed number of fields",
}


@pytest.fixture(scope="module")
def faulty(tmp_path_factory, new_county):
    """One file with every fault, each between two good rows; each row's last field is its key."""
    county = new_county(tmp_path_factory.mktemp("faulty"))
    feed = county.feeds["bestand"]
    feed["key"], feed["columns"][5]["sensitivity"] = ["telefon"], "intern"
    feed["rows"]["quarantine_tolerance"] = 1.0
    lines = []
    for n, row in enumerate(ROW_FAULTS, 1):
        fields = row.split(";")
        lines += [f"201512;0101;A;1;1;good {n}"]
        lines += [f"{row}bad {n}" if len(fields) == 6 else row]
    return county.deliver_and_land("bestand", GOOD, county.bestand(*lines)), county


@pytest.mark.parametrize(("row", "reason"), ROW_FAULTS.items())
def test_a_bad_row_goes_to_quarantine_with_its_number_and_reason(faulty, row, reason):
    outcome, county = faulty
    bad = {row["row_number"]: row["reasons"] for row in county.quarantined("bestand")}
    assert bad[2 * (1 + list(ROW_FAULTS).index(row))] == [reason]
    same = [fault for fault in ROW_FAULTS.values() if fault == reason]
    first = 2 * (1 + list(ROW_FAULTS.values()).index(reason))
    assert f"{reason} ({len(same)} row(s), first in row {first})" in outcome.reason


def test_the_good_rows_between_bad_ones_are_accepted(faulty):
    outcome, county = faulty
    faults = len(ROW_FAULTS)
    assert (outcome.result, outcome.rows_read) == ("accepted", 2 * faults)
    assert outcome.rows_accepted == outcome.rows_quarantined == faults
    good = [number for (number,) in cells("bestand", county, "row_number")]
    assert good == list(range(1, 2 * faults, 2))


def test_an_endless_number_is_none(county):
    for column in county.feeds["bestand"]["columns"]:
        column.pop("minimum", None), column.pop("maximum", None)
    rows = ["201512;0101;A;1;1e400;", "201512;0102;A;1;-1e400;"]
    county.deliver_and_land("bestand", GOOD, county.bestand(*rows))
    reasons = [row["reasons"] for row in county.quarantined("bestand")]
    assert reasons == [["anteil: not a value of type decimal"]] * 2


def test_without_tolerance_one_bad_row_sends_the_delivery_back(county):
    rows = county.good_rows()
    rows[1] = "201512;0102;A;-1;1.0;"
    outcome = county.deliver_and_land("bestand", GOOD, county.bestand(*rows))
    assert outcome.result == "rejected"
    assert (outcome.rows_read, outcome.rows_accepted, outcome.rows_quarantined) == (4, 3, 1)
    for part in ("feed bestand", GOOD, "at most 0.0% bad rows of 4", "To do: ask amt"):
        assert part in outcome.reason
    assert county.accepted("bestand") == []
    assert [row["row_number"] for row in county.quarantined("bestand")] == [2]


def test_of_a_key_that_stands_twice_both_rows_go(county):
    county.feeds["bestand"]["rows"]["quarantine_tolerance"] = 0.5
    rows = county.good_rows()
    rows[3] = rows[0].replace(";A;10;", ";N;99;")
    outcome = county.deliver_and_land("bestand", GOOD, county.bestand(*rows))
    assert outcome.result == "accepted"
    assert [(r["row_number"], r["reasons"]) for r in county.quarantined("bestand")] == [
        (1, ["key (raum_id): stands twice"]),
        (4, ["key (raum_id): stands twice"]),
    ]
    assert cells("bestand", county, "raum_id") == [("0102",), ("0201",)]


def test_a_row_has_all_its_reasons(county):
    rows = ["201511;0109;X;-3;101;"]
    outcome = county.deliver_and_land("bestand", GOOD, county.bestand(*rows))
    assert outcome.rows_quarantined == 1
    assert sorted(county.quarantined("bestand")[0]["reasons"]) == [
        "anteil: above the agreed limit of 100",
        "anzahl: below the agreed limit of 0",
        "art: not in the code list",
        "raum_id: no such area at level sozialraum",
        "zeit: not the Stichtag that the file name says",
    ]


def test_an_empty_line_is_a_bad_row_and_not_skipped(county):
    rows = county.good_rows()
    outcome = county.deliver_and_land("bestand", GOOD, county.bestand(*rows[:2], "", *rows[2:]))
    assert (outcome.rows_read, outcome.rows_accepted, outcome.rows_quarantined) == (5, 4, 1)
    assert county.quarantined("bestand")[0]["row_number"] == 3


def test_quarantine_shows_what_was_delivered_but_not_what_may_not_land(county):
    outcome = county.deliver_and_land("bestand", GOOD, county.bestand("201512;0101;A;x;1;0241-99"))
    (bad,) = county.quarantined("bestand")
    assert list(bad) == [
        "delivery_id",
        "row_number",
        "reasons",
        "zeit",
        "raum_id",
        "art",
        "anzahl",
        "anteil",
    ]
    assert (bad["delivery_id"], bad["anzahl"]) == (outcome.delivery_id, "x")


def test_row_numbers_stay_right_in_a_long_file(county):
    """Longer than one block of the reader; every hundredth line is cut."""
    lines = [f"201512;{n:06d};A;1;1.0;{'t' * 60}" for n in range(1, 20_001)]
    for n in range(100, 20_001, 100):
        lines[n - 1] = lines[n - 1].partition(";A")[0]
    outcome = county.deliver_and_land("bestand", GOOD, county.bestand(*lines))
    assert outcome.rows_read == outcome.rows_quarantined == 20_000  # no such areas
    malformed = [
        row["row_number"] for row in county.quarantined("bestand") if BAD in row["reasons"][0]
    ]
    assert malformed == list(range(100, 20_001, 100))


# --- files that cannot be taken -------------------------------------------------------------


def refused(county, content: str | bytes, *parts: str, name: str = GOOD) -> None:
    """Deliver a file that is refused as a whole, with a message that helps."""
    outcome = county.deliver_and_land("bestand", name, content)
    assert outcome.result == "rejected"
    for part in ("feed bestand", name, "expected ", "found ", "To do: ", *parts):
        assert part in outcome.reason
    assert county.accepted("bestand") == []


def test_an_unknown_header_lists_missing_and_unknown_columns(county):
    header = "ZEIT;RAUM_ID;ART;PERSONEN;ANTEIL;TELEFON;FAX"
    content = county.bestand("201512;0101;A;1;1;;", header=header)
    refused(county, content, "['ANZAHL']", "['PERSONEN', 'FAX']", "form_a", "add a layout")


def test_columns_in_another_order_are_no_known_header(county):
    content = county.bestand("0101;201512;A;1;1;", header="RAUM_ID;ZEIT;ART;ANZAHL;ANTEIL;TELEFON")
    refused(county, content, "the same columns in another order")


def test_another_delimiter_is_no_known_header(county):
    refused(county, county.bestand(*county.good_rows()).replace(";", ","), "none of the columns")


@pytest.mark.parametrize(
    "content",
    [b"<xml>" + b"x" * 200_000, b"ZEIT;RAUM_ID;ART;ANZAHL;ANTEIL;TELEFON\r201512;0101;A;1;1;\r"],
    ids=["one long line", "carriage returns alone"],
)
def test_what_has_no_lines_is_no_known_header(county, content):
    refused(county, content, "the header of one of the layouts")


def test_utf_16_is_refused(county):
    refused(county, county.bestand(*county.good_rows()).encode("utf-16"), "text in utf-8")


def test_latin_1_in_a_utf_8_feed_is_refused(county):
    content = county.bestand("201512;0101;Ä;1;1;").encode("latin-1")
    refused(county, content, "text in utf-8", "export it in the agreed encoding")


def test_an_empty_file_is_refused(county):
    refused(county, b"", "an empty file")


@pytest.mark.parametrize("end", ["\n", "", "\r\n"])
def test_a_header_alone_is_refused(county, end):
    refused(county, county.bestand().removesuffix("\n") + end, "no rows")


@pytest.mark.parametrize("name", ["bestand.csv", "bestand_201513.csv", "bestand_000012.csv"])
def test_a_name_without_stichtag_is_refused(county, name):
    refused(county, county.bestand(*county.good_rows()), "a file name like", name=name)


@pytest.mark.parametrize("year", ["2009", "2021"])
def test_a_period_without_layout_is_refused(county, year):
    content = county.bestand(*county.good_rows(f"{year}12"))
    name = f"bestand_{year}12.csv"
    refused(county, content, "from 2010-01-01 to 2020-12-31", f"{year}-12-31", name=name)


def test_a_file_cut_in_the_middle_of_a_line_is_sent_back(county):
    content = county.bestand(*county.good_rows())
    cut = content[: content.rindex(";A;") + 3]
    refused(county, cut, "row: not the agreed number of fields (1 row(s), first in row 4)")


@pytest.mark.parametrize("row", [0, 1, 2])
def test_a_quotation_mark_that_is_never_closed_swallows_no_rows(county, row):
    """To a reader of CSV the rest of the file is then one long value."""
    rows = county.good_rows()
    rows[row] = rows[row].replace(";A;", ';"A;')
    refused(county, county.bestand(*rows))


def test_rows_inside_quotation_marks_are_not_swallowed(county):
    county.feeds["bestand"]["rows"]["quarantine_tolerance"] = 0.5
    rows = county.good_rows()
    rows[1] += '"'
    rows[2] += '"'
    refused(county, county.bestand(*rows), "line")


def test_a_value_longer_than_a_block_of_the_reader_is_refused(county):
    """One open quotation mark, and more text than the reader looks at in one go."""
    rows = [f"201512;{n:06d};A;1;1.0;{'t' * 60}" for n in range(30_000)]
    rows[0] = rows[0].replace(";A;", ';"A;')
    refused(county, county.bestand(*rows))


# --- marks that depend on another feed ------------------------------------------------------

KLASSEN = "RAUM_ID;KLASSE\n0101;1\n0102;0\n0201;0\n0202;0\n"
ANTEILE = "RAUM_ID;ANTEIL\n0101;0\n0102;0\n0201;0\n0202;0\n"


def test_a_zero_is_a_mark_where_the_class_table_says_so_and_a_value_elsewhere(county):
    county.deliver_and_land("klassen", "klassen_2015.csv", KLASSEN)
    outcome = county.deliver_and_land("anteile", "anteile_2015.csv", ANTEILE)
    assert outcome.result == "accepted"
    assert cells("anteile", county, "raum_id", "anteil", "anteil__zustand") == [
        ("0101", 0.0, None),
        ("0102", None, "suppressed"),
        ("0201", None, "suppressed"),
        ("0202", None, "suppressed"),
    ]


def test_a_number_in_an_excluded_area_stays_a_number(county):
    county.deliver_and_land("klassen", "klassen_2015.csv", KLASSEN)
    county.deliver_and_land("anteile", "anteile_2015.csv", ANTEILE.replace("0102;0", "0102;2.5"))
    assert cells("anteile", county, "raum_id", "anteil", "anteil__zustand")[1] == (
        "0102",
        2.5,
        None,
    )


def test_a_larger_area_is_suppressed_only_if_all_its_parts_are_excluded(county):
    county.deliver_and_land("klassen", "klassen_2015.csv", KLASSEN)
    county.deliver_and_land("gesamt", "gesamt_2015.csv", "RAUM_ID;ANTEIL\n01;0\n02;0\n")
    assert cells("gesamt", county, "raum_id", "anteil", "anteil__zustand") == [
        ("01", 0.0, None),  # 0101 is not excluded
        ("02", None, "suppressed"),
    ]


def test_a_mark_that_no_row_decides_goes_to_quarantine(county):
    county.feeds["anteile"]["rows"]["quarantine_tolerance"] = 0.5
    county.deliver_and_land("klassen", "klassen_2015.csv", KLASSEN.replace("0102;0\n", ""))
    outcome = county.deliver_and_land("anteile", "anteile_2015.csv", ANTEILE)
    assert (outcome.rows_accepted, outcome.rows_quarantined) == (3, 1)
    (bad,) = county.quarantined("anteile")
    assert bad["row_number"] == 2
    assert bad["reasons"] == ["anteil: a mark that klassen has no row to decide"]


def test_the_class_table_of_another_stichtag_decides_nothing(county):
    county.deliver_and_land("klassen", "klassen_2014.csv", KLASSEN)
    outcome = county.deliver_and_land("anteile", "anteile_2015.csv", ANTEILE)
    assert outcome.result == "rejected"
    assert "accepted rows of feed klassen" in outcome.reason


def test_a_mark_gives_its_state_and_only_a_zero_gives_a_value(county):
    states = {
        "zero": 0.0,
        "rounded_zero": 0.0,
        "suppressed": None,
        "suppressed_or_unknown": None,
        "pending": None,
        "unreliable": None,
        "not_applicable": None,
    }
    feed = county.feeds["bestand"]
    feed["key"], feed["columns"][5]["sensitivity"] = ["telefon"], "intern"
    feed["columns"][4]["marks"] = [{"mark": f"mark {s}", "state": s} for s in states]
    rows = [f"201512;0101;A;1;mark {state};{state}" for state in states]
    rows += ["201512;0101;A;1;7;a value", "201512;0101;A;1;;nothing"]
    outcome = county.deliver_and_land("bestand", GOOD, county.bestand(*rows))
    assert outcome.result == "accepted"
    assert cells("bestand", county, "anteil", "anteil__zustand") == [
        *((value, state) for state, value in states.items()),
        (7.0, None),
        (None, None),
    ]


def landed_cells(county, column: dict, *texts: str, layout: dict | None = None) -> list[tuple]:
    """Land one cell a row in a column like `anteil`; return (value, state) by row number."""
    feed = county.feeds["bestand"]
    feed["key"], feed["columns"][5]["sensitivity"] = ["telefon"], "intern"
    feed["rows"]["quarantine_tolerance"] = 1.0
    feed["columns"][4] |= column
    feed["layouts"][0] |= layout or {}
    rows = [f"201512;0101;A;1;{text};{n}" for n, text in enumerate(texts)]
    outcome = county.deliver_and_land("bestand", GOOD, county.bestand(*rows))
    assert outcome.result == "accepted"
    good = {row["row_number"]: row for row in county.accepted("bestand")}
    return [
        (good[n]["anteil"], good[n].get("anteil__zustand")) if n in good else "quarantined"
        for n in range(1, len(texts) + 1)
    ]


def test_a_value_of_limited_meaning_is_kept_and_flagged(county):
    mark = {"mark": r"\((\d+)\)", "state": "flagged", "regex": True}
    cells = ["12", "(12)", "()", "(1x)", "(300)"]
    assert landed_cells(county, {"marks": [mark]}, *cells) == [
        (12.0, None),
        (12.0, "flagged"),
        "quarantined",
        "quarantined",
        "quarantined",  # above 100
    ]


def test_a_mark_with_blanks_around_it_is_the_mark(county):
    marks = [{"mark": "*", "state": "suppressed"}, {"mark": "-", "state": "zero"}]
    cells = ["* ", "\u00a0*", "-\t", "**"]
    assert landed_cells(county, {"marks": marks}, *cells) == [
        (None, "suppressed"),
        (None, "suppressed"),
        (0.0, "zero"),
        "quarantined",
    ]


def test_thousands_are_separated_as_agreed(county):
    layout = {"thousands": ".", "decimal": ","}
    cells = ["12", "1.234,5", "1234,5", "1.23", "12.34,5", "1.234.567"]
    limits = {"minimum": 0, "maximum": 1e9}
    assert landed_cells(county, limits, *cells, layout=layout) == [
        (12.0, None),
        (1234.5, None),
        (1234.5, None),
        "quarantined",
        "quarantined",
        (1234567.0, None),
    ]


def test_the_zone_before_an_easting_is_taken_off_where_it_stands(county):
    limits = {"minimum": 0, "maximum": 1e6}
    layout = {"offsets": {"anteil": 32_000_000}}
    assert landed_cells(county, limits, "32300123.5", "300123.5", layout=layout) == [
        (300123.5, None),
        (300123.5, None),
    ]
    told = county.land("bestand")  # unchanged; the repair stands in the outcome before
    assert [outcome.result for outcome in told] == ["unchanged"]


def test_an_offset_is_a_repair_only_if_some_rows_lack_it(county):
    feed = county.feeds["bestand"]
    feed["columns"][4] |= {"minimum": 0, "maximum": 1e6}
    feed["layouts"][0]["offsets"] = {"anteil": 32_000_000}
    rows = [f"201512;{area};A;1;32300123;" for area in AREAS]
    assert county.deliver_and_land("bestand", GOOD, county.bestand(*rows)).repairs is None
    rows[0] = rows[0].replace(";32300123", ";300123")
    outcome = county.deliver_and_land("bestand", GOOD, county.bestand(*rows))
    assert outcome.repairs == "offset of anteil: 3 row(s)"


def test_a_column_that_a_form_lacks_is_empty_there_and_required_elsewhere(county):
    feed = county.feeds["bestand"]
    feed["columns"][4]["required"] = True
    header = "ZEIT;RAUM_ID;ART;ANZAHL;TELEFON"
    short = {**feed["layouts"][0], "id": "short", "lacks": ["anteil"]}
    feed["layouts"] = [feed["layouts"][0], short]
    rows = [f"201512;{area};A;1;" for area in AREAS]
    outcome = county.deliver_and_land("bestand", GOOD, county.bestand(*rows, header=header))
    assert (outcome.result, outcome.layout, outcome.rows_accepted) == ("accepted", "short", 4)
    full = county.bestand(*[f"201512;{area};A;1;;" for area in AREAS])
    assert "anteil: missing" in county.deliver_and_land("bestand", GOOD, full).reason


def test_a_text_fits_its_pattern_as_a_whole(county):
    feed = county.feeds["bestand"]
    feed["rows"]["quarantine_tolerance"] = 1.0
    feed["columns"][5] |= {"sensitivity": "intern", "pattern": "[0-9]{1,3}[a-z]?"}
    numbers = ["12a", "12-14", "2012-01-03", ""]
    rows = [f"201512;{area};A;1;1;{n}" for area, n in zip(AREAS, numbers, strict=True)]
    county.deliver_and_land("bestand", GOOD, county.bestand(*rows))
    assert [row["telefon"] for row in county.accepted("bestand")] == ["12a", None]
    reason = "telefon: does not fit the agreed pattern"
    assert [row["reasons"] for row in county.quarantined("bestand")] == [[reason]] * 2


def test_a_long_code_list_is_looked_up_like_a_short_one(county):
    feed = county.feeds["bestand"]
    feed["rows"]["quarantine_tolerance"] = 0.5
    feed["columns"][2]["codes"] = {f"{n:03d}": f"staat {n}" for n in range(200)}
    delivered = dict(zip(AREAS, ("000", "199", "200", "7"), strict=True))
    rows = [f"201512;{area};{code};1;1;" for area, code in delivered.items()]
    county.deliver_and_land("bestand", GOOD, county.bestand(*rows))
    assert cells("bestand", county, "raum_id", "art") == [
        ("0101", "staat 0"),
        ("0102", "staat 199"),
    ]
    reasons = [row["reasons"] for row in county.quarantined("bestand")]
    assert reasons == [["art: not in the code list"]] * 2


# --- what is known of a delivery and stands in none of its cells ----------------------------


def test_a_declared_note_decides_whatever_the_cells_print(county):
    feed = county.feeds["bestand"]
    feed["columns"][4]["marks"] = [{"mark": "-", "state": "zero"}]
    feed["notes"] = [
        {
            "id": "ausfall_0102",
            "stichtage": ["2015-12-31"],
            "where": {"raum_id": "0102"},
            "columns": ["anteil", "anzahl"],
            "state": "unreliable",
            "reason": "did not report",
            "source": "footer",
        }
    ]
    rows = ["201512;0101;A;1;-;", "201512;0102;A;7;-;"]
    outcome = county.deliver_and_land("bestand", GOOD, county.bestand(*rows))
    assert cells("bestand", county, "anzahl", "anzahl__zustand", "anteil", "anteil__zustand") == [
        (1, None, 0.0, "zero"),
        (None, "unreliable", None, "unreliable"),
    ]
    assert outcome.hinweise == "ausfall_0102"
    other = county.bestand(*(row.replace("201512", "201412") for row in rows))
    outcome = county.deliver_and_land("bestand", "bestand_201412.csv", other)
    assert outcome.hinweise is None
    states = {row["anteil__zustand"] for row in county.accepted("bestand")
              if row["stichtag"].year == 2014}  # fmt: skip
    assert states == {"zero"}


def test_a_zero_after_a_large_value_is_missing(county):
    """An office that did not report is printed as `-` too: as if there were none."""
    feed = county.feeds["bestand"]
    feed["columns"][3] |= {"minimum_before": 50, "marks": [{"mark": "-", "state": "zero"}]}
    before = ["201412;0101;A;50;;", "201412;0102;A;49;;", "201412;0201;A;-;;", "201412;0202;A;60;;"]
    after = [f"201512;{area};A;-;;" for area in AREAS[:3]] + ["201512;0202;A;0;;"]
    county.deliver_and_land("bestand", "bestand_201412.csv", county.bestand(*before))
    outcome = county.deliver_and_land("bestand", GOOD, county.bestand(*after))
    landed = cells("bestand", county, "stichtag", "raum_id", "anzahl", "anzahl__zustand")
    assert [row[1:] for row in landed if row[0].year == 2015] == [
        ("0101", None, "pending"),
        ("0102", 0, "zero"),
        ("0201", 0, "zero"),
        ("0202", 0, None),
    ]
    assert outcome.repairs == "zero_after_value: anzahl: 1 row(s)"


def test_a_zero_is_judged_anew_when_the_value_before_is_corrected(county):
    feed = county.feeds["bestand"]
    feed["columns"][3] |= {"minimum_before": 50, "marks": [{"mark": "-", "state": "zero"}]}
    for period, count in (("201412", "49"), ("201512", "-")):
        rows = [f"{period};{area};A;{count};;" for area in AREAS]
        county.deliver_and_land("bestand", f"bestand_{period}.csv", county.bestand(*rows))
    rows = [f"201412;{area};A;99;;" for area in AREAS]
    county.deliver_and_land("bestand", "bestand_201412.csv", county.bestand(*rows))
    states = {row["anzahl__zustand"] for row in county.accepted("bestand")
              if row["stichtag"].year == 2015}  # fmt: skip
    assert states == {"pending"}
    assert {outcome.result for outcome in county.land("bestand")} == {"unchanged"}


# --- place ----------------------------------------------------------------------------------


def test_coordinates_outside_the_county_are_no_place(county):
    county.declared["grenzen"] = [300_000, 5_600_000, 304_000, 5_601_000]
    feed = county.feeds["orte"]
    feed["spatial"]["grenzen"] = True
    feed["rows"]["quarantine_tolerance"] = 1.0
    rows = ["1;300500;5600500", "2;5600500;300500", "3;32300500;5600500", "4;304000;5601000"]
    content = "\n".join(["ORT_ID;OST;NORD", *rows]) + "\n"
    outcome = county.deliver_and_land("orte", "orte_2015.csv", content)
    assert [row["ort_id"] for row in county.accepted("orte")] == ["1", "4"]
    assert "ost, nord: coordinates outside the county's bounds (2 row(s)" in outcome.reason


def test_keys_are_those_of_the_boundaries_at_the_stichtag(bare_county):
    """Until 2014 there is 0101, from 2015 on 0102; each delivery of areas has its day."""
    county = bare_county
    county.declared["gebietsstaende"] = [
        {"gebietsstand": "alt", "gueltig_ab": None, "gueltig_bis": "2014-12-31"},
        {"gebietsstand": "neu", "gueltig_ab": "2015-01-01", "gueltig_bis": None},
    ]
    areas_feed = county.feeds["raeume"]
    del areas_feed["spatial"]["gebietsstand"]
    areas_feed["name_pattern"] = r"raeume_(?P<jahr>\d{4})(?P<monat>\d\d)(?P<tag>\d\d)\.geojson"
    areas_feed["stichtag"] = {"rule": "tag"}
    for feed in ("klassen", "anteile", "bestand"):
        del county.feeds[feed]["spatial"]["gebietsstand"]
    for day, key in (("20100101", "0101"), ("20150101", "0102")):
        county.deliver(
            "raeume", f"raeume_{day}.geojson", county.geojson({key: county.square(0, 1)})
        )
    assert [outcome.result for outcome in county.land("raeume")] == ["accepted"] * 2
    results = {
        (year, key): county.deliver_and_land(
            "klassen", f"klassen_{year}.csv", f"RAUM_ID;KLASSE\n{key};1\n"
        ).result
        for year, key in ((2014, "0101"), (2015, "0102"), (2016, "0101"), (2013, "0102"))
    }
    assert results == {
        (2014, "0101"): "accepted",
        (2015, "0102"): "accepted",
        (2016, "0101"): "rejected",
        (2013, "0102"): "rejected",
    }


# --- areas ----------------------------------------------------------------------------------


def areas(county) -> dict:
    return {key: county.square(n, n + 1) for n, key in enumerate(AREAS)}


def land_areas(county, content: str | bytes):
    return county.deliver_and_land("raeume", "raeume.geojson", content)


def doubled(county) -> str:
    """Return the areas, of which the second bears the key of the first."""
    content = json.loads(county.geojson(areas(county)))
    content["features"][1]["properties"]["id"] = "0101"
    return json.dumps(content)


def test_a_doubled_area_is_repaired_as_declared_and_the_repair_recorded(bare_county):
    inside = [301_000, 5_600_000, 302_000, 5_601_000]
    repair = {"id": "doppelt", "feed": "raeume", "reason": "stands twice", "inside": inside}
    bare_county.declared["repairs"] = [
        {**repair, "where": {"raum_id": "0101"}, "set": {"raum_id": "0102"}}
    ]
    outcome = land_areas(bare_county, doubled(bare_county))
    assert (outcome.result, outcome.repairs) == ("accepted", "doppelt: 1 row(s)")
    rows = bare_county.accepted("raeume")
    assert [(row["raum_id"], row["flaeche_km2"]) for row in rows] == [
        ("0101", 1.0),
        ("0102", 1.0),
        ("0201", 1.0),
        ("0202", 1.0),
    ]


def test_a_doubled_area_without_repair_is_sent_back(bare_county):
    outcome = land_areas(bare_county, doubled(bare_county))
    assert (outcome.result, outcome.rows_quarantined) == ("rejected", 2)
    assert "key (raum_id): stands twice" in outcome.reason


@pytest.mark.parametrize(
    "shape",
    [None, {"type": "Polygon", "coordinates": []}, {"type": "Point", "coordinates": [3e5, 5.6e6]}],
    ids=["none", "empty", "point"],
)
def test_an_area_without_a_shape_is_refused(bare_county, shape):
    outcome = land_areas(bare_county, bare_county.geojson({**areas(bare_county), "0201": shape}))
    assert (outcome.result, outcome.rows_quarantined) == ("rejected", 1)
    assert "geometrie: " in outcome.reason
    assert "first in row 3" in outcome.reason


@pytest.mark.parametrize("kept", [0.3, 0.9, 0.999])
def test_a_truncated_geojson_is_refused(bare_county, kept):
    content = bare_county.geojson(areas(bare_county))
    outcome = land_areas(bare_county, content[: int(len(content) * kept)])
    assert outcome.result == "rejected"
    for part in ("feed raeume", "raeume.geojson", "truncated", "ask amt"):
        assert part in outcome.reason


def test_another_reference_system_is_refused(bare_county):
    outcome = land_areas(bare_county, bare_county.geojson(areas(bare_county), srs=25833))
    assert outcome.result == "rejected"
    for part in ("raeume.geojson", "EPSG:25832", "EPSG:25833", "To do"):
        assert part in outcome.reason


def test_coordinates_that_the_agreed_system_does_not_have_are_refused(bare_county):
    """Metres in a file that does not name its system pass for degrees: GeoJSON's default."""
    bare_county.feeds["raeume"]["layouts"][0]["srs"] = 4326
    outcome = land_areas(bare_county, bare_county.geojson(areas(bare_county), srs=None))
    assert outcome.result == "rejected"
    for part in ("raeume.geojson", "EPSG:4326", "To do"):
        assert part in outcome.reason


@pytest.mark.parametrize(
    "content",
    ['{"a": 1}', "id;name\n1;x\n", '{"type":"FeatureCollection","features":[]}'],
    ids=["json", "text", "no features"],
)
def test_what_are_no_areas_is_refused(bare_county, content):
    outcome = land_areas(bare_county, content)
    assert outcome.result == "rejected"
    assert "raeume.geojson" in outcome.reason


def test_a_property_that_is_missing_is_named(bare_county):
    content = bare_county.geojson(areas(bare_county)).replace('"name": "Raum', '"titel": "Raum')
    outcome = land_areas(bare_county, content)
    assert outcome.result == "rejected"
    assert "no property ['name']" in outcome.reason


def test_keys_written_as_numbers_stay_keys(bare_county):
    content = re.sub(r'"id": "0(\d+)"', r'"id": 9\1', bare_county.geojson(areas(bare_county)))
    assert land_areas(bare_county, content).result == "accepted"
    assert [row["raum_id"] for row in bare_county.accepted("raeume")] == [
        "9101",
        "9102",
        "9201",
        "9202",
    ]


# --- nothing is dropped, nothing is changed: any table --------------------------------------

NUMBERS = st.one_of(
    st.integers(-3, 200).map(str), st.sampled_from(["", "x", "1.5", "1,5", "NaN", "7.0", "1e2"])
)
ROWS = st.lists(
    st.one_of(
        st.tuples(
            st.sampled_from(["201512"] * 8 + ["201511", ""]),
            st.sampled_from(["0101", "0102", "0201", "0202", "0201", "0109", ""]),
            st.sampled_from(["A", "N", "A", "N", "X", ""]),
            NUMBERS,
            NUMBERS,
            st.text("äß $%'\\0123abc", max_size=5),
        ),
        st.lists(st.sampled_from(["0101", "1", "A", ""]), min_size=1, max_size=9).map(tuple),
    ),
    min_size=1,
    max_size=12,
)


def number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"-?\d+(\.\d+)?(e\d+)?", text) else None


def is_good(row: tuple, keys: Counter, *, is_first: bool) -> bool:
    """The agreement in plain words, beside the code that implements it.

    `keys` counts how many different rows have a key; of rows that agree the first stays.
    """
    if len(row) != 6 or row[0] != "201512" or row[1] not in AREAS:
        return False
    count, share = number(row[3]), number(row[4])
    return (
        keys[row[1]] == 1
        and is_first
        and row[2] in "AN"
        and row[2] != ""
        and count is not None
        and count >= 0
        and count == math.floor(count)
        and (row[4].strip() == "" or (share is not None and 0 <= share <= 100))
    )


@settings(
    max_examples=25,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(rows=ROWS)
def test_every_row_lands_exactly_once_and_unchanged(county, tmp_path, rows):
    region = county.region
    feed = region.feed("bestand")
    path = tmp_path / "table.csv"
    path.write_text(county.bestand(*(";".join(row) for row in rows)))
    table, stichtag = delivery.read_table(feed, path, GOOD, region)
    split = delivery.split(
        feed,
        table,
        file_name=GOOD,
        terms=Terms("d", "kreis", stichtag),
        region=region,
        references=read_references(feed, region, county.folders, stichtag),
        target=tmp_path / "split",
    )
    accepted = {row["row_number"]: row for row in pq.read_table(split.accepted).to_pylist()}
    bad = pq.read_table(split.quarantined).to_pylist() if split.quarantined else []

    assert split.rows_read == len(rows) == split.rows_accepted + split.rows_quarantined
    assert (len(accepted), len(bad)) == (split.rows_accepted, split.rows_quarantined)
    assert sorted([*accepted, *(row["row_number"] for row in bad)]) == [*range(1, len(rows) + 1)]
    assert all(row["reasons"] for row in bad)

    cells_of = [tuple(cell.strip() for cell in row[:5]) if len(row) == 6 else None for row in rows]
    keys = Counter(cells[1] for cells in set(cells_of) - {None})
    assert set(accepted) == {
        n
        for n, (row, cells) in enumerate(zip(rows, cells_of, strict=True), 1)
        if is_good(row, keys, is_first=cells_of.index(cells) == n - 1)
    }
    for n, landed in accepted.items():
        zeit, raum_id, art, anzahl, anteil, _ = rows[n - 1]
        assert (landed["zeit"], landed["raum_id"]) == (zeit, raum_id)
        assert landed["art"] == {"A": "alt", "N": "neu"}[art]
        assert landed["anzahl"] == number(anzahl)
        assert landed["anteil"] == number(anteil)


# --- Berlin ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def berlin(berlin_files, berlin_region, tmp_path_factory) -> Folders:
    """Everything Berlin's partners delivered, landed once."""
    root = tmp_path_factory.mktemp("berlin")
    folders = Folders(root / "landing")
    order = [
        *(f for f in berlin_region.feeds if f.spatial.kind == "flaeche"),
        *(f for f in berlin_region.feeds if f.spatial.kind != "flaeche" and not f.condition_feeds),
        *(f for f in berlin_region.feeds if f.condition_feeds),
    ]
    for feed in order:
        land_feed(
            feed,
            berlin_region,
            folders,
            inbox=root / "inbox",
            data=berlin_files,
            gate=lambda candidates: {},
        )
    return folders


def landed(folders: Folders, feed: str) -> list[dict]:
    files = folders.accepted(feed).glob("*.parquet")
    rows = [row for file in files for row in pq.read_table(file).to_pylist()]
    return sorted(rows, key=lambda row: (row["stichtag"], row["row_number"]))


def delivered(path: Path, delimiter: str) -> list[dict]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter=delimiter))


def whole(text: str) -> int:
    value = float(text.replace(",", "."))
    assert value == int(value)
    return int(value)


def test_berlins_register_lands_with_the_known_totals(berlin):
    totals = defaultdict(int)
    for row in landed(berlin, "einwohnerregister"):
        totals[row["stichtag"].year] += row["anzahl"]
    assert totals == TOTALS


def test_berlins_register_lands_cell_by_cell_as_delivered(berlin, berlin_files, berlin_region):
    """The columns stand in the same order in every form of the file."""
    columns = berlin_region.feed("einwohnerregister").columns
    by_year = defaultdict(list)
    for row in landed(berlin, "einwohnerregister"):
        by_year[row["stichtag"].year].append(row)
    widths = {"raum_id": 8, "bezirk": 2, "prognoseraum": 2, "bezirksregion": 2, "planungsraum": 2}
    for year, rows in by_year.items():
        expected = delivered(berlin_files / "register" / f"EWR{year}12E_Matrix.csv", ";")
        assert len(rows) == len(expected) == 447
        for row, cells_of in zip(rows, expected, strict=True):
            for column, text in zip(columns, cells_of.values(), strict=True):
                if column.type == "integer":
                    assert row[column.name] == whole(text)
                else:
                    assert row[column.name] == text.zfill(widths.get(column.name, 0))


def test_berlins_four_register_forms_land_in_one_schema(berlin):
    files = list(berlin.accepted("einwohnerregister").glob("[!_]*.parquet"))
    assert len(files) == len(TOTALS)
    empty = pq.read_schema(berlin.accepted("einwohnerregister") / "_empty.parquet")
    assert all(pq.read_schema(file).equals(empty) for file in files)


def test_berlins_lost_zeros_of_2014_are_filled_and_recorded(berlin, berlin_files):
    from sources.ledger import read

    short = delivered(berlin_files / "register" / "EWR201412E_Matrix.csv", ";")
    lost = sum(len(row["RAUMID"]) < 8 for row in short)
    (outcome,) = (o for o in read(berlin.ledger, "einwohnerregister") if o.stichtag.year == 2014)
    assert f"leading zeros of raum_id: {lost} row(s)" in outcome.repairs
    keys = {r["raum_id"] for r in landed(berlin, "einwohnerregister") if r["stichtag"].year == 2014}
    full = delivered(berlin_files / "register" / "EWR201612E_Matrix.csv", ";")
    assert len(keys) == 447
    assert keys == {row["RAUMID"] for row in full}


@pytest.fixture
def berlin_inbox(berlin, berlin_files, berlin_region, tmp_path):
    """Return a function that lands a register of another year, made from a real one."""
    folders = Folders(tmp_path / "landing")
    areas = berlin.accepted("lor_planungsraeume")
    folders.accepted("lor_planungsraeume").parent.mkdir(parents=True)
    folders.accepted("lor_planungsraeume").symlink_to(areas)

    def land(source: int, year: int):
        content = (berlin_files / "register" / f"EWR{source}12E_Matrix.csv").read_bytes()
        path = tmp_path / "inbox" / "register" / f"EWR{year}12E_Matrix.csv"
        path.parent.mkdir(parents=True)
        path.write_bytes(content.replace(f"{source}12".encode(), f"{year}12".encode()))
        feed = berlin_region.feed("einwohnerregister")
        outcomes = land_feed(
            feed,
            berlin_region,
            folders,
            inbox=tmp_path / "inbox",
            data=None,
            gate=lambda candidates: {},
        )
        return next(o for o in outcomes if o.file), folders

    return land


@pytest.mark.parametrize(
    ("source", "year", "layout"),
    [
        (2011, 2013, "schlicht_bis_2013"),
        (2012, 2013, "quotiert_bis_2013"),
        (2014, 2018, "schlicht_ab_2014"),
        (2015, 2018, "quotiert_ab_2014"),
    ],
)
def test_another_year_in_a_known_form_needs_no_change(berlin_inbox, source, year, layout):
    outcome, folders = berlin_inbox(source, year)
    assert (outcome.result, outcome.layout, outcome.stichtag.year) == ("accepted", layout, year)
    rows = landed(folders, "einwohnerregister")
    assert len(rows) == 447
    assert {row["zeit"] for row in rows} == {f"{year}12"}
    assert sum(row["anzahl"] for row in rows) == TOTALS[source]


@pytest.mark.parametrize(("source", "year"), [(2001, 1999), (2017, 2021)])
def test_a_year_outside_the_agreed_period_is_refused_with_a_remedy(berlin_inbox, source, year):
    outcome, folders = berlin_inbox(source, year)
    assert outcome.result == "rejected"
    for part in (
        "feed einwohnerregister",
        f"EWR{year}12E_Matrix.csv",
        "from 2001-01-01 to 2020-12-31",
        f"{year}-12-31",
        "add a layout to the contract",
    ):
        assert part in outcome.reason
    assert landed(folders, "einwohnerregister") == []


def test_berlins_new_band_names_do_not_pass_in_an_old_year(berlin_inbox):
    outcome, _ = berlin_inbox(2017, 2013)
    assert outcome.result == "rejected"
    for part in ("E_U1", "E_EU1", "bis_2013", "add a layout"):
        assert part in outcome.reason


def test_berlins_doubled_area_is_repaired(berlin, berlin_files):
    from sources.ledger import read

    rows = landed(berlin, "lor_planungsraeume")
    ids = Counter(row["raum_id"] for row in rows)
    assert len(rows) == len(ids) == 448
    path = berlin_files / "lor" / "berlin-lor-planning-areas-until-2020.geojson"
    features = json.loads(path.read_text())["features"]
    east, west = (
        f["properties"] for f in features if f["properties"]["id"] == "06010102"
    )  # fmt: skip
    if east["bounding_box"][0] < west["bounding_box"][0]:
        east, west = west, east
    sizes = {row["raum_id"]: row["flaeche_km2"] for row in rows}
    low, high = sorted((sizes["04030417"], sizes["06010102"]))
    known = sorted((east["area"] / 1e6, west["area"] / 1e6))
    assert (low, high) == pytest.approx(known, rel=0.01)
    (outcome,) = read(berlin.ledger, "lor_planungsraeume")
    assert outcome.repairs == "lor_doppelt_06010102: 1 row(s)"


@pytest.mark.parametrize("mss", [2015, 2017])
def test_berlins_excluded_areas_are_suppressed_and_true_zeros_stay(berlin, berlin_files, mss):
    classes = delivered(berlin_files / "mss" / MSS.format(mss, "1-planning-areas"), ",")
    excluded = {row["id"] for row in classes if row["status_index"] == "0"}
    assert len(excluded) == {2015: 12, 2017: 11}[mss]
    shares = delivered(berlin_files / "mss" / MSS.format(mss, "2-1-planning-areas"), ",")
    rows = {
        row["raum_id"]: row
        for row in landed(berlin, "mss_anteile")
        if row["stichtag"].year == mss - 1
    }
    assert len(rows) == len(shares) == 447
    columns = [name for name in next(iter(rows.values())) if name.startswith(("anteil", "veraend"))]
    values = [name for name in columns if not name.endswith("__zustand")]
    for share in shares:
        row = rows[share["id"]]
        for name, text in zip(values, list(share.values())[2:], strict=True):
            hidden = share["id"] in excluded
            assert row[name] == (None if hidden else float(text))
            assert row[f"{name}__zustand"] == ("suppressed" if hidden else None)
    zeros = sum(row["anteil_transferbezug_u15"] == 0 for row in rows.values())
    assert zeros == {2015: 8, 2017: 1}[mss]


def test_berlins_one_wholly_excluded_bezirksregion_is_suppressed(berlin):
    rows = landed(berlin, "mss_bezirksregionen")
    assert len(rows) == 138
    hidden = [row["raum_id"] for row in rows if row["anteil_arbeitslose__zustand"]]
    assert hidden == ["040617"]


def test_berlins_id_of_zeros_goes_to_quarantine(berlin):
    (path,) = berlin.quarantine("mss_zwerte").iterdir()
    (bad,) = pq.read_table(path).to_pylist()
    assert (bad["row_number"], bad["raum_id"]) == (1, "00000000")
    assert "raum_id: no such area at level sozialraum" in bad["reasons"]


def test_berlins_telephone_numbers_and_names_land_nowhere(berlin, berlin_files):
    (path,) = (berlin_files / "kita").glob("*.csv")
    rows = delivered(path, ",")
    hidden = {row[name] for row in rows for name in ("phone_number", "street", "name")} - {""}
    hidden -= {row["id"] for row in rows}
    found = set()
    for file in berlin.root.rglob("*.parquet"):
        for column in pq.read_table(file).columns:
            found |= hidden & {str(value) for value in column.to_pylist()}
    lor_names = {row["raum_name"] for feed in ("lor_planungsraeume", "lor_bezirksregionen")
                 for row in landed(berlin, feed)}  # fmt: skip
    assert found - lor_names == set()
    assert len(landed(berlin, "kita_verzeichnis")) == len(rows) == 2852
