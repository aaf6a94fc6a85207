"""The rules of a policy beside the minimum frequency: what they withhold, and what they leave."""

import numpy as np
import pyarrow as pa
import pytest

from disclosure.audit import audit_release
from disclosure.engine import protect_release
from disclosure.engine.primary import cells_that_stay, small_differences
from disclosure.policy import Policy
from disclosure.release import Release, ReleaseError
from disclosure.specification import make_release

GEO = [["M1", "Total"], *([f"S{i}", "M1"] for i in range(4)), ["M2", "Total"]]
GEO += [[f"S{i}", "M2"] for i in range(4, 8)]
AREAS = [f"S{i}" for i in range(8)]


def policy(**rules) -> Policy:
    numbers = {"max_sensitive": 2, "min_nenner": 0, "min_einwohner": 0, "reason": "x"}
    thresholds = [{"thema": thema, **numbers} for thema in ("soziales", "sonst")]
    raum = {"dimension": "geo"}
    facts = {"decided_by": "Kreis", "decided_on": "2026-01-01", "raum": raum}
    return Policy.model_validate({**facts, "thresholds": thresholds, **rules})


def release(counts: dict[str, list[int]], parts: dict[str, str] | None = None, **more) -> Release:
    """Measures over eight areas; `parts`: which is a part of which; `anders` has another theme."""
    measures = {
        name: {
            "maxN": 2,
            "tables": [["geo"]],
            "thema": "sonst" if name == "anders" else "soziales",
        }
        | ({"part_of": {"measure": parts[name]}} if parts and name in parts else {})
        for name in counts
    }
    return make_release(
        {"dims": {"geo": GEO}, "measures": measures, **more}, pa.table({"geo": AREAS, **counts})
    )


def pairs(alle: list[int], teil: list[int]) -> Release:
    return release({"alle": alle, "teil": teil}, {"teil": "alle"})


def keys(table: pa.Table) -> set[tuple[str, str]]:
    return {(row["measure"], row["geo"]) for row in table.to_pylist()}


def withheld(pattern: pa.Table) -> set[tuple[str, str]]:
    return {(r.get("measure", "n"), r["geo"]) for r in pattern.to_pylist() if r["suppressed"]}


def test_thresholds_of_the_policy_hold_where_the_specification_asks_for_less():
    """A specification that names a theme cannot ask for less than the theme's thresholds."""
    small = {"dimension": "geo", "codes": ["S1", "S2"]}
    shown = release({"alle": [5, 5, 20, 30, 40, 50, 60, 70]}, small_areas=small)
    numbers = {"max_sensitive": 2, "max_sensitive_klein": 9, "min_nenner": 0, "min_einwohner": 0}
    strict = policy(thresholds=[{"thema": "soziales", **numbers, "reason": "x"}])
    loose = protect_release(shown, policy=policy()).pattern
    assert audit_release(shown, loose, policy=policy()).passed
    assert not withheld(loose)
    audit = audit_release(shown, loose, policy=strict)
    assert not audit.passed
    assert "S1" in audit.text
    pattern = protect_release(shown, policy=strict).pattern
    assert audit_release(shown, pattern, policy=strict).passed
    primary = [row["geo"] for row in pattern.to_pylist() if row["primary"]]
    assert primary == ["S1"]  # S0 counts 5 as well, but is no small area


def bounds_of_rest(shown: Release, pattern: pa.Table, area: str) -> tuple[float, float]:
    """Return what is left of whole minus part in an area, straight from the published counts."""
    from scipy.optimize import linprog

    rows = [r for r in pattern.to_pylist() if not r["suppressed"]]
    path = shown.dimensions["geo"].path
    equal = np.array(
        [
            [r["measure"] == m and r["geo"] in path(a) for m in ("alle", "teil") for a in AREAS]
            for r in rows
        ],
        dtype=float,
    )
    more = np.hstack([-np.eye(8), np.eye(8)])
    wanted = -more[AREAS.index(area)]
    ends = [
        linprog(s * wanted, more, np.zeros(8), equal, [r["n"] for r in rows]).fun for s in (1, -1)
    ]
    return np.ceil(ends[0] - 1e-6), np.floor(-ends[1] + 1e-6)


