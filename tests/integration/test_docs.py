"""Every command of the docs is run beside a county, every query on an edition of Berlin."""

import os
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from orchestration.settings import PROJECT

PAGES = [PROJECT / "README.md", *sorted((PROJECT / "docs").glob("*.md"))]


OF_THE_DEFAULT_REGION = ("abfragen.md",)
OF_POSTGIS = ("dienst.md", "postgis.md")
"""Pages whose queries are none for Berlin; those for PostGIS are run in the tests of the target."""


def blocks(language: str, pages: Iterable[Path] = PAGES) -> list[tuple[str, str]]:
    """All fenced blocks of a language, with where they stand."""
    found = []
    for page in pages:
        text = page.read_text(encoding="utf-8")
        for match in re.finditer(rf"^```{language}\n(.*?)^```", text, flags=re.S | re.M):
            line = text[: match.start()].count("\n") + 1
            found.append((f"{page.name}:{line}", match[1]))
    return found


@pytest.fixture(scope="module")
def project_beside_an_edition(aachen, tmp_path_factory) -> Path:
    """The project as a reader has it: its files, .venv, and var/ with an edition."""
    folder = tmp_path_factory.mktemp("project")
    for path in PROJECT.iterdir():
        if path.name not in (".venv", "var", ".git"):
            (folder / path.name).symlink_to(path)
    (folder / ".venv").symlink_to(sys.prefix)
    (folder / "var").symlink_to(aachen.settings.home)
    return folder


@pytest.mark.parametrize(
    "command", [pytest.param(body, id=where) for where, body in blocks("bash")]
)
def test_command_works(project_beside_an_edition, command):
    own = {"SOZIALRAUM_HOME": "", "REGION": "", "SCALE": "", "STECKBRIEFE": ""}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        cwd=project_beside_an_edition,
        env={**os.environ, **own},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]


def queries(*, of_the_default_region: bool) -> list:
    """The queries of the pages, as parameters."""
    pages = [
        page
        for page in PAGES
        if page.name not in OF_POSTGIS
        and (page.name in OF_THE_DEFAULT_REGION) == of_the_default_region
    ]
    return [pytest.param(body, id=where) for where, body in blocks("sql", pages)]


@pytest.mark.parametrize("query", queries(of_the_default_region=False))
def test_query_returns_rows(berlin, query):
    assert berlin.published(query)


@pytest.mark.parametrize("query", queries(of_the_default_region=True))
def test_query_of_the_default_region_returns_rows(aachen, query):
    assert aachen.published(query)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target
