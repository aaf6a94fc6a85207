"""An edition: its forms, its hash, its GeoPackage, its audit and the switch."""

import json
import shutil
import sqlite3
import threading
from contextlib import closing
from dataclasses import replace
from datetime import date
from hashlib import sha256
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import pytest
import shapely
from made_edition import IMPRINT, declared_tables, write_warehouse

from publication.audit import audit_files
from publication.audit import geopackage as audit_geopackage
from publication.content import content_hash
from publication.draft import write_draft
from publication.edition import current_manifest, publish
from publication.forms import geopackage
from publication.tables import PublishedColumn, PublishedTable, table_named

FACTS = {"edition_id": "2015-1", "kind": "monitoring", "region": "aachen", "gates": {"privacy": 0}}
GPKG = "sozialraum.gpkg"

TABLES = declared_tables()

COLUMNS = {
    "dim_raum": (
        "raum_id gebietsstand raumebene raum_name kommune_id kreis_id gueltig_ab gueltig_bis "
        "flaeche_km2"
    ),
    "dim_indikator": "indikator_id name art definition einheit version",
    "dim_indexklasse": "index_id name klasse rang",
    "mart_indikator": (
        "raum_id gebietsstand raumebene indikator_id klasse status stichtag version wert "
        "rang_kommune"
    ),
    "mart_index": "raum_id gebietsstand raumebene index_id klasse status stichtag index_wert",
}
"""What the rows below say; everything else is empty."""


@pytest.fixture(scope="module", autouse=True)
def _core_and_geopackage_alone():
    """Write and audit what this file is about; the other forms have files of their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("publication.draft.FORMS", (geopackage.write,))
        patch.setattr("publication.audit.FORMS", (audit_geopackage,))
        yield


NEW, OLD = date(2015, 12, 31), date(2014, 12, 31)
ONE, TWO = ("05334002-001", "2015", "sozialraum"), ("05334002-002", "2015", "sozialraum")
TOWN = ("05334002", "2015", "kommune")
ROWS = {
    "dim_raum": [
        *(
            (raum, "2015", level, f"Raum {raum}", raum[:8], "05334", date(2015, 1, 1), None, 1.25)
            for raum, level in [
                ("05334002-001", "sozialraum"),
                ("05334002-002", "sozialraum"),
                ("05334002-003", "sozialraum"),
                ("05334002-ohne", "ohne_raum"),
                ("05334002", "kommune"),
                ("05334", "kreis"),
            ]
        ),
        (ONE[0], "2010", "sozialraum", "alt", TOWN[0], "05334", date(2010, 1, 1), OLD, 1.5),
    ],
    "dim_indikator": [
        ("sgb2_quote", "SGB-II-Quote", "anteil", "Anteil der Beziehenden.", "%", 1),
        ("rating", "Einschätzung", "klasse", "Einschätzung des Jobcenters.", None, 1),
    ],
    "dim_indexklasse": [("lage", "Index lage", "mittel", 1)],
    "mart_indikator": [
        (*ONE, "sgb2_quote", "2", "ok", NEW, 1, 12.5, 1),
        (*ONE, "sgb2_quote", "1", "ok", OLD, 1, 99.0, 1),
        (*TWO, "sgb2_quote", None, "geheim", NEW, 1, None, None),
        (*TOWN, "sgb2_quote", None, "ok", NEW, 1, 9.0, None),
        (*ONE, "rating", "hoch", "ok", NEW, 1, None, None),
    ],
    "mart_index": [
        (*ONE, "lage", "mittel", "ok", NEW, 0.5),
        (*TWO, "lage", None, "geheim", NEW, None),
    ],
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a warehouse, areas and a draft, made once and copied by each test."""
    folder = tmp_path_factory.mktemp("made")
    _write_warehouse(folder / "warehouse.duckdb")
    _write_areas(folder / "areas.parquet")
    _write(folder / "warehouse.duckdb", folder / "areas.parquet", folder / "draft")
    return folder


@pytest.fixture
def warehouse(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(made / "warehouse.duckdb", tmp_path))


@pytest.fixture
def areas(made: Path) -> Path:
    return made / "areas.parquet"


@pytest.fixture
def draft(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made / "draft", tmp_path / "draft")


