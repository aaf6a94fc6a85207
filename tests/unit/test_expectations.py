"""The gates: every rule passes on good data, fails on planted faults, and keeps no value."""

import logging
import re
import tempfile

import duckdb
import pytest

from expectations.arrival import arrival_suite
from expectations.data_docs import write_data_docs
from expectations.runner import message, run_suite
from expectations.suite import SUITES, Suite, load_suite

MARKER = "MARKER-4711"
FEED = {
    "feed": "kita_plaetze",
    "key": ["einrichtung", "altersgruppe"],
    "columns": [
        {"name": "einrichtung", "type": "text", "required": True},
        {"name": "altersgruppe", "type": "text", "required": True, "codes": [1, "2", "{x:y}$'"]},
        {"name": "plaetze", "type": "integer", "required": True, "minimum": 0, "maximum": 500},
        {"name": "quote", "type": "decimal", "required": True, "minimum": 0.0, "has_state": True},
        {"name": "eroeffnet", "type": "date", "required": False},
        {"name": "lage", "type": "geometry", "required": False},
    ],
}
OPTIONAL = {"codes": None, "minimum": None, "maximum": None, "has_state": False}
FEED["columns"] = [OPTIONAL | column for column in FEED["columns"]]
EXPECTED = {
    "delivery_id": "d-1",
    "stichtag": "2013-12-31",
    "rows": 4,
    "liefereinheit": "K1",
    "previous_rows": 4,
    "tolerance": 0.25,
}
GOOD = """
    select 'd-1' as delivery_id, i as row_number, 'K1' as liefereinheit,
        date '2013-12-31' as stichtag, 'E' || i as einrichtung,
        case i % 3 when 0 then '1' when 1 then '2' else '{x:y}$''' end as altersgruppe,
        20 as plaetze, if(i = 2, null, 0.5) as quote,
        if(i = 2, 'suppressed', null) as quote__zustand,
        null::date as eroeffnet, null::blob as lage
    from range(4) as numbers(i)
"""


def suite_of(*expectations, table="core.t"):
    """A suite on one table from (name, rule, arguments)."""
    return Suite.model_validate(
        {
            "name": "test",
            "description": "A suite for a test.",
            "tables": [
                {
                    "table": table,
                    "expectations": [
                        {
                            "name": name,
                            "rule": rule,
                            "arguments": arguments,
                            "description": f"What {name} says holds.",
                            "remedy": f"Repair {name}.",
                        }
                        for name, rule, arguments in expectations
                    ],
                }
            ],
        }
    )


def no_rows(name, query):
    return name, "no_rows", {"query": query}


def parquet(path, query):
    duckdb.sql(query).write_parquet(str(path))
    return path


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "sealed $HOME #1?.duckdb"  # all of these mean something to someone
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema core")
        connection.execute(
            f"create table core.t as select i as id, i % 7 as g, '{MARKER}' as m "
            "from range(3000) as numbers(i)"
        )
        connection.execute("create table core.u as select 1 as id")
    return path


def failed_names(result):
    return [check.name for check in result.failed]


# --- suites are data


def test_load_suite_reads_the_named_file(tmp_path, monkeypatch):
    monkeypatch.setattr("expectations.suite.SUITES", tmp_path)
    suite = suite_of(no_rows("a", "select 1 from {batch}"))
    (tmp_path / "test.yaml").write_text(suite.model_dump_json())
    (tmp_path / "other.yaml").write_text(suite.model_dump_json())
    assert load_suite("test") == suite
    with pytest.raises(ValueError, match="holds the suite 'test'"):
        load_suite("other")
    with pytest.raises(FileNotFoundError, match="other, test"):
        load_suite("absent")


def test_every_suite_in_the_folder_loads():
    for path in SUITES.glob("*.yaml"):
        assert load_suite(path.stem).tables


@pytest.mark.parametrize(
    "expectations",
    [
        [],
        [no_rows("a", "select 1 from {batch}")] * 2,
        [no_rows("a", "select 1 from elsewhere")],
        [("a", "no_rows", {"sql": "select 1 from {batch}"})],
        [("a", "drop_table", {})],
        [("Not an id", "ExpectColumnToExist", {"column": "id"})],
    ],
)
def test_a_suite_that_cannot_be_meant_is_refused(expectations):
    with pytest.raises(ValueError):
        suite_of(*expectations)


def test_parameters_fill_text_and_keep_types():
    suite = suite_of(
        ("a", "ExpectColumnValuesToBeInSet", {"column": "$column", "value_set": ["$one", 2]}),
        no_rows("b", "select 1 from {batch} where g > ${most} and m not like '%$$'"),
    ).with_parameters({"column": "g", "one": 1, "most": 7})
    first, second = suite.tables[0].expectations
    assert first.arguments == {"column": "g", "value_set": [1, 2]}
    assert second.arguments["query"].endswith("where g > 7 and m not like '%$'")


