"""A profile as one accessible web page that needs nothing beside it.

The page is HTML that reads as XML, too, so that a machine reads it as strictly as it was written.
Numbers carry where they come from (`data-tabelle`, `data-schluessel`, `data-spalte`), other texts
with digits what they are (`data-art`). Not here: what it says (`content`).
"""

import posixpath
from pathlib import Path

from publication.imprint import Imprint
from publication.profiles.document import Document, Piece, Row, Words
from publication.profiles.drawing import kind_of

TEMPLATES = Path(__file__).parents[1] / "pages" / "profiles"
TEMPLATE, STYLE = "page.html", "page.css"
ADDRESS = ("https://", "http://")


class Writer:
    """Writes pages; made once for all of an edition."""

    def __init__(self, imprint: Imprint) -> None:
        """Read the template and the style sheet."""
        from jinja2 import Environment, FileSystemLoader, StrictUndefined

        pages = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        pages.tests["a"] = lambda block, kind: type(block).__name__ == kind
        pages.filters["bodies"] = bodies
        pages.filters["secret"] = lambda words: any(piece.secret for piece in words)
        pages.filters["svg"] = _inline
        self._template = pages.get_template(TEMPLATE)
        self._style = (TEMPLATES / STYLE).read_text("utf-8")
        self._imprint = imprint

    def render(self, document: Document) -> str:
        """Return a document as a page."""
        from markupsafe import Markup

        def told(words: Words | Piece) -> Markup:
            pieces = (words,) if isinstance(words, Piece) else words
            return Markup("").join(_piece(piece, document.page) for piece in pieces)

        text = self._template.render(
            document=document,
            told=told,
            style=Markup(self._style),
            organisation=self._imprint.organisation,
            sheet=_address(document.sheet, document.page) if document.sheet else None,
        )
        return printable(text).strip() + "\n"

    def write(self, document: Document, folder: Path) -> None:
        """Write a document's page into an edition."""
        Path(folder, document.page).write_text(self.render(document), "utf-8")


def bodies(rows: tuple[Row, ...]) -> list[list[Row]]:
    """Return rows in groups, each of which begins with its heading, if there is one."""
    result: list[list[Row]] = [[]]
    for row in rows:
        if row.heading:
            result.append([])
        result[-1].append(row)
    return [group for group in result if group]


def printable(text: str) -> str:
    """Return a text without the control characters that no page and no PDF may hold."""
    return "".join(char for char in text if char in "\n\t" or ord(char) >= 32)  # noqa: PLR2004


def _piece(piece: Piece, page: str) -> object:
    from markupsafe import Markup, escape

    told = escape(piece.text)
    attributes = {name.replace("_", "-"): value for name, value in kind_of(piece).items()}
    if attributes:
        listed = "".join(f' {name}="{escape(value)}"' for name, value in attributes.items())
        told = Markup(f"<span{listed}>{told}</span>")
    if piece.link:
        told = Markup(f'<a href="{escape(_address(piece.link, page))}">{told}</a>')
    return told


def _address(link: str, page: str) -> str:
    if link.startswith(ADDRESS):
        return link
    return posixpath.relpath(link, posixpath.dirname(page))


def _inline(svg: str) -> object:
    from markupsafe import Markup

    return Markup(svg)