def _write_warehouse(path: Path) -> None:
    """Write the marts, with a column that nobody declared, and a table of persons beside them."""
    rows = {
        name: [dict(zip(COLUMNS[name].split(), row, strict=True)) for row in made]
        for name, made in ROWS.items()
    }
    write_warehouse(path, TABLES, rows)
    _sql(path, "ALTER TABLE marts.mart_index ADD COLUMN intern int")
    _sql(path, "CREATE SCHEMA persons; CREATE TABLE persons.p (n int)")


def _write_areas(path: Path, without: str = "", shift: float = 0.0) -> Path:
    rows = [row for row in ROWS["dim_raum"] if row[2] != "ohne_raum" and row[0] != without]
    boxes = [shapely.box(n + shift, 0, n + 1, 1) for n, _ in enumerate(rows)]
    table = {
        "raum_id": [row[0] for row in rows],
        "gebietsstand": [row[1] for row in rows],
        "raumebene": [row[2] for row in rows],
        "geometry": pa.array([shapely.to_wkb(box) for box in boxes], pa.binary()),
    }
    pq.write_table(pa.table(table), path)
    return path


def _write(warehouse: Path, areas: Path, folder: Path, **others) -> dict:
    arguments = {"tables": TABLES, "facts": FACTS, "imprint": IMPRINT, **others}
    return write_draft(warehouse=warehouse, areas=areas, folder=folder, **arguments)


def _manifest(folder: Path) -> dict:
    return json.loads((folder / "manifest.json").read_text("utf-8"))


def _sql(path: Path, statement: str) -> None:
    with duckdb.connect(str(path)) as con:
        con.execute(statement)


def _layer(folder: Path, level: str) -> list[dict]:
    _, rows = pyogrio.read_arrow(folder / GPKG, layer=level, read_geometry=False)
    return sorted(rows.to_pylist(), key=lambda row: row["raum_id"])


def _sign(folder: Path) -> None:
    """Make the checksums agree again, so that only the content can give a change away."""
    manifest = _manifest(folder)
    for name in manifest["files"]:
        if (folder / name).exists():
            data = (folder / name).read_bytes()
            manifest["files"][name] = {"sha256": sha256(data).hexdigest(), "bytes": len(data)}
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")


# --- the draft


def test_draft_writes_every_form_and_lists_it(draft: Path):
    manifest = _manifest(draft)
    parquet = {f"parquet/{table.name}.parquet" for table in TABLES}
    assert set(manifest["files"]) == {"marts.duckdb", GPKG, *parquet}
    assert manifest["files"][GPKG]["sha256"] == sha256((draft / GPKG).read_bytes()).hexdigest()
    assert manifest["tables"]["mart_index"]["rows"] == 2
    assert manifest["edition_id"] == "2015-1"
    assert list(manifest) == sorted(manifest)


def test_marts_hold_declared_tables_and_columns_only_with_comments(draft: Path):
    with duckdb.connect(str(draft / "marts.duckdb"), read_only=True) as con:
        tables = dict(con.execute("SELECT table_name, comment FROM duckdb_tables()").fetchall())
        columns = dict(
            con.execute(
                "SELECT column_name, comment FROM duckdb_columns() WHERE table_name = 'mart_index'"
            ).fetchall()
        )
        keys = con.execute(
            "SELECT constraint_column_names FROM duckdb_constraints() "
            "WHERE table_name = 'mart_index' AND constraint_type = 'PRIMARY KEY'"
        ).fetchall()
    assert tables == {table.name: table.description for table in TABLES}
    assert columns == {
        column.name: column.description for column in table_named(TABLES, "mart_index").columns
    }
    assert keys == [(list(table_named(TABLES, "mart_index").key),)]


