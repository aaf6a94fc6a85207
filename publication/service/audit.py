"""The audit of the running service: every answer against the edition.

Shares names and declarations with the service and none of its steps: the rows come over HTTP as a
client gets them, and are compared with `marts.duckdb` and the GeoPackage. Sentences name
collections, columns and counts, never a value of a row.
"""

import json
import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from publication.audit.reading import (
    LONG_NAMES,
    Measure,
    count,
    layer_cells,
    levels,
    long_cells,
    measures,
    open_marts,
    same_names,
)
from publication.forms.geopackage import GEOPACKAGE
from publication.handbuch import faults
from publication.layers import AREA_COLUMNS, GENERALISED, LONG
from publication.material import MANIFEST
from publication.service.config import STORAGE_CRS
from publication.tables import PublishedTable, quoted, table_named

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa
    import requests

SHAPES = ("Polygon", "MultiPolygon")
PAGE = 10_000
OK = 200
PATIENCE = 60  # seconds
NEAR = 0.01  # metres by which an outline may differ from the GeoPackage's

LEAKS = re.compile(
    r"postgresql(\+\w+)?://|psycopg|sqlalchemy|Traceback|File \"|\bSELECT\b.{0,80}\bFROM\b"
    r"|password|file://|(?<![\w.:/-])/(home|root|tmp|var|usr|opt|srv|work|etc)/",
    re.IGNORECASE | re.DOTALL,
)
"""What no answer may hold: a word of the database, the code, or a path of the machine."""

BAD_QUESTIONS = {
    "/collections/{}/items?gibt_es_nicht=1": 400,
    "/collections/{}/items?filter=gibt_es_nicht=1": 400,
    "/collections/{}/items?filter=)((": 400,
    "/collections/{}/items?filter=pg_sleep(1)=1": 400,
    "/collections/{}/items?filter=gebietsstand>1": 400,
    "/collections/{}/items?sortby=gibt_es_nicht": 400,
    "/collections/{}/items?sortby=,": 400,
    "/collections/{}/items?properties=gibt_es_nicht": 400,
    "/collections/{}/items?bbox=1,2,3": 400,
    "/collections/{}/items?bbox=a,b,c,d": 400,
    "/collections/{}/items?limit=viele": 400,
    "/collections/{}/items?offset=99999999999999999999": 400,
    "/collections/{}/items?crs=http://www.opengis.net/def/crs/EPSG/0/1": 400,
    "/collections/{}/items?f=csv": 400,
    "/collections/{}/items/gibt es nicht": 404,
    "/collections/{}/items/'; drop table x": 404,
    "/collections/gibt_es_nicht": 404,
    "/collections/gibt_es_nicht/items": 404,
    "/collections/ausgabe/items": 404,
    "/admin/config": 404,
    "/processes": 404,
    "/stac": 404,
    "/static/collections/index.html": 404,
    "/pygeoapi.yml": 404,
}


def audit_service(
    base_url: str,
    folder: Path,
    tables: Sequence[PublishedTable],
    *,
    secrets: Collection[str] = (),
) -> list[str]:
    """Ask the running service for everything and return what is wrong with its answers.

    Checked are: the collections and their properties against the declarations, every cell of every
    item against the edition's marts, the outlines against its GeoPackage, that there is no geometry
    but areas, that wrong questions are refused, and that no answer tells of database or machine.

    Args:
        base_url: of the service.
        folder: the edition that it shall show.
        tables: the declarations with which it was written.
        secrets: texts that no answer may hold, such as the database's password.

    Returns:
        One sentence for each problem; an empty list if the service shows the edition.
    """
    import requests

    with requests.Session() as session, open_marts(folder) as con:
        session.trust_env = False  # never through a proxy
        client = _Client(session, base_url.rstrip("/"), [one for one in secrets if one])
        try:
            problems = list(_problems(client, folder, tables, con))
        except (requests.RequestException, ValueError, KeyError) as error:
            # fail closed, and never pass on a text that may hold values
            problems = [f"service: expected answers as declared, found {type(error).__name__}"]
        return [*problems, *client.leaks]


