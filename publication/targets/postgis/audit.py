"""The audit of PostGIS: reads back every relation and compares it with the edition's files.

Expectations come from `marts.duckdb`, `sozialraum.gpkg` and the declared audiences, read here anew;
with the loading it shares names, roles and types, and none of its steps. Its sentences name
relations, columns and counts, never a value of a row.
"""

import io
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from publication.audit.reading import LONG_NAMES, levels, open_marts, same_names
from publication.forms.geopackage import GEOPACKAGE
from publication.layers import GENERALISED, LONG
from publication.tables import PublishedTable, quoted, quoted_list, table_named
from publication.targets.postgis.connect import naming
from publication.targets.postgis.declared import (
    EDITIONS,
    EDITIONS_COLUMNS,
    EDITIONS_COMMENT,
    EVERYONE,
    EXPERTS,
    GEOMETRY,
    GEOMETRY_COLUMN,
    GONE,
    LONG_COMMENT,
    PUBLIC_VIEW,
    READERS,
    SCHEMA,
    SRID,
    STAGING,
    TYPES,
)

if TYPE_CHECKING:
    import duckdb
    import psycopg
    import pyarrow as pa

PRIVILEGES = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")
OF_COLUMNS = ("SELECT", "INSERT", "UPDATE", "REFERENCES")


OF_LAYERS = {
    "string": "text",
    "large_string": "text",
    "double": "double precision",
    "date32[day]": "date",
    "bool": "boolean",
    "int32": "integer",
    "int64": "bigint",
}
"""Types of a layer's columns, as Arrow calls them → PostgreSQL's."""


@dataclass(frozen=True)
class Expected:
    """A relation as the edition's files ask for it.

    Attributes:
        kind: `r` (table) or `v` (view), as in pg_class.
        comment: of the relation.
        columns: name → (PostgreSQL type, comment); no comment: none is prescribed.
        key: the primary key; empty for views.
        public: whether everyone reads it.
        rows: the values, shapes as hex WKB.
    """

    kind: str
    comment: str
    columns: Mapping[str, tuple[str, str | None]]
    key: tuple[str, ...]
    public: bool
    rows: "pa.Table" = field(repr=False)


@dataclass(frozen=True)
class Found:
    """What was read back of one relation: number of rows, and SHA-256 over all values."""

    rows: int
    hash: str


NOTHING = Found(0, sha256().hexdigest())


def expectations(folder: Path, tables: Sequence[PublishedTable]) -> dict[str, Expected]:
    """Return every relation of an edition by name.

    Raises:
        ValueError: `tables` lacks what the long view is made from.
    """
    expected: dict[str, Expected] = {}
    with open_marts(folder) as con:
        for table, mart in _marts(con, tables):
            expected[table.name] = mart
            public = table.public_columns()
            if public:
                expected[PUBLIC_VIEW + table.name] = Expected(
                    "v",
                    mart.comment,
                    {name: mart.columns[name] for name in public},
                    (),
                    True,
                    mart.rows.select(list(public)),
                )
        expected[LONG] = _long(con, tables, expected)
        names = {level + kind for level in levels(con) for kind in ("", GENERALISED)}
    return {**expected, **_layers(folder / GEOPACKAGE, names)}


def structure(
    con: "psycopg.Connection", schema: str, expected: Mapping[str, Expected]
) -> Iterator[str]:
    """Compare relations, columns, types, comments, keys and rights of a schema.

    In `pub`, what earlier editions brought may still be there, if it is empty and says so; a column
    there keeps the type that its readers know; and what others made there is theirs.
    """
    found = _relations(con, schema)
    if schema == SCHEMA:
        expected = {**expected, EDITIONS: _editions()}
        yield from _leftovers(con, found, expected)
    else:
        yield from same_names(schema, "tables and views", expected, found)
    ours = {name: found[name] for name in sorted(expected.keys() & found.keys())}
    for name in sorted(expected.keys() - found.keys()) if schema == SCHEMA else ():
        yield f"{schema}: expected {name} among its tables and views, found no such one"
    for name, relation in ours.items():
        yield from _relation(con, schema, name, expected[name], relation)
    yield from _shapes(con, schema, expected)
    yield from _rights(con, schema, {name: expected[name].public for name in ours})
    yield from _outside(con)


