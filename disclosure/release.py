"""A release: all tables of counts that are published together, and what is known of their cells.

Reading and checking belong here: the specification, the cells, and the small tables of keys that
go with them. Which cells a release publishes and what they consist of does not: the engine and the
auditor each work that out for themselves, and share nothing but this module.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

TOTAL = "Total"
ONLY = "n"
"""The name of the one measure of a specification that declares none."""

_OF_MEASURE = ("maxN", "maxNSmall", "tables", "thema")
_OF_ALL = ("name", "desc", "dims", "kind", "p", "minContributors", "support", "small_areas")
_KEYS = {*_OF_ALL, *_OF_MEASURE}
_MEASURE_KEYS = {"column", "maxN", "maxNSmall", "tables", "part_of", "thema"}
_NAMED = 10


class ReleaseError(ValueError):
    """A release cannot be protected as it was handed in; the message names all that is wrong."""


@dataclass(frozen=True)
class Dimension:
    """A hierarchy of codes below `Total`.

    Attributes:
        codes: all codes without `Total`, in the order of the specification.
        parents: the parent of each code; `Total` at the top.
    """

    name: str
    codes: tuple[str, ...]
    parents: tuple[str, ...]

    @cached_property
    def parent_of(self) -> dict[str, str]:
        """The parent of each code."""
        return dict(zip(self.codes, self.parents, strict=True))

    @cached_property
    def leaves(self) -> tuple[str, ...]:
        """The codes that are nobody's parent."""
        inner = set(self.parents)
        return tuple(code for code in self.codes if code not in inner)

    def path(self, code: str) -> tuple[str, ...]:
        """Return the code and all above it, `Total` last."""
        path = [code]
        while path[-1] != TOTAL:
            path.append(self.parent_of[path[-1]])
        return tuple(path)


@dataclass(frozen=True)
class PartOf:
    """A measure is a part of another one.

    For every combination of leaf codes of the dimensions that both have (without those of
    `where`), the sum of the part is at most the sum of the whole inside `where`.

    Attributes:
        measure: the whole.
        where: codes (leaves or inner) of the whole's dimensions.
    """

    measure: str
    where: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Measure:
    """One population that is counted (or one magnitude).

    Attributes:
        name: `n` where the specification declares no measures.
        max_sensitive: counts from 1 to this are sensitive.
        tables: the dimensions of each table; each is published with all margins and levels.
        dims: the dimensions of all tables, in the order of the release's.
        thema: the theme whose rules in the policy hold for it; none: only its own thresholds do.
        max_small: counts from 1 to this are sensitive in small areas; never less than
            `max_sensitive`.
    """

    name: str
    max_sensitive: int
    tables: tuple[tuple[str, ...], ...]
    dims: tuple[str, ...]
    part_of: tuple[PartOf, ...] = ()
    thema: str = ""
    max_small: int = 0


@dataclass(frozen=True)
class SmallAreas:
    """The areas for which the stricter threshold holds, and in which small counts can meet.

    Attributes:
        dimension: the dimension of areas.
        codes: the small ones; not those that stand for what has no place.
    """

    dimension: str
    codes: tuple[str, ...]


