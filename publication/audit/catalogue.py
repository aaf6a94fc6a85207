"""The audit of the catalogue: records, concordances and the change report, read anew.

Shares names, identifiers, kinds of changes and declared columns with the writers and none of their
steps. The exact old shapes are in no edition, so a concordance is held against the surfaces of
`dim_raum`; changes are counted again if the edition before is at hand, else held against the marts
alone.
"""

import json
import re
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID, uuid5

from publication.audit.reading import PATH, count, open_marts, same_names
from publication.catalogue.changes import COLUMNS, COUNTED, KINDS, SUMMED
from publication.catalogue.declared import (
    CATALOGUE,
    CHANGES,
    CHANGES_PAGE,
    CHANGES_TABLE,
    CONCORDANCE,
    DATASET,
    FEW,
    JSON_LD,
    LESS,
    OPEN_DATA,
    SERVICE,
    SHOWN,
    SLIVER,
    TURTLE,
    WITHHELD,
    concordance_file,
    distributions,
    level_key,
    record_file,
)
from publication.forms.geopackage import GEOPACKAGE
from publication.layers import CRS, NO_AREA, TOLERANCE
from publication.material import MANIFEST, MARTS, REPORT, Finished
from publication.tables import literal

if TYPE_CHECKING:
    import duckdb
    from lxml.etree import _Element
    from rdflib import Graph

COMPARED = ("sozialraum", "kommune")
PEOPLE = "bevoelkerung"
PLACES = {
    "gmd": "http://www.isotc211.org/2005/gmd",
    "gco": "http://www.isotc211.org/2005/gco",
    "gmx": "http://www.isotc211.org/2005/gmx",
    "srv": "http://www.isotc211.org/2005/srv",
    "gml": "http://www.opengis.net/gml",
    "xlink": "http://www.w3.org/1999/xlink",
}
STANDARDS = (
    "http://dcat-ap.de/def/",
    "http://inspire.ec.europa.eu/metadata-codelist/",
    "http://publications.europa.eu/resource/authority/",
    "http://purl.org/dc/terms/",
    "http://spdx.org/rdf/terms#",
    "http://www.isotc211.org/2005/",
    "http://www.loc.gov/standards/iso639-2/",
    "http://www.opengis.net/",
    "http://www.w3.org/",
    "http://xmlns.com/foaf/0.1/",
    "https://www.iana.org/assignments/media-types",
)
"""Where addresses in a record may lead, beside those of the imprint."""

FETCHED = re.compile(
    r"<(script|iframe|link|img|object|embed)\b|\ssrc=|url\(|@import|javascript:", re.I
)
ADDRESS = re.compile(r"https?://[^\s\"'<>)]+")
E_MAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+")
DEGREE = 1e-4
"""How far an extent may lie beside that of the layers, in degrees."""
SAME = 1e-9
"""Values that differ less are the same."""


def names(finished: Finished) -> set[str]:
    """Return the files of this form; a concordance that nothing demands may be there or not."""
    if finished.manifest["kind"] == REPORT:
        return set()
    with open_marts(finished.folder) as con:
        levels = _levels(con)
        carried = con.execute(
            "SELECT DISTINCT gebietsstand_von, gebietsstand_nach FROM mart_umrechnung "
            "WHERE list_contains(?, raumebene)",
            [list(COMPARED)],
        ).fetchall()
        pairs = list(combinations(_stands(con), 2))
    drawn = {
        name for pair in pairs if (finished.folder / (name := concordance_file(*pair))).exists()
    }
    return {
        *(TURTLE, JSON_LD, CHANGES_PAGE, CHANGES_TABLE, record_file(DATASET), record_file(SERVICE)),
        *(record_file(level_key(level)) for level in levels),
        *(concordance_file(*pair) for pair in carried),
        *drawn,
    }


def check(finished: Finished) -> Iterator[str]:
    """Compare every file with manifest and marts; one sentence for each problem."""
    if finished.manifest["kind"] == REPORT:
        return
    checks: list[Callable[[Finished], Iterator[str]]] = [
        _texts,
        _records,
        _graphs,
        _concordances,
        _revisions,
        _changes,
        _page,
    ]
    for one in checks:
        yield from one(finished)


def _levels(con: "duckdb.DuckDBPyConnection") -> list[str]:
    rows = con.execute(
        "SELECT DISTINCT raumebene FROM dim_raum WHERE raumebene <> ? ORDER BY ALL", [NO_AREA]
    ).fetchall()
    return [level for (level,) in rows]


def _stands(con: "duckdb.DuckDBPyConnection") -> list[str]:
    rows = con.execute(
        "SELECT gebietsstand FROM dim_raum GROUP BY gebietsstand "
        "ORDER BY coalesce(min(gueltig_ab), DATE '0001-01-01'), gebietsstand"
    ).fetchall()
    return [stand for (stand,) in rows]


def _identifier(finished: Finished, what: str) -> str:
    return str(uuid5(UUID(finished.imprint.kennung), what))


