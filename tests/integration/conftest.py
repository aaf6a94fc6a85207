"""Whole runs in homes of their own, on all of Berlin or on a part of it."""

import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from orchestration.cli import prepare
from orchestration.definitions import EDITION_JOB, build_definitions
from orchestration.progress import progress_logger
from orchestration.settings import Settings
from sources import ledger
from sources.landing import Folders
from sources.ledger import Outcome
from sources.region import Region, read_region

REGISTER_YEARS = ("2014", "2015", "2016")


@dataclass(frozen=True)
class Warehouse:
    """A home with its data, and what a test asks of it.

    `region`: another one than the settings name, such as a changed copy.
    """

    settings: Settings
    region: Region | None = None

    def run(self, assets: Iterable[dg.AssetKey] | None = None) -> dg.ExecuteInProcessResult:
        """Run the job `edition`, or only some of its assets."""
        prepare(self.settings)
        definitions = build_definitions(
            settings=self.settings, region=self.region, loggers={"console": progress_logger()}
        )
        with dg.DagsterInstance.get() as instance:
            return definitions.resolve_job_def(EDITION_JOB).execute_in_process(
                instance=instance,
                raise_on_error=False,
                run_config={"loggers": {"console": {"config": {}}}},
                asset_selection=list(assets) if assets is not None else None,
            )

    def truth(self, name: str) -> str:
        """Return the path of a frame of the simulator's truth."""
        return str(self.settings.simulator / "truth" / f"{name}.parquet")

    def ledger(self) -> list[Outcome]:
        """Return all outcomes of all feeds."""
        folder = Folders(self.settings.landing).ledger
        feeds = (self.region or read_region(self.settings.region)).feeds
        return [outcome for feed in feeds for outcome in ledger.read(folder, feed.feed)]

    def sealed(self, query: str) -> list[tuple]:
        """Query the sealed database."""
        with duckdb.connect(str(self.settings.warehouse), read_only=True) as con:
            return con.execute(query).fetchall()

    def published(self, query: str) -> list[tuple]:
        """Query the published edition."""
        database = self.settings.published / "current" / "marts.duckdb"
        with duckdb.connect(str(database), read_only=True) as con:
            return con.execute(query).fetchall()

    def current(self) -> str | None:
        """The edition that `current` names."""
        link = self.settings.published / "current"
        return link.readlink().name if link.is_symlink() else None


def copy_data(source: Path, target: Path, register_years: Iterable[str]) -> Path:
    """Copy the open data with some years of the register only; return the region's folder."""
    folder = target / "berlin"
    shutil.copytree(source, folder, copy_function=shutil.copyfile)
    for path in (folder / "register").glob("EWR*"):
        if path.name[3:7] not in register_years:
            path.unlink()
    return folder


@pytest.fixture(scope="session")
def berlin(berlin_data, tmp_path_factory) -> Warehouse:
    """All of Berlin, run once."""
    home = tmp_path_factory.mktemp("berlin") / "home"
    settings = Settings(
        home=home, region="berlin", open_data=berlin_data.parent, steckbriefe="kreis"
    )
    warehouse = Warehouse(settings)
    assert warehouse.run().success
    return warehouse


@pytest.fixture(scope="session")
def aachen(tmp_path_factory) -> Warehouse:
    """The county with a Statistikstelle, at full size and with all profiles, run once."""
    return county("aachen", tmp_path_factory, steckbriefe="alle")


@pytest.fixture(scope="session")
def rbk(tmp_path_factory) -> Warehouse:
    """The county without one, at full size, run once."""
    return county("rbk", tmp_path_factory)


def county(region: str, tmp_path_factory, steckbriefe: str = "kreis") -> Warehouse:
    """Run a simulated county in a home of its own, with few profiles unless told otherwise."""
    home = tmp_path_factory.mktemp(region) / "home"
    warehouse = Warehouse(Settings(home=home, region=region, steckbriefe=steckbriefe))
    assert warehouse.run().success
    return warehouse


@pytest.fixture(scope="session")
def small_root(tmp_path_factory) -> Path:
    """One place for all small homes, one after the other: dbt need not parse anew for each."""
    return tmp_path_factory.mktemp("small")


@pytest.fixture
def small_berlin(berlin_data, small_root) -> Warehouse:
    """Three years of the register and everything else, to plant faults in; not yet run."""
    settings = Settings(small_root / "home", "berlin", small_root / "data", steckbriefe="kreis")
    for old in (settings.open_data, settings.inbox, settings.landing, settings.published):
        shutil.rmtree(old, ignore_errors=True)
    for path in settings.sealed.glob("*"):
        if path == settings.dbt_target:
            continue
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    shutil.rmtree(settings.home / "kept", ignore_errors=True)
    copy_data(berlin_data, settings.open_data, REGISTER_YEARS)
    return Warehouse(settings)


@pytest.fixture
def small_edition(small_berlin, small_root) -> Warehouse:
    """The same with an edition, made once: later tests get what lay there then."""
    settings, kept = small_berlin.settings, small_root / "kept_edition"
    places = (settings.landing, settings.sealed, settings.published)
    if not kept.exists():
        assert small_berlin.run().success
        for place in places:
            shutil.copytree(place, kept / place.relative_to(settings.home), symlinks=True)
    else:
        for place in places:
            shutil.rmtree(place, ignore_errors=True)
            shutil.copytree(kept / place.relative_to(settings.home), place, symlinks=True)
    return small_berlin


@pytest.fixture
def edit() -> Callable[[Path, Callable[[str], str]], None]:
    """Rewrite a text file."""

    def rewrite(path: Path, change: Callable[[str], str]) -> None:
        path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")

    return rewrite
