"""What each attacker knows of a release of counts, and what he cannot tell.

A0 knows what is published. A1 also knows that zeros are printed. A2 is alone in a withheld count
of 1. M is a municipality that knows its own areas. The equations that all of them have are those of
`case`; how tables are searched for is a matter of `search`.
"""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from disclosure.audit.blocks import make_blocks
from disclosure.audit.case import Case
from disclosure.audit.pattern import same_rows
from disclosure.audit.search import Block, Count
from disclosure.audit.solver import SolverFailure
from disclosure.audit.system import Knowledge, System, simplify

if TYPE_CHECKING:
    import numpy as np
    import scipy.sparse as sp

_WAYS = 6
_PAIRS = 10
"""So few pairs are looked at one by one at once."""
_MANY = 0.9
"""Cells are moved by further ways while a round leaves less than this share of pairs open."""


class Attack:
    """One attacker's system, and what was found about the withheld cells so far.

    Attributes:
        case: the release.
        system: what the attacker knows, simplified.
        blocks: its blocks.
        most: after so many cells that fall the others are not looked at.
        unseen: the cells that were not looked at for that reason, shape (withheld,).
        undecided: the cells for which the solver found no answer.
    """

    def __init__(
        self,
        case: Case,
        knowledge: Knowledge,
        count: Count,
        *,
        table: "np.ndarray | None" = None,
        most: int = 200,
    ):
        """Simplify what the attacker knows, and find a first table.

        Args:
            case: the release.
            knowledge: what the attacker knows.
            count: where the programmes are counted.
            table: a table of atoms that fits; by default the true one, and what is unknown to us
                is looked for.
            most: after so many cells that fall the others are not looked at.

        Raises:
            Infeasible: the true counts do not satisfy what is published.
        """
        import numpy as np

        self.case, self.most = case, most
        self.unseen = np.zeros(case.watched.shape[0], dtype=bool)
        self.undecided: set[int] = set()
        self.system: System = simplify(knowledge, case.implied)
        free = None if table is not None else self.system.add_up(case.atoms.unknown.astype(int)) > 0
        truth = self.system.add_up(case.atoms.truth if table is None else table)
        codes = case.atoms.codes[self.system.first]
        self.blocks: list[Block] = make_blocks(
            self.system, truth, codes, count, whole=True, slack=0, free=free
        )

    @property
    def table(self) -> "np.ndarray":
        """The first table, by atom."""
        table = self.system.least_table.copy()
        for block in self.blocks:
            own = block.columns
            table[self.system.first[own]] += block.base - self.system.low[own]
        return table

    @property
    def base(self) -> "np.ndarray":
        """The number of each withheld cell in the first table."""
        base = self.system.settled.copy()
        for block in self.blocks:
            base[block.cells] += block.watched @ block.base
        return base

    @property
    def up(self) -> "np.ndarray":
        """How much each withheld cell rises at most in any table found."""
        return self._widest("up")

    @property
    def down(self) -> "np.ndarray":
        """How much each withheld cell falls at most in any table found."""
        return self._widest("down")

    def _widest(self, name: str) -> "np.ndarray":
        import numpy as np

        total = np.zeros(self.case.watched.shape[0], dtype=np.int64)
        for block in self.blocks:
            total[block.cells] += getattr(block, name)
        return total

    def raise_to(self, bar: "np.ndarray") -> "np.ndarray":
        """Return which cells can rise as far as asked; exact.

        Args:
            bar: by how much; 0 or less asks nothing. Shape (withheld,).
        """
        self.try_to(bar, whole=True)
        self._one_by_one(lambda: self.up < bar, lambda cell: self._raise_one(cell, int(bar[cell])))
        return self.up >= bar

    def try_to(self, bar: "np.ndarray", *, whole: bool = False) -> None:
        """Look for tables in which many cells rise together, and leave those that do not."""
        import numpy as np

        for block in self.blocks:
            others = self.up[block.cells] - block.up
            block.spread_by_pieces(np.maximum(bar[block.cells] - others, 0), whole=whole)

    def _one_by_one(self, missing: "Callable[[], np.ndarray]", look: "Callable[[int], None]"):
        """Look at each cell that is left, until enough have fallen or all have been seen."""
        import numpy as np

        fallen = 0
        for cell in np.flatnonzero(missing()):
            if not missing()[cell]:
                continue
            if fallen >= self.most:
                self.unseen |= missing() & (np.arange(len(self.unseen)) >= cell)
                return
            try:
                look(int(cell))
            except SolverFailure:
                self.undecided.add(int(cell))
            fallen += int(missing()[cell])

    def _raise_one(self, cell: int, bar: int) -> None:
        several = self.places[cell]
        for block, place in several:
            missing = bar - int(self.up[cell]) + int(block.up[place])
            if block.reach(place, missing):
                return
        if len(several) > 1:  # no block alone is enough: as far as each can go
            for block, place in several:
                block.widest_whole(place)

    def move(self, wanted: "np.ndarray") -> "np.ndarray":
        """Return which cells are not exact: another table differs there; exact.

        Args:
            wanted: the cells that are asked for, shape (withheld,).
        """
        import numpy as np

        for sign in (1, -1):
            for block in self.blocks:
                asked = (wanted & ~self.moved)[block.cells]
                block.spread_by_pieces(asked.astype(np.int64), sign)
        self._one_by_one(lambda: wanted & ~self.moved, self._move_one)
        return self.moved

    def _move_one(self, cell: int) -> None:
        for block, place in self.places[cell]:
            if block.reach(place, 1) or block.reach(place, 1, -1):
                return

    @cached_property
    def places(self) -> list[list[tuple[Block, int]]]:
        """In which blocks each withheld cell lies, and where."""
        places: list[list[tuple[Block, int]]] = [[] for _ in self.unseen]
        for block in self.blocks:
            for place, cell in enumerate(block.cells):
                places[cell].append((block, place))
        return places

    @property
    def moved(self) -> "np.ndarray":
        """Which withheld cells differ in two of the tables found."""
        return (self.up > 0) | (self.down > 0)

    def intervals(self, wanted: "np.ndarray", narrow: "np.ndarray") -> tuple[list, list]:
        """Return the least and the largest whole number of cells, None where there is no largest.

        Args:
            wanted: cells by position among the withheld.
            narrow: where an interval up to this is worked out in whole numbers; elsewhere a bound
                of the linear programme is rounded inward. Shape (withheld,).
        """
        import numpy as np

        lower, upper = [], []
        base = self.base
        for cell in wanted:
            ends = [
                [
                    _end(block, place, sign, reach=float(narrow[cell] - base[cell]))
                    for block, place in self.places[cell]
                ]
                for sign in (1, -1)
            ]
            rise, fall = sum(ends[0]), sum(ends[1])
            upper.append(None if np.isinf(rise) else int(base[cell] + rise))
            lower.append(int(base[cell] - fall))
        return lower, upper