@dataclass(frozen=True)
class Release:
    """All tables that are protected jointly.

    Attributes:
        support: dimensions of which only those combinations exist at all that occur in the cells.
        p: the p of the p % rule, in percent (magnitudes).
        min_contributors: fewer holders make a magnitude sensitive.
        small_areas: where `max_small` of the measures holds; None: nowhere.
        atoms: by measure the finest cells: its dimensions as text (leaves only) and `n` as int64,
            NULL where the count was withheld at its source; sorted by key, each key once. For
            magnitudes `value` (double) and `holder` (text), one row for each holder. What is not
            listed is zero.
    """

    name: str
    dimensions: Mapping[str, Dimension]
    measures: tuple[Measure, ...]
    support: tuple[tuple[str, ...], ...]
    kind: Literal["freq", "magnitude"]
    p: float
    min_contributors: int
    atoms: Mapping[str, "pa.Table"]
    small_areas: SmallAreas | None = None

    def measure(self, name: str) -> Measure:
        """Return a measure by its name.

        Raises:
            ReleaseError: the release has no such measure.
        """
        for measure in self.measures:
            if measure.name == name:
                return measure
        raise ReleaseError(
            f"release {self.name}: no measure {name!r}; there are {[m.name for m in self.measures]}"
        )

    @property
    def key_columns(self) -> tuple[str, ...]:
        """The columns that name a cell: `measure` where there are several, and every dimension."""
        several = ("measure",) if len(self.measures) > 1 else ()
        return (*several, *self.dimensions)

    @property
    def number_column(self) -> str:
        """`n` for counts, `value` for magnitudes."""
        return "n" if self.kind == "freq" else "value"

    def existing(self, measure: str) -> "list[pa.Table]":
        """Return the combinations that can exist, one table for each entry of `support`.

        An entry is cut to the dimensions of the measure (left out if none remains). A combination
        exists if any measure that has these dimensions lists it, with a zero or without a known
        count, too.
        """
        import pyarrow as pa

        tables = []
        for support in self.support:
            dims = [name for name in support if name in self.measure(measure).dims]
            listed = [
                self.atoms[other.name].select(dims).group_by(dims).aggregate([])
                for other in self.measures
                if dims and set(dims) <= set(other.dims)
            ]
            if listed:
                both = pa.concat_tables(listed).group_by(dims).aggregate([])
                tables.append(both.sort_by([(name, "ascending") for name in dims]))
        return tables


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


def read_text_table(path: Path) -> "pa.Table":
    """Read a CSV file with every column as text; an empty field is NULL.

    Raises:
        ReleaseError: the file is missing or no CSV.
    """
    import pyarrow as pa
    from pyarrow import csv

    try:
        with path.open(encoding="utf-8-sig") as file:
            header = next(_csv_rows(file), [])
        table = csv.read_csv(
            path,
            convert_options=csv.ConvertOptions(
                column_types=dict.fromkeys(header, pa.string()),
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=True,
            ),
        )
    except (OSError, ValueError) as error:
        # What a row holds stays unsaid: the reader quotes the line that it cannot split.
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "no table"
        raise ReleaseError(f"{path.name}: expected CSV with a header: {reason}") from None
    if len(set(header)) < len(header):
        raise ReleaseError(f"{path.name}: a column stands twice in the header {header}")
    return table


def _csv_rows(file: Iterable[str]):
    import csv

    return csv.reader(file)


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
    _demand(_faults_of_keys("specification", spec, _KEYS | {"measures"}, {"dims"}))
    name = str(spec.get("name", "release"))
    dimensions, faults = _dimensions(spec["dims"])
    _demand(faults, name)
    kind = spec.get("kind", "freq")
    measures, faults = _measures(spec, kind, dimensions)
    if kind not in ("freq", "magnitude"):
        faults.append(f"kind {kind!r}: expected 'freq' or 'magnitude'")
    support = tuple(tuple(entry) for entry in spec.get("support", ()))
    for unknown in sorted({dim for entry in support for dim in entry} - set(dimensions)):
        faults.append(f"support: unknown dimension {unknown!r}; declared are {list(dimensions)}")
    p, min_contributors = spec.get("p", 0), spec.get("minContributors", 0)
    if not _is_number(p) or p < 0:
        faults.append("p: expected a percentage of at least 0")
    if not _is_whole(min_contributors) or min_contributors < 0:
        faults.append("minContributors: expected a whole number of at least 0")
    _demand(faults, name)
    small_areas, faults = _small_areas(spec, dimensions)
    _demand(faults, name)
    atoms, faults = _atoms(spec, kind, dimensions, measures, cells)
    _demand(faults, name)
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
    _demand(_faults_of_parts(release), name)
    return release


