"""Moves without a program: they are moves, and large releases protected by them are safe."""

import numpy as np
import pyarrow as pa
import pytest

from disclosure import made_up
from disclosure.audit import audit_release
from disclosure.engine import protect_release
from disclosure.engine.exchanges import Exchanges
from disclosure.engine.protect import make_system
from disclosure.engine.system import System
from disclosure.keys import make_known, make_old
from disclosure.release import Release
from disclosure.specification import make_release

GEO = [["M", "Total"], ["N", "Total"], *([f"M{i}", "M"] for i in range(3)), ["N0", "N"]]
AGE = [["a", "Total"], ["b", "Total"], ["c", "Total"]]
NAT = [["x", "Total"], ["y", "Total"]]


def crossed(seed: int, tables: list[list[str]], **more) -> Release:
    """Four areas of uneven municipalities by age and nationality; a third of the atoms is zero."""
    random = np.random.Generator(np.random.PCG64(seed))
    rows = [(g, a, n) for g in ("M0", "M1", "M2", "N0") for a in "abc" for n in "xy"]
    counts = random.integers(1, 9, len(rows)) * (random.random(len(rows)) < 0.7)
    cells = {name: [row[i] for row in rows] for i, name in enumerate(("geo", "age", "nat"))}
    spec = {"dims": {"geo": GEO, "age": AGE, "nat": NAT}, "tables": tables, "maxN": 2, **more}
    return make_release(spec, pa.table({**cells, "n": counts}))


def system_of(release: Release) -> System:
    return make_system(release, dict.fromkeys(("primary", "given", "known", "old", "previous")))


def move_of(system: System, node: int, amount: int, *, closed: np.ndarray | None = None):
    nothing = np.zeros(system.size, np.int64)
    price = np.ones(system.size, np.int64)
    closed = np.zeros(system.size, bool) if closed is None else closed
    return Exchanges(system).move(node, amount, nothing, price, closed)


@pytest.mark.parametrize(
    "tables", [[["geo", "age", "nat"]], [["geo", "age"], ["geo", "nat"], ["age", "nat"]]]
)
@pytest.mark.parametrize("amount", [2, -1])
def test_an_exchange_keeps_every_sum_and_leaves_no_count_below_zero(tables, amount):
    found = 0
    for seed in range(3):
        system = system_of(crossed(seed, tables))
        for node in range(system.size):
            move = move_of(system, node, amount)
            if move is None:
                continue
            change = np.zeros(system.size, np.int64)
            change[move.nodes] = move.change
            assert change[node] == amount
            assert not (system.relations @ change).any()
            assert (system.value + change >= 0).all()
            found += 1
    assert found > 50


def test_an_exchange_keeps_what_earlier_editions_told():
    # M0 × a × x was one more, so what was told of a and of all is a row over today's other atoms.
    release = crossed(1, [["geo", "age", "nat"]])
    (now,) = release.atoms.values()
    rows = {(r["geo"], r["age"], r["nat"]): r["n"] for r in now.to_pylist()}
    assert rows["M0", "a", "x"] > 0
    elderly = sum(n for key, n in rows.items() if key[1] == "a") + 1
    told = {"geo": ["Total", "M0"], "age": ["a", "a"], "nat": ["Total", "x"], "edition": ["e"] * 2}
    then = rows["M0", "a", "x"] + 1
    known = pa.table({**told, "n": [elderly, then]})
    old = pa.table({"geo": ["M0"], "age": ["a"], "nat": ["x"], "edition": ["e"], "n": [then]})
    tables = {"known": make_known(release, known), "old": make_old(release, old)}
    system = make_system(release, {**dict.fromkeys(("primary", "given", "previous")), **tables})
    assert system.size > system.own
    found = 0
    for node in range(system.own):
        if (move := move_of(system, node, 1)) is not None:
            change = np.zeros(system.size, np.int64)
            change[move.nodes] = move.change
            assert not (system.relations @ change).any()
            found += 1
    assert found > 10


def test_an_exchange_leaves_alone_what_is_closed():
    system = system_of(crossed(1, [["geo", "age", "nat"]]))
    firsts = others = 0
    for node in range(system.size):
        first = move_of(system, node, 1)
        if first is None:
            continue
        firsts += 1
        closed = np.zeros(system.size, bool)
        closed[first.nodes[first.nodes != node]] = True
        other = move_of(system, node, 1, closed=closed)
        if other is not None:
            assert not closed[other.nodes].any()
            others += 1
    assert others > firsts / 2 > 10
    assert move_of(system, 0, 1, closed=np.ones(system.size, bool)) is None


@pytest.fixture(scope="module")
def large() -> Release:
    return made_up.population(count=14, municipalities=2)


def test_a_large_release_passes_the_auditor(large):
    protection = protect_release(large)
    evidence = protection.evidence
    assert evidence["sensitive"] > 700 and evidence["programs"] == 0
    assert evidence["unsatisfiable"] == [] and evidence["exact_only"] is False
    audit = audit_release(large, protection.pattern)
    assert audit.passed, audit.text


def test_exact_only_leaves_no_count_exact_and_repeats_itself(large):
    trial = protect_release(large, exact_only=True)
    assert trial.pattern.equals(protect_release(large, exact_only=True).pattern)
    assert trial.evidence["exact_only"] is True
    assert all(row["mindestens_von"] < row["mindestens_bis"] for row in trial.evidence["intervals"])
    audit = audit_release(large, trial.pattern)
    assert not [hit for hit in audit.hits if hit.learned == "exact"]
