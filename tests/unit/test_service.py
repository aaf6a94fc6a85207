"""The service over PostGIS: what its clients get, what it refuses, and that its audit finds faults.

One service is asked by all tests. It was started on an edition that said otherwise, and has renewed
itself since: the loader has put the made edition in the place of that one.
"""

import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote, urlsplit

import duckdb
import psycopg
import pytest
import requests
import yaml
from made_edition import FACTS, IMPRINT, LONG_NAME, NAMES, TOWN, VILLAGE, Made, make

from publication.forms import geopackage
from publication.service import database, run
from publication.service.audit import audit_service
from publication.service.config import configuration
from publication.tables import PublishedTable
from publication.targets.errors import TargetError
from publication.targets.postgis import publish
from tests.servers import PASSWORD, Postgres, free_port, postgis_server

EPSG_25832 = "http://www.opengis.net/def/crs/EPSG/0/25832"
CHROMIUM = Path("/usr/bin/chromium")
PROJECT = Path(__file__).resolve().parents[2]
LOGIN, LOGIN_PASSWORD = "dienst", "ganz geheim/@:${HOME}"
BEFORE, OTHER = "aachen-20141231T120000000000Z", "aachen-20991231T120000000000Z"
COLLECTIONS = {
    *("sozialraum", "kommune", "kreis", "kennzahl"),
    *("sozialraum_generalisiert", "kommune_generalisiert", "kreis_generalisiert"),
}


def address(server: Postgres, login: str = LOGIN, password: str = LOGIN_PASSWORD) -> str:
    told = quote(password, safe="")
    return (
        f"postgresql://{login}:{told}@127.0.0.1:{server.port}/amt"
        "?sslmode=prefer&application_name=kartendienst"
    )


def load(server: Postgres, edition: Path, tables: Sequence[PublishedTable]) -> None:
    assert publish(edition, tables, server.address_of("sozialraum_publisher")).replaced


def as_edition(edition: Path, folder: Path, edition_id: str) -> Path:
    """Copy an edition and give it another id."""
    shutil.copytree(edition, folder / edition_id)
    path = folder / edition_id / "manifest.json"
    manifest = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps({**manifest, "edition_id": edition_id}), "utf-8")
    return folder / edition_id


def say_otherwise(edition: Path) -> None:
    """Change the figures of an edition, and give its municipalities a column more."""
    with duckdb.connect(str(edition / "marts.duckdb")) as con:
        con.execute("UPDATE mart_indikator SET wert = wert + 1")
    with closing(sqlite3.connect(edition / "sozialraum.gpkg")) as con, con:
        con.execute("ALTER TABLE kommune ADD COLUMN alte_quote DOUBLE DEFAULT 7.5")
        con.execute(
            "INSERT INTO gpkg_data_columns (table_name, column_name, name, title) "
            "VALUES ('kommune', 'alte_quote', 'alte_quote', 'Alte Quote')"
        )


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Made:
    with pytest.MonkeyPatch.context() as patch:  # neither loader nor service read other forms
        patch.setattr("publication.draft.FORMS", (geopackage.write,))
        return make(tmp_path_factory.mktemp("made"))


@pytest.fixture(scope="module")
def before(made: Made, tmp_path_factory) -> Path:
    """An edition from before the made one."""
    edition = as_edition(made.draft, tmp_path_factory.mktemp("before"), BEFORE)
    say_otherwise(edition)
    return edition


@pytest.fixture(scope="module")
def server(made: Made, before: Path) -> Iterator[Postgres]:
    with postgis_server() as running:
        running.run(
            f"CREATE ROLE {LOGIN} LOGIN PASSWORD '{LOGIN_PASSWORD}' IN ROLE sozialraum_oeffentlich;"
            "GRANT sozialraum_oeffentlich TO planung;"
            "CREATE ROLE fremd LOGIN PASSWORD 'x'; GRANT CONNECT ON DATABASE amt TO fremd"
        )
        load(running, before, made.tables)
        yield running


