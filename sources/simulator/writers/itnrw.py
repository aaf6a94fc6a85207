"""The state office's tables: classic GENESIS and the flat file (ffcsv), of the whole Land.

Figures of the county follow from its frames; what the tables hold beside it is made from
`profiles/nrw/gebiete.yaml` and only has the right form.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING

from sources.simulator.profile import PROFILES
from sources.simulator.writers.outbox import Outbox

if TYPE_CHECKING:
    import pandas as pd

POPULATION, AIDS, MINIMUM = "itnrw_fortschreibung", "itnrw_hze", "itnrw_mindestsicherung"
SHARE, CARE = "itnrw_mindestsicherungsquote", "itnrw_pflege"

MALE_SHARE = 0.489
ASYLUM_SHARE = 0.006
"""Persons with Regelleistungen nach dem AsylbLG; the county's frames do not know them."""

IN_THOUSANDS = 2012
"""The year whose Fortschreibung is delivered in unit 1000."""

FLAT_FROM = 2015
CARE_YEARS = 2
"""The Pflegestatistik comes every second year, the odd ones."""

KINDS = {
    "p27": "Hilfe zur Erziehung § 27 SGB VIII",
    "p28": "Erziehungsberatung § 28 SGB VIII",
    "p29": "Soziale Gruppenarbeit § 29 SGB VIII",
    "p30": "Einzelbetreuung § 30 SGB VIII",
    "p31": "Sozialpädagogische Familienhilfe § 31 SGB VIII",
    "p32": "Erziehung in einer Tagesgruppe § 32 SGB VIII",
    "p33": "Vollzeitpflege § 33 SGB VIII",
    "p34": "Heimerziehung, sonstige betreute Wohnform § 34 SGB VII",
    "p35": "Intensive sozialpädagogische Einzelbetreuung § 35 SGB VIII",
    "p35a": "Eingliederungshilfe für seelisch behinderte junge Menschen § 35a SGB VIII",
}
TAKEN, BEGUN = "In Anspruch genommene erzieh. Hilfen", "Begonnene erzieher. Hilfen/Beratungen"
TYPICAL_AIDS = 0.0017
"""Aids of one kind per inhabitant, for what lies outside the county."""

_RECIPIENTS = "Empfänger/innen von soz. Mindestsicherungsleistung"
_SGB2 = "Gesamtregelleistung (ALG II/Sozialgeld) nach dem SGB II"
_GS = "Grundsicherung im Alter und bei Erwerbsminderung nach dem SGB XII"
BENEFITS = {
    "sgb2": (_SGB2, ""),
    "insgesamt": ("Insgesamt", ""),
    "sgb2_": (_SGB2, ""),
    "hlu": ("Hilfe zum Lebensunterhalt außerhalb von Einrichtungen nach dem SGB XII", ""),
    "gs": (_GS, "Insgesamt"),
    "gs_alter": (_GS, "im Alter"),
    "gs_erwerbsminderung": (_GS, "bei Erwerbsminderung"),
    "asylblg": ("Regelleistungen nach dem Asylbewerberleistungsgesetz", ""),
}
"""Columns of table 22811-05i with their two levels of the head; the first stands twice."""

CARES = {
    "insgesamt": "Insgesamt",
    "ambulant": "ambulante Pflege",
    "stationaer": "stationäre Pflege",
    "pflegegeld": "Pflegegeld",
}


def write(outbox: Outbox) -> None:
    """Write the tables of all years."""
    for jahr in sorted(_population(outbox).columns):
        _write_population(outbox, jahr)
    for jahr in outbox.jahre():
        needs = outbox.county.lagen(jahr)
        _write_aids(outbox, jahr, needs)
        benefits = _benefits(outbox, jahr, needs)
        _write_minimum(outbox, jahr, benefits)
        _write_share(outbox, jahr, benefits)
        if jahr % CARE_YEARS == 1:
            _write_care(outbox, jahr, needs)


# --- what a table speaks of --------------------------------------------------------------------


@cache
def gebiete() -> dict:
    """Return the areas of the Land outside the county."""
    import yaml

    return yaml.safe_load((PROFILES / "nrw" / "gebiete.yaml").read_text(encoding="utf-8"))


