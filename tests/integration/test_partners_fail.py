"""One partner fails, one municipality waits: its areas have no figures, all others do.

A small county, run once: one Jugendamt did not send its last list, one municipality has no
agreement with the Bundesagentur, one has not released two themes, and of one feed the agreement
allows no small areas.
"""

import json
import shutil
from datetime import date

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from disclosure import star
from expectations.checks import withstands_attack
from orchestration.cli import prepare
from orchestration.drafts import make_drafts
from orchestration.freigaben import record
from orchestration.progress import status_matrix
from orchestration.settings import Settings
from sources.freigaben import Freigabe
from sources.region import Region, read_region
from tests.integration.conftest import Warehouse

MISSING, MISSING_KOMMUNE, MISSING_DAY = "ja_alsdorf", "05334004", "2016-03-01"
UNAGREED, UNAGREED_KOMMUNE = "ba_05334016", "05334016"
NO_SMALL_AREAS, NO_SMALL_THEME = "schwerbehinderte", "behinderung"
UNRELEASED_KOMMUNE, UNRELEASED = "05334012", ("bevoelkerung", "soziales")


def all_but_two_themes(region: Region) -> tuple[Freigabe, ...]:
    """Everybody has released everything, but one municipality two themes."""
    others = tuple(one for one in region.kommune_ids if one != UNRELEASED_KOMMUNE)
    rest = tuple(thema for thema in region.themen if thema not in UNRELEASED)
    decided = {"am": date(2016, 5, 1), "von": "Probe"}
    return (
        Freigabe(kommunen=others, themen="alle", **decided),
        Freigabe(kommunen=(UNRELEASED_KOMMUNE,), themen=rest, **decided),
    )


@pytest.fixture(scope="module")
def county(tmp_path_factory) -> Warehouse:
    """The county after both failures."""
    settings = Settings(
        tmp_path_factory.mktemp("fails") / "home", "aachen", scale=0.05, steckbriefe="kreis"
    )
    prepare(settings)
    declared = read_region(settings.region)
    kita = declared.feed("jugendamt_kita")
    (sent,) = (
        path
        for path in (settings.inbox / "jugendamt_kita").glob(
            f"*_{MISSING_DAY.replace('-', '')}.csv"
        )
        if declared.liefereinheit_of(kita, path.name) == MISSING
    )
    sent.unlink()
    agreed = tuple(a for a in declared.agreements if UNAGREED not in a.liefereinheiten)
    assert len(agreed) == len(declared.agreements) - 1
    agreed = tuple(
        a.model_copy(update={"kleinraeumig": False}) if NO_SMALL_AREAS in a.feeds else a
        for a in agreed
    )
    changed = {"agreements": agreed, "freigaben": all_but_two_themes(declared)}
    warehouse = Warehouse(settings, declared.model_copy(update=changed))
    assert warehouse.run().success
    return warehouse


def kommunen_by_status(county: Warehouse, condition: str) -> dict[str, set[str]]:
    """Which municipalities' Sozialräume have which status in the sealed counts of cases."""
    rows = county.sealed(
        "select status, left(raum_id, 8), count(*) from core.fct_fallzahl "
        f"where length(raum_id) = 12 and {condition} group by all"
    )
    found: dict[str, set[str]] = {}
    for status, kommune, _ in rows:
        found.setdefault(status, set()).add(kommune)
    return found


def others(county: Warehouse, kommune: str) -> set[str]:
    return {k.kommune_id for k in county.region.kommunen} - {kommune}


@pytest.mark.parametrize("merkmal", ["kita_kinder_u3", "kita_kinder_ue3", "kita_plaetze"])
def test_areas_of_the_jugendamt_that_sent_nothing_are_not_delivered(county, merkmal):
    where = f"merkmal = '{merkmal}' and stichtag = date '{MISSING_DAY}'"
    assert kommunen_by_status(county, where) == {
        "nicht_geliefert": {MISSING_KOMMUNE},
        "ok": others(county, MISSING_KOMMUNE),
    }


def test_earlier_lists_of_that_jugendamt_stay(county):
    where = f"merkmal = 'kita_kinder_u3' and stichtag < date '{MISSING_DAY}'"
    everybody = {kommune.kommune_id for kommune in county.region.kommunen}
    assert kommunen_by_status(county, where) == {"ok": everybody}


