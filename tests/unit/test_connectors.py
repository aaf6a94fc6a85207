"""Connectors: what may be pulled, snapshots out of a database, what rests, what is too dangerous.

Servers are in the integration tests; here are files, and SQLite, which is one.
"""

import os
import sqlite3
import struct
import time
import zipfile
from datetime import UTC, date, datetime
from pathlib import Path

import openpyxl
import pytest

from orchestration.settings import Settings
from sources.connectors import files, retry, safety
from sources.connectors.pull import Known, Pulled, file_name, is_plain_name, pull, seen_of
from sources.formats import read
from sources.ledger import Outcome
from sources.region import Source
from tests.servers import pulling_region

STICHTAGE = [date(2014, 12, 31), date(2015, 12, 31)]
CASES = [
    ("f1", "01", "2014-03-01", 512.3),
    ("f2", "02", "2015-07-15", 99.0),
]
QUERY = (
    'SELECT fall AS "FALL", ags AS "AGS", beginn AS "BEGINN", betrag AS "BETRAG" '
    "FROM faelle WHERE beginn <= :stichtag ORDER BY fall"
)


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    monkeypatch.setattr(retry, "FIRST_WAIT", 0.01)


@pytest.fixture
def office(tmp_path: Path) -> Path:
    """The database of an office: SQLite."""
    path = tmp_path / "amt.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE faelle (fall, ags, beginn, betrag)")
        connection.executemany("INSERT INTO faelle VALUES (?, ?, ?, ?)", CASES)
    connection.close()
    return path


def pull_sql(tmp_path: Path, office: Path, query: str = QUERY, **more) -> Pulled:
    region = pulling_region()
    source = Source(art="sql", verbindung="AMT", abfrage=query, datei="SOZ_{stichtag}.csv")
    asked = {"seen": (), "stichtage": STICHTAGE, "address": f"sqlite:///{office}", **more}
    return pull(region.feed("soziales"), source, region, inbox=tmp_path / "inbox", **asked)


def in_inbox(tmp_path: Path) -> dict[str, str]:
    folder = tmp_path / "inbox" / "soziales"
    return {path.name: path.read_text() for path in folder.iterdir()}


# --- snapshots


def test_each_stichtag_is_a_snapshot_with_the_headers_of_the_contract(tmp_path, office):
    done = pull_sql(tmp_path, office)
    assert [path.name for path in done.written] == ["SOZ_20141231.csv", "SOZ_20151231.csv"]
    assert in_inbox(tmp_path) == {
        "SOZ_20141231.csv": "FALL;AGS;BEGINN;BETRAG\nf1;01;2014-03-01;512.3\n",
        "SOZ_20151231.csv": (
            "FALL;AGS;BEGINN;BETRAG\nf1;01;2014-03-01;512.3\nf2;02;2015-07-15;99.0\n"
        ),
    }


def test_a_snapshot_is_read_by_the_contract_that_it_was_made_from(tmp_path, office):
    with sqlite3.connect(office) as connection:
        connection.execute("""UPDATE faelle SET ags = 'a;"b' WHERE fall = 'f2'""")
    connection.close()
    path = pull_sql(tmp_path, office).written[1]
    feed = pulling_region().feed("soziales")
    table = read(feed, path, path.name, feed.layouts_at(STICHTAGE[1]), 25832)
    assert table.rows.select([column.name for column in feed.columns]).to_pylist() == [
        {"fall_id": "f1", "kommune_id": "01", "beginn": "2014-03-01", "betrag": "512.3"},
        {"fall_id": "f2", "kommune_id": 'a;"b', "beginn": "2015-07-15", "betrag": "99.0"},
    ]


def test_the_past_is_never_read_again(tmp_path, office):
    pull_sql(tmp_path, office, stichtage=STICHTAGE[:1])
    for path in (tmp_path / "inbox" / "soziales").iterdir():
        path.unlink()  # landed
    with sqlite3.connect(office) as connection:
        connection.execute("UPDATE faelle SET betrag = 1")
    connection.close()
    done = pull_sql(tmp_path, office, seen={"SOZ_20141231.csv"})
    assert done.known == ["SOZ_20141231.csv"]
    assert list(in_inbox(tmp_path)) == ["SOZ_20151231.csv"]


