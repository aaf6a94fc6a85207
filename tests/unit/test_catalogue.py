"""The catalogue of an edition: what portals, planners and auditors read in it."""

import csv
import importlib.util
import json
import shutil
import subprocess
import sys
import warnings
from dataclasses import replace
from datetime import date
from pathlib import Path
from uuid import UUID, uuid5

import duckdb
import made_edition
import pyarrow.parquet as pq
import pytest
import shapely
from lxml import etree
from made_edition import DAYS, IMPRINT, KREIS, NEW, TOWN, VILLAGE

from publication.audit import audit_files
from publication.audit import catalogue as audit
from publication.draft import write_draft
from publication.material import Finished

LATER = date(2016, 12, 31)
A, B, C = (f"{TOWN}-00{n}" for n in (1, 2, 3))
D, E, F = (f"{VILLAGE}-00{n}" for n in (1, 2, 3))

# What the second edition says otherwise: (area, indicator, days) -> status
WITHHELD_NOW = {(A, "anteil_ab_65", DAYS): "geheim", (E, "betreuungsquote", DAYS[:2]): "geheim"}
SHOWN_NOW = (E, "rating")  # was nicht_freigegeben
DELIVERED_NOW = (D, "betreuungsquote")  # was nicht_geliefert
REVISED = (B, "einwohner", NEW)


@pytest.fixture(scope="module")
def first(tmp_path_factory) -> made_edition.Made:
    return made_edition.make(tmp_path_factory.mktemp("first"))


@pytest.fixture(scope="module")
def second(first, tmp_path_factory) -> made_edition.Made:
    """Another edition of the same county: boundaries of 2010 as they were, and other figures."""
    folder = tmp_path_factory.mktemp("second")
    before = json.loads((first.draft / "manifest.json").read_text("utf-8"))
    rows = made_edition.made_rows()
    _change(rows, before["content_hash"][:16])
    warehouse, areas = folder / "warehouse.duckdb", folder / "areas.parquet"
    made_edition.write_warehouse(warehouse, first.tables, rows)
    made_edition.write_areas(areas, rows["dim_raum"])
    _redraw(areas)
    facts = {**made_edition.FACTS, "edition_id": "aachen-2", "created_at": "2027-02-01T08:00:00Z"}
    write_draft(
        warehouse=warehouse,
        tables=first.tables,
        areas=areas,
        folder=folder / "draft",
        facts=facts,
        imprint=IMPRINT,
        previous=first.draft,
    )
    return made_edition.Made(warehouse, areas, folder / "draft", IMPRINT, first.tables)


TOLD = ("zaehler", "nenner", "wert", "untergrenze", "obergrenze", "auffaellig", "richtung")
"""What stands beside a status that shows it."""


