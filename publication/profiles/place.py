"""The maps of the profiles: areas in the colours of a legend, what is withheld hatched.

Not here: which map a profile has (`content`), classes and colours (`publication/legends.py`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from publication.legends import OTHER, OTHER_COLOUR, SECRET, SECRET_STATUS, Legend
from publication.profiles import words as german
from publication.profiles.document import CLASS, NAME, Drawing, Piece
from publication.profiles.drawing import (
    INK,
    SIZE,
    drawing,
    element,
    extent,
    hatched,
    marked,
    shortened,
    text,
)
from publication.profiles.marks import Mark

if TYPE_CHECKING:
    import pyarrow as pa

BORDER, OUTLINE = 0.5, 1.1
LEGEND_STEP = 12.0
LABEL_SIZE = 7.0


class State(NamedTuple):
    """What a map shows of one area: a value or class, its status, and where it comes from."""

    value: float | str | None
    status: str | None
    mark: Mark | None


@dataclass(frozen=True)
class Frame:
    """Shapes as paths within a frame, made once for all maps that use it.

    Attributes:
        width, height: of the frame, in units.
        paths: area → path, in the order in which they are drawn.
        outlines: of the units above, drawn over them.
        spare: outlines that are drawn only where a profile is of that unit.
        labels: names with their places.
    """

    width: float
    height: float
    paths: Mapping[str, str]
    outlines: tuple[str, ...] = ()
    labels: tuple[tuple[float, float, str], ...] = ()
    spare: Mapping[str, str] = field(default_factory=dict)


def shapes_of(shapes: "pa.Table") -> dict[str, object]:
    """Return {raum_id: shape} of a table as `layers.area_shapes` returns it."""
    import shapely

    read = shapely.from_wkb(shapes.column("geometry").to_numpy())
    return dict(zip(shapes.column("raum_id").to_pylist(), read, strict=True))


def frame(
    shapes: Mapping[str, object],
    areas: Sequence[str],
    *,
    width: float,
    height: float,
    units: Sequence[str] = (),
    labels: Mapping[str, str] | None = None,
    spare: Sequence[str] = (),
) -> Frame | None:
    """Fit some areas into a frame, north up; None if none of them has a shape.

    Args:
        shapes: area → shape, in metres.
        areas: which to draw.
        width: the largest extent, in units.
        height: the same upwards.
        units: areas above them, whose outlines are drawn.
        labels: names to print on units, where they fit.
        spare: further units, whose outlines may be asked for.
    """
    import shapely

    drawn = {key: shapes[key] for key in areas if key in shapes}
    if not drawn:
        return None
    west, south, east, north = shapely.total_bounds(list(drawn.values()))
    margin = 2 * OUTLINE
    scale = min(
        (width - 2 * margin) / max(east - west, 1), (height - 2 * margin) / max(north - south, 1)
    )

    def placed(points):
        return [(margin + (x - west) * scale, margin + (north - y) * scale) for x, y in points]

    names = []
    for key, name in (labels or {}).items():
        left, _, right, _ = shapely.bounds(shapes[key]) if key in shapes else (0, 0, 0, 0)
        if (right - left) * scale > extent(name, LABEL_SIZE):
            (place,) = placed(shapely.get_coordinates(shapely.point_on_surface(shapes[key])))
            names.append((*place, name))
    return Frame(
        (east - west) * scale + 2 * margin,
        (north - south) * scale + 2 * margin,
        {key: _path(shape, placed) for key, shape in drawn.items()},
        tuple(_path(shapes[key], placed) for key in units if key in shapes),
        tuple(names),
        {key: _path(shapes[key], placed) for key in spare if key in shapes},
    )


def _path(shape: object, placed: object) -> str:
    """Return a shape as the data of a path, a tenth of a unit exact."""
    import shapely

    parts = []
    for ring in _rings(shape):
        points: list[str] = []
        for x, y in placed(shapely.get_coordinates(ring)):
            told = f"{x:.1f} {y:.1f}"
            if not points or points[-1] != told:
                points.append(told)
        if len(points) > 2:  # noqa: PLR2004 - less than a triangle is nothing
            parts.append("M" + "L".join(points[:-1] if points[0] == points[-1] else points) + "Z")
    return "".join(parts)


def _rings(shape: object) -> Iterable[object]:
    import shapely

    for part in shapely.get_parts(shape):
        yield shapely.get_exterior_ring(part)
        for number in range(shapely.get_num_interior_rings(part)):
            yield shapely.get_interior_ring(part, number)


def draw(
    name: str,
    title: Piece,
    fitted: Frame,
    legend: Legend,
    states: Mapping[str, State],
    *,
    own: str | None = None,
    own_label: str = "",
) -> Drawing:
    """Draw a map with its legend.

    Args:
        name: of the drawing; ids are made from it.
        title: what it shows.
        fitted: the areas.
        legend: classes and colours.
        states: area → what is shown of it; without one it is `keine Angabe`.
        own: the area that is marked by a thick outline.
        own_label: what the legend calls it.
    """
    areas = [
        _area(name, key, path, legend, states.get(key, State(None, None, None)))
        for key, path in fitted.paths.items()
    ]
    outlines = [
        element("path", d=path, fill="none", stroke=INK, stroke_width=OUTLINE)
        for path in fitted.outlines
    ]
    path = fitted.paths.get(own or "") or fitted.spare.get(own or "")
    if path:
        outlines += [
            element("path", d=path, fill="none", stroke=colour, stroke_width=width)
            for colour, width in (("#ffffff", 4.5), (INK, 2.2))
        ]
    labels = [_label(fitted, x, y, told) for x, y, told in fitted.labels]
    key, width, height = _key(name, fitted, legend, own_label if path else "")
    return drawing(
        name,
        (width, height),
        title,
        "Karte. Jeder Raum hat die Farbe seiner Klasse; was der Geheimhaltung unterliegt, ist "
        "schraffiert, was fehlt, grau. Die Werte stehen in den Tabellen.",
        (*areas, *outlines, *labels, *key),
    )


def _area(name: str, key: str, path: str, legend: Legend, state: State) -> str:
    entry = legend.entry(state.value) if state.status == "ok" else None
    secret = state.status == SECRET_STATUS
    paint = entry.colour if entry else hatched(name) if secret else OTHER_COLOUR
    return element(
        "path",
        d=path,
        fill=paint,
        stroke=INK,
        stroke_width=BORDER,
        data_raum=key,
        data_klasse=entry.label if entry else german.status(state.status or None),
        **(marked(state.mark) if entry and state.mark else {}),
    )


def _label(fitted: Frame, x: float, y: float, told: str) -> str:
    half = extent(told, LABEL_SIZE) / 2
    return text(
        min(max(x, half), fitted.width - half),
        y + LABEL_SIZE / 3,
        Piece(told, NAME),
        font_size=LABEL_SIZE,
        text_anchor="middle",
        stroke="#ffffff",
        stroke_width=2.2,
        stroke_linejoin="round",
        paint_order="stroke",
    )


def _key(
    name: str, fitted: Frame, legend: Legend, own_label: str
) -> tuple[list[str], float, float]:
    """Return the legend's elements below the map in two columns, and the drawing's extent."""
    entries: list[tuple[dict, Piece]] = [
        ({"fill": entry.colour}, Piece(german.class_word(entry.label), CLASS))
        for entry in legend.entries
    ]
    entries += [
        ({"fill": hatched(name)}, Piece(SECRET)),
        ({"fill": OTHER_COLOUR}, Piece(OTHER)),
    ]
    if own_label:
        entries.append(({"fill": "none", "stroke_width": 2.2}, Piece(own_label)))
    width = max(fitted.width, 190.0)
    column = width / 2
    rows = (len(entries) + 1) // 2
    top = fitted.height + 10
    parts = [text(0.0, top + 6, Piece(shortened(legend.title, width), NAME), font_weight="bold")]
    for place, (paint, label) in enumerate(entries):
        x, y = column * (place // rows), top + LEGEND_STEP * (place % rows + 1)
        attributes = {"stroke": INK, "stroke_width": BORDER, **paint}
        parts.append(element("rect", x=x + 1, y=y + 1.5, width=14, height=8, **attributes))
        parts.append(text(x + 20, y + SIZE, label))
    return parts, width, top + LEGEND_STEP * (rows + 1) + 4
