"""Where to look for a move: the cells around a sensitive one, and wider where they do not suffice.

The cells around are those below the same parents: the areas of the same municipality, the ages of
the same group. A move inside keeps all that lies above, and its program is small.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from disclosure.engine.blocks import Block
from disclosure.engine.cells import Axis

if TYPE_CHECKING:
    from disclosure.engine.system import System

_MOST_NODES = 1_400
_FEWEST_SIBLINGS = 5
_EVERY = -1


class Neighbourhoods:
    """The blocks of a system, built when they are asked for."""

    def __init__(self, system: "System"):
        """Prepare the look-up from nodes to keys."""
        self._system = system
        grid, keys = system.grid, system.keys[:, 1]
        self._digits = np.stack([grid.digit(keys, p) for p in range(len(grid.axes))], axis=1)
        self._measure = grid.measure_of(keys)
        self._row = system.deepest()
        self._blocks: dict[tuple, Block] = {}

    def around(self, node: int) -> Iterator[Block]:
        """Yield the blocks around a node, each wider than the one before; the last is all."""
        row = self._row[node]
        measure, digits = int(self._measure[row]), self._digits[row]
        seen = set()
        for choice in (self._near(digits), *self._wider(digits)):
            if choice not in seen:
                seen.add(choice)
                yield self._block((measure, choice))
        if self._system.parts.shape[0] and any(digits):
            # Where a part fills its whole, the whole has to move along.
            yield self._block((_EVERY, next(self._wider(digits))))
        yield self._block(("all",))

    def nearest(self, node: int) -> tuple:
        """Return a name for the nodes below the same parents as a node."""
        row = self._row[node]
        return int(self._measure[row]), next(self._wider(self._digits[row]))

    def nodes(self, key: tuple) -> np.ndarray:
        """Return the nodes that a name stands for, ascending."""
        if key == ("all",):
            return np.arange(self._system.size)
        measure, choice = key
        mask = (self._measure == measure) | (measure == _EVERY)
        for position, (parent, count, place) in enumerate(choice):
            axis = self._system.grid.axes[position]
            if parent == 0 and count == 1:
                continue
            allowed = axis.below(parent)
            if count > 1:
                family = np.flatnonzero(axis.parent == parent)
                allowed = np.zeros(axis.size, bool)
                allowed[family[np.arange(len(family)) * count // len(family) == place]] = True
                allowed[parent] = True
            mask &= allowed[self._digits[:, position]]
        nodes = np.unique(self._system.keys[mask, 0])
        return np.arange(self._system.size) if len(nodes) == self._system.size else nodes

    def _near(self, digits: np.ndarray) -> tuple:
        """Return the families of a key; where they are many cells, a part of large ones."""
        families = [
            _family(axis, int(digit))
            for axis, digit in zip(self._system.grid.axes, digits, strict=True)
        ]
        parts = [1] * len(families)

        def width(i: int) -> int:
            return -(-len(families[i][1]) // parts[i]) + 1

        while np.prod([width(i) for i in range(len(families))]) > _MOST_NODES:
            large = [i for i, (whole, _) in enumerate(families) if not whole]
            largest = max(large, key=width, default=-1)
            if largest < 0 or width(largest) <= _FEWEST_SIBLINGS:
                break
            parts[largest] += 1
        choice = []
        for axis, digit, (whole, family), count in zip(
            self._system.grid.axes, digits, families, parts, strict=True
        ):
            parent = max(int(axis.parent[digit]), 0)
            place = 0 if whole else int(np.searchsorted(family, digit)) * count // len(family)
            choice.append((parent, count, place))
        return tuple(choice)

    def _wider(self, digits: np.ndarray) -> Iterator[tuple]:
        axes = self._system.grid.axes
        tops = [max(int(axis.parent[d]), 0) for axis, d in zip(axes, digits, strict=True)]
        while True:
            yield tuple((top, 1, 0) for top in tops)
            if not any(tops):
                return
            tops = [max(int(axis.parent[top]), 0) for axis, top in zip(axes, tops, strict=True)]

    def _block(self, key: tuple) -> Block:
        if key not in self._blocks:
            self._blocks[key] = Block(self._system, self.nodes(key))
        return self._blocks[key]

    @property
    def runs(self) -> int:
        """How many programs were solved."""
        return sum(block.runs for block in self._blocks.values())


def _family(axis: Axis, digit: int) -> tuple[bool, np.ndarray]:
    """Return the codes below the same parent, and whether they cannot be split."""
    below = np.flatnonzero(axis.below(max(int(axis.parent[digit]), 0)))[1:]
    family = np.flatnonzero(axis.parent == axis.parent[digit]) if digit else below
    return digit == 0 or len(family) < len(below), below
