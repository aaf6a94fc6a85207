"""The population registers: stock and movements of persons, or counts by Sozialraum.

A provider that serves several municipalities writes fixed width, a municipality of its own a CSV.
Half a million persons are written at once: rows are made in SQL, files of a layout from it.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sources.contract import Feed, date_format_of, header_of
from sources.layouts import DelimitedLayout, FixedWidthLayout
from sources.simulator.writers.outbox import Outbox, delivered, write_delimited

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

STOCK, MOVES = "ewo_bestand", "ewo_bewegung"
STOCK_COUNTS, TOTALS = "ewo_bestand_raum", "ewo_jahressummen"

OLD_KEY_PER_MILLE = 300
"""Rows of a renamed street that still have its old key."""

BY_NAME_PER_MILLE = 5
"""Rows with the street's name instead of its key, where a form has both."""

UNKNOWN_STREET = "00000"
"""Key in the row of a person whose address nobody knows."""

EXTRA_PERSON = 50_000_000
"""From here on numbers of persons belong to planted rows."""

BOM = b"\xef\xbb\xbf"


def write(outbox: Outbox) -> None:
    """Write what the county's registers deliver."""
    if outbox.has(STOCK):
        _write_persons(outbox)
    if outbox.has(STOCK_COUNTS):
        _write_counts(outbox)
    if outbox.has(TOTALS):
        _write_totals(outbox)


@dataclass(frozen=True)
class _File:
    """One delivery: who writes it, for which municipalities, in which layout, under which name."""

    feed: Feed
    layout: FixedWidthLayout | DelimitedLayout
    unit: str
    kommunen: tuple[str, ...]
    jahr: int

    @property
    def stem(self) -> str:
        """Return the name without its ending."""
        if self.feed.feed == STOCK:
            return f"EWO_BESTAND_{self.unit}_{self.jahr}1231"
        return f"EWO_BEWEGUNG_{self.unit}_{self.jahr}"

    @property
    def is_fixed(self) -> bool:
        """Return whether it is fixed width."""
        return isinstance(self.layout, FixedWidthLayout)

    def name(self, suffix: str = "") -> str:
        """Return its name, or that of a further file for the same Stichtag."""
        return f"{self.stem}{suffix}.{'txt' if self.is_fixed else 'csv'}"


def _write_persons(outbox: Outbox) -> None:
    import duckdb

    with duckdb.connect() as con:
        con.execute("set threads = 2")
        _prepare(con, outbox)
        for jahr in outbox.jahre():
            con.register("stand", outbox.county.bestand(jahr))
            for file in _files(outbox, STOCK, jahr):
                con.execute(f"create or replace temp table zeilen as {_stock(file)}")
                _plant_stock(con, outbox, file)
                _deliver(con, outbox, file, "zeilen")
            con.unregister("stand")
            for file in _files(outbox, MOVES, jahr):
                con.execute(f"create or replace temp table zeilen as {_moves(file)}")
                _plant_moves(con, outbox, file)
                _deliver(con, outbox, file, "zeilen")


def _prepare(con: "duckdb.DuckDBPyConnection", outbox: Outbox) -> None:
    """Make what rows of all years are made from."""
    con.register("adressen_frame", outbox.county.adressen)
    con.execute(
        "create temp table adressen as select adresse, strassenschluessel::varchar as schluessel, "
        "strasse::varchar as strasse, "
        "nullif(strassenschluessel_alt::varchar, '') as schluessel_alt, "
        "strasse_alt::varchar as strasse_alt, umbenannt_am::date as umbenannt_am, "
        "hausnummer::varchar as hausnummer, nullif(zusatz::varchar, '') as zusatz "
        "from adressen_frame"
    )
    # A number of the register, not of the person: it changes with the municipality. The factor
    # has no divisor in common with 10^11, so that no two persons share a number.
    con.execute(
        "create macro pseudonym(person, kommune) as 'OM' || kommune[6:8] || lpad((("
        "person::bigint * 38271906513 + kommune[6:8]::bigint * 7919) % 100000000000)::varchar, "
        "11, '0')"
    )
    con.execute("create macro chance(person, salt) as (person::bigint * 2654435761 + salt) % 1000")
    con.execute(
        "create macro uses_old(person, alt, since, day) as alt is not null "
        f"and (since > day or chance(person, 7) < {OLD_KEY_PER_MILLE})"
    )
    con.register("personen_frame", outbox.county.personen)
    con.register("menschen_frame", outbox.county.menschen)
    con.execute(f"create temp table ereignisse as {_EVENTS}")


