"""Where things lie: the areas of all levels in one file, and the areas of points and postcodes.

What has an address with street and number is placed by `sources/addresses`.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from sources.addresses.matching import kommune_sql, note_gebietsstand
from sources.addresses.register import ADDRESSES, accepted
from sources.contract import Feed
from sources.landing import Folders
from sources.region import Region

if TYPE_CHECKING:
    import duckdb
    import geopandas as gpd

AREA_COLUMNS = ("raum_id", "gebietsstand", "raumebene", "geometry")


def unite_areas(region: Region, folders: Folders, target: Path) -> int:
    """Write the geometry of all levels to one Parquet file and return its number of rows.

    The Gebietsstand of an area is that of its delivery; the newest delivery of a Gebietsstand
    counts. A level that no feed brings and that has one unit is the union of the Kommunen. Areas
    of further systems stand there too, with a `raumebene` that is no level of the region.
    Grain: area × Gebietsstand; geometry as WKB in the region's reference system.
    """
    import geopandas as gpd
    import pandas as pd

    frames = [_shapes(feed, region, folders) for feed in region.feeds if _is_area(feed)]
    areas = gpd.GeoDataFrame(pd.concat(frames, ignore_index=True), crs=region.srs)
    areas = pd.concat([areas, _single_units(region, areas)], ignore_index=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(areas).assign(geometry=areas.geometry.to_wkb()).to_parquet(target, index=False)
    return len(areas)


def _is_area(feed: Feed) -> bool:
    return feed.spatial.kind == "flaeche"


def _shapes(feed: Feed, region: Region, folders: Folders) -> "gpd.GeoDataFrame":
    """Return the areas of a feed, of each Gebietsstand from its newest delivery."""
    import duckdb
    import geopandas as gpd

    source = accepted(feed, folders)
    with duckdb.connect() as con:
        note_gebietsstand(con, feed, region, source)
        rows = con.execute(
            f"""
            select raum_id, gebietsstand, geometrie
            from {source} join stand using (stichtag)
            where gebietsstand is not null
            qualify stichtag = max(stichtag) over (partition by liefereinheit, gebietsstand)
            order by gebietsstand, raum_id
            """
        ).df()
    shapes = gpd.GeoSeries.from_wkb(rows["geometrie"].map(bytes), crs=region.srs)
    return gpd.GeoDataFrame(
        {
            "raum_id": rows["raum_id"],
            "gebietsstand": rows["gebietsstand"],
            "raumebene": feed.spatial.ebene,
        },
        geometry=shapes.to_numpy(),
        crs=region.srs,
    )


def _single_units(region: Region, areas):
    import geopandas as gpd

    kommunen = areas[areas["raumebene"] == "kommune"]
    rows = [
        {
            "raum_id": level.unit,
            "gebietsstand": gebietsstand,
            "raumebene": level.ebene,
            "geometry": group.geometry.union_all(),
        }
        for level in region.levels
        if level.unit
        for gebietsstand, group in kommunen.groupby("gebietsstand")
    ]
    return gpd.GeoDataFrame(rows, columns=list(AREA_COLUMNS), geometry="geometry", crs=region.srs)


def place_points(
    feed: Feed, region: Region, folders: Folders, areas: Path, target: Path
) -> tuple[int, int]:
    """Write which area each landed row lies in, by its coordinates.

    A point on a border between areas belongs to the one with the lowest key. A row that lies
    in no area belongs to `<kommune_id>-ohne`, or has `raum_id` NULL if its Kommune is not told.

    Returns:
        The number of rows with and without an area. Grain of the file: delivery × row; columns as
        those of `sources.addresses.match`, without an address.
    """
    import duckdb

    with duckdb.connect() as con:
        con.execute(
            f"""
            create table zeile as
            select delivery_id, row_number, stichtag, {kommune_sql(feed, region)} as kommune_id,
                   {feed.spatial.x} as x, {feed.spatial.y} as y
            from {accepted(feed, folders)}
            """
        )
        note_gebietsstand(con, feed, region, "zeile")
        con.execute("create table treffer (delivery_id varchar, row_number bigint, raum varchar)")
        for (stand,) in con.execute("select distinct gebietsstand from stand").fetchall():
            con.register("getroffen", _points_within(con, feed, region, areas, stand))
            con.execute(
                "insert into treffer select delivery_id, row_number, raum_id from getroffen"
            )
            con.unregister("getroffen")
        target.parent.mkdir(parents=True, exist_ok=True)
        con.execute(
            f"""
            copy (
                select delivery_id, row_number, coalesce(raum, kommune_id || '-ohne') as raum_id,
                       gebietsstand, if(raum is null, 'ohne', 'koordinaten') as methode,
                       1.0::double as anteil
                from zeile join stand using (stichtag)
                left join treffer using (delivery_id, row_number)
                order by delivery_id, row_number
            ) to '{target}' (format parquet)
            """
        )
        return con.execute(
            f"select count(*) filter (methode <> 'ohne'), count(*) filter (methode = 'ohne') "
            f"from read_parquet('{target}')"
        ).fetchone()


def _points_within(
    con: "duckdb.DuckDBPyConnection", feed: Feed, region: Region, areas: Path, gebietsstand: str
) -> "gpd.GeoDataFrame":
    """Return delivery_id, row_number and raum_id of the rows that lie in an area."""
    import geopandas as gpd

    rows = con.execute(
        "select delivery_id, row_number, x, y from zeile join stand using (stichtag) "
        "where gebietsstand is not distinct from ? and x is not null and y is not null",
        [gebietsstand],
    ).df()
    shapes = con.execute(
        f"select raum_id, geometry from read_parquet('{areas}') "
        "where raumebene = ? and gebietsstand = ?",
        [feed.spatial.ebene, gebietsstand],
    ).df()
    polygons = gpd.GeoDataFrame(
        shapes[["raum_id"]],
        geometry=gpd.GeoSeries.from_wkb(shapes["geometry"].map(bytes)).to_numpy(),
        crs=region.srs,
    )
    points = gpd.GeoDataFrame(
        rows[["delivery_id", "row_number"]],
        geometry=gpd.points_from_xy(rows["x"], rows["y"]),
        crs=feed.spatial.srs,
    ).to_crs(region.srs)
    hits = points.sjoin(polygons, how="inner", predicate="intersects")
    return hits.groupby(["delivery_id", "row_number"], as_index=False)["raum_id"].min()


def place_postcodes(
    feed: Feed, region: Region, folders: Folders, register: Path, target: Path
) -> dict[str, int]:
    """Write how each landed row with a postcode is spread over the Sozialräume.

    Its share in each is that of the postcode's addresses there (an estimate: addresses are not
    people), within its Kommune if the row tells one; the shares of a row sum to 1. Addresses in no
    area count for `<kommune_id>-ohne`. A row whose postcode no address has lies there whole, or has
    `raum_id` NULL if its Kommune is not told.

    Returns:
        The number of rows by method. Grain of the file: delivery × row × area.
    """
    import duckdb

    with duckdb.connect() as con:
        con.execute(
            f"""
            create table zeile as
            select delivery_id, row_number, stichtag, {kommune_sql(feed, region)} as kommune_id,
                   {feed.spatial.column} as plz
            from {accepted(feed, folders)}
            """
        )
        note_gebietsstand(con, feed, region, "zeile")
        con.execute(
            f"""
            create table gewicht as
            select gebietsstand, plz, kommune_id,
                   coalesce(raum_id, kommune_id || '-ohne') as raum, count(*) as adressen
            from read_parquet('{register / ADDRESSES}')
            where plz is not null
            group by all
            """
        )
        target.parent.mkdir(parents=True, exist_ok=True)
        con.execute(
            f"""
            copy (
                with anteile as (
                    select delivery_id, row_number, raum,
                           adressen / sum(adressen) over (partition by delivery_id, row_number)
                               as anteil
                    from zeile join stand using (stichtag)
                    join gewicht using (gebietsstand, plz)
                    where coalesce(zeile.kommune_id, gewicht.kommune_id) = gewicht.kommune_id
                )
                select delivery_id, row_number, coalesce(raum, kommune_id || '-ohne') as raum_id,
                       gebietsstand, if(raum is null, 'ohne', 'plz') as methode,
                       coalesce(anteil, 1.0)::double as anteil
                from zeile join stand using (stichtag)
                left join anteile using (delivery_id, row_number)
                order by delivery_id, row_number, raum_id
            ) to '{target}' (format parquet)
            """
        )
        counts = con.execute(
            f"select methode, count(distinct (delivery_id, row_number)) "
            f"from read_parquet('{target}') group by all order by all"
        )
        return dict(counts.fetchall())
