"""Connectors against real servers that the tests start: SFTP, PostgreSQL, GENESIS, map services."""

import io
import json
import os
import zipfile
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pyogrio
import pytest

from sources.connectors import files, genesis, retry
from sources.connectors.pull import Known, Pulled, pull
from sources.region import Source
from tests.servers import (
    Answer,
    Asked,
    Postgres,
    SftpServer,
    cutting_proxy,
    free_port,
    http_server,
    make_key,
    postgres_server,
    pulling_region,
    sftp_server,
)

STICHTAGE = [date(2014, 12, 31), date(2015, 12, 31)]
CONTENT = b"FALL;AGS;BEGINN;BETRAG\nf1;01;2014-03-01;512.3\n"


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    monkeypatch.setattr(retry, "FIRST_WAIT", 0.01)
    monkeypatch.setattr(files, "LOOK", 0.05)
    monkeypatch.setattr(genesis, "POLL", 0.01)


def pull_from(tmp_path: Path, feed: str, source: Source, address: str, **more) -> Pulled:
    region = pulling_region()
    asked = {"seen": (), "stichtage": STICHTAGE, "inbox": tmp_path / "inbox", **more}
    return pull(region.feed(feed), source, region, address=address, **asked)


def names(done: Pulled) -> list[str]:
    return [path.name for path in done.written]


def in_inbox(tmp_path: Path, feed: str) -> list[str]:
    return sorted(path.name for path in (tmp_path / "inbox" / feed).iterdir())


# --- SFTP


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SftpServer]:
    with sftp_server(tmp_path / "server") as running:
        yield running


def put(server: SftpServer, name: str, content: bytes = CONTENT, age: float = 3600) -> Path:
    """Lay a file onto the server as if it had been there for `age` seconds."""
    path = server.folder / name
    path.write_bytes(content)
    changed = int(datetime.now(UTC).timestamp() - age)
    os.utime(path, (changed, changed))
    return path


def pull_sftp(tmp_path: Path, address: str, pattern: str = "LISTE_*", **more) -> Pulled:
    source = Source(art="sftp", verbindung="PARTNER", abfrage=pattern)
    return pull_from(tmp_path, "liste", source, address, **more)


def test_sftp_brings_what_is_agreed_complete_and_new(tmp_path, server):
    put(server, "LISTE_20151231.csv")
    put(server, "LISTE_20141231.csv", b"known")
    put(server, "LISTE_20131231.csv")  # before the agreement
    put(server, "LISTE_20160331.csv.filepart")
    put(server, "LISTE_ohne_Stichtag.csv")
    put(server, "ANDERES_20151231.csv")
    (server.folder / "LISTE_20151230.csv").symlink_to("/etc/hostname")
    (server.folder / "LISTE_20151229.csv").mkdir()
    seen = {"LISTE_20141231.csv": Known(frozenset({5}))}

    done = pull_sftp(tmp_path, server.address(), seen=seen)

    assert names(done) == ["LISTE_20151231.csv"]
    assert done.written[0].read_bytes() == CONTENT
    assert done.known == ["LISTE_20141231.csv"]
    assert done.not_agreed == ["LISTE_20131231.csv"]
    assert done.waiting == ["LISTE_20160331.csv.filepart"]
    assert list(done.failed) == ["LISTE_ohne_Stichtag.csv"]
    assert in_inbox(tmp_path, "liste") == ["LISTE_20151231.csv"]


def test_sftp_from_a_partners_upload_into_the_inbox(tmp_path, server):
    mine = tmp_path / "LISTE_20151231.csv"
    mine.write_bytes(CONTENT)
    server.push(mine)
    assert names(pull_sftp(tmp_path, server.address())) == ["LISTE_20151231.csv"]


