"""What a region declares to compute from indicators: chance, peers, indices, thresholds.

Here belong the declarations and their rows for the models. Not here: the arithmetic, which is
`dbt_project/macros/`, and the indicators themselves.
"""

from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from statistics import NormalDist
from typing import Annotated, Literal

from pydantic import Field, model_validator

from sources.layouts import Strict

Key = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
"""A name that becomes a key in tables and a part of column names."""


MOST_CLASSES = 5
"""So many classes may rest on counts that are withheld, a coarse scale."""


class Part(Strict):
    """An indicator in something that is put together of several.

    `ausrichtung`: which of its Stichtage stands for that of the whole, if they differ: the nearest,
    or the last one until then.
    """

    indikator_id: str
    ausrichtung: Literal["naechster", "letzter"] = "naechster"


class IndexPart(Part):
    """An indicator in an index, with its weight. Its polarity says what is a burden."""

    gewicht: float = Field(default=1.0, gt=0)


class Domain(Strict):
    """Indicators that count as one in an index, with their common weight."""

    domaene: str
    gewicht: float = Field(default=1.0, gt=0)
    bestandteile: tuple[IndexPart, ...] = Field(min_length=1)


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
    """An index as declared data. High is a burden; the arithmetic is dbt_project/macros/index.sql.

    Attributes:
        standardisierung: `z_population`: weighted sum of z-values, standardised again.
            `exponential`: areas ranked in each domain, ranks transformed exponentially, weighted
            sum, as in the English Index of Multiple Deprivation.
        bestandteile: its indicators, each a domain of its own.
        domaenen: groups of indicators, instead of `bestandteile`. Weights count as declared,
            whatever they sum to.
        referenz_stichtag: whose areas are the measure for all Stichtage, so that a change of all
            of them is told; None: each Stichtag is measured on its own.
        leitindikator: whose Stichtage the index has; None: those of all its parts.
        hoechstabstand_tage: how far the Stichtag of a part may be from that of the index.
        fehlwerte: `ausschluss`: an area takes part if no part is missing. `mittel`: up to
            `hoechstens_fehlend` missing parts count as the mean of the areas.
        klassen: its classes by limits of the index's value; or instead
        quantile: as many classes of equally many areas each, `1` the most burdened.
        ausschluss: areas that take no part.
        klasse_aus: `alle` is a declared exception: the class, and it alone, rests on all counts
            and delivered figures, those too that are withheld, and is published only where the
            audit finds that no withheld count can be told from it.
        spielraum: how far off, to each side, a withheld delivered figure has to be possible for
            all that the classes say, in its own unit; 0 where no part is delivered without counts.
    """

    index_id: Key
    name: str
    quelle: str
    standardisierung: Literal["z_population", "exponential"]
    bestandteile: tuple[IndexPart, ...] = ()
    domaenen: tuple[Domain, ...] = ()
    referenz_stichtag: date | None = None
    leitindikator: str | None = None
    hoechstabstand_tage: int = Field(default=0, ge=0)
    fehlwerte: Literal["ausschluss", "mittel"] = "ausschluss"
    hoechstens_fehlend: int = Field(default=0, ge=0)
    klassen: tuple[IndexClass, ...] = ()
    quantile: int | None = Field(default=None, ge=2)
    ausschluss: tuple[str, ...] = ()
    klasse_aus: Literal["veroeffentlicht", "alle"] = "veroeffentlicht"
    spielraum: float = Field(default=0.0, ge=0)

    @property
    def domains(self) -> tuple[Domain, ...]:
        """Its domains: those declared, or one for each indicator."""
        return self.domaenen or tuple(
            Domain(
                domaene=part.indikator_id,
                gewicht=part.gewicht,
                bestandteile=(part.model_copy(update={"gewicht": 1.0}),),
            )
            for part in self.bestandteile
        )

    @property
    def indicators(self) -> tuple[str, ...]:
        """All indicators that it names."""
        named = [part.indikator_id for domain in self.domains for part in domain.bestandteile]
        return (*named, *([self.leitindikator] if self.leitindikator else []))

    @property
    def classes(self) -> tuple[IndexClass, ...]:
        """Its classes: those declared, or quantiles by the share of areas above."""
        if self.quantile is None:
            return self.klassen
        limits = [None, *(i / self.quantile for i in range(1, self.quantile)), None]
        return tuple(
            IndexClass(klasse=str(i), ueber=ueber, bis=bis)
            for i, (ueber, bis) in enumerate(pairwise(limits), start=1)
        )

    @model_validator(mode="after")
    def _is_whole(self) -> "Index":
        if bool(self.bestandteile) == bool(self.domaenen):
            raise ValueError(f"index {self.index_id}: declare either bestandteile or domaenen")
        if bool(self.klassen) == bool(self.quantile):
            raise ValueError(f"index {self.index_id}: declare either klassen or quantile")
        parts = [p.indikator_id for domain in self.domains for p in domain.bestandteile]
        names = [domain.domaene for domain in self.domains]
        if len(set(parts)) < len(parts) or len(set(names)) < len(names):
            raise ValueError(f"index {self.index_id}: an indicator or a domain stands twice")
        if (self.fehlwerte == "mittel") != (0 < self.hoechstens_fehlend < len(parts)):
            raise ValueError(
                f"index {self.index_id}: with fehlwerte mittel, and only then, hoechstens_fehlend "
                f"is from 1 to {len(parts) - 1}: how many of the {len(parts)} parts may be missing"
            )
        if self.klasse_aus == "alle" and len(self.classes) > MOST_CLASSES:
            raise ValueError(
                f"index {self.index_id}: found {len(self.classes)} classes; with klasse_aus: alle "
                f"at most {MOST_CLASSES} classes, since finer ones tell counts"
            )
        self._classes_meet()
        return self

    def _classes_meet(self) -> None:
        """Each value has one class: the limits rise, and one of two neighbours holds each."""
        first, last = self.classes[0], self.classes[-1]
        if first.ueber is not None or last.bis is not None:
            raise ValueError(
                f"index {self.index_id}: the first class is open below (no ueber), the last one "
                "above (no bis); name them from the lowest to the highest"
            )
        for below, above in pairwise(self.classes):
            once = below.bis_einschliesslich != above.ueber_einschliesslich
            if below.bis is None or below.bis != above.ueber or not once:
                raise ValueError(
                    f"index {self.index_id}: between the classes {below.klasse} (bis {below.bis}) "
                    f"and {above.klasse} (ueber {above.ueber}) there is a gap or an overlap; the "
                    "limit is the same, and one of the two includes it"
                )


