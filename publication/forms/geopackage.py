"""The GeoPackage for the county's GIS: an edition's layers, figures and styles in one file.

Here belongs how layers become tables of a GeoPackage, with German aliases and styles. Not here:
what the layers hold (`publication/layers.py`), the XML of styles (styles) and project (project).
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from publication.forms import styles
from publication.forms.project import ProjectLayer, project
from publication.imprint import Imprint
from publication.layers import (
    CRS,
    GENERALISED,
    LONG,
    Field,
    Layer,
    figure_fields,
    figures,
    generalised,
    layers,
    reshaped,
)
from publication.legends import Legend, legends
from publication.material import Material

if TYPE_CHECKING:
    import pyarrow as pa

GEOPACKAGE = "sozialraum.gpkg"
STYLES = "layer_styles"
PROJECTS = "qgis_projects"
LAST_CHANGE = "2000-01-01T00:00:00.000Z"  # a file must not carry the time of its run


class Sheet(NamedTuple):
    """A table of the file as users see it.

    Attributes:
        name: of the table.
        level: of its areas; None: the long table, which has no shapes.
        title: German.
        versions: the Gebietsstände that it shows.
        fields: its columns without `fid` and `geom`.
        rows: with `geometry` (WKB) as the last column if there are shapes.
    """

    name: str
    level: str | None
    title: str
    versions: str
    fields: tuple[Field, ...]
    rows: "pa.Table"

    @property
    def exact(self) -> bool:
        """Whether it has shapes, and they are not simplified."""
        return self.level == self.name


def write(material: Material) -> None:
    """Write two layers for each level, the long table, their styles and a QGIS project.

    Raises:
        ValueError: as `layers.layers` and `layers.figures`.
    """
    path = material.folder / GEOPACKAGE
    with material.open() as con:
        known = legends(con)
        exact = layers(con, material.tables, material.shapes)
        long = figures(con, material.tables)
    simplified = generalised(material.shapes)
    rough = [reshaped(layer, simplified) for layer in exact]
    imprint = material.imprint
    sheets = [_layer(layer, imprint, suffix="") for layer in exact]
    sheets += [_layer(layer, imprint, suffix=GENERALISED) for layer in rough]
    sheets.append(_long_table(long, figure_fields(material.tables)))
    for sheet in sheets:
        _write_sheet(path, sheet, imprint)
    with closing(sqlite3.connect(path)) as con, con:
        _describe(con, sheets)
        _write_styles(con, sheets, known, imprint)
        _write_project(con, sheets, known, imprint)
        con.execute("UPDATE gpkg_contents SET last_change = ?", [LAST_CHANGE])


def default_legend(sheet: Sheet, known: Mapping[str, Legend], imprint: Imprint) -> Legend | None:
    """Return what a layer shows first: the index that leads, else an indicator that leads.

    Only what has figures on the level of the layer: an index may have none for municipalities.
    """
    leading = (imprint.leitindex, *imprint.leitindikatoren)
    own = _legends_of(sheet, known)
    shown = [own[key] for key in (*leading, *own) if key in own]
    return next((legend for legend in shown if _has_figures(sheet, legend)), None)


def _legends_of(sheet: Sheet, known: Mapping[str, Legend]) -> dict[str, Legend]:
    columns = {field.name for field in sheet.fields}
    return {key: legend for key, legend in known.items() if legend.column in columns}


def _has_figures(sheet: Sheet, legend: Legend) -> bool:
    return sheet.rows.column(f"{legend.key}_status").null_count < len(sheet.rows)


def _layer(layer: Layer, imprint: Imprint, *, suffix: str) -> Sheet:
    title = imprint.plural(layer.level)
    return Sheet(
        layer.level + suffix,
        layer.level,
        f"{title} (generalisiert)" if suffix else title,
        _versions(layer.rows),
        layer.fields,
        layer.rows,
    )


def _long_table(rows: "pa.Table", fields: tuple[Field, ...]) -> Sheet:
    return Sheet(LONG, None, "Kennzahlen", _versions(rows), fields, rows)


def _versions(rows: "pa.Table") -> str:
    return ", ".join(sorted(rows.column("gebietsstand").unique().to_pylist()))


def _description(sheet: Sheet, imprint: Imprint) -> str:
    if sheet.level is None:
        content = "alle Indikatoren aller Räume und Stichtage, eine Zeile je Wert"
    else:
        content = "Indikatoren und Indizes zu ihrem jeweils neuesten Stichtag"
        if not sheet.exact:
            content += ", mit vereinfachten Grenzen"
    status = "status" if sheet.level is None else "_status"
    return (
        f"{sheet.title}, Gebietsstand {sheet.versions}: {content}. Ein leerer Wert ist nicht null; "
        f"warum er fehlt, sagt die Spalte {status}. Quelle: {imprint.quellenvermerk}. "
        f"Lizenz: {imprint.lizenz_name}."
    )


def _write_sheet(path: Path, sheet: Sheet, imprint: Imprint) -> None:
    import pyogrio

    shape = {"crs": CRS, "geometry_name": "geometry", "geometry_type": "MultiPolygon"}
    options = {
        "FID": "fid",
        "IDENTIFIER": sheet.title,
        "DESCRIPTION": _description(sheet, imprint),
    }
    if sheet.level is None:
        shape, options = {}, {**options, "ASPATIAL_VARIANT": "GPKG_ATTRIBUTES"}
    else:
        options["GEOMETRY_NAME"] = "geom"
    # write_arrow keeps dates as dates; the shapes are multipolygons already
    pyogrio.write_arrow(
        sheet.rows,
        path,
        layer=sheet.name,
        driver="GPKG",
        append=path.exists(),
        dataset_options={"VERSION": "1.3"},  # QGIS 3.22 warns of 1.4
        layer_options=options,
        **shape,
    )


def _describe(con: sqlite3.Connection, sheets: Iterable[Sheet]) -> None:
    """Write the German aliases (GeoPackage extension Schema), and an index for the relation."""
    con.executescript(SCHEMA_EXTENSION)
    con.executemany(
        "INSERT INTO gpkg_data_columns (table_name, column_name, name, title, description) "
        "VALUES (?, ?, ?, ?, ?)",
        [
            (sheet.name, field.name, field.alias, field.alias, field.description)
            for sheet in sheets
            for field in sheet.fields
        ],
    )
    con.execute(f"CREATE INDEX {LONG}_raum ON {LONG} (raum_id, gebietsstand)")


def _write_styles(
    con: sqlite3.Connection, sheets: Sequence[Sheet], known: Mapping[str, Legend], imprint: Imprint
) -> None:
    """Write the table in which QGIS looks for the styles of a layer."""
    con.executescript(STYLE_TABLE)
    con.executemany(
        f"INSERT INTO {STYLES} (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, "
        "styleName, styleQML, styleSLD, useAsDefault, description, owner, ui, update_time) "
        "VALUES ('', '', ?, ?, ?, ?, ?, ?, ?, '', NULL, ?)",
        [(*row, LAST_CHANGE) for sheet in sheets for row in _style_rows(sheet, known, imprint)],
    )
    con.execute(
        "INSERT INTO gpkg_contents (table_name, data_type, identifier, description, srs_id) "
        "VALUES (?, 'attributes', ?, 'Stile für QGIS (QML) und andere (SLD)', 0)",
        [STYLES, STYLES],
    )


def _style_rows(sheet: Sheet, known: Mapping[str, Legend], imprint: Imprint) -> Iterator[tuple]:
    """Return table, geometry column, name, QML, SLD, whether it is the default, description."""
    if sheet.level is None:
        yield sheet.name, "", sheet.name, styles.qml(sheet.fields), None, True, sheet.title
        return
    default = default_legend(sheet, known, imprint)
    for key, legend in _legends_of(sheet, known).items():
        qml, sld = styles.qml(sheet.fields, legend), styles.sld(sheet.name, legend)
        yield sheet.name, "geom", key, qml, sld, legend is default, legend.title


def _write_project(
    con: sqlite3.Connection, sheets: Sequence[Sheet], known: Mapping[str, Legend], imprint: Imprint
) -> None:
    """Write the table in which QGIS looks for the projects of a GeoPackage."""
    con.execute(f"CREATE TABLE {PROJECTS} (name TEXT PRIMARY KEY, metadata BLOB, content BLOB)")
    shown = [
        ProjectLayer(
            sheet.name,
            f"{sheet.title}, Gebietsstand {sheet.versions}",
            imprint.plural(sheet.level) if sheet.level else None,
            sheet.fields,
            default_legend(sheet, known, imprint) if sheet.level else None,
            sheet.exact,
        )
        for sheet in sheets
    ]
    versions = sorted({sheet.versions for sheet in sheets if sheet.exact})
    extent = con.execute(
        "SELECT min(min_x), min(min_y), max(max_x), max(max_y) FROM gpkg_contents"
    ).fetchone()
    title = f"{imprint.titel}, Gebietsstand {', '.join(versions)}"
    con.execute(
        f"INSERT INTO {PROJECTS} VALUES (?, ?, ?)", project(GEOPACKAGE, title, shown, extent)
    )


# As QGIS makes it; texts without its limits, as keys may be longer than 30 characters
STYLE_TABLE = f"""
    CREATE TABLE {STYLES} (
        id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
        f_table_catalog TEXT,
        f_table_schema TEXT,
        f_table_name TEXT,
        f_geometry_column TEXT,
        styleName TEXT,
        styleQML TEXT,
        styleSLD TEXT,
        useAsDefault BOOLEAN,
        description TEXT,
        owner TEXT,
        ui TEXT,
        update_time DATETIME DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now'))
    );
"""

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