def test_parquet_carries_descriptions_and_is_the_same_from_run_to_run(
    draft: Path, tmp_path: Path, warehouse: Path, areas: Path
):
    field = pq.read_schema(draft / "parquet" / "mart_index.parquet").field("klasse")
    (declared,) = (c for c in table_named(TABLES, "mart_index").columns if c.name == "klasse")
    assert field.metadata[b"description"].decode() == declared.description
    _write(warehouse, areas, tmp_path / "again")
    for name in ["parquet/mart_indikator.parquet", GPKG]:
        assert (draft / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_draft_refuses_an_existing_folder(draft: Path, warehouse: Path, areas: Path):
    with pytest.raises(FileExistsError):
        _write(warehouse, areas, draft)
    assert (draft / "manifest.json").exists()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ("DROP TABLE marts.mart_index", "no such relation"),
        ("ALTER TABLE marts.mart_index DROP klasse", "no such column"),
        ("ALTER TABLE marts.mart_index ALTER index_wert TYPE float", "type DOUBLE, found FLOAT"),
        ("INSERT INTO marts.mart_index FROM marts.mart_index", "repeated or empty keys"),
    ],
)
def test_draft_names_what_the_warehouse_lacks_and_leaves_nothing(
    tmp_path: Path, warehouse: Path, areas: Path, damage: str, message: str
):
    _sql(warehouse, damage)
    with pytest.raises(ValueError, match=message) as error:
        _write(warehouse, areas, tmp_path / "draft")
    assert "marts.mart_index" in str(error.value)
    assert "05334002" not in str(error.value)
    assert not (tmp_path / "draft").exists()


def test_draft_refuses_facts_that_it_computes(tmp_path: Path, warehouse: Path, areas: Path):
    with pytest.raises(ValueError, match="found content_hash"):
        _write(warehouse, areas, tmp_path / "draft", facts={"content_hash": "x"})


# --- the content hash


def test_hash_ignores_the_physical_order(draft: Path, tmp_path: Path, warehouse: Path, areas: Path):
    for table in TABLES:
        _sql(
            warehouse,
            f"CREATE TABLE shuffled AS FROM {table.relation} ORDER BY hash({table.key[0]}) DESC;"
            f"DELETE FROM {table.relation}; INSERT INTO {table.relation} FROM shuffled;"
            "DROP TABLE shuffled",
        )
    again = _write(warehouse, areas, tmp_path / "again")
    assert again["content_hash"] == _manifest(draft)["content_hash"]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE marts.mart_index SET index_wert = 0.5000000000000001 WHERE status = 'ok'",
        "UPDATE marts.mart_index SET klasse = '' WHERE klasse IS NULL",
        "UPDATE marts.mart_index SET klasse = 'null' WHERE klasse IS NULL",
        "DELETE FROM marts.mart_index WHERE status = 'geheim'",
    ],
)
def test_hash_tells_one_changed_value(
    draft: Path, tmp_path: Path, warehouse: Path, areas: Path, change: str
):
    _sql(warehouse, change)
    again = _write(warehouse, areas, tmp_path / "again")
    assert again["content_hash"] != _manifest(draft)["content_hash"]


def test_hash_tells_null_empty_and_the_word_null_apart(tmp_path: Path):
    table = PublishedTable(
        "t", "marts.t", "", (), tuple(PublishedColumn(c, "text", "", "fachlich") for c in "ab")
    )
    hashes = set()
    for number, row in enumerate(["NULL, 'x'", "'', 'x'", "'null', 'x'", "'x', NULL", "'x,', ''"]):
        _sql(
            tmp_path / f"{number}.duckdb",
            f"CREATE TABLE t AS SELECT * FROM (VALUES ({row})) v(a, b)",
        )
        hashes.add(content_hash(tmp_path / f"{number}.duckdb", [table]))
    assert len(hashes) == 5


def test_hash_covers_the_shapes(draft: Path, tmp_path: Path, warehouse: Path):
    moved = _write_areas(tmp_path / "moved.parquet", shift=0.25)
    again = _write(warehouse, moved, tmp_path / "again")
    assert again["content_hash"] != _manifest(draft)["content_hash"]


# --- the GeoPackage


def test_layers_are_the_levels_in_their_coordinate_system(draft: Path):
    layers = dict(pyogrio.list_layers(draft / GPKG).tolist())
    levels = ("sozialraum", "kommune", "kreis")
    assert layers == {
        **dict.fromkeys(levels, "MultiPolygon"),
        **{f"{level}_generalisiert": "MultiPolygon" for level in levels},
        **dict.fromkeys(("kennzahl", "layer_styles"), None),
    }
    assert pyogrio.read_info(draft / GPKG, layer="kreis")["crs"] == "EPSG:25832"
    with closing(sqlite3.connect(draft / GPKG)) as con:
        assert con.execute("PRAGMA user_version").fetchone() == (10300,)
        contents = con.execute("SELECT identifier, last_change FROM gpkg_contents").fetchall()
    assert {"Sozialräume", "Kommunen", "Kreise"} < {title for title, _ in contents}
    assert {changed for _, changed in contents} == {"2000-01-01T00:00:00.000Z"}


