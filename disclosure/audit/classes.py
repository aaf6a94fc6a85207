"""Whether classes of an index, which rest on all counts, tell a withheld one.

For each sensitive cell two tables of whole numbers are kept that satisfy everything published and
differ in that cell: the true one, and one in which it reaches the bar of the rules. Every
published class is worked out in both; where no such pair leaves all classes as they are, the
classes that differ have to go. That only grows, so what was found before stays true.

Delivered figures have no counts and no tables. A withheld one is moved by the width that the index
declares, up and down, each alone; a class that follows has to go. What the class says of it is then
no narrower than that width to each side, whatever an attacker knows of the other figures.

Which counts of which Stichtag are the parts of an index is told by the warehouse; what is made of
them is worked out here anew (`index`). Moves of tables come from the attackers (`search`).
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from disclosure.audit.attackers import Attack, Case, make_case
from disclosure.audit.cells import Cells, enumerate_atoms, enumerate_cells
from disclosure.audit.demands import Demands, demand_counts
from disclosure.audit.index import NO_CLASS, IndexRule, index_classes
from disclosure.audit.pattern import Marks, read_marks
from disclosure.audit.search import Block, Count
from disclosure.audit.solver import Infeasible, Model, SolverFailure
from disclosure.release import TOTAL, Release, make_keys

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    import scipy.sparse as sp

    from disclosure.policy import Policy

AREA, AGE = "raum", "altersgruppe"
INHABITANTS = "einwohner melderegister"
_AT_ONCE = 2_000_000
"""So many values of areas and parts are worked out at once."""
_TRIES = 6
"""How many further tables are looked for where the first ones do not leave all classes."""
_STILL = 100
"""How much dearer a step is that moves a part of an index, in the first of these tries."""
_STEP = 10
_NAMED = 10


@dataclass(frozen=True)
class Side:
    """A count that a part is made of: a `merkmal`, or inhabitants of an age range, or all."""

    merkmal: str | None
    von: int | None
    bis: int | None

    def keys(self, release: Release) -> list[tuple[str, str]]:
        """Return the pairs (measure, age code) whose cells add up to it in every area."""
        if self.merkmal is not None:
            return [(self.merkmal, TOTAL)]
        if self.von is None:
            return [(INHABITANTS, TOTAL)]
        ages = release.dimensions[AGE].codes if AGE in release.dimensions else ()
        high = 999 if self.bis is None else self.bis
        inside = [code for code in ages if self.von <= _ages(code)[0] and _ages(code)[1] <= high]
        return [(INHABITANTS, code) for code in inside]


def _ages(code: str) -> tuple[int, int]:
    """Return the bounds of an age code such as `65-79` or `80+`; what is no age has none."""
    if not code[:2].isdigit():
        return -1, -1
    return int(code[:2]), 999 if code.endswith("+") else int(code[3:5])


@dataclass(frozen=True)
class Index:
    """An index and its classes as they are told.

    Attributes:
        rule: how it is computed.
        referenz: whose areas make the scale; None: each Stichtag on each Gebietsstand its own.
        excluded: areas that take no part.
        width: how far a withheld delivered figure has to be free, to each side.
        sides: numerator and denominator of each part that rests on counts.
        parts: `raum_id`, `gebietsstand`, `stichtag`, `indikator_id`, `teil_stichtag`,
            `nenner_stichtag`, `zaehler`, `nenner`, `wert`, and `geheim`: whether a delivered figure
            is withheld. True values: sealed.
        classes: `raum_id`, `gebietsstand`, `stichtag`, `klasse`; NULL where it is withheld.
    """

    rule: IndexRule
    referenz: date | None
    excluded: frozenset[str]
    width: float
    sides: Mapping[str, tuple[Side, Side]]
    parts: "pa.Table"
    classes: "pa.Table"


@dataclass(frozen=True)
class Protected:
    """A release of counts with its pattern, as the auditor of patterns takes them.

    Attributes:
        unsatisfiable: keys of cells that nothing can protect, as the evidence says; whether that is
            so, the auditor of patterns judges.
    """

    gebietsstand: str
    stichtag: date
    release: Release
    pattern: "pa.Table"
    primary: "pa.Table | None" = None
    given: "pa.Table | None" = None
    known: "pa.Table | None" = None
    unsatisfiable: "pa.Table | None" = None
    policy: "Policy | None" = None


@dataclass(frozen=True)
class ClassAudit:
    """What was found about classes.

    Attributes:
        taken: classes that have to go: `index_id`, `raum_id`, `gebietsstand`, `stichtag`.
        problems: what is wrong or could not be decided; keys and never a count.
        facts: for the evidence: numbers of classes, cells and tables.
    """

    taken: "pa.Table"
    problems: tuple[str, ...]
    facts: Mapping[str, object]

    @property
    def passed(self) -> bool:
        """Whether every class may stand, and nothing is wrong."""
        return not self.problems and not len(self.taken)


@dataclass
class _Scale:
    """Areas of an index that are measured on one scale.

    Attributes:
        keys: `raum_id`, `gebietsstand`, `stichtag` of each area.
        over: numerators, or delivered figures; shape (areas, parts), NaN where there is none.
        under: denominators, 1 for delivered figures.
        told: the published class by number, `NO_CLASS` where none is.
    """

    index: Index
    keys: "pa.Table"
    over: "np.ndarray"
    under: "np.ndarray"
    reference: "np.ndarray"
    excluded: "np.ndarray"
    told: "np.ndarray"
    sources: "pa.Table"
    taken: "np.ndarray" = field(init=False)

    def __post_init__(self) -> None:
        """Begin with every class as it is told."""
        import numpy as np

        self.taken = np.zeros(len(self.told), dtype=bool)

    def classes(self, over: "np.ndarray", under: "np.ndarray") -> "np.ndarray":
        """Return the classes in some tables; shape (tables, areas)."""
        import numpy as np

        with np.errstate(invalid="ignore", divide="ignore"):
            values = np.where(under > 0, over / under, np.nan)
        return index_classes(self.index.rule, values, self.reference, self.excluded)

    def differing(self, over: "np.ndarray", under: "np.ndarray") -> "np.ndarray":
        """Return which published classes differ in which tables; shape (tables, areas)."""
        told = (self.told != NO_CLASS) & ~self.taken
        return (self.classes(over, under) != self.told) & told


def audit_classes(
    indices: Sequence[Index], releases: Sequence[Protected], seconds: float = 600
) -> ClassAudit:
    """Look for withheld counts and figures that classes tell, and for classes that are wrong.

    Args:
        indices: the indices whose classes rest on all counts.
        releases: what is published of these counts. What stands in none is not protected.
        seconds: when it has to be done; a release that is not judged by then is a problem.

    Returns:
        The classes that have to go so that the others tell nothing. If there are none, they
        may stand as they are.
    """
    import numpy as np

    deadline = time.monotonic() + seconds
    scales = [scale for index in indices for scale in _scales(index)]
    problems = [fault for index in indices for fault in _stray(index)]
    problems += [fault for scale in scales for fault in _wrong(scale)]
    count = Count()
    numbers = {"sensitive cells": 0, "cells that share a table with a part": 0, "tables": 0}
    for scale in scales:
        _move_figures(scale)
    for release in releases:
        if time.monotonic() > deadline:
            problems.append(f"release {release.release.name}: not judged within {seconds} seconds")
            continue
        try:
            found, faults = _attack(scales, release, count)
        except (Infeasible, SolverFailure) as error:
            found, faults = {}, [f"undecided: release {release.release.name}: {error}"]
        problems += faults
        numbers = {name: number + found.get(name, 0) for name, number in numbers.items()}
    told = sum(int((scale.told != NO_CLASS).sum()) for scale in scales)
    return ClassAudit(
        taken=_taken(scales),
        problems=tuple(problems),
        facts={
            "classes": told,
            "classes that have to go": sum(int(np.sum(scale.taken)) for scale in scales),
            **numbers,
            "programmes": count.programmes,
        },
    )


def _taken(scales: Sequence[_Scale]) -> "pa.Table":
    import pyarrow as pa

    tables = [
        scale.keys.filter(pa.array(scale.taken)).append_column(
            "index_id", pa.repeat(scale.index.rule.index_id, int(scale.taken.sum()))
        )
        for scale in scales
    ]
    names = ["index_id", "raum_id", "gebietsstand", "stichtag"]
    kinds = [pa.string(), pa.string(), pa.string(), pa.date32()]
    nothing = pa.schema(list(zip(names, kinds, strict=True))).empty_table()
    return pa.concat_tables([nothing, *(table.select(names) for table in tables)]).sort_by(
        [(name, "ascending") for name in names]
    )


def _scales(index: Index) -> list[_Scale]:
    """Put the parts of an index into arrays, one scale each."""
    import duckdb
    import numpy as np

    with duckdb.connect() as con:
        con.execute("set threads = 1")
        con.register("parts", index.parts)
        con.register("classes", index.classes)
        rows = con.execute(
            """
            select *, dense_rank() over (
                    partition by skala order by gebietsstand, stichtag, raum_id
                ) - 1 as zeile
            from (
                select *, case when $referenz then '' else gebietsstand || ' ' || stichtag end
                    as skala
                from parts
            )
            order by skala, zeile, indikator_id
            """,
            {"referenz": index.referenz is not None},
        ).to_arrow_table()
        con.register("rows", rows)
        keys = con.execute(
            """
            select distinct skala, zeile, raum_id, gebietsstand, stichtag, klasse
            from rows left join classes using (raum_id, gebietsstand, stichtag)
            order by skala, zeile
            """
        ).to_arrow_table()
    columns = [part.indikator_id for part in index.rule.parts]
    numbers = {limits.klasse: number for number, limits in enumerate(index.rule.classes)}
    scales = []
    for skala in dict.fromkeys(keys["skala"].to_pylist()):
        own, areas = _of(rows, "skala", skala), _of(keys, "skala", skala)
        place = (own["zeile"].to_numpy(), np.array([columns.index(i) for i in _texts(own)]))
        over, under = np.full((2, len(areas), len(columns)), np.nan)
        counted = own["nenner"].is_valid().to_numpy()
        over[place] = np.where(counted, _floats(own, "zaehler"), _floats(own, "wert"))
        under[place] = np.where(counted, _floats(own, "nenner"), 1)
        dates = areas["stichtag"].to_pylist()
        scales.append(
            _Scale(
                index=index,
                keys=areas.select(["raum_id", "gebietsstand", "stichtag"]),
                over=over,
                under=under,
                reference=np.array([index.referenz in (None, day) for day in dates]),
                excluded=np.isin(areas["raum_id"].to_pylist(), list(index.excluded)),
                told=np.array([numbers.get(k, NO_CLASS) for k in areas["klasse"].to_pylist()]),
                sources=own.append_column("teil", [place[1]]),
            )
        )
    return scales


def _of(table: "pa.Table", column: str, value: object) -> "pa.Table":
    import pyarrow.compute as pc

    return table.filter(pc.equal(table[column], value))


def _texts(table: "pa.Table") -> list[str]:
    return table["indikator_id"].to_pylist()


def _floats(table: "pa.Table", column: str) -> "np.ndarray":
    import numpy as np
    import pyarrow as pa

    return table[column].cast(pa.float64()).fill_null(np.nan).to_numpy()


def _wrong(scale: _Scale) -> list[str]:
    """Name published classes that are not those of the counts."""
    import numpy as np

    (wrong,) = np.nonzero(scale.differing(scale.over[None], scale.under[None])[0])
    if not wrong.size:
        return []
    named = [f"{k['raum_id']} {k['stichtag']}" for k in scale.keys.take(wrong[:_NAMED]).to_pylist()]
    more = f" and {len(wrong) - len(named)} more" if len(wrong) > len(named) else ""
    return [
        f"index {scale.index.rule.index_id}: published classes are not those of all counts: "
        f"{', '.join(named)}{more}"
    ]


def _stray(index: Index) -> list[str]:
    """Name published classes of areas without any part, and classes that the rule does not have."""
    import duckdb

    with duckdb.connect() as con:
        con.register("parts", index.parts)
        con.register("classes", index.classes)
        stray = con.execute(
            """
            select raum_id || ' ' || stichtag from classes
            anti join parts using (raum_id, gebietsstand, stichtag) where klasse is not null
            union
            select raum_id || ' ' || stichtag from classes where not list_contains($known, klasse)
            order by 1
            """,
            {"known": [limits.klasse for limits in index.rule.classes]},
        ).fetchall()
    if not stray:
        return []
    named = ", ".join(area for (area,) in stray[:_NAMED])
    more = f" and {len(stray) - _NAMED} more" if len(stray) > _NAMED else ""
    return [f"index {index.rule.index_id}: published classes that nothing explains: {named}{more}"]


def _move_figures(scale: _Scale) -> None:
    """Take the classes that follow a withheld delivered figure within its width."""
    import numpy as np
    import pyarrow.compute as pc

    withheld = scale.sources.filter(
        pc.and_(scale.sources["geheim"], scale.sources["wert"].is_valid())
    )
    withheld = withheld.filter(withheld["nenner"].is_null())
    if not len(withheld):
        return
    rows, parts = withheld["zeile"].to_numpy(), withheld["teil"].to_numpy()
    for sign in (1, -1):
        over = np.repeat(scale.over[None], len(rows), axis=0)
        over[np.arange(len(rows)), rows, parts] += sign * scale.index.width
        under = np.broadcast_to(scale.under, over.shape)
        scale.taken |= scale.differing(over, under).any(axis=0)


@dataclass(frozen=True)
class _Touch:
    """Which withheld cells of a release are in which values of a scale.

    Attributes:
        over: numerators: values (areas × parts, flat) × withheld cells, 0/1.
        under: denominators.
    """

    scale: _Scale
    over: "sp.csr_array"
    under: "sp.csr_array"

    def differing(self, deltas: "sp.csr_array") -> "np.ndarray":
        """Return which published classes differ in which tables.

        Args:
            deltas: how much each withheld cell differs from the truth, (tables, withheld).
        """
        import numpy as np
        import scipy.sparse as sp

        over, under = sp.csr_array(deltas @ self.over.T), sp.csr_array(deltas @ self.under.T)
        shape = self.scale.over.shape
        result = np.zeros((deltas.shape[0], shape[0]), dtype=bool)
        (moved,) = np.nonzero((np.diff(over.indptr) > 0) | (np.diff(under.indptr) > 0))
        step = max(1, _AT_ONCE // self.scale.over.size)
        for start in range(0, len(moved), step):
            some = moved[start : start + step]
            result[some] = self.scale.differing(
                self.scale.over + over[some].toarray().reshape(-1, *shape),
                self.scale.under + under[some].toarray().reshape(-1, *shape),
            )
        return result


def _touches(
    scales: Sequence[_Scale], protected: Protected, cells: Cells, withheld: "np.ndarray"
) -> list[_Touch]:
    """Find the withheld cells of a release that are parts of an index."""
    touches = []
    for scale in scales:
        sides = [
            _entries(scale, protected, cells, withheld, side, column)
            for side, column in enumerate(("teil_stichtag", "nenner_stichtag"))
        ]
        if any(side.nnz for side in sides):
            touches.append(_Touch(scale, *sides))
    return touches


def _entries(
    scale: _Scale,
    protected: Protected,
    cells: Cells,
    withheld: "np.ndarray",
    side: int,
    column: str,
) -> "sp.csr_array":
    """Return values × withheld cells, 0/1, for one side of the parts."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc
    import scipy.sparse as sp

    release = protected.release
    width = scale.over.shape[1]
    here = pc.and_(
        pc.equal(scale.sources["gebietsstand"], protected.gebietsstand),
        pc.equal(scale.sources[column], protected.stichtag),
    )
    own = scale.sources.filter(here)
    values, places = [], []
    measures = {measure.name for measure in release.measures}
    for indikator_id, sides in scale.index.sides.items():
        rows = _of(own, "indikator_id", indikator_id)
        for measure, age in sides[side].keys(release):
            if not len(rows) or measure not in measures:
                continue
            keys = {"measure": measure, AREA: rows["raum_id"], AGE: age}
            table = pa.table(
                {
                    name: keys.get(name, TOTAL)
                    if name == AREA
                    else pa.repeat(keys.get(name, TOTAL), len(rows))
                    for name in release.key_columns
                }
            )
            values.append(rows["zeile"].to_numpy() * width + rows["teil"].to_numpy())
            places.append(cells.find(table))
    value = np.concatenate([np.zeros(0, dtype=np.int64), *values])
    place = np.concatenate([np.zeros(0, dtype=np.int64), *places])
    position = np.full(len(cells.key) + 1, -1)  # −1: the release has no such cell
    position[withheld] = np.arange(len(withheld))
    found = position[place] >= 0
    entries = (np.ones(int(found.sum()), dtype=np.int64), (value[found], position[place[found]]))
    return sp.csr_array(entries, shape=(scale.over.size, len(withheld)))