class Threshold(Part):
    """A threshold, exceeded by what is worse than it; what is worse the polarity says.

    `art` says what `wert` is: `abweichung_prozent`, so many per cent worse than the comparison;
    `abweichung_punkte`, so much worse in the indicator's own unit; `absolut`, a value of the
    indicator, whatever the comparison is.
    """

    art: Literal["abweichung_prozent", "abweichung_punkte", "absolut"]
    wert: float


class ThresholdSet(Strict):
    """Thresholds that together tell where problems pile up.

    Attributes:
        gegen: what an area is compared with: the county or its own municipality.
        mindestzahl: from how many exceeded thresholds on there is increased need for action.
        leitindikator, hoechstabstand_tage: as for an index.
    """

    schwellen_id: Key
    name: str
    gegen: Literal["kreis", "kommune"]
    mindestzahl: int = Field(gt=0)
    leitindikator: str | None = None
    hoechstabstand_tage: int = Field(default=0, ge=0)
    regeln: tuple[Threshold, ...] = Field(min_length=1)
    beschlossen_am: date
    beschlossen_von: str

    @property
    def indicators(self) -> tuple[str, ...]:
        """All indicators that it names."""
        named = [rule.indikator_id for rule in self.regeln]
        return (*named, *([self.leitindikator] if self.leitindikator else []))

    @model_validator(mode="after")
    def _can_be_reached(self) -> "ThresholdSet":
        named = [rule.indikator_id for rule in self.regeln]
        if len(set(named)) < len(named):
            raise ValueError(f"schwellen {self.schwellen_id}: an indicator stands twice")
        if self.mindestzahl > len(named):
            raise ValueError(f"schwellen {self.schwellen_id}: mindestzahl exceeds the rules")
        return self


