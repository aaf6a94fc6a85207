"""A place that holds editions, reached through fsspec: patience, time-outs, and words for troubles.

What is done there stands in `files`; how the two kinds of places differ in `folder` and `sftp`.
"""

import errno
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from hashlib import sha256
from posixpath import join
from typing import IO, Protocol, TypeVar

from publication.targets.errors import TargetDown, TargetError

T = TypeVar("T")

TIMEOUT = 30.0
"""Seconds without an answer after which a server counts as silent."""

LONGEST = 900.0
"""Seconds that one delivery may take in all; what has arrived by then stays."""

TRIES = 4
FIRST_WAIT = 1.0
LONGEST_WAIT = 30.0
CHUNK = 1024 * 1024

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


class Store(Protocol):
    """An fsspec file system with the four things that fsspec has no common words for."""

    def store(self, path: str, chunks: Iterator[bytes]) -> None:
        """Write a file, to the end and onto the disk."""

    def replace(self, old: str, new: str) -> None:
        """Rename atomically, onto whatever file or link has that name."""

    def unlink(self, path: str) -> None:
        """Remove a file, or a link itself."""

    def point(self, link: str, name: str) -> None:
        """Make a relative link."""

    def pointed(self, link: str) -> str | None:
        """Return what a link points to; None if it is no link or not there."""

    def ls(self, path: str, detail: bool = True) -> list[dict]: ...  # noqa: D102
    def info(self, path: str) -> dict: ...  # noqa: D102
    def open(self, path: str, mode: str) -> IO[bytes]: ...  # noqa: D102
    def makedirs(self, path: str, exist_ok: bool = False) -> None: ...  # noqa: D102
    def rmdir(self, path: str) -> None: ...  # noqa: D102


class Passing(OSError):
    """A trouble with words of its own that is tried again, such as other bytes than were sent."""


class Place:
    """A folder somewhere, with a connection that is made when needed and again after it broke."""

    def __init__(
        self,
        connect: Callable[[], Store],
        root: str,
        *,
        refusal: Callable[[BaseException], str | None],
        troubles: tuple[type[Exception], ...],
        close: Callable[[Store], None] = lambda store: None,
        seconds: float = LONGEST,
        tries: int = TRIES,
    ):
        """Say how a place is reached; nothing is connected yet.

        Args:
            connect: makes the connection.
            root: the folder on the other side.
            refusal: what a person has to mend, in words, for an error that no further try changes;
                else None.
            troubles: what passes: the classes of errors that are tried again.
            close: ends a connection.
            seconds: how long everything may take.
            tries: how often each step is tried.
        """
        self._connect, self.root = connect, root
        self._refusal, self._troubles, self._close = refusal, (Passing, *troubles), close
        self._seconds, self._tries = seconds, tries
        self._until = time.monotonic() + seconds
        self._store: Store | None = None

    def at(self, *parts: str) -> str:
        """Return a path below the root."""
        return join(self.root, *parts)

    def patiently(self, work: Callable[[Store], T]) -> T:
        """Do `work` with the place; after what may pass again, each time after a longer wait.

        Raises:
            TargetError: a person has to mend something.
            TargetDown: every try failed, or the time is over.
        """
        from tenacity import Retrying, retry_if_exception, stop_after_attempt
        from tenacity.wait import wait_exponential_jitter

        retrying = Retrying(
            stop=stop_after_attempt(self._tries),
            wait=wait_exponential_jitter(
                multiplier=FIRST_WAIT, max=LONGEST_WAIT, jitter=FIRST_WAIT
            ),
            retry=retry_if_exception(self._passes),
            reraise=True,
        )
        try:
            return retrying(lambda: self._once(work))
        except (TargetError, TargetDown):
            raise
        except self._troubles as error:
            # from None: what libraries say may name the address
            raise self._told(error) from None

    def close(self) -> None:
        """End the connection, if there is one."""
        if self._store is not None:
            with suppress(Exception):
                self._close(self._store)
        self._store = None

    def in_time(self) -> None:
        """Raise TargetDown when the time is over."""
        if time.monotonic() > self._until:
            raise TargetDown(
                f"expected an end within {self._seconds:.0f} s, found more to do; what has arrived "
                "stays there, and the next try goes on with the rest"
            )

    def chunks(self, file: IO[bytes]) -> Iterator[bytes]:
        """Read a file to its end, or until the time is over."""
        while chunk := file.read(CHUNK):
            self.in_time()
            yield chunk

    def digest(self, store: Store, path: str) -> str:
        """Return the SHA-256 of what is stored there."""
        digest = sha256()
        with store.open(path, "rb") as file:
            for chunk in self.chunks(file):
                digest.update(chunk)
        return digest.hexdigest()

    def _once(self, work: Callable[[Store], T]) -> T:
        self.in_time()
        try:
            if self._store is None:
                self._store = self._connect()
            return work(self._store)
        except BaseException:
            self.close()
            raise

    def _passes(self, error: BaseException) -> bool:
        return (
            isinstance(error, self._troubles)
            and not isinstance(error, TargetError | TargetDown)
            and self._refusal(error) is None
        )

    def _told(self, error: Exception) -> TargetError | TargetDown:
        if told := self._refusal(error):
            return TargetError(told)
        if isinstance(error, Passing):
            return TargetDown(str(error))
        kind = type(error).__name__
        number = errno.errorcode.get(getattr(error, "errno", None) or 0)
        return TargetDown(
            f"expected an answer, found none at {self._tries} tries "
            f"({kind}{f', {number}' if number else ''}); the next run tries again"
        )


def size(store: Store, path: str) -> int | None:
    """Return the size of a file in bytes, None if there is none."""
    try:
        return store.info(path)["size"]
    except (FileNotFoundError, NotADirectoryError):
        return None


def kind(store: Store, path: str) -> str | None:
    """Return `link`, `directory` or `file`; None if nothing has that name."""
    if store.pointed(path) is not None:
        return "link"
    try:
        return store.info(path)["type"]
    except (FileNotFoundError, NotADirectoryError):
        return None


def listing(store: Store, folder: str) -> dict[str, int]:
    """Return {relative path: bytes} of all files below a folder, {} if there is none.

    Not fsspec's `find`: it takes a folder that cannot be read for an empty one.
    """
    if kind(store, folder) is None:
        return {}
    found: dict[str, int] = {}
    waiting = [""]
    while waiting:
        below = waiting.pop()
        for entry in store.ls(join(folder, below).rstrip("/"), detail=True):
            name = join(below, entry["name"].rstrip("/").rpartition("/")[2])
            if entry["type"] == "directory" and not entry.get("islink"):
                waiting.append(name)
            else:
                found[name] = entry["size"]
    return found


def clear(store: Store, path: str) -> None:
    """Remove a link, a file, or a folder with all that is in it; nothing there is fine."""
    found = kind(store, path)
    if found is None:
        return
    if found != "directory":
        store.unlink(path)
        return
    for entry in store.ls(path, detail=True):
        clear(store, join(path, entry["name"].rstrip("/").rpartition("/")[2]))
    store.rmdir(path)
