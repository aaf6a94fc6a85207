"""The forms in which a feed's files come: one model for each kind of file.

What the columns mean is `contract.py`; how a file of a form is read is `formats/`.
"""

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Strict(BaseModel):
    """A part of a contract: unknown keys are an error, nothing changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Layout(Strict):
    """One form in which the feed has been delivered, and for which Stichtage it holds.

    Beside what a kind of file needs, each says what differs from the feed's columns: other
    headers, other formats of dates, keys that have lost leading zeros and are filled up to a
    width, numbers to subtract (`offsets`: the zone before an easting), columns that this form does
    not have (`lacks`) or has the same everywhere (`constants`).
    """

    id: str
    valid_from: date
    valid_to: date
    encoding: str = "utf-8"
    decimal: Literal[".", ","] = "."
    thousands: Literal["", ".", " "] = ""
    headers: dict[str, str] = {}
    date_formats: dict[str, str] = {}
    pad: dict[str, int] = {}
    offsets: dict[str, float] = {}
    lacks: tuple[str, ...] = ()
    constants: dict[str, str] = {}

    @property
    def names_used(self) -> set[str]:
        """The columns of the feed that this form speaks of."""
        return {
            *self.headers,
            *self.date_formats,
            *self.pad,
            *self.offsets,
            *self.lacks,
            *self.constants,
        }


class DelimitedLayout(Layout):
    """Delimited text.

    Attributes:
        header: whether the first line after `skip` lines names the columns. Without one the
            columns are `columns` in the file's order, "" for one that is read past.
        skip: lines before the header.
        end: regular expression of the line with which the table ends; what follows are notes.
        ignore_unknown: whether columns that the contract does not know are read past; they are
            counted, and known ones may then stand in any order.
    """

    format: Literal["delimited"] = "delimited"
    delimiter: str = Field(min_length=1, max_length=1)
    quoted: bool = Field(False, description="whether header and text fields stand in quotes")
    header: bool = True
    columns: tuple[str, ...] = ()
    skip: int = Field(0, ge=0)
    end: str | None = None
    ignore_unknown: bool = False

    @model_validator(mode="after")
    def _knows_its_columns(self) -> "DelimitedLayout":
        if self.header == bool(self.columns):
            raise ValueError(f"layout {self.id}: either a header line or `columns`")
        return self

    @property
    def names_used(self) -> set[str]:
        """The columns of the feed that this form speaks of."""
        return super().names_used | ({*self.columns} - {""})


class FixedWidthLayout(Layout):
    """Text in which each field has its place: `fields` maps a column to (first, width), from 1.

    Attributes:
        record: text with which a line of data begins.
        trailer: text with which the last line begins, followed at `trailer_count` (first, width)
            by the number of lines of data.
    """

    format: Literal["fixed_width"]
    fields: dict[str, tuple[int, int]]
    record: str = ""
    trailer: str | None = None
    trailer_count: tuple[int, int] | None = None

    @property
    def width(self) -> int:
        """Length of a line of data."""
        return max(first + width - 1 for first, width in self.fields.values())

    @property
    def names_used(self) -> set[str]:
        """The columns of the feed that this form speaks of."""
        return super().names_used | {*self.fields}


class WorkbookLayout(Layout):
    """A sheet of a workbook. Everything is found by its label, nothing by its position.

    Attributes:
        sheet: regular expression of the sheet's name.
        anchor: text of the cell in the first column of the table's head, in the head's first row.
        head_rows: rows of the head; merged cells are filled to the right, then down the levels
            are joined by " / ".
        end: texts of the first column with which the table ends (the row itself is notes).
        title: names of facts -> regular expression with one group, searched in the cells above
            the head: `jahr`, `monat` (number or German name), `tag`, or a column of the feed,
            which then holds this value in every row.
        unpivot: for a table with one measure in each column: (column for the head's text, column
            for the value); the other columns of the feed are found by their headers.
        fill_down: columns whose cells are merged downwards.
        colours: column -> {ARGB colour of the first column's cell: value}.
        ignore_unknown: whether columns that the contract does not know are read past.
    """

    format: Literal["workbook"]
    sheet: str
    anchor: str
    head_rows: int = Field(1, ge=1)
    end: tuple[str, ...] = ()
    title: dict[str, str] = {}
    unpivot: tuple[str, str] | None = None
    fill_down: tuple[str, ...] = ()
    colours: dict[str, dict[str, str]] = {}
    ignore_unknown: bool = False

    @property
    def names_used(self) -> set[str]:
        """The columns of the feed that this form speaks of."""
        facts = {*self.title} - {"jahr", "monat", "tag"}
        return super().names_used | facts | {*(self.unpivot or ()), *self.fill_down, *self.colours}


class GenesisLayout(Layout):
    """A classic GENESIS table: title lines, a head of several rows, a unit row, data, a line of
    underscores, notes, and `Stand:`.

    Each cell becomes a row: `labels` name the leading columns (None: read past), `heads` the
    levels of the head from above (None: not kept), `value` the cell. A year that stands in the
    head alone is the fact `jahr`; `zeit` in `labels` gives it too, if the table has one year.
    """

    format: Literal["genesis"]
    table: str
    encoding: str = "iso-8859-1"
    decimal: Literal[".", ","] = ","
    labels: tuple[str | None, ...]
    heads: tuple[str | None, ...] = ()
    value: str
    unit: str | None = Field(None, description="column for the unit; `1000` is converted")

    @property
    def names_used(self) -> set[str]:
        """The columns of the feed that this form speaks of."""
        named = {*self.labels, *self.heads, self.value, self.unit}
        return super().names_used | (named - {None, "zeit"})


class FfcsvLayout(Layout):
    """GENESIS flat file: one line for each cell, variables by their codes.

    `variables` maps the code of a variable to a column, which holds the code of its value (empty:
    the total, held as `total`); `time` and `measure` name columns, or nothing; `value` the value.
    A value in unit `1000` is converted.
    """

    format: Literal["ffcsv"]
    encoding: str = "utf-8-sig"
    decimal: Literal[".", ","] = ","
    variables: dict[str, str]
    total: str = "INSGESAMT"
    time: str | None = None
    measure: str | None = None
    value: str

    @property
    def names_used(self) -> set[str]:
        """The columns of the feed that this form speaks of."""
        named = {*self.variables.values(), self.time, self.measure, self.value}
        return super().names_used | (named - {None})


class FeaturesLayout(Layout):
    """Features with geometry (GeoJSON, GeoPackage); `layer` if the file has several."""

    format: Literal["features"]
    srs: int
    layer: str | None = None


AnyLayout = Annotated[
    DelimitedLayout
    | FixedWidthLayout
    | WorkbookLayout
    | GenesisLayout
    | FfcsvLayout
    | FeaturesLayout,
    Field(discriminator="format"),
]
