"""Who keeps earlier editions knows which counts were corrected, and when (A3 in the worst case)."""

import json

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv

from disclosure.audit import Municipalities, audit_release
from disclosure.engine import protect_release
from disclosure.keys import make_old
from disclosure.policy import Policy
from disclosure.release import Release, ReleaseError
from disclosure.specification import make_release
from orchestration.cli import main

SEX = [["f", "Total"], ["m", "Total"]]


def release(geo: list[list[str]], atoms: dict, *, sex: bool = False) -> Release:
    """A release of counts by area, or by area and sex."""
    spec = {"dims": {"geo": geo}, "tables": [["geo"]], "maxN": 2}
    if not sex:
        return make_release(spec, pa.table({"geo": list(atoms), "n": list(atoms.values())}))
    spec = {"dims": {"geo": geo, "sex": SEX}, "tables": [["geo", "sex"]], "maxN": 2}
    columns = {"geo": [key[0] for key in atoms], "sex": [key[1] for key in atoms]}
    return make_release(spec, pa.table({**columns, "n": list(atoms.values())}))


def cells(edition: str, **numbers: int) -> pa.Table:
    """What an edition told, or the counts behind it: `a_f` is the women of a, `a` all of a."""
    keys = [name.split("_") for name in numbers]
    columns = {
        "geo": pa.array([key[0] for key in keys], pa.string()),
        "n": pa.array(list(numbers.values()), pa.int64()),
        "edition": pa.array([edition] * len(numbers), pa.string()),
    }
    if any(len(key) > 1 for key in keys):
        columns["sex"] = [key[1] if len(key) > 1 else "Total" for key in keys]
    return pa.table(columns)


def with_hidden(shown: Release, *hidden: str) -> pa.Table:
    """A pattern that withholds what is small, and these cells."""
    pattern = protect_release(shown).pattern  # for its rows; the marks are replaced
    keys = ["_".join(key.values()) for key in pattern.select(list(shown.key_columns)).to_pylist()]
    keys = [key.removesuffix("_Total") if key != "Total_Total" else "Total" for key in keys]
    marks = [int(key in hidden) for key in keys]
    small = [int(0 < n <= 2) for n in pattern["n"].to_pylist()]
    pattern = pattern.drop_columns(["primary", "suppressed"])
    return pattern.append_column("primary", [small]).append_column("suppressed", [marks])


def fallen(audit) -> set[tuple[str, ...]]:
    assert not audit.problems, audit.problems
    return {(*hit.key, hit.attacker, *(hit.known_by)) for hit in audit.hits}


LINE = [
    ["M", "Total"], ["zwei", "M"], ["drei", "M"],
    ["N", "Total"], ["q", "N"], ["p", "N"], ["eins", "Total"],
]  # fmt: skip
LINE_NOW = {"zwei": 2, "drei": 8, "q": 2, "p": 8, "eins": 1}
LINE_KNOWN = pa.concat_tables([cells("2015", drei=7, p=7), cells("2016", M=9, N=8)])
LINE_OLD = pa.concat_tables([cells("2015", drei=7, p=7), cells("2016", drei=7, p=6)])


@pytest.mark.parametrize("old", [LINE_OLD, None])
def test_what_two_editions_agree_on_is_one_unknown_whatever_else_changed_between_them(old):
    # drei was 7 in both, so zwei = 9 − 7; p was 7 and then 6, so N then tells nothing of q.
    shown = release(LINE, LINE_NOW)
    pattern = with_hidden(shown, "zwei", "q", "eins", "M", "N")
    audit = audit_release(shown, pattern, known=LINE_KNOWN, old=old)
    assert fallen(audit) == {("zwei", "A0"), ("zwei", "A1")}
    own = protect_release(shown, known=LINE_KNOWN, old=old)
    audit = audit_release(
        shown, own.pattern, known=LINE_KNOWN, old=old, unsatisfiable=own.unsatisfiable
    )
    assert audit.passed, audit.text


