"""A made county for the tests of publications: true declarations, made rows, odd names.

Two municipalities with three Sozialräume each (as many as a test asks for), two Gebietsstände, four
Stichtage, indicators of each kind, every status. Tables that nobody fills here are empty.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import shapely
import yaml

from publication.draft import write_draft
from publication.imprint import Imprint
from publication.tables import PublishedColumn, PublishedTable

MODELS = Path(__file__).resolve().parents[2] / "dbt_project" / "models"

DAYS = (date(2012, 12, 31), date(2013, 12, 31), date(2014, 12, 31), date(2015, 12, 31))
NEW = DAYS[-1]
KREIS, TOWN, VILLAGE = "05334", "05334002", "05334004"
LONG_NAME = (
    "Verbandsgemeinde Sankt Märgen-Überseedorf an der Äußeren Mühlenbachschleife mit den "
    "Ortsteilen Groß-Ölbronn, Klein-Ölbronn und Hinterweißenbach (Kurort)"
)
NAMES = {
    f"{TOWN}-001": "Oecher Straße 1/2",
    f"{TOWN}-002": 'Am "Roten Haag" & <Markt>',
    f"{TOWN}-003": "Kleiner d'Ester; #3 $x$ *a_b* \\Hof @ [Mitte]",
    TOWN: "Aachen",
    VILLAGE: LONG_NAME,
    KREIS: "StädteRegion",
}

IMPRINT = Imprint(
    region="aachen",
    region_name="StädteRegion (gemacht)",
    titel="Sozialraumdaten für Prüfungen",
    beschreibung="Gemachte Daten.",
    kennung="6f0c4a56-58c1-5b0a-9d4e-6b1a5c1f0e11",
    organisation="StädteRegion (gemacht)",
    stelle="Sozialplanung",
    email="sozialplanung@kreis.example",
    url="https://kreis.example/sozialplanung",
    lizenz_kennung="dl-by-de/2.0",
    lizenz_name="Datenlizenz Deutschland – Namensnennung – Version 2.0",
    lizenz_url="https://www.govdata.de/dl-de/by-2-0",
    lizenz_dcat="http://dcat-ap.de/def/licenses/dl-by-de/2.0",
    quellenvermerk="StädteRegion (gemacht)",
    schlagworte=("Sozialplanung",),
    stufennamen={
        "sozialraum": ("Sozialraum", "Sozialräume"),
        "kommune": ("Kommune", "Kommunen"),
        "kreis": ("Kreis", "Kreise"),
    },
    stufen=("sozialraum", "kommune", "kreis", "indikator"),
    leitindikatoren=("einwohner", "anteil_ab_65", "sgb2_quote"),
    leitindex="lage",
    stellungnahme_pflicht=False,
    kommunen=(TOWN, VILLAGE),
)

FACTS = {
    "edition_id": "aachen-20151231T120000000000Z",
    "kind": "monitoring",
    "region": "aachen",
    "created_at": "2026-11-23T12:00:00+00:00",
    "steckbriefe": "kreis",  # two profiles are enough for whatever is not about profiles
    "code_version": "0123456789ab",
    "rule_versions": {"region": "abc", "privacy": "1", "contracts": {"ewo_bestand": 1}},
    "deliveries": [
        {
            "feed": "ewo_bestand",
            "partner": "meldebehoerden",
            "liefereinheit": "kreis",
            "stichtag": "2015-12-31",
            "file": "bestand.csv",
            "sha256": "0" * 64,
            "layout": "v1",
            "rows": 10,
            "quarantined": 0,
            "repairs": {},
        }
    ],
    "gates": {},
}

# indikator_id: name, thema, art, einheit, faktor, polaritaet
INDICATORS = {
    "einwohner": ("Einwohnerinnen und Einwohner", "bevoelkerung", "anzahl", "Personen", 1, 0),
    "anteil_ab_65": ("Anteil 65-Jährige und Ältere", "bevoelkerung", "anteil", "%", 100, 0),
    "sgb2_quote": ("SGB-II-Quote", "arbeit", "anteil", "%", 100, -1),
    "betreuungsquote": ("Betreuungsquote", "jugend", "verhaeltnis", "je 100", 100, 1),
    "rating": ("Einschätzung des Jobcenters", "arbeit", "klasse", None, 1, -1),
}
LIMITS = {
    "einwohner": (1000.0, 3000.0, 5000.0),
    "anteil_ab_65": (15.0, 17.5, 20.0, 22.5),
    "sgb2_quote": (5.0, 10.0, 15.0, 20.0),
}
WORDS = ("gering", "mittel", "hoch")
AGES = ("00-02", "03-05", "06-17", "18-64", "65-79", "80+")


@dataclass(frozen=True)
class Made:
    """What a draft is written from, and the draft."""

    warehouse: Path
    areas: Path
    draft: Path
    imprint: Imprint
    tables: tuple[PublishedTable, ...]


def declared_tables() -> tuple[PublishedTable, ...]:
    """Return the true declarations of what is published, read from the models' YAML."""
    models = [
        model
        for path in sorted(MODELS.rglob("*.yml"))
        for model in yaml.safe_load(path.read_text("utf-8")).get("models", ())
    ]
    return tuple(
        PublishedTable(
            model["name"],
            f"marts.{model['name']}",
            model["description"],
            tuple(model["config"]["meta"]["grain"]),
            tuple(
                PublishedColumn(
                    column["name"], column["data_type"], column["description"], audience
                )
                for column in model["columns"]
                if (audience := _audience(column))
            ),
        )
        for model in sorted(models, key=lambda model: model["name"])
        if (model.get("config") or {}).get("meta", {}).get("publish", {}).get("include")
    )


