"""How the areas of one Gebietsstand relate to those of another: shares by surface, and how values
were carried over.

Surfaces come from the region's shapes, what is told of carrying over from `mart_umrechnung`. Not
here: weights by address, which the marts use themselves.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

from publication.catalogue.declared import CONCORDANCE, SLIVER, concordance_file
from publication.catalogue.tables import write_rows
from publication.material import Material

if TYPE_CHECKING:
    import duckdb
    import numpy as np

COMPARED = ("sozialraum", "kommune")
"""Levels whose areas are compared."""

TOLD = ("methode", "anteil_umgerechnet", "fehler_anteil")
"""What `mart_umrechnung` says of a new area."""


class _Areas(NamedTuple):
    """Areas of one level and Gebietsstand that have a shape, in the order of their keys."""

    keys: list[str]
    names: list[str | None]
    shapes: "np.ndarray"


def write(material: Material) -> None:
    """Write a file for each pair of Gebietsstände that have something to compare, older to newer.

    A row is a pair of areas that overlap by at least `SLIVER` percent of one of them. An area
    without a counterpart has a row of its own. Where one of the two Gebietsstände has no shapes,
    there is a row for each area that `mart_umrechnung` names, with its method alone.
    """
    with material.open() as con:
        ages = dict(
            con.execute(
                "SELECT gebietsstand, min(gueltig_ab) FROM dim_raum GROUP BY ALL"
            ).fetchall()
        )
        areas = _areas(con, material)
        told = _told(con)
    stands = sorted(ages, key=lambda stand: (ages[stand] or date.min, stand))
    pairs = list(combinations(stands, 2))
    pairs += sorted({(before, after) for before, after, _ in told} - set(pairs))
    for before, after in pairs:
        rows = [
            {"raumebene": level, **row}
            for level in COMPARED
            for row in _rows(
                areas.get((before, level)),
                areas.get((after, level)),
                told.get((before, after, level), {}),
            )
        ]
        if rows:
            write_rows(material.folder / concordance_file(before, after), CONCORDANCE, rows)


def _areas(con: "duckdb.DuckDBPyConnection", material: Material) -> dict[tuple[str, str], _Areas]:
    """Return the published areas that have a shape, by Gebietsstand and level."""
    import numpy as np
    import pyarrow.parquet as pq
    import shapely

    # read by pyarrow: DuckDB would take the geometry of a GeoParquet file for its own type
    drawn = pq.ParquetFile(material.areas).read(
        ["raum_id", "gebietsstand", "raumebene", "geometry"]
    )
    con.register("drawn", drawn)
    found = con.execute(
        """
        SELECT gebietsstand, raumebene, raum_id, raum_name, geometry
        FROM dim_raum JOIN drawn USING (gebietsstand, raumebene, raum_id)
        WHERE list_contains(?, raumebene) ORDER BY ALL
        """,
        [list(COMPARED)],
    ).fetchall()
    groups: dict[tuple[str, str], list[tuple]] = {}
    for stand, level, *area in found:
        groups.setdefault((stand, level), []).append(tuple(area))
    return {
        key: _Areas(
            [area for area, _, _ in rows],
            [name for _, name, _ in rows],
            np.array(shapely.from_wkb([shape for _, _, shape in rows]), dtype=object),
        )
        for key, rows in groups.items()
    }


def _told(con: "duckdb.DuckDBPyConnection") -> dict[tuple[str, str, str], dict[str, dict]]:
    """Return what is said of each new area, by both Gebietsstände and its level."""
    told: dict[tuple[str, str, str], dict[str, dict]] = {}
    for before, after, level, area, *rest in con.execute(
        f"SELECT gebietsstand_von, gebietsstand_nach, raumebene, raum_id_nach, {', '.join(TOLD)} "
        "FROM mart_umrechnung ORDER BY ALL"
    ).fetchall():
        told.setdefault((before, after, level), {})[area] = dict(zip(TOLD, rest, strict=True))
    return told


def _rows(old: _Areas | None, new: _Areas | None, told: Mapping[str, Mapping]) -> Iterator[dict]:
    if old is None or new is None:
        for area, rest in sorted(told.items()):
            yield {"raum_id_nach": area, **rest}
        return
    overlaps = list(_overlaps(old, new))
    alone = [(n, None) for n in sorted(set(range(len(old.keys))) - {n for n, *_ in overlaps})]
    added = [(None, n) for n in sorted(set(range(len(new.keys))) - {n for _, n, *_ in overlaps})]
    for n, m, *figures in (*overlaps, *alone, *added):
        surface, of_old, of_new = figures or (None, None, None)
        yield {
            "raum_id_von": None if n is None else old.keys[n],
            "raum_name_von": None if n is None else old.names[n],
            "raum_id_nach": None if m is None else new.keys[m],
            "raum_name_nach": None if m is None else new.names[m],
            "flaeche_km2": surface,
            "anteil_von_prozent": of_old,
            "anteil_nach_prozent": of_new,
            **({} if m is None else told.get(new.keys[m], {})),
        }


def _overlaps(old: _Areas, new: _Areas) -> Iterator[tuple[int, int, float, float, float]]:
    """Return pairs that overlap: both places, km², percent of the old area and of the new one."""
    import shapely

    n, m = shapely.STRtree(new.shapes).query(old.shapes, predicate="intersects")
    surface = shapely.area(shapely.intersection(old.shapes[n], new.shapes[m]))
    of_old = 100 * surface / shapely.area(old.shapes[n])
    of_new = 100 * surface / shapely.area(new.shapes[m])
    for row in sorted(zip(n, m, surface, of_old, of_new, strict=True)):
        place, other, square_metres, first, second = (float(value) for value in row)
        if max(first, second) >= SLIVER:
            yield (
                int(place),
                int(other),
                round(square_metres / 1e6, 6),
                round(first, 3),
                round(second, 3),
            )
