"""The package that a partner receives for one feed: instructions, template, list of areas."""

from datetime import date
from pathlib import Path

from sources.contract import Feed
from sources.kit.check import area_list
from sources.kit.examples import default_stichtag
from sources.kit.instructions import instructions
from sources.kit.template import WRITTEN, write_template
from sources.layouts import AnyLayout
from sources.region import Region


def write_package(
    region: Region,
    feed: str,
    liefereinheit: str | None,
    stichtag: date | None,
    folder: Path,
    *,
    form: str | None = None,
    areas: Path | None = None,
) -> list[Path]:
    """Write what a Liefereinheit needs to deliver a feed; return the paths.

    Args:
        region: the region.
        feed: name of the feed.
        liefereinheit: who delivers; may be left out if only one does.
        stichtag: for the examples; the last expected one unless given.
        folder: where to write; a folder of the feed is made in it.
        form: id of the layout that this Liefereinheit delivers in; all that are agreed for the
            Stichtag unless given, and then a folder for each template.
        areas: Parquet with the areas of all levels and Gebietsstaende (`raum_id`,
            `gebietsstand`, `raumebene`); without it no list of areas is written.

    Raises:
        ValueError: there is no such feed, form or Stichtag, or it is not told who delivers.
    """
    contract = _contract(region, feed)
    unit = _unit(contract, liefereinheit)
    day = stichtag or default_stichtag(region, contract)
    layouts = _layouts(contract, day, form)
    target = folder / feed
    target.mkdir(parents=True, exist_ok=True)
    guide = target / "ANLEITUNG.md"
    guide.write_text(instructions(contract, region, unit, day, layouts), encoding="utf-8")
    written = [guide]
    known = _known_areas(region, contract, unit, day, areas) if areas else []
    for layout in layouts:
        place = target / layout.id if len(layouts) > 1 else target
        if layout.format in WRITTEN:
            written.append(write_template(contract, region, unit, day, layout, place))
            if known:
                written.append(area_list(known, place))
    return written


def _known_areas(
    region: Region, feed: Feed, liefereinheit: str, stichtag: date, areas: Path
) -> list[str]:
    """Return the keys of the areas that a Liefereinheit delivers for, if rows name areas."""
    import pyarrow.parquet as pq

    if feed.spatial.kind != "schluessel":
        return []
    wanted = [
        ("raumebene", "=", feed.spatial.ebene),
        ("gebietsstand", "=", region.gebietsstand_of(feed, stichtag) or ""),
    ]
    keys = pq.read_table(areas, columns=["raum_id"], filters=wanted)["raum_id"].to_pylist()
    return sorted(key for key in keys if key.startswith(region.kommunen_of(liefereinheit) or ""))


def _contract(region: Region, feed: str) -> Feed:
    if feed not in (names := sorted(known.feed for known in region.feeds)):
        raise ValueError(f"region {region.region} has no feed {feed!r}; it has {', '.join(names)}")
    return region.feed(feed)


def _unit(feed: Feed, liefereinheit: str | None) -> str:
    units = feed.liefereinheiten
    if (liefereinheit is None and len(units) > 1) or liefereinheit not in (None, *units):
        raise ValueError(f"feed {feed.feed}: say with --liefereinheit which of {', '.join(units)}")
    return liefereinheit or units[0]


def _layouts(feed: Feed, stichtag: date, form: str | None) -> list[AnyLayout]:
    agreed = feed.layouts_at(stichtag)
    chosen = [layout for layout in agreed if form in (None, layout.id)]
    if not chosen:
        known = ", ".join(layout.id for layout in agreed) or "none"
        wanted = f"form {form}" if form else "a form"
        raise ValueError(
            f"feed {feed.feed}: expected {wanted} that is agreed for Stichtag {stichtag}, found "
            f"{known}; choose another with --form or --stichtag"
        )
    return chosen
