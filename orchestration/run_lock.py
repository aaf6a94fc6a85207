"""One run at a time. A run holds a file lock from its first step to its end, so that runs of
the UI and of the command line wait for each other: Dagster's queue does not see the latter.

The lock goes with its process. A process that was killed leaves its run behind as started,
though, and Dagster's queue would wait for it for ever. So a run writes its id into the lock
file; whoever gets the lock and finds an id there reports that run as failed.
"""

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import dagster as dg

from orchestration.settings import Settings


def run_lock(settings: Settings) -> dg.ResourceDefinition:
    """Return the resource that every writing step requires."""

    @dg.resource(description="Held by the one run that writes")
    def resource(context: dg.InitResourceContext) -> Iterator[Path]:
        with hold(settings.lock, context.log.info) as file:
            report_killed(context.instance, _read(file))
            _write(file, context.run.run_id if context.run else "")
            try:
                yield settings.lock
            finally:
                _write(file, "")

    return resource


@contextmanager
def hold(path: Path, tell: Callable[[str], None]) -> Iterator[TextIO]:
    """Hold the lock; wait for whoever has it, and say so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        if not _take(file):
            tell("another run is writing; waiting until it has ended")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield file


def killed_run(path: Path) -> str:
    """Return the id of the run that held the lock last, if its process was killed."""
    with path.open("a+") as file:
        return _read(file) if _take(file) else ""


def report_killed(instance: dg.DagsterInstance, run_id: str) -> None:
    """Report a run as failed whose process is gone."""
    run = instance.get_run_by_id(run_id) if run_id else None
    if run and not run.is_finished:
        instance.report_run_failed(run, "Its process was killed; the last edition stays.")


def _take(file: TextIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read(file: TextIO) -> str:
    file.seek(0)
    return file.read()


def _write(file: TextIO, text: str) -> None:
    file.truncate(0)
    file.write(text)
    file.flush()
