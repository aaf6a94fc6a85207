"""A feed's deliveries over time: what is new, what is valid, what the ledger says, what leaks."""

import hashlib
import logging
import shutil
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from sources import ledger
from sources.landing import valid_deliveries

GOOD = "bestand_201512.csv"
STICHTAG = date(2015, 12, 31)
KLASSEN = "RAUM_ID;KLASSE\n0101;1\n0102;0\n0201;1\n0202;1\n"
ANTEILE = "RAUM_ID;ANTEIL\n0101;5\n0102;0\n0201;7\n0202;8\n"


def file_of(county, count: int = 10) -> str:
    """Return a good file; another count makes another content."""
    return county.bestand(*county.good_rows()).replace(";A;10;", f";A;{count};")


def counts(county) -> list[int]:
    """Return the count of the first area in each valid delivery."""
    return [row["anzahl"] for row in county.accepted("bestand") if row["raum_id"] == "0101"]


def files_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*")) if folder.exists() else []


def results(outcomes) -> list[tuple]:
    return [(outcome.file, outcome.result) for outcome in outcomes]


def text_of(folder: Path, *, but: tuple[str, ...] = ()) -> str:
    """Return every value of every Parquet file below a folder, as one text."""
    values = []
    for path in sorted(folder.rglob("*.parquet")):
        if path.relative_to(folder).parts[0] not in but:
            table = pq.read_table(path)
            values += [*table.column_names, *(str(column.to_pylist()) for column in table.columns)]
    return "\n".join(values)


# --- the same again -------------------------------------------------------------------------


def test_the_same_file_again_is_unchanged(county):
    first = county.deliver_and_land("bestand", GOOD, file_of(county))
    again = county.deliver_and_land("bestand", GOOD, file_of(county))
    assert (first.result, again.result) == ("accepted", "unchanged")
    assert again.received_at == first.received_at
    assert counts(county) == [10]


def test_the_same_content_under_another_name_is_not_landed_twice(county):
    county.deliver_and_land("bestand", GOOD, file_of(county))
    outcome = county.deliver_and_land("bestand", "bestand_201512 neu.csv", file_of(county))
    assert outcome.result == "duplicate"
    assert GOOD in outcome.reason
    assert counts(county) == [10]


def test_the_same_content_for_another_stichtag_is_refused_as_a_copy(county):
    county.deliver_and_land("klassen", "klassen_2014.csv", KLASSEN)
    outcome = county.deliver_and_land("klassen", "klassen_2015.csv", KLASSEN)
    assert outcome.result == "rejected"
    for part in ("feed klassen", "klassen_2015.csv", "klassen_2014.csv", "2014-12-31", "ask amt"):
        assert part in outcome.reason
    assert {row["stichtag"] for row in county.accepted("klassen")} == {date(2014, 12, 31)}


def test_a_copy_in_the_same_run_is_refused_too(county):
    for year in (2015, 2014):
        county.deliver("klassen", f"klassen_{year}.csv", KLASSEN)
    assert results(county.land("klassen")) == [
        ("klassen_2014.csv", "accepted"),
        ("klassen_2015.csv", "rejected"),
    ]


def test_a_table_that_first_came_under_a_wrong_name_lands_once_that_is_corrected(county):
    """The table of 2015 came as that of 2014; after its correction it is no copy any more."""
    other = KLASSEN.replace("0202;1", "0202;2")
    county.deliver_and_land("klassen", "klassen_2014.csv", KLASSEN)
    assert county.deliver_and_land("klassen", "klassen_2015.csv", KLASSEN).result == "rejected"
    county.deliver("klassen", "klassen_2014.csv", other)
    county.land("klassen")
    county.land("klassen")
    landed = {(r["stichtag"].year, r["klasse"]) for r in county.accepted("klassen")
              if r["raum_id"] == "0202"}  # fmt: skip
    assert landed == {(2014, "mittel"), (2015, "hoch")}
    assert "rejected" not in {outcome.result for outcome in county.land("klassen")}


