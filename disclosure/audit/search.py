"""Which other tables fit what is published: the search for them, block by block.

A cell is shown to be safe by a second table of whole numbers that satisfies everything that is
published and differs from the first in the cell; so each claim "safe" is checked in whole-number
arithmetic and does not rest on the solver's tolerances. Tables are looked for with linear
programmes: for many cells at once (the sum of what each cell rises, up to its bar), then for each
cell that is left, last with whole unknowns. What is not found there does not exist.

A table is kept as a *move*: its difference to the first table. A move falls into parts that share
no row; each part is a move of its own.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from disclosure.audit import programmes
from disclosure.audit.solver import Infeasible, Model, SolverFailure, TimeOut, Unbounded

if TYPE_CHECKING:
    import numpy as np
    import scipy.sparse as sp

_WHOLE = 1e-5
"""A solution this near to a whole number is rounded, and then checked exactly."""
_MOVED = 1e-6
_TIMES = (1, -1, 2, -2, 3, -3)
"""Multiples of a move that are tried: halves and thirds become whole, a rise becomes a fall."""
_ROUNDS = 40
_TRIES = 4
_STEP = 10
"""What one step of one unknown costs at least in the search for short moves."""
_REWARD = 10_000
"""What one step of a cell towards its bar is worth there."""
_SHARE = 0.15
"""Which share of the cells that are left a search for short moves begins with."""
_FEWEST = 6
_FEW = 2
"""So few cells are not searched for together."""
_TOGETHER = 20
"""How many cells are moved together where each shall move by a way of its own."""


@dataclass
class Count:
    """How much was asked of the solver, and until when it may be asked.

    Attributes:
        programmes: linear programmes solved.
        whole: programmes with whole unknowns solved.
        deadline: when the audit has to be done, on the clock of `time.monotonic`.
    """

    programmes: int = 0
    whole: int = 0
    deadline: float = math.inf

    def seconds_left(self) -> float:
        """Return how long the next solution may take.

        Raises:
            TimeOut: no time is left.
        """
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeOut("time-out: not all cells were judged in the time that was given")
        return left


@dataclass
class Block:
    """One block of a system, and the moves that were found in it.

    Attributes:
        columns: the columns of the system that it holds.
        cells: the withheld cells that lie in it, by their position among all withheld.
        equal: its equations.
        least: its inequalities.
        room: how far each inequality is from being broken by the first table.
        fall: how far each unknown may fall.
        watched: its cells over its unknowns.
        whole: whether unknowns are whole numbers.
        base: the first table.
        slack: a difference up to this is none; 0 for counts.
        up: how much each cell rises at most in any table found.
        down: how much each cell falls at most in any table found.
        piece: for each unknown of a large block in which piece of it to look first.
        moves: the moves found: for each a matrix (parts × unknowns).
    """

    columns: "np.ndarray"
    cells: "np.ndarray"
    equal: "sp.csr_array"
    least: "sp.csr_array"
    room: "np.ndarray"
    fall: "np.ndarray"
    watched: "sp.csr_array"
    base: "np.ndarray"
    count: Count
    whole: bool = True
    slack: float = 0
    piece: "np.ndarray | None" = None
    up: "np.ndarray" = field(init=False)
    down: "np.ndarray" = field(init=False)
    moves: "list[sp.csr_array]" = field(default_factory=list)

    def __post_init__(self) -> None:
        """Begin with no table but the first."""
        import numpy as np

        kind = np.int64 if self.whole else np.float64
        self.up = np.zeros(len(self.cells), dtype=kind)
        self.down = np.zeros(len(self.cells), dtype=kind)
        self._lines: Model | None = None
        self._points: Model | None = None
        self._short: Model | None = None
        self._near = np.zeros(len(self.columns), dtype=bool)
        self._tolerance = 0 if self.whole else max(10 * self.slack, _MOVED)

    def spread(self, rise: "np.ndarray", sign: int = 1) -> None:
        """Look for tables in which many cells rise (or fall) together.

        Args:
            rise: by how much each cell should; 0 asks nothing. Shape (cells,).
            sign: 1 for rising, −1 for falling.
        """
        import numpy as np

        wanted = self._short_of(rise, sign)
        if not wanted.size:
            return
        model = programmes.joint(self, wanted, rise[wanted], sign, whole=False)
        cost = np.zeros(len(self.columns) + len(wanted))
        missing = np.ones(len(wanted), dtype=bool)
        for _ in range(_ROUNDS):
            cost[len(self.columns) :] = missing
            model.set_cost(cost)
            try:
                best = self._solve(model)
            except SolverFailure:  # a search for many at once may fail; each is looked at alone
                return
            self.harvest(best[: len(self.columns)])
            still = missing & (rise - self._tolerance > self._found(sign))[wanted]
            if still.sum() == missing.sum() or not still.any():
                return
            missing = still

    def _short_of(self, rise: "np.ndarray", sign: int) -> "np.ndarray":
        """Return the cells with unknowns in this block that no table found moves so far."""
        import numpy as np

        here = np.diff(self.watched.indptr) > 0
        return np.flatnonzero((rise - self._tolerance > self._found(sign)) & here)

    def spread_by_pieces(self, rise: "np.ndarray", sign: int = 1, *, whole: bool = True) -> None:
        """Look for tables in which many cells rise (or fall), in parts of the block and in all.

        A move within a piece leaves all other unknowns where they are: easier to find, and most
        cells need no more.

        Args:
            rise: by how much each cell should; 0 asks nothing. Shape (cells,).
            sign: 1 for rising, −1 for falling.
            whole: look for short moves, too, where linear programmes give fractions.
        """
        import numpy as np

        if (rise - self._tolerance > self._found(sign)).sum() <= _FEW and whole:
            return  # each is looked at alone
        for number in range(self.piece.max() + 1 if self.piece is not None else 0):
            missing = np.where(rise > self._found(sign), rise, 0)
            here = self.watched[:, self.piece == number].sum(axis=1) > 0
            if not (here & (missing > 0)).any():
                continue
            part = self.without(self.piece != number)
            part.spread(missing, sign)
            if whole:
                part.spread_short(missing, sign)
            self._take(part, np.flatnonzero(self.piece == number))
        self.spread(rise, sign)
        if whole:
            self.spread_short(rise, sign)

    def spread_short(self, rise: "np.ndarray", sign: int = 1) -> None:
        """Look for short moves of some of the cells at a time.

        Short moves of few cells fall into parts that have little to do with each other, and each
        of them is whole most times; what a step costs is drawn, so that each try finds others.

        Args:
            rise: by how much each cell should; 0 asks nothing. Shape (cells,).
            sign: 1 for rising, −1 for falling.
        """
        import numpy as np

        wanted = self._short_of(rise, sign)
        if not wanted.size:
            return
        model = programmes.joint_short(self, wanted, rise[wanted], sign)
        random = np.random.default_rng(len(wanted))
        tries = np.zeros(len(wanted), dtype=np.int64)
        share = _SHARE
        while True:
            missing = (rise - self._tolerance > self._found(sign))[wanted]
            left = np.flatnonzero(missing & (tries < _TRIES))
            if not left.size:
                return
            # Those tried least come first, in an order that is drawn.
            order = left[np.lexsort((random.random(len(left)), tries[left]))]
            chosen = order[: max(int(share * len(left)), _FEWEST)]
            try:
                rises = self._harvest_short(model, chosen, random)
            except SolverFailure:  # a search for many at once may fail; each is looked at alone
                return
            # None rises where the sum of all rises is 0 at best; who falls short may yet alone.
            tries[chosen] += np.where(rises < rise[wanted[chosen]] - _MOVED, 2, 1)
            if rises.sum() < _MOVED:
                tries[chosen] = _TRIES
                share = min(2 * share, 1)
            elif not (self._found(sign)[wanted[chosen]] >= rise[wanted[chosen]]).any():
                share /= 2

    def scatter(
        self, cells: "np.ndarray", sign: int, seed: int, *, by_pieces: bool = False
    ) -> None:
        """Look for further short moves of cells, each by another way than before.

        Args:
            cells: which cells, as a mask.
            sign: 1 for rising, −1 for falling.
            seed: by which the ways are drawn.
            by_pieces: within the pieces of a large block only.
        """
        import numpy as np

        if by_pieces and self.piece is not None:
            for number in range(self.piece.max() + 1):
                part = self.without(self.piece != number)
                part.scatter(cells, sign, seed)
                self._take(part, np.flatnonzero(self.piece == number))
            return
        wanted = np.flatnonzero(cells & (np.diff(self.watched.indptr) > 0))
        if not wanted.size:
            return
        model = programmes.joint_short(self, wanted, np.ones(len(wanted)), sign)
        random = np.random.default_rng(seed)
        parts = -(-len(wanted) // _TOGETHER)
        for chosen in np.array_split(random.permutation(len(wanted)), parts):
            try:
                self._harvest_short(model, chosen, random)
            except SolverFailure:
                return

    def _harvest_short(
        self, model: Model, chosen: "np.ndarray", random: "np.random.Generator"
    ) -> "np.ndarray":
        """Take what short moves of some cells give, and return how far each cell went."""
        import numpy as np

        columns = len(self.columns)
        cost = np.zeros(model.columns)
        cost[: 2 * columns] = -random.integers(_STEP, 2 * _STEP, 2 * columns)
        cost[2 * columns + chosen] = _REWARD
        model.set_cost(cost)
        best = self._solve(model)
        self.harvest(best[:columns] - best[columns : 2 * columns])
        return best[2 * columns + chosen]

    def _take(self, part: "Block", columns: "np.ndarray") -> None:
        """Make the moves found in a piece one's own."""
        import numpy as np
        import scipy.sparse as sp

        self.up, self.down = np.maximum(self.up, part.up), np.maximum(self.down, part.down)
        for moves in part.moves:
            entries = (moves.data, columns[moves.indices], moves.indptr)
            shape = (moves.shape[0], len(self.columns))
            self.moves.append(sp.csr_array(entries, shape=shape))

    def reach(self, cell: int, rise: float, sign: int = 1) -> bool:
        """Tell whether one cell can rise (or fall) as far as asked; exact.

        Args:
            cell: position in `cells`.
            rise: how far.
            sign: 1 for rising, −1 for falling.
        """
        if not self._missing(cell, rise, sign):
            return True
        if not self._reach_short(
            cell, rise, sign, done=lambda: not self._missing(cell, rise, sign)
        ):
            return False
        if self._missing(cell, rise, sign) and self.whole:
            self._reach_near(cell, rise, sign)
        if self._missing(cell, rise, sign) and self.whole:
            self._reach_whole(cell, rise, sign)
        return not self._missing(cell, rise, sign)

    def _missing(self, cell: int, rise: float, sign: int) -> bool:
        return bool(self._found(sign)[cell] < rise - self._tolerance)

    def _found(self, sign: int) -> "np.ndarray":
        return self.up if sign > 0 else self.down

    def widest(self, cell: int, sign: int = 1) -> float:
        """Return how far one cell rises (or falls) at most if unknowns need not be whole."""
        import numpy as np

        if self._lines is None:
            self._lines = programmes.changes(self, whole=False)
        weight = self.watched[[cell]].toarray().ravel() * float(sign)
        self._lines.set_cost(weight)
        try:
            move = self._solve(self._lines)
        except Unbounded:
            return np.inf
        self.harvest(move)
        return float(weight @ move)

    def widest_whole(self, cell: int, sign: int = 1) -> float:
        """Return how far one cell rises (or falls) at most in whole numbers."""
        if self._points is None:
            self._points = programmes.changes(self, whole=True)
        weight = self.watched[[cell]].toarray().ravel() * float(sign)
        self._points.set_cost(weight)
        move = self._solve(self._points)
        self.harvest(move)
        return float(round(weight @ move))

    def harvest(self, move: "np.ndarray") -> None:
        """Take from a solution all parts that are tables of whole numbers, checked exactly."""
        import numpy as np
        import scipy.sparse as sp

        moved = np.flatnonzero(np.abs(move) > _MOVED)
        if not moved.size:
            return
        equal, least = self.equal[:, moved], self.least[:, moved]
        part = _parts(equal, least)
        watched = sp.csr_array(self.watched[:, moved])
        kept = np.zeros(part.max() + 1, dtype=bool)
        for times in _TIMES if self.whole else (1, -1):
            steps = times * move[moved]
            bad = steps < -self.fall[moved] - max(self.slack, _WHOLE)
            if self.whole:
                near = np.rint(steps)
                bad |= np.abs(near - steps) > _WHOLE
                steps = near.astype(np.int64)
            good = ~_spoilt(part, bad)
            good &= ~self._broken(equal, least, part, np.where(good[part], steps, 0))
            if good.any():
                self._keep(moved, watched, part, np.where(good[part], steps, 0), good & ~kept)
                kept |= good
            if times < 0 and kept.all():
                return

    def _keep(
        self,
        moved: "np.ndarray",
        watched: "sp.csr_array",
        part: "np.ndarray",
        steps: "np.ndarray",
        new: "np.ndarray",
    ) -> None:
        """Note what the parts of a move do to the cells, and store those that are new."""
        import numpy as np
        import scipy.sparse as sp

        shape = (part.max() + 1, len(moved))
        moves = sp.csr_array((steps, (part, np.arange(len(moved)))), shape=shape)
        effect = moves @ watched.T
        self.up = np.maximum(self.up, effect.maximum(0).sum(axis=0))
        self.down = np.maximum(self.down, -effect.minimum(0).sum(axis=0))
        if new.any():
            entries = moves[new].tocoo()
            shape = (int(new.sum()), len(self.columns))
            stored = (entries.data, (entries.row, moved[entries.col]))
            self.moves.append(sp.csr_array(stored, shape=shape))

    def effects(self, since: int = 0) -> "sp.csr_array":
        """Return what every single move found does to every cell, shape (moves, cells).

        Args:
            since: leave out so many of the first `moves`.
        """
        import scipy.sparse as sp

        if len(self.moves) <= since:
            return sp.csr_array((0, len(self.cells)), dtype=self.up.dtype)
        return sp.csr_array(sp.csr_array(sp.vstack(self.moves[since:])) @ self.watched.T)

    def moved_without(self, columns: "np.ndarray") -> "np.ndarray":
        """Return the cells that some move found changes without these unknowns.

        Args:
            columns: unknowns that must stand still, as a mask.
        """
        import numpy as np
        import scipy.sparse as sp

        if not self.moves:
            return np.zeros(len(self.cells), dtype=bool)
        moves = sp.csr_array(sp.vstack(self.moves))
        still = abs(moves) @ columns.astype(moves.dtype) == 0
        return abs(moves[still] @ self.watched.T).sum(axis=0) > self.slack

    def without(self, columns: "np.ndarray") -> "Block":
        """Return the block of one who knows some unknowns, as a mask."""
        import numpy as np

        left = np.flatnonzero(~columns)
        equal, least = self.equal[:, left], self.least[:, left]
        used = np.diff(least.indptr) > 0
        return Block(
            columns=self.columns[left],
            cells=self.cells,
            equal=equal[np.diff(equal.indptr) > 0],
            least=least[used],
            room=self.room[used],
            fall=self.fall[left],
            watched=self.watched[:, left],
            base=self.base[left],
            count=self.count,
            whole=self.whole,
            slack=self.slack,
        )

    def moves_while(self, cell: int, held: int | None) -> bool:
        """Tell whether a cell can move while another one stands still; exact.

        Args:
            cell: position in `cells`.
            held: position of the other one, None if it does not lie in this block.
        """
        if held is None:
            return bool(self.up[cell] > 0 or self.down[cell] > 0)
        before, open_ends = len(self.moves), False
        for sign in (1, -1):
            open_ends |= self._reach_short(
                cell, 1, sign, held=held, done=lambda: self._shown(before, cell, held)
            )
            if self._shown(before, cell, held):
                return True
        return open_ends and self._moves_whole_while(cell, held)

    def _shown(self, since: int, cell: int, held: int) -> bool:
        effect = self.effects(since)
        return bool(((effect[:, [cell]] != 0) > (effect[:, [held]] != 0)).sum())

    def _moves_whole_while(self, cell: int, held: int) -> bool:
        import numpy as np
        import scipy.sparse as sp

        row = sp.csr_array(self.watched[[held]])
        rest = Block(
            columns=self.columns,
            cells=self.cells,
            equal=sp.csr_array(sp.vstack([self.equal, row])),
            least=self.least,
            room=self.room,
            fall=self.fall,
            watched=self.watched,
            base=self.base,
            count=self.count,
        )
        found = rest.reach(cell, 1) or rest.reach(cell, 1, -1)
        self.moves += rest.moves
        return bool(np.any(found))

    def _broken(
        self,
        equal: "sp.csr_array",
        least: "sp.csr_array",
        part: "np.ndarray",
        steps: "np.ndarray",
    ) -> "np.ndarray":
        """Return the parts of a move that break a row."""
        import numpy as np

        broken = np.zeros(part.max() + 1, dtype=bool)
        for rows, fault in (
            (equal, np.abs(equal @ steps) > self.slack),
            (least, least @ steps < -self.room - self.slack),
        ):
            entries = rows[np.flatnonzero(fault)].tocoo()
            broken[part[entries.col]] = True
        return broken

    def _solve(self, model: Model) -> "np.ndarray":
        self.count.programmes += 1
        try:
            return model.maximise(self.count.seconds_left())
        except Infeasible as error:  # the first table is a solution, so this cannot be
            raise SolverFailure("solver: finds no table, though there is one") from error

    def _reach_short(
        self,
        cell: int,
        rise: float,
        sign: int,
        *,
        done: "Callable[[], bool]",
        held: int | None = None,
    ) -> bool:
        """Look for short moves that reach as far as asked: these are whole numbers most times.

        What a step costs is drawn anew for each try, so that each finds another move.

        Args:
            cell: position in `cells`.
            rise: how far.
            sign: 1 for rising, −1 for falling.
            done: tells whether what was found is enough.
            held: position of a cell that must stand still.

        Returns:
            Whether there is such a move if unknowns need not be whole.
        """
        import numpy as np

        if self._short is None:
            self._short = programmes.two_sided(self)
            self._short.set_cost(np.full(2 * len(self.columns), -_STEP))
        self._near = np.zeros(len(self.columns), dtype=bool)
        first = self.equal.shape[0] + self.least.shape[0]
        ends = (rise, np.inf) if sign > 0 else (-np.inf, -rise)
        self._short.set_row(first + cell, *ends)
        if held is not None:
            self._short.set_row(first + held, 0, 0)
        cost = np.full(2 * len(self.columns), -_STEP)
        random = np.random.default_rng(cell)
        try:
            for attempt in range(_TRIES):
                if attempt:
                    cost = -random.integers(_STEP, 2 * _STEP, len(cost))
                    self._short.set_cost(cost)
                self.count.programmes += 1
                both = self._short.maximise(self.count.seconds_left())
                move = both[: len(self.columns)] - both[len(self.columns) :]
                self.harvest(move)
                self._near |= np.abs(move) > _MOVED
                if done():
                    return True
        except Infeasible:
            return False
        finally:
            for row in (cell, held):
                if row is not None:
                    self._short.set_row(first + row, -np.inf, np.inf)
            if attempt:
                self._short.set_cost(np.full(len(cost), -_STEP))
        return True

    def _reach_near(self, cell: int, rise: float, sign: int) -> None:
        """Look for a move of whole numbers among the unknowns that the last short moves used."""
        import numpy as np

        part = self.without(~self._near)
        part._reach_whole(cell, rise, sign)
        self._take(part, np.flatnonzero(self._near))

    def _reach_whole(self, cell: int, rise: float, sign: int) -> None:
        """Look for one table of whole numbers in which a cell rises (or falls) as far as it can."""
        import numpy as np

        self.count.whole += 1
        model = programmes.joint(self, np.array([cell]), np.array([rise]), sign, whole=True)
        cost = np.zeros(len(self.columns) + 1)
        cost[-1] = 1
        model.set_cost(cost)
        self.harvest(self._solve(model)[:-1])


def _parts(equal: "sp.csr_array", least: "sp.csr_array") -> "np.ndarray":
    """Number the columns so that those that share a row have the same number."""
    import numpy as np
    import scipy.sparse as sp
    from scipy.sparse.csgraph import connected_components

    rows = sp.csr_array(abs(sp.vstack([equal, least])))
    rows = rows[np.diff(rows.indptr) > 0]
    if not rows.shape[0]:
        return np.arange(rows.shape[1])
    graph = sp.block_array([[None, rows], [rows.T, None]])
    label = connected_components(graph, directed=False)[1][rows.shape[0] :]
    return np.unique(label, return_inverse=True)[1]


def _spoilt(part: "np.ndarray", bad: "np.ndarray") -> "np.ndarray":
    import numpy as np

    return np.bincount(part[bad], minlength=part.max() + 1) > 0
