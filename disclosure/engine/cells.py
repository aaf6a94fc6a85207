"""Which cells a release publishes, and which of the finest cells (atoms) they add up.

The engine's own enumeration: keys, counts and incidence as arrays. Nothing about what is sensitive
or withheld belongs here, and nothing of it is shared with the auditor.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from disclosure.release import TOTAL, Dimension, Measure, Release, ReleaseError

if TYPE_CHECKING:
    import pyarrow as pa
    from scipy import sparse

_MOST_ATOMS = 20_000_000
_UNITS = 1_000_000


@dataclass(frozen=True)
class Axis:
    """A dimension as numbers: 0 is `Total`, the codes follow in the order of the release.

    Attributes:
        parent: parent of each number; that of `Total` is -1.
        levels: one row for each number: its codes from `Total` down to itself, then -1.
    """

    dimension: Dimension
    number: dict[str, int]
    parent: np.ndarray
    levels: np.ndarray

    @classmethod
    def of(cls, dimension: Dimension) -> "Axis":
        """Number the codes of a dimension."""
        number = {TOTAL: 0, **{code: i + 1 for i, code in enumerate(dimension.codes)}}
        paths = [[0], *([number[c] for c in dimension.path(x)][::-1] for x in dimension.codes)]
        levels = np.full((len(paths), max(len(path) for path in paths)), -1)
        for row, path in zip(levels, paths, strict=True):
            row[: len(path)] = path
        parent = np.array([-1, *(number[p] for p in dimension.parents)])
        return cls(dimension, number, parent, levels)

    @property
    def size(self) -> int:
        """How many codes there are, with `Total`."""
        return len(self.parent)

    @cached_property
    def leaves(self) -> np.ndarray:
        """The numbers that are nobody's parent."""
        return np.array([self.number[code] for code in self.dimension.leaves])

    def below(self, number: int) -> np.ndarray:
        """Return for each number whether it is the given one or lies below it."""
        return (self.levels == number).any(axis=1)

    def among(self, codes: Sequence[str]) -> np.ndarray:
        """Return for each number whether its code is one of the given."""
        mask = np.zeros(self.size, bool)
        mask[[self.number[code] for code in codes]] = True
        return mask

    @property
    def names(self) -> np.ndarray:
        """The code of each number."""
        return np.array([TOTAL, *self.dimension.codes], dtype=object)


