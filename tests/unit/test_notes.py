"""What a region declares about reading its figures, and what deliveries add without their words."""

from dataclasses import replace
from datetime import date

import pytest

from sources.contract import Note
from sources.ledger import Outcome
from sources.notes import Abgleich, Hinweis, Lesehilfe, comparison_rows, delivery_notes
from sources.region import read_region, region_names

DELIVERY = Outcome(
    feed="itnrw_hze",
    partner="itnrw",
    liefereinheit="amt",
    stichtag=date(2024, 12, 31),
    result="accepted",
    rows_read=1000,
    rows_accepted=1000,
    rows_quarantined=0,
)
SECRET = "Fall 4711 bitte vertraulich behandeln"


@pytest.fixture(scope="module")
def feed():
    """A contract with declared notes."""
    feed = read_region("aachen").feed("itnrw_hze")
    assert feed.notes[0].id == "essen_2024"
    return feed


def notes(feed, outcome, kommunen=("05", "06")):
    return delivery_notes(
        [outcome],
        feeds={feed.feed: feed},
        kommunen={"amt": kommunen},
        indicators={feed.feed: ["hze_quote"]},
        quarantine_from=1.0,
    )


def test_a_clean_delivery_has_no_note(feed):
    assert notes(feed, DELIVERY) == []


def test_free_text_of_partners_is_never_told(feed):
    assert notes(feed, replace(DELIVERY, hinweise=SECRET, warnung=SECRET)) == []
    told = notes(feed, replace(DELIVERY, hinweise=f"{SECRET}\nessen_2024", repairs=SECRET))
    assert SECRET not in str(told)
    applied = [row for row in told if row["hinweis_id"].startswith("vermerk:essen_2024")]
    assert {row["text"] for row in applied} == {feed.notes[0].reason}


def test_a_note_id_counts_as_a_whole_line_only(feed):
    assert notes(feed, replace(DELIVERY, hinweise="siehe essen_2024")) == []


def test_bad_rows_are_told_from_the_declared_share_on_and_without_their_number(feed):
    assert notes(feed, replace(DELIVERY, rows_quarantined=9)) == []
    told = notes(feed, replace(DELIVERY, rows_quarantined=10))
    assert [(row["raum_id"], row["art"]) for row in told] == [
        ("05", "lieferung"),
        ("06", "lieferung"),
    ]
    assert "10 " not in told[0]["text"]


def test_who_delivers_for_the_whole_county_is_noted_for_all_areas(feed):
    told = notes(feed, replace(DELIVERY, repairs="x: 2 row(s)"), kommunen=())
    assert [row["raum_id"] for row in told] == ["alle"]
    assert told[0]["stichtag_von"] == told[0]["stichtag_bis"] == DELIVERY.stichtag


def test_a_note_has_one_subject_and_its_id_stands_once():
    with pytest.raises(ValueError, match="an indicator or a theme"):
        Hinweis(hinweis_id="a", art="definition", indikator_id="x", thema="y", text="z")
    note = Hinweis(hinweis_id="a", art="definition", text="z")
    with pytest.raises(ValueError, match="each id once"):
        Lesehilfe(hinweise=(note, note))
    with pytest.raises(ValueError, match="ends before it begins"):
        Hinweis(
            hinweis_id="a",
            art="definition",
            text="z",
            stichtag_von=date(2015, 1, 1),
            stichtag_bis=date(2014, 1, 1),
        )


def test_values_are_compared_one_by_one():
    side = {"quelle": "q", "teile": [{"indikator_id": "a"}, {"indikator_id": "b"}]}
    with pytest.raises(ValueError, match="values have no sum"):
        Abgleich(
            gegenstand="g",
            name="n",
            einheit="%",
            eigen=side,
            fremd=side,
            toleranz=1,
            erklaerung="e",
        )


@pytest.mark.parametrize("region", region_names())
def test_declared_comparisons_name_counts_that_the_region_gets(region):
    """Every part has a key, and both sides are there."""
    rows = comparison_rows(read_region(region).abgleiche)
    sides = {(row["gegenstand"], row["seite"]) for row in rows}
    assert {side for _, side in sides} in ({"eigen", "fremd"}, set())
    assert len({(r["gegenstand"], r["seite"], r["schluessel"]) for r in rows}) == len(rows)


def test_notes_of_contracts_are_sentences_that_may_be_published():
    """They are published as they stand: whoever writes one writes for readers."""
    for region in region_names():
        for feed in read_region(region).feeds:
            for note in feed.notes:
                assert isinstance(note, Note)
                assert note.reason.endswith("."), note.id


@pytest.mark.parametrize("name", ["aachen", "rbk"])
def test_special_places_are_noted_where_the_simulator_puts_them(name):
    """Of the full-size county, at its newest boundaries and before."""
    from sources.simulator.county import _rng
    from sources.simulator.profile import read_profile
    from sources.simulator.space import make_space
    from sources.simulator.streets import make_addresses

    profile = read_profile(name)
    space = make_space(profile, _rng(profile.seed, "space"))
    frame = make_addresses(profile, space, 1.0, _rng(profile.seed, "streets")).adressen
    places = frame[frame["plaetze"] > 0]
    region = read_region(name)
    notes = [note for note in region.lesehilfe.hinweise if note.art == "besonderer_ort"]
    for stand in region.gebietsstaende:
        there = set(zip(places[f"raum_{stand.gebietsstand}"], places["art"], strict=True))
        day = stand.gueltig_bis or date(2015, 12, 31)
        told = {
            (note.raum_id, note.hinweis_id.split("_")[0])
            for note in notes
            if (note.stichtag_von or day) <= day <= (note.stichtag_bis or day)
        }
        assert told == {(str(raum), str(art)) for raum, art in there}
