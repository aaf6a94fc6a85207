"""The audit of what QGIS keeps in a GeoPackage: styles (QML, with SLD beside) and the project.

What a legend may say is stated here anew from `dim_klassengrenze` and `dim_indexklasse`; the
writer's legends, rules and XML are not asked. Not here: layers, tables and cells (geopackage).
"""

import json
import re
import sqlite3
from collections.abc import Collection, Iterator, Mapping
from io import BytesIO
from typing import TYPE_CHECKING, NamedTuple
from xml.etree import ElementTree as ET
from zipfile import ZipFile

from publication.audit.reading import same_names
from publication.forms.geopackage import GEOPACKAGE, LAST_CHANGE, PROJECTS, STYLES
from publication.forms.project import PROJECT, SAVED
from publication.layers import LONG

if TYPE_CHECKING:
    import duckdb

SECRET, OTHER = "Geheimhaltung", "keine Angabe"

STYLE_TAGS = {
    *("qgis", "renderer-v2", "rules", "rule", "symbols", "symbol", "layer", "Option"),
    *("aliases", "alias", "previewExpression"),
}
PROJECT_TAGS = STYLE_TAGS | {
    *("homePath", "title", "projectCrs", "spatialrefsys", "srsid", "srid", "authid", "srs"),
    *("layer-tree-group", "layer-tree-layer", "relations", "relation", "fieldRef"),
    *("mapcanvas", "units", "extent", "xmin", "ymin", "xmax", "ymax", "rotation"),
    *("destinationsrs", "projectlayers", "maplayer", "id", "datasource", "layername", "provider"),
    *("flags", "Identifiable", "Removable", "Searchable", "layerOpacity", "layerorder"),
    *("properties", "Paths", "Absolute", "SpatialRefSys", "ProjectionsEnabled"),
    *("ProjectViewSettings", "DefaultViewExtent"),
}
STYLE_COLUMNS = {
    *("id", "f_table_catalog", "f_table_schema", "f_table_name", "f_geometry_column"),
    *("styleName", "styleQML", "styleSLD", "useAsDefault", "description", "owner", "ui"),
    "update_time",
}

MACHINE = re.compile(
    r"^(~?/|\\\\)|[A-Za-z]:[\\/]|://|file:|/(home|Users|root|tmp|var|work)/"
    r"|\b(dbname|host|hostaddr|port|user|username|password|service|authcfg|sslmode)\s*=",
    re.IGNORECASE,
)
USERS = ("saveUser", "saveUserFull", "author", "saveDateTime", "creation")

NUMBER = r"(−?[0-9.]+(?:,[0-9]+)?)"
LABELS = (
    re.compile(f"über (?P<low>{NUMBER}) bis (?P<high>{NUMBER})"),
    re.compile(f"über (?P<low>{NUMBER})"),
    re.compile(f"bis (?P<high>{NUMBER})"),
    re.compile("alle Werte"),
)
TERM = re.compile(
    r'"(?P<column>(?:[^"]|"")+)" '
    r"(?:(?P<compared>>|<=) (?P<limit>\S+)|= '(?P<word>(?:[^']|'')*)'|IS NOT NULL)(?: AND |$)"
)


class Classes(NamedTuple):
    """What the edition declares for one indicator or index.

    Attributes:
        column: with its value.
        titles: what a style of it may be called.
        classes: (over, up to and including), or words, from low to high.
    """

    column: str
    titles: tuple[str, ...]
    classes: tuple[tuple[float | None, float | None] | str, ...]


def declared_classes(con: "duckdb.DuckDBPyConnection") -> dict[str, Classes]:
    """Return what `dim_klassengrenze` and `dim_indexklasse` declare, by indicator or index."""
    found = {}
    for key, name, unit, limits, words in con.execute(
        """
        SELECT indikator_id, arg_max(dim_indikator.name, version), arg_max(einheit, version),
            list(DISTINCT [ueber, bis]) FILTER (WHERE grenze.name IS NULL),
            list(DISTINCT (klasse, grenze.name)) FILTER (WHERE grenze.name IS NOT NULL)
        FROM dim_klassengrenze AS grenze JOIN dim_indikator USING (indikator_id)
        GROUP BY indikator_id
        """
    ).fetchall():
        titles = (name, f"{name} ({unit})")
        if words:
            found[key] = Classes(f"{key}_klasse", titles, tuple(word for _, word in sorted(words)))
        else:
            ordered = sorted(limits, key=lambda limit: (limit[0] is not None, limit[0]))
            found[key] = Classes(key, titles, tuple(map(tuple, ordered)))
    for key, name, words in con.execute(
        "SELECT index_id, max(name), list((rang, klasse)) FROM dim_indexklasse GROUP BY index_id"
    ).fetchall():
        found[key] = Classes(f"{key}_klasse", (name,), tuple(word for _, word in sorted(words)))
    return found


