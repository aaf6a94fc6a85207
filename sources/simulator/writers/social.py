"""The social office: benefits after the SGB XII, in its database or as counts by area.

The database is asked by the connector; it holds a view of cases whose columns have the names that
the contract gives them. The office changes its rows in place, so a case that changes ends and a
new one begins.
"""

import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from sources.simulator.writers.outbox import Outbox, delivered, write_delimited
from sources.simulator.writers.spelling import label, spell

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

FEED = "sozialamt_leistungen"
VIEW = "sozialplanung"
DATABASE = "sozialamt.sqlite"

CHAPTER = {"hlu": "3", "gs_alter": "4", "gs_erwerbsminderung": "4", "hilfe_zur_pflege": "7"}
CARE_SHARE = 0.6
"""Share of the Hilfe zur Pflege in what a person receives who has a second benefit."""


def write(outbox: Outbox, sources_home: Path) -> None:
    """Make the office's database below `sources_home`, or write its counts."""
    if outbox.has(FEED):
        _database(outbox, sources_home / DATABASE)
    if outbox.has("sozialamt_raum"):
        for jahr in outbox.jahre():
            _counts(outbox, jahr)


def cases(outbox: Outbox, jahr: int) -> "pd.DataFrame":
    """Return one row for each benefit of a person at 31.12.: the needs with `leistungsart`
    and `betrag_eur` a month.
    """
    import pandas as pd

    needs = outbox.needs(jahr)
    basic = needs[needs["gs"].ne("none")]
    care = needs[needs["hilfe_pflege"].astype(bool)]
    both = basic.index.intersection(care.index)
    basic = basic.assign(leistungsart=basic["gs"].astype(str), betrag_eur=basic["betrag"])
    care = care.assign(leistungsart="hilfe_zur_pflege", betrag_eur=care["betrag"])
    basic.loc[both, "betrag_eur"] *= 1 - CARE_SHARE
    care.loc[both, "betrag_eur"] *= CARE_SHARE
    return pd.concat([basic, care], ignore_index=True)


def _counts(outbox: Outbox, jahr: int) -> None:
    import pandas as pd

    feed = outbox.region.feed("sozialamt_raum")
    stichtag = date(jahr, 12, 31)
    found = cases(outbox, jahr)
    found["raum_id"] = outbox.raum_at(found["adresse"], found["kommune_id"], stichtag)
    areas = list(outbox.areas_at(stichtag)["raum_id"])
    areas += sorted({*found["raum_id"]} - {*areas})
    cells = pd.MultiIndex.from_product([areas, list(CHAPTER)], names=["raum_id", "leistungsart"])
    summed = found.groupby(["raum_id", "leistungsart"])["betrag_eur"].agg(["size", "sum"])
    frame = summed.reindex(cells, fill_value=0).reset_index()
    frame = frame.rename(columns={"size": "anzahl", "sum": "betrag_eur"})
    rows = delivered(feed, frame, "sozialamt_raum_csv")
    none = rows["anzahl"].eq("0")
    rows.loc[none, ["anzahl", "betrag_eur"]] = "-"
    name = f"SOZIALAMT_RAUM_{stichtag:%Y%m%d}.csv"
    outbox.plant(3, "Strich für null", feed.feed, name, "state", "zero", 2 * int(none.sum()))
    strange = rows.iloc[[0]].assign(leistungsart="BLINDENHILFE")
    outbox.plant(13, "neue Leistungsart", feed.feed, name, "quarantined", "leistungsart: not in", 1)
    rows = pd.concat([rows, strange], ignore_index=True)
    write_delimited(outbox, feed.feed, name, rows, "sozialamt_raum_csv")


def _database(outbox: Outbox, path: Path) -> None:
    """Write the cases of all years as the database holds them after the last one."""
    import pandas as pd

    feed = outbox.region.feed(FEED)
    rng = outbox.rng(FEED)
    frame = _episodes(outbox, rng)
    spelled = spell(outbox, frame["adresse"], date(outbox.jahre()[0], 12, 31), rng)
    frame = frame.assign(strasse=spelled["strasse"], hausnummer=spelled["hausnummer"])
    frame = frame.assign(methode=spelled["methode"])
    rows = delivered(feed, frame, "abfrage")
    bad = _bad_rows(rows)
    headers = {column.name: column.header for column in feed.columns}
    table = pd.concat([rows, bad], ignore_index=True)[list(headers)].rename(columns=headers)
    table = table.replace({"HAUSNR": {"": None}, "ENDE": {"": None}})
    table["BETRAG"] = table["BETRAG"].astype(float)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as database:
        table.to_sql("faelle", database, index=False)
        database.execute(f"create view {VIEW} as select * from faelle order by FALL_NR")
        database.commit()
    for jahr in outbox.jahre():
        _label(outbox, jahr, frame, bad)


