"""The rules of a policy that make cells sensitive beside the minimum frequency and dominance.

What a policy and a release say together belongs here: the cells that must stay, and the differences
between a whole and its part that must not be told. How they are protected does not.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from disclosure.engine.cells import Axis, Cells, Grid, list_cells
from disclosure.engine.system import System, shared_key, shared_positions, within
from disclosure.keys import make_keys
from disclosure.release import PartOf, Release, ReleaseError

if TYPE_CHECKING:
    import pyarrow as pa

    from disclosure.policy import Homogenitaet, Kombination, Komplement, NieUnterhalb, Policy

_NOTHING = np.empty(0, np.int64)


@dataclass(frozen=True)
class Differences:
    """A whole without its part, for each combination of the dimensions that both have.

    Attributes:
        name: the measure that is the part.
        part_of: of which other one.
        keys: the published cell of the part in each combination.
        part: the number of the part.
        rest: what of the whole is not in the part; -1 where either is unknown.
    """

    name: str
    part_of: PartOf
    keys: np.ndarray
    part: np.ndarray
    rest: np.ndarray


@dataclass(frozen=True)
class Hidden:
    """Sensitive nodes that are no published cells.

    Attributes:
        node: the nodes, ascending.
        reach: by how much the upper bound has to lie above the true number.
        names: of each node: the whole's cell, and the part that is taken away (`without`).
    """

    node: np.ndarray
    reach: np.ndarray
    names: Mapping[int, dict[str, str]]


def cells_that_stay(
    release: Release, policy: "Policy | None", primary: "pa.Table | None" = None
) -> "pa.Table | None":
    """Return the cells that must stay by homogeneity, combination or `nie_unterhalb`.

    The rules of docs/geheimhaltung.md. A zero among them is withheld as well, for the rule is
    about the area and not about the number; unless a larger cell prints the zero that tells it.
    Of magnitudes only `nie_unterhalb` holds; the others are about persons.

    Args:
        release: the release.
        policy: the region's rules.
        primary: further keys, which are kept with their `width`.

    Returns:
        Keys as `protect_release` and the auditor take them in `primary`; None if there are none.
        Applied to its own result it returns the same.

    Raises:
        ReleaseError: the release has no dimension of areas, and a rule speaks of them; or
            `primary` does not fit.
    """
    import pyarrow as pa

    if primary is not None:
        primary = make_keys(release, primary, "primary", optional=("width",))
    if policy is None:
        return primary
    grid = Grid.of(release)
    listed = _Listed(grid)
    found = [_below(listed, policy, rule) for rule in policy.nie_unterhalb]
    persons = release.kind == "freq"
    if (rule := policy.homogenitaet) and persons:
        found += [_homogeneous(rest, rule.ab) for rest in _differences(listed, rule)]
    if policy.kombination and persons:
        found.append(_combined(listed, policy, policy.kombination))
    keys = _without_told_zeros(listed, np.unique(np.concatenate([_NOTHING, *found])))
    width = np.zeros(len(keys), np.int64)
    if primary is not None:
        own = grid.keys_of(primary)
        wanted = np.zeros(len(own), np.int64)
        if "width" in primary.column_names:
            wanted = primary["width"].fill_null(0).to_numpy()
        keys = np.union1d(keys, own)
        width = np.zeros(len(keys), np.int64)
        width[np.searchsorted(keys, own)] = wanted
    if not len(keys):
        return None
    columns = {name: pa.array(one, pa.string()) for name, one in grid.columns(keys).items()}
    table = pa.table({**columns, "width": width})
    return table.sort_by([(name, "ascending") for name in release.key_columns])


def small_differences(release: Release, policy: "Policy | None") -> list[Differences]:
    """Return the differences from 1 to the policy's `komplement.bis`; magnitudes have none."""
    if policy is None or policy.komplement is None or release.kind != "freq":
        return []
    rule = policy.komplement
    return [
        replace(rest, keys=rest.keys[small], part=rest.part[small], rest=rest.rest[small])
        for rest in _differences(_Listed(Grid.of(release)), rule)
        for small in [(rest.rest >= 1) & (rest.rest <= rule.bis)]
    ]


