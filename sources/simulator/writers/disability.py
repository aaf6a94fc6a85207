"""The office for severely disabled persons: single records with addresses, or counts by PLZ."""

from datetime import date
from typing import TYPE_CHECKING

from sources.simulator.writers.health import lost_zeros
from sources.simulator.writers.outbox import Outbox, delivered, write_delimited
from sources.simulator.writers.spelling import label, spell

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

GDB_SEVERE = 50
"""From this degree on a disability is a severe one."""

UNLIMITED_SHARE = 0.5
"""Share of the valid cards without an end."""

EXPIRED_SHARE = 0.02
"""Cards that have run out and were never given back, for each valid one."""


def write(outbox: Outbox) -> None:
    """Write the persons of all years in the form that the county has agreed."""
    for jahr in outbox.jahre():
        if outbox.has("schwerbehinderte"):
            _records(outbox, jahr)
        if outbox.has("schwerbehinderte_plz"):
            _by_postcode(outbox, jahr)


def _disabled(outbox: Outbox, jahr: int) -> "pd.DataFrame":
    needs = outbox.needs(jahr)
    return needs[needs["gdb"].gt(0)].reset_index(drop=True)


def _records(outbox: Outbox, jahr: int) -> None:
    import pandas as pd

    feed = outbox.region.feed("schwerbehinderte")
    rng = outbox.rng(f"schwerbehinderte {jahr}")
    stichtag = date(jahr, 12, 31)
    frame = _cards(outbox, jahr, rng)
    frame["raum_id"] = outbox.raum_at(frame["adresse"], frame["kommune_id"], stichtag)
    frame[["strasse", "hausnummer", "methode"]] = spell(outbox, frame["adresse"], stichtag, rng)
    rows = delivered(feed, frame, "schwerbehinderte_csv")
    rows, zeros = lost_zeros(rows, rng)
    name = f"SCHWERBEHINDERTE_{stichtag:%Y%m%d}.csv"
    outbox.plant(
        11, "führende Null des AGS verloren", feed.feed, name, "repaired", "kommune_id", zeros
    )
    label(outbox, feed.feed, name, frame)
    model = rows.iloc[[0]]
    bad = [
        model.assign(fall_id="ZZ 1", merkzeichen="G,XY"),
        model.assign(fall_id="ZZ 2", geschlecht="x"),
        model.assign(fall_id="ZZ 3", hausnummer="2015-03-01"),
        model,
    ]
    outbox.plant(13, "neues Merkzeichen", feed.feed, name, "quarantined", "merkzeichen: not", 1)
    outbox.plant(13, "neuer Schlüssel", feed.feed, name, "quarantined", "geschlecht: not in", 1)
    outbox.plant(
        11, "Hausnummer als Datum", feed.feed, name, "quarantined", "hausnummer: does not fit", 1
    )
    outbox.plant(6, "dieselbe Zeile zweimal", feed.feed, name, "quarantined", "identical", 1)
    table = pd.concat([rows, *bad], ignore_index=True)
    write_delimited(outbox, feed.feed, name, table, "schwerbehinderte_csv")


def _cards(outbox: Outbox, jahr: int, rng: "np.random.Generator") -> "pd.DataFrame":
    """Return all recognised disabilities, and cards that have run out, in the office's order."""
    import numpy as np
    import pandas as pd

    found = _disabled(outbox, jahr)
    many = max(2, round(EXPIRED_SHARE * len(found)))
    expired = found.iloc[rng.integers(0, len(found), many)]
    valid_until = np.datetime64(date(jahr, 12, 31)) + rng.integers(1, 1800, len(found))
    unlimited = rng.random(len(found)) < UNLIMITED_SHARE
    frame = pd.concat(
        [
            found.assign(gueltig_bis=pd.Series(valid_until).mask(unlimited).to_numpy()),
            expired.assign(
                gueltig_bis=np.datetime64(date(jahr, 12, 30)) - rng.integers(0, 900, many)
            ),
        ],
        ignore_index=True,
    )
    frame = frame.iloc[rng.permutation(len(frame))].reset_index(drop=True)
    number = pd.Series(np.arange(1, len(frame) + 1)).astype(str).str.zfill(6)
    at = frame["adresse"].to_numpy()
    postcodes = outbox.county.adressen["plz"].astype(str).to_numpy()
    first = {k.kommune_id: k.plz[0] for k in outbox.county.profile.kommunen}
    frame["kommune_id"] = frame["kommune_id"].astype(str)
    frame["plz"] = np.where(at >= 0, postcodes[np.maximum(at, 0)], frame["kommune_id"].map(first))
    frame["fall_id"] = "SB " + number
    frame["merkzeichen"] = (
        frame["merkzeichen"].astype(object).where(frame["gdb"].ge(GDB_SEVERE), "")
    )
    frame["geburtsjahr"] = frame["geburtsmonat"].astype(int) // 100
    frame["geschlecht"] = frame["geschlecht"].astype(str)
    return frame


def _by_postcode(outbox: Outbox, jahr: int) -> None:
    """Count persons with a GdB of 50 and more. Those without an entry of sex go to one of the two
    by their number, as statistics offices do.
    """
    import numpy as np
    import pandas as pd

    feed = outbox.region.feed("schwerbehinderte_plz")
    stichtag = date(jahr, 12, 31)
    found = _disabled(outbox, jahr)
    found = found[found["gdb"].ge(GDB_SEVERE)].reset_index(drop=True)
    at = found["adresse"].to_numpy()
    postcodes = outbox.county.adressen["plz"].astype(str).to_numpy()
    first = {k.kommune_id: k.plz[0] for k in outbox.county.profile.kommunen}
    home = found["kommune_id"].astype(str).map(first)
    found["plz"] = np.where(at >= 0, postcodes[np.maximum(at, 0)], home)
    bands = pd.cut(found["alter"], [-1, 17, 64, 150], labels=["00-17", "18-64", "65+"])
    found["altersgruppe"] = bands.astype(str)
    other = np.where(found["person"] % 2, "maennlich", "weiblich")
    sex = found["geschlecht"].astype(str)
    found["geschlecht"] = sex.where(sex.isin(["maennlich", "weiblich"]), other)
    cells = pd.MultiIndex.from_product(
        [sorted({*found["plz"]}), ["00-17", "18-64", "65+"], ["maennlich", "weiblich"]],
        names=["plz", "altersgruppe", "geschlecht"],
    )
    counted = found.groupby(["plz", "altersgruppe", "geschlecht"]).size()
    frame = counted.reindex(cells, fill_value=0).rename("anzahl").reset_index()
    rows = delivered(feed, frame, "plz_csv")
    zero = rows["anzahl"].eq("0")
    rows.loc[zero, "anzahl"] = "-"
    name = f"SCHWERBEHINDERTE_PLZ_{stichtag:%Y%m%d}.csv"
    outbox.plant(3, "Strich für null", feed.feed, name, "state", "zero", int(zero.sum()))
    strange = rows.iloc[[0]].assign(plz="5146")
    outbox.plant(
        11, "Postleitzahl ohne Null", feed.feed, name, "quarantined", "plz: does not fit", 1
    )
    rows = pd.concat([rows, strange], ignore_index=True)
    write_delimited(outbox, feed.feed, name, rows, "plz_csv")
