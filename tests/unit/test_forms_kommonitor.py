"""KomMonitor's import files: as its published schema and its importer ask for them."""

import csv
import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import geopandas
import made_edition
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely

from publication.audit import kommonitor as audit
from publication.forms import kommonitor
from publication.forms.kommonitor_series import indicator_type, interval
from publication.imprint import Imprint
from publication.layers import area_shapes
from publication.material import Finished, Material

DOCS = Path(__file__).resolve().parents[2] / "docs" / "kommonitor.md"

# required by KomMonitor's data management: SpatialUnitPOSTInputType, IndicatorPOSTInputType,
# CommonMetadataType, DefaultClassificationMappingType
UNIT = {
    *("permissions", "geoJsonString", "jsonSchema", "metadata", "nextLowerHierarchyLevel"),
    *("nextUpperHierarchyLevel", "periodOfValidity", "spatialUnitLevel", "isPublic"),
}
INDICATOR = {
    *("abbreviation", "permissions", "characteristicValue", "creationType", "datasetName"),
    *("defaultClassificationMapping", "interpretation", "isHeadlineIndicator", "metadata"),
    *("ownerId", "processDescription", "tags", "topicReference", "unit", "isPublic"),
}
METADATA = {"contact", "datasource", "description", "sridEPSG", "updateInterval"}
CLASSES = {"colorBrewerSchemeName", "numClasses", "classificationMethod", "items"}
INTERVALS = {"ARBITRARY", "MONTHLY", "QUARTERLY", "HALF_YEARLY", "YEARLY"}
SECRET, SMALL = "05334002-002", "05334002-003"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> made_edition.Made:
    return made_edition.make(tmp_path_factory.mktemp("made"))


@pytest.fixture
def draft(made: made_edition.Made, tmp_path: Path) -> Path:
    """Return a copy of what this audit reads."""
    folder = tmp_path / "draft"
    shutil.copytree(made.draft / "kommonitor", folder / "kommonitor")
    for name in ("marts.duckdb", "manifest.json", "sozialraum.gpkg"):
        shutil.copy(made.draft / name, folder)
    return folder


def finished(folder: Path, made: made_edition.Made) -> Finished:
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    return Finished(folder, made.tables, manifest, Imprint.of(manifest))


def rewritten(
    folder: Path, made: made_edition.Made, areas: Path | None = None, **told: object
) -> Path:
    """Write the form anew from a folder's marts and return its folder."""
    shutil.rmtree(folder / "kommonitor")
    source = areas or made.areas
    shapes = area_shapes(folder / "marts.duckdb", source)
    material = Material(folder, made.tables, shapes, source, made.imprint, made_edition.FACTS)
    kommonitor.write(replace(material, **told))
    return folder / "kommonitor"


def change(folder: Path, *statements: str) -> None:
    with duckdb.connect(str(folder / "marts.duckdb")) as con:
        for statement in statements:
            con.execute(statement)


def read(folder: Path, name: str) -> dict:
    return json.loads((folder / "kommonitor" / name).read_text("utf-8"))


def table(path: Path) -> list[dict]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


# spatial units


def test_shapes_are_geojson_of_the_same_areas(made: made_edition.Made) -> None:
    path = made.draft / "kommonitor/raumebenen/sozialraum_2015.geojson"
    rows = geopandas.read_file(path)
    assert rows.crs.to_epsg() == 4326
    assert set(rows.columns) == {
        *("ID", "NAME", "arisenFrom", "validStartDate", "validEndDate", "geometry")
    }
    assert rows["ID"].tolist()[0] == "05334002-001"
    assert rows["NAME"].tolist()[1] == 'Am "Roten Haag" & <Markt>'
    assert set(rows["validStartDate"].astype(str).str[:10]) == {"2015-01-01"}
    assert rows["validEndDate"].isna().all()
    assert rows["arisenFrom"].isna().all()
    back = rows.to_crs(25832)
    assert back.area.tolist() == pytest.approx([4e6] * 6, rel=1e-5)
    west, south, east, north = rows.total_bounds
    assert 5 < west < east < 8  # longitude comes first
    assert 50 < south < north < 52


