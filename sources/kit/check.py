"""A partner's check at its own desk, before a file is sent: the checks of landing, without a home.

Reads the file, and the list of areas that came with the package. Writes nothing that stays. What
only the county can know is not checked: earlier deliveries, other feeds.
"""

import re
import secrets
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from sources.agreement import Agreement
from sources.connectors.safety import inspect
from sources.contract import Feed, header_of
from sources.delivery import Split, read_table, split
from sources.errors import DeliveryError
from sources.formats import RawTable
from sources.judge import Reference, Terms
from sources.kit.examples import default_stichtag, example_name
from sources.kit.words import (
    fault_in_german,
    reason_in_german,
    remedy_in_german,
    repair_in_german,
)
from sources.layouts import AnyLayout
from sources.region import Region

if TYPE_CHECKING:
    import pyarrow as pa

AREA_LIST = "raeume.csv"

READY = "Ergebnis: kann gesendet werden."
NOT_READY = "Ergebnis: bitte zuerst klären."


@dataclass(frozen=True)
class Report:
    """What a check found, in German. `clean`: it would be accepted without a row put aside."""

    clean: bool
    text: str


def check_file(
    region: Region, path: Path, feed: str | None = None, areas: Path | None = None
) -> Report:
    """Check a file against the contract that its name fits.

    Args:
        region: the contracts.
        path: the file, under the name that it is to be delivered with.
        feed: the feed, if the name fits several or none.
        areas: CSV with the known areas (`raum_id`); without it keys of areas are not checked.

    Raises:
        ValueError: the file does not exist, there is no such feed, or the list of areas is none;
            in German.
    """
    if not path.is_file():
        raise ValueError(f"Die Datei {path} gibt es nicht; bitte den Pfad zur Datei angeben.")
    fitting = _fitting(region, path.name, feed)
    if len(fitting) != 1:
        return Report(False, _unknown(region, path.name, fitting))
    contract = fitting[0]
    head = f"Datei {path.name}: {contract.title}"
    desk = _alone(contract, region, areas)
    try:
        table, unit, stichtag = _read(contract, region, path)
        agreement = region.agreement_for(contract, unit, stichtag)
        if agreement is None:
            return Report(False, f"{head}\n{_not_agreed(stichtag)}\n{NOT_READY}")
        return _report(contract, _judge(desk, table, path.name, unit, stichtag, agreement), head)
    except DeliveryError as error:
        fault = error
    except Exception as error:  # unforeseen; told as landing tells it, by its class alone
        fault = DeliveryError(
            contract.feed,
            path.name,
            expected="a file that can be read as agreed",
            found=f"one that cannot be ({type(error).__name__})",
            remedy=f"ask {contract.partner} to send it again",
        )
    return Report(False, f"{head}\n{_refusal(contract, region, fault)}\n{NOT_READY}")


def _fitting(region: Region, name: str, feed: str | None) -> list[Feed]:
    if feed is None:
        return [known for known in region.feeds if re.fullmatch(known.name_pattern, name)]
    named = [known for known in region.feeds if known.feed == feed]
    if not named:
        known = ", ".join(sorted(known.feed for known in region.feeds))
        raise ValueError(f"Eine Lieferung {feed} gibt es nicht; bitte eine von: {known}.")
    return named


def _read(feed: Feed, region: Region, path: Path) -> tuple[RawTable, str, date]:
    """Return the file's table, who delivers it and its Stichtag."""
    if path.stat().st_size and (problems := inspect(path)):
        raise DeliveryError(
            feed.feed,
            path.name,
            expected="a file that can be opened without danger",
            found=f"one that {'; that '.join(problems)}",
            remedy=f"ask {feed.partner} for a plain table",
        )
    unit = region.liefereinheit_of(feed, path.name)
    if unit is None:
        raise DeliveryError(
            feed.feed,
            path.name,
            expected=f"a file name like {feed.name_pattern} that names one of "
            f"{sorted(feed.liefereinheiten)}",
            found="a name that says nothing of who delivers it",
            remedy="rename the file as agreed",
        )
    table, stichtag = read_table(feed, path, path.name, region)
    return table, unit, stichtag


@dataclass(frozen=True)
class _Desk:
    """What a partner has of the county: one feed, perhaps the areas, and nothing that landed."""

    feed: Feed
    region: Region
    references: dict[str, Reference]


def _alone(feed: Feed, region: Region, areas: Path | None) -> _Desk:
    """Take away what a feed is compared with: other feeds are not at a partner's desk.

    A mark whose meaning another feed decides is then a mark in any case.
    """
    columns = tuple(
        column.model_copy(
            update={"marks": tuple(m.model_copy(update={"when": None}) for m in column.marks)}
        )
        for column in feed.columns
    )
    alone = feed.model_copy(update={"columns": columns})
    bringing = region.area_feed(feed.spatial.ebene, feed.spatial.gebietsstand)
    if areas is None or feed.spatial.kind != "schluessel" or bringing is None:
        return _Desk(alone, region.model_copy(update={"feeds": (alone,)}), {})
    rows = Reference(bringing, ("pruefung",), _known(areas, bringing.key[0]))
    county = region.model_copy(update={"feeds": (alone, bringing)})
    return _Desk(alone, county, {bringing.feed: rows})