def test_layer_shows_the_newest_stichtag_and_withholds_values(draft: Path):
    first, second, third = _layer(draft, "sozialraum")
    assert first["sgb2_quote"] == 12.5
    assert first["sgb2_quote_stichtag"] == date(2015, 12, 31)
    assert first["rating_klasse"] == "hoch"
    assert (first["lage_klasse"], first["lage_status"]) == ("mittel", "ok")
    assert (second["sgb2_quote"], second["sgb2_quote_status"]) == (None, "geheim")
    assert third["raum_name"] == "Raum 05334002-003"
    assert third["sgb2_quote"] is third["sgb2_quote_status"] is third["lage_klasse"] is None
    assert {row["gebietsstand"] for row in (first, second, third)} == {"2015"}


def test_a_number_left_behind_geheim_does_not_reach_the_layer(
    tmp_path: Path, warehouse: Path, areas: Path
):
    _sql(warehouse, "UPDATE marts.mart_indikator SET wert = 3.0 WHERE status = 'geheim'")
    _write(warehouse, areas, tmp_path / "draft")
    assert _layer(tmp_path / "draft", "sozialraum")[1]["sgb2_quote"] is None
    problems = audit_files(tmp_path / "draft", TABLES)
    assert any("mart_indikator.wert" in problem for problem in problems)


def test_layers_hold_no_rank(draft: Path):
    for level in ("sozialraum", "kommune", "kreis"):
        assert not [name for name in _layer(draft, level)[0] if "rang" in name]


def test_columns_have_german_aliases_and_definitions(draft: Path):
    with closing(sqlite3.connect(draft / GPKG)) as con:
        labels = {
            column: (title, description)
            for column, title, description in con.execute(
                "SELECT column_name, title, description FROM gpkg_data_columns "
                "WHERE table_name = 'kommune'"
            )
        }
        extensions = con.execute(
            "SELECT table_name FROM gpkg_extensions WHERE extension_name = 'gpkg_schema'"
        ).fetchall()
    assert labels["sgb2_quote"] == ("SGB-II-Quote (%)", "Anteil der Beziehenden.")
    assert labels["flaeche_km2"][0] == "Fläche (km²)"
    assert set(labels) == set(_layer(draft, "kommune")[0])
    assert ("gpkg_data_columns",) in extensions


def test_value_for_experts_only_stops_the_geopackage(tmp_path: Path, warehouse: Path, areas: Path):
    closed = tuple(
        replace(column, audience="fachlich") for column in table_named(TABLES, "mart_index").columns
    )
    tables = [
        replace(table, columns=closed) if table.name == "mart_index" else table for table in TABLES
    ]
    with pytest.raises(ValueError, match="mart_index: expected columns for everyone"):
        _write(warehouse, areas, tmp_path / "draft", tables=tables)


def test_area_without_shape_is_named_by_its_level(tmp_path: Path, warehouse: Path):
    areas = _write_areas(tmp_path / "few.parquet", without="05334")
    with pytest.raises(ValueError, match="kreis: 1 without"):
        _write(warehouse, areas, tmp_path / "draft")


# --- the audit


def test_audit_of_a_good_draft_is_empty(draft: Path):
    assert audit_files(draft, TABLES) == []


def _extra_file(folder: Path) -> None:
    (folder / "notes.csv").write_text("x", "utf-8")


def _missing_file(folder: Path) -> None:
    (folder / "parquet" / "dim_raum.parquet").unlink()


def _changed_byte(folder: Path) -> None:
    path = folder / "parquet" / "dim_raum.parquet"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def _broken_marts(folder: Path) -> None:
    (folder / "marts.duckdb").write_bytes(b"0" * 4096)
    _sign(folder)


def _extra_parquet_column(folder: Path) -> None:
    path = folder / "parquet" / "mart_index.parquet"
    rows = pq.read_table(path)
    pq.write_table(rows.append_column("anzahl", pa.array([1] * len(rows))), path)
    _sign(folder)


