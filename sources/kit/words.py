"""Words of contracts and of landing in an office's German.

Landing speaks English in fixed phrases (`errors.py`, `judge.py`, the readers). Each is told here in
German; a phrase that is not known yet is told as a general sentence with the technical text in
brackets. Only words belong here: what was found wrong, and with which file, is decided elsewhere.
"""

import re
from collections.abc import Mapping, Sequence

Phrases = Sequence[tuple[str, str]]
"""Pairs of a regular expression that an English phrase fits as a whole, and its German."""

TYPES = {
    "text": "Text",
    "integer": "ganze Zahl",
    "decimal": "Zahl",
    "date": "Datum",
    "geometry": "Fläche",
}
STATES = {
    "zero": "genau null",
    "rounded_zero": "weniger als die Hälfte der Einheit, gilt als null",
    "suppressed": "geheim gehalten",
    "suppressed_or_unknown": "unbekannt oder geheim gehalten",
    "pending": "liegt noch nicht vor",
    "unreliable": "zu unsicher",
    "not_applicable": "trifft nicht zu",
    "flagged": "der Wert gilt mit Einschränkung",
}
PERIODS = {
    "stichtag": "für den Stichtag",
    "monat": "für den Monat des Stichtags",
    "jahr": "für das Kalenderjahr des Stichtags",
    "schuljahr": "für das Schuljahr, in dem der Stichtag liegt",
}
FORMS = {
    "delimited": "Textdatei mit Trennzeichen (CSV)",
    "fixed_width": "Textdatei mit festen Satzstellen",
    "workbook": "Arbeitsmappe (xlsx)",
    "genesis": "Tabelle der Landesdatenbank als CSV",
    "ffcsv": "Tabelle der Landesdatenbank als Flatfile (ffcsv)",
    "features": "Geodatei (GeoPackage oder GeoJSON)",
}
ENCODINGS = {
    "utf-8": "UTF-8",
    "utf-8-sig": "UTF-8 (mit oder ohne Byte-Order-Mark)",
    "iso-8859-1": "ISO-8859-1 (Latin-1)",
    "iso-8859-15": "ISO-8859-15 (Latin-9)",
    "cp1252": "Windows-1252",
    "cp850": "Codepage 850 (MS-DOS)",
}
DELIMITERS = {";": "Semikolon", ",": "Komma", "\t": "Tabulator", "|": "senkrechter Strich"}
LEVELS = {
    "sozialraum": "Sozialraum",
    "kommune": "Gemeinde",
    "kreis": "Kreis",
}
MONTHS = (
    "Januar",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
)

