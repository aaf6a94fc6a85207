"""Made-up releases of any size, to measure engine and auditor and to test them.

Only numbers drawn from a fixed seed belong here, nothing from a partner.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from disclosure.release import Release
from disclosure.specification import make_release

if TYPE_CHECKING:
    import pyarrow as pa


def areas(count: int, municipalities: int) -> list[list[str]]:
    """Return a hierarchy of areas, spread evenly over municipalities (0: directly below Total)."""
    if not municipalities:
        return [[f"S{i:04d}", "Total"] for i in range(count)]
    tops = [f"M{i:03d}" for i in range(municipalities)]
    pairs = [[top, "Total"] for top in tops]
    return pairs + [[f"S{i:04d}", tops[i * municipalities // count]] for i in range(count)]


def flat(prefix: str, count: int) -> list[list[str]]:
    """Return a dimension without levels."""
    return [[f"{prefix}{i:02d}", "Total"] for i in range(count)]


def crossing(dims: dict[str, list[list[str]]], mean: float, spread: float, seed: int) -> "pa.Table":
    """Draw a count for every crossing of leaves; zeros are left out.

    Args:
        dims: the hierarchies.
        mean: the mean count of an atom.
        spread: how unequal the codes of each dimension are (0: equal).
        seed: of the drawing.
    """
    import pyarrow as pa

    random = np.random.Generator(np.random.PCG64(seed))
    leaves = [[c for c, _ in pairs if c not in {p for _, p in pairs}] for pairs in dims.values()]
    expected = np.full([len(codes) for codes in leaves], mean)
    for axis, codes in enumerate(leaves):
        share = np.exp(random.normal(0, spread, len(codes)) - spread**2 / 2)
        expected = expected * share.reshape([-1 if i == axis else 1 for i in range(len(leaves))])
    counts = random.poisson(expected)
    where = np.nonzero(counts)
    columns = {
        name: pa.array(np.array(codes)[index])
        for name, codes, index in zip(dims, leaves, where, strict=True)
    }
    return pa.table({**columns, "n": counts[where]})


def population(*, count: int = 93, municipalities: int = 10, nationalities: int = 3) -> Release:
    """Return areas × 20 ages × 2 sexes × nationalities: 26,208 cells, 3,729 of them sensitive."""
    dims = {
        "geo": areas(count, municipalities),
        "age": flat("A", 20),
        "sex": flat("X", 2),
        "nat": flat("N", nationalities),
    }
    return _of(dims, [list(dims)], crossing(dims, 6.0, 0.8, 11))


def many_areas(*, count: int = 2000, municipalities: int = 100, mean: float = 22.0) -> Release:
    """Return areas × 20 ages × 2 sexes with 2 % sensitive cells."""
    dims = {"geo": areas(count, municipalities), "age": flat("A", 20), "sex": flat("X", 2)}
    return _of(dims, [list(dims)], crossing(dims, mean, 0.45, 12))


def linked() -> Release:
    """Return four tables over the same atoms, none of which has all dimensions."""
    dims = {
        "geo": areas(40, 5),
        "age": flat("A", 8),
        "sex": flat("X", 2),
        "nat": flat("N", 4),
    }
    tables = [["geo", "age"], ["geo", "sex"], ["geo", "nat"], ["age", "sex", "nat"]]
    return _of(dims, tables, crossing(dims, 1.5, 0.8, 13))


def overlapping() -> Release:
    """Return areas and postal codes that cross each other, each by age."""
    dims = {"geo": areas(40, 5), "plz": flat("P", 12), "age": flat("A", 6)}
    cells = crossing(dims, 2.5, 0.9, 14)
    random = np.random.Generator(np.random.PCG64(15))
    first = random.integers(0, 12, 40)
    second = (first + random.integers(1, 4, 40)) % 12
    area = np.char.lstrip(cells["geo"].to_numpy(zero_copy_only=False).astype(str), "S")
    code = np.char.lstrip(cells["plz"].to_numpy(zero_copy_only=False).astype(str), "P")
    area, code = area.astype(int), code.astype(int)
    cells = cells.filter((code == first[area]) | (code == second[area]))
    return _of(dims, [["geo", "age"], ["plz", "age"]], cells, support=[["geo", "plz"]])


def two_years() -> Release:
    """Return two years with their sum."""
    dims = {"geo": areas(40, 5), "age": flat("A", 6), "year": flat("Y", 2)}
    return _of(dims, [list(dims)], crossing(dims, 6.0, 0.9, 16))


def by_carrier() -> Release:
    """Return staff by area and kind of facility, each amount with the carrier that holds it."""
    import pyarrow as pa

    dims = {"geo": areas(24, 4), "kind": flat("K", 4)}
    random = np.random.Generator(np.random.PCG64(17))
    rows = 400
    return make_release(
        {
            "name": "by_carrier",
            "dims": dims,
            "tables": [["geo", "kind"]],
            "kind": "magnitude",
            "p": 10,
            "minContributors": 3,
        },
        pa.table(
            {
                "geo": [f"S{i:04d}" for i in random.integers(0, 24, rows)],
                "kind": [f"K{i:02d}" for i in random.integers(0, 4, rows)],
                "holder": [f"T{i:02d}" for i in random.integers(0, 30, rows)],
                "value": np.round(random.lognormal(2, 1, rows), 1),
            }
        ),
    )


def _of(dims: dict, tables: Sequence[Sequence[str]], cells: "pa.Table", **more: object) -> Release:
    return make_release({"dims": dims, "tables": tables, "maxN": 2, **more}, cells)
