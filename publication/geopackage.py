"""The GeoPackage for the county's GIS: one wide layer for each level of areas.

Here belongs how published values become layers, columns and German aliases. Not here: where the
values come from; they are read from the draft's `marts.duckdb` alone, and only from columns for
everyone, so that the file cannot hold what the marts withhold or what is meant for experts.
"""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from publication.tables import PublishedTable, literal, quoted, table_named

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

CRS = "EPSG:25832"
NO_AREA = "ohne_raum"  # the pseudo-level of what cannot be placed: it has no shape
LAST_CHANGE = "2000-01-01T00:00:00.000Z"  # a file must not carry the time of its run

TITLES = {
    "sozialraum": "Sozialräume",
    "bezirksregion": "Bezirksregionen",
    "kommune": "Kommunen",
    "kreis": "Kreis",
}

AREA_COLUMNS = {
    "raum_id": "Kennung des Raums",
    "raum_name": "Name des Raums",
    "kommune_id": "Kommune (Schlüssel)",
    "kreis_id": "Kreis (Schlüssel)",
    "gebietsstand": "Gebietsstand",
    "flaeche_km2": "Fläche (km²)",
}

SOURCES = {
    "dim_raum": ("raumebene", "gueltig_ab", *AREA_COLUMNS),
    "dim_indikator": ("indikator_id", "version", "name", "art", "definition", "einheit"),
    "mart_indikator": (
        *("raum_id", "gebietsstand", "raumebene", "stichtag", "indikator_id", "version"),
        *("wert", "klasse", "status"),
    ),
    "mart_index": (
        *("raum_id", "gebietsstand", "raumebene", "stichtag", "index_id"),
        *("klasse", "status"),
    ),
}

# The Gebietsstand that a level shows: the newest one that has figures, else the newest one
SHOWN = f"""
    SELECT raumebene, gebietsstand
    FROM dim_raum
    WHERE raumebene <> {literal(NO_AREA)}
    GROUP BY raumebene, gebietsstand
    QUALIFY row_number() OVER (
        PARTITION BY raumebene
        ORDER BY
            gebietsstand IN (SELECT gebietsstand FROM mart_indikator) DESC,
            max(gueltig_ab) DESC NULLS LAST,
            gebietsstand DESC
    ) = 1
"""


class Field(NamedTuple):
    """One column of a layer: its name, its SQL over the rows of one area, and its labels."""

    name: str
    sql: str
    alias: str
    description: str


def write_geopackage(
    path: Path, *, marts: Path, shapes: "pa.Table", tables: Sequence[PublishedTable]
) -> None:
    """Write one layer for each level of the areas, named after the level.

    A layer has one row for each area, with or without figures: `AREA_COLUMNS`, then for each
    indicator three columns, of its newest Stichtag on that level: `<indikator_id>` (the value; for
    an indicator of art `klasse` the text `<indikator_id>_klasse` instead), `<indikator_id>_status`
    and `<indikator_id>_stichtag`; then for each index `<index_id>_klasse`, `<index_id>_status` and
    `<index_id>_stichtag`. All layers have the same columns. A value whose status is not `ok` is
    NULL.

    Args:
        path: the file to write.
        marts: the draft's `marts.duckdb`.
        shapes: the areas to show, as `area_shapes` returns them.
        tables: the declarations, which tell what everyone may see.

    Raises:
        ValueError: a column that the layers need is not published for everyone, or two columns
            have the same name or alias.
    """
    import duckdb

    _check_audience(tables)
    with duckdb.connect(str(marts), read_only=True) as con:
        con.register("shapes", shapes)
        indicators = _indicator_fields(con, tables)
        indices = _index_fields(con, tables)
        fields = [*_area_fields(tables), *indicators, *indices]
        _check_unique(fields)
        query = _layer_query(indicators, indices)
        for level in _levels(shapes):
            rows = con.execute(query, {"raumebene": level}).to_arrow_table()
            _write_layer(path, level, rows)
    _describe(path, _levels(shapes), fields)


