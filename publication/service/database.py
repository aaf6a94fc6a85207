"""The database behind the service: its address, and whether it is what the service needs.

Not here: how an edition gets into it. Nothing here writes, and no sentence holds a password.
"""

from collections.abc import Collection
from contextlib import contextmanager
from typing import TYPE_CHECKING

from publication.targets.postgis.declared import EDITIONS, EVERYONE, EXPERTS, SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg

VARIABLE = "SOZIALRAUM_DIENST"
SHOWN = f"{SCHEMA}.{EDITIONS}"
SESSION = "-c default_transaction_read_only=on -c statement_timeout=20000"
PATIENCE = 5  # seconds


def connection(address: str, schema: str = SCHEMA) -> tuple[dict, dict]:
    """Return an address as pygeoapi's `data` and `options`.

    Args:
        address: `postgresql://user:password@host:port/database?sslmode=…`; what stands behind the
            question mark is passed on to the driver.
        schema: where the edition stands.

    Raises:
        ValueError: it is no such address; the sentence does not repeat it.
    """
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(address)
        whole = url.get_backend_name() == "postgresql" and url.host and url.database
    except (ArgumentError, ValueError):
        whole = False
    if not whole or not url.username:
        raise ValueError(
            f"{VARIABLE}: expected an address such as "
            "postgresql://login:password@host:5432/database?sslmode=require, found another text; "
            "write it so, with special characters of the password as %XX"
        )
    data = {
        "host": url.host,
        "port": url.port or 5432,
        "dbname": url.database,
        "user": url.username,
        **({"password": url.password} if url.password else {}),
        "search_path": [schema],
    }
    own = str(url.query.get("options", ""))
    return data, {**dict(url.query), "options": f"{own} {SESSION}".strip()}


def check(address: str, relations: Collection[str]) -> None:
    """Demand a login that may read these relations of the schema, and is nothing more than that.

    Raises:
        ValueError: the database does not answer, the login has other rights than those of the role,
            or a relation is missing or closed to it.
    """
    with _open(address) as con:
        member, more = con.execute(
            """
            SELECT
                coalesce(bool_or(rolname = %(everyone)s), false),
                bool_or(rolsuper OR rolname = %(experts)s OR oid IN (
                    SELECT nspowner FROM pg_namespace WHERE nspname = %(schema)s
                ))
            FROM pg_roles WHERE pg_has_role(oid, 'MEMBER')
            """,
            {"everyone": EVERYONE, "experts": EXPERTS, "schema": SCHEMA},
        ).fetchone()
        if more or not member:
            raise ValueError(
                f"{VARIABLE}: expected a login that is a member of {EVERYONE} and nothing more, "
                f"found {'one with further rights' if more else 'no member'}; make a login for "
                "the service alone"
            )
        readable = {
            name
            for (name,) in con.execute(
                """
                SELECT relname FROM pg_class
                JOIN pg_namespace ON pg_namespace.oid = relnamespace
                WHERE nspname = %s AND has_schema_privilege(nspname, 'USAGE')
                    AND has_table_privilege(pg_class.oid, 'SELECT')
                """,
                [SCHEMA],
            )
        }
        missing = sorted({*relations, EDITIONS} - readable)
        if missing:
            raise ValueError(
                f"{VARIABLE}: expected {', '.join(missing)} in the schema {SCHEMA}, readable for "
                f"{EVERYONE}, found no such; load the edition into this database first"
            )


def shown(address: str) -> str | None:
    """Return the id of the edition that the database shows; None if none was loaded.

    Raises:
        ValueError: the database does not answer, or does not tell.
    """
    with _open(address) as con:
        found = con.execute(f"SELECT edition_id FROM {SHOWN} WHERE aktuell").fetchone()
        return found[0] if found else None


@contextmanager
def _open(address: str) -> "Iterator[psycopg.Connection]":
    import psycopg

    data, options = connection(address)
    search_path = data.pop("search_path")
    try:
        con = psycopg.connect(**data, **{"connect_timeout": PATIENCE, **options})
    except psycopg.OperationalError as error:
        raise ValueError(
            f"{VARIABLE}: expected a database that lets this login in, found none on "
            f"{data['host']}:{data['port']} ({_reason(error)}); start it, or mend the address"
        ) from None
    except psycopg.Error as error:
        raise ValueError(
            f"{VARIABLE}: expected an address whose options PostgreSQL knows, found another "
            f"({type(error).__name__}); mend what stands behind the question mark"
        ) from None
    try:
        with con:
            con.execute("SELECT set_config('search_path', %s, false)", [search_path[0]])
            yield con
    except psycopg.Error as error:
        raise ValueError(
            f"{VARIABLE}: expected a database that shows an edition, found that it refuses to tell "
            f"({type(error).__name__}); load an edition into this database first"
        ) from None


def _reason(error: Exception) -> str:
    """Return what PostgreSQL says, without the address that the driver puts before it."""
    return str(error).strip().splitlines()[-1].rpartition("FATAL:")[2].strip() or "no answer"
