"""The Dagster UI as an operator starts it, and a run of the command line at the same time."""

import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import dagster as dg
import pytest

from disclosure.ledger import read_ledger
from orchestration.cli import prepare
from orchestration.definitions import EDITION_JOB
from orchestration.run_lock import hold
from orchestration.settings import PROJECT, Settings
from tests.integration.conftest import REGISTER_YEARS, copy_data

ENTRY = [sys.executable, "-m", "orchestration.cli"]
LAUNCH = """
mutation ($run: ExecutionParams!) {
  launchRun(executionParams: $run) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
  }
}
"""
REPOSITORIES = """
{ repositoriesOrError { ... on RepositoryConnection { nodes { name location { name } } } } }
"""


@dataclass(frozen=True)
class Ui:
    """A running `sozialraum ui`."""

    settings: Settings
    port: int
    process: subprocess.Popen

    def ask(self, query: str, **variables: object) -> dict:
        """Ask the GraphQL endpoint."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/graphql", body, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            content = json.load(answer)
        assert "errors" not in content, content["errors"]
        return content["data"]

    def launch(self, job: str) -> str:
        """Launch a job as the button of the UI does; return the run's id."""
        (repository,) = self.ask(REPOSITORIES)["repositoriesOrError"]["nodes"]
        assert repository["location"]["name"] == "sozialraum"
        selector = {
            "repositoryLocationName": repository["location"]["name"],
            "repositoryName": repository["name"],
            "jobName": job,
        }
        result = self.ask(LAUNCH, run={"selector": selector, "runConfigData": {}})["launchRun"]
        assert result["__typename"] == "LaunchRunSuccess", result
        return result["run"]["runId"]


def environment(settings: Settings) -> dict[str, str]:
    return {
        **os.environ,
        "SOZIALRAUM_HOME": str(settings.home),
        "SOZIALRAUM_DATA": str(settings.open_data),
        "SOZIALRAUM_REPORTS_PORT": str(settings.reports_port),
        "REGION": settings.region,
    }


def start(settings: Settings, *arguments: str, log: Path) -> subprocess.Popen:
    """Start a verb of the command line; what it prints goes to a file."""
    with log.open("w") as file:
        return subprocess.Popen(
            [*ENTRY, *arguments],
            cwd=PROJECT,
            env=environment(settings),
            stdout=file,
            stderr=subprocess.STDOUT,
        )


def wait_for(condition: Callable[[], bool], seconds: float, what: str) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, f"waited {seconds} s in vain for {what}"
        time.sleep(0.2)


def answers(address: str, port: int) -> bool:
    with socket.socket() as client:
        client.settimeout(2)
        return client.connect_ex((address, port)) == 0


def free_ports(number: int) -> list[int]:
    probes = [socket.socket() for _ in range(number)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def processes_of(settings: Settings) -> list[str]:
    """Processes that know this home: the UI hands it to all that it starts."""
    mark = f"SOZIALRAUM_HOME={settings.home}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (folder / "environ").read_bytes().split(b"\0"):
                found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()[:80])
        except OSError:
            continue
    return found


@pytest.fixture(scope="module")
def ui(berlin_data, tmp_path_factory) -> Iterator[Ui]:
    """The UI on a fresh home, with three years of the register and everything else."""
    root = tmp_path_factory.mktemp("ui")
    copy_data(berlin_data, root / "data", REGISTER_YEARS)
    port, reports_port = free_ports(2)
    settings = Settings(root / "home", "berlin", root / "data", reports_port, steckbriefe="kreis")
    log = root / "ui.log"
    process = start(settings, "ui", "--port", str(port), log=log)
    try:
        announced = f"Dagster UI on http://127.0.0.1:{port}"
        wait_for(lambda: announced in log.read_text() or process.poll() is not None, 90, "the UI")
        assert process.poll() is None, log.read_text()
        yield Ui(settings, port, process)
    finally:
        process.send_signal(signal.SIGINT)
        try:
            code = process.wait(40)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    assert code == 0, log.read_text()[-2000:]
    # A helper of Python's own ends when it sees that its parent has ended.
    wait_for(lambda: processes_of(settings) == [], 10, f"the end of {processes_of(settings)}")


@pytest.fixture(scope="module")
def two_runs(ui: Ui, tmp_path_factory) -> dict[str, list[dg.EventLogEntry]]:
    """The events of a run of the UI and of one of the command line, started at the same time."""
    log = tmp_path_factory.mktemp("cli") / "run.log"
    process = start(ui.settings, "run", log=log)
    try:
        launched = ui.launch(EDITION_JOB)
        with dg.DagsterInstance.from_config(str(ui.settings.dagster_home)) as instance:
            wait_for(lambda: process.poll() is not None, 600, "the run of the command line")
            assert process.returncode == 0, log.read_text()
            wait_for(lambda: instance.get_run_by_id(launched).is_finished, 600, "the UI's run")
            runs = instance.get_runs()
            assert [run.status for run in runs] == [dg.DagsterRunStatus.SUCCESS] * 2
            assert launched in {run.run_id for run in runs}
            return {run.run_id: list(instance.all_logs(run.run_id)) for run in runs}
    finally:
        process.kill()


