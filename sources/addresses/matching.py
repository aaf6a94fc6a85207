"""Which address a row means: by key, by name, by range, by similarity; and what has no place.

Works on the distinct addresses of a feed, as sets. The register is `register.py`, spelling is
`spelling.py`. A match that could mean two Sozialräume is not made, and none is made across
municipalities.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from sources.addresses.register import ADDRESSES, STREETS, accepted
from sources.addresses.spelling import name_key_sql, numbers_sql
from sources.contract import KREIS, Feed
from sources.landing import Folders
from sources.region import Region

if TYPE_CHECKING:
    import duckdb

SHORTEST = 6
"""Letters that a name needs to be corrected at all: one slip in `Ring` may make any word."""

TWO_SLIPS = 25
"""Letters from which two slips are corrected: at least 92 % are right then."""

LATER = "~"
"""Sorts behind every suffix: the range `12-14` goes up to the last suffix of 14."""

QUESTION = ("stichtag", "kommune_id", "schluessel", "strasse", "hausnummer", "zusatz")
"""What a row asks; rows that ask the same are answered together."""

EXACT = (
    "adresse.nummer = offen.nummer and adresse.zusatz = offen.zusatz "
    "and adresse.bis_nummer = offen.bis_nummer and adresse.bis_zusatz = offen.bis_zusatz"
)
_SAME_SIDE = (
    "(adresse.nummer % 2 = offen.nummer % 2 or (offen.bis_nummer - offen.nummer) % 2 = 1 "
    "or (adresse.bis_nummer - adresse.nummer) % 2 = 1)"
)
OVERLAP = (
    "offen.nummer > 0 and adresse.nummer > 0 "
    "and (adresse.nummer, adresse.zusatz) <= (offen.bis_nummer, offen.bis_spaet) "
    "and (offen.nummer, offen.zusatz) <= (adresse.bis_nummer, adresse.bis_spaet) "
    f"and {_SAME_SIDE}"
)
BARE = (
    "offen.nummer > 0 and offen.nummer <= adresse.bis_nummer "
    f"and adresse.nummer <= offen.bis_nummer and {_SAME_SIDE}"
)


def match(
    feed: Feed, region: Region, folders: Folders, register: Path, target: Path
) -> dict[str, int]:
    """Write which Sozialraum each landed row of a feed with addresses lies in.

    Grain of the file: delivery × row. Columns: delivery_id, row_number, raum_id, gebietsstand (the
    one valid at the row's Stichtag), methode (`schluessel`, `name`, `bereich`, `aehnlich`,
    `ohne`), anteil (1.0), adresse_id (an address that lies in every system of areas where the row
    does; NULL if there is none). What has no match lies in `<kommune_id>-ohne`; raum_id is NULL
    only where not even the municipality is known.

    Args:
        feed: a contract with `spatial.kind: adresse`.
        region: gives the Gebietsstand of a Stichtag and the municipalities of a Liefereinheit.
        folders: where deliveries have landed.
        register: folder of the register's files.
        target: the file to write.

    Returns:
        The number of rows by method.
    """
    import duckdb

    with duckdb.connect() as con:
        _read_register(con, register)
        _read_rows(con, feed, region, folders)
        answer(con)
        target.parent.mkdir(parents=True, exist_ok=True)
        con.execute(
            f"""
            copy (
                select delivery_id, row_number, raum_id, gebietsstand, methode,
                       1.0::double as anteil, adresse_id
                from antwort
            ) to '{target}' (format parquet)
            """
        )
        counts = con.execute(
            f"select methode, count(*) from read_parquet('{target}') group by all order by all"
        )
        return dict(counts.fetchall())


def kommune_sql(feed: Feed, region: Region) -> str:
    """Return SQL for a row's municipality: its column, or the only one its Liefereinheit serves."""
    cases = ""
    for unit in feed.liefereinheiten:
        kommunen = () if unit == KREIS else region.kommunen_of(unit)
        if len(kommunen) == 1:
            cases += f" when '{unit}' then '{kommunen[0]}'"
    only = f"case liefereinheit{cases} end" if cases else "null"
    return f"coalesce({feed.spatial.kommune or 'null'}, {only})::varchar"


def note_gebietsstand(
    con: "duckdb.DuckDBPyConnection", feed: Feed, region: Region, rows: str
) -> None:
    """Make `stand`: the Gebietsstand of each Stichtag among the rows of a relation."""
    con.execute("create table stand (stichtag date, gebietsstand varchar)")
    for (stichtag,) in con.execute(f"select distinct stichtag from {rows}").fetchall():
        valid = region.gebietsstand_of(feed, stichtag)
        con.execute("insert into stand values (?, ?)", [stichtag, valid])