def _attack(
    scales: Sequence[_Scale], protected: Protected, count: Count
) -> tuple[dict[str, int], list[str]]:
    """Look for a pair of tables for each sensitive cell; take the classes that forbid one."""
    import numpy as np

    release = protected.release
    cells = enumerate_cells(release)
    marks = read_marks(cells, protected.pattern)
    primary = protected.primary
    if primary is not None:
        primary = make_keys(release, primary, "primary", optional=("width",))
    demands = demand_counts(cells, marks, primary, protected.policy)
    withheld = np.flatnonzero(marks.suppressed)
    touches = _touches(scales, protected, cells, withheld)
    sensitive = demands.sensitive[withheld]
    numbers = {"sensitive cells": int(sensitive.sum())}
    if not touches:
        return numbers, []
    case = _case(cells, marks, demands, protected)
    attack = Attack(case, case.knowledge(zeros_are_printed=True), count)
    parts = sum(touch.over.sum(axis=0) + touch.under.sum(axis=0) for touch in touches) > 0
    wanted = np.flatnonzero(sensitive & _linked(attack, parts))
    numbers["cells that share a table with a part"] = len(wanted)
    bar, width = demands.bar[withheld], demands.width[withheld]
    rise = np.where(bar > 0, np.maximum(bar - cells.value[withheld], 1), np.maximum(width, 1))
    search = _Search(attack, touches, parts)
    late = search.run(wanted, rise, bar > 0)
    numbers["tables"] = search.tables
    # What the one who knows that zeros are printed cannot raise to the bar has to move for him, and
    # to reach the bar for the others.
    told = np.diff(attack.system.watched.indptr) == 0
    stuck = np.flatnonzero(sensitive & parts & told)
    if late.size:
        unmoved = search.run(late, np.ones_like(rise), np.zeros(len(rise), dtype=bool))
        outsider = Attack(case, case.knowledge(zeros_are_printed=False), count)
        again = _Search(outsider, touches, parts)
        stuck = np.concatenate([stuck, unmoved, again.run(late, rise, bar > 0)])
        numbers["tables"] += again.tables
    return numbers, _without_table(cells, withheld[stuck], protected)