def test_a_placeholder_without_parameter_is_named(database):
    suite = suite_of(no_rows("a", "select 1 from {batch} where g > $most"))
    with pytest.raises(ValueError, match=r"core\.t · a: no parameter for \$most.*: least"):
        run_suite(suite, database, parameters={"least": 1})
    with pytest.raises(ValueError, match=r"\$most"):
        run_suite(suite, database)
    with pytest.raises(ValueError, match="must be written"):
        suite_of(no_rows("a", "select '$' from {batch}")).with_parameters({})


@pytest.mark.parametrize(
    ("rule", "arguments"),
    [("ExpectNothingAtAll", {}), ("ExpectTableRowCountToEqual", {"value": "x", "valeu": 1})],
)
def test_a_rule_great_expectations_lacks_or_refuses_is_an_error(database, rule, arguments):
    with pytest.raises(ValueError, match=f"a: .*{rule}"):
        run_suite(suite_of(("a", rule, arguments)), database)


# --- the runner


def test_rules_pass_and_fail_on_a_database_in_the_suites_order(database):
    result = run_suite(
        suite_of(
            no_rows("good_query", "select b.id from {batch} b join core.u using (id) where g > 1"),
            ("column_absent", "ExpectColumnValuesToNotBeNull", {"column": "nope"}),
            no_rows("bad_query", "select * from {batch} where g > 3 -- {plain} :text;"),
            ("rows", "ExpectTableRowCountToEqual", {"value": 3000}),
            ("rows_wrong", "ExpectTableRowCountToBeBetween", {"max_value": 2}),
            ("between", "ExpectColumnValuesToBeBetween", {"column": "g", "min_value": 1}),
            ("between_again", "ExpectColumnValuesToBeBetween", {"column": "g", "min_value": 1}),
            ("unique", "ExpectCompoundColumnsToBeUnique", {"column_list": ["id", "g"]}),
            ("maximum", "ExpectColumnMaxToBeBetween", {"column": "id", "max_value": 2}),
            no_rows("bad_column", "select nope from {batch}"),
            no_rows("literals", "select 1 from {batch} where m in (':x', '{y}', '%s', '\"{3}')"),
        ),
        database,
    )
    states = [(check.name, check.passed, check.unexpected_count) for check in result.results]
    assert states == [
        ("good_query", True, 0),
        ("column_absent", False, None),
        ("bad_query", False, 1284),
        ("rows", True, None),
        ("rows_wrong", False, None),
        ("between", False, 429),
        ("between_again", False, 429),
        ("unique", True, 0),
        ("maximum", False, None),
        ("bad_column", False, None),
        ("literals", True, 0),
    ]
    problems = {check.name: check.problem for check in result.results if check.problem}
    assert problems == {
        "column_absent": "could not be evaluated: column missing",
        "bad_column": "could not be evaluated (BinderException)",
    }
    assert not result.passed
    assert len(result.of_table("core.t")) == len(result.results) == 11
    assert result.of_table("core.t")[3].element_count == 3000
    assert result.scrubbed["core.t"][8] == {}  # a maximum is a value


def test_the_message_says_what_must_hold_how_often_not_and_what_to_do(database):
    good = ("rows", "ExpectTableRowCountToEqual", {"value": 3000})
    suite = suite_of(
        good,
        no_rows("two", "select 1 from {batch} where id < 2"),
        ("few", "ExpectTableRowCountToEqual", {"value": 1}),
    )
    assert message(run_suite(suite, database)).splitlines() == [
        "core.t · two: What two says holds; 2 unexpected; do: Repair two.",
        "core.t · few: What few says holds; 3000 rows; do: Repair few.",
    ]
    assert message(run_suite(suite_of(good), database)) == "test: all 1 expectations hold"


def test_a_missing_table_fails_all_its_expectations_and_no_others(database):
    suite = suite_of(no_rows("a", "select 1 from {batch} where false"), table="core.absent")
    both = suite.model_copy(
        update={
            "tables": suite.tables
            + suite_of(no_rows("a", "select 1 from {batch} where false")).tables
        }
    )
    result = run_suite(both, database)
    assert [(check.table, check.passed, check.problem) for check in result.results] == [
        ("core.absent", False, "table does not exist"),
        ("core.t", True, None),
    ]


def test_an_exception_from_great_expectations_itself_fails_closed(database, monkeypatch):
    def broken(*_):
        raise RuntimeError(MARKER)

    monkeypatch.setattr("expectations.runner._validated", broken)
    result = run_suite(suite_of(no_rows("a", "select 1 from {batch} where false")), database)
    assert result.failed[0].problem == "could not be evaluated"
    assert MARKER not in repr(result)