def _files(outbox: Outbox, name: str, jahr: int) -> list[_File]:
    """Return who delivers a feed: one that serves several municipalities writes fixed width."""
    feed = outbox.region.feed(name)
    forms = {layout.format: layout for layout in feed.layouts}
    return [
        _File(
            feed,
            forms["fixed_width" if len(kommunen) > 1 else "delimited"],
            unit,
            tuple(kommunen),
            jahr,
        )
        for unit, kommunen in outbox.liefereinheiten(name).items()
    ]


def _stock(file: _File) -> str:
    """SQL for the rows of a stock under the contract's names, as the partner's text."""
    day = f"date '{file.jahr}-12-31'"
    by_name = "false" if file.is_fixed else f"chance(s.person, 3) < {BY_NAME_PER_MILLE}"
    old = f"uses_old(s.person, a.schluessel_alt, a.umbenannt_am, {day})"
    return f"""
        select
            '{file.jahr}1231' as stichtag_datei,
            s.kommune_id::varchar as kommune_id,
            pseudonym(s.person, s.kommune_id::varchar) as person_id,
            {_pointer("ehegatte")} as ehegatte_id,
            {_pointer("vater")} as vater_id,
            {_pointer("mutter")} as mutter_id,
            case when a.adresse is null then '{UNKNOWN_STREET}'
                when {by_name} then null
                when {old} then a.schluessel_alt
                else a.schluessel end as strassenschluessel,
            case when a.adresse is not null and {by_name}
                then case when {old} then a.strasse_alt else a.strasse end end as strasse,
            coalesce(a.hausnummer, '1') as hausnummer,
            a.zusatz as hausnummer_zusatz,
            {_code(file, "wohnungsstatus", "s.wohnungsstatus")} as wohnungsstatus,
            lpad(s.geburtsmonat::varchar, 6, '0') as geburtsmonat,
            {_code(file, "geschlecht", "s.geschlecht")} as geschlecht,
            {_code(file, "familienstand", "s.familienstand")} as familienstand,
            lpad(s.staat1::varchar, 3, '0') as staat1,
            nullif(s.staat2::varchar, '') as staat2,
            {_code(file, "art_deutsche_sta", "s.art_deutsche_sta")} as art_deutsche_sta,
            nullif(s.geburtsland::varchar, '') as geburtsland,
            nullif(s.zuzugsherkunft::varchar, '') as zuzugsherkunft,
            {_day(file, "einzug_wohnung", "s.einzug_wohnung")} as einzug_wohnung,
            s.auskunftssperre::integer::varchar as auskunftssperre
        from stand as s left join adressen as a on a.adresse = s.adresse
        where s.kommune_id::varchar in ({_listed(file.kommunen)})
    """


_EVENTS = """
    select person, adresse, kommune_id::varchar as kommune, anlass_von::varchar as art,
        von::date as tag, buchung_von::date as buchung, herkunft::varchar as ort
    from personen_frame where anlass_von::varchar in ('geburt', 'zuzug', 'umzug')
    union all
    select person, adresse, kommune_id::varchar, anlass_bis::varchar,
        bis::date, buchung_bis::date, ziel::varchar
    from personen_frame where anlass_bis::varchar in ('sterbefall', 'fortzug')
"""
"""What happened to whom; a move within a municipality is told once, by the new address."""


