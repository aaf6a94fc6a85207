"""Moves that need no program: persons exchanged between two codes of each dimension.

One more at a code and one less at another, in every dimension at once, keeps all sums: the corners
of a cube change, and what lies above them up to where both codes meet. Where a dimension has one
person more and nobody less, all above changes too. The cheapest of some thousand such cubes is
found by look-up. Linear programs know further moves, at a price that large releases cannot pay.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from disclosure.engine.blocks import Move
from disclosure.engine.cells import Axis

if TYPE_CHECKING:
    from disclosure.engine.system import System

_MOST_KEYS = 100_000_000
_MOST_CUBES = 3_000
_TRIED = 4
_NOTHING, _NO_CELL = -1, -2


@dataclass(frozen=True)
class _Cubes:
    """The cubes around a node.

    Attributes:
        nodes: all nodes in one of them, ascending.
        corners: corners × cubes, each a position in `nodes` (one person less), the same plus the
            number of nodes (one more), or twice that number (no cell).
    """

    nodes: np.ndarray
    corners: np.ndarray


class Exchanges:
    """The cubes of a system; asked for moves as a `Block` is."""

    def __init__(self, system: "System"):
        """Prepare the look-up from keys to nodes."""
        grid = system.grid
        self._system, self._grid = system, grid
        self._value = np.maximum(system.value, 0)
        row = system.deepest()
        digits = [grid.digit(system.keys[row, 1], p) for p in range(len(grid.axes))]
        self._digits = np.stack(digits, axis=1)
        self._measure = grid.measure_of(system.keys[row, 1])
        self._node_of = _look_up(system)
        # Cubes keep the sums of the release, not of themselves what earlier editions told.
        added = np.diff(system.relations[:, system.own :].tocsr().indptr) > 0
        self._earlier = system.relations[np.flatnonzero(added)].tocsc()
        self._leaf = [np.isin(np.arange(axis.size), axis.leaves) for axis in grid.axes]
        self._seen, self._rank = np.zeros(system.size, bool), np.zeros(system.size, np.int64)
        self._options: dict[tuple[int, int, bool], tuple[np.ndarray, np.ndarray]] = {}
        self._cubes: dict[tuple[int, bool], _Cubes] = {}

    @staticmethod
    def fit(system: "System") -> bool:
        """Whether the look-up of a system has room in memory."""
        return system.grid.radix[-1] * len(system.grid.release.measures) <= _MOST_KEYS

    def move(
        self, node: int, amount: int, floor: np.ndarray, price: np.ndarray, closed: np.ndarray
    ) -> Move | None:
        """Return a cheap cube that changes a node by an amount, or None; as `Block.move`.

        A cube below the same parents is preferred to all others.
        """
        system = self._system
        if closed[node] or self._value[node] + amount < floor[node]:
            return None
        for far in (False, True):
            cubes = self._around(node, far)
            nodes, size = cubes.nodes, len(cubes.nodes)
            shut = closed[nodes]
            short = shut | (self._value[nodes] - floor[nodes] < abs(amount))
            cost = np.zeros(2 * size + 1)
            falls, grows = (short, shut) if amount > 0 else (shut, short)
            cost[:size] = np.where(falls, np.inf, price[nodes])
            cost[size : 2 * size] = np.where(grows, np.inf, price[nodes])
            paid = cost[cubes.corners].sum(axis=0)
            if not np.isfinite(paid.min(initial=np.inf)):
                continue
            tied = system.parts.shape[0] + self._earlier.shape[0]
            for cube in np.argsort(paid, kind="stable")[:_TRIED] if tied else [np.argmin(paid)]:
                places = cubes.corners[:, cube].astype(np.int64)
                places = places[places < 2 * size]
                moved, first = np.unique(nodes[places % size], return_index=True)
                change = np.where(places < size, -amount, amount)[first]
                used, slack = system.filled(moved, change)
                fits = (used <= slack).all() and not (self._earlier[:, moved] @ change).any()
                if fits and paid[cube] < np.inf:
                    return Move(moved, change, float(paid[cube]))
        return None

    def _around(self, node: int, far: bool) -> "_Cubes":
        if (node, far) not in self._cubes:
            self._cubes[node, far] = self._make(node, far)
        return self._cubes[node, far]

    def _make(self, node: int, far: bool) -> "_Cubes":
        measure = self._grid.release.measures[self._measure[node]]
        positions = self._grid.positions(measure.dims)
        options = [self._option(p, int(self._digits[node, p]), far) for p in positions]
        counts = [len(codes) for codes, _ in options]
        every = int(np.prod(counts))
        chosen = np.arange(every)
        if every > _MOST_CUBES:
            chosen = (node + np.arange(_MOST_CUBES) * every // _MOST_CUBES) % every
        index = np.unravel_index(chosen, counts)
        which = [(codes[i], own[i]) for (codes, own), i in zip(options, index, strict=True)]
        # Most cubes have a corner that is surely zero, which their atoms tell.
        atoms = [
            (codes, np.where(self._leaf[p][codes], own, 0))
            for (codes, own), p in zip(which, positions, strict=True)
        ]
        base = self._grid.base_of(measure)
        alive = self._alive(*self._corners(base, positions, atoms))
        which = [(codes[alive], own[alive]) for codes, own in which]
        nodes, signs = self._corners(base, positions, which)
        alive = self._alive(nodes, signs)
        nodes, signs = nodes[alive], signs[alive]
        self._seen[:] = False
        self._seen[nodes[signs != 0]] = True
        unique = np.flatnonzero(self._seen)
        size = len(unique)
        self._rank[unique] = np.arange(size)
        corners = np.where(signs == 0, 2 * size, self._rank[nodes] + size * (signs > 0))
        kind = np.uint16 if 2 * size < np.iinfo(np.uint16).max else np.uint32
        return _Cubes(unique, np.ascontiguousarray(corners.T.astype(kind)))

    @staticmethod
    def _alive(nodes: np.ndarray, signs: np.ndarray) -> np.ndarray:
        return np.flatnonzero(((nodes != _NOTHING) | (signs == 0)).all(axis=1))

    def _corners(
        self, base: int, positions: Sequence[int], which: Sequence[tuple[np.ndarray, np.ndarray]]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Multiply the exchanges of all dimensions: nodes and signs, cubes × corners."""
        count = len(which[0][0])
        keys, signs = np.full((count, 1), base, np.int64), np.ones((count, 1), np.int8)
        for (codes, own), position in zip(which, positions, strict=True):
            used = (own != 0).any(axis=0)
            step = codes[:, used] * self._grid.radix[position]
            width = keys.shape[1] * step.shape[1]
            keys = (keys[:, :, None] + step[:, None, :]).reshape(count, width)
            signs = (signs[:, :, None] * own[:, None, used]).reshape(count, width)
        nodes = self._node_of[keys]
        signs[nodes == _NO_CELL] = 0
        return nodes, signs

    def _option(self, position: int, digit: int, far: bool) -> tuple[np.ndarray, np.ndarray]:
        key = (position, digit, far)
        if key not in self._options:
            self._options[key] = _exchanged(self._grid.axes[position], digit, far)
        return self._options[key]


