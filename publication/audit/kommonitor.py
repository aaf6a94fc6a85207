"""The audit of KomMonitor's import files: shapes, records, mappings and every value of the series.

Shares the names of files and fields with the writer and none of its steps.
"""

import csv
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from publication.audit.reading import PATH, open_marts, same_names
from publication.forms.geopackage import GEOPACKAGE
from publication.forms.kommonitor import (
    DIGITS,
    PROPERTIES,
    README,
    Unit,
    unit_mapping_name,
    unit_name,
    unit_record_name,
)
from publication.forms.kommonitor_records import ACCESS
from publication.forms.kommonitor_series import (
    NOTE,
    SCHEMES,
    USUAL_CLASSES,
    indicator_stem,
    mapping_name,
    record_name,
    series_name,
)
from publication.layers import CRS, LEVELS, NO_AREA, SHOWN
from publication.material import Finished

if TYPE_CHECKING:
    import duckdb
    import numpy as np

METADATA = {
    *("description", "contact", "updateInterval", "datasource", "databasis"),
    *("lastUpdate", "sridEPSG", "note", "literature"),
}
UNIT_RECORD = {
    *("spatialUnitLevel", "nextLowerHierarchyLevel", "nextUpperHierarchyLevel"),
    *("periodOfValidity", "metadata", "isOutlineLayer", "jsonSchema", "geoJsonString", *ACCESS),
}
INDICATOR_RECORD = {
    *("datasetName", "abbreviation", "characteristicValue", "indicatorType", "creationType"),
    *("unit", "processDescription", "interpretation", "referenceDateNote", "isHeadlineIndicator"),
    *("displayOrder", "tags", "topicReference", "refrencesToOtherIndicators"),
    *("refrencesToGeoresources", "defaultClassificationMapping", "metadata", *ACCESS),
}
MAPPING = {"converter", "dataSource", "propertyMapping"}
TYPES = {
    "anteil": {"STATUS_RELATIVE"},
    "verhaeltnis": {"STATUS_RELATIVE"},
    "anzahl": {"STATUS_ABSOLUTE"},
    "median": {"STATUS_ABSOLUTE"},
    "saldo": {"DYNAMIC_ABSOLUTE", "DYNAMIC_RELATIVE"},
    "veraenderung": {"DYNAMIC_ABSOLUTE", "DYNAMIC_RELATIVE"},
}
NEAR = 0.1
"""Metres by which a transformed outline may lie beside the GeoPackage's."""


class Series(NamedTuple):
    """A series as the marts ask for it."""

    key: str
    version: int
    level: str
    stem: str
    values: dict[tuple[str, date], float | None]


def names(finished: Finished) -> set[str]:
    """Return the files of this form.

    Shapes of a Gebietsstand that the edition does not show are there if the region has them.
    """
    with finished.open() as con:
        return _names(_shown(con), _units(finished.folder, con), _series(con))


def check(finished: Finished) -> Iterator[str]:
    """Compare shapes, series and records with marts and GeoPackage."""
    folder = finished.folder
    with open_marts(folder) as con:
        shown, units, series = _shown(con), _units(folder, con), _series(con)
        for unit in units:
            is_shown = shown.get(unit.level) == unit.version
            yield from _shapes(con, folder, unit, is_shown=is_shown)
            yield from _unit_mapping(con, folder, unit, is_shown=is_shown)
        yield from _unit_records(finished, shown)
        levels = {level: _json(folder, unit_record_name(level)) for level in shown}
        areas = _areas(con)
        for entry in series:
            name = levels[entry.level].get("spatialUnitLevel")
            yield from _values(folder, entry, areas[entry.level, shown[entry.level]])
            yield from _series_mapping(folder, entry, name)
        yield from _indicator_records(con, folder, series)
        yield from _readme(con, finished)
    for name in sorted(_names(shown, units, series)):
        if not name.endswith(".csv") and PATH.search((folder / name).read_text("utf-8")):
            yield f"{name}: expected no path of a machine, found one"


def _names(shown: Mapping[str, str], units: Sequence[Unit], series: "Sequence[Series]") -> set[str]:
    return {
        README,
        *map(unit_record_name, shown),
        *(unit_name(unit.level, unit.version) for unit in units),
        *map(unit_mapping_name, units),
        *(record_name(entry.stem) for entry in series),
        *(series_name(entry.stem, entry.level) for entry in series),
        *(mapping_name(entry.stem, entry.level) for entry in series),
    }


def _shown(con: "duckdb.DuckDBPyConnection") -> dict[str, str]:
    return dict(con.execute(SHOWN).fetchall())


