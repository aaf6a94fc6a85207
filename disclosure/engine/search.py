"""Choose what else to withhold, so that every demand has a move that an attacker cannot rule out.

A demand is met by a witness: a move of the true table that touches withheld nodes only. Withholding
more never breaks a witness, so meeting one demand after the other ends; publishing again touches
only the nodes whose witnesses use what is published.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from disclosure.engine.blocks import Block, Move

if TYPE_CHECKING:
    from disclosure.engine.exchanges import Exchanges
    from disclosure.engine.neighbours import Neighbourhoods
    from disclosure.engine.system import System

_REMEMBERED = 8
_OFTEN = 1_000_000
_SMALL_PART = 300
_LARGE_PART = 1_000
_MANY_NODES = 1_500
_MOST_USERS = 30


@dataclass(frozen=True, order=True)
class Demand:
    """What an attacker must not be able to rule out.

    Attributes:
        node: the sensitive node.
        amount: the least change, upwards or (negative) downwards; 0: any change will do.
        strict: whether the attacker knows that withheld cells are at least 1 (A1).
        knows: what the attacker knows on top: -1 nothing, the number of a node (A2), or
            `System.size` and the number of a municipality (M).
    """

    node: int
    amount: int
    strict: bool
    knows: int = -1


@dataclass
class Task:
    """What is to be protected, and at what price.

    Attributes:
        demands: what has to be met for attackers who know nothing on top.
        weight: the price of withholding each node; whole numbers.
        worth: how many published cells that somebody plans with each node stands for.
        open_: nodes that are withheld from the start or are never published.
        never: nodes that everybody knows.
        bare: floor of each node for an attacker who knows no zeros.
        floor: the same for one who knows that withheld cells are at least 1.
        around: where to look for a move that changes a node.
        exchanges: moves that need no program, for large releases; None where programs suffice.
        ones: nodes whose single person knows of it (A2); nobody without that attacker.
        owner: the municipality to which all of a node belongs (M); -1 without.
        hopeless: demands against those who know something on top that no pattern meets, as far as
            a search has found out.
    """

    system: "System"
    demands: Sequence[Demand]
    weight: np.ndarray
    worth: np.ndarray
    open_: np.ndarray
    never: np.ndarray
    bare: np.ndarray
    floor: np.ndarray
    around: "Neighbourhoods"
    exchanges: "Exchanges | None"
    ones: np.ndarray
    owner: np.ndarray
    hopeless: set[Demand] = field(default_factory=set)


@dataclass
class Plan:
    """A choice of withheld nodes with a witness for each demand.

    Attributes:
        open_: withheld nodes and those that are never published.
        witness: the move that meets each demand.
        cause: for whose sake a node was withheld.
    """

    task: Task
    open_: np.ndarray
    witness: dict[Demand, Move] = field(default_factory=dict)
    cause: dict[int, int] = field(default_factory=dict)

    @property
    def extra(self) -> np.ndarray:
        """The nodes that are withheld for the sake of others."""
        return np.flatnonzero(self.open_ & ~self.task.open_)

    def cost(self) -> tuple[int, int]:
        """Return how many published cells are lost, and their weight."""
        extra = self.extra
        return int(self.task.worth[extra].sum()), int(self.task.weight[extra].sum())


class Search:
    """Meets the demands of a task.

    Attributes:
        unmet: demands that no pattern can meet.
    """

    def __init__(self, task: Task, inner: "Components"):
        """Index the demands by their node.

        Args:
            task: what is to be protected.
            inner: the parts of what is withheld anyway; all searches of a task share them.
        """
        self.task = task
        self.unmet: list[Demand] = []
        self._demands: dict[int, list[Demand]] = {}
        for demand in task.demands:
            self._demands.setdefault(demand.node, []).append(demand)
        self._watched = np.zeros(task.system.size, bool)
        self._watched[list(self._demands)] = True
        self._remembered: dict[int, list[Move]] = {}
        # What costs nothing is looked for first: moves among what is withheld anyway.
        self._inner = inner

    def greedy(self, plan: Plan, order: Iterable[int], weight: np.ndarray) -> None:
        """Meet the demands of nodes in the given order, each as cheaply as what came before allows.

        A reach that nothing can meet is replaced by: not exact; what is exact whatever is withheld
        is left out. Both are added to `unmet`.
        """
        self._remembered = {}
        price = np.where(plan.open_, 1, weight)
        for node in order:
            for demand in list(self._demands[node]):
                if demand not in plan.witness:
                    self._meet(plan, demand, price)

    def exchange(self, plan: Plan, order: Iterable[int], weight: np.ndarray) -> None:
        """Meet the demands of most nodes of a large release without a program.

        What it leaves is for `greedy`.
        """
        price, floor = np.where(plan.open_, 1, weight), self._either_floor()
        for node in order:
            if any(demand not in plan.witness for demand in self._demands[node]):
                move = self._exchanged(node, floor, price)
                if move is not None:
                    self._adopt(plan, move, node, price)

    def swap(self, plan: Plan, order: Iterable[int], weight: np.ndarray) -> None:
        """Give each node the cheapest exchange, seeing what the others withhold by now.

        What no witness uses any longer is published again.
        """
        task, floor = self.task, self._either_floor()
        used = {node: self._used(plan, node) for node in self._demands}
        users = np.zeros(task.system.size, np.int64)
        for nodes in used.values():
            users[nodes] += 1
        price = np.where(task.open_ | (users > 0), 1, weight)
        for node in order:
            before = used[node]
            users[before] -= 1
            alone = before[(users[before] == 0) & ~task.open_[before]]
            price[alone] = weight[alone]
            move = self._exchanged(node, floor, price)
            if move is not None and price[move.nodes].sum() < price[before].sum():
                met = {d: own for d, own in self._met(move) if d.node == node}
                if all(demand in met for demand in self._demands[node]):
                    plan.witness.update(met)
                    plan.cause.update(dict.fromkeys(move.nodes.tolist(), node))
                    used[node] = self._used(plan, node)
            users[used[node]] += 1
            price[used[node]] = 1
        plan.open_ = task.open_ | (users > 0)

    def _used(self, plan: Plan, node: int) -> np.ndarray:
        witnesses = [plan.witness[d].nodes for d in self._demands[node] if d in plan.witness]
        return np.unique(np.concatenate(witnesses)) if witnesses else np.empty(0, np.int64)

    def _either_floor(self) -> np.ndarray:
        """Return the floor for moves that hold against A0 and, once turned small, against A1."""
        task = self.task
        return np.where(task.system.value > task.floor, task.bare, task.system.value)

    def _exchanged(self, node: int, floor: np.ndarray, price: np.ndarray) -> Move | None:
        """Return an exchange that meets the demands of a node, if there is one."""
        task, demands = self.task, self._demands[node]
        floor = task.floor if all(demand.strict for demand in demands) else floor
        amount = max(demand.amount for demand in demands)
        amounts = (amount,) if amount else (1, -1)
        found = (task.exchanges.move(node, a, floor, price, task.never) for a in amounts)
        return next((move for move in found if move is not None), None)

    def guard(self, plan: Plan, weight: np.ndarray) -> None:
        """Meet the demands against those who know something on top (A2, M)."""
        price = np.where(plan.open_, 1, weight)
        for node in self._demands:
            for demand in list(self._demands[node]):
                if not demand.strict or demand not in plan.witness:
                    continue
                for guarded in self._guarded(demand, plan.witness[demand]):
                    if guarded in plan.witness or guarded in self.unmet:
                        continue
                    known = self._recall(plan, guarded, -1)
                    if known is not None:
                        plan.witness[guarded] = known
                    else:
                        self._meet(plan, guarded, price)

    def _meet(self, plan: Plan, demand: Demand, price: np.ndarray) -> None:
        never, hopeless = self.task.never, demand in self.task.hopeless
        move = None
        if not hopeless:
            move = self._cheapest(demand, price, never, self._inner.of(demand.node))
        if move is None and not hopeless:
            blocks = self.task.around.around(demand.node)
            move = self._cheapest(demand, price, never, blocks)
        if move is None:
            self.unmet.append(demand)
            if demand.knows < 0:
                self._weaken(plan, demand, price)
            else:
                self.task.hopeless.add(demand)
            return
        plan.witness[demand] = move
        self._adopt(plan, move, demand.node, price)

    def _adopt(self, plan: Plan, move: Move, cause: int, price: np.ndarray) -> None:
        """Withhold what a move touches, and note which demands it meets."""
        for node in move.nodes[~plan.open_[move.nodes]].tolist():
            plan.cause[node] = cause
        plan.open_[move.nodes] = True
        price[move.nodes] = 1
        for other, own in self._met(move):
            plan.witness.setdefault(other, own)

    def _weaken(self, plan: Plan, demand: Demand, price: np.ndarray) -> None:
        own = self._demands[demand.node]
        own.remove(demand)
        weaker = replace(demand, amount=0)
        if demand.amount and weaker not in own:
            own.append(weaker)
            if weaker not in plan.witness:
                self._meet(plan, weaker, price)

    def _cheapest(
        self, demand: Demand, price: np.ndarray, closed: np.ndarray, blocks: Iterable[Block]
    ) -> Move | None:
        """Return the cheapest move that meets a demand, or None if no block has one."""
        floor = self.task.floor if demand.strict else self.task.bare
        if demand.knows >= 0:
            closed = closed | self._known_to(demand.knows)
        amounts = (demand.amount,) if demand.amount else (1, -1)
        exchanges = () if self.task.exchanges is None else (self.task.exchanges,)
        for block in (*exchanges, *blocks):
            found = [block.move(demand.node, a, floor, price, closed) for a in amounts]
            moves = [move for move in found if move is not None]
            if moves:
                return min(moves, key=lambda move: move.price)
        return None

    def _known_to(self, knows: int) -> np.ndarray:
        size = self.task.system.size
        return np.arange(size) == knows if knows < size else self.task.owner == knows - size

    def _guarded(self, demand: Demand, move: Move) -> list[Demand]:
        """Return the demands against those who know a part of a witness."""
        nodes, owner = move.nodes, self.task.owner
        ones = nodes[self.task.ones[nodes] & (nodes != demand.node)]
        municipalities = np.unique(owner[nodes])
        own = owner[demand.node]
        others = municipalities[(municipalities >= 0) & (municipalities != own)]
        knows = [*ones.tolist(), *(others + self.task.system.size).tolist()]
        return [Demand(demand.node, 0, True, one) for one in knows]

    def _recall(self, plan: Plan, demand: Demand, without: int) -> Move | None:
        """Return a move met before that still holds and leaves alone what the attacker knows."""
        mask = np.zeros(0, bool)
        for move in self._remembered.get(demand.node, ()):
            if move.at(without) or not plan.open_[move.nodes].all():
                continue
            if demand.knows < 0:
                return move
            mask = mask if len(mask) else self._known_to(demand.knows)
            if not mask[move.nodes].any():
                return move
        return None

    def _met(self, move: Move) -> Iterable[tuple[Demand, Move]]:
        """Yield the demands that a move meets, turned round or as often as there is room."""
        task = self.task
        value = np.maximum(task.system.value[move.nodes], 0)
        seen = np.flatnonzero(self._watched[move.nodes])
        unit = int(np.gcd.reduce(move.change)) or 1
        used, slack = task.system.filled(move.nodes, move.change // unit)
        for sign in (1, -1):
            change = sign * (move.change // unit)
            down, filled = change < 0, sign * used > 0
            # A part may grow only as far as its whole has room, turned round or repeated as well.
            often = (slack[filled] // (sign * used[filled])).min(initial=_OFTEN)
            for strict, floor in ((False, task.bare), (True, task.floor)):
                room = (value - floor[move.nodes])[down] // -change[down]
                times = int(room.min(initial=often))
                if times < 1:
                    continue
                for at in seen.tolist():
                    node, step = int(move.nodes[at]), int(change[at])
                    for demand in self._demands[node]:
                        needed = -(-demand.amount // step) if demand.amount else 1
                        if demand.strict == strict and 1 <= needed <= times:
                            yield demand, Move(move.nodes, change * needed, move.price)
                    if strict:
                        known = self._remembered.setdefault(node, [])
                        known.append(Move(move.nodes, change, move.price))
                        del known[:-_REMEMBERED]

    def clean(self, plan: Plan, order: np.ndarray) -> int:
        """Publish withheld nodes again, in the given order, where every demand stays met.

        In a large release a node on which many others rest is kept without a try, and only
        exchanges are looked for.

        Returns:
            How many programs were solved.
        """
        users: dict[int, set[int]] = {}
        own: dict[int, dict[Demand, Move]] = {}
        for demand, move in plan.witness.items():
            own.setdefault(demand.node, {})[demand] = move
        for node, witnesses in own.items():
            _use(users, node, witnesses)
        price = np.where(self.task.open_, 1, self.task.weight)
        blocks = Components(self.task.system, plan.open_, self.task.around)
        most = _MOST_USERS if len(own) > _MANY_NODES else len(own)
        partners = Partners(self.task.system, plan.open_)
        for published in order.tolist():
            if len(users.get(published, ())) > most:
                continue
            if any(partner in own for partner in partners.of(published)):
                continue
            found = self._without(plan, published, users.get(published, ()), own, blocks, price)
            if found is None:
                continue
            plan.open_[published] = False
            partners.publish(published)
            for node, witnesses in found.items():
                _forget(users, node, own[node])
                own[node] = witnesses
                _use(users, node, witnesses)
        plan.witness = {demand: move for one in own.values() for demand, move in one.items()}
        # Of those kept without a try some are used by nobody by now.
        plan.open_ = self.task.open_.copy()
        plan.open_[[node for node, its_users in users.items() if its_users]] = True
        return blocks.runs

    def _without(
        self,
        plan: Plan,
        published: int,
        affected: Iterable[int],
        own: Mapping[int, dict[Demand, Move]],
        blocks: "Components",
        price: np.ndarray,
    ) -> dict[int, dict[Demand, Move]] | None:
        """Return new witnesses of the affected nodes that leave one alone, if all have some."""
        closed = ~plan.open_ | self.task.never
        closed[published] = True
        found: dict[int, dict[Demand, Move]] = {}
        shared: dict[Demand, Move] = {}

        def search(demand: Demand) -> Move | None:
            inside = blocks.of(demand.node) if self.task.exchanges is None else ()
            move = self._cheapest(demand, price, closed, inside)
            if move is not None:
                shared.update((other, one) for other, one in self._met(move) if other not in shared)
            return move

        # If any fails, then most likely the one for whose sake it was withheld.
        for node in sorted(affected, key=lambda one: (one != plan.cause.get(published), one)):
            kept = {d: move for d, move in own[node].items() if not move.at(published)}
            witnesses: dict[Demand, Move] = {}
            for demand in self._demands[node]:
                move = kept.get(demand) or shared.get(demand)
                if move is None and demand.strict and not demand.amount:
                    move = self._recall(plan, demand, published)
                move = move or search(demand)
                if move is None:
                    return None
                witnesses[demand] = move
                if not demand.strict:
                    continue
                for guarded in self._guarded(demand, move):
                    if guarded in self.unmet:
                        continue
                    other = kept.get(guarded) or self._recall(plan, guarded, published)
                    other = other or search(guarded)
                    if other is None:
                        return None
                    witnesses[guarded] = other
            found[node] = witnesses
        return found


def _use(users: dict[int, set[int]], node: int, witnesses: Mapping[Demand, Move]) -> None:
    for move in witnesses.values():
        for used in move.nodes.tolist():
            users.setdefault(used, set()).add(node)


def _forget(users: dict[int, set[int]], node: int, witnesses: Mapping[Demand, Move]) -> None:
    for move in witnesses.values():
        for used in move.nodes.tolist():
            users[used].discard(node)


class Partners:
    """Which withheld nodes are alone in a sum with another one, and exact without it."""

    def __init__(self, system: "System", open_: np.ndarray):
        """Count the withheld nodes of each sum."""
        self._open = open_.copy()
        self._rows, self._columns = system.relations.tocsr(), system.relations.tocsc()
        self._count = abs(self._rows).sign() @ open_.astype(np.int64)

    def of(self, node: int) -> Iterable[int]:
        """Yield the withheld nodes that would be exact if a node were published."""
        for row in self._sums(node):
            if self._count[row] == 2:  # noqa: PLR2004
                inside = self._rows.indices[self._rows.indptr[row] : self._rows.indptr[row + 1]]
                yield from inside[self._open[inside] & (inside != node)].tolist()

    def publish(self, node: int) -> None:
        """Take a node out of the withheld ones."""
        self._open[node] = False
        self._count[self._sums(node)] -= 1

    def _sums(self, node: int) -> np.ndarray:
        columns = self._columns
        return columns.indices[columns.indptr[node] : columns.indptr[node + 1]]


class Components:
    """The connected parts of the withheld nodes, each a block that is built when it is asked for.

    Attributes:
        nodes: the withheld nodes.
        label: the part of each node of the system; -1 where it is published.
    """

    def __init__(self, system: "System", open_: np.ndarray, around: "Neighbourhoods"):
        """Split the withheld nodes."""
        from scipy import sparse
        from scipy.sparse import csgraph

        self._system = system
        self.nodes = np.flatnonzero(open_)
        rows = abs(sparse.vstack([system.relations, system.parts]).tocsr()[:, self.nodes])
        # Rows and nodes as the two sides of one graph.
        graph = sparse.block_array([[None, rows.T], [rows, None]], format="csr")
        _, labels = csgraph.connected_components(graph, directed=False)
        _, labels = np.unique(labels[: len(self.nodes)], return_inverse=True)
        self.label = np.full(system.size, -1)
        self.label[self.nodes] = labels
        self._order = self.nodes[np.argsort(labels, kind="stable")]
        self._ends = np.cumsum(np.bincount(labels))
        self._around = around
        self._blocks: dict[object, Block] = {}

    def of(self, node: int) -> Iterable[Block]:
        """Yield where a withheld node may move: its part, or of a large part what lies around."""
        label = int(self.label[node])
        if label < 0:
            return
        start = self._ends[label - 1] if label else 0
        part = self._order[start : self._ends[label]]
        if len(part) > _SMALL_PART:
            key = (label, self._around.nearest(node))
            if key not in self._blocks:
                near = self._around.nodes(key[1])
                self._build(key, np.intersect1d(near, part, assume_unique=True))
            yield self._blocks[key]
        if len(part) <= _LARGE_PART:
            if label not in self._blocks:
                self._build(label, part)
            yield self._blocks[label]

    def _build(self, key: object, nodes: np.ndarray) -> None:
        self._blocks[key] = Block(self._system, nodes, branching=len(self.nodes) <= _LARGE_PART)

    @property
    def runs(self) -> int:
        """How many programs were solved."""
        return sum(block.runs for block in self._blocks.values())
