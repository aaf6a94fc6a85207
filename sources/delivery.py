"""One delivery: read, check against its contract, split into accepted and quarantined rows.

Works on whole tables in DuckDB; no row is looked at in Python. Whether the delivery as a
whole is taken is decided in `landing.py`; how a file is read is `formats/`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from sources.contract import Column, Condition, Feed, Layout, Mark
from sources.errors import DeliveryError
from sources.formats import RawTable, read
from sources.region import Region, Repair

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
NUMBER = "-?[0-9]+([{decimal}][0-9]+)?([eE]-?[0-9]+)?"
TECHNICAL = {
    "delivery_id": "varchar",
    "row_number": "bigint",
    "liefereinheit": "varchar",
    "stichtag": "date",
}


@dataclass(frozen=True)
class Reference:
    """Landed rows of another feed that this one is checked against."""

    feed: Feed
    delivery_ids: tuple[str, ...]
    rows: "pa.Table"


@dataclass(frozen=True)
class Split:
    """What became of a delivery's rows. rows_read = rows_accepted + rows_quarantined.

    Attributes:
        layout: the layout that the file follows.
        reasons: reason -> (number of rows, first row number); a reason names a column and
            what is wrong, never a value.
        repairs: id of a declared repair -> number of rows it was applied to.
        accepted: Parquet file of the accepted rows.
        quarantined: Parquet file of the bad rows with their reasons, if there are any.
    """

    layout: str
    rows_read: int
    rows_accepted: int
    rows_quarantined: int
    reasons: dict[str, tuple[int, int]]
    repairs: dict[str, int]
    accepted: Path
    quarantined: Path | None


def landed_columns(feed: Feed) -> dict[str, str]:
    """Return the columns of a feed's landed files with their SQL types, in order."""
    columns = dict(TECHNICAL)
    for column in feed.landed_columns:
        columns[column.name] = SQL_TYPES[column.type]
        if column.has_state:
            columns[f"{column.name}__zustand"] = "varchar"
        if column.type == "geometry":
            columns["flaeche_km2"] = "double"
    return columns


def split(
    feed: Feed,
    path: Path,
    *,
    file_name: str,
    delivery_id: str,
    region: Region,
    references: Mapping[str, Reference],
    target: Path,
) -> Split:
    """Read a file and write its accepted and its quarantined rows below `target`.

    Args:
        feed: the contract.
        path: where the file lies.
        file_name: the name it was delivered under.
        delivery_id: names the delivery in every landed row.
        region: gives the repairs and the reference system.
        references: landed rows of the feeds of `region.references_of(feed)`, by name.
        target: folder of the two files `<delivery_id>.parquet`, `<delivery_id>.bad.parquet`.

    Raises:
        DeliveryError: the file cannot be read as agreed, or a reference has not landed.
    """
    import duckdb

    stichtag, layouts = _agreed_layouts(feed, file_name)
    _require_references(feed, file_name, region, references)
    raw = read(feed, path, file_name, layouts, region.srs)
    with duckdb.connect() as con:
        con.register("raw", raw.rows)
        repairs = _clean(con, feed, raw, region.repairs_of(feed))
        _judge(con, feed, raw.layout, stichtag, references)
        return _write(con, feed, raw, stichtag, delivery_id, target, repairs)


def write_empty(feed: Feed, path: Path) -> None:
    """Write a Parquet file with the feed's landed columns and no rows."""
    import duckdb

    columns = ", ".join(f"null::{kind} as {name}" for name, kind in landed_columns(feed).items())
    with duckdb.connect() as con:
        con.execute(f"copy (select {columns} where false) to '{path}' (format parquet)")


def _agreed_layouts(feed: Feed, file_name: str) -> tuple[date, list[Layout]]:
    stichtag = feed.stichtag_of(file_name)
    if stichtag is None:
        raise DeliveryError(
            feed.feed,
            file_name,
            expected=f"a file name like {feed.name_pattern}",
            found="another name, so that the Stichtag is unknown",
            remedy="rename the file as agreed, or extend name_pattern in the contract",
        )
    layouts = feed.layouts_at(stichtag)
    if not layouts:
        last = max(layout.valid_to for layout in feed.layouts)
        first = min(layout.valid_from for layout in feed.layouts)
        raise DeliveryError(
            feed.feed,
            file_name,
            expected=f"a Stichtag from {first} to {last}",
            found=f"Stichtag {stichtag}, for which the contract has no layout",
            remedy="agree on the new form with the partner and add a layout to the contract",
        )
    return stichtag, layouts


