"""Write everything that the partners of a synthetic county deliver, and what is true of it.

The county is `county.py`, the true results are `truth.py`, the files `writers/`; here is only who
is called.
"""

from pathlib import Path

from sources.region import read_region
from sources.simulator.profile import read_profile


def simulate(
    region_name: str,
    inbox: Path,
    truth: Path,
    sources_home: Path,
    scale: float = 1.0,
    seed: int | None = None,
) -> None:
    """Write the partners' files of a region and the truth about them.

    The same arguments give the same files. Present files of the same names are replaced.

    Args:
        region_name: a region with a profile.
        inbox: its inbox; each feed has a folder in it.
        truth: folder for what only tests read: the true results (one Parquet file for each frame
            of `truth.true_results`), `adressen` and `fallzahl_offices` (see `write_offices`) and
            `defects` (see `writers/defects.py`).
        sources_home: folder for the partners' databases, which connectors ask.
        scale: share of the county that is made.
        seed: another county than the profile's own.

    Raises:
        ValueError: there is no such region, or it has no profile.
    """
    from sources.simulator.county import make_county
    from sources.simulator.truth import true_results
    from sources.simulator.writers import ba, itnrw, register, space
    from sources.simulator.writers.defects import Defects, as_frame
    from sources.simulator.writers.offices import write_offices
    from sources.simulator.writers.outbox import Outbox

    region, profile = read_region(region_name), read_profile(region_name)
    county = make_county(profile, scale) if seed is None else make_county(profile, scale, seed)
    for folder in (inbox, truth, sources_home):
        folder.mkdir(parents=True, exist_ok=True)
    defects = Defects()
    outbox = Outbox(county, region, inbox, defects)
    for writer in (space, register, ba, itnrw):
        writer.write(outbox)
    write_offices(county, region, inbox, defects, truth, sources_home)
    for name, frame in true_results(county).items():
        frame.to_parquet(truth / f"{name}.parquet", index=False)
    as_frame(defects).to_parquet(truth / "defects.parquet", index=False)