def test_shapes_follow_the_right_hand_rule_with_seven_digits(made: made_edition.Made) -> None:
    text = (made.draft / "kommonitor/raumebenen/kommune_2015.geojson").read_text("utf-8")
    assert max(len(digits) for digits in re.findall(r"\d+\.(\d+)", text)) == 7
    for feature in json.loads(text)["features"]:
        for part in shapely.geometry.shape(feature["geometry"]).geoms:
            assert part.exterior.is_ccw


def test_each_gebietsstand_has_its_shapes_and_dates(made: made_edition.Made) -> None:
    folder = made.draft / "kommonitor/raumebenen"
    assert {path.name for path in folder.glob("*.geojson")} == {
        f"{level}_{stand}.geojson"
        for level in ("sozialraum", "kommune", "kreis")
        for stand in ("2010", "2015")
    }
    old = read(made.draft, "raumebenen/sozialraum_2010.geojson")["features"][0]["properties"]
    assert (old["validStartDate"], old["validEndDate"]) == ("2010-01-01", "2014-12-31")


def test_levels_say_what_lies_below_and_above(made: made_edition.Made) -> None:
    told = {
        level: read(made.draft, f"raumebenen/{level}.json")
        for level in ("sozialraum", "kommune", "kreis")
    }
    for record in told.values():
        assert set(record) >= UNIT
        assert set(record["metadata"]) >= METADATA
        assert record["metadata"]["updateInterval"] in INTERVALS
        assert record["isPublic"] is False
    assert [record["spatialUnitLevel"] for record in told.values()] == [
        *("Sozialräume", "Kommunen", "Kreise")
    ]
    assert told["sozialraum"]["nextLowerHierarchyLevel"] is None
    assert told["sozialraum"]["nextUpperHierarchyLevel"] == "Kommunen"
    assert told["kommune"]["nextLowerHierarchyLevel"] == "Sozialräume"
    assert told["kreis"]["nextUpperHierarchyLevel"] is None


def test_the_period_covers_each_stichtag_of_the_series(made: made_edition.Made) -> None:
    # the Gebietsstand holds from 2015 on, its series begins in 2012
    for name in ("raumebenen/sozialraum.json", "importer/raumebene_sozialraum_2015.json"):
        assert read(made.draft, name)["periodOfValidity"] == {"startDate": "2012-12-31"}
    old = read(made.draft, "importer/raumebene_sozialraum_2010.json")
    assert old["periodOfValidity"] == {"startDate": "2010-01-01", "endDate": "2014-12-31"}


def test_an_unknown_begin_and_an_end_before_the_series(
    made: made_edition.Made, draft: Path
) -> None:
    change(
        draft,
        "UPDATE dim_raum SET gueltig_ab = NULL",
        "UPDATE dim_raum SET gueltig_bis = '2013-12-31' WHERE gebietsstand = '2015'",
    )
    rewritten(draft, made)
    assert read(draft, "raumebenen/kreis.json")["periodOfValidity"] == {"startDate": "2012-12-31"}
    old = read(draft, "importer/raumebene_kreis_2010.json")["periodOfValidity"]
    assert old == {"startDate": "1900-01-01", "endDate": "2014-12-31"}
    assert list(audit.check(finished(draft, made))) == []


def test_the_importer_reads_the_shapes_as_mapped(made: made_edition.Made) -> None:
    mapping = read(made.draft, "importer/raumebene_kommune_2015.json")
    assert mapping["converter"]["name"] == "GeoJSON"
    assert mapping["converter"]["parameters"] == [{"name": "CRS", "value": "EPSG:4326"}]
    assert mapping["dataSource"] == {
        "type": "FILE",
        "parameters": [{"name": "NAME", "value": "kommune_2015.geojson"}],
    }
    properties = mapping["propertyMapping"]
    features = read(made.draft, "raumebenen/kommune_2015.geojson")["features"]
    for feature in features:  # the importer refuses an area without one of these
        assert feature["properties"][properties["identifierProperty"]]
        assert feature["properties"][properties["nameProperty"]]
    assert features[1]["properties"]["NAME"] == made_edition.LONG_NAME
    assert "validEndDateProperty" not in properties  # it is open


