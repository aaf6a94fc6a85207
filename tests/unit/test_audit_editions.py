"""The auditor against one who kept earlier editions (A3), and the form of what they published."""

import numpy as np
import pyarrow as pa
import pytest

from disclosure.audit import audit_release
from disclosure.keys import make_known
from disclosure.release import ReleaseError
from disclosure.specification import make_release

GEO = [["M", "Total"], ["zwei", "M"], ["drei", "M"], ["eins", "Total"]]
NUMBERS = {"Total": 11, "M": 10, "zwei": 2, "drei": 8, "eins": 1}
SMALL = {"eins", "zwei"}


def release():
    spec = {"dims": {"geo": GEO}, "tables": [["geo"]], "maxN": 2}
    names = ["eins", "zwei", "drei"]
    return make_release(spec, pa.table({"geo": names, "n": [NUMBERS[name] for name in names]}))


def audit(withheld: set[str], known: list[tuple[str, str, int]]):
    """Audit today's release against editions: (edition, geo, n)."""
    names = sorted(NUMBERS)
    pattern = pa.table(
        {
            "geo": names,
            "n": [NUMBERS[name] for name in names],
            "primary": [int(name in SMALL) for name in names],
            "suppressed": [int(name in withheld) for name in names],
        }
    )
    edition, geo, n = zip(*known, strict=True)
    return audit_release(
        release(), pattern, known=pa.table({"edition": edition, "geo": geo, "n": n})
    )


WITHHELD = {"eins", "zwei", "M"}


def fallen(result) -> set[str]:
    assert not result.problems, result.problems
    return {hit.key[0] for hit in result.hits}


def test_what_is_published_today_as_well_adds_nothing():
    known = [(e, g, NUMBERS[g]) for e in ("2015", "2016") for g in ("Total", "drei")]
    result = audit(WITHHELD, known)
    assert result.passed, result.text
    assert result.facts["attackers"] == ["A0", "A1", "A3"]


def test_what_was_published_once_and_is_withheld_today_is_known():
    assert fallen(audit(WITHHELD, [("2015", "M", 10), ("2016", "drei", 8)])) == SMALL


def test_a_correction_gives_nothing_away_by_itself():
    assert audit(WITHHELD, [("2015", "drei", 7), ("2015", "Total", 10)]).passed
    assert audit(WITHHELD, [("2015", "drei", 7), ("2016", "drei", 6), ("2016", "Total", 9)]).passed


def test_editions_that_agree_are_read_together():
    # drei was corrected after both editions: M then − drei then is zwei.
    both = [("2015", "drei", 7), ("2016", "M", 9)]
    assert fallen(audit(WITHHELD, both)) == SMALL
    # Here it was corrected between them, too, and M then tells nothing of drei.
    assert audit(WITHHELD, [("2015", "drei", 7), ("2015", "Total", 10), ("2016", "M", 8)]).passed


def test_a_withheld_neighbour_may_have_been_corrected_as_well():
    # drei rose by 1 and Total did not: a withheld count fell.
    assert audit(WITHHELD, [("2015", "drei", 7), ("2015", "Total", 11)]).passed


def test_an_edition_that_contradicts_itself_is_no_pass():
    result = audit(WITHHELD, [("2015", "drei", 7), ("2015", "M", 6)])
    assert any("undecided" in problem for problem in result.problems)


def test_what_is_printed_as_zero_today_was_a_count_then():
    spec = {"dims": {"geo": [[g, "Total"] for g in "abcd"]}, "tables": [["geo"]], "maxN": 2}
    shown = make_release(spec, pa.table({"geo": list("abcd"), "n": [1, 2, 8, 0]}))
    pattern = pa.table(
        {
            "geo": ["Total", *"abcd"],
            "n": [11, 1, 2, 8, 0],
            "primary": [0, 1, 1, 0, 0],
            "suppressed": [0, 1, 1, 0, 0],
        }
    )
    known = pa.table({"geo": ["d", "Total"], "n": [4, 15]})
    assert audit_release(shown, pattern, known=known).passed
    known = pa.table({"geo": ["d", "Total", "a"], "n": [4, 15, 1]})
    assert {hit.key for hit in audit_release(shown, pattern, known=known).hits} == {("a",), ("b",)}


def test_known_editions_are_read_in_the_order_of_time():
    table = pa.table({"edition": ["b", "a", "a"], "geo": ["eins", "zwei", "drei"], "n": [1, 2, 8]})
    known = make_known(release(), table)
    assert known["edition"].to_pylist() == ["a", "a", "b"]
    assert known["geo"].to_pylist() == ["drei", "zwei", "eins"]
    assert make_known(release(), table.drop_columns("edition"))["edition"].to_pylist() == [""] * 3
    twice = pa.table({"edition": ["a", "a"], "geo": ["eins", "eins"], "n": [1, 1]})
    with pytest.raises(ReleaseError, match="edition a: a key stands twice"):
        make_known(release(), twice)


def test_random_corrections_never_contradict_what_is_true():
    """Old and new atoms are both true tables, so an attack has a first table whatever changed."""
    random = np.random.Generator(np.random.PCG64(5))
    geo = [["M1", "Total"], ["M2", "Total"]]
    geo += [[f"S{i}", f"M{1 + i % 2}"] for i in range(6)]
    ages = [["A0", "Total"], ["A1", "Total"]]
    spec = {"dims": {"geo": geo, "age": ages}, "tables": [["geo", "age"]], "maxN": 2}
    up = dict([*geo, *ages])
    atoms = [(f"S{i}", f"A{j}") for i in range(6) for j in range(2)]

    def cells(numbers):
        sums: dict[tuple[str, str], int] = {}
        for (area, age), n in zip(atoms, numbers, strict=True):
            for g in (area, up[area], "Total"):
                for a in (age, "Total"):
                    sums[g, a] = sums.get((g, a), 0) + int(n)
        return dict(sorted(sums.items()))

    for _ in range(25):
        states = [random.integers(0, 6, 12)]
        for _ in range(2):
            later = states[-1].copy()
            moved = random.choice(12, random.integers(1, 4), replace=False)
            later[moved] = random.integers(0, 6, len(moved))
            states.append(later)
        rows = []
        for edition, state in enumerate(states[:2]):
            rows += [
                (str(edition), *key, n) for key, n in cells(state).items() if random.random() < 0.6
            ]
        today = cells(states[2])
        shown = make_release(
            spec,
            pa.table(
                {
                    "geo": [g for g, _ in atoms],
                    "age": [a for _, a in atoms],
                    "n": states[2],
                }
            ),
        )
        hidden = {key for key, n in today.items() if n and (n <= 2 or random.random() < 0.4)}
        pattern = pa.table(
            {
                "geo": [g for g, _ in today],
                "age": [a for _, a in today],
                "n": list(today.values()),
                "primary": [int(1 <= n <= 2) for n in today.values()],
                "suppressed": [int(key in hidden) for key in today],
            }
        )
        names = ("edition", "geo", "age", "n")
        known = pa.table({n: [row[i] for row in rows] for i, n in enumerate(names)})
        result = audit_release(shown, pattern, known=known)
        assert not [problem for problem in result.problems if "undecided" in problem]
