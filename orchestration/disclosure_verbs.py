"""The bodies of `sozialraum protect` and `sozialraum audit`: files in, files out.

Only reading, writing and printing belong here; what is withheld is decided in `disclosure`.
"""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.settings import Settings

if TYPE_CHECKING:
    import pyarrow as pa

_NAMED = 10


def add_protect_arguments(verb: argparse.ArgumentParser) -> None:
    """Declare what `sozialraum protect` takes."""
    add_release_arguments(verb)
    verb.add_argument("--out", type=Path, required=True, help="the pattern to write (CSV; sealed)")
    verb.add_argument("--evidence", type=Path, help="the evidence to write (JSON; sealed)")
    verb.add_argument("--previous", type=Path, help="the pattern of the last edition (CSV)")
    verb.add_argument(
        "--exact-only",
        action="store_true",
        help="for trials: no count can be told exactly, but its interval may be narrower "
        "than the auditor demands",
    )


def add_release_arguments(verb: argparse.ArgumentParser, *, required: bool = True) -> None:
    """Declare what describes a release."""
    verb.add_argument("--spec", type=Path, required=required, help="the release (JSON)")
    verb.add_argument("--cells", type=Path, required=required, help="its finest cells (CSV)")
    verb.add_argument("--policy", type=Path, help="the region's privacy.yaml")
    verb.add_argument("--primary", type=Path, help="keys of cells that stay for another reason")
    verb.add_argument("--given", type=Path, help="totals that a partner delivered: keys and n")
    verb.add_argument(
        "--known", type=Path, help="what earlier editions published: keys, n and edition"
    )
    verb.add_argument(
        "--old",
        type=Path,
        help="the finest counts behind --known that were others than today's (sealed): keys, n and "
        "edition",
    )
    verb.add_argument(
        "--upper-under-a1",
        action="store_true",
        help="upper bounds reach maxN + 1 even if withheld cells are known to be at least 1",
    )


def protect(settings: Settings, options: argparse.Namespace) -> int:
    """Write the pattern of a release, and its evidence."""
    from pyarrow import csv

    from disclosure.engine import protect_release
    from disclosure.specification import read_release

    release = read_release(options.spec, options.cells)
    protection = protect_release(
        release,
        **release_inputs(options),
        exact_only=options.exact_only,
        previous=_table(options.previous),
    )
    csv.write_csv(protection.pattern, options.out, csv.WriteOptions(quoting_style="needed"))
    if options.evidence:
        text = json.dumps(protection.evidence, indent=1, ensure_ascii=False)
        options.evidence.write_text(text + "\n", encoding="utf-8")
    facts = protection.evidence
    print(
        f"{facts['release']}: {facts['cells']} cells, {facts['sensitive']} sensitive, "
        f"{facts['secondary']} withheld for their sake, "
        f"{len(facts['unsatisfiable'])} demands that nothing can meet"
    )
    return 0


def add_audit_arguments(verb: argparse.ArgumentParser) -> None:
    """Declare what `sozialraum audit` takes."""
    verb.add_argument(
        "edition",
        nargs="?",
        metavar="EDITION",
        help="a published edition, or `current`; instead of --spec, --cells and --pattern",
    )
    add_release_arguments(verb, required=False)
    verb.add_argument("--pattern", type=Path, help="the pattern to attack (CSV)")
    verb.add_argument(
        "--evidence", type=Path, help="the pattern's evidence, for cells that nothing can protect"
    )


def audit(settings: Settings, options: argparse.Namespace) -> int:
    """Attack a pattern or an edition; 1 and the keys of the cells that fall, if any does.

    Raises:
        ValueError: neither an edition nor a release and its pattern is named, or both are.
    """
    files = (options.spec, options.cells, options.pattern)
    if options.edition and not any(files):
        _refuse_beside_edition(options)
        return _audit_edition(settings, options.edition)
    if options.edition or not all(files):
        raise ValueError("audit: expected EDITION, or --spec, --cells and --pattern")
    return _audit_files(options)


def _refuse_beside_edition(options: argparse.Namespace) -> None:
    """An edition is attacked with its own policy, and with what the ledger knows."""
    names = ("policy", "primary", "given", "known", "old", "evidence", "upper_under_a1")
    if given := [f"--{name.replace('_', '-')}" for name in names if getattr(options, name)]:
        raise ValueError(
            f"audit: {', '.join(given)}: expected with --spec, --cells and --pattern only; an "
            "edition is attacked with its own policy and all that had left before it"
        )


def _audit_edition(settings: Settings, name: str) -> int:
    """Attack the releases of an edition together with all that left before it."""
    from disclosure.ledger import read_ledger
    from disclosure.policy import Policy
    from expectations.checks.withstands_attack import audit_releases

    current = settings.published / "current"
    edition = current.readlink().name if name == "current" and current.is_symlink() else name
    entries = read_ledger(settings.release_ledger)
    found = [entry for entry in entries if entry.edition == edition]
    if not found:
        known = ", ".join(entry.edition for entry in entries[-_NAMED:]) or "none"
        raise ValueError(
            f"audit: the ledger of releases has no edition {edition!r}; the last are: {known}"
        )
    before = [entry for entry in entries if entry.edition < edition]
    faults = 0
    policy = Policy.model_validate(found[0].policy)
    for wrong, text in audit_releases(found[0].releases, before, policy, seconds=float("inf")):
        faults += wrong
        print(text)
    return 1 if faults else 0


def _audit_files(options: argparse.Namespace) -> int:
    from disclosure.audit import audit_release
    from disclosure.specification import read_release
    from disclosure.tables import read_text_table

    release = read_release(options.spec, options.cells)
    result = audit_release(
        release,
        read_text_table(options.pattern),
        unsatisfiable=_unsatisfiable(options.evidence, release.key_columns),
        **release_inputs(options),
    )
    print(result.text)
    facts = result.facts
    print(
        f"{facts['withheld cells']} of {facts['published cells']} cells withheld; attackers "
        f"{', '.join(facts['attackers'])}; {facts['programmes']} programmes of {facts['solver']}, "
        f"{facts['seconds']} s"
    )
    return 0 if result.passed else 1


def _unsatisfiable(path: Path | None, columns: tuple[str, ...]) -> "pa.Table | None":
    """Read from an evidence file the keys of the cells that it calls unsatisfiable."""
    from disclosure.star.store import unsatisfiable_of

    if path is None:
        return None
    return unsatisfiable_of(json.loads(path.read_text(encoding="utf-8")), columns)


def release_inputs(options: argparse.Namespace) -> dict:
    """Return the keyword arguments that engine and auditor share."""
    from disclosure.policy import read_policy

    return {
        "policy": read_policy(options.policy) if options.policy else None,
        "primary": _table(options.primary),
        "given": _table(options.given),
        "known": _table(options.known),
        "old": _table(options.old),
        "upper_under_a1": options.upper_under_a1,
    }


def _table(path: Path | None) -> "pa.Table | None":
    from disclosure.tables import read_text_table

    return read_text_table(path) if path else None


VERBS = {
    "protect": (protect, "choose what a release of counts withholds", add_protect_arguments),
    "audit": (
        audit,
        "attack a pattern or an edition; 1 if a withheld count can be told",
        add_audit_arguments,
    ),
}
