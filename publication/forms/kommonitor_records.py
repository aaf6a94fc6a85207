"""What all import files for KomMonitor share: where they lie and what each record says.

Made after the published schema of KomMonitor's data management and importer. Not here: spatial
units (`kommonitor.py`) and indicators (`kommonitor_series.py`).
"""

import json
from collections.abc import Mapping
from pathlib import Path

from publication.material import Material

FOLDER = "kommonitor"
ID = "ID"
"""The column and property that holds the key of an area, as KomMonitor calls it."""

ACCESS = {"permissions": [], "ownerId": "", "isPublic": False}
"""Who may see and change a dataset is decided in KomMonitor."""


def metadata(
    material: Material,
    *,
    description: str,
    basis: str,
    note: str,
    source: str | None = None,
    interval: str = "ARBITRARY",
) -> dict:
    """Return what KomMonitor asks of each dataset.

    Args:
        material: says who publishes, and when.
        description: what the dataset is.
        basis: what it rests on.
        note: what its reader has to know.
        source: who delivered it; None: who publishes.
        interval: how often it is brought up to date, in KomMonitor's words.
    """
    imprint = material.imprint
    return {
        "description": description,
        "contact": f"{imprint.organisation}, {imprint.stelle}, {imprint.email}",
        "updateInterval": interval,
        "datasource": source or imprint.quellenvermerk,
        "databasis": basis,
        "lastUpdate": material.facts["created_at"][:10],
        "sridEPSG": 4326,
        "note": note,
        "literature": f"{imprint.url}; Lizenz: {imprint.lizenz_name} ({imprint.lizenz_url}), "
        f"Quellenvermerk: {imprint.quellenvermerk}",
    }


def file_source(name: str) -> dict:
    """Return the importer's data source of a file that is uploaded."""
    return {"type": "FILE", "parameters": [{"name": "NAME", "value": Path(name).name}]}


def write_json(folder: Path, name: str, content: Mapping) -> None:
    """Write a record or mapping."""
    text = json.dumps(content, indent=2, ensure_ascii=False)
    (folder / name).write_text(text + "\n", "utf-8")
