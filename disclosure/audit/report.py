"""What an audit found, in a form that can be printed: keys and never a count."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import pyarrow as pa

_NAMED = 20


@dataclass(frozen=True)
class Hit:
    """One attacker learns of one cell what he must not.

    Attributes:
        key: the cell, in the order of `release.key_columns`.
        attacker: `A0`, `A1`, `A2` or `M`.
        learned: the cell's number, or a bound that is too near.
        known_by: the cell, holder or municipality whose knowledge was needed; empty for the public.
    """

    key: tuple[str, ...]
    attacker: str
    learned: Literal["exact", "upper bound", "interval"]
    known_by: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return the hit without any count."""
        by = f" by {' × '.join(self.known_by)}" if self.known_by else ""
        return f"{' × '.join(self.key)}: {self.learned} ({self.attacker}{by})"


@dataclass(frozen=True)
class Audit:
    """The result of an audit.

    Attributes:
        release: the name of the release.
        hits: what an attacker learns; empty if the pattern is safe.
        problems: what is wrong with the pattern itself, and everything that could not be decided.
        intervals: key columns, `attacker`, `lower`, `upper` (NULL: no bound) of every sensitive
            cell, and `form`: `exact`, or `at least` where the audit stopped as soon as the
            interval was wide enough. Sealed: it holds what is withheld.
        unsatisfiable: cells that fall, and would fall if everything were withheld.
        facts: solver, attackers, number of programmes and seconds.
    """

    release: str
    hits: tuple[Hit, ...]
    problems: tuple[str, ...]
    intervals: "pa.Table"
    unsatisfiable: tuple[Hit, ...] = ()
    facts: Mapping[str, object] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether nothing falls and nothing is wrong or undecided."""
        return not self.hits and not self.problems

    @property
    def text(self) -> str:
        """The result for people, without any count."""
        lines = [f"release {self.release}: {'passed' if self.passed else 'FAILED'}"]
        lines += self.problems
        lines += [f"falls: {hit}" for hit in self.hits[:_NAMED]]
        if len(self.hits) > _NAMED:
            lines.append(f"and {len(self.hits) - _NAMED} more cells fall")
        lines += [f"cannot be protected by anything: {hit}" for hit in self.unsatisfiable[:_NAMED]]
        return "\n".join(lines)
