"""Views in plain German names over the published tables, for analysts who write SQL.

Each view is one file of SQL in `publication/views`, with a comment on the view and on each of its
columns. They stand in `marts.duckdb` only, which is for the administration, and hold no values of
their own. Not here: tables, and what a figure means.
"""

from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from publication.imprint import Imprint
from publication.tables import literal

if TYPE_CHECKING:
    import duckdb

FILES = Path(__file__).resolve().parents[1] / "views"

DECLARED = (
    "ausgabe",
    "raeume",
    "definitionen",
    "kennzahlen",
    "kennzahlen_aktuell",
    "zeitreihen",
    "bevoelkerung",
    "indizes",
    "vergleichsraeume",
    "hinweise",
    "revisionen",
)
"""The views in the order in which they are made: some rest on earlier ones."""

FACTS = ("edition_id", "kind", "region", "created_at")
"""What the view `ausgabe` tells of the manifest, beside the imprint."""


def write(con: "duckdb.DuckDBPyConnection", facts: Mapping, imprint: Imprint) -> None:
    """Make the views in a database that has the published tables.

    Args:
        con: open for writing; the tables are in its default schema.
        facts: the manifest, at least `FACTS`; what it does not say is NULL.
        imprint: who publishes.

    Raises:
        duckdb.Error: a view asks for a table or a column that is not published.
    """
    told = {**imprint.facts(), **{name: facts.get(name) for name in FACTS}}
    texts = {
        name: literal(value) if isinstance(value, str) else "NULL" for name, value in told.items()
    }
    for name in DECLARED:
        con.execute(Template((FILES / f"{name}.sql").read_text("utf-8")).substitute(texts))
