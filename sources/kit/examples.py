"""Made-up examples from a contract: file names, and one valid row.

They stand in the instructions; no real file was looked at for them.
"""

import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from sources.contract import KREIS, Column, Feed, date_format_of
from sources.formats.table import present
from sources.layouts import AnyLayout, FixedWidthLayout
from sources.region import Region

ENDINGS = {
    "delimited": ("csv", "txt"),
    "fixed_width": ("txt", "csv"),
    "workbook": ("xlsx",),
    "genesis": ("csv",),
    "ffcsv": ("csv",),
    "features": ("gpkg", "geojson"),
}
"""How files of a form may end; the usual one first."""

_GROUP = re.compile(
    r"(?<!\\)\((?:\?:)?((?:\\.|\[(?:\\.|[^\]])*\]|[^()\\\[])*)\)([?*]|\{0?,\d*\})?\??"
)
_ATOM = re.compile(r"(\\.|\[(?:\\.|[^\]])+\]|[^\\\[])(?:(\*|\?|\+)|\{(\d*)(?:,\d*)?\})?\??")
_SIGNS = {r"\d": "1", r"\w": "a", r"\s": " ", r"\D": "x", r"\S": "x", ".": "x"}


def default_stichtag(region: Region, feed: Feed) -> date:
    """Return the Stichtag for examples: the last expected one, else the last with a form."""
    last = max(layout.valid_to for layout in feed.layouts)
    return max(region.expected.get(feed.feed, ()), default=min(date.today(), last))


def example_name(
    feed: Feed, region: Region, liefereinheit: str, stichtag: date, layout: AnyLayout
) -> str:
    """Return a name under which a Liefereinheit may deliver a file of a Stichtag.

    Raises:
        ValueError: `name_pattern` says too little to make one.
    """
    year = stichtag.year + (feed.stichtag.rule == "vorjahresende") - feed.stichtag.jahr_plus
    told = {"jahr": f"{year}", "monat": f"{stichtag:%m}", "tag": f"{stichtag:%d}"}
    served = region.kommunen_of(liefereinheit)
    for called in _names(region, liefereinheit):
        values = {**told, "liefereinheit": called}
        pattern = re.sub(
            r"\(\?P<(\w+)>[^()]*\)",
            lambda group, values=values: re.escape(values.get(group[1], "")),
            feed.name_pattern,
        )
        if len(served) == 1:  # digits of a key's length stand for the one municipality
            pattern = pattern.replace(rf"\d{{{len(served[0])}}}", served[0])
        plain = sample(pattern) or ""
        for name in [*(f"{Path(plain).stem}.{end}" for end in ENDINGS[layout.format]), plain]:
            if _is_told(feed, region, name, liefereinheit, stichtag):
                return name
    raise ValueError(
        f"feed {feed.feed}: expected a name_pattern from which an example follows for "
        f"{liefereinheit} at {stichtag}, found {feed.name_pattern}; write it more plainly"
    )


def _is_told(feed: Feed, region: Region, name: str, liefereinheit: str, stichtag: date) -> bool:
    by_name = feed.stichtag.aus == "name"
    fits = re.fullmatch(feed.name_pattern, name) is not None
    return (
        fits
        and region.liefereinheit_of(feed, name) == liefereinheit
        and (not by_name or feed.stichtag_of(name) == stichtag)
    )


def _names(region: Region, liefereinheit: str) -> list[str]:
    """How a file name may call a Liefereinheit."""
    if liefereinheit == KREIS:
        return [""]
    unit = region.liefereinheiten[liefereinheit]
    names = [liefereinheit, *unit.aliases]
    if len(unit.kommunen) == 1:
        names += [k.name for k in region.kommunen if k.kommune_id == unit.kommunen[0]]
    return names


def sample(pattern: str) -> str | None:
    """Return the plainest text that a regular expression fits as a whole.

    Parts that may be missing are left out, of alternatives the first stays. None if the expression
    is beyond these means.
    """
    text = f"({pattern})"
    while group := _GROUP.search(text):
        chosen = "" if group[2] else group[1].split("|")[0]
        text = text[: group.start()] + chosen + text[group.end() :]
    found = "".join(_sign(atom[1]) * _least(atom) for atom in _ATOM.finditer(text))
    return found if re.fullmatch(pattern, found) else None