def _areas_with(
    made: made_edition.Made, path: Path, change: Callable[[pa.Table], pa.Table]
) -> Path:
    pq.write_table(change(pq.read_table(made.areas)), path)
    return path


def test_areas_that_are_not_published_are_left_out(
    made: made_edition.Made, draft: Path, tmp_path: Path
) -> None:
    def more(rows: pa.Table) -> pa.Table:
        place = rows.schema.get_field_index("raumebene")
        other = rows[:1].set_column(place, "raumebene", [["statistischer_bezirk"]])
        return pa.concat_tables([rows, other])

    folder = rewritten(draft, made, _areas_with(made, tmp_path / "more.parquet", more))
    assert not list(folder.rglob("*statistischer_bezirk*"))


def test_an_old_gebietsstand_has_all_its_shapes_or_none(
    made: made_edition.Made, draft: Path, tmp_path: Path
) -> None:
    rows = pq.read_table(made.areas).to_pylist()
    old = [row for row in rows if (row["gebietsstand"], row["raumebene"]) == ("2010", "sozialraum")]
    without = pa.Table.from_pylist([row for row in rows if row not in old])
    pq.write_table(without, tmp_path / "none.parquet")
    folder = rewritten(draft, made, tmp_path / "none.parquet")
    assert not list(folder.rglob("*sozialraum_2010*"))
    assert list(audit.check(finished(draft, made))) == []
    partly = pa.concat_tables([without, pa.Table.from_pylist(old[:2])])
    pq.write_table(partly, tmp_path / "some.parquet")
    with pytest.raises(ValueError, match="sozialraum, Gebietsstand 2010, found 2 for 6"):
        rewritten(draft, made, tmp_path / "some.parquet")


def test_two_levels_of_the_same_name_are_refused(made: made_edition.Made, draft: Path) -> None:
    same = {**made.imprint.stufennamen, "kreis": ("Kreis", "Kommunen")}
    with pytest.raises(ValueError, match="another name for each level, found Kommunen"):
        rewritten(draft, made, imprint=replace(made.imprint, stufennamen=same))


def test_a_column_for_experts_is_refused(made: made_edition.Made, draft: Path) -> None:
    def experts(table):
        if table.name != "mart_reihe":
            return table
        columns = (
            replace(column, audience="fachlich") if column.name == "wert" else column
            for column in table.columns
        )
        return replace(table, columns=tuple(columns))

    with pytest.raises(
        ValueError, match=r"mart_reihe: expected columns for everyone .* found wert"
    ):
        rewritten(draft, made, tables=tuple(map(experts, made.tables)))


# indicators


def test_an_indicator_says_what_it_is(made: made_edition.Made) -> None:
    record = read(made.draft, "indikatoren/sgb2_quote.json")
    assert set(record) >= INDICATOR
    assert set(record["metadata"]) >= METADATA
    assert set(record["defaultClassificationMapping"]) == CLASSES
    assert record["datasetName"] == "SGB-II-Quote"
    assert record["unit"] == "%"
    assert record["indicatorType"] == "STATUS_RELATIVE"
    assert record["creationType"] == "INSERTION"
    assert record["processDescription"] == (
        "Definition von SGB-II-Quote. Zähler: Zähler. Nenner: Nenner."
    )
    assert record["topicReference"] == "arbeit"
    assert record["isHeadlineIndicator"] is True
    assert record["metadata"]["updateInterval"] == "YEARLY"
    assert record["metadata"]["lastUpdate"] == "2026-11-23"
    assert "Geheimhaltung" in record["metadata"]["note"]
    assert record["interpretation"].endswith(
        "bis 5; über 5 bis 10; über 10 bis 15; über 15 bis 20; über 20."
    )
    assert record["defaultClassificationMapping"] == {
        "colorBrewerSchemeName": "YlOrRd",
        "numClasses": 5,
        "classificationMethod": "REGIONAL_DEFAULT",
        "items": [],
    }


