"""From core counts to the published edition: release, draft, audit, switch.

What is withheld is decided in `disclosure/`, the forms of an edition are `publication/`. The
publishing step trusts no earlier check: it repeats plausibility, privacy and publication by
itself and demands that core, released counts, marts and draft were made from each other.
"""

import json
import shutil
from collections.abc import Collection
from datetime import UTC, datetime
from hashlib import file_digest
from typing import TYPE_CHECKING

import dagster as dg

from disclosure.ledger import LedgerError
from disclosure.policy import read_policy
from orchestration.freigaben import edition_states
from orchestration.gates import (
    DRAFT,
    PLAUSIBILITY,
    PRIVACY,
    PUBLICATION,
    RELEASED_TABLES,
    edition_before,
    gate_summary,
    released_key,
    run_gate,
    today,
)
from orchestration.handbook import handbook_facts
from orchestration.imprint import imprint_of
from orchestration.ledger import churn_of, recorded
from orchestration.models import Manifest
from orchestration.notes import NOTES, notes_spec, release_notes
from orchestration.release import counted_merkmale, released_classes, released_counts
from orchestration.settings import Settings
from orchestration.space import AREAS
from orchestration.warehouse import OWNER, asset_key, read_build, write_build
from sources.landing import Folders, valid_deliveries
from sources.ledger import Outcome
from sources.region import Region

if TYPE_CHECKING:
    import pyarrow as pa

PUBLISHED = dg.AssetKey(["edition", "published"])

FACTS = {
    "bevoelkerung": "fct_bevoelkerung",
    "fallzahl": "fct_fallzahl",
    "indexklasse": "fct_index_klasse",
    "lieferwert": "fct_lieferwert",
}
"""The fact that each released table comes from."""

FIGURES = {
    "indexklasse": ("raum_id, gebietsstand, stichtag, index_id, klasse", "klasse"),
    "lieferwert": ("raum_id, gebietsstand, stichtag, merkmal, klasse, wert", "wert"),
}
"""Of figures without counts: the columns that are released, and the figure itself."""


