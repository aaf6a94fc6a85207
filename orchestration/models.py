"""What dbt's manifest says about the models, as plain data. Running dbt is `warehouse.py`.

The manifest is made once for each state of the dbt project, so that loading the code location
costs no import of dbt.
"""

import hashlib
import json
import re
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.metadata import version
from pathlib import Path

from orchestration.catalogue import indicators_of, read_entries
from orchestration.settings import Settings
from publication.tables import PublishedColumn, PublishedTable
from sources.region import Region, read_region

LAYERS = ("staging", "intermediate", "core", "indicators", "marts")
CORE_STEP = ("seeds", "staging", "intermediate", "core")
MART_STEP = ("indicators", "marts")


@dataclass(frozen=True)
class Model:
    """A model or seed: its layer is the first folder below `models`, or `seeds`."""

    unique_id: str
    name: str
    layer: str
    description: str
    depends_on: tuple[str, ...]
    columns: dict
    meta: dict


@dataclass(frozen=True)
class DbtTest:
    """A test and the model it belongs to."""

    unique_id: str
    name: str
    model: str


@dataclass(frozen=True)
class Manifest:
    """The parts of dbt's manifest that are used here."""

    raw: dict

    @cached_property
    def models(self) -> dict[str, Model]:
        """Models and seeds by unique id."""
        return {
            node["unique_id"]: Model(
                unique_id=node["unique_id"],
                name=node["name"],
                layer="seeds" if node["resource_type"] == "seed" else node["fqn"][1],
                description=node["description"],
                depends_on=tuple(node.get("depends_on", {}).get("nodes", ())),
                columns=node["columns"],
                meta=node["config"].get("meta", {}),
            )
            for node in self.raw["nodes"].values()
            if node["resource_type"] in ("model", "seed")
        }

    @cached_property
    def tests(self) -> dict[str, DbtTest]:
        """Data tests by unique id; those of disabled models, which dbt keeps, are left out."""
        return {
            node["unique_id"]: DbtTest(node["unique_id"], node["name"], node["attached_node"])
            for node in self.raw["nodes"].values()
            if node["resource_type"] == "test" and node["attached_node"] in self.models
        }

    @cached_property
    def sources(self) -> dict[str, tuple[str, str]]:
        """Sources by unique id: (source, table)."""
        return {
            node["unique_id"]: (node["source_name"], node["name"])
            for node in self.raw["sources"].values()
        }

    @cached_property
    def feeds(self) -> frozenset[str]:
        """The feeds that models read: those of the region, as far as there are models of them."""
        read = {node for model in self.models.values() for node in model.depends_on}
        return frozenset(
            table
            for node, (source, table) in self.sources.items()
            if source == "landing" and node in read
        )

    def words_of(self, *layers: str) -> frozenset[str]:
        """Return all texts in quotes in the SQL of some layers, names of counts among them."""
        return frozenset(
            word
            for node in self.raw["nodes"].values()
            if node["resource_type"] == "model" and node["fqn"][1] in layers
            for word in re.findall(r"'(\w+)'", node["raw_code"])
        )

    def published_tables(self) -> tuple[PublishedTable, ...]:
        """Return what may leave: tables that say `publish: include`, columns with an audience."""
        return tuple(
            PublishedTable(
                name=model.name,
                relation=f"{model.layer}.{model.name}",
                description=model.description,
                key=tuple(model.meta["grain"]),
                columns=tuple(
                    PublishedColumn(
                        name=column["name"],
                        type=column["data_type"],
                        description=column["description"],
                        audience=column["config"]["meta"]["audience"],
                    )
                    for column in model.columns.values()
                    if column.get("config", {}).get("meta", {}).get("audience")
                ),
            )
            for model in sorted(self.models.values(), key=lambda model: model.name)
            if model.meta.get("publish", {}).get("include")
        )


def dbt_vars(settings: Settings) -> dict:
    """Return the variables of every dbt call: the feeds of the region and its indicators."""
    region = _region(settings.region)
    feeds = sorted(feed.feed for feed in region.feeds)
    names = indicators_of(region, read_entries(settings.dbt_project))
    return {"feeds": feeds, "indikatoren": names}


@cache
def _region(region: str) -> Region:
    return read_region(region)


def read_manifest(settings: Settings) -> Manifest:
    """Return the manifest of the dbt project as it stands, making it if it is not there."""
    if not is_parsed(settings):
        from orchestration.warehouse import run_dbt

        settings.make_folders()
        key = _project_key(settings)
        run_dbt(settings, "parse", write_artefacts=True)
        _key_path(settings).write_text(key)
    return Manifest(json.loads(_manifest_path(settings).read_text(encoding="utf-8")))


def is_parsed(settings: Settings) -> bool:
    """Return whether there is a manifest of the dbt project as it stands."""
    path = _key_path(settings)
    if not path.exists() or not _manifest_path(settings).exists():
        return False
    return path.read_text() == _project_key(settings)


def _manifest_path(settings: Settings) -> Path:
    return settings.dbt_target / "manifest.json"


def _key_path(settings: Settings) -> Path:
    return settings.dbt_target / "manifest.key"


def _project_key(settings: Settings) -> str:
    """A hash of all that dbt parses, and with what; sources hold the path of the home."""
    dbt = f"{version('dbt-core')} {version('dbt-duckdb')}"
    variables = json.dumps(dbt_vars(settings))
    digest = hashlib.sha256(f"{settings.home}\n{settings.region}\n{dbt}\n{variables}".encode())
    for path in sorted(settings.dbt_project.rglob("*")):
        if path.is_file() and path.suffix in {".sql", ".yml", ".csv"}:
            digest.update(path.relative_to(settings.dbt_project).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()
