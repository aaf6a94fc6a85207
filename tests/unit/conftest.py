"""What several unit tests share: a small county made by hand, and where Berlin's files lie.

The county has four Sozialräume of one square kilometre in two Kommunen, and one feed of each
kind. Expectations in the tests come from these rows, never from what the code writes.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from sources.connectors import files as connector
from sources.landing import Folders, Gate, land_feed
from sources.ledger import Outcome
from sources.region import Region, read_region

BERLIN = Path(os.environ.get("SOZIALRAUM_DATA") or "no-data") / "berlin"
WEST, SOUTH, SIDE = 300_000, 5_600_000, 1_000
AREAS = {"0101": 0, "0102": 1, "0201": 2, "0202": 3}  # position from west to east
KOMMUNEN = {"01": (0, 2), "02": (2, 4)}
SECRET = bytes(range(32))


def square(start: float, end: float) -> dict:
    """Return a rectangle between two positions as GeoJSON, one unit high."""
    west, east, north = WEST + start * SIDE, WEST + end * SIDE, SOUTH + SIDE
    ring = [[west, SOUTH], [east, SOUTH], [east, north], [west, north], [west, SOUTH]]
    return {"type": "Polygon", "coordinates": [ring]}


def geojson(shapes: dict[str, dict | None], srs: int | None = 25832) -> str:
    """Return a feature collection with `id` and `name`."""
    features = [
        {"type": "Feature", "properties": {"id": key, "name": f"Raum {key}"}, "geometry": shape}
        for key, shape in shapes.items()
    ]
    crs = {"type": "name", "properties": {"name": f"urn:ogc:def:crs:EPSG::{srs}"}}
    return json.dumps(
        {"type": "FeatureCollection", "features": features, **({"crs": crs} if srs else {})}
    )


def _column(name: str, kind: str = "text", **more) -> dict:
    defaults = {"header": name.upper(), "sensitivity": "oeffentlich", "description": name}
    return {"name": name, "type": kind, **defaults, **more}


def _layout(name: str = "form_a", **more) -> dict:
    dates = {"valid_from": "2010-01-01", "valid_to": "2020-12-31"}
    return {"id": name, "format": "delimited", "delimiter": ";", **dates, **more}


def _feed(name: str, spatial: dict, columns: list[dict], **more) -> dict:
    defaults = {
        "title": name,
        "partner": "amt",
        "ebene": "aggregat",
        "thema": "bevoelkerung",
        "location": name,
        "files": "*",
        "name_pattern": name + r"[ _](?P<jahr>\d{4})( .*)?\.csv",
        "stichtag": {"rule": "jahresende"},
        "key": [columns[0]["name"]],
        "rows": {"change_tolerance": 0.5},
        "layouts": [_layout()],
    }
    return {"feed": name, **defaults, "spatial": spatial, "columns": columns, **more}


def _area_feed(name: str, ebene: str) -> dict:
    columns = [
        _column("raum_id", header="id"),
        _column("raum_name", header="name"),
        _column("geometrie", "geometry", header="geometry"),
    ]
    return _feed(
        name,
        {"kind": "flaeche", "ebene": ebene, "gebietsstand": "heute"},
        columns,
        name_pattern=rf"{name}\.geojson",
        stichtag={"rule": "fest", "fixed": "2020-12-31"},
        layouts=[_layout("geojson", format="features", srs=25832) | {"delimiter": None}],
    )


def _by_key(ebene: str) -> dict:
    return {"kind": "schluessel", "ebene": ebene, "gebietsstand": "heute", "column": "raum_id"}


def _excluded() -> list[dict]:
    when = {"feed": "klassen", "column": "klasse", "equals": "ausgeschlossen"}
    return [{"mark": "0", "state": "suppressed", "when": when}]


def _feeds() -> dict[str, dict]:
    klasse = _column("klasse", codes={"1": "hoch", "2": "mittel", "0": "ausgeschlossen"})
    share = _column("anteil", "decimal", minimum=0, maximum=100, marks=_excluded())
    feeds = [
        _area_feed("raeume", "sozialraum"),
        _area_feed("kommunen", "kommune"),
        _feed("klassen", _by_key("sozialraum"), [_column("raum_id"), klasse]),
        _feed("anteile", _by_key("sozialraum"), [_column("raum_id"), share]),
        _feed("gesamt", _by_key("kommune"), [_column("raum_id"), deepcopy(share)]),
        _feed(
            "bestand",
            _by_key("sozialraum"),
            [
                _column("zeit"),
                _column("raum_id"),
                _column("art", codes={"A": "alt", "N": "neu"}),
                _column("anzahl", "integer", minimum=0),
                _column("anteil", "decimal", minimum=0, maximum=100, required=False),
                _column("telefon", sensitivity="nicht_landen", required=False),
            ],
            name_pattern=r"bestand_(?P<jahr>\d{4})(?P<monat>\d{2})( .*)?\.csv",
            stichtag={"rule": "monatsende", "column": "zeit", "column_format": "%Y%m"},
            key=["raum_id"],
            layouts=[_layout(), _layout("form_b", quoted=True, decimal=",")],
        ),
        _feed(
            "orte",
            {
                "kind": "koordinaten",
                "ebene": "sozialraum",
                "gebietsstand": "heute",
                "x": "ost",
                "y": "nord",
                "srs": 25832,
            },
            [_column("ort_id"), _column("ost", "decimal"), _column("nord", "decimal")],
        ),
    ]
    for feed in feeds:
        feed["layouts"] = [
            {key: value for key, value in layout.items() if value is not None}
            for layout in feed["layouts"]
        ]
    return {feed["feed"]: feed for feed in feeds}


def _region() -> dict:
    return {
        "region": "musterkreis",
        "name": "Musterkreis",
        "kreis_id": "99",
        "statistikstelle": False,
        "srs": 25832,
        "data_hint": "none",
        "levels": [
            {"ebene": "sozialraum", "name": "Sozialraum", "prefix": 4},
            {"ebene": "kommune", "name": "Kommune", "prefix": 2},
            {"ebene": "kreis", "name": "Kreis", "unit": "99"},
        ],
        "gebietsstaende": [{"gebietsstand": "heute", "gueltig_ab": None, "gueltig_bis": None}],
        "partners": {"amt": {"name": "Amt", "contact": "Stelle"}},
        "expected": {},
    }


class County:
    """The county: what it declares as plain data, its inbox and what has landed."""

    def __init__(self, root: Path):
        self.declared = _region()
        self.feeds = _feeds()
        self.inbox, self.data = root / "inbox", root / "data"
        self.folders = Folders(root / "landing")

    @property
    def region(self) -> Region:
        """The region as the product reads it from what is declared now."""
        declared = {"agreements": [self.agreement()], **self.declared}
        return Region.model_validate({**declared, "feeds": list(self.feeds.values())})

    def agreement(self, **changes) -> dict:
        """Return an agreement that covers every feed at any Stichtag; `changes` make it another."""
        persons = any(feed["ebene"] == "einzeldaten" for feed in self.feeds.values())
        return {
            "id": "vereinbarung",
            "feeds": list(self.feeds),
            "rechtsgrundlage": "oegdg_12",
            "zweck": "Sozialplanung",
            "parteien": ["Kreis", "Amt"],
            "gueltig_ab": "1990-01-01",
            "aufbewahrung_monate": 12 if persons else None,
            "kleinraeumig": True,
            **changes,
        }

    def deliver(self, feed: str, name: str, content: str | bytes, root: Path | None = None) -> Path:
        """Lay a file into the inbox (or another root), as a partner does."""
        path = (root or self.inbox) / feed / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def land(self, feed: str, gate: Gate = lambda _: {}, **more) -> list[Outcome]:
        """Land a feed; by default the arrival gate lets everything pass."""
        region = self.region
        return land_feed(
            region.feed(feed),
            region,
            self.folders,
            inbox=self.inbox,
            data=self.data,
            gate=gate,
            secret=SECRET,
            **more,
        )

    def deliver_and_land(self, feed: str, name: str, content: str | bytes) -> Outcome:
        """Deliver one file and return what became of it."""
        sha256 = hashlib.sha256(self.deliver(feed, name, content).read_bytes()).hexdigest()
        return next(o for o in self.land(feed) if (o.file, o.sha256) == (name, sha256))

    def accepted(self, feed: str) -> list[dict]:
        """Return the rows that staging would read."""
        return self._rows(self.folders.accepted(feed), "stichtag")

    def quarantined(self, feed: str) -> list[dict]:
        """Return the bad rows of all deliveries."""
        return self._rows(self.folders.quarantine(feed), "delivery_id")

    def _rows(self, folder: Path, order: str) -> list[dict]:
        rows = [row for path in folder.glob("*.parquet") for row in pq.read_table(path).to_pylist()]
        return sorted(rows, key=lambda row: (row[order], row["row_number"]))

    @staticmethod
    def bestand(*rows: str, header: str = "ZEIT;RAUM_ID;ART;ANZAHL;ANTEIL;TELEFON") -> str:
        """Return a file of the feed `bestand`."""
        return "\n".join([header, *rows]) + "\n"

    @staticmethod
    def good_rows(period: str = "201512") -> list[str]:
        """Return one good row of `bestand` for each area."""
        return [f"{period};{area};A;{10 + n};{n}.5;" for n, area in enumerate(AREAS)]

    square = staticmethod(square)
    geojson = staticmethod(geojson)


@pytest.fixture(scope="session", autouse=True)
def _files_rest_at_once():
    """Tests write whole files: nobody waits to see whether they still grow."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connector, "LOOK", 0.0)
        yield


