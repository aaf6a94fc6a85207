"""Workbooks as offices make them: heads that move and are merged, hidden columns, colours."""

import time
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import openpyxl
import pytest
from formats_kit import feed, read_file, rows
from openpyxl.styles import PatternFill

from sources.errors import DeliveryError
from sources.formats import RawTable

BA = {
    "format": "workbook",
    "sheet": "Daten.*",
    "anchor": "Gebiet",
    "head_rows": 2,
    "end": ["© Statistik"],
    "title": {
        "monat": r"Berichtsmonat: (\w+) \d{4}",
        "jahr": r"Berichtsmonat: \w+ (\d{4})",
    },
    "unpivot": ["merkmal", "anzahl"],
}
COUNTS = feed({"raum_id": {"header": "Gebiet"}, "merkmal": {}, "anzahl": {}}, BA)


def ba_sheet(book: openpyxl.Workbook, above: int = 0) -> None:
    """Fill a sheet as the Bundesagentur does; `above` moves its head down."""
    book.active.title = "Impressum"
    sheet = book.create_sheet("Daten 1")
    sheet["A1"] = "Arbeitsmarkt kommunal"
    sheet["A2"] = "Berichtsmonat: Dezember 2015; Datenstand: März 2016"
    top = 4 + above
    sheet.cell(top, 2, "Gebiet")
    sheet.merge_cells(start_row=top, end_row=top + 1, start_column=2, end_column=2)
    sheet.cell(top, 3, "SGB II")
    sheet.merge_cells(start_row=top, end_row=top, start_column=3, end_column=4)
    sheet.cell(top + 1, 3, "Bedarfs-\ngemeinschaften")
    sheet.cell(top + 1, 4, "Leistungs-\nberechtigte")
    sheet.cell(top, 5, "Arbeitslose")
    sheet.cell(top, 6, "Hilfsspalte")
    sheet.column_dimensions["F"].hidden = True
    table = [
        ("01-001", 12, 30.0, "* ", 1),
        ("01-002", "-", ".", 7, 2),
        ("Keine Zuordnung möglich", 1, 2, 3, 3),
    ]
    for n, line in enumerate(table, top + 2):
        for column, value in enumerate(line, 2):
            sheet.cell(n, column, value)
    sheet.cell(top + 6, 2, "© Statistik der Bundesagentur für Arbeit")
    sheet.cell(top + 7, 2, "* Werte unter 3")


@pytest.fixture
def read_book(tmp_path) -> Callable[..., RawTable]:
    """Return a function that fills a workbook, saves and reads it."""

    def read(contract, fill: Callable[[openpyxl.Workbook], None], change=None) -> RawTable:
        path = tmp_path / "probe.xlsx"
        book = openpyxl.Workbook()
        fill(book)
        book.save(path)
        if change:
            change(path)
        return read_file(contract, path)

    return read


def table(*lines: tuple, **widths) -> Callable[[openpyxl.Workbook], None]:
    """Return what fills the first sheet with these rows."""

    def fill(book: openpyxl.Workbook) -> None:
        book.active.title = "Daten"
        for line in lines:
            book.active.append(line)

    return fill


def plain(**more) -> dict:
    return {"format": "workbook", "sheet": "Daten", "anchor": "a", **more}


EXPECTED = [
    ("01-001", "SGB II / Bedarfs- gemeinschaften", "12"),
    ("01-001", "SGB II / Leistungs- berechtigte", "30"),
    ("01-001", "Arbeitslose", "* "),
    ("01-002", "SGB II / Bedarfs- gemeinschaften", "-"),
    ("01-002", "SGB II / Leistungs- berechtigte", "."),
    ("01-002", "Arbeitslose", "7"),
    ("Keine Zuordnung möglich", "SGB II / Bedarfs- gemeinschaften", "1"),
    ("Keine Zuordnung möglich", "SGB II / Leistungs- berechtigte", "2"),
    ("Keine Zuordnung möglich", "Arbeitslose", "3"),
]


