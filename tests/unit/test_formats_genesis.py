"""Classic GENESIS tables: small ones by hand, and the offices' own files."""

import pytest
from formats_kit import REAL, feed, found, needs, read_file, read_text, rows

from sources.errors import DeliveryError

LABELS = [None, "gebiet_id", "gebiet_name"]


def genesis(**more) -> dict:
    return {"format": "genesis", "table": "1-1i", "labels": LABELS, "value": "anzahl", **more}


COUNTS = feed(["gebiet_id", "gebiet_name", "art", "anzahl"], genesis(heads=[None, "art"]))
TABLE = """Tabelle: 1-1i
Eine Statistik, deren Titel
umbrochen ist;;;;
Statistik;;;;
;;;Art der Hilfe;Art der Hilfe
;;;Insgesamt;"ambulant; mobil"
;;;Anzahl;Anzahl
2015;05;Land;7;3
2015;051;  Bezirk;.;-
__________
"Eine Anmerkung zur
""Quote""; zweite Zeile"
© Amt, 2016.
Stand: 19.01.2016 / 21:12:47
"""


def test_each_cell_is_a_row(tmp_path):
    raw = read_text(COUNTS, tmp_path, TABLE, "iso-8859-1")
    assert rows(raw, "row_number", "gebiet_id", "gebiet_name", "art", "anzahl") == [
        (1, "05", "Land", "Insgesamt", "7"),
        (2, "05", "Land", "ambulant; mobil", "3"),
        (3, "051", "Bezirk", "Insgesamt", "."),
        (4, "051", "Bezirk", "ambulant; mobil", "-"),
    ]
    assert raw.malformed == ()


def test_what_stands_beside_the_cells_becomes_facts(tmp_path):
    facts = read_text(COUNTS, tmp_path, TABLE, "iso-8859-1").facts
    assert facts == {
        "jahr": "2015",
        "stand": "2016-01-19 21:12:47",
        "notes": 'Eine Anmerkung zur\n"Quote"; zweite Zeile\n© Amt, 2016.',
    }


def test_line_ends_and_longer_titles_change_nothing(tmp_path):
    longer = TABLE.replace("Statistik;;;;\n", "Statistik;;;;\nnoch eine Zeile\nund noch eine;;;;\n")
    longer = longer.replace("\n", "\r\n")
    plain = read_text(COUNTS, tmp_path, TABLE, "iso-8859-1")
    assert read_text(COUNTS, tmp_path, longer, "iso-8859-1").rows == plain.rows


def test_a_table_without_a_row_of_units(tmp_path):
    text = TABLE.replace(";;;Anzahl;Anzahl\n", "")
    assert found(read_text(COUNTS, tmp_path, text, "latin1"), "anzahl", art="Insgesamt") == [
        "7",
        ".",
    ]


def test_the_date_of_a_column_of_time(tmp_path):
    facts = read_text(COUNTS, tmp_path, TABLE.replace("2015;", "31.12.2015;"), "latin1").facts
    assert (facts["jahr"], facts["monat"], facts["tag"]) == ("2015", "12", "31")


def test_several_years_that_no_column_keeps_are_refused(tmp_path):
    text = TABLE.replace("2015;051", "2014;051")
    with pytest.raises(DeliveryError, match=r"one point in time.*several"):
        read_text(COUNTS, tmp_path, text, "latin1")
    kept = feed(
        ["zeit", "gebiet_id", "gebiet_name", "art", "anzahl"],
        genesis(labels=["zeit", *LABELS[1:]], heads=[None, "art"]),
    )
    raw = read_text(kept, tmp_path, text, "latin1")
    assert "jahr" not in raw.facts
    assert found(raw, "anzahl", zeit="2014", art="ambulant; mobil") == ["-"]


def test_thousands_are_converted_exactly_and_marks_stay(tmp_path):
    text = TABLE.replace(";;;Anzahl;Anzahl", ";;;1000;%").replace("Land;7;3", "Land;12,3456;7,5")
    text = text.replace("Bezirk;.;-", "Bezirk;.;12,25")
    contract = feed(
        ["gebiet_id", "gebiet_name", "art", "einheit", "anzahl"],
        genesis(heads=[None, "art"], unit="einheit"),
    )
    raw = read_text(contract, tmp_path, text, "latin1")
    assert rows(raw, "anzahl", "einheit") == [
        ("12345,6", "1"),
        ("7,5", "%"),
        (".", "1"),
        ("12,25", "%"),
    ]


