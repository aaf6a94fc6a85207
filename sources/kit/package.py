"""The package that a partner receives for one feed: instructions and template in a folder."""

from datetime import date
from pathlib import Path

from sources.kit.instructions import instructions, newest_layout
from sources.kit.template import WRITTEN, write_template
from sources.region import Region


def write_package(
    region: Region, feed: str, liefereinheit: str | None, stichtag: date | None, folder: Path
) -> list[Path]:
    """Write what a Liefereinheit needs to deliver a feed; return the paths.

    Args:
        region: the region.
        feed: name of the feed.
        liefereinheit: who delivers; may be left out if only one does.
        stichtag: for the examples; the last expected one unless given.
        folder: where to write; a folder of the feed is made in it.

    Raises:
        ValueError: there is no such feed, or it is not told who delivers.
    """
    if feed not in {known.feed for known in region.feeds}:
        known = ", ".join(sorted(f.feed for f in region.feeds))
        raise ValueError(f"region {region.region} has no feed {feed!r}; it has {known}")
    contract = region.feed(feed)
    units = contract.liefereinheiten
    if (liefereinheit is None and len(units) > 1) or liefereinheit not in (None, *units):
        raise ValueError(f"feed {feed}: say with --liefereinheit which of {', '.join(units)}")
    unit = liefereinheit or units[0]
    day = stichtag or max(region.expected.get(feed, ()), default=date.today())
    target = folder / feed
    target.mkdir(parents=True, exist_ok=True)
    guide = target / "ANLEITUNG.md"
    guide.write_text(instructions(contract, region, unit, day), encoding="utf-8")
    written = [guide]
    if newest_layout(contract).format in WRITTEN:
        written.append(write_template(contract, unit, day, target))
    return written
