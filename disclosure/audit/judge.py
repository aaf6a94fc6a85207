"""The audit of a pattern: all attackers in turn, and the verdict.

The order of the attacks is chosen so that each uses what the one before found: a table that A1
cannot rule out, A0 cannot either.
"""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from disclosure.agreement import check_given
from disclosure.audit.attackers import Attack, insiders, municipalities
from disclosure.audit.case import Case, Municipalities, make_case
from disclosure.audit.cells import Cells, enumerate_atoms, enumerate_cells, with_given
from disclosure.audit.demands import Demands, demand_counts
from disclosure.audit.pattern import (
    check_identical,
    check_marks,
    check_single_children,
    read_marks,
    same_rows,
)
from disclosure.audit.report import Audit, Hit
from disclosure.audit.rules import small_rests
from disclosure.audit.search import Count
from disclosure.audit.solver import Infeasible, SolverFailure, TimeOut, version
from disclosure.keys import make_keys, make_known, make_old
from disclosure.policy import with_thresholds
from disclosure.release import Release

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from disclosure.policy import Policy

ATTACKERS = ("A0", "A1", "A2", "A3", "M")


def audit_release(
    release: Release,
    pattern: "pa.Table",
    *,
    policy: "Policy | None" = None,
    primary: "pa.Table | None" = None,
    given: "pa.Table | None" = None,
    known: "pa.Table | None" = None,
    old: "pa.Table | None" = None,
    unsatisfiable: "pa.Table | None" = None,
    upper_under_a1: bool = False,
    attackers: Sequence[str] | None = None,
    owners: Municipalities | None = None,
    intervals: bool = False,
    all_withheld: bool = False,
    seconds: float = math.inf,
) -> Audit:
    """Attack a pattern. The rules are those of docs/geheimhaltung.md.

    Args:
        release: the release, true counts included.
        pattern: one row for every published cell: the key columns, `n` (magnitudes: `value`),
            `primary` and `suppressed` (0 or 1).
        policy: the region's rules; without them minimum frequency alone.
        primary: keys of cells that are sensitive or not released for another reason, optionally
            with the `width` that their interval must have.
        given: totals that everybody knows: keys and n.
        known: what earlier editions published: keys and n, and `edition` where there are several
            (A3); see `make_known`.
        old: the finest counts behind these editions that were others than today's; see `make_old`.
            A3 is taken to know which these are. Without it he knows what he can conclude.
        unsatisfiable: keys of cells that the evidence says nothing can protect. A cell is excused
            only if it falls even when everything is withheld that may be.
        upper_under_a1: whether A1 must be left with the same upper bound as A0.
        attackers: which of `ATTACKERS` attack; by default those of the policy, without one A0 and
            A1. A3 attacks where `known` is handed in, A4 where the release holds further
            geographies: their rows are known to all others.
        owners: the municipalities, for M; by default those of the policy.
        intervals: work out the exact interval of each sensitive cell; otherwise the audit stops
            as soon as it is wide enough.
        all_withheld: whether every withheld cell must not be exact, the complementary ones, too.
        seconds: how long the audit may take; if it is not done then, it is not passed.

    Raises:
        ReleaseError: one of the small tables does not fit the release.
        ValueError: an attacker is unknown, M has no municipalities, or the policy says nothing
            about a measure's theme.
    """
    started = time.monotonic()
    count = Count(deadline=started + seconds)
    attackers = tuple(attackers or (policy.attackers if policy else ("A0", "A1")))
    owners = owners or _owners(release, policy)
    _check_attackers(attackers, owners)
    if policy is not None:
        release = with_thresholds(release, policy)
    if primary is not None:
        primary = make_keys(release, primary, "primary", optional=("width",))
    if given is not None:
        given = make_keys(release, given, "given", number=True)
        check_given(release, given)
    if known is not None:
        known = make_known(release, known)
    if old is not None:
        old = make_old(release, old)
    if release.kind == "magnitude":
        from disclosure.audit.magnitudes import audit_magnitudes

        return audit_magnitudes(
            release,
            pattern,
            count,
            policy=policy,
            primary=primary,
            given=given,
            known=known,
            unsatisfiable=unsatisfiable,
            owners=owners if "M" in attackers else None,
        )
    cells = with_given(enumerate_cells(release), given)
    marks = read_marks(cells, pattern)
    demands = demand_counts(cells, marks, primary, policy)
    if all_withheld:
        demands = replace(demands, sensitive=demands.sensitive | marks.suppressed)
    excused = cells.mask([] if unsatisfiable is None else cells.find(unsatisfiable))
    problems = [*marks.problems, *check_marks(cells, marks, demands.sensitive, demands.may_be_zero)]
    public = ~marks.suppressed & ~cells.unknown
    problems += check_single_children(cells, marks, public, excused)
    wanted = _Wanted(demands, upper_under_a1, tuple(attackers), owners, intervals, policy)
    found = _Found([], _interval_table(release, []))
    hits: list[Hit] = []
    hopeless: list[Hit] = []
    try:
        # What was withheld at its source must stay untold whatever the pattern says of it.
        watched = marks.suppressed | demands.at_source
        case = _make_case(cells, watched, wanted, given, known, old)
        problems += check_identical(cells, marks, case.members)
        found = _attack(case, wanted, count)
        hits = found.hits
        problems += found.problems
        hits, hopeless, faults = _excuse(case, wanted, found, excused, count, given, known, old)
        problems += faults
    except (Infeasible, SolverFailure, TimeOut) as error:
        problems.append(f"undecided: {error}")
    return Audit(
        release=release.name,
        hits=tuple(hits),
        problems=tuple(problems),
        intervals=found.intervals,
        unsatisfiable=tuple(hopeless),
        facts={
            "solver": version(),
            "attackers": sorted({*attackers, *(["A3"] if known is not None else [])}),
            "published cells": len(cells.key),
            "withheld cells": int(marks.suppressed.sum()),
            "sensitive cells": int(demands.sensitive.sum()),
            "programmes": count.programmes,
            "whole programmes": count.whole,
            "seconds": round(time.monotonic() - started, 3),
        },
    )


