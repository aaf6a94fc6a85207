"""The agreed definitions compute what was agreed: dbt's unit tests, beside the models.

A region has the tests of the models that it has; their rows are given, so that no data is needed.
Each test runs once, in the first region that has its model.
"""

import pytest
import yaml

from orchestration.models import read_manifest
from orchestration.settings import PROJECT, Settings
from orchestration.warehouse import run_dbt

REGIONS = ("aachen", "rbk", "berlin")


@pytest.fixture(scope="module")
def settings(tmp_path_factory) -> dict[str, Settings]:
    """A home for each region, without data."""
    return {region: Settings(tmp_path_factory.mktemp(region), region) for region in REGIONS}


@pytest.fixture(scope="module")
def tests(settings) -> dict[str, set[str]]:
    """Names of the unit tests that run in each region."""
    shared: dict[str, set[str]] = {}
    seen: set[str] = set()
    for region in REGIONS:
        raw = read_manifest(settings[region]).raw
        names = {test["name"] for test in raw["unit_tests"].values()}
        shared[region], seen = names - seen, seen | names
    return shared


def test_no_unit_test_is_left_out(tests):
    files = (PROJECT / "dbt_project" / "models").rglob("*.yml")
    contents = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in files]
    written = [test["name"] for content in contents for test in content.get("unit_tests", [])]
    assert len(written) == len(set(written))
    assert set().union(*tests.values()) == set(written)


@pytest.mark.parametrize("region", REGIONS)
def test_unit_tests_of_the_definitions_pass(region, settings, tests):
    names = sorted(tests[region])
    assert names
    results = run_dbt(settings[region], "test", "--select", *names).result.results
    statuses = {result.node.name: str(result.status) for result in results}
    assert statuses == dict.fromkeys(names, "pass")
