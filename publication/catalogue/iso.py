"""ISO 19139 records for a geodata infrastructure: the dataset, each of its levels, the service.

pygeometa writes the record; what GDI-DE asks beyond it (licence as JSON, the true coordinate
system, dates of thesauri, resolution, sources, the coupling of a service) is put in its place here.
The namespaces are those of the CSW application profile ISO 1.0, which German catalogues harvest.
Not here: what is said (`described`), identifiers (`declared`).
"""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from publication.catalogue.declared import (
    DATASET,
    INSPIRE_THEMES,
    OPEN_DATA,
    SERVICE,
    SLIVER,
    Distribution,
    distributions,
    identifier,
    level_key,
    licence,
    record_file,
)
from publication.catalogue.described import Extent, extents, origin, sources, written
from publication.layers import CRS, TOLERANCE, ordered_levels
from publication.material import Material
from publication.numbers import number

if TYPE_CHECKING:
    from lxml.etree import _Element

NAMES = {
    "gmd": "http://www.isotc211.org/2005/gmd",
    "gco": "http://www.isotc211.org/2005/gco",
    "gmx": "http://www.isotc211.org/2005/gmx",
    "srv": "http://www.isotc211.org/2005/srv",
    "gml": "http://www.opengis.net/gml",
    "xlink": "http://www.w3.org/1999/xlink",
}
CODES = "http://www.isotc211.org/2005/resources/Codelist/gmxCodelists.xml"
NO_LIMITS = "http://inspire.ec.europa.eu/metadata-codelist/LimitationsOnPublicAccess/noLimitations"
GEMET = "GEMET - INSPIRE themes, version 1.0"
GEMET_DATE = "2008-06-01"
SERVICE_TYPE = "OGC API - Features"


class _Record(NamedTuple):
    """What one record describes.

    Attributes:
        key: what its identifier is made of.
        scope: `series`, `dataset` or `service`, as ISO names them.
        parent: key of the record above, or None.
        title, abstract, more: German; `more` is supplementary information.
        extent: where and when.
        sources: lines of its lineage, beside the statement.
    """

    key: str
    scope: str
    parent: str | None
    title: str
    abstract: str
    more: str
    extent: Extent
    sources: Sequence[str] = ()


def write(material: Material) -> None:
    """Write one record for the dataset, one for each level and one for the service."""
    from lxml import etree

    forms = distributions(written(material))
    for record in _records(material):
        root = _pygeometa(record, material, forms)
        _mend(root, record, material, forms)
        if record.scope == "service":
            _make_service(root, record, material)
        etree.indent(root)
        text = etree.tostring(root, xml_declaration=True, encoding="UTF-8") + b"\n"
        (material.folder / record_file(record.key)).write_bytes(text)


def _records(material: Material) -> list[_Record]:
    imprint, found = material.imprint, extents(material)
    levels = ordered_levels(material.shapes)
    names = ", ".join(imprint.plural(level) for level in levels)
    exact = f"Genaue Grenzen und vereinfachte (bis {number(TOLERANCE)} m neben der genauen Linie)."
    return [
        _Record(
            DATASET,
            "series",
            None,
            imprint.titel,
            f"{imprint.beschreibung} Ebenen: {names}.",
            f"{exact} Zwischen Gebietsständen vermittelt eine Konkordanz nach Fläche; "
            f"Überschneidungen unter {number(SLIVER, 1)} % beider Räume sind weggelassen. Was sich "
            "von Ausgabe zu Ausgabe ändert, sagt ein Änderungsbericht.",
            found[None],
            sources(material.facts),
        ),
        *(
            _Record(
                level_key(level),
                "dataset",
                DATASET,
                f"{imprint.titel}: {imprint.plural(level)}",
                f"{imprint.beschreibung} Diese Karte zeigt die Ebene {imprint.plural(level)} mit "
                f"Indikatoren und Indizes zu ihrem jeweils neuesten Stichtag, Gebietsstand "
                f"{_stand(material, level)}.",
                exact,
                found[level],
            )
            for level in levels
        ),
        _Record(
            SERVICE,
            "service",
            None,
            f"{imprint.titel}: Dienst ({SERVICE_TYPE})",
            f"{imprint.beschreibung} Der Dienst gibt die Ebenen {names} mit Indikatoren und "
            "Indizes als Objekte ab.",
            "",
            found[None],
        ),
    ]


def _stand(material: Material, level: str) -> str:
    shapes = material.shapes.select(["raumebene", "gebietsstand"]).to_pylist()
    return ", ".join(sorted({row["gebietsstand"] for row in shapes if row["raumebene"] == level}))


