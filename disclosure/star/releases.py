"""One release for each Stichtag and Gebietsstand: its cells, and what is a part of what."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from disclosure.policy import Policy
from disclosure.release import TOTAL, Release
from disclosure.specification import make_release
from disclosure.star.closed import closed_cells, find_closed, find_sums_above
from disclosure.star.facts import (
    ALL,
    DIMENSIONS,
    INHABITANTS,
    NO_SUM,
    REFERENCE,
    SILENT,
    Facts,
    connect,
    judge,
)
from disclosure.star.inhabitants import atoms_of_inhabitants

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa


@dataclass(frozen=True)
class DayRelease:
    """What is told of one Stichtag on one Gebietsstand.

    Attributes:
        top: the unit that is the release's total.
        spec: the specification that `release` was made from.
        atoms: the cells that it was made from, by measure.
        primary: keys of cells that stay for another reason than the policy's rules.
        left_out: parts that are somewhere more than their whole, so that nobody can rely on it;
            they are not declared as parts.
    """

    gebietsstand: str
    stichtag: date
    top: str
    spec: Mapping[str, Any]
    atoms: Mapping[str, "pa.Table"]
    release: Release
    primary: "pa.Table"
    left_out: tuple[str, ...]

    @property
    def name(self) -> str:
        """Stichtag and Gebietsstand."""
        return self.spec["name"]


def day_releases(facts: Facts, policy: Policy, as_of: date) -> list[DayRelease]:
    """Return the releases that hold all counts of the star.

    A count that came as withheld, was not delivered, or may be published only after `as_of` is
    unknown to the release, and sums over it are none of its cells. What is not released is known:
    it counts in the totals, and its cells are primary. Of inhabitants the star knows margins only;
    their joint distribution is made up, so that all margins are what they are: the published cells
    are the same for every such distribution.

    Raises:
        CountsError: margins of the inhabitants do not add up, or a crossing is of another kind
            than age, sex, nationality, or sex within disjoint age bands.
        ValueError: the policy has no thresholds for a theme.
    """
    with connect(facts) as con:
        judge(con, policy, as_of)
        _atoms_of_cases(con)
        atoms_of_inhabitants(con)
        _measures(con)
        _declare_parts(con)
        find_closed(con)
        find_sums_above(con, whole_sums=policy.whole_sums)
        days = con.execute(
            "select distinct gebietsstand, stichtag from measures order by all"
        ).fetchall()
        return [_day_release(con, policy, *day) for day in days]


def _atoms_of_cases(con: "duckdb.DuckDBPyConnection") -> None:
    con.execute(
        f"""
        create table case_atoms as
        with {SILENT.format(source="merkmale")}
        select measure, gebietsstand, stichtag, raum, n from merkmale
        union all
        select measure, gebietsstand, stichtag, raum, null from silent
        """
    )


def _measures(con: "duckdb.DuckDBPyConnection") -> None:
    """Make `atoms` by area, and `measures`: those of which anything is known, with thresholds.

    Of what has not come anywhere nothing is printed, so there is nothing to protect.
    """
    con.execute(
        """
        create table atoms as
            select measure, gebietsstand, stichtag, raum, n from case_atoms
            where measure not in (select measure from unprotected)
            union all
            select measure, gebietsstand, stichtag, raum,
                case when count(n) = count(*) then sum(n) end
            from people_atoms group by all;
        create table measures as
            select measure, gebietsstand, stichtag,
                max(thresholds.max_sensitive) as max_sensitive,
                max(thresholds.max_small) as max_small,
                max(thema) as thema
            from themes inner join thresholds using (thema)
            where (measure, gebietsstand, stichtag) in (
                select (measure, gebietsstand, stichtag) from atoms where n is not null
            )
            group by all;
        """
    )


def _declare_parts(con: "duckdb.DuckDBPyConnection") -> None:
    """Make `part_of`: which measure is a part of which; `gilt`: in no area it is more.

    `codes` are the age bands of the whole in which the part lies, NULL where it may lie in all. A
    band that reaches beyond the ages of the part belongs to them: the part is in it all the same.
    """
    con.execute(
        f"""
        create table part_of as
        with declared as (
            select distinct measures.measure, measures.gebietsstand, measures.stichtag,
                whole.measure as ganzes, parts.von, parts.bis
            from measures
            inner join fact_parts as parts on parts.merkmal = measures.measure
            inner join measures as whole
                on whole.gebietsstand = measures.gebietsstand
                and whole.stichtag = measures.stichtag
                and whole.measure = case
                    when parts.teil_von = '{INHABITANTS}' then '{INHABITANTS} {REFERENCE}'
                    else parts.teil_von
                end
        ),
        aged as (
            select declared.*, bands.altersgruppe
            from declared
            inner join crossings as bands
                on bands.measure = declared.ganzes and bands.art = 'alter'
                and bands.gebietsstand = declared.gebietsstand
                and bands.stichtag = declared.stichtag
                and bands.von <= coalesce(declared.bis, 999) and bands.bis >= declared.von
        ),
        whole_atoms as (
            select declared.measure, declared.ganzes, declared.von, atoms.gebietsstand,
                atoms.stichtag, atoms.raum, atoms.n
            from declared
            inner join atoms on atoms.measure = declared.ganzes
                and atoms.gebietsstand = declared.gebietsstand
                and atoms.stichtag = declared.stichtag
            where declared.von is null
            union all
            select aged.measure, aged.ganzes, aged.von, aged.gebietsstand, aged.stichtag, own.raum,
                case when count(own.n) = count(*) then sum(own.n) end
            from aged
            inner join people_atoms as own
                on own.measure = aged.ganzes and own.altersgruppe = aged.altersgruppe
                and own.gebietsstand = aged.gebietsstand and own.stichtag = aged.stichtag
            group by all
        ),
        more as (
            select distinct declared.measure, declared.ganzes, declared.von, part.gebietsstand,
                part.stichtag
            from declared
            inner join atoms as part using (measure, gebietsstand, stichtag)
            left join whole_atoms as whole
                on whole.measure = declared.measure and whole.ganzes = declared.ganzes
                and whole.von is not distinct from declared.von
                and whole.gebietsstand = part.gebietsstand and whole.stichtag = part.stichtag
                and whole.raum = part.raum
            where part.n > whole.n or (part.n > 0 and whole.raum is null)
        ),
        banded as (
            select measure, ganzes, von, gebietsstand, stichtag,
                list(altersgruppe order by altersgruppe) as codes
            from aged group by all
        )
        select declared.measure, declared.ganzes, declared.gebietsstand, declared.stichtag,
            banded.codes, more.measure is null as gilt
        from declared
        left join banded
            on banded.measure = declared.measure and banded.ganzes = declared.ganzes
            and banded.von = declared.von and banded.gebietsstand = declared.gebietsstand
            and banded.stichtag = declared.stichtag
        left join more
            on more.measure = declared.measure and more.ganzes = declared.ganzes
            and more.von is not distinct from declared.von
            and more.gebietsstand = declared.gebietsstand and more.stichtag = declared.stichtag
        where declared.von is null or banded.codes is not null
        """
    )


def _day_release(
    con: "duckdb.DuckDBPyConnection", policy: Policy, gebietsstand: str, stichtag: date
) -> DayRelease:
    day = {"stand": gebietsstand, "tag": stichtag}
    here = "gebietsstand = $stand and stichtag = $tag"
    stand = {"stand": gebietsstand}

    def rows(query: str, parameters: Mapping[str, Any] = day) -> list[tuple]:
        return con.execute(query, parameters).fetchall()

    ((top,),) = rows("select raum_id from top where gebietsstand = $stand", stand)
    if policy.whole_sums:
        areas = rows(
            "select unit, ober from units where gebietsstand = $stand and ober is not null "
            "order by all",
            stand,
        )
    else:
        leaves = rows("select raum from leaves where gebietsstand = $stand order by 1", stand)
        areas = [(raum, TOTAL) for (raum,) in leaves] + [(NO_SUM, TOTAL)]
    small = rows("select raum from leaves where klein and gebietsstand = $stand order by 1", stand)
    measures = rows(
        f"select measure, max_sensitive, max_small, thema from measures where {here} order by 1"
    )
    people = {row[0]: row[1:] for row in rows(
        f"select measure, mit_alter, mit_geschlecht, mit_band, mit_nation from shapes where {here}"
    )}  # fmt: skip
    tables = {
        name: _tables(*people[name]) if name in people else [["raum"]] for name, *_ in measures
    }
    used = [d for d in DIMENSIONS if any(d in table for own in tables.values() for table in own)]
    hierarchies = {"raum": areas}
    for name in used[1:]:
        codes = rows(f"select distinct {name} from people_atoms where {here} order by 1")
        hierarchies[name] = [(code, TOTAL) for (code,) in codes if code != ALL]
    parts = rows(f"select measure, ganzes, codes from part_of where gilt and {here} order by all")
    broken = rows(
        f"select distinct measure, ganzes from part_of where not gilt and {here} order by all"
    )
    spec = {
        "name": f"{stichtag} {gebietsstand}",
        "dims": {name: [list(pair) for pair in hierarchies[name]] for name in used},
        "measures": {
            name: {
                "maxN": max_sensitive,
                "maxNSmall": max_small,
                "thema": thema,
                "tables": tables[name],
                "part_of": [_part_of(*own) for part, *own in parts if part == name],
            }
            for name, max_sensitive, max_small, thema in measures
        },
        "small_areas": {"dimension": "raum", "codes": [code for (code,) in small]},
        **({"support": [["altersgruppe", "band"]]} if "band" in used else {}),
    }
    atoms = {
        name: _own_atoms(con, name, tables[name], day, whole_sums=policy.whole_sums)
        for name, *_ in measures
    }
    closed_cells(con, tables, day)
    keys = [f"coalesce({name}, '{TOTAL}') as {name}" for name in used]
    keys = ["measure", *keys] if len(measures) > 1 else keys
    primary = con.execute(
        f"select distinct {', '.join(keys)} from primary_cells order by all"
    ).to_arrow_table()
    return DayRelease(
        gebietsstand=gebietsstand,
        stichtag=stichtag,
        top=top,
        spec=spec,
        atoms=atoms,
        release=make_release(spec, atoms),
        primary=primary,
        left_out=tuple(f"{part} of {whole}" for part, whole in broken),
    )


def _part_of(whole: str, ages: list[str] | None) -> dict[str, Any]:
    return {"measure": whole, **({"where": {"altersgruppe": ages}} if ages else {})}


def _tables(alter: bool, geschlecht: bool, band: bool, nation: bool) -> list[list[str]]:
    tables = [["raum", "altersgruppe"]] if alter else []
    if geschlecht:
        tables.append(["raum", "band", "geschlecht"] if band else ["raum", "geschlecht"])
    if nation:
        tables.append(["raum", "staatsangehoerigkeit"])
    return tables or [["raum"]]


def _own_atoms(
    con: "duckdb.DuckDBPyConnection",
    measure: str,
    tables: list[list[str]],
    day: Mapping[str, Any],
    *,
    whole_sums: bool,
) -> "pa.Table":
    dims = [name for name in DIMENSIONS if any(name in table for table in tables)]
    keys = ", ".join(dims)
    source = "people_atoms" if len(dims) > 1 else "atoms"
    own = f"""
        select {keys}, n from {source}
        where measure = $measure and gebietsstand = $stand and stichtag = $tag
    """
    if not whole_sums:
        codes = ", ".join(["$rest", *dims[1:]])
        own += f" union all select distinct {codes}, null from ({own})"
    named = {**day, "measure": measure, **({} if whole_sums else {"rest": NO_SUM})}
    return con.execute(
        f"select {keys}, cast(n as bigint) as n from ({own}) order by all", named
    ).to_arrow_table()
