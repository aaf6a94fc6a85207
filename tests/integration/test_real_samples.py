"""Files of the real partners, read and landed by the contracts of the counties.

Excerpts as published; expectations were read off the files.
"""

import os
import shutil
from pathlib import Path

import duckdb
import pytest

from sources.landing import Folders, land_feed
from sources.region import read_region

SAMPLES = Path(os.environ.get("SOZIALRAUM_DATA") or "no-data")
pytestmark = pytest.mark.skipif(
    not (SAMPLES / "genesis").is_dir(), reason="SOZIALRAUM_DATA has no folder genesis/"
)


@pytest.fixture
def land(tmp_path):
    """Land one real file by the contract of a feed; return its outcome and its landed rows."""
    region = read_region("aachen")

    def run(feed: str, sample: str, name: str | None = None):
        contract = region.feed(feed)
        folder = tmp_path / "inbox" / contract.location
        folder.mkdir(parents=True)
        shutil.copyfile(SAMPLES / sample, folder / (name or Path(sample).name))
        folders = Folders(tmp_path / "landing")
        outcomes = land_feed(
            contract,
            _of_today(region, feed),
            folders,
            inbox=tmp_path / "inbox",
            data=None,
            gate=lambda candidates: {},
        )
        outcome = next(o for o in outcomes if o.file)
        rows = f"read_parquet('{folders.accepted(feed)}/*.parquet')"
        return outcome, lambda query: duckdb.sql(query.format(rows=rows)).fetchall()

    return run


def _of_today(region, feed):
    """The region with an agreement that covers the samples' years too."""
    covering = [
        a.model_copy(update={"gueltig_bis": None}) if feed in a.feeds else a
        for a in region.agreements
    ]
    return region.model_copy(update={"agreements": tuple(covering)})


def test_essen_did_not_report_although_it_prints_dashes(land):
    outcome, query = land("itnrw_hze", "genesis/22517-02i.csv")
    assert outcome.result == "accepted", outcome.reason
    assert str(outcome.stichtag) == "2024-12-31"
    states = query(
        "select distinct anzahl, anzahl__zustand from {rows} where jugendamt_name like '%Essen%'"
    )
    assert states == [(None, "unreliable")]
    elsewhere = query(
        "select anzahl from {rows} where jugendamt_id = 'JH05362008' and hilfeart = 'p28' "
        "and zaehlweise = 'in_anspruch'"
    )
    assert elsewhere == [(300,)]
    assert "Essen" in (outcome.hinweise or "")


def test_the_year_stands_only_in_the_head(land):
    outcome, query = land("itnrw_mindestsicherungsquote", "genesis/22811-01i_no_time_column.csv")
    assert outcome.result == "accepted", outcome.reason
    assert str(outcome.stichtag) == "2023-12-31"
    assert query("select quote from {rows} where gebiet_id = '05113'") == [(17.8,)]
    assert query("select quote, quote__zustand from {rows} where gebiet_id = '05154040'") == [
        (None, "suppressed_or_unknown")
    ]


def test_minimum_income_is_read_as_printed(land):
    outcome, query = land("itnrw_mindestsicherung", "genesis/22811-05i.csv")
    assert outcome.result == "accepted", outcome.reason
    sgb2 = query("select distinct anzahl from {rows} where gebiet_id = '05111' and anzahl = 49723")
    assert sgb2 == [(49723,)]


@pytest.mark.parametrize("sample", ["gebref_2022_15cols.txt", "gebref_2026_21cols.txt"])
def test_both_forms_of_addresses_are_read(land, sample):
    year = sample.split("_")[1]
    outcome, _ = land("hauskoordinaten", f"addresses/{sample}", f"gebref_{year}0101.txt")
    assert outcome.rows_read in (1, 2, 3)
    assert outcome.rows_read == outcome.rows_accepted + outcome.rows_quarantined


def test_elections_are_read_before_they_are_counted(land):
    outcome, query = land("wahlen", "misc/votemanager_excerpt.csv", "WAHL_20230319.csv")
    assert outcome.rows_read == 1
    assert outcome.layout
    assert query("select wahlberechtigte from {rows}") in ([], [(None,)])
