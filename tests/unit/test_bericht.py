"""The Sozialbericht: a period of an edition, frozen."""

from datetime import date
from pathlib import Path

import duckdb
import pytest
from made_edition import DAYS, NEW, Made, make

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
