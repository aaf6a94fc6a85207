"""What is not released: its cells, and which sums can stand beside them.

The counts are known and part of the totals; here is which cells must be withheld for their sake.
Who has released what was decided before (status `nicht_freigegeben`).
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from disclosure.release import TOTAL
from disclosure.star.facts import DIMENSIONS

if TYPE_CHECKING:
    import duckdb

_DAY = "gebietsstand = $stand and stichtag = $tag"

# The Kommune and the Kreis are never closed: a municipality that has not released its areas has
# its total all the same. A level between them and the areas is closed with its parts.
_CLOSED = """
create table closed as
    select distinct given.measure, bridge.gebietsstand, given.stichtag, given.raum,
        bridge.ober_raum_id as unit
    from (
        select measure, gebietsstand, stichtag, raum from people
        where status = 'nicht_freigegeben'
        union
        select measure, gebietsstand, stichtag, raum from merkmale
        where status = 'nicht_freigegeben'
    ) as given
    inner join fact_bridge as bridge
        on bridge.raum_id = given.raum and bridge.gebietsstand = given.gebietsstand
    where bridge.ober_raumebene not in ('kommune', 'kreis');
"""


def find_closed(con: "duckdb.DuckDBPyConnection") -> None:
    """Make `closed`: measure × Gebietsstand × Stichtag × area × unit that is not released.

    The area itself is one of its units.
    """
    con.execute(_CLOSED)


def find_sums_above(con: "duckdb.DuckDBPyConnection", *, whole_sums: bool) -> None:
    """Make `above`: unit × each unit that holds it and has sums over all its parts."""
    con.execute(
        f"""
        create table above as
            select distinct low.gebietsstand, low.unit, high.unit as ober
            from unit_of as low
            inner join unit_of as high
                on high.raum = low.raum and high.gebietsstand = low.gebietsstand
            where {whole_sums} and high.tiefe < low.tiefe
        """
    )


def closed_cells(
    con: "duckdb.DuckDBPyConnection",
    tables: Mapping[str, Sequence[Sequence[str]]],
    day: Mapping[str, Any],
) -> None:
    """Make `primary_cells`: measure and dimensions of all cells of a day that are not released.

    A dimension that a cell lacks is NULL or `Total`. A zero that the published zero of a larger
    unit tells is left out: nothing can hide it, and no other zero may be withheld for its sake.

    Args:
        con: a connection with `people_atoms`, `atoms`, `closed` and `above`.
        tables: of each measure of the day the dimensions of each table, `raum` first.
        day: `stand` and `tag`.
    """
    columns = ", ".join(f"{name} varchar" for name in ("measure", *DIMENSIONS))
    con.execute(f"create or replace temp table primary_cells ({columns})")
    closed = con.execute(f"select distinct measure from closed where {_DAY}", day).fetchall()
    for measure in sorted({name for (name,) in closed} & set(tables)):
        source = "people_atoms" if any(len(table) > 1 for table in tables[measure]) else "atoms"
        for _, *dims in tables[measure]:
            _add_cells(con, source, dims, {**day, "measure": measure})


def _add_cells(
    con: "duckdb.DuckDBPyConnection", source: str, dims: Sequence[str], measure: Mapping[str, Any]
) -> None:
    by = f", cube({', '.join(dims)})" if dims else ""
    codes = "".join(f", coalesce({name}, '{TOTAL}') as {name}" for name in dims)
    same = "".join(f" and larger.{name} = own.{name}" for name in dims)
    con.execute(
        f"""
        insert into primary_cells by name
        with summed as (
            select unit_of.unit{codes}, sum(source.n) as n, count(source.n) = count(*) as known
            from {source} as source
            inner join unit_of using (raum, gebietsstand)
            where source.measure = $measure and {_DAY}
            group by unit_of.unit{by}
        ),
        here as (select distinct unit from closed where measure = $measure and {_DAY}),
        own as (select summed.* from summed inner join here using (unit) where known)
        select $measure as measure, own.* exclude (unit, n, known), own.unit as raum
        from own
        where own.n > 0 or not exists (
            select 1
            from above
            inner join summed as larger on larger.unit = above.ober{same}
            where above.unit = own.unit and above.gebietsstand = $stand
                and larger.known and larger.n = 0 and larger.unit not in (select unit from here)
        )
        """,
        measure,
    )


def find_telling_sums(con: "duckdb.DuckDBPyConnection") -> None:
    """Make `telling`: sums of unprotected measures from which a count that is not released follows.

    No release holds these measures. From the smallest units to the largest: what is not released
    in a unit, and in no smaller one that has its sum, must be nothing or at least two areas.
    """
    con.execute(
        """
        create table telling (
            measure varchar, gebietsstand varchar, stichtag date, unit varchar, ober_raum_id varchar
        );
        create temp table hidden as
            select distinct measure, gebietsstand, stichtag, raum from closed
            inner join unprotected using (measure)
        """
    )
    levels = con.execute(
        "select distinct tiefe from unit_of where not selbst order by tiefe desc"
    ).fetchall()
    for (depth,) in levels:
        con.execute(_ONE_LEVEL, [depth])
        con.execute(_HIDDEN_BY_SUM, [depth])


_ONE_LEVEL = """
insert into telling
    select measure, gebietsstand, stichtag, unit_of.unit, unit_of.ober_raum_id
    from hidden
    inner join unit_of using (raum, gebietsstand)
    where unit_of.tiefe = ?
    group by all
    having count(*) = 1 or (measure, gebietsstand, stichtag, unit_of.unit) in (
        select (measure, gebietsstand, stichtag, unit) from closed
    )
"""
_HIDDEN_BY_SUM = """
delete from hidden where (measure, gebietsstand, stichtag, raum) in (
    select (hidden.measure, hidden.gebietsstand, hidden.stichtag, hidden.raum)
    from hidden
    inner join unit_of using (raum, gebietsstand)
    anti join telling using (measure, gebietsstand, stichtag, unit)
    where unit_of.tiefe = ?
)
"""
