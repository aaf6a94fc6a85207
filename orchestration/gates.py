"""The gates: suites of expectations as blocking asset checks, and for each delivery on arrival.

What a gate demands is data in `expectations/suites/`. A blocking check holds only inside its
own run, so the publishing step calls `run_gate` again (`edition.py`).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import dagster as dg

from orchestration.models import Manifest, dbt_vars
from orchestration.settings import Settings
from orchestration.warehouse import asset_key
from publication.edition import CURRENT
from sources.contract import Column, Feed
from sources.delivery import landed_columns
from sources.landing import Candidate

if TYPE_CHECKING:
    from expectations.runner import SuiteResult

PLAUSIBILITY, PRIVACY, PUBLICATION = "plausibility", "privacy", "publication"
RELEASED_TABLES = ("bevoelkerung", "fallzahl", "indexklasse", "lieferwert")
PRIVACY_RULES = (
    "rule_agreement",
    "rule_difference",
    "rule_feed",
    "rule_freigabe",
    "rule_kommune",
    "rule_level",
    "rule_sum",
    "rule_threshold",
)
"""The tables of the region's declarations that the privacy gate reads."""
DRAFT = dg.AssetKey(["edition", "draft"])
DRAFT_RULES = (
    "minimum_frequency",
    "number_only_if_ok",
    "printed_as_its_pattern_says",
    "no_sum_over_withheld_inhabitants",
    "nothing_before_its_embargo",
)
"""What the privacy gate demands of counts and is demanded of a municipal draft's, too."""


def released_key(table: str) -> dg.AssetKey:
    """Return the asset key of a table of published counts."""
    return dg.AssetKey(["released", table])


def gate_tables(gate: str, manifest: Manifest) -> dict[str, dg.AssetKey]:
    """Return which tables a gate looks at, and the assets that they are."""
    from expectations.suite import load_suite

    tables = [table.table for table in load_suite(gate, manifest.feeds).tables]
    if gate == PLAUSIBILITY:
        return {table: asset_key(manifest, table.split(".")[1]) for table in tables}
    if gate == PRIVACY:
        # The pattern belongs to all counts, and stands with the first of them.
        return {
            table: released_key(table if table in RELEASED_TABLES else RELEASED_TABLES[0])
            for table in tables
        }
    return dict.fromkeys(tables, DRAFT)


def today() -> date:
    """Return the day by which embargoes are judged."""
    return datetime.now(ZoneInfo("Europe/Berlin")).date()


@dataclass(frozen=True)
class GateResult:
    """What a gate found: the results of its suite, and problems of an edition's finished files."""

    gate: str
    suite: "SuiteResult"
    problems: tuple[str, ...]
    page: str

    @property
    def passed(self) -> bool:
        """Whether nothing was found."""
        return self.suite.passed and not self.problems

    def text(self) -> str:
        """Say what an operator needs to know: a line for each fault."""
        from expectations.runner import message

        return "\n".join([*self.problems, *([] if self.suite.passed else [message(self.suite)])])


def run_gate(settings: Settings, manifest: Manifest, gate: str) -> GateResult:
    """Run a gate on what lies there now; keep its counts and its Data Docs page."""
    from expectations.data_docs import write_data_docs
    from expectations.runner import run_suite
    from expectations.suite import load_suite
    from publication.audit import audit_files
    from publication.origin import numbers_of_other_origin

    known = {
        "today": today().isoformat(),
        "releases": str(settings.release),
        "ledger": str(settings.release_ledger),
        "policy": str(settings.region_folder / "privacy.yaml"),
        "rules": str(settings.rules),
        "released": str(settings.released),
    }
    parameters = known if gate == PRIVACY else {}
    demanded = load_suite(gate, manifest.feeds)
    suite = run_suite(demanded, _source(settings, gate), parameters=parameters)
    pages = write_data_docs([suite], settings.reports / "data_docs" / gate)
    problems: tuple[str, ...] = ()
    if gate == PUBLICATION:
        names = dbt_vars(settings)["indikatoren"]
        problems = (
            *audit_files(
                settings.draft, manifest.published_tables(), edition_before(settings, manifest)
            ),
            *numbers_of_other_origin(settings.draft, settings.released, settings.warehouse, names),
        )
    result = GateResult(gate, suite, problems, pages[suite.suite.name])
    summary = {
        "passed": result.passed,
        "rules": len(suite.results),
        "failed": [*problems, *(f"{r.table}: {r.name}" for r in suite.failed)],
    }
    path = settings.sealed / "gates" / f"{gate}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(summary))
    return result


