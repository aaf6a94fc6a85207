"""The announcement of a new edition by e-mail: plain German text, one message for each recipient.

Each office gets a message of its own, so that none sees who else does. Everything in it comes from
the edition, its Message-ID and date, too: sent again it is the same message. Not here: what was
sent before (the caller remembers).
"""

import csv
import smtplib
import ssl
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime, formataddr
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from publication.imprint import Imprint
from publication.material import MANIFEST
from publication.targets.errors import TargetDown, TargetError

TIMEOUT = 30.0
TRIES = 3
FIRST_WAIT = 1.0
TEMPORARY = range(400, 500)
CHANGES = Path("catalogue", "aenderungen.csv")
KINDS = {"monitoring": "Monitoring", "sozialbericht": "Sozialbericht"}
COUNTED = {"indikator_id": "Indikator(en)", "stichtag": "Stichtag(e)"}
"""Columns of the list of changes whose different values are counted, and what they are called."""


@dataclass(frozen=True)
class Sent:
    """What became of an announcement.

    Attributes:
        accepted: recipients whose server took the message now.
        refused: SMTP code of each recipient that was refused.
    """

    accepted: tuple[str, ...]
    refused: tuple[int, ...]


def announcement(edition: Path, sender: str, places: Mapping[str, bool]) -> EmailMessage:
    """Write the message about an edition; it has no recipient yet.

    Args:
        edition: the folder of a finished edition.
        sender: address of the office that sends.
        places: names of the targets → whether the edition lies there.
    """
    import json

    manifest = json.loads((edition / MANIFEST).read_text("utf-8"))
    imprint = Imprint.of(manifest)
    edition_id, made = manifest["edition_id"], datetime.fromisoformat(manifest["created_at"])
    message = EmailMessage()
    message["Subject"] = _line(f"Neue Ausgabe: {imprint.titel} ({edition_id})")
    message["From"] = formataddr((_line(imprint.organisation), sender))
    message["Date"] = format_datetime(made)
    message["Message-ID"] = f"<sozialraum.{edition_id}@{sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message["Content-Language"] = "de"
    text = "\n".join(_text(manifest, imprint, made, changes(edition), places))
    # quoted-printable: passes every server, and is the same everywhere
    message.set_content(f"{text}\n", cte="quoted-printable")
    return message


def announce(
    message: EmailMessage,
    address: str,
    recipients: Collection[str],
    accepted: Callable[[str], None] = lambda recipient: None,
) -> Sent:
    """Send a message to each recipient alone.

    Args:
        message: without recipient.
        address: `smtp://[user:password@]host[:port]`, or `smtps://`; TLS is used if the server
            offers it, and a password is never sent without.
        recipients: addresses.
        accepted: is told each recipient at once whose server has taken the message.

    Raises:
        TargetError: the address is none, or the server refuses login or sender.
        TargetDown: the server cannot be reached, or broke off.
    """
    from tenacity import Retrying, retry_if_exception_type, stop_after_attempt
    from tenacity.wait import wait_exponential_jitter

    server = _parsed(address)
    taken: list[str] = []
    refused: dict[str, int] = {}
    retrying = Retrying(
        stop=stop_after_attempt(TRIES),
        wait=wait_exponential_jitter(multiplier=FIRST_WAIT, max=TIMEOUT, jitter=FIRST_WAIT),
        retry=retry_if_exception_type(TargetDown),
        reraise=True,
    )

    def send() -> None:
        with _told(), _connected(server) as smtp:
            for recipient in recipients:
                if recipient not in taken:
                    code = _send(smtp, message, recipient)
                    if code is None:
                        taken.append(recipient)
                        refused.pop(recipient, None)
                        accepted(recipient)
                    else:
                        refused[recipient] = code

    retrying(send)
    return Sent(tuple(taken), tuple(refused.values()))


def changes(edition: Path) -> dict[str, int]:
    """Return how many indicators and Stichtage the edition's list of changes names, by their name.

    {} if the edition has no such list.
    """
    path = edition / CHANGES
    if not path.exists():
        return {}
    with path.open(encoding="utf-8-sig", newline="") as file:
        header = file.readline()
        file.seek(0)
        rows = csv.DictReader(file, delimiter=max(",;\t", key=header.count))
        found: dict[str, set[str]] = {
            column: set() for column in COUNTED if column in (rows.fieldnames or ())
        }
        for row in rows:
            for column, values in found.items():
                if row[column]:
                    values.add(row[column])
    return {COUNTED[column]: len(values) for column, values in found.items()}