def _regions(outbox: Outbox) -> "pd.DataFrame":
    """Return the rows of a table by municipality: gebiet_id, label (indented), einwohner outside.

    Dissolved areas have no inhabitants, those of the county -1: their figures follow from it.
    """
    import pandas as pd

    county, known = outbox.county.profile, gebiete()
    rows = [(known["land"]["gebiet_id"], known["land"]["name"], known["land"]["einwohner"])]
    rows += [(r["gebiet_id"], "  " + r["name"], r["einwohner"]) for r in known["regierungsbezirke"]]
    rows += [(k["gebiet_id"], "    " + k["name"], k["einwohner"]) for k in known["kreise"]]
    rows += [(k["gebiet_id"], "    " + k["name"], 0) for k in known["aufgeloest"]]
    rows += [(county.kreis_id, "    " + outbox.region.name, -1)]
    rows += [(k.kommune_id, "      " + k.name, -1) for k in county.kommunen]
    frame = pd.DataFrame(rows, columns=["gebiet_id", "label", "einwohner"])
    return frame.sort_values("gebiet_id", ignore_index=True)


def _filled(
    outbox: Outbox, regions: "pd.DataFrame", own: "pd.DataFrame", outside: Callable[[int], Sequence]
) -> list[tuple[str, str, list[str]]]:
    """Return the rows of a table: key, label, cells; `-` where there is nothing.

    Args:
        outbox: gives the county.
        regions: the rows' areas.
        own: figures by kommune_id.
        outside: figures of an area elsewhere from its inhabitants.
    """
    of_county = own.sum()
    rows = []
    for key, label, people in regions.itertuples(index=False):
        inside = own.loc[key] if key in own.index else of_county
        rows.append((key, label, _cells(outside(people) if people >= 0 else inside)))
    return rows


def _classic(
    table: str,
    titles: Sequence[str],
    heads: Sequence[Sequence[str]],
    rows: Sequence[tuple[str, ...]],
    notes: str,
    jahr: int,
    time: str | None,
) -> bytes:
    """Return a classic table: titles, head, units, data, underscores, notes, stamp."""
    labels = 3 if time else 2
    width = labels + len(heads[0])
    lines = [f"Tabelle: {table}"]
    lines += [title + ";" * (width - 1) for title in titles]
    lines += [";" * labels + ";".join(head) for head in heads]
    first = [time] if time else []
    lines += [";".join([*first, key, label, *cells]) for key, label, cells in rows]
    quoted = notes.replace('"', '""')
    lines += ["__________", f'"{quoted}"']
    lines += [f"© IT.NRW, Düsseldorf, {jahr + 1}. Datenlizenz Deutschland - Namensnennung."]
    lines += [f"Stand: 19.09.{jahr + 1} / 10:12:47"]
    return ("\n".join(lines) + "\n").encode("iso-8859-1")


# --- Fortschreibung ----------------------------------------------------------------------------


def _population(outbox: Outbox) -> "pd.DataFrame":
    """Return the Fortschreibung: kommune_id × year."""
    import pandas as pd

    frame = outbox.county.kommunen.set_index("kommune_id")["fortschreibung"]
    return pd.DataFrame(frame.tolist(), index=frame.index)


def _by_sex(outbox: Outbox, jahr: int) -> "pd.DataFrame":
    """Return the Fortschreibung of a year: kommune_id × (all, men, women)."""
    frame = outbox.county.fortschreibung
    frame = frame[frame["jahr"] == jahr]
    wide = frame.pivot(index="kommune_id", columns="geschlecht", values="anzahl")
    wide.insert(0, "insgesamt", wide.sum(axis=1))
    return wide[["insgesamt", "maennlich", "weiblich"]]


