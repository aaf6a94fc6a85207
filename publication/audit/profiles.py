"""The audit of the profiles: each page and PDF read anew, its numbers compared with the marts.

On a page, each text with digits says what it is: a cell of a mart, which is compared, or one of a
closed list of kinds (a name, a day, a text of the marts, …), which is looked up. Text with digits
that says nothing is a problem, and so is anything drawn for a cell without a value. A PDF may hold
no number that its page does not hold. Shares declarations with the writer and none of its steps.
"""

import posixpath
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from xml.etree import ElementTree

from publication.audit.profile_drawings import drawing_faults
from publication.audit.profile_marts import Marts
from publication.audit.reading import PATH, same_names
from publication.material import MANIFEST, Finished
from publication.profiles.choice import FOLDER, INDEX, Profile, chosen

if TYPE_CHECKING:
    import duckdb

DIGIT = re.compile(r"\d")
NUMBER = re.compile(r"−?\d+(?:[.,]\d+)*")
BEGIN = '<!DOCTYPE html>\n<html lang="de">'
TAGS = frozenset(
    (
        *("html", "head", "meta", "title", "style", "body", "a", "header", "nav", "ol"),
        *("ul", "li", "p", "h1", "h2", "h3", "main", "section", "div", "span", "table"),
        *("caption", "thead", "tbody", "tr", "th", "td", "dl", "dt", "dd", "figure"),
        *("blockquote", "footer", "svg", "desc", "defs", "pattern", "rect", "path"),
        *("circle", "text", "tspan"),
    )
)
GEOMETRY = frozenset(
    (
        *("viewBox", "width", "height", "x", "y", "cx", "cy", "r", "d", "fill"),
        *("fill-opacity", "stroke", "stroke-width", "stroke-linejoin", "stroke-dasharray"),
        *("text-anchor", "font-family", "font-size", "font-weight", "paint-order"),
        *("patternUnits", "patternTransform"),
    )
)
ATTRIBUTES = GEOMETRY | frozenset(
    (
        *("lang", "charset", "name", "content", "class", "id", "href", "tabindex", "role"),
        *("scope", "colspan", "rowspan", "style", "xmlns", "aria-label", "aria-labelledby"),
        *("aria-describedby", "data-tabelle", "data-schluessel", "data-spalte", "data-art"),
        *("data-raum", "data-klasse", "data-punkte"),
    )
)
TOLD = ("aria-label", "content")
"""Attributes that are read out or shown, and so may hold no number."""
VIEWPORT = "width=device-width, initial-scale=1"
STYLE = re.compile(r"max-width: \d+px")
ACTIONS = ("/JavaScript", "/Launch", "/GoToR", "/GoToE", "/SubmitForm", "/ImportData", "/Rendition")
STANDARD = {"pdfaid:part": "2", "pdfaid:conformance": "A", "pdfuaid:part": "1"}
STATEMENT = "kommune"


def names(finished: Finished) -> set[str]:
    """Return the files of this form."""
    with finished.open() as con:
        return _names(chosen(con, finished.imprint, finished.manifest))


def _names(profiles: tuple[Profile, ...]) -> set[str]:
    return {INDEX, *(one.page for one in profiles), *(one.sheet for one in profiles)}


def check(finished: Finished) -> Iterator[str]:
    """Compare pages and PDFs with the marts; one sentence for each problem."""
    with finished.open() as con:
        profiles = chosen(con, finished.imprint, finished.manifest)
        yield from _statements(con, finished)
        marts = Marts(con, finished)
    present = {path.relative_to(finished.folder).as_posix() for path in _files(finished.folder)}
    expected = _names(profiles)
    here = {name for name in present if name.startswith(f"{FOLDER}/")}
    yield from same_names(FOLDER, "files", expected, here)
    sheets = {one.page: one.sheet for one in profiles}
    for name in sorted(expected & here):
        if name.endswith(".html"):
            yield from _document(finished, marts, name, sheets.get(name), present)


def document_faults(finished: Finished, marts: Marts, name: str, sheet: str) -> Iterator[str]:
    """Compare another page of the profiles' form, and its PDF, with the marts.

    Args:
        finished: the edition.
        marts: what its marts say.
        name: the page, relative to the edition.
        sheet: its PDF.
    """
    present = {path.relative_to(finished.folder).as_posix() for path in _files(finished.folder)}
    for missing in sorted({name, sheet} - present):
        yield f"{missing}: expected as declared, found no such file"
    if name in present:
        yield from _document(finished, marts, name, sheet, present)


