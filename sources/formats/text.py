"""What the readers of text share: decoding, and lines of delimited fields as Arrow.

Which layout a file follows is each reader's own question.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

from sources.contract import Feed
from sources.errors import DeliveryError
from sources.layouts import Layout

if TYPE_CHECKING:
    import pyarrow as pa

AnyLayout = TypeVar("AnyLayout", bound=Layout)


def decode(
    feed: Feed, file_name: str, content: bytes, layouts: Sequence[AnyLayout], nul: bool = False
) -> list[tuple[AnyLayout, str]]:
    """Return the layouts in whose encoding the content is text, each with this text.

    UTF-8 comes first: what is valid there is hardly anything else, while every file is valid in
    ISO-8859-1. A byte order mark is taken off.

    Args:
        feed: the contract.
        file_name: the name it was delivered under.
        content: the file's bytes.
        layouts: the layouts that may hold.
        nul: whether NUL is a character of text here.

    Raises:
        DeliveryError: the content is no text in any of the encodings.
    """
    encodings = dict.fromkeys(layout.encoding for layout in layouts)
    texts = {encoding: _text(content, encoding) for encoding in encodings}
    found = [
        (layout, text)
        for layout in sorted(layouts, key=lambda layout: not is_utf(layout.encoding))
        if (text := texts[layout.encoding]) is not None and (nul or "\x00" not in text)
    ]
    if not found:
        raise DeliveryError(
            feed.feed,
            file_name,
            expected=f"text in {' or '.join(encodings)}",
            found="bytes that are no such text",
            remedy=f"ask {feed.partner} to export it in the agreed encoding",
        )
    return found


def is_utf(encoding: str) -> bool:
    """Whether an encoding is one of Unicode's own."""
    return encoding.lower().startswith("utf")


def first_line(text: str) -> str:
    """Return the first line without its end."""
    return text.partition("\n")[0].rstrip("\r")


def fields(line: str, delimiter: str) -> list[str]:
    """Return the fields of one line, trimmed and without their quotation marks."""
    # Cut, because csv refuses very long fields; a file may be one line of anything.
    start = line.split("\r", 1)[0][:100_000]
    return [field.strip() for field in next(csv.reader([start], delimiter=delimiter), [])]


def records(lines: Iterator[str] | Sequence[str], delimiter: str) -> Iterator[list[str]]:
    """Yield the fields of each record, quoted fields over several lines included."""
    return csv.reader(lines, delimiter=delimiter)


def parse(
    feed: Feed, file_name: str, body: str, delimiter: str, width: int
) -> tuple["pa.Table", list[int]]:
    """Take lines of delimited fields apart.

    Returns:
        A table with `row_number` (1 is the first line) and the fields as text in columns named by
        their position ("0", "1", …); and the numbers of the lines that do not have `width` fields.

    Raises:
        DeliveryError: a quotation mark runs on over the end of a line.
    """
    import numpy as np
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    malformed: list[int] = []

    def note(row: arrow_csv.InvalidRow) -> str:
        malformed.append(row.number)
        return "skip"

    names = [str(position) for position in range(width)]
    if not body:
        none = pa.array([], pa.string())
        empty = {**dict.fromkeys(names, none), "row_number": pa.array([], pa.int64())}
        return pa.table(empty), malformed
    content = body.encode()
    table = arrow_csv.read_csv(
        io.BytesIO(content),
        # One block: what an open quotation mark swallows may be longer than the usual one.
        read_options=arrow_csv.ReadOptions(
            column_names=names, use_threads=False, block_size=min(len(content), 2**31 - 1)
        ),
        parse_options=arrow_csv.ParseOptions(
            delimiter=delimiter,
            quote_char='"',
            newlines_in_values='"' in body,
            ignore_empty_lines=False,
            invalid_row_handler=note,
        ),
        convert_options=arrow_csv.ConvertOptions(
            column_types={name: pa.string() for name in names}, strings_can_be_null=False
        ),
    )
    lines = table.num_rows + len(malformed)
    if lines != count_lines(body):
        raise _run_on(feed, file_name)
    numbers = np.arange(1, lines + 1)
    numbers = np.delete(numbers, np.array(malformed, dtype=np.int64) - 1)
    return table.append_column("row_number", pa.array(numbers, pa.int64())), malformed


def count_lines(text: str) -> int:
    """Return how many lines a text has, whatever their ends; the last one may be open."""
    ends = text.count("\n")
    if "\r" in text:
        ends += text.count("\r") - text.count("\r\n")
    return ends + (not text.endswith(("\n", "\r")))


def _text(content: bytes, encoding: str) -> str | None:
    try:
        return content.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError:
        return None


def _run_on(feed: Feed, file_name: str) -> DeliveryError:
    """A row is a line. What lies between two quotation marks would vanish into one value."""
    return DeliveryError(
        feed.feed,
        file_name,
        expected="one row in each line",
        found="quotation marks that run on over the end of a line",
        remedy=f"ask {feed.partner} for an export in which every quotation mark is closed",
    )