@pytest.fixture(scope="module")
def task(server: Postgres, made: Made, before: Path, tmp_path_factory) -> run.Task:
    """What is served: first the edition before; when the made one has been loaded, that one."""
    home, port = tmp_path_factory.mktemp("home"), free_port()
    current = home / "current"
    current.symlink_to(before)
    return run.Task(current, made.tables, address(server), home / "service" / str(port), port)


@dataclass(frozen=True)
class Renewed:
    """A service that was renewed.

    Attributes:
        process: the parent, as an operator starts it.
        said: what it said.
        earlier: the municipalities' properties as it told them before.
    """

    process: subprocess.Popen
    said: tuple[str, ...]
    earlier: frozenset[str]

    def children(self) -> list[int]:
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(number) for number in path.read_text().split()]


SERVE = """
import sys
from pathlib import Path
from made_edition import declared_tables
from publication.service import run
edition, address, state, port = sys.argv[1:]
run.LOOK = 0.3
task = run.Task(Path(edition), declared_tables(), address, Path(state), int(port))
sys.exit(run.serve(task, lambda text: print(text, flush=True)))
"""


@pytest.fixture(scope="module")
def no_proxy() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("http_proxy", "https_proxy", "all_proxy"):
            patch.delenv(name, raising=False)
            patch.delenv(name.upper(), raising=False)
        yield


@pytest.fixture(scope="module")
def renewed(no_proxy: None, task: run.Task, server: Postgres, made: Made) -> Iterator[Renewed]:
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE, task.edition, task.address, task.state, str(task.port)],
        env={
            **os.environ,
            "PYTHONPATH": f"{PROJECT}{os.pathsep}{Path(__file__).parent}",
            "SOZIALRAUM_QUELLE_X": "sqlite:///geheim",
        },
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        said = [process.stdout.readline()]
        told = ask(f"{task.local}/collections/kommune/schema", f="json").json()["properties"]
        load(server, made.draft, made.tables)
        beside = task.edition.with_name("next")
        beside.symlink_to(made.draft)
        beside.replace(task.edition)
        said += [process.stdout.readline() for _ in range(2)]
        yield Renewed(process, tuple(said), frozenset(told))
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)
        process.stdout.close()


@pytest.fixture(scope="module")
def service(renewed: Renewed, task: run.Task) -> str:
    return task.local


def ask(url: str, **params: object) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        return session.get(url, params=params, timeout=20)


@contextmanager
def changed(server: Postgres, sql: str, back: str) -> Iterator[None]:
    """Change the database behind the service, and change it back."""
    with psycopg.connect(server.address, autocommit=True) as con:
        con.execute(sql)
        try:
            yield
        finally:
            con.execute(back)


def test_the_service_shows_the_edition_and_nothing_else(service, task, server):
    secrets = [LOGIN_PASSWORD, quote(LOGIN_PASSWORD, safe=""), str(server.port), str(task.state)]
    assert audit_service(service, task.edition, task.tables, secrets=secrets) == []


def test_the_service_renews_itself_when_an_edition_is_loaded(service, renewed, server):
    first, news, again = renewed.said
    assert BEFORE in first
    assert FACTS["edition_id"] in news and "starting anew" in news
    assert FACTS["edition_id"] in again
    assert len(renewed.children()) == 1
    # a column that the edition no longer has stays in the database, for the views on it
    with psycopg.connect(server.address) as con:
        kept = con.execute("SELECT count(*), count(alte_quote) FROM pub.kommune").fetchone()
    assert kept == (2, 0)
    assert "alte_quote" in renewed.earlier
    told = ask(f"{service}/collections/kommune/schema", f="json").json()["properties"]
    assert set(told) == renewed.earlier - {"alte_quote"}
    assert ask(f"{service}/collections/kommune/items?alte_quote=7.5").status_code == 400


