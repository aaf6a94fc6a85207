"""What earlier editions add to an attacker's knowledge (A3): equations over today's atoms.

An edition's atoms are today's, except those that were corrected since; the attacker is taken to
know which. Where the counts behind an edition are at hand, `versions` tells. Here is what can be
concluded without them: corrected were those of the finest cells whose numbers differ. Their earlier
counts are unknowns of their own, which consecutive editions share that do not differ on them. Who
attacks is no matter of this module.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from disclosure.audit.cells import Atoms, Cells, as_atoms, common, join_atoms, rows_of, table_keys
from disclosure.audit.solver import Infeasible, Model
from disclosure.audit.versions import Earlier, adds_up, version_equations

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    import scipy.sparse as sp


_DEAR = 1000


@dataclass(frozen=True)
class _Edition:
    """One edition: its keys, their numbers, and how they stand to today's; shape (keys,).

    Attributes:
        key: as `table_keys` numbers them.
        place: the cell of today, −1 where there is none.
        number: what was published.
        told: published today with the same number.
        blind: holds what is unknown to us.
        changed: has another number today.
        finest: keys of the finest cells below which counts were corrected since.
    """

    key: "np.ndarray"
    place: "np.ndarray"
    number: "np.ndarray"
    told: "np.ndarray"
    blind: "np.ndarray"
    changed: "np.ndarray"
    finest: "np.ndarray"


def earlier_equations(
    cells: Cells,
    atoms: Atoms,
    members: "sp.csr_array",
    public: "np.ndarray",
    known: "pa.Table",
    old: "pa.Table | None" = None,
) -> Earlier:
    """Return what earlier editions say beyond today's.

    Args:
        cells: the published cells of today.
        atoms: what they consist of.
        members: cells × atoms.
        public: cells whose number everybody knows today.
        known: as `make_known` returns it.
        old: as `make_old` returns it; without it, and where it does not add up to what was told,
            what was corrected is concluded from what was told.

    Raises:
        Infeasible: an edition contradicts itself.
    """
    import pyarrow as pa

    if old is None:
        return _concluded(cells, atoms, members, public, known)
    whole = adds_up(cells, atoms, known, old)
    found = []
    if whole.any():
        found.append(version_equations(cells, atoms, public, known.filter(pa.array(whole)), old))
    if not whole.all():
        rest = known.filter(pa.array(~whole))
        found.append(_concluded(cells, atoms, members, public, rest))
    return found[0] if len(found) == 1 else _beside(len(atoms.key), *found)


def _beside(own: int, one: Earlier, other: Earlier) -> Earlier:
    """Put equations together that share today's atoms only."""
    import numpy as np
    import scipy.sparse as sp

    def both(name: str) -> "sp.csr_array":
        first, second = getattr(one, name), getattr(other, name)
        blocks = [[first[:, :own], first[:, own:], None], [second[:, :own], None, second[:, own:]]]
        return sp.csr_array(sp.block_array(blocks))

    return Earlier(
        both("rows"),
        np.concatenate([one.right, other.right]),
        both("same"),
        join_atoms(one.atoms, other.atoms),
    )


def _concluded(
    cells: Cells, atoms: Atoms, members: "sp.csr_array", public: "np.ndarray", known: "pa.Table"
) -> Earlier:
    """Return what editions say, and conclude from it what was corrected."""
    import numpy as np
    import pyarrow.compute as pc
    import scipy.sparse as sp

    names = sorted(pc.unique(known["edition"]).to_pylist(), reverse=True)
    parts = [known.filter(pc.equal(known["edition"], name)) for name in names]
    editions = _with_finest(cells, atoms, [_read(cells, atoms, public, part) for part in parts])
    apart = editions[0].finest[:0]
    while True:
        rows, said, owner = _equations(cells, atoms, members, editions, apart)
        right = np.concatenate([e.number[own] for e, own in zip(editions, said, strict=True)])
        blind = np.concatenate([e.blind[own] for e, own in zip(editions, said, strict=True)])
        freed = np.concatenate(
            [np.isin(e.key[own], e.finest) for e, own in zip(editions, said, strict=True)]
        )
        truth, unmet = _fit(rows, right, blind, freed, atoms)
        if not unmet.any():
            counts = as_atoms(cells.release, owner)
            unknown = np.full(len(truth), atoms.unknown.any())
            # What they were is not known to us, so no municipality can be let know it.
            counts = replace(
                counts,
                codes=np.zeros_like(counts.codes),
                key=np.full(len(truth), -1),
                truth=truth,
                unknown=unknown,
            )
            return Earlier(rows, right, sp.csr_array((0, rows.shape[1]), dtype=np.int64), counts)
        more = _torn(cells, atoms, editions, said, unmet)
        if np.isin(more, apart).all():  # others contradict these: nothing is shared any more
            more = np.unique(np.concatenate([edition.finest for edition in editions]))
        if np.isin(more, apart).all():
            editions = _widen(cells, editions, said, unmet & ~freed)
        apart = np.union1d(apart, more)


