"""Why a published figure is what it is: `sozialraum explain`, for the operator in the sealed zone.

Reads the sealed database, the ledger, what the region declares and the editions; writes nothing.
What is withheld is not printed, unless the operator asks for it.
"""

import difflib
import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from disclosure.policy import read_policy
from orchestration.freigaben import all_freigaben
from orchestration.settings import Settings
from sources import ledger
from sources.contract import KREIS, Feed
from sources.landing import Folders, valid_of
from sources.ledger import Outcome
from sources.region import Region
from sources.status import deliveries

if TYPE_CHECKING:
    import duckdb

SEALED_FACTS = {
    "bevoelkerung": "core.fct_bevoelkerung",
    "fallzahl": "core.fct_fallzahl",
    "lieferwert": "core.fct_lieferwert",
}
WARNING = "!! The next lines are withheld. They must not leave this machine."


@dataclass(frozen=True)
class Cell:
    """One figure as the marts have it; `status` None: there is no row.

    Attributes:
        figure: the row of `mart_indikator`.
        parts: how many of the areas that it sums up have which status.
        sealed: the same sum over all counts, withheld ones too.
        feeds: feeds of the region that bring its counts.
        whole_kommunen: whether these tell Kommunen only.
    """

    raum_id: str
    name: str
    raumebene: str
    kommune_id: str | None
    indicator: dict
    stichtag: date
    figure: dict | None
    parts: Counter
    sealed: dict | None
    feeds: tuple[str, ...]
    whole_kommunen: bool


def explain(
    settings: Settings, region: Region, area: str, indicator: str, day: str, *, sealed: bool = False
) -> str:
    """Return the account of one figure as text.

    Args:
        settings: paths.
        region: what the region declares.
        area: key of an area, or its name if only one has it.
        indicator: key of an indicator.
        day: Stichtag, YYYY-MM-DD.
        sealed: whether counts are printed that the release withholds.

    Raises:
        ValueError: there is no such area, indicator or Stichtag, or nothing was built yet.
    """
    import duckdb

    if not settings.warehouse.exists():
        raise ValueError(
            f"explain: expected the database of region {region.region}, found none; "
            "run `sozialraum run` first"
        )
    try:
        con = duckdb.connect(str(settings.warehouse), read_only=True)
    except duckdb.IOException:
        raise ValueError(
            "explain: the database is being written; try again when the run has ended"
        ) from None
    with con:
        cell = _cell(con, region, area, indicator, day)
    outcomes = {feed.feed: _tries(settings, feed) for feed in _feeds_of(region, cell)}
    valid = _valid(settings, region, cell)
    lines = [
        *_head(cell),
        *_figure(cell),
        "",
        "why",
        *_indented(_why(settings, region, cell, outcomes)),
        "",
        "deliveries",
        *_indented(_deliveries(region, cell, valid, outcomes)),
        "",
        "editions",
        *_indented(_editions(settings, region, cell)),
    ]
    if sealed and cell.sealed:
        lines += ["", WARNING, *_indented(_sealed_lines(cell))]
    return "\n".join(lines)


def _cell(con: "duckdb.DuckDBPyConnection", region: Region, area, indicator, day) -> Cell:
    raum = _area(con, area)
    entry = _indicator(con, indicator)
    counts = _counts_of(con, indicator, sealed=False)
    merkmale, bases = _names_of(con, indicator)
    feeds = _feeds_bringing(con, region, merkmale, bases)
    # What is counted has the calendar; that of the inhabitants beside it may be denser.
    counted = _feeds_bringing(con, region, merkmale, set())
    stichtag = _stichtag(con, region, indicator, counted or feeds, day)
    rows = _dicts(
        con,
        "select * from marts.mart_indikator where raum_id = ? and indikator_id = ? "
        "and stichtag = ? order by gebietsstand, version",
        [raum["raum_id"], indicator, stichtag],
    )
    figure = rows[-1] if rows else None
    where = [raum["raum_id"], stichtag]
    over = (
        "inner join core.bridge_raum as bridge on bridge.raum_id = parts.raum_id and "
        "bridge.gebietsstand = parts.gebietsstand where bridge.ober_raum_id = ? and stichtag = ?"
    )
    parts: Counter = Counter()
    sealed = None
    if counts and figure:
        parts = Counter(
            status
            for (status,) in con.execute(
                f"select status from ({counts}) as parts {over}", where
            ).fetchall()
        )
        sealed = _dicts(
            con,
            "select sum(zaehler) filter (status = 'ok') as zaehler, "
            "sum(nenner) filter (status = 'ok') as nenner, "
            "count(*) filter (status <> 'ok') as missing, "
            "min(case when status <> 'ok' then status end) as status "
            f"from ({_counts_of(con, indicator, sealed=True)}) as parts {over}",
            where,
        )[0]
    return Cell(
        raum_id=raum["raum_id"],
        name=raum["raum_name"],
        raumebene=raum["raumebene"],
        kommune_id=raum["kommune_id"],
        indicator=entry,
        stichtag=stichtag,
        figure=figure,
        parts=parts,
        sealed=sealed,
        feeds=feeds,
        whole_kommunen=_tells_kommunen_only(con, merkmale),
    )


