"""Contracts and regions: what is well formed, which layout and which Stichtag hold."""

from copy import deepcopy
from datetime import date

import pytest
import yaml

from sources.contract import Feed, StichtagRule, read_feed
from sources.region import Region, read_region, region_names


def feed_of(county, name: str = "bestand", **changes) -> Feed:
    return Feed.model_validate({**county.feeds[name], **changes})


def columns_of(county, name: str = "bestand") -> list[dict]:
    return deepcopy(county.feeds[name]["columns"])


# --- what is refused ------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["feed", "column", "layout", "stichtag", "spatial", "mark"])
def test_an_unknown_key_is_refused_wherever_it_stands(bare_county, place):
    declared = bare_county.feeds["anteile"]
    part = {
        "feed": declared,
        "column": declared["columns"][0],
        "layout": declared["layouts"][0],
        "stichtag": declared["stichtag"],
        "spatial": declared["spatial"],
        "mark": declared["columns"][1]["marks"][0],
    }[place]
    part["quarantaene"] = 1
    with pytest.raises(ValueError, match="quarantaene"):
        Feed.model_validate(declared)


def test_an_unknown_key_in_a_file_is_named_with_region_and_file(bare_county, tmp_path):
    path = tmp_path / "musterkreis" / "feeds" / "bestand.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(yaml.safe_dump({**bare_county.feeds["bestand"], "frist": 3}))
    with pytest.raises(ValueError, match=r"contract musterkreis/bestand\.yaml(?s:.*)frist"):
        read_feed(path)


def test_broken_yaml_is_a_fault_of_the_named_contract(tmp_path):
    path = tmp_path / "feeds" / "bestand.yaml"
    path.parent.mkdir()
    path.write_text("feed: [bestand\n")
    with pytest.raises(ValueError, match=r"bestand\.yaml"):
        read_feed(path)


def test_a_column_that_stands_twice_is_refused(bare_county):
    columns = columns_of(bare_county)
    with pytest.raises(ValueError, match="a column name stands twice"):
        feed_of(bare_county, columns=[*columns, columns[0]])


@pytest.mark.parametrize(
    "changes",
    [
        {"key": ["raum_id", "hausnummer"]},
        {"stichtag": {"rule": "monatsende", "column": "hausnummer", "column_format": "%Y"}},
        {"spatial": {"kind": "schluessel", "ebene": "sozialraum", "gebietsstand": "heute",
                     "column": "hausnummer"}},
        {"spatial": {"kind": "koordinaten", "ebene": "sozialraum", "gebietsstand": "heute",
                     "x": "anzahl", "y": "hausnummer", "srs": 25832}},
    ],
    ids=["key", "stichtag", "spatial column", "coordinate"],
)  # fmt: skip
def test_a_column_that_does_not_exist_is_refused(bare_county, changes):
    with pytest.raises(ValueError, match=r"no such column: .*hausnummer"):
        feed_of(bare_county, **changes)


@pytest.mark.parametrize(
    "changes", [{"headers": {"hausnummer": "HNR"}}, {"pad": {"hausnummer": 3}}]
)
def test_a_layout_speaks_of_known_columns_only(bare_county, changes):
    layout = {**bare_county.feeds["bestand"]["layouts"][0], **changes}
    with pytest.raises(ValueError, match=r"no such column: .*hausnummer"):
        feed_of(bare_county, layouts=[layout])


@pytest.mark.parametrize(
    "name", ["delivery_id", "row_number", "liefereinheit", "stichtag", "reasons", "flaeche_km2"]
)
def test_a_column_may_not_take_the_name_of_a_technical_one(bare_county, name):
    columns = columns_of(bare_county)
    columns[3]["name"] = name
    with pytest.raises(ValueError, match=name):
        feed_of(bare_county, columns=columns)


@pytest.mark.parametrize(
    "rule",
    [
        {"rule": "fest"},
        {"rule": "jahresende", "column": "zeit"},
    ],
    ids=["fixed without a day", "column without its form"],
)
def test_a_stichtag_rule_is_complete(bare_county, rule):
    with pytest.raises(ValueError, match="stichtag"):
        feed_of(bare_county, stichtag=rule)


