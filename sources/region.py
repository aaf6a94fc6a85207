"""What is particular to a county, read from its folder `regions/<region>/`.

Levels of area, partners, expected deliveries and repairs of known defects. Not here: what it
declares to compute (`calculations.py`), and thresholds that protect people
(`disclosure/policy.py`).
"""

import hashlib
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from sources.agreement import Agreement, allow_small_areas, legal_bases
from sources.calculations import Chance, Index, Peers, ThresholdSet, calculation_rows
from sources.contract import KREIS, Feed, read_feed
from sources.freigaben import Freigabe, check_freigaben
from sources.klassen import Klassen, class_rows
from sources.layouts import Strict
from sources.notes import Abgleich, Lesehilfe, comparison_rows, note_rows
from sources.publikation import INDIKATOR, Publikation
from sources.stellungnahmen import Stellungnahme
from sources.timeline import Timeline, timeline_rows
from sources.ziele import Ziele

REGIONS = Path(__file__).parent / "regions"

DECLARED = {
    "indices": "indices.yaml",
    "schwellen": "schwellen.yaml",
    "vergleiche": "vergleich.yaml",
    "lesehilfe": "hinweise.yaml",
    "abgleiche": "abgleich.yaml",
    "zeit": "brueche.yaml",
    "agreements": "agreements.yaml",
    "freigaben": "releases.yaml",
    "publikation": "publikation.yaml",
    "klassen": "klassen.yaml",
    "stellungnahmen": "stellungnahmen.yaml",
    "ziele": "ziele.yaml",
}
"""Parts of a region that stand in files of their own, beside `region.yaml`."""


class Partner(Strict):
    """An office that delivers, or in whose name others do."""

    name: str
    contact: str


class Kommune(Strict):
    """A municipality. `aliases`: how partners write its name.

    Without `teilnahme` its Sozialräume are not published (`nicht_freigegeben`), its total is.
    """

    kommune_id: str
    name: str
    aliases: tuple[str, ...] = ()
    teilnahme: bool = True


class Liefereinheit(Strict):
    """An office or provider that delivers for one or several municipalities.

    `aliases`: how file names call it, beside its id.
    """

    name: str
    kommunen: tuple[str, ...]
    aliases: tuple[str, ...] = ()


class Source(Strict):
    """Where a feed is pulled from when partners do not bring it to the inbox.

    Attributes:
        art: kind of connector.
        verbindung: name of the environment variable SOZIALRAUM_QUELLE_<verbindung>, which holds
            the address and whatever is secret.
        abfrage: what to ask for: a query (sql), a table (genesis), a layer (features), a
            pattern of paths (sftp).
        datei: name of the file that is put into the inbox; `{jahr}`, `{monat}`, `{tag}` are those
            of each expected Stichtag, `{stichtag}` is the whole date.
    """

    art: Literal["sftp", "sql", "genesis", "features"]
    verbindung: str = Field(pattern=r"^[A-Z][A-Z0-9_]*$")
    abfrage: str = ""
    datei: str = ""


class AddressRegister(Strict):
    """Which feeds tell where addresses lie: their points, and the streets with their history."""

    adressen: str
    strassen: str | None = None
    plz: str | None = None


class Raumsystem(Strict):
    """A further system of areas, not nested in the first: a city's own districts.

    Its areas come from the feed `feed` and are placed by the same addresses.
    """

    system: str
    name: str
    feed: str
    kommune_id: str


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


