"""Import files for KomMonitor: indicators with their metadata, time series and mappings.

Here belongs how a definition becomes KomMonitor's record and a series its table. Not here: spatial
units and what all records share (`kommonitor.py`). Indicators of classes have no numbers and are
left out.
"""

import csv
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from itertools import groupby, pairwise
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from publication.forms.kommonitor_records import (
    ACCESS,
    FOLDER,
    ID,
    file_source,
    metadata,
    write_json,
)
from publication.legends import Legend, legends
from publication.material import Material

if TYPE_CHECKING:
    import duckdb

DEFINITION = (
    *("indikator_id", "version", "name", "thema", "art", "einheit", "polaritaet"),
    *("definition", "zaehler_definition", "nenner_definition", "quelle", "stichtag_regel"),
)

SCHEMES = {-1: "YlOrRd", 0: "Blues", 1: "Greens"}
"""The ColorBrewer schemes of the legends' colours (`legends.RAMPS`) by polarity."""
MOST_CLASSES, USUAL_CLASSES = 9, 5

MEANING = {
    -1: "Ein hoher Wert zeigt eine Belastung.",
    0: "Ein hoher Wert ist weder günstig noch ungünstig.",
    1: "Ein hoher Wert ist günstig.",
}
NOTE = (
    "leer = Geheimhaltung oder keine Angabe, nie null; welches von beiden, sagt die Spalte status "
    "in csv/mart_reihe.csv. Ältere Werte sind auf den Gebietsstand der Raumebene umgerechnet, wo "
    "die Spalte umgerechnet es sagt."
)
INTERVALS = (
    ("YEARLY", 350, 380),
    ("HALF_YEARLY", 170, 195),
    ("QUARTERLY", 85, 100),
    ("MONTHLY", 27, 32),
)
"""Names of KomMonitor for the days between two Stichtage, from and to."""

# All series with numbers on the Gebietsstand that a level shows; `shown` holds both
SERIES = """
    SELECT indikator_id, version, raumebene, stichtag, raum_id,
        CASE WHEN status = 'ok' THEN wert END AS wert
    FROM mart_reihe
    JOIN shown USING (raumebene, gebietsstand)
    JOIN dim_indikator USING (indikator_id, version)
    WHERE art <> 'klasse'
    ORDER BY indikator_id, version, raumebene, stichtag, raum_id
"""


class Series(NamedTuple):
    """The values of one indicator on one level: `values[raum_id, stichtag]`, None withheld."""

    level: str
    days: tuple[date, ...]
    values: Mapping[tuple[str, date], float | None]


def write(
    material: Material,
    con: "duckdb.DuckDBPyConnection",
    shown: Mapping[str, str],
    names: Mapping[str, str],
) -> None:
    """Write record, series and mappings of each indicator that has numbers.

    Args:
        material: what the form is made from.
        con: its database.
        shown: {level: Gebietsstand} of the areas.
        names: {level: name in KomMonitor}.
    """
    import pyarrow as pa

    con.register("shown", pa.table({"raumebene": list(shown), "gebietsstand": shown.values()}))
    areas = _areas(con)
    known = legends(con)
    found = _series(con)
    definitions = _definitions(con)
    for (key, version), series in found.items():
        several = sum(other == key for other, _ in found) > 1
        stem = indicator_stem(key, version, several=several)
        days = sorted({day for entry in series for day in entry.days})
        record = _record(material, definitions[key, version], known.get(key), days, several=several)
        write_json(material.folder, record_name(stem), record)
        for entry in series:
            _write_csv(material, series_name(stem, entry.level), areas[entry.level], entry)
            mapping = _mapping(series_name(stem, entry.level), entry.days, names[entry.level])
            write_json(material.folder, mapping_name(stem, entry.level), mapping)


def indicator_stem(key: str, version: int, *, several: bool) -> str:
    """Return what the files of an indicator begin with."""
    return f"{key}_v{version}" if several else key


def record_name(stem: str) -> str:
    """Return the path of an indicator's record."""
    return f"{FOLDER}/indikatoren/{stem}.json"


def series_name(stem: str, level: str) -> str:
    """Return the path of an indicator's series on a level."""
    return f"{FOLDER}/indikatoren/{stem}_{level}.csv"


def mapping_name(stem: str, level: str) -> str:
    """Return the path of the importer's mapping for a series."""
    return f"{FOLDER}/importer/indikator_{stem}_{level}.json"


def left_out(con: "duckdb.DuckDBPyConnection") -> list[tuple[str, str]]:
    """Return key and name of the indicators that have classes and no numbers."""
    return con.execute(
        "SELECT DISTINCT indikator_id, name FROM dim_indikator WHERE art = 'klasse' ORDER BY ALL"
    ).fetchall()


def class_labels(legend: Legend | None) -> str:
    """Return the classes of a legend as a sentence; nothing without one."""
    if legend is None:
        return ""
    return f"Klassen der Karten: {'; '.join(entry.label for entry in legend.entries)}."


def interval(days: Sequence[date]) -> str:
    """Return how often an indicator is brought up to date, in KomMonitor's words."""
    gaps = [(later - earlier).days for earlier, later in pairwise(days)]
    usual = median(gaps) if gaps else 0
    return next((name for name, low, high in INTERVALS if low <= usual <= high), "ARBITRARY")


