"""What records say of an edition, whatever their format: extents, lineage and texts in German.

Not here: the formats (`iso`, `dcat`), and names and identifiers (`declared`).
"""

from collections.abc import Callable, Mapping
from datetime import date
from math import ceil, floor
from typing import NamedTuple

from publication.layers import CRS, ordered_levels
from publication.material import Material
from publication.numbers import day, number

DIGITS = 5
"""Decimal places of a degree, about a metre; extents are rounded outwards."""


class Extent(NamedTuple):
    """Where and when: degrees in WGS 84, and the first and last Stichtag with figures."""

    west: float
    south: float
    east: float
    north: float
    begin: date | None
    end: date | None


def extents(material: Material) -> dict[str | None, Extent]:
    """Return the extent of each level that has shapes, and under None that of all together."""
    days = _days(material)
    boxes = _boxes(material)
    found = {
        level: Extent(*boxes[level], *days.get(level, (None, None)))
        for level in ordered_levels(material.shapes)
    }
    west, south, east, north = zip(*boxes.values(), strict=True)
    whole = (min(west), min(south), max(east), max(north))
    return {**found, None: Extent(*whole, *days.get(None, (None, None)))}


def written(material: Material) -> list[str]:
    """Return the relative paths of the files that stand in the draft so far, in order."""
    found = (path for path in material.folder.rglob("*") if path.is_file())
    return sorted(path.relative_to(material.folder).as_posix() for path in found)


def _boxes(material: Material) -> dict[str, tuple[float, float, float, float]]:
    """Return west, south, east and north of each level, over all points of its shapes."""
    import numpy as np
    import shapely
    from pyproj import Transformer

    to_degrees = Transformer.from_crs(CRS, "EPSG:4326", always_xy=True)
    levels = np.array(material.shapes.column("raumebene").to_pylist())
    shapes = shapely.from_wkb(material.shapes.column("geometry").to_numpy())
    boxes = {}
    for level in np.unique(levels):
        x, y = to_degrees.transform(*shapely.get_coordinates(shapes[levels == level]).T)
        boxes[str(level)] = (
            _rounded(x.min(), floor),
            _rounded(y.min(), floor),
            _rounded(x.max(), ceil),
            _rounded(y.max(), ceil),
        )
    return boxes


def _rounded(value: float, how: Callable[[float], int]) -> float:
    return how(float(value) * 10**DIGITS) / 10**DIGITS


def _days(material: Material) -> dict[str | None, tuple[date, date]]:
    """Return the first and last Stichtag of each level, and under None of all."""
    with material.open() as con:
        return {
            level: (first, last)
            for level, first, last in con.execute(
                """
                WITH tage AS (
                    SELECT raumebene, stichtag FROM mart_indikator
                    UNION SELECT raumebene, stichtag FROM mart_index
                    UNION SELECT raumebene, stichtag FROM mart_bevoelkerung
                )
                SELECT raumebene, min(stichtag), max(stichtag) FROM tage
                GROUP BY GROUPING SETS ((raumebene), ())
                """
            ).fetchall()
        }


def origin(facts: Mapping) -> str:
    """Return in one paragraph what an edition was made from and what it has passed.

    Args:
        facts: the manifest; without file names, checksums and names of contacts.
    """
    deliveries = facts.get("deliveries", ())
    partners = sorted({delivery["partner"] for delivery in deliveries})
    parts = [
        f"Gebildet aus {number(len(deliveries))} Lieferungen von {number(len(partners))} Partnern.",
        "Kleine Zahlen sind geschützt, bevor Quoten, Vergleiche und Indizes aus ihnen gebildet "
        "werden; ein fehlender Wert ist nicht null, seinen Grund nennt die Spalte status.",
    ]
    return " ".join([*parts, *rules(facts), *gates(facts)])


def rules(facts: Mapping) -> list[str]:
    """Return the versions of the rules as sentences."""
    told = facts.get("rule_versions", {})
    names = {"region": "Region", "privacy": "Geheimhaltung"}
    found = [f"{name} {told[key]}" for key, name in names.items() if key in told]
    code = [f"Programm {facts['code_version']}"] if facts.get("code_version") else []
    versions = ", ".join([*found, *code])
    return [f"Stand der Regeln: {versions}."] if versions else []


def gates(facts: Mapping) -> list[str]:
    """Return the gates that the edition had passed when its files were written, as sentences."""
    names = {"plausibility": "Plausibilität", "privacy": "Geheimhaltung"}
    passed = [
        f"{names[gate]} ({number(told['rules'])} Regeln)"
        for gate, told in sorted(facts.get("gates", {}).items())
        if gate in names and told["passed"]
    ]
    return [f"Bestandene Prüfungen: {', '.join(passed)}."] if passed else []


def sources(facts: Mapping) -> list[str]:
    """Return one line for each feed, partner, Liefereinheit and Stichtag.

    It tells no numbers of rows: those of persons are a count, which is protected elsewhere.
    """
    versions = facts.get("rule_versions", {}).get("contracts", {})
    keys = {
        tuple(delivery[name] for name in ("feed", "partner", "liefereinheit", "stichtag"))
        for delivery in facts.get("deliveries", ())
    }
    return [
        f"{feed} (Vertrag {versions.get(feed, '–')}), Partner {partner}, Liefereinheit {unit}, "
        f"Stichtag {_day(stichtag)}"
        for feed, partner, unit, stichtag in sorted(keys)
    ]


def _day(text: str) -> str:
    return day(date.fromisoformat(text))
