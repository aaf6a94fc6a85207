"""Rules that judge files of the sealed zone instead of the rows of their table.

Only what they have in common with Great Expectations belongs here; what is wrong is counted by the
module of each rule.
"""

from functools import cache
from typing import Any


@cache
def about_files_class() -> type[Any]:
    """Return the class that such rules inherit from.

    A rule declares its arguments as fields and in `success_keys`, and counts in `faults`.
    """
    from great_expectations.expectations.expectation import BatchExpectation

    class AboutFiles(BatchExpectation):
        """Passes if there are no faults; the result holds their number and no value."""

        metric_dependencies = ("table.row_count",)
        domain_keys = ("batch_id", "table")

        def faults(self) -> int:
            raise NotImplementedError

        def _validate(
            self,
            metrics: dict[str, Any],
            runtime_configuration: dict[str, Any] | None = None,
            execution_engine: Any = None,
        ) -> dict[str, Any]:
            faults = self.faults()
            counts = {"element_count": metrics["table.row_count"], "unexpected_count": faults}
            return {"success": faults == 0, "result": counts}

    return AboutFiles
