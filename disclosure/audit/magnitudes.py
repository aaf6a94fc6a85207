"""The audit of magnitudes: sums of what several holders (carriers) contribute.

A magnitude is sensitive if fewer than the least number of holders contribute, or if the largest
contribution is known to within p percent once the second largest knows its own. Attackers are the
public, municipalities, and every holder, who knows all its own contributions in all cells; where it
is alone in an atom, it knows that, too. Values are doubles: there are no whole numbers to help or
to check.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from disclosure.audit.blocks import make_blocks
from disclosure.audit.case import Municipalities, atom_owners, families_implied
from disclosure.audit.cells import (
    Atoms,
    Cells,
    enumerate_atoms,
    enumerate_cells,
    holder_names,
    incidence,
    rows_of,
    shares,
    table_keys,
)
from disclosure.audit.pattern import (
    check_identical,
    check_marks,
    check_single_children,
    read_marks,
)
from disclosure.audit.report import Audit, Hit
from disclosure.audit.rules import cells_that_must_stay
from disclosure.audit.search import Block, Count
from disclosure.audit.solver import Infeasible, SolverFailure, TimeOut, version
from disclosure.audit.system import Knowledge, simplify
from disclosure.release import Release

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    import scipy.sparse as sp

    from disclosure.policy import Policy

_LARGEST = 1e4
"""Values are scaled so that the largest is this; the solver's tolerance is 1e-7."""
_SLACK = 1e-5


@dataclass(frozen=True)
class _Case:
    cells: Cells
    atoms: Atoms
    members: "sp.csr_array"
    equal: "sp.csr_array"
    equal_to: "np.ndarray"
    implied: "np.ndarray"
    withheld: "np.ndarray"
    sensitive: "np.ndarray"  # of the withheld, as a mask
    width: "np.ndarray"  # of the withheld, how wide their interval must be; scaled
    by_cell: "sp.csr_array"  # what each holder contributes, scaled
    by_atom: "sp.csr_array"
    owner: "np.ndarray"  # of each atom the number of its municipality, 0: none
    municipalities: Sequence[str]  # what they are called, from number 1
    holders: Sequence[str]
    scale: float


@dataclass(frozen=True)
class _Rules:
    """What holds for all cells; every array has the shape (cells,)."""

    sensitive: "np.ndarray"
    width: "np.ndarray"
    owners: Municipalities | None
    tables: "Sequence[pa.Table]"  # what everybody knows beside the pattern


def audit_magnitudes(
    release: Release,
    pattern: "pa.Table",
    count: Count,
    *,
    policy: "Policy | None" = None,
    primary: "pa.Table | None" = None,
    given: "pa.Table | None" = None,
    known: "pa.Table | None" = None,
    unsatisfiable: "pa.Table | None" = None,
    owners: Municipalities | None = None,
) -> Audit:
    """Attack a pattern of magnitudes; arguments and result are those of `audit_release`.

    The public (A0) and each holder (A2) must be left with an upper bound that is p percent above
    the largest contribution of anybody else, and no sensitive cell may be exact; to no
    municipality (M, where `owners` are handed in) either. That zeros are printed (A1) tells
    nothing of an amount: it is above 0, by however little.
    """
    import numpy as np

    started = time.monotonic()
    cells = enumerate_cells(release)
    marks = read_marks(cells, pattern)
    public = ~marks.suppressed & ~cells.unknown
    named, width = cells_that_must_stay(cells, policy), np.zeros(len(cells.key))
    if primary is not None:
        place = cells.find(primary)
        named[place[place >= 0]] = True
        if "width" in primary.column_names:
            width[place[place >= 0]] = primary["width"].fill_null(0).to_numpy()[place >= 0]
    by_cell, _ = shares(cells, enumerate_atoms(cells, public & (cells.value == 0)))
    sensitive = sensitive_magnitudes(release, by_cell) | named | marks.primary & marks.suppressed
    excused = cells.mask([] if unsatisfiable is None else cells.find(unsatisfiable))
    rules = _Rules(sensitive, width, owners, [t for t in (given, known) if t is not None])
    case = _make_case(cells, marks.suppressed, rules)
    problems = [
        *marks.problems,
        *check_marks(cells, marks, sensitive, named | cells.unknown),
        *check_single_children(cells, marks, public, excused),
        *check_identical(cells, marks, case.members),
    ]
    if case.atoms.unknown.any():
        problems.append("undecided: magnitudes that are unknown to us cannot be audited")
    hits: list[Hit] = []
    hopeless: list[Hit] = []
    rows: list[tuple] = []
    try:
        hits = _all_attacks(case, count, rows)
        hits, hopeless = _excuse(case, rules, hits, excused, count)
    except (Infeasible, SolverFailure, TimeOut) as error:
        problems.append(f"undecided: {error}")
    return Audit(
        release=release.name,
        hits=tuple(sorted(set(hits), key=_order)),
        problems=tuple(problems),
        intervals=_interval_table(cells, rows),
        unsatisfiable=tuple(hopeless),
        facts={
            "solver": version(),
            "attackers": ["A0", "A2", *(["M"] if owners else [])],
            "published cells": len(cells.key),
            "withheld cells": int(marks.suppressed.sum()),
            "sensitive cells": int(sensitive.sum()),
            "programmes": count.programmes,
            "whole programmes": 0,
            "seconds": round(time.monotonic() - started, 3),
        },
    )


