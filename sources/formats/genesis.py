"""Classic GENESIS tables: titles, a head of several rows, units, data, underscores, notes.

Every part is found by what stands in it, since titles wrap and heads grow from export to export.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from sources.contract import Feed
from sources.errors import DeliveryError
from sources.formats import RawTable
from sources.formats.table import Unpivoted, complete
from sources.formats.text import decode, first_line, parse, records
from sources.formats.values import (
    common_point,
    is_thousands,
    point_in_time,
    stand,
    thousandfold,
)
from sources.layouts import GenesisLayout

DELIMITER = ";"
END = re.compile(r"^_{5,};*\r?$", re.MULTILINE)
TABLE = re.compile(r"Tabelle:\s*(\S+?);*")


@dataclass(frozen=True)
class _Parts:
    """A file taken apart: the rows of its head, the text of its data, the text of its foot."""

    table: str
    head: list[list[str]]
    data: str
    foot: str

    @property
    def labels(self) -> int:
        """Number of columns before the values: the head is empty above them."""
        return min(next((n for n, text in enumerate(row) if text), len(row)) for row in self.head)


def fits(start: bytes, layouts: list[GenesisLayout]) -> bool:
    """Whether a file that begins so is such a table."""
    return b"Tabelle:" in start.split(b"\n", 1)[0]


def read(feed: Feed, path: Path, file_name: str, layouts: list[GenesisLayout]) -> RawTable:
    """Read a table with the layout of its number, labels and levels of the head.

    Each cell becomes a row; the cells of the line n have the row numbers from
    (n - 1) x columns + 1 on. `facts` hold `jahr`, `monat`, `tag` as far as the head or the column
    of the time tell them for the whole table, `stand` of the export, and the `notes`.

    Raises:
        DeliveryError: the file is no such table, ends before its foot, is another table, has
            another head than agreed, or tells several points in time that are not kept.
    """
    texts = decode(feed, file_name, path.read_bytes(), layouts)
    for layout, text in texts:
        parts = _take_apart(feed, file_name, text)
        if _follows(layout, parts):
            return _unpivot(feed, file_name, layout, parts)
    raise _unknown_form(feed, file_name, layouts, _take_apart(feed, file_name, texts[0][1]))


def _take_apart(feed: Feed, file_name: str, text: str) -> _Parts:
    named = TABLE.fullmatch(first_line(text))
    end = END.search(text)
    if named is None or end is None:
        raise DeliveryError(
            feed.feed,
            file_name,
            expected="a GENESIS table: `Tabelle:` above it and a line of underscores below",
            found="another first line" if named is None else "no such line: truncated",
            remedy="download the table again, as CSV",
        )
    lines = text[: end.start()].split("\n")
    head, taken = [], 0
    reader = records((f"{line}\n" for line in lines), DELIMITER)
    for row in reader:
        if row and row[0] and any(row[1:]):
            break
        # A title stands in the first cell and nowhere else, a head never stands there.
        head = [*head, [" ".join(cell.split()) for cell in row]] if row and not row[0] else []
        taken = reader.line_num
    head = [row for row in head if any(row)]
    if not head:
        raise DeliveryError(
            feed.feed,
            file_name,
            expected="a head of columns above the data",
            found="none",
            remedy="download the table again, as CSV",
        )
    return _Parts(named[1], head, "\n".join(lines[taken:]), text[end.end() :])


def _follows(layout: GenesisLayout, parts: _Parts) -> bool:
    return (
        layout.table == parts.table
        and len(layout.labels) == parts.labels
        # The row of units stands below the head, if there is one.
        and len(parts.head) - len(layout.heads) in (0, 1)
    )


def _unpivot(feed: Feed, file_name: str, layout: GenesisLayout, parts: _Parts) -> RawTable:
    import pyarrow.compute as pc

    first = len(layout.labels)
    width = max(map(len, parts.head))
    # Rows of a head may lack what is empty at their end.
    head = [[*row, *[""] * (width - len(row))][first:] for row in parts.head]
    table, malformed = parse(feed, file_name, parts.data, DELIMITER, width)
    table = table.combine_chunks()
    columns = [pc.utf8_trim_whitespace(table.column(n).combine_chunks()) for n in range(width)]
    units = head[len(layout.heads)] if len(head) > len(layout.heads) else [""] * (width - first)
    cells = [
        thousandfold(column, layout.decimal, layout.thousands) if is_thousands(unit) else column
        for column, unit in zip(columns[first:], units, strict=True)
    ]
    long = Unpivoted(table.num_rows, width - first)
    found = {
        name: long.labels(column)
        for name, column in zip(layout.labels, columns[:first], strict=True)
        if name
    }
    for name in dict.fromkeys(filter(None, layout.heads)):
        levels = [level for level, of in zip(head, layout.heads, strict=False) if of == name]
        found[name] = long.heads([_joined(texts) for texts in zip(*levels, strict=True)])
    found[layout.value] = long.cells(cells)
    if layout.unit:
        found[layout.unit] = long.heads(["1" if unit == "1000" else unit for unit in units])
    facts = _foot(parts.foot) | _time(feed, file_name, layout, columns, head)
    rows = complete(feed, layout, long.numbers(table.column("row_number")), found)
    numbers = tuple((n - 1) * (width - first) + 1 for n in malformed)
    return RawTable(layout, rows, numbers, facts)


def _joined(texts: tuple[str, ...]) -> str:
    """Join the levels above a column; deeper ones may be empty, a repeated one says nothing."""
    return " / ".join(dict.fromkeys(filter(None, texts)))


def _time(
    feed: Feed, file_name: str, layout: GenesisLayout, columns: list, head: list[list[str]]
) -> dict[str, str]:
    """Return the point in time of the whole table, from its head or from a column of times."""
    for name, column in zip(layout.labels, columns, strict=False):
        if name not in (None, "zeit"):
            continue
        point, is_time = common_point(column)
        if is_time and not point and name is None:
            raise DeliveryError(
                feed.feed,
                file_name,
                expected="one point in time in the table",
                found="several, and no column of the contract that keeps them",
                remedy="download one file for each year",
            )
        if point:
            return point
    for level, _ in zip(head, layout.heads, strict=False):
        texts = set(level)
        if len(texts) == 1 and (point := point_in_time(texts.pop())):
            return point
    return {}


def _foot(text: str) -> dict[str, str]:
    """Return `stand` and `notes`; notes are one quoted field over many lines, or plain lines."""
    lines = [
        line
        for row in records((f"{line}\n" for line in text.split("\n")), DELIMITER)
        for line in row
    ]
    kept = [line.replace("\r", "").strip() for line in lines if line.strip()]
    stamps = [line for line in kept if line.startswith("Stand:")]
    facts = {"stand": stand(stamps[-1].removeprefix("Stand:"))} if stamps else {}
    if notes := "\n".join(line for line in kept if line not in stamps):
        facts["notes"] = notes
    return facts


def _unknown_form(
    feed: Feed, file_name: str, layouts: list[GenesisLayout], parts: _Parts
) -> DeliveryError:
    agreed = [
        f"{layout.table} with {len(layout.labels)} columns of labels and a head of "
        f"{len(layout.heads)} levels"
        for layout in layouts
    ]
    return DeliveryError(
        feed.feed,
        file_name,
        expected=f"table {' or '.join(agreed)}",
        found=f"table {parts.table} with {parts.labels} and {len(parts.head)} (units included)",
        remedy="if the office changed its table, add a layout to the contract",
    )