def _document(
    finished: Finished, marts: Marts, name: str, sheet: str | None, present: set[str]
) -> Iterator[str]:
    page = Page(finished, name, marts, present)
    yield from page.faults()
    if sheet in present:
        yield from _sheet(finished, sheet, page)


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def _statements(con: "duckdb.DuckDBPyConnection", finished: Finished) -> Iterator[str]:
    """Demand a statement of each municipality, where the region does."""
    if not finished.imprint.stellungnahme_pflicht:
        return
    given = {
        key
        for (key,) in con.execute(
            "SELECT DISTINCT raum_id FROM dim_stellungnahme WHERE art = ?", [STATEMENT]
        ).fetchall()
    }
    missing = sorted(set(finished.imprint.kommunen) - given)
    if missing:
        yield (
            f"{FOLDER}: expected a statement of each municipality (art {STATEMENT}), found none of "
            f"{', '.join(missing)}; enter it in stellungnahmen.yaml of the region, or set "
            "stellungnahme to freiwillig there"
        )


class Seen(NamedTuple):
    """A text of a page, and the element that says what it is."""

    text: str
    owner: ElementTree.Element | None


class Page:
    """One finished page."""

    def __init__(self, finished: Finished, name: str, marts: Marts, present: set[str]) -> None:
        """Read it."""
        self._finished, self.name, self._marts, self._present = finished, name, marts, present
        self._source = (finished.folder / name).read_text("utf-8")

    @cached_property
    def _root(self) -> ElementTree.Element | None:
        builder = ElementTree.TreeBuilder(insert_comments=True, insert_pis=True)
        try:
            root = ElementTree.fromstring(self._source, ElementTree.XMLParser(target=builder))
        except ElementTree.ParseError:
            return None
        for one in root.iter():
            if isinstance(one.tag, str):
                one.tag = one.tag.removeprefix("{http://www.w3.org/2000/svg}")
        return root

    @cached_property
    def text(self) -> str:
        """Everything that the page says, drawings included."""
        parts = [] if self._root is None else [seen.text for seen in _seen(self._root, None)]
        return " ".join(parts)

    @cached_property
    def title(self) -> str:
        """Its title."""
        found = None if self._root is None else self._root.find("head/title")
        return _squeezed("" if found is None else found.text)

    @cached_property
    def headings(self) -> str:
        """What the heads of its tables say, which a PDF repeats on each page."""
        if self._root is None:
            return ""
        return " ".join(" ".join(head.itertext()) for head in self._root.iter("thead"))

    @cached_property
    def sections(self) -> int:
        """How many sections a table of contents could name; profiles have none."""
        if self._root is None or "/" in self.name:
            return 0
        return sum(1 for _ in self._root.iter("section"))

    def faults(self) -> Iterator[str]:
        """Say what is wrong with the page; each kind of problem once, with a count."""
        if self._root is None or not self._source.startswith(BEGIN):
            yield f"{self.name}: expected a well-formed German page, found none"
            return
        if self._source.count("<!") > 1:
            yield f"{self.name}: expected no comment and no declaration, found some"
        if PATH.search(self._source):
            yield f"{self.name}: expected no path of a machine, found one"
        for fault, count in Counter(self._found()).items():
            yield f"{self.name}: {fault}, found {count}"

    def _found(self) -> Iterator[str]:
        yield from self._elements()
        yield from self._texts()
        for drawn in self._root.iter("svg"):
            yield from drawing_faults(drawn, self._marts)
        yield from self._structure()

    def _elements(self) -> Iterator[str]:
        """Find what runs, or is fetched from elsewhere, or hides a number in an attribute."""
        ids = {one.get("id") for one in self._root.iter()}
        for one in self._root.iter():
            if one.tag not in TAGS:
                yield "expected only elements of a profile, other elements"
                continue
            for name, value in one.attrib.items():
                if name not in ATTRIBUTES or (name == "style" and not STYLE.fullmatch(value)):
                    yield "expected only attributes of a profile, others"
                if name in TOLD and not self._may_be_told(value):
                    yield "expected no number in an attribute that is read out, numbers"
                if "url(" in value and not re.fullmatch(r"url\(#[a-z-]+\)", value):
                    yield "expected paint of the drawing itself, others"
            if one.tag == "a":
                yield from self._link(one.get("href", ""), ids)
            elif "href" in one.attrib:
                yield "expected addresses in links only, others"
            if one.tag == "style" and re.search(r"url\(|@import|content\s*:", one.text or ""):
                yield "expected a style sheet that needs and says nothing, others"

    def _may_be_told(self, value: str) -> bool:
        return not DIGIT.search(value) or value == VIEWPORT or self._marts.allows("text", value)

    def _link(self, address: str, ids: set) -> Iterator[str]:
        imprint = self._finished.imprint
        if address in (imprint.url, imprint.lizenz_url):
            return
        target, _, anchor = address.partition("#")
        if not target:
            if anchor not in ids:
                yield "expected anchors that the page has, links to others"
            return
        found = posixpath.normpath(posixpath.join(posixpath.dirname(self.name), target))
        if ":" in target or target.startswith("/") or found not in self._present:
            yield "expected links within the edition or to addresses of the imprint, others"

    def _texts(self) -> Iterator[str]:
        """Compare each text with digits with what it says it is."""
        for text, owner in _seen(self._root, None):
            if owner is not None and owner.get("data-spalte"):
                yield from self._cell(text, owner)
            elif DIGIT.search(text):
                kind = None if owner is None else owner.get("data-art")
                if kind is None:
                    yield "expected no number that does not say what it is, such numbers"
                elif not self._marts.allows(kind, text):
                    yield f"expected texts of kind {kind} as the edition has them, others"

    def _cell(self, text: str, owner: ElementTree.Element) -> Iterator[str]:
        table, column = owner.get("data-tabelle", ""), owner.get("data-spalte", "")
        printed = self._marts.printed(table, owner.get("data-schluessel", ""), column)
        if printed is None:
            yield f"expected no number where {table}.{column} has none to show, numbers"
        elif printed != text:
            yield f"expected numbers as in {table}.{column}, others"

    def _structure(self) -> Iterator[str]:
        """Demand what readers with assistive technology need."""
        heading = self._root.find("body/header/h1")
        kicker = self._root.find("body/header/p[@class='art']")
        if heading is None or kicker is None:
            yield "expected one heading with its kind, pages without"
            return
        title = f"{_squeezed(''.join(heading.itertext()))} – {_squeezed(kicker.text)}"
        if title != self.title:
            yield "expected the title that heading and kind give, others"
        for table in self._root.iter("table"):
            scopes = [cell.get("scope") for cell in table.iter("th")]
            if table.find("caption") is None or None in scopes or not scopes:
                yield "expected tables with caption and scopes, tables without"
        for drawn in self._root.iter("svg"):
            if drawn.get("role") != "img" or None in (drawn.find("title"), drawn.find("desc")):
                yield "expected drawings with role, title and description, drawings without"


