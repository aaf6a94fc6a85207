"""GENESIS flat files in both forms of their header: small ones by hand, and real ones."""

import pytest
from formats_kit import REAL, feed, found, needs, read_file, read_text, rows

from sources.errors import DeliveryError

VARIABLES = {"KREISE": "gebiet_id", "GEMEIN": "gebiet_id", "GES": "geschlecht"}
FLAT = {"format": "ffcsv", "variables": VARIABLES, "value": "anzahl"}
COUNTS = feed(["gebiet_id", "geschlecht", "anzahl"], FLAT)

NEW = (
    "statistics_code;statistics_label;time_code;time_label;time;"
    "1_variable_code;1_variable_label;1_variable_attribute_code;1_variable_attribute_label;"
    "2_variable_code;2_variable_label;2_variable_attribute_code;2_variable_attribute_label;"
    "value;value_unit;value_variable_code;value_variable_label;value_q"
)


def line(area: str, sex: str, value: str, **more: str) -> str:
    cell = {"time": "2015-12-31", "unit": "Anzahl", "q": "e", "variable": "KREISE", **more}
    return (
        f"12411;Fortschreibung;STAG;Stichtag;{cell['time']};{cell['variable']};Gebiet;{area};Name;"
        f"GES;Geschlecht;{sex};Wort;{value};{cell['unit']};BEVSTD;Stand;{cell['q']}"
    )


def new(*lines: str) -> str:
    return "\n".join(["\ufeff" + NEW, *lines]) + "\n"


def test_variables_are_found_by_their_codes(tmp_path):
    """The area is once the first variable and once the second, of two kinds."""
    swapped = (
        "12411;F;STAG;Stichtag;2015-12-31;GES;Geschlecht;GESM;Wort;GEMEIN;Gebiet;01002;Name;"
        "8;Anzahl;BEVSTD;Stand;e"
    )
    raw = read_text(COUNTS, tmp_path, new(line("01001", "GESW", "7"), swapped))
    assert rows(raw, "row_number", "gebiet_id", "geschlecht", "anzahl") == [
        (1, "01001", "GESW", "7"),
        (2, "01002", "GESM", "8"),
    ]
    assert raw.facts == {"jahr": "2015", "monat": "12", "tag": "31"}


def test_an_empty_code_is_the_total(tmp_path):
    raw = read_text(COUNTS, tmp_path, new(line("01001", "", "7")))
    assert rows(raw, "geschlecht") == [("INSGESAMT",)]
    named = feed(["gebiet_id", "geschlecht", "anzahl"], {**FLAT, "total": "alle"})
    assert rows(read_text(named, tmp_path, new(line("1", "", "7"))), "geschlecht") == [("alle",)]


def test_units_of_one_thousand_and_weak_values(tmp_path):
    raw = read_text(
        COUNTS,
        tmp_path,
        new(
            line("1", "", "166", unit="1000"),
            line("2", "", "16,5", unit="1000"),
            line("3", "", "-", unit="1000", q=""),
            line("4", "", "12", q="()"),
            line("5", "", "1,2", unit="1000", q="()"),
            line("6", "", "(3)", q="()"),
        ),
    )
    assert [value for (value,) in rows(raw, "anzahl")] == [
        "166000",
        "16500",
        "-",
        "(12)",
        "(1200)",
        "(3)",
    ]


@pytest.mark.parametrize(
    ("time", "facts"),
    [
        ("2024-12-31", {"jahr": "2024", "monat": "12", "tag": "31"}),
        ("31.12.2024", {"jahr": "2024", "monat": "12", "tag": "31"}),
        ("2023", {"jahr": "2023"}),
        ("2023-10P6M", {"jahr": "2023", "monat": "10"}),
    ],
)
def test_the_one_point_in_time_is_a_fact(tmp_path, time, facts):
    assert read_text(COUNTS, tmp_path, new(line("1", "", "7", time=time))).facts == facts


def test_several_points_in_time_are_kept_in_a_column(tmp_path):
    contract = feed(
        ["gebiet_id", "geschlecht", "zeit", "mass", "anzahl"],
        {**FLAT, "time": "zeit", "measure": "mass"},
    )
    text = new(line("1", "", "7", time="2014"), line("1", "", "8", time="2015"))
    raw = read_text(contract, tmp_path, text)
    assert rows(raw, "zeit", "mass", "anzahl") == [("2014", "BEVSTD", "7"), ("2015", "BEVSTD", "8")]
    assert raw.facts == {}


OLD = (
    "Statistik_Code;Statistik_Label;Zeit_Code;Zeit_Label;Zeit;"
    "1_Merkmal_Code;1_Merkmal_Label;1_Auspraegung_Code;1_Auspraegung_Label;"
    "2_Merkmal_Code;2_Merkmal_Label;2_Auspraegung_Code;2_Auspraegung_Label;"
    "BEVSTD__Bevölkerungsstand__Anzahl;BEV002__Lebendgeborene__1000\n"
    "12411;Fortschreibung;STAG;Stichtag;31.12.2015;KREISE;Kreise;01001;Süd;GES;Geschlecht;GESM;m;"
    "7;1,5\n"
    "12411;Fortschreibung;STAG;Stichtag;31.12.2015;KREISE;Kreise;01001;Süd;GES;Geschlecht;;;-;.\n"
)


