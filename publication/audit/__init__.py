"""The audit of a finished edition: reads every file again and says what is not as declared.

Here belong the checks of the publication gate on files, a module for each form. Not here: how the
files are written; an audit shares declarations, names of files and columns and the definition of
the hash with the writers, which Gebietsstand a level shows (profiles, KomMonitor) and the classes
of legends (profiles), and no other of their steps. Its sentences name files, tables, columns and
counts, never a value of a row.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from publication.audit import (
    bericht,
    catalogue,
    datapackage,
    edition,
    geopackage,
    geoparquet,
    kommonitor,
    profiles,
)
from publication.imprint import Imprint
from publication.material import MANIFEST, Finished
from publication.tables import PublishedTable

FORMS = (geopackage, geoparquet, datapackage, kommonitor, profiles, bericht, catalogue)
"""One module for each form: `names(finished)` its files, `check(finished)` its problems."""


def audit_files(
    folder: Path, tables: Sequence[PublishedTable], previous: Path | None = None
) -> list[str]:
    """Read the finished files of an edition and return what is wrong with them.

    Checked are: the files and their checksums against the manifest, its strings, tables, columns,
    types and rows of `marts.duckdb` and of each Parquet file against the declarations and against
    each other, the content hash, and each form against the marts.

    Args:
        folder: a draft or an edition.
        tables: the declarations with which it was written.
        previous: the folder of the edition before it, to count again what has changed; None: what
            is told of changes is held against this edition alone.

    Returns:
        One sentence for each problem, with the file, what was expected and what was found; an
        empty list if the edition is what was declared. A file that cannot be read is a problem,
        not an exception.
    """
    try:
        manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
        finished = Finished(folder, tuple(tables), manifest, Imprint.of(manifest), previous)
    except (OSError, ValueError, TypeError, AttributeError, KeyError) as error:
        return [f"{MANIFEST}: expected a readable manifest, found {type(error).__name__}"]
    checks: list[tuple[str, Callable[[], Iterator[str]]]] = [
        (MANIFEST, lambda: _declared(finished)),
        *edition.checks(finished),
        *((_name(form), lambda form=form: form.check(finished)) for form in FORMS),
    ]
    return [problem for name, check in checks for problem in _run(name, check)]


def _name(form: object) -> str:
    return form.__name__.rpartition(".")[2]


def _run(name: str, check: Callable[[], Iterator[str]]) -> list[str]:
    try:
        return list(check())
    except Exception as error:
        # whatever a damaged file raises: fail closed, and never pass on a text that may hold values
        return [f"{name}: expected files that can be read, found {type(error).__name__}"]


def _declared(finished: Finished) -> Iterator[str]:
    """Find files that no declaration asks for, even if the manifest lists them."""
    forms = edition.names(finished).union(*(form.names(finished) for form in FORMS))
    for name in sorted(set(finished.manifest.get("files", {})) - forms):
        yield f"{name}: expected only the forms of an edition, found a file that is none"
    for name in sorted(forms - set(finished.manifest.get("files", {}))):
        yield f"{name}: expected among the files of {MANIFEST}, found no such entry"
