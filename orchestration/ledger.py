"""The ledger of releases in a run: what the next edition must respect, and what it adds.

Only the order of things belongs here: what an entry is, what is known and which pattern stands is
`disclosure/ledger.py`, which rule is looser `disclosure/loosening.py`.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from disclosure.ledger import (
    Entry,
    Known,
    LedgerError,
    churn,
    hash_release,
    known_of,
    previous_of,
    read_ledger,
    record,
    standing,
    strike,
    told_before,
)
from disclosure.loosening import undecided, undecided_of_measures
from disclosure.policy import Policy
from orchestration.settings import Settings

if TYPE_CHECKING:
    import pyarrow as pa

    from disclosure.star import DayRelease

AUDIENCE = ("fachlich", "oeffentlich")
"""Who reads a published edition."""
_NAMED = 10


def editions_of(entries: Sequence[Entry]) -> list[Entry]:
    """Return the published editions among the entries, without drafts."""
    return [entry for entry in entries if not entry.is_draft]


def require_decided(
    entries: Sequence[Entry], policy: Policy, themes: Mapping[str, Collection[str]]
) -> None:
    """Raise if a rule became looser without a recorded decision.

    Args:
        entries: the ledger; the rules of its last edition are compared, and the thresholds of each
            measure with those of the last edition that protected it.
        policy: what is to be protected with.
        themes: the themes of each measure that is to be released.

    Raises:
        LedgerError: there is no decision.
    """
    editions = editions_of(entries)
    if not editions:
        return
    now = policy.model_dump(mode="json")
    limits = [(edition.policy, edition.thresholds) for edition in editions]
    loosened = undecided(editions[-1].policy, now)
    loosened += [one for one in undecided_of_measures(limits, now, themes) if one not in loosened]
    if loosened:
        rules = "; ".join(str(one) for one in loosened)
        raise LedgerError(
            f"privacy.yaml is looser than edition {editions[-1].edition} or one before it was: "
            f"{rules}. To do: take that back, or record the decision in its `lockerungen` (regel, "
            "von, auf, grund, beschlossen_von, beschlossen_am)"
        )


@dataclass
class Past:
    """What the ledger says of the days that are protected one after the other.

    Attributes:
        entries: all entries, the oldest first.
        policy: what is protected with.
        done: the days that are done: release and pattern.
    """

    entries: Sequence[Entry]
    policy: Policy
    done: "list[tuple[DayRelease, pa.Table]]" = field(default_factory=list)

    def known(self, day: "DayRelease") -> Known:
        """Return what all entries told of a day."""
        return known_of(self.entries, day.release, day.primary)

    def standing(self, day: "DayRelease") -> "tuple[pa.Table, dict[str, Any]] | None":
        """Return pattern and evidence of an earlier edition, if nothing has changed since."""
        return standing(self.entries, day.release, self._made_from(day))

    def previous(self, day: "DayRelease") -> "pa.Table | None":
        """Return the marks whose choices are kept: the last edition's, else the Stichtag's before.

        A Stichtag before is one that tells of one of the measures; areas that are not in both do
        not count.
        """
        _, pattern = self._before(day)
        return None if pattern is None else previous_of(day.release, pattern)

    def note(self, day: "DayRelease", pattern: "pa.Table", known: Known) -> dict[str, Any]:
        """Return what goes into the evidence of a day for the ledger; the day is done then."""
        name, before = self._before(day)
        self.done.append((day, pattern))
        changes = {} if before is None else asdict(churn(day.release, before, pattern))
        sensitive = [] if known.table is None else told_before(day.release, pattern, known.table)
        return {
            "made_from": self._made_from(day),
            "policy": self.policy.version,
            "known": list(known.hashes),
            "editions": [entry.edition for entry in self.entries if day.name in entry.days],
            "known counts that are no cells any more": known.gone,
            "told before and sensitive now": sensitive,
            "compared with": name,
            **changes,
        }

    def _made_from(self, day: "DayRelease") -> str:
        return hash_release(day.spec, day.atoms, day.primary, self.policy.version)

    def _before(self, day: "DayRelease") -> "tuple[str | None, pa.Table | None]":
        from disclosure.star import long_patterns

        for entry in reversed(editions_of(self.entries)):
            if day.name in entry.days:
                return f"edition {entry.edition}", entry.patterns[day.name]
        measures = {measure.name for measure in day.release.measures}
        for other, pattern in sorted(self.done, key=lambda one: one[0].stichtag, reverse=True):
            told = {measure.name for measure in other.release.measures}
            if other.stichtag < day.stichtag and measures & told:
                return f"stichtag {other.stichtag}", long_patterns([(other, pattern)])
        return None, None


def churn_of(notes: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Add up how much patterns differ from what they were compared with (`Past.previous`).

    Returns:
        How many cells are newly withheld and newly shown against the last edition and, of days
        that it did not tell of, against the Stichtag before.
    """
    return {
        f"{change}_since_{against}": sum(
            note[change] for note in notes if str(note["compared with"]).startswith(against)
        )
        for against in ("edition", "stichtag")
        for change in ("newly_withheld", "newly_shown")
    }


@contextmanager
def recorded(settings: Settings, policy: Policy, edition: str, content_hash: str) -> Iterator[None]:
    """Hold an edition in the ledger before it leaves; strike it out if it does not.

    A process that is killed in between leaves an entry of an edition that never left: it counts
    as known, which is the safe side.
    """
    import pyarrow.parquet as pq

    record(
        settings.release_ledger,
        settings.release,
        edition,
        policy,
        audience=AUDIENCE,
        classes=pq.read_table(settings.released / "indexklasse.parquet"),
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        content_hash=content_hash,
    )
    try:
        yield
    except BaseException:
        if not (settings.published / edition).exists():  # what lies there has left, come what may
            strike(settings.release_ledger, edition)
        raise


def past_of(settings: Settings, policy: Policy, themes: Mapping[str, Collection[str]]) -> Past:
    """Read the ledger.

    Args:
        settings: where the ledger and the published editions lie.
        policy: what is to be protected with.
        themes: the themes of each measure that is to be released.

    Raises:
        LedgerError: the ledger lacks an edition that is published or a part of an entry, or the
            policy is looser than an edition's and nobody decided that.
    """
    entries = read_ledger(settings.release_ledger)
    # The id of an edition is the region and a time; another region's name may begin like this one.
    published = {own.name for own in settings.published.glob(f"{settings.region}-[0-9]*")}
    if forgotten := sorted(published - {entry.edition for entry in entries}):
        raise LedgerError(
            f"{settings.published.name}/ holds {', '.join(forgotten[:_NAMED])}, and the ledger of "
            f"releases does not know what {len(forgotten)} edition(s) told. To do: restore the "
            f"folder {settings.release_ledger.name}/ of the sealed zone from the backup; if it is "
            "lost, take these editions back by removing their folders"
        )
    require_decided(entries, policy, themes)
    return Past(entries, policy)
