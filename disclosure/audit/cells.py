"""Which cells a release publishes, and which atoms each of them consists of.

The auditor's own enumeration: keys as whole numbers, sums and incidence with NumPy and SciPy. What
is sensitive, what a pattern withholds and who attacks is no matter of this module.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from disclosure.release import TOTAL, Dimension, Measure, Release, ReleaseError

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    import scipy.sparse as sp

_LARGEST_KEY = 2**62


@dataclass(frozen=True)
class Cells:
    """All published cells of a release.

    Attributes:
        release: the release.
        measure: index of the measure of each cell, shape (cells,).
        codes: shape (cells, dimensions); 0 is `Total`, i is the i-th code of the dimension.
        key: one whole number for each cell, ascending.
        value: the sum of the known atoms of each cell; int64 for counts, float64 for magnitudes.
        at_source: whether a cell contains an atom that was withheld at its source.
        unknown: whether its number is unknown to us for that reason: nobody has delivered it.
        possible: whether any atom of the cell can exist at all.
    """

    release: Release
    measure: "np.ndarray"
    codes: "np.ndarray"
    key: "np.ndarray"
    value: "np.ndarray"
    at_source: "np.ndarray"
    unknown: "np.ndarray"
    possible: "np.ndarray"

    def names(self, rows: "Sequence[int] | np.ndarray") -> list[tuple[str, ...]]:
        """Return the keys of cells as text, in the order of `release.key_columns`."""
        table = self.key_table(rows)
        return list(zip(*(column.to_pylist() for column in table.columns), strict=True))

    def key_table(self, rows: "Sequence[int] | np.ndarray") -> "pa.Table":
        """Return the key columns of cells as text."""
        import numpy as np
        import pyarrow as pa

        chosen = np.asarray(rows, dtype=np.int64)
        columns = {}
        if "measure" in self.release.key_columns:
            names = np.array([m.name for m in self.release.measures], dtype=object)
            columns["measure"] = pa.array(names[self.measure[chosen]], pa.string())
        for position, dimension in enumerate(self.release.dimensions.values()):
            names = np.array([TOTAL, *dimension.codes], dtype=object)
            columns[dimension.name] = pa.array(names[self.codes[chosen, position]], pa.string())
        return pa.table(columns)

    def find(self, table: "pa.Table") -> "np.ndarray":
        """Return for each row of a table of keys the cell, −1 where the release has none."""
        import numpy as np

        key = table_keys(self.release, table)
        place = np.minimum(np.searchsorted(self.key, key), len(self.key) - 1)
        return np.where((key >= 0) & (self.key[place] == key), place, -1)

    def find_names(self, names: "Sequence[Sequence[str]]") -> "np.ndarray":
        """Return the cells with these keys, in the order of `release.key_columns`."""
        import pyarrow as pa

        columns = zip(self.release.key_columns, zip(*names, strict=True), strict=True)
        return self.find(pa.table({name: pa.array(list(c), pa.string()) for name, c in columns}))

    def mask(self, rows: "Sequence[int] | np.ndarray") -> "np.ndarray":
        """Return which cells are among these, shape (cells,); −1 is none."""
        import numpy as np

        chosen = np.asarray(rows, dtype=np.int64)
        mask = np.zeros(len(self.key), dtype=bool)
        mask[chosen[chosen >= 0]] = True
        return mask

    def parents(self, dimension: int) -> "np.ndarray":
        """Return for each cell the cell above it in a dimension, −1 where there is none."""
        import numpy as np

        declared = list(self.release.dimensions.values())[dimension]
        above = _ancestors(declared)[:, 1]
        code = self.codes[:, dimension]
        key = self.key + (above[code] - code) * _strides(self.release)[dimension]
        place = np.minimum(np.searchsorted(self.key, key), len(self.key) - 1)
        return np.where((code > 0) & (self.key[place] == key), place, -1)


@dataclass(frozen=True)
class Atoms:
    """The unknowns of the attack: all combinations of leaves that can hold anyone.

    Attributes:
        measure: index of the measure, shape (atoms,).
        codes: shape (atoms, dimensions), 0 in a dimension that the measure lacks.
        key: one whole number for each atom.
        truth: the true value; 0 where `unknown`.
        unknown: withheld at the source.
    """

    measure: "np.ndarray"
    codes: "np.ndarray"
    key: "np.ndarray"
    truth: "np.ndarray"
    unknown: "np.ndarray"


def enumerate_cells(release: Release) -> Cells:
    """Work out every cell that a release publishes, each once, and its true value."""
    import numpy as np

    keys = np.unique(
        np.concatenate(
            [
                _grid(release, index, table, leaves=False)
                for index, measure in enumerate(release.measures)
                for table in measure.tables
            ]
        )
    )
    measure, codes = decode(release, keys)
    listed = _listed(release)
    member, row = _members(release, listed.measure, listed.codes, keys)
    value = np.bincount(member, weights=listed.truth[row], minlength=len(keys))
    if release.kind == "freq":
        value = _exact_sums(member, listed.truth[row], len(keys))
    unknown = np.bincount(member[listed.unknown[row]], minlength=len(keys)) > 0
    possible = np.ones(len(keys), dtype=bool)
    if release.support:
        everything = _candidates(release, np.zeros(0, dtype=np.int64))
        could, _ = _members(release, *everything, keys)
        possible = np.bincount(could, minlength=len(keys)) > 0
    return Cells(release, measure, codes, keys, value, unknown, unknown, possible)


def with_given(cells: Cells, given: "pa.Table | None") -> Cells:
    """Take given totals as the numbers of their cells."""
    if given is None:
        return cells
    place = cells.find(given)
    value, unknown = cells.value.copy(), cells.unknown.copy()
    value[place[place >= 0]] = given["n"].to_numpy()[place >= 0]
    unknown[place[place >= 0]] = False
    return replace(cells, value=value, unknown=unknown)


def enumerate_atoms(cells: Cells, printed_zero: "np.ndarray") -> Atoms:
    """Work out the atoms that are not in a cell which is printed as zero.

    Args:
        cells: the published cells.
        printed_zero: whether a cell is published and 0, shape (cells,).
    """
    import numpy as np

    release = cells.release
    measure, codes = _candidates(release, cells.key[printed_zero])
    member, row = _members(release, measure, codes, cells.key)
    empty = np.bincount(row[printed_zero[member]], minlength=len(measure)) > 0
    measure, codes = measure[~empty], codes[~empty]
    key = codes @ np.array(_strides(release)) + measure * _radix(release)
    order = np.argsort(key)
    measure, codes, key = measure[order], codes[order], key[order]
    listed = _listed(release)
    place = np.minimum(np.searchsorted(key, listed.key), max(len(key) - 1, 0))
    found = key[place] == listed.key if len(key) else np.zeros(len(listed.key), dtype=bool)
    truth = np.zeros(len(key), dtype=listed.truth.dtype)
    unknown = np.zeros(len(key), dtype=bool)
    truth[place[found]] = listed.truth[found]
    unknown[place[found]] = listed.unknown[found]
    return Atoms(measure, codes, key, truth, unknown)


def incidence(cells: Cells, atoms: Atoms) -> "sp.csr_array":
    """Return which atoms each cell consists of: 0/1, shape (cells, atoms)."""
    import numpy as np
    import scipy.sparse as sp

    member, row = _members(cells.release, atoms.measure, atoms.codes, cells.key)
    shape = (len(cells.key), len(atoms.key))
    return sp.csr_array((np.ones(len(row), dtype=np.int64), (member, row)), shape=shape)


def shares(cells: Cells, atoms: Atoms) -> tuple["sp.csr_array", "sp.csr_array"]:
    """Return what each holder contributes (magnitudes): to every cell, and to every atom.

    Returns:
        Shapes (cells, holders) and (atoms, holders); holders in the order of their names.
    """
    import numpy as np
    import pyarrow as pa
    import scipy.sparse as sp

    release, index = cells.release, range(len(cells.release.measures))
    tables = [release.atoms[measure.name] for measure in release.measures]
    measure = np.repeat(index, [len(table) for table in tables])
    codes = np.concatenate([_codes(release, table) for table in tables])
    value = np.concatenate([table["value"].fill_null(0).to_numpy() for table in tables])
    names = pa.concat_arrays([table["holder"].combine_chunks() for table in tables])
    holder = np.unique(names.to_numpy(zero_copy_only=False), return_inverse=True)[1]
    width = int(holder.max()) + 1 if len(holder) else 0
    member, row = _members(release, measure, codes, cells.key)
    by_cell = sp.csr_array((value[row], (member, holder[row])), shape=(len(cells.key), width))
    key = codes @ np.array(_strides(release)) + measure * _radix(release)
    place = np.minimum(np.searchsorted(atoms.key, key), max(len(atoms.key) - 1, 0))
    found = atoms.key[place] == key if len(atoms.key) else np.zeros(len(key), dtype=bool)
    entries = (value[found], (place[found], holder[found]))
    by_atom = sp.csr_array(entries, shape=(len(atoms.key), width))
    by_cell.eliminate_zeros()
    by_atom.eliminate_zeros()
    return by_cell, by_atom


def holder_names(release: Release) -> list[str]:
    """Return all holders of a release of magnitudes, in the order of `shares`."""
    tables = [release.atoms[measure.name] for measure in release.measures]
    return sorted({name for table in tables for name in table["holder"].to_pylist()})


def rows_of(release: Release, atoms: Atoms, keys: "np.ndarray") -> "sp.csr_array":
    """Return for each key which atoms it consists of: 0/1, shape (keys, atoms).

    The keys (see `table_keys`) need not be those of cells of the release.
    """
    import numpy as np
    import scipy.sparse as sp

    if not len(keys):
        return sp.csr_array((0, len(atoms.key)), dtype=np.int64)
    order = np.argsort(keys, kind="stable")
    names = np.array(list(release.dimensions), dtype=object)
    measure, codes = decode(release, keys)
    tables = []
    for index in range(len(release.measures)):
        shapes = np.unique(codes[measure == index] > 0, axis=0)
        tables.append([tuple(names[used]) for used in shapes])
    member, row = _members(release, atoms.measure, atoms.codes, keys[order], tables)
    shape = (len(keys), len(atoms.key))
    return sp.csr_array((np.ones(len(row), dtype=np.int64), (order[member], row)), shape=shape)


def as_atoms(release: Release, keys: "np.ndarray") -> Atoms:
    """Take cells as atoms of their own, which are zero today."""
    import numpy as np

    measure, codes = decode(release, keys)
    nothing = np.zeros(len(keys), dtype=np.int64)
    return Atoms(measure, codes, keys, nothing, nothing.astype(bool))


def join_atoms(atoms: Atoms, more: Atoms) -> Atoms:
    """Put atoms beside each other."""
    import numpy as np

    return Atoms(
        np.concatenate([atoms.measure, more.measure]),
        np.concatenate([atoms.codes, more.codes]),
        np.concatenate([atoms.key, more.key]),
        np.concatenate([atoms.truth, more.truth]),
        np.concatenate([atoms.unknown, more.unknown]),
    )


def finest_keys(release: Release, measures: "Sequence[int] | np.ndarray") -> "np.ndarray":
    """Return the keys of the finest cells of those measures of which no table has all dimensions.

    Args:
        release: the release.
        measures: the measures to look at, by number.
    """
    import numpy as np

    keys = [np.zeros(0, dtype=np.int64)]
    for index in measures:
        measure = release.measures[index]
        tables = [set(table) for table in measure.tables]
        if set(measure.dims) not in tables:
            largest = [t for t in measure.tables if not any(set(t) < other for other in tables)]
            keys += [_grid(release, index, table, leaves=True) for table in largest]
    return np.unique(np.concatenate(keys))


def common(release: Release, keys: "np.ndarray", others: "np.ndarray") -> "np.ndarray":
    """Return the key of what two cells have in common, −1 where they have nothing."""
    import numpy as np

    measure, codes = decode(release, keys)
    other_measure, other = decode(release, others)
    none = measure != other_measure
    for position, dimension in enumerate(release.dimensions.values()):
        above = _ancestors(dimension)
        own, its = codes[:, position].copy(), other[:, position]
        inside = (above[its] == own[:, None]).any(axis=1)
        none |= ~inside & ~(above[own] == its[:, None]).any(axis=1)
        codes[:, position] = np.where(inside, its, own)
    key = codes @ np.array(_strides(release)) + measure * _radix(release)
    return np.where(none, -1, key)


def below(dimension: Dimension, codes: Sequence[str]) -> "np.ndarray":
    """Return which codes (by number, 0 is `Total`) are one of `codes` or lie below one."""
    import numpy as np

    wanted = [number for number, code in enumerate((TOTAL, *dimension.codes)) if code in codes]
    return np.isin(_ancestors(dimension), wanted).any(axis=1)


def table_keys(release: Release, table: "pa.Table") -> "np.ndarray":
    """Return the whole-number key of each row of a table of keys, −1 where a code is unknown."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    codes = _codes(release, table)
    measure = np.zeros(len(table), dtype=np.int64)
    if "measure" in release.key_columns:
        names = pa.array([m.name for m in release.measures], pa.string())
        found = pc.index_in(table["measure"].cast(pa.string()), value_set=names)
        measure = found.fill_null(-1).to_numpy().astype(np.int64)
    key = codes @ np.array(_strides(release)) + measure * _radix(release)
    return np.where((codes < 0).any(axis=1) | (measure < 0), -1, key)


