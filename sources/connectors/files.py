"""Deliveries as files in a folder."""

import hashlib
import time
from collections.abc import Iterable
from pathlib import Path

from sources.contract import Feed

UNFINISHED = (".part", ".tmp", ".filepart", ".crdownload")
"""Endings under which programs write what they will rename when it is complete."""

YOUNG = 5.0
"""Seconds after its last change for which a file may still be growing."""

LOOK = 0.5
"""Seconds between the two looks at a young file."""

CLOCK_TOLERANCE = 300.0
"""Seconds by which a partner's clock may be ahead of ours before it is told."""


def find_files(feed: Feed, roots: Iterable[Path]) -> list[Path]:
    """Return the files of a feed below the given roots, ordered by name.

    A root that does not exist has no files: a partner that sends nothing is no error here.
    """
    found = {path.resolve() for root in roots for path in (root / feed.location).glob(feed.files)}
    return sorted((path for path in found if path.is_file()), key=lambda path: path.name)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes as hexadecimal text."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_unfinished(name: str) -> bool:
    """Return whether a file's name says that it is not complete, or only a program's lock."""
    return name.startswith(("~$", ".~")) or name.casefold().endswith(UNFINISHED)


def is_young(changed: float, now: float) -> bool:
    """Return whether a file that was changed at `changed` (seconds since 1970) may still grow.

    One that was changed in the future may: its clock tells nothing.
    """
    return changed > now - YOUNG


def resting(paths: Iterable[Path]) -> list[Path]:
    """Return those files that nobody is still writing; the others are for next time.

    Left out are unfinished names, and young files that change between two looks, `LOOK` seconds
    apart. Only if there are young files, and once for all of them, this takes that long.
    """
    complete = [path for path in paths if not is_unfinished(path.name)]
    before = {path: _state(path) for path in complete}
    now = time.time()
    young = [path for path, state in before.items() if state and is_young(state[1], now)]
    if young:
        time.sleep(LOOK)
    changed = {path for path in young if _state(path) != before[path]}
    return [path for path in complete if before[path] and path not in changed]


def ahead_of_clock(paths: Iterable[Path]) -> list[Path]:
    """Return the files that were changed in the future: their writer's clock is wrong.

    They may be taken; when they came is told by our own clock.
    """
    latest = time.time() + CLOCK_TOLERANCE
    return [path for path in paths if (state := _state(path)) and state[1] > latest]


def _state(path: Path) -> tuple[int, float] | None:
    """Return size and time of the last change; None if the file has gone meanwhile."""
    try:
        stat = path.stat()
    except FileNotFoundError:
        return None
    return stat.st_size, stat.st_mtime
