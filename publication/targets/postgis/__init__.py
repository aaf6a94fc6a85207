"""PostGIS as a target: schema `pub` shows the newest edition, switched in one transaction.

`publish` loads an edition into the staging schema (`load`), reads it back and compares it with the
edition's files (`audit`), and only then replaces what readers see (`switch`). `setup_sql` is what
an administrator runs once before. Not here: retries and when it happens (orchestration).
"""

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from publication.material import MANIFEST
from publication.tables import PublishedTable, quoted, widened
from publication.targets.errors import TargetError
from publication.targets.postgis import audit, load, switch
from publication.targets.postgis.audit import Expected, Found
from publication.targets.postgis.connect import alone, connected, patiently, prepare
from publication.targets.postgis.declared import EDITIONS, SCHEMA, STAGING
from publication.targets.postgis.relations import Content, read_content
from publication.targets.postgis.setup import setup_sql

if TYPE_CHECKING:
    import psycopg

__all__ = ["PostgisFacts", "publish", "setup_sql"]

TOLD = 5
"""How many problems an error names."""


@dataclass(frozen=True)
class PostgisFacts:
    """What a load did.

    Attributes:
        edition: its id.
        tables: what was read back of each table, layer and view: rows, and a hash of all values.
        seconds: how long it took.
        replaced: False if this edition stood there already, and nothing was changed.
    """

    edition: str
    tables: Mapping[str, Found]
    seconds: float
    replaced: bool


def publish(
    folder: Path,
    tables: Sequence[PublishedTable],
    address: str,
    further: Callable[[str], Iterable[str]] = lambda schema: (),
) -> PostgisFacts:
    """Show a finished edition in the schema `pub` of a PostGIS database.

    Readers see the edition before or this one, whole. Whatever fails, they see what they saw. The
    same edition again is read back, and nothing is changed if it still stands there.

    Args:
        folder: a finished edition; nothing else is read.
        tables: the declarations with which it was written.
        address: `postgresql://role:password@host:port/database`; the role owns `pub`.
        further: what else has to hold before the switch, such as an API over the staging schema,
            whose name it is given; it returns problems, and sees what the address's role sees.

    Raises:
        TargetError: the database, its roles or its rights are not as `setup_sql` makes them, the
            edition does not fit, or what was read back is not the edition.
        TargetDown: the server does not answer or is busy; the same call may succeed later.
    """
    begin = time.monotonic()
    manifest = _read_manifest(folder, tables)
    with connected(address) as con:
        prepare(con)
        expected = audit.expectations(folder, tables)
        with alone(con):
            found = _still_there(con, expected, manifest)
            replaced = found is None
            if found is None:
                found = _load(con, read_content(folder, tables), expected, manifest, further)
    return PostgisFacts(manifest["edition_id"], found, time.monotonic() - begin, replaced)


def _read_manifest(folder: Path, tables: Sequence[PublishedTable]) -> dict:
    manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
    declared, listed = {table.name for table in tables}, set(manifest["tables"])
    if declared != listed:
        raise TargetError(
            f"{MANIFEST}: expected the declared tables, found {len(listed - declared)} undeclared "
            f"and {len(declared - listed)} missing ({', '.join(sorted(listed ^ declared))}); load "
            "an edition with the declarations with which it was written"
        )
    if wider := widened(tables, manifest):
        raise TargetError(
            f"{MANIFEST}: expected columns for everyone as when the edition was published, found "
            f"more today: {', '.join(wider[:5])}; publish a new edition"
        )
    return manifest


def _still_there(
    con: "psycopg.Connection", expected: Mapping[str, Expected], manifest: Mapping
) -> dict[str, Found] | None:
    """Return what `pub` holds if it is this edition, whole and unchanged."""
    if not switch.columns_of(con, SCHEMA, EDITIONS):
        return None
    same = con.execute(
        f"SELECT FROM {quoted(SCHEMA, EDITIONS)} "
        "WHERE aktuell AND edition_id = %s AND content_hash = %s",
        [manifest["edition_id"], manifest["content_hash"]],
    ).fetchone()
    if same is None or any(audit.structure(con, SCHEMA, expected)):
        return None
    problems, found = audit.values(con, SCHEMA, expected)
    return None if problems else found


def _load(
    con: "psycopg.Connection",
    content: Content,
    expected: Mapping[str, Expected],
    manifest: Mapping,
    further: Callable[[str], Iterable[str]],
) -> dict[str, Found]:
    import psycopg

    try:
        load.stage(con, content)
        problems, found = audit.values(con, STAGING, expected)
        _demand([*audit.structure(con, STAGING, expected), *problems, *further(STAGING)])

        def replace() -> None:
            switch.replace(con, content, manifest)
            _demand(audit.structure(con, SCHEMA, expected))

        patiently(con, replace)
    finally:
        with suppress(psycopg.Error):  # a connection that broke: the next load clears first
            load.clear(con)
    with suppress(psycopg.Error):  # else the server does it later by itself
        for table in content.tables:
            con.execute(f"VACUUM (ANALYZE, TRUNCATE false) {quoted(SCHEMA, table.name)}")
    return found


def _demand(problems: Iterable[str]) -> None:
    told = list(problems)
    if told:
        more = f"; and {len(told) - TOLD} more" if len(told) > TOLD else ""
        raise TargetError(
            "PostGIS: expected what the edition holds, found otherwise; readers keep the edition "
            f"before. {'; '.join(told[:TOLD])}{more}"
        )
