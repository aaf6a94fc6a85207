"""From patterns back to counts by area: what of the star may leave, with rows of every level."""

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from disclosure.policy import Policy
from disclosure.release import TOTAL
from disclosure.star.closed import find_closed, find_telling_sums
from disclosure.star.facts import ALL, DIMENSIONS, NO_SUM, REST, SILENT, Facts, connect, judge
from disclosure.star.releases import DayRelease

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa


def published_counts(
    facts: Facts, policy: Policy, as_of: date, patterns: Sequence[tuple[DayRelease, "pa.Table"]]
) -> dict[str, "pa.Table"]:
    """Return `bevoelkerung` and `fallzahl` as they may leave, with rows of every level.

    A row of an area has the status `ok` and its number where the pattern publishes its cell,
    `geheim` where the pattern withholds it, and else what it came with. Above the areas there is a
    row for each cell of the pattern; what is no cell of a release has none. What a release does not
    hold is summed alike, but where a sum would tell what one area has not released: figures of a
    theme without a threshold, which expose nobody, and the sums over all inhabitants that the
    policy names, which are for the caller to withhold where the inhabitants are.
    """
    with connect(facts) as con:
        judge(con, policy, as_of)
        con.register("pattern", long_patterns(patterns))
        con.execute(_PATTERN_CELLS)
        find_closed(con)
        find_telling_sums(con)
        _unprotected_as_cells(con, policy.whole_sums)
        return {
            "bevoelkerung": con.execute(_published_inhabitants()).to_arrow_table(),
            "fallzahl": con.execute(_published_cases()).to_arrow_table(),
        }


def long_patterns(patterns: "Sequence[tuple[DayRelease, pa.Table]]") -> "pa.Table":
    """Return the patterns of several releases as one table.

    Its columns are `gebietsstand`, `stichtag`, `top`, `measure`, every dimension (`Total` where a
    release lacks it), `n`, `primary` and `suppressed`.
    """
    import pyarrow as pa

    text = dict.fromkeys(("top", "measure", *DIMENSIONS), pa.string())
    numbers = dict.fromkeys(("n", "primary", "suppressed"), pa.int64())
    kinds = {"gebietsstand": pa.string(), "stichtag": pa.date32(), **text, **numbers}
    schema = pa.schema(kinds.items())
    return pa.concat_tables([schema.empty_table(), *(_long(*one, schema) for one in patterns)])


def _long(day: DayRelease, pattern: "pa.Table", schema: "pa.Schema") -> "pa.Table":
    import pyarrow as pa

    constant = {
        "gebietsstand": day.gebietsstand,
        "stichtag": day.stichtag,
        "top": day.top,
        "measure": day.release.measures[0].name,
        **dict.fromkeys(DIMENSIONS, TOTAL),
    }
    columns = {
        field.name: pattern[field.name].cast(field.type)
        if field.name in pattern.column_names
        else pa.repeat(pa.scalar(constant[field.name], field.type), len(pattern))
        for field in schema
    }
    return pa.table(columns, schema=schema)


# A cell of a crossed band is called by the band; the rest of the ages is no cell of the star.
_PATTERN_CELLS = f"""
create table pattern_cells as
    select gebietsstand, stichtag, measure,
        case when raum = '{TOTAL}' then top else raum end as raum_id,
        case when band <> '{TOTAL}' then band when altersgruppe <> '{TOTAL}' then altersgruppe
            else '{ALL}' end as altersgruppe,
        case when geschlecht <> '{TOTAL}' then geschlecht else '{ALL}' end as geschlecht,
        case when staatsangehoerigkeit <> '{TOTAL}' then staatsangehoerigkeit
            else '{ALL}' end as staatsangehoerigkeit,
        n, suppressed = 1 as withheld
    from pattern
    where raum <> '{NO_SUM}' and band <> '{REST}'
        and (band = '{TOTAL}' or geschlecht <> '{TOTAL}');
create table unit_dates as
    select unit_of.ober_raum_id as raum_id, given.measure, given.gebietsstand, given.stichtag,
        max(given.publishable_from) as publishable_from, max(given.thema) as thema,
        bool_or(given.geschaetzt) as geschaetzt
    from (
        select measure, gebietsstand, stichtag, raum, publishable_from, thema, geschaetzt
        from merkmale
        union all
        select measure, gebietsstand, stichtag, raum, publishable_from, thema, false from people
    ) as given
    inner join unit_of using (raum, gebietsstand)
    where not unit_of.selbst
    group by all;
"""


