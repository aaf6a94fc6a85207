"""Linear programs over a part of a system: how far can the true table be moved, and at what price?

A move is a whole-number change of every node that keeps all sums. The solver's answers are rounded
and checked in whole numbers here, so that nobody else meets a fraction or a tolerance.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import highspy

    from disclosure.engine.system import System

_FAR = 1e-6
_MIP_NODES = 2000
_CORNERS = 4
_SEED = 3
_MULTIPLES = (1, 2, 3, 4, 5, 6)


@dataclass(frozen=True)
class Move:
    """A change of the true table that an attacker cannot rule out.

    Attributes:
        nodes: the nodes that change, ascending.
        change: by how much each.
        price: what the solver paid for it.
    """

    nodes: np.ndarray
    change: np.ndarray
    price: float

    def at(self, node: int) -> int:
        """Return the change of a node."""
        place = np.searchsorted(self.nodes, node)
        found = place < len(self.nodes) and self.nodes[place] == node
        return int(self.change[place]) if found else 0


class Block:
    """Some nodes of a system that may move while all others stay.

    Each node has two columns, up and down, so that its price is paid in both directions.
    """

    def __init__(self, system: "System", nodes: np.ndarray, *, branching: bool = True):
        """Build the program of the given nodes (ascending).

        Args:
            system: the system.
            nodes: the nodes that may move.
            branching: whether to search on where the cheapest move is a fraction.
        """
        self._branching = branching
        self.nodes = nodes
        self.runs = self.searches = 0
        columns = system.relations[:, nodes].tocsr()
        columns = columns[np.flatnonzero(np.diff(columns.indptr))]
        inequalities = system.parts[:, nodes].tocsr()
        used = np.flatnonzero(np.diff(inequalities.indptr))
        self._relations, self._parts = columns, inequalities[used]
        self._slack = system.slack[used]
        self._value = np.maximum(system.value[nodes], 0)
        self._solver = _solver(self._relations, self._parts, self._slack)
        self._columns = np.arange(2 * len(nodes), dtype=np.int32)

    def place(self, node: int) -> int:
        """Return the position of a node in this block, or -1."""
        place = int(np.searchsorted(self.nodes, node))
        return place if place < len(self.nodes) and self.nodes[place] == node else -1

    def move(
        self, node: int, amount: int, floor: np.ndarray, price: np.ndarray, closed: np.ndarray
    ) -> Move | None:
        """Return the cheapest move that changes a node by an amount.

        Args:
            node: the node.
            amount: its change; not zero.
            floor: the least value of each node of the system.
            price: for each node of the system.
            closed: whether a node of the system must not move.

        Returns:
            The move, or None if there is none (in whole numbers) within this block.
        """
        room = self._value - floor[self.nodes]
        open_ = ~closed[self.nodes]
        high = np.where(open_, np.inf, 0.0)
        low = np.where(open_, room, 0.0)
        bottom = np.zeros(2 * len(self.nodes))
        top = np.concatenate([high, low])
        place, size = self.place(node), len(self.nodes)
        at = place if amount > 0 else place + size
        if top[at] < abs(amount):
            return None
        bottom[at] = top[at] = abs(amount)
        top[place + size if amount > 0 else place] = 0
        cost = np.tile(price[self.nodes].astype(float), 2)
        solution = self._solve(bottom, top, cost)
        if solution is None:
            return None
        change = self._whole(solution, room)
        if change is None and self._branching:
            change = self._search(solution, bottom, top, cost, room)
        if change is None:
            return None
        moved = np.flatnonzero(change)
        paid = float((np.abs(change[moved]) * price[self.nodes[moved]]).sum())
        return Move(self.nodes[moved], change[moved], paid)

    def _solve(self, bottom: np.ndarray, top: np.ndarray, cost: np.ndarray) -> np.ndarray | None:
        import highspy

        solver, count = self._solver, len(self._columns)
        solver.changeColsCost(count, self._columns, cost)
        solver.changeColsBounds(count, self._columns, bottom, top)
        solver.setBasis()
        self.runs += 1
        solver.run()
        status = solver.getModelStatus()
        if status == highspy.HighsModelStatus.kInfeasible:
            return None
        if status != highspy.HighsModelStatus.kOptimal:
            raise RuntimeError(
                f"the solver ended with {solver.modelStatusToString(status)} where an optimum or "
                "no solution was expected; nothing is published without an answer"
            )
        return np.array(solver.getSolution().col_value)

    def _whole(self, solution: np.ndarray, room: np.ndarray) -> np.ndarray | None:
        """Return the whole-number change, or a small multiple that is one and has room.

        None if there is no such multiple, or if the change breaks a rule.
        """
        size = len(self.nodes)
        difference = solution[:size] - solution[size:]
        for times in _MULTIPLES:
            change = np.rint(times * difference)
            if np.abs(times * difference - change).max(initial=0) > _FAR:
                continue
            change = change.astype(np.int64)
            wrong = (
                (change < -room).any()
                or (self._relations @ change).any()
                or (self._parts @ change > self._slack).any()
            )
            return None if wrong else change
        return None

    def _search(
        self,
        solution: np.ndarray,
        bottom: np.ndarray,
        top: np.ndarray,
        cost: np.ndarray,
        room: np.ndarray,
    ) -> np.ndarray | None:
        """Search a whole-number move where the cheapest one is a fraction.

        First among the nodes of the fraction and those that cost nothing to speak of, then at
        other corners near by, at last everywhere.
        """
        near = (solution > _FAR) | (cost <= 1)
        near = near | np.roll(near, len(self.nodes))
        change = self._branch(bottom, np.where(near, top, 0.0), cost, room)
        if change is not None or near[top > 0].all():
            return change
        random = np.random.Generator(np.random.PCG64(_SEED))
        for _ in range(_CORNERS):
            corner = self._solve(bottom, top, cost * random.integers(8, 13, len(cost)))
            change = self._whole(corner, room)
            if change is not None:
                return change
        return self._branch(bottom, top, cost, room)

    def _branch(
        self, bottom: np.ndarray, top: np.ndarray, cost: np.ndarray, room: np.ndarray
    ) -> np.ndarray | None:
        """Find a whole-number move by branching, the first or one that is hardly dearer."""
        import highspy

        search = _solver(self._relations, self._parts, self._slack)
        count = len(self._columns)
        search.changeColsCost(count, self._columns, cost)
        search.changeColsBounds(count, self._columns, bottom, top)
        kinds = np.full(count, highspy.HighsVarType.kInteger.value, dtype=np.uint8)
        search.changeColsIntegrality(count, self._columns, kinds)
        search.setOptionValue("mip_max_nodes", _MIP_NODES)
        search.setOptionValue("mip_max_improving_sols", 1)
        search.setOptionValue("presolve", "on")
        self.searches += 1
        search.run()
        solution = search.getSolution()
        if not solution.value_valid:
            return None
        return self._whole(np.array(solution.col_value), room)


def _solver(relations, parts, slack: np.ndarray) -> "highspy.Highs":
    """Return a HiGHS model with an up and a down column for each node; costs and bounds come."""
    import highspy
    from scipy import sparse

    rows = sparse.vstack([relations, parts]).tocsc() if parts.shape[0] else relations.tocsc()
    matrix = sparse.hstack([rows, -rows]).tocsc()
    solver = highspy.Highs()
    for option, setting in (
        ("output_flag", False),
        ("threads", 1),
        ("parallel", "off"),
        ("presolve", "off"),
        ("solver", "simplex"),
        ("random_seed", 0),
    ):
        solver.setOptionValue(option, setting)
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = matrix.shape[1], matrix.shape[0]
    model.col_cost_ = np.zeros(model.num_col_)
    model.col_lower_ = np.zeros(model.num_col_)
    model.col_upper_ = np.full(model.num_col_, np.inf)
    model.row_lower_ = np.concatenate([np.zeros(relations.shape[0]), np.full(len(slack), -np.inf)])
    model.row_upper_ = np.concatenate([np.zeros(relations.shape[0]), slack.astype(float)])
    model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    model.a_matrix_.start_ = matrix.indptr
    model.a_matrix_.index_ = matrix.indices
    model.a_matrix_.value_ = matrix.data.astype(float)
    solver.passModel(model)
    return solver
