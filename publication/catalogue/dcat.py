"""DCAT-AP.de for open-data portals, as Turtle and as JSON-LD: the dataset and its public forms.

Terms are those that version 2.0 and 3.0 share; where they differ (`owl:versionInfo`,
`dcat:version`) both stand. Every node has a URI made from the region's `kennung`, so two editions
differ only in what they say. Not here: what is said (`described`), identifiers (`declared`).
"""

import json
from collections.abc import Mapping
from hashlib import file_digest
from typing import TYPE_CHECKING

from publication.catalogue.declared import (
    DATASET,
    EU_THEMES,
    JSON_LD,
    OPEN_DATA,
    TURTLE,
    Distribution,
    distributions,
    identifier,
)
from publication.catalogue.described import Extent, extents, origin, written
from publication.imprint import Imprint
from publication.layers import CRS
from publication.material import Material
from publication.numbers import number

if TYPE_CHECKING:
    from rdflib import Graph, Literal, URIRef
    from rdflib.term import Node

    Statement = tuple[str, Node]

AUTHORITY = "http://publications.europa.eu/resource/authority"
MEDIA = "https://www.iana.org/assignments/media-types"
DISTRICT = "http://dcat-ap.de/def/politicalGeocoding/districtKey"
DISTRICT_LEVEL = "http://dcat-ap.de/def/politicalGeocoding/Level/administrativeDistrict"
SPACES = {
    "dcat": "http://www.w3.org/ns/dcat#",
    "dcatde": "http://dcat-ap.de/def/dcatde/",
    "dct": "http://purl.org/dc/terms/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "geo": "http://www.opengis.net/ont/geosparql#",
    "locn": "http://www.w3.org/ns/locn#",
    "owl": "http://www.w3.org/2002/07/owl#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "spdx": "http://spdx.org/rdf/terms#",
    "vcard": "http://www.w3.org/2006/vcard/ns#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}

PARTS = (DATASET, "herausgeber", "kontakt", "raum", "zeit", "herkunft")
"""What the dataset's nodes stand for."""


def write(material: Material) -> None:
    """Write the records; the same edition gives the same bytes."""
    graph = _graph(material)
    (material.folder / TURTLE).write_text(graph.serialize(format="turtle"), "utf-8")
    context = {prefix: str(space) for prefix, space in SPACES.items()}
    told = json.loads(graph.serialize(format="json-ld", context=context, auto_compact=False))
    text = json.dumps(_ordered(told), indent=2, sort_keys=True, ensure_ascii=False)
    (material.folder / JSON_LD).write_text(text + "\n", "utf-8")


def _ordered(value: object) -> object:
    """Return JSON with its lists in order: RDF has none, and the serialiser no fixed one."""
    if isinstance(value, dict):
        return {key: _ordered(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return sorted(map(_ordered, value), key=lambda entry: json.dumps(entry, sort_keys=True))
    return value


def _graph(material: Material) -> "Graph":
    from rdflib import Graph

    graph = Graph(bind_namespaces="none")
    for prefix, space in SPACES.items():
        graph.bind(prefix, space)
    imprint = material.imprint
    extent = extents(material)[None]
    forms = distributions(written(material))
    nodes = {name: _node(imprint, name) for name in ("katalog", *PARTS)}
    _add(
        graph,
        nodes["katalog"],
        ("a", _term("dcat:Catalog")),
        ("dct:title", _german(f"Katalog: {imprint.organisation}")),
        ("dct:description", _german(imprint.beschreibung)),
        ("dct:publisher", nodes["herausgeber"]),
        ("dct:language", _iri(f"{AUTHORITY}/language/DEU")),
        ("dcat:themeTaxonomy", _iri(f"{AUTHORITY}/data-theme")),
        ("dcat:dataset", nodes[DATASET]),
    )
    _add(graph, nodes[DATASET], *_dataset(material, nodes))
    _add(
        graph,
        nodes["herausgeber"],
        ("a", _term("foaf:Organization")),
        ("foaf:name", _german(imprint.organisation)),
        ("foaf:homepage", _iri(imprint.url)),
    )
    _add(
        graph,
        nodes["kontakt"],
        ("a", _term("vcard:Organization")),
        ("vcard:fn", _german(f"{imprint.organisation}, {imprint.stelle}")),
        ("vcard:hasEmail", _iri(f"mailto:{imprint.email}")),
        ("vcard:hasURL", _iri(imprint.url)),
    )
    _add(graph, nodes["raum"], *_place(material, extent))
    _add(graph, nodes["zeit"], *_period(extent))
    _add(
        graph,
        nodes["herkunft"],
        ("a", _term("dct:ProvenanceStatement")),
        ("rdfs:label", _german(origin(material.facts))),
    )
    for form in forms:
        distribution = _node(imprint, f"distribution:{form.key}")
        graph.add((nodes[DATASET], _term("dcat:distribution"), distribution))
        _add(graph, distribution, *_distribution(material, form))
        if len(form.files) == 1:
            _add_file(graph, distribution, material, form)
    return graph


def _dataset(material: Material, nodes: "Mapping[str, URIRef]") -> "list[Statement]":
    imprint, facts = material.imprint, material.facts
    return [
        ("a", _term("dcat:Dataset")),
        ("dct:title", _german(imprint.titel)),
        ("dct:description", _german(imprint.beschreibung)),
        ("dct:identifier", _plain(identifier(imprint, DATASET))),
        ("dct:publisher", nodes["herausgeber"]),
        ("dcat:contactPoint", nodes["kontakt"]),
        ("dct:spatial", nodes["raum"]),
        ("dct:temporal", nodes["zeit"]),
        ("dct:provenance", nodes["herkunft"]),
        ("dct:language", _iri(f"{AUTHORITY}/language/DEU")),
        ("dct:accessRights", _iri(f"{AUTHORITY}/access-right/PUBLIC")),
        ("dct:accrualPeriodicity", _iri(f"{AUTHORITY}/frequency/IRREG")),
        ("dct:conformsTo", _iri(f"http://www.opengis.net/def/crs/{CRS.replace(':', '/0/')}")),
        ("dct:modified", _typed(facts["created_at"], "xsd:dateTime")),
        ("owl:versionInfo", _plain(facts["edition_id"])),
        ("dcat:version", _plain(facts["edition_id"])),
        ("dcat:landingPage", _iri(imprint.url)),
        *(("dcat:theme", _iri(f"{AUTHORITY}/data-theme/{theme}")) for theme in EU_THEMES),
        *(("dcat:keyword", _german(word)) for word in (OPEN_DATA, *imprint.schlagworte)),
        *_districts(material),
    ]


def _districts(material: Material) -> "list[Statement]":
    """Return the Kreise of the edition as DCAT-AP.de codes them."""
    with material.open() as con:
        keys = con.execute(
            "SELECT DISTINCT kreis_id FROM dim_raum WHERE length(kreis_id) = 5 ORDER BY ALL"
        ).fetchall()
    level = [("dcatde:politicalGeocodingLevelURI", _iri(DISTRICT_LEVEL))] if keys else []
    return [
        *(("dcatde:politicalGeocodingURI", _iri(f"{DISTRICT}/{key}")) for (key,) in keys),
        *level,
    ]


def _place(material: Material, extent: Extent) -> "list[Statement]":
    west, south, east, north = extent[:4]
    corners = [(west, south), (east, south), (east, north), (west, north), (west, south)]
    box = f"POLYGON(({', '.join(f'{x} {y}' for x, y in corners)}))"
    return [
        ("a", _term("dct:Location")),
        ("rdfs:label", _german(material.imprint.region_name)),
        ("dcat:bbox", _typed(box, "geo:wktLiteral")),
        ("locn:geometry", _typed(box, "geo:wktLiteral")),
    ]


def _period(extent: Extent) -> "list[Statement]":
    days = (("dcat:startDate", extent.begin), ("dcat:endDate", extent.end))
    return [
        ("a", _term("dct:PeriodOfTime")),
        *((name, _typed(day.isoformat(), "xsd:date")) for name, day in days if day),
    ]


def _distribution(material: Material, form: Distribution) -> "list[Statement]":
    imprint = material.imprint
    return [
        ("a", _term("dcat:Distribution")),
        ("dct:title", _german(form.title)),
        ("dct:description", _german(f"{form.title}, Dateien: {number(len(form.files))}")),
        ("dcat:accessURL", _iri(imprint.url)),
        ("dct:format", _iri(f"{AUTHORITY}/file-type/{form.format}")),
        ("dcat:mediaType", _iri(f"{MEDIA}/{form.media_type}")),
        ("dct:license", _iri(imprint.lizenz_dcat)),
        ("dcatde:licenseAttributionByText", _german(imprint.quellenvermerk)),
        ("dct:modified", _typed(material.facts["created_at"], "xsd:dateTime")),
    ]


def _add_file(
    graph: "Graph", distribution: "URIRef", material: Material, form: Distribution
) -> None:
    """Say how large the one file of a form is, and how to know it again."""
    path = material.folder / form.files[0]
    with path.open("rb") as file:
        digest = file_digest(file, "sha256").hexdigest()
    checksum = _node(material.imprint, f"pruefsumme:{form.key}")
    size = _typed(str(path.stat().st_size), "xsd:nonNegativeInteger")
    _add(graph, distribution, ("dcat:byteSize", size), ("spdx:checksum", checksum))
    _add(
        graph,
        checksum,
        ("a", _term("spdx:Checksum")),
        ("spdx:algorithm", _term("spdx:checksumAlgorithm_sha256")),
        ("spdx:checksumValue", _typed(digest, "xsd:hexBinary")),
    )


def _add(graph: "Graph", subject: "URIRef", *statements: "Statement") -> None:
    from rdflib import RDF

    for name, value in statements:
        graph.add((subject, RDF.type if name == "a" else _term(name), value))


def _node(imprint: Imprint, what: str) -> "URIRef":
    return _iri(f"urn:uuid:{identifier(imprint, what)}")


def _term(name: str) -> "URIRef":
    prefix, _, local = name.partition(":")
    return _iri(SPACES[prefix] + local)


def _iri(text: str) -> "URIRef":
    from rdflib import URIRef

    return URIRef(text)


def _plain(text: str) -> "Literal":
    from rdflib import Literal

    return Literal(text)


def _german(text: str) -> "Literal":
    from rdflib import Literal

    return Literal(text, lang="de")


def _typed(text: str, kind: str) -> "Literal":
    from rdflib import Literal

    return Literal(text, datatype=_term(kind), normalize=False)
