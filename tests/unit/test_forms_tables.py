"""GeoParquet and CSV: read back with the clients that people use, and audited."""

import csv
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from hashlib import sha256
from pathlib import Path

import duckdb
import geopandas
import made_edition
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import pytest
import shapely

from publication.audit import datapackage as csv_audit
from publication.audit import geoparquet as parquet_audit
from publication.forms import datapackage, geoparquet
from publication.imprint import Imprint
from publication.material import Finished, Material

EXACT = "geoparquet/sozialraum.parquet"
SIMPLE = "geoparquet/sozialraum_generalisiert.parquet"
SECRET, SMALL = "05334002-002", "05334002-003"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> made_edition.Made:
    return made_edition.make(tmp_path_factory.mktemp("made"))


@pytest.fixture
def draft(made: made_edition.Made, tmp_path: Path) -> Path:
    """Return a copy of what these audits read."""
    folder = tmp_path / "draft"
    for name in ("geoparquet", "csv"):
        shutil.copytree(made.draft / name, folder / name)
    for name in ("marts.duckdb", "manifest.json", "sozialraum.gpkg"):
        shutil.copy(made.draft / name, folder)
    return folder


def finished(folder: Path, made: made_edition.Made) -> Finished:
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    return Finished(folder, made.tables, manifest, Imprint.of(manifest))


def material(folder: Path, made: made_edition.Made) -> Material:
    from publication.layers import area_shapes

    shapes = area_shapes(folder / "marts.duckdb", made.areas)
    return Material(folder, made.tables, shapes, made.areas, made.imprint, made_edition.FACTS)


# GeoParquet


def test_geopandas_reads_areas_values_and_shapes(made: made_edition.Made) -> None:
    rows = geopandas.read_parquet(made.draft / EXACT).set_index("raum_id")
    assert rows.crs.to_epsg() == 25832
    assert len(rows) == 6
    assert rows.loc["05334002-002", "raum_name"] == 'Am "Roten Haag" & <Markt>'
    assert rows.loc["05334002-001", "einwohner"] == 1030.0
    assert rows.loc["05334002-001", "einwohner_stichtag"] == date(2015, 12, 31)
    assert rows.loc["05334002-001"].geometry.area == pytest.approx(4e6)
    assert set(rows.geom_type) == {"MultiPolygon"}
    assert geopandas.read_parquet(made.draft / "geoparquet/kommune.parquet")["raum_name"].tolist()[
        1
    ] == (made_edition.LONG_NAME)


def test_withheld_cells_are_empty_with_their_status(made: made_edition.Made) -> None:
    rows = geopandas.read_parquet(made.draft / EXACT).set_index("raum_id")
    assert rows.loc[SECRET, "sgb2_quote_status"] == "geheim"
    assert rows.loc[SMALL, "sgb2_quote_status"] == "zu_klein"
    assert rows.loc[[SECRET, SMALL], "sgb2_quote"].isna().all()
    assert rows.loc[SECRET, "lage_klasse"] is None or rows.isna().loc[SECRET, "lage_klasse"]


def test_duckdb_reads_with_the_types_of_the_marts(made: made_edition.Made) -> None:
    path = str(made.draft / EXACT)
    with duckdb.connect() as con:
        con.execute(
            "SET autoinstall_known_extensions = false; SET autoload_known_extensions = false"
        )
        kinds = dict(
            row[:2] for row in con.execute("DESCRIBE FROM read_parquet(?)", [path]).fetchall()
        )
        (found,) = con.execute(
            "SELECT count(*) FROM read_parquet(?) WHERE einwohner > 2000 AND bbox.xmin < 292000",
            [path],
        ).fetchone()
    assert kinds["sgb2_quote"] == "DOUBLE"
    assert kinds["sgb2_quote_stichtag"] == "DATE"
    assert kinds["raum_id"] == "VARCHAR"
    assert found == 2  # of the western column, whose people are 1030, 3030 and 5030