def test_a_series_has_one_row_for_each_area_and_nothing_where_withheld(
    made: made_edition.Made,
) -> None:
    rows = table(made.draft / "kommonitor/indikatoren/sgb2_quote_sozialraum.csv")
    assert list(rows[0]) == ["ID", "2012-12-31", "2013-12-31", "2014-12-31", "2015-12-31"]
    assert len(rows) == 6
    cells = {row.pop("ID"): row for row in rows}
    assert set(cells[SECRET].values()) == set(cells[SMALL].values()) == {""}
    # part = people * (6 + 2*3 + 0 + 0) // 100 of 1,000 people
    assert cells["05334002-001"]["2012-12-31"] == "12.0"
    people = table(made.draft / "kommonitor/indikatoren/einwohner_kreis.csv")
    assert [row["ID"] for row in people] == ["05334"]


def test_indicators_of_classes_are_left_out_and_named(made: made_edition.Made) -> None:
    folder = made.draft / "kommonitor"
    assert not list(folder.rglob("*rating*"))
    assert "rating: Einschätzung des Jobcenters" in (folder / "LIESMICH.txt").read_text("utf-8")


def test_the_importer_reads_a_series_as_mapped(made: made_edition.Made) -> None:
    mapping = read(made.draft, "importer/indikator_einwohner_kommune.json")
    rows = table(made.draft / "kommonitor/indikatoren/einwohner_kommune.csv")
    properties = mapping["propertyMapping"]
    assert properties["spatialReferenceKeyProperty"] in rows[0]
    assert properties["keepMissingOrNullValueIndicator"] is True
    for entry in properties["timeseriesMappings"]:
        assert entry["indicatorValueProperty"] in rows[0]
        date.fromisoformat(entry["timestamp"])
    assert len(properties["timeseriesMappings"]) == len(rows[0]) - 1
    units = read(made.draft, "raumebenen/kommune.json")
    assert mapping["targetSpatialUnitName"] == units["spatialUnitLevel"]
    shapes = read(made.draft, "raumebenen/kommune_2015.geojson")["features"]
    assert {row["ID"] for row in rows} == {shape["properties"]["ID"] for shape in shapes}


def test_several_versions_of_an_indicator_stay_apart(made: made_edition.Made, draft: Path) -> None:
    change(
        draft,
        "INSERT INTO dim_indikator (SELECT * REPLACE (2 AS version) FROM dim_indikator "
        "WHERE indikator_id = 'sgb2_quote')",
        "UPDATE mart_reihe SET version = 2 "
        "WHERE indikator_id = 'sgb2_quote' AND stichtag > '2013-12-31'",
    )
    folder = rewritten(draft, made) / "indikatoren"
    assert not (folder / "sgb2_quote.json").exists()
    assert list(table(folder / "sgb2_quote_v1_kreis.csv")[0]) == ["ID", "2012-12-31", "2013-12-31"]
    assert list(table(folder / "sgb2_quote_v2_kreis.csv")[0]) == ["ID", "2014-12-31", "2015-12-31"]
    record = read(draft, "indikatoren/sgb2_quote_v2.json")
    assert record["datasetName"] == "SGB-II-Quote (Version 2)"
    assert record["characteristicValue"] == "Version 2"
    assert list(audit.check(finished(draft, made))) == []


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ([], "ARBITRARY"),
        ([date(2015, 12, 31)], "ARBITRARY"),
        ([date(year, 12, 31) for year in (2010, 2011, 2012, 2014)], "YEARLY"),
        ([date(year, 9, 13) for year in (2004, 2009, 2014)], "ARBITRARY"),
        ([date(2015, 6, 30), date(2015, 12, 31), date(2016, 6, 30)], "HALF_YEARLY"),
        ([date(2015, month, 1) for month in (1, 4, 7, 10)], "QUARTERLY"),
        ([date(2015, month, 1) for month in (1, 2, 3, 4)], "MONTHLY"),
    ],
)
def test_how_often_it_is_brought_up_to_date(days: list[date], expected: str) -> None:
    assert interval(days) == expected


