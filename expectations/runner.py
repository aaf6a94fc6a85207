"""Run a suite on a source and keep counts, nothing else.

Great Expectations puts values into results, and DuckDB puts them into error messages. Whatever
leaves this module has passed the allow-list below: numbers, and names of exception classes.
Rendering belongs to `data_docs`, the decision what a failure stops to `orchestration`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from expectations.gx import Source, build, execute, great_expectations, muted, open_source
from expectations.suite import Expectation, Suite, TableSuite

KEPT = (
    "element_count",
    "unexpected_count",
    "unexpected_percent",
    "unexpected_percent_total",
    "unexpected_percent_nonmissing",
    "missing_count",
    "missing_percent",
)
# Of other rules the observed value is a value of the data, as the maximum of a column is.
ROW_COUNT_RULES = ("ExpectTableRowCountToBeBetween", "ExpectTableRowCountToEqual")
COLUMN_ARGUMENTS = ("column", "column_A", "column_B", "column_list")
NO_TABLE = "table does not exist"
NOT_EVALUATED = "could not be evaluated"

Counts = dict[str, int | float]


@dataclass(frozen=True)
class CheckResult:
    """What became of one expectation; grain: one for each expectation of the suite.

    `problem` says why an expectation could not be evaluated, in fixed words; it has then failed.
    """

    table: str
    name: str
    passed: bool
    element_count: int | None
    unexpected_count: int | None
    description: str
    remedy: str
    problem: str | None


@dataclass(frozen=True)
class SuiteResult:
    """What became of a suite, its parameters filled in.

    `results` stand in the suite's order. `scrubbed` holds, for each table and in the same order,
    the counts that Great Expectations returned and Data Docs show.
    """

    suite: Suite
    results: tuple[CheckResult, ...]
    scrubbed: Mapping[str, tuple[Counts, ...]]

    @property
    def passed(self) -> bool:
        """Whether every expectation holds."""
        return not self.failed

    @property
    def failed(self) -> tuple[CheckResult, ...]:
        """The expectations that do not hold."""
        return tuple(check for check in self.results if not check.passed)

    def of_table(self, table: str) -> tuple[CheckResult, ...]:
        """Return the results of one table."""
        return tuple(check for check in self.results if check.table == table)


@dataclass(frozen=True)
class _Outcome:
    passed: bool
    counts: Counts
    problem: str | None = None


def run_suite(
    suite: Suite, source: Source, *, parameters: Mapping[str, Any] | None = None
) -> SuiteResult:
    """Check a suite against a DuckDB file or against Parquet files.

    Args:
        suite: The suite; text in its arguments is filled with the parameters.
        source: A DuckDB file, opened read-only, with tables named `schema.table`; or the
            Parquet file or files of each table by its name.
        parameters: Values for the `$name` placeholders.

    Returns:
        One result for each expectation. What cannot be evaluated has failed.

    Raises:
        FileNotFoundError: The DuckDB file does not exist.
        RuntimeError: The DuckDB file cannot be opened.
        ValueError: The suite is wrong: a placeholder, a rule or its arguments.
    """
    filled = suite.with_parameters(parameters or {})
    with muted():
        rules = {
            table.table: [build(item) for item in table.expectations] for table in filled.tables
        }
        with open_source(source) as datasource:
            unreadable = _add_views(datasource, source) if isinstance(source, Mapping) else {}
            outcomes = {
                table.table: _table_outcomes(datasource, table, rules[table.table], unreadable)
                for table in filled.tables
            }
    results = (
        _check_result(table.table, item, outcome)
        for table in filled.tables
        for item, outcome in zip(table.expectations, outcomes[table.table], strict=True)
    )
    scrubbed = {table: tuple(item.counts for item in items) for table, items in outcomes.items()}
    return SuiteResult(filled, tuple(results), scrubbed)


def message(result: SuiteResult) -> str:
    """Say what an operator needs to know: one line for each failure, or that all is well."""
    if result.passed:
        return f"{result.suite.name}: all {len(result.results)} expectations hold"
    return "\n".join(_line(check) for check in result.failed)


def found(check: CheckResult) -> str:
    """Say what was found: a problem, or a count."""
    if check.problem is not None:
        return check.problem
    if check.unexpected_count is not None:
        return f"{check.unexpected_count} unexpected"
    return f"{check.element_count} rows" if check.element_count is not None else "something else"


def _line(check: CheckResult) -> str:
    parts = [check.description.rstrip("."), found(check), f"do: {check.remedy}"]
    return f"{check.table} · {check.name}: " + "; ".join(parts)


def _check_result(table: str, expectation: Expectation, outcome: _Outcome) -> CheckResult:
    counts = outcome.counts
    return CheckResult(
        table=table,
        name=expectation.name,
        passed=outcome.passed,
        element_count=counts.get("element_count"),
        unexpected_count=counts.get("unexpected_count"),
        description=expectation.description,
        remedy=expectation.remedy,
        problem=outcome.problem,
    )


def _add_views(datasource: Any, tables: Mapping[str, Path | list[Path]]) -> dict[str, str]:
    """Make a view for each table; return the problem of each that cannot be read."""
    problems = {}
    for table, paths in tables.items():
        files = [paths] if isinstance(paths, Path) else list(paths)
        if not files or not all(file.is_file() for file in files):
            problems[table] = NO_TABLE
            continue
        names = ", ".join("'" + str(file).replace("'", "''") + "'" for file in files)
        # Folders such as `stichtag=2013-12-31` must not add or replace columns.
        read = f"select * from read_parquet([{names}], hive_partitioning = false)"
        try:
            execute(datasource, f'create view "{table}" as {read}')
        except Exception as error:
            problems[table] = f"table could not be read{_class_in(str(error))}"
    return problems


def _table_outcomes(
    datasource: Any, table: TableSuite, rules: list[Any], unreadable: Mapping[str, str]
) -> list[_Outcome]:
    """Check one table; every expectation has an outcome, in the suite's order."""
    all_of_them = len(table.expectations)
    try:
        columns = {row[0] for row in execute(datasource, f"describe select * from {table.table}")}
    except Exception as error:
        problem = unreadable.get(table.table) or _problem_with_table(str(error))
        return [_Outcome(False, {}, problem)] * all_of_them
    try:
        found = _validated(datasource, table, rules)
    except Exception as error:
        return [_Outcome(False, {}, NOT_EVALUATED + _class_in(str(error)))] * all_of_them
    return [_outcome(item, found.get(item.name), columns) for item in table.expectations]


