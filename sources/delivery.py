"""One delivery: read, check against its contract, split into accepted and quarantined rows.

Works on whole tables in DuckDB; no row is looked at in Python. What is demanded of a row is
`judge.py`. Whether the delivery as a whole is taken is decided in `landing.py`; how a file is
read is `formats/`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from sources.contract import Feed
from sources.errors import DeliveryError
from sources.formats import RawTable, read
from sources.judge import (
    KEY_VARIABLE,
    Case,
    Reference,
    Terms,
    bad_query,
    judged_query,
    key_text,
    known_areas,
    literal,
    repair_flags,
    text_query,
    twice_query,
    value_flags,
)
from sources.layouts import Layout
from sources.region import Region

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

SQL_TYPES = {
    "text": "varchar",
    "integer": "bigint",
    "decimal": "double",
    "date": "date",
    "geometry": "blob",
}
TECHNICAL = {
    "delivery_id": "varchar",
    "row_number": "bigint",
    "liefereinheit": "varchar",
    "stichtag": "date",
}
THREADS = 1
SORTED_ROWS = 100_000
BLANKS = " \t\r\u00a0"
BATCH = 20_000


@dataclass(frozen=True)
class Split:
    """What became of a delivery's rows. rows_read = rows_accepted + rows_quarantined.

    Attributes:
        layout: the layout that the file follows.
        reasons: reason -> (number of rows, first row number); a reason names a column and
            what is wrong, never a value.
        repairs: what was repaired -> number of rows.
        notes: what the file says below its table, and the ids of declared notes that apply.
        accepted: Parquet file of the accepted rows.
        quarantined: Parquet file of the bad rows with their reasons, if there are any.
    """

    layout: str
    rows_read: int
    rows_accepted: int
    rows_quarantined: int
    reasons: dict[str, tuple[int, int]]
    repairs: dict[str, int]
    notes: tuple[str, ...]
    accepted: Path
    quarantined: Path | None


def landed_columns(feed: Feed) -> dict[str, str]:
    """Return the columns of a feed's landed files with their SQL types, in order."""
    columns = dict(TECHNICAL)
    for column in feed.landed_columns:
        columns[column.name] = SQL_TYPES[column.type]
        if feed.has_state(column):
            columns[f"{column.name}__zustand"] = "varchar"
        if column.type == "geometry":
            columns["flaeche_km2"] = "double"
    return columns


def read_table(feed: Feed, path: Path, file_name: str, region: Region) -> tuple[RawTable, date]:
    """Read a file and return its table and its Stichtag.

    Args:
        feed: the contract.
        path: where the file lies.
        file_name: the name it was delivered under.
        region: gives the reference system.

    Raises:
        DeliveryError: the Stichtag is not told, no layout was agreed for it, or the file cannot
            be read as agreed.
    """
    if feed.stichtag.aus == "name":
        stichtag, layouts = agreed_layouts(feed, file_name)
        return read(feed, path, file_name, layouts, region.srs), stichtag
    table = read(feed, path, file_name, list(feed.layouts), region.srs)
    stichtag = feed.stichtag_of(file_name, table.facts)
    if stichtag is None:
        needs = ", ".join(sorted(feed.stichtag.needs))
        raise DeliveryError(
            feed.feed,
            file_name,
            expected=f"a Stichtag ({needs}) above or below the table",
            found="none, or a day that there is not",
            remedy=f"ask {feed.partner} for the table with its title, or extend the layout",
        )
    _require_layout(feed, file_name, stichtag, table.layout)
    return table, stichtag


def agreed_layouts(feed: Feed, file_name: str) -> tuple[date, list[Layout]]:
    """Return the Stichtag that a file name tells, and the layouts agreed for it.

    Raises:
        DeliveryError: the name tells none, or there is no layout for it.
    """
    stichtag = feed.stichtag_of(file_name)
    if stichtag is None:
        raise DeliveryError(
            feed.feed,
            file_name,
            expected=f"a file name like {feed.name_pattern}",
            found="another name, so that the Stichtag is unknown",
            remedy="rename the file as agreed, or extend name_pattern in the contract",
        )
    _require_layout(feed, file_name, stichtag)
    return stichtag, feed.layouts_at(stichtag)


def _require_layout(
    feed: Feed, file_name: str, stichtag: date, layout: Layout | None = None
) -> None:
    agreed = feed.layouts_at(stichtag)
    if agreed and (layout is None or layout in agreed):
        return
    last = max(layout.valid_to for layout in feed.layouts)
    first = min(layout.valid_from for layout in feed.layouts)
    raise DeliveryError(
        feed.feed,
        file_name,
        expected=f"a Stichtag from {first} to {last}",
        found=f"Stichtag {stichtag}, for which the contract has no layout"
        + (f" {layout.id}" if layout else ""),
        remedy="agree on the new form with the partner and add a layout to the contract",
    )


