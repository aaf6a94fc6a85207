"""Typed CSV with a Frictionless Data Package: what everyone may see, for whoever needs text.

Here belongs how published tables become CSV and how the package describes them. Not here: what is
published (`publication/tables.py`).

A text that a spreadsheet would take for a formula is never written: to change it would make the CSV
differ from the marts, so the table is refused and the text has to be worded otherwise.
"""

import json
import re
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from publication.handbuch import MEANING
from publication.imprint import Imprint
from publication.material import Material
from publication.tables import PublishedColumn, PublishedTable, literal, quoted, quoted_list

if TYPE_CHECKING:
    import duckdb

FOLDER = "csv"
PACKAGE = f"{FOLDER}/datapackage.json"

TYPES = {
    "varchar": "string",
    "text": "string",
    "integer": "integer",
    "bigint": "integer",
    "double": "number",
    "decimal": "number",
    "boolean": "boolean",
    "date": "date",
}
"""Types of Frictionless by DuckDB's. Keys are text, so that leading zeros stay."""

STATUSES = tuple(status for status, _ in MEANING)
STATUS_COLUMNS = ("status", "status_alt", "status_neu")

FORMULA = r"^\s*[=@]|^[\t\r\n]|^\s*[+-].*[(|!]"
"""Texts that a spreadsheet would calculate. A sign alone, as in a class `+/-`, calls nothing."""


class Reference(NamedTuple):
    """Columns that refer to the key of another table."""

    columns: tuple[str, ...]
    table: str
    key: tuple[str, ...]


REFERENCES = (
    Reference(("raum_id", "gebietsstand"), "dim_raum", ("raum_id", "gebietsstand")),
    Reference(("peer_raum_id", "gebietsstand"), "dim_raum", ("raum_id", "gebietsstand")),
    Reference(("raum_id_nach", "gebietsstand_nach"), "dim_raum", ("raum_id", "gebietsstand")),
    Reference(("indikator_id", "version"), "dim_indikator", ("indikator_id", "version")),
)
"""What may refer to what; a table declares those that hold for each of its rows."""


def write(material: Material) -> None:
    """Write `csv/<table>.csv` for each table with public columns, and `csv/datapackage.json`.

    Raises:
        ValueError: a text would act as a formula in a spreadsheet, or a column has a type that the
            package has no word for.
    """
    (material.folder / FOLDER).mkdir()
    published = public_tables(material.tables)
    with material.open() as con:
        for table in published:
            _refuse_formulas(con, table)
            _write_csv(con, table, material.folder / csv_name(table))
        resources = [_resource(con, table, published, material.folder) for table in published]
    package = {**_package(material.imprint, material.facts), "resources": resources}
    text = json.dumps(package, indent=2, ensure_ascii=False)
    (material.folder / PACKAGE).write_text(text + "\n", "utf-8")


def public_tables(tables: Sequence[PublishedTable]) -> list[PublishedTable]:
    """Return the tables of which everyone may see at least one column."""
    return [table for table in tables if table.public_columns()]


def csv_name(table: PublishedTable) -> str:
    """Return the path of a table's CSV in the edition."""
    return f"{FOLDER}/{table.name}.csv"


def public_key(table: PublishedTable) -> tuple[str, ...]:
    """Return the key of a table if everyone may see all of it, else nothing.

    Without a column of their key rows may repeat.
    """
    return table.key if set(table.key) <= set(table.public_columns()) else ()


def _refuse_formulas(con: "duckdb.DuckDBPyConnection", table: PublishedTable) -> None:
    texts = [column.name for column in _public(table) if _type(table, column) == "string"]
    if not texts:
        return
    counts = ", ".join(
        f"count(*) FILTER (regexp_matches({quoted(text)}, {literal(FORMULA)}, 's'))"
        for text in texts
    )
    found = con.execute(f"SELECT {counts} FROM {quoted(table.name)}").fetchone()
    for text, count in zip(texts, found, strict=True):
        if count:
            raise ValueError(
                f"{table.name}.{text}: expected no text that a spreadsheet would take for a "
                f"formula (one that begins with =, @, + or -), found {count}; word it otherwise "
                "where it is declared or delivered"
            )


def _write_csv(con: "duckdb.DuckDBPyConnection", table: PublishedTable, path: Path) -> None:
    """Write the public columns, ordered by these alone: their order must not tell of another."""
    con.execute(
        f"COPY (SELECT {quoted_list(table.public_columns())} FROM {quoted(table.name)} "
        f"ORDER BY ALL) TO {literal(str(path))} (FORMAT csv, HEADER, DELIMITER ',', NULL '')"
    )


