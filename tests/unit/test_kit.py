"""The kit for partners, over every feed of every region: what it says, writes and finds."""

import ast
import csv
import io
import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import openpyxl
import pytest
from openpyxl.styles import PatternFill

from orchestration.cli import main
from orchestration.settings import PROJECT
from sources.contract import Feed, header_of
from sources.formats.table import present
from sources.judge import Case, Reference, Terms, reasons
from sources.kit import words
from sources.kit.check import check_file
from sources.kit.examples import default_stichtag, example_name, example_row, sample
from sources.kit.instructions import instructions
from sources.kit.package import write_package
from sources.kit.receipt import receipt, receipt_paths, write_receipts
from sources.kit.template import WRITTEN, write_template
from sources.layouts import AnyLayout, DelimitedLayout, FixedWidthLayout, WorkbookLayout
from sources.region import Region, read_region, region_names

REGIONS = {name: read_region(name) for name in region_names()}
ENGLISH = re.compile(
    r"\b(the|of|and|not|with|rows?|found|expected|missing|unknown|file|agreed|value|must|ask|is|"
    r"zero|suppressed|pending|integer|decimal|accepted|rejected|quarantined)\b"
)


@dataclass(frozen=True)
class Delivery:
    """One form of a feed, as one Liefereinheit delivers it at one Stichtag."""

    region: Region
    feed: Feed
    unit: str
    stichtag: date
    layout: AnyLayout

    @property
    def row(self) -> dict[str, str]:
        return example_row(self.feed, self.region, self.unit, self.stichtag, self.layout)

    def template(self, folder: Path) -> Path:
        return write_template(self.feed, self.region, self.unit, self.stichtag, self.layout, folder)

    def check(self, path: Path):
        return check_file(self.region, path)

    def coded(self) -> str | None:
        """A column of the table itself that has a code list and no other meaning."""
        elsewhere = set()
        if isinstance(self.layout, WorkbookLayout):
            elsewhere = {*(self.layout.unpivot or ()), *self.layout.colours, *self.layout.title}
        place = {*self.feed.spatial.columns}
        return next(
            (
                column.name
                for column in present(self.feed, self.layout)
                if column.codes and not column.separator and column.name not in elsewhere | place
            ),
            None,
        )


def deliveries() -> list[Delivery]:
    """Each form of each feed once, delivered by the first Liefereinheit."""
    return [
        Delivery(region, feed, feed.liefereinheiten[0], _day(region, feed, layout), layout)
        for region in REGIONS.values()
        for feed in region.feeds
        for layout in feed.layouts
        if layout.format in WRITTEN
    ]


def _day(region: Region, feed: Feed, layout: AnyLayout) -> date:
    days = region.expected.get(feed.feed, ()) or [default_stichtag(region, feed)]
    return max((d for d in days if layout.valid_from <= d <= layout.valid_to), default=max(days))


def _name(delivery: Delivery) -> str:
    return f"{delivery.region.region}-{delivery.feed.feed}-{delivery.layout.id}"


ALL = deliveries()
forms = pytest.mark.parametrize("delivery", ALL, ids=_name)


# --- filling a template by hand


def fill(delivery: Delivery, path: Path, row: dict[str, str], rows: int = 1) -> None:
    """Write the same row into a template, `rows` times."""
    layout = delivery.layout
    if isinstance(layout, WorkbookLayout):
        _fill_workbook(delivery, layout, path, row)
    elif isinstance(layout, FixedWidthLayout):
        line = [" "] * max(first + width for first, width in layout.fields.values())
        for name, (first, width) in layout.fields.items():
            line[first - 1 : first - 1 + width] = row[name].ljust(width)
        line[: len(layout.record)] = layout.record
        text = "".join(line).rstrip("\n")[: layout.width] + "\r\n"
        first, width = layout.trailer_count
        trailer = layout.trailer.ljust(first - 1) + str(rows).rjust(width, "0") + "\r\n"
        path.write_bytes((text * rows + trailer).encode(layout.encoding))
    else:
        text = path.read_bytes().decode(layout.encoding)
        path.write_bytes((text + _line(delivery, layout, text, row)).encode(layout.encoding))