def _units(folder: Path, con: "duckdb.DuckDBPyConnection") -> list[Unit]:
    """Return levels and Gebietsstände that are shown, or of which there are shapes."""
    rows = con.execute(
        "SELECT raumebene, gebietsstand, min(gueltig_ab), max(gueltig_bis) FROM dim_raum "
        "WHERE raumebene <> ? GROUP BY raumebene, gebietsstand ORDER BY ALL",
        [NO_AREA],
    ).fetchall()
    shown = _shown(con)
    return [
        unit
        for unit in (Unit(*row) for row in rows)
        if shown[unit.level] == unit.version
        or (folder / unit_name(unit.level, unit.version)).exists()
    ]


def _areas(con: "duckdb.DuckDBPyConnection") -> dict[tuple[str, str], list[str]]:
    rows = con.execute(
        "SELECT raumebene, gebietsstand, list(raum_id ORDER BY raum_id) FROM dim_raum GROUP BY ALL"
    ).fetchall()
    return {row[:2]: row[2] for row in rows}


def _series(con: "duckdb.DuckDBPyConnection") -> list[Series]:
    """Return the values of the marts, None where the status is not ok."""
    rows = con.execute(
        f"""
        SELECT indikator_id, version, raumebene, raum_id, stichtag,
            CASE WHEN status = 'ok' THEN wert END
        FROM mart_reihe
        WHERE (raumebene, gebietsstand) IN ({SHOWN})
            AND (indikator_id, version)
                IN (SELECT (indikator_id, version) FROM dim_indikator WHERE art <> 'klasse')
        """
    ).fetchall()
    values: dict[tuple[str, int, str], dict] = {}
    for *which, area, day, value in rows:
        values.setdefault(tuple(which), {})[area, day] = value
    versions: dict[str, set[int]] = {}
    for key, version, _ in values:
        versions.setdefault(key, set()).add(version)
    return [
        Series(
            key,
            version,
            level,
            indicator_stem(key, version, several=len(versions[key]) > 1),
            values[key, version, level],
        )
        for key, version, level in sorted(values)
    ]


def _json(folder: Path, name: str) -> dict:
    return json.loads((folder / name).read_text("utf-8"))


def _shapes(
    con: "duckdb.DuckDBPyConnection", folder: Path, unit: Unit, *, is_shown: bool
) -> Iterator[str]:
    """Compare areas and outlines of one file."""
    import numpy as np
    from shapely.geometry import shape

    name = unit_name(unit.level, unit.version)
    collection = _json(folder, name)
    features = collection["features"]
    if "crs" in collection:
        yield f"{name}: expected longitude and latitude after RFC 7946, found another crs"
    found = [feature["properties"] for feature in features]
    if {key for told in found for key in told} != set(PROPERTIES):
        yield f"{name}: expected the properties {', '.join(PROPERTIES)}, found others"
        return
    expected = con.execute(
        "SELECT raum_id, raum_name, NULL, gueltig_ab::VARCHAR, gueltig_bis::VARCHAR FROM dim_raum "
        "WHERE raumebene = ? AND gebietsstand = ? ORDER BY raum_id",
        [unit.level, unit.version],
    ).fetchall()
    if expected != [tuple(told[key] for key in PROPERTIES) for told in found]:
        yield f"{name}: expected each area of dim_raum once and as there, found others"
    kinds = {(feature["geometry"] or {}).get("type") for feature in features}
    if kinds != {"MultiPolygon"}:
        yield f"{name}: expected multipolygons only, found other kinds of geometry"
        return
    shapes = np.array([shape(feature["geometry"]) for feature in features], dtype=object)
    problems = list(_rules_of_geojson(name, shapes))
    yield from problems
    if is_shown and not problems:
        keys = [told["ID"] for told in found]
        yield from _same_outlines(name, folder, unit.level, keys, shapes)


def _rules_of_geojson(name: str, shapes: "np.ndarray") -> Iterator[str]:
    import numpy as np
    import shapely

    places = shapely.get_coordinates(shapes)
    if (np.abs(places) > (180, 90)).any():
        yield f"{name}: expected longitude and latitude, found places outside of the world"
    if not np.array_equal(np.round(places, DIGITS), places):
        yield f"{name}: expected {DIGITS} digits at most, found more"
    outer = shapely.get_exterior_ring(shapely.get_parts(shapes))
    clockwise = int((~shapely.is_ccw(outer)).sum())
    if clockwise:
        yield f"{name}: expected outlines by the right-hand rule, found {clockwise} clockwise"