def test_owslib_reads_collections_items_boxes_and_queryables(service):
    from owslib.ogcapi.features import Features
    from pyproj import Transformer

    client = Features(f"{service}/")
    assert set(client.feature_collections()) == COLLECTIONS
    told = client.collection("sozialraum")
    assert told["title"] == "Sozialräume"
    west, south, east, north = told["extent"]["spatial"]["bbox"][0]
    assert 5 < west < east < 7 and 50 < south < north < 52
    assert EPSG_25832 in told["crs"] and told["storageCrs"] == EPSG_25832
    queryables = client.collection_queryables("sozialraum")["properties"]
    assert {"raum_id", "sgb2_quote", "sgb2_quote_status"} <= set(queryables)
    every = client.collection_items("sozialraum", limit=100)
    assert every["numberMatched"] == 6
    # the made squares are 2 km wide; a box within the first touches no other
    west, south = Transformer.from_crs(25832, "OGC:CRS84").transform(290_900, 5_620_900)
    first = client.collection_items("sozialraum", bbox=[west, south, west + 0.001, south + 0.001])
    assert [item["id"] for item in first["features"]] == [f"{TOWN}-001"]
    one = ask(
        f"{service}/collections/sozialraum/items",
        **{"bbox": "290100,5620100,290200,5620200", "bbox-crs": EPSG_25832},
    ).json()
    assert [item["id"] for item in one["features"]] == [f"{TOWN}-001"]


def test_gdal_reads_layers_in_the_countys_coordinate_system(service, tmp_path):
    import geopandas
    import pyogrio

    source = f"OAPIF:{service}/collections/sozialraum"
    frame = geopandas.read_file(source, layer="sozialraum", engine="pyogrio", CRS="EPSG:25832")
    assert frame.crs.to_epsg() == 25832
    assert set(frame.geom_type) <= {"Polygon", "MultiPolygon"}
    assert sorted(frame["raum_id"]) == [
        f"{key}-00{n}" for key in (TOWN, VILLAGE) for n in (1, 2, 3)
    ]
    assert frame.area.round().tolist() == [4_000_000.0] * 6
    names = dict(zip(frame["raum_id"], frame["raum_name"], strict=True))
    assert names[f"{TOWN}-001"] == NAMES[f"{TOWN}-001"]
    assert names[f"{TOWN}-003"] == NAMES[f"{TOWN}-003"]
    assert set(pyogrio.list_layers(f"OAPIF:{service}")[:, 0]) == COLLECTIONS
    if not shutil.which("ogr2ogr"):
        pytest.skip("gdal-bin is not installed: see .ci/run")
    target = tmp_path / "kommune.gpkg"
    subprocess.run(
        ["ogr2ogr", "-t_srs", "EPSG:25832", target, f"OAPIF:{service}", "kommune"], check=True
    )
    told = subprocess.run(
        ["ogrinfo", "-al", "-geom=SUMMARY", target], check=True, capture_output=True, text=True
    ).stdout
    assert LONG_NAME in told and "25832" in told and "Feature Count: 2" in told


def test_a_withheld_cell_is_null_with_its_status(service):
    item = ask(f"{service}/collections/sozialraum/items/{TOWN}-002").json()
    values = item["properties"]
    assert (values["sgb2_quote"], values["sgb2_quote_status"]) == (None, "geheim")
    assert values["sgb2_quote_stichtag"] == "2015-12-31"
    assert values["raum_id"] == item["id"] == f"{TOWN}-002"
    assert values["raum_name"] == NAMES[f"{TOWN}-002"]


def test_the_long_table_answers_by_day_and_without_geometry(service):
    url = f"{service}/collections/kennzahl/items"
    wanted = {"indikator_id": "sgb2_quote", "raum_id": f"{TOWN}-001"}
    every = ask(url, **wanted).json()
    assert [item["properties"]["stichtag"] for item in every["features"]] == [
        f"{year}-12-31" for year in (2012, 2013, 2014, 2015)
    ]
    assert {item["geometry"] for item in every["features"]} == {None}
    one = ask(url, datetime="2013-01-01/2014-01-01", **wanted).json()
    assert one["numberMatched"] == 1
    named = ask(f"{url}/{one['features'][0]['id']}").json()
    assert named["properties"] == one["features"][0]["properties"]
    assert ask(url, bbox="0,0,90,90").json()["numberMatched"] == 0
    assert "rang_kreis" not in every["features"][0]["properties"]