def area_shapes(marts: Path, areas: Path) -> "pa.Table":
    """Return the shapes of the areas that an edition shows, one row for each area.

    Each level shows one Gebietsstand, the newest one with figures. Shapes become normalised,
    two-dimensional multipolygons, so that equal shapes are equal bytes.

    Args:
        marts: the draft's `marts.duckdb`, with `dim_raum` and `mart_indikator`.
        areas: Parquet with `raum_id`, `gebietsstand`, `raumebene`, `geometry` (WKB, EPSG:25832).

    Returns:
        `raumebene`, `raum_id`, `gebietsstand`, `geometry` (WKB), ordered by these.

    Raises:
        ValueError: an area of `dim_raum` has no shape or several, or a shape is no polygon.
    """
    import duckdb
    import pyarrow.parquet as pq

    # read by pyarrow: DuckDB would take the geometry of a GeoParquet file for its own type
    delivered = pq.ParquetFile(areas).read(["raum_id", "gebietsstand", "raumebene", "geometry"])
    with duckdb.connect(str(marts), read_only=True) as con:
        con.register("delivered", delivered)
        found = con.execute(
            f"""
            SELECT raumebene, raum_id, gebietsstand, delivered.geometry
            FROM dim_raum
            JOIN ({SHOWN}) USING (raumebene, gebietsstand)
            LEFT JOIN delivered USING (raumebene, gebietsstand, raum_id)
            ORDER BY raumebene, raum_id, gebietsstand
            """
        ).to_arrow_table()
    _check_one_shape_each(found)
    column = found.schema.get_field_index("geometry")
    return found.set_column(column, "geometry", multipolygons(found.column("geometry")))


def multipolygons(geometry: "pa.ChunkedArray") -> "pa.Array":
    """Return polygons in WKB as normalised two-dimensional multipolygons in WKB.

    Raises:
        ValueError: a shape is empty or no polygon.
    """
    import numpy as np
    import pyarrow as pa
    import shapely

    if len(geometry) == 0:
        return pa.array([], pa.binary())
    read = shapely.force_2d(shapely.from_wkb(geometry.to_numpy()))
    kinds = (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON)
    wrong = int((shapely.is_empty(read) | ~np.isin(shapely.get_type_id(read), kinds)).sum())
    if wrong:
        raise ValueError(
            f"areas.geometry: expected polygons, found {wrong} shapes that are empty or of another "
            "kind; mend the geometry of the region"
        )
    parts, owners = shapely.get_parts(read, return_index=True)
    whole = shapely.normalize(shapely.multipolygons(parts, indices=owners))
    return pa.array(shapely.to_wkb(whole, byte_order=1), pa.binary())


def _check_audience(tables: Sequence[PublishedTable]) -> None:
    for name, needed in SOURCES.items():
        public = table_named(tables, name).public_columns()
        withheld = [column for column in needed if column not in public]
        if withheld:
            raise ValueError(
                f"{name}: expected columns for everyone (audience oeffentlich) in the GeoPackage, "
                f"found {', '.join(withheld)} not so; change their audience in the model"
            )


def _check_one_shape_each(found: "pa.Table") -> None:
    import duckdb

    with duckdb.connect() as con:
        con.register("found", found)
        wrong = con.execute(
            """
            SELECT raumebene, count(*) FILTER (WHERE shapes = 0), count(*) FILTER (WHERE shapes > 1)
            FROM (
                SELECT raumebene, raum_id, count(geometry) AS shapes
                FROM found GROUP BY raumebene, raum_id
            )
            WHERE shapes <> 1 GROUP BY raumebene ORDER BY raumebene
            """
        ).fetchall()
    if wrong:
        detail = "; ".join(
            f"{level}: {none} without, {many} with several" for level, none, many in wrong
        )
        raise ValueError(
            f"areas: expected one shape for each area of dim_raum, found {detail}; "
            "complete the geometry of the region, or take the areas out of dim_raum"
        )


def _levels(shapes: "pa.Table") -> list[str]:
    """Return the levels, small areas first, unknown levels last."""
    order = list(TITLES)
    found = shapes.column("raumebene").unique().to_pylist()
    known = [level for level in order if level in found]
    return known + sorted(set(found) - set(known))


def _area_fields(tables: Sequence[PublishedTable]) -> list[Field]:
    descriptions = _descriptions(tables, "dim_raum")
    return [
        Field(name, quoted("dim_raum", name), alias, descriptions[name])
        for name, alias in AREA_COLUMNS.items()
    ]


def _indicator_fields(
    con: "duckdb.DuckDBPyConnection", tables: Sequence[PublishedTable]
) -> list[Field]:
    """Return three columns for each indicator that has rows, labelled by its newest definition."""
    indicators = con.execute(
        """
        SELECT indikator_id, coalesce(name, indikator_id), einheit, art, coalesce(definition, '')
        FROM (SELECT DISTINCT indikator_id FROM mart_indikator)
        LEFT JOIN dim_indikator USING (indikator_id)
        QUALIFY row_number() OVER (PARTITION BY indikator_id ORDER BY version DESC) = 1
        ORDER BY indikator_id
        """
    ).fetchall()
    descriptions = _descriptions(tables, "mart_indikator")
    fields = []
    for key, name, unit, kind, definition in indicators:
        cell = f"indikator_id = {literal(key)}"
        alias = f"{name} ({unit})" if unit else name
        fields += [
            _class_field(key, cell, alias, definition)
            if kind == "klasse"
            else Field(key, _value("wert", cell) + "::DOUBLE", alias, definition),
            *_state_fields(key, cell, name, descriptions),
        ]
    return fields


