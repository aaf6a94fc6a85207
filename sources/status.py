"""Which deliveries there are: feed × Liefereinheit × Stichtag, from the ledger and the calendar.

Reads outcomes only; it looks at no file and at no partition of the orchestrator, which calls a
key green that nothing was delivered for.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from sources.contract import Feed
from sources.ledger import Outcome
from sources.region import Region

State = Literal[
    "geliefert", "teilweise", "abgelehnt", "erwartet", "verspaetet", "fehlt", "nicht_vereinbart"
]
"""`teilweise`: accepted, with rows in quarantine. `abgelehnt`: all that came was refused.
`erwartet`: not due yet. `verspaetet`: due, within the agreed delay. `fehlt`: beyond it."""

MEANING = {
    "geliefert": "accepted",
    "teilweise": "accepted, some rows in quarantine",
    "abgelehnt": "refused as a whole",
    "erwartet": "not due yet",
    "verspaetet": "due, within the agreed delay",
    "fehlt": "beyond the agreed delay",
    "nicht_vereinbart": "no valid agreement: nothing is pulled",
}


@dataclass(frozen=True)
class Delivery:
    """The state of one delivery. Grain: feed × Liefereinheit × Stichtag.

    `due` is the day on which it should have come, `reason` what the ledger says of its last try.
    """

    feed: str
    liefereinheit: str
    stichtag: date
    state: State
    due: date
    rows_quarantined: int
    reason: str | None


def deliveries(
    region: Region, outcomes: Iterable[Outcome], today: date, feeds: Iterable[Feed] | None = None
) -> list[Delivery]:
    """Return the state of every delivery that is expected or was tried.

    Args:
        region: the calendar, the Liefereinheiten and the agreements.
        outcomes: the ledger, oldest first.
        today: decides what is late.
        feeds: only these; all of the region unless given.
    """
    tried: dict[tuple[str, str, date], list[Outcome]] = {}
    for outcome in outcomes:
        if outcome.stichtag is not None and outcome.liefereinheit is not None:
            key = (outcome.feed, outcome.liefereinheit, outcome.stichtag)
            tried.setdefault(key, []).append(outcome)
    listed = []
    for feed in feeds if feeds is not None else region.feeds:
        expected = {
            (feed.feed, unit, stichtag)
            for unit in feed.liefereinheiten
            for stichtag in region.expected.get(feed.feed, ())
        }
        keys = expected | {key for key in tried if key[0] == feed.feed}
        listed += [_delivery(region, feed, key, tried.get(key, []), today) for key in sorted(keys)]
    return listed


def due_on(feed: Feed, stichtag: date) -> date:
    """Return the day on which a feed's delivery of a Stichtag should have come."""
    return stichtag + timedelta(days=feed.rhythm.faellig_nach_tagen)


def _delivery(
    region: Region,
    feed: Feed,
    key: tuple[str, str, date],
    tries: list[Outcome],
    today: date,
) -> Delivery:
    _, unit, stichtag = key
    due = due_on(feed, stichtag)
    decisive = _decisive(tries)
    return Delivery(
        feed=feed.feed,
        liefereinheit=unit,
        stichtag=stichtag,
        state=_state(region, feed, key, decisive, due, today),
        due=due,
        rows_quarantined=(decisive.rows_quarantined or 0) if decisive else 0,
        reason=decisive.reason if decisive else None,
    )


def _decisive(tries: list[Outcome]) -> Outcome | None:
    """The last delivery that was accepted; if none was, the last try."""
    accepted = [o for o in tries if o.result in ("accepted", "purged")]
    return (accepted or tries or [None])[-1]


def _state(
    region: Region,
    feed: Feed,
    key: tuple[str, str, date],
    decisive: Outcome | None,
    due: date,
    today: date,
) -> State:
    result = decisive.result if decisive else None
    if result in ("accepted", "purged"):
        return "teilweise" if decisive.rows_quarantined else "geliefert"
    if result == "rejected":
        return "abgelehnt"
    if result == "not_agreed" or region.agreement_for(feed, key[1], key[2]) is None:
        return "nicht_vereinbart"
    if today <= due:
        return "erwartet"
    return "verspaetet" if today <= due + timedelta(days=feed.rhythm.karenz_tage) else "fehlt"