@pytest.mark.parametrize(
    ("art", "unit", "expected"),
    [
        ("anzahl", "Personen", "STATUS_ABSOLUTE"),
        ("anteil", "%", "STATUS_RELATIVE"),
        ("verhaeltnis", "je 100", "STATUS_RELATIVE"),
        ("median", "Jahre", "STATUS_ABSOLUTE"),
        ("saldo", "Personen", "DYNAMIC_ABSOLUTE"),
        ("veraenderung", "%", "DYNAMIC_RELATIVE"),
        ("veraenderung", "Prozentpunkte", "DYNAMIC_ABSOLUTE"),
    ],
)
def test_the_type_of_an_indicator(art: str, unit: str, expected: str) -> None:
    assert indicator_type(art, unit) == expected


# the audit


def test_a_finished_edition_passes(made: made_edition.Made) -> None:
    told = finished(made.draft, made)
    assert list(audit.check(told)) == []
    files = {
        path.relative_to(made.draft).as_posix()
        for path in (made.draft / "kommonitor").rglob("*")
        if path.is_file()
    }
    assert files == audit.names(told)


def test_the_same_bytes_again(made: made_edition.Made, draft: Path) -> None:
    before = {p.name: p.read_bytes() for p in (draft / "kommonitor").rglob("*") if p.is_file()}
    folder = rewritten(draft, made)
    assert {p.name: p.read_bytes() for p in folder.rglob("*") if p.is_file()} == before


def _text(name: str, old: str, new: str) -> Callable[[Path], None]:
    def plant(draft: Path) -> None:
        path = draft / "kommonitor" / name
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), "utf-8")

    return plant


def _features(alter: Callable[[list[dict]], None]) -> Callable[[Path], None]:
    def plant(draft: Path) -> None:
        path = draft / "kommonitor/raumebenen/sozialraum_2015.geojson"
        collection = json.loads(path.read_text("utf-8"))
        alter(collection["features"])
        path.write_text(json.dumps(collection), "utf-8")

    return plant


def _swap(features: list[dict]) -> None:
    one, two = features[0], features[1]
    one["geometry"], two["geometry"] = two["geometry"], one["geometry"]


def _clockwise(features: list[dict]) -> None:
    features[0]["geometry"]["coordinates"][0][0].reverse()


def _point(features: list[dict]) -> None:
    features[0]["geometry"] = {"type": "Point", "coordinates": [6.1, 50.7]}


def _digits(features: list[dict]) -> None:
    features[0]["geometry"]["coordinates"][0][0][1][0] += 1e-9


def _metres(features: list[dict]) -> None:
    for feature in features:
        shape = shapely.geometry.shape(feature["geometry"])
        moved = geopandas.GeoSeries([shape], crs=4326).to_crs(25832)
        feature["geometry"] = shapely.geometry.mapping(moved.round(0)[0])


