"""A feed's deliveries: which files are new, what becomes of each, what the ledger says.

Rejects a delivery, never a run: whatever a partner sent, the feed ends with a folder
`accepted/<feed>/` in which exactly the valid deliveries lie, beside one typed file without
rows. How one file is read and split is `delivery.py`.

    raw/         every file as it was delivered, by content hash
    accepted/    what staging reads, by feed
    superseded/  accepted once, replaced by a correction
    rejected/    split, but not taken
    quarantine/  bad rows with their reasons, by feed
    ledger/      an outcome for each try
"""

import hashlib
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

from sources import delivery, ledger
from sources.connectors.files import find_files, sha256_of
from sources.contract import Feed
from sources.delivery import Reference, Split
from sources.errors import DeliveryError
from sources.ledger import Outcome
from sources.region import Region

Gate = Callable[["Candidate"], str | None]
"""Looks at a candidate; returns None, or in words what is wrong with it."""


@dataclass(frozen=True)
class Folders:
    """Where landing writes, all below one root in the sealed zone."""

    root: Path

    def accepted(self, feed: str) -> Path:
        """Return where a feed's valid deliveries lie."""
        return self.root / "accepted" / feed

    def superseded(self, feed: str) -> Path:
        """Return where a feed's replaced deliveries lie."""
        return self.root / "superseded" / feed

    def rejected(self, feed: str) -> Path:
        """Return where a feed's refused deliveries lie."""
        return self.root / "rejected" / feed

    def quarantine(self, feed: str) -> Path:
        """Return where a feed's bad rows lie."""
        return self.root / "quarantine" / feed

    @property
    def raw(self) -> Path:
        """Where files lie as they were delivered."""
        return self.root / "raw"

    @property
    def ledger(self) -> Path:
        """Where the ledger of deliveries lies."""
        return self.root / "ledger"


@dataclass(frozen=True)
class Candidate:
    """A delivery that was split and waits for the arrival gate.

    `previous_rows` is the number of rows of the last accepted delivery; for the first one,
    the number of areas that it should speak of, if it speaks of areas.
    """

    feed: Feed
    file: str
    delivery_id: str
    stichtag: date
    split: Split
    previous_rows: int | None


@dataclass(frozen=True)
class _File:
    name: str
    sha256: str
    raw: Path
    inbox: Path | None = None

    @property
    def delivery_id(self) -> str:
        return self.sha256[:16]


def land_feed(
    feed: Feed,
    region: Region,
    folders: Folders,
    *,
    inbox: Path,
    data: Path | None,
    gate: Gate,
) -> list[Outcome]:
    """Land what is new of a feed and record an outcome for each try.

    Files in `inbox` are moved into the sealed zone, files in `data` (open data that stays
    where it is) are copied. Never raises for a partner's fault.

    Returns:
        The outcomes of this run, in the order of Stichtag and name.
    """
    for folder in (folders.accepted(feed.feed), folders.raw):
        folder.mkdir(parents=True, exist_ok=True)
    delivery.write_empty(feed, folders.accepted(feed.feed) / "_empty.parquet")
    ledger.write_empty(folders.ledger)
    history = ledger.read(folders.ledger, feed.feed)
    outcomes: list[Outcome] = []
    for file in _files(feed, folders, inbox, data, history):
        stichtag = feed.stichtag_of(file.name)
        references = read_references(feed, region, folders, stichtag)
        known = [*history, *outcomes]
        outcome = _try(feed, region, folders, file, stichtag, references, known, gate)
        # Recorded before the file leaves the inbox: a run that is killed loses nothing.
        ledger.append(folders.ledger, [outcome])
        if file.inbox:
            file.inbox.unlink()
        outcomes.append(outcome)
    missing = _not_delivered(feed, region, [*history, *outcomes])
    ledger.append(folders.ledger, missing)
    return [*outcomes, *missing]


def read_references(
    feed: Feed, region: Region, folders: Folders, stichtag: date | None
) -> dict[str, Reference]:
    """Return the landed rows that a feed is checked against.

    Of a feed of areas all rows count, of any other those of the same Stichtag. Geometries
    are left out.
    """
    import duckdb

    references = {}
    for other in region.references_of(feed):
        columns = [n for n, kind in delivery.landed_columns(other).items() if kind != "blob"]
        where = "true" if other.spatial.kind == "flaeche" else f"stichtag = date '{stichtag}'"
        files = folders.accepted(other.feed) / "*.parquet"
        if stichtag is None or not list(files.parent.glob("*.parquet")):
            continue
        with duckdb.connect() as con:
            rows = con.execute(
                f"select {', '.join(columns)} "
                f"from read_parquet('{files}', union_by_name = true) where {where}"
            ).to_arrow_table()
        ids = tuple(sorted(set(rows.column("delivery_id").to_pylist())))
        references[other.feed] = Reference(other, ids, rows)
    return references