def test_a_year_in_the_head_alone(tmp_path):
    text = "Tabelle: 1-1i\nQuote;;\n;;Jahr\n;;2013\n05;Land;11,1\n__________\nStand: 1\n"
    contract = feed(
        ["gebiet_id", "gebiet_name", "quote"],
        genesis(labels=["gebiet_id", "gebiet_name"], heads=[None, None], value="quote"),
    )
    raw = read_text(contract, tmp_path, text)
    assert rows(raw, "gebiet_id", "quote") == [("05", "11,1")]
    assert raw.facts == {"jahr": "2013", "stand": "1"}


def test_levels_of_the_head_are_joined_and_deeper_ones_may_be_empty(tmp_path):
    text = TABLE.replace(
        ";;;Anzahl;Anzahl\n", ";;;Insgesamt;im Alter\n;;;;Frauen\n;;;Anzahl;Anzahl\n"
    )
    contract = feed(
        ["gebiet_id", "gebiet_name", "art", "anzahl"],
        genesis(heads=[None, "art", "art", "art"]),
    )
    raw = read_text(contract, tmp_path, text, "latin1")
    assert found(raw, "anzahl", art="Insgesamt") == ["7", "."]
    assert found(raw, "anzahl", art="ambulant; mobil / im Alter / Frauen") == ["3", "-"]


def test_a_line_with_another_number_of_fields_is_malformed(tmp_path):
    raw = read_text(COUNTS, tmp_path, TABLE.replace("Land;7;3", "Land;7;3;9"), "latin1")
    assert raw.malformed == (1,)
    assert rows(raw, "row_number", "anzahl") == [(3, "."), (4, "-")]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (TABLE.replace("1-1i", "1-2i"), "table 1-2i"),
        (TABLE.partition("__________")[0], "truncated"),
        (TABLE.replace("Tabelle: 1-1i", "Hilfen"), "another first line"),
        (TABLE.replace("2015;", "").replace(";;;", ";;"), "1-1i with 2"),
        (TABLE.replace(";;;Anz", ";;;neue;Ebene\n;;;Ebene;noch\n;;;Anz"), "with 3 and 5"),
    ],
    ids=["another table", "truncated", "no table", "a column is gone", "a level more"],
)
def test_another_form_is_refused(tmp_path, text, told):
    with pytest.raises(DeliveryError, match=told):
        read_text(COUNTS, tmp_path, text, "latin1")


def test_the_layout_is_told_by_the_content(tmp_path):
    """With and without a column of time: both are agreed, and no file name tells which it is."""
    columns = ["gebiet_id", "gebiet_name", "art", "anzahl"]
    two = genesis(heads=[None, "art"], labels=LABELS[1:])
    contract = feed(columns, two, genesis(heads=[None, "art"]))
    assert read_text(contract, tmp_path, TABLE, "latin1").layout.id == "form_1"
    text = TABLE.replace("2015;", "").replace(";;;", ";;")
    assert read_text(contract, tmp_path, text, "latin1").layout.id == "form_0"


# --- the offices' own files -----------------------------------------------------------------


@needs("genesis/12411-09i.csv")
def test_the_states_population_by_year_of_age():
    contract = feed(
        ["gebiet_id", "gebiet_name", "alter", "anzahl"],
        genesis(table="12411-09i", heads=[None, None, "alter"]),
    )
    raw = read_file(contract, REAL / "genesis/12411-09i.csv")
    total = {"alter": "Insgesamt"}
    assert found(raw, "anzahl", gebiet_id="05334", **total) == ["582410"]
    assert found(raw, "anzahl", gebiet_id="05378", **total) == ["284273"]
    assert found(raw, "anzahl", gebiet_id="05378", alter="unter 1 Jahr") == ["2282"]
    assert set(found(raw, "anzahl", gebiet_id="05354")) == {"-"}
    # Nobody is lost: the years of age of every unit that still is one add up.
    ages = [int(n) for n in found(raw, "anzahl", gebiet_id="05")]
    assert len(ages) == 92
    assert sum(ages) == 2 * 18_034_454
    assert {"jahr": "2024", "monat": "12", "tag": "31"}.items() <= raw.facts.items()
    assert raw.facts["stand"] == "2026-02-16 12:15:28"
    assert "Zensus 2011" in raw.facts["notes"]
    assert raw.malformed == ()


