"""Numbers of the finished marts that the released counts do not give are found."""

import duckdb
import pytest

from publication.origin import draft_numbers_of_other_origin, numbers_of_other_origin

KEYS = "'a' as raum_id, '2015' as gebietsstand, date '2015-12-31' as stichtag"
CROSSING = (
    "'melderegister' as basis, 'insgesamt' as altersgruppe, 'insgesamt' as geschlecht, "
    "'insgesamt' as staatsangehoerigkeit"
)
COUNT = "700 as anzahl, 'ok' as status"
LEVEL = "'sozialraum' as raumebene, false as umgerechnet"


@pytest.fixture
def home(tmp_path):
    """Released counts, an indicator over them, and finished marts that say the same."""
    released = tmp_path / "bevoelkerung.parquet"
    warehouse, marts = tmp_path / "warehouse.duckdb", tmp_path / "marts.duckdb"
    with duckdb.connect(str(warehouse)) as con:
        con.execute(f"copy (select {KEYS}, {CROSSING}, {COUNT}) to '{released}'")
        con.execute("create schema indicators")
        con.execute(
            f"create view indicators.ind_quote as select {KEYS}, 'quote' as indikator_id, "
            "1 as version, 70 as zaehler, 700 as nenner, 'ok' as status"
        )
    with duckdb.connect(str(marts)) as con:
        con.execute(
            f"create table mart_bevoelkerung as select {KEYS}, {CROSSING}, {LEVEL}, 700 as anzahl"
        )
        con.execute(
            f"create table mart_indikator as select {KEYS}, {LEVEL}, 'quote' as indikator_id, "
            "1 as version, 70 as zaehler, 700 as nenner"
        )
    return tmp_path


def found(home) -> list[str]:
    return numbers_of_other_origin(home, home, home / "warehouse.duckdb", ["quote"])


def change(home, statement: str) -> None:
    with duckdb.connect(str(home / "marts.duckdb")) as con:
        con.execute(statement)


def test_what_the_released_counts_give_may_stand(home):
    assert found(home) == []
    change(home, "update mart_indikator set zaehler = null")
    assert found(home) == []


@pytest.mark.parametrize(
    ("statement", "column"),
    [
        ("update mart_bevoelkerung set anzahl = 701", "mart_bevoelkerung.anzahl"),
        ("update mart_bevoelkerung set altersgruppe = '00-02'", "mart_bevoelkerung.anzahl"),
        ("update mart_indikator set zaehler = 71", "mart_indikator.zaehler"),
        ("update mart_indikator set nenner = 1", "mart_indikator.nenner"),
    ],
)
def test_a_number_of_another_origin_is_found_and_not_told(home, statement, column):
    change(home, statement)
    (problem,) = found(home)
    assert column in problem and "found 1 that do not" in problem
    assert not any(number in problem for number in ("70", "71"))


def test_a_number_that_was_withheld_is_of_another_origin(home):
    with duckdb.connect(str(home / "warehouse.duckdb")) as con:
        con.execute(
            f"create or replace view indicators.ind_quote as select {KEYS}, 'quote' as "
            "indikator_id, 1 as version, null::int as zaehler, 700 as nenner, 'geheim' as status"
        )
    (problem,) = found(home)
    assert "mart_indikator.zaehler" in problem


def test_what_cannot_be_read_is_a_problem(home):
    change(home, "drop table mart_indikator")
    (problem,) = found(home)
    assert "expected numbers that can be compared" in problem


@pytest.mark.parametrize("table", ["mart_bevoelkerung", "mart_indikator"])
def test_a_published_total_is_the_released_one(home, table):
    change(home, f"update {table} set raumebene = 'kommune'")
    assert found(home) == []
    column = "anzahl" if table == "mart_bevoelkerung" else "zaehler"
    change(home, f"update {table} set {column} = {column} + 100")
    (problem,) = found(home)
    assert f"{table}.{column}" in problem


def test_a_total_that_is_not_published_is_a_sum_of_parts(home):
    """What its parts add up to is compared elsewhere; the released total is none."""
    released = home / "bevoelkerung.parquet"
    with duckdb.connect() as con:
        withheld = "null::int as anzahl, 'geheim' as status"
        con.execute(f"copy (select {KEYS}, {CROSSING}, {withheld}) to '{released}'")
    change(home, "update mart_bevoelkerung set raumebene = 'kommune', anzahl = 650")
    assert found(home) == []


# --- municipal drafts ---------------------------------------------------------------------------


@pytest.fixture
def drafts(home):
    """The files of a municipality's draft, which say the same."""
    folder = home / "drafts" / "K1"
    folder.mkdir(parents=True)
    with duckdb.connect(str(home / "marts.duckdb")) as con:
        for mart, name in (("bevoelkerung", "bevoelkerung"), ("indikator", "indikatoren")):
            con.execute(
                f"copy (select * exclude (umgerechnet) from mart_{mart}) "
                f"to '{folder / name}.parquet'"
            )
    return home


def found_in_drafts(home) -> list[str]:
    warehouse = home / "warehouse.duckdb"
    return draft_numbers_of_other_origin(home / "drafts", home, warehouse, ["quote"])


@pytest.mark.parametrize(
    ("file", "column"), [("bevoelkerung", "anzahl"), ("indikatoren", "zaehler")]
)
def test_a_draft_that_says_another_number_is_found(drafts, file, column):
    assert found_in_drafts(drafts) == []
    path = drafts / "drafts" / "K1" / f"{file}.parquet"
    with duckdb.connect() as con:
        con.execute(f"create table own as from '{path}'")
        con.execute(f"update own set {column} = {column} + 1")
        con.execute(f"copy own to '{path}'")
    (problem,) = found_in_drafts(drafts)
    assert f".{column}" in problem and "found 1 that do not" in problem


def test_a_draft_without_files_is_a_problem(home):
    (problem,) = found_in_drafts(home)
    assert "expected numbers that can be compared" in problem