def _require_references(
    feed: Feed, file_name: str, region: Region, references: Mapping[str, Reference]
) -> None:
    for needed in region.references_of(feed):
        if needed.feed not in references or references[needed.feed].rows.num_rows == 0:
            raise DeliveryError(
                feed.feed,
                file_name,
                expected=f"accepted rows of feed {needed.feed}, against which it is checked",
                found="none",
                remedy=f"see why {needed.feed} has not landed; this file is tried again then",
            )


def _clean(
    con: "duckdb.DuckDBPyConnection", feed: Feed, raw: RawTable, repairs: tuple[Repair, ...]
) -> dict[str, int]:
    """Make `clean`: trimmed text, lost zeros filled up, declared repairs applied."""
    where = {repair.id: _repair_condition(repair) for repair in repairs}
    counts = {}
    for repair in repairs:
        query = f"select count(*) from raw where {where[repair.id]}"
        counts[repair.id] = con.execute(query).fetchone()[0]

    def expression(column: Column) -> str:
        if column.type == "geometry":
            return column.name
        text = f"nullif(trim({column.name}), '')"
        if width := raw.layout.pad.get(column.name):
            short = f"length({text}) < {width} and regexp_full_match({text}, '[0-9]+')"
            text = f"case when {short} then lpad({text}, {width}, '0') else {text} end"
            counts[f"leading zeros of {column.name}"] = con.execute(
                f"select count(*) from raw where {short}"
            ).fetchone()[0]
        for repair in repairs:
            if column.name in repair.set:
                new = _literal(repair.set[column.name])
                text = f"case when {where[repair.id]} then {new} else {text} end"
        return text

    extra = "".join(f", {name}" for name in ("area_m2",) if name in raw.rows.column_names)
    columns = ", ".join(f"{expression(c)} as {c.name}" for c in feed.columns)
    con.execute(f"create table clean as select row_number, {columns}{extra} from raw")
    return {name: count for name, count in counts.items() if count}


def _repair_condition(repair: Repair) -> str:
    parts = [f"trim({column}) = {_literal(value)}" for column, value in repair.where.items()]
    if repair.inside:
        west, south, east, north = repair.inside
        parts.append(f"point_x between {west} and {east} and point_y between {south} and {north}")
    return " and ".join(parts)


def _judge(
    con: "duckdb.DuckDBPyConnection",
    feed: Feed,
    layout: Layout,
    stichtag: date,
    references: Mapping[str, Reference],
) -> None:
    """Make `judged`: typed values, states, and for each row the list of what is wrong."""
    for name, reference in references.items():
        con.register(f"ref_{name}", reference.rows)
    conditions = _conditions(feed)
    for number, condition in enumerate(conditions):
        ref = references[condition.feed].feed
        con.execute(
            f"create table condition_{number} as "
            f"select clean.row_number, bool_and(ref.{condition.column} is not distinct from "
            f"{_literal(condition.equals)}) as holds "
            f"from clean join ref_{condition.feed} as ref "
            f"on starts_with(ref.{ref.key[0]}, clean.{feed.key[0]}) "
            f"group by clean.row_number"
        )
    values = []
    for column in feed.columns:
        values.append(f"{_value(column, layout, conditions)} as {column.name}")
        if column.has_state:
            values.append(f"{_state(column, conditions)} as {column.name}__zustand")
        if column.type == "geometry":
            values.append("clean.area_m2 / 1e6 as flaeche_km2")
    joins = " ".join(
        f"left join condition_{n} on condition_{n}.row_number = clean.row_number"
        for n in range(len(conditions))
    )
    con.execute(
        f"create table typed as select clean.row_number, {', '.join(values)} from clean {joins}"
    )
    reasons = _row_reasons(feed, stichtag, references)
    for column in feed.columns:
        reasons += _column_reasons(column) + _undecided_marks(column, conditions)
    listed = ", ".join(f"case when {when} then {_literal(reason)} end" for reason, when in reasons)
    con.execute(
        f"create table judged as select typed.*, "
        f"list_filter([{listed}], lambda reason: reason is not null) as reasons "
        f"from typed join clean on clean.row_number = typed.row_number {joins}"
    )


