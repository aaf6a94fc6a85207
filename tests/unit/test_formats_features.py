"""Features beyond one GeoJSON: layers of a GeoPackage, properties that differ between layouts."""

from pathlib import Path

import geopandas as gpd
import pytest
from formats_kit import feed, read_file, rows
from shapely.geometry import box

from sources.errors import DeliveryError

SQUARE = box(300_000, 5_600_000, 301_000, 5_602_000)
COLUMNS = {"raum_id": {}, "name": {}, "geometrie": {"type": "geometry"}}


def layout(**more) -> dict:
    return {"format": "features", "srs": 25832, **more}


@pytest.fixture
def package(tmp_path) -> Path:
    """A GeoPackage with two layers."""
    path = tmp_path / "probe.gpkg"
    for layer, properties in {
        "bezirke": {"raum_id": ["B1"], "name": ["Mitte"]},
        "raeume": {"nummer": [7.0, None], "raum_id": ["R1", "R2"]},
    }.items():
        shapes = [SQUARE] * len(properties["raum_id"])
        frame = gpd.GeoDataFrame(properties, geometry=shapes, crs=25832)
        frame.to_file(path, layer=layer, driver="GPKG")
    return path


def test_the_agreed_layer_is_read(package):
    raw = read_file(feed(COLUMNS, layout(layer="bezirke")), package)
    assert rows(raw, "row_number", "raum_id", "name", "area_m2") == [(1, "B1", "Mitte", 2e6)]
    ((x, y),) = rows(raw, "point_x", "point_y")
    assert 300_000 < x < 301_000
    assert 5_600_000 < y < 5_602_000


def test_a_layout_may_lack_properties_and_keys_in_numbers_stay_whole(package):
    numbers = layout(layer="raeume", headers={"raum_id": "nummer"}, lacks=["name"])
    raw = read_file(feed(COLUMNS, numbers), package)
    assert rows(raw, "raum_id", "name") == [("7", None), (None, None)]


def test_the_layout_is_told_by_layer_and_properties(package):
    contract = feed(
        COLUMNS,
        layout(layer="blocks"),
        layout(layer="raeume"),
        layout(layer="raeume", constants={"name": "ohne"}),
    )
    raw = read_file(contract, package)
    assert (raw.layout.id, rows(raw, "name")) == ("form_2", [("ohne",), ("ohne",)])


@pytest.mark.parametrize(
    ("layer", "told"),
    [("raeume", r"no property \['name'\]"), ("blocks", r"layers \['bezirke', 'raeume'\]")],
)
def test_what_is_missing_is_named(package, layer, told):
    with pytest.raises(DeliveryError, match=told):
        read_file(feed(COLUMNS, layout(layer=layer)), package)


def test_of_several_layers_one_has_to_be_agreed(package):
    with pytest.raises(DeliveryError, match="one layer"):
        read_file(feed(COLUMNS, layout()), package)
