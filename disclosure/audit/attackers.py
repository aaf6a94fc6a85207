"""What each attacker knows of a release of counts, and what he cannot tell.

A0 knows what is published. A1 also knows that zeros are printed. A2 is alone in a withheld count
of 1. M is a municipality that knows its own areas. Earlier editions (A3) and other geographies (A4)
are further rows for all of them. How tables are searched for is a matter of `search`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from disclosure.audit.cells import Atoms, Cells, below, incidence, rows_of, table_keys
from disclosure.audit.earlier import earlier_equations
from disclosure.audit.pattern import families, same_rows
from disclosure.audit.search import Block, Count, make_blocks
from disclosure.audit.solver import SolverFailure
from disclosure.audit.system import Knowledge, System, has_negative, simplify

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    import scipy.sparse as sp


_WAYS = 6
_PAIRS = 10
"""So few pairs are looked at one by one at once."""
_MANY = 0.9
"""Cells are moved by further ways while a round leaves less than this share of pairs open."""


@dataclass(frozen=True)
class Municipalities:
    """Whose areas are whose.

    Attributes:
        dimension: the dimension of areas.
        codes: one code for each municipality; it knows all atoms below.
    """

    dimension: str
    codes: tuple[str, ...]


@dataclass(frozen=True)
class Hidden:
    """Sums of atoms that are no cells of the release and must not be told either.

    Attributes:
        rows: over the atoms, entries 1 and −1, shape (hidden, atoms).
        bar: the upper bound that an outsider must be left with at least; 0: none.
        names: what to call them: the columns of a key, then further words.
    """

    rows: "sp.csr_array"
    bar: "np.ndarray"
    names: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Case:
    """A release of counts as it is attacked.

    Attributes:
        cells: the published cells.
        atoms: what they consist of; corrected atoms of earlier editions come last.
        members: cells × atoms, 0/1.
        public: cells whose number everybody knows.
        extra: further equations over the atoms: given totals, earlier editions.
        extra_to: their right sides.
        parts: `part · x ≤ whole · x` as rows `whole − part ≥ 0`.
        withheld: the cells that are withheld, by number.
        floor: for each of them whether it must be 1 at least for who knows that zeros are printed.
        apart: for each atom the number of its municipality; 0 where there is none.
        hidden: what must not be told beside cells; watched after the withheld cells.
    """

    cells: Cells
    atoms: Atoms
    members: "sp.csr_array"
    public: "np.ndarray"
    extra: "sp.csr_array"
    extra_to: "np.ndarray"
    parts: "sp.csr_array"
    withheld: "np.ndarray"
    floor: "np.ndarray"
    apart: "np.ndarray"
    hidden: Hidden | None = None

    @cached_property
    def watched(self) -> "sp.csr_array":
        """What must stay untold over the atoms: the withheld cells, then what is hidden."""
        import scipy.sparse as sp

        cells = self.members[self.withheld]
        return cells if self.hidden is None else sp.csr_array(sp.vstack([cells, self.hidden.rows]))

    @property
    def rests(self) -> tuple[tuple[str, ...], ...]:
        """What the hidden sums are called."""
        return () if self.hidden is None else self.hidden.names

    def names(self, places: "Sequence[int] | np.ndarray") -> list[tuple[str, ...]]:
        """Return what watched rows are called, by position."""
        own = self.cells.names(self.withheld)
        every = [*own, *self.rests]
        return [every[place] for place in places]

    def stretch(self, by_cell: "np.ndarray", hidden: "np.ndarray | int | bool") -> "np.ndarray":
        """Return a property of all cells for what is watched."""
        import numpy as np

        return np.concatenate([by_cell[self.withheld], np.broadcast_to(hidden, len(self.rests))])

    def knowledge(self, *, zeros_are_printed: bool) -> Knowledge:
        """Return what A0 (or A1) knows."""
        import numpy as np
        import scipy.sparse as sp

        filled = np.flatnonzero(self._stated)
        least, least_of = [self.parts], [np.zeros(self.parts.shape[0], dtype=np.int64)]
        if zeros_are_printed:
            least.append(self.members[self.withheld[self.floor]])
            least_of.append(np.ones(int(self.floor.sum()), dtype=np.int64))
        return Knowledge(
            equal=sp.csr_array(sp.vstack([self.members[filled], self.extra])),
            equal_to=np.concatenate([self.cells.value[filled], self.extra_to]),
            least=sp.csr_array(sp.vstack(least)),
            least_of=np.concatenate(least_of),
            low=np.zeros(len(self.atoms.key), dtype=np.int64),
            watched=self.watched,
            apart=self.apart,
        )

    @cached_property
    def implied(self) -> "np.ndarray":
        """Which equations of `knowledge` are sums of others: all children are public, too."""
        import numpy as np

        implied = families_implied(self.cells, self.members, self.public)
        extra = np.zeros(self.extra.shape[0], dtype=bool)
        return np.concatenate([implied[self._stated], extra])

    @property
    def _stated(self) -> "np.ndarray":
        import numpy as np

        return self.public & (np.diff(self.members.indptr) > 0)


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


def families_implied(cells: Cells, members: "sp.csr_array", public: "np.ndarray") -> "np.ndarray":
    """Return the cells that are the sum of published children in some dimension."""
    import numpy as np

    hidden = (np.diff(members.indptr) > 0) & ~public
    implied = np.zeros(len(public), dtype=bool)
    for parent, whole in families(cells):
        torn = np.bincount(parent[hidden & (parent >= 0)], minlength=len(hidden)) > 0
        implied |= whole & ~torn
    return implied


def make_case(
    cells: Cells,
    atoms: Atoms,
    suppressed: "np.ndarray",
    may_be_zero: "np.ndarray",
    *,
    given: "pa.Table | None" = None,
    known: "pa.Table | None" = None,
    owners: Municipalities | None = None,
    hidden: Hidden | None = None,
) -> Case:
    """Put together what is known of a release.

    Args:
        cells: the published cells; a given total counts as known.
        atoms: what they consist of.
        suppressed: which cells are withheld.
        may_be_zero: cells that may be withheld though they are 0.
        given: totals that everybody knows, keys and n.
        known: what earlier editions published, as `make_known` returns it.
        owners: municipalities, where M attacks.
        hidden: what must not be told beside cells, over `atoms`.

    Raises:
        Infeasible: earlier editions contradict each other.
    """
    import numpy as np
    import scipy.sparse as sp

    members = incidence(cells, atoms)
    public = ~suppressed & ~cells.unknown
    extra = sp.csr_array((0, len(atoms.key)), dtype=np.int64)
    extra_to = np.zeros(0, dtype=np.int64)
    if given is not None:
        extra = rows_of(cells.release, atoms, table_keys(cells.release, given))
        extra_to = given["n"].to_numpy().astype(np.int64)
    parts = _part_rows(cells, atoms)
    if known is not None:
        earlier = earlier_equations(cells, atoms, members, public, known)
        added = len(earlier.truth)
        atoms = _with_counts(atoms, earlier.truth)
        members, extra, parts = (_widen(rows, added) for rows in (members, extra, parts))
        hidden = hidden and replace(hidden, rows=_widen(hidden.rows, added))
        extra = sp.csr_array(sp.vstack([extra, earlier.rows]))
        extra_to = np.concatenate([extra_to, earlier.right])
    withheld = np.flatnonzero(suppressed)
    return Case(
        cells=cells,
        atoms=atoms,
        members=members,
        public=public,
        extra=extra,
        extra_to=extra_to,
        parts=parts,
        withheld=withheld,
        floor=~may_be_zero[withheld],
        apart=atom_owners(cells, atoms, owners),
        hidden=hidden,
    )


def atom_owners(cells: Cells, atoms: Atoms, owners: Municipalities | None) -> "np.ndarray":
    """Return for each atom the number of its municipality; 0 where there is none."""
    import numpy as np

    number = np.zeros(len(atoms.key), dtype=np.int64)
    if owners is None:
        return number
    dimensions = cells.release.dimensions
    place = list(dimensions).index(owners.dimension)
    for position, code in enumerate(owners.codes, start=1):
        inside = below(dimensions[owners.dimension], [code])
        number[inside[atoms.codes[:, place]]] = position
    return number


def _part_rows(cells: Cells, atoms: Atoms) -> "sp.csr_array":
    """Return `whole − part ≥ 0` for every combination of leaves that both measures have."""
    import numpy as np
    import scipy.sparse as sp

    release = cells.release
    names = list(release.dimensions)
    index = {measure.name: number for number, measure in enumerate(release.measures)}
    blocks = [sp.csr_array((0, len(atoms.key)), dtype=np.int64)]
    for measure in release.measures:
        for part_of in measure.part_of:
            whole = release.measure(part_of.measure)
            shared = [d for d in measure.dims if d in whole.dims and d not in part_of.where]
            part_rows = np.flatnonzero(atoms.measure == index[measure.name])
            inside = atoms.measure == index[whole.name]
            for name, codes in part_of.where.items():
                lies = below(release.dimensions[name], codes)
                inside &= lies[atoms.codes[:, names.index(name)]]
            whole_rows = np.flatnonzero(inside)
            both = np.concatenate([part_rows, whole_rows])
            sign = np.repeat([-1, 1], [len(part_rows), len(whole_rows)])
            where = atoms.codes[both][:, [names.index(name) for name in shared]]
            group = np.unique(where, axis=0, return_inverse=True)[1].reshape(-1)
            rows = group.max() + 1 if len(group) else 0
            block = sp.csr_array((sign, (group, both)), shape=(rows, len(atoms.key)))
            blocks.append(block[has_negative(block)])
    return sp.csr_array(sp.vstack(blocks))


def _with_counts(atoms: Atoms, counts: "np.ndarray") -> Atoms:
    """Add earlier counts of corrected atoms: unknowns that belong to no cell of today."""
    import numpy as np

    added = len(counts)
    return Atoms(
        measure=np.concatenate([atoms.measure, np.full(added, -1)]),
        codes=np.concatenate([atoms.codes, np.zeros((added, atoms.codes.shape[1]), dtype=int)]),
        key=np.concatenate([atoms.key, np.full(added, -1)]),
        truth=np.concatenate([atoms.truth, counts]),
        unknown=np.concatenate([atoms.unknown, np.full(added, atoms.unknown.any())]),
    )


def _widen(rows: "sp.csr_array", added: int) -> "sp.csr_array":
    import numpy as np
    import scipy.sparse as sp

    empty = sp.csr_array((rows.shape[0], added), dtype=np.int64)
    return sp.csr_array(sp.hstack([rows, empty]))
