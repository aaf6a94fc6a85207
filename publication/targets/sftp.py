"""A folder on an SFTP server as a place for editions, through fsspec and paramiko.

The address is `sftp://user[:password]@host[:port]/folder?known_hosts=FILE&key=FILE`. A server is
only trusted with the key that `known_hosts` holds for it (without one: the user's own file). A
password also opens the key.
"""

import errno
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from publication.targets.errors import TargetError
from publication.targets.place import LONGEST, TIMEOUT, TRIES, Place, Store

if TYPE_CHECKING:
    from fsspec.implementations.sftp import SFTPFileSystem


class _UnknownHost(Exception):
    """A server whose key known_hosts does not hold."""


def sftp_place(address: str, *, seconds: float = LONGEST, tries: int = TRIES) -> Place:
    """Return a folder on a server as a place; the connection is made when it is needed.

    Args:
        address: see this module.
        seconds: how long everything may take.
        tries: how often each step is tried.

    Raises:
        TargetError: the address is none.
    """
    import paramiko

    try:
        told = urlsplit(address)
        usable = told.scheme == "sftp" and bool(told.hostname) and told.port != 0
    except ValueError:
        usable = False
    root = (unquote(told.path).rstrip("/") or "/") if usable else ""
    if not usable or root == "/":
        raise TargetError(
            "expected sftp://user@host/folder, found another address; correct it, and name a folder"
        )
    return Place(
        lambda: _open(told),
        root,
        refusal=_refusal,
        troubles=(OSError, EOFError, paramiko.SSHException, _UnknownHost),
        close=lambda server: server.client.close(),
        seconds=seconds,
        tries=tries,
    )


def _open(address: SplitResult) -> Store:
    options = {key: values[-1] for key, values in parse_qs(address.query).items()}
    password = unquote(address.password) if address.password else None
    key = options.get("key")
    server = _file_system()(
        address.hostname,
        known_hosts=options.get("known_hosts"),
        port=address.port or 22,
        username=unquote(address.username or ""),
        password=password,
        passphrase=password,
        key_filename=key,
        look_for_keys=key is None and password is None,
        allow_agent=key is None and password is None,
        timeout=TIMEOUT,
        banner_timeout=TIMEOUT,
        auth_timeout=TIMEOUT,
        channel_timeout=TIMEOUT,
        skip_instance_cache=True,
    )
    server.ftp.get_channel().settimeout(TIMEOUT)
    return server


def _file_system() -> type["SFTPFileSystem"]:
    """Return fsspec's SFTP, made to refuse unknown servers, with what a target needs beside."""
    import paramiko
    from fsspec.implementations.sftp import SFTPFileSystem

    class Server(SFTPFileSystem):
        """SFTP with checked host keys: fsspec itself loads none."""

        cachable = False

        def _connect(self) -> None:
            self.client = paramiko.SSHClient()
            try:
                self.client.load_system_host_keys(self.ssh_kwargs.pop("known_hosts"))
                self.client.set_missing_host_key_policy(_Refuse())
                self.client.connect(self.host, **self.ssh_kwargs)
                self.ftp = self.client.open_sftp()
            except BaseException:
                self.client.close()
                raise

        def store(self, path: str, chunks: Iterator[bytes]) -> None:
            with self.ftp.open(path, "wb") as file:
                file.set_pipelined(True)  # many parts on their way; the end waits for all answers
                for chunk in chunks:
                    file.write(chunk)

        def makedirs(self, path: str, exist_ok: bool = False) -> None:
            # not fsspec's: it takes a broken connection for a folder that is not there
            try:
                self.ftp.stat(path)
            except FileNotFoundError:
                self.makedirs(path.rpartition("/")[0], exist_ok=True)
                self.ftp.mkdir(path)

        def replace(self, old: str, new: str) -> None:
            try:
                self.ftp.posix_rename(old, new)
            except OSError:
                if self._is_there(new):
                    raise
                self.ftp.rename(old, new)  # the one that every server knows; it replaces nothing

        def unlink(self, path: str) -> None:
            self.ftp.remove(path)

        def point(self, link: str, name: str) -> None:
            self.ftp.symlink(name, link)

        def pointed(self, link: str) -> str | None:
            from stat import S_ISLNK

            try:
                return self.ftp.readlink(link) if S_ISLNK(self.ftp.lstat(link).st_mode) else None
            except FileNotFoundError:
                return None

        def _is_there(self, path: str) -> bool:
            try:
                self.ftp.lstat(path)
            except FileNotFoundError:
                return False
            return True

    class _Refuse(paramiko.MissingHostKeyPolicy):
        def missing_host_key(self, client, hostname, key) -> None:
            raise _UnknownHost

    return Server


def _refusal(error: BaseException) -> str | None:
    """Return what was found and what to do, for what no further try changes."""
    import paramiko

    for kinds, found, remedy in (
        (
            paramiko.BadHostKeyException,
            "a server whose key is not the one in known_hosts",
            "ask whoever runs it by telephone whether its key was changed, then replace it; until "
            "then it may be another server",
        ),
        (
            _UnknownHost,
            "a server whose key known_hosts does not hold",
            "get the key from whoever runs it and add it to the file known_hosts",
        ),
        (
            paramiko.AuthenticationException,
            "a refused login",
            "check user, key and password with whoever runs the server",
        ),
        (
            (FileNotFoundError, PermissionError),
            f"a folder or key file that is not there or refuses ({type(error).__name__})",
            "check the folder, which must exist, the right to write there, and the files "
            "known_hosts and key",
        ),
    ):
        if isinstance(error, kinds) and getattr(error, "errno", None) != errno.ECONNREFUSED:
            return f"expected a server that takes editions, found {found}; {remedy}"
    return None
