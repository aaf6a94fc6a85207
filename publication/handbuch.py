"""The quality handbook of an edition: one page of HTML, in German, that needs nothing beside it.

Here belongs how it looks and what a status means. Not here: where its facts come from
(orchestration). The same facts give the same bytes: no time, no edition id, no path.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path

HANDBOOK = "handbuch.html"
PAGES = Path(__file__).parent / "pages"

CHAPTERS = (
    ("lesen", "Wie die Zahlen zu lesen sind"),
    ("partner", "Partner"),
    ("vereinbarungen", "Vereinbarungen"),
    ("lieferungen", "Lieferungen"),
    ("definitionen", "Definitionen"),
    ("parameter", "Parameter der Rechnungen"),
    ("tore", "Tore und ihr Ergebnis"),
    ("hinweise", "Hinweise und Abgleiche"),
    ("grenzen", "Bekannte Grenzen"),
)

MEANING = (
    ("ok", "nichts zu bemerken"),
    ("geheim", "zum Schutz von Personen zurückgehalten, an der Quelle oder hier"),
    ("zu_klein", "der Nenner oder die Einwohnerzahl ist so klein, dass eine Quote nichts sagt"),
    ("nicht_geliefert", "der Partner hat nicht geliefert, oder die Lieferung wurde abgelehnt"),
    ("nicht_freigegeben", "noch nicht oder nicht freigegeben: Sperrfrist, Vereinbarung, Teilnahme"),
    ("nicht_vergleichbar", "Zähler und Nenner passen nicht zusammen"),
    ("nicht_zutreffend", "es gibt nichts zu messen, zum Beispiel bei einem Nenner von 0"),
)
"""How to read a status, in the order of the handbook."""


def render(facts: Mapping) -> str:
    """Return the handbook as HTML; every value is escaped.

    Args:
        facts: `region` (name); `partner`, `vereinbarungen`, `lieferungen`, `fehlende`, `tore`,
            `hinweise`, `abgleiche`, `reparaturen`: rows in the order of the columns of the page;
            `indikatoren`: mappings with `indikator_id`, `version`, `name`, `definition` and
            `angaben` (pairs of title and value); `parameter`: mappings with `titel`, `spalten` and
            `zeilen`; `grenzen`: sentences.

    Raises:
        jinja2.UndefinedError: a fact is missing.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    pages = Environment(
        loader=FileSystemLoader(PAGES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters["lesbar"] = readable
    page = pages.get_template(HANDBOOK)
    text = page.render(kapitel=CHAPTERS, status_bedeutung=MEANING, **facts)
    return text.strip() + "\n"


def readable(value: object) -> str:
    """Return a value as a German reader expects it; nothing is a dash."""
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return "ja" if value else "nein"
    if isinstance(value, float):
        return f"{value:.10g}".replace(".", ",")
    if isinstance(value, date):
        return f"{value:%d.%m.%Y}"
    if isinstance(value, list | tuple):
        return ", ".join(map(readable, value)) or "–"
    return str(value)


def faults(text: str) -> Iterable[str]:
    """Say what a handbook may not hold: whatever runs, or is fetched from elsewhere."""
    for sign in ("<script", "<iframe", "<link", " src=", "url(", "@import", "javascript:"):
        if sign in text.casefold():
            yield f"{HANDBOOK}: expected a page that needs nothing beside it, found {sign.strip()}"