# What landing finds wrong with rows; a column's name stands before it.
REASONS: Phrases = (
    (r"stands twice, identical", "Zeile steht doppelt, mit gleichem Inhalt"),
    (r"stands twice", "steht mehrfach, mit verschiedenem Inhalt"),
    (r"not in the code list", "keiner der vereinbarten Schlüssel"),
    (r"not a value of type text", "kein gültiger Text"),
    (r"not a value of type integer", "keine ganze Zahl"),
    (r"not a value of type decimal", "keine Zahl in der vereinbarten Schreibweise"),
    (r"not a value of type date", "kein Datum in der vereinbarten Schreibweise"),
    (r"not a value of type geometry", "keine Fläche"),
    (
        r"not an area, and no Kommune is known that it could be counted for",
        "kein Raum, und die Gemeinde ist nicht bekannt",
    ),
    (r"missing", "Pflichtangabe fehlt"),
    (r"does not fit the agreed pattern", "nicht in der vereinbarten Schreibweise"),
    (r"below the agreed limit of (.+)", r"kleiner als vereinbart (mindestens \1)"),
    (r"above the agreed limit of (.+)", r"größer als vereinbart (höchstens \1)"),
    (r"a mark that \w+ has no row to decide", "ein Zeichen, dessen Bedeutung offen ist"),
    (r"not the Stichtag that the file name says", "ein anderer Stichtag als im Dateinamen"),
    (r"no such area at level \w+", "diesen Raum gibt es nicht"),
    (r"a shape without an area", "Fläche ohne Inhalt"),
    (r"coordinates outside the county's bounds", "Koordinaten liegen außerhalb des Kreises"),
    (r"a Kommune that \w+ does not serve", "Gemeinde, für die Sie nicht liefern"),
    (
        r"not the agreed number of fields",
        "nicht die vereinbarte Zahl der Felder oder Länge der Zeile",
    ),
)
REPAIRS: Phrases = (
    (r"leading zeros of (\w+)", r"führende Nullen ergänzt: \1"),
    (r"offset of (\w+)", r"Zonenkennziffer abgezogen: \1"),
    (r"zero_after_value: (\w+)", r"null nach einem Wert zählt als nicht geliefert: \1"),
)
DANGERS: Phrases = (
    (r"is a damaged archive.*", "ist beschädigt; bitte neu speichern"),
    (
        r"unpacks to (\d+) MB from (\d+) MB;.*",
        r"wächst beim Entpacken von \2 auf \1 MB; bitte nur die Tabelle senden",
    ),
    (
        r"is an archive of (\d+) files;.*",
        r"ist ein Archiv mit \1 Dateien; bitte nur die Tabelle senden",
    ),
    (
        r"holds names that lead out of its folder.*",
        "enthält Dateinamen, die aus dem Archiv hinausführen",
    ),
    (r"is encrypted;.*", "ist verschlüsselt; bitte ohne Kennwort senden"),
    (
        r"holds links to other workbooks;.*",
        "enthält Verknüpfungen zu anderen Mappen; bitte lösen und nur die Werte behalten",
    ),
    (r"holds macros;.*", "enthält Makros; bitte als xlsx ohne Makros speichern"),
    (r"holds data connections;.*", "enthält Datenverbindungen; bitte entfernen"),
    (r"contains formulas;.*", "enthält Formeln; bitte als Werte einfügen"),
    (r"defines entities in its XML;.*", "ist kein üblich gespeichertes xlsx; bitte neu speichern"),
)
# What a delivery as a whole should be and is. Column names and numbers of the text stay.
FAULTS: Phrases = (
    (r"a file with a header and rows", "eine Datei mit Kopfzeile und Datenzeilen"),
    (r"an empty file", "eine leere Datei"),
    (r"a file name like .* that names one of .*", "ein Dateiname, der die Lieferstelle nennt"),
    (r"a file name like .*", "ein Dateiname in der vereinbarten Form"),
    (
        r"another name, so that the Stichtag is unknown",
        "ein Name, der keinen Stichtag erkennen lässt",
    ),
    (r"a name that says nothing of who delivers it", "ein Name, der die Lieferstelle nicht nennt"),
    (
        r"a Stichtag \(.*\) above or below the table",
        "der Stichtag über oder unter der Tabelle",
    ),
    (r"none, or a day that there is not", "keiner, oder ein Tag, den es nicht gibt"),
    (r"a Stichtag from (\S+) to (\S+)", r"ein Stichtag von \1 bis \2"),
    (
        r"Stichtag (\S+), for which the contract has no layout.*",
        r"Stichtag \1, für den keine Form vereinbart ist",
    ),
    (
        r"accepted rows of feed \w+, against which it is checked",
        "die Lieferung, mit der diese verglichen wird",
    ),
    (r"none", "nichts"),
    (
        r"characters that text gets when it is read or saved in another encoding",
        "Zeichen, die entstehen, wenn Text im falschen Zeichensatz gespeichert wird",
    ),
    (r"bytes that are no such text", "eine Datei in einem anderen Zeichensatz"),
    (
        r"the header of one of the layouts (.*?), or lines of (.+) fields \(layouts .*\)",
        r"die vereinbarte Kopfzeile (Form \1) oder Zeilen mit \2 Feldern",
    ),
    (r"the header of one of the layouts (.*)", r"die vereinbarte Kopfzeile (Form \1)"),
    (
        r"lines of (.+) fields \(layouts .*\)",
        r"Zeilen mit \1 Feldern, ohne Kopfzeile",
    ),
    (r"lines of (\d+) fields", r"Zeilen mit \1 Feldern"),
    (
        r"missing \[\], unknown (\d+) column\(s\) (.*)",
        r"\1 nicht vereinbarte Spalte(n): \2",
    ),
    (
        r"missing (\[.*?\]), unknown 0 column\(s\) \[\]",
        r"es fehlen die Spalten \1",
    ),
    (
        r"missing (\[.*?\]), unknown (\d+) column\(s\) (.*)",
        r"es fehlen die Spalten \1; nicht vereinbart sind \2 Spalte(n): \3",
    ),
    (
        r"none of the columns (\[.*?\]): no header line, or another delimiter",
        r"keine der Spalten \1: Kopfzeile fehlt, oder ein anderes Trennzeichen",
    ),
    (r"a column that stands there twice", "eine Spalte, die doppelt vorkommt"),
    (
        r"the same columns in another order, quoted otherwise or with other line ends",
        "die richtigen Spalten in anderer Reihenfolge oder mit anderen Anführungszeichen",
    ),
    (
        r"lines of the agreed width and beginning .*",
        "Zeilen in der vereinbarten Länge und mit der vereinbarten Satzart",
    ),
    (r"no such line among the first ones", "keine solche Zeile am Anfang der Datei"),
    (
        r"a last line that begins with (\S+) and counts the lines",
        r"eine letzte Zeile, die mit \1 beginnt und die Datenzeilen zählt",
    ),
    (r"(\d+) lines without one: truncated", r"\1 Zeilen ohne eine solche: abgeschnitten"),
    (
        r"a number of lines of data, as its trailer says",
        "eine Zahl der Datenzeilen in der letzten Zeile",
    ),
    (
        r"(\d+) lines of data, as its trailer says",
        r"\1 Datenzeilen, wie die letzte Zeile sagt",
    ),
    (r"(\d+): truncated", r"\1: abgeschnitten"),
    (r"one row in each line", "eine Zeile für jeden Datensatz"),
    (
        r"quotation marks that run on over the end of a line",
        "Anführungszeichen, die über das Zeilenende hinausreichen",
    ),
    (
        r"a workbook \(.*\) without a password",
        "eine Arbeitsmappe (xlsx, xls, xlsb oder ods) ohne Kennwort",
    ),
    (r"a file that cannot be opened \(\w+\).*", "eine Datei, die sich nicht öffnen lässt"),
    (r"a sheet named (.+)", r"ein Blatt mit dem Namen \1"),
    (r"the sheets (\[.*?\])", r"die Blätter \1"),
    (r"a cell (.+) above the first column", r"eine Zelle \1 über der ersten Spalte"),
    (r"none in the sheet (.+)", r"keine solche Zelle im Blatt \1"),
    (
        r"the columns and the title of layout (\S+)",
        r"Spalten und Titel der vereinbarten Form \1",
    ),
    (
        r"missing (\[.*?\]), unknown (\[.*?\]), twice (\[.*?\]), title without (\[.*?\])",
        r"es fehlen die Spalten \1; nicht vereinbart \2; doppelt \3; im Titel fehlt \4",
    ),
    (r"values", "Werte"),
    (
        r"(\d+) formula\(s\) that were never computed, in the sheet (.+)",
        r"\1 nie berechnete Formel(n) im Blatt \2",
    ),
    (
        r"a workbook of kind xlsx, whose colours can be read",
        "eine Arbeitsmappe als xlsx, deren Farben lesbar sind",
    ),
    (r"another kind \(\w+\)", "eine andere Art von Datei"),
    (
        r"a GENESIS table: .*",
        "eine Tabelle der Landesdatenbank mit Titel und Schlusslinie",
    ),
    (r"another first line", "eine andere erste Zeile"),
    (r"no such line: truncated", "keine Schlusslinie: abgeschnitten"),
    (r"a head of columns above the data", "ein Tabellenkopf über den Daten"),
    (r"one point in time in the table", "ein einziger Zeitpunkt in der Tabelle"),
    (r"several, and no column of the contract that keeps them", "mehrere Zeitpunkte"),
    (r"table (\S+) with .*", r"Tabelle \1 in anderer Gliederung"),
    (r"table (.+)", r"Tabelle \1"),
    (
        r"a (?:header that begins with|flat file with) .*",
        "eine Tabelle als Flatfile (ffcsv) mit ihrer Kopfzeile",
    ),
    (r"no column (.+)", r"ohne die Spalte(n) \1"),
    (r"the variables of one of the layouts .*", "die vereinbarten Merkmale der Tabelle"),
    (r"none of the variables (\[.*?\])", r"keines der Merkmale \1"),
    (r"a complete file of features", "eine vollständige Geodatei"),
    (r"coordinates in (EPSG:\d+)", r"Koordinaten in \1"),
    (r"(EPSG:\S+)", r"\1"),
    (
        r"coordinates that this reference system does not have",
        "Koordinaten, die es in diesem Bezugssystem nicht gibt",
    ),
    (r"the layers (.+)", r"die Ebenen \1"),
    (r"(?:the|a) layer.*", "die vereinbarte Ebene der Geodatei"),
    (r"the properties of layout \S+", "die vereinbarten Sachangaben"),
    (r"no property (.+)", r"ohne die Angabe(n) \1"),
    (r"a file that can be opened without danger", "eine Datei, die gefahrlos zu öffnen ist"),
    (r"a file that can be read as agreed", "eine Datei, die wie vereinbart lesbar ist"),
    (r"one that cannot be \(\w+\)", "eine Datei, die sich nicht lesen lässt"),
    (
        r"a delivery whose retention has not ended",
        "eine Lieferung, deren Aufbewahrungsfrist läuft",
    ),
    (
        r"one that was taken before and purged when its retention ended",
        "eine frühere Lieferung, die nach Ablauf ihrer Frist gelöscht wurde",
    ),
    (r"content of its own", "ein eigener Inhalt"),
    (
        r"the same content as (\S+)(?: of \S+)? of Stichtag (\S+)",
        r"derselbe Inhalt wie \1 zum Stichtag \2",
    ),
    (r"rows below the header", "Datenzeilen unter der Kopfzeile"),
    (r"no rows", "keine Datenzeile"),
    (
        r"at most (\d+)\.(\d+)% bad rows of (\d+)",
        r"höchstens \1,\2 % fehlerhafte Zeilen von \3",
    ),
    (r"(\d+) bad row\(s\): .*", r"\1 fehlerhafte Zeile(n)"),
)
REMEDIES: Phrases = (
    (r"rename the file as agreed.*", "Bitte die Datei wie vereinbart benennen."),
    (
        r"(?:if the (?:partner|office) changed its (?:form|table)|agree on the new form).*",
        "Bitte in der vereinbarten Form liefern; hat sich Ihr Programm geändert, sagen Sie uns "
        "bitte Bescheid.",
    ),
    (
        r"ask \w+ to export it in the agreed encoding",
        "Bitte im vereinbarten Zeichensatz ausgeben.",
    ),
    (
        r"ask \w+ for the table with its title.*",
        "Bitte die Tabelle mit ihrem Titel liefern, der den Stichtag nennt.",
    ),
    (r"ask \w+ to send (?:it again|the whole file).*", "Bitte die ganze Datei noch einmal senden."),
    (
        r"see why \w+ has not landed; this file is tried again then",
        "Nichts: wir prüfen die Datei von selbst noch einmal, sobald die andere Lieferung da ist.",
    ),
    (
        r"ask \w+ for an export in which every quotation mark is closed",
        "Bitte so ausgeben, dass jedes Anführungszeichen geschlossen ist.",
    ),
    (
        r"ask \w+ to save it again and to send it without a password",
        "Bitte ohne Kennwort neu speichern und senden.",
    ),
    (
        r"ask \w+ to open it in its office program, save and send it again",
        "Bitte im Büroprogramm öffnen, speichern und noch einmal senden.",
    ),
    (r"ask \w+ to save it as xlsx", "Bitte als xlsx speichern."),
    (r"ask \w+ for a plain table", "Bitte nur die Tabelle mit Werten senden."),
    (r"ask \w+ for the right table", "Bitte die richtige Tabelle senden."),
    (
        r"ask \w+ for a corrected table; the rows lie in quarantine",
        "Bitte eine berichtigte Tabelle senden.",
    ),
    (r"download the table again, as (.*)", r"Bitte die Tabelle noch einmal abrufen, als \1."),
    (r"download the agreed table.*", "Bitte die vereinbarte Tabelle abrufen."),
    (r"download one file for each year", "Bitte für jedes Jahr eine eigene Datei abrufen."),
    (
        r"ask .* in which reference system it exports|"
        r"ask the partner, or add a layout with this reference system",
        "Bitte im vereinbarten Bezugssystem ausgeben.",
    ),
    (r"delete the file; its counts are kept in the archive", "Nichts: die Fallzahlen bleiben."),
)
REMARKS: Phrases = (
    (
        r"the clock of its sender is ahead of ours",
        "die Uhr des sendenden Rechners geht vor",
    ),
    (
        r"(\d+) rows, last time (\d+): a change of more than (.+)%",
        r"\1 Zeilen, beim letzten Mal \2: eine Änderung um mehr als \3 %",
    ),
)

