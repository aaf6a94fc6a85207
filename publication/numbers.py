"""How figures are written for German readers: one rule for every form that prints text.

Not here: what the figures are.
"""

from datetime import date

DASH = "–"


def number(value: float | int | None, digits: int = 0) -> str:
    """Return a number with comma and points (`1.234,5`); nothing is a dash, never `-0`."""
    if value is None:
        return DASH
    text = f"{value:,.{digits}f}".translate(str.maketrans(",.", ".,"))
    return text.removeprefix("-") if not text.strip("-0.,") else text.replace("-", "−")


def digits_of(art: str, einheit: str | None) -> int:
    """Return how many digits after the comma an indicator is written with."""
    return 0 if art == "anzahl" or einheit in ("Personen", "Plätze", "Einrichtungen") else 1


def day(value: date | None) -> str:
    """Return a day as `31.12.2015`."""
    return DASH if value is None else f"{value:%d.%m.%Y}"


def signed(value: float | int | None, digits: int = 0) -> str:
    """Return a difference with its sign (`+1,5`, `−0,3`); one that rounds to zero has none."""
    text = number(value, digits)
    return f"+{text}" if value is not None and value > 0 and text.strip("0,") else text
