"""The school office: schools where they stand, with their pupils and where these go from there."""

from datetime import date
from typing import TYPE_CHECKING

from sources.simulator.writers.outbox import Outbox, delivered, write_delimited

if TYPE_CHECKING:
    import pandas as pd

INHABITANTS_PER_SCHOOL = {
    "grundschule": 7_500,
    "hauptschule": 60_000,
    "realschule": 45_000,
    "sekundarschule": 80_000,
    "gesamtschule": 40_000,
    "gymnasium": 30_000,
    "foerderschule": 50_000,
}
"""At scale 1; every municipality has at least one Grundschule."""

PUPILS = {"grundschule": 220, "foerderschule": 120}
"""Pupils of a school on average; all others have OTHER_PUPILS."""

OTHER_PUPILS = 640

WITHOUT_DEGREE = {"hauptschule": 0.14, "foerderschule": 0.45, "sekundarschule": 0.06}
"""Share of school leavers without a degree; elsewhere OTHER_WITHOUT_DEGREE."""

OTHER_WITHOUT_DEGREE = 0.02

MERKMALE = {
    "schueler": "schueler",
    "abgaenge_klasse4": "abgaenge_klasse4",
    "uebergaenge_gymnasium": "uebergaenge_gymnasium",
    "abgaenge": "schulabgaenge",
    "abgaenge_ohne_abschluss": "schulabgaenge_ohne_abschluss",
}
"""Column of the feed -> merkmal."""

METADATA = "Schuldaten der Gemeinden;Stand {stand};Quelle: Amtliche Schuldaten\n"


def write(outbox: Outbox) -> None:
    """Write the list of schools of all years."""
    schools = _schools(outbox)
    for jahr in outbox.jahre():
        _list(outbox, jahr, schools)


def _schools(outbox: Outbox) -> "pd.DataFrame":
    """Return the county's schools: they stand at known addresses and stay."""
    import pandas as pd

    rng = outbox.rng("schulen")
    houses = outbox.county.adressen
    old = houses[houses["ab"].astype("datetime64[ns]").lt(pd.Timestamp(outbox.jahre()[0], 1, 1))]
    frames = []
    for kommune in outbox.county.profile.kommunen:
        here = old[old["kommune_id"].astype(str) == kommune.kommune_id]
        forms = [
            form
            for form, size in INHABITANTS_PER_SCHOOL.items()
            for _ in range(max(round(kommune.einwohner / size), form == "grundschule"))
        ]
        at = here.iloc[rng.choice(len(here), min(len(forms), len(here)), replace=False)]
        place = at[["adresse", "x", "y"]].reset_index(drop=True)
        frames.append(place.assign(kommune_id=kommune.kommune_id, schulform=forms[: len(at)]))
    schools = pd.concat(frames, ignore_index=True)
    schools["schulnummer"] = [f"{100_100 + 7 * n}" for n in range(len(schools))]
    schools["groesse"] = rng.normal(1.0, 0.25, len(schools)).clip(0.4, 1.8)
    return schools


def _list(outbox: Outbox, jahr: int, schools: "pd.DataFrame") -> None:
    import pandas as pd

    feed = outbox.region.feed("schulen")
    stichtag = date(jahr, 10, 15)
    frame = _counted(outbox, jahr, schools)
    frame["raum_id"] = outbox.raum_at(frame["adresse"], frame["kommune_id"], stichtag)
    for column, merkmal in MERKMALE.items():
        outbox.count(merkmal, stichtag, frame["raum_id"], frame[column])
    rows = delivered(feed, frame, "schulliste")
    counts = [column for column in MERKMALE if column != "schueler"]
    zeros = rows[counts].eq("0")
    rows[counts] = rows[counts].mask(zeros, "-")
    name = f"SCHULEN_{jahr}.csv"
    cells = int(zeros.to_numpy().sum())
    outbox.plant(3, "Strich für null", feed.feed, name, "state", "zero", cells)
    outbox.plant(8, "eine Zeile vor dem Kopf", feed.feed, name, "accepted", "", 0)
    outbox.plant(10, "cp850", feed.feed, name, "accepted", "", 0)

    swapped = rows.iloc[[0]].assign(schulnummer="100001", x=rows["y"].iloc[0], y=rows["x"].iloc[0])
    zoned = rows.iloc[[0]].assign(schulnummer="100002", x="32" + rows["x"].iloc[0])
    outbox.plant(16, "X und Y vertauscht", feed.feed, name, "quarantined", "coordinates outside", 2)
    rows = pd.concat([rows, swapped, zoned], ignore_index=True)
    beside = pd.DataFrame(
        {
            "Schulbezeichnung_1": "Schule für Alle",
            "Telefon": "0",
            "EPSG": "EPSG:25832",
        },
        index=rows.index,
    )
    head = METADATA.format(stand=f"{stichtag:%d.%m.%Y}")
    write_delimited(outbox, feed.feed, name, rows, "schulliste", head=head, extra=beside)


def _counted(outbox: Outbox, jahr: int, schools: "pd.DataFrame") -> "pd.DataFrame":
    """Return the schools with the counts of a year. Where need is high, fewer go to a Gymnasium
    and more leave without a degree.
    """
    import numpy as np

    rng = outbox.rng(f"schulen {jahr}")
    form = schools["schulform"]
    need = _deprivation(outbox, schools["adresse"], date(jahr, 10, 15))
    size = form.map(PUPILS).fillna(OTHER_PUPILS) * schools["groesse"]
    pupils = rng.poisson(np.maximum(size * outbox.county.scale, 12)) + 5
    primary = form.eq("grundschule").to_numpy()
    fourth = np.where(primary, pupils // 4, 0)
    gymnasium = rng.binomial(fourth, (0.62 - 0.42 * need).clip(0.05, 0.95))
    leavers = np.where(primary, 0, pupils // 6)
    share = form.map(WITHOUT_DEGREE).fillna(OTHER_WITHOUT_DEGREE) * (0.6 + 0.8 * need)
    without = rng.binomial(leavers, share.clip(0, 0.9))
    return schools.assign(
        schueler=pupils,
        abgaenge_klasse4=fourth,
        uebergaenge_gymnasium=gymnasium,
        abgaenge=leavers,
        abgaenge_ohne_abschluss=without,
    )


def _deprivation(outbox: Outbox, adresse: "pd.Series", stichtag: date) -> "pd.Series":
    """Return the deprivation (0 to 1) of the areas in which known addresses lie."""
    areas = outbox.areas_at(stichtag).set_index(outbox.areas_at(stichtag)["raum_id"].astype(str))
    stand = outbox.county.profile.gebietsstand_am(stichtag)
    raum = outbox.county.adressen[f"raum_{stand}"].astype(str).to_numpy()[adresse.to_numpy()]
    return areas["deprivation"].astype(float).reindex(raum).fillna(0.5).set_axis(adresse.index)