def test_two_landings_give_the_same_bytes(county, tmp_path):
    shutil.copytree(tmp_path / "landing", tmp_path / "before")
    rows = [*county.good_rows(), "201512;0109;A;1;1;"]
    county.feeds["bestand"]["rows"]["quarantine_tolerance"] = 0.5

    def land() -> dict[str, bytes]:
        county.deliver_and_land("bestand", GOOD, county.bestand(*rows))
        folders = (county.folders.accepted("bestand"), county.folders.quarantine("bestand"))
        return {
            f"{folder.parent.name}/{path.name}": path.read_bytes()
            for folder in folders
            for path in folder.iterdir()
        }

    first = land()
    shutil.rmtree(tmp_path / "landing")
    shutil.copytree(tmp_path / "before", tmp_path / "landing")
    assert len(first) == 3  # accepted, without rows, bad rows
    assert land() == first


# --- corrections ----------------------------------------------------------------------------


def test_a_correction_supersedes_what_it_corrects(county):
    old = county.deliver_and_land("bestand", GOOD, file_of(county, 10))
    new = county.deliver_and_land("bestand", GOOD, file_of(county, 11))
    assert new.result == "accepted"
    assert counts(county) == [11]
    superseded = county.folders.superseded("bestand")
    assert files_in(superseded) == [f"{old.delivery_id}.parquet"]
    assert [o.delivery_id for o in valid_deliveries(county.region, county.folders)
            if o.feed == "bestand"] == [new.delivery_id]  # fmt: skip
    assert {o.result for o in county.land("bestand")} == {"unchanged"}
    assert counts(county) == [11]


def test_a_rejected_correction_leaves_the_earlier_delivery_valid(county):
    county.deliver_and_land("bestand", GOOD, file_of(county, 10))
    outcome = county.deliver_and_land("bestand", GOOD, file_of(county, -1))
    assert outcome.result == "rejected"
    assert counts(county) == [10]
    county.land("bestand")
    assert counts(county) == [10]


def test_deliveries_of_several_stichtage_are_valid_side_by_side(county):
    for period in ("201412", "201506"):
        content = county.bestand(*county.good_rows(period))
        county.deliver("bestand", f"bestand_{period}.csv", content)
    county.land("bestand")
    assert {row["stichtag"] for row in county.accepted("bestand")} == {
        date(2014, 12, 31),
        date(2015, 6, 30),
    }


# --- rules that change ----------------------------------------------------------------------


def test_a_changed_contract_lands_a_delivery_again(county):
    first = county.deliver_and_land("bestand", GOOD, file_of(county))
    county.feeds["bestand"]["columns"][2]["codes"] = {"A": "herkunft", "N": "neu"}
    (again,) = county.land("bestand")
    assert (again.result, again.file) == ("accepted", GOOD)
    assert again.contract_version != first.contract_version
    assert {row["art"] for row in county.accepted("bestand")} == {"herkunft"}
    assert [o.result for o in county.land("bestand")] == ["unchanged"]


def too_low(feed: dict) -> None:
    feed["columns"][3]["maximum"] = 5


def too_early(feed: dict) -> None:
    for layout in feed["layouts"]:
        layout["valid_to"] = "2012-12-31"


def renamed(feed: dict) -> None:
    feed["name_pattern"] = r"lieferung_(?P<jahr>\d{4})(?P<monat>\d{2})\.csv"


@pytest.mark.parametrize("change", [too_low, too_early, renamed])
def test_what_no_longer_fits_the_contract_is_no_longer_valid(county, change):
    first = county.deliver_and_land("bestand", GOOD, file_of(county))
    agreed = {**county.feeds["bestand"]}
    county.feeds["bestand"] = {
        **agreed,
        "columns": [dict(column) for column in agreed["columns"]],
        "layouts": [dict(layout) for layout in agreed["layouts"]],
    }
    change(county.feeds["bestand"])
    outcome = next(o for o in county.land("bestand") if o.file)
    assert outcome.result == "rejected"
    assert county.accepted("bestand") == []
    assert f"{first.delivery_id}.parquet" in files_in(county.folders.rejected("bestand"))
    assert "bestand" not in {o.feed for o in valid_deliveries(county.region, county.folders)}

    county.feeds["bestand"] = agreed
    assert next(o for o in county.land("bestand") if o.file).result == "accepted"
    assert counts(county) == [10]
    assert files_in(county.folders.rejected("bestand")) == []


