"""Protect a release: which of its cells are withheld, and the evidence for it.

The order of the steps belongs here: sensitive cells, system, search, clean-up, further attackers,
pattern and evidence. How each works is told in the other modules of this package.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from disclosure.agreement import check_given
from disclosure.engine.cells import Cells, Grid, list_cells
from disclosure.engine.earlier import add_earlier, compare
from disclosure.engine.exchanges import Exchanges
from disclosure.engine.holders import dominance
from disclosure.engine.neighbours import Neighbourhoods
from disclosure.engine.primary import Hidden, cells_that_stay, tie_differences
from disclosure.engine.search import Components, Demand, Plan, Search, Task
from disclosure.engine.system import System, build_system, owners, stand_in
from disclosure.engine.versions import Told
from disclosure.keys import make_keys, make_known, make_old
from disclosure.policy import with_thresholds
from disclosure.release import TOTAL, Release, ReleaseError

if TYPE_CHECKING:
    import pyarrow as pa

    from disclosure.policy import Policy

_WEIGHT_UNIT = 100
_SEED = 7
_TRIES = 10
_MANY_NODES = 1400
_MANY_SENSITIVE = 400
_LARGE = 2_000_000
_SWAPS = 2
_DEARER = 3
_CHEAPER = 3
_NOWHERE = 10
_DECIMALS = 6


@dataclass(frozen=True)
class Protection:
    """What a release may show.

    Attributes:
        pattern: one row for each published cell: the keys, `n`, `primary`, `suppressed`; sealed.
        evidence: what was protected against whom, and what is left of each sensitive cell; sealed.
        unsatisfiable: keys of the cells that the evidence names as impossible to protect, each
            once, as the auditor takes them; None if there are none.
    """

    pattern: "pa.Table"
    evidence: dict
    unsatisfiable: "pa.Table | None" = None


def protect_release(
    release: Release,
    *,
    policy: "Policy | None" = None,
    primary: "pa.Table | None" = None,
    given: "pa.Table | None" = None,
    known: "pa.Table | None" = None,
    old: "pa.Table | None" = None,
    upper_under_a1: bool = False,
    exact_only: bool = False,
    previous: "pa.Table | None" = None,
) -> Protection:
    """Choose what a release withholds.

    Args:
        release: all tables that are published together.
        policy: the region's rules; without it minimum frequency, A0 and A1 only.
        primary: keys of cells that are sensitive or not released for another reason; they may be
            zero. Optional column `width`: how wide their interval has to be.
        given: keys and numbers of totals that partners delivered.
        known: keys and numbers that earlier editions published.
        old: the finest counts behind these editions that were others than today's; see `make_old`.
            The attacker is taken to know which these are.
        upper_under_a1: whether the upper bound of a sensitive count has to reach maxN + 1 even if
            the attacker knows that withheld cells are at least 1.
        exact_only: whether it is enough that no sensitive number can be told exactly, however
            narrow the interval around it; of a large release nothing is published again then.
            Faster, and for trials only: the auditor's bar is higher.
        previous: the pattern of an earlier edition; its choices are kept where that is possible.

    Returns:
        The pattern and the evidence.

    Raises:
        ReleaseError: a table of keys is wrong.
        ValueError: the policy says nothing about a measure's theme.
    """
    if policy is not None:
        release = with_thresholds(release, policy)
    tables = {
        "primary": cells_that_stay(release, policy, primary),
        "given": _keys(release, given, "given", number=True),
        "known": None if known is None else make_known(release, known),
        "old": None if old is None else make_old(release, old),
        "previous": _previous(release, previous),
    }
    if tables["given"] is not None:
        check_given(release, tables["given"])
    system = make_system(release, tables)
    hidden = tie_differences(system, release, policy)
    sensitive = find_sensitive(system, release, tables["primary"], hidden)
    task = _task(system, sensitive, policy, upper_under_a1, exact_only, tables["previous"])
    plan, runs, unmet = _solve(task, clean=not (exact_only and task.exchanges))
    return Protection(
        _pattern(system, release, sensitive, plan),
        {
            **_evidence(system, release, tables, policy, sensitive, plan, runs, unmet),
            "input": hash_input(release, tables, upper_under_a1, exact_only),
            "exact_only": exact_only,
        },
        _hopeless(system, sensitive, unmet),
    )


def _hopeless(system: System, sensitive: "Sensitive", unmet: list[Demand]) -> "pa.Table | None":
    """Return the keys of the published cells that nothing can protect."""
    import pyarrow as pa

    nodes = np.array([demand.node for demand in unmet], dtype=np.int64)
    keys = np.union1d(system.cell_keys[np.isin(system.cell_node, nodes)], sensitive.lost)
    columns = system.grid.columns(keys)
    table = pa.table({name: pa.array(one, pa.string()) for name, one in columns.items()})
    return table if len(table) else None


def _previous(release: Release, table: "pa.Table | None") -> "pa.Table | None":
    """Read a pattern of an earlier edition; codes that are gone since are left out."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if table is None:
        return None
    for name, dimension in release.dimensions.items():
        codes = pa.array([TOTAL, *dimension.codes])
        table = table.filter(pc.is_in(table[name].cast(pa.string()), codes))
    wanted = table.select([*release.key_columns, "suppressed"])
    return make_keys(release, wanted, "previous", optional=("suppressed",))


