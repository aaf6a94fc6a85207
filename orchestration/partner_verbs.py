"""Verbs of `sozialraum` around partners: what they receive, and what they run themselves.

`pruefe` and `locate` run on an office's machine, speak German and never look into a home; `paket`
and `adressen` are the operator's. Only arguments and printing belong here; each verb is a function
of `sources/kit/` or `sources/addresses`.
"""

import argparse
import sys
from datetime import date
from pathlib import Path

from orchestration.settings import Settings

METHODS = {
    "schluessel": "über den Straßenschlüssel",
    "name": "über den Straßennamen",
    "bereich": "über einen Hausnummernbereich",
    "aehnlich": "über einen ähnlichen Straßennamen",
    "ohne": "nicht zugeordnet (<Gemeindeschlüssel>-ohne)",
}


def paket(settings: Settings, options: argparse.Namespace) -> int:
    """Write the delivery instructions, the template and the known areas of a feed."""
    from sources.kit.package import write_package
    from sources.region import read_region

    paths = write_package(
        read_region(settings.region),
        options.feed,
        options.liefereinheit,
        options.stichtag,
        options.ziel,
        form=options.form,
        areas=settings.areas if settings.areas.exists() else None,
    )
    for path in paths:
        print(path)
    return 0


def adressen(settings: Settings, options: argparse.Namespace) -> int:
    """Export the address register for `locate`, and the street list for who cuts tables himself."""
    from sources.addresses import export_register, street_list
    from sources.addresses.register import ADDRESSES
    from sources.region import read_region

    if not (settings.placement / ADDRESSES).exists():
        raise ValueError(
            f"adressen: expected the address register of region {settings.region}, found none; "
            "run `sozialraum run` first"
        )
    region = read_region(settings.region)
    register, streets = options.ziel / "adressregister.csv", options.ziel / "strassenliste.csv"
    print(f"{register}: {export_register(region, settings.placement, register)}")
    print(f"{streets}: {street_list(settings.placement, streets)}")
    return 0


def pruefe(settings: Settings, options: argparse.Namespace) -> int:
    """Check a file before it is sent; 0 if it would be accepted without a quarantined row."""
    from sources.kit.check import AREA_LIST, check_file
    from sources.region import read_region

    beside = options.datei.with_name(AREA_LIST)
    areas = options.raeume or (beside if beside.exists() else None)
    report = check_file(read_region(settings.region), options.datei, options.feed, areas)
    print(report.text)
    return 0 if report.clean else 1


def locate(settings: Settings, options: argparse.Namespace) -> int:
    """Add the Sozialraum to each address of a file."""
    from sources.addresses import locate as locate_file

    for path in (options.datei, options.register):
        if not path.is_file():
            raise ValueError(f"Die Datei {path} gibt es nicht; bitte den Pfad zur Datei angeben.")
    try:
        counts = locate_file(options.datei, options.ziel, options.register, options.stichtag)
    except ValueError as error:
        raise ValueError(
            "Die Adressen ließen sich nicht zuordnen. Gebraucht werden die Spalten kommune, "
            "strasse und hausnummer (oder adresse), in jeder Zeile gleich viele, und ein Stichtag, "
            f"für den das Register gilt. [{error}]"
        ) from None
    for method, count in counts.items():
        print(f"{count:8} {METHODS.get(method, method)}", file=sys.stderr)
    return 0


def _paket_arguments(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("feed")
    verb.add_argument("--liefereinheit", help="who delivers; needed if several do")
    verb.add_argument("--form", help="id of the layout; all that are agreed unless given")
    verb.add_argument("--stichtag", type=date.fromisoformat, help="for the examples; the last one")
    verb.add_argument("--ziel", type=Path, default=Path("lieferpaket"), help="folder to write to")


def _adressen_arguments(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--ziel", type=Path, default=Path("lieferpaket"), help="folder to write to")


def _pruefe_arguments(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("datei", type=Path, help="die Datei unter ihrem Liefernamen")
    verb.add_argument("--feed", help="welche Lieferung, wenn der Name zu mehreren passt")
    verb.add_argument("--raeume", type=Path, help="Liste der Räume; sonst raeume.csv daneben")


def _locate_arguments(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("datei", type=Path, help="CSV mit Adressen")
    verb.add_argument("ziel", type=Path, help="dieselbe mit raum_id, gebietsstand und methode")
    verb.add_argument("--register", type=Path, required=True, help="das Adressregister des Kreises")
    verb.add_argument(
        "--stichtag", type=date.fromisoformat, help="JJJJ-MM-TT; sonst der neueste Gebietsstand"
    )


VERBS = {
    "paket": (paket, "write delivery instructions and template of a feed", _paket_arguments),
    "adressen": (adressen, "export address register and street list", _adressen_arguments),
    "pruefe": (pruefe, "prüft eine Datei, bevor sie gesendet wird", _pruefe_arguments),
    "locate": (locate, "ordnet jeder Adresse einer Datei ihren Sozialraum zu", _locate_arguments),
}
