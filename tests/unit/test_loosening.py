"""A policy that is looser than the last edition's is named, rule by rule."""

import copy
from typing import get_args

import pytest
from pydantic import BaseModel

from disclosure.loosening import Loosening, loosenings, undecided, undecided_of_measures
from disclosure.policy import Policy

POLICY = {
    "decided_by": "Landrat",
    "decided_on": "2026-01-01",
    "thresholds": [
        {
            "thema": "arbeit",
            "max_sensitive": 9,
            "max_sensitive_klein": 12,
            "min_nenner": 100,
            "min_einwohner": 300,
            "summen": [],
            "reason": "BA",
        },
        {"thema": "wohnen", "max_sensitive": 0, "min_nenner": 50, "summen": [], "reason": "no"},
    ],
    "summen": {"art": "veroeffentlichte_teile", "reason": "so"},
    "komplement": {"bis": 2, "themen": ["arbeit"], "ausser": [], "reason": "so"},
    "homogenitaet": {"ab": 3, "themen": ["arbeit"], "reason": "so"},
    "kombination": {"hoechstens": 3, "bis": 9, "themen": ["arbeit"], "reason": "so"},
    "nie_unterhalb": [{"merkmale": ["blind"], "ebene": 1, "reason": "so"}],
    "attackers": ["A0", "A1", "A2"],
    "raum": {"dimension": "raum", "kommunen": 1},
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
    (["thresholds", 0, "max_sensitive_klein"], 9, ("thresholds.arbeit.max_sensitive_klein", 12, 9)),
    (["thresholds", 0, "min_einwohner"], 0, ("thresholds.arbeit.min_einwohner", 300, 0)),
    (["thresholds", 0, "min_nenner"], 30, ("thresholds.arbeit.min_nenner", 100, 30)),
    (["thresholds", 0, "summen"], ["alter"], ("thresholds.arbeit.summen.alter", None, True)),
    (["summen", "art"], "vollstaendig", ("summen.art", "veroeffentlichte_teile", "vollstaendig")),
    (["komplement", "bis"], 1, ("komplement.bis", 2, 1)),
    (["homogenitaet", "ab"], 5, ("homogenitaet.ab", 3, 5)),
    (["homogenitaet", "themen"], [], ("homogenitaet.themen.arbeit", True, None)),
    (["homogenitaet", "ausser"], ["elb"], ("homogenitaet.ausser.elb", None, True)),
    (["kombination", "themen"], [], ("kombination.themen.arbeit", True, None)),
    (["kombination", "ausser"], ["elb"], ("kombination.ausser.elb", None, True)),
    (["komplement", "themen"], [], ("komplement.themen.arbeit", True, None)),
    (["komplement", "ausser"], ["alg"], ("komplement.ausser.alg", None, True)),
    (["kombination", "hoechstens"], 4, ("kombination.hoechstens", 3, 4)),
    (["kombination", "bis"], 8, ("kombination.bis", 9, 8)),
    (["nie_unterhalb", 0, "merkmale"], [], ("nie_unterhalb.blind.ebene", 1, None)),
    (["nie_unterhalb", 0, "ebene"], 2, ("nie_unterhalb.blind.ebene", 1, 2)),
    (["raum", "dimension"], "ort", ("raum.dimension", "raum", "ort")),  # M would attack elsewhere
    (["raum", "kommunen"], 2, ("raum.kommunen", 1, 2)),
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


# --- by measure -----------------------------------------------------------------------------


def themes(**numbers: int | tuple[int, int]) -> dict:
    """A policy of themes: up to which count each withholds, and up to which in small areas."""
    both = {t: n if isinstance(n, tuple) else (n, 0) for t, n in numbers.items()}
    rules = [
        {"thema": t, "max_sensitive": n, "max_sensitive_klein": k} for t, (n, k) in both.items()
    ]
    return {"thresholds": rules}


def decided(policy: dict, regel: str, von: int, auf: int) -> dict:
    return {**policy, "lockerungen": [{"regel": regel, "von": von, "auf": auf}]}


FIRST = (themes(bildung=2), {"abgaenge": {"bildung": (2, 2)}})
TO_SCHULE = ("thresholds.schule.max_sensitive", 2, 0)
BACK = ("thresholds.bildung.max_sensitive", 2, 0)


def of_abgaenge(editions: list, now: dict, *own: str) -> list[Loosening]:
    return undecided_of_measures(editions, now, {"abgaenge": own, "neu": own})


def test_a_theme_replaced_by_a_looser_one_needs_a_decision():
    now = themes(schule=0)
    assert loosenings(FIRST[0], now) == []  # which is why each measure is compared as well
    assert of_abgaenge([FIRST], now, "schule") == [Loosening(*TO_SCHULE)]
    assert of_abgaenge([FIRST], decided(now, *TO_SCHULE), "schule") == []
    assert of_abgaenge([FIRST], themes(schule=2), "schule") == []
    assert of_abgaenge([FIRST], themes(schule=5), "schule") == []


def test_a_theme_that_was_missing_from_one_edition_needs_a_decision():
    without = (themes(wohnen=0), {})
    assert of_abgaenge([FIRST, without], themes(bildung=0), "bildung") == [Loosening(*BACK)]
    assert of_abgaenge([FIRST, without], themes(bildung=2), "bildung") == []


def test_a_measure_that_goes_to_another_theme_needs_a_decision():
    both = themes(bildung=2, angebote=0)
    edition = (both, {"abgaenge": {"bildung": (2, 2)}})
    (found,) = of_abgaenge([edition], both, "bildung", "angebote")
    assert found == Loosening("thresholds.angebote.max_sensitive", 2, 0)
    under_both = (both, {"abgaenge": {"bildung": (2, 2), "angebote": (0, 0)}})
    assert of_abgaenge([edition, under_both], both, "bildung", "angebote") == []


def test_what_was_decided_since_a_measure_was_last_protected_stays_decided():
    once = (decided(themes(bildung=0), *BACK), {})  # in no release any more
    assert of_abgaenge([FIRST, once], themes(bildung=0), "bildung") == []
    again = (themes(bildung=2), FIRST[1])
    assert of_abgaenge([FIRST, once, again], themes(bildung=0), "bildung") == [Loosening(*BACK)]
    nine = (themes(bildung=9), {"abgaenge": {"bildung": (9, 9)}})
    step = (decided(themes(bildung=2), BACK[0], 9, 2), {})
    assert of_abgaenge([nine, step, once], themes(bildung=0), "bildung") == []
    assert of_abgaenge([nine, step], themes(bildung=0), "bildung")


def test_the_number_of_small_areas_is_compared_where_they_had_their_own():
    strict = (themes(arbeit=(2, 9)), {"abgaenge": {"arbeit": (2, 9)}})
    klein = "thresholds.sgb2.max_sensitive_klein"
    assert of_abgaenge([strict], themes(sgb2=(2, 4)), "sgb2") == [Loosening(klein, 9, 4)]
    assert of_abgaenge([strict], themes(sgb2=9), "sgb2") == []
    plain = (themes(arbeit=4), {"abgaenge": {"arbeit": (4, 4)}})
    (only,) = of_abgaenge([plain], themes(sgb2=2), "sgb2")
    assert only == Loosening("thresholds.sgb2.max_sensitive", 4, 2)


# --- the rules themselves -------------------------------------------------------------------


NO_RULE = {"decided_by", "decided_on", "reason", "thema", "lockerungen"}


def keys_of(model: type[BaseModel], above: str = "") -> set[str]:
    """The keys of a model that are rules, those of models within it with what they stand under."""
    keys = set()
    for name, field in model.model_fields.items():
        inner = [one for one in get_args(field.annotation) or [field.annotation] if is_model(one)]
        if name not in NO_RULE:
            keys |= keys_of(inner[0], f"{above}{name}.") if inner else {f"{above}{name}"}
    return keys


def is_model(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def test_every_key_of_a_policy_is_among_what_is_looser():
    """What is new in the policy has to be tried above: nobody shall forget which way is looser."""
    tried = {".".join(step for step in path if isinstance(step, str)) for path, *_ in LOOSER}
    assert tried - {"neue_regel"} == keys_of(Policy)