def test_pages_and_order_and_conditions(service):
    url = f"{service}/collections/sozialraum/items"
    page = ask(url, limit=2, offset=2, sortby="-raum_id").json()
    assert [item["id"] for item in page["features"]] == [f"{VILLAGE}-001", f"{TOWN}-003"]
    assert {"next", "prev"} <= {link["rel"] for link in page["links"]}
    some = ask(url, filter=f"kommune_id='{TOWN}' AND sgb2_quote IS NOT NULL").json()
    assert [item["id"] for item in some["features"]] == [f"{TOWN}-001"]
    few = ask(url, properties="einwohner", skipGeometry="true", limit=1).json()["features"][0]
    assert set(few["properties"]) == {"raum_id", "einwohner"} and few["geometry"] is None


@pytest.mark.parametrize(
    ("question", "status"),
    [
        ("gibt_es_nicht=1", 400),
        ("filter=gibt_es_nicht>1", 400),
        ("filter=raum_name>1", 400),
        ("filter=einwohner='viele'", 400),
        ("einwohner=viele", 400),
        ("sortby=gibt_es_nicht", 400),
        ("properties=geom_", 400),
        ("bbox=nan,nan,nan,nan", 400),
        ("datetime=2015-12-31", 400),
        ("f=csv", 400),
        ("crs=", 400),
        ("limit=0", 400),
    ],
)
def test_a_wrong_question_is_refused(service, question, status):
    answer = ask(f"{service}/collections/sozialraum/items?{question}")
    assert answer.status_code == status
    assert set(answer.json()) == {"code", "type", "description"}


def test_nothing_can_be_written(service, server):
    url = f"{service}/collections/sozialraum/items"
    with requests.Session() as session:
        session.trust_env = False
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            for target in (url, f"{url}/{TOWN}-001"):
                answer = session.request(method, target, data="{}", timeout=20)
                assert answer.status_code == 405
    told = ask(f"{service}/openapi", f="json").json()["paths"]
    assert {method for path in told.values() for method in path} == {"get"}
    classes = ask(f"{service}/conformance", f="json").json()["conformsTo"]
    assert not [name for name in classes if "create-replace-delete" in name]
    assert any(name.endswith("features-2/1.0/conf/crs") for name in classes)


# the long view shows no withheld value, even if the mart had one: it has to be made worse
LONG_VIEW = """
    DO $$ BEGIN EXECUTE 'CREATE OR REPLACE VIEW pub.kennzahl AS '
        || replace(pg_get_viewdef('pub.kennzahl'), '{}', '{}'); END $$
"""

PLANTED = (
    # what is changed, how it is changed back, what the audit says
    (
        "UPDATE pub.kommune SET einwohner = einwohner + 1",
        "UPDATE pub.kommune SET einwohner = einwohner - 1",
        "kommune/items, column einwohner: expected value, status and stichtag of "
        "mart_indikator, found 2",
    ),
    (
        "UPDATE pub.sozialraum_generalisiert SET sgb2_quote = 7 WHERE sgb2_quote_status = 'geheim'",
        "UPDATE pub.sozialraum_generalisiert SET sgb2_quote = NULL "
        "WHERE sgb2_quote_status = 'geheim'",
        "sozialraum_generalisiert/items, column sgb2_quote: expected no value where the status "
        "in mart_indikator is not ok, found 1",
    ),
    (
        "UPDATE pub.sozialraum SET lage_stichtag = '2014-12-31'",
        "UPDATE pub.sozialraum SET lage_stichtag = '2015-12-31'",
        "sozialraum/items, column lage_klasse: expected value, status and stichtag of "
        "mart_index, found 6",
    ),
    (
        "UPDATE pub.mart_indikator SET wert = 7 WHERE status = 'geheim';"
        + LONG_VIEW.format("(mart.status = ''ok''::text)", "true"),
        "UPDATE pub.mart_indikator SET wert = NULL WHERE status = 'geheim';"
        + LONG_VIEW.format("WHEN true", "WHEN (mart.status = ''ok''::text)"),
        "kennzahl/items: expected no value where the status is not ok, found 4",
    ),
    (
        "UPDATE pub.mart_indikator SET zaehler = zaehler + 1 WHERE raumebene = 'kreis'",
        "UPDATE pub.mart_indikator SET zaehler = zaehler - 1 WHERE raumebene = 'kreis'",
        "kennzahl/items: expected the rows of mart_indikator, found 20 rows missing and 20 rows",
    ),
    (
        f"UPDATE pub.sozialraum SET raum_name = 'Anderswo' WHERE raum_id = '{VILLAGE}-001'",
        f"UPDATE pub.sozialraum SET raum_name = 'Raum {VILLAGE}-001' "
        f"WHERE raum_id = '{VILLAGE}-001'",
        "sozialraum/items: expected the areas of one Gebietsstand as in dim_raum",
    ),
    (
        "UPDATE pub.kreis SET geom = ST_Translate(geom, 1, 0)",
        "UPDATE pub.kreis SET geom = ST_Translate(geom, -1, 0)",
        "kreis/items: expected the outlines of sozialraum.gpkg, found 1",
    ),
)


