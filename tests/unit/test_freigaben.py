"""What municipalities have released: entries, the log of a home, and how far each theme is."""

import json
from datetime import date
from itertools import pairwise

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestration.cli import main
from orchestration.drafts import last_draft, make_drafts, newest_shown
from orchestration.freigaben import all_freigaben, find_kommune, present_states, record
from orchestration.settings import Settings
from orchestration.warehouse import read_build, write_build
from publication.municipal import PAGE, write_municipal_draft
from sources.agreement import Agreement
from sources.freigaben import Freigabe, check_freigaben, freigabe_rows, read_log, states
from sources.region import read_region, region_names

ENTRY = {"kommunen": ["K1"], "themen": ["soziales"], "am": "2016-05-01", "von": "Rat der Stadt"}
BOTH = {"K1": True, "K2": True}


def entry(**changes) -> Freigabe:
    return Freigabe.model_validate({**ENTRY, **changes})


def standing(
    rows: list[Freigabe], kommunen=BOTH, published=None, agreed=("arbeit", "soziales")
) -> dict[tuple[str, str], str]:
    allowed = dict.fromkeys(kommunen, agreed)
    found = states(freigabe_rows(rows), kommunen, ("arbeit", "soziales"), allowed, published)
    return {(one["kommune_id"], one["thema"]): one["stand"] for one in found}


def test_without_an_entry_nothing_is_released():
    assert set(standing([]).values()) == {"entwurf"}


def test_an_entry_speaks_of_its_municipality_and_theme_alone():
    assert standing([entry()]) == {
        ("K1", "arbeit"): "entwurf",
        ("K1", "soziales"): "veroeffentlicht",
        ("K2", "arbeit"): "entwurf",
        ("K2", "soziales"): "entwurf",
    }


def test_all_municipalities_and_themes_may_be_meant_but_not_who_takes_no_part():
    found = standing([entry(kommunen="alle", themen="alle")], {"K1": True, "K2": False})
    assert [found["K1", "arbeit"], found["K2", "arbeit"]] == ["veroeffentlicht", "entwurf"]


def test_what_was_released_after_the_edition_waits_for_the_next():
    published = {("K1", "soziales", "2015-12-31")}
    old = entry(stichtag_bis="2015-12-31")
    assert standing([old], published=published)["K1", "soziales"] == "veroeffentlicht"
    both = [old, entry(stichtag_bis="2016-12-31")]
    assert standing(both, published=published)["K1", "soziales"] == "freigegeben"


def test_what_no_agreement_allows_is_never_said_to_be_published():
    found = standing([entry(themen="alle")], agreed=("arbeit",))
    assert found["K1", "arbeit"] == "veroeffentlicht"
    assert found["K1", "soziales"] == found["K2", "soziales"] == "nicht_vereinbart"


@pytest.mark.parametrize(
    ("small", "allowed"),
    [
        ([(True, "2010-01-01", None)], True),
        ([(False, "2010-01-01", None)], False),
        ([(True, "2010-01-01", None), (False, "2012-01-01", None)], True),
        ([(True, "2012-01-01", None), (False, "2010-01-01", None)], False),
        ([(True, "2012-01-01", None), (False, "2010-01-01", "2014-12-31")], True),
    ],
    ids=["allowed", "forbidden", "until forbidden", "stricter wins", "after the stricter"],
)
def test_a_theme_may_be_published_if_an_agreement_allows_small_areas_at_some_time(small, allowed):
    region = read_region("aachen")
    feeds = [feed.feed for feed in region.feeds if feed.thema == "gesundheit"]
    own = next(a for a in region.agreements if set(feeds) & set(a.feeds)).model_dump()
    others = tuple(a for a in region.agreements if not set(feeds) & set(a.feeds))
    terms = ("kleinraeumig", "gueltig_ab", "gueltig_bis")
    changed = [
        Agreement.model_validate({**own, "feeds": feeds, **dict(zip(terms, one, strict=True))})
        for one in small
    ]
    region = region.model_copy(update={"agreements": (*others, *changed)})
    found = {k: "gesundheit" in region.small_area_themen(k) for k in region.kommune_ids}
    assert set(found.values()) == {allowed}
    assert all("soziales" in region.small_area_themen(k) for k in region.kommune_ids)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"thema": "soziales"}, "thema"),
        ({"von": ""}, "von"),
        ({"kommunen": []}, "names no municipality"),
        ({"themen": []}, "no theme"),
        ({"am": "gestern"}, "am"),
        ({"kommunen": "einige"}, "kommunen"),
    ],
)
def test_an_entry_that_is_not_well_formed_is_refused(changes, named):
    with pytest.raises(ValueError, match=named):
        entry(**changes)


@pytest.mark.parametrize(
    ("changes", "named"),
    [({"kommunen": ["K9"]}, "no municipality.*K9"), ({"themen": ["neu"]}, "no theme.*neu")],
)
def test_an_entry_about_what_is_not_there_is_refused(changes, named):
    with pytest.raises(ValueError, match=named):
        check_freigaben([entry(**changes)], ["K1", "K2"], ["soziales"])


