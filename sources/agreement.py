"""The right to receive a partner's deliveries: agreements and the laws that they rest on.

Whether a delivery may be taken, and for how long it stays, is decided here; taking and purging
it is `landing.py` and `retention.py`.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from sources.layouts import Strict

LEGAL_BASES = Path(__file__).parent / "legal_bases.yaml"


class LegalBasis(Strict):
    """A law, or what stands in its place, and the rows that it allows to hand over."""

    gesetz: str
    text: str
    ebenen: tuple[Literal["einzeldaten", "aggregat"], ...]


class Agreement(Strict):
    """What a partner and the county have agreed about deliveries of some feeds.

    Attributes:
        feeds: the feeds it speaks of.
        liefereinheiten: who of those that deliver the feed has signed; none named: all.
        rechtsgrundlage: key of the closed list `legal_bases.yaml`.
        kommunen: municipalities covered; none named: all that the Liefereinheit serves.
        gueltig_ab: first Stichtag covered.
        gueltig_bis: last Stichtag covered; None: until further notice.
        aufbewahrung_monate: months after receipt for which rows of persons are kept; None for
            counts, which stay.
        kleinraeumig: whether values of single Sozialräume may be published.
        verknuepfbar: whether pseudonyms of different deliveries may agree.
    """

    id: str
    feeds: tuple[str, ...]
    liefereinheiten: tuple[str, ...] = ()
    rechtsgrundlage: str
    zweck: str
    parteien: tuple[str, ...] = Field(min_length=2)
    kommunen: tuple[str, ...] = ()
    gueltig_ab: date
    gueltig_bis: date | None = None
    aufbewahrung_monate: int | None = Field(None, gt=0)
    kleinraeumig: bool
    verknuepfbar: bool = False

    @model_validator(mode="after")
    def _rests_on_a_law(self) -> "Agreement":
        if self.rechtsgrundlage not in legal_bases():
            raise ValueError(
                f"agreement {self.id}: no legal basis {self.rechtsgrundlage!r} in "
                f"{LEGAL_BASES.name}; known are {sorted(legal_bases())}"
            )
        if self.gueltig_bis and self.gueltig_bis < self.gueltig_ab:
            raise ValueError(f"agreement {self.id}: it ends before it begins")
        return self

    def covers(self, feed: str, liefereinheit: str, stichtag: date) -> bool:
        """Return whether a delivery may be taken on the ground of this agreement."""
        return (
            feed in self.feeds
            and (not self.liefereinheiten or liefereinheit in self.liefereinheiten)
            and self.gueltig_ab <= stichtag
            and (self.gueltig_bis is None or stichtag <= self.gueltig_bis)
        )


def allow_small_areas(agreements: Sequence[Agreement], feed: str, liefereinheit: str) -> bool:
    """Return whether values of single Sozialräume may be published at any Stichtag.

    Where several agreements cover a delivery the stricter one wins.
    """
    own = [a for a in agreements if feed in a.feeds]
    ends = {a.gueltig_bis + timedelta(days=1) for a in own if a.gueltig_bis}
    days = {a.gueltig_ab for a in own} | ends  # between these days nothing changes
    covering = ([a for a in own if a.covers(feed, liefereinheit, day)] for day in days)
    return any(found and all(a.kleinraeumig for a in found) for found in covering)


@cache
def legal_bases() -> dict[str, LegalBasis]:
    """Return the closed list of legal bases by key."""
    import yaml

    listed = yaml.safe_load(LEGAL_BASES.read_text(encoding="utf-8"))
    return {key: LegalBasis.model_validate(entry) for key, entry in listed.items()}
