"""Small tables of cells that go with a release: sensitive, given and earlier ones.

Whether their numbers agree with the release's own is a matter of `agreement`.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from disclosure.release import TOTAL, Release
from disclosure.tables import read_numbers, read_texts, refuse, some

if TYPE_CHECKING:
    import pyarrow as pa


def make_keys(
    release: Release,
    table: "pa.Table",
    what: str,
    *,
    number: bool = False,
    optional: Sequence[str] = (),
) -> "pa.Table":
    """Check a small table of cell keys (`--primary`, `--given`, `--known`) against a release.

    Args:
        release: the release.
        table: the dimensions (`Total`, NULL or no column where a cell lacks one), `measure` where
            the release has several, and further columns.
        what: what the table is called in a message.
        number: whether it has the column `n` (magnitudes: `value`).
        optional: further columns with whole numbers that it may have.

    Returns:
        `release.key_columns` as text, then the numbers; sorted, each key once.

    Raises:
        ReleaseError: a column, code or measure is unknown, a key stands twice, a number is
            negative, fractional or missing.
    """
    import pyarrow as pa

    wanted = [release.number_column] if number else []
    known = {*release.key_columns, *wanted, *optional}
    faults = [
        f"unknown column {name!r}; expected {sorted(known)}"
        for name in table.column_names
        if name not in known
    ]
    faults += [f"no column {name!r}" for name in wanted if name not in table.column_names]
    if "measure" in release.key_columns and "measure" not in table.column_names:
        faults.append("no column 'measure', and the release has several measures")
    refuse(faults, f"{release.name}, {what}")
    columns: dict[str, pa.ChunkedArray | pa.Array] = {}
    for name in release.key_columns:
        column = read_texts(table, name) if name in table.column_names else [None] * len(table)
        column = [TOTAL if value is None else value for value in column]
        allowed = (
            {measure.name for measure in release.measures}
            if name == "measure"
            else {TOTAL, *release.dimensions[name].codes}
        )
        if strange := sorted(set(column) - allowed):
            faults.append(f"{name}: unknown {some(strange)}")
        columns[name] = pa.array(column, pa.string())
    keys = pa.table(columns)
    if not faults and len(keys.group_by(keys.column_names).aggregate([])) < len(keys):
        faults.append("a key stands twice")
    for name in (*wanted, *(o for o in optional if o in table.column_names)):
        whole = release.kind == "freq" or name in optional
        numbers, wrong = read_numbers(table, name, whole=whole)
        if name in wanted and numbers.null_count:
            wrong = [*wrong, f"{name} is empty in {numbers.null_count} rows"]
        faults += wrong
        columns[name] = numbers
    refuse(faults, f"{release.name}, {what}")
    order = [(name, "ascending") for name in release.key_columns]
    return pa.table(columns).sort_by(order)


def make_known(release: Release, table: "pa.Table") -> "pa.Table":
    """Check what earlier editions published against a release.

    Args:
        release: the release.
        table: keys and numbers as for `make_keys`, and optionally `edition` (text); without it all
            rows are of one edition. The order of the editions' names is their order in time.

    Returns:
        `release.key_columns`, the number and `edition` (empty without); sorted by edition and key,
        each key once for each edition.

    Raises:
        ReleaseError: as `make_keys`, for each edition.
    """
    return _by_edition(release, table, "known")


def make_old(release: Release, table: "pa.Table") -> "pa.Table":
    """Check the finest counts behind earlier editions against a release of counts.

    Args:
        release: the release.
        table: as for `make_known`; of each edition the finest counts that were others than today's,
            those that are zero today and were not then among them. What is not named was as it is.

    Returns:
        As `make_known`.

    Raises:
        ReleaseError: as `make_known`; a key is no finest count, or the release has magnitudes.
    """
    import pyarrow.compute as pc

    if release.kind != "freq":
        refuse(["expected counts; of magnitudes no earlier ones are taken"], f"{release.name}, old")
    old = _by_edition(release, table, "old")
    for measure in release.measures:
        own = old
        if "measure" in release.key_columns:
            own = old.filter(pc.equal(old["measure"], measure.name))
        for name, dimension in release.dimensions.items():
            finest = set(dimension.leaves) if name in measure.dims else {TOTAL}
            if strange := sorted(set(own[name].to_pylist()) - finest):
                fault = f"{name}: no codes of finest counts: {some(strange)}"
                refuse([fault], f"{release.name}, old")
    return old


def _by_edition(release: Release, table: "pa.Table", name: str) -> "pa.Table":
    """Check keys and numbers of each edition."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if "edition" not in table.column_names:
        table = table.append_column("edition", pa.array([""] * len(table), pa.string()))
    names = table["edition"].cast(pa.string()).fill_null("")
    rows = table.drop_columns("edition")
    editions = []
    for edition in sorted(names.unique().to_pylist()) or [""]:
        what = f"{name} of edition {edition}" if edition else name
        own = make_keys(release, rows.filter(pc.equal(names, edition)), what, number=True)
        editions.append(own.append_column("edition", pa.array([edition] * len(own), pa.string())))
    return pa.concat_tables(editions)
