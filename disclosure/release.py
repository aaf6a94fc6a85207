"""A release: all tables of counts that are published together.

What it consists of belongs here. How it is read and checked does not (`specification`, `keys`), nor
which cells it publishes: the engine and the auditor each work that out for themselves.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import pyarrow as pa

TOTAL = "Total"


class ReleaseError(ValueError):
    """A release cannot be protected as it was handed in; the message names all that is wrong."""


@dataclass(frozen=True)
class Dimension:
    """A hierarchy of codes below `Total`.

    Attributes:
        codes: all codes without `Total`, in the order of the specification.
        parents: the parent of each code; `Total` at the top.
    """

    name: str
    codes: tuple[str, ...]
    parents: tuple[str, ...]

    @cached_property
    def parent_of(self) -> dict[str, str]:
        """The parent of each code."""
        return dict(zip(self.codes, self.parents, strict=True))

    @cached_property
    def leaves(self) -> tuple[str, ...]:
        """The codes that are nobody's parent."""
        inner = set(self.parents)
        return tuple(code for code in self.codes if code not in inner)

    def path(self, code: str) -> tuple[str, ...]:
        """Return the code and all above it, `Total` last."""
        path = [code]
        while path[-1] != TOTAL:
            path.append(self.parent_of[path[-1]])
        return tuple(path)


@dataclass(frozen=True)
class PartOf:
    """A measure is a part of another one.

    For every combination of leaf codes of the dimensions that both have (without those of
    `where`), the sum of the part is at most the sum of the whole inside `where`.

    Attributes:
        measure: the whole.
        where: codes (leaves or inner) of the whole's dimensions.
    """

    measure: str
    where: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Measure:
    """One population that is counted (or one magnitude).

    Attributes:
        name: `n` where the specification declares no measures.
        max_sensitive: counts from 1 to this are sensitive.
        tables: the dimensions of each table; each is published with all margins and levels.
        dims: the dimensions of all tables, in the order of the release's.
        thema: the theme whose rules in the policy hold for it; none: only its own thresholds do.
        max_small: counts from 1 to this are sensitive in small areas; never less than
            `max_sensitive`.
    """

    name: str
    max_sensitive: int
    tables: tuple[tuple[str, ...], ...]
    dims: tuple[str, ...]
    part_of: tuple[PartOf, ...] = ()
    thema: str = ""
    max_small: int = 0


@dataclass(frozen=True)
class SmallAreas:
    """The areas for which the stricter threshold holds, and in which small counts can meet.

    Attributes:
        dimension: the dimension of areas.
        codes: the small ones; not those that stand for what has no place.
    """

    dimension: str
    codes: tuple[str, ...]


@dataclass(frozen=True)
class Release:
    """All tables that are protected jointly.

    Attributes:
        support: dimensions of which only those combinations exist at all that occur in the cells.
        p: the p of the p % rule, in percent (magnitudes).
        min_contributors: fewer holders make a magnitude sensitive.
        small_areas: where `max_small` of the measures holds; None: nowhere.
        atoms: by measure the finest cells: its dimensions as text (leaves only) and `n` as int64,
            NULL where the count was withheld at its source; sorted by key, each key once. For
            magnitudes `value` (double) and `holder` (text), one row for each holder. What is not
            listed is zero.
    """

    name: str
    dimensions: Mapping[str, Dimension]
    measures: tuple[Measure, ...]
    support: tuple[tuple[str, ...], ...]
    kind: Literal["freq", "magnitude"]
    p: float
    min_contributors: int
    atoms: Mapping[str, "pa.Table"]
    small_areas: SmallAreas | None = None

    def measure(self, name: str) -> Measure:
        """Return a measure by its name.

        Raises:
            ReleaseError: the release has no such measure.
        """
        for measure in self.measures:
            if measure.name == name:
                return measure
        raise ReleaseError(
            f"release {self.name}: no measure {name!r}; there are {[m.name for m in self.measures]}"
        )

    @property
    def key_columns(self) -> tuple[str, ...]:
        """The columns that name a cell: `measure` where there are several, and every dimension."""
        several = ("measure",) if len(self.measures) > 1 else ()
        return (*several, *self.dimensions)

    @property
    def number_column(self) -> str:
        """`n` for counts, `value` for magnitudes."""
        return "n" if self.kind == "freq" else "value"

    def existing(self, measure: str) -> "list[pa.Table]":
        """Return the combinations that can exist, one table for each entry of `support`.

        An entry is cut to the dimensions of the measure (left out if none remains). A combination
        exists if any measure that has these dimensions lists it, with a zero or without a known
        count, too.
        """
        import pyarrow as pa

        tables = []
        for support in self.support:
            dims = [name for name in support if name in self.measure(measure).dims]
            listed = [
                self.atoms[other.name].select(dims).group_by(dims).aggregate([])
                for other in self.measures
                if dims and set(dims) <= set(other.dims)
            ]
            if listed:
                both = pa.concat_tables(listed).group_by(dims).aggregate([])
                tables.append(both.sort_by([(name, "ascending") for name in dims]))
        return tables