def _line(delivery: Delivery, layout: DelimitedLayout, text: str, row: dict[str, str]) -> str:
    names = list(layout.columns)
    if layout.header:
        header = text.splitlines()[layout.skip]
        called = {header_of(layout, c): c.name for c in delivery.feed.columns}
        names = [called[h] for h in next(csv.reader([header], delimiter=layout.delimiter))]
    out = io.StringIO()
    quoting = csv.QUOTE_ALL if layout.quoted else csv.QUOTE_MINIMAL
    csv.writer(out, delimiter=layout.delimiter, quoting=quoting).writerow(
        [row.get(name, "") for name in names]
    )
    return out.getvalue()


def _fill_workbook(
    delivery: Delivery, layout: WorkbookLayout, path: Path, row: dict[str, str]
) -> None:
    book = openpyxl.load_workbook(path)
    sheet = book.active
    last = sheet.max_row
    called = {header_of(layout, c): c for c in delivery.feed.columns}
    for number in range(1, sheet.max_column + 1):
        levels = [sheet.cell(last - n, number).value for n in reversed(range(layout.head_rows))]
        head = " / ".join(filter(None, levels))
        name = called[head].name if head in called else layout.unpivot[1]
        kind = next(c.type for c in delivery.feed.columns if c.name == name)
        value = float(row[name].replace(",", ".")) if kind in ("integer", "decimal") else row[name]
        sheet.cell(last + 1, number).value = value
    for name, colours in layout.colours.items():
        colour = next(c for c, meaning in colours.items() if meaning == row[name])
        sheet.cell(last + 1, 1).fill = PatternFill("solid", fgColor=colour)
    book.save(path)


# --- what the kit says


@pytest.mark.parametrize("region", REGIONS.values(), ids=REGIONS)
def test_example_names_are_names_of_the_contract(region):
    for feed in region.feeds:
        for unit in feed.liefereinheiten:
            for day in region.expected[feed.feed]:
                for layout in feed.layouts_at(day):
                    name = example_name(feed, region, unit, day, layout)
                    assert re.fullmatch(feed.name_pattern, name), feed.feed
                    assert region.liefereinheit_of(feed, name) == unit, name
                    if feed.stichtag.aus == "name":
                        assert feed.stichtag_of(name) == day, name


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"[A-Z]{2}\d{3}", "AA111"),
        (r"(18|19)\d{2}(0\d|1[0-2])", "181101"),
        (r"(Nr\. ?)?[0-9]{1,4} ?[a-z]?", "1"),
        (r"A_[^_]+(_.*)?\.xls[xb]?", "A_x.xls"),
        (r"\d{3}|\d{8}", "111"),
        (r"_{5,}", "_____"),
        (r"ca\. (\d+)", "ca. 1"),
        (r"\((\d)\)", "(1)"),
        (r"(a)\1", None),
    ],
)
def test_sample_fits_its_expression(pattern, text):
    assert sample(pattern) == text


@pytest.mark.parametrize("region", REGIONS.values(), ids=REGIONS)
def test_instructions_tell_every_column_code_and_mark_in_german(region):
    for feed in region.feeds:
        day = default_stichtag(region, feed)
        for unit in feed.liefereinheiten:
            text = instructions(feed, region, unit, day)
            assert not ENGLISH.search(text), (feed.feed, ENGLISH.search(text))
            for layout in feed.layouts_at(day):
                assert f"`{example_name(feed, region, unit, day, layout)}`" in text
                for column in present(feed, layout):
                    shown = header_of(layout, column).replace("<", "\\<")
                    assert shown in text, (feed.feed, column.name)
            for column in feed.columns:
                for mark in column.marks:
                    assert mark.regex or not mark.mark or f"`{mark.mark}`" in text, feed.feed
                    assert words.STATES[mark.state] in text, feed.feed


def test_instructions_of_fixed_width_tell_positions_and_the_trailer():
    region = REGIONS["aachen"]
    text = instructions(region.feed("ewo_bestand"), region, "regioit", date(2015, 12, 31))
    assert "| 18–33 | Person |" in text
    assert "Jede Datenzeile hat 129 Stellen" in text
    assert "beginnt mit `T` und nennt ab Stelle 2 die Zahl der Datenzeilen, 9 Stellen" in text
    assert "Einzelangaben. Sie werden 24 Monate nach Eingang gelöscht" in text
    assert "| 31.12.2015 | 15.03.2016 |" in text


