"""A feed's deliveries: which files are new, what becomes of each, what the ledger says.

Rejects a delivery, never a run: whatever a partner sent, the feed ends with a folder
`accepted/<feed>/` in which exactly the valid deliveries lie, beside one typed file without
rows. How one file is read and split is `delivery.py`, where files lie is `folders.py`, what a
refusal says is `refusals.py`.
"""

import hashlib
import hmac
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from sources import delivery, ledger, refusals
from sources.agreement import Agreement
from sources.connectors import files as connector
from sources.connectors.files import find_files, sha256_of
from sources.connectors.safety import inspect
from sources.contract import KREIS, Feed
from sources.delivery import Split
from sources.errors import DeliveryError
from sources.folders import Folders, Shelf
from sources.formats import RawTable
from sources.judge import Reference, Terms
from sources.ledger import Origin, Outcome
from sources.region import Region

__all__ = ["Candidate", "Folders", "Gate", "Wanted", "land_feed", "valid_deliveries", "valid_of"]

Gate = Callable[[Sequence["Candidate"]], Mapping[str, str]]
"""Looks at candidates; returns in words what is wrong, by delivery id, and nothing of good ones."""

Wanted = Callable[[str, date | None], bool]
"""Whether a run takes deliveries of a Liefereinheit and Stichtag (None: not known yet)."""


@dataclass(frozen=True)
class Candidate:
    """A delivery that was split and waits for the arrival gate.

    `previous_rows` is the number of rows of the Liefereinheit's last accepted delivery; for the
    first one, the number of areas that it should speak of, if each has one row. None: any number.
    """

    feed: Feed
    file: str
    delivery_id: str
    liefereinheit: str
    stichtag: date
    split: Split
    previous_rows: int | None


@dataclass(frozen=True)
class _File:
    """A file to decide about. `found` is where it was delivered, None if it was looked at before.

    `fault` says why it cannot be told whose delivery of when it is; `table` is what was read on
    the way to its Stichtag.
    """

    name: str
    sha256: str
    raw: Path
    received_at: datetime
    liefereinheit: str | None
    stichtag: date | None
    found: Path | None = None
    origin: Origin | None = None
    is_new: bool = False
    warning: str | None = None
    fault: str | None = None
    table: RawTable | None = None

    @property
    def delivery_id(self) -> str:
        parts = (self.sha256, self.name, self.liefereinheit or "", str(self.stichtag))
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


@dataclass
class _Run:
    """One landing of one feed: what it rests on, and what it has looked up already."""

    feed: Feed
    region: Region
    folders: Folders
    history: list[Outcome]
    gate: Gate
    secret: bytes
    today: date
    wanted: Wanted | None
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    references: dict[object, dict[str, Reference]] = field(default_factory=dict)
    splits: dict[tuple, Split] = field(default_factory=dict)

    def agreement(self, liefereinheit: str | None, stichtag: date | None) -> Agreement | None:
        """Return the agreement that covers a delivery, or, while it is not known of when it is,
        one that has begun.
        """
        if liefereinheit is not None and stichtag is not None:
            return self.region.agreement_for(self.feed, liefereinheit, stichtag)
        return next(
            (
                agreement
                for agreement in self.region.agreements
                if self.feed.feed in agreement.feeds
                and agreement.gueltig_ab <= self.today
                and (
                    liefereinheit is None
                    or not agreement.liefereinheiten
                    or liefereinheit in agreement.liefereinheiten
                )
            ),
            None,
        )

    def takes(self, liefereinheit: str | None, stichtag: date | None) -> bool:
        """Return whether this run is about a delivery."""
        return self.wanted is None or (
            liefereinheit is not None and self.wanted(liefereinheit, stichtag)
        )

    def references_at(self, stichtag: date | None) -> dict[str, Reference]:
        """Return what a delivery of a Stichtag is checked against; read once for each."""
        if stichtag not in self.references:
            self.references[stichtag] = read_references(
                self.feed, self.region, self.folders, stichtag
            )
        return self.references[stichtag]


