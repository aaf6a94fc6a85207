"""What all tests share: where the open data lies, and which of them are run side by side."""

import os
from pathlib import Path

import pytest

OF_THEIR_OWN = ("dbt_units", "faults", "partner", "pulling", "real_samples", "ui")
"""Integration tests that read no edition of the session's fixtures."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log):
    """Hand each file to one process, and all that read the same editions to the same one.

    Otherwise each process would run the whole warehouse for its own.
    """
    from xdist.scheduler import LoadScopeScheduling

    class Lanes(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = Path(nodeid.split("::", maxsplit=1)[0])
            own = file.stem.removeprefix("test_") in OF_THEIR_OWN
            return "editions" if file.parent.name == "integration" and not own else str(file)

    return Lanes(config, log)


@pytest.fixture(scope="session")
def berlin_data() -> Path:
    """The open data of Berlin; tests that need it are skipped, visibly, without it."""
    folder = Path(os.environ.get("SOZIALRAUM_DATA") or "-") / "berlin"
    if not folder.is_dir():
        pytest.skip("SOZIALRAUM_DATA has no berlin/: the open data is not here")
    return folder.resolve()
