"""The GeoPackage: what a GIS finds in it, and what its audit finds."""

import json
import re
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree as ET
from zipfile import ZIP_DEFLATED, ZipFile

import duckdb
import made_edition
import pyogrio
import pytest
import shapely
from made_edition import KREIS, LONG_NAME, NAMES, TOWN, VILLAGE, Made

from publication.audit import geopackage as audit
from publication.forms import geopackage
from publication.layers import area_shapes
from publication.material import Finished, Material

GPKG = "sozialraum.gpkg"
LEVELS = ("sozialraum", "kommune", "kreis")
LAYERS = [level + suffix for suffix in ("", "_generalisiert") for level in LEVELS]
DRAWN = LAYERS[:4]
LEGENDS = {"anteil_ab_65", "einwohner", "sgb2_quote", "rating", "lage"}
# ColorBrewer 2.0: YlOrRd in five and in three classes
REDS = ("#ffffb2", "#fecc5c", "#fd8d3c", "#f03b20", "#bd0026")
THREE = {"gering": "#ffffb2", "mittel": "#fd8d3c", "hoch": "#bd0026"}
WHITE, DARK, GREY = "#ffffff", "#595959", "#d9d9d9"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return made_edition.make(tmp_path_factory.mktemp("made"))


@pytest.fixture
def draft(made: Made, tmp_path: Path) -> Path:
    return shutil.copytree(made.draft, tmp_path / "draft")


def _write(made: Made, folder: Path, **changed) -> None:
    """Write the GeoPackage from the marts that lie in a folder."""
    shapes = area_shapes(folder / "marts.duckdb", made.areas)
    facts = {"created_at": "2031-01-01T00:00:00+00:00"}
    material = Material(folder, made.tables, shapes, made.areas, made.imprint, facts)
    geopackage.write(replace(material, **changed))


def _problems(made: Made, draft: Path) -> list[str]:
    manifest = json.loads((draft / "manifest.json").read_text("utf-8"))
    return list(audit.check(Finished(draft, made.tables, manifest, made.imprint)))


def _rows(draft: Path, layer: str) -> list[dict]:
    return pyogrio.read_arrow(draft / GPKG, layer=layer, read_geometry=False)[1].to_pylist()


def _asked(path: Path, query: str, *arguments: str) -> list[tuple]:
    with closing(sqlite3.connect(path)) as con:
        return con.execute(query, arguments).fetchall()


def _shapes(draft: Path, layer: str) -> dict:
    rows = pyogrio.read_arrow(draft / GPKG, layer=layer)[1]
    shapes = shapely.from_wkb(rows.column("geom").to_numpy(zero_copy_only=False))
    return dict(zip(rows.column("raum_id").to_pylist(), shapes, strict=True))


# --- layers and tables


def test_each_level_is_there_exact_and_generalised(made: Made):
    found = pyogrio.list_layers(made.draft / GPKG).tolist()
    assert [[name, "MultiPolygon"] for name in LAYERS] == found[:6]
    assert found[6:] == [["kennzahl", None], ["layer_styles", None]]
    contents = dict(
        _asked(made.draft / GPKG, "SELECT table_name, identifier || description FROM gpkg_contents")
    )
    assert contents["sozialraum_generalisiert"].startswith("Sozialräume (generalisiert)")
    assert "Gebietsstand 2015" in contents["sozialraum"]
    assert "Gebietsstand 2015" in contents["kennzahl"]
    assert made.imprint.quellenvermerk in contents["kommune"]
    assert made.imprint.lizenz_name in contents["kommune"]
    for level in LEVELS:
        assert _rows(made.draft, level) == _rows(made.draft, f"{level}_generalisiert")


def test_generalised_neighbours_share_their_line_and_have_fewer_points(made: Made):
    exact, rough = (_shapes(made.draft, name) for name in ("sozialraum", LAYERS[3]))
    assert shapely.get_num_coordinates(list(rough.values())).sum() < (
        shapely.get_num_coordinates(list(exact.values())).sum() / 3
    )
    assert shapely.coverage_is_valid(list(rough.values()))
    assert shapely.area(list(rough.values())).sum() == pytest.approx(6 * 4e6, rel=0.01)


