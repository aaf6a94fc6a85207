"""Whether a policy is looser than an earlier one, rule by rule, and measure by measure.

Both policies are plain data, as they stand in privacy.yaml and in the ledger of releases. What a
rule does belongs to `policy`; here only in which direction it gets looser. A rule of which that is
not known counts as looser whenever it is another one: nobody shall forget to decide.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Value = int | float | str | bool | None

_NO_RULE = {"decided_by", "decided_on", "reason", "thema", "lockerungen"}
_LESS = {"max_sensitive", "max_sensitive_klein", "min_nenner", "min_einwohner", "bis"}
"""Numbers that are looser the smaller they are."""
_MORE = {"hoechstens", "ab", "ebene"}
"""Numbers that are looser the greater they are."""
_EXEMPT = {"ausser", "summen"}
"""Lists of what a rule does not hold for; all other lists say what it holds for."""
_SUMS = ("veroeffentlichte_teile", "vollstaendig")
"""What the levels above have, from strict to loose: what is not there tells nothing."""


@dataclass(frozen=True)
class Loosening:
    """One rule that became looser.

    Attributes:
        regel: its place in privacy.yaml, such as `thresholds.arbeit.max_sensitive`; an entry of a
            list is a rule of its own, such as `attackers.A2`.
        von: what it was; of an entry of a list whether it stood there.
        auf: what it is; None if it is gone.
    """

    regel: str
    von: Value
    auf: Value

    def __str__(self) -> str:
        """Return rule, old and new value."""
        return f"{self.regel} from {_told(self.von)} to {_told(self.auf)}"


def loosenings(earlier: Mapping[str, Any], policy: Mapping[str, Any]) -> list[Loosening]:
    """Return the rules that are looser than they were, in the order of their names.

    Args:
        earlier: the policy of an earlier edition, as plain data.
        policy: the policy of today, likewise.
    """
    before, now = _rules(earlier), _rules(policy)
    # A theme without thresholds cannot be released at all, which is the strictest rule.
    gone = {_theme(path) for path in before} - {_theme(path) for path in now}
    return [
        Loosening(path, before.get(path), now.get(path))
        for path in sorted({**before, **now})
        if _theme(path) not in gone and _is_looser(path, before.get(path), now.get(path))
    ]


def undecided(earlier: Mapping[str, Any], policy: Mapping[str, Any]) -> list[Loosening]:
    """Return the loosened rules for which `lockerungen` of the policy records no decision.

    A decision holds for one rule, one old and one new value.
    """
    decided = [(one["regel"], one["von"], one["auf"]) for one in policy.get("lockerungen") or ()]
    return [
        loosened
        for loosened in loosenings(earlier, policy)
        if (loosened.regel, loosened.von, loosened.auf) not in decided
    ]


Limits = Mapping[str, Mapping[str, tuple[int, int]]]
"""By measure and theme up to which counts are withheld: anywhere, and in small areas."""


def undecided_of_measures(
    editions: Sequence[tuple[Mapping[str, Any], Limits]],
    policy: Mapping[str, Any],
    themes: Mapping[str, Collection[str]],
) -> list[Loosening]:
    """Return the thresholds that are looser for a measure than when it was last protected.

    A comparison of policies does not see it: a measure can go to another theme, and a theme can be
    missing from one edition. Left out is what a decision in a policy since then allows.

    Args:
        editions: policy and thresholds in force of each edition, the oldest first.
        policy: the policy of today.
        themes: the themes of each measure of today.
    """
    found: dict[Loosening, None] = {}
    for measure, own in sorted(themes.items()):
        told = [number for number, (_, limits) in enumerate(editions) if measure in limits]
        if not told:
            continue
        since = [earlier for earlier, _ in editions[told[-1] + 1 :]] + [policy]
        decisions = [one for each in since for one in each.get("lockerungen") or ()]
        before = editions[told[-1]][1][measure]
        for thema in sorted(own):
            for loosened in _of_theme(before, policy, thema):
                if not _is_decided(loosened, decisions):
                    found[loosened] = None
    return list(found)


def _of_theme(
    before: Mapping[str, tuple[int, int]], policy: Mapping[str, Any], thema: str
) -> Iterator[Loosening]:
    """Yield what is looser under a theme of today than under the same one, or the strictest."""
    rules = next((one for one in policy["thresholds"] if one["thema"] == thema), None)
    if rules is None:  # nothing of it can be released
        return
    strictest = tuple(max(limits) for limits in zip(*before.values(), strict=True))
    everywhere, small = before.get(thema, strictest)
    now, klein = rules["max_sensitive"], rules.get("max_sensitive_klein", 0)
    if now < everywhere:
        yield Loosening(f"thresholds.{thema}.max_sensitive", everywhere, now)
    # Where small areas had no number of their own, the one for all areas says it.
    if small > everywhere and max(now, klein) < small:
        yield Loosening(f"thresholds.{thema}.max_sensitive_klein", small, klein)


def _is_decided(loosened: Loosening, decisions: Sequence[Mapping[str, Any]]) -> bool:
    """Whether decisions, taken one after the other, lead from the old value to the new one."""
    value = loosened.von
    for one in decisions:
        if one["regel"] == loosened.regel and one["von"] == value:
            value = one["auf"]
    return value == loosened.auf


def _is_looser(path: str, before: Value, now: Value) -> bool:
    *above, name = path.split(".")
    if above and above[-1] in _EXEMPT and True in (before, now):
        return before is None
    if before is None or now is None or before == now:
        return now is None  # a rule that is new is no looser one
    if name in _LESS:
        return now < before
    if name in _MORE:
        return now > before
    return path != "summen.art" or _SUMS.index(now) > _SUMS.index(before)


def _rules(policy: Mapping[str, Any], above: str = "") -> dict[str, Value]:
    """Return every value of a policy by its place; a list has a place for each entry."""
    rules: dict[str, Value] = {}
    for name, value in policy.items():
        path = f"{above}{name}"
        if name in _NO_RULE or value is None:
            continue
        if isinstance(value, Mapping):
            rules |= _rules(value, f"{path}.")
        elif isinstance(value, list | tuple):
            for entry in value:
                rules |= _of_entry(entry, path)
        else:
            rules[path] = value
    return rules


def _of_entry(entry: Any, path: str) -> dict[str, Value]:
    """Return the rules of an entry of a list: by its theme, or by each of its measures."""
    if not isinstance(entry, Mapping):
        return {f"{path}.{entry}": True}
    if "thema" in entry:
        return _rules(entry, f"{path}.{entry['thema']}.")
    rest = {name: value for name, value in entry.items() if name != "merkmale"}
    rules: dict[str, Value] = {}
    for merkmal in entry.get("merkmale", ("",)):
        rules |= _rules(rest, f"{path}.{merkmal}.")
    return rules


def _theme(path: str) -> str | None:
    first, *rest = path.split(".")
    return rest[0] if first == "thresholds" else None


def _told(value: Value) -> str:
    names = {True: "there", False: "not there", None: "nothing"}
    return names[value] if value is None or isinstance(value, bool) else str(value)
