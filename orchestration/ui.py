"""The Dagster UI and a small server for the Data Docs, both on loopback."""

import contextlib
import functools
import http.server
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request

from orchestration.settings import PROJECT, Settings

LOOPBACK = "127.0.0.1"
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# Signals and seconds. dbt may swallow the first one in the middle of a run.
PATIENCE = ((signal.SIGINT, 10), (signal.SIGTERM, 10), (signal.SIGKILL, 5))


def serve(settings: Settings, port: int) -> int:
    """Run until interrupted; return the exit code.

    Raises:
        ValueError: a port is taken.
    """
    docs = _docs_server(settings)
    _require_free(port, "the Dagster UI", "--port")
    threading.Thread(target=docs.serve_forever, daemon=True).start()
    for number in ENDING:
        signal.signal(number, signal.default_int_handler)
    print(f"Data Docs on {settings.report_url('')}", flush=True)
    threading.Thread(target=_announce, args=(f"http://{LOOPBACK}:{port}",), daemon=True).start()
    # A group of its own: Ctrl-C reaches Dagster through `_end` alone, and all of it at once.
    dagster = subprocess.Popen(
        [
            *(sys.executable, "-m", "dagster", "dev", "-w", str(PROJECT / "workspace.yaml")),
            *("-h", LOOPBACK, "-p", str(port), "--log-level", "warning"),
        ],
        cwd=PROJECT,
        env=settings.environment(PYTHONWARNINGS="ignore:Function `dev_command` is superseded"),
        start_new_session=True,
    )
    try:
        return dagster.wait()
    except KeyboardInterrupt:
        for number in ENDING:
            signal.signal(number, signal.SIG_IGN)
        print("Ending; a run of the UI is interrupted, the last edition stays", flush=True)
        return 0
    finally:
        _end(dagster)
        docs.shutdown()


def _announce(url: str) -> None:
    """Say when the UI answers, which takes some seconds."""
    while True:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"{url}/server_info").close()
            break
        time.sleep(0.5)
    print(f"Dagster UI on {url}; Ctrl-C ends both", flush=True)


def _end(dagster: subprocess.Popen) -> None:
    """End Dagster's processes, and a run that they are at: each reports its own end."""
    for number, seconds in PATIENCE:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(dagster.pid, number)
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            dagster.poll()
            if not _group_lives(dagster.pid):
                return
            time.sleep(0.1)


def _group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def _docs_server(settings: Settings) -> http.server.ThreadingHTTPServer:
    folder = settings.reports / "data_docs"
    folder.mkdir(parents=True, exist_ok=True)
    _require_free(settings.reports_port, "the Data Docs", "SOZIALRAUM_REPORTS_PORT")
    handler = functools.partial(_Quiet, directory=str(folder))
    return http.server.ThreadingHTTPServer((LOOPBACK, settings.reports_port), handler)


def _require_free(port: int, what: str, where: str) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            raise ValueError(
                f"port {port} for {what}: {error.strerror}. To do: end what uses it, another UI "
                f"perhaps, or choose another port with {where}"
            ) from error


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        """Say nothing: the UI's own log is enough."""