def _without_table(cells: Cells, stuck: "np.ndarray", protected: Protected) -> list[str]:
    """Name the cells of which no second table was found, but for those that nothing protects."""
    import numpy as np

    stuck = np.unique(stuck)
    if protected.unsatisfiable is not None:
        stuck = np.setdiff1d(stuck, cells.find(protected.unsatisfiable))
    if not stuck.size:
        return []
    named = ", ".join(" × ".join(name) for name in cells.names(stuck[:_NAMED]))
    more = f" and {len(stuck) - _NAMED} more" if len(stuck) > _NAMED else ""
    return [f"release {protected.release.name}: no second table found for {named}{more}"]


def _case(cells: Cells, marks: Marks, demands: Demands, protected: Protected) -> Case:
    public = ~marks.suppressed & ~cells.unknown
    atoms = enumerate_atoms(cells, public & (cells.value == 0))
    return make_case(
        cells,
        atoms,
        marks.suppressed,
        demands.may_be_zero,
        given=protected.given,
        known=protected.known,
    )


def _linked(attack: Attack, parts: "np.ndarray") -> "np.ndarray":
    """Return the withheld cells that share equations, directly or not, with a part of an index.

    Of any other cell a second table can be had that leaves all parts where they are.
    """
    import numpy as np
    import scipy.sparse as sp
    from scipy.sparse.csgraph import connected_components

    system = attack.system
    rows = abs(sp.csr_array(sp.vstack([system.equal, system.least])))
    graph = sp.block_array([[None, rows], [rows.T, None]])
    label = connected_components(graph, directed=False)[1][rows.shape[0] :]
    of_cell = system.watched.tocoo()
    touched = np.unique(label[of_cell.col[parts[of_cell.row]]])
    linked = np.zeros(len(parts), dtype=bool)
    linked[of_cell.row[np.isin(label[of_cell.col], touched)]] = True
    return linked


