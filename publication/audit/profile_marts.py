"""What the marts say, as the audit of the profiles looks it up: cells, names, texts, days.

Read anew from the finished `marts.duckdb`. Not here: what a page says.
"""

from datetime import date, datetime
from functools import cached_property
from typing import TYPE_CHECKING
from uuid import UUID, uuid5

from publication.handbuch import MEANING
from publication.legends import Legend, legends
from publication.material import Finished
from publication.numbers import day, number, signed
from publication.profiles import words
from publication.profiles.marks import COLUMNS, KEYS, OWN, SEPARATOR, SIGNED, Mark, digits
from publication.tables import quoted

if TYPE_CHECKING:
    import duckdb

# Columns whose texts stand verbatim in profiles
NAMES = {
    "dim_raum": ("raum_id", "raum_name"),
    "dim_indikator": ("indikator_id", "name", "einheit"),
    "dim_indexklasse": ("name",),
    "mart_abgleich": ("name",),
}
TEXTS = {
    "dim_indikator": (
        *("definition", "zaehler_definition", "nenner_definition", "quelle", "stichtag_regel"),
        *("fruehere_versionen", "beschlossen_von"),
    ),
    "mart_hinweis": ("text",),
    "mart_kumulation": ("begruendung",),
    "mart_reihe": ("bruch_text",),
    "mart_abgleich": ("erklaerung", "quelle_fremd"),
    "dim_stellungnahme": ("von", "text"),
}
DAYS = {
    "mart_indikator": ("stichtag",),
    "mart_reihe": ("stichtag",),
    "mart_index": ("stichtag",),
    "mart_bevoelkerung": ("stichtag",),
    "mart_kumulation": ("stichtag", "seit"),
    "mart_abgleich": ("stichtag",),
    "dim_indikator": ("beschlossen_am",),
    "dim_stellungnahme": ("am",),
}


