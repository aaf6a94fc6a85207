"""Notes, reconciliation and the quality handbook of the counties' editions."""

import html
import json
import shutil

import pytest

from orchestration.models import read_manifest
from publication.audit import audit_files
from publication.draft import file_facts
from publication.handbuch import HANDBOOK
from sources.region import read_region


@pytest.fixture(scope="module", params=["aachen", "rbk"])
def county(request):
    return request.getfixturevalue(request.param)


def test_special_places_of_the_county_are_noted(county):
    told = county.published("select count(*) from mart_hinweis where art = 'besonderer_ort'")
    declared = read_region(county.settings.region).lesehilfe.hinweise
    assert told == [(sum(note.art == "besonderer_ort" for note in declared),)]
    assert told[0][0] > 0


def test_no_word_of_a_partner_is_published(county):
    footnotes = {line for o in county.ledger() for line in (o.hinweise or "").splitlines()}
    declared = {
        note.id for feed in read_region(county.settings.region).feeds for note in feed.notes
    }
    texts = county.published("select string_agg(text, '\n') from mart_hinweis")[0][0]
    page = (county.settings.published / "current" / HANDBOOK).read_text("utf-8")
    for line in footnotes - declared:
        if len(line) > 12:
            assert line not in texts
            assert html.escape(line) not in page


def test_deliveries_with_many_bad_rows_are_noted_beside_their_indicators(county):
    limit = read_region(county.settings.region).lesehilfe.quarantaene_ab_prozent
    told = county.published(
        "select distinct split_part(hinweis_id, ':', 2) from mart_hinweis "
        "where hinweis_id like 'quarantaene:%'"
    )
    bad = {
        o.feed
        for o in county.ledger()
        if o.result == "accepted" and 100 * o.rows_quarantined / (o.rows_read or 1) >= limit
    }
    assert {feed for (feed,) in told} <= bad
    assert told


def test_reconciliation_is_the_difference_of_published_figures(county):
    rows = county.published("select count(*) from mart_abgleich where status = 'ok'")
    assert rows[0][0] > 20
    wrong = county.published(
        "select count(*) from mart_abgleich where (status = 'ok') <> (differenz is not null) "
        "or differenz <> eigener_wert - fremder_wert"
    )
    assert wrong == [(0,)]
    population = county.published(
        "select count(*) from mart_abgleich as abgleich "
        "join mart_bevoelkerung as eigen using (raum_id, gebietsstand, stichtag) "
        "join mart_bevoelkerung as fremd using (raum_id, gebietsstand, stichtag, altersgruppe, "
        "geschlecht, staatsangehoerigkeit) "
        "where gegenstand = 'einwohner' and abgleich.status = 'ok' "
        "and eigen.basis = 'melderegister' and fremd.basis = 'fortschreibung' "
        "and eigen.altersgruppe = 'insgesamt' and eigen.geschlecht = 'insgesamt' "
        "and eigen.staatsangehoerigkeit = 'insgesamt' "
        "and eigener_wert = eigen.anzahl and fremder_wert = fremd.anzahl"
    )
    assert population == county.published(
        "select count(*) from mart_abgleich where gegenstand = 'einwohner' and status = 'ok'"
    )


def test_printed_and_computed_rates_agree_as_printed(county):
    told = county.published(
        "select count(*), count(*) filter (innerhalb_toleranz) from mart_abgleich "
        "where gegenstand = 'mindestsicherungsquote' and status = 'ok'"
    )
    assert told[0][0] == told[0][1] > 0


def test_sums_with_a_missing_part_are_not_compared(aachen):
    wrong = aachen.published(
        "select count(*) from mart_abgleich as abgleich "
        "join mart_bevoelkerung as eigen using (raum_id, gebietsstand, stichtag) "
        "where gegenstand = 'einwohner' and abgleich.status = 'ok' "
        "and eigen.basis = 'melderegister' "
        "and eigen.altersgruppe = 'insgesamt' and eigen.geschlecht = 'insgesamt' "
        "and eigen.staatsangehoerigkeit = 'insgesamt' and eigen.abdeckung < 1"
    )
    assert wrong == [(0,)]


def test_the_handbook_holds_everything_that_was_agreed(county):
    edition = county.settings.published / "current"
    page = html.unescape((edition / HANDBOOK).read_text("utf-8"))
    region = read_region(county.settings.region)
    for partner in region.partners.values():
        assert partner.name in page
    for agreement in region.agreements:
        assert f">{agreement.id}<" in page
        assert agreement.zweck in page
    for indikator_id, version, definition in county.published(
        "select indikator_id, version, definition from dim_indikator"
    ):
        assert f'id="indikator-{indikator_id}-{version}"' in page
        assert definition in page
    for index in region.indices:
        assert f">{index.index_id}<" in page
    for gate in ("plausibility", "privacy", "publication"):
        assert f">{gate}<" in page
    for limit in region.lesehilfe.bekannte_grenzen:
        assert limit.text in page


def test_the_handbook_has_no_time_no_edition_and_no_path(county):
    edition = county.settings.published / "current"
    manifest = json.loads((edition / "manifest.json").read_text("utf-8"))
    page = (edition / HANDBOOK).read_text("utf-8")
    assert manifest["files"][HANDBOOK]["bytes"] == len(page.encode())
    for word in (manifest["edition_id"], manifest["created_at"][:16], str(county.settings.home)):
        assert word not in page


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("handbuch2.html", "<p>mehr</p>", "handbuch2.html: expected only the forms of an edition"),
        (HANDBOOK, "<script src='x'></script>", "found <script"),
        (HANDBOOK, "<p>/home/somebody/sozialraum</p>", "expected no path of a machine"),
    ],
)
def test_the_audit_refuses_more_than_the_one_handbook(rbk, tmp_path, name, text, expected):
    """Even if the manifest lists what was put there."""
    folder = tmp_path / "edition"
    shutil.copytree(rbk.settings.published / "current", folder)
    tables = read_manifest(rbk.settings).published_tables()
    assert audit_files(folder, tables) == []
    folder.chmod(0o755)
    (folder / name).unlink(missing_ok=True)
    (folder / name).write_text(text, "utf-8")
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text("utf-8"))
    path.unlink()
    path.write_text(json.dumps({**manifest, "files": file_facts(folder)}), "utf-8")
    assert any(expected in problem for problem in audit_files(folder, tables))
