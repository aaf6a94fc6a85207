"""Contract words in an office's German: types, states and what was found wrong with rows."""

import re
from collections.abc import Mapping
from datetime import date

from sources.contract import Column, Feed

TYPES = {
    "text": "Text",
    "integer": "ganze Zahl",
    "decimal": "Zahl",
    "date": "Datum",
    "geometry": "Fläche",
}
STATES = {
    "zero": "genau null",
    "rounded_zero": "weniger als die Hälfte der Einheit",
    "suppressed": "geheim gehalten",
    "suppressed_or_unknown": "unbekannt oder geheim",
    "pending": "liegt noch nicht vor",
    "unreliable": "zu unsicher",
    "not_applicable": "trifft nicht zu",
    "flagged": "Wert gilt mit Einschränkung",
}
STICHTAGE = {
    "tag": "der Tag im Dateinamen",
    "monatsende": "der letzte Tag des Monats",
    "monatsanfang": "der erste Tag des Monats",
    "jahresende": "der 31. Dezember",
    "vorjahresende": "der 31. Dezember des Vorjahres",
    "jahrestag": "ein fester Tag im Jahr",
    "fest": "ein fester Tag",
}
# How the reasons of landing (`delivery.py`) read in a receipt; the column's name stays.
REASONS = (
    (r"stands twice, identical", "Zeile steht doppelt, gleicher Inhalt"),
    (r"stands twice", "Schlüssel steht mehrfach mit verschiedenem Inhalt"),
    (r"not in the code list", "Schlüssel ist nicht vereinbart"),
    (r"not a value of type (\w+)", "kein gültiger Wert"),
    (r"missing", "Pflichtangabe fehlt"),
    (r"below the agreed limit.*", "kleiner als vereinbart"),
    (r"above the agreed limit.*", "größer als vereinbart"),
    (r"no such area at level (\w+)", "Raum ist nicht bekannt"),
    (r"not the Stichtag.*", "nennt einen anderen Stichtag als der Dateiname"),
    (r"coordinates outside the county's bounds", "Koordinaten liegen außerhalb des Kreises"),
    (r"does not fit the agreed pattern", "hat nicht die vereinbarte Form"),
    (r".*number of fields", "Zeile hat nicht die vereinbarte Zahl der Felder"),
    (r".*does not serve", "Gemeinde gehört nicht zu dieser Lieferstelle"),
)


def reason_in_german(reason: str) -> str:
    """Return a reason of landing in German; one that is not known here stays as it is."""
    column, _, fault = reason.rpartition(": ")
    for pattern, german in REASONS:
        if re.search(pattern, fault):
            return f"{column}: {german}" if column else german
    return reason


def type_in_german(column: Column, decimal: str) -> str:
    """Return what may stand in a column, in words."""
    words = TYPES[column.type]
    if column.type == "decimal":
        words += f" mit Dezimal{'komma' if decimal == ',' else 'punkt'}"
    if column.type == "date":
        words += f" ({example_date(column.date_format)})"
    return words


def example_date(date_format: str) -> str:
    """Return how the last day of 2025 is written in a format."""
    return date(2025, 12, 31).strftime(date_format)


def example_name(feed: Feed, stichtag: date, liefereinheit: str | None) -> str:
    """Return a file name that fits the feed's pattern, for a Stichtag and a Liefereinheit."""
    values = {
        "jahr": f"{stichtag:%Y}",
        "monat": f"{stichtag:%m}",
        "tag": f"{stichtag:%d}",
        "liefereinheit": liefereinheit or "",
    }
    return fill_pattern(feed.name_pattern, values)


def fill_pattern(pattern: str, values: Mapping[str, str]) -> str:
    """Return the plainest text that a pattern of file names describes.

    Named groups take their value, optional parts are left out, of alternatives the first stays.
    """
    text = re.sub(r"\(\?P<(\w+)>[^()]*\)", lambda m: values.get(m[1], ""), pattern)
    text = re.sub(r"\([^()]*\)\?", "", text)
    text = re.sub(r"\((?:\?:)?([^()|]*)[^()]*\)", r"\1", text)
    return re.sub(r"\\(.)", r"\1", text)