@dataclass
class _State:
    """What has been decided so far in a run."""

    shelf: Shelf
    outcomes: list[Outcome] = field(default_factory=list)
    candidates: list[Candidate] = field(default_factory=list)


def land_feed(
    feed: Feed,
    region: Region,
    folders: Folders,
    *,
    inbox: Path,
    data: Path | None,
    gate: Gate,
    secret: bytes = b"",
    only: Wanted | None = None,
    today: date | None = None,
) -> list[Outcome]:
    """Land what is new of a feed and record an outcome for each try.

    Files in `inbox` are moved into the sealed zone, files in `data` (open data that stays
    where it is) are copied. What no agreement covers stays where it is, unread. Never raises for
    a partner's fault.

    Args:
        feed: the contract.
        region: what the county declares.
        folders: where to write.
        inbox: where partners' files arrive.
        data: open data, if there is any.
        gate: judges what was split, all candidates in one go.
        secret: makes the keys of identifiers' hashes; needed if the feed has any.
        only: which deliveries this run takes; the others are left as they are.
        today: the day by which agreements are judged; today unless given.

    Returns:
        The outcomes of this run, in the order of Stichtag, receipt and name.

    Raises:
        ValueError: the feed has identifiers and there is no secret.
    """
    if feed.identifiers and not secret:
        raise ValueError(f"feed {feed.feed}: identifiers are landed as hashes; no secret was given")
    for folder in (folders.accepted(feed.feed), folders.raw):
        folder.mkdir(parents=True, exist_ok=True)
    delivery.write_empty(feed, folders.accepted(feed.feed) / "_empty.parquet")
    ledger.write_empty(folders.ledger)
    history = ledger.read(folders.ledger, feed.feed)
    today = today or datetime.now(ZoneInfo("Europe/Berlin")).date()
    run = _Run(feed, region, folders, history, gate, secret, today, only)
    found, refused = _found(run, inbox, data)
    state = _settled(run, _in_order([*_recalled(run, found), *found]))
    state.shelf.commit()
    outcomes = [*state.outcomes, *refused]
    outcomes += _not_delivered(run, outcomes)
    # Recorded before files leave the inbox: a run that is killed loses nothing.
    ledger.append(folders.ledger, outcomes)
    for file in found:
        if file.origin == "inbox":
            file.found.unlink()
    return outcomes


# --- which files ----------------------------------------------------------------------------


def _found(run: _Run, inbox: Path, data: Path | None) -> tuple[list[_File], list[Outcome]]:
    """Take what was delivered into `raw`; what may not be taken stays and has an outcome."""
    taken: dict[tuple[str, str], _File] = {}
    refused: list[Outcome] = []
    roots: list[tuple[Path, Origin]] = [(inbox, "inbox"), *([(data, "data")] if data else [])]
    for root, origin in roots:
        paths = find_files(run.feed, [root])
        paths = connector.resting(paths) if origin == "inbox" else paths
        ahead = set(connector.ahead_of_clock(paths))
        for path in sorted(paths, key=lambda path: (path.stat().st_mtime_ns, path.name)):
            file = _admit(run, path, origin)
            if isinstance(file, Outcome):
                refused.append(file)
            elif file is not None:
                if path in ahead:
                    file = replace(file, warning="the clock of its sender is ahead of ours")
                taken.setdefault((file.sha256, file.name), _take(run, file))
    return [*taken.values()], refused