def _order(hit: Hit) -> tuple:
    return hit.attacker, hit.learned, hit.key, hit.known_by


def _make_case(cells: Cells, suppressed: "np.ndarray", rules: _Rules) -> _Case:
    import numpy as np

    public = ~suppressed & ~cells.unknown
    atoms = enumerate_atoms(cells, public & (cells.value == 0))
    by_cell, by_atom = shares(cells, atoms)
    members = incidence(cells, atoms)
    scale = _LARGEST / max(float(cells.value.max(initial=0)), 1e-300)
    extra, extra_to = _extra(cells.release, atoms, rules.tables)
    stated = public & (np.diff(members.indptr) > 0)
    withheld = np.flatnonzero(suppressed)
    implied = families_implied(cells, members, public)[stated]
    return _Case(
        cells=cells,
        atoms=atoms,
        members=members,
        equal=_stack(members[stated], extra),
        equal_to=np.concatenate([cells.value[stated], extra_to]) * scale,
        implied=np.concatenate([implied, np.zeros(len(extra_to), dtype=bool)]),
        withheld=withheld,
        sensitive=rules.sensitive[withheld],
        width=rules.width[withheld] * scale,
        by_cell=by_cell * scale,
        by_atom=by_atom * scale,
        owner=atom_owners(cells, atoms, rules.owners),
        municipalities=rules.owners.codes if rules.owners else (),
        holders=holder_names(cells.release),
        scale=scale,
    )


def _all_attacks(case: _Case, count: Count, rows: list[tuple]) -> list[Hit]:
    """Let the public, each holder and each municipality attack, and return what falls."""
    import numpy as np

    hits = []
    for holder in (None, *range(case.by_cell.shape[1])):
        hits += _attack(case, holder, count, rows)
    for number in np.unique(case.owner[case.owner > 0]).tolist():
        hits += _attack_by_municipality(case, number, count)
    return hits


def _excuse(
    case: _Case, rules: _Rules, hits: list[Hit], excused: "np.ndarray", count: Count
) -> tuple[list[Hit], list[Hit]]:
    """Tell the hits that nothing can prevent, if the evidence names them, from the others."""
    import numpy as np

    cells = case.cells
    named = set(cells.names(np.flatnonzero(excused)))
    claimed = [hit for hit in hits if hit.key in named]
    if not claimed:
        return hits, []
    only = cells.mask(cells.find_names([hit.key for hit in claimed]))
    suppressed = cells.value > 0
    suppressed[case.withheld] = True
    most = _make_case(cells, suppressed, replace(rules, sensitive=rules.sensitive & only))
    still = set(_all_attacks(most, count, []))
    excusable = [hit for hit in claimed if hit in still]
    return [hit for hit in hits if hit not in excusable], excusable