def styles(
    con: sqlite3.Connection,
    columns: Mapping[str, Collection[str]],
    classes: Mapping[str, Classes],
) -> Iterator[str]:
    """Compare every style with the declared classes.

    Args:
        con: the GeoPackage.
        columns: of each layer and table.
        classes: as `declared_classes` returns them.
    """
    name = f"{GEOPACKAGE} {STYLES}"
    found = [column for _, column, *_ in con.execute(f"PRAGMA table_info({STYLES})")]
    yield from same_names(name, "columns", STYLE_COLUMNS, found)
    rows = con.execute(
        "SELECT f_table_name, styleName, styleQML, styleSLD, useAsDefault, description, "
        "f_table_catalog || f_table_schema || owner || coalesce(ui, ''), update_time, "
        f"f_geometry_column FROM {STYLES}"
    ).fetchall()
    expected = {
        f"{table}/{key}"
        for table in columns
        for key, declared in classes.items()
        if table != LONG and declared.column in columns[table]
    } | {f"{LONG}/{LONG}"}
    yield from same_names(name, "styles", expected, [f"{table}/{key}" for table, key, *_ in rows])
    aliases = _aliases(con)
    for table, key, qml, sld, _, title, own, changed, geometry in rows:
        place = f"{name} {table}/{key}"
        if own != "" or changed != LAST_CHANGE or geometry != ("" if table == LONG else "geom"):
            yield f"{place}: expected no owner and no time of its own, found one"
        if f"{table}/{key}" not in expected:
            continue
        if table != LONG and title not in classes[key].titles:
            yield f"{place}: expected the name of its indicator or index as description"
        yield from _qml(f"{place} QML", qml, aliases.get(table, {}), classes.get(key))
        if table != LONG:
            yield from _sld(f"{place} SLD", sld, key, classes[key])
    defaults = [table for table, _, _, _, default, *_ in rows if default]
    if len(set(defaults)) != len(defaults):
        yield f"{name}: expected one default for each layer at most, found several"


def _aliases(con: sqlite3.Connection) -> dict[str, dict[str, str]]:
    """Return {table: {column: alias}} as the GeoPackage itself tells them."""
    aliases: dict[str, dict[str, str]] = {}
    for table, column, alias in con.execute(
        "SELECT table_name, column_name, title FROM gpkg_data_columns"
    ):
        aliases.setdefault(table, {})[column] = alias
    return aliases


def _qml(
    name: str, text: str, aliases: Mapping[str, str], declared: Classes | None
) -> Iterator[str]:
    root = ET.fromstring(text)
    yield from _tags(name, root, STYLE_TAGS)
    yield from _drawn(name, root, aliases, [declared] if declared else [])


def _tags(name: str, root: ET.Element, allowed: Collection[str]) -> Iterator[str]:
    """Find elements that nobody declared: a style or project can hold data of many kinds."""
    for extra in sorted({element.tag for element in root.iter()} - set(allowed)):
        yield f"{name}: expected only declared elements, found {extra}"


def _drawn(
    name: str, root: ET.Element, aliases: Mapping[str, str], choices: Collection[Classes]
) -> Iterator[str]:
    """Compare aliases and rules with the declarations; the rules are those of one choice.

    Without choices nothing is drawn.
    """
    told = {alias.get("field"): alias.get("name") for alias in root.iter("alias")}
    if told != dict(aliases):
        yield f"{name}: expected the aliases of gpkg_data_columns, found others"
    for shown in root.iter("previewExpression"):
        if shown.text != '"raum_name"':
            yield f"{name}: expected areas to be shown by raum_name, found another expression"
    renderers = root.findall("renderer-v2")
    if not choices:
        if renderers:
            yield f"{name}: expected no classes without declared limits, found some"
        return
    if len(renderers) != 1 or renderers[0].get("type") != "RuleRenderer":
        yield f"{name}: expected one renderer with rules, found another"
        return
    rules = [
        (rule.get("label", ""), rule.get("filter", ""), rule.get("symbol"))
        for rule in renderers[0].iter("rule")
    ]
    if not any(_same_rules(rules, declared) for declared in choices):
        yield (
            f"{name}: expected the classes of dim_klassengrenze or dim_indexklasse, "
            f"{SECRET} and {OTHER}, found other filters or labels"
        )
    hatched = {
        symbol.get("name")
        for symbol in renderers[0].iterfind("symbols/symbol")
        if any(layer.get("class") == "LinePatternFill" for layer in symbol.iter("layer"))
    }
    if hatched != {symbol for label, _, symbol in rules if label == SECRET}:
        yield f"{name}: expected {SECRET} and nothing else to be hatched, found another symbol"


