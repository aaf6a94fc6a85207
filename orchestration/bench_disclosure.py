"""What engine and auditor cost on made-up releases, for `make bench` to print.

Measuring only. Seconds are of the processor: of one thread, and not of the machine's other work.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from disclosure.policy import Policy
    from disclosure.release import Release


@dataclass(frozen=True)
class Cost:
    """What the protection of a release withholds and takes.

    Attributes:
        cells: published cells.
        secondary: cells withheld for the sake of others.
        exact: seconds of the engine until no count can be told exactly.
        full: seconds of the engine with intervals and clean-up.
        audit: seconds of the auditor.
        passed: whether the auditor finds the pattern safe.
    """

    name: str
    cells: int
    sensitive: int
    secondary: int
    exact: float
    full: float
    audit: float
    passed: bool


def costs() -> Iterator[Cost]:
    """Protect and attack each made-up release in turn."""
    from disclosure import made_up
    from disclosure.policy import Policy

    releases: dict[str, Callable[[], Release]] = {
        "93 areas × 20 ages × 2 sexes × 3": made_up.population,
        "2,000 areas × 20 ages × 2 sexes": made_up.many_areas,
        "four linked tables": made_up.linked,
        "areas and postal codes": made_up.overlapping,
        "two years with their sum": made_up.two_years,
    }
    for name, make in releases.items():
        yield cost(name, make())
    insiders = Policy(
        decided_by="bench", decided_on="2026-01-01", thresholds=(), attackers=("A0", "A1", "A2")
    )
    yield cost("staff by carrier, with insiders", made_up.by_carrier(), insiders)


def cost(name: str, release: "Release", policy: "Policy | None" = None) -> Cost:
    """Protect a release to both bars, and attack the second pattern."""
    from disclosure.audit import audit_release
    from disclosure.engine import protect_release

    started = time.process_time()
    protect_release(release, policy=policy, exact_only=True)
    exact = time.process_time()
    protection = protect_release(release, policy=policy)
    full = time.process_time()
    audit = audit_release(
        release, protection.pattern, policy=policy, unsatisfiable=protection.unsatisfiable
    )
    ended = time.process_time()
    facts = protection.evidence
    return Cost(
        name,
        facts["cells"],
        facts["sensitive"],
        facts["secondary"],
        exact - started,
        full - exact,
        ended - full,
        audit.passed,
    )


def print_costs() -> bool:
    """Print a line for each release; return whether the auditor finds every pattern safe."""
    print(
        "\ndisclosure control, made-up releases: cells, of them sensitive, withheld for their sake"
    )
    print(f"  {'':<34}{'cells':>9}{'sens.':>7}{'sec.':>7}{'exact':>8}{'full':>8}{'audit':>8} s")
    safe = True
    for one in costs():
        safe &= one.passed
        print(
            f"  {one.name:<34}{one.cells:>9,}{one.sensitive:>7,}{one.secondary:>7,}"
            f"{one.exact:>8.1f}{one.full:>8.1f}{one.audit:>8.1f}"
            + ("" if one.passed else "  FALLS"),
            flush=True,
        )
    return safe