def _keys(release: Release, table: "pa.Table | None", what: str, **options):
    return None if table is None else make_keys(release, table, what, **options)


def make_system(release: Release, tables: Mapping[str, "pa.Table | None"]) -> System:
    """Enumerate the cells of all measures and tie them together.

    Args:
        release: the release.
        tables: `primary`, `given`, `known` and `old`, as the functions of `keys` return them, or
            None.
    """
    grid, none = Grid.of(release), np.empty(0, np.int64)
    primary = none if tables["primary"] is None else grid.keys_of(tables["primary"])
    given = {}
    if tables["given"] is not None:
        keys = grid.keys_of(tables["given"]).tolist()
        given = dict(zip(keys, _whole(grid, tables["given"]), strict=True))
    told = Told.of(grid, tables["known"])
    extra = np.union1d(np.array(list(given), dtype=np.int64), told.keys)
    measures: list[Cells] = []
    for position, _ in enumerate(release.measures):
        own = extra[grid.measure_of(extra) == position]
        measures.append(list_cells(grid, release.measures[position], primary, own))
    old = None if tables["old"] is None else Told.of(grid, tables["old"])
    past = compare(grid, measures, told, old)
    known = np.concatenate([none, *(one.known for one in past)])
    system = build_system(grid, measures, zeros=primary, given=given, known=known.tolist())
    add_earlier(system, past)
    stand_in(system)
    return system


def _whole(grid: Grid, table: "pa.Table") -> list[int]:
    numbers = table[grid.release.number_column].to_numpy()
    return np.rint(numbers / grid.unit).astype(np.int64).tolist()


@dataclass(frozen=True)
class Sensitive:
    """The nodes that may not be published, and how far an attacker must be kept from them.

    Attributes:
        node: the sensitive nodes, ascending.
        reach: by how much the upper bound has to lie above the true number; 0: not exact.
        floor: by node of the system what a single holder may know to be there (magnitudes).
        names: what to call nodes that are no published cells.
        lost: keys of cells that must stay though printed zeros tell that they are zero.
    """

    node: np.ndarray
    reach: np.ndarray
    floor: np.ndarray
    names: Mapping[int, dict[str, str]]
    lost: np.ndarray


def find_sensitive(
    system: System, release: Release, primary: "pa.Table | None", hidden: Hidden
) -> Sensitive:
    """Apply the minimum frequency to every published cell, margins included.

    Args:
        system: the system.
        release: the release.
        primary: cells that stay for another reason.
        hidden: nodes that are no published cells and must not be told either.
    """
    keys, value = system.cell_keys, system.cell_value
    own = _thresholds(system.grid, keys)
    small = (value >= 1) & (value <= own)
    reach, floor = np.zeros(system.size, np.int64), np.zeros(system.size, np.int64)
    node = system.cell_node
    np.maximum.at(reach, node[small], (own - value + 1)[small])
    # What was withheld at its source may be small: the same bar, seen from the number in its place.
    at_source = (value < 0) & system.spread(_limited(system))
    np.maximum.at(reach, node[at_source], (own[at_source] + 1 - system.value[node[at_source]]))
    chosen, lost = small | at_source, keys[(value < 0) & (node < 0)]
    if release.kind == "magnitude":
        largest, needed = dominance(system)
        reach, floor = np.maximum(reach, needed), largest
        chosen = chosen | ((node >= 0) & (needed[node] > 0))
    if primary is not None:
        wanted = system.grid.keys_of(primary)
        named = np.isin(keys, wanted)
        chosen, lost = chosen | named, np.union1d(lost, keys[named & (node < 0)])
        width = primary["width"].to_numpy() if "width" in primary.column_names else 0
        nodes = system.nodes_of(wanted)
        there = nodes >= 0
        units = np.ceil(np.nan_to_num(width) / system.grid.unit)
        widths = np.broadcast_to(units, nodes.shape).astype(np.int64)
        np.maximum.at(reach, nodes[there], widths[there])
    reach[hidden.node] = hidden.reach
    nodes = np.union1d(node[chosen & (node >= 0)], hidden.node)
    return Sensitive(nodes, reach[nodes], floor, hidden.names, lost)


