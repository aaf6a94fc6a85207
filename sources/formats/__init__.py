"""How a file becomes rows of text under the contract's column names.

One module for each kind of file; which kind a file is tells its content, never its place in the
contract. Nothing here judges a value: a reader keeps every row, with its number in the file, and
says which rows could not be taken apart.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from sources.contract import Feed
from sources.errors import DeliveryError
from sources.layouts import Layout

if TYPE_CHECKING:
    import pyarrow as pa

START = 65_536
"""Bytes of a file from which its kind is told."""


@dataclass(frozen=True)
class RawTable:
    """A file as read.

    Attributes:
        layout: the agreed layout that the file follows.
        rows: `row_number` (1 is the first line of data) and every column of the contract as
            text; a geometry as WKB, beside `point_x` and `point_y` of a point inside it. Columns
            that the layout does not have are its constants, else NULL.
        malformed: row numbers of lines that do not have the agreed number of fields.
        facts: what the file says of itself beside its rows, as far as it does: `jahr`, `monat`,
            `tag` of the whole table, `stand` of the export, `notes` above all its footer,
            `unknown_columns` (how many were read past).
    """

    layout: Layout
    rows: "pa.Table"
    malformed: tuple[int, ...] = ()
    facts: dict[str, str] = field(default_factory=dict)


def read(feed: Feed, path: Path, file_name: str, layouts: list[Layout], srs: int) -> RawTable:
    """Read a file with the one of `layouts` that it follows.

    `file_name` is the name it was delivered under. Geometries are brought to `srs`.

    Raises:
        DeliveryError: the file is empty, or follows none of the layouts.
    """
    from sources.formats import delimited, features, ffcsv, fixed_width, genesis, workbook

    if path.stat().st_size == 0:
        raise DeliveryError(
            feed.feed,
            file_name,
            expected="a file with a header and rows",
            found="an empty file",
            remedy=f"ask {feed.partner} to send it again",
        )
    with path.open("rb") as file:
        start = file.read(START)
    readers = {
        "features": features,
        "workbook": workbook,
        "genesis": genesis,
        "ffcsv": ffcsv,
        "fixed_width": fixed_width,
        "delimited": delimited,
    }
    agreed = {
        kind: of_kind
        for kind in readers
        if (of_kind := [layout for layout in layouts if layout.format == kind])
    }
    # The last one is the least particular; where no kind fits, its message tells what is missing.
    kind = next((k for k, of in agreed.items() if readers[k].fits(start, of)), [*agreed][-1])
    if kind == "features":
        return features.read(feed, path, file_name, agreed[kind], srs)
    return readers[kind].read(feed, path, file_name, agreed[kind])