def tie_differences(system: System, release: Release, policy: "Policy | None") -> "Hidden":
    """Add a node for each small difference between a whole and its part.

    Args:
        system: of the release; it grows.
        release: the release.
        policy: the region's rules.
    """
    from scipy import sparse

    nodes, reach, names = [_NOTHING], [_NOTHING], {}
    listed = {cells.measure.name: (cells, of_atom) for cells, of_atom in system.measures}
    for found in small_differences(release, policy):
        part, whole = listed[found.name], listed[found.part_of.measure]
        count, first = len(found.keys), system.size
        places, members = [np.arange(count)], [np.arange(first, first + count)]
        signs = [np.ones(count, np.int64)]
        base = system.grid.base_of(part[0].measure)
        shared = shared_positions(system.grid, part[0].measure, whole[0].measure, found.part_of)
        inside = within(system.grid, whole[0], found.part_of)
        everywhere = np.ones(len(part[0].atoms), bool)
        for (cells, of_atom), use, sign in ((part, everywhere, 1), (whole, inside, -1)):
            alive = use & (of_atom >= 0)
            place, atom = _members(system.grid, cells, alive, shared, found.keys - base)
            places.append(place)
            members.append(of_atom[atom])
            signs.append(np.full(len(place), sign, np.int64))
        pairs = (np.concatenate(places), np.concatenate(members))
        rows = sparse.csr_array((np.concatenate(signs), pairs), shape=(count, first + count))
        rows.sum_duplicates()
        system.add(found.rest, found.keys, rows, frozen=np.zeros(count, bool))
        nodes.append(np.arange(first, first + count))
        reach.append(policy.komplement.bis + 1 - found.rest)
        without = {"without": found.name}
        for node, name in enumerate(system.grid.names(found.keys), first):
            names[node] = {**name, "measure": found.part_of.measure, **without}
    return Hidden(np.concatenate(nodes), np.concatenate(reach), names)


class _Listed:
    """The cells of each measure, enumerated when they are asked for."""

    def __init__(self, grid: Grid):
        self.grid = grid
        self._cells: dict[str, Cells] = {}

    def of(self, measure: str) -> Cells:
        if measure not in self._cells:
            one = self.grid.release.measure(measure)
            self._cells[measure] = list_cells(self.grid, one, _NOTHING, _NOTHING)
        return self._cells[measure]

    def areas(self, policy: "Policy", rule: str) -> tuple[int, Axis]:
        """Return the dimension of areas, and its place among all dimensions."""
        release, name = self.grid.release, policy.raum.dimension
        if name not in release.dimensions:
            raise ReleaseError(
                f"release {release.name}: the policy's rule {rule} is about areas, and calls their "
                f"dimension {name!r}; the release has {list(release.dimensions)}. Name it in the "
                "policy's `raum`"
            )
        (position,) = self.grid.positions([name])
        return position, self.grid.axes[position]


def _differences(listed: _Listed, rule: "Komplement | Homogenitaet") -> list[Differences]:
    """Return whole minus part for every declared pair that a rule holds for."""
    return [
        _difference(listed, part.name, part_of)
        for part in listed.grid.release.measures
        if part.thema in rule.themen and part.name not in rule.ausser
        for part_of in part.part_of
    ]


def _difference(listed: _Listed, name: str, part_of: PartOf) -> Differences:
    grid = listed.grid
    part, whole = listed.of(name), listed.of(part_of.measure)
    shared = shared_positions(grid, part.measure, whole.measure, part_of)
    base = grid.base_of(part.measure)
    keys = part.keys[shared_key(grid, part.keys, shared) + base == part.keys]
    in_part = _summed(grid, part, np.ones(len(part.atoms), bool), shared, keys - base)
    in_whole = _summed(grid, whole, within(grid, whole, part_of), shared, keys - base)
    known = (in_part >= 0) & (in_whole >= 0)
    return Differences(name, part_of, keys, in_part, np.where(known, in_whole - in_part, -1))


