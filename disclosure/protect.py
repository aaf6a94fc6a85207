"""From core counts to published counts: which cells are withheld.

A first, simple form: minimum frequency on every count, and the parts of a sum go together, so
that no withheld part is the difference between its total and its published parts. Levels above
the Sozialraum are sums of published parts and are made later, from what this leaves. Before
its embargo a value is not released. Whether the result holds is not judged here: that is the
privacy gate, which shares the policy's numbers with this module and none of its code.
"""

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa


def protect_counts(
    counts: "pa.Table",
    *,
    max_sensitive: int,
    dimensions: Sequence[str] = (),
    value: str = "anzahl",
    as_of: date,
) -> "pa.Table":
    """Withhold sensitive counts.

    Args:
        counts: one row for each area and cell with `value`, `status`, `publishable_from`, the
            area columns `raum_id`, `gebietsstand`, `stichtag` and the given `dimensions`, in
            which `insgesamt` is the total.
        max_sensitive: counts from 1 to this are sensitive, and so is what came as `geheim`.
        dimensions: columns whose cells add up to the total of their area. If one part of an
            area's dimension is sensitive, all parts of that dimension are withheld there; the
            total stays unless it is sensitive itself.
        value: the column that holds the number.
        as_of: today; what may be published only later, or has no day from which it may, is
            `nicht_freigegeben`.

    Returns:
        The same rows; `value` is NULL where `status` is not `ok`.
    """
    import duckdb

    small = f"status = 'ok' and {value} between 1 and {max_sensitive}" if max_sensitive else "false"
    sensitive = f"(status = 'geheim' or {small})"
    part_of = (
        "case "
        + " ".join(f"when {name} <> 'insgesamt' then '{name}'" for name in dimensions)
        + " end"
        if dimensions
        else "null"
    )
    other = [
        name
        for name in counts.column_names
        if name not in {value, "status", "publishable_from", *dimensions}
    ]
    cell = ", ".join(other)
    # A sensitive total takes all its parts with it; a sensitive part all parts beside it.
    group_hit = f"bool_or({sensitive}) over (partition by {cell}, part_of)"
    total_hit = f"bool_or(part_of is null and {sensitive}) over (partition by {cell})"
    hit = f"({group_hit} or {total_hit})" if dimensions else sensitive
    with duckdb.connect() as con:
        con.register("counts", counts)
        return con.execute(
            f"""
            with grouped as (select *, {part_of} as part_of from counts),
            judged as (
                select * exclude (status, part_of),
                    case
                        when status <> 'ok' then status
                        when publishable_from <= date '{as_of}' is not true then 'nicht_freigegeben'
                        when {hit} then 'geheim'
                        else 'ok'
                    end as status
                from grouped
            )
            select * replace (case when status = 'ok' then {value} end as {value})
            from judged order by all
            """
        ).to_arrow_table()


def withhold_differences(figures: "pa.Table", counts: "pa.Table", rules: "pa.Table") -> "pa.Table":
    """Withhold delivered changes that would tell a withheld count.

    The rate of today minus its change of `jahre` years is the rate of then; so a change goes
    with either of the two counts.

    Args:
        figures: released figures, one row for each area, Stichtag and `merkmal`, with `wert`.
        counts: released counts, one row for each area, Stichtag and `merkmal`.
        rules: which change belongs to which count: `lieferwert`, `merkmal`, `jahre`.

    Returns:
        The same rows; a change that must go has status `geheim` and no `wert`.
    """
    import duckdb

    with duckdb.connect() as con:
        con.register("figures", figures)
        con.register("counts", counts)
        con.register("rules", rules)
        return con.execute(
            """
            with telling as (
                select distinct figures.raum_id, figures.gebietsstand, figures.stichtag,
                    figures.merkmal
                from figures
                inner join rules on rules.lieferwert = figures.merkmal
                inner join counts
                    on counts.raum_id = figures.raum_id
                    and counts.gebietsstand = figures.gebietsstand
                    and counts.merkmal = rules.merkmal
                    and counts.status = 'geheim'
                    and counts.stichtag in (
                        figures.stichtag, figures.stichtag - to_years(rules.jahre)
                    )
                where figures.status = 'ok'
            )
            select figures.* replace (
                case when telling.raum_id is null then figures.wert end as wert,
                case when telling.raum_id is null then figures.status else 'geheim' end as status
            )
            from figures
            left join telling using (raum_id, gebietsstand, stichtag, merkmal)
            order by all
            """
        ).to_arrow_table()


def withhold_sums(counts: "pa.Table", inhabitants: "pa.Table", rules: "pa.Table") -> "pa.Table":
    """Withhold sums over so few inhabitants that their number is withheld.

    The sum of the ages of three persons is a large number, and tells of them as much as a count.

    Args:
        counts: released counts, one row for each area, Stichtag and `merkmal`.
        inhabitants: released inhabitants; the total of the register decides.
        rules: which `merkmal` is such a sum.

    Returns:
        The same rows; a sum that must go has status `geheim` and no `anzahl`.
    """
    import duckdb

    with duckdb.connect() as con:
        con.register("counts", counts)
        con.register("inhabitants", inhabitants)
        con.register("rules", rules)
        return con.execute(
            """
            with telling as (
                select distinct counts.raum_id, counts.gebietsstand, counts.stichtag, counts.merkmal
                from counts
                inner join rules on rules.merkmal = counts.merkmal
                inner join inhabitants
                    on inhabitants.raum_id = counts.raum_id
                    and inhabitants.gebietsstand = counts.gebietsstand
                    and inhabitants.stichtag = counts.stichtag
                    and inhabitants.basis = 'melderegister'
                    and inhabitants.altersgruppe = 'insgesamt'
                    and inhabitants.geschlecht = 'insgesamt'
                    and inhabitants.staatsangehoerigkeit = 'insgesamt'
                    and inhabitants.status = 'geheim'
                where counts.status = 'ok'
            )
            select counts.* replace (
                case when telling.raum_id is null then counts.anzahl end as anzahl,
                case when telling.raum_id is null then counts.status else 'geheim' end as status
            )
            from counts
            left join telling using (raum_id, gebietsstand, stichtag, merkmal)
            order by all
            """
        ).to_arrow_table()
