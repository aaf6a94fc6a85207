"""The ledger of releases: every count and index class that ever left, by edition.

What an entry holds, what is known of a release from all entries, and which patterns stand because
nothing has changed: that belongs here. Which entries are written when does not, nor what an
attacker makes of what is known.

An entry is a folder that is never changed: `entry.json` with the policy and the facts of the
edition, `counts/` with what it told of each Stichtag, `classes.parquet` with the index classes that
rest on all counts, and `release/`, the releases that it was made from with their patterns and
evidence. Everything in it stays sealed.
"""

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from disclosure.release import TOTAL, Release
from disclosure.star.store import (
    PATTERN,
    folder_name,
    read_cells,
    read_evidence,
    read_patterns,
    read_specs,
)

if TYPE_CHECKING:
    import pyarrow as pa

    from disclosure.policy import Policy

MUNICIPAL = "kommunen"
"""The audience of drafts: each municipality has seen its own part."""
NOTE = "ledger"
"""The key of an evidence file under which stands what the ledger needs."""
_ENTRY, _COUNTS, _RELEASE = "entry.json", "counts", "release"
_CLASSES, _CLASS_KEYS = "classes.parquet", ("index_id", "raum_id", "gebietsstand", "stichtag")


class LedgerError(ValueError):
    """What has left forbids what is to leave, or nobody knows what has left.

    The message names rules, entries and editions, never a count.
    """


@dataclass(frozen=True)
class Day:
    """What an edition told of one Stichtag on one Gebietsstand.

    Attributes:
        counts: hash of the counts that it told and of those behind them; another one if it is a
            draft.
        behind: hash of the finest counts, withheld ones included.
        made_from: hash of all that decided about its pattern but earlier editions.
        known: hashes of what earlier editions had told when it was protected.
    """

    counts: str
    behind: str
    made_from: str
    known: tuple[str, ...]


@dataclass(frozen=True)
class Entry:
    """One edition in the ledger.

    Attributes:
        edition: its id; in the order of the ids the editions left.
        folder: where it lies.
        policy: the whole policy that it was protected with, as plain data.
        facts: audience, date, content hash and what else was recorded.
        days: by name of the release.
    """

    edition: str
    folder: Path
    policy: Mapping[str, Any]
    facts: Mapping[str, Any]
    days: Mapping[str, Day]

    @property
    def is_draft(self) -> bool:
        """Whether it is no edition but municipalities' drafts beside one."""
        return MUNICIPAL in self.facts["audience"]

    @property
    def releases(self) -> Path:
        """The releases that it was made from, as `disclosure.star.store` reads them."""
        return self.folder / _RELEASE

    @cached_property
    def patterns(self) -> "dict[str, pa.Table]":
        """The patterns of its releases, by name."""
        return read_patterns(self.releases)

    @cached_property
    def thresholds(self) -> dict[str, dict[str, tuple[int, int]]]:
        """By measure and theme up to which counts its releases withheld: anywhere, in small areas.

        What no release held, because its theme has no threshold, is not among them.
        """
        found: dict[str, dict[str, tuple[int, int]]] = {}
        for spec in read_specs(self.releases):
            for name, measure in spec["measures"].items():
                thema, limits = measure.get("thema", ""), (measure["maxN"], measure["maxNSmall"])
                themes = found.setdefault(name, {})
                themes[thema] = tuple(map(max, limits, themes.get(thema, limits)))
        return found

    def told(self, name: str) -> "pa.Table":
        """Return the counts that it told of one day: measure, all dimensions, `n`."""
        import pyarrow.parquet as pq

        return pq.read_table(self.folder / _counts_file(name))

    @property
    def classes(self) -> "pa.Table | None":
        """The index classes that it printed: index, area, Gebietsstand, Stichtag, `klasse`.

        None if none were recorded with it.
        """
        import pyarrow.parquet as pq

        path = self.folder / _CLASSES
        return pq.read_table(path) if path.is_file() else None

    def behind(self, name: str) -> "pa.Table":
        """Return the finest counts behind what it told of one day, withheld ones included."""
        return read_cells(self.releases, name)


