"""Earlier editions whose counts are at hand: which atoms were other ones, and from when to when.

The attacker is taken to know that. So what he does not know of an edition are today's atoms and a
count of their own of those that were corrected since, one for all consecutive editions in which it
stayed the same. Editions whose counts are not at hand are a matter of `earlier`.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from disclosure.engine.cells import Cells, Grid, finest_cells, members_of, widened

if TYPE_CHECKING:
    import pyarrow as pa
    from scipy import sparse


@dataclass(frozen=True)
class Told:
    """Counts of earlier editions, one row for each count and edition.

    Attributes:
        keys: the counts.
        numbers: what they were, in the units of the system.
        editions: the name of the edition; ascending in time.
    """

    keys: np.ndarray
    numbers: np.ndarray
    editions: np.ndarray

    @classmethod
    def of(cls, grid: Grid, table: "pa.Table | None") -> "Told":
        """Read what `make_known` or `make_old` returned."""
        if table is None:
            return cls(*(np.empty(0, kind) for kind in (np.int64, np.int64, object)))
        numbers = np.rint(table[grid.release.number_column].to_numpy() / grid.unit)
        names = np.array(table["edition"].to_pylist(), dtype=object)
        return cls(grid.keys_of(table), numbers.astype(np.int64), names)

    def where(self, rows: np.ndarray) -> "Told":
        """Return some of the rows."""
        return Told(self.keys[rows], self.numbers[rows], self.editions[rows])


@dataclass(frozen=True)
class Past:
    """What earlier editions told of one measure.

    Attributes:
        position: the measure's.
        known: keys of the counts that hold of today's atoms.
        old: keys of the atoms that were other ones, one for each run of editions.
        counts: what they were; -1 where that is unknown.
        keys: the counts that hold of atoms that were corrected since, or are unknown today.
        numbers: what these were.
        members: of which atoms they consist: keys × (today's atoms, old ones).
        ties: rows over the same that are zero.
    """

    position: int
    known: np.ndarray
    old: np.ndarray
    counts: np.ndarray
    keys: np.ndarray
    numbers: np.ndarray
    members: "sparse.csr_array"
    ties: "sparse.csr_array"


@dataclass(frozen=True)
class _History:
    """All atoms of a measure that ever were above zero, and what they were.

    Attributes:
        keys: their keys, ascending.
        today: the place of each among today's atoms, -1 where it is surely zero.
        now: today's counts; where these are unknown, the last that were not.
        editions: the names, the newest first.
        change: by how much each was another one than now: editions × atoms.
        finest: the finest cells of the tables, if no table has the atoms: cells × atoms.
    """

    keys: np.ndarray
    today: np.ndarray
    now: np.ndarray
    editions: np.ndarray
    change: "sparse.csr_array"
    finest: "sparse.csr_array"

    def corrected(self, change: "sparse.csr_array") -> np.ndarray:
        """Return which atoms may have been corrected, given by how much one row differs.

        Where no table has the atoms, they are all those of the cells that are other ones.
        """
        own = np.zeros(len(self.keys), bool)
        own[change.indices[change.data != 0]] = True
        return own | (self.finest.T @ (self.finest @ change.toarray().ravel() != 0) > 0)


def with_versions(
    grid: Grid, cells: Cells, position: int, told: Told, old: Told
) -> tuple[Past | None, np.ndarray]:
    """Read the editions whose counts add up to what they told.

    Args:
        grid: the keys.
        cells: the measure's cells.
        position: the measure's.
        told: what editions told of it.
        old: its finest counts that were others than today's.

    Returns:
        What they tell, and for each row of `told` whether it was read.
    """
    history = _history(grid, cells, told, old)
    members = members_of(grid, cells, told.keys, history.keys)
    place = np.searchsorted(cells.keys, told.keys)
    whole = _adds_up(cells, history, members, told, place)
    if not whole.any():
        return None, whole
    return _read(cells, history, members, told, whole, position), whole


def _history(grid: Grid, cells: Cells, told: Told, old: Told) -> _History:
    from scipy import sparse

    keys = widened(grid, cells, np.unique(old.keys[old.numbers > 0])) if len(old.keys) else None
    keys = cells.atoms if keys is None else np.union1d(keys, old.keys)
    today = np.full(len(keys), -1)
    today[np.searchsorted(keys, cells.atoms)] = np.arange(len(cells.atoms))
    now, blind = np.zeros(len(keys), np.int64), np.zeros(len(keys), bool)
    there = today >= 0
    now[there], blind[there] = cells.atom_total[today[there]], cells.atom_unknown[today[there]]
    editions = np.unique(np.concatenate([told.editions, old.editions]))[::-1]
    row = len(editions) - 1 - np.searchsorted(editions[::-1], old.editions)
    column = np.searchsorted(keys, old.keys)
    late = np.argsort(-row, kind="stable")
    late = late[blind[column[late]]]
    now[column[late]] = old.numbers[late]
    change = sparse.csr_array(
        (old.numbers - now[column], (row, column)), shape=(len(editions), len(keys))
    )
    finest = finest_cells(grid, cells, keys) if len(old.keys) and cells.hidden else None
    if finest is None:
        finest = sparse.csr_array((0, len(keys)), dtype=np.int64)
    return _History(keys, today, now, editions, change, finest)


def _adds_up(
    cells: Cells, history: _History, members: "sparse.csr_array", told: Told, place: np.ndarray
) -> np.ndarray:
    """Return the rows of those editions in which every row is the sum of its atoms."""
    whole = np.zeros(len(told.keys), bool)
    for number, edition in enumerate(history.editions):
        own = np.flatnonzero(told.editions == edition)
        then = history.now + history.change[[number]].toarray().ravel()
        wrong = (members[own] @ then != told.numbers[own]) & ~cells.unknown[place[own]]
        whole[own] = not wrong.any()
    return whole


def _read(
    cells: Cells,
    history: _History,
    members: "sparse.csr_array",
    told: Told,
    whole: np.ndarray,
    position: int,
) -> Past:
    from scipy import sparse

    size = len(history.keys)
    today, count = np.arange(size), size
    newer, before = today, history.change[[0]] * 0
    nothing = before
    place = np.searchsorted(cells.keys, told.keys)
    unknown = cells.unknown[place]
    changed = (cells.total[place] != told.numbers) & ~unknown
    known, rows, entries, ties, old, counts = [], [], [], [], [], []
    for number, edition in enumerate(history.editions):
        own = np.flatnonzero((told.editions == edition) & whole)
        if not len(own):
            continue
        change = history.change[[number]]
        corrected = history.corrected(change)
        shared = corrected & ~history.corrected(change - before) & (newer >= size)
        fresh = np.flatnonzero(corrected & ~shared)
        version = np.where(corrected, newer, today)
        version[fresh] = count + np.arange(len(fresh))
        count += len(fresh)
        old.append(history.keys[fresh])
        counts.append((history.now + change.toarray().ravel())[fresh])
        then = changed[own] | unknown[own] | (members[own] @ corrected.astype(np.int64) > 0)
        known.append(told.keys[own[~then | unknown[own]]])
        rows.append(own[then])
        entries.append((members[own[then]], version))
        for other, its in ((before, newer), (nothing, today)):
            differ = history.finest @ (change - other).toarray().ravel()
            alike = history.finest[np.flatnonzero(differ == 0)]
            ties.append(((alike, version), (alike, its)))
        newer, before = version, change
    rows = np.concatenate(rows)
    tied = sparse.vstack(
        [_over(*one, history, count) - _over(*other, history, count) for one, other in ties]
    ).tocsr()
    tied.eliminate_zeros()
    return Past(
        position=position,
        known=np.concatenate(known),
        old=np.concatenate(old),
        counts=np.concatenate(counts),
        keys=told.keys[rows],
        numbers=told.numbers[rows],
        members=sparse.vstack([_over(*one, history, count) for one in entries]).tocsr(),
        ties=tied[np.flatnonzero(np.diff(tied.indptr))],
    )


def _over(
    rows: "sparse.csr_array", version: np.ndarray, history: _History, count: int
) -> "sparse.csr_array":
    """Write rows over atoms as rows over today's atoms and old ones; what is zero is left out."""
    from scipy import sparse

    size, width = len(history.keys), int((history.today >= 0).sum())
    column = np.append(history.today, width + np.arange(count - size))
    part = rows.tocoo()
    row, atom = part.coords
    atom = column[version[atom]]
    alive = atom >= 0
    return sparse.csr_array(
        (part.data[alive], (row[alive], atom[alive])), shape=(rows.shape[0], width + count - size)
    )