def make_keys(
    release: Release,
    table: "pa.Table",
    what: str,
    *,
    number: bool = False,
    optional: Sequence[str] = (),
) -> "pa.Table":
    """Check a small table of cell keys (`--primary`, `--given`, `--known`) against a release.

    Args:
        release: the release.
        table: the dimensions (`Total`, NULL or no column where a cell lacks one), `measure` where
            the release has several, and further columns.
        what: what the table is called in a message.
        number: whether it has the column `n` (magnitudes: `value`).
        optional: further columns with whole numbers that it may have.

    Returns:
        `release.key_columns` as text, then the numbers; sorted, each key once.

    Raises:
        ReleaseError: a column, code or measure is unknown, a key stands twice, a number is
            negative, fractional or missing.
    """
    import pyarrow as pa

    wanted = [release.number_column] if number else []
    known = {*release.key_columns, *wanted, *optional}
    faults = [
        f"unknown column {name!r}; expected {sorted(known)}"
        for name in table.column_names
        if name not in known
    ]
    faults += [f"no column {name!r}" for name in wanted if name not in table.column_names]
    if "measure" in release.key_columns and "measure" not in table.column_names:
        faults.append("no column 'measure', and the release has several measures")
    _demand(faults, f"{release.name}, {what}")
    columns: dict[str, pa.ChunkedArray | pa.Array] = {}
    for name in release.key_columns:
        column = _text(table, name) if name in table.column_names else [None] * len(table)
        column = [TOTAL if value is None else value for value in column]
        allowed = (
            {measure.name for measure in release.measures}
            if name == "measure"
            else {TOTAL, *release.dimensions[name].codes}
        )
        if strange := sorted(set(column) - allowed):
            faults.append(f"{name}: unknown {_some(strange)}")
        columns[name] = pa.array(column, pa.string())
    keys = pa.table(columns)
    if not faults and len(keys.group_by(keys.column_names).aggregate([])) < len(keys):
        faults.append("a key stands twice")
    for name in (*wanted, *(o for o in optional if o in table.column_names)):
        whole = release.kind == "freq" or name in optional
        numbers, wrong = _numbers(table, name, whole=whole)
        if name in wanted and numbers.null_count:
            wrong = [*wrong, f"{name} is empty in {numbers.null_count} rows"]
        faults += wrong
        columns[name] = numbers
    _demand(faults, f"{release.name}, {what}")
    order = [(name, "ascending") for name in release.key_columns]
    return pa.table(columns).sort_by(order)