def _end(block: Block, place: int, sign: int, reach: float) -> float:
    """Return how far a cell rises (or falls), rounded inward, exact where that is narrow."""
    import numpy as np

    width = block.widest(place, sign)
    if np.isinf(width):
        return width
    width = float(np.floor(width + 1e-6))
    found = block.up if sign > 0 else block.down
    if found[place] < width and (sign < 0 or width <= reach):
        width = block.widest_whole(place, sign)
    return width


def insiders(attack: Attack, sensitive: "np.ndarray", ones: "np.ndarray") -> list[tuple[int, int]]:
    """Let each person who is alone in a withheld count fix it (A2).

    Args:
        attack: A1.
        sensitive: positions among the withheld cells that must not become exact.
        ones: positions of the counts of 1.

    Returns:
        Pairs (insider's cell, cell that is exact to him).
    """
    import numpy as np

    same = same_rows(attack.system.watched)
    _, first = np.unique(same[ones], return_index=True)
    ones = ones[np.sort(first)]
    sensitive = sensitive[attack.moved[sensitive]]
    one, other = _open_pairs(attack, ones, sensitive)
    distinct = same[one] != same[other]
    one, other = one[distinct], other[distinct]
    one, other = _scattered(attack, one, other)
    exact = []
    while one.size:
        insider = one[0]
        mine = other[one == insider]
        known = [len(block.moves) for block in attack.blocks]
        held = {id(block): place for block, place in attack.places[insider]}
        for cell in mine:
            if not any(
                block.moves_while(place, held.get(id(block)))
                for block, place in attack.places[cell]
            ):
                exact.append((int(insider), int(cell)))
        one, other = one[one != insider], other[one != insider]
        still = ~_separated(attack, known, one, other)
        one, other = one[still], other[still]
    return exact