def _conditions(feed: Feed) -> list[Condition]:
    marks = [mark for column in feed.columns for mark in column.marks if mark.when]
    return list(dict.fromkeys(mark.when for mark in marks))


def _state(column: Column, conditions: list[Condition]) -> str:
    """SQL for the state that a mark in this cell stands for, or NULL."""

    def branch(mark: Mark) -> str:
        when = _is_mark(column, mark)
        if mark.when:
            when += f" and condition_{conditions.index(mark.when)}.holds"
        return f"when {when} then {_literal(mark.state)}"

    return f"case {' '.join(map(branch, column.marks))} end"


def _value(column: Column, layout: Layout, conditions: list[Condition]) -> str:
    """SQL for the typed value of a cell; NULL where it is none or a mark stands for none."""
    value = _plain_value(column, layout)
    if not column.has_state:
        return value
    state = _state(column, conditions)
    number = column.type in ("integer", "decimal")
    zero = f"when {state} in ('zero', 'rounded_zero') then 0" if number else ""
    return f"case {zero} when {state} is not null then null else {value} end"


def _plain_value(column: Column, layout: Layout) -> str:
    text = f"clean.{column.name}"
    if column.codes is not None:
        cases = " ".join(
            f"when {_literal(delivered)} then {_literal(code)}"
            for delivered, code in column.codes.items()
        )
        return f"case {text} {cases} end"
    if column.type in ("text", "geometry"):
        return text
    if column.type == "date":
        return f"try_cast({text} as date)"
    agreed = f"regexp_full_match({text}, '{NUMBER.format(decimal=layout.decimal)}')"
    number = f"try_cast(replace({text}, ',', '.') as double)"
    number = f"case when {agreed} and isfinite({number}) then {number} end"
    if column.type == "decimal":
        return number
    whole = f"({number}) = floor({number}) and abs({number}) < 1e15"
    return f"case when {whole} then try_cast({number} as bigint) end"


def _column_reasons(column: Column) -> list[tuple[str, str]]:
    """Reasons of one column as (reason, SQL condition)."""
    text, value = f"clean.{column.name}", f"typed.{column.name}"
    kind = "in the code list" if column.codes is not None else f"a value of type {column.type}"
    unread = f"{text} is not null and {value} is null"
    if column.has_state:
        unread += f" and typed.{column.name}__zustand is null"
    reasons = [(f"{column.name}: not {kind}", unread)]
    if column.required:
        reasons.append((f"{column.name}: missing", f"{text} is null"))
    for word, sign, limit in (("below", "<", column.minimum), ("above", ">", column.maximum)):
        if limit is not None:
            reason = f"{column.name}: {word} the agreed limit of {limit:g}"
            reasons.append((reason, f"{value} {sign} {limit}"))
    return reasons


def _undecided_marks(column: Column, conditions: list[Condition]) -> list[tuple[str, str]]:
    """A conditional mark without a row to decide it is never read as a value."""
    return [
        (
            f"{column.name}: a mark that {mark.when.feed} has no row to decide",
            f"{_is_mark(column, mark)} and condition_{conditions.index(mark.when)}.holds is null",
        )
        for mark in column.marks
        if mark.when
    ]


def _is_mark(column: Column, mark: Mark) -> str:
    """SQL for whether a cell holds a mark; a mark that is a number, in any spelling of it."""
    text = f"clean.{column.name}"
    same = f"{text} = {_literal(mark.mark)}"
    if column.type in ("integer", "decimal") and mark.mark.isdigit():
        return f"({same} or try_cast(replace({text}, ',', '.') as double) = {mark.mark})"
    return same