def _seen(element: ElementTree.Element, owner: ElementTree.Element | None) -> Iterator[Seen]:
    """Return the texts of an element, what a marked element holds as one text."""
    if element.tag in ("style",) or (element.tag == "title" and not element.get("id")):
        return
    if element.get("data-art") or (element.get("data-spalte") and _says(element)):
        yield Seen(_squeezed("".join(element.itertext())), element)
        return
    if element.text and element.text.strip():
        yield Seen(_squeezed(element.text), owner)
    for child in element:
        yield from _seen(child, owner)
        if child.tail and child.tail.strip():
            yield Seen(_squeezed(child.tail), owner)


def _says(element: ElementTree.Element) -> bool:
    return bool("".join(element.itertext()).strip())


def _squeezed(text: str | None) -> str:
    return " ".join((text or "").split())


def _sheet(finished: Finished, name: str, page: Page) -> Iterator[str]:
    """Compare a PDF with its page, which is compared with the marts."""
    import pypdfium2

    path = finished.folder / name
    document = pypdfium2.PdfDocument(path)
    try:
        pages = len(document)
        texts = [document[number].get_textpage().get_text_range() for number in range(pages)]
        attached = document.count_attachments()
    finally:
        document.close()
    if attached:
        yield f"{name}: expected no attachments, found {attached}"
    edition = NUMBER.findall(str(finished.manifest["edition_id"]))
    allowed = Counter(NUMBER.findall(page.text))
    for token in (*NUMBER.findall(page.headings), *edition):
        allowed[token] += pages
    # each page is numbered, and a table of contents names one page for each section
    for number in range(1, pages + 1):
        allowed[str(number)] += 1 + page.sections
    allowed[str(pages)] += pages
    extra = Counter(NUMBER.findall("\n".join(texts))) - allowed
    if extra:
        yield (
            f"{name}: expected only numbers that {page.name} has, found {extra.total()} others; "
            "publish anew"
        )
    if any(PATH.search(text) for text in texts):
        yield f"{name}: expected no path of a machine, found one"
    yield from _inside(finished, name, page)