def _least(atom: re.Match) -> int:
    """How often a part must stand there at least."""
    if atom[2]:
        return int(atom[2] == "+")
    return 1 if atom[3] is None else int(atom[3] or 0)


def _sign(atom: str) -> str:
    if atom in _SIGNS:
        return _SIGNS[atom]
    if not atom.startswith("["):
        return atom.removeprefix("\\")
    inside = atom[1:-1]
    if inside.startswith("^"):
        return "x"
    if "0-9" in inside or r"\d" in inside:
        return "1"
    return _SIGNS.get(inside[:2]) or inside.removeprefix("\\")[0]


def example_row(
    feed: Feed,
    region: Region,
    liefereinheit: str,
    stichtag: date,
    layout: AnyLayout,
    areas: Sequence[str] = (),
) -> dict[str, str]:
    """Return a valid row, made up, as the cells of a file: column of the feed -> text.

    Args:
        feed: the contract.
        region: gives municipalities and bounds.
        liefereinheit: for whose municipalities the row is.
        stichtag: the Stichtag of the delivery.
        layout: the form; gives the columns and how values are written.
        areas: known areas; a key that looks like one is made up without them.
    """
    served = region.kommunen_of(liefereinheit) or [k.kommune_id for k in region.kommunen]
    kommune = next(iter(served), "")
    places = _places(feed, region, kommune, areas)
    return {
        column.name: places.get(column.name) or _cell(feed, column, stichtag, layout, served)
        for column in present(feed, layout)
    }


def _places(feed: Feed, region: Region, kommune: str, areas: Sequence[str]) -> dict[str, str]:
    """The cells that say where a row lies."""
    spatial = feed.spatial
    cells = {}
    if spatial.kind == "schluessel":
        cells[spatial.column] = next(iter(areas), None) or _area(region, spatial.ebene, kommune)
    if spatial.kommune and not _column(feed, spatial.kommune).codes:
        cells[spatial.kommune] = kommune
    if spatial.kind == "koordinaten" and region.grenzen:
        west, south, east, north = region.grenzen
        cells |= {spatial.x: f"{(west + east) / 2:.0f}", spatial.y: f"{(south + north) / 2:.0f}"}
    return cells


def _column(feed: Feed, name: str) -> Column:
    return next(column for column in feed.columns if column.name == name)


def _area(region: Region, ebene: str, kommune: str) -> str:
    """A key of the right length: the municipality's own key, filled up as in `<AGS>-001`."""
    width = next((level.prefix for level in region.levels if level.ebene == ebene), None) or 0
    missing = width - len(kommune)
    if not missing:
        return kommune
    return f"{kommune}-{'1'.rjust(missing - 1, '0')}" if kommune else "1" * width


def _cell(
    feed: Feed, column: Column, stichtag: date, layout: AnyLayout, served: Sequence[str]
) -> str:
    width = None
    if isinstance(layout, FixedWidthLayout):
        width = layout.fields[column.name][1]
    if column.name == feed.stichtag.column:
        return stichtag.strftime(feed.stichtag.column_format)
    if column.codes:
        return _code(feed, column, served, width)
    if column.type == "date":
        return stichtag.strftime(date_format_of(layout, column))
    if column.type in ("integer", "decimal"):
        return _number(column).replace(".", layout.decimal)
    return (sample(column.pattern) if column.pattern else "Muster")[:width]


def fitting_codes(column: Column, width: int | None = None) -> dict[str, str]:
    """Return the codes of a column that a field of `width` characters can hold."""
    return {
        code: meaning
        for code, meaning in (column.codes or {}).items()
        if width is None or len(code) <= width
    }


def _code(feed: Feed, column: Column, served: Sequence[str], width: int | None) -> str:
    codes = fitting_codes(column, width)
    if column.name == feed.spatial.kommune:
        codes = {code: kommune for code, kommune in codes.items() if kommune in served} or codes
    return next(iter(codes))


def _number(column: Column) -> str:
    value = max(column.minimum if column.minimum is not None else 1, 1)
    return f"{min(value, column.maximum if column.maximum is not None else value):g}"
