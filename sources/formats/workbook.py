"""Sheets of workbooks (xlsx, xls, xlsb, ods): title, head, data and footer found by their labels.

Values come from calamine, fast and for every kind of workbook. What it does not tell (hidden
columns, formulas that were never computed, errors, colours) only an xlsx file has here.
"""

import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from sources.contract import Column, Feed, date_format_of, header_of
from sources.errors import DeliveryError
from sources.formats import RawTable
from sources.formats.table import Unpivoted, complete, numbered, present
from sources.formats.values import month_number, point_in_time
from sources.layouts import WorkbookLayout

if TYPE_CHECKING:
    from python_calamine import CalamineWorkbook

KINDS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
"""How files of the two families of workbooks begin."""

NO_COLOUR = "00000000"
FACTS = ("jahr", "monat", "tag")
FAR, FARTHER = 1_000, 1_000_000
"""A head that is not found is farther from the agreed form than any number of columns."""

EXACT = 2**53
"""Up to here a number of a workbook is a whole number and not the nearest one."""

Cell = str | float | bool | date
Range = tuple[tuple[int, int], tuple[int, int]]


@dataclass(frozen=True)
class _Sheet:
    """A sheet as it is: its cells from A1 on, and what its file says beside them.

    Attributes:
        cells: rows of cells, "" where there is nothing.
        merged: ((first row, first column), (last row, last column)) from 0, both included; None
            where this kind of workbook does not tell.
        hidden: hidden columns, from 0.
    """

    name: str
    cells: list[list[Cell]]
    merged: list[Range] | None
    hidden: frozenset[int]


@dataclass(frozen=True)
class _Misfit:
    """Why a workbook does not follow a layout, and how far it is from it."""

    distance: int
    expected: str
    found: str


@dataclass(frozen=True)
class _Table:
    """A table found in a sheet.

    Attributes:
        first: row of the sheet below the head.
        left: column of the sheet that is the table's first.
        columns: column of the feed -> column of the sheet.
        measures: text of the head -> column of the sheet, of what no column of the feed is.
        data: rows of the sheet that are rows of the table.
        facts: what stands above and below.
    """

    first: int
    left: int
    columns: dict[str, int]
    measures: list[tuple[str, int]]
    data: list[int]
    facts: dict[str, str] = field(default_factory=dict)


def fits(start: bytes, layouts: list[WorkbookLayout]) -> bool:
    """Whether a file that begins so is a workbook."""
    return start.startswith(KINDS)


def read(feed: Feed, path: Path, file_name: str, layouts: list[WorkbookLayout]) -> RawTable:
    """Read the table of the sheet, anchor and columns that one of the layouts names.

    A row below the head is a row unless it is empty; its number counts from the head on. With
    `unpivot` each of its values is one. Numbers are text with the layout's decimal sign and
    without `.0`, dates as the contract writes those of the column, else ISO.
    `facts` hold what `title` tells, `notes` (what follows the table) and `hidden_columns` (how
    many were read past).

    Raises:
        DeliveryError: the file is no workbook, follows no layout (the message tells what is
            missing against the nearest one), or holds formulas that were never computed.
    """
    book = _open(feed, path, file_name)
    misfits = {}
    for layout in layouts:
        for name in book.sheet_names:
            if not re.fullmatch(layout.sheet, name):
                continue
            sheet = _sheet(feed, path, file_name, book, name)
            table = _find(feed, layout, sheet)
            if isinstance(table, _Table):
                return _raw(feed, path, file_name, layout, sheet, table)
            misfits[layout.id, name] = table
        if not any(of == layout.id for of, _ in misfits):
            found = f"the sheets {book.sheet_names}"
            misfits[layout.id, ""] = _Misfit(FARTHER, f"a sheet named {layout.sheet}", found)
    (nearest, _), misfit = min(misfits.items(), key=lambda item: item[1].distance)
    raise DeliveryError(
        feed.feed,
        file_name,
        expected=misfit.expected,
        found=f"{misfit.found} (against {nearest})",
        remedy="if the partner changed its form, add a layout to the contract",
    )


# --- the sheet as it is ---------------------------------------------------------------------


def _open(feed: Feed, path: Path, file_name: str) -> "CalamineWorkbook":
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        return CalamineWorkbook.from_path(str(path))
    except (CalamineError, OSError) as error:
        raise _unreadable(feed, file_name, type(error).__name__) from None


def _unreadable(feed: Feed, file_name: str, kind: str) -> DeliveryError:
    return DeliveryError(
        feed.feed,
        file_name,
        expected="a workbook (xlsx, xls, xlsb or ods) without a password",
        found=f"a file that cannot be opened ({kind})",
        remedy=f"ask {feed.partner} to save it again and to send it without a password",
    )