def test_what_waits_in_the_inbox_is_not_read_again(tmp_path, office):
    pull_sql(tmp_path, office)
    done = pull_sql(tmp_path, office)
    assert (done.written, done.known) == ([], ["SOZ_20141231.csv", "SOZ_20151231.csv"])


def test_a_table_or_view_may_stand_for_a_query(tmp_path, office):
    with sqlite3.connect(office) as connection:
        connection.execute(
            'CREATE VIEW sicht AS SELECT betrag AS "BETRAG", fall AS "fall", ags AS "AGS", '
            'beginn AS "BEGINN", 7 AS "ANDERES" FROM faelle WHERE fall = \'f1\''
        )
    connection.close()
    pull_sql(tmp_path, office, "sicht", stichtage=STICHTAGE[:1])
    assert in_inbox(tmp_path)["SOZ_20141231.csv"] == (
        "FALL;AGS;BEGINN;BETRAG\nf1;01;2014-03-01;512.3\n"
    )


def test_without_an_agreement_nothing_is_asked_for(tmp_path, office):
    done = pull_sql(tmp_path, office, stichtage=[date(2013, 12, 31), date(2017, 12, 31)])
    assert done.not_agreed == ["SOZ_20131231.csv", "SOZ_20171231.csv"]
    assert in_inbox(tmp_path) == {}


def test_a_stichtag_that_has_not_come_is_not_asked_for(tmp_path, office):
    done = pull_sql(tmp_path, office, stichtage=[date(9999, 12, 31)])
    assert done == Pulled()


def test_no_rows_are_a_failure_and_no_file(tmp_path, office):
    done = pull_sql(tmp_path, office, QUERY.replace("<=", ">"))
    assert list(done.failed) == ["SOZ_20151231.csv"]
    assert "found none" in done.failed["SOZ_20151231.csv"]
    assert list(in_inbox(tmp_path)) == ["SOZ_20141231.csv"]


def test_columns_that_the_contract_names_must_come(tmp_path, office):
    done = pull_sql(tmp_path, office, QUERY.replace('"BETRAG"', '"EURO"'))
    assert "none called ['BETRAG']" in done.failed["SOZ_20141231.csv"]
    assert in_inbox(tmp_path) == {}


@pytest.mark.parametrize(
    ("address", "query", "kind"),
    [
        ("sqlite:////nirgends/geheim.sqlite", QUERY, "OperationalError"),
        (None, "SELECT geheim FROM faelle", "OperationalError"),
        (None, "UPDATE faelle SET fall = 'geheim'", "OperationalError"),
        ("geheim://nutzer:geheim@amt/db", QUERY, "NoSuchModuleError"),
        ("geheim", QUERY, "ArgumentError"),
    ],
)
def test_a_wrong_source_is_told_without_its_address(tmp_path, office, address, query, kind):
    done = pull_sql(tmp_path, office, query, address=address or f"sqlite:///{office}")
    message = done.failed["SOZ_20141231.csv"]
    assert kind in message
    assert "AMT" in message
    assert "geheim" not in message
    assert in_inbox(tmp_path) == {}
    with sqlite3.connect(office) as connection:
        assert connection.execute("SELECT fall FROM faelle").fetchall() == [("f1",), ("f2",)]
    connection.close()


def test_a_source_without_address_says_which_variable_to_set(tmp_path, office):
    done = pull_sql(tmp_path, office, address=None)
    assert done.failed == {"AMT": "no address: set SOZIALRAUM_QUELLE_AMT to that of the source"}