def _same_rules(rules: list[tuple], declared: Classes) -> bool:
    status = re.sub("_klasse$", "", declared.column) + "_status"
    expected = [
        *((entry, _terms_of(declared.column, entry)) for entry in declared.classes),
        (SECRET, [(status, "=", "geheim")]),
        (OTHER, "ELSE"),
    ]
    return len(rules) == len(expected) and all(
        _same_label(label, entry) and _terms(text) == terms
        for (label, text, _), (entry, terms) in zip(rules, expected, strict=True)
    )


def _terms_of(column: str, entry: tuple | str) -> list[tuple]:
    if isinstance(entry, str):
        return [(column, "=", entry)]
    low, high = entry
    over = [] if low is None else [(column, ">", low)]
    up_to = [] if high is None else [(column, "<=", high)]
    return over + up_to or [(column, "IS NOT NULL", None)]


def _terms(text: str) -> list[tuple] | str | None:
    """Read a filter; None if it is anything but comparisons joined by AND."""
    if text == "ELSE":
        return text
    terms, place = [], 0
    while place < len(text):
        term = TERM.match(text, place)
        if term is None:
            return None
        column = term["column"].replace('""', '"')
        if term["compared"]:
            terms.append((column, term["compared"], _float(term["limit"])))
        elif term["word"] is not None:
            word = term["word"].replace("''", "'").replace("\\\\", "\\")
            terms.append((column, "=", word))
        else:
            terms.append((column, "IS NOT NULL", None))
        place = term.end()
    return terms


