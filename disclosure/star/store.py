"""Releases and their patterns as files of the sealed zone.

Reading and writing only: a folder for each release, with all that the auditor needs to judge it
without the program that made it. Everything in it stays sealed, for it holds true counts.
"""

import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from disclosure.release import TOTAL, Release
from disclosure.specification import make_release
from disclosure.star.published import long_patterns

if TYPE_CHECKING:
    import pyarrow as pa

    from disclosure.star.releases import DayRelease

PATTERN = "pattern.parquet"


@dataclass(frozen=True)
class StoredRelease:
    """A release as it was protected.

    Attributes:
        top: the unit that is the release's total.
        primary: keys of cells that are sensitive beside minimum frequency.
        pattern: which cells are withheld.
        evidence: what the engine says of the pattern.
    """

    gebietsstand: str
    stichtag: date
    top: str
    release: Release
    primary: "pa.Table"
    pattern: "pa.Table"
    evidence: Mapping[str, Any]

    @property
    def unsatisfiable(self) -> "pa.Table":
        """Keys of the cells that, the evidence says, nothing can protect."""
        return unsatisfiable_of(self.evidence, self.release.key_columns)


def unsatisfiable_of(evidence: Mapping[str, Any], columns: Sequence[str]) -> "pa.Table":
    """Return the keys of the cells that an evidence says nothing can protect, each once.

    Args:
        evidence: what `evidence.json` holds.
        columns: the key columns of its release.
    """
    import pyarrow as pa

    cells = evidence.get("unsatisfiable", [])
    rows = sorted({tuple(str(cell.get(name, TOTAL)) for name in columns) for cell in cells})
    values = zip(*rows, strict=True) if rows else ([] for _ in columns)
    return pa.table(
        {n: pa.array(list(v), pa.string()) for n, v in zip(columns, values, strict=True)}
    )


def write_releases(
    folder: Path, releases: "Sequence[tuple[DayRelease, pa.Table, Mapping[str, Any]]]"
) -> None:
    """Write releases, each with its pattern and evidence, in the place of what was there.

    Each has a folder of its own; the patterns of all stand in one table, whose columns are
    Gebietsstand, Stichtag, `top`, measure, all dimensions, `n`, `primary` and `suppressed`.
    """
    import pyarrow.parquet as pq

    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)
    for day, _, evidence in releases:
        _write(folder / folder_name(day.name), day, evidence)
    patterns = long_patterns([(day, pattern) for day, pattern, _ in releases])
    pq.write_table(patterns, folder / PATTERN, compression="zstd")


def _write(own: Path, day: "DayRelease", evidence: Mapping[str, Any]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    own.mkdir()
    dims = list(day.spec["dims"])
    atoms = pa.concat_tables([_long(name, table, dims) for name, table in day.atoms.items()])
    pq.write_table(atoms, own / "cells.parquet", compression="zstd")
    pq.write_table(day.primary, own / "primary.parquet", compression="zstd")
    _write_json(own / "spec.json", day.spec)
    _write_json(
        own / "evidence.json",
        {**evidence, "parts that are somewhere more than their whole": list(day.left_out)},
    )
    _write_json(
        own / "day.json",
        {"gebietsstand": day.gebietsstand, "stichtag": day.stichtag.isoformat(), "top": day.top},
    )


def read_releases(folder: Path) -> list[StoredRelease]:
    """Return all releases of a folder in the order of their names.

    Raises:
        FileNotFoundError: there is none, or one of their files is missing.
    """
    import pyarrow.parquet as pq

    folders = _folders(folder)
    patterns = pq.read_table(folder / PATTERN)
    return [_read(own, patterns) for own in folders]


def _folders(folder: Path) -> list[Path]:
    folders = sorted(own for own in folder.glob("*") if own.is_dir())
    if not folders:
        raise FileNotFoundError(
            f"{folder.name}: expected a folder for each release, found none. To do: materialise "
            "the released counts again"
        )
    return folders


def _read(own: Path, patterns: "pa.Table") -> StoredRelease:
    import pyarrow.parquet as pq

    spec, day = _read_json(own / "spec.json"), _read_json(own / "day.json")
    atoms = pq.read_table(own / "cells.parquet")
    release = make_release(spec, {name: _own(name, atoms, spec) for name in spec["measures"]})
    stichtag = date.fromisoformat(day["stichtag"])
    pattern = _of_day(patterns, day["gebietsstand"], stichtag)
    return StoredRelease(
        gebietsstand=day["gebietsstand"],
        stichtag=stichtag,
        top=day["top"],
        release=release,
        primary=pq.read_table(own / "primary.parquet"),
        pattern=pattern.select([*release.key_columns, "n", "primary", "suppressed"]),
        evidence=_read_json(own / "evidence.json"),
    )


def _long(name: str, table: "pa.Table", dims: Iterable[str]) -> "pa.Table":
    """Return a measure's cells with its name and every dimension of the release."""
    import pyarrow as pa

    rows = len(table)
    columns = {"measure": pa.array([name] * rows, pa.string())}
    for dim in dims:
        columns[dim] = table[dim] if dim in table.column_names else pa.nulls(rows, pa.string())
    return pa.table({**columns, "n": table["n"]})


def _own(name: str, atoms: "pa.Table", spec: Mapping[str, Any]) -> "pa.Table":
    import pyarrow.compute as pc

    used = {dim for table in spec["measures"][name]["tables"] for dim in table}
    rows = atoms.filter(pc.equal(atoms["measure"], name))
    return rows.select([*(dim for dim in spec["dims"] if dim in used), "n"])


def read_patterns(folder: Path) -> "dict[str, pa.Table]":
    """Return the patterns of a folder by name of the release; columns as `write_releases` says."""
    import pyarrow.parquet as pq

    patterns = pq.read_table(folder / PATTERN)
    found = {}
    for own in _folders(folder):
        day = _read_json(own / "day.json")
        stichtag = date.fromisoformat(day["stichtag"])
        name = _read_json(own / "spec.json")["name"]
        found[name] = _of_day(patterns, day["gebietsstand"], stichtag)
    return found


def read_specs(folder: Path) -> list[dict[str, Any]]:
    """Return the specifications of a folder's releases, in the order of their names."""
    return [_read_json(own / "spec.json") for own in _folders(folder)]


def read_cells(folder: Path, name: str) -> "pa.Table":
    """Return the finest counts of one release of a folder.

    Its columns are `measure`, the dimensions of the release (`Total` where a measure lacks one) and
    `n`, NULL where the count was withheld at its source.
    """
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    cells = pq.read_table(folder / folder_name(name) / "cells.parquet")
    for position, column in enumerate(cells.column_names):
        if column not in ("measure", "n"):
            whole = pc.fill_null(cells[column], TOTAL)
            cells = cells.set_column(position, column, whole)
    return cells


def read_evidence(folder: Path, name: str) -> dict[str, Any]:
    """Return the evidence of one release of a folder."""
    return _read_json(folder / folder_name(name) / "evidence.json")


def folder_name(name: str) -> str:
    """Return what the folder of a release is called."""
    return name.replace(" ", "_")


def _of_day(patterns: "pa.Table", gebietsstand: str, stichtag: date) -> "pa.Table":
    import pyarrow.compute as pc

    here = pc.and_(
        pc.equal(patterns["gebietsstand"], gebietsstand), pc.equal(patterns["stichtag"], stichtag)
    )
    return patterns.filter(here)


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    text = json.dumps(content, indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def _read_json(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))
