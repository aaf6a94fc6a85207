"""What earlier editions add where the counts behind them are at hand (A3 in the worst case).

The attacker knows which counts were corrected, and when. So an atom that was another one then is an
unknown of its own, which consecutive editions share while it stayed the same; every other atom is
today's. What editions say whose counts are not at hand is a matter of `earlier`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from disclosure.audit.cells import (
    Atoms,
    Cells,
    as_atoms,
    decode,
    enumerate_atoms,
    finest_keys,
    join_atoms,
    rows_of,
    table_keys,
)

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    import scipy.sparse as sp


@dataclass(frozen=True)
class Earlier:
    """Equations of earlier editions.

    Attributes:
        rows: over today's atoms, then the earlier counts of corrected ones.
        right: their right sides.
        same: rows that are zero: what was the same in two editions, though its atoms were not.
        atoms: the earlier counts: the cells that they were counts of, each with a number that fits.
    """

    rows: "sp.csr_array"
    right: "np.ndarray"
    same: "sp.csr_array"
    atoms: Atoms


@dataclass(frozen=True)
class _Unknowns:
    """Everything that can have been above zero in some edition.

    Attributes:
        atoms: today's atoms, then those that are surely zero today.
        today: the column of each, −1 where it is surely zero.
        finest: where the tables of a measure leave its atoms open, the finest of their cells over
            `atoms`: of these the attacker knows whether they were corrected.
    """

    atoms: Atoms
    today: "np.ndarray"
    finest: "sp.csr_array"


def adds_up(cells: Cells, atoms: Atoms, known: "pa.Table", old: "pa.Table") -> "np.ndarray":
    """Return for each row of `known` whether its edition's old counts explain its measure.

    They do not where areas or groups are gone, or were put together otherwise.

    Args:
        cells: the published cells of today.
        atoms: what they consist of.
        known: as `make_known` returns it.
        old: as `make_old` returns it.
    """
    import numpy as np

    release, key = cells.release, table_keys(cells.release, known)
    edition, editions = _numbered(known, old)
    then, n = table_keys(release, old), old["n"].to_numpy().astype(np.int64)
    now, blank = _today(atoms, then)
    place = cells.find(known)
    expected = np.where(place >= 0, cells.value[place], 0)
    blind = (place >= 0) & cells.unknown[place]
    if (other := np.flatnonzero(place < 0)).size:
        own = rows_of(release, atoms, key[other])
        expected[other] = own @ atoms.truth
        blind[other] = own @ atoms.unknown.astype(np.int64) > 0
    for number in np.unique(edition):
        rows, listed = np.flatnonzero(edition == number), editions == number
        below = rows_of(release, as_atoms(release, then[listed]), key[rows])
        expected[rows] += below @ (n - now)[listed]
        blind[rows] |= below @ blank[listed].astype(np.int64) > 0
    wrong = ~blind & (expected != known["n"].to_numpy())
    group = np.stack([edition, decode(release, key)[0]], axis=1)
    group = np.unique(group, axis=0, return_inverse=True)[1].reshape(-1)
    return np.bincount(group, weights=wrong)[group] == 0


def _numbered(known: "pa.Table", old: "pa.Table") -> tuple["np.ndarray", "np.ndarray"]:
    """Number the editions in the order of time."""
    import numpy as np

    names = [np.array(table["edition"].to_pylist(), dtype=object) for table in (known, old)]
    number = np.unique(np.concatenate(names), return_inverse=True)[1]
    return number[: len(known)], number[len(known) :]


def _today(atoms: Atoms, keys: "np.ndarray") -> tuple["np.ndarray", "np.ndarray"]:
    """Return today's counts of some atoms, and which are unknown to us."""
    import numpy as np

    if not len(atoms.key):
        return np.zeros(len(keys), dtype=np.int64), np.zeros(len(keys), dtype=bool)
    place = np.minimum(np.searchsorted(atoms.key, keys), len(atoms.key) - 1)
    found = atoms.key[place] == keys
    return np.where(found, atoms.truth[place], 0), found & atoms.unknown[place]