def _other_parquet_rows(folder: Path) -> None:
    path = folder / "parquet" / "mart_index.parquet"
    pq.write_table(pq.read_table(path).slice(1), path)
    _sign(folder)


def _extra_mart(folder: Path) -> None:
    _sql(folder / "marts.duckdb", "CREATE TABLE persons (n int)")
    _sign(folder)


def _other_mart_value(folder: Path) -> None:
    _sql(folder / "marts.duckdb", "UPDATE mart_index SET index_wert = 1 WHERE status = 'ok'")
    _sign(folder)


def _in_gpkg(folder: Path, statement: str) -> None:
    with closing(sqlite3.connect(folder / GPKG)) as con, con:
        # the triggers of the spatial index ask for these, which GDAL brings along
        for function in ("ST_IsEmpty", "ST_MinX", "ST_MaxX", "ST_MinY", "ST_MaxY"):
            con.create_function(function, 1, lambda _: 0)
        con.execute(statement)
    _sign(folder)


def _number_behind_geheim(folder: Path) -> None:
    _in_gpkg(folder, "UPDATE sozialraum SET sgb2_quote = 3 WHERE sgb2_quote_status = 'geheim'")


def _number_without_status(folder: Path) -> None:
    _in_gpkg(folder, "UPDATE kreis SET sgb2_quote = 3")


def _class_behind_geheim(folder: Path) -> None:
    _in_gpkg(folder, "UPDATE sozialraum SET lage_klasse = 'hoch' WHERE lage_status = 'geheim'")


def _rank_in_gpkg(folder: Path) -> None:
    _in_gpkg(folder, "ALTER TABLE sozialraum ADD rang_kommune INTEGER")


def _hidden_table(folder: Path) -> None:
    _in_gpkg(folder, "CREATE TABLE persons (n INTEGER)")


def _missing_area(folder: Path) -> None:
    _, rows = pyogrio.read_arrow(folder / GPKG, layer="sozialraum")
    pyogrio.write_arrow(
        rows.slice(1),
        folder / GPKG,
        layer="sozialraum",
        driver="GPKG",
        append=False,
        crs="EPSG:25832",
        geometry_name="geom",
        geometry_type="MultiPolygon",
        layer_options={"OVERWRITE": "YES"},
    )
    _sign(folder)


def _missing_layer(folder: Path) -> None:
    _in_gpkg(folder, "DELETE FROM gpkg_geometry_columns WHERE table_name = 'kreis'")
    _in_gpkg(folder, "DELETE FROM gpkg_contents WHERE table_name = 'kreis'")


def _other_crs(folder: Path) -> None:
    _in_gpkg(folder, "UPDATE gpkg_geometry_columns SET srs_id = 4326 WHERE table_name = 'kreis'")


def _path_in_manifest(folder: Path) -> None:
    manifest = _manifest(folder)
    manifest["deliveries"] = [{"file": "/home/someone/inbox/a.csv"}]
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")


def _other_row_count(folder: Path) -> None:
    manifest = _manifest(folder)
    manifest["tables"]["mart_index"]["rows"] += 1
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")


@pytest.mark.parametrize(
    ("tamper", "expected"),
    [
        (_extra_file, "notes.csv: expected only files listed"),
        (_missing_file, "parquet/dim_raum.parquet: expected as listed"),
        (_changed_byte, "parquet/dim_raum.parquet: expected size and SHA-256"),
        (_broken_marts, "marts.duckdb: expected files that can be read"),
        (_extra_parquet_column, "parquet/mart_index.parquet: expected only declared columns"),
        (_other_parquet_rows, "found 1 rows missing and 0 rows more"),
        (_extra_mart, "marts.duckdb: expected only declared tables, found persons"),
        (_other_mart_value, "marts.duckdb: expected the content_hash"),
        (_number_behind_geheim, "layer sozialraum, column sgb2_quote: expected no value"),
        (_number_without_status, "layer kreis, column sgb2_quote: expected no value"),
        (_class_behind_geheim, "layer sozialraum, column lage_klasse: expected no value"),
        (_rank_in_gpkg, "layer sozialraum: expected only declared columns, found rang_kommune"),
        (_hidden_table, "expected no tables but its layers, found persons"),
        (_missing_area, "layer sozialraum: expected each area"),
        (_missing_layer, "expected kreis among its layers"),
        (_other_crs, "layer kreis: expected EPSG:25832"),
        (_path_in_manifest, "found one at deliveries[0].file"),
        (_other_row_count, "manifest.json mart_index: expected 2 rows"),
    ],
)
def test_audit_finds_tampering(draft: Path, tamper, expected: str):
    tamper(draft)
    problems = audit_files(draft, TABLES)
    assert [problem for problem in problems if expected in problem], problems