def _pygeometa(record: _Record, material: Material, forms: Sequence[Distribution]) -> "_Element":
    """Return the record as pygeometa writes it, without blanks between its elements."""
    from lxml import etree
    from pygeometa.schemas.iso19139 import ISO19139OutputSchema

    imprint = material.imprint
    created = material.facts["created_at"][:10]
    contact = {
        "organization": imprint.organisation,
        "positionname": imprint.stelle,
        "email": imprint.email,
        "url": imprint.url,
    }
    told = {
        "mcf": {"version": "1.0"},
        "metadata": {
            "identifier": identifier(imprint, record.key),
            "parentidentifier": record.parent and identifier(imprint, record.parent),
            "language": "ger",
            "charset": "utf8",
            "hierarchylevel": record.scope,
            "datestamp": created,
            "dataseturi": imprint.url,
        },
        "spatial": {"datatype": "vector", "geomtype": "surface"},
        "identification": {
            "title": record.title,
            "abstract": record.abstract,
            "edition": material.facts["edition_id"],
            "dates": {"revision": created},
            "status": "onGoing",
            "maintenancefrequency": "asNeeded",
            "language": "ger",
            "charset": "utf8",
            "topiccategory": ["society", "boundaries"],
            "keywords": {
                # a keyword of its own, in no thesaurus and not beside others of one
                "offen": {"keywords": [OPEN_DATA], "keywords_type": "theme"},
                "eigene": {"keywords": list(imprint.schlagworte), "keywords_type": "theme"},
                "inspire": {
                    "keywords": list(INSPIRE_THEMES),
                    "keywords_type": "theme",
                    "vocabulary": {"name": GEMET},
                },
            },
            "extents": {
                "spatial": [{"bbox": list(record.extent[:4]), "crs": 4326}],
                "temporal": _period(record.extent),
            },
            "rights": imprint.lizenz_name,
            "accessconstraints": "otherRestrictions",
            "url": record.more or None,
        },
        "contact": {"author": contact, "pointOfContact": contact},
        "distribution": {
            form.key: {
                "url": imprint.url,
                "type": "WWW:LINK",
                "name": form.title,
                "description": f"{form.title}, zu beziehen über diese Seite",
                "function": "information",
            }
            for form in forms
        },
        "dataquality": {
            "scope": {"level": record.scope},
            "lineage": {"statement": origin(material.facts)},
        },
    }
    text = ISO19139OutputSchema().write(told)
    root = etree.fromstring(text.encode(), etree.XMLParser(remove_blank_text=True))
    renamed = etree.Element(root.tag, nsmap=NAMES)  # one place for all namespaces, srv among them
    renamed.extend(root)
    return renamed


def _period(extent: Extent) -> list[dict]:
    if extent.begin is None or extent.end is None:
        return []
    return [{"begin": extent.begin.isoformat(), "end": extent.end.isoformat()}]


def _mend(
    root: "_Element", record: _Record, material: Material, forms: Sequence[Distribution]
) -> None:
    """Put in its place what pygeometa lacks or says otherwise."""
    imprint = material.imprint
    _one(root, "gmd:contact//gmd:role").getchildren()[0].set("codeListValue", "pointOfContact")
    _one(root, "gmd:contact//gmd:role").getchildren()[0].text = "pointOfContact"
    for unknown in _all(root, "//gmd:phone | //gmd:postalCode | //gmd:maintenanceNote"):
        unknown.getparent().remove(unknown)
    if record.scope != "dataset":
        _one(root, "gmd:hierarchyLevel").addnext(_text("gmd:hierarchyLevelName", record.scope))
    _replace(_one(root, "gmd:referenceSystemInfo"), _reference_system())
    citation = _one(root, "gmd:identificationInfo//gmd:CI_Citation")
    resource = f"urn:uuid:{identifier(imprint, record.key)}"
    citation.append(
        _node("gmd:identifier", _node("gmd:MD_Identifier", _text("gmd:code", resource)))
    )
    for date in _all(root, "//gmd:thesaurusName//gmd:CI_Date"):
        _replace(date, _date(GEMET_DATE, "publication"))
    _replace(_one(root, "//gmd:resourceConstraints"), *_constraints(material))
    if record.scope == "dataset":
        _one(root, "//gmd:spatialRepresentationType").addnext(_resolution())
    lineage = _one(root, "//gmd:LI_Lineage")
    for line in record.sources:
        lineage.append(_node("gmd:source", _node("gmd:LI_Source", _text("gmd:description", line))))
    transfer = _one(root, "//gmd:transferOptions")
    for format_ in dict.fromkeys(form.format for form in forms):
        transfer.addprevious(_format(format_))


def _constraints(material: Material) -> list["_Element"]:
    """Return who may reach the data, and under which licence, in words and as JSON."""
    imprint = material.imprint
    other = _code("gmd:MD_RestrictionCode", "otherRestrictions")
    reach = _node(
        "gmd:MD_LegalConstraints",
        _node("gmd:accessConstraints", other),
        _node("gmd:otherConstraints", _anchor("Es gelten keine Zugriffsbeschränkungen", NO_LIMITS)),
    )
    use = _node(
        "gmd:MD_LegalConstraints",
        _node("gmd:useConstraints", _code("gmd:MD_RestrictionCode", "otherRestrictions")),
        _text("gmd:otherConstraints", f"Nutzungsbedingungen: {imprint.lizenz_name}"),
        _text("gmd:otherConstraints", json.dumps(licence(imprint), ensure_ascii=False)),
        _text("gmd:otherConstraints", f"Quellenvermerk: {imprint.quellenvermerk}"),
    )
    return [_node("gmd:resourceConstraints", part) for part in (reach, use)]


