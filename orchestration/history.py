"""How Dagster's history is written: without waiting for the disk at each of its events.

Dagster opens a connection to its SQLite files for each event and closes it again. Each commit then
waits for the disk, and each last close writes the log back into the file and deletes it. Here the
log is synced when it is written back, and an idle connection to each file keeps it from being
written back at each event. A process that is killed loses nothing; a machine that loses its power
may lose the last events of a run, which has to be repeated anyway.
See https://www.sqlite.org/pragma.html#pragma_synchronous and https://www.sqlite.org/wal.html.
"""

import sqlite3
from functools import cache, lru_cache
from pathlib import Path

OPEN_FILES = 8
"""How many files are kept open: those of the run that writes, and no long row of past ones."""


@cache
def write_history_fast(folder: Path) -> None:
    """Let all later connections of this process to SQLite files below a folder behave so."""
    from sqlalchemy import Engine, event

    def on_connect(connection, _record) -> None:
        if not isinstance(connection, sqlite3.Connection):
            return
        (_, _, file) = connection.execute("pragma database_list").fetchone()
        if file and Path(file).is_relative_to(folder):
            connection.execute("pragma synchronous = normal")
            _kept_open(file)

    event.listen(Engine, "connect", on_connect)


@lru_cache(maxsize=OPEN_FILES)
def _kept_open(file: str) -> sqlite3.Connection:
    connection = sqlite3.connect(file, check_same_thread=False)
    connection.execute("select count(*) from sqlite_master").fetchone()
    return connection
