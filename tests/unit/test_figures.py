"""What stays beside the engine: the policy, embargoes, and sums that go with the inhabitants."""

from datetime import date, timedelta

import pyarrow as pa
import pytest
import yaml

from disclosure.figures import withhold_sums, withhold_until_embargo
from disclosure.policy import Policy, read_policy
from sources.region import REGIONS, region_names

TODAY = date(2020, 6, 1)
TOTAL = "insgesamt"


def cell(raum_id: str, age: str, sex: str, count: int | None, **more) -> dict:
    """One row of counts."""
    return {
        "raum_id": raum_id,
        "gebietsstand": "heute",
        "stichtag": date(2019, 12, 31),
        "altersgruppe": age,
        "geschlecht": sex,
        "anzahl": count,
        "status": "ok",
        "publishable_from": TODAY,
        **more,
    }


# --- what waits for its day ------------------------------------------------------------------


def figures(**more) -> list[dict]:
    """Return the one released row of a figure."""
    row = {"raum_id": "0101", "wert": 3.5, "status": "ok", "publishable_from": TODAY, **more}
    kinds = [pa.field("wert", pa.float64()), pa.field("publishable_from", pa.date32())]
    kinds += [pa.field("raum_id", pa.string()), pa.field("status", pa.string())]
    table = pa.Table.from_pylist([row], schema=pa.schema(kinds))
    (released,) = withhold_until_embargo(table, value="wert", as_of=TODAY).to_pylist()
    return released


@pytest.mark.parametrize(("days", "status"), [(-1, "ok"), (0, "ok"), (1, "nicht_freigegeben")])
def test_before_its_embargo_ends_a_figure_is_not_released(days, status):
    released = figures(publishable_from=TODAY + timedelta(days=days))
    assert (released["wert"], released["status"]) == (3.5 if status == "ok" else None, status)


def test_a_figure_without_a_day_from_which_it_may_is_not_released():
    released = figures(publishable_from=None)
    assert (released["wert"], released["status"]) == (None, "nicht_freigegeben")


@pytest.mark.parametrize("status", ["geheim", "nicht_geliefert", "nicht_freigegeben"])
@pytest.mark.parametrize("days", [0, 1])
def test_a_status_that_came_with_the_figure_stays_and_hides_it(status, days):
    released = figures(status=status, publishable_from=TODAY + timedelta(days=days))
    assert (released["wert"], released["status"]) == (None, status)


# --- the policy -----------------------------------------------------------------------------

THRESHOLD = {
    "thema": "bevoelkerung",
    "max_sensitive": 2,
    "min_nenner": 100,
    "min_einwohner": 300,
    "reason": "r",
}
COMBINATION = {"hoechstens": 3, "bis": 9, "themen": ["bevoelkerung"], "reason": "r"}
COMPLEMENT = {"bis": 2, "themen": ["bevoelkerung"], "reason": "r"}
NEVER = {"merkmale": ["blind"], "ebene": 0, "reason": "r"}
POLICY = {"decided_by": "Amt", "decided_on": "2020-01-01", "thresholds": [THRESHOLD]}
SUMS = {**POLICY, "thresholds": [{**THRESHOLD, "summen": ["alterssumme"]}]}


def write(folder, content) -> Policy:
    path = folder / "musterkreis" / "privacy.yaml"
    path.parent.mkdir()
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return read_policy(path)


def test_a_policy_gives_the_rules_of_a_theme(tmp_path):
    threshold = write(tmp_path, POLICY).of("bevoelkerung")
    assert (threshold.max_sensitive, threshold.min_zaehler, threshold.min_nenner) == (2, 3, 100)


def test_small_areas_may_be_stricter_and_never_looser(tmp_path):
    strict = {**THRESHOLD, "max_sensitive_klein": 9}
    threshold = write(tmp_path, {**POLICY, "thresholds": [strict]}).of("bevoelkerung")
    assert (threshold.max_sensitive, threshold.in_small_areas) == (2, 9)
    assert (threshold.min_zaehler, threshold.min_zaehler_sozialraum) == (3, 10)
    assert Policy.model_validate(POLICY).of("bevoelkerung").in_small_areas == 2


