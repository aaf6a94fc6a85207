"""What Dagster is told: every key exists, every model has one step, every gate holds its border.

Wrong keys are silent in Dagster: a check on an asset that does not exist simply never runs.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest
import yaml

from orchestration.definitions import EDITION_JOB, build_definitions
from orchestration.edition import PUBLISHED
from orchestration.gates import PLAUSIBILITY, PRIVACY, PUBLICATION
from orchestration.landing import ARRIVAL, LEDGER, RHYTHM, feed_key
from orchestration.models import CORE_STEP, LAYERS, MART_STEP, Manifest, dbt_vars, read_manifest
from orchestration.settings import PROJECT, Settings
from orchestration.targets import target_key
from orchestration.warehouse import asset_key, model_key
from sources.region import REGIONS, read_region, region_names
from sources.simulator.profile import PROFILES, read_profile

ROOMS = ("orchestration", "sources", "disclosure", "publication", "expectations", "dbt_project")
"""Folders of the product's code."""


@pytest.fixture(scope="module")
def settings(tmp_path_factory) -> Settings:
    settings = Settings(tmp_path_factory.mktemp("definitions"), "berlin")
    settings.make_folders()
    return settings


@pytest.fixture(scope="module")
def definitions(settings) -> dg.Definitions:
    return build_definitions(settings=settings)


@pytest.fixture(scope="module")
def graph(definitions):
    return definitions.resolve_asset_graph()


@pytest.fixture(scope="module", params=region_names())
def manifest(request, settings, tmp_path_factory) -> Manifest:
    """The models as each region has them: which feeds and indicators there are is a variable."""
    if request.param == settings.region:
        return read_manifest(settings)
    return read_manifest(Settings(tmp_path_factory.mktemp("manifest"), request.param))


def test_every_dependency_exists(graph):
    external = {key for key in graph.get_all_asset_keys() if not graph.get(key).is_materializable}
    assert {key.path[0] for key in external} == {"partner", "lieferung"}


def test_every_check_stands_on_an_asset_that_is_made(graph):
    made = graph.materializable_asset_keys
    assert {check.asset_key for check in graph.asset_check_keys} <= made


def test_gates_stand_at_their_borders(graph):
    by_name = {
        gate: {c.asset_key.to_user_string() for c in graph.asset_check_keys if c.name == gate}
        for gate in (PLAUSIBILITY, PRIVACY, PUBLICATION)
    }
    assert by_name == {
        PLAUSIBILITY: {
            "core/dim_raum",
            "core/fct_bevoelkerung",
            "core/fct_fallzahl",
            "core/fct_lieferwert",
            "core/rec_mss",
        },
        PRIVACY: {
            "released/bevoelkerung",
            "released/fallzahl",
            "released/indexklasse",
            "released/lieferwert",
        },
        PUBLICATION: {"edition/draft"},
    }


def test_every_feed_is_checked_on_arrival(settings, graph):
    checked = {}
    for check in graph.asset_check_keys:
        checked.setdefault(check.asset_key, set()).add(check.name)
    for feed in read_region(settings.region).feeds:
        assert checked[feed_key(feed.feed)] == {RHYTHM, ARRIVAL, LEDGER}, feed.feed


def test_only_gates_and_ledgers_block(definitions):
    blocking = {
        spec.name
        for checks in (*definitions.asset_checks, *definitions.assets)
        for spec in getattr(checks, "check_specs", ())
        if spec.blocking
    }
    assert blocking == {PLAUSIBILITY, PRIVACY, PUBLICATION, LEDGER}


def test_targets_follow_the_published_edition_and_the_mail_follows_them(settings, graph):
    declared = read_region(settings.region).ziele
    keys = {target_key(one.ziel) for one in declared.ziele}
    mail = target_key("ankuendigung")
    assert keys
    assert declared.ankuendigung
    for key in keys:
        assert graph.get(key).parent_keys == {PUBLISHED}
    assert graph.get(mail).parent_keys == {PUBLISHED, *keys}
    assert {key for key in graph.get_all_asset_keys() if key.path[0] == "ziel"} == {mail, *keys}
    assert {
        check.asset_key: check.name
        for check in graph.asset_check_keys
        if check.asset_key.path[0] == "ziel"
    } == {mail: "verschickt", **dict.fromkeys(keys, "gelesen")}
    assert not {key for key in keys | {mail} if graph.get(key).child_keys - {mail}}


