"""The youth offices: Hilfen zur Erziehung with costs, and day care at 1 March.

Each Jugendamt has its own program, so one table comes in three forms.
"""

from datetime import date
from typing import TYPE_CHECKING

from sources.simulator.writers.outbox import Outbox, delivered, save_workbook, write_delimited

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

COST_EUR = {
    "p27": 6_000, "p28": 600, "p29": 3_000, "p30": 7_000, "p31": 9_500, "p32": 21_000,
    "p33": 14_000, "p34": 52_000, "p35": 24_000, "p35a": 17_000, "p41": 31_000,
}  # fmt: skip
"""Cost of a case in a year, in euros, by kind: an assumption."""

RUNNING_SHARE = 0.7
"""Share of a year's cases that run on at 31.12."""

HZE_FORMS = ("hze_csv", "hze_csv_kurz", "hze_mappe")
"""Forms of the table of Hilfen, taken in turn by the Jugendämter."""

U3 = 3
"""Age from which a child is no more U3."""

KITA_PLACES = 1.04
"""Places for each child in care, on average."""


def write(outbox: Outbox) -> None:
    """Write the tables of every Jugendamt for all years."""
    for jahr in outbox.jahre():
        needs = outbox.needs(jahr)
        cases, children = needs[needs["hze"].ne("none")], needs[needs["kita"]]
        for number, (unit, kommunen) in enumerate(outbox.liefereinheiten("jugendamt_hze").items()):
            mine = cases[cases["kommune_id"].isin(kommunen)]
            _hilfen(outbox, jahr, unit, mine, HZE_FORMS[number % len(HZE_FORMS)])
        for unit, kommunen in outbox.liefereinheiten("jugendamt_kita").items():
            _kita(outbox, jahr, unit, children[children["kommune_id"].isin(kommunen)])


def _hilfen(outbox: Outbox, jahr: int, unit: str, cases: "pd.DataFrame", form: str) -> None:
    import pandas as pd

    kommunen = outbox.liefereinheiten("jugendamt_hze")[unit]
    raum_id = outbox.raum_at(cases["adresse"], cases["kommune_id"], date(jahr, 12, 31))
    cases = cases.assign(raum_id=raum_id, hilfeart=cases["hze"].astype(str))
    areas = list(outbox.areas_at(date(jahr, 12, 31), kommunen)["raum_id"])
    areas += sorted({*raum_id} - {*areas})
    cells = pd.MultiIndex.from_product([sorted(areas), COST_EUR], names=["raum_id", "hilfeart"])
    counted = cases.groupby(["raum_id", "hilfeart"]).size()
    frame = counted.reindex(cells, fill_value=0).rename("faelle").reset_index()
    rng = outbox.rng(f"jugendamt_hze {jahr} {unit}")
    frame["laufend"] = rng.binomial(frame["faelle"], RUNNING_SHARE)
    frame["beendet"] = frame["faelle"] - frame["laufend"]
    cost = frame["faelle"] * frame["hilfeart"].map(COST_EUR)
    frame["kosten_eur"] = (cost * rng.uniform(0.8, 1.2, len(frame))).round(2)
    name = f"HZE_{unit}_{jahr}.{'xlsx' if form == 'hze_mappe' else 'csv'}"
    _write_hilfen(outbox, name, jahr, frame, form)


def _write_hilfen(outbox: Outbox, name: str, jahr: int, frame: "pd.DataFrame", form: str) -> None:
    """Write a table with one row of an unknown kind; a repeated row in the text forms."""
    import pandas as pd

    feed = outbox.region.feed("jugendamt_hze")
    if form == "hze_mappe":
        unknown = frame.iloc[[-1]].assign(hilfeart="§ 99", laufend=1, beendet=0, kosten_eur=100.0)
        _workbook(outbox, name, jahr, pd.concat([frame, unknown], ignore_index=True))
        outbox.plant(8, "Fußnoten unter der Tabelle", feed.feed, name, "accepted", "", 0)
    else:
        rows = delivered(feed, frame, form)
        rows["hilfeart"] = rows["hilfeart"].str.removeprefix("§ " if form != "hze_csv" else "")
        zeros = rows[["laufend", "beendet"]].eq("0")
        rows[["laufend", "beendet"]] = rows[["laufend", "beendet"]].mask(zeros, "- ")
        unknown = rows.iloc[[-1]].assign(hilfeart="§ 99")
        rows = pd.concat([rows, rows.iloc[[0]], unknown], ignore_index=True)
        write_delimited(outbox, feed.feed, name, rows, form)
        cells = int(zeros.to_numpy().sum())
        outbox.plant(3, "Strich mit Leerzeichen für null", feed.feed, name, "state", "zero", cells)
        outbox.plant(6, "dieselbe Zeile zweimal", feed.feed, name, "quarantined", "identical", 1)
    outbox.plant(13, "neue Hilfeart", feed.feed, name, "quarantined", "hilfeart: not in", 1)


