"""All offices that are not the register, the labour agency, the state office or the surveyors.

One call writes their files into the inbox and the truth about them; what each of them writes is
its own module.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from sources.region import Region
from sources.simulator.writers import (
    disability,
    elections,
    foreigners,
    health,
    housing,
    schools,
    social,
    welfare,
    youth,
)
from sources.simulator.writers.defects import Defects
from sources.simulator.writers.outbox import Outbox

if TYPE_CHECKING:
    from sources.simulator.county import County

WRITERS = (health, youth, schools, disability, foreigners, welfare, housing, elections)


def write_offices(
    county: "County",
    region: Region,
    inbox: Path,
    defects: Defects,
    truth: Path,
    sources_home: Path,
) -> None:
    """Write the files of all these offices, their database and what is true of both.

    Args:
        county: what happened.
        region: who has agreed to deliver what.
        inbox: folder in which each feed has its own.
        defects: planted defects are appended.
        truth: folder of `adressen.parquet` (feed, file, row_number, raum_id, methode: where each
            written address lies and how it is to be found) and `fallzahl_offices.parquet` (true
            counts of what these offices alone know: raum_id, gebietsstand, stichtag, merkmal,
            anzahl; the counts of persons' needs are in the County's own truth).
        sources_home: folder of the databases that connectors ask.
    """
    import pandas as pd

    outbox = Outbox(county, region, inbox, defects)
    for writer in WRITERS:
        writer.write(outbox)
    social.write(outbox, sources_home)
    truth.mkdir(parents=True, exist_ok=True)
    pd.concat(outbox.addresses, ignore_index=True).to_parquet(truth / "adressen.parquet")
    pd.concat(outbox.counts, ignore_index=True).to_parquet(truth / "fallzahl_offices.parquet")
