"""An empty file in an agreed form of a feed, for the partner to fill."""

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from sources.contract import Column, Feed, header_of
from sources.formats.delimited import header_line
from sources.formats.table import present
from sources.kit.examples import example_name, sample
from sources.kit.words import MONTHS
from sources.layouts import AnyLayout, DelimitedLayout, FixedWidthLayout, WorkbookLayout
from sources.region import Region

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

WRITTEN = ("delimited", "fixed_width", "workbook")
"""Forms that offices fill; tables of a statistical office and geometry come out of programs."""

WIDE = 24
"""Width of a column, in characters."""


def write_template(
    feed: Feed,
    region: Region,
    liefereinheit: str,
    stichtag: date,
    layout: AnyLayout,
    folder: Path,
) -> Path:
    """Write an empty file, named as it is to be delivered, and return its path.

    A form without a header line gives a file without rows.

    Raises:
        ValueError: the form is one that offices do not fill (a geometry, a GENESIS table).
    """
    if layout.format not in WRITTEN:
        raise ValueError(
            f"feed {feed.feed}: expected a form of {WRITTEN}, found {layout.format}; such files "
            "come out of the partner's own system"
        )
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / example_name(feed, region, liefereinheit, stichtag, layout)
    if isinstance(layout, WorkbookLayout):
        _write_workbook(feed, layout, stichtag, path)
    elif isinstance(layout, FixedWidthLayout):
        path.write_bytes(_fixed_width(layout).encode(layout.encoding))
    else:
        path.write_bytes(_delimited(feed, layout).encode(layout.encoding))
    return path


def _delimited(feed: Feed, layout: DelimitedLayout) -> str:
    lines = [feed.title if n == 0 else "" for n in range(layout.skip)]
    if layout.header:
        lines.append(header_line(feed, layout))
    return "".join(f"{line}\r\n" for line in lines)


def _fixed_width(layout: FixedWidthLayout) -> str:
    if not layout.trailer:
        return ""
    if not layout.trailer_count:
        return f"{layout.trailer}\r\n"
    first, width = layout.trailer_count
    return layout.trailer.ljust(first - 1) + "0" * width + "\r\n"


def _write_workbook(feed: Feed, layout: WorkbookLayout, stichtag: date, path: Path) -> None:
    """Title block and head; keys are formatted as text, so that their zeros stay."""
    from openpyxl import Workbook

    book = Workbook()
    sheet = book.active
    sheet.title = sample(layout.sheet) or "Daten"
    sheet.append([feed.title])
    for line in _title(layout, stichtag):
        sheet.append([line])
    for colours in layout.colours.values():
        _add_legend(sheet, colours)
    sheet.append([])
    heads = [header.split(" / ") for header in _heads(feed, layout)]
    for level in range(layout.head_rows):
        sheet.append([head[level] if level < len(head) else "" for head in heads])
    texts = {header_of(layout, c) for c in feed.columns if c.type == "text"}
    for number, header in enumerate(_heads(feed, layout), 1):
        column = sheet.column_dimensions[sheet.cell(sheet.max_row, number).column_letter]
        column.width = WIDE
        if header in texts:
            column.number_format = "@"
    book.save(path)


def _add_legend(sheet: "Worksheet", colours: dict[str, str]) -> None:
    """Show the agreed colours, to be copied from."""
    from openpyxl.styles import PatternFill

    for colour, meaning in colours.items():
        sheet.append([meaning])
        fill = PatternFill("solid", fgColor=colour)
        sheet.cell(sheet.max_row, 1).fill = fill


def _title(layout: WorkbookLayout, stichtag: date) -> list[str]:
    """The lines that tell the Stichtag: what the expressions of `title` find, each line once."""
    told = {r"\w+": MONTHS[stichtag.month - 1], r"\d{4}": f"{stichtag.year}"}
    lines = []
    for expression in layout.title.values():
        line = expression
        for sign, value in told.items():
            line = line.replace(f"({sign})", value).replace(sign, value)
        lines.append(sample(line) or line)
    return [*dict.fromkeys(lines)]


def _heads(feed: Feed, layout: WorkbookLayout) -> list[str]:
    """The heads of all columns, the anchor's first."""
    elsewhere = {*layout.title, *layout.colours, *(layout.unpivot or ())}
    heads = [header_of(layout, c) for c in present(feed, layout) if c.name not in elsewhere]
    heads += [head for head, _ in measures(feed, layout)]
    return sorted(heads, key=lambda head: head.split(" / ")[0] != layout.anchor)


def measures(feed: Feed, layout: WorkbookLayout) -> list[tuple[str, Column]]:
    """Return the heads of the columns that each hold one measure, with the column of its values."""
    if not layout.unpivot:
        return []
    name, value = layout.unpivot
    columns = {column.name: column for column in feed.columns}
    return [(head, columns[value]) for head in columns[name].codes or {}]
