"""What the tests of the readers share: contracts made by hand, and rows as plain data."""

import os
from pathlib import Path

import pytest

from sources.contract import Feed
from sources.formats import RawTable, read

REAL = Path(os.environ.get("SOZIALRAUM_DATA") or "no-data")
DATES = {"valid_from": "2000-01-01", "valid_to": "2030-12-31"}


def needs(name: str) -> pytest.MarkDecorator:
    """Skip visibly where a real file is missing."""
    return pytest.mark.skipif(
        not (REAL / name).is_file(), reason=f"SOZIALRAUM_DATA has no {name}: real samples"
    )


def feed(columns: list[str] | dict[str, dict], *layouts: dict) -> Feed:
    """Return a contract with these columns; a header is the column's name unless it says so."""
    if not isinstance(columns, dict):
        columns = {name: {} for name in columns}
    defaults = {"type": "text", "sensitivity": "intern", "description": "-"}
    return Feed.model_validate(
        {
            "feed": "probe",
            "title": "Probe",
            "partner": "amt",
            "ebene": "aggregat",
            "thema": "bevoelkerung",
            "location": "probe",
            "files": "*",
            "name_pattern": ".*",
            "stichtag": {"rule": "fest", "fixed": "2015-12-31"},
            "spatial": {"kind": "keine"},
            "key": [next(iter(columns))],
            "columns": [
                {"name": name, "header": name, **defaults, **more} for name, more in columns.items()
            ],
            "layouts": [{"id": f"form_{n}", **DATES, **lt} for n, lt in enumerate(layouts)],
        }
    )


def read_file(contract: Feed, path: Path) -> RawTable:
    """Read a file with all layouts of its contract."""
    return read(contract, path, path.name, list(contract.layouts), 25832)


def read_text(
    contract: Feed, tmp_path: Path, content: str | bytes, encoding: str = "utf-8"
) -> RawTable:
    """Write a file and read it."""
    path = tmp_path / "probe.txt"
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return read_file(contract, path)


def rows(raw: RawTable, *names: str) -> list[tuple]:
    """Return some columns of the rows, in their order."""
    return list(zip(*(raw.rows.column(name).to_pylist() for name in names), strict=True))


def found(raw: RawTable, value: str, **where: str) -> list[str]:
    """Return the values of the rows in which the other columns hold these texts."""
    return [
        row[value] for row in raw.rows.to_pylist() if all(row[k] == v for k, v in where.items())
    ]
