"""What can stand in a profile: plain data that both renderers draw, and a report can bind.

A number, a name or a day is a `Piece` that says what it is. Not here: how anything looks.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from publication.profiles.marks import Mark

# What a piece of text with digits can be; the audit knows what each may say
NAME, TEXT, DAY, KEY, EDITION, CLASS, AGE, FIXED = (
    *("name", "text", "tag", "schluessel", "ausgabe", "klasse", "alter", "fest"),
)


class Piece(NamedTuple):
    """A piece of text.

    Attributes:
        text: as printed.
        kind: what it is (`NAME`, `TEXT`, …); None for words of this product and for numbers.
        mark: of a number, where it comes from.
        link: where it leads: a file of the edition, or an address of the imprint.
        secret: it stands for a value that is withheld.
    """

    text: str
    kind: str | None = None
    mark: Mark | None = None
    link: str | None = None
    secret: bool = False


Words = tuple[Piece, ...]


def words(*parts: "str | Piece | Words") -> Words:
    """Return strings, pieces and words as one."""
    result: list[Piece] = []
    for part in parts:
        if isinstance(part, Piece):
            result.append(part)
        elif isinstance(part, str):
            result.append(Piece(part))
        else:
            result += part
    return tuple(result)


def listed(parts: "Iterable[Piece | Words]") -> Words:
    """Return words with commas between them."""
    result: Words = ()
    for part in parts:
        result = words(result, ", ", part) if result else words(part)
    return result


@dataclass(frozen=True)
class Paragraph:
    """Some words; `small` ones explain what stands above."""

    words: Words
    small: bool = False


@dataclass(frozen=True)
class Column:
    """A column of a table: its title, whether it holds numbers, and its share of the width."""

    title: Words
    numeric: bool = False
    width: float = 1.0


@dataclass(frozen=True)
class Row:
    """A row of a table; of a heading within it, the first cell spans all columns."""

    cells: tuple[Words, ...]
    heading: bool = False
    strong: bool = False


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        caption: what it shows.
        columns: its columns; the first one names the row.
        rows: its rows; each has one cell for each column, or is a heading.
        groups: titles over the columns with how many they span; empty: none.
    """

    caption: Words
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    groups: tuple[tuple[Words, int], ...] = ()


@dataclass(frozen=True)
class Facts:
    """Terms, and what is said of each."""

    pairs: tuple[tuple[Words, Words], ...]
    narrow: bool = False


@dataclass(frozen=True)
class Drawing:
    """A drawing as SVG.

    Attributes:
        title, description: what it shows, for who cannot see it.
        svg: the drawing itself; one unit is one point of the PDF.
        width: in units.
    """

    title: str
    description: str
    svg: str
    width: float


@dataclass(frozen=True)
class Beside:
    """Blocks left and right of each other, and the left's share of the width."""

    left: "tuple[Block, ...]"
    right: "tuple[Block, ...]"
    share: float = 0.5


@dataclass(frozen=True)
class Grid:
    """Blocks of one size in rows."""

    blocks: "tuple[Block, ...]"
    columns: int


@dataclass(frozen=True)
class Quote:
    """What somebody else says: its title, paragraphs, by whom and when."""

    title: Words
    paragraphs: tuple[Words, ...]
    source: Words


Block = Paragraph | Table | Facts | Drawing | Beside | Grid | Quote


@dataclass(frozen=True)
class Section:
    """A part of a profile, with its title."""

    anchor: str
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Document:
    """One profile, or the list of all.

    Attributes:
        page: its web page, relative to the edition.
        sheet: its PDF, relative to the edition; None: there is none.
        kicker: what kind of profile it is.
        title: what it tells of.
        lead: where that lies, of which days its figures are.
        trail: from the list of all profiles to what it belongs to.
        sections: its parts.
        closing: edition, publisher, licence.
        contents: the PDF has a table of contents.
    """

    page: str
    sheet: str | None
    kicker: str
    title: Piece
    lead: Words
    trail: tuple[Piece, ...]
    sections: tuple[Section, ...]
    closing: tuple[Words, ...] = field(default=())
    contents: bool = False
