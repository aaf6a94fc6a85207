"""What has to be said beside the numbers: hints, reconciliations, statements, definitions.

The texts come verbatim from the marts. Not here: breaks of series (`development`).
"""

from collections.abc import Iterable
from datetime import date

from publication.numbers import DASH
from publication.profiles import words as german
from publication.profiles.document import (
    NAME,
    TEXT,
    Block,
    Column,
    Facts,
    Paragraph,
    Piece,
    Quote,
    Row,
    Section,
    Table,
    Words,
    listed,
    words,
)
from publication.profiles.figures import in_theme, themes
from publication.profiles.reading import Area, Check, Hint, Known, Statement, dated, number_in

EVERY = "alle"


def hints(known: Known, area: Area) -> Section | None:
    """Return the hints that hold for what an area's profile shows; the same text stands once."""
    days = {key: one.stichtag for key, one in known.figures.get(area.raum_id, {}).items()}
    places = {area.raum_id, area.kommune_id, EVERY}
    told = [hint for hint in known.hints if hint.raum_id in places and _holds(hint, days)]
    return _hints(known, told)


def hints_of_indicator(known: Known, indicator: str, stichtag: date | None) -> Section | None:
    """Return the hints that hold for all values of an indicator's newest Stichtag."""
    told = [
        hint
        for hint in known.hints
        if hint.indikator_id == indicator and (stichtag is None or hint.covers(stichtag))
    ]
    return _hints(known, told)


def _holds(hint: Hint, days: dict[str, date]) -> bool:
    if hint.indikator_id == EVERY:
        return any(hint.covers(when) for when in days.values())
    return hint.indikator_id in days and hint.covers(days[hint.indikator_id])


def _hints(known: Known, told: Iterable[Hint]) -> Section | None:
    """Group equal texts; what they hold for stands behind them."""
    groups: dict[tuple[str, str], list[Hint]] = {}
    for hint in told:
        groups.setdefault((hint.art, hint.text), []).append(hint)
    pairs = []
    for (kind, text), group in sorted(groups.items()):
        indicators = sorted({hint.indikator_id for hint in group} - {EVERY})
        units = sorted({hint.raum_id for hint in group} - {EVERY})
        scope: list[Words] = []
        if indicators:
            scope.append(listed(known.indicator(key)._replace(link=None) for key in indicators))
        if units:
            scope.append(listed(_unit(known, key) for key in units))
        told_of = words(" (", _semicolons(scope), ")") if scope else ()
        pairs.append(
            (
                words(german.NOTES.get(kind, german.spelled(kind))),
                words(Piece(text, TEXT), told_of),
            )
        )
    if not pairs:
        return None
    return Section("hinweise", "Hinweise", (Facts(tuple(pairs)),))


def _unit(known: Known, key: str) -> Piece:
    return known.area(key)._replace(link=None)


def _semicolons(parts: list[Words]) -> Words:
    result: Words = ()
    for part in parts:
        result = words(result, "; ", part) if result else words(part)
    return result


def checks(known: Known, area: Area) -> Section | None:
    """Return the own figures of a Kommune or the Kreis beside those of others."""
    found = known.checks.get(area.raum_id, ())
    if not found:
        return None
    table = Table(
        words("Eigene Zahlen neben denen anderer Stellen"),
        (
            Column(words("Gegenstand"), width=1.9),
            Column(words("Stichtag"), numeric=True),
            Column(words("eigene"), numeric=True, width=0.9),
            Column(words("andere"), numeric=True, width=0.9),
            Column(words("Abstand"), numeric=True, width=0.9),
            Column(words("andere Stelle"), width=2.0),
        ),
        tuple(_check_row(check) for check in found),
    )
    why: dict[str, Piece] = {
        check.name: Piece(check.erklaerung, TEXT) for check in found if check.erklaerung
    }
    facts = Facts(
        tuple((words(Piece(name, NAME)), words(text)) for name, text in why.items()), narrow=True
    )
    blocks: tuple[Block, ...] = (table, facts) if why else (table,)
    return Section("abgleich", "Abgleich mit anderen Stellen", blocks)


def _check_row(check: Check) -> Row:
    def cell(column: str) -> Words:
        value = getattr(check, column)
        return (number_in(value, check.mark(column), None, check.einheit),)

    unit = f" ({check.einheit})" if check.einheit else ""
    return Row(
        (
            words(Piece(f"{check.name}{unit}", NAME)),
            words(dated(check.stichtag)),
            cell("eigener_wert"),
            cell("fremder_wert"),
            cell("differenz") if check.status == "ok" else words(german.status(check.status)),
            words(Piece(check.quelle_fremd or DASH, TEXT)),
        )
    )


def statements(known: Known, area: Area, *, expected: bool) -> Section | None:
    """Return what the municipality, carriers and planners say of an area.

    Args:
        known: what is published.
        area: of which area.
        expected: whether a missing statement is said to be missing.
    """
    found = known.statements.get(area.raum_id, ())
    blocks: list[Block] = []
    for kind, title in german.STATEMENTS.items():
        of_kind = [one for one in found if one.art == kind]
        blocks += [_quote(title, one) for one in of_kind]
        if not of_kind and expected:
            blocks.append(Paragraph(words(f"{title}: keine abgegeben.")))
    others = [one for one in found if one.art not in german.STATEMENTS]
    blocks += [_quote(german.spelled(one.art), one) for one in others]
    if not blocks:
        return None
    return Section("stellungnahmen", "Stellungnahmen und Empfehlungen", tuple(blocks))


def _quote(title: str, told: Statement) -> Quote:
    return Quote(
        words(title),
        tuple(words(Piece(part, TEXT)) for part in german.paragraphs(told.text)),
        words(Piece(told.von, TEXT), ", ", dated(told.am)),
    )


def definitions(known: Known, area: Area) -> Section:
    """Return in short what the indicators of an area's profile mean."""
    used = known.figures.get(area.raum_id, {})
    pairs = [
        (words(known.indicator(key)), words(Piece(known.indicators[key].definition or DASH, TEXT)))
        for theme in themes(known)
        for key in in_theme(known, theme)
        if key in used
    ]
    blocks: list[Block] = [Facts(tuple(pairs), narrow=True)]
    if known.handbook:
        blocks.append(
            Paragraph(
                words(
                    "Zähler, Nenner, Quellen und Grenzen stehen im ",
                    Piece("Qualitätshandbuch", link="handbuch.html"),
                    " der Ausgabe.",
                ),
                small=True,
            )
        )
    return Section("definitionen", "Definitionen", tuple(blocks))
