"""The Bundesagentur für Arbeit and the Jobcenter: a workbook for each municipality, single records
for a Statistikstelle, or nothing but a rating of each Sozialraum.
"""

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from sources.simulator.writers.outbox import Outbox, delivered, save_workbook, write_delimited

if TYPE_CHECKING:
    import pandas as pd

WORKBOOKS, RECORDS, RATINGS = "ba_kommunal", "ba_einzeldaten", "jobcenter_bewertung"

SMALL = 10
"""Counts from 1 up to here, exclusive, are withheld in tables of small areas."""

HEADS = {
    "sgb2_bedarfsgemeinschaften": ("Grundsicherung für Arbeitsuchende", "Bedarfsgemeinschaften"),
    "sgb2_leistungsberechtigte": ("Grundsicherung für Arbeitsuchende", "Leistungsberechtigte"),
    "arbeitslose": ("Arbeitslose", "Insgesamt"),
    "arbeitslose_sgb2": ("Arbeitslose", "Rechtskreis SGB II"),
    "arbeitslose_15_24": ("Arbeitslose", "15 bis unter 25 Jahre"),
    "langzeitarbeitslose": ("Arbeitslose", "Langzeitarbeitslose"),
}
UNPLACED = ("Keine Zuordnung möglich", "9999")
"""How tables say that the address lies in no area; which, depends on the office."""

FOOT = "© Statistik der Bundesagentur für Arbeit"
SUFFIX = "-ohne"
CLASSES = ("sehr_niedrig", "niedrig", "mittel", "hoch", "sehr_hoch")


def write(outbox: Outbox) -> None:
    """Write what the county's contract with BA or Jobcenter provides for."""
    for jahr in outbox.jahre():
        persons = _persons(outbox, jahr)
        if outbox.has(WORKBOOKS):
            _write_workbooks(outbox, jahr, _counts(persons))
        if outbox.has(RECORDS):
            _write_records(outbox, jahr, persons)
        if outbox.has(RATINGS):
            _write_ratings(outbox, jahr, persons)
    if outbox.has(WORKBOOKS):
        _plant_stranger(outbox)


def _persons(outbox: Outbox, jahr: int) -> "pd.DataFrame":
    """Return everybody with a need that BA knows, and where they live."""
    needs = outbox.county.lagen(jahr)
    known = needs[needs["sgb2"] | needs["arbeitslos"]]
    return known.astype({"raum_id": str, "kommune_id": str}).sort_values("person")


# --- workbooks ----------------------------------------------------------------------------------


def _counts(persons: "pd.DataFrame") -> "pd.DataFrame":
    """Count by area: index kommune_id and raum_id, one column for each Merkmal."""
    import pandas as pd

    young = persons["alter"].between(15, 24)
    long = persons["langzeit"] & persons["arbeitslos"]
    flags = {
        "sgb2_leistungsberechtigte": persons["sgb2"],
        "arbeitslose": persons["arbeitslos"],
        "arbeitslose_sgb2": persons["arbeitslos_sgb2"],
        "arbeitslose_15_24": persons["arbeitslos"] & young,
        "langzeitarbeitslose": long,
    }
    keys = [persons["kommune_id"], persons["raum_id"]]
    counted = pd.DataFrame(flags).astype(int).groupby(keys).sum()
    first = persons[persons["sgb2"]].drop_duplicates("bg")  # a community counts where one lives
    groups = first.groupby(["kommune_id", "raum_id"]).size()
    counted["sgb2_bedarfsgemeinschaften"] = groups.reindex(counted.index, fill_value=0)
    return counted[list(HEADS)]


