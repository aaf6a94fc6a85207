"""Deliveries as files in a folder."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from sources.contract import Feed


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