COMPLEMENT = {"bis": 2, "themen": ["soziales"], "reason": "wer fehlt"}
ALIKE = {"ab": 3, "themen": ["soziales"], "reason": "alle gleich"}
MEET = {"hoechstens": 3, "bis": 9, "themen": ["soziales"], "reason": "Häufung"}
NEVER = {"merkmale": ["a"], "ebene": 1, "reason": "Merkzeichen"}


def test_a_small_complement_is_not_told():
    shown = pairs([20, 30, 25, 40, 50, 50, 50, 50], [19, 9, 8, 7, 10, 10, 10, 10])
    assert not withheld(protect_release(shown).pattern)
    rules = policy(komplement=COMPLEMENT)
    pattern = protect_release(shown, policy=rules).pattern
    assert {("alle", "S0"), ("teil", "S0")} & withheld(pattern)
    low, high = bounds_of_rest(shown, pattern, "S0")
    assert low < high and high >= 3
    assert audit_release(shown, pattern, policy=rules).passed


def test_a_pattern_that_tells_a_small_complement_falls():
    shown = pairs([20, 30, 25, 40, 50, 50, 50, 50], [19, 9, 8, 7, 10, 10, 10, 10])
    audit = audit_release(
        shown, protect_release(shown).pattern, policy=policy(komplement=COMPLEMENT)
    )
    assert not audit.passed
    assert "S0" in audit.text and "teil" in audit.text and "19" not in audit.text


def test_the_limit_of_a_complement_is_the_policys():
    shown = pairs([20, 30, 25, 40, 50, 50, 50, 50], [15, 9, 8, 7, 10, 10, 10, 10])
    assert not withheld(protect_release(shown, policy=policy(komplement=COMPLEMENT)).pattern)
    rules = policy(komplement={**COMPLEMENT, "bis": 5})
    (found,) = small_differences(shown, rules)
    assert found.rest.tolist() == [5]
    pattern = protect_release(shown, policy=rules).pattern
    low, high = bounds_of_rest(shown, pattern, "S0")
    assert low < high and high >= 6


def test_a_complement_that_everybody_knows_is_named():
    shown = pairs([20, 0, 0, 0, 0, 0, 0, 0], [19, 0, 0, 0, 0, 0, 0, 0])
    given = pa.table({"measure": ["alle", "teil"], "geo": ["Total", "Total"], "n": [20, 19]})
    evidence = protect_release(shown, policy=policy(komplement=COMPLEMENT), given=given).evidence
    named = {(row["measure"], row.get("without"), row["geo"]) for row in evidence["unsatisfiable"]}
    assert ("alle", "teil", "Total") in named


def test_a_group_that_is_all_alike_is_withheld():
    shown = pairs([5, 2, 25, 40, 50, 50, 50, 50], [5, 2, 8, 7, 10, 10, 10, 10])
    rules = policy(homogenitaet=ALIKE)
    assert keys(cells_that_stay(shown, rules)) == {("teil", "S0")}
    result = protect_release(shown, policy=rules)
    assert ("teil", "S0") in withheld(result.pattern)
    assert audit_release(shown, result.pattern, policy=rules).passed
    plain = protect_release(pairs([5, 9, *[50] * 6], [5, 8, *[10] * 6])).pattern
    audit = audit_release(pairs([5, 9, *[50] * 6], [5, 8, *[10] * 6]), plain, policy=rules)
    assert not audit.passed and "S0" in audit.text


def test_where_too_many_small_counts_meet_none_is_given():
    many = {f"m{i}": [4, 4 if i < 3 else 30, 30, 30, 30, 30, 30, 0] for i in range(4)}
    shown = release({**many, "anders": [4, 30, 30, 30, 30, 30, 30, 30]})
    rules = policy(kombination=MEET)
    assert keys(cells_that_stay(shown, rules)) == {(name, "S0") for name in many}
    pattern = protect_release(shown, policy=rules).pattern
    assert {(name, "S0") for name in many} <= withheld(pattern)
    assert not any(measure == "anders" for measure, _ in withheld(pattern))
    assert audit_release(shown, pattern, policy=rules).passed
    assert not audit_release(shown, protect_release(shown).pattern, policy=rules).passed