def edition_assets(
    settings: Settings, region: Region, manifest: Manifest
) -> list[dg.AssetsDefinition]:
    """Return the assets from the released counts to the published edition."""

    @dg.multi_asset(
        name="release_counts",
        specs=[
            dg.AssetSpec(
                released_key(table),
                deps=[asset_key(manifest, FACTS[table])],
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
        tables = _release(settings, counted_merkmale(region, manifest))
        changes = _churn(settings)
        for table, released in tables.items():
            yield dg.MaterializeResult(
                asset_key=released_key(table),
                metadata={
                    "dagster/row_count": len(released),
                    "withheld": _withheld(released),
                    # The patterns belong to all counts, and stand with the first of them.
                    **(changes if table == RELEASED_TABLES[0] else {}),
                },
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
        from publication.material import MARTS
        from publication.shares import withheld_shares

        shutil.rmtree(settings.draft, ignore_errors=True)
        written = write_draft(
            warehouse=settings.warehouse,
            tables=manifest.published_tables(),
            areas=settings.areas,
            folder=settings.draft,
            facts=_facts(settings, region),
            imprint=imprint_of(region),
            handbook=handbook_facts(settings, region, manifest),
            previous=edition_before(settings, manifest),
        )
        return dg.MaterializeResult(
            metadata={
                "content_hash": written["content_hash"],
                "files": len(written["files"]),
                "bytes": sum(file["bytes"] for file in written["files"].values()),
                **{f"rows_{n}": table["rows"] for n, table in written["tables"].items()},
                **{
                    f"geheim_{thema}": f"{withheld} of {cells} cells of Sozialräume"
                    for thema, withheld, cells in withheld_shares(settings.draft / MARTS)
                },
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
        edition = facts["edition_id"]
        policy = read_policy(settings.region_folder / "privacy.yaml")
        try:
            with recorded(settings, policy, edition, facts["content_hash"]):
                folder = publish(settings.draft, settings.published, edition)
        except LedgerError as error:
            raise dg.Failure(f"{error}. Nothing is published; the last edition stays") from error
        return dg.MaterializeResult(
            metadata={
                "edition": edition,
                "content_hash": facts["content_hash"],
                "folder": dg.MetadataValue.path(str(folder)),
            }
        )

    return [release_counts, draft, published]


def _release(settings: Settings, counted: Collection[str]) -> "dict[str, pa.Table]":
    """Protect the counts, and what goes with them; write and return what is left."""
    import pyarrow.parquet as pq

    from disclosure.figures import withhold_classes, withhold_differences, withhold_sums
    from disclosure.release import ReleaseError
    from disclosure.star import CountsError

    policy = read_policy(settings.region_folder / "privacy.yaml")
    try:
        released = released_counts(settings, policy, today(), counted)
    except (CountsError, ReleaseError, LedgerError) as error:
        raise dg.Failure(f"{error}. Nothing is released") from error
    released["fallzahl"] = withhold_sums(
        released["fallzahl"],
        released["bevoelkerung"],
        pq.read_table(settings.rules / "rule_sum.parquet"),
    )
    released["lieferwert"] = withhold_classes(
        withhold_differences(
            _figures(settings, "lieferwert"),
            released["fallzahl"],
            pq.read_table(settings.rules / "rule_difference.parquet"),
        )
    )
    released["indexklasse"] = released_classes(
        settings, policy, _figures(settings, "indexklasse"), released["lieferwert"]
    )
    settings.released.mkdir(parents=True, exist_ok=True)
    for name in RELEASED_TABLES:
        pq.write_table(released[name], settings.released / f"{name}.parquet", compression="zstd")
    return {name: released[name] for name in RELEASED_TABLES}


def _figures(settings: Settings, table: str) -> "pa.Table":
    """Return figures without counts: there is no frequency to judge, but an embargo to keep."""
    import duckdb

    from disclosure.figures import withhold_until_embargo

    columns, figure = FIGURES[table]
    with duckdb.connect(str(settings.warehouse), read_only=True) as con:
        figures = con.execute(
            f"select {columns}, status, thema, publishable_from from core.{FACTS[table]}"
        ).to_arrow_table()
    return withhold_until_embargo(figures, value=figure, as_of=today())


def _churn(settings: Settings) -> dict[str, int]:
    """Return how much the patterns differ from what was told before; numbers only."""
    from disclosure.ledger import NOTE
    from disclosure.star.store import read_evidence, read_patterns

    names = read_patterns(settings.release)
    return churn_of([read_evidence(settings.release, name)[NOTE] for name in names])


def _withheld(released: "pa.Table") -> int:
    import pyarrow.compute as pc

    return pc.sum(pc.equal(released["status"], "geheim")).as_py() or 0


def _facts(settings: Settings, region: Region) -> dict:
    """What the manifest says about an edition beside its files."""
    now = datetime.now(UTC)
    policy = read_policy(settings.region_folder / "privacy.yaml")
    return {
        "edition_id": f"{region.region}-{now:%Y%m%dT%H%M%S%fZ}",
        "kind": "monitoring",
        "region": region.region,
        "created_at": now.isoformat(timespec="seconds"),
        "scale": settings.scale,
        "code_version": settings.code_version(),
        "steckbriefe": settings.steckbriefe,
        "areas_sha256": areas_hash(settings),
        "rule_versions": {
            "region": region.version,
            "privacy": policy.version,
            "contracts": {feed.feed: feed.version for feed in region.feeds},
        },
        "freigaben": edition_states(settings, region),
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
                **_rows_told(region, o),
                "repairs": o.repairs,
            }
            for o in valid_deliveries(region, Folders(settings.landing))
        ],
        "repairs": [repair.model_dump(exclude={"inside"}) for repair in region.repairs]
        + [area.model_dump() for area in region.uninhabited],
        "gates": {gate: gate_summary(settings, gate) for gate in (PLAUSIBILITY, PRIVACY)},
    }


def areas_hash(settings: Settings) -> str:
    """Return the SHA-256 of the shapes of all Gebietsstände, as they lie in the home."""
    with settings.areas.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _rows_told(region: Region, outcome: Outcome) -> dict[str, int | None]:
    """How many rows a delivery had; None of persons, whose rows are a count that is protected."""
    told = region.feed(outcome.feed).ebene != "einzeldaten"
    return {
        "rows": outcome.rows_accepted if told else None,
        "quarantined": outcome.rows_quarantined if told else None,
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
