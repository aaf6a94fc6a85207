"""The health office: the school entry examination, as single records or as counts by area."""

from datetime import date
from typing import TYPE_CHECKING

from sources.simulator.writers.outbox import Outbox, delivered, write_delimited

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

LOST_ZERO_SHARE = 0.05
"""Share of the keys that a spreadsheet took for numbers."""

MISSING = "suppressed_or_unknown"
"""State of a cell in which the office typed 9 or 99."""

OUTCOMES = {
    "seu_untersuchte": lambda c: c["seu"],
    "seu_sprache_auffaellig": lambda c: c["sopess"].eq("auffaellig"),
    "seu_impfbuch": lambda c: c["impfbuch"],
    "seu_mmr2": lambda c: c["impfbuch"] & c["mmr"].ge(2),
    "seu_vorsorgeheft": lambda c: c["vorsorgeheft"],
    "seu_u8_u9": lambda c: c["vorsorgeheft"] & c["u8"] & c["u9"],
}
"""What the office counts of its children: merkmal -> who."""


def write(outbox: Outbox) -> None:
    """Write the examinations of all years in the form that the county has agreed."""
    for jahr in outbox.jahre():
        if outbox.has("seu_einzeldaten"):
            _records(outbox, jahr)
        if outbox.has("seu_raum"):
            _counts(outbox, jahr)


def children(outbox: Outbox, jahr: int) -> "pd.DataFrame":
    """Return the examined children of a year with their Sozialraum at 30 June."""
    needs = outbox.needs(jahr)
    found = needs[needs["seu"]].reset_index(drop=True)
    found["raum_id"] = outbox.raum_at(found["adresse"], found["kommune_id"], date(jahr, 6, 30))
    return found


def _records(outbox: Outbox, jahr: int) -> None:
    import numpy as np
    import pandas as pd

    rng = outbox.rng(f"seu_einzeldaten {jahr}")
    found = children(outbox, jahr)
    feed = outbox.region.feed("seu_einzeldaten")
    first = date(jahr - 1, 9, 1)
    number = rng.permutation(len(found))
    shown = found["impfbuch"]
    said = found["sopess"].astype(str).replace("nicht_durchgefuehrt", "9")
    frame = pd.DataFrame(
        {
            "kind_id": [f"K{jahr}{n:05d}" for n in number],
            "raum_id": found["raum_id"].mask(found["adresse"].lt(0), "unbekannt"),
            "kommune_id": found["kommune_id"].astype(str),
            "untersuchungsdatum": np.datetime64(first) + rng.integers(0, 290, len(found)),
            "einschulungsjahr": jahr,
            "geschlecht": found["geschlecht"].astype(str),
            "erstsprache": found["erstsprache"].astype(str),
            "deutschkompetenz": found["deutschkompetenz"],
            "sopess_sprache": said,
            "groesse_cm": found["groesse"],
            "gewicht_kg": found["gewicht"],
            "impfbuch": found["impfbuch"].astype(int).astype(str),
            # Without a booklet nobody can count vaccinations: the office types 9 or 99.
            "mmr_anzahl": found["mmr"].where(shown, np.where(number % 2, 9, 99)),
            "vorsorgeheft": found["vorsorgeheft"].astype(int).astype(str),
            "u8": found["u8"].astype(int).astype(str),
            "u9": found["u9"].astype(int).astype(str),
        }
    ).sort_values("kind_id", ignore_index=True)
    rows = delivered(feed, frame, "seu_csv")
    name = f"SEU_{jahr}.csv"
    unknown, undone = int((~shown).sum()), int(said.eq("9").sum())
    outbox.plant(3, "9 statt eines Ergebnisses", feed.feed, name, "state", "not_applicable", undone)
    outbox.plant(3, "9 und 99 statt einer Zahl", feed.feed, name, "state", MISSING, unknown)
    rows, zeros = lost_zeros(rows, rng)
    outbox.plant(
        11, "führende Null des AGS verloren", feed.feed, name, "repaired", "kommune_id", zeros
    )
    write_delimited(outbox, feed.feed, name, _with_bad(outbox, name, rows), "seu_csv")
    if jahr == outbox.jahre()[-1]:
        copy = f"SEU_{jahr}_kopie.csv"
        outbox.path(feed.feed, copy).write_bytes(outbox.path(feed.feed, name).read_bytes())
        outbox.plant(12, "dieselbe Datei zweimal", feed.feed, copy, "duplicate", "", len(rows))


