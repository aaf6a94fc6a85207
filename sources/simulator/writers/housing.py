"""Housing: the dwellings of companies that take part, and the building permits."""

from datetime import date
from typing import TYPE_CHECKING

from sources.simulator.writers.health import lost_zeros
from sources.simulator.writers.outbox import Outbox, delivered, write_delimited
from sources.simulator.writers.spelling import label, spell

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

COMPANY_SHARE = 0.02
"""Share of the county's houses that one company owns."""

BOUND_SHARE = 0.45
"""Share of the companies' houses with bound dwellings, all told."""

WITHDRAWN_SHARE = 0.04
"""Share of the permits that were withdrawn."""

PERMIT_SHARE = 0.006
"""Building permits of a year for each house."""


def write(outbox: Outbox) -> None:
    """Write both tables for all years."""
    companies = list(outbox.liefereinheiten("wohnungsunternehmen").items())
    for number, (unit, kommunen) in enumerate(companies):
        stock = _stock(outbox, unit, kommunen, number, len(companies))
        for jahr in outbox.jahre():
            _dwellings(outbox, jahr, unit, stock)
    for jahr in outbox.jahre():
        _permits(outbox, jahr)


def _stock(
    outbox: Outbox, unit: str, kommunen: list[str], number: int, companies: int
) -> "pd.DataFrame":
    """Return the houses of a company, which stay the same: each house has one owner."""
    import numpy as np
    import pandas as pd

    rng = outbox.rng(f"wohnungsunternehmen {unit}")
    houses = outbox.county.adressen
    mine = houses[
        houses["kommune_id"].isin(kommunen)
        & (houses["adresse"] % companies == number)
        & houses["art"].astype(str).eq("normal")
    ]
    many = min(len(mine), max(20, round(COMPANY_SHARE * len(houses))))
    at = mine.iloc[np.sort(rng.choice(len(mine), many, replace=False))]
    dwellings = rng.integers(3, 25, many)
    bound = rng.random(many) < BOUND_SHARE
    stock = pd.DataFrame(
        {
            "objekt_id": [f"{unit[-1].upper()}-{n:05d}" for n in range(1, many + 1)],
            "adresse": at["adresse"].to_numpy(),
            "kommune_id": at["kommune_id"].astype(str).to_numpy(),
            "wohnungen": dwellings,
            "baujahr": rng.integers(1920, 2013, many),
            "gebunden_bis": np.where(bound, rng.integers(2010, 2040, many), 0),
        }
    )
    stock["gebunden"] = np.where(bound, rng.binomial(dwellings, 0.8), 0)
    return stock


def _dwellings(outbox: Outbox, jahr: int, unit: str, stock: "pd.DataFrame") -> None:
    import pandas as pd

    feed = outbox.region.feed("wohnungsunternehmen")
    stichtag = date(jahr, 12, 31)
    rng = outbox.rng(f"wohnungsunternehmen {unit} {jahr}")
    still = stock["gebunden_bis"].ge(jahr) & stock["gebunden"].gt(0)
    until = (stock["gebunden_bis"].astype(str) + "-12-31").where(still, None)
    frame = stock.assign(
        gebunden=stock["gebunden"].where(still, 0),
        bindung_bis=until,
        leer=rng.binomial(stock["wohnungen"], 0.03),
    )
    frame["raum_id"] = outbox.raum_at(frame["adresse"], frame["kommune_id"], stichtag)
    outbox.count("wohnungen_gemeldet", stichtag, frame["raum_id"], frame["wohnungen"])
    outbox.count("wohnungen_gebunden", stichtag, frame["raum_id"], frame["gebunden"])
    frame[["strasse", "hausnummer", "methode"]] = spell(outbox, frame["adresse"], stichtag, rng)
    rows = delivered(feed, frame, "wohnungen_csv")
    name = f"WOHNUNGEN_{unit}_{stichtag:%Y%m%d}.csv"
    label(outbox, feed.feed, name, frame)
    zero = rows.iloc[[0]].assign(objekt_id="X-1", wohnungen="0")
    outbox.plant(3, "null Wohnungen", feed.feed, name, "quarantined", "wohnungen: below", 1)
    write_delimited(
        outbox, feed.feed, name, pd.concat([rows, zero], ignore_index=True), "wohnungen_csv"
    )
    if jahr == outbox.jahre()[-1]:
        wrong = name.replace(".csv", "_utf8.csv")
        write_delimited(outbox, feed.feed, wrong, rows, "wohnungen_csv", encoding="utf-8")
        outbox.plant(10, "UTF-8 statt cp1252", feed.feed, wrong, "rejected", "encod", 0)


def _permits(outbox: Outbox, jahr: int) -> None:
    import pandas as pd

    feed = outbox.region.feed("baugenehmigungen")
    stichtag = date(jahr, 12, 31)
    rng = outbox.rng(f"baugenehmigungen {jahr}")
    frame = _projects(outbox, jahr, rng)
    frame["raum_id"] = outbox.raum_at(frame["adresse"], frame["kommune_id"], stichtag)
    counted = frame["wohnungen"].where(frame["storniert"].eq("0"), 0)
    outbox.count("genehmigte_wohnungen", stichtag, frame["raum_id"], counted)
    frame[["strasse", "hausnummer", "methode"]] = spell(outbox, frame["adresse"], stichtag, rng)
    rows = delivered(feed, frame, "bau_csv")
    name = f"BAUGENEHMIGUNGEN_{jahr}.csv"
    label(outbox, feed.feed, name, frame)
    rows, zeros = lost_zeros(rows, rng)
    outbox.plant(
        11, "führende Null des AGS verloren", feed.feed, name, "repaired", "kommune_id",
        zeros,
    )  # fmt: skip
    model = rows.iloc[[0]]
    bad = [
        model.assign(vorgang_id="X/1", hausnummer="01.03.2015"),
        model.assign(vorgang_id="X/2", art="Anbau"),
        model.assign(vorgang_id="X/3", wohnungen="3"),
        model.assign(vorgang_id="X/3", wohnungen="4"),
    ]
    outbox.plant(
        11, "Hausnummer als Datum", feed.feed, name, "quarantined", "hausnummer: does not fit", 1
    )
    outbox.plant(13, "neue Art", feed.feed, name, "quarantined", "art: not in", 1)
    outbox.plant(6, "ein Aktenzeichen zweimal", feed.feed, name, "quarantined", "stands twice", 2)
    write_delimited(outbox, feed.feed, name, pd.concat([rows, *bad], ignore_index=True), "bau_csv")


def _projects(outbox: Outbox, jahr: int, rng: "np.random.Generator") -> "pd.DataFrame":
    import numpy as np
    import pandas as pd

    houses = outbox.county.adressen
    many = max(30, round(PERMIT_SHARE * len(houses)))
    at = houses.iloc[rng.choice(len(houses), many, replace=False)]
    kind = rng.choice(["neubau", "umbau", "abbruch"], many, p=[0.7, 0.2, 0.1])
    dwellings = rng.integers(1, 12, many)
    day = np.datetime64(date(jahr, 1, 2)) + rng.integers(0, 360, many)
    return pd.DataFrame(
        {
            "vorgang_id": [f"{jahr}/{n:05d}" for n in range(1, many + 1)],
            "adresse": at["adresse"].to_numpy(),
            "kommune_id": at["kommune_id"].astype(str).to_numpy(),
            "genehmigt_am": day,
            "art": kind,
            "wohnungen": np.where(kind == "abbruch", -dwellings, dwellings),
            "storniert": np.where(rng.random(many) < WITHDRAWN_SHARE, "1", "0"),
        }
    )