def _change(rows: dict[str, list[dict]], edition: str) -> None:
    figures = rows["mart_indikator"]
    for row in figures:
        key = (row["raum_id"], row["indikator_id"])
        for (area, indicator, days), status in WITHHELD_NOW.items():
            if key == (area, indicator) and row["stichtag"] in days:
                row.update(dict.fromkeys(TOLD), status=status)
        if key == SHOWN_NOW:
            row.update(status="ok", klasse="hoch")
        if key == DELIVERED_NOW:
            row.update(status="ok", wert=50.0, zaehler=50, nenner=100)
        if (*key, row["stichtag"]) == REVISED:
            row.update(wert=2222.0, zaehler=2222)
    # one Stichtag less, one more; one indicator more, one new version
    gone = [r for r in figures if (r["indikator_id"], r["stichtag"]) != ("sgb2_quote", DAYS[0])]
    more = [
        {**row, "stichtag": LATER}
        for row in gone
        if row["indikator_id"] == "sgb2_quote" and row["stichtag"] == NEW
    ]
    fresh = [
        {**row, "indikator_id": "wahlbeteiligung"}
        for row in gone
        if row["indikator_id"] == "einwohner" and row["stichtag"] == NEW
    ]
    rows["mart_indikator"] = [*gone, *more, *fresh]
    entry = {**rows["dim_indikator"][0], "indikator_id": "wahlbeteiligung", "thema": "wahlen"}
    version = {**rows["dim_indikator"][2], "version": 2}
    rows["dim_indikator"] += [{**entry, "name": "Wahlbeteiligung"}, version]
    for row in rows["mart_index"]:
        if (row["raum_id"], row["stichtag"]) == (C, NEW):
            row["klasse"] = "gering"
    revision = {
        "gebietsstand": "2015",
        "raumebene": "sozialraum",
        "version": 1,
        "edition_alt": edition,
    }
    rows["mart_revision"] = [
        {
            **revision,
            **dict(zip(("raum_id", "indikator_id", "stichtag"), REVISED, strict=True)),
            **{"wert_alt": 2030.0, "wert_neu": 2222.0, "status_alt": "ok", "status_neu": "ok"},
        },
        {  # withheld at its source then, and here now: statuses only
            **revision,
            **{"raum_id": A, "indikator_id": "anteil_ab_65", "stichtag": NEW},
            **{"status_alt": "nicht_freigegeben", "status_neu": "geheim"},
        },
        {  # an edition long before
            **revision,
            **{"raum_id": C, "indikator_id": "einwohner", "stichtag": NEW, "edition_alt": "f" * 16},
            **{"wert_alt": 1.0, "wert_neu": 2.0, "status_alt": "ok", "status_neu": "ok"},
        },
    ]
    surface = {A: 3.0, B: 5.0, C: 3.998, D: 4.002}
    for row in rows["dim_raum"]:
        if row["gebietsstand"] == "2010":
            row["flaeche_km2"] = surface.get(row["raum_id"], row["flaeche_km2"])
    rows["dim_raum"].append(
        {**rows["dim_raum"][0], "gebietsstand": "2015", "raum_id": "05334002-009"}
        | {"raum_name": "Neuland", "raumebene": "ohne_raum"}
    )


def _redraw(path: Path) -> None:
    """In 2010 the line between A and B lay 500 m further west, that between C and D one metre."""
    table = pq.read_table(path)
    rows = table.to_pylist()
    old = {
        A: shapely.box(290_000, 5_620_000, 291_500, 5_622_000),
        B: shapely.box(291_500, 5_620_000, 294_000, 5_622_000),
        C: shapely.box(290_000, 5_622_000, 291_999, 5_624_000),
        D: shapely.box(291_999, 5_622_000, 294_000, 5_624_000),
    }
    shapes = [
        shapely.to_wkb(old[row["raum_id"]])
        if row["gebietsstand"] == "2010" and row["raum_id"] in old
        else row["geometry"]
        for row in rows
    ]
    pq.write_table(table.set_column(3, "geometry", [shapes]), path)


