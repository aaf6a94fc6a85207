"""Import files for KomMonitor: its spatial units, and in which order all is imported.

Here belong the levels of areas, their shapes and how the importer reads them. Not here: indicators
and their series (`kommonitor_series.py`), what records share (`kommonitor_records.py`), and what is
published.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from publication.forms import kommonitor_series
from publication.forms.kommonitor_records import (
    ACCESS,
    FOLDER,
    ID,
    file_source,
    metadata,
    write_json,
)
from publication.layers import CRS, LEVELS, NO_AREA, multipolygons, ordered_levels
from publication.material import Material
from publication.tables import PublishedTable, literal, table_named

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

README = f"{FOLDER}/LIESMICH.txt"
PAGE = Path(__file__).parents[1] / "pages" / "kommonitor.txt"

NAME, ARISEN, BEGIN, END = "NAME", "arisenFrom", "validStartDate", "validEndDate"
PROPERTIES = (ID, NAME, ARISEN, BEGIN, END)
UNKNOWN_BEGIN = date(1900, 1, 1)
"""KomMonitor demands a first day, also of boundaries of which nobody knows it."""
DIGITS = 7
"""Of degrees: about a centimetre."""

NEEDED = {
    "dim_raum": ("raum_id", "gebietsstand", "raumebene", "raum_name", "gueltig_ab", "gueltig_bis"),
    "dim_indikator": kommonitor_series.DEFINITION,
    "dim_klassengrenze": ("indikator_id", "klasse", "ueber", "bis", "name"),
    "mart_reihe": (
        *("raum_id", "gebietsstand", "raumebene", "stichtag", "indikator_id", "version"),
        *("wert", "status"),
    ),
}


class Unit(NamedTuple):
    """One level of areas on one Gebietsstand.

    Attributes:
        level, version: the level and the Gebietsstand.
        begin, end: from when to when its boundaries hold; None is unknown or open.
    """

    level: str
    version: str
    begin: date | None
    end: date | None


def write(material: Material) -> None:
    """Write spatial units, indicators, mappings and the order of import.

    Raises:
        ValueError: a column is not for everyone, only some areas of a Gebietsstand have shapes, two
            levels have the same name, or a level or Gebietsstand cannot be part of a file's name.
    """
    _check_public(material.tables)
    names = {level: material.imprint.plural(level) for level in ordered_levels(material.shapes)}
    _check_names(names)
    for folder in ("raumebenen", "indikatoren", "importer"):
        (material.folder / FOLDER / folder).mkdir(parents=True)
    with material.open() as con:
        shown = shown_versions(material.shapes)
        first, last = _days_of_series(con)
        for unit, rows in _units(con, material.areas):
            _write_shapes(material.folder / unit_name(unit.level, unit.version), rows)
            current = shown.get(unit.level) == unit.version
            period = _period(unit, first, last) if current else (unit.begin, unit.end)
            write_json(material.folder, unit_mapping_name(unit), _unit_mapping(unit, period))
            if current:
                record = _unit_record(material, unit, names, period)
                write_json(material.folder, unit_record_name(unit.level), record)
        kommonitor_series.write(material, con, shown, names)
        (material.folder / README).write_text(_readme(material, con, names, shown), "utf-8")


def unit_name(level: str, version: str) -> str:
    """Return the path of the shapes of a level on a Gebietsstand."""
    return f"{FOLDER}/raumebenen/{level}_{version}.geojson"


def unit_record_name(level: str) -> str:
    """Return the path of the record of a level."""
    return f"{FOLDER}/raumebenen/{level}.json"


def unit_mapping_name(unit: Unit) -> str:
    """Return the path of the importer's mapping for a level on a Gebietsstand."""
    return f"{FOLDER}/importer/raumebene_{unit.level}_{unit.version}.json"


def shown_versions(shapes: "pa.Table") -> dict[str, str]:
    """Return {level: Gebietsstand} of the areas that an edition shows."""
    columns = (shapes.column(name).to_pylist() for name in ("raumebene", "gebietsstand"))
    return dict(zip(*columns, strict=True))


