"""The engine: what it withholds suffices, is little, and is the same every time.

What an attacker learns is worked out here with `scipy.optimize.linprog` straight from the finest
cells, without any of the engine's own models.
"""

import json
from itertools import product
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from disclosure.engine import protect_release
from disclosure.policy import Policy
from disclosure.release import Release, ReleaseError
from disclosure.specification import make_release, read_release

CASES = Path(__file__).parents[3] / "shared" / "disclosure" / "cases"
BARS = {
    "c01_1d_geo": (5, 8),
    "c02_2d_flat": (7, 9),
    "c03_pop_geo_age_sex": (91, 107),
    "c07_singletons_issue135": (2, None),
    "c09_linked_issue136": (2, None),
    "c12_sgb2_min10": (150, 185),
}
UNBOUNDED = 3  # linprog's status
GEO = [["M1", "Total"], *([f"S{i}", "M1"] for i in range(4)), ["M2", "Total"]]
GEO += [[f"S{i}", "M2"] for i in range(4, 8)]


@pytest.fixture(scope="session")
def cases() -> Path:
    if not CASES.is_dir():
        pytest.skip("../shared/disclosure/cases is absent")
    return CASES


def policy(*attackers: str) -> Policy:
    return Policy(
        decided_by="Kreis",
        decided_on="2026-01-01",
        thresholds=(),
        attackers=("A0", "A1", *attackers),
        raum={"dimension": "geo"},
    )


class Attacker:
    """Knows what a pattern prints and what can exist, and asks for bounds."""

    def __init__(self, release: Release, pattern: pa.Table, *, strict: bool):
        self.release, self.strict = release, strict
        (self.measure,) = release.measures
        supported = [
            (table.column_names, {tuple(row.values()) for row in table.to_pylist()})
            for table in release.existing(self.measure.name)
        ]
        leaves = [release.dimensions[name].leaves for name in self.measure.dims]
        self.atoms = [
            atom
            for atom in product(*leaves)
            if all(
                tuple(atom[self.measure.dims.index(n)] for n in names) in known
                for names, known in supported
            )
        ]
        self.rows = pattern.to_pylist()
        self.members = np.array([self._row(row) for row in self.rows], dtype=float)
        self.withheld = np.array([row["suppressed"] == 1 for row in self.rows])
        self.value = np.array([row["n"] for row in self.rows], dtype=float)

    def _row(self, row: dict) -> list[bool]:
        dims = self.measure.dims
        return [
            all(
                row[d] in self.release.dimensions[d].path(a)
                for d, a in zip(dims, atom, strict=True)
            )
            for atom in self.atoms
        ]

    def bounds(self, place: int, *, fixed: np.ndarray | None = None) -> tuple[float, float]:
        """Return the whole-number bounds of a cell; `fixed`: further cells whose value is known."""
        from scipy.optimize import linprog

        known = ~self.withheld if fixed is None else ~self.withheld | fixed
        strict = self.withheld & (self.value > 0) if self.strict else np.zeros_like(known)
        ends = [
            linprog(
                sign * self.members[place],
                A_ub=-self.members[strict],
                b_ub=-np.ones(strict.sum()),
                A_eq=self.members[known],
                b_eq=self.value[known],
            )
            for sign in (1, -1)
        ]
        assert ends[0].status == 0 and ends[1].status in (0, UNBOUNDED)
        high = np.inf if ends[1].status == UNBOUNDED else np.floor(-ends[1].fun + 1e-6)
        return np.ceil(ends[0].fun - 1e-6), high


def assert_safe(release: Release, pattern: pa.Table, *, upper_under_a1: bool = False) -> None:
    limit = release.measures[0].max_sensitive
    for strict in (False, True):
        attacker = Attacker(release, pattern, strict=strict)
        for place, row in enumerate(attacker.rows):
            if row["primary"]:
                low, high = attacker.bounds(place)
                assert low < high, (row, strict)
                if not strict or upper_under_a1:
                    assert high > limit, (row, strict)


def secondary(pattern: pa.Table) -> int:
    return sum(row["suppressed"] and not row["primary"] for row in pattern.to_pylist())