def _dicts(con, query: str, parameters: Sequence = ()) -> list[dict]:
    rows = con.execute(query, list(parameters))
    names = [column[0] for column in rows.description]
    return [dict(zip(names, row, strict=True)) for row in rows.fetchall()]


def _area(con, area: str) -> dict:
    rows = _dicts(
        con,
        "select raum_id, raum_name, raumebene, kommune_id from core.dim_raum "
        "order by raum_id, gebietsstand",
    )
    by_key = {row["raum_id"]: row for row in rows}
    if area in by_key:
        return by_key[area]
    named = {r["raum_id"]: r for r in rows if (r["raum_name"] or "").casefold() == area.casefold()}
    if len(named) == 1:
        return next(iter(named.values()))
    if named:
        raise ValueError(f"several areas are called {area!r}: {', '.join(named)}; name the key")
    names = {row["raum_name"]: row["raum_id"] for row in rows if row["raum_name"]}
    near = [*nearest(area, by_key), *(f"{n} ({names[n]})" for n in nearest(area, names))]
    raise ValueError(f"there is no area {area!r}; {_known(near)}")


def _indicator(con, indicator: str) -> dict:
    rows = _dicts(con, "select * from core.dim_indikator order by indikator_id, version")
    known = {row["indikator_id"]: row for row in rows}
    if indicator not in known:
        raise ValueError(
            f"there is no indicator {indicator!r}; {_known(nearest(indicator, known))}"
        )
    return known[indicator]


def _stichtag(con, region: Region, indicator: str, feeds: Iterable[str], day: str) -> date:
    try:
        stichtag = date.fromisoformat(day)
    except ValueError:
        raise ValueError(f"Stichtag: expected a day such as 2015-12-31, found {day!r}") from None
    rows = con.execute(
        "select distinct stichtag from marts.mart_indikator where indikator_id = ?", [indicator]
    ).fetchall()
    known = {row[0] for row in rows}
    expected = {d for feed in feeds for d in region.expected.get(feed, ())}
    known |= expected or {d for days in region.expected.values() for d in days}
    if stichtag not in known:
        near = sorted(known, key=lambda other: (abs((other - stichtag).days), other))[:3]
        raise ValueError(
            f"{indicator} has no Stichtag {day}; {_known([d.isoformat() for d in sorted(near)])}"
        )
    return stichtag


def nearest(word: str, known: Iterable[str]) -> list[str]:
    """Return the known words that resemble one most, at most five."""
    return difflib.get_close_matches(word, list(known), n=5, cutoff=0.5)


def _known(near: Sequence[str]) -> str:
    return f"the nearest known are {', '.join(near)}" if near else "nothing known resembles it"


def _counts_of(con, indicator: str, *, sealed: bool) -> str:
    """Return the query behind an indicator; `sealed`: on all counts, not on the released ones."""
    found = con.execute(
        "select sql from duckdb_views() where schema_name = 'indicators' and view_name = ?",
        [f"ind_{indicator}"],
    ).fetchone()
    if not found:
        return ""
    return on_sealed_counts(found[0]) if sealed else f"select * from indicators.ind_{indicator}"


