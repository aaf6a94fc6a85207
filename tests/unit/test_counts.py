"""Core counts as releases and back, and the gate's audit of what was stored."""

from datetime import date, timedelta

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from disclosure.policy import Policy
from disclosure.star import CountsError, Facts, day_releases, published_counts
from disclosure.star.drafts import as_if_released, beside_edition
from disclosure.star.store import PATTERN, read_releases, write_releases
from expectations.checks.withstands_attack import REPORT, faults_of
from orchestration.gates import draft_faults
from orchestration.settings import Settings

TODAY = date(2020, 6, 1)
DAY = date(2019, 12, 31)
ALL = "insgesamt"
AREAS = {"K1": ("K1-1", "K1-2", "K1-3", "K1-ohne"), "K2": ("K2-1", "K2-2", "K2-3", "K2-ohne")}
LEAVES = [area for areas in AREAS.values() for area in areas]
COUNT = {"status": "ok", "wartet": False, "thema": "soziales", "publishable_from": TODAY}
BASE = {
    "raum_id": pa.string(),
    "gebietsstand": pa.string(),
    "stichtag": pa.date32(),
    "anzahl": pa.int64(),
    "status": pa.string(),
    "wartet": pa.bool_(),
    "thema": pa.string(),
    "publishable_from": pa.date32(),
}
PEOPLE = {
    **BASE,
    **dict.fromkeys(("basis", "altersgruppe", "geschlecht", "staatsangehoerigkeit"), pa.string()),
}
CASES = {**BASE, "merkmal": pa.string(), "geschaetzt": pa.bool_()}


def case(raum_id: str, anzahl: int | None, merkmal: str = "faelle", **more) -> dict:
    """One row of cases; without a number it was not delivered."""
    row = {"raum_id": raum_id, "gebietsstand": "g", "stichtag": DAY, "anzahl": anzahl, **COUNT}
    state = {} if anzahl is not None else {"status": "nicht_geliefert"}
    return {**row, "merkmal": merkmal, "geschaetzt": False, **state, **more}


def cases_of(numbers: dict[str, int | None], merkmal: str = "faelle", **more) -> list[dict]:
    """Rows of one merkmal by area."""
    return [case(raum_id, anzahl, merkmal, **more) for raum_id, anzahl in numbers.items()]


def person(raum_id: str, anzahl: int, age=ALL, sex=ALL, nation=ALL, **more) -> dict:
    """One margin of the inhabitants of an area."""
    cell = {"basis": "melderegister", "altersgruppe": age, "geschlecht": sex}
    row = {"raum_id": raum_id, "gebietsstand": "g", "stichtag": DAY, "anzahl": anzahl}
    thema = {"thema": "bevoelkerung", "staatsangehoerigkeit": nation}
    return {**row, **COUNT, **cell, **thema, **more}


def people_of(raum_id: str, ages: dict[str, int], men: int, young_men: int, german: int):
    """All margins of an area: ages, sexes, sexes of 15 to 44 and nationalities."""
    total, young = sum(ages.values()), ages["15-29"] + ages["30-44"]
    return [
        person(raum_id, total),
        *(person(raum_id, n, age=age) for age, n in ages.items()),
        person(raum_id, men, sex="maennlich"),
        person(raum_id, total - men, sex="weiblich"),
        person(raum_id, young_men, age="15-44", sex="maennlich"),
        person(raum_id, young - young_men, age="15-44", sex="weiblich"),
        person(raum_id, german, nation="deutsch"),
        person(raum_id, total - german, nation="auslaendisch"),
    ]


def is_total(row: dict) -> bool:
    return row["altersgruppe"] == row["geschlecht"] == row["staatsangehoerigkeit"] == ALL


def table(rows: list[dict], kinds: dict) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=pa.schema(kinds.items()))