COUNTY = [["M", "Total"], ["a", "M"], ["N", "Total"], ["b1", "N"], ["b2", "N"]]
COUNTY_NOW = {
    ("a", "f"): 11, ("a", "m"): 5,
    ("b1", "f"): 1, ("b1", "m"): 2, ("b2", "f"): 1, ("b2", "m"): 0,
}  # fmt: skip
COUNTY_KNOWN = cells("e1", Total_f=12, N=4)
COUNTY_OLD = cells("e1", a_f=10)


def test_a_municipality_knows_its_own_counts_of_earlier_editions_too():
    # M knows its old 10, so b1_f + b2_f = 12 − 10, each is 1, and b1_m = 4 − 2.
    shown = release(COUNTY, COUNTY_NOW, sex=True)
    small = ("b1_f", "b2_f", "b1_m", "b1", "b2", "N_f", "N_m", "Total_f", "Total_m")
    pattern = with_hidden(shown, *small)
    rules = {"attackers": ("A0", "A1", "M"), "owners": Municipalities("geo", ("M", "N"))}
    audit = audit_release(shown, pattern, known=COUNTY_KNOWN, **rules)
    assert audit.passed, audit.text
    audit = audit_release(shown, pattern, known=COUNTY_KNOWN, old=COUNTY_OLD, **rules)
    assert {("b1", "m", "M", "M"), ("b1", "f", "M", "M"), ("b2", "f", "M", "M")} <= fallen(audit)
    assert {hit.attacker for hit in audit.hits} == {"M"}
    raum = {"dimension": "geo"}
    facts = {"decided_by": "Kreis", "decided_on": "2026-01-01", "raum": raum, "thresholds": []}
    rules = {"policy": Policy.model_validate({**facts, "attackers": ["A0", "A1", "M"]})}
    own = protect_release(shown, known=COUNTY_KNOWN, old=COUNTY_OLD, **rules)
    rules |= {"known": COUNTY_KNOWN, "old": COUNTY_OLD, "unsatisfiable": own.unsatisfiable}
    audit = audit_release(shown, own.pattern, **rules)
    assert audit.passed, audit.text


THREE = [[area, "Total"] for area in ("a1", "a2", "a3")]
THREE_NOW = {
    ("a1", "f"): 10, ("a1", "m"): 20, ("a2", "f"): 2, ("a2", "m"): 9, ("a3", "f"): 6, ("a3", "m"): 7
}  # fmt: skip
THREE_KNOWN = cells("e1", a1_f=10, a1_m=20, a1=30, a2=11, a3=12, Total_f=17, Total_m=36, Total=53)
THREE_OLD = cells("e1", a3_f=5)


def test_who_knows_what_was_corrected_subtracts_what_was_not():
    # a3_f then was 12 − 7, so a2_f = 17 − 10 − 5.
    shown = release(THREE, THREE_NOW, sex=True)
    pattern = with_hidden(shown, "a2_f", "a2_m", "Total_f", "Total_m")
    assert audit_release(shown, pattern, known=THREE_KNOWN).passed
    audit = audit_release(shown, pattern, known=THREE_KNOWN, old=THREE_OLD)
    assert {key[:2] for key in fallen(audit)} == {("a2", "f")}
    own = protect_release(shown, known=THREE_KNOWN, old=THREE_OLD)
    audit = audit_release(
        shown, own.pattern, known=THREE_KNOWN, old=THREE_OLD, unsatisfiable=own.unsatisfiable
    )
    assert audit.passed, audit.text


