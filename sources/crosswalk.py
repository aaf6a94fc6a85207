"""How values of an older Gebietsstand are carried over to the newest: weights, and their error.

Weights come from addresses, from areas, or from a table that somebody publishes. Not here: what
is carried over with them (the marts), and where addresses lie (`addresses/register.py`).
"""

from collections.abc import Iterable
from datetime import date
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

from sources.addresses.register import ADDRESSES, SOZIALRAUM
from sources.landing import Folders, valid_of
from sources.region import Region
from sources.timeline import Conversion

if TYPE_CHECKING:
    import duckdb

SLIVER = 0.001
"""Share of an old area below which an overlap of two drawings is taken for inaccuracy."""

TRACE = 1e-6
"""What calculating with weights may leave of a person."""

AREA_STEP, COUNTY_STEP = 0.005, 0.0005
"""Errors are rounded up to these steps, so that nobody calculates back to a count of persons."""

WEIGHTS = {
    "gebietsstand_von": "string",
    "gebietsstand_nach": "string",
    "raum_id_von": "string",
    "raum_id_nach": "string",
    "gewicht": "float64",
    "methode": "string",
}
ERRORS = {
    "gebietsstand_von": "string",
    "gebietsstand_nach": "string",
    "raum_id_nach": "string",
    "stichtag": "date32",
    "fehler": "float64",
}