def test_sftp_takes_a_correction_under_the_same_name(tmp_path, server):
    put(server, "LISTE_20151231.csv")
    seen = {"LISTE_20151231.csv": Known(frozenset({5}))}
    assert names(pull_sftp(tmp_path, server.address(), seen=seen)) == ["LISTE_20151231.csv"]
    assert pull_sftp(tmp_path, server.address(), seen=seen).known == ["LISTE_20151231.csv"]


def test_sftp_looks_into_the_folder_that_the_pattern_names(tmp_path, server):
    (server.folder / "2015").mkdir()
    put(server, "2015/LISTE_20151231.csv")
    done = pull_sftp(tmp_path, server.address(), "2015/LISTE_*.csv")
    assert names(done) == ["LISTE_20151231.csv"]


def test_sftp_refuses_names_that_lead_out_of_the_inbox(tmp_path, server):
    put(server, "..\\LISTE_20151231.csv")
    done = pull_sftp(tmp_path, server.address(), "*")
    assert list(done.failed.values()) == ["a name that may lead out of the inbox; refused"]
    assert in_inbox(tmp_path, "liste") == []


def test_sftp_leaves_a_file_that_is_still_being_written(tmp_path, server, monkeypatch):
    growing = put(server, "LISTE_20151231.csv", age=0)
    put(server, "LISTE_20141231.csv", age=0)
    monkeypatch.setattr(
        "sources.connectors.sftp.time.sleep", lambda _: growing.write_bytes(CONTENT * 2)
    )
    done = pull_sftp(tmp_path, server.address())
    assert (names(done), done.waiting) == (["LISTE_20141231.csv"], ["LISTE_20151231.csv"])


def test_sftp_tells_a_clock_that_is_ahead(tmp_path, server):
    put(server, "LISTE_20151231.csv", age=-3600)
    done = pull_sftp(tmp_path, server.address())
    assert names(done) == ["LISTE_20151231.csv"]
    assert "ahead" in done.remarks["LISTE_20151231.csv"]


def test_sftp_goes_on_with_a_broken_download(tmp_path, server):
    content = os.urandom(3_000_000)
    put(server, "LISTE_20151231.csv", content)
    with cutting_proxy(server.port, limit=2_000_000) as (port, brought):
        server.trust(port)
        done = pull_sftp(tmp_path, server.address(port))
        assert done.failed == {}
        assert done.written[0].read_bytes() == content
        assert len(brought) == 2
        assert brought[1] < 2_500_000, "the second try read everything again"
    assert in_inbox(tmp_path, "liste") == ["LISTE_20151231.csv"]


def test_sftp_goes_on_at_the_next_pull(tmp_path, server, monkeypatch):
    monkeypatch.setattr(retry, "TRIES", 1)
    content = os.urandom(3_000_000)
    path = put(server, "LISTE_20151231.csv", content)
    with cutting_proxy(server.port, limit=2_000_000) as (port, brought):
        server.trust(port)
        done = pull_sftp(tmp_path, server.address(port))
        assert list(done.failed) == ["LISTE_20151231.csv"]
        (part,) = in_inbox(tmp_path, "liste")
        assert part == f"LISTE_20151231.csv.3000000-{int(path.stat().st_mtime)}.part"
        done = pull_sftp(tmp_path, server.address(port))
        assert done.written[0].read_bytes() == content
        assert brought[1] < 2_500_000


def test_sftp_never_joins_parts_of_two_versions(tmp_path, server, monkeypatch):
    monkeypatch.setattr(retry, "TRIES", 1)
    put(server, "LISTE_20151231.csv", os.urandom(3_000_000), age=7200)
    with cutting_proxy(server.port, limit=2_000_000) as (port, _):
        server.trust(port)
        assert pull_sftp(tmp_path, server.address(port)).failed
        content = os.urandom(3_000_000)
        put(server, "LISTE_20151231.csv", content)
        done = pull_sftp(tmp_path, server.address(port))
        assert done.written[0].read_bytes() == content
    assert in_inbox(tmp_path, "liste") == ["LISTE_20151231.csv"]