AGES = [["alt", "Total"], ["jung", "Total"]]
MARGINS = {
    "dims": {"geo": THREE, "age": AGES, "sex": SEX},
    "tables": [["geo", "age"], ["geo", "sex"]],
    "maxN": 2,
}
JOINT = {
    ("a1", "alt", "f"): 10, ("a1", "jung", "m"): 20,
    ("a2", "alt", "f"): 2, ("a2", "jung", "m"): 9,
    ("a3", "alt", "f"): 6, ("a3", "jung", "f"): 2, ("a3", "jung", "m"): 5,
}  # fmt: skip
# Of a3 one elderly woman was not counted then. The other counts of the joint distribution are made
# up, and differ, though a3 had 7 young people as today.
JOINT_OLD = pa.table(
    {
        "geo": ["a3"] * 4,
        "age": ["alt", "alt", "jung", "jung"],
        "sex": ["f", "m", "f", "m"],
        "n": [0, 5, 7, 0],
        "edition": ["e1"] * 4,
    }
)
JOINT_KNOWN = pa.table(
    {
        "geo": ["a1", "a2", "a3", "Total"],
        "age": ["alt", "Total", "Total", "alt"],
        "n": [10, 11, 12, 17],
        "edition": ["e1"] * 4,
    }
)


def test_of_margins_it_is_known_which_were_corrected_whatever_stands_behind_them():
    # As above: a3 then had 12 − 7 elderly, so a2 has 17 − 10 − 5.
    cells_now = {name: [key[i] for key in JOINT] for i, name in enumerate(("geo", "age", "sex"))}
    shown = make_release(MARGINS, pa.table({**cells_now, "n": list(JOINT.values())}))
    pattern = protect_release(shown).pattern.to_pylist()
    hidden = {("a2", "alt"), ("a2", "jung"), ("Total", "alt"), ("Total", "jung")}
    hidden |= {("a2", "f"), ("a2", "m"), ("Total", "f"), ("Total", "m")}
    for row in pattern:
        key = (row["geo"], row["sex"] if row["age"] == "Total" else row["age"])
        row["primary"], row["suppressed"] = int(0 < row["n"] <= 2), int(key in hidden)
    audit = audit_release(shown, pa.Table.from_pylist(pattern), known=JOINT_KNOWN, old=JOINT_OLD)
    assert not audit.problems
    assert {hit.key for hit in audit.hits} == {("a2", "alt", "Total")}
    own = protect_release(shown, known=JOINT_KNOWN, old=JOINT_OLD)
    audit = audit_release(
        shown, own.pattern, known=JOINT_KNOWN, old=JOINT_OLD, unsatisfiable=own.unsatisfiable
    )
    assert audit.passed, audit.text


SMALL = [["M", "Total"], ["a", "M"], ["b", "M"], ["N", "Total"], ["c", "N"], ["d", "N"]]
MEMBERS = {"M": "ab", "N": "cd", "Total": "abcd", **{area: area for area in "abcd"}}


def behind(edition: str, then: dict, now: dict) -> pa.Table:
    changed = {area: n for area, n in then.items() if n != now[area]}
    return cells(edition, **changed)


def possible(rows: list[tuple[set, int]], least: list[set], unknowns: list) -> dict:
    """All whole-number tables up to 7 that fit: an independent way to what can be concluded."""
    grids = np.meshgrid(*[np.arange(8, dtype=np.int8)] * len(unknowns), indexing="ij")
    tables = {name: grid.ravel() for name, grid in zip(unknowns, grids, strict=True)}
    fits = np.ones(8 ** len(unknowns), dtype=bool)
    for members, number in rows:
        fits &= sum(tables[name] for name in members) == number
    for members in least:
        fits &= sum(tables[name] for name in members) >= 1
    return {name: table[fits] for name, table in tables.items()}


