"""When something runs: the sensor on the inbox, the grid of partitions, the daily schedule."""

import os
from datetime import UTC, date, datetime

import dagster as dg
import pytest

from orchestration.rhythm import (
    add_partitions,
    daily_schedule,
    expect_partitions,
    inbox_sensor,
    partition_of,
    partitions,
    wanted,
)
from orchestration.settings import Settings
from sources import ledger
from sources.landing import Folders
from sources.ledger import Outcome
from sources.region import read_region

JOB = "edition"


@pytest.fixture(scope="module")
def region():
    return read_region("berlin")


@pytest.fixture
def settings(tmp_path) -> Settings:
    settings = Settings(tmp_path / "home", "berlin")
    settings.make_folders()
    return settings


@pytest.fixture
def instance():
    with dg.instance_for_test() as instance:
        yield instance


def look(sensor: dg.SensorDefinition, instance, cursor: str | None = None) -> dg.SensorResult:
    return sensor(dg.build_sensor_context(instance=instance, cursor=cursor))


def drop(settings: Settings, *names: str) -> None:
    for name in names:
        path = settings.inbox / "register" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")


def test_six_files_at_once_give_one_run(settings, region, instance):
    sensor = inbox_sensor(settings, region, JOB)
    drop(settings, *(f"EWR{year}12E_Matrix.csv" for year in range(2012, 2018)))
    first = look(sensor, instance)
    assert not first.run_requests  # they may still be coming
    second = look(sensor, instance, first.cursor)
    assert len(second.run_requests) == 1
    third = look(sensor, instance, second.cursor)
    assert not third.run_requests  # asked once


def test_a_file_that_grows_is_waited_for(settings, region, instance):
    sensor = inbox_sensor(settings, region, JOB)
    drop(settings, "EWR201612E_Matrix.csv")
    first = look(sensor, instance)
    with (settings.inbox / "register" / "EWR201612E_Matrix.csv").open("a") as file:
        file.write("more")
    second = look(sensor, instance, first.cursor)
    assert not second.run_requests
    assert "still coming" in second.skip_reason.skip_message
    assert look(sensor, instance, second.cursor).run_requests


def test_an_empty_inbox_asks_for_nothing(settings, region, instance):
    assert not look(inbox_sensor(settings, region, JOB), instance).run_requests


def test_the_grid_of_a_feed_is_its_liefereinheiten_at_its_stichtage(region, instance):
    feed = region.feed("mss_bezirke")
    expect_partitions(instance, region)
    add_partitions(instance, region, feed, [date(2018, 12, 31)])
    keys = partitions(region, feed).get_partition_keys(dynamic_partitions_store=instance)
    assert list(keys) == ["kreis|2014-12-31", "kreis|2016-12-31", "kreis|2018-12-31"]
    assert partition_of("kreis", date(2018, 12, 31)) in keys


def test_a_run_takes_all_or_the_deliveries_that_it_names():
    assert wanted([]) is None
    takes = wanted(["ja_nord|2015-12-31"])
    assert takes("ja_nord", date(2015, 12, 31))
    assert not takes("ja_sued", date(2015, 12, 31))
    assert not takes("ja_nord", date(2014, 12, 31))
    assert takes(None, None)  # a misnamed file is refused by whichever run sees it


def test_the_day_on_which_an_embargo_ends_brings_a_run(settings, region, instance):
    landed = Outcome(
        feed="einwohnerregister",
        partner="afs",
        liefereinheit="kreis",
        stichtag=date(2016, 12, 31),
        result="accepted",
        publishable_from=date(2017, 3, 1),
    )
    ledger.append(Folders(settings.landing).ledger, [landed])
    schedule = daily_schedule(settings, region, JOB)

    def on(day: int) -> object:
        moment = datetime(2017, 3, day, 5, tzinfo=UTC)
        context = dg.build_schedule_context(instance=instance, scheduled_execution_time=moment)
        return schedule(context)

    assert isinstance(on(1), dg.RunRequest)
    assert isinstance(on(2), dg.SkipReason)


def test_a_scale_that_is_no_share_is_refused(monkeypatch):
    monkeypatch.setitem(os.environ, "SCALE", "2")
    with pytest.raises(ValueError, match="SCALE: expected a number above 0"):
        Settings.from_environment()