def _audience(column: dict) -> str | None:
    return ((column.get("config") or {}).get("meta") or {}).get("audience")


def make(folder: Path, *, areas: int = 6, imprint: Imprint = IMPRINT, **options) -> Made:
    """Write a warehouse, shapes and a draft into a folder.

    `areas`: how many Sozialräume there are; `options` go to `write_draft`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tables = declared_tables()
    warehouse, shapes = folder / "warehouse.duckdb", folder / "areas.parquet"
    rows = made_rows(areas)
    write_warehouse(warehouse, tables, rows)
    write_areas(shapes, rows["dim_raum"])
    facts = {**FACTS, **options.pop("facts", {})}
    write_draft(
        warehouse=warehouse,
        tables=tables,
        areas=shapes,
        folder=folder / "draft",
        facts=facts,
        imprint=imprint,
        **options,
    )
    return Made(warehouse, shapes, folder / "draft", imprint, tables)


def without_statements(imprint: Imprint = IMPRINT) -> Imprint:
    """Return an imprint that demands statements of municipalities."""
    return replace(imprint, stellungnahme_pflicht=True)


def made_rows(areas: int = 6) -> dict[str, list[dict]]:
    """Return the rows of the made county by table."""
    keys = [
        f"{(TOWN, VILLAGE)[number >= areas // 2]}-{number % (areas // 2) + 1:03d}"
        for number in range(areas)
    ]
    rows = {
        "dim_raum": list(_areas(keys)),
        "dim_indikator": [_indicator(key) for key in INDICATORS],
        "dim_klassengrenze": [
            *(
                {"indikator_id": key, "klasse": number, "ueber": low, "bis": high}
                for key, limits in LIMITS.items()
                for number, (low, high) in enumerate(
                    zip((None, *limits), (*limits, None), strict=True), start=1
                )
            ),
            *(
                {"indikator_id": "rating", "klasse": number, "name": word}
                for number, word in enumerate(WORDS, start=1)
            ),
        ],
        "dim_indexklasse": [
            {"index_id": "lage", "name": "Soziale Lage", "klasse": word, "rang": rang}
            for rang, word in enumerate(("gering", "mittel", "hoch"), start=1)
        ],
        "dim_stellungnahme": [
            {
                "position": 1,
                "raum_id": TOWN,
                "art": "kommune",
                "von": "Stadt, Sozialplanung",
                "am": date(2016, 3, 1),
                "text": "Die Stadt nimmt die Zahlen zur Kenntnis.\n\nZweiter Absatz <mit> Zeichen.",
            },
            {
                "position": 2,
                "raum_id": TOWN,
                "art": "empfehlung",
                "von": "Kreis, Sozialplanung",
                "am": date(2016, 3, 2),
                "text": "Angebote bündeln.",
            },
        ],
        "mart_indikator": list(_figures(keys)),
        "mart_index": list(_classes(keys)),
        "mart_bevoelkerung": list(_people(keys)),
        "mart_hinweis": [
            {
                "hinweis_id": "h1",
                "raum_id": keys[0],
                "indikator_id": "sgb2_quote",
                "stichtag_von": DAYS[0],
                "stichtag_bis": None,
                "art": "lesehilfe",
                "text": "In diesem Raum liegt eine große Einrichtung.",
            }
        ],
        "mart_vergleichsraum": [
            {
                "vergleich_id": "struktur",
                "raum_id": keys[0],
                "gebietsstand": "2015",
                "raumebene": "sozialraum",
                "stichtag": NEW,
                "rang": 1,
                "peer_raum_id": keys[-1],
                "distanz": 0.5,
                "status": "ok",
            }
        ],
        "mart_umrechnung": [
            {
                "gebietsstand_von": "2010",
                "gebietsstand_nach": "2015",
                "raum_id_nach": key,
                "raumebene": "sozialraum",
                "mit_geometrie": True,
                "methode": "adressen",
                "anzahl_herkunft": 1,
                "stichtag": DAYS[0],
                "einwohner": 1000,
                "anteil_umgerechnet": 0.1,
                "fehler_anteil": 0.01,
                "status": "ok",
            }
            for key in keys
        ],
    }
    rows["mart_reihe"] = list(_series(rows["mart_indikator"]))
    return rows


def _areas(keys: list[str]) -> Iterable[dict]:
    units = [
        *((key, "sozialraum") for key in keys),
        (f"{TOWN}-ohne", "ohne_raum"),
        (f"{VILLAGE}-ohne", "ohne_raum"),
        (TOWN, "kommune"),
        (VILLAGE, "kommune"),
        (KREIS, "kreis"),
    ]
    surface = {key: 4.0 * sum(one.startswith(key) for one in keys) for key, _ in units}
    for stand, begin, end in (
        ("2010", date(2010, 1, 1), date(2014, 12, 31)),
        ("2015", date(2015, 1, 1), None),
    ):
        for key, level in units:
            yield {
                "raum_id": key,
                "gebietsstand": stand,
                "raumebene": level,
                "raum_name": NAMES.get(key, f"Raum {key}"),
                "kommune_id": key[:8] if level != "kreis" else None,
                "kreis_id": KREIS,
                "gueltig_ab": begin,
                "gueltig_bis": end,
                "flaeche_km2": surface[key],
            }


def _indicator(key: str) -> dict:
    name, theme, kind, unit, factor, polarity = INDICATORS[key]
    return {
        "indikator_id": key,
        "version": 1,
        "name": name,
        "thema": theme,
        "art": kind,
        "definition": f"Definition von {name}.",
        "zaehler_definition": "Zähler.",
        "nenner_definition": "Nenner." if kind in ("anteil", "verhaeltnis") else None,
        "einheit": unit,
        "quelle": "Melderegister",
        "quelle_vorhanden": True,
        "stichtag_regel": "31.12.",
        "sensitivitaet": "mittel",
        "faktor": float(factor),
        "polaritaet": polarity,
        "ereignisse": False,
        "beschlossen_am": date(2016, 1, 1),
        "beschlossen_von": "Steuerungsgruppe",
        "min_nenner": 10,
        "min_einwohner": 50,
        "min_zaehler": 3,
        "min_zaehler_sozialraum": 3,
    }


def units_of(keys: Iterable[str]) -> list[tuple[str, str]]:
    """Return every area that has figures, with its level."""
    return [
        *((key, "sozialraum") for key in keys),
        (TOWN, "kommune"),
        (VILLAGE, "kommune"),
        (KREIS, "kreis"),
    ]


def _figures(keys: list[str]) -> Iterable[dict]:
    """Values that differ by area, day and indicator; the second area is withheld in one."""
    statuses = {
        (keys[1], "sgb2_quote"): "geheim",
        (keys[2], "sgb2_quote"): "zu_klein",
        (keys[3], "betreuungsquote"): "nicht_geliefert",
        (keys[4], "rating"): "nicht_freigegeben",
    }
    for number, (key, level) in enumerate(units_of(keys)):
        for place, day in enumerate(DAYS):
            people = 1000 * (number % 7 + 1) + 10 * place
            for which, indicator in enumerate(INDICATORS):
                status = statuses.get((key, indicator), "ok")
                shown = status == "ok"
                part = people * (6 + which * 3 + number % 5 + place) // 100
                kind = INDICATORS[indicator][2]
                rate = kind in ("anteil", "verhaeltnis")
                counts = shown or status == "zu_klein"
                value = 100.0 * part / people if rate else float(people)
                yield {
                    "raum_id": key,
                    "gebietsstand": "2015",
                    "raumebene": level,
                    "stichtag": day,
                    "indikator_id": indicator,
                    "version": 1,
                    "zaehler": (part if rate else people) if counts and kind != "klasse" else None,
                    "nenner": people if rate and counts else None,
                    "wert": value if shown and kind != "klasse" else None,
                    "klasse": WORDS[number % 3] if shown and kind == "klasse" else None,
                    "status": status,
                    "umgerechnet": False,
                    "geschaetzt": False,
                    "abdeckung": 1.0,
                    "kommune_wert": 10.0 if rate else None,
                    "kreis_wert": 11.0 if rate else None,
                    "untergrenze": value - 1 if shown and rate else None,
                    "obergrenze": value + 1 if shown and rate else None,
                    "auffaellig": "im_rahmen" if shown and rate else None,
                    "richtung": "neutral" if shown and rate else None,
                }


def _series(figures: Iterable[dict]) -> Iterable[dict]:
    kept = ("raum_id", "gebietsstand", "raumebene", "stichtag", "indikator_id", "version")
    for row in figures:
        counts = ("zaehler", "nenner", "wert", "klasse", "status", "umgerechnet", "geschaetzt")
        yield {
            **{name: row[name] for name in (*kept, *counts)},
            "gebietsstand_quelle": "2015",
        }


def _classes(keys: list[str]) -> Iterable[dict]:
    for number, key in enumerate(keys):
        status = "geheim" if number == 1 else "ok"
        for day in DAYS[-2:]:
            yield {
                "raum_id": key,
                "gebietsstand": "2015",
                "raumebene": "sozialraum",
                "stichtag": day,
                "index_id": "lage",
                "summe": 0.1 * number if status == "ok" else None,
                "index_wert": 0.2 * number if status == "ok" else None,
                "klasse": ("gering", "mittel", "hoch")[number % 3] if status == "ok" else None,
                "teile": 2,
                "status": status,
            }


def _people(keys: list[str]) -> Iterable[dict]:
    for number, (key, level) in enumerate(units_of(keys)):
        for day in (DAYS[0], NEW):
            for sex in ("insgesamt", "maennlich", "weiblich"):
                for place, age in enumerate(("insgesamt", *AGES)):
                    secret = number == 1 and age == "00-02" and sex != "insgesamt"
                    yield {
                        "raum_id": key,
                        "gebietsstand": "2015",
                        "raumebene": level,
                        "stichtag": day,
                        "basis": "melderegister",
                        "altersgruppe": age,
                        "geschlecht": sex,
                        "staatsangehoerigkeit": "insgesamt",
                        "anzahl": None if secret else 20 * (number + 1) * (place + 1),
                        "status": "geheim" if secret else "ok",
                        "umgerechnet": False,
                        "abdeckung": 1.0,
                    }


def write_warehouse(
    path: Path, tables: Iterable[PublishedTable], rows: dict[str, list[dict]]
) -> None:
    """Write the tables with their rows; what a row does not say is NULL."""
    with duckdb.connect(str(path)) as con:
        con.execute("CREATE SCHEMA marts")
        for table in tables:
            columns = ", ".join(f"{column.name} {column.type}" for column in table.columns)
            con.execute(f"CREATE TABLE {table.relation} ({columns})")
            made = rows.get(table.name)
            if made:
                full = [{name: row.get(name) for name in table.column_names} for row in made]
                con.register("made", pa.Table.from_pylist(full))
                names = ", ".join(table.column_names)
                con.execute(f"INSERT INTO {table.relation} ({names}) SELECT {names} FROM made")
                con.unregister("made")


def write_areas(path: Path, areas: list[dict]) -> None:
    """Write shapes that fit together: squares in a grid, the units above as their sums."""
    small = sorted({row["raum_id"] for row in areas if row["raumebene"] == "sozialraum"})
    width = max(1, int(len(small) ** 0.5))
    squares = {
        key: _square(290_000 + 2000 * (n % width), 5_620_000 + 2000 * (n // width))
        for n, key in enumerate(small)
    }
    shown = [row for row in areas if row["raumebene"] != "ohne_raum"]
    table = pa.table(
        {
            "raum_id": [row["raum_id"] for row in shown],
            "gebietsstand": [row["gebietsstand"] for row in shown],
            "raumebene": [row["raumebene"] for row in shown],
            "geometry": [
                shapely.to_wkb(
                    shapely.union_all(
                        [shape for key, shape in squares.items() if key.startswith(row["raum_id"])]
                    )
                )
                for row in shown
            ],
        }
    )
    pq.write_table(table, path)


def _square(x: float, y: float) -> shapely.Polygon:
    """A square whose sides have points of their own, so that there is something to simplify."""
    return shapely.segmentize(shapely.box(x, y, x + 2000, y + 2000), 200)