def facts(cases=(), people=(), parts=()) -> Facts:
    """A Kreis `K` of two Kommunen with three Sozialräume each, and their pseudo-areas."""
    levels = [("kreis", "K", 0), ("kommune", None, 2)]
    areas = [(leaf, "ohne_raum" if "ohne" in leaf else "sozialraum") for leaf in LEAVES]
    bridge = [
        (leaf, unit, ebene)
        for leaf, own in areas
        for unit, ebene in ((leaf, own), (leaf[:2], "kommune"), ("K", "kreis"))
    ]
    return Facts(
        inhabitants=table(list(people), PEOPLE),
        cases=table(list(cases), CASES),
        areas=pa.Table.from_pylist(
            [
                {"raum_id": area, "gebietsstand": "g", "raumebene": ebene, "unbewohnt": False}
                for area, ebene in areas
            ]
        ),
        bridge=pa.Table.from_pylist(
            [
                {"raum_id": p, "gebietsstand": "g", "ober_raum_id": u, "ober_raumebene": e}
                for p, u, e in bridge
            ]
        ),
        levels=pa.table(
            {
                "raumebene": [*(name for name, _, _ in levels), "sozialraum"],
                "prefix": pa.array([None, 2, 4], pa.int32()),
                "unit": ["K", None, None],
            }
        ),
        parts=pa.table(
            {
                "merkmal": pa.array([part for part, *_ in parts], pa.string()),
                "teil_von": pa.array([whole for _, whole, *_ in parts], pa.string()),
                "von": pa.array([ages[0] if ages else None for _, _, *ages in parts], pa.int32()),
                "bis": pa.array([ages[1] if ages else None for _, _, *ages in parts], pa.int32()),
            }
        ),
        countable=frozenset({"faelle", "andere", "blind", "alterssumme"}),
    )


def policy(maximum: int = 2, **more) -> Policy:
    themes = ("soziales", "bevoelkerung", "angebote")
    numbers = {"min_nenner": 0, "min_einwohner": 0, "reason": "r"}
    thresholds = [
        {"thema": t, "max_sensitive": 0 if t == "angebote" else maximum, **numbers} for t in themes
    ]
    return Policy(decided_by="a", decided_on="b", thresholds=thresholds, **more)


def only(releases):
    (release,) = releases
    return release


def published(given: Facts, rules: Policy, name: str = "fallzahl") -> dict[tuple, tuple]:
    """Protect with the engine; return (area, further keys) -> (number, status)."""
    from disclosure.engine.protect import protect_release

    days = day_releases(given, rules, TODAY)
    patterns = [
        (day, protect_release(day.release, primary=day.primary or None).pattern) for day in days
    ]
    rows = published_counts(given, rules, TODAY, patterns)[name].to_pylist()
    keys = ("merkmal",) if name == "fallzahl" else tuple(PEOPLE)[len(BASE) :]
    found = {(row["raum_id"], *(row[k] for k in keys)): row for row in rows}
    assert len(found) == len(rows)
    for row in rows:
        assert (row["anzahl"] is not None) == (row["status"] == "ok")
    return {key: (row["anzahl"], row["status"]) for key, row in found.items()}


LARGE = {"K1-1": 10, "K1-2": 20, "K1-3": 30, "K1-ohne": 5, "K2-1": 40, "K2-2": 50, "K2-3": 60}


def test_every_level_has_its_total_and_an_empty_pseudo_area_counts_nothing():
    told = published(facts(cases_of(LARGE)), policy())
    assert told["K1", "faelle"] == (65, "ok")
    assert told["K2", "faelle"] == (150, "ok")
    assert told["K", "faelle"] == (215, "ok")
    assert told["K1-2", "faelle"] == (20, "ok")
    assert ("K2-ohne", "faelle") not in told


def test_a_small_count_takes_another_with_it_and_the_totals_stay():
    told = published(facts(cases_of({**LARGE, "K1-1": 1})), policy())
    withheld = {raum_id for (raum_id, _), (_, status) in told.items() if status == "geheim"}
    assert "K1-1" in withheld
    assert len(withheld & set(AREAS["K1"])) == 2
    assert told["K1", "faelle"] == (56, "ok")


@pytest.mark.parametrize("silent", ["named", "without a row", "withheld at source", "embargo"])
def test_what_is_unknown_is_in_no_sum(silent):
    rows = cases_of({**LARGE, "K1-1": None})
    status = "nicht_geliefert"
    if silent == "without a row":
        rows = rows[1:]
    if silent == "withheld at source":
        rows[0]["status"] = status = "geheim"
    if silent == "embargo":
        later = {"status": "ok", "publishable_from": TODAY + timedelta(days=1)}
        rows[0] |= {"anzahl": 7, **later}
        status = "nicht_freigegeben"
    told = published(facts(rows), policy())
    assert ("K1", "faelle") not in told
    assert ("K", "faelle") not in told
    assert told["K2", "faelle"] == (150, "ok")
    assert told.get(("K1-1", "faelle"), (None, status)) == (None, status)


