"""Delimited text with one header line, quoted or not, in a declared encoding."""

import csv
import io
from pathlib import Path

from sources.contract import DelimitedLayout, Feed, header_of
from sources.errors import DeliveryError
from sources.formats import RawTable


def read(feed: Feed, path: Path, file_name: str, layouts: list[DelimitedLayout]) -> RawTable:
    """Read a file with the layout whose header line is the file's first line.

    Raises:
        DeliveryError: the file is not in the declared encoding, its header is that of no
            layout (the message lists missing and unknown columns against the nearest one), or
            a quotation mark runs on over the end of a line.
    """
    content = path.read_bytes()
    text = _decode(feed, file_name, content, layouts)
    first_line, _, body = text.partition("\n")
    first_line = first_line.rstrip("\r")
    layout = next((lt for lt in layouts if header_line(feed, lt) == first_line), None)
    if layout is None:
        raise _unknown_header(feed, file_name, first_line, layouts)
    return _parse(feed, file_name, layout, body)


def header_line(feed: Feed, layout: DelimitedLayout) -> str:
    """Return the first line of a file in this layout, without its line end."""
    headers = [header_of(layout, column) for column in feed.columns]
    return layout.delimiter.join(f'"{h}"' if layout.quoted else h for h in headers)


def _decode(feed: Feed, file_name: str, content: bytes, layouts: list[DelimitedLayout]) -> str:
    encodings = list(dict.fromkeys(layout.encoding for layout in layouts))
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text.removeprefix("\ufeff")
    raise DeliveryError(
        feed.feed,
        file_name,
        expected=f"text in {' or '.join(encodings)}",
        found="bytes that are no such text",
        remedy=f"ask {feed.partner} to export it in the agreed encoding",
    )


def _unknown_header(
    feed: Feed, file_name: str, first_line: str, layouts: list[DelimitedLayout]
) -> DeliveryError:
    def columns_in(layout: DelimitedLayout) -> list[str]:
        # Cut, because csv refuses very long fields; a file may be one line of anything.
        start = first_line.split("\r", 1)[0][:100_000]
        line = next(csv.reader([start], delimiter=layout.delimiter), [])
        return [field.strip() for field in line]

    def differs(layout: DelimitedLayout) -> tuple[list[str], list[str]]:
        agreed = [header_of(layout, column) for column in feed.columns]
        found = columns_in(layout)
        return [h for h in agreed if h not in found], [h for h in found if h not in agreed]

    nearest = min(layouts, key=lambda layout: sum(map(len, differs(layout))))
    missing, unknown = differs(nearest)
    if len(missing) == len(feed.columns):  # a row, perhaps: no word of it is repeated here
        found = f"none of the columns {missing}: no header line, or another delimiter"
    elif missing or unknown:
        found = f"missing {missing}, unknown {len(unknown)} column(s) {_names(unknown)}"
    else:
        found = "the same columns in another order, quoted otherwise or with other line ends"
    return DeliveryError(
        feed.feed,
        file_name,
        expected=f"the header of one of the layouts {[layout.id for layout in layouts]}",
        found=f"{found} (against {nearest.id})",
        remedy="if the partner changed its form, add a layout to the contract",
    )


def _names(headers: list[str]) -> list[str]:
    """Keep what looks like a column's name."""
    named = [h for h in headers if h.isidentifier()]
    return named if len(named) == len(headers) else [*named, "(no column names)"]


def _parse(feed: Feed, file_name: str, layout: DelimitedLayout, body: str) -> RawTable:
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    malformed: list[int] = []

    def note(row: arrow_csv.InvalidRow) -> str:
        malformed.append(row.number)
        return "skip"

    names = [column.name for column in feed.columns]
    if not body:
        none = pa.array([], pa.string())
        empty = pa.table({**dict.fromkeys(names, none), "row_number": pa.array([], pa.int64())})
        return RawTable(layout, empty)
    content = body.encode()
    table = arrow_csv.read_csv(
        io.BytesIO(content),
        # One block: what an open quotation mark swallows may be longer than the usual one.
        read_options=arrow_csv.ReadOptions(
            column_names=names, use_threads=False, block_size=min(len(content), 2**31 - 1)
        ),
        parse_options=arrow_csv.ParseOptions(
            delimiter=layout.delimiter,
            quote_char='"',
            newlines_in_values=True,
            ignore_empty_lines=False,
            invalid_row_handler=note,
        ),
        convert_options=arrow_csv.ConvertOptions(
            column_types={name: pa.string() for name in names}, strings_can_be_null=False
        ),
    )
    if table.num_rows + len(malformed) != _count_lines(body):
        raise _run_on(feed, file_name)
    skipped = set(malformed)
    numbers = [n for n in range(1, table.num_rows + len(skipped) + 1) if n not in skipped]
    rows = table.append_column("row_number", pa.array(numbers, pa.int64()))
    return RawTable(layout, rows, tuple(malformed))


def _count_lines(text: str) -> int:
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text.count("\n") + (not text.endswith("\n"))


def _run_on(feed: Feed, file_name: str) -> DeliveryError:
    """A row is a line. What lies between two quotation marks would vanish into one value."""
    return DeliveryError(
        feed.feed,
        file_name,
        expected="one row in each line",
        found="quotation marks that run on over the end of a line",
        remedy=f"ask {feed.partner} for an export in which every quotation mark is closed",
    )
