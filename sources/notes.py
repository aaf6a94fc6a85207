"""What a region declares about reading its figures: notes, comparisons with others, known limits.

Here belong the declarations alone, `hinweise.yaml` and `abgleich.yaml` of a region's folder. Not
here: what a contract notes about single cells (`contract.Note`), and the tables that are made of
all this, which are marts.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Literal

from pydantic import Field, model_validator

from sources.contract import Feed
from sources.layouts import Strict
from sources.ledger import Outcome

ALL = "alle"
"""Stands for every area or every indicator in a published note."""


class Hinweis(Strict):
    """A note that readers of figures need.

    Attributes:
        raum_id: the area that it is about; None: the whole county.
        indikator_id: the indicator that it is about; or
        thema: all indicators of a theme; neither: all figures.
        stichtag_von: first Stichtag concerned; None: all before `stichtag_bis`.
        stichtag_bis: last Stichtag concerned; None: until further notice.
        text: German; published, so it names no person and no number of persons.
    """

    hinweis_id: str = Field(pattern=r"^[a-z0-9_]+$")
    art: Literal["besonderer_ort", "fussnote", "systemwechsel", "definition"]
    raum_id: str | None = None
    indikator_id: str | None = None
    thema: str | None = None
    stichtag_von: date | None = None
    stichtag_bis: date | None = None
    text: str = Field(min_length=1)

    @model_validator(mode="after")
    def _has_one_subject(self) -> "Hinweis":
        if self.indikator_id and self.thema:
            raise ValueError(f"note {self.hinweis_id}: name an indicator or a theme, not both")
        if self.stichtag_von and self.stichtag_bis and self.stichtag_bis < self.stichtag_von:
            raise ValueError(f"note {self.hinweis_id}: it ends before it begins")
        return self


class Grenze(Strict):
    """A limit of what the figures can say, known and not mended; it stands in the handbook."""

    grenze_id: str = Field(pattern=r"^[a-z0-9_]+$")
    text: str = Field(min_length=1)


class Lesehilfe(Strict):
    """All of `hinweise.yaml`.

    `quarantaene_ab_prozent`: from this share of bad rows on a delivery is noted beside the figures
    that it brings.
    """

    quarantaene_ab_prozent: float = Field(1.0, gt=0, le=100)
    hinweise: tuple[Hinweis, ...] = ()
    bekannte_grenzen: tuple[Grenze, ...] = ()

    @model_validator(mode="after")
    def _each_once(self) -> "Lesehilfe":
        for names in (
            [note.hinweis_id for note in self.hinweise],
            [limit.grenze_id for limit in self.bekannte_grenzen],
        ):
            if twice := sorted({name for name in names if names.count(name) > 1}):
                raise ValueError(f"hinweise: expected each id once, found {twice} again")
        return self


class Teil(Strict):
    """A published count, or a published value, that one side of a comparison is the sum of.

    Either inhabitants (`basis` and `staatsangehoerigkeit`), or cases (`merkmal`), or the value of
    an indicator (`indikator_id`), or a figure as delivered (`lieferwert`). Values have no sum: they
    stand alone.
    """

    basis: Literal["melderegister", "fortschreibung"] | None = None
    staatsangehoerigkeit: Literal["insgesamt", "deutsch", "auslaendisch"] = "insgesamt"
    merkmal: str | None = None
    indikator_id: str | None = None
    lieferwert: str | None = None

    @model_validator(mode="after")
    def _is_one_thing(self) -> "Teil":
        named = [self.basis, self.merkmal, self.indikator_id, self.lieferwert]
        if sum(name is not None for name in named) != 1:
            raise ValueError(
                "a part of a comparison: expected one of basis, merkmal, indikator_id, lieferwert, "
                f"found {[name for name in named if name]}"
            )
        return self

    @property
    def schluessel(self) -> str:
        """The key under which the model finds it."""
        if self.basis:
            return f"bevoelkerung:{self.basis}:{self.staatsangehoerigkeit}"
        if self.merkmal:
            return f"fallzahl:{self.merkmal}"
        if self.indikator_id:
            return f"indikator:{self.indikator_id}"
        return f"lieferwert:{self.lieferwert}"


class Seite(Strict):
    """One side of a comparison: whose figure it is, and what it is the sum of."""

    quelle: str
    teile: tuple[Teil, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _values_stand_alone(self) -> "Seite":
        if len(self.teile) > 1 and any(t.indikator_id or t.lieferwert for t in self.teile):
            raise ValueError("a comparison: values have no sum; compare them one by one")
        return self


class Abgleich(Strict):
    """A figure of one's own beside that of somebody else, for Kommunen and Kreis.

    `toleranz`: how far the two may differ, in percent of the other's figure or, for values in
    percent (`toleranz_in: punkte`), in points. `erklaerung` says why they differ.
    """

    gegenstand: str = Field(pattern=r"^[a-z0-9_]+$")
    name: str
    einheit: str
    eigen: Seite
    fremd: Seite
    toleranz: float = Field(ge=0)
    toleranz_in: Literal["prozent", "punkte"] = "prozent"
    erklaerung: str = Field(min_length=1)


def note_rows(lesehilfe: Lesehilfe) -> list[dict]:
    """Return declared notes as rows. Grain: note."""
    return [note.model_dump() for note in lesehilfe.hinweise]


def comparison_rows(comparisons: Iterable[Abgleich]) -> list[dict]:
    """Return declared comparisons as rows. Grain: gegenstand × side × part."""
    return [
        {
            **pair.model_dump(exclude={"eigen", "fremd"}),
            "seite": name,
            "quelle": side.quelle,
            "schluessel": part.schluessel,
            "teile": len(side.teile),
        }
        for pair in comparisons
        for name, side in (("eigen", pair.eigen), ("fremd", pair.fremd))
        for part in side.teile
    ]


def delivery_notes(
    outcomes: Iterable[Outcome],
    feeds: Mapping[str, Feed],
    kommunen: Mapping[str, Sequence[str]],
    indicators: Mapping[str, Sequence[str]],
    quarantine_from: float,
) -> list[dict]:
    """Return what has to be told of deliveries, without a word of their authors.

    A partner's own footnotes are not among it: they are free text. Told are the declared notes of
    the contract that applied, bad rows from the declared share on, and repairs; by sentences of the
    program's own, with shares and without the number or a value of any row.

    Args:
        outcomes: the deliveries that count.
        feeds: contracts by name.
        kommunen: the municipalities of each Liefereinheit; none: all of the county.
        indicators: the indicators whose numerator each feed brings.
        quarantine_from: percentage of bad rows.

    Returns:
        Rows of the grain hinweis_id × area × indicator.
    """
    rows = []
    for outcome in outcomes:
        told = _told_of(outcome, feeds[outcome.feed], quarantine_from)
        for hinweis_id, (art, text) in told.items():
            for raum_id in kommunen.get(outcome.liefereinheit or "") or (ALL,):
                for indikator_id in indicators.get(outcome.feed, ()):
                    rows.append(
                        {
                            "hinweis_id": hinweis_id,
                            "raum_id": raum_id,
                            "indikator_id": indikator_id,
                            "stichtag_von": outcome.stichtag,
                            "stichtag_bis": outcome.stichtag,
                            "art": art,
                            "text": text,
                        }
                    )
    return rows


def _told_of(outcome: Outcome, feed: Feed, quarantine_from: float) -> dict[str, tuple[str, str]]:
    """Return what has to be told of one delivery: id -> kind and sentence."""
    delivery = f"{outcome.feed}:{outcome.liefereinheit}:{outcome.stichtag}"
    applied = (outcome.hinweise or "").splitlines()
    told = {
        f"vermerk:{note.id}:{delivery}": ("fussnote", note.reason)
        for note in feed.notes
        if note.id in applied
    }
    share = 100 * (outcome.rows_quarantined or 0) / (outcome.rows_read or 1)
    if share >= quarantine_from:
        sentence = (
            "In der Lieferung waren mindestens "
            f"{_german(quarantine_from)} % der Zeilen fehlerhaft; sie fehlen in den Zahlen."
        )
        told[f"quarantaene:{delivery}"] = ("lieferung", sentence)
    if outcome.repairs:
        sentence = "Ein bekannter Fehler der Lieferung wurde nach erklärter Regel berichtigt."
        told[f"reparatur:{delivery}"] = ("lieferung", sentence)
    return told


def _german(number: float) -> str:
    return f"{number:g}".replace(".", ",")
