"""GeoParquet for analysts: the layers of an edition, one file for each level.

Here belongs how layers become GeoParquet 1.1, exact and with simplified shapes, with German
descriptions. Not here: what the layers hold (`publication/layers.py`).
"""

from io import BytesIO
from typing import TYPE_CHECKING

from publication.layers import CRS, GENERALISED, Layer, generalised, layers, reshaped
from publication.material import Material

if TYPE_CHECKING:
    import pyarrow as pa

FOLDER = "geoparquet"
SHAPE, EXTENT = "geometry", "bbox"
SHAPE_DESCRIPTIONS = {
    SHAPE: f"Umriss des Raums (Multipolygon, {CRS})",
    EXTENT: f"Umgrenzendes Rechteck des Umrisses ({CRS}); Abfragen nach Lage lesen damit weniger",
}


def write(material: Material) -> None:
    """Write `geoparquet/<ebene>.parquet` and `geoparquet/<ebene>_generalisiert.parquet`.

    Raises:
        ValueError: as `layers.layers`.
    """
    (material.folder / FOLDER).mkdir()
    with material.open() as con:
        con.execute("SET threads = 1")  # few rows, many columns: more threads only wait
        found = layers(con, material.tables, material.shapes)
    simplified = generalised(material.shapes)
    for layer in found:
        _write_layer(material, layer, "")
        _write_layer(material, reshaped(layer, simplified), GENERALISED)


def _write_layer(material: Material, layer: Layer, suffix: str) -> None:
    """Write one layer with the types of its columns as they are."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    shapes, rows = _shapes(layer.rows), layer.rows.drop_columns([SHAPE])
    for name in shapes.column_names:
        rows = rows.append_column(name, shapes.column(name))
    labels = {
        **{name: {"description": text} for name, text in SHAPE_DESCRIPTIONS.items()},
        **{
            field.name: {"description": field.description, "alias": field.alias}
            for field in layer.fields
        },
    }
    described = pa.schema(
        [field.with_metadata(labels[field.name]) for field in rows.schema],
        metadata={
            "geo": shapes.schema.metadata[b"geo"],
            **_facts(material, layer, suffix),
        },
    )
    path = material.folder / FOLDER / f"{layer.level}{suffix}.parquet"
    pq.write_table(rows.cast(described), path, compression="zstd")


def _shapes(rows: "pa.Table") -> "pa.Table":
    """Return the shapes and their extents as geopandas writes them, with its `geo` metadata.

    Only these go through a frame: it would make other types of dates and empty columns.
    """
    import geopandas
    import pyarrow.parquet as pq

    buffer = BytesIO()
    geometry = geopandas.GeoSeries.from_wkb(rows.column(SHAPE).to_numpy(), crs=CRS)
    geopandas.GeoDataFrame(geometry=geometry).to_parquet(
        buffer, index=False, schema_version="1.1.0", write_covering_bbox=True
    )
    buffer.seek(0)
    return pq.read_table(buffer)


def _facts(material: Material, layer: Layer, suffix: str) -> dict[str, str]:
    imprint = material.imprint
    versions = ", ".join(sorted(set(layer.rows.column("gebietsstand").to_pylist())))
    kind = ", vereinfachte Umrisse" if suffix else ""
    return {
        "title": f"{imprint.titel}: {imprint.plural(layer.level)}{kind}",
        "description": f"Gebietsstand {versions}: Indikatoren und Indizes zu ihrem jeweils "
        "neuesten Stichtag. Ein leerer Wert ist nicht null; warum er fehlt, sagt die Spalte "
        "_status.",
        "edition": material.facts["edition_id"],
        "licence": imprint.lizenz_kennung,
        "licence_url": imprint.lizenz_url,
        "attribution": imprint.quellenvermerk,
        "publisher": imprint.organisation,
    }