def split(
    feed: Feed,
    table: RawTable,
    *,
    file_name: str,
    terms: Terms,
    region: Region,
    references: Mapping[str, Reference],
    target: Path,
) -> Split:
    """Write the accepted and the quarantined rows of a table below `target`.

    Args:
        feed: the contract.
        table: the file as read.
        file_name: the name it was delivered under.
        terms: whose delivery it is, of when, and what holds for it alone.
        region: gives repairs, municipalities and bounds.
        references: landed rows of the feeds of `region.references_of(feed)`, by name.
        target: folder of the two files `<delivery_id>.parquet`, `<delivery_id>.bad.parquet`.

    Raises:
        DeliveryError: a reference has not landed, or text was read in a wrong encoding.
        ValueError: the feed has identifiers and there is no key to hash them with.
    """
    if feed.identifiers and not terms.key:
        raise ValueError(f"feed {feed.feed}: identifiers are landed as hashes; no key was given")
    require_references(feed, file_name, region, references)
    rows = _trimmed(table.rows)
    case = Case(
        feed=feed,
        layout=table.layout,
        terms=terms,
        region=region,
        references=references,
        delivered=frozenset(rows.column_names),
        beyond_ascii=_beyond_ascii(rows),
    )
    with _database().cursor() as con:
        _prepare(con, case, rows)
        columns = [name for name in landed_columns(feed) if name not in TECHNICAL]
        con.execute(f"create temp table judged as {judged_query(case, columns)}")
        _mark_doubled(con, case)
        tally = _tally(con, case)
        if tally.pop("garbled"):
            raise _wrong_encoding(feed, file_name, table.layout)
        return _write(con, case, table, target, tally)


def require_references(
    feed: Feed, file_name: str, region: Region, references: Mapping[str, Reference]
) -> None:
    """Refuse a delivery that cannot be checked yet.

    Raises:
        DeliveryError: a feed that it is checked against has no accepted rows.
    """
    for needed in region.references_of(feed):
        if needed.feed not in references or references[needed.feed].rows.num_rows == 0:
            raise DeliveryError(
                feed.feed,
                file_name,
                expected=f"accepted rows of feed {needed.feed}, against which it is checked",
                found="none",
                remedy=f"see why {needed.feed} has not landed; this file is tried again then",
            )


def write_empty(feed: Feed, path: Path) -> None:
    """Write a Parquet file with the feed's landed columns and no rows."""
    columns = ", ".join(f"null::{kind} as {name}" for name, kind in landed_columns(feed).items())
    with _database().cursor() as con:
        con.execute(f"copy (select {columns} where false) to {literal(str(path))} (format parquet)")


def query(sql: str) -> "pa.Table":
    """Return the result of a query over landed files."""
    with _database().cursor() as con:
        return con.execute(sql).to_arrow_table()


@cache
def _database() -> "duckdb.DuckDBPyConnection":
    """One database in memory for the process: opening one costs as much as a small delivery.

    Everything is made in temporary tables of a cursor, which go with it.
    """
    import duckdb

    return duckdb.connect(config={"threads": THREADS})


def _prepare(con: "duckdb.DuckDBPyConnection", case: Case, rows: "pa.Table") -> None:
    """Register the file, its references and what conditional marks rest on."""
    con.register("raw", rows)
    for name, reference in case.references.items():
        con.register(f"ref_{name}", reference.rows)
    if case.terms.key:
        con.execute(f"set variable {KEY_VARIABLE} = ?", [key_text(case.terms.key)])
    if case.areas is not None:
        con.execute(f"create temp table known_areas as {known_areas(case)}")
    for number, condition in enumerate(case.conditions):
        reference = case.references[condition.feed].feed
        con.execute(
            f"create temp table condition_{number} as "
            f"select cells.row_number, bool_and(other.{condition.column} "
            f"is not distinct from {literal(condition.equals)}) as holds "
            f"from ({text_query(case)}) as cells join ref_{condition.feed} as other "
            f"on starts_with(other.{reference.key[0]}, cells.__{case.feed.key[0]}) "
            "group by cells.row_number"
        )


def _texts(rows: "pa.Table") -> list[str]:
    import pyarrow as pa

    kinds = (pa.string(), pa.large_string())
    return [field.name for field in rows.schema if field.type in kinds]