def values(
    con: "psycopg.Connection", schema: str, expected: Mapping[str, Expected]
) -> tuple[list[str], dict[str, Found]]:
    """Read back every relation and compare all its values; return problems and what was read."""
    import duckdb

    problems, facts = [], {}
    with duckdb.connect() as engine:
        for name, relation in expected.items():
            with naming(f"{schema}.{name}"):
                told = _read(con, schema, name, relation)
            engine.register("ours", relation.rows)
            engine.register("theirs", told)
            ours, theirs = _summaries(engine, list(relation.columns))
            facts[name] = theirs
            if ours.rows != theirs.rows:
                problems.append(
                    f"{schema}.{name}: expected {ours.rows} rows as in the edition, found "
                    f"{theirs.rows}"
                )
            elif ours.hash != theirs.hash:
                (other,) = engine.execute(
                    "SELECT count(*) FROM (FROM ours EXCEPT ALL FROM theirs)"
                ).fetchone()
                problems.append(
                    f"{schema}.{name}: expected the values of the edition, found others in "
                    f"{other} rows"
                )
    return problems, facts


# --- what the edition's files ask for


def _marts(
    con: "duckdb.DuckDBPyConnection", tables: Sequence[PublishedTable]
) -> Iterator[tuple[PublishedTable, Expected]]:
    """Read the tables' declarations back from the database itself, and their rows."""
    columns: dict[str, dict[str, tuple[str, str]]] = {}
    for table, name, kind, comment in con.execute(
        "SELECT table_name, column_name, data_type, comment FROM duckdb_columns() "
        "WHERE database_name = current_database() ORDER BY table_name, column_index"
    ).fetchall():
        columns.setdefault(table, {})[name] = (TYPES.get(kind, kind), comment)
    comments = dict(con.execute("SELECT table_name, comment FROM duckdb_tables()").fetchall())
    keys = dict(
        con.execute(
            "SELECT table_name, constraint_column_names FROM duckdb_constraints() "
            "WHERE constraint_type = 'PRIMARY KEY'"
        ).fetchall()
    )
    for table in tables:
        name = table.name
        rows = con.execute(f"SELECT * FROM {quoted(name)}").to_arrow_table()
        key = tuple(keys.get(name, ()))
        yield table, Expected("r", comments[name], columns[name], key, False, rows)


def _long(
    con: "duckdb.DuckDBPyConnection",
    tables: Sequence[PublishedTable],
    expected: Mapping[str, Expected],
) -> Expected:
    public = table_named(tables, "mart_indikator").public_columns()
    columns = {name: expected["mart_indikator"].columns[name] for name in public}
    shown = [f"m.{quoted(name)}" for name in public]
    for name, (table, column) in LONG_NAMES.items():
        columns[name] = expected[table].columns[column]
        same = " AND ".join(f"d.{key} = m.{key}" for key in expected[table].key)
        shown.append(f"(SELECT {column} FROM {table} AS d WHERE {same}) AS {quoted(name)}")
    rows = con.execute(f"SELECT {', '.join(shown)} FROM mart_indikator AS m").to_arrow_table()
    return Expected("v", LONG_COMMENT, columns, (), True, rows)


def _layers(path: Path, names: set[str]) -> dict[str, Expected]:
    """Read the layers that levels may have; a level without one is missing in the GeoPackage."""
    import pyarrow as pa
    import pyogrio

    layers = {}
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as stored:
        contents = dict(
            stored.execute(
                "SELECT table_name, coalesce(nullif(description, ''), identifier) "
                "FROM gpkg_contents"
            )
        )
        titles = {
            (layer, column): f"{title}: {text}" if text else title
            for layer, column, title, text in stored.execute(
                "SELECT table_name, column_name, title, description FROM gpkg_data_columns"
            )
        }
    for name in sorted(names & contents.keys()):
        _, rows = pyogrio.read_arrow(path, layer=name)
        shapes = [shape and shape.hex() for shape in rows.column(GEOMETRY_COLUMN).to_pylist()]
        place = rows.schema.get_field_index(GEOMETRY_COLUMN)
        rows = rows.set_column(place, GEOMETRY_COLUMN, pa.array(shapes, pa.string()))
        columns = {
            one.name: (GEOMETRY, None)
            if one.name == GEOMETRY_COLUMN
            else (
                OF_LAYERS.get(str(one.type), str(one.type)),
                titles.get((name, one.name), "an alias in the GeoPackage"),
            )
            for one in rows.schema
        }
        layers[name] = Expected("r", contents[name], columns, ("raum_id",), True, rows)
    return layers


