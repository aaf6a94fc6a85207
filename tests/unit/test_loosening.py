"""A policy that is looser than the last edition's is named, rule by rule."""

import copy

import pytest

from disclosure.loosening import Loosening, loosenings, undecided

POLICY = {
    "decided_by": "Landrat",
    "decided_on": "2026-01-01",
    "thresholds": [
        {"thema": "arbeit", "max_sensitive": 9, "min_nenner": 100, "summen": [], "reason": "BA"},
        {"thema": "wohnen", "max_sensitive": 0, "min_nenner": 50, "summen": [], "reason": "no"},
    ],
    "summen": {"art": "veroeffentlichte_teile", "reason": "so"},
    "komplement": {"bis": 2, "themen": ["arbeit"], "ausser": [], "reason": "so"},
    "homogenitaet": {"ab": 3, "themen": ["arbeit"], "reason": "so"},
    "kombination": {"hoechstens": 3, "bis": 9, "themen": ["arbeit"], "reason": "so"},
    "nie_unterhalb": [{"merkmale": ["blind", "taub"], "ebene": 1, "reason": "so"}],
    "attackers": ["A0", "A1", "A2"],
    "neue_regel": 5,
}


def changed(path: list, value) -> dict:
    """The policy with another value at one place; None removes it."""
    policy = copy.deepcopy(POLICY)
    place = policy
    for step in path[:-1]:
        place = place[step]
    if value is None:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return policy


LOOSER = [
    (["thresholds", 0, "max_sensitive"], 4, ("thresholds.arbeit.max_sensitive", 9, 4)),
    (["thresholds", 0, "min_nenner"], 30, ("thresholds.arbeit.min_nenner", 100, 30)),
    (["thresholds", 0, "summen"], ["alter"], ("thresholds.arbeit.summen.alter", None, True)),
    (["summen", "art"], "vollstaendig", ("summen.art", "veroeffentlichte_teile", "vollstaendig")),
    (["komplement", "bis"], 1, ("komplement.bis", 2, 1)),
    (["homogenitaet", "ab"], 5, ("homogenitaet.ab", 3, 5)),
    (["komplement", "themen"], [], ("komplement.themen.arbeit", True, None)),
    (["komplement", "ausser"], ["alg"], ("komplement.ausser.alg", None, True)),
    (["kombination", "hoechstens"], 4, ("kombination.hoechstens", 3, 4)),
    (["kombination", "bis"], 8, ("kombination.bis", 9, 8)),
    (["nie_unterhalb", 0, "merkmale"], ["taub"], ("nie_unterhalb.blind.ebene", 1, None)),
    (["attackers"], ["A0", "A1"], ("attackers.A2", True, None)),
    (["neue_regel"], 6, ("neue_regel", 5, 6)),
    (["neue_regel"], None, ("neue_regel", 5, None)),
]


@pytest.mark.parametrize(("path", "value", "rule"), LOOSER)
def test_a_looser_rule_is_named(path, value, rule):
    assert loosenings(POLICY, changed(path, value)) == [Loosening(*rule)]


STRICTER = [
    (["thresholds", 0, "max_sensitive"], 10),
    (["thresholds", 1], None),  # of a theme without thresholds nothing leaves
    (["homogenitaet", "ab"], 2),
    (["kombination", "hoechstens"], 2),
    (["kombination", "themen"], ["arbeit", "wohnen"]),
    (["nie_unterhalb", 0, "ebene"], 0),
    (["attackers"], ["A0", "A1", "A2", "M"]),
    (["decided_on"], "2027-01-01"),
    (["noch_eine_regel"], 1),
]


@pytest.mark.parametrize(("path", "value"), STRICTER)
def test_a_stricter_rule_needs_no_decision(path, value):
    assert loosenings(POLICY, changed(path, value)) == []


def test_a_whole_rule_that_is_gone_is_looser_in_all_its_parts():
    rules = {one.regel for one in loosenings(POLICY, changed(["kombination"], None))}
    assert rules == {"kombination.hoechstens", "kombination.bis", "kombination.themen.arbeit"}


def test_a_recorded_decision_covers_one_step_of_one_rule():
    looser = changed(["thresholds", 0, "max_sensitive"], 4)
    decision = {"regel": "thresholds.arbeit.max_sensitive", "von": 9, "auf": 4}
    assert undecided(POLICY, looser) == loosenings(POLICY, looser)
    assert undecided(POLICY, {**looser, "lockerungen": [decision]}) == []
    assert undecided(POLICY, {**looser, "lockerungen": [{**decision, "auf": 5}]})
    assert undecided(POLICY, {**looser, "lockerungen": [{**decision, "von": 12}]})