SERIES = "indikatoren/sgb2_quote_sozialraum.csv"
RECORD = "indikatoren/sgb2_quote.json"
FAULTS = {
    "another value": (_text(SERIES, ",12.0,", ",12.5,"), "the values of mart_reihe, found 1"),
    "a value less": (_text(SERIES, ",12.0,", ",,"), "the values of mart_reihe, found 1"),
    "a withheld value": (
        _text(SERIES, f"{SECRET},,", f"{SECRET},9.9,"),
        "none that is ok, found 1",
    ),
    "a zero for nothing": (_text(SERIES, f"{SMALL},,", f"{SMALL},0,"), "none that is ok, found 1"),
    "another day": (_text(SERIES, "2012-12-31", "2011-12-31"), "the Stichtage of mart_reihe"),
    "another area": (_text(SERIES, SECRET, "05334002-009"), "each area of dim_raum once"),
    "swapped shapes": (_features(_swap), "expected the shapes of sozialraum.gpkg, found 2"),
    "clockwise": (_features(_clockwise), "right-hand rule, found 1 clockwise"),
    "a point": (_features(_point), "expected multipolygons only"),
    "more digits": (_features(_digits), "expected 7 digits at most"),
    "metres": (_features(_metres), "outside of the world"),
    "an area less": (_features(lambda features: features.pop()), "each area of dim_raum once"),
    "another name": (
        _features(lambda features: features[0]["properties"].update(NAME="x")),
        "each area of dim_raum once",
    ),
    "a property more": (
        _features(lambda features: features[0]["properties"].update(rang=1)),
        "expected the properties",
    ),
    "another unit": (_text(RECORD, '"unit": "%"', '"unit": "x"'), "name and unit of dim_indikator"),
    "another type": (_text(RECORD, "STATUS_RELATIVE", "STATUS_ABSOLUTE"), "of art anteil"),
    "another limit": (
        _text(RECORD, "über 5 bis 10", "über 5 bis 11"),
        "limits of dim_klassengrenze",
    ),
    "another number of classes": (
        _text(RECORD, '"numClasses": 5', '"numClasses": 4'),
        "many classes",
    ),
    "another scheme": (_text(RECORD, "YlOrRd", "Rainbow"), "colour scheme of the legends"),
    "another definition": (
        _text(RECORD, "Nenner: Nenner", "Nenner: x"),
        "definition of dim_indikator",
    ),
    "no note": (_text(RECORD, "leer = Geheimhaltung", "leer"), "what an empty cell means"),
    "an entry more": (_text(RECORD, '"unit"', '"rang": 1, "unit"'), "declared entries, found rang"),
    "a path": (_text(RECORD, "SGB-II-Quote", "SGB-II-Quote /home/x/y"), "no path of a machine"),
    "another level": (
        _text("importer/indikator_sgb2_quote_kreis.json", '"Kreise"', '"Kommunen"'),
        "expected the name of the level kreis",
    ),
    "another column": (
        _text("importer/indikator_sgb2_quote_kreis.json", "2012-12-31", "2011-12-31"),
        "expected the Stichtage of its series",
    ),
    "another file": (
        _text("importer/indikator_sgb2_quote_kreis.json", "quote_kreis", "quote_kommune"),
        "expected sgb2_quote_kreis.csv as its source",
    ),
    "another hierarchy": (
        _text("raumebenen/kommune.json", '"Sozialräume"', '"Kreise"'),
        "place in the hierarchy",
    ),
    "another srid": (_text("raumebenen/kommune.json", "4326", "25832"), "expected sridEPSG 4326"),
    "a period too short": (
        _text("importer/raumebene_kommune_2015.json", "2012-12-31", "2015-01-01"),
        "covers all Stichtage",
    ),
    "another edition": (_text("LIESMICH.txt", "aachen-2015", "aachen-2014"), "the edition's id"),
    "nothing left out": (_text("LIESMICH.txt", "rating", "x"), "expected rating among"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(fault: str, made: made_edition.Made, draft: Path) -> None:
    plant, expected = FAULTS[fault]
    plant(draft)
    problems = list(audit.check(finished(draft, made)))
    assert any(expected in problem for problem in problems), problems
    assert not any(SECRET in problem for problem in problems)


def test_a_file_that_nobody_declared_is_found(made: made_edition.Made, draft: Path) -> None:
    extra = draft / "kommonitor/raumebenen/adressen_2015.geojson"
    extra.write_text("{}", "utf-8")
    assert "kommonitor/raumebenen/adressen_2015.geojson" not in audit.names(finished(draft, made))


# the documentation


def test_the_script_of_the_documentation_makes_what_the_importer_takes(
    made: made_edition.Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (script,) = re.findall(r"```python\n(.*?)```", DOCS.read_text("utf-8"), re.DOTALL)
    (tmp_path / "var/published").mkdir(parents=True)
    (tmp_path / "var/published/current").symlink_to(made.draft)
    monkeypatch.chdir(tmp_path)
    exec(compile(script, "kommonitor.md", "exec"), {})
    body = json.loads((tmp_path / "anfrage.json").read_text("utf-8"))
    assert set(body) == {
        "converter",
        "dataSource",
        "propertyMapping",
        "indicatorPostBody",
        "dryRun",
    }
    assert body["dryRun"] is True
    assert set(body["indicatorPostBody"]) >= INDICATOR


def test_the_documentation_names_files_that_are_there(made: made_edition.Made) -> None:
    text = DOCS.read_text("utf-8")
    named = set(re.findall(r"`(kommonitor/[^`<>]+\.\w+)`", text))
    assert named
    for name in named:
        assert (made.draft / name).is_file(), name