NOT_RELEASED = (None, "nicht_freigegeben")


def close(rows: list[dict], *areas: str, wartet: bool = True) -> list[dict]:
    """The same rows; what these areas count is known and not released."""
    closed = {"status": "nicht_freigegeben", "wartet": wartet}
    return [r | closed if r["raum_id"] in areas else r for r in rows]


def test_an_area_alone_that_is_not_released_takes_another_with_it():
    told = published(facts(close(cases_of(LARGE), "K1-1")), policy())
    assert told["K1-1", "faelle"] == NOT_RELEASED
    assert told["K1", "faelle"] == (65, "ok")
    assert told["K", "faelle"] == (215, "ok")
    assert sum(told[area, "faelle"][1] == "geheim" for area in AREAS["K1"]) == 1


def test_a_municipality_that_has_released_nothing_hides_its_areas_behind_its_total():
    told = published(facts(close(cases_of(LARGE), *AREAS["K1"][:3])), policy())
    assert {told[area, "faelle"] for area in AREAS["K1"][:3]} == {NOT_RELEASED}
    others = {**{a: n for a, n in LARGE.items() if a[:2] == "K2"}, "K1": 65, "K2": 150, "K": 215}
    assert {area: told[area, "faelle"] for area in others} == {
        area: (n, "ok") for area, n in others.items()
    }
    assert told["K1-ohne", "faelle"] == (5, "ok")


def test_one_theme_may_be_released_and_the_other_not():
    rows = close(cases_of(LARGE), *AREAS["K1"][:3]) + cases_of(LARGE, "andere")
    told = published(facts(rows), policy())
    assert {told[area, "faelle"] for area in AREAS["K1"][:3]} == {NOT_RELEASED}
    assert all(told[area, "andere"] == (LARGE[area], "ok") for area in LARGE)


def test_a_zero_that_is_not_released_is_hidden_unless_its_municipality_has_none():
    rows = close(cases_of({**LARGE, "K1-1": 0}), *AREAS["K1"][:3])
    rows += close(cases_of({**dict.fromkeys(LARGE, 0), "K2-1": 12}, "andere"), *AREAS["K1"][:3])
    told = published(facts(rows), policy())
    assert {told[a, m] for a in AREAS["K1"][:3] for m in ("faelle", "andere")} == {NOT_RELEASED}
    assert told["K1", "andere"] == (0, "ok")


def test_what_is_not_released_may_not_be_told_by_the_others():
    """The planted fault: a pattern that shows all the others."""
    from disclosure.audit import audit_release
    from disclosure.engine.protect import protect_release

    day = only(day_releases(facts(close(cases_of(LARGE), "K1-1")), policy(), TODAY))
    pattern = protect_release(day.release, primary=day.primary).pattern
    assert audit_release(day.release, pattern, primary=day.primary).passed
    rows = pattern.to_pylist()
    for row in rows:
        row["suppressed"] = int(row["raum"] == "K1-1")
    told = audit_release(
        day.release, pa.Table.from_pylist(rows, schema=pattern.schema), primary=day.primary
    )
    assert not told.passed
    assert "K1-1" in told.text


def test_inhabitants_that_are_not_released_are_withheld_in_every_crossing():
    rows = close(inhabitants(), *AREAS["K1"][:3])
    told = published(facts(people=rows), policy(), "bevoelkerung")
    closed = {found for key, found in told.items() if key[0] in AREAS["K1"][:3]}
    assert closed == {NOT_RELEASED}
    total = sum(row["anzahl"] for row in rows if row["raum_id"][:2] == "K1" and is_total(row))
    assert told["K1", "melderegister", ALL, ALL, ALL] == (total, "ok")


