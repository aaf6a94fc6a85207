"""What a run on the command line shows: a line for each step, and a summary at the end.

Counts, names and reasons only; the numbers come from the ledger, the marts and the manifest.
"""

import logging
import re
import sys
import time
from collections import Counter

import dagster as dg

from orchestration.settings import Settings
from sources import ledger
from sources.landing import Folders
from sources.region import Region
from sources.status import MEANING, Delivery, deliveries


def progress_logger() -> dg.LoggerDefinition:
    """Return a Dagster logger that prints one line for each finished step."""

    @dg.logger(description="One line for each step")
    def lines(context: dg.InitLoggerContext) -> logging.Logger:
        logger = logging.getLogger("sozialraum.progress")
        logger.setLevel(logging.DEBUG)
        logger.handlers = [_Lines()]
        logger.propagate = False
        return logger

    return lines


class _Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self._started = time.monotonic()

    def emit(self, record: logging.LogRecord) -> None:
        line = _line(record)
        if line:
            print(f"{time.monotonic() - self._started:6.1f} s  {line}", file=sys.stderr, flush=True)


# Dagster has no event for a step that is held because another failed: only this message.
_HELD = re.compile(r"Dependencies for step (\S+) (failed|were not executed): ")


def _line(record: logging.LogRecord) -> str | None:
    meta = getattr(record, "dagster_meta", {})
    event = meta.get("dagster_event")
    if event is None:
        message = str(meta.get("orig_message"))
        if held := _HELD.match(message):
            return f"held    {held[1]}"
        return f"note    {message}" if record.levelno >= logging.INFO else None
    if event.event_type_value == "STEP_SUCCESS":
        return f"done    {event.step_key}"
    if event.event_type_value == "STEP_FAILURE":
        return f"FAILED  {event.step_key}\n{failure_text(event)}"
    if event.event_type_value == "STEP_SKIPPED":
        return f"held    {event.step_key}"
    return None


def failure_text(event: dg.DagsterEvent) -> str:
    """Return why a step failed: the words of a `Failure`, else the class of the exception only.

    An exception that nobody foresaw may carry a value in its message.
    """
    data = event.event_specific_data
    failure = getattr(data, "user_failure_data", None)
    if failure and failure.description:
        return failure.description
    error = getattr(data, "error", None)
    while error is not None and error.cause is not None:
        error = error.cause
    name = error.cls_name if error is not None else "unknown error"
    if name == "DagsterAssetCheckFailedError":
        return "a blocking check failed: see above, or the checks of its asset in the Dagster UI"
    return f"unexpected {name}; its trace stands in the run's page in the Dagster UI"


def summary(settings: Settings, region: Region, since: float, success: bool) -> str:
    """Return what a run has done: delivered, quarantined, withheld, and where the edition lies.

    Args:
        settings: paths.
        region: the region.
        since: start of the run, seconds since the epoch.
        success: whether all steps ended well.
    """
    from orchestration.targets import summary_of
    from publication.edition import current_manifest

    outcomes = [
        outcome
        for feed in region.feeds
        for outcome in ledger.read(Folders(settings.landing).ledger, feed.feed)
        if outcome.tried_at.timestamp() >= since
    ]
    results = Counter(outcome.result for outcome in outcomes)
    quarantined = sum(outcome.rows_quarantined or 0 for outcome in outcomes)
    lines = [
        "",
        f"delivered    {results['accepted']} accepted, {results['unchanged']} unchanged, "
        f"{results['duplicate']} duplicate, {results['rejected']} rejected, "
        f"{results['not_delivered']} not delivered, {results['not_agreed']} not agreed",
        f"quarantined  {quarantined} row(s)",
    ]
    lines += [
        f"             {o.feed} {o.stichtag or ''}: {o.result}: {o.reason}"
        for o in outcomes
        if o.result in ("rejected", "not_delivered", "not_agreed") or o.rows_quarantined
    ]
    if strays := sum(path.is_file() for path in settings.inbox.rglob("*")):
        lines.append(f"inbox        {strays} file(s) that fit no feed lie in {settings.inbox}")
    manifest = current_manifest(settings.published)
    if success:
        lines.append(f"withheld     {_withheld(settings)}")
        lines.append(
            f"edition      {manifest['edition_id']}, content {manifest['content_hash'][:16]}"
        )
        lines.append(f"             {settings.published / 'current'}")
        if targets := summary_of(settings, region, manifest["edition_id"]):
            lines.append(f"targets      {targets}")
    else:
        kept = f"{manifest['edition_id']} stays current" if manifest else "there is none yet"
        lines.append(f"edition      nothing was published; {kept}")
    return "\n".join(lines)


def status_matrix(settings: Settings, region: Region, feed: str | None = None) -> str:
    """Return which deliveries there are, as text: a row for each feed × Liefereinheit, a column for
    each Stichtag; of one feed a line for each delivery, with its reason.

    Raises:
        ValueError: there is no such feed.
    """
    from orchestration.gates import today

    feeds = [f for f in region.feeds if feed in (None, f.feed)]
    if not feeds:
        known = ", ".join(f.feed for f in region.feeds)
        raise ValueError(f"region {region.region} has no feed {feed!r}; it has {known}")
    folder = Folders(settings.landing).ledger
    outcomes = [outcome for f in feeds for outcome in ledger.read(folder, f.feed)]
    listed = deliveries(region, outcomes, today(), feeds)
    if feed:
        return "\n".join(_status_line(delivery) for delivery in listed) or "nothing is expected"
    days = sorted({delivery.stichtag for delivery in listed})
    cells = {(d.feed, d.liefereinheit, d.stichtag): d.state for d in listed}
    rows = list(dict.fromkeys((d.feed, d.liefereinheit) for d in listed))
    table = [["feed", "liefereinheit", *(day.isoformat() for day in days)]]
    table += [[*row, *(cells.get((*row, day), "") for day in days)] for row in rows]
    counts = Counter(delivery.state for delivery in listed)
    legend = [f"{counts[state]:5} {state}: {meaning}" for state, meaning in MEANING.items()]
    return "\n".join([*_aligned(table), "", *legend])


def _status_line(delivery: Delivery) -> str:
    due = f", due {delivery.due}" if delivery.state in ("erwartet", "verspaetet", "fehlt") else ""
    reason = f": {delivery.reason}" if delivery.reason else ""
    return f"{delivery.stichtag}  {delivery.liefereinheit}  {delivery.state}{due}{reason}"


def _aligned(table: list[list[str]]) -> list[str]:
    widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in table
    ]


def _withheld(settings: Settings) -> str:
    """Cells of the marts by the status that withholds them."""
    import duckdb

    marts = ("mart_bevoelkerung", "mart_indikator", "mart_index")
    union = " union all ".join(f"select status from {mart}" for mart in marts)
    database = settings.published / "current" / "marts.duckdb"
    with duckdb.connect(str(database), read_only=True) as con:
        counts = con.execute(
            f"select status, count(*) from ({union}) where status <> 'ok' group by all order by all"
        ).fetchall()
    return ", ".join(f"{count} {status}" for status, count in counts) or "nothing"
