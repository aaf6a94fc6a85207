"""Views of `marts.duckdb`: what analysts find, the page's queries, and what the audit refuses."""

import contextlib
import io
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import duckdb
import made_edition
import pytest
from queries_kit import NOTEBOOK, SCRIPT, code_cells, queries, rows

from publication.audit import audit_files, edition
from publication.imprint import Imprint
from publication.material import Finished


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> made_edition.Made:
    return made_edition.make(tmp_path_factory.mktemp("made"))


@pytest.fixture(scope="module")
def marts(made) -> Path:
    return made.draft / "marts.duckdb"


@pytest.fixture
def reader(made, tmp_path, monkeypatch) -> Path:
    """A folder as the examples expect it, and the place where they run."""
    (tmp_path / "var/published").mkdir(parents=True)
    (tmp_path / "var/published/current").symlink_to(made.draft)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_view_and_column_has_a_comment(marts):
    assert rows(marts, "SELECT count(*) FROM duckdb_views() WHERE NOT internal")[0][0] > 9
    assert not rows(marts, "FROM duckdb_views() WHERE NOT internal AND comment IS NULL")
    assert not rows(marts, "FROM duckdb_columns() WHERE NOT internal AND comment IS NULL")


def test_views_hold_every_row_once(marts):
    for view, table in (
        ("kennzahlen", "mart_indikator"),
        ("zeitreihen", "mart_reihe"),
        ("bevoelkerung", "mart_bevoelkerung"),
        ("indizes", "mart_index"),
        ("vergleichsraeume", "mart_vergleichsraum"),
        ("hinweise", "mart_hinweis"),
        ("revisionen", "mart_revision"),
    ):
        (counts,) = rows(marts, f"SELECT (SELECT count(*) FROM {view}), count(*) FROM {table}")
        assert counts[0] == counts[1], view


def test_names_stand_beside_keys(marts):
    ((area, town, name),) = rows(
        marts,
        "SELECT DISTINCT raum, kommune, indikator FROM kennzahlen "
        f"WHERE raum_id = '{made_edition.TOWN}-001' AND indikator_id = 'sgb2_quote'",
    )
    assert (area, town, name) == ("Oecher Straße 1/2", "Aachen", "SGB-II-Quote")
    assert rows(marts, "SELECT DISTINCT index_name FROM indizes") == [("Soziale Lage",)]
    assert rows(marts, "SELECT indikator, raum FROM hinweise") == [
        ("SGB-II-Quote", "Oecher Straße 1/2")
    ]


def test_the_newest_figures_are_of_the_newest_day_and_boundaries(marts):
    assert rows(marts, "SELECT DISTINCT stichtag FROM kennzahlen_aktuell") == [(made_edition.NEW,)]
    assert rows(marts, "SELECT DISTINCT gebietsstand FROM raeume") == [("2015",)]
    assert rows(marts, "SELECT count(DISTINCT raum_id), count(*) FROM raeume") == [(11, 11)]


def test_the_newest_definition_replaces_an_older_one_of_the_same_day(made, tmp_path):
    """Where both versions have a value of a day, an analyst would count twice."""
    folder = shutil.copytree(made.draft, tmp_path / "draft")
    with duckdb.connect(str(folder / "marts.duckdb")) as con:
        before = con.execute("SELECT count(*) FROM kennzahlen").fetchone()
        for table in ("dim_indikator", "mart_indikator", "mart_reihe"):
            con.execute(
                f"INSERT INTO {table} SELECT * REPLACE (2 AS version) FROM {table} "
                "WHERE indikator_id = 'sgb2_quote'"
            )
        assert con.execute("SELECT count(*) FROM kennzahlen").fetchone() == before
        assert con.execute("SELECT count(*) FROM zeitreihen").fetchone() == before
        versions = "SELECT DISTINCT version FROM kennzahlen WHERE indikator_id = 'sgb2_quote'"
        assert con.execute(versions).fetchall() == [(2,)]


def test_the_edition_tells_who_it_is_from(marts):
    ((name, licence, source),) = rows(marts, "SELECT ausgabe, lizenz, quellenvermerk FROM ausgabe")
    assert name == made_edition.FACTS["edition_id"]
    assert (licence, source) == (
        made_edition.IMPRINT.lizenz_name,
        made_edition.IMPRINT.quellenvermerk,
    )


def test_views_pass_odd_names_on(tmp_path):
    odd = Imprint(**{**vars(made_edition.IMPRINT), "titel": "O'Hara's \"$titel\" & {x}; --"})
    draft = made_edition.make(tmp_path, imprint=odd).draft
    assert rows(draft / "marts.duckdb", "SELECT titel FROM ausgabe") == [(odd.titel,)]


