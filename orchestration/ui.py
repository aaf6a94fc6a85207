"""The Dagster UI and a small server for the Data Docs, both on loopback."""

import functools
import http.server
import signal
import subprocess
import sys
import threading

from orchestration.settings import PROJECT, Settings


def serve(settings: Settings, port: int) -> int:
    """Run until interrupted; return the exit code of the Dagster UI."""
    docs = settings.reports / "data_docs"
    docs.mkdir(parents=True, exist_ok=True)
    handler = functools.partial(_Quiet, directory=str(docs))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", settings.reports_port), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"Dagster UI on http://127.0.0.1:{port}, Data Docs on {settings.report_url('')}")
    command = [sys.executable, "-m", "dagster", "dev", "-w", str(PROJECT / "workspace.yaml")]
    dagster = subprocess.Popen(
        [*command, "-h", "127.0.0.1", "-p", str(port)], cwd=PROJECT, start_new_session=True
    )
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: dagster.send_signal(signal.SIGINT))
    code = dagster.wait()
    server.shutdown()
    return code


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        """Say nothing: the UI's own log is enough."""
