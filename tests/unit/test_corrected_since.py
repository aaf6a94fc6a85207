"""Who keeps earlier editions knows which counts were corrected, and when (A3 in the worst case)."""

import pyarrow as pa
import pytest

from disclosure.audit import Municipalities, audit_release
from disclosure.engine import protect_release
from disclosure.release import Release
from disclosure.specification import make_release

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
    columns = {"geo": [key[0] for key in keys], "n": list(numbers.values())}
    if any(len(key) > 1 for key in keys):
        columns["sex"] = [key[1] if len(key) > 1 else "Total" for key in keys]
    return pa.table({**columns, "edition": [edition] * len(numbers)})


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
    assert fallen(audit) == {("zwei", "A0"), ("zwei", "A1")} or fallen(audit) == {("zwei", "A1")}
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
