"""An empty file in the agreed form of a feed, for the partner to fill."""

from datetime import date
from pathlib import Path

from sources.contract import Feed, header_of
from sources.kit.instructions import newest_layout
from sources.kit.words import example_name
from sources.layouts import AnyLayout, DelimitedLayout, FixedWidthLayout, WorkbookLayout

MONTHS = (
    "Januar",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
)
WRITTEN = ("delimited", "fixed_width", "workbook")


def write_template(feed: Feed, liefereinheit: str, stichtag: date, folder: Path) -> Path:
    """Write an empty file of a feed, named as it is to be delivered, and return its path.

    Raises:
        ValueError: the form is one that offices do not fill by hand (a geometry, a GENESIS table).
    """
    layout = newest_layout(feed)
    if layout.format not in WRITTEN:
        raise ValueError(
            f"feed {feed.feed}: there is no template for files of the form {layout.format}; they "
            "come out of the partner's own system"
        )
    path = folder / example_name(feed, stichtag, liefereinheit)
    folder.mkdir(parents=True, exist_ok=True)
    if isinstance(layout, WorkbookLayout):
        _write_workbook(feed, layout, stichtag, path)
    elif isinstance(layout, FixedWidthLayout):
        path.write_bytes(_fixed_width(layout).encode(layout.encoding))
    else:
        path.write_bytes(_delimited(feed, layout).encode(layout.encoding))
    return path


def _filled(feed: Feed, layout: AnyLayout) -> list:
    """The columns that a file of this form has."""
    absent = {*layout.lacks, *layout.constants}
    return [column for column in feed.columns if column.name not in absent]


def _delimited(feed: Feed, layout: DelimitedLayout) -> str:
    lines = ["" for _ in range(layout.skip)]
    if layout.header:
        headers = [header_of(layout, column) for column in _filled(feed, layout)]
        headers = [f'"{header}"' for header in headers] if layout.quoted else headers
        lines.append(layout.delimiter.join(headers))
    return "".join(f"{line}\r\n" for line in lines)


def _fixed_width(layout: FixedWidthLayout) -> str:
    if not layout.trailer:
        return ""
    first, width = layout.trailer_count
    return layout.trailer.ljust(first - 1) + "0".rjust(width, "0") + "\r\n"


def _write_workbook(feed: Feed, layout: WorkbookLayout, stichtag: date, path: Path) -> None:
    """Title block, head and, for a table with one measure in each column, its measures."""
    from openpyxl import Workbook

    book = Workbook()
    sheet = book.active
    sheet.title = _plain_name(layout.sheet)
    sheet.append([feed.title])
    if {"jahr", "monat"} <= set(layout.title):
        month = f"{MONTHS[stichtag.month - 1]} {stichtag.year}"
        sheet.append([f"Berichtsmonat: {month}; Datenstand: {month}"])
    sheet.append([])
    parts = [header.split(" / ") for header in _head(feed, layout)]
    for level in range(layout.head_rows):
        sheet.append([part[level] if level < len(part) else "" for part in parts])
    book.save(path)


def _head(feed: Feed, layout: WorkbookLayout) -> list[str]:
    unpivoted = {*(layout.unpivot or ())}
    facts = {*layout.title, *layout.colours}
    headers = [
        header_of(layout, column)
        for column in _filled(feed, layout)
        if column.name not in unpivoted | facts
    ]
    if layout.unpivot:
        measures = next(c for c in feed.columns if c.name == layout.unpivot[0])
        headers += list(measures.codes or {})
    return headers


def _plain_name(pattern: str) -> str:
    first = pattern.split("|", maxsplit=1)[0]
    return "".join(sign for sign in first if sign.isalnum() or sign in " _-") or "Daten"
