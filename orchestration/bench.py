"""`make bench`: where the seconds of one run go, and those of large disclosure control.

Beside them stand the imports and the bare SQL.
Measures a run of the default region in a home of its own, in a process of its own, so that
memory and imports are those of a user's run. Writes nothing but its report.
"""

import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

from orchestration import bench_disclosure
from orchestration.settings import PROJECT, Settings

IMPORTS = {
    "dagster": "import dagster",
    "dbt": "import dbt.cli.main, dbt.adapters.duckdb.connections",
    "great_expectations": "import great_expectations",
    "geopandas": "import geopandas",
    "code location": "from orchestration.definitions import build_definitions as b\n"
    "from orchestration.settings import Settings\n"
    "b(settings=Settings.from_environment())",
}


def bench(settings: Settings) -> int:
    """Print the report of one run on a fresh home; return the run's exit code."""
    folder = Path(tempfile.mkdtemp(prefix="sozialraum-bench-"))
    try:
        return _bench(replace(settings, home=folder / "home"))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _bench(settings: Settings) -> int:
    environment = settings.environment()
    prepare, _ = _timed([sys.executable, "-m", "orchestration.cli", "prepare"], environment)
    whole, code = _timed([sys.executable, "-m", "orchestration.cli", "run"], environment)
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    if code:
        return code
    print(f"\nregion {settings.region}, one run on a fresh home")
    _print("whole run", whole)
    _print("peak memory", memory, "MB")
    _print("before it, once for a home: dbt's manifest", prepare)
    print("\nstages")
    for stage, seconds in _stages(settings).items():
        _print(stage, seconds)
    print("\nforms of the edition, each written once more, and the audit of all files")
    for form, seconds in _forms(settings).items():
        _print(form, seconds)
    print("\nimports, each in a process of its own, median of five")
    for name, statement in IMPORTS.items():
        times = sorted(_timed([sys.executable, "-c", statement], environment)[0] for _ in range(5))
        _print(name, times[2])
    print("\nbare SQL")
    for step, seconds in _bare_sql(settings).items():
        _print(step, seconds)
    _print_register_work(settings)
    return 0 if bench_disclosure.print_costs() else 1


def _print_register_work(settings: Settings) -> None:
    """The register's work without the warehouse, where a region has a register of persons."""
    from orchestration import bench_register
    from sources.region import read_region

    region = read_region(settings.region)
    if bench_register.register_feed(region) is None:
        return
    print("\nregister work alone: files to inhabitants by Sozialraum, age band and sex")
    for name, work in (
        ("plain pandas script", bench_register.with_pandas),
        ("bare SQL on what has landed", bench_register.with_sql),
    ):
        started = time.perf_counter()
        counted = work(settings, region)
        _print(f"{name}, {counted:,} person-years", time.perf_counter() - started)


def _print(name: str, number: float, unit: str = "s") -> None:
    print(f"  {name:<44}{number:8.1f} {unit}")


def _timed(command: list[str], environment: dict[str, str]) -> tuple[float, int]:
    started = time.perf_counter()
    code = subprocess.run(command, env=environment, cwd=PROJECT, check=False).returncode
    return time.perf_counter() - started, code


def _stages(settings: Settings) -> dict[str, float]:
    """Seconds of each stage of the last run: the steps of the event log, by their first word."""
    settings.export()
    from dagster import DagsterEventType, DagsterInstance

    kinds = {DagsterEventType.STEP_START, DagsterEventType.STEP_SUCCESS}
    stages: dict[str, float] = defaultdict(float)
    started = {}
    with DagsterInstance.get() as instance:
        run = instance.get_runs(limit=1)[0]
        for record in instance.get_records_for_run(run.run_id, of_type=kinds).records:
            event = record.event_log_entry
            step = event.step_key
            if event.dagster_event.is_step_start:
                started[step] = event.timestamp
            else:
                stages[step.split("__")[0]] += event.timestamp - started[step]
    return dict(stages)


def _forms(settings: Settings) -> dict[str, float]:
    """Seconds of each form of the published edition, written into a folder of its own."""
    import json

    from orchestration.models import read_manifest
    from publication.audit import audit_files
    from publication.draft import FORMS
    from publication.edition import CURRENT
    from publication.imprint import Imprint
    from publication.layers import area_shapes
    from publication.material import MANIFEST, MARTS, Material

    edition = settings.published / CURRENT
    manifest = json.loads((edition / MANIFEST).read_text("utf-8"))
    tables = read_manifest(settings).published_tables()
    folder = settings.home / "forms"
    folder.mkdir()
    shutil.copyfile(edition / MARTS, folder / MARTS)
    seconds: dict[str, float] = {}
    started = time.perf_counter()
    shapes = area_shapes(folder / MARTS, settings.areas)
    imprint = Imprint.of(manifest)
    material = Material(folder, tables, shapes, settings.areas, imprint, manifest)
    seconds["shapes"] = time.perf_counter() - started
    for write in FORMS:
        started = time.perf_counter()
        write(material)
        seconds[write.__module__.removeprefix("publication.")] = time.perf_counter() - started
    seconds["all forms together"] = sum(seconds.values())
    started = time.perf_counter()
    faults = audit_files(edition, tables)
    seconds[f"audit of all files, {len(faults)} faults"] = time.perf_counter() - started
    return seconds


def _bare_sql(settings: Settings) -> dict[str, float]:
    """Seconds of the models' own SQL, run without dbt on a copy of the sealed database."""
    import duckdb

    from orchestration.models import CORE_STEP, read_manifest
    from orchestration.warehouse import run_dbt

    models = read_manifest(settings).models
    compiled = [result.node for result in run_dbt(settings, "compile").result.results]
    copy = settings.home / "bare.duckdb"
    shutil.copyfile(settings.warehouse, copy)
    seconds: dict[str, float] = defaultdict(float)
    with duckdb.connect(str(copy), config={"threads": 1}) as con:
        for node in _in_order([n for n in compiled if n.resource_type == "model"]):
            model = models[node.unique_id]
            kind = "table" if node.config.materialized == "table" else "view"
            statement = f"create or replace {kind} {model.layer}.{model.name} as "
            sql = node.compiled_code.replace('"warehouse".', "")
            started = time.perf_counter()
            con.execute(statement + sql)
            step = "core step" if model.layer in CORE_STEP else "mart step"
            seconds[step] += time.perf_counter() - started
    return dict(seconds)


def _in_order(nodes: list) -> list:
    """Nodes after what they depend on."""
    from graphlib import TopologicalSorter

    by_id = {node.unique_id: node for node in nodes}
    graph = {node.unique_id: set(node.depends_on_nodes) & set(by_id) for node in nodes}
    return [by_id[unique_id] for unique_id in TopologicalSorter(graph).static_order()]
