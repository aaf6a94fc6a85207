"""Suites as data: the models and the reading of `suites/*.yaml`.

Nothing here runs a check or knows Great Expectations; that is `runner` and `gx`.

A rule is the name of a Great Expectations class, `withstands_attack` (the audit of the stored
releases), `classes_tell_nothing` (that of index classes), or `no_rows`: a query that returns one
row for each thing that is wrong. In the query, `{batch}` stands for the table under test and may be
used like a table name, more than once and with an alias; other tables of the source go by their
names. Text in arguments is a template: `$name` is a parameter of the run, `$$` a dollar sign.

A rule, or a table with all its rules, may name `feeds`: it holds where one of them is delivered.
"""

from collections.abc import Collection, Mapping
from pathlib import Path
from string import Template
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

SUITES = Path(__file__).parent / "suites"
NO_ROWS = "no_rows"
WITHSTANDS_ATTACK = "withstands_attack"
CLASSES_TELL_NOTHING = "classes_tell_nothing"

CheckName = Annotated[str, StringConstraints(pattern=r"^[a-z]\w*$")]
FileName = Annotated[str, StringConstraints(pattern=r"^\w[\w.-]*$")]
RuleName = Annotated[
    str,
    StringConstraints(
        pattern=r"^(no_rows|withstands_attack|classes_tell_nothing|Expect[A-Za-z]+)$"
    ),
]
Sentence = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
TableName = Annotated[str, StringConstraints(pattern=r"^\w+(\.\w+)?$")]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Expectation(_Model):
    """One thing that must hold for one table, and what to do when it does not."""

    name: CheckName
    rule: RuleName
    arguments: dict[str, Any] = {}
    description: Sentence
    remedy: Sentence
    feeds: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _query_reads_the_table(self) -> "Expectation":
        if self.rule == NO_ROWS and set(self.arguments) != {"query"}:
            raise ValueError(f"{self.name}: {NO_ROWS} takes exactly one argument, 'query'")
        if self.rule == NO_ROWS and "{batch}" not in str(self.arguments["query"]):
            raise ValueError(f"{self.name}: the query must read {{batch}}, the table under test")
        return self


class TableSuite(_Model):
    """The expectations on one table, under names that are unique in it."""

    table: TableName
    feeds: tuple[str, ...] = ()
    expectations: list[Expectation] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_are_unique(self) -> "TableSuite":
        _refuse_repeats(f"table {self.table}", [item.name for item in self.expectations])
        return self


class Suite(_Model):
    """All expectations that guard one border, table by table."""

    name: FileName
    description: Sentence
    tables: list[TableSuite] = Field(min_length=1)

    @model_validator(mode="after")
    def _tables_are_unique(self) -> "Suite":
        _refuse_repeats(f"suite {self.name}", [item.table for item in self.tables])
        return self

    def with_parameters(self, parameters: Mapping[str, Any]) -> "Suite":
        """Return the suite with `$name` in text arguments replaced by parameters.

        An argument that is nothing but `$name` becomes the parameter itself, with its type.
        `run_suite` does this with the parameters it is given; doing it twice turns `$$$$` into `$`.

        Raises:
            ValueError: A placeholder has no parameter, or a lone `$` should be `$$`.
        """
        return self.model_copy(
            update={"tables": [_filled_table(table, parameters) for table in self.tables]}
        )


def load_suite(name: str, feeds: Collection[str] | None = None) -> Suite:
    """Read the suite `suites/<name>.yaml`.

    Args:
        name: the suite.
        feeds: the feeds that are delivered: rules that speak of others only are left out. None
            keeps all rules.

    Raises:
        FileNotFoundError: There is no such suite; the message lists those there are.
        ValueError: The file does not describe a suite of that name.
    """
    path = SUITES / f"{name}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in SUITES.glob("*.yaml"))) or "none"
        raise FileNotFoundError(f"No suite {name!r}; suites at hand: {known}")
    suite = Suite.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    if suite.name != name:
        raise ValueError(f"{path.name} holds the suite {suite.name!r}; name both alike")
    return suite if feeds is None else _of_feeds(suite, set(feeds))


def _of_feeds(suite: Suite, feeds: set[str]) -> Suite:
    def speaks(item: TableSuite | Expectation) -> bool:
        return not item.feeds or not feeds.isdisjoint(item.feeds)

    tables = []
    for table in suite.tables:
        rules = [item for item in table.expectations if speaks(item)]
        if rules and speaks(table):
            tables.append(table.model_copy(update={"expectations": rules}))
    return suite.model_copy(update={"tables": tables})


def _refuse_repeats(where: str, names: list[str]) -> None:
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ValueError(f"{where}: named more than once: {', '.join(repeated)}")


def _filled_table(table: TableSuite, parameters: Mapping[str, Any]) -> TableSuite:
    filled = []
    for item in table.expectations:
        try:
            arguments = _filled(item.arguments, parameters)
        except KeyError as error:
            raise ValueError(
                f"{table.table} · {item.name}: no parameter for ${error.args[0]}; "
                f"parameters at hand: {', '.join(sorted(parameters)) or 'none'}"
            ) from None
        except ValueError:
            raise ValueError(
                f"{table.table} · {item.name}: a $ that starts no name must be written $$"
            ) from None
        filled.append(item.model_copy(update={"arguments": arguments}))
    return table.model_copy(update={"expectations": filled})


def _filled(value: Any, parameters: Mapping[str, Any]) -> Any:
    """Fill placeholders in a value, at any depth of lists and mappings."""
    if isinstance(value, dict):
        return {key: _filled(item, parameters) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, parameters) for item in value]
    if not isinstance(value, str):
        return value
    whole = Template.pattern.fullmatch(value)
    name = whole and (whole["named"] or whole["braced"])
    return parameters[name] if name else Template(value).substitute(parameters)
