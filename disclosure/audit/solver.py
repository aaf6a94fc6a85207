"""HiGHS for the auditor: one model, many objectives.

Only the solver's own business belongs here: options, status, the solution as an array. One thread
and fixed options, so that the same model gives the same answer.
"""

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import scipy.sparse as sp


class SolverFailure(RuntimeError):
    """The solver gave no answer that could be trusted; an audit with one is not passed."""


class Infeasible(RuntimeError):
    """No table satisfies what is published: the numbers contradict each other."""


class TimeOut(RuntimeError):
    """The time that the audit was given is over; an audit that ends so is not passed."""


class Unbounded(RuntimeError):
    """What is maximised has no upper bound."""


class Model:
    """A linear programme, maximised for changing objectives.

    Args:
        rows: the constraints, shape (rows, columns).
        row_low: lower bounds of the rows.
        row_high: upper bounds of the rows.
        low: lower bounds of the columns.
        high: upper bounds of the columns.
        whole: which columns must be whole; none by default.
        seconds: when to give up one solution.

    Attributes:
        columns: how many there are.
    """

    def __init__(
        self,
        rows: "sp.csr_array",
        row_low: "np.ndarray",
        row_high: "np.ndarray",
        low: "np.ndarray",
        high: "np.ndarray",
        *,
        whole: "np.ndarray | None" = None,
        seconds: float = 120.0,
    ):
        """Hand the model to the solver."""
        import highspy
        import numpy as np

        self._highs = highspy.Highs()
        for name, value in (
            ("output_flag", False),
            ("presolve", "choose" if whole is not None else "off"),  # what is asked next is alike
            ("threads", 1),
            ("parallel", "off"),
            ("random_seed", 1),
            ("mip_rel_gap", 0.0),
            ("mip_abs_gap", 0.5),  # objectives are whole numbers
        ):
            self._highs.setOptionValue(name, value)
        kinds = np.zeros(rows.shape[1], dtype=np.int32)
        if whole is not None:
            kinds[whole] = int(highspy.HighsVarType.kInteger)
        self.columns, self._seconds = rows.shape[1], seconds
        self._highs.passModel(
            rows.shape[1],
            rows.shape[0],
            rows.nnz,
            int(highspy.MatrixFormat.kRowwise),
            int(highspy.ObjSense.kMaximize),
            0.0,
            np.zeros(rows.shape[1]),
            _finite(low),
            _finite(high),
            _finite(row_low),
            _finite(row_high),
            rows.indptr.astype(np.int32),
            rows.indices.astype(np.int32),
            rows.data.astype(np.float64),
            kinds,
        )
        self._ready = highspy.HighsModelStatus.kOptimal
        self._unbounded = (
            highspy.HighsModelStatus.kUnbounded,
            highspy.HighsModelStatus.kUnboundedOrInfeasible,
        )
        self._infeasible = highspy.HighsModelStatus.kInfeasible

    def set_cost(self, cost: "np.ndarray") -> None:
        """Set what is maximised, shape (columns,)."""
        import numpy as np

        self._highs.changeColsCost(
            self.columns, np.arange(self.columns, dtype=np.int32), cost.astype(np.float64)
        )

    def set_row(self, row: int, low: float, high: float) -> None:
        """Change the bounds of one row."""
        self._highs.changeRowBounds(row, low, high)

    def maximise(self, seconds: float = math.inf) -> "np.ndarray":
        """Return the best columns, shape (columns,).

        Args:
            seconds: when to give up, if that is sooner than the model's own limit.

        Raises:
            Infeasible: there is no solution.
            Unbounded: there is no best one.
            SolverFailure: the solver stopped for any other reason, time included.
        """
        import numpy as np

        self._highs.setOptionValue("time_limit", min(seconds, self._seconds))
        self._highs.run()
        status = self._highs.getModelStatus()
        if status == self._ready:
            return np.array(self._highs.getSolution().col_value)
        if status in self._unbounded:
            raise Unbounded("solver: the objective has no upper bound")
        if status == self._infeasible:
            raise Infeasible("no table of whole numbers satisfies all published numbers")
        name = self._highs.modelStatusToString(status)
        raise SolverFailure(f"solver: expected an optimal solution, found {name!r}")


def version() -> str:
    """Return the solver's name and version."""
    import highspy

    return f"HiGHS {highspy.Highs().version()}"


def _finite(bounds: "np.ndarray") -> "np.ndarray":
    """Return bounds as float64; NumPy's infinity is HiGHS' as well."""
    import numpy as np

    return np.asarray(bounds, dtype=np.float64)
