"""What all tests share: where the open data lies, and a visible skip where it does not."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def berlin_data() -> Path:
    """The open data of Berlin; tests that need it are skipped, visibly, without it."""
    folder = Path(os.environ.get("SOZIALRAUM_DATA") or "-") / "berlin"
    if not folder.is_dir():
        pytest.skip("SOZIALRAUM_DATA has no berlin/: the open data is not here")
    return folder.resolve()
