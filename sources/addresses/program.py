"""The address program at a partner's: a file of addresses becomes one with Sozialräume.

It reads one exported register and nothing else: no sealed zone, no region, no settings. How an
address is matched is `match.py`.
"""

import csv
from codecs import BOM_UTF8
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from sources.addresses.matching import answer, use_addresses, use_streets
from sources.addresses.register import ADDRESSES, STREETS
from sources.addresses.spelling import name_key_sql, parts_sql
from sources.region import Region

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

HEADERS = {
    "kommune": (
        "ags",
        "gemeindeschluessel",
        "kommuneid",
        "kommune",
        "gemeinde",
        "stadt",
        "ort",
        "wohnort",
    ),
    "schluessel": ("strassenschluessel",),
    "strasse": ("strasse", "strassenname"),
    "hausnummer": ("hausnummer", "hausnr", "hnr", "nr"),
    "zusatz": ("hausnummerzusatz", "hausnrzusatz", "hnrzusatz", "zusatz"),
    "adresse": ("adresse", "anschrift"),
}
"""How the columns of an address may be called, in normal form; the first that is found counts."""

LINE = "zeile_nr"

ADDED = ("raum_id", "gebietsstand", "methode")
"""The columns that are added to a partner's file."""


def export_register(region: Region, register: Path, target: Path) -> int:
    """Write the register for partners into one file, CSV or Parquet by the target's name.

    Grain: address × Gebietsstand × key and name that its street has or had. It holds public
    facts only: no coordinates are needed and nobody who lives there is in it.

    Returns:
        The number of rows.
    """
    import duckdb

    with duckdb.connect() as con:
        con.execute("create table stand (gebietsstand varchar, ab date, bis date)")
        for stand in region.gebietsstaende:
            row = (stand.gebietsstand, stand.gueltig_ab, stand.gueltig_bis)
            con.execute("insert into stand values (?, ?, ?)", row)
        con.execute("create table kommune (kommune_id varchar, kommune varchar)")
        for kommune in region.kommunen:
            names = "|".join((kommune.name, *kommune.aliases))
            con.execute("insert into kommune values (?, ?)", (kommune.kommune_id, names))
        con.execute(
            f"""
            create table verzeichnis as
            select kommune_id, kommune, gebietsstand, ab as gebietsstand_ab,
                   bis as gebietsstand_bis, strasse.strassenschluessel, strasse.strasse,
                   strasse.gueltig_ab, strasse.gueltig_bis, strasse.aktuell,
                   adresse.adresse_id, adresse.hausnummer, adresse.zusatz,
                   adresse.bis_hausnummer, adresse.bis_zusatz, adresse.raum_id
            from read_parquet('{register / ADDRESSES}') as adresse
            join stand using (gebietsstand)
            left join kommune using (kommune_id)
            join read_parquet('{register / STREETS}') as strasse
                using (kommune_id)
            where strasse.aktuell = adresse.strassenschluessel
            order by all
            """
        )
        target.parent.mkdir(parents=True, exist_ok=True)
        form = "csv, delimiter ';', header" if target.suffix == ".csv" else "parquet"
        con.execute(f"copy verzeichnis to '{target}' (format {form})")
        return con.execute("select count(*) from verzeichnis").fetchone()[0]


def locate(
    csv_in: Path, csv_out: Path, street_register: Path, stichtag: date | None = None
) -> dict[str, int]:
    """Write a file of addresses again, with `raum_id`, `gebietsstand` and `methode` at its end.

    Columns are found by their names (`HEADERS`): the municipality by key or name, and street and
    house number, or both in one column `adresse`. The file may be UTF-8 or Windows-1252, with
    semicolons, commas or tabs; the answer is UTF-8 with semicolons, rows in the same order.

    Args:
        csv_in: the partner's file.
        csv_out: the file to write.
        street_register: what `export_register` wrote.
        stichtag: decides the Gebietsstand; None means the newest.

    Returns:
        The number of rows by method.

    Raises:
        ValueError: a column is missing, or lines are not of one length; no value is told.
    """
    import duckdb

    rows = _read_csv(csv_in)
    with duckdb.connect() as con:
        con.register("eingabe", rows)
        _use_register(con, street_register)
        _use_rows(con, _columns(con, csv_in.name, rows.column_names[:-1]), stichtag)
        answer(con)
        added = ", ".join(f"coalesce(antwort.{name}, '') as {name}" for name in ADDED)
        csv_out.parent.mkdir(parents=True, exist_ok=True)
        con.execute(
            f"""
            copy (
                select eingabe.* exclude ({LINE}), {added}
                from eingabe join antwort using ({LINE}) order by {LINE}
            ) to '{csv_out}' (format csv, delimiter ';', header)
            """
        )
        # With the mark in front a spreadsheet shows umlauts as they are.
        csv_out.write_bytes(BOM_UTF8 + csv_out.read_bytes())
        counts = con.execute("select methode, count(*) from antwort group by all order by all")
        return dict(counts.fetchall())


