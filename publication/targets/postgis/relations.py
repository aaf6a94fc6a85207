"""What an edition becomes in PostGIS: tables with their rows, and views, as plain data.

Here belongs how a folder is read for loading. Not here: SQL that changes a database (`load`,
`switch`), and what the audit expects, which reads the folder on its own.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from publication.forms.geopackage import GEOPACKAGE
from publication.layers import GENERALISED, LONG, NO_AREA, figure_fields
from publication.material import MARTS
from publication.tables import PublishedTable, literal, quoted, quoted_list
from publication.targets.errors import TargetError
from publication.targets.postgis.declared import (
    EDITIONS,
    EDITIONS_COLUMNS,
    EDITIONS_COMMENT,
    GEOMETRY,
    GEOMETRY_COLUMN,
    LONG_COMMENT,
    LONGEST_NAME,
    PUBLIC_VIEW,
    SRID,
    TYPES,
)

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

FLAECHE = "Fläche des Raums (MultiPolygon, EPSG:25832)"
VEREINFACHT = "Fläche des Raums, vereinfacht für Übersichten (MultiPolygon, EPSG:25832)"


class Column(NamedTuple):
    """One column of a table: its PostgreSQL type and its German comment."""

    name: str
    type: str
    comment: str


class Table(NamedTuple):
    """One table: its grain, whether everyone reads it, and its rows (geometry as hex EWKB)."""

    name: str
    comment: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    public: bool
    rows: "pa.Table | None" = None


class Shown(NamedTuple):
    """One column of a view, its SQL and its German comment."""

    name: str
    sql: str
    comment: str


class View(NamedTuple):
    """One view that everyone reads; `source` is its FROM clause, with `{schema}` in it."""

    name: str
    comment: str
    columns: tuple[Shown, ...]
    source: str


class Content(NamedTuple):
    """Everything of an edition that PostGIS receives."""

    tables: tuple[Table, ...]
    views: tuple[View, ...]


EDITIONS_TABLE = Table(
    EDITIONS,
    EDITIONS_COMMENT,
    tuple(Column(name, *rest) for name, rest in EDITIONS_COLUMNS.items()),
    ("edition_id",),
    public=True,
)


def read_content(folder: Path, tables: Sequence[PublishedTable]) -> Content:
    """Return what a finished edition becomes in PostGIS.

    Args:
        folder: the edition, with `marts.duckdb` and `sozialraum.gpkg`.
        tables: the declarations with which it was written.

    Raises:
        TargetError: two relations have one name, a name is too long for PostgreSQL, a level has no
            layer, or a column has a type that PostgreSQL has no counterpart of.
    """
    import duckdb

    with duckdb.connect(str(folder / MARTS), read_only=True) as con:
        marts = [_mart(con, table) for table in tables]
        levels = [
            level
            for (level,) in con.execute(
                "SELECT DISTINCT raumebene FROM dim_raum WHERE raumebene <> ? ORDER BY raumebene",
                [NO_AREA],
            ).fetchall()
        ]
    content = Content(
        (*marts, *_layers(folder / GEOPACKAGE, levels)),
        (*(_public_view(table) for table in tables if table.public_columns()), _long_view(tables)),
    )
    _check_names(content)
    return content


def _mart(con: "duckdb.DuckDBPyConnection", table: PublishedTable) -> Table:
    public = table.public_columns()
    # by public columns first: the order of rows must not tell a rank that only experts see
    order = [*public, *(name for name in table.column_names if name not in public)]
    rows = con.sql(
        f"SELECT {quoted_list(table.column_names)} FROM {quoted(table.name)} "
        f"ORDER BY {quoted_list(order)}"
    )
    columns = tuple(
        Column(column.name, _type(table.name, column.name, str(kind)), column.description)
        for column, kind in zip(table.columns, rows.types, strict=True)
    )
    return Table(
        table.name, table.description, columns, table.key, public=False, rows=rows.to_arrow_table()
    )


def _type(table: str, column: str, kind: str) -> str:
    if kind not in TYPES:
        raise TargetError(
            f"{table}.{column}: expected one of the types {', '.join(TYPES)}, found {kind}; "
            "declare another type in the model's contract"
        )
    return TYPES[kind]


def _public_view(table: PublishedTable) -> View:
    comments = {column.name: column.description for column in table.columns}
    return View(
        f"{PUBLIC_VIEW}{table.name}",
        table.description,
        tuple(Shown(name, quoted(name), comments[name]) for name in table.public_columns()),
        f"{{schema}}.{quoted(table.name)}",
    )


def _long_view(tables: Sequence[PublishedTable]) -> View:
    columns = [Shown(field.name, field.sql, field.description) for field in figure_fields(tables)]
    source = (
        "{schema}.mart_indikator AS mart "
        "LEFT JOIN {schema}.dim_raum USING (raum_id, gebietsstand) "
        "LEFT JOIN {schema}.dim_indikator USING (indikator_id, version)"
    )
    return View(LONG, LONG_COMMENT, tuple(columns), source)


def _layers(path: Path, levels: Sequence[str]) -> Iterator[Table]:
    """Return a table for each level, and for each that has simplified shapes, too."""
    import pyogrio

    found = set(pyogrio.list_layers(path)[:, 0])
    for level in levels:
        if level not in found:
            raise TargetError(
                f"{GEOPACKAGE}: expected a layer {level}, as dim_raum has this level, found none; "
                "publish the edition anew"
            )
        yield _layer(path, level, FLAECHE)
        if level + GENERALISED in found:
            yield _layer(path, level + GENERALISED, VEREINFACHT)


def _layer(path: Path, name: str, shape: str) -> Table:
    import pyogrio

    _, rows = pyogrio.read_arrow(path, layer=name)
    rows = _with_hex(rows)
    comment, labels = _described(path, name)
    columns = tuple(
        Column(GEOMETRY_COLUMN, GEOMETRY, shape)
        if field.name == GEOMETRY_COLUMN
        else Column(field.name, _layer_type(name, field), labels.get(field.name, field.name))
        for field in rows.schema
    )
    return Table(name, comment, columns, ("raum_id",), public=True, rows=rows)


def _with_hex(rows: "pa.Table") -> "pa.Table":
    """Return a layer with its shapes as hex EWKB, which PostGIS reads as text."""
    import pyarrow as pa
    import shapely

    place = rows.schema.get_field_index(GEOMETRY_COLUMN)
    shapes = shapely.set_srid(shapely.from_wkb(rows.column(place).to_numpy()), SRID)
    texts = shapely.to_wkb(shapes, hex=True, include_srid=True)
    return rows.set_column(place, GEOMETRY_COLUMN, pa.array(texts, pa.string()))


def _layer_type(layer: str, field: "pa.Field") -> str:
    kinds = {
        "bool": "BOOLEAN",
        "int16": "SMALLINT",
        "int32": "INTEGER",
        "int64": "BIGINT",
        "double": "DOUBLE",
        "date32[day]": "DATE",
        "string": "VARCHAR",
        "large_string": "VARCHAR",
    }
    return _type(layer, field.name, kinds.get(str(field.type), str(field.type)))


def _described(path: Path, layer: str) -> tuple[str, dict[str, str]]:
    """Return a layer's description and its columns' comments: alias and description."""
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as con:
        (told,) = con.execute(
            f"SELECT coalesce(nullif(description, ''), identifier) FROM gpkg_contents "
            f"WHERE table_name = {literal(layer)}"
        ).fetchone()
        rows = con.execute(
            "SELECT column_name, title, description FROM gpkg_data_columns WHERE table_name = ?",
            [layer],
        ).fetchall()
    return told, {column: column_comment(alias, text) for column, alias, text in rows}


def column_comment(alias: str, description: str | None) -> str:
    """Return the comment of a layer's column."""
    return f"{alias}: {description}" if description else alias


def _check_names(content: Content) -> None:
    relations = [EDITIONS, *(one.name for one in (*content.tables, *content.views))]
    if twice := sorted(name for name, count in Counter(relations).items() if count > 1):
        raise TargetError(
            f"pub: expected different names of tables, layers and views, found {', '.join(twice)} "
            "more than once; rename the level or the model"
        )
    columns = [column.name for one in content.tables for column in one.columns]
    for name in {*relations, *columns}:
        if len(name.encode()) > LONGEST_NAME:
            raise TargetError(
                f"{name}: expected a name of at most {LONGEST_NAME} bytes, which PostgreSQL can "
                f"hold, found {len(name.encode())}; choose a shorter indikator_id, index_id, "
                "level or model"
            )