def test_the_audit_finds_every_planted_fault(service, task, server, tmp_path):
    change, back, sentences = zip(*PLANTED, strict=True)
    other = as_edition(task.edition, tmp_path, OTHER)
    with changed(server, ";".join(change), ";".join(back)):
        problems = audit_service(service, other, task.tables, secrets=[IMPRINT.email])
    for sentence in sentences:
        assert [problem for problem in problems if sentence in problem], (sentence, problems)
    assert "/: expected the id of the edition, found another edition or none" in problems
    assert "/: expected no word of database or machine, found one" in problems
    assert not [problem for problem in problems if "Anderswo" in problem]


def test_a_database_that_is_closed_is_told_without_a_word_of_it(service, task, server):
    with changed(
        server,
        "REVOKE USAGE ON SCHEMA pub FROM sozialraum_oeffentlich",
        "GRANT USAGE ON SCHEMA pub TO sozialraum_oeffentlich",
    ):
        for path in ("items", f"items/{TOWN}"):
            answer = ask(f"{service}/collections/kommune/{path}")
            assert answer.status_code == 503
            for word in (LOGIN, str(server.port), "pub.", "psycopg", "permission"):
                assert word not in answer.text
        with pytest.raises(ValueError, match="found that it refuses to tell"):
            database.shown(task.address)


def test_the_process_knows_its_own_folder_and_nothing_else(service, renewed, task):
    (child,) = renewed.children()
    told = Path(f"/proc/{child}")
    environment = (told / "environ").read_text().split("\0")
    assert {entry.partition("=")[0] for entry in environment if entry} == {
        *("LANG", "PYTHONPATH", "PYGEOAPI_CONFIG", "PYGEOAPI_OPENAPI")
    }
    for text in (*environment, (told / "cmdline").read_text()):
        assert str(task.state.parents[1]) not in text
        assert "geheim" not in text and "SOZIALRAUM" not in text
    assert (told / "cwd").resolve() == task.state
    assert {path.name: path.stat().st_mode & 0o777 for path in task.state.iterdir()} == {
        "pygeoapi.yml": 0o600,
        "openapi.json": 0o600,
    }
    assert task.state.stat().st_mode & 0o777 == 0o700
    with pytest.raises(ValueError, match=r"port \d+ for the service: .*--port"):
        run.serve(task)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"login": "planung", "password": PASSWORD}, "found one with further rights"),
        ({"login": "sozialraum_publisher", "password": PASSWORD}, "found one with further rights"),
        ({"login": "amt", "password": PASSWORD}, "found one with further rights"),
        ({"login": "fremd", "password": "x"}, "found no member"),
        ({"login": "dienst", "password": "falsch"}, "password authentication failed"),
    ],
)
def test_a_login_that_is_not_the_public_one_is_refused(server, change, sentence):
    with pytest.raises(ValueError, match=sentence) as raised:
        database.check(address(server, **change), ["sozialraum"])
    assert "falsch" not in str(raised.value)