def test_there_are_ten_questions():
    assert [int(question.partition(".")[0]) for question, _ in queries()] == list(range(1, 11))


@pytest.mark.parametrize("query", [pytest.param(sql, id=name) for name, sql in queries()])
def test_a_query_of_the_page_returns_rows(marts, query):
    assert rows(marts, query)


def test_the_notebook_runs_from_its_first_cell_to_its_last(reader):
    notebook = json.loads(NOTEBOOK.read_text("utf-8"))
    assert notebook["nbformat"] == 4
    assert not any(cell.get("outputs") for cell in notebook["cells"])
    names: dict = {}
    with contextlib.redirect_stdout(io.StringIO()):
        for cell in code_cells():
            exec(compile(cell, NOTEBOOK.name, "exec"), names)
    assert len(names["raeume"]) == 6
    names["edition"].close()


def test_the_r_script_runs(reader):
    r = shutil.which("Rscript")
    if r is None:
        pytest.skip("needs Rscript (Debian: r-base-core) and the R packages DBI and duckdb")
    packages = 'quit(status = !all(sapply(c("DBI", "duckdb"), requireNamespace, quietly = TRUE)))'
    if subprocess.run([r, "-e", packages], capture_output=True).returncode:
        pytest.skip("needs the R packages DBI and duckdb")
    done = subprocess.run([r, SCRIPT], cwd=reader, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "Aachen" in done.stdout


def _tampered(made: made_edition.Made, folder: Path, sql: str) -> list[str]:
    """Return what the audit says of the database of a draft after a change."""
    shutil.copytree(made.draft, folder)
    with duckdb.connect(str(folder / "marts.duckdb")) as con:
        con.execute(sql)
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    finished = Finished(folder, made.tables, manifest, made.imprint)
    return [
        problem
        for name, check in edition.checks(finished)
        if name == "marts.duckdb"
        for problem in check()
    ]


def test_the_audit_finds_nothing_in_what_was_written(made):
    assert audit_files(made.draft, made.tables) == []


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("DROP VIEW hinweise", "expected hinweise among its views, found no such one"),
        ("CREATE VIEW mehr AS SELECT 1 AS eins", "expected only declared views, found mehr"),
        ("CREATE SCHEMA s; CREATE VIEW s.raeume AS SELECT 1", "found s.raeume"),
        (
            "CREATE OR REPLACE VIEW ausgabe AS SELECT 'anders' AS ausgabe",
            "ausgabe: expected the declared query, found another",
        ),
        (
            "CREATE OR REPLACE VIEW indizes AS FROM read_csv('/etc/passwd', columns={'a': 'TEXT'})",
            "indizes: expected the declared query, found another",
        ),
        (
            "COMMENT ON COLUMN raeume.raum IS NULL",
            "raeume: expected the declared columns and comments, found others",
        ),
        (
            "COMMENT ON VIEW raeume IS 'anders'",
            "raeume: expected the declared columns and comments, found others",
        ),
    ],
)
def test_the_audit_finds_views_that_are_not_as_declared(made, tmp_path, sql: str, expected: str):
    problems = _tampered(made, tmp_path / "draft", sql)
    assert problems and all(problem.startswith("marts.duckdb") for problem in problems)
    assert any(expected in problem for problem in problems), problems


def test_the_audit_refuses_a_declared_view_without_comments(made, tmp_path, monkeypatch):
    """Even if the file has just what was declared."""
    _declare(
        tmp_path, monkeypatch, lambda text: text.replace("COMMENT ON COLUMN raeume.raum IS", "--")
    )
    draft = made_edition.make(tmp_path / "made").draft
    assert audit_files(draft, made.tables) == [
        "marts.duckdb raeume: expected a comment on each column, found none on raum"
    ]


def test_a_view_over_what_is_not_published_is_not_written(tmp_path, monkeypatch):
    _declare(tmp_path, monkeypatch, lambda text: text.replace("dim_raum", "fct_person"))
    with pytest.raises(duckdb.CatalogException):
        made_edition.make(tmp_path / "made")


def _declare(folder: Path, monkeypatch, change: Callable[[str], str]) -> None:
    """Replace the view `raeume` by another declaration."""
    from publication.forms import views

    files = shutil.copytree(views.FILES, folder / "views")
    file = files / "raeume.sql"
    file.write_text(change(file.read_text("utf-8")), "utf-8")
    monkeypatch.setattr(views, "FILES", files)
