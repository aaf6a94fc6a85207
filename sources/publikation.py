"""What a region says of its publications: who publishes what, under which licence, in which forms.

Declared in `publikation.yaml` of the region's folder. Not here: which columns leave (the models'
metadata), class limits (`klassen.py`), statements (`stellungnahmen.py`) and where editions are
sent (`ziele.py`).
"""

from typing import Literal
from uuid import UUID

from pydantic import Field, model_validator

from sources.layouts import Strict

INDIKATOR = "indikator"
"""The kind of profile that is no level of areas."""


class Lizenz(Strict):
    """The licence of what everyone may see.

    Attributes:
        kennung: identifier of the open-data world, such as `dl-by-de/2.0`.
        name: as people know it.
        url: its text.
        dcat: its URI in the list of licences of DCAT-AP.de.
        quellenvermerk: the attribution that the licence asks for.
    """

    kennung: str = Field(min_length=1)
    name: str = Field(min_length=1)
    url: str = Field(pattern=r"^https?://")
    dcat: str = Field(pattern=r"^http://dcat-ap\.de/def/licenses/")
    quellenvermerk: str = Field(min_length=1)


class Stelle(Strict):
    """An office that answers for the data: a function, never a private person."""

    organisation: str = Field(min_length=1)
    stelle: str = Field(min_length=1)
    email: str = Field(pattern=r"^[^@\s]+@[^@\s]+$")
    url: str = Field(pattern=r"^https?://")


class Steckbriefe(Strict):
    """Which profiles an edition has, and what they lead with.

    Attributes:
        stufen: kinds of profiles: levels of the region, and `indikator`.
        leitindikatoren: the key figures of the first page, at most six.
        leitindex: the index that names an area's class there, if there is one.
        stellungnahme: `pflicht`: without a statement of each municipality that takes part nothing
            is published.
    """

    stufen: tuple[str, ...] = ("sozialraum", "kommune", "kreis", INDIKATOR)
    leitindikatoren: tuple[str, ...] = Field(min_length=1, max_length=6)
    leitindex: str | None = None
    stellungnahme: Literal["pflicht", "freiwillig"] = "freiwillig"


class Publikation(Strict):
    """All of `publikation.yaml`.

    Attributes:
        titel, beschreibung: of the dataset, for catalogues and title pages.
        kennung: the UUID from which the identifiers of all records are derived; never changed, so
            that a catalogue knows the next edition as the same dataset.
        herausgeber: who publishes and answers questions.
        lizenz: of what everyone may see.
        schlagworte: keywords beside those of the themes.
        stufennamen: German name of each level, singular and plural, as in titles.
    """

    titel: str = Field(min_length=1)
    beschreibung: str = Field(min_length=1)
    kennung: UUID
    herausgeber: Stelle
    lizenz: Lizenz
    schlagworte: tuple[str, ...] = ()
    stufennamen: dict[str, tuple[str, str]]
    steckbriefe: Steckbriefe

    @model_validator(mode="after")
    def _names_the_levels_that_are_always_there(self) -> "Publikation":
        lacking = {"sozialraum", "kommune", "kreis"} - self.stufennamen.keys()
        if lacking:
            raise ValueError(
                f"stufennamen: expected sozialraum, kommune and kreis among them, found none for "
                f"{', '.join(sorted(lacking))}; add singular and plural"
            )
        return self
