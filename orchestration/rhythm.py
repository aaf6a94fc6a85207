"""When something runs: the grid of deliveries, the sensor on the inbox, the daily schedule.

Deliveries are external assets, partitioned by Liefereinheit × Stichtag; a run marks those that it
has accepted and no other. What lands them is not partitioned: the many files of one morning make
one run, and so does the whole grid. A backfill would make a run for each Liefereinheit, and a range
of partitions would turn every key of it green, delivered or not.
"""

import hashlib
import json
from collections.abc import Callable, Collection, Iterable
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import dagster as dg

from orchestration.settings import Settings
from sources import ledger
from sources.connectors.files import find_files
from sources.landing import Folders
from sources.region import Region

ZONE = ZoneInfo("Europe/Berlin")
INTERVAL = 30
"""Seconds between two looks into the inbox. A file that has rested for one of them is complete."""


def stichtag_partitions(region: Region) -> dg.DynamicPartitionsDefinition:
    """Return the Stichtage of a region; more are added as deliveries of them come."""
    return dg.DynamicPartitionsDefinition(name=f"stichtag_{region.region}")


def partitions(region: Region) -> dg.MultiPartitionsDefinition:
    """Return the one grid of all feeds: Liefereinheit × Stichtag.

    A feed of the whole county has the Liefereinheit `kreis`.
    """
    units = sorted({unit for feed in region.feeds for unit in feed.liefereinheiten})
    return dg.MultiPartitionsDefinition(
        {
            "liefereinheit": dg.StaticPartitionsDefinition(units),
            "stichtag": stichtag_partitions(region),
        }
    )


def partition_of(liefereinheit: str, stichtag: date) -> dg.MultiPartitionKey:
    """Return the key of a delivery in the grid."""
    return dg.MultiPartitionKey({"liefereinheit": liefereinheit, "stichtag": stichtag.isoformat()})


def expected_stichtage(region: Region) -> set[date]:
    """Return the Stichtage of the region's calendar."""
    return {stichtag for days in region.expected.values() for stichtag in days}


def known_stichtage(region: Region, settings: Settings) -> set[date]:
    """Return the Stichtage that are expected, lie in the inbox, or stand in the ledger."""
    known = expected_stichtage(region)
    folders = Folders(settings.landing)
    for feed in region.feeds:
        known |= {o.stichtag for o in ledger.read(folders.ledger, feed.feed) if o.stichtag}
        known |= _stichtage_of(feed, find_files(feed, _roots(settings)))
    return known


def _stichtage_of(feed, files: Iterable[Path]) -> set[date]:
    """What the names tell; where the content tells it, the calendar has it."""
    if feed.stichtag.aus == "inhalt":
        return set()
    return {day for path in files if (day := feed.stichtag_of(path.name))}


def _roots(settings: Settings) -> list[Path]:
    return [settings.inbox, *([settings.data] if settings.data else [])]


def add_partitions(instance: dg.DagsterInstance, region: Region, days: Collection[date]) -> None:
    """Make Dagster know these Stichtage."""
    name = stichtag_partitions(region).name
    known = set(instance.get_dynamic_partitions(name))
    if new := sorted({day.isoformat() for day in days} - known):
        instance.add_dynamic_partitions(name, new)


def wanted(keys: Collection[str]) -> Callable[[str | None, date | None], bool] | None:
    """Return which deliveries a run takes that names some (`liefereinheit|stichtag`); None: all.

    What tells neither whose it is nor of when belongs to every run, to be refused.
    """
    chosen = set(keys)
    if not chosen:
        return None
    return lambda unit, day: unit is None or day is None or f"{unit}|{day}" in chosen


def inbox_sensor(settings: Settings, region: Region, job: str) -> dg.SensorDefinition:
    """Return the sensor that starts one run for all files that have come and rest."""

    @dg.sensor(
        name="eingang",
        job_name=job,
        minimum_interval_seconds=INTERVAL,
        description="One run for all files that lie in the inbox and are complete.",
    )
    def eingang(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        before = json.loads(context.cursor or "{}")
        now = inbox_state(settings, region)
        cursor = json.dumps({"seen": now, "asked": before.get("asked")}, sort_keys=True)
        resting = {
            name: mark for name, mark in now.items() if before.get("seen", {}).get(name) == mark
        }
        if not now:
            return _skip("the inbox is empty", cursor)
        if len(resting) < len(now):
            return _skip(
                f"{len(now) - len(resting)} file(s) of {len(now)} are still coming", cursor
            )
        key = _key(now)
        if key == before.get("asked"):
            return _skip("a run was already asked for these files; see why they stay", cursor)
        name = stichtag_partitions(region).name
        known = set(context.instance.get_dynamic_partitions(name))
        new = sorted({day.isoformat() for day in known_stichtage(region, settings)} - known)
        return dg.SensorResult(
            run_requests=[dg.RunRequest(run_key=key)],
            dynamic_partitions_requests=[stichtag_partitions(region).build_add_request(new)]
            if new
            else [],
            cursor=json.dumps({"seen": now, "asked": key}, sort_keys=True),
        )

    return eingang


def _skip(why: str, cursor: str) -> dg.SensorResult:
    return dg.SensorResult(skip_reason=dg.SkipReason(why), cursor=cursor)


def inbox_state(settings: Settings, region: Region) -> dict[str, str]:
    """Return size and time of every file that lies in the inbox of a feed, by its path there."""
    state = {}
    for feed in region.feeds:
        for path in find_files(feed, [settings.inbox]):
            facts = path.stat()
            name = path.relative_to(settings.inbox.resolve()).as_posix()
            state[name] = f"{facts.st_size} {facts.st_mtime_ns}"
    return state


def _key(state: dict[str, str]) -> str:
    return hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()[:16]


def daily_schedule(settings: Settings, region: Region, job: str) -> dg.ScheduleDefinition:
    """Return the schedule that runs when a day brings something: an embargo or a retention that
    ends, or a source that is pulled.
    """

    @dg.schedule(
        name="taeglich",
        job_name=job,
        cron_schedule="15 0 * * *",
        execution_timezone=ZONE.key,
        description="Runs on days on which an embargo ends, and where sources are pulled.",
    )
    def taeglich(context: dg.ScheduleEvaluationContext):
        today = context.scheduled_execution_time.astimezone(ZONE).date()
        reasons = reasons_to_run(settings, region, today)
        if not reasons:
            return dg.SkipReason("no embargo ends today and no source is pulled")
        return dg.RunRequest(run_key=today.isoformat())

    return taeglich


def reasons_to_run(settings: Settings, region: Region, today: date) -> list[str]:
    """Return why the warehouse should run on a day although no file has come."""
    folders = Folders(settings.landing)
    ending = {
        feed.feed
        for feed in region.feeds
        for outcome in ledger.read(folders.ledger, feed.feed)
        if outcome.result == "accepted" and outcome.publishable_from == today
    }
    return [f"the embargo of {feed} ends" for feed in sorted(ending)] + [
        f"{feed} is pulled from its source" for feed in sorted(region.quellen)
    ]
