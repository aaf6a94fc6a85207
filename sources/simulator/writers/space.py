"""The survey office: points of addresses in both forms of the Land, streets with their history,
postcodes, and boundaries as GeoPackages.
"""

from datetime import date
from typing import TYPE_CHECKING

from sources.simulator.writers.outbox import Outbox, delivered, write_delimited

if TYPE_CHECKING:
    import pandas as pd

POINTS, STREETS, POSTCODES = "hauskoordinaten", "strassenverzeichnis", "plz_adressen"
AREAS, MUNICIPALITIES, DISTRICTS = "sozialraum_grenzen", "gemeinde_grenzen", "stadtbezirke"

ZONE = 32
"""Zone of the coordinates; the older form writes it before the easting."""


def write(outbox: Outbox) -> None:
    """Write what the survey office delivers."""
    _write_points(outbox)
    _write_streets(outbox)
    _write_postcodes(outbox)
    _write_boundaries(outbox)


def _write_points(outbox: Outbox) -> None:
    """Write a file for each year, the last one in the new form."""
    jahre = outbox.jahre()
    for jahr in jahre:
        points = _points(outbox, jahr)
        swapped = points.head(6).assign(
            oi=lambda rows: rows["oi"].str.replace("DENW", "DEXX"), x=points["y"], y=points["x"]
        )
        name = f"gebref_{jahr}1231.txt"
        reason = "x, y: coordinates outside the county's bounds"
        outbox.plant(16, "x and y swapped", POINTS, name, "quarantined", reason, len(swapped))
        rows = _stacked(points, swapped)
        text = _with_names(outbox, rows) if jahr == jahre[-1] else _with_zone(rows)
        outbox.path(POINTS, name).write_bytes(b"\xef\xbb\xbf" + text.encode())
        if jahr < jahre[-1]:
            outbox.plant(
                16, "zone before the easting", POINTS, name, "accepted", "gebref_15", len(rows)
            )
    outbox.plant(1, "21 columns", POINTS, name, "accepted", "gebref_21", len(rows))
    other = name.replace(".txt", "_kurz.txt")
    lines = [line.rsplit(";", 4)[0] for line in text.splitlines()[:40]]
    outbox.path(POINTS, other).write_text("\n".join(lines) + "\n", encoding="utf-8-sig")
    outbox.plant(1, "17 columns", POINTS, other, "rejected", "layout", len(lines))


def _points(outbox: Outbox, jahr: int) -> "pd.DataFrame":
    """Return the addresses of a year's end as text, streets with the name of that day."""
    import pandas as pd

    frame = outbox.county.adressen
    frame = frame[frame["ab"] <= jahr].reset_index(drop=True)
    renamed = frame["umbenannt_am"] > pd.Timestamp(jahr, 12, 31)
    current, before = "strassenschluessel", "strassenschluessel_alt"
    return pd.DataFrame(
        {
            "oi": frame["oi"].astype(str),
            "kommune_id": frame["kommune_id"].astype(str),
            "schluessel": frame[current].astype(object).mask(renamed, frame[before].astype(object)),
            "strasse": frame["strasse"]
            .astype(object)
            .mask(renamed, frame["strasse_alt"].astype(object)),
            "hausnummer": frame["hausnummer"].astype(str),
            "zusatz": frame["zusatz"].astype(object).fillna(""),
            "x": frame["x"].map("{:.3f}".format),
            "y": frame["y"].map("{:.3f}".format),
            "stand": f"{jahr}-12-31",
        }
    )


def _joined(rows: "pd.DataFrame", columns: str) -> "pd.Series":
    """Return lines of these columns; what stands in quotes stands in every line."""
    line = "N"
    for column in columns.split():
        part = column.strip("'") if column.startswith("'") else rows[column]
        line = line + ";" + part
    return line


def _with_zone(points: "pd.DataFrame") -> str:
    """Return a file of 15 columns: decimal comma, the zone before the easting."""
    rows = _keys(points).assign(
        x=str(ZONE) + points["x"].str.replace(".", ",", regex=False),
        y=points["y"].str.replace(".", ",", regex=False),
    )
    head = "NBA;OI;QUA;LAN;RBZ;KRS;GMD;OTT;SSS;HNR;ADZ;ZZEEEEEE,EEE;NNNNNNN,NNN;STN;JJJJ-MM-TT"
    columns = "oi 'A' land rb kreis gemeinde '0000' schluessel hausnummer zusatz x y strasse stand"
    return "\n".join([head, *_joined(rows, columns)]) + "\n"


