"""What all tests share: where the open data lies, and which of them are run side by side."""

import os
from pathlib import Path

import pytest

OF_THEIR_OWN = (
    "faults",
    "partners_fail",
    "ui",
    "partner",
    "dbt_units",
    "pulling",
    "real_samples",
)
"""Integration tests that read no edition of the session's fixtures, the longest first."""


def pytest_configure(config: pytest.Config) -> None:
    """Keep the order in which files were collected: by time, not by number of tests."""
    if hasattr(config.option, "loadscopereorder"):
        config.option.loadscopereorder = False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with whole runs, so that no lane waits for another at the end."""
    items.sort(key=lambda item: _place(item.path))


def _place(path: Path) -> tuple[bool, int]:
    """Editions and the integration tests in their order, then all unit tests."""
    name = path.stem.removeprefix("test_")
    if path.parent.name != "integration":
        return True, 0
    return False, OF_THEIR_OWN.index(name) + 1 if name in OF_THEIR_OWN else 0


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
