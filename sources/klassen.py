"""Class limits of maps: declared once, so that a colour means the same in every edition.

Declared in `klassen.yaml` of the region's folder; `sozialraum klassen` proposes limits for what has
none. Not here: colours (publication) and the classes of indices (`indices.yaml`).
"""

from collections.abc import Iterable
from datetime import date
from itertools import pairwise

from pydantic import Field, model_validator

from sources.layouts import Strict


class Klassengrenzen(Strict):
    """The classes of one indicator: limits of numbers, or words from low to high.

    `grenzen` are inner limits, ascending; n limits make n + 1 classes.

    A value on a limit belongs to the class below it: classes are (limit, limit]. The lowest class
    is open downwards, the highest upwards, in the indicator's own unit.
    """

    indikator_id: str
    grenzen: tuple[float, ...] = Field((), max_length=8)
    klassen: tuple[str, ...] = Field((), max_length=9)

    @model_validator(mode="after")
    def _ascend(self) -> "Klassengrenzen":
        if bool(self.grenzen) == bool(self.klassen):
            raise ValueError(
                f"klassen.yaml, {self.indikator_id}: expected either grenzen or klassen, found "
                "both or neither; limits are for numbers, words for ratings"
            )
        if any(low >= high for low, high in pairwise(self.grenzen)):
            raise ValueError(
                f"klassen.yaml, {self.indikator_id}: expected ascending limits, found "
                f"{list(self.grenzen)}; put them in order"
            )
        return self


class Klassen(Strict):
    """All of `klassen.yaml`: who decided on the limits, when, and the limits."""

    beschlossen_am: date
    beschlossen_von: str = Field(min_length=1)
    indikatoren: tuple[Klassengrenzen, ...] = ()

    @model_validator(mode="after")
    def _each_once(self) -> "Klassen":
        names = [one.indikator_id for one in self.indikatoren]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"klassen.yaml: stand twice: {', '.join(twice)}; keep one of each")
        return self


def class_rows(declared: Iterable[Klassengrenzen]) -> list[dict]:
    """Return a row for each class: `indikator_id`, `klasse` from 1, `ueber`, `bis`, `name`.

    An open limit is NULL; `name` is there for classes that are words.
    """
    return [
        {
            "indikator_id": one.indikator_id,
            "klasse": number,
            "ueber": low,
            "bis": high,
            "name": name,
        }
        for one in declared
        for number, (low, high, name) in enumerate(_classes(one), start=1)
    ]


def _classes(one: Klassengrenzen) -> Iterable[tuple[float | None, float | None, str | None]]:
    if one.klassen:
        return ((None, None, name) for name in one.klassen)
    return ((low, high, None) for low, high in pairwise((None, *one.grenzen, None)))
