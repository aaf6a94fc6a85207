"""One run at a time. A run holds a file lock from its first step to its end, so that runs of
the UI and of the command line wait for each other: Dagster's queue does not see the latter.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg

from orchestration.settings import Settings


def run_lock(settings: Settings) -> dg.ResourceDefinition:
    """Return the resource that every writing step requires."""

    @dg.resource(description="Held by the one run that writes")
    def resource(context: dg.InitResourceContext) -> Iterator[Path]:
        with hold(settings.lock, context.log.info):
            yield settings.lock

    return resource


@contextmanager
def hold(path: Path, tell) -> Iterator[None]:
    """Hold the lock; wait for whoever has it, and say so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            tell("another run is writing; waiting until it has ended")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
