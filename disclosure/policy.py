"""The region's `privacy.yaml`: the one authority on thresholds that protect people."""

import hashlib
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

if TYPE_CHECKING:
    from disclosure.release import Measure, Release


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Threshold(_Strict):
    """The rules of one theme.

    Attributes:
        max_sensitive: counts from 1 to this are withheld; 0 withholds none.
        max_sensitive_klein: the same in small areas, where it may be stricter.
        min_nenner: no rate on a smaller published denominator (`zu_klein`).
        min_einwohner: no rate for an area with fewer published inhabitants (`zu_klein`).
        summen: Merkmale of the theme that add up something over all inhabitants of an area and are
            no counts: they are withheld where the number of inhabitants is.
        reason: why these numbers.
    """

    thema: str
    max_sensitive: int = Field(ge=0)
    max_sensitive_klein: int = Field(default=0, ge=0)
    min_nenner: int = Field(ge=0)
    min_einwohner: int = Field(ge=0)
    summen: tuple[str, ...] = ()
    reason: str

    @model_validator(mode="after")
    def _leaves_a_doubt(self) -> "Threshold":
        if 1 in (self.max_sensitive, self.in_small_areas):
            raise ValueError(
                f"theme {self.thema}: max_sensitive 1 withholds nothing, for a withheld count "
                "could only be 1; take 0 or at least 2, and so for max_sensitive_klein"
            )
        return self

    @property
    def min_zaehler(self) -> int:
        """The smallest count above zero that is published at all."""
        return self.max_sensitive + 1

    @property
    def min_zaehler_sozialraum(self) -> int:
        """The smallest count above zero that is published of a Sozialraum."""
        return self.in_small_areas + 1

    @property
    def in_small_areas(self) -> int:
        """Up to which count it is withheld in small areas."""
        return max(self.max_sensitive, self.max_sensitive_klein)


class Sums(_Strict):
    """Which figures the levels above the Sozialraum have.

    Attributes:
        art: `vollstaendig`: sums over all parts, withheld ones too, protected together with them;
            `veroeffentlichte_teile`: only sums of what is published of the parts.
        reason: why.
    """

    art: Literal["vollstaendig", "veroeffentlichte_teile"]
    reason: str


class Lockerung(_Strict):
    """The decision to loosen one rule against the last edition.

    Attributes:
        regel: the rule by its place, such as `thresholds.arbeit.max_sensitive` or `attackers.A2`.
        von: what it was.
        auf: what it is to be; empty if it is gone.
    """

    regel: str
    von: int | float | str | bool | None
    auf: int | float | str | bool | None
    grund: str = Field(min_length=1)
    beschlossen_von: str = Field(min_length=1)
    beschlossen_am: date


class Komplement(_Strict):
    """How few may be left of a group that are not counted.

    Attributes:
        bis: if from 1 to this many of a whole are not in its part, their number must not be told.
        themen: themes whose measures the rule holds for.
        ausser: measures of these themes that say nothing sensitive of those who are not counted.
        reason: why this number, and why not these measures.
    """

    bis: int = Field(ge=1)
    themen: tuple[str, ...]
    ausser: tuple[str, ...] = ()
    reason: str


class Homogenitaet(_Strict):
    """When a group is so alike that its number tells of each of its members.

    Attributes:
        ab: a count is sensitive where all of its whole are in it, and they are at least so many.
        themen: themes whose measures are sensitive attributes.
        ausser: measures of these themes that are none.
        reason: why this number, and why not these measures.
    """

    ab: int = Field(ge=1)
    themen: tuple[str, ...]
    ausser: tuple[str, ...] = ()
    reason: str


class Kombination(_Strict):
    """How many small counts may meet in one small area.

    Attributes:
        hoechstens: if more sensitive counts from 1 to `bis` meet, none of the sensitive counts of
            the area is published.
        bis: up to which number a count is small.
        themen: themes whose measures are sensitive.
        ausser: measures of these themes that are not, or that count no persons.
        reason: why these numbers, and why not these measures.
    """

    hoechstens: int = Field(ge=0)
    bis: int = Field(ge=1)
    themen: tuple[str, ...]
    ausser: tuple[str, ...] = ()
    reason: str


class NieUnterhalb(_Strict):
    """Measures that never leave in small areas: special attributes.

    Attributes:
        merkmale: the measures.
        ebene: how many steps below `Total` the finest level stands that may leave; 0: only `Total`.
        reason: why.
    """

    merkmale: tuple[str, ...] = Field(min_length=1)
    ebene: int = Field(ge=0)
    reason: str


class Raum(_Strict):
    """The dimension of areas in a release.

    Attributes:
        dimension: its name.
        kommunen: how many steps below `Total` the municipalities stand, that each know their own
            cases (M).
    """

    dimension: str = "raum"
    kommunen: int = Field(default=1, ge=1)