def _sheet(feed: Feed, path: Path, file_name: str, book: "CalamineWorkbook", name: str) -> _Sheet:
    from python_calamine import CalamineError

    try:
        sheet = book.get_sheet_by_name(name)
        cells = sheet.to_python(skip_empty_area=False)
    except CalamineError as error:
        raise _unreadable(feed, file_name, type(error).__name__) from None
    xml = _Xml(path, name)
    if count := xml.uncomputed:
        raise DeliveryError(
            feed.feed,
            file_name,
            expected="values",
            found=f"{count} formula(s) that were never computed, in the sheet {name}",
            remedy=f"ask {feed.partner} to open it in its office program, save and send it again",
        )
    for row, column, text in xml.errors:
        cells[row][column] = text
    return _Sheet(name, cells, sheet.merged_cell_ranges, xml.hidden)


class _Xml:
    """What only the XML of a sheet tells; nothing, if the workbook is of another kind."""

    CELL = rb"<(?:\w+:)?c\b(?P<c>[^>]*[^/>])>(?P<inner>.*?)</(?:\w+:)?c>"

    def __init__(self, path: Path, sheet: str):
        """Read the sheet's part of the workbook."""
        self._content = _sheet_xml(path, sheet)

    @cached_property
    def hidden(self) -> frozenset[int]:
        """The hidden columns, from 0."""
        columns = re.findall(rb"<(?:\w+:)?col\b([^>]*)>", self._content)
        hidden = [text for text in columns if _attribute(text, "hidden") in ("1", "true")]
        spans = [(int(_attribute(c, "min")), int(_attribute(c, "max"))) for c in hidden]
        return frozenset(n - 1 for first, last in spans for n in range(first, last + 1))

    @cached_property
    def uncomputed(self) -> int:
        """How many formulas have no value."""
        if not re.search(rb"<(?:\w+:)?f[ >/]", self._content):
            return 0
        cells = re.finditer(self.CELL, self._content, re.DOTALL)
        formulas = [cell for cell in cells if re.search(rb"<(?:\w+:)?f[ >/]", cell["inner"])]
        # A computed text may be empty: its cell says that it is text.
        return sum(
            _attribute(cell["c"], "t") != "str"
            and not re.search(rb"<(?:\w+:)?v>[^<]", cell["inner"])
            for cell in formulas
        )

    @cached_property
    def errors(self) -> list[tuple[int, int, str]]:
        """Row, column (from 0) and text of each cell that holds an error."""
        if b't="e"' not in self._content:
            return []
        found = []
        for match in re.finditer(self.CELL, self._content, re.DOTALL):
            if _attribute(match["c"], "t") == "e":
                text = re.search(rb"<(?:\w+:)?v>([^<]*)<", match["inner"])
                row, column = _position(_attribute(match["c"], "r"))
                found.append((row, column, text[1].decode() if text else "#"))
        return found


def _sheet_xml(path: Path, sheet: str) -> bytes:
    """Return the part of an xlsx file in which a sheet stands; b"" for another workbook."""
    from xml.etree import ElementTree

    if not zipfile.is_zipfile(path):
        return b""
    with zipfile.ZipFile(path) as archive:
        if "xl/workbook.xml" not in archive.namelist():
            return b""
        book = ElementTree.fromstring(archive.read("xl/workbook.xml"))
        links = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
        targets = {link.get("Id"): link.get("Target") for link in links}
        for element in book.iter():
            if element.tag.endswith("}sheet") and element.get("name") == sheet:
                link = next(value for key, value in element.items() if key.endswith("}id"))
                target = targets[link]
                absolute = target[1:] if target.startswith("/") else f"xl/{target}"
                return archive.read(absolute)
    return b""


def _attribute(text: bytes, name: str) -> str:
    match = re.search(rf'\b{name}="([^"]*)"'.encode(), text)
    return match[1].decode() if match else ""


def _position(reference: str) -> tuple[int, int]:
    """Return row and column, from 0, of a cell named like `AB12`."""
    letters, row = re.fullmatch(r"([A-Z]+)(\d+)", reference).groups()
    column = 0
    for letter in letters:
        column = column * 26 + ord(letter) - ord("A") + 1
    return int(row) - 1, column - 1


# --- the table in it ------------------------------------------------------------------------


