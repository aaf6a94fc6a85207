"""The welfare associations: an inventory of services, a workbook that people keep by hand."""

from datetime import date
from typing import TYPE_CHECKING

from sources.simulator.writers.outbox import Outbox, save_workbook
from sources.simulator.writers.spelling import label, spell

if TYPE_CHECKING:
    import pandas as pd
    from openpyxl.worksheet.worksheet import Worksheet

FEED = "wohlfahrt_angebote"
INHABITANTS_PER_SERVICE = 2_500
CIRCA_SHARE, UNKNOWN_SHARE, PLANNED_SHARE = 0.15, 0.07, 0.12
"""Services with about so many places, with nobody knows how many, and planned ones."""

CARRIERS = (
    "Arbeiterwohlfahrt", "Caritasverband", "Diakonisches Werk", "Deutsches Rotes Kreuz",
    "Der Paritätische", "Lebenshilfe",
)  # fmt: skip
SERVICES = {
    "Offener Jugendtreff": "Jugendliche",
    "Schuldnerberatung": "Erwachsene",
    "Seniorencafé": "ältere Menschen",
    "Familienberatung": "Familien",
    "Hausaufgabenhilfe": "Schulkinder",
    "Begegnungsstätte": "alle",
    "Sprachkurs": "Zugewanderte",
    "Tagespflege": "ältere Menschen",
}
GREEN, RED = "FF92D050", "FFFF0000"
HEAD = ("Angebot", "Träger", "Ort", "Straße", "Nr.", "Plätze", "Zielgruppe", "Ansprechpartner")
FIRST_ROW = 6


def write(outbox: Outbox) -> None:
    """Write the inventory at each expected Stichtag."""
    for stichtag in outbox.region.expected[FEED]:
        _inventory(outbox, stichtag)


def _inventory(outbox: Outbox, stichtag: date) -> None:
    import pandas as pd

    rng = outbox.rng(f"{FEED} {stichtag}")
    frame = _services(outbox, rng)
    frame["raum_id"] = outbox.raum_at(frame["adresse"], frame["kommune_id"], stichtag)
    frame[["strasse", "hausnummer", "methode"]] = spell(outbox, frame["adresse"], stichtag, rng)
    aktiv = frame["zustand"].eq("aktiv").astype(int)
    outbox.count("angebote_wohlfahrt", stichtag, frame["raum_id"], aktiv)
    name = f"ANGEBOTE_{stichtag:%Y%m%d}.xlsx"
    label(outbox, FEED, name, frame)
    circa = int(frame["plaetze"].astype(str).str.startswith("ca.").sum())
    outbox.plant(3, "ca. vor der Zahl", FEED, name, "state", "flagged", circa)
    unknown = int(frame["plaetze"].eq("k. A.").sum())
    outbox.plant(3, "k. A.", FEED, name, "state", "suppressed_or_unknown", unknown)
    outbox.plant(8, "Notizen unter der Tabelle", FEED, name, "accepted", "", 0)
    outbox.plant(
        11, "Hausnummer als Datum", FEED, name, "quarantined", "hausnummer: does not fit", 1
    )
    outbox.plant(
        15, "zwei Anschriften in einer Zelle", FEED, name, "quarantined", "strasse: does not fit", 1
    )
    outbox.plant(13, "andere Farbe", FEED, name, "quarantined", "zustand_angebot: missing", 1)
    _workbook(outbox, name, pd.concat([frame, _bad_rows(frame)], ignore_index=True), stichtag)


def _services(outbox: Outbox, rng: object) -> "pd.DataFrame":
    """Return the services, those of one Träger together, each at a house that is known."""
    import numpy as np
    import pandas as pd

    houses = outbox.county.adressen
    frames = []
    for kommune in outbox.county.profile.kommunen:
        here = houses[houses["kommune_id"].astype(str) == kommune.kommune_id]
        many = max(2, round(kommune.einwohner / INHABITANTS_PER_SERVICE))
        at = here["adresse"].to_numpy()[rng.choice(len(here), min(many, len(here)), replace=False)]
        frames.append(
            pd.DataFrame({"adresse": at, "kommune_id": kommune.kommune_id, "ort": kommune.name})
        )
    frame = pd.concat(frames, ignore_index=True)
    many = len(frame)
    frame["angebot"] = rng.choice(list(SERVICES), many)
    frame["traeger"] = rng.choice(CARRIERS, many)
    frame["zielgruppe"] = frame["angebot"].map(SERVICES)
    places, draw = rng.integers(6, 60, many), rng.random(many)
    circa = [f"ca. {number // 5 * 5 + 5}" for number in places]
    frame["plaetze"] = np.select(
        [draw < CIRCA_SHARE, draw < CIRCA_SHARE + UNKNOWN_SHARE],
        [np.array(circa, object), "k. A."],
        places.astype(object),
    )
    frame["zustand"] = np.where(rng.random(many) < PLANNED_SHARE, "geplant", "aktiv")
    frame["farbe"] = frame["zustand"].map({"aktiv": GREEN, "geplant": RED})
    return frame.sort_values(["traeger", "angebot"], kind="stable", ignore_index=True)


def _bad_rows(frame: "pd.DataFrame") -> "pd.DataFrame":
    """Return rows that are wrong, all of the last Träger, whose cell they share."""
    import pandas as pd

    last = frame.iloc[[-1]]
    two = last["strasse"].iloc[0] + " 1 / Am Markt 3"
    return pd.concat(
        [
            last.assign(angebot="Kleiderkammer", hausnummer=date(2015, 3, 1)),
            last.assign(angebot="Mittagstisch", strasse=two, hausnummer=""),
            last.assign(angebot="Beratungsbus", farbe="FFFFFF00"),
        ],
        ignore_index=True,
    )


def _workbook(outbox: Outbox, name: str, frame: "pd.DataFrame", stichtag: date) -> None:
    from openpyxl import Workbook
    from openpyxl.styles import PatternFill

    book = Workbook()
    sheet = book.active
    sheet.title = "Angebote"
    sheet.append(["Bestand der Angebote der Wohlfahrtspflege"])
    sheet.append([f"Stand {stichtag:%d.%m.%Y}"])
    sheet.append(["grün: läuft", None, "rot: geplant"])
    sheet.append([])
    sheet.append(HEAD)
    fills = {colour: PatternFill("solid", fgColor=colour) for colour in {*frame["farbe"]}}
    first = ~frame["traeger"].duplicated()
    for row in frame.assign(erste=first).itertuples(index=False):
        carrier = row.traeger if row.erste else None
        sheet.append(
            [
                row.angebot,
                carrier,
                row.ort,
                row.strasse,
                row.hausnummer or None,
                row.plaetze,
                row.zielgruppe,
                "Frau Muster",
            ]
        )
        sheet.cell(sheet.max_row, 1).fill = fills[row.farbe]
    _merge_carriers(sheet, list(first))
    sheet.append([])
    sheet.append(["Stand der Liste: bitte Änderungen melden"])
    save_workbook(book, outbox.path(FEED, name), stichtag)


def _merge_carriers(sheet: "Worksheet", first: list[bool]) -> None:
    """Merge the cells of each Träger downwards."""
    starts = [FIRST_ROW + number for number, new in enumerate(first) if new]
    for start, end in zip(starts, [*starts[1:], FIRST_ROW + len(first)], strict=True):
        sheet.merge_cells(start_row=start, end_row=end - 1, start_column=2, end_column=2)