def _look_up(system: "System") -> np.ndarray:
    """Return the node of every possible key: -1 what is surely zero, -2 what is no cell."""
    grid = system.grid
    node_of = np.full(grid.radix[-1] * len(grid.release.measures), _NO_CELL, np.int32)
    for position, measure in enumerate(grid.release.measures):
        # Without a node an atom is surely zero, whether a table publishes it or not.
        leaves = np.zeros(1, np.int64)
        for axis, radix in zip(grid.axes, grid.radix[:-1], strict=True):
            codes = axis.leaves if axis.dimension.name in measure.dims else np.zeros(1, np.int64)
            leaves = (leaves[:, None] + codes * radix).ravel()
        node_of[leaves + position * grid.radix[-1]] = _NOTHING
    for cells, _ in system.measures:
        node_of[cells.keys] = _NOTHING
    keys = system.keys[system.keys[:, 0] < system.own]
    node_of[keys[:, 1]] = keys[:, 0]
    return node_of


def _exchanged(axis: Axis, digit: int, far: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return what changes where one comes in at a code and one goes elsewhere, or nobody goes.

    Args:
        axis: the dimension.
        digit: the code; at `Total` nobody goes.
        far: whether somebody may go below another parent.

    Returns:
        Codes and signs (0: no code), exchanges × codes.
    """
    paths = axis.levels[axis.leaves]
    inside = (paths == digit).any(axis=1)
    below = np.ones(len(paths), bool) if far else (paths == axis.parent[digit]).any(axis=1)
    own, other = paths[inside], paths[~inside & below]
    come, go = np.indices((len(own), len(other))).reshape(2, -1)
    left, right = own[come], other[go]
    # What lies above both does not change.
    meet = left == right
    alone = np.full_like(own, -1)
    codes = np.concatenate(
        [np.concatenate([left, right], axis=1), np.concatenate([own, alone], axis=1)]
    )
    signs = np.concatenate(
        [
            np.concatenate([(left >= 0) & ~meet, -1 * ((right >= 0) & ~meet)], axis=1),
            np.concatenate([own >= 0, alone >= 0], axis=1),
        ]
    ).astype(np.int8)
    used = (signs != 0).any(axis=0)
    return np.maximum(codes, 0)[:, used], signs[:, used]