def _texts(finished: Finished) -> Iterator[str]:
    """Find what tells of the machine or of a person, in any file of the catalogue."""
    imprint = finished.imprint
    delivered = {
        d[key] for d in finished.manifest.get("deliveries", ()) for key in ("file", "sha256")
    }
    known = (*STANDARDS, imprint.url, imprint.lizenz_url, imprint.lizenz_dcat)
    for path in sorted((finished.folder / CATALOGUE).iterdir()):
        name, text = f"{CATALOGUE}/{path.name}", path.read_text("utf-8")
        if PATH.search(text):
            yield f"{name}: expected no path of a machine, found one"
        if any(word in text for word in delivered if word):
            yield f"{name}: expected no name or checksum of a delivered file, found one"
        if {*E_MAIL.findall(text)} - {imprint.email}:
            yield f"{name}: expected no e-mail address but that of the imprint, found another"
        if path.suffix in (".xml", ".ttl", ".jsonld"):
            foreign = [one for one in ADDRESS.findall(text) if not one.startswith(known)]
            if foreign:
                yield (
                    f"{name}: expected addresses of standards and of the imprint, found "
                    f"{len(foreign)} others"
                )
        elif path.suffix == ".html" and FETCHED.search(text):
            yield f"{name}: expected a page that needs nothing beside it, found something fetched"


def _records(finished: Finished) -> Iterator[str]:
    from lxml import etree

    boxes, days = _boxes(finished), _days(finished)
    levels = sorted(set(boxes) - {""})
    for what, level in ((DATASET, ""), (SERVICE, ""), *((level_key(one), one) for one in levels)):
        name = record_file(what)
        try:
            root = etree.parse(finished.folder / name).getroot()
        except (OSError, etree.XMLSyntaxError) as error:
            yield f"{name}: expected a record as XML, found {type(error).__name__}"
            continue
        yield from _head(name, root, finished, what)
        yield from _said(name, root, finished)
        yield from _extent(name, root, boxes[level], days.get(level))
        if what == SERVICE:
            yield from _coupling(name, root, finished, levels)
        else:
            yield from _origin(name, root, finished, with_sources=what == DATASET)


def _head(name: str, root: "_Element", finished: Finished, what: str) -> Iterator[str]:
    """Check the identifiers, dates and edition of a record."""
    parent = [_identifier(finished, DATASET)] if what not in (DATASET, SERVICE) else []
    day = finished.manifest["created_at"][:10]
    expected = {
        "gmd:fileIdentifier": [_identifier(finished, what)],
        "gmd:parentIdentifier": parent,
        "gmd:dateStamp": [day],
        "gmd:identificationInfo/*/gmd:citation//gmd:identifier//gmd:code": [
            f"urn:uuid:{_identifier(finished, what)}"
        ],
        "gmd:identificationInfo/*/gmd:citation/*/gmd:date//gco:Date": [day],
        "gmd:identificationInfo/*/gmd:citation//gmd:edition": [finished.manifest["edition_id"]],
    }
    for path, values in expected.items():
        if _words(root, path) != values:
            yield (
                f"{name}: expected {path.rpartition('/')[2]} as kennung and {MANIFEST} say, "
                "found another"
            )


def _said(name: str, root: "_Element", finished: Finished) -> Iterator[str]:
    """Check title, contact, licence, keywords, coordinate system and formats."""
    imprint = finished.imprint
    titles = _words(root, "gmd:identificationInfo/*/gmd:citation/*/gmd:title")
    if [title.startswith(imprint.titel) for title in titles] != [True]:
        yield f"{name}: expected the title of the imprint, found another"
    if {*_words(root, "//gmd:electronicMailAddress")} != {imprint.email}:
        yield f"{name}: expected the contact of the imprint, found another"
    if _licences(root) != [
        {
            "id": imprint.lizenz_kennung,
            "name": imprint.lizenz_name,
            "url": imprint.lizenz_url,
            "quelle": imprint.quellenvermerk,
        }
    ]:
        yield f"{name}: expected the licence of {MANIFEST} once as JSON, found another or none"
    free = [
        _words(block, "gmd:keyword")
        for block in root.iterfind(".//gmd:MD_Keywords", PLACES)
        if block.find("gmd:thesaurusName", PLACES) is None
    ]
    if [OPEN_DATA] not in free:
        yield f"{name}: expected {OPEN_DATA} as a keyword of its own, found it not so"
    systems = root.xpath("gmd:referenceSystemInfo//gmx:Anchor/@xlink:href", namespaces=PLACES)
    if [system.rpartition("/")[2] for system in systems] != [CRS.partition(":")[2]]:
        yield f"{name}: expected {CRS}, found another coordinate system or none"
    forms = {form.format for form in distributions(finished.manifest.get("files", {}))}
    found = _words(root, "gmd:distributionInfo//gmd:MD_Format/gmd:name")
    yield from same_names(name, "formats", forms, found)