def _read(draft: Path, name: str) -> list[dict]:
    with (draft / "catalogue" / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _record(made: made_edition.Made, what: str):
    """Return a record as a catalogue's client reads it."""
    from owslib.iso import MD_Metadata

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the client's own deprecations
        return MD_Metadata(etree.parse(made.draft / "catalogue" / f"iso_{what}.xml"))


# --- ISO 19139


def test_identifiers_stay_from_edition_to_edition(first, second):
    for what in ("datensatz", "dienst", "ebene_sozialraum", "ebene_kommune", "ebene_kreis"):
        identifier = str(uuid5(UUID(IMPRINT.kennung), what))
        assert _record(first, what).identifier == _record(second, what).identifier == identifier
    whole = _record(first, "datensatz").identifier
    assert _record(first, "ebene_kreis").parentidentifier == whole


def test_a_client_reads_what_a_level_is(first):
    record = _record(first, "ebene_sozialraum")
    (about,) = record.identification
    assert about.title == "Sozialraumdaten für Prüfungen: Sozialräume"
    assert about.edition == made_edition.FACTS["edition_id"]
    assert [(day.date, day.type) for day in about.date] == [("2026-11-23", "revision")]
    assert record.datestamp == "2026-11-23"
    assert record.hierarchy == "dataset"
    assert record.referencesystem.code.endswith("25832") or "25832" in record.referencesystem.code
    assert (about.temporalextent_start, about.temporalextent_end) == ("2012-12-31", "2015-12-31")
    assert about.contact[0].organization == IMPRINT.organisation
    assert about.contact[0].email == IMPRINT.email
    assert about.distance == ["25"] and about.uom == ["m"]
    box = about.bbox
    sides = [float(box.minx), float(box.miny), float(box.maxx), float(box.maxy)]
    # the made squares: 290000 to 294000 east, 5620000 to 5626000 north, zone 32
    assert sides == pytest.approx([6.023, 50.694, 6.083, 50.749], abs=0.001)


def test_portals_find_licence_and_keyword(first):
    record = _record(first, "datensatz")
    (about,) = record.identification
    licences = [json.loads(text) for text in about.otherconstraints if text.startswith("{")]
    assert licences == [
        {
            "id": "dl-by-de/2.0",
            "name": "Datenlizenz Deutschland – Namensnennung – Version 2.0",
            "url": "https://www.govdata.de/dl-de/by-2-0",
            "quelle": "StädteRegion (gemacht)",
        }
    ]
    words = [([word.name for word in block.keywords], block.thesaurus) for block in about.keywords]
    assert (["opendata"], None) in words
    themes = next(block for block, thesaurus in words if thesaurus)
    assert "Statistische Einheiten" in themes


def test_lineage_tells_of_deliveries_without_files(first):
    text = (first.draft / "catalogue/iso_datensatz.xml").read_text("utf-8")
    assert "ewo_bestand (Vertrag 1), Partner meldebehoerden, Liefereinheit kreis, Stichtag " in text
    assert "Liefereinheit kreis, Stichtag 31.12.2015" in text and "Zeilen" not in text
    assert "bestand.csv" not in text and "0" * 64 not in text


def test_the_service_is_coupled_with_the_levels(first):
    record = _record(first, "dienst")
    assert record.hierarchy == "service"
    (about,) = record.identification
    levels = ("ebene_kommune", "ebene_kreis", "ebene_sozialraum")
    coupled = {entry["uuidref"] for entry in about.operateson}
    assert coupled == {_record(first, level).identifier for level in levels}


def test_records_are_valid_by_the_schemas_of_iso(first):
    """The schemas of the CSW application profile; pycsw brings them (`pip install --no-deps`)."""
    found = importlib.util.find_spec("pycsw")
    if found is None:
        pytest.skip("needs the schemas of ISO 19139, which the package pycsw brings")
    schemas = Path(found.origin).parent / "plugins/profiles/apiso/schemas/ogc/iso/19139/20060504"
    imports = "".join(
        f'<xs:import namespace="http://www.isotc211.org/2005/{name}" '
        f'schemaLocation="{(schemas / name / name).as_uri()}.xsd"/>'
        for name in ("gmd", "gmx", "srv")
    )
    frame = f'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">{imports}</xs:schema>'
    schema = etree.XMLSchema(etree.fromstring(frame))
    records = sorted((first.draft / "catalogue").glob("*.xml"))
    assert len(records) == 5
    for record in records:
        schema.assertValid(etree.parse(record))
    service = etree.parse(first.draft / "catalogue/iso_dienst.xml")
    (citation,) = service.xpath("//*[local-name() = 'SV_ServiceIdentification']/*[1]")
    citation.getparent().append(citation)
    assert not schema.validate(service)  # the schemas do look at the order


# --- DCAT-AP.de


def _graph(made: made_edition.Made, name: str = "dcat-ap-de.ttl"):
    from rdflib import Graph

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # rdflib's own, of its JSON-LD reader
        return Graph().parse(made.draft / "catalogue" / name)


def test_dcat_is_the_same_in_both_forms_and_has_no_blank_nodes(first):
    from rdflib import BNode

    turtle, linked = _graph(first), _graph(first, "dcat-ap-de.jsonld")
    assert set(turtle) == set(linked) and len(turtle) > 60
    assert not any(isinstance(node, BNode) for triple in turtle for node in triple)


def test_a_portal_finds_dataset_licence_and_forms(first):
    found = _graph(first).query(
        """
        PREFIX dcat: <http://www.w3.org/ns/dcat#> PREFIX dct: <http://purl.org/dc/terms/>
        PREFIX dcatde: <http://dcat-ap.de/def/dcatde/> PREFIX spdx: <http://spdx.org/rdf/terms#>
        PREFIX vcard: <http://www.w3.org/2006/vcard/ns#>
        SELECT ?title ?mail ?licence ?credit ?url ?digest ?district WHERE {
            ?catalogue dcat:dataset ?dataset .
            ?dataset a dcat:Dataset ; dct:title ?title ; dcat:contactPoint/vcard:hasEmail ?mail ;
                dcatde:politicalGeocodingURI ?district ; dcat:distribution ?form .
            ?form dct:license ?licence ; dcatde:licenseAttributionByText ?credit ;
                dcat:accessURL ?url ; spdx:checksum/spdx:checksumValue ?digest ;
                dcat:mediaType <https://www.iana.org/assignments/media-types/application/geopackage+sqlite3> .
        }
        """  # noqa: E501
    )
    ((title, *rest),) = found
    files = json.loads((first.draft / "manifest.json").read_text("utf-8"))["files"]
    assert (str(title), title.language) == (IMPRINT.titel, "de")
    assert [str(value) for value in rest] == [
        f"mailto:{IMPRINT.email}",
        IMPRINT.lizenz_dcat,
        IMPRINT.quellenvermerk,
        IMPRINT.url,
        files["sozialraum.gpkg"]["sha256"],
        f"http://dcat-ap.de/def/politicalGeocoding/districtKey/{KREIS}",
    ]


def test_what_is_for_the_administration_is_in_no_record(first):
    for path in (first.draft / "catalogue").iterdir():
        text = path.read_text("utf-8")
        assert "marts" not in text and "parquet/" not in text, path.name


def test_the_same_edition_gives_the_same_bytes(first, tmp_path):
    """Another process, in which sets have another order."""
    code = f"import made_edition, pathlib; made_edition.make(pathlib.Path({str(tmp_path)!r}))"
    paths = ":".join(str(path) for path in sys.path if path)
    subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        env={"PYTHONHASHSEED": "7", "PYTHONPATH": paths},
    )
    ours, theirs = first.draft / "catalogue", tmp_path / "draft/catalogue"
    assert {path.name for path in ours.iterdir()} == {path.name for path in theirs.iterdir()}
    for path in ours.iterdir():
        assert path.read_bytes() == (theirs / path.name).read_bytes(), path.name


