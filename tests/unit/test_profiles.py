"""The profiles of a made county: what stands in them, their standards, faults that are found."""

import json
import re
import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path
from xml.etree import ElementTree

import duckdb
import made_edition
import pdfua
import pikepdf
import pypdfium2
import pytest
from made_edition import KREIS, LONG_NAME, NAMES, TOWN, VILLAGE

from publication.audit import profiles as audit
from publication.imprint import IMPRINT, Imprint
from publication.material import Finished
from publication.numbers import signed
from publication.profiles import choice, reading
from publication.profiles.ages import finest
from publication.profiles.development import runs
from publication.profiles.reading import Point
from publication.profiles.words import age

FIRST, SECRET = f"{TOWN}-001", f"{TOWN}-002"
KINDS = (
    f"sozialraum/{FIRST}",
    f"sozialraum/{SECRET}",
    f"kommune/{TOWN}",
    f"kommune/{VILLAGE}",
    f"kreis/{KREIS}",
    "indikator/sgb2_quote",
    "indikator/rating",
)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return made_edition.make(tmp_path_factory.mktemp("all"), facts={"steckbriefe": "alle"})


@pytest.fixture(scope="module")
def trial(tmp_path_factory):
    return made_edition.make(tmp_path_factory.mktemp("trial"))


def _finished(made, folder: Path | None = None, **changed) -> Finished:
    folder = folder or made.draft
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    imprint = replace(Imprint.of(manifest), **changed)
    return Finished(folder, made.tables, {**manifest, IMPRINT: imprint.facts()}, imprint)


def _page(made, name: str) -> ElementTree.Element:
    return ElementTree.parse(made.draft / "profiles" / f"{name}.html").getroot()


def _said(element: ElementTree.Element) -> str:
    return " ".join(" ".join(element.itertext()).split())


def _sheet_text(made, name: str) -> str:
    document = pypdfium2.PdfDocument(made.draft / "profiles" / f"{name}.pdf")
    return "\n".join(page.get_textpage().get_text_range() for page in document)


def _row(page: ElementTree.Element, table: str, title: str) -> list[str]:
    (found,) = [one for one in page.iter("table") if _said(one.find("caption")).startswith(table)]
    (row,) = [one for one in found.iter("tr") if _said(one[0]).startswith(title)]
    return [_said(cell) for cell in row[1:]]


def _files(folder: Path) -> set[str]:
    return {
        path.relative_to(folder).as_posix()
        for path in (folder / "profiles").rglob("*")
        if path.is_file()
    }


def test_there_is_a_page_and_a_pdf_of_each_area_and_indicator(made):
    areas = [f"sozialraum/{unit}-{n:03d}" for unit in (TOWN, VILLAGE) for n in (1, 2, 3)]
    others = [f"kommune/{TOWN}", f"kommune/{VILLAGE}", f"kreis/{KREIS}"]
    indicators = [f"indikator/{key}" for key in made_edition.INDICATORS]
    expected = {
        f"profiles/{name}.{form}"
        for name in (*areas, *others, *indicators)
        for form in ("html", "pdf")
    }
    assert _files(made.draft) == expected | {"profiles/index.html"}


def test_a_trial_has_the_kreis_and_one_kommune(trial):
    assert _files(trial.draft) == {
        "profiles/index.html",
        *(f"profiles/kommune/{TOWN}.{form}" for form in ("html", "pdf")),
        *(f"profiles/kreis/{KREIS}.{form}" for form in ("html", "pdf")),
    }


def test_the_same_marts_give_the_same_bytes(made, trial):
    for name in (f"kommune/{TOWN}", f"kreis/{KREIS}"):
        one, other = (
            (each.draft / "profiles" / f"{name}.pdf").read_bytes() for each in (made, trial)
        )
        assert one == other


def test_all_profiles_pass_the_audit(made, trial):
    assert list(audit.check(_finished(made))) == []
    assert list(audit.check(_finished(trial))) == []


