"""What an attacker knows, as a linear system, and what he can conclude by hand.

An attacker's knowledge is `equal · x = equal_to`, `least · x ≥ least_of`, x ≥ 0 and whole, over the
atoms. Here it is simplified without losing or adding a solution: what follows from one row alone is
fixed, rows that follow from others and atoms that no row tells apart are merged, and what is left
falls into blocks that share no row. Solving is a matter of `search`.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from disclosure.audit.pattern import same_rows
from disclosure.audit.solver import Infeasible

if TYPE_CHECKING:
    import numpy as np
    import scipy.sparse as sp

_BLOCK = 3_000
"""Small blocks are solved together up to so many unknowns: a model for each costs more."""


@dataclass(frozen=True)
class Knowledge:
    """Everything an attacker knows about the atoms.

    Attributes:
        equal: rows of equations, shape (equations, atoms).
        equal_to: their right sides.
        least: rows of inequalities, shape (inequalities, atoms).
        least_of: their lower bounds.
        low: lower bounds of the atoms.
        watched: the cells that are withheld, 0/1, shape (withheld, atoms).
        apart: atoms with different numbers here are never merged.
        slack: a difference up to this is none; 0 for counts.
    """

    equal: "sp.csr_array"
    equal_to: "np.ndarray"
    least: "sp.csr_array"
    least_of: "np.ndarray"
    low: "np.ndarray"
    watched: "sp.csr_array"
    apart: "np.ndarray"
    slack: float = 0

    def fix(self, atoms: "np.ndarray", values: "np.ndarray") -> "Knowledge":
        """Return the knowledge of one who also knows some atoms exactly."""
        import numpy as np
        import scipy.sparse as sp

        own = sp.csr_array(
            (np.ones(len(atoms), dtype=np.int64), (np.arange(len(atoms)), atoms)),
            shape=(len(atoms), self.equal.shape[1]),
        )
        return replace(
            self,
            equal=sp.csr_array(sp.vstack([self.equal, own])),
            equal_to=np.concatenate([self.equal_to, values]),
        )


@dataclass(frozen=True)
class System:
    """Knowledge after all that follows by hand; columns are merged atoms that are still open.

    Attributes:
        equal: equations, shape (equations, columns).
        equal_to: their right sides.
        least: inequalities, shape (inequalities, columns).
        least_of: their lower bounds.
        low: lower bounds of the columns.
        watched: the withheld cells over the columns, shape (withheld, columns).
        settled: what the fixed atoms add to each withheld cell.
        least_table: for each atom its number if it is fixed, else its lower bound.
        column: for each atom its column, −1 if it is fixed.
        first: for each column one of its atoms.
        block: for each column the number of its block; blocks share no row.
    """

    equal: "sp.csr_array"
    equal_to: "np.ndarray"
    least: "sp.csr_array"
    least_of: "np.ndarray"
    low: "np.ndarray"
    watched: "sp.csr_array"
    settled: "np.ndarray"
    least_table: "np.ndarray"
    column: "np.ndarray"
    first: "np.ndarray"
    block: "np.ndarray"

    def add_up(self, atoms: "np.ndarray") -> "np.ndarray":
        """Add atoms up to columns."""
        import numpy as np

        open_atoms = self.column >= 0
        sums = np.zeros(len(self.low), dtype=atoms.dtype)
        np.add.at(sums, self.column[open_atoms], atoms[open_atoms])
        return sums


def simplify(knowledge: Knowledge, implied: "np.ndarray | None" = None) -> System:
    """Fix what follows from single rows, merge what nothing tells apart, split into blocks.

    Args:
        knowledge: what the attacker knows.
        implied: equations that are known to follow from others, shape (equations,).

    Raises:
        Infeasible: the published numbers contradict each other.
    """
    import numpy as np
    import scipy.sparse as sp

    value, low, is_open = settle(knowledge)
    settled = knowledge.watched @ np.where(is_open, 0, value)
    equal, equal_to = _open_rows(knowledge.equal, knowledge.equal_to, value, is_open)
    rows = np.flatnonzero(np.diff(equal.indptr) > 0)
    if implied is not None:
        rows = rows[~implied[rows]]
    equal, equal_to = _once(equal[rows], equal_to[rows], knowledge.slack)
    least, least_of = _open_rows(knowledge.least, knowledge.least_of, value, is_open)
    needed = np.diff(least.indptr) > 0
    needed &= (least @ low[is_open] < least_of) | has_negative(least)
    least, least_of = least[needed], least_of[needed]
    watched = sp.csr_array(knowledge.watched[:, is_open])
    merged = _merge(sp.vstack([equal, least, watched]), knowledge.apart[is_open])
    count = merged.max() + 1 if merged.size else 0
    first = np.zeros(count, dtype=np.int64)
    first[merged[::-1]] = np.arange(len(merged))[::-1]
    lows = np.zeros(count, dtype=low.dtype)
    np.add.at(lows, merged, low[is_open])
    column = np.full(len(is_open), -1, dtype=np.int64)
    column[is_open] = merged
    equal, least, watched = equal[:, first], least[:, first], watched[:, first]
    block = _blocks(sp.csr_array(sp.vstack([equal, least])), count)
    return System(
        equal,
        equal_to,
        least,
        least_of,
        lows,
        watched,
        settled,
        np.where(is_open, low, value),
        column,
        np.flatnonzero(is_open)[first],
        block,
    )


def settle(knowledge: Knowledge) -> tuple["np.ndarray", "np.ndarray", "np.ndarray"]:
    """Conclude from one row at a time until nothing follows any more.

    An equation whose rest is 0 fixes all its atoms at their lower bounds, one with a single open
    atom fixes that; an inequality with a single open atom raises its lower bound.

    Returns:
        For each atom its value (if fixed), its lower bound, and whether it is open.

    Raises:
        Infeasible: a row cannot be met.
    """
    import numpy as np

    equal, least = knowledge.equal, knowledge.least
    low = knowledge.low.copy()
    value, is_open = low.copy(), np.ones(len(low), dtype=bool)
    while True:
        count = equal @ is_open.astype(np.int64)
        rest = knowledge.equal_to - equal @ np.where(is_open, low, value)
        if (rest < -knowledge.slack).any() or (np.abs(rest[count == 0]) > knowledge.slack).any():
            raise Infeasible("published numbers contradict each other")
        changed = _fix_empty(equal, (count > 0) & (rest <= knowledge.slack), value, low, is_open)
        changed |= _fix_single(equal, (count == 1) & (rest > knowledge.slack), rest, value, is_open)
        changed |= _raise_single(least, knowledge.least_of, value, low, is_open)
        if not changed:
            return value, low, is_open


def _fix_empty(
    equal: "sp.csr_array",
    rows: "np.ndarray",
    value: "np.ndarray",
    low: "np.ndarray",
    is_open: "np.ndarray",
) -> bool:
    """Fix all open atoms of rows that are full already at their lower bounds, in place."""
    import numpy as np

    hit = (equal.T @ rows.astype(np.int64) > 0) & is_open
    value[hit] = low[hit]
    is_open[hit] = False
    return bool(hit.any())


def _fix_single(
    equal: "sp.csr_array",
    rows: "np.ndarray",
    rest: "np.ndarray",
    value: "np.ndarray",
    is_open: "np.ndarray",
) -> bool:
    """Fix the one open atom of each row, in place; `value` still holds its lower bound."""
    import numpy as np

    chosen = np.flatnonzero(rows)
    part = equal[chosen].tocoo()
    live = is_open[part.col]
    atoms, first = np.unique(part.col[live], return_index=True)
    value[atoms] += rest[chosen[part.row[live][first]]]
    is_open[atoms] = False
    return bool(atoms.size)


def _raise_single(
    least: "sp.csr_array",
    least_of: "np.ndarray",
    value: "np.ndarray",
    low: "np.ndarray",
    is_open: "np.ndarray",
) -> bool:
    """Raise the lower bound of the one open atom of an inequality, in place."""
    import numpy as np

    if not least.shape[0]:
        return False
    count = abs(least) @ is_open.astype(np.int64)
    rest = least_of - least @ np.where(is_open, low, value)
    chosen = np.flatnonzero((count == 1) & (rest > 0))
    part = least[chosen].tocoo()
    live = is_open[part.col] & (part.data == 1)
    np.maximum.at(low, part.col[live], (low[part.col] + rest[chosen[part.row]])[live])
    value[is_open] = low[is_open]
    return bool(live.any())


def _open_rows(
    rows: "sp.csr_array", right: "np.ndarray", value: "np.ndarray", is_open: "np.ndarray"
) -> tuple["sp.csr_array", "np.ndarray"]:
    """Move the fixed atoms to the right side."""
    import numpy as np
    import scipy.sparse as sp

    return sp.csr_array(rows[:, is_open]), right - rows @ np.where(is_open, 0, value)


def _once(
    rows: "sp.csr_array", right: "np.ndarray", slack: float
) -> tuple["sp.csr_array", "np.ndarray"]:
    """Keep of equal equations the first."""
    import numpy as np

    if not rows.shape[0]:
        return rows, right
    _, first, group = np.unique(same_rows(rows), return_index=True, return_inverse=True)
    if (np.abs(right[first][group] - right) > slack).any():
        raise Infeasible("published numbers contradict each other")
    return rows[first], right[first]


def has_negative(rows: "sp.csr_array") -> "np.ndarray":
    """Return which rows hold a negative entry."""
    import numpy as np

    entries = rows.tocoo()
    return np.bincount(entries.row[entries.data < 0], minlength=rows.shape[0]) > 0


def _merge(rows: "sp.csr_array", apart: "np.ndarray") -> "np.ndarray":
    """Number the columns so that those without any difference have the same number."""
    import numpy as np
    import scipy.sparse as sp

    alike = same_rows(sp.csr_array(rows.T)) if len(apart) else apart
    return np.unique(np.stack([alike, apart]), axis=1, return_inverse=True)[1].reshape(-1)


def _blocks(rows: "sp.csr_array", columns: int) -> "np.ndarray":
    """Number the columns by block, and put small blocks together."""
    import numpy as np
    import scipy.sparse as sp
    from scipy.sparse.csgraph import connected_components

    if not columns:
        return np.zeros(0, dtype=np.int64)
    graph = sp.block_array([[None, rows], [rows.T, None]]) if rows.shape[0] else None
    if graph is None:
        label = np.arange(columns)
    else:
        label = connected_components(abs(graph), directed=False)[1][rows.shape[0] :]
    label = np.unique(label, return_inverse=True)[1]
    size = np.bincount(label)
    return (np.cumsum(size) // _BLOCK)[label]
