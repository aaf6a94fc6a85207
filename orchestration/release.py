"""The star's counts as releases: read, protected together, and what of them may leave.

Which counts make a release is `disclosure/star/`, what is withheld the engine's; here they
are put together, and everything is kept in the sealed zone for the gate.
"""

import json
from collections.abc import Collection
from datetime import date
from typing import TYPE_CHECKING, Any

from disclosure.ledger import NOTE, classes_told_before, read_ledger
from disclosure.policy import Policy
from orchestration.ledger import Past, past_of
from orchestration.models import MART_STEP, Manifest
from orchestration.settings import Settings
from sources.region import Region

if TYPE_CHECKING:
    import pyarrow as pa

    from disclosure.star import DayRelease, Facts

_COUNT = "anzahl, status, wartet, thema, publishable_from"
_FACTS = {
    "inhabitants": "select raum_id, gebietsstand, stichtag, basis, altersgruppe, geschlecht, "
    f"staatsangehoerigkeit, {_COUNT} from core.fct_bevoelkerung",
    "cases": "select raum_id, gebietsstand, stichtag, merkmal, geschaetzt, "
    f"{_COUNT} from core.fct_fallzahl",
    "areas": "select raum_id, gebietsstand, raumebene, unbewohnt from core.dim_raum",
    "bridge": "select raum_id, gebietsstand, ober_raum_id, ober_raumebene from core.bridge_raum",
}

_PARTS = """
    select merkmal, feed, teil_von, null::int as von, null::int as bis
    from seeds.merkmale where teil_von is not null
    union all
    select merkmal, feed, 'einwohner', split_part(teil_von_alter, '-', 1)::int,
        nullif(split_part(teil_von_alter, '-', 2), '')::int
    from seeds.merkmale where teil_von_alter is not null
"""
"""What is a part of what: of another count, or of the inhabitants of some ages."""


def released_counts(
    settings: Settings, policy: Policy, as_of: date, counted: Collection[str]
) -> "dict[str, pa.Table]":
    """Protect counts of the star together; return `bevoelkerung` and `fallzahl`.

    Released are all inhabitants, and of the cases the merkmale `counted`. Releases, patterns and
    evidence replace those of the last time in `settings.release`.

    Raises:
        LedgerError: the policy is looser than an edition's and nobody decided that, or it is not
            known what an edition told.
    """
    from disclosure.star import day_releases, published_counts, themes_of
    from disclosure.star.store import write_releases

    facts = read_facts(settings, counted)
    past = past_of(settings, policy, themes_of(facts))
    protected = []
    for day in day_releases(facts, policy, as_of):
        pattern, evidence = protect_day(day, past)
        protected.append((day, pattern, evidence))
    write_releases(settings.release, protected)
    patterns = [(day, pattern) for day, pattern, _ in protected]
    return published_counts(facts, policy, as_of, patterns)


def protect_day(day: "DayRelease", past: Past) -> "tuple[pa.Table, dict[str, Any]]":
    """Return pattern and evidence of a day: those of an earlier edition where nothing changed."""
    from disclosure.engine import protect_release

    known = past.known(day)
    stands = past.standing(day)
    if stands is None:
        protection = protect_release(
            day.release,
            policy=past.policy,
            primary=day.primary if len(day.primary) else None,
            known=known.table,
            old=known.old,
            previous=past.previous(day),
        )
        stands = protection.pattern, protection.evidence
    pattern, evidence = stands
    return pattern, {**evidence, NOTE: past.note(day, pattern, known)}


def counted_merkmale(region: Region, manifest: Manifest) -> frozenset[str]:
    """Return what may be a merkmal: every word that indicators, marts or comparisons name.

    A count that nothing published is made of does not leave the sealed zone.
    """
    compared = {
        part.merkmal
        for pair in region.abgleiche
        for side in (pair.eigen, pair.fremd)
        for part in side.teile
        if part.merkmal
    }
    return manifest.words_of(*MART_STEP) | compared


def released_classes(
    settings: Settings, policy: Policy, classes: "pa.Table", figures: "pa.Table"
) -> "pa.Table":
    """Return the classes that rest on all counts without those that would tell a withheld one.

    What they rest on, and what the audit found, is kept beside the releases for the gate.

    Args:
        settings: where the core, the region's rules and the releases of this run lie.
        policy: the region's thresholds.
        classes: fct_index_klasse, embargoes kept.
        figures: released delivered figures: what is not `ok` there is withheld.
    """
    import duckdb
    import pyarrow.parquet as pq

    from disclosure.audit.classes import audit_classes
    from disclosure.star.classes import PARTS, read_indices, read_protected, without

    with duckdb.connect(str(settings.warehouse), read_only=True) as con:
        con.register("figures", figures)
        parts = con.execute(
            f"""
            select teil.*, quelle.lieferwert is not null and told.raum_id is null as geheim
            from core.fct_index_teil as teil
            inner join '{settings.rules}/rule_index_quelle.parquet' as quelle using (indikator_id)
            left join figures as told
                on told.merkmal = quelle.lieferwert and told.raum_id = teil.raum_id
                and told.gebietsstand = teil.gebietsstand and told.stichtag = teil.teil_stichtag
                and told.status = 'ok'
            order by all
            """
        ).to_arrow_table()
    pq.write_table(parts, settings.release / PARTS, compression="zstd")
    if not len(parts):
        return classes
    entries = read_ledger(settings.release_ledger)
    releases = read_protected(settings.release, policy, entries)
    taken: list[dict] = []
    while True:  # until the audit that the gate repeats finds nothing more; this only grows
        audit = audit_classes(read_indices(settings.rules, parts, classes), releases)
        if not len(audit.taken):
            break
        taken += audit.taken.to_pylist()
        classes = without(classes, audit.taken)
    found = {
        **audit.facts,
        "taken": taken,
        "told before and withheld now": classes_told_before(entries, classes),
        "problems": audit.problems,
    }
    text = json.dumps(found, indent=1, ensure_ascii=False, default=str)
    (settings.release / "index_klassen.json").write_text(text + "\n", encoding="utf-8")
    return classes


def read_facts(settings: Settings, counted: Collection[str]) -> "Facts":
    """Return the star's counts with the areas and declarations that they are read with."""
    import duckdb
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    from disclosure.star import Facts

    with duckdb.connect(str(settings.warehouse), read_only=True) as con:
        tables = {name: con.execute(query).to_arrow_table() for name, query in _FACTS.items()}
        parts = con.execute(_PARTS).to_arrow_table()
        countable = con.execute(
            "select distinct merkmal from seeds.merkmale where fakt = 'fallzahl'"
        ).fetchall()
    cases = tables["cases"]
    tables["cases"] = cases.filter(pc.is_in(cases["merkmal"], value_set=pa.array(sorted(counted))))
    feeds = pq.read_table(settings.rules / "rule_feed.parquet", columns=["feed"])["feed"]
    here = parts.filter(pc.is_in(parts["feed"], value_set=feeds.combine_chunks()))
    columns = ["merkmal", "teil_von", "von", "bis"]
    return Facts(
        **tables,
        levels=pq.read_table(
            settings.rules / "rule_level.parquet", columns=["raumebene", "prefix", "unit"]
        ),
        parts=here.select(columns).group_by(columns).aggregate([]),
        countable=frozenset(merkmal for (merkmal,) in countable),
    )