@dataclass(frozen=True)
class Known:
    """What earlier editions told of one release.

    Attributes:
        table: key columns of the release, `n` and `edition`; None if nothing is known.
        old: the finest counts behind it that were others than today's: key columns, `n` and
            `edition`; None if nothing is known.
        hashes: of the counts of each edition, each once.
        gone: how many of their counts are no cells of this release any more.
    """

    table: "pa.Table | None"
    old: "pa.Table | None"
    hashes: tuple[str, ...]
    gone: int


def read_ledger(ledger: Path) -> list[Entry]:
    """Return all entries, the oldest first.

    Args:
        ledger: the folder of the ledger; without it nothing has left yet.

    Raises:
        LedgerError: an entry is not whole. What left would be forgotten.
    """
    if not ledger.exists():
        return []
    folders = sorted(own for own in ledger.iterdir() if not own.name.startswith("."))
    return [_read(own) for own in folders]


def _read(folder: Path) -> Entry:
    _require_file(folder, _ENTRY)
    entry = json.loads((folder / _ENTRY).read_text(encoding="utf-8"))
    days = {
        name: Day(day["counts"], day["behind"], day["made_from"], tuple(day["known"]))
        for name, day in entry.pop("days").items()
    }
    _require_file(folder, f"{_RELEASE}/{PATTERN}")
    for name in days:
        _require_file(folder, _counts_file(name))
    return Entry(entry.pop("edition"), folder, entry.pop("policy"), entry, days)


def _require_file(folder: Path, name: str) -> None:
    if not (folder / name).is_file():
        raise LedgerError(
            f"ledger of releases: entry {folder.name} has no {name}. To do: restore it from the "
            "backup; without it nobody knows what has left"
        )


def _counts_file(name: str) -> str:
    return f"{_COUNTS}/{folder_name(name)}.parquet"


def record(
    ledger: Path,
    releases: Path,
    edition: str,
    policy: "Policy",
    *,
    audience: Sequence[str],
    classes: "pa.Table | None" = None,
    **facts: Any,
) -> Entry:
    """Add an edition to the ledger, whole or not at all.

    Args:
        ledger: the folder of the ledger.
        releases: the releases that the edition was made from, as `write_releases` left them.
        edition: its id; later than those of all entries.
        policy: what it was protected with.
        audience: who reads it.
        classes: the released index classes that rest on all counts, with their `status`.
        facts: what else is to be remembered; plain data.

    Raises:
        LedgerError: an edition of that id is there, and entries are never changed; or the releases
            were protected with another policy.
    """
    import pyarrow.parquet as pq

    target, beside = ledger / edition, ledger / f".{edition}"
    if target.exists():
        raise LedgerError(
            f"ledger of releases: expected no entry {edition}, found one; choose a new id"
        )
    shutil.rmtree(beside, ignore_errors=True)
    ledger.mkdir(parents=True, exist_ok=True, mode=0o700)
    shutil.copytree(releases, beside / _RELEASE)
    (beside / _COUNTS).mkdir()
    days = {}
    for name, pattern in read_patterns(releases).items():
        note = read_evidence(releases, name)[NOTE]
        if note["policy"] != policy.version:
            raise LedgerError(
                f"ledger of releases: release {name} was protected with policy {note['policy']}, "
                f"now there is {policy.version}. To do: release the counts again"
            )
        told = counts_told(pattern)
        pq.write_table(told, beside / _counts_file(name), compression="zstd")
        behind = hash_table(read_cells(releases, name))
        counts = _hash_told(told, behind, audience)
        days[name] = Day(counts, behind, note["made_from"], tuple(note["known"]))
    if classes is not None:
        printed = _classes_with(classes, "ok").select([*_CLASS_KEYS, "klasse"])
        pq.write_table(printed, beside / _CLASSES, compression="zstd")
    entry = {
        **facts,
        "audience": list(audience),
        "edition": edition,
        "policy_version": policy.version,
        "policy": policy.model_dump(mode="json"),
        "days": {name: asdict(day) for name, day in days.items()},
    }
    text = json.dumps(entry, indent=1, ensure_ascii=False, sort_keys=True)
    (beside / _ENTRY).write_text(text + "\n", encoding="utf-8")
    beside.replace(target)
    return _read(target)


