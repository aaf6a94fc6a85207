"""What an index is made of, as arrays: values of areas and parts, and the cells they rest on.

Its parts and classes are handed in; what a class is, `index` works out. Which tables are tried, and
which classes have to go, is a matter of `twins` and `classes`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING

from disclosure.audit.cells import Cells
from disclosure.audit.index import NO_CLASS, IndexRule, index_classes
from disclosure.release import TOTAL, Release

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    import scipy.sparse as sp

    from disclosure.policy import Policy

AREA, AGE = "raum", "altersgruppe"
INHABITANTS = "einwohner melderegister"
_AT_ONCE = 2_000_000
"""So many values of areas and parts are worked out at once."""


@dataclass(frozen=True)
class Side:
    """A count that a part is made of: a `merkmal`, or inhabitants of an age range, or all."""

    merkmal: str | None
    von: int | None
    bis: int | None

    def keys(self, release: Release) -> list[tuple[str, str]]:
        """Return the pairs (measure, age code) whose cells add up to it in every area."""
        if self.merkmal is not None:
            return [(self.merkmal, TOTAL)]
        if self.von is None:
            return [(INHABITANTS, TOTAL)]
        ages = release.dimensions[AGE].codes if AGE in release.dimensions else ()
        high = 999 if self.bis is None else self.bis
        inside = [code for code in ages if self.von <= _ages(code)[0] and _ages(code)[1] <= high]
        return [(INHABITANTS, code) for code in inside]


def _ages(code: str) -> tuple[int, int]:
    """Return the bounds of an age code such as `65-79` or `80+`; what is no age has none."""
    if not code[:2].isdigit():
        return -1, -1
    return int(code[:2]), 999 if code.endswith("+") else int(code[3:5])


@dataclass(frozen=True)
class Index:
    """An index and its classes as they are told.

    Attributes:
        rule: how it is computed.
        referenz: whose areas make the scale; None: each Stichtag on each Gebietsstand its own.
        excluded: areas that take no part.
        width: how far a withheld delivered figure has to be free, to each side.
        sides: numerator and denominator of each part that rests on counts.
        parts: `raum_id`, `gebietsstand`, `stichtag`, `indikator_id`, `teil_stichtag`,
            `nenner_stichtag`, `zaehler`, `nenner`, `wert`, and `geheim`: whether a delivered figure
            is withheld. True values: sealed.
        classes: `raum_id`, `gebietsstand`, `stichtag`, `klasse`; NULL where it is withheld.
    """

    rule: IndexRule
    referenz: date | None
    excluded: frozenset[str]
    width: float
    sides: Mapping[str, tuple[Side, Side]]
    parts: "pa.Table"
    classes: "pa.Table"


@dataclass
class Scale:
    """Areas of an index that are measured on one scale.

    Attributes:
        keys: `raum_id`, `gebietsstand`, `stichtag` of each area.
        over: numerators, or delivered figures; shape (areas, parts), NaN where there is none.
        under: denominators, 1 for delivered figures.
        told: the published class by number, `NO_CLASS` where none is.
    """

    index: Index
    keys: "pa.Table"
    over: "np.ndarray"
    under: "np.ndarray"
    reference: "np.ndarray"
    excluded: "np.ndarray"
    told: "np.ndarray"
    sources: "pa.Table"
    taken: "np.ndarray" = field(init=False)

    def __post_init__(self) -> None:
        """Begin with every class as it is told."""
        import numpy as np

        self.taken = np.zeros(len(self.told), dtype=bool)

    def classes(self, over: "np.ndarray", under: "np.ndarray") -> "np.ndarray":
        """Return the classes in some tables; shape (tables, areas)."""
        import numpy as np

        with np.errstate(invalid="ignore", divide="ignore"):
            values = np.where(under > 0, over / under, np.nan)
        return index_classes(self.index.rule, values, self.reference, self.excluded)

    def differing(self, over: "np.ndarray", under: "np.ndarray") -> "np.ndarray":
        """Return which published classes differ in which tables; shape (tables, areas)."""
        told = (self.told != NO_CLASS) & ~self.taken
        return (self.classes(over, under) != self.told) & told


def make_scales(index: Index) -> list[Scale]:
    """Put the parts of an index into arrays, one scale each."""
    import duckdb
    import numpy as np

    with duckdb.connect() as con:
        con.execute("set threads = 1")
        con.register("parts", index.parts)
        con.register("classes", index.classes)
        rows = con.execute(
            """
            select *, dense_rank() over (
                    partition by skala order by gebietsstand, stichtag, raum_id
                ) - 1 as zeile
            from (
                select *, case when $referenz then '' else gebietsstand || ' ' || stichtag end
                    as skala
                from parts
            )
            order by skala, zeile, indikator_id
            """,
            {"referenz": index.referenz is not None},
        ).to_arrow_table()
        con.register("rows", rows)
        keys = con.execute(
            """
            select distinct skala, zeile, raum_id, gebietsstand, stichtag, klasse
            from rows left join classes using (raum_id, gebietsstand, stichtag)
            order by skala, zeile
            """
        ).to_arrow_table()
    columns = [part.indikator_id for part in index.rule.parts]
    numbers = {limits.klasse: number for number, limits in enumerate(index.rule.classes)}
    scales = []
    for skala in dict.fromkeys(keys["skala"].to_pylist()):
        own, areas = _of(rows, "skala", skala), _of(keys, "skala", skala)
        part = np.array([columns.index(i) for i in own["indikator_id"].to_pylist()], dtype=np.int64)
        place = (own["zeile"].to_numpy(), part)
        over, under = np.full((2, len(areas), len(columns)), np.nan)
        counted = own["nenner"].is_valid().to_numpy()
        over[place] = np.where(counted, _floats(own, "zaehler"), _floats(own, "wert"))
        under[place] = np.where(counted, _floats(own, "nenner"), 1)
        dates = areas["stichtag"].to_pylist()
        scales.append(
            Scale(
                index=index,
                keys=areas.select(["raum_id", "gebietsstand", "stichtag"]),
                over=over,
                under=under,
                reference=np.array([index.referenz in (None, day) for day in dates]),
                excluded=np.isin(areas["raum_id"].to_pylist(), list(index.excluded)),
                told=np.array([numbers.get(k, NO_CLASS) for k in areas["klasse"].to_pylist()]),
                sources=own.append_column("teil", [place[1]]),
            )
        )
    return scales


def _of(table: "pa.Table", column: str, value: object) -> "pa.Table":
    import pyarrow.compute as pc

    return table.filter(pc.equal(table[column], value))


def _floats(table: "pa.Table", column: str) -> "np.ndarray":
    import numpy as np
    import pyarrow as pa

    return table[column].cast(pa.float64()).fill_null(np.nan).to_numpy()


def move_figures(scale: Scale) -> None:
    """Take the classes that follow a withheld delivered figure within its width."""
    import numpy as np
    import pyarrow.compute as pc

    withheld = scale.sources.filter(
        pc.and_(scale.sources["geheim"], scale.sources["wert"].is_valid())
    )
    withheld = withheld.filter(withheld["nenner"].is_null())
    if not len(withheld):
        return
    rows, parts = withheld["zeile"].to_numpy(), withheld["teil"].to_numpy()
    for sign in (1, -1):
        over = np.repeat(scale.over[None], len(rows), axis=0)
        over[np.arange(len(rows)), rows, parts] += sign * scale.index.width
        under = np.broadcast_to(scale.under, over.shape)
        scale.taken |= scale.differing(over, under).any(axis=0)


@dataclass(frozen=True)
class Protected:
    """A release of counts with its pattern, as the audit of classes takes it.

    Attributes:
        unsatisfiable: keys of cells that nothing can protect, as the evidence says; whether that is
            so, the auditor of patterns judges.
    """

    gebietsstand: str
    stichtag: date
    release: Release
    pattern: "pa.Table"
    primary: "pa.Table | None" = None
    given: "pa.Table | None" = None
    known: "pa.Table | None" = None
    old: "pa.Table | None" = None
    unsatisfiable: "pa.Table | None" = None
    policy: "Policy | None" = None


@dataclass(frozen=True)
class Touch:
    """Which withheld cells of a release are in which values of a scale.

    Attributes:
        over: numerators: values (areas × parts, flat) × what is watched, 0/1.
        under: denominators.
    """

    scale: Scale
    over: "sp.csr_array"
    under: "sp.csr_array"

    def differing(self, deltas: "sp.csr_array") -> "np.ndarray":
        """Return which published classes differ in which tables.

        Args:
            deltas: how much what is watched differs from the truth, (tables, watched).
        """
        import numpy as np
        import scipy.sparse as sp

        over, under = sp.csr_array(deltas @ self.over.T), sp.csr_array(deltas @ self.under.T)
        shape = self.scale.over.shape
        result = np.zeros((deltas.shape[0], shape[0]), dtype=bool)
        (moved,) = np.nonzero((np.diff(over.indptr) > 0) | (np.diff(under.indptr) > 0))
        step = max(1, _AT_ONCE // self.scale.over.size)
        for start in range(0, len(moved), step):
            some = moved[start : start + step]
            result[some] = self.scale.differing(
                self.scale.over + over[some].toarray().reshape(-1, *shape),
                self.scale.under + under[some].toarray().reshape(-1, *shape),
            )
        return result


def beside(touch: Touch, rests: int) -> Touch:
    """Return a touch where so many sums are watched beside the cells; they are no parts."""
    import scipy.sparse as sp

    def wide(side: "sp.csr_array") -> "sp.csr_array":
        nothing = sp.csr_array((side.shape[0], rests), dtype=side.dtype)
        return sp.csr_array(sp.hstack([side, nothing]))

    return replace(touch, over=wide(touch.over), under=wide(touch.under))


def find_touches(
    scales: Sequence[Scale], protected: Protected, cells: Cells, withheld: "np.ndarray"
) -> list[Touch]:
    """Find the withheld cells of a release that are parts of an index."""
    touches = []
    for scale in scales:
        sides = [
            _entries(scale, protected, cells, withheld, side, column)
            for side, column in enumerate(("teil_stichtag", "nenner_stichtag"))
        ]
        if any(side.nnz for side in sides):
            touches.append(Touch(scale, *sides))
    return touches


def _entries(
    scale: Scale,
    protected: Protected,
    cells: Cells,
    withheld: "np.ndarray",
    side: int,
    column: str,
) -> "sp.csr_array":
    """Return values × withheld cells, 0/1, for one side of the parts."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc
    import scipy.sparse as sp

    release = protected.release
    width = scale.over.shape[1]
    here = pc.and_(
        pc.equal(scale.sources["gebietsstand"], protected.gebietsstand),
        pc.equal(scale.sources[column], protected.stichtag),
    )
    own = scale.sources.filter(here)
    values, places = [], []
    measures = {measure.name for measure in release.measures}
    for indikator_id, sides in scale.index.sides.items():
        rows = _of(own, "indikator_id", indikator_id)
        for measure, age in sides[side].keys(release):
            if not len(rows) or measure not in measures:
                continue
            keys = {"measure": measure, AREA: rows["raum_id"], AGE: age}
            table = pa.table(
                {
                    name: keys.get(name, TOTAL)
                    if name == AREA
                    else pa.repeat(keys.get(name, TOTAL), len(rows))
                    for name in release.key_columns
                }
            )
            values.append(rows["zeile"].to_numpy() * width + rows["teil"].to_numpy())
            places.append(cells.find(table))
    value = np.concatenate([np.zeros(0, dtype=np.int64), *values])
    place = np.concatenate([np.zeros(0, dtype=np.int64), *places])
    position = np.full(len(cells.key) + 1, -1)  # −1: the release has no such cell
    position[withheld] = np.arange(len(withheld))
    found = position[place] >= 0
    entries = (np.ones(int(found.sum()), dtype=np.int64), (value[found], position[place[found]]))
    return sp.csr_array(entries, shape=(scale.over.size, len(withheld)))
