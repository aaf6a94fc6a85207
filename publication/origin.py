"""Whether the finished numbers are those that were released: an attack on the files themselves.

The privacy gate has compared the released counts with patterns that an auditor attacked. Here the
counts of the finished marts, of areas and of totals that are published themselves, are worked out
from the released ones once more: what cannot be, came from somewhere else. A total that is summed
from its published parts is a matter of the publication suite. Not here: whether the files are whole
and as declared (`audit`).
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from publication.material import MARTS
from publication.tables import literal, quoted

if TYPE_CHECKING:
    import duckdb

PEOPLE = "mart_bevoelkerung"
INDICATORS = "mart_indikator"
TOLD = "(own.raumebene in ('sozialraum', 'ohne_raum') or released.status = 'ok')"
"""Sozialräume and pseudo-areas have their released counts or none, and so has a published total."""


def numbers_of_other_origin(
    folder: Path, released: Path, warehouse: Path, indicators: Sequence[str]
) -> list[str]:
    """Return what the finished marts say of areas that the released counts do not.

    Args:
        folder: a draft or an edition.
        released: the folder of the released tables.
        warehouse: the database in which the indicators are views of the released tables.
        indicators: the names of the region's indicators.

    Returns:
        One sentence for each column, with the number of cells; never a key or a count. What
        cannot be read is a problem, not an exception.
    """
    marts = f"attach {literal(str(folder / MARTS))} as finished (read_only)"
    return _compare(MARTS, [marts], released, warehouse, indicators)


def draft_numbers_of_other_origin(
    folder: Path, released: Path, warehouse: Path, indicators: Sequence[str]
) -> list[str]:
    """Return what the files of municipal drafts say of areas that the drafts' counts do not.

    Args:
        folder: the drafts, a folder for each municipality.
        released: the folder of the counts that drafts tell.
        warehouse: the database in which the indicators are views of these counts.
        indicators: the names of the region's indicators.

    Returns:
        As `numbers_of_other_origin`.
    """
    views = [
        f"create view finished.{mart} as select *, false as umgerechnet "
        f"from read_parquet({literal(str(folder / '*' / f'{name}.parquet'))})"
        for mart, name in ((PEOPLE, "bevoelkerung"), (INDICATORS, "indikatoren"))
    ]
    statements = ["create schema finished", *views]
    return _compare("drafts", statements, released, warehouse, indicators)


def _compare(
    where: str,
    statements: Iterable[str],
    released: Path,
    warehouse: Path,
    indicators: Sequence[str],
) -> list[str]:
    """Compare the marts in `finished`, which the statements make, with what was released."""
    import duckdb

    try:
        with duckdb.connect() as con:
            for statement in statements:
                con.execute(statement)
            con.execute(f"attach {literal(str(warehouse))} as warehouse (read_only)")
            found = [*_people(con, released / "bevoelkerung.parquet"), *_figures(con, indicators)]
    except duckdb.Error as error:
        # its text may quote what stands in a file
        found = [
            "expected numbers that can be compared with the released counts, found "
            f"{type(error).__name__}"
        ]
    return [f"{where}: {problem}" for problem in found]


def _people(con: "duckdb.DuckDBPyConnection", released: Path) -> Iterator[str]:
    keys = "raum_id, gebietsstand, stichtag, basis, altersgruppe, geschlecht, staatsangehoerigkeit"
    yield from _told(
        con,
        f"{PEOPLE}.anzahl",
        f"""
        from finished.{PEOPLE} as own
        left join read_parquet({literal(str(released))}) as released using ({keys})
        where {TOLD} and not own.umgerechnet
            and own.anzahl is not null and own.anzahl is distinct from released.anzahl
        """,
    )


def _figures(con: "duckdb.DuckDBPyConnection", indicators: Sequence[str]) -> Iterator[str]:
    if not indicators:
        return
    keys = "raum_id, gebietsstand, stichtag, indikator_id, version"
    views = " union all ".join(
        f"select {keys}, zaehler, nenner, status from warehouse.indicators.{quoted('ind_' + name)}"
        for name in indicators
    )
    for column in ("zaehler", "nenner"):
        yield from _told(
            con,
            f"{INDICATORS}.{column}",
            f"""
            from finished.{INDICATORS} as own left join ({views}) as released using ({keys})
            where {TOLD} and not own.umgerechnet
                and own.{column} is not null and own.{column} is distinct from released.{column}
            """,
        )


def _told(con: "duckdb.DuckDBPyConnection", what: str, query: str) -> Iterator[str]:
    ((found,),) = con.execute(f"select count(*) {query}").fetchall()
    if found:
        yield (
            f"{what}: expected numbers that follow from the released counts, found {found} that "
            "do not"
        )