def test_areas_without_an_agreement_are_not_delivered(county):
    found = kommunen_by_status(county, "merkmal = 'arbeitslose'")
    assert found.pop("nicht_geliefert") == {UNAGREED_KOMMUNE}
    # What others print as `*` was delivered, and is withheld.
    assert found.keys() == {"ok", "geheim"}
    assert set().union(*found.values()) == others(county, UNAGREED_KOMMUNE)


@pytest.mark.parametrize(
    ("indikator", "kommune", "stichtag"),
    [
        ("betreuungsquote_u3", MISSING_KOMMUNE, MISSING_DAY),
        ("arbeitslosenanteil", UNAGREED_KOMMUNE, "2015-12-31"),
    ],
)
def test_the_edition_says_so_for_these_areas_only(county, indikator, kommune, stichtag):
    missing = county.published(
        "select distinct left(raum_id, 8), wert from mart_indikator "
        f"where indikator_id = '{indikator}' and stichtag = date '{stichtag}' "
        "and raumebene = 'sozialraum' and status = 'nicht_geliefert'"
    )
    assert missing == [(kommune, None)]


def test_nothing_of_the_unagreed_municipality_was_taken(county):
    own = [o for o in county.ledger() if o.liefereinheit == UNAGREED]
    assert {(o.result, o.delivery_id) for o in own} == {("not_agreed", None)}
    # The workbooks name their month inside, where nobody has looked.
    assert [o.stichtag for o in own if o.file] == [None] * 3
    accepted = county.settings.landing / "accepted" / "ba_kommunal" / "*.parquet"
    units = duckdb.sql(f"select distinct liefereinheit from '{accepted}'").fetchall()
    agreed = {*county.region.feed("ba_kommunal").liefereinheiten} - {UNAGREED}
    assert {unit for (unit,) in units} == agreed


def test_the_status_tells_what_is_missing_and_what_is_not_agreed(county):
    kita = status_matrix(county.settings, county.region, "jugendamt_kita").splitlines()
    (line,) = (line for line in kita if " fehlt" in line)
    assert line.split()[:2] == [MISSING_DAY, MISSING]
    ba = status_matrix(county.settings, county.region, "ba_kommunal").splitlines()
    unagreed = [line.split()[:2] for line in ba if " nicht_vereinbart" in line]
    assert unagreed == [[f"{year}-12-31", UNAGREED] for year in (2013, 2014, 2015)]


# --- what a municipality has not released -------------------------------------------------------

OWN = f"raum_id like '{UNRELEASED_KOMMUNE}-%' and raum_id not like '%-ohne'"
ALL = (
    "stichtag = date '2015-12-31' and basis = 'melderegister' and altersgruppe = 'insgesamt' "
    "and geschlecht = 'insgesamt' and staatsangehoerigkeit = 'insgesamt'"
)
SOCIAL = "merkmal = 'grundsicherung_alter' and stichtag = date '2015-12-31'"


def test_what_is_not_released_stays_counted_where_it_is(county):
    where = f"length(raum_id) = 12 and {SOCIAL}"
    rows = county.sealed(
        f"select left(raum_id, 8) as kommune, status, count(anzahl) = count(*) "
        f"from core.fct_fallzahl where {where} group by all"
    )
    assert {(kommune, known) for kommune, status, known in rows if status != "ok"} == {
        (UNRELEASED_KOMMUNE, True)
    }
    assert {status for _, status, _ in rows} == {"ok", "nicht_freigegeben"}


def test_nothing_of_it_is_printed_but_the_municipalitys_total(county):
    for mart, value in (("mart_bevoelkerung", "anzahl"), ("mart_indikator", "zaehler")):
        themes = "" if value == "anzahl" else "and indikator_id = 'altersarmut' "
        rows = county.published(
            f"select distinct status, {value} from {mart} "
            f"where {OWN} and raumebene = 'sozialraum' and stichtag = '2015-12-31' {themes}"
            + ("and basis = 'melderegister'" if value == "anzahl" else "")
        )
        assert rows == [("nicht_freigegeben", None)], mart
    ((total, status),) = county.published(
        "select anzahl, status from mart_bevoelkerung "
        f"where raum_id = '{UNRELEASED_KOMMUNE}' and {ALL}"
    )
    ((counted,),) = county.sealed(
        "select sum(anzahl) from core.fct_bevoelkerung "
        f"where raum_id like '{UNRELEASED_KOMMUNE}-%' and {ALL}"
    )
    assert (total, status) == (counted, "ok")