class _Piece:
    """A part of a block whose unknowns share equations: within it, moves are short and cheap.

    Attributes:
        block: the part as a block of its own; its `cells` are all those of the whole.
    """

    def __init__(self, block: Block, columns: "np.ndarray", parts: "np.ndarray"):
        """Cut out some unknowns, as a mask; all others stay where they are.

        Args:
            block: the whole.
            columns: which of its unknowns.
            parts: which of all withheld cells are parts of an index.
        """
        import numpy as np
        import scipy.sparse as sp

        self.block = block.without(~columns)
        own = self.block
        rows = sp.csr_array(sp.vstack([own.equal, own.least, own.watched]))
        self._parts = sp.csr_array(own.watched[parts[own.cells]]).sum(axis=0) > 0
        self._first = own.equal.shape[0] + own.least.shape[0]
        none, free = np.zeros(own.equal.shape[0]), np.full(len(own.cells), np.inf)
        endless = np.full(len(own.columns), np.inf)
        self._model = Model(
            sp.csr_array(sp.hstack([rows, -rows])),
            np.concatenate([none, -own.room, -free]),
            np.concatenate([none, np.full(len(own.room), np.inf), free]),
            np.zeros(2 * len(endless)),
            np.concatenate([endless, own.fall]),
        )

    def prepare(self, attempt: int) -> None:
        """Draw what a step costs; first, parts of indices are to stay as far as possible."""
        import numpy as np

        cost = np.random.default_rng(attempt).integers(_STEP, 2 * _STEP, len(self.block.columns))
        if attempt % 2 == 0:
            cost[self._parts] *= _STILL
        self._model.set_cost(-np.concatenate([cost, cost]))

    def move(self, place: int, rise: int, sign: int) -> bool:
        """Look for a short move in which a cell rises (or falls) so far; the block keeps it.

        Returns:
            Whether there is one.
        """
        import numpy as np

        ends = (rise, np.inf) if sign > 0 else (-np.inf, -rise)
        self._model.set_row(self._first + place, *ends)
        self.block.count.programmes += 1
        half = len(self.block.columns)
        try:
            steps = self._model.maximise()
            self.block.harvest(steps[:half] - steps[half:])
        except Infeasible:
            return False
        finally:
            self._model.set_row(self._first + place, -np.inf, np.inf)
        return True