def edition_before(settings: Settings, manifest: Manifest) -> Path | None:
    """Return the folder of the edition that is published now, if the next can be compared with it.

    It cannot if it lacks a table or a column that is published today, or cannot be read.
    """
    link = settings.published / CURRENT
    if not link.exists():
        return None
    try:
        told = json.loads((link / "manifest.json").read_text("utf-8"))["tables"]
        comparable = all(
            set(table.column_names) <= set(told[table.name]["columns"])
            for table in manifest.published_tables()
        )
    except (OSError, ValueError, KeyError):
        return None
    return link.resolve() if comparable else None


def draft_faults(settings: Settings, feeds: Sequence[str]) -> list[str]:
    """Return what the privacy suite finds in the counts of municipal drafts.

    Args:
        settings: the home in which drafts are made, with their counts, patterns and rules.
        feeds: the region's feeds.
    """
    from expectations.runner import message, run_suite
    from expectations.suite import load_suite

    suite = load_suite(PRIVACY, feeds)
    tables = [
        table.model_copy(
            update={"expectations": [e for e in table.expectations if e.name in DRAFT_RULES]}
        )
        for table in suite.tables
        if table.table in ("bevoelkerung", "fallzahl")
    ]
    result = run_suite(
        suite.model_copy(update={"tables": tables}),
        _source(settings, PRIVACY),
        parameters={"today": today().isoformat()},
    )
    return [] if result.passed else [message(result)]


def gate_summary(settings: Settings, gate: str) -> dict:
    """Return the counts of a gate's last run."""
    return json.loads((settings.sealed / "gates" / f"{gate}.json").read_text())


def gate_checks(settings: Settings, manifest: Manifest, gate: str) -> dg.AssetChecksDefinition:
    """Return the blocking checks of a gate, one for each asset that it looks at."""
    tables = gate_tables(gate, manifest)
    keys = list(dict.fromkeys(tables.values()))

    @dg.multi_asset_check(
        name=f"{gate}_gate",
        specs=[
            dg.AssetCheckSpec(
                gate,
                asset=key,
                blocking=True,
                description=f"The {gate} gate; when it fails, the last edition stays.",
            )
            for key in keys
        ],
        required_resource_keys={"run_lock"},
    )
    def gate_check(context: dg.AssetCheckExecutionContext):
        result = run_gate(settings, manifest, gate)
        if not result.passed:
            context.log.error(f"{gate} gate:\n{result.text()}")
        for key in keys:
            own = [table for table in tables if tables[table] == key]
            yield _check_result(settings, result, key, own)

    return gate_check


def _source(settings: Settings, gate: str) -> Path | Mapping[str, Path]:
    if gate == PLAUSIBILITY:
        return settings.warehouse
    if gate == PRIVACY:
        from disclosure.star.store import PATTERN

        released = {name: settings.released / f"{name}.parquet" for name in RELEASED_TABLES}
        released["pattern"] = settings.release / PATTERN
        return {**released, **{name: settings.rules / f"{name}.parquet" for name in PRIVACY_RULES}}
    return settings.draft / "marts.duckdb"