def _trimmed(rows: "pa.Table") -> "pa.Table":
    """Take blanks off all text; in Arrow, which is many times quicker at it than SQL.

    In batches, because each is one thread's work.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    for name in _texts(rows):
        trimmed = pc.utf8_trim(rows.column(name), characters=BLANKS)
        rows = rows.set_column(rows.schema.get_field_index(name), name, trimmed)
    return pa.Table.from_batches(rows.to_batches(max_chunksize=BATCH), schema=rows.schema)


def _beyond_ascii(rows: "pa.Table") -> frozenset[str]:
    """The columns in which a wrong encoding could show."""
    import pyarrow.compute as pc

    return frozenset(
        name
        for name in _texts(rows)
        if not pc.all(pc.string_is_ascii(rows.column(name)), min_count=0).as_py()
    )


def _mark_doubled(con: "duckdb.DuckDBPyConnection", case: Case) -> None:
    """Make `twice`: the rows that go because their key stands twice; they become bad."""
    con.execute("create temp table twice (row_number bigint, reason varchar)")
    if not case.feed.key:
        return
    keys = ", ".join(case.key_names)
    same = " and ".join(
        f"judged.{name} is not distinct from keys.{name}" for name in case.key_names
    )
    con.execute(
        f"create temp table keys as select {keys} from judged group by all having count(*) > 1"
    )
    if not con.execute("select count(*) from keys").fetchone()[0]:
        return
    con.execute(
        "create temp table doubled as select raw.* from raw where row_number in "
        f"(select judged.row_number from judged join keys on {same})"
    )
    con.execute(f"insert into twice {twice_query(case)}")
    con.execute("update judged set bad = true where row_number in (select row_number from twice)")


def _tally(con: "duckdb.DuckDBPyConnection", case: Case) -> dict[str, int]:
    """Count good and garbled rows, and each repair and note."""
    flags = [*repair_flags(case), *value_flags(case)]
    counts = "".join(f", count_if({flag}) as {flag}" for flag in flags)
    result = con.execute(
        "select count(*) as rows, count_if(not bad) as good, count_if(__garbled) as garbled"
        f"{counts} from judged"
    )
    names = [column[0] for column in result.description]
    return {name: count or 0 for name, count in zip(names, result.fetchone(), strict=True)}


def _write(
    con: "duckdb.DuckDBPyConnection",
    case: Case,
    table: RawTable,
    target: Path,
    tally: dict[str, int],
) -> Split:
    target.mkdir(parents=True, exist_ok=True)
    terms = case.terms
    accepted = target / f"{terms.delivery_id}.parquet"
    bad = target / f"{terms.delivery_id}.bad.parquet"
    technical = {
        "delivery_id": literal(terms.delivery_id),
        "liefereinheit": literal(terms.liefereinheit),
        "stichtag": f"date '{terms.stichtag}'",
    }
    columns = ", ".join(
        f"{technical.get(name, name)}::{kind} as {name}"
        for name, kind in landed_columns(case.feed).items()
    )
    # A join may change the order of a small table; a large one is always its probing side.
    order = "order by row_number" if tally["rows"] <= SORTED_ROWS else ""
    con.execute(
        f"copy (select {columns} from judged where not bad {order}) "
        f"to {literal(str(accepted))} (format parquet, compression zstd, compression_level 1)"
    )
    good = tally["good"]
    quarantined = tally["rows"] - good + len(table.malformed)
    reasons = _write_bad(con, case, table, bad) if quarantined else {}
    return Split(
        layout=table.layout.id,
        rows_read=tally["rows"] + len(table.malformed),
        rows_accepted=good,
        rows_quarantined=quarantined,
        reasons=reasons,
        repairs=_repairs(case, tally),
        notes=_notes(case, table, tally),
        accepted=accepted,
        quarantined=bad if quarantined else None,
    )


def _write_bad(
    con: "duckdb.DuckDBPyConnection", case: Case, table: RawTable, path: Path
) -> dict[str, tuple[int, int]]:
    """Write the bad rows with their reasons; return the reasons with their counts."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    reason = "row: not the agreed number of fields"
    con.register("malformed", pa.table({"row_number": pa.array(table.malformed, pa.int64())}))
    bad = con.execute(
        "with raw_bad as materialized (select raw.* from raw "
        "where row_number in (select row_number from judged where bad)) "
        f"select {literal(case.terms.delivery_id)} as delivery_id, * from ({bad_query(case)} "
        f"union all by name select row_number, [{literal(reason)}] as reasons from malformed) "
        "order by row_number"
    ).to_arrow_table()
    pq.write_table(bad, path, compression="zstd")
    return _counted(bad)


def _counted(bad: "pa.Table") -> dict[str, tuple[int, int]]:
    """Return each reason with the number of its rows and the first of them."""
    import pyarrow as pa
    import pyarrow.compute as pc

    reasons = bad.column("reasons")
    rows = bad.column("row_number").take(pc.list_parent_indices(reasons))
    told = pa.table({"reason": pc.list_flatten(reasons), "row": rows}).group_by("reason")
    found = told.aggregate([("row", "count"), ("row", "min")]).sort_by("reason").to_pylist()
    return {row["reason"]: (row["row_count"], row["row_min"]) for row in found}


def _repairs(case: Case, tally: dict[str, int]) -> dict[str, int]:
    """Return what was repaired. An offset that every row has is the file's form, no repair."""
    flags = {**repair_flags(case), **value_flags(case)}
    return {
        what: tally[name]
        for name, (what, _) in flags.items()
        if tally[name]
        and not name.startswith("__note")
        and not (name.startswith("__offset") and tally[name] == tally["rows"])
    }


def _notes(case: Case, table: RawTable, tally: dict[str, int]) -> tuple[str, ...]:
    applied = [note.id for n, note in enumerate(case.notes) if tally[f"__note_{n}"]]
    return tuple(filter(None, [table.facts.get("notes"), *applied]))


def _wrong_encoding(feed: Feed, file_name: str, layout: Layout) -> DeliveryError:
    return DeliveryError(
        feed.feed,
        file_name,
        expected=f"text in {layout.encoding}",
        found="characters that text gets when it is read or saved in another encoding",
        remedy=f"ask {feed.partner} to export it in the agreed encoding",
    )