def _licences(root: "_Element") -> list[dict]:
    texts = _words(root, "//gmd:otherConstraints")
    return [json.loads(text) for text in texts if text.startswith("{")]


def _extent(
    name: str, root: "_Element", box: tuple[float, ...], days: tuple[date, date] | None
) -> Iterator[str]:
    """Compare the extent with the shapes of the GeoPackage and the Stichtage of the marts."""
    sides = ("westBoundLongitude", "southBoundLatitude", "eastBoundLongitude", "northBoundLatitude")
    found = [float(word) for side in sides for word in _words(root, f"//gmd:{side}")]
    if len(found) != len(box) or any(
        abs(one - other) > DEGREE for one, other in zip(found, box, strict=True)
    ):
        yield f"{name}: expected the extent of the layers of {GEOPACKAGE}, found another"
    told = [*_words(root, "//gml:beginPosition"), *_words(root, "//gml:endPosition")]
    if told != [day.isoformat() for day in days or ()]:
        yield f"{name}: expected the first and last Stichtag of {MARTS}, found others"


def _coupling(name: str, root: "_Element", finished: Finished, levels: list[str]) -> Iterator[str]:
    coupled = [_identifier(finished, level_key(level)) for level in levels]
    found = root.xpath("//srv:operatesOn/@uuidref", namespaces=PLACES)
    yield from same_names(name, "coupled records", coupled, found)


def _origin(
    name: str, root: "_Element", finished: Finished, *, with_sources: bool
) -> Iterator[str]:
    """Compare lineage and resolution with the manifest."""
    deliveries = finished.manifest.get("deliveries", ())
    expected = [
        len(deliveries),
        len({one["partner"] for one in deliveries}),
    ]
    said = " ".join(_words(root, "//gmd:LI_Lineage/gmd:statement"))
    if _numbers(said.partition("Partnern.")[0]) != expected:
        yield f"{name}: expected the numbers of deliveries and partners of {MANIFEST}, found others"
    rules = re.findall(r"(\w+) \(([\d.]+) Regeln\)", said)
    titles = {"Plausibilität": "plausibility", "Geheimhaltung": "privacy"}
    gates = finished.manifest.get("gates", {})
    for title, number in rules:
        gate = gates.get(titles.get(title, ""), {})
        if not gate.get("passed") or _numbers(number) != [gate.get("rules")]:
            yield f"{name}: expected the gates of {MANIFEST}, found {title} otherwise"
    told = {
        (one["feed"], one["partner"], one["liefereinheit"], one["stichtag"])
        for one in deliveries
        if with_sources
    }
    if _sources(root) != told:
        yield f"{name}: expected each delivery of {MANIFEST} and nothing else, found others"
    distance = _words(root, "//gmd:spatialResolution//gmd:distance")
    if distance != ([] if with_sources else [f"{TOLERANCE:g}"]):
        yield f"{name}: expected the resolution of simplified layers, found another"


def _sources(root: "_Element") -> set[tuple]:
    """Return the deliveries that a lineage tells of; a text of another form stands for itself."""
    form = re.compile(
        r"(.+) \(Vertrag .+\), Partner (.+), Liefereinheit (.+), Stichtag (\d\d)\.(\d\d)\.(\d{4})"
    )
    found = set()
    for text in _words(root, "//gmd:LI_Source/gmd:description"):
        told = form.fullmatch(text)
        if told is None:
            return {(text,)}
        feed, partner, unit, day, month, year = told.groups()
        found.add((feed, partner, unit, f"{year}-{month}-{day}"))
    return found


def _numbers(text: str) -> list[int]:
    """Return the whole numbers of a German text."""
    found = re.findall(r"\d[\d.]*", text)
    return [int(one.replace(".", "")) for one in found]


def _words(element: "_Element", path: str) -> list[str]:
    """Return the text of each element that a path leads to."""
    found = element.xpath(path, namespaces=PLACES)
    return ["".join(one.itertext()).strip() for one in found]


def _boxes(finished: Finished) -> dict[str, tuple[float, ...]]:
    """Return the extent in WGS 84 of each level, and under an empty name of all together."""
    import geopandas

    with open_marts(finished.folder) as con:
        levels = _levels(con)
    boxes = {
        level: tuple(
            float(side)
            for side in geopandas.read_file(finished.folder / GEOPACKAGE, layer=level, columns=[])
            .to_crs(4326)
            .total_bounds
        )
        for level in levels
    }
    west, south, east, north = zip(*boxes.values(), strict=True)
    return {**boxes, "": (min(west), min(south), max(east), max(north))}


def _days(finished: Finished) -> dict[str, tuple[date, date]]:
    """Return the first and last Stichtag of each level, and under an empty name of all."""
    days: dict[str, list[date]] = {}
    with open_marts(finished.folder) as con:
        for table in ("mart_indikator", "mart_index", "mart_bevoelkerung"):
            for level, first, last in con.execute(
                f"SELECT raumebene, min(stichtag), max(stichtag) FROM {table} GROUP BY raumebene"
            ).fetchall():
                days.setdefault(level, []).extend((first, last))
    found = {level: (min(told), max(told)) for level, told in days.items()}
    every = [day for told in days.values() for day in told]
    return {**found, **({"": (min(every), max(every))} if every else {})}