def _admit(run: _Run, path: Path, origin: Origin) -> _File | Outcome | None:
    """Say whose delivery of when a file is; an outcome if it stays where it is, None if this run
    is not about it.

    Nothing is read of a file that no agreement can cover.
    """
    feed, name = run.feed, path.name
    unit = run.region.liefereinheit_of(feed, name)
    stichtag = feed.stichtag_of(name) if feed.stichtag.aus == "name" else None
    if not run.takes(unit, stichtag):
        return None
    if run.agreement(unit, stichtag) is None:
        return _not_agreed(run, unit, stichtag, name)
    sha256 = sha256_of(path)
    if any(o.result == "purged" and o.sha256 == sha256 for o in run.history):
        return replace(
            _base(run, unit, stichtag, name), sha256=sha256, reason=refusals.purged(run.feed, name)
        )
    file = _File(
        name=name,
        sha256=sha256,
        raw=run.folders.raw / sha256,
        received_at=run.now,
        liefereinheit=unit,
        stichtag=stichtag,
        found=path,
        origin=origin,
        is_new=origin == "inbox" or _is_put_back(run, name, sha256),
    )
    file = _identified(run, file, path)
    if file.fault is None and not run.takes(file.liefereinheit, file.stichtag):
        return None
    if file.fault is None and run.agreement(file.liefereinheit, file.stichtag) is None:
        return _not_agreed(run, unit, file.stichtag, name)
    return replace(file, received_at=_received_at(run, file))


def _received_at(run: _Run, file: _File) -> datetime:
    """When it came first; what is delivered anew and does not count at the moment comes now."""
    known = [
        o.received_at
        for o in run.history
        if (o.sha256, o.file) == (file.sha256, file.name) and o.received_at
    ]
    counts = (run.folders.accepted(run.feed.feed) / f"{file.delivery_id}.parquet").exists()
    return max(known) if known and (counts or not file.is_new) else run.now


def _is_put_back(run: _Run, name: str, sha256: str) -> bool:
    """Whether a file of open data is not the one that lay there under this name last time."""
    seen = [o.sha256 for o in run.history if o.origin == "data" and o.file == name]
    return not seen or seen[-1] != sha256


def _identified(run: _Run, file: _File, path: Path) -> _File:
    """Tell the Stichtag of a file that bears it inside, and whose it is."""
    if file.liefereinheit is None:
        return replace(file, fault=refusals.nobodys(run.feed, file.name))
    if run.feed.stichtag.aus == "name":
        return (
            file if file.stichtag else replace(file, fault=refusals.timeless(run.feed, file.name))
        )
    for outcome in reversed(run.history):
        same = (outcome.sha256, outcome.file) == (file.sha256, file.name)
        if same and outcome.stichtag and outcome.contract_version == run.feed.version:
            return replace(file, stichtag=outcome.stichtag)
    try:
        table, stichtag = _read(run, path, file.name)
        return replace(file, stichtag=stichtag, table=table)
    except DeliveryError as error:
        return replace(file, fault=str(error))
    except Exception as error:  # unforeseen; its words may hold a value, its class does not
        return replace(file, fault=refusals.unforeseen(run.feed, file.name, error))


def _read(run: _Run, path: Path, name: str) -> tuple[RawTable, date]:
    if path.stat().st_size and (problems := inspect(path)):
        raise DeliveryError(
            run.feed.feed,
            name,
            expected="a file that can be opened without danger",
            found=f"one that {'; that '.join(problems)}",
            remedy=f"ask {run.feed.partner} for a plain table",
        )
    return delivery.read_table(run.feed, path, name, run.region)


def _take(run: _Run, file: _File) -> _File:
    """Copy a file into the sealed zone."""
    if not file.raw.exists():
        # A copy that breaks off is no raw file; another feed may copy the same content now.
        part = file.raw.with_suffix(f".{run.feed.feed}.part")
        shutil.copyfile(file.found, part)
        part.replace(file.raw)
    return file


def _recalled(run: _Run, found: Sequence[_File]) -> list[_File]:
    """Return what came earlier: rules may have changed since.

    What was refused and has been corrected is not tried again.
    """
    files: dict[tuple[str, str], _File] = {}
    here = {(file.sha256, file.name) for file in found}
    accepted = [outcome for outcome in run.history if outcome.result == "accepted"]
    for outcome in run.history:
        open_case = outcome.result == "rejected" and not any(
            _slot(other) == _slot(outcome) and other.received_at > outcome.received_at
            for other in accepted
            if outcome.received_at
        )
        key = (outcome.sha256, outcome.file)
        if not outcome.sha256 or key in here or not (outcome.result == "accepted" or open_case):
            continue
        raw = run.folders.raw / outcome.sha256
        if not raw.exists() or not outcome.received_at:
            continue
        unit = run.region.liefereinheit_of(run.feed, outcome.file)
        by_name = run.feed.stichtag.aus == "name"
        stichtag = run.feed.stichtag_of(outcome.file) if by_name else None
        if run.takes(unit, stichtag or outcome.stichtag):
            file = _File(outcome.file, outcome.sha256, raw, outcome.received_at, unit, stichtag)
            files[key] = file
    return [_identified(run, file, file.raw) for file in files.values()]


