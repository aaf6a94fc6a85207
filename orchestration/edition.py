"""From core counts to the published edition: release, draft, audit, switch.

What is withheld is decided in `disclosure/`, the forms of an edition are `publication/`. The
publishing step trusts no earlier check: it repeats plausibility, privacy and publication by
itself and demands that core, released counts, marts and draft were made from each other.
"""

import json
import shutil
from datetime import UTC, datetime

import dagster as dg

from disclosure.policy import read_policy
from orchestration.gates import (
    DRAFT,
    PLAUSIBILITY,
    PRIVACY,
    PUBLICATION,
    RELEASED_TABLES,
    gate_summary,
    released_key,
    run_gate,
    today,
)
from orchestration.handbook import handbook_facts
from orchestration.models import Manifest
from orchestration.notes import NOTES, notes_spec, release_notes
from orchestration.settings import Settings
from orchestration.space import AREAS
from orchestration.warehouse import OWNER, asset_key, read_build, write_build
from sources.landing import Folders, valid_deliveries
from sources.region import Region

PUBLISHED = dg.AssetKey(["edition", "published"])

# Which columns of each fact are released, and in which of them the parts add up to a total.
AREA = ("raum_id", "gebietsstand", "stichtag")
RELEASE = {
    "bevoelkerung": {
        "fact": "fct_bevoelkerung",
        "cell": ("basis", "altersgruppe", "geschlecht", "staatsangehoerigkeit"),
        "dimensions": ("altersgruppe", "geschlecht", "staatsangehoerigkeit"),
        "value": "anzahl",
    },
    "fallzahl": {
        "fact": "fct_fallzahl",
        "cell": ("merkmal", "geschaetzt"),
        "dimensions": (),
        "value": "anzahl",
    },
    "indexklasse": {
        "fact": "fct_index_klasse",
        "cell": ("index_id",),
        "dimensions": (),
        "value": "klasse",
    },
    "lieferwert": {
        "fact": "fct_lieferwert",
        "cell": ("merkmal", "klasse"),
        "dimensions": (),
        "value": "wert",
    },
}


