"""The rule `withstands_attack`: the auditor attacks every stored release, and none may fall.

The auditor is `disclosure`'s, and shares no code with the engine whose patterns it attacks. What
it finds is counted here and told by key, without a count, in `audit.json` beside the releases.
"""

import json
import time
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from disclosure.ledger import Entry, known_of, read_ledger
from disclosure.policy import Policy, read_policy
from expectations.checks.files import about_files_class

REPORT = "audit.json"


def faults_of(folder: Path, ledger: Path, policy: Policy, seconds: float) -> int:
    """Audit all releases of a folder; return how much is wrong, and write what to `audit.json`.

    Args:
        folder: what `disclosure.star.store` wrote.
        ledger: the ledger of releases: what every edition told is known to all attackers.
        policy: the region's rules, which name the attackers.
        seconds: when the audit has to be done; what is not judged by then is a fault.

    Raises:
        FileNotFoundError: there is no release, or a part of one is missing.
        LedgerError: a part of the ledger is missing.
    """
    (folder / REPORT).unlink(missing_ok=True)
    audits = list(audit_releases(folder, read_ledger(ledger), policy, seconds))
    told = [text for _, text in audits]
    (folder / REPORT).write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n")
    return sum(faults for faults, _ in audits)


def audit_releases(
    folder: Path, entries: Sequence[Entry], policy: Policy, seconds: float
) -> Iterator[tuple[int, str]]:
    """Attack each release of a folder together with what earlier editions told.

    Returns:
        For each release how much is wrong, and what, by key and without counts.
    """
    from disclosure.audit import audit_release
    from disclosure.star.store import read_releases

    deadline = time.monotonic() + seconds
    for stored in read_releases(folder):
        known = known_of(entries, stored.release, stored.primary)
        audit = audit_release(
            stored.release,
            stored.pattern,
            policy=policy,
            primary=stored.primary if len(stored.primary) else None,
            known=known.table,
            old=known.old,
            unsatisfiable=stored.unsatisfiable,
            seconds=deadline - time.monotonic(),
        )
        yield len(audit.hits) + len(audit.problems), audit.text


@cache
def withstands_attack_class() -> type[Any]:
    """Return the expectation class; its arguments are those of `faults_of`."""

    class WithstandsAttack(about_files_class()):
        """Passes if no attacker learns a withheld count; counts what falls."""

        folder: str
        ledger: str
        policy: str
        seconds: float

        success_keys = ("folder", "ledger", "policy", "seconds")

        def faults(self) -> int:
            policy = read_policy(Path(self.policy))
            return faults_of(Path(self.folder), Path(self.ledger), policy, self.seconds)

    return WithstandsAttack
