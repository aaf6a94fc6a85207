"""On which terms a delivery is taken: who delivers, under which agreement, and for how long.

The county's two Kommunen deliver rows of persons, each for itself, and one of counts together.
"""

import hashlib
import shutil
from datetime import date, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from sources import ledger
from sources.landing import valid_deliveries
from sources.retention import ends_on, purge

HEADER = "PERSON;MUTTER;RAUM;KOMMUNE;MONAT;MERKZEICHEN;BEGINN"
WEST, OST = "personen_west_2015.csv", "personen_ost_2015.csv"
TODAY = date(2016, 2, 1)


def column(name: str, header: str, kind: str = "text", **more) -> dict:
    plain = {"sensitivity": "personenbezogen", "description": name, "required": True}
    return {"name": name, "header": header, "type": kind, **plain, **more}


@pytest.fixture
def persons(county):
    """The county with two Liefereinheiten and a feed of persons."""
    feed = {
        **county.feeds["bestand"],
        "feed": "personen",
        "location": "personen",
        "ebene": "einzeldaten",
        "liefereinheiten": ["west", "ost"],
        "name_pattern": r"personen_(?P<liefereinheit>[^_]+)_(?P<jahr>\d{4})( .*)?\.csv",
        "stichtag": {"rule": "jahresende"},
        "spatial": {
            "kind": "schluessel",
            "ebene": "sozialraum",
            "gebietsstand": "heute",
            "column": "raum_id",
            "kommune": "kommune_id",
            "ohne": ["unbekannt"],
        },
        "key": ["person_id"],
        "rows": {"quarantine_tolerance": 0.5, "change_tolerance": 0.1, "change": "warnung"},
        "columns": [
            column("person_id", "PERSON", sensitivity="identifier", pattern="P[0-9]{3}"),
            column("mutter_id", "MUTTER", sensitivity="identifier", required=False),
            column("raum_id", "RAUM"),
            column("kommune_id", "KOMMUNE"),
            column("geburtsmonat", "MONAT", pattern="[0-9]{6}"),
            column(
                "merkzeichen",
                "MERKZEICHEN",
                required=False,
                separator=",",
                codes={"G": "G", "aG": "aG", "H": "H"},
            ),
            column("beginn", "BEGINN", "date", required=False, date_format="%d.%m.%Y"),
        ],
        "layouts": [county.feeds["bestand"]["layouts"][0]],
    }
    county.feeds["personen"] = feed
    county.declared |= {
        "statistikstelle": True,
        "kommunen": [
            {"kommune_id": "01", "name": "Westheim", "aliases": ["Stadt Westheim"]},
            {"kommune_id": "02", "name": "Ostdorf"},
        ],
        "liefereinheiten": {
            "west": {"name": "Amt West", "kommunen": ["01"]},
            "ost": {"name": "Amt Ost", "kommunen": ["02"], "aliases": ["O-Amt"]},
        },
    }
    return county


def table(*rows: str) -> str:
    return "\n".join([HEADER, *rows]) + "\n"


def good(kommune: str = "01", count: int = 4) -> str:
    """Persons of one Kommune; the second is the child of the first."""
    rows = [f"P{n:03d};;{kommune}01;{kommune};197001;;" for n in range(1, count + 1)]
    rows[1] = f"P002;P001;{kommune}02;{kommune};200105;;"
    return table(*rows)


def results(outcomes) -> list[tuple]:
    return [(o.liefereinheit, o.stichtag.year, o.result) for o in outcomes]


def all_bytes(root: Path) -> bytes:
    return b"".join(path.read_bytes() for path in root.rglob("*") if path.is_file())


def all_values(folder: Path) -> set[str]:
    return {
        str(value)
        for path in folder.rglob("*.parquet")
        for values in pq.read_table(path).columns
        for value in values.to_pylist()
    }


# --- who delivers ---------------------------------------------------------------------------


def test_every_row_carries_its_liefereinheit(persons):
    persons.deliver("personen", WEST, good("01"))
    persons.deliver("personen", OST, good("02"))
    persons.land("personen")
    told = {(row["liefereinheit"], row["kommune_id"]) for row in persons.accepted("personen")}
    assert told == {("west", "01"), ("ost", "02")}


@pytest.mark.parametrize("called", ["west", "Westheim", "WEST", "01", "Stadt Westheim"])
def test_a_liefereinheit_may_be_called_by_its_one_kommune(persons, called):
    outcome = persons.deliver_and_land("personen", f"personen_{called}_2015.csv", good())
    assert (outcome.result, outcome.liefereinheit) == ("accepted", "west")