def edition_assets(
    settings: Settings, region: Region, manifest: Manifest
) -> list[dg.AssetsDefinition]:
    """Return the assets from the released counts to the published edition."""

    @dg.multi_asset(
        name="release_counts",
        specs=[
            dg.AssetSpec(
                released_key(table),
                deps=[asset_key(manifest, RELEASE[table]["fact"])],
                description="Counts as they may leave: what is sensitive is withheld.",
                group_name="released",
                kinds={"python", "parquet"},
                owners=[OWNER],
            )
            for table in RELEASED_TABLES
        ]
        + [notes_spec(region)],
        required_resource_keys={"run_lock"},
    )
    def release_counts(context: dg.AssetExecutionContext):
        settings.release_token.unlink(missing_ok=True)
        core = _require_green_core(settings)
        notes = release_notes(settings, region, manifest)
        yield dg.MaterializeResult(asset_key=NOTES, metadata={"dagster/row_count": notes})
        for table in RELEASED_TABLES:
            rows, withheld = _release(settings, table)
            yield dg.MaterializeResult(
                asset_key=released_key(table),
                metadata={"dagster/row_count": rows, "withheld": withheld},
            )
        write_build(settings.release_token, made_from=core)

    @dg.asset(
        key=DRAFT,
        deps=[
            AREAS,
            *(asset_key(manifest, table.name) for table in manifest.published_tables()),
        ],
        description="The finished files of an edition, not yet published.",
        group_name="edition",
        kinds={"duckdb", "parquet", "geopackage"},
        owners=[OWNER],
        required_resource_keys={"run_lock"},
    )
    def draft(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        from publication.draft import write_draft

        shutil.rmtree(settings.draft, ignore_errors=True)
        written = write_draft(
            warehouse=settings.warehouse,
            tables=manifest.published_tables(),
            areas=settings.areas,
            folder=settings.draft,
            facts=_facts(settings, region),
            handbook=handbook_facts(settings, region, manifest),
        )
        return dg.MaterializeResult(
            metadata={
                "content_hash": written["content_hash"],
                "files": len(written["files"]),
                "bytes": sum(file["bytes"] for file in written["files"].values()),
                **{f"rows_{n}": table["rows"] for n, table in written["tables"].items()},
            }
        )

    @dg.asset(
        key=PUBLISHED,
        deps=[DRAFT],
        description="The edition that analysts, GIS and tests read as `published/current`.",
        group_name="edition",
        kinds={"duckdb", "parquet", "geopackage"},
        owners=[OWNER],
        required_resource_keys={"run_lock"},
    )
    def published(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        from publication.edition import publish

        _require_one_build(settings)
        _require_gates(settings, manifest)
        facts = _record_publication_gate(settings)
        folder = publish(settings.draft, settings.published, facts["edition_id"])
        return dg.MaterializeResult(
            metadata={
                "edition": facts["edition_id"],
                "content_hash": facts["content_hash"],
                "folder": dg.MetadataValue.path(str(folder)),
            }
        )

    return [release_counts, draft, published]


def _release(settings: Settings, table: str) -> tuple[int, int]:
    """Protect one fact and write what is left; return rows and withheld rows."""
    import duckdb
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    from disclosure.protect import protect_counts, withhold_differences, withhold_sums

    release = RELEASE[table]
    columns = (*AREA, *release["cell"], release["value"], "status", "thema", "publishable_from")
    with duckdb.connect(str(settings.warehouse), read_only=True) as con:
        counts = con.execute(
            f"select {', '.join(columns)} from core.{release['fact']}"
        ).to_arrow_table()
    policy = read_policy(settings.region_folder / "privacy.yaml")
    # A figure or class without counts has no frequency to judge; its embargo holds all the same.
    parts = [
        protect_counts(
            counts.filter(pc.equal(counts["thema"], thema)),
            max_sensitive=policy.of(thema).max_sensitive if release["value"] == "anzahl" else 0,
            dimensions=release["dimensions"],
            value=release["value"],
            as_of=today(),
        )
        for thema in sorted(pc.unique(counts["thema"]).to_pylist())
    ]
    released = pa.concat_tables(parts) if parts else counts
    if table == "fallzahl":
        released = withhold_sums(
            released,
            pq.read_table(settings.released / "bevoelkerung.parquet"),
            pq.read_table(settings.rules / "rule_sum.parquet"),
        )
    if table == "lieferwert":
        released = withhold_differences(
            released,
            pq.read_table(settings.released / "fallzahl.parquet"),
            pq.read_table(settings.rules / "rule_difference.parquet"),
        )
        released = _without_withheld_classes(released)
    settings.released.mkdir(parents=True, exist_ok=True)
    pq.write_table(released, settings.released / f"{table}.parquet", compression="zstd")
    return released.num_rows, pc.sum(pc.equal(released["status"], "geheim")).as_py() or 0


def _without_withheld_classes(figures):
    """A class goes with its status, as a figure does."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kept = pc.if_else(
        pc.equal(figures["status"], "ok"), figures["klasse"], pa.scalar(None, pa.string())
    )
    return figures.set_column(figures.column_names.index("klasse"), "klasse", kept)


def _facts(settings: Settings, region: Region) -> dict:
    """What the manifest says about an edition beside its files."""
    now = datetime.now(UTC)
    policy = read_policy(settings.region_folder / "privacy.yaml")
    return {
        "edition_id": f"{region.region}-{now:%Y%m%dT%H%M%S%fZ}",
        "kind": "monitoring",
        "region": region.region,
        "created_at": now.isoformat(timespec="seconds"),
        "code_version": settings.code_version(),
        "rule_versions": {
            "region": region.version,
            "privacy": policy.version,
            "contracts": {feed.feed: feed.version for feed in region.feeds},
        },
        "mart_build": read_build(settings.mart_token).get("build"),
        "deliveries": [
            {
                "feed": o.feed,
                "partner": o.partner,
                "liefereinheit": o.liefereinheit,
                "stichtag": o.stichtag.isoformat(),
                "file": o.file,
                "sha256": o.sha256,
                "layout": o.layout,
                "rows": o.rows_accepted,
                "quarantined": o.rows_quarantined,
                "repairs": o.repairs,
            }
            for o in valid_deliveries(region, Folders(settings.landing))
        ],
        "repairs": [repair.model_dump(exclude={"inside"}) for repair in region.repairs]
        + [area.model_dump() for area in region.uninhabited],
        "gates": {gate: gate_summary(settings, gate) for gate in (PLAUSIBILITY, PRIVACY)},
    }


def _require_green_core(settings: Settings) -> str:
    """Return the id of the last core build, if it was green."""
    core = read_build(settings.core_token)
    if not core:
        raise dg.Failure(
            "the last core build was not green: expected a finished build whose tests passed, "
            "found none. To do: materialise the core models again and mend what fails"
        )
    return core["build"]


def _require_one_build(settings: Settings) -> None:
    """Raise unless the draft was made from marts that were made from the release of this core."""
    core = _require_green_core(settings)
    release, marts = read_build(settings.release_token), read_build(settings.mart_token)
    draft = _read_json(settings.draft / "manifest.json")
    chain = [
        (release.get("made_from"), core),
        (marts.get("made_from"), release.get("build")),
        (draft.get("mart_build"), marts.get("build")),
    ]
    if any(made_from is None or made_from != build for made_from, build in chain):
        raise dg.Failure(
            "core, released counts, marts and draft were not made from each other, or one of them "
            "was not finished: nothing is published. To do: run the job `edition` as a whole"
        )


def _require_gates(settings: Settings, manifest: Manifest) -> None:
    for gate in (PLAUSIBILITY, PRIVACY, PUBLICATION):
        result = run_gate(settings, manifest, gate)
        if not result.passed:
            raise dg.Failure(
                f"{gate} gate, repeated before publishing:\n{result.text()}\n"
                "Nothing is published; the last edition stays"
            )


def _record_publication_gate(settings: Settings) -> dict:
    """Add the result of the last gate to the manifest, which alone is not among its own files."""
    path = settings.draft / "manifest.json"
    facts = _read_json(path)
    facts["gates"][PUBLICATION] = gate_summary(settings, PUBLICATION)
    _write_json(path, facts)
    return facts


def _read_json(path) -> dict:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def _write_json(path, content: dict) -> None:
    beside = path.with_name(f".{path.name}")
    text = json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False)
    beside.write_text(text + "\n", encoding="utf-8")
    beside.replace(path)
