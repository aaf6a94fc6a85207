"""The rule `classes_tell_nothing`: no withheld count can be told from a published index class.

Classes that rest on all counts are worked out by the auditor, from the true counts and from other
tables that fit all that is published. What it finds is counted here and told by key, without a
count, in `audit_classes.json` beside the releases.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

from disclosure.ledger import read_ledger
from disclosure.policy import Policy, read_policy
from expectations.checks.files import about_files_class

REPORT = "audit_classes.json"


def class_faults(releases: Path, rules: Path, classes: Path, ledger: Path, policy: Policy) -> int:
    """Audit all classes; return how much is wrong, and write what to `audit_classes.json`.

    Args:
        releases: what `disclosure.star.store` wrote, with the parts of the indices.
        rules: the tables that the region's declarations became.
        classes: the released classes.
        ledger: the ledger of releases: what every edition told is known.
        policy: the region's thresholds.

    Raises:
        FileNotFoundError: one of the files is missing.
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    from disclosure.audit.classes import audit_classes
    from disclosure.star.classes import PARTS, read_indices, read_protected

    (releases / REPORT).unlink(missing_ok=True)
    told = pq.read_table(classes)
    indices = read_indices(rules, pq.read_table(releases / PARTS), told)
    # A class of an index that may have none is a fault, whatever it says.
    own = pa.array([index.rule.index_id for index in indices], pa.string())
    strange = len(told) - pc.sum(pc.is_in(told["index_id"], value_set=own), min_count=0).as_py()
    if not indices:
        return strange
    audit = audit_classes(indices, read_protected(releases, policy, read_ledger(ledger)))
    taken = [" ".join(str(key) for key in row.values()) for row in audit.taken.to_pylist()]
    report = {"facts": dict(audit.facts), "problems": audit.problems, "classes that tell": taken}
    report["classes that no index may have"] = strange
    (releases / REPORT).write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n")
    return strange + len(audit.problems) + len(taken)


@cache
def classes_tell_nothing_class() -> type[Any]:
    """Return the expectation class; its arguments are those of `class_faults`."""

    class ClassesTellNothing(about_files_class()):
        """Passes if every class is that of all counts and tells none that is withheld."""

        releases: str
        rules: str
        classes: str
        ledger: str
        policy: str

        success_keys = ("releases", "rules", "classes", "ledger", "policy")

        def faults(self) -> int:
            paths = (self.releases, self.rules, self.classes, self.ledger)
            return class_faults(*map(Path, paths), read_policy(Path(self.policy)))

    return ClassesTellNothing