def test_under_a_new_name_pattern_the_same_content_is_sent_again_and_lands(county):
    county.deliver_and_land("bestand", GOOD, file_of(county))
    renamed(county.feeds["bestand"])
    name = "lieferung_201512.csv"
    assert county.deliver_and_land("bestand", name, file_of(county)).result == "accepted"
    assert counts(county) == [10]
    assert {o.file: o.result for o in county.land("bestand")}[name] == "unchanged"
    assert counts(county) == [10]


def test_what_the_gate_no_longer_lets_pass_is_no_longer_valid(county):
    county.deliver_and_land("bestand", GOOD, file_of(county))
    county.feeds["bestand"]["title"] = "another"

    def object_to_all(candidates):
        return {candidate.delivery_id: "not plausible. To do: ask" for candidate in candidates}

    (outcome,) = county.land("bestand", gate=object_to_all)
    assert (outcome.result, outcome.reason) == ("rejected", "not plausible. To do: ask")
    assert county.accepted("bestand") == []


def test_rows_that_fit_the_new_contract_leave_quarantine(county):
    content = county.bestand(*county.good_rows()[:3], "201512;0202;B;1;1;")
    assert county.deliver_and_land("bestand", GOOD, content).rows_quarantined == 1
    county.feeds["bestand"]["columns"][2]["codes"]["B"] = "neu"
    (again,) = county.land("bestand")
    assert (again.result, again.rows_quarantined) == ("accepted", 0)
    assert county.quarantined("bestand") == []


def test_a_correction_that_fails_under_a_new_contract_returns_with_the_old_one(county):
    county.deliver_and_land("bestand", GOOD, file_of(county, 10))
    county.deliver_and_land("bestand", GOOD, file_of(county, 50))
    county.feeds["bestand"]["columns"][3]["maximum"] = 20
    county.land("bestand")
    assert counts(county) == [10]
    del county.feeds["bestand"]["columns"][3]["maximum"]
    county.land("bestand")
    assert counts(county) == [50]


def test_a_changed_stichtag_rule_moves_a_delivery_and_finds_no_copy(county):
    county.deliver_and_land("klassen", "klassen_2015.csv", KLASSEN)
    county.feeds["klassen"]["stichtag"] = {"rule": "vorjahresende"}
    (outcome,) = county.land("klassen")
    assert (outcome.result, outcome.stichtag) == ("accepted", date(2014, 12, 31))
    assert {row["stichtag"] for row in county.accepted("klassen")} == {date(2014, 12, 31)}
    assert [o.result for o in county.land("klassen")] == ["unchanged"]


def test_a_delivery_waits_for_the_table_it_is_checked_against(county):
    outcome = county.deliver_and_land("anteile", "anteile_2015.csv", ANTEILE)
    assert outcome.result == "rejected"
    for part in ("feed anteile", "anteile_2015.csv", "klassen", "tried again"):
        assert part in outcome.reason
    county.deliver_and_land("klassen", "klassen_2015.csv", KLASSEN)
    (again,) = county.land("anteile")
    assert (again.file, again.result) == ("anteile_2015.csv", "accepted")
    states = [row["anteil__zustand"] for row in county.accepted("anteile")]
    assert states == [None, "suppressed", None, None]


def test_a_corrected_class_table_decides_anew(county):
    county.deliver_and_land("klassen", "klassen_2015.csv", KLASSEN)
    county.deliver_and_land("anteile", "anteile_2015.csv", ANTEILE)
    county.deliver_and_land("klassen", "klassen_2015.csv", KLASSEN.replace("0102;0", "0102;1"))
    (again,) = county.land("anteile")
    assert again.result == "accepted"
    assert [row["anteil"] for row in county.accepted("anteile")] == [5, 0, 7, 8]


