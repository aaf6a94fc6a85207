"""What every office's writer needs: where its files go, how the contract wants them written, who
has signed, and the truth about what was written.

What an office knows of people is the County; what its table says is the office's own module; how
it spells addresses is `spelling.py`. Nothing here knows an office.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from sources.contract import KREIS, Feed, date_format_of, header_of
from sources.layouts import DelimitedLayout
from sources.region import Region
from sources.simulator.writers.defects import Defect, Expected

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from openpyxl import Workbook

    from sources.simulator.county import County


@dataclass
class Outbox:
    """Where the offices of a county put their files, and what is true of them.

    Attributes:
        county: what happened.
        region: who has agreed to deliver what.
        inbox: folder in which each feed has its own.
        defects: planted defects, appended to.
        addresses: labels of written addresses (see `spelling.py`), appended to.
        counts: true counts by area that do not follow from the County alone, appended to;
            columns raum_id, gebietsstand, stichtag, merkmal, anzahl.
    """

    county: "County"
    region: Region
    inbox: Path
    defects: list[Defect]
    addresses: list["pd.DataFrame"] = field(default_factory=list)
    counts: list["pd.DataFrame"] = field(default_factory=list)

    @cached_property
    def spellings(self) -> "pd.DataFrame":
        """How each address may be written: see `spelling.py`."""
        from sources.simulator.writers.spelling import spellings

        return spellings(self.county)

    def has(self, feed: str) -> bool:
        """Return whether the county has agreed on a feed."""
        return any(known.feed == feed for known in self.region.feeds)

    def rng(self, feed: str) -> "np.random.Generator":
        """Return a feed's own random numbers, the same in every run."""
        import numpy as np

        return np.random.default_rng([self.county.seed, zlib.crc32(feed.encode())])

    def jahre(self) -> list[int]:
        """Return the years at whose end the register is known."""
        return [stichtag.year for stichtag in self.county.stichtage]

    def liefereinheiten(self, feed: str) -> dict[str, list[str]]:
        """Return who delivers a feed, and for which municipalities."""
        every = [kommune.kommune_id for kommune in self.county.profile.kommunen]
        return {
            unit: every if unit == KREIS else list(self.region.kommunen_of(unit))
            for unit in self.region.feed(feed).liefereinheiten
        }

    def path(self, feed: str, name: str) -> Path:
        """Return where a file of a feed lies; its folder is made."""
        folder = self.inbox / self.region.feed(feed).location
        folder.mkdir(parents=True, exist_ok=True)
        return folder / name

    def raum_at(self, adresse: "pd.Series", kommune_id: "pd.Series", stichtag: date) -> "pd.Series":
        """Return the Sozialraum of addresses at a day; `<kommune_id>-ohne` for those unknown."""
        import pandas as pd

        raum = self.county.raum_am(adresse.to_numpy(), kommune_id, stichtag)
        return pd.Series(raum.astype(object), index=adresse.index, name="raum_id")

    def needs(self, jahr: int) -> "pd.DataFrame":
        """Return the needs of everybody in the stock of a year, with address and birth month."""
        stock = self.county.bestand(jahr)
        return self.county.lagen(jahr).assign(
            adresse=stock["adresse"].to_numpy(), geburtsmonat=stock["geburtsmonat"].to_numpy()
        )

    def areas_at(self, stichtag: date, kommunen: Sequence[str] = ()) -> "pd.DataFrame":
        """Return the Sozialräume that are valid at a day, of some municipalities or of all."""
        stand = self.county.profile.gebietsstand_am(stichtag)
        areas = self.county.sozialraeume
        areas = areas[areas.gebietsstand == stand]
        return areas[areas.kommune_id.isin(kommunen)] if len(kommunen) else areas

    def count(self, merkmal: str, stichtag: date, raum_id: "pd.Series", anzahl: "pd.Series"):
        """Note true counts of one Merkmal; rows of one area are added up."""
        import pandas as pd

        summed = pd.Series(list(anzahl), index=list(raum_id)).groupby(level=0).sum()
        self.counts.append(
            pd.DataFrame(
                {
                    "raum_id": summed.index,
                    "gebietsstand": self.county.profile.gebietsstand_am(stichtag),
                    "stichtag": stichtag,
                    "merkmal": merkmal,
                    "anzahl": summed.to_numpy(),
                }
            )
        )

    def plant(
        self, nr: int, kind: str, feed: str, file: str, expected: Expected, reason: str, rows: int
    ) -> None:
        """Note a planted defect: see `defects.py`. None is noted where there is nothing to find."""
        if rows == 0 and expected in ("state", "repaired"):
            return
        self.defects.append(Defect(nr, kind, feed, file, expected, reason, rows))