def test_every_model_belongs_to_exactly_one_step(settings, definitions):
    manifest = read_manifest(settings)
    steps = [
        assets
        for assets in definitions.assets
        if isinstance(assets, dg.AssetsDefinition) and assets.op.name.endswith("_models")
    ]
    for model in manifest.models.values():
        assert sum(model_key(model) in step.keys for step in steps) == 1, model.name
    assert {*CORE_STEP, *MART_STEP} == {"seeds", *LAYERS}


def test_core_and_marts_meet_only_through_released_counts(manifest):
    """Indicators and marts read published counts, dimensions, rules and each other."""
    allowed_core = {"dim_raum", "dim_zeit", "dim_indikator", "bridge_raum", "altersgruppen"}
    for model in manifest.models.values():
        if model.layer not in MART_STEP:
            continue
        for node in model.depends_on:
            if node in manifest.models:
                other = manifest.models[node]
                assert other.layer in MART_STEP or other.name in allowed_core, model.name
            else:
                source, table = manifest.sources[node]
                published = source in ("released", "vorausgabe")
                assert published or table.startswith("rule_"), model.name


def test_staging_reads_one_source_and_nothing_else_reads_files(manifest):
    for model in manifest.models.values():
        landed = [n for n in model.depends_on if manifest.sources.get(n, ("",))[0] == "landing"]
        if model.layer == "staging":
            assert len(model.depends_on) == 1, model.name
        else:
            assert not landed, model.name


def test_every_model_states_its_grain(manifest):
    for model in manifest.models.values():
        assert re.search(r"\b(Grain|Korn)\b", model.description), model.name
    proven = {
        test.model for test in manifest.tests.values() if test.name.startswith("unique_grain")
    }
    for model in manifest.models.values():
        if model.layer in ("core", "marts"):
            assert model.unique_id in proven, model.name


def test_every_indicator_belongs_to_a_region():
    """Its entry names the feeds that bring its numerator, and a region delivers one of them."""
    files = (PROJECT / "dbt_project/models/indicators").rglob("ind_*.sql")
    used = [dbt_vars(Settings(Path(), region))["indikatoren"] for region in region_names()]
    assert {path.stem.removeprefix("ind_") for path in files} == {n for some in used for n in some}


def test_every_published_column_is_described_in_german_and_has_an_audience(settings):
    tables = {table.name: table for table in read_manifest(settings).published_tables()}
    assert set(tables) == {
        "dim_altersgrenze",
        "dim_indexklasse",
        "dim_indikator",
        "dim_klassengrenze",
        "dim_raum",
        "dim_stellungnahme",
        "mart_abgleich",
        "mart_bevoelkerung",
        "mart_datentableau",
        "mart_hinweis",
        "mart_indikator",
        "mart_handlungsbedarf",
        "mart_index",
        "mart_kumulation",
        "mart_reihe",
        "mart_revision",
        "mart_umrechnung",
        "mart_vergleichsraum",
        "mart_vergleichsraum_merkmal",
    }
    for table in tables.values():
        for column in table.columns:
            assert column.description, (table.name, column.name)
    ranks = [c for c in tables["mart_indikator"].columns if c.name.startswith("rang_")]
    assert {column.audience for column in ranks} == {"fachlich"}


def test_every_indicator_has_its_entry(manifest):
    indicators = [m for m in manifest.models.values() if m.layer == "indicators"]
    assert indicators
    for model in indicators:
        entry = model.meta["indikator"]
        for key in ("name", "thema", "art", "definition", "zaehler_definition", "einheit"):
            assert entry[key], (model.name, key)


@pytest.mark.parametrize("region", region_names())
def test_a_region_has_the_indicators_whose_numerator_it_gets_and_its_catalogue(region):
    feeds = {feed.feed for feed in read_region(region).feeds}
    katalog = read_region(region).katalog
    expected = set()
    for path in (PROJECT / "dbt_project/models/indicators").rglob("ind_*.yml"):
        (model,) = yaml.safe_load(path.read_text(encoding="utf-8"))["models"]
        entry = model["config"]["meta"]["indikator"]
        if feeds & {*entry["feeds"]} or katalog in entry["katalog"]:
            expected.add(model["name"].removeprefix("ind_"))
    assert set(dbt_vars(Settings(Path(), region))["indikatoren"]) == expected != set()


def test_no_model_averages_a_rate(settings):
    """Rates roll up over numerators and denominators; only the index standardises, over areas."""
    for path in (PROJECT / "dbt_project").rglob("*.sql"):
        if re.search(r"\b(avg|mean)\s*\(", path.read_text(encoding="utf-8")):
            assert path.name in ("index.sql", "mart_indikator.sql")
            assert "over peers" in path.read_text(encoding="utf-8")


def test_unknown_model_is_an_error(settings):
    with pytest.raises(KeyError, match="no model named 'fct_wert'"):
        asset_key(read_manifest(settings), "fct_wert")


