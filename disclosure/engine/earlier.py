"""Earlier editions: what they told is known, and where it was corrected since, counts of their own.

Old and new atoms are equal but for the corrected ones. The worst case is taken: the attacker knows
which those are, namely the atoms of the finest counts that changed. Each edition has its own old
atoms. How editions are read belongs to `release`, what is withheld for their sake to `search`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from disclosure.engine.cells import Cells, Grid
from disclosure.engine.system import System

if TYPE_CHECKING:
    import pyarrow as pa
    from scipy import sparse

_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Told:
    """What earlier editions told, one row for each count and edition.

    Attributes:
        keys: the counts.
        numbers: what they were, in the units of the system.
        editions: the number of the edition, ascending in time.
    """

    keys: np.ndarray
    numbers: np.ndarray
    editions: np.ndarray

    @classmethod
    def of(cls, grid: Grid, table: "pa.Table | None") -> "Told":
        """Read what `make_known` returned."""
        if table is None:
            return cls(*(np.empty(0, np.int64) for _ in range(3)))
        names = np.array(table["edition"].to_pylist(), dtype=object)
        numbers = np.rint(table[grid.release.number_column].to_numpy() / grid.unit)
        editions = np.unique(names, return_inverse=True)[1]
        return cls(grid.keys_of(table), numbers.astype(np.int64), editions)


@dataclass(frozen=True)
class Edition:
    """What one edition told of one measure.

    Attributes:
        position: the measure's.
        known: keys of the counts that hold of today's atoms.
        keys: the counts that hold of atoms that were corrected since, or are unknown today.
        numbers: what these were.
        members: of which atoms they consist: keys × today's atoms, then those that are gone.
        gone: a key for each atom that is gone: in it something was counted that is not any more.
        corrected: the atoms that were other ones, by number.
    """

    position: int
    known: np.ndarray
    keys: np.ndarray
    numbers: np.ndarray
    members: "sparse.csr_array"
    gone: np.ndarray
    corrected: np.ndarray


def compare(grid: Grid, measures: Sequence[Cells], told: Told) -> list[Edition]:
    """Compare what earlier editions told with today's counts."""
    of_measure = grid.measure_of(told.keys)
    editions = []
    for position, cells in enumerate(measures):
        own = of_measure == position
        if own.any():
            part = Told(told.keys[own], told.numbers[own], told.editions[own])
            editions += _compare(grid, cells, position, part)
    return editions


def _compare(grid: Grid, cells: Cells, position: int, told: Told) -> list[Edition]:
    """Find out for each edition which atoms were corrected since.

    A changed count is put down to the finest counts in it that any edition shows to have changed,
    unless the edition itself shows them as they are today.
    """
    from scipy import sparse

    place = np.searchsorted(cells.keys, told.keys)
    unknown = cells.unknown[place]
    changed = (cells.total[place] != told.numbers) & ~unknown
    every = np.unique(told.keys[changed])
    truth = np.where(cells.atom_unknown, -1, cells.atom_total)
    editions = []
    for edition in np.unique(told.editions):
        own = told.editions == edition
        keys, numbers, other = told.keys[own], told.numbers[own], changed[own]
        inside = _holds(grid, keys[other], every).any(axis=0)
        inside &= ~np.isin(every, keys[~other & ~unknown[own]])
        gone = _finest(grid, cells, every[inside])
        members = sparse.hstack([cells.incidence[place[own]], _holds(grid, keys, gone)]).tocsr()
        free = np.ones(members.shape[1], bool)
        free[: len(truth)] = False
        free[cells.incidence[np.searchsorted(cells.keys, gone)].indices] = True
        met = _set_free(members, numbers, np.append(truth, np.zeros_like(gone)), free)
        then = other | unknown[own] | (members @ free.astype(np.int64) > 0)
        used = np.flatnonzero(met & then)
        editions.append(
            Edition(
                position=position,
                known=keys[~then | unknown[own]],
                keys=keys[used],
                numbers=numbers[used],
                members=members[used],
                gone=gone,
                corrected=np.flatnonzero(free),
            )
        )
    return editions