def _graphs(finished: Finished) -> Iterator[str]:
    """Read both forms of the DCAT record and compare the one with the other and the manifest."""
    from rdflib import BNode, Graph

    graphs = []
    for name, form in ((TURTLE, "turtle"), (JSON_LD, "json-ld")):
        try:
            with warnings.catch_warnings():
                # rdflib's reader of JSON-LD uses a class that rdflib itself has deprecated
                warnings.simplefilter("ignore", DeprecationWarning)
                graphs.append(Graph().parse(finished.folder / name, format=form))
        except Exception as error:
            yield f"{name}: expected a record as RDF, found {type(error).__name__}"
            return
    if {*graphs[0]} != {*graphs[1]}:
        yield f"{JSON_LD}: expected the statements of {TURTLE}, found others"
    if any(isinstance(node, BNode) for triple in graphs[0] for node in triple):
        yield f"{TURTLE}: expected a URI for each node, found nodes without"
    yield from _statements(graphs[0], finished)
    yield from _forms(graphs[0], finished)


def _statements(graph: "Graph", finished: Finished) -> Iterator[str]:
    imprint, manifest = finished.imprint, finished.manifest
    days = _days(finished).get("", ())
    starts = [days[0].isoformat()] if days else []
    ends = [days[1].isoformat()] if days else []
    dataset = f"urn:uuid:{_identifier(finished, DATASET)}"
    with open_marts(finished.folder) as con:
        districts = con.execute(
            "SELECT DISTINCT kreis_id FROM dim_raum WHERE kreis_id SIMILAR TO '[0-9]{5}'"
        ).fetchall()
    expected = {
        "http://www.w3.org/ns/dcat#dataset": {dataset},
        "http://purl.org/dc/terms/identifier": {_identifier(finished, DATASET)},
        "http://www.w3.org/2002/07/owl#versionInfo": {manifest["edition_id"]},
        "http://www.w3.org/ns/dcat#version": {manifest["edition_id"]},
        "http://purl.org/dc/terms/license": {imprint.lizenz_dcat},
        "http://dcat-ap.de/def/dcatde/licenseAttributionByText": {imprint.quellenvermerk},
        "http://www.w3.org/2006/vcard/ns#hasEmail": {f"mailto:{imprint.email}"},
        "http://xmlns.com/foaf/0.1/name": {imprint.organisation},
        "http://www.w3.org/ns/dcat#startDate": {*starts},
        "http://www.w3.org/ns/dcat#endDate": {*ends},
        "http://dcat-ap.de/def/dcatde/politicalGeocodingURI": {
            f"http://dcat-ap.de/def/politicalGeocoding/districtKey/{key}" for (key,) in districts
        },
    }
    for term, values in expected.items():
        if {str(value) for value in _objects(graph, term)} != values:
            yield f"{TURTLE}: expected {_short(term)} as {MANIFEST} and {MARTS} say, found another"
    modified = _objects(graph, "http://purl.org/dc/terms/modified")
    if {datetime.fromisoformat(str(when)) for when in modified} != {
        datetime.fromisoformat(manifest["created_at"])
    }:
        yield f"{TURTLE}: expected modified as {MANIFEST} says, found another time"
    box = _boxes(finished)[""]
    corners = [
        float(number)
        for value in _objects(graph, "http://www.w3.org/ns/dcat#bbox")
        for number in re.findall(r"-?\d+\.\d+", str(value))
    ]
    found = (min(corners[::2]), min(corners[1::2]), max(corners[::2]), max(corners[1::2]))
    if any(abs(one - other) > DEGREE for one, other in zip(found, box, strict=True)):
        yield f"{TURTLE}: expected the extent of the layers of {GEOPACKAGE}, found another"
    deliveries = manifest.get("deliveries", ())
    said = next(iter(_objects(graph, "http://www.w3.org/2000/01/rdf-schema#label", "Gebildet")), "")
    if _numbers(str(said).partition("Partnern.")[0]) != [
        len(deliveries),
        len({one["partner"] for one in deliveries}),
    ]:
        yield (
            f"{TURTLE}: expected the numbers of deliveries and partners of {MANIFEST}, found others"
        )


def _objects(graph: "Graph", term: str, begin: str = "") -> list:
    from rdflib import URIRef

    return [value for value in graph.objects(None, URIRef(term)) if str(value).startswith(begin)]


def _short(term: str) -> str:
    return re.split(r"[/#]", term)[-1]


