"""The development of key figures: small charts, a table of the last Stichtage, breaks in words.

A break is a gap, a converted value a hollow point; what is withheld has no point. Not here: trends
and breaks themselves, which the marts tell.
"""

from collections.abc import Sequence
from datetime import date
from itertools import pairwise

from publication.numbers import DASH, day
from publication.profiles import words as german
from publication.profiles.document import (
    DAY,
    TEXT,
    Block,
    Column,
    Drawing,
    Grid,
    Paragraph,
    Piece,
    Row,
    Section,
    Table,
    Words,
    words,
)
from publication.profiles.drawing import (
    BOLD,
    INK,
    LINE,
    OTHER_LINE,
    OWN_COLOUR,
    QUIET,
    drawing,
    element,
    extent,
    hatched,
    marked,
    text,
    text_lines,
)
from publication.profiles.reading import Known, Point, dated

WIDTH, HEIGHT = 152.0, 100.0
LEFT, RIGHT, TOP, BOTTOM = 14.0, 138.0, 36.0, 78.0
STICHTAGE = 6
"""How many of the newest Stichtage the table has."""


def section(known: Known, area: str, indicators: Sequence[str], title: str) -> Section | None:
    """Return the development of some indicators of an area; None if there is no series."""
    own = known.series.get(area, {})
    told = [key for key in indicators if own.get(key)]
    if not any(point.shown for key in told for point in own[key]):
        return None
    kreis = known.areas[area].kreis_id if area in known.areas else None
    above = known.series.get(kreis, {}) if kreis and kreis != area else {}
    charts = [
        _chart(known, f"verlauf-{_letters(number)}", key, own[key], above.get(key, ()))
        for number, key in enumerate(told)
        if any(point.shown and point.wert is not None for point in own[key])
    ]
    blocks: list[Block] = [Grid(tuple(charts), 3)] if charts else []
    if any(above.get(key) for key in told):
        blocks.append(Paragraph(words("Gestrichelt: der Wert des Kreises."), small=True))
    blocks.append(_table(known, told, own))
    blocks += _remarks(known, told, own)
    return Section("entwicklung", title, tuple(blocks))


