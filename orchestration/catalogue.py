"""The catalogue of indicators: the agreed entry beside each indicator's SQL, as checked data.

Here belongs what an entry has to say. Not here: the minimum numbers, which are the region's
`privacy.yaml`, and the SQL that names the counts.
"""

from collections.abc import Mapping
from datetime import date
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError, model_validator

from sources.layouts import Strict
from sources.region import Region

COUNTED = ("anteil", "verhaeltnis")
"""Kinds of indicators that have a denominator."""

SETS = (
    "sozialbericht",
    "bildungsmonitoring",
    "inklusionsplan",
    "pflegeplanung",
    "jugendhilfeplanung",
    "mss",
)
"""Reports and plans that an indicator may belong to."""


class Earlier(Strict):
    """A version of the definition that no longer holds.

    `bis`: the day until which it was agreed. `text`: what was different, and whether older values
    are computed anew or the series is broken.
    """

    version: int = Field(gt=0)
    bis: date
    text: str = Field(min_length=1)


class Entry(Strict):
    """What is agreed on about one indicator. Texts are German: they are published.

    Attributes:
        version: of the definition; raised when what is counted changes.
        name: as in tables and legends.
        thema: decides the thresholds of `privacy.yaml`.
        art: anteil (a part of the denominator), verhaeltnis (numerator and denominator count
            different things), anzahl, saldo, median, veraenderung, klasse.
        definition: a sentence that a councillor understands.
        faktor: wert = zaehler / nenner × faktor.
        polaritaet: -1 high is a burden, 0 neither, 1 high is good.
        ereignisse: the numerator counts events or cases, of which each has its own chance: a
            `verhaeltnis` that gets an interval of chance variation.
        differenz: the numerator is a difference of published counts: it may be small or below zero,
            and has no smallest number of its own.
        feeds: those of which one brings the numerator; none: nobody delivers it yet.
        nenner_stichtag: which Stichtag of the denominator counts, see the macro `indikator`.
        hoechstabstand_tage: how far the two may be apart.
        stichtag_regel: the same in words.
        sensitivitaet: what the numerator's single case is.
        gueltig_ab, gueltig_bis: Stichtage for which the definition holds.
        nicht_vergleichbar_mit: indicators that look alike and are defined differently.
        geltungsbereich: `kreis`, or the key of the one municipality whose own topic it is.
        mengen: reports and plans that it belongs to.
        katalog: catalogues whose regions have it, whether somebody delivers it or not.
        versionen: earlier versions.
    """

    version: int = Field(gt=0)
    name: str = Field(min_length=1)
    thema: str
    art: Literal["anteil", "verhaeltnis", "anzahl", "saldo", "median", "veraenderung", "klasse"]
    definition: str = Field(pattern=r"(?s)^\S.*\S[.]$")
    zaehler_definition: str = Field(min_length=1)
    nenner_definition: str | None = None
    einheit: str = Field(min_length=1)
    faktor: float
    polaritaet: Literal[-1, 0, 1]
    ereignisse: bool = False
    differenz: bool = False
    quelle: str = Field(min_length=1)
    feeds: tuple[str, ...]
    nenner_stichtag: Literal["gleich", "letzter", "naechster"] = "gleich"
    hoechstabstand_tage: int = Field(default=0, ge=0)
    stichtag_regel: str = Field(min_length=1)
    sensitivitaet: Literal["oeffentlich", "statistik", "sozialdaten", "gesundheitsdaten"]
    gueltig_ab: date
    gueltig_bis: date | None
    nicht_vergleichbar_mit: tuple[str, ...]
    geltungsbereich: str = Field(pattern=r"^(kreis|\d{8})$")
    mengen: tuple[Literal[SETS], ...]
    katalog: tuple[str, ...]
    versionen: tuple[Earlier, ...] = ()
    beschlossen_am: date
    beschlossen_von: str = Field(min_length=1)

    @model_validator(mode="after")
    def _agrees(self) -> "Entry":
        if (self.art in COUNTED) != (self.nenner_definition is not None):
            raise ValueError(f"{self.art}: nenner_definition stands at {COUNTED}, and only there")
        if self.ereignisse and self.art != "verhaeltnis":
            raise ValueError(f"{self.art}: ereignisse is for art verhaeltnis")
        if not self.feeds and not self.katalog:
            raise ValueError("without a feed and without a catalogue no region has it")
        if {earlier.version for earlier in self.versionen} != set(range(1, self.version)):
            raise ValueError(f"versionen tells every version before {self.version}, and no other")
        return self


@cache
def read_entries(dbt_project: Path) -> dict[str, Entry]:
    """Return the entry of every indicator of the dbt project, by indikator_id, in their order.

    Raises:
        ValueError: an entry is missing, or does not say what it has to.
    """
    files = sorted((dbt_project / "models" / "indicators").rglob("ind_*.sql"), key=lambda p: p.stem)
    return {path.stem.removeprefix("ind_"): _read_entry(path) for path in files}


def indicators_of(region: Region, entries: Mapping[str, Entry]) -> list[str]:
    """Return the indicators of a region, in the order of the entries.

    An indicator belongs to the region when one of the feeds that its entry names, any of which
    brings its numerator, is among those of the region, or when it is in the region's catalogue:
    then it is defined here, whether somebody delivers it or not.
    """
    feeds = {feed.feed for feed in region.feeds}
    return [
        indikator_id
        for indikator_id, entry in entries.items()
        if feeds.intersection(entry.feeds) or region.katalog in entry.katalog
    ]


def check_calculations(region: Region, entries: Mapping[str, Entry]) -> None:
    """Check that what a region declares to compute rests on indicators that it has.

    Raises:
        ValueError: an index, a set of thresholds or a definition of peers names an indicator that
            the region lacks, or one without a bad end where burdens are added up.
    """
    here = set(indicators_of(region, entries))
    declared = [
        *((f"indices.yaml, index {i.index_id}", i.indicators, True) for i in region.indices),
        *((f"schwellen.yaml, {t.schwellen_id}", t.indicators, True) for t in region.schwellen),
        *((f"vergleich.yaml, {p.vergleich_id}", p.indicators, False) for p in region.vergleiche),
    ]
    for where, indicators, needs_polarity in declared:
        for key in indicators:
            if key not in here:
                near = get_close_matches(key, here, n=3)
                raise ValueError(
                    f"{region.region}/{where}: the region has no indicator {key!r}"
                    + (f"; alike are {near}" if near else "")
                )
            if needs_polarity and not entries[key].polaritaet:
                raise ValueError(
                    f"{region.region}/{where}: {key} has polaritaet 0, so neither end is a burden; "
                    "choose another indicator"
                )


def _read_entry(sql: Path) -> Entry:
    import yaml

    path = sql.with_suffix(".yml")
    if not path.exists():
        raise ValueError(f"{sql.name}: no agreed entry; expected {path.name} beside it")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    content = yaml.load(path.read_text(encoding="utf-8"), loader)
    try:
        (model,) = content["models"]
        return Entry.model_validate(model["config"]["meta"]["indikator"])
    except (KeyError, TypeError) as error:
        raise ValueError(f"{path.name}: no entry `config: meta: indikator`") from error
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc'])) or 'entry'}: {fault['msg']}"
            for fault in error.errors()
        )
        raise ValueError(f"{path.name}: {faults}") from error
