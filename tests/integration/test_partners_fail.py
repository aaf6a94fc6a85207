"""One partner fails: its areas have no figures, all others do.

A small county, run once: one Jugendamt did not send its last list, and one municipality has no
agreement with the Bundesagentur.
"""

import duckdb
import pytest

from orchestration.cli import prepare
from orchestration.progress import status_matrix
from orchestration.settings import Settings
from sources.region import read_region
from tests.integration.conftest import Warehouse

MISSING, MISSING_KOMMUNE, MISSING_DAY = "ja_alsdorf", "05334004", "2016-03-01"
UNAGREED, UNAGREED_KOMMUNE = "ba_05334016", "05334016"


@pytest.fixture(scope="module")
def county(tmp_path_factory) -> Warehouse:
    """The county after both failures."""
    settings = Settings(tmp_path_factory.mktemp("fails") / "home", "aachen", scale=0.05)
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
    warehouse = Warehouse(settings, declared.model_copy(update={"agreements": agreed}))
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