def test_sftp_leaves_a_server_that_falls_silent(tmp_path, server, monkeypatch):
    monkeypatch.setattr(retry, "TIMEOUT", 0.5)
    monkeypatch.setattr(retry, "TRIES", 2)
    put(server, "LISTE_20151231.csv")
    import socket

    with socket.create_server(("127.0.0.1", 0)) as deaf:
        port = deaf.getsockname()[1]
        server.trust(port)
        done = pull_sftp(tmp_path, server.address(port))
    assert list(done.failed) == ["PARTNER"]
    assert "expected an answer" in done.failed["PARTNER"]


def test_sftp_refuses_an_unknown_server(tmp_path, server):
    put(server, "LISTE_20151231.csv")
    empty = tmp_path / "empty"
    empty.touch()
    done = pull_sftp(tmp_path, server.address(known_hosts=empty))
    assert "whose key known_hosts does not hold" in done.failed["PARTNER"]
    assert in_inbox(tmp_path, "liste") == []


def test_sftp_refuses_a_server_with_another_key(tmp_path, server):
    put(server, "LISTE_20151231.csv")
    other = make_key(tmp_path / "other").with_suffix(".pub").read_text()
    server.trust(server.port, public_key=other)
    done = pull_sftp(tmp_path, server.address())
    assert "whose key is not the one in known_hosts" in done.failed["PARTNER"]
    assert in_inbox(tmp_path, "liste") == []


def test_sftp_tells_a_refused_login_without_secrets(tmp_path, server):
    stranger = make_key(tmp_path / "stranger")
    address = server.address().replace(str(server.key), str(stranger))
    address = address.replace("@", ":geheim@")
    message = pull_sftp(tmp_path, address).failed["PARTNER"]
    assert "a refused login" in message
    for secret in ("geheim", "127.0.0.1", "stranger", str(server.port)):
        assert secret not in message


def test_sftp_tells_a_missing_folder_and_a_missing_server(tmp_path, server):
    done = pull_sftp(tmp_path, server.address(), "nirgends/LISTE_*.csv")
    assert "a folder or key file that cannot be read" in done.failed["PARTNER"]
    done = pull_sftp(tmp_path, server.address(free_port()))
    assert "NoValidConnectionsError" in done.failed["PARTNER"]


# --- PostgreSQL


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with postgres_server() as running:
        yield running


@pytest.fixture
def office(postgres: Postgres) -> Iterator[Postgres]:
    """The database of an office with its cases."""
    import sqlalchemy

    engine = sqlalchemy.create_engine(postgres.address, poolclass=sqlalchemy.NullPool)
    with engine.begin() as connection:
        connection.execute(
            sqlalchemy.text(
                "CREATE SEQUENCE zaehler; CREATE TABLE faelle "
                "(fall text, ags char(2), beginn date, betrag numeric(12, 2));"
                "INSERT INTO faelle VALUES ('f1', '01', '2014-03-01', 512.30),"
                "('f;2', '02', '2015-07-15', NULL), ('f\"3', NULL, '2015-08-01', 1000000)"
            )
        )
    yield postgres
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("DROP TABLE faelle; DROP SEQUENCE zaehler"))
    engine.dispose()


QUERY = (
    "SELECT fall, ags, beginn::timestamp AS beginn, betrag FROM faelle "
    "WHERE beginn <= :stichtag ORDER BY beginn"
)


def pull_sql(tmp_path: Path, address: str, query: str = QUERY, **more) -> Pulled:
    headers = 'SELECT fall AS "FALL", ags AS "AGS", beginn AS "BEGINN", betrag AS "BETRAG"'
    query = query.replace("SELECT", headers + " FROM (SELECT", 1) + ") AS q"
    source = Source(art="sql", verbindung="AMT", abfrage=query, datei="SOZ_{stichtag}.csv")
    return pull_from(tmp_path, "soziales", source, address, **more)