@pytest.fixture(scope="session")
def _ground(tmp_path_factory) -> Path:
    county = County(tmp_path_factory.mktemp("ground"))
    county.deliver(
        "raeume", "raeume.geojson", geojson({k: square(n, n + 1) for k, n in AREAS.items()})
    )
    county.deliver(
        "kommunen", "kommunen.geojson", geojson({k: square(*v) for k, v in KOMMUNEN.items()})
    )
    for feed in ("raeume", "kommunen"):
        assert [outcome.result for outcome in county.land(feed)] == ["accepted"]
    return county.folders.root


@pytest.fixture
def bare_county(tmp_path: Path) -> County:
    """The county before anything was delivered."""
    return County(tmp_path)


@pytest.fixture(scope="session")
def new_county(_ground: Path) -> Callable[[Path], County]:
    """Return a function that makes a county with its areas landed."""

    def make(root: Path) -> County:
        shutil.copytree(_ground, root / "landing")
        return County(root)

    return make


@pytest.fixture
def county(tmp_path: Path, new_county: Callable[[Path], County]) -> County:
    """The county with its areas landed."""
    return new_county(tmp_path)


@pytest.fixture(scope="session")
def berlin_files() -> Path:
    """Berlin's open data; a test that asks for it is skipped where it is missing."""
    return BERLIN


@pytest.fixture(scope="session")
def berlin_region() -> Region:
    """Berlin as the product declares it."""
    return read_region("berlin")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip visibly what needs Berlin's open data where there is none."""
    missing = pytest.mark.skipif(
        not BERLIN.is_dir(), reason="SOZIALRAUM_DATA has no folder berlin/: Berlin's open data"
    )
    for item in items:
        if "berlin_files" in getattr(item, "fixturenames", ()):
            item.add_marker(missing)
