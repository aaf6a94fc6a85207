"""Starting and ending the service: one child process for each port, that knows nothing else.

Here belongs what surrounds the process: its folder and environment, whether it is ready, its end,
and its renewal when another edition is in the database. Not here: what it answers (`app`), and
where the address comes from (orchestration).
"""

import contextlib
import http.client
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from publication.imprint import Imprint
from publication.material import MANIFEST
from publication.service import database
from publication.service.app import CONFIGURATION, OPENAPI, WRITE_ONLY, write_secret
from publication.service.audit import audit_service
from publication.service.config import collections, configuration
from publication.tables import PublishedTable
from publication.targets.postgis.declared import SCHEMA

CODE = Path(__file__).resolve().parents[2]
LOOPBACK = "127.0.0.1"
READY = 60.0  # seconds until it answers
ENDING = 10.0  # seconds until it has ended by itself
LOOK = 30.0  # seconds between two looks at which edition the database shows
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True)
class Task:
    """What to serve, and where.

    Attributes:
        edition: the folder of an edition; `current` may be a link that moves.
        tables: the declarations with which it was written.
        address: of the database, `postgresql://…`.
        state: the folder of this port, where the service's own files lie.
        port: on loopback.
        url: where it is reached from outside; None: on loopback.
        documents: where the edition's files are reached from outside, or None.
        schema: where the edition stands in the database.
    """

    edition: Path
    tables: Sequence[PublishedTable]
    address: str
    state: Path
    port: int
    url: str | None = None
    documents: str | None = None
    schema: str = SCHEMA

    @property
    def local(self) -> str:
        """Where it is reached on this machine."""
        return f"http://{LOOPBACK}:{self.port}"

    def edition_id(self) -> str:
        """Return the id of the edition that lies in the folder now."""
        return json.loads((self.edition / MANIFEST).read_text("utf-8"))["edition_id"]


def serve(task: Task, say: Callable[[str], None] = print) -> int:
    """Serve until interrupted, renewed whenever the database shows the edition that lies there.

    Raises:
        ValueError: the port is taken, the edition or the database is not what is needed, or the
            service does not come up.
    """
    for number in SIGNALS:
        signal.signal(number, signal.default_int_handler)
    try:
        while True:
            edition_id = task.edition_id()
            with running(task) as process:
                say(f"OGC API Features on {task.url or task.local}, edition {edition_id}")
                code = _wait(process, task, edition_id, say)
            if code is not None:
                return code
    except KeyboardInterrupt:
        return 0


def check(task: Task) -> list[str]:
    """Start the service, audit every answer against the edition, end it; return what is wrong."""
    data, _ = database.connection(task.address)
    secrets = [data.get("password", ""), f"{data['host']}:{data['port']}", str(task.state)]
    with running(task):
        return audit_service(task.local, task.edition, task.tables, secrets=secrets)


def check_staged(
    edition: Path, tables: Sequence[PublishedTable], address: str, schema: str
) -> list[str]:
    """Serve an edition from a staging schema, to nobody else, and audit every answer.

    Args:
        edition: its folder.
        tables: the declarations with which it was written.
        address: of the database; the login sees the staging schema.
        schema: where the edition stands before it is shown.

    Returns:
        What is wrong; a service that does not come up is a problem.
    """
    data, _ = database.connection(address, schema)
    with TemporaryDirectory() as state:
        task = Task(edition, tables, address, Path(state), _free_port(), schema=schema)
        secrets = [data.get("password", ""), f"{data['host']}:{data['port']}", state]
        try:
            with running(task):
                return audit_service(task.local, task.edition, task.tables, secrets=secrets)
        except ValueError as error:
            return [f"service over {schema}: {error}"]


def write(task: Task) -> None:
    """Write the configuration and the OpenAPI document into the service's folder; start nothing.

    Raises:
        ValueError: as `serve`.
    """
    _prepare(task)
    with _start(task, WRITE_ONLY) as process:
        if process.wait(READY):
            raise ValueError(_did_not_come_up(task))


