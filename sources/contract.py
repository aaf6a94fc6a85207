"""What a partner agreed to deliver: the feed contract, read from YAML and checked.

Only the table itself belongs here: columns, codes, missing marks, keys, place, time and
sensitivity. Its forms by period are `layouts.py`, the right to deliver it is `agreement.py`, how
a file is read is `formats/`, what becomes of its rows is `delivery.py`.
"""

import hashlib
import re
from calendar import monthrange
from collections.abc import Mapping
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from sources.layouts import AnyLayout, Strict

KREIS = "kreis"
"""The Liefereinheit that covers the whole county."""

Ebene = Literal["einzeldaten", "aggregat"]
"""Whether the rows are persons or cases (`einzeldaten`) or counts by area (`aggregat`)."""

Sensitivity = Literal["oeffentlich", "intern", "personenbezogen", "identifier", "nicht_landen"]
"""`oeffentlich`: public anyway; `intern`: sealed zone only; `personenbezogen`: sealed zone and
gone when its retention ends; `identifier`: landed as a keyed hash; `nicht_landen`: never stored."""

State = Literal[
    "zero",
    "rounded_zero",
    "suppressed",
    "suppressed_or_unknown",
    "pending",
    "unreliable",
    "not_applicable",
    "flagged",
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


class Condition(Strict):
    """When a mark is a mark: every row of `feed` at the same Stichtag whose key begins
    with this row's key has `equals` in `column`. So an area asks about itself, and a
    larger area about all its parts.
    """

    feed: str
    column: str
    equals: str


class Note(Strict):
    """What is known of a delivery and stands in none of its cells.

    In rows of the Stichtage `stichtage` whose columns `where` hold these values the cells of
    `columns` have the state `state`, whatever they print.
    """

    id: str
    stichtage: tuple[date, ...]
    where: dict[str, str] = Field(default_factory=dict)
    columns: tuple[str, ...]
    state: State
    reason: str
    source: str


class Mark(Strict):
    """A sign that a partner prints instead of a value, and the state it stands for.

    With `regex` the mark is a regular expression that the cell fits as a whole; its one group is
    the value, which is kept, and the state `flagged`: a value limited in meaning, as `(12)`.
    """

    mark: str
    state: State
    when: Condition | None = None
    regex: bool = False

    @model_validator(mode="after")
    def _keeps_its_value(self) -> "Mark":
        if self.regex != (self.state == "flagged"):
            raise ValueError(f"mark {self.mark}: `regex` and the state flagged go together")
        return self


class Column(Strict):
    """One canonical column. `header` is its name in the partner's file."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    header: str
    type: ColumnType
    description: str
    sensitivity: Sensitivity
    required: bool = True
    codes: dict[str, str] | None = Field(None, description="delivered code -> canonical code")
    pattern: str | None = Field(None, description="regular expression that a text fits as a whole")
    separator: str | None = Field(
        None, description="splits a cell with several codes; landed with a comma between them"
    )
    date_format: str = Field(
        "%Y-%m-%d", description="strptime format of a date; layouts may differ"
    )
    minimum: float | None = None
    maximum: float | None = None
    minimum_before: float | None = Field(
        None, description="a mark for zero after such a value last time is missing, not zero"
    )
    marks: tuple[Mark, ...] = ()


class StichtagRule(Strict):
    """How the reference date follows from year, month and day, told by the file's name or, with
    `aus: inhalt`, by what stands above or below its table.

    `jahrestag` is the day `monat`-`tag` of the year plus `jahr_plus`; `tag` needs all three.
    `column` with `column_format` names a column that must say the same in every row.
    """

    rule: Literal[
        "tag", "monatsende", "monatsanfang", "jahresende", "vorjahresende", "jahrestag", "fest"
    ]
    aus: Literal["name", "inhalt"] = "name"
    fixed: date | None = None
    monat: int | None = Field(None, ge=1, le=12)
    tag: int | None = Field(None, ge=1, le=31)
    jahr_plus: int = 0
    column: str | None = None
    column_format: str | None = None

    @model_validator(mode="after")
    def _is_complete(self) -> "StichtagRule":
        if self.rule == "fest" and self.fixed is None:
            raise ValueError("stichtag: rule fest needs `fixed`")
        if self.rule == "jahrestag" and not (self.monat and self.tag):
            raise ValueError("stichtag: rule jahrestag needs `monat` and `tag`")
        if self.column and not self.column_format:
            raise ValueError("stichtag: `column` needs `column_format`")
        return self

    @property
    def needs(self) -> set[str]:
        """What has to be told: `jahr`, `monat`, `tag`."""
        if self.rule == "fest":
            return set()
        if self.rule == "tag":
            return {"jahr", "monat", "tag"}
        return {"jahr", "monat"} if self.rule.startswith("monat") else {"jahr"}

    def of(self, year: int | None, month: int | None = None, day: int | None = None) -> date:
        """Return the Stichtag of a delivery.

        Raises:
            ValueError: there is no such day.
        """
        if self.rule == "fest":
            return self.fixed
        if self.rule == "tag":
            return date(year, month, day)
        if self.rule == "jahrestag":
            return date(year + self.jahr_plus, self.monat, self.tag)
        if self.rule in ("jahresende", "vorjahresende"):
            return date(year - (self.rule == "vorjahresende"), 12, 31)
        return date(year, month, 1 if self.rule == "monatsanfang" else monthrange(year, month)[1])


class Spatial(Strict):
    """How a row lies in space.

    `schluessel`: `column` holds the key of an area of the level `ebene`. `koordinaten`: `x`, `y`
    in `srs`. `adresse`: `kommune` (column with the Kommune's key), `strasse` or
    `strassenschluessel`, `hausnummer`, `zusatz`. `plz`: `column` holds a postcode. `flaeche`: the
    row is an area itself. `keine`: the row lies nowhere (a code list).
    Without a `gebietsstand` the one that is valid at the Stichtag counts.

    Beside areas a key column may say `ohne` (no area; it becomes `<kommune>-ohne`) or `gesamt`
    (the total; it becomes the Kommune's own key). The Kommune is then that of the column
    `kommune` or the only one that the Liefereinheit serves. `grenzen`: coordinates outside the
    county's bounds are an error of the row.
    """

    kind: Literal["schluessel", "koordinaten", "adresse", "plz", "flaeche", "keine"]
    ebene: str = "sozialraum"
    gebietsstand: str | None = None
    column: str | None = None
    x: str | None = None
    y: str | None = None
    srs: int | None = None
    kommune: str | None = None
    strasse: str | None = None
    strassenschluessel: str | None = None
    hausnummer: str | None = None
    zusatz: str | None = None
    ohne: tuple[str, ...] = ()
    gesamt: tuple[str, ...] = ()
    grenzen: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it names."""
        named = (self.column, self.x, self.y, self.kommune, self.strasse)
        named += (self.strassenschluessel, self.hausnummer, self.zusatz)
        return tuple(name for name in named if name)


class Rows(Strict):
    """How many rows may be bad, and how far a delivery may differ from the last one.

    Both are shares. A statistical table is delivered whole or sent back: tolerance 0.
    With `change: warnung` another number of rows than last time is recorded, not refused.
    """

    quarantine_tolerance: float = Field(0.0, ge=0, le=1)
    change_tolerance: float = Field(0.02, ge=0)
    change: Literal["ablehnung", "warnung"] = "ablehnung"


class Rhythm(Strict):
    """When a delivery is due: days after its Stichtag, and how long a delay is no delay.

    `monate` is the distance between two Stichtage; None if it comes when it comes.
    """

    monate: int | None = Field(12, gt=0)
    faellig_nach_tagen: int = Field(90, ge=0)
    karenz_tage: int = Field(30, ge=0)


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
    liefereinheiten: tuple[str, ...] = Field(
        (KREIS,), description="who delivers it; told by the group `liefereinheit` of the file name"
    )
    stichtag: StichtagRule
    zeitraum: Literal["stichtag", "monat", "jahr", "schuljahr"] = "stichtag"
    buchungsschluss_tage: int | None = Field(
        None, ge=0, description="days after the Stichtag up to which late bookings count"
    )
    embargo_days: int = Field(0, ge=0, description="days from Stichtag to publishable_from")
    rhythm: Rhythm = Rhythm()
    spatial: Spatial
    key: tuple[str, ...]
    rows: Rows = Rows()
    notes: tuple[Note, ...] = ()
    columns: tuple[Column, ...]
    layouts: tuple[AnyLayout, ...]

    @model_validator(mode="after")
    def _names_agree(self) -> "Feed":
        names = [column.name for column in self.columns]
        if len(set(names)) != len(names):
            raise ValueError(f"feed {self.feed}: a column name stands twice")
        named = {*self.key, *(n for layout in self.layouts for n in layout.names_used)}
        named |= {*self.spatial.columns, *(n for note in self.notes for n in note.columns)}
        named |= {n for note in self.notes for n in note.where}
        named |= {self.stichtag.column} - {None}
        if taken := TECHNICAL_NAMES & set(names):
            raise ValueError(f"feed {self.feed}: names that landing itself uses: {sorted(taken)}")
        if unknown := named - set(names):
            raise ValueError(f"feed {self.feed}: no such column: {sorted(unknown)}")
        if not self.layouts:
            raise ValueError(f"feed {self.feed}: at least one layout is needed")
        groups = set(re.compile(self.name_pattern).groupindex)
        needs = self.stichtag.needs if self.stichtag.aus == "name" else set()
        if len(self.liefereinheiten) > 1:
            needs = needs | {"liefereinheit"}
        if lacking := needs - groups:
            raise ValueError(f"feed {self.feed}: name_pattern lacks the group {sorted(lacking)}")
        if self.ebene == "aggregat" and (direct := self._of_persons()):
            raise ValueError(
                f"feed {self.feed}: columns of persons {direct} in a table of counts (aggregat)"
            )
        return self

    def _of_persons(self) -> list[str]:
        kinds = ("personenbezogen", "identifier")
        return [column.name for column in self.columns if column.sensitivity in kinds]

    @cached_property
    def landed_columns(self) -> tuple[Column, ...]:
        """The columns that are stored; what is `nicht_landen` is read past."""
        return tuple(c for c in self.columns if c.sensitivity != "nicht_landen")

    def has_state(self, column: Column) -> bool:
        """Return whether landed files have a `<name>__zustand` beside a column."""
        return bool(column.marks) or any(column.name in note.columns for note in self.notes)

    @cached_property
    def identifiers(self) -> tuple[Column, ...]:
        """The columns that are landed as keyed hashes."""
        return tuple(c for c in self.columns if c.sensitivity == "identifier")

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

    def stichtag_of(self, file_name: str, facts: Mapping[str, str] | None = None) -> date | None:
        """Return the Stichtag that a file name (or, `aus: inhalt`, what `facts` of the file) tells.

        None if the name fits no agreed name, or there is no such day.
        """
        match = re.fullmatch(self.name_pattern, file_name)
        if not match:
            return None
        told = match.groupdict() if self.stichtag.aus == "name" else dict(facts or {})
        parts = [int(told[p]) if told.get(p) else None for p in ("jahr", "monat", "tag")]
        try:
            return self.stichtag.of(*parts)
        except (ValueError, TypeError):  # a month 13, a year 0, a file without its year
            return None

    def liefereinheit_named(self, file_name: str) -> str | None:
        """Return how a file name calls the one who delivers it, or None if it says nothing."""
        match = re.fullmatch(self.name_pattern, file_name)
        return match.groupdict().get("liefereinheit") if match else None

    def layouts_at(self, stichtag: date) -> list[AnyLayout]:
        """Return the layouts that were agreed for a Stichtag, in the contract's order."""
        return [
            layout for layout in self.layouts if layout.valid_from <= stichtag <= layout.valid_to
        ]

    def period_of(self, stichtag: date) -> tuple[date, date]:
        """Return first and last day of what a delivery of a Stichtag tells about (`zeitraum`)."""
        year = stichtag.year
        if self.zeitraum == "monat":
            last = monthrange(year, stichtag.month)[1]
            return stichtag.replace(day=1), stichtag.replace(day=last)
        if self.zeitraum == "jahr":
            return date(year, 1, 1), date(year, 12, 31)
        if self.zeitraum == "schuljahr":
            first = year if stichtag >= date(year, 8, 1) else year - 1
            return date(first, 8, 1), date(first + 1, 7, 31)
        return stichtag, stichtag

    def publishable_from(self, stichtag: date) -> date:
        """Return the first day on which values of a Stichtag may leave the sealed zone."""
        return stichtag + timedelta(days=self.embargo_days)


def header_of(layout: AnyLayout, column: Column) -> str:
    """Return the column's name in files of this layout."""
    return layout.headers.get(column.name, column.header)


def date_format_of(layout: AnyLayout, column: Column) -> str:
    """Return how files of this layout write the column's dates."""
    return layout.date_formats.get(column.name, column.date_format)


def read_feed(path: Path, adapted: Mapping[str, object] | None = None) -> Feed:
    """Read one contract; keys of `adapted` take the place of the file's own.

    Raises:
        ValueError: the contract is not well formed; the message names the file and the key.
    """
    import yaml

    try:
        declared = yaml.safe_load(path.read_text(encoding="utf-8"))
        return Feed.model_validate({**declared, **(adapted or {})})
    except (ValueError, yaml.YAMLError) as error:
        raise ValueError(f"contract {path.parent.parent.name}/{path.name}: {error}") from error