@dataclass(frozen=True)
class _Wanted:
    demands: Demands
    upper_under_a1: bool
    attackers: tuple[str, ...]
    owners: Municipalities | None
    intervals: bool
    policy: "Policy | None"
    rests: frozenset[tuple[str, ...]] | None = None  # the hidden sums to look at; None: all
    insiders: frozenset[tuple[str, ...]] | None = None  # the cells whose insiders attack


@dataclass(frozen=True)
class _Found:
    """What a round of attacks found.

    Attributes:
        hits: what fell.
        intervals: as `Audit` has them.
        problems: what could not be decided.
        undecided: pairs (cell, attacker) among the hits that are no more than not shown to be safe.
        alike: for an insider of a hit all who know the same as he does.
    """

    hits: list[Hit]
    intervals: "pa.Table"
    problems: Sequence[str] = ()
    undecided: frozenset[tuple[tuple[str, ...], str]] = frozenset()
    alike: Mapping[tuple[str, ...], frozenset[tuple[str, ...]]] = field(default_factory=dict)

    def who(self, hit: Hit) -> frozenset[tuple[str, ...]]:
        """Return all whose knowledge leads to a hit; of those who know the same it names one."""
        return self.alike.get(hit.known_by, frozenset([hit.known_by]))


def _make_case(
    cells: Cells,
    suppressed: "np.ndarray",
    wanted: _Wanted,
    given: "pa.Table | None",
    known: "pa.Table | None",
    old: "pa.Table | None",
) -> Case:
    public = ~suppressed & ~cells.unknown
    atoms = enumerate_atoms(cells, public & (cells.value == 0))
    return make_case(
        cells,
        atoms,
        suppressed,
        wanted.demands.may_be_zero,
        given=given,
        known=known,
        old=old,
        owners=wanted.owners,
        hidden=small_rests(cells, atoms, wanted.policy),
    )


def _check_attackers(attackers: Sequence[str], owners: Municipalities | None) -> None:
    if strange := sorted(set(attackers) - set(ATTACKERS)):
        raise ValueError(f"audit: unknown attackers {strange}; expected some of {list(ATTACKERS)}")
    if "M" in attackers and owners is None:
        raise ValueError("audit: attacker M needs the dimension and the codes of municipalities")


def _owners(release: Release, policy: "Policy | None") -> Municipalities | None:
    """Return the municipalities that a policy declares: all codes of one level."""
    if policy is None or policy.raum.dimension not in release.dimensions:
        return None
    name, level = policy.raum.dimension, policy.raum.kommunen
    dimension = release.dimensions[name]
    codes = tuple(code for code in dimension.codes if len(dimension.path(code)) == level + 1)
    return Municipalities(name, codes) if codes else None


