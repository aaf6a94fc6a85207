"""`sozialraum explain` on a county: why a figure is there, and why not."""

import re

import pytest

from orchestration.cli import main
from orchestration.explain import WARNING, explain
from sources.region import read_region


def ask(aachen, *wanted, **options) -> str:
    return explain(aachen.settings, read_region("aachen"), *map(str, wanted), **options)


def cell(aachen, condition: str) -> tuple:
    """Some cell of the edition that fulfils a condition, always the same one."""
    return aachen.published(
        "select raum_id, indikator_id, stichtag, zaehler, nenner from mart_indikator "
        f"where {condition} order by all limit 1"
    )[0]


def test_a_published_figure_is_told_with_its_deliveries(aachen):
    raum, indikator, stichtag, zaehler, nenner = cell(
        aachen, "indikator_id = 'kinderarmut' and raumebene = 'sozialraum' and status = 'ok'"
    )
    text = ask(aachen, raum, indikator, stichtag)
    assert f"counts      {zaehler} / {nenner}" in text
    assert "status      ok" in text
    for feed in ("ba_einzeldaten", "ewo_bestand"):
        (outcome,) = [
            o
            for o in aachen.ledger()
            if (o.feed, o.stichtag, o.result) == (feed, stichtag, "accepted")
            and (o.liefereinheit in ("kreis", "stadt_aachen") or raum[:8] != "05334002")
            and f", {o.liefereinheit}, " in text
        ]
        assert outcome.file in text
        assert outcome.sha256[:12] in text
        assert f"agreement {outcome.agreement}" in text
        assert f"{outcome.rows_quarantined} in quarantine" in text
    assert aachen.current() in text


def test_a_withheld_count_is_told_by_its_rule_and_not_printed(aachen):
    raum, indikator, stichtag, *_ = cell(
        aachen, "indikator_id = 'kinderarmut' and raumebene = 'sozialraum' and status = 'geheim'"
    )
    open_text = ask(aachen, raum, indikator, stichtag)
    assert "status      geheim" in open_text
    assert "withheld here: theme arbeit keeps counts from 1 to 9 back" in open_text
    assert "counts      - / -" in open_text
    assert WARNING not in open_text
    sealed_text = ask(aachen, raum, indikator, stichtag, sealed=True)
    assert sealed_text.startswith(open_text)
    added = sealed_text.removeprefix(open_text)
    assert WARNING in added
    (counts,) = aachen.sealed(
        "select anzahl from core.fct_fallzahl where merkmal = 'sgb2_kinder_u15' "
        f"and raum_id = '{raum}' and stichtag = '{stichtag}'"
    )
    assert re.search(rf"all deliveries: {counts[0]} / \d+", added)


def test_a_sum_says_which_parts_are_left_out(aachen):
    raum, indikator, stichtag, *_ = cell(
        aachen, "raumebene = 'kommune' and status = 'ok' and abdeckung < 1"
    )
    assert re.search(
        r"parts, of which are left out: \d+ geheim", ask(aachen, raum, indikator, stichtag)
    )


def test_what_is_not_delivered_is_named(aachen):
    """A source that tells whole Kommunen, and an indicator that nobody delivers."""
    text = ask(aachen, "05334016-006", "pflegequote", "2015-12-31")
    assert "status      nicht_geliefert" in text
    assert "the source tells whole Kommunen only" in text
    without = aachen.published(
        "select indikator_id from dim_indikator where indikator_id not in "
        "(select indikator_id from mart_indikator) order by 1 limit 1"
    )
    for (indikator,) in without:
        text = ask(aachen, "05334016", indikator, "2015-12-31")
        assert "no partner of region aachen delivers it" in text


def test_a_missing_delivery_is_named_with_the_day_it_was_due(aachen):
    """The calendar asks for one more Stichtag than has come."""
    from datetime import date

    region = read_region("aachen")
    later = {**region.expected, "itnrw_pflege": (date(2017, 12, 31),)}
    region = region.model_copy(update={"expected": later})
    text = explain(aachen.settings, region, "05334016", "pflegequote", "2017-12-31")
    assert re.search(r"itnrw_pflege, kreis, 2017-12-31: fehlt, due 20\d\d-\d\d-\d\d", text)


@pytest.mark.parametrize(
    ("wanted", "error"),
    [
        (("05334016-06", "einwohner", "2015-12-31"), "no area .*nearest known are 05334016-006"),
        (("05334016", "kinderarmt", "2015-12-31"), "no indicator .*kinderarmut"),
        (("05334016", "pflegequote", "2014-12-31"), "no Stichtag .*2013-12-31, 2015-12-31"),
        (("05334016", "einwohner", "31.12.2015"), "expected a day such as 2015-12-31"),
    ],
)
def test_the_unknown_is_answered_with_the_nearest_known(aachen, wanted, error):
    with pytest.raises(ValueError, match=error):
        ask(aachen, *wanted)


def test_an_area_may_be_called_by_its_name(aachen, capsys, monkeypatch):
    monkeypatch.setenv("SOZIALRAUM_HOME", str(aachen.settings.home))
    monkeypatch.setenv("REGION", "aachen")
    assert main(["explain", "Herzogenrath", "einwohner", "2015-12-31"]) == 0
    assert capsys.readouterr().out.startswith("area        05334016  Herzogenrath")
    assert main(["explain", "Herzogenrad", "einwohner", "2015-12-31"]) == 2
    assert "Herzogenrath (05334016)" in capsys.readouterr().err