def test_columns_carry_german_descriptions_and_the_file_its_licence(
    made: made_edition.Made,
) -> None:
    schema = pq.read_schema(made.draft / EXACT)
    quote = schema.field("sgb2_quote").metadata
    assert quote[b"description"].decode() == "Definition von SGB-II-Quote."
    assert quote[b"alias"].decode() == "SGB-II-Quote (%)"
    assert schema.field("raum_id").metadata[b"alias"].decode() == "Kennung des Raums"
    assert all(field.metadata[b"description"] for field in schema)
    told = {key.decode(): value.decode() for key, value in schema.metadata.items()}
    assert told["title"] == "Sozialraumdaten für Prüfungen: Sozialräume"
    assert told["licence"] == "dl-by-de/2.0"
    assert told["attribution"] == "StädteRegion (gemacht)"
    geo = json.loads(told["geo"])
    assert geo["version"] == "1.1.0"
    assert geo["columns"]["geometry"]["covering"]["bbox"]["xmin"] == ["bbox", "xmin"]


def test_simplified_shapes_have_fewer_points_and_leave_no_gap(made: made_edition.Made) -> None:
    exact, simple = (geopandas.read_parquet(made.draft / name) for name in (EXACT, SIMPLE))
    points = [shapely.get_num_coordinates(rows.geometry.array).sum() for rows in (exact, simple)]
    assert points[1] < points[0] / 5
    assert simple.union_all().area == pytest.approx(exact.union_all().area)
    assert simple.drop(columns="geometry").equals(exact.drop(columns="geometry"))


def test_parquet_is_the_same_bytes_again(made: made_edition.Made, draft: Path) -> None:
    before = {path.name: path.read_bytes() for path in (draft / "geoparquet").iterdir()}
    shutil.rmtree(draft / "geoparquet")
    geoparquet.write(material(draft, made))
    assert {path.name: path.read_bytes() for path in (draft / "geoparquet").iterdir()} == before
    assert len(before) == 6


def test_a_finished_edition_passes(made: made_edition.Made) -> None:
    told = finished(made.draft, made)
    for audit in (parquet_audit, csv_audit):
        assert list(audit.check(told)) == []
        assert all((made.draft / name).is_file() for name in audit.names(told))
    files = {
        path.relative_to(made.draft).as_posix()
        for folder in ("geoparquet", "csv")
        for path in (made.draft / folder).iterdir()
    }
    assert files == parquet_audit.names(told) | csv_audit.names(told)


def _cell(column: str, place: int, value: object) -> Callable[[pa.Table], pa.Table]:
    def change(rows: pa.Table) -> pa.Table:
        cells = rows.column(column).to_pylist()
        cells[place] = value
        where = rows.schema.get_field_index(column)
        return rows.set_column(where, rows.field(where), pa.array(cells, rows.field(where).type))

    return change


def _swapped(rows: pa.Table) -> pa.Table:
    order = [1, 0, *range(2, len(rows))]
    where = rows.schema.get_field_index("geometry")
    return rows.set_column(where, rows.field(where), rows.column("geometry").take(order))


def _points(rows: pa.Table) -> pa.Table:
    points = shapely.to_wkb(shapely.centroid(shapely.from_wkb(rows.column("geometry").to_numpy())))
    where = rows.schema.get_field_index("geometry")
    return rows.set_column(where, rows.field(where), pa.array(points, pa.binary()))


def _told(key: bytes, old: bytes, new: bytes) -> Callable[[pa.Table], pa.Table]:
    def change(rows: pa.Table) -> pa.Table:
        told = rows.schema.metadata
        return rows.replace_schema_metadata({**told, key: told[key].replace(old, new)})

    return change


def _silent(rows: pa.Table) -> pa.Table:
    return rows.cast(
        pa.schema([field.remove_metadata() for field in rows.schema], rows.schema.metadata)
    )