def _forms(graph: "Graph", finished: Finished) -> Iterator[str]:
    """Compare the distributions, with sizes and checksums, with the files of the manifest."""
    from rdflib import URIRef

    files = finished.manifest.get("files", {})
    forms = {
        f"urn:uuid:{_identifier(finished, f'distribution:{form.key}')}": form
        for form in distributions(files)
    }
    found = {str(one) for one in _objects(graph, "http://www.w3.org/ns/dcat#distribution")}
    yield from same_names(TURTLE, "distributions", forms, found)
    for node in sorted(forms.keys() & found):
        form = forms[node]

        def one(term: str, node: str = node) -> str:
            value = graph.value(URIRef(node), URIRef(term))
            return "" if value is None else str(value)

        if not one("http://purl.org/dc/terms/format").endswith(f"/{form.format}"):
            yield f"{TURTLE} {form.key}: expected the format {form.format}, found another"
        said = _numbers(one("http://purl.org/dc/terms/description").partition("Dateien:")[2])
        if said != [len(form.files)]:
            yield f"{TURTLE} {form.key}: expected {len(form.files)} files, found another number"
        if len(form.files) > 1:
            continue
        told = files[form.files[0]]
        mark = graph.value(URIRef(node), URIRef("http://spdx.org/rdf/terms#checksum"))
        digest = graph.value(mark, URIRef("http://spdx.org/rdf/terms#checksumValue"))
        size = one("http://www.w3.org/ns/dcat#byteSize")
        if (str(digest), size) != (told["sha256"], str(told["bytes"])):
            yield f"{TURTLE} {form.key}: expected size and SHA-256 of {MANIFEST}, found others"


def _concordances(finished: Finished) -> Iterator[str]:
    with open_marts(finished.folder) as con:
        stands = {*_stands(con)} | {
            stand
            for row in con.execute(
                "SELECT DISTINCT gebietsstand_von, gebietsstand_nach FROM mart_umrechnung"
            ).fetchall()
            for stand in row
        }
        for before in sorted(stands):
            for after in sorted(stands):
                path = finished.folder / concordance_file(before, after)
                if before != after and path.exists():
                    yield from _concordance(con, path, before, after)


def _concordance(
    con: "duckdb.DuckDBPyConnection", path: Path, before: str, after: str
) -> Iterator[str]:
    """Hold one concordance against the surfaces of `dim_raum` and against `mart_umrechnung`."""
    name = f"{CATALOGUE}/{path.name}"
    yield from _columns(name, path, CONCORDANCE)
    con.execute(f"CREATE OR REPLACE TEMP TABLE zeile AS FROM {_csv(path, CONCORDANCE)}")
    pair = {"von": before, "nach": after}
    for side in ("von", "nach"):
        wrong = count(
            con,
            f"""
            SELECT count(*) FROM zeile LEFT JOIN dim_raum AS raum
                ON raum.raum_id = raum_id_{side} AND raum.raumebene = zeile.raumebene
                AND raum.gebietsstand = {literal(pair[side])}
            WHERE raum_id_{side} IS NOT NULL AND (
                raum_name IS DISTINCT FROM raum_name_{side}
                OR (flaeche_km2 IS NULL) <> (anteil_{side}_prozent IS NULL)
                OR abs(zeile.flaeche_km2 - raum.flaeche_km2 * anteil_{side}_prozent / 100)
                    > raum.flaeche_km2 * 1e-5 + 2e-6
            )
            """.replace("(flaeche_km2 IS NULL)", "(zeile.flaeche_km2 IS NULL)"),
        )
        if wrong:
            yield (
                f"{name}: expected names of dim_raum and shares of its surfaces (anteil_{side}_"
                f"prozent), found {wrong} rows with others"
            )
        over = count(
            con,
            f"""
            SELECT count(*) FROM (
                SELECT 1 FROM zeile WHERE raum_id_{side} IS NOT NULL
                GROUP BY raumebene, raum_id_{side} HAVING sum(anteil_{side}_prozent) > 100.1
            )
            """,
        )
        if over:
            yield f"{name}: expected shares of at most 100 % together, found {over} areas with more"
    slivers = count(
        con,
        "SELECT count(*) FROM zeile "
        f"WHERE greatest(anteil_von_prozent, anteil_nach_prozent) < {SLIVER}",
    )
    if slivers:
        yield f"{name}: expected no overlap below {SLIVER} % of both areas, found {slivers}"
    yield from _carried(con, name, before, after)