def test_a_name_of_nobody_who_delivers_is_refused_with_the_agreed_ones(persons):
    outcome = persons.deliver_and_land("personen", "personen_nord_2015.csv", good())
    assert (outcome.result, outcome.liefereinheit) == ("rejected", None)
    for part in ("feed personen", "personen_nord_2015.csv", "['ost', 'west']", "To do: "):
        assert part in outcome.reason
    assert persons.accepted("personen") == []


def test_a_correction_supersedes_only_what_the_same_office_sent_for_the_same_stichtag(persons):
    for name, kommune in ((WEST, "01"), (OST, "02"), (WEST.replace("2015", "2014"), "01")):
        persons.deliver("personen", name, good(kommune, 4 if "2015" in name else 5))
    persons.land("personen")
    persons.deliver("personen", WEST, good("01", 6))
    persons.land("personen")
    rows = [(row["liefereinheit"], row["stichtag"].year) for row in persons.accepted("personen")]
    assert {key: rows.count(key) for key in rows} == {
        ("west", 2015): 6,
        ("ost", 2015): 4,
        ("west", 2014): 5,
    }


def test_the_same_table_of_two_offices_is_refused_as_a_copy(persons):
    persons.deliver_and_land("personen", WEST, good())
    outcome = persons.deliver_and_land("personen", OST, good())
    assert outcome.result == "rejected"
    assert f"the same content as {WEST} of west" in outcome.reason


def test_what_an_office_has_not_sent_is_told_for_each_office(persons):
    persons.declared["expected"] = {"personen": ["2014-12-31", "2015-12-31"]}
    persons.deliver("personen", WEST, good())
    assert sorted(results(persons.land("personen"))) == [
        ("ost", 2014, "not_delivered"),
        ("ost", 2015, "not_delivered"),
        ("west", 2014, "not_delivered"),
        ("west", 2015, "accepted"),
    ]


def test_rows_of_a_kommune_that_the_office_does_not_serve_are_quarantined(persons):
    rows = good("01").splitlines()[1:]
    outcome = persons.deliver_and_land(
        "personen", WEST, table(*rows, "P009;;0201;02;197001;;", "P010;;0201;01;197001;;")
    )
    assert (outcome.rows_accepted, outcome.rows_quarantined) == (4, 2)
    assert [row["reasons"] for row in persons.quarantined("personen")] == [
        [
            "kommune_id: a Kommune that west does not serve",
            "raum_id: a Kommune that west does not serve",
        ],
        ["raum_id: a Kommune that west does not serve"],
    ]


def test_a_run_takes_only_what_it_is_about(persons):
    names = {WEST: "01", OST: "02", WEST.replace("2015", "2014"): "01"}
    persons.declared["expected"] = {"personen": ["2013-12-31", "2015-12-31"]}
    for name, kommune in names.items():
        persons.deliver("personen", name, good(kommune, 4 if "2015" in name else 5))
    outcomes = persons.land(
        "personen", only=lambda unit, stichtag: (unit, stichtag.year) == ("west", 2015)
    )
    assert results(outcomes) == [("west", 2015, "accepted")]
    left = sorted(path.name for path in (persons.inbox / "personen").iterdir())
    assert left == sorted({*names} - {WEST})
    others = persons.land("personen", only=lambda unit, stichtag: unit == "ost")
    assert sorted(results(others)) == [("ost", 2013, "not_delivered"), ("ost", 2015, "accepted")]


# --- back to an earlier content -------------------------------------------------------------


@pytest.mark.parametrize("open_data", [False, True])
def test_a_correction_back_to_an_earlier_content_is_accepted_again(county, open_data):
    """First 10, then 11, and it was 10 all along: in the inbox, or in a file that lies open."""
    name, root = "bestand_201512.csv", county.data if open_data else None
    contents = [
        county.bestand(*county.good_rows()).replace(";A;10;", f";A;{n};") for n in (10, 11, 10)
    ]
    for content in contents:
        county.deliver("bestand", name, content, root=root)
        county.land("bestand")
        (row,) = (r for r in county.accepted("bestand") if r["raum_id"] == "0101")
        assert f";A;{row['anzahl']};" in content
    assert {o.result for o in county.land("bestand")} == {"unchanged"}
    assert next(r["anzahl"] for r in county.accepted("bestand")) == 10
    assert len([o for o in valid_deliveries(county.region, county.folders)
                if o.feed == "bestand"]) == 1  # fmt: skip