def _moves(file: _File) -> str:
    """SQL for what was booked in a year: up to its closing day, and late bookings from before."""
    jahr, days = file.jahr, file.feed.buchungsschluss_tage
    begins, ends = (f"(date '{year}-12-31' + {days})" for year in (jahr - 1, jahr))
    return f"""
        select
            e.kommune as kommune_id,
            pseudonym(e.person, e.kommune) as person_id,
            {_code(file, "bewegungsart", "e.art")} as bewegungsart,
            {_day(file, "ereignisdatum", "e.tag")} as ereignisdatum,
            {_day(file, "verarbeitungsdatum", "e.buchung")} as verarbeitungsdatum,
            case when a.adresse is null then '{UNKNOWN_STREET}'
                when uses_old(e.person, a.schluessel_alt, a.umbenannt_am, e.tag)
                then a.schluessel_alt else a.schluessel end as strassenschluessel,
            coalesce(a.hausnummer, '1') as hausnummer,
            a.zusatz as hausnummer_zusatz,
            lpad(m.geburtsmonat::varchar, 6, '0') as geburtsmonat,
            {_code(file, "geschlecht", "m.geschlecht")} as geschlecht,
            lpad(m.staat1::varchar, 3, '0') as staat1,
            nullif(e.ort, '') as herkunft_ziel
        from ereignisse as e
        join menschen_frame as m on m.person = e.person
        left join adressen as a on a.adresse = e.adresse
        where e.kommune in ({_listed(file.kommunen)}) and e.buchung <= {ends}
            and (year(e.tag) = {jahr} or (year(e.tag) < {jahr} and e.buchung > {begins}))
    """


def _pointer(column: str) -> str:
    return f"case when s.{column} >= 0 then pseudonym(s.{column}, s.kommune_id::varchar) end"


def _code(file: _File, column: str, value: str) -> str:
    """SQL for the partner's code: the first one agreed for a value, the last one in a CSV."""
    codes = next(c for c in file.feed.columns if c.name == column).codes
    pairs = list(codes.items()) if not file.is_fixed and column == "wohnungsstatus" else None
    own = {canonical: code for code, canonical in pairs or reversed(codes.items())}
    cases = " ".join(f"when '{canonical}' then '{code}'" for canonical, code in own.items())
    return f"case {value}::varchar {cases} end"


def _day(file: _File, column: str, value: str) -> str:
    wanted = next(c for c in file.feed.columns if c.name == column)
    missing = "'00000000'" if file.is_fixed else "null"
    text = f"strftime({value}::date, '{date_format_of(file.layout, wanted)}')"
    return f"coalesce({text}, {missing})"


def _listed(texts: tuple[str, ...]) -> str:
    return ", ".join(f"'{text}'" for text in texts)


def _deliver(
    con: "duckdb.DuckDBPyConnection", outbox: Outbox, file: _File, rows: str, suffix: str = ""
) -> None:
    """Write rows as a file of its layout."""
    path = outbox.path(file.feed.feed, file.name(suffix))
    if file.is_fixed:
        lines = con.execute(f"select {_line(file.layout)} as line from {rows} order by line")
        _write_lines(path, lines.to_arrow_table().column("line"), file.layout)
        return
    columns = [c for c in file.feed.columns if c.name not in file.layout.lacks]
    named = ", ".join(f'{c.name} as "{header_of(file.layout, c)}"' for c in columns)
    _write_csv(path, con.execute(f"select {named} from {rows} order by person_id").to_arrow_table())


def _line(layout: FixedWidthLayout) -> str:
    """SQL for a line: the record's sign, then each field filled up to its width."""
    fields = sorted(layout.fields.items(), key=lambda item: item[1])
    parts = [f"rpad(coalesce({name}, ''), {width}, ' ')" for name, (_, width) in fields]
    return " || ".join([f"'{layout.record}'", *parts])