def lost_zeros(rows: "pd.DataFrame", rng: "np.random.Generator") -> tuple["pd.DataFrame", int]:
    """Return rows of which some keys have lost their leading zero, and how many; landing puts it
    back.
    """
    lost = rng.random(len(rows)) < LOST_ZERO_SHARE
    lost[0] = False  # wrong rows are copies of the first one
    rows = rows.copy()
    rows.loc[lost, "kommune_id"] = rows.loc[lost, "kommune_id"].str.lstrip("0")
    return rows, int(lost.sum())


def _with_bad(outbox: Outbox, name: str, rows: "pd.DataFrame") -> "pd.DataFrame":
    """Append rows that are wrong; all of them are additional ones."""
    import pandas as pd

    feed = "seu_einzeldaten"
    model = rows.iloc[[0]]

    def bad(number: int, **cells: str) -> "pd.DataFrame":
        return model.assign(kind_id=f"X{number:05d}", **cells)

    bad_rows = [
        bad(1, geschlecht="x"),
        bad(2, sopess_sprache="7"),
        bad(3, groesse_cm="1,17"),
        bad(4, gewicht_kg="21.4"),
        # A late pupil, examined twice under one number.
        bad(6, deutschkompetenz="1"),
        bad(6, deutschkompetenz="4"),
    ]
    outbox.plant(13, "neuer Schlüssel", feed, name, "quarantined", "geschlecht: not in", 1)
    outbox.plant(13, "neuer Schlüssel", feed, name, "quarantined", "sopess_sprache: not in", 1)
    outbox.plant(9, "Meter statt Zentimeter", feed, name, "quarantined", "groesse_cm: below", 1)
    outbox.plant(
        1, "Punkt statt Komma", feed, name, "quarantined", "gewicht_kg: not a value of type", 1
    )
    outbox.plant(6, "ein Kind mit zwei Ergebnissen", feed, name, "quarantined", "stands twice", 2)
    return pd.concat([rows, *bad_rows], ignore_index=True)


def _counts(outbox: Outbox, jahr: int) -> None:
    import pandas as pd

    found = children(outbox, jahr)
    feed = outbox.region.feed("seu_raum")
    areas = list(outbox.areas_at(date(jahr, 6, 30))["raum_id"])
    areas += sorted({*found["raum_id"]} - {*areas})
    counts = pd.DataFrame(
        {merkmal: who(found).groupby(found["raum_id"]).sum() for merkmal, who in OUTCOMES.items()}
    )
    counts = counts.reindex(areas, fill_value=0).rename_axis("raum_id").reset_index()
    frame = counts.melt("raum_id", var_name="merkmal", value_name="anzahl")
    rows = delivered(feed, frame, "seu_raum_csv")
    name = f"SEU_RAUM_{jahr}.csv"
    zero = rows["anzahl"].eq("0")
    rows.loc[zero, "anzahl"] = "- "
    outbox.plant(
        3, "Strich mit Leerzeichen für null", feed.feed, name, "state", "zero", int(zero.sum())
    )
    extra = rows.iloc[[0]].assign(raum_id=areas[0][:8] + "-999")
    outbox.plant(
        13, "Raum, den es nicht gibt", feed.feed, name, "quarantined", "raum_id: no such area", 1
    )
    rows = pd.concat([rows, extra], ignore_index=True)
    write_delimited(outbox, feed.feed, name, rows, "seu_raum_csv")