def _slot(outcome: Outcome | _File) -> tuple[str | None, date | None]:
    """What a correction corrects: the same Liefereinheit and Stichtag."""
    return outcome.liefereinheit, outcome.stichtag


def _in_order(files: Sequence[_File]) -> list[_File]:
    """Order by Stichtag, as one may be judged by the one before; then by receipt, so that a
    correction follows what it corrects; what came in one run, as it was written. What has lost
    its Stichtag comes first: it is valid no longer.
    """
    return sorted(files, key=lambda f: (f.stichtag or date.min, f.received_at, _written(f), f.name))


def _written(file: _File) -> int:
    return file.found.stat().st_mtime_ns if file.found else 0


def read_references(
    feed: Feed, region: Region, folders: Folders, stichtag: date | None
) -> dict[str, Reference]:
    """Return the landed rows that a feed is checked against.

    Of a feed of areas the rows of the Gebietsstand count that the delivery speaks of, of any
    other those of the same Stichtag. Geometries are left out.
    """
    references = {}
    for other in region.references_of(feed):
        columns = [n for n, kind in delivery.landed_columns(other).items() if kind != "blob"]
        files = folders.accepted(other.feed) / "*.parquet"
        if stichtag is None or not list(files.parent.glob("*.parquet")):
            continue
        query = (
            f"select {', '.join(columns)} from read_parquet('{files}', union_by_name = true) "
            f"where {_relevant(feed, region, other, stichtag)}"
        )
        rows = delivery.query(query)
        ids = tuple(sorted(set(rows.column("delivery_id").to_pylist())))
        references[other.feed] = Reference(other, ids, rows)
    return references


def _relevant(feed: Feed, region: Region, other: Feed, stichtag: date) -> str:
    """SQL for the rows of a reference that count for a delivery."""
    if other.spatial.kind != "flaeche":
        return f"stichtag = date '{stichtag}'"
    if other.spatial.gebietsstand is not None:
        return "true"
    wanted = region.gebietsstand_of(feed, stichtag)
    for stand in region.gebietsstaende:
        if stand.gebietsstand == wanted:
            first, last = stand.gueltig_ab or date.min, stand.gueltig_bis or date.max
            return f"stichtag between date '{first}' and date '{last}'"
    return "false"


# --- what becomes of them -------------------------------------------------------------------


def _settled(run: _Run, files: Sequence[_File]) -> _State:
    """Decide about all files, the gate looking at all candidates in one go.

    Only if it finds something, it looks at each alone, in order: what was refused supersedes
    nothing and is no measure for the next.
    """
    objections: dict[str, str] = {}
    passed: set[str] = set()
    together = True
    while True:
        state = _State(Shelf.read(run.folders, run.feed.feed))
        for file in files:
            _decide(run, state, file, objections)
        waiting = [c for c in state.candidates if c.delivery_id not in {*passed, *objections}]
        if not waiting:
            return state
        batch = waiting if together else waiting[:1]
        problems = run.gate(batch)
        if not problems:
            passed |= {candidate.delivery_id for candidate in batch}
        elif len(batch) == 1:
            objections |= problems
        else:
            together = False