@pytest.mark.parametrize(
    ("areas", "without_sum"),
    [(("K1-1",), {"K1", "K"}), (("K1-1", "K2-1"), {"K1", "K2"}), (("K1-1", "K1-2"), set())],
)
def test_sums_that_no_release_holds_do_not_tell_what_is_not_released(areas, without_sum):
    rows = close(cases_of(LARGE, thema="angebote"), *areas)
    told = published(facts(rows), policy())
    assert {unit for unit in ("K1", "K2", "K") if (unit, "faelle") not in told} == without_sum
    assert {told[area, "faelle"] for area in areas} == {NOT_RELEASED}
    assert told["K1-3", "faelle"] == (30, "ok")


def test_what_is_told_for_kommunen_lies_in_their_pseudo_areas():
    told = published(facts(cases_of({"K1-ohne": 100, "K2-ohne": 2})), policy())
    assert told["K2-ohne", "faelle"] == told["K2", "faelle"] == (None, "geheim")
    assert told["K1-ohne", "faelle"] == told["K1", "faelle"]
    assert (None, "geheim") in (told["K1", "faelle"], told["K", "faelle"])


def test_levels_have_no_total_where_the_region_has_sums_of_published_parts():
    rules = policy(summen={"art": "veroeffentlichte_teile", "reason": "r"})
    told = published(facts(cases_of({**LARGE, "K1-1": 1})), rules)
    assert {key[0] for key in told} == set(LARGE)
    assert {key[0] for key, (_, status) in told.items() if status == "geheim"} == {"K1-1"}


def test_a_theme_without_a_threshold_is_summed_and_never_withheld():
    rows = cases_of({**LARGE, "K1-1": 1, "K1-2": -3}, thema="angebote")
    told = published(facts(rows), policy())
    assert told["K1-1", "faelle"] == (1, "ok")
    assert told["K1", "faelle"] == (33, "ok")


def test_what_has_a_threshold_on_one_day_only_is_protected_on_all():
    later = {"thema": "angebote", "stichtag": DAY + timedelta(days=1)}
    numbers = {**LARGE, "K1-1": 1}
    rows = cases_of(numbers) + cases_of(numbers, **later)
    days = {day.stichtag: day for day in day_releases(facts(rows), policy(), TODAY)}
    assert [m.name for m in days[DAY].release.measures] == ["faelle"]
    assert len(days) == 2


NEVER = {"merkmale": ["blind"], "ebene": 0, "reason": "r"}
KEPT = {"bis": 2, "themen": ["soziales"], "ausser": ["blind"], "reason": "r"}


@pytest.mark.parametrize("rule", [{"nie_unterhalb": [NEVER]}, {"komplement": KEPT}])
def test_a_rule_is_refused_for_what_is_in_no_release(rule):
    rules = policy(**rule)
    given = facts(cases_of(LARGE, "blind", thema="angebote") + cases_of(LARGE))
    with pytest.raises(CountsError, match=r"blind.*max_sensitive 0"):
        day_releases(given, rules, TODAY)
    told = published(facts(cases_of(LARGE, "blind") + cases_of(LARGE)), rules)
    assert told["K", "blind"] == (215, "ok")


@pytest.mark.parametrize("place", ["nie_unterhalb", "komplement.ausser"])
@pytest.mark.parametrize("wrong", ["blnid", "einwohner"])
def test_a_rule_about_what_nobody_counts_is_refused(place, wrong):
    never, kept = {**NEVER, "merkmale": ["blind", wrong]}, {**KEPT, "ausser": [wrong]}
    rules = {"nie_unterhalb": [never]} if place == "nie_unterhalb" else {"komplement": kept}
    with pytest.raises(CountsError, match=f"{place}: .* found .*{wrong}"):
        day_releases(facts(cases_of(LARGE)), policy(**rules), TODAY)


def test_a_rule_may_name_the_inhabitants_and_what_is_not_delivered():
    own = {**KEPT, "ausser": ["einwohner melderegister", "blind"]}
    given = facts(cases_of(LARGE), inhabitants())
    assert len(day_releases(given, policy(komplement=own), TODAY)) == 1


# --- inhabitants ----------------------------------------------------------------------------

AGES = {"00-14": 11, "15-29": 7, "30-44": 9, "45+": 23}


def inhabitants() -> list[dict]:
    return [
        row
        for number, area in enumerate(LEAVES)
        for row in people_of(
            area,
            {age: n + 3 * number for age, n in AGES.items()},
            men=24 + 5 * number,
            young_men=6 + 2 * number,
            german=40 + 7 * number,
        )
    ]


