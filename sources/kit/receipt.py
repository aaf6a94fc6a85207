"""The receipt of a delivery: what came, what was taken, what was put aside and why.

For the office that delivered; counts and reasons, never a value of a row.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from sources.contract import KREIS
from sources.kit.words import reason_in_german
from sources.ledger import Outcome
from sources.region import Region

RESULTS = {
    "accepted": "angenommen",
    "rejected": "zurückgewiesen",
    "duplicate": "schon erhalten: derselbe Inhalt lag bereits vor",
    "unchanged": "unverändert: diese Lieferung lag bereits vor",
    "not_agreed": "nicht entgegengenommen: es besteht keine gültige Vereinbarung",
    "purged": "gelöscht: die Aufbewahrungsfrist ist abgelaufen",
}
_COUNTED = re.compile(
    r"(?P<reason>[^;]+?) \((?P<count>\d+) row\(s\), first in row (?P<first>\d+)\)"
)
_SENTENCE = re.compile(
    r"expected (?P<expected>.*?); found (?P<found>.*?)\. To do: (?P<remedy>.*)", re.DOTALL
)


def receipt(outcome: Outcome, region: Region) -> str:
    """Return the receipt of one delivery as Markdown in German."""
    unit = outcome.liefereinheit
    if unit != KREIS and unit in region.liefereinheiten:
        unit = region.liefereinheiten[unit].name
    elif unit == KREIS:
        unit = region.partners[outcome.partner].name
    lines = [
        "# Quittung",
        "",
        f"- Lieferung: {region.feed(outcome.feed).title}",
        f"- Lieferstelle: {unit}",
        f"- Datei: {outcome.file or '–'}",
        f"- Stichtag: {outcome.stichtag:%d.%m.%Y}" if outcome.stichtag else "- Stichtag: unbekannt",
        f"- Prüfsumme (SHA-256): {outcome.sha256 or '–'}",
        f"- Ergebnis: **{RESULTS.get(outcome.result, outcome.result)}**",
    ]
    if outcome.rows_read is not None:
        lines += [
            "",
            "| Zeilen | Zahl |",
            "|---|---|",
            f"| geliefert | {outcome.rows_read} |",
            f"| angenommen | {outcome.rows_accepted} |",
            f"| zurückgestellt | {outcome.rows_quarantined} |",
        ]
    lines += _why(outcome.reason)
    return "\n".join(lines) + "\n"


def _why(reason: str | None) -> list[str]:
    if not reason:
        return []
    counted = list(_COUNTED.finditer(reason.partition(": ")[2] if "bad row" in reason else reason))
    if counted:
        rows = [
            f"| {reason_in_german(match['reason'].strip())} | {match['count']} | {match['first']} |"
            for match in counted
        ]
        return ["", "| Grund | Zeilen | zuerst in Zeile |", "|---|---|---|", *rows]
    if sentence := _SENTENCE.search(reason):
        return [
            "",
            f"- Erwartet: {sentence['expected']}",
            f"- Gefunden: {sentence['found']}",
            f"- Zu tun: {sentence['remedy']}",
        ]
    return ["", f"- Hinweis: {reason}"]


def write_receipts(outcomes: Mapping[Path, Outcome], region: Region) -> None:
    """Write receipts, each to its path."""
    for path, outcome in outcomes.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(receipt(outcome, region), encoding="utf-8")
