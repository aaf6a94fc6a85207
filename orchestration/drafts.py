"""Drafts for municipalities: their own areas before they are released, and the county's figures.

Assembly only: how drafts are protected is `disclosure/star/drafts.py`, their files are
`publication/municipal.py`. The indicators are computed by the models of the edition itself, in a
home of their own beside the sealed database, and only from the draft's counts.
"""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from disclosure.ledger import MUNICIPAL, record
from disclosure.policy import read_policy
from orchestration.freigaben import present_states
from orchestration.settings import Settings
from sources.region import Kommune, Region

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

DRAFT = "entwurf.json"
HOME, RELEASE = "home", "release"
_AUDIT_SECONDS = 600

# Ranks and scores across the county are left out: they tell of other municipalities' areas.
# The county's values are those that the edition has published.
_TABLES = {
    "indikatoren": """
        select own.raum_id, raum.raum_name, own.gebietsstand, own.raumebene, own.stichtag,
            dim.thema, own.indikator_id, dim.name as indikator, own.version, own.zaehler,
            own.nenner, own.wert, dim.einheit, own.klasse, own.status, own.geschaetzt,
            own.abdeckung, own.kommune_wert, own.rang_kommune, kreis.wert as kreis_wert
        from marts.mart_indikator as own
        inner join core.dim_raum as raum using (raum_id, gebietsstand)
        inner join core.dim_indikator as dim using (indikator_id, version)
        left join edition.mart_indikator as kreis
            on kreis.raumebene = 'kreis' and kreis.gebietsstand = own.gebietsstand
            and kreis.stichtag = own.stichtag and kreis.indikator_id = own.indikator_id
            and kreis.version = own.version
        where raum.kommune_id = ? and own.raumebene <> 'kreis'
        order by all
    """,
    "bevoelkerung": """
        select own.raum_id, raum.raum_name, own.gebietsstand, own.raumebene, own.stichtag,
            own.basis, own.altersgruppe, own.geschlecht, own.staatsangehoerigkeit, own.anzahl,
            own.status
        from marts.mart_bevoelkerung as own
        inner join core.dim_raum as raum using (raum_id, gebietsstand)
        where raum.kommune_id = ? and own.raumebene <> 'kreis'
        order by all
    """,
}


@dataclass(frozen=True)
class Draft:
    """A draft that a municipality has received.

    Attributes:
        draft_id: that of the edition beside which it was made.
        stichtag_bis: the newest Stichtag that it tells of.
    """

    draft_id: str
    stichtag_bis: date


def last_draft(settings: Settings, kommune_id: str) -> Draft | None:
    """Return the newest draft of a municipality, if there is one."""
    for path in sorted(settings.drafts.glob(f"*/{DRAFT}"), reverse=True):
        facts = json.loads(path.read_text(encoding="utf-8"))
        if until := facts["stichtag_bis"].get(kommune_id):
            return Draft(facts["draft_id"], date.fromisoformat(until))
    return None


def make_drafts(settings: Settings, region: Region) -> Path:
    """Write a draft for each municipality beside the current edition, once.

    Returns:
        Its folder, `drafts/<edition>` of the sealed zone, with a folder for each AGS.

    Raises:
        ValueError: the region lists no municipalities, there is no edition, it was made from
            other counts than those that lie there now, or a draft is unsafe.
    """
    from orchestration.run_lock import hold

    if not region.kommunen:
        raise ValueError(f"draft: region {region.region} lists no municipalities in region.yaml")
    with hold(settings.lock, lambda text: print(f"sozialraum: {text}")):
        edition = _require_current(settings)
        target, beside = settings.drafts / edition, settings.drafts / ".wird"
        if target.exists():
            return target
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(parents=True, mode=0o700)
        try:
            warehouse = _compute(settings, region, beside)
            until = _write(settings, region, warehouse, beside, edition)
            facts = {"draft_id": edition, "stichtag_bis": until}
            (beside / DRAFT).write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
            # Recorded before anything can be handed over: what was told is never forgotten.
            _record(settings, beside / RELEASE, edition)
            shutil.rmtree(beside / HOME)
            shutil.rmtree(beside / RELEASE)
        except BaseException:
            shutil.rmtree(beside, ignore_errors=True)
            raise
        finally:
            settings.export()  # dbt was told the other home
        return beside.replace(target)


def _record(settings: Settings, releases: Path, edition: str) -> None:
    policy = read_policy(settings.region_folder / "privacy.yaml")
    facts = {"audience": [MUNICIPAL], "date": datetime.now(UTC).isoformat(timespec="seconds")}
    record(settings.release_ledger, releases, f"{edition}-entwurf", policy, **facts)


