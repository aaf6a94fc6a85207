"""Delivery instructions for one feed, as Markdown in German.

Everything in them follows from the contract, the agreement and the calendar; what is said nowhere
there is not said here either.
"""

from collections.abc import Iterator, Sequence
from datetime import date

from sources.agreement import legal_bases
from sources.contract import KREIS, Column, Feed, StichtagRule, date_format_of, header_of
from sources.formats.table import present
from sources.kit.examples import example_name, example_row, fitting_codes, sample
from sources.kit.template import measures
from sources.kit.words import (
    DELIMITERS,
    ENCODINGS,
    FORMS,
    LEVELS,
    MONTHS,
    PERIODS,
    STATES,
    TYPES,
)
from sources.layouts import (
    AnyLayout,
    DelimitedLayout,
    FeaturesLayout,
    FfcsvLayout,
    FixedWidthLayout,
    GenesisLayout,
    WorkbookLayout,
)
from sources.region import Region
from sources.status import due_on


def instructions(
    feed: Feed,
    region: Region,
    liefereinheit: str,
    stichtag: date,
    layouts: Sequence[AnyLayout] | None = None,
) -> str:
    """Return what a Liefereinheit needs to know to deliver a feed.

    Args:
        feed: the contract.
        region: gives names, agreements and the calendar.
        liefereinheit: who delivers.
        stichtag: the Stichtag that the examples are written for; a form must be agreed for it.
        layouts: the forms to tell of; all that are agreed for the Stichtag unless given.
    """
    forms = layouts or feed.layouts_at(stichtag)
    unit = region.partners[feed.partner] if liefereinheit == KREIS else None
    unit = unit or region.liefereinheiten[liefereinheit]
    parts = [
        f"# Lieferanleitung: {feed.title}",
        f"- Für: {unit.name}\n- Empfänger: {region.name}, Sozialraum-Datenbestand",
        _right(feed, region, liefereinheit, stichtag),
        _time(feed, region, stichtag),
    ]
    for number, layout in enumerate(forms, 1):
        heading = f"Form {number} von {len(forms)}: {layout.id}" if len(forms) > 1 else "Datei"
        row = example_row(feed, region, liefereinheit, stichtag, layout)
        parts += [
            _file(feed, region, liefereinheit, stichtag, layout, heading),
            _columns(_for(feed, region, liefereinheit), layout, row),
            _example(feed, layout, row),
        ]
    parts += [
        _rows(feed, region, liefereinheit),
        _marks(feed),
        _sending(feed, region, example_name(feed, region, liefereinheit, stichtag, forms[0])),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


# --- right and time -------------------------------------------------------------------------


def _right(feed: Feed, region: Region, liefereinheit: str, stichtag: date) -> str:
    agreement = region.agreement_for(feed, liefereinheit, stichtag)
    if agreement is None:
        return (
            "## Rechtsgrundlage und Zweck\n\nFür diese Lieferung besteht zum Stichtag "
            f"{stichtag:%d.%m.%Y} keine gültige Vereinbarung. Bitte nichts liefern, bevor sie "
            "geschlossen ist."
        )
    basis = legal_bases()[agreement.rechtsgrundlage]
    rows = "Einzelangaben" if feed.ebene == "einzeldaten" else "Angaben ohne Personenbezug"
    kept = "Sie bleiben im Bestand."
    if agreement.aufbewahrung_monate:
        kept = f"Sie werden {agreement.aufbewahrung_monate} Monate nach Eingang gelöscht."
    until = f" bis {agreement.gueltig_bis:%d.%m.%Y}" if agreement.gueltig_bis else ""
    lines = [
        f"- Rechtsgrundlage: {basis.gesetz}. {basis.text}",
        f"- Zweck: {agreement.zweck}",
        f"- Parteien: {', '.join(agreement.parteien)}",
        f"- Gilt für Stichtage ab {agreement.gueltig_ab:%d.%m.%Y}{until}.",
        f"- Geliefert werden {rows}. {kept}",
    ]
    if feed.identifiers:
        lines.append(
            "- Kennzeichen von Personen und Fällen werden beim Eingang durch neue Pseudonyme "
            "ersetzt und nicht gespeichert."
        )
    return "## Rechtsgrundlage und Zweck\n\n" + "\n".join(lines)


def _time(feed: Feed, region: Region, stichtag: date) -> str:
    days = [day for day in region.expected.get(feed.feed, ()) if day >= stichtag] or [stichtag]
    dates = "\n".join(f"| {day:%d.%m.%Y} | {due_on(feed, day):%d.%m.%Y} |" for day in days)
    facts = [
        f"Stichtag ist {_stichtag(feed.stichtag)}.",
        f"Die Angaben gelten {PERIODS[feed.zeitraum]}.",
    ]
    if feed.buchungsschluss_tage is not None:
        facts.append(
            f"Nachträgliche Buchungen zählen bis {feed.buchungsschluss_tage} Tage nach dem "
            "Stichtag."
        )
    if feed.rhythm.monate:
        facts.append(f"Geliefert wird alle {feed.rhythm.monate} Monate.")
    if feed.embargo_days:
        facts.append(f"Veröffentlicht wird frühestens {feed.embargo_days} Tage nach dem Stichtag.")
    return (
        f"## Stichtage und Termine\n\n{' '.join(facts)}\n\n"
        f"| Stichtag | fällig bis |\n|---|---|\n{dates}"
    )


def _stichtag(rule: StichtagRule) -> str:
    if rule.rule == "jahrestag":
        return f"der {rule.tag}. {MONTHS[rule.monat - 1]}"
    if rule.rule == "fest":
        return f"der {rule.fixed:%d.%m.%Y}"
    return {
        "tag": "der Tag, den die Datei nennt",
        "monatsende": "der letzte Tag des Monats, den die Datei nennt",
        "monatsanfang": "der erste Tag des Monats, den die Datei nennt",
        "jahresende": "der 31. Dezember des Jahres, das die Datei nennt",
        "vorjahresende": "der 31. Dezember vor dem Jahr, das die Datei nennt",
    }[rule.rule]


# --- the file -------------------------------------------------------------------------------


def _file(
    feed: Feed,
    region: Region,
    liefereinheit: str,
    stichtag: date,
    layout: AnyLayout,
    heading: str,
) -> str:
    name = example_name(feed, region, liefereinheit, stichtag, layout)
    facts = [f"Dateiname: `{name}`", f"Form: {FORMS[layout.format]}"]
    if feed.stichtag.aus == "name" and feed.stichtag.needs:
        facts.append("Der Stichtag steht im Dateinamen.")
    if feed.stichtag.aus == "inhalt":
        facts.append("Den Stichtag nennt die Datei selbst, über oder unter der Tabelle.")
    facts += _FACTS[layout.format](feed, layout)
    if isinstance(layout, DelimitedLayout | FixedWidthLayout | WorkbookLayout):
        facts += _writing(feed, layout)
    return f"## {heading}\n\n" + "\n".join(f"- {fact}" for fact in facts)


def _delimited(feed: Feed, layout: DelimitedLayout) -> Iterator[str]:
    sign = DELIMITERS.get(layout.delimiter, "")
    shown = f"{sign} `{layout.delimiter}`" if layout.delimiter.strip() else sign
    yield f"Zeichensatz: {ENCODINGS.get(layout.encoding, layout.encoding)}"
    yield f"Trennzeichen: {shown}"
    if layout.skip == 1:
        yield "Die erste Zeile ist frei für Angaben zur Datei."
    elif layout.skip:
        yield f"Die ersten {layout.skip} Zeilen sind frei für Angaben zur Datei."
    if not layout.header:
        yield "Ohne Kopfzeile; die Felder stehen in der Reihenfolge unten."
    elif layout.ignore_unknown:
        yield "Die Kopfzeile nennt die Spalten; weitere Spalten und eine andere Folge sind erlaubt."
    else:
        yield "Die Kopfzeile nennt genau die Spalten unten, in dieser Reihenfolge."
    if layout.quoted:
        yield "Spaltennamen und Texte stehen in Anführungszeichen."
    if layout.end and (line := sample(layout.end)):
        yield f"Anmerkungen dürfen unter der Tabelle stehen, nach einer Zeile `{line}`."


def _fixed_width(feed: Feed, layout: FixedWidthLayout) -> Iterator[str]:
    yield f"Zeichensatz: {ENCODINGS.get(layout.encoding, layout.encoding)}"
    yield f"Jede Datenzeile hat {layout.width} Stellen; Kürzeres wird mit Leerzeichen gefüllt."
    if layout.record:
        yield f"Jede Datenzeile beginnt an Stelle 1 mit `{layout.record}`."
    if layout.trailer and layout.trailer_count:
        first, width = layout.trailer_count
        yield (
            f"Die letzte Zeile beginnt mit `{layout.trailer}` und nennt ab Stelle {first} die Zahl "
            f"der Datenzeilen, {width} Stellen mit führenden Nullen."
        )


def _workbook(feed: Feed, layout: WorkbookLayout) -> Iterator[str]:
    yield f"Blatt: `{sample(layout.sheet) or layout.sheet}`"
    rows = "eine Zeile" if layout.head_rows == 1 else f"{layout.head_rows} Zeilen"
    yield (
        f"Der Tabellenkopf hat {rows} und beginnt links mit „{layout.anchor}“; darüber ist Platz "
        "für einen Titel."
    )
    if layout.head_rows > 1:
        yield "` / ` trennt unten die Zeilen des Kopfs; im Blatt stehen sie untereinander."
    if layout.title:
        told = {"jahr": "Jahr", "monat": "Monat", "tag": "Tag"}
        yield f"Der Titel nennt {' und '.join(told.get(name, name) for name in layout.title)}."
    for name in layout.fill_down:
        header = _header(feed, layout, name)
        yield f"In der Spalte „{header}“ dürfen Zellen nach unten verbunden sein."
    for name, colours in layout.colours.items():
        listed = ", ".join(f"{meaning}: `#{colour[-6:]}`" for colour, meaning in colours.items())
        header = _header(feed, layout, name)
        yield f"„{header}“ sagt die Farbe der ersten Zelle einer Zeile: {listed}."
    if layout.end:
        yield f"Die Tabelle endet am Blattende oder vor einer Zeile „{layout.end[0]} …“."
    if not layout.ignore_unknown and not layout.unpivot:
        yield "Andere Spalten als die unten genannten stehen nicht in der Tabelle."
    yield "Nur Werte: keine Formeln, keine Makros, keine Verknüpfungen, kein Kennwort."


def _genesis(feed: Feed, layout: GenesisLayout) -> Iterator[str]:
    yield f"Tabelle `{layout.table}`, unverändert, wie die Landesdatenbank sie als CSV ausgibt."


def _ffcsv(feed: Feed, layout: FfcsvLayout) -> Iterator[str]:
    listed = ", ".join(f"`{code}`" for code in layout.variables)
    yield "Unverändert, wie die Landesdatenbank sie als Flatfile (ffcsv) ausgibt."
    yield f"Merkmale: {listed}"


def _features(feed: Feed, layout: FeaturesLayout) -> Iterator[str]:
    yield f"Koordinaten in EPSG:{layout.srs}"
    if layout.layer:
        yield f"Ebene der Geodatei: `{layout.layer}`"


_FACTS = {
    "delimited": _delimited,
    "fixed_width": _fixed_width,
    "workbook": _workbook,
    "genesis": _genesis,
    "ffcsv": _ffcsv,
    "features": _features,
}


def _writing(feed: Feed, layout: AnyLayout) -> Iterator[str]:
    """How values are written, as far as the feed has such values."""
    columns = present(feed, layout)
    if not isinstance(layout, WorkbookLayout) and any(c.type == "decimal" for c in columns):
        yield f"Dezimalzeichen: `{layout.decimal}`"
    if layout.thousands:
        yield f"Tausender dürfen durch `{layout.thousands}` getrennt sein."
    if layout.pad:
        listed = ", ".join(_header(feed, layout, name) for name in layout.pad)
        yield f"Führende Nullen bleiben stehen; im Tabellenprogramm als Text formatieren: {listed}."
    for name, offset in layout.offsets.items():
        header = _header(feed, layout, name)
        yield f"{header}: mit oder ohne die Zonenkennziffer davor ({offset:.0f})."


# --- columns and rows -----------------------------------------------------------------------


def _columns(feed: Feed, layout: AnyLayout, row: dict[str, str]) -> str:
    columns = {column.name: column for column in present(feed, layout)}
    if isinstance(layout, FixedWidthLayout):
        placed = sorted(layout.fields.items(), key=lambda field: field[1])
        lines = [
            f"| {first}–{first + width - 1} | {_line(layout, columns[name], row, width)}"
            for name, (first, width) in placed
        ]
        return _table("Stelle", lines)
    if isinstance(layout, DelimitedLayout) and not layout.header:
        lines = [
            f"| {number} | "
            + (_line(layout, columns[name], row) if name else "– | wird überlesen | | | |")
            for number, name in enumerate(layout.columns, 1)
        ]
        return _table("Feld", lines)
    if isinstance(layout, WorkbookLayout):
        for name in (*layout.title, *layout.colours, *(layout.unpivot or ())):
            columns.pop(name, None)
    lines = [f"| {_line(layout, column, row)}" for column in columns.values()]
    if isinstance(layout, WorkbookLayout):
        lines += [
            f"| {_line(layout, column.model_copy(update={'header': head}), row)}"
            for head, column in measures(feed, layout)
        ]
    return _table(None, lines)


def _for(feed: Feed, region: Region, liefereinheit: str) -> Feed:
    """The contract with those codes of municipalities only that the Liefereinheit delivers for."""
    served = region.kommunen_of(liefereinheit) or [k.kommune_id for k in region.kommunen]
    columns = []
    for column in feed.columns:
        if column.name == feed.spatial.kommune and column.codes:
            codes = {code: key for code, key in column.codes.items() if key in served}
            columns.append(column.model_copy(update={"codes": codes}))
        else:
            columns.append(column)
    return feed.model_copy(update={"columns": tuple(columns)})


def _table(place: str | None, lines: Sequence[str]) -> str:
    head, rule = "| Spalte | Bedeutung | Inhalt | Pflicht | erlaubt |", "|---|---|---|---|---|"
    if place:
        head, rule = f"| {place} {head}", f"|---{rule}"
    return "\n".join(["### Spalten", "", head, rule, *lines])


def _line(layout: AnyLayout, column: Column, row: dict[str, str], width: int | None = None) -> str:
    cells = [
        header_of(layout, column),
        column.description,
        _kind(layout, column),
        "ja" if column.required else "nein",
        _allowed(column, row, width),
    ]
    return " | ".join(_cell(text) for text in cells) + " |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "\\<").replace("\n", " ")


def _kind(layout: AnyLayout, column: Column) -> str:
    if column.type == "date" and not isinstance(layout, WorkbookLayout):
        return f"Datum, z. B. {date(2025, 12, 31).strftime(date_format_of(layout, column))}"
    return TYPES[column.type]


def _allowed(column: Column, row: dict[str, str], width: int | None) -> str:
    parts = []
    if codes := fitting_codes(column, width):
        parts.append(", ".join(_code(code, meaning) for code, meaning in codes.items()))
    elif column.pattern and not column.pattern.startswith("[^"):
        parts.append(f"Schreibweise wie `{row[column.name]}`")
    if column.separator:
        parts.append(f"mehrere durch `{column.separator}` getrennt")
    if column.minimum is not None:
        parts.append(f"mindestens {column.minimum:g}")
    if column.maximum is not None:
        parts.append(f"höchstens {column.maximum:g}")
    if column.sensitivity == "identifier":
        parts.append("wird beim Eingang ersetzt")
    if column.sensitivity == "nicht_landen":
        parts.append("wird überlesen und nicht gespeichert")
    return "; ".join(parts)


def _code(code: str, meaning: str) -> str:
    """A code with its meaning, where that is a word and says more than the code."""
    says_more = meaning.isalpha() and meaning.casefold() not in code.casefold()
    return f"`{code}` ({meaning})" if says_more else f"`{code}`"


def _header(feed: Feed, layout: AnyLayout, name: str) -> str:
    return header_of(layout, next(column for column in feed.columns if column.name == name))


def _example(feed: Feed, layout: AnyLayout, row: dict[str, str]) -> str:
    """A made-up line of a text file."""
    if not isinstance(layout, DelimitedLayout | FixedWidthLayout):
        return ""
    return f"### Beispiel (erfunden)\n\n```text\n{line_of(feed, layout, row)}\n```"


def line_of(feed: Feed, layout: DelimitedLayout | FixedWidthLayout, row: dict[str, str]) -> str:
    """Return a row as the line of a text file."""
    if isinstance(layout, FixedWidthLayout):
        line = list(layout.record.ljust(layout.width))
        for name, (first, width) in layout.fields.items():
            line[first - 1 : first - 1 + width] = row[name].ljust(width)
        return "".join(line)
    names = layout.columns or [column.name for column in present(feed, layout)]
    texts = {column.name for column in feed.columns if column.type == "text"}
    cells = [row.get(name, "") for name in names]
    if layout.quoted:
        cells = [
            f'"{cell}"' if name in texts else cell for name, cell in zip(names, cells, strict=True)
        ]
    return layout.delimiter.join(
        f'"{cell}"' if layout.delimiter in cell else cell for cell in cells
    )


def _rows(feed: Feed, region: Region, liefereinheit: str) -> str:
    headers = {column.name: column.header for column in feed.columns}
    facts = []
    if feed.key:
        facts.append(f"Jede Zeile ist eindeutig durch: {', '.join(headers[n] for n in feed.key)}")
    facts += _place(feed, region, liefereinheit, headers)
    share = f"{100 * feed.rows.quarantine_tolerance:g} %".replace(".", ",")
    if feed.rows.quarantine_tolerance:
        facts.append(
            f"Fehlerhafte Zeilen werden zurückgestellt; sind es mehr als {share}, geht die ganze "
            "Lieferung zurück."
        )
    else:
        facts.append("Schon eine fehlerhafte Zeile führt dazu, dass die Lieferung zurückgeht.")
    return "## Zeilen\n\n" + "\n".join(f"- {fact}" for fact in facts)


def _place(
    feed: Feed, region: Region, liefereinheit: str, headers: dict[str, str]
) -> Iterator[str]:
    spatial = feed.spatial
    if spatial.kind == "schluessel":
        level = LEVELS.get(spatial.ebene) or next(
            (lv.name for lv in region.levels if lv.ebene == spatial.ebene), "Raum"
        )
        yield f"„{headers[spatial.column]}“ ist der Schlüssel einer Einheit der Ebene {level}."
        if spatial.ohne:
            listed = ", ".join(f"„{word}“" for word in spatial.ohne)
            yield f"Was keinem Raum zuzuordnen ist, steht unter {listed}."
        elif region.kommunen and spatial.ebene == "sozialraum":
            yield "Was keinem Raum zuzuordnen ist, steht unter dem Gemeindeschlüssel mit `-ohne`."
        if spatial.gesamt:
            listed = ", ".join(f"„{word}“" for word in spatial.gesamt)
            yield f"Die Summe der Gemeinde steht unter {listed}."
    if spatial.grenzen:
        yield f"Koordinaten in EPSG:{spatial.srs}; sie liegen innerhalb der Kreisgrenzen."
    served = region.kommunen_of(liefereinheit)
    if served and (spatial.kommune or spatial.kind == "schluessel"):
        names = {kommune.kommune_id: kommune.name for kommune in region.kommunen}
        listed = ", ".join(f"{names.get(key, '')} ({key})".strip() for key in served)
        yield f"Nur Zeilen aus: {listed}."


def _marks(feed: Feed) -> str:
    known: dict[str, list[str]] = {}
    for column in feed.columns:
        for mark in column.marks:
            sign = sample(mark.mark) if mark.regex else mark.mark
            shown = f"`{sign}`" if (sign or "").strip() else "leeres Feld"
            entry = f"{shown} | {STATES[mark.state]}"
            known.setdefault(entry, []).append(column.header)
    if not known:
        return ""
    lines = [f"| {_cell(', '.join(columns))} | {entry} |" for entry, columns in known.items()]
    head = ["| Spalte | Zeichen | bedeutet |", "|---|---|---|"]
    return "\n".join(["## Zeichen statt eines Werts", "", *head, *lines])


def _sending(feed: Feed, region: Region, name: str) -> str:
    if feed.feed in region.quellen:
        return (
            "## Senden\n\nSie brauchen nichts zu senden: die Daten werden zum Stichtag bei Ihnen "
            "abgeholt. Zu jeder Lieferung erhalten Sie eine Quittung."
        )
    each = "; jeder Stichtag hat dort seinen eigenen Unterordner" if "/" in feed.files else ""
    return (
        "## Senden\n\n"
        f"1. Datei prüfen: `sozialraum pruefe --region {region.region} {name}`. Die Prüfung läuft "
        "auf Ihrem Rechner und sendet nichts.\n"
        f"2. Datei in den Ordner `{feed.location}` des vereinbarten Zugangs legen{each}.\n"
        "3. Sie erhalten zu jeder Lieferung eine Quittung: wie viele Zeilen angekommen sind, wie "
        "viele angenommen wurden, und warum andere nicht.\n"
        "4. Eine Korrektur ist eine neue Datei zum selben Stichtag; die frühere bleibt erhalten."
    )
