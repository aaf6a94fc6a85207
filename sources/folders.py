"""Where landed deliveries lie, and moving them once it is decided which of them are valid.

    raw/         every file as it was delivered, by content hash
    accepted/    what staging reads, by feed
    superseded/  accepted once, replaced by a correction
    rejected/    split, but not taken
    quarantine/  bad rows with their reasons, by feed
    archive/     counts of deliveries whose rows of persons are gone, by fact; never deleted
    ledger/      an outcome for each try

Why a delivery lies where it does is decided in `landing.py` and `retention.py`.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Place = Literal["accepted", "superseded", "rejected"]
PLACES: tuple[Place, ...] = ("accepted", "superseded", "rejected")


@dataclass(frozen=True)
class Folders:
    """Where landing writes, all below one root in the sealed zone."""

    root: Path

    def place(self, place: Place, feed: str) -> Path:
        """Return where a feed's deliveries of one place lie."""
        return self.root / place / feed

    def accepted(self, feed: str) -> Path:
        """Return where a feed's valid deliveries lie."""
        return self.place("accepted", feed)

    def superseded(self, feed: str) -> Path:
        """Return where a feed's replaced deliveries lie."""
        return self.place("superseded", feed)

    def rejected(self, feed: str) -> Path:
        """Return where a feed's refused deliveries lie."""
        return self.place("rejected", feed)

    def quarantine(self, feed: str) -> Path:
        """Return where a feed's bad rows lie."""
        return self.root / "quarantine" / feed

    def archive(self, fact: str) -> Path:
        """Return where the counts of a fact are kept, one file for each delivery."""
        return self.root / "archive" / fact

    @property
    def raw(self) -> Path:
        """Where files lie as they were delivered."""
        return self.root / "raw"

    @property
    def pending(self) -> Path:
        """Where deliveries lie that are not decided."""
        return self.root / "pending"

    @property
    def ledger(self) -> Path:
        """Where the ledger of deliveries lies."""
        return self.root / "ledger"


@dataclass
class Shelf:
    """Where a feed's deliveries are to lie. Nothing moves before `commit`.

    Attributes:
        before: where each delivery lies now, by its id.
        places: where it is to lie.
        fresh: files split in this run: (accepted rows, quarantined rows or None).
    """

    folders: Folders
    feed: str
    before: dict[str, Place] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)
    fresh: dict[str, tuple[Path, Path | None]] = field(default_factory=dict)

    @classmethod
    def read(cls, folders: Folders, feed: str) -> "Shelf":
        """Return the shelf as it is."""
        lying = {
            path.stem: place
            for place in reversed(PLACES)
            for path in folders.place(place, feed).glob("[!_]*.parquet")
        }
        return cls(folders, feed, lying, dict(lying))

    def holds(self, delivery_id: str) -> bool:
        """Return whether a delivery was accepted and still counts or was replaced."""
        return self.places.get(delivery_id) in ("accepted", "superseded")

    def path(self, delivery_id: str) -> Path | None:
        """Return where the accepted rows of a delivery lie at the moment."""
        if delivery_id in self.fresh:
            return self.fresh[delivery_id][0]
        if delivery_id not in self.before:
            return None
        folder = self.folders.place(self.before[delivery_id], self.feed)
        return folder / f"{delivery_id}.parquet"

    def commit(self) -> None:
        """Move every file to its place. A delivery lies in one place only."""
        for delivery_id, place in self.places.items():
            name = f"{delivery_id}.parquet"
            target = self.folders.place(place, self.feed) / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if delivery_id in self.fresh:
                accepted, quarantined = self.fresh[delivery_id]
                accepted.replace(target)
                self._keep_bad_rows(name, quarantined)
            elif self.before[delivery_id] != place:
                self.path(delivery_id).replace(target)
            for other in PLACES:
                if other != place:
                    (self.folders.place(other, self.feed) / name).unlink(missing_ok=True)

    def _keep_bad_rows(self, name: str, quarantined: Path | None) -> None:
        kept = self.folders.quarantine(self.feed) / name
        if quarantined:
            kept.parent.mkdir(parents=True, exist_ok=True)
            quarantined.replace(kept)
        else:
            kept.unlink(missing_ok=True)
