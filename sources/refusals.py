"""Why a delivery is refused, put off or told about, in words: what was agreed, found, and to do.

Here belong the sentences that end in the ledger and, translated by the kit, on a partner's
receipt. Not here: the decision, which is `landing.py`.
"""

from datetime import date

from sources import delivery
from sources.contract import Feed
from sources.delivery import Split
from sources.errors import DeliveryError
from sources.ledger import Outcome


def nobodys(feed: Feed, name: str) -> str:
    """The file name does not tell who delivers."""
    return str(
        DeliveryError(
            feed.feed,
            name,
            expected=(
                f"a file name like {feed.name_pattern} that names one of "
                f"{sorted(feed.liefereinheiten)}"
            ),
            found="a name that says nothing of who delivers it",
            remedy="rename the file as agreed, or add the name to the Liefereinheit's aliases",
        )
    )


def timeless(feed: Feed, name: str) -> str:
    """The file name does not tell a Stichtag, in the words of who looks for a layout."""
    try:
        delivery.agreed_layouts(feed, name)
    except DeliveryError as error:
        return str(error)
    raise ValueError(f"feed {feed.feed}: the name tells a Stichtag")


def purged(feed: Feed, name: str) -> str:
    """The delivery was purged before."""
    return str(
        DeliveryError(
            feed.feed,
            name,
            expected="a delivery whose retention has not ended",
            found="one that was taken before and purged when its retention ended",
            remedy="delete the file; its counts are kept in the archive",
        )
    )


def not_agreed(feed: Feed, unit: str | None, stichtag: date | None) -> str:
    """No agreement covers who delivers, or for when."""
    about = f"{unit or 'anyone'} at Stichtag {stichtag}" if stichtag else f"{unit or 'anyone'}"
    return (
        f"feed {feed.feed}: no agreement covers {about}; nothing was read. "
        f"To do: agree with {feed.partner} and add it to agreements.yaml"
    )


def copy_of(feed: Feed, name: str, unit: str | None, other: Outcome) -> str:
    """The content is that of another delivery."""
    whose = f" of {other.liefereinheit}" if other.liefereinheit != unit else ""
    return str(
        DeliveryError(
            feed.feed,
            name,
            expected="content of its own",
            found=f"the same content as {other.file}{whose} of Stichtag {other.stichtag}",
            remedy=f"ask {feed.partner} for the right table",
        )
    )


def unforeseen(feed: Feed, name: str, error: Exception) -> str:
    """The file broke the reader. The error's own text may hold values and is not told."""
    return str(
        DeliveryError(
            feed.feed,
            name,
            expected="a file that can be read as agreed",
            found=f"one that cannot be ({type(error).__name__})",
            remedy=f"ask {feed.partner} to send it again; if it stays, extend the reader",
        )
    )


def too_many_bad_rows(feed: Feed, name: str, split: Split) -> str | None:
    """More bad rows than agreed, or no rows at all; None if it may be taken."""
    if not split.rows_read:
        found, allowed = "no rows", "rows below the header"
    elif split.rows_quarantined > feed.rows.quarantine_tolerance * split.rows_read:
        tolerance = feed.rows.quarantine_tolerance
        allowed = f"at most {tolerance:.1%} bad rows of {split.rows_read}"
        found = quarantined(split)
    else:
        return None
    return str(
        DeliveryError(
            feed.feed,
            name,
            expected=allowed,
            found=found,
            remedy=f"ask {feed.partner} for a corrected table; the rows lie in quarantine",
        )
    )


def quarantined(split: Split) -> str | None:
    """How many rows lie in quarantine, and why; None if none do."""
    if not split.rows_quarantined:
        return None
    listed = "; ".join(
        f"{reason} ({count} row(s), first in row {first})"
        for reason, (count, first) in split.reasons.items()
    )
    return f"{split.rows_quarantined} bad row(s): {listed}"


def drift(feed: Feed, rows: int, previous: int | None) -> str | None:
    """Another number of rows than last time, where that is told and not refused."""
    agreed = feed.rows
    if agreed.change != "warnung" or not previous:
        return None
    if abs(rows - previous) <= agreed.change_tolerance * previous:
        return None
    return f"{rows} rows, last time {previous}: a change of more than {agreed.change_tolerance:.0%}"
