"""The search for a second table that leaves all published classes as they are.

For each sensitive cell a move of the withheld counts is looked for that changes it and no class;
the moves come from the attackers' blocks (`search`). Where none is found, the fewest classes go.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from disclosure.audit.attackers import Attack
from disclosure.audit.programmes import two_sided
from disclosure.audit.scales import Touch
from disclosure.audit.search import Block
from disclosure.audit.solver import Infeasible

if TYPE_CHECKING:
    import numpy as np
    import scipy.sparse as sp

_TRIES = 6
"""How many further tables are looked for where the first ones do not leave all classes."""
_STILL = 100
"""How much dearer a step is that moves a part of an index, in the first of these tries."""
_STEP = 10


class _Piece:
    """A part of a block whose unknowns share equations: within it, moves are short and cheap.

    Attributes:
        block: the part as a block of its own; its `cells` are all those of the whole.
    """

    def __init__(self, block: Block, columns: "np.ndarray", parts: "np.ndarray"):
        """Cut out some unknowns, as a mask; all others stay where they are.

        Args:
            block: the whole.
            columns: which of its unknowns.
            parts: which of all withheld cells are parts of an index.
        """
        import scipy.sparse as sp

        self.block = block.without(~columns)
        own = self.block
        self._parts = sp.csr_array(own.watched[parts[own.cells]]).sum(axis=0) > 0
        self._first = own.equal.shape[0] + own.least.shape[0]
        self._model = two_sided(own)

    def prepare(self, attempt: int) -> None:
        """Draw what a step costs; first, parts of indices are to stay as far as possible."""
        import numpy as np

        cost = np.random.default_rng(attempt).integers(_STEP, 2 * _STEP, len(self.block.columns))
        if attempt % 2 == 0:
            cost[self._parts] *= _STILL
        self._model.set_cost(-np.concatenate([cost, cost]))

    def move(self, place: int, rise: int, sign: int) -> bool:
        """Look for a short move in which a cell rises (or falls) so far; the block keeps it.

        Returns:
            Whether there is one.
        """
        import numpy as np

        ends = (rise, np.inf) if sign > 0 else (-np.inf, -rise)
        self._model.set_row(self._first + place, *ends)
        self.block.count.programmes += 1
        half = len(self.block.columns)
        try:
            steps = self._model.maximise(self.block.count.seconds_left())
            self.block.harvest(steps[:half] - steps[half:])
        except Infeasible:
            return False
        finally:
            self._model.set_row(self._first + place, -np.inf, np.inf)
        return True


class Search:
    """Looks for tables that leave all published classes, one attacker's.

    Attributes:
        tables: how many tables were tried.
    """

    def __init__(self, attack: Attack, touches: Sequence[Touch], parts: "np.ndarray"):
        """Cut the attacker's blocks into pieces."""
        self.attack, self.touches, self.tables = attack, touches, 0
        self._pieces: dict[int, list[tuple[_Piece, int]]] = {}
        self._beyond: set[tuple[int, int, int]] = set()
        for block in attack.blocks:
            _cut(block, parts, self._pieces)

    def run(self, cells: "np.ndarray", rise: "np.ndarray", up_only: "np.ndarray") -> "np.ndarray":
        """Find for each cell a table, or take the fewest classes that forbid one.

        Args:
            cells: positions among the withheld.
            rise: by how much each of all withheld cells has to differ from the truth.
            up_only: whether it has to be more.

        Returns:
            The cells of which there is no such table, whatever the classes are.
        """
        import numpy as np

        left, tried = cells, []
        for attempt in range(_TRIES if left.size else 0):
            blocks = self._look(left, rise, up_only, attempt)
            left = self._judge(left, blocks, rise, up_only, tried)
        late = left[~np.isin(left, _owners(tried))]
        starts = [(block, len(block.moves)) for block in self.attack.blocks]
        for cell in late:  # no piece is enough
            for block, place in self.attack.places[cell]:
                _ = block.reach(place, int(rise[cell])) or (
                    not up_only[cell] and block.reach(place, int(rise[cell]), -1)
                )
        still = self._judge(late, starts, rise, up_only, tried)
        left = np.setdiff1d(left, np.setdiff1d(late, still))
        reached = np.isin(left, _owners(tried))
        for cell in left[reached]:
            self._take(cell, tried)
        return left[~reached]

    def _look(
        self, cells: "np.ndarray", rise: "np.ndarray", up_only: "np.ndarray", attempt: int
    ) -> list[tuple[Block, int]]:
        """Look for one more move for each cell; return where, and how many moves there were."""
        used: dict[int, tuple[_Piece, int]] = {}
        for cell in cells:
            for piece, place in self._pieces.get(int(cell), ()):
                if id(piece) not in used:
                    used[id(piece)] = piece, len(piece.block.moves)
                    piece.prepare(attempt)
                for sign in (1,) if up_only[cell] else (1, -1):
                    if (id(piece), place, sign) not in self._beyond and not piece.move(
                        place, int(rise[cell]), sign
                    ):
                        self._beyond.add((id(piece), place, sign))
        return [(piece.block, start) for piece, start in used.values()]

    def _judge(
        self,
        cells: "np.ndarray",
        blocks: list[tuple[Block, int]],
        rise: "np.ndarray",
        up_only: "np.ndarray",
        tried: "list[tuple[np.ndarray, sp.csr_array]]",
    ) -> "np.ndarray":
        """Return the cells for which none of the new moves will do; note what was tried."""
        import numpy as np

        found = np.zeros(len(rise), dtype=bool)
        for block, start in blocks:
            owner, deltas = _tables_of(block, start, cells, rise, up_only)
            if not len(owner):
                continue
            self.tables += len(owner)
            spoilt = sum(touch.differing(deltas).sum(axis=1) for touch in self.touches) > 0
            found[owner[~spoilt]] = True
            tried.append((owner, deltas))
        return cells[~found[cells]]

    def _take(self, cell: int, tried: "list[tuple[np.ndarray, sp.csr_array]]") -> None:
        """Take the classes that differ in the table of a cell that costs fewest."""
        import scipy.sparse as sp

        own = [deltas[owner == cell] for owner, deltas in tried if (owner == cell).any()]
        if not own:
            return
        deltas = sp.csr_array(sp.vstack(own))
        differing = [touch.differing(deltas) for touch in self.touches]
        best = sum(found.sum(axis=1) for found in differing).argmin()
        for touch, found in zip(self.touches, differing, strict=True):
            touch.scale.taken |= found[best]


