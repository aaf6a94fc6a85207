"""The QGIS project that lies inside the GeoPackage: layers by level, styled, related, titled.

Here belongs the XML of a project as QGIS 3.22 keeps it. Not here: styles (styles), and what the
layers hold (`publication/layers.py`). A project names no machine: its sources are relative to the
file in which it lies, and its times are fixed.
"""

import io
import json
from collections.abc import Sequence
from typing import NamedTuple
from xml.etree import ElementTree as ET
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from publication.forms.styles import DOCTYPE, QGIS_VERSION, symbology
from publication.layers import CRS, Field
from publication.legends import Legend

PROJECT = "sozialraum"
SAVED = "2000-01-01T00:00:00"
ID = "sozialraumdaten_{}"
"""The id of a layer in a project; QGIS replaces ids of less than 18 characters."""
SRSID = "2105"
"""QGIS' own number of the coordinate system; 3.22 reads no other if there is none."""
RELATED = ("raum_id", "gebietsstand")
"""What the long table and a layer have in common."""


class ProjectLayer(NamedTuple):
    """A layer or table as the project shows it.

    Attributes:
        name: of the layer in the file.
        title: German, of the layer and, of layers of one level, of their group.
        fields: its columns without `fid`.
        legend: the default style; None: none.
        group: the title of its group; None: a table without shapes, which stands beside them.
        visible: whether it is drawn when the project opens.
    """

    name: str
    title: str
    group: str | None
    fields: Sequence[Field]
    legend: Legend | None
    visible: bool


def project(
    file: str,
    title: str,
    layers: Sequence[ProjectLayer],
    extent: tuple[float, float, float, float],
) -> tuple[str, str, str]:
    """Return the row of `qgis_projects`: name, metadata (JSON) and content (a .qgz as hex text).

    Args:
        file: the name of the GeoPackage, to which sources are relative.
        title: German.
        layers: in the order of the legend; tables without shapes relate to every exact layer.
        extent: xmin, ymin, xmax, ymax of the map, in the layers' coordinate system.
    """
    metadata = json.dumps({"last_modified_time": SAVED, "last_modified_user": ""})
    text = DOCTYPE + ET.tostring(_tree(file, title, layers, extent), "unicode")
    packed = io.BytesIO()
    with ZipFile(packed, "w", ZIP_DEFLATED) as archive:
        member = ZipInfo(f"{PROJECT}.qgs")  # dated 1980, as ZipInfo is
        member.compress_type = ZIP_DEFLATED
        archive.writestr(member, text.encode())
    return PROJECT, metadata, packed.getvalue().hex()


def _tree(
    file: str, title: str, layers: Sequence[ProjectLayer], extent: tuple[float, ...]
) -> ET.Element:
    root = ET.Element("qgis", version=QGIS_VERSION, projectname=title)
    ET.SubElement(root, "homePath", path="")
    ET.SubElement(root, "title").text = title
    _crs(ET.SubElement(root, "projectCrs"))
    root.append(_legend(file, layers))
    root.append(_relations(layers))
    _canvas(root, extent)
    project_layers = ET.SubElement(root, "projectlayers")
    project_layers.extend(_map_layer(file, layer) for layer in layers)
    order = ET.SubElement(root, "layerorder")
    for layer in layers:
        ET.SubElement(order, "layer", id=ID.format(layer.name))
    properties = ET.SubElement(root, "properties")
    paths = ET.SubElement(properties, "Paths")
    ET.SubElement(paths, "Absolute", type="bool").text = "false"
    # without it QGIS does not read projectCrs
    systems = ET.SubElement(properties, "SpatialRefSys")
    ET.SubElement(systems, "ProjectionsEnabled", type="int").text = "1"
    _view(root, extent)
    return root