class Policy(_Strict):
    """All thresholds of a region, and who decided them.

    Attributes:
        lockerungen: decisions to loosen a rule against the last edition.
        attackers: whom a release has to stop. A0 and A1 always; A2 are insiders (the one person
            behind a count of 1), A3 who keeps earlier editions, M a municipality alone.
        raum: which dimension of a release is that of areas.
        komplement: what the difference between a whole and its part gives away.
        homogenitaet: what it gives away that all of a whole are in its part.
        kombination: where small counts of several measures meet.
        nie_unterhalb: measures that never leave in small areas, each once.
    """

    decided_by: str
    decided_on: str
    lockerungen: tuple[Lockerung, ...] = ()
    thresholds: tuple[Threshold, ...]
    summen: Sums | None = None
    komplement: Komplement | None = None
    homogenitaet: Homogenitaet | None = None
    kombination: Kombination | None = None
    attackers: tuple[Literal["A0", "A1", "A2", "A3", "M"], ...] = ("A0", "A1")
    raum: Raum = Raum()
    nie_unterhalb: tuple[NieUnterhalb, ...] = ()

    @model_validator(mode="after")
    def _attackers_can_be_played(self) -> "Policy":
        if missing := {"A0", "A1"} - set(self.attackers):
            raise ValueError(f"attackers: {sorted(missing)} are missing; they are always stopped")
        if "M" in self.attackers and not self.whole_sums:
            raise ValueError(
                "attackers: M subtracts its own cases from sums over all parts, and `summen` has "
                "none; leave M out"
            )
        return self

    @model_validator(mode="after")
    def _one_for_each_theme(self) -> "Policy":
        themes = [threshold.thema for threshold in self.thresholds]
        if twice := sorted({thema for thema in themes if themes.count(thema) > 1}):
            raise ValueError(f"thresholds stand twice for the themes {twice}")
        return self

    @model_validator(mode="after")
    def _themes_are_known(self) -> "Policy":
        known = {threshold.thema for threshold in self.thresholds}
        for name in ("komplement", "homogenitaet", "kombination"):
            rule = getattr(self, name)
            if rule and (strange := sorted(set(rule.themen) - known)):
                raise ValueError(f"{name}: no thresholds for the themes {strange}")
        return self

    @model_validator(mode="after")
    def _never_below_stands_once(self) -> "Policy":
        never = [name for rule in self.nie_unterhalb for name in rule.merkmale]
        if twice := sorted({name for name in never if never.count(name) > 1}):
            raise ValueError(f"nie_unterhalb: stand twice: {twice}; one level holds for each")
        return self

    @model_validator(mode="after")
    def _rules_are_about_counts(self) -> "Policy":
        sums = {name for threshold in self.thresholds for name in threshold.summen}
        for place, names in self.named.items():
            if void := sorted(sums & set(names)):
                raise ValueError(
                    f"{place}: {void} stand in `summen`, are in no release and no rule holds for "
                    "them; name them in one of the two places only"
                )
        return self

    @property
    def named(self) -> dict[str, tuple[str, ...]]:
        """Which measures the rules name, by place in privacy.yaml; `summen` is not among them."""
        places = {
            f"{name}.ausser": rule.ausser
            for name in ("komplement", "homogenitaet", "kombination")
            for rule in [getattr(self, name)]
            if rule
        }
        never = tuple(name for rule in self.nie_unterhalb for name in rule.merkmale)
        return {**places, "nie_unterhalb": never}

    @property
    def whole_sums(self) -> bool:
        """Whether the levels above the Sozialraum have sums over all parts."""
        return self.summen is None or self.summen.art == "vollstaendig"

    def of(self, thema: str) -> Threshold:
        """Return the rules of a theme.

        Raises:
            ValueError: the policy says nothing about the theme; nothing of it may be published.
        """
        for threshold in self.thresholds:
            if threshold.thema == thema:
                return threshold
        raise ValueError(
            f"privacy.yaml: no thresholds for theme {thema!r}; decided are "
            f"{[t.thema for t in self.thresholds]}: add the theme before it is published"
        )

    @property
    def version(self) -> str:
        """A short hash of the whole policy."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:12]


def read_policy(path: Path) -> Policy:
    """Read a privacy.yaml.

    Raises:
        ValueError: a key is unknown or missing, or a theme stands twice; the message names it.
    """
    import yaml

    try:
        return Policy.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (ValueError, yaml.YAMLError) as error:
        raise ValueError(f"{path.parent.name}/{path.name}: {error}") from error


def with_thresholds(release: "Release", policy: Policy) -> "Release":
    """Return the release with the thresholds of its measures' themes, where they are stricter.

    Raises:
        ValueError: the policy says nothing about a theme.
    """

    def strict(measure: "Measure") -> "Measure":
        if not measure.thema:
            return measure
        rules = policy.of(measure.thema)
        return replace(
            measure,
            max_sensitive=max(measure.max_sensitive, rules.max_sensitive),
            max_small=max(measure.max_small, rules.in_small_areas),
        )

    return replace(release, measures=tuple(strict(one) for one in release.measures))
