"""Text in which each field has its place, with a trailer that counts the lines."""

from pathlib import Path
from typing import TYPE_CHECKING

from sources.contract import Feed
from sources.errors import DeliveryError
from sources.formats import RawTable
from sources.formats.table import complete
from sources.formats.text import decode, is_utf
from sources.layouts import FixedWidthLayout

if TYPE_CHECKING:
    import pyarrow as pa

SAMPLE = 100_000
"""Characters from which the layout is told."""


def fits(start: bytes, layouts: list[FixedWidthLayout]) -> bool:
    """Whether a file that begins so has a line as one of the layouts says."""
    return any(
        _share_of_lines(layout, start.decode(layout.encoding, errors="ignore"))
        for layout in layouts
    )


def read(feed: Feed, path: Path, file_name: str, layouts: list[FixedWidthLayout]) -> RawTable:
    """Read a file with the layout that most of its first lines follow.

    Lines of another length, of another kind of record or with a NUL in them are `malformed`.

    Raises:
        DeliveryError: no line follows a layout, or the trailer is missing or counts other lines
            than there are: the file is truncated.
    """
    content = path.read_bytes()
    texts = decode(feed, file_name, content, layouts, nul=True)
    layout, text = max(texts, key=lambda found: _share_of_lines(*found))
    lines = _lines(content)
    if not _share_of_lines(layout, text) and not _is_trailer(layout, lines[0]):
        raise _unknown_form(feed, file_name, layouts)
    if layout.trailer is not None:
        lines = _before_trailer(feed, file_name, layout, lines)
    return _cut(feed, layout, lines)


def _lines(content: bytes) -> list[bytes]:
    """Return the lines, whatever their ends; older systems close a text with SUB."""
    content = content.removeprefix(b"\xef\xbb\xbf").removesuffix(b"\x1a")
    lines = content.replace(b"\r\n", b"\n").split(b"\n")
    while len(lines) > 1 and not lines[-1]:
        lines.pop()
    return lines


def _share_of_lines(layout: FixedWidthLayout, text: str) -> float:
    """Return which share of the first lines is as the layout says."""
    lines = text[:SAMPLE].replace("\r\n", "\n").split("\n")
    good = [len(line) == layout.width and line.startswith(layout.record) for line in lines]
    return sum(good) / len(lines)


def _is_trailer(layout: FixedWidthLayout, line: bytes) -> bool:
    return layout.trailer is not None and line.startswith(layout.trailer.encode(layout.encoding))


def _before_trailer(
    feed: Feed, file_name: str, layout: FixedWidthLayout, lines: list[bytes]
) -> list[bytes]:
    """Return the lines of data; the trailer is the last line and says how many there are."""
    remedy = f"ask {feed.partner} to send the whole file"
    if not _is_trailer(layout, lines[-1]):
        raise DeliveryError(
            feed.feed,
            file_name,
            expected=f"a last line that begins with {layout.trailer} and counts the lines",
            found=f"{len(lines)} lines without one: truncated",
            remedy=remedy,
        )
    trailer = lines.pop().decode(layout.encoding)
    if layout.trailer_count is None:
        return lines
    first, width = layout.trailer_count
    counted = trailer[first - 1 : first - 1 + width].strip()
    if not (counted.isdecimal() and int(counted) == len(lines)):
        expected = int(counted) if counted.isdecimal() else "a number of"
        raise DeliveryError(
            feed.feed,
            file_name,
            expected=f"{expected} lines of data, as its trailer says",
            found=f"{len(lines)}: truncated",
            remedy=remedy,
        )
    return lines


def _cut(feed: Feed, layout: FixedWidthLayout, lines: list[bytes]) -> RawTable:
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    column = pa.array(lines, pa.binary())
    # A byte is a character in what German offices use but UTF: fields are then cut before they
    # are decoded, which is far faster.
    by_byte = not is_utf(layout.encoding)
    if not by_byte:
        column = column.cast(pa.string())
    numbers = pa.array(np.arange(1, len(lines) + 1), pa.int64())
    length = pc.binary_length if by_byte else pc.utf8_length
    good = pc.and_(
        pc.equal(length(column), layout.width), pc.invert(pc.match_substring(column, "\x00"))
    )
    if layout.record:
        good = pc.and_(good, pc.starts_with(column, layout.record))
    malformed = numbers.filter(pc.invert(good)).to_pylist()
    if malformed:
        column, numbers = column.filter(good), numbers.filter(good)

    def field(first: int, width: int) -> "pa.Array":
        if by_byte:
            part = pc.binary_slice(column, first - 1, first - 1 + width)
            return _decoded(part, layout.encoding)
        return pc.utf8_slice_codeunits(column, first - 1, first - 1 + width)

    columns = {name: field(*place) for name, place in layout.fields.items()}
    return RawTable(layout, complete(feed, layout, numbers, columns), tuple(malformed))


def _decoded(column: "pa.Array", encoding: str) -> "pa.Array":
    """Return bytes as text; most fields are codes and numbers, which are text already."""
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        text = column.cast(pa.string())
        if pc.all(pc.string_is_ascii(text)).as_py() is not False:
            return text
    except pa.ArrowInvalid:  # letters that are no UTF-8
        pass
    encoded = column.dictionary_encode()
    distinct = [value.decode(encoding) for value in encoded.dictionary.to_pylist()]
    return pa.array(distinct, pa.string()).take(encoded.indices)


def _unknown_form(feed: Feed, file_name: str, layouts: list[FixedWidthLayout]) -> DeliveryError:
    forms = [f"{layout.id}: {layout.width} characters, {layout.record!r}" for layout in layouts]
    return DeliveryError(
        feed.feed,
        file_name,
        expected=f"lines of the agreed width and beginning ({'; '.join(forms)})",
        found="no such line among the first ones",
        remedy="if the partner changed its form, add a layout to the contract",
    )