@pytest.mark.parametrize("above", [0, 9])
def test_a_head_is_found_wherever_it_stands(read_book, above):
    raw = read_book(COUNTS, lambda book: ba_sheet(book, above))
    assert rows(raw, "raum_id", "merkmal", "anzahl") == EXPECTED
    assert [number for (number,) in rows(raw, "row_number")] == [*range(1, 10)]
    assert raw.facts == {
        "jahr": "2015",
        "monat": "12",
        "hidden_columns": "1",
        "notes": "© Statistik der Bundesagentur für Arbeit\n* Werte unter 3",
    }


def ods(path: Path, *lines: tuple[str, ...]) -> None:
    """Write a workbook of the other office program, as small as it may be."""

    def cell(text: str) -> str:
        if not text:
            return "<table:table-cell/>"
        return (
            f'<table:table-cell office:value-type="string"><text:p>{text}</text:p>'
            "</table:table-cell>"
        )

    rows = "".join(
        f"<table:table-row>{''.join(map(cell, line))}</table:table-row>" for line in lines
    )
    name = "urn:oasis:names:tc:opendocument:xmlns"
    spaces = " ".join(f'xmlns:{part}="{name}:{part}:1.0"' for part in ("office", "table", "text"))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("META-INF/manifest.xml", f'<m:manifest xmlns:m="{name}:manifest:1.0"/>')
        archive.writestr(
            "content.xml",
            f"<office:document-content {spaces}><office:body><office:spreadsheet>"
            f'<table:table table:name="Daten">{rows}</table:table>'
            "</office:spreadsheet></office:body></office:document-content>",
        )


def test_where_a_workbook_does_not_tell_what_is_merged_blanks_are_filled(tmp_path):
    contract = feed(
        {"raum_id": {"header": "Gebiet"}, "art": {"header": "Art"}, "merkmal": {}, "anzahl": {}},
        plain(
            anchor="Gebiet",
            head_rows=2,
            unpivot=["merkmal", "anzahl"],
            fill_down=["raum_id"],
            headers={"raum_id": "Gebiet", "art": "Gebiet / Art"},
        ),
    )
    path = tmp_path / "probe.ods"
    ods(
        path,
        ("Gebiet", "", "SGB II", ""),
        ("", "Art", "Personen", "Haushalte"),
        ("01", "neu", "1", "2"),
        ("", "alt", "3", "4"),
    )
    assert rows(read_file(contract, path), "raum_id", "art", "merkmal", "anzahl") == [
        ("01", "neu", "SGB II / Personen", "1"),
        ("01", "neu", "SGB II / Haushalte", "2"),
        ("01", "alt", "SGB II / Personen", "3"),
        ("01", "alt", "SGB II / Haushalte", "4"),
    ]


@pytest.mark.parametrize(
    ("cell", "expression"),
    [
        ("Berichtsmonat: 12/2015", r"Berichtsmonat: (\d+)/\d{4}"),
        (date(2015, 12, 1), r"Berichtsmonat (\S+)"),
        (42339, r"Berichtsmonat (\S+)"),
        ("Dez. 2015", r"Berichtsmonat (.+)"),
    ],
    ids=["number", "date", "serial day", "name"],
)
def test_forms_of_a_month_in_the_title(read_book, cell, expression):
    layout = plain(title={"monat": expression})
    raw = read_book(feed(["a"], layout), table(("Berichtsmonat", cell), ("a",), ("1",)))
    assert raw.facts["monat"] == "12"


def test_a_title_may_fill_a_column(read_book):
    contract = feed(["a", "gebiet"], plain(title={"gebiet": r"Gebiet: (\d+)"}))
    raw = read_book(contract, table(("Gebiet: 01 Stadt",), ("a",), ("1",), ("2",)))
    assert rows(raw, "a", "gebiet") == [("1", "01"), ("2", "01")]


