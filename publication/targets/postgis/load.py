"""The staging schema: an edition's tables and views beside `pub`, where no reader looks.

Here belong the statements that create and fill relations, for `pub` as for staging. Not here: the
audit of the result and the switch.
"""

import io
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from publication.tables import literal, quoted, quoted_list
from publication.targets.postgis.connect import naming
from publication.targets.postgis.declared import EVERYONE, EXPERTS, STAGING
from publication.targets.postgis.relations import Content, Shown, Table, View

if TYPE_CHECKING:
    import psycopg
    import pyarrow as pa

BATCH = 50_000
"""Rows that are sent at a time."""


def stage(con: "psycopg.Connection", content: Content) -> None:
    """Build everything in the staging schema, each relation with its rights and comments."""
    clear(con)
    with con.transaction():
        for table in content.tables:
            with naming(f"{STAGING}.{table.name}"):
                con.execute(create_table(STAGING, table))
                con.execute(describe_table(STAGING, table))
                _fill(con, table)
                con.execute(f"ANALYZE {quoted(STAGING, table.name)}")
        for view in content.views:
            with naming(f"{STAGING}.{view.name}"):
                con.execute(f"CREATE VIEW {quoted(STAGING, view.name)} AS {select(STAGING, view)}")
                con.execute(describe_view(STAGING, view))


def clear(con: "psycopg.Connection") -> None:
    """Drop everything in the staging schema; the schema stays, it is the administrator's."""
    kinds = {"r": "TABLE", "p": "TABLE", "v": "VIEW", "m": "MATERIALIZED VIEW", "S": "SEQUENCE"}
    with con.transaction():
        found = con.execute(
            "SELECT relname, relkind::text FROM pg_class "
            f"WHERE relnamespace = {literal(STAGING)}::regnamespace"
        ).fetchall()
        for name, kind in found:
            if kind in kinds:
                con.execute(f"DROP {kinds[kind]} IF EXISTS {quoted(STAGING, name)} CASCADE")


def create_table(schema: str, table: Table) -> str:
    """Return the SQL that creates a table with its key."""
    columns = [f"{quoted(column.name)} {column.type}" for column in table.columns]
    key = [f"PRIMARY KEY ({quoted_list(table.key)})"] if table.key else []
    return f"CREATE TABLE {quoted(schema, table.name)} ({', '.join([*columns, *key])})"


def describe_table(schema: str, table: Table) -> str:
    """Return the SQL of a table's comments and rights."""
    name = quoted(schema, table.name)
    readers = (EXPERTS, EVERYONE) if table.public else (EXPERTS,)
    return ";".join(
        [
            f"COMMENT ON TABLE {name} IS {literal(table.comment)}",
            *_column_comments(name, table.columns),
            f"GRANT SELECT ON {name} TO {quoted_list(readers)}",
        ]
    )


def describe_view(schema: str, view: View) -> str:
    """Return the SQL of a view's comments and rights."""
    name = quoted(schema, view.name)
    return ";".join(
        [
            f"COMMENT ON VIEW {name} IS {literal(view.comment)}",
            *_column_comments(name, view.columns),
            f"GRANT SELECT ON {name} TO {quoted_list((EXPERTS, EVERYONE))}",
        ]
    )


def select(schema: str, view: View, columns: Sequence[Shown] = ()) -> str:
    """Return the SELECT of a view; `columns` in place of its own."""
    shown = ", ".join(
        f"{column.sql} AS {quoted(column.name)}" for column in columns or view.columns
    )
    return f"SELECT {shown} FROM {view.source.format(schema=quoted(schema))}"


def _column_comments(relation: str, columns: Sequence) -> Iterator[str]:
    for column in columns:
        text = literal(column.comment)
        yield f"COMMENT ON COLUMN {relation}.{quoted(column.name)} IS {text}"


def _fill(con: "psycopg.Connection", table: Table) -> None:
    names = quoted_list(column.name for column in table.columns)
    copy_in = f"COPY {quoted(STAGING, table.name)} ({names}) FROM STDIN (FORMAT csv)"
    with con.cursor() as cursor, cursor.copy(copy_in) as copy:
        for batch in table.rows.to_batches(max_chunksize=BATCH):
            copy.write(_csv(batch))


def _csv(batch: "pa.RecordBatch") -> bytes:
    """Return rows as PostgreSQL reads them: texts in quotes, NULL without."""
    from pyarrow import csv

    sink = io.BytesIO()
    csv.write_csv(batch, sink, csv.WriteOptions(include_header=False))
    return sink.getvalue()