@pytest.mark.parametrize("region", region_names())
def test_every_region_of_the_product_releases_what_it_has(region):
    declared = read_region(region)
    kommunen = dict.fromkeys(declared.kommune_ids, True) or {"alle": True}
    agreed = {one: declared.small_area_themen(one if one != "alle" else None) for one in kommunen}
    found = states(freigabe_rows(declared.freigaben), kommunen, declared.themen, agreed)
    assert {one["stand"] for one in found} == {"veroeffentlicht"}


# --- the log of a home ------------------------------------------------------------------------


@pytest.fixture
def closed(tmp_path):
    """A county that has released nothing, with an empty home."""
    region = read_region("aachen").model_copy(update={"freigaben": ()})
    return Settings(tmp_path / "home", "aachen"), region


def release(closed, kommune: str, *themen: str, **more) -> tuple[Freigabe, ...]:
    settings, region = closed
    more = {"stichtag_bis": date(2015, 12, 31), **more}
    return record(settings, region, kommune, themen, von="Rat", am=date(2016, 5, 1), **more)


def test_a_release_is_added_to_the_log_and_read_with_the_regions_own(closed):
    settings, region = closed
    release(closed, "Monschau", "soziales", "arbeit")
    release(closed, "05334024", "alle")
    assert [line[:13] for line in settings.freigaben.read_text().splitlines()] == [
        '{"kommunen": '
    ] * 2
    first, second = all_freigaben(settings, region)
    assert (first.kommunen, first.themen) == (("05334020",), ("soziales", "arbeit"))
    assert (second.kommunen, second.themen) == (("05334024",), "alle")
    found = {
        (one["kommune_id"], one["thema"])
        for one in present_states(settings, region)
        if one["stand"] == "freigegeben"
    }
    assert found == {
        ("05334020", "soziales"),
        ("05334020", "arbeit"),
        *(("05334024", thema) for thema in region.themen),
    }


def test_what_nobody_has_seen_is_not_released_without_a_stichtag(closed):
    with pytest.raises(ValueError, match=r"expected a draft.*--stichtag-bis"):
        release(closed, "Monschau", "soziales", stichtag_bis=None)
    assert not closed[0].freigaben.exists()


def handed_over(settings: Settings, folder: str, kommune_id: str, shown: dict[str, str]) -> None:
    """A municipality has a draft that shows themes up to a Stichtag."""
    facts = {"draft_id": folder, "stichtag_bis": {kommune_id: shown}}
    path = settings.drafts / folder / "entwurf.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(facts))


def test_each_theme_is_released_as_far_as_the_draft_shows_it(closed):
    shown = {"soziales": "2015-12-31", "arbeit": "2014-12-31", "jugend": "2014-12-31"}
    handed_over(closed[0], "e1", "05334020", shown)
    handed_over(closed[0], ".wird", "05334020", {"soziales": "2099-12-31"})
    for themen in (["soziales", "arbeit", "jugend"], ["alle"]):
        entries = release(closed, "Monschau", *themen, stichtag_bis=None)
        assert {(one.themen, one.stichtag_bis) for one in entries} == {
            (("soziales",), date(2015, 12, 31)),
            (("arbeit", "jugend"), date(2014, 12, 31)),
        }
        assert {one.entwurf for one in entries} == {"e1"}
    assert len(read_log(closed[0].freigaben)) == 4


def test_a_theme_that_the_draft_shows_nothing_of_is_refused_by_name(closed):
    handed_over(closed[0], "e1", "05334020", {"soziales": "2015-12-31"})
    handed_over(closed[0], "e2", "05334024", {})
    with pytest.raises(
        ValueError, match=r"draft e1 .*\(soziales\), found arbeit\. .*--stichtag-bis"
    ):
        release(closed, "Monschau", "soziales", "arbeit", stichtag_bis=None)
    with pytest.raises(ValueError, match=r"it shows none\), found alle"):
        release(closed, "05334024", "alle", stichtag_bis=None)
    assert not closed[0].freigaben.exists()
    release(closed, "Monschau", "arbeit", stichtag_bis=date(2015, 12, 31))


def test_a_draft_that_is_not_finished_is_none(closed):
    handed_over(closed[0], ".wird", "05334020", {"soziales": "2015-12-31"})
    assert last_draft(closed[0], "05334020") is None


def test_only_values_of_areas_count_as_shown():
    rows = [
        ("sozialraum", "arbeit", date(2013, 12, 31), 1.0),
        ("sozialraum", "arbeit", date(2014, 12, 31), 1.0),
        ("sozialraum", "arbeit", date(2015, 12, 31), None),
        ("kommune", "arbeit", date(2015, 12, 31), 1.0),
        ("kommune", "pflege", date(2015, 12, 31), 1.0),
        ("sozialraum", "soziales", date(2015, 12, 31), 1.0),
    ]
    columns = zip(*rows, strict=True)
    names = ("raumebene", "thema", "stichtag", "wert")
    table = pa.table(dict(zip(names, map(list, columns), strict=True)))
    assert newest_shown(table) == {"arbeit": "2014-12-31", "soziales": "2015-12-31"}
    assert newest_shown(table.slice(0, 0)) == {}