def test_postgres_brings_a_snapshot_for_each_stichtag(tmp_path, office):
    done = pull_sql(tmp_path, office.address)
    assert done.failed == {}
    assert {path.name: path.read_text() for path in done.written} == {
        "SOZ_20141231.csv": "FALL;AGS;BEGINN;BETRAG\nf1;01;2014-03-01;512.30\n",
        "SOZ_20151231.csv": (
            "FALL;AGS;BEGINN;BETRAG\nf1;01;2014-03-01;512.30\n"
            '"f;2";02;2015-07-15;\n"f""3";;2015-08-01;1000000.00\n'
        ),
    }


@pytest.mark.parametrize(
    ("query", "refusal"),
    [
        ("SELECT nextval('zaehler') AS fall, ags, beginn, betrag FROM faelle", "ReadOnly"),
        ("SELECT * FROM faelle); DELETE FROM faelle; SELECT (1", "SyntaxError"),
    ],
)
def test_postgres_is_only_read(tmp_path, office, query, refusal):
    done = pull_sql(tmp_path, office.address, query)
    assert refusal in done.failed["SOZ_20151231.csv"]
    done = pull_sql(tmp_path, office.address)
    assert [len(path.read_text().splitlines()) for path in done.written] == [2, 4]


def test_postgres_tells_a_refused_login_without_secrets(tmp_path, office):
    address = office.address.replace("geheim", "falsch-geheim")
    message = pull_sql(tmp_path, address).failed["SOZ_20151231.csv"]
    assert "source AMT" in message
    for secret in ("geheim", "127.0.0.1", str(office.port)):
        assert secret not in message


def test_postgres_tells_a_wrong_query_at_once(tmp_path, office, monkeypatch):
    monkeypatch.setattr(retry, "FIRST_WAIT", 1000.0)
    done = pull_sql(tmp_path, office.address, "SELECT nichts FROM faelle")
    assert "UndefinedColumn" in done.failed["SOZ_20151231.csv"]


def test_postgres_that_does_not_answer_is_asked_for_one_stichtag(tmp_path, monkeypatch):
    waits = []
    monkeypatch.setattr("time.sleep", waits.append)
    done = pull_sql(tmp_path, f"postgresql://amt:geheim@127.0.0.1:{free_port()}/amt")
    assert sorted(done.failed) == ["SOZ_20141231.csv", "SOZ_20151231.csv"]
    assert len(waits) == retry.TRIES - 1
    assert waits == sorted(waits)
    assert in_inbox(tmp_path, "soziales") == []


# --- GENESIS

FLAT = "\ufeffstatistics_code;value\n12411;5\n".encode()
TABLE = "12411-01i"


def zipped(content: bytes, name: str = f"{TABLE}_1700000000_de_flat.csv") -> Answer:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        archive.writestr(name, content)
    return Answer(memory.getvalue(), "application/zip")


def told(code: int, content: str, **more) -> Answer:
    status = {"Code": code, "Content": content, "Type": "Information"}
    return Answer(json.dumps({"Status": status, **more}).encode())


def form(asked: Asked) -> dict[str, str]:
    return dict(parse_qsl(asked.body, keep_blank_values=True))


def pull_genesis(tmp_path: Path, base: str, **more) -> Pulled:
    source = Source(art="genesis", verbindung="LDB", abfrage=TABLE, datei="TAB_{stichtag}.csv")
    address = base.replace("//", "//nutzer:geheim%40@") + "/rest/2020"
    return pull_from(tmp_path, "tabelle", source, address, **more)


def test_genesis_brings_a_table_for_each_year(tmp_path):
    with http_server(lambda _: zipped(FLAT)) as (base, asked):
        done = pull_genesis(tmp_path, base)
    assert {path.name: path.read_bytes() for path in done.written} == {
        "TAB_20141231.csv": FLAT,
        "TAB_20151231.csv": FLAT,
    }
    assert [(a.method, a.path) for a in asked] == [("POST", "/rest/2020/data/tablefile")] * 2
    assert {a.headers["username"] for a in asked} == {"nutzer"}
    assert {a.headers["password"] for a in asked} == {"geheim@"}
    sent = form(asked[1])
    wanted = {"name": TABLE, "format": "ffcsv", "startyear": "2015", "endyear": "2015"}
    assert {key: sent[key] for key in (*wanted, "job", "stand")} == {
        **wanted,
        "job": "false",
        "stand": "",
    }


