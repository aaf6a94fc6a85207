"""A folder of this machine as a place for editions: a share that is mounted, or a disk."""

import errno
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from publication.targets.errors import TargetError
from publication.targets.place import FULL, LONGEST, TRIES, Place, Store

if TYPE_CHECKING:
    from fsspec.implementations.local import LocalFileSystem

ACCESS = 0o777
ENTER = 0o111


def folder_place(
    address: str, *, home: Path, seconds: float = LONGEST, tries: int = TRIES
) -> Place:
    """Return a folder as a place.

    Args:
        address: an absolute path, or a `file://` address.
        home: everything below it belongs to the warehouse and is no target.
        seconds: how long everything may take.
        tries: how often each step is tried.

    Raises:
        TargetError: the folder is not there (a share that is not mounted must not be filled),
            or lies inside the home.
    """
    root = Path(unquote(urlsplit(address).path) if address.startswith("file://") else address)
    if not root.is_absolute():
        raise TargetError("expected an absolute path, found another address; write /… in full")
    try:
        found = root.resolve(strict=True)
        usable = found.is_dir()
    except (OSError, RuntimeError):
        usable = False
    if not usable:
        raise TargetError(
            "expected a folder that exists, found none; mount the share, or make the folder"
        )
    if found.is_relative_to(home.resolve()):
        raise TargetError(
            "expected a folder outside SOZIALRAUM_HOME, found one inside; choose another one"
        )
    return Place(
        lambda: _open(found),
        found.as_posix(),
        refusal=_refusal,
        troubles=(OSError,),
        seconds=seconds,
        tries=tries,
    )


def _open(root: Path) -> Store:
    return _file_system()(root, skip_instance_cache=True)


def _file_system() -> type["LocalFileSystem"]:
    """Return fsspec's local files, with what a target needs beside."""
    from fsspec.implementations.local import LocalFileSystem

    class Folder(LocalFileSystem):
        """Local files that whoever may read the root may read."""

        def __init__(self, root: Path, **options):
            super().__init__(**options)
            self.access = root.stat().st_mode & ACCESS

        def store(self, path: str, chunks: Iterator[bytes]) -> None:
            with Path(path).open("wb") as file:
                for chunk in chunks:
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            self._as_root(path, self.access & ~ENTER)

        def makedirs(self, path: str, exist_ok: bool = False) -> None:
            missing = []
            folder = Path(path)
            while not folder.exists():
                missing.append(folder)
                folder = folder.parent
            super().makedirs(path, exist_ok=exist_ok)
            for one in missing:
                self._as_root(one, self.access)

        def replace(self, old: str, new: str) -> None:
            Path(old).replace(new)

        def unlink(self, path: str) -> None:
            Path(path).unlink()

        def point(self, link: str, name: str) -> None:
            Path(link).symlink_to(name)

        def pointed(self, link: str) -> str | None:
            try:
                return str(Path(link).readlink())
            except OSError as error:
                if error.errno in (errno.EINVAL, errno.ENOENT, errno.ENOTDIR):
                    return None
                raise

        def _as_root(self, path: str | Path, mode: int) -> None:
            # the run's own umask keeps others out; shares that know no modes are left as they are
            with suppress(OSError):
                Path(path).chmod(mode)

    return Folder


def _refusal(error: BaseException) -> str | None:
    number = getattr(error, "errno", None)
    if number in FULL:
        return (
            f"expected room to write, found none ({errno.errorcode[number]}); make room, or mount "
            "the share for writing"
        )
    if isinstance(error, PermissionError):
        return (
            "expected the right to write, found that it is refused; give it to the account that "
            "runs the warehouse, or close the programs that keep files of `aktuell` open"
        )
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return "expected a folder that stays, found it gone; mount the share again"
    return None
