"""Tables of the catalogue as CSV: texts quoted, numbers and days not, what is missing empty.

A reader that looks at quotes keeps keys as text, with their zeros. Not here: what the rows say.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path


def write_rows(path: Path, columns: Iterable[str], rows: Iterable[Mapping]) -> None:
    """Write rows as CSV (UTF-8, comma, decimal point).

    Args:
        path: where to write.
        columns: names in order; what a row does not say stays empty.
        rows: in the order of the file.
    """
    names = list(columns)
    lines = [names, *([row.get(name) for name in names] for row in rows)]
    text = "".join(",".join(map(_cell, line)) + "\n" for line in lines)
    path.write_text(text, "utf-8", newline="")


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, int | float):
        return str(value)
    return '"' + str(value).replace('"', '""') + '"'