def small(seed: int, *, max_sensitive: int = 2, **more) -> Release:
    random = np.random.Generator(np.random.PCG64(seed))
    dims = {"geo": GEO, "age": [[f"A{i}", "Total"] for i in range(3)]}
    cells = [
        {"geo": f"S{i}", "age": f"A{j}", "n": int(random.poisson(4))}
        for i in range(8)
        for j in range(3)
    ]
    declared = {"dims": dims, "tables": [["geo", "age"]], "maxN": max_sensitive, **more}
    return make_release(declared, pa.Table.from_pylist(cells))


@pytest.mark.parametrize("name", BARS)
def test_a_case_loses_few_cells_and_none_that_is_sensitive_or_zero_is_wrong(cases, name):
    release = read_release(cases / name / "spec.json", cases / name / "inner.csv")
    limit = release.measures[0].max_sensitive
    for upper, bar in zip((False, True), BARS[name], strict=True):
        protection = protect_release(release, upper_under_a1=upper)
        rows = protection.pattern.to_pylist()
        assert all((row["primary"] == 1) == (1 <= row["n"] <= limit) for row in rows)
        assert all(row["suppressed"] for row in rows if row["primary"])
        assert not any(row["suppressed"] for row in rows if row["n"] == 0)
        assert bar is None or secondary(protection.pattern) <= bar
        assert protection.evidence["secondary"] == secondary(protection.pattern)
        assert protection.evidence["unsatisfiable"] == []


@pytest.mark.parametrize(
    "name", ["c01_1d_geo", "c02_2d_flat", "c07_singletons_issue135", "c09_linked_issue136"]
)
@pytest.mark.parametrize("upper", [False, True])
def test_a_small_case_is_safe_and_nothing_in_it_is_withheld_in_vain(cases, name, upper):
    release = read_release(cases / name / "spec.json", cases / name / "inner.csv")
    pattern = protect_release(release, upper_under_a1=upper).pattern
    assert_safe(release, pattern, upper_under_a1=upper)
    members = Attacker(release, pattern, strict=False).members
    rows = pattern.to_pylist()
    for place, row in enumerate(rows):
        if not row["suppressed"] or row["primary"]:
            continue
        positive = np.array([r["n"] == 0 for r in rows]) @ members == 0
        same = (members[:, positive] == members[place, positive]).all(axis=1)
        less = pattern.set_column(
            pattern.column_names.index("suppressed"),
            "suppressed",
            pa.array([0 if same[i] else r["suppressed"] for i, r in enumerate(rows)]),
        )
        with pytest.raises(AssertionError):
            assert_safe(release, less, upper_under_a1=upper)


@pytest.mark.parametrize("seed", range(6))
def test_random_tables_are_safe(seed):
    release = small(seed)
    assert_safe(release, protect_release(release).pattern)


@pytest.mark.parametrize("seed", range(3))
def test_linked_tables_are_safe_together(seed):
    release = small(seed, tables=[["geo"], ["age"]], max_sensitive=14)
    assert_safe(release, protect_release(release).pattern)


def test_the_same_input_gives_the_same_pattern():
    assert protect_release(small(3)).pattern.equals(protect_release(small(3)).pattern)
    assert protect_release(small(3)).evidence == protect_release(small(3)).evidence


def test_no_published_parent_has_a_single_withheld_child():
    release = small(5)
    rows = protect_release(release).pattern.to_pylist()
    withheld = {(row["geo"], row["age"]): row["suppressed"] for row in rows}
    for (geo, age), own in withheld.items():
        for axis, code in (("geo", geo), ("age", age)):
            children = [
                (child, age) if axis == "geo" else (geo, child)
                for child, parent in release.dimensions[axis].parent_of.items()
                if parent == code
            ]
            if children and not own:
                assert sum(withheld[child] for child in children) != 1


def line(*numbers: int | None, **more) -> Release:
    """Areas S0, S1, … below M1 and M2 (four each), without another dimension."""
    cells = pa.table({"geo": [f"S{i}" for i in range(len(numbers))], "n": list(numbers)})
    return make_release({"dims": {"geo": GEO}, "tables": [["geo"]], "maxN": 2, **more}, cells)


