"""How a file becomes rows of text under the contract's column names.

One module for each kind of file. Nothing here judges a value: a reader keeps every row,
with its number in the file, and says which rows could not be taken apart.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sources.contract import Feed, Layout
from sources.errors import DeliveryError

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class RawTable:
    """A file as read.

    Attributes:
        layout: the agreed layout that the file follows.
        rows: `row_number` (1 is the first line of data) and every column of the contract as
            text; a geometry as WKB, beside `point_x` and `point_y` of a point inside it.
        malformed: row numbers of lines that do not have the agreed number of fields.
    """

    layout: Layout
    rows: "pa.Table"
    malformed: tuple[int, ...] = ()


def read(feed: Feed, path: Path, file_name: str, layouts: list[Layout], srs: int) -> RawTable:
    """Read a file with the one of `layouts` that it follows.

    `file_name` is the name it was delivered under. Geometries are brought to `srs`.

    Raises:
        DeliveryError: the file is empty, or follows none of the layouts.
    """
    from sources.formats import delimited, features

    if path.stat().st_size == 0:
        raise DeliveryError(
            feed.feed,
            file_name,
            expected="a file with a header and rows",
            found="an empty file",
            remedy=f"ask {feed.partner} to send it again",
        )
    if layouts[0].format == "features":
        return features.read(feed, path, file_name, layouts[0], srs)
    return delimited.read(feed, path, file_name, layouts)
