"""Indices whose classes rest on all counts, as the auditor takes them, and classes without those
that have to go.

Only the forms belong here: the rules of the region, the parts and the classes are read as they lie
in the sealed zone. What may stand is the auditor's to find.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from disclosure.audit.index import IndexRule, Limits, Part
from disclosure.audit.scales import Index, Protected, Side
from disclosure.figures import withhold_classes
from disclosure.ledger import Entry, known_of
from disclosure.policy import Policy
from disclosure.star.store import read_releases

if TYPE_CHECKING:
    import pyarrow as pa

RULES = tuple(f"rule_index{own}" for own in ("", "_part", "_class", "_exclusion", "_quelle"))
PARTS = "index_teil.parquet"


def read_indices(rules: Path, parts: "pa.Table", classes: "pa.Table") -> list[Index]:
    """Return the indices whose classes rest on all counts.

    Args:
        rules: the folder with the tables `rule_index*` that the region's declarations became.
        parts: fct_index_teil, with `geheim`: whether a delivered figure is withheld.
        classes: `index_id`, `raum_id`, `gebietsstand`, `stichtag`, `klasse`, `status`.
    """
    import pyarrow.parquet as pq

    rows = {name: pq.read_table(rules / f"{name}.parquet").to_pylist() for name in RULES}
    sources = {row["indikator_id"]: row for row in rows["rule_index_quelle"]}
    indices = []
    for declared in rows["rule_index"]:
        if not declared["klasse_aus_allen"]:
            continue
        key = declared["index_id"]
        own = {name: [row for row in rows[name] if row["index_id"] == key] for name in RULES[1:4]}
        rule = _rule(declared, own, sources)
        names = [part.indikator_id for part in rule.parts]
        indices.append(
            Index(
                rule=rule,
                referenz=declared["referenz_stichtag"],
                excluded=frozenset(row["raum_id"] for row in own["rule_index_exclusion"]),
                width=declared["spielraum"],
                sides={n: _sides(sources[n]) for n in names if sources[n]["lieferwert"] is None},
                parts=_own(parts, key),
                classes=withhold_classes(_own(classes, key)),
            )
        )
    return indices


def read_protected(folder: Path, policy: Policy, entries: Sequence[Entry] = ()) -> list[Protected]:
    """Return the stored releases of a folder as the auditor of classes takes them.

    Args:
        folder: what `disclosure.star.store` wrote.
        policy: the region's rules.
        entries: the ledger of releases: what they told is known.

    Raises:
        FileNotFoundError: there is none, or one of their files is missing.
    """
    return [
        Protected(
            gebietsstand=stored.gebietsstand,
            stichtag=stored.stichtag,
            release=stored.release,
            pattern=stored.pattern,
            primary=stored.primary if len(stored.primary) else None,
            known=known.table,
            old=known.old,
            unsatisfiable=stored.unsatisfiable,
            policy=policy,
        )
        for stored in read_releases(folder)
        for known in [known_of(entries, stored.release, stored.primary)]
    ]


def without(classes: "pa.Table", taken: "pa.Table") -> "pa.Table":
    """Return classes with those in `taken` withheld: status `geheim`, no `klasse`."""
    import duckdb

    with duckdb.connect() as con:
        con.register("classes", classes)
        con.register("taken", taken.append_column("weg", [[True] * len(taken)]))
        return con.execute(
            """
            select classes.* replace (
                case when weg is null then klasse end as klasse,
                case when weg is null or status <> 'ok' then status else 'geheim' end as status
            )
            from classes left join taken using (index_id, raum_id, gebietsstand, stichtag)
            order by all
            """
        ).to_arrow_table()


def _rule(declared: Mapping, own: Mapping, sources: Mapping) -> IndexRule:
    return IndexRule(
        index_id=declared["index_id"],
        exponential=declared["standardisierung"] == "exponential",
        by_share=declared["klassen_nach"] == "anteil",
        most_missing=declared["hoechstens_fehlend"],
        parts=tuple(
            Part(
                indikator_id=row["indikator_id"],
                # High is a burden, unless high is good.
                burden=-1 if sources[row["indikator_id"]]["polaritaet"] > 0 else 1,
                weight=row["gewicht"],
                domain=row["domaene"],
                domain_weight=row["domaene_gewicht"],
            )
            for row in own["rule_index_part"]
        ),
        classes=tuple(
            Limits(
                klasse=row["klasse"],
                ueber=row["ueber"],
                bis=row["bis"],
                with_ueber=row["ueber_einschliesslich"],
                with_bis=row["bis_einschliesslich"],
            )
            for row in own["rule_index_class"]
        ),
    )


def _sides(source: Mapping) -> tuple[Side, Side]:
    first, second = (
        Side(source[f"{side}_merkmal"], source[f"{side}_von"], source[f"{side}_bis"])
        for side in ("zaehler", "nenner")
    )
    return first, second


def _own(table: "pa.Table", index_id: str) -> "pa.Table":
    import pyarrow.compute as pc

    return table.filter(pc.equal(table["index_id"], index_id))
