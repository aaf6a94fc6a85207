"""Real servers on loopback, for tests of what comes from partners and what goes to targets.

Each is a context manager that starts a server of its own in a folder of its own, and ends it. A
server program that is not installed skips the test, visibly; `.ci/run` installs them.
"""

import os
import shutil
import signal
import socket
import socketserver
import ssl
import subprocess
import tempfile
import threading
import time
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

PATIENCE = 20.0
POSTGRES_PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
PASSWORD = "geheim und: lang/@"


def free_port() -> int:
    """Return a port on which nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def program(name: str, *folders: Path) -> str:
    """Return the path of a program; skip the test without it."""
    places = os.pathsep.join([*map(str, folders), os.environ.get("PATH", ""), "/usr/sbin"])
    found = shutil.which(name, path=places)
    if not found:
        pytest.skip(f"{name} is not installed: see .ci/run")
    return found


def _await_port(port: int, process: subprocess.Popen) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        assert process.poll() is None, f"{process.args[0]} ended by itself"
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise AssertionError(f"{process.args[0]} does not listen")


@dataclass(frozen=True)
class SftpServer:
    """An SFTP server: the folder that it serves, and what a partner needs to log in."""

    port: int
    folder: Path
    user: str
    key: Path
    host_key: Path
    known_hosts: Path

    def address(self, port: int | None = None, known_hosts: Path | None = None) -> str:
        """Return the address as it stands in the environment."""
        return (
            f"sftp://{self.user}@127.0.0.1:{port or self.port}{self.folder}"
            f"?known_hosts={known_hosts or self.known_hosts}&key={self.key}"
        )

    def trust(self, *ports: int, public_key: str | None = None) -> None:
        """Write known_hosts: the server's key (or another one) at these ports."""
        kind, key = (public_key or self.host_key.with_suffix(".pub").read_text()).split()[:2]
        lines = [f"[127.0.0.1]:{port} {kind} {key}\n" for port in ports]
        self.known_hosts.write_text("".join(lines))

    def push(self, path: Path) -> None:
        """Lay a file onto the server as a partner does: beside its place, then renamed."""
        import paramiko

        with paramiko.SSHClient() as client:
            client.load_host_keys(str(self.known_hosts))
            client.connect(
                "127.0.0.1", self.port, self.user, key_filename=str(self.key), timeout=PATIENCE
            )
            with client.open_sftp() as sftp:
                sftp.put(str(path), f"{self.folder}/{path.name}.part")
                sftp.posix_rename(f"{self.folder}/{path.name}.part", f"{self.folder}/{path.name}")