DOUBT = {
    "fault": "die Datei ist nicht wie vereinbart",
    "remedy": "Bitte melden Sie sich bei uns, wir klären es gemeinsam.",
    "reason": "nicht wie vereinbart",
    "repair": "berichtigt wie erklärt",
    "remark": "Hinweis",
}
"""What is said where no German is known for a phrase."""


def fault_in_german(text: str) -> str:
    """Return what was expected or found of a delivery in German."""
    if text.startswith("text in "):
        encodings = text.removeprefix("text in ").split(" or ")
        names = (ENCODINGS.get(encoding, encoding) for encoding in encodings)
        return f"Text im Zeichensatz {' oder '.join(names)}"
    dangers = [_told(part, DANGERS) for part in text.removeprefix("one that ").split("; that ")]
    if all(dangers):
        return f"eine Datei; sie {'; sie '.join(dangers)}"
    plain = re.sub(r" \(against [^)]*\)", "", text)
    parts = [_told(part, FAULTS) for part in plain.split("; ")]
    if all(parts):
        return "; ".join(parts)
    return _told(plain, FAULTS) or _doubtful("fault", text)


def remedy_in_german(text: str) -> str:
    """Return what the partner should do."""
    return _told(text, REMEDIES) or _doubtful("remedy", text)


def reason_in_german(reason: str, headers: Mapping[str, str]) -> str:
    """Return why a row was put aside; `headers` are the partner's names of the columns."""
    named, _, fault = reason.rpartition(": ")
    told = _told(fault, REASONS)
    if told is None:
        return _doubtful("reason", reason)
    if named in ("", "row"):
        return told
    if key := re.fullmatch(r"key \((.*)\)", named):
        named = key[1]
    columns = ", ".join(headers.get(name, name) for name in named.split(", "))
    return f"{columns}: {told}"


