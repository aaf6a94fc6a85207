"""Delimited text, with a header line or without, quoted or not, in a declared encoding."""

import re
from collections import Counter
from pathlib import Path

from sources.contract import Feed, header_of
from sources.errors import DeliveryError
from sources.formats import RawTable
from sources.formats.table import complete, present
from sources.formats.text import decode, fields, first_line, parse
from sources.layouts import DelimitedLayout

SAMPLE = 20
"""Lines from which the usual number of fields is told where no header line names them."""


def fits(start: bytes, layouts: list[DelimitedLayout]) -> bool:
    """Whether a file that begins so may be such text: anything but a workbook."""
    return not start.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0"))


def read(feed: Feed, path: Path, file_name: str, layouts: list[DelimitedLayout]) -> RawTable:
    """Read a file with the layout that its header line, or its number of fields, fits.

    `facts` hold `unknown_columns` (how many were read past) and `notes` (what follows the table).

    Raises:
        DeliveryError: the file is not in the declared encoding, its header is that of no
            layout (the message lists missing and unknown columns against the nearest one), or
            a quotation mark runs on over the end of a line.
    """
    texts = decode(feed, file_name, path.read_bytes(), layouts)
    for follows in (_has_header, _has_named_columns, _has_width):
        for layout, text in texts:
            if follows(feed, layout, _skip(text, layout.skip)):
                return _parse(feed, file_name, layout, _skip(text, layout.skip))
    raise _unknown_form(feed, file_name, texts)


def header_line(feed: Feed, layout: DelimitedLayout) -> str:
    """Return the first line of a file in this layout, without its line end."""
    headers = [header_of(layout, column) for column in present(feed, layout)]
    return layout.delimiter.join(f'"{h}"' if layout.quoted else h for h in headers)


def _skip(text: str, lines: int) -> str:
    for _ in range(lines):
        text = text.partition("\n")[2]
    return text


def _has_header(feed: Feed, layout: DelimitedLayout, text: str) -> bool:
    return layout.header and first_line(text) == header_line(feed, layout)


def _has_named_columns(feed: Feed, layout: DelimitedLayout, text: str) -> bool:
    if not (layout.header and layout.ignore_unknown):
        return False
    found = Counter(fields(first_line(text), layout.delimiter))
    return all(found[header_of(layout, column)] == 1 for column in present(feed, layout))


def _has_width(feed: Feed, layout: DelimitedLayout, text: str) -> bool:
    return not layout.header and _usual_width(text, layout) == len(layout.columns)


def _usual_width(text: str, layout: DelimitedLayout) -> int:
    """Return the number of fields that most of the first lines have: one line may be broken."""
    lines = text.split("\n", SAMPLE)[:SAMPLE]
    widths = Counter(len(fields(line, layout.delimiter)) for line in lines if line.strip())
    return max(widths, key=widths.get, default=0)


def _parse(feed: Feed, file_name: str, layout: DelimitedLayout, text: str) -> RawTable:
    """Take the lines apart; `text` begins with the header line, if the layout has one."""
    if layout.header:
        found = _header_names(feed, layout, text)
        text = _skip(text, 1)
    else:
        found = list(layout.columns)
    text, notes = _cut(text, layout.end)
    table, malformed = parse(feed, file_name, text, layout.delimiter, len(found))
    names = [column.name for column in present(feed, layout)]
    columns = {name: table.column(found.index(name)) for name in names if name in found}
    facts = {"notes": notes} if notes else {}
    if layout.ignore_unknown and "" in found:
        facts["unknown_columns"] = str(found.count(""))
    rows = complete(feed, layout, table.column("row_number"), columns)
    return RawTable(layout, rows, tuple(malformed), facts)


def _header_names(feed: Feed, layout: DelimitedLayout, text: str) -> list[str]:
    """Return the columns of the feed in the file's order, "" for one that is read past."""
    if not layout.ignore_unknown:
        return [column.name for column in present(feed, layout)]
    names = {header_of(layout, column): column.name for column in present(feed, layout)}
    return [names.get(header, "") for header in fields(first_line(text), layout.delimiter)]


def _cut(text: str, end: str | None) -> tuple[str, str]:
    """Part the table from the notes, which begin with the line that `end` fits."""
    match = re.search(rf"^(?:{end})[^\n]*$", text, re.MULTILINE) if end else None
    if match is None:
        return text, ""
    return text[: match.start()], text[match.start() :].replace("\r\n", "\n").strip()


def _unknown_form(
    feed: Feed, file_name: str, texts: list[tuple[DelimitedLayout, str]]
) -> DeliveryError:
    texts = [(layout, _skip(text, layout.skip)) for layout, text in texts]
    named = [(layout, text) for layout, text in texts if layout.header]
    headless = [(layout, text) for layout, text in texts if not layout.header]
    expected, found = [], []
    if named:
        expected.append(f"the header of one of the layouts {[layout.id for layout, _ in named]}")
        found.append(_nearest_header(feed, named))
    if headless:
        widths = sorted({len(layout.columns) for layout, _ in headless})
        ids = [layout.id for layout, _ in headless]
        expected.append(f"lines of {' or '.join(map(str, widths))} fields (layouts {ids})")
        layout, text = headless[0]
        found.append(f"lines of {_usual_width(text, layout)} fields")
    return DeliveryError(
        feed.feed,
        file_name,
        expected=", or ".join(expected),
        found="; ".join(found),
        remedy="if the partner changed its form, add a layout to the contract",
    )


def _nearest_header(feed: Feed, named: list[tuple[DelimitedLayout, str]]) -> str:
    """Return how the header differs from that of the nearest layout."""

    def differs(layout: DelimitedLayout, text: str) -> tuple[list[str], list[str]]:
        agreed = [header_of(layout, column) for column in present(feed, layout)]
        found = fields(first_line(text), layout.delimiter)
        unknown = [] if layout.ignore_unknown else [h for h in found if h not in agreed]
        return [h for h in agreed if h not in found], unknown

    nearest, text = min(named, key=lambda candidate: sum(map(len, differs(*candidate))))
    missing, unknown = differs(nearest, text)
    if len(missing) == len(present(feed, nearest)):
        # A row, perhaps: no word of it is repeated here.
        found = f"none of the columns {missing}: no header line, or another delimiter"
    elif missing or unknown:
        found = f"missing {missing}, unknown {len(unknown)} column(s) {_names(unknown)}"
    elif nearest.ignore_unknown:
        found = "a column that stands there twice"
    else:
        found = "the same columns in another order, quoted otherwise or with other line ends"
    return f"{found} (against {nearest.id})"


def _names(headers: list[str]) -> list[str]:
    """Keep what looks like a column's name."""
    named = [h for h in headers if h.isidentifier()]
    return named if len(named) == len(headers) else [*named, "(no column names)"]
