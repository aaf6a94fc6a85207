"""What SPEC.json and CELLS.csv say: read, checked, and made a release.

Everything that is wrong is named at once. Small tables of keys beside them are read by `keys`.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from disclosure.agreement import faults_of_parts
from disclosure.release import (
    TOTAL,
    Dimension,
    Measure,
    PartOf,
    Release,
    ReleaseError,
    SmallAreas,
)
from disclosure.tables import read_numbers, read_text_table, read_texts, refuse, some

if TYPE_CHECKING:
    import pyarrow as pa

ONLY = "n"
"""The name of the one measure of a specification that declares none."""


_OF_MEASURE = ("maxN", "maxNSmall", "tables", "thema")


_OF_ALL = ("name", "desc", "dims", "kind", "p", "minContributors", "support", "small_areas")


_OF_HOLDERS = ("p", "minContributors")
"""What a release of magnitudes must state."""


_KEYS = {*_OF_ALL, *_OF_MEASURE}


_MEASURE_KEYS = {"column", "maxN", "maxNSmall", "tables", "part_of", "thema"}


def read_release(spec: Path, cells: Path) -> Release:
    """Read SPEC.json and CELLS.csv.

    Raises:
        ReleaseError: a file is missing or cannot be read, or its content is wrong.
    """
    try:
        declared = json.loads(spec.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ReleaseError(f"{spec.name}: expected a JSON file: {error}") from error
    return make_release(declared, read_text_table(cells))


def make_release(spec: Mapping, cells: "pa.Table | Mapping[str, pa.Table]") -> Release:
    """Make a release from memory.

    Args:
        spec: what SPEC.json holds.
        cells: one row for each atom with every dimension and the counts, one column for each
            measure (`column`, by default the measure's name; `n` without `measures`). Or, by
            measure, a table with that measure's own dimensions and `n`. Magnitudes: `value` in
            place of `n`, and `holder`. Counts may be whole numbers or text.

    Raises:
        ReleaseError: something is wrong; the message names all of it.
    """
    refuse(_faults_of_keys("specification", spec, _KEYS | {"measures"}, {"dims"}))
    name = str(spec.get("name", "release"))
    dimensions, faults = _dimensions(spec["dims"])
    refuse(faults, name)
    kind = spec.get("kind", "freq")
    measures, faults = _measures(spec, kind, dimensions)
    if kind not in ("freq", "magnitude"):
        faults.append(f"kind {kind!r}: expected 'freq' or 'magnitude'")
    support = tuple(tuple(entry) for entry in spec.get("support", ()))
    for unknown in sorted({dim for entry in support for dim in entry} - set(dimensions)):
        faults.append(f"support: unknown dimension {unknown!r}; declared are {list(dimensions)}")
    if kind == "magnitude" and (missing := [key for key in _OF_HOLDERS if key not in spec]):
        faults.append(
            f"keys {missing}: missing; a magnitude needs the p of the p % rule and the least "
            "number of holders, such as 10 and 3, or a single holder's amount would be printed"
        )
    p, min_contributors = spec.get("p", 0), spec.get("minContributors", 0)
    if not _is_number(p) or p < 0:
        faults.append("p: expected a percentage of at least 0")
    if not _is_whole(min_contributors) or min_contributors < 0:
        faults.append("minContributors: expected a whole number of at least 0")
    refuse(faults, name)
    small_areas, faults = _small_areas(spec, dimensions)
    refuse(faults, name)
    atoms, faults = _atoms(spec, kind, dimensions, measures, cells)
    refuse(faults, name)
    release = Release(
        name,
        dimensions,
        measures,
        support,
        kind,
        float(p),
        int(min_contributors),
        atoms,
        small_areas,
    )
    refuse(faults_of_parts(release), name)
    return release


def _faults_of_keys(what: str, found: object, known: set[str], needed: set[str]) -> list[str]:
    if not isinstance(found, Mapping):
        return [f"{what}: expected keys and values"]
    unknown, missing = sorted(set(found) - known), sorted(needed - set(found))
    return [f"{what}: unknown key {key!r}; known are {sorted(known)}" for key in unknown] + [
        f"{what}: key {key!r} is missing" for key in missing
    ]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _dimensions(declared: object) -> tuple[dict[str, Dimension], list[str]]:
    if not isinstance(declared, Mapping) or not declared:
        return {}, ["dims: expected a dimension at least"]
    dimensions, faults = {}, []
    for name, pairs in declared.items():
        if name in ("measure", "n", "value", "holder", "primary", "suppressed", "width"):
            faults.append(f"dimension {name!r}: the name is a column of its own; rename it")
        pairs_found = [tuple(pair) for pair in pairs if isinstance(pair, list | tuple)]
        if len(pairs_found) != len(pairs) or any(
            len(pair) != 2 or not all(isinstance(part, str) for part in pair)  # noqa: PLR2004
            for pair in pairs_found
        ):
            faults.append(f"dimension {name!r}: expected [[code, parent], ...], both text")
            continue
        dimension = Dimension(
            name, tuple(code for code, _ in pairs_found), tuple(parent for _, parent in pairs_found)
        )
        dimensions[name] = dimension
        faults += _faults_of_dimension(dimension)
    return dimensions, faults


def _faults_of_dimension(dimension: Dimension) -> list[str]:
    what, codes = f"dimension {dimension.name!r}", dimension.codes
    if twice := sorted({code for code in codes if codes.count(code) > 1} if codes else ()):
        return [f"{what}: stand twice: {some(twice)}"]
    if TOTAL in codes:
        return [f"{what}: {TOTAL} is the root and no code of its own"]
    faults = []
    if TOTAL not in dimension.parents:
        faults.append(f"{what}: no code has the parent {TOTAL}, so it has no total")
    if strange := sorted(set(dimension.parents) - {TOTAL, *codes}):
        faults.append(f"{what}: parents that are no codes: {some(strange)}")
    if not strange and (circle := _in_circle(dimension)):
        faults.append(f"{what}: a circle through {some(circle)}")
    return faults


def _in_circle(dimension: Dimension) -> list[str]:
    good = {TOTAL}
    waiting = dict(dimension.parent_of)
    while reached := [code for code, parent in waiting.items() if parent in good]:
        good.update(reached)
        for code in reached:
            del waiting[code]
    return sorted(waiting)


def _small_areas(
    spec: Mapping, dimensions: Mapping[str, Dimension]
) -> tuple[SmallAreas | None, list[str]]:
    declared = spec.get("small_areas")
    if declared is None:
        return None, []
    keys = {"dimension", "codes"}
    if faults := _faults_of_keys("small_areas", declared, keys, keys):
        return None, faults
    name, codes = declared["dimension"], tuple(declared["codes"])
    if name not in dimensions:
        return None, [f"small_areas: unknown dimension {name!r}; declared are {list(dimensions)}"]
    if strange := sorted(set(codes) - set(dimensions[name].codes)):
        return None, [f"small_areas: codes outside {name!r}: {some(strange)}"]
    return SmallAreas(name, codes), []


def _measures(
    spec: Mapping, kind: str, dimensions: Mapping[str, Dimension]
) -> tuple[tuple[Measure, ...], list[str]]:
    if "measures" not in spec:
        declared = {ONLY: {key: spec[key] for key in _OF_MEASURE if key in spec}}
        faults = []
    else:
        declared = spec["measures"]
        faults = [
            f"key {key!r}: belongs to each measure where there are measures"
            for key in _OF_MEASURE
            if key in spec
        ]
        if not isinstance(declared, Mapping) or not declared:
            return (), [*faults, "measures: expected a measure at least"]
    measures = []
    needed = {"tables", "maxN"} if kind == "freq" else {"tables"}
    for name, one in declared.items():
        wrong = _faults_of_keys(f"measure {name!r}", one, _MEASURE_KEYS, needed)
        if not wrong:
            measure, wrong = _measure(name, one, dimensions, declared)
            measures.append(measure)
        faults += wrong
    if not faults:
        faults = [
            fault
            for measure in measures
            for part_of in measure.part_of
            for fault in _faults_of_part_of(measure, part_of, measures, dimensions)
        ]
    return tuple(measures), faults


def _measure(
    name: str, one: Mapping, dimensions: Mapping[str, Dimension], declared: Mapping
) -> tuple[Measure, list[str]]:
    faults = []
    max_sensitive = one.get("maxN", 0)
    if not _is_whole(max_sensitive) or max_sensitive < 0:
        faults.append(f"measure {name!r}, maxN: expected a whole number of at least 0")
    tables = tuple(tuple(table) for table in one["tables"])
    if not tables:
        faults.append(f"measure {name!r}: no tables")
    for table in tables:
        if strange := sorted(set(table) - set(dimensions)):
            faults.append(f"measure {name!r}, table {list(table)}: unknown dimension {strange}")
        if len(set(table)) < len(table):
            faults.append(f"measure {name!r}, table {list(table)}: a dimension stands twice")
    raw = one.get("part_of", ())
    parts = []
    for entry in (raw,) if isinstance(raw, Mapping) else raw:
        wrong = _faults_of_keys(
            f"measure {name!r}, part_of", entry, {"measure", "where"}, {"measure"}
        )
        if not wrong and (entry["measure"] not in declared or entry["measure"] == name):
            wrong = [
                f"measure {name!r}, part_of: unknown measure {entry['measure']!r}; "
                f"expected one of {sorted(set(declared) - {name})}"
            ]
        if not wrong:
            where = {dim: tuple(codes) for dim, codes in entry.get("where", {}).items()}
            parts.append(PartOf(entry["measure"], where))
        faults += wrong
    used = {dim for table in tables for dim in table}
    dims = tuple(dim for dim in dimensions if dim in used)
    max_small = one.get("maxNSmall", max_sensitive)
    if not _is_whole(max_small) or (_is_whole(max_sensitive) and max_small < max_sensitive):
        faults.append(f"measure {name!r}, maxNSmall: expected a whole number, and at least maxN")
    thema = one.get("thema", "")
    if not isinstance(thema, str):
        faults.append(f"measure {name!r}, thema: expected text")
    return Measure(name, max_sensitive, tables, dims, tuple(parts), thema, max_small), faults


def _faults_of_part_of(
    measure: Measure,
    part_of: PartOf,
    measures: Sequence[Measure],
    dimensions: Mapping[str, Dimension],
) -> list[str]:
    whole = next(other for other in measures if other.name == part_of.measure)
    faults = []
    for dim, codes in part_of.where.items():
        what = f"measure {measure.name!r}, part_of {whole.name!r}, where {dim!r}"
        if dim not in whole.dims:
            faults.append(f"{what}: the whole has no such dimension; it has {list(whole.dims)}")
        elif strange := sorted(set(codes) - set(dimensions[dim].codes)):
            faults.append(f"{what}: unknown codes {some(strange)}")
    return faults


def _atoms(
    spec: Mapping,
    kind: str,
    dimensions: Mapping[str, Dimension],
    measures: Sequence[Measure],
    cells: "pa.Table | Mapping[str, pa.Table]",
) -> tuple[dict[str, "pa.Table"], list[str]]:
    number = "n" if kind == "freq" else "value"
    atoms: dict[str, pa.Table] = {}
    faults: list[str] = []
    if isinstance(cells, Mapping):
        if missing := sorted({measure.name for measure in measures} ^ set(cells)):
            return {}, [f"cells: measures and tables do not agree: {missing}"]
        columns = {measure.name: number for measure in measures}
    else:
        declared = spec.get("measures", {})
        columns = {
            measure.name: declared[measure.name].get("column", measure.name) if declared else number
            for measure in measures
        }
    for measure in measures:
        table = cells[measure.name] if isinstance(cells, Mapping) else cells
        numbers = {number} if isinstance(cells, Mapping) else set(columns.values())
        own, wrong = _own_atoms(
            measure, table, columns[measure.name], numbers, kind=kind, dimensions=dimensions
        )
        faults += [fault for fault in wrong if fault not in faults]
        if own is not None:
            atoms[measure.name] = own
    return atoms, faults


def _own_atoms(
    measure: Measure,
    table: "pa.Table",
    column: str,
    numbers: set[str],
    *,
    kind: str,
    dimensions: Mapping[str, Dimension],
) -> tuple["pa.Table | None", list[str]]:
    holder = ["holder"] if kind == "magnitude" else []
    found = table.column_names
    faults = [
        f"cells: no column {name!r}; found {found}"
        for name in (*measure.dims, column, *holder)
        if name not in found
    ]
    known = {*dimensions, *numbers, *holder}
    faults += [
        f"cells: unknown column {name!r}; expected {sorted(known)}"
        for name in found
        if name not in known
    ]
    if faults:
        return None, faults
    import pyarrow as pa

    dims = [name for name in dimensions if name in found]
    texts = {name: pa.array(read_texts(table, name), pa.string()) for name in (*dims, *holder)}
    for name in dims:
        leaves = set(dimensions[name].leaves)
        if strange := {value for value in texts[name].unique().to_pylist() if value not in leaves}:
            shown = sorted("(empty)" if value is None else value for value in strange)
            faults.append(
                f"cells, {name}: not leaves of the hierarchy: {some(shown)}; "
                "expected its finest codes only"
            )
    if holder and texts["holder"].null_count:
        faults.append("cells, holder: empty; each row of a magnitude names its holder")
    counts, wrong = read_numbers(table, column, whole=kind == "freq")
    faults += [f"cells, {fault}" for fault in wrong]
    if faults:
        return None, faults
    target = "n" if kind == "freq" else "value"
    full = pa.table({**texts, target: counts})
    if kind == "freq" and (twice := _standing_twice(full, dims)):
        return None, [f"cells: atoms that stand twice: {some(twice)}; add them up first"]
    return _summed(full, [*measure.dims, *holder], target), []


def _summed(table: "pa.Table", keys: list[str], number: str) -> "pa.Table":
    """Add up over all other columns; a sum with an unknown part is unknown."""
    import pyarrow as pa
    import pyarrow.compute as pc

    known = pc.ScalarAggregateOptions(skip_nulls=False, min_count=0)
    summed = table.group_by(keys, use_threads=False).aggregate([(number, "sum", known)])
    summed = summed.rename_columns([*keys, number])
    kind = pa.int64() if number == "n" else pa.float64()
    position = summed.schema.get_field_index(number)
    summed = summed.set_column(position, number, summed[number].cast(kind))
    return summed.sort_by([(name, "ascending") for name in keys]).combine_chunks()


def _standing_twice(table: "pa.Table", dims: list[str]) -> list[str]:
    import pyarrow.compute as pc

    counted = table.select(dims).group_by(dims).aggregate([([], "count_all")])
    rows = counted.filter(pc.greater(counted["count_all"], 1)).select(dims).to_pylist()
    return sorted(" × ".join(row.values()) for row in rows)
