"""When something runs: the grid of deliveries, the sensor on the inbox, the daily schedule.

Deliveries are external assets, partitioned by Liefereinheit × Stichtag; a run marks those that it
has accepted and no other. What lands them is not partitioned: the many files of one morning make
one run, and so does the whole grid. A backfill would make a run for each Liefereinheit, and a range
of partitions would turn every key of it green, delivered or not.
"""

import hashlib
import json
from collections.abc import Callable, Collection
from datetime import date
from zoneinfo import ZoneInfo

import dagster as dg

from orchestration.settings import Settings
from sources import ledger
from sources.connectors.files import find_files
from sources.contract import Feed
from sources.landing import Folders
from sources.region import Region

ZONE = ZoneInfo("Europe/Berlin")
INTERVAL = 30
"""Seconds between two looks into the inbox. A file that has rested for one of them is complete."""


def stichtag_partitions(region: Region, feed: Feed) -> dg.DynamicPartitionsDefinition:
    """Return the Stichtage of a feed; more are added as deliveries of them are accepted."""
    return dg.DynamicPartitionsDefinition(name=f"stichtag_{region.region}_{feed.feed}")


def partitions(region: Region, feed: Feed) -> dg.MultiPartitionsDefinition:
    """Return the grid of a feed's deliveries: Liefereinheit × Stichtag."""
    return dg.MultiPartitionsDefinition(
        {
            "liefereinheit": dg.StaticPartitionsDefinition(sorted(feed.liefereinheiten)),
            "stichtag": stichtag_partitions(region, feed),
        }
    )


def partition_of(liefereinheit: str, stichtag: date) -> dg.MultiPartitionKey:
    """Return the key of a delivery in the grid."""
    return dg.MultiPartitionKey({"liefereinheit": liefereinheit, "stichtag": stichtag.isoformat()})


def add_partitions(
    instance: dg.DagsterInstance, region: Region, feed: Feed, days: Collection[date]
) -> None:
    """Make Dagster know these Stichtage of a feed."""
    name = stichtag_partitions(region, feed).name
    known = set(instance.get_dynamic_partitions(name))
    if new := sorted({day.isoformat() for day in days} - known):
        instance.add_dynamic_partitions(name, new)


def expect_partitions(instance: dg.DagsterInstance, region: Region) -> None:
    """Make Dagster know the region's calendar."""
    for feed in region.feeds:
        add_partitions(instance, region, feed, region.expected.get(feed.feed, ()))


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
        return dg.SensorResult(
            run_requests=[dg.RunRequest(run_key=key)],
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
