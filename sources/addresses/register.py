"""The register of addresses: where each lies in every Gebietsstand, and the streets' history.

It is built from what has landed: points of addresses, a list of streets, postcodes. It knows no
row of any other feed. Files, in the folder of placements:

    _adressen.parquet               address × Gebietsstand
    _strassen.parquet               street × name × time; `aktuell` is its key today
    _raumsystem_<system>.parquet    address, for each further system of areas
"""

from pathlib import Path
from typing import TYPE_CHECKING

from sources.addresses.spelling import numbers_sql
from sources.contract import Feed
from sources.landing import Folders
from sources.region import Region

if TYPE_CHECKING:
    import duckdb

ADDRESSES = "_adressen.parquet"
STREETS = "_strassen.parquet"
SOZIALRAUM = "sozialraum"

LINKS = 20
"""How often a street may have been renamed; a circle of successors ends there."""


def build_register(region: Region, folders: Folders, areas: Path, target: Path) -> dict[str, int]:
    """Write the register from all landed deliveries of the feeds of `region.adressregister`.

    An address once known stays known; its latest point and spelling count. It is identified by
    street and number, because its official id may change on delivery, and streets by the key that
    they have today. An address lies in an area of its own municipality or in none (`raum_id`
    NULL), so that a point beyond a border moves nobody to a neighbour.

    Args:
        region: names the feeds and the further systems of areas.
        folders: where deliveries have landed.
        areas: the geometry of all levels, as `sources.placement.unite_areas` writes it.
        target: folder of the files.

    Returns:
        How many addresses there are, how many of them lie in no Sozialraum (of any Gebietsstand),
        and how many streets.

    Raises:
        ValueError: the region declares no address register.
    """
    import duckdb

    feeds = region.adressregister
    if feeds is None:
        raise ValueError(
            f"region {region.region}: expected `adressregister`, found none; name the feeds of "
            "addresses and streets in region.yaml"
        )
    target.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as con:
        _read_points(con, region.feed(feeds.adressen), folders)
        _read_streets(con, region.feed(feeds.strassen) if feeds.strassen else None, folders)
        _unite_points(con)
        _add_postcodes(con, region.feed(feeds.plz) if feeds.plz else None, folders)
        systems = _place(con, region, areas)
        _write(con, target, systems)
        return {
            "adressen": con.execute("select count(*) from adresse").fetchone()[0],
            "ohne_raum": con.execute(
                "select count(distinct adresse_id) from lage where raum_id is null"
            ).fetchone()[0],
            "strassen": con.execute("select count(*) from strasse").fetchone()[0],
        }


def accepted(feed: Feed, folders: Folders) -> str:
    """Return SQL for the landed rows of a feed."""
    files = folders.accepted(feed.feed) / "*.parquet"
    return f"read_parquet('{files}', union_by_name = true)"


def _read_points(con: "duckdb.DuckDBPyConnection", feed: Feed, folders: Folders) -> None:
    """Make `punkt`: each delivered point, with its number read."""
    con.execute(
        f"""
        create table geliefert as
        select stichtag, oi,
               concat(land, regierungsbezirk, kreis, gemeinde) as kommune_id,
               strassenschluessel, strasse,
               trim(concat_ws(' ', hausnummer, zusatz)) as text,
               {feed.spatial.x} as x, {feed.spatial.y} as y
        from {accepted(feed, folders)}
        where {feed.spatial.x} is not null and {feed.spatial.y} is not null
        """
    )
    numbers = numbers_sql("(select distinct text from geliefert)")
    con.execute(
        f"""
        create table punkt as
        select geliefert.* exclude (text), zahl.* exclude (text)
        from geliefert join ({numbers}) as zahl using (text)
        where zahl.nummer is not null
        """
    )


