"""What docs/abfragen.md shows, and how a test runs it on an edition's database."""

import json
import re
from pathlib import Path

import duckdb

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = DOCS / "abfragen.md"
NOTEBOOK = DOCS / "beispiele" / "abfragen.ipynb"
SCRIPT = DOCS / "beispiele" / "abfragen.R"


def queries() -> list[tuple[str, str]]:
    """Return the queries of the page, each with its question's number and text."""
    return re.findall(
        r"^## (\d+\. .*?)$.*?^```sql\n(.*?)^```", PAGE.read_text("utf-8"), flags=re.S | re.M
    )


def rows(database: Path, query: str) -> list[tuple]:
    """Return the rows that a query gives on an edition's `marts.duckdb`."""
    with duckdb.connect(str(database), read_only=True) as con:
        return con.execute(query).fetchall()


def code_cells() -> list[str]:
    """Return the code of the notebook, cell by cell."""
    cells = json.loads(NOTEBOOK.read_text("utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