def _same_outlines(
    name: str, folder: Path, level: str, keys: Sequence[str], shapes: "np.ndarray"
) -> Iterator[str]:
    """Compare surface and extent with the GeoPackage's, in metres."""
    import numpy as np
    import pyogrio
    import shapely
    from pyproj import Transformer

    _, rows = pyogrio.read_arrow(folder / GEOPACKAGE, layer=level, columns=["raum_id"])
    known = dict(zip(rows.column("raum_id").to_pylist(), rows.column("geom"), strict=True))
    there = [known[key].as_py() if key in known else None for key in keys]
    expected = shapely.from_wkb(np.array(there, dtype=object))
    metres = Transformer.from_crs("OGC:CRS84", CRS, always_xy=True)
    ours = shapely.transform(
        shapes, lambda places: np.column_stack(metres.transform(places[:, 0], places[:, 1]))
    )
    apart = np.abs(shapely.bounds(ours) - shapely.bounds(expected)).max(axis=1)
    surface = np.abs(shapely.area(ours) - shapely.area(expected))
    same = (apart <= NEAR) & (surface <= NEAR * shapely.length(expected))
    other = int((~same).sum())
    if other:
        yield f"{name}: expected the shapes of {GEOPACKAGE}, found {other} others"


def _unit_mapping(
    con: "duckdb.DuckDBPyConnection", folder: Path, unit: Unit, *, is_shown: bool
) -> Iterator[str]:
    name = unit_mapping_name(unit)
    told = _json(folder, name)
    yield from same_names(name, "entries", {*MAPPING, "periodOfValidity"}, told)
    yield from _source(name, told, unit_name(unit.level, unit.version))
    if is_shown:
        yield from _covers(con, name, unit.level, told.get("periodOfValidity", {}))
        period = _json(folder, unit_record_name(unit.level)).get("periodOfValidity")
        if period != told.get("periodOfValidity"):
            yield f"{name}: expected the period of {unit_record_name(unit.level)}, found another"


def _source(name: str, told: Mapping, file: str) -> Iterator[str]:
    parameters = told.get("dataSource", {}).get("parameters")
    if parameters != [{"name": "NAME", "value": Path(file).name}]:
        yield f"{name}: expected {Path(file).name} as its source, found another"


def _covers(
    con: "duckdb.DuckDBPyConnection", name: str, level: str, period: Mapping
) -> Iterator[str]:
    """Demand that each Stichtag of the series lies in the period: KomMonitor hides the others."""
    first, last = con.execute(
        "SELECT min(stichtag)::VARCHAR, max(stichtag)::VARCHAR FROM mart_reihe WHERE raumebene = ?",
        [level],
    ).fetchone()
    if first and not (
        period.get("startDate", "9999") <= first <= last <= period.get("endDate", "9999")
    ):
        yield f"{name}: expected a period that covers all Stichtage of the series, found a shorter"


def _unit_records(finished: Finished, shown: Mapping[str, str]) -> Iterator[str]:
    nested = [level for level in LEVELS if level in shown]
    told = {level: finished.imprint.plural(level) for level in shown}
    for level in shown:
        name = unit_record_name(level)
        record = _json(finished.folder, name)
        yield from same_names(name, "entries", UNIT_RECORD, record)
        yield from _metadata(name, record.get("metadata", {}))
        place = nested.index(level) if level in nested else None
        below = told[nested[place - 1]] if place else None
        above = told[nested[place + 1]] if place is not None and place + 1 < len(nested) else None
        hierarchy = tuple(
            record.get(key)
            for key in ("spatialUnitLevel", "nextLowerHierarchyLevel", "nextUpperHierarchyLevel")
        )
        if hierarchy != (told[level], below, above):
            yield f"{name}: expected its name and place in the hierarchy of levels, found others"


def _metadata(name: str, metadata: Mapping) -> Iterator[str]:
    yield from same_names(name, "metadata", METADATA, metadata)
    if metadata.get("sridEPSG") != 4326:  # noqa: PLR2004
        yield f"{name}: expected sridEPSG 4326, found another"


def _values(folder: Path, entry: Series, areas: Sequence[str]) -> Iterator[str]:
    """Compare every value of a series with mart_reihe."""
    name = series_name(entry.stem, entry.level)
    with (folder / name).open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    days = sorted({day for _, day in entry.values})
    if header != ["ID", *map(str, days)]:
        yield f"{name}: expected ID and the Stichtage of mart_reihe as columns, found others"
        return
    if [row[0] for row in rows] != list(areas):
        yield f"{name}: expected each area of dim_raum once, found others"
        return
    exposed = different = 0
    for area, *cells in rows:
        for day, cell in zip(days, cells, strict=True):
            value = entry.values.get((area, day))
            exposed += value is None and cell != ""
            different += value is not None and (cell == "" or float(cell) != value)
    if exposed:
        yield f"{name}: expected no value where mart_reihe has none that is ok, found {exposed}"
    if different:
        yield f"{name}: expected the values of mart_reihe, found {different} others"


