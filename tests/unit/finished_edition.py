"""Finished editions for the tests of targets: files of every form and a manifest, made at once.

Targets look into no file, so these hold a few bytes each; names are as odd as those of a county.
"""

import json
from hashlib import sha256
from pathlib import Path

from made_edition import IMPRINT

FILES = (
    "marts.duckdb",
    "parquet/mart_indikator.parquet",
    "sozialraum.gpkg",
    "geoparquet/sozialraum.parquet",
    "csv/datapackage.json",
    "csv/mart_indikator.csv",
    "kommonitor/einheiten/sozialraum.geojson",
    "profiles/kommune/Oecher Straße #1 [a] & 'b'.pdf",
    "profiles/index.html",
    "catalogue/dcat.rdf",
    "catalogue/aenderungen.csv",
    "handbuch.html",
)
CHANGES = (
    "raum_id;indikator_id;stichtag;art\n"
    "01;einwohner;2014-12-31;neu\n"
    "02;einwohner;2015-12-31;revidiert\n"
    "02;sgb2_quote;2015-12-31;neu\n"
)


def finish(folder: Path, number: int = 1, *, without: tuple[str, ...] = (), **facts) -> Path:
    """Write the edition `muster-<number>` below a folder; each has bytes of its own."""
    edition = folder / f"muster-{number}"
    for place, name in enumerate(name for name in FILES if name not in without):
        path = edition / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(f"{number} {name} ".encode() * (50 * place + 1))
    changes = edition / "catalogue/aenderungen.csv"
    if changes.exists():
        changes.write_text(CHANGES, "utf-8")
    files = {
        path.relative_to(edition).as_posix(): {
            "sha256": sha256(path.read_bytes()).hexdigest(),
            "bytes": path.stat().st_size,
        }
        for path in sorted(edition.rglob("*"))
        if path.is_file()
    }
    manifest = {
        "edition_id": edition.name,
        "kind": "monitoring",
        "region": "muster",
        "created_at": "2026-11-23T12:00:00+00:00",
        "content_hash": f"{number:064d}",
        "publikation": IMPRINT.facts(),
        "deliveries": [{"feed": "bestand", "file": "bestand.csv"}],
        "gates": {"privacy": {"passed": True}},
        "tables": {"mart_indikator": {"rows": 1, "columns": ["rang_kreis"]}},
        "files": files,
        **facts,
    }
    (edition / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    return edition