def _files(
    feed: Feed, folders: Folders, inbox: Path, data: Path | None, history: Sequence[Outcome]
) -> list[_File]:
    """Take new files into `raw`, and add what came earlier: rules may have changed since.

    What was refused and has been corrected is not tried again.
    """
    files: dict[tuple[str, str], _File] = {}
    accepted = [outcome for outcome in history if outcome.result == "accepted"]
    for outcome in history:
        open_case = outcome.result == "rejected" and not any(
            other.stichtag == outcome.stichtag and other.received_at > outcome.received_at
            for other in accepted
        )
        if (outcome.result == "accepted" or open_case) and outcome.sha256:
            raw = folders.raw / outcome.sha256
            if raw.exists():
                key = (outcome.sha256, outcome.file)
                files[key] = _File(outcome.file, outcome.sha256, raw)
    for root, moves in ((inbox, True), *(((data, False),) if data else ())):
        for path in find_files(feed, [root]):
            sha256 = sha256_of(path)
            raw = folders.raw / sha256
            if not raw.exists():
                part = raw.with_suffix(".part")  # a copy that breaks off is no raw file
                shutil.copyfile(path, part)
                part.replace(raw)
            files[sha256, path.name] = _File(path.name, sha256, raw, path if moves else None)

    def order(file: _File) -> tuple:
        known = [o for o in history if o.sha256 == file.sha256]
        first = min(
            (o.received_at for o in known if o.received_at),
            default=datetime.max.replace(tzinfo=UTC),
        )
        is_new = all(o.file != file.name for o in known)
        return first, is_new, feed.stichtag_of(file.name) or date.max, file.name

    return sorted(files.values(), key=order)


def _try(
    feed: Feed,
    region: Region,
    folders: Folders,
    file: _File,
    stichtag: date | None,
    references: Mapping[str, Reference],
    history: Sequence[Outcome],
    gate: Gate,
) -> Outcome:
    """Decide about one file; the outcome says what happened and, if refused, why."""
    outcome = Outcome(
        feed=feed.feed,
        partner=feed.partner,
        liefereinheit=feed.liefereinheit,
        stichtag=stichtag,
        result="rejected",
        file=file.name,
        sha256=file.sha256,
        bytes=file.raw.stat().st_size,
        delivery_id=file.delivery_id,
        contract_version=feed.version,
        rules_version=_rules_version(feed, region, references),
        publishable_from=feed.publishable_from(stichtag) if stichtag else None,
        received_at=_received_at(file, history),
    )
    accepted = [o for o in history if o.result == "accepted"]
    same = [o for o in accepted if o.sha256 == file.sha256]
    other = same[-1] if same else None
    if other and other.file != file.name and _lies(folders, outcome):
        if other.stichtag == stichtag or any(o.file == file.name for o in same):
            return replace(outcome, result="duplicate", reason=f"the same content as {other.file}")
        if _lies(folders, outcome, superseded=False):
            return replace(outcome, reason=_copy_of(feed, file, other))
    if _stands(folders, same, outcome):
        return replace(outcome, result="unchanged", layout=same[-1].layout)
    try:
        split = delivery.split(
            feed,
            file.raw,
            file_name=file.name,
            delivery_id=file.delivery_id,
            region=region,
            references=references,
            target=folders.root / "pending",
        )
    except DeliveryError as error:
        _withdraw(folders, feed.feed, file.delivery_id)
        return replace(outcome, reason=str(error))
    except Exception as error:  # unforeseen; its words may hold a value, its class does not
        _withdraw(folders, feed.feed, file.delivery_id)
        return replace(outcome, reason=_unforeseen(feed, file, error))
    candidate = Candidate(
        feed,
        file.name,
        file.delivery_id,
        stichtag,
        split,
        _previous_rows(feed, region, accepted, references),
    )
    problem = _too_many_bad_rows(candidate) or gate(candidate)
    _settle(folders, candidate, taken=problem is None, accepted=accepted)
    return replace(
        outcome,
        result="rejected" if problem else "accepted",
        reason=problem or _quarantined(candidate),
        layout=split.layout,
        rows_read=split.rows_read,
        rows_accepted=split.rows_accepted,
        rows_quarantined=split.rows_quarantined,
        repairs="; ".join(f"{name}: {n} row(s)" for name, n in split.repairs.items()) or None,
    )


def _rules_version(feed: Feed, region: Region, references: Mapping[str, Reference]) -> str:
    parts = [feed.version, *(repair.model_dump_json() for repair in region.repairs_of(feed))]
    parts += [d for name in sorted(references) for d in references[name].delivery_ids]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


def _received_at(file: _File, history: Sequence[Outcome]) -> datetime:
    known = [o.received_at for o in history if o.sha256 == file.sha256 and o.received_at]
    return min(known, default=datetime.now(UTC))


def _stands(folders: Folders, same: Sequence[Outcome], outcome: Outcome) -> bool:
    """Whether this very delivery was accepted under the same rules and still lies in its place."""
    last = same[-1] if same else None
    return (
        last is not None
        and (last.file, last.stichtag) == (outcome.file, outcome.stichtag)
        and last.rules_version == outcome.rules_version
        and _lies(folders, outcome)
    )