def test_a_zero_that_a_printed_zero_tells_is_not_withheld():
    few = {f"m{i}": [4, 30, 30, 30, 30, 30, 30, 30] for i in range(4)}
    shown = release({**few, "nichts": [0, 0, 0, 0, 30, 30, 30, 30], "wenig": [0, 30, *[30] * 6]})
    rules = policy(kombination=MEET)
    stay = keys(cells_that_stay(shown, rules))
    assert ("wenig", "S0") in stay
    assert not any(measure == "nichts" for measure, _ in stay)
    pattern = protect_release(shown, policy=rules).pattern
    assert not any(measure == "nichts" for measure, _ in withheld(pattern))
    assert audit_release(shown, pattern, policy=rules).passed


def test_counts_that_do_not_bear_an_attribute_do_not_meet():
    many = {f"m{i}": [4, 30, 30, 30, 30, 30, 30, 30] for i in range(4)}
    rules = policy(kombination={**MEET, "ausser": ["m0"]})
    assert cells_that_stay(release(many), rules) is None
    areas = {"dimension": "geo", "codes": ["S1"]}
    assert cells_that_stay(release(many, small_areas=areas), policy(kombination=MEET)) is None


def test_small_areas_have_a_threshold_of_their_own():
    counts = [5, 5, 30, 30, 30, 30, 30, 30]
    declared = {"maxN": 2, "maxNSmall": 9, "tables": [["geo"]]}
    areas = {"dimension": "geo", "codes": [a for a in AREAS if a != "S1"]}
    shown = make_release(
        {"dims": {"geo": GEO}, "small_areas": areas, **declared},
        pa.table({"geo": AREAS, "n": counts}),
    )
    pattern = protect_release(shown).pattern
    primary = {r["geo"] for r in pattern.to_pylist() if r["primary"]}
    assert primary == {"S0"}
    assert audit_release(shown, pattern).passed
    open_ = pattern.set_column(
        pattern.column_names.index("suppressed"), "suppressed", pa.array([0] * len(pattern))
    )
    assert not audit_release(shown, open_).passed


def test_what_never_leaves_in_small_areas_stays_with_its_zeros():
    shown = release({"a": [0, 30, 30, 30, 30, 30, 30, 30], "b": [30] * 8})
    rules = policy(nie_unterhalb=[NEVER])
    assert keys(cells_that_stay(shown, rules)) == {("a", area) for area in AREAS}
    pattern = protect_release(shown, policy=rules).pattern
    assert withheld(pattern) == {("a", a) for a in AREAS}
    assert audit_release(shown, pattern, policy=rules).passed
    assert not audit_release(shown, protect_release(shown).pattern, policy=rules).passed


def test_keys_handed_in_stay_with_their_width_and_twice_is_as_once():
    shown = release({"a": [30] * 8, "b": [30] * 8})
    rules = policy(nie_unterhalb=[NEVER])
    own = pa.table({"measure": ["b", "a"], "geo": ["S0", "S1"], "width": [7, 3]})
    once = cells_that_stay(shown, rules, own)
    width = {(r["measure"], r["geo"]): r["width"] for r in once.to_pylist()}
    assert width[("b", "S0")] == 7 and width[("a", "S1")] == 3 and width[("a", "S2")] == 0
    assert cells_that_stay(shown, rules, once).equals(once)


