"""Verbs about publications. Only arguments and printing belong here."""

import argparse
import sys
from datetime import date
from pathlib import Path

from orchestration.settings import Settings

SERVICE_PORT = 5000


def classes(settings: Settings, options: argparse.Namespace) -> int:
    """Print class limits for what has values and no limits yet, as lines of `klassen.yaml`."""
    from publication.edition import CURRENT
    from publication.limits import propose_limits
    from publication.material import MARTS
    from sources.region import read_region

    database = settings.published / CURRENT / MARTS
    if not database.exists():
        raise ValueError(
            f"{settings.region}: expected a published edition, found none; run `sozialraum run` "
            "first: limits are proposed from published values"
        )
    declared = read_region(settings.region).klassen
    known = {one.indikator_id for one in declared.indikatoren} if declared else set()
    for indikator_id, limits in propose_limits(database).items():
        if indikator_id not in known:
            told = ", ".join(f"{limit:g}" for limit in limits)
            print(f"  - {{indikator_id: {indikator_id}, grenzen: [{told}]}}")
    return 0


def report(settings: Settings, options: argparse.Namespace) -> int:
    """Make a Sozialbericht of a period and print where it lies."""
    from orchestration.bericht import Order, make_report

    settings.make_folders()
    settings.export()
    print(make_report(settings, Order(options.von, options.bis, options.titel)))
    return 0


def _report_arguments(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--von", type=date.fromisoformat, required=True, help="first day")
    verb.add_argument("--bis", type=date.fromisoformat, required=True, help="last day")
    verb.add_argument("--titel", help="title; otherwise Sozialbericht with the years")


def deliver(settings: Settings, options: argparse.Namespace) -> int:
    """Deliver the current edition to its targets again; 0 if none of them is late."""
    from dagster import DagsterInstance

    from orchestration.cli import prepare
    from orchestration.definitions import EDITION_JOB, build_definitions
    from orchestration.progress import progress_logger
    from orchestration.targets import settled, target_key
    from publication.edition import current_manifest
    from sources.region import read_region
    from sources.ziele import ANKUENDIGUNG

    region = read_region(settings.region)
    names = [one.ziel for one in region.ziele.ziele]
    if region.ziele.ankuendigung:
        names.append(ANKUENDIGUNG)
    if unknown := sorted(set(options.ziel) - set(names)):
        raise ValueError(
            f"{region.region}: expected targets among {', '.join(names)}, found "
            f"{', '.join(unknown)}; see ziele.yaml"
        )
    if current_manifest(settings.published) is None:
        raise ValueError(
            f"{region.region}: expected a published edition, found none; run `sozialraum run` first"
        )
    prepare(settings)
    definitions = build_definitions(
        settings=settings, region=region, loggers={"console": progress_logger()}
    )
    chosen = options.ziel or names
    with DagsterInstance.get() as instance:
        definitions.resolve_job_def(EDITION_JOB).execute_in_process(
            instance=instance,
            raise_on_error=False,
            run_config={"loggers": {"console": {"config": {}}}},
            asset_selection=[target_key(name) for name in chosen],
        )
    states = settled(settings, chosen)
    for name, (_, text) in states.items():
        print(f"{name}  {text}")
    return 0 if all(well for well, _ in states.values()) else 1


def _deliver_arguments(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("ziel", nargs="*", metavar="ZIEL", help="only these; otherwise all")


def serve(settings: Settings, options: argparse.Namespace) -> int:
    """Serve an edition from PostGIS as OGC API Features, on loopback."""
    from orchestration.models import read_manifest
    from publication.edition import CURRENT
    from publication.material import MANIFEST
    from publication.service import run

    address = settings.service_address
    edition = options.aus or settings.published / CURRENT
    if not (edition / MANIFEST).exists():
        raise ValueError(
            f"{edition}: expected an edition, found no {MANIFEST}; run `sozialraum run` first, or "
            "name another folder with --aus"
        )
    task = run.Task(
        edition=edition,
        tables=read_manifest(settings).published_tables(),
        address=address,
        state=settings.service(options.port),
        port=options.port,
        url=options.url,
        documents=options.unterlagen,
    )
    if options.nur_schreiben:
        run.write(task)
        print(f"written to {task.state}")
        return 0
    if options.pruefen:
        problems = run.check(task)
        print("\n".join(problems) or "the service shows the edition, and nothing else")
        return 1 if problems else 0
    return run.serve(task, lambda text: print(f"sozialraum: {text}", file=sys.stderr, flush=True))


def _serve_arguments(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--port", type=int, default=SERVICE_PORT, help="on 127.0.0.1")
    verb.add_argument("--aus", type=Path, metavar="FOLDER", help="the folder of another edition")
    verb.add_argument("--url", help="where it is reached from outside, behind a web server")
    verb.add_argument(
        "--unterlagen", metavar="URL", help="where the edition's files are reached, if they are"
    )
    only = verb.add_mutually_exclusive_group()
    only.add_argument(
        "--nur-schreiben",
        action="store_true",
        help="write the configuration, start nothing",
    )
    only.add_argument(
        "--pruefen", action="store_true", help="compare every answer with the edition, and end"
    )


def target_sql(settings: Settings, options: argparse.Namespace) -> int:
    """Print the SQL that a database administrator runs once in a PostGIS database."""
    from publication.targets.postgis import setup_sql

    print(setup_sql(options.publisher), end="")
    return 0


def _target_arguments(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--publisher",
        default="sozialraum_publisher",
        help="the role that loads editions; by default %(default)s",
    )


VERBS = {
    "ziele": (deliver, "deliver the current edition to its targets again", _deliver_arguments),
    "klassen": (classes, "propose class limits for maps, from the edition", lambda verb: None),
    "bericht": (
        report,
        "freeze a reporting period of the edition as a Sozialbericht",
        _report_arguments,
    ),
    "serve": (serve, "serve the edition from PostGIS as OGC API Features", _serve_arguments),
    "ziel-sql": (
        target_sql,
        "print the SQL that sets up a PostGIS database as a target",
        _target_arguments,
    ),
}