@pytest.mark.parametrize(
    ("rule", "pattern"),
    [("jahresende", r"x\.csv"), ("monatsende", r"x_(?P<jahr>\d{4})\.csv")],
    ids=["no year", "no month"],
)
def test_a_name_pattern_gives_what_the_stichtag_rule_needs(bare_county, rule, pattern):
    with pytest.raises(ValueError, match="name_pattern"):
        feed_of(bare_county, stichtag={"rule": rule}, name_pattern=pattern)


def test_a_feed_without_layouts_is_refused(bare_county):
    with pytest.raises(ValueError, match="at least one layout"):
        feed_of(bare_county, layouts=[])


def test_an_unknown_partner_is_refused(bare_county):
    bare_county.feeds["bestand"]["partner"] = "niemand"
    with pytest.raises(ValueError, match="feed bestand: region has no partner 'niemand'"):
        _ = bare_county.region


@pytest.mark.parametrize("statistikstelle", [False, True])
def test_person_level_rows_land_only_where_there_is_a_statistikstelle(bare_county, statistikstelle):
    bare_county.feeds["bestand"]["ebene"] = "einzeldaten"
    bare_county.declared["statistikstelle"] = statistikstelle
    if statistikstelle:
        assert bare_county.region.feed("bestand").ebene == "einzeldaten"
    else:
        with pytest.raises(ValueError, match="abgeschottete Statistikstelle"):
            _ = bare_county.region


@pytest.mark.parametrize(
    "changes",
    [
        {"expected": {"hausnummern": ["2015-12-31"]}},
        {"repairs": [{"id": "r", "feed": "hausnummern", "reason": "r", "where": {}, "set": {}}]},
    ],
    ids=["expected", "repairs"],
)
def test_a_region_speaks_of_known_feeds_only(bare_county, changes):
    bare_county.declared.update(changes)
    with pytest.raises(ValueError, match=r"no such feed: \['hausnummern'\]"):
        _ = bare_county.region


def test_a_condition_on_an_unknown_feed_is_refused(bare_county):
    del bare_county.feeds["klassen"]
    with pytest.raises(ValueError, match=r"no such feed: \['klassen'\]"):
        _ = bare_county.region


@pytest.mark.parametrize("part", ["where", "set"])
def test_a_repair_of_an_unknown_column_is_refused(bare_county, part):
    repair = {"id": "r", "feed": "raeume", "reason": "r", "where": {}, "set": {}}
    bare_county.declared["repairs"] = [{**repair, part: {"hausnummer": "1"}}]
    with pytest.raises(ValueError, match="hausnummer"):
        _ = bare_county.region


def test_a_condition_on_an_unknown_column_is_refused(bare_county):
    for mark in bare_county.feeds["anteile"]["columns"][1]["marks"]:
        mark["when"]["column"] = "hausnummer"
    with pytest.raises(ValueError, match="hausnummer"):
        _ = bare_county.region


def test_an_unknown_region_says_which_are_known(tmp_path):
    with pytest.raises(ValueError, match=r"region 'atlantis' is unknown; known are .*berlin"):
        read_region("atlantis")


# --- layouts --------------------------------------------------------------------------------


def test_layouts_are_chosen_by_period_both_ends_included(bare_county):
    layout = bare_county.feeds["bestand"]["layouts"][0]
    old = {**layout, "id": "old", "valid_from": "2001-01-01", "valid_to": "2009-12-31"}
    new = {**layout, "id": "new", "valid_from": "2009-12-31", "valid_to": "2015-12-31"}
    feed = feed_of(bare_county, layouts=[old, new])

    def at(*day: int) -> list[str]:
        return [chosen.id for chosen in feed.layouts_at(date(*day))]

    assert at(2000, 12, 31) == []
    assert at(2001, 1, 1) == ["old"]
    assert at(2009, 12, 31) == ["old", "new"]
    assert at(2015, 12, 31) == ["new"]
    assert at(2016, 1, 1) == []