def indicator_type(art: str, einheit: str | None) -> str:
    """Return KomMonitor's type of an indicator."""
    if art in ("saldo", "veraenderung"):
        return "DYNAMIC_RELATIVE" if einheit == "%" else "DYNAMIC_ABSOLUTE"
    return "STATUS_RELATIVE" if art in ("anteil", "verhaeltnis") else "STATUS_ABSOLUTE"


def _areas(con: "duckdb.DuckDBPyConnection") -> dict[str, list[str]]:
    """Return {level: areas in order} of the shown Gebietsstände."""
    return dict(
        con.execute(
            "SELECT raumebene, list(raum_id ORDER BY raum_id) "
            "FROM dim_raum JOIN shown USING (raumebene, gebietsstand) GROUP BY raumebene"
        ).fetchall()
    )


def _series(con: "duckdb.DuckDBPyConnection") -> dict[tuple[str, int], list[Series]]:
    found: dict[tuple[str, int], list[Series]] = {}
    rows = con.execute(SERIES).fetchall()
    for (key, version, level), cells in groupby(rows, lambda row: row[:3]):
        values = {(area, day): value for *_, day, area, value in cells}
        days = tuple(sorted({day for _, day in values}))
        found.setdefault((key, version), []).append(Series(level, days, values))
    return found


def _definitions(con: "duckdb.DuckDBPyConnection") -> dict[tuple[str, int], dict]:
    rows = con.execute(f"SELECT {', '.join(DEFINITION)} FROM dim_indikator").fetchall()
    return {row[:2]: dict(zip(DEFINITION, row, strict=True)) for row in rows}


def _write_csv(material: Material, name: str, areas: Iterable[str], series: Series) -> None:
    """Write one row for each area, one column for each Stichtag."""
    with (material.folder / name).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([ID, *map(date.isoformat, series.days)])
        writer.writerows(
            [area, *(series.values.get((area, day)) for day in series.days)] for area in areas
        )


def _mapping(name: str, days: Iterable[date], level: str) -> dict:
    """Return how the importer reads a series."""
    return {
        "converter": {
            "name": "Tabelle_Zeitreihe_zu_Indikator",
            "encoding": "UTF-8",
            "mimeType": "text/csv",
            "parameters": [{"name": "Trennzeichen", "value": ","}],
        },
        "dataSource": file_source(name),
        "propertyMapping": {
            "spatialReferenceKeyProperty": ID,
            "timeseriesMappings": [
                {"indicatorValueProperty": day.isoformat(), "timestamp": day.isoformat()}
                for day in days
            ],
            "keepMissingOrNullValueIndicator": True,
        },
        "targetSpatialUnitName": level,
    }


def _record(
    material: Material,
    told: Mapping,
    legend: Legend | None,
    days: Sequence[date],
    *,
    several: bool,
) -> dict:
    """Return KomMonitor's record of one version of an indicator.

    Args:
        material: says who publishes.
        told: the definition, by the names of `DEFINITION`.
        legend: of its maps, or None.
        days: the Stichtage of its series.
        several: whether the edition has several versions of it.
    """
    version = f"Version {told['version']}" if several else ""
    parts = [("Zähler", told["zaehler_definition"]), ("Nenner", told["nenner_definition"])]
    counts = " ".join(f"{name}: {text}" for name, text in parts if text)
    polarity = told["polaritaet"] or 0
    return {
        "datasetName": f"{told['name']} ({version})" if several else told["name"],
        "abbreviation": told["indikator_id"],
        "characteristicValue": version,
        "indicatorType": indicator_type(told["art"], told["einheit"]),
        "creationType": "INSERTION",
        "unit": told["einheit"] or "",
        "processDescription": " ".join(filter(None, (told["definition"], counts))),
        "interpretation": " ".join(filter(None, (MEANING[polarity], class_labels(legend)))),
        "referenceDateNote": told["stichtag_regel"] or "",
        "isHeadlineIndicator": told["indikator_id"] in material.imprint.leitindikatoren,
        "displayOrder": 0,
        "tags": sorted({*material.imprint.schlagworte, *filter(None, [told["thema"]])}),
        "topicReference": told["thema"] or "",
        "refrencesToOtherIndicators": [],  # so spelt in KomMonitor's schema
        "refrencesToGeoresources": [],
        "defaultClassificationMapping": _classification(legend, polarity),
        "metadata": metadata(
            material,
            description=told["definition"] or told["name"],
            basis=counts,
            note=f"Ausgabe {material.facts['edition_id']}. {NOTE}",
            source=told["quelle"],
            interval=interval(days),
        ),
        **ACCESS,
    }


def _classification(legend: Legend | None, polarity: int) -> dict:
    """Return colours and number of classes.

    The limits belong to a spatial unit, by an id that KomMonitor gives it when it is made: they are
    entered there, from the interpretation.
    """
    classes = len(legend.entries) if legend else USUAL_CLASSES
    return {
        "colorBrewerSchemeName": SCHEMES[polarity],
        "numClasses": min(classes, MOST_CLASSES),
        "classificationMethod": "REGIONAL_DEFAULT" if legend else "QUANTILE",
        "items": [],
    }