def sensitive_magnitudes(release: Release, by_cell: "sp.csr_array") -> "np.ndarray":
    """Return which cells are sensitive by the p % rule or for want of holders, shape (cells,)."""
    import numpy as np

    holders = np.diff(by_cell.indptr)
    largest, second = _two_largest(by_cell)
    rest = by_cell.sum(axis=1) - largest - second
    few = (holders > 0) & (holders < release.min_contributors)
    return few | ((holders > 0) & (rest < release.p / 100 * largest))


def _two_largest(by_cell: "sp.csr_array") -> tuple["np.ndarray", "np.ndarray"]:
    import numpy as np

    row = np.repeat(np.arange(by_cell.shape[0]), np.diff(by_cell.indptr))
    order = np.lexsort((-by_cell.data, row))
    values, rows = by_cell.data[order], row[order]
    rank = np.arange(len(rows)) - by_cell.indptr[rows]
    result = []
    for place in (0, 1):
        top = np.zeros(by_cell.shape[0])
        top[rows[rank == place]] = values[rank == place]
        result.append(top)
    return result[0], result[1]


def _blocks(case: _Case, low: "np.ndarray", known: "np.ndarray", count: Count) -> list[Block]:
    """Return the blocks of one who knows how much each atom is at least, and some exactly."""
    import numpy as np

    truth = case.atoms.truth * case.scale
    knowledge = Knowledge(
        equal=case.equal,
        equal_to=case.equal_to,
        least=case.equal[:0],
        least_of=np.zeros(0),
        low=low,
        watched=case.members[case.withheld],
        apart=np.arange(len(case.atoms.key)),
        slack=_SLACK,
    ).fix(known, truth[known])
    implied = np.concatenate([case.implied, np.zeros(len(known), dtype=bool)])
    system = simplify(knowledge, implied)
    codes = case.atoms.codes[system.first]
    return make_blocks(system, system.add_up(truth), codes, count, whole=False, slack=_SLACK)


def _attack(case: _Case, holder: int | None, count: Count, rows: list[tuple]) -> list[Hit]:
    """Let the public (or one holder) attack, and return what falls."""
    import numpy as np

    own = np.zeros(len(case.withheld))
    others = case.by_cell[case.withheld]
    low, alone = np.zeros(len(case.atoms.key)), np.zeros(0, dtype=np.int64)
    if holder is not None:
        own = others[:, [holder]].toarray().ravel()
        low = case.by_atom[:, [holder]].toarray().ravel()
        others = _without_column(others, holder)
        alone = np.flatnonzero((low > 0) & (np.diff(case.by_atom.indptr) == 1))
    blocks = _blocks(case, low, alone, count)
    largest = others.max(axis=1).toarray().ravel() if others.shape[1] else np.zeros(len(own))
    value = case.cells.value[case.withheld] * case.scale
    aimed = case.sensitive & ((largest > 0) | ((value == 0) & (holder is None)))
    bar = own + (1 + case.cells.release.p / 100) * largest - value
    rise = np.where(aimed, np.maximum(bar, _little(value)), 0)
    up = _raise(blocks, rise)
    names = case.cells.names(case.withheld)
    attacker = "A0" if holder is None else "A2"
    for cell in np.flatnonzero(aimed):
        top = (value[cell] + up[cell]) / case.scale
        rows.append((int(case.withheld[cell]), attacker, top))
    fallen = np.flatnonzero(aimed & (up < rise * (1 - 1e-6) - 10 * _SLACK))
    known_by = () if holder is None else (case.holders[holder],)
    hits = []
    for cell in fallen:
        falls = sum(_widest(blocks, cell, -1)) > 10 * _SLACK
        if bar[cell] <= 0 and falls:
            continue  # its bound is far enough from anybody's amount, and it is not exact
        exact = up[cell] <= 10 * _SLACK and not falls
        hits.append(Hit(names[cell], attacker, "exact" if exact else "upper bound", known_by))
    if holder is None:
        hits += [Hit(names[cell], attacker, "interval") for cell in _narrow(case, blocks)]
    return hits