def hidden(pattern: pa.Table) -> set[str]:
    return {row["geo"] for row in pattern.to_pylist() if row["suppressed"]}


def test_a_cell_withheld_for_another_reason_may_be_zero_and_takes_another_with_it():
    release = line(0, 30, 20, 25, 7, 8, 9, 9)
    pattern = protect_release(release, primary=pa.table({"geo": ["S0"]})).pattern
    assert hidden(pattern) == {"S0", "S2"}
    wide = protect_release(release, primary=pa.table({"geo": ["S0"], "width": [22]})).pattern
    assert len(hidden(wide) & {"S1", "S2", "S3"}) >= 1
    assert hidden(wide) != {"S0", "S2"}


def test_an_unknown_count_below_a_given_total_is_not_left_alone():
    release = line(None, 30, 20, 25)
    given = pa.table({"geo": ["M1"], "n": [80]})
    protection = protect_release(release, given=given)
    assert hidden(protection.pattern) == {"S0", "S2"}
    rows = {row["geo"]: row for row in protection.pattern.to_pylist()}
    assert rows["S0"]["n"] is None and rows["M1"]["n"] == 80 and not rows["M1"]["suppressed"]


def test_an_unknown_count_may_be_small_and_gets_the_same_bar():
    # Of 12 in M1, S0 is 10: S1 and S2 are 0 to 2 unless S0 is withheld.
    release = line(10, None, None, 0)
    given = pa.table({"geo": ["M1"], "n": [12]})
    protection = protect_release(release, given=given)
    assert hidden(protection.pattern) == {"S0", "S1", "S2"}
    # Of 2 they are 0 to 2 whatever is withheld.
    release, given = line(0, None, None, 0), pa.table({"geo": ["M1"], "n": [2]})
    unmet = protect_release(release, given=given).evidence["unsatisfiable"]
    bound = {"attacker": "A0", "demand": "upper bound"}
    assert [one for one in unmet if one["geo"] == "S1"] == [{"geo": "S1", **bound}]
    # A given zero tells them, and they are named.
    told = protect_release(release, given=pa.table({"geo": ["M1"], "n": [0]}))
    assert {"S1", "S2"} <= set(told.unsatisfiable["geo"].to_pylist())
    assert {"S1", "S2"} <= hidden(told.pattern)


def test_the_finest_cells_of_linked_tables_that_hold_something_unknown_are_rows():
    """S0 × A0 is unknown, and in no table: the cells of S0 and of A0 hold it, no finer ones do."""
    dims = {"geo": [["S0", "Total"], ["S1", "Total"]], "age": [["A0", "Total"], ["A1", "Total"]]}
    spec = {"dims": dims, "tables": [["geo"], ["age"]], "maxN": 2}
    cells = {"geo": ["S0", "S0", "S1", "S1"], "age": ["A0", "A1"] * 2, "n": [None, 9, 8, 7]}
    release = make_release(spec, pa.table(cells))
    given = pa.table({"geo": ["Total"], "age": ["Total"], "n": [30]})
    rows = {
        (row["geo"], row["age"]): (row["n"], row["suppressed"])
        for row in protect_release(release, given=given).pattern.to_pylist()
    }
    # Of 30 in all S1 has 15: S0, and so S0 × A0, would be told.
    assert rows == {
        ("Total", "Total"): (30, 0),
        ("S0", "Total"): (None, 1),
        ("S1", "Total"): (15, 1),
        ("Total", "A0"): (None, 1),
        ("Total", "A1"): (16, 1),
    }


def test_sums_of_unknown_counts_are_no_rows():
    rows = {row["geo"] for row in protect_release(line(None, 30, 20, 25)).pattern.to_pylist()}
    assert "M1" not in rows and "Total" not in rows and {"S0", "M2"} <= rows


def test_what_nothing_can_protect_is_named():
    release = line(1, 0, 0, 0, 20, 20, 20, 20)
    evidence = protect_release(release, given=pa.table({"geo": ["M1"], "n": [1]})).evidence
    assert {"geo": "S0", "attacker": "A1", "demand": "not exact"} in evidence["unsatisfiable"]