class Marts:
    """Cells by table and key, and what texts with digits may say, by kind."""

    def __init__(self, con: "duckdb.DuckDBPyConnection", finished: Finished) -> None:
        """Read everything that profiles can hold."""
        self._finished = finished
        self._cells = {table: _cells(con, table) for table in KEYS}
        self._names = _texts(con, NAMES)
        self._verbatim = _texts(con, TEXTS)
        self._days = _values(con, DAYS)
        self._bands = _values(con, {"mart_bevoelkerung": ("altersgruppe",)})
        self._sets = _values(con, {"mart_kumulation": ("schwellen_id",)})
        self._indicators = {
            key: (name, art, unit)
            for key, name, art, unit in con.execute(
                """
                SELECT indikator_id, name, art, einheit FROM dim_indikator
                QUALIFY row_number() OVER (PARTITION BY indikator_id ORDER BY version DESC) = 1
                """
            ).fetchall()
        }
        self._objects = con.execute("SELECT DISTINCT name, einheit FROM mart_abgleich").fetchall()
        self.legends: dict[str, Legend] = legends(con)

    def value(self, table: str, key: str, column: str) -> float | str | None:
        """Return the value of a cell as it may be shown; None if there is none to show."""
        row = self._cells.get(table, {}).get(key)
        if row is None or column not in row:
            return None
        if column in OWN and row.get("status", "ok") != "ok":
            return None
        return row[column]

    def printed(self, table: str, key: str, column: str) -> str | None:
        """Return how a cell is printed; None if there is nothing to show."""
        found = self.value(table, key, column)
        if found is None:
            return None
        if isinstance(found, str):
            return words.class_word(found)
        mark = Mark(table, tuple(key.split(SEPARATOR)), column)
        part = dict(zip(KEYS[table], mark.key, strict=True)).get("indikator_id", "")
        _, art, unit = self._indicators.get(part, (None, None, None))
        if table == "mart_abgleich":
            unit = self._cells[table][key]["einheit"]
        form = signed if column in SIGNED else number
        return form(found, digits(mark, art, unit))

    def allows(self, kind: str, text: str) -> bool:
        """Return whether a text with digits is one of its kind."""
        if kind == "name":
            told = text.removeprefix("Karte: ")
            return told in self._allowed["name"] or (
                told.endswith("…") and self._begins(told.rstrip("… "))
            )
        if kind == "fest":
            return text == words.CHANCE_SHARE or all(
                part in self._allowed[kind] for part in text.removesuffix(".").split("; ")
            )
        return text in self._allowed.get(kind, ())

    def _begins(self, told: str) -> bool:
        return any(name.startswith(told) for name in self._allowed["name"])

    def _report(self) -> dict[str, tuple]:
        """Return what only a Sozialbericht says: its title, period, identifier and edition."""
        told, manifest = self._finished.manifest.get("bericht"), self._finished.manifest
        if told is None:
            return dict.fromkeys(("text", "tag", "key", "edition"), ())
        kennung = uuid5(UUID(self._finished.imprint.kennung), str(manifest["edition_id"]))
        return {
            "text": (told["titel"],),
            "tag": (date.fromisoformat(told["von"]), date.fromisoformat(told["bis"])),
            "key": (kennung.urn, told["ausgabe_content_hash"]),
            "edition": (told["ausgabe"],),
        }

    @cached_property
    def _allowed(self) -> dict[str, set[str]]:
        imprint, manifest = self._finished.imprint, self._finished.manifest
        created = datetime.fromisoformat(str(manifest["created_at"]))
        report = self._report()
        labels = {entry.label for legend in self.legends.values() for entry in legend.entries}
        told = {
            *(imprint.titel, imprint.beschreibung, imprint.organisation, imprint.stelle),
            *(imprint.email, imprint.url, imprint.lizenz_name, imprint.quellenvermerk),
        }
        named = {
            *self._names,
            *(f"{name} ({unit})" for name, _, unit in self._indicators.values() if unit),
            *(f"({unit})" for _, _, unit in self._indicators.values() if unit),
            *(f"{name} ({unit})" for name, unit in self._objects if unit),
            *(legend.title for legend in self.legends.values()),
            *(words.spelled(key) for key in self.legends),
        }
        paragraphs = {part for text in self._verbatim for part in words.paragraphs(text)}
        return {
            "name": _squeezed(named),
            "text": _squeezed({*self._verbatim, *paragraphs, *told, *report["text"]}),
            "tag": {day(one) for one in (*self._days, *report["tag"]) if isinstance(one, date)}
            | {day(created)},
            "schluessel": {*self._indicators, *map(words.spelled, self._sets), *report["key"]},
            "ausgabe": {str(manifest["edition_id"]), *report["edition"]},
            "klasse": labels | set(map(words.class_word, labels)),
            "alter": {words.age(band) for band in self._bands if band != "insgesamt"},
            "fest": {f"{words.status(status)}: {meaning}" for status, meaning in MEANING},
        }


def _cells(con: "duckdb.DuckDBPyConnection", table: str) -> dict[str, dict]:
    """Return {joined key: row} of a table."""
    key = ", ".join(f"{quoted(name)}::VARCHAR" for name in KEYS[table])
    found = {name for name, *_ in con.execute(f"DESCRIBE {quoted(table)}").fetchall()}
    columns = [name for name in (*COLUMNS[table], "status", "einheit") if name in found]
    rows = con.execute(
        f"SELECT concat_ws('{SEPARATOR}', {key}), {', '.join(map(quoted, columns))} "
        f"FROM {quoted(table)}"
    ).fetchall()
    return {row[0]: dict(zip(columns, row[1:], strict=True)) for row in rows}


def _values(con: "duckdb.DuckDBPyConnection", columns: dict[str, tuple[str, ...]]) -> set:
    return {
        value
        for table, names in columns.items()
        for name in names
        for (value,) in con.execute(
            f"SELECT DISTINCT {quoted(name)} FROM {quoted(table)}"
        ).fetchall()
        if value is not None
    }


def _texts(con: "duckdb.DuckDBPyConnection", columns: dict[str, tuple[str, ...]]) -> set[str]:
    return {str(value) for value in _values(con, columns)}


def _squeezed(texts: set[str]) -> set[str]:
    return {" ".join(text.split()) for text in texts}