def _read_register(con: "duckdb.DuckDBPyConnection", folder: Path) -> None:
    """Make `adresse` (address × Gebietsstand) and `strasse` (street × name × time)."""
    use_addresses(con, f"read_parquet('{folder / ADDRESSES}')")
    use_streets(con, f"read_parquet('{folder / STREETS}')")


def use_addresses(con: "duckdb.DuckDBPyConnection", source: str) -> None:
    """Make `adresse` from a relation with the columns of the register."""
    columns = [name for name, *_ in con.execute(f"describe from {source}").fetchall()]
    systems = [f"coalesce({c}, '')" for c in columns if c.startswith("bezirk_")]
    con.execute(
        f"""
        create table adresse as
        select adresse_id, kommune_id, strassenschluessel, gebietsstand, raum_id,
               coalesce(hausnummer, 0) as nummer, coalesce(zusatz, '') as zusatz,
               coalesce(bis_hausnummer, 0) as bis_nummer, coalesce(bis_zusatz, '') as bis_zusatz,
               if(bis_hausnummer > hausnummer and coalesce(bis_zusatz, '') = '', '{LATER}',
                  coalesce(bis_zusatz, '')) as bis_spaet,
               concat_ws('|', {", ".join([*systems, "''"])}) as bezirke
        from {source}
        """
    )


def use_streets(con: "duckdb.DuckDBPyConnection", source: str) -> None:
    """Make `strasse` from a relation with the columns of the list of streets."""
    con.execute(
        f"""
        create table strasse as
        select kommune_id, strassenschluessel, {name_key_sql("strasse")} as name,
               coalesce(gueltig_ab, date '0001-01-01') as gueltig_ab,
               coalesce(gueltig_bis, date '9999-12-31') as gueltig_bis, aktuell
        from {source}
        """
    )


def _read_rows(
    con: "duckdb.DuckDBPyConnection", feed: Feed, region: Region, folders: Folders
) -> None:
    """Make `zeile`: what each landed row asks."""
    spatial, rows = feed.spatial, accepted(feed, folders)
    asked = {
        "kommune_id": kommune_sql(feed, region),
        "schluessel": spatial.strassenschluessel,
        "strasse": spatial.strasse,
        "hausnummer": spatial.hausnummer,
        "zusatz": spatial.zusatz,
    }
    columns = ", ".join(f"coalesce({sql or 'null'}, '') as {name}" for name, sql in asked.items())
    con.execute(
        f"create table zeile as select delivery_id, row_number, stichtag, {columns} from {rows}"
    )
    note_gebietsstand(con, feed, region, "zeile")


def answer(con: "duckdb.DuckDBPyConnection") -> None:
    """Make `antwort`: each row of `zeile` with gebietsstand, raum_id, methode and adresse_id.

    `zeile` has the columns `QUESTION` and any other, `stand` the Gebietsstand of each Stichtag.
    Each step asks only what is still open (`frage` without `treffer`): exact numbers first, ranges
    then, a number whose suffix is not known last; misspelt names at the very end.
    """
    _ask(con)
    con.execute(
        "create table treffer "
        "(frage_id bigint, raum_id varchar, adresse_id varchar, methode varchar)"
    )
    con.execute(
        """
        create view offen as
        select frage_id, stichtag, gebietsstand, kommune_id, schluessel, name,
               nummer, nr_zusatz as zusatz, bis_nummer, bis_zusatz, bis_spaet
        from frage anti join treffer using (frage_id)
        """
    )
    key = _streets("strasse", "strasse.strassenschluessel = offen.schluessel")
    name = _streets("strasse", "strasse.name = offen.name and offen.name <> ''")
    _find(con, key, EXACT, "schluessel")
    _find(con, name, EXACT, "name")
    for numbers in (OVERLAP, BARE):
        _find(con, key, numbers, "bereich")
        _find(con, name, numbers, "bereich")
    _correct_names(con)
    meant = _streets("korrigiert", "strasse.falsch = offen.name")
    for numbers in (EXACT, OVERLAP, BARE):
        _find(con, meant, numbers, "aehnlich")
    con.execute(
        f"""
        create view antwort as
        select zeile.*, gebietsstand,
               coalesce(raum_id, nullif(kommune_id, '') || '-ohne') as raum_id,
               coalesce(methode, 'ohne') as methode, adresse_id
        from zeile join frage using ({", ".join(QUESTION)}) left join treffer using (frage_id)
        """
    )


