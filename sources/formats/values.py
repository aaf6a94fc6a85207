"""Texts that say when or in which unit: the point in time of a table, values in thousands.

Whether a value is right is judged elsewhere; here it is only brought into the agreed unit.
"""

import re
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

MONTHS = {
    name: number
    for number, names in enumerate(
        (
            ("januar", "jan"),
            ("februar", "feb"),
            ("märz", "maerz", "mrz"),
            ("april", "apr"),
            ("mai",),
            ("juni", "jun"),
            ("juli", "jul"),
            ("august", "aug"),
            ("september", "sep"),
            ("oktober", "okt"),
            ("november", "nov"),
            ("dezember", "dez"),
        ),
        1,
    )
    for name in names
}
"""German names of months in small letters -> number."""

POINTS = (
    r"(?P<jahr>\d{4})-(?P<monat>\d{2})-(?P<tag>\d{2})( 00:00:00)?",
    r"(?P<tag>\d{1,2})\.(?P<monat>\d{1,2})\.(?P<jahr>\d{4})",
    r"(?P<jahr>\d{4})-(?P<monat>\d{2})(P\d+M)?",
    r"(?P<monat>[^\W\d]+)\.? (?P<jahr>\d{4})",
    r"(?P<jahr>(18|19|20)\d\d)(/\d{2,4})?",
)
"""Forms in which tables write a day, a month, an interval of months, a year."""

SERIAL_ZERO, SERIALS = date(1899, 12, 30), range(20_000, 80_000)
"""Day 0 of a workbook's dates, and which of its numbers are days (1954 to 2119)."""


def point_in_time(text: str) -> dict[str, str]:
    """Return `jahr`, `monat`, `tag` of a text, as far as it tells them, as numbers in text.

    Understood are `2024-12-31`, `31.12.2024`, `2023-10` and `2023-10P6M` (the first month),
    `Dezember 2015`, `2023`, `2024/25` (the first year), and a workbook's serial day. What is
    none of these gives nothing.
    """
    text = text.strip()
    if text.isdecimal() and int(text) in SERIALS:
        text = (SERIAL_ZERO + timedelta(days=int(text))).isoformat()
    for form in POINTS:
        if match := re.fullmatch(form, text):
            told = match.groupdict()
            if "monat" in told:
                told["monat"] = month_number(told["monat"])
            return {part: told[part].zfill(2) for part in told} if all(told.values()) else {}
    return {}


def month_number(text: str) -> str | None:
    """Return a month's number with two digits, from its number or German name."""
    text = text.strip().rstrip(".").lower()
    if text.isdecimal():
        return text.zfill(2)
    return f"{MONTHS[text]:02d}" if text in MONTHS else None


def common_point(column: "pa.Array") -> tuple[dict[str, str], bool]:
    """Return the one point in time that a column tells, and whether it is a column of times.

    Several points in time give an empty dict beside True.
    """
    points = [point_in_time(text or "") for text in column.unique().to_pylist()]
    are_times = bool(points) and all(points)
    return (points[0] if are_times and len(points) == 1 else {}), are_times


def stand(text: str) -> str:
    """Return the stamp of an export, `19.01.2026 / 21:12:47`, as `2026-01-19 21:12:47`.

    Another form stays as it is.
    """
    try:
        return str(datetime.strptime(text.strip(), "%d.%m.%Y / %H:%M:%S"))
    except ValueError:
        return text.strip()


def is_thousands(unit: str) -> bool:
    """Whether values of this unit are thousands: `1000`, `1000 EUR`."""
    return unit.split()[:1] == ["1000"]


def thousandfold(values: "pa.Array", decimal: str, thousands: str) -> "pa.Array":
    """Return numbers times 1000, exactly, as text; marks and what else is no number stay.

    `(12)` becomes `(12000)`. The decimal sign stays the file's own.
    """
    import pyarrow as pa

    number = re.compile(rf"(\(?)\s*(-?[0-9]+(?:[{decimal}][0-9]+)?(?:[eE]-?[0-9]+)?)\s*(\)?)")

    def scaled(text: str | None) -> str | None:
        plain = (text or "").strip()
        match = number.fullmatch(plain.replace(thousands, "") if thousands else plain)
        if not match:
            return text
        before, digits, after = match.groups()
        exact = f"{Decimal(digits.replace(decimal, '.')).scaleb(3):f}"
        if "." in exact:
            exact = exact.rstrip("0").rstrip(".")
        return f"{before}{exact.replace('.', decimal)}{after}"

    # A column holds few different values: each is converted once.
    encoded = values.dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    distinct = pa.array([scaled(text) for text in encoded.dictionary.to_pylist()], pa.string())
    return distinct.take(encoded.indices)