def _attack(case: Case, wanted: _Wanted, count: Count) -> _Found:
    import numpy as np

    demands = wanted.demands
    looked_at = [wanted.rests is None or name in wanted.rests for name in case.rests]
    sensitive = case.stretch(demands.sensitive, np.array(looked_at, dtype=bool))
    hidden = 0 if case.hidden is None else case.hidden.bar
    bar = np.where(sensitive, case.stretch(demands.bar, hidden), 0)
    attacks: dict[str, Attack] = {}
    if {"A1", "A2", "M"} & set(wanted.attackers):
        attacks["A1"] = Attack(case, case.knowledge(zeros_are_printed=True), count)
    hits: list[tuple[int, str, str, tuple[str, ...]]] = []
    if first := attacks.get("A1"):
        rise = np.where(bar > 0, bar - first.base, 0)
        if wanted.upper_under_a1:
            fallen = sensitive & ~first.raise_to(rise)
            hits += [(cell, "A1", "upper bound", ()) for cell in np.flatnonzero(fallen)]
        else:
            first.try_to(rise)
        fallen = sensitive & ~first.move(sensitive)
        hits += [(cell, "A1", "exact", ()) for cell in np.flatnonzero(fallen)]
    if "A0" in wanted.attackers:
        # A table that fits what A1 knows fits what A0 knows.
        table = first.table if first else None
        outsider = Attack(case, case.knowledge(zeros_are_printed=False), count, table=table)
        attacks["A0"] = outsider
        rise = np.where(bar > 0, bar - outsider.base, 0)
        if first:
            rise[first.base + first.up >= bar] = 0
        fallen = sensitive & ~outsider.raise_to(rise)
        hits += [(cell, "A0", "upper bound", ()) for cell in np.flatnonzero(fallen)]
        other = sensitive & ~(first.moved if first else np.zeros(len(sensitive), dtype=bool))
        fallen = other & ~outsider.move(other)
        hits += [(cell, "A0", "exact", ()) for cell in np.flatnonzero(fallen)]
    hits += _narrow(attacks, np.where(sensitive, case.stretch(demands.width, 0), 0))
    known, alike = _with_knowledge(case, attacks.get("A1"), sensitive, wanted)
    hits += known
    names = case.names(range(len(sensitive)))
    found = [Hit(names[cell], *rest) for cell, *rest in hits]
    found.sort(key=lambda hit: (hit.attacker, hit.learned, hit.key, hit.known_by))
    table = _intervals(case, attacks, np.flatnonzero(sensitive), bar, exact=wanted.intervals)
    undecided = {
        (names[cell], attacker)
        for attacker, attack in attacks.items()
        for cell in (*attack.undecided, *np.flatnonzero(attack.unseen))
    }
    return _Found(found, table, _open_ends(attacks, names), frozenset(undecided), alike)


def _open_ends(attacks: dict[str, Attack], names: list[tuple[str, ...]]) -> list[str]:
    """Name what was not decided; a cell that is not shown to be safe counts as fallen."""
    problems = []
    for attacker, attack in attacks.items():
        if attack.undecided:
            cells = [" × ".join(names[cell]) for cell in sorted(attack.undecided)]
            problems.append(f"undecided: the solver gave up under {attacker} for {cells}")
        if attack.unseen.any():
            problems.append(
                f"undecided: after {attack.most} cells that fall under {attacker}, "
                f"{int(attack.unseen.sum())} more were not looked at and count as fallen"
            )
    return problems


def _narrow(attacks: dict[str, Attack], width: "np.ndarray") -> list[tuple]:
    """Return the cells whose interval is narrower than the policy demands."""
    import numpy as np

    chosen = np.flatnonzero(width > 0)
    hits = []
    for name, attack in attacks.items():
        left = chosen[(attack.up + attack.down)[chosen] < width[chosen]]
        lower, upper = attack.intervals(left, np.full(len(width), np.inf))
        hits += [
            (int(cell), name, "interval", ())
            for cell, low, high in zip(left, lower, upper, strict=True)
            if high is not None and high - low < width[cell]
        ]
    return hits