def _hash_told(told: "pa.Table", behind: str, audience: Sequence[str]) -> str:
    # What a draft told is not known to all, though an edition may tell the same.
    return f"{hash_table(told)} {behind}" + (" draft" if MUNICIPAL in audience else "")


def tells_the_same(entry: Entry, releases: Path) -> bool:
    """Return whether an entry told of each Stichtag exactly what releases publish."""
    audience = entry.facts["audience"]
    told = {
        name: _hash_told(counts_told(pattern), hash_table(read_cells(releases, name)), audience)
        for name, pattern in read_patterns(releases).items()
    }
    return told == {name: day.counts for name, day in entry.days.items()}


def strike(ledger: Path, edition: str) -> None:
    """Take an edition that did not leave after all out of the ledger, in one step."""
    beside = ledger / f".{edition}"
    (ledger / edition).replace(beside)
    shutil.rmtree(beside)


def counts_told(pattern: "pa.Table") -> "pa.Table":
    """Return what a pattern publishes: its keys and `n`, without the rows that it withholds."""
    import pyarrow.compute as pc

    shown = pc.and_(pc.equal(pattern["suppressed"], 0), pc.is_valid(pattern["n"]))
    dropped = {"gebietsstand", "stichtag", "top", "primary", "suppressed"}
    return pattern.filter(shown).drop_columns([n for n in pattern.column_names if n in dropped])


def known_of(
    entries: Sequence[Entry], release: Release, waiting: "pa.Table | None" = None
) -> Known:
    """Return what editions told of a release, and which of the counts behind it were others.

    Editions that told the same of the same counts, none of which was corrected in between, count
    once.

    Args:
        entries: editions and drafts, the oldest first.
        release: the release.
        waiting: keys of cells that are not released: what a draft told of them, only their own
            municipality knows.
    """
    import pyarrow as pa

    tables, behind, hashes, gone = [], [], [], 0
    seen, last = set(), None
    for entry in entries:
        day = entry.days.get(release.name)
        if day is None:
            continue
        if day.behind != last:
            seen, last = set(), day.behind
        if day.counts in seen:
            continue
        seen.add(day.counts)
        told = entry.told(release.name)
        own = cells_of(release, told)
        gone += len(told) - len(own)
        if entry.is_draft and waiting is not None:
            keys = list(release.key_columns)
            own = own.join(waiting.select(keys), keys, join_type="left anti")
        hashes.append(day.counts)
        tables.append(own.append_column("edition", pa.repeat(entry.edition, len(own))))
        others = _others(release, entry.behind(release.name))
        behind.append(others.append_column("edition", pa.repeat(entry.edition, len(others))))
    told = pa.concat_tables(tables) if tables else None
    if told is None or not len(told):
        return Known(None, None, tuple(dict.fromkeys(hashes)), gone)
    return Known(told, pa.concat_tables(behind), tuple(dict.fromkeys(hashes)), gone)


def _others(release: Release, behind: "pa.Table") -> "pa.Table":
    """Return the finest counts of an edition that were others than a release's, those that it did
    not have as 0; under the release's key columns, with `n`.

    Codes that the release lacks are left out, and what was withheld at its source.
    """
    import duckdb
    import pyarrow as pa

    keys = list(release.key_columns)
    now = [
        pa.table(
            {
                "measure": pa.repeat(measure.name, len(atoms)),
                **{
                    name: atoms[name] if name in measure.dims else pa.repeat(TOTAL, len(atoms))
                    for name in release.dimensions
                },
                "n": atoms["n"],
            }
        )
        for measure in release.measures
        for atoms in [release.atoms[measure.name]]
    ]
    listed = pa.concat_tables(now).select([*keys, "n"])
    with duckdb.connect() as con:
        con.register("atoms", listed)
        con.register("behind", _finest(release, behind).select([*keys, "n"]))
        return con.execute(
            f"""
            select {", ".join(keys)}, coalesce(behind.n, 0) as n
            from (select *, true as there from behind) as behind
            full join (select *, true as there from atoms) as atoms using ({", ".join(keys)})
            where (behind.there is null or behind.n is not null)
                and coalesce(behind.n, 0)
                    is distinct from case when atoms.there then atoms.n else 0 end
            order by all
            """
        ).to_arrow_table()


