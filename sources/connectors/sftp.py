"""Partners' files on an SFTP server, through fsspec and paramiko.

The address is `sftp://user[:password]@host[:port]/folder?known_hosts=FILE&key=FILE`; `abfrage` is a
pattern of paths below the folder. A server is only trusted with the key that `known_hosts` holds
for it (without one: the user's own file). A password also opens the key.

A download that breaks off goes on where it ended, at the next try or the next pull: its part in
the inbox carries size and time of the file it belongs to.
"""

import re
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from glob import escape
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import parse_qs, unquote, urlsplit

from sources.connectors import files, retry
from sources.connectors.pull import Pulled, Request, is_plain_name
from sources.errors import DeliveryError

if TYPE_CHECKING:
    from fsspec.implementations.sftp import SFTPFileSystem

T = TypeVar("T")

CHUNK = 256 * 1024
LONGEST_NAME = 80


@dataclass(frozen=True)
class Remote:
    """A file as the server lists it; `changed` in seconds since 1970."""

    path: str
    name: str
    size: int
    changed: int


class _Changed(Exception):
    """The file has become another one while it was read."""


class _UnknownHost(Exception):
    """A server whose key known_hosts does not hold."""


def pull(request: Request, done: Pulled) -> None:
    """Bring the files that are complete, agreed on and new."""
    link = _Link(request.address)
    try:
        listed = link.patiently(lambda server: _list(server, request))
        wanted = [remote for remote in listed if _is_wanted(request, remote, done)]
        for remote in _resting(link, request, wanted, done):
            _bring(link, request, remote, done)
    except _troubles() as error:
        done.failed[request.source.verbindung] = str(_told(request, "(list)", error))
    finally:
        link.drop()


class _Link:
    """A connection that is made when it is needed, and made again after it broke."""

    def __init__(self, address: str):
        self.address = urlsplit(address)
        self.options = {key: values[-1] for key, values in parse_qs(self.address.query).items()}
        self.server: SFTPFileSystem | None = None

    @property
    def folder(self) -> str:
        """The folder that the address names."""
        return unquote(self.address.path) or "/"

    def patiently(self, work: Callable[["SFTPFileSystem"], T]) -> T:
        """Do `work` with the server, again if the connection breaks."""
        return retry.patiently(lambda: self._once(work), _passes)

    def drop(self) -> None:
        """Close the connection."""
        if self.server:
            self.server.client.close()
        self.server = None

    def _once(self, work: Callable[["SFTPFileSystem"], T]) -> T:
        try:
            self.server = self.server or self._connect()
            return work(self.server)
        except BaseException:
            self.drop()
            raise

    def _connect(self) -> "SFTPFileSystem":
        password = unquote(self.address.password) if self.address.password else None
        key = self.options.get("key")
        server = _checked_server()(
            self.address.hostname,
            known_hosts=self.options.get("known_hosts"),
            port=self.address.port or 22,
            username=unquote(self.address.username or ""),
            password=password,
            passphrase=password,
            key_filename=key,
            look_for_keys=key is None and password is None,
            allow_agent=key is None and password is None,
            timeout=retry.TIMEOUT,
            banner_timeout=retry.TIMEOUT,
            auth_timeout=retry.TIMEOUT,
            channel_timeout=retry.TIMEOUT,
            skip_instance_cache=True,
        )
        server.ftp.get_channel().settimeout(retry.TIMEOUT)
        return server


def _checked_server() -> type["SFTPFileSystem"]:
    """Return fsspec's file system, made to refuse servers whose key it does not know."""
    import paramiko
    from fsspec.implementations.sftp import SFTPFileSystem

    class CheckedServer(SFTPFileSystem):
        """SFTP with checked host keys: fsspec itself loads none and takes any."""

        cachable = False

        def _connect(self) -> None:
            self.client = paramiko.SSHClient()
            self.client.load_system_host_keys(self.ssh_kwargs.pop("known_hosts"))
            self.client.set_missing_host_key_policy(_Refuse())
            try:
                self.client.connect(self.host, **self.ssh_kwargs)
                self.ftp = self.client.open_sftp()
            except BaseException:
                self.client.close()
                raise

    class _Refuse(paramiko.MissingHostKeyPolicy):
        def missing_host_key(self, client, hostname, key) -> None:
            raise _UnknownHost

    return CheckedServer


def _list(server: "SFTPFileSystem", request: Request) -> list[Remote]:
    """Return the files that the pattern of the source names, ordered by name."""
    pattern = PurePosixPath(request.source.abfrage or "*")
    folder = str(PurePosixPath(_Link(request.address).folder) / pattern.parent)
    start = len(folder.rstrip("/")) + 1
    listed = [
        Remote(entry["name"], entry["name"][start:], entry["size"], _seconds(entry))
        for entry in server.ls(folder, detail=True)
        if entry["type"] == "file"
    ]
    fitting = [r for r in listed if PurePosixPath(r.name or "-").match(pattern.name)]
    return sorted(fitting, key=lambda remote: remote.name)