def test_instructions_without_an_agreement_ask_for_nothing():
    region = REGIONS["aachen"]
    text = instructions(region.feed("ba_einzeldaten"), region, "kreis", date(2018, 12, 31))
    assert "keine gültige Vereinbarung. Bitte nichts liefern" in text


def test_who_is_asked_by_a_connector_need_not_send():
    region = REGIONS["aachen"]
    text = instructions(region.feed("sozialamt_leistungen"), region, "kreis", date(2015, 12, 31))
    assert "Sie brauchen nichts zu senden" in text


# --- templates and the check


@forms
def test_a_filled_template_passes_the_check(delivery, tmp_path):
    path = delivery.template(tmp_path)
    fill(delivery, path, delivery.row)
    report = delivery.check(path)
    assert report.clean, report.text
    assert "kann gesendet werden" in report.text
    assert not ENGLISH.search(report.text)


@forms
def test_an_empty_template_is_not_ready(delivery, tmp_path):
    report = delivery.check(delivery.template(tmp_path))
    assert not report.clean
    assert "zurückgewiesen" in report.text
    assert not ENGLISH.search(report.text), report.text


@pytest.mark.parametrize("delivery", [d for d in ALL if d.coded()], ids=_name)
def test_an_unknown_code_is_told(delivery, tmp_path):
    path, name = delivery.template(tmp_path), delivery.coded()
    fill(delivery, path, {**delivery.row, name: "?"})
    report = delivery.check(path)
    column = next(c for c in delivery.feed.columns if c.name == name)
    told = f"{header_of(delivery.layout, column)}: keiner der vereinbarten Schlüssel: 1 Zeile(n)"
    assert not report.clean
    assert told in report.text
    assert not ENGLISH.search(report.text), report.text


@pytest.mark.parametrize(
    "delivery",
    [d for d in ALL if isinstance(d.layout, DelimitedLayout) and d.layout.header],
    ids=_name,
)
def test_a_missing_column_is_told(delivery, tmp_path):
    path, layout = delivery.template(tmp_path), delivery.layout
    lines = path.read_bytes().decode(layout.encoding).splitlines()
    lines[layout.skip], _, lost = lines[layout.skip].rpartition(layout.delimiter)
    path.write_bytes("\r\n".join([*lines, ""]).encode(layout.encoding))
    report = delivery.check(path)
    assert not report.clean
    assert "es fehlen die Spalten" in report.text
    assert lost.strip('"') in report.text
    assert not ENGLISH.search(report.text), report.text


@pytest.mark.parametrize(
    "delivery", [d for d in ALL if isinstance(d.layout, DelimitedLayout)], ids=_name
)
def test_another_delimiter_is_told(delivery, tmp_path):
    path, layout = delivery.template(tmp_path), delivery.layout
    fill(delivery, path, delivery.row)
    text = path.read_bytes().decode(layout.encoding).replace(layout.delimiter, "#")
    path.write_bytes(text.encode(layout.encoding))
    report = delivery.check(path)
    assert not report.clean
    assert "anderes Trennzeichen" in report.text or "Zeilen mit 1 Feldern" in report.text
    assert not ENGLISH.search(report.text), report.text


@forms
def test_another_name_is_told(delivery, tmp_path):
    path = delivery.template(tmp_path)
    path = path.rename(path.with_name("Lieferung neu" + path.suffix))
    report = delivery.check(path)
    assert not report.clean
    assert "der Name passt zu keiner vereinbarten Lieferung" in report.text
    if delivery.feed.stichtag.aus == "name" and delivery.feed.stichtag.needs:
        named = check_file(delivery.region, path, feed=delivery.feed.feed)
        assert not named.clean
        assert "Dateiname" in named.text
        assert not ENGLISH.search(named.text), named.text


