"""Delimited text beyond the plain layouts, and text in fixed positions."""

import time

import pytest
from formats_kit import REAL, feed, found, needs, read_file, read_text, rows

from sources.errors import DeliveryError

# --- delimited ------------------------------------------------------------------------------


def delimited(**more) -> dict:
    return {"format": "delimited", "delimiter": ";", **more}


def test_lines_above_the_header_and_notes_below_the_table(tmp_path):
    contract = feed(["a", "b"], delimited(skip=2, end="Quelle:|-----"))
    text = "Liste\r\nStand 1.1.\r\na;b\r\n1;2\r\n3;4\r\nQuelle: Amt\r\n;;;viel\r\n"
    raw = read_text(contract, tmp_path, text)
    assert rows(raw, "row_number", "a", "b") == [(1, "1", "2"), (2, "3", "4")]
    assert raw.malformed == ()
    assert raw.facts == {"notes": "Quelle: Amt\n;;;viel"}


def test_without_a_header_the_number_of_fields_tells_the_layout(tmp_path):
    three = delimited(header=False, columns=["a", "", "b"])
    five = delimited(header=False, columns=["", "b", "", "", "a"])
    contract = feed(["a", "b", "c"], {**three, "lacks": ["c"]}, {**five, "constants": {"c": "x"}})
    raw = read_text(contract, tmp_path, "\ufeff1;-;2\n3;-;4\n")
    assert rows(raw, "a", "b", "c") == [("1", "2", None), ("3", "4", None)]
    raw = read_text(contract, tmp_path, "kaputt\n-;2;-;-;1\n-;4;-;-;3\n")
    assert (raw.layout.id, raw.malformed) == ("form_1", (1,))
    assert rows(raw, "row_number", "a", "b", "c") == [(2, "1", "2", "x"), (3, "3", "4", "x")]
    with pytest.raises(DeliveryError, match=r"lines of 3 or 5 fields.*found lines of 4 fields"):
        read_text(contract, tmp_path, "1;2;3;4\n")


def test_unknown_columns_are_read_past_and_counted(tmp_path):
    contract = feed(["a", "b"], delimited(ignore_unknown=True))
    raw = read_text(contract, tmp_path, 'x;b;y;"a"\n9;2;"8;7";1\n')
    assert rows(raw, "a", "b") == [("1", "2")]
    assert raw.facts == {"unknown_columns": "2"}
    with pytest.raises(DeliveryError, match=r"missing \['a'\], unknown 0"):
        read_text(contract, tmp_path, "x;b\n1;2\n")
    with pytest.raises(DeliveryError, match="stands there twice"):
        read_text(contract, tmp_path, "a;a;b\n1;2;3\n")


def test_columns_that_a_form_lacks_or_has_the_same_everywhere(tmp_path):
    contract = feed(["a", "b", "c"], delimited(lacks=["b"], constants={"c": "k"}))
    assert rows(read_text(contract, tmp_path, "a\n1\n"), "a", "b", "c") == [("1", None, "k")]
    with pytest.raises(DeliveryError, match="unknown 1"):
        read_text(contract, tmp_path, "a;b\n1;2\n")


def test_each_layout_reads_in_its_own_encoding(tmp_path):
    old = delimited(encoding="cp850", headers={"a": "Straße"})
    contract = feed(["a"], old, delimited(headers={"a": "Straße"}))
    for encoding, layout in (("cp850", "form_0"), ("utf-8", "form_1")):
        raw = read_text(contract, tmp_path, "Straße\nGrüner Weg\n", encoding)
        assert (rows(raw, "a"), raw.layout.id) == ([("Grüner Weg",)], layout)
    only = feed(["a"], delimited())
    with pytest.raises(DeliveryError, match="text in utf-8"):
        read_text(only, tmp_path, "a\nGrüner Weg\n", "cp1252")