def test_parquet_tables_join_and_folders_add_no_columns(tmp_path):
    folder = tmp_path / "g=9"
    folder.mkdir()
    parts = [parquet(folder / f"{i}.parquet", f"select {i} as id") for i in (1, 2)]
    other = parquet(tmp_path / "it's.parquet", "select 2 as id")
    suite = suite_of(
        ("columns", "ExpectTableColumnsToMatchSet", {"column_set": ["id"], "exact_match": True}),
        no_rows("joined", "select 1 from {batch} join o using (id)"),
        table="t",
    )
    result = run_suite(suite, {"t": parts, "o": other})
    assert [check.unexpected_count for check in result.results] == [None, 1]
    assert failed_names(result) == ["joined"]


@pytest.mark.parametrize("rows", ["", "where false"])
def test_a_table_without_rows_is_checked(tmp_path, rows):
    suite = suite_of(no_rows("a", "select 1 from {batch}"), table="t")
    result = run_suite(suite, {"t": parquet(tmp_path / "t.parquet", f"select 1 as id {rows}")})
    assert result.passed == bool(rows)


def test_parquet_that_is_absent_or_broken_fails_closed(tmp_path):
    suite = suite_of(no_rows("a", "select 1 from {batch} where false"), table="t")
    broken = tmp_path / "broken.parquet"
    broken.write_text(MARKER)
    problems = [
        run_suite(suite, source).failed[0].problem
        for source in ({}, {"t": []}, {"t": tmp_path / "no.parquet"}, {"t": broken})
    ]
    assert problems[:3] == ["table does not exist"] * 3
    assert re.fullmatch(r"table could not be read \(\w+Exception\)", problems[3])