def test_long_table_has_every_public_cell_of_the_marts(made: Made):
    rows = _rows(made.draft, "kennzahl")
    with duckdb.connect(str(made.draft / "marts.duckdb"), read_only=True) as con:
        (expected,) = con.execute("SELECT count(*) FROM mart_indikator").fetchone()
        public = next(t for t in made.tables if t.name == "mart_indikator").public_columns()
        cells = con.execute(
            "SELECT * FROM mart_indikator WHERE indikator_id = 'sgb2_quote' AND raum_id = ?"
            "ORDER BY stichtag",
            [f"{TOWN}-001"],
        ).to_arrow_table()
    assert len(rows) == expected == 9 * 4 * 5
    labels = {"raum_name", "name", "thema", "einheit"}
    assert set(rows[0]) == {*public, *labels}
    assert not [name for name in rows[0] if name.startswith(("rang", "quintil"))]
    own = [r for r in rows if r["raum_id"] == f"{TOWN}-001" and r["indikator_id"] == "sgb2_quote"]
    for ours, mart in zip(own, cells.to_pylist(), strict=True):
        assert {name: ours[name] for name in public} == {name: mart[name] for name in public}
        assert ours["raum_name"] == "Oecher Straße 1/2"
        assert (ours["name"], ours["einheit"]) == ("SGB-II-Quote", "%")
    secret = [row for row in rows if row["status"] == "geheim"]
    assert len(secret) == 4
    assert {row["wert"] for row in secret} == {row["zaehler"] for row in secret} == {None}
    small = [row for row in rows if row["status"] == "zu_klein"]
    assert {row["wert"] for row in small} == {None} != {row["zaehler"] for row in small}


def test_odd_names_pass(made: Made):
    names = {row["raum_id"]: row["raum_name"] for row in _rows(made.draft, "sozialraum")}
    assert {key: names[key] for key in NAMES if key in names} == {
        key: name for key, name in NAMES.items() if "-" in key
    }
    assert {row["raum_name"] for row in _rows(made.draft, "kommune")} == {"Aachen", LONG_NAME}
    assert LONG_NAME in {row["raum_name"] for row in _rows(made.draft, "kennzahl")}


def test_a_number_left_behind_geheim_reaches_no_table(made: Made, tmp_path: Path):
    shutil.copy(made.draft / "marts.duckdb", tmp_path)
    with duckdb.connect(str(tmp_path / "marts.duckdb")) as con:
        con.execute(
            "UPDATE mart_indikator SET wert = 3, zaehler = 3, z_wert = 3, untergrenze = 3 "
            "WHERE status = 'geheim'"
        )
    _write(made, tmp_path)
    secret = [row for row in _rows(tmp_path, "kennzahl") if row["status"] == "geheim"]
    for column in ("wert", "zaehler", "z_wert", "untergrenze"):
        assert {row[column] for row in secret} == {None}
    finished = Finished(tmp_path, made.tables, {}, made.imprint)
    assert [p for p in audit.check(finished) if "kennzahl" in p], "the mart itself is wrong"


def test_every_column_has_a_german_alias(made: Made):
    told = _asked(made.draft / GPKG, "SELECT table_name, column_name, title FROM gpkg_data_columns")
    for layer in (*LAYERS, "kennzahl"):
        assert {column for table, column, _ in told if table == layer} == set(
            _rows(made.draft, layer)[0]
        )
    titles = {(table, column): title for table, column, title in told}
    assert titles["kreis_generalisiert", "sgb2_quote"] == "SGB-II-Quote (%)"
    assert titles["kennzahl", "abw_kreis"] == "Abweichung vom Kreis"


