"""Opens a GeoPackage as QGIS does, without a window, and tells what a user would see, as JSON.

Run by Debian's Python, which alone has PyQGIS:
`qgis_reads.py <geopackage> <folder for pictures> <layers to draw>`.
Nothing of the product is imported here.
"""

import json
import sys
from collections import Counter
from pathlib import Path

from qgis.core import (
    QgsApplication,
    QgsLayerTreeLayer,
    QgsMapRendererParallelJob,
    QgsMapSettings,
    QgsProject,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QSize
from qgis.PyQt.QtGui import QColor
from qgis.PyQt.QtXml import QDomDocument

METRES = 10  # of a pixel
AROUND = 50  # pixels looked at to each side of the middle of an area


def read(geopackage: str, pictures: Path, drawn: list) -> dict:
    messages = []
    log = QgsApplication.messageLog()
    log.messageReceived.connect(lambda text, tag, level: messages.append([tag, text]))
    project = QgsProject.instance()
    opened = project.read(f"geopackage:{geopackage}?projectName=sozialraum")
    layers = {table(layer): layer for layer in project.mapLayers().values()}
    relations = project.relationManager().relations().values()
    found = {
        "opened": opened,
        "title": project.title(),
        "crs": project.crs().authid(),
        "layers": {name: facts(layer) for name, layer in layers.items()},
        "tree": [branch(child) for child in project.layerTreeRoot().children()],
        "relations": {one.id(): [one.isValid(), one.fieldPairs()] for one in relations},
        "styled": {},
        "drawn": {},
        "drawn_by_sld": {},
    }
    for name in sorted(layers):
        layer = QgsVectorLayer(f"{geopackage}|layername={name}", name, "ogr")
        found["styled"][name] = facts(layer)
        if name in drawn:
            count, ids, names, *_ = layer.listStylesInDatabase()
            for style, key in sorted(zip(names[:count], ids, strict=False)):
                document = QDomDocument()
                document.setContent(layer.getStyleFromDatabase(key)[0])
                layer.importNamedStyle(document)
                picture = pictures / f"{name}-{style}.png"
                found["drawn"][f"{name}/{style}"] = draw(layer, picture)
    for sld in sorted(pictures.glob("*.sld")):
        layer = QgsVectorLayer(f"{geopackage}|layername=sozialraum", "sozialraum", "ogr")
        layer.loadSldStyle(str(sld))
        found["drawn_by_sld"][sld.stem] = draw(layer, sld.with_suffix(".sld.png"))
    found["messages"] = messages
    project.clear()
    return found


def table(layer: QgsVectorLayer) -> str:
    return layer.source().partition("|layername=")[2]


def facts(layer: QgsVectorLayer) -> dict:
    rules = layer.renderer().rootRule().children() if layer.isSpatial() else []
    return {
        "valid": layer.isValid(),
        "title": layer.name(),
        "crs": layer.crs().authid(),
        "rows": layer.featureCount(),
        "aliases": {field.name(): field.alias() for field in layer.fields()},
        "classes": [[rule.label(), rule.filterExpression()] for rule in rules],
        "shown_by": layer.displayExpression() if layer.isSpatial() else None,
    }


def branch(node) -> list:
    if isinstance(node, QgsLayerTreeLayer):
        return [table(node.layer()), node.itemVisibilityChecked()]
    return [node.name(), [branch(child) for child in node.children()]]


def draw(layer: QgsVectorLayer, path: Path) -> dict:
    """Draw a layer; return {raum_id: {colour: pixels}} of the middle of each area."""
    extent = layer.extent()
    settings = QgsMapSettings()
    settings.setLayers([layer])
    settings.setDestinationCrs(layer.crs())
    settings.setExtent(extent)
    settings.setOutputDpi(300)
    settings.setOutputSize(QSize(int(extent.width() / METRES), int(extent.height() / METRES)))
    settings.setBackgroundColor(QColor("black"))
    job = QgsMapRendererParallelJob(settings)
    job.start()
    job.waitForFinished()
    picture = job.renderedImage()
    picture.save(str(path))
    colours = {}
    for area in layer.getFeatures():
        middle = area.geometry().poleOfInaccessibility(50)[0].asPoint()
        x = int((middle.x() - extent.xMinimum()) / METRES)
        y = int((extent.yMaximum() - middle.y()) / METRES)
        colours[area["raum_id"]] = Counter(
            QColor(picture.pixel(x + dx, y + dy)).name()
            for dx in range(-AROUND, AROUND)
            for dy in range(-AROUND, AROUND)
        )
    return colours


if __name__ == "__main__":
    application = QgsApplication([], False)
    application.initQgis()
    print(json.dumps(read(sys.argv[1], Path(sys.argv[2]), sys.argv[3:])))
    application.exitQgis()