def test_without_a_valid_class_table_what_rests_on_it_is_not_valid_either(county):
    county.deliver_and_land("klassen", "klassen_2015.csv", KLASSEN)
    county.deliver_and_land("anteile", "anteile_2015.csv", ANTEILE)
    del county.feeds["klassen"]["columns"][1]["codes"]["0"]
    county.land("klassen")
    county.land("anteile")
    assert county.accepted("klassen") == county.accepted("anteile") == []


# --- what has not come ----------------------------------------------------------------------


def test_what_is_expected_and_has_not_come_is_recorded(county):
    county.declared["expected"] = {"bestand": ["2014-12-31", "2015-12-31"]}
    county.deliver("bestand", GOOD, file_of(county))
    outcomes = {outcome.stichtag: outcome for outcome in county.land("bestand")}
    assert outcomes[STICHTAG].result == "accepted"
    missing = outcomes[date(2014, 12, 31)]
    assert (missing.result, missing.file, missing.rows_read) == ("not_delivered", None, None)
    assert "ask amt" in missing.reason
    county.deliver("bestand", "bestand_201412.csv", county.bestand(*county.good_rows("201412")))
    assert "not_delivered" not in {outcome.result for outcome in county.land("bestand")}


def test_a_feed_of_which_nothing_came_has_a_typed_file_without_rows(bare_county):
    assert bare_county.land("anteile") == []
    path = bare_county.folders.accepted("anteile") / "_empty.parquet"
    assert pq.read_schema(path).equals(
        pa.schema(
            {
                "delivery_id": pa.string(),
                "row_number": pa.int64(),
                "liefereinheit": pa.string(),
                "stichtag": pa.date32(),
                "raum_id": pa.string(),
                "anteil": pa.float64(),
                "anteil__zustand": pa.string(),
            }
        )
    )
    assert pq.read_metadata(path).num_rows == 0
    assert files_in(bare_county.folders.ledger) == ["_empty.parquet"]


def test_the_file_without_rows_has_the_schema_of_a_delivery(county):
    outcome = county.deliver_and_land("bestand", GOOD, file_of(county))
    folder = county.folders.accepted("bestand")
    assert files_in(folder) == sorted(["_empty.parquet", f"{outcome.delivery_id}.parquet"])
    schemas = [pq.read_schema(folder / name) for name in files_in(folder)]
    assert schemas[0].equals(schemas[1])
    areas = county.folders.accepted("raeume")
    schemas = [pq.read_schema(areas / name) for name in files_in(areas)]
    assert schemas[0].equals(schemas[1])


# --- files ----------------------------------------------------------------------------------


def test_files_of_the_inbox_are_moved_and_open_data_stays(county):
    ours = county.deliver("bestand", GOOD, file_of(county))
    open_data = county.deliver(
        "bestand",
        "bestand_201412.csv",
        county.bestand(*county.good_rows("201412")),
        root=county.data,
    )
    county.land("bestand")
    assert not ours.exists()
    assert open_data.exists()
    assert results(county.land("bestand")) == [
        ("bestand_201412.csv", "unchanged"),
        (GOOD, "unchanged"),
    ]


def test_raw_files_are_named_by_their_content(county):
    content = file_of(county).encode()
    outcome = county.deliver_and_land("bestand", GOOD, content)
    name = hashlib.sha256(content).hexdigest()
    assert outcome.sha256 == name
    assert (county.folders.raw / name).read_bytes() == content
    assert outcome.bytes == len(content)
    for path in county.folders.raw.iterdir():
        assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name
    assert pq.read_table(
        county.folders.accepted("bestand") / f"{outcome.delivery_id}.parquet"
    ).column("delivery_id")[0].as_py() == outcome.delivery_id  # fmt: skip