def test_a_snapshot_needs_a_layout_of_its_form(tmp_path, office):
    region = pulling_region()
    source = Source(art="sql", verbindung="AMT", abfrage=QUERY, datei="TAB_{stichtag}.csv")
    done = pull(
        region.feed("tabelle"),
        source,
        region,
        inbox=tmp_path / "inbox",
        address=f"sqlite:///{office}",
        seen=(),
        stichtage=STICHTAGE,
    )
    assert "a layout for snapshots" in done.failed["TAB_20141231.csv"]


def test_a_busy_database_is_asked_again(tmp_path, office):
    locking = sqlite3.connect(office, isolation_level=None)
    locking.execute("BEGIN EXCLUSIVE")
    asked = []

    def unlock_after_the_first_try(error: BaseException) -> bool:
        asked.append(error)
        locking.execute("ROLLBACK")
        return passes(error)

    from sources.connectors import sql

    passes = sql._passes
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sql, "_passes", unlock_after_the_first_try)
        address = f"sqlite:///{office}?timeout=0.1"
        done = pull_sql(tmp_path, office, address=address, stichtage=STICHTAGE[:1])
    locking.close()
    assert len(asked) == 1
    assert len(done.written) == 1


# --- what is known


def test_seen_tells_sizes_and_whether_anything_was_usable():
    def outcome(result: str, size: int, day: int) -> Outcome:
        received = datetime(2016, 3, day, tzinfo=UTC)
        return Outcome(
            "f", "p", "kreis", None, result, file="a.csv", bytes=size, received_at=received
        )

    refused, taken = outcome("rejected", 5, 2), outcome("accepted", 7, 1)
    assert seen_of([refused]) == {"a.csv": Known(frozenset({5}), usable=False)}
    assert seen_of([taken, refused]) == {
        "a.csv": Known(frozenset({5, 7}), True, datetime(2016, 3, 1, tzinfo=UTC))
    }


def test_a_snapshot_that_was_rejected_is_read_once_more(tmp_path, office):
    seen = {"SOZ_20141231.csv": Known(usable=False), "SOZ_20151231.csv": Known()}
    done = pull_sql(tmp_path, office, seen=seen)
    assert [path.name for path in done.written] == ["SOZ_20141231.csv"]


def test_names_of_snapshots():
    source = Source(art="sql", verbindung="A", datei="{jahr}/{monat}/{tag}/{stichtag}")
    assert file_name(source, date(2016, 3, 1)) == "2016/03/01/20160301"


@pytest.mark.parametrize(
    "name", ["../a.csv", "/a.csv", "..\\a.csv", "C:a.csv", ".a.csv", "..", "a\n.csv", "a.part", "-"]
)
def test_names_that_lead_out_of_the_inbox(name):
    assert is_plain_name(name) == (name == "-")


def test_a_snapshot_never_leaves_the_inbox(tmp_path, office):
    region = pulling_region()
    source = Source(art="sql", verbindung="AMT", abfrage=QUERY, datei="../SOZ_{stichtag}.csv")
    done = pull(
        region.feed("soziales"),
        source,
        region,
        inbox=tmp_path / "inbox",
        address=f"sqlite:///{office}",
        seen=(),
        stichtage=STICHTAGE,
    )
    assert sorted(done.failed) == ["../SOZ_20141231.csv", "../SOZ_20151231.csv"]
    assert not list((tmp_path / "inbox").rglob("*.csv"))


def test_the_address_comes_from_the_environment(tmp_path, monkeypatch):
    settings = Settings(home=tmp_path, region="musterkreis")
    assert settings.source_address("AMT") is None
    settings.simulator.mkdir(parents=True)
    (settings.simulator / "amt.sqlite").touch()
    assert settings.source_address("AMT") == f"sqlite:///{settings.simulator}/amt.sqlite"
    monkeypatch.setenv("SOZIALRAUM_QUELLE_AMT", "postgresql://a:b@c/d")
    assert settings.source_address("AMT") == "postgresql://a:b@c/d"


# --- files that rest


