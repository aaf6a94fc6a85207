"""The rows of a reporting period: an edition's tables, cut to what lies in it.

Nothing is computed anew: every row of a report stands in the edition that it is made from, so that
a report can tell nothing that the edition does not. Not here: the forms.
"""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from publication.tables import PublishedTable, literal, quoted, quoted_list

if TYPE_CHECKING:
    import duckdb

STANDS = ("gebietsstand", "gebietsstand_nach")
"""Columns that name the boundaries that a row is told on."""


def freeze(
    marts: Path, tables: Sequence[PublishedTable], begin: date, end: date, target: Path
) -> None:
    """Write the rows of a period into a new database, where `write_draft` finds them.

    Rows with a Stichtag are those of the period, hints those that speak of a part of it,
    boundaries those that are valid in a part of it; what is told on other boundaries is left out.
    Tables without any of these are taken whole.

    Args:
        marts: `marts.duckdb` of an edition.
        tables: its tables; each is written under its `relation`.
        begin: first day of the period.
        end: last day of the period.
        target: the file to write; must not exist.

    Raises:
        ValueError: the period ends before it begins, or the edition has no figures in it.
    """
    import duckdb

    if begin > end:
        raise ValueError(
            f"period: expected a last day after the first, found {begin} to {end}; swap them"
        )
    with duckdb.connect(str(target)) as con:
        con.execute(f"ATTACH {literal(str(marts))} AS edition (READ_ONLY)")
        for table in tables:
            schema, name = table.relation.split(".")
            con.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted(schema)}")
            con.execute(
                f"CREATE TABLE {quoted(schema, name)} AS SELECT {quoted_list(table.column_names)} "
                f"FROM {quoted('edition', 'main', table.name)} {_where(table)}",
                _parameters(table, begin, end),
            )
        _demand_figures(con, tables, begin, end)


def rows_of_other_origin(
    report: Path, edition: Path, tables: Sequence[PublishedTable]
) -> list[str]:
    """Return which tables of a finished report hold rows that its edition does not.

    Args:
        report: `marts.duckdb` of the report.
        edition: `marts.duckdb` of the edition that it was made from.
        tables: their tables.
    """
    import duckdb

    found = []
    with duckdb.connect() as con:
        for name, path in (("report", report), ("edition", edition)):
            con.execute(f"ATTACH {literal(str(path))} AS {name} (READ_ONLY)")
        for table in tables:
            ours, theirs = (quoted(name, "main", table.name) for name in ("report", "edition"))
            (strange,) = con.execute(
                f"SELECT count(*) FROM (FROM {ours} EXCEPT ALL FROM {theirs})"
            ).fetchone()
            if strange:
                found.append(
                    f"{table.name}: expected rows of the edition only, found {strange} others"
                )
    return found


def _where(table: PublishedTable) -> str:
    """Return the condition on the rows of a table, with `$begin` and `$end`."""
    names = table.column_names
    conditions = []
    if table.name == "dim_raum":
        conditions.append(_overlaps("gueltig_ab", "gueltig_bis"))
    elif {"stichtag_von", "stichtag_bis"} <= set(names):
        conditions.append(_overlaps("stichtag_von", "stichtag_bis"))
    elif "stichtag" in names and "gebietsstand" in names:
        conditions.append("(stichtag IS NULL OR stichtag BETWEEN $begin AND $end)")
    for column in STANDS:
        if column in names and table.name != "dim_raum":
            valid = _overlaps("gueltig_ab", "gueltig_bis")
            conditions.append(
                f"{column} IN (SELECT gebietsstand FROM edition.main.dim_raum WHERE {valid})"
            )
    return f"WHERE {' AND '.join(conditions)}" if conditions else ""


def _overlaps(begin: str, end: str) -> str:
    return f"(coalesce({begin} <= $end, true) AND coalesce({end} >= $begin, true))"


def _parameters(table: PublishedTable, begin: date, end: date) -> dict[str, date]:
    where = _where(table)
    return {name: day for name, day in (("begin", begin), ("end", end)) if f"${name}" in where}


def _demand_figures(
    con: "duckdb.DuckDBPyConnection", tables: Sequence[PublishedTable], begin: date, end: date
) -> None:
    (relation,) = (table.relation for table in tables if table.name == "mart_indikator")
    (found,) = con.execute(f"SELECT count(*) FROM {quoted(*relation.split('.'))}").fetchone()
    if not found:
        raise ValueError(
            f"period {begin} to {end}: expected figures of the edition in it, found none; choose "
            "a period that holds one of its Stichtage"
        )