def add_earlier(system: System, editions: Sequence[Edition]) -> None:
    """Tie a release to what earlier editions told of counts that have changed since.

    Each edition has old atoms of its own in the place of those that were corrected.
    """
    from scipy import sparse

    for edition in editions:
        if not len(edition.keys):
            continue
        cells, nodes = system.measures[edition.position]
        old, count, base = edition.corrected, len(edition.keys), system.size
        node = np.append(nodes, np.full(len(edition.gone), -1))
        node[old] = base + np.arange(len(old))
        part = edition.members.tocoo()
        row, atom = part.coords
        alive = node[atom] >= 0
        number = base + len(old) + np.arange(count)
        column = np.concatenate([node[atom[alive]], number])
        row = np.concatenate([row[alive], np.arange(count)])
        signs = np.repeat([1, -1], [int(alive.sum()), count])
        system.add(
            np.concatenate([np.full(len(old), -1), edition.numbers]),
            np.concatenate([np.append(cells.atoms, edition.gone)[old], edition.keys]),
            sparse.csr_array((signs, (row, column)), shape=(count, base + len(old) + count)),
            frozen=np.arange(len(old) + count) >= len(old),
        )


def _holds(grid: Grid, keys: np.ndarray, inner: np.ndarray) -> np.ndarray:
    """Return which cells hold which others, themselves included: keys × inner."""
    holds = np.ones((len(keys), len(inner)), bool)
    for position, axis in enumerate(grid.axes):
        above = np.zeros((axis.size, axis.size), bool)
        code, level = np.nonzero(axis.levels >= 0)
        above[axis.levels[code, level], code] = True
        one, other = grid.digit(keys, position), grid.digit(inner, position)
        holds &= above[one[:, None], other[None, :]]
    return holds


def _finest(grid: Grid, cells: Cells, keys: np.ndarray) -> np.ndarray:
    """Return the keys that explain all others: smallest first, none with another's atom.

    A changed count that holds an atom of a smaller one is taken to have changed by that.
    """
    from scipy import sparse

    atoms = cells.incidence[np.searchsorted(cells.keys, keys)]
    members = sparse.hstack([atoms, _holds(grid, keys, keys)]).tocsr()
    rows = np.argsort(np.diff(members.indptr), kind="stable")
    finest = []
    while len(rows):
        own = members[rows]
        row = np.repeat(np.arange(len(rows)), np.diff(own.indptr))
        first = np.full(members.shape[1], len(rows))
        np.minimum.at(first, own.indices, row)
        beaten = np.bincount(row[first[own.indices] < row], minlength=len(rows)) > 0
        finest.append(rows[~beaten])
        taken = np.zeros(members.shape[1], np.int64)
        taken[members[rows[~beaten]].indices] = 1
        rows = rows[beaten & (own @ taken == 0)]
    return np.sort(keys[np.concatenate(finest)]) if finest else keys


def _set_free(
    members: "sparse.csr_array", numbers: np.ndarray, truth: np.ndarray, free: np.ndarray
) -> np.ndarray:
    """Add to the corrected atoms, in place, until the rows agree; return which rows do.

    If counts that an edition withheld were corrected as well, the rows above them do not agree with
    today's atoms: all their atoms count as corrected. A row that agrees with nothing even so, as
    the tables were put together otherwise, tells nothing.

    Args:
        members: rows × atoms, 0/1.
        numbers: what the rows were.
        truth: today's atoms; -1 where unknown.
        free: the atoms that were corrected.
    """
    met = np.ones(len(numbers), bool)
    while (unmet := _unmet(members, numbers, truth, free) & met).any():
        found = np.zeros(len(free), bool)
        found[members[np.flatnonzero(unmet)].indices] = True
        if (found & ~free).any():
            free |= found
        else:
            met &= ~unmet
    return met


def _unmet(
    members: "sparse.csr_array", numbers: np.ndarray, truth: np.ndarray, free: np.ndarray
) -> np.ndarray:
    """Return the rows that do not agree with today's atoms, whatever the free ones were.

    Where several rows contradict each other, it is the larger one that goes.
    """
    from scipy import sparse
    from scipy.optimize import linprog

    kept = ~free
    blind = members @ (kept & (truth < 0)).astype(np.int64) > 0
    rest = numbers - members @ np.where(kept, np.maximum(truth, 0), 0)
    inside = members[:, np.flatnonzero(free)]
    filled = np.diff(inside.tocsr().indptr) > 0
    unmet = ~blind & ~filled & (rest != 0)
    rows = np.flatnonzero(~blind & filled)
    if not len(rows):
        return unmet
    count = len(rows)
    slack = sparse.eye_array(count)
    cost = np.tile(1 / np.diff(members.indptr)[rows], 2)
    solution = linprog(
        np.concatenate([np.zeros(inside.shape[1]), cost]),
        A_eq=sparse.hstack([inside[rows], slack, -slack]).tocsr(),
        b_eq=rest[rows],
        method="highs",
    )
    missing = solution.x[-2 * count :]
    unmet[rows[missing[:count] + missing[count:] > _TOLERANCE]] = True
    return unmet