@dataclass(frozen=True)
class Grid:
    """How keys of cells are written as one whole number (mixed radix, the measure on top)."""

    release: Release
    axes: tuple[Axis, ...]
    radix: tuple[int, ...]

    @cached_property
    def unit(self) -> float:
        """What a magnitude is a whole-number multiple of in all programs; 1 for counts.

        A millionth of the greatest total: finer than the solver's tolerance nothing is certain.
        """
        if self.release.kind == "freq":
            return 1.0
        tables = self.release.atoms.values()
        totals = [np.nansum(table["value"].to_numpy()) for table in tables]
        return max(*totals, 1e-9) / _UNITS

    @classmethod
    def of(cls, release: Release) -> "Grid":
        """Number all dimensions of a release.

        Raises:
            ReleaseError: there are more possible keys than a 64-bit number can tell apart.
        """
        axes = tuple(Axis.of(dimension) for dimension in release.dimensions.values())
        radix, step = [], 1
        for axis in axes:
            radix.append(step)
            step *= axis.size
        if step * len(release.measures) >= 2**62:
            raise ReleaseError(f"release {release.name}: {step} possible keys are too many")
        return cls(release, axes, (*radix, step))

    def positions(self, names: Iterable[str]) -> list[int]:
        """Return the positions of dimensions."""
        order = list(self.release.dimensions)
        return [order.index(name) for name in names]

    def digit(self, keys: np.ndarray, position: int) -> np.ndarray:
        """Return the code numbers of one dimension."""
        return keys // self.radix[position] % self.axes[position].size

    def base_of(self, measure: Measure) -> int:
        """Return the key of the measure's grand total."""
        return self.release.measures.index(measure) * self.radix[-1]

    def measure_of(self, keys: np.ndarray) -> np.ndarray:
        """Return the position of the measure of each key."""
        return keys // self.radix[-1]

    def read(self, table: "pa.Table", dims: Sequence[str]) -> np.ndarray:
        """Return code numbers of a table of texts: rows × dims."""
        columns = []
        for position, name in zip(self.positions(dims), dims, strict=True):
            encoded = table[name].combine_chunks().dictionary_encode()
            number = self.axes[position].number
            codes = np.array([number[code] for code in encoded.dictionary.to_pylist()])
            columns.append(codes[encoded.indices.to_numpy()] if len(codes) else np.empty(0, int))
        return np.stack(columns, axis=1) if columns else np.empty((len(table), 0), int)

    def keys_of(self, table: "pa.Table") -> np.ndarray:
        """Return the keys of a table that `make_keys` checked."""
        dims = list(self.release.dimensions)
        keys = self.read(table, dims) @ np.array(self.radix[:-1])
        if "measure" in table.column_names:
            order = {measure.name: i for i, measure in enumerate(self.release.measures)}
            numbers = [order[name] for name in table["measure"].to_pylist()]
            keys = keys + np.array(numbers, dtype=np.int64) * self.radix[-1]
        return keys

    def columns(self, keys: np.ndarray) -> dict[str, np.ndarray]:
        """Return the key columns as text, by name."""
        columns = {}
        if "measure" in self.release.key_columns:
            names = np.array([measure.name for measure in self.release.measures], dtype=object)
            columns["measure"] = names[self.measure_of(keys)]
        for position, axis in enumerate(self.axes):
            columns[axis.dimension.name] = axis.names[self.digit(keys, position)]
        return columns

    def names(self, keys: np.ndarray) -> list[dict[str, str]]:
        """Return keys as a reader of evidence wants them."""
        columns = self.columns(keys)
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]

    def upwards(self, leaves: np.ndarray, positions: Sequence[int]):
        """Yield, for each choice of levels, the keys above rows of leaves and which rows have one.

        Args:
            leaves: code numbers, rows × positions.
            positions: the dimensions that vary; all others stay at `Total`.
        """
        levels = [self.axes[p].levels[leaves[:, i]] for i, p in enumerate(positions)]
        for choice in product(*(range(level.shape[1]) for level in levels)):
            chosen = [level[:, depth] for level, depth in zip(levels, choice, strict=True)]
            valid = np.ones(len(leaves), bool)
            keys = np.zeros(len(leaves), np.int64)
            for codes, position in zip(chosen, positions, strict=True):
                valid &= codes >= 0
                keys += codes * self.radix[position]
            rows = np.flatnonzero(valid)
            yield keys[rows], rows


@dataclass(frozen=True)
class Cells:
    """The published cells of one measure and the atoms that may be above zero.

    Attributes:
        measure: the measure.
        keys: the keys of all cells that can exist, ascending.
        total: the sum of the known atoms of each cell.
        unknown: whether an atom of the cell is unknown.
        atoms: the keys of the atoms that may be above zero.
        atom_total: the value of each of them (0 where unknown).
        atom_unknown: whether it is unknown.
        incidence: cells × atoms, 0 or 1.
        hidden: whether the atoms are no cells of a table themselves.
        shown: the number that a table would print for each cell.
    """

    measure: Measure
    keys: np.ndarray
    total: np.ndarray
    unknown: np.ndarray
    atoms: np.ndarray
    atom_total: np.ndarray
    atom_unknown: np.ndarray
    incidence: "sparse.csr_array"
    hidden: bool
    shown: np.ndarray


def list_cells(grid: Grid, measure: Measure, zeros: np.ndarray, extra: np.ndarray) -> Cells:
    """Enumerate the cells of a measure.

    Args:
        grid: the keys.
        measure: the measure.
        zeros: keys of cells that are withheld though they may be zero.
        extra: keys of further cells that somebody knows.
    """
    printed, listed, unknown = _listed_atoms(grid, measure)
    values = _in_units(grid, printed)
    combinations = _existing(grid, measure)
    keys = np.union1d(_published(grid, measure, combinations), extra)
    positive = listed[(values > 0) | unknown]
    hidden = not any(set(table) == set(measure.dims) for table in measure.tables)
    atoms = _joined(grid, measure, positive, combinations) if hidden else positive
    wide = _below(grid, measure, zeros, combinations)
    atoms = np.union1d(atoms, wide)
    base = grid.base_of(measure)
    incidence = _incidence(grid, measure, keys, atoms - base)
    place = np.searchsorted(atoms, listed)
    place[place == len(atoms)] = 0
    found = np.flatnonzero(atoms[place] == listed) if len(atoms) else np.empty(0, int)
    atom_total, atom_shown = np.zeros(len(atoms), np.int64), np.zeros(len(atoms), printed.dtype)
    atom_total[place[found]], atom_shown[place[found]] = values[found], printed[found]
    atom_unknown = np.zeros(len(atoms), bool)
    atom_unknown[place[found]] = unknown[found]
    return Cells(
        measure,
        keys,
        incidence @ atom_total,
        incidence @ atom_unknown.astype(np.int64) > 0,
        atoms,
        atom_total,
        atom_unknown,
        incidence,
        hidden,
        incidence.astype(printed.dtype) @ atom_shown,
    )


