"""What the simulator needs to know of a county, read from `profiles/<region>.yaml`.

Everything particular to a county is here and in its profile; the other modules know none.
"""

from datetime import date
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from sources.layouts import Strict

PROFILES = Path(__file__).parent / "profiles"

Ort = Literal["unterkunft", "pflegeheim", "wohnheim"]
"""Special places: refugee accommodation, care home, student hall."""


class Gemeinde(Strict):
    """A municipality. `einwohner`: Fortschreibung at the last Stichtag; `zentrum` in km, `plz` its
    postcodes; `sozialraeume`: how many it has at the newest Gebietsstand.
    """

    kommune_id: str = Field(pattern=r"^\d{8}$")
    name: str
    einwohner: int = Field(gt=0)
    km2: float = Field(gt=0)
    zentrum: tuple[float, float]
    sozialraeume: int = Field(gt=0)
    plz: tuple[str, ...] = Field(min_length=1)


class Stand(Strict):
    """A Gebietsstand and for how long it holds."""

    gebietsstand: str
    gueltig_ab: date
    gueltig_bis: date | None = None


class Umbau(Strict):
    """How the areas of one municipality change from the first Gebietsstand to the second: each of
    `teilungen` is the number of areas that one old area becomes, each of `verschmelzungen` the
    number of old areas that become one.
    """

    kommune_id: str
    teilungen: tuple[int, ...] = ()
    verschmelzungen: tuple[int, ...] = ()


class Bezirke(Strict):
    """A municipality's own system of districts, not nested in the Sozialräume."""

    system: str
    kommune_id: str
    anzahl: int = Field(gt=0)


class BesondererOrt(Strict):
    """A special place with its number of beds."""

    kommune_id: str
    art: Ort
    plaetze: int = Field(gt=0)


class Herkunft(Strict):
    """Where people come from and go to: municipalities elsewhere (AGS), and states."""

    gemeinden: tuple[str, ...] = Field(min_length=1)
    staaten: tuple[str, ...] = Field(min_length=1)


class Profile(Strict):
    """A county as the simulator knows it."""

    region: str
    kreis_id: str
    statistikstelle: bool
    seed: int
    kommunen: tuple[Gemeinde, ...]
    gebietsstaende: tuple[Stand, ...] = Field(min_length=1, max_length=2)
    umbau: Umbau | None = None
    bezirke: Bezirke | None = None
    orte: tuple[BesondererOrt, ...] = ()
    herkunft: Herkunft

    @model_validator(mode="after")
    def _agrees(self) -> "Profile":
        known = {kommune.kommune_id for kommune in self.kommunen}
        parts = (self.umbau, self.bezirke, *self.orte)
        if strangers := {part.kommune_id for part in parts if part} - known:
            raise ValueError(
                f"profile {self.region}: no such kommune: {sorted(strangers)}; "
                "name one of those under `kommunen`"
            )
        if (self.umbau is not None) != (len(self.gebietsstaende) > 1):
            raise ValueError(
                f"profile {self.region}: `umbau` and a second Gebietsstand go together; "
                "declare both or neither"
            )
        return self

    def gebietsstand_am(self, stichtag: date) -> str:
        """Return the Gebietsstand that is valid at a day.

        Raises:
            ValueError: none is.
        """
        for stand in self.gebietsstaende:
            if stand.gueltig_ab <= stichtag <= (stand.gueltig_bis or date.max):
                return stand.gebietsstand
        raise ValueError(
            f"profile {self.region}: no Gebietsstand is valid at {stichtag}; declare one"
        )


def read_profile(region: str, folder: Path = PROFILES) -> Profile:
    """Read a county's profile.

    Raises:
        ValueError: there is none for the region, or it is not well formed.
    """
    import yaml

    path = folder / f"{region}.yaml"
    if not path.exists():
        known = sorted(file.stem for file in folder.glob("*.yaml"))
        raise ValueError(f"region {region!r} has no profile; known are {known}: write {path.name}")
    return Profile.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
