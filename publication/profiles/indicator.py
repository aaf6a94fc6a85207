"""The parts that only an indicator's profile has: its definition, areas by Kommune, distribution.

Areas stand by Kommune and key, never by value. Not here: the map (`place`) and the series of the
Kreis (`development`), which profiles of areas have, too.
"""

from collections.abc import Sequence

from publication.numbers import DASH
from publication.profiles import words as german
from publication.profiles.document import (
    CLASS,
    KEY,
    NAME,
    TEXT,
    Block,
    Column,
    Drawing,
    Facts,
    Piece,
    Row,
    Section,
    Table,
    Words,
    listed,
    words,
)
from publication.profiles.drawing import (
    INK,
    LINE,
    OWN_COLOUR,
    drawing,
    element,
    marked,
    text,
)
from publication.profiles.figures import chance, direction, reading_aids, with_signs
from publication.profiles.marks import Mark
from publication.profiles.reading import Area, Figure, Indicator, Known, dated, number_in

KINDS = {
    "anteil": "Anteil: Zähler durch Nenner",
    "verhaeltnis": "Verhältnis: Zähler durch Nenner",
    "anzahl": "Anzahl",
    "saldo": "Saldo",
    "median": "Median",
    "veraenderung": "Veränderung",
    "klasse": "Klasse in Worten",
}
POLARITIES = {
    -1: "Ein hoher Wert ist eine Belastung.",
    1: "Ein hoher Wert ist günstig.",
    0: "Ein hoher Wert ist weder günstig noch ungünstig.",
}
STRIP = (480.0, 58.0)
DOT, LANES = 2.6, 5


def definition(known: Known, one: Indicator) -> Section:
    """Return what an indicator says, how it is made, who decided on it, and when it is silent."""
    pairs: list[tuple[str, Words]] = [
        ("Definition", _text(one.definition)),
        ("Zähler", _text(one.zaehler_definition)),
        ("Nenner", _text(one.nenner_definition)),
        ("Einheit", words(Piece(one.einheit or DASH, NAME))),
        ("Art", words(KINDS.get(one.art, german.spelled(one.art)))),
        ("Richtung", words(POLARITIES.get(one.polaritaet or 0, DASH))),
        ("Quelle", _text(one.quelle)),
        ("Stichtag", _text(one.stichtag_regel)),
        ("Version", words(_number(one, "version"))),
        ("Frühere Versionen", _text(one.fruehere_versionen)),
        ("Nicht vergleichbar mit", _others(known, one)),
        (
            "Beschlossen",
            words(dated(one.beschlossen_am), ", ", Piece(one.beschlossen_von or DASH, TEXT)),
        ),
        ("Grenzen der Geheimhaltung", _limits(one)),
        ("Schlüssel", words(Piece(one.indikator_id, KEY))),
    ]
    blocks: list[Block] = [Facts(tuple((words(term), told) for term, told in pairs if told))]
    return Section("definition", "Definition", tuple(blocks))


def _text(told: str | None) -> Words:
    return words(Piece(told, TEXT)) if told else ()


def _number(one: Indicator, column: str) -> Piece:
    mark = Mark("dim_indikator", (one.indikator_id, str(one.version)), column)
    return number_in(getattr(one, column), mark, None, None)


def _others(known: Known, one: Indicator) -> Words:
    keys = [key.strip() for key in (one.nicht_vergleichbar_mit or "").split(",")]
    return listed(known.indicator(key) for key in keys if key)


def _limits(one: Indicator) -> Words:
    told: list[Words] = []
    if one.min_zaehler:
        told.append(words("kleinste Fallzahl über null ", _number(one, "min_zaehler")))
    if one.min_zaehler_sozialraum and one.min_zaehler_sozialraum != one.min_zaehler:
        told.append(words("in Sozialräumen ", _number(one, "min_zaehler_sozialraum")))
    if one.min_nenner:
        told.append(words("kleinster Nenner ", _number(one, "min_nenner")))
    if one.min_einwohner:
        told.append(
            words("kleinste Zahl der Einwohnerinnen und Einwohner ", _number(one, "min_einwohner"))
        )
    return listed(told)