def _attack_by_municipality(case: _Case, number: int, count: Count) -> list[Hit]:
    """Let one municipality attack with all amounts of its areas, and return what is exact."""
    import numpy as np

    blocks = _blocks(
        case, np.zeros(len(case.atoms.key)), np.flatnonzero(case.owner == number), count
    )
    elsewhere = case.members[case.withheld][:, case.owner != number].sum(axis=1) > 0
    aimed = case.sensitive & elsewhere
    value = case.cells.value[case.withheld] * case.scale
    rise = np.where(aimed, _little(value), 0)
    fallen = np.flatnonzero(aimed & (_raise(blocks, rise) < rise - 10 * _SLACK))
    known_by = (case.municipalities[number - 1],)
    return [
        Hit(case.cells.names([case.withheld[cell]])[0], "M", "exact", known_by)
        for cell in fallen
        if sum(_widest(blocks, cell, -1)) <= 10 * _SLACK
    ]


def _little(value: "np.ndarray") -> "np.ndarray":
    """Return by how much an amount must be able to rise so that it is not exact."""
    import numpy as np

    return 1e-3 * np.maximum(value, 1)


def _narrow(case: _Case, blocks: Sequence[Block]) -> list[int]:
    """Return the withheld cells whose interval is narrower than demanded."""
    import numpy as np

    return [
        int(cell)
        for cell in np.flatnonzero(case.width > 0)
        if sum(_widest(blocks, cell, 1)) + sum(_widest(blocks, cell, -1))
        < case.width[cell] - 10 * _SLACK
    ]


def _widest(blocks: Sequence[Block], cell: int, sign: int) -> list[float]:
    import numpy as np

    return [
        block.widest(int(place), sign)
        for block in blocks
        for place in np.flatnonzero(block.cells == cell)
    ]


def _raise(blocks: Sequence[Block], rise: "np.ndarray") -> "np.ndarray":
    """Return how far each cell is seen to rise, at least as far as asked where it can."""
    import numpy as np

    up = np.zeros(len(rise))
    for block in blocks:
        block.spread_by_pieces(rise[block.cells], whole=False)
        up[block.cells] += block.up
    for block in blocks:
        for place in np.flatnonzero(rise[block.cells] > up[block.cells]):
            cell = block.cells[place]
            before = block.up[place]
            if not block.reach(int(place), float(rise[cell] - up[cell] + before)):
                widest = block.widest(int(place))
                up[cell] += 0 if np.isfinite(widest) else np.inf
            up[cell] += block.up[place] - before
    return up


def _without_column(matrix: "sp.csr_array", column: int) -> "sp.csr_array":
    import numpy as np

    return matrix[:, np.arange(matrix.shape[1]) != column]


def _extra(
    release: Release, atoms: Atoms, tables: "Sequence[pa.Table]"
) -> tuple["sp.csr_array | None", "np.ndarray"]:
    """Return given totals and earlier editions as equations."""
    import numpy as np
    import scipy.sparse as sp

    if not tables:
        return None, np.zeros(0)
    rows = sp.csr_array(
        sp.vstack([rows_of(release, atoms, table_keys(release, table)) for table in tables])
    )
    return rows, np.concatenate([table["value"].to_numpy() for table in tables])


def _stack(rows: "sp.csr_array", extra: "sp.csr_array | None") -> "sp.csr_array":
    import scipy.sparse as sp

    return sp.csr_array(rows if extra is None else sp.vstack([rows, extra]))


def _interval_table(cells: Cells, rows: Sequence[tuple]) -> "pa.Table":
    import pyarrow as pa

    keys = cells.key_table([row[0] for row in rows])
    columns = dict(zip(keys.column_names, keys.columns, strict=True))
    columns["attacker"] = pa.array([row[1] for row in rows], pa.string())
    columns["upper"] = pa.array([row[2] for row in rows], pa.float64())
    columns["form"] = pa.array(["at least"] * len(rows), pa.string())
    return pa.table(columns)