def _write_workbooks(outbox: Outbox, jahr: int, counts: "pd.DataFrame") -> None:
    units = outbox.liefereinheiten(WORKBOOKS)
    names = {kommune.kommune_id: kommune for kommune in outbox.region.kommunen}
    for number, (kommune_id,) in enumerate(units.values()):
        areas = sorted(outbox.areas_at(date(jahr, 12, 31), [kommune_id])["raum_id"].astype(str))
        table = counts.reindex(
            [(kommune_id, area) for area in [*areas, f"{kommune_id}{SUFFIX}"]], fill_value=0
        ).droplevel(0)
        cells, hidden = _anonymised(table)
        kommune = names[kommune_id]
        # BA writes a name in full where there is a longer one: `Name (Rhld.)`.
        called = next((alias for alias in kommune.aliases if "(" in alias), kommune.name)
        name = f"Arbeitsmarkt-kommunal_{kommune_id}_{called}.xlsx"
        rows = cells.rename(index={f"{kommune_id}{SUFFIX}": UNPLACED[number % 2]})
        path = outbox.path(WORKBOOKS, f"{jahr}12/{name}")
        path.parent.mkdir(exist_ok=True)
        # Where the head stands differs from office to office, and from year to year.
        _write_workbook(path, kommune.name, jahr, rows, shift=(number + jahr) % 4)
        outbox.plant(2, "head moved", WORKBOOKS, name, "accepted", "mappe", rows.size)
        outbox.plant(3, "mark with a blank", WORKBOOKS, name, "state", "suppressed", hidden)
        outbox.plant(7, "region in the name only", WORKBOOKS, name, "accepted", kommune_id, 0)


def _anonymised(table: "pd.DataFrame") -> tuple["pd.DataFrame", int]:
    """Withhold small counts, and one more in a column where a single one could be computed.

    Returns:
        The cells as BA prints them, with the row `Insgesamt`; how many are withheld.
    """
    import numpy as np
    import pandas as pd

    values = table.to_numpy()
    small = (values > 0) & (values < SMALL)
    alone = small.sum(axis=0) == 1
    rest = np.where(small | (values == 0), np.iinfo(np.int64).max, values)
    next_one = rest.argmin(axis=0)
    for column in np.flatnonzero(alone & (rest.min(axis=0) < np.iinfo(np.int64).max)):
        small[next_one[column], column] = True
    text = values.astype(object)
    text[values == 0] = "-"
    text[small] = "*"
    text[small & (np.add.outer(np.arange(len(table)), np.arange(table.shape[1])) % 3 == 0)] = "* "
    totals = [_total(n) for n in values.sum(axis=0).tolist()]
    cells = pd.DataFrame(
        [*text.tolist(), totals], index=[*table.index, "Insgesamt"], columns=table.columns
    )
    return cells, int(small.sum()) + totals.count("*")


def _total(number: int) -> int | str:
    if number == 0:
        return "-"
    return "*" if number < SMALL else number


def _write_workbook(path: Path, name: str, jahr: int, rows: "pd.DataFrame", shift: int) -> None:
    """Write a workbook: imprint, title block, a head of two merged levels, data, footer."""
    from openpyxl import Workbook

    book = Workbook()
    book.active.title = "Impressum"
    book.active["A1"] = FOOT
    sheet = book.create_sheet("Daten")
    sheet["A1"] = "Arbeitsmarkt kommunal: kleinräumige Gliederung"
    sheet["A2"] = name if shift % 2 else ""
    sheet["A3"] = f"Berichtsmonat: Dezember {jahr}; Datenstand: März {jahr + 1}"
    top = 5 + shift
    sheet.cell(top, 1, "Sozialraum")
    sheet.merge_cells(start_row=top, end_row=top + 1, start_column=1, end_column=1)
    groups = [group for group, _ in HEADS.values()]
    for column, (group, head) in enumerate(HEADS.values(), start=2):
        if group not in groups[: column - 2]:
            sheet.cell(top, column, group)
            last = column + groups.count(group) - 1
            sheet.merge_cells(start_row=top, end_row=top, start_column=column, end_column=last)
        sheet.cell(top + 1, column, head)
    for number, (area, cells) in enumerate(rows.iterrows(), start=top + 2):
        sheet.cell(number, 1, area)
        for column, value in enumerate(cells, start=2):
            sheet.cell(number, column, value)
    sheet.cell(number + 1, 1, FOOT)
    save_workbook(book, path, date(jahr + 1, 4, 1))


def _plant_stranger(outbox: Outbox) -> None:
    """Plant the workbook of a municipality with which there is no contract."""
    import shutil

    jahr = outbox.jahre()[-1]
    name = "Arbeitsmarkt-kommunal_05999999_Musterstadt.xlsx"
    first = sorted(outbox.path(WORKBOOKS, f"{jahr}12").glob("*.xlsx"))[0]
    shutil.copyfile(first, outbox.path(WORKBOOKS, f"{jahr}12/{name}"))
    outbox.plant(7, "another region", WORKBOOKS, name, "rejected", "liefer", 0)