def _read_csv(path: Path) -> "pa.Table":
    """Return the file's cells as text, with the number of each line."""
    import pyarrow as pa
    import pyarrow.csv as pa_csv

    text = _decoded(path.read_bytes())
    if not text.strip():
        raise ValueError(f"{path.name}: expected a heading and rows, found an empty file")
    head = text.splitlines()[0]
    delimiter = max(";,\t", key=head.count)
    names = next(csv.reader([head], delimiter=delimiter))
    bad: list[int | None] = []

    def skip(row: pa_csv.InvalidRow) -> str:
        bad.append(row.number)
        return "skip"

    parse = pa_csv.ParseOptions(
        delimiter=delimiter, newlines_in_values=True, invalid_row_handler=skip
    )
    read = pa_csv.ReadOptions(use_threads=False)  # else bad lines have no numbers
    convert = pa_csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
    )
    table = pa_csv.read_csv(BytesIO(text.encode()), read, parse, convert)
    if bad:
        raise ValueError(
            f"{path.name}: expected {len(names)} columns in every line, found another number in "
            f"line {bad[0]} and {len(bad) - 1} more; correct these lines"
        )
    if taken := {LINE, *ADDED} & set(names):
        raise ValueError(
            f"{path.name}: expected a file without the columns {sorted(taken)}, which are added; "
            "rename them"
        )
    return table.append_column(LINE, pa.array(range(table.num_rows), pa.int64()))


def _decoded(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def _use_register(con: "duckdb.DuckDBPyConnection", path: Path) -> None:
    """Make `verzeichnis`, `adresse`, `strasse` and `kommune` from the exported file."""
    reader = (
        "read_csv('{}', delim = ';', header = true, all_varchar = true)"
        if path.suffix == ".csv"
        else "read_parquet('{}')"
    ).format(path)
    con.execute(
        f"""
        create table verzeichnis as
        select * replace (
            gebietsstand_ab::date as gebietsstand_ab, gebietsstand_bis::date as gebietsstand_bis,
            gueltig_ab::date as gueltig_ab, gueltig_bis::date as gueltig_bis,
            hausnummer::integer as hausnummer, bis_hausnummer::integer as bis_hausnummer
        )
        from {reader}
        """
    )
    use_addresses(
        con,
        "(select distinct adresse_id, kommune_id, aktuell as strassenschluessel, gebietsstand, "
        "raum_id, hausnummer, zusatz, bis_hausnummer, bis_zusatz from verzeichnis)",
    )
    use_streets(
        con,
        "(select distinct kommune_id, strassenschluessel, strasse, gueltig_ab, gueltig_bis, "
        "aktuell from verzeichnis)",
    )
    con.execute(
        f"""
        create table kommune as
        select distinct kommune_id, {name_key_sql("name")} as name
        from (
            select distinct kommune_id,
                   unnest(list_concat([kommune_id], string_split(coalesce(kommune, ''), '|')))
                       as name
            from verzeichnis
        )
        where name <> ''
        """
    )


def _columns(
    con: "duckdb.DuckDBPyConnection", file_name: str, headers: list[str]
) -> dict[str, str]:
    """Return which of a file's columns holds which part of the address."""
    normal = {
        con.execute(f"select {name_key_sql('h')} from (select ? as h)", [header]).fetchone()[
            0
        ]: header
        for header in headers
    }
    found = {
        part: next(normal[name] for name in names if name in normal)
        for part, names in HEADERS.items()
        if normal.keys() & set(names)
    }
    if "strasse" in found and "hausnummer" not in found:
        found["adresse"] = found.pop("strasse")
    if not found.keys() & {"strasse", "schluessel", "adresse"}:
        raise ValueError(
            f"{file_name}: expected a column strasse and hausnummer, or adresse; found none of "
            f"them among {len(headers)} columns; name the column so"
        )
    several = con.execute("select count(distinct kommune_id) from kommune").fetchone()[0] > 1
    if "kommune" not in found and several:
        raise ValueError(
            f"{file_name}: expected a column kommune (name or key), since the register holds "
            "several; found none; add it"
        )
    return found


def _use_rows(
    con: "duckdb.DuckDBPyConnection", columns: dict[str, str], stichtag: date | None
) -> None:
    """Make `zeile` and `stand` from the partner's rows."""
    text = {part: f'"{name.replace(chr(34), chr(34) * 2)}"' for part, name in columns.items()}
    whole = parts_sql(text["adresse"]) if "adresse" in text else "null"
    asked = {
        "schluessel": text.get("schluessel", "''"),
        "strasse": text.get("strasse", "ganz.strasse"),
        "hausnummer": text.get("hausnummer", "ganz.hausnummer"),
        "zusatz": text.get("zusatz", "''"),
    }
    parts = ", ".join(f"coalesce({sql}, '') as {part}" for part, sql in asked.items())
    town = name_key_sql(text["kommune"]) if "kommune" in text else "(select min(name) from kommune)"
    con.execute(
        """
        create table stand as
        select coalesce(?, date '9999-12-31') as stichtag, gebietsstand
        from (select distinct gebietsstand, gebietsstand_ab as ab, gebietsstand_bis as bis
              from verzeichnis)
        where stichtag between coalesce(ab, date '0001-01-01') and coalesce(bis, date '9999-12-31')
        """,
        [stichtag],
    )
    if con.execute("select count(*) from stand").fetchone()[0] != 1:
        raise ValueError(
            f"register: expected one Gebietsstand that is valid on {stichtag or 'the last day'}, "
            "found none or several; ask for another day"
        )
    con.execute(
        f"""
        create table zeile as
        select {LINE}, stichtag, coalesce(kommune.kommune_id, '') as kommune_id, {parts}
        from (select *, {whole} as ganz from eingabe)
        cross join (select stichtag from stand)
        left join kommune on kommune.name = {town}
        """
    )
