"""What the simulated partners do wrong on purpose: the list that tests compare with.

A planted bad row is an extra row, a wrong file an extra file, or the fault can be undone exactly;
so the clean rows give the true results. Numbers and kinds are those of the catalogue in the
project's notes on feeds (section 5).
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import pandas as pd

Expected = Literal[
    "quarantined", "rejected", "repaired", "state", "duplicate", "warned", "accepted"
]
"""What landing must do. `accepted`: the file is read right in spite of its oddity."""


@dataclass(frozen=True)
class Defect:
    """One planted fault.

    Attributes:
        nr: number in the catalogue of defects.
        kind: short name.
        feed: the feed.
        file: name of the file.
        expected: what landing must do.
        reason: part of the reason that landing must give, or the state of the cells.
        rows: how many rows, or cells for a state; 0 where the file counts as a whole.
    """

    nr: int
    kind: str
    feed: str
    file: str
    expected: Expected
    reason: str
    rows: int


Defects = list[Defect]
"""A writer appends what it plants."""


def as_frame(defects: Iterable[Defect]) -> "pd.DataFrame":
    """Return the list as a frame, one row for each fault."""
    import pandas as pd

    columns = [field.name for field in fields(Defect)]
    return pd.DataFrame([asdict(defect) for defect in defects], columns=columns)