def test_a_file_that_grows_between_two_looks_is_left(tmp_path, monkeypatch):
    growing, done, old = (tmp_path / name for name in ("growing.csv", "done.csv", "old.csv"))
    for path in (growing, done, old):
        path.write_text("a")
    os.utime(old, (0, 0))
    monkeypatch.setattr(time, "sleep", lambda _: growing.write_text("ab"))
    assert files.resting([growing, done, old]) == [done, old]


def test_old_files_are_looked_at_once(tmp_path, monkeypatch):
    old = tmp_path / "old.csv"
    old.write_text("a")
    os.utime(old, (0, 0))
    monkeypatch.setattr(time, "sleep", lambda _: pytest.fail("waited"))
    assert files.resting([old]) == [old]


@pytest.mark.parametrize("name", ["a.csv.part", "a.TMP", "~$a.xlsx", ".~lock.a.csv#"])
def test_unfinished_names_are_left(tmp_path, name):
    path = tmp_path / name
    path.write_text("a")
    os.utime(path, (0, 0))
    assert files.resting([path]) == []


def test_a_clock_that_is_ahead_is_tolerated_and_told(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "LOOK", 0.01)
    ahead, right = tmp_path / "ahead.csv", tmp_path / "right.csv"
    for path in (ahead, right):
        path.write_text("a")
    hour = time.time() + 3600
    os.utime(ahead, (hour, hour))
    assert files.resting([ahead, right]) == [ahead, right]
    assert files.ahead_of_clock([ahead, right]) == [ahead]


def test_a_file_that_has_gone_does_not_rest(tmp_path):
    assert files.resting([tmp_path / "gone.csv"]) == []


# --- safety


def archive(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return path


def workbook(path: Path, *cells, more: dict[str, bytes] | None = None) -> Path:
    book = openpyxl.Workbook()
    book.active.append(cells or ("Anzahl", "f(x)", "<f>", 12))
    book.save(path)
    book.close()
    if more:
        with zipfile.ZipFile(path, "a") as file:
            for name, content in more.items():
                file.writestr(name, content)
    return path


def test_clean_files_have_no_problems(tmp_path):
    text = tmp_path / "a.csv"
    text.write_text("PK;B\n")
    assert safety.inspect(text) == []
    assert safety.inspect(workbook(tmp_path / "a.xlsx")) == []
    assert safety.inspect(archive(tmp_path / "a.zip", {"a.csv": b"1;2", "b/c..csv": b""})) == []


def test_an_archive_that_unpacks_to_gigabytes(tmp_path, monkeypatch):
    bomb = archive(tmp_path / "a.zip", {"a.csv": bytes(80 * 1024**2)})
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda *_: pytest.fail("it was unpacked"))
    assert "unpacks to 80 MB" in safety.inspect(bomb)[0]


def test_an_archive_that_is_larger_than_any_delivery(tmp_path, monkeypatch):
    monkeypatch.setattr(safety, "LARGEST_CONTENT", 1000)
    big = archive(tmp_path / "a.zip", {"a.csv": os.urandom(900), "b.csv": os.urandom(900)})
    assert "unpacks to" in safety.inspect(big)[0]


def test_an_archive_that_hides_its_size(tmp_path):
    path = archive(tmp_path / "a.zip", {"a.csv": bytes(100_000)})
    content = path.read_bytes()
    assert content.count(struct.pack("<I", 100_000)) == 2  # local and central header
    path.write_bytes(content.replace(struct.pack("<I", 100_000), struct.pack("<I", 100)))
    assert "damaged" in safety.inspect(path)[0]


@pytest.mark.parametrize("name", ["../a.csv", "a/../../b.csv", "/etc/a.csv", "..\\a.csv", "C:\\a"])
def test_an_archive_with_names_that_lead_out_of_it(tmp_path, name):
    path = archive(tmp_path / "a.zip", {name: b"1"})
    assert "out of its folder" in safety.inspect(path)[0]
    assert safety.unpack_one(path, tmp_path / "unpacked") == safety.inspect(path)
    assert not (tmp_path / "unpacked").exists()


