"""Where points lie, and the geometry of all levels in one file."""

import pyarrow.parquet as pq
import shapely

from sources.placement import place_points, unite_areas

WEST, SOUTH, SIDE = 300_000, 5_600_000, 1_000


def united(county, tmp_path):
    """Write the areas of all levels; return the file and its rows by key."""
    path = tmp_path / "areas" / "areas.parquet"
    count = unite_areas(county.region, county.folders, path)
    rows = pq.read_table(path).to_pylist()
    assert len(rows) == count
    return path, {
        row["raum_id"]: (row["gebietsstand"], row["raumebene"], shapely.from_wkb(row["geometry"]))
        for row in rows
    }


def land_points(county, *points: tuple[str, float, float], year: int = 2015) -> None:
    lines = [f"{name};{WEST + x * SIDE};{SOUTH + y * SIDE}" for name, x, y in points]
    content = "\n".join(["ORT_ID;OST;NORD", *lines]) + "\n"
    assert county.deliver_and_land("orte", f"orte_{year}.csv", content).result == "accepted"


def place(county, tmp_path) -> tuple[tuple[int, int], list[tuple]]:
    """Place the points; return the counts, and (name of the point, area) as written."""
    areas, _ = united(county, tmp_path)
    target = tmp_path / "placement" / "orte.parquet"
    feed = county.region.feed("orte")
    counts = place_points(feed, county.region, county.folders, areas, target)
    written = pq.read_table(target).to_pylist()
    areas_of = {(row["delivery_id"], row["row_number"]): row["raum_id"] for row in written}
    assert len(areas_of) == len(written) == sum(counts)
    points = sorted(county.accepted("orte"), key=lambda point: point["ort_id"])
    return counts, [
        (point["ort_id"], areas_of[point["delivery_id"], point["row_number"]]) for point in points
    ]


def test_all_levels_are_united_and_the_county_is_the_union_of_its_kommunen(county, tmp_path):
    _, areas = united(county, tmp_path)
    assert {key: level for key, (_, level, _) in areas.items()} == {
        "0101": "sozialraum",
        "0102": "sozialraum",
        "0201": "sozialraum",
        "0202": "sozialraum",
        "01": "kommune",
        "02": "kommune",
        "99": "kreis",
    }
    assert {stand for stand, _, _ in areas.values()} == {"heute"}
    whole = shapely.box(WEST, SOUTH, WEST + 4 * SIDE, SOUTH + SIDE)
    assert shapely.equals(areas["99"][2], whole)
    second = shapely.box(WEST + SIDE, SOUTH, WEST + 2 * SIDE, SOUTH + SIDE)
    assert shapely.equals(areas["0102"][2], second)


def test_a_point_belongs_to_the_area_it_lies_in(county, tmp_path):
    land_points(county, ("a", 0.5, 0.5), ("b", 1.001, 0.999), ("c", 3.9, 0.1))
    counts, placed = place(county, tmp_path)
    assert counts == (3, 0)
    assert placed == [("a", "0101"), ("b", "0102"), ("c", "0202")]


def test_a_point_on_a_border_belongs_to_the_area_with_the_lowest_key(county, tmp_path):
    land_points(county, ("a", 1, 0.5), ("b", 2, 0), ("c", 3, 1), ("d", 0, 0.5))
    counts, placed = place(county, tmp_path)
    assert counts == (4, 0)
    assert placed == [("a", "0101"), ("b", "0102"), ("c", "0201"), ("d", "0101")]


def test_a_point_outside_all_areas_has_none_and_is_kept(county, tmp_path):
    land_points(county, ("a", -0.001, 0.5), ("b", 2.5, 0.5), ("c", 2, 1.5))
    counts, placed = place(county, tmp_path)
    assert counts == (1, 2)
    assert placed == [("a", None), ("b", "0201"), ("c", None)]


def test_several_deliveries_are_placed_row_by_row(county, tmp_path):
    land_points(county, ("a", 0.5, 0.5), ("b", 9, 9), year=2014)
    land_points(county, ("c", 2.5, 0.5), ("d", 3.5, 0.5), year=2015)
    counts, placed = place(county, tmp_path)
    assert counts == (3, 1)
    assert placed == [("a", "0101"), ("b", None), ("c", "0201"), ("d", "0202")]