def _index_fields(
    con: "duckdb.DuckDBPyConnection", tables: Sequence[PublishedTable]
) -> list[Field]:
    """Return three columns for each index that has rows."""
    indices = con.execute("SELECT DISTINCT index_id FROM mart_index ORDER BY index_id").fetchall()
    descriptions = _descriptions(tables, "mart_index")
    fields = []
    for (key,) in indices:
        cell, name = f"index_id = {literal(key)}", f"Index {key}"
        fields += [
            _class_field(key, cell, f"{name}: Klasse", descriptions["klasse"]),
            *_state_fields(key, cell, name, descriptions),
        ]
    return fields


def _class_field(key: str, cell: str, alias: str, description: str) -> Field:
    return Field(f"{key}_klasse", _value("klasse", cell) + "::VARCHAR", alias, description)


def _state_fields(key: str, cell: str, name: str, descriptions: dict[str, str]) -> list[Field]:
    """Return the columns that tell whether there is a value, and of which Stichtag."""
    return [
        Field(
            f"{key}_{column}",
            f"any_value({column}) FILTER (WHERE {cell})::{kind}",
            f"{name}: {column.capitalize()}",
            descriptions[column],
        )
        for column, kind in (("status", "VARCHAR"), ("stichtag", "DATE"))
    ]


def _value(column: str, cell: str) -> str:
    """Return one value's SQL: NULL unless the status is `ok`, whatever the mart says."""
    return f"any_value({column}) FILTER (WHERE {cell} AND status = 'ok')"


def _descriptions(tables: Sequence[PublishedTable], name: str) -> dict[str, str]:
    return {column.name: column.description for column in table_named(tables, name).columns}


def _check_unique(fields: Sequence[Field]) -> None:
    for what, labels in (
        ("names", [field.name.lower() for field in fields]),  # SQLite does not tell X from x
        ("aliases", [field.alias for field in fields]),
    ):
        repeated = sorted({label for label in labels if labels.count(label) > 1})
        if repeated:
            raise ValueError(
                f"GeoPackage: expected different {what} for its columns, found "
                f"{', '.join(repeated)} more than once; rename the indicator or the index"
            )


def _layer_query(indicators: Sequence[Field], indices: Sequence[Field]) -> str:
    """Return the SQL of one layer: one row for each shape of the level `$raumebene`."""
    area = [f"dim_raum.{name}" for name in AREA_COLUMNS]
    figures = [quoted(field.name) for field in (*indicators, *indices)]
    newest_version = _wide_query("mart_indikator", "indikator_id", "version DESC", indicators)
    return f"""
        WITH
        figures AS ({newest_version}),
        classes AS ({_wide_query("mart_index", "index_id", "index_id", indices)})
        SELECT {", ".join([*area, *figures, "geometry"])}
        FROM shapes
        JOIN (SELECT * REPLACE (flaeche_km2::DOUBLE AS flaeche_km2) FROM dim_raum) AS dim_raum
            USING (raumebene, raum_id, gebietsstand)
        LEFT JOIN figures USING (raum_id, gebietsstand)
        LEFT JOIN classes USING (raum_id, gebietsstand)
        WHERE raumebene = $raumebene
        ORDER BY raum_id
    """


def _wide_query(mart: str, key: str, tie: str, fields: Sequence[Field]) -> str:
    """Return the SQL of one row for each area, with the newest Stichtag of each key."""
    cells = "".join(f", {field.sql} AS {quoted(field.name)}" for field in fields)
    return f"""
        SELECT raum_id, gebietsstand{cells}
        FROM (
            FROM {mart}
            WHERE raumebene = $raumebene
            QUALIFY dense_rank() OVER (
                PARTITION BY gebietsstand, {key} ORDER BY stichtag DESC, {tie}
            ) = 1
        )
        GROUP BY raum_id, gebietsstand
    """


def _write_layer(path: Path, level: str, rows: "pa.Table") -> None:
    import pyogrio

    title = TITLES.get(level, level.replace("_", " ").capitalize())
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


def _describe(path: Path, levels: Sequence[str], fields: Sequence[Field]) -> None:
    """Write the German aliases (GeoPackage extension Schema) and fix the time of change."""
    with closing(sqlite3.connect(path)) as con, con:
        con.executescript(SCHEMA_EXTENSION)
        con.executemany(
            "INSERT INTO gpkg_data_columns (table_name, column_name, name, title, description) "
            "VALUES (?, ?, ?, ?, ?)",
            [
                (level, field.name, field.alias, field.alias, field.description)
                for level in levels
                for field in fields
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
