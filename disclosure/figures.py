"""What stays beside the engine: figures that go with counts, and what waits for its day.

The counts themselves are protected by the engine, all of a Stichtag together. A delivered change
and a sum over all inhabitants are no counts, but would tell of one; a figure without counts has no
frequency to judge. Whether the result holds is not judged here: that is the privacy gate.
"""

from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa


def withhold_until_embargo(figures: "pa.Table", *, value: str, as_of: date) -> "pa.Table":
    """Withhold figures that may be published later only.

    Args:
        figures: one row for each area and cell with `value`, `status` and `publishable_from`.
        value: the column that holds the figure.
        as_of: today; what may be published only later, or has no day from which it may, is
            `nicht_freigegeben`.

    Returns:
        The same rows; `value` is NULL where `status` is not `ok`.
    """
    import duckdb

    with duckdb.connect() as con:
        con.register("figures", figures)
        return con.execute(
            f"""
            with judged as (
                select * replace (
                    case
                        when status <> 'ok' then status
                        when publishable_from <= date '{as_of}' is not true
                            then 'nicht_freigegeben'
                        else 'ok'
                    end as status
                )
                from figures
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


def withhold_classes(classes: "pa.Table") -> "pa.Table":
    """Withhold the classes of areas whose status is not `ok`: a class goes with its status.

    Args:
        classes: one row for each area with `klasse` (text) and `status`.

    Returns:
        The same rows; `klasse` is NULL where `status` is not `ok`.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    none = pa.scalar(None, pa.string())
    kept = pc.if_else(pc.equal(classes["status"], "ok"), classes["klasse"], none)
    return classes.set_column(classes.column_names.index("klasse"), "klasse", kept)