def test_genesis_takes_a_table_that_is_not_packed(tmp_path):
    with http_server(lambda _: Answer(FLAT, "text/csv")) as (base, _):
        done = pull_genesis(tmp_path, base, stichtage=STICHTAGE[:1])
    assert [path.read_bytes() for path in done.written] == [FLAT]


def test_genesis_asks_for_what_is_newer(tmp_path):
    def answer(asked: Asked) -> Answer:
        newer = form(asked)["stand"] == "19.01.2026 13:58"
        return zipped(FLAT) if newer else told(104, "Keine neueren Daten.")

    def seen(*day: int) -> dict[str, Known]:
        return {"TAB_20151231.csv": Known(received_at=datetime(*day, 12, 58, tzinfo=UTC))}

    with http_server(answer) as (base, _):
        done = pull_genesis(tmp_path, base, stichtage=STICHTAGE[1:], seen=seen(2026, 1, 20))
        assert (done.known, done.failed) == (["TAB_20151231.csv"], {})
        done = pull_genesis(tmp_path, base, stichtage=STICHTAGE[1:], seen=seen(2026, 1, 19))
        assert names(done) == ["TAB_20151231.csv"]


def test_genesis_no_such_table_is_a_failure(tmp_path):
    with http_server(lambda _: told(104, "Kein passendes Objekt.")) as (base, _):
        done = pull_genesis(tmp_path, base)
    assert "message 104" in done.failed["TAB_20151231.csv"]
    assert in_inbox(tmp_path, "tabelle") == []


def test_genesis_waits_for_a_table_that_is_too_large(tmp_path):
    states = iter(["In Bearbeitung", "In Bearbeitung", "Fertig"])

    def answer(asked: Asked) -> Answer:
        sent = form(asked)
        if asked.path.endswith("/data/tablefile") and sent["job"] == "false":
            return told(98, "Die Tabelle ist zu groß.")
        if asked.path.endswith("/data/tablefile"):
            text = f"Der Auftrag wurde erstellt. Name des Ergebnisses: {TABLE}_123456"
            return told(99, text)
        if asked.path.endswith("/catalogue/jobs"):
            assert sent["selection"] == f"*{TABLE}_123456"
            return told(0, "erfolgreich", List=[{"State": next(states)}])
        assert asked.path.endswith("/data/resultfile")
        assert sent["name"] == f"{TABLE}_123456"
        return zipped(FLAT)

    with http_server(answer) as (base, asked):
        done = pull_genesis(tmp_path, base, stichtage=STICHTAGE[:1])
    assert [path.read_bytes() for path in done.written] == [FLAT]
    assert len(asked) == 6


def test_genesis_does_not_wait_for_ever(tmp_path, monkeypatch):
    monkeypatch.setattr(genesis, "PATIENCE", 0.05)

    def answer(asked: Asked) -> Answer:
        if asked.path.endswith("/catalogue/jobs"):
            return told(0, "erfolgreich", List=[])
        return told(99 if form(asked)["job"] == "true" else 98, f"Name: {TABLE}_1")

    with http_server(answer) as (base, _):
        done = pull_genesis(tmp_path, base, stichtage=STICHTAGE[:1])
    assert "in the making" in done.failed["TAB_20141231.csv"]


def test_genesis_asks_again_after_a_disturbance(tmp_path):
    disturbances = iter([Answer(b"", status=503), None, Answer(b"", status=429), zipped(FLAT)])
    with http_server(lambda _: next(disturbances)) as (base, asked):
        done = pull_genesis(tmp_path, base, stichtage=STICHTAGE[:1])
    assert (names(done), len(asked)) == (["TAB_20141231.csv"], 4)