def test_what_is_not_there_or_not_open_is_named(renewed, server):
    with pytest.raises(ValueError, match="expected bezirk, mart_indikator in the schema pub"):
        database.check(address(server), ["sozialraum", "bezirk", "mart_indikator"])


@pytest.mark.parametrize(
    "told",
    ["", "nichts", "mysql://a:geheim@b/c", "postgresql://u:geheim@h:port/d", "postgresql:///d"],
)
def test_an_address_that_is_none_is_not_repeated(told):
    with pytest.raises(ValueError, match="SOZIALRAUM_DIENST: expected an address") as raised:
        database.connection(told)
    assert "geheim" not in str(raised.value)


def test_the_configuration_says_what_the_edition_says(made, tmp_path):
    told = configuration(
        made.draft,
        made.tables,
        "postgresql://u:p%24%7Bx%7D@db.example:5433/geo?sslmode=verify-full&sslrootcert=/etc/ca.pem",
        url="https://kreis.example/sozialraum/",
        port=5000,
        documents="https://kreis.example/daten/",
    )
    assert yaml.safe_load(yaml.safe_dump(told)) == told
    assert set(told["resources"]) == COLLECTIONS
    layer = told["resources"]["sozialraum"]
    assert layer["extents"]["temporal"]["end"].date().isoformat() == "2015-12-31"
    assert told["resources"]["kennzahl"]["extents"]["temporal"]["begin"].year == 2012
    assert [link["href"] for link in layer["links"]][:2] == [
        IMPRINT.lizenz_url,
        "https://kreis.example/sozialraum/collections/sozialraum/schema?f=html",
    ]
    provider = layer["providers"][0]
    assert provider["data"]["password"] == "p${x}" and provider["data"]["port"] == 5433
    assert provider["options"]["sslmode"] == "verify-full"
    assert provider["options"]["sslrootcert"] == "/etc/ca.pem"
    assert "default_transaction_read_only=on" in provider["options"]["options"]
    assert told["server"]["limits"]["max_items"] == 10_000
    assert told["server"]["admin"] is told["server"]["cors"] is False
    assert told["metadata"]["contact"]["email"] == IMPRINT.email
    assert told["metadata"]["license"] == {"name": IMPRINT.lizenz_name, "url": IMPRINT.lizenz_url}
    assert "rang_kreis" not in json.dumps(told, default=str)


def test_every_page_is_german_and_loads_nothing_from_elsewhere(service):
    if not CHROMIUM.exists():
        pytest.skip("chromium is not installed: see .ci/run")
    from playwright.sync_api import sync_playwright

    base = f"{service}/collections"
    pages = {
        f"{service}/": "Sozialraumdaten für Prüfungen",
        f"{service}/openapi?f=html": "Beschreibung der Schnittstelle",
        f"{service}/conformance?f=html": "Erfüllte Normen",
        base: "Datensätze",
        f"{base}/sozialraum": "Sozialräume",
        f"{base}/sozialraum/schema": "Sozialräume: Spalten",
        f"{base}/sozialraum/queryables": "Sozialräume: Spalten, nach denen gefragt werden kann",
        f"{base}/sozialraum/items": "Sozialräume: Inhalt",
        f"{base}/sozialraum/items/{TOWN}-003": NAMES[f"{TOWN}-003"],
        f"{base}/kommune/items/{VILLAGE}": LONG_NAME,
        f"{base}/kennzahl/items?limit=5": "Kennzahlen, alle Stichtage: Inhalt",
    }
    shots = os.environ.get("SOZIALRAUM_TEST_BILDER")  # a folder for who wants to look at them
    asked, said = [], []
    with sync_playwright() as tool:
        browser = tool.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--no-proxy-server"]
        )
        page = browser.new_page(locale="de-DE")
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        for number, (url, heading) in enumerate(pages.items()):
            assert page.goto(url).status == 200
            assert page.locator("h1").inner_text() == heading
            assert page.locator("html").get_attribute("lang") == "de"
            if shots:
                page.screenshot(path=Path(shots) / f"seite{number:02}.png", full_page=True)
        page.goto(f"{base}/sozialraum/items")
        row = page.get_by_role("row", name=NAMES[f"{TOWN}-002"])
        assert row.locator("td").all_inner_texts() == [f"{TOWN}-002", TOWN, "2015", "4,00"]
        page.get_by_role("link", name=NAMES[f"{TOWN}-002"]).click()
        row = page.get_by_role("row", name="SGB-II-Quote")
        assert row.locator("td").all_inner_texts() == ["–", "geheim", "31.12.2015"]
        row = page.get_by_role("row", name="Einwohnerinnen und Einwohner")
        assert row.locator("td").first.inner_text() == "2.030"
        assert said == []
        assert page.goto(f"{base}/gibt_es_nicht").status == 404
        assert page.locator("h1").inner_text() == "Diese Anfrage hat keine Antwort"
        browser.close()
    assert {urlsplit(url).hostname for url in asked} == {"127.0.0.1"}


