"""Data Docs: the results of suites as pages that people read.

Great Expectations renders its own results; the frame around them, the style and the index are
ours, because its frame loads a dozen things from the internet. Only scrubbed results come here,
so nothing on a page is a value of the data. Where the pages are served from is decided elsewhere.
"""

import html
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from expectations.gx import build, great_expectations, muted
from expectations.runner import CheckResult, Counts, SuiteResult
from expectations.suite import NO_ROWS, Expectation, TableSuite

PAGES = Path(__file__).parent / "pages"
STYLE = "data-docs.css"


def write_data_docs(results: Sequence[SuiteResult], folder: Path) -> dict[str, str]:
    """Write one page for each suite, an `index.html` and the style they share.

    Returns:
        The file name of each suite's page, by the suite's name.

    Raises:
        ValueError: Two results have a suite of the same name.
        RuntimeError: A page would load something from outside; nothing is written.
    """
    pages = {result.suite.name: f"{result.suite.name}.html" for result in results}
    if len(pages) != len(results) or "index" in pages:
        raise ValueError("Data Docs need suites of different names, none of them 'index'")
    with muted():
        texts = {pages[result.suite.name]: _suite_page(result) for result in results}
        texts["index.html"] = _view().env.get_template("suite_index.j2").render(results=results)
    texts[STYLE] = (PAGES / STYLE).read_text(encoding="utf-8")
    for name, text in texts.items():
        _refuse_outside(name, text)
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return pages


@cache
def _view() -> Any:
    """One view for all pages: it compiles its templates once."""
    great_expectations()
    from great_expectations.render.view import DefaultJinjaPageView

    return DefaultJinjaPageView(custom_views_directory=str(PAGES))


def _suite_page(result: SuiteResult) -> str:
    document, *others = [_table_document(result, table) for table in result.suite.tables]
    document.sections += [section for other in others for section in other.sections]
    return _view().render(document, template="suite_page.j2", result=result)


def _table_document(result: SuiteResult, table: TableSuite) -> Any:
    """Let Great Expectations render one table, without what does not work outside its site."""
    from great_expectations.render.renderer.page_renderer import ValidationResultsPageRenderer

    document = ValidationResultsPageRenderer().render(_validation(result, table))
    header, *_statistics_and_more = document.sections[0].content_blocks
    header.header.string_template["template"] = table.table
    header.subheader.string_template["styling"]["params"].pop("expectation_suite_name")  # a link
    document.sections[0].content_blocks = [header]
    return document


def _validation(result: SuiteResult, table: TableSuite) -> Any:
    from great_expectations.core import ExpectationSuiteValidationResult

    checks = result.of_table(table.table)
    return ExpectationSuiteValidationResult(
        success=all(check.passed for check in checks),
        results=[
            _check_validation(*entry)
            for entry in zip(table.expectations, checks, result.scrubbed[table.table], strict=True)
        ],
        suite_name=result.suite.name,
        meta={"batch_spec": {"data_asset_name": table.table}},
    )


def _check_validation(expectation: Expectation, check: CheckResult, counts: Counts) -> Any:
    from great_expectations.core import ExpectationValidationResult

    shown: dict[str, Any] = dict(counts)
    if expectation.rule == NO_ROWS and check.problem is None:
        shown = {"observed_value": f"{check.unexpected_count:,} unexpected"}
    return ExpectationValidationResult(
        success=check.passed,
        expectation_config=build(expectation, _shown_text(check)).configuration,
        result=shown,
    )


def _shown_text(check: CheckResult) -> str:
    """Return what the page says of a check; Great Expectations does not escape it."""
    lines = [f"{check.description} [{check.name}]"]
    if check.problem is not None:
        lines.append(f"Problem: {check.problem}.")
    if not check.passed:
        lines.append(f"What to do: {check.remedy}")
    return html.escape("\n".join(lines))


def _refuse_outside(name: str, text: str) -> None:
    # A remedy may quote an address as text; only what a browser would fetch or follow counts.
    if re.search(r"""(src|href|action)\s*=\s*["']?\s*(\w+:)?//|<script""", text):
        raise RuntimeError(f"Data Docs page {name} would load something from outside")