def test_open_data_that_stays_does_not_undo_a_correction(county):
    name = "bestand_201512.csv"
    old = county.bestand(*county.good_rows())
    county.deliver("bestand", name, old, root=county.data)
    county.land("bestand")
    county.deliver("bestand", name, old.replace(";A;10;", ";A;11;"))
    for _ in range(3):
        county.land("bestand")
        assert county.accepted("bestand")[0]["anzahl"] == 11


# --- agreements -----------------------------------------------------------------------------


def test_without_an_agreement_nothing_is_read_and_the_file_stays(persons, monkeypatch):
    persons.declared["agreements"] = [persons.agreement(liefereinheiten=["ost"])]
    path = persons.deliver("personen", WEST, good())
    monkeypatch.setattr("sources.landing.sha256_of", lambda path: pytest.fail("it was read"))
    (outcome,) = persons.land("personen")
    assert (outcome.result, outcome.file, outcome.sha256) == ("not_agreed", WEST, None)
    for part in ("feed personen", "west", "2015-12-31", "agreements.yaml"):
        assert part in outcome.reason
    assert path.exists()
    assert hashlib.sha256(good().encode()).hexdigest() not in {
        p.name for p in persons.folders.raw.iterdir()
    }


@pytest.mark.parametrize(
    ("valid", "expected"),
    [
        ({"gueltig_ab": "2015-12-31", "gueltig_bis": "2015-12-31"}, "accepted"),
        ({"gueltig_ab": "2016-01-01"}, "not_agreed"),
        ({"gueltig_bis": "2015-12-30"}, "not_agreed"),
    ],
)
def test_an_agreement_covers_stichtage(persons, valid, expected):
    persons.declared["agreements"] = [persons.agreement(**valid)]
    persons.deliver("personen", WEST, good())
    (outcome,) = persons.land("personen")
    assert outcome.result == expected
    assert outcome.agreement == ("vereinbarung" if expected == "accepted" else None)


def test_an_expected_delivery_that_is_not_agreed_is_told_so(persons):
    persons.declared["expected"] = {"personen": ["2015-12-31"]}
    persons.declared["agreements"] = [persons.agreement(liefereinheiten=["ost"])]
    assert sorted(results(persons.land("personen"))) == [
        ("ost", 2015, "not_delivered"),
        ("west", 2015, "not_agreed"),
    ]


def test_what_is_agreed_no_longer_is_not_valid_any_more(persons):
    persons.deliver("personen", WEST, good())
    persons.land("personen")
    persons.declared["agreements"] = [persons.agreement(liefereinheiten=["ost"])]
    assert results(persons.land("personen")) == [("west", 2015, "not_agreed")]
    assert persons.accepted("personen") == []
    del persons.declared["agreements"]
    assert results(persons.land("personen")) == [("west", 2015, "accepted")]


def test_rows_of_a_kommune_that_the_agreement_leaves_out_are_quarantined(persons):
    persons.declared["liefereinheiten"]["west"]["kommunen"] = ["01", "02"]
    persons.declared["agreements"] = [persons.agreement(kommunen=["01"])]
    rows = good("01").splitlines()[1:]
    outcome = persons.deliver_and_land("personen", WEST, table(*rows, "P009;;0201;02;197001;;"))
    assert (outcome.rows_accepted, outcome.rows_quarantined) == (4, 1)


# --- identifiers ----------------------------------------------------------------------------


def test_identifiers_land_as_hashes_and_pointers_resolve(persons):
    persons.deliver_and_land("personen", WEST, good())
    rows = persons.accepted("personen")
    own = [row["person_id"] for row in rows]
    assert len({*own}) == 4
    assert all(len(name) == 20 and int(name, 16) >= 0 for name in own)
    assert [row["mutter_id"] for row in rows] == [None, own[0], None, None]


def test_two_deliveries_have_other_hashes_unless_they_may_be_linked(persons):
    def hashes(*changes) -> list[set]:
        shutil.rmtree(persons.folders.accepted("personen"), ignore_errors=True)
        persons.declared["agreements"] = [persons.agreement(**dict(changes))]
        for year in ("2014", "2015"):
            rows = 4 if year == "2015" else 5
            persons.deliver("personen", WEST.replace("2015", year), good("01", rows))
        persons.land("personen")
        return [
            {r["person_id"] for r in persons.accepted("personen") if r["stichtag"].year == year}
            for year in (2014, 2015)
        ]

    older, newer = hashes()
    assert older.isdisjoint(newer)
    older, newer = hashes(("verknuepfbar", True))
    assert newer < older