def version_equations(
    cells: Cells, atoms: Atoms, public: "np.ndarray", known: "pa.Table", old: "pa.Table"
) -> Earlier:
    """Return what earlier editions say beyond today's, whose counts add up.

    Args:
        cells: the published cells of today.
        atoms: what they consist of.
        public: cells whose number everybody knows today.
        known: as `make_known` returns it.
        old: as `make_old` returns it.
    """
    import numpy as np

    release, key = cells.release, table_keys(cells.release, known)
    then, n = table_keys(release, old), old["n"].to_numpy().astype(np.int64)
    edition, editions = _numbered(known, old)
    unknowns = _unknowns(cells, atoms, public, then, n)
    order = np.argsort(unknowns.atoms.key)
    place = order[np.searchsorted(unknowns.atoms.key, then, sorter=order)]
    now = _filled(unknowns.atoms, place, n, editions)
    kept_today = _told_today(cells, public, known)
    number = known["n"].to_numpy().astype(np.int64)
    version, before, width = unknowns.today, now, len(atoms.key)
    entries, right, same, owner, truth = [], [], [], [], []
    for name in np.unique(edition)[::-1]:
        count = now.copy()
        count[place[editions == name]] = n[editions == name]
        as_today = ~_touched(unknowns, count, now)
        as_before = ~as_today & ~_touched(unknowns, count, before) & (version >= len(atoms.key))
        fresh = np.flatnonzero(~as_today & ~as_before)
        mine = np.where(as_today, unknowns.today, version)
        mine[fresh] = width + np.arange(len(fresh))
        width += len(fresh)
        owner.append(fresh)
        truth.append(count[fresh])
        rows = np.flatnonzero(edition == name)
        below = rows_of(release, unknowns.atoms, key[rows])
        needed = ~kept_today[rows] | (below @ (~as_today).astype(np.int64) > 0)
        entries.append(_columns(below[np.flatnonzero(needed)], mine))
        right.append(number[rows[needed]])
        for other, its in ((before, version), (now, unknowns.today)):
            alike = np.flatnonzero(unknowns.finest @ count == unknowns.finest @ other)
            same += [_columns(unknowns.finest[alike], mine), _columns(unknowns.finest[alike], its)]
        version, before = mine, count
    fresh = np.concatenate(owner)
    return Earlier(
        _stacked(entries, width),
        np.concatenate(right),
        _differences(same, width),
        Atoms(
            unknowns.atoms.measure[fresh],
            unknowns.atoms.codes[fresh],
            np.full(len(fresh), -1),
            np.concatenate(truth),
            np.zeros(len(fresh), dtype=bool),
        ),
    )


def _unknowns(
    cells: Cells, atoms: Atoms, public: "np.ndarray", then: "np.ndarray", n: "np.ndarray"
) -> _Unknowns:
    import numpy as np

    release = cells.release
    corrected = np.unique(then)
    filled = rows_of(release, as_atoms(release, np.unique(then[n > 0])), cells.key)
    zero = public & (cells.value == 0) & (np.diff(filled.indptr) == 0)
    wide = enumerate_atoms(cells, zero).key if len(corrected) else corrected
    more = as_atoms(release, np.setdiff1d(np.union1d(wide, corrected), atoms.key))
    every = join_atoms(atoms, more)
    keys = finest_keys(release, np.unique(decode(release, corrected)[0]))
    return _Unknowns(
        every,
        np.concatenate([np.arange(len(atoms.key)), np.full(len(more.key), -1)]),
        rows_of(release, every, keys),
    )


def _filled(
    atoms: Atoms, place: "np.ndarray", n: "np.ndarray", editions: "np.ndarray"
) -> "np.ndarray":
    """Return today's counts; of those that are unknown to us now, the last that was not."""
    import numpy as np

    now = atoms.truth.copy()
    order = np.argsort(editions, kind="stable")
    last = order[atoms.unknown[place[order]]]
    now[place[last]] = n[last]  # the newest edition comes last
    return now


def _told_today(cells: Cells, public: "np.ndarray", known: "pa.Table") -> "np.ndarray":
    """Return which rows are published today with the same number."""
    place = cells.find(known)
    return (place >= 0) & public[place] & (cells.value[place] == known["n"].to_numpy())


def _touched(unknowns: _Unknowns, one: "np.ndarray", other: "np.ndarray") -> "np.ndarray":
    """Return which atoms were corrected between two editions.

    Where the tables of a measure leave its atoms open, all that may have been.
    """
    changed = unknowns.finest @ one != unknowns.finest @ other
    return (one != other) | (unknowns.finest.T @ changed.astype(int) > 0)


def _columns(rows: "sp.csr_array", columns: "np.ndarray") -> tuple["np.ndarray", "np.ndarray", int]:
    """Return row and column of each entry, columns renamed (−1: left out), and how many rows."""
    import scipy.sparse as sp

    entries = sp.coo_array(rows)
    column = columns[entries.col]
    return entries.row[column >= 0], column[column >= 0], rows.shape[0]


def _stacked(parts: Sequence[tuple["np.ndarray", "np.ndarray", int]], width: int) -> "sp.csr_array":
    import numpy as np
    import scipy.sparse as sp

    blocks = [
        sp.csr_array((np.ones(len(row), dtype=np.int64), (row, column)), shape=(count, width))
        for row, column, count in parts
    ]
    return sp.csr_array(sp.vstack(blocks))


def _differences(
    parts: Sequence[tuple["np.ndarray", "np.ndarray", int]], width: int
) -> "sp.csr_array":
    """Return one row less the other of each pair, each difference once, without empty ones."""
    import numpy as np

    rows = _stacked(parts[::2], width) - _stacked(parts[1::2], width)
    rows.eliminate_zeros()
    return rows[np.flatnonzero(np.diff(rows.indptr))]