def _torn(
    cells: Cells,
    atoms: Atoms,
    editions: Sequence[_Edition],
    said: "Sequence[np.ndarray]",
    unmet: "np.ndarray",
) -> "np.ndarray":
    """Return the corrected keys in or across unmet rows: editions do not agree on all of them."""
    import numpy as np

    finest = np.unique(np.concatenate([edition.finest for edition in editions]))
    edge = np.cumsum([0, *map(len, said)])
    rows = np.unique(
        np.concatenate(
            [
                edition.key[own[unmet[edge[number] : edge[number + 1]]]]
                for number, (edition, own) in enumerate(zip(editions, said, strict=True))
            ]
        )
    )
    below = _below(cells, atoms, rows).astype(np.int64)
    inside = rows_of(cells.release, atoms, finest) @ below > 0
    loose = rows_of(cells.release, as_atoms(cells.release, finest), rows)
    return finest[inside | (loose.sum(axis=0) > 0)]


def _read(cells: Cells, atoms: Atoms, public: "np.ndarray", table: "pa.Table") -> _Edition:
    import numpy as np

    key, place = table_keys(cells.release, table), cells.find(table)
    number, there = table["n"].to_numpy().astype(np.int64), place >= 0
    today = np.where(there, cells.value[place], 0)
    blind = there & cells.unknown[place]
    if (other := np.flatnonzero(~there)).size:
        rows = rows_of(cells.release, atoms, key[other])
        today[other] = rows @ atoms.truth
        blind[other] = rows @ atoms.unknown.astype(np.int64) > 0
    return _Edition(
        key=key,
        place=place,
        number=number,
        told=there & public[place] & (today == number),
        blind=blind,
        changed=(today != number) & ~blind,
        finest=key[:0],
    )


def _with_finest(cells: Cells, atoms: Atoms, editions: Sequence[_Edition]) -> list[_Edition]:
    """Find out what was corrected since each edition.

    A changed number is put down to the finest cells below it that any edition shows to be changed,
    unless the edition itself shows them as they are today.
    """
    import numpy as np

    every = np.unique(np.concatenate([edition.key[edition.changed] for edition in editions]))
    loose = as_atoms(cells.release, every)
    result = []
    for edition in editions:
        below = rows_of(cells.release, loose, edition.key[edition.changed])
        inside = np.bincount(below.indices, minlength=len(every)) > 0
        inside &= ~np.isin(every, edition.key[~edition.changed & ~edition.blind])
        result.append(replace(edition, finest=_finest(cells, atoms, every[inside])))
    return result


def _finest(cells: Cells, atoms: Atoms, keys: "np.ndarray") -> "np.ndarray":
    """Return the keys that neither hold nor cross a finer one."""
    import numpy as np
    import scipy.sparse as sp

    if not len(keys):
        return keys
    own = rows_of(cells.release, as_atoms(cells.release, keys), keys)
    holds = sp.csr_array(sp.hstack([rows_of(cells.release, atoms, keys), own]))
    taken = np.zeros(holds.shape[1], dtype=bool)
    finest = []
    for row in np.argsort(np.diff(holds.indptr), kind="stable"):
        inside = holds.indices[holds.indptr[row] : holds.indptr[row + 1]]
        if not taken[inside].any():
            taken[inside] = True
            finest.append(row)
    return np.sort(keys[finest])


def _equations(
    cells: Cells,
    atoms: Atoms,
    members: "sp.csr_array",
    editions: Sequence[_Edition],
    apart: "np.ndarray",
) -> tuple["sp.csr_array", "list[np.ndarray]", "np.ndarray"]:
    """Return the rows of all editions, for each edition which of its keys they are, and whose
    counts the earlier ones are, as keys.

    Consecutive editions share what they do not differ on, but for what lies in `apart`.
    """
    import numpy as np
    import scipy.sparse as sp

    today = np.arange(len(atoms.key))
    count, newer = len(today), None
    entries, said, owner = [], [], [today[:0]]
    for edition in editions:
        loose = as_atoms(cells.release, edition.finest)
        version, gone = today.copy(), np.full(len(loose.key), -1)
        if newer is not None:
            differ = np.union1d(_differing(cells, atoms, edition, newer[0]), apart)
            kept = _below(cells, atoms, edition.finest) & ~_below(cells, atoms, differ)
            version = np.where(kept, newer[1], today)
            _, here, there = np.intersect1d(loose.key, newer[0].finest, return_indices=True)
            kept = ~_below(cells, loose, differ)[here]
            gone[here[kept]] = newer[2][there[kept]]
        new = np.flatnonzero(_below(cells, atoms, edition.finest) & (version < len(today)))
        version[new] = count + np.arange(len(new))
        owner.append(atoms.key[new])
        count += len(new)
        new = np.flatnonzero(gone < 0)
        gone[new] = count + np.arange(len(new))
        owner.append(loose.key[new])
        count += len(new)
        own = np.flatnonzero(_needed(cells, members, edition, version >= len(today), loose))
        first = sum(map(len, said))
        for columns, unknowns in ((version, atoms), (gone, loose)):
            entry = rows_of(cells.release, unknowns, edition.key[own]).tocoo()
            entries.append((entry.row + first, columns[entry.col]))
        said.append(own)
        newer = (edition, version, gone)
    row, column = (np.concatenate(part) for part in zip(*entries, strict=True))
    ones = np.ones(len(row), dtype=np.int64)
    rows = sp.csr_array((ones, (row, column)), shape=(sum(map(len, said)), count))
    return rows, said, np.concatenate(owner)


