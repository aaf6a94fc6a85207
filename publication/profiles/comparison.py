"""How areas compare: with their own Kommune, with the Kreis, and with areas that resemble them.

Areas stand in the order of their keys, never by value: there is no public ranking. Not here: maps
(`place`).
"""

from collections.abc import Sequence

from publication.profiles.document import (
    Column,
    Paragraph,
    Row,
    Section,
    Table,
    Words,
    words,
)
from publication.profiles.reading import Area, Figure, Known, absent, number_in

AT_ONCE = 3
"""How many key figures one table has, so that it fits on a page upright."""


def tables(known: Known, unit: Area, level: str) -> list[Table]:
    """Return the areas of a Kommune (or of the Kreis) by key figure.

    Each key figure has the value of the area and its deviations from the means of the Kommune and
    of the Kreis; of the Kreis' own areas from the Kreis'. The means themselves stand above.
    """
    areas = known.within(unit.raum_id, level)
    columns = [
        (column, title)
        for column, title in (
            ("abw_kommune", f"zur {known.imprint.singular('kommune')}"),
            ("abw_kreis", "zum Kreis"),
        )
        if not (unit.raumebene == "kreis" and column == "abw_kommune")
    ]
    return [
        _table(known, unit, areas, known.leading[start : start + AT_ONCE], columns)
        for start in range(0, len(known.leading), AT_ONCE)
        if areas
    ]


def _table(
    known: Known,
    unit: Area,
    areas: Sequence[Area],
    indicators: Sequence[str],
    columns: Sequence[tuple[str, str]],
) -> Table:
    above = [unit]
    if unit.kreis_id and unit.kreis_id != unit.raum_id and unit.kreis_id in known.areas:
        above.insert(0, known.areas[unit.kreis_id])
    rows = [
        *(_row(known, area, indicators, columns, strong=True) for area in above),
        *(_row(known, area, indicators, columns) for area in areas),
    ]
    return Table(
        words(f"{known.imprint.plural(areas[0].raumebene)} nach Leitindikatoren: Wert und Abstand"),
        (
            Column(words(known.imprint.singular(areas[0].raumebene)), width=2.0),
            *(column for key in indicators for column in _columns(known, key, columns)),
        ),
        tuple(rows),
        tuple(
            (words(known.indicator(key, unit=True)), len(_columns(known, key, columns)))
            for key in indicators
        ),
    )


def _columns(known: Known, key: str, columns: Sequence[tuple[str, str]]) -> list[Column]:
    """Return the columns of one key figure; a count has no distance from a mean."""
    told = [Column(words("Wert"), numeric=True, width=1.2)]
    if not _is_count(known, key):
        told += [Column(words(title), numeric=True, width=0.95) for _, title in columns]
    return told


def _is_count(known: Known, key: str) -> bool:
    return known.indicators[key].art == "anzahl"


def _row(
    known: Known,
    area: Area,
    indicators: Sequence[str],
    columns: Sequence[tuple[str, str]],
    strong: bool = False,
) -> Row:
    cells: list[Words] = [words(known.area(area.raum_id))]
    for key in indicators:
        figure = known.figures.get(area.raum_id, {}).get(key)
        cells.append(known.value(figure))
        if not _is_count(known, key):
            cells += [_deviation(known, figure, column) for column, _ in columns]
    return Row(tuple(cells), strong=strong)


def _deviation(known: Known, figure: Figure | None, column: str) -> Words:
    """Return how far a value lies from the mean; none without a value."""
    if figure is None or not figure.shown or figure.tabelle != "mart_indikator":
        return words("–")
    own = {"kreis": ("abw_kommune", "abw_kreis"), "kommune": ("abw_kommune",)}
    if column in own.get(known.areas[figure.raum_id].raumebene, ()):
        return words("–")
    return known.value(figure, column)


def peers(known: Known, area: Area) -> Section | None:
    """Return the areas that resemble an area, with their key figures; nearest first."""
    found = known.peers.get(area.raum_id, ())
    near = [peer for peer in found if peer.status == "ok" and peer.peer_raum_id in known.areas]
    if not found:
        return None
    if not near:
        told = words("Ähnliche Räume lassen sich nicht bestimmen: ", absent(found[0].status), ".")
        return Section("aehnliche", "Ähnliche Räume", (Paragraph(told),))
    rows = [
        _peer_row(known, area.raum_id, words("dieser Raum"), words("–"), strong=True),
        *(
            _peer_row(
                known,
                peer.peer_raum_id,
                _with_kommune(known, peer.peer_raum_id),
                (number_in(peer.distanz, peer.mark(), None, None),),
            )
            for peer in near
        ),
    ]
    table = Table(
        words("Ähnliche Räume in anderen Kommunen mit ihren Leitindikatoren"),
        (
            Column(words(known.imprint.singular(area.raumebene)), width=2.3),
            Column(words("Abstand"), numeric=True, width=0.9),
            *(
                Column(words(known.indicator(key, unit=True)), numeric=True, width=1.4)
                for key in known.leading
            ),
        ),
        tuple(rows),
    )
    note = Paragraph(
        words(
            "Ähnlich heißt: nah in den vereinbarten Merkmalen, nicht in diesen Leitindikatoren. "
            "Der Abstand ist in Standardabweichungen gerechnet; gleiche Räume haben den Abstand "
            "null."
        ),
        small=True,
    )
    return Section("aehnliche", "Ähnliche Räume", (table, note))


def _peer_row(known: Known, key: str, name: Words, distance: Words, strong: bool = False) -> Row:
    figures = known.figures.get(key, {})
    return Row(
        (name, distance, *(known.value(figures.get(one)) for one in known.leading)), strong=strong
    )


def _with_kommune(known: Known, key: str) -> Words:
    kommune = known.areas[key].kommune_id
    if not kommune or kommune not in known.areas:
        return words(known.area(key))
    return words(known.area(key), " (", known.area(kommune)._replace(link=None), ")")
