"""When the retention of rows of persons ends: they go, and the ledger says that they went.

What was agreed is `agreement.py`. Counts that were made of the rows lie in the archive and stay;
others write and read them.
"""

from calendar import monthrange
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime

from sources import ledger
from sources.contract import Feed
from sources.folders import PLACES, Folders
from sources.ledger import Outcome
from sources.region import Region


def purge(region: Region, folders: Folders, today: date) -> list[Outcome]:
    """Delete every delivery of rows of persons whose retention has ended, whatever became of it.

    Its file as delivered, its accepted and its quarantined rows go; for each an outcome `purged`
    is recorded. Its Stichtag counts as delivered afterwards, and the same file is refused.

    Args:
        region: feeds and agreements.
        folders: where deliveries lie.
        today: the day by which retention is judged.

    Returns:
        What was recorded, by feed and in the order of receipt.
    """
    gone = []
    for feed in region.feeds:
        if feed.ebene == "einzeldaten":
            purged = _purge_feed(feed, region, folders, today)
            ledger.append(folders.ledger, purged)
            gone += purged
    return gone


def ends_on(received: date, months: int) -> date:
    """Return the day from which rows received on a day are kept no longer."""
    year, month = divmod(received.month - 1 + months, 12)
    year, month = received.year + year, month + 1
    return date(year, month, min(received.day, monthrange(year, month)[1]))


def _purge_feed(feed: Feed, region: Region, folders: Folders, today: date) -> list[Outcome]:
    """Delete first, record then: what is recorded is gone."""
    history = ledger.read(folders.ledger, feed.feed)
    before = {o.delivery_id for o in history if o.result == "purged"}
    over = [
        outcome
        for outcome in _last_of_each(history)
        if outcome.delivery_id not in before and _is_over(outcome, feed, region, today)
    ]
    for outcome in over:
        _delete(outcome, folders)
    now = datetime.now(UTC)
    return [
        replace(
            outcome,
            result="purged",
            reason=f"retention ended; agreement {outcome.agreement or 'of the feed'}",
            origin=None,
            purged_at=now,
            tried_at=None,
        )
        for outcome in over
    ]


def _last_of_each(history: Iterable[Outcome]) -> list[Outcome]:
    """The last outcome of each delivery that was taken into the sealed zone."""
    last = {o.delivery_id: o for o in history if o.delivery_id and o.sha256 and o.received_at}
    return sorted(last.values(), key=lambda outcome: outcome.received_at)


def _is_over(outcome: Outcome, feed: Feed, region: Region, today: date) -> bool:
    """A delivery without an agreement of its own is kept as long as the shortest one says."""
    terms = [a for a in region.agreements if feed.feed in a.feeds and a.aufbewahrung_monate]
    own = [a for a in terms if a.id == outcome.agreement] or terms
    months = min((a.aufbewahrung_monate for a in own), default=0)
    return ends_on(outcome.received_at.date(), months) <= today


def _delete(outcome: Outcome, folders: Folders) -> None:
    name = f"{outcome.delivery_id}.parquet"
    for place in PLACES:
        (folders.place(place, outcome.feed) / name).unlink(missing_ok=True)
    (folders.quarantine(outcome.feed) / name).unlink(missing_ok=True)
    for pending in (name, f"{outcome.delivery_id}.bad.parquet"):
        (folders.pending / pending).unlink(missing_ok=True)
    (folders.raw / outcome.sha256).unlink(missing_ok=True)
