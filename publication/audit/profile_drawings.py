"""The audit of the profiles' drawings: what is drawn must be what the marts show.

Bars, points, lines and areas of maps say which cell they stand for. Each of them needs a value to
show, and the length, place or colour that follows from it; what says nothing has a fixed size.
"""

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

from publication.audit.profile_marts import Marts
from publication.legends import OTHER_COLOUR
from publication.profiles.drawing import OWN_COLOUR
from publication.profiles.marks import KEYS, SEPARATOR

if TYPE_CHECKING:
    from publication.legends import Legend

CLOSE = 0.6
"""By how many units a point may lie beside the place that its value gives."""
FIXED = {("5", "5"), ("8", "6"), ("8", "8"), ("14", "8"), ("16", "3.8"), ("16", "7.5")}
"""Width and height of rectangles that stand for no value: hatch, legends, withheld."""
FEW = 3


def drawing_faults(drawn: Element, marts: Marts) -> Iterator[str]:
    """Say what is wrong with one drawing; the same sentence for each element."""
    colours = {entry.colour for one in marts.legends.values() for entry in one.entries}
    bars: list[tuple[float, float]] = []
    points: list[tuple[float, float, float]] = []
    for one in drawn.iter():
        marked = one.get("data-spalte") is not None
        if one.get("data-punkte") is not None:
            line = list(_line(one, marts))
            if None in line:
                yield "expected lines through values that are shown, other lines"
            points += [point for point in line if point]
        elif one.tag == "circle" or (one.tag == "rect" and marked):
            value = _value(one, marts)
            if not isinstance(value, int | float):
                yield "expected nothing drawn for a cell without a value, bars or points"
            elif one.tag == "rect":
                bars.append((float(value), float(one.get("width", "nan"))))
            else:
                points.append((float(value), float(one.get("cx")), float(one.get("cy"))))
        elif one.get("data-raum") is not None:
            yield from _area(one, marts)
        else:
            yield from _unmarked(one, colours)
    if not _proportional(bars):
        yield "expected bars as long as their values, drawings with others"
    if not (_affine([(v, x) for v, x, _ in points]) or _affine([(v, y) for v, _, y in points])):
        yield "expected points where their values are, drawings with others"


def _unmarked(one: Element, colours: set[str]) -> Iterator[str]:
    """Find what looks as if it stood for a value, and does not say for which."""
    if one.tag == "rect" and (one.get("width"), one.get("height")) not in FIXED:
        yield "expected bars that say what they stand for, others"
    elif one.tag == "path" and one.get("stroke") == OWN_COLOUR:
        yield "expected lines that say what they stand for, others"
    elif one.tag == "path" and one.get("fill") in colours:
        yield "expected coloured areas that say what they stand for, others"


def _value(one: Element, marts: Marts) -> float | str | None:
    return marts.value(
        one.get("data-tabelle", ""), one.get("data-schluessel", ""), one.get("data-spalte", "")
    )


def _line(one: Element, marts: Marts) -> Iterator[tuple[float, float, float] | None]:
    """Return value and place of each point of a line; None where there is nothing to show."""
    keys = one.get("data-punkte", "").split(" ")
    places = re.findall(r"[ML](\S+) ([^L]+)", one.get("d", ""))
    if len(keys) != len(places):
        yield None
        return
    for key, (x, y) in zip(keys, places, strict=True):
        value = marts.value("mart_reihe", key, "wert")
        yield (float(value), float(x), float(y)) if isinstance(value, int | float) else None


def _area(one: Element, marts: Marts) -> Iterator[str]:
    """Compare the colour of an area on a map with the class of its value."""
    paint = one.get("fill", "")
    if one.get("data-spalte") is None:
        if paint != OTHER_COLOUR and not paint.startswith("url(#"):
            yield "expected no class for an area without a value, areas with one"
        return
    table, key = one.get("data-tabelle", ""), one.get("data-schluessel", "")
    parts = dict(zip(KEYS.get(table, ()), key.split(SEPARATOR), strict=False))
    legend: Legend | None = marts.legends.get(
        parts.get("indikator_id") or parts.get("index_id") or ""
    )
    entry = legend.entry(_value(one, marts)) if legend else None
    if entry is None or parts.get("raum_id") != one.get("data-raum"):
        yield "expected no class for an area without a value, areas with one"
    elif (entry.colour, entry.label) != (paint, one.get("data-klasse")):
        yield "expected areas in the colour of their class, others"


def _proportional(bars: Sequence[tuple[float, float]]) -> bool:
    """Return whether all bars have the same length for one unit."""
    most = max(bars, default=(0.0, 0.0))
    if not most[0]:
        return all(not width for _, width in bars)
    return all(abs(value * most[1] / most[0] - width) < CLOSE for value, width in bars)


def _affine(places: Sequence[tuple[float, float]]) -> bool:
    """Return whether places follow from values along one axis."""
    if len({value for value, _ in places}) < FEW:
        return True
    (low, start), (high, end) = min(places), max(places)
    step = (end - start) / (high - low)
    return all(abs(start + (value - low) * step - place) < CLOSE for value, place in places)
