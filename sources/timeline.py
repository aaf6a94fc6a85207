"""What a region declares about time: breaks in series, and how boundaries of old are carried over.

Declared in `brueche.yaml` of the region's folder. What is made of it: `crosswalk.py` and the marts.
"""

from datetime import date
from typing import Literal

from pydantic import Field, model_validator

from sources.layouts import Strict


class Break(Strict):
    """From the Stichtag `ab` on, values are not comparable with earlier ones; `text` says why.

    Of one indicator, or of all whose numerator the feed brings. `art`: the definition changed, the
    source changed its way of counting, the boundaries did, or the basis of the population.
    """

    ab: date
    art: Literal["definition", "quelle", "gebietsstand", "basis"]
    text: str
    feed: str | None = None
    indikator_id: str | None = None

    @model_validator(mode="after")
    def _of_one_thing(self) -> "Break":
        if (self.feed is None) == (self.indikator_id is None):
            raise ValueError("a break belongs to a feed or to an indikator_id: name one of them")
        return self


class Conversion(Strict):
    """A delivered table of weights between two Gebietsstände; the second needs no geometry.

    `raum_von`, `raum_nach`, `gewicht`: the feed's columns.
    """

    von: str
    nach: str
    feed: str
    raum_von: str
    raum_nach: str
    gewicht: str


class Timeline(Strict):
    """Breaks, conversions and the rules of series.

    Attributes:
        gemessen_an: feed, placed by addresses, by whose rows the error of carrying over is
            measured; without one it is not.
        hoechstfehler_umrechnung: an area's series is broken where more of its inhabitants than
            this share are misplaced, or where that is not known.
        trend_mindestzahl: values without a break between them that a trend needs.
        trend_z: how large the statistic of Mann and Kendall must be for a trend; 1.645 is the
            two-sided level of 10 %, with which 4 values of one direction are a trend.
    """

    gemessen_an: str | None = None
    hoechstfehler_umrechnung: float = Field(0.02, ge=0, le=1)
    trend_mindestzahl: int = Field(4, ge=4)
    trend_z: float = Field(1.645, gt=0)
    vorgaben: tuple[Conversion, ...] = ()
    brueche: tuple[Break, ...] = ()

    @property
    def named_columns(self) -> set[tuple[str, str]]:
        """Which columns of which feeds are spoken of."""
        return {
            (given.feed, column)
            for given in self.vorgaben
            for column in (given.raum_von, given.raum_nach, given.gewicht)
        }

    @property
    def named_feeds(self) -> set[str]:
        """Which feeds are spoken of."""
        named = {given.feed for given in self.vorgaben} | {one.feed for one in self.brueche}
        return (named | {self.gemessen_an}) - {None}


def timeline_rows(timeline: Timeline) -> dict[str, list[dict]]:
    """Return plain rows: `rule_bruch` a break; `rule_reihe` the one row of the rules of series."""
    rules = ("hoechstfehler_umrechnung", "trend_mindestzahl", "trend_z")
    return {
        "rule_bruch": [one.model_dump() for one in timeline.brueche],
        "rule_reihe": [{name: getattr(timeline, name) for name in rules}],
    }


TIMELINE_SCHEMAS = {
    "rule_bruch": {
        "feed": "string",
        "indikator_id": "string",
        "ab": "date32",
        "art": "string",
        "text": "string",
    },
    "rule_reihe": {
        "hoechstfehler_umrechnung": "float64",
        "trend_mindestzahl": "int32",
        "trend_z": "float64",
    },
}
