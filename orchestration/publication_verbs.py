"""Verbs about publications. Only arguments and printing belong here."""

import argparse

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
    "klassen": (classes, "propose class limits for maps, from the edition", lambda verb: None),
    "ziel-sql": (
        target_sql,
        "print the SQL that sets up a PostGIS database as a target",
        _target_arguments,
    ),
}