def _with_names(outbox: Outbox, points: "pd.DataFrame") -> str:
    """Return a file of 21 columns without a head: names beside keys, the zone by itself."""
    from sources.simulator.writers.itnrw import gebiete

    land = gebiete()["land"]
    seat = {g["gebiet_id"]: g["kurz"] for g in gebiete()["regierungsbezirke"]}
    names = {kommune.kommune_id: kommune.name for kommune in outbox.county.profile.kommunen}
    rows = _keys(points).assign(
        kreis_name=outbox.region.name,
        rb_name=points["kommune_id"].str[:3].map(seat),
        name=points["kommune_id"].map(names),
        land_name=land["name"],
    )
    columns = (
        "oi 'A' land land_name rb rb_name kreis kreis_name gemeinde name '0000' '' schluessel "
        f"strasse hausnummer zusatz '{ZONE}' x y stand"
    )
    return "\n".join(_joined(rows, columns)) + "\n"


def _keys(points: "pd.DataFrame") -> "pd.DataFrame":
    """Take the AGS apart."""
    ags = points["kommune_id"].str
    return points.assign(land=ags[:2], rb=ags[2:3], kreis=ags[3:5], gemeinde=ags[5:8])


def _write_streets(outbox: Outbox) -> None:
    feed = outbox.region.feed(STREETS)
    name = f"STRASSEN_{outbox.jahre()[-1]}1231.csv"
    rows = delivered(feed, outbox.county.strassen, "kommagetrennt")
    write_delimited(outbox, STREETS, name, rows, "kommagetrennt")
    other = name.replace(".csv", "_utf8.csv")
    umlauts = rows[rows["strasse"].str.contains("[äöüß]")].head(60)
    write_delimited(outbox, STREETS, other, umlauts, "kommagetrennt", encoding="utf-8")
    outbox.plant(10, "UTF-8 as cp1252", STREETS, other, "rejected", "encod", len(umlauts))


def _write_postcodes(outbox: Outbox) -> None:
    name = f"PLZ_{outbox.jahre()[-1]}1231.csv"
    rows = outbox.county.adressen[["oi", "plz"]].astype(str)
    same = rows.head(3)
    write_delimited(outbox, POSTCODES, name, _stacked(rows, same), "kommagetrennt")
    reason = "key (oi): stands twice, identical"
    outbox.plant(6, "identical row twice", POSTCODES, name, "quarantined", reason, len(same))


def _write_boundaries(outbox: Outbox) -> None:
    county = outbox.county
    for stand in county.profile.gebietsstaende:
        areas = county.sozialraeume
        areas = areas[areas["gebietsstand"] == stand.gebietsstand]
        _write_areas(outbox, AREAS, "sozialraeume", stand.gueltig_ab, areas, "raum_id", "raum_name")
        _write_areas(
            outbox,
            MUNICIPALITIES,
            "gemeinden",
            stand.gueltig_ab,
            county.kommunen,
            "kommune_id",
            "name",
        )
    if outbox.has(DISTRICTS):
        first = county.profile.gebietsstaende[0].gueltig_ab
        _write_areas(outbox, DISTRICTS, "stadtbezirke", first, county.bezirke, "bezirk_id", "name")


def _write_areas(
    outbox: Outbox, feed: str, prefix: str, day: date, areas: "pd.DataFrame", key: str, name: str
) -> None:
    """Write areas as a GeoPackage."""
    import geopandas as gpd
    import pyogrio

    frame = gpd.GeoDataFrame(
        {"schluessel": areas[key].astype(str), "name": areas[name].astype(str)},
        geometry=list(areas["geometry"]),
        crs=outbox.region.srs,
        index=areas.index,
    )
    path = outbox.path(feed, f"{prefix}_{day:%Y%m%d}.gpkg")
    path.unlink(missing_ok=True)
    # Without the time of writing the same areas are the same file.
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": f"{day}T00:00:00.000Z"})
    try:
        pyogrio.write_dataframe(frame, path, layer=prefix, driver="GPKG")
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})


def _stacked(*frames: "pd.DataFrame") -> "pd.DataFrame":
    import pandas as pd

    return pd.concat(frames, ignore_index=True)
