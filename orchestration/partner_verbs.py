"""Verbs of `sozialraum` for partners: they run on an office's machine and never look into a home.

Only arguments and printing belong here; each verb is a function of `sources/kit/` or
`sources/addresses`.
"""

import argparse
import sys
from datetime import date
from pathlib import Path

from orchestration.settings import Settings


def paket(settings: Settings, options: argparse.Namespace) -> int:
    """Write the delivery instructions and the template of a feed into a folder."""
    from sources.kit.package import write_package
    from sources.region import read_region

    region = read_region(settings.region)
    for path in write_package(
        region, options.feed, options.liefereinheit, options.stichtag, options.ziel
    ):
        print(path)
    return 0


def pruefe(settings: Settings, options: argparse.Namespace) -> int:
    """Check a file before it is sent; 0 if it would be accepted without a quarantined row."""
    from sources.kit.check import check_file

    from sources.region import read_region

    report = check_file(read_region(settings.region), options.datei, feed=options.feed)
    print(report.text)
    return 0 if report.clean else 1


def locate(settings: Settings, options: argparse.Namespace) -> int:
    """Add the Sozialraum to each address of a file."""
    from sources.addresses import locate as locate_file

    counts = locate_file(options.datei, options.ziel, options.register)
    for method, count in counts.items():
        print(f"{count:8} {method}", file=sys.stderr)
    return 0


def _paket_arguments(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("feed")
    verb.add_argument("--liefereinheit", help="who delivers; needed if several do")
    verb.add_argument("--stichtag", type=date.fromisoformat, help="for the examples; the last one")
    verb.add_argument("--ziel", type=Path, default=Path("lieferpaket"), help="folder to write to")


def _pruefe_arguments(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("datei", type=Path)
    verb.add_argument("--feed", help="the feed, if the name of the file fits several")


def _locate_arguments(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("datei", type=Path, help="CSV with addresses")
    verb.add_argument("ziel", type=Path, help="the same with raum_id and methode")
    verb.add_argument("--register", type=Path, required=True, help="the exported address register")


VERBS = {
    "paket": (paket, "write delivery instructions and template of a feed", _paket_arguments),
    "pruefe": (pruefe, "check a file before it is sent", _pruefe_arguments),
    "locate": (locate, "find the Sozialraum of each address of a file", _locate_arguments),
}