def _text(
    manifest: Mapping,
    imprint: Imprint,
    made: datetime,
    changed: Mapping[str, int],
    places: Mapping[str, bool],
) -> Iterator[str]:
    yield "Guten Tag,"
    yield ""
    yield f"„{_line(imprint.titel)}“ liegt in einer neuen Ausgabe vor."
    yield ""
    yield f"Ausgabe: {manifest['edition_id']}"
    yield f"Art: {KINDS.get(manifest['kind'], manifest['kind'])}"
    yield f"Erstellt am: {made:%d.%m.%Y}"
    if changed:
        told = ", ".join(f"{number} {name}" for name, number in changed.items() if number)
        yield f"Neu oder geändert: {told or 'nichts'}"
    yield ""
    yield f"Zu finden unter: {imprint.url}"
    for name, there in places.items():
        yield f"- {name}: {'liegt bereit' if there else 'folgt, sobald das Ziel erreichbar ist'}"
    yield ""
    yield f"Lizenz: {_line(imprint.lizenz_name)} ({imprint.lizenz_url})"
    yield f"Quellenvermerk: {_line(imprint.quellenvermerk)}"
    yield ""
    yield _line(imprint.organisation)
    yield _line(imprint.stelle)
    yield imprint.email


def _line(text: str) -> str:
    return " ".join(text.split())


def _parsed(address: str) -> SplitResult:
    try:
        told = urlsplit(address)
        usable = told.scheme in ("smtp", "smtps") and bool(told.hostname) and told.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise TargetError(
            "expected smtp://user:password@host:port, found another address; correct it (signs "
            "such as @ and / in a password as %40 and %2F)"
        )
    return told


@contextmanager
def _connected(server: SplitResult) -> Iterator[smtplib.SMTP]:
    secure = ssl.create_default_context()
    if server.scheme == "smtps":
        opened = smtplib.SMTP_SSL(
            server.hostname, server.port or 465, timeout=TIMEOUT, context=secure
        )
    else:
        opened = smtplib.SMTP(server.hostname, server.port or 25, timeout=TIMEOUT)
    with opened as smtp:
        smtp.ehlo()
        safe = server.scheme == "smtps" or _is_this_machine(server.hostname)
        if server.scheme == "smtp" and smtp.has_extn("starttls"):
            smtp.starttls(context=secure)
            smtp.ehlo()
            safe = True
        if server.username:
            if not safe:
                raise TargetError(
                    "expected STARTTLS before a login, found a server that offers none; use "
                    "smtps://, or an address without user and password"
                )
            smtp.login(unquote(server.username), unquote(server.password or ""))
        yield smtp


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _send(smtp: smtplib.SMTP, message: EmailMessage, recipient: str) -> int | None:
    """Send to one recipient; return the code with which it was refused, or None."""
    del message["To"]
    message["To"] = recipient
    try:
        smtp.send_message(message, to_addrs=[recipient])
    except smtplib.SMTPRecipientsRefused as error:
        code, _ = error.recipients[recipient]
        return code
    return None


@contextmanager
def _told() -> Iterator[None]:
    """Say what went wrong without what the server says: it may name addresses."""
    try:
        yield
    except (TargetError, TargetDown):
        raise
    except ssl.SSLCertVerificationError:
        raise TargetError(
            "expected a certificate that this machine trusts, found another; add the authority to "
            "the machine's own, or ask whoever runs the mail server"
        ) from None
    except smtplib.SMTPNotSupportedError:
        raise TargetError(
            "expected a mail server that knows logins, found one that does not; use an address "
            "without user and password"
        ) from None
    except smtplib.SMTPResponseException as error:
        what = f"{type(error).__name__}, {error.smtp_code}"
        if error.smtp_code in TEMPORARY:
            raise TargetDown(
                f"expected a server that takes the message, found that it does not now ({what}); "
                "the next run tries again"
            ) from None
        raise TargetError(
            f"expected a server that takes the message, found a refusal ({what}); check user, "
            "password and `absender`"
        ) from None
    except (OSError, smtplib.SMTPException) as error:
        raise TargetDown(
            f"expected a mail server, found none ({type(error).__name__}); the next run tries again"
        ) from None
