"""Verbs about publications. Only arguments and printing belong here."""

import argparse
from datetime import date

from orchestration.settings import Settings


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


VERBS = {
    "klassen": (classes, "propose class limits for maps, from the edition", lambda verb: None),
    "bericht": (
        report,
        "freeze a reporting period of the edition as a Sozialbericht",
        _report_arguments,
    ),
}