def test_points_in_degrees_are_brought_to_the_areas_system(county, tmp_path):
    """The middle of 0102 in EPSG:4326, by an own computation with the same library."""
    import geopandas as gpd

    middle = shapely.Point(WEST + 1.5 * SIDE, SOUTH + 0.5 * SIDE)
    (point,) = gpd.GeoSeries([middle], crs=25832).to_crs(4326)
    assert (round(point.x), round(point.y)) == (6, 51)  # longitude first
    county.feeds["orte"]["spatial"]["srs"] = 4326
    content = f"ORT_ID;OST;NORD\na;{point.x};{point.y}\n"
    county.deliver_and_land("orte", "orte_2015.csv", content)
    assert place(county, tmp_path)[1] == [("a", "0102")]


def test_a_feed_without_deliveries_is_placed_without_rows(county, tmp_path):
    county.land("orte")
    assert place(county, tmp_path) == ((0, 0), [])


def test_areas_that_have_not_come_leave_an_empty_file(bare_county, tmp_path):
    """One partner never stops the others: what is missing is told where it was expected."""
    for feed in ("raeume", "kommunen"):
        bare_county.land(feed)
    _, areas = united(bare_county, tmp_path)
    assert areas == {}


def test_points_without_areas_lie_nowhere(bare_county, tmp_path):
    for feed in ("raeume", "kommunen"):
        bare_county.land(feed)
    land_points(bare_county, ("a", 0.5, 0.5))
    assert place(bare_county, tmp_path) == ((0, 1), [("a", None)])


def test_an_area_has_the_gebietsstand_of_its_delivery_and_the_newest_counts(bare_county, tmp_path):
    """Without a declared Gebietsstand that of the Stichtag counts; 0101 grew within one."""
    bare_county.declared["gebietsstaende"] = [
        {"gebietsstand": "alt", "gueltig_ab": None, "gueltig_bis": "2014-12-31"},
        {"gebietsstand": "neu", "gueltig_ab": "2015-01-01", "gueltig_bis": None},
    ]
    for feed in ("raeume", "kommunen"):
        declared = bare_county.feeds[feed]
        declared["spatial"] = {"kind": "flaeche", "ebene": declared["spatial"]["ebene"]}
        declared |= {
            "name_pattern": rf"{feed}_(?P<jahr>\d{{4}})\.geojson",
            "stichtag": {"rule": "jahresende"},
        }
    ends = {2011: 1, 2013: 1.5, 2015: 2}
    for year, end in ends.items():
        shapes = bare_county.geojson({"0101": bare_county.square(0, end)})
        outcome = bare_county.deliver_and_land("raeume", f"raeume_{year}.geojson", shapes)
        assert outcome.result == "accepted"
    shapes = bare_county.geojson({"01": bare_county.square(0, 2)})
    for year, end in {2013: "", 2015: "\n"}.items():  # the same bytes would be the same delivery
        name = f"kommunen_{year}.geojson"
        outcome = bare_county.deliver_and_land("kommunen", name, shapes + end)
        assert outcome.result == "accepted"
    path = tmp_path / "areas.parquet"
    unite_areas(bare_county.region, bare_county.folders, path)
    found = {
        (row["raum_id"], row["gebietsstand"]): shapely.from_wkb(row["geometry"]).area / SIDE**2
        for row in pq.read_table(path).to_pylist()
    }
    assert found == {
        ("0101", "alt"): 1.5,
        ("0101", "neu"): 2,
        ("01", "alt"): 2,
        ("01", "neu"): 2,
        ("99", "alt"): 2,
        ("99", "neu"): 2,
    }


def test_a_point_outside_all_areas_belongs_to_its_kommune_if_it_tells_one(county, tmp_path):
    feed = county.feeds["orte"]
    feed["columns"].append({**feed["columns"][0], "name": "gemeinde", "header": "GEMEINDE"})
    feed["spatial"]["kommune"] = "gemeinde"
    rows = [f"a;{WEST + SIDE / 2};{SOUTH + 1};01", f"b;{WEST - SIDE};{SOUTH};02"]
    content = "\n".join(["ORT_ID;OST;NORD;GEMEINDE", *rows]) + "\n"
    assert county.deliver_and_land("orte", "orte_2015.csv", content).result == "accepted"
    counts, placed = place(county, tmp_path)
    assert counts == (1, 1)
    assert placed == [("a", "0101"), ("b", "02-ohne")]
    written = pq.read_table(tmp_path / "placement" / "orte.parquet").to_pylist()
    assert [(row["gebietsstand"], row["methode"], row["anteil"]) for row in written] == [
        ("heute", "koordinaten", 1.0),
        ("heute", "ohne", 1.0),
    ]


def test_berlins_areas_have_one_feed_for_each_level_of_several_units(berlin_region):
    stand = berlin_region.feed("lor_planungsraeume").spatial.gebietsstand
    for level in berlin_region.levels:
        has_feed = berlin_region.area_feed(level.ebene, stand) is not None
        assert has_feed == (level.unit is None)
