"""What a partner agreed to deliver: the feed contract, read from YAML and checked.

Only the agreement itself belongs here: columns, layouts by period, codes, missing
marks, keys, place, time and sensitivity. How a file is read is `formats/`, what
becomes of its rows is `delivery.py`.
"""

import hashlib
import re
from calendar import monthrange
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Ebene = Literal["einzeldaten", "aggregat"]
"""Whether the rows are persons or cases (`einzeldaten`) or counts by area (`aggregat`)."""

Sensitivity = Literal["oeffentlich", "intern", "nicht_landen"]
"""`oeffentlich`: public anyway; `intern`: sealed zone only; `nicht_landen`: never stored."""

State = Literal[
    "zero",
    "rounded_zero",
    "suppressed",
    "suppressed_or_unknown",
    "pending",
    "unreliable",
    "not_applicable",
]
"""What a partner's mark means; the marks themselves stand in the contracts."""

ColumnType = Literal["text", "integer", "decimal", "date", "geometry"]

TECHNICAL_NAMES = frozenset(
    {
        "delivery_id",
        "row_number",
        "liefereinheit",
        "stichtag",
        "reasons",
        "flaeche_km2",
        "area_m2",
        "point_x",
        "point_y",
    }
)
"""What landing itself writes beside a partner's columns; no column may take such a name."""


class Strict(BaseModel):
    """A part of a contract: unknown keys are an error, nothing changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Condition(Strict):
    """When a mark is a mark: every row of `feed` at the same Stichtag whose key begins
    with this row's key has `equals` in `column`. So an area asks about itself, and a
    larger area about all its parts.
    """

    feed: str
    column: str
    equals: str


class Mark(Strict):
    """A sign that a partner prints instead of a value, and the state it stands for."""

    mark: str
    state: State
    when: Condition | None = None


class Column(Strict):
    """One canonical column. `header` is its name in the partner's file."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    header: str
    type: ColumnType
    description: str
    sensitivity: Sensitivity
    required: bool = True
    codes: dict[str, str] | None = Field(None, description="delivered code -> canonical code")
    minimum: float | None = None
    maximum: float | None = None
    marks: tuple[Mark, ...] = ()

    @property
    def has_state(self) -> bool:
        """Whether the landed file has a `<name>__zustand` beside the column."""
        return bool(self.marks)


class Layout(Strict):
    """One form in which the feed has been delivered, and for which Stichtage it holds.

    `headers` and `pad` say what differs from the feed's columns: other headers, and
    keys that have lost leading zeros and are filled up to a width.
    """

    id: str
    valid_from: date
    valid_to: date
    headers: dict[str, str] = {}
    pad: dict[str, int] = {}


class DelimitedLayout(Layout):
    """Delimited text with one header line."""

    format: Literal["delimited"] = "delimited"
    encoding: str = "utf-8"
    delimiter: str = Field(min_length=1, max_length=1)
    decimal: Literal[".", ","] = "."
    quoted: bool = Field(False, description="whether header and text fields stand in quotes")


class FeaturesLayout(Layout):
    """A file of features with geometry (GeoJSON, GeoPackage)."""

    format: Literal["features"] = "features"
    srs: int
    decimal: Literal["."] = "."


AnyLayout = Annotated[DelimitedLayout | FeaturesLayout, Field(discriminator="format")]


class StichtagRule(Strict):
    """How the reference date follows from the year (and month) in the file name.

    `column` with `column_format` names a column that must say the same in every row.
    """

    rule: Literal["monatsende", "monatsanfang", "jahresende", "vorjahresende", "fest"]
    fixed: date | None = None
    column: str | None = None
    column_format: str | None = None

    @model_validator(mode="after")
    def _is_complete(self) -> "StichtagRule":
        if self.rule == "fest" and self.fixed is None:
            raise ValueError("stichtag: rule fest needs `fixed`")
        if self.column and not self.column_format:
            raise ValueError("stichtag: `column` needs `column_format`")
        return self

    @property
    def needs(self) -> set[str]:
        """What a file name has to tell: groups of `name_pattern`."""
        if self.rule == "fest":
            return set()
        return {"jahr", "monat"} if self.rule.startswith("monat") else {"jahr"}

    def of(self, year: int | None, month: int | None) -> date:
        """Return the Stichtag of a delivery for `year` and `month`."""
        if self.rule == "fest":
            return self.fixed
        if self.rule in ("jahresende", "vorjahresende"):
            return date(year - (self.rule == "vorjahresende"), 12, 31)
        day = 1 if self.rule == "monatsanfang" else monthrange(year, month)[1]
        return date(year, month, day)