def write_crosswalk(
    region: Region, folders: Folders, areas: Path, register: Path, released: Path, target: Path
) -> dict[str, int]:
    """Write the weights from each older Gebietsstand to the newest, and those that are given.

    Grain: `gebietsstand_von` × `gebietsstand_nach` × `raum_id_von` × `raum_id_nach`. The weights of
    an old area sum to 1. `methode`: `adressen` (an address counts with the mean number of
    inhabitants per address of the new area that it lies in, as far as these are published, else
    as 1), `flaeche` (areas without an address), `vorgabe` (a table that was delivered), `gleich`
    (the pseudo-area of what has no place stays what it is).

    Args:
        region: says which Gebietsstände there are, and which tables of weights.
        folders: where deliveries have landed.
        areas: the geometry of all levels.
        register: folder of the register of addresses; it need not be there.
        released: published inhabitants (Parquet), the only counts of persons that are read.
        target: the file to write.

    Returns:
        The number of rows by method.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    staende = _staende(region, areas)
    rows: list[dict] = []
    for von in staende[:-1]:
        rows += _between(region, areas, register, released, von, staende[-1])
    for given in region.zeit.vorgaben:
        rows += _given(region, folders, given)
    rows.sort(key=lambda row: tuple(row[name] for name in list(WEIGHTS)[:4]))
    target.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema=schema(WEIGHTS)), target)
    methods = sorted({row["methode"] for row in rows})
    return {name: sum(row["methode"] == name for row in rows) for name in methods}


def schema(kinds: dict[str, str]):
    """Return the Arrow schema of column names with their types."""
    import pyarrow as pa

    return pa.schema({name: pa.type_for_alias(kind) for name, kind in kinds.items()}.items())


def _staende(region: Region, areas: Path) -> list[str]:
    """Return the Gebietsstände of which there is geometry, oldest first."""
    import pyarrow.parquet as pq

    drawn = set(pq.read_table(areas, columns=["gebietsstand"])["gebietsstand"].to_pylist())
    declared = sorted(region.gebietsstaende, key=lambda stand: stand.gueltig_ab or date.min)
    return [stand.gebietsstand for stand in declared if stand.gebietsstand in drawn]


def _between(
    region: Region, areas: Path, register: Path, released: Path, von: str, nach: str
) -> list[dict]:
    """Return the weights from one Gebietsstand to another, both with geometry."""
    from_addresses = address_weights(register / ADDRESSES, released, von, nach)
    known = {row["raum_id_von"] for row in from_addresses}
    rows = from_addresses + area_weights(areas, von, nach, region.srs, without=known)
    rows += [
        {"raum_id_von": f"{key}-ohne", "raum_id_nach": f"{key}-ohne", "gewicht": 1.0,
         "methode": "gleich"}
        for key in _keys(areas, von, "kommune")
    ]  # fmt: skip
    return [{"gebietsstand_von": von, "gebietsstand_nach": nach, **row} for row in rows]


def _keys(areas: Path, gebietsstand: str, ebene: str) -> list[str]:
    import pyarrow.parquet as pq

    wanted = [("gebietsstand", "=", gebietsstand), ("raumebene", "=", ebene)]
    found = pq.read_table(areas, columns=["raum_id"], filters=wanted)
    return sorted(set(found["raum_id"].to_pylist()))


def address_weights(addresses: Path, released: Path, von: str, nach: str) -> list[dict]:
    """Return the weights that addresses give; old areas without an address have none.

    An address that lies in no new area stands for `<kommune_id>-ohne`. Where a new area's
    inhabitants are not published, the addresses of the old areas that touch it count as 1 each.
    """
    import duckdb

    if not addresses.exists():
        return []
    with duckdb.connect() as con:
        con.execute("set threads = 1")
        return _rows(
            con,
            f"""
            with lage as (
                select alt.raum_id as raum_id_von,
                       coalesce(neu.raum_id, neu.kommune_id || '-ohne') as raum_id_nach,
                       neu.raum_id is null as ohne
                from read_parquet('{addresses}') as alt
                join read_parquet('{addresses}') as neu using (adresse_id)
                where alt.gebietsstand = $von and neu.gebietsstand = $nach
                    and alt.raum_id is not null
            ),
            paar as (
                select raum_id_von, raum_id_nach, ohne, count(*) as adressen
                from lage group by all
            ),
            neu as (
                select raum_id as raum_id_nach, count(*) as adressen
                from read_parquet('{addresses}')
                where gebietsstand = $nach and raum_id is not null
                group by all
            ),
            einwohner as (
                select raum_id as raum_id_nach, anzahl
                from ({_inhabitants(released)})
                where gebietsstand = $nach
                qualify stichtag = min(stichtag) over ()
            ),
            gezaehlt as (
                select paar.raum_id_von, paar.raum_id_nach, paar.adressen,
                       case when paar.ohne then 0 else einwohner.anzahl / neu.adressen end as dichte
                from paar
                left join neu using (raum_id_nach)
                left join einwohner using (raum_id_nach)
            ),
            bewertet as (
                select raum_id_von, raum_id_nach,
                       case
                           when count(*) over alt = count(dichte) over alt
                               and sum(adressen * dichte) over alt > 0 then adressen * dichte
                           else adressen
                       end::double as punkte
                from gezaehlt
                window alt as (partition by raum_id_von)
            )
            select raum_id_von, raum_id_nach,
                   punkte / sum(punkte) over (partition by raum_id_von) as gewicht,
                   'adressen' as methode
            from bewertet
            where punkte > 0
            order by all
            """,
            {"von": von, "nach": nach},
        )


def _inhabitants(released: Path) -> str:
    """SQL for the published totals of inhabitants by the register."""
    if not released.exists():
        return (
            "select null::varchar as raum_id, null::varchar as gebietsstand, "
            "null::date as stichtag, null::bigint as anzahl where false"
        )
    return (
        f"select raum_id, gebietsstand, stichtag, anzahl from read_parquet('{released}') "
        "where basis = 'melderegister' and altersgruppe = 'insgesamt' "
        "and geschlecht = 'insgesamt' and staatsangehoerigkeit = 'insgesamt' and status = 'ok'"
    )


def area_weights(
    areas: Path, von: str, nach: str, srs: int, without: Iterable[str] = ()
) -> list[dict]:
    """Return the weights that shares of area give, for the old areas that are not in `without`.

    Overlaps below `SLIVER` of the old area are left out; an old area that no new one covers
    keeps its key, so that its values are not lost silently.
    """
    import geopandas as gpd
    import pyarrow.parquet as pq

    def drawn(gebietsstand: str, name: str):
        wanted = [("gebietsstand", "=", gebietsstand), ("raumebene", "=", SOZIALRAUM)]
        rows = pq.read_table(areas, filters=wanted).to_pydict()
        shapes = gpd.GeoSeries.from_wkb([bytes(shape) for shape in rows["geometry"]], crs=srs)
        return gpd.GeoDataFrame({name: rows["raum_id"]}, geometry=shapes, crs=srs)

    old = drawn(von, "raum_id_von")
    old = old[~old["raum_id_von"].isin(set(without))]
    if old.empty:
        return []
    parts = gpd.overlay(old, drawn(nach, "raum_id_nach"), how="intersection", keep_geom_type=True)
    parts["gewicht"] = parts.area
    whole = dict(zip(old["raum_id_von"], old.area, strict=True))
    parts = parts[parts["gewicht"] >= SLIVER * parts["raum_id_von"].map(whole)]
    rows = parts[["raum_id_von", "raum_id_nach", "gewicht"]].to_dict("records")
    lost = set(whole) - {row["raum_id_von"] for row in rows}
    rows += [{"raum_id_von": key, "raum_id_nach": key, "gewicht": 1.0} for key in sorted(lost)]
    return [{**row, "methode": "flaeche"} for row in normalised(rows)]


def normalised(rows: list[dict]) -> list[dict]:
    """Return the rows with weights that sum to 1 for each `raum_id_von`; those of 0 are gone."""
    sums: dict[str, float] = {}
    for row in rows:
        sums[row["raum_id_von"]] = sums.get(row["raum_id_von"], 0.0) + row["gewicht"]
    return [
        {**row, "gewicht": row["gewicht"] / sums[row["raum_id_von"]]}
        for row in rows
        if row["gewicht"] > 0
    ]


def _given(region: Region, folders: Folders, given: Conversion) -> list[dict]:
    """Return the weights of a delivered table, renormalised: the newest delivery counts."""
    import duckdb

    deliveries = valid_of(region.feed(given.feed), folders)
    if not deliveries:
        return []
    path = folders.accepted(given.feed) / f"{deliveries[-1].delivery_id}.parquet"
    with duckdb.connect() as con:
        rows = _rows(
            con,
            f"select {given.raum_von} as raum_id_von, {given.raum_nach} as raum_id_nach, "
            f"{given.gewicht}::double as gewicht from read_parquet('{path}') order by all",
        )
    return [
        {"gebietsstand_von": given.von, "gebietsstand_nach": given.nach, **row,
         "methode": "vorgabe"}
        for row in normalised(rows)
    ]  # fmt: skip


def write_errors(
    region: Region, folders: Folders, crosswalk: Path, register: Path, target: Path
) -> int:
    """Write how far carrying over misses where both Gebietsstände are known; return the rows.

    Rows of the feed `zeit.gemessen_an` that were placed by addresses are counted in their old area
    and, by the same address, in the new one, at the last Stichtag of each older Gebietsstand. No
    column of the feed is read, only where its rows lie. `fehler` of an area is |carried − true| /
    true; of the county half the sum of the differences over all rows, the share that is misplaced.
    Both are rounded up (`AREA_STEP`, `COUNTY_STEP`).
    """
    import duckdb
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows: list[dict] = []
    named = region.zeit.gemessen_an
    placed = register / f"{named}.parquet"
    if named and placed.exists() and (register / ADDRESSES).exists():
        with duckdb.connect() as con:
            con.execute("create table lieferung (delivery_id varchar, stichtag date)")
            for outcome in valid_of(region.feed(named), folders):
                con.execute(
                    "insert into lieferung values (?, ?)", [outcome.delivery_id, outcome.stichtag]
                )
            _count_twice(con, placed, register / ADDRESSES, crosswalk)
            rows = _errors(con, region.kreis_id)
    pq.write_table(pa.Table.from_pylist(rows, schema=schema(ERRORS)), target)
    return len(rows)


def _count_twice(
    con: "duckdb.DuckDBPyConnection", placed: Path, addresses: Path, crosswalk: Path
) -> None:
    """Make `bestand`: rows by old and new area, at the last Stichtag of each old Gebietsstand."""
    con.execute(
        f"create table gewicht as select * from read_parquet('{crosswalk}') "
        "where methode <> 'vorgabe'"
    )
    con.execute(
        f"""
        create table bestand as
        with zeile as (
            select platz.gebietsstand, platz.raum_id, platz.adresse_id, lieferung.stichtag
            from read_parquet('{placed}') as platz
            join lieferung using (delivery_id)
            where platz.gebietsstand in (select gebietsstand_von from gewicht)
            qualify stichtag = max(stichtag) over (partition by platz.gebietsstand)
        )
        select zeile.gebietsstand as gebietsstand_von, stand.gebietsstand_nach, zeile.stichtag,
               zeile.raum_id as raum_id_von,
               case
                   when neu.adresse_id is null then zeile.raum_id
                   else coalesce(neu.raum_id, neu.kommune_id || '-ohne')
               end as raum_id_nach,
               count(*) as anzahl
        from zeile
        join (select distinct gebietsstand_von, gebietsstand_nach from gewicht) as stand
            on stand.gebietsstand_von = zeile.gebietsstand
        left join read_parquet('{addresses}') as neu
            on neu.adresse_id = zeile.adresse_id and neu.gebietsstand = stand.gebietsstand_nach
        group by all
        """
    )


def _errors(con: "duckdb.DuckDBPyConnection", kreis_id: str) -> list[dict]:
    rows = _rows(
        con,
        """
        with alt as (
            select gebietsstand_von, gebietsstand_nach, stichtag, raum_id_von,
                   sum(anzahl) as anzahl
            from bestand group by all
        ),
        beide as (
            select gebietsstand_von, gebietsstand_nach, stichtag, raum_id_nach,
                   anzahl as wahr, 0.0::double as umgerechnet
            from bestand
            union all
            select gebietsstand_von, gebietsstand_nach, stichtag, raum_id_nach,
                   0, alt.anzahl * gewicht.gewicht
            from alt join gewicht using (gebietsstand_von, gebietsstand_nach, raum_id_von)
        )
        select gebietsstand_von, gebietsstand_nach, raum_id_nach, stichtag,
               sum(wahr)::double as wahr, abs(sum(umgerechnet) - sum(wahr)) as abweichung
        from beide group by all order by all
        """,
    )
    county: dict[tuple, list[float]] = {}
    errors = []
    for row in rows:
        key = tuple(row[name] for name in ("gebietsstand_von", "gebietsstand_nach", "stichtag"))
        sums = county.setdefault(key, [0.0, 0.0])
        sums[0] += row["wahr"]
        sums[1] += row["abweichung"] / 2
        errors.append({**row, "fehler": _up(row["abweichung"], row["wahr"], AREA_STEP)})
    for (von, nach, stichtag), (wahr, falsch) in county.items():
        errors.append(
            {"gebietsstand_von": von, "gebietsstand_nach": nach, "raum_id_nach": kreis_id,
             "stichtag": stichtag, "fehler": _up(falsch, wahr, COUNTY_STEP)}
        )  # fmt: skip
    return [{name: row[name] for name in ERRORS} for row in errors]


def _up(part: float, whole: float, step: float) -> float | None:
    """Return part / whole, rounded up to whole steps; a trace of calculating stays 0."""
    if not whole:
        return None if part > TRACE else 0.0
    return round(ceil(round(part / whole / step, 6)) * step, 6)


def _rows(con: "duckdb.DuckDBPyConnection", query: str, values: dict | None = None) -> list[dict]:
    return con.execute(query, values or {}).to_arrow_table().to_pylist()