@pytest.mark.parametrize("status", [302, 401, 404])
def test_genesis_is_refused_once_and_without_secrets(tmp_path, status):
    with http_server(lambda _: Answer(b"geheim", "text/html", status)) as (base, asked):
        done = pull_genesis(tmp_path, base, stichtage=STICHTAGE[:1])
    message = done.failed["TAB_20141231.csv"]
    assert f"HTTP {status}" in message
    assert len(asked) == 1
    for secret in ("geheim", "nutzer", "127.0.0.1"):
        assert secret not in message


def test_genesis_that_does_not_answer_tells_no_address(tmp_path):
    done = pull_genesis(tmp_path, f"http://127.0.0.1:{free_port()}")
    message = done.failed["TAB_20151231.csv"]
    assert "source LDB" in message
    assert "127.0.0.1" not in message
    assert "geheim" not in message


@pytest.mark.parametrize("name", ["../../ausserhalb.csv", "/ausserhalb.csv"])
def test_genesis_archives_are_unpacked_with_care(tmp_path, name):
    with http_server(lambda _: zipped(FLAT, name)) as (base, _):
        done = pull_genesis(tmp_path, base, stichtage=STICHTAGE[:1])
    assert "out of its folder" in done.failed["TAB_20141231.csv"]
    assert not list(tmp_path.rglob("ausserhalb*"))
    assert in_inbox(tmp_path, "tabelle") == []


# --- map services

AREAS = 5


def area(number: int) -> dict:
    west = 6.0 + number / 100
    ring = [[west, 50.8], [west + 0.01, 50.8], [west + 0.01, 50.81], [west, 50.81], [west, 50.8]]
    return {
        "type": "Feature",
        "id": f"r{number}",
        "properties": {"raum_id": f"0{number}", "raum_name": f"Größe {number}"},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }


def ogc_api(areas: int = AREAS, page: int = 2, broken_from: int | None = None):
    """Answer as a service of OGC API Features that shows few features at a time."""

    def answer(asked: Asked) -> Answer:
        parts = urlsplit(asked.path)
        here = f"http://{asked.headers['host']}"
        if not parts.path.endswith("/items"):
            items = {"rel": "items", "href": f"{here}/collections/raeume/items"}
            items["type"] = "application/geo+json"
            collection = {"id": "raeume", "title": "Räume", "links": [items]}
            documents = {
                "/": {"links": [], "title": "Dienst"},
                "/conformance": {"conformsTo": []},
                "/collections": {"collections": [collection], "links": []},
                "/collections/raeume": collection,
            }
            known = documents.get(parts.path.rstrip("/") or "/")
            return Answer(json.dumps(known).encode()) if known else Answer(b"", status=404)
        start = int(parse_qs(parts.query).get("offset", ["0"])[0])
        if broken_from is not None and start >= broken_from:
            return Answer(b"", status=500)
        shown = [area(number) for number in range(start, min(start + page, areas))]
        links = [{"rel": "next", "href": f"{here}{parts.path}?offset={start + page}"}]
        links[0]["type"] = "application/geo+json"
        return Answer(
            json.dumps(
                {
                    "type": "FeatureCollection",
                    "features": shown,
                    "numberMatched": areas,
                    "numberReturned": len(shown),
                    "links": links if start + page < areas else [],
                }
            ).encode(),
            "application/geo+json",
        )

    return answer


def pull_features(tmp_path: Path, address: str, layer: str = "raeume", **more) -> Pulled:
    datei = "RAEUME_{stichtag}.gpkg"
    source = Source(art="features", verbindung="GEO", abfrage=layer, datei=datei)
    return pull_from(tmp_path, "raeume", source, address, **more)