def _reference_system() -> "_Element":
    code = f"http://www.opengis.net/def/crs/{CRS.replace(':', '/0/')}"
    return _node(
        "gmd:referenceSystemInfo",
        _node(
            "gmd:MD_ReferenceSystem",
            _node(
                "gmd:referenceSystemIdentifier",
                _node(
                    "gmd:RS_Identifier",
                    _node("gmd:code", _anchor(f"{CRS}: ETRS89 / UTM zone 32N", code)),
                ),
            ),
        ),
    )


def _resolution() -> "_Element":
    """Return how far a simplified boundary may lie from the exact one."""
    distance = _node("gco:Distance")
    distance.text = f"{TOLERANCE:g}"
    distance.set("uom", "m")
    return _node(
        "gmd:spatialResolution", _node("gmd:MD_Resolution", _node("gmd:distance", distance))
    )


def _format(name: str) -> "_Element":
    version = _node("gmd:version")
    version.set(_name("gco:nilReason"), "unknown")
    return _node("gmd:distributionFormat", _node("gmd:MD_Format", _text("gmd:name", name), version))


def _make_service(root: "_Element", record: _Record, material: Material) -> None:
    """Turn a record into that of a service that is coupled with the records of its data."""
    for only_data in _all(root, "gmd:dataSetURI | gmd:spatialRepresentationInfo"):
        root.remove(only_data)
    data = _one(root, "gmd:identificationInfo/gmd:MD_DataIdentification")
    service = _node("srv:SV_ServiceIdentification")
    shared = "citation abstract status pointOfContact resourceMaintenance descriptiveKeywords"
    for name in (*shared.split(), "resourceConstraints"):
        service.extend(_all(data, f"gmd:{name}"))
    kind = _node("gco:LocalName")
    kind.text = "download"
    extent = _node("srv:extent")
    extent.extend(_one(data, "gmd:extent").getchildren())
    operation = _node(
        "srv:SV_OperationMetadata",
        _text("srv:operationName", "Conformance"),
        _node("srv:DCP", _list("srv:DCPList", "WebServices")),
        _node(
            "srv:connectPoint",
            _node(
                "gmd:CI_OnlineResource",
                _node("gmd:linkage", _url(material.imprint.url)),
                _text("gmd:description", "Seite der Stelle, die den Dienst betreibt"),
            ),
        ),
    )
    coupling = _list("srv:SV_CouplingType", "tight", f"{CODES}#SV_CouplingType")
    service.extend(
        [
            _node("srv:serviceType", kind),
            _text("srv:serviceTypeVersion", SERVICE_TYPE),
            extent,
            _node("srv:couplingType", coupling),
            _node("srv:containsOperations", operation),
            *(
                _operates_on(identifier(material.imprint, level_key(level)))
                for level in ordered_levels(material.shapes)
            ),
        ]
    )
    _replace(data, service)


def _operates_on(uuid: str) -> "_Element":
    element = _node("srv:operatesOn")
    element.set("uuidref", uuid)
    element.set(_name("xlink:href"), f"urn:uuid:{uuid}")
    return element


def _name(name: str) -> str:
    prefix, _, local = name.partition(":")
    return f"{{{NAMES[prefix]}}}{local}"


def _node(name: str, *children: "_Element") -> "_Element":
    from lxml import etree

    element = etree.Element(_name(name), nsmap=NAMES)
    element.extend(children)
    return element


def _text(name: str, text: str) -> "_Element":
    content = _node("gco:CharacterString")
    content.text = text
    return _node(name, content)


def _anchor(text: str, target: str) -> "_Element":
    content = _node("gmx:Anchor")
    content.text = text
    content.set(_name("xlink:href"), target)
    return content


def _url(target: str) -> "_Element":
    content = _node("gmd:URL")
    content.text = target
    return content


def _code(name: str, value: str) -> "_Element":
    return _list(name, value, f"{CODES}#{name.partition(':')[2]}")


def _list(name: str, value: str, code_list: str = f"{CODES}#DCPList") -> "_Element":
    element = _node(name)
    element.set("codeList", code_list)
    element.set("codeListValue", value)
    return element


def _date(day: str, kind: str) -> "_Element":
    date = _node("gco:Date")
    date.text = day
    return _node(
        "gmd:CI_Date",
        _node("gmd:date", date),
        _node("gmd:dateType", _code("gmd:CI_DateTypeCode", kind)),
    )


def _all(element: "_Element", path: str) -> list["_Element"]:
    return element.xpath(path, namespaces=NAMES)


def _one(element: "_Element", path: str) -> "_Element":
    return _all(element, path)[0]


def _replace(element: "_Element", *others: "_Element") -> None:
    parent = element.getparent()
    place = parent.index(element)
    parent[place : place + 1] = others
