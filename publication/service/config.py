"""What pygeoapi is told: its configuration, made from a finished edition.

Here belongs which collections there are, with their German titles, descriptions, columns, extents
and links. Not here: starting it (`run`), and any value. The edition alone decides; the database
brings the rows.
"""

import json
import math
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from typing import NamedTuple

from publication.forms.geopackage import GEOPACKAGE
from publication.handbuch import HANDBOOK, MEANING
from publication.imprint import Imprint
from publication.layers import CRS, GENERALISED, LONG, figure_fields
from publication.legends import NEWEST
from publication.material import MANIFEST, MARTS
from publication.numbers import digits_of
from publication.service.database import connection
from publication.tables import PublishedTable, quoted, table_named
from publication.targets.postgis.declared import GEOMETRY_COLUMN, SCHEMA

TEMPLATES = Path(__file__).parent / "templates"
PROVIDER = "publication.service.provider.EditionTable"
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
STORAGE_CRS = f"http://www.opengis.net/def/crs/EPSG/0/{CRS.removeprefix('EPSG:')}"
SYSTEMS = (CRS84, STORAGE_CRS, "http://www.opengis.net/def/crs/EPSG/0/4326")
MAX_ITEMS = 10_000
DEFAULT_ITEMS = 100
LANGUAGES = ("de-DE",)
CATALOGUE = {".xml": "application/xml", ".jsonld": "application/ld+json", ".ttl": "text/turtle"}


class Column(NamedTuple):
    """A property of a collection: name, German title, definition, digits after the comma."""

    name: str
    title: str
    description: str
    digits: int | None = None


class Collection(NamedTuple):
    """One collection.

    Attributes:
        name: of the collection and of the relation behind it.
        title, description: German.
        columns: in published order.
        key: the columns that name an item; with several, their values are joined.
        bounds: west, south, east, north in EPSG:25832.
        days: the first and last Stichtag; None: there is none.
        time: the column that `datetime` asks for, or None.
    """

    name: str
    title: str
    description: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    bounds: tuple[float, float, float, float]
    days: tuple[date, date] | None
    time: str | None = None


def configuration(
    folder: Path,
    tables: Sequence[PublishedTable],
    address: str,
    *,
    url: str,
    port: int,
    schema: str = SCHEMA,
    documents: str | None = None,
    languages: Sequence[str] = LANGUAGES,
) -> dict:
    """Return the configuration of pygeoapi for an edition. It holds the database's password.

    Args:
        folder: the edition: its manifest, marts and GeoPackage are read.
        tables: the declarations with which it was written.
        address: of the database, as `postgresql://…`.
        url: where the service is reached from outside; every link begins with it.
        port: where it listens, on loopback.
        schema: where the edition stands in the database.
        documents: where the edition's files are reached, if they are: then the collections link to
            the handbook and to the catalogue's records there.
        languages: of the answers; the texts are German.

    Raises:
        ValueError: the manifest has no imprint, or the address is none.
    """
    manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
    imprint = Imprint.of(manifest)
    data, options = connection(address, schema)
    url = url.rstrip("/")
    return {
        "server": {
            "bind": {"host": "127.0.0.1", "port": port},
            "url": url,
            "mimetype": "application/json; charset=UTF-8",
            "encoding": "utf-8",
            "language": languages[0],
            "languages": list(languages),
            "gzip": False,
            "cors": False,
            "pretty_print": False,
            "admin": False,
            "limits": {
                "default_items": DEFAULT_ITEMS,
                "max_items": MAX_ITEMS,
                "on_exceed": "throttle",
            },
            "map": {"url": "", "attribution": ""},
            # for the pages alone: words with their meaning, indicators without digits
            "statuses": [list(entry) for entry in MEANING],
            "whole": [key for key, digits in _digits(folder).items() if digits == 0],
            "templates": {"path": str(TEMPLATES), "static": str(TEMPLATES)},
        },
        "logging": {"level": "CRITICAL"},
        "metadata": _metadata(imprint, manifest),
        "resources": {
            collection.name: {
                "type": "collection",
                "title": collection.title,
                "description": collection.description,
                "keywords": list(imprint.schlagworte),
                "links": [
                    *_links(imprint, f"{url}/collections/{collection.name}"),
                    *_document_links(manifest, documents),
                ],
                "extents": _extents(collection),
                "providers": [_provider(collection, data, options)],
            }
            for collection in collections(folder, tables, imprint)
        },
    }


def collections(
    folder: Path, tables: Sequence[PublishedTable], imprint: Imprint
) -> list[Collection]:
    """Return the collections of an edition: each level, exact and generalised, and the long table.

    Args:
        folder: the edition.
        tables: the declarations with which it was written.
        imprint: who publishes.
    """
    uri = f"{(folder / GEOPACKAGE).resolve().as_uri()}?mode=ro&immutable=1"
    digits = _digits(folder)
    found = []
    with closing(sqlite3.connect(uri, uri=True)) as con:
        for level, description, *bounds in con.execute(
            "SELECT contents.table_name, contents.description, min_x, min_y, max_x, max_y "
            "FROM gpkg_contents AS contents JOIN gpkg_geometry_columns USING (table_name) "
            "ORDER BY contents.rowid"
        ).fetchall():
            if level.endswith(GENERALISED):
                continue
            columns = tuple(
                Column(name, title, text or "", digits.get(name))
                for name, title, text in con.execute(
                    "SELECT column_name, title, gpkg_data_columns.description "
                    "FROM gpkg_data_columns "
                    "JOIN pragma_table_info(?) AS info ON info.name = column_name "
                    "WHERE table_name = ? ORDER BY cid",
                    [level, level],
                )
            )
            days = _days(con, level, columns)
            exact = Collection(
                *(level, imprint.plural(level), description, columns, ("raum_id",), tuple(bounds)),
                days,
            )
            coarse = exact._replace(
                name=level + GENERALISED,
                title=f"{exact.title}, vereinfachte Grenzen",
                description=f"{description} Grenzen vereinfacht, für Übersichtskarten.",
            )
            found += [exact, coarse]
    return [*found, _long_table(folder, tables, found)]