# --- Stichtag -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "year", "month", "expected"),
    [
        ("monatsende", 2016, 2, date(2016, 2, 29)),
        ("monatsende", 2015, 2, date(2015, 2, 28)),
        ("monatsende", 2015, 12, date(2015, 12, 31)),
        ("monatsanfang", 2025, 10, date(2025, 10, 1)),
        ("jahresende", 2015, None, date(2015, 12, 31)),
        ("vorjahresende", 2015, None, date(2014, 12, 31)),
    ],
)
def test_the_stichtag_follows_from_year_and_month(rule, year, month, expected):
    assert StichtagRule(rule=rule).of(year, month) == expected


def test_a_fixed_stichtag_needs_no_year():
    rule = StichtagRule(rule="fest", fixed=date(2020, 12, 31))
    assert rule.of(None, None) == date(2020, 12, 31)


@pytest.mark.parametrize(
    "name",
    [
        "bestand_201513.csv",
        "bestand_201500.csv",
        "bestand_000012.csv",
        "bestand_2015.csv",
        "bestand_201512.csv.part",
        "Bestand_201512.csv",
    ],
)
def test_a_name_that_does_not_fit_has_no_stichtag(bare_county, name):
    assert feed_of(bare_county).stichtag_of(name) is None


def test_the_year_before_the_first_has_no_stichtag(bare_county):
    rule = {"rule": "vorjahresende"}
    assert feed_of(bare_county, "anteile", stichtag=rule).stichtag_of("anteile_0001.csv") is None


def test_an_embargo_counts_days_from_the_stichtag(bare_county):
    feed = feed_of(bare_county, embargo_days=60)
    assert feed.publishable_from(date(2015, 12, 31)) == date(2016, 2, 29)


@pytest.mark.parametrize(
    ("zeitraum", "stichtag", "period"),
    [
        ("stichtag", date(2015, 12, 31), (date(2015, 12, 31), date(2015, 12, 31))),
        ("monat", date(2016, 2, 15), (date(2016, 2, 1), date(2016, 2, 29))),
        ("jahr", date(2015, 12, 31), (date(2015, 1, 1), date(2015, 12, 31))),
        ("schuljahr", date(2015, 10, 15), (date(2015, 8, 1), date(2016, 7, 31))),
        ("schuljahr", date(2015, 6, 30), (date(2014, 8, 1), date(2015, 7, 31))),
    ],
)
def test_a_delivery_tells_about_a_period(bare_county, zeitraum, stichtag, period):
    assert feed_of(bare_county, zeitraum=zeitraum).period_of(stichtag) == period


def test_columns_with_marks_or_notes_have_a_state(bare_county):
    note = {"id": "n", "stichtage": [], "columns": ["anzahl"], "state": "unreliable",
            "reason": "r", "source": "s"}  # fmt: skip
    feed = feed_of(bare_county, notes=[note])
    assert [c.name for c in feed.columns if feed.has_state(c)] == ["anzahl"]
    marked = feed_of(bare_county, "anteile")
    assert [c.name for c in marked.columns if marked.has_state(c)] == ["anteil"]


# --- versions -------------------------------------------------------------------------------


def test_the_version_changes_with_any_part_of_the_contract(bare_county):
    first = feed_of(bare_county)
    columns = columns_of(bare_county)
    columns[-1]["description"] = "another"
    assert first.version == feed_of(bare_county).version
    assert first.version != feed_of(bare_county, columns=columns).version


# --- the product's regions ------------------------------------------------------------------


def test_every_region_of_the_product_reads_well():
    assert "berlin" in region_names()
    for name in region_names():
        region = read_region(name)
        assert isinstance(region, Region)
        assert region.region == name
        assert {"sozialraum", "kommune", "kreis"} <= {level.ebene for level in region.levels}
        assert region.feeds


def test_every_feed_of_the_product_is_read_after_what_it_is_checked_against():
    for name in region_names():
        region = read_region(name)
        for feed in region.feeds:
            names = {other.feed for other in region.references_of(feed)}
            assert feed.feed not in names
            assert feed.condition_feeds <= names


def test_berlins_mss_has_the_stichtag_of_the_year_before(berlin_region):
    feed = berlin_region.feed("mss_anteile")
    name = "berlin-monitoring-social-urban-development-2015-00-2-1-planning-areas.csv"
    assert feed.stichtag_of(name) == date(2014, 12, 31)