def test_the_ui_and_the_command_line_wait_for_each_other(two_runs):
    steps = []
    for events in two_runs.values():
        times = [
            event.timestamp
            for event in events
            if event.is_dagster_event
            and event.get_dagster_event().event_type
            in (dg.DagsterEventType.STEP_START, dg.DagsterEventType.STEP_SUCCESS)
        ]
        assert len(times) > 2 * 10
        steps.append((min(times), max(times), min(event.timestamp for event in events)))
    first, second = sorted(steps)
    assert second[2] < first[1], "the second run began when the first had ended: nothing was shown"
    assert first[1] < second[0]


def test_both_runs_publish_the_same_complete_edition(ui, two_runs):
    editions = sorted(path for path in ui.settings.published.glob("berlin-*") if path.is_dir())
    assert len(editions) == 2
    current = ui.settings.published / "current"
    assert current.resolve() == editions[-1].resolve()
    hashes = set()
    for edition in editions:
        manifest = json.loads((edition / "manifest.json").read_text())
        hashes.add(manifest["content_hash"])
        files = {
            path.relative_to(edition).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in edition.rglob("*")
            if path.is_file() and path.name != "manifest.json"
        }
        assert files == {name: file["sha256"] for name, file in manifest["files"].items()}
        assert {"marts.duckdb", "sozialraum.gpkg", "parquet/dim_raum.parquet"} <= set(files)
    assert len(hashes) == 1
    known = [entry.edition for entry in read_ledger(ui.settings.release_ledger)]
    assert known == [edition.name for edition in editions]


def test_a_check_in_the_history_links_to_a_page_that_is_there(ui, two_runs):
    pages = {
        evaluation.metadata["data_docs"].value
        for events in two_runs.values()
        for event in events
        if event.is_dagster_event
        and event.get_dagster_event().event_type is dg.DagsterEventType.ASSET_CHECK_EVALUATION
        and "data_docs" in (evaluation := event.asset_check_evaluation).metadata
    }
    # One page for each gate, and one for each feed of the run that landed it.
    assert len(pages) == 3 + 11
    for page in pages:
        assert page.startswith(f"http://127.0.0.1:{ui.settings.reports_port}/")
        with urllib.request.urlopen(page, timeout=10) as answer:
            assert answer.headers.get_content_type() == "text/html"
            assert b"data-docs.css" in answer.read()


def test_the_data_docs_are_listed(ui, two_runs):
    with urllib.request.urlopen(ui.settings.report_url(""), timeout=10) as answer:
        listing = answer.read().decode()
    for page in ("plausibility/", "privacy/", "publication/", "arrival-einwohnerregister/"):
        assert f'href="{page}"' in listing


def test_nothing_but_this_machine_can_reach_the_ui(ui):
    """A server on all addresses would answer on every address of the machine."""
    others = ["127.0.0.2"]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing
            others.append(probe.getsockname()[0])
        except OSError:
            pass  # a machine without a network
    for port in (ui.port, ui.settings.reports_port):
        assert answers("127.0.0.1", port)
        assert [address for address in others if answers(address, port)] == []


@pytest.mark.parametrize("taken", ["the Dagster UI", "the Data Docs"])
def test_a_port_that_is_taken_is_named(ui, tmp_path, taken):
    (free,) = free_ports(1)
    docs = taken == "the Data Docs"
    settings = replace(ui.settings, reports_port=ui.settings.reports_port if docs else free)
    result = subprocess.run(
        [*ENTRY, "ui", "--port", str(free if docs else ui.port)],
        cwd=PROJECT,
        env=environment(settings),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 2
    port = ui.settings.reports_port if docs else ui.port
    assert f"port {port} for {taken}" in result.stderr
    assert "To do:" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_killed_run_does_not_block_the_queue(tmp_path):
    """Its process is gone, so nobody reported its end; the queue would wait for it for ever."""
    settings = Settings(tmp_path / "home", "berlin")
    prepare(settings)

    def status(run_id: str) -> dg.DagsterRunStatus:
        with dg.DagsterInstance.from_config(str(settings.dagster_home)) as instance:
            return instance.get_run_by_id(run_id).status

    run = dg.DagsterRun(EDITION_JOB, str(uuid.uuid4()), status=dg.DagsterRunStatus.STARTED)
    with dg.DagsterInstance.from_config(str(settings.dagster_home)) as instance:
        instance.add_run(run)
    settings.lock.write_text(run.run_id)
    with hold(settings.lock, print):  # it runs: another process may be made ready meanwhile
        prepare(settings)
    assert status(run.run_id) == dg.DagsterRunStatus.STARTED
    prepare(settings)
    assert status(run.run_id) == dg.DagsterRunStatus.FAILURE
