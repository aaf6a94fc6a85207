"""Cutting a system into its blocks, each with a first table to start the search from.

What is searched for in a block is a matter of `search`.
"""

from typing import TYPE_CHECKING

from disclosure.audit.search import Block, Count
from disclosure.audit.solver import Infeasible, Model
from disclosure.audit.system import System

if TYPE_CHECKING:
    import numpy as np
    import scipy.sparse as sp

_PIECE = 800
"""A large block is searched in pieces of about so many unknowns first."""


def make_blocks(
    system: System,
    truth: "np.ndarray",
    codes: "np.ndarray",
    count: Count,
    *,
    whole: bool,
    slack: float,
    free: "np.ndarray | None" = None,
) -> list[Block]:
    """Cut a system into its blocks, each with a first table.

    Args:
        system: what an attacker knows.
        truth: the true value of each column, as far as it is known.
        codes: the codes of an atom of each column, by which large blocks are cut.
        count: where the programmes are counted.
        whole: whether unknowns are whole numbers.
        slack: a difference up to this is none.
        free: the columns that hold what is unknown to us, as a mask; none by default.

    Raises:
        Infeasible: the true counts do not satisfy what is published.
    """
    import numpy as np
    import scipy.sparse as sp

    blocks = []
    for number in np.unique(system.block):
        columns = np.flatnonzero(system.block == number)
        watched = sp.csr_array(system.watched[:, columns])
        cells = np.flatnonzero(np.diff(watched.indptr) > 0)
        equal, equal_to = _own_rows(system.equal, system.equal_to, columns)
        least, least_of = _own_rows(system.least, system.least_of, columns)
        low = system.low[columns]
        base = truth[columns]
        if free is not None and (own := free[columns]).any():
            rows, right = sp.vstack([equal, least]), np.concatenate([equal_to, least_of])
            high = np.where(np.arange(len(right)) < len(equal_to), right, np.inf)
            base = _first_table(rows, right, high, np.maximum(low, base), own, count)
        fits = not (np.abs(equal @ base - equal_to) > slack).any()
        if not fits or (least @ base < least_of - slack).any() or (base < low - slack).any():
            raise Infeasible("the true counts do not satisfy what is published")
        blocks.append(
            Block(
                columns=columns,
                cells=cells,
                equal=equal,
                least=least,
                room=least @ base - least_of,
                fall=base - low,
                watched=watched[cells],
                base=base,
                count=count,
                whole=whole,
                slack=slack,
                piece=_pieces(codes[columns]),
            )
        )
    return blocks


def _pieces(codes: "np.ndarray") -> "np.ndarray | None":
    """Cut unknowns into pieces of neighbours in the finest dimension."""
    import numpy as np

    count = len(codes)
    if count <= 2 * _PIECE:
        return None
    finest = np.argmax([len(np.unique(column)) for column in codes.T])
    order = np.lexsort((*codes.T[::-1], codes[:, finest]))
    piece = np.empty(count, dtype=np.int64)
    piece[order] = np.arange(count) * (count // _PIECE) // count
    return piece


def _own_rows(
    rows: "sp.csr_array", right: "np.ndarray", columns: "np.ndarray"
) -> tuple["sp.csr_array", "np.ndarray"]:
    import numpy as np
    import scipy.sparse as sp

    own = sp.csr_array(rows[:, columns])
    used = np.diff(own.indptr) > 0
    return own[used], right[used]


def _first_table(
    rows: "sp.csr_array",
    row_low: "np.ndarray",
    row_high: "np.ndarray",
    least: "np.ndarray",
    free: "np.ndarray",
    count: Count,
) -> "np.ndarray":
    """Find whole numbers for what is unknown to us; all else has its true number."""
    import numpy as np
    import scipy.sparse as sp

    count.whole += 1
    high = np.where(free, np.inf, least)
    model = Model(sp.csr_array(rows), row_low, row_high, least, high, whole=free)
    return np.rint(model.maximise(count.seconds_left())).astype(np.int64)
