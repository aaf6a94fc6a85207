"""What is known of each count of the star, and which units its area counts towards.

Tables of a DuckDB connection that the other modules of this package go on from: `leaves`, `units`,
`unit_of`, `top`, and by row of the facts `people` and `merkmale`.
"""

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from disclosure.policy import Policy
from disclosure.release import TOTAL

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

ALL = "insgesamt"
REST = "uebrige"
"""The ages that no crossed band covers."""
NO_SUM = "ohne Summe"
"""A part that nobody knows, in a region whose levels have no totals: no sum is a cell then."""
DIMENSIONS = ("raum", "altersgruppe", "band", "geschlecht", "staatsangehoerigkeit")
INHABITANTS = "einwohner"
REFERENCE = "melderegister"
_NAMED = 10


@dataclass(frozen=True)
class Facts:
    """The star's counts, and what is needed to read them.

    Attributes:
        inhabitants: `raum_id`, `gebietsstand`, `stichtag`, `basis`, `altersgruppe`, `geschlecht`,
            `staatsangehoerigkeit`, `anzahl`, `status`, `wartet` (not released for the want of the
            municipality's release alone), `thema`, `publishable_from`; Sozialräume and
            pseudo-areas only.
        cases: `raum_id`, `gebietsstand`, `stichtag`, `merkmal`, `geschaetzt`, `anzahl`, `status`,
            `wartet`, `thema`, `publishable_from`; likewise.
        areas: `raum_id`, `gebietsstand`, `raumebene`, `unbewohnt`.
        bridge: `raum_id`, `gebietsstand`, `ober_raum_id`, `ober_raumebene`: which units each
            Sozialraum and pseudo-area counts towards, itself included.
        levels: `raumebene`, `prefix`, `unit`: a level whose units' keys are longer lies below; the
            one with a `unit` is the top.
        parts: `merkmal`, `teil_von`: of which other one a merkmal is a part; `von`, `bis`: of the
            inhabitants of these ages alone (both NULL: of the whole; `bis` NULL: open above).
        countable: every merkmal that a feed may bring as a count, delivered or not.
    """

    inhabitants: "pa.Table"
    cases: "pa.Table"
    areas: "pa.Table"
    bridge: "pa.Table"
    levels: "pa.Table"
    parts: "pa.Table"
    countable: frozenset[str]


class CountsError(ValueError):
    """The star's counts contradict each other, or rules of the policy are void for them.

    The message names areas and merkmale, never counts.
    """


def connect(facts: Facts) -> "duckdb.DuckDBPyConnection":
    """Return a connection with the facts, and with what follows from the areas."""
    import duckdb
    import pyarrow as pa

    con = duckdb.connect()
    con.execute("set threads = 1")
    for name in ("inhabitants", "cases", "areas", "bridge", "levels", "parts"):
        con.register(f"fact_{name}", getattr(facts, name))
    countable = pa.array(sorted(facts.countable), pa.string())
    con.register("fact_countable", pa.table({"merkmal": countable}))
    con.execute(_AREAS)
    return con


def themes_of(facts: Facts) -> dict[str, set[str]]:
    """Return the themes of each measure, inhabitants included: which thresholds hold for it."""
    themes: dict[str, set[str]] = {}
    for table, name, prefix in (
        (facts.inhabitants, "basis", f"{INHABITANTS} "),
        (facts.cases, "merkmal", ""),
    ):
        for row in table.group_by([name, "thema"]).aggregate([]).to_pylist():
            themes.setdefault(prefix + row[name], set()).add(row["thema"])
    return themes


# Leaves: Sozialräume and pseudo-areas. `units`: every unit with the one above it.
_AREAS = f"""
create table leaves as
    select raum_id as raum, gebietsstand, raumebene = 'sozialraum' as klein, not unbewohnt as wohnt
    from fact_areas where raumebene in ('sozialraum', 'ohne_raum');
create table top as
    select distinct bridge.gebietsstand, level.unit as raum_id
    from fact_bridge as bridge cross join fact_levels as level where level.unit is not null;
create table unit_of as
    select bridge.raum_id as raum, bridge.gebietsstand, bridge.ober_raum_id,
        bridge.ober_raum_id = bridge.raum_id as selbst,
        case when top.raum_id is not null then '{TOTAL}' else bridge.ober_raum_id end as unit,
        case when bridge.ober_raum_id = bridge.raum_id then 1000000
            else coalesce(level.prefix, 0) end as tiefe
    from fact_bridge as bridge
    left join fact_levels as level on level.raumebene = bridge.ober_raumebene
    left join top
        on top.gebietsstand = bridge.gebietsstand and top.raum_id = bridge.ober_raum_id;
create table units as
    select distinct gebietsstand, unit,
        lag(unit) over (partition by raum, gebietsstand order by tiefe) as ober
    from unit_of;
"""


