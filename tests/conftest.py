"""What all tests share: where the open data lies, and a visible skip where it does not."""

import os
from pathlib import Path

import pytest

HOMES = {
    "aachen": "counties",
    "rbk": "counties",
    "small_berlin": "small",
    "ui": "ui",
    "berlin": "berlin",
}
"""Fixtures that run the whole warehouse; the tests of each are one lane, so that it is run once."""


@pytest.hookimpl(tryfirst=True)  # before the lanes are read
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tell tests that run side by side which of them share what was made for them."""
    for item in items:
        names = list(getattr(item, "fixturenames", ()))
        if "request" in names and hasattr(item, "callspec"):  # a fixture named by a parameter
            names += [value for value in item.callspec.params.values() if isinstance(value, str)]
        shared = next((lane for name, lane in HOMES.items() if name in names), item.path.stem)
        item.add_marker(pytest.mark.xdist_group(shared))


@pytest.fixture(scope="session")
def berlin_data() -> Path:
    """The open data of Berlin; tests that need it are skipped, visibly, without it."""
    folder = Path(os.environ.get("SOZIALRAUM_DATA") or "-") / "berlin"
    if not folder.is_dir():
        pytest.skip("SOZIALRAUM_DATA has no berlin/: the open data is not here")
    return folder.resolve()