@contextmanager
def running(task: Task) -> Iterator[subprocess.Popen]:
    """Run the service as a child process that answers, and end it.

    Raises:
        ValueError: as `serve`.
    """
    _require_free(task.port)
    _prepare(task)
    process = _start(task)
    try:
        _await(process, task)
        yield process
    finally:
        _end(process)


def _prepare(task: Task) -> None:
    """Look whether the database holds this edition, and write the configuration."""
    if task.schema == SCHEMA:
        _demand_shown(task)
    task.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    told = configuration(
        task.edition,
        task.tables,
        task.address,
        url=task.url or task.local,
        port=task.port,
        schema=task.schema,
        documents=task.documents,
    )
    write_secret(task.state / CONFIGURATION, _yaml(told))


def _demand_shown(task: Task) -> None:
    """Demand a login with no more rights than it needs, and a database that shows this edition."""
    manifest = json.loads((task.edition / MANIFEST).read_text("utf-8"))
    names = [one.name for one in collections(task.edition, task.tables, Imprint.of(manifest))]
    database.check(task.address, names)
    shown = database.shown(task.address)
    if shown != manifest["edition_id"]:
        raise ValueError(
            f"{database.SHOWN}: expected edition {manifest['edition_id']}, found "
            f"{shown or 'none'}; load the edition into this database first"
        )


def _yaml(configuration: dict) -> str:
    """Return YAML with quoted texts: pygeoapi takes `${…}` in bare ones for a variable."""
    import yaml

    class Quoted(yaml.SafeDumper):
        def ignore_aliases(self, data: object) -> bool:
            return True

    Quoted.add_representer(
        str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"')
    )
    return yaml.dump(configuration, Dumper=Quoted, allow_unicode=True, sort_keys=False)


def _start(task: Task, *arguments: str) -> subprocess.Popen:
    """Start the process: its own folder, no variable but those that it reads, no terminal."""
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "publication.service.app", *arguments],
        cwd=task.state,
        env={
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(CODE),
            "PYGEOAPI_CONFIG": CONFIGURATION,
            "PYGEOAPI_OPENAPI": OPENAPI,
        },
        stdin=subprocess.PIPE,  # it ends when this closes
        start_new_session=True,
    )


def _await(process: subprocess.Popen, task: Task) -> None:
    until = time.monotonic() + READY
    while process.poll() is None and time.monotonic() < until:
        with contextlib.suppress(OSError, http.client.HTTPException):
            if _status(task.port, "/conformance?f=json") == http.HTTPStatus.OK:
                return
        time.sleep(0.1)
    raise ValueError(_did_not_come_up(task))


def _did_not_come_up(task: Task) -> str:
    return (
        f"port {task.port}: expected a service that answers within {READY:.0f} s, found none; what "
        "it said stands above"
    )


def _status(port: int, path: str) -> int:
    """Ask on loopback, past any proxy."""
    with contextlib.closing(http.client.HTTPConnection(LOOPBACK, port, timeout=5)) as con:
        con.request("GET", path)
        return con.getresponse().status


def _wait(
    process: subprocess.Popen, task: Task, edition_id: str, say: Callable[[str], None]
) -> int | None:
    """Wait until the process ends (its code), or another edition is to be served (None)."""
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.wait(LOOK)
        with contextlib.suppress(ValueError, OSError):  # not now; the old edition stays
            lies = task.edition_id()
            if lies != edition_id and lies == database.shown(task.address):
                say(f"edition {lies} is in the database: starting anew")
                return None


def _end(process: subprocess.Popen) -> None:
    process.terminate()
    try:
        process.wait(ENDING)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    finally:
        process.stdin.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return probe.getsockname()[1]


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            raise ValueError(
                f"port {port} for the service: {error.strerror}. To do: end what uses it, or "
                "choose another port with --port"
            ) from error
