"""The election office: results by voting district, and in which Sozialraum each of them lies."""

from datetime import date
from typing import TYPE_CHECKING

from sources.simulator.writers.outbox import Outbox, delivered, write_delimited

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

VOTERS_PER_DISTRICT = 900
POSTAL_SHARE = 0.18
"""Share of the votes that come by post."""

PARTIES = 6
WAHL = "Europawahl"


def write(outbox: Outbox) -> None:
    """Write results and districts of each expected election day."""
    for wahltag in outbox.region.expected["wahlen"]:
        _election(outbox, wahltag)


def _election(outbox: Outbox, wahltag: date) -> None:
    import pandas as pd

    rng = outbox.rng(f"wahlen {wahltag}")
    districts = _districts(outbox, wahltag, rng)
    everybody = districts["waehler"] + districts["brief"]
    outbox.count("wahlberechtigte", wahltag, districts["raum_id"], districts["wahlberechtigte"])
    outbox.count("waehler", wahltag, districts["raum_id"], everybody)
    _places(outbox, wahltag, districts)
    results = pd.concat([districts, _postal(districts)], ignore_index=True)
    results["urne"] = results["wahlberechtigte"].gt(0)
    results = results.sort_values(["kommune_id", "bezirk_nr"], ignore_index=True)
    _results(outbox, wahltag, results)


def _districts(outbox: Outbox, wahltag: date, rng: "np.random.Generator") -> "pd.DataFrame":
    """Return the districts with a polling station: grown-up Germans of an area, cut into equal
    parts. Where need is high, fewer vote. Who has no known address votes in the first district of
    the municipality; the register at the end of the year before tells who may.
    """
    import numpy as np
    import pandas as pd

    people = outbox.county.bestand(wahltag.year - 1)
    may = people[
        people["alter"].ge(18)
        & people["staat1"].astype(str).str.zfill(3).eq("000")
        & people["wohnungsstatus"].astype(str).ne("neben")
        & people["adresse"].ge(0)
    ]
    raum = outbox.raum_at(may["adresse"], may["kommune_id"], wahltag)
    voters = raum.value_counts().sort_index()
    areas = outbox.areas_at(wahltag)
    need = areas.set_index(areas["raum_id"].astype(str))["deprivation"].astype(float)
    parts = np.maximum(1, np.round(voters.to_numpy() / VOTERS_PER_DISTRICT).astype(int))
    of = np.repeat(np.arange(len(voters)), parts)
    nth = np.arange(len(of)) - np.repeat(np.cumsum(parts) - parts, parts)
    size = voters.to_numpy()[of] // parts[of] + (nth < voters.to_numpy()[of] % parts[of])
    raum_id = voters.index.to_numpy()[of]
    turnout = (0.66 - 0.34 * need.reindex(raum_id).fillna(0.5).to_numpy()).clip(0.1, 0.9)
    voted = rng.binomial(size, turnout)
    by_post = rng.binomial(voted, POSTAL_SHARE)
    frame = pd.DataFrame(
        {"raum_id": raum_id, "wahlberechtigte": size, "brief": by_post, "waehler": voted - by_post}
    )
    frame["kommune_id"] = frame["raum_id"].str[:8]
    number = frame.groupby("kommune_id").cumcount() + 1
    frame["bezirk_nr"] = number.astype(str).str.zfill(4)
    names = {k.kommune_id: k.name for k in outbox.county.profile.kommunen}
    frame["bezirk_name"] = frame["bezirk_nr"] + " - " + frame["kommune_id"].map(names)
    return frame


def _postal(districts: "pd.DataFrame") -> "pd.DataFrame":
    """Return the postal districts: one for each municipality, without Wahlberechtigte."""
    frame = districts.groupby("kommune_id", as_index=False)["brief"].sum()
    return frame.assign(
        waehler=frame["brief"], wahlberechtigte=0, bezirk_nr="9001", bezirk_name="9001 - Briefwahl"
    )


def _results(outbox: Outbox, wahltag: date, results: "pd.DataFrame") -> None:
    import pandas as pd

    feed = outbox.region.feed("wahlen")
    urn = results["urne"]
    invalid = results["waehler"] // 60
    frame = results.assign(
        datum=pd.Timestamp(wahltag),
        wahl=WAHL,
        erwartet=1,
        gemeldet=1,
        wahlberechtigte=results["wahlberechtigte"].where(urn),
        briefwahl=results["waehler"].where(~urn, 0),
        ungueltig=invalid,
        gueltig=results["waehler"] - invalid,
    )
    rows = delivered(feed, frame, "votemanager")
    share = frame["gueltig"] // PARTIES
    lists = pd.DataFrame({f"D{n}": share.astype(str) for n in range(1, PARTIES)})
    lists[f"D{PARTIES}"] = (frame["gueltig"] - share * (PARTIES - 1)).astype(str)
    name = f"WAHL_{wahltag:%Y%m%d}.csv"
    write_delimited(outbox, feed.feed, name, rows, "votemanager", extra=lists)
    outbox.plant(2, "Spalten der Wahlvorschläge", feed.feed, name, "accepted", "", 0)

    other_day = f"WAHL_{wahltag:%Y%m%d}_anderer_Tag.csv"
    shifted = rows.assign(datum=f"{wahltag.replace(year=wahltag.year - 5):%d.%m.%Y}")
    write_delimited(outbox, feed.feed, other_day, shifted, "votemanager", extra=lists)
    outbox.plant(12, "anderer Wahltag", feed.feed, other_day, "rejected", "datum: not", 0)
    latin = f"WAHL_{wahltag:%Y%m%d}_latin1.csv"
    named = rows.assign(wahl="Wahl für Europa")
    write_delimited(
        outbox, feed.feed, latin, named, "votemanager", extra=lists, encoding="iso-8859-1"
    )
    outbox.plant(10, "ISO-8859-1 statt UTF-8", feed.feed, latin, "rejected", "utf-8", 0)


def _places(outbox: Outbox, wahltag: date, districts: "pd.DataFrame") -> None:
    import pandas as pd

    feed = outbox.region.feed("wahlbezirke")
    rows = delivered(feed, districts, "wahlbezirke_csv")
    name = f"WAHLBEZIRKE_{wahltag:%Y%m%d}.csv"
    first, last = districts["raum_id"].iloc[0], districts["raum_id"].iloc[-1]
    model = rows.iloc[[0]].assign(bezirk_nr="8001")
    bad = [
        model.assign(raum_id=first),
        model.assign(raum_id=last),
        model.assign(bezirk_nr="8002", raum_id=first[:8] + "-998"),
    ]
    outbox.plant(6, "ein Stimmbezirk in zwei Räumen", feed.feed, name, "quarantined", "twice", 2)
    outbox.plant(13, "Raum, den es nicht gibt", feed.feed, name, "quarantined", "no such area", 1)
    write_delimited(
        outbox, feed.feed, name, pd.concat([rows, *bad], ignore_index=True), "wahlbezirke_csv"
    )
