"""The switch: what stands in staging replaces what readers see, in one transaction.

Tables and views of `pub` are kept, since views of the county stand on them: rows are deleted and
inserted (TRUNCATE and rewritten tables would show an old snapshot nothing), columns are added and
never dropped. Only what changes the shape of a relation has to wait for readers, so it comes first.
Not here: staging and its audit.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from publication.tables import literal, quoted, quoted_list
from publication.targets.errors import TargetError
from publication.targets.postgis.connect import naming
from publication.targets.postgis.declared import (
    EDITIONS,
    GEOMETRY_COLUMN,
    GONE,
    LONGEST_NAME,
    READ_BY,
    SCHEMA,
    STAGING,
)
from publication.targets.postgis.load import (
    create_table,
    describe_table,
    describe_view,
    select,
)
from publication.targets.postgis.relations import (
    EDITIONS_TABLE,
    Column,
    Content,
    Shown,
    Table,
    View,
)

if TYPE_CHECKING:
    import psycopg

PROBE = "sichtprobe"


def replace(con: "psycopg.Connection", content: Content, manifest: Mapping) -> None:
    """Replace what `pub` holds by what staging holds; the caller opens and ends the transaction.

    Raises:
        TargetError: a relation of that name is not the publisher's, or a column's values no longer
            fit the type that its readers know.
    """
    for table in (*content.tables, EDITIONS_TABLE):
        _check_own(con, table.name, "r")
    for view in content.views:
        _check_own(con, view.name, "v")
    edition, before = manifest["edition_id"], _relations_before(con)
    for table in content.tables:
        with naming(f"{SCHEMA}.{table.name}"):
            _shape_table(con, table)
    for view in content.views:
        with naming(f"{SCHEMA}.{view.name}"):
            _shape_view(con, view, edition)
    for table in content.tables:
        with naming(f"{SCHEMA}.{table.name}"):
            _fill_table(con, table, edition)
    now = {one.name for one in (*content.tables, *content.views)}
    for name in sorted(before - now):
        with naming(f"{SCHEMA}.{name}"):
            _empty(con, name, edition)
    with naming(f"{SCHEMA}.{EDITIONS}"):
        _record(con, now, manifest)


def columns_of(con: "psycopg.Connection", schema: str, relation: str) -> dict[str, str]:
    """Return {column: type} of a relation, in order; empty if there is none."""
    return dict(
        con.execute(
            "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute "
            "WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
            [quoted(schema, relation)],
        ).fetchall()
    )


def _check_own(con: "psycopg.Connection", name: str, kind: str) -> None:
    found = con.execute(
        "SELECT relkind::text, pg_get_userbyid(relowner), pg_get_userbyid(relowner) = current_user "
        "FROM pg_class WHERE oid = to_regclass(%s)",
        [quoted(SCHEMA, name)],
    ).fetchone()
    if found and (found[0] != kind or not found[2]):
        kinds = {"r": "table", "v": "view", "m": "materialised view", "S": "sequence"}
        raise TargetError(
            f"{SCHEMA}.{name}: expected a {kinds[kind]} of the publisher, found a "
            f"{kinds.get(found[0], 'relation')} of {found[1]}; rename it or move it to a schema of "
            "your own"
        )


def _relations_before(con: "psycopg.Connection") -> set[str]:
    """Return the relations that editions brought; others in `pub` are not ours to touch."""
    if not columns_of(con, SCHEMA, EDITIONS):
        return set()
    rows = con.execute(f"SELECT DISTINCT unnest(bestand) FROM {quoted(SCHEMA, EDITIONS)}")
    return {name for (name,) in rows.fetchall() if columns_of(con, SCHEMA, name)}


def _shape_table(con: "psycopg.Connection", table: Table) -> None:
    """Create a table, or add what it lacks."""
    known = columns_of(con, SCHEMA, table.name)
    if not known:
        con.execute(create_table(SCHEMA, table))
        return
    for column in table.columns:
        if column.name not in known:
            con.execute(
                f"ALTER TABLE {quoted(SCHEMA, table.name)} "
                f"ADD COLUMN {quoted(column.name)} {column.type}"
            )
        elif known[column.name] != column.type:
            _check_fits(con, table.name, column, known[column.name])
    _drop_other_key(con, table)


def _fill_table(con: "psycopg.Connection", table: Table, edition: str) -> None:
    """Replace the rows of a table; columns that the edition no longer has become empty."""
    name, known = quoted(SCHEMA, table.name), columns_of(con, SCHEMA, table.name)
    ours = [column.name for column in table.columns]
    values = ", ".join(f"{quoted(column)}::{known[column]}" for column in ours)
    con.execute(f"DELETE FROM {name}")
    con.execute(
        f"INSERT INTO {name} ({quoted_list(ours)}) "
        f"SELECT {values} FROM {quoted(STAGING, table.name)}"
    )
    if table.key and not _key(con, table.name):
        con.execute(f"ALTER TABLE {name} ADD PRIMARY KEY ({quoted_list(table.key)})")
    _index(con, table)
    con.execute(describe_table(SCHEMA, table))
    _tell_gone(con, table.name, known.keys() - set(ours), edition)


def _check_fits(con: "psycopg.Connection", table: str, column: Column, known: str) -> None:
    """Demand that values survive in the type that `pub` has: changing it would break views."""
    import psycopg

    value = quoted(column.name)
    try:
        with con.transaction():
            (lost,) = con.execute(
                f"SELECT count(*) FROM {quoted(STAGING, table)} "
                f"WHERE {value}::{known}::{column.type} IS DISTINCT FROM {value}"
            ).fetchone()
    except psycopg.DataError:
        lost = "some"
    except psycopg.ProgrammingError:
        lost = "all"
    if lost:
        raise TargetError(
            f"{SCHEMA}.{table}.{column.name}: expected values that fit the type {known}, which its "
            f"readers know, found {lost} of the type {column.type} that do not; note the views on "
            f"{SCHEMA}.{table}, DROP TABLE {quoted(SCHEMA, table)} CASCADE as its owner, load "
            "again and create the views anew"
        )


def _key(con: "psycopg.Connection", table: str) -> tuple[str, tuple[str, ...]] | None:
    """Return name and columns of a table's primary key."""
    found = con.execute(
        "SELECT conname, array(SELECT attname::text FROM unnest(conkey) WITH ORDINALITY AS k(n, i) "
        "JOIN pg_attribute ON attrelid = conrelid AND attnum = n ORDER BY i) "
        "FROM pg_constraint WHERE conrelid = to_regclass(%s) AND contype = 'p'",
        [quoted(SCHEMA, table)],
    ).fetchone()
    return (found[0], tuple(found[1])) if found else None