def _codes(release: Release, table: "pa.Table") -> "np.ndarray":
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    codes = np.zeros((len(table), len(release.dimensions)), dtype=np.int64)
    for position, dimension in enumerate(release.dimensions.values()):
        if dimension.name not in table.column_names:
            continue
        names = pa.array([TOTAL, *dimension.codes], pa.string())
        column = table[dimension.name].cast(pa.string()).fill_null(TOTAL)
        codes[:, position] = pc.index_in(column, value_set=names).fill_null(-1).to_numpy()
    return codes


@dataclass(frozen=True)
class _Listed:
    measure: "np.ndarray"
    codes: "np.ndarray"
    key: "np.ndarray"
    truth: "np.ndarray"
    unknown: "np.ndarray"


def _listed(release: Release) -> _Listed:
    """Return the atoms that the cells name, each once: holders are added up."""
    import numpy as np

    parts = []
    for index, measure in enumerate(release.measures):
        table = release.atoms[measure.name]
        column = table[release.number_column]
        codes = _codes(release, table)
        kind = np.int64 if release.kind == "freq" else np.float64
        truth = column.fill_null(0).to_numpy().astype(kind)
        unknown = column.is_null().to_numpy()
        parts.append((np.full(len(table), index, dtype=np.int64), codes, truth, unknown))
    measure, codes, truth, unknown = (np.concatenate(column) for column in zip(*parts, strict=True))
    key = codes @ np.array(_strides(release)) + measure * _radix(release)
    unique, first, group = np.unique(key, return_index=True, return_inverse=True)
    added = np.zeros(len(unique), dtype=truth.dtype)
    np.add.at(added, group, truth)
    empty = np.bincount(group[unknown], minlength=len(unique)) > 0
    return _Listed(measure[first], codes[first], unique, added, empty)