def neighbours(level: str, names: Mapping[str, str]) -> tuple[str | None, str | None]:
    """Return the names of the next level below and above; a level that is not nested has none."""
    nested = [known for known in LEVELS if known in names]
    if level not in nested:
        return None, None
    place = nested.index(level)
    below = names[nested[place - 1]] if place else None
    return below, names[nested[place + 1]] if place + 1 < len(nested) else None


def _check_public(tables: Sequence[PublishedTable]) -> None:
    for name, needed in NEEDED.items():
        public = table_named(tables, name).public_columns()
        withheld = [column for column in needed if column not in public]
        if withheld:
            raise ValueError(
                f"{name}: expected columns for everyone (audience oeffentlich) for KomMonitor, "
                f"found {', '.join(withheld)} not so; change their audience in the model"
            )


def _check_names(names: Mapping[str, str]) -> None:
    repeated = sorted({name for name in names.values() if list(names.values()).count(name) > 1})
    if repeated:
        raise ValueError(
            f"stufennamen: expected another name for each level, found {', '.join(repeated)} for "
            "several; name them in the region's declaration"
        )


def _units(con: "duckdb.DuckDBPyConnection", areas: Path) -> "Iterable[tuple[Unit, pa.Table]]":
    """Return each level on each Gebietsstand that has shapes, with its areas in order.

    Areas that the edition does not publish are left out.
    """
    import pyarrow.parquet as pq

    # read by pyarrow: DuckDB would take the geometry of a GeoParquet file for its own type
    delivered = pq.ParquetFile(areas).read(["raum_id", "gebietsstand", "raumebene", "geometry"])
    con.register("delivered", delivered)
    found = con.execute(
        f"""
        SELECT raumebene, gebietsstand, min(gueltig_ab), max(gueltig_bis),
            bool_or(gueltig_bis IS NULL), count(*), count(geometry)
        FROM dim_raum LEFT JOIN delivered USING (raumebene, gebietsstand, raum_id)
        WHERE raumebene <> {literal(NO_AREA)}
        GROUP BY raumebene, gebietsstand HAVING count(geometry) > 0 ORDER BY ALL
        """
    ).fetchall()
    for level, version, begin, end, is_open, count, shapes in found:
        if count != shapes:
            raise ValueError(
                f"areas: expected a shape for each area of {level}, Gebietsstand {version}, found "
                f"{shapes} for {count}; complete the geometry of the region, or leave it out whole"
            )
        for part in (level, version):
            if not re.fullmatch(r"[\w.-]+", part, re.ASCII):
                raise ValueError(
                    f"dim_raum: expected levels and Gebietsstände of letters, digits, _ . -, found "
                    f"{part!r}; rename it in the region's declaration"
                )
        yield Unit(level, version, begin, None if is_open else end), _rows(con, level, version)


def _rows(con: "duckdb.DuckDBPyConnection", level: str, version: str) -> "pa.Table":
    rows = con.execute(
        f"""
        SELECT raum_id AS {ID}, raum_name AS {NAME}, NULL::VARCHAR AS {ARISEN},
            gueltig_ab::VARCHAR AS {BEGIN}, gueltig_bis::VARCHAR AS {END}, delivered.geometry
        FROM dim_raum JOIN delivered USING (raumebene, gebietsstand, raum_id)
        WHERE raumebene = ? AND gebietsstand = ? ORDER BY raum_id
        """,
        [level, version],
    ).to_arrow_table()
    place = rows.schema.get_field_index("geometry")
    return rows.set_column(place, "geometry", multipolygons(rows.column("geometry")))


def _write_shapes(path: Path, rows: "pa.Table") -> None:
    """Write GeoJSON after RFC 7946: longitude and latitude, right-hand rule."""
    import pyogrio

    pyogrio.write_arrow(
        rows,
        path,
        driver="GeoJSON",
        crs=CRS,
        geometry_name="geometry",
        geometry_type="MultiPolygon",
        layer_options={
            "RFC7946": "YES",
            "COORDINATE_PRECISION": str(DIGITS),
            "WRITE_NAME": "NO",
        },
    )