def on_sealed_counts(view: str) -> str:
    """Return the query of a view with the facts in the place of the released counts."""
    query = re.sub(r"^\s*create\b.*?\bview\b.*?\bas\b", "", view, count=1, flags=re.S | re.I)
    query = query.rstrip().rstrip(";")
    for table, fact in SEALED_FACTS.items():
        query = re.sub(rf"""(['"])[^'"]*/released/{table}\.parquet\1""", fact, query)
    return query


def _names_of(con, indicator: str) -> tuple[set[str], set[str]]:
    """Return which merkmale an indicator counts, and of which bases inhabitants."""
    query = _counts_of(con, indicator, sealed=True)
    words = set(re.findall(r"'(\w+)'", query))
    known = {
        row[0] for row in con.execute("select distinct merkmal from seeds.merkmale").fetchall()
    }
    people = SEALED_FACTS["bevoelkerung"] in query
    return words & known, words & {"melderegister", "fortschreibung"} if people else set()


def _feeds_bringing(con, region: Region, merkmale: set[str], bases: set[str]) -> tuple[str, ...]:
    """Return the feeds of the region that bring what an indicator counts."""
    rows = con.execute("select distinct merkmal, feed, fakt from seeds.merkmale").fetchall()
    found = set()
    for merkmal, feed, fakt in rows:
        if fakt == "bevoelkerung":
            basis = "fortschreibung" if "fortschreibung" in feed else "melderegister"
            found |= {feed} if basis in bases else set()
        elif merkmal in merkmale:
            found.add(feed)
    return tuple(feed.feed for feed in region.feeds if feed.feed in found)


def _tells_kommunen_only(con, merkmale: set[str]) -> bool:
    rows = con.execute("select merkmal from seeds.merkmale where raumebene = 'kommune'").fetchall()
    return bool(merkmale & {row[0] for row in rows})


def _feeds_of(region: Region, cell: Cell) -> list[Feed]:
    return [region.feed(name) for name in cell.feeds]


def _tries(settings: Settings, feed: Feed) -> list[Outcome]:
    return ledger.read(Folders(settings.landing).ledger, feed.feed)


def _days(cell: Cell) -> set[date]:
    """The Stichtage that the figure rests on: its own, and its denominator's."""
    other = (cell.figure or {}).get("nenner_stichtag")
    return {cell.stichtag} | ({other} if other else set())


def _serves(region: Region, cell: Cell, unit: str | None) -> bool:
    if unit is None or unit == KREIS or cell.kommune_id is None:
        return unit is not None
    return cell.kommune_id in region.kommunen_of(unit)


def _valid(settings: Settings, region: Region, cell: Cell) -> list[Outcome]:
    return [
        outcome
        for feed in _feeds_of(region, cell)
        for outcome in valid_of(feed, Folders(settings.landing))
        if outcome.stichtag in _days(cell) and _serves(region, cell, outcome.liefereinheit)
    ]


def _head(cell: Cell) -> list[str]:
    entry = cell.indicator
    return [
        f"area        {cell.raum_id}  {cell.name}  ({cell.raumebene})",
        f"indicator   {entry['indikator_id']}, version {entry['version']}: {entry['name']}",
        f"            {entry['definition']}",
        f"            numerator: {entry['zaehler_definition']}",
        f"            denominator: {entry['nenner_definition'] or 'none'}",
        f"            agreed {entry['beschlossen_am']} by {entry['beschlossen_von']}",
        f"Stichtag    {cell.stichtag}",
    ]


def _figure(cell: Cell) -> list[str]:
    figure = cell.figure
    if figure is None:
        return ["status      nicht_geliefert (the edition has no row)"]
    value = figure["klasse"] if figure["wert"] is None else figure["wert"]
    lines = [f"status      {figure['status']}"]
    lines.append(f"value       {_shown(value)} {cell.indicator['einheit']}".rstrip())
    lines.append(f"counts      {_shown(figure['zaehler'])} / {_shown(figure['nenner'])}")
    if figure["nenner_stichtag"] not in (None, cell.stichtag):
        lines.append(f"            the denominator is of {figure['nenner_stichtag']}")
    marks = [name for name in ("geschaetzt", "umgerechnet") if figure[name]]
    return lines + ([f"marks       {', '.join(marks)}"] if marks else [])