def test_kinds_of_file_are_told_by_their_content(tmp_path):
    """One contract for a provider with fixed positions and a city with a delimited export."""
    contract = feed(
        ["satz", "a"],
        delimited(),
        {"format": "fixed_width", "record": "B", "fields": {"satz": [1, 1], "a": [2, 3]}},
    )
    assert read_text(contract, tmp_path, "B123\r\nB456\r\n").layout.id == "form_1"
    assert read_text(contract, tmp_path, "satz;a\nB;123\n").layout.id == "form_0"
    with pytest.raises(DeliveryError, match=r"missing \['a'\]"):
        read_text(contract, tmp_path, "satz;b\nB;123\n")


# --- fixed positions ------------------------------------------------------------------------

FIXED = {
    "format": "fixed_width",
    "encoding": "iso-8859-15",
    "record": "B",
    "fields": {"name": [2, 5], "ort": [7, 4]},
    "trailer": "T",
    "trailer_count": [2, 6],
}
PERSONS = feed(["name", "ort"], FIXED)


def fixed(*lines: str, count: int | None = None) -> bytes:
    trailer = f"T{len(lines) if count is None else count:06d}"
    return "".join(f"{line}\r\n" for line in (*lines, trailer)).encode("iso-8859-15")


def test_fields_are_cut_by_character_after_decoding(tmp_path):
    raw = read_text(PERSONS, tmp_path, fixed("BMüß€ Köln", "BAnna Bonn"))
    assert rows(raw, "row_number", "name", "ort") == [(1, "Müß€ ", "Köln"), (2, "Anna ", "Bonn")]
    assert (raw.malformed, raw.facts) == ((), {})


def test_fields_of_utf_8_are_cut_by_character_too(tmp_path):
    contract = feed(["name", "ort"], {**FIXED, "encoding": "utf-8"})
    text = "\ufeffBMüß€ Köln\nBAnna Bonn\nT000002"
    assert rows(read_text(contract, tmp_path, text), "name", "ort") == [
        ("Müß€ ", "Köln"),
        ("Anna ", "Bonn"),
    ]


def test_lines_that_cannot_be_cut_are_malformed(tmp_path):
    lines = ("BAnna Bonn", "BAnna Bon", "BAnna Bonn ", "XAnna Bonn", "", "BAn\x00a Bonn")
    raw = read_text(PERSONS, tmp_path, fixed(*lines))
    assert raw.malformed == (2, 3, 4, 5, 6)
    assert rows(raw, "row_number", "ort") == [(1, "Bonn")]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (fixed("BAnna Bonn", "BIna  Bonn", count=3), "expected 3 lines.*found 2: truncated"),
        (fixed("BAnna Bonn", "BIna  Bonn", count=1), "expected 1 lines.*found 2"),
        (fixed("BAnna Bonn")[:-9], "found 1 lines without one: truncated"),
        (fixed("BAnna Bonn", "BIna  Bonn")[:16], "found 2 lines without one: truncated"),
        (b"BAnna Bonn\r\nT\r\n", "a number of lines"),
    ],
    ids=["more were sent", "fewer were sent", "no trailer", "cut in a line", "no number"],
)
def test_a_truncated_file_is_refused(tmp_path, content, told):
    with pytest.raises(DeliveryError, match=told):
        read_text(PERSONS, tmp_path, content)


def test_a_file_of_its_trailer_alone_has_no_rows(tmp_path):
    assert rows(read_text(PERSONS, tmp_path, fixed()), "name") == []


def test_the_layout_that_most_lines_follow(tmp_path):
    wider = {**FIXED, "fields": {"name": [2, 5], "ort": [8, 5]}}
    contract = feed(["name", "ort"], FIXED, wider)
    raw = read_text(contract, tmp_path, fixed("BAnna Bonn", "BAnna  Essen", "BIna   Hagen"))
    assert (raw.layout.id, raw.malformed) == ("form_1", (1,))
    assert rows(raw, "name", "ort") == [("Anna ", "Essen"), ("Ina  ", "Hagen")]