def _resource(
    con: "duckdb.DuckDBPyConnection",
    table: PublishedTable,
    published: Sequence[PublishedTable],
    folder: Path,
) -> dict:
    content = (folder / csv_name(table)).read_bytes()
    return {
        "name": table.name,
        "type": "table",
        "title": table.description.partition(". ")[0].rstrip("."),
        "description": table.description,
        "path": Path(csv_name(table)).name,
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "bytes": len(content),
        "hash": f"sha256:{sha256(content).hexdigest()}",
        "dialect": {"delimiter": ",", "quoteChar": '"', "doubleQuote": True, "header": True},
        "schema": _schema(con, table, published),
    }


def _schema(
    con: "duckdb.DuckDBPyConnection", table: PublishedTable, published: Sequence[PublishedTable]
) -> dict:
    key = list(public_key(table))
    references = [
        {
            "fields": list(reference.columns),
            "reference": {"resource": reference.table, "fields": list(reference.key)},
        }
        for reference in REFERENCES
        if _holds(con, reference, table, published)
    ]
    return {
        "fields": [_field(table, column) for column in _public(table)],
        "missingValues": [""],
        **({"primaryKey": key} if key else {}),
        **({"foreignKeys": references} if references else {}),
    }


def _field(table: PublishedTable, column: PublishedColumn) -> dict:
    constraints = {
        **({"required": True} if column.name in (*public_key(table), "status") else {}),
        **({"enum": list(STATUSES)} if column.name in STATUS_COLUMNS else {}),
    }
    return {
        "name": column.name,
        "type": _type(table, column),
        "description": column.description,
        **({"constraints": constraints} if constraints else {}),
    }


def _public(table: PublishedTable) -> list[PublishedColumn]:
    return [column for column in table.columns if column.audience == "oeffentlich"]


def _type(table: PublishedTable, column: PublishedColumn) -> str:
    kind = re.split(r"\W", column.type.lower())[0]
    if kind not in TYPES:
        raise ValueError(
            f"{table.name}.{column.name}: expected a type of {', '.join(TYPES)}, found "
            f"{column.type}; say in publication/forms/datapackage.py how it is described"
        )
    return TYPES[kind]


def _holds(
    con: "duckdb.DuckDBPyConnection",
    reference: Reference,
    table: PublishedTable,
    published: Sequence[PublishedTable],
) -> bool:
    """Return whether each row of a table refers to a row of another."""
    target = next((other for other in published if other.name == reference.table), None)
    if (
        target in (None, table)
        or not set(reference.columns) <= set(table.public_columns())
        or public_key(target) != reference.key
    ):
        return False
    (orphans,) = con.execute(
        f"SELECT count(*) FROM {quoted(table.name)} WHERE ({quoted_list(reference.columns)}) "
        f"NOT IN (SELECT ({quoted_list(reference.key)}) FROM {quoted(target.name)}) "
        f"OR {' OR '.join(f'{quoted(column)} IS NULL' for column in reference.columns)}"
    ).fetchone()
    return not orphans


def _package(imprint: Imprint, facts: Mapping) -> dict:
    return {
        "name": re.sub(r"[^a-z0-9._-]", "-", f"sozialraum-{imprint.region}".lower()),
        "id": imprint.kennung,
        "title": imprint.titel,
        "description": f"{imprint.beschreibung} Textdateien in UTF-8 mit Komma und Dezimalpunkt; "
        "leere Felder sind kein Wert, und nie null. Schlüssel sind Text mit führenden Nullen. "
        "Tabellenprogramme öffnen die Dateien über den Import von Text, nicht per Doppelklick.",
        "version": facts["edition_id"],
        "created": facts["created_at"],
        "homepage": imprint.url,
        "keywords": list(imprint.schlagworte),
        "licenses": [
            {
                "name": re.sub(r"[^\w.-]", "-", imprint.lizenz_kennung),
                "title": imprint.lizenz_name,
                "path": imprint.lizenz_url,
            }
        ],
        "contributors": [
            {
                "title": f"{imprint.organisation}, {imprint.stelle}",
                "role": "publisher",
                "email": imprint.email,
                "path": imprint.url,
            }
        ],
        "sources": [{"title": imprint.quellenvermerk}],
    }