def test_the_made_up_distribution_has_the_known_margins():
    rows = inhabitants()
    day = only(day_releases(facts(people=rows), policy(), TODAY))
    atoms = day.atoms["einwohner melderegister"]
    told = {name for name in atoms.column_names if name not in ("raum", "n")}
    assert told == {"altersgruppe", "band", "geschlecht", "staatsangehoerigkeit"}
    cells = atoms.to_pylist()
    assert min(cell["n"] for cell in cells) >= 0
    for row in rows:
        within = [
            cell["n"]
            for cell in cells
            if cell["raum"] == row["raum_id"]
            and row["altersgruppe"] in (ALL, cell["altersgruppe"], cell["band"])
            and row["geschlecht"] in (ALL, cell["geschlecht"])
            and row["staatsangehoerigkeit"] in (ALL, cell["staatsangehoerigkeit"])
        ]
        assert sum(within) == row["anzahl"], row


def test_inhabitants_are_told_on_every_level_and_only_in_their_crossings():
    rows = inhabitants()
    told = published(facts(people=rows), policy(), "bevoelkerung")
    keys = ("basis", "altersgruppe", "geschlecht", "staatsangehoerigkeit")
    expected: dict[tuple, int] = {}
    for row in rows:
        for unit in (row["raum_id"], row["raum_id"][:2], "K"):
            key = (unit, *(row[k] for k in keys))
            expected[key] = expected.get(key, 0) + row["anzahl"]
    assert set(told) == set(expected)
    for key, (number, status) in told.items():
        assert status == "geheim" or number == expected[key]


@pytest.mark.parametrize(
    "broken",
    [{"altersgruppe": "45+"}, {"geschlecht": "weiblich"}, {"staatsangehoerigkeit": "deutsch"}],
    ids=["ages", "sexes", "nationalities"],
)
def test_margins_that_do_not_add_up_are_refused_without_a_count(broken):
    rows = inhabitants()
    ((name, code),) = broken.items()
    row = next(r for r in rows if r["raum_id"] == "K1-2" and r[name] == code)
    row["anzahl"] += 7013
    with pytest.raises(CountsError, match=r"do not add up: K1-2 2019-12-31") as error:
        day_releases(facts(people=rows), policy(), TODAY)
    assert "7013" not in str(error.value)
    assert str(row["anzahl"]) not in str(error.value)


def test_a_crossing_of_another_kind_is_refused():
    rows = [*inhabitants(), person("K1-1", 3, sex="weiblich", nation="deutsch")]
    with pytest.raises(CountsError, match="cannot model: einwohner melderegister 2019-12-31"):
        day_releases(facts(people=rows), policy(), TODAY)


# --- rules beside minimum frequency ---------------------------------------------------------

TWO = [("teil", "faelle")]


def withheld_after(day, **rules) -> set[tuple]:
    from disclosure.engine.protect import protect_release

    pattern = protect_release(day.release, policy=policy(**rules)).pattern
    return {(row["measure"], row["raum"]) for row in pattern.to_pylist() if row["suppressed"]}


@pytest.mark.parametrize(("whole", "part", "hit"), [(10, 9, True), (10, 8, True), (10, 7, False)])
def test_who_is_not_counted_is_protected_too(whole, part, hit):
    rule = {"bis": 2, "themen": ["soziales"], "reason": "r"}
    rows = cases_of({**LARGE, "K1-1": whole})
    rows += cases_of({"K1-1": part, "K1-2": 12, "K1-3": 12, **dict.fromkeys(AREAS["K2"][:3], 12)},
                     "teil")  # fmt: skip
    day = only(day_releases(facts(rows, parts=TWO), policy(), TODAY))
    assert day.spec["measures"]["teil"]["part_of"] == [{"measure": "faelle"}]
    found = withheld_after(day, komplement=rule)
    assert bool({("teil", "K1-1"), ("faelle", "K1-1")} & found) == hit
    assert not withheld_after(day)


def test_a_part_that_is_more_than_its_whole_is_no_part():
    rows = cases_of(LARGE) + cases_of({**LARGE, "K1-ohne": 6}, "teil")
    day = only(day_releases(facts(rows, parts=TWO), policy(), TODAY))
    assert day.left_out == ("teil of faelle",)
    assert day.spec["measures"]["teil"]["part_of"] == []