def _unprotected_as_cells(con: "duckdb.DuckDBPyConnection", whole_sums: bool) -> None:
    """Add to `pattern_cells` what no release holds, with its sums."""
    con.execute(
        f"""
        insert into pattern_cells
        with {SILENT.format(source="merkmale")},
        told_or_not as (
            select measure, gebietsstand, stichtag, raum, n from merkmale
            union all select measure, gebietsstand, stichtag, raum, null from silent
        )
        select given.gebietsstand, given.stichtag, given.measure, unit_of.ober_raum_id,
            '{ALL}', '{ALL}', '{ALL}', sum(given.n), false
        from told_or_not as given
        inner join unit_of using (raum, gebietsstand)
        where given.measure in (select measure from unprotected)
            and (unit_of.selbst or {whole_sums})
            and (given.measure, given.gebietsstand, given.stichtag, unit_of.ober_raum_id) not in (
                select (measure, gebietsstand, stichtag, ober_raum_id) from telling
            )
        group by all
        having count(given.n) = count(*)
        """
    )


_UNIT_STATUS = """
    case
        when not cells.withheld then 'ok'
        when (measure, gebietsstand, stichtag, raum_id) in (
            select (measure, gebietsstand, stichtag, unit) from closed
        ) then 'nicht_freigegeben'
        else 'geheim'
    end as status
"""
_STATUS = """
    case when own.neuer_status = 'ok' and not coalesce(cells.withheld, true) then own.n end
        as anzahl,
    case
        when own.neuer_status <> 'ok' then own.neuer_status
        when coalesce(cells.withheld, true) then 'geheim'
        else 'ok'
    end as status
"""


def _published_cases() -> str:
    return f"""
        select own.raum_id, own.gebietsstand, own.stichtag, own.merkmal, own.geschaetzt, {_STATUS},
            own.thema, own.publishable_from
        from merkmale as own
        left join pattern_cells as cells using (raum_id, gebietsstand, stichtag, measure)
        union all
        select raum_id, gebietsstand, stichtag, measure, units.geschaetzt,
            case when not cells.withheld then cells.n end, {_UNIT_STATUS},
            units.thema, units.publishable_from
        from pattern_cells as cells
        inner join unit_dates as units using (raum_id, gebietsstand, stichtag, measure)
        where measure in (select measure from merkmale)
        order by all
    """


def _published_inhabitants() -> str:
    return f"""
        select own.raum_id, own.gebietsstand, own.stichtag, own.basis, own.altersgruppe,
            own.geschlecht, own.staatsangehoerigkeit, {_STATUS}, own.thema, own.publishable_from
        from people as own
        left join pattern_cells as cells using (
            raum_id, gebietsstand, stichtag, measure, altersgruppe, geschlecht,
            staatsangehoerigkeit
        )
        union all
        select raum_id, gebietsstand, stichtag, crossing.basis, altersgruppe, geschlecht,
            staatsangehoerigkeit,
            case when not cells.withheld then cells.n end, {_UNIT_STATUS},
            units.thema, units.publishable_from
        from pattern_cells as cells
        inner join unit_dates as units using (raum_id, gebietsstand, stichtag, measure)
        inner join (
            select distinct measure, basis, gebietsstand, stichtag, altersgruppe, geschlecht,
                staatsangehoerigkeit
            from people
        ) as crossing using (
            measure, gebietsstand, stichtag, altersgruppe, geschlecht, staatsangehoerigkeit
        )
        order by all
    """