def _long_table(
    folder: Path, tables: Sequence[PublishedTable], others: Iterable[Collection]
) -> Collection:
    import duckdb

    with duckdb.connect(str(folder / MARTS), read_only=True) as con:
        days = con.execute("SELECT min(stichtag), max(stichtag) FROM mart_indikator").fetchone()
    west, south, east, north = zip(*(other.bounds for other in others), strict=True)
    return Collection(
        LONG,
        "Kennzahlen, alle Stichtage",
        "Jede Kennzahl jedes Raums zu jedem Stichtag, ohne Geometrie. Ein leerer Wert ist nicht "
        "null; warum er fehlt, sagt die Spalte status.",
        tuple(
            Column(field.name, field.alias, field.description) for field in figure_fields(tables)
        ),
        table_named(tables, "mart_indikator").key,
        (min(west), min(south), max(east), max(north)),
        None if None in days else days,
        "stichtag",
    )


def _days(
    con: sqlite3.Connection, level: str, columns: Iterable[Column]
) -> tuple[date, date] | None:
    """Return the first and the last day that a layer speaks of."""
    names = [quoted(column.name) for column in columns if column.name.endswith("_stichtag")]
    if not names:
        return None
    ends = ", ".join(f"min({name}), max({name})" for name in names)
    row = con.execute(f"SELECT {ends} FROM {quoted(level)}").fetchone()
    days = [date.fromisoformat(day) for day in row if day]
    return (min(days), max(days)) if days else None


def _digits(folder: Path) -> dict[str, int]:
    import duckdb

    with duckdb.connect(str(folder / MARTS), read_only=True) as con:
        rows = con.execute(f"SELECT indikator_id, art, einheit FROM ({NEWEST})").fetchall()
    return {key: digits_of(kind, unit) for key, kind, unit in rows if kind != "klasse"}


def _metadata(imprint: Imprint, manifest: Mapping) -> dict:
    return {
        "identification": {
            "title": imprint.titel,
            "description": f"{imprint.beschreibung} Ausgabe {manifest['edition_id']}. "
            f"Quellenvermerk: {imprint.quellenvermerk}",
            "keywords": list(imprint.schlagworte),
            "keywords_type": "theme",
            "terms_of_service": imprint.lizenz_url,
            "url": imprint.url,
        },
        "license": {"name": imprint.lizenz_name, "url": imprint.lizenz_url},
        "provider": {"name": imprint.organisation, "url": imprint.url},
        "contact": {
            "name": f"{imprint.organisation}, {imprint.stelle}",
            "position": imprint.stelle,
            "email": imprint.email,
            "url": imprint.url,
            "role": "pointOfContact",
        },
    }


def _links(imprint: Imprint, collection: str) -> list[dict]:
    return [
        _link("license", "text/html", imprint.lizenz_name, imprint.lizenz_url),
        _link(
            "describedby", "text/html", "Definitionen der Spalten", f"{collection}/schema?f=html"
        ),
        _link("about", "text/html", imprint.organisation, imprint.url),
    ]


def _document_links(manifest: Mapping, documents: str | None) -> list[dict]:
    """Return links to the handbook and to the catalogue's records, as the edition has them."""
    if documents is None:
        return []
    base, files = documents.rstrip("/"), manifest["files"]
    handbook = [
        _link("describedby", "text/html", "Qualitätshandbuch", f"{base}/{HANDBOOK}")
        for name in files
        if name == HANDBOOK
    ]
    records = [
        _link("describedby", CATALOGUE[kind], "Metadaten im Katalog", f"{base}/{name}")
        for name in sorted(files)
        if name.startswith("catalogue/") and (kind := Path(name).suffix) in CATALOGUE
    ]
    return handbook + records


def _link(rel: str, kind: str, title: str, href: str) -> dict:
    return {"rel": rel, "type": kind, "title": title, "href": href, "hreflang": "de"}


def _extents(collection: Collection) -> dict:
    spatial = {"spatial": {"bbox": _geographic(collection.bounds), "crs": CRS84}}
    if collection.days is None:
        return spatial
    begin, end = (datetime(day.year, day.month, day.day, tzinfo=UTC) for day in collection.days)
    return {**spatial, "temporal": {"begin": begin, "end": end}}


def _geographic(bounds: tuple[float, ...]) -> list[float]:
    """Return longitudes and latitudes that hold these bounds, rounded outwards."""
    from pyproj import Transformer

    transform = Transformer.from_crs(CRS, "OGC:CRS84", always_xy=True).transform_bounds
    west, south, east, north = (value * 1e5 for value in transform(*bounds))
    return [
        value / 1e5
        for value in (math.floor(west), math.floor(south), math.ceil(east), math.ceil(north))
    ]


def _provider(collection: Collection, data: dict, options: dict) -> dict:
    return {
        "type": "feature",
        "name": PROVIDER,
        "data": data,
        "options": options,
        "table": collection.name,
        "id_field": collection.key[0] if len(collection.key) == 1 else "id",
        "title_field": "raum_name",
        **({"time_field": collection.time} if collection.time else {}),
        "geom_field": GEOMETRY_COLUMN,
        "crs": list(SYSTEMS),
        "storage_crs": STORAGE_CRS,
        "key": list(collection.key),
        # a list: pygeoapi would take a mapping whose keys look like languages for translations
        "columns": [list(column) for column in collection.columns],
    }
