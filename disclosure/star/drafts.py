"""Drafts: the counts as if all municipalities had released them, beside an edition that stands.

A draft is a release of its own, protected together with all that was told before. What of it a
municipality receives (its own areas), and how it is recorded, is for the caller.
"""

from dataclasses import replace
from typing import TYPE_CHECKING

from disclosure.star.facts import Facts

if TYPE_CHECKING:
    import pyarrow as pa

    from disclosure.star.store import StoredRelease


def as_if_released(facts: Facts) -> Facts:
    """Return the star's counts with those that wait for their municipality under the status `ok`.

    What the agreement forbids, or is of a municipality that takes no part, stays not released: no
    decision of the municipality about its draft would publish it.
    """
    return replace(facts, inhabitants=_open(facts.inhabitants), cases=_open(facts.cases))


def _open(counts: "pa.Table") -> "pa.Table":
    import pyarrow as pa
    import pyarrow.compute as pc

    waiting = pc.and_(counts["wartet"], pc.is_valid(counts["anzahl"]))
    status = pc.if_else(waiting, pa.scalar("ok"), counts["status"])
    return counts.set_column(counts.column_names.index("status"), "status", status)


def beside_edition(pattern: "pa.Table", edition: "StoredRelease") -> "pa.Table":
    """Return a draft's pattern that shows no more of what is released than the edition does.

    So a later edition need not respect what only some have seen, but for the areas that it newly
    publishes.

    Args:
        pattern: of the draft; it shows all that the edition shows.
        edition: the edition's release of the same Stichtag and Gebietsstand; its primary cells are
            those that are not released.
    """
    import duckdb

    keys = edition.release.key_columns
    primary = ", ".join(f"coalesce({name}, 'Total') as {name}" for name in keys)
    with duckdb.connect() as con:
        con.register("draft", pattern)
        con.register("edition", edition.pattern)
        con.register("waiting", edition.primary)
        return con.execute(
            f"""
            with waiting as (select {primary}, true as waits from waiting)
            select draft.* replace (
                case when edition.suppressed = 1 and waits is null then 1 else draft.suppressed end
                    as suppressed
            )
            from draft
            left join edition using ({", ".join(keys)})
            left join waiting using ({", ".join(keys)})
            order by all
            """
        ).to_arrow_table()