def _decide(run: _Run, state: _State, file: _File, objections: Mapping[str, str]) -> None:
    """Decide about one file; the outcome says what happened and, if refused, why."""
    known = [*run.history, *state.outcomes]
    accepted = [o for o in known if o.result == "accepted"]
    _withdraw_former(state, file, accepted)
    outcome = _outcome_of(run, file)
    agreement = run.agreement(file.liefereinheit, file.stichtag) if not file.fault else None
    if file.fault or agreement is None:
        _withdraw(state, file.delivery_id)
        refusal = refusals.not_agreed(run.feed, file.liefereinheit, file.stichtag)
        state.outcomes.append(
            replace(outcome, reason=file.fault)
            if file.fault
            else replace(outcome, result="not_agreed", reason=refusal)
        )
        return
    terms = _terms(run, state, file, agreement, accepted)
    references = run.references_at(file.stichtag)
    outcome = replace(
        outcome,
        agreement=agreement.id,
        rules_version=_rules_version(run, terms, references, agreement),
    )
    last = next((o for o in reversed(accepted) if o.delivery_id == file.delivery_id), None)
    if last and _stands(state, file, last, outcome):
        _put(state, file.delivery_id, accepted, _slot(file))
        state.outcomes.append(replace(outcome, result="unchanged", layout=last.layout))
        return
    # What was accepted before is no copy, whatever has come since.
    copy = _copied(run, state, file, accepted) if file.is_new or not last else None
    if copy:
        state.outcomes.append(replace(outcome, result=copy[0], reason=copy[1]))
        return
    split = _split(run, file, terms, references)
    if isinstance(split, str):
        _withdraw(state, file.delivery_id)
        state.outcomes.append(replace(outcome, reason=split))
        return
    candidate = Candidate(
        feed=run.feed,
        file=file.name,
        delivery_id=file.delivery_id,
        liefereinheit=file.liefereinheit,
        stichtag=file.stichtag,
        split=split,
        previous_rows=_previous_rows(run, terms, accepted, references),
    )
    state.shelf.fresh[file.delivery_id] = (split.accepted, split.quarantined)
    problem = refusals.too_many_bad_rows(run.feed, file.name, candidate.split)
    if problem is None:
        state.candidates.append(candidate)
        problem = objections.get(file.delivery_id)
    if problem:
        state.shelf.places[file.delivery_id] = "rejected"
    else:
        _put(state, file.delivery_id, accepted, _slot(file))
    state.outcomes.append(
        replace(
            outcome,
            result="rejected" if problem else "accepted",
            reason=problem or refusals.quarantined(candidate.split),
            layout=split.layout,
            rows_read=split.rows_read,
            rows_accepted=split.rows_accepted,
            rows_quarantined=split.rows_quarantined,
            repairs="; ".join(f"{name}: {n} row(s)" for name, n in split.repairs.items()) or None,
            warnung="; ".join(
                filter(
                    None,
                    [
                        file.warning,
                        refusals.drift(
                            run.feed, candidate.split.rows_accepted, candidate.previous_rows
                        ),
                    ],
                )
            )
            or None,
            hinweise="\n".join(split.notes) or None,
        )
    )


def _base(run: _Run, unit: str | None, stichtag: date | None, name: str | None) -> Outcome:
    """An outcome `rejected` that says which delivery it is about."""
    period = run.feed.period_of(stichtag) if stichtag else (None, None)
    return Outcome(
        feed=run.feed.feed,
        partner=run.feed.partner,
        liefereinheit=unit,
        stichtag=stichtag,
        result="rejected",
        file=name,
        contract_version=run.feed.version,
        period_start=period[0],
        period_end=period[1],
        publishable_from=run.feed.publishable_from(stichtag) if stichtag else None,
    )


def _not_agreed(
    run: _Run, unit: str | None, stichtag: date | None, name: str | None = None
) -> Outcome:
    reason = refusals.not_agreed(run.feed, unit, stichtag)
    return replace(_base(run, unit, stichtag, name), result="not_agreed", reason=reason)


def _outcome_of(run: _Run, file: _File) -> Outcome:
    return replace(
        _base(run, file.liefereinheit, file.stichtag, file.name),
        sha256=file.sha256,
        bytes=file.raw.stat().st_size,
        delivery_id=file.delivery_id,
        origin=file.origin,
        received_at=file.received_at,
        warnung=file.warning,
    )