def test_what_has_not_come_anywhere_is_in_no_release():
    from disclosure.engine import protect_release

    rows = cases_of(LARGE) + cases_of(dict.fromkeys(LEAVES), "andere")
    given = facts(rows)
    (day,) = day_releases(given, policy(), TODAY)
    assert [measure.name for measure in day.release.measures] == ["faelle"]
    pattern = protect_release(day.release, policy=policy()).pattern
    told = published_counts(given, policy(), TODAY, [(day, pattern)])["fallzahl"].to_pylist()
    others = [row for row in told if row["merkmal"] == "andere"]
    assert {(row["anzahl"], row["status"]) for row in others} == {(None, "nicht_geliefert")}
    assert {row["raum_id"] for row in others} == set(LEAVES)


def _of_young(cases: dict[str, int]) -> list[dict]:
    """Twelve of 15 to 44 in each area, of whom `cases` are counted, and many older ones."""
    ages = {"15-29": 5, "30-44": 7, "45-59": 90, "60+": 98}
    people = [row for leaf in LEAVES for row in people_of(leaf, ages, 100, 6, 100)]
    counted = cases_of({**dict.fromkeys(LEAVES, 5), **cases})
    return day_releases(facts(counted, people, [("faelle", "einwohner", 15, 40)]), policy(), TODAY)


def test_a_part_of_the_inhabitants_of_some_ages_is_in_their_bands():
    """A band that reaches beyond the ages belongs to them; the part is in it all the same."""
    whole = {"measure": "einwohner melderegister", "where": {"altersgruppe": ["15-29", "30-44"]}}
    (day,) = _of_young({})
    assert day.spec["measures"]["faelle"]["part_of"] == [whole]
    (more,) = _of_young({"K1-1": 13})  # of twelve
    assert more.spec["measures"]["faelle"]["part_of"] == []
    assert more.left_out == ("faelle of einwohner melderegister",)


def test_all_of_some_ages_are_as_alike_as_all_of_an_area():
    """All twelve of an area, of 200 inhabitants, are counted: homogeneity goes by the twelve."""
    rule = {"ab": 3, "themen": ["soziales"], "reason": "r"}
    (day,) = _of_young({"K1-1": 12})
    assert ("faelle", "K1-1") in withheld_after(day, homogenitaet=rule)
    (other,) = _of_young({"K1-1": 11})
    assert withheld_after(other, homogenitaet=rule) == set()


@pytest.mark.parametrize(("small", "hit"), [(3, False), (4, True)])
def test_many_small_counts_in_one_area_take_all_sensitive_ones(small, hit):
    rule = {"hoechstens": 3, "bis": 9, "themen": ["soziales"], "reason": "r"}
    rows = []
    for number in range(5):
        own = 5 if number < small else 100
        rows += cases_of({**dict.fromkeys(LEAVES, 100), "K2-2": own}, f"m{number}")
    rows += cases_of(dict.fromkeys(LEAVES, 100), "offen", thema="bevoelkerung")
    day = only(day_releases(facts(rows), policy(), TODAY))
    found = withheld_after(day, kombination=rule)
    assert {(f"m{number}", "K2-2") for number in range(5)} <= found if hit else not found
    assert not any(measure == "offen" for measure, _ in found)


def test_the_strict_threshold_is_that_of_areas_and_not_of_what_has_no_place():
    rows = cases_of({**dict.fromkeys(LEAVES, 100), "K1-1": 5, "K2-ohne": 5})
    strict = policy().model_dump()["thresholds"]
    strict = [{**threshold, "max_sensitive_klein": 9} for threshold in strict]
    rules = Policy.model_validate({**policy().model_dump(), "thresholds": strict})
    day = only(day_releases(facts(rows), rules, TODAY))
    from disclosure.engine.protect import protect_release

    pattern = protect_release(day.release).pattern.to_pylist()
    assert {row["raum"] for row in pattern if row["primary"]} == {"K1-1"}


# --- drafts -----------------------------------------------------------------------------------