def test_values_become_text_as_they_are_meant(read_book):
    line = (
        7.0,
        0.5,
        1 / 3,
        True,
        date(2015, 1, 3),
        datetime(2015, 1, 3, 12, 30),
        "1-3",
        None,
        "x ",
    )
    names = "abcdefghi"
    raw = read_book(feed([*names], plain()), table((*names,), line))
    assert rows(raw, *names) == [
        ("7", "0.5", "0.3333333333333333", "true", "2015-01-03", "2015-01-03 12:30:00", "1-3", "",
         "x "),
    ]  # fmt: skip
    comma = feed([*names], plain(decimal=","))
    assert rows(read_book(comma, table((*names,), line)), "b") == [("0,5",)]


def test_dates_come_as_the_contract_writes_them(read_book):
    """A hand-kept list holds real dates and typed ones side by side."""
    columns = {"a": {}, "tag": {"type": "date", "date_format": "%d.%m.%Y"}, "hausnummer": {}}
    lines = [("a", "tag", "hausnummer"), (1, date(2015, 3, 1), date(2015, 3, 1))]
    lines.append((2, "02.03.2015", "1-3"))
    raw = read_book(feed(columns, plain()), table(*lines))
    assert rows(raw, "tag", "hausnummer") == [("01.03.2015", "2015-03-01"), ("02.03.2015", "1-3")]


def test_empty_rows_are_none_and_numbers_count_from_the_head(read_book):
    raw = read_book(feed(["a", "b"], plain()), table(("x",), ("a", "b"), (1, 2), (), (None, 4)))
    assert rows(raw, "row_number", "a", "b") == [(1, "1", "2"), (3, "", "4")]


# --- hand-kept lists ------------------------------------------------------------------------

GREEN, RED = "FF00B050", "FFFF0000"


def inventory(book: openpyxl.Workbook) -> None:
    sheet = book.active
    sheet.title = "Daten"
    lines = [
        ("Träger", "Angebot", "Plätze", None, "Notiz"),
        ("Verein Nord", "Beratung", "ca. 20", None, None),
        (None, "Treff", 15, None, None),
        ("Verein Süd", "Café", 8, None, None),
        (None, "ohne Träger", 1, None, None),
    ]
    for line in lines:
        sheet.append(line)
    sheet.merge_cells("A2:A3")
    sheet["A2"].fill = PatternFill("solid", fgColor=GREEN)
    sheet["A4"].fill = PatternFill("solid", fgColor=RED[2:])  # as openpyxl writes it: no alpha
    sheet["A5"].fill = PatternFill("solid", fgColor="FF123456")


def hand_kept(**more) -> dict:
    columns = {
        "traeger": {"header": "Träger"},
        "angebot": {"header": "Angebot"},
        "plaetze": {"header": "Plätze"},
        "zustand": {},
    }
    colours = {"zustand": {GREEN: "aktiv", RED: "geplant"}}
    layout = plain(anchor="Träger", fill_down=["traeger"], colours=colours, **more)
    return feed(columns, layout)


def test_merged_rows_are_filled_down_and_colours_read(read_book):
    raw = read_book(hand_kept(ignore_unknown=True), inventory)
    assert rows(raw, "traeger", "angebot", "plaetze", "zustand") == [
        ("Verein Nord", "Beratung", "ca. 20", "aktiv"),
        ("Verein Nord", "Treff", "15", "aktiv"),
        ("Verein Süd", "Café", "8", "geplant"),
        ("", "ohne Träger", "1", None),
    ]


def test_a_column_that_nobody_agreed_is_named(read_book):
    with pytest.raises(DeliveryError, match=r"missing \[\], unknown \['Notiz'\]"):
        read_book(hand_kept(), inventory)


# --- what is refused ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ([("b", "c"), (1, 2)], r"a cell 'a' above the first column.*none in the sheet Daten"),
        ([("a", "c"), (1, 2)], r"missing \['b'\], unknown \['c'\]"),
        ([("a", "b", "b"), (1, 2, 3)], r"twice \['b'\]"),
    ],
    ids=["no anchor", "a column is gone", "a column twice"],
)
def test_another_form_is_refused(read_book, lines, told):
    with pytest.raises(DeliveryError, match=told):
        read_book(feed(["a", "b"], plain()), table(*lines))