def _finest(release: Release, behind: "pa.Table") -> "pa.Table":
    """Return the rows that are finest cells of a release."""
    import pyarrow as pa
    import pyarrow.compute as pc

    own = []
    for measure in release.measures:
        rows = behind.filter(pc.equal(behind["measure"], measure.name))
        for name in [n for n in rows.column_names if n not in ("measure", "n")]:
            codes = release.dimensions[name].leaves if name in measure.dims else (TOTAL,)
            rows = rows.filter(pc.is_in(rows[name], value_set=pa.array(codes)))
        for name in release.dimensions:
            if name not in rows.column_names:
                whole = pa.repeat(TOTAL, len(rows))
                rows = rows.append_column(name, whole)
                rows = rows.slice(0, 0) if name in measure.dims else rows
        own.append(rows.select(["measure", *release.dimensions, "n"]))
    return pa.concat_tables(own)


def cells_of(release: Release, table: "pa.Table") -> "pa.Table":
    """Return the rows that are cells of a release, under its own key columns.

    Args:
        release: the release.
        table: `measure`, dimensions (`Total` where a cell lacks one; those that the release lacks
            may be there), and further columns, which stay.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    for name in [n for n in table.column_names if n not in release.key_columns]:
        if pa.types.is_string(table[name].type) and name not in ("measure", "edition"):
            table = table.filter(pc.equal(table[name], TOTAL)).drop_columns(name)
    names = pa.array([measure.name for measure in release.measures])
    table = table.filter(pc.is_in(table["measure"], value_set=names))
    for name, dimension in release.dimensions.items():
        having = pa.array([m.name for m in release.measures if name in m.dims])
        codes = pa.array(dimension.codes)
        told = pc.and_(
            pc.is_in(table[name], value_set=codes), pc.is_in(table["measure"], value_set=having)
        )
        table = table.filter(pc.or_(pc.equal(table[name], TOTAL), told))
    return table if "measure" in release.key_columns else table.drop_columns("measure")


def told_before(release: Release, pattern: "pa.Table", known: "pa.Table") -> list[dict[str, Any]]:
    """Return the sensitive cells that earlier editions told, by key and without numbers.

    Args:
        release: the release.
        pattern: its pattern.
        known: what `known_of` found.

    Returns:
        Key columns, `edition`, and `corrected`: whether the number is another one today. Where it
        is not, whoever kept the edition knows what is withheld now, and nothing can change that.
    """
    import pyarrow.compute as pc

    keys = list(release.key_columns)
    sensitive = pattern.filter(pc.equal(pattern["primary"], 1)).select([*keys, "n"])
    both = known.rename_columns([*keys, "told", "edition"]).join(sensitive, keys, join_type="inner")
    corrected = pc.fill_null(pc.not_equal(both["told"], both["n"]), True)
    named = both.select([*keys, "edition"]).append_column("corrected", corrected)
    return named.sort_by([(name, "ascending") for name in [*keys, "edition"]]).to_pylist()


def classes_told_before(entries: Sequence[Entry], classes: "pa.Table") -> list[dict[str, Any]]:
    """Return the index classes that editions printed and that are withheld now, by key.

    Args:
        entries: the ledger, the oldest first.
        classes: today's, with their `status`; withheld ones are `geheim`.

    Returns:
        Index, area, Gebietsstand, Stichtag and `edition`: the last one that printed the class.
        Whoever kept it has a class of today's or of older counts; no class is told here.
    """
    withheld = {tuple(row.values()) for row in _keys_of(_classes_with(classes, "geheim"))}
    last: dict[tuple, str] = {}
    for entry in entries:
        if entry.classes is not None:
            printed = {tuple(row.values()) for row in _keys_of(entry.classes)}
            last |= dict.fromkeys(printed & withheld, entry.edition)
    return [
        {**dict(zip(_CLASS_KEYS, key, strict=True)), "edition": edition}
        for key, edition in sorted(last.items())
    ]


def _keys_of(classes: "pa.Table") -> list[dict[str, Any]]:
    return classes.select(list(_CLASS_KEYS)).to_pylist()


def _classes_with(classes: "pa.Table", status: str) -> "pa.Table":
    import pyarrow.compute as pc

    return classes.filter(pc.equal(classes["status"], status))


@dataclass(frozen=True)
class Churn:
    """How a pattern differs from an earlier one, in cells that both have."""

    newly_withheld: int
    newly_shown: int


def churn(release: Release, earlier: "pa.Table", pattern: "pa.Table") -> Churn:
    """Compare a release's pattern with an earlier one.

    Args:
        release: the release.
        earlier: a pattern of this or another release, in the columns of the stored patterns.
        pattern: the release's own.
    """
    import pyarrow.compute as pc

    keys = list(release.key_columns)
    before = cells_of(release, _marks(earlier)).rename_columns([*keys, "before"])
    both = pattern.select([*keys, "suppressed"]).join(before, keys, join_type="inner")
    now, then = (pc.greater(both[name], 0) for name in ("suppressed", "before"))
    count = [
        pc.sum(pc.and_not(one, other)).as_py() or 0 for one, other in ((now, then), (then, now))
    ]
    return Churn(*count)


def previous_of(release: Release, earlier: "pa.Table") -> "pa.Table":
    """Return the marks of an earlier stored pattern as `protect_release` takes them."""
    return cells_of(release, _marks(earlier))


def _marks(pattern: "pa.Table") -> "pa.Table":
    dropped = ["gebietsstand", "stichtag", "top", "n", "primary"]
    return pattern.drop_columns([name for name in dropped if name in pattern.column_names])


def hash_release(
    spec: Mapping[str, Any], atoms: Mapping[str, "pa.Table"], primary: "pa.Table", policy: str
) -> str:
    """Return a hash of all that decides about a pattern but earlier editions.

    That is the release, the policy's version, the code that protects, and its solver.
    """
    digest = hashlib.sha256()
    digest.update(json.dumps([spec, policy, _engine_version()], sort_keys=True).encode())
    for name, table in [*sorted(atoms.items()), ("primary", primary)]:
        digest.update(name.encode() + hash_table(table).encode())
    return digest.hexdigest()


def hash_table(table: "pa.Table") -> str:
    """Return a hash of a table's columns and rows."""
    import pyarrow as pa
    from pyarrow import csv

    sink = pa.BufferOutputStream()
    csv.write_csv(table, sink)
    return hashlib.sha256(sink.getvalue()).hexdigest()


def _engine_version() -> str:
    import highspy

    room = Path(__file__).parent
    digest = hashlib.sha256(highspy.Highs().version().encode())
    for path in sorted([*room.glob("*.py"), *room.glob("engine/*.py")]):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def standing(
    entries: Sequence[Entry], release: Release, made_from: str
) -> "tuple[pa.Table, dict[str, Any]] | None":
    """Return pattern and evidence of an earlier edition if they stand: nothing has changed.

    That is so if they were made from the same, and nothing was told of the day but what that
    edition told itself, which adds nothing to what it withholds, or what was known when it was
    protected.
    """
    told = {entry.days[release.name].counts for entry in entries if release.name in entry.days}
    for entry in reversed(entries):
        day = entry.days.get(release.name)
        if day and day.made_from == made_from and told <= {day.counts, *day.known}:
            columns = [*release.key_columns, "n", "primary", "suppressed"]
            pattern = entry.patterns[release.name].select(columns)
            return pattern, read_evidence(entry.releases, release.name)
    return None