def judge(con: "duckdb.DuckDBPyConnection", policy: Policy, as_of: date) -> None:
    """Make `people` and `merkmale`: what is known of each count.

    A count that is not released is known, and its cell withheld; one under embargo is unknown.

    Raises:
        CountsError: a rule names what is no count, or what no rule holds for.
        ValueError: the policy has no thresholds for a theme.
    """
    judged = f"""
        case
            when status in ('ok', 'nicht_freigegeben') and publishable_from <= date '{as_of}'
                then anzahl
        end as n,
        case
            when status <> 'ok' then status
            when publishable_from <= date '{as_of}' then 'ok'
            else 'nicht_freigegeben'
        end as neuer_status
    """
    con.execute(
        f"""
        create table people as
            select *, raum_id as raum, '{INHABITANTS} ' || basis as measure, {judged}
            from fact_inhabitants;
        create table merkmale as
            select *, raum_id as raum, merkmal as measure, {judged} from fact_cases
        """
    )
    con.execute(
        """
        create table themes as
            select measure, gebietsstand, stichtag, thema from people
            union select measure, gebietsstand, stichtag, thema from merkmale
        """
    )
    themes = con.execute("select distinct thema from themes order by 1").fetchall()
    con.execute("create table thresholds (thema varchar, max_sensitive int, max_small int)")
    for (thema,) in themes:
        rules = policy.of(thema)
        row = [thema, rules.max_sensitive, rules.in_small_areas]
        con.execute("insert into thresholds values (?, ?, ?)", row)
    # Sums over all inhabitants are no counts, and a theme without a threshold exposes nobody; a
    # merkmal that has a threshold on one day only is protected on all.
    con.execute(
        """
        create table unprotected as
            select measure from merkmale inner join thresholds using (thema)
            group by measure
            having max(max_small) = 0 or list_contains($summen, measure)
        """,
        {"summen": [name for threshold in policy.thresholds for name in threshold.summen]},
    )
    _refuse_void_rules(con, policy)


def _refuse_void_rules(con: "duckdb.DuckDBPyConnection", policy: Policy) -> None:
    """Raise if a rule names a merkmal that it cannot protect, or that nobody counts."""
    unprotected = {name for (name,) in con.execute("from unprotected").fetchall()}
    query = "select distinct measure from people union select merkmal from fact_countable"
    countable = {name for (name,) in con.execute(query).fetchall()}
    for place, names in policy.named.items():
        if strange := sorted(set(names) - countable):
            raise CountsError(
                f"privacy.yaml, {place}: expected merkmale that a feed brings as counts, found "
                f"{strange}. Correct the names or take them out; nothing is released before"
            )
        if void := sorted(set(names) & unprotected):
            raise CountsError(
                f"privacy.yaml, {place}: {void} belong to a theme with max_sensitive 0, are in no "
                "release and the rule is void for them. Give the theme a threshold or take them "
                "out; nothing is released before"
            )


# Sozialräume of which a measure says nothing were not delivered; a pseudo-area is empty then. A
# measure that is told for whole Kommunen has no Sozialräume, and its pseudo-areas are expected.
SILENT = """
    told as (
        select {source}.measure, {source}.gebietsstand, {source}.stichtag,
            bool_or(leaves.klein) as klein
        from {source} inner join leaves using (raum, gebietsstand)
        group by all
    ),
    silent as (
        select told.measure, told.gebietsstand, told.stichtag, leaves.raum
        from told
        inner join leaves
            on leaves.gebietsstand = told.gebietsstand and leaves.klein = told.klein
            and leaves.wohnt
        anti join {source} as own
            on own.measure = told.measure and own.gebietsstand = told.gebietsstand
            and own.stichtag = told.stichtag and own.raum = leaves.raum
    )
"""


def refuse(con: "duckdb.DuckDBPyConnection", query: str, what: str) -> None:
    """Raise if a query finds what a release cannot hold.

    Args:
        con: a connection with the tables of this package.
        query: returns one text for each thing that is wrong; no counts.
        what: what is wrong with them.

    Raises:
        CountsError: the query found something; the message names it.
    """
    if found := sorted(row[0] for row in con.execute(query).fetchall()):
        more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
        raise CountsError(
            f"core counts: {what}: {', '.join(found[:_NAMED])}{more}. Mend the model of the feed "
            "that brings them; nothing is released before"
        )