def _editions() -> Expected:
    columns = dict(EDITIONS_COLUMNS)
    return Expected("r", EDITIONS_COMMENT, columns, ("edition_id",), True, None)


# --- structure


@dataclass
class _Relation:
    kind: str
    comment: str | None
    columns: dict[str, tuple[str, str | None]]


def _relations(con: "psycopg.Connection", schema: str) -> dict[str, _Relation]:
    rows = con.execute(
        """
        SELECT relname, relkind::text, obj_description(c.oid, 'pg_class'), attname,
            format_type(atttypid, atttypmod), col_description(c.oid, attnum)
        FROM pg_class AS c
        LEFT JOIN pg_attribute ON attrelid = c.oid AND attnum > 0 AND NOT attisdropped
        WHERE relnamespace = %s::regnamespace AND relkind NOT IN ('i', 'I', 't', 'c')
        ORDER BY relname, attnum
        """,
        [schema],
    ).fetchall()
    found: dict[str, _Relation] = {}
    for name, kind, comment, column, type_, told in rows:
        relation = found.setdefault(name, _Relation(kind, comment, {}))
        if column is not None:
            relation.columns[column] = (type_, told)
    return found


def _leftovers(
    con: "psycopg.Connection", found: Mapping[str, _Relation], expected: Mapping[str, Expected]
) -> Iterator[str]:
    """Demand that what editions no longer have is empty."""
    brought = con.execute(
        f"SELECT DISTINCT unnest(bestand) FROM {quoted(SCHEMA, EDITIONS)}"
    ).fetchall()
    for name in sorted({name for (name,) in brought} & found.keys()):
        gone = sorted(found[name].columns)
        counted = ["count(*)"]
        if name in expected:
            gone = [column for column in gone if column not in expected[name].columns]
            counted = [f"count({quoted(column)})" for column in gone]
        if counted:
            query = f"SELECT {' + '.join(counted)} FROM {quoted(SCHEMA, name)}"
            (filled,) = con.execute(query).fetchone()
            if filled:
                yield (
                    f"{SCHEMA}.{name}: expected what the edition no longer has to be empty, found "
                    f"{filled} values in {', '.join(gone)}"
                )


def _relation(
    con: "psycopg.Connection", schema: str, name: str, expected: Expected, found: _Relation
) -> Iterator[str]:
    where = f"{schema}.{name}"
    if found.kind != expected.kind:
        kinds = {"r": "a table", "v": "a view"}
        yield f"{where}: expected {kinds[expected.kind]}, found relkind {found.kind}"
    declared = {
        column: told
        for column, told in found.columns.items()
        if column in expected.columns or not (told[1] or "").startswith(GONE) or schema == STAGING
    }
    yield from same_names(where, "columns", expected.columns, declared)
    if found.comment != expected.comment:
        told = _said(found.comment)
        yield f"{where}: expected the edition's description as comment, found {told}"
    for column, (kind, comment) in expected.columns.items():
        type_, told = found.columns.get(column, (kind, comment))
        if schema == STAGING and type_ != kind:
            yield f"{where}.{column}: expected type {kind}, found {type_}"
        if column in found.columns and (not told or comment not in (None, told)):
            yield (
                f"{where}.{column}: expected the edition's description as comment, found "
                f"{_said(told)}"
            )
    key = con.execute(
        "SELECT array(SELECT attname::text FROM unnest(conkey) WITH ORDINALITY AS k(n, place) "
        "JOIN pg_attribute ON attrelid = conrelid AND attnum = n ORDER BY place) "
        "FROM pg_constraint WHERE conrelid = to_regclass(%s) AND contype = 'p'",
        [quoted(schema, name)],
    ).fetchone()
    if tuple(key[0] if key else ()) != expected.key:
        yield (
            f"{where}: expected the key ({', '.join(expected.key)}), found "
            f"({', '.join(key[0] if key else ())})"
        )


def _said(comment: str | None) -> str:
    return "another one" if comment else "none"