@pytest.mark.parametrize("name", KINDS)
def test_pdfs_keep_to_their_standards(made, name):
    path = made.draft / "profiles" / f"{name}.pdf"
    report = pdfua.validate(str(path))
    assert [finding.message for finding in report.findings] == []
    with pikepdf.open(path) as document:
        told = document.open_metadata()
        assert (told["pdfaid:part"], told["pdfaid:conformance"]) == ("2", "A")
        assert told["pdfuaid:part"] == "1"
        assert document.docinfo["/Author"] == "StädteRegion (gemacht)"
        assert str(document.docinfo["/CreationDate"]).startswith("D:20261123")
        assert document.Root["/Lang"] == "de-DE"
        assert "/OutputIntents" in document.Root


@pytest.mark.parametrize("key", NAMES)
def test_odd_names_stand_as_they_are(made, key):
    level = {5: "kreis", 8: "kommune"}.get(len(key), "sozialraum")
    assert _said(_page(made, f"{level}/{key}").find("body/header/h1")) == NAMES[key]
    printed = " ".join(_sheet_text(made, f"{level}/{key}").split())
    assert NAMES[key] in printed


@pytest.mark.parametrize("name", KINDS)
def test_everything_printed_stays_within_the_page(made, name):
    document = pypdfium2.PdfDocument(made.draft / "profiles" / f"{name}.pdf")
    for page in document:
        text = page.get_textpage()
        boxes = [
            text.get_charbox(place)
            for place in range(text.count_chars())
            if text.get_text_range(place, 1).strip()
        ]
        width, height = page.get_size()
        assert min(box[0] for box in boxes) >= 50  # the margin is 20 mm
        assert max(box[2] for box in boxes) <= width - 50
        assert min(box[1] for box in boxes) >= 20
        assert max(box[3] for box in boxes) <= height - 40


@pytest.mark.parametrize("name", (f"kommune/{VILLAGE}", f"sozialraum/{FIRST}"))
def test_pages_fit_narrow_and_wide_screens(made, name):
    if not Path("/usr/bin/chromium").exists():
        pytest.skip("needs the Debian package chromium")
    from playwright.sync_api import sync_playwright

    asked = []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        for width in (390, 1280):
            page = browser.new_page(viewport={"width": width, "height": 800})
            page.on("request", lambda request: asked.append(request.url))
            page.goto((made.draft / "profiles" / f"{name}.html").as_uri())
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width
            assert page.evaluate("document.documentElement.lang") == "de"
            # where the keyboard begins
            page.keyboard.press("Tab")
            assert page.evaluate("document.activeElement.textContent") == "Zum Inhalt springen"
        browser.close()
    assert len(asked) == 2  # the page itself, twice


def test_a_withheld_value_is_named_and_not_shown(made):
    page = _page(made, f"sozialraum/{SECRET}")
    assert _row(page, "Leitindikatoren", "SGB-II-Quote") == ["Geheimhaltung", "10,0", "11,0"]
    assert _row(page, "Alle Indikatoren", "SGB-II-Quote")[:2] == ["Geheimhaltung", "–"]
    assert _row(page, "Leitindikatoren", "Soziale Lage")[0] == "Geheimhaltung"
    assert "Leitindikatoren" in _sheet_text(made, f"sozialraum/{SECRET}")
    marks = {
        one.get("data-schluessel")
        for one in page.iter()
        if "sgb2_quote" in one.get("data-schluessel", "") and one.get("data-spalte") == "wert"
    }
    assert not [mark for mark in marks if mark.startswith(SECRET)]