# --- concordance


def test_shares_follow_from_surfaces(second):
    rows = _read(second.draft, "konkordanz_2010_2015.csv")
    shares = {
        (row["raum_id_von"], row["raum_id_nach"]): (
            float(row["flaeche_km2"]),
            float(row["anteil_von_prozent"]),
            float(row["anteil_nach_prozent"]),
        )
        for row in rows
        if row["raumebene"] == "sozialraum"
    }
    assert shares[A, A] == (3.0, 100.0, 75.0)
    assert shares[B, A] == (1.0, 20.0, 25.0)
    assert shares[B, B] == (4.0, 80.0, 100.0)
    assert shares[C, C] == (3.998, 100.0, 99.95)
    assert (D, C) not in shares  # 2 m² of 1000: a sliver
    assert shares[E, E] == (4.0, 100.0, 100.0)
    assert {row["methode"] for row in rows if row["raumebene"] == "sozialraum"} == {"adressen"}
    assert [row["raum_id_nach"] for row in rows if row["raumebene"] == "kommune"] == [TOWN, VILLAGE]


def test_keys_are_quoted_and_names_pass_through(second):
    text = (second.draft / "catalogue/konkordanz_2010_2015.csv").read_text("utf-8")
    assert (
        f'"sozialraum","{A}","Oecher Straße 1/2","{A}","Oecher Straße 1/2",3.0,100.0,75.0' in text
    )
    assert '"Am ""Roten Haag"" & <Markt>"' in text