def test_the_verb_says_in_one_sentence_what_to_set(tmp_path):
    environment = {"PATH": os.environ["PATH"], "SOZIALRAUM_HOME": str(tmp_path)}
    command = [sys.executable, "-m", "orchestration.cli", "serve"]
    told = subprocess.run(
        command, cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=60
    )
    assert told.returncode == 2
    assert told.stderr.startswith("sozialraum: SOZIALRAUM_DIENST: expected the address")
    assert told.stderr.count("\n") == 1


def test_the_docs_name_the_options_of_the_verb(capsys):
    from orchestration.cli import main

    text = (PROJECT / "docs" / "dienst.md").read_text("utf-8")
    with pytest.raises(SystemExit):
        main(["serve", "--help"])
    known = capsys.readouterr().out
    lines = [line for line in text.splitlines() if "sozialraum serve" in line]
    options = {option for line in lines for option in re.findall(r"--[a-z-]+", line)}
    assert options == {"--port", "--aus", "--url", "--unterlagen", "--pruefen", "--nur-schreiben"}
    assert not [option for option in options if option not in known]


def test_an_edition_that_is_not_loaded_is_not_served(renewed, task, tmp_path):
    other = as_edition(task.edition, tmp_path, OTHER)
    with pytest.raises(ValueError, match=rf"pub\.ausgabe: expected edition {OTHER}, found aachen-"):
        run.write(replace(task, edition=other, state=tmp_path / "s"))
    assert not (tmp_path / "s").exists()


def test_only_writing_leaves_two_files_and_no_process(renewed, task, tmp_path):
    state = tmp_path / "s"
    run.write(replace(task, state=state, url="https://kreis.example/sozialraum"))
    told = json.loads((state / "openapi.json").read_text("utf-8"))
    assert told["servers"][0]["url"] == "https://kreis.example/sozialraum"
    assert (
        set(yaml.safe_load((state / "pygeoapi.yml").read_text("utf-8"))["resources"]) == COLLECTIONS
    )


def test_a_signal_ends_the_service_and_its_child(renewed, service):
    (child,) = renewed.children()
    renewed.process.send_signal(signal.SIGTERM)
    assert renewed.process.wait(20) == 0
    assert not Path(f"/proc/{child}").exists()
    with pytest.raises(requests.ConnectionError):
        ask(f"{service}/")


def test_the_api_is_audited_over_the_staging_schema_before_the_switch(made: Made):
    """The loader asks a service over what is staged; a wrong number there stops the switch."""
    with postgis_server() as fresh:
        publisher = fresh.address_of("sozialraum_publisher")

        def answers(schema: str) -> list[str]:
            return run.check_staged(made.draft, made.tables, publisher, schema)

        def planted(schema: str) -> list[str]:
            with psycopg.connect(publisher.replace("+psycopg", ""), autocommit=True) as con:
                con.execute(
                    f"UPDATE {schema}.sozialraum SET sgb2_quote = 4711 "
                    "WHERE sgb2_quote_status = 'geheim'"
                )
            return answers(schema)

        with pytest.raises(TargetError, match="no value where the status") as error:
            publish(made.draft, made.tables, publisher, further=planted)
        assert "4711" not in str(error.value)
        assert publish(made.draft, made.tables, publisher, further=answers).replaced