def test_a_withheld_area_is_hatched_on_maps_and_named_in_tables(made):
    page = _page(made, "indikator/sgb2_quote")
    paint = {
        one.get("data-raum"): (one.get("fill"), one.get("data-klasse"))
        for one in page.iter()
        if one.get("data-raum")
    }
    assert paint[SECRET] == ("url(#karte-schraffur)", "Geheimhaltung")
    assert paint[f"{TOWN}-003"] == ("#d9d9d9", "zu klein")
    assert paint[FIRST] == ("#fd8d3c", "über 10,0 bis 15,0".replace(",0", ""))
    assert _row(page, "Alle Räume", NAMES[SECRET])[0] == "Geheimhaltung"


def test_a_withheld_age_band_has_no_bar(made):
    page = _page(made, f"sozialraum/{SECRET}")
    bars = [
        one.get("data-schluessel")
        for one in page.iter("{http://www.w3.org/2000/svg}rect")
        if one.get("data-tabelle") == "mart_bevoelkerung"
    ]
    assert len(bars) == 2 * len(made_edition.AGES) - 2
    assert not [key for key in bars if "|00-02|" in key]
    assert "Ohne Zahl sind: 0 bis 2 Jahre." in _said(page)


def test_values_stand_beside_kommune_and_kreis(made):
    page = _page(made, f"sozialraum/{FIRST}")
    assert _row(page, "Leitindikatoren", "SGB-II-Quote") == ["15,0", "10,0", "11,0"]
    assert _row(page, "Alle Indikatoren", "SGB-II-Quote") == [
        *("15,0", "14,0 bis 16,0", "10,0", "11,0"),
        *("im Rahmen des Zufalls", "31.12.2015"),
    ]


def test_a_municipality_compares_its_areas_and_carries_its_statements(made):
    page = _page(made, f"kommune/{TOWN}")
    tables = [one for one in page.iter("table") if "Wert und Abstand" in _said(one.find("caption"))]
    keys = [_said(row[0]) for row in tables[0].iter("tr")]
    assert keys[2:] == [NAMES[KREIS], NAMES[TOWN], *(NAMES[f"{TOWN}-00{n}"] for n in (1, 2, 3))]
    said = _said(page)
    assert "Die Stadt nimmt die Zahlen zur Kenntnis." in said
    assert "Zweiter Absatz <mit> Zeichen." in said
    assert "Stellungnahme der Träger: keine abgegeben." in said
    assert "Empfohlenes Handeln Angebote bündeln. Kreis, Sozialplanung, 02.03.2016" in said
    assert "Stellungnahme der Kommune: keine abgegeben." in _said(_page(made, f"kommune/{VILLAGE}"))


def test_areas_of_an_indicator_stand_by_key(made):
    page = _page(made, "indikator/anteil_ab_65")
    (table,) = [
        one for one in page.iter("table") if _said(one.find("caption")).startswith("Alle Räume")
    ]
    names = [_said(row[0]) for row in table.iter("tr")][1:]
    assert names == [
        NAMES[KREIS],
        NAMES[TOWN],
        *(NAMES[f"{TOWN}-00{n}"] for n in (1, 2, 3)),
        LONG_NAME,
        *(f"Raum {VILLAGE}-00{n}" for n in (1, 2, 3)),
    ]
    said = _said(page)
    assert "Definition von Anteil 65-Jährige und Ältere." in said
    assert "kleinste Fallzahl über null 3" in said


def test_hints_and_peers_stand_with_their_area(made):
    said = _said(_page(made, f"sozialraum/{FIRST}"))
    assert "In diesem Raum liegt eine große Einrichtung." in said
    assert f"Raum {VILLAGE}-003" in said
    assert "große Einrichtung" not in _said(_page(made, f"sozialraum/{TOWN}-003"))


def test_no_column_for_experts_is_read(made):
    for name, record in reading.RECORDS.items():
        (table,) = [one for one in made.tables if one.name == name]
        hidden = {one.name for one in table.columns if one.audience == "fachlich"}
        assert not hidden & set(record._fields)
        closed = replace(
            table, columns=tuple(replace(one, audience="fachlich") for one in table.columns)
        )
        others = [closed if one is table else one for one in made.tables]
        with pytest.raises(ValueError, match=f"{name}: expected columns for everyone"):
            reading.check_audience(others)