def strip(known: Known, key: str, areas: Sequence[Area]) -> Drawing | None:
    """Return how the values of small areas are spread; None if fewer than two have one."""
    found = [known.figures.get(area.raum_id, {}).get(key) for area in areas]
    shown = [one for one in found if one is not None and one.shown and one.wert is not None]
    values = [one.wert for one in shown]
    if len(values) < 2 or min(values) == max(values):  # noqa: PLR2004 - one point is no spread
        return None
    width, height = STRIP
    low, high = min(values), max(values)

    def across(value: float) -> float:
        return 12 + (width - 24) * (value - low) / (high - low)

    parts = [element("path", d=f"M8 {height - 18}H{width - 8}", stroke=LINE, stroke_width=0.6)]
    # lanes by key, so that equal values stay apart and nothing is ordered by value
    for number, one in enumerate(shown):
        parts.append(
            element(
                "circle",
                cx=f"{across(one.wert):.2f}",
                cy=8.0 + 6.5 * (number % LANES),
                r=DOT,
                fill=OWN_COLOUR,
                fill_opacity="0.55",
                stroke=OWN_COLOUR,
                stroke_width=0.4,
                **marked(one.mark("wert")),
            )
        )
    smallest = min(shown, key=lambda one: (one.wert, one.raum_id))
    largest = max(shown, key=lambda one: (one.wert, one.raum_id))
    for one, anchor, x in ((smallest, "start", 8.0), (largest, "end", width - 8)):
        (piece,) = known.value(one)
        parts.append(text(x, height - 6, piece, text_anchor=anchor))
    parts += _kreis_line(known, key, shown[0], low, high, across, height)
    title = Piece("Verteilung der Werte")
    return drawing(
        "verteilung",
        (width, height),
        title,
        "Ein Punkt für jeden Raum mit Wert, von links nach rechts größer; die senkrechte Linie ist "
        "der Wert des Kreises. Die Höhe der Punkte hat keine Bedeutung.",
        parts,
    )


def _kreis_line(known: Known, key: str, one: Figure, low, high, across, height) -> list[str]:
    kreis = known.areas[one.raum_id].kreis_id
    figure = known.figures.get(kreis or "", {}).get(key)
    if figure is None or not figure.shown or figure.wert is None:
        return []
    if not low <= figure.wert <= high:
        return []
    x = across(figure.wert)
    (piece,) = known.value(figure)
    middle = min(max(x, 70.0), STRIP[0] - 110)
    return [
        element("path", d=f"M{x:.1f} 2V{height - 14:.1f}", stroke=INK, stroke_width=1.2),
        text(middle - 2, height - 6, "Kreis:", text_anchor="end"),
        text(middle + 2, height - 6, piece),
    ]


def areas_table(known: Known, key: str, level: str) -> Section:
    """Return every area of a level with its value, by Kommune and key."""
    legend = known.legends.get(key)
    indicator = known.indicators[key]
    rows: list[Row] = []
    used: list[Figure] = []

    def row(area: Area, strong: bool = False) -> Row:
        figure = known.figures.get(area.raum_id, {}).get(key)
        if figure is not None:
            used.append(figure)
        entry = legend.entry(figure.wert) if legend and figure and figure.status == "ok" else None
        told = words(Piece(german.class_word(entry.label), CLASS)) if entry else words("–")
        return Row(
            (
                words(known.area(area.raum_id)),
                with_signs(known, figure),
                *([] if indicator.art == "klasse" else [told if not strong else words("–")]),
                chance(known, figure),
                direction(figure),
            ),
            strong=strong,
        )

    for kreis in (area for area in known.areas.values() if area.raumebene == "kreis"):
        rows.append(row(kreis, strong=True))
    for kommune in (area for area in known.areas.values() if area.raumebene == "kommune"):
        rows.append(row(kommune, strong=True))
        rows += [row(area) for area in known.within(kommune.raum_id, level)]
    table = Table(
        words(
            f"Alle Räume, geordnet nach {known.imprint.plural('kommune')} und Schlüsseln, nicht "
            "nach Werten"
        ),
        (
            Column(words("Raum"), width=2.4),
            Column(
                words("Wert", Piece(f" ({indicator.einheit})" if indicator.einheit else "", NAME)),
                numeric=True,
                width=1.2,
            ),
            *([] if indicator.art == "klasse" else [Column(words("Klasse der Karte"), width=1.5)]),
            Column(words("Zufallsschwankung"), numeric=True, width=1.5),
            Column(words("gegenüber ", known.imprint.singular("kreis")), width=1.8),
        ),
        tuple(rows),
    )
    return Section("raeume", "Werte der Räume", (table, *reading_aids(used)))