def test_no_line_of_the_agreed_width_is_refused_without_repeating_it(tmp_path):
    with pytest.raises(DeliveryError, match="lines of the agreed width") as refusal:
        read_text(PERSONS, tmp_path, b"name;ort\nGeheim;Bonn\n")
    assert "Geheim" not in str(refusal.value)


# --- as fast as a county needs ----------------------------------------------------------------

NAMES = [f"c{n}" for n in range(22)]
LINES = 110_000


def seconds_to_read(contract, path) -> tuple[float, int]:
    start = time.perf_counter()
    count = len(read_file(contract, path).rows)
    return time.perf_counter() - start, count


@pytest.mark.parametrize("kind", ["delimited", "fixed"])
def test_many_lines_are_read_fast(tmp_path, kind):
    """With slack for a busy machine: an idle one reads half a million lines in two seconds."""
    path = tmp_path / "big.txt"
    if kind == "delimited":
        contract = feed(NAMES, delimited())
        line = ";".join(["05334002", "Straße", *["1234"] * 20]) + "\r\n"
        path.write_text(";".join(NAMES) + "\r\n" + line * LINES, encoding="utf-8", newline="")
    else:
        fields = {name: [1 + 6 * n, 6] for n, name in enumerate(NAMES)}
        layout = {"format": "fixed_width", "encoding": "iso-8859-15", "fields": fields}
        contract = feed(NAMES, layout)
        path.write_bytes(("Straße" + "123456" * 21 + "\r\n").encode("iso-8859-15") * LINES)
    taken, count = seconds_to_read(contract, path)
    assert count == LINES
    assert taken < 3


# --- real files -----------------------------------------------------------------------------

BUILDINGS = [
    "oi",
    "qualitaet",
    "land",
    "regierungsbezirk",
    "kreis",
    "gemeinde",
    "ortsteil",
    "strassenschluessel",
    "hausnummer",
    "zusatz",
    "x",
    "y",
    "strasse",
    "stand",
]
HEADS = ["OI", "QUA", "LAN", "RBZ", "KRS", "GMD", "OTT", "SSS", "HNR", "ADZ"]
HEADS += ["ZZEEEEEE,EEE", "NNNNNNN,NNN", "STN", "JJJJ-MM-TT"]
OF_2022 = delimited(
    decimal=",",
    headers=dict(zip(BUILDINGS, HEADS, strict=True)),
    ignore_unknown=True,
    offsets={"x": 32_000_000},
)
OF_2022_WITHOUT_HEAD = delimited(
    decimal=",", header=False, columns=["", *BUILDINGS], offsets={"x": 32_000_000}
)
OF_2026 = delimited(
    header=False,
    columns=[
        "",
        *("oi", "qualitaet", "land", "", "regierungsbezirk", "", "kreis", "", "gemeinde", ""),
        *("ortsteil", "", "strassenschluessel", "strasse", "hausnummer", "zusatz", ""),
        *("x", "y", "stand"),
    ],
)
REFERENCES = feed(BUILDINGS, OF_2022, OF_2022_WITHOUT_HEAD, OF_2026)


@needs("addresses/gebref_2022_15cols.txt")
def test_building_references_of_2022(tmp_path):
    path = REAL / "addresses/gebref_2022_15cols.txt"
    raw = read_file(REFERENCES, path)
    expected = [
        ("05", "1", "58", "028", "12741", "6", "", "32349925,060", "5685090,386", "Minoritenstraße")
    ]
    names = ["land", "regierungsbezirk", "kreis", "gemeinde", "strassenschluessel"]
    names += ["hausnummer", "zusatz", "x", "y", "strasse"]
    assert rows(raw, *names) == expected
    assert (raw.layout.id, raw.facts) == ("form_0", {"unknown_columns": "1"})
    headless = read_text(REFERENCES, tmp_path, path.read_text("utf-8-sig").split("\n", 1)[1])
    assert (headless.layout.id, rows(headless, *names)) == ("form_1", expected)