def test_a_draft_shows_what_waits_for_release_and_of_the_rest_what_the_edition_shows(tmp_path):
    """K1 has released nothing; of K2, which has, the edition withholds two areas."""
    from disclosure.engine.protect import protect_release

    given = facts(close(cases_of({**LARGE, "K1-1": 1, "K2-1": 2}), *AREAS["K1"][:3]))
    day = only(day_releases(given, policy(), TODAY))
    made = protect_release(day.release, primary=day.primary)
    write_releases(tmp_path / "release", [(day, made.pattern, made.evidence)])
    edition = only(read_releases(tmp_path / "release"))
    opened = only(day_releases(as_if_released(given), policy(), TODAY))
    known = shown_in(edition.pattern)
    pattern = protect_release(opened.release, known=known).pattern
    draft = numbers(shown_in(beside_edition(pattern, edition)))
    assert not numbers(known).keys() & set(AREAS["K1"][:3])
    assert len(draft.keys() & set(AREAS["K1"])) == 2
    assert "K1-1" not in draft
    assert {raum: n for raum, n in draft.items() if raum[:2] == "K2"} == {
        raum: n for raum, n in numbers(known).items() if raum[:2] == "K2"
    }


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({}, None),
        ({"anzahl": 1, "status": "ok"}, "minimum_frequency"),
        ({"anzahl": 7, "status": "ok"}, "printed_as_its_pattern_says"),
        ({"anzahl": 7}, "number_only_if_ok"),
        ({"anzahl": 7, "status": "ok", "publishable_from": date(9999, 1, 1)}, "nothing_before"),
    ],
    ids=["as it is", "a small count", "a withheld count", "no status", "embargo"],
)
def test_a_drafts_counts_are_held_against_its_patterns(stored, tmp_path, change, rule):
    """The planted fault: a number that the pattern withholds."""
    folder, protected = stored
    settings = Settings(tmp_path / "home", "aachen")
    for own in (settings.released, settings.rules):
        own.mkdir(parents=True)
    folder.rename(settings.release)
    rows = cases_of({**LARGE, "K1-1": 1}) + cases_of({**LARGE, "K2-2": 2}, "andere")
    patterns = [(day, made.pattern) for day, made in protected]
    told = published_counts(facts(rows, inhabitants()), policy(), TODAY, patterns)
    cases = told["fallzahl"].to_pylist()
    hidden = next(row for row in cases if row["raum_id"] == "K1-1" and row["merkmal"] == "faelle")
    assert hidden["status"] == "geheim"
    hidden |= change
    told["fallzahl"] = pa.Table.from_pylist(cases, schema=told["fallzahl"].schema)
    rules = {
        "rule_threshold": [
            {
                "thema": one.thema,
                "min_zaehler": one.min_zaehler,
                "min_zaehler_sozialraum": one.min_zaehler_sozialraum,
            }
            for one in policy().thresholds
        ],
        "rule_level": [{"raumebene": "sozialraum", "prefix": 4}],
        "rule_sum": [{"merkmal": "summe"}],
    }
    for name, table in told.items():
        pq.write_table(table, settings.released / f"{name}.parquet")
    for name, lines in rules.items():
        pq.write_table(pa.Table.from_pylist(lines), settings.rules / f"{name}.parquet")
    faults = draft_faults(settings, ["ewo_bestand"])
    assert (rule in faults[0]) if rule else (faults == [])


@pytest.mark.parametrize("kind", ["cases", "people"])
def test_a_draft_opens_what_waits_for_the_municipality_and_nothing_else(kind):
    """K1-1 waits; of K1-2 the agreement forbids areas; nobody knows what K2-1 counts."""
    rows = cases_of({**LARGE, "K2-1": None}) if kind == "cases" else inhabitants()
    rows = close(close(rows, "K1-1", "K2-1"), "K1-2", wartet=False)
    given = facts(**{kind: rows})
    opened = as_if_released(given)
    told = opened.cases if kind == "cases" else opened.inhabitants
    status = {(r["raum_id"], r["anzahl"] is None): r["status"] for r in told.to_pylist()}
    assert {status[area, False] for area in ("K1-1", "K1-3")} == {"ok"}
    assert status["K1-2", False] == "nicht_freigegeben"
    if kind == "cases":
        assert status["K2-1", True] == "nicht_freigegeben"


