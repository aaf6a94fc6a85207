"""Delivery instructions for one feed, as Markdown in German."""

from datetime import date

from sources.agreement import legal_bases
from sources.contract import KREIS, Column, Feed, date_format_of, header_of
from sources.kit.words import (
    STATES,
    STICHTAGE,
    example_date,
    example_name,
    type_in_german,
)
from sources.layouts import AnyLayout
from sources.region import Region
from sources.status import due_on

FORMS = {
    "delimited": "Textdatei mit Trennzeichen",
    "fixed_width": "Textdatei mit festen Spaltenpositionen",
    "workbook": "Arbeitsmappe (xlsx)",
    "genesis": "GENESIS-Tabelle (CSV)",
    "ffcsv": "GENESIS-Flatfile (ffcsv)",
    "features": "Geodatei (GeoPackage oder GeoJSON)",
}


def newest_layout(feed: Feed) -> AnyLayout:
    """Return the form in which the feed is delivered now: the one that holds longest."""
    return max(feed.layouts, key=lambda layout: layout.valid_to)


def instructions(feed: Feed, region: Region, liefereinheit: str, stichtag: date) -> str:
    """Return what a Liefereinheit needs to know to deliver a feed.

    Args:
        feed: the contract.
        region: gives names, agreements and the calendar.
        liefereinheit: who delivers.
        stichtag: the Stichtag that the examples are written for.
    """
    layout = newest_layout(feed)
    unit = region.name if liefereinheit == KREIS else region.liefereinheiten[liefereinheit].name
    parts = [
        f"# Lieferanleitung: {feed.title}",
        f"Für: {unit}. Empfänger: {region.name}, Sozialraum-Datenbestand.",
        _right(feed, region, liefereinheit, stichtag),
        _time(feed, region, stichtag),
        _file(feed, layout, stichtag, liefereinheit),
        _columns(feed, layout),
        _marks(feed),
        _sending(feed, stichtag, liefereinheit),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _right(feed: Feed, region: Region, liefereinheit: str, stichtag: date) -> str:
    agreement = region.agreement_for(feed, liefereinheit, stichtag)
    if agreement is None:
        return (
            "## Rechtsgrundlage\n\nFür diese Lieferung besteht zum genannten Stichtag keine "
            "gültige Vereinbarung. Bitte nichts liefern, bevor sie geschlossen ist."
        )
    basis = legal_bases()[agreement.rechtsgrundlage]
    rows = "Einzelangaben" if feed.ebene == "einzeldaten" else "Fallzahlen"
    kept = (
        f"Sie werden {agreement.aufbewahrung_monate} Monate nach Eingang gelöscht."
        if agreement.aufbewahrung_monate
        else "Sie bleiben im Bestand."
    )
    until = f" bis {agreement.gueltig_bis:%d.%m.%Y}" if agreement.gueltig_bis else ""
    return (
        "## Rechtsgrundlage und Zweck\n\n"
        f"- Rechtsgrundlage: {basis.gesetz}. {basis.text}\n"
        f"- Zweck: {agreement.zweck}\n"
        f"- Parteien: {', '.join(agreement.parteien)}\n"
        f"- Gilt für Stichtage ab {agreement.gueltig_ab:%d.%m.%Y}{until}.\n"
        f"- Geliefert werden {rows}. {kept}"
    )


def _time(feed: Feed, region: Region, stichtag: date) -> str:
    days = [day for day in region.expected.get(feed.feed, ()) if day >= stichtag] or [stichtag]
    dates = "\n".join(f"| {day:%d.%m.%Y} | {due_on(feed, day):%d.%m.%Y} |" for day in days)
    return (
        f"## Stichtage und Termine\n\nStichtag ist {STICHTAGE[feed.stichtag.rule]}.\n\n"
        f"| Stichtag | fällig bis |\n|---|---|\n{dates}"
    )


def _file(feed: Feed, layout: AnyLayout, stichtag: date, liefereinheit: str) -> str:
    facts = [f"- Form: {FORMS[layout.format]}"]
    if layout.format in ("delimited", "fixed_width"):
        facts.append(f"- Zeichensatz: {layout.encoding}")
    if layout.format == "delimited":
        facts.append(f"- Trennzeichen: `{layout.delimiter}`")
        facts.append(
            "- Die erste Zeile nennt die Spalten."
            if layout.header
            else "- Keine Kopfzeile; die Spalten stehen in der Reihenfolge unten."
        )
    if layout.format == "workbook":
        facts.append(f"- Die Tabelle beginnt mit der Zelle „{layout.anchor}“.")
        facts.append("- Nur Werte, keine Formeln, keine Verknüpfungen zu anderen Mappen.")
    name = example_name(feed, stichtag, liefereinheit)
    return "## Datei\n\n" + "\n".join([f"- Dateiname: `{name}`", *facts])


def _columns(feed: Feed, layout: AnyLayout) -> str:
    lines = [
        "## Spalten",
        "",
        "| Spalte | Bedeutung | Inhalt | Pflicht | erlaubt |",
        "|---|---|---|---|---|",
    ]
    for column in feed.columns:
        if column.name in layout.lacks or column.name in layout.constants:
            continue
        place = header_of(layout, column)
        if layout.format == "fixed_width":
            first, width = layout.fields[column.name]
            place = f"{place} (Stelle {first}, {width} Zeichen)"
        kind = type_in_german(column, layout.decimal)
        if column.type == "date":
            kind = f"Datum ({example_date(date_format_of(layout, column))})"
        required = "ja" if column.required else "nein"
        lines.append(
            f"| {place} | {column.description} | {kind} | {required} | {_allowed(column)} |"
        )
    return "\n".join(lines)


def _allowed(column: Column) -> str:
    parts = []
    if column.codes:
        parts.append(", ".join(f"`{code}`" for code in column.codes))
    if column.separator:
        parts.append(f"mehrere durch `{column.separator}` getrennt")
    if column.minimum is not None:
        parts.append(f"ab {column.minimum:g}")
    if column.maximum is not None:
        parts.append(f"bis {column.maximum:g}")
    if column.sensitivity == "identifier":
        parts.append("Pseudonym; wird beim Eingang erneut verschlüsselt")
    return "; ".join(parts).replace("|", "\\|")


def _marks(feed: Feed) -> str:
    known: dict[str, str] = {}
    for column in feed.columns:
        known |= {mark.mark: STATES[mark.state] for mark in column.marks if not mark.regex}
    if not known:
        return ""
    lines = [f"| `{mark}` | {meaning} |" for mark, meaning in known.items()]
    return "\n".join(
        ["## Zeichen statt eines Werts", "", "| Zeichen | bedeutet |", "|---|---|", *lines]
    )


def _sending(feed: Feed, stichtag: date, liefereinheit: str) -> str:
    name = example_name(feed, stichtag, liefereinheit)
    return (
        "## Vor dem Senden\n\n"
        f"1. Datei prüfen: `sozialraum pruefe {name}`. Die Prüfung läuft auf Ihrem Rechner und "
        "sendet nichts.\n"
        f"2. Datei in den Ordner `{feed.location}` des vereinbarten SFTP-Zugangs legen.\n"
        "3. Sie erhalten zu jeder Lieferung eine Quittung mit der Zahl der Zeilen und den Gründen, "
        "aus denen Zeilen zurückgestellt wurden."
    )
