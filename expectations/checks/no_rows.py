"""The rule `no_rows`: a query that must return nothing.

Great Expectations' own rule of this kind also fetches the rows it finds. This one only counts
them, all of them, so that no value of a person ever reaches a result.
"""

import re
from functools import cache
from typing import Any


def counting_query(query: str) -> str:
    """Return a plain query in the form Great Expectations and SQLAlchemy read it.

    Both rewrite the text they are given: the one formats braces and puts a subquery with an
    alias for `{batch}`, the other reads `:word` as a parameter. Here the table becomes a common
    table expression, and all other braces and colons stay what the author meant.
    """
    body = query.rstrip("; \t\r\n").replace("{batch}", "_batch")
    body = body.replace("{", "{{").replace("}", "}}")
    body = re.sub(r"(?<![:\w\\]):(?=\w)", r"\\:", body)
    return (
        "with _batch as not materialized (select * from {batch})\n"
        f"select * from (\n{body}\n) as unexpected"
    )


@cache
def no_rows_class() -> type[Any]:
    """Return the expectation class; its one argument is `unexpected_rows_query`."""
    from great_expectations.expectations import UnexpectedRowsExpectation

    class NoRows(UnexpectedRowsExpectation):
        """Passes if the query returns no row; counts the rows, never fetches them."""

        metric_dependencies = ("unexpected_rows_query.row_count", "table.row_count")

        def _validate(
            self,
            metrics: dict[str, Any],
            runtime_configuration: dict[str, Any] | None = None,
            execution_engine: Any = None,
        ) -> dict[str, Any]:
            unexpected = metrics["unexpected_rows_query.row_count"]
            counts = {"element_count": metrics["table.row_count"], "unexpected_count": unexpected}
            return {"success": unexpected == 0, "result": counts}

    return NoRows