@pytest.mark.parametrize("seed", range(30))
def test_what_is_exact_is_what_all_possible_tables_have(seed):
    random = np.random.default_rng(seed)
    states = [dict(zip("abcd", random.integers(1, 5, 4).tolist(), strict=True))]
    for _ in range(2):
        later = dict(states[-1])
        later[random.choice(list("abcd"))] = int(random.integers(1, 5))
        states.append(later)
    now, editions = states[2], {"e1": states[0], "e2": states[1]}
    told = {
        name: {c: sum(then[a] for a in MEMBERS[c]) for c in MEMBERS if random.random() < 0.5}
        for name, then in editions.items()
    }
    known = pa.concat_tables([cells(name, **numbers) for name, numbers in told.items()])
    if not len(known):
        return
    old = pa.concat_tables([behind(name, then, now) for name, then in editions.items()])
    shown = release(SMALL, now)
    numbers = {c: sum(now[a] for a in MEMBERS[c]) for c in MEMBERS}
    hidden = {c for c, n in numbers.items() if n <= 2 or random.random() < 0.5}
    audit = audit_release(shown, with_hidden(shown, *hidden), known=known, old=old)
    # An unknown for each count that an area had in a run of editions, today's in all alike.
    version = {name: {} for name in editions}
    for area in "abcd":
        second = area if states[1][area] == now[area] else f"{area}2"
        first = area if states[0][area] == now[area] else f"{area}1"
        if second != area and states[0][area] == states[1][area]:
            first = second
        version["e1"][area], version["e2"][area] = first, second
    unknowns = sorted({*"abcd", *version["e1"].values(), *version["e2"].values()})
    rows = [(set(MEMBERS[c]), n) for c, n in numbers.items() if c not in hidden]
    rows += [
        ({version[name][a] for a in MEMBERS[c]}, n) for name in told for c, n in told[name].items()
    ]
    tables = possible(rows, [set(MEMBERS[c]) for c in hidden], unknowns)
    exact = {
        c
        for c in hidden
        if numbers[c] <= 2 and len(np.unique(sum(tables[a] for a in MEMBERS[c]))) == 1
    }
    assert {h.key[0] for h in audit.hits if (h.attacker, h.learned) == ("A1", "exact")} == exact


def test_counts_behind_editions_are_finest_counts():
    shown = release(THREE, THREE_NOW, sex=True)
    assert make_old(shown, THREE_OLD).to_pylist() == [
        {"geo": "a3", "sex": "f", "n": 5, "edition": "e1"}
    ]
    with pytest.raises(ReleaseError, match="old: sex: no codes of finest counts: Total"):
        make_old(shown, cells("e1", a3=12, a3_f=5))


def test_an_edition_whose_counts_do_not_add_up_to_what_it_told_is_read_without_them():
    # An area that is no more was part of the old total; which it was, nobody says.
    shown = release(LINE, LINE_NOW)
    pattern = with_hidden(shown, "zwei", "q", "eins", "M", "N")
    known = cells("2015", Total=26, drei=8, p=8)
    assert audit_release(shown, pattern, known=known, old=cells("2015", drei=8)).passed


def test_the_verb_takes_the_counts_behind_earlier_editions_as_a_file(tmp_path, capsys):
    shown = release(THREE, THREE_NOW, sex=True)
    spec = {"dims": {"geo": THREE, "sex": SEX}, "tables": [["geo", "sex"]], "maxN": 2}
    (tmp_path / "spec.json").write_text(json.dumps(spec))
    columns = {"geo": [area for area, _ in THREE_NOW], "sex": [sex for _, sex in THREE_NOW]}
    tables = {
        "cells": pa.table({**columns, "n": list(THREE_NOW.values())}),
        "pattern": with_hidden(shown, "a2_f", "a2_m", "Total_f", "Total_m"),
        "known": THREE_KNOWN,
        "old": THREE_OLD,
    }
    files = ["--spec", str(tmp_path / "spec.json")]
    for name, table in tables.items():
        csv.write_csv(table, tmp_path / f"{name}.csv", csv.WriteOptions(quoting_style="needed"))
        files += [f"--{name}", str(tmp_path / f"{name}.csv")]
    assert main(["audit", *files[:-2]]) == 0
    assert main(["audit", *files]) == 1
    assert "a2 × f: exact" in capsys.readouterr().out