class Spatial(Strict):
    """How a row lies in space: by the key of an area, by coordinates, or as an area itself."""

    kind: Literal["schluessel", "koordinaten", "flaeche"]
    ebene: str
    gebietsstand: str
    column: str | None = None
    x: str | None = None
    y: str | None = None
    srs: int | None = None


class Rows(Strict):
    """How many rows may be bad, and how far a delivery may differ from the last one.

    Both are shares. A statistical table is delivered whole or sent back: tolerance 0.
    """

    quarantine_tolerance: float = Field(0.0, ge=0, le=1)
    change_tolerance: float = Field(0.02, ge=0)


class Feed(Strict):
    """A feed contract: one kind of table that one partner delivers again and again."""

    feed: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: str
    partner: str
    ebene: Ebene
    thema: str
    location: str = Field(description="folder below the region's data or the inbox")
    files: str = Field(description="which files of the folder belong to the feed: a pattern")
    name_pattern: str = Field(description="regular expression; may name `jahr` and `monat`")
    liefereinheit: str = "kreis"
    stichtag: StichtagRule
    embargo_days: int = Field(0, ge=0, description="days from Stichtag to publishable_from")
    spatial: Spatial
    key: tuple[str, ...]
    rows: Rows = Rows()
    columns: tuple[Column, ...]
    layouts: tuple[AnyLayout, ...]

    @model_validator(mode="after")
    def _names_agree(self) -> "Feed":
        names = [column.name for column in self.columns]
        if len(set(names)) != len(names):
            raise ValueError(f"feed {self.feed}: a column name stands twice")
        named = {*self.key, *(n for layout in self.layouts for n in (*layout.headers, *layout.pad))}
        named |= {
            n
            for n in (
                self.stichtag.column,
                self.spatial.column,
                self.spatial.x,
                self.spatial.y,
            )
            if n
        }
        if taken := TECHNICAL_NAMES & set(names):
            raise ValueError(f"feed {self.feed}: names that landing itself uses: {sorted(taken)}")
        if unknown := named - set(names):
            raise ValueError(f"feed {self.feed}: no such column: {sorted(unknown)}")
        if not self.layouts:
            raise ValueError(f"feed {self.feed}: at least one layout is needed")
        if lacking := self.stichtag.needs - set(re.compile(self.name_pattern).groupindex):
            raise ValueError(f"feed {self.feed}: name_pattern lacks the group {sorted(lacking)}")
        return self

    @cached_property
    def landed_columns(self) -> tuple[Column, ...]:
        """The columns that are stored; what is `nicht_landen` is read past."""
        return tuple(c for c in self.columns if c.sensitivity != "nicht_landen")

    @cached_property
    def version(self) -> str:
        """A short hash of the whole contract; a delivery is landed again when it changes."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:12]

    @cached_property
    def condition_feeds(self) -> frozenset[str]:
        """Feeds whose rows decide what a mark of this feed means."""
        return frozenset(
            mark.when.feed for column in self.columns for mark in column.marks if mark.when
        )

    def stichtag_of(self, file_name: str) -> date | None:
        """Return the Stichtag that a file name stands for, or None if it fits no name."""
        match = re.fullmatch(self.name_pattern, file_name)
        if not match:
            return None
        parts = match.groupdict()
        year, month = (int(parts[p]) if parts.get(p) else None for p in ("jahr", "monat"))
        try:
            return self.stichtag.of(year, month)
        except ValueError:  # a month 13, a year 0
            return None

    def layouts_at(self, stichtag: date) -> list[AnyLayout]:
        """Return the layouts that were agreed for a Stichtag, in the contract's order."""
        return [
            layout for layout in self.layouts if layout.valid_from <= stichtag <= layout.valid_to
        ]

    def publishable_from(self, stichtag: date) -> date:
        """Return the first day on which values of a Stichtag may leave the sealed zone."""
        return stichtag + timedelta(days=self.embargo_days)


def header_of(layout: Layout, column: Column) -> str:
    """Return the column's name in files of this layout."""
    return layout.headers.get(column.name, column.header)


def read_feed(path: Path) -> Feed:
    """Read one contract.

    Raises:
        ValueError: the contract is not well formed; the message names the file and the key.
    """
    import yaml

    try:
        return Feed.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (ValueError, yaml.YAMLError) as error:
        raise ValueError(f"contract {path.parent.parent.name}/{path.name}: {error}") from error