def _scattered(
    attack: Attack, one: "np.ndarray", other: "np.ndarray"
) -> tuple["np.ndarray", "np.ndarray"]:
    """Move the other cells of open pairs by further ways, as long as that settles many."""
    import numpy as np

    for by_pieces in (True, False):
        for attempt in range(_WAYS):
            if len(one) <= _PAIRS:
                return one, other
            before = len(one)
            known = [len(block.moves) for block in attack.blocks]
            for block in attack.blocks:
                cells = np.isin(block.cells, other)
                block.scatter(cells, 1 if attempt % 2 == 0 else -1, attempt, by_pieces=by_pieces)
            still = ~_separated(attack, known, one, other)
            one, other = one[still], other[still]
            if attempt % 2 and len(one) > before * _MANY:
                break
    return one, other


def _open_pairs(
    attack: Attack, ones: "np.ndarray", sensitive: "np.ndarray"
) -> tuple["np.ndarray", "np.ndarray"]:
    """Return the pairs in which every move of the one cell also moves the other."""
    import numpy as np
    import scipy.sparse as sp

    moved = _moved(attack, [0] * len(attack.blocks))
    times = np.asarray(moved.sum(axis=0)).ravel()
    both = sp.coo_array(moved[:, ones].T @ moved[:, sensitive])
    open_pair = both.data == times[sensitive[both.col]]
    one, other = ones[both.row[open_pair]], sensitive[both.col[open_pair]]
    order = np.lexsort((other, one))
    return one[order], other[order]


def _moved(attack: Attack, since: Sequence[int]) -> "sp.csc_array":
    """Return which moves (found since then) change which withheld cells: 0/1."""
    import numpy as np
    import scipy.sparse as sp

    width = attack.case.watched.shape[0]
    parts = [sp.csr_array((0, width), dtype=np.int64)]
    for block, start in zip(attack.blocks, since, strict=True):
        effect = sp.coo_array(block.effects(start))
        changed = effect.data != 0
        parts.append(
            sp.csr_array(
                (
                    np.ones(int(changed.sum()), dtype=np.int64),
                    (effect.row[changed], block.cells[effect.col[changed]]),
                ),
                shape=(effect.shape[0], width),
            )
        )
    return sp.csc_array(sp.vstack(parts))


def _separated(
    attack: Attack, since: Sequence[int], one: "np.ndarray", other: "np.ndarray"
) -> "np.ndarray":
    """Return the pairs in which a new move changes the other cell and not the one."""
    import numpy as np

    if not one.size:
        return np.zeros(0, dtype=bool)
    moved = _moved(attack, since)
    if not moved.shape[0]:
        return np.zeros(len(one), dtype=bool)
    apart = moved[:, other].astype(bool) > moved[:, one].astype(bool)
    return np.asarray(apart.sum(axis=0)).ravel() > 0


def municipalities(attack: Attack, sensitive: "np.ndarray") -> list[tuple[int, int]]:
    """Let each municipality fix the atoms of its own areas (M).

    Args:
        attack: A1, whose atoms are kept apart by municipality.
        sensitive: positions among the withheld cells that must not become exact.

    Returns:
        Pairs (number of the municipality, cell with an open atom elsewhere that is exact to it).
    """
    import numpy as np

    open_atoms = attack.system.column >= 0
    owner = np.zeros(len(attack.system.low), dtype=np.int64)
    owner[attack.system.column[open_atoms]] = attack.case.apart[open_atoms]
    sensitive = sensitive[attack.moved[sensitive]]
    exact = []
    for number in range(1, attack.case.apart.max() + 1):
        own = owner == number
        elsewhere = abs(attack.system.watched[:, ~own]).sum(axis=1) > 0
        shown = np.zeros(len(elsewhere), dtype=bool)
        for block in attack.blocks:
            shown[block.cells] |= block.moved_without(own[block.columns])
        left = sensitive[(elsewhere & ~shown)[sensitive]]
        for block in attack.blocks:
            wanted = np.isin(block.cells, left)
            if wanted.any():
                rest = block.without(own[block.columns])
                shown[block.cells] |= _move_all(rest, wanted)
        exact += [(number, int(cell)) for cell in left if not shown[cell]]
    return exact


def _move_all(block: Block, wanted: "np.ndarray") -> "np.ndarray":
    import numpy as np

    for sign in (1, -1):
        still = wanted & (block.up == 0) & (block.down == 0)
        block.spread_by_pieces(still.astype(np.int64), sign)
    for place in np.flatnonzero(wanted & (block.up == 0) & (block.down == 0)):
        _ = block.reach(int(place), 1) or block.reach(int(place), 1, -1)
    return (block.up > 0) | (block.down > 0)