def _write_lines(path: Path, lines: "pa.ChunkedArray", layout: FixedWidthLayout) -> None:
    """Write lines with CR LF, and the trailer that counts them."""
    import pyarrow as pa
    from pyarrow import compute

    joined = pa.ListArray.from_arrays([0, len(lines)], lines.combine_chunks())
    trailer = f"\r\n{layout.trailer}{len(lines):0{layout.trailer_count[1]}d}\r\n"
    with path.open("wb") as file:
        file.write(compute.binary_join(joined, "\r\n")[0].as_buffer())
        file.write(trailer.encode(layout.encoding))


def _write_csv(path: Path, table: "pa.Table") -> None:
    """Write a table of text without `;` or quotes in its cells: UTF-8 with BOM, fast."""
    from pyarrow import csv

    options = csv.WriteOptions(include_header=False, delimiter=";", quoting_style="none")
    with path.open("wb") as file:
        file.write(BOM + ";".join(table.column_names).encode() + b"\n")
        csv.write_csv(table, file, options)


# --- planted defects --------------------------------------------------------------------------


def _plant_stock(con: "duckdb.DuckDBPyConnection", outbox: Outbox, file: _File) -> None:
    """Plant bad rows in a stock, and wrong files beside that of the last year."""
    name = file.name()
    new, doubled, twice = (_samples(con, n, salt) for n, salt in ((7, 1), (5, 2), (4, 3)))
    extra = f"('OM999' || lpad(({EXTRA_PERSON} + row_number() over ())::varchar, 11, '0'))"
    con.execute(
        "insert into zeilen "
        f"select * replace ({extra} as person_id, 'x' as geschlecht) from {new} "
        f"union all select * from {doubled} "
        f"union all (select * replace (replace({extra}, 'OM', 'ZW') as person_id) from {twice} "
        f"union all select * replace (replace({extra}, 'OM', 'ZW') as person_id, "
        f"'196907' as geburtsmonat) from {twice})"
    )
    twice_over = "key (person_id): stands twice"
    outbox.plant(13, "new code", STOCK, name, "quarantined", "geschlecht: not in the code list", 7)
    outbox.plant(
        6, "identical row twice", STOCK, name, "quarantined", f"{twice_over}, identical", 5
    )
    outbox.plant(6, "key twice", STOCK, name, "quarantined", twice_over, 8)
    if not file.is_fixed and file.jahr == outbox.jahre()[1]:
        con.execute("update zeilen set kommune_id = ltrim(kommune_id, '0')")
        rows = con.execute("select count(*) from zeilen").fetchone()[0]
        reason = "leading zeros of kommune_id"
        outbox.plant(11, "AGS as a number", STOCK, name, "repaired", reason, rows)
    if file.jahr == outbox.jahre()[-1]:
        _plant_wrong_stocks(con, outbox, file)


def _plant_wrong_stocks(con: "duckdb.DuckDBPyConnection", outbox: Outbox, file: _File) -> None:
    """Write files that must be refused as a whole: nothing of them takes the right one's place."""
    con.execute(
        "create or replace temp view alt as "
        f"select * replace ('{file.jahr - 1}1231' as stichtag_datei) from {_samples(con, 200, 4)}"
    )
    _deliver(con, outbox, file, "alt", "_aktualisiert")
    name, reason = file.name("_aktualisiert"), "stichtag_datei: not the Stichtag"
    outbox.plant(12, "another Stichtag than in the name", STOCK, name, "rejected", reason, 200)
    con.execute(f"create or replace temp view teil as select * from {_samples(con, 300, 5)}")
    if file.is_fixed:
        path = outbox.path(STOCK, file.name("_teil"))
        _deliver(con, outbox, file, "teil", "_teil")
        path.write_bytes(path.read_bytes()[: (file.layout.width + 2) * 250])
        outbox.plant(12, "cut off", STOCK, path.name, "rejected", "truncated", 250)
    else:
        path = outbox.path(STOCK, file.name("_ansi"))
        con.execute(
            "create or replace temp view ansi as "
            "select * replace ('Bäckergasse' as strasse) from teil"
        )
        _deliver(con, outbox, file, "ansi", "_ansi")
        text = path.read_bytes().removeprefix(BOM).decode()
        path.write_bytes(text.encode("cp1252"))
        outbox.plant(10, "cp1252 as UTF-8", STOCK, path.name, "rejected", "no such text", 300)


