"""Whether the numbers of a release agree.

Parts with their wholes, and given totals with their parts.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from disclosure.release import TOTAL, Dimension, Measure, PartOf, Release, ReleaseError
from disclosure.tables import NAMED, some

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa


def check_given(release: Release, given: "pa.Table", what: str = "given") -> None:
    """Check that given totals agree with what is known of their parts.

    Args:
        release: the release.
        given: what `make_keys(..., number=True)` returned.
        what: what the table is called in a message.

    Raises:
        ReleaseError: a total is smaller than the sum of its known parts, or differs from it
            though no part is unknown. The message names the keys without numbers.
    """
    import duckdb

    faults: list[str] = []
    with duckdb.connect() as con:
        con.register("given", given)
        for dimension in release.dimensions.values():
            _register_paths(con, dimension)
        for measure in release.measures:
            con.register("atoms", release.atoms[measure.name])
            faults += [
                " × ".join(row) for row in con.execute(_disagreeing(release, measure)).fetchall()
            ]
    if faults:
        raise ReleaseError(
            f"{release.name}, {what}: totals do not agree with the sum of their parts: "
            f"{some(faults)}. Deliver totals and parts of the same state"
        )


def _disagreeing(release: Release, measure: Measure) -> str:
    """Return the query for given totals of a measure that contradict their parts."""
    keys, number = release.key_columns, f'"{release.number_column}"'
    own = f"where given.measure = '{measure.name}'" if "measure" in keys else ""
    paths = " ".join(f'join "path_{d}" on "path_{d}".code = given."{d}"' for d in measure.dims)
    leaves = " and ".join(f'atoms."{d}" = "path_{d}".leaf' for d in measure.dims)
    return f"""
        with given as (select * from given {own}),
        parts as (
            select {", ".join(f'given."{name}"' for name in keys)},
                sum(atoms.{number}) as known, bool_or(atoms.{number} is null) as unknown
            from given {paths} join atoms on {leaves or "true"}
            group by all
        )
        select {_quoted(keys)} from given left join parts using ({_quoted(keys)})
        where coalesce(known, 0) > given.{number}
            or coalesce(known, 0) < given.{number} and not coalesce(unknown, false)
        order by all
    """


def faults_of_parts(release: Release) -> list[str]:
    """Name the combinations in which a part is more than its whole."""
    import duckdb

    if not any(measure.part_of for measure in release.measures):
        return []
    faults = []
    order = [measure.name for measure in release.measures]
    with duckdb.connect() as con:
        for number, name in enumerate(order):
            con.register(f"atoms_{number}", release.atoms[name])
        for dimension in release.dimensions.values():
            _register_paths(con, dimension)
        for number, part in enumerate(release.measures):
            for part_of in part.part_of:
                tables = f"atoms_{number}", f"atoms_{order.index(part_of.measure)}"
                rows = con.execute(_more_than_whole(release, part, part_of, *tables)).fetchall()
                faults += [
                    f"{part.name} is more than {part_of.measure}, of which it is a part, in "
                    + (" × ".join(row) or TOTAL)
                    for row in rows[:NAMED]
                ]
    return faults


def _more_than_whole(
    release: Release, part: Measure, part_of: PartOf, part_table: str, whole_table: str
) -> str:
    """Return the query for combinations in which a part is more than its whole."""
    whole = release.measure(part_of.measure)
    shared = [d for d in part.dims if d in whole.dims and d not in part_of.where]
    inside = "true"
    for dim, codes in part_of.where.items():
        listed = ", ".join("'" + code.replace("'", "''") + "'" for code in codes)
        inside += f' and "{dim}" in (select leaf from "path_{dim}" where code in ({listed}))'
    number, keys = release.number_column, _quoted(shared)
    using = f"using ({keys})" if shared else "on true"
    by = f"group by {keys}" if shared else ""
    chosen = f"{keys}," if shared else ""
    return f"""
        with parts as (select {chosen} sum("{number}") as m from {part_table} {by}),
        wholes as (
            select {chosen} sum("{number}") as m, bool_or("{number}" is null) as unknown
            from {whole_table} where {inside} {by}
        )
        select {keys or "'" + TOTAL + "'"} from parts left join wholes {using}
        where parts.m > coalesce(wholes.m, 0) and not coalesce(unknown, false)
        order by all
    """


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _register_paths(con: "duckdb.DuckDBPyConnection", dimension: Dimension) -> None:
    """Register `path_<dimension>`: each leaf with every code above it, itself included."""
    import pyarrow as pa

    pairs = [(leaf, code) for leaf in dimension.leaves for code in dimension.path(leaf)]
    table = pa.table({"leaf": [leaf for leaf, _ in pairs], "code": [code for _, code in pairs]})
    con.register(f"path_{dimension.name}", table)