class _Client:
    """Asks the service, and notes every answer that tells too much."""

    def __init__(self, session: "requests.Session", base: str, secrets: Sequence[str]) -> None:
        self.session, self.base, self.secrets = session, base, secrets
        self.leaks: list[str] = []

    def ask(self, path: str, **params: object) -> tuple[int, str]:
        """Return status and text of an answer."""
        answer = self.session.get(self.base + path, params=params, timeout=PATIENCE)
        told = f"{answer.text}\n{answer.headers}"
        if LEAKS.search(told) or any(secret in told for secret in self.secrets):
            self.leaks.append(f"{path}: expected no word of database or machine, found one")
        return answer.status_code, answer.text

    def read(self, path: str, **params: object) -> dict:
        """Return an answer in JSON.

        Raises:
            ValueError: it is an error, or no JSON.
        """
        status, text = self.ask(path, f="json", **params)
        if status != OK:
            raise ValueError(f"{path}: {status}")
        return json.loads(text)

    def page(self, path: str) -> Iterator[str]:
        """Say what is wrong with a page for browsers."""
        status, text = self.ask(path, f="html")
        if status != OK:
            yield f"{path}: expected a page, found an error ({status})"
        for fault in faults(text):
            yield f"{path}: expected a page {fault.partition('expected a page ')[2]}"


def _problems(
    client: _Client,
    folder: Path,
    tables: Sequence[PublishedTable],
    con: "duckdb.DuckDBPyConnection",
) -> Iterator[str]:
    edition_id = json.loads((folder / MANIFEST).read_text("utf-8"))["edition_id"]
    for path in ("/", "/conformance", "/openapi", "/collections"):
        client.read(path)
        client.ask(path, f="jsonld")
        yield from client.page(path)
    if edition_id not in client.read("/")["description"]:
        yield "/: expected the id of the edition, found another edition or none"
    layers = {level + kind: level for level in levels(con) for kind in ("", GENERALISED)}
    found = [one["id"] for one in client.read("/collections")["collections"]]
    yield from same_names("/collections", "collections", {*layers, LONG}, found)
    for name, level in layers.items():
        if name in found:
            yield from _layer(client, name, level, folder, con)
    if LONG in found:
        yield from _long_table(client, tables, con)
    for question, expected in BAD_QUESTIONS.items():
        status, _ = client.ask(question.format(*sorted(layers)[:1]))
        if status != expected:
            yield f"{question}: expected to be refused with {expected}, found {status}"


def _items(client: _Client, name: str) -> list[dict]:
    """Return all items of a collection."""
    items: list[dict] = []
    while True:
        page = client.read(
            f"/collections/{name}/items", crs=STORAGE_CRS, limit=PAGE, offset=len(items)
        )
        items += page["features"]
        if not page["features"] or len(items) >= page["numberMatched"]:
            return items


def _pages(client: _Client, name: str, items: Sequence[dict]) -> Iterator[str]:
    """Look at everything that a collection has beside its items."""
    base = f"/collections/{name}"
    paths = [base, f"{base}/schema", f"{base}/queryables", f"{base}/items"]
    for path in [*paths, *(f"{base}/items/{item['id']}" for item in items[:1])]:
        client.read(path)
        client.ask(path, f="jsonld")
        yield from client.page(path)


def _properties(
    client: _Client, name: str, expected: Collection[str], items: Sequence[dict]
) -> Iterator[str]:
    found = {column for item in items for column in item["properties"]}
    yield from same_names(f"/collections/{name}/items", "properties", expected, found)
    for what in ("schema", "queryables"):
        told = set(client.read(f"/collections/{name}/{what}")["properties"]) - {"geometry"}
        yield from same_names(f"/collections/{name}/{what}", "properties", expected, told)


def _layer(
    client: _Client, name: str, level: str, folder: Path, con: "duckdb.DuckDBPyConnection"
) -> Iterator[str]:
    items = _items(client, name)
    yield from _pages(client, name, items)
    declared = measures(con)
    expected = [*AREA_COLUMNS, *(column for measure in declared for column in measure.columns)]
    yield from _properties(client, name, expected, items)
    yield from _shapes(name, items, folder)
    con.register("layer", _typed(_rows(items, expected), declared))
    yield from _areas(con, name, level)
    yield from layer_cells(con, f"/collections/{name}/items", level, declared)