def test_a_copy_that_was_broken_off_is_not_taken_for_the_file(county, monkeypatch):
    content = file_of(county)
    path = county.deliver("bestand", GOOD, content)

    def break_off(source: Path, target: Path) -> None:
        target.write_bytes(source.read_bytes()[:20])
        raise OSError("disk full")

    with monkeypatch.context() as broken:
        broken.setattr(shutil, "copyfile", break_off)
        with pytest.raises(OSError, match="disk full"):
            county.land("bestand")
    assert path.exists()
    assert [outcome.result for outcome in county.land("bestand")] == ["accepted"]
    assert (
        county.folders.raw / hashlib.sha256(content.encode()).hexdigest()
    ).read_text() == content


@pytest.mark.parametrize(
    "name",
    [
        "bestand_201512 Größe 'neu'.csv",
        'bestand_201512 "1" & $(2); --.csv',
        "bestand_201512 100% {x} [y] *.csv",
    ],
)
def test_a_file_name_with_odd_characters_is_a_name_like_another(county, name):
    outcome = county.deliver_and_land("bestand", name, file_of(county))
    assert (outcome.result, outcome.file) == ("accepted", name)
    bad = county.deliver_and_land("bestand", name, file_of(county, -1))
    assert bad.result == "rejected"
    assert name in bad.reason
    assert counts(county) == [10]


# --- the ledger -----------------------------------------------------------------------------


def test_the_ledger_tells_every_try_and_always_balances(county):
    county.feeds["bestand"]["rows"]["quarantine_tolerance"] = 0.5
    rows = county.good_rows()
    contents = [
        county.bestand(*rows),
        county.bestand(*rows[:3], "201512;0109;A;1;1;"),
        county.bestand(*rows[:2], "201512", "x;y"),
        county.bestand("a", "b"),
        county.bestand(),
        "",
    ]
    tries = [county.deliver_and_land("bestand", GOOD, content) for content in contents]
    assert [outcome.result for outcome in tries] == ["accepted"] * 3 + ["rejected"] * 3
    told = ledger.read(county.folders.ledger, "bestand")
    assert {outcome.sha256 for outcome in told} == {outcome.sha256 for outcome in tries}
    for outcome in told:
        if outcome.rows_read is not None:
            assert outcome.rows_read == outcome.rows_accepted + outcome.rows_quarantined
    split = [o.rows_read for o in tries]
    assert split == [4, 4, 4, 2, 0, None]


def test_the_ledger_of_one_feed_is_not_that_of_another(county):
    county.feeds["neubestand"] = {**county.feeds["bestand"], "feed": "neubestand"}
    county.deliver_and_land("bestand", GOOD, file_of(county))
    assert ledger.read(county.folders.ledger, "neubestand") == []


def test_an_embargo_is_recorded(county):
    county.feeds["bestand"]["embargo_days"] = 10
    outcome = county.deliver_and_land("bestand", GOOD, file_of(county))
    assert outcome.publishable_from == date(2016, 1, 10)
    assert ledger.read(county.folders.ledger, "bestand")[0].publishable_from == date(2016, 1, 10)


# --- nothing leaks --------------------------------------------------------------------------


def test_what_may_not_land_lands_nowhere(county):
    county.feeds["bestand"]["rows"]["quarantine_tolerance"] = 0.5
    rows = [row + "0241-5551234" for row in county.good_rows()]
    rows[1] = rows[1].replace(";A;", ";falsch;")
    outcome = county.deliver_and_land("bestand", GOOD, county.bestand(*rows))
    assert (outcome.rows_accepted, outcome.rows_quarantined) == (3, 1)
    everything = text_of(county.folders.root)
    assert "falsch" in everything  # the bad row itself is there
    assert "5551234" not in everything
    assert "telefon" not in everything


MARKERS = ("MARKER-4711", "987654321", "Musterfrau")
LEAKS = {
    "a cast that fails": "201512;0101;A;MARKER-4711;1;\n",
    "a number out of bounds": "201512;0101;A;1;987654321;\n",
    "an unknown code": "201512;0101;Musterfrau;1;1;\n",
    "an unknown area": "201512;987654321;A;1;1;\n",
    "another Stichtag": "MARKER-4711;0101;A;1;1;\n",
    "a doubled key": "201512;0101;A;987654321;1;\n201512;0101;A;987654321;1;\n",
    "too many fields": "201512;0101;A;1;1;MARKER-4711;Musterfrau;987654321\n",
    "too few fields": "Musterfrau;987654321\n",
    "an open quotation mark": '201512;0101;"Musterfrau;987654321\n201512;0102;A;1;1;MARKER-4711\n',
    "a longer value than a block": '"Musterfrau' + "987654321\n" * 200_000,
}