def _drop_other_key(con: "psycopg.Connection", table: Table) -> None:
    key = _key(con, table.name)
    if key and key[1] != table.key:
        name = quoted(SCHEMA, table.name)
        con.execute(f"ALTER TABLE {name} DROP CONSTRAINT {quoted(key[0])}")
        for column in set(key[1]) - set(table.key):
            con.execute(f"ALTER TABLE {name} ALTER COLUMN {quoted(column)} DROP NOT NULL")


def _index(con: "psycopg.Connection", table: Table) -> None:
    names = [column.name for column in table.columns]
    wanted = {name: "btree" for name in READ_BY if name in names and table.key[:1] != (name,)}
    if GEOMETRY_COLUMN in names:
        wanted = {GEOMETRY_COLUMN: "gist"}
    for column, method in wanted.items():
        ending = f"_{column}_idx"
        index = table.name[: LONGEST_NAME - len(ending)] + ending
        con.execute(
            f"CREATE INDEX IF NOT EXISTS {quoted(index)} ON {quoted(SCHEMA, table.name)} "
            f"USING {method} ({quoted(column)})"
        )


def _shape_view(con: "psycopg.Connection", view: View, edition: str) -> None:
    """Create or widen a view; a column that it no longer shows stays, and is empty."""
    known = columns_of(con, SCHEMA, view.name)
    shown = {column.name: column for column in view.columns}
    kept = [shown.get(name) or _nothing(name, kind) for name, kind in known.items()]
    added = [column for column in view.columns if column.name not in known]
    _define(con, view.name, select(SCHEMA, view, (*kept, *added)))
    con.execute(describe_view(SCHEMA, view))
    _tell_gone(con, view.name, known.keys() - shown.keys(), edition, "VIEW")


