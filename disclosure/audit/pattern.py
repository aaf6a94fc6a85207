"""Is a pattern what it must be, before anybody attacks it?

One row for every published cell, true numbers, one marker, no zero withheld, no sensitive cell
printed, no parent with a single withheld child. Whether it is safe is a matter of the attackers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from disclosure.audit.cells import Cells, table_keys
from disclosure.release import Release

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    import scipy.sparse as sp

_NAMED = 20
_RELATIVE = 1e-9


@dataclass(frozen=True)
class Marks:
    """What a pattern says of each cell; where it lacks a row, that the cell is printed.

    Attributes:
        suppressed: withheld, shape (cells,).
        primary: marked as sensitive, shape (cells,).
        problems: what is wrong with the rows; without numbers.
    """

    suppressed: "np.ndarray"
    primary: "np.ndarray"
    problems: tuple[str, ...]


def read_marks(cells: Cells, pattern: "pa.Table") -> Marks:
    """Compare a pattern's rows with the cells that the release publishes."""
    import numpy as np

    release, count = cells.release, len(cells.key)
    nothing = np.zeros(count, dtype=bool)
    number = release.number_column
    expected = [*release.key_columns, number, "primary", "suppressed"]
    if missing := [name for name in expected if name not in pattern.column_names]:
        found = pattern.column_names
        return Marks(nothing, nothing, (f"pattern: no columns {missing}; found {found}",))
    problems = []
    if more := sorted(set(pattern.column_names) - set(expected)):
        problems.append(f"pattern: columns {more} tell more than one marker may; remove them")
    place = cells.find(pattern)
    problems += _strange_rows(release, pattern, place)
    marks = {}
    for name in ("primary", "suppressed"):
        marks[name], wrong = _marker(pattern, name)
        problems += wrong
    problems += _row_faults(cells, pattern, place, marks)
    known = place >= 0
    suppressed, primary = nothing.copy(), nothing.copy()
    # Of a cell that stands twice, one printed row is enough to publish it.
    suppressed[place[known & marks["suppressed"]]] = True
    suppressed[place[known & ~marks["suppressed"]]] = False
    primary[place[known & marks["primary"]]] = True
    return Marks(suppressed, primary, tuple(problems))


def check_marks(
    cells: Cells, marks: Marks, sensitive: "np.ndarray", may_be_zero: "np.ndarray"
) -> list[str]:
    """Return what is wrong with the choice of withheld cells.

    Args:
        cells: the published cells.
        marks: what the pattern says of them.
        sensitive: the cells that must be withheld, shape (cells,).
        may_be_zero: the cells that may be withheld though they are 0, shape (cells,).
    """
    printed = ~marks.suppressed
    zero = (cells.value == 0) & ~cells.unknown
    return [
        *_named(cells, sensitive & printed & ~cells.unknown, "a sensitive cell is printed"),
        *_named(
            cells,
            marks.suppressed & zero & ~may_be_zero,
            "a zero is withheld that is not in the table of primary cells",
        ),
    ]


def check_identical(cells: Cells, marks: Marks, members: "sp.csr_array") -> list[str]:
    """Return cells that consist of the same atoms and are not treated alike.

    Args:
        cells: the published cells.
        marks: what the pattern says of them.
        members: cells × atoms that can hold anyone.
    """
    import numpy as np

    group = same_rows(members)
    withheld = np.bincount(group[marks.suppressed], minlength=group.max() + 1) > 0
    printed = np.bincount(group[~marks.suppressed], minlength=group.max() + 1) > 0
    filled = np.diff(members.indptr) > 0
    torn = (withheld & printed)[group] & ~marks.suppressed & filled & ~cells.unknown
    return _named(cells, torn, "a cell is printed that is identical to a withheld one")


def check_single_children(
    cells: Cells, marks: Marks, public: "np.ndarray", excused: "np.ndarray"
) -> list[str]:
    """Return withheld cells that are the only one among all children of a published parent.

    Args:
        cells: the published cells.
        marks: what the pattern says of them.
        public: cells whose number the public knows, shape (cells,).
        excused: cells that the evidence names as unsatisfiable, shape (cells,).
    """
    import numpy as np

    pairs = []
    for parent, whole in families(cells):
        withheld = (parent >= 0) & marks.suppressed
        # What was withheld at its source is untold, too, whatever the pattern says of it.
        untold = (parent >= 0) & (marks.suppressed | cells.unknown)
        number = np.bincount(parent[untold], minlength=len(cells.key))
        family = public & whole & (number == 1)
        alone = np.flatnonzero(withheld & ~excused & family[parent])
        pairs += zip(cells.names(alone), cells.names(parent[alone]), strict=True)
    if not pairs:
        return []
    told = [f"{' × '.join(child)} (of {' × '.join(above)})" for child, above in sorted(pairs)]
    what = "pattern: a withheld cell is the only one among the children of a published parent"
    return [_text(what, told[:_NAMED], told)]