def _carried(con: "duckdb.DuckDBPyConnection", name: str, before: str, after: str) -> Iterator[str]:
    """Demand every area of both Gebietsstände, and the method that the marts name."""
    wrong = count(
        con,
        f"""
        SELECT count(*) FROM zeile LEFT JOIN mart_umrechnung AS regel
            ON regel.gebietsstand_von = {literal(before)}
            AND regel.gebietsstand_nach = {literal(after)}
            AND regel.raum_id_nach = zeile.raum_id_nach AND regel.raumebene = zeile.raumebene
        WHERE zeile.methode IS DISTINCT FROM regel.methode
            OR zeile.anteil_umgerechnet IS DISTINCT FROM regel.anteil_umgerechnet
            OR zeile.fehler_anteil IS DISTINCT FROM regel.fehler_anteil
        """,
    )
    if wrong:
        yield f"{name}: expected method and error of mart_umrechnung, found others in {wrong} rows"
    levels = ", ".join(map(literal, COMPARED))
    missing = count(
        con,
        f"""
        SELECT count(*) FROM (
            SELECT raumebene, raum_id_nach AS raum_id FROM mart_umrechnung
            WHERE gebietsstand_von = {literal(before)} AND gebietsstand_nach = {literal(after)}
                AND raumebene IN ({levels})
            UNION
            SELECT raumebene, raum_id FROM dim_raum
            WHERE gebietsstand = {literal(after)} AND raumebene IN ({levels})
            EXCEPT SELECT raumebene, raum_id_nach FROM zeile
        )
        """,
    ) + count(
        con,
        f"""
        SELECT count(*) FROM (
            SELECT raumebene, raum_id FROM dim_raum
            WHERE gebietsstand = {literal(before)} AND raumebene IN ({levels})
                AND EXISTS (SELECT 1 FROM dim_raum WHERE gebietsstand = {literal(after)})
            EXCEPT SELECT raumebene, raum_id_von FROM zeile
        )
        """,
    )
    if missing:
        yield f"{name}: expected each area of both Gebietsstände, found {missing} missing"


def _columns(name: str, path: Path, declared: Mapping[str, str]) -> Iterator[str]:
    head = path.read_text("utf-8").partition("\n")[0]
    if head != ",".join(f'"{column}"' for column in declared):
        yield f"{name}: expected the declared columns in their order, found others"


def _csv(path: Path, declared: Mapping[str, str]) -> str:
    """Return the SQL that reads a table with its declared types; only quoted texts can be empty."""
    types = ", ".join(f"{literal(column)}: {literal(kind)}" for column, kind in declared.items())
    return (
        f"read_csv({literal(str(path))}, header=true, auto_detect=false, delim=',', quote='\"', "
        f"escape='\"', columns={{{types}}})"
    )


def _revisions(finished: Finished) -> Iterator[str]:
    """Find what the log of revisions tells of cells that are withheld now."""
    figures = [
        f"{name}_{when}" for name in ("wert", "zaehler", "nenner") for when in ("alt", "neu")
    ]
    withheld = ", ".join(map(literal, WITHHELD))
    with open_marts(finished.folder) as con:
        wrong = count(
            con,
            f"SELECT count(*) FROM mart_revision WHERE status_neu IN ({withheld}) "
            f"AND coalesce({', '.join(figures)}) IS NOT NULL",
        )
        named = count(
            con,
            "SELECT count(*) FROM mart_revision AS log LEFT JOIN mart_indikator AS now "
            "USING (raum_id, gebietsstand, stichtag, indikator_id, version) "
            f"WHERE (log.status_neu IN ({withheld}) OR now.status IN ({withheld})) "
            f"AND NOT (log.status_alt IN ({withheld}) AND log.status_neu IN ({withheld}))",
        )
    if wrong:
        yield (
            f"{MARTS} mart_revision: expected no figure where status_neu is one of "
            f"{', '.join(WITHHELD)}, found {wrong}"
        )
    if named:
        yield (
            f"{MARTS} mart_revision: expected no row of a cell that was shown and is withheld now, "
            f"found {named}"
        )


def _changes(finished: Finished) -> Iterator[str]:
    """Count the changes again, from both editions where the one before is at hand."""
    path = finished.folder / CHANGES_TABLE
    with open_marts(finished.folder) as con:
        yield from _columns(CHANGES_TABLE, path, CHANGES)
        rows = con.execute(f"FROM {_csv(path, CHANGES)}").fetchall()
    found = [dict(zip(CHANGES, row, strict=True)) for row in rows]
    yield from same_names(CHANGES_TABLE, "kinds", KINDS, {*KINDS, *(row["art"] for row in found)})
    yield from _discretion(found)
    before = _manifest_before(finished)
    if finished.previous is None:
        return
    expected = _counted(finished, before) if before else {}
    told: dict[str, Counter] = {}
    for row in found:
        said = tuple(sorted((k, v) for k, v in row.items() if v is not None))
        told.setdefault(row["art"], Counter())[said] += 1
    for kind in KINDS:
        one, other = expected.get(kind, Counter()), told.get(kind, Counter())
        if one != other:
            yield (
                f"{CHANGES_TABLE}: expected {one.total()} rows of {kind} as both editions say, "
                f"found {other.total()} that are not these"
            )


def _discretion(found: list[dict]) -> Iterator[str]:
    """Find rows that tell of cells whose protection has changed more than a number."""
    finer = {
        "neu_zurueckgehalten": ("art", "thema", "anzahl"),
        "neu_gezeigt": ("art", "thema", "indikator_id", "indikator", "stichtag", "anzahl"),
    }
    for kind, columns in finer.items():
        rows = [row for row in found if row["art"] == kind]
        wrong = [row for row in rows if any(row[name] for name in CHANGES if name not in columns)]
        small = [row for row in rows if row["anzahl"] != LESS and int(row["anzahl"]) < FEW]
        if wrong:
            yield f"{CHANGES_TABLE}: expected numbers of cells for {kind}, found {len(wrong)} finer"
        if small:
            yield f"{CHANGES_TABLE}: expected {LESS!r} for {kind}, found {len(small)} small numbers"


