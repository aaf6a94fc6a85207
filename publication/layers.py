"""Wide layers, one row for each area, and the long table of all figures.

Here belongs how published values become columns with German aliases, and which shapes are shown;
GeoPackage, GeoParquet and PostGIS all have these layers. Not here: files. Values are read from the
draft's `marts.duckdb` alone, and only from columns for everyone, so that no layer can hold what the
marts withhold or what is meant for experts.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from publication.tables import PublishedTable, literal, quoted, table_named

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

CRS = "EPSG:25832"
NO_AREA = "ohne_raum"  # the pseudo-level of what cannot be placed: it has no shape
GENERALISED = "_generalisiert"
"""What the name of a layer with simplified shapes ends with."""
TOLERANCE = 25.0
"""By how many metres a generalised boundary may differ; neighbours keep their common line."""

LONG = "kennzahl"
"""The name of the long table: every figure of every area, Gebietsstand and Stichtag."""

LEVELS = ("sozialraum", "bezirksregion", "kommune", "kreis")
"""Levels in their order; others follow."""

AREA_COLUMNS = {
    "raum_id": "Kennung des Raums",
    "raum_name": "Name des Raums",
    "kommune_id": "Kommune (Schlüssel)",
    "kreis_id": "Kreis (Schlüssel)",
    "gebietsstand": "Gebietsstand",
    "flaeche_km2": "Fläche (km²)",
}

LONG_ALIASES = {
    "raum_id": "Kennung des Raums",
    "raum_name": "Name des Raums",
    "gebietsstand": "Gebietsstand",
    "raumebene": "Raumebene",
    "stichtag": "Stichtag",
    "indikator_id": "Indikator (Schlüssel)",
    "name": "Indikator",
    "thema": "Thema",
    "einheit": "Einheit",
    "version": "Version der Definition",
    "zaehler": "Zähler",
    "nenner": "Nenner",
    "nenner_stichtag": "Stichtag des Nenners",
    "wert": "Wert",
    "klasse": "Klasse",
    "status": "Status",
    "umgerechnet": "Umgerechnet",
    "geschaetzt": "Geschätzt",
    "abdeckung": "Abdeckung",
    "kommune_wert": "Wert der Kommune",
    "kreis_wert": "Wert des Kreises",
    "abw_kommune": "Abweichung von der Kommune",
    "abw_kreis": "Abweichung vom Kreis",
    "z_wert": "z-Wert",
    "untergrenze": "Zufallsschwankung: Untergrenze",
    "obergrenze": "Zufallsschwankung: Obergrenze",
    "auffaellig": "Auffälligkeit",
    "richtung": "Richtung der Auffälligkeit",
    "aussagekraft": "Aussagekraft",
}
"""Aliases of the long table; a column that is new in the mart is spelled like its name."""

LONG_LABELS = {
    "raum_id": {"raum_name": ("dim_raum", "raum_name")},
    "indikator_id": {
        "name": ("dim_indikator", "name"),
        "thema": ("dim_indikator", "thema"),
        "einheit": ("dim_indikator", "einheit"),
    },
}
"""Which columns of dimensions follow a key of the long table: name → (table, column)."""

OWN_VALUE = (
    *("wert", "klasse", "abw_kommune", "abw_kreis", "z_wert"),
    *("untergrenze", "obergrenze", "auffaellig", "richtung", "aussagekraft"),
)
"""Columns that tell the value of their row: empty unless the status is `ok`."""
OWN_COUNTS = ("zaehler", "nenner")
"""Empty where the row is withheld; `zu_klein` keeps its counts."""
WITHHELD = ("geheim", "nicht_freigegeben")

SOURCES = {
    "dim_raum": ("raumebene", "gueltig_ab", *AREA_COLUMNS),
    "dim_indikator": ("indikator_id", "version", "name", "thema", "art", "definition", "einheit"),
    "dim_indexklasse": ("index_id", "name"),
    "mart_indikator": (
        *("raum_id", "gebietsstand", "raumebene", "stichtag", "indikator_id", "version"),
        *("wert", "klasse", "status"),
    ),
    "mart_index": (
        *("raum_id", "gebietsstand", "raumebene", "stichtag", "index_id"),
        *("klasse", "status"),
    ),
}

# The Gebietsstand that a level shows: the newest one that has figures on this level, else the
# newest one
SHOWN = f"""
    SELECT raumebene, gebietsstand
    FROM dim_raum
    WHERE raumebene <> {literal(NO_AREA)}
    GROUP BY raumebene, gebietsstand
    QUALIFY row_number() OVER (
        PARTITION BY raumebene
        ORDER BY
            (raumebene, gebietsstand)
                IN (SELECT DISTINCT (raumebene, gebietsstand) FROM mart_indikator) DESC,
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


class Layer(NamedTuple):
    """One level: its columns in order, and one row for each area, `geometry` (WKB) the last."""

    level: str
    fields: "tuple[Field, ...]"
    rows: "pa.Table"


def layers(
    con: "duckdb.DuckDBPyConnection", tables: Sequence[PublishedTable], shapes: "pa.Table"
) -> list[Layer]:
    """Return one layer for each level that has shapes, small areas first.

    A layer has one row for each area, with or without figures: `AREA_COLUMNS`, then for each
    indicator three columns, of its newest Stichtag on that level: `<indikator_id>` (the value; for
    an indicator of art `klasse` the text `<indikator_id>_klasse` instead), `<indikator_id>_status`
    and `<indikator_id>_stichtag`; then for each index `<index_id>_klasse`, `<index_id>_status` and
    `<index_id>_stichtag`. All layers have the same columns. A value whose status is not `ok` is
    NULL.

    Args:
        con: the draft's database.
        tables: the declarations, which tell what everyone may see.
        shapes: as `area_shapes` returns them; their `geometry` is passed on.

    Raises:
        ValueError: a column that the layers need is not published for everyone, or two columns
            have the same name or alias.
    """
    _check_audience(tables)
    con.register("shapes", shapes)
    indicators = _indicator_fields(con, tables)
    indices = _index_fields(con, tables)
    fields = (*_area_fields(tables), *indicators, *indices)
    _check_unique(fields)
    query = _layer_query(indicators, indices)
    return [
        Layer(level, fields, con.execute(query, {"raumebene": level}).to_arrow_table())
        for level in ordered_levels(shapes)
    ]


def figures(con: "duckdb.DuckDBPyConnection", tables: Sequence[PublishedTable]) -> "pa.Table":
    """Return the long table: every row of `mart_indikator`, with its names beside the keys.

    One row for each area, Gebietsstand, Stichtag, indicator and version, of all levels,
    `ohne_raum` included, in the order of that key; the columns are those of `figure_fields`. A
    value whose status is not `ok` is NULL.

    Args:
        con: the draft's database.
        tables: the declarations, which tell what everyone may see.

    Raises:
        ValueError: as `figure_fields`.
    """
    columns = ", ".join(f"{field.sql} AS {quoted(field.name)}" for field in figure_fields(tables))
    order = ", ".join(f"mart.{quoted(key)}" for key in table_named(tables, "mart_indikator").key)
    return con.execute(
        f"""
        SELECT {columns}
        FROM mart_indikator AS mart
        LEFT JOIN dim_raum USING (raum_id, gebietsstand)
        LEFT JOIN dim_indikator USING (indikator_id, version)
        ORDER BY {order}
        """
    ).to_arrow_table()


def figure_fields(tables: Sequence[PublishedTable]) -> tuple[Field, ...]:
    """Return the columns of the long table: those of `mart_indikator` for everyone, and names.

    Raises:
        ValueError: a column that the table needs is not published for everyone, or two columns
            have the same name or alias.
    """
    _check_audience(tables)
    mart = table_named(tables, "mart_indikator")
    descriptions = _descriptions(tables, mart.name)
    fields = []
    for column in mart.public_columns():
        fields.append(_figure_field(column, _figure_sql(column), descriptions[column]))
        for name, (table, label) in LONG_LABELS.get(column, {}).items():
            description = _descriptions(tables, table)[label]
            fields.append(_figure_field(name, quoted(table, label), description))
    _check_unique(fields)
    return tuple(fields)


def _figure_field(name: str, sql: str, description: str) -> Field:
    alias = LONG_ALIASES.get(name, name.replace("_", " ").capitalize())
    return Field(name, sql, alias, description)


def _figure_sql(column: str) -> str:
    sql = f"mart.{quoted(column)}"
    if column in OWN_VALUE:
        return f"CASE WHEN mart.status = 'ok' THEN {sql} END"
    if column in OWN_COUNTS:
        withheld = ", ".join(map(literal, WITHHELD))
        return f"CASE WHEN mart.status NOT IN ({withheld}) THEN {sql} END"
    return sql


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
    return _with_geometry(found, multipolygons(found.column("geometry")))


def generalised(shapes: "pa.Table", tolerance: float = TOLERANCE) -> "pa.Table":
    """Return the same areas with simplified shapes; neighbours of a level still fit together.

    Args:
        shapes: as `area_shapes` returns them.
        tolerance: metres.
    """
    import numpy as np
    import pyarrow as pa
    import shapely

    result = np.empty(len(shapes), dtype=object)
    level = np.array(shapes.column("raumebene").to_pylist())
    read = shapely.from_wkb(shapes.column("geometry").to_numpy())
    for name in np.unique(level):
        of_level = level == name
        result[of_level] = shapely.coverage_simplify(read[of_level], tolerance)
    lost = shapely.is_empty(result)
    result[lost] = read[lost]  # an area smaller than the tolerance stays as it is
    return _with_geometry(shapes, multipolygons(pa.chunked_array([shapely.to_wkb(result)])))


def reshaped(layer: Layer, shapes: "pa.Table") -> Layer:
    """Return a layer with the same rows and other shapes, such as generalised ones.

    Args:
        layer: as `layers` returns it.
        shapes: of the same areas, as `area_shapes` or `generalised` return them.

    Raises:
        ValueError: the shapes are of other areas.
    """
    import pyarrow.compute as pc

    own = shapes.filter(pc.equal(shapes.column("raumebene"), layer.level)).sort_by("raum_id")
    if not own.column("raum_id").equals(layer.rows.column("raum_id")):
        raise ValueError(
            f"layer {layer.level}: expected the shapes of its {len(layer.rows)} areas, found "
            f"{len(own)} of others; take both from the same edition"
        )
    return layer._replace(rows=_with_geometry(layer.rows, own.column("geometry")))


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


def ordered_levels(shapes: "pa.Table") -> list[str]:
    """Return the levels of some shapes, small areas first, unknown levels last."""
    found = shapes.column("raumebene").unique().to_pylist()
    known = [level for level in LEVELS if level in found]
    return known + sorted(set(found) - set(known))


def _with_geometry(table: "pa.Table", geometry: "pa.Array") -> "pa.Table":
    column = table.schema.get_field_index("geometry")
    return table.set_column(column, "geometry", geometry)


def _check_audience(tables: Sequence[PublishedTable]) -> None:
    for name, needed in SOURCES.items():
        public = table_named(tables, name).public_columns()
        withheld = [column for column in needed if column not in public]
        if withheld:
            raise ValueError(
                f"{name}: expected columns for everyone (audience oeffentlich) in layers, "
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
    indices = con.execute(
        """
        SELECT index_id, coalesce(any_value(name), 'Index ' || index_id)
        FROM mart_index LEFT JOIN dim_indexklasse USING (index_id)
        GROUP BY index_id ORDER BY index_id
        """
    ).fetchall()
    descriptions = _descriptions(tables, "mart_index")
    fields = []
    for key, name in indices:
        cell = f"index_id = {literal(key)}"
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
                f"layers: expected different {what} for its columns, found "
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