def _lies(folders: Folders, outcome: Outcome, *, superseded: bool = True) -> bool:
    """Whether this content lies where what was accepted lies, replaced or not."""
    places = [folders.accepted(outcome.feed)]
    places += [folders.superseded(outcome.feed)] if superseded else []
    return any((place / f"{outcome.delivery_id}.parquet").exists() for place in places)


def _previous_rows(
    feed: Feed,
    region: Region,
    accepted: Sequence[Outcome],
    references: Mapping[str, Reference],
) -> int | None:
    if accepted:
        return accepted[-1].rows_accepted
    if feed.spatial.kind != "schluessel":
        return None
    areas = region.area_feed(feed.spatial.ebene, feed.spatial.gebietsstand)
    return references[areas.feed].rows.num_rows if areas else None


def _copy_of(feed: Feed, file: _File, other: Outcome) -> str:
    return str(
        DeliveryError(
            feed.feed,
            file.name,
            expected="content of its own",
            found=f"the same content as {other.file} of Stichtag {other.stichtag}",
            remedy=f"ask {feed.partner} for the right table",
        )
    )


def _unforeseen(feed: Feed, file: _File, error: Exception) -> str:
    return str(
        DeliveryError(
            feed.feed,
            file.name,
            expected="a file that can be read as agreed",
            found=f"one that cannot be ({type(error).__name__})",
            remedy=f"ask {feed.partner} to send it again; if it stays, extend the reader",
        )
    )


def _too_many_bad_rows(candidate: Candidate) -> str | None:
    split, feed = candidate.split, candidate.feed
    if not split.rows_read:
        found, allowed = "no rows", "rows below the header"
    elif split.rows_quarantined > feed.rows.quarantine_tolerance * split.rows_read:
        tolerance = feed.rows.quarantine_tolerance
        allowed = f"at most {tolerance:.1%} bad rows of {split.rows_read}"
        found = _quarantined(candidate)
    else:
        return None
    return str(
        DeliveryError(
            feed.feed,
            candidate.file,
            expected=allowed,
            found=found,
            remedy=f"ask {feed.partner} for a corrected table; the rows lie in quarantine",
        )
    )


def _quarantined(candidate: Candidate) -> str | None:
    split = candidate.split
    if not split.rows_quarantined:
        return None
    listed = "; ".join(
        f"{reason} ({count} row(s), first in row {first})"
        for reason, (count, first) in split.reasons.items()
    )
    return f"{split.rows_quarantined} bad row(s): {listed}"


def _settle(
    folders: Folders, candidate: Candidate, *, taken: bool, accepted: Sequence[Outcome]
) -> None:
    """Move the split files to where they belong; a correction supersedes what it corrects.

    A delivery lies in one place only: what was made of it under other rules goes.
    """
    feed, split = candidate.feed.feed, candidate.split
    target = folders.accepted(feed) if taken else folders.rejected(feed)
    if taken:
        for other in accepted:
            if other.stichtag == candidate.stichtag and other.delivery_id != candidate.delivery_id:
                old = folders.accepted(feed) / f"{other.delivery_id}.parquet"
                if old.exists():
                    _move(old, folders.superseded(feed))
    bad = folders.quarantine(feed) / f"{candidate.delivery_id}.parquet"
    if split.quarantined:
        bad.parent.mkdir(parents=True, exist_ok=True)
        split.quarantined.replace(bad)
    else:
        bad.unlink(missing_ok=True)
    _withdraw(folders, feed, candidate.delivery_id)
    _move(split.accepted, target)
    if taken:
        (folders.rejected(feed) / split.accepted.name).unlink(missing_ok=True)


def _withdraw(folders: Folders, feed: str, delivery_id: str) -> None:
    """Take away what was made of a delivery under other rules: it is valid no longer."""
    for folder in (folders.accepted(feed), folders.superseded(feed)):
        old = folder / f"{delivery_id}.parquet"
        if old.exists():
            _move(old, folders.rejected(feed))


def _move(path: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    path.replace(folder / path.name)


def _not_delivered(feed: Feed, region: Region, known: Sequence[Outcome]) -> list[Outcome]:
    """Return an outcome for each expected Stichtag of which nothing has come."""
    seen = {o.stichtag for o in known if o.result != "not_delivered"}
    return [
        Outcome(
            feed=feed.feed,
            partner=feed.partner,
            liefereinheit=feed.liefereinheit,
            stichtag=stichtag,
            result="not_delivered",
            contract_version=feed.version,
            reason=f"expected by the region's calendar; ask {feed.partner}",
        )
        for stichtag in region.expected.get(feed.feed, ())
        if stichtag not in seen
    ]


def valid_deliveries(region: Region, folders: Folders) -> list[Outcome]:
    """Return the last outcome `accepted` of each delivery that staging reads now."""
    valid = []
    for feed in region.feeds:
        lying = {path.stem for path in folders.accepted(feed.feed).glob("*.parquet")}
        accepted = {
            outcome.delivery_id: outcome
            for outcome in ledger.read(folders.ledger, feed.feed)
            if outcome.result == "accepted" and outcome.delivery_id in lying
        }
        valid += sorted(accepted.values(), key=lambda outcome: (outcome.stichtag, outcome.file))
    return valid