def _needed(
    cells: Cells,
    members: "sp.csr_array",
    edition: _Edition,
    corrected: "np.ndarray",
    loose: Atoms,
) -> "np.ndarray":
    """Return which rows are not said today as well: other numbers, or over corrected atoms."""
    import numpy as np

    needed = ~edition.told
    if edition.finest.size:
        touched = members @ corrected.astype(np.int64) > 0
        needed |= (edition.place >= 0) & touched[edition.place]
        needed |= np.diff(rows_of(cells.release, loose, edition.key).indptr) > 0
    return needed


def _differing(cells: Cells, atoms: Atoms, edition: _Edition, newer: _Edition) -> "np.ndarray":
    """Return the finest keys on whose numbers two editions differ."""
    import numpy as np

    _, own, other = np.intersect1d(edition.key, newer.key, return_indices=True)
    differ = own[edition.number[own] != newer.number[other]]
    return _finest(cells, atoms, edition.key[differ])


def _below(cells: Cells, atoms: Atoms, keys: "np.ndarray") -> "np.ndarray":
    """Return which atoms lie in one of some cells."""
    import numpy as np

    mask = np.zeros(len(atoms.key), dtype=bool)
    if len(keys):
        mask[rows_of(cells.release, atoms, keys).indices] = True
    return mask


def _fit(
    rows: "sp.csr_array",
    right: "np.ndarray",
    blind: "np.ndarray",
    freed: "np.ndarray",
    atoms: Atoms,
) -> tuple["np.ndarray", "np.ndarray"]:
    """Look for earlier counts that fit; where there are none, name the rows that are not met.

    Args:
        rows: the equations.
        right: their right sides.
        blind: which hold atoms that are unknown to us; they are left out.
        freed: which are to be met first, for all below them is free already.
        atoms: today's.

    Returns:
        Whole numbers, and for each row whether it is not met.
    """
    import numpy as np
    import scipy.sparse as sp

    own = len(atoms.key)
    added = rows.shape[1] - own
    rest = right - rows[:, :own] @ atoms.truth
    old = rows[:, own:]
    used = np.diff(old.indptr) > 0
    unmet = ~used & ~blind & (rest != 0)
    chosen = np.flatnonzero(used & ~blind)
    if not chosen.size:
        return np.zeros(added, dtype=np.int64), unmet
    slack = sp.eye_array(len(chosen), format="csr", dtype=np.int64)
    columns = added + 2 * len(chosen)
    model = Model(
        sp.csr_array(sp.hstack([old[chosen], slack, -slack])),
        rest[chosen],
        rest[chosen],
        np.zeros(columns),
        np.full(columns, np.inf),
        whole=np.arange(columns) < added,
    )
    price = np.where(freed[chosen], _DEAR, 1)
    model.set_cost(-np.concatenate([np.zeros(added), price, price]))
    best = np.rint(model.maximise()).astype(np.int64)
    unmet[chosen[best[added:].reshape(2, -1).sum(axis=0) > 0]] = True
    return best[:added], unmet


def _widen(
    cells: Cells, editions: Sequence[_Edition], said: "Sequence[np.ndarray]", unmet: "np.ndarray"
) -> list[_Edition]:
    """Take what lies below unmet rows as corrected, too: a withheld neighbour was.

    Raises:
        Infeasible: there are no such rows.
    """
    import numpy as np

    if not unmet.any():
        raise Infeasible("earlier editions contradict themselves")
    edge = np.cumsum([0, *map(len, said)])
    widened = []
    for number, edition in enumerate(editions):
        rows = said[number][unmet[edge[number] : edge[number + 1]]]
        finest = _crossed(cells, np.union1d(edition.finest, edition.key[rows]))
        widened.append(replace(edition, finest=finest))
    return widened


def _crossed(cells: Cells, keys: "np.ndarray") -> "np.ndarray":
    """Add to some cells those in which two of them cross, so that nobody is counted twice."""
    import numpy as np

    while True:
        found = [keys]
        for one in keys:
            found.append(common(cells.release, np.full(len(keys), one), keys))
        every = np.unique(np.concatenate(found))
        every = every[every >= 0]
        if len(every) == len(keys):
            return keys
        keys = every