def test_without_old_shapes_the_method_alone_is_told(first, tmp_path):
    areas = tmp_path / "areas.parquet"
    pq.write_table(pq.read_table(first.areas, filters=[("gebietsstand", "!=", "2010")]), areas)
    write_draft(
        warehouse=first.warehouse,
        tables=first.tables,
        areas=areas,
        folder=tmp_path / "draft",
        facts=made_edition.FACTS,
        imprint=IMPRINT,
    )
    rows = _read(tmp_path / "draft", "konkordanz_2010_2015.csv")
    assert len(rows) == 6
    assert {(r["raum_id_von"], r["flaeche_km2"], r["methode"]) for r in rows} == {
        ("", "", "adressen")
    }


# --- changes


def test_the_first_edition_says_so(first):
    assert "die erste Ausgabe" in (first.draft / "catalogue/aenderungen.html").read_text("utf-8")
    assert _read(first.draft, "aenderungen.csv") == []


def test_what_is_new_and_what_is_gone_is_named(second):
    rows = _read(second.draft, "aenderungen.csv")

    def told(kind: str, *names: str) -> list[tuple]:
        return [tuple(row[name] for name in names) for row in rows if row["art"] == kind]

    assert told("raum_neu", "gebietsstand", "raum_id", "raum_name") == [
        ("2015", "05334002-009", "Neuland")
    ]
    assert told("indikator_neu", "thema", "indikator") == [("wahlen", "Wahlbeteiligung")]
    assert told("definition_neu", "indikator_id", "anzahl") == [("sgb2_quote", "Version 2")]
    # nine areas: one withheld, one too small, whose counts are there
    assert told("stichtag_neu", "indikator_id", "stichtag", "anzahl") == [
        ("sgb2_quote", "2016-12-31", "8")
    ]
    assert told("stichtag_entfallen", "indikator_id", "stichtag") == [("sgb2_quote", "2012-12-31")]
    assert told("nachgeliefert", "indikator_id", "stichtag", "anzahl") == [
        ("betreuungsquote", day.isoformat(), "1") for day in DAYS
    ]
    assert told("klasse_geaendert", "indikator", "stichtag", "anzahl") == [
        ("Soziale Lage", NEW.isoformat(), "1")
    ]


def test_revised_values_are_those_of_the_log_since_that_edition(second):
    rows = [row for row in _read(second.draft, "aenderungen.csv") if row["art"] == "wert_revidiert"]
    assert [(r["raum_id"], r["indikator_id"], r["wert_alt"], r["wert_neu"]) for r in rows] == [
        (B, "einwohner", "2030.0", "2222.0")
    ]


def test_cells_whose_protection_changed_are_told_as_numbers(second):
    rows = _read(second.draft, "aenderungen.csv")
    withheld = {r["thema"]: r["anzahl"] for r in rows if r["art"] == "neu_zurueckgehalten"}
    # four of anteil_ab_65; two of betreuungsquote; none of the others, which says the same
    assert withheld == {
        "arbeit": "weniger als 3",
        "bevoelkerung": "4",
        "index": "weniger als 3",
        "jugend": "weniger als 3",
        "wahlen": "weniger als 3",
    }
    shown = [
        (r["indikator_id"], r["stichtag"], r["anzahl"]) for r in rows if r["art"] == "neu_gezeigt"
    ]
    assert shown == [("rating", day.isoformat(), "weniger als 3") for day in DAYS]
    names = {"art", "thema", "anzahl"}
    for row in rows:
        if row["art"] == "neu_zurueckgehalten":
            assert {name for name, value in row.items() if value} == names


def test_no_withheld_area_is_named_anywhere_in_the_report(second):
    """A and E have newly withheld cells and no other change; E is shown again in another."""
    for name in ("aenderungen.csv", "aenderungen.html"):
        text = (second.draft / "catalogue" / name).read_text("utf-8")
        assert A not in text and E not in text and "Oecher Straße" not in text


def test_another_regions_edition_is_no_edition_before(first, tmp_path):
    other = shutil.copytree(first.draft, tmp_path / "other")
    manifest = json.loads((other / "manifest.json").read_text("utf-8"))
    (other / "manifest.json").write_text(json.dumps({**manifest, "region": "rbk"}), "utf-8")
    made = made_edition.make(tmp_path / "made", previous=other)
    assert "die erste Ausgabe" in (made.draft / "catalogue/aenderungen.html").read_text("utf-8")
    assert list(audit.check(_finished(made.draft, made, other))) == []