def make_known(release: Release, table: "pa.Table") -> "pa.Table":
    """Check what earlier editions published against a release.

    Args:
        release: the release.
        table: keys and numbers as for `make_keys`, and optionally `edition` (text); without it all
            rows are of one edition. The order of the editions' names is their order in time.

    Returns:
        `release.key_columns`, the number and `edition` (empty without); sorted by edition and key,
        each key once for each edition.

    Raises:
        ReleaseError: as `make_keys`, for each edition.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if "edition" not in table.column_names:
        table = table.append_column("edition", pa.array([""] * len(table), pa.string()))
    names = table["edition"].cast(pa.string()).fill_null("")
    rows = table.drop_columns("edition")
    editions = []
    for edition in sorted(names.unique().to_pylist()) or [""]:
        what = f"known of edition {edition}" if edition else "known"
        own = make_keys(release, rows.filter(pc.equal(names, edition)), what, number=True)
        editions.append(own.append_column("edition", pa.array([edition] * len(own), pa.string())))
    return pa.concat_tables(editions)


def check_given(release: Release, given: "pa.Table", what: str = "given") -> None:
    """Check that given totals agree with what is known of their parts.

    Args:
        release: the release.
        given: what `make_keys(..., number=True)` returned.
        what: what the table is called in a message.

    Raises:
        ReleaseError: a total is smaller than the sum of its known parts, or differs from it
            though no part is unknown. The message names the keys without numbers.
    """
    import duckdb

    faults: list[str] = []
    with duckdb.connect() as con:
        con.register("given", given)
        for dimension in release.dimensions.values():
            _register_paths(con, dimension)
        for measure in release.measures:
            con.register("atoms", release.atoms[measure.name])
            faults += [
                " × ".join(row) for row in con.execute(_disagreeing(release, measure)).fetchall()
            ]
    if faults:
        raise ReleaseError(
            f"{release.name}, {what}: totals do not agree with the sum of their parts: "
            f"{_some(faults)}. Deliver totals and parts of the same state"
        )


def _disagreeing(release: Release, measure: Measure) -> str:
    """Return the query for given totals of a measure that contradict their parts."""
    keys, number = release.key_columns, f'"{release.number_column}"'
    own = f"where given.measure = '{measure.name}'" if "measure" in keys else ""
    paths = " ".join(f'join "path_{d}" on "path_{d}".code = given."{d}"' for d in measure.dims)
    leaves = " and ".join(f'atoms."{d}" = "path_{d}".leaf' for d in measure.dims)
    return f"""
        with given as (select * from given {own}),
        parts as (
            select {", ".join(f'given."{name}"' for name in keys)},
                sum(atoms.{number}) as known, bool_or(atoms.{number} is null) as unknown
            from given {paths} join atoms on {leaves or "true"}
            group by all
        )
        select {_columns(keys)} from given left join parts using ({_columns(keys)})
        where coalesce(known, 0) > given.{number}
            or coalesce(known, 0) < given.{number} and not coalesce(unknown, false)
        order by all
    """


def _demand(faults: list[str], where: str = "") -> None:
    if faults:
        raise ReleaseError((f"release {where}: " if where else "release: ") + "; ".join(faults))


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(str(name) for name in names[:_NAMED]) + more


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
        return [f"{what}: stand twice: {_some(twice)}"]
    if TOTAL in codes:
        return [f"{what}: {TOTAL} is the root and no code of its own"]
    faults = []
    if TOTAL not in dimension.parents:
        faults.append(f"{what}: no code has the parent {TOTAL}, so it has no total")
    if strange := sorted(set(dimension.parents) - {TOTAL, *codes}):
        faults.append(f"{what}: parents that are no codes: {_some(strange)}")
    if not strange and (circle := _in_circle(dimension)):
        faults.append(f"{what}: a circle through {_some(circle)}")
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
        return None, [f"small_areas: codes outside {name!r}: {_some(strange)}"]
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
            faults.append(f"{what}: unknown codes {_some(strange)}")
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
    texts = {name: pa.array(_text(table, name), pa.string()) for name in (*dims, *holder)}
    for name in dims:
        leaves = set(dimensions[name].leaves)
        if strange := {value for value in texts[name].unique().to_pylist() if value not in leaves}:
            shown = sorted("(empty)" if value is None else value for value in strange)
            faults.append(
                f"cells, {name}: not leaves of the hierarchy: {_some(shown)}; "
                "expected its finest codes only"
            )
    if holder and texts["holder"].null_count:
        faults.append("cells, holder: empty; each row of a magnitude names its holder")
    counts, wrong = _numbers(table, column, whole=kind == "freq")
    faults += [f"cells, {fault}" for fault in wrong]
    if faults:
        return None, faults
    target = "n" if kind == "freq" else "value"
    full = pa.table({**texts, target: counts})
    if kind == "freq" and (twice := _twice(full, dims)):
        return None, [f"cells: atoms that stand twice: {_some(twice)}; add them up first"]
    return _summed(full, [*measure.dims, *holder], target), []


def _twice(table: "pa.Table", dims: list[str]) -> list[str]:
    import pyarrow.compute as pc

    counted = table.select(dims).group_by(dims).aggregate([([], "count_all")])
    rows = counted.filter(pc.greater(counted["count_all"], 1)).select(dims).to_pylist()
    return sorted(" × ".join(row.values()) for row in rows)


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


def _text(table: "pa.Table", name: str) -> list[str | None]:
    import pyarrow as pa

    return table[name].cast(pa.string()).to_pylist()


def _numbers(table: "pa.Table", name: str, *, whole: bool) -> tuple["pa.Array", list[str]]:
    """Return a column as whole numbers (or doubles), and what is wrong with it."""
    import numpy as np
    import pyarrow as pa

    column = table[name].combine_chunks()
    try:
        doubles = column.cast(pa.float64())
    except pa.ArrowInvalid:
        return pa.nulls(len(column), pa.int64()), [f"{name}: holds what is no number"]
    values = doubles.fill_null(0).to_numpy(zero_copy_only=False)
    faults = []
    for text, bad in (
        ("what is no number", ~np.isfinite(values)),
        ("negative numbers", values < 0),
        ("fractions, but it counts", whole & (values != np.floor(values))),
    ):
        if bad.any():
            rows = [str(number) for number in np.flatnonzero(bad) + 1]
            faults.append(f"{name}: holds {text} in rows {_some(rows)}")
    if faults or not whole:
        return doubles, faults
    return pa.array(values.astype(np.int64), mask=np.asarray(doubles.is_null())), []


def _faults_of_parts(release: Release) -> list[str]:
    """Name the combinations in which a part is more than its whole."""
    import duckdb

    if not any(measure.part_of for measure in release.measures):
        return []
    faults = []
    order = [measure.name for measure in release.measures]
    with duckdb.connect() as con:
        for number, name in enumerate(order):
            con.register(f"atoms_{number}", release.atoms[name])
        for dimension in release.dimensions.values():
            _register_paths(con, dimension)
        for number, part in enumerate(release.measures):
            for part_of in part.part_of:
                tables = f"atoms_{number}", f"atoms_{order.index(part_of.measure)}"
                rows = con.execute(_more_than_whole(release, part, part_of, *tables)).fetchall()
                faults += [
                    f"{part.name} is more than {part_of.measure}, of which it is a part, in "
                    + (" × ".join(row) or TOTAL)
                    for row in rows[:_NAMED]
                ]
    return faults


def _more_than_whole(
    release: Release, part: Measure, part_of: PartOf, part_table: str, whole_table: str
) -> str:
    """Return the query for combinations in which a part is more than its whole."""
    whole = release.measure(part_of.measure)
    shared = [d for d in part.dims if d in whole.dims and d not in part_of.where]
    inside = "true"
    for dim, codes in part_of.where.items():
        listed = ", ".join("'" + code.replace("'", "''") + "'" for code in codes)
        inside += f' and "{dim}" in (select leaf from "path_{dim}" where code in ({listed}))'
    number, keys = release.number_column, _columns(shared)
    using = f"using ({keys})" if shared else "on true"
    by = f"group by {keys}" if shared else ""
    chosen = f"{keys}," if shared else ""
    return f"""
        with parts as (select {chosen} sum("{number}") as m from {part_table} {by}),
        wholes as (
            select {chosen} sum("{number}") as m, bool_or("{number}" is null) as unknown
            from {whole_table} where {inside} {by}
        )
        select {keys or "'" + TOTAL + "'"} from parts left join wholes {using}
        where parts.m > coalesce(wholes.m, 0) and not coalesce(unknown, false)
        order by all
    """


def _columns(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _register_paths(con: "duckdb.DuckDBPyConnection", dimension: Dimension) -> None:
    """Register `path_<dimension>`: each leaf with every code above it, itself included."""
    import pyarrow as pa

    pairs = [(leaf, code) for leaf in dimension.leaves for code in dimension.path(leaf)]
    table = pa.table({"leaf": [leaf for leaf, _ in pairs], "code": [code for _, code in pairs]})
    con.register(f"path_{dimension.name}", table)