def test_the_manifest_says_who_has_released_what(county):
    manifest = json.loads((county.settings.published / "current" / "manifest.json").read_text())
    waiting = {
        (one["kommune_id"], one["thema"])
        for one in manifest["freigaben"]
        if one["stand"] == "entwurf"
    }
    assert waiting == {(UNRELEASED_KOMMUNE, thema) for thema in UNRELEASED}
    forbidden = {
        one["thema"] for one in manifest["freigaben"] if one["stand"] == "nicht_vereinbart"
    }
    assert forbidden == {NO_SMALL_THEME}
    assert len(manifest["freigaben"]) == len(county.region.kommunen) * len(county.region.themen)


def test_the_municipality_sees_its_own_areas_first_and_releases_them(county):
    settings, region = county.settings, county.region
    folder = make_drafts(settings, region)
    assert {path.name for path in folder.iterdir() if path.is_dir()} == set(region.kommune_ids)
    draft = pq.read_table(folder / UNRELEASED_KOMMUNE / "indikatoren.parquet").to_pylist()
    assert {row["raum_id"][:8] for row in draft} == {UNRELEASED_KOMMUNE}
    # What the agreement forbids no municipality could release.
    closed = {row["thema"] for row in draft if row["status"] == "nicht_freigegeben"}
    assert closed == {NO_SMALL_THEME}
    people = pq.read_table(folder / UNRELEASED_KOMMUNE / "bevoelkerung.parquet").to_pylist()
    sealed = dict(
        county.sealed(f"select raum_id, anzahl from core.fct_bevoelkerung where {OWN} and {ALL}")
    )
    shown = {
        row["raum_id"]: row["anzahl"]
        for row in people
        if row["raum_id"] in sealed
        and row["stichtag"] == date(2015, 12, 31)
        and row["basis"] == "melderegister"
        and row["altersgruppe"] == row["geschlecht"] == row["staatsangehoerigkeit"] == "insgesamt"
        and row["anzahl"] is not None
    }
    assert shown
    assert shown.items() <= sealed.items()
    county_values = {(row["stichtag"], row["kreis_wert"]) for row in draft if row["kreis_wert"]}
    assert county_values <= set(
        county.published("select stichtag, wert from mart_indikator where raumebene = 'kreis'")
    )
    entries = record(
        settings, region, "Eschweiler", UNRELEASED, von="Rat der Stadt", am=date(2016, 6, 1)
    )
    assert {entry.entwurf for entry in entries} == {county.current()}
    until = {thema: entry.stichtag_bis for entry in entries for thema in entry.themen}
    assert until == {
        thema: max(
            row["stichtag"]
            for row in draft
            if row["thema"] == thema
            and row["raumebene"] == "sozialraum"
            and row["wert"] is not None
        )
        for thema in UNRELEASED
    }


def test_a_draft_with_a_number_that_its_patterns_withhold_is_handed_to_nobody(county, monkeypatch):
    """The planted fault, in a draft that has to be made again: one withheld count is told."""
    settings, region = county.settings, county.region
    shutil.rmtree(make_drafts(settings, region))
    honest = star.published_counts

    def telling(*arguments):
        counts = honest(*arguments)
        rows = counts["fallzahl"].to_pylist()
        hidden = next(row for row in rows if row["status"] == "geheim")
        hidden |= {"status": "ok", "anzahl": 777}
        return {**counts, "fallzahl": pa.Table.from_pylist(rows, schema=counts["fallzahl"].schema)}

    monkeypatch.setattr(star, "published_counts", telling)
    # The patterns stand, and were attacked when they were made.
    monkeypatch.setattr(withstands_attack, "audit_releases", lambda *_: ())
    with pytest.raises(ValueError, match=r"draft: .*patterns publish") as error:
        make_drafts(settings, region)
    assert "printed_as_its_pattern_says" in str(error.value) and "777" not in str(error.value)
    assert not list(settings.drafts.iterdir())
