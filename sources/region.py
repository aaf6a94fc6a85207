"""What is particular to a county, read from its folder `regions/<region>/`.

Levels of area, partners, expected deliveries, repairs of known defects and declared
indices. Thresholds that protect people are not here: they are `disclosure/policy.py`.
"""

import hashlib
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from sources.contract import Feed, Strict, read_feed

REGIONS = Path(__file__).parent / "regions"


class Partner(Strict):
    """An office that delivers."""

    name: str
    contact: str


class Level(Strict):
    """A level of areas. A Sozialraum lies in the unit whose key its own key begins with:
    the first `prefix` characters; the county is the one unit `unit`.
    """

    ebene: str
    name: str
    prefix: int | None = None
    unit: str | None = None


class Gebietsstand(Strict):
    """A version of the boundaries."""

    gebietsstand: str
    gueltig_ab: date | None
    gueltig_bis: date | None


class Repair(Strict):
    """A known defect of one feed's rows and what is put in its place; always recorded.

    A row is meant when its columns `where` hold these values and, for areas, a point
    inside it lies in the box `inside` (west, south, east, north, in the file's own SRS).
    """

    id: str
    feed: str
    reason: str
    where: dict[str, str]
    inside: tuple[float, float, float, float] | None = None
    set: dict[str, str]


class Uninhabited(Strict):
    """An area that stands in the geometry and has no inhabitants: no facts are expected."""

    raum_id: str
    reason: str


class Reconciliation(Strict):
    """How far a total that a partner delivers for a larger area may exceed the sum of its parts:
    people who have no place in any part. Checked where no part is excluded.
    """

    raumebene: str
    merkmal: str
    max_ueberschuss: int


class Difference(Strict):
    """A delivered change and the count whose rate it is the change of. With the rate of today
    the change tells the rate of `jahre` ago: where one of the two is withheld, so is the change.
    """

    lieferwert: str
    merkmal: str
    jahre: int = Field(gt=0)


class IndexPart(Strict):
    """An indicator in an index, with its weight."""

    indikator_id: str
    gewicht: float = 1.0


class IndexClass(Strict):
    """A class of an index: from `ueber` (exclusive) to `bis` (inclusive); None is open.

    `bis_einschliesslich` false makes the upper limit exclusive, `ueber_einschliesslich`
    true the lower one inclusive: limits such as "< -1" are told exactly.
    """

    klasse: str
    ueber: float | None = None
    bis: float | None = None
    ueber_einschliesslich: bool = False
    bis_einschliesslich: bool = True


class Index(Strict):
    """An index as declared data.

    `z_population`: each part is standardised over the areas that take part, with their
    unweighted mean and the population standard deviation, the weighted z-values are
    summed, and the sum is standardised again; nothing is rounded on the way. An area
    takes part when every part has a value and it is not on `ausschluss`.

    `klasse_aus: alle` is a declared exception, for indices of delivered figures: the class, and
    it alone, rests on all figures, those too that are withheld.
    """

    index_id: str
    name: str
    quelle: str
    standardisierung: Literal["z_population"]
    bestandteile: tuple[IndexPart, ...]
    klassen: tuple[IndexClass, ...]
    ausschluss: tuple[str, ...] = ()
    klasse_aus: Literal["veroeffentlicht", "alle"] = "veroeffentlicht"


