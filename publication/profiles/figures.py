"""All indicators of an area by theme: value, chance, Kommune, Kreis, Stichtag, in words why not.

Not here: definitions (`notes`), key figures (`overview`).
"""

from collections.abc import Sequence

from publication.handbuch import MEANING
from publication.profiles import words as german
from publication.profiles.document import (
    FIXED,
    Block,
    Column,
    Paragraph,
    Piece,
    Row,
    Section,
    Table,
    Words,
    words,
)
from publication.profiles.overview import compared, comparisons
from publication.profiles.reading import Area, Figure, Known, dated


def section(known: Known, area: Area) -> Section:
    """Return every indicator of an area that has a figure on its level, by theme."""
    figures = known.figures.get(area.raum_id, {})
    above = comparisons(known, area)
    rows: list[Row] = []
    for theme in themes(known):
        told = [key for key in in_theme(known, theme) if key in figures]
        if told:
            rows.append(Row((words(german.theme(theme)),), heading=True))
            rows += [_row(known, figures[key], above) for key in told]
    tested = area.raumebene != "kreis"
    table = Table(
        words("Alle Indikatoren nach Themen"),
        (
            Column(words("Indikator"), width=3.0),
            Column(words("Wert"), numeric=True, width=1.15),
            Column(words("Zufalls­schwankung"), numeric=True, width=1.2),
            *(Column(words(title), numeric=True, width=0.95) for _, title in above),
            *(
                [Column(words("gegenüber ", known.imprint.singular("kreis")), width=2.0)]
                if tested
                else []
            ),
            Column(words("Stichtag"), numeric=True, width=1.05),
        ),
        tuple(rows),
    )
    return Section("indikatoren", "Alle Indikatoren", (table, *reading_aids(figures.values())))


def themes(known: Known) -> list[str]:
    """Return the themes that have indicators, in their order."""
    return sorted({one.thema for one in known.indicators.values()}, key=german.theme_order)


def in_theme(known: Known, theme: str) -> list[str]:
    """Return the indicators of a theme, by name."""
    found = [one for one in known.indicators.values() if one.thema == theme]
    return [one.indikator_id for one in sorted(found, key=lambda one: (one.name, one.indikator_id))]


def _row(known: Known, figure: Figure, above: Sequence[tuple[str, str]]) -> Row:
    area = known.areas[figure.raum_id]
    return Row(
        (
            words(known.indicator(figure.indikator_id, unit=True)),
            with_signs(known, figure),
            chance(known, figure),
            *(compared(known, figure, column) for column, _ in above),
            *([direction(figure)] if area.raumebene != "kreis" else []),
            words(dated(figure.stichtag)),
        )
    )


def with_signs(known: Known, figure: Figure | None) -> Words:
    """Return a value with the letters for what is estimated or converted."""
    told = known.value(figure)
    if figure is None or not figure.shown:
        return told
    return words(told, " g" if figure.geschaetzt else "", " u" if figure.umgerechnet else "")


def chance(known: Known, figure: Figure | None) -> Words:
    """Return within which limits chance alone may move a value."""
    if figure is None or not figure.shown or figure.untergrenze is None:
        return words("–")
    return words(known.value(figure, "untergrenze"), " bis ", known.value(figure, "obergrenze"))


def direction(figure: Figure | None) -> Words:
    """Return in words how a value compares with the Kreis'."""
    told = None
    if figure is not None and figure.shown:
        told = german.direction(figure.auffaellig, figure.richtung, figure.aussagekraft)
    return words(told or "–")


def reading_aids(figures) -> list[Block]:
    """Return what the table's words and letters mean, as far as they are used."""
    told = list(figures)
    blocks: list[Block] = []
    if any(one.shown and one.untergrenze is not None for one in told):
        blocks.append(
            Paragraph(
                words(
                    "Zufallsschwankung: in diesem Bereich (",
                    Piece(german.CHANCE_SHARE, FIXED),
                    ") kann der Wert allein durch Zufall schwanken. Liegt der Kreiswert außerhalb, "
                    "heißt der Raum höher oder niedriger.",
                ),
                small=True,
            )
        )
    letters = []
    if any(one.shown and one.geschaetzt for one in told):
        letters.append("g: geschätzt")
    if any(one.shown and one.umgerechnet for one in told):
        letters.append("u: von einem früheren Gebietsstand umgerechnet")
    if letters:
        blocks.append(Paragraph(words("; ".join(letters) + "."), small=True))
    absent = {one.status for one in told if not one.shown}
    meant = [
        f"{german.status(status)}: {why}" for status, why in MEANING if status in absent - {"ok"}
    ]
    if meant:
        blocks.append(
            Paragraph(
                words(
                    "Wo eine Zahl fehlt, steht der Grund; sie ist dann nicht null. ",
                    Piece("; ".join(meant) + ".", FIXED),
                ),
                small=True,
            )
        )
    return blocks