@pytest.mark.parametrize(
    "delivery", [d for d in ALL if isinstance(d.layout, WorkbookLayout)], ids=_name
)
def test_a_formula_and_a_lost_column_of_a_workbook_are_told(delivery, tmp_path):
    path = delivery.template(tmp_path)
    fill(delivery, path, delivery.row)
    book = openpyxl.load_workbook(path)
    sheet = book.active
    sheet.cell(sheet.max_row, sheet.max_column).value = "=1+1"
    book.save(path)
    report = delivery.check(path)
    assert not report.clean
    assert "sie enthält Formeln; bitte als Werte einfügen" in report.text

    path = delivery.template(tmp_path)
    book = openpyxl.load_workbook(path)
    sheet = book.active
    head = sheet.max_row - delivery.layout.head_rows + 1
    sheet.cell(head, 1).value = "Gebiet"
    book.save(path)
    report = delivery.check(path)
    assert not report.clean
    assert f"eine Zelle '{delivery.layout.anchor}' über der ersten Spalte" in report.text
    assert not ENGLISH.search(report.text), report.text


@pytest.mark.parametrize(
    "delivery", [d for d in ALL if isinstance(d.layout, FixedWidthLayout)], ids=_name
)
def test_a_truncated_file_is_told(delivery, tmp_path):
    path = delivery.template(tmp_path)
    fill(delivery, path, delivery.row, rows=2)
    lines = path.read_bytes().splitlines(keepends=True)
    for content in (b"".join(lines[:-1]), b"".join(lines[1:])):
        path.write_bytes(content)
        report = delivery.check(path)
        assert not report.clean
        assert "abgeschnitten" in report.text
        assert not ENGLISH.search(report.text), report.text


@forms
@pytest.mark.parametrize(
    "content", [b"", b"\x00\xff\x9d" * 99, b"PK\x03\x04 no archive", b'"open;quote\nand more']
)
def test_what_is_no_such_file_is_told(delivery, content, tmp_path):
    path = delivery.template(tmp_path)
    path.write_bytes(content)
    report = delivery.check(path)
    assert not report.clean
    assert "Die Datei würde zurückgewiesen." in report.text
    assert not ENGLISH.search(report.text), report.text


def test_an_unforeseen_error_tells_no_value(tmp_path, monkeypatch):
    def break_down(*_):
        raise RuntimeError("05334002-001 broke it")

    monkeypatch.setattr("sources.kit.check.read_table", break_down)
    report = KITA.check(KITA.template(tmp_path))
    assert not report.clean
    assert "eine Datei, die sich nicht lesen lässt" in report.text
    assert "05334002-001" not in report.text


KITA = next(d for d in ALL if d.feed.feed == "jugendamt_kita" and d.region.region == "aachen")


def test_rows_of_other_municipalities_and_unknown_areas_are_told(tmp_path):
    path = KITA.template(tmp_path)
    fill(KITA, path, KITA.row)
    fill(KITA, path, {**KITA.row, "raum_id": "05334002-777"})
    fill(KITA, path, {**KITA.row, "raum_id": "05334004-001"})
    areas = tmp_path / "raeume.csv"
    areas.write_text("raum_id\n05334002-001\n")
    report = check_file(KITA.region, path, areas=areas)
    assert "davon in Ordnung: 1, zu klären: 2" in report.text
    assert "Sozialraum: diesen Raum gibt es nicht: 2 Zeile(n), zuerst Zeile 2" in report.text
    assert "Sozialraum: Gemeinde, für die Sie nicht liefern: 1 Zeile(n), zuerst Zeile 3" in (
        report.text
    )
    assert "05334002-777" not in report.text


def test_a_stichtag_without_an_agreement_is_told(tmp_path):
    region = REGIONS["aachen"]
    path = tmp_path / "SGBII_EINZEL_201812.csv"
    feed = region.feed("ba_einzeldaten")
    path.write_text(";".join(column.header for column in feed.columns) + "\n")
    report = check_file(region, path)
    assert not report.clean
    assert "Für den Stichtag 31.12.2018 besteht keine gültige Vereinbarung" in report.text


