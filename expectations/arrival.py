"""The arrival suite of a feed's deliveries, generated from what was agreed.

Plain data in, a suite out: reading contracts and deliveries belongs to `sources`. Only what a
contract can say is checked here; whether the numbers are plausible is another suite's question.

A landed file has the technical columns below, the feed's columns and, for each column that may
lack a value for a known reason, a column `<name>__zustand` with that reason. Its table here is
`delivery`, its grain one row for each row of the partners' files. Several deliveries are judged
in one go, because a run of a suite costs more than a small delivery: they all must hold.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from expectations.suite import NO_ROWS, Expectation, Suite, TableSuite

TABLE = "delivery"
TECHNICAL = {
    "delivery_id": "text",
    "row_number": "integer",
    "liefereinheit": "text",
    "stichtag": "date",
}
STATES = (
    "zero",
    "rounded_zero",
    "suppressed",
    "suppressed_or_unknown",
    "pending",
    "unreliable",
    "not_applicable",
    "flagged",
)
# How DuckDB names the types that a contract's type may land as.
LANDED_TYPES = {
    "text": "VARCHAR",
    "integer": "TINYINT|SMALLINT|INTEGER|BIGINT",
    "decimal": r"FLOAT|DOUBLE|DECIMAL\(.*\)",
    "date": "DATE",
    "geometry": r"BLOB|GEOMETRY(\(.*\))?",
}

Column = Mapping[str, Any]


def arrival_suite(feed: Mapping[str, Any], expected: Sequence[Mapping[str, Any]]) -> Suite:
    """Return the suite that landed deliveries of one feed must pass together.

    Args:
        feed: The agreement: `feed` (its id), `key` (column names) and `columns`, each with
            `name`, `type`, `required`, `codes`, `minimum`, `maximum` and `has_state`.
        expected: For each delivery: `delivery_id`, `stichtag`, `liefereinheit`, `rows` as counted
            on landing, `previous_rows` of the delivery before it or None, and `tolerance`, the
            relative change of rows that is still believed.

    Raises:
        ValueError: A column has a type that no file can land as, or the key a column that the
            feed lacks.
    """
    name, columns = feed["feed"], feed["columns"]
    _refuse_unknown(name, feed["key"], columns)
    table = _expected_table(expected)
    expectations = [
        _columns(name, columns),
        _types(name, columns),
        *_key(name, feed["key"]),
        *_required(name, columns),
        *_codes(name, columns),
        *_states(name, columns),
        *_bounds(name, columns),
        _technical(name, table, expected),
        _rows(name, table, expected),
        *_change(name, expected),
    ]
    about = expected[0]["delivery_id"] if len(expected) == 1 else f"{len(expected)} deliveries"
    return Suite(
        name=re.sub(r"[^\w.-]", "-", f"arrival-{name}-{about}"),
        description=f"What the feed {name} agreed, for {_told(expected, 'delivery_id')}.",
        tables=[TableSuite(table=TABLE, expectations=expectations)],
    )


def _expected_table(expected: Sequence[Mapping[str, Any]]) -> str:
    """Return what is expected of each delivery as a table in SQL."""
    rows = ", ".join(
        f"({_text(item['delivery_id'])}, date {_text(item['stichtag'])}, "
        f"{_text(item['liefereinheit'])}, {int(item['rows'])})"
        for item in expected
    )
    return f"(values {rows}) as expected(delivery_id, stichtag, liefereinheit, rows)"


def _told(expected: Sequence[Mapping[str, Any]], field: str) -> str:
    """Return the values of a field in words, at most three."""
    values = list(dict.fromkeys(str(item[field]) for item in expected))
    first, others = values[:3], values[3:]
    return ", ".join(first) + (f" and {len(others)} more" if others else "")


def _refuse_unknown(feed: str, key: Sequence[str], columns: Sequence[Column]) -> None:
    types = {column["type"] for column in columns} - set(LANDED_TYPES)
    if types:
        raise ValueError(
            f"{feed}: unknown column types {sorted(types)}; known: {sorted(LANDED_TYPES)}"
        )
    absent = set(key) - {column["name"] for column in columns} - set(TECHNICAL)
    if absent:
        raise ValueError(f"{feed}: the key names columns the feed lacks: {sorted(absent)}")


def _columns(feed: str, columns: Sequence[Column]) -> Expectation:
    return Expectation(
        name="columns_as_agreed",
        rule="ExpectTableColumnsToMatchSet",
        arguments={"column_set": _plain(list(_landed(columns))), "exact_match": True},
        description=f"{feed}: the file has exactly the agreed columns.",
        remedy="Compare the header with the contract; ask the partner or change the contract.",
    )


def _types(feed: str, columns: Sequence[Column]) -> Expectation:
    wrong = " or ".join(
        f"(column_name = {_text(name)}"
        f" and not regexp_full_match(column_type, {_text(LANDED_TYPES[kind])}))"
        for name, kind in _landed(columns).items()
    )
    # A description of the table, and so right for a delivery without rows too.
    query = f"select column_name from (describe select * from {{batch}}) where {wrong}"
    return _no_rows(
        "types_as_agreed",
        query,
        f"{feed}: every column has the agreed type.",
        "Land the delivery again; if it stays, the connector does not keep to the contract.",
    )


def _key(feed: str, key: Sequence[str]) -> list[Expectation]:
    if not key:
        return []
    named = ", ".join(key)
    columns = ", ".join(map(_column, key))
    return [
        _no_rows(
            "key_unique",
            "select unnest(range(times)) from (select count(*) as times from {batch} "
            f"group by delivery_id, {columns} having count(*) > 1)",
            f"{feed}: no two rows of a delivery have the same {named}.",
            "Ask the partner which of the rows holds, and for a corrected delivery.",
        ),
        _no_rows(
            "key_complete",
            "select 1 from {batch} where " + _any_of(f"{_column(item)} is null" for item in key),
            f"{feed}: every row has {named}.",
            "Ask the partner for the missing keys, and for a corrected delivery.",
        ),
    ]


def _required(feed: str, columns: Sequence[Column]) -> list[Expectation]:
    """One rule for all columns that must be filled, of which a feed may have dozens."""
    required = [column for column in columns if column["required"]]
    if not required:
        return []
    missing = _any_of(
        " and ".join(
            f"{_column(name)} is null"
            for name in [column["name"], *([_state(column["name"])] if column["has_state"] else [])]
        )
        for column in required
    )
    named = ", ".join(column["name"] for column in required)
    return [
        _no_rows(
            "required_or_explained",
            f"select 1 from {{batch}} where {missing}",
            f"{feed}: every row has a value, or says why not, in {named}.",
            "Ask the partner for the missing values; look first for marks the contract lacks.",
        )
    ]


def _codes(feed: str, columns: Sequence[Column]) -> list[Expectation]:
    """One rule for all columns with a code list, of which a feed may have dozens."""
    coded = [column for column in columns if column["codes"]]
    if not coded:
        return []
    unknown = _any_of(
        f"{_column(column['name'])} not in ({', '.join(_code_values(column))})" for column in coded
    )
    named = ", ".join(column["name"] for column in coded)
    return [
        _no_rows(
            "codes_as_agreed",
            f"select 1 from {{batch}} where {unknown}",
            f"{feed}: only agreed codes stand in {named}.",
            "Find the new code in the partner's code list and add it to the contract.",
        )
    ]


def _code_values(column: Column) -> list[str]:
    """Return the codes as SQL: YAML reads the code 1 as a number, a column of text holds text."""
    if column["type"] == "text":
        return [_text(str(code)) for code in column["codes"]]
    return [str(code) for code in column["codes"]]


def _states(feed: str, columns: Sequence[Column]) -> list[Expectation]:
    named = [column["name"] for column in columns if column["has_state"]]
    if not named:
        return []
    known = ", ".join(map(_text, STATES))
    states = [_column(_state(name)) for name in named]
    # Mostly null: asking for that first is what makes dozens of columns quick.
    unknown = _any_of(f"{state} is not null and {state} not in ({known})" for state in states)
    return [
        _no_rows(
            "states_known",
            f"select 1 from {{batch}} where {unknown}",
            f"{feed}: the reasons for missing values are known ones, in {', '.join(named)}.",
            "Correct the connector: it names a reason that the warehouse does not know.",
        )
    ]


def _bounds(feed: str, columns: Sequence[Column]) -> list[Expectation]:
    """One rule for all bounded columns, of which a feed may have dozens."""
    bounded = [item for item in columns if (item["minimum"], item["maximum"]) != (None, None)]
    if not bounded:
        return []
    outside = [
        f"{_column(column['name'])} {sign} {column[bound]}"
        for column in bounded
        for bound, sign in (("minimum", "<"), ("maximum", ">"))
        if column[bound] is not None
    ]
    named = ", ".join(column["name"] for column in bounded)
    return [
        _no_rows(
            "within_bounds",
            f"select 1 from {{batch}} where {_any_of(outside)}",
            f"{feed}: values lie within the agreed bounds, in {named}.",
            "Ask the partner about the rows; a wrong unit or a shifted column is likely.",
        )
    ]


def _technical(feed: str, table: str, expected: Sequence[Mapping[str, Any]]) -> Expectation:
    return _no_rows(
        "delivery_as_expected",
        f"select 1 from {{batch}} as landed left join {table} using (delivery_id) "
        "where expected.delivery_id is null "
        "or landed.stichtag is distinct from expected.stichtag "
        "or landed.liefereinheit is distinct from expected.liefereinheit",
        f"{feed}: every row is of delivery {_told(expected, 'delivery_id')}, "
        f"of Stichtag {_told(expected, 'stichtag')}, by {_told(expected, 'liefereinheit')}.",
        "Land the delivery again, under the reference date and the unit it belongs to.",
    )


def _rows(feed: str, table: str, expected: Sequence[Mapping[str, Any]]) -> Expectation:
    total = sum(int(item["rows"]) for item in expected)
    return _no_rows(
        "rows_as_landed",
        "select 1 from (select delivery_id, count(*) as rows from {batch} group by all) as landed "
        f"right join {table} using (delivery_id) "
        "where coalesce(landed.rows, 0) <> expected.rows",
        f"{feed}: the file has the {total} rows that landing accepted.",
        "Land the delivery again; the file was changed or written in part.",
    )


def _change(feed: str, expected: Sequence[Mapping[str, Any]]) -> list[Expectation]:
    # Without a delivery before, or after an empty one, there is no relative change to speak of.
    limits = [(item["delivery_id"], *_limits(item)) for item in expected if item["previous_rows"]]
    if not limits:
        return []
    rows = ", ".join(f"({_text(key)}, {least}, {most})" for key, least, most in limits)
    if len(limits) == 1:
        (item,) = (item for item in expected if item["previous_rows"])
        _, least, most = limits[0]
        told = f"between {least} and {most} rows; last time {item['previous_rows']}"
    else:
        told = "about as many rows as last time in each delivery"
    return [
        _no_rows(
            "rows_like_last_time",
            "select 1 from (select delivery_id, count(*) as rows from {batch} group by all) "
            f"as landed right join (values {rows}) as agreed(delivery_id, least, most) "
            "using (delivery_id) where coalesce(landed.rows, 0) not between least and most",
            f"{feed}: {told}.",
            "Ask the partner why there are so many more or fewer rows than last time.",
        )
    ]


def _limits(expected: Mapping[str, Any]) -> tuple[int, int]:
    """Return the fewest and the most rows that are still believed."""
    previous, tolerance = expected["previous_rows"], expected["tolerance"]
    # Rounded, because 10 * (1 - 0.7) is a little more than 3.
    least = math.ceil(round(previous * (1 - tolerance), 6))
    return max(least, 0), math.floor(round(previous * (1 + tolerance), 6))


def _landed(columns: Sequence[Column]) -> dict[str, str]:
    """Return the columns of the landed file with their contract types."""
    agreed = {column["name"]: column["type"] for column in columns}
    states = {_state(column["name"]): "text" for column in columns if column["has_state"]}
    return TECHNICAL | agreed | states


def _no_rows(name: str, query: str, description: str, remedy: str) -> Expectation:
    return Expectation(
        name=name,
        rule=NO_ROWS,
        arguments={"query": _plain(query)},
        description=description,
        remedy=remedy,
    )


def _plain(value: Any) -> Any:
    """Protect dollar signs, which would start a parameter of the suite."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value.replace("$", "$$")


def _any_of(conditions: Iterable[str]) -> str:
    return " or ".join(f"({condition})" for condition in conditions)


def _state(column: str) -> str:
    return f"{column}__zustand"


def _column(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
