"""Read the next large file while the one before is judged: a core for each.

Which files there are and what becomes of them is `landing.py`.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Generic, TypeVar

Table = TypeVar("Table")
Key = tuple[Path, str]

LARGE = 2_000_000
"""Bytes from which reading ahead is worth a thread."""


class ReadAhead(Generic[Table]):
    """Reads files in a given order, never more than one ahead: two large tables fit in memory."""

    def __init__(self, read: Callable[[Path, str], Table], files: Sequence[Key]):
        """Plan to read `files` (path, name), in this order."""
        self._read = read
        self._planned = [key for key in files if key[0].stat().st_size >= LARGE]
        self._pool = ThreadPoolExecutor(max_workers=1) if len(self._planned) > 1 else None
        self._coming: tuple[Key, Future[Table]] | None = None

    def table(self, path: Path, name: str) -> Table:
        """Return a file's table, and begin with the next one.

        Raises:
            Exception: whatever reading raises.
        """
        key = (path, name)
        coming, self._coming = self._coming, None
        table = coming[1].result() if coming and coming[0] == key else self._read(path, name)
        self._begin_after(key)
        return table

    def close(self) -> None:
        """End the thread."""
        if self._pool:
            self._pool.shutdown(cancel_futures=True)

    def _begin_after(self, key: Key) -> None:
        if self._pool is None or key not in self._planned:
            return
        later = self._planned[self._planned.index(key) + 1 :]
        if later:
            self._coming = (later[0], self._pool.submit(self._read, *later[0]))