class Region(Strict):
    """A county: everything in its folder but the thresholds.

    `grenzen` are its bounds (west, south, east, north) in `srs`. `simuliert`: files of a synthetic
    county are written into the inbox of a fresh home. `katalog`: the catalogue of indicators that
    is agreed on here; the region has all of them, those too for which nobody delivers.
    """

    region: str
    name: str
    kreis_id: str
    statistikstelle: bool
    srs: int
    data_hint: str
    simuliert: bool = False
    katalog: str | None = None
    levels: tuple[Level, ...]
    gebietsstaende: tuple[Gebietsstand, ...]
    partners: dict[str, Partner]
    kommunen: tuple[Kommune, ...] = ()
    liefereinheiten: dict[str, Liefereinheit] = Field(default_factory=dict)
    adressregister: AddressRegister | None = None
    raumsysteme: tuple[Raumsystem, ...] = ()
    grenzen: tuple[float, float, float, float] | None = None
    quellen: dict[str, Source] = Field(default_factory=dict)
    agreements: tuple[Agreement, ...] = ()
    freigaben: tuple[Freigabe, ...] = ()
    expected: dict[str, tuple[date, ...]]
    repairs: tuple[Repair, ...] = ()
    uninhabited: tuple[Uninhabited, ...] = ()
    reconciliation: tuple[Reconciliation, ...] = ()
    differences: tuple[Difference, ...] = ()
    indices: tuple[Index, ...] = ()
    schwellen: tuple[ThresholdSet, ...] = ()
    zeit: Timeline = Timeline()
    lesehilfe: Lesehilfe = Lesehilfe()
    abgleiche: tuple[Abgleich, ...] = ()
    vergleiche: tuple[Peers, ...] = ()
    zufallsschwankung: Chance = Chance()
    publikation: Publikation | None = None
    klassen: Klassen | None = None
    stellungnahmen: tuple[Stellungnahme, ...] = ()
    ziele: Ziele = Ziele()
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
            if strangers := set(feed.liefereinheiten) - {KREIS, *self.liefereinheiten}:
                raise ValueError(
                    f"feed {feed.feed}: region has no liefereinheit {sorted(strangers)}"
                )
        self._agreements_agree()
        check_freigaben(self.freigaben, self.kommune_ids, self.themen)
        self._calculations_stand_once()
        self._profiles_are_of_levels()
        known = {feed.feed for feed in self.feeds}
        named = {*self.expected, *self.quellen, *(repair.feed for repair in self.repairs)}
        named |= {name for feed in self.feeds for name in feed.condition_feeds}
        named |= self.zeit.named_feeds
        if unknown := named - known:
            raise ValueError(f"region {self.region}: no such feed: {sorted(unknown)}")
        for name, column in self._named_columns():
            if column not in {c.name for c in self.feed(name).columns}:
                raise ValueError(f"region {self.region}: feed {name} has no column {column!r}")
        return self

    def _profiles_are_of_levels(self) -> None:
        known = {level.ebene for level in self.levels} | {INDIKATOR}
        asked = self.publikation.steckbriefe.stufen if self.publikation else ()
        if unknown := sorted(set(asked) - known):
            raise ValueError(
                f"publikation.yaml: expected stufen among {', '.join(sorted(known))}, found "
                f"{', '.join(unknown)}"
            )

    def _calculations_stand_once(self) -> None:
        for file, keys in {
            "indices.yaml": [index.index_id for index in self.indices],
            "schwellen.yaml": [thresholds.schwellen_id for thresholds in self.schwellen],
            "vergleich.yaml": [peers.vergleich_id for peers in self.vergleiche],
        }.items():
            if twice := sorted({key for key in keys if keys.count(key) > 1}):
                raise ValueError(f"{file}: stand twice: {twice}; rename one of each")

    def _agreements_agree(self) -> None:
        feeds = {feed.feed: feed for feed in self.feeds}
        for agreement in self.agreements:
            basis = legal_bases()[agreement.rechtsgrundlage]
            for name in agreement.feeds:
                if name not in feeds:
                    raise ValueError(f"agreement {agreement.id}: region has no feed {name!r}")
                if feeds[name].ebene not in basis.ebenen:
                    raise ValueError(
                        f"agreement {agreement.id}: {basis.gesetz} does not allow rows of level "
                        f"{feeds[name].ebene}, which feed {name} has; agree on {basis.ebenen}"
                    )
                if feeds[name].ebene == "einzeldaten" and not agreement.aufbewahrung_monate:
                    raise ValueError(
                        f"agreement {agreement.id}: feed {name} has rows of persons; say for how "
                        "many months they are kept (aufbewahrung_monate)"
                    )

    def _named_columns(self) -> set[tuple[str, str]]:
        """Which columns of which feeds repairs and conditional marks speak of."""
        repaired = {(r.feed, column) for r in self.repairs for column in (*r.where, *r.set)}
        marks = (m for feed in self.feeds for column in feed.columns for m in column.marks)
        repaired |= self.zeit.named_columns
        return repaired | {(mark.when.feed, mark.when.column) for mark in marks if mark.when}

    @property
    def kommune_ids(self) -> tuple[str, ...]:
        """The municipalities; none where the region knows them from their geometry alone."""
        return tuple(kommune.kommune_id for kommune in self.kommunen)

    @property
    def themen(self) -> tuple[str, ...]:
        """The themes that figures are delivered of: all but geometry and addresses."""
        return tuple(sorted({feed.thema for feed in self.feeds} - {"raum"}))

    def feed(self, name: str) -> Feed:
        """Return a feed by name."""
        return next(feed for feed in self.feeds if feed.feed == name)

    def area_feed(self, ebene: str, gebietsstand: str | None) -> Feed | None:
        """Return the feed that brings the areas of a level, if one does."""
        return next(
            (
                feed
                for feed in self.feeds
                if feed.spatial.kind == "flaeche"
                and feed.spatial.ebene == ebene
                and feed.spatial.gebietsstand in (gebietsstand, None)
            ),
            None,
        )

    def gebietsstand_at(self, stichtag: date) -> str | None:
        """Return the version of the boundaries that is valid on a day, if one is."""
        return next(
            (
                stand.gebietsstand
                for stand in self.gebietsstaende
                if (stand.gueltig_ab or date.min) <= stichtag <= (stand.gueltig_bis or date.max)
            ),
            None,
        )

    def gebietsstand_of(self, feed: Feed, stichtag: date) -> str | None:
        """Return the version of the boundaries that a delivery of a feed speaks of."""
        return feed.spatial.gebietsstand or self.gebietsstand_at(stichtag)

    def liefereinheit_of(self, feed: Feed, file_name: str) -> str | None:
        """Return who delivers a file of a feed: the only one who does, or the one it names.

        None if the name is that of nobody who delivers the feed.
        """
        if len(feed.liefereinheiten) == 1:
            return feed.liefereinheiten[0]
        told = feed.liefereinheit_named(file_name)
        return self._liefereinheit_names(feed).get((told or "").casefold())

    def _liefereinheit_names(self, feed: Feed) -> dict[str, str]:
        """How the Liefereinheiten of a feed may be called: id, aliases, or their one Kommune."""
        names = {}
        kommunen = {kommune.kommune_id: kommune for kommune in self.kommunen}
        for key in feed.liefereinheiten:
            if key == KREIS:
                continue
            unit = self.liefereinheiten[key]
            called = [key, *unit.aliases]
            if len(unit.kommunen) == 1 and unit.kommunen[0] in kommunen:
                kommune = kommunen[unit.kommunen[0]]
                called += [kommune.kommune_id, kommune.name, *kommune.aliases]
            names |= {name.casefold(): key for name in called}
        return names

    def kommunen_of(self, liefereinheit: str) -> tuple[str, ...]:
        """Return the municipalities that a Liefereinheit delivers for; none: the whole county."""
        return () if liefereinheit == KREIS else self.liefereinheiten[liefereinheit].kommunen

    def agreement_for(self, feed: Feed, liefereinheit: str, stichtag: date) -> Agreement | None:
        """Return the agreement under which a delivery may be taken, if there is one."""
        return next(
            (a for a in self.agreements if a.covers(feed.feed, liefereinheit, stichtag)), None
        )

    def small_area_themen(self, kommune_id: str | None) -> frozenset[str]:
        """Return the themes of which agreements allow to publish a municipality's Sozialräume.

        None stands for the region where it lists no municipalities.
        """
        return frozenset(
            feed.thema
            for feed in self.feeds
            for unit in feed.liefereinheiten
            if self._delivers_for(unit, kommune_id)
            and allow_small_areas(self.agreements, feed.feed, unit)
        )

    def _delivers_for(self, liefereinheit: str, kommune_id: str | None) -> bool:
        served = self.kommunen_of(liefereinheit)
        return not served or kommune_id is None or kommune_id in served

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
    for key, file in DECLARED.items():
        if path.with_name(file).exists():
            declared[key] = yaml.safe_load(path.with_name(file).read_text(encoding="utf-8"))
    shared = declared.pop("gemeinsame_feeds", {})
    feeds = [read_feed(feed) for feed in sorted(path.parent.glob("feeds/*.yaml"))]
    for family, adapted in shared.items():
        feeds += [
            read_feed(folder / family / "feeds" / f"{feed}.yaml", changes)
            for feed, changes in sorted(adapted.items())
        ]
    try:
        return Region.model_validate({**declared, "feeds": feeds})
    except ValueError as error:
        raise ValueError(f"region {name}: {error}") from error