def _inside(finished: Finished, name: str, page: Page) -> Iterator[str]:
    """Read a PDF's metadata, actions and alternative texts."""
    import pikepdf

    addresses = {finished.imprint.url, finished.imprint.lizenz_url}
    numbers = set(NUMBER.findall(" ".join((page.text, *addresses))))
    with pikepdf.open(finished.folder / name) as document:
        if page.sections:  # the links of a table of contents say on which page a section begins
            numbers.update(str(number) for number in range(1, len(document.pages) + 1))
        marked = document.Root.get("/MarkInfo", {}).get("/Marked", False)
        language = str(document.Root.get("/Lang", ""))
        if not marked or not language.startswith("de") or "/StructTreeRoot" not in document.Root:
            yield f"{name}: expected a tagged PDF in German, found another"
        yield from _metadata(finished, document, name, page)
        found: Counter = Counter()
        for one in document.objects:
            if isinstance(one, pikepdf.Dictionary | pikepdf.Stream):
                found.update(_object_faults(one, addresses, numbers))
        for fault, count in found.items():
            yield f"{name}: {fault}, found {count}"


def _metadata(finished: Finished, document: object, name: str, page: Page) -> Iterator[str]:
    told = document.open_metadata()
    if any(str(told.get(key)) != value for key, value in STANDARD.items()):
        yield f"{name}: expected the marks of PDF/A-2a and PDF/UA-1, found others"
    info = {key: str(value) for key, value in document.docinfo.items()}
    if info.get("/Author") != finished.imprint.organisation:
        yield f"{name}: expected the publisher as author, found another"
    if _squeezed(info.get("/Title")) != page.title:
        yield f"{name}: expected the title of {page.name}, found another"
    allowed = {"/Title", "/Author", "/Keywords", "/Creator", "/CreationDate", "/ModDate"}
    if set(info) - allowed:
        yield f"{name}: expected only title, author, keywords and day, found more metadata"
    day = str(finished.manifest["created_at"])[:10].replace("-", "")
    dates = [info[key][2:10] for key in ("/CreationDate", "/ModDate") if key in info]
    if any(one != day for one in dates):
        yield f"{name}: expected the day of {MANIFEST}, found another"
    if PATH.search(str(told)) or any(map(PATH.search, info.values())):
        yield f"{name}: expected no path of a machine in its metadata, found one"


def _object_faults(one: Mapping, addresses: set[str], numbers: set[str]) -> Iterator[str]:
    """Look at one object of a PDF, and at the action that a link carries within it."""
    import pikepdf

    for action in (one, *(one.get(key) for key in ("/A", "/AA", "/OpenAction"))):
        if not isinstance(action, pikepdf.Dictionary | pikepdf.Stream):
            continue
        kind = str(action.get("/S", ""))
        if kind in ACTIONS or "/JS" in action:
            yield "expected no actions, actions"
        elif kind == "/URI" and str(action.get("/URI", "")) not in addresses:
            yield "expected links to the addresses of the imprint only, others"
    if "/EF" in one or str(one.get("/Type", "")) == "/Filespec":
        yield "expected no attachments, attachments"
    told = [one.get(key) for key in ("/Alt", "/ActualText", "/Contents", "/E")]
    texts = [str(text) for text in told if isinstance(text, pikepdf.String)]
    if any(set(NUMBER.findall(text)) - numbers for text in texts):
        yield "expected alternative texts without numbers of their own, such numbers"
