"""What a Sozialbericht tells: itself, each theme with tables and maps, the Kreis, each Kommune.

It binds parts of the profiles, with anchors and ids of their own, into one document that the
renderers of the profiles draw. Not here: which rows the period has (`period`), the files (`form`).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from uuid import UUID, uuid5

from publication.numbers import day
from publication.profiles import content, figures, place
from publication.profiles import words as german
from publication.profiles.choice import INDEX, Profile
from publication.profiles.document import (
    DAY,
    EDITION,
    KEY,
    NAME,
    TEXT,
    Beside,
    Block,
    Column,
    Document,
    Drawing,
    Facts,
    Grid,
    Paragraph,
    Piece,
    Row,
    Section,
    Table,
    words,
)
from publication.profiles.reading import Known

PAGE, SHEET = "bericht.html", "bericht.pdf"
FACT = "bericht"
"""The key of the manifest that says what was reported on, and from which edition."""
ONCE = ("definitionen",)
"""Sections of a profile that the report's themes tell already."""
MAP_SIDE = 0.42
NAMED = re.compile(r'(\bid="|aria-labelledby="|aria-describedby="|url\(#)')
"""What stands before an id in a drawing, where it is given or used."""


def urn(kennung: str, edition_id: str) -> str:
    """Return the identifier by which a report is cited: the same for ever, another for each."""
    return uuid5(UUID(kennung), edition_id).urn


def document(known: Known, shapes: Mapping[str, object]) -> Document:
    """Return the report.

    Args:
        known: what is published of the period.
        shapes: area → shape, as `profiles.place.shapes_of` returns them.
    """
    atlas = content.Atlas(known, shapes)
    told = known.facts[FACT]
    sections = [
        _about(known),
        *_themes(known, atlas),
        *_units(known, atlas, "kreis"),
        *_units(known, atlas, "kommune"),
    ]
    return Document(
        PAGE,
        SHEET,
        "Sozialbericht",
        Piece(told["titel"], TEXT),
        words(Piece(known.imprint.titel, TEXT), ". Berichtszeitraum: ", *_period(told), "."),
        (Piece("Alle Steckbriefe", link=INDEX),),
        tuple(sections),
        content.closing(known),
        contents=True,
    )


def _period(told: Mapping) -> tuple[Piece, str, Piece]:
    begin, end = (Piece(day(date.fromisoformat(told[name])), DAY) for name in ("von", "bis"))
    return begin, " bis ", end


def _about(known: Known) -> Section:
    """Say what the report is, what it rests on, and how to cite it."""
    told, imprint = known.facts[FACT], known.imprint
    created = Piece(day(datetime.fromisoformat(str(known.facts["created_at"]))), DAY)
    edition = Piece(str(known.facts["edition_id"]), EDITION)
    kennung = Piece(urn(imprint.kennung, str(known.facts["edition_id"])), KEY)
    citation = words(
        Piece(imprint.organisation, TEXT),
        ", ",
        Piece(imprint.stelle, TEXT),
        ": ",
        Piece(told["titel"], TEXT),
        ". Ausgabe ",
        edition,
        " vom ",
        created,
        ". ",
        kennung,
    )
    pairs = (
        (words("Berichtszeitraum"), words(*_period(told))),
        (words("Zitierweise"), citation),
        (words("Kennung"), words(kennung)),
        (words("Grundlage"), words("Ausgabe ", Piece(told["ausgabe"], EDITION))),
        (words("Prüfsumme der Grundlage"), words(Piece(told["ausgabe_content_hash"], KEY))),
    )
    frozen = Paragraph(
        words(
            "Der Bericht hält fest, was die genannte Ausgabe über den Berichtszeitraum "
            "veröffentlicht hat. Er wird nicht mehr geändert; berichtigte Zahlen stehen in "
            "späteren Ausgaben. Gezeigt ist der jeweils jüngste Stichtag des Zeitraums. Die "
            "Steckbriefe der einzelnen Räume und Indikatoren liegen dem Bericht bei: ",
            Piece("alle Steckbriefe", link=INDEX),
            ".",
        )
    )
    return Section("bericht", "Über diesen Bericht", (frozen, Facts(pairs)))