def test_profiles_are_chosen_by_the_region(made):
    finished = _finished(made, stufen=("kreis",))
    with finished.open() as con:
        chosen = choice.chosen(con, finished.imprint, finished.manifest)
        assert [one.page for one in chosen] == [f"profiles/kreis/{KREIS}.html"]
        with pytest.raises(ValueError, match="steckbriefe: expected alle or kreis"):
            choice.chosen(con, finished.imprint, {"steckbriefe": "viele"})


def test_a_key_that_is_no_file_name_is_refused(made, tmp_path):
    shutil.copy(made.draft / "marts.duckdb", tmp_path / "marts.duckdb")
    with duckdb.connect(str(tmp_path / "marts.duckdb")) as con:
        con.execute("UPDATE dim_indikator SET indikator_id = '../x' WHERE indikator_id = 'rating'")
        with pytest.raises(ValueError, match="expected a key of letters"):
            choice.chosen(con, made.imprint, {})


def test_statements_are_demanded_where_the_region_does(made):
    (problem,) = audit.check(_finished(made, stellungnahme_pflicht=True))
    assert VILLAGE in problem
    assert TOWN not in problem
    assert "stellungnahmen.yaml" in problem


def test_the_finest_bands_that_do_not_overlap_are_drawn():
    assert finest(["00-02", "03-05", "00-05", "06-64", "15-44", "65+"]) == [
        *("00-02", "03-05", "15-44", "65+"),
    ]
    assert [age(band) for band in ("00-02", "05-05", "80+")] == ["0 bis 2", "5", "80 und älter"]


def test_differences_have_a_sign():
    assert [signed(value, 1) for value in (1.25, -0.34, 0.04, -0.04, 0.0, None)] == [
        *("+1,2", "−0,3", "0,0", "0,0", "0,0", "–"),
    ]


def test_a_line_ends_at_breaks_and_at_what_is_withheld():
    def point(year: int, status: str = "ok", broken: str | None = None) -> Point:
        value = 1.0 if status == "ok" else None
        day = date(year, 12, 31)
        return Point(
            "a", "s", day, "i", 1, value, None, status, False, broken, None, None, None, None
        )

    told = runs([point(2010), point(2011), point(2012, "geheim"), point(2013), point(2014)])
    assert [[one.stichtag.year for one in run] for run in told] == [[2010, 2011], [2013, 2014]]
    told = runs([point(2010), point(2011, broken="quelle"), point(2012)])
    assert [[one.stichtag.year for one in run] for run in told] == [[2010], [2011, 2012]]


# Faults, each planted into finished files and named by the audit


def _replaced(name: str, old: str, new: str):
    def plant(folder: Path) -> None:
        path = folder / "profiles" / name
        text = path.read_text("utf-8")
        assert re.search(old, text, re.DOTALL)
        path.write_text(re.sub(old, new, text, count=1, flags=re.DOTALL), "utf-8")

    return plant


def _in_pdf(change, name: str = f"sozialraum/{FIRST}.pdf"):
    def plant(folder: Path) -> None:
        path = folder / "profiles" / name
        with pikepdf.open(path, allow_overwriting_input=True) as document:
            change(document)
            document.save(path)

    return plant


def _copied(source: str, target: str):
    return lambda folder: shutil.copy(folder / "profiles" / source, folder / "profiles" / target)


def _removed(name: str):
    return lambda folder: (folder / "profiles" / name).unlink()


def _action(entries: dict):
    def change(document: pikepdf.Pdf) -> None:
        document.Root["/OpenAction"] = pikepdf.Dictionary(entries)

    return _in_pdf(change)


def _attach(document: pikepdf.Pdf) -> None:
    document.attachments["daten.csv"] = b"raum;wert"


def _unmark(document: pikepdf.Pdf) -> None:
    with document.open_metadata() as told:
        del told["pdfuaid:part"]