@needs("genesis/22517-02i.csv")
def test_the_states_educational_aid():
    contract = feed(
        ["jugendamt_id", "jugendamt_name", "hilfeart", "zaehlweise", "anzahl"],
        genesis(
            table="22517-02i",
            labels=[None, "jugendamt_id", "jugendamt_name"],
            heads=[None, "hilfeart", "zaehlweise"],
        ),
    )
    raw = read_file(contract, REAL / "genesis/22517-02i.csv")
    taken = {"zaehlweise": "In Anspruch genommene erzieh. Hilfen"}
    essen = dict(
        zip(
            found(raw, "hilfeart", jugendamt_id="05113", **taken),
            found(raw, "anzahl", jugendamt_id="05113", **taken),
            strict=True,
        )
    )
    counted = {"Insgesamt": "3894", "Erziehungsberatung § 28 SGB VIII": "3894"}
    assert len(essen) == 11
    assert {kind: text for kind, text in essen.items() if text != "-"} == counted
    begun = {"zaehlweise": "Begonnene erzieher. Hilfen/Beratungen", "hilfeart": "Insgesamt"}
    assert found(raw, "anzahl", jugendamt_id="JH05334999", **begun) == ["1409"]
    assert found(raw, "anzahl", jugendamt_id="05", **begun) == ["152900"]
    assert found(raw, "jugendamt_name", jugendamt_id="JH05378028", **begun) == [
        "Jugendamt Rösrath (neu ab 01.01.2001)"
    ]
    assert len(raw.rows) == 232 * 22  # lines 10 to 241 of the file
    assert raw.facts["jahr"] == "2024"
    assert "Die Stadt Essen konnte aufgrund" in raw.facts["notes"]
    assert "Stand" not in raw.facts["notes"]


@needs("genesis/22811-05i.csv")
def test_the_states_minimum_benefits():
    contract = feed(
        ["gebiet_id", "gebiet_name", "leistung", "anzahl"],
        genesis(table="22811-05i", heads=[None, "leistung", "leistung"]),
    )
    raw = read_file(contract, REAL / "genesis/22811-05i.csv")
    basic = "Grundsicherung im Alter und bei Erwerbsminderung nach dem SGB XII"
    where = {"gebiet_id": "05334002"}
    assert found(raw, "anzahl", leistung=f"{basic} / Insgesamt", **where) == ["5815"]
    assert found(raw, "anzahl", leistung=f"{basic} / im Alter", **where) == ["3905"]
    assert found(raw, "anzahl", leistung="Insgesamt", **where) == ["28772"]
    # The table prints this benefit twice, before and among the parts of the total.
    sgb2 = "Gesamtregelleistung (ALG II/Sozialgeld) nach dem SGB II"
    assert found(raw, "anzahl", leistung=sgb2, **where) == ["21917", "21917"]
    assert raw.facts["jahr"] == "2024"


@needs("genesis/22811-01i_no_time_column.csv")
def test_the_states_rates_whose_year_stands_in_the_head():
    contract = feed(
        ["gebiet_id", "gebiet_name", "quote"],
        genesis(table="22811-01i", labels=LABELS[1:], heads=[None, None], value="quote"),
    )
    raw = read_file(contract, REAL / "genesis/22811-01i_no_time_column.csv")
    assert raw.facts["jahr"] == "2023"
    assert raw.facts["stand"] == "2025-12-18 14:36:32"
    assert found(raw, "quote", gebiet_id="05334") == ["10,4"]
    assert found(raw, "quote", gebiet_id="05378032") == ["7,5"]
    assert len(raw.rows) == 434  # lines 8 to 441 of the file
    assert raw.facts["notes"].startswith('zu "Mindestsicherungsquote":')


@needs("genesis/22542-06i.csv")
def test_the_states_homes_whose_head_holds_the_delimiter():
    contract = feed(
        ["gebiet_id", "gebiet_name", "art", "anzahl"],
        genesis(table="22542-06i", heads=["art"]),
    )
    raw = read_file(contract, REAL / "genesis/22542-06i.csv")
    living = "§13 Abs. 2 3 SGB VIII Jugendsozialarbeit; Sozialpädagogisch begleitetes Wohnen"
    assert found(raw, "anzahl", gebiet_id="05", art=living) == ["151"]
    assert found(raw, "anzahl", gebiet_id="05978", art="§42 SGB VIII Inobhutnahme") == ["8"]
    assert raw.facts["notes"].startswith("© IT.NRW")