class Region(Strict):
    """A county: everything in its folder but the thresholds."""

    region: str
    name: str
    kreis_id: str
    statistikstelle: bool
    srs: int
    data_hint: str
    levels: tuple[Level, ...]
    gebietsstaende: tuple[Gebietsstand, ...]
    partners: dict[str, Partner]
    expected: dict[str, tuple[date, ...]]
    repairs: tuple[Repair, ...] = ()
    uninhabited: tuple[Uninhabited, ...] = ()
    reconciliation: tuple[Reconciliation, ...] = ()
    differences: tuple[Difference, ...] = ()
    indices: tuple[Index, ...] = ()
    feeds: tuple[Feed, ...]

    @model_validator(mode="after")
    def _agrees(self) -> "Region":
        if [self.kreis_id] != [level.unit for level in self.levels if level.ebene == "kreis"]:
            raise ValueError(
                f"region {self.region}: the level kreis has one unit, and that is kreis_id"
            )
        for feed in self.feeds:
            if feed.partner not in self.partners:
                raise ValueError(f"feed {feed.feed}: region has no partner {feed.partner!r}")
            if feed.ebene == "einzeldaten" and not self.statistikstelle:
                raise ValueError(
                    f"feed {feed.feed}: person-level rows (einzeldaten) may land only in a region "
                    "with an abgeschottete Statistikstelle; agree on counts (aggregat) instead"
                )
        known = {feed.feed for feed in self.feeds}
        named = {*self.expected, *(repair.feed for repair in self.repairs)}
        named |= {name for feed in self.feeds for name in feed.condition_feeds}
        if unknown := named - known:
            raise ValueError(f"region {self.region}: no such feed: {sorted(unknown)}")
        for name, column in self._named_columns():
            if column not in {c.name for c in self.feed(name).columns}:
                raise ValueError(f"region {self.region}: feed {name} has no column {column!r}")
        return self

    def _named_columns(self) -> set[tuple[str, str]]:
        """Which columns of which feeds repairs and conditional marks speak of."""
        repaired = {(r.feed, column) for r in self.repairs for column in (*r.where, *r.set)}
        marks = (m for feed in self.feeds for column in feed.columns for m in column.marks)
        return repaired | {(mark.when.feed, mark.when.column) for mark in marks if mark.when}

    def feed(self, name: str) -> Feed:
        """Return a feed by name."""
        return next(feed for feed in self.feeds if feed.feed == name)

    def area_feed(self, ebene: str, gebietsstand: str) -> Feed | None:
        """Return the feed that brings the areas of a level, if one does."""
        return next(
            (
                feed
                for feed in self.feeds
                if feed.spatial.kind == "flaeche"
                and (feed.spatial.ebene, feed.spatial.gebietsstand) == (ebene, gebietsstand)
            ),
            None,
        )

    def references_of(self, feed: Feed) -> tuple[Feed, ...]:
        """Return the feeds that must have landed before this one can be checked."""
        wanted = set(feed.condition_feeds)
        if feed.spatial.kind == "schluessel":
            areas = self.area_feed(feed.spatial.ebene, feed.spatial.gebietsstand)
            wanted |= {areas.feed} if areas else set()
        return tuple(other for other in self.feeds if other.feed in wanted)

    def repairs_of(self, feed: Feed) -> tuple[Repair, ...]:
        """Return the declared repairs of a feed."""
        return tuple(repair for repair in self.repairs if repair.feed == feed.feed)

    @cached_property
    def version(self) -> str:
        """A short hash of everything the region declares."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:12]


def region_names() -> list[str]:
    """Return the regions that the product knows."""
    return sorted(path.parent.name for path in REGIONS.glob("*/region.yaml"))


def read_region(name: str, folder: Path = REGIONS) -> Region:
    """Read a region's folder.

    Raises:
        ValueError: there is no such region, or a file in its folder is not well formed.
    """
    import yaml

    path = folder / name / "region.yaml"
    if not path.exists():
        raise ValueError(f"region {name!r} is unknown; known are {region_names()}: set REGION")
    declared = yaml.safe_load(path.read_text(encoding="utf-8"))
    indices = path.with_name("indices.yaml")
    if indices.exists():
        declared["indices"] = yaml.safe_load(indices.read_text(encoding="utf-8"))
    feeds = [read_feed(feed) for feed in sorted(path.parent.glob("feeds/*.yaml"))]
    try:
        return Region.model_validate({**declared, "feeds": feeds})
    except ValueError as error:
        raise ValueError(f"region {name}: {error}") from error


def rule_tables(region: Region) -> dict[str, list[dict]]:
    """Return what the region declares as plain rows, for the models to join.

    Grains: `rule_level` a level; `rule_gebietsstand` a Gebietsstand; `rule_feed` a feed;
    `rule_uninhabited` an area; `rule_reconciliation` level × merkmal;
    `rule_difference` a delivered change;
    `rule_index_part` index × indicator; `rule_index_class`
    index × class; `rule_index_exclusion` index × area.
    """
    return {
        "rule_level": [
            {"raumebene": lv.ebene, "name": lv.name, "prefix": lv.prefix, "unit": lv.unit}
            for lv in region.levels
        ],
        "rule_gebietsstand": [g.model_dump() for g in region.gebietsstaende],
        "rule_feed": [
            {
                "feed": f.feed,
                "partner": f.partner,
                "thema": f.thema,
                "raumebene": f.spatial.ebene,
                "gebietsstand": f.spatial.gebietsstand,
            }
            for f in region.feeds
        ],
        "rule_uninhabited": [u.model_dump() for u in region.uninhabited],
        "rule_difference": [d.model_dump() for d in region.differences],
        "rule_reconciliation": [r.model_dump() for r in region.reconciliation],
        "rule_index_part": [
            {
                "index_id": i.index_id,
                **part.model_dump(),
                "klasse_aus_allen": i.klasse_aus == "alle",
            }
            for i in region.indices
            for part in i.bestandteile
        ],
        "rule_index_class": [
            {"index_id": i.index_id, **klasse.model_dump()}
            for i in region.indices
            for klasse in i.klassen
        ],
        "rule_index_exclusion": [
            {"index_id": i.index_id, "raum_id": raum_id}
            for i in region.indices
            for raum_id in i.ausschluss
        ],
    }