def _manifest_before(finished: Finished) -> Mapping | None:
    """Return the manifest of the edition before, if there is one of the same region."""
    if finished.previous is None:
        return None
    told = json.loads((finished.previous / MANIFEST).read_text("utf-8"))
    return told if told.get("region") == finished.manifest.get("region") else None


class _Edition(NamedTuple):
    """What an edition shows: {cell: (status, value)} by kind, its areas, definitions and indices.

    A cell is kind, key, Stichtag, Gebietsstand, level, area and whatever else tells it apart.
    """

    cells: dict[tuple, tuple]
    areas: dict[tuple, str]
    versions: dict[tuple, tuple]
    indices: dict[str, str]


def _edition(folder: Path) -> _Edition:
    with open_marts(folder) as con:
        tables = {
            name for (name,) in con.execute("SELECT table_name FROM duckdb_tables()").fetchall()
        }
        figures = con.execute(
            "SELECT indikator_id, stichtag, gebietsstand, raumebene, raum_id, version, status, "
            "wert, klasse FROM mart_indikator"
        ).fetchall()
        classes = con.execute(
            "SELECT index_id, stichtag, gebietsstand, raumebene, raum_id, status, klasse "
            "FROM mart_index"
        ).fetchall()
        people = con.execute(
            "SELECT stichtag, gebietsstand, raumebene, raum_id, basis, altersgruppe, geschlecht, "
            "staatsangehoerigkeit, status, anzahl FROM mart_bevoelkerung"
        ).fetchall()
        areas = con.execute(
            "SELECT gebietsstand, raumebene, raum_id, raum_name FROM dim_raum"
        ).fetchall()
        versions = con.execute(
            "SELECT indikator_id, version, thema, name FROM dim_indikator"
        ).fetchall()
        indices = (
            con.execute("SELECT DISTINCT index_id, name FROM dim_indexklasse").fetchall()
            if "dim_indexklasse" in tables
            else []
        )
    return _Edition(
        {
            **{("indikator", *row[:6]): (row[6], row[7:]) for row in figures},
            **{("index", *row[:5]): row[5:] for row in classes},
            **{("bevoelkerung", PEOPLE, *row[:8]): row[8:] for row in people},
        },
        {row[:3]: row[3] for row in areas},
        {row[:2]: row[2:] for row in versions},
        dict(indices),
    )


def _counted(finished: Finished, before: Mapping) -> dict[str, Counter]:
    """Return the rows that the report has to have, by kind."""
    new, old = _edition(finished.folder), _edition(finished.previous)
    subject = _subjects(new, old)
    rows: dict[str, list[dict]] = {kind: [] for kind in KINDS}
    for kind, here, there in (("neu", new, old), ("entfallen", old, new)):
        rows[f"raum_{kind}"] = [
            {"gebietsstand": stand, "raumebene": level, "raum_id": area, "raum_name": name}
            for (stand, level, area), name in here.areas.items()
            if (stand, level, area) not in there.areas
        ]
        known = {cell[1] for cell in there.cells}
        rows[f"indikator_{kind}"] = [
            subject[key] for key in {cell[1] for cell in here.cells} - known
        ]
        days = Counter(cell[1:3] for cell, said in here.cells.items() if said[0] in SHOWN)
        rows[f"stichtag_{kind}"] = [
            {**subject[key], "stichtag": day, "anzahl": str(days[key, day])}
            for key, day in {cell[1:3] for cell in here.cells} - {c[1:3] for c in there.cells}
            if key in known
        ]
    defined = {key for key, _ in old.versions}
    rows["definition_neu"] = [
        {**subject[key], "anzahl": f"Version {version}", "thema": told[0], "indikator": told[1]}
        for (key, version), told in new.versions.items()
        if (key, version) not in old.versions and key in defined
    ]
    rows["wert_revidiert"] = _revised(finished, before, new, subject)
    both = [(cell, old.cells[cell], said) for cell, said in new.cells.items() if cell in old.cells]
    rows.update(_moved(both, subject))
    return {
        kind: Counter(
            tuple(sorted((k, v) for k, v in {"art": kind, **row}.items() if v is not None))
            for row in told
        )
        for kind, told in rows.items()
    }


def _subjects(new: _Edition, old: _Edition) -> dict[str, dict]:
    """Return theme, key and name of everything that has cells or a definition."""
    found = {
        cell[1]: {
            "thema": "index",
            "indikator_id": cell[1],
            "indikator": new.indices.get(cell[1]) or cell[1],
        }
        for edition in (old, new)
        for cell in edition.cells
        if cell[0] == "index"
    }
    for edition in (old, new):  # what the new one says holds
        for (key, _), (theme, name) in sorted(edition.versions.items()):
            found[key] = {"thema": theme, "indikator_id": key, "indikator": name}
    people = {"thema": PEOPLE, "indikator_id": PEOPLE, "indikator": "Einwohnerinnen und Einwohner"}
    return {**found, PEOPLE: people}