def test_the_same_delivery_has_the_same_hashes_in_every_run(persons):
    persons.deliver_and_land("personen", WEST, good())
    first = [row["person_id"] for row in persons.accepted("personen")]
    persons.feeds["personen"]["title"] = "another"
    persons.land("personen")
    assert [row["person_id"] for row in persons.accepted("personen")] == first


def test_no_identifier_lies_anywhere_but_in_the_raw_file(persons):
    outcome = persons.deliver_and_land(
        "personen", WEST, table("P001;;0101;01;197001;;", "PERSON-4711;P001;0109;01;x;;")
    )
    assert (outcome.rows_accepted, outcome.rows_quarantined) == (1, 1)
    (bad,) = persons.quarantined("personen")
    (row,) = persons.accepted("personen")
    assert bad["mutter_id"] == row["person_id"]
    assert "person_id: does not fit the agreed pattern" in bad["reasons"]
    values = all_values(persons.folders.root)
    assert {value for value in values if "P001" in value or "4711" in value} == set()
    assert "4711" not in str(outcome)


def test_identifiers_need_a_secret(persons):
    from sources.landing import land_feed

    region = persons.region
    with pytest.raises(ValueError, match=r"feed personen: .*no secret"):
        land_feed(
            region.feed("personen"),
            region,
            persons.folders,
            inbox=persons.inbox,
            data=None,
            gate=lambda candidates: {},
        )


# --- cells ----------------------------------------------------------------------------------


def test_several_codes_in_a_cell_are_each_looked_up(persons):
    cells = ["G,aG", " aG , H ", "G,,H,", "", "G,X"]
    rows = [f"P{n:03d};;0101;01;197001;{cell};" for n, cell in enumerate(cells, 1)]
    persons.deliver_and_land("personen", WEST, table(*rows))
    landed = [row["merkzeichen"] for row in persons.accepted("personen")]
    assert landed == ["G,aG", "aG,H", "G,H", None]
    (bad,) = persons.quarantined("personen")
    assert (bad["row_number"], bad["reasons"]) == (5, ["merkzeichen: not in the code list"])


def test_a_date_is_read_as_agreed_and_zeros_are_none(persons):
    cells = ["24.12.2015", "00000000", "00.00.0000", "", "2015-12-24", "31.02.2015"]
    rows = [f"P{n:03d};;0101;01;197001;;{cell}" for n, cell in enumerate(cells, 1)]
    persons.deliver_and_land("personen", WEST, table(*rows))
    landed = [row["beginn"] for row in persons.accepted("personen")]
    assert landed == [date(2015, 12, 24), None, None, None]
    reason = "beginn: not a value of type date"
    assert [row["reasons"] for row in persons.quarantined("personen")] == [[reason]] * 2


def test_no_area_is_counted_for_its_kommune(persons):
    cells = ["unbekannt", "01-ohne", "0102", "02-ohne", "0109"]
    rows = [f"P{n:03d};;{cell};01;197001;;" for n, cell in enumerate(cells, 1)]
    persons.deliver_and_land("personen", WEST, table(*rows))
    assert [row["raum_id"] for row in persons.accepted("personen")] == [
        "01-ohne",
        "01-ohne",
        "0102",
    ]
    assert [row["row_number"] for row in persons.quarantined("personen")] == [4, 5]


def test_a_total_is_counted_for_the_only_kommune_of_the_office(persons):
    feed = persons.feeds["personen"]
    del feed["spatial"]["kommune"]
    feed["spatial"]["gesamt"] = ["Insgesamt"]
    persons.deliver_and_land("personen", WEST, table("P001;;Insgesamt;01;197001;;"))
    assert [row["raum_id"] for row in persons.accepted("personen")] == ["01"]


def test_of_identical_rows_the_first_stays_and_different_ones_all_go(persons):
    row = "P001;;0101;01;197001;;"
    same, other = row.replace("01;;", "01;;  "), row.replace("197001", "197002")
    persons.deliver_and_land("personen", WEST, table(row, "P002;;0101;01;197001;;", same))
    (bad,) = persons.quarantined("personen")
    reason = "key (person_id): stands twice"
    assert (bad["row_number"], bad["reasons"]) == (3, [f"{reason}, identical"])
    assert len(persons.accepted("personen")) == 2
    persons.feeds["personen"]["rows"]["quarantine_tolerance"] = 1.0
    persons.deliver_and_land("personen", WEST, table(row, same, other, "P002;;0101;01;197001;;"))
    assert [r["row_number"] for r in persons.accepted("personen")] == [4]


