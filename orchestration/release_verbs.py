"""The bodies of `sozialraum draft` and `sozialraum release`: what municipalities see and decide.

Only arguments and printing belong here; each verb is a function of another module.
"""

import argparse
from datetime import date

from orchestration.settings import Settings


def draft(settings: Settings, options: argparse.Namespace) -> int:
    """Write each municipality's draft and print where they lie."""
    from orchestration.drafts import make_drafts
    from sources.region import read_region

    folder = make_drafts(settings, read_region(settings.region))
    for path in sorted(path for path in folder.iterdir() if path.is_dir()):
        print(path)
    return 0


def release(settings: Settings, options: argparse.Namespace) -> int:
    """Record what a municipality has released; without one print how far each has come."""
    from orchestration.freigaben import present_states, record, table_of
    from orchestration.gates import today
    from sources.region import read_region

    region = read_region(settings.region)
    if options.kommune is None:
        print(table_of(present_states(settings, region)))
        return 0
    if not (options.thema and options.von):
        raise ValueError(
            "release: expected --thema (or --thema alle) and --von, who decided; found "
            f"thema {options.thema}, von {options.von}"
        )
    entries = record(
        settings,
        region,
        options.kommune,
        options.thema,
        von=options.von,
        am=options.am or today(),
        stichtag_bis=options.stichtag_bis,
    )
    for entry in entries:
        themes = entry.themen if isinstance(entry.themen, str) else ", ".join(entry.themen)
        print(
            f"{', '.join(entry.kommunen)}: {themes} up to {entry.stichtag_bis}, released by "
            f"{entry.von} on {entry.am}; `sozialraum run` publishes it"
        )
    return 0


def _draft_arguments(verb: argparse.ArgumentParser) -> None:
    """It needs none."""


def _release_arguments(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("kommune", nargs="?", help="AGS or name; without one: how far each has come")
    verb.add_argument("--thema", action="append", help="theme, several times, or alle")
    verb.add_argument("--von", help="who decided: office and function")
    verb.add_argument("--am", type=date.fromisoformat, help="day of the decision; today")
    verb.add_argument(
        "--stichtag-bis",
        type=date.fromisoformat,
        help="last Stichtag released; of each theme the newest of the last draft unless given",
    )


VERBS = {
    "draft": (
        draft,
        "write each municipality's draft: its own areas before they are released",
        _draft_arguments,
    ),
    "release": (
        release,
        "record what a municipality releases, or print how far each has come",
        _release_arguments,
    ),
}