FAULTS = {
    "another value": (EXACT, _cell("einwohner", 0, 1031.0), "expected value, status and stichtag"),
    "a withheld value": (EXACT, _cell("sgb2_quote", 1, 9.0), "where the status in mart_indikator"),
    "another status": (EXACT, _cell("sgb2_quote_status", 1, "ok"), "expected value, status"),
    "another day": (EXACT, _cell("lage_stichtag", 0, date(2014, 1, 1)), "expected value, status"),
    "another class": (EXACT, _cell("lage_klasse", 0, "hoch"), "expected value, status"),
    "another name": (EXACT, _cell("raum_name", 0, "Anderswo"), "each area of dim_raum"),
    "a value in the simple one": (SIMPLE, _cell("einwohner", 0, 1.0), "cells of the exact layer"),
    "an area twice": (
        EXACT,
        lambda rows: pa.concat_tables([rows, rows[:1]]),
        "each area of dim_raum",
    ),
    "an area less": (EXACT, lambda rows: rows[1:], "each area of dim_raum"),
    "a rank": (
        EXACT,
        lambda rows: rows.append_column("rang_kreis", pa.array(range(len(rows)))),
        "expected only declared columns, found rang_kreis",
    ),
    "swapped shapes": (EXACT, _swapped, "expected the shapes of sozialraum.gpkg, found 2"),
    "swapped simple shapes": (SIMPLE, _swapped, "expected the shapes of sozialraum.gpkg, found 2"),
    "points": (EXACT, _points, "expected multipolygons only, found 6"),
    "another system": (EXACT, _told(b"geo", b"25832", b"25833"), "expected EPSG:25832"),
    "another version": (EXACT, _told(b"geo", b'"1.1.0"', b'"1.0.0"'), "expected GeoParquet 1.1.0"),
    "a path": (EXACT, _told(b"title", b"Sozial", b"/home/someone/"), "no path of a machine"),
    "no descriptions": (EXACT, _silent, "expected a description of each column"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_in_parquet_is_found(
    fault: str, made: made_edition.Made, draft: Path
) -> None:
    name, change, expected = FAULTS[fault]
    pq.write_table(change(pq.ParquetFile(draft / name).read()), draft / name)
    problems = list(parquet_audit.check(finished(draft, made)))
    assert any(problem.startswith(name) and expected in problem for problem in problems), problems


def test_parquet_and_geopackage_show_the_same(made: made_edition.Made) -> None:
    theirs = pyogrio.read_dataframe(made.draft / "sozialraum.gpkg", layer="sozialraum")
    ours = geopandas.read_parquet(made.draft / EXACT)
    for column in ("raum_id", "einwohner", "sgb2_quote_status", "lage_klasse"):
        assert ours[column].astype(object).where(ours[column].notna(), None).tolist() == (
            theirs[column].astype(object).where(theirs[column].notna(), None).tolist()
        )
    assert ours.geometry.geom_equals(theirs.geometry).all()


# CSV and its package


def test_frictionless_finds_the_package_valid(made: made_edition.Made) -> None:
    frictionless = pytest.importorskip("frictionless")
    report = frictionless.validate(str(made.draft / "csv/datapackage.json"))
    assert report.valid, report.flatten(["type", "message"])
    assert {task.name for task in report.tasks} == {
        table.name for table in made.tables if table.public_columns()
    }


def test_frictionless_reads_keys_as_text_and_empty_as_nothing(made: made_edition.Made) -> None:
    frictionless = pytest.importorskip("frictionless")
    package = frictionless.Package(str(made.draft / "csv/datapackage.json"))
    figures = package.get_resource("mart_indikator").read_rows()
    cells = {
        (row["raum_id"], row["indikator_id"]): row
        for row in figures
        if row["stichtag"] == date(2015, 12, 31)
    }
    assert float(cells["05334002-001", "einwohner"]["wert"]) == 1030.0
    assert cells[SECRET, "sgb2_quote"]["wert"] is None
    assert cells[SECRET, "sgb2_quote"]["zaehler"] is None
    assert cells[SECRET, "sgb2_quote"]["status"] == "geheim"
    names = {
        row["raum_id"]: row["raum_name"] for row in package.get_resource("dim_raum").read_rows()
    }
    assert names["05334002-003"] == made_edition.NAMES["05334002-003"]
    statement = package.get_resource("dim_stellungnahme").read_rows()[0]
    assert statement["text"].endswith("\n\nZweiter Absatz <mit> Zeichen.")


def test_the_package_says_who_what_and_how(made: made_edition.Made) -> None:
    package = json.loads((made.draft / "csv/datapackage.json").read_text("utf-8"))
    assert package["version"] == "aachen-20151231T120000000000Z"
    assert package["contributors"][0]["role"] == "publisher"
    assert package["licenses"][0]["path"] == "https://www.govdata.de/dl-de/by-2-0"
    resources = {resource["name"]: resource for resource in package["resources"]}
    figures = resources["mart_indikator"]
    content = (made.draft / "csv/mart_indikator.csv").read_bytes()
    assert figures["hash"] == f"sha256:{sha256(content).hexdigest()}"
    assert figures["bytes"] == len(content)
    fields = {field["name"]: field for field in figures["schema"]["fields"]}
    assert fields["raum_id"]["type"] == "string"
    assert fields["stichtag"]["type"] == "date"
    assert fields["zaehler"]["type"] == "integer"
    assert fields["status"]["constraints"]["required"]
    assert "geheim" in fields["status"]["constraints"]["enum"]
    assert figures["schema"]["primaryKey"] == [
        *("raum_id", "gebietsstand", "stichtag", "indikator_id", "version")
    ]
    assert [key["reference"]["resource"] for key in figures["schema"]["foreignKeys"]] == [
        *("dim_raum", "dim_indikator")
    ]


def test_no_rank_is_public_and_no_key_is_told_that_lacks_it(made: made_edition.Made) -> None:
    package = json.loads((made.draft / "csv/datapackage.json").read_text("utf-8"))
    resources = {resource["name"]: resource for resource in package["resources"]}
    assert not any(
        field["name"].startswith(("rang_", "quintil"))
        for resource in resources.values()
        for field in resource["schema"]["fields"]
    )
    peers = resources["mart_vergleichsraum"]["schema"]
    assert "rang" not in [field["name"] for field in peers["fields"]]
    assert "primaryKey" not in peers
    assert "mart_datentableau" not in resources  # nothing in it is for everyone
    assert not (made.draft / "csv/mart_datentableau.csv").exists()


def test_a_reference_that_does_not_hold_is_not_told(made: made_edition.Made, draft: Path) -> None:
    with duckdb.connect(str(draft / "marts.duckdb")) as con:
        con.execute("UPDATE mart_reihe SET version = 7 WHERE raum_id = '05334'")
    shutil.rmtree(draft / "csv")
    datapackage.write(material(draft, made))
    package = json.loads((draft / "csv/datapackage.json").read_text("utf-8"))
    (series,) = [entry for entry in package["resources"] if entry["name"] == "mart_reihe"]
    told = [key["reference"]["resource"] for key in series["schema"]["foreignKeys"]]
    assert told == ["dim_raum"]


CALCULATED = (
    "=1+1",
    "@SUM(A1)",
    "+cmd|' /C calc'!A0",
    "-2+3+cmd|' /C calc'!A0",
    ' =HYPERLINK("https://kreis.example")',
    "\t=1+1",
)
HARMLESS = ("+/-", "-", "- erstens\n- zweitens", "a = b", "-3,5 Punkte", "(-1)", 'sagt "="')


def _hints(draft: Path, texts: tuple[str, ...]) -> None:
    with duckdb.connect(str(draft / "marts.duckdb")) as con:
        con.execute("DELETE FROM mart_hinweis")
        con.executemany(
            "INSERT INTO mart_hinweis (hinweis_id, raum_id, indikator_id, text) "
            "VALUES (?, '05334002-001', 'einwohner', ?)",
            [(f"h{place:02d}", text) for place, text in enumerate(texts)],
        )


def test_a_text_that_a_spreadsheet_would_calculate_is_refused(
    made: made_edition.Made, draft: Path
) -> None:
    hints = tuple(table for table in made.tables if table.name == "mart_hinweis")
    only = replace(material(draft, made), tables=hints)
    for text in CALCULATED:
        shutil.rmtree(draft / "csv")
        _hints(draft, (text,))
        with pytest.raises(
            ValueError, match=r"mart_hinweis\.text: expected no text .* found 1"
        ) as told:
            datapackage.write(only)
        assert text not in str(told.value)


def test_a_text_that_calls_nothing_is_written_as_it_is(
    made: made_edition.Made, draft: Path
) -> None:
    _hints(draft, HARMLESS)
    shutil.rmtree(draft / "csv")
    datapackage.write(material(draft, made))
    assert list(csv_audit.check(finished(draft, made))) == []
    with (draft / "csv/mart_hinweis.csv").open(encoding="utf-8", newline="") as file:
        assert tuple(row["text"] for row in csv.DictReader(file)) == HARMLESS


def test_nothing_and_an_empty_text_stay_apart(made: made_edition.Made, draft: Path) -> None:
    with duckdb.connect(str(draft / "marts.duckdb")) as con:
        con.execute("UPDATE dim_indikator SET quelle = '' WHERE indikator_id = 'einwohner'")
        con.execute("UPDATE dim_indikator SET quelle = NULL WHERE indikator_id = 'rating'")
    shutil.rmtree(draft / "csv")
    datapackage.write(material(draft, made))
    assert list(csv_audit.check(finished(draft, made))) == []
    rewritten = (draft / "csv/dim_indikator.csv").read_text("utf-8").replace('""', "")
    (draft / "csv/dim_indikator.csv").write_text(rewritten, "utf-8")
    assert any("1 rows missing" in told for told in csv_audit.check(finished(draft, made)))


def test_a_type_without_a_word_is_refused(made: made_edition.Made, draft: Path) -> None:
    (table,) = [table for table in made.tables if table.name == "dim_altersgrenze"]
    strange = replace(
        table, columns=(replace(table.columns[0], type="interval"), *table.columns[1:])
    )
    shutil.rmtree(draft / "csv")
    with pytest.raises(ValueError, match=r"dim_altersgrenze\.geburtsjahr_von: .* found interval"):
        datapackage.write(replace(material(draft, made), tables=(strange,)))


def test_csv_is_the_same_bytes_again(made: made_edition.Made, draft: Path) -> None:
    before = {path.name: path.read_bytes() for path in (draft / "csv").iterdir()}
    shutil.rmtree(draft / "csv")
    datapackage.write(material(draft, made))
    assert {path.name: path.read_bytes() for path in (draft / "csv").iterdir()} == before


def _text(name: str, old: str, new: str) -> Callable[[Path], None]:
    def change(draft: Path) -> None:
        text = (draft / name).read_text("utf-8")
        assert old in text
        (draft / name).write_text(text.replace(old, new, 1), "utf-8")

    return change


def _package(resource: str, change: Callable[[dict], None]) -> Callable[[Path], None]:
    def rewrite(draft: Path) -> None:
        path = draft / "csv/datapackage.json"
        package = json.loads(path.read_text("utf-8"))
        (found,) = [entry for entry in package["resources"] if entry["name"] == resource]
        change(found)
        path.write_text(json.dumps(package), "utf-8")

    return rewrite


def _field(name: str, **told: object) -> Callable[[dict], None]:
    def change(resource: dict) -> None:
        (field,) = [entry for entry in resource["schema"]["fields"] if entry["name"] == name]
        field.update(told)

    return change


def _repeat_a_line(draft: Path) -> None:
    path = draft / "csv/mart_indikator.csv"
    lines = path.read_text("utf-8").splitlines(keepends=True)
    path.write_text("".join([*lines, lines[-1]]), "utf-8")


def _reverse_columns(draft: Path) -> None:
    path = draft / "csv/mart_umrechnung.csv"
    lines = [line.split(",") for line in path.read_text("utf-8").splitlines()]
    path.write_text("".join(",".join(reversed(line)) + "\n" for line in lines), "utf-8")


def _another_resource(draft: Path) -> None:
    path = draft / "csv/datapackage.json"
    package = json.loads(path.read_text("utf-8"))
    package["resources"].append({"name": "personen", "path": "personen.csv"})
    path.write_text(json.dumps(package), "utf-8")


PACKAGE = "csv/datapackage.json"
CSV_FAULTS = {
    "another value": (_text("csv/mart_indikator.csv", "1030.0", "1031.0"), "1 rows missing and 1"),
    "another text": (_text("csv/mart_hinweis.csv", "große", "kleine"), "1 rows missing and 1"),
    "a row twice": (_repeat_a_line, "0 rows missing and 1 rows more"),
    "a rank": (
        _text("csv/mart_index.csv", "teile", "rang"),
        "expected only declared columns, found rang",
    ),
    "another order": (_reverse_columns, "in declared order"),
    "a formula": (_text("csv/mart_hinweis.csv", "In diesem", "=In diesem"), "takes for a formula"),
    "another size": (_package("dim_raum", lambda told: told.update(bytes=1)), "size and SHA-256"),
    "another hash": (
        _package("dim_raum", lambda told: told.update(hash="sha256:0")),
        "size and SHA-256",
    ),
    "another path": (
        _package("dim_raum", lambda told: told.update(path="../x")),
        "the path of its CSV",
    ),
    "a key as number": (
        _package("dim_raum", _field("raum_id", type="integer")),
        "a type for VARCHAR",
    ),
    "another description": (
        _package("dim_raum", _field("raum_id", description="x")),
        "description of the column",
    ),
    "a key too small": (
        _package("mart_reihe", lambda told: told["schema"].update(primaryKey=["raum_id"])),
        "expected the key of the table",
    ),
    "a key without its rank": (
        _package("mart_vergleichsraum", lambda told: told["schema"].update(primaryKey=["raum_id"])),
        "expected the key of the table",
    ),
    "a value that is required": (
        _package("mart_indikator", _field("wert", constraints={"required": True})),
        "expected a value in each row",
    ),
    "another status": (
        _package("mart_indikator", _field("status", constraints={"enum": ["ok"]})),
        "expected the agreed statuses",
    ),
    "zero for nothing": (
        _package("mart_indikator", lambda told: told["schema"].update(missingValues=["", "0"])),
        "stand for a missing value",
    ),
    "a resource more": (_another_resource, "expected only declared resources, found personen"),
    "another version": (
        _text(PACKAGE, '"version": "aachen', '"version": "bonn'),
        "expected the version",
    ),
    "another licence": (
        _text(PACKAGE, "govdata.de/dl-de", "govdata.de/cc"),
        "expected the licence",
    ),
    "a path of a machine": (
        _text(PACKAGE, "Gemachte Daten", "/home/x/Daten"),
        "no path of a machine",
    ),
}


@pytest.mark.parametrize("fault", CSV_FAULTS)
def test_a_planted_fault_in_csv_is_found(fault: str, made: made_edition.Made, draft: Path) -> None:
    change, expected = CSV_FAULTS[fault]
    change(draft)
    problems = list(csv_audit.check(finished(draft, made)))
    assert any(expected in problem for problem in problems), problems


def test_a_reference_to_what_is_not_there_is_found(made: made_edition.Made, draft: Path) -> None:
    with duckdb.connect(str(draft / "marts.duckdb")) as con:
        con.execute("DELETE FROM dim_indikator WHERE indikator_id = 'rating'")
    problems = list(csv_audit.check(finished(draft, made)))
    assert any(
        "mart_reihe: expected each row to refer to one of dim_indikator" in p for p in problems
    )


def test_a_damaged_file_is_a_problem_without_its_values(
    made: made_edition.Made, draft: Path
) -> None:
    from publication.audit import audit_files

    _text("csv/mart_indikator.csv", "1030.0", "geheim")(draft)
    (problem,) = [
        told for told in audit_files(draft, made.tables) if told.startswith("datapackage:")
    ]
    assert problem.endswith("found ArrowInvalid")