def _legend(file: str, layers: Sequence[ProjectLayer]) -> ET.Element:
    tree = ET.Element("layer-tree-group")
    groups: dict[str | None, ET.Element] = {None: tree}
    for layer in layers:
        if layer.group not in groups:
            groups[layer.group] = ET.SubElement(
                tree, "layer-tree-group", name=layer.group, expanded="1", checked="Qt::Checked"
            )
        ET.SubElement(
            groups[layer.group],
            "layer-tree-layer",
            id=ID.format(layer.name),
            name=layer.title,
            source=_source(file, layer),
            providerKey="ogr",
            checked="Qt::Checked" if layer.visible else "Qt::Unchecked",
            expanded=str(int(layer.visible)),
        )
    return tree


def _relations(layers: Sequence[ProjectLayer]) -> ET.Element:
    relations = ET.Element("relations")
    for table in (layer for layer in layers if layer.group is None):
        for layer in (layer for layer in layers if layer.group is not None and layer.visible):
            relation = ET.SubElement(
                relations,
                "relation",
                id=f"{table.name}_{layer.name}",
                name=f"{table.title}: {layer.group}",
                referencingLayer=ID.format(table.name),
                referencedLayer=ID.format(layer.name),
                strength="Association",
            )
            for column in RELATED:
                ET.SubElement(relation, "fieldRef", referencingField=column, referencedField=column)
    return relations


def _map_layer(file: str, layer: ProjectLayer) -> ET.Element:
    shape = {"geometry": "No geometry", "wkbType": "NoGeometry"}
    if layer.group is not None:
        shape = {"geometry": "Polygon", "wkbType": "MultiPolygon"}
    element = ET.Element(
        "maplayer",
        type="vector",
        styleCategories="AllStyleCategories",
        simplifyDrawingHints="0",  # neighbours keep their common line at every scale
        simplifyLocal="1",
        labelsEnabled="0",
        hasScaleBasedVisibilityFlag="0",
        readOnly="0",
        **shape,
    )
    ET.SubElement(element, "id").text = ID.format(layer.name)
    ET.SubElement(element, "datasource").text = _source(file, layer)
    ET.SubElement(element, "layername").text = layer.title
    if layer.group is not None:
        _crs(ET.SubElement(element, "srs"))
    ET.SubElement(element, "provider", encoding="UTF-8").text = "ogr"
    flags = ET.SubElement(element, "flags")
    for flag in ("Identifiable", "Removable", "Searchable"):
        ET.SubElement(flags, flag).text = "1"
    ET.SubElement(element, "layerOpacity").text = "1"
    element.extend(symbology(layer.fields, layer.legend))
    return element


def _source(file: str, layer: ProjectLayer) -> str:
    return f"./{file}|layername={layer.name}"


def _crs(parent: ET.Element) -> None:
    system = ET.SubElement(parent, "spatialrefsys")
    ET.SubElement(system, "srsid").text = SRSID
    ET.SubElement(system, "srid").text = CRS.removeprefix("EPSG:")
    ET.SubElement(system, "authid").text = CRS


def _canvas(root: ET.Element, extent: tuple[float, ...]) -> None:
    canvas = ET.SubElement(root, "mapcanvas", name="theMapCanvas", annotationsVisible="1")
    ET.SubElement(canvas, "units").text = "meters"
    corners = ET.SubElement(canvas, "extent")
    for name, value in zip(("xmin", "ymin", "xmax", "ymax"), extent, strict=True):
        ET.SubElement(corners, name).text = repr(value)
    ET.SubElement(canvas, "rotation").text = "0"
    _crs(ET.SubElement(canvas, "destinationsrs"))


def _view(root: ET.Element, extent: tuple[float, ...]) -> None:
    view = ET.SubElement(root, "ProjectViewSettings", UseProjectScales="0", rotation="0")
    corners = dict(zip(("xmin", "ymin", "xmax", "ymax"), map(repr, extent), strict=True))
    default = ET.SubElement(view, "DefaultViewExtent", corners)
    _crs(default)
