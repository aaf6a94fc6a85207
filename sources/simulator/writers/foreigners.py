"""The foreigners' office: nationality and residence status, every cell rounded to five."""

from datetime import date
from typing import TYPE_CHECKING

from sources.simulator.writers.outbox import Outbox, delivered, write_delimited

if TYPE_CHECKING:
    import pandas as pd

FREE = {
    str(code)
    for first, last in [(124, 131), (134, 137), (141, 143), (151, 155), (157, 158), (164, 165)]
    for code in range(first, last + 1)
} | {"139", "145", "148", "149", "161", "168", "181"}
"""Nationalities that come with freedom of movement."""

OTHER_STATUS = {
    "niederlassungserlaubnis": 45,
    "aufenthaltserlaubnis": 40,
    "aufenthaltsgestattung": 9,
    "duldung": 6,
}
"""Residence status of all others, in percent."""

NOTES = (
    "__________\n"
    '"Alle Werte sind auf ein Vielfaches von fünf gerundet;\n'
    'Summen weichen deshalb von ""insgesamt"" ab."\n'
    "Stand: {stand}\n"
)


def write(outbox: Outbox) -> None:
    """Write the table of all years."""
    for jahr in outbox.jahre():
        _table(outbox, jahr)


def rounded(counts: "pd.Series") -> "pd.Series":
    """Return counts rounded to the nearest multiple of five."""
    return (counts + 2) // 5 * 5


def _table(outbox: Outbox, jahr: int) -> None:
    import pandas as pd

    feed = outbox.region.feed("auslaenderamt")
    stichtag = date(jahr, 12, 31)
    people = outbox.county.bestand(jahr)
    states = people["staat1"].astype(str).str.zfill(3)
    foreign = people[states.ne("000") & people["wohnungsstatus"].astype(str).ne("neben")]
    found = pd.DataFrame(
        {
            "kommune_id": foreign["kommune_id"].astype(str),
            "staatsangehoerigkeit": states[foreign.index],
            "aufenthaltsstatus": _status(foreign["person"], states[foreign.index]),
        }
    )
    exact = found.value_counts().sort_index().rename("anzahl").reset_index()
    total = found["kommune_id"].value_counts().sort_index().rename("anzahl").reset_index()
    total = total.assign(staatsangehoerigkeit="insgesamt", aufenthaltsstatus="insgesamt")
    frame = pd.concat([exact, total], ignore_index=True)
    outbox.count("auslaender_azr", stichtag, total["kommune_id"], total["anzahl"])
    frame["anzahl"] = rounded(frame["anzahl"])
    rows = delivered(feed, frame, "azr_csv")
    name = f"AUSLAENDER_{stichtag:%Y%m%d}.csv"
    zeros = int(rows["anzahl"].eq("0").sum())
    outbox.plant(4, "auf fünf gerundet", feed.feed, name, "state", "rounded_zero", zeros)
    outbox.plant(8, "Fußnote über zwei Zeilen", feed.feed, name, "accepted", "", 0)
    strange = rows.iloc[[0]].assign(aufenthaltsstatus="XX")
    outbox.plant(
        13, "neuer Aufenthaltsstatus", feed.feed, name, "quarantined", "aufenthaltsstatus: not", 1
    )
    rows = pd.concat([rows, strange], ignore_index=True)
    notes = NOTES.format(stand=f"{stichtag:%d.%m.%Y}")
    write_delimited(outbox, feed.feed, name, rows, "azr_csv", foot=notes)


def _status(person: "pd.Series", states: "pd.Series") -> "pd.Series":
    """Return each person's residence status: it stays as it is from year to year."""
    import numpy as np
    import pandas as pd

    draw = person.astype("int64").to_numpy() * 104_729 % 100
    other = np.repeat(list(OTHER_STATUS), list(OTHER_STATUS.values()))[draw]
    status = np.where(states.isin(FREE), "freizuegigkeit", other)
    return pd.Series(status, index=person.index)
