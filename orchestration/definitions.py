"""Everything that Dagster knows, put together. `build_definitions` makes a fresh object; what
an asset does stands in the module that names it.
"""

from collections.abc import Mapping

import dagster as dg

from orchestration.edition import edition_assets
from orchestration.gates import PLAUSIBILITY, PRIVACY, PUBLICATION, gate_checks, released_key
from orchestration.history import write_history_fast
from orchestration.landing import delivery_specs, feed_key, landing_assets, partner_specs
from orchestration.models import read_manifest
from orchestration.rhythm import daily_schedule, inbox_sensor
from orchestration.rules import RULES, rules_asset
from orchestration.run_lock import run_lock
from orchestration.settings import Settings
from orchestration.space import placement_key, space_assets
from orchestration.targets import target_assets, target_checks
from orchestration.timeline import CROSSWALK, LAST_EDITION, timeline_assets
from orchestration.warehouse import build_dbt_steps
from sources.region import Region, read_region

EDITION_JOB = "edition"


def build_definitions(
    *,
    settings: Settings,
    region: Region | None = None,
    loggers: Mapping[str, dg.LoggerDefinition] | None = None,
) -> dg.Definitions:
    """Return the definitions of one region.

    Args:
        settings: where to read and write, and which region.
        region: what the region declares; read from its folder unless given.
        loggers: where a run's messages go.
    """
    settings.export()
    write_history_fast(settings.dagster_home)
    region = region or read_region(settings.region)
    manifest = read_manifest(settings)
    return dg.Definitions(
        assets=[
            *partner_specs(region),
            *delivery_specs(region),
            rules_asset(settings, region),
            *landing_assets(settings, region),
            *space_assets(settings, region),
            *timeline_assets(settings, region),
            *build_dbt_steps(settings, manifest, _upstream(region)),
            *edition_assets(settings, region, manifest),
            *target_assets(settings, region, manifest.published_tables),
        ],
        asset_checks=[
            *(
                gate_checks(settings, manifest, gate)
                for gate in (PLAUSIBILITY, PRIVACY, PUBLICATION)
            ),
            *target_checks(settings, region, manifest.published_tables),
        ],
        jobs=[
            dg.define_asset_job(
                EDITION_JOB,
                selection=dg.AssetSelection.all(),
                description="From the partners' files to the published edition.",
            )
        ],
        sensors=[inbox_sensor(settings, region, EDITION_JOB)],
        schedules=[daily_schedule(settings, region, EDITION_JOB)],
        resources={"run_lock": run_lock(settings)},
        executor=dg.in_process_executor,
        loggers=dict(loggers or {}),
    )


def _upstream(region: Region):
    """Return the function from a dbt source to the assets that bring it."""

    def keys(source: str, table: str) -> list[dg.AssetKey]:
        if source == "landing":
            return [feed_key(table)]
        if source == "released":
            return [released_key(table)]
        if source == "vorausgabe":
            return [LAST_EDITION]
        if table == "lieferungen":
            return [feed_key(feed.feed) for feed in region.feeds]
        if table.startswith("placement_"):
            return [placement_key(table.removeprefix("placement_"))]
        return [CROSSWALK] if table.startswith("rule_umrechnung") else [RULES]

    return keys


@dg.definitions
def defs() -> dg.Definitions:
    """The code location: built when Dagster asks for it, from the environment."""
    return build_definitions(settings=Settings.from_environment())
