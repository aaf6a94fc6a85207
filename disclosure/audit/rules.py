"""The auditor's own reading of the rules beside minimum frequency.

It shares their parameters, the region's policy, with the engine, and no code. Cells that must be
withheld belong here, and sums that must not be told though no cell shows them. How they are
attacked does not.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

from disclosure.audit.case import Hidden
from disclosure.audit.cells import Atoms, Cells, enumerate_atoms, rows_of, table_keys
from disclosure.release import Measure, PartOf

if TYPE_CHECKING:
    import numpy as np
    import scipy.sparse as sp

    from disclosure.policy import Homogenitaet, Kombination, Komplement, Policy


def cells_that_must_stay(cells: Cells, policy: "Policy | None") -> "np.ndarray":
    """Return the cells that homogeneity, combination or `nie_unterhalb` forbid; shape (cells,).

    The rules are those of docs/geheimhaltung.md; those about persons do not hold for magnitudes.
    Zeros among them stay, too, but not the parts of a zero that is printed.
    """
    import numpy as np

    stay = np.zeros(len(cells.key), dtype=bool)
    if policy is None:
        return stay
    if policy.nie_unterhalb:
        depth = _depth(cells, policy.raum.dimension)
        for rule in policy.nie_unterhalb:
            stay |= _of_measures(cells, rule.merkmale) & (depth > rule.ebene)
    persons = cells.release.kind == "freq"
    if policy.kombination and persons:
        stay |= _too_many_meet(cells, policy, policy.kombination)
    if (rule := policy.homogenitaet) and persons:
        atoms = enumerate_atoms(cells, np.zeros(len(cells.key), dtype=bool))
        for rest in _rests(cells, atoms, rule):
            stay[rest.part[(rest.value == 0) & (cells.value[rest.part] >= rule.ab)]] = True
    return _without_told_zeros(cells, stay)


def _without_told_zeros(cells: Cells, stay: "np.ndarray") -> "np.ndarray":
    """Return what can stay: not a zero below a larger cell that prints its zero."""
    zero = (cells.value == 0) & ~cells.unknown
    above = [cells.parents(place) for place in range(len(cells.release.dimensions))]
    while True:
        printed = zero & ~stay
        told = stay & zero & sum(printed[up] & (up >= 0) for up in above).astype(bool)
        if not told.any():
            return stay
        stay = stay & ~told


def small_rests(cells: Cells, atoms: Atoms, policy: "Policy | None") -> Hidden | None:
    """Return what is left of wholes without their parts, where the rule `komplement` finds little.

    Args:
        cells: the published cells.
        atoms: what the attack knows of them; the rows are over these.
        policy: the region's rules.
    """
    import numpy as np
    import scipy.sparse as sp

    if policy is None or policy.komplement is None:
        return None
    rows, names = [], []
    for rest in _rests(cells, atoms, policy.komplement):
        small = np.flatnonzero((rest.value >= 1) & (rest.value <= policy.komplement.bis))
        if len(small):
            rows.append(rest.rows[small])
            names += [(rest.whole, *key[1:], rest.without) for key in cells.names(rest.part[small])]
    if not rows:
        return None
    bar = np.full(len(names), policy.komplement.bis + 1, dtype=np.int64)
    return Hidden(sp.csr_array(sp.vstack(rows)), bar, tuple(names))


@dataclass(frozen=True)
class _Rest:
    """A whole without one of its parts, one row for each cell of the part.

    Attributes:
        whole: the measure that is the whole.
        without: what is taken away, in the words of a finding.
        part: the cells of the part, by number.
        rows: over the atoms, the whole's with 1 and the part's with −1.
        value: what is left; -1 where it is not known to us.
    """

    whole: str
    without: str
    part: "np.ndarray"
    rows: "sp.csr_array"
    value: "np.ndarray"


def _rests(cells: Cells, atoms: Atoms, rule: "Komplement | Homogenitaet") -> Iterator[_Rest]:
    for measure in cells.release.measures:
        if measure.thema in rule.themen and measure.name not in rule.ausser:
            for part_of in measure.part_of:
                yield _rest(cells, atoms, measure, part_of)


def _rest(cells: Cells, atoms: Atoms, measure: Measure, part_of: PartOf) -> _Rest:
    import numpy as np
    import scipy.sparse as sp

    release = cells.release
    whole = release.measure(part_of.measure)
    shared = {d for d in measure.dims if d in whole.dims and d not in part_of.where}
    other = [i for i, name in enumerate(release.dimensions) if name not in shared]
    own = _of_measures(cells, (measure.name,)) & (cells.codes[:, other] == 0).all(axis=1)
    part = np.flatnonzero(own)
    less = rows_of(release, atoms, cells.key[part])
    rows = sp.csr_array((len(part), len(atoms.key)), dtype=np.int64)
    for codes in _outermost(cells, part_of.where):
        rows = rows + rows_of(release, atoms, _elsewhere(cells, part, whole.name, codes))
    value = rows @ atoms.truth - less @ atoms.truth
    blind = (rows + less) @ atoms.unknown.astype(np.int64) > 0
    left = np.where(blind, -1, value)
    return _Rest(whole.name, f"without {measure.name}", part, sp.csr_array(rows - less), left)


def _outermost(cells: Cells, where: Mapping[str, tuple[str, ...]]) -> Iterator[dict[str, str]]:
    """Return all combinations of the codes of `where`, without codes that lie below others."""
    kept = []
    for name, codes in where.items():
        dimension = cells.release.dimensions[name]
        kept.append([c for c in codes if not set(dimension.path(c)[1:]) & set(codes)])
    for combination in product(*kept):
        yield dict(zip(where, combination, strict=True))


def _elsewhere(
    cells: Cells, part: "np.ndarray", whole: str, codes: Mapping[str, str]
) -> "np.ndarray":
    """Return the keys of cells of the part as keys of the whole, inside the given codes."""
    import pyarrow as pa

    table = cells.key_table(part)
    for name, code in {"measure": whole, **codes}.items():
        column = pa.array([code] * len(table), pa.string())
        table = table.set_column(table.column_names.index(name), name, column)
    return table_keys(cells.release, table)


def _too_many_meet(cells: Cells, policy: "Policy", rule: "Kombination") -> "np.ndarray":
    """Return all cells of sensitive measures in small areas where too many small counts meet."""
    import numpy as np

    release, name = cells.release, policy.raum.dimension
    measures = [
        m.name for m in release.measures if m.thema in rule.themen and m.name not in rule.ausser
    ]
    sensitive = _of_measures(cells, measures)
    if not sensitive.any():
        return sensitive
    place = list(release.dimensions).index(name)
    area = cells.codes[:, place]
    alone = sensitive & (area > 0) & (np.delete(cells.codes, place, axis=1) == 0).all(axis=1)
    few = alone & (cells.value >= 1) & (cells.value <= rule.bis) & ~cells.unknown
    dimension = release.dimensions[name]
    small = release.small_areas.codes if release.small_areas else dimension.leaves
    met = np.bincount(area[few], minlength=len(dimension.codes) + 1)
    met[~np.isin(np.array(["", *dimension.codes]), small)] = 0
    return sensitive & (met[area] > rule.hoechstens)


def _of_measures(cells: Cells, names: Iterable[str]) -> "np.ndarray":
    import numpy as np

    chosen = np.array([measure.name in set(names) for measure in cells.release.measures])
    return chosen[cells.measure]


def _depth(cells: Cells, name: str) -> "np.ndarray":
    """Return how many steps below `Total` the area of each cell stands."""
    import numpy as np

    dimension = cells.release.dimensions[name]
    steps = np.array([0, *(len(dimension.path(code)) - 1 for code in dimension.codes)])
    return steps[cells.codes[:, list(cells.release.dimensions).index(name)]]