def test_small_amounts_are_no_few_persons():
    """Three carriers with amounts of 1 to 3 in each area: nobody is counted, so nothing meets."""
    rows = [(area, holder, float(n)) for area in AREAS for n, holder in enumerate("abc", 1)]
    names = ("geo", "holder", "value")
    cells = pa.table({name: [row[i] for row in rows] for i, name in enumerate(names)})
    declared = {"dims": {"geo": GEO}, "kind": "magnitude", "p": 10, "minContributors": 3}
    declared["measures"] = {"m": {"tables": [["geo"]], "thema": "soziales", "column": "value"}}
    shown = make_release(declared, cells)
    rules = policy(kombination={**MEET, "hoechstens": 0}, komplement=COMPLEMENT)
    assert cells_that_stay(shown, rules) is None
    areas, sums = ["Total", *(code for code, _ in GEO)], [48.0, 24.0, *[6.0] * 4, 24.0, *[6.0] * 4]
    marks = {"primary": [0] * 11, "suppressed": [0] * 11}
    pattern = pa.table({"geo": areas, "value": sums, **marks})
    audit = audit_release(shown, pattern, policy=rules)
    assert audit.passed, audit.text


def test_rules_about_measures_that_are_not_there_do_nothing():
    shown = release({"anders": [30] * 8})
    rules = policy(komplement=COMPLEMENT, kombination=MEET, nie_unterhalb=[NEVER])
    assert cells_that_stay(shown, rules) is None
    assert not protect_release(shown, policy=rules).pattern["suppressed"].to_numpy().any()


def test_rules_about_areas_need_their_dimension():
    shown = release({"a": [30] * 8})
    for rules in ({"kombination": MEET}, {"nie_unterhalb": [NEVER]}):
        with pytest.raises(ReleaseError, match="dimension 'ort'"):
            protect_release(shown, policy=policy(raum={"dimension": "ort"}, **rules))


@pytest.mark.parametrize(
    ("rules", "named"),
    [
        ({"komplement": {**COMPLEMENT, "bis": 0}}, "komplement.bis"),
        ({"komplement": {**COMPLEMENT, "unbekannt": 1}}, "unbekannt"),
        ({"homogenitaet": {**ALIKE, "themen": ["neu"]}}, "neu"),
        ({"kombination": {"hoechstens": 1, "bis": 9, "themen": []}}, "reason"),
        ({"nie_unterhalb": [{**NEVER, "merkmale": []}]}, "merkmale"),
        ({"nie_unterhalb": [NEVER, {**NEVER, "ebene": 0}]}, "stand twice: .'a'"),
        ({"nie_unterhalb": [{**NEVER, "merkmale": ["a", "a"]}]}, "stand twice: .'a'"),
        ({"attackers": ["A0"]}, "A1"),
        (
            {
                "attackers": ["A0", "A1", "M"],
                "summen": {"art": "veroeffentlichte_teile", "reason": "x"},
            },
            "leave M out",
        ),
    ],
)
def test_a_rule_without_effect_reason_or_known_keys_is_refused(rules, named):
    with pytest.raises(ValueError, match=named):
        policy(**rules)


def test_of_identical_cells_the_small_one_tells_that_none_is_zero():
    geo = [[m, "Total"] for m in "ABCD"] + [[f"{m}{i}", m] for m in "ABCD" for i in (1, 2)]
    counts = {"A1": 1, "B1": 1, "C1": 1, "D1": 50, "D2": 40}
    shown = make_release(
        {"dims": {"geo": geo}, "tables": [["geo"]], "maxN": 2},
        pa.table({"geo": list(counts), "n": list(counts.values())}),
    )
    stay = pa.table({"geo": ["A1"]})
    pattern = protect_release(shown, primary=stay).pattern
    assert audit_release(shown, pattern, primary=stay).passed


def test_a_large_release_keeps_small_complements_too(monkeypatch):
    monkeypatch.setattr("disclosure.engine.protect._LARGE", 0)
    monkeypatch.setattr("disclosure.engine.protect._MANY_SENSITIVE", 0)
    shown = pairs([20, 30, 25, 40, 50, 50, 50, 50], [19, 2, 1, 7, 1, 2, 10, 10])
    rules = policy(komplement=COMPLEMENT)
    pattern = protect_release(shown, policy=rules).pattern
    assert audit_release(shown, pattern, policy=rules).passed
