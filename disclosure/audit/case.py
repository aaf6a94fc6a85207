"""A release of counts as it is attacked: its equations, and what is known beside them.

What is published, what is known of parts and wholes, given totals, earlier editions (A3), other
geographies (A4): rows over the atoms, the same for every attacker. What each of them makes of it is
a matter of `attackers`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from disclosure.audit.cells import Atoms, Cells, below, incidence, join_atoms, rows_of, table_keys
from disclosure.audit.earlier import earlier_equations
from disclosure.audit.pattern import families
from disclosure.audit.system import Knowledge, has_negative

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    import scipy.sparse as sp


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
        parts: `part · x ≤ whole · x` as rows `whole − part ≥ 0`; what was the same in two editions,
            as such rows in both directions.
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
    old: "pa.Table | None" = None,
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
        old: the counts behind it that were others than today's, as `make_old` returns it.
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
        earlier = earlier_equations(cells, atoms, members, public, known, old)
        added = len(earlier.atoms.key)
        atoms = join_atoms(atoms, earlier.atoms)
        members, extra, parts = (_widen(rows, added) for rows in (members, extra, parts))
        parts = sp.csr_array(sp.vstack([parts, earlier.same, -earlier.same]))
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


def _widen(rows: "sp.csr_array", added: int) -> "sp.csr_array":
    import numpy as np
    import scipy.sparse as sp

    empty = sp.csr_array((rows.shape[0], added), dtype=np.int64)
    return sp.csr_array(sp.hstack([rows, empty]))
