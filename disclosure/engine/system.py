"""A release as a system of equations between nodes.

A node stands for all published cells that consist of the same atoms (identical cells are one cell),
or for an atom that is no published cell. What is surely zero has no node. Relations say that a node
is the sum of others, inequalities that a part is at most its whole. Presolve belongs here, choosing
what to withhold does not.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from disclosure.engine.cells import Cells, Grid
from disclosure.release import Measure, PartOf, ReleaseError

if TYPE_CHECKING:
    from scipy import sparse

_SEED = 20150101
_WHOLE = 1e-6
"""So near to a whole number a solution of the solver is one."""


@dataclass
class System:
    """All nodes of a release.

    Attributes:
        value: the number of each node.
        cells: how many published cells it stands for.
        printed: whether it can be published (its number is known to us).
        frozen: whether its number is known to everybody already.
        may_be_zero: whether it may be withheld though it is zero.
        relations: rows × nodes; each row times any possible table is zero.
        parts: rows × nodes; each row times any possible table is at most zero.
        slack: by how much each row of `parts` is below zero in the true table.
        keys: for each node the keys of its cells (an atom's own key where there is no cell), one
            row for each pair: node, key.
        cell_keys: the keys of all published cells, ascending.
        cell_node: the node of each; -1 where the cell is a printed zero.
        cell_value: the number of each; -1 where it is unknown.
        measures: the cells of each measure, and the nodes of its atoms (-1: surely zero).
        own: how many nodes the release itself has; the others were added.
        theirs: added nodes that whoever owns their key knows.
    """

    grid: Grid
    value: np.ndarray
    cells: np.ndarray
    printed: np.ndarray
    frozen: np.ndarray
    may_be_zero: np.ndarray
    relations: "sparse.csr_array"
    parts: "sparse.csr_array"
    slack: np.ndarray
    keys: np.ndarray
    cell_keys: np.ndarray
    cell_node: np.ndarray
    cell_value: np.ndarray
    measures: list[tuple[Cells, np.ndarray]]
    own: int
    theirs: np.ndarray
    _of_columns: "tuple[sparse.csr_array, sparse.csc_array] | None" = None

    @property
    def size(self) -> int:
        """How many nodes there are."""
        return len(self.value)

    def nodes_of(self, keys: np.ndarray) -> np.ndarray:
        """Return the node of each published key; -1 for a printed zero."""
        return self.cell_node[np.searchsorted(self.cell_keys, keys)]

    def filled(self, nodes: np.ndarray, change: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return by how much a move fills the inequalities that it touches, and their slack."""
        columns = self._columns_of_parts()
        start = columns.indptr[nodes].astype(np.int64)
        count = columns.indptr[nodes + 1] - start
        at = np.arange(count.sum()) + np.repeat(start - np.cumsum(count) + count, count)
        rows, place = np.unique(columns.indices[at], return_inverse=True)
        used = np.zeros(len(rows), np.int64)
        np.add.at(used, place, columns.data[at] * np.repeat(change, count))
        return used, self.slack[rows]

    def _columns_of_parts(self) -> "sparse.csc_array":
        # `parts` is replaced when the system grows.
        if self._of_columns is None or self._of_columns[0] is not self.parts:
            self._of_columns = self.parts, self.parts.tocsc()
        return self._of_columns[1]

    def deepest(self) -> np.ndarray:
        """Return for each node the row of `keys` that stands for it: that of its deepest cell."""
        keys, axes = self.keys[:, 1], self.grid.axes
        depth = sum(
            (axis.levels[self.grid.digit(keys, p)] >= 0).sum(axis=1) for p, axis in enumerate(axes)
        )
        order = np.lexsort((keys, -depth, self.keys[:, 0]))
        _, first = np.unique(self.keys[order, 0], return_index=True)
        return order[first]

    def spread(self, nodes: np.ndarray) -> np.ndarray:
        """Return for each published cell what is given for each node; False for a zero."""
        # What is surely zero has the node -1: the last of these.
        return np.append(nodes, False)[self.cell_node]

    def add(
        self, value: np.ndarray, keys: np.ndarray, rows: "sparse.csr_array", *, frozen: np.ndarray
    ) -> None:
        """Add nodes that are no published cells, and relations that tie them.

        Args:
            value: their numbers; -1 where unknown.
            keys: a key for each, near which it lies.
            rows: relations over old and new nodes.
            frozen: whether everybody knows the number.
        """
        from scipy import sparse

        count, nothing = len(value), np.zeros(len(value), bool)
        new = np.arange(self.size, self.size + count)
        self.keys = np.concatenate([self.keys, np.stack([new, keys], axis=1)])
        self.value = np.concatenate([self.value, value])
        self.cells = np.concatenate([self.cells, np.zeros(count, self.cells.dtype)])
        self.printed = np.concatenate([self.printed, nothing])
        self.frozen = np.concatenate([self.frozen, frozen])
        self.may_be_zero = np.concatenate([self.may_be_zero, ~nothing])
        for name in ("relations", "parts"):
            old = getattr(self, name)
            wide = sparse.csr_array((old.data, old.indices, old.indptr), (old.shape[0], self.size))
            setattr(self, name, wide)
        self.relations = sparse.vstack([self.relations, rows]).tocsr()


def build_system(
    grid: Grid,
    measures: Sequence[Cells],
    *,
    zeros: np.ndarray,
    given: Mapping[int, int],
    known: Sequence[int] = (),
) -> System:
    """Make the system of a release.

    Args:
        grid: the keys.
        measures: the cells of each measure.
        zeros: keys that may be withheld though they are zero.
        given: numbers of published cells that partners delivered, by key.
        known: further keys whose numbers everybody knows.
    """
    frozen_keys = np.array(sorted({*given, *known}), dtype=np.int64)
    keys, values, unknown, hashes, own, atom_hashes = _all_cells(grid, measures, given)
    at_source = _finest_at_source(grid, measures, keys, own)
    zero_cells = (values == 0) & ~unknown & (hashes != 0)
    allowed = np.isin(hashes, hashes[np.isin(keys, zeros)])
    dead = _dead_atoms(measures, keys, zero_cells & ~allowed)
    if any(one.any() for one in dead):
        hashes, atom_hashes = _hashes(measures, dead)
    node_hashes = np.unique(np.concatenate([hashes, *atom_hashes]))
    node_hashes = node_hashes[node_hashes != 0]
    cell_node = _places(node_hashes, hashes)
    atom_nodes = [_places(node_hashes, one) for one in atom_hashes]
    size = len(node_hashes)
    value = np.full(size, -1, values.dtype)
    for cells, nodes in zip(measures, atom_nodes, strict=True):
        alive = (nodes >= 0) & ~cells.atom_unknown
        value[nodes[alive]] = cells.atom_total[alive]
    sure = (cell_node >= 0) & (values >= 0)
    value[cell_node[sure]] = values[sure]
    # A sum of unknown cells has no row; the finest cell that holds them has an empty one.
    row = own & ((values >= 0) | at_source)
    there = row & (cell_node >= 0)
    counted = np.bincount(cell_node[there], minlength=size)
    printed = np.zeros(size, bool)
    printed[cell_node[there & (values >= 0)]] = True
    frozen = np.zeros(size, bool)
    fixed = cell_node[np.isin(keys, frozen_keys) & (cell_node >= 0)]
    frozen[fixed] = True
    may_be_zero = value <= 0
    named = np.isin(keys, zeros)
    may_be_zero[cell_node[(cell_node >= 0) & named]] = True
    # Of identical cells one that is withheld for its smallness tells of all that they are not zero.
    alone = cell_node[(cell_node >= 0) & own & ~named]
    may_be_zero[alone[value[alone] > 0]] = False
    relations = _relations(grid, measures, keys, cell_node, own, atom_nodes, size)
    parts = _parts(grid, measures, atom_nodes, size)
    node_keys = [np.stack([cell_node, keys], axis=1)]
    for cells, nodes in zip(measures, atom_nodes, strict=True):
        node_keys.append(np.stack([nodes, cells.atoms], axis=1))
    pairs = np.unique(np.concatenate(node_keys), axis=0)
    system = System(
        grid,
        value,
        counted,
        printed,
        frozen,
        may_be_zero,
        relations,
        parts,
        np.zeros(parts.shape[0], values.dtype),
        pairs[pairs[:, 0] >= 0],
        keys[row],
        cell_node[row],
        values[row],
        list(zip(measures, atom_nodes, strict=True)),
        size,
        np.empty(0, np.int64),
    )
    system.slack = -(parts @ np.maximum(value, 0))
    return system


def owners(system: System, dimension: str, codes: Sequence[str]) -> np.ndarray:
    """Return for each node to which of the codes all of its atoms belong; -1 for none."""
    (position,) = system.grid.positions([dimension])
    axis = system.grid.axes[position]
    of_code = np.full(axis.size, -1)
    for order, code in enumerate(codes):
        of_code[axis.below(axis.number[code])] = order
    owner = np.full(system.size, -1)
    for cells, nodes in system.measures:
        of_atom = of_code[system.grid.digit(cells.atoms, position)]
        alive = nodes >= 0
        owner[nodes[alive]] = of_atom[alive]
        living = cells.incidence[:, np.flatnonzero(alive)]
        filled = np.flatnonzero(np.diff(living.indptr))
        members = of_atom[alive][living.indices]
        least = np.minimum.reduceat(members, living.indptr[filled]) if len(filled) else members
        most = np.maximum.reduceat(members, living.indptr[filled]) if len(filled) else members
        keys = cells.keys[filled]
        place = _places(system.cell_keys, keys)
        node = np.where(place >= 0, system.cell_node[place], -1)
        shown = node >= 0
        owner[node[shown]] = np.where(least == most, least, -1)[shown]
    node, key = system.keys[np.isin(system.keys[:, 0], system.theirs)].T
    owner[node] = of_code[system.grid.digit(key, position)]
    return owner


def stand_in(system: System) -> None:
    """Give unknown nodes numbers that agree with all others, so that moves have a start.

    Raises:
        ReleaseError: there are none; what was delivered contradicts itself.
    """
    import highspy
    from scipy import sparse

    unknown = np.flatnonzero(system.value < 0)
    if not len(unknown):
        return
    known = np.maximum(system.value, 0)
    rows = sparse.vstack([system.relations, system.parts]).tocsr()
    touched = np.flatnonzero(np.diff(rows[:, unknown].tocsr().indptr))
    rest = (rows @ known)[touched].astype(float)
    matrix = rows[touched][:, unknown].tocsc()
    equal = touched < system.relations.shape[0]
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("threads", 1)
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = len(unknown), len(touched)
    model.col_cost_ = np.ones(len(unknown))
    model.col_lower_ = np.zeros(len(unknown))
    model.col_upper_ = np.full(len(unknown), np.inf)
    model.row_lower_ = np.where(equal, -rest, -np.inf)
    model.row_upper_ = -rest
    model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    model.a_matrix_.start_ = matrix.indptr
    model.a_matrix_.index_ = matrix.indices
    model.a_matrix_.value_ = matrix.data.astype(float)
    solver.passModel(model)
    solver.run()
    # The least numbers are whole most times; only where they are not, whole ones are asked for.
    numbers = np.array(solver.getSolution().col_value)
    if np.abs(numbers - np.rint(numbers)).max(initial=0) > _WHOLE:
        whole = np.full(len(unknown), int(highspy.HighsVarType.kInteger), np.uint8)
        solver.changeColsIntegrality(len(unknown), np.arange(len(unknown), dtype=np.int32), whole)
        solver.run()
    solution = solver.getSolution()
    if not solution.value_valid:
        raise ReleaseError(
            f"release {system.grid.release.name}: no numbers in place of the unknown ones agree "
            "with the given and known totals; deliver totals and parts of the same state"
        )
    system.value[unknown] = np.rint(solution.col_value).astype(system.value.dtype)
    system.slack = -(system.parts @ system.value)


def _all_cells(grid: Grid, measures: Sequence[Cells], given: Mapping[int, int]):
    """Put the cells of all measures beside each other."""
    keys = np.concatenate([cells.keys for cells in measures])
    values = np.concatenate([cells.total for cells in measures])
    unknown = np.concatenate([cells.unknown for cells in measures])
    own = np.concatenate([_in_tables(grid, cells) for cells in measures])
    hashes, atom_hashes = _hashes(measures, [np.zeros(len(c.atoms), bool) for c in measures])
    order = np.argsort(keys)
    keys, values, unknown, own, hashes = (a[order] for a in (keys, values, unknown, own, hashes))
    values = np.where(unknown, -1, values)
    for key, number in given.items():
        place = np.searchsorted(keys, key)
        values[place], unknown[place] = number, False
    # Identical cells have one number: what is given for one is known of the others.
    return keys, values, unknown, hashes, own, atom_hashes


def _finest_at_source(
    grid: Grid, measures: Sequence[Cells], keys: np.ndarray, own: np.ndarray
) -> np.ndarray:
    """Return which published cells hold what was withheld at its source, and no finer one does."""
    unknown = np.zeros(len(keys), bool)
    for cells in measures:
        unknown[np.searchsorted(keys, cells.keys[cells.unknown])] = True
    finest = own & unknown
    for position, axis in enumerate(grid.axes):
        code = grid.digit(keys, position)
        below = own & unknown & (code > 0)
        step = axis.parent[code[below]] - code[below]
        finest[np.searchsorted(keys, keys[below] + step * grid.radix[position])] = False
    return finest


def _in_tables(grid: Grid, cells: Cells) -> np.ndarray:
    """Return which cells a table publishes (others are only known)."""
    used = np.stack([grid.digit(cells.keys, p) > 0 for p in range(len(grid.axes))], axis=1)
    inside = np.zeros(len(cells.keys), bool)
    for table in cells.measure.tables:
        absent = [p for p in range(len(grid.axes)) if p not in grid.positions(table)]
        inside |= ~used[:, absent].any(axis=1)
    return inside


def _hashes(measures: Sequence[Cells], dead: Sequence[np.ndarray]):
    """Return a number for each cell and atom that tells which living atoms it consists of.

    Atoms that are in the same cells get the same number, for no table tells them apart.
    """
    random = np.random.Generator(np.random.PCG64(_SEED))
    cell_hashes, atom_hashes = [], []
    for cells, gone in zip(measures, dead, strict=True):
        base = random.integers(1, 2**63, len(cells.atoms), dtype=np.uint64)
        base[gone] = 0
        cell_hashes.append(cells.incidence.astype(np.uint64) @ base)
        atom_hashes.append(base)
    keys = np.concatenate([cells.keys for cells in measures])
    return np.concatenate(cell_hashes)[np.argsort(keys)], atom_hashes


def _dead_atoms(measures: Sequence[Cells], keys: np.ndarray, zero: np.ndarray) -> list[np.ndarray]:
    """Return which atoms lie in a printed zero."""
    dead = []
    for cells in measures:
        own = zero[np.searchsorted(keys, cells.keys)]
        dead.append(cells.incidence.T @ own.astype(np.int64) > 0)
    return dead


def _places(sorted_values: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    place = np.searchsorted(sorted_values, wanted)
    place[place == len(sorted_values)] = 0
    if not len(sorted_values):
        return np.full(len(wanted), -1)
    return np.where(sorted_values[place] == wanted, place, -1)


def _relations(
    grid: Grid,
    measures: Sequence[Cells],
    keys: np.ndarray,
    cell_node: np.ndarray,
    own: np.ndarray,
    atom_nodes: Sequence[np.ndarray],
    size: int,
) -> "sparse.csr_array":
    """Return the sums: each cell over each dimension, and over its atoms where they are hidden."""
    rows, nodes, signs = [], [], []

    def add(row: np.ndarray, node: np.ndarray, sign: int) -> None:
        there = node >= 0
        rows.append(row[there])
        nodes.append(node[there])
        signs.append(np.full(there.sum(), sign))

    for position, axis in enumerate(grid.axes):
        code = grid.digit(keys, position)
        child = own & (code > 0)
        parent = keys[child] + (axis.parent[code[child]] - code[child]) * grid.radix[position]
        above, row = np.unique(parent, return_inverse=True)
        place = np.searchsorted(keys, above)
        # Rows of different dimensions are told apart by their keys' offset.
        offset = position * len(keys)
        add(place[row] + offset, cell_node[child], 1)
        add(place + offset, cell_node[place], -1)
    offset = len(grid.axes) * len(keys)
    for cells, atoms in zip(measures, atom_nodes, strict=True):
        place = np.searchsorted(keys, cells.keys)
        wanted = ~own[place]
        if cells.hidden:
            wanted = wanted | _finest(grid, cells)
        row, column = cells.incidence[np.flatnonzero(wanted)].nonzero()
        where = place[wanted]
        add(where[row] + offset, atoms[column], 1)
        add(where + offset, cell_node[where], -1)
    return _distinct_rows(np.concatenate(rows), np.concatenate(nodes), np.concatenate(signs), size)


def _finest(grid: Grid, cells: Cells) -> np.ndarray:
    """Return which cells are the finest of one of the measure's tables."""
    finest = np.zeros(len(cells.keys), bool)
    for table in cells.measure.tables:
        positions = grid.positions(table)
        one = np.ones(len(cells.keys), bool)
        for position, axis in enumerate(grid.axes):
            code = grid.digit(cells.keys, position)
            one &= np.isin(code, axis.leaves) if position in positions else code == 0
        finest |= one
    return finest


def _distinct_rows(
    rows: np.ndarray, nodes: np.ndarray, signs: np.ndarray, size: int
) -> "sparse.csr_array":
    """Build a matrix, leaving out rows that say nothing or the same as another."""
    from scipy import sparse

    _, rows = np.unique(rows, return_inverse=True)
    shape = (int(rows.max(initial=-1)) + 1, size)
    matrix = sparse.csr_array((signs.astype(np.int64), (rows, nodes)), shape=shape)
    matrix.sum_duplicates()
    matrix.eliminate_zeros()
    matrix = matrix[np.flatnonzero(np.diff(matrix.indptr))]
    random = np.random.Generator(np.random.PCG64(_SEED))
    mark = random.integers(1, 2**62, size, dtype=np.int64)
    _, first = np.unique(matrix @ mark, return_index=True)
    matrix = matrix[np.sort(first)]
    matrix.sort_indices()
    return matrix


def _parts(
    grid: Grid, measures: Sequence[Cells], atom_nodes: Sequence[np.ndarray], size: int
) -> "sparse.csr_array":
    """Return the inequalities between measures: part minus whole."""
    rows, nodes, signs, offset = [np.empty(0, int)], [np.empty(0, int)], [np.empty(0, int)], 0
    order = [cells.measure.name for cells in measures]
    for part, part_nodes in zip(measures, atom_nodes, strict=True):
        for part_of in part.measure.part_of:
            position = order.index(part_of.measure)
            whole, whole_nodes = measures[position], atom_nodes[position]
            shared = shared_positions(grid, part.measure, whole.measure, part_of)
            inside = within(grid, whole, part_of)
            sides = (
                (part, part_nodes, np.ones(len(part.atoms), bool), 1),
                (whole, whole_nodes, inside, -1),
            )
            on = [shared_key(grid, cells.atoms, shared) for cells, _, _, _ in sides]
            groups = np.unique(on[0])
            for key, (_, atoms, use, sign) in zip(on, sides, strict=True):
                row = _places(groups, key)
                use = use & (row >= 0) & (atoms >= 0)  # noqa: PLW2901
                rows.append(row[use] + offset)
                nodes.append(atoms[use])
                signs.append(np.full(use.sum(), sign))
            offset += len(groups)
    return _distinct_rows(np.concatenate(rows), np.concatenate(nodes), np.concatenate(signs), size)


def shared_positions(grid: Grid, part: Measure, whole: Measure, part_of: PartOf) -> list[int]:
    """Return the positions of the dimensions that part and whole have, outside `where`."""
    return [
        position
        for position in grid.positions(part.dims)
        if position in grid.positions(whole.dims)
        and grid.axes[position].dimension.name not in part_of.where
    ]


def within(grid: Grid, cells: Cells, part_of: PartOf) -> np.ndarray:
    """Return which atoms of a whole lie inside `where`."""
    inside = np.ones(len(cells.atoms), bool)
    for name, codes in part_of.where.items():
        (position,) = grid.positions([name])
        axis = grid.axes[position]
        below = np.zeros(axis.size, bool)
        for code in codes:
            below |= axis.below(axis.number[code])
        inside &= below[grid.digit(cells.atoms, position)]
    return inside


def shared_key(grid: Grid, keys: np.ndarray, positions: Sequence[int]) -> np.ndarray:
    """Return keys with all dimensions but the given ones, and the measure, at `Total`."""
    shared = np.zeros(len(keys), np.int64)
    for position in positions:
        shared += grid.digit(keys, position) * grid.radix[position]
    return shared
