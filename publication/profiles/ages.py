"""The age structure of an area: bars by age band, and the same numbers as a table.

What is withheld has no bar: it is named, and hatched at a fixed size, so that nothing can be told
from it. Nothing is drawn that would be the rest of a sum. Not here: which day it is of (`reading`).
"""

from collections.abc import Sequence

from publication.numbers import DASH
from publication.profiles import words as german
from publication.profiles.document import (
    AGE,
    Beside,
    Block,
    Column,
    Drawing,
    Paragraph,
    Piece,
    Row,
    Section,
    Table,
    Words,
    words,
)
from publication.profiles.drawing import LINE, QUIET, drawing, element, hatched, marked, text
from publication.profiles.reading import Known, People, absent, dated, number_in

ALL = "insgesamt"
SEXES = ("maennlich", "weiblich")
SEX_NAMES = {"maennlich": "männlich", "weiblich": "weiblich", ALL: "insgesamt"}
COLOURS = {"maennlich": "#3182bd", "weiblich": "#e6842a", ALL: "#3182bd"}
STEP, THIN, LABEL, BAR = 12.0, 7.5, 54.0, 178.0
SECRET_WIDTH = 16.0

_Cells = dict[tuple[str, str], People]


def section(known: Known, area: str) -> Section | None:
    """Return the age structure of an area; None if no age band is published at all."""
    rows = _one_basis(known.people.get(area, ()))
    cells: _Cells = {(row.altersgruppe, row.geschlecht): row for row in rows}
    bands = finest(sorted({band for band, _ in cells if band != ALL}))
    if not bands:
        return None
    by_sex = all((band, sex) in cells for band in bands for sex in SEXES)
    sexes = SEXES if by_sex else (ALL,)
    blocks: list[Block] = [
        Beside((_table(cells, bands, by_sex),), (_drawing(cells, bands, sexes),), 0.46)
    ]
    hidden = [
        Piece(german.age(band), AGE)
        for band in bands
        if any((band, sex) in cells and not cells[band, sex].shown for sex in (*sexes, ALL))
    ]
    if hidden:
        blocks.append(Paragraph(words("Ohne Zahl sind: ", _joined(hidden), " Jahre."), small=True))
    told = "" if by_sex else " Nach Geschlecht sind die Altersgruppen nicht veröffentlicht."
    blocks.append(
        Paragraph(
            words(
                f"{_BASIS.get(rows[0].basis, german.spelled(rows[0].basis))}, Stichtag ",
                dated(rows[0].stichtag),
                ". Altersgruppen umfassen verschieden viele Jahrgänge.",
                told,
            ),
            small=True,
        )
    )
    return Section("alter", "Altersstruktur", tuple(blocks))


_BASIS = {"melderegister": "Melderegister", "fortschreibung": "Fortschreibung des Landesamts"}


def finest(bands: Sequence[str]) -> list[str]:
    """Return bands that do not overlap, the finer ones where some lie within others."""
    limits = sorted((_limits(band), band) for band in bands)
    kept: list[tuple[tuple[int, int], str]] = []
    for (low, high), band in sorted(limits, key=lambda one: (one[0][1] - one[0][0], one[0])):
        if all(high < other[0] or low > other[1] for other, _ in kept):
            kept.append(((low, high), band))
    return [band for _, band in sorted(kept)]


def _limits(band: str) -> tuple[int, int]:
    if band.endswith("+"):
        return int(band[:-1]), 999
    low, _, high = band.partition("-")
    return int(low), int(high)


def _one_basis(rows: Sequence[People]) -> list[People]:
    """Return the rows of the basis with the most age bands."""
    bands: dict[str, set[str]] = {}
    for row in rows:
        bands.setdefault(row.basis, set()).add(row.altersgruppe)
    chosen = max(sorted(bands), key=lambda basis: len(bands[basis]), default=None)
    return [row for row in rows if row.basis == chosen]


def _table(cells: _Cells, bands: Sequence[str], by_sex: bool) -> Table:
    sexes = (*SEXES, ALL) if by_sex else (ALL,)
    titles = [SEX_NAMES[sex] for sex in sexes] if by_sex else ["Personen"]
    rows = [
        Row((words(Piece(german.age(band), AGE)), *(_cell(cells, band, sex) for sex in sexes)))
        for band in bands
    ]
    if (ALL, ALL) in cells:
        total = tuple(_cell(cells, ALL, sex) for sex in sexes)
        rows.append(Row((words("insgesamt"), *total), strong=True))
    return Table(
        words("Einwohnerinnen und Einwohner nach Alter"),
        (
            Column(words("Alter in Jahren"), width=1.2),
            *(Column(words(title), numeric=True) for title in titles),
        ),
        tuple(rows),
    )


def _cell(cells: _Cells, band: str, sex: str) -> Words:
    row = cells.get((band, sex))
    if row is None:
        return words(DASH)
    if not row.shown:
        return (absent(row.status),)
    return (number_in(row.anzahl, row.mark(), None, None),)


def _drawing(cells: _Cells, bands: Sequence[str], sexes: Sequence[str]) -> Drawing:
    name = "altersbild"
    shown = [cells[band, sex] for band in bands for sex in sexes if (band, sex) in cells]
    most = max((row.anzahl for row in shown if row.shown), default=1) or 1
    thick = THIN / len(sexes)
    parts = []
    for place, band in enumerate(bands):
        y = STEP * place + 4
        label = Piece(german.age(band), AGE)
        parts.append(text(LABEL - 6, y + THIN - 0.8, label, text_anchor="end"))
        for number, sex in enumerate(sexes):
            if (band, sex) in cells:
                parts.append(_bar(name, cells[band, sex], y + thick * number, thick, BAR / most))
    bottom = STEP * len(bands) + 4
    parts.append(element("path", d=f"M{LABEL} 1V{bottom:.1f}", stroke=LINE, stroke_width=0.8))
    height = bottom + 6
    if len(sexes) > 1:
        height += STEP
        for number, sex in enumerate(sexes):
            x = LABEL + 70 * number
            parts.append(element("rect", x=x, y=bottom + 6, width=8, height=6, fill=COLOURS[sex]))
            parts.append(text(x + 12, bottom + 12, SEX_NAMES[sex]))
    title = Piece("Altersstruktur als Balken")
    return drawing(
        name,
        (LABEL + BAR + 8, height),
        title,
        "Balken für jede Altersgruppe, oben die jüngsten. Was der Geheimhaltung unterliegt, hat "
        "statt eines Balkens ein schraffiertes Feld von fester Größe. Die Zahlen stehen in der "
        "Tabelle daneben.",
        parts,
    )


def _bar(name: str, row: People, y: float, height: float, scale: float) -> str:
    if row.shown:
        return element(
            "rect",
            x=LABEL,
            y=y,
            width=f"{row.anzahl * scale:.2f}",
            height=height,
            fill=COLOURS[row.geschlecht],
            **marked(row.mark()),
        )
    if row.status not in ("geheim", "nicht_freigegeben"):
        return ""
    return element(
        "rect",
        x=LABEL,
        y=y,
        width=SECRET_WIDTH,
        height=height,
        fill=hatched(name),
        stroke=QUIET,
        stroke_width=0.4,
    )


def _joined(pieces: Sequence[Piece]) -> Words:
    result: Words = ()
    for place, piece in enumerate(pieces):
        result = words(result, "; " if place else "", piece)
    return result