def _series_mapping(folder: Path, entry: Series, level: str | None) -> Iterator[str]:
    name = mapping_name(entry.stem, entry.level)
    told = _json(folder, name)
    yield from same_names(name, "entries", {*MAPPING, "targetSpatialUnitName"}, told)
    yield from _source(name, told, series_name(entry.stem, entry.level))
    days = sorted({str(day) for _, day in entry.values})
    columns = [{"indicatorValueProperty": day, "timestamp": day} for day in days]
    if told.get("propertyMapping", {}).get("timeseriesMappings") != columns:
        yield f"{name}: expected the Stichtage of its series, found others"
    if told.get("targetSpatialUnitName") != level:
        yield f"{name}: expected the name of the level {entry.level}, found another"


def _indicator_records(
    con: "duckdb.DuckDBPyConnection", folder: Path, series: Sequence[Series]
) -> Iterator[str]:
    definitions = _definitions(con)
    limits = dict(
        con.execute(
            "SELECT indikator_id, list(bis ORDER BY klasse) FROM dim_klassengrenze "
            "WHERE name IS NULL GROUP BY indikator_id"
        ).fetchall()
    )
    for stem, key, version in sorted({(entry.stem, entry.key, entry.version) for entry in series}):
        name = record_name(stem)
        record = _json(folder, name)
        yield from same_names(name, "entries", INDICATOR_RECORD, record)
        yield from _metadata(name, record.get("metadata", {}))
        yield from _definition(name, record, definitions[key, version])
        yield from _classes(name, record, limits.get(key, []))
        if NOTE not in record.get("metadata", {}).get("note", ""):
            yield f"{name}: expected a note on what an empty cell means, found none"


def _definitions(con: "duckdb.DuckDBPyConnection") -> dict[tuple[str, int], tuple]:
    rows = con.execute(
        "SELECT indikator_id, version, name, coalesce(einheit, ''), art, definition, "
        "zaehler_definition, nenner_definition FROM dim_indikator"
    ).fetchall()
    return {row[:2]: row[2:] for row in rows}


def _definition(name: str, record: Mapping, definition: Sequence) -> Iterator[str]:
    title, unit, art, *texts = definition
    if not record.get("datasetName", "").startswith(title) or record.get("unit") != unit:
        yield f"{name}: expected name and unit of dim_indikator, found others"
    if any(text and text not in record.get("processDescription", "") for text in texts):
        yield f"{name}: expected the definition of dim_indikator, found another"
    if record.get("indicatorType") not in TYPES[art]:
        yield f"{name}: expected a type for an indicator of art {art}, found another"


def _classes(name: str, record: Mapping, limits: Sequence[float | None]) -> Iterator[str]:
    """Compare the limits that the record tells, and how many classes, with dim_klassengrenze."""
    told = record.get("interpretation", "").partition("Klassen der Karten:")[2]
    numbers = re.findall(r"bis ([−\d.,]*\d)", told)
    found = [
        float(number.replace(".", "").replace(",", ".").replace("−", "-")) for number in numbers
    ]
    if found != [limit for limit in limits if limit is not None]:
        yield f"{name}: expected the limits of dim_klassengrenze, found others"
    classes = record.get("defaultClassificationMapping", {})
    if classes.get("numClasses") != (len(limits) or USUAL_CLASSES) or classes.get("items") != []:
        yield f"{name}: expected as many classes as dim_klassengrenze has, found others"
    if classes.get("colorBrewerSchemeName") not in SCHEMES.values():
        yield f"{name}: expected a colour scheme of the legends, found another"


def _readme(con: "duckdb.DuckDBPyConnection", finished: Finished) -> Iterator[str]:
    text = (finished.folder / README).read_text("utf-8")
    if finished.manifest["edition_id"] not in text:
        yield f"{README}: expected the edition's id, found none"
    classes = con.execute(
        "SELECT DISTINCT indikator_id FROM dim_indikator WHERE art = 'klasse' ORDER BY ALL"
    ).fetchall()
    for (key,) in classes:
        if key not in text:
            yield f"{README}: expected {key} among what is left out, found no such entry"