def test_ogc_api_features_are_read_page_by_page(tmp_path):
    with http_server(ogc_api()) as (base, _):
        done = pull_features(tmp_path, f"OAPIF:{base}")
    assert done.failed == {}
    assert names(done) == ["RAEUME_20151231.gpkg"], "only the last Stichtag is today's state"
    frame = pyogrio.read_dataframe(done.written[0])
    assert sorted(frame["raum_id"]) == [f"0{number}" for number in range(AREAS)]
    assert set(frame["raum_name"]) == {f"Größe {number}" for number in range(AREAS)}
    assert frame.crs.to_epsg() == 4326
    assert frame.geometry.geom_type.tolist() == ["Polygon"] * AREAS
    assert frame.geometry.union_all().area == pytest.approx(AREAS * 0.0001)


def wfs(areas: int = AREAS, page: int = 2, said: int | None = None):
    """Answer as a WFS 2.0 that shows few features at a time and says how many there are."""
    opengis = (
        'xmlns:wfs="http://www.opengis.net/wfs/2.0" xmlns:gml="http://www.opengis.net/gml/3.2"'
    )
    opengis += ' xmlns:ows="http://www.opengis.net/ows/1.1" xmlns:k="http://kreis.example"'

    def capabilities(here: str) -> str:
        link = f'xmlns:xlink="http://www.w3.org/1999/xlink" xlink:href="{here}/wfs?"'
        post = f"<ows:DCP><ows:HTTP><ows:Get {link}/></ows:HTTP></ows:DCP>"
        operations = "".join(
            f'<ows:Operation name="{name}">{post}</ows:Operation>'
            for name in ("GetCapabilities", "DescribeFeatureType", "GetFeature")
        )
        paging = (
            '<ows:Constraint name="ImplementsResultPaging"><ows:NoValues/>'
            "<ows:DefaultValue>TRUE</ows:DefaultValue></ows:Constraint>"
        )
        return (
            f'<wfs:WFS_Capabilities version="2.0.0" {opengis}>'
            f"<ows:OperationsMetadata>{operations}{paging}</ows:OperationsMetadata>"
            "<wfs:FeatureTypeList><wfs:FeatureType><wfs:Name>k:raeume</wfs:Name>"
            "<wfs:DefaultCRS>urn:ogc:def:crs:EPSG::25832</wfs:DefaultCRS>"
            "</wfs:FeatureType></wfs:FeatureTypeList></wfs:WFS_Capabilities>"
        )

    schema = (
        '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:k="http://kreis.example" '
        'xmlns:gml="http://www.opengis.net/gml/3.2" targetNamespace="http://kreis.example" '
        'elementFormDefault="qualified"><xs:import namespace="http://www.opengis.net/gml/3.2"/>'
        '<xs:element name="raeume" type="k:raeumeType" substitutionGroup="gml:AbstractFeature"/>'
        '<xs:complexType name="raeumeType"><xs:complexContent>'
        '<xs:extension base="gml:AbstractFeatureType"><xs:sequence>'
        '<xs:element name="raum_id" type="xs:string"/>'
        '<xs:element name="geometrie" type="gml:PointPropertyType"/>'
        "</xs:sequence></xs:extension></xs:complexContent></xs:complexType></xs:schema>"
    )

    def member(number: int) -> str:
        point = (
            f'<gml:Point gml:id="p{number}" srsName="urn:ogc:def:crs:EPSG::25832">'
            f"<gml:pos>{300_000 + number} 5630000</gml:pos></gml:Point>"
        )
        return (
            f'<wfs:member><k:raeume gml:id="r{number}"><k:raum_id>0{number}</k:raum_id>'
            f"<k:geometrie>{point}</k:geometrie></k:raeume></wfs:member>"
        )

    def collection(query: dict[str, str]) -> str:
        start = int(query.get("STARTINDEX", "0"))
        most = min(int(query.get("COUNT", page)), page)
        hits = query.get("RESULTTYPE") == "hits"
        members = [] if hits else [member(n) for n in range(start, min(start + most, areas))]
        return (
            f'<wfs:FeatureCollection {opengis} numberMatched="{said or areas}" '
            f'numberReturned="{len(members)}">{"".join(members)}</wfs:FeatureCollection>'
        )

    def answer(asked: Asked) -> Answer:
        query = {k.upper(): v for k, v in parse_qsl(urlsplit(asked.path).query)}
        kinds = {
            "GetCapabilities": lambda: capabilities(f"http://{asked.headers['host']}"),
            "DescribeFeatureType": lambda: schema,
            "GetFeature": lambda: collection(query),
        }
        text = '<?xml version="1.0" encoding="UTF-8"?>' + kinds[query["REQUEST"]]()
        return Answer(text.encode(), "text/xml")

    return answer


