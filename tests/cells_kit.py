"""Every form of an edition read as cells, each with the client that its users have.

A cell is (area, Gebietsstand, Stichtag, indicator) → its number, or None where the form has the
cell and shows nothing. Not here: what they should say.
"""

import csv
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import geopandas
import pyarrow.parquet as pq
import pyogrio

Cell = tuple[str, str, str, str]
Cells = Iterator[tuple[Cell, float | None]]

MARK = re.compile(
    r'data-tabelle="(mart_indikator|mart_reihe)" data-schluessel="([^"]+)" data-spalte="wert">'
    r"([^<]*)<"
)


def truth(folder: Path, mart: str) -> dict[Cell, float | None]:
    """Return what a mart says; only the newest version of an indicator counts."""
    with duckdb.connect(str(folder / "marts.duckdb"), read_only=True) as con:
        rows = con.execute(
            f"SELECT raum_id, gebietsstand, stichtag::VARCHAR, indikator_id, "
            f"CASE WHEN status = 'ok' THEN wert END FROM {mart} ORDER BY version"
        ).fetchall()
    return {row[:4]: row[4] for row in rows}


def withheld(folder: Path) -> set[Cell]:
    """Return the cells that `mart_indikator` withholds."""
    with duckdb.connect(str(folder / "marts.duckdb"), read_only=True) as con:
        rows = con.execute(
            "SELECT raum_id, gebietsstand, stichtag::VARCHAR, indikator_id FROM mart_indikator "
            "WHERE status IN ('geheim', 'nicht_freigegeben')"
        ).fetchall()
    return set(rows)


def parquet(folder: Path) -> Cells:
    """The table of figures as Parquet."""
    rows = pq.read_table(folder / "parquet" / "mart_indikator.parquet").to_pylist()
    return ((_key(row), row["wert"]) for row in rows)


def geopackage_long(folder: Path) -> Cells:
    """The long table of the GeoPackage."""
    _, rows = pyogrio.read_arrow(folder / "sozialraum.gpkg", layer="kennzahl")
    return ((_key(row), row["wert"]) for row in rows.to_pylist())


def geopackage_wide(folder: Path) -> Cells:
    """Every wide layer of the GeoPackage, exact and generalised."""
    for layer, kind in pyogrio.list_layers(folder / "sozialraum.gpkg"):
        if kind is not None:
            _, rows = pyogrio.read_arrow(
                folder / "sozialraum.gpkg", layer=layer, read_geometry=False
            )
            yield from _wide(rows.to_pylist())


def geoparquet(folder: Path) -> Cells:
    """Every GeoParquet file."""
    for path in sorted((folder / "geoparquet").glob("*.parquet")):
        rows = geopandas.read_parquet(path).drop(columns="geometry", errors="ignore")
        yield from _wide(rows.to_dict("records"))


def text(folder: Path) -> Cells:
    """The table of figures as CSV."""
    with (folder / "csv" / "mart_indikator.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            yield _key(row), float(row["wert"]) if row["wert"] else None


def series_text(folder: Path) -> Cells:
    """The series as CSV."""
    with (folder / "csv" / "mart_reihe.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            yield _key(row), float(row["wert"]) if row["wert"] else None


def kommonitor(folder: Path) -> Cells:
    """KomMonitor's series, which stand on the newest Gebietsstand."""
    with duckdb.connect(str(folder / "marts.duckdb"), read_only=True) as con:
        stands = dict(
            con.execute("SELECT DISTINCT raum_id, gebietsstand FROM mart_reihe").fetchall()
        )
        levels = [
            level for (level,) in con.execute("SELECT DISTINCT raumebene FROM dim_raum").fetchall()
        ]
    for path in sorted((folder / "kommonitor" / "indikatoren").glob("*.csv")):
        level = next(one for one in levels if path.stem.endswith(f"_{one}"))
        indicator = re.sub(r"_v\d+$", "", path.stem.removesuffix(f"_{level}"))
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                area = row.pop("ID")
                for day, value in row.items():
                    if value:
                        yield (area, stands[area], day, indicator), float(value)


def pages(folder: Path) -> dict[str, list[tuple[Cell, float, float]]]:
    """Every figure on a profile's page, by the mart that it comes from, and half its last digit."""
    found: dict[str, list[tuple[Cell, float, float]]] = {"mart_indikator": [], "mart_reihe": []}
    for path in sorted((folder / "profiles").rglob("*.html")):
        for mart, key, printed in MARK.findall(path.read_text("utf-8")):
            area, stand, day, indicator, _ = key.split("|")
            number = printed.replace(".", "").replace(",", ".").replace("−", "-")
            if re.fullmatch(r"-?\d+(\.\d+)?", number):
                half = 0.5 * 10 ** -len(number.partition(".")[2])
                found[mart].append(((area, stand, day, indicator), float(number), half))
    return found


def _key(row: dict) -> Cell:
    return row["raum_id"], row["gebietsstand"], str(row["stichtag"])[:10], row["indikator_id"]


def _wide(rows: list[dict]) -> Cells:
    for row in rows:
        for column in row:
            if f"{column}_stichtag" in row and not column.endswith("_klasse"):
                day = row[f"{column}_stichtag"]
                if isinstance(day, date) and str(day) != "NaT":
                    value = row[column]
                    shown = None if value is None or value != value else value  # noqa: PLR0124
                    yield (
                        (row["raum_id"], row["gebietsstand"], str(day)[:10], column),
                        shown,
                    )