@pytest.mark.parametrize("word", ["GrÃ¼n", "StraÃŸe", "Gr\ufffdn", "Gr\x81n"])
def test_text_in_a_wrong_encoding_sends_the_file_back(persons, word):
    persons.feeds["personen"]["columns"].append(column("ort", "ORT", required=False))
    head, *rows = good().splitlines()
    lines = [f"{head};ORT", f"{rows[0]};{word}", *(f"{row};Grün" for row in rows[1:])]
    outcome = persons.deliver_and_land("personen", WEST, "\n".join(lines) + "\n")
    assert (outcome.result, outcome.rows_read) == ("rejected", None)
    assert "another encoding" in outcome.reason
    assert word not in outcome.reason
    right = persons.deliver_and_land("personen", WEST, "\n".join(lines).replace(word, "Große"))
    assert right.result == "accepted"


# --- how many rows --------------------------------------------------------------------------


def test_another_number_of_rows_is_told_where_it_is_not_refused(persons):
    persons.deliver_and_land("personen", WEST.replace("2015", "2014"), good("01", 8))
    persons.deliver_and_land("personen", OST, good("02", 4))
    outcome = persons.deliver_and_land("personen", WEST, good("01", 4))
    assert outcome.result == "accepted"
    assert outcome.warnung == "4 rows, last time 8: a change of more than 10%"
    same = persons.deliver_and_land("personen", OST.replace("2015", "2016"), good("02", 4) + "")
    assert same.warnung is None


# --- retention ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("received", "months", "day"),
    [
        (date(2015, 1, 15), 12, date(2016, 1, 15)),
        (date(2015, 12, 31), 2, date(2016, 2, 29)),
        (date(2015, 11, 30), 1, date(2015, 12, 30)),
        (date(2015, 12, 1), 24, date(2017, 12, 1)),
    ],
)
def test_retention_counts_months_from_receipt(received, months, day):
    assert ends_on(received, months) == day


def day_of_receipt(county) -> date:
    return ledger.read(county.folders.ledger, "personen")[0].received_at.date()


def test_rows_of_persons_go_when_their_retention_ends_and_counts_stay(persons):
    persons.declared["expected"] = {"personen": ["2015-12-31"]}
    rows = good("01").splitlines()[1:]
    content = table(*rows, "P009;;0109;01;197001;;")
    outcome = persons.deliver_and_land("personen", WEST, content)
    persons.deliver_and_land("bestand", "bestand_201512.csv", persons.bestand(*persons.good_rows()))
    archive = persons.folders.archive("fct_bevoelkerung") / f"{outcome.delivery_id}.parquet"
    archive.parent.mkdir(parents=True)
    archive.write_bytes(b"counts")
    end = ends_on(day_of_receipt(persons), 12)

    assert purge(persons.region, persons.folders, end - timedelta(days=1)) == []
    (gone,) = purge(persons.region, persons.folders, end)
    assert (gone.result, gone.delivery_id, gone.stichtag) == (
        "purged",
        outcome.delivery_id,
        date(2015, 12, 31),
    )
    assert gone.purged_at is not None
    assert purge(persons.region, persons.folders, end) == []
    left = {path.name for path in persons.folders.root.rglob("*") if path.is_file()}
    assert outcome.sha256 not in left
    assert list(persons.folders.root.rglob(f"{outcome.delivery_id}*")) == [archive]
    assert persons.accepted("personen") == []
    assert len(persons.accepted("bestand")) == 4

    after = persons.land("personen")
    assert ("west", 2015, "not_delivered") not in results(after)
    path = persons.deliver("personen", WEST, content)
    (again,) = (o for o in persons.land("personen") if o.file)
    assert again.result == "rejected"
    assert "purged when its retention ended" in again.reason
    assert outcome.sha256 not in {p.name for p in persons.folders.raw.iterdir()}
    assert path.exists()


def test_what_was_refused_or_replaced_goes_too(persons):
    persons.deliver_and_land("personen", WEST, good())
    persons.deliver_and_land("personen", WEST, good("01", 5))
    persons.deliver_and_land("personen", OST, table("x;;;;;;"))
    gone = purge(persons.region, persons.folders, ends_on(day_of_receipt(persons), 12))
    assert len(gone) == 3
    raw = {path.name for path in persons.folders.raw.iterdir()}
    assert raw.isdisjoint({o.sha256 for o in gone})
    assert not list(persons.folders.root.glob("*/personen/[!_]*.parquet"))