# --- single records -----------------------------------------------------------------------------


def _write_records(outbox: Outbox, jahr: int, persons: "pd.DataFrame") -> None:
    """Write those entitled to SGB II, one record each, pseudonyms anew in every delivery."""
    import numpy as np

    feed = outbox.region.feed(RECORDS)
    rng = outbox.rng(f"{RECORDS} {jahr}")
    rows = persons[persons["sgb2"]].reset_index(drop=True)
    sex = rows["geschlecht"].astype(object)
    drawn = np.where(rows["person"] % 2 == 0, "maennlich", "weiblich")
    bg, community = rows["bg"].factorize()
    rows = rows.assign(
        person_id=_pseudonyms(rng, len(rows)),
        bg_id=_pseudonyms(rng, len(community))[bg],
        raum_id=rows["raum_id"].mask(rows["raum_id"].str.endswith(SUFFIX), "9999"),
        geschlecht=sex.where(sex != "divers", drawn),
        staatsangehoerigkeit=rows["staatsangehoerigkeit"].astype(str),
    )
    rows = rows.iloc[rng.permutation(len(rows))].reset_index(drop=True)
    text = delivered(feed, rows, "kommagetrennt")
    name = f"SGBII_EINZEL_{jahr}12.csv"
    new = text.head(4).assign(person_id=_pseudonyms(rng, 4), personengruppe="NLB")
    late = text.tail(3).assign(person_id=_pseudonyms(rng, 3), raum_id="")
    write_delimited(outbox, RECORDS, name, _stacked(text, new, late, text.head(2)), "kommagetrennt")
    for nr, kind, reason, count in (
        (13, "new code", "personengruppe: not in the code list", 4),
        (7, "no area", "raum_id: missing", 3),
        (6, "identical row twice", "key (person_id): stands twice, identical", 2),
    ):
        outbox.plant(nr, kind, RECORDS, name, "quarantined", reason, count)


def _pseudonyms(rng, number: int):
    """Return so many pseudonyms of 16 hexadecimal characters, all different."""
    import numpy as np

    high = rng.integers(0, 2**32, number, dtype=np.uint64) << np.uint64(32)
    return np.array(
        [f"{h | n:016x}" for n, h in enumerate(high.tolist(), start=rng.integers(2**30))]
    )


# --- ratings ------------------------------------------------------------------------------------


def _write_ratings(outbox: Outbox, jahr: int, persons: "pd.DataFrame") -> None:
    """Write the Jobcenter's rating: fifths of the areas by their share of SGB II."""
    import pandas as pd
    from openpyxl import Workbook

    feed = outbox.region.feed(RATINGS)
    stock = outbox.county.bestand(jahr)
    people = stock[stock["wohnungsstatus"] != "neben"]["raum_id"].astype(str).value_counts()
    areas = sorted(outbox.areas_at(date(jahr, 12, 31))["raum_id"].astype(str))
    entitled = persons[persons["sgb2"]]["raum_id"].value_counts().reindex(areas, fill_value=0)
    share = entitled / people.reindex(areas).fillna(1)
    rated = pd.qcut(share.rank(method="first"), len(CLASSES), labels=CLASSES)
    rows = delivered(
        feed, pd.DataFrame({"raum_id": areas, "bewertung": rated.astype(str).to_numpy()}), "mappe"
    )
    book = Workbook()
    sheet = book.active
    sheet.title = "Bewertung"
    sheet["A1"] = "Einschätzung der Sozialräume durch das Jobcenter"
    sheet["A2"] = f"Stand: 31.12.{jahr}"
    sheet.append([])
    for line in ([column.header for column in feed.columns], *rows.itertuples(index=False)):
        sheet.append(list(line))
    sheet.append([areas[0] + "x", "6 unbekannt"])
    name = f"BEWERTUNG_{jahr}1231.xlsx"
    save_workbook(book, outbox.path(RATINGS, name), date(jahr + 1, 4, 1))
    outbox.plant(13, "new code", RATINGS, name, "quarantined", "bewertung: not in the code list", 1)


def _stacked(*frames: "pd.DataFrame") -> "pd.DataFrame":
    import pandas as pd

    return pd.concat(frames, ignore_index=True)
