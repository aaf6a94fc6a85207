"""Styles: a legend as QML, which QGIS reads, and as SLD, which other clients read.

Here belongs how the classes of `publication/legends.py` become rules that draw areas. Not here:
limits, labels and colours (legends), and where a style is kept (geopackage, project).
"""

from collections.abc import Sequence
from typing import NamedTuple
from xml.etree import ElementTree as ET

from publication.layers import Field
from publication.legends import (
    OTHER,
    OTHER_COLOUR,
    SECRET,
    SECRET_GROUND,
    SECRET_LINE,
    SECRET_STATUS,
    Entry,
    Legend,
)

QGIS_VERSION = "3.22.16-Białowieża"
"""The oldest QGIS for which styles and project are tested; newer ones read them, too."""
DOCTYPE = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"

OUTLINE = "#7f7f7f"
OUTLINE_MM, HATCH_MM, HATCH_DISTANCE_MM = 0.15, 0.35, 1.6
PIXEL_MM = 0.28  # of a symbol in SLD, by its standard

SLD = "http://www.opengis.net/sld"
SE = "http://www.opengis.net/se"
OGC = "http://www.opengis.net/ogc"
COMPARISONS = {
    ">": "PropertyIsGreaterThan",
    "<=": "PropertyIsLessThanOrEqualTo",
    "=": "PropertyIsEqualTo",
}


class Condition(NamedTuple):
    """A comparison of a column with a limit or a word; `is not null` has none."""

    column: str
    operator: str
    value: float | str | None = None


class Rule(NamedTuple):
    """What is drawn how.

    Attributes:
        label: as the legend prints it.
        colour: of the area; None is the hatching of what is withheld.
        conditions: all of which hold; none: whatever no other rule holds.
    """

    label: str
    colour: str | None
    conditions: tuple[Condition, ...]


def rules(legend: Legend) -> list[Rule]:
    """Return a rule for each class, one for what is withheld, and one for all else."""
    secret = Condition(f"{legend.key}_status", "=", SECRET_STATUS)
    return [
        *(
            Rule(entry.label, entry.colour, _conditions(legend.column, entry))
            for entry in legend.entries
        ),
        Rule(SECRET, None, (secret,)),
        Rule(OTHER, OTHER_COLOUR, ()),
    ]


def _conditions(column: str, entry: Entry) -> tuple[Condition, ...]:
    if entry.klasse is not None:
        return (Condition(column, "=", entry.klasse),)
    limits = ((">", entry.ueber), ("<=", entry.bis))
    found = tuple(
        Condition(column, operator, limit) for operator, limit in limits if limit is not None
    )
    return found or (Condition(column, "is not null"),)


def qml(fields: Sequence[Field], legend: Legend | None = None) -> str:
    """Return a layer's style for QGIS: German aliases, and with a legend its rules.

    Args:
        fields: the columns of the layer without `fid`, in order.
        legend: None for a table without shapes.
    """
    categories = "Symbology|Fields|MapTips" if legend else "Fields"
    root = ET.Element("qgis", version=QGIS_VERSION, styleCategories=categories)
    root.extend(symbology(fields, legend))
    return DOCTYPE + ET.tostring(root, "unicode")


def symbology(fields: Sequence[Field], legend: Legend | None = None) -> list[ET.Element]:
    """Return what QML and the layer of a project have in common; arguments as of `qml`."""
    aliases = ET.Element("aliases")
    for index, field in enumerate(fields, start=1):  # 0 is fid
        ET.SubElement(aliases, "alias", index=str(index), field=field.name, name=field.alias)
    if legend is None:
        return [aliases]
    shown = ET.Element("previewExpression")
    shown.text = '"raum_name"'
    return [_renderer(legend), aliases, shown]


def _renderer(legend: Legend) -> ET.Element:
    """Return a rule-based renderer: a graduated one would leave areas without value white."""
    renderer = ET.Element(
        "renderer-v2", type="RuleRenderer", symbollevels="0", enableorderby="0", forceraster="0"
    )
    tree = ET.SubElement(renderer, "rules", key=legend.key)
    symbols = ET.SubElement(renderer, "symbols")
    for number, rule in enumerate(rules(legend)):
        ET.SubElement(
            tree,
            "rule",
            key=f"{legend.key}-{number}",
            symbol=str(number),
            label=rule.label,
            filter=" AND ".join(map(_expression, rule.conditions)) or "ELSE",
        )
        symbols.append(_symbol(str(number), rule.colour))
    return renderer


def _expression(condition: Condition) -> str:
    column = '"' + condition.column.replace('"', '""') + '"'
    if condition.value is None:
        return f"{column} IS NOT NULL"
    value = _text(condition.value)
    if isinstance(condition.value, str):  # QGIS reads backslashes in its texts
        value = "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"
    return f"{column} {condition.operator} {value}"


def _text(value: float | str) -> str:
    """Return a limit as short as it is exact."""
    return value if isinstance(value, str) else repr(float(value) + 0.0).removesuffix(".0")