def _shapes(
    con: "psycopg.Connection", schema: str, expected: Mapping[str, Expected]
) -> Iterator[str]:
    """Look at every column that can hold a place, declared or not, and at what it holds."""
    rows = con.execute(
        """
        SELECT relname, attname, format_type(atttypid, atttypmod), typname::text, EXISTS (
            SELECT FROM pg_index JOIN pg_class AS i ON i.oid = indexrelid
            JOIN pg_am ON pg_am.oid = i.relam AND amname = 'gist'
            WHERE indrelid = c.oid AND attnum = ANY (indkey)
        )
        FROM pg_class AS c
        JOIN pg_attribute ON attrelid = c.oid AND attnum > 0 AND NOT attisdropped
        JOIN pg_type ON pg_type.oid = atttypid
        WHERE relnamespace = %s::regnamespace AND relkind IN ('r', 'v', 'm', 'f', 'p')
            AND pg_get_userbyid(relowner) = current_user
            AND typname IN ('geometry', 'geography', 'point', 'box', 'path', 'polygon', 'circle')
        ORDER BY relname, attname
        """,
        [schema],
    ).fetchall()
    for name, column, kind, type_, indexed in rows:
        where = f"{schema}.{name}.{column}"
        if kind != GEOMETRY or type_ != "geometry":
            yield f"{where}: expected shapes of the type {GEOMETRY} alone, found {kind}"
        elif schema == SCHEMA and name in expected and not indexed:
            yield f"{where}: expected a GIST index, found none"
        if type_ == "geometry":
            (others,) = con.execute(
                f"SELECT count(*) FROM {quoted(schema, name)} WHERE {quoted(column)} IS NOT NULL "
                f"AND (GeometryType({quoted(column)}) <> 'MULTIPOLYGON' "
                f"OR ST_SRID({quoted(column)}) <> {SRID})"
            ).fetchone()
            if others:
                yield f"{where}: expected multipolygons in EPSG:{SRID}, found {others} others"


def _rights(con: "psycopg.Connection", schema: str, public: Mapping[str, bool]) -> Iterator[str]:
    """Compare what the two roles may do with each relation, however they came by it."""
    found = con.execute(
        """
        SELECT DISTINCT relname::text, role, privilege
        FROM pg_class AS c
        CROSS JOIN unnest(%(roles)s::text[]) AS role
        CROSS JOIN unnest(%(privileges)s::text[]) AS privilege
        WHERE relnamespace = %(schema)s::regnamespace AND relname = ANY (%(names)s)
            AND relkind NOT IN ('i', 'I', 't', 'c', 'S')
            AND (
                has_table_privilege(role, c.oid, privilege)
                OR CASE
                    WHEN privilege = ANY (%(of_columns)s)
                    THEN has_any_column_privilege(role, c.oid, privilege)
                END
            )
        """,
        {
            "roles": list(READERS),
            "privileges": list(PRIVILEGES),
            "of_columns": list(OF_COLUMNS),
            "schema": schema,
            "names": list(public),
        },
    ).fetchall()
    asked = {(name, EXPERTS, "SELECT") for name in public}
    asked |= {(name, EVERYONE, "SELECT") for name, everyone in public.items() if everyone}
    for name, role, privilege in sorted(asked - set(found)):
        yield f"{schema}.{name}: expected {privilege} for {role}, found no such right"
    for name, role, privilege in sorted(set(found) - asked):
        yield f"{schema}.{name}: expected no {privilege} for {role}, found this right"
    others = con.execute(
        """
        SELECT DISTINCT relname::text, CASE grantee WHEN 0 THEN 'PUBLIC'
            ELSE pg_get_userbyid(grantee) END
        FROM pg_class AS c
        LEFT JOIN pg_attribute ON attrelid = c.oid
        CROSS JOIN LATERAL (
            SELECT grantee FROM aclexplode(relacl) UNION SELECT grantee FROM aclexplode(attacl)
        ) AS entry
        WHERE relnamespace = %s::regnamespace AND relname = ANY (%s) AND grantee <> relowner
            AND (grantee = 0 OR NOT pg_get_userbyid(grantee) = ANY (%s))
        ORDER BY 1, 2
        """,
        [schema, list(public), list(READERS)],
    ).fetchall()
    for name, role in others:
        yield (
            f"{schema}.{name}: expected rights for {' and '.join(READERS)} alone, found some of "
            f"{role}"
        )