def layout_of(feed: Feed, layout_id: str) -> DelimitedLayout:
    """Return a layout of a feed by its id."""
    return next(layout for layout in feed.layouts if layout.id == layout_id)


def delivered(feed: Feed, frame: "pd.DataFrame", layout_id: str) -> "pd.DataFrame":
    """Return canonical rows as the texts that a partner writes, still under canonical names.

    Codes become the partner's own (the first one agreed for a value), dates and decimals take the
    layout's form, nothing becomes an empty text. Columns that do not land are left out if absent.
    """
    import pandas as pd

    layout = layout_of(feed, layout_id)
    texts = {}
    for column in feed.columns:
        if column.name not in frame.columns:
            continue
        values = frame[column.name]
        if column.type == "date":
            days = pd.to_datetime(values)
            texts[column.name] = days.dt.strftime(date_format_of(layout, column)).fillna("")
        elif column.type == "integer":
            whole = pd.to_numeric(values).astype("Int64")
            texts[column.name] = whole.astype("string").fillna("").astype(object)
        elif column.type == "decimal":
            number = pd.to_numeric(values).astype("float64").map("{:.2f}".format, "ignore")
            text = number.astype(object).where(number.notna(), "").astype(str)
            texts[column.name] = text.str.replace(".", layout.decimal, regex=False)
        else:
            own = {canonical: code for code, canonical in reversed((column.codes or {}).items())}
            text = values.astype(object).where(values.notna(), "")
            texts[column.name] = text.map(lambda value, own=own: own.get(value, value))
    return pd.DataFrame(texts, index=frame.index)


def write_delimited(
    outbox: Outbox,
    feed_name: str,
    file_name: str,
    rows: "pd.DataFrame",
    layout_id: str,
    *,
    head: str = "",
    foot: str = "",
    extra: "pd.DataFrame | None" = None,
    encoding: str | None = None,
) -> None:
    """Write delivered texts as a file of one layout.

    Args:
        outbox: where to.
        feed_name: whose contract the file follows.
        file_name: its name.
        rows: texts under canonical names.
        layout_id: the form.
        head: lines before the header.
        foot: lines after the table.
        extra: columns that the contract does not know, under their headers.
        encoding: another encoding than the agreed one: a planted defect.
    """
    import csv

    import pandas as pd

    feed = outbox.region.feed(feed_name)
    layout = layout_of(feed, layout_id)
    headers = {c.name: header_of(layout, c) for c in feed.columns if c.name in rows.columns}
    table = rows[list(headers)].rename(columns=headers)
    if extra is not None:
        table = pd.concat([table, extra], axis=1)
    text = table.to_csv(
        sep=layout.delimiter,
        index=False,
        quoting=csv.QUOTE_ALL if layout.quoted else csv.QUOTE_MINIMAL,
        lineterminator="\n",
    )
    content = (head + text + foot).encode(encoding or layout.encoding)
    outbox.path(feed_name, file_name).write_bytes(content)


def save_workbook(book: "Workbook", path: Path, day: date) -> None:
    """Save a workbook as if on a day: the same table is the same file."""
    import re
    import zipfile
    from io import BytesIO

    content = BytesIO()
    book.save(content)
    stamp = f"{day}T00:00:00Z".encode()
    with zipfile.ZipFile(content) as made, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        for part in made.infolist():
            text = made.read(part)
            if part.filename == "docProps/core.xml":  # openpyxl writes the time of saving into it
                text = re.sub(rb"[0-9-]{10}T[0-9:]{8}Z", stamp, text)
            out.writestr(
                zipfile.ZipInfo(part.filename, (day.year, day.month, day.day, 0, 0, 0)), text
            )