@needs("addresses/gebref_2026_21cols.txt")
def test_building_references_of_2026():
    raw = read_file(REFERENCES, REAL / "addresses/gebref_2026_21cols.txt")
    assert raw.layout.id == "form_2"
    assert rows(raw, "gemeinde", "strassenschluessel", "strasse", "hausnummer", "zusatz", "x") == [
        ("024", "07146", "Polsumer Straße", "2", "", "365471.472"),
        ("052", "02418", "Marl", "2", "a", "420565.275"),
        ("024", "01234", "Kreisverkehr", "", "", "1.0"),
    ]
    assert raw.malformed == ()


@needs("misc/votemanager_excerpt.csv")
def test_an_election_whose_columns_vary():
    names = {
        "datum": "datum",
        "kommune_id": "ags",
        "bezirk_name": "gebiet-name",
        "wahlberechtigte": "A",
        "waehler": "B",
        "gueltig": "D",
    }
    contract = feed(
        {name: {"header": header} for name, header in names.items()}, delimited(ignore_unknown=True)
    )
    raw = read_file(contract, REAL / "misc/votemanager_excerpt.csv")
    assert rows(raw, *names) == [("19.03.2023", "06411000", "00010 - Stadtverwaltung", "", "", "")]
    assert raw.facts == {"unknown_columns": "19"}


@needs("misc/Haushalte_SB_2024-12_excerpt.txt")
def test_households_of_a_city():
    names = ["sb", "HH", "HH_1pers", "HH_alleinerz"]
    contract = feed(
        {name.lower(): {"header": name} for name in names}, delimited(ignore_unknown=True)
    )
    raw = read_file(contract, REAL / "misc/Haushalte_SB_2024-12_excerpt.txt")
    assert rows(raw, "sb", "hh", "hh_1pers", "hh_alleinerz")[0] == ("11", "2024", "1035", "81")
    assert len(raw.rows) == 6


@needs("misc/bevoelkerungszahl_100m_excerpt.csv")
def test_the_census_grid_and_its_dash():
    contract = feed(
        {
            "zelle": {"header": "GITTER_ID_100m"},
            "x": {"header": "x_mp_100m"},
            "y": {"header": "y_mp_100m"},
            "anzahl": {"header": "Einwohner"},
        },
        delimited(),
    )
    raw = read_file(contract, REAL / "misc/bevoelkerungszahl_100m_excerpt.csv")
    assert rows(raw, "x", "anzahl") == [("4337050", "4"), ("4341150", "–")]


@needs("misc/durchschnittsalter_100m_excerpt.csv")
def test_the_census_grid_with_signs_beside_the_values():
    headers = ["GITTER_ID_100m", "x_mp_100m", "y_mp_100m", "Durchschnittsalter"]
    contract = feed(
        dict(
            zip(
                ["zelle", "x", "y", "alter", "zeichen"],
                [{"header": h} for h in [*headers, "werterlaeuternde_Zeichen"]],
                strict=True,
            )
        ),
        delimited(decimal=","),
    )
    raw = read_file(contract, REAL / "misc/durchschnittsalter_100m_excerpt.csv")
    assert rows(raw, "alter", "zeichen") == [("36,75", ""), ("39,78", "KLAMMERN"), ("–", "")]


@needs("misc/schuldaten_nrw_header.csv")
def test_the_list_of_schools_below_a_line_of_metadata():
    headers = {"schulnummer": "Schulnummer", "x": "UTMRechtswert", "y": "UTMHochwert"}
    contract = feed(
        {name: {"header": header} for name, header in headers.items()},
        delimited(skip=1, ignore_unknown=True),
    )
    raw = read_file(contract, REAL / "misc/schuldaten_nrw_header.csv")
    assert rows(raw, *headers) == [("100001", "350000", "5650000")]
    assert found(raw, "x", schulnummer="100001") == ["350000"]