def _find(feed: Feed, layout: WorkbookLayout, sheet: _Sheet) -> _Table | _Misfit:
    anchor = _anchor(layout, sheet)
    if anchor is None:
        expected = f"a cell {layout.anchor!r} above the first column"
        return _Misfit(FAR, expected, f"none in the sheet {sheet.name}")
    top, left = anchor
    heads = _heads(layout, sheet, top, left)
    wanted = {header_of(layout, c): c.name for c in _in_table(feed, layout)}
    columns = {wanted[text]: n for text, n in heads if text in wanted}
    measures = [(text, n) for text, n in heads if text not in wanted and n not in sheet.hidden]
    missing = [header for header, name in wanted.items() if name not in columns]
    twice = sorted({text for text, _ in heads if [h for h, _ in heads].count(text) > 1} & {*wanted})
    unknown = [] if layout.unpivot or layout.ignore_unknown else [text for text, _ in measures]
    first = top + layout.head_rows
    data, below = _rows(layout, sheet, first, left)
    facts, untold = _title(layout, sheet, top)
    if missing or twice or unknown or untold:
        found = f"missing {missing}, unknown {unknown}, twice {twice}, title without {untold}"
        distance = len(missing) + len(unknown) + len(twice) + len(untold)
        return _Misfit(distance, f"the columns and the title of layout {layout.id}", found)
    if below:
        facts["notes"] = below
    past = len(sheet.hidden & {n for text, n in heads if text not in wanted})
    facts |= {"hidden_columns": str(past)} if past else {}
    return _Table(first, left, columns, measures, data, facts)


def _in_table(feed: Feed, layout: WorkbookLayout) -> list[Column]:
    """Return the columns that have a head of their own."""
    elsewhere = {*layout.title, *layout.colours, *(layout.unpivot or ())}
    return [column for column in present(feed, layout) if column.name not in elsewhere]


def _anchor(layout: WorkbookLayout, sheet: _Sheet) -> tuple[int, int] | None:
    for row, cells in enumerate(sheet.cells):
        for column, cell in enumerate(cells):
            if isinstance(cell, str) and _words(cell) == layout.anchor:
                return row, column
    return None


def _heads(layout: WorkbookLayout, sheet: _Sheet, top: int, left: int) -> list[tuple[str, int]]:
    """Return (text, column) of each column with a head, the levels joined by " / "."""
    levels = [list(cells) for cells in sheet.cells[top : top + layout.head_rows]]
    if sheet.merged is None:
        for level in levels[:-1]:
            for n in range(left + 1, len(level)):
                level[n] = level[n] or level[n - 1]
    for (first_row, first), (last_row, last) in sheet.merged or ():
        if not top <= first_row < top + layout.head_rows:
            continue
        for row in range(first_row, min(last_row + 1, top + layout.head_rows)):
            levels[row - top][first : last + 1] = [sheet.cells[first_row][first]] * (
                last + 1 - first
            )
    joined = [
        (" / ".join(dict.fromkeys(filter(None, (_words(_text(layout, c)) for c in cells)))), n)
        for n, cells in enumerate(zip(*levels, strict=True))
    ]
    return [(text, n) for text, n in joined if text and n >= left]


def _rows(layout: WorkbookLayout, sheet: _Sheet, first: int, left: int) -> tuple[list[int], str]:
    """Return the rows of data, and the text from the row on with which the table ends."""
    end = len(sheet.cells)
    for row in range(first, len(sheet.cells)):
        label = _words(_text(layout, sheet.cells[row][left]))
        if layout.end and label.startswith(layout.end):
            end = row
            break
    data = [row for row in range(first, end) if any(c not in ("", None) for c in sheet.cells[row])]
    return data, _lines(layout, sheet.cells[end:])


def _title(layout: WorkbookLayout, sheet: _Sheet, top: int) -> tuple[dict[str, str], list[str]]:
    """Return what stands above the head, and the names of what is not told there."""
    above = _lines(layout, sheet.cells[:top])
    facts, untold = {}, []
    for name, expression in layout.title.items():
        match = re.search(expression, above, re.MULTILINE)
        value = _fact(name, match[1]) if match else None
        if value:
            facts[name] = value
        else:
            untold.append(name)
    return facts, untold


def _fact(name: str, text: str) -> str | None:
    if name not in FACTS:
        return text.strip()
    told = point_in_time(text)
    if name in told:
        return told[name]
    if name == "monat":
        return month_number(text)
    return text.strip() if text.strip().isdecimal() else None


def _lines(layout: WorkbookLayout, rows: Sequence[Sequence[Cell]]) -> str:
    texts = [[_words(_text(layout, cell)) for cell in row] for row in rows]
    lines = [" ".join(filter(None, line)) for line in texts]
    return "\n".join(filter(None, lines))