def _limited(system: System) -> np.ndarray:
    """Return the nodes of unknown number that may not rise as far as one likes.

    A sum of what is unknown is no cell, so an unknown number may rise together with all sums that
    hold it, unless one of these is known to everybody or is a part of a whole.
    """
    from scipy import sparse
    from scipy.sparse.csgraph import connected_components

    loose = ~system.printed | system.frozen
    rows = abs(system.relations[:, loose])
    graph = sparse.block_array([[None, rows], [rows.T, None]])
    label = connected_components(graph, directed=False)[1][rows.shape[0] :]
    limits = system.frozen | ((system.parts > 0).sum(axis=0) > 0)
    limited = np.zeros(system.size, bool)
    limited[loose] = np.isin(label, label[limits[loose]])
    return limited


def _thresholds(grid: Grid, keys: np.ndarray) -> np.ndarray:
    """Return up to which number each cell is sensitive."""
    measure = grid.measure_of(keys)
    own = np.array([one.max_sensitive for one in grid.release.measures])[measure]
    if small := grid.release.small_areas:
        (position,) = grid.positions([small.dimension])
        in_small = grid.axes[position].among(small.codes)[grid.digit(keys, position)]
        strict = np.array([one.max_small for one in grid.release.measures])[measure]
        own = np.where(in_small, strict, own)
    return own


def _task(
    system: System,
    sensitive: Sensitive,
    policy: "Policy | None",
    upper_under_a1: bool,
    exact_only: bool,
    previous: "pa.Table | None",
) -> Task:
    weight = np.log1p(system.value) + 0.5
    weight = np.rint(_WEIGHT_UNIT * weight).astype(np.int64) * np.maximum(system.cells, 1)
    worth, nowhere = system.cells.copy(), _without_place(system)
    worth[nowhere] = 0
    weight[nowhere] //= _NOWHERE
    if previous is not None:
        weight = _kept(system, weight, previous)
    open_ = ~system.printed & ~system.frozen
    open_[sensitive.node] = True
    floor = np.where(system.printed & ~system.may_be_zero, 1, 0)
    floor = np.maximum(floor, sensitive.floor)
    demands = []
    for node, reach in zip(sensitive.node.tolist(), sensitive.reach.tolist(), strict=True):
        reach = 0 if exact_only else reach  # noqa: PLW2901
        demands.append(Demand(node, reach, strict=upper_under_a1 or not reach))
        if reach and not upper_under_a1:
            demands.append(Demand(node, 0, strict=True))
    ones, owner = np.zeros(system.size, bool), np.full(system.size, -1)
    attackers = policy.attackers if policy else ()
    if "A2" in attackers:
        ones = (system.value == 1) & system.printed & ~system.frozen
    if "M" in attackers:
        owner = owners(system, policy.raum.dimension, _municipalities(system, policy))
    bare = sensitive.floor
    around = Neighbourhoods(system)
    many = len(sensitive.node)
    large = many > _MANY_SENSITIVE and many * system.size > _LARGE
    # An exchange changes cells, and would have to change what is left of wholes with them.
    fits = large and not sensitive.names and Exchanges.fit(system)
    exchanges = Exchanges(system) if fits else None
    return Task(
        system,
        demands,
        weight,
        worth,
        open_,
        system.frozen,
        bare,
        floor,
        around,
        exchanges,
        ones,
        owner,
    )