def _exact_sums(place: "np.ndarray", numbers: "np.ndarray", length: int) -> "np.ndarray":
    import numpy as np

    sums = np.zeros(length, dtype=np.int64)
    np.add.at(sums, place, numbers)
    return sums


def _radix(release: Release) -> int:
    """Return how many keys one measure may take."""
    product = 1
    for dimension in release.dimensions.values():
        product *= len(dimension.codes) + 1
    if product * len(release.measures) > _LARGEST_KEY:
        raise ReleaseError(
            f"release {release.name}: its dimensions have too many combinations to be numbered; "
            "split it into releases that share no dimension"
        )
    return product


def _strides(release: Release) -> list[int]:
    strides, product = [], _radix(release)
    for dimension in release.dimensions.values():
        product //= len(dimension.codes) + 1
        strides.append(product)
    return strides


def decode(release: Release, keys: "np.ndarray") -> tuple["np.ndarray", "np.ndarray"]:
    """Return measure and codes of whole-number keys."""
    import numpy as np

    measure, rest = np.divmod(keys, _radix(release))
    codes = np.zeros((len(keys), len(release.dimensions)), dtype=np.int64)
    for position, stride in enumerate(_strides(release)):
        codes[:, position], rest = np.divmod(rest, stride)
    return measure, codes