def _read_streets(con: "duckdb.DuckDBPyConnection", feed: Feed | None, folders: Folders) -> None:
    """Make `strasse`: every key and name that a street has had, and its key of today."""
    listed = (
        f"""
        select kommune_id, strassenschluessel, strasse, gueltig_ab, gueltig_bis, nachfolger
        from {accepted(feed, folders)}
        qualify stichtag = max(stichtag) over
            (partition by kommune_id, strassenschluessel, gueltig_ab)
        """
        if feed
        else "select null::varchar as kommune_id, null::varchar as strassenschluessel, "
        "null::varchar as strasse, null::date as gueltig_ab, null::date as gueltig_bis, "
        "null::varchar as nachfolger where false"
    )
    con.execute(f"create table liste as select distinct * from ({listed})")
    # The successor is the entry that goes on after this one ended; ends only grow, so a street
    # that took its old name again is no circle.
    con.execute(
        f"""
        create table strasse as
        with recursive kette as (
            select kommune_id, strassenschluessel, strasse, gueltig_ab, gueltig_bis,
                   strassenschluessel as aktuell, nachfolger,
                   coalesce(gueltig_bis, gueltig_ab) as ende, 0 as schritt
            from liste
            union all
            select kette.kommune_id, kette.strassenschluessel, kette.strasse, kette.gueltig_ab,
                   kette.gueltig_bis, folge.strassenschluessel, folge.nachfolger,
                   coalesce(folge.gueltig_bis, folge.gueltig_ab), kette.schritt + 1
            from kette join liste as folge
                on folge.kommune_id = kette.kommune_id
                and folge.strassenschluessel = kette.nachfolger
                and coalesce(folge.gueltig_bis, date '9999-12-31') > kette.ende
            where kette.schritt < {LINKS}
            qualify row_number() over (
                partition by kette.kommune_id, kette.strassenschluessel, kette.gueltig_ab,
                    kette.strasse
                order by folge.gueltig_ab
            ) = 1
        )
        select kommune_id, strassenschluessel, strasse, gueltig_ab, gueltig_bis, aktuell
        from kette
        qualify row_number() over (
            partition by kommune_id, strassenschluessel, gueltig_ab, strasse order by schritt desc
        ) = 1
        """
    )
    # What the addresses' own files call a street counts too; a street may stand there alone.
    con.execute(
        """
        insert into strasse
        select distinct punkt.kommune_id, punkt.strassenschluessel, punkt.strasse,
               bekannt.gueltig_ab, bekannt.gueltig_bis,
               coalesce(bekannt.aktuell, punkt.strassenschluessel)
        from punkt
        left join strasse as bekannt
            on bekannt.kommune_id = punkt.kommune_id
            and bekannt.strassenschluessel = punkt.strassenschluessel
            and punkt.stichtag between coalesce(bekannt.gueltig_ab, date '0001-01-01')
                and coalesce(bekannt.gueltig_bis, date '9999-12-31')
        where not exists (
            select 1 from strasse as gleich
            where gleich.kommune_id = punkt.kommune_id
              and gleich.strassenschluessel = punkt.strassenschluessel
              and gleich.strasse = punkt.strasse
        )
        """
    )


def _unite_points(con: "duckdb.DuckDBPyConnection") -> None:
    """Make `bekannt`: each delivered point under its street's key of today; and `adresse`."""
    con.execute(
        """
        create table bekannt as
        select punkt.* exclude (strassenschluessel),
               coalesce(heute.aktuell, punkt.strassenschluessel) as strassenschluessel
        from punkt
        left join (
            select kommune_id, strassenschluessel, stichtag,
                   arg_max(aktuell, coalesce(gueltig_ab, date '0001-01-01')) as aktuell
            from strasse
            join (select distinct stichtag from punkt)
                on coalesce(gueltig_ab, date '0001-01-01') <= stichtag
            group by all
        ) as heute using (kommune_id, strassenschluessel, stichtag)
        """
    )
    con.execute(
        """
        create table adresse as
        select arg_max(oi, (stichtag, oi)) as adresse_id,
               kommune_id, strassenschluessel, nummer, zusatz, bis_nummer, bis_zusatz,
               arg_max(strasse, (stichtag, oi)) as strasse,
               arg_max(x, (stichtag, oi)) as x, arg_max(y, (stichtag, oi)) as y
        from bekannt
        group by all
        """
    )


def _add_postcodes(con: "duckdb.DuckDBPyConnection", feed: Feed | None, folders: Folders) -> None:
    """Make `postleitzahl`: the latest postcode of an address under any id that it has had."""
    listed = (
        f"select oi, plz, stichtag as stand from {accepted(feed, folders)}"
        if feed
        else "select null::varchar as oi, null::varchar as plz, null::date as stand where false"
    )
    con.execute(
        f"""
        create table postleitzahl as
        select kommune_id, strassenschluessel, nummer, zusatz, bis_nummer, bis_zusatz,
               arg_max(plz, (stand, oi)) as plz
        from (select distinct * exclude (stichtag, strasse, x, y) from bekannt)
        join ({listed}) using (oi)
        group by all
        """
    )


