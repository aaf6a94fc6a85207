"""The arrival suite of one delivery, generated from what its feed agreed.

Plain data in, a suite out: reading contracts and deliveries belongs to `sources`. Only what a
contract can say is checked here; whether the numbers are plausible is another suite's question.

A landed file has the technical columns below, the feed's columns and, for each column that may
lack a value for a known reason, a column `<name>__zustand` with that reason. Its table here is
`delivery`, its grain one row for each row of the partner's file.
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


def arrival_suite(feed: Mapping[str, Any], expected: Mapping[str, Any]) -> Suite:
    """Return the suite that one landed delivery must pass.

    Args:
        feed: The agreement: `feed` (its id), `key` (column names) and `columns`, each with
            `name`, `type`, `required`, `codes`, `minimum`, `maximum` and `has_state`.
        expected: This delivery: `delivery_id`, `stichtag`, `rows` as counted on landing,
            `previous_rows` of the delivery before it or None, and `tolerance`, the relative
            change of rows that is still believed.

    Raises:
        ValueError: A column has a type that no file can land as, or the key a column that the
            feed lacks.
    """
    name, columns = feed["feed"], feed["columns"]
    _refuse_unknown(name, feed["key"], columns)
    expectations = [
        _columns(name, columns),
        _types(name, columns),
        *_key(name, feed["key"]),
        *_required(name, columns),
        *_codes(name, columns),
        *_states(name, columns),
        *_bounds(name, columns),
        _one_value(name, "stichtag", f"date {_text(expected['stichtag'])}", expected["stichtag"]),
        _one_value(name, "delivery_id", _text(expected["delivery_id"]), expected["delivery_id"]),
        _rows(name, expected["rows"]),
        *_change(name, expected),
    ]
    return Suite(
        name=re.sub(r"[^\w.-]", "-", f"arrival-{name}-{expected['delivery_id']}"),
        description=f"What the feed {name} agreed, for the delivery {expected['delivery_id']}.",
        tables=[TableSuite(table=TABLE, expectations=expectations)],
    )


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
            f"select 1 from {{batch}} qualify count(*) over (partition by {columns}) > 1",
            f"{feed}: no two rows have the same {named}.",
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
    return [
        Expectation(
            name=f"codes_{_slug(column['name'])}",
            rule="ExpectColumnValuesToBeInSet",
            arguments={"column": _plain(column["name"]), "value_set": _code_values(column)},
            description=f"{feed}: {column['name']} holds only agreed codes.",
            remedy="Find the new code in the partner's code list and add it to the contract.",
        )
        for column in columns
        if column["codes"]
    ]


def _code_values(column: Column) -> list[Any]:
    if column["type"] == "text":  # YAML reads the code 1 as a number, the column holds text
        return [_plain(str(code)) for code in column["codes"]]
    return list(column["codes"])


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


def _one_value(feed: str, column: str, literal: str, value: str) -> Expectation:
    return _no_rows(
        f"{column}_as_expected",
        f"select 1 from {{batch}} where {_column(column)} is distinct from {literal}",
        f"{feed}: {column} is {value} in every row.",
        "Land the delivery again, under the reference date and the unit it belongs to.",
    )


def _rows(feed: str, rows: int) -> Expectation:
    return Expectation(
        name="rows_as_landed",
        rule="ExpectTableRowCountToEqual",
        arguments={"value": rows},
        description=f"{feed}: the file has the {rows} rows that landing accepted.",
        remedy="Land the delivery again; the file was changed or written in part.",
    )


def _change(feed: str, expected: Mapping[str, Any]) -> list[Expectation]:
    previous, tolerance = expected["previous_rows"], expected["tolerance"]
    if not previous:  # no delivery before, or an empty one: no relative change to speak of
        return []
    # Rounded, because 10 * (1 - 0.7) is a little more than 3.
    least = math.ceil(round(previous * (1 - tolerance), 6))
    most = math.floor(round(previous * (1 + tolerance), 6))
    return [
        Expectation(
            name="rows_like_last_time",
            rule="ExpectTableRowCountToBeBetween",
            arguments={"min_value": max(least, 0), "max_value": most},
            description=f"{feed}: between {max(least, 0)} and {most} rows; last time {previous}.",
            remedy="Ask the partner why there are so many more or fewer rows than last time.",
        )
    ]


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


def _slug(name: str) -> str:
    return re.sub(r"\W", "_", name.lower())


def _column(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
