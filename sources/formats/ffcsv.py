"""GENESIS flat files (ffcsv): one line for each cell, or, in the old form, for each combination.

Both forms of the header are told by the header itself, and variables by their codes, never by
their position: a file may hold another variable at the same place from line to line.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING

from sources.contract import Feed
from sources.errors import DeliveryError
from sources.formats import RawTable
from sources.formats.table import Unpivoted, complete
from sources.formats.text import decode, fields, first_line, parse
from sources.formats.values import common_point, is_thousands, thousandfold
from sources.layouts import FfcsvLayout

if TYPE_CHECKING:
    import pyarrow as pa

DELIMITER = ";"


@dataclass(frozen=True)
class _Form:
    """The names of one form of the header; `variable` and `attribute` follow a number."""

    first: str
    time: str
    variable: str
    attribute: str


NEW = _Form("statistics_code", "time", "_variable_code", "_variable_attribute_code")
OLD = _Form("Statistik_Code", "Zeit", "_Merkmal_Code", "_Auspraegung_Code")
WIDE = re.compile(r"(?P<measure>[^_]\w*?)__(?P<label>.+)__(?P<unit>[^_]*)")
"""Header of a column of values in the old form: `BEVSTD__Bevoelkerungsstand__Anzahl`."""


@dataclass(frozen=True)
class _Cells:
    """The cells of a file of either form: what is known of each, in columns of equal length."""

    row_number: "pa.Array"
    time: "pa.Array"
    variables: list[tuple["pa.Array", "pa.Array"]]
    measure: "pa.Array"
    value: "pa.Array"


def fits(start: bytes, layouts: list[FfcsvLayout]) -> bool:
    """Whether a file that begins so is such a file."""
    line = start.split(b"\n", 1)[0].removeprefix(b"\xef\xbb\xbf")
    return line.startswith((NEW.first.encode(), OLD.first.encode()))


def read(feed: Feed, path: Path, file_name: str, layouts: list[FfcsvLayout]) -> RawTable:
    """Read a file with the layout whose variables it has.

    `facts` hold `jahr`, `monat`, `tag`, as far as one point in time is told by all lines.

    Raises:
        DeliveryError: the file has no such header, or lacks the variables of every layout.
    """
    texts = decode(feed, file_name, path.read_bytes(), layouts)
    lacking = {}
    for layout, text in texts:
        cells, malformed = _cells(feed, file_name, layout, text)
        columns = _columns(layout, cells)
        lacking[layout.id] = _lacking(layout, cells)
        if not lacking[layout.id]:
            facts, _ = common_point(cells.time)
            rows = complete(feed, layout, cells.row_number, columns)
            return RawTable(layout, rows, tuple(malformed), facts)
    nearest = min(lacking, key=lambda layout: len(lacking[layout]))
    raise DeliveryError(
        feed.feed,
        file_name,
        expected=f"the variables of one of the layouts {list(lacking)}",
        found=f"none of the variables {lacking[nearest]} (against {nearest})",
        remedy="download the agreed table, or add a layout to the contract",
    )


def _cells(feed: Feed, file_name: str, layout: FfcsvLayout, text: str) -> tuple[_Cells, list[int]]:
    header = fields(first_line(text), DELIMITER)
    form = next((form for form in (NEW, OLD) if form.first in header[:1]), None)
    if form is None:
        raise DeliveryError(
            feed.feed,
            file_name,
            expected=f"a header that begins with {NEW.first} or {OLD.first}",
            found="another first line",
            remedy="download the table again, as flat file (ffcsv)",
        )
    if missing := _missing(form, header):
        raise DeliveryError(
            feed.feed,
            file_name,
            expected="a flat file with time, variables, their values and a value",
            found=f"no column {missing}",
            remedy="download the table again, as flat file (ffcsv)",
        )
    table, malformed = parse(feed, file_name, text.partition("\n")[2], DELIMITER, len(header))
    table = table.combine_chunks()
    columns = {
        name: table.column(position).combine_chunks() for position, name in enumerate(header)
    }
    columns["row_number"] = table.column("row_number").combine_chunks()
    take = _new_cells if form is NEW else _old_cells
    return take(layout, columns), malformed


def _missing(form: _Form, header: list[str]) -> list[str]:
    """Return the columns that a file of this form cannot be read without."""
    values = ["value", "value_unit", "value_variable_code"] if form is NEW else []
    if form is OLD and not any(map(WIDE.fullmatch, header)):
        values = ["of values"]
    attributes = [f"{number}{form.attribute}" for number in _numbers(header, form)]
    return [name for name in (form.time, *values, *attributes) if name not in header]


def _new_cells(layout: FfcsvLayout, columns: dict[str, "pa.Array"]) -> _Cells:
    import pyarrow.compute as pc

    value, unit = columns["value"], columns["value_unit"]
    thousands = pc.equal(pc.list_element(pc.split_pattern(unit, " "), 0), "1000")
    value = pc.if_else(thousands, thousandfold(value, layout.decimal, layout.thousands), value)
    if "value_q" in columns:
        weak = pc.and_(pc.equal(columns["value_q"], "()"), pc.invert(pc.starts_with(value, "(")))
        value = pc.if_else(weak, pc.binary_join_element_wise("(", value, ")", ""), value)
    return _Cells(
        columns["row_number"],
        columns[NEW.time],
        _variables(columns, NEW),
        columns["value_variable_code"],
        value,
    )


def _old_cells(layout: FfcsvLayout, columns: dict[str, "pa.Array"]) -> _Cells:
    wide = {name: match for name in columns if (match := WIDE.fullmatch(name))}
    long = Unpivoted(len(columns["row_number"]), len(wide))
    values = [
        thousandfold(columns[name], layout.decimal, layout.thousands)
        if is_thousands(match["unit"])
        else columns[name]
        for name, match in wide.items()
    ]
    return _Cells(
        long.numbers(columns["row_number"]),
        long.labels(columns[OLD.time]),
        [(long.labels(code), long.labels(of)) for code, of in _variables(columns, OLD)],
        long.heads([match["measure"] for match in wide.values()]),
        long.cells(values),
    )


def _variables(columns: dict[str, "pa.Array"], form: _Form) -> list[tuple["pa.Array", "pa.Array"]]:
    """Return (code of the variable, code of its value) for each numbered variable."""
    return [
        (columns[f"{number}{form.variable}"], columns[f"{number}{form.attribute}"])
        for number in _numbers(columns, form)
    ]


def _numbers(header: Iterable[str], form: _Form) -> list[str]:
    numbers = [name.removesuffix(form.variable) for name in header if name.endswith(form.variable)]
    return [number for number in numbers if number.isdecimal()]


def _columns(layout: FfcsvLayout, cells: _Cells) -> dict[str, "pa.Array"]:
    import pyarrow as pa
    import pyarrow.compute as pc

    none = pa.scalar(None, pa.string())
    found: dict[str, pa.Array] = {}
    for column in dict.fromkeys(layout.variables.values()):
        codes = [code for code, name in layout.variables.items() if name == column]
        held = [
            pc.if_else(
                pc.is_in(variable, pa.array(codes)),
                pc.if_else(pc.equal(value, ""), layout.total, value),
                none,
            )
            for variable, value in cells.variables
        ]
        found[column] = reduce(pc.coalesce, held, pa.nulls(len(cells.value), pa.string()))
    found[layout.value] = cells.value
    found |= {layout.time: cells.time} if layout.time else {}
    return found | ({layout.measure: cells.measure} if layout.measure else {})


def _lacking(layout: FfcsvLayout, cells: _Cells) -> list[str]:
    """Return the agreed variables of a column for which the file has none of them."""
    if len(cells.value) == 0:
        return []
    there = {code for variable, _ in cells.variables for code in variable.unique().to_pylist()}
    filled = {column for code, column in layout.variables.items() if code in there}
    return [code for code, column in layout.variables.items() if column not in filled]