def _in_units(grid: Grid, values: np.ndarray) -> np.ndarray:
    """Return magnitudes as whole numbers of the unit, at least 1 where there is anything."""
    if grid.release.kind == "freq":
        return values
    whole = np.rint(values / grid.unit).astype(np.int64)
    return np.where(values > 0, np.maximum(whole, 1), 0)


def _listed_atoms(grid: Grid, measure: Measure) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    table = grid.release.atoms[measure.name]
    number = grid.release.number_column
    if grid.release.kind == "magnitude":
        dims = list(measure.dims)
        table = table.group_by(dims, use_threads=False).aggregate([(number, "sum")])
        table = table.rename_columns([*dims, number])
    column = table[number].combine_chunks()
    unknown = np.asarray(column.is_null())
    values = column.fill_null(0).to_numpy(zero_copy_only=False)
    radix = np.array([grid.radix[p] for p in grid.positions(measure.dims)], dtype=np.int64)
    keys = grid.read(table, measure.dims) @ radix + grid.base_of(measure)
    order = np.argsort(keys)
    return values[order], keys[order], unknown[order]


def _existing(grid: Grid, measure: Measure) -> "list[tuple[list[int], pa.Table]]":
    """Return what may exist, entries of `support` that share a dimension joined into one."""
    tables = []
    for table in grid.release.existing(measure.name):
        joined = table
        for other in [t for t in tables if set(t.column_names) & set(joined.column_names)]:
            tables = [t for t in tables if t is not other]
            shared = [name for name in joined.column_names if name in other.column_names]
            joined = joined.join(other, keys=shared, join_type="inner", use_threads=False)
        tables.append(joined)
    return [(grid.positions(table.column_names), table) for table in tables]


def _published(grid: Grid, measure: Measure, combinations: list) -> np.ndarray:
    keys = np.empty(0, np.int64)
    for table in measure.tables:
        one = np.zeros(1, np.int64)
        for position in grid.positions(table):
            codes = np.arange(grid.axes[position].size) * grid.radix[position]
            one = (one[:, None] + codes[None, :]).ravel()
        keys = np.union1d(keys, one)
    for positions, table in combinations:
        leaves = grid.read(table, table.column_names)
        possible = np.unique(np.concatenate([k for k, _ in grid.upwards(leaves, positions)]))
        projected = sum(grid.digit(keys, p) * grid.radix[p] for p in positions)
        keys = keys[np.isin(projected, possible)]
    return keys + grid.base_of(measure)


def _joined(grid: Grid, measure: Measure, positive: np.ndarray, combinations: list) -> np.ndarray:
    """Return the atoms whose cell is above zero in every table: the natural join of the tables."""
    parts = []
    for table in measure.tables:
        positions = grid.positions(table)
        parts.append((positions, np.unique(_projected(grid, positive, positions))))
    for positions, table in combinations:
        leaves = grid.read(table, table.column_names)
        radix = np.array([grid.radix[p] for p in positions], dtype=np.int64)
        parts.append((positions, np.unique(leaves @ radix)))
    return _natural_join(grid, measure, parts) + grid.base_of(measure)


def _projected(grid: Grid, keys: np.ndarray, positions: Sequence[int]) -> np.ndarray:
    projected = np.zeros(len(keys), np.int64)
    for position in positions:
        projected += grid.digit(keys, position) * grid.radix[position]
    return projected