def test_a_title_that_does_not_tell_is_refused(read_book):
    contract = feed(["a"], plain(title={"jahr": r"Jahr (\d{4})"}))
    with pytest.raises(DeliveryError, match=r"title without \['jahr'\]"):
        read_book(contract, table(("Jahr unbekannt",), ("a",), (1,)))


def test_the_layout_is_told_by_the_sheet_and_its_columns(read_book):
    contract = feed(
        ["a", "b"],
        plain(sheet="Tabelle 1"),
        plain(headers={"b": "neu"}),
        plain(lacks=["b"], headers={"a": "alt"}, anchor="alt"),
    )
    assert read_book(contract, table(("a", "neu"), (1, 2))).layout.id == "form_1"
    assert read_book(contract, table(("alt",), (1,))).layout.id == "form_2"
    with pytest.raises(DeliveryError, match=r"unknown \['andere'\].*against form_1"):
        read_book(contract, table(("a", "neu", "andere"), (1, 2, 3)))
    with pytest.raises(DeliveryError, match=r"a sheet named Blatt.*the sheets \['Daten'\]"):
        read_book(feed(["a"], plain(sheet="Blatt")), table(("a",), (1,)))


def test_a_formula_that_was_never_computed_is_refused(read_book):
    with pytest.raises(DeliveryError, match=r"1 formula\(s\) that were never computed"):
        read_book(feed(["a", "b"], plain()), table(("a", "b"), (1, "=A2+1")))


def replace_in_sheet(path: Path, old: str, new: str) -> None:
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    # openpyxl writes an empty element as lxml does where that is installed, else otherwise
    for spelling in (b"<v/>", b"<v></v>"):
        parts[sheet] = parts[sheet].replace(spelling, b"<v />")
    assert old.encode() in parts[sheet]
    parts[sheet] = parts[sheet].replace(old.encode(), new.encode())
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


def test_a_formula_with_its_value_is_read_and_so_is_an_empty_text(read_book):
    contract = feed(["a", "b", "c"], plain())

    def compute(path: Path) -> None:
        replace_in_sheet(path, "<f>A2+1</f><v />", "<f>A2+1</f><v>2</v>")
        replace_in_sheet(path, '<c r="C2"><f>"x"</f><v />', '<c r="C2" t="str"><f>"x"</f><v></v>')

    raw = read_book(contract, table(("a", "b", "c"), (1, "=A2+1", '="x"')), compute)
    assert rows(raw, "a", "b", "c") == [("1", "2", "")]


def test_an_error_is_shown_and_not_taken_for_an_empty_cell(read_book):
    raw = read_book(feed(["a", "b"], plain()), table(("a", "b"), (1, "#REF!")))
    assert rows(raw, "a", "b") == [("1", "#REF!")]


@pytest.mark.parametrize(
    "content", [b"PK\x03\x04 and then nothing", b"a;b\n1;2\n"], ids=["cut", "text"]
)
def test_what_is_no_workbook_is_refused(tmp_path, content):
    path = tmp_path / "probe.xlsx"
    path.write_bytes(content)
    with pytest.raises(DeliveryError, match="cannot be opened"):
        read_file(feed(["a"], plain()), path)


def test_workbook_and_text_may_stand_in_one_contract(read_book, tmp_path):
    contract = feed(["a"], {"format": "delimited", "delimiter": ";"}, plain())
    assert read_book(contract, table(("a",), (1,))).layout.id == "form_1"
    path = tmp_path / "probe.csv"
    path.write_text("a\n1\n")
    assert read_file(contract, path).layout.id == "form_0"
    only = feed(["a"], {"format": "delimited", "delimiter": ";"})
    with pytest.raises(DeliveryError):
        read_book(only, table(("a",), (1,)))


def test_a_small_workbook_is_read_in_an_instant(read_book, tmp_path):
    def fill(book: openpyxl.Workbook) -> None:
        ba_sheet(book)

    read_book(COUNTS, fill)
    taken = []
    for _ in range(5):
        start = time.perf_counter()
        read_file(COUNTS, tmp_path / "probe.xlsx")
        taken.append(time.perf_counter() - start)
    assert min(taken) < 0.03
