"""The receipt of a delivery: what came, what was taken, what was put aside and why.

For the office that delivered; counts and reasons, never a value of a row.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from zoneinfo import ZoneInfo

from sources.contract import KREIS
from sources.kit.check import counting_of, headers_in
from sources.kit.words import (
    fault_in_german,
    reason_in_german,
    remark_in_german,
    remedy_in_german,
    repair_in_german,
)
from sources.ledger import Outcome
from sources.region import Region

RESULTS = {
    "accepted": "angenommen",
    "rejected": "zurückgewiesen",
    "duplicate": "schon erhalten: derselbe Inhalt lag bereits vor",
    "not_agreed": "nicht entgegengenommen: es besteht keine gültige Vereinbarung",
    "purged": "gelöscht: die Aufbewahrungsfrist ist abgelaufen",
}
"""What a receipt is written for, and its word; the rest is no news, or nothing came."""

NO_STICHTAG = "ohne-stichtag"
NOBODY = "unbekannt"

_COUNTED = re.compile(
    r"(?P<reason>[^;]+?) \((?P<count>\d+) row\(s\), first in row (?P<first>\d+)\)"
)
_SENTENCE = re.compile(
    r"expected (?P<expected>.*?); found (?P<found>.*?)\. To do: (?P<remedy>.*)", re.DOTALL
)
_REPAIRED = re.compile(r"(?P<what>.+): (?P<count>\d+) row\(s\)")


def receipt_paths(outcomes: Iterable[Outcome], folder: Path) -> dict[Path, Outcome]:
    """Return where the receipts of outcomes lie, without those that need none.

    A receipt is `<liefereinheit>/<feed>_<stichtag>_<content>.md`: `<content>` are the first 8
    characters of the file's SHA-256, or of its name's if it was not read.
    """
    return {
        folder / (outcome.liefereinheit or NOBODY) / _name(outcome): outcome
        for outcome in outcomes
        if outcome.result in RESULTS and outcome.file
    }


def _name(outcome: Outcome) -> str:
    stichtag = outcome.stichtag.isoformat() if outcome.stichtag else NO_STICHTAG
    content = outcome.sha256 or hashlib.sha256(outcome.file.encode()).hexdigest()
    # The receipt of the first delivery stays beside that of a copy.
    copy = "_doppelt" if outcome.result == "duplicate" else ""
    return f"{outcome.feed}_{stichtag}_{content[:8]}{copy}.md"


def write_receipts(outcomes: Mapping[Path, Outcome], region: Region) -> None:
    """Write receipts, each to its path; one that is there already is replaced."""
    for path, outcome in outcomes.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(receipt(outcome, region), encoding="utf-8")


def receipt(outcome: Outcome, region: Region) -> str:
    """Return the receipt of one delivery as Markdown in German."""
    lines = [
        "# Quittung",
        "",
        f"- Lieferung: {region.feed(outcome.feed).title}",
        f"- Lieferstelle: {_deliverer(outcome, region)}",
        f"- Datei: {outcome.file or '–'}",
        f"- Stichtag: {outcome.stichtag:%d.%m.%Y}" if outcome.stichtag else "- Stichtag: unbekannt",
    ]
    if outcome.received_at:
        received = outcome.received_at.astimezone(ZoneInfo("Europe/Berlin"))
        lines.append(f"- Eingegangen: {received:%d.%m.%Y, %H:%M} Uhr")
    if outcome.sha256:
        lines.append(f"- Prüfsumme (SHA-256): `{outcome.sha256}`")
    lines.append(f"- Ergebnis: **{RESULTS.get(outcome.result, outcome.result)}**")
    lines += [*_counts(outcome), *_why(outcome, region), *_remarks(outcome, region)]
    return "\n".join(lines) + "\n"


def _deliverer(outcome: Outcome, region: Region) -> str:
    if outcome.liefereinheit in region.liefereinheiten:
        return region.liefereinheiten[outcome.liefereinheit].name
    if outcome.liefereinheit == KREIS:
        return region.partners[outcome.partner].name
    return NOBODY


def _counts(outcome: Outcome) -> list[str]:
    if outcome.rows_read is None:
        return []
    return [
        "",
        "| Zeilen | Zahl |",
        "|---|---|",
        f"| geliefert | {outcome.rows_read} |",
        f"| in Ordnung | {outcome.rows_accepted} |",
        f"| fehlerhaft | {outcome.rows_quarantined} |",
    ]


def _why(outcome: Outcome, region: Region) -> list[str]:
    """What the ledger's reason says. What fits no pattern of landing is not repeated."""
    reason = outcome.reason
    if not reason or outcome.result in ("duplicate", "not_agreed", "purged"):
        return []
    headers = headers_in(region.feed(outcome.feed), outcome.layout)
    lines = []
    if sentence := _SENTENCE.search(reason):
        lines += [
            "",
            f"- Erwartet: {fault_in_german(sentence['expected'])}",
            f"- Gefunden: {fault_in_german(sentence['found'])}",
            f"- Zu tun: {remedy_in_german(sentence['remedy'])}",
        ]
    _, _, listed = reason.partition(" bad row(s): ")
    if counted := [*_COUNTED.finditer(listed)]:
        lines += ["", "| Grund | Zeilen | zuerst Zeile |", "|---|---|---|"]
        lines += [
            f"| {reason_in_german(row['reason'].strip(), headers)} | {row['count']} "
            f"| {row['first']} |"
            for row in counted
        ]
        lines += ["", counting_of(region.feed(outcome.feed), outcome.layout)]
    return lines or ["", "- Grund: " + fault_in_german(reason)]


def _remarks(outcome: Outcome, region: Region) -> list[str]:
    headers = headers_in(region.feed(outcome.feed), outcome.layout)
    lines = []
    for repair in filter(None, (outcome.repairs or "").split("; ")):
        if told := _REPAIRED.fullmatch(repair):
            what = repair_in_german(told["what"], headers)
            lines.append(f"- Beim Eingang berichtigt: {what} ({told['count']} Zeilen)")
    lines += [
        f"- Hinweis: {remark_in_german(remark)}"
        for remark in filter(None, (outcome.warnung or "").split("; "))
    ]
    return ["", *lines] if lines else []