def _natural_join(grid: Grid, measure: Measure, parts: list) -> np.ndarray:
    """Join sets of partial keys; those that share most with what is joined come first."""
    waiting = sorted(parts, key=lambda part: (-len(part[0]), part[0]))
    joined, have = np.zeros(1, np.int64), set()
    while waiting:
        best = max(waiting, key=lambda part: (len(have & set(part[0])), -len(part[1])))
        waiting = [part for part in waiting if part is not best]
        positions, keys = best
        shared = [p for p in positions if p in have]
        joined = _join(grid, joined, keys, shared)
        have |= set(positions)
        if len(joined) > _MOST_ATOMS:
            raise ReleaseError(
                f"release {grid.release.name}, measure {measure.name}: its tables are tied by more "
                f"than {_MOST_ATOMS} finest cells; publish the table of all dimensions or name in "
                "support which combinations exist"
            )
    return np.sort(joined)


def _join(grid: Grid, left: np.ndarray, right: np.ndarray, shared: list[int]) -> np.ndarray:
    left_on, right_on = _projected(grid, left, shared), _projected(grid, right, shared)
    order = np.argsort(right_on, kind="stable")
    right, right_on = right[order] - right_on[order], right_on[order]
    start = np.searchsorted(right_on, left_on, "left")
    count = np.searchsorted(right_on, left_on, "right") - start
    offset = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    return np.repeat(left, count) + right[np.repeat(start, count) + offset]


def _below(grid: Grid, measure: Measure, zeros: np.ndarray, combinations: list) -> np.ndarray:
    """Return all atoms that could be below the given cells."""
    base = grid.base_of(measure)
    atoms = [np.empty(0, np.int64)]
    for zero in zeros[grid.measure_of(zeros) == grid.measure_of(np.array([base]))[0]]:
        parts = []
        for position in grid.positions(measure.dims):
            axis = grid.axes[position]
            code = int(grid.digit(np.array([zero]), position)[0])
            leaves = axis.leaves[axis.below(code)[axis.leaves]]
            parts.append(([position], leaves * grid.radix[position]))
        for positions, table in combinations:
            leaves = grid.read(table, table.column_names)
            radix = np.array([grid.radix[p] for p in positions], dtype=np.int64)
            parts.append((positions, np.unique(leaves @ radix)))
        atoms.append(_natural_join(grid, measure, parts) + base)
    return np.unique(np.concatenate(atoms))


def members_of(grid: Grid, cells: Cells, keys: np.ndarray, atoms: np.ndarray) -> "sparse.csr_array":
    """Return of which atoms (by key) some counts of a measure consist: keys × atoms, 0/1."""
    every, place = np.unique(keys, return_inverse=True)
    return _incidence(grid, cells.measure, every, atoms - grid.base_of(cells.measure))[place]


def widened(grid: Grid, cells: Cells, more: np.ndarray) -> np.ndarray:
    """Return the keys of the atoms that may be above zero if some more were."""
    atoms = np.union1d(cells.atoms, more)
    if not cells.hidden:
        return atoms
    joined = _joined(grid, cells.measure, atoms, _existing(grid, cells.measure))
    return np.union1d(joined, atoms)


def finest_cells(grid: Grid, cells: Cells, atoms: np.ndarray) -> "sparse.csr_array":
    """Return of which atoms (by key) the finest cells of a measure's tables consist: 0/1."""
    base, keys = grid.base_of(cells.measure), np.empty(0, np.int64)
    tables = [set(table) for table in cells.measure.tables]
    for table in tables:
        if not any(table < other for other in tables):
            own = np.unique(_projected(grid, atoms, grid.positions(table)))
            keys = np.union1d(keys, own + base)
    return members_of(grid, cells, keys, atoms)


def _incidence(
    grid: Grid, measure: Measure, keys: np.ndarray, atoms: np.ndarray
) -> "sparse.csr_array":
    from scipy import sparse

    positions = grid.positions(measure.dims)
    leaves = np.stack([grid.digit(atoms, p) for p in positions], axis=1)
    rows, columns = [], []
    for above, which in grid.upwards(leaves, positions):
        place = np.searchsorted(keys, above + grid.base_of(measure))
        place[place == len(keys)] = 0
        found = keys[place] == above + grid.base_of(measure)
        rows.append(place[found])
        columns.append(which[found])
    row, column = np.concatenate(rows), np.concatenate(columns)
    data = np.ones(len(row), np.int64)
    return sparse.csr_array((data, (row, column)), shape=(len(keys), len(atoms)))