def _shown(value: object) -> str:
    return "-" if value is None else f"{value:.10g}" if isinstance(value, float) else str(value)


def _indented(lines: Iterable[str]) -> list[str]:
    return [f"  {line}" for line in lines]


def _why(
    settings: Settings, region: Region, cell: Cell, outcomes: dict[str, list[Outcome]]
) -> list[str]:
    figure, entry = cell.figure, cell.indicator
    status = figure["status"] if figure else "nicht_geliefert"
    if status == "geheim":
        return _withheld(settings, cell)
    if status == "nicht_geliefert":
        return _missing(region, cell, outcomes)
    if status == "nicht_freigegeben":
        return _not_released(settings, region, cell)
    if status == "nicht_vergleichbar":
        days = abs(((figure["nenner_stichtag"] or cell.stichtag) - cell.stichtag).days)
        return [f"numerator and denominator do not fit together; they lie {days} days apart"]
    words = {
        "zu_klein": f"the denominator is below {entry['min_nenner']}, or the area has fewer than "
        f"{entry['min_einwohner']} inhabitants (privacy.yaml, theme {entry['thema']}): "
        "a rate would say nothing",
        "nicht_zutreffend": "there is nothing to measure: the denominator is 0",
    }
    return [words.get(status, "published"), *_parts(cell)]


def _parts(cell: Cell) -> list[str]:
    """Say of a sum of parts which of them are not in it."""
    missing = {status: n for status, n in sorted(cell.parts.items()) if status != "ok"}
    if not missing or cell.parts.total() == 1:
        return []
    told = ", ".join(f"{n} {status}" for status, n in missing.items())
    if cell.figure["abdeckung"] == 1:
        return [
            f"{cell.parts.total()} parts, of which are not published by themselves: {told}; the "
            "sum rests on published totals that hold them"
        ]
    return [
        f"{cell.parts.total()} parts, of which are left out: {told}; coverage "
        f"{_shown(cell.figure['abdeckung'])}"
    ]


def _withheld(settings: Settings, cell: Cell) -> list[str]:
    if cell.sealed is None or cell.sealed["missing"]:
        status = cell.sealed["status"] if cell.sealed else None
        if status in (None, "geheim"):
            return ["withheld by the partner: the delivery prints a mark instead of the count"]
    policy = read_policy(settings.region_folder / "privacy.yaml")
    rules = policy.of(cell.indicator["thema"])
    small = cell.raumebene == "sozialraum"
    limit = rules.in_small_areas if small else rules.max_sensitive
    return [
        f"withheld here: theme {cell.indicator['thema']} keeps counts from 1 to {limit} back "
        f"(privacy.yaml, version {policy.version}), and further ones from which such a count "
        "could be told, and what its rules of complement, homogeneity and combination name; which "
        "of these it is, is not said",
        "a denominator of another theme follows the rule of its own theme",
        *_parts(cell),
    ]


def _not_released(settings: Settings, region: Region, cell: Cell) -> list[str]:
    lines = []
    kommune = next((k for k in region.kommunen if k.kommune_id == cell.kommune_id), None)
    if kommune and not kommune.teilnahme:
        lines.append(f"{kommune.name} takes no part (region.yaml): only its total is published")
    for feed in _feeds_of(region, cell):
        if not _is_released(settings, region, cell, feed):
            lines.append(
                f"theme {feed.thema}: the municipality has not released it up to {cell.stichtag} "
                "(releases.yaml; `sozialraum release`)"
            )
        for unit in feed.liefereinheiten:
            agreement = region.agreement_for(feed, unit, cell.stichtag)
            if agreement and not agreement.kleinraeumig and _serves(region, cell, unit):
                lines.append(f"agreement {agreement.id}: no single areas of {feed.feed}")
        lines.append(f"{feed.feed}: publishable from {feed.publishable_from(cell.stichtag)}")
    return lines


def _is_released(settings: Settings, region: Region, cell: Cell, feed: Feed) -> bool:
    return any(
        entry.speaks_of(cell.kommune_id, feed.thema)
        and cell.stichtag <= (entry.stichtag_bis or cell.stichtag)
        for entry in all_freigaben(settings, region)
    )