def _define(con: "psycopg.Connection", view: str, query: str) -> None:
    """Define a view if it is not so already: a new definition waits for every open reader."""
    name, probe = quoted(SCHEMA, view), quoted(STAGING, PROBE)
    con.execute(f"CREATE VIEW {probe} AS {query}")
    (same,) = con.execute(
        "SELECT coalesce(pg_get_viewdef(to_regclass(%s)) = pg_get_viewdef(to_regclass(%s)), false)",
        [name, probe],
    ).fetchone()
    con.execute(f"DROP VIEW {probe}")
    if not same:
        con.execute(f"CREATE OR REPLACE VIEW {name} AS {query}")


def _nothing(name: str, kind: str) -> Shown:
    return Shown(name, f"NULL::{kind}", "")


def _empty(con: "psycopg.Connection", name: str, edition: str) -> None:
    """Empty a relation that the edition no longer has."""
    columns = columns_of(con, SCHEMA, name)
    (kind,) = con.execute(
        "SELECT relkind::text FROM pg_class WHERE oid = to_regclass(%s)", [quoted(SCHEMA, name)]
    ).fetchone()
    if kind == "v":
        nothing = ", ".join(f"NULL::{kind} AS {quoted(name)}" for name, kind in columns.items())
        _define(con, name, f"SELECT {nothing} WHERE false")
    else:
        con.execute(f"DELETE FROM {quoted(SCHEMA, name)}")
    what = "VIEW" if kind == "v" else "TABLE"
    _comment(con, f"{what} {quoted(SCHEMA, name)}", f"obj_description({_oid(name)})", edition)


def _tell_gone(
    con: "psycopg.Connection", relation: str, columns: set[str], edition: str, what: str = "TABLE"
) -> None:
    for column in sorted(columns):
        told = (
            f"(SELECT col_description(attrelid, attnum) FROM pg_attribute "
            f"WHERE attrelid = {_oid(relation)} AND attname = {literal(column)})"
        )
        _comment(con, f"COLUMN {quoted(SCHEMA, relation, column)}", told, edition)


def _oid(relation: str) -> str:
    return f"to_regclass({literal(quoted(SCHEMA, relation))})"


def _comment(con: "psycopg.Connection", what: str, told: str, edition: str) -> None:
    """Say since which edition something is empty, once."""
    (text,) = con.execute(f"SELECT coalesce({told}, '')").fetchone()
    if not text.startswith(GONE):
        comment = f"{GONE} seit der Ausgabe {edition}; bleibt leer, bis sie wiederkommt."
        con.execute(f"COMMENT ON {what} IS {literal(comment)}")


def _record(con: "psycopg.Connection", relations: Sequence[str], manifest: Mapping) -> None:
    name = quoted(SCHEMA, EDITIONS)
    if not columns_of(con, SCHEMA, EDITIONS):
        con.execute(create_table(SCHEMA, EDITIONS_TABLE))
    con.execute(describe_table(SCHEMA, EDITIONS_TABLE))
    con.execute(f"UPDATE {name} SET aktuell = false WHERE aktuell")
    con.execute(
        f"INSERT INTO {name} VALUES "
        "(%(edition_id)s, %(kind)s, %(region)s, %(created_at)s, now(), %(content_hash)s, true, "
        "%(relations)s) "
        "ON CONFLICT (edition_id) DO UPDATE SET geladen_am = excluded.geladen_am, "
        "content_hash = excluded.content_hash, aktuell = true, bestand = excluded.bestand",
        {
            **{
                key: manifest.get(key)
                for key in ("edition_id", "kind", "region", "created_at", "content_hash")
            },
            "relations": sorted(relations),
        },
    )