def _without_place(system: System) -> np.ndarray:
    """Return the nodes of areas that stand for what has no place: nobody plans with them."""
    grid, small = system.grid, system.grid.release.small_areas
    if small is None:
        return np.empty(0, np.int64)
    (position,) = grid.positions([small.dimension])
    axis = grid.axes[position]
    without = axis.among(sorted(set(axis.dimension.leaves) - set(small.codes)))
    node = system.cell_node[without[grid.digit(system.cell_keys, position)]]
    return np.unique(node[node >= 0])


def _municipalities(system: System, policy: "Policy") -> list[str]:
    """Return the codes of the municipalities.

    Raises:
        ReleaseError: the release has no such dimension or level, so M cannot be played.
    """
    raum, release = policy.raum, system.grid.release
    dimension = release.dimensions.get(raum.dimension)
    codes = dimension.codes if dimension else ()
    if found := [c for c in codes if len(dimension.path(c)) == raum.kommunen + 1]:
        return found
    raise ReleaseError(
        f"release {release.name}: the policy has municipalities attack, and finds them in "
        f"dimension {raum.dimension!r}, level {raum.kommunen}; the release has none there, only "
        f"{list(release.dimensions)}. Name the dimension of areas in the policy's `raum`"
    )


def _kept(system: System, weight: np.ndarray, previous: "pa.Table") -> np.ndarray:
    """Make dearer what was published last time, and cheaper what was withheld."""
    keys = system.grid.keys_of(previous)
    place = np.minimum(np.searchsorted(system.cell_keys, keys), len(system.cell_keys) - 1)
    known = system.cell_keys[place] == keys
    node = system.cell_node[place]
    withheld = previous["suppressed"].to_numpy() > 0
    weight = weight.copy()
    before = node[known & (node >= 0) & withheld]
    shown = np.setdiff1d(node[known & (node >= 0) & ~withheld], before)
    weight[shown] *= _DEARER
    weight[np.unique(before)] //= _CHEAPER
    return np.maximum(weight, 2)