def _outside(con: "psycopg.Connection") -> Iterator[str]:
    """Say which rights the readers' roles have beside SELECT in `pub`."""
    found = con.execute(
        """
        SELECT role, what FROM unnest(%(roles)s::text[]) AS role
        CROSS JOIN LATERAL (
            SELECT 'attributes such as SUPERUSER, CREATEDB or CREATEROLE' AS what FROM pg_roles
            WHERE rolname = role AND (rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication
                OR rolbypassrls)
            UNION ALL
            SELECT privilege || ' on the database' FROM unnest(ARRAY['CREATE', 'TEMPORARY'])
                AS privilege WHERE has_database_privilege(role, current_database(), privilege)
            UNION ALL
            SELECT 'CREATE on the schema ' || nspname FROM pg_namespace
            WHERE has_schema_privilege(role, oid, 'CREATE')
            UNION ALL
            SELECT 'USAGE on the schema ' || %(staging)s
            WHERE has_schema_privilege(role, %(staging)s, 'USAGE')
            UNION ALL
            SELECT 'large objects (' || proname || ')' FROM pg_proc
            WHERE pronamespace = 'pg_catalog'::regnamespace
                AND proname IN ('lo_creat', 'lo_create', 'lo_from_bytea')
                AND has_function_privilege(role, oid, 'EXECUTE')
            UNION ALL
            SELECT 'rights on ' || nspname || '.' || relname
            FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = relnamespace
            WHERE nspname NOT IN ('pg_catalog', 'information_schema', %(schema)s, %(staging)s)
                AND relkind IN ('r', 'v', 'm', 'f', 'p')
                AND has_schema_privilege(role, n.oid, 'USAGE')
                AND has_table_privilege(role, c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE')
                AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass
                    AND objid = c.oid AND deptype = 'e')
        ) AS rights
        UNION ALL
        SELECT role, 'no USAGE on the schema ' || %(schema)s
        FROM unnest(%(roles)s::text[]) AS role
        WHERE NOT has_schema_privilege(role, %(schema)s, 'USAGE')
        ORDER BY 1, 2
        """,
        {"roles": list(READERS), "schema": SCHEMA, "staging": STAGING},
    ).fetchall()
    for role, what in found:
        yield f"role {role}: expected SELECT in {SCHEMA} and no more, found {what}"


# --- values


def _read(con: "psycopg.Connection", schema: str, name: str, expected: Expected) -> "pa.Table":
    """Read a relation back as text, and that with the types of the edition."""
    import pyarrow as pa
    from pyarrow import csv

    columns = list(expected.columns)
    shown = ", ".join(
        f"encode(ST_AsBinary({quoted(column)}, 'NDR'), 'hex')"
        if kind == GEOMETRY
        else quoted(column)
        for column, (kind, _) in expected.columns.items()
    )
    query = f"COPY (SELECT {shown} FROM {quoted(schema, name)}) TO STDOUT (FORMAT csv)"
    with con.cursor() as cursor, cursor.copy(query) as copy:
        text = b"".join(copy)
    types = {one.name: one.type for one in expected.rows.schema}
    if not text:
        return pa.table({column: pa.array([], types[column]) for column in columns})
    return csv.read_csv(
        io.BytesIO(text),
        csv.ReadOptions(column_names=columns),
        csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
        csv.ConvertOptions(
            column_types=types,
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            true_values=["t"],
            false_values=["f"],
        ),
    )


def _summaries(engine: "duckdb.DuckDBPyConnection", columns: Sequence[str]) -> tuple[Found, Found]:
    """Return counts and hashes of both sides; the order of rows does not matter."""
    # a JSON array keeps NULL, '' and 'null' apart and the borders between values, too
    line = f"sha256(json_array({quoted_list(columns)})::VARCHAR) AS line"
    found = engine.execute(
        f"""
        SELECT side, count(*), sha256(string_agg(line, '' ORDER BY line))
        FROM (
            SELECT 1 AS side, {line} FROM ours UNION ALL SELECT 2 AS side, {line} FROM theirs
        )
        GROUP BY side
        """
    ).fetchall()
    sides = {side: Found(rows, digest) for side, rows, digest in found}
    return sides.get(1, NOTHING), sides.get(2, NOTHING)