def _plant_moves(con: "duckdb.DuckDBPyConnection", outbox: Outbox, file: _File) -> None:
    """Plant movements of a kind that was never agreed on."""
    extra = f"('OM999' || lpad(({EXTRA_PERSON} + row_number() over ())::varchar, 11, '0'))"
    con.execute(
        f"insert into zeilen select * replace ({extra} as person_id, 'SW' as bewegungsart) "
        f"from {_samples(con, 3, 6)}"
    )
    reason = "bewegungsart: not in the code list"
    outbox.plant(13, "new code", MOVES, file.name(), "quarantined", reason, 3)


def _samples(con: "duckdb.DuckDBPyConnection", number: int, salt: int) -> str:
    """SQL for some rows, always the same."""
    return (
        f"(select * from zeilen order by hash(person_id) % 1000003 + {salt}, person_id "
        f"limit {number} offset {salt * 40})"
    )


# --- counts -----------------------------------------------------------------------------------


def _write_counts(outbox: Outbox) -> None:
    """Write the stock as counts: the provider places and counts persons itself."""
    feed = outbox.region.feed(STOCK_COUNTS)
    (unit,) = feed.liefereinheiten
    for jahr in outbox.jahre():
        rows = delivered(feed, _counted(outbox, jahr), "kommagetrennt")
        name = f"EWO_RAUM_{unit}_{jahr}1231.csv"
        extra = rows.head(4).assign(geschlecht="x")
        write_delimited(outbox, STOCK_COUNTS, name, _stacked(rows, extra), "kommagetrennt")
        reason = "geschlecht: not in the code list"
        outbox.plant(13, "new code", STOCK_COUNTS, name, "quarantined", reason, 4)
    dashed = rows.head(50).assign(raum_id=rows["raum_id"].str.replace("-", "–"))
    name = f"EWO_RAUM_{unit}_{jahr}1231_ansi.csv"
    write_delimited(outbox, STOCK_COUNTS, name, dashed, "kommagetrennt", encoding="cp1252")
    outbox.plant(10, "cp1252 as UTF-8", STOCK_COUNTS, name, "rejected", "no such text", 50)


def _counted(outbox: Outbox, jahr: int):
    """Count inhabitants by area, age, sex and nationality; divers goes by the person's number."""
    import numpy as np

    stock = outbox.county.bestand(jahr)
    stock = stock[stock["wohnungsstatus"] != "neben"]
    sex = stock["geschlecht"].astype(object)
    drawn = np.where(stock["person"] % 2 == 0, "maennlich", "weiblich")
    return (
        stock.assign(
            raum_id=stock["raum_id"].astype(str),
            altersjahr=stock["alter"],
            geschlecht=sex.where(sex != "divers", drawn),
            staatsangehoerigkeit=stock["staatsangehoerigkeit"].astype(str),
        )
        .groupby(["raum_id", "altersjahr", "geschlecht", "staatsangehoerigkeit"])
        .size()
        .rename("anzahl")
        .reset_index()
    )


def _write_totals(outbox: Outbox) -> None:
    """Write register totals by area of earlier years."""
    import shutil

    feed = outbox.region.feed(TOTALS)
    totals = outbox.county.jahressummen
    for jahr, frame in totals.groupby("jahr"):
        rows = delivered(feed, frame.reset_index(drop=True), "kommagetrennt")
        name = f"EWO_JAHRESSUMMEN_{jahr}.csv"
        write_delimited(outbox, TOTALS, name, rows, "kommagetrennt")
    copy = f"EWO_JAHRESSUMMEN_{jahr}_kopie.csv"
    shutil.copyfile(outbox.path(TOTALS, name), outbox.path(TOTALS, copy))
    outbox.plant(12, "same file twice", TOTALS, copy, "duplicate", name, 0)


def _stacked(*frames):
    import pandas as pd

    return pd.concat(frames, ignore_index=True)