@pytest.mark.parametrize(("fault", "lines"), LEAKS.items(), ids=LEAKS)
def test_no_value_of_a_bad_row_leaves_quarantine(county, caplog, capfd, fault, lines):
    caplog.set_level(logging.DEBUG)
    outcome = county.deliver_and_land("bestand", GOOD, county.bestand() + lines)
    assert outcome.result == "rejected"
    captured = capfd.readouterr()
    spoken = [str(outcome), text_of(county.folders.ledger), caplog.text, *captured]
    assert [marker for marker in MARKERS for text in spoken if marker in text] == []


@pytest.mark.parametrize(
    "first_line",
    [
        "201512;Musterfrau;MARKER-4711;987654321;1;",
        "Musterfrau;Musterfrau;Musterfrau",
        "Musterfrau",
        '"Musterfrau";"MARKER-4711"',
    ],
)
def test_a_file_without_header_does_not_tell_its_first_row(county, first_line):
    outcome = county.deliver_and_land("bestand", GOOD, f"{first_line}\n201512;0101;A;1;1;\n")
    assert outcome.result == "rejected"
    spoken = str(outcome) + text_of(county.folders.ledger)
    assert [marker for marker in MARKERS if marker in spoken] == []


def test_a_bad_geojson_does_not_tell_its_values(bare_county):
    shapes = {"MARKER-4711": bare_county.square(0, 1), "Musterfrau": None}
    content = bare_county.geojson(shapes)
    for text in (content, content[:-20]):
        outcome = bare_county.deliver_and_land("raeume", "raeume.geojson", text)
        assert outcome.result == "rejected"
        spoken = str(outcome) + text_of(bare_county.folders.ledger)
        assert [marker for marker in MARKERS if marker in spoken] == []


# --- the arrival gate -----------------------------------------------------------------------


@pytest.fixture
def gate(tmp_path):
    """Return the real arrival gate of a feed; before it looks, a fault may be planted."""
    from orchestration.gates import ArrivalGate
    from orchestration.settings import Settings

    def planted(tamper=None, feed="bestand"):
        arrival = ArrivalGate(Settings(home=tmp_path, region="musterkreis"), feed)

        def judge(candidates):
            if tamper:
                path = candidates[0].split.accepted
                pq.write_table(tamper(pq.read_table(path)), path)
            return arrival(candidates)

        return judge

    return planted


def with_column(name: str, value) -> object:
    def tamper(table: pa.Table) -> pa.Table:
        position, kind = table.schema.get_field_index(name), table.schema.field(name).type
        values = [value, *table.column(name).to_pylist()[1:]]
        return table.set_column(position, name, pa.array(values, kind))

    return tamper


def test_the_gate_lets_a_good_delivery_pass(county, gate):
    county.deliver("bestand", GOOD, file_of(county))
    (outcome,) = county.land("bestand", gate=gate())
    assert (outcome.result, outcome.reason) == ("accepted", None)


def test_the_gate_lets_areas_and_suppressed_cells_pass(bare_county, gate):
    shapes = {
        key: bare_county.square(n, n + 1) for n, key in enumerate(("0101", "0102", "0201", "0202"))
    }
    files = {
        "raeume": ("raeume.geojson", bare_county.geojson(shapes)),
        "klassen": ("klassen_2015.csv", KLASSEN),
        "anteile": ("anteile_2015.csv", ANTEILE),
    }
    for feed, (name, content) in files.items():
        bare_county.deliver(feed, name, content)
        (outcome,) = bare_county.land(feed, gate=gate(feed=feed))
        assert (outcome.result, outcome.reason) == ("accepted", None)
    assert [row["anteil__zustand"] for row in bare_county.accepted("anteile")][1] == "suppressed"