def _revised(
    finished: Finished, before: Mapping, new: _Edition, subject: Mapping[str, dict]
) -> list[dict]:
    """Return the values that the log of revisions shows since the edition before."""
    with open_marts(finished.folder) as con:
        found = con.execute(
            "SELECT indikator_id, stichtag, gebietsstand, raumebene, raum_id, wert_alt, wert_neu "
            "FROM mart_revision WHERE edition_alt = ?",
            [before["content_hash"][:16]],
        ).fetchall()
    return [
        {
            **subject[key],
            "stichtag": day,
            "gebietsstand": stand,
            "raumebene": level,
            "raum_id": area,
            "raum_name": new.areas.get((stand, level, area)),
            "wert_alt": was,
            "wert_neu": now,
        }
        for key, day, stand, level, area, was, now in found
        if was is not None and now is not None and abs(was - now) > SAME
    ]


def _moved(
    both: list[tuple[tuple, tuple, tuple]], subject: Mapping[str, dict]
) -> dict[str, list[dict]]:
    """Return numbers of cells that have changed, by kind; of withheld ones by theme only."""
    counts: dict[str, Counter] = {}
    hidden = Counter({told["thema"]: 0 for told in subject.values()})
    for cell, was, now in both:
        kinds = []
        if was[0] == "nicht_geliefert" and now[0] in SHOWN:
            kinds.append("nachgeliefert")
        if was[0] in WITHHELD and now[0] in SHOWN:
            kinds.append("neu_gezeigt")
        if was[0] in SHOWN and now[0] in WITHHELD:
            hidden[subject[cell[1]]["thema"]] += 1
        if was[0] == now[0] == "ok" and was[1:] != now[1:]:
            kinds += {"index": ["klasse_geaendert"], PEOPLE: ["anzahl_geaendert"]}.get(cell[0], [])
        for kind in kinds:
            counts.setdefault(kind, Counter())[cell[1], cell[2]] += 1
    found = {
        kind: [
            {
                **subject[key],
                "stichtag": day,
                "anzahl": LESS if kind == "neu_gezeigt" and number < FEW else str(number),
            }
            for (key, day), number in told.items()
        ]
        for kind, told in counts.items()
    }
    found["neu_zurueckgehalten"] = [
        {"thema": theme, "anzahl": LESS if number < FEW else str(number)}
        for theme, number in hidden.items()
    ]
    return found


def _page(finished: Finished) -> Iterator[str]:
    """Compare the page with the table: the editions, the chapters and every line."""
    from lxml import html

    root = html.fromstring((finished.folder / CHANGES_PAGE).read_text("utf-8"))
    named = [code.text_content() for code in root.xpath("//header//code")]
    if named[-1:] != [finished.manifest["edition_id"]]:
        yield f"{CHANGES_PAGE}: expected the edition of {MANIFEST}, found another"
    if finished.previous is not None:
        before = _manifest_before(finished)
        if named[:-1] != ([before["edition_id"]] if before else []):
            yield f"{CHANGES_PAGE}: expected the edition before, found another or none"
    with open_marts(finished.folder) as con:
        rows = con.execute(f"FROM {_csv(finished.folder / CHANGES_TABLE, CHANGES)}").fetchall()
    table = [dict(zip(CHANGES, row, strict=True)) for row in rows]
    if table and not named[:-1]:
        yield f"{CHANGES_PAGE}: expected the edition that changes are told from, found none"
    expected = {
        title: _lines([row for row in table if row["art"] == kind], kind, finished)
        for kind, title in KINDS.items()
    }
    found = {
        section.findtext("h2"): Counter(
            tuple(cell.text_content() for cell in line) for line in section.xpath(".//tbody/tr")
        )
        for section in root.xpath("//section")
    }
    for title in {**expected, **found}:
        if expected.get(title, Counter()) != found.get(title, Counter()):
            yield f"{CHANGES_PAGE}: expected the lines of {CHANGES_TABLE}, found others: {title}"


def _lines(rows: list[dict], kind: str, finished: Finished) -> Counter:
    """Return the lines that the page shows of one kind, as a reader sees them."""
    columns = COLUMNS.get(kind, COUNTED)
    told = Counter(tuple(_seen(name, row[name], finished) for name in columns) for row in rows)
    if kind not in SUMMED:
        return told
    return Counter((*line[:-1], str(number)) for line, number in told.items())


def _seen(name: str, value: object, finished: Finished) -> str:
    if name == "raumebene":
        return finished.imprint.plural(value)
    if isinstance(value, date):
        return f"{value:%d.%m.%Y}"
    return "–" if value is None else str(value)