def _float(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _same_label(label: str, entry: tuple | str) -> bool:
    """Return whether a label is the declared word, or tells exactly the declared limits."""
    if isinstance(entry, str):
        return label == entry
    for form in LABELS:
        found = form.fullmatch(label)
        if found:
            told = found.groupdict()
            return (_german(told.get("low")), _german(told.get("high"))) == entry
    return False


def _german(text: str | None) -> float | None:
    if text is None:
        return None
    return _float(text.replace(".", "").replace(",", ".").replace("−", "-"))


def _sld(name: str, text: str, key: str, declared: Classes) -> Iterator[str]:
    root = ET.fromstring(text)
    rules = [element for element in root.iter() if _local(element) == "Rule"]
    found = [
        (
            next((part.text or "" for part in rule.iter() if _local(part) == "Title"), ""),
            [_nested(part) for part in rule if _local(part) in ("Filter", "ElseFilter")],
        )
        for rule in rules
    ]
    expected = [(entry, _nested_of(declared.column, entry)) for entry in declared.classes]
    status = ("PropertyName", f"{key}_status")
    geheim = ("Literal", "geheim")
    other = (
        "And",
        ("PropertyIsNull", ("PropertyName", declared.column)),
        ("Or", ("PropertyIsNull", status), ("PropertyIsNotEqualTo", status, geheim)),
    )
    expected += [(SECRET, ("PropertyIsEqualTo", status, geheim)), (OTHER, other)]
    same = len(found) == len(expected) and all(
        _same_label(label, entry) and nested == [("Filter", filtered)]
        for (label, nested), (entry, filtered) in zip(found, expected, strict=True)
    )
    if not same:
        yield (
            f"{name}: expected the classes of dim_klassengrenze or dim_indexklasse, "
            f"{SECRET} and {OTHER}, found other filters or labels"
        )


def _local(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def _nested(element: ET.Element) -> tuple:
    """Return an element as (name, parts or text); limits as numbers."""
    if len(element):
        parts = [_nested(part) for part in element]
        if _local(element) in ("PropertyIsGreaterThan", "PropertyIsLessThanOrEqualTo"):
            parts = [(tag, _float(text) if tag == "Literal" else text) for tag, text in parts]
        return (_local(element), *parts)
    return (_local(element), element.text)


def _nested_of(column: str, entry: tuple | str) -> tuple:
    place = ("PropertyName", column)
    if isinstance(entry, str):
        return ("PropertyIsEqualTo", place, ("Literal", entry))
    low, high = entry
    over = ("PropertyIsGreaterThan", place, ("Literal", low))
    up_to = ("PropertyIsLessThanOrEqualTo", place, ("Literal", high))
    kept = [part for part, limit in ((over, low), (up_to, high)) if limit is not None]
    if not kept:
        return ("Not", ("PropertyIsNull", place))
    return kept[0] if len(kept) == 1 else ("And", *kept)


def project(
    con: sqlite3.Connection,
    tables: Collection[str],
    classes: Mapping[str, Classes],
    known: Collection[str],
) -> Iterator[str]:
    """Read the embedded project: it shows what is declared and names no machine and no user.

    Args:
        con: the GeoPackage.
        tables: its layers and tables, which the project shows, each once.
        classes: as `declared_classes` returns them.
        known: texts with figures that a title may hold.
    """
    name = f"{GEOPACKAGE} {PROJECTS}"
    columns = [column for _, column, *_ in con.execute(f"PRAGMA table_info({PROJECTS})")]
    yield from same_names(name, "columns", ("name", "metadata", "content"), columns)
    rows = con.execute(f"SELECT name, metadata, content FROM {PROJECTS}").fetchall()
    if [row[0] for row in rows] != [PROJECT]:
        yield f"{name}: expected one project {PROJECT}, found {len(rows)} or another name"
        return
    _, metadata, content = rows[0]
    if json.loads(metadata) != {"last_modified_time": SAVED, "last_modified_user": ""}:
        yield f"{name}: expected no user and no time of its own, found one"
    with ZipFile(BytesIO(bytes.fromhex(content))) as archive:
        members = archive.infolist()
        if [member.filename for member in members] != [f"{PROJECT}.qgs"]:
            yield f"{name}: expected {PROJECT}.qgs alone, found {len(members)} files or others"
            return
        root = ET.fromstring(archive.read(members[0]))
    yield from _tags(name, root, PROJECT_TAGS)
    yield from _names_nobody(name, root)
    yield from _sources(name, root, tables)
    titles = [
        root.get("projectname", ""),
        *(node.get("name", "") for node in root.iter("relation")),
    ]
    titles += [node.text or "" for node in (*root.iter("title"), *root.iter("layername"))]
    titles += [
        node.get("name", "")
        for node in (*root.iter("layer-tree-group"), *root.iter("layer-tree-layer"))
    ]
    if any(figures_in(title, known) for title in titles):
        yield f"{name}: expected no figures in titles, found some"
    aliases = _aliases(con)
    for layer in root.iter("maplayer"):
        table = (layer.findtext("datasource") or "").partition("|layername=")[2]
        choices = () if layer.find("renderer-v2") is None else classes.values()
        yield from _drawn(f"{name} layer {table}", layer, aliases.get(table, {}), choices)


def figures_in(text: str, known: Collection[str]) -> bool:
    """Return whether a text has figures beside those of known texts."""
    for part in sorted(known, key=len, reverse=True):
        text = text.replace(part, "")
    return any(sign.isdigit() for sign in text)


def _names_nobody(name: str, root: ET.Element) -> Iterator[str]:
    for element in root.iter():
        told = {**element.attrib, element.tag: element.text or ""}
        for key, value in told.items():
            if MACHINE.search(value.strip()):
                yield f"{name}: expected no path, host or connection, found one in {key}"
            if key in USERS and value.strip():
                yield f"{name}: expected no user and no time of its own, found {key}"


def _sources(name: str, root: ET.Element, tables: Collection[str]) -> Iterator[str]:
    """Demand that every source is a declared table of this very file."""
    prefix = f"./{GEOPACKAGE}|layername="
    shown = [layer.findtext("datasource") or "" for layer in root.iter("maplayer")]
    if sorted(shown) != sorted(prefix + table for table in tables):
        yield f"{name}: expected each layer of {GEOPACKAGE} once, by a relative source"
    other = [
        element
        for element in root.iter("layer-tree-layer")
        if element.get("source") not in shown or element.get("providerKey") != "ogr"
    ]
    other += [element for element in root.iter("provider") if element.text != "ogr"]
    if other:
        yield f"{name}: expected only sources in {GEOPACKAGE}, found {len(other)} others"