@pytest.mark.parametrize(
    ("tamper", "rule"),
    [
        (with_column("stichtag", date(2014, 12, 31)), "of Stichtag 2015-12-31"),
        (with_column("art", "MARKER-4711"), "only agreed codes stand in art"),
        (with_column("anzahl", -987654321), "within the agreed bounds, in anzahl"),
        (with_column("raum_id", "0102"), "the same raum_id"),
        (lambda table: table.slice(1), "the 4 rows that landing accepted"),
        (
            lambda table: table.append_column("telefon", table.column("zeit")),
            "exactly the agreed columns",
        ),
        (
            lambda table: table.set_column(
                7, "anzahl", pc.cast(table.column("anzahl"), pa.string())
            ),
            "the agreed type",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_gate_stops_what_was_changed_after_landing(county, gate, tamper, rule):
    county.deliver("bestand", GOOD, file_of(county))
    (outcome,) = county.land("bestand", gate=gate(tamper))
    assert outcome.result == "rejected"
    for part in ("feed bestand", GOOD, rule, "do: "):
        assert part in outcome.reason
    assert "MARKER" not in outcome.reason
    assert "987654321" not in outcome.reason
    assert county.accepted("bestand") == []


def test_the_gate_stops_a_file_that_was_cut_at_the_end_of_a_line(county, gate):
    """Every row that is there is good; only the last delivery tells that some are missing."""
    county.feeds["bestand"]["rows"]["change_tolerance"] = 0.1
    content = county.bestand(*county.good_rows("201412"))
    county.deliver("bestand", "bestand_201412.csv", content)
    county.land("bestand", gate=gate())
    county.deliver("bestand", GOOD, county.bestand(*county.good_rows()[:3]))
    outcome = next(o for o in county.land("bestand", gate=gate()) if o.file == GOOD)
    assert outcome.result == "rejected"
    for part in (GOOD, "last time 4", "do: "):
        assert part in outcome.reason


def test_the_first_delivery_is_compared_with_the_areas_it_should_speak_of(county, gate):
    county.feeds["bestand"]["rows"]["change_tolerance"] = 0.1
    county.deliver("bestand", GOOD, county.bestand(*county.good_rows()[:3]))
    (outcome,) = county.land("bestand", gate=gate())
    assert outcome.result == "rejected"
    assert "last time 4" in outcome.reason


def test_of_many_candidates_only_the_culprit_is_refused(county, gate):
    """The gate looks at all in one go; where it finds something, at each."""
    county.feeds["bestand"]["rows"]["change_tolerance"] = 0.1
    for period in ("201403", "201406", "201409", "201412"):
        rows = county.good_rows(period)
        rows = rows[:3] if period == "201406" else rows
        county.deliver("bestand", f"bestand_{period}.csv", county.bestand(*rows))
    outcomes = {o.stichtag.month: o for o in county.land("bestand", gate=gate())}
    assert {month: o.result for month, o in outcomes.items()} == {
        3: "accepted",
        6: "rejected",
        9: "accepted",  # compared with March: what was refused is no measure
        12: "accepted",
    }
    assert "last time 4" in outcomes[6].reason
    assert {row["stichtag"].month for row in county.accepted("bestand")} == {3, 9, 12}
    assert len(files_in(county.folders.rejected("bestand"))) == 1


def test_good_candidates_are_judged_in_one_go(county):
    asked = []

    def gate(candidates):
        asked.append(len(candidates))
        return {}

    for period in ("201403", "201406", "201409"):
        content = county.bestand(*county.good_rows(period))
        county.deliver("bestand", f"bestand_{period}.csv", content)
    county.land("bestand", gate=gate)
    assert asked == [3]
    assert len(files_in(county.folders.ledger)) == 2 + 1 + 1  # areas, this run, the empty one


def test_a_file_that_is_still_being_written_is_left(county):
    for name in ("bestand_201512.csv.part", "~$bestand_201512.csv"):
        county.deliver("bestand", name, file_of(county))
    assert county.land("bestand") == []
    assert len(files_in(county.inbox / "bestand")) == 2


def test_a_dangerous_file_is_refused_before_it_is_read(county):
    import io
    import zipfile

    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("../evil.csv", "x")
    outcome = county.deliver_and_land("bestand", GOOD, packed.getvalue())
    assert outcome.result == "rejected"
    for part in ("feed bestand", GOOD, "lead out of its folder", "To do: ask amt"):
        assert part in outcome.reason


# --- the Stichtag that stands in the file ---------------------------------------------------


@pytest.fixture
def dated(county):
    """The class table as a flat GENESIS file, which bears its year inside."""
    feed = county.feeds["klassen"]
    feed |= {
        "stichtag": {"rule": "jahresende", "aus": "inhalt"},
        "name_pattern": r"klassen( .*)?\.csv",
        "layouts": [
            {
                "id": "ffcsv",
                "format": "ffcsv",
                "valid_from": "2010-01-01",
                "valid_to": "2020-12-31",
                "variables": {"RAUM": "raum_id"},
                "value": "klasse",
            }
        ],
    }
    return county


def flat(year: int | str, klasse: str = "1") -> str:
    head = (
        "statistics_code;statistics_label;time_code;time_label;time;1_variable_code;"
        "1_variable_label;1_variable_attribute_code;1_variable_attribute_label;value;value_unit;"
        "value_variable_code;value_variable_label"
    )
    rows = [
        f"1;S;STAG;Stichtag;{year}-12-31;RAUM;Raum;{area};{area};{klasse};Anzahl;K;Klasse"
        for area in ("0101", "0102", "0201", "0202")
    ]
    return "\n".join([head, *rows]) + "\n"


def test_a_file_of_one_name_comes_for_several_stichtage(dated):
    for year in (2014, 2015):
        folder = dated.inbox / "klassen"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "klassen.csv").write_text(flat(year, "1" if year == 2014 else "2"))
        (outcome,) = (o for o in dated.land("klassen") if o.result == "accepted")
        assert (outcome.file, outcome.stichtag) == ("klassen.csv", date(year, 12, 31))
    assert {row["stichtag"].year for row in dated.accepted("klassen")} == {2014, 2015}
    assert {outcome.result for outcome in dated.land("klassen")} == {"unchanged"}


def test_after_the_stichtag_is_read_the_agreement_decides(dated):
    dated.declared["agreements"] = [dated.agreement(gueltig_bis="2014-12-31")]
    path = dated.deliver("klassen", "klassen.csv", flat(2015))
    (outcome,) = dated.land("klassen")
    assert (outcome.result, outcome.stichtag) == ("not_agreed", STICHTAG)
    assert path.exists()
    assert hashlib.sha256(path.read_bytes()).hexdigest() not in files_in(dated.folders.raw)
    dated.deliver("klassen", "klassen.csv", flat(2014))
    assert [outcome.result for outcome in dated.land("klassen")] == ["accepted"]


def test_an_agreement_that_has_not_begun_lets_nothing_be_read(dated, monkeypatch):
    dated.declared["agreements"] = [dated.agreement(gueltig_ab="2999-01-01")]
    dated.deliver("klassen", "klassen.csv", flat(2015))
    monkeypatch.setattr("sources.delivery.read", lambda *_: pytest.fail("it was read"))
    (outcome,) = dated.land("klassen")
    assert (outcome.result, outcome.stichtag, outcome.sha256) == ("not_agreed", None, None)


def test_a_file_that_does_not_tell_its_stichtag_is_refused(dated):
    outcome = dated.deliver_and_land("klassen", "klassen.csv", flat("heute").replace("-12-31", ""))
    assert (outcome.result, outcome.stichtag) == ("rejected", None)
    for part in ("feed klassen", "klassen.csv", "jahr", "To do: "):
        assert part in outcome.reason


def test_a_stichtag_without_layout_is_refused_after_reading_too(dated):
    outcome = dated.deliver_and_land("klassen", "klassen.csv", flat(2021))
    assert outcome.result == "rejected"
    assert "2021-12-31" in outcome.reason