def _members(
    grid: Grid, cells: Cells, use: np.ndarray, shared: Sequence[int], wanted: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return which atoms lie below which of the wanted combinations, as pairs."""
    rows = np.flatnonzero(use)
    leaves = np.empty((len(rows), len(shared)), np.int64)
    for column, position in enumerate(shared):
        leaves[:, column] = grid.digit(cells.atoms[rows], position)
    places, atoms = [_NOTHING], [_NOTHING]
    for keys, which in grid.upwards(leaves, shared):
        place = np.searchsorted(wanted, keys)
        place[place == len(wanted)] = 0
        hit = wanted[place] == keys if len(wanted) else np.zeros(len(keys), bool)
        places.append(place[hit])
        atoms.append(rows[which[hit]])
    return np.concatenate(places), np.concatenate(atoms)


def _summed(
    grid: Grid, cells: Cells, use: np.ndarray, shared: Sequence[int], wanted: np.ndarray
) -> np.ndarray:
    """Add up atoms over all but the shared dimensions; -1 where one is unknown."""
    place, atom = _members(grid, cells, use, shared, wanted)
    sums, unknown = np.zeros(len(wanted), np.int64), np.zeros(len(wanted), bool)
    np.add.at(sums, place, cells.atom_total[atom])
    unknown[place[cells.atom_unknown[atom]]] = True
    return np.where(unknown, -1, sums)


def _without_told_zeros(listed: _Listed, keys: np.ndarray) -> np.ndarray:
    """Leave out zeros that are parts of a zero which is printed, until none is left."""
    grid = listed.grid
    names = [grid.release.measures[i].name for i in np.unique(grid.measure_of(keys))]
    zeros = [(one.keys[(one.total == 0) & ~one.unknown]) for one in map(listed.of, names)]
    zero = np.sort(np.concatenate([_NOTHING, *zeros]))
    while True:
        printed = np.setdiff1d(zero, keys)
        told = np.zeros(len(keys), bool)
        for position, axis in enumerate(grid.axes):
            digit = grid.digit(keys, position)
            larger = keys + (axis.parent[digit] - digit) * grid.radix[position]
            told |= (digit > 0) & np.isin(larger, printed)
        told &= np.isin(keys, zero)
        if not told.any():
            return keys
        keys = keys[~told]


def _homogeneous(found: Differences, smallest: int) -> np.ndarray:
    """Return the cells of the part in groups of which all belong to it."""
    return found.keys[(found.rest == 0) & (found.part >= smallest)]


def _combined(listed: _Listed, policy: "Policy", rule: "Kombination") -> np.ndarray:
    """Return all cells of the rule's measures in small areas where too many small counts meet.

    Where the release does not say which areas are small, they are those without parts. An area has
    one count for each measure: all other dimensions at `Total`.
    """
    grid = listed.grid
    measures = [
        one.name
        for one in grid.release.measures
        if one.thema in rule.themen and one.name not in rule.ausser
    ]
    if not measures:
        return _NOTHING
    position, axis = listed.areas(policy, "kombination")
    declared = grid.release.small_areas
    areas = declared.codes if declared else grid.release.dimensions[policy.raum.dimension].leaves
    meet = axis.among(areas)
    small = np.zeros(axis.size, np.int64)
    for name in measures:
        cells = listed.of(name)
        own = cells.keys - grid.base_of(cells.measure)
        area = grid.digit(own, position)
        alone = (area > 0) & (area * grid.radix[position] == own)
        few = alone & (cells.total >= 1) & (cells.total <= rule.bis) & ~cells.unknown
        small[area[few]] += 1
    too_many = meet & (small > rule.hoechstens)
    kept = [listed.of(name).keys for name in measures]
    return np.concatenate([k[too_many[grid.digit(k, position)]] for k in kept])


def _below(listed: _Listed, policy: "Policy", rule: "NieUnterhalb") -> np.ndarray:
    """Return all cells of measures below the finest level that may leave."""
    here = {one.name for one in listed.grid.release.measures} & set(rule.merkmale)
    if not here:
        return _NOTHING
    position, axis = listed.areas(policy, "nie_unterhalb")
    depth = (axis.levels >= 0).sum(axis=1) - 1
    keys = np.concatenate([listed.of(name).keys for name in sorted(here)])
    return keys[depth[listed.grid.digit(keys, position)] > rule.ebene]
