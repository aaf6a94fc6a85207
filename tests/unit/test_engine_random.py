"""Whatever the release: the engine's pattern passes the auditor, or names what nothing protects."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_engine import Attacker

from disclosure.audit import audit_release
from disclosure.engine import protect_release
from disclosure.release import Release
from disclosure.specification import make_release

ONE_BY_ONE = settings(
    max_examples=50,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)


@st.composite
def hierarchies(draw, prefix: str) -> list[list[str]]:
    """Two to six leaves, flat or below groups; a group may hold a single leaf."""
    leaves = draw(st.integers(2, 6))
    groups = draw(st.integers(0, 3))
    if not groups:
        return [[f"{prefix}{i}", "Total"] for i in range(leaves)]
    # The first leaves go to one group each, so that no group is empty.
    groups = min(groups, leaves)
    above = [i if i < groups else draw(st.integers(0, groups - 1)) for i in range(leaves)]
    tops = [[f"{prefix}g{i}", "Total"] for i in range(groups)]
    return tops + [[f"{prefix}{i}", f"{prefix}g{group}"] for i, group in enumerate(above)]


def leaves_of(hierarchy: list[list[str]]) -> list[str]:
    inner = {parent for _, parent in hierarchy}
    return [code for code, _ in hierarchy if code not in inner]


@st.composite
def releases(draw) -> Release:
    names = ["a", "b", "c"][: draw(st.integers(1, 3))]
    dims = {name: draw(hierarchies(name)) for name in names}
    choices = [
        [n for i, n in enumerate(names) if mask >> i & 1] for mask in range(1, 2 ** len(names))
    ]
    tables = draw(st.lists(st.sampled_from(choices), min_size=1, max_size=3, unique_by=tuple))
    mean = draw(st.sampled_from([0.5, 2.0, 6.0, 30.0]))
    random = np.random.Generator(np.random.PCG64(draw(st.integers(0, 10_000))))
    axes = np.meshgrid(*(leaves_of(dims[name]) for name in names), indexing="ij")
    cells = {name: axis.ravel() for name, axis in zip(names, axes, strict=True)}
    counts = random.poisson(mean * random.lognormal(0, 0.8, axes[0].size))
    spec = {"dims": dims, "tables": tables, "maxN": draw(st.integers(2, 9))}
    return make_release(spec, pa.table({**cells, "n": counts}))


@given(release=releases(), upper=st.booleans())
@ONE_BY_ONE
def test_what_the_engine_makes_passes_the_auditor(release, upper):
    protection = protect_release(release, upper_under_a1=upper)
    # All but zeros may be withheld, so that nothing needs an excuse.
    assert protection.unsatisfiable is None and not protection.evidence["unsatisfiable"]
    result = audit_release(release, protection.pattern, upper_under_a1=upper)
    assert result.passed, result.text


def told_by_zeros(release: Release, pattern: pa.Table, primary: pa.Table) -> set[tuple]:
    """Return the primary cells that are exact though all that may be withheld is, by linprog."""
    attacker = Attacker(release, pattern, strict=True)
    keys = [tuple(row[name] for name in release.key_columns) for row in attacker.rows]
    named = set(zip(*(primary[name].to_pylist() for name in release.key_columns), strict=True))
    places = [place for place, key in enumerate(keys) if key in named]
    same = (attacker.members[:, None] == attacker.members[None, places]).all(axis=2).any(axis=1)
    attacker.withheld = (attacker.value > 0) | same
    bounds = {keys[place]: attacker.bounds(place) for place in places}
    return {key for key, (low, high) in bounds.items() if low == high}


@given(release=releases(), data=st.data())
@settings(ONE_BY_ONE, max_examples=25)
def test_what_is_withheld_for_another_reason_passes_the_auditor(release, data):
    rows = protect_release(release).pattern.select(list(release.key_columns)).to_pylist()
    chosen = data.draw(
        st.lists(st.sampled_from(range(len(rows))), min_size=1, max_size=3, unique=True)
    )
    primary = pa.Table.from_pylist([rows[i] for i in sorted(chosen)])
    protection = protect_release(release, primary=primary)
    excused = protection.unsatisfiable
    if excused is not None:
        told = told_by_zeros(release, protection.pattern, primary)
        assert set(map(tuple, (row.values() for row in excused.to_pylist()))) <= told
    result = audit_release(release, protection.pattern, primary=primary, unsatisfiable=excused)
    assert result.passed, result.text


@given(release=releases(), blind=st.sampled_from([0.03, 0.2]), seed=st.integers(0, 10_000))
@settings(ONE_BY_ONE, max_examples=25)
def test_what_the_source_withheld_passes_the_auditor(release, blind, seed):
    """Some atoms are unknown to us, and partners deliver some totals."""
    random = np.random.Generator(np.random.PCG64(seed))
    keys = list(release.key_columns)
    rows = protect_release(release).pattern.to_pylist()
    totals = [row for row in rows if sum(row[name] == "Total" for name in keys) >= len(keys) - 1]
    chosen = random.choice(len(totals), min(len(totals), 3), replace=False)
    given = pa.table({name: [totals[i][name] for i in chosen] for name in [*keys, "n"]})
    atoms = release.atoms["n"]
    numbers = pa.array(atoms["n"].to_pylist(), mask=random.random(len(atoms)) < blind)
    there = atoms.column_names.index("n")
    release = replace(release, atoms={"n": atoms.set_column(there, "n", numbers)})
    protection = protect_release(release, given=given)
    empty = [row for row in protection.pattern.to_pylist() if row["n"] is None]
    assert all(row["suppressed"] and row["primary"] for row in empty)
    result = audit_release(
        release, protection.pattern, given=given, unsatisfiable=protection.unsatisfiable
    )
    assert result.passed, result.text


@st.composite
def chains(draw) -> Release:
    """A whole, a part of it, and a part of that, over areas of municipalities."""
    random = np.random.Generator(np.random.PCG64(draw(st.integers(0, 10_000))))
    areas = [(f"{top}{i}", top) for top in ("A", "B", "C") for i in range(5)]
    whole = random.poisson(draw(st.sampled_from([8.0, 20.0])) * random.lognormal(0, 0.8, 15))
    part = random.binomial(whole, 0.9)
    cells = {"whole": whole, "part": part, "least": random.binomial(part, 0.8)}
    spec = {
        "dims": {"raum": [["A", "Total"], ["B", "Total"], ["C", "Total"], *map(list, areas)]},
        "measures": {
            name: {"maxN": 4, "tables": [["raum"]], "part_of": part_of}
            for name, part_of in (
                ("whole", []),
                ("part", [{"measure": "whole"}]),
                ("least", [{"measure": "part"}]),
            )
        },
    }
    return make_release(spec, pa.table({"raum": [code for code, _ in areas], **cells}))


@given(release=chains())
@ONE_BY_ONE
def test_parts_of_parts_pass_the_auditor(release):
    protection = protect_release(release)
    assert protection.unsatisfiable is None and not protection.evidence["unsatisfiable"]
    audit = audit_release(release, protection.pattern)
    assert audit.passed, audit.hits
