"""Tables as they are handed in: columns of text and of numbers, and how their faults are told.

What the columns mean is a matter of who reads them (`specification`, `keys`).
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from disclosure.release import ReleaseError

if TYPE_CHECKING:
    import pyarrow as pa


NAMED = 10
"""So many names stand in a message; the others are counted."""


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


def refuse(faults: Sequence[str], where: str = "") -> None:
    """Raise a `ReleaseError` that names all faults, if there are any."""
    if faults:
        raise ReleaseError((f"release {where}: " if where else "release: ") + "; ".join(faults))


def some(names: Sequence[str]) -> str:
    """Return the first names for a message, and how many more there are."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(str(name) for name in names[:NAMED]) + more


def read_texts(table: "pa.Table", name: str) -> list[str | None]:
    """Return a column as text."""
    import pyarrow as pa

    return table[name].cast(pa.string()).to_pylist()


def read_numbers(table: "pa.Table", name: str, *, whole: bool) -> tuple["pa.Array", list[str]]:
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
            faults.append(f"{name}: holds {text} in rows {some(rows)}")
    if faults or not whole:
        return doubles, faults
    return pa.array(values.astype(np.int64), mask=np.asarray(doubles.is_null())), []
