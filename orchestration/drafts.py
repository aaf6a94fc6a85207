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

from disclosure.ledger import MUNICIPAL, LedgerError, read_ledger, record, tells_the_same
from disclosure.policy import read_policy
from orchestration.freigaben import present_states
from orchestration.settings import Settings
from sources.region import Kommune, Region

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

DRAFT = "entwurf.json"
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
        stichtag_bis: by theme the newest Stichtag that it shows of Sozialräume; a theme that it
            shows nothing of is missing.
    """

    draft_id: str
    stichtag_bis: Mapping[str, date]


def last_draft(settings: Settings, kommune_id: str) -> Draft | None:
    """Return the newest draft of a municipality, if there is one."""
    for path in sorted(settings.drafts.glob(f"[!.]*/{DRAFT}"), reverse=True):
        facts = json.loads(path.read_text(encoding="utf-8"))
        shown = facts["stichtag_bis"].get(kommune_id)
        if shown is not None:
            until = {thema: date.fromisoformat(day) for thema, day in shown.items()}
            return Draft(facts["draft_id"], until)
    return None


def make_drafts(settings: Settings, region: Region) -> Path:
    """Write a draft for each municipality beside the current edition, once.

    Returns:
        Its folder, `drafts/<edition>` of the sealed zone, with a folder for each AGS.

    Raises:
        ValueError: the region lists no municipalities, there is no edition, it was made from
            other counts than those that lie there now, a draft is unsafe, or the ledger knows
            another one of this edition.
    """
    from orchestration.run_lock import hold

    if not region.kommunen:
        raise ValueError(f"draft: region {region.region} lists no municipalities in region.yaml")
    with hold(settings.lock, lambda text: print(f"sozialraum: {text}")):
        edition = _require_current(settings)
        target = settings.drafts / edition
        if not target.exists():
            _make(settings, region, edition, target)
        return target


def _make(settings: Settings, region: Region, edition: str, target: Path) -> None:
    """Make the files beside their place and put them there; whatever else it takes goes again."""
    files, home = settings.drafts / ".wird", settings.drafts / ".arbeit"
    own = replace(settings, home=home)
    for folder in (files, home):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, mode=0o700)
    try:
        _compute(settings, region, own)
        until = _write(settings, region, own.warehouse, files, edition)
        _require_drafts_counts(own, region, files)
        facts = {"draft_id": edition, "stichtag_bis": until}
        (files / DRAFT).write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
        # Recorded before anything can be handed over: what was told is never forgotten.
        record_draft(settings, own.release, edition)
        files.replace(target)
    finally:
        settings.export()  # dbt was told the other home
        for folder in (files, home):
            shutil.rmtree(folder, ignore_errors=True)


def _entry_name(edition: str) -> str:
    return f"{edition}-entwurf"


def record_draft(settings: Settings, releases: Path, edition: str) -> None:
    """Hold a draft in the ledger of releases, or find it there as it is told now.

    An attempt that died after it had recorded its draft, or a restored backup, leaves an entry
    without files: they are made again if they tell the same. Its patterns stand, for nothing has
    changed since.

    Raises:
        LedgerError: the entry that is there tells something else.
    """
    policy = read_policy(settings.region_folder / "privacy.yaml")
    name = _entry_name(edition)
    for entry in read_ledger(settings.release_ledger):
        if entry.edition == name:
            if tells_the_same(entry, releases):
                return
            raise LedgerError(
                f"draft: the ledger of releases knows {name}, expected the same counts, found "
                f"others. To do: restore {settings.drafts.name}/{edition} from the backup, or "
                "`sozialraum run` and make the drafts of the new edition"
            )
    facts = {"audience": [MUNICIPAL], "date": datetime.now(UTC).isoformat(timespec="seconds")}
    record(settings.release_ledger, releases, name, policy, **facts)


def _require_current(settings: Settings) -> str:
    """Return the id of the current edition, if the counts that lie there are its own.

    The token of the core goes when the core is built anew: its counts have then passed no gate.
    """
    from orchestration.warehouse import read_build
    from publication.edition import current_manifest

    edition = current_manifest(settings.published) or {}
    core, made, marts = (
        read_build(token)
        for token in (settings.core_token, settings.release_token, settings.mart_token)
    )
    chain = [
        (made.get("made_from"), core.get("build")),
        (marts.get("made_from"), made.get("build")),
        (edition.get("mart_build"), marts.get("build")),
    ]
    if any(made_from is None or made_from != build for made_from, build in chain):
        raise ValueError(
            "draft: expected a published edition that was made from the counts that lie here, "
            "found none. To do: `sozialraum run`, then make the drafts"
        )
    return edition["edition_id"]


def _compute(settings: Settings, region: Region, own: Settings) -> None:
    """Compute the indicators of the draft's counts in a home of their own."""
    import dagster as dg
    import pyarrow.parquet as pq

    from orchestration.models import read_manifest
    from orchestration.warehouse import run_dbt

    own.sealed.mkdir(parents=True)
    counts = _draft_counts(settings, region, own.release)
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
    published = {one.release.name: one for one in read_releases(settings.release)}
    shown = [
        (
            day,
            beside_edition(pattern, published[day.name]) if day.name in published else pattern,
            evidence,
        )
        for day, pattern, evidence in drafts
    ]
    write_releases(folder, shown)
    patterns = [(day, pattern) for day, pattern, _ in shown]
    counts = published_counts(facts, policy, today(), patterns)
    sums = pq.read_table(settings.rules / "rule_sum.parquet")
    return {**counts, "fallzahl": withhold_sums(counts["fallzahl"], counts["bevoelkerung"], sums)}


def _require_drafts_counts(own: Settings, region: Region, files: Path) -> None:
    """Raise unless the counts are printed as their patterns say, and the files hold no others."""
    from orchestration.gates import draft_faults
    from orchestration.models import dbt_vars
    from publication.origin import draft_numbers_of_other_origin

    faults = [
        *draft_faults(own, [feed.feed for feed in region.feeds]),
        *draft_numbers_of_other_origin(
            files, own.released, own.warehouse, dbt_vars(own)["indikatoren"]
        ),
    ]
    if faults:
        text = "\n".join(faults)
        raise ValueError(
            f"draft: expected the counts that its patterns publish, found others:\n{text}\nNothing "
            "is handed out. To do: the program has a fault; report it"
        )


def _write(
    settings: Settings, region: Region, warehouse: Path, folder: Path, edition: str
) -> dict[str, dict[str, str]]:
    """Write the files of all municipalities; return of each the newest Stichtag by theme."""
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
) -> dict[str, str]:
    from publication.municipal import write_municipal_draft

    tables = {
        name: con.execute(query, [kommune.kommune_id]).to_arrow_table()
        for name, query in _TABLES.items()
    }
    until = newest_shown(tables["indikatoren"])
    facts = {"kommune_id": kommune.kommune_id, "name": kommune.name, "edition": edition}
    write_municipal_draft(folder / kommune.kommune_id, tables, states, facts, until)
    return until


def newest_shown(indicators: "pa.Table") -> dict[str, str]:
    """Return by theme the newest Stichtag of which a Sozialraum has a value.

    Totals of the municipality stand in the edition anyway: who has seen them alone, has seen
    nothing of what it would release.
    """
    import pyarrow.compute as pc

    own = pc.and_(pc.equal(indicators["raumebene"], "sozialraum"), pc.is_valid(indicators["wert"]))
    newest = indicators.filter(own).group_by("thema").aggregate([("stichtag", "max")])
    rows = newest.sort_by("thema").to_pylist()
    return {row["thema"]: row["stichtag_max"].isoformat() for row in rows}
