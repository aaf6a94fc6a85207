"""`sozialraum`: what the Dagster UI has no button for.

Only arguments and printing belong here; each verb is a function of another module.
"""

import argparse
import os
import sys
import time
from dataclasses import replace

from orchestration.settings import PROJECT, Settings


def main(arguments: list[str] | None = None) -> int:
    """Run one verb and return its exit code."""
    parser = argparse.ArgumentParser(prog="sozialraum", description=__doc__.splitlines()[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    for name, (_, text) in _VERBS.items():
        verb = verbs.add_parser(name, help=text, description=text)
        verb.add_argument("--region", help="the region; otherwise REGION")
        if name == "dbt":
            verb.add_argument("arguments", nargs=argparse.REMAINDER)
        if name == "ui":
            verb.add_argument("--port", type=int, default=3000)
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
    from orchestration.models import is_parsed, read_manifest
    from orchestration.run_lock import hold
    from sources.region import read_region

    read_region(settings.region)
    settings.make_folders()
    settings.export()
    with hold(settings.prepare_lock, lambda _: None):
        config = settings.dagster_home / "dagster.yaml"
        declared = (PROJECT / "orchestration" / "dagster.yaml").read_text()
        if not config.exists() or config.read_text() != declared:
            config.write_text(declared)
        _make_instance(settings)
        if not is_parsed(settings):  # never while a run reads the last one
            with hold(settings.lock, _tell):
                read_manifest(settings)
    return 0


def _make_instance(settings: Settings) -> None:
    """Create Dagster's storages: two processes that open a fresh home at once break it."""
    from dagster import DagsterInstance

    from orchestration.run_lock import killed_run, report_killed

    with DagsterInstance.get() as instance:
        report_killed(instance, killed_run(settings.lock))
        instance.get_runs(limit=1)


def _tell(text: str) -> None:
    print(text, file=sys.stderr)


def run(settings: Settings, options: argparse.Namespace | None = None) -> int:
    """Run the job `edition` in this process; 0 if an edition was published."""
    from sources.region import read_region

    region = read_region(settings.region)
    if settings.data is None and not any(settings.inbox.rglob("*.*")) and _nothing_landed(settings):
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


def _nothing_landed(settings: Settings) -> bool:
    return not any((settings.landing / "accepted").rglob("*.parquet"))


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


def bench(settings: Settings, options: argparse.Namespace) -> int:
    """Print where the seconds of one run go."""
    from orchestration import bench as report

    return report.bench(settings)


_VERBS = {
    "run": (run, "run the main job, from the partners' files to a published edition"),
    "ui": (ui, "open the Dagster UI and the Data Docs on 127.0.0.1"),
    "prepare": (prepare, "make the folders, Dagster's instance and the dbt manifest of a home"),
    "bench": (bench, "measure one run on a fresh home: stages, imports, bare SQL"),
    "dbt": (dbt, "run a dbt command, such as `sozialraum dbt test`"),
}

if __name__ == "__main__":
    sys.exit(main())