def shown_in(pattern: pa.Table) -> pa.Table:
    """The published cells of a pattern."""
    rows = [row for row in pattern.to_pylist() if not row["suppressed"]]
    return pa.table({"raum": [row["raum"] for row in rows], "n": [row["n"] for row in rows]})


def numbers(cells: pa.Table) -> dict[str, int]:
    """Count by area."""
    return dict(zip(cells["raum"].to_pylist(), cells["n"].to_pylist(), strict=True))


# --- what is stored, and its audit ----------------------------------------------------------


@pytest.fixture
def stored(tmp_path):
    """Two measures and the inhabitants, protected and stored."""
    from disclosure.engine.protect import protect_release

    rows = cases_of({**LARGE, "K1-1": 1}) + cases_of({**LARGE, "K2-2": 2}, "andere")
    days = day_releases(facts(rows, inhabitants()), policy(), TODAY)
    folder = tmp_path / "release"
    protected = [(day, protect_release(day.release)) for day in days]
    write_releases(folder, [(day, made.pattern, made.evidence) for day, made in protected])
    return folder, protected


def test_what_was_stored_is_read_back(stored):
    folder, protected = stored
    (day, made), found = only(protected), only(read_releases(folder))
    assert (found.stichtag, found.gebietsstand, found.top) == (DAY, "g", "K")
    assert found.release.measures == day.release.measures
    for name, atoms in day.release.atoms.items():
        assert found.release.atoms[name].equals(atoms)
    keys = [*day.release.key_columns, "n", "suppressed"]
    assert sorted(map(str, found.pattern.select(keys).to_pylist())) == sorted(
        map(str, made.pattern.select(keys).to_pylist())
    )
    assert folder.stat().st_mode & 0o077 == 0
    assert found.unsatisfiable.column_names == [*day.release.key_columns]
    assert not len(found.unsatisfiable)


def test_what_nothing_can_protect_is_read_back_by_its_keys(tmp_path):
    """Two zeros that are to be withheld, below the printed zero of their Kommune."""
    from disclosure.engine.protect import protect_release

    zeros = {**dict.fromkeys(LARGE, 0), "K2-1": 12}
    rows = cases_of(zeros) + cases_of(LARGE, "andere")
    day = only(day_releases(facts(rows), policy(), TODAY))
    wanted = pa.table({"measure": ["faelle", "faelle"], "raum": ["K1-1", "K1-3"]})
    made = protect_release(day.release, primary=wanted)
    write_releases(tmp_path / "release", [(day, made.pattern, made.evidence)])
    found = only(read_releases(tmp_path / "release")).unsatisfiable
    assert found.to_pylist() == wanted.to_pylist()


def test_the_engines_pattern_withstands(stored):
    folder, _ = stored
    assert faults_of(folder, folder / "none", policy(), 600) == 0


@pytest.mark.parametrize(
    ("fault", "named"),
    [
        ('update pattern set suppressed = 0 where "primary" = 0', "faelle"),
        ("update pattern set suppressed = 0 where measure = 'faelle' and raum = 'K1-1'", "K1-1"),
        ("delete from pattern where measure = 'faelle' and raum = 'K2-1'", "K2-1"),
        ("update pattern set suppressed = 1 where measure = 'faelle' and raum = 'K2-ohne'", "K2-o"),
    ],
    ids=["primary only", "sensitive printed", "row missing", "zero withheld"],
)
def test_a_pattern_with_a_fault_does_not(stored, fault, named):
    folder, _ = stored
    with duckdb.connect() as con:
        con.execute(f"create table pattern as from '{folder / PATTERN}'")
        con.execute(fault)
        con.execute(f"copy pattern to '{folder / PATTERN}' (format parquet)")
    assert faults_of(folder, folder / "none", policy(), 600) > 0
    assert named in (folder / REPORT).read_text()


def test_what_was_not_judged_in_time_is_a_fault(stored):
    folder, _ = stored
    assert faults_of(folder, folder / "none", policy(), -1) == 1


@pytest.mark.parametrize("missing", [PATTERN, "2019-12-31_g/cells.parquet", "*"])
def test_what_is_missing_is_an_error(stored, missing):
    folder, _ = stored
    for path in folder.glob("*/*") if missing == "*" else [folder / missing]:
        path.unlink()
    with pytest.raises(FileNotFoundError):
        faults_of(folder, folder / "none", policy(), 600)