def _withdraw_former(state: _State, file: _File, accepted: Sequence[Outcome]) -> None:
    """Under other rules the same file may have been of another Stichtag: valid no longer."""
    for other in accepted:
        same = (other.sha256, other.file) == (file.sha256, file.name)
        if same and other.delivery_id != file.delivery_id:
            _withdraw(state, other.delivery_id)


def _withdraw(state: _State, delivery_id: str) -> None:
    """Take away what was made of a delivery under other rules: it is valid no longer."""
    if state.shelf.holds(delivery_id):
        state.shelf.places[delivery_id] = "rejected"


def _put(
    state: _State, delivery_id: str, accepted: Sequence[Outcome], slot: tuple[str | None, date]
) -> None:
    """Make a delivery the valid one of its Liefereinheit and Stichtag."""
    for other in accepted:
        if _slot(other) == slot and state.shelf.holds(other.delivery_id):
            state.shelf.places[other.delivery_id] = "superseded"
    state.shelf.places[delivery_id] = "accepted"


def _terms(
    run: _Run, state: _State, file: _File, agreement: Agreement, accepted: Sequence[Outcome]
) -> Terms:
    served = run.region.kommunen_of(file.liefereinheit)
    covered = tuple(k for k in served or agreement.kommunen if k in agreement.kommunen)
    previous = None
    if any(column.minimum_before is not None for column in run.feed.columns):
        previous = _last_before(state, file, accepted)
    return Terms(
        delivery_id=file.delivery_id,
        liefereinheit=file.liefereinheit,
        stichtag=file.stichtag,
        kommunen=covered if agreement.kommunen else served,
        key=_key(run, agreement, file.sha256),
        previous=state.shelf.path(previous) if previous else None,
    )


def _key(run: _Run, agreement: Agreement, sha256: str) -> bytes | None:
    """The key of a delivery's hashes. Without `verknuepfbar` no two deliveries share one, so that
    persons cannot be followed; a pointer inside a delivery leads where it led.
    """
    if not run.feed.identifiers:
        return None
    about = f"partner {run.feed.partner}" if agreement.verknuepfbar else f"delivery {sha256}"
    return hmac.digest(run.secret, about.encode(), "sha256")


def _last_before(state: _State, file: _File, accepted: Sequence[Outcome]) -> str | None:
    """The valid delivery of the Liefereinheit at the Stichtag before."""
    earlier = {
        other.stichtag: other.delivery_id
        for other in accepted
        if other.liefereinheit == file.liefereinheit
        and other.stichtag < file.stichtag
        and state.shelf.places.get(other.delivery_id) == "accepted"
    }
    return earlier[max(earlier)] if earlier else None


def _rules_version(
    run: _Run, terms: Terms, references: Mapping[str, Reference], agreement: Agreement
) -> str:
    parts = [run.feed.version]
    parts += [repair.model_dump_json() for repair in run.region.repairs_of(run.feed)]
    parts += [d for name in sorted(references) for d in references[name].delivery_ids]
    parts += [*terms.kommunen, *(k.kommune_id for k in run.region.kommunen)]
    parts += [str(run.region.grenzen), str(agreement.verknuepfbar)]
    parts += [terms.previous.name] if terms.previous else []
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


def _copied(
    run: _Run, state: _State, file: _File, accepted: Sequence[Outcome]
) -> tuple[str, str] | None:
    """Say what a file is that has the content of another: (result, reason)."""
    for other in reversed(accepted):
        if other.sha256 != file.sha256 or other.delivery_id == file.delivery_id:
            continue
        place = state.shelf.places.get(other.delivery_id)
        if _slot(other) == _slot(file):
            if place == "accepted" or (place == "superseded" and not file.is_new):
                return "duplicate", f"the same content as {other.file}"
        elif place == "accepted" and _is_last_of_its_slot(state, other, accepted):
            return "rejected", refusals.copy_of(run.feed, file.name, file.liefereinheit, other)
    return None


