"""The first part of an area's profile: its key figures beside those of its Kommune and Kreis.

Not here: all indicators (`figures`), the map beside the key figures (`place`).
"""

from publication.profiles import words as german
from publication.profiles.document import (
    KEY,
    TEXT,
    Block,
    Column,
    Paragraph,
    Row,
    Table,
    Words,
    words,
)
from publication.profiles.reading import (
    Area,
    Figure,
    Known,
    Need,
    Piece,
    absent,
    dated,
    index_class,
    number_in,
)


def key_figures(known: Known, area: Area) -> Table:
    """Return the key figures of an area: value, and that of its Kommune and its Kreis."""
    above = comparisons(known, area)
    figures = known.figures.get(area.raum_id, {})
    rows = [
        Row(
            (
                words(known.indicator(key, unit=True)),
                known.value(figures.get(key)),
                *(compared(known, figures.get(key), column) for column, _ in above),
            )
        )
        for key in known.leading
    ]
    index = known.imprint.leitindex
    found = known.classes.get(area.raum_id, {}).get(index or "")
    if index and found:
        cells = [index_class(known, found), *(words("–") for _ in above)]
        rows.append(Row((words(known.index(index)), *cells)))
    return Table(
        words("Leitindikatoren"),
        (
            Column(words("Indikator"), width=2.2),
            Column(words("Wert"), numeric=True),
            *(Column(words(title), numeric=True) for _, title in above),
        ),
        tuple(rows),
    )


def comparisons(known: Known, area: Area) -> list[tuple[str, str]]:
    """Return with what an area is compared: the column and its title."""
    singular = known.imprint.singular
    if area.raumebene == "kreis":
        return []
    kreis = ("kreis_wert", singular("kreis"))
    if area.raumebene == "kommune":
        return [kreis]
    return [("kommune_wert", singular("kommune")), kreis]


def compared(known: Known, figure: Figure | None, column: str) -> Words:
    """Return the value of the Kommune or the Kreis beside an area's own.

    Where the figure itself is taken from a series, so is the other one, of the same Stichtag.
    """
    if figure is None:
        return words("–")
    if figure.tabelle == "mart_indikator":
        return known.value(figure, column)
    area = known.areas[figure.raum_id]
    other = area.kommune_id if column == "kommune_wert" else area.kreis_id
    above = known.figures.get(other or "", {}).get(figure.indikator_id)
    if above is None or above.stichtag != figure.stichtag:
        return words("–")
    return known.value(above)


def situation(known: Known, area: Area) -> tuple[Block, ...]:
    """Return where burdens come together in an area, by each set of thresholds."""
    blocks: list[Block] = [
        Paragraph(_need(need, known.imprint.singular(area.raumebene)))
        for need in known.needs.get(area.raum_id, ())
    ]
    index = known.imprint.leitindex
    found = known.classes.get(area.raum_id, {}).get(index or "")
    if found:
        told = words(
            known.index(index),
            ", Stichtag ",
            dated(found.stichtag),
            ": ",
            index_class(known, found),
        )
        if found.shown and found.fehlende_teile:
            told = words(told, " (ohne die Teile, die keinen veröffentlichten Wert haben)")
        blocks.insert(0, Paragraph(words(told, ".")))
    return tuple(blocks)


def _need(need: Need, level: str) -> Words:
    name = Piece(german.spelled(need.schwellen_id), KEY)
    begin = words("Schwellensatz „", name, "“, Stichtag ", dated(need.stichtag), ": ")
    if need.erhoehter_bedarf is None:
        return words(
            begin,
            "Ob Problemlagen zusammentreffen, lässt sich nicht feststellen (",
            absent(need.status),
            ").",
        )
    counted = words(
        *(_count(need, "anzahl_ueberschritten"), " von ", _count(need, "anzahl_bewertet")),
        " bewerteten Schwellen sind überschritten",
    )
    if not need.erhoehter_bedarf:
        return words(begin, "kein erhöhter Handlungsbedarf; ", counted, ".")
    result = words(begin, "erhöhter Handlungsbedarf; ", counted)
    if need.seit:
        result = words(result, ", so seit dem ", dated(need.seit))
    if need.begruendung:
        result = words(result, ": ", Piece(need.begruendung, TEXT))
    return words(result, ".")


def _count(need: Need, column: str) -> Piece:
    return number_in(getattr(need, column), need.mark(column), None, None)
