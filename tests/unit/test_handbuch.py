"""The page of the quality handbook: everything is escaped, nothing is fetched, nothing changes."""

from datetime import date
from html.parser import HTMLParser

import pytest

from publication.handbuch import CHAPTERS, MEANING, faults, readable, render

ODD = '<b>Müller & "Söhne"</b><script>x</script> \' {{ 1 + 1 }}'
ROWS = ("partner", "vereinbarungen", "lieferungen", "fehlende", "tore", "hinweise", "abgleiche")
EMPTY = {**{name: [] for name in ROWS}, "reparaturen": [], "parameter": [], "grenzen": []}
FACTS = {
    **EMPTY,
    "region": ODD,
    "partner": [(ODD, None, ("a", "b"))],
    "lieferungen": [("feed", "Amt", date(2015, 12, 31), 10, 9, 1, "form", "v", "0a", True)],
    "indikatoren": [
        {
            "indikator_id": "quote",
            "version": 1,
            "name": ODD,
            "definition": "Wie viele.",
            "angaben": [("Faktor", 0.5)],
        }
    ],
    "parameter": [{"titel": "Gewichte", "spalten": ["teil"], "zeilen": [(ODD,), (0.225,)]}],
    "grenzen": [ODD],
}


class Page(HTMLParser):
    """Tags in order, links within the page, and the text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags, self.ids, self.links, self.words = [], set(), set(), []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        told = dict(attrs)
        self.tags.append(tag)
        self.ids |= {told["id"]} if "id" in told else set()
        self.links |= {told["href"]} if "href" in told else set()

    def handle_data(self, data):
        self.words.append(data)


def test_odd_names_stand_as_text():
    text = render(FACTS)
    page = Page(text)
    assert "script" not in page.tags
    assert "b" not in page.tags
    assert text.count("&lt;script&gt;") == 6
    assert ODD in "".join(page.words)


def test_every_chapter_is_linked_and_there():
    page = Page(render(FACTS))
    assert {f"#{anchor}" for anchor, _ in CHAPTERS} == page.links
    assert {anchor for anchor, _ in CHAPTERS} <= page.ids
    assert page.tags.count("h1") == 1


def test_tables_name_their_columns_and_say_when_they_are_empty():
    text = render({**EMPTY, "region": "R", "indikatoren": []})
    assert text.count("<caption>") == text.count("<table>")
    assert ">keine</td>" in text
    for status, _ in MEANING:
        assert f"<dt>{status}</dt>" in text


def test_a_missing_fact_is_an_error():
    from jinja2 import UndefinedError

    with pytest.raises(UndefinedError):
        render({"region": "R"})


def test_the_page_is_the_same_from_run_to_run_and_needs_nothing():
    assert render(FACTS) == render(FACTS)
    assert list(faults(render(FACTS))) == []


@pytest.mark.parametrize("sign", ["<script>", '<img src="x">', "<style>a{b:url(c)}</style>"])
def test_what_runs_or_is_fetched_is_a_fault(sign):
    assert list(faults(sign))


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "–"),
        ("", "–"),
        (True, "ja"),
        (0, "0"),
        (0.225, "0,225"),
        (date(2015, 1, 31), "31.01.2015"),
        (("a", 1.5), "a, 1,5"),
        ((), "–"),
    ],
)
def test_values_are_written_for_german_readers(value, shown):
    assert readable(value) == shown