def _is_last_of_its_slot(state: _State, other: Outcome, accepted: Sequence[Outcome]) -> bool:
    return not any(
        _slot(later) == _slot(other)
        and later.received_at > other.received_at
        and state.shelf.holds(later.delivery_id)
        for later in accepted
    )


def _stands(state: _State, file: _File, last: Outcome, now: Outcome) -> bool:
    """Whether this very delivery was accepted under the same rules and lies in its place.

    One that was superseded and is delivered anew is a correction back to what it says.
    """
    place = state.shelf.places.get(file.delivery_id)
    lies = place == "accepted" or (place == "superseded" and not file.is_new)
    return lies and last.rules_version == now.rules_version


def _split(
    run: _Run, file: _File, terms: Terms, references: Mapping[str, Reference]
) -> Split | str:
    """Split a delivery, once in a run; a text says why that cannot be done."""
    key = (file.delivery_id, str(terms.previous))
    if key not in run.splits:
        run.splits[key] = _split_anew(run, file, terms, references)
    return run.splits[key]


def _split_anew(
    run: _Run, file: _File, terms: Terms, references: Mapping[str, Reference]
) -> Split | str:
    try:
        if file.table is None:
            # Told before a large file is read in vain.
            delivery.require_references(run.feed, file.name, run.region, references)
        table = file.table or _read(run, file.raw, file.name)[0]
        return delivery.split(
            run.feed,
            table,
            file_name=file.name,
            terms=terms,
            region=run.region,
            references=references,
            target=run.folders.pending,
        )
    except DeliveryError as error:
        return str(error)
    except Exception as error:  # unforeseen; its words may hold a value, its class does not
        return refusals.unforeseen(run.feed, file.name, error)


def _previous_rows(
    run: _Run, terms: Terms, accepted: Sequence[Outcome], references: Mapping[str, Reference]
) -> int | None:
    own = [o for o in accepted if o.liefereinheit == terms.liefereinheit]
    if own:
        return own[-1].rows_accepted
    spatial = run.feed.spatial
    one_each = spatial.kind == "schluessel" and run.feed.key == (spatial.column,)
    if not one_each or spatial.ohne or run.feed.rows.change == "warnung":
        return None
    areas = run.region.area_feed(spatial.ebene, spatial.gebietsstand)
    if areas is None or terms.kommunen:
        return None
    return references[areas.feed].rows.num_rows


# --- what has not come ----------------------------------------------------------------------


def _not_delivered(run: _Run, outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Return an outcome for each expected Stichtag and Liefereinheit of which nothing has come."""
    nothing = ("not_delivered", "not_agreed")
    seen = {_slot(o) for o in [*run.history, *outcomes] if o.result not in nothing}
    seen |= {_slot(o) for o in outcomes if o.result == "not_agreed"}
    missing = []
    for stichtag in run.region.expected.get(run.feed.feed, ()):
        for unit in run.feed.liefereinheiten:
            if (unit, stichtag) in seen or not run.takes(unit, stichtag):
                continue
            if run.agreement(unit, stichtag) is None:
                missing.append(_not_agreed(run, unit, stichtag))
                continue
            who = run.feed.partner if unit == KREIS else f"{run.feed.partner} ({unit})"
            reason = f"expected by the region's calendar; ask {who}"
            base = _base(run, unit, stichtag, None)
            missing.append(replace(base, result="not_delivered", reason=reason))
    return missing


def valid_deliveries(region: Region, folders: Folders) -> list[Outcome]:
    """Return the last outcome `accepted` of each delivery that staging reads now."""
    return [outcome for feed in region.feeds for outcome in valid_of(feed, folders)]


def valid_of(feed: Feed, folders: Folders) -> list[Outcome]:
    """Return the same of one feed, ordered by Stichtag and file."""
    lying = {path.stem for path in folders.accepted(feed.feed).glob("*.parquet")}
    accepted = {
        outcome.delivery_id: outcome
        for outcome in ledger.read(folders.ledger, feed.feed)
        if outcome.result == "accepted" and outcome.delivery_id in lying
    }
    return sorted(accepted.values(), key=lambda outcome: (outcome.stichtag, outcome.file))
