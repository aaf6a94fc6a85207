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


VERBS = {
    "klassen": (classes, "propose class limits for maps, from the edition", lambda verb: None),
}