def _solve(task: Task, *, clean: bool) -> tuple[Plan, int, list[Demand]]:
    """Try several orders and keep the plan that withholds least.

    Returns:
        The plan, the number of programs of the clean-up, and the demands that nothing can meet.
    """
    nodes = np.array(sorted({demand.node for demand in task.demands}), dtype=np.int64)
    random = np.random.Generator(np.random.PCG64(_SEED))
    tries = min(max(_MANY_NODES // max(len(nodes), 1), 1), _TRIES)
    by_count = 5 * _WEIGHT_UNIT * task.worth + task.weight // 5
    inner = Components(task.system, task.open_, task.around)
    best, runs, unmet = None, 0, []
    for attempt in range(tries):
        search, plan = Search(task, inner), Plan(task, task.open_.copy())
        # Equal weights leave the choice to the solver's order; a little noise does better.
        noise = random.integers(80, 121, task.system.size)
        weight = (by_count if attempt % 2 == 0 else task.weight) * noise // 100
        weight = np.maximum(weight, 2)
        order = random.permutation(nodes)
        if task.exchanges is not None:
            search.exchange(plan, order.tolist(), weight)
            for _ in range(_SWAPS):
                search.swap(plan, order.tolist(), weight)
        search.greedy(plan, order.tolist(), weight)
        search.guard(plan, weight)
        extra = plan.extra
        by_weight = extra[np.argsort(-task.weight[extra], kind="stable")]
        runs += search.clean(plan, by_weight) if clean else 0
        if best is None or plan.cost() < best.cost():
            best, unmet = plan, search.unmet
    return best, runs + inner.runs + task.around.runs, sorted(unmet)


def _pattern(system: System, release: Release, sensitive: Sensitive, plan: Plan) -> "pa.Table":
    """Return one row for each published cell, sorted by its keys."""
    import pyarrow as pa

    columns = system.grid.columns(system.cell_keys)
    marked = np.zeros(system.size, bool)
    marked[sensitive.node] = True
    value, lost = system.cell_value, np.isin(system.cell_keys, sensitive.lost)
    table = pa.table(
        {
            **{name: pa.array(column, pa.string()) for name, column in columns.items()},
            release.number_column: pa.array(_shown(system), mask=value < 0),
            "primary": (system.spread(marked) | lost).astype(np.int8),
            "suppressed": (system.spread(plan.open_) | lost).astype(np.int8),
        }
    )
    return table.sort_by([(name, "ascending") for name in columns])


def _evidence(
    system: System,
    release: Release,
    tables: Mapping[str, "pa.Table | None"],
    policy: "Policy | None",
    sensitive: Sensitive,
    plan: Plan,
    runs: int,
    unmet: list[Demand],
) -> dict:
    import highspy

    low, high = _witnessed(plan)
    wanted = np.flatnonzero(np.isin(system.cell_node, sensitive.node))
    nodes = system.cell_node[wanted]
    names = system.grid.names(system.cell_keys[wanted])
    nodes = np.concatenate([nodes, np.array(list(sensitive.names), dtype=np.int64)])
    intervals = [
        {**name, "mindestens_von": int(a), "mindestens_bis": int(b)}
        for name, a, b in zip(
            [*names, *sensitive.names.values()], low[nodes], high[nodes], strict=True
        )
    ]
    return {
        "release": release.name,
        "policy": policy.version if policy else None,
        "solver": f"HiGHS {highspy.Highs().version()}",
        "attackers": _attackers(policy, tables),
        "programs": runs,
        "cells": len(system.cell_keys),
        "sensitive": int(system.cells[sensitive.node].sum()),
        "secondary": int(system.cells[plan.extra].sum()),
        "unsatisfiable": [
            {
                **name,
                "attacker": _attacker(system, demand),
                "demand": "upper bound" if demand.amount else "not exact",
            }
            for demand in unmet
            for name in _names(system, sensitive, demand.node)
        ]
        + [
            {**name, "attacker": "A0", "demand": "not exact"}
            for name in system.grid.names(sensitive.lost)
        ],
        "intervals": intervals,
    }


def _names(system: System, sensitive: Sensitive, node: int) -> list[dict[str, str]]:
    if node in sensitive.names:
        return [sensitive.names[node]]
    return system.grid.names(system.cell_keys[system.cell_node == node])


def _shown(system: System) -> np.ndarray:
    """Return the number that each published cell would print."""
    if system.grid.release.kind == "freq":
        return system.cell_value
    keys = np.concatenate([cells.keys for cells, _ in system.measures])
    shown = np.concatenate([cells.shown for cells, _ in system.measures])
    order = np.argsort(keys)
    return np.round(shown[order][np.searchsorted(keys[order], system.cell_keys)], _DECIMALS)


def _attackers(policy: "Policy | None", tables: Mapping[str, "pa.Table | None"]) -> list[str]:
    played = {"A0", "A1", *(policy.attackers if policy else ())} - {"A3"}
    return sorted(played | ({"A3"} if tables["known"] is not None else set()))


def _attacker(system: System, demand: Demand) -> str:
    if demand.knows >= 0:
        return "A2" if demand.knows < system.size else "M"
    return "A1" if demand.strict else "A0"


def _witnessed(plan: Plan) -> tuple[np.ndarray, np.ndarray]:
    """Return for each node the least and the greatest value that a witness shows."""
    value = np.maximum(plan.task.system.value, 0)
    low, high = value.copy(), value.copy()
    for move in plan.witness.values():
        np.minimum.at(low, move.nodes, value[move.nodes] + move.change)
        np.maximum.at(high, move.nodes, value[move.nodes] + move.change)
    return low, high


def hash_input(
    release: Release,
    tables: Mapping[str, "pa.Table | None"],
    upper_under_a1: bool = False,
    exact_only: bool = False,
) -> str:
    """Return a hash of everything that decides about the pattern but the policy.

    Args:
        release: the release, with the policy's thresholds.
        tables: what was handed in beside it, by name.
        upper_under_a1: as `protect_release` takes it.
        exact_only: likewise.
    """
    shape = {
        "name": release.name,
        "dimensions": {
            name: list(dimension.parent_of.items())
            for name, dimension in release.dimensions.items()
        },
        "measures": [repr(measure) for measure in release.measures],
        "support": release.support,
        "kind": [release.kind, release.p, release.min_contributors],
        "small areas": repr(release.small_areas),
        "options": [upper_under_a1, exact_only],
        "atoms": _rows(release.atoms),
        "tables": _rows(tables),
    }
    return hashlib.sha256(json.dumps(shape, sort_keys=True).encode()).hexdigest()


def _rows(tables: Mapping[str, "pa.Table | None"]) -> dict[str, dict | None]:
    return {n: None if table is None else table.to_pydict() for n, table in tables.items()}