def _seconds(entry: dict) -> int:
    return int(entry["mtime"].timestamp())


def _is_wanted(request: Request, remote: Remote, done: Pulled) -> bool:
    """Decide by name and size alone; say why not."""
    name, feed = remote.name, request.feed
    if files.is_unfinished(name):
        done.waiting.append(name)
    elif not is_plain_name(name):
        done.failed[ascii(name)[:LONGEST_NAME]] = "a name that may lead out of the inbox; refused"
    elif not re.fullmatch(feed.name_pattern, name):
        done.failed[name] = f"the name fits no agreed name of feed {feed.feed}; not pulled"
    elif not request.agreed(name, feed.stichtag_of(name) or date.today()):
        done.not_agreed.append(name)
    elif _is_known(request, remote):
        done.known.append(name)
    else:
        return True
    return False


def _is_known(request: Request, remote: Remote) -> bool:
    """Return whether this very file came before; the same name with another size is a correction.

    What is still in the inbox came, too.
    """
    target = request.folder / remote.name
    if target.exists():
        return target.stat().st_size == remote.size
    known = request.known.get(remote.name)
    return known is not None and (not known.sizes or remote.size in known.sizes)


def _resting(link: _Link, request: Request, wanted: list[Remote], done: Pulled) -> list[Remote]:
    """Return the files that nobody is still writing; for young ones the list is read again."""
    now = time.time()
    young = {remote for remote in wanted if files.is_young(remote.changed, now)}
    for remote in young:
        if remote.changed > now + files.CLOCK_TOLERANCE:
            done.remarks[remote.name] = "changed in the future: the server's clock is ahead of ours"
    if not young:
        return wanted
    time.sleep(files.LOOK)
    again = set(link.patiently(lambda server: _list(server, request)))
    done.waiting += sorted(remote.name for remote in young - again)
    return [remote for remote in wanted if remote in again or remote not in young]


def _bring(link: _Link, request: Request, remote: Remote, done: Pulled) -> None:
    """Download a file and put it into the inbox."""
    target = request.folder / remote.name
    part = target.with_name(f"{remote.name}.{remote.size}-{remote.changed}.part")
    for other in target.parent.glob(f"{escape(remote.name)}.*.part"):
        if other != part:
            other.unlink()
    try:
        link.patiently(lambda server: _continue(server, remote, part))
    except _Changed:
        part.unlink(missing_ok=True)
        done.waiting.append(remote.name)
    except _troubles() as error:
        done.failed[remote.name] = str(_told(request, remote.name, error))
    else:
        part.replace(target)
        done.written.append(target)


def _continue(server: "SFTPFileSystem", remote: Remote, part: Path) -> None:
    """Download what a part lacks.

    Raises:
        EOFError: the connection ended before the file did.
    """
    if not part.exists() or part.stat().st_size > remote.size:
        part.write_bytes(b"")
    start = part.stat().st_size
    with server.open(remote.path, "rb") as source, part.open("ab") as sink:
        source.seek(start)  # not prefetched: paramiko's threads outlive a broken connection
        shutil.copyfileobj(source, sink, CHUNK)
    entry = server.info(remote.path)
    if (entry["size"], _seconds(entry)) != (remote.size, remote.changed):
        raise _Changed
    if part.stat().st_size != remote.size:
        raise EOFError


def _troubles() -> tuple[type[Exception], ...]:
    """What a server, the way to it or its address may raise."""
    import paramiko

    return (paramiko.SSHException, _UnknownHost, EOFError, OSError, ValueError)


def _passes(error: BaseException) -> bool:
    """Return whether the connection broke; a refusal stays one."""
    return isinstance(error, _troubles()) and _refusal(error) is None


def _refusal(error: BaseException) -> tuple[str, str] | None:
    """Return what was found and what to do, for what no further try changes."""
    import paramiko

    if isinstance(error, paramiko.BadHostKeyException):
        return (
            "a server whose key is not the one in known_hosts",
            "ask the partner by telephone whether its key was changed, then replace it; until "
            "then it may be another server",
        )
    if isinstance(error, _UnknownHost):
        return (
            "a server whose key known_hosts does not hold",
            "get the key from the partner and add it to the file known_hosts",
        )
    if isinstance(error, paramiko.AuthenticationException):
        return "a refused login", "check user, key and password with the partner"
    if isinstance(error, FileNotFoundError | PermissionError):
        return (
            f"a folder or key file that cannot be read ({type(error).__name__})",
            "check the folder, `abfrage`, and the files known_hosts and key",
        )
    if isinstance(error, ValueError):
        return "an address that is none", "correct the address"
    return None


def _told(request: Request, name: str, error: BaseException) -> DeliveryError:
    found = _refusal(error)
    if found is None:
        return request.refused(name, error)
    return request.error(name, expected="files", found=found[0], remedy=found[1])
