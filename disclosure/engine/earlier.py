"""Earlier editions: what they told is known, and where it was corrected since, counts of their own.

Old and new atoms are equal but for the corrected ones. The attacker is taken to know which those
are. Where the counts behind an edition are at hand, `versions` tells; here is what can be concluded
without them: the atoms of the finest counts that changed. How editions are read belongs to `keys`,
what is withheld for their sake to `search`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from disclosure.engine.cells import Cells, Grid
from disclosure.engine.system import System
from disclosure.engine.versions import Past, Told, with_versions

if TYPE_CHECKING:
    from scipy import sparse

_TOLERANCE = 1e-6


def compare(grid: Grid, measures: Sequence[Cells], told: Told, old: Told | None) -> list[Past]:
    """Compare what earlier editions told with today's counts.

    Args:
        grid: the keys.
        measures: the cells of each measure.
        told: what editions told.
        old: the finest counts behind it that were others than today's; None if they are not at
            hand.
    """
    of_measure = grid.measure_of(told.keys)
    found = []
    for position, cells in enumerate(measures):
        part = told.where(of_measure == position)
        if len(part.keys) and old is not None:
            behind = old.where(grid.measure_of(old.keys) == position)
            past, read = with_versions(grid, cells, position, part, behind)
            found += [] if past is None else [past]
            part = part.where(~read)
        if len(part.keys):
            found.append(_compare(grid, cells, position, part))
    return found


def _compare(grid: Grid, cells: Cells, position: int, told: Told) -> Past:
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
    editions, known = [], []
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
        known.append(keys[~then | unknown[own]])
        editions.append(_Edition(keys, numbers, gone, free, used, members[used]))
    return _together(grid, cells, position, editions, np.concatenate(known))


@dataclass(frozen=True)
class _Edition:
    """One edition that is read without the counts behind it.

    Attributes:
        keys: the counts that it told.
        numbers: what they were.
        gone: keys in each of which something was counted that is not any more.
        free: which atoms (today's, then those that are gone) were other ones.
        used: which of the counts hold of such atoms, or are unknown today.
        members: of which atoms these consist.
    """

    keys: np.ndarray
    numbers: np.ndarray
    gone: np.ndarray
    free: np.ndarray
    used: np.ndarray
    members: "sparse.csr_array"


def _together(
    grid: Grid, cells: Cells, position: int, editions: Sequence[_Edition], known: np.ndarray
) -> Past:
    """Read editions together: consecutive ones share the old counts that they do not differ on.

    Where that contradicts what they told, the old counts there are of each edition alone.

    Args:
        grid: the keys.
        cells: the measure's.
        position: the measure's.
        editions: the oldest first.
        known: keys of the counts that hold of today's atoms.
    """
    from scipy import sparse

    truth = np.where(cells.atom_unknown, -1, cells.atom_total)
    size, apart = len(truth), np.empty(0, np.int64)
    keys = np.concatenate([one.keys[one.used] for one in editions[::-1]])
    numbers = np.concatenate([one.numbers[one.used] for one in editions[::-1]])
    while True:
        old, members = _shared(grid, cells, editions, apart)
        free = np.arange(members.shape[1]) >= size
        unmet = _unmet(members, numbers, np.append(truth, np.zeros_like(old)), free)
        below = members[np.flatnonzero(unmet)].indices
        torn = np.setdiff1d(old[below[below >= size] - size], apart)
        if unmet.any() and not len(torn):  # others contradict these: nothing is shared any more
            torn = np.setdiff1d(old, apart)
        if not len(torn):
            break
        apart = np.union1d(apart, torn)
    nothing = sparse.csr_array((0, members.shape[1]), dtype=np.int64)
    return Past(position, known, old, np.full(len(old), -1), keys, numbers, members, nothing)


def _shared(
    grid: Grid, cells: Cells, editions: Sequence[_Edition], apart: np.ndarray
) -> tuple[np.ndarray, "sparse.csr_array"]:
    """Return the keys of all old atoms, and the rows of all editions, the newest first.

    Args:
        grid: the keys.
        cells: the measure's.
        editions: the oldest first.
        apart: keys of atoms that editions do not share.
    """
    from scipy import sparse

    size, count = len(cells.atoms), sum(len(one.used) for one in editions)
    old, rows, columns, first = np.empty(0, np.int64), [], [], 0
    newer, its = None, np.empty(0, np.int64)
    for one in editions[::-1]:
        own = np.append(cells.atoms, one.gone)
        version = np.where(one.free, -1, np.arange(len(own)))
        if newer is not None:
            here, there = _in_both(grid, cells, one, newer, apart)
            version[here] = its[there]
        fresh = np.flatnonzero(version < 0)
        version[fresh] = size + len(old) + np.arange(len(fresh))
        old = np.append(old, own[fresh])
        row, atom = one.members.tocoo().coords
        rows.append(row + first)
        columns.append(version[atom])
        first += len(one.used)
        newer, its = one, version
    entries = (np.concatenate(rows), np.concatenate(columns))
    ones = np.ones(len(entries[0]), np.int64)
    return old, sparse.csr_array((ones, entries), shape=(count, size + len(old)))


def _in_both(
    grid: Grid, cells: Cells, one: _Edition, newer: _Edition, apart: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the atoms that were other ones in two editions, and the same in both."""
    size = len(cells.atoms)
    both, here, there = np.intersect1d(one.keys, newer.keys, return_indices=True)
    changed = both[one.numbers[here] != newer.numbers[there]]
    differ = _finest(grid, cells, changed)
    parted = np.isin(cells.atoms, apart)
    parted[cells.incidence[np.searchsorted(cells.keys, differ)].indices] = True
    atoms = np.flatnonzero(one.free[:size] & newer.free[:size] & ~parted)
    gone, here, there = np.intersect1d(one.gone, newer.gone, return_indices=True)
    kept = ~np.isin(gone, apart) & ~_holds(grid, differ, gone).any(axis=0)
    return np.append(atoms, size + here[kept]), np.append(atoms, size + there[kept])


def add_earlier(system: System, past: Sequence[Past]) -> None:
    """Tie a release to what earlier editions told of counts that have changed since.

    Old atoms stand in the place of those that were corrected.
    """
    from scipy import sparse

    for one in past:
        if not len(one.keys):
            continue
        _, nodes = system.measures[one.position]
        old, count, base = len(one.old), len(one.keys), system.size
        node = np.append(nodes, base + np.arange(old))
        parts = []
        for rows in (one.members, one.ties):
            part = rows.tocoo()
            row, atom = part.coords
            alive = node[atom] >= 0
            entries = (part.data[alive], (row[alive], node[atom[alive]]))
            parts.append(sparse.csr_array(entries, shape=(rows.shape[0], base + old)))
        number = sparse.vstack(
            [-sparse.eye_array(count), sparse.csr_array((one.ties.shape[0], count))]
        )
        rows = sparse.hstack([sparse.vstack(parts), number]).tocsr().astype(np.int64)
        system.add(
            np.concatenate([one.counts, one.numbers]),
            np.concatenate([one.old, one.keys]),
            rows,
            frozen=np.arange(old + count) >= old,
        )
        # Whose areas these are knows what they were, as far as we do.
        theirs = base + np.flatnonzero(one.counts >= 0)
        system.theirs = np.append(system.theirs, theirs)


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
