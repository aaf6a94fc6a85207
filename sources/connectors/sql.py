"""Snapshots out of a partner's database, through SQLAlchemy.

Offices update historic rows in place: what a Stichtag looked like is read once, and never again.
A snapshot is text as our own contracts describe it: `;`, UTF-8, ISO dates, decimal point, with
the headers of the feed.
"""

import csv
import re
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sources.connectors import retry
from sources.connectors.pull import Request
from sources.contract import date_format_of, header_of
from sources.layouts import DelimitedLayout

if TYPE_CHECKING:
    from sqlalchemy import URL, Engine

CHUNK = 10_000
"""Rows that are held at a time."""

LONGEST_QUERY_MS = 600_000


def stichtage_of(request: Request) -> tuple[date, ...]:
    """Return the Stichtage to ask for: all that are expected."""
    return request.stichtage


def is_known(request: Request, name: str) -> bool:
    """Return whether a Stichtag was read before; one that was rejected is read once more."""
    return request.known_of(name).usable


def fetch(request: Request, stichtag: date, part: Path) -> bool:
    """Write the snapshot of a Stichtag.

    Raises:
        DeliveryError: the database does not answer, the query is wrong or has no rows, its
            columns are not those of the feed, or the contract has no layout for a snapshot.
    """
    from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

    layout = _layout(request, stichtag, part.stem)
    try:
        engine = _engine(request.address)
    except (ArgumentError, ImportError, ValueError) as error:
        raise request.refused(part.stem, error) from None
    try:
        retry.patiently(lambda: _write(request, engine, layout, stichtag, part), _passes)
    except SQLAlchemyError as error:
        told = error.orig if isinstance(error, DBAPIError) and error.orig else error
        raise request.refused(part.stem, told) from None
    finally:
        engine.dispose()
    return True


def _passes(error: BaseException) -> bool:
    """Return whether the database was away or busy; a wrong query stays wrong."""
    from sqlalchemy.exc import InterfaceError, OperationalError

    if not isinstance(error, InterfaceError | OperationalError):
        return False
    state = getattr(error.orig, "sqlstate", None) or "08"  # 08: no connection
    busy = getattr(error.orig, "sqlite_errorname", None) or "SQLITE_BUSY"
    return state.startswith(("08", "53", "57P")) and busy in ("SQLITE_BUSY", "SQLITE_LOCKED")


def _layout(request: Request, stichtag: date, name: str) -> DelimitedLayout:
    """Return the layout in which snapshots of a Stichtag are written."""
    for layout in request.feed.layouts_at(stichtag):
        if (
            isinstance(layout, DelimitedLayout)
            and (layout.delimiter, layout.decimal, layout.thousands) == (";", ".", "")
            and layout.encoding.startswith("utf-8")
            and layout.header
            and not layout.skip
            and all(
                date_format_of(layout, column) == "%Y-%m-%d"
                for column in request.feed.columns
                if column.type == "date"
            )
        ):
            return layout
    raise request.error(
        name,
        expected="a layout for snapshots in the contract",
        found=f"none at {stichtag} that is delimited by `;`, UTF-8, with a header, decimal point "
        "and ISO dates",
        remedy="add it to the contract's layouts",
    )


def _engine(address: str) -> "Engine":
    """Return the engine of an address; it only reads, and no time is unlimited."""
    from sqlalchemy import NullPool, create_engine, make_url

    url = make_url(address)
    arguments: dict[str, Any] = {}
    if url.drivername in ("postgresql", "postgresql+psycopg"):
        url = url.set(drivername="postgresql+psycopg")
        limits = f"-c statement_timeout={LONGEST_QUERY_MS} -c default_transaction_read_only=on"
        arguments = {"connect_timeout": int(retry.TIMEOUT), "options": limits}
    if url.get_backend_name() == "sqlite":
        url = _read_only(url)
    return create_engine(url, connect_args=arguments, poolclass=NullPool, hide_parameters=True)


def _read_only(url: "URL") -> "URL":
    """Return the address of a SQLite file that must be there already."""
    path = Path(url.database or "").resolve().as_uri()
    return url.set(database=path, query={**url.query, "mode": "ro", "uri": "true"})


def _write(
    request: Request, engine: "Engine", layout: DelimitedLayout, stichtag: date, part: Path
) -> None:
    from sqlalchemy import Date, bindparam, text

    columns = [column for column in request.feed.columns if column.name not in layout.lacks]
    headers = [header_of(layout, c) for c in columns if c.name not in layout.constants]
    query = text(_query(request.source.abfrage))
    if ":stichtag" in query.text:
        query = query.bindparams(bindparam("stichtag", stichtag, type_=Date))
    with engine.connect().execution_options(stream_results=True, yield_per=CHUNK) as connection:
        result = connection.execute(query)
        names = list(result.keys())
        told = {name.casefold(): name for name in names}  # databases fold names as they like
        if lacking := [header for header in headers if header.casefold() not in told]:
            raise request.error(
                part.stem,
                expected=f"the columns {headers}",
                found=f"none called {lacking}",
                remedy="name the query's columns as the contract's headers",
            )
        rows = result.columns(*(told[header.casefold()] for header in headers))
        with part.open("w", encoding="utf-8", newline="") as file:
            quoting = csv.QUOTE_ALL if layout.quoted else csv.QUOTE_MINIMAL
            writer = csv.writer(file, delimiter=";", quoting=quoting, lineterminator="\n")
            writer.writerow(headers)
            head = file.tell()
            for chunk in rows.partitions():
                writer.writerows(_as_text(chunk))
            if file.tell() == head:
                raise request.error(
                    part.stem,
                    expected=f"rows of {stichtag}",
                    found="none",
                    remedy="ask the office whether the Stichtag is booked; no rows are not zero",
                )


def _query(asked: str) -> str:
    """Return a query; the name of a table or a view asks for all of it."""
    return f"SELECT * FROM {asked}" if re.fullmatch(r"[\w.]+", asked) else asked


def _as_text(rows: Iterable[Iterable[Any]]) -> Iterator[list[Any]]:
    return ([_plain(value) for value in row] for row in rows)


def _plain(value: Any) -> Any:
    """Return a value as a snapshot holds it: truth as 0 and 1, no time of day at midnight."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, datetime) and value.time() == time():
        return value.date()
    return format(value, "f") if isinstance(value, Decimal) else value
