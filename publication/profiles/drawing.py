"""SVG elements for the drawings of the profiles, which page and PDF share.

Colours are never alone: what is withheld is hatched and named. Every text with digits and every
element that stands for a value carries what it is (`data-…`), as in the pages. Not here: what is
drawn (`place`, `ages`, `development`, `indicator`).
"""

import re
from collections.abc import Iterable
from html import escape

from publication.legends import SECRET_GROUND, SECRET_LINE
from publication.profiles.document import Drawing, Piece
from publication.profiles.marks import Mark

DIGIT = re.compile(r"\d")
FONT = "Libertinus Serif"
"""Embedded in typst; the page's style sheet overrides it."""
SIZE = 8.0
BOLD = 8.5
"""How large bold text is taken to be: it runs wider."""
INK, QUIET, LINE = "#1a1a1a", "#595959", "#767676"
OWN_COLOUR, OTHER_LINE = "#08519c", "#767676"
_WIDE, _NARROW = 0.62, 0.5


def element(tag: str, content: str = "", **attributes: object) -> str:
    """Return one element; `_` in names of attributes is `-`, None is left out, text is escaped.

    Args:
        tag: its name.
        content: finished SVG within it.
        attributes: numbers are rounded to a tenth of a unit.
    """
    told = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{_value(value)}"'
        for name, value in attributes.items()
        if value is not None
    )
    return f"<{tag}{told}>{content}</{tag}>" if content else f"<{tag}{told}/>"


def drawing(
    name: str,
    size: tuple[float, float],
    title: Piece,
    description: str,
    parts: Iterable[str],
) -> Drawing:
    """Return a whole drawing.

    Args:
        name: of letters and hyphens, unique within its profile; ids are made from it.
        size: width and height in units, one of which is a point of the PDF.
        title: for who cannot see it.
        description: the same at length.
        parts: its elements, from back to front.
    """
    width, height = size
    hatch = element(
        "pattern",
        element("rect", width=5, height=5, fill=SECRET_GROUND)
        + element("path", d="M0 0V5", stroke=SECRET_LINE, stroke_width=1.6),
        id=f"{name}-schraffur",
        width=5,
        height=5,
        patternUnits="userSpaceOnUse",
        patternTransform="rotate(45)",
    )
    svg = element(
        "svg",
        element("title", escape(title.text), id=f"{name}-titel", **kind_of(title))
        + element("desc", escape(description), id=f"{name}-text")
        + element("defs", hatch)
        + "".join(parts),
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {_value(width)} {_value(height)}",
        width=width,
        height=height,
        role="img",
        aria_labelledby=f"{name}-titel",
        aria_describedby=f"{name}-text",
        font_family=FONT,
        font_size=SIZE,
        fill=INK,
    )
    return Drawing(title.text, description, svg, width)


def hatched(name: str) -> str:
    """Return the paint of what is withheld."""
    return f"url(#{name}-schraffur)"


def text(x: float, y: float, piece: Piece | str, **attributes: object) -> str:
    """Return a text at a place (the start of its base line)."""
    told = piece if isinstance(piece, Piece) else Piece(piece)
    return element("text", escape(told.text), x=x, y=y, **kind_of(told), **attributes)


def text_lines(x: float, y: float, piece: Piece, width: float, lines: int = 2) -> str:
    """Return a bold text in lines that fit into a width; what does not fit is cut."""
    told: list[str] = [""]
    for word in piece.text.split():
        longer = f"{told[-1]} {word}".strip()
        if told[-1] and extent(longer, BOLD) > width:
            told.append(word)
        else:
            told[-1] = longer
    if len(told) > lines:
        told[lines - 1 :] = [" ".join(told[lines - 1 :])]
    told = [shortened(line, width, BOLD) for line in told]
    spans = " ".join(
        element("tspan", escape(line), x=x, y=y + (BOLD + 1) * number)
        for number, line in enumerate(told)
    )
    return element(
        "text", spans, font_size=BOLD - 1, font_weight="bold", **kind_of(piece._replace(mark=None))
    )


def kind_of(piece: Piece) -> dict[str, str]:
    """Return the attributes that say what a text with digits is."""
    if piece.mark is not None:
        return marked(piece.mark)
    if piece.kind is not None and DIGIT.search(piece.text):
        return {"data_art": piece.kind}
    return {}


def marked(mark: Mark) -> dict[str, str]:
    """Return the attributes that say where a number, or what is drawn for it, comes from."""
    return {
        "data_tabelle": mark.table,
        "data_schluessel": mark.joined,
        "data_spalte": mark.column,
    }


def extent(words: str, size: float = SIZE) -> float:
    """Return about how wide a text is, in units; rather more than less."""
    return size * sum(_WIDE if char.isupper() or char in "mwMW%" else _NARROW for char in words)


def shortened(words: str, width: float, size: float = SIZE) -> str:
    """Return a text that fits into a width, with an ellipsis where it was cut."""
    if extent(words, size) <= width:
        return words
    while words and extent(words + "…", size) > width:
        words = words[:-1]
    return words.rstrip() + "…"


def _value(value: object) -> str:
    if isinstance(value, float):
        told = f"{value:.1f}".removesuffix(".0")
        return "0" if told == "-0" else told
    return escape(str(value), quote=True)
