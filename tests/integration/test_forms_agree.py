"""No form of an edition shows a number that another withholds: all forms, cell by cell."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests import cells_kit

EXACT = {
    "mart_indikator": (
        cells_kit.parquet,
        cells_kit.geopackage_long,
        cells_kit.geopackage_wide,
        cells_kit.geoparquet,
        cells_kit.text,
    ),
    "mart_reihe": (cells_kit.series_text, cells_kit.kommonitor),
}


@pytest.fixture(scope="module", params=["aachen", "rbk", "berlin"])
def edition(request: pytest.FixtureRequest) -> Path:
    """The finished edition of each region."""
    return request.getfixturevalue(request.param).settings.published / "current"


@pytest.mark.parametrize(
    ("mart", "form"),
    [(mart, form) for mart, forms in EXACT.items() for form in forms],
    ids=lambda one: getattr(one, "__name__", one),
)
def test_every_cell_of_a_form_is_that_of_the_marts(edition: Path, mart: str, form):
    expected = cells_kit.truth(edition, mart)
    seen, different = 0, []
    for cell, value in form(edition):
        seen += value is not None
        if value != expected.get(cell):
            different.append(cell)
    assert seen > 1000
    assert different == []


def test_forms_that_tell_all_stichtage_miss_none(edition: Path):
    expected = {
        cell
        for cell, value in cells_kit.truth(edition, "mart_indikator").items()
        if value is not None
    }
    for form in (cells_kit.parquet, cells_kit.geopackage_long, cells_kit.text):
        assert {cell for cell, value in form(edition) if value is not None} == expected


def test_profiles_print_what_the_marts_say(edition: Path):
    """Rounded to what is printed."""
    for mart, told in cells_kit.pages(edition).items():
        expected = cells_kit.truth(edition, mart)
        assert len(told) > 20, mart
        for cell, printed, half in told:
            value = expected.get(cell)
            assert value is not None, cell
            assert abs(value - printed) <= half * 1.000001, cell


def test_what_is_withheld_stands_in_no_form(edition: Path):
    secret = cells_kit.withheld(edition)
    if edition.resolve().name.startswith(("aachen", "rbk")):
        assert len(secret) > 100
    forms = [form for forms in EXACT.values() for form in forms]
    found = [
        (form.__name__, cell)
        for form in forms
        for cell, value in form(edition)
        if value is not None and cell in secret
    ]
    printed = [cell for told in cells_kit.pages(edition).values() for cell, *_ in told]
    assert found == []
    assert secret.isdisjoint(printed)


def test_a_planted_number_is_found(aachen, tmp_path: Path):
    """In a copy, one withheld cell of the GeoPackage's long table gets a number."""
    current = aachen.settings.published / "current"
    for name in ("marts.duckdb", "sozialraum.gpkg"):
        shutil.copyfile(current / name, tmp_path / name)
    with closing(sqlite3.connect(tmp_path / "sozialraum.gpkg")) as con, con:
        con.execute(
            "UPDATE kennzahl SET wert = 4711 WHERE fid = "
            "(SELECT min(fid) FROM kennzahl WHERE status = 'geheim')"
        )
    expected = cells_kit.truth(tmp_path, "mart_indikator")
    wrong = [c for c, value in cells_kit.geopackage_long(tmp_path) if value != expected.get(c)]
    assert len(wrong) == 1
    assert wrong[0] in cells_kit.withheld(tmp_path)
