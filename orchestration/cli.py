"""`sozialraum`: what the Dagster UI has no button for.

Only arguments and printing belong here; each verb is a function of another module.
"""

import argparse
import os
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from orchestration import disclosure_verbs, partner_verbs, publication_verbs, release_verbs
from orchestration.settings import PROJECT, Settings

if TYPE_CHECKING:
    from sources.region import Region


def main(arguments: list[str] | None = None) -> int:
    """Run one verb and return its exit code."""
    parser = argparse.ArgumentParser(prog="sozialraum", description=__doc__.splitlines()[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    for name, (_, text, add_arguments) in _VERBS.items():
        verb = verbs.add_parser(name, help=text, description=text)
        verb.add_argument("--region", help="the region; otherwise REGION")
        add_arguments(verb)
    options, others = parser.parse_known_args(arguments)
    if options.verb == "dbt":
        options.arguments = [*others, *options.arguments]  # options of dbt itself come first
    elif others:
        parser.error(f"unrecognized arguments: {' '.join(others)}")
    settings = Settings.from_environment()
    if options.region:
        settings = replace(settings, region=options.region)
    os.umask(0o077)
    try:
        return _VERBS[options.verb][0](settings, options)
    except ValueError as error:
        print(f"sozialraum: {error}", file=sys.stderr)
        return 2


def prepare(settings: Settings, options: argparse.Namespace | None = None) -> int:
    """Make the folders, Dagster's instance and the dbt manifest of a home."""
    from orchestration.catalogue import check_calculations, read_entries
    from orchestration.models import is_parsed, read_manifest
    from orchestration.run_lock import hold
    from sources.region import read_region

    region = read_region(settings.region)
    check_calculations(region, read_entries(settings.dbt_project))
    settings.make_folders()
    settings.export()
    with hold(settings.prepare_lock, lambda _: None):
        config = settings.dagster_home / "dagster.yaml"
        declared = (PROJECT / "orchestration" / "dagster.yaml").read_text()
        if not config.exists() or config.read_text() != declared:
            config.write_text(declared)
        _make_instance(settings, region)
        simulate_once(settings, region)
        if not is_parsed(settings):  # never while a run reads the last one
            with hold(settings.lock, _tell):
                read_manifest(settings)
    return 0


def _make_instance(settings: Settings, region: "Region") -> None:
    """Create Dagster's storages: two processes that open a fresh home at once break it."""
    from dagster import DagsterInstance

    from orchestration.rhythm import expect_partitions
    from orchestration.run_lock import killed_run, report_killed

    with DagsterInstance.get() as instance:
        report_killed(instance, killed_run(settings.lock))
        instance.get_runs(limit=1)
        expect_partitions(instance, region)


def simulate_once(settings: Settings, region: "Region") -> None:
    """Fill the inbox of a fresh home with the files of a synthetic county, if the region is one."""
    if not region.simuliert or settings.simulator.exists() or not _nothing_came(settings):
        return
    from sources.simulator.simulate import simulate as write_files

    print(f"sozialraum: simulating partners of {region.region} ...", file=sys.stderr)
    write_files(
        settings.region,
        inbox=settings.inbox,
        truth=settings.simulator / "truth",
        sources_home=settings.simulator,
        scale=settings.scale,
    )


def _tell(text: str) -> None:
    print(text, file=sys.stderr)


def run(settings: Settings, options: argparse.Namespace | None = None) -> int:
    """Run the job `edition` in this process; 0 if an edition was published."""
    from sources.region import read_region

    region = read_region(settings.region)
    if not region.simuliert and settings.data is None and _nothing_came(settings):
        print(
            f"sozialraum: no data for region {region.region}. {region.data_hint}", file=sys.stderr
        )
        return 2
    prepare(settings)
    from dagster import DagsterInstance

    from orchestration.definitions import EDITION_JOB, build_definitions
    from orchestration.progress import progress_logger, summary

    since = time.time()
    print(f"sozialraum: region {region.region}, home {settings.home}", file=sys.stderr)
    definitions = build_definitions(
        settings=settings, region=region, loggers={"console": progress_logger()}
    )
    with DagsterInstance.get() as instance:
        result = definitions.resolve_job_def(EDITION_JOB).execute_in_process(
            instance=instance,
            raise_on_error=False,
            run_config={"loggers": {"console": {"config": {}}}},
        )
    print(summary(settings, region, since, result.success))
    return 0 if result.success else 1


def _nothing_came(settings: Settings) -> bool:
    waiting = any(path.is_file() for path in settings.inbox.rglob("*"))
    return not waiting and not any((settings.landing / "accepted").rglob("*.parquet"))


def status(settings: Settings, options: argparse.Namespace) -> int:
    """Print the matrix feed × Liefereinheit × Stichtag of what was delivered."""
    from orchestration.progress import status_matrix
    from sources.region import read_region

    print(status_matrix(settings, read_region(settings.region), options.feed))
    return 0


def ui(settings: Settings, options: argparse.Namespace) -> int:
    """Open the Dagster UI, and the Data Docs beside it, on loopback."""
    from orchestration.ui import serve

    prepare(settings)
    return serve(settings, options.port)


def dbt(settings: Settings, options: argparse.Namespace) -> int:
    """Run a dbt command on the sealed database; what it prints may hold values."""
    import json

    from dbt.cli.main import dbtRunner

    from orchestration.models import dbt_vars
    from orchestration.run_lock import hold

    settings.make_folders()
    settings.export()
    project = ["--project-dir", str(settings.dbt_project)]
    variables = ["--vars", json.dumps(dbt_vars(settings))]
    with hold(settings.lock, _tell):
        if {"build", "run", "seed", "snapshot"} & set(options.arguments):
            settings.core_token.unlink(missing_ok=True)  # a build by hand passed no gate
        result = dbtRunner().invoke([*options.arguments, *project, *variables])
    return 0 if result.success else 1


def explain(settings: Settings, options: argparse.Namespace) -> int:
    """Print why a figure is what it is; runs in the sealed zone."""
    from orchestration import explain as account
    from sources.region import read_region

    region = read_region(settings.region)
    wanted = (options.raum, options.indikator, options.stichtag)
    print(account.explain(settings, region, *wanted, sealed=options.versiegelt))
    return 0


def bench(settings: Settings, options: argparse.Namespace) -> int:
    """Print where the seconds of one run go."""
    from orchestration import bench as report

    return report.bench(settings)


def _no_arguments(verb: argparse.ArgumentParser) -> None:
    """Most verbs need none."""


def _dbt_arguments(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("arguments", nargs=argparse.REMAINDER)


def _ui_arguments(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--port", type=int, default=3000)


def _status_arguments(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--feed", help="only this feed, with the reasons")


def _explain_arguments(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("raum", metavar="AREA", help="key of an area, or its name")
    verb.add_argument("indikator", metavar="INDICATOR", help="key of an indicator")
    verb.add_argument("stichtag", metavar="STICHTAG", help="YYYY-MM-DD")
    verb.add_argument("--versiegelt", action="store_true", help="print what is withheld, too")


_VERBS = {
    "run": (
        run,
        "run the main job, from partners' files to a published edition",
        _no_arguments,
    ),
    "ui": (ui, "open the Dagster UI and the Data Docs on 127.0.0.1", _ui_arguments),
    "status": (status, "show which deliveries there are", _status_arguments),
    "explain": (
        explain,
        "say why a figure is what it is, or why there is none",
        _explain_arguments,
    ),
    "prepare": (
        prepare,
        "make folders, instance and manifest of a home",
        _no_arguments,
    ),
    "bench": (bench, "measure one run on a fresh home: stages, imports, bare SQL", _no_arguments),
    "dbt": (dbt, "run a dbt command, such as `sozialraum dbt test`", _dbt_arguments),
    **partner_verbs.VERBS,
    **disclosure_verbs.VERBS,
    **release_verbs.VERBS,
    **publication_verbs.VERBS,
}

if __name__ == "__main__":
    sys.exit(main())