def _label(outbox: Outbox, jahr: int, frame: "pd.DataFrame", bad: "pd.DataFrame") -> None:
    """Note what the answer for a Stichtag holds: all cases that have begun until then."""
    stichtag = date(jahr, 12, 31)
    name = f"SOZIALAMT_{stichtag:%Y%m%d}.csv"
    begun = frame[frame["beginn"].le(str(stichtag))].reset_index(drop=True)
    begun["raum_id"] = outbox.raum_at(begun["adresse"], begun["kommune_id"], stichtag)
    label(outbox, FEED, name, begun)
    for nr, kind, reason in BAD.values():
        outbox.plant(nr, kind, FEED, name, "quarantined", reason, 1)


BAD = {
    "leistungsart": (13, "neue Leistungsart", "leistungsart: not in"),
    "hausnummer": (11, "Hausnummer als Datum", "hausnummer: does not fit"),
    "strasse": (15, "zwei Anschriften in einer Zelle", "strasse: does not fit"),
}
"""Column that is wrong in one row -> number and kind of the defect, and its reason."""


def _bad_rows(rows: "pd.DataFrame") -> "pd.DataFrame":
    """Return rows that are wrong; their numbers sort behind all others."""
    import pandas as pd

    wrong = {
        "leistungsart": "BVG",
        "hausnummer": "2013-03-01",
        "strasse": "Bergstraße 1 / Am Markt 3",
    }
    first = rows.iloc[[0]].assign(beginn="2010-01-01", hausnummer="1", strasse="Bergstraße")
    return pd.concat(
        [
            first.assign(fall_id=f"Z{number:06d}", **{column: value})
            for number, (column, value) in enumerate(wrong.items())
        ],
        ignore_index=True,
    )


def _episodes(outbox: Outbox, rng: "np.random.Generator") -> "pd.DataFrame":
    """Return the office's cases, ordered by their number.

    A case goes on from Stichtag to Stichtag as long as the person has the benefit at the same
    address; it begins in the year of its first one and ends in the year after its last one.
    """
    import numpy as np
    import pandas as pd

    years = outbox.jahre()
    same = ["person", "leistungsart", "adresse"]
    found = pd.concat([cases(outbox, jahr).assign(jahr=jahr) for jahr in years], ignore_index=True)
    found = found.sort_values([*same, "jahr"], ignore_index=True)
    again = found.groupby(same, observed=True)["jahr"].diff().eq(1)
    found["folge"] = (~again).cumsum()
    last = found.groupby("folge")["jahr"].max().to_numpy()
    frame = found.drop_duplicates("folge").reset_index(drop=True)
    first = frame["jahr"].to_numpy()
    # What already ran at the first Stichtag began up to six years before.
    earlier = np.where(first == years[0], rng.integers(0, 6, len(frame)), 0)
    frame["beginn"] = _day(first - earlier, rng)
    frame["ende"] = _day(last + 1, rng).where(last < years[-1], None)
    frame["kapitel"] = frame["leistungsart"].map(CHAPTER)
    house = outbox.county.adressen["art"].astype(str).to_numpy()
    at = frame["adresse"].to_numpy()
    in_home = (at >= 0) & (house[np.maximum(at, 0)] == "pflegeheim")
    frame["in_einrichtung"] = np.where(in_home, "1", "0")
    frame["kommune_id"] = frame["kommune_id"].astype(str)
    frame["geburtsmonat"] = frame["geburtsmonat"].astype(int).astype(str)
    frame["geschlecht"] = frame["geschlecht"].astype(str)
    frame = frame.sample(frac=1.0, random_state=int(rng.integers(2**31))).reset_index(drop=True)
    frame["fall_id"] = [f"F{number:06d}" for number in range(1, len(frame) + 1)]
    return frame


def _day(year: "np.ndarray", rng: "np.random.Generator") -> "pd.Series":
    """Return a day between January and November of each year, as ISO text."""
    import pandas as pd

    month, day = rng.integers(1, 12, len(year)), rng.integers(1, 29, len(year))
    days = pd.to_datetime(pd.DataFrame({"year": year, "month": month, "day": day}))
    return days.dt.strftime("%Y-%m-%d")