def rule_tables(region: Region) -> dict[str, list[dict]]:
    """Return what the region declares as plain rows, for the models to join.

    Grains: `rule_level` a level; `rule_gebietsstand` a Gebietsstand; `rule_feed` a feed;
    `rule_kommune` a municipality; `rule_liefereinheit` feed × Liefereinheit × municipality (NULL:
    all of the county); `rule_agreement` agreement × feed × Liefereinheit;
    `rule_uninhabited` an area; `rule_reconciliation` level × merkmal;
    `rule_klassengrenze` indicator × class of its map; `rule_stellungnahme` a statement;
    `rule_difference` a delivered change; `rule_bruch` a break; `rule_reihe` the region;
    and those of `calculations.calculation_rows`.
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
                "ebene": f.ebene,
                "buchungsschluss_tage": f.buchungsschluss_tage,
            }
            for f in region.feeds
        ],
        "rule_kommune": [
            {"kommune_id": k.kommune_id, "name": k.name, "teilnahme": k.teilnahme}
            for k in region.kommunen
        ],
        "rule_liefereinheit": [
            {"feed": f.feed, "liefereinheit": unit, "kommune_id": kommune_id}
            for f in region.feeds
            for unit in f.liefereinheiten
            for kommune_id in region.kommunen_of(unit) or (None,)
        ],
        "rule_agreement": [
            {
                "feed": f.feed,
                "liefereinheit": unit,
                "kleinraeumig": a.kleinraeumig,
                "gueltig_ab": a.gueltig_ab,
                "gueltig_bis": a.gueltig_bis,
            }
            for a in region.agreements
            for f in region.feeds
            if f.feed in a.feeds
            for unit in f.liefereinheiten
            if not a.liefereinheiten or unit in a.liefereinheiten
        ],
        "rule_uninhabited": [u.model_dump() for u in region.uninhabited],
        **timeline_rows(region.zeit),
        "rule_hinweis": note_rows(region.lesehilfe),
        "rule_abgleich": comparison_rows(region.abgleiche),
        "rule_klassengrenze": class_rows(region.klassen.indikatoren if region.klassen else ()),
        "rule_stellungnahme": [
            {"position": position, **one.model_dump(exclude={"zahlen_geprueft_von"})}
            for position, one in enumerate(region.stellungnahmen, start=1)
        ],
        "rule_difference": [d.model_dump() for d in region.differences],
        "rule_reconciliation": [r.model_dump() for r in region.reconciliation],
        **calculation_rows(
            region.zufallsschwankung, region.vergleiche, region.indices, region.schwellen
        ),
    }
