"""Where a region's editions are sent: folders, SFTP servers, PostGIS databases; who hears of them.

Declared in `ziele.yaml` of the region's folder. Addresses and secrets stand in the environment
variable SOZIALRAUM_ZIEL_<verbindung>, never here. How they are written: `publication/targets`.
"""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from sources.layouts import Strict

FORM = Literal[
    "marts",
    "parquet",
    "geopackage",
    "geoparquet",
    "csv",
    "kommonitor",
    "profiles",
    "catalogue",
    "handbuch",
]
ANKUENDIGUNG = "ankuendigung"
"""The asset that sends the announcement stands beside those of the targets under this name."""

FACHLICH = ("marts", "parquet")
"""Forms that hold columns for experts in the administration."""


ADDRESS = r"^[^@\s<>,]+@[^@\s<>,]+$"


class Ziel(Strict):
    """One place that receives each edition.

    Attributes:
        ziel: its name, part of the asset's key.
        art: `ordner` (a folder, perhaps a mounted share), `sftp`, or `postgis`.
        verbindung: the variable SOZIALRAUM_ZIEL_<verbindung> holds a path, an sftp:// address or a
            postgresql:// address; without it the target is passed over, with a message.
        publikum: who reads there; `oeffentlich` receives no form for experts.
        formen: forms that a folder or server receives; of PostGIS none.
    """

    ziel: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    art: Literal["ordner", "sftp", "postgis"]
    verbindung: str = Field(pattern=r"^[A-Z][A-Z0-9_]*$")
    publikum: Literal["oeffentlich", "fachlich"] = "oeffentlich"
    formen: tuple[FORM, ...] = ()

    @model_validator(mode="after")
    def _fits(self) -> "Ziel":
        if (self.art == "postgis") == bool(self.formen):
            raise ValueError(
                f"ziel {self.ziel}: expected formen for a folder or a server, and none for "
                f"PostGIS, found {list(self.formen)} with {self.art}; mend ziele.yaml"
            )
        if twice := sorted({form for form in self.formen if self.formen.count(form) > 1}):
            raise ValueError(
                f"ziel {self.ziel}: expected each form once, found {', '.join(twice)} again"
            )
        if self.art == "postgis" and self.publikum != "fachlich":
            raise ValueError(
                f"ziel {self.ziel}: expected publikum: fachlich for PostGIS, found "
                f"{self.publikum}: the database holds columns for experts, too, and its roles "
                "tell who reads them"
            )
        expert = [form for form in self.formen if form in FACHLICH]
        if expert and self.publikum == "oeffentlich":
            raise ValueError(
                f"ziel {self.ziel}: expected forms for everyone, found {', '.join(expert)}, which "
                "hold columns for experts; leave them out, or set publikum: fachlich"
            )
        return self


class Ankuendigung(Strict):
    """Who hears of a new edition by e-mail.

    Attributes:
        verbindung: SOZIALRAUM_ZIEL_<verbindung> holds the server, `smtp://user:password@host:port`.
        absender: address of the office that sends.
        an: addresses of offices.
    """

    verbindung: str = Field(pattern=r"^[A-Z][A-Z0-9_]*$")
    absender: str = Field(pattern=ADDRESS)
    an: tuple[Annotated[str, Field(pattern=ADDRESS)], ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _each_once(self) -> "Ankuendigung":
        if len(set(self.an)) < len(self.an):
            raise ValueError("ziele.yaml: ankuendigung: expected each address once in `an`")
        return self


class Ziele(Strict):
    """All of `ziele.yaml`."""

    ziele: tuple[Ziel, ...] = ()
    ankuendigung: Ankuendigung | None = None

    @model_validator(mode="after")
    def _fit_together(self) -> "Ziele":
        for what in ("ziel", "verbindung"):
            named = [getattr(one, what) for one in self.ziele]
            if twice := sorted({name for name in named if named.count(name) > 1}):
                raise ValueError(
                    f"ziele.yaml: expected each {what} once, found {', '.join(twice)} again"
                )
        names = {one.ziel for one in self.ziele}
        variables = {one.verbindung for one in self.ziele}
        if ANKUENDIGUNG in names:
            raise ValueError(
                f"ziele.yaml: expected another name than {ANKUENDIGUNG}, which is that of the "
                "mail, found a ziel of that name; rename it"
            )
        if self.ankuendigung and self.ankuendigung.verbindung in variables:
            raise ValueError(
                "ziele.yaml: expected a verbindung of its own for the mail, found "
                f"{self.ankuendigung.verbindung}, which is that of a ziel"
            )
        return self
