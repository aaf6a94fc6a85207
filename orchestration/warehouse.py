"""The dbt models as assets, in two steps: core before the privacy gate, marts after it.

Which models there are is `models.py`; what they compute stands in `dbt_project/`. The assets
are made here and not with dagster-dbt, whose import takes longer than everything else that
the code location loads.
"""

import json
import uuid
from collections.abc import Iterator
from pathlib import Path

import dagster as dg

from orchestration.models import CORE_STEP, MART_STEP, Manifest, Model, dbt_vars
from orchestration.settings import Settings
from sources.folders import Folders

OWNER = "team:datenteam"


def model_key(model: Model) -> dg.AssetKey:
    """Return the asset key of a model: layer and name."""
    return dg.AssetKey([model.layer, model.name])


def asset_key(manifest: Manifest, name: str) -> dg.AssetKey:
    """Return the asset key of the model `name`.

    Raises:
        KeyError: there is no such model. A wrong key in a check would be silent.
    """
    for model in manifest.models.values():
        if model.name == name:
            return model_key(model)
    raise KeyError(f"dbt project: no model named {name!r}")


def run_dbt(settings: Settings, *arguments: str, write_artefacts: bool = False):
    """Run a dbt command in this process and return its result.

    Nothing is written to stdout, logs or artefacts but the manifest of a `parse`: messages of
    the database may hold values. The database is free afterwards.

    Raises:
        dg.Failure: dbt itself failed, before any node ran.
    """
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    settings.export()
    parsed = None if write_artefacts else _parsed_project(settings)
    quiet = ["--log-level", "none", "--log-level-file", "none", "--quiet", "--no-print"]
    artefacts = "--write-json" if write_artefacts else "--no-write-json"
    try:
        result = dbtRunner(manifest=parsed).invoke(
            [
                *quiet,
                artefacts,
                *arguments,
                *("--project-dir", str(settings.dbt_project)),
                *("--vars", json.dumps(dbt_vars(settings))),
            ]
        )
    finally:
        DuckDBConnectionManager.close_all_connections()
    if result.exception is not None:
        raise dg.Failure(
            f"dbt {arguments[0]} could not start ({type(result.exception).__name__}). To do: run "
            "`.venv/bin/sozialraum dbt parse` and read what it prints"
        )
    return result


def _parsed_project(settings: Settings):
    """The project as the last `parse` left it, so that a run does not parse it again."""
    from dbt.contracts.graph.manifest import Manifest as ParsedProject

    packed = settings.dbt_target / "partial_parse.msgpack"
    project = ParsedProject.from_msgpack(packed.read_bytes())
    project.build_flat_graph()  # what `graph` shows to a model; a parse would have made it
    return project


def build_dbt_steps(settings: Settings, manifest: Manifest, upstream) -> list[dg.AssetsDefinition]:
    """Return the two dbt steps as multi-assets.

    Args:
        settings: paths.
        manifest: the dbt manifest.
        upstream: function from (source, table) to the asset keys that bring it.
    """

    @dg.multi_asset(
        name="core_models",
        specs=_specs(manifest, CORE_STEP, upstream),
        check_specs=_check_specs(manifest, CORE_STEP),
        required_resource_keys={"run_lock"},
    )
    def core_models(context: dg.AssetExecutionContext):
        settings.core_token.unlink(missing_ok=True)
        yield from _build(settings, manifest, CORE_STEP)
        archived = archive_persons(settings)
        context.log.info(f"counts of {archived} delivery(ies) of persons were added to the archive")
        write_build(settings.core_token, made_from=None)

    @dg.multi_asset(
        name="mart_models",
        specs=_specs(manifest, MART_STEP, upstream),
        check_specs=_check_specs(manifest, MART_STEP),
        required_resource_keys={"run_lock"},
    )
    def mart_models(context: dg.AssetExecutionContext):
        settings.mart_token.unlink(missing_ok=True)
        yield from _build(settings, manifest, MART_STEP)
        write_build(settings.mart_token, made_from=read_build(settings.release_token).get("build"))

    return [core_models, mart_models]