def repair_in_german(repair: str, headers: Mapping[str, str]) -> str:
    """Return what was mended on arrival; a declared repair is called by its own name."""
    told = _told(repair, REPAIRS)
    if told is None:
        return _doubtful("repair", repair)
    what, _, name = told.partition(": ")
    return f"{what}: {headers.get(name, name)}"


def remark_in_german(remark: str) -> str:
    """Return what was noticed and did not stop a delivery."""
    return _told(remark, REMARKS) or _doubtful("remark", remark)


def _told(text: str, phrases: Phrases) -> str | None:
    """Return the German of a phrase, the groups of its pattern put in; None if it is unknown."""
    for pattern, german in phrases:
        if match := re.fullmatch(pattern, text.strip(), re.DOTALL):
            return _in_words(match.expand(german))
    return None


def _in_words(text: str) -> str:
    """Write lists and days that a phrase brought along as an office does."""
    text = re.sub(r"\b(\d{4})-(\d\d)-(\d\d)\b", r"\3.\2.\1", text.replace(" or ", " oder "))
    return re.sub(
        r"\[(.*?)\]", lambda found: re.sub(r"'([^']*)'", r"„\1“", found[1]) or "nichts", text
    )


def _doubtful(kind: str, text: str) -> str:
    return f"{DOUBT[kind]} [{text}]"