class Chance(Strict):
    """When a value differs by more than chance, and when its interval says too little.

    Attributes:
        sicherheit: share of cases in which the interval holds the value that chance varies.
        hoechstbreite: how wide the interval may be, as a share of the county's value, for a value
            to say something. 1 is a relative standard error of about 25 %, from where statistics
            offices ask for caution.
    """

    sicherheit: float = Field(default=0.95, gt=0, lt=1)
    hoechstbreite: float = Field(default=1.0, gt=0)

    @property
    def z(self) -> float:
        """The two-sided quantile of the standard normal distribution."""
        return NormalDist().inv_cdf((1 + self.sicherheit) / 2)


class PeerFeature(Strict):
    """A structural indicator by which areas are compared, with its weight."""

    indikator_id: str
    gewicht: float = Field(default=1.0, gt=0)


class Peers(Strict):
    """Which areas are alike, as declared data: the `anzahl` nearest ones of other municipalities.

    Nearness is the Euclidean distance over the standardised `merkmale`, each with its weight.
    """

    vergleich_id: Key
    name: str
    anzahl: int = Field(default=5, gt=0)
    merkmale: tuple[PeerFeature, ...] = Field(min_length=1)
    beschlossen_am: date
    beschlossen_von: str

    @property
    def indicators(self) -> tuple[str, ...]:
        """All indicators that it names."""
        return tuple(feature.indikator_id for feature in self.merkmale)

    @model_validator(mode="after")
    def _names_each_once(self) -> "Peers":
        named = [feature.indikator_id for feature in self.merkmale]
        if len(set(named)) < len(named):
            raise ValueError(f"vergleich {self.vergleich_id}: an indicator stands twice")
        return self


def calculation_rows(
    chance: Chance,
    peers: Sequence[Peers],
    indices: Sequence[Index],
    threshold_sets: Sequence[ThresholdSet],
) -> dict[str, list[dict]]:
    """Return the declarations as plain rows, for the models to join.

    Grains: `rule_chance` the county; `rule_peers` a definition of likeness;
    `rule_peer_feature` definition × indicator;
    `rule_index` an index; `rule_index_part` index × indicator; `rule_index_class`
    index × class; `rule_index_exclusion` index × area; `rule_schwellen` a set of thresholds;
    `rule_schwelle` set × indicator.
    """
    return {
        "rule_chance": [
            {
                "z": chance.z,
                "hoechstbreite": chance.hoechstbreite,
            }
        ],
        "rule_peers": [{"vergleich_id": p.vergleich_id, "anzahl": p.anzahl} for p in peers],
        "rule_peer_feature": [
            {"vergleich_id": p.vergleich_id, **feature.model_dump()}
            for p in peers
            for feature in p.merkmale
        ],
        "rule_index": [
            {
                "index_id": i.index_id,
                "name": i.name,
                "quelle": i.quelle,
                "standardisierung": i.standardisierung,
                "referenz_stichtag": i.referenz_stichtag,
                "leitindikator": i.leitindikator,
                "hoechstabstand_tage": i.hoechstabstand_tage,
                "hoechstens_fehlend": i.hoechstens_fehlend,
                "klassen_nach": "anteil" if i.quantile else "index_wert",
                "klasse_aus_allen": i.klasse_aus == "alle",
                "spielraum": i.spielraum,
            }
            for i in indices
        ],
        "rule_index_part": [
            {
                "index_id": i.index_id,
                "domaene": domain.domaene,
                "domaene_gewicht": domain.gewicht,
                **part.model_dump(),
            }
            for i in indices
            for domain in i.domains
            for part in domain.bestandteile
        ],
        "rule_index_class": [
            {"index_id": i.index_id, **klasse.model_dump()} for i in indices for klasse in i.classes
        ],
        "rule_schwellen": [
            threshold_set.model_dump(exclude={"regeln"}) for threshold_set in threshold_sets
        ],
        "rule_schwelle": [
            {"schwellen_id": threshold_set.schwellen_id, "position": position, **rule.model_dump()}
            for threshold_set in threshold_sets
            for position, rule in enumerate(threshold_set.regeln, start=1)
        ],
        "rule_index_exclusion": [
            {"index_id": i.index_id, "raum_id": raum_id}
            for i in indices
            for raum_id in i.ausschluss
        ],
    }