def _themes(known: Known, atlas: content.Atlas) -> Iterator[Section]:
    """Return one section for each theme that has figures in the period."""
    for theme in figures.themes(known):
        keys = [key for key in figures.in_theme(known, theme) if _has_figures(known, key)]
        if not keys:
            continue
        anchor = f"thema-{re.sub('[^a-z]', '-', theme)}"
        blocks = [block for key in keys for block in _indicator(known, atlas, anchor, key)]
        yield Section(anchor, f"Thema: {german.theme(theme)}", (*blocks, *_aids(known, keys)))


def _has_figures(known: Known, key: str) -> bool:
    return any(key in found for found in known.figures.values())


def _indicator(known: Known, atlas: content.Atlas, anchor: str, key: str) -> Iterator[Block]:
    """Return an indicator's definition, table of the Kreis and its Kommunen, and map."""
    one = known.indicators[key]
    table = _units_table(known, key)
    drawn = tuple(_own(block, f"{anchor}-{_letters(key)}") for block in _maps(known, atlas, key))
    told = (table, Paragraph(words(Piece(one.definition or "", TEXT)), small=True))
    if drawn:
        yield Beside(told, drawn, 1 - MAP_SIDE)
    else:
        yield from told


def _units_table(known: Known, key: str) -> Table:
    used = [found[key].stichtag for found in known.figures.values() if key in found]
    rows = [
        Row(
            (
                words(known.area(area.raum_id)),
                figures.with_signs(known, known.figures.get(area.raum_id, {}).get(key)),
                figures.chance(known, known.figures.get(area.raum_id, {}).get(key)),
            ),
            strong=level == "kreis",
        )
        for level in ("kreis", "kommune")
        for area in known.areas.values()
        if area.raumebene == level
    ]
    return Table(
        words(known.indicator(key, unit=True), ", ", content.days_of(sorted(set(used)))),
        (
            Column(words("Raum"), width=2.4),
            Column(words("Wert"), numeric=True),
            Column(words("Zufallsschwankung"), numeric=True, width=1.6),
        ),
        tuple(rows),
    )


def _maps(known: Known, atlas: content.Atlas, key: str) -> Iterator[Drawing]:
    legend = known.legends.get(key)
    states, _ = atlas.indicator(key)
    for kreis in (area for area in known.areas.values() if area.raumebene == "kreis"):
        fitted = atlas.frame(kreis)
        if legend and fitted and states:
            title = Piece(f"Karte: {legend.title}", NAME)
            yield place.draw("karte", title, fitted, legend, states)


def _aids(known: Known, keys: Sequence[str]) -> list[Block]:
    """Explain the signs that the tables of a theme use."""
    shown = [
        found[key]
        for area, found in known.figures.items()
        for key in keys
        if key in found and known.areas[area].raumebene in ("kreis", "kommune")
    ]
    return figures.reading_aids(shown)


def _units(known: Known, atlas: content.Atlas, level: str) -> Iterator[Section]:
    """Return the sections of each profile of a level, with the area's name before each title."""
    for area in known.areas.values():
        if area.raumebene != level:
            continue
        told = content.of_area(known, atlas, Profile(level, area.raum_id))
        prefix = f"{level}-{_letters(area.raum_id)}"
        for section in told.sections:
            if section.anchor not in ONCE:
                yield Section(
                    f"{prefix}-{section.anchor}",
                    f"{area.raum_name} – {section.title}",
                    tuple(_own(block, prefix) for block in section.blocks),
                )


def _letters(key: str) -> str:
    """Return a key in letters and hyphens, as anchors and ids are made of: `10` is `ba`."""
    return re.sub("[^a-z]", "-", key.lower().translate(str.maketrans("0123456789", "abcdefghij")))


def _own(block: Block, prefix: str) -> Block:
    """Return a block whose drawings have ids that no other part of the document has."""
    if isinstance(block, Drawing):
        return replace(block, svg=NAMED.sub(rf"\1{prefix}-", block.svg))
    if isinstance(block, Beside):
        return replace(
            block,
            left=tuple(_own(one, prefix) for one in block.left),
            right=tuple(_own(one, prefix) for one in block.right),
        )
    if isinstance(block, Grid):
        return replace(block, blocks=tuple(_own(one, prefix) for one in block.blocks))
    return block