def test_a_file_that_is_not_there_and_a_wrong_list_are_told_in_german(tmp_path):
    with pytest.raises(ValueError, match="gibt es nicht"):
        check_file(KITA.region, tmp_path / "KITA_ja_aachen_20160301.csv")
    path = KITA.template(tmp_path)
    with pytest.raises(ValueError, match="keine Liste der Räume"):
        check_file(KITA.region, path, areas=path)
    with pytest.raises(ValueError, match="gibt es nicht; bitte eine von"):
        check_file(KITA.region, path, feed="kita")


# --- every phrase of landing


def _phrases() -> list[tuple[str, str]]:
    """What landing says of deliveries: (part of the sentence, text with gaps), from its code."""
    folders = [*(PROJECT / "sources" / "formats").glob("*.py")]
    found = []
    for path in [
        *folders,
        *(PROJECT / "sources" / n for n in ("delivery.py", "landing.py", "refusals.py")),
    ]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "DeliveryError":
                for word in node.keywords:
                    text = _spoken(word.value)
                    if text and text != "{}":
                        found.append((word.arg, text))
    return found


def _spoken(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(_spoken(part) for part in node.values)
    if isinstance(node, ast.BinOp):
        return _spoken(node.left)
    return "{}" if isinstance(node, ast.FormattedValue) else ""


@pytest.mark.parametrize(("part", "phrase"), sorted(set(_phrases())))
def test_every_phrase_of_landing_is_known_in_german(part, phrase):
    german = words.remedy_in_german if part == "remedy" else words.fault_in_german
    fillings = ("7", "['x']", "1.0%", "is encrypted; send it without a password")
    told = [german(phrase.replace("{}", filling)) for filling in fillings]
    assert any(not text.startswith(tuple(words.DOUBT.values())) for text in told), phrase


@pytest.mark.parametrize("region", REGIONS.values(), ids=REGIONS)
def test_every_reason_of_a_row_is_known_in_german(region):
    for feed in region.feeds:
        references = {f.feed: Reference(f, (), None) for f in region.references_of(feed)}
        for unit in feed.liefereinheiten:
            for layout in feed.layouts:
                terms = Terms("x", unit, date(2015, 12, 31), region.kommunen_of(unit))
                case = Case(feed, layout, terms, region, references, frozenset(), frozenset())
                for reason, _ in reasons(case):
                    told = words.reason_in_german(reason, {})
                    assert not told.startswith(words.DOUBT["reason"]), reason


def test_what_is_not_known_in_german_is_told_in_general():
    assert words.fault_in_german("a purple cow") == (
        "die Datei ist nicht wie vereinbart [a purple cow]"
    )


# --- receipts


def test_a_receipt_counts_and_gives_reasons_and_no_value(county, tmp_path):
    county.feeds["bestand"]["rows"]["quarantine_tolerance"] = 0.5
    bad = ["201512;0202;GEHEIM1;7;1,0;", "201512;0999;A;-5;1.0;"]
    rows = [*county.good_rows()[:3], *bad]
    county.deliver_and_land("bestand", "bestand_201512.csv", county.bestand(*rows))
    outcomes = county.land("bestand")
    assert [outcome.result for outcome in outcomes] == ["unchanged"]
    assert receipt_paths(outcomes, tmp_path) == {}

    first = county.deliver_and_land(
        "bestand",
        "bestand_201412.csv",
        county.bestand(*(row.replace("201512", "201412") for row in rows)),
    )
    paths = receipt_paths([first], tmp_path)
    assert [str(path.relative_to(tmp_path)) for path in paths] == [
        f"kreis/bestand_2014-12-31_{first.sha256[:8]}.md"
    ]
    write_receipts(paths, county.region)
    text = next(iter(paths)).read_text(encoding="utf-8")
    assert "| geliefert | 5 |\n| in Ordnung | 3 |\n| fehlerhaft | 2 |" in text
    assert "| ART: keiner der vereinbarten Schlüssel | 1 | 4 |" in text
    assert "| ANTEIL: keine Zahl in der vereinbarten Schreibweise | 1 | 4 |" in text
    assert "| ANZAHL: kleiner als vereinbart (mindestens 0) | 1 | 5 |" in text
    assert "| RAUM_ID: diesen Raum gibt es nicht | 1 | 5 |" in text
    assert "Ergebnis: **angenommen**" in text
    assert not {"GEHEIM1", "0999", "-5"} & set(re.split(r"[\s|;]+", text))
    assert not ENGLISH.search(text)


def test_a_receipt_of_a_refusal_says_what_was_expected(county, tmp_path):
    county.feeds["bestand"]["rows"]["quarantine_tolerance"] = 0.1
    rows = [*county.good_rows()[:3], "201512;0202;GEHEIM1;7;1.0;"]
    bad = county.bestand(*rows)
    outcome = county.deliver_and_land("bestand", "bestand_201512.csv", bad)
    text = receipt(outcome, county.region)
    assert "Ergebnis: **zurückgewiesen**" in text
    assert "- Erwartet: höchstens 10,0 % fehlerhafte Zeilen von 4" in text
    assert "- Gefunden: 1 fehlerhafte Zeile(n)" in text
    assert "- Zu tun: Bitte eine berichtigte Tabelle senden." in text
    assert "ART: keiner der vereinbarten Schlüssel | 1 | 4 |" in text
    assert not ENGLISH.search(text)

    outcome = county.deliver_and_land("bestand", "bestand_201611.csv", "ZEIT;RAUM\n")
    text = receipt(outcome, county.region)
    assert "es fehlen die Spalten „RAUM_ID“, „ART“" in text
    assert not ENGLISH.search(text), text


def test_receipts_lie_by_liefereinheit_and_a_copy_keeps_the_first(county, tmp_path):
    content = county.bestand(*county.good_rows())
    first = county.deliver_and_land("bestand", "bestand_201512.csv", content)
    copy = county.deliver_and_land("bestand", "bestand_201512 neu.csv", content)
    nameless = county.deliver_and_land("bestand", "bestand.csv", content)
    assert (first.result, copy.result) == ("accepted", "duplicate")
    names = [path.name for path in receipt_paths([first, copy], tmp_path)]
    digest = first.sha256[:8]
    assert names == [
        f"bestand_2015-12-31_{digest}.md",
        f"bestand_2015-12-31_{digest}_doppelt.md",
    ]
    assert "lag bereits vor" in receipt(copy, county.region)
    assert nameless.stichtag is None
    assert [path.name for path in receipt_paths([nameless], tmp_path)] == [
        f"bestand_ohne-stichtag_{digest}.md"
    ]


def test_what_is_not_agreed_has_a_receipt_and_what_did_not_come_has_none(county, tmp_path):
    county.declared["agreements"] = [county.agreement(gueltig_ab="2015-01-01")]
    county.declared["expected"] = {"bestand": ["2014-12-31", "2015-12-31"]}
    county.deliver("bestand", "bestand_201412.csv", county.bestand(*county.good_rows("201412")))
    outcomes = county.land("bestand")
    assert {o.result for o in outcomes} == {"not_agreed", "not_delivered"}
    (path, outcome), *others = receipt_paths(outcomes, tmp_path).items()
    assert not others
    assert path.name.startswith("bestand_2014-12-31_")
    text = receipt(outcome, county.region)
    assert "es besteht keine gültige Vereinbarung" in text
    assert not ENGLISH.search(text)


# --- package and verbs


def _areas(path: Path) -> Path:
    with duckdb.connect() as con:
        con.execute(
            "copy (select * from (values ('05334004-001', '2010', 'sozialraum'), "
            "('05334004-002', '2015', 'sozialraum'), ('05334002-001', '2015', 'sozialraum'), "
            "('05334004', '2015', 'kommune')) as areas(raum_id, gebietsstand, raumebene)) "
            f"to '{path}' (format parquet)"
        )
    return path


def test_a_package_holds_the_areas_of_who_delivers(tmp_path):
    areas = _areas(tmp_path / "areas.parquet")
    region = REGIONS["aachen"]
    paths = write_package(region, "jugendamt_kita", "ja_alsdorf", None, tmp_path, areas=areas)
    assert [path.name for path in paths] == [
        "ANLEITUNG.md",
        "KITA_ja_alsdorf_20160301.csv",
        "raeume.csv",
    ]
    assert paths[2].read_text().split() == ["raum_id", "05334004-002"]


def test_a_package_of_several_forms_has_a_folder_for_each(tmp_path):
    region = REGIONS["aachen"]
    paths = write_package(region, "ewo_bestand", "stadt_aachen", None, tmp_path)
    assert {str(path.relative_to(tmp_path / "ewo_bestand")) for path in paths} == {
        "ANLEITUNG.md",
        "festbreite/EWO_BESTAND_stadt_aachen_20151231.txt",
        "kommagetrennt/EWO_BESTAND_stadt_aachen_20151231.csv",
    }
    one = write_package(
        region, "ewo_bestand", "stadt_aachen", None, tmp_path / "one", form="kommagetrennt"
    )
    assert [path.name for path in one] == [
        "ANLEITUNG.md",
        "EWO_BESTAND_stadt_aachen_20151231.csv",
    ]
    assert "festen Satzstellen" not in one[0].read_text()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("kita", None, None, None), "has no feed 'kita'"),
        (("jugendamt_kita", None, None, None), "say with --liefereinheit which of ja_aachen"),
        (("jugendamt_kita", "regioit", None, None), "say with --liefereinheit"),
        (("ba_einzeldaten", None, date(1990, 1, 1), None), "agreed for Stichtag 1990-01-01"),
        (("jugendamt_hze", "ja_aachen", None, "brief"), "expected form brief"),
    ],
)
def test_a_package_that_nobody_can_write_says_why(arguments, told, tmp_path):
    feed, unit, stichtag, form = arguments
    with pytest.raises(ValueError, match=re.escape(told)):
        write_package(REGIONS["aachen"], feed, unit, stichtag, tmp_path, form=form)