def _symbol(name: str, colour: str | None) -> ET.Element:
    symbol = ET.Element(
        "symbol", type="fill", name=name, alpha="1", clip_to_extent="1", force_rhr="0"
    )
    _layer(
        symbol,
        "SimpleFill",
        color=_rgba(colour or SECRET_GROUND),
        style="solid",
        outline_color=_rgba(OUTLINE),
        outline_style="solid",
        outline_width=str(OUTLINE_MM),
        outline_width_unit="MM",
        joinstyle="bevel",
    )
    if colour is None:
        hatch = _layer(
            symbol,
            "LinePatternFill",
            angle="45",
            color=_rgba(SECRET_LINE),
            distance=str(HATCH_DISTANCE_MM),
            distance_unit="MM",
            line_width=str(HATCH_MM),
            line_width_unit="MM",
        )
        line = ET.SubElement(
            hatch, "symbol", type="line", name=f"@{name}@1", alpha="1", clip_to_extent="1"
        )
        _layer(
            line,
            "SimpleLine",
            line_color=_rgba(SECRET_LINE),
            line_width=str(HATCH_MM),
            line_width_unit="MM",
            line_style="solid",
        )
    return symbol


def _layer(symbol: ET.Element, kind: str, **options: str) -> ET.Element:
    layer = ET.SubElement(
        symbol, "layer", {"class": kind, "enabled": "1", "locked": "0", "pass": "0"}
    )
    properties = ET.SubElement(layer, "Option", type="Map")
    for name, value in options.items():
        ET.SubElement(properties, "Option", name=name, value=value, type="QString")
    return layer


def _rgba(colour: str) -> str:
    return ",".join(map(str, (*bytes.fromhex(colour[1:]), 255)))


def sld(layer: str, legend: Legend) -> str:
    """Return a layer's style as Styled Layer Descriptor 1.1.0."""
    for prefix, space in (("sld", SLD), ("se", SE), ("ogc", OGC)):
        ET.register_namespace(prefix, space)
    root = ET.Element(f"{{{SLD}}}StyledLayerDescriptor", version="1.1.0")
    named = ET.SubElement(root, f"{{{SLD}}}NamedLayer")
    _se(named, "Name", layer)
    style = ET.SubElement(named, f"{{{SLD}}}UserStyle")
    _se(style, "Name", legend.key)
    _se(_se(style, "Description"), "Title", legend.title)
    feature = _se(style, "FeatureTypeStyle")
    for number, rule in enumerate(rules(legend)):
        element = _se(feature, "Rule")
        _se(element, "Name", f"{legend.key}-{number}")
        _se(_se(element, "Description"), "Title", rule.label)
        element.append(_filter(legend, rule.conditions))
        _polygon(element, rule.colour)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, "unicode")


def _se(parent: ET.Element, tag: str, text: str | None = None, **attributes: str) -> ET.Element:
    element = ET.SubElement(parent, f"{{{SE}}}{tag}", attributes)
    element.text = text
    return element


def _filter(legend: Legend, conditions: Sequence[Condition]) -> ET.Element:
    root = ET.Element(f"{{{OGC}}}Filter")
    if not conditions:
        _all_else(root, legend)
        return root
    place = root if len(conditions) == 1 else _ogc(root, "And")
    for condition in conditions:
        _comparison(place, condition)
    return root


def _all_else(root: ET.Element, legend: Legend) -> None:
    """No value, and not withheld: said in full, as not all clients know an ElseFilter."""
    both = _ogc(root, "And")
    _ogc(_ogc(both, "PropertyIsNull"), "PropertyName", legend.column)
    either = _ogc(both, "Or")
    status = f"{legend.key}_status"
    _ogc(_ogc(either, "PropertyIsNull"), "PropertyName", status)
    other = _ogc(either, "PropertyIsNotEqualTo")
    _ogc(other, "PropertyName", status)
    _ogc(other, "Literal", SECRET_STATUS)


def _comparison(place: ET.Element, condition: Condition) -> None:
    if condition.value is None:
        place = _ogc(_ogc(place, "Not"), "PropertyIsNull")
    else:
        place = _ogc(place, COMPARISONS[condition.operator])
    _ogc(place, "PropertyName", condition.column)
    if condition.value is not None:
        _ogc(place, "Literal", _text(condition.value))


def _ogc(parent: ET.Element, tag: str, text: str | None = None) -> ET.Element:
    element = ET.SubElement(parent, f"{{{OGC}}}{tag}")
    element.text = text
    return element


def _polygon(rule: ET.Element, colour: str | None) -> None:
    ground = _se(rule, "PolygonSymbolizer")
    _se(_se(ground, "Fill"), "SvgParameter", colour or SECRET_GROUND, name="fill")
    if colour is None:
        # a polygon of its own, as graphics have no ground
        hatched = _se(rule, "PolygonSymbolizer")
        graphic = _se(_se(_se(hatched, "Fill"), "GraphicFill"), "Graphic")
        mark = _se(graphic, "Mark")
        _se(mark, "WellKnownName", "shape://slash")
        _stroke(mark, SECRET_LINE, HATCH_MM)
        _se(graphic, "Size", f"{HATCH_DISTANCE_MM / PIXEL_MM:.0f}")
        ground = hatched
    _stroke(ground, OUTLINE, OUTLINE_MM)


def _stroke(parent: ET.Element, colour: str, width: float) -> None:
    stroke = _se(parent, "Stroke")
    _se(stroke, "SvgParameter", colour, name="stroke")
    _se(stroke, "SvgParameter", f"{width / PIXEL_MM:.2f}", name="stroke-width")
