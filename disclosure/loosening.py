"""Whether a policy is looser than an earlier one, rule by rule.

Both policies are plain data, as they stand in privacy.yaml and in the ledger of releases. What a
rule does belongs to `policy`; here only in which direction it gets looser. A rule of which that is
not known counts as looser whenever it is another one: nobody shall forget to decide.
"""

from collections.abc import Mapping
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