def _write_population(outbox: Outbox, jahr: int) -> None:
    """Write the Fortschreibung of a year: the classic table, since 2015 the flat file."""
    own = _by_sex(outbox, jahr)
    rows = _filled(outbox, _regions(outbox), own, _by_sex_of)
    dissolved = len(gebiete()["aufgeloest"]) * own.shape[1]
    if jahr >= FLAT_FROM:
        name = f"12411-01i_{jahr}_flat.csv"
        outbox.path(POPULATION, name).write_bytes(_flat(rows, jahr))
        outbox.plant(2, "flat file", POPULATION, name, "accepted", "flach", 0)
    else:
        name = f"12411-01i_{jahr}.csv"
        thousand = jahr == IN_THOUSANDS
        cells = [
            (k, label, [_thousandth(c) if thousand else c for c in cs]) for k, label, cs in rows
        ]
        heads = [
            ["Bevölkerungsstand"] * 3,
            ["Insgesamt", "männlich", "weiblich"],
            ["1000" if thousand else "Anzahl"] * 3,
        ]
        titles = ["Bevölkerungsstand nach Geschlecht", "- Gemeinden - Stichtag", "Fortschreibung"]
        notes = 'Basis Zensus 2011; "Stand" ist der Tag\ndes Abrufs.'
        content = _classic("12411-01i", titles, heads, cells, notes, jahr, f"31.12.{jahr}")
        outbox.path(POPULATION, name).write_bytes(content)
        if thousand:
            cells_in = sum(c != "-" for _, _, cs in rows for c in cs)
            outbox.plant(9, "unit 1000", POPULATION, name, "accepted", "klassisch", cells_in)
        outbox.plant(8, "quoted footer", POPULATION, name, "accepted", "klassisch", 0)
    outbox.plant(5, "dissolved counties", POPULATION, name, "state", "zero", dissolved)


def _by_sex_of(people: int) -> list[int]:
    male = round(people * MALE_SHARE)
    return [people, male, people - male]


def _thousandth(cell: str) -> str:
    """Return a count in thousands, exactly."""
    return cell if cell == "-" else f"{int(cell) // 1000},{int(cell) % 1000:03d}"


def _flat(rows: Sequence[tuple[str, ...]], jahr: int) -> bytes:
    """Return the flat file: one line for each cell, with BOM, in no order to rely on."""
    head = (
        "statistics_code;statistics_label;time_code;time_label;time;"
        "1_variable_code;1_variable_label;1_variable_attribute_code;1_variable_attribute_label;"
        "2_variable_code;2_variable_label;2_variable_attribute_code;2_variable_attribute_label;"
        "value;value_unit;value_variable_code;value_variable_label"
    )
    sexes = (("", "Insgesamt"), ("GESM", "männlich"), ("GESW", "weiblich"))
    lines = [
        f"12411;Fortschreibung des Bevölkerungsstandes;STAG;Stichtag;{jahr}-12-31;"
        f"GEMEIN;Gemeinden;{key};{label.strip()};GES;Geschlecht;{code};{text};"
        f"{cell};Anzahl;BEVSTD;Bevölkerungsstand"
        for key, label, cells in rows
        for (code, text), cell in zip(sexes, cells, strict=True)
    ]
    unordered = sorted(lines, key=lambda line: line[::-1])
    return b"\xef\xbb\xbf" + ("\n".join([head, *unordered]) + "\n").encode()


# --- Hilfen zur Erziehung ----------------------------------------------------------------------


def _write_aids(outbox: Outbox, jahr: int, needs: "pd.DataFrame") -> None:
    """Write aids by Jugendamt; in the last year one prints dashes although it did not report."""
    import pandas as pd

    offices = _offices(outbox)
    of_kommune = {kommune: key for key, _, kommunen in offices for kommune in kommunen}
    kind = needs["hze"].astype(object)
    given = kind.isin(list(KINDS))
    office = needs["kommune_id"].astype(str).map(of_kommune)
    taken = pd.crosstab(office[given], kind[given].astype(str))
    taken = taken.reindex([key for key, _, _ in offices], columns=list(KINDS), fill_value=0)
    own = _with_total(taken)
    known = gebiete()
    silent = known["nicht_gemeldet"] if jahr == outbox.jahre()[-1] else None
    elsewhere = [known["land"], *known["regierungsbezirke"], *known["kreise"]]
    rows = [(a["gebiet_id"], a["name"], _elsewhere(a["einwohner"])) for a in elsewhere]
    rows = [(key, label, ["-"] * 22 if key == silent else cells) for key, label, cells in rows]
    rows += [(a["gebiet_id"], "    " + a["name"], ["-"] * 22) for a in known["aufgeloest"]]
    rows += [(outbox.county.profile.kreis_id, "    " + outbox.region.name, _cells(own.sum()))]
    rows += [(key, "      " + name, _cells(own.loc[key])) for key, name, _ in offices]
    kinds = ["Insgesamt", *KINDS.values()]
    heads = [
        ["Art der Hilfe"] * 22,
        [text for text in kinds for _ in range(2)],
        [TAKEN, BEGUN] * 11,
        ["Anzahl"] * 22,
    ]
    titles = [
        "Statistik der erzieherischen Hilfen:",
        "Hilfen nach Art - Jugendämter - Jahr",
        "Statistik",
    ]
    notes = (
        f"{jahr}:\nNicht alle Jugendämter haben gemeldet; betroffene Werte\nsind mit ( ) versehen."
    )
    name = f"22517-02i_{jahr}.csv"
    content = _classic("22517-02i", titles, heads, rows, notes, jahr, str(jahr))
    outbox.path(AIDS, name).write_bytes(content)
    dissolved = 22 * len(known["aufgeloest"])
    outbox.plant(5, "dissolved counties", AIDS, name, "state", "zero", dissolved)
    outbox.plant(8, "quoted footer", AIDS, name, "accepted", "klassisch", 0)
    if silent:
        outbox.plant(5, "nothing reported, dashes", AIDS, name, "state", "pending", 22)