class _Search:
    """Looks for tables that leave all published classes, one attacker's.

    Attributes:
        tables: how many tables were tried.
    """

    def __init__(self, attack: Attack, touches: Sequence[_Touch], parts: "np.ndarray"):
        """Cut the attacker's blocks into pieces."""
        self.attack, self.touches, self.tables = attack, touches, 0
        self._pieces: dict[int, list[tuple[_Piece, int]]] = {}
        self._beyond: set[tuple[int, int, int]] = set()
        for block in attack.blocks:
            _cut(block, parts, self._pieces)

    def run(self, cells: "np.ndarray", rise: "np.ndarray", up_only: "np.ndarray") -> "np.ndarray":
        """Find for each cell a table, or take the fewest classes that forbid one.

        Args:
            cells: positions among the withheld.
            rise: by how much each of all withheld cells has to differ from the truth.
            up_only: whether it has to be more.

        Returns:
            The cells of which there is no such table, whatever the classes are.
        """
        import numpy as np

        left, tried = cells, []
        for attempt in range(_TRIES if left.size else 0):
            blocks = self._look(left, rise, up_only, attempt)
            left = self._judge(left, blocks, rise, up_only, tried)
        late = left[~np.isin(left, _owners(tried))]
        starts = [(block, len(block.moves)) for block in self.attack.blocks]
        for cell in late:  # no piece is enough
            for block, place in self.attack.places[cell]:
                _ = block.reach(place, int(rise[cell])) or (
                    not up_only[cell] and block.reach(place, int(rise[cell]), -1)
                )
        still = self._judge(late, starts, rise, up_only, tried)
        left = np.setdiff1d(left, np.setdiff1d(late, still))
        reached = np.isin(left, _owners(tried))
        for cell in left[reached]:
            self._take(cell, tried)
        return left[~reached]

    def _look(
        self, cells: "np.ndarray", rise: "np.ndarray", up_only: "np.ndarray", attempt: int
    ) -> list[tuple[Block, int]]:
        """Look for one more move for each cell; return where, and how many moves there were."""
        used: dict[int, tuple[_Piece, int]] = {}
        for cell in cells:
            for piece, place in self._pieces.get(int(cell), ()):
                if id(piece) not in used:
                    used[id(piece)] = piece, len(piece.block.moves)
                    piece.prepare(attempt)
                for sign in (1,) if up_only[cell] else (1, -1):
                    if (id(piece), place, sign) not in self._beyond and not piece.move(
                        place, int(rise[cell]), sign
                    ):
                        self._beyond.add((id(piece), place, sign))
        return [(piece.block, start) for piece, start in used.values()]

    def _judge(
        self,
        cells: "np.ndarray",
        blocks: list[tuple[Block, int]],
        rise: "np.ndarray",
        up_only: "np.ndarray",
        tried: "list[tuple[np.ndarray, sp.csr_array]]",
    ) -> "np.ndarray":
        """Return the cells for which none of the new moves will do; note what was tried."""
        import numpy as np

        found = np.zeros(len(rise), dtype=bool)
        for block, start in blocks:
            owner, deltas = _tables_of(block, start, cells, rise, up_only)
            if not len(owner):
                continue
            self.tables += len(owner)
            spoilt = sum(touch.differing(deltas).sum(axis=1) for touch in self.touches) > 0
            found[owner[~spoilt]] = True
            tried.append((owner, deltas))
        return cells[~found[cells]]

    def _take(self, cell: int, tried: "list[tuple[np.ndarray, sp.csr_array]]") -> None:
        """Take the classes that differ in the table of a cell that costs fewest."""
        import scipy.sparse as sp

        own = [deltas[owner == cell] for owner, deltas in tried if (owner == cell).any()]
        if not own:
            return
        deltas = sp.csr_array(sp.vstack(own))
        differing = [touch.differing(deltas) for touch in self.touches]
        best = sum(found.sum(axis=1) for found in differing).argmin()
        for touch, found in zip(self.touches, differing, strict=True):
            touch.scale.taken |= found[best]