def test_the_verbs_of_partners_need_no_home(tmp_path, monkeypatch, capsys):
    home = tmp_path / "nowhere"
    monkeypatch.setenv("SOZIALRAUM_HOME", str(home))
    monkeypatch.setenv("REGION", "aachen")
    monkeypatch.chdir(tmp_path)
    assert main(["paket", "jugendamt_kita", "--liefereinheit", "ja_aachen"]) == 0
    path = Path(capsys.readouterr().out.split()[-1])
    assert main(["pruefe", str(path)]) == 1
    fill(KITA, path, KITA.row)
    assert main(["pruefe", str(path)]) == 0
    path.with_name("raeume.csv").write_text("raum_id\n05334002-002\n")
    assert main(["pruefe", str(path)]) == 1
    assert "diesen Raum gibt es nicht" in capsys.readouterr().out
    assert main(["pruefe", str(tmp_path / "fehlt.csv")]) == 2
    assert "gibt es nicht" in capsys.readouterr().err
    assert main(["adressen"]) == 2
    assert "expected the address register" in capsys.readouterr().err
    assert not home.exists()


REGISTER = """\
kommune_id;kommune;gebietsstand;gebietsstand_ab;gebietsstand_bis;strassenschluessel;strasse;\
gueltig_ab;gueltig_bis;aktuell;adresse_id;hausnummer;zusatz;bis_hausnummer;bis_zusatz;raum_id
01;Ahausen;alt;2010-01-01;2014-12-31;00001;Bergstraße;2000-01-01;;00001;DE1;5;;5;;01-001
01;Ahausen;neu;2015-01-01;;00001;Bergstraße;2000-01-01;;00001;DE1;5;;5;;01-002
"""


def test_locate_takes_a_stichtag(tmp_path, capsys):
    register, addresses = tmp_path / "register.csv", tmp_path / "adressen.csv"
    register.write_text(REGISTER, encoding="utf-8")
    addresses.write_text("kommune;strasse;hausnummer\nAhausen;Bergstr.;5\n", encoding="utf-8")
    found = tmp_path / "mit.csv"
    command = ["locate", str(addresses), str(found), "--register", str(register)]
    assert main(command) == 0
    assert "01-002;neu" in found.read_text(encoding="utf-8-sig")
    assert main([*command, "--stichtag", "2013-12-31"]) == 0
    assert "01-001;alt" in found.read_text(encoding="utf-8-sig")
    assert "1 über" in capsys.readouterr().err

    addresses.write_text("ort;weg\nAhausen;5\n", encoding="utf-8")
    assert main(command) == 2
    assert "Gebraucht werden die Spalten kommune" in capsys.readouterr().err