def _offices(outbox: Outbox) -> list[tuple[str, str, list[str]]]:
    """Return the county's Jugendämter: key, name, municipalities."""
    kreis = outbox.county.profile.kreis_id
    found = []
    for unit, kommunen in outbox.liefereinheiten("jugendamt_hze").items():
        key = f"JH{kommunen[0]}" if len(kommunen) == 1 else f"JH{kreis}999"
        found.append((key, outbox.region.liefereinheiten[unit].name, kommunen))
    return sorted(found)


def _with_total(taken: "pd.DataFrame") -> "pd.DataFrame":
    """Return taken and begun aids, in total and by kind, side by side."""
    import pandas as pd

    both = pd.concat([taken.sum(axis=1).rename("insgesamt"), taken], axis=1)
    pairs = {}
    for kind in both.columns:
        pairs[kind, TAKEN] = both[kind]
        pairs[kind, BEGUN] = both[kind] // 2
    frame = pd.DataFrame(pairs)
    frame["insgesamt", BEGUN] = sum(frame[kind, BEGUN] for kind in KINDS)
    return frame


def _elsewhere(people: int) -> list[str]:
    taken = [round(people * TYPICAL_AIDS)] * len(KINDS)
    begun = [n // 2 for n in taken]
    pairs = zip([sum(taken), *taken], [sum(begun), *begun], strict=True)
    return [str(n) for pair in pairs for n in pair]


def _cells(values: Sequence[int]) -> list[str]:
    return [str(int(value)) if value else "-" for value in values]


# --- Mindestsicherung --------------------------------------------------------------------------


def _benefits(outbox: Outbox, jahr: int, needs: "pd.DataFrame") -> "pd.DataFrame":
    """Count recipients by municipality: SGB II exact, all others as multiples of five."""
    import pandas as pd

    kommune = needs["kommune_id"].astype(str)
    basic = needs["gs"].astype(str)
    people = _population(outbox)[jahr]
    counts = {
        "sgb2": needs["sgb2"].astype(int).groupby(kommune).sum(),
        "hlu": _five(basic.eq("hlu").groupby(kommune).sum()),
        "gs": _five(basic.isin(["gs_alter", "gs_erwerbsminderung"]).groupby(kommune).sum()),
        "gs_alter": _five(basic.eq("gs_alter").groupby(kommune).sum()),
        "gs_erwerbsminderung": _five(basic.eq("gs_erwerbsminderung").groupby(kommune).sum()),
        "asylblg": _five(people * ASYLUM_SHARE),
    }
    frame = pd.DataFrame(counts).reindex(people.index).fillna(0).astype(int)
    frame["sgb2_"] = frame["sgb2"]
    frame["insgesamt"] = frame["sgb2"] + frame["hlu"] + frame["gs"] + frame["asylblg"]
    return frame[list(BENEFITS)]


def _five(count: "pd.Series") -> "pd.Series":
    return ((count / 5).round() * 5).astype(int)


def _write_minimum(outbox: Outbox, jahr: int, benefits: "pd.DataFrame") -> None:
    rows = _filled(
        outbox, _regions(outbox), benefits, lambda n: [round(n * share) for share in _TYPICAL]
    )
    heads = [
        [_RECIPIENTS] * len(BENEFITS),
        [above for above, _ in BENEFITS.values()],
        [below for _, below in BENEFITS.values()],
        ["Anzahl"] * len(BENEFITS),
    ]
    titles = [
        "Empfänger/innen von sozialen Mindestsicherungsleistungen",
        "- Gemeinden - Jahr",
        "Statistik",
    ]
    notes = f"Ab {jahr} sind Werte nach dem SGB XII\nauf ein Vielfaches von 5 gerundet."
    name = f"22811-05i_{jahr}.csv"
    content = _classic("22811-05i", titles, heads, rows, notes, jahr, str(jahr))
    outbox.path(MINIMUM, name).write_bytes(content)
    reason = "key (gebiet_id, leistung): stands twice, identical"
    outbox.plant(6, "column twice", MINIMUM, name, "quarantined", reason, len(rows))
    outbox.plant(4, "rounded beside exact", MINIMUM, name, "accepted", "klassisch", len(rows))


_TYPICAL = (0.086, 0.111, 0.086, 0.0017, 0.018, 0.011, 0.007, 0.005)


def _write_share(outbox: Outbox, jahr: int, benefits: "pd.DataFrame") -> None:
    """Write the rate; the table has no column for the year."""
    people = _population(outbox)[jahr]
    total = benefits["insgesamt"]
    rows = []
    for key, label, outside in _regions(outbox).itertuples(index=False):
        if outside >= 0:
            cell = "11,1" if outside else "-"
        elif key in total.index:
            cell = _percent(total[key] / people[key])
        else:
            cell = _percent(total.sum() / people.sum())
        rows.append((key, label, [cell]))
    titles = ["Mindestsicherungsquote - Gemeinden (Wohnortprinzip) - Jahr", "Statistik"]
    titles += ["Mindestsicherungsquote (Prozent)"]
    heads = [["Jahr"], [str(jahr)]]
    name = f"22811-01i_{jahr}.csv"
    notes = "Basis: Fortschreibung des Bevölkerungsstandes\nauf Basis des Zensus 2011."
    content = _classic("22811-01i", titles, heads, rows, notes, jahr, None)
    outbox.path(SHARE, name).write_bytes(content)
    outbox.plant(7, "year in the head only", SHARE, name, "accepted", "klassisch", len(rows))


def _percent(share: float) -> str:
    return f"{100 * share:.1f}".replace(".", ",")


# --- Pflege ------------------------------------------------------------------------------------


def _write_care(outbox: Outbox, jahr: int, needs: "pd.DataFrame") -> None:
    """Write persons in need of care; where there is a single service two cells are a point."""
    import pandas as pd

    kommune = needs["kommune_id"].astype(str)
    kind = needs["pflege"].astype(str)
    given = kind.isin(list(CARES))
    counts = pd.crosstab(kommune[given], kind[given])
    people = _population(outbox)[jahr]
    counts = counts.reindex(people.index, columns=list(CARES)[1:], fill_value=0)
    counts.insert(0, "insgesamt", counts.sum(axis=1))
    rows = _filled(outbox, _regions(outbox), counts, _care_of)
    single = people.idxmin()
    hidden = (1, 2)
    rows = [
        (
            key,
            label,
            [
                "." if key == single and n in hidden and cell != "-" else cell
                for n, cell in enumerate(cells)
            ],
        )
        for key, label, cells in rows
    ]
    printed = next(cells for key, _, cells in rows if key == single).count(".")
    titles = ["Pflegebedürftige nach Art der Leistung", "- Gemeinden - Stichtag", "Pflegestatistik"]
    heads = [["Pflegebedürftige"] * 4, list(CARES.values()), ["Anzahl"] * 4]
    notes = "Werte einzelner Dienste sind gesperrt;\nsie sind durch einen Punkt ersetzt."
    name = f"22411-01i_{jahr}.csv"
    content = _classic("22411-01i", titles, heads, rows, notes, jahr, f"31.12.{jahr}")
    outbox.path(CARE, name).write_bytes(content)
    reason = "suppressed_or_unknown"
    outbox.plant(3, "single care service", CARE, name, "state", reason, printed)


def _care_of(people: int) -> list[int]:
    parts = [round(people * share) for share in (0.008, 0.01, 0.017)]
    return [sum(parts), *parts]