# --- audit


def _finished(folder: Path, made: made_edition.Made, previous: Path | None) -> Finished:
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    return Finished(folder, made.tables, manifest, IMPRINT, previous)


def test_the_audit_finds_nothing_in_what_was_written(first, second):
    assert audit_files(first.draft, first.tables) == []
    assert audit_files(second.draft, second.tables, first.draft) == []
    assert list(audit.check(_finished(second.draft, second, None))) == []


DATASET, LEVEL, SERVICE = "iso_datensatz.xml", "iso_ebene_kommune.xml", "iso_dienst.xml"
TABLE, PAGE, PAIRS = "aenderungen.csv", "aenderungen.html", "konkordanz_2010_2015.csv"
TURTLE = "dcat-ap-de.ttl"
UUID_OF_KREIS = str(uuid5(UUID(IMPRINT.kennung), "ebene_kreis"))
UUID_OF_DATA = str(uuid5(UUID(IMPRINT.kennung), "datensatz"))


FAULTS = [
    (DATASET, "</gmd:MD_Metadata>", "", "expected a record as XML"),
    (DATASET, UUID_OF_DATA, "0" * 8, "expected gmd:fileIdentifier as kennung"),
    (LEVEL, UUID_OF_DATA, "0" * 8, "expected gmd:parentIdentifier as kennung"),
    (DATASET, "<gco:Date>2027-02-01<", "<gco:Date>2027-02-02<", "expected gmd:dateStamp"),
    (LEVEL, ">aachen-2<", ">aachen-1<", "expected gmd:edition"),
    (LEVEL, '"dl-by-de/2.0"', '"cc-zero"', "expected the licence"),
    (LEVEL, ">opendata<", ">offen<", "expected opendata as a keyword of its own"),
    (LEVEL, "EPSG/0/25832", "EPSG/0/25833", "expected EPSG:25832"),
    (LEVEL, ">GPKG<", ">SHP<", "expected only declared formats, found SHP"),
    (LEVEL, "<gco:Decimal>6.0", "<gco:Decimal>7.0", "expected the extent of the layers"),
    (LEVEL, "Position>2016-12-31", "Position>2017-12-31", "first and last Stichtag"),
    (LEVEL, ">25</gco:Distance>", ">5</gco:Distance>", "expected the resolution"),
    (LEVEL, "aus 1 Lieferungen", "aus 2 Lieferungen", "expected the numbers of deliveries"),
    (DATASET, "Liefereinheit kreis", "Liefereinheit kreis mit 11 Zeilen", "expected each delivery"),
    (SERVICE, UUID_OF_KREIS, UUID_OF_DATA, f"expected {UUID_OF_KREIS} among its coupled"),
    (LEVEL, "Gemachte Daten", "/home/somebody/daten", "expected no path of a machine"),
    (LEVEL, "Gemachte Daten", "bestand.csv", "expected no name or checksum of a delivered"),
    (LEVEL, IMPRINT.email, "erika@kreis.example", "expected no e-mail address but"),
    (LEVEL, IMPRINT.url, "https://anderswo.example", "expected addresses of standards"),
    (TURTLE, "def/licenses/dl-by-de/2.0", "def/licenses/cc-zero", "expected license as"),
    (TURTLE, '"aachen-2"', '"aachen-1"', "expected versionInfo as"),
    (TURTLE, "POLYGON((6.0", "POLYGON((5.0", "expected the extent of the layers"),
    (TURTLE, 'dcat:byteSize "', 'dcat:byteSize "1', "expected size and SHA-256"),
    (TURTLE, "file-type/GPKG", "file-type/SHP", "expected the format GPKG"),
    (TURTLE, "districtKey/05334", "districtKey/05335", "expected politicalGeocodingURI"),
    (TURTLE, "a dcat:Catalog ;", "a dcat:Catalog", "expected a record as RDF"),
    ("dcat-ap-de.jsonld", "Gemachte Daten", "Andere Daten", "expected the statements of"),
    (PAIRS, "3.0,100.0,75.0", "3.1,100.0,75.0", "shares of its surfaces (anteil_von_prozent)"),
    (PAIRS, "1.0,20.0,25.0", "1.0,20.0,35.0", "shares of its surfaces (anteil_nach_prozent)"),
    (PAIRS, "Oecher Straße", "Öcher Straße", "expected names of dim_raum"),
    (PAIRS, "0.1,0.01\n", "0.1,0.02\n", "expected method and error of mart_umrechnung"),
    (PAIRS, '"raum_id_von"', '"von"', "expected the declared columns"),
    (TABLE, ",2030.0,2222.0,", ",2031.0,2222.0,", "1 rows of wert_revidiert as both"),
    (TABLE, "2016-12-31", "2016-12-30", "1 rows of stichtag_neu as both editions say"),
    (TABLE, ',"4"', ',"5"', "rows of neu_zurueckgehalten as both editions say"),
    (TABLE, '"jugend",,,,,,,,,,"weniger als 3"', '"jugend",,,,,,,,,,"2"', "1 small numbers"),
    (TABLE, '"jugend",,,,,,,,,,', f'"jugend",,,,,,"{E}",,,,', "found 1 finer"),
    (PAGE, "<td>4</td>", "<td>5</td>", "expected the lines of"),
    (PAGE, "<code>aachen-2", "<code>aachen-1", "expected the edition of manifest.json"),
    (PAGE, "aachen-20151231T12", "aachen-20151231T13", "expected the edition before"),
    (PAGE, "</body>", '<img alt="" src="x.png"></body>', "expected a page that needs nothing"),
]
"""File, what stands in it, what is put there instead, what the audit has to say."""


