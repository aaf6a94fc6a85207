"""The ledger of deliveries: one row for each try to land a delivery, failures included.

Append-only Parquet files, one for each run of a feed. It holds counts, names of files and
columns, and reasons; never a value of a row.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Literal
from uuid import uuid4

Result = Literal[
    "accepted", "rejected", "duplicate", "unchanged", "not_delivered", "not_agreed", "purged"
]
Origin = Literal["inbox", "data"]


@dataclass(frozen=True)
class Outcome:
    """What became of one try. Grain: feed × file × run.

    Attributes:
        result: `accepted`; `rejected` with a reason; `duplicate`: the same content under
            another name; `unchanged`: landed before; `not_delivered`: expected, not there;
            `not_agreed`: no agreement covers it, nothing of it was kept; `purged`: its retention
            has ended and its rows are gone.
        liefereinheit: who delivered; None if the file's name does not say.
        origin: where the file was found in this run; None if it was looked at again.
        rules_version: hash of the contract, its repairs, the agreement's terms and the deliveries
            it was checked against; when it changes, the delivery is landed again.
        warnung: what was recorded and did not stop it.
        hinweise: what the file says below its table, and the declared notes that apply.
        agreement: id of the agreement under which it was taken.
        period_start: first day of what it tells about; `period_end` is the last.
        publishable_from: before this day its values stay in the sealed zone.
    """

    feed: str
    partner: str
    liefereinheit: str | None
    stichtag: date | None
    result: Result
    file: str | None = None
    sha256: str | None = None
    bytes: int | None = None
    delivery_id: str | None = None
    layout: str | None = None
    contract_version: str | None = None
    rules_version: str | None = None
    reason: str | None = None
    rows_read: int | None = None
    rows_accepted: int | None = None
    rows_quarantined: int | None = None
    repairs: str | None = None
    warnung: str | None = None
    hinweise: str | None = None
    agreement: str | None = None
    origin: Origin | None = None
    period_start: date | None = None
    period_end: date | None = None
    publishable_from: date | None = None
    received_at: datetime | None = None
    purged_at: datetime | None = None
    tried_at: datetime | None = None


def append(folder: Path, outcomes: Sequence[Outcome]) -> None:
    """Write the outcomes of one run of one feed as a new file; nothing is overwritten."""
    if not outcomes:
        return
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder.mkdir(parents=True, exist_ok=True)
    tried_at = datetime.now(UTC)
    rows = [{**asdict(outcome), "tried_at": tried_at} for outcome in outcomes]
    name = f"{tried_at:%Y%m%dT%H%M%S%f}-{outcomes[0].feed}.parquet"
    pq.write_table(pa.Table.from_pylist(rows, schema=_schema()), folder / name)


def write_empty(folder: Path) -> None:
    """Write a file without rows, so that the ledger can be read before the first delivery."""
    import pyarrow.parquet as pq

    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"_empty.{uuid4().hex}.part"  # several feeds are landed at once
    pq.write_table(_schema().empty_table(), part)
    part.replace(folder / "_empty.parquet")


def read(folder: Path, feed: str) -> list[Outcome]:
    """Return all outcomes of a feed, oldest first."""
    import pyarrow.parquet as pq

    if not folder.exists():
        return []
    files = sorted(folder.glob(f"*-{feed}.parquet"))
    return [Outcome(**row) for file in files for row in pq.read_table(file).to_pylist()]


def _schema():
    import pyarrow as pa

    whole, day, moment = pa.int64(), pa.date32(), pa.timestamp("us", tz="UTC")
    kinds = {
        "stichtag": day,
        "period_start": day,
        "period_end": day,
        "publishable_from": day,
        "received_at": moment,
        "tried_at": moment,
        "purged_at": moment,
        "bytes": whole,
        "rows_read": whole,
        "rows_accepted": whole,
        "rows_quarantined": whole,
    }
    return pa.schema([(f.name, kinds.get(f.name, pa.string())) for f in fields(Outcome)])