def _row_reasons(
    feed: Feed, stichtag: date, references: Mapping[str, Reference]
) -> list[tuple[str, str]]:
    """Reasons that concern the row: its key, its area, its reference date."""
    key = ", ".join(f"clean.{name}" for name in feed.key)
    reasons = [
        (f"key ({', '.join(feed.key)}): stands twice", f"count(*) over (partition by {key}) > 1")
    ]
    spatial = feed.spatial
    if spatial.kind == "schluessel":
        areas = next(
            (
                name
                for name, reference in references.items()
                if reference.feed.spatial.kind == "flaeche"
                and reference.feed.spatial.ebene == spatial.ebene
            ),
            None,
        )
        if areas:
            known = f"select {references[areas].feed.key[0]} from ref_{areas}"
            reasons.append(
                (
                    f"{spatial.column}: no such area at level {spatial.ebene}",
                    f"clean.{spatial.column} is not null "
                    f"and clean.{spatial.column} not in ({known})",
                )
            )
    if spatial.kind == "flaeche":
        shape = next(c.name for c in feed.columns if c.type == "geometry")
        reasons.append((f"{shape}: a shape without an area", "typed.flaeche_km2 = 0"))
    if feed.stichtag.column:
        agreed = _literal(stichtag.strftime(feed.stichtag.column_format))
        reasons.append(
            (
                f"{feed.stichtag.column}: not the Stichtag that the file name says",
                f"clean.{feed.stichtag.column} is distinct from {agreed}",
            )
        )
    return reasons


def _write(
    con: "duckdb.DuckDBPyConnection",
    feed: Feed,
    raw: RawTable,
    stichtag: date,
    delivery_id: str,
    target: Path,
    repairs: dict[str, int],
) -> Split:
    target.mkdir(parents=True, exist_ok=True)
    accepted, bad = target / f"{delivery_id}.parquet", target / f"{delivery_id}.bad.parquet"
    technical = {
        "delivery_id": _literal(delivery_id),
        "liefereinheit": _literal(feed.liefereinheit),
        "stichtag": f"date '{stichtag}'",
    }
    columns = ", ".join(
        f"{technical.get(name, name)}::{kind} as {name}"
        for name, kind in landed_columns(feed).items()
    )
    con.execute(
        f"copy (select {columns} from judged where reasons = [] order by row_number) "
        f"to '{accepted}' (format parquet, compression zstd)"
    )
    _malformed(con, raw.malformed)
    shown = ", ".join(f"clean.{c.name}" for c in feed.landed_columns if c.type != "geometry")
    con.execute(
        "create table bad as "
        f"select row_number, reasons, {shown} from judged join clean using (row_number) "
        "where reasons <> [] union all by name select * from malformed"
    )
    read_rows, accepted_rows, bad_rows = con.execute(
        "select (select count(*) from raw) + (select count(*) from malformed), "
        "(select count(*) from judged where reasons = []), (select count(*) from bad)"
    ).fetchone()
    if bad_rows:
        con.execute(
            f"copy (select {_literal(delivery_id)} as delivery_id, * from bad order by row_number) "
            f"to '{bad}' (format parquet, compression zstd)"
        )
    reasons = con.execute(
        "select reason, count(*), min(row_number) "
        "from (select row_number, unnest(reasons) as reason from bad) group by all order by all"
    ).fetchall()
    return Split(
        layout=raw.layout.id,
        rows_read=read_rows,
        rows_accepted=accepted_rows,
        rows_quarantined=bad_rows,
        reasons={reason: (count, first) for reason, count, first in reasons},
        repairs=repairs,
        accepted=accepted,
        quarantined=bad if bad_rows else None,
    )


def _malformed(con: "duckdb.DuckDBPyConnection", numbers: tuple[int, ...]) -> None:
    import pyarrow as pa

    reason = "row: not the agreed number of fields"
    con.register("malformed_rows", pa.table({"row_number": pa.array(numbers, pa.int64())}))
    con.execute(
        f"create table malformed as select row_number, [{_literal(reason)}] as reasons "
        "from malformed_rows"
    )


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