def _rows(items: Sequence[dict], columns: Sequence[str]) -> "pa.Table":
    import pyarrow as pa

    return pa.table(
        {column: [item["properties"].get(column) for item in items] for column in columns}
    )


def _typed(rows: "pa.Table", declared: Sequence[Measure]) -> "pa.Table":
    """Give measures their types, which a column without any value does not tell."""
    import pyarrow as pa

    for measure in declared:
        value = pa.string() if measure.value == "klasse" else pa.float64()
        for name, kind in zip(measure.columns, (value, pa.string(), pa.date32()), strict=True):
            column = rows.column(name).cast(kind)
            rows = rows.set_column(rows.column_names.index(name), name, column)
    return rows


def _shapes(name: str, items: Sequence[dict], folder: Path) -> Iterator[str]:
    """Compare the outlines with those of the GeoPackage, if it has this layer."""
    import pyogrio
    import shapely

    path = f"/collections/{name}/items"
    kinds = {(item["geometry"] or {}).get("type") for item in items}
    if kinds - set(SHAPES):
        yield f"{path}: expected areas, found {', '.join(sorted(map(str, kinds - set(SHAPES))))}"
        return
    if name not in pyogrio.list_layers(folder / GEOPACKAGE)[:, 0]:
        return
    _, rows = pyogrio.read_arrow(folder / GEOPACKAGE, layer=name, columns=["raum_id"])
    shapes = shapely.normalize(shapely.from_wkb(rows.column("geom").to_numpy()))
    outlines = dict(zip(rows.column("raum_id").to_pylist(), shapes, strict=True))
    different = sum(
        not shapely.equals_exact(
            shapely.normalize(shapely.from_geojson(json.dumps(item["geometry"]))),
            outlines.get(item["id"]),
            NEAR,
        )
        for item in items
    )
    if different:
        yield f"{path}: expected the outlines of {GEOPACKAGE}, found {different} others"


def _areas(con: "duckdb.DuckDBPyConnection", name: str, level: str) -> Iterator[str]:
    """Demand each area of one Gebietsstand once, described as in `dim_raum`."""
    columns = ", ".join(map(quoted, AREA_COLUMNS))
    told = columns.replace(quoted("flaeche_km2"), "flaeche_km2::DOUBLE")
    ours = (
        f"SELECT {told} FROM dim_raum WHERE raumebene = ? "
        "AND gebietsstand IN (SELECT gebietsstand FROM layer)"
    )
    theirs = f"SELECT {told} FROM layer"
    parts = (f"({ours} EXCEPT ALL {theirs})", f"({theirs} EXCEPT ALL {ours})")
    missing, more = (
        con.execute(f"SELECT count(*) FROM {part}", [level]).fetchone()[0] for part in parts
    )
    versions = count(con, "SELECT count(DISTINCT gebietsstand) FROM layer")
    if missing or more or versions != 1:
        yield (
            f"/collections/{name}/items: expected the areas of one Gebietsstand as in dim_raum, "
            f"found {versions} Gebietsstände, {missing} areas missing or described otherwise and "
            f"{more} more"
        )


def _long_table(
    client: _Client, tables: Sequence[PublishedTable], con: "duckdb.DuckDBPyConnection"
) -> Iterator[str]:
    """Compare every row of the long table with the marts."""
    mart = table_named(tables, "mart_indikator")
    expected = [*mart.public_columns(), *LONG_NAMES]
    items = _items(client, LONG)
    yield from _pages(client, LONG, items)
    yield from _properties(client, LONG, expected, items)
    if any(item["geometry"] is not None for item in items):
        yield f"/collections/{LONG}/items: expected no geometry, found some"
    con.register("long", _rows(items, expected))
    yield from long_cells(con, f"/collections/{LONG}/items", mart)
