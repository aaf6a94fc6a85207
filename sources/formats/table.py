"""What all readers give: every column of the contract, and wide tables made long.

Nothing here knows a kind of file.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from sources.contract import Column, Feed
from sources.layouts import Layout

if TYPE_CHECKING:
    import pyarrow as pa


def present(feed: Feed, layout: Layout) -> tuple[Column, ...]:
    """Return the columns that files of this layout have, in the contract's order."""
    absent = {*layout.lacks, *layout.constants}
    return tuple(column for column in feed.columns if column.name not in absent)


def complete(
    feed: Feed, layout: Layout, row_numbers: "pa.Array", columns: Mapping[str, "pa.Array"]
) -> "pa.Table":
    """Return `row_number` and every column of the contract as text.

    A column that the file does not have is the layout's constant, else NULL.
    """
    import pyarrow as pa

    def filled(column: Column) -> "pa.Array":
        if column.name in columns:
            return columns[column.name]
        constant = pa.scalar(layout.constants.get(column.name), pa.string())
        return pa.repeat(constant, len(row_numbers))

    return pa.table(
        {"row_number": row_numbers, **{column.name: filled(column) for column in feed.columns}}
    )


def numbered(values: Sequence[str | None]) -> "pa.Array":
    """Return values as an Arrow array of text."""
    import pyarrow as pa

    return pa.array(values, pa.string())


class Unpivoted:
    """A wide table made long: one row for each line and value column, line by line.

    Args:
        lines: number of the table's lines.
        width: number of its value columns.
    """

    def __init__(self, lines: int, width: int):
        """Work out which line and which value column each row comes from."""
        import numpy as np

        self.line = np.repeat(np.arange(lines), width)
        self.position = np.tile(np.arange(width), lines)
        self._cell = np.arange(lines * width).reshape(width, lines).T.ravel()

    def labels(self, column: "pa.Array") -> "pa.Array":
        """Return what stands once in each line, for each row."""
        return column.take(_indices(self.line))

    def heads(self, texts: Sequence[str]) -> "pa.Array":
        """Return what stands once above each value column, for each row."""
        return numbered(texts).take(_indices(self.position))

    def cells(self, columns: Sequence["pa.Array"]) -> "pa.Array":
        """Return the values themselves; `columns` are the value columns."""
        import pyarrow as pa

        return pa.concat_arrays(columns).take(_indices(self._cell))

    def numbers(self, line_numbers: "pa.Array") -> "pa.Array":
        """Return row numbers; the line n of the file has those from (n - 1) x width + 1 on."""
        import pyarrow as pa

        lines = line_numbers.to_numpy()[self.line]
        width = len(self.line) // max(len(line_numbers), 1)
        return pa.array((lines - 1) * width + self.position + 1, pa.int64())


def _indices(positions) -> "pa.Array":
    import pyarrow as pa

    return pa.array(positions, pa.int64())