def _owners(tried: "Sequence[tuple[np.ndarray, sp.csr_array]]") -> "np.ndarray":
    """Return the cells for which some table was tried."""
    import numpy as np

    return np.concatenate([np.zeros(0, dtype=np.int64), *(owner for owner, _ in tried)])


def _cut(block: Block, parts: "np.ndarray", pieces: dict[int, list[tuple[_Piece, int]]]) -> None:
    """Cut a block where no equation holds it together; note in which pieces each cell lies."""
    import numpy as np
    import scipy.sparse as sp
    from scipy.sparse.csgraph import connected_components

    graph = sp.block_array([[None, block.equal], [block.equal.T, None]])
    label = connected_components(abs(graph), directed=False)[1][block.equal.shape[0] :]
    of_cell = block.watched.tocoo()
    for number in np.unique(label[of_cell.col]):
        piece = _Piece(block, label == number, parts)
        for place in np.unique(of_cell.row[label[of_cell.col] == number]):
            pieces.setdefault(int(block.cells[place]), []).append((piece, int(place)))


def _tables_of(
    block: Block, since: int, cells: "np.ndarray", rise: "np.ndarray", up_only: "np.ndarray"
) -> "tuple[np.ndarray, sp.csr_array]":
    """Return the tables that a block's moves give for cells: each move as often as is needed.

    Returns:
        For each table the withheld cell that it is for, and how much every withheld cell differs.
    """
    import numpy as np
    import scipy.sparse as sp

    width = len(rise)
    none = np.zeros(0, dtype=np.int64), sp.csr_array((0, width), dtype=np.int64)
    if len(block.moves) <= since:
        return none
    moves = sp.csr_array(sp.vstack(block.moves[since:]))
    effects = sp.coo_array(block.effects(since))
    effects.eliminate_zeros()
    cell = block.cells[effects.col]
    chosen = np.isin(cell, cells)
    move, cell, size = effects.row[chosen], cell[chosen], effects.data[chosen]
    times = -(-rise[cell] // np.abs(size)) * np.sign(size)
    both = ~up_only[cell]
    move, cell = np.concatenate([move, move[both]]), np.concatenate([cell, cell[both]])
    times = np.concatenate([times, -times[both]])
    most = {sign: _most_times(block, moves, sign) for sign in (1, -1)}
    allowed = np.where(times > 0, most[1][move], -most[-1][move])
    fits = np.abs(times) <= np.abs(allowed)
    move, cell, times = move[fits], cell[fits], times[fits]
    wide = sp.csr_array(
        (effects.data, (effects.row, block.cells[effects.col])), shape=(len(most[1]), width)
    )
    scaled = sp.csr_array(wide[move].multiply(times[:, None])) if len(move) else none[1]
    return cell, scaled


def _most_times(block: Block, moves: "sp.csr_array", sign: int) -> "np.ndarray":
    """Return how often each move can be made in one direction; 0 if not once."""
    import numpy as np

    most = np.full(moves.shape[0], np.inf)
    for steps, room in ((moves, block.fall), (moves @ block.least.T, block.room)):
        entries = steps.tocoo()
        falling = sign * entries.data < 0
        row, column = entries.row[falling], entries.col[falling]
        np.minimum.at(most, row, room[column] // np.abs(entries.data[falling]))
    return most
