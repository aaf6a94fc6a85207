"""What a release owes to each withheld cell: which cells are sensitive, and by which bar.

The auditor's own reading of the rules. It shares their parameters with the engine, no code.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from disclosure.audit.cells import Cells
from disclosure.audit.pattern import Marks, families
from disclosure.audit.rules import cells_that_must_stay

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from disclosure.policy import Policy


@dataclass(frozen=True)
class Demands:
    """What must hold for each cell; every array has the shape (cells,).

    Attributes:
        sensitive: must be withheld and must not be exact.
        bar: the whole-number upper bound that an outsider must be left with at least; 0: none.
        width: how wide the interval must be at least; 0: any.
        may_be_zero: withheld for a reason that does not say that the count is above 0.
        at_source: sensitive because its number was withheld at its source.
    """

    sensitive: "np.ndarray"
    bar: "np.ndarray"
    width: "np.ndarray"
    may_be_zero: "np.ndarray"
    at_source: "np.ndarray"


def demand_counts(
    cells: Cells, marks: Marks, primary: "pa.Table | None", policy: "Policy | None" = None
) -> Demands:
    """Return the demands on counts: minimum frequency, the policy, cells named by `primary`.

    A count of the pattern's own that is marked primary for another rule must not be exact either.
    A cell that was withheld at its source is sensitive where no finer cell of the release holds
    what is unknown; it may be a small count, and needs the same bar.

    Args:
        cells: the published cells.
        marks: what the pattern says.
        primary: keys, and optionally `width`; as `make_keys` returns them.
        policy: the region's rules.
    """
    import numpy as np

    largest = _thresholds(cells)
    small = (cells.value >= 1) & (cells.value <= largest) & ~cells.unknown
    width = np.zeros(len(cells.key), dtype=np.int64)
    named = cells_that_must_stay(cells, policy)
    if primary is not None:
        place = cells.find(primary)
        named[place[place >= 0]] = True
        if "width" in primary.column_names:
            numbers = primary["width"].fill_null(0).to_numpy()
            width[place[place >= 0]] = numbers[place >= 0]
    at_source = _finest_unknown(cells)
    return Demands(
        sensitive=small | named | at_source | (marks.primary & marks.suppressed),
        bar=np.where(small | at_source, largest + 1, 0),
        width=width,
        may_be_zero=named | cells.unknown,
        at_source=at_source,
    )


def _thresholds(cells: Cells) -> "np.ndarray":
    """Return up to which number each cell is sensitive: in small areas the stricter one."""
    import numpy as np

    release = cells.release
    limits = np.array([(m.max_sensitive, m.max_small) for m in release.measures])[cells.measure]
    if release.small_areas is None:
        return limits[:, 0]
    place = list(release.dimensions).index(release.small_areas.dimension)
    codes = release.dimensions[release.small_areas.dimension].codes
    small = np.array([False, *(code in set(release.small_areas.codes) for code in codes)])
    return np.where(small[cells.codes[:, place]], limits[:, 1], limits[:, 0])


def _finest_unknown(cells: Cells) -> "np.ndarray":
    import numpy as np

    finest = cells.unknown.copy()
    for parent, _ in families(cells):
        # A finer cell holds what is unknown even where a partner delivered its number.
        above = parent[cells.at_source & (parent >= 0)]
        finest[np.unique(above)] = False
    return finest