def _ancestors(dimension: Dimension) -> "np.ndarray":
    """Return for each code (by number) itself, its parent, …, `Total`, then −1.

    Shape (codes + 1, depth); two columns at least.
    """
    import numpy as np

    number = {code: place for place, code in enumerate((TOTAL, *dimension.codes))}
    paths = [[0], *([number[c] for c in dimension.path(code)] for code in dimension.codes)]
    table = np.full((len(paths), max(2, *map(len, paths))), -1, dtype=np.int64)
    for row, path in enumerate(paths):
        table[row, : len(path)] = path
    return table


def _leaf_numbers(dimension: Dimension) -> "np.ndarray":
    import numpy as np

    leaves = set(dimension.leaves)
    return np.array([n for n, code in enumerate(dimension.codes, start=1) if code in leaves])


def _grid(release: Release, measure: int, table: Sequence[str], *, leaves: bool) -> "np.ndarray":
    """Return the keys of a table's cells: of all of them, or of its finest."""
    import numpy as np

    keys = np.array([measure * _radix(release)], dtype=np.int64)
    strides = _strides(release)
    for position, dimension in enumerate(release.dimensions.values()):
        if dimension.name in table:
            codes = _leaf_numbers(dimension) if leaves else np.arange(len(dimension.codes) + 1)
            keys = (keys[:, None] + codes[None, :] * strides[position]).ravel()
    return keys