def _validated(datasource: Any, table: TableSuite, rules: list[Any]) -> dict[str, Any]:
    """Run Great Expectations on one table; return its raw results by the expectation's name.

    It returns them in another order than it was given them.
    """
    *schema, name = table.table.split(".")
    asset = datasource.add_table_asset(
        name=table.table, table_name=name, schema_name=schema[0] if schema else None
    )
    batch = asset.add_batch_definition_whole_table("whole").get_batch()
    validated = batch.validate(
        great_expectations().ExpectationSuite(name=table.table, expectations=rules),
        result_format={"result_format": "BASIC", "partial_unexpected_count": 0},
    )
    return {item.expectation_config.meta["name"]: item for item in validated.results}


def _outcome(expectation: Expectation, raw: Any, columns: set[str]) -> _Outcome:
    """Scrub one raw result."""
    if raw is None:
        return _Outcome(False, {}, NOT_EVALUATED)
    text = _exception_text(raw.exception_info)
    if text is not None:
        return _Outcome(False, {}, _problem_with_check(expectation, text, columns))
    counts = {key: raw.result[key] for key in KEPT if _is_number(raw.result.get(key))}
    observed = raw.result.get("observed_value")
    if expectation.rule in ROW_COUNT_RULES and _is_number(observed):
        counts["element_count"] = counts["observed_value"] = observed
    return _Outcome(raw.success is True, counts)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _exception_text(info: Mapping[str, Any]) -> str | None:
    """Return the text of what an expectation raised, or None; it is either flat or by metric."""
    entries = [info] if "raised_exception" in info else list(info.values())
    raised = [str(entry) for entry in entries if entry["raised_exception"]]
    return "\n".join(raised) or None


def _problem_with_check(expectation: Expectation, text: str, columns: set[str]) -> str:
    named: set[str] = set()
    for argument in COLUMN_ARGUMENTS:
        value = expectation.arguments.get(argument, [])
        named.update([value] if isinstance(value, str) else value)
    missing = named - columns
    return f"{NOT_EVALUATED}: column missing" if missing else NOT_EVALUATED + _class_in(text)


def _problem_with_table(text: str) -> str:
    class_name = _class_in(text)
    return NO_TABLE if class_name == " (CatalogException)" else NOT_EVALUATED + class_name


def _class_in(text: str) -> str:
    """Return ` (ClassName)` of the DuckDB exception that a text names, else nothing.

    Only names that DuckDB has leave this function, whatever the text holds.
    """
    import duckdb

    for name in re.findall(r"duckdb\.(\w+)\)", text):
        known = getattr(duckdb, name, None)
        if isinstance(known, type) and issubclass(known, duckdb.Error):
            return f" ({name})"
    return ""