def _letters(number: int) -> str:
    return chr(ord("a") + number % 26) * (number // 26 + 1)


def _chart(
    known: Known, name: str, key: str, own: Sequence[Point], above: Sequence[Point]
) -> Drawing:
    counts = known.indicators[key].art == "anzahl"
    above = () if counts else above
    values = [point.wert for point in (*own, *above) if point.shown and point.wert is not None]
    days = [point.stichtag for point in (*own, *above)]
    first, last = min(days), max(days)
    low, high = _span(values)

    def place(point: Point) -> tuple[float, float]:
        along = (point.stichtag - first).days / max((last - first).days, 1)
        middle = (LEFT + RIGHT) / 2
        x = LEFT + (RIGHT - LEFT) * along if last > first else middle
        return x, BOTTOM - (BOTTOM - TOP) * (point.wert - low) / (high - low)

    parts = [
        element("path", d=f"M{LEFT} {BOTTOM + 6}H{RIGHT}", stroke=LINE, stroke_width=0.6),
        text_lines(2.0, 9.0, known.indicator(key, unit=True), WIDTH - 6),
    ]
    parts += [
        element(
            "path",
            d=_line(map(place, run)),
            fill="none",
            stroke=OTHER_LINE,
            stroke_width=0.9,
            stroke_dasharray="3 2",
            **_points(run),
        )
        for run in runs(above)
        if len(run) > 1
    ]
    parts += [
        element(
            "path",
            d=_line(map(place, run)),
            fill="none",
            stroke=OWN_COLOUR,
            stroke_width=1.4,
            **_points(run),
        )
        for run in runs(own)
        if len(run) > 1
    ]
    shown = [point for point in own if point.shown and point.wert is not None]
    labels = [(place(point)[0], extent(known.value(point)[0].text, BOLD)) for point in shown]
    fit = all(b - a > (wide + next_) / 2 for (a, wide), (b, next_) in pairwise(labels))
    labelled = shown if fit else [shown[0], shown[-1]]
    for point in own:
        if point in shown:
            parts += _point(known, point, place(point), point in labelled)
        elif point.status in ("geheim", "nicht_freigegeben"):
            x = LEFT + (RIGHT - LEFT) * (point.stichtag - first).days / max((last - first).days, 1)
            parts.append(
                element(
                    "rect",
                    x=x - 4,
                    y=BOTTOM - 4,
                    width=8,
                    height=8,
                    fill=hatched(name),
                    stroke=QUIET,
                    stroke_width=0.4,
                )
            )
    parts.append(text(2.0, HEIGHT - 5, Piece(day(first), DAY), fill=QUIET))
    if last > first:
        parts.append(
            text(WIDTH - 2, HEIGHT - 5, Piece(day(last), DAY), fill=QUIET, text_anchor="end")
        )
    title = known.indicator(key, unit=True)
    return drawing(
        name,
        (WIDTH, HEIGHT),
        title,
        "Verlauf als Linie; Lücken sind Brüche oder fehlende Werte, hohle Punkte umgerechnete "
        "Werte, schraffierte Felder Geheimhaltung. Die Achse beginnt nicht bei null.",
        parts,
    )


def _span(values: Sequence[float]) -> tuple[float, float]:
    """Return the limits of the axis: never so narrow that chance looks like change."""
    low, high = min(values), max(values)
    least = max(0.25 * max(abs(low), abs(high)), 0.1)
    if high - low < least:
        middle = (low + high) / 2
        low, high = middle - least / 2, middle + least / 2
    return low, high


def runs(points: Sequence[Point]) -> list[list[Point]]:
    """Return the parts of a series that may be joined by a line: no break, nothing missing."""
    result: list[list[Point]] = [[]]
    for point in points:
        if not (point.shown and point.wert is not None):
            result.append([])
            continue
        if point.bruch:
            result.append([])
        result[-1].append(point)
    return [run for run in result if run]


def _line(places) -> str:
    return "M" + "L".join(f"{x:.2f} {y:.2f}" for x, y in places)


def _points(run: Sequence[Point]) -> dict[str, str]:
    """Return what a line says of itself: the cells that it joins."""
    return {"data_punkte": " ".join(point.mark("wert").joined for point in run)}


def _point(known: Known, point: Point, place: tuple[float, float], labelled: bool) -> list[str]:
    x, y = place
    hollow = point.umgerechnet
    parts = [
        element(
            "circle",
            cx=x,
            cy=f"{y:.2f}",
            r=2.2,
            fill="#ffffff" if hollow else OWN_COLOUR,
            stroke=OWN_COLOUR,
            stroke_width=1.2,
            **marked(point.mark("wert")),
        )
    ]
    if labelled:
        (piece,) = known.value(point)
        half = extent(piece.text, 7) / 2
        at = min(max(x, half + 1), WIDTH - half - 1)
        parts.append(text(at, y - 5, piece, font_size=7, text_anchor="middle", fill=INK))
    return parts


def _table(known: Known, told: Sequence[str], own: dict[str, Sequence[Point]]) -> Table:
    days = sorted({point.stichtag for key in told for point in own[key]})[-STICHTAGE:]
    rows = tuple(_row(known, key, own[key], days) for key in told)
    return Table(
        words("Werte der letzten Stichtage"),
        (
            Column(words("Indikator"), width=2.6),
            *(Column(words(dated(when)), numeric=True) for when in days),
            Column(words("Veränderung zuletzt"), numeric=True, width=1.1),
            Column(words("Trend"), width=0.9),
        ),
        rows,
    )


def _row(known: Known, key: str, points: Sequence[Point], days: Sequence[date]) -> Row:
    at = {point.stichtag: point for point in points}
    last = points[-1]
    changed: Words = words(DASH)
    if last.shown and last.veraenderung is not None:
        changed = (known.number(last.veraenderung, last.mark("veraenderung"), key),)
    return Row(
        (
            words(known.indicator(key, unit=True)),
            *(_value(known, at.get(when)) for when in days),
            changed,
            words(german.TRENDS.get(last.trend or "", DASH)),
        )
    )


def _value(known: Known, point: Point | None) -> Words:
    if point is None:
        return words(DASH)
    return words(known.value(point), " u" if point.umgerechnet and point.shown else "")


def _remarks(known: Known, told: Sequence[str], own: dict[str, Sequence[Point]]) -> list[Block]:
    blocks: list[Block] = []
    if any(point.umgerechnet and point.shown for key in told for point in own[key]):
        blocks.append(
            Paragraph(
                words("u: von einem früheren Gebietsstand umgerechnet; im Bild ein hohler Punkt."),
                small=True,
            )
        )
    for key in told:
        for point in own[key]:
            if point.bruch:
                why = Piece(point.bruch_text or german.spelled(point.bruch), TEXT)
                blocks.append(
                    Paragraph(
                        words(
                            "Bruch bei ",
                            known.indicator(key)._replace(link=None),
                            " zum ",
                            dated(point.stichtag),
                            ": ",
                            why,
                        ),
                        small=True,
                    )
                )
    return blocks