def _with_knowledge(
    case: Case, attack: Attack | None, sensitive: "np.ndarray", wanted: _Wanted
) -> tuple[list[tuple], dict[tuple[str, ...], frozenset[tuple[str, ...]]]]:
    """Attack with what insiders and municipalities know.

    Returns:
        The hits, and for each insider who is named there all who know the same as he does.
    """
    import numpy as np

    hits: list[tuple] = []
    alike: dict[tuple[str, ...], frozenset[tuple[str, ...]]] = {}
    if attack is None:
        return hits, alike
    cells = np.flatnonzero(sensitive)
    if "A2" in wanted.attackers:
        alone = (case.cells.value == 1) & ~case.cells.unknown
        ones = np.flatnonzero(case.stretch(alone, False))
        names = case.names(range(len(sensitive)))
        if wanted.insiders is not None:
            ones = np.array([one for one in ones if names[one] in wanted.insiders], dtype=np.int64)
        same = same_rows(attack.system.watched)
        for insider, cell in insiders(attack, cells, ones):
            hits.append((cell, "A2", "exact", names[insider]))
            if names[insider] not in alike:
                equal = ones[same[ones] == same[insider]]
                alike[names[insider]] = frozenset(names[one] for one in equal)
    if "M" in wanted.attackers and wanted.owners is not None:
        hits += [
            (cell, "M", "exact", (wanted.owners.codes[number - 1],))
            for number, cell in municipalities(attack, cells)
        ]
    return hits, alike


def _intervals(
    case: Case,
    attacks: dict[str, Attack],
    wanted: "np.ndarray",
    bar: "np.ndarray",
    *,
    exact: bool,
) -> "pa.Table":
    rows = []
    for name in sorted(attacks):
        attack = attacks[name]
        base = attack.base
        if exact:
            lower, upper = attack.intervals(wanted, bar)
        else:
            lower = (base - attack.down)[wanted].tolist()
            upper = (base + attack.up)[wanted].tolist()
        form = "exact" if exact else "at least"
        rows.append((case.names(wanted), name, lower, upper, form))
    return _interval_table(case.cells.release, rows)


def _interval_table(release: Release, rows: Sequence[tuple]) -> "pa.Table":
    import pyarrow as pa

    columns = [*release.key_columns, "without"]
    tables = []
    for names, attacker, lower, upper, form in [*rows, ([], "", [], [], "")]:
        full = [(*name, *[""] * (len(columns) - len(name))) for name in names]
        texts = zip(*full, strict=True) if full else ([] for _ in columns)
        table = {n: pa.array(list(t), pa.string()) for n, t in zip(columns, texts, strict=True)}
        table["attacker"] = pa.array([attacker] * len(full), pa.string())
        table["lower"] = pa.array(lower, pa.int64())
        table["upper"] = pa.array(upper, pa.int64())
        table["form"] = pa.array([form] * len(full), pa.string())
        tables.append(pa.table(table))
    return pa.concat_tables(tables)


def _excuse(
    case: Case,
    wanted: _Wanted,
    found: _Found,
    excused: "np.ndarray",
    count: Count,
    given: "pa.Table | None",
    known: "pa.Table | None",
    old: "pa.Table | None",
) -> tuple[list[Hit], list[Hit], list[str]]:
    """Tell the hits that nothing can prevent, if the evidence names them, from the others.

    A hit is excused only if the same attacker with the same knowledge is shown to learn the same
    when everything is withheld; of insiders who know the same today, each of them.

    Returns:
        The hits, the excused ones, and what could not be decided about excuses.
    """
    import numpy as np

    cells, width = case.cells, len(case.cells.release.key_columns)
    named = set(cells.names(np.flatnonzero(excused)))
    claimed = [hit for hit in found.hits if hit.key[:width] in named]
    if not claimed:
        return found.hits, [], []
    everything = (cells.value > 0) | cells.unknown | cells.mask(case.withheld)
    most = _make_case(cells, everything, wanted, given, known, old)
    only = cells.mask(cells.find_names([hit.key[:width] for hit in claimed]))
    claims = replace(
        wanted,
        demands=replace(wanted.demands, sensitive=wanted.demands.sensitive & only),
        attackers=tuple({hit.attacker for hit in claimed}),
        intervals=False,
        rests=frozenset(hit.key for hit in claimed),
        insiders=frozenset(who for hit in claimed for who in found.who(hit)),
    )
    still = _attack(most, claims, count)
    hopeless = {
        (hit.key, hit.attacker, hit.learned, who)
        for hit in still.hits
        if (hit.key, hit.attacker) not in still.undecided
        for who in still.who(hit)
    }
    excusable = [
        hit
        for hit in claimed
        if all((hit.key, hit.attacker, hit.learned, who) in hopeless for who in found.who(hit))
    ]
    open_ends = [f"{text} (everything withheld)" for text in still.problems]
    return [hit for hit in found.hits if hit not in excusable], excusable, open_ends
