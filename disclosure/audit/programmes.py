"""Linear programmes whose solutions are moves: differences of another table to the first one.

Rows and bounds belong here; costs, and what is made of solutions, to those who search.
"""

from typing import TYPE_CHECKING

from disclosure.audit.solver import Model

if TYPE_CHECKING:
    import numpy as np

    from disclosure.audit.search import Block

_SECONDS = 60.0
"""When one search in whole numbers is given up; the cell is undecided then, and so not safe."""


def changes(block: "Block", *, whole: bool) -> Model:
    """Return the model whose unknowns are the changes themselves."""
    import numpy as np
    import scipy.sparse as sp

    none = np.zeros(block.equal.shape[0])
    return Model(
        sp.csr_array(sp.vstack([block.equal, block.least])),
        np.concatenate([none, -block.room]),
        np.concatenate([none, np.full(len(block.room), np.inf)]),
        -block.fall,
        np.full(len(block.columns), np.inf),
        whole=np.ones(len(block.columns), dtype=bool) if whole else None,
    )


def joint(
    block: "Block", wanted: "np.ndarray", rise: "np.ndarray", sign: int, *, whole: bool
) -> Model:
    """Return the model in which a further unknown for each cell follows it up to its bar."""
    import numpy as np
    import scipy.sparse as sp

    share = sp.eye_array(len(wanted), format="csr")
    follow = sp.hstack([-sign * block.watched[wanted], share])
    own = sp.vstack([block.equal, block.least])
    wide = sp.hstack([own, sp.csr_array((own.shape[0], len(wanted)))])
    equal, least = block.equal.shape[0], block.least.shape[0]
    endless = np.full(len(wanted), np.inf)
    columns = len(block.columns) + len(wanted)
    return Model(
        sp.csr_array(sp.vstack([wide, follow])),
        np.concatenate([np.zeros(equal), -block.room, -endless]),
        np.concatenate([np.zeros(equal), np.full(least, np.inf), np.zeros(len(wanted))]),
        np.concatenate([-block.fall, -endless]),
        np.concatenate([np.full(len(block.columns), np.inf), rise]),
        whole=np.arange(columns) < len(block.columns) if whole else None,
        seconds=_SECONDS,
    )


def joint_short(block: "Block", wanted: "np.ndarray", rise: "np.ndarray", sign: int) -> Model:
    """Return the two-sided model in which an unknown for each cell follows it up to its bar."""
    import numpy as np
    import scipy.sparse as sp

    share = sp.eye_array(len(wanted), format="csr")
    follow = -sign * block.watched[wanted]
    own = sp.vstack([block.equal, block.least])
    rows = sp.block_array([[own, -own, None], [follow, -follow, share]])
    equal, least = block.equal.shape[0], block.least.shape[0]
    endless = np.full(len(wanted), np.inf)
    none, columns = np.zeros(equal), len(block.columns)
    return Model(
        sp.csr_array(rows),
        np.concatenate([none, -block.room, -endless]),
        np.concatenate([none, np.full(least, np.inf), np.zeros(len(wanted))]),
        np.concatenate([np.zeros(2 * columns), -endless]),
        np.concatenate([np.full(columns, np.inf), block.fall, rise]),
    )


def two_sided(block: "Block") -> Model:
    """Return the model whose unknowns are steps up and steps down, with a row for each cell."""
    import numpy as np
    import scipy.sparse as sp

    rows = sp.csr_array(sp.vstack([block.equal, block.least, block.watched]))
    none, endless = np.zeros(block.equal.shape[0]), np.full(len(block.cells), np.inf)
    return Model(
        sp.csr_array(sp.hstack([rows, -rows])),
        np.concatenate([none, -block.room, -endless]),
        np.concatenate([none, np.full(len(block.room), np.inf), endless]),
        np.zeros(2 * len(block.columns)),
        np.concatenate([np.full(len(block.columns), np.inf), block.fall]),
    )
