"""The agreed definitions compute what was agreed: dbt's unit tests, beside the models.

A region has the tests of the models that it has; their rows are given, so that no data is needed.
"""

import pytest

from orchestration.models import read_manifest
from orchestration.settings import Settings
from orchestration.warehouse import run_dbt

EVERYWHERE = {
    "a_cell_says_why_it_has_no_number",
    "anteil_unter_18_counts_whole_years_below_18",
}
COUNTIES = EVERYWHERE | {
    "auslaenderanteil_counts_foreigners_of_the_register",
    "betreuungsquote_takes_the_nearest_children_of_the_same_gebietsstand",
    "pflegequote_rests_on_the_fortschreibung_of_the_kommune",
    "postal_voters_are_distributed_by_those_entitled",
}
TESTS = {
    "berlin": EVERYWHERE | {"kita_quota_takes_the_last_children_and_says_when_they_are_too_old"},
    "aachen": COUNTIES
    | {
        "households_are_told_apart",
        "late_bookings_are_cut",
        "register_persons_are_decoded_by_the_declared_rules",
        "what_the_areas_of_a_total_lack_goes_to_the_pseudo_area",
    },
    "rbk": COUNTIES | {"bewertung_stays_a_class", "postcodes_are_distributed_in_whole_persons"},
}


@pytest.mark.parametrize("region", TESTS)
def test_unit_tests_of_the_definitions_pass(region, tmp_path):
    settings = Settings(tmp_path / "home", region)
    read_manifest(settings)
    results = run_dbt(settings, "test", "--select", "test_type:unit").result.results
    statuses = {result.node.name: str(result.status) for result in results}
    assert statuses == dict.fromkeys(TESTS[region], "pass")