def families(cells: Cells) -> "list[tuple[np.ndarray, np.ndarray]]":
    """Return for each dimension the parent of every cell, and which parents have all children.

    Children that cannot exist are not missed.
    """
    import numpy as np

    result = []
    for position, dimension in enumerate(cells.release.dimensions.values()):
        parent = cells.parents(position)
        names = ("Total", *dimension.codes)
        number = {code: place for place, code in enumerate(names)}
        declared = np.bincount([number[p] for p in dimension.parents], minlength=len(names))
        found = np.bincount(parent[parent >= 0], minlength=len(cells.key))
        # A table publishes all codes of its dimensions, so children are all there or none is.
        result.append((parent, (found > 0) & (found == declared[cells.codes[:, position]])))
    return result


def same_rows(members: "sp.csr_array") -> "np.ndarray":
    """Number the rows of a 0/1 matrix so that rows with the same columns have the same number.

    Rows are told apart by two sums of random 63-bit numbers, one for each column.
    """
    import numpy as np

    random = np.random.default_rng(20261122)
    marks = random.integers(1, 2**62, size=(members.shape[1], 2), dtype=np.int64)
    sums = members @ marks  # wraps around, which does no harm
    return np.unique(sums, axis=0, return_inverse=True)[1].reshape(-1)


def _strange_rows(release: Release, pattern: "pa.Table", place: "np.ndarray") -> list[str]:
    import numpy as np

    problems = []
    if (strange := np.flatnonzero(place < 0)).size:
        rows = pattern.select(list(release.key_columns)).take(strange[:_NAMED]).to_pylist()
        names = [" × ".join(str(value) for value in row.values()) for row in rows]
        problems.append(_text("pattern: a row for a cell that the release has not", names, strange))
    key = table_keys(release, pattern)
    if (np.diff(key[key >= 0]) < 0).any() and not _sorted_as_text(release, pattern):
        problems.append("pattern: rows are not in the order of their keys")
    return problems


def _sorted_as_text(release: Release, pattern: "pa.Table") -> bool:
    import pyarrow.compute as pc

    columns = list(release.key_columns)
    order = pc.sort_indices(pattern, sort_keys=[(name, "ascending") for name in columns])
    return pattern.select(columns).take(order).equals(pattern.select(columns))


def _marker(pattern: "pa.Table", name: str) -> tuple["np.ndarray", list[str]]:
    """Return a column of 0 and 1 as bool; what is neither counts as 0."""
    import numpy as np
    import pyarrow as pa

    values = np.array(pattern[name].cast(pa.string()).to_pylist(), dtype=object)
    one, zero = np.isin(values, ["1", "true"]), np.isin(values, ["0", "false"])
    if (one | zero).all():
        return one, []
    rows = np.flatnonzero(~(one | zero)) + 1
    text = f"pattern, {name}: expected 0 or 1 and one marker for all; other marks stand in rows"
    return one, [_text(text, [str(row) for row in rows[:_NAMED]], rows)]


def _row_faults(
    cells: Cells, pattern: "pa.Table", place: "np.ndarray", marks: "dict[str, np.ndarray]"
) -> list[str]:
    import numpy as np

    times = np.bincount(place[place >= 0], minlength=len(cells.key))
    problems = _named(cells, (times == 0) & cells.possible & ~cells.unknown, "a row is missing")
    problems += _named(cells, times > 1, "a cell stands more than once")
    loose = place[(place >= 0) & marks["primary"] & ~marks["suppressed"]]
    problems += _named(cells, cells.mask(loose), "a cell is marked primary but not withheld")
    number, empty = _numbers(cells.release, pattern)
    true = np.where(place >= 0, cells.value[place], 0)
    unknown = (place >= 0) & cells.unknown[place]
    slack = 0 if cells.release.kind == "freq" else _RELATIVE * np.maximum(1, np.abs(true))
    wrong = (place >= 0) & ~unknown & (empty | (np.abs(number - true) > slack))
    problems += _named(cells, cells.mask(place[wrong]), "the number is not that of the cells")
    strange = unknown & ~empty & ~marks["suppressed"]
    what = "a number is printed that was withheld at its source"
    problems += _named(cells, cells.mask(place[strange]), what)
    return problems


def _numbers(release: Release, pattern: "pa.Table") -> tuple["np.ndarray", "np.ndarray"]:
    """Return the numbers of a pattern as float64, and which are no number."""
    import numpy as np
    import pyarrow as pa

    column = pattern[release.number_column]
    try:
        numbers = column.cast(pa.float64())
    except pa.ArrowInvalid:
        nothing = np.zeros(len(pattern))
        return nothing, np.ones(len(pattern), dtype=bool)
    return numbers.fill_null(0).to_numpy(), numbers.is_null().to_numpy()


def _named(cells: Cells, mask: "np.ndarray", what: str) -> list[str]:
    import numpy as np

    rows = np.flatnonzero(mask)
    if not rows.size:
        return []
    names = [" × ".join(name) for name in cells.names(rows[:_NAMED])]
    return [_text(f"pattern: {what}", names, rows)]


def _text(what: str, names: Sequence[str], rows: "Sequence | np.ndarray") -> str:
    more = f" and {len(rows) - len(names)} more" if len(rows) > len(names) else ""
    return f"{what}: {', '.join(names)}{more}"
