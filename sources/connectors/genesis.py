"""Tables of a statistical office's GENESIS database, through its REST interface.

One file for each Stichtag's year. The office tells by itself whether a table is newer than ours:
each pull sends when the last one came (`stand`), and "nothing newer" brings no file.
"""

import io
import re
import time
import zipfile
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit, urlunsplit
from zoneinfo import ZoneInfo

from sources.connectors import retry, safety
from sources.connectors.pull import Request
from sources.errors import DeliveryError

if TYPE_CHECKING:
    import requests

PATIENCE = 1800.0
"""Seconds for which a table that is made in the background is waited for."""

POLL = 5.0

_NOT_NEWER = (50, 104)
_TOO_LARGE = 98
_SERVER_ERRORS = 500
_TOO_MANY = 429
_ZONE = ZoneInfo("Europe/Berlin")


class _Later(Exception):
    """The server is overloaded or away for the moment."""


class _Refused(Exception):
    """The server says no, for a reason that stays."""


def stichtage_of(request: Request) -> tuple[date, ...]:
    """Return the Stichtage to ask for: all that are expected."""
    return request.stichtage


def is_known(request: Request, name: str) -> bool:
    """Return False: whether a table is newer than ours, the server says."""
    return False


def fetch(request: Request, stichtag: date, part: Path) -> bool:
    """Write the table of a Stichtag's year, unpacked; return False if ours is the newest.

    Raises:
        DeliveryError: the server does not answer, refuses, or sends what is no table.
    """
    import requests

    kinds = {layout.format for layout in request.feed.layouts_at(stichtag)}
    received = request.known_of(part.stem).received_at
    asked = {
        "name": request.source.abfrage,
        "area": "all",
        "compress": "false",
        "transpose": "false",
        "startyear": str(stichtag.year),
        "endyear": str(stichtag.year),
        "format": "ffcsv" if "ffcsv" in kinds else "datencsv",
        "job": "false",
        "language": "de",
        "stand": received.astimezone(_ZONE).strftime("%d.%m.%Y %H:%M") if received else "",
    }
    try:
        with requests.Session() as session:
            content = _table(_Server(session, request.address), asked)
    except (requests.RequestException, _Later, _Refused, ValueError) as error:
        raise _error(request, part.stem, error) from None
    if content is None:
        return False
    _unpack(request, content, part)
    return True


class _Server:
    """The REST interface: one method, with its answers sorted into tables and messages."""

    def __init__(self, session: "requests.Session", address: str):
        parts = urlsplit(address)
        self.session = session
        self.base = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
        self.headers = {
            "username": unquote(parts.username or ""),
            "password": unquote(parts.password or ""),
        }

    def ask(self, method: str, asked: dict[str, str]) -> tuple[bytes, dict | None]:
        """Return the answer, and as what message it can be read; None for a table."""
        import requests

        passing = (requests.ConnectionError, requests.Timeout, _Later)
        passing += (requests.exceptions.ChunkedEncodingError,)
        response = retry.patiently(
            lambda: self._post(method, asked), lambda error: isinstance(error, passing)
        )
        is_message = response.headers.get("Content-Type", "").startswith("application/json")
        return response.content, response.json() if is_message else None

    def _post(self, method: str, asked: dict[str, str]) -> "requests.Response":
        # No redirects: the password would go along to wherever they lead.
        response = self.session.post(
            f"{self.base.rstrip('/')}/{method}",
            data=asked,
            headers=self.headers,
            timeout=retry.TIMEOUT,
            allow_redirects=False,
        )
        if response.status_code >= _SERVER_ERRORS or response.status_code == _TOO_MANY:
            raise _Later(f"HTTP {response.status_code}")
        if response.status_code != 200:  # noqa: PLR2004
            raise _Refused(f"HTTP {response.status_code}")
        return response


def _table(server: _Server, asked: dict[str, str]) -> bytes | None:
    """Return the table's bytes, or None if there is nothing newer."""
    content, message = server.ask("data/tablefile", asked)
    if message is None:
        return content
    code = _code(message)
    if code in _NOT_NEWER and asked["stand"]:
        return None
    if code != _TOO_LARGE:
        raise _Refused(f"message {code}")
    content, message = server.ask("data/tablefile", {**asked, "job": "true"})
    if message is None:
        return content
    return _made_in_background(server, _job(message), asked)


def _made_in_background(server: _Server, job: str, asked: dict[str, str]) -> bytes:
    wanted = {"selection": f"*{job}", "searchcriterion": "code", "sortcriterion": "code"}
    end = time.monotonic() + PATIENCE
    while not _is_made(server.ask("catalogue/jobs", wanted)[1]):
        if time.monotonic() > end:
            raise _Later(f"a table in the making for more than {PATIENCE:.0f} s")
        time.sleep(POLL)
    result = {"name": job, "area": "all", "compress": "false", "format": asked["format"]}
    content, message = server.ask("data/resultfile", result)
    if message is not None:
        raise _Refused(f"message {_code(message)}")
    return content


def _is_made(message: dict | None) -> bool:
    jobs = (message or {}).get("List") or []
    states = [str(job.get("State", "")) for job in jobs]
    if any(state.startswith("Fehler") for state in states):
        raise _Refused("a table that could not be made in the background")
    return "Fertig" in states


def _job(message: dict) -> str:
    """Return the name of a result that is being made, as the message tells it."""
    told = re.search(r":\s*([\w-]+_\d+)", str((message.get("Status") or {}).get("Content", "")))
    if not told:
        raise _Refused("no name of the result that is made in the background")
    return told.group(1)


def _code(message: dict) -> int | None:
    return (message.get("Status") or {}).get("Code")


def _error(request: Request, name: str, error: Exception) -> DeliveryError:
    if not isinstance(error, _Refused):
        return request.refused(name, error, str(error) if isinstance(error, _Later) else None)
    return request.error(
        name,
        expected=f"table {request.source.abfrage}",
        found=str(error),
        remedy="check table, user and password",
    )


def _unpack(request: Request, content: bytes, part: Path) -> None:
    """Write an answer: the table itself, or the one file of an archive."""
    if not zipfile.is_zipfile(io.BytesIO(content)):
        part.write_bytes(content)
        return
    archive = part.with_suffix(".zip.part")
    archive.write_bytes(content)
    try:
        problems = safety.unpack_one(archive, part)
    finally:
        archive.unlink()
    if problems:
        raise request.error(
            part.stem,
            expected="an archive of one table",
            found="one that " + "; ".join(problems),
            remedy="ask the statistical office",
        )