def test_a_theme_that_nobody_decided_about_is_an_error(tmp_path):
    policy = write(tmp_path, POLICY)
    with pytest.raises(ValueError, match=r"no thresholds for theme 'gesundheit'.*add the theme"):
        policy.of("gesundheit")


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ({**POLICY, "schwelle": 3}, "schwelle"),
        ({**POLICY, "thresholds": [{**THRESHOLD, "schwelle": 3}]}, "schwelle"),
        ({**POLICY, "thresholds": [{"thema": "x"}]}, "max_sensitive"),
        ({**POLICY, "thresholds": [{**THRESHOLD, "max_sensitive": -1}]}, "max_sensitive"),
        ({**POLICY, "thresholds": [{**THRESHOLD, "max_sensitive": 1}]}, "could only be 1"),
        (
            {**POLICY, "thresholds": [{**THRESHOLD, "max_sensitive": 0, "max_sensitive_klein": 1}]},
            "could only be 1",
        ),
        ({**POLICY, "thresholds": [THRESHOLD, {**THRESHOLD, "max_sensitive": 9}]}, "bevoelkerung"),
        ({**POLICY, "summen": {"art": "alle", "reason": "r"}}, "summen"),
        ({**POLICY, "summen": {"art": "vollstaendig"}}, "reason"),
        ({**POLICY, "kombination": {**COMBINATION, "themen": ["neu"]}}, "neu"),
        ({**POLICY, "kombination": {**COMBINATION, "k": 3}}, "kombination.k"),
        ({**POLICY, "komplement": {**COMPLEMENT, "themen": ["neu"]}}, "neu"),
        ({**POLICY, "komplement": {**COMPLEMENT, "bis": 0}}, "komplement.bis"),
        ({**SUMS, "komplement": {**COMPLEMENT, "ausser": ["alterssumme"]}}, "komplement.ausser"),
        ({**SUMS, "nie_unterhalb": [{**NEVER, "merkmale": ["alterssumme"]}]}, "nie_unterhalb"),
        ("thresholds: [", "parsing"),
    ],
    ids=[
        *(
            "unknown key",
            "unknown key of a theme",
            "missing",
            "negative",
            "nothing",
            "nothing in small areas",
            "theme twice",
        ),
        *("sums of another kind", "sums without a reason", "combination of an unknown theme"),
        *("unknown key of the combination", "complement of an unknown theme"),
        *("complement without effect", "a sum is exempt", "a sum never leaves", "no yaml"),
    ],
)
def test_a_policy_that_is_not_well_formed_is_refused(tmp_path, content, named):
    with pytest.raises(ValueError, match=f"musterkreis/privacy.yaml(?s:.*){named}"):
        write(tmp_path, content)


def test_the_policys_version_changes_with_its_numbers(tmp_path):
    first = write(tmp_path, POLICY)
    (tmp_path / "b").mkdir()
    second = write(tmp_path / "b", {**POLICY, "thresholds": [{**THRESHOLD, "max_sensitive": 4}]})
    assert first.version != second.version


@pytest.mark.parametrize("region", region_names())
def test_every_region_of_the_product_has_a_policy(region):
    policy = read_policy(REGIONS / region / "privacy.yaml")
    assert policy.thresholds


@pytest.mark.parametrize("summen", [None, "vollstaendig", "veroeffentlichte_teile"])
def test_a_region_has_whole_sums_unless_it_says_otherwise(tmp_path, summen):
    declared = {"summen": {"art": summen, "reason": "r"}} if summen else {}
    assert write(tmp_path, {**POLICY, **declared}).whole_sums == (
        summen != "veroeffentlichte_teile"
    )


def test_berlins_policy_withholds_one_and_two():
    policy = read_policy(REGIONS / "berlin" / "privacy.yaml")
    assert not policy.whole_sums
    for thema in ("bevoelkerung", "soziale_lage"):
        assert policy.of(thema).max_sensitive == 2


# --- sums over persons ------------------------------------------------------------------------


def test_a_sum_over_withheld_inhabitants_goes_with_their_number():
    """0101 has three inhabitants, 0102 thirty of whom one age band is withheld."""
    people = pa.Table.from_pylist(
        [
            {**row, "basis": basis, "staatsangehoerigkeit": TOTAL}
            for basis, small in (("melderegister", "0101"), ("fortschreibung", "0102"))
            for row in (
                cell("0101", TOTAL, TOTAL, 3, status="geheim" if small == "0101" else "ok"),
                cell("0102", TOTAL, TOTAL, 30, status="geheim" if small == "0102" else "ok"),
                cell("0102", "65+", TOTAL, None, status="geheim"),
            )
        ]
    )
    counts = pa.Table.from_pylist(
        [
            {
                "raum_id": raum_id,
                "gebietsstand": "heute",
                "stichtag": date(2019, 12, 31),
                "merkmal": merkmal,
                "anzahl": 120,
                "status": "ok",
            }
            for raum_id in ("0101", "0102")
            for merkmal in ("alterssumme", "haushalte")
        ]
    )
    rules = pa.table({"merkmal": ["alterssumme"]})
    rows = withhold_sums(counts, people, rules).to_pylist()
    found = {(r["raum_id"], r["merkmal"]): (r["anzahl"], r["status"]) for r in rows}
    assert found == {
        ("0101", "alterssumme"): (None, "geheim"),
        ("0101", "haushalte"): (120, "ok"),
        ("0102", "alterssumme"): (120, "ok"),
        ("0102", "haushalte"): (120, "ok"),
    }