def _rename(document: pikepdf.Pdf) -> None:
    document.docinfo["/Author"] = "rechner-17"


def _untag(document: pikepdf.Pdf) -> None:
    del document.Root["/MarkInfo"]


OWN, HIDDEN = f"sozialraum/{FIRST}.html", f"sozialraum/{SECRET}.html"
FAULTS = {
    "another number": (
        _replaced(OWN, r"(sgb2_quote\|1\" data-spalte=\"wert\">)15,0", r"\g<1>15,1"),
        "numbers as in mart_",
    ),
    "a withheld number": (
        _replaced(
            HIDDEN,
            r"<span class=\"wort\">Geheimhaltung</span>",
            '<span data-tabelle="mart_indikator" data-spalte="wert" '
            f'data-schluessel="{SECRET}|2015|2015-12-31|sgb2_quote|1">16,0</span>',
        ),
        "expected no number where mart_indikator.wert has none",
    ),
    "a cell of a column for experts": (
        _replaced(OWN, r"(sgb2_quote\|1\" data-spalte=\")wert(\">15,0)", r"\g<1>rang_kreis\g<2>"),
        "expected no number where mart_",
    ),
    "a number that says nothing": (
        _replaced(OWN, r"</main>", "<p>Es sind 17.</p></main>"),
        "number that does not say what it is",
    ),
    "a text that the marts do not have": (
        _replaced(OWN, r"</main>", '<p data-art="text">Es sind 17.</p></main>'),
        "texts of kind text",
    ),
    "a day that the marts do not have": (
        _replaced(OWN, r"(data-art=\"tag\">)31.12.2015", r"\g<1>24.12.2015"),
        "texts of kind tag",
    ),
    "a name that is none": (
        _replaced(OWN, r"(<h1><span data-art=\"name\">Oecher Straße) 1/2", r"\g<1> 1/3"),
        "texts of kind name",
    ),
    "a script": (_replaced(OWN, r"</main>", "<script>1</script></main>"), "only elements"),
    "an event": (_replaced(OWN, r"<main ", '<main onclick="x()" '), "only attributes"),
    "a picture from elsewhere": (
        _replaced(OWN, r"</main>", '<img src="https://x.example/a.png"/></main>'),
        "only elements",
    ),
    "a link to elsewhere": (
        _replaced(OWN, r"</main>", '<a href="https://x.example/">x</a></main>'),
        "links within the edition",
    ),
    "a link to no file": (_replaced(OWN, r"\.\./index\.html", "../weg.html"), "links within"),
    "a link out of the edition": (
        _replaced(OWN, r"\.\./index\.html", "../../../../etc/passwd"),
        "links within",
    ),
    "a comment": (_replaced(OWN, r"</main>", "<!-- 16,0 --></main>"), "no comment"),
    "a number read out": (
        _replaced(OWN, r"aria-label=\"Inhalt\"", 'aria-label="16,0"'),
        "attribute that is read out",
    ),
    "a style sheet that loads": (
        _replaced(OWN, r"</style>", "@import 'x.css';</style>"),
        "style sheet that needs",
    ),
    "a style sheet that says a number": (
        _replaced(OWN, r"</style>", "h1::after { content: '16,0' }</style>"),
        "style sheet that needs",
    ),
    "paint from elsewhere": (
        _replaced(OWN, r"fill=\"#fff\w*\"", 'fill="url(https://x.example/a.svg#a)"'),
        "paint of the drawing",
    ),
    "a path of a machine": (
        _replaced(OWN, r"</main>", "<p>/home/anna/marts.duckdb</p></main>"),
        "no path of a machine",
    ),
    "a page that is not well-formed": (_replaced(OWN, r"</main>", "<p></main>"), "well-formed"),
    "another title": (_replaced(OWN, r"<title>Oecher", "<title>Andere"), "heading and kind"),
    "a table without caption": (
        _replaced(OWN, r"<caption.*?</caption>", ""),
        "caption and scopes",
    ),
    "a drawing without description": (
        _replaced(OWN, r"<desc.*?</desc>", ""),
        "role, title and description",
    ),
    "a bar for a withheld band": (
        _replaced(
            HIDDEN, r"(\|melderegister\|)03-05(\|maennlich\|insgesamt\"[^<>]*/>)", r"\g<1>00-02\2"
        ),
        "nothing drawn for a cell without a value",
    ),
    "a bar that says nothing": (
        _replaced(HIDDEN, r"(<rect [^>]*?) data-tabelle=[^>]*?/>", r"\1/>"),
        "bars that say what they stand for",
    ),
    "a bar of another length": (
        _replaced(OWN, r"(<rect x=\"54\" y=\"16\" width=\")[\d.]+", r"\g<1>99"),
        "bars as long as their values",
    ),
    "a point for a withheld value": (
        _replaced(
            "indikator/sgb2_quote.html",
            rf"(<circle [^>]*data-schluessel=\"){FIRST}",
            rf"\g<1>{SECRET}",
        ),
        "nothing drawn for a cell without a value",
    ),
    "a point elsewhere": (
        _replaced("indikator/sgb2_quote.html", r"(<circle cx=\")[\d.]+", r"\g<1>200"),
        "points where their values are",
    ),
    "a line through a withheld value": (
        _replaced(OWN, rf"(data-punkte=\"){FIRST}\|2015\|2012", rf"\g<1>{FIRST}|2015|2011"),
        "lines through values",
    ),
    "a withheld area in a colour": (
        _replaced(
            "indikator/sgb2_quote.html",
            rf"fill=\"url\(#karte-schraffur\)\"([^>]*data-raum=\"{SECRET}\")",
            r'fill="#fd8d3c"\1',
        ),
        "no class for an area without a value",
    ),
    "an area in another colour": (
        _replaced(
            "indikator/sgb2_quote.html", r"fill=\"#fd8d3c\"( [^>]*data-raum)", r'fill="#bd0026"\1'
        ),
        "colour of their class",
    ),
    "a profile too few": (_removed(f"sozialraum/{FIRST}.pdf"), "found no such one"),
    "a file too many": (_copied(OWN, "sozialraum/liste.html"), "expected only declared files"),
    "a PDF of another area": (
        _copied(f"sozialraum/{VILLAGE}-003.pdf", f"sozialraum/{SECRET}.pdf"),
        "expected only numbers that",
    ),
    "an attachment": (_in_pdf(_attach), "expected no attachments"),
    "JavaScript in a PDF": (
        _action({"/S": pikepdf.Name("/JavaScript"), "/JS": "app.alert(1)"}),
        "expected no actions",
    ),
    "a link of a PDF to elsewhere": (
        _action({"/S": pikepdf.Name("/URI"), "/URI": "https://x.example/"}),
        "links to the addresses of the imprint",
    ),
    "a PDF without its standard": (_in_pdf(_unmark), "marks of PDF/A-2a and PDF/UA-1"),
    "a PDF without tags": (_in_pdf(_untag), "expected a tagged PDF"),
    "a machine's name in a PDF": (_in_pdf(_rename), "publisher as author"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_audit_names_a_planted_fault(made, tmp_path, fault):
    plant, expected = FAULTS[fault]
    folder = tmp_path / "draft"
    # of an edition with two kinds of profiles, since each file is read for each fault
    shutil.copytree(made.draft, folder, ignore=_not_needed)
    finished = _finished(made, folder, stufen=("sozialraum", "indikator"))
    plant(folder)
    problems = list(audit.check(finished))
    assert any(expected in problem for problem in problems), problems
    assert not any("16,0" in problem or "15,1" in problem for problem in problems)


def _not_needed(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if name in ("kommune", "kreis", "parquet", "sozialraum.gpkg")]
