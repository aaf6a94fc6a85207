"""Whether classes of an index, which rest on all counts, tell a withheld one.

For each sensitive cell two tables of whole numbers are kept that satisfy everything published and
differ in that cell: the true one, and one in which it reaches the bar of the rules. Every
published class is worked out in both; where no such pair leaves all classes as they are, the
classes that differ have to go. That only grows, so what was found before stays true.

What the rule `komplement` keeps of a whole without its part is no cell, and treated as one.

Delivered figures have no counts and no tables. A withheld one is moved by the width that the index
declares, up and down, each alone; a class that follows has to go. What the class says of it is then
no narrower than that width to each side, whatever an attacker knows of the other figures.

Which counts of which Stichtag are the parts of an index is told by the warehouse; what is made of
them is worked out anew (`scales`, `index`). Second tables are looked for by `twins`.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from disclosure.audit.attackers import Attack
from disclosure.audit.case import Case, make_case
from disclosure.audit.cells import Cells, enumerate_atoms, enumerate_cells, with_given
from disclosure.audit.demands import Demands, demand_counts
from disclosure.audit.index import NO_CLASS
from disclosure.audit.pattern import Marks, read_marks
from disclosure.audit.rules import small_rests
from disclosure.audit.scales import (
    Index,
    Protected,
    Scale,
    beside,
    find_touches,
    make_scales,
    move_figures,
)
from disclosure.audit.search import Count
from disclosure.audit.solver import Infeasible, SolverFailure, TimeOut
from disclosure.audit.twins import Search
from disclosure.keys import make_keys
from disclosure.policy import with_thresholds

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

_NAMED = 10


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

    count = Count(deadline=time.monotonic() + seconds)
    scales = [scale for index in indices for scale in make_scales(index)]
    problems = [fault for index in indices for fault in _stray(index)]
    problems += [fault for scale in scales for fault in _wrong(scale)]
    numbers = {"sensitive cells": 0, "cells that share a table with a part": 0, "tables": 0}
    for scale in scales:
        move_figures(scale)
    for release in releases:
        try:
            count.seconds_left()
            found, faults = _attack(scales, release, count)
        except TimeOut:
            fault = f"release {release.release.name}: not judged within {seconds} seconds"
            found, faults = {}, [fault]
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


def _taken(scales: Sequence[Scale]) -> "pa.Table":
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


def _wrong(scale: Scale) -> list[str]:
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


def _attack(
    scales: Sequence[Scale], protected: Protected, count: Count
) -> tuple[dict[str, int], list[str]]:
    """Look for a pair of tables for each sensitive cell; take the classes that forbid one."""
    import numpy as np

    release = protected.release
    if protected.policy is not None:
        release = with_thresholds(release, protected.policy)
    cells = with_given(enumerate_cells(release), protected.given)
    marks = read_marks(cells, protected.pattern)
    primary = protected.primary
    if primary is not None:
        primary = make_keys(release, primary, "primary", optional=("width",))
    demands = demand_counts(cells, marks, primary, protected.policy)
    watched = marks.suppressed | demands.at_source
    withheld = np.flatnonzero(watched)
    touches = find_touches(scales, protected, cells, withheld)
    numbers = {"sensitive cells": int(demands.sensitive[withheld].sum())}
    if not touches:
        return numbers, []
    case = _case(cells, marks, watched, demands, protected)
    touches = [beside(touch, len(case.rests)) for touch in touches]
    sensitive = case.stretch(demands.sensitive, True)
    numbers["sensitive cells"] = int(sensitive.sum())
    attack = Attack(case, case.knowledge(zeros_are_printed=True), count)
    parts = sum(touch.over.sum(axis=0) + touch.under.sum(axis=0) for touch in touches) > 0
    wanted = np.flatnonzero(sensitive & _linked(attack, parts))
    numbers["cells that share a table with a part"] = len(wanted)
    hidden = 0 if case.hidden is None else case.hidden.bar
    bar, width = case.stretch(demands.bar, hidden), case.stretch(demands.width, 0)
    rise = np.where(bar > 0, np.maximum(bar - attack.base, 1), np.maximum(width, 1))
    search = Search(attack, touches, parts)
    late = search.run(wanted, rise, bar > 0)
    numbers["tables"] = search.tables
    # What the one who knows that zeros are printed cannot raise to the bar has to move for him, and
    # to reach the bar for the others.
    told = np.diff(attack.system.watched.indptr) == 0
    stuck = np.flatnonzero(sensitive & parts & told)
    if late.size:
        unmoved = search.run(late, np.ones_like(rise), np.zeros(len(rise), dtype=bool))
        knowledge = case.knowledge(zeros_are_printed=False)
        outsider = Attack(case, knowledge, count, table=attack.table)
        again = Search(outsider, touches, parts)
        stuck = np.concatenate([stuck, unmoved, again.run(late, rise, bar > 0)])
        numbers["tables"] += again.tables
    return numbers, _without_table(case, stuck, protected)


def _without_table(case: Case, stuck: "np.ndarray", protected: Protected) -> list[str]:
    """Name what has no second table, but for cells (and their rests) that nothing protects."""
    import numpy as np

    names, cells = case.names(np.unique(stuck)), case.cells
    if protected.unsatisfiable is not None:
        excused = set(cells.names(np.flatnonzero(cells.mask(cells.find(protected.unsatisfiable)))))
        names = [name for name in names if name[: len(cells.release.key_columns)] not in excused]
    if not names:
        return []
    named = ", ".join(" × ".join(name) for name in names[:_NAMED])
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return [f"release {protected.release.name}: no second table found for {named}{more}"]


def _case(
    cells: Cells, marks: Marks, watched: "np.ndarray", demands: Demands, protected: Protected
) -> Case:
    public = ~marks.suppressed & ~cells.unknown
    atoms = enumerate_atoms(cells, public & (cells.value == 0))
    return make_case(
        cells,
        atoms,
        watched,
        demands.may_be_zero,
        given=protected.given,
        known=protected.known,
        old=protected.old,
        hidden=small_rests(cells, atoms, protected.policy),
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