def make_key(path: Path) -> Path:
    """Make a pair of keys, `path` and `path`.pub."""
    command = [program("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", str(path)]
    subprocess.run(command, check=True, timeout=PATIENCE)
    return path


@contextmanager
def sftp_server(root: Path, options: str = "") -> Iterator[SftpServer]:
    """Run OpenSSH's server for whoever runs the tests; it serves `root`/ausgang.

    `options` are those of sftp-server, such as `-P symlink`, which refuses links.
    """
    daemon = program("sshd")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # sshd does not start without it
    folder = root / "ausgang"
    folder.mkdir(parents=True)
    host_key, key = make_key(root / "host"), make_key(root / "partner")
    port = free_port()
    config = root / "sshd_config"
    config.write_text(
        f"ListenAddress 127.0.0.1\nPort {port}\nHostKey {host_key}\nPidFile none\n"
        f"AuthorizedKeysFile {key}.pub\nStrictModes no\nUsePAM no\n"
        "PasswordAuthentication no\nKbdInteractiveAuthentication no\n"
        f"PermitRootLogin prohibit-password\nSubsystem sftp internal-sftp {options}\n"
    )
    with (root / "sshd.log").open("wb") as log:
        process = subprocess.Popen([daemon, "-D", "-e", "-f", str(config)], stderr=log)
    try:
        _await_port(port, process)
        user = subprocess.check_output(["id", "-un"], text=True).strip()
        server = SftpServer(port, folder, user, key, host_key, root / "known_hosts")
        server.trust(port)
        yield server
    finally:
        process.terminate()
        process.wait(PATIENCE)


@contextmanager
def cutting_proxy(port: int, limit: int, cuts: int = 1) -> Iterator[tuple[int, list[int]]]:
    """Pass connections on to a port, and cut the first `cuts` after `limit` bytes of answers.

    Yields:
        The proxy's port, and a list of how many bytes each connection has brought so far.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    brought: list[int] = []

    def serve() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                upstream = socket.create_connection(("127.0.0.1", port))
                brought.append(0)
                number = len(brought) - 1
                threading.Thread(target=_pump, args=(client, upstream), daemon=True).start()
                most = limit if number < cuts else None
                counted = (upstream, client, brought, number, most)
                threading.Thread(target=_pump, args=counted, daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield listener.getsockname()[1], brought
    finally:
        listener.close()


def _pump(
    source: socket.socket,
    sink: socket.socket,
    brought: list[int] | None = None,
    number: int = 0,
    most: int | None = None,
) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            if brought is not None:
                brought[number] += len(data)
                if most is not None and brought[number] > most:
                    break
            sink.sendall(data)
    for end in (source, sink):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()


@dataclass(frozen=True)
class Postgres:
    """A PostgreSQL server with one database `amt` of a user `amt`."""

    port: int
    password: str

    @property
    def address(self) -> str:
        """The address as it stands in the environment."""
        return self.address_of("amt")

    def address_of(self, role: str, database: str = "amt") -> str:
        """Return the address for another role, all of which have one password."""
        from urllib.parse import quote

        password = quote(self.password, safe="")
        return f"postgresql://{role}:{password}@127.0.0.1:{self.port}/{database}"

    def run(self, sql: str, role: str = "amt", database: str = "amt") -> list[str]:
        """Run SQL, by default as superuser; return what the server warned of."""
        import psycopg

        with psycopg.connect(self.address_of(role, database), autocommit=True) as connection:
            told: list[str] = []
            connection.add_notice_handler(
                lambda notice: (
                    told.append(notice.message_primary)
                    if notice.severity_nonlocalized == "WARNING"
                    else None
                )
            )
            connection.execute(sql)
        return told


@contextmanager
def postgres_server() -> Iterator[Postgres]:
    """Run PostgreSQL; as its own user, since it refuses to be run by root."""
    initdb, server = (program(name, *POSTGRES_PROGRAMS) for name in ("initdb", "postgres"))
    as_user = {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {}
    # Not in pytest's folders: they are closed to other users.
    root = Path(tempfile.mkdtemp(prefix="sozialraum-postgres-"))
    secret = root / "password"
    secret.write_text(PASSWORD)
    if as_user:
        shutil.chown(root, "postgres", "postgres")
        shutil.chown(secret, "postgres", "postgres")
    data, port = root / "data", free_port()
    forms = ("--locale=C", "--encoding=UTF8", "--no-sync")
    process = None
    try:
        subprocess.run(
            [initdb, "-D", data, "-U", "amt", "-A", "scram-sha-256", "--pwfile", secret, *forms],
            check=True,
            capture_output=True,
            timeout=120,
            cwd=root,
            **as_user,
        )
        settings = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": root,
            "fsync": "off",
            "full_page_writes": "off",
        }
        options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        process = subprocess.Popen(
            [server, "-D", data, "-p", str(port), *options],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=root,
            **as_user,
        )
        _await_port(port, process)
        _create_database(port)
        yield Postgres(port, PASSWORD)
    finally:
        if process:
            process.send_signal(signal.SIGQUIT)  # at once: nothing of it is kept
            process.wait(PATIENCE)
        shutil.rmtree(root)


@contextmanager
def postgis_server() -> Iterator[Postgres]:
    """Run PostgreSQL with PostGIS, set up as an administrator does, with three logins.

    `sozialraum_publisher` loads editions into the database `amt`; `planung` is a member of
    `sozialraum_fachlich`, `jobcenter` of `sozialraum_oeffentlich`. All have the server's password.
    """
    from publication.targets.postgis import setup_sql

    if not any(Path("/usr/share/postgresql").glob("*/extension/postgis.control")):
        pytest.skip("PostGIS is not installed (Debian: postgresql-15-postgis-3): see .ci/run")
    with postgres_server() as server:
        server.run(setup_sql())
        for login, role in (
            ("sozialraum_publisher", None),
            ("planung", "sozialraum_fachlich"),
            ("jobcenter", "sozialraum_oeffentlich"),
        ):
            if role:
                server.run(f"CREATE ROLE {login}; GRANT {role} TO {login}")
            server.run(f"ALTER ROLE {login} LOGIN PASSWORD '{server.password}'")
        yield server


def _create_database(port: int) -> None:
    import psycopg

    end = time.monotonic() + PATIENCE
    while True:
        try:
            with psycopg.connect(
                host="127.0.0.1", port=port, user="amt", password=PASSWORD, dbname="postgres"
            ) as connection:
                connection.autocommit = True
                connection.execute("CREATE DATABASE amt")
                return
        except psycopg.OperationalError:  # it listens before it is ready
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


@dataclass(frozen=True)
class Answer:
    """What a small HTTP server answers."""

    body: bytes
    kind: str = "application/json"
    status: int = 200


@dataclass(frozen=True)
class Asked:
    """What it was asked."""

    method: str
    path: str
    headers: dict[str, str]
    body: str


@contextmanager
def http_server(answer: Callable[[Asked], Answer | None]) -> Iterator[tuple[str, list[Asked]]]:
    """Run an HTTP server that answers with a function; None breaks the connection off.

    Yields:
        The address, and everything that was asked so far.
    """
    everything: list[Asked] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            headers = {key.lower(): value for key, value in self.headers.items()}
            body = self.rfile.read(length).decode()
            asked = Asked(self.command, self.path, headers, body)
            everything.append(asked)
            told = answer(asked)
            if told is None:
                self.close_connection = True
                return
            self.send_response(told.status)
            self.send_header("Content-Type", told.kind)
            self.send_header("Content-Length", str(len(told.body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(told.body)

        do_GET = do_POST = do_HEAD = handle_any

        def log_message(self, *_) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", everything
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class MailServer:
    """A small SMTP server; it keeps what it takes.

    Attributes:
        port: where it listens.
        login: user and password that it asks for, or None.
        refuses: code of each recipient that it refuses.
        breaks: how many connections it ends before it answers.
        tls: certificate and key in one file, with which it offers STARTTLS.
        taken: sender, recipients and message of each mail.
        logins: the users that have logged in.
    """

    port: int = 0
    login: tuple[str, str] | None = None
    refuses: dict[str, int] = field(default_factory=dict)
    breaks: int = 0
    tls: Path | None = None
    taken: list[tuple[str, list[str], EmailMessage]] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)

    @property
    def address(self) -> str:
        """The address as it stands in the environment."""
        from urllib.parse import quote

        user = ":".join(quote(part, safe="") for part in self.login or ())
        return f"smtp://{user}{'@' if user else ''}127.0.0.1:{self.port}"


def make_certificate(path: Path) -> Path:
    """Make a certificate of this machine that only who is told so trusts, with its key."""
    command = [program("openssl"), "req", "-x509", "-newkey", "ec", "-nodes", "-days", "1"]
    command += ["-pkeyopt", "ec_paramgen_curve:prime256v1", "-subj", "/CN=loopback"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "-", "-out", "-"]
    made = subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE)
    path.write_bytes(made.stdout)
    return path


@contextmanager
def mail_server(**options) -> Iterator[MailServer]:
    """Run an SMTP server; `options` are attributes of `MailServer`."""
    mail = MailServer(**options)

    class Session(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            if mail.breaks:
                mail.breaks -= 1
                return
            self.tell("220 loopback")
            self.sender, self.recipients = "", []
            self.safe = False
            while line := self.rfile.readline():
                verb, _, rest = line.decode().strip().partition(" ")
                if verb.upper() == "QUIT":
                    self.tell("221 bye")
                    return
                getattr(self, f"on_{verb.lower()}", self.on_other)(rest)

        def finish(self) -> None:
            super().finish()
            self.connection.close()

        def tell(self, line: str) -> None:
            self.wfile.write(f"{line}\r\n".encode())
            self.wfile.flush()

        def on_ehlo(self, rest: str) -> None:
            offers = ["loopback"]
            if mail.tls and not self.safe:
                offers.append("STARTTLS")
            if mail.login:
                offers.append("AUTH PLAIN")
            for offer in offers[:-1]:
                self.tell(f"250-{offer}")
            self.tell(f"250 {offers[-1]}")

        def on_starttls(self, rest: str) -> None:
            self.tell("220 go on")
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(mail.tls)
            try:
                self.connection = context.wrap_socket(self.request, server_side=True)
            except OSError:  # who asks does not trust it
                return
            self.safe = True
            self.rfile, self.wfile = (self.connection.makefile(mode) for mode in ("rb", "wb"))

        def on_auth(self, rest: str) -> None:
            _, user, password = b64decode(rest.partition(" ")[2]).decode().split("\0")
            if (user, password) != mail.login:
                self.tell(f"535 no login for {user} with {password}")
                return
            mail.logins.append(user)
            self.tell("235 welcome")

        def on_mail(self, rest: str) -> None:
            self.sender, self.recipients = rest.partition("<")[2].partition(">")[0], []
            self.tell("250 sender")

        def on_rcpt(self, rest: str) -> None:
            recipient = rest.partition("<")[2].partition(">")[0]
            if code := mail.refuses.get(recipient):
                self.tell(f"{code} <{recipient}>")
                return
            self.recipients.append(recipient)
            self.tell("250 recipient")

        def on_data(self, rest: str) -> None:
            self.tell("354 go on")
            lines = []
            while (line := self.rfile.readline()) not in (b".\r\n", b""):
                lines.append(line[1:] if line.startswith(b"..") else line)
            message = message_from_bytes(
                b"".join(lines).replace(b"\r\n", b"\n"), policy=policy.default
            )
            mail.taken.append((self.sender, self.recipients, message))
            self.tell("250 taken")

        def on_rset(self, rest: str) -> None:
            self.tell("250 forgotten")

        def on_other(self, rest: str) -> None:
            self.tell("502 unknown")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Session) as server:
        mail.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield mail
        finally:
            server.shutdown()
            thread.join()


def pulling_region(ends: str = "2016-12-31"):
    """Return a small county that pulls one feed from each kind of source.

    Its agreement covers Stichtage from 2014 on, until `ends`.
    """
    from sources.region import Region

    columns = {"fall_id": "FALL", "kommune_id": "AGS", "beginn": "BEGINN", "betrag": "BETRAG"}
    names = {"soziales": "SOZ", "tabelle": "TAB", "raeume": "RAEUME", "liste": "LISTE"}
    kinds = {"beginn": "date", "betrag": "decimal"}
    period = {"valid_from": "2010-01-01", "valid_to": "2030-12-31"}
    delimited = {"id": "csv", "format": "delimited", "delimiter": ";", **period}
    flat = {"id": "flach", "format": "ffcsv", "variables": {}, "value": "betrag", **period}
    feeds = [
        {
            "feed": feed,
            "title": feed,
            "partner": "amt",
            "ebene": "aggregat",
            "thema": "soziales",
            "location": feed,
            "files": "*",
            "name_pattern": rf"{name}_(?P<jahr>\d{{4}})(?P<monat>\d\d)(?P<tag>\d\d)\.\w+",
            "stichtag": {"rule": "tag"},
            "spatial": {"kind": "keine"},
            "key": ["fall_id"],
            "columns": [
                {"name": column, "header": header, "type": kinds.get(column, "text")}
                | {"sensitivity": "intern", "description": column}
                for column, header in columns.items()
            ],
            "layouts": [flat if feed == "tabelle" else delimited],
        }
        for feed, name in names.items()
    ]
    agreement = {
        "id": "a1",
        "feeds": list(names),
        "rechtsgrundlage": "offene_daten",
        "zweck": "Sozialplanung",
        "parteien": ["Amt", "Kreis"],
        "gueltig_ab": "2014-01-01",
        "gueltig_bis": ends,
        "kleinraeumig": True,
    }
    return Region.model_validate(
        {
            "region": "musterkreis",
            "name": "Musterkreis",
            "kreis_id": "99",
            "statistikstelle": False,
            "srs": 25832,
            "data_hint": "none",
            "levels": [{"ebene": "kreis", "name": "Kreis", "unit": "99"}],
            "gebietsstaende": [{"gebietsstand": "heute", "gueltig_ab": None, "gueltig_bis": None}],
            "partners": {"amt": {"name": "Amt", "contact": "Stelle"}},
            "expected": {},
            "feeds": feeds,
            "agreements": [agreement],
        }
    )
