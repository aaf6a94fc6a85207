"""What municipalities and carriers say of the figures: statements and recommended action.

Declared in `stellungnahmen.yaml` of the region's folder. They are published as they stand, in the
profiles of their areas; they name offices, never private persons.
"""

from datetime import date
from typing import Literal

from pydantic import Field, model_validator

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
        zahlen_geprueft_von: the office that has checked that no number in the text tells a figure
            that is withheld; needed where the text has digits. A municipality knows its own.
    """

    raum_id: str = Field(min_length=1)
    art: Literal["kommune", "traeger", "empfehlung"]
    von: str = Field(min_length=1)
    am: date
    text: str = Field(min_length=1, max_length=6000)
    zahlen_geprueft_von: str | None = None

    @model_validator(mode="after")
    def _numbers_are_checked(self) -> "Stellungnahme":
        if any(char.isdigit() for char in self.text) and not self.zahlen_geprueft_von:
            raise ValueError(
                f"stellungnahmen.yaml, {self.raum_id}: expected zahlen_geprueft_von, as the text "
                "has digits, found none; let an office check that they tell nothing withheld, or "
                "leave them out"
            )
        return self