def _days_of_series(con: "duckdb.DuckDBPyConnection") -> tuple[dict, dict]:
    """Return {level: first Stichtag} and {level: last Stichtag} of the series."""
    rows = con.execute(
        "SELECT raumebene, min(stichtag), max(stichtag) FROM mart_reihe GROUP BY raumebene"
    ).fetchall()
    return {row[0]: row[1] for row in rows}, {row[0]: row[2] for row in rows}


def _period(
    unit: Unit, first: Mapping[str, date], last: Mapping[str, date]
) -> tuple[date | None, date | None]:
    """Return from when to when KomMonitor takes a level as valid.

    The series are told on one Gebietsstand, and KomMonitor shows a value only where the area is
    valid on its Stichtag: so the period covers all Stichtage, also those before the Gebietsstand.
    """
    begins = [day for day in (unit.begin, first.get(unit.level)) if day]
    newest = last.get(unit.level)
    outlived = unit.end is None or (newest is not None and newest > unit.end)
    return min(begins, default=None), None if outlived else unit.end


def _valid(period: tuple[date | None, date | None]) -> dict[str, str]:
    begin, end = period
    told = {"startDate": (begin or UNKNOWN_BEGIN).isoformat()}
    return {**told, "endDate": end.isoformat()} if end else told


def _unit_record(
    material: Material,
    unit: Unit,
    names: Mapping[str, str],
    period: tuple[date | None, date | None],
) -> dict:
    imprint = material.imprint
    below, above = neighbours(unit.level, names)
    return {
        "spatialUnitLevel": names[unit.level],
        "nextLowerHierarchyLevel": below,
        "nextUpperHierarchyLevel": above,
        "periodOfValidity": _valid(period),
        "metadata": metadata(
            material,
            description=f"{names[unit.level]}, Gebietsstand {unit.version} ({imprint.titel})",
            basis=f"Umrisse in {CRS}, umgerechnet nach WGS 84",
            note=f"Ausgabe {material.facts['edition_id']}. Die Gültigkeit umfasst alle Stichtage "
            f"der Zeitreihen, die auf dem Gebietsstand {unit.version} erzählt werden.",
        ),
        "isOutlineLayer": False,
        **ACCESS,
        "jsonSchema": "",
        "geoJsonString": "",
    }


def _unit_mapping(unit: Unit, period: tuple[date | None, date | None]) -> dict:
    """Return how the importer reads a file of shapes.

    The period is said once for all areas: the importer refuses an area whose last day is open.
    """
    return {
        "converter": {
            "name": "GeoJSON",
            "encoding": "UTF-8",
            "mimeType": "application/geo+json",
            "parameters": [{"name": "CRS", "value": "EPSG:4326"}],
        },
        "dataSource": file_source(unit_name(unit.level, unit.version)),
        "propertyMapping": {
            "identifierProperty": ID,
            "nameProperty": NAME,
            "keepAttributes": False,
            "keepMissingOrNullValueAttributes": True,
            "attributes": [],
        },
        "periodOfValidity": _valid(period),
    }


def _readme(
    material: Material,
    con: "duckdb.DuckDBPyConnection",
    names: Mapping[str, str],
    shown: Mapping[str, str],
) -> str:
    """Return the order of import as text."""
    from jinja2 import Environment, StrictUndefined

    themes = con.execute(
        "SELECT DISTINCT thema FROM dim_indikator WHERE thema IS NOT NULL ORDER BY thema"
    ).fetchall()
    page = Environment(  # plain text: nothing to escape
        undefined=StrictUndefined, trim_blocks=True, keep_trailing_newline=True
    ).from_string(PAGE.read_text("utf-8"))
    return page.render(
        imprint=material.imprint,
        edition=material.facts["edition_id"],
        themes=[theme for (theme,) in themes],
        units=[
            {"level": level, "name": names[level], "version": shown[level]}
            for level in reversed(names)
        ],
        left_out=kommonitor_series.left_out(con),
    )