def _candidates(release: Release, zeros: "np.ndarray") -> tuple["np.ndarray", "np.ndarray"]:
    """Return measure and codes of all atoms that can exist.

    Tables are joined one after the other, so that the whole crossing is never built where a
    printed zero or the support rules most of it out.

    Args:
        release: the release.
        zeros: sorted keys of cells that are printed as zero.
    """
    import numpy as np

    measures, codes = [], []
    for index, measure in enumerate(release.measures):
        own = _candidates_of(release, index, measure, zeros)
        measures.append(np.full(len(own), index, dtype=np.int64))
        codes.append(decode(release, own)[1])
    return np.concatenate(measures), np.concatenate(codes)


def _candidates_of(
    release: Release, index: int, measure: Measure, zeros: "np.ndarray"
) -> "np.ndarray":
    import numpy as np

    strides = dict(zip(release.dimensions, _strides(release), strict=True))
    existing = release.existing(measure.name)
    keys, joined = np.array([index * _radix(release)], dtype=np.int64), set()
    for table in sorted(measure.tables, key=len, reverse=True):
        for name in table:
            if name in joined:
                continue
            leaves = _leaf_numbers(release.dimensions[name]) * strides[name]
            keys = (keys[:, None] + leaves[None, :]).ravel()
            joined.add(name)
            for support in existing:
                if set(support.column_names) <= joined and name in support.column_names:
                    keys = keys[_projected(release, keys, support.column_names, support)]
        codes = decode(release, keys)[1]
        finest = index * _radix(release) + sum(
            codes[:, place] * strides[name]
            for place, name in enumerate(release.dimensions)
            if name in table
        )
        keys = keys[~np.isin(finest, zeros)]
    return keys


def _projected(
    release: Release, keys: "np.ndarray", names: Sequence[str], support: "pa.Table"
) -> "np.ndarray":
    """Return which keys have a combination of dimensions that exists."""
    import numpy as np

    places = [list(release.dimensions).index(name) for name in names]
    strides = np.array(_strides(release))[places]
    exists = _codes(release, support)[:, places] @ strides
    return np.isin(decode(release, keys)[1][:, places] @ strides, exists)


def _members(
    release: Release,
    measure: "np.ndarray",
    codes: "np.ndarray",
    keys: "np.ndarray",
    tables: "Sequence[Sequence[Sequence[str]]] | None" = None,
) -> tuple["np.ndarray", "np.ndarray"]:
    """Return all pairs (cell, atom) in which the atom lies in the cell, each once.

    Args:
        release: the release.
        measure: measures of the atoms.
        codes: codes of the atoms, shape (atoms, dimensions).
        keys: sorted keys of the cells.
        tables: for each measure the dimensions that its cells may have; those of its tables.
    """
    import numpy as np

    strides = _strides(release)
    above = [_ancestors(dimension) for dimension in release.dimensions.values()]
    found = []
    for index, declared in enumerate(release.measures):
        rows = np.flatnonzero(measure == index)
        for table in declared.tables if tables is None else tables[index]:
            key = np.full(len(rows), index * _radix(release), dtype=np.int64)
            atom = rows
            for position, name in enumerate(release.dimensions):
                if name in table:
                    up = above[position][codes[atom, position]]
                    there = up >= 0
                    key = (key[:, None] + up * strides[position])[there]
                    atom = np.broadcast_to(atom[:, None], up.shape)[there]
            place = np.minimum(np.searchsorted(keys, key), len(keys) - 1)
            there = keys[place] == key
            found.append(place[there] * max(len(measure), 1) + atom[there])
    pairs = np.concatenate(found) if found else np.zeros(0, dtype=np.int64)
    if len(found) > 1:
        pairs = np.unique(pairs)
    return np.divmod(pairs, max(len(measure), 1))