needs_wfs = pytest.mark.skipif(
    "WFS" not in pyogrio.list_drivers(), reason="this GDAL was built without its WFS driver"
)


@needs_wfs
def test_wfs_is_read_page_by_page(tmp_path, monkeypatch):
    monkeypatch.setattr("sources.connectors.features.PAGE", 2)
    with http_server(wfs()) as (base, asked):
        done = pull_features(tmp_path, f"WFS:{base}/wfs", layer="k:raeume")
    assert done.failed == {}
    frame = pyogrio.read_dataframe(done.written[0])
    assert sorted(frame["raum_id"]) == [f"0{number}" for number in range(AREAS)]
    assert sorted(frame.geometry.x) == [300_000.0 + number for number in range(AREAS)]
    assert frame.crs.to_epsg() == 25832
    assert sum("STARTINDEX=" in a.path for a in asked) >= 3


@needs_wfs
def test_a_wfs_that_sends_fewer_features_than_it_has_is_a_failure(tmp_path, monkeypatch):
    monkeypatch.setattr("sources.connectors.features.PAGE", 2)
    with http_server(wfs(said=AREAS + 2)) as (base, _):
        done = pull_features(tmp_path, f"WFS:{base}/wfs", layer="k:raeume")
    assert list(done.failed) == ["RAEUME_20151231.gpkg"]
    assert in_inbox(tmp_path, "raeume") == []


def test_features_that_were_read_are_known(tmp_path):
    done = pull_features(tmp_path, "OAPIF:http://127.0.0.1:1", seen={"RAEUME_20151231.gpkg"})
    assert (done.known, done.failed) == (["RAEUME_20151231.gpkg"], {})


@pytest.mark.parametrize("broken_from", [0, 2])
def test_features_that_break_off_are_no_file(tmp_path, broken_from):
    with http_server(ogc_api(broken_from=broken_from)) as (base, _):
        done = pull_features(tmp_path, f"OAPIF:{base}")
    assert list(done.failed) == ["RAEUME_20151231.gpkg"]
    assert "127.0.0.1" not in done.failed["RAEUME_20151231.gpkg"]
    assert in_inbox(tmp_path, "raeume") == []


def test_features_of_no_layer_and_of_no_service(tmp_path):
    with http_server(ogc_api()) as (base, _):
        done = pull_features(tmp_path, f"OAPIF:{base}", layer="nichts")
    assert list(done.failed) == ["RAEUME_20151231.gpkg"]
    done = pull_features(tmp_path, f"OAPIF:http://127.0.0.1:{free_port()}")
    assert "127.0.0.1" not in done.failed["RAEUME_20151231.gpkg"]


def test_a_service_without_features_is_a_failure(tmp_path):
    with http_server(ogc_api(areas=0)) as (base, _):
        done = pull_features(tmp_path, f"OAPIF:{base}")
    assert list(done.failed) == ["RAEUME_20151231.gpkg"]


def test_a_geopackage_may_be_the_source(tmp_path):
    shown = {"type": "FeatureCollection", "features": [area(n) for n in range(AREAS)]}
    text = tmp_path / "raeume.geojson"
    text.write_text(json.dumps(shown))
    done = pull_features(tmp_path, str(text))
    assert len(pyogrio.read_dataframe(done.written[0])) == AREAS
