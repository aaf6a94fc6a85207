"""One profile's content, put together from its parts as plain data.

Here belongs which parts a profile of each kind has, and their order. Not here: what a part tells,
and how it looks (`page`, `sheet`).
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cached_property

from publication.legends import Legend
from publication.numbers import day
from publication.profiles import (
    ages,
    comparison,
    development,
    figures,
    indicator,
    notes,
    overview,
    place,
)
from publication.profiles.choice import INDEX, INDICATOR, Profile
from publication.profiles.document import (
    DAY,
    EDITION,
    NAME,
    TEXT,
    Beside,
    Block,
    Document,
    Facts,
    Paragraph,
    Piece,
    Section,
    Words,
    words,
)
from publication.profiles.marks import Mark
from publication.profiles.reading import Area, Known, dated, number_in

SMALL = "sozialraum"
"""The level that maps show and tables compare."""
BESIDE, WHOLE = (205.0, 230.0), (234.0, 400.0)
"""Extents of maps in units: of a Kommune beside a table, of a whole Kreis beside a definition."""


class Atlas:
    """The shapes of an edition, and the frames of its maps, each made once."""

    def __init__(self, known: Known, shapes: Mapping[str, object]) -> None:
        """Keep what maps are made from."""
        self._known, self._shapes = known, shapes
        self._frames: dict[tuple[str, bool], place.Frame | None] = {}

    def frame(self, unit: Area, *, whole: bool = False) -> place.Frame | None:
        """Return the small areas of a Kommune or the Kreis, fitted into a map."""
        wanted = (unit.raum_id, whole)
        if wanted not in self._frames:
            self._frames[wanted] = self._fit(unit, whole)
        return self._frames[wanted]

    def _fit(self, unit: Area, whole: bool) -> place.Frame | None:
        known = self._known
        width, height = WHOLE if whole else BESIDE
        inner = known.within(unit.raum_id, "kommune") if unit.raumebene == "kreis" else []
        spare = [
            area.raum_id
            for area in known.areas.values()
            if area.raumebene not in (SMALL, "kreis") and area.kommune_id == unit.raum_id
        ]
        return place.frame(
            self._shapes,
            [area.raum_id for area in known.within(unit.raum_id, SMALL)],
            width=width,
            height=height,
            units=[area.raum_id for area in inner],
            labels={area.raum_id: area.raum_name for area in inner} if whole else {},
            spare=spare,
        )

    @cached_property
    def leading(self) -> tuple[Legend, Mapping[str, place.State], Words] | None:
        """What the maps of areas show: the index that leads, else a key figure with a legend.

        A share is preferred to a count, which says more of an area's size than of its people.
        """
        known = self._known
        index = known.imprint.leitindex
        shown = any(one.get(index or "") for one in known.classes.values())
        if index in known.legends and shown:
            return known.legends[index], *self._index(index)
        with_legend = [key for key in known.leading if key in known.legends]
        shares = [key for key in with_legend if known.indicators[key].art != "anzahl"]
        for key in (*shares, *with_legend):
            return known.legends[key], *self.indicator(key)
        return None

    def _index(self, key: str) -> tuple[Mapping[str, place.State], Words]:
        found = {area: one[key] for area, one in self._known.classes.items() if key in one}
        days = sorted({one.stichtag for one in found.values()})
        states = {
            area: place.State(one.klasse if one.shown else None, one.status, one.mark())
            for area, one in found.items()
        }
        return states, days_of(days)

    def indicator(self, key: str) -> tuple[Mapping[str, place.State], Words]:
        """Return what a map of one indicator shows, and of which Stichtag."""
        known = self._known
        found = {
            area: one[key]
            for area, one in known.figures.items()
            if key in one and known.areas[area].raumebene == SMALL
        }
        states = {}
        for area, one in found.items():
            value = one.klasse if one.wert is None else one.wert
            column = "klasse" if one.wert is None else "wert"
            states[area] = place.State(value if one.shown else None, one.status, one.mark(column))
        return states, days_of(sorted({one.stichtag for one in found.values()}))

    def map(self, unit: Area, own: Area | None, *, whole: bool = False) -> tuple[Block, ...]:
        """Return the map of what leads, in a Kommune or the Kreis; nothing if nothing leads."""
        fitted, told = self.frame(unit, whole=whole), self.leading
        if fitted is None or told is None:
            return ()
        legend, states, days = told
        label = "dieser Raum" if own else ""
        drawn = place.draw(
            "karte",
            Piece(f"Karte: {legend.title}", NAME),
            fitted,
            legend,
            states,
            own=own.raum_id if own else None,
            own_label=label,
        )
        return drawn, Paragraph(words("Stichtag der Karte: ", days, "."), small=True)


def documents(known: Known, shapes: Mapping[str, object]) -> Iterator[Document]:
    """Return the content of every profile, and last of the list of all.

    Args:
        known: what is published.
        shapes: area → shape, as `place.shapes_of` returns them.
    """
    atlas = Atlas(known, shapes)
    for profile in known.profiles:
        if profile.kind == INDICATOR:
            yield of_indicator(known, atlas, profile)
        else:
            yield of_area(known, atlas, profile)
    yield listing(known)


def of_area(known: Known, atlas: Atlas, profile: Profile) -> Document:
    """Return the profile of an area of any level."""
    area = known.areas[profile.key]
    is_unit = area.raumebene in ("kommune", "kreis")
    found = known.figures.get(area.raum_id, {})
    sections: list[Section | None] = [
        _first(known, atlas, area),
        ages.section(known, area.raum_id),
        development.section(known, area.raum_id, known.leading, "Entwicklung"),
        _inner(known, atlas, area) if is_unit else None,
        comparison.peers(known, area),
        notes.statements(known, area, expected=area.raumebene == "kommune"),
        figures.section(known, area) if found else None,
        notes.hints(known, area),
        notes.checks(known, area),
        notes.definitions(known, area) if found else None,
    ]
    return Document(
        profile.page,
        profile.sheet,
        f"Steckbrief {known.imprint.singular(area.raumebene)}",
        Piece(area.raum_name, NAME),
        _lead(known, area),
        _trail(known, area),
        tuple(section for section in sections if section),
        closing(known),
    )


def _first(known: Known, atlas: Atlas, area: Area) -> Section:
    unit = known.areas.get(area.kommune_id or "", area) if area.raumebene != "kreis" else area
    own = area if area.raum_id != unit.raum_id else None
    table = overview.key_figures(known, area)
    drawn = atlas.map(unit, own)
    told = (table, *overview.situation(known, area))
    blocks: tuple[Block, ...] = (Beside(told, drawn, 0.55),) if drawn else told
    if area.raum_id not in known.figures:
        blocks = (*blocks, Paragraph(words("Für diesen Raum sind keine Werte veröffentlicht.")))
    return Section("ueberblick", "Auf einen Blick", blocks)


def _lead(known: Known, area: Area) -> Words:
    """Return where an area lies, how large it is, and of which days its figures are."""
    parts: Words = words(known.imprint.singular(area.raumebene))
    if area.raumebene not in ("kommune", "kreis") and area.kommune_id in known.areas:
        kommune = known.area(area.kommune_id)._replace(link=None)
        parts = words(parts, f" in der {known.imprint.singular('kommune')} ", kommune)
    if area.raumebene != "kreis" and area.kreis_id in known.areas:
        parts = words(parts, ", ", known.area(area.kreis_id)._replace(link=None))
    if area.flaeche_km2 is not None:
        mark = Mark("dim_raum", (area.raum_id, area.gebietsstand), "flaeche_km2")
        parts = words(parts, ". Fläche: ", number_in(area.flaeche_km2, mark, None, None), " km²")
    days = sorted({one.stichtag for one in known.figures.get(area.raum_id, {}).values()})
    if days:
        parts = words(parts, ". Stichtage: ", days_of(days))
    return words(parts, ".")


def days_of(days: list) -> Words:
    """Return the first and the last of some days."""
    if not days:
        return words("–")
    if days[0] == days[-1]:
        return words(dated(days[0]))
    return words(dated(days[0]), " bis ", dated(days[-1]))


def _trail(known: Known, area: Area) -> tuple[Piece, ...]:
    above = [area.kreis_id if area.raumebene != "kreis" else None]
    if area.raumebene not in ("kommune", "kreis"):
        above.append(area.kommune_id)
    return (
        Piece("Alle Steckbriefe", link=INDEX),
        *(known.area(key) for key in above if key in known.areas),
    )


def _inner(known: Known, atlas: Atlas, area: Area) -> Section | None:
    """Return the comparison of the areas within a Kommune or the Kreis."""
    inner = "kommune" if area.raumebene == "kreis" else SMALL
    tables = comparison.tables(known, area, inner)
    if not tables:
        return None
    plural = known.imprint.plural(inner)
    blocks: list[Block] = [
        *tables,
        Paragraph(
            words(
                "Abstand: Wert minus Mittel. Die Räume stehen in der Reihenfolge ihrer Schlüssel, "
                "nicht ihrer Werte."
            ),
            small=True,
        ),
    ]
    return Section("vergleich", f"{plural} im Vergleich", tuple(blocks))


def of_indicator(known: Known, atlas: Atlas, profile: Profile) -> Document:
    """Return the profile of an indicator."""
    one = known.indicators[profile.key]
    has_figures = any(profile.key in found for found in known.figures.values())
    states, days = atlas.indicator(profile.key)
    sections: list[Section | None] = [indicator.definition(known, one)]
    if has_figures:
        newest = max(
            found[profile.key].stichtag for found in known.figures.values() if profile.key in found
        )
        drawn = _indicator_maps(known, atlas, profile.key, states, days)
        if drawn:
            blocks = (Beside(sections[0].blocks, drawn, 0.5),)
            sections = [Section("definition", "Definition und Karte", blocks)]
        sections += [
            _spread(known, profile.key),
            *_kreis_series(known, profile.key),
            indicator.areas_table(known, profile.key, SMALL),
            notes.hints_of_indicator(known, profile.key, newest),
        ]
        lead = words("Stichtag der Werte: ", dated(newest), ".")
    else:
        lead = words("Vereinbart; es sind noch keine Werte veröffentlicht.")
        sections.append(notes.hints_of_indicator(known, profile.key, None))
    return Document(
        profile.page,
        profile.sheet,
        f"Steckbrief Indikator · {figures.german.theme(one.thema)}",
        Piece(one.name, NAME),
        lead,
        (Piece("Alle Steckbriefe", link=INDEX),),
        tuple(section for section in sections if section),
        closing(known),
    )


def _indicator_maps(
    known: Known, atlas: Atlas, key: str, states: Mapping[str, place.State], days: Words
) -> tuple[Block, ...]:
    legend = known.legends.get(key)
    kreise = [area for area in known.areas.values() if area.raumebene == "kreis"]
    blocks: list[Block] = []
    for number, kreis in enumerate(kreise):
        fitted = atlas.frame(kreis, whole=True)
        if legend and fitted and states:
            name = "karte" + "-weitere" * number
            title = Piece(f"Karte: {legend.title}", NAME)
            blocks.append(place.draw(name, title, fitted, legend, states))
    if blocks:
        blocks.append(Paragraph(words("Stichtag der Karte: ", days, "."), small=True))
    return tuple(blocks)


def _spread(known: Known, key: str) -> Section | None:
    areas = [area for area in known.areas.values() if area.raumebene == SMALL]
    drawn = indicator.strip(known, key, areas)
    if drawn is None:
        return None
    told = Paragraph(
        words(
            f"Jeder Punkt ist der Wert eines Raums ({known.imprint.singular(SMALL)}); Räume ohne "
            "Wert fehlen. Genannt sind der kleinste und der größte veröffentlichte Wert."
        ),
        small=True,
    )
    return Section("verteilung", "Verteilung", (drawn, told))


def _kreis_series(known: Known, key: str) -> Iterator[Section | None]:
    for kreis in (area for area in known.areas.values() if area.raumebene == "kreis"):
        title = f"Entwicklung: {known.imprint.singular('kreis')}"
        yield development.section(known, kreis.raum_id, (key,), title)


def listing(known: Known) -> Document:
    """Return the list of all profiles, areas by Kommune and indicators by theme."""
    sections: list[Section] = []
    for kind in known.imprint.stufen:
        keys = [profile.key for profile in known.profiles if profile.kind == kind]
        if not keys:
            continue
        if kind == INDICATOR:
            title, pairs = "Indikatoren", _indicators_by_theme(known, keys)
        else:
            title, pairs = known.imprint.plural(kind), _areas_by_unit(known, kind, keys)
        sections.append(Section(f"liste-{kind.replace('_', '-')}", title, (Facts(pairs),)))
    return Document(
        INDEX,
        None,
        "Steckbriefe",
        Piece(known.imprint.titel, TEXT),
        words(Piece(known.imprint.beschreibung, TEXT)),
        (),
        tuple(sections),
        closing(known),
    )


def _indicators_by_theme(known: Known, keys: list[str]) -> tuple[tuple[Words, Words], ...]:
    chosen = set(keys)
    return tuple(
        (
            words(figures.german.theme(theme)),
            _lines(_both(known, INDICATOR, key, known.indicator(key)) for key in told),
        )
        for theme in figures.themes(known)
        if (told := [key for key in figures.in_theme(known, theme) if key in chosen])
    )


def _areas_by_unit(known: Known, kind: str, keys: list[str]) -> tuple[tuple[Words, Words], ...]:
    groups: dict[str, list[str]] = {}
    for key in keys:
        area = known.areas[key]
        unit = area.kreis_id if kind in ("kommune", "kreis") else area.kommune_id
        groups.setdefault(unit or "", []).append(key)
    return tuple(
        (
            words(known.area(unit)._replace(link=None)),
            _lines(_both(known, kind, key, known.area(key)) for key in members),
        )
        for unit, members in groups.items()
    )


def _both(known: Known, kind: str, key: str, name: Piece) -> Words:
    return words(name, " (", Piece("PDF", link=Profile(kind, key).sheet), ")")


def _lines(parts: Iterator[Words]) -> Words:
    result: Words = ()
    for part in parts:
        result = words(result, "; ", part) if result else part
    return result


def closing(known: Known) -> tuple[Words, ...]:
    """Return edition, publisher and licence, as they stand at the end of each profile."""
    told = known.imprint
    created = datetime.fromisoformat(str(known.facts["created_at"]))
    return (
        words(
            "Ausgabe ",
            Piece(str(known.facts["edition_id"]), EDITION),
            " vom ",
            Piece(day(created), DAY),
            ". ",
            Piece(told.titel, TEXT),
            ".",
        ),
        words(
            "Herausgegeben von ",
            Piece(told.organisation, TEXT),
            ", ",
            Piece(told.stelle, TEXT),
            ", ",
            Piece(told.email, TEXT),
            ", ",
            Piece(told.url, TEXT, link=told.url),
            ".",
        ),
        words(
            "Lizenz: ",
            Piece(told.lizenz_name, TEXT, link=told.lizenz_url),
            ". Quellenvermerk: ",
            Piece(told.quellenvermerk, TEXT),
            ".",
        ),
    )
