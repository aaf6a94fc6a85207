"""The region's `privacy.yaml`: the one authority on thresholds that protect people."""

import hashlib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, model_validator


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Threshold(_Strict):
    """The rules of one theme.

    Attributes:
        max_sensitive: counts from 1 to this are withheld; 0 withholds none.
        min_nenner: no rate on a smaller published denominator (`zu_klein`).
        min_einwohner: no rate for an area with fewer published inhabitants (`zu_klein`).
        summen: Merkmale of the theme that add up something over all inhabitants of an area and are
            no counts: they are withheld where the number of inhabitants is.
        reason: why these numbers.
    """

    thema: str
    max_sensitive: int = Field(ge=0)
    min_nenner: int = Field(ge=0)
    min_einwohner: int = Field(ge=0)
    summen: tuple[str, ...] = ()
    reason: str

    @model_validator(mode="after")
    def _leaves_a_doubt(self) -> "Threshold":
        if self.max_sensitive == 1:
            raise ValueError(
                f"theme {self.thema}: max_sensitive 1 withholds nothing, for a withheld count "
                "could only be 1; take 0 or at least 2"
            )
        return self

    @property
    def min_zaehler(self) -> int:
        """The smallest count above zero that is published."""
        return self.max_sensitive + 1


class Policy(_Strict):
    """All thresholds of a region, and who decided them."""

    decided_by: str
    decided_on: str
    thresholds: tuple[Threshold, ...]

    @model_validator(mode="after")
    def _one_for_each_theme(self) -> "Policy":
        themes = [threshold.thema for threshold in self.thresholds]
        if twice := sorted({thema for thema in themes if themes.count(thema) > 1}):
            raise ValueError(f"thresholds stand twice for the themes {twice}")
        return self

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