def _ask(con: "duckdb.DuckDBPyConnection") -> None:
    con.execute(f"create table gefragt as select distinct {', '.join(QUESTION)} from zeile")
    con.execute(
        "create table zahl as "
        + numbers_sql("(select distinct concat_ws(' ', hausnummer, zusatz) as text from gefragt)")
    )
    con.execute(
        f"create table name as select strasse, {name_key_sql('strasse')} as name "
        "from (select distinct strasse from gefragt)"
    )
    con.execute(
        f"""
        create table frage as
        select row_number() over () as frage_id, gefragt.*, gebietsstand, name,
               zahl.nummer, zahl.zusatz as nr_zusatz, zahl.bis_nummer, zahl.bis_zusatz,
               if(zahl.bis_nummer > zahl.nummer and zahl.bis_zusatz = '', '{LATER}',
                  zahl.bis_zusatz) as bis_spaet
        from gefragt
        join zahl on zahl.text = concat_ws(' ', gefragt.hausnummer, gefragt.zusatz)
        join name using (strasse)
        join stand using (stichtag)
        """
    )


def _streets(source: str, condition: str) -> str:
    """Return SQL for the streets that open questions may mean: frage_id, aktuell, gueltig."""
    return f"""
        select offen.frage_id, strasse.aktuell,
               bool_or(offen.stichtag between strasse.gueltig_ab and strasse.gueltig_bis)
                   as gueltig
        from offen
        join {source} as strasse on strasse.kommune_id = offen.kommune_id and {condition}
        group by all
    """


def _find(con: "duckdb.DuckDBPyConnection", streets: str, numbers: str, methode: str) -> None:
    """Add what is found in these streets under these numbers to `treffer`.

    Streets that were called so at the Stichtag come before those that were once, or are now.
    """
    con.execute(
        f"""
        insert into treffer
        with kandidat as (
            select offen.frage_id, adresse.adresse_id, adresse.raum_id, adresse.bezirke
            from offen
            join ({streets}) as weg using (frage_id)
            join adresse
                on adresse.kommune_id = offen.kommune_id
                and adresse.strassenschluessel = weg.aktuell
                and adresse.gebietsstand = offen.gebietsstand
                and {numbers}
            qualify weg.gueltig = bool_or(weg.gueltig) over (partition by offen.frage_id)
        )
        select frage_id, min(raum_id),
               if(count(distinct bezirke) = 1, min(adresse_id), null), '{methode}'
        from kandidat
        group by frage_id
        having count(*) = count(raum_id) and count(distinct raum_id) = 1
        """
    )


def _correct_names(con: "duckdb.DuckDBPyConnection") -> None:
    """Make `korrigiert`: the streets that misspelt names (`falsch`) must mean.

    One slip is corrected in names of 6 letters and more, two from 25 (so that 92 % are right);
    the street meant must be closer than every other, and the name itself must be no street's.
    """
    import numpy as np
    import pyarrow as pa
    from rapidfuzz.distance import OSA
    from rapidfuzz.process import cdist

    known = _names(con, "select distinct kommune_id, name from strasse where name <> ''")
    wrong = _names(
        con,
        "select distinct kommune_id, name from offen anti join strasse using (kommune_id, name) "
        f"where length(name) >= {SHORTEST} and nummer is not null",
    )
    found: dict[str, list[str]] = {"kommune_id": [], "falsch": [], "name": []}
    for kommune in sorted(wrong.keys() & known.keys()):
        asked, streets = wrong[kommune], known[kommune]
        slips = cdist(asked, streets, scorer=OSA.distance, score_cutoff=2, dtype=np.uint8)
        least = slips.min(axis=1)
        allowed = np.where([len(name) >= TWO_SLIPS for name in asked], 2, 1)
        alone = (slips == least[:, None]).sum(axis=1) == 1
        for row in np.flatnonzero(alone & (least <= allowed)):
            found["kommune_id"].append(kommune)
            found["falsch"].append(asked[row])
            found["name"].append(streets[slips[row].argmin()])
    con.register("korrektur", pa.table(found, pa.schema([(name, pa.string()) for name in found])))
    con.execute(
        "create table korrigiert as "
        "select falsch, strasse.* from korrektur join strasse using (kommune_id, name)"
    )


def _names(con: "duckdb.DuckDBPyConnection", query: str) -> dict[str, list[str]]:
    """Return by municipality the names that a query of both yields."""
    rows = con.execute(f"select kommune_id, list(name order by name) from ({query}) group by all")
    return dict(rows.fetchall())