def _place(con: "duckdb.DuckDBPyConnection", region: Region, areas: Path) -> dict[str, str]:
    """Make `lage`: address × Gebietsstand with its Sozialraum; and a table for each system.

    Returns:
        The table of each further system, by its name.
    """
    con.execute("create table lage (adresse_id varchar, gebietsstand varchar, raum_id varchar)")
    prefix = next((lv.prefix for lv in region.levels if lv.ebene == "kommune"), None)
    staende = con.execute(
        f"select distinct gebietsstand from read_parquet('{areas}') "
        "where raumebene = ? order by all",
        [SOZIALRAUM],
    ).fetchall()
    for (stand,) in staende:
        points = con.execute(
            f"select adresse_id, x, y, left(kommune_id, {prefix or 99}) as kommune from adresse"
        ).df()
        placed = _within(points, areas, SOZIALRAUM, stand, prefix)
        con.register("placed", placed)
        con.execute("insert into lage select adresse_id, ?, raum_id from placed", [stand])
        con.unregister("placed")
    systems = {}
    for number, system in enumerate(region.raumsysteme):
        systems[system.system] = table = f"system_{number}"
        points = con.execute(
            "select adresse_id, x, y from adresse where kommune_id = ?", [system.kommune_id]
        ).df()
        ebene = region.feed(system.feed).spatial.ebene
        newest = con.execute(
            f"select max(gebietsstand) from read_parquet('{areas}') where raumebene = ?", [ebene]
        ).fetchone()[0]
        con.register("placed", _within(points, areas, ebene, newest, None))
        con.execute(f"create table {table} as select * from placed where raum_id is not null")
        con.unregister("placed")
    return systems


def _within(points, areas: Path, ebene: str, gebietsstand: str | None, prefix: int | None):
    """Return adresse_id and raum_id (or None) of points; on a border the lowest key counts.

    With `prefix` only areas whose key begins with the point's `kommune` count.
    """
    import duckdb
    import geopandas as gpd

    with duckdb.connect() as con:
        shapes = con.execute(
            f"select raum_id, geometry from read_parquet('{areas}') "
            "where raumebene = ? and gebietsstand = ? order by raum_id",
            [ebene, gebietsstand],
        ).df()
    polygons = gpd.GeoDataFrame(
        shapes[["raum_id"]],
        geometry=gpd.GeoSeries.from_wkb(shapes["geometry"].map(bytes)).to_numpy(),
    )
    located = gpd.GeoDataFrame(
        points.drop(columns=["x", "y"]), geometry=gpd.points_from_xy(points["x"], points["y"])
    )
    hits = located.sjoin(polygons, how="inner", predicate="intersects")
    if prefix:
        hits = hits[hits["raum_id"].str[:prefix] == hits["kommune"]]
    lowest = hits.groupby("adresse_id")["raum_id"].min()
    placed = points[["adresse_id"]].copy()
    placed["raum_id"] = placed["adresse_id"].map(lowest).astype("string")
    return placed


def _write(con: "duckdb.DuckDBPyConnection", target: Path, systems: dict[str, str]) -> None:
    columns = "".join(f", {table}.raum_id as bezirk_{system}" for system, table in systems.items())
    joins = " ".join(f"left join {table} using (adresse_id)" for table in systems.values())
    identity = "kommune_id, strassenschluessel, nummer, zusatz, bis_nummer, bis_zusatz"
    _copy(
        con,
        f"""
        select adresse_id, kommune_id, strassenschluessel, strasse,
               nullif(nummer, 0) as hausnummer, zusatz,
               nullif(bis_nummer, 0) as bis_hausnummer, bis_zusatz,
               x, y, plz, gebietsstand, lage.raum_id{columns}
        from adresse join lage using (adresse_id)
        left join postleitzahl using ({identity}) {joins}
        order by gebietsstand, kommune_id, strassenschluessel, nummer, zusatz, adresse_id
        """,
        target / ADDRESSES,
    )
    _copy(con, "select * from strasse order by all", target / STREETS)
    for system, table in systems.items():
        _copy(
            con,
            f"select adresse_id, kommune_id, {table}.raum_id "
            f"from adresse join {table} using (adresse_id) order by all",
            target / f"_raumsystem_{system}.parquet",
        )


def _copy(con: "duckdb.DuckDBPyConnection", query: str, path: Path) -> None:
    con.execute(f"copy ({query}) to '{path}' (format parquet, compression zstd)")
