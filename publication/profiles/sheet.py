"""A profile as PDF/A-2a and PDF/UA-1, made by typst from the same content as the page.

Content reaches the template as JSON and is only ever text there: a name cannot become markup. The
same content gives the same bytes: fonts are typst's own, the day is the edition's. Not here: what
it says (`content`).
"""

import json
from collections.abc import Mapping
from dataclasses import is_dataclass
from datetime import datetime
from pathlib import Path

from publication.imprint import Imprint
from publication.profiles.document import Block, Document, Piece, Words
from publication.profiles.page import ADDRESS, TEMPLATES, printable

TEMPLATE = "sheet.typ"
STANDARDS = ("a-2a", "ua-1")


class Printer:
    """Prints documents; made once for all of an edition."""

    def __init__(self, imprint: Imprint, facts: Mapping) -> None:
        """Keep what every PDF says of its publisher and edition."""
        created = datetime.fromisoformat(str(facts["created_at"]))
        self._frame = {
            "author": imprint.organisation,
            "keywords": list(imprint.schlagworte),
            "edition": str(facts["edition_id"]),
            "day": [created.year, created.month, created.day],
        }

    def render(self, document: Document) -> bytes:
        """Return a document as PDF.

        Raises:
            typst.TypstError: it would not keep to its standards.
        """
        import typst

        told = {
            **self._frame,
            "kicker": document.kicker,
            "contents": document.contents,
            "title": _text(document.title.text),
            "lead": _words(document.lead),
            "sections": [
                {"title": one.title, "blocks": [_block(block) for block in one.blocks]}
                for one in document.sections
            ],
            "closing": [_words(one) for one in document.closing],
        }
        return typst.compile(
            TEMPLATES / TEMPLATE,
            root=TEMPLATES,
            ignore_system_fonts=True,
            sys_inputs={"document": json.dumps(told, ensure_ascii=False)},
            format="pdf",
            pdf_standards=list(STANDARDS),
        )

    def write(self, document: Document, folder: Path) -> None:
        """Write a document's PDF into an edition."""
        Path(folder, document.sheet).write_bytes(self.render(document))


def _block(block: Block) -> dict:
    return {"kind": type(block).__name__, **_plain(block)}


def _plain(value: object) -> object:
    """Return content as JSON values; words become lists of text, address and whether withheld."""
    if isinstance(value, Piece):
        return _words((value,))
    if isinstance(value, tuple) and value and all(isinstance(one, Piece) for one in value):
        return _words(value)
    if isinstance(value, list | tuple):
        return [_block(one) if isinstance(one, Block) else _plain(one) for one in value]
    if is_dataclass(value):
        return {name: _plain(getattr(value, name)) for name in value.__dataclass_fields__}
    return printable(value) if isinstance(value, str) else value


def _words(words: Words) -> list:
    return [
        [
            _text(piece.text),
            piece.link if piece.link and piece.link.startswith(ADDRESS) else None,
            piece.secret,
        ]
        for piece in words
    ]


def _text(told: str) -> str:
    return " ".join(printable(told).splitlines()) if told.strip() else told
