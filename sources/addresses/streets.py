"""The street list: which numbers of which street lie in which Sozialraum.

Partners who cut their tables themselves (the BA does) need it for each Gebietsstand. It is made
from the register alone.
"""

from pathlib import Path

from sources.addresses.register import ADDRESSES


def street_list(register: Path, target: Path) -> int:
    """Write the street list of every Gebietsstand, as CSV or Parquet by the target's name.

    Grain: Gebietsstand × municipality × street × side × run of numbers. Each address of the
    register falls into exactly one row. A street in one Sozialraum is one row without numbers
    (`seite` alle). Any other is cut into its even and its uneven side and each side into runs,
    from `hausnummer_von` with `zusatz_von` to `hausnummer_bis` with `zusatz_bis`, both included;
    no suffix comes before `a`, number 0 is an address without number. Numbers between two runs
    exist nowhere. Addresses in no Sozialraum lie in `<kommune_id>-ohne`.

    Returns:
        The number of rows.
    """
    import duckdb

    target.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as con:
        con.execute(f"create view adressen as from read_parquet('{register / ADDRESSES}')")
        con.execute(f"create table liste as {_RUNS}")
        form = "csv, delimiter ';', header" if target.suffix == ".csv" else "parquet"
        con.execute(f"copy (from liste order by all) to '{target}' (format {form})")
        return con.execute("select count(*) from liste").fetchone()[0]


_STREET = "gebietsstand, kommune_id, strassenschluessel"
_RUNS = f"""
    with adresse as (
        select {_STREET}, strasse, coalesce(raum_id, kommune_id || '-ohne') as raum_id,
               {{'nummer': coalesce(hausnummer, 0), 'zusatz': zusatz}} as von,
               {{'nummer': coalesce(bis_hausnummer, 0), 'zusatz': bis_zusatz}} as bis,
               if(coalesce(hausnummer, 0) % 2 = 0, 'gerade', 'ungerade') as seite
        from adressen
    ),
    geteilt as (
        select {_STREET}, mode(strasse) as strasse, min(raum_id) as einziger,
               count(distinct raum_id) > 1 as geteilt
        from adresse group by all
    ),
    wechsel as (
        select adresse.*,
               raum_id is distinct from lag(raum_id) over
                   (partition by {_STREET}, seite order by von, bis) as neu
        from adresse
    ),
    nummeriert as (
        select *, count(*) filter (neu) over
            (partition by {_STREET}, seite order by von, bis rows unbounded preceding) as lauf
        from wechsel
    ),
    laeufe as (
        select {_STREET}, seite, lauf, raum_id, min(von) as von, max(von) as letzte, max(bis) as bis
        from nummeriert group by all
    ),
    grenzen as (
        select *, lead(von) over (partition by {_STREET}, seite order by lauf) as danach
        from laeufe
    )
    select {_STREET}, strasse, null::integer as hausnummer_von, null::varchar as zusatz_von,
           null::integer as hausnummer_bis, null::varchar as zusatz_bis,
           'alle' as seite, einziger as raum_id
    from geteilt where not geteilt
    union all
    select {_STREET}, strasse, von.nummer, von.zusatz, ende.nummer, ende.zusatz, seite, raum_id
    from (select *, if(danach is null or bis < danach, bis, letzte) as ende from grenzen)
    join geteilt using ({_STREET})
    where geteilt
"""
