"""The connection to PostGIS: bounded in time, of the right role, and its errors in our words.

Not here: what is written. PostgreSQL's own texts may hold values, hosts or addresses; of them only
those are passed on that name objects and rights.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from publication.tables import literal, quoted
from publication.targets.errors import TargetDown, TargetError
from publication.targets.postgis.declared import READERS, SCHEMA, SRID, STAGING

if TYPE_CHECKING:
    import psycopg

CONNECT_SECONDS = 10
STATEMENT_SECONDS = 600
LOCK_SECONDS = 60
"""How long readers may hold up a switch that changes the shape of a relation."""
LOCK_MILLISECONDS = 500
"""How long one try of it waits, and with it new readers: less than the server's deadlock_timeout of
1 s, after which it would end a reader's transaction with an error."""
QUEUE_SECONDS = 600
"""How long one load waits for another."""

LOAD_LOCK = 0x536F7A52  # any number that no other program of the database uses: "SozR"

SETUP = "let an administrator run the SQL that `sozialraum ziel-sql` prints"

# SQLSTATE classes and codes that pass: no connection, no room, shutdown, deadlocks and time-outs
PASSING = ("08", "53", "57", "58", "40")
LOCKED = "55P03"
# data and integrity: the server's text quotes values
TELLING_VALUES = ("22", "23")
REFUSED_LOGIN = {
    "password authentication failed": "a refused password",
    "no password supplied": "no password in the address",
    "no pg_hba.conf entry": "a server that does not admit this role from here",
    "is not permitted to log in": "a role without LOGIN",
    "permission denied for database": "a role that may not connect to this database",
    "role ": "no such role",
    "database ": "no such database",
}
"""Words of the server, which gives no code here → what they mean; the first that fits counts."""


class Held(TargetDown):
    """A relation is held by others for now."""


@contextmanager
def connected(address: str) -> "Iterator[psycopg.Connection]":
    """Open a connection of its own; whatever goes wrong inside is told in our words.

    Raises:
        TargetError: the address is none, the login is refused, or the server refuses a statement.
        TargetDown: the server does not answer, goes away or is busy.
    """
    import psycopg

    arguments = _arguments(address)
    with naming("PostGIS"):
        try:
            con = psycopg.connect(**arguments, autocommit=True)
        except psycopg.OperationalError as error:
            raise _not_connected(error) from None
        try:
            con.execute(f"SET statement_timeout = '{STATEMENT_SECONDS}s'")
            con.execute(f"SET lock_timeout = '{LOCK_SECONDS}s'")
            con.execute("SET standard_conforming_strings = on")
            yield con
        finally:
            con.close()


@contextmanager
def naming(name: str) -> Iterator[None]:
    """Translate the driver's errors; they are told as those of `name`."""
    import psycopg

    try:
        yield
    except psycopg.Error as error:
        raise _translated(name, error) from None


@contextmanager
def alone(con: "psycopg.Connection") -> Iterator[None]:
    """Hold the lock of all loads into this database; a second load waits for the first."""
    import psycopg

    con.execute(f"SET lock_timeout = '{QUEUE_SECONDS}s'")
    try:
        con.execute("SELECT pg_advisory_lock(%s)", [LOAD_LOCK])
    except (psycopg.errors.LockNotAvailable, psycopg.errors.QueryCanceled):
        raise TargetDown(
            f"PostGIS: expected other loads to end within {QUEUE_SECONDS} s, found one that still "
            "runs; try again, or look for it in pg_locks (locktype advisory)"
        ) from None
    con.execute(f"SET lock_timeout = '{LOCK_SECONDS}s'")
    try:
        yield
    finally:
        if not con.broken:
            con.execute("SELECT pg_advisory_unlock(%s)", [LOAD_LOCK])


def patiently(con: "psycopg.Connection", transaction: Callable[[], None]) -> None:
    """Run a transaction, again and again as long as readers hold what it changes.

    Raises:
        TargetDown: they hold it longer than `LOCK_SECONDS`.
    """
    end = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            with con.transaction():
                con.execute(f"SET LOCAL lock_timeout = {LOCK_MILLISECONDS}")
                transaction()
            return
        except Held as held:
            if time.monotonic() > end:
                raise TargetDown(
                    f"{held} (for {LOCK_SECONDS} s; pg_stat_activity tells whose transaction is "
                    "open)"
                ) from None
            time.sleep(LOCK_MILLISECONDS / 1000)