def _rounds() -> list[list[tuple[str, str, str, str]]]:
    """Return the faults in rounds of at most one for each file: an audit reads all files."""
    rounds: list[list[tuple[str, str, str, str]]] = []
    for fault in FAULTS:
        place = sum(fault[0] == other[0] for other in FAULTS[: FAULTS.index(fault)])
        if place == len(rounds):
            rounds.append([])
        rounds[place].append(fault)
    return rounds


@pytest.mark.parametrize("faults", _rounds())
def test_the_audit_finds_planted_faults(first, second, tmp_path, faults):
    folder = shutil.copytree(second.draft, tmp_path / "draft")
    for name, old, new, _ in faults:
        path = folder / "catalogue" / name
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new), "utf-8")
    problems = list(audit.check(_finished(folder, second, first.draft)))
    for name, _, _, expected in faults:
        assert any(
            problem.startswith(f"catalogue/{name}") and expected in problem for problem in problems
        ), (name, expected, problems)


def test_the_audit_finds_old_values_of_what_is_withheld_now(first, second, tmp_path):
    folder = shutil.copytree(second.draft, tmp_path / "draft")
    with duckdb.connect(str(folder / "marts.duckdb")) as con:
        con.execute("UPDATE mart_revision SET wert_alt = 6.0 WHERE status_neu = 'geheim'")
    assert list(audit.check(_finished(folder, second, None))) == [
        "marts.duckdb mart_revision: expected no figure where status_neu is one of geheim, "
        "nicht_freigegeben, found 1"
    ]


def test_the_audit_finds_the_name_of_a_newly_withheld_cell(first, second, tmp_path):
    folder = shutil.copytree(second.draft, tmp_path / "draft")
    with duckdb.connect(str(folder / "marts.duckdb")) as con:
        con.execute("UPDATE mart_revision SET status_alt = 'ok' WHERE status_neu = 'geheim'")
    assert list(audit.check(_finished(folder, second, None))) == [
        "marts.duckdb mart_revision: expected no row of a cell that was shown and is withheld now, "
        "found 1"
    ]


def test_the_audit_finds_a_form_that_no_record_tells(second, tmp_path):
    """As when the records are written before another form."""
    finished = _finished(second.draft, second, None)
    files = {**finished.manifest["files"], "handbuch.html": {"sha256": "0", "bytes": 1}}
    later = replace(finished, manifest={**finished.manifest, "files": files})
    assert any("among its distributions, found no such one" in text for text in audit.check(later))
