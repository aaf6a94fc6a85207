"""Several editions with corrections: whoever kept them all learns nothing that is withheld."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from disclosure.audit import audit_release
from disclosure.engine import protect_release
from disclosure.keys import make_known
from disclosure.release import Release, ReleaseError
from disclosure.specification import make_release

AREAS = [f"S{i}" for i in range(8)]
GEO = [
    ["M1", "Total"],
    ["M2", "Total"],
    *([a, "M1" if i < 4 else "M2"] for i, a in enumerate(AREAS)),
]
SEX = [["m", "Total"], ["w", "Total"]]


def crossed(numbers: list[int]) -> Release:
    """Areas in two municipalities, by sex."""
    keys = {"geo": np.repeat(AREAS, 2).tolist(), "sex": ["m", "w"] * len(AREAS)}
    spec = {"dims": {"geo": GEO, "sex": SEX}, "tables": [["geo", "sex"]], "maxN": 2}
    return make_release(spec, pa.table({**keys, "n": numbers}))


def line(*numbers: int | None) -> Release:
    """Areas without another dimension; those that are not named have no case."""
    numbers = [*numbers, *[0] * (len(AREAS) - len(numbers))]
    spec = {"dims": {"geo": GEO}, "tables": [["geo"]], "maxN": 2}
    return make_release(spec, pa.table({"geo": AREAS, "n": pa.array(numbers, pa.int64())}))


def told(pattern: pa.Table, edition: str) -> pa.Table:
    """What an edition with this pattern tells."""
    shown = pattern.filter(pc.equal(pattern["suppressed"], 0))
    shown = shown.drop_columns(["primary", "suppressed"])
    return shown.append_column("edition", pa.array([edition] * len(shown)))


def known(edition: str = "e1", **numbers: int) -> pa.Table:
    rows = {"geo": list(numbers), "n": list(numbers.values())}
    return pa.table({**rows, "edition": [edition] * len(numbers)})


def hidden(pattern: pa.Table) -> set[str]:
    return set(pattern.filter(pc.equal(pattern["suppressed"], 1))["geo"].to_pylist())


def behind(edition: str, then: np.ndarray, now: np.ndarray) -> pa.Table:
    """The finest counts of an edition that were others than now."""
    changed = np.flatnonzero(then != now)
    return pa.table(
        {
            "geo": pa.array(np.repeat(AREAS, 2)[changed].tolist(), pa.string()),
            "sex": pa.array([["m", "w"][place % 2] for place in changed], pa.string()),
            "n": pa.array(then[changed], pa.int64()),
            "edition": pa.array([edition] * len(changed), pa.string()),
        }
    )


@pytest.mark.parametrize("at_hand", [True, False])
@pytest.mark.parametrize("seed", [8, 23, 31])
def test_three_editions_with_corrections_tell_nothing(seed, at_hand):
    random = np.random.default_rng(seed)
    numbers = random.choice([0, 1, 2, 3, 5, 8, 13, 30], 2 * len(AREAS))
    kept, then = None, {}
    for edition in ("e1", "e2", "e3"):
        release = crossed(numbers.tolist())
        old = [behind(name, own, numbers) for name, own in then.items()]
        old = pa.concat_tables(old) if old and at_hand else None
        made = protect_release(release, known=kept, old=old)
        audit = audit_release(
            release,
            made.pattern,
            known=kept,
            old=old,
            unsatisfiable=made.unsatisfiable,
            seconds=60,
        )
        assert audit.passed, audit.text
        own = told(made.pattern, edition)
        kept = own if kept is None else pa.concat_tables([kept, own])
        then[edition] = numbers.copy()
        chosen = random.integers(0, len(numbers), 3)
        numbers[chosen] = np.maximum(numbers[chosen] + random.choice([-2, -1, 1, 2, 3], 3), 0)


def test_a_count_that_is_gone_is_part_of_the_old_total():
    # S1 was 6 and is 0: with the old total S0 is told, and nothing can change that.
    release = line(1, 0, 20, 30, 9, 9, 9, 9)
    earlier = known(S1=6, S2=20, S3=30, M1=57)
    made = protect_release(release, known=earlier)
    assert {cell["geo"] for cell in made.evidence["unsatisfiable"]} == {"S0"}
    audit = audit_release(release, made.pattern, known=earlier, unsatisfiable=made.unsatisfiable)
    assert audit.passed and {hit.key for hit in audit.unsatisfiable} == {("S0",)}
    # Without one of the others it is not told.
    earlier = known(S1=6, S2=20, M1=57)
    made = protect_release(release, known=earlier)
    assert made.unsatisfiable is None
    assert audit_release(release, made.pattern, known=earlier).passed


def test_a_withheld_count_that_was_corrected_as_well_is_no_contradiction():
    # S0 was 2 and S1 30; both have changed, and S0 was never told.
    release = line(1, 28, 20, 25, 9, 9, 9, 9)
    earlier = known(S1=30, S2=20, S3=25, M1=77)
    made = protect_release(release, known=earlier)
    assert "S0" in hidden(made.pattern)
    audit = audit_release(release, made.pattern, known=earlier, unsatisfiable=made.unsatisfiable)
    assert audit.passed, audit.text


def test_a_total_that_is_again_what_it_was_is_not_known_for_that():
    # M2 was 24 in the first edition and is 24 again, of other parts.
    release = line(5, 5, 5, 5, 1, 7, 8, 8)
    earlier = pa.concat_tables(
        [
            known("e1", S4=0, S5=8, S6=8, S7=8, M2=24, M1=20, Total=44),
            known("e2", S4=0, S5=7, S6=8, S7=8, M2=23, M1=20, Total=43),
        ]
    )
    made = protect_release(release, known=earlier)
    assert made.unsatisfiable is None
    assert {"S4", "M2"} <= hidden(made.pattern)
    assert audit_release(release, made.pattern, known=earlier).passed


def test_editions_are_read_in_their_order_and_each_key_once():
    table = pa.concat_tables([known("e2", S1=4, S0=3), known("e1", S0=3)])
    rows = make_known(line(3), table).to_pylist()
    assert [(row["edition"], row["geo"]) for row in rows] == [
        ("e1", "S0"), ("e2", "S0"), ("e2", "S1"),
    ]  # fmt: skip
    with pytest.raises(ReleaseError, match="known of edition e1: a key stands twice"):
        make_known(line(3), pa.concat_tables([known(S0=3), known(S0=4)]))
    with pytest.raises(ReleaseError, match="known of edition e1: geo: unknown S99"):
        make_known(line(3), known(S99=3))
