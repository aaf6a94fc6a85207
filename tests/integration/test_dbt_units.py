"""The agreed definitions compute what was agreed: dbt's unit tests, beside the indicators."""

from orchestration.warehouse import run_dbt


def test_unit_tests_of_the_definitions_pass(berlin):
    results = run_dbt(berlin.settings, "test", "--select", "test_type:unit").result.results
    assert {result.node.name: str(result.status) for result in results} == {
        "anteil_unter_18_counts_whole_years_below_18": "pass",
        "kita_quota_takes_the_last_children_and_says_when_they_are_too_old": "pass",
    }
