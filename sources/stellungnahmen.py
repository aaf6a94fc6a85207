"""What municipalities and carriers say of the figures: statements and recommended action.

Declared in `stellungnahmen.yaml` of the region's folder. They are published as they stand, in the
profiles of their areas; they name offices, never private persons.
"""

from datetime import date
from typing import Literal

from pydantic import Field

from sources.layouts import Strict


class Stellungnahme(Strict):
    """One text about one area.

    Attributes:
        raum_id: a Kommune, the Kreis or a Sozialraum.
        art: `kommune` (the municipality's statement), `traeger` (the carriers'), `empfehlung`
            (recommended action).
        von: the office or association.
        am: day of the statement.
        text: German, plain; an empty line begins a new paragraph.
    """

    raum_id: str = Field(min_length=1)
    art: Literal["kommune", "traeger", "empfehlung"]
    von: str = Field(min_length=1)
    am: date
    text: str = Field(min_length=1, max_length=6000)