def _workbook(outbox: Outbox, name: str, jahr: int, frame: "pd.DataFrame") -> None:
    """Write a sheet with a title, a head of two rows with merged cells, areas merged downwards,
    a sum and notes.
    """
    from openpyxl import Workbook

    book = Workbook()
    sheet = book.active
    sheet.title = f"HzE {jahr}"
    sheet.append(["Hilfen zur Erziehung nach Sozialräumen"])
    sheet.append([f"Berichtsjahr: {jahr}"])
    sheet.append([])
    sheet.append(["Sozialraum", "Hilfeart", "Fälle", None, "Aufwand"])
    sheet.append([None, None, "laufend am 31.12.", "beendet im Jahr", "EUR"])
    sheet.merge_cells("C4:D4")
    sheet.merge_cells("A4:A5")
    sheet.merge_cells("B4:B5")
    codes = outbox.region.feed("jugendamt_hze").columns[1].codes
    own = {canonical: code for code, canonical in reversed(codes.items())}
    kinds = frame["hilfeart"].map(lambda kind: own.get(kind, kind))
    cells = zip(
        frame["raum_id"].mask(frame["raum_id"].duplicated()).astype(object),
        kinds,
        frame["laufend"].tolist(),
        frame["beendet"].tolist(),
        frame["kosten_eur"].tolist(),
        strict=True,
    )
    for raum_id, *rest in cells:
        sheet.append([raum_id if isinstance(raum_id, str) else None, *rest])
    last = sheet.max_row
    starts = [6 + i for i, new in enumerate(~frame["raum_id"].duplicated()) if new]
    for start, end in zip(starts, [*starts[1:], last + 1], strict=True):
        sheet.merge_cells(f"A{start}:A{end - 1}")
    sheet.append(["Summe", None, int(frame["laufend"].sum()), int(frame["beendet"].sum())])
    sheet.append([])
    sheet.append(["§ 28: ohne anonyme Beratung.\nFälle, nicht Kinder."])
    save_workbook(book, outbox.path("jugendamt_hze", name), date(jahr + 1, 4, 1))


def _kita(outbox: Outbox, jahr: int, unit: str, children: "pd.DataFrame") -> None:
    import numpy as np
    import pandas as pd

    feed = outbox.region.feed("jugendamt_kita")
    stichtag = date(jahr + 1, 3, 1)
    rng = outbox.rng(f"jugendamt_kita {jahr} {unit}")
    kommunen = outbox.liefereinheiten("jugendamt_kita")[unit]
    raum_id = outbox.raum_at(children["adresse"], children["kommune_id"], stichtag)
    band = pd.Series(np.where(children["alter"] < U3, "u3", "ue3"), index=children.index)
    counted = pd.crosstab(raum_id, band)
    areas = list(outbox.areas_at(stichtag, kommunen)["raum_id"])
    areas += sorted({*raum_id} - {*areas})
    counted = counted.reindex(index=areas, columns=["u3", "ue3"], fill_value=0)
    counted = counted.rename_axis("raum_id").reset_index()
    frame = counted.melt("raum_id", var_name="altersgruppe", value_name="kinder")
    frame["plaetze"] = _places(frame, rng)
    placed = frame.groupby("raum_id")["plaetze"].sum()
    outbox.count("kita_plaetze", stichtag, placed.index, placed)
    rows = delivered(feed, frame, "kita_csv")
    name = f"KITA_{unit}_{stichtag:%Y%m%d}.csv"
    doubled = rows.iloc[[0]]
    write_delimited(
        outbox, feed.feed, name, pd.concat([rows, doubled], ignore_index=True), "kita_csv"
    )
    outbox.plant(6, "dieselbe Zeile zweimal", feed.feed, name, "quarantined", "identical", 1)


def _places(frame: "pd.DataFrame", rng: "np.random.Generator") -> "np.ndarray":
    """Places lie where the Kitas are: some areas have many, some none; `-ohne` never has any."""
    import numpy as np

    wanted = frame["kinder"] * rng.gamma(3.0, KITA_PLACES / 3.0, len(frame))
    return np.where(frame["raum_id"].str.endswith("-ohne"), 0, wanted.round()).astype(int)