# --- its rows -------------------------------------------------------------------------------


def _raw(
    feed: Feed, path: Path, file_name: str, layout: WorkbookLayout, sheet: _Sheet, table: _Table
) -> RawTable:
    import pyarrow as pa

    columns = {
        column.name: numbered(_column(layout, sheet, table, column))
        for column in feed.columns
        if column.name in table.columns
    }
    for name, meanings in layout.colours.items():
        columns[name] = numbered(_by_colour(feed, path, file_name, sheet, table, meanings))
    numbers = pa.array([row - table.first + 1 for row in table.data], pa.int64())
    if layout.unpivot:
        head, value = layout.unpivot
        long = Unpivoted(len(table.data), len(table.measures))
        cells = [
            numbered([_text(layout, sheet.cells[row][n]) for row in table.data])
            for _, n in table.measures
        ]
        columns = {name: long.labels(texts) for name, texts in columns.items()}
        columns[head] = long.heads([text for text, _ in table.measures])
        columns[value] = long.cells(cells) if cells else numbered([])
        numbers = long.numbers(numbers)
    for name in {*layout.title} - {*FACTS}:
        columns[name] = pa.repeat(pa.scalar(table.facts[name], pa.string()), len(numbers))
    return RawTable(layout, complete(feed, layout, numbers, columns), (), table.facts)


def _column(layout: WorkbookLayout, sheet: _Sheet, table: _Table, column: Column) -> list[str]:
    position = table.columns[column.name]
    dates = date_format_of(layout, column) if column.type == "date" else None
    texts = [_text(layout, sheet.cells[row][position], dates) for row in table.data]
    if column.name not in layout.fill_down:
        return texts
    above = _cells_above(sheet, position, table.data)
    for n, row in enumerate(table.data):
        if not texts[n] and above[row] in table.data:
            texts[n] = texts[table.data.index(above[row])]
    return texts


def _cells_above(sheet: _Sheet, column: int, data: list[int]) -> dict[int, int]:
    """Return row -> row whose cell it shows: the first one of a merged cell.

    Where this kind of workbook does not tell what is merged, an empty cell shows the one above.
    """
    shown = {row: row for row in data}
    if sheet.merged is None:
        for before, row in pairwise(data):
            shown[row] = row if sheet.cells[row][column] else shown[before]
    for (first_row, first), (last_row, last) in sheet.merged or ():
        if first <= column <= last:
            shown |= {row: first_row for row in data if first_row <= row <= last_row}
    return shown


def _by_colour(
    feed: Feed,
    path: Path,
    file_name: str,
    sheet: _Sheet,
    table: _Table,
    meanings: dict[str, str],
) -> list[str | None]:
    """Return for each row what the colour of its first cell means; None for another colour."""
    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        with path.open("rb") as file:  # opened here: by its path openpyxl wants an ending
            book = openpyxl.load_workbook(file, data_only=True)
    except (InvalidFileException, KeyError, zipfile.BadZipFile) as error:
        raise DeliveryError(
            feed.feed,
            file_name,
            expected="a workbook of kind xlsx, whose colours can be read",
            found=f"another kind ({type(error).__name__})",
            remedy=f"ask {feed.partner} to save it as xlsx",
        ) from None
    known = {_solid(colour): meaning for colour, meaning in meanings.items()}
    shown = _cells_above(sheet, table.left, table.data)
    cells = book[sheet.name]
    return [
        known.get(_colour(cells.cell(shown[row] + 1, table.left + 1).fill)) for row in table.data
    ]


def _colour(fill) -> str:
    if fill.patternType is None:
        return NO_COLOUR
    colour = fill.fgColor
    return _solid(colour.rgb) if colour.type == "rgb" else f"{colour.type}{colour.value}"


def _solid(colour: str) -> str:
    """Return an ARGB colour as opaque: programs differ in the first two digits."""
    return colour if colour == NO_COLOUR else f"FF{colour[-6:].upper()}"


def _text(layout: WorkbookLayout, cell: Cell, dates: str | None = None) -> str:
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        text = str(int(cell)) if cell.is_integer() and abs(cell) < EXACT else repr(cell)
        return text.replace(".", layout.decimal)
    if isinstance(cell, datetime) and cell.time() != datetime.min.time():
        return cell.isoformat(sep=" ")
    if isinstance(cell, date):
        return cell.strftime(dates or "%Y-%m-%d")
    return str(cell) if cell is not None else ""


def _words(text: str) -> str:
    """Return a text with single blanks: heads break their lines."""
    return " ".join(text.split())