@pytest.mark.parametrize("wrong", [("Musterstadt", "soziales"), ("Monschau", "neu")])
def test_a_release_of_what_is_not_there_is_not_recorded(closed, wrong):
    with pytest.raises(ValueError, match=r"Musterstadt|neu"):
        release(closed, *wrong)
    assert not closed[0].freigaben.exists()


def test_the_log_may_speak_of_what_the_region_has_no_more(closed):
    settings, region = closed
    release(closed, "Monschau", "soziales", "arbeit")
    release(closed, "Monschau", "soziales")
    release(closed, "05334024", "alle")
    kept = tuple(one for one in region.kommunen if one.name != "Monschau")
    merged = region.model_copy(update={"kommunen": kept})
    assert [one.kommunen for one in all_freigaben(settings, merged)] == [("05334024",)]
    feeds = tuple(feed for feed in region.feeds if feed.thema != "soziales")
    dropped = all_freigaben(settings, region.model_copy(update={"feeds": feeds}))
    assert [one.themen for one in dropped] == [("arbeit",), "alle"]
    assert len(read_log(settings.freigaben)) == 3


def test_a_damaged_log_is_named_with_its_line(closed):
    settings, _ = closed
    release(closed, "Monschau", "soziales")
    with settings.freigaben.open("a") as log:
        log.write('{"kommunen": "alle"}\n')
    with pytest.raises(ValueError, match=r"freigaben\.jsonl, line 2"):
        read_log(settings.freigaben)


def test_a_region_without_listed_municipalities_names_none():
    with pytest.raises(ValueError, match="none there"):
        find_kommune(read_region("berlin"), "01")


def test_the_verb_needs_a_theme_and_who_decided(closed, monkeypatch, capsys):
    monkeypatch.setenv("SOZIALRAUM_HOME", str(closed[0].home))
    assert main(["release", "Monschau", "--region", "aachen", "--thema", "arbeit"]) == 2
    assert "--von" in capsys.readouterr().err
    assert main(["release", "--region", "aachen"]) == 0
    assert capsys.readouterr().out.count("freigegeben") == 10 * len(closed[1].themen)


# --- the files of a draft ---------------------------------------------------------------------


def test_a_drafts_files_are_its_owners_alone(tmp_path):
    folder = tmp_path / "entwurf" / "K1"
    table = pa.table(
        {"raum_id": ["K1-1", "K1-2"], "zaehler": [12, None], "status": ["ok", "geheim"]}
    )
    facts = {"kommune_id": "K1", "name": "Stadt", "edition": "e"}
    themes = [{"thema": "arbeit", "stand": "entwurf"}, {"thema": "wahlen", "stand": "entwurf"}]
    until = {"arbeit": "2015-12-31"}
    write_municipal_draft(folder, {"indikatoren": table}, themes, facts, until)
    assert folder.stat().st_mode & 0o077 == 0
    assert {path.stat().st_mode & 0o077 for path in folder.iterdir()} == {0}
    assert pq.read_table(folder / "indikatoren.parquet").equals(table)
    assert folder.joinpath("indikatoren.csv").read_text().splitlines() == [
        '"raum_id";"zaehler";"status"',
        '"K1-1";12;"ok"',
        '"K1-2";;"geheim"',
    ]
    page = (folder / PAGE).read_text(encoding="utf-8")
    assert "Entwurf für Stadt (K1)" in page
    (work, elections) = (line.split() for line in page.splitlines() if "  entwurf" in line)
    assert work == ["arbeit", "entwurf", "2015-12-31"]
    assert elections == ["wahlen", "entwurf", "keine", "Werte"]


# --- what drafts are made from ----------------------------------------------------------------


@pytest.fixture
def published(closed):
    """An edition whose core, released counts and marts were made from each other."""
    settings, _ = closed
    write_build(settings.core_token, made_from=None)
    chain = (settings.core_token, settings.release_token, settings.mart_token)
    for before, token in pairwise(chain):
        write_build(token, made_from=read_build(before)["build"])
    edition = settings.published / "e1"
    edition.mkdir(parents=True)
    facts = {"edition_id": "e1", "mart_build": read_build(settings.mart_token)["build"]}
    (edition / "manifest.json").write_text(json.dumps(facts))
    (settings.published / "current").symlink_to("e1")
    (settings.drafts / "e1").mkdir(parents=True)
    settings.dagster_home.mkdir()
    return closed


def test_drafts_stand_beside_the_edition_that_was_made_from_the_counts_that_lie_there(published):
    settings, region = published
    assert make_drafts(settings, region) == settings.drafts / "e1"


@pytest.mark.parametrize("token", ["core_token", "release_token", "mart_token"])
@pytest.mark.parametrize("broken", ["unfinished", "made anew"])
def test_there_is_no_draft_of_counts_that_have_passed_no_gate(published, token, broken):
    settings, region = published
    path = getattr(settings, token)
    path.unlink()
    if broken == "made anew":
        write_build(path, made_from=None)
    with pytest.raises(ValueError, match=r"made from the counts that lie here.*sozialraum run"):
        make_drafts(settings, region)