# --- the switch


def _copies(draft: Path, tmp_path: Path, number: int) -> list[tuple[str, Path]]:
    """Return drafts that differ in their id only, small enough to switch a hundred of them."""
    copies = []
    for n in range(number):
        folder = tmp_path / "drafts" / f"e{n:03}"
        folder.mkdir(parents=True)
        facts = {**_manifest(draft), "edition_id": folder.name}
        (folder / "manifest.json").write_text(json.dumps(facts), "utf-8")
        shutil.copy(draft / GPKG, folder)
        copies.append((folder.name, folder))
    return copies


def test_publish_moves_seals_and_switches(draft: Path, tmp_path: Path):
    published = tmp_path / "published"
    assert current_manifest(published) is None
    target = publish(draft, published, "2015-1")
    assert target == published / "2015-1"
    assert not draft.exists()
    assert (published / "current").readlink() == Path("2015-1")
    assert current_manifest(published)["edition_id"] == "2015-1"
    modes = {path.stat().st_mode & 0o777 for path in target.rglob("*") if path.is_file()}
    assert modes == {0o444}
    assert audit_files(published / "current", TABLES) == []


def test_readers_see_an_edition_at_every_moment(draft: Path, tmp_path: Path):
    published = tmp_path / "published"
    (first, folder), *others = _copies(draft, tmp_path, 101)
    publish(folder, published, first)
    seen, failures, done = [], [], threading.Event()

    def poll() -> None:
        while not done.is_set():
            try:
                seen.append(current_manifest(published)["edition_id"])
            except Exception as error:
                failures.append(error)

    reader = threading.Thread(target=poll)
    reader.start()
    for edition_id, folder in others:
        publish(folder, published, edition_id)
    done.set()
    reader.join()
    assert failures == []
    assert seen == sorted(seen)
    assert len(set(seen)) > 1


def test_failed_switch_leaves_current_and_draft(draft: Path, tmp_path: Path, monkeypatch):
    published = tmp_path / "published"
    (first, one), (second, two) = _copies(draft, tmp_path, 2)
    publish(one, published, first)
    real = Path.replace

    def failing(self: Path, target: Path) -> Path:
        if Path(target).name == "current":
            raise OSError("disk full")
        return real(self, target)

    monkeypatch.setattr(Path, "replace", failing)
    with pytest.raises(OSError, match="disk full"):
        publish(two, published, second)
    assert current_manifest(published)["edition_id"] == first
    assert sorted(path.name for path in published.iterdir()) == ["current", first]
    monkeypatch.undo()
    publish(two, published, second)
    assert current_manifest(published)["edition_id"] == second


@pytest.mark.parametrize("edition_id", ["", "current", ".hidden", "a/b", ".."])
def test_publish_refuses_ids_that_are_no_folder_names(draft: Path, tmp_path: Path, edition_id: str):
    with pytest.raises(ValueError, match="edition id"):
        publish(draft, tmp_path / "published", edition_id)
    assert draft.exists()


def test_publish_refuses_what_is_unfinished_published_or_another(draft: Path, tmp_path: Path):
    published = tmp_path / "published"
    (first, one), (second, two) = _copies(draft, tmp_path, 2)
    with pytest.raises(ValueError, match="expected edition_id 'e000'"):
        publish(two, published, first)
    publish(one, published, first)
    (two / "manifest.json").unlink()
    with pytest.raises(FileNotFoundError, match="finish the draft"):
        publish(two, published, second)
    shutil.copytree(published / first, tmp_path / "twice")
    with pytest.raises(FileExistsError, match="edition e000"):
        publish(tmp_path / "twice", published, first)
    assert current_manifest(published)["edition_id"] == first