def _check_result(
    settings: Settings, result: GateResult, key: dg.AssetKey, tables: list[str]
) -> dg.AssetCheckResult:
    from expectations.runner import found

    checks = [check for table in tables for check in result.suite.of_table(table)]
    failed = [check for check in checks if not check.passed]
    faults = [
        *result.problems,
        *(
            f"**{check.name}**: {check.description} Found: {found(check)}. To do: {check.remedy}"
            for check in failed
        ),
    ]
    to_do = "\n\n".join(faults)
    return dg.AssetCheckResult(
        asset_key=key,
        check_name=result.gate,
        passed=not faults,
        severity=dg.AssetCheckSeverity.ERROR,
        description=f"{len(faults)} fault(s).\n\n{to_do}" if faults else None,
        metadata={
            "rules": len(checks),
            "failed_rules": len(failed),
            **({"to_do": dg.MetadataValue.md(to_do)} if faults else {}),
            "data_docs": dg.MetadataValue.url(settings.report_url(f"{result.gate}/{result.page}")),
        },
    )


@dataclass
class ArrivalGate:
    """Judges candidates of one feed with the suite that its contract generates."""

    settings: Settings
    feed: str
    results: dict = field(default_factory=dict)

    def __call__(self, candidates: Sequence[Candidate]) -> dict[str, str]:
        """Return what is wrong, by delivery id; all candidates are judged in one go."""
        from expectations.arrival import arrival_suite
        from expectations.runner import message, run_suite

        files = [candidate.split.accepted for candidate in candidates]
        if not _have_one_schema(files):  # a union would hide what one of them lacks
            return _each(candidates, "its landed file has other columns than the others'")
        suite = arrival_suite(_feed_facts(candidates[0].feed), [*map(_expected, candidates)])
        result = run_suite(suite, {"delivery": files})
        self.results[suite.name] = result
        return {} if result.passed else _each(candidates, message(result))

    def report(self) -> str | None:
        """Write the Data Docs of what was judged; return where they are served, if anything was."""
        if not self.results:
            return None
        from expectations.data_docs import write_data_docs

        folder = self.settings.reports / "data_docs" / f"arrival-{self.feed}"
        write_data_docs([*self.results.values()], folder)
        return self.settings.report_url(f"arrival-{self.feed}/index.html")


def _have_one_schema(files: Sequence[Path]) -> bool:
    import pyarrow.parquet as pq

    first, *others = (pq.read_schema(file) for file in files)
    return all(first.equals(other) for other in others)


def _each(candidates: Sequence[Candidate], problem: str) -> dict[str, str]:
    return {c.delivery_id: f"feed {c.feed.feed}, file {c.file}: {problem}" for c in candidates}


def _feed_facts(feed: Feed) -> dict:
    """The contract as plain data: canonical columns, as they lie in the landed file."""
    columns = [
        {
            "name": column.name,
            "type": column.type,
            "required": column.required and not any(column.name in lt.lacks for lt in feed.layouts),
            "codes": _landed_codes(feed, column),
            "minimum": column.minimum,
            "maximum": column.maximum,
            "has_state": feed.has_state(column),
        }
        for column in feed.landed_columns
    ]
    if "flaeche_km2" in landed_columns(feed):
        derived = {"name": "flaeche_km2", "type": "decimal", "required": True, "codes": None}
        columns.append({**derived, "minimum": 0, "maximum": None, "has_state": False})
    return {"feed": feed.feed, "key": list(feed.key), "columns": columns}


def _landed_codes(feed: Feed, column: Column) -> list[str] | None:
    """The codes that may stand in a landed cell; several in one cell are no code of the list."""
    if not column.codes or column.separator or column.name == feed.spatial.column:
        return None
    return sorted(set(column.codes.values()))


def _expected(candidate: Candidate) -> dict:
    refuses = candidate.feed.rows.change == "ablehnung"
    return {
        "delivery_id": candidate.delivery_id,
        "liefereinheit": candidate.liefereinheit,
        "stichtag": candidate.stichtag.isoformat(),
        "rows": candidate.split.rows_accepted,
        "previous_rows": candidate.previous_rows if refuses else None,
        "tolerance": candidate.feed.rows.change_tolerance,
    }
