"""What municipalities have released, as a run knows it: the region's entries and the home's log.

`sozialraum release` records and lists; what an entry is and what follows from it is
`sources/freigaben.py`, what becomes of figures that are not released `disclosure/star/closed.py`.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import date
from typing import TYPE_CHECKING

from orchestration.settings import Settings
from sources.freigaben import (
    ALLE,
    Freigabe,
    append_to_log,
    check_freigaben,
    freigabe_rows,
    read_log,
    states,
    still_there,
)
from sources.region import Region

if TYPE_CHECKING:
    from orchestration.drafts import Draft


def all_freigaben(settings: Settings, region: Region) -> tuple[Freigabe, ...]:
    """Return the entries of the region's `releases.yaml`, then those recorded in the home.

    The log is only ever added to: what it says of municipalities and themes that the region has no
    more is left out.

    Raises:
        ValueError: the log is not well formed.
    """
    logged = still_there(read_log(settings.freigaben), region.kommune_ids, region.themen)
    return (*region.freigaben, *logged)


def edition_states(settings: Settings, region: Region) -> list[dict]:
    """Return what an edition that is made of the present rules publishes (`freigaben.states`)."""
    import pyarrow.parquet as pq

    rows = pq.read_table(settings.rules / "rule_freigabe.parquet").to_pylist()
    return states(rows, _kommunen(region), region.themen, _agreed(region))


def present_states(settings: Settings, region: Region) -> list[dict]:
    """Return how far each theme of each municipality has come, the current edition counted in."""
    from publication.edition import current_manifest

    edition = current_manifest(settings.published) or {}
    published = {
        (one["kommune_id"], one["thema"], one["stichtag_bis"])
        for one in edition.get("freigaben", ())
        if one["stand"] == "veroeffentlicht"
    }
    rows = freigabe_rows(all_freigaben(settings, region))
    return states(rows, _kommunen(region), region.themen, _agreed(region), published)


def record(
    settings: Settings,
    region: Region,
    kommune: str,
    themen: Collection[str],
    *,
    von: str,
    am: date,
    stichtag_bis: date | None = None,
) -> tuple[Freigabe, ...]:
    """Record that a municipality has released themes; the next edition publishes them.

    Args:
        settings: whose log is added to.
        region: the region.
        kommune: AGS or name of the municipality.
        themen: the themes, or `alle`.
        von: who decided.
        am: day of the decision.
        stichtag_bis: last Stichtag released; of each theme the newest that the municipality's last
            draft shows unless given. `alle` are then the themes that it shows.

    Returns:
        The entries: one for each last Stichtag.

    Raises:
        ValueError: there is no such municipality or theme, or no Stichtag is given and there is no
            draft, or none that shows the theme.
    """
    from orchestration.drafts import last_draft

    kommune_id = find_kommune(region, kommune)
    draft = last_draft(settings, kommune_id)
    named = ALLE if ALLE in themen else tuple(themen)
    until = {stichtag_bis: named} if stichtag_bis else _as_seen(kommune_id, named, draft)
    entries = tuple(
        Freigabe(
            kommunen=(kommune_id,),
            themen=own,
            stichtag_bis=day,
            am=am,
            von=von,
            entwurf=draft.draft_id if draft else None,
        )
        for day, own in until.items()
    )
    check_freigaben(entries, region.kommune_ids, region.themen)
    for entry in entries:
        append_to_log(settings.freigaben, entry)
    return entries


def _as_seen(
    kommune_id: str, named: str | Sequence[str], draft: "Draft | None"
) -> dict[date, tuple[str, ...]]:
    """Return by last Stichtag the themes that a draft shows up to it: nobody releases unseen."""
    if draft is None:
        raise ValueError(
            f"release of {kommune_id}: expected a draft that the municipality has seen, found "
            "none. To do: `sozialraum draft`, hand it over, then release; or say up to which "
            "Stichtag with --stichtag-bis"
        )
    shown = draft.stichtag_bis
    themen = sorted(shown if named == ALLE else set(named))
    unseen = [thema for thema in themen if thema not in shown]
    if unseen or not themen:
        raise ValueError(
            f"release of {kommune_id}: expected themes of which draft {draft.draft_id} shows a "
            f"value of a Sozialraum ({', '.join(sorted(shown)) or 'it shows none'}), found "
            f"{', '.join(unseen) or ALLE}. To do: leave out what nobody has seen, or say up to "
            "which Stichtag with --stichtag-bis"
        )
    days = sorted({shown[thema] for thema in themen})
    return {day: tuple(thema for thema in themen if shown[thema] == day) for day in days}


def find_kommune(region: Region, name: str) -> str:
    """Return the AGS of a municipality by AGS, name or alias.

    Raises:
        ValueError: there is no such municipality, or the region lists none.
    """
    for kommune in region.kommunen:
        if name in (kommune.kommune_id, kommune.name, *kommune.aliases):
            return kommune.kommune_id
    known = [f"{kommune.kommune_id} {kommune.name}" for kommune in region.kommunen]
    raise ValueError(
        f"municipality {name!r}: expected one that region.yaml lists, found {known or 'none there'}"
    )


def _kommunen(region: Region) -> dict[str, bool]:
    return {one.kommune_id: one.teilnahme for one in region.kommunen} or {ALLE: True}


def _agreed(region: Region) -> dict[str, frozenset[str]]:
    known = region.kommune_ids or (None,)
    return {kommune_id or ALLE: region.small_area_themen(kommune_id) for kommune_id in known}


def table_of(listed: Iterable[dict]) -> str:
    """Return states as text, a line each."""
    return "\n".join(
        f"{one['kommune_id']:10}{one['thema']:16}{one['stand']:16}"
        + (f"{one['seit']}  bis {one['stichtag_bis'] or 'auf Weiteres'}" if "seit" in one else "")
        for one in listed
    )