def test_what_was_known_before_is_not_withheld_to_protect_others():
    release = line(1, 30, 20, 25, 9, 9, 9, 9)
    assert hidden(protect_release(release).pattern) == {"S0", "S2"}
    known = pa.table({"geo": ["S2"], "n": [20]})
    assert hidden(protect_release(release, known=known).pattern) == {"S0", "S3"}


def test_a_correction_does_not_tell_by_its_difference():
    # S0 was 5 and is 1 now; whoever kept the old edition knows the sum of all others.
    release = line(1, 30, 20, 25, 9, 9, 9, 9)
    known = pa.table({"geo": ["S0", "M1"], "n": [5, 80]})
    pattern = protect_release(release, known=known).pattern
    assert {"S0", "M1"} <= hidden(pattern)


def test_an_insider_learns_nothing_of_others():
    release = line(1, 2, 30, 20, 40, 40, 40, 40)
    plain, guarded = (protect_release(release, policy=p).pattern for p in (None, policy("A2")))
    attacker = Attacker(release, guarded, strict=True)
    ones = [i for i, row in enumerate(attacker.rows) if row["suppressed"] and row["n"] == 1]
    for one in ones:
        fixed = np.arange(len(attacker.rows)) == one
        for place, row in enumerate(attacker.rows):
            if row["primary"] and place != one:
                low, high = attacker.bounds(place, fixed=fixed)
                assert low < high
    assert hidden(plain) <= hidden(guarded) | {"S2", "S3"}


def test_a_municipality_alone_learns_nothing_of_another():
    release = line(1, 30, 30, 30, 1, 40, 40, 40)
    # Both municipalities withhold one area and their total: each could subtract the other's.
    pattern = protect_release(release, policy=policy("M")).pattern
    attacker = Attacker(release, pattern, strict=True)
    for mine, other in (("M1", "S4"), ("M2", "S0")):
        own = release.dimensions["geo"].path
        fixed = np.array(
            [row["geo"] != "Total" and mine in own(row["geo"]) for row in attacker.rows]
        )
        place = [row["geo"] for row in attacker.rows].index(other)
        low, high = attacker.bounds(place, fixed=fixed)
        assert low < high


def test_last_editions_choice_is_kept_where_it_still_serves():
    release = line(1, 30, 20, 25, 9, 9, 9, 9)
    previous = pa.table({"geo": ["S0", "S1", "S2"], "suppressed": [1, 1, 0]})
    assert hidden(protect_release(release, previous=previous).pattern) == {"S0", "S1"}


def test_a_part_may_not_exceed_its_whole():
    declared = {
        "dims": {"geo": GEO},
        "measures": {
            "alle": {"maxN": 2, "tables": [["geo"]]},
            "teil": {"maxN": 2, "tables": [["geo"]], "part_of": {"measure": "alle"}},
        },
    }
    areas = [f"S{i}" for i in range(4)]
    cells = pa.table({"geo": areas, "alle": [20, 2, 20, 20], "teil": [9, 1, 8, 7]})
    release = make_release(declared, cells)
    rows = protect_release(release).pattern.to_pylist()
    withheld = {(row["measure"], row["geo"]) for row in rows if row["suppressed"]}
    # Of two persons one may be 0, 1 or 2: to reach 3 the whole has to be able to grow, too.
    assert {("alle", "S1"), ("teil", "S1")} <= withheld
    assert len([w for w in withheld if w[0] == "alle"]) >= 2
    assert len([w for w in withheld if w[0] == "teil"]) >= 2


def test_a_dominant_holder_is_withheld_and_no_single_holder_can_subtract():
    rows = [("S0", "a", 90.0), ("S0", "b", 5.0), ("S0", "c", 1.0)]
    rows += [(f"S{i}", holder, 20.0) for i in (1, 2, 3) for holder in "abcd"]
    cells = pa.table(
        {n: [row[i] for row in rows] for i, n in enumerate(("geo", "holder", "value"))}
    )
    declared = {"dims": {"geo": GEO}, "tables": [["geo"]], "kind": "magnitude", "p": 10}
    release = make_release({**declared, "minContributors": 3}, cells)
    pattern = protect_release(release).pattern
    rows = {row["geo"]: row for row in pattern.to_pylist()}
    assert [geo for geo, row in rows.items() if row["primary"]] == ["S0"]
    assert rows["S0"]["value"] == 96.0
    assert len(hidden(pattern)) == 2