def test_the_file_is_free_after_a_run_and_after_an_error(database, monkeypatch):
    suite = suite_of(no_rows("a", "select 1 from {batch} where false"))
    run_suite(suite, database)
    with duckdb.connect(str(database)) as connection:
        connection.execute("create table core.v (id integer)")
        with pytest.raises(RuntimeError, match="could not be opened"):
            run_suite(suite, database)  # a writer holds it
    run_suite(suite, database)

    def broken(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("expectations.runner._table_outcomes", broken)
    with pytest.raises(KeyboardInterrupt):
        run_suite(suite, database)
    with duckdb.connect(str(database)) as connection:
        connection.execute("drop table core.v")


def test_a_missing_database_is_an_error_and_not_made(tmp_path):
    suite = suite_of(no_rows("a", "select 1 from {batch} where false"))
    with pytest.raises(FileNotFoundError):
        run_suite(suite, tmp_path / "no.duckdb")
    assert not list(tmp_path.iterdir())


def test_the_source_is_read_only(database):
    # A writing statement is no query, so it cannot even be asked.
    run_suite(suite_of(no_rows("a", "select 1 from {batch}); drop table core.t; --")), database)
    with duckdb.connect(str(database)) as connection:
        assert connection.sql("select count(*) from core.t").fetchone() == (3000,)


def test_no_value_leaves_through_any_door(database, tmp_path, monkeypatch, capfd, caplog):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    caplog.set_level(logging.DEBUG)
    result = run_suite(
        suite_of(
            no_rows("cast", "select cast(m as integer) as n from {batch} where n > 1"),
            no_rows("raised", "select error(m) from {batch}"),
            ("set", "ExpectColumnValuesToBeInSet", {"column": "m", "value_set": ["x"]}),
            ("unique", "ExpectColumnValuesToBeUnique", {"column": "m"}),
            (
                "most_common",
                "ExpectColumnMostCommonValueToBeInSet",
                {"column": "m", "value_set": ["x"]},
            ),
            (
                "distinct",
                "ExpectColumnDistinctValuesToBeInSet",
                {"column": "m", "value_set": ["x"]},
            ),
            ("dates", "ExpectColumnMaxToBeBetween", {"column": "m", "max_value": 3}),
        ),
        database,
    )
    write_data_docs([result], tmp_path / "docs")
    assert failed_names(result) == [check.name for check in result.results]
    assert result.results[0].problem == "could not be evaluated (ConversionException)"
    captured = capfd.readouterr()
    pages = "".join(path.read_text() for path in (tmp_path / "docs").iterdir())
    for text in (repr(result), message(result), captured.out, captured.err, caplog.text, pages):
        assert MARKER not in text
    assert captured.out + captured.err == ""
    assert not list(temporary.iterdir())


# --- Data Docs


def test_data_docs_show_each_check_and_load_nothing_from_outside(database, tmp_path):
    suite = suite_of(
        ("rows", "ExpectTableRowCountToEqual", {"value": 3000}),
        no_rows("bad_query", "select * from {batch} where g > 3"),
        ("between", "ExpectColumnValuesToBeBetween", {"column": "g", "min_value": 1}),
        no_rows("nope", "select nope from {batch}"),
    )
    absent = suite_of(no_rows("a", "select 1 from {batch}"), table="core.absent")
    suite = suite.model_copy(update={"tables": suite.tables + absent.tables})
    good = suite_of(("rows", "ExpectTableRowCountToEqual", {"value": 3000}))
    good = good.model_copy(update={"name": "good", "description": "Less < more & $money."})
    results = [run_suite(suite, database), run_suite(good, database)]

    assert write_data_docs(results, tmp_path) == {"test": "test.html", "good": "good.html"}
    page = (tmp_path / "test.html").read_text()
    for check in results[0].results:
        assert check.description in page
        assert (check.remedy in page) != check.passed
    for text in ("1,284 unexpected", "429 unexpected", "BinderException", "does not exist"):
        assert text in page
    assert "Less &lt; more &amp; $money." in (tmp_path / "good.html").read_text()
    assert 'href="test.html"' in (tmp_path / "index.html").read_text()
    for path in tmp_path.glob("*.html"):
        links = set(re.findall(r'(?:src|href)="([^"]*)"', path.read_text()))
        assert links <= {"data-docs.css", "index.html", "test.html", "good.html"}
        assert "<script" not in path.read_text()
    with pytest.raises(ValueError, match="different names"):
        write_data_docs([results[0]] * 2, tmp_path)


# --- the arrival suite


def arrival(tmp_path, query=GOOD, **expected):
    path = parquet(tmp_path / "delivery.parquet", query)
    return run_suite(arrival_suite(FEED, [EXPECTED | expected]), {"delivery": path})


def test_a_good_delivery_passes(tmp_path):
    result = arrival(tmp_path)
    assert result.passed, message(result)
    assert result.suite.name == "arrival-kita_plaetze-d-1"
    for check in result.results:
        assert "kita_plaetze: " in check.description


@pytest.mark.parametrize(
    ("fault", "name", "count"),
    [
        ("* exclude (lage)", "columns_as_agreed", None),
        ("*, 1 as neu", "columns_as_agreed", None),
        ("* replace (plaetze::varchar as plaetze)", "types_as_agreed", 1),
        ("* replace ('E1' as einrichtung, '2' as altersgruppe)", "key_unique", 4),
        ("* replace (nullif(einrichtung, 'E1') as einrichtung)", "key_complete", 1),
        ("* replace (nullif(plaetze, 20) as plaetze)", "required_or_explained", 4),
        ("* replace (null::varchar as quote__zustand)", "required_or_explained", 1),
        ("* replace ('9' as altersgruppe)", "codes_as_agreed", 4),
        ("* replace ('forgotten' as quote__zustand)", "states_known", 4),
        ("* replace (if(row_number < 3, 501, -1) as plaetze)", "within_bounds", 4),
        ("* replace (date '2014-12-31' as stichtag)", "delivery_as_expected", 4),
        ("* replace (null::date as stichtag)", "delivery_as_expected", 4),
        ("* replace ('d-2' as delivery_id)", "delivery_as_expected", 4),
        ("* replace ('mitte' as liefereinheit)", "delivery_as_expected", 4),
    ],
)
def test_each_planted_fault_fails_its_rule(tmp_path, fault, name, count):
    result = arrival(tmp_path, f"select {fault} from ({GOOD})")
    found = {check.name: check.unexpected_count for check in result.failed}
    assert name in found
    assert found[name] == count


@pytest.mark.parametrize(
    ("expected", "names"),
    [
        ({"rows": 5}, ["rows_as_landed"]),
        ({"previous_rows": 6}, ["rows_like_last_time"]),
        ({"previous_rows": 3}, ["rows_like_last_time"]),
        ({"previous_rows": 5}, []),
        ({"previous_rows": None}, []),
        ({"previous_rows": 0}, []),
        ({"previous_rows": 10, "tolerance": 0.6}, []),
    ],
)
def test_row_counts_are_those_of_the_landing_and_like_last_time(tmp_path, expected, names):
    assert failed_names(arrival(tmp_path, **expected)) == names


def test_a_delivery_without_rows_keeps_its_types(tmp_path):
    none = f"select * from ({GOOD}) where false"
    assert arrival(tmp_path, none, rows=0, previous_rows=None).passed
    wrong = f"select * replace (true as plaetze) from ({GOOD}) where false"
    result = arrival(tmp_path, wrong, rows=0, previous_rows=None)
    assert "types_as_agreed" in failed_names(result)


def test_an_agreement_that_cannot_be_meant_is_refused():
    with pytest.raises(ValueError, match="key names columns"):
        arrival_suite(FEED | {"key": ["absent"]}, [EXPECTED])
    odd = OPTIONAL | {"name": "odd", "type": "money", "required": False}
    with pytest.raises(ValueError, match="money"):
        arrival_suite(FEED | {"columns": [*FEED["columns"], odd]}, [EXPECTED])
