"""What `sozialraum status` says of each delivery, from outcomes made by hand."""

from datetime import UTC, date, datetime

import pytest

from sources.ledger import Outcome
from sources.region import Region
from sources.status import deliveries

YEAR = date(2015, 12, 31)
DUE = date(2016, 3, 30)  # 90 days after the Stichtag


@pytest.fixture
def region(county) -> Region:
    county.declared["expected"] = {"bestand": [YEAR]}
    return county.region


def outcome(result: str, **more) -> Outcome:
    facts = {"feed": "bestand", "partner": "amt", "liefereinheit": "kreis", "stichtag": YEAR}
    return Outcome(**facts, result=result, tried_at=datetime.now(UTC), **more)


def state(region: Region, outcomes: list[Outcome], today: date) -> str:
    (delivery,) = deliveries(region, outcomes, today, [region.feed("bestand")])
    assert (delivery.liefereinheit, delivery.stichtag) == ("kreis", YEAR)
    return delivery.state


@pytest.mark.parametrize(
    ("today", "expected"),
    [
        (DUE, "erwartet"),
        (date(2016, 3, 31), "verspaetet"),
        (date(2016, 4, 29), "verspaetet"),
        (date(2016, 4, 30), "fehlt"),
    ],
)
def test_what_did_not_come_is_expected_late_or_missing(region, today, expected):
    assert state(region, [], today) == expected
    assert state(region, [outcome("not_delivered")], today) == expected


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ([outcome("accepted", rows_accepted=4, rows_quarantined=0)], "geliefert"),
        ([outcome("accepted", rows_accepted=3, rows_quarantined=1)], "teilweise"),
        ([outcome("rejected", reason="why")], "abgelehnt"),
        ([outcome("not_agreed", reason="why")], "nicht_vereinbart"),
        ([outcome("purged")], "geliefert"),
    ],
)
def test_what_came_is_told_as_the_ledger_has_it(region, outcomes, expected):
    assert state(region, outcomes, DUE) == expected


def test_a_refused_correction_leaves_what_was_accepted(region):
    outcomes = [
        outcome("accepted", rows_accepted=4, rows_quarantined=0),
        outcome("rejected", reason="why"),
    ]
    assert state(region, outcomes, DUE) == "geliefert"


def test_without_an_agreement_nothing_is_late(county):
    county.declared["expected"] = {"bestand": [YEAR]}
    county.declared["agreements"] = []
    assert state(county.region, [], date(2020, 1, 1)) == "nicht_vereinbart"


def test_a_stichtag_that_nobody_expected_is_listed_too(region):
    early = outcome("accepted", rows_accepted=4, rows_quarantined=0)
    other = Outcome(**{**early.__dict__, "stichtag": date(2014, 12, 31)})
    listed = deliveries(region, [other], DUE, [region.feed("bestand")])
    assert [(d.stichtag, d.state) for d in listed] == [
        (date(2014, 12, 31), "geliefert"),
        (YEAR, "erwartet"),
    ]