def prepare(con: "psycopg.Connection") -> None:
    """Demand the place that the set-up makes, and look for PostGIS' types and functions there.

    Raises:
        TargetError: the role is a superuser or does not own the schemas, PostGIS or EPSG:25832 is
            missing, or a role of readers does not exist.
    """
    user, superuser = con.execute(
        "SELECT rolname, rolsuper FROM pg_roles WHERE rolname = current_user"
    ).fetchone()
    if superuser:
        raise TargetError(
            f"role {user}: expected a role that owns the schema {SCHEMA} and no more, found a "
            f"superuser; connect as sozialraum_publisher ({SETUP} first)"
        )
    owners = dict(
        con.execute(
            "SELECT nspname, pg_get_userbyid(nspowner) FROM pg_namespace "
            f"WHERE nspname IN ({literal(SCHEMA)}, {literal(STAGING)})"
        ).fetchall()
    )
    for schema in (SCHEMA, STAGING):
        if owners.get(schema) != user:
            raise TargetError(
                f"schema {schema}: expected {user} as its owner, found "
                f"{owners.get(schema, 'no such schema')}; {SETUP}"
            )
    missing = set(READERS) - {
        name for (name,) in con.execute("SELECT rolname FROM pg_roles").fetchall()
    }
    if missing:
        raise TargetError(
            f"roles: expected {', '.join(READERS)}, found no {', '.join(sorted(missing))}; {SETUP}"
        )
    _find_postgis(con)


def _find_postgis(con: "psycopg.Connection") -> None:
    found = con.execute(
        "SELECT nspname FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace "
        "WHERE extname = 'postgis'"
    ).fetchone()
    if found is None:
        raise TargetError(
            f"database: expected the extension postgis, found none; install it, and {SETUP}"
        )
    con.execute(f"SET search_path = pg_catalog, {quoted(found[0])}")
    known = con.execute("SELECT FROM spatial_ref_sys WHERE srid = %s", [SRID]).fetchone()
    if known is None:
        raise TargetError(
            f"spatial_ref_sys: expected EPSG:{SRID}, found no such entry; "
            "let an administrator restore PostGIS' own rows of it"
        )


def _arguments(address: str) -> dict:
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(address)
    except (ArgumentError, ValueError):
        url = None
    if url is None or url.drivername not in ("postgresql", "postgresql+psycopg"):
        raise TargetError(
            "address of PostGIS: expected postgresql://role:password@host:port/database, found "
            "another form; write reserved characters of the password as %XX"
        )
    return {
        "connect_timeout": CONNECT_SECONDS,
        "application_name": "sozialraum",
        **url.query,
        **url.translate_connect_args(username="user", database="dbname"),
        "client_encoding": "utf8",
    }


def _not_connected(error: Exception) -> Exception:
    text = str(error)
    if "FATAL" in text:  # the server answered, and refused
        for words, found in REFUSED_LOGIN.items():
            if words in text:
                return TargetError(
                    f"PostGIS: expected to log in, found {found}; mend the address, or {SETUP}"
                )
        return TargetDown(
            "PostGIS: expected to log in, found a server that refuses for now; try again, and if "
            "it stays so, look into the server's log"
        )
    return TargetDown(
        "PostGIS: expected a server that answers, found none that accepts connections; "
        "start it or mend host and port of the address"
    )


def _translated(name: str, error: "psycopg.Error") -> Exception:
    from psycopg import InterfaceError, OperationalError

    state, kind, diag = error.sqlstate, type(error).__name__, error.diag
    parts = (diag.schema_name, diag.table_name, diag.column_name)
    where = ".".join(part for part in parts if part) or name
    if state == LOCKED:
        return Held(f"{where}: expected readers to let go of it, found it held; try again")
    if state is None and isinstance(error, OperationalError | InterfaceError):
        return TargetDown(f"{where}: expected the connection to last, found it broken; try again")
    if state and state.startswith(PASSING):
        return TargetDown(
            f"{where}: expected the server to finish, found {kind} ({state}); try again"
        )
    told = kind if state is None else f"{kind} ({state})"
    if state and not state.startswith(TELLING_VALUES):
        told = f"{told}, {diag.message_primary}"
    return TargetError(
        f"{where}: expected the server to take the edition, found {told}; mend what it names, or "
        f"{SETUP}"
    )