def test_an_archive_of_too_many_files(tmp_path, monkeypatch):
    monkeypatch.setattr(safety, "MOST_MEMBERS", 2)
    path = archive(tmp_path / "a.zip", {f"{n}.csv": b"1" for n in range(3)})
    assert "archive of 3 files" in safety.inspect(path)[0]


def test_a_damaged_archive(tmp_path):
    path = workbook(tmp_path / "a.xlsx")
    path.write_bytes(path.read_bytes()[:-100])
    assert "damaged" in safety.inspect(path)[0]


def test_a_workbook_with_formulas(tmp_path):
    problems = safety.inspect(workbook(tmp_path / "a.xlsx", 1, 2, "=A1+B1"))
    assert problems == ["contains formulas; paste them as values"]


def test_a_formula_is_found_across_the_end_of_a_block(tmp_path, monkeypatch):
    path = workbook(tmp_path / "a.xlsx", 1, 2, "=A1+B1")
    sizes = range(60, 90)
    assert all(_problems_in_blocks(monkeypatch, path, size) for size in sizes)


def _problems_in_blocks(monkeypatch, path: Path, size: int) -> list[str]:
    monkeypatch.setattr(safety, "_CHUNK", size)
    return [problem for problem in safety.inspect(path) if "formulas" in problem]


@pytest.mark.parametrize(
    ("part", "content", "problem"),
    [
        ("xl/externalLinks/externalLink1.xml", b"<externalLink/>", "links to other workbooks"),
        ("xl/vbaProject.bin", b"x", "holds macros"),
        ("xl/macrosheets/sheet1.xml", b"<x/>", "holds macros"),
        ("xl/connections.xml", b"<connections/>", "data connections"),
        ("xl/extra.xml", b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "entities"),
    ],
)
def test_a_workbook_that_does_more_than_hold_values(tmp_path, part, content, problem):
    problems = safety.inspect(workbook(tmp_path / "a.xlsx", more={part: content}))
    assert len(problems) == 1
    assert problem in problems[0]


@pytest.mark.parametrize("long_kind", [False, True])
def test_a_binary_workbook_with_formulas(tmp_path, long_kind):
    def record(kind: int, content: bytes) -> bytes:
        start = bytes([kind]) if kind < 128 else bytes([kind & 127 | 128, kind >> 7])
        return start + bytes([len(content) & 127 | 128, len(content) >> 7]) + content

    before = record(0x0181 if long_kind else 5, bytes([8] * 300))
    for kind, problems in ((2, []), (9, ["contains formulas; paste them as values"])):
        sheet = before + record(kind, b"\x08\x09")
        members = {"[Content_Types].xml": b"<Types/>", "xl/worksheets/sheet1.bin": sheet}
        assert safety.inspect(archive(tmp_path / "a.xlsb", members)) == problems


def test_an_encrypted_archive(tmp_path):
    path = archive(tmp_path / "a.zip", {"a.csv": b"1"})
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    assert safety.inspect(path) == ["is encrypted; send it without a password"]


@pytest.mark.parametrize(
    ("stream", "problems"),
    [
        ("EncryptedPackage", ["is encrypted; send it without a password"]),
        ("_VBA_PROJECT", ["holds macros; save it as .xlsx without macros"]),
        ("Workbook", []),
    ],
)
def test_compound_files(tmp_path, stream, problems):
    path = tmp_path / "a.xls"
    path.write_bytes(bytes.fromhex("d0cf11e0a1b11ae1") + bytes(504) + stream.encode("utf-16-le"))
    assert safety.inspect(path) == problems


def test_one_file_is_unpacked(tmp_path):
    path = archive(tmp_path / "a.zip", {"tabelle.csv": b"1;2"})
    assert safety.unpack_one(path, tmp_path / "b.csv") == []
    assert (tmp_path / "b.csv").read_bytes() == b"1;2"
    two = archive(tmp_path / "two.zip", {"a.csv": b"1", "b.csv": b"2"})
    assert safety.unpack_one(two, tmp_path / "c.csv") == [
        "is an archive of 2 files; one was expected"
    ]