def test_the_same_marts_give_the_same_bytes_without_time_or_user(made: Made, tmp_path: Path):
    shutil.copy(made.draft / "marts.duckdb", tmp_path)
    _write(made, tmp_path)
    again = tmp_path / GPKG
    assert again.read_bytes() == (made.draft / GPKG).read_bytes()
    changed = "SELECT last_change FROM gpkg_contents UNION SELECT update_time FROM layer_styles"
    assert _asked(again, changed) == [("2000-01-01T00:00:00.000Z",)]
    assert _asked(again, "SELECT DISTINCT owner, ui FROM layer_styles") == [("", None)]


def test_gdal_reads_it_without_a_warning(made: Made, tmp_path: Path):
    if not shutil.which("ogrinfo"):
        pytest.skip("needs ogrinfo (Debian package gdal-bin)")
    path = shutil.copy(made.draft / GPKG, tmp_path)
    done = subprocess.run(
        ["ogrinfo", "-ro", "-al", "-so", path], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    assert "Layer name: sozialraum_generalisiert" in done.stdout
    assert "wert: Real" in done.stdout


def test_two_thousand_areas_pass(made: Made, tmp_path: Path):
    tables = tuple(replace(table, relation=f"main.{table.name}") for table in made.tables)
    rows = made_edition.made_rows(2000)
    large = {**rows, "mart_bevoelkerung": [], "mart_reihe": []}
    made_edition.write_warehouse(tmp_path / "marts.duckdb", tables, large)
    made_edition.write_areas(tmp_path / "areas.parquet", rows["dim_raum"])
    shapes = area_shapes(tmp_path / "marts.duckdb", tmp_path / "areas.parquet")
    geopackage.write(Material(tmp_path, tables, shapes, made.areas, made.imprint, {}))
    for layer in ("sozialraum", "sozialraum_generalisiert"):
        assert pyogrio.read_info(tmp_path / GPKG, layer=layer)["features"] == 2000
    assert list(audit.check(Finished(tmp_path, tables, {}, made.imprint))) == []


# --- styles and the project


def test_a_style_for_each_layer_and_legend_and_one_default(made: Made):
    styles = _asked(
        made.draft / GPKG, "SELECT f_table_name, styleName, useAsDefault FROM layer_styles"
    )
    for layer in LAYERS:
        assert {style for table, style, _ in styles if table == layer} == LEGENDS
    # an index has no figures of municipalities: there the first Leitindikator leads
    assert {(table, style) for table, style, default in styles if default} == {
        ("sozialraum", "lage"),
        ("sozialraum_generalisiert", "lage"),
        *((layer, "einwohner") for layer in LAYERS if not layer.startswith("sozialraum")),
        ("kennzahl", "kennzahl"),
    }


def test_without_a_leading_index_the_first_leading_indicator_is_the_default(
    made: Made, tmp_path: Path
):
    leading = replace(
        made.imprint, leitindex=None, leitindikatoren=("betreuungsquote", "sgb2_quote")
    )
    shutil.copy(made.draft / "marts.duckdb", tmp_path)
    _write(made, tmp_path, imprint=leading)
    query = "SELECT DISTINCT styleName FROM layer_styles WHERE useAsDefault AND styleSLD <> ''"
    assert _asked(tmp_path / GPKG, query) == [("sgb2_quote",)]


def test_odd_words_and_limits_pass_through_styles(made: Made, tmp_path: Path):
    shutil.copy(made.draft / "marts.duckdb", tmp_path)
    with duckdb.connect(str(tmp_path / "marts.duckdb")) as con:
        odd = 'd\'Este \\ AND "x" <1>'
        con.execute("UPDATE dim_indexklasse SET klasse = ? WHERE klasse = 'hoch'", [odd])
        con.execute("UPDATE mart_index SET klasse = ? WHERE klasse = 'hoch'", [odd])
        con.execute(
            "UPDATE dim_klassengrenze SET ueber = ueber - 17.5, bis = bis - 17.5 "
            "WHERE indikator_id = 'anteil_ab_65'"
        )
        con.execute("DELETE FROM dim_klassengrenze WHERE indikator_id = 'einwohner' AND klasse > 1")
        con.execute("UPDATE dim_klassengrenze SET bis = NULL WHERE indikator_id = 'einwohner'")
    _write(made, tmp_path)
    assert list(audit.check(Finished(tmp_path, made.tables, {}, made.imprint))) == []
    if _has_qgis():
        drawn = _seen_by_qgis(tmp_path / GPKG, tmp_path, ["sozialraum"])["drawn"]
        assert set(drawn["sozialraum/lage"][f"{TOWN}-003"]) == {THREE["hoch"]}
        assert set(drawn["sozialraum/einwohner"][f"{TOWN}-001"]) != {GREY}


def _has_qgis() -> bool:
    python = Path("/usr/bin/python3")
    return (
        python.exists()
        and not subprocess.run([python, "-c", "import qgis.core"], capture_output=True).returncode
    )


def _seen_by_qgis(geopackage: Path, pictures: Path, drawn: Iterable[str]) -> dict:
    script = Path(__file__).with_name("qgis_reads.py")
    done = subprocess.run(
        ["/usr/bin/python3", script, geopackage, pictures, *drawn],
        capture_output=True,
        text=True,
        env={"QT_QPA_PLATFORM": "offscreen", "HOME": str(pictures), "LC_ALL": "C.UTF-8"},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def seen(made: Made, tmp_path_factory: pytest.TempPathFactory) -> dict:
    """Return what QGIS shows of a copy, which it opens for writing."""
    if not _has_qgis():
        pytest.skip("needs PyQGIS (Debian package python3-qgis)")
    folder = tmp_path_factory.mktemp("qgis")
    path = Path(shutil.copy(made.draft / GPKG, folder))
    path.chmod(0o444)  # as an edition is
    for style, sld in _asked(
        path, "SELECT styleName, styleSLD FROM layer_styles WHERE f_table_name = 'sozialraum'"
    ):
        (folder / f"{style}.sld").write_text(sld, "utf-8")
    return _seen_by_qgis(path, folder, DRAWN)


def test_qgis_opens_the_project_with_all_its_layers(seen: dict, made: Made):
    assert seen["opened"]
    assert seen["messages"] == []
    assert seen["title"] == f"{made.imprint.titel}, Gebietsstand 2015"
    assert seen["crs"] == "EPSG:25832"
    assert set(seen["layers"]) == {*LAYERS, "kennzahl"}
    assert all(layer["valid"] for layer in seen["layers"].values())
    assert {seen["layers"][name]["crs"] for name in LAYERS} == {"EPSG:25832"}
    assert seen["layers"]["kommune"]["title"] == "Kommunen, Gebietsstand 2015"
    assert seen["tree"] == [
        ["Sozialräume", [["sozialraum", True], ["sozialraum_generalisiert", False]]],
        ["Kommunen", [["kommune", True], ["kommune_generalisiert", False]]],
        ["Kreise", [["kreis", True], ["kreis_generalisiert", False]]],
        ["kennzahl", False],
    ]
    pairs = {"raum_id": "raum_id", "gebietsstand": "gebietsstand"}
    assert seen["relations"] == {f"kennzahl_{level}": [True, pairs] for level in LEVELS}


def test_qgis_shows_aliases_and_the_default_style_in_and_beside_the_project(seen: dict):
    for where in ("layers", "styled"):
        layer = seen[where]["sozialraum"]
        assert layer["aliases"]["sgb2_quote"] == "SGB-II-Quote (%)"
        assert layer["aliases"]["lage_status"] == "Soziale Lage: Status"
        assert layer["shown_by"] == '"raum_name"'
        labels = ["gering", "mittel", "hoch", "Geheimhaltung", "keine Angabe"]
        assert [label for label, _ in layer["classes"]] == labels
        assert seen[where]["kommune_generalisiert"]["classes"][1] == [
            "über 1.000 bis 3.000",
            '"einwohner" > 1000 AND "einwohner" <= 3000',
        ]
        assert seen[where]["kennzahl"]["aliases"]["name"] == "Indikator"
        assert seen[where]["kennzahl"]["rows"] == 180


def test_qgis_draws_classes_in_their_colours_and_hatches_what_is_withheld(seen: dict, made: Made):
    assert set(seen["drawn"]) == {f"{layer}/{style}" for layer in DRAWN for style in LEGENDS}
    for layer in ("sozialraum", "sozialraum_generalisiert"):
        values = {row["raum_id"]: row for row in _rows(made.draft, layer)}
        classes = seen["drawn"][f"{layer}/lage"]
        rates = seen["drawn"][f"{layer}/sgb2_quote"]
        for key, row in values.items():
            if row["lage_status"] == "ok":
                assert set(classes[key]) == {THREE[row["lage_klasse"]]}
            if row["sgb2_quote_status"] == "ok":
                limit = sum(row["sgb2_quote"] > limit for limit in (5, 10, 15, 20))
                assert set(rates[key]) == {REDS[limit]}
        for withheld in (classes[f"{TOWN}-002"], rates[f"{TOWN}-002"]):
            assert withheld[WHITE] > 4000 > withheld[DARK] > 500
            assert not {*REDS, GREY, "#000000"} & set(withheld)
        assert set(rates[f"{TOWN}-003"]) == {GREY}, "zu_klein is not withheld"
    assert set(seen["drawn"]["kreis/lage"][KREIS]) == {GREY}
    assert set(seen["drawn"]["kommune/sgb2_quote"][VILLAGE]) <= set(REDS)


def test_the_sld_draws_the_same_classes(seen: dict):
    assert set(seen["drawn_by_sld"]) == LEGENDS
    for style, drawn in seen["drawn_by_sld"].items():
        for key, colours in drawn.items():
            if WHITE not in colours:  # QGIS leaves out an SLD's hatching
                assert set(colours) == set(seen["drawn"][f"sozialraum/{style}"][key])
        withheld = {key for key, colours in drawn.items() if WHITE in colours}
        assert withheld == ({f"{TOWN}-002"} if style in ("lage", "sgb2_quote") else set())


# --- the audit


def test_audit_of_a_good_file_is_empty(made: Made):
    assert _problems(made, made.draft) == []


def _sql(*statements: str) -> Callable[[Path], None]:
    def tamper(path: Path) -> None:
        with closing(sqlite3.connect(path)) as con, con:
            # the triggers of the spatial index ask for these, which GDAL brings along
            for function in ("ST_IsEmpty", "ST_MinX", "ST_MaxX", "ST_MinY", "ST_MaxY"):
                con.create_function(function, 1, lambda _: 0)
            for statement in statements:
                con.execute(statement)

    return tamper


def _in_style(column: str, old: str, new: str) -> Callable[[Path], None]:
    """Replace a text in the style of one layer and indicator; it has to be there."""

    def tamper(path: Path) -> None:
        where = "f_table_name = 'sozialraum' AND styleName = 'sgb2_quote'"
        ((text,),) = _asked(path, f"SELECT {column} FROM layer_styles WHERE {where}")
        assert old in text
        with closing(sqlite3.connect(path)) as con, con:
            con.execute(
                f"UPDATE layer_styles SET {column} = ? WHERE {where}", [text.replace(old, new)]
            )

    return tamper


def _in_project(old: str, new: str, member: str = "sozialraum.qgs") -> Callable[[Path], None]:
    """Replace a text in the project; it has to be there."""

    def tamper(path: Path) -> None:
        ((content,),) = _asked(path, "SELECT content FROM qgis_projects")
        text = ZipFile(BytesIO(bytes.fromhex(content))).read("sozialraum.qgs").decode()
        assert old in text
        packed = BytesIO()
        with ZipFile(packed, "w", ZIP_DEFLATED) as archive:
            archive.writestr(member, text.replace(old, new))
        with closing(sqlite3.connect(path)) as con, con:
            con.execute("UPDATE qgis_projects SET content = ?", [packed.getvalue().hex()])

    return tamper


def _other_shape(shape: shapely.Geometry, layer: str) -> Callable[[Path], None]:
    """Replace the shape of the first area of a layer."""

    def tamper(path: Path) -> None:
        ((blob,),) = _asked(path, f"SELECT geom FROM {layer} LIMIT 1")
        header = blob[:8] + shapely.to_wkb(shape)
        header = header[:3] + bytes([header[3] & ~0b1110]) + header[4:]  # no envelope
        with closing(sqlite3.connect(path)) as con, con:
            for (name,) in con.execute(
                "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?", [layer]
            ).fetchall():
                con.execute(f'DROP TRIGGER "{name}"')
            con.execute(f"UPDATE {layer} SET geom = ? WHERE fid = 1", [header])

    return tamper


FAULTS = {
    "layer missing": (
        _sql("DELETE FROM gpkg_contents WHERE table_name = 'kreis_generalisiert'"),
        "expected kreis_generalisiert among its layers",
    ),
    "layer undeclared": (
        _sql(
            "CREATE TABLE punkte (fid INTEGER PRIMARY KEY)",
            "INSERT INTO gpkg_contents (table_name, data_type) VALUES ('punkte', 'attributes')",
        ),
        "expected only declared layers, found punkte",
    ),
    "table hidden": (_sql("CREATE TABLE rtree_personen (n)"), "its layers, found rtree_personen"),
    "view hidden": (_sql("CREATE VIEW v AS SELECT 1"), "its layers, found v"),
    "metadata hidden": (_sql("CREATE TABLE gpkg_metadata (n)"), "its layers, found gpkg_metadata"),
    "styles missing": (
        _sql(
            "DROP TABLE layer_styles",
            "DELETE FROM gpkg_contents WHERE table_name = 'layer_styles'",
        ),
        "expected a table layer_styles",
    ),
    "project missing": (_sql("DROP TABLE qgis_projects"), "expected a table qgis_projects"),
    "column in generalised": (
        _sql("ALTER TABLE kreis_generalisiert ADD rang_kreis INTEGER"),
        "layer kreis_generalisiert: expected only declared columns, found rang_kreis",
    ),
    "column in long table": (
        _sql("ALTER TABLE kennzahl ADD quintil INTEGER"),
        "layer kennzahl: expected only declared columns, found quintil",
    ),
    "points": (
        _sql("UPDATE gpkg_geometry_columns SET geometry_type_name = 'POINT'"),
        "layer kommune: expected multipolygons, found POINT",
    ),
    "one point": (
        _other_shape(shapely.Point(290_000, 5_620_000), "sozialraum"),
        "layer sozialraum: expected polygons only, found 1",
    ),
    "shape moved": (
        _other_shape(
            shapely.multipolygons([shapely.box(290_200, 5_620_000, 292_200, 5_622_000)]),
            "sozialraum_generalisiert",
        ),
        "layer sozialraum_generalisiert: expected the exact areas within 25 m",
    ),
    "older Gebietsstand": (
        _sql("UPDATE kommune SET gebietsstand = '2010'"),
        "layer kommune: expected each area of Gebietsstand 2015",
    ),
    "other name": (
        _sql("UPDATE sozialraum SET raum_name = 'x' WHERE fid = 1"),
        "layer sozialraum: expected the areas as dim_raum",
    ),
    "value in generalised": (
        _sql("UPDATE sozialraum_generalisiert SET sgb2_quote = 3 WHERE fid = 1"),
        "layer sozialraum_generalisiert, column sgb2_quote: expected value, status",
    ),
    "value behind geheim": (
        _sql("UPDATE sozialraum_generalisiert SET sgb2_quote = 3 WHERE fid = 2"),
        "layer sozialraum_generalisiert, column sgb2_quote: expected no value",
    ),
    "long: value behind geheim": (
        _sql("UPDATE kennzahl SET wert = 3 WHERE status = 'geheim'"),
        "kennzahl: expected no value where the status is not ok, found 4",
    ),
    "long: one other cell": (
        _sql("UPDATE kennzahl SET z_wert = 0.5 WHERE fid = 7"),
        "kennzahl: expected the rows of mart_indikator, found 1 rows missing and 1 rows more",
    ),
    "long: other label": (
        _sql("UPDATE kennzahl SET raum_name = 'x' WHERE fid = 7"),
        "kennzahl: expected the rows of mart_indikator",
    ),
    "long: row missing": (
        _sql("DELETE FROM kennzahl WHERE fid = 7"),
        "found 1 rows missing and 0 rows more",
    ),
    "alias missing": (
        _sql("DELETE FROM gpkg_data_columns WHERE table_name = 'kennzahl'"),
        "expected kennzahl.abdeckung among its columns",
    ),
    "other alias": (
        _sql("UPDATE gpkg_data_columns SET title = 'Quote 3,1' WHERE column_name = 'sgb2_quote'"),
        "gpkg_data_columns: expected declared names and descriptions, found 6 others",
    ),
    "figure in a description": (
        _sql("UPDATE gpkg_contents SET description = description || ' 3' WHERE srs_id = 25832"),
        "gpkg_contents: expected no figures in the texts of kreis",
    ),
    "style missing": (
        _sql("DELETE FROM layer_styles WHERE styleName = 'rating'"),
        "expected kommune/rating among its styles",
    ),
    "style undeclared": (
        _sql("UPDATE layer_styles SET styleName = 'personen' WHERE id = 1"),
        "expected only declared styles, found sozialraum/personen",
    ),
    "style owner": (_sql("UPDATE layer_styles SET owner = 'mueller'"), "expected no owner"),
    "style ui": (_sql("UPDATE layer_styles SET ui = 'x' WHERE id = 3"), "expected no owner"),
    "style time": (
        _sql("UPDATE layer_styles SET update_time = '2026-01-01' WHERE id = 3"),
        "expected no owner and no time",
    ),
    "style description": (
        _sql("UPDATE layer_styles SET description = 'Median 3' WHERE id = 1"),
        "expected the name of its indicator",
    ),
    "two defaults": (_sql("UPDATE layer_styles SET useAsDefault = 1"), "expected one default"),
    "limit in QML": (
        _in_style(
            "styleQML", '"&quot;sgb2_quote&quot; &lt;= 5"', '"&quot;sgb2_quote&quot; &lt;= 6"'
        ),
        "sozialraum/sgb2_quote QML: expected the classes",
    ),
    "label in QML": (
        _in_style("styleQML", 'label="bis 5"', 'label="bis 6"'),
        "QML: expected the c",
    ),
    "word in QML": (
        _in_style("styleQML", 'label="bis 5"', 'label="bis 5 (Median 3)"'),
        "QML: expected the classes",
    ),
    "column in QML": (
        _in_style("styleQML", "&quot;sgb2_quote&quot; &gt; 20", "&quot;sgb2&quot; &gt; 20"),
        "QML: expected the classes",
    ),
    "no class for geheim": (
        _in_style("styleQML", "'geheim'", "'keiner'"),
        "QML: expected the classes",
    ),
    "geheim not hatched": (
        _in_style("styleQML", "LinePatternFill", "SimpleFill"),
        "expected Geheimhaltung and nothing else to be hatched",
    ),
    "other renderer": (
        _in_style("styleQML", "RuleRenderer", "graduatedSymbol"),
        "expected one renderer with rules",
    ),
    "element in QML": (
        _in_style("styleQML", "<aliases>", "<userNotes>3</userNotes><aliases>"),
        "QML: expected only declared elements, found userNotes",
    ),
    "alias in QML": (
        _in_style("styleQML", "Gebietsstand", "Gebietsstand (3)"),
        "expected the aliases of gpkg_data_columns",
    ),
    "expression in QML": (
        _in_style("styleQML", '"raum_name"</prev', '"sgb2_quote"</prev'),
        "expected areas to be shown by raum_name",
    ),
    "limit in SLD": (_in_style("styleSLD", ">15<", ">16<"), "SLD: expected the classes"),
    "label in SLD": (_in_style("styleSLD", "über 20", "über 21"), "SLD: expected the classes"),
    "column in SLD": (
        _in_style("styleSLD", ">sgb2_quote<", ">rang_kreis<"),
        "SLD: expected the classes",
    ),
    "project user": (
        _in_project(' projectname="', ' saveUser="mueller" projectname="'),
        "expected no user and no time of its own, found saveUser",
    ),
    "project time": (
        _sql('UPDATE qgis_projects SET metadata = \'{"last_modified_user": "mueller"}\''),
        "qgis_projects: expected no user",
    ),
    "project path": (
        _in_project('homePath path=""', 'homePath path="/home/mueller/gis"'),
        "expected no path, host or connection, found one in path",
    ),
    "project Windows path": (
        _in_project("./sozialraum.gpkg|layername=kreis<", "C:\\gis\\s.gpkg|layername=kreis<"),
        "expected no path, host or connection, found one in datasource",
    ),
    "project connection": (
        _in_project(
            "./sozialraum.gpkg|layername=kreis<", "dbname='kreis' host=db.kreis.example user='x'<"
        ),
        "expected no path, host or connection",
    ),
    "project service": (
        _in_project("./sozialraum.gpkg|layername=kreis<", "https://gis.kreis.example/wfs<"),
        "expected no path, host or connection",
    ),
    "project other file": (
        _in_project("./sozialraum.gpkg|layername=kreis<", "./andere.gpkg|layername=kreis<"),
        "expected each layer of sozialraum.gpkg once",
    ),
    "project other source in the legend": (
        _in_project('source="./sozialraum.gpkg|layername=kreis"', 'source="./x.gpkg"'),
        "expected only sources in sozialraum.gpkg, found 1",
    ),
    "project other provider": (
        _in_project('<provider encoding="UTF-8">ogr<', '<provider encoding="UTF-8">postgres<'),
        "expected only sources in sozialraum.gpkg",
    ),
    "project other limits": (
        _in_project("&quot;einwohner&quot; &lt;= 1000", "&quot;einwohner&quot; &lt;= 1001"),
        "qgis_projects layer kommune: expected the classes",
    ),
    "figure in a title": (
        _in_project("<layername>Kreise,", "<layername>Kreise (3,1),"),
        "qgis_projects: expected no figures in titles",
    ),
    "project other element": (
        _in_project("<relations>", "<Annotations>3</Annotations><relations>"),
        "expected only declared elements, found Annotations",
    ),
    "project other member": (
        _in_project("<relations>", "<relations>", member="notizen.txt"),
        "expected sozialraum.qgs alone",
    ),
    "second project": (
        _sql("INSERT INTO qgis_projects VALUES ('x', '{}', '')"),
        "expected one project sozialraum, found 2",
    ),
}


# GDAL warns of some of these inside pyogrio, where nobody can catch it
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(("tamper", "expected"), FAULTS.values(), ids=FAULTS)
def test_audit_finds_tampering(made: Made, draft: Path, tamper, expected: str):
    tamper(draft / GPKG)
    problems = _problems(made, draft)
    assert [problem for problem in problems if expected in problem], problems


def test_audit_tells_no_value(made: Made, draft: Path):
    _sql("UPDATE kennzahl SET wert = 3.14159 WHERE status = 'geheim'")(draft / GPKG)
    assert not [p for p in _problems(made, draft) if "3.14" in p or re.search(TOWN + "-", p)]


def test_styles_are_well_formed_for_other_clients(made: Made):
    styles = _asked(made.draft / GPKG, "SELECT styleQML, styleSLD FROM layer_styles")
    for qml, sld in styles:
        assert ET.fromstring(qml).tag == "qgis"
        assert sld is None or ET.fromstring(sld).get("version") == "1.1.0"
