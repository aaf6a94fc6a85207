"""The GeoPackage for the county's GIS: the layers of an edition in one file.

Here belongs how layers become tables of a GeoPackage, with German aliases. Not here: what the
layers hold (`publication/layers.py`).
"""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from publication.layers import CRS, Layer, layers
from publication.material import Material

if TYPE_CHECKING:
    import pyarrow as pa

GEOPACKAGE = "sozialraum.gpkg"
LAST_CHANGE = "2000-01-01T00:00:00.000Z"  # a file must not carry the time of its run


def write(material: Material) -> None:
    """Write one layer for each level of the areas, named after the level.

    Raises:
        ValueError: as `layers.layers`.
    """
    path = material.folder / GEOPACKAGE
    with material.open() as con:
        found = layers(con, material.tables, material.shapes)
    for layer in found:
        _write_layer(path, layer.level, layer.rows, material.imprint.plural(layer.level))
    _describe(path, found)


def _write_layer(path: Path, level: str, rows: "pa.Table", title: str) -> None:
    import pyogrio

    versions = ", ".join(sorted(set(rows.column("gebietsstand").to_pylist())))
    # write_arrow keeps dates as dates; the shapes are multipolygons already
    pyogrio.write_arrow(
        rows,
        path,
        layer=level,
        driver="GPKG",
        append=path.exists(),
        crs=CRS,
        geometry_name="geometry",
        geometry_type="MultiPolygon",
        dataset_options={"VERSION": "1.3"},  # QGIS 3.22 warns of 1.4
        layer_options={
            "FID": "fid",
            "GEOMETRY_NAME": "geom",
            "IDENTIFIER": title,
            "DESCRIPTION": f"{title}, Gebietsstand {versions}: Indikatoren und Indizes zu ihrem "
            "jeweils neuesten Stichtag. Ein leerer Wert ist nicht null; warum er fehlt, sagt die "
            "Spalte _status.",
        },
    )


def _describe(path: Path, found: Sequence[Layer]) -> None:
    """Write the German aliases (GeoPackage extension Schema) and fix the time of change."""
    with closing(sqlite3.connect(path)) as con, con:
        con.executescript(SCHEMA_EXTENSION)
        con.executemany(
            "INSERT INTO gpkg_data_columns (table_name, column_name, name, title, description) "
            "VALUES (?, ?, ?, ?, ?)",
            [
                (layer.level, field.name, field.alias, field.alias, field.description)
                for layer in found
                for field in layer.fields
            ],
        )
        con.execute("UPDATE gpkg_contents SET last_change = ?", [LAST_CHANGE])


# Both tables as the standard prints them (annex F.9); the second one has to exist, if only empty
SCHEMA_EXTENSION = """
    CREATE TABLE gpkg_data_columns (
        table_name TEXT NOT NULL,
        column_name TEXT NOT NULL,
        name TEXT,
        title TEXT,
        description TEXT,
        mime_type TEXT,
        constraint_name TEXT,
        CONSTRAINT pk_gdc PRIMARY KEY (table_name, column_name),
        CONSTRAINT gdc_tn UNIQUE (table_name, name)
    );
    CREATE TABLE gpkg_data_column_constraints (
        constraint_name TEXT NOT NULL,
        constraint_type TEXT NOT NULL,
        value TEXT,
        min NUMERIC,
        min_is_inclusive BOOLEAN,
        max NUMERIC,
        max_is_inclusive BOOLEAN,
        description TEXT,
        CONSTRAINT gdcc_ntv UNIQUE (constraint_name, constraint_type, value)
    );
    INSERT INTO gpkg_extensions (table_name, column_name, extension_name, definition, scope)
    SELECT column1, NULL, 'gpkg_schema',
        'http://www.geopackage.org/spec121/#extension_schema', 'read-write'
    FROM (VALUES ('gpkg_data_columns'), ('gpkg_data_column_constraints'));
"""
