"""What municipalities have released: entries, the log of a home, and how far each theme is."""

from datetime import date

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestration.cli import main
from orchestration.freigaben import all_freigaben, find_kommune, present_states, record
from orchestration.settings import Settings
from publication.municipal import PAGE, write_municipal_draft
from sources.freigaben import Freigabe, check_freigaben, freigabe_rows, read_log, states
from sources.region import read_region, region_names

ENTRY = {"kommunen": ["K1"], "themen": ["soziales"], "am": "2016-05-01", "von": "Rat der Stadt"}
BOTH = {"K1": True, "K2": True}


def entry(**changes) -> Freigabe:
    return Freigabe.model_validate({**ENTRY, **changes})


def standing(rows: list[Freigabe], kommunen=BOTH, published=None) -> dict[tuple[str, str], str]:
    found = states(freigabe_rows(rows), kommunen, ("arbeit", "soziales"), published)
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
    found = states(freigabe_rows(declared.freigaben), kommunen, declared.themen)
    assert {one["stand"] for one in found} == {"veroeffentlicht"}


# --- the log of a home ------------------------------------------------------------------------


@pytest.fixture
def closed(tmp_path):
    """A county that has released nothing, with an empty home."""
    region = read_region("aachen").model_copy(update={"freigaben": ()})
    return Settings(tmp_path / "home", "aachen"), region


def release(closed, kommune: str, *themen: str, **more) -> Freigabe:
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


@pytest.mark.parametrize("wrong", [("Musterstadt", "soziales"), ("Monschau", "neu")])
def test_a_release_of_what_is_not_there_is_not_recorded(closed, wrong):
    with pytest.raises(ValueError, match=r"Musterstadt|neu"):
        release(closed, *wrong)
    assert not closed[0].freigaben.exists()


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
    facts = {"kommune_id": "K1", "name": "Stadt", "edition": "e", "stichtag_bis": "2015-12-31"}
    open_theme = {"thema": "arbeit", "stand": "entwurf"}
    write_municipal_draft(folder, {"indikatoren": table}, [open_theme], facts)
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
    assert "arbeit          entwurf" in page