def test_an_amount_keeps_the_width_that_is_asked_for_it():
    rows = [(f"S{i}", holder, 300.0) for i in range(8) for holder in "abcd"]
    cells = pa.table(
        {n: [row[i] for row in rows] for i, n in enumerate(("geo", "holder", "value"))}
    )
    declared = {"dims": {"geo": GEO}, "tables": [["geo"]], "kind": "magnitude", "p": 10}
    release = make_release({**declared, "minContributors": 3}, cells)
    # S0 and one more area of M1 are 2400 together: each could be 0 to 2400, and no more.
    narrow, wide = (pa.table({"geo": ["S0"], "width": [width]}) for width in (500, 4000))
    assert len(hidden(protect_release(release, primary=narrow).pattern)) == 2
    assert len(hidden(protect_release(release, primary=wide).pattern)) >= 3


def test_the_evidence_names_its_input_and_intervals():
    evidence = protect_release(line(1, 30, 20, 25), policy=policy("A2")).evidence
    assert evidence["solver"].startswith("HiGHS ")
    assert evidence["attackers"] == ["A0", "A1", "A2"]
    assert evidence["intervals"][0]["geo"] == "S0"
    assert evidence["intervals"][0]["mindestens_bis"] >= 3
    other = protect_release(line(1, 30, 20, 26), policy=policy("A2")).evidence
    assert other["input"] != evidence["input"] and other["policy"] == evidence["policy"]
    json.dumps(evidence)


def test_what_is_withheld_without_a_place_is_counted_in_the_evidence():
    """S2 stands for what has no place: it is withheld before the others, and is a cell as well."""
    areas = {"dimension": "geo", "codes": [f"S{i}" for i in range(8) if i != 2]}
    protection = protect_release(line(1, 30, 20, 25, 9, 9, 9, 9, small_areas=areas))
    assert hidden(protection.pattern) == {"S0", "S2"}
    assert protection.evidence["secondary"] == 1


def hash_of(release: Release, **more) -> str:
    return protect_release(release, **more).evidence["input"]


def test_everything_that_decides_is_in_the_hash_of_the_input():
    release, (one, two) = line(1, 30, 20, 25), ({"codes": ["S0"]}, {"codes": ["S0", "S1"]})
    first, second = (
        line(1, 30, 20, 25, small_areas={"dimension": "geo", **codes}) for codes in (one, two)
    )
    hashes = {
        hash_of(release),
        hash_of(release, upper_under_a1=True),
        hash_of(release, exact_only=True),
        hash_of(first),
        hash_of(second),
        hash_of(release, primary=pa.table({"geo": ["S1"]})),
    }
    assert len(hashes) == 6
    assert hash_of(line(1, 30, 20, 25)) == hash_of(release)


@pytest.mark.parametrize("name", ["primary", "known", "given", "previous"])
def test_a_measure_may_be_called_as_what_is_handed_in(name):
    """Its counts decide about the pattern whatever it is called."""

    def of(*numbers: int) -> Release:
        return make_release(
            {
                "dims": {"geo": GEO},
                "measures": {name: {"maxN": 2, "tables": [["geo"]]}},
            },
            pa.table({"geo": ["S0", "S1", "S2"], name: list(numbers)}),
        )

    assert hash_of(of(1, 30, 20)) != hash_of(of(1, 30, 21))


def test_the_policy_names_a_level_that_is_not_there():
    with pytest.raises(ReleaseError, match="municipalities"):
        protect_release(
            make_release(
                {"dims": {"ort": [["A", "Total"]]}, "tables": [["ort"]], "maxN": 2},
                pa.table({"ort": ["A"], "n": [1]}),
            ),
            policy=policy("M"),
        )