def test_the_old_header_with_a_column_for_each_measure(tmp_path):
    columns = ["gebiet_id", "geschlecht", "mass", "anzahl"]
    old = {**FLAT, "encoding": "iso-8859-1", "measure": "mass"}
    contract = feed(columns, {**FLAT, "measure": "mass"}, old)
    raw = read_text(contract, tmp_path, OLD, "iso-8859-1")
    assert rows(raw, "row_number", "gebiet_id", "geschlecht", "mass", "anzahl") == [
        (1, "01001", "GESM", "BEVSTD", "7"),
        (2, "01001", "GESM", "BEV002", "1500"),
        (3, "01001", "INSGESAMT", "BEVSTD", "-"),
        (4, "01001", "INSGESAMT", "BEV002", "."),
    ]
    assert raw.facts == {"jahr": "2015", "monat": "12", "tag": "31"}
    assert raw.layout.id == "form_1"
    assert read_text(contract, tmp_path, new(line("1", "", "7"))).layout.id == "form_0"


def test_a_variable_that_is_not_there_is_named(tmp_path):
    contract = feed(
        ["gebiet_id", "geschlecht", "alter", "anzahl"],
        {**FLAT, "variables": {**VARIABLES, "ALTX": "alter"}},
    )
    with pytest.raises(DeliveryError, match=r"none of the variables \['ALTX'\]"):
        read_text(contract, tmp_path, new(line("1", "", "7")))


def test_a_line_with_another_number_of_fields_is_malformed(tmp_path):
    raw = read_text(COUNTS, tmp_path, new(line("1", "", "7;8"), line("2", "", "9")))
    assert raw.malformed == (1,)
    assert rows(raw, "row_number", "anzahl") == [(2, "9")]


def test_no_flat_file_is_refused(tmp_path):
    with pytest.raises(DeliveryError, match="another first line"):
        read_text(COUNTS, tmp_path, "gebiet;anzahl\n1;2\n")


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        (NEW.replace("value_unit", "einheit"), "value_unit"),
        (NEW.replace("2_variable_attribute_code", "wort"), "2_variable_attribute_code"),
        (OLD.replace("__", "_"), "of values"),
    ],
    ids=["unit", "code of a value", "no values"],
)
def test_a_column_without_which_nothing_can_be_read_is_named(tmp_path, text, missing):
    with pytest.raises(DeliveryError, match=rf"no column \['{missing}'\]"):
        read_text(COUNTS, tmp_path, text)


# --- the offices' own files -----------------------------------------------------------------


@needs("genesis/12411-01-01-4_ffcsv.csv")
def test_the_population_of_all_districts():
    raw = read_file(COUNTS, REAL / "genesis/12411-01-01-4_ffcsv.csv")
    sexes = {"INSGESAMT": "582410", "GESM": "294641", "GESW": "287769"}
    for sex, count in sexes.items():
        assert found(raw, "anzahl", gebiet_id="05334", geschlecht=sex) == [count]
    assert found(raw, "anzahl", gebiet_id="05378", geschlecht="INSGESAMT") == ["284273"]
    assert len(raw.rows) == 1467
    assert raw.facts == {"jahr": "2024", "monat": "12", "tag": "31"}


@needs("genesis/12211-Z-11_excerpt.csv")
def test_households_in_thousands():
    contract = feed(
        ["gebiet_id", "form", "anzahl"],
        {**FLAT, "variables": {"KREISE": "gebiet_id", "LBFORM01": "form"}},
    )
    raw = read_file(contract, REAL / "genesis/12211-Z-11_excerpt.csv")
    assert found(raw, "anzahl", gebiet_id="05554", form="LB-INS") == ["166000"]
    assert found(raw, "anzahl", gebiet_id="09564", form="LB-INS") == ["-"]
    assert raw.facts == {"jahr": "2019"}


@needs("genesis/1000A-2022_excerpt.csv")
def test_a_census_whose_third_variable_changes_from_line_to_line():
    contract = feed(
        ["alter", "einwanderung", "anzahl"],
        {**FLAT, "variables": {"ALTGR2": "alter", "WDGAT2": "einwanderung"}, "total": "alle"},
    )
    raw = read_file(contract, REAL / "genesis/1000A-2022_excerpt.csv")
    assert found(raw, "anzahl", alter="ALT060B069", einwanderung="alle") == ["11059795"]
    assert found(raw, "anzahl", alter="alle", einwanderung="alle") == ["82719540"]
    # The other classification, WDGAT1, is not agreed: its rows have no class and go no further.
    other = [row for row in raw.rows.to_pylist() if row["einwanderung"] is None]
    assert {"2552372", "1438808", "3067869"} <= {row["anzahl"] for row in other}
    assert len(raw.rows) == 46