def _missing(region: Region, cell: Cell, outcomes: dict[str, list[Outcome]]) -> list[str]:
    """Say which deliveries are not there, and since when they are due."""
    from orchestration.gates import today

    if not (cell.feeds and cell.indicator["quelle_vorhanden"]):
        named = cell.indicator["quelle"] or "a source that nobody delivers"
        return [f"no partner of region {region.region} delivers it; it is defined from {named}"]
    tries = [outcome for told in outcomes.values() for outcome in told]
    listed = deliveries(region, tries, today(), _feeds_of(region, cell))
    if cell.whole_kommunen and cell.raumebene not in ("kommune", "kreis", "ohne_raum"):
        return ["the source tells whole Kommunen only; look at the Kommune"]
    lines = [
        f"{d.feed}, {d.liefereinheit}, {d.stichtag}: {d.state}, due {d.due}"
        + (f": {d.reason}" if d.reason else "")
        for d in listed
        if d.stichtag in _days(cell)
        and d.state not in ("geliefert", "teilweise")
        and _serves(region, cell, d.liefereinheit)
    ]
    return lines or ["every delivery of this Stichtag is there, and none has a count of this area"]


def _deliveries(
    region: Region, cell: Cell, valid: Sequence[Outcome], outcomes: dict[str, list[Outcome]]
) -> list[str]:
    lines = []
    for outcome in valid:
        lines += _delivery(outcome)
        tried = {
            (o.file, o.result, o.reason)
            for o in outcomes[outcome.feed]
            if (o.stichtag, o.liefereinheit) == (outcome.stichtag, outcome.liefereinheit)
            and o.file not in (None, outcome.file)
            and o.result in ("accepted", "rejected", "duplicate")
        }
        lines += [
            f"    beside it: {file}: {'superseded' if result == 'accepted' else result}"
            + (f": {reason.removeprefix(f'feed {outcome.feed}, file {file}: ')}" if reason else "")
            for file, result, reason in sorted(tried, key=str)
        ]
    return lines or ["none"]


def _delivery(outcome: Outcome) -> list[str]:
    lines = [
        f"{outcome.feed}, {outcome.liefereinheit}, {outcome.stichtag}: {outcome.file}",
        f"    sha256 {outcome.sha256[:12]}, layout {outcome.layout}, agreement {outcome.agreement}",
        f"    rows {outcome.rows_read}: {outcome.rows_accepted} accepted, "
        f"{outcome.rows_quarantined} in quarantine",
    ]
    lines += [f"    repaired: {repair}" for repair in (outcome.repairs or "").split("; ") if repair]
    lines += [f"    quarantine: {outcome.reason}"] if outcome.rows_quarantined else []
    return lines + ([f"    warning: {outcome.warnung}"] if outcome.warnung else [])


def _editions(settings: Settings, region: Region, cell: Cell) -> list[str]:
    """Return what each edition of the region says, oldest first."""
    import duckdb

    lines = []
    for path in sorted(settings.published.glob("*/manifest.json")):
        if path.parent.is_symlink():
            continue
        manifest = json.loads(path.read_text("utf-8"))
        table = path.parent / "parquet" / "mart_indikator.parquet"
        if manifest.get("region") != region.region or not table.exists():
            continue
        rows = duckdb.execute(
            "select version, status, wert, klasse, zaehler, nenner from read_parquet(?) "
            "where raum_id = ? and indikator_id = ? and stichtag = ? order by version",
            [str(table), cell.raum_id, cell.indicator["indikator_id"], cell.stichtag],
        ).fetchall()
        told = [
            f"version {version}: {status}, {_shown(klasse if wert is None else wert)} "
            f"({_shown(zaehler)} / {_shown(nenner)})"
            for version, status, wert, klasse, zaehler, nenner in rows
        ]
        lines.append(f"{manifest['edition_id']}  {'; '.join(told) or 'no row'}")
    return lines or ["none yet"]


def _sealed_lines(cell: Cell) -> list[str]:
    return [
        f"counts on all deliveries: {_shown(cell.sealed['zaehler'])} / "
        f"{_shown(cell.sealed['nenner'])}, parts without a count: {cell.sealed['missing']}"
    ]