def _owners(tried: "Sequence[tuple[np.ndarray, sp.csr_array]]") -> "np.ndarray":
    """Return the cells for which some table was tried."""
    import numpy as np

    return np.concatenate([np.zeros(0, dtype=np.int64), *(owner for owner, _ in tried)])


def _cut(block: Block, parts: "np.ndarray", pieces: dict[int, list[tuple[_Piece, int]]]) -> None:
    """Cut a block where no equation holds it together; note in which pieces each cell lies."""
    import numpy as np
    import scipy.sparse as sp
    from scipy.sparse.csgraph import connected_components

    graph = sp.block_array([[None, block.equal], [block.equal.T, None]])
    label = connected_components(abs(graph), directed=False)[1][block.equal.shape[0] :]
    of_cell = block.watched.tocoo()
    for number in np.unique(label[of_cell.col]):
        piece = _Piece(block, label == number, parts)
        for place in np.unique(of_cell.row[label[of_cell.col] == number]):
            pieces.setdefault(int(block.cells[place]), []).append((piece, int(place)))


def _tables_of(
    block: Block, since: int, cells: "np.ndarray", rise: "np.ndarray", up_only: "np.ndarray"
) -> "tuple[np.ndarray, sp.csr_array]":
    """Return the tables that a block's moves give for cells: each move as often as is needed.

    Returns:
        For each table the withheld cell that it is for, and how much every withheld cell differs.
    """
    import numpy as np
    import scipy.sparse as sp

    width = len(rise)
    none = np.zeros(0, dtype=np.int64), sp.csr_array((0, width), dtype=np.int64)
    if len(block.moves) <= since:
        return none
    moves = sp.csr_array(sp.vstack(block.moves[since:]))
    effects = sp.coo_array(block.effects(since))
    effects.eliminate_zeros()
    cell = block.cells[effects.col]
    chosen = np.isin(cell, cells)
    move, cell, size = effects.row[chosen], cell[chosen], effects.data[chosen]
    times = -(-rise[cell] // np.abs(size)) * np.sign(size)
    both = ~up_only[cell]
    move, cell = np.concatenate([move, move[both]]), np.concatenate([cell, cell[both]])
    times = np.concatenate([times, -times[both]])
    most = {sign: _most_times(block, moves, sign) for sign in (1, -1)}
    allowed = np.where(times > 0, most[1][move], -most[-1][move])
    fits = np.abs(times) <= np.abs(allowed)
    move, cell, times = move[fits], cell[fits], times[fits]
    wide = sp.csr_array(
        (effects.data, (effects.row, block.cells[effects.col])), shape=(len(most[1]), width)
    )
    scaled = sp.csr_array(wide[move].multiply(times[:, None])) if len(move) else none[1]
    return cell, scaled


def _most_times(block: Block, moves: "sp.csr_array", sign: int) -> "np.ndarray":
    """Return how often each move can be made in one direction; 0 if not once."""
    import numpy as np

    most = np.full(moves.shape[0], np.inf)
    for steps, room in ((moves, block.fall), (moves @ block.least.T, block.room)):
        entries = steps.tocoo()
        falling = sign * entries.data < 0
        row, column = entries.row[falling], entries.col[falling]
        np.minimum.at(most, row, room[column] // np.abs(entries.data[falling]))
    return most