ARCHIVED = {
    "bevoelkerung": {
        "basis": "string",
        "altersgruppe": "string",
        "geschlecht": "string",
        "staatsangehoerigkeit": "string",
        "anzahl": "int64",
        "zustand": "string",
        "geschaetzt": "bool",
    },
    "fallzahl": {"merkmal": "string", "anzahl": "int64", "zustand": "string", "geschaetzt": "bool"},
}
"""What the archive keeps of each fact, beside where and when: the columns of its models."""

_ARCHIVED_AREA = {
    "feed": "string",
    "delivery_id": "string",
    "liefereinheit": "string",
    "raum_id": "string",
    "gebietsstand": "string",
    "stichtag": "date32",
}


def write_empty_archives(settings: Settings) -> None:
    """Write an archive without rows for each fact, so that the models can read it."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    for fact, own in ARCHIVED.items():
        kinds = {n: pa.type_for_alias(kind) for n, kind in {**_ARCHIVED_AREA, **own}.items()}
        path = Folders(settings.landing).archive(fact) / "_empty.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.schema(kinds.items()).empty_table(), path)


def archive_persons(settings: Settings) -> int:
    """Keep the counts of person-level deliveries, which outlive the persons.

    One file for each fact and delivery, in the shape of the fact's models; written again while
    the delivery lies in landing, so that it follows the rules of the last green build.

    Returns:
        The number of deliveries that were not in the archive before.
    """
    import duckdb

    added = set()
    with duckdb.connect(str(settings.warehouse), read_only=True) as con:
        persons = f"read_parquet('{settings.rules / 'rule_feed.parquet'}')"
        for fact, own in ARCHIVED.items():
            folder = Folders(settings.landing).archive(fact)
            folder.mkdir(parents=True, exist_ok=True)
            columns = ", ".join({**_ARCHIVED_AREA, **own})
            relation = f"intermediate.int_{fact}__united"
            deliveries = con.execute(
                "select distinct valid.delivery_id from intermediate.int_lieferung__valid as valid "
                f"inner join {persons} as rule on rule.feed = valid.feed "
                f"inner join {relation} as counts on counts.delivery_id = valid.delivery_id "
                "where rule.ebene = 'einzeldaten' and not valid.archiviert order by all"
            ).fetchall()
            for (delivery_id,) in deliveries:
                path = folder / f"{delivery_id}.parquet"
                beside = folder / f".{delivery_id}.part"
                added |= set() if path.exists() else {delivery_id}
                con.execute(
                    f"copy (select {columns} from {relation} where delivery_id = ? order by all) "
                    f"to '{beside}' (format parquet, compression zstd)",
                    [delivery_id],
                )
                beside.replace(path)
    return len(added)


def write_build(token: Path, *, made_from: str | None) -> None:
    """Write the token of a finished build: an id of its own, and that of what it was made from."""
    build = {"build": uuid.uuid4().hex, "made_from": made_from}
    token.parent.mkdir(parents=True, exist_ok=True)
    token.write_text(json.dumps(build), encoding="utf-8")


def read_build(token: Path) -> dict:
    """Return the token of a build; empty if the last one was not finished."""
    return json.loads(token.read_text(encoding="utf-8")) if token.exists() else {}


def _specs(manifest: Manifest, layers: tuple[str, ...], upstream) -> list[dg.AssetSpec]:
    return [
        dg.AssetSpec(
            model_key(model),
            deps=_dependencies(manifest, model, upstream),
            description=model.description,
            group_name=model.layer,
            kinds={"dbt", "duckdb"} if model.layer != "seeds" else {"dbt", "csv"},
            owners=[OWNER],
        )
        for model in manifest.models.values()
        if model.layer in layers
    ]


def _dependencies(manifest: Manifest, model: Model, upstream) -> set[dg.AssetKey]:
    keys: set[dg.AssetKey] = set()
    for node in model.depends_on:
        if node in manifest.models:
            keys.add(model_key(manifest.models[node]))
        else:
            keys |= set(upstream(*manifest.sources[node]))
    return keys


def _check_specs(manifest: Manifest, layers: tuple[str, ...]) -> list[dg.AssetCheckSpec]:
    return [
        dg.AssetCheckSpec(
            _check_name(test.name),
            asset=model_key(manifest.models[test.model]),
            description="A test of dbt. When it fails, the step fails and the last edition stays.",
        )
        for test in manifest.tests.values()
        if manifest.models[test.model].layer in layers
    ]


def _check_name(test_name: str) -> str:
    return test_name.replace(".", "_")


def _build(settings: Settings, manifest: Manifest, layers: tuple[str, ...]) -> Iterator:
    """Build and test the models of some layers; yield what became of each.

    Raises:
        dg.Failure: a model could not be built or a test failed; names only, never a message.
    """
    paths = ["path:seeds" if layer == "seeds" else f"path:models/{layer}" for layer in layers]
    # A test of a mart may look at a dimension too: it belongs to the step in which all that it
    # looks at is built.
    tests = ["--indirect-selection", "eager" if layers == MART_STEP else "cautious"]
    exclude = ["--exclude-resource-type", "unit_test"]
    result = run_dbt(settings, "build", "--select", *paths, *tests, *exclude)
    failed = []
    rows = _row_counts(settings, manifest, layers)
    for node_result in result.result.results:
        node_id, status = node_result.node.unique_id, str(node_result.status)
        good = status in ("success", "pass")
        if not good:
            failed.append(f"{node_result.node.name} ({status})")
        if model := manifest.models.get(node_id):
            if good:
                yield dg.MaterializeResult(
                    asset_key=model_key(model),
                    metadata=_metadata(settings, model, rows, node_result.execution_time),
                )
        elif (test := manifest.tests.get(node_id)) and status != "skipped":
            yield dg.AssetCheckResult(
                passed=good,
                asset_key=model_key(manifest.models[test.model]),
                check_name=_check_name(test.name),
                description=None if good else _to_do(test.name),
                metadata={"unexpected_rows": node_result.failures or 0},
            )
    if failed:
        raise dg.Failure(
            f"dbt: {len(failed)} node(s) of {', '.join(layers)} failed or were skipped: "
            f"{', '.join(failed[:10])}. To do: see the failed checks of these models; the last "
            "edition stays"
        )


def _to_do(test_name: str) -> str:
    return (
        f"To do: `.venv/bin/sozialraum dbt show --select {test_name}` prints the rows at fault; "
        "use it on this machine only, for they may hold values."
    )


def _row_counts(settings: Settings, manifest: Manifest, layers: tuple[str, ...]) -> dict[str, int]:
    """Rows of each table; views are not counted."""
    import duckdb

    tables = [m for m in manifest.models.values() if m.layer in layers and m.layer in _STORED]
    if not settings.warehouse.exists():
        return {}
    counts = {}
    with duckdb.connect(str(settings.warehouse), read_only=True) as con:
        existing = {
            f"{schema}.{name}"
            for schema, name in con.execute(
                "select schema_name, table_name from duckdb_tables()"
            ).fetchall()
        }
        for model in tables:
            relation = f"{model.layer}.{model.name}"
            if relation in existing:
                query = f"select count(*) from {relation}"
                counts[model.unique_id] = con.execute(query).fetchone()[0]
    return counts


_STORED = ("seeds", "core", "marts")


def _metadata(settings: Settings, model: Model, rows: dict[str, int], seconds: float) -> dict:
    metadata: dict = {"seconds": dg.MetadataValue.float(round(seconds, 3))}
    if model.unique_id in rows:
        metadata["dagster/row_count"] = dg.MetadataValue.int(rows[model.unique_id])
    if model.layer == "marts":
        metadata["preview"] = dg.MetadataValue.md(_preview(settings, model))
    if model.columns:
        metadata["dagster/column_schema"] = dg.TableSchema(
            columns=[
                dg.TableColumn(
                    name=column["name"],
                    type=column.get("data_type") or "",
                    description=column.get("description") or None,
                )
                for column in model.columns.values()
            ]
        )
    return metadata


def _preview(settings: Settings, model: Model) -> str:
    """The first rows of a mart; marts hold published counts only."""
    import duckdb

    with duckdb.connect(str(settings.warehouse), read_only=True) as con:
        rows = con.execute(f"select * from {model.layer}.{model.name} order by all limit 5")
        names = [column[0] for column in rows.description]
        lines = [names, ["---"] * len(names), *rows.fetchall()]
    return "\n".join(
        "| " + " | ".join("" if v is None else str(v) for v in r) + " |" for r in lines
    )
