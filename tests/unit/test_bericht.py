"""The Sozialbericht: a period of an edition, frozen."""

import re
import shutil
from datetime import date
from pathlib import Path

import duckdb
import pytest
from made_edition import DAYS, LONG_NAME, NEW, Made, make

from publication.audit import audit_files
from publication.bericht.period import freeze


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return make(tmp_path_factory.mktemp("made"), facts={"steckbriefe": "kreis"})


def _frozen(made: Made, folder: Path, begin: date, end: date) -> Path:
    freeze(made.draft / "marts.duckdb", made.tables, begin, end, folder / "frozen.duckdb")
    return folder / "frozen.duckdb"


def _rows(database: Path, query: str) -> list[tuple]:
    with duckdb.connect(str(database), read_only=True) as con:
        return con.execute(query).fetchall()


def test_a_period_has_its_rows_and_no_other(made: Made, tmp_path: Path):
    frozen = _frozen(made, tmp_path, date(2015, 1, 1), date(2015, 12, 31))
    for table in ("mart_indikator", "mart_bevoelkerung", "mart_index", "mart_reihe"):
        assert _rows(frozen, f"SELECT DISTINCT stichtag FROM marts.{table}") == [(NEW,)]
    found = _rows(frozen, "SELECT count(*), count(wert) FROM marts.mart_indikator")
    expected = _rows(
        made.draft / "marts.duckdb",
        "SELECT count(*), count(wert) FROM mart_indikator WHERE stichtag = DATE '2015-12-31'",
    )
    assert found == expected
    assert _rows(frozen, "SELECT DISTINCT gebietsstand FROM marts.dim_raum") == [("2015",)]


def test_a_period_keeps_what_has_no_day(made: Made, tmp_path: Path):
    frozen = _frozen(made, tmp_path, date(2012, 1, 1), date(2015, 12, 31))
    for table in made.tables:
        whole = _rows(made.draft / "marts.duckdb", f"SELECT count(*) FROM {table.name}")
        assert _rows(frozen, f"SELECT count(*) FROM {table.relation}") == whole, table.name


def test_what_is_told_on_other_boundaries_is_left_out(made: Made, tmp_path: Path):
    """The made figures stand on the boundaries of 2015: a period before them has none."""
    with pytest.raises(ValueError, match="expected figures of the edition in it, found none"):
        _frozen(made, tmp_path, date(2012, 1, 1), date(2014, 12, 31))


def test_a_period_without_figures_is_refused(made: Made, tmp_path: Path):
    with pytest.raises(ValueError, match="choose a period that holds one of its Stichtage"):
        _frozen(made, tmp_path, date(2019, 1, 1), date(2020, 12, 31))


def test_a_period_that_ends_before_it_begins_is_refused(made: Made, tmp_path: Path):
    with pytest.raises(ValueError, match="swap them"):
        _frozen(made, tmp_path, DAYS[1], DAYS[0])


REPORT = {
    "titel": "Sozialbericht 2015 <für> alle",
    "von": "2015-01-01",
    "bis": "2015-12-31",
    "ausgabe": "aachen-20160101T000000000000Z",
    "ausgabe_content_hash": "ab12" * 16,
}


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Made:
    facts = {"kind": "sozialbericht", "bericht": REPORT, "steckbriefe": "kreis"}
    return make(tmp_path_factory.mktemp("report"), facts=facts)


def test_a_report_binds_themes_kreis_and_kommunen(report: Made):
    page = (report.draft / "bericht.html").read_text("utf-8")
    titles = re.findall(r'<h2 id="[^"]+">([^<]*)</h2>', page)
    assert titles[0] == "Über diesen Bericht"
    themes = {title.removeprefix("Thema: ") for title in titles if title.startswith("Thema: ")}
    assert "Bevölkerung" in themes
    assert len(themes) == 3
    for unit in ("StädteRegion", "Aachen", LONG_NAME):
        assert any(title.startswith(f"{unit} – ") for title in titles), unit
    assert "Sozialbericht 2015 &lt;für&gt; alle" in page
    assert "01.01.2015" in page
    assert "aachen-20160101T000000000000Z" in page
    assert re.search(r"urn:uuid:[0-9a-f-]{36}", page)


def test_ids_of_a_report_are_its_own(report: Made):
    page = (report.draft / "bericht.html").read_text("utf-8")
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids)) > 50
    used = re.findall(r"url\(#([^)]+)\)", page)
    used += [one for found in re.findall(r'aria-\w+by="([^"]+)"', page) for one in found.split()]
    assert set(used) <= set(ids)


def test_the_audit_of_a_report_is_empty_and_finds_a_planted_number(report: Made, tmp_path: Path):
    assert audit_files(report.draft, report.tables) == []
    planted = shutil.copytree(report.draft, tmp_path / "planted")
    page = planted / "bericht.html"
    text = page.read_text("utf-8")
    assert text.count("Sozialbericht") > 1
    page.write_text(text.replace("<p>Der Bericht", "<p>4711 Der Bericht"), "utf-8")
    found = audit_files(planted, report.tables)
    assert any(
        one.startswith("bericht.html: expected no number that does not say what it is")
        for one in found
    )


def test_the_pdf_of_a_report_is_accessible_and_has_contents(report: Made):
    import pdfua
    import pypdfium2

    checked = pdfua.validate(report.draft / "bericht.pdf")
    assert [one.rule_id for one in checked.findings if one.severity.name == "ERROR"] == []
    document = pypdfium2.PdfDocument(report.draft / "bericht.pdf")
    try:
        first = document[0].get_textpage().get_text_range()
        pages = len(document)
    finally:
        document.close()
    assert "Thema: Bevölkerung" in first
    assert pages > 4


def test_an_edition_that_is_no_report_has_none(made: Made):
    assert not list(made.draft.glob("bericht.*"))
