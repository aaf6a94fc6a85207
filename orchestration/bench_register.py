"""The register's work done without the warehouse, for `make bench` to print beside it.

From the raw files of the population register to inhabitants by Sozialraum, age band and sex,
once as a plain pandas script and once as bare SQL. No contract is checked, no row is
quarantined, nobody is pseudonymised: this is the work, not the warehouse.
"""

from pathlib import Path

from orchestration.settings import Settings
from sources.contract import Feed, header_of
from sources.landing import Folders, valid_deliveries
from sources.layouts import FixedWidthLayout
from sources.ledger import Outcome
from sources.region import Region

BOUNDS = (0, 3, 6, 10, 15, 18, 21, 25, 30, 45, 50, 60, 65, 80)
NEEDED = (
    "kommune_id",
    "strassenschluessel",
    "hausnummer",
    "hausnummer_zusatz",
    "wohnungsstatus",
    "geburtsmonat",
    "geschlecht",
)
INHABITANT = ("A", "H", "alleinige Wohnung", "Hauptwohnung")


def register_feed(region: Region) -> Feed | None:
    """Return the feed of persons that the register delivers, if the region has one."""
    return next((f for f in region.feeds if "wohnungsstatus" in {c.name for c in f.columns}), None)


def with_pandas(settings: Settings, region: Region) -> int:
    """Count inhabitants with pandas; return how many."""
    import pandas as pd

    addresses = pd.read_parquet(settings.placement / "_adressen.parquet")
    addresses = addresses.assign(
        nummer=addresses["hausnummer"].astype("string"), zusatz=addresses["zusatz"].fillna("")
    )
    total = 0
    for delivery in _deliveries(settings, region):
        people = _read(register_feed(region), delivery, Folders(settings.landing).raw)
        people = people[people["wohnungsstatus"].isin(INHABITANT)]
        people = people.assign(
            nummer=people["hausnummer"].str.strip().str.lstrip("0"),
            zusatz=people["hausnummer_zusatz"].fillna("").str.strip().str.lower(),
            jahre=_age(people["geburtsmonat"], delivery),
        )
        stand = region.gebietsstand_at(delivery.stichtag)
        known = addresses[addresses["gebietsstand"] == stand].drop_duplicates(
            ["kommune_id", "strassenschluessel", "nummer", "zusatz"]
        )
        placed = people.merge(
            known[["kommune_id", "strassenschluessel", "nummer", "zusatz", "raum_id"]],
            on=["kommune_id", "strassenschluessel", "nummer", "zusatz"],
            how="left",
        )
        placed["raum_id"] = placed["raum_id"].fillna(placed["kommune_id"] + "-ohne")
        placed["band"] = pd.cut(placed["jahre"], [*BOUNDS, 200], right=False)
        counts = placed.groupby(["raum_id", "band", "geschlecht"], observed=True).size()
        total += int(counts.sum())
    return total


def with_sql(settings: Settings, region: Region) -> int:
    """Count inhabitants with bare SQL on the landed register; return how many."""
    import duckdb

    landed = Folders(settings.landing).accepted(register_feed(region).feed)
    stands = " ".join(
        f"when stichtag between date '{s.gueltig_ab or '0001-01-01'}' "
        f"and date '{s.gueltig_bis or '9999-12-31'}' then '{s.gebietsstand}'"
        for s in region.gebietsstaende
    )
    with duckdb.connect() as con:
        return con.execute(
            f"""
            with people as (
                select *, case {stands} end as gebietsstand,
                    try_cast(hausnummer as integer) as nummer,
                    coalesce(lower(hausnummer_zusatz), '') as zusatz
                from read_parquet('{landed}/*.parquet')
                where wohnungsstatus in ('alleinige', 'haupt')
            ),
            counts as (
                select people.stichtag,
                    coalesce(known.raum_id, people.kommune_id || '-ohne') as raum_id,
                    year(people.stichtag) - try_cast(left(geburtsmonat, 4) as integer) as jahre,
                    geschlecht, count(*) as anzahl
                from people
                left join (
                    select distinct on (kommune_id, strassenschluessel, hausnummer, zusatz,
                        gebietsstand) *
                    from read_parquet('{settings.placement}/_adressen.parquet')
                ) as known
                    on known.kommune_id = people.kommune_id
                    and known.strassenschluessel = people.strassenschluessel
                    and known.hausnummer = people.nummer
                    and coalesce(known.zusatz, '') = people.zusatz
                    and known.gebietsstand = people.gebietsstand
                group by all
            )
            select sum(anzahl) from counts
            """
        ).fetchone()[0]


def _deliveries(settings: Settings, region: Region) -> list[Outcome]:
    feed = register_feed(region).feed
    return [o for o in valid_deliveries(region, Folders(settings.landing)) if o.feed == feed]


def _read(feed: Feed, delivery: Outcome, raw: Path):
    import pandas as pd

    layout = next(layout for layout in feed.layouts if layout.id == delivery.layout)
    path = raw / delivery.sha256
    if isinstance(layout, FixedWidthLayout):
        fields = [layout.fields[name] for name in NEEDED]
        return pd.read_fwf(
            path,
            colspecs=[(first - 1, first - 1 + width) for first, width in fields],
            names=list(NEEDED),
            dtype=str,
            encoding=layout.encoding,
            header=None,
            skipfooter=0,
        )
    columns = {header_of(layout, c): c.name for c in feed.columns if c.name in NEEDED}
    frame = pd.read_csv(
        path, sep=layout.delimiter, dtype=str, encoding=layout.encoding, usecols=list(columns)
    )
    return frame.rename(columns=columns)


def _age(birth_months, delivery: Outcome):
    import pandas as pd

    years = pd.to_numeric(birth_months.str[:4], errors="coerce")
    return delivery.stichtag.year - years