def _known(areas: Path, key: str) -> "pa.Table":
    """Return the list of areas as landed areas would be: one column, named as their key."""
    import pyarrow as pa
    from pyarrow import csv

    as_text = csv.ConvertOptions(column_types={"raum_id": "string"}, include_columns=["raum_id"])
    try:
        rows = csv.read_csv(areas, convert_options=as_text)
    except (OSError, pa.ArrowException):
        raise ValueError(
            f"{areas} ist keine Liste der Räume mit der Spalte raum_id; bitte die Datei "
            f"{AREA_LIST} aus dem Lieferpaket nehmen."
        ) from None
    return rows.rename_columns([key])


def _judge(
    desk: _Desk, table: RawTable, file_name: str, unit: str, stichtag: date, agreement: Agreement
) -> Split:
    served = desk.region.kommunen_of(unit)
    covered = tuple(k for k in served or agreement.kommunen if k in agreement.kommunen)
    terms = Terms(
        delivery_id="pruefung",
        liefereinheit=unit,
        stichtag=stichtag,
        kommunen=covered if agreement.kommunen else served,
        key=secrets.token_bytes(32),
    )
    with tempfile.TemporaryDirectory() as folder:
        return split(
            desk.feed,
            table,
            file_name=file_name,
            terms=terms,
            region=desk.region,
            references=desk.references,
            target=Path(folder),
        )


# --- words ----------------------------------------------------------------------------------


def headers_in(feed: Feed, layout_id: str | None) -> dict[str, str]:
    """Return how the partner's file calls the columns, by the feed's own names."""
    layout = _layout(feed, layout_id)
    return {column.name: header_of(layout, column) for column in feed.columns}


def counting_of(feed: Feed, layout_id: str | None) -> str:
    """Return how rows are counted in files of a form."""
    layout = _layout(feed, layout_id)
    if getattr(layout, "unpivot", None) or layout.format == "genesis":
        return "Gezählt sind die einzelnen Werte unter dem Tabellenkopf, Zeile für Zeile."
    if layout.format == "fixed_width" or not getattr(layout, "header", True):
        return "Zeile 1 ist die erste Zeile der Datei."
    return "Zeile 1 ist die erste unter der Kopfzeile."


def _layout(feed: Feed, layout_id: str | None) -> AnyLayout:
    return next((layout for layout in feed.layouts if layout.id == layout_id), feed.layouts[0])


def _report(feed: Feed, result: Split, head: str) -> Report:
    headers = headers_in(feed, result.layout)
    lines = [
        head,
        f"Form: {result.layout}",
        f"Zeilen: {result.rows_read}, davon in Ordnung: {result.rows_accepted}, "
        f"zu klären: {result.rows_quarantined}",
    ]
    lines += [
        f"  - {reason_in_german(reason, headers)}: {count} Zeile(n), zuerst Zeile {first}"
        for reason, (count, first) in result.reasons.items()
    ]
    if result.reasons:
        lines.append(f"  {counting_of(feed, result.layout)}")
    lines += [
        f"  Wird beim Eingang berichtigt: {repair_in_german(what, headers)} ({count} Zeile(n))"
        for what, count in result.repairs.items()
    ]
    lines.append(_verdict(feed, result))
    return Report(not result.rows_quarantined and result.rows_read > 0, "\n".join(lines))


def _verdict(feed: Feed, result: Split) -> str:
    if not result.rows_read:
        return f"Die Datei hat keine Datenzeile und würde zurückgewiesen.\n{NOT_READY}"
    if result.rows_quarantined > feed.rows.quarantine_tolerance * result.rows_read:
        return f"Zu viele fehlerhafte Zeilen: die Datei würde zurückgewiesen.\n{NOT_READY}"
    if result.rows_quarantined:
        return f"Die Datei würde ohne die fehlerhaften Zeilen angenommen.\n{NOT_READY}"
    return READY


def _refusal(feed: Feed, region: Region, error: DeliveryError) -> str:
    lines = [
        "Die Datei würde zurückgewiesen.",
        f"  Erwartet: {fault_in_german(error.expected)}",
        f"  Gefunden: {fault_in_german(error.found)}",
        f"  Zu tun: {remedy_in_german(error.remedy)}",
    ]
    if "file name" in error.expected:
        lines.insert(2, f"  Zum Beispiel: {_name_of(feed, region)}")
    return "\n".join(lines)


def _name_of(feed: Feed, region: Region) -> str:
    stichtag = default_stichtag(region, feed)
    form = (feed.layouts_at(stichtag) or feed.layouts)[0]
    return example_name(feed, region, feed.liefereinheiten[0], stichtag, form)


def _not_agreed(stichtag: date) -> str:
    return (
        f"Für den Stichtag {stichtag:%d.%m.%Y} besteht keine gültige Vereinbarung; die Datei "
        "würde nicht entgegengenommen."
    )


def _unknown(region: Region, name: str, fitting: Sequence[Feed]) -> str:
    if fitting:
        known = "\n".join(f"  {feed.feed}: {feed.title}" for feed in fitting)
        return (
            f"Datei {name}: der Name passt zu mehreren Lieferungen. Bitte mit --feed sagen, zu "
            f"welcher:\n{known}\n{NOT_READY}"
        )
    known = "\n".join(f"  {feed.feed}: {_name_of(feed, region)}" for feed in region.feeds)
    return (
        f"Datei {name}: der Name passt zu keiner vereinbarten Lieferung. Bitte die Datei wie "
        f"vereinbart benennen, zum Beispiel:\n{known}\n{NOT_READY}"
    )


def area_list(areas: Sequence[str], folder: Path) -> Path:
    """Write the keys of the known areas for partners to check against; return the path."""
    path = folder / AREA_LIST
    path.write_text("\n".join(["raum_id", *areas]) + "\n", encoding="utf-8")
    return path