def test_job_covers_every_asset_that_is_made(definitions, graph):
    job = definitions.resolve_job_def(EDITION_JOB)
    assert set(job.asset_layer.executable_asset_keys) == set(graph.materializable_asset_keys)


def test_code_location_loads_without_heavy_imports(settings):
    """The web server, the daemon and every run load it."""
    code = (
        "import sys\n"
        "from orchestration.definitions import build_definitions\n"
        "from orchestration.settings import Settings\n"
        "build_definitions(settings=Settings.from_environment())\n"
        "print([m for m in ('great_expectations', 'dbt.cli', 'geopandas') if m in sys.modules])"
    )
    environment = {**os.environ, "SOZIALRAUM_HOME": str(settings.home), "REGION": "berlin"}
    read_manifest(settings)
    shown = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, cwd=PROJECT
    )
    assert shown.stdout.strip().splitlines()[-1] == "[]", shown.stderr


def test_rooms_import_one_way():
    """orchestration -> the other rooms; none of these imports another."""
    rooms = ("sources", "expectations", "disclosure", "publication")
    for room in rooms:
        for path in (PROJECT / room).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            imported = set(re.findall(r"^\s*(?:from|import) (\w+)", text, flags=re.M))
            others = {*rooms, "orchestration", "dagster"} - {room}
            if room == "expectations":
                others -= {"disclosure"}
            assert not imported & others, path


def test_only_settings_reads_the_environment():
    for path in Path(PROJECT).glob("*/**/*.py"):
        relative = path.relative_to(PROJECT)
        if relative.parts[0] in ("orchestration", "sources", "publication", "disclosure"):
            text = path.read_text(encoding="utf-8")
            if relative.as_posix() != "orchestration/settings.py":
                assert "os.environ" not in text, path
                assert "getenv" not in text, path


def names_of_counties() -> set[str]:
    """Names and keys of all counties and their municipalities, as regions and profiles tell."""
    names = set()
    for name in region_names():
        region = read_region(name)
        names |= {region.region, region.name, region.kreis_id}
        for kommune in region.kommunen:
            names |= {kommune.kommune_id, kommune.name, *kommune.aliases}
    for path in PROFILES.glob("*.yaml"):
        profile = read_profile(path.stem)
        names |= {profile.region, profile.kreis_id}
        names |= {k for kommune in profile.kommunen for k in (kommune.kommune_id, kommune.name)}
    return names


def code_files(*suffixes: str) -> list[Path]:
    """The product's files of some kinds, without what is particular to a region."""
    return [
        path
        for room in ROOMS
        for path in sorted((PROJECT / room).rglob("*"))
        if path.suffix in suffixes
        and not path.is_relative_to(REGIONS)
        and not path.is_relative_to(PROFILES)
    ]


def naming(names: set[str]) -> re.Pattern:
    """Any of these names where a word begins; it may be inflected or part of an identifier."""
    longest_first = sorted(names, key=len, reverse=True)
    return re.compile(rf"(?<![^\W_])({'|'.join(map(re.escape, longest_first))})", re.IGNORECASE)


def test_code_knows_no_county():
    """Names and keys of counties are data; the time zone alone is called after a city."""
    names = naming(names_of_counties())
    files = code_files(".py", ".sql", ".yaml", ".yml", ".csv", ".html", ".md")
    assert len(files) > 200
    for path in files:
        relative = path.relative_to(PROJECT).as_posix()
        text = path.read_text(encoding="utf-8").replace("Europe/Berlin", "")
        assert not names.search(f"{relative}\n{text}"), relative


def test_python_knows_no_feed_of_one_county_alone():
    """Feeds that only one county has are read by SQL of their own; Python treats all alike."""
    own = {path.stem for name in region_names() for path in (REGIONS / name).glob("feeds/*.yaml")}
    assert own
    names = naming(own)
    for path in code_files(".py"):
        assert not names.search(path.read_text(encoding="utf-8")), path


def test_telemetry_is_off_in_files():
    dagster = yaml.safe_load((PROJECT / "orchestration/dagster.yaml").read_text())
    assert dagster["telemetry"] == {"enabled": False}
    assert dagster["concurrency"]["runs"]["max_concurrent_runs"] == 1
    dbt = yaml.safe_load((PROJECT / "dbt_project/dbt_project.yml").read_text())
    assert dbt["flags"]["send_anonymous_usage_stats"] is False


def test_lock_has_hashes_and_no_addresses():
    lock = (PROJECT / "requirements.lock").read_text()
    assert "--hash=sha256:" in lock
    assert "://" not in lock