def _require_current(settings: Settings) -> str:
    """Return the id of the current edition, if the counts that lie there are its own."""
    from orchestration.warehouse import read_build
    from publication.edition import current_manifest

    edition = current_manifest(settings.published)
    made, marts = read_build(settings.release_token), read_build(settings.mart_token)
    if (
        edition is None
        or edition["mart_build"] != marts.get("build")
        or marts.get("made_from") != made.get("build")
    ):
        raise ValueError(
            "draft: expected a published edition that was made from the counts that lie here, "
            "found none. To do: `sozialraum run`, then make the drafts"
        )
    return edition["edition_id"]


def _compute(settings: Settings, region: Region, folder: Path) -> Path:
    """Compute the indicators of the draft's counts; return the database that holds them."""
    import dagster as dg
    import pyarrow.parquet as pq

    from orchestration.models import read_manifest
    from orchestration.warehouse import run_dbt

    counts = _draft_counts(settings, region, folder / RELEASE)
    own = replace(settings, home=folder / HOME)
    own.sealed.mkdir(parents=True)
    shutil.copyfile(settings.warehouse, own.warehouse)
    own.rules.symlink_to(settings.rules)
    shutil.copytree(settings.released, own.released)
    for name, table in counts.items():
        pq.write_table(table, own.released / f"{name}.parquet", compression="zstd")
    models = ("path:models/indicators", "mart_bevoelkerung", "mart_indikator")
    try:
        read_manifest(own)
        result = run_dbt(own, "run", "--select", *models)
    except dg.Failure as error:
        raise ValueError(f"draft: {error}") from error
    if not result.success:
        raise ValueError("draft: the models of indicators and marts failed on the draft's counts")
    return own.warehouse


def _draft_counts(settings: Settings, region: Region, folder: Path) -> "dict[str, pa.Table]":
    """Return the counts that drafts tell, and write their releases and patterns into a folder.

    Raises:
        ValueError: the auditor finds that a draft tells what it withholds.
    """
    import pyarrow.parquet as pq

    from disclosure.figures import withhold_sums
    from disclosure.star import day_releases, published_counts, themes_of
    from disclosure.star.drafts import as_if_released, beside_edition
    from disclosure.star.store import read_releases, write_releases
    from expectations.checks.withstands_attack import audit_releases
    from orchestration.gates import today
    from orchestration.ledger import past_of
    from orchestration.models import read_manifest
    from orchestration.release import counted_merkmale, protect_day, read_facts

    policy = read_policy(settings.region_folder / "privacy.yaml")
    counted = counted_merkmale(region, read_manifest(settings))
    facts = as_if_released(read_facts(settings, counted))
    past = past_of(settings, policy, themes_of(facts))
    drafts = [(day, *protect_day(day, past)) for day in day_releases(facts, policy, today())]
    write_releases(folder, drafts)
    for faults, text in audit_releases(folder, past.entries, policy, _AUDIT_SECONDS):
        if faults:
            raise ValueError(f"draft: {text}. Nothing is handed out")
    edition = {one.release.name: one for one in read_releases(settings.release)}
    shown = [
        (
            day,
            beside_edition(pattern, edition[day.name]) if day.name in edition else pattern,
            evidence,
        )
        for day, pattern, evidence in drafts
    ]
    write_releases(folder, shown)
    patterns = [(day, pattern) for day, pattern, _ in shown]
    counts = published_counts(facts, policy, today(), patterns)
    sums = pq.read_table(settings.rules / "rule_sum.parquet")
    return {**counts, "fallzahl": withhold_sums(counts["fallzahl"], counts["bevoelkerung"], sums)}


def _write(
    settings: Settings, region: Region, warehouse: Path, folder: Path, edition: str
) -> dict[str, str]:
    """Write the files of all municipalities; return the newest Stichtag of each."""
    import duckdb

    states = present_states(settings, region)
    marts = settings.published / edition / "marts.duckdb"
    until = {}
    with duckdb.connect(str(warehouse), read_only=True) as con:
        con.execute(f"attach '{marts}' as edition (read_only)")
        for kommune in region.kommunen:
            own = [one for one in states if one["kommune_id"] == kommune.kommune_id]
            until[kommune.kommune_id] = _write_one(con, kommune, own, folder, edition)
    return until


def _write_one(
    con: "duckdb.DuckDBPyConnection",
    kommune: Kommune,
    states: "list[Mapping[str, str]]",
    folder: Path,
    edition: str,
) -> str:
    import pyarrow.compute as pc

    from publication.municipal import write_municipal_draft

    tables = {
        name: con.execute(query, [kommune.kommune_id]).to_arrow_table()
        for name, query in _TABLES.items()
    }
    told = tables["indikatoren"].filter(pc.is_valid(tables["indikatoren"]["wert"]))
    newest = pc.max(told["stichtag"]).as_py()
    facts = {
        "kommune_id": kommune.kommune_id,
        "name": kommune.name,
        "edition": edition,
        "stichtag_bis": newest.isoformat(),
    }
    write_municipal_draft(folder / kommune.kommune_id, tables, states, facts)
    return newest.isoformat()
