"""What the quality handbook tells, as plain data; how it looks is `publication/handbuch.py`.

Read are the region's declarations, the ledger's counts, the rule tables and the results of the
gates. No word of a partner's file, no path and no time is among it.
"""

from collections.abc import Iterable

from orchestration.gates import PLAUSIBILITY, PRIVACY, PUBLICATION, gate_summary
from orchestration.models import Manifest
from orchestration.settings import Settings
from sources.agreement import legal_bases
from sources.contract import KREIS
from sources.landing import Folders, valid_deliveries
from sources.ledger import Outcome
from sources.region import Region

GATES = {
    PLAUSIBILITY: "Sind die Zahlen möglich, vollständig und in sich geschlossen?",
    PRIVACY: "Darf jede Zahl den geschützten Bereich verlassen?",
    PUBLICATION: "Enthalten die fertigen Dateien, was erlaubt ist, und nichts sonst?",
}

TOLD_ELSEWHERE = {
    "rule_feed",
    "rule_kommune",
    "rule_liefereinheit",
    "rule_agreement",
    "rule_hinweis",
    "rule_abgleich",
    "rule_stellungnahme",
}
"""Rule tables that other chapters tell; all others are parameters."""

TITLES = {
    "rule_level": "Raumebenen",
    "rule_gebietsstand": "Gebietsstände",
    "rule_threshold": "Schwellen zum Schutz von Personen (privacy.yaml)",
    "rule_uninhabited": "Räume ohne Einwohner",
    "rule_reconciliation": "Summen, die größer sein dürfen als ihre Teile",
    "rule_difference": "Veränderungen, die einen zurückgehaltenen Wert verraten könnten",
    "rule_index": "Indizes",
    "rule_bruch": "Brüche in Zeitreihen",
    "rule_chance": "Zufallsschwankung: Intervall und Grenze der Aussagekraft",
    "rule_reihe": "Zeitreihen: Grenzen für Trend und Umrechnung",
    "rule_schwelle": "Kumulation: Schwellen",
    "rule_schwellen": "Kumulation: Sätze von Schwellen",
    "rule_peers": "Vergleichsräume",
    "rule_peer_feature": "Vergleichsräume: Merkmale und Gewichte",
    "rule_sum": "Summen, die mit der Einwohnerzahl zurückgehalten werden",
    "rule_index_part": "Indizes: Bestandteile und Gewichte",
    "rule_index_class": "Indizes: Klassengrenzen",
    "rule_index_exclusion": "Indizes: ausgeschlossene Räume",
    "rule_klassengrenze": "Karten: Klassengrenzen",
}

INDICATOR_TITLES = {
    "thema": "Thema",
    "art": "Formel (art)",
    "zaehler_definition": "Zähler",
    "nenner_definition": "Nenner",
    "einheit": "Einheit",
    "faktor": "Faktor",
    "polaritaet": "Polarität (-1: hoch ist eine Belastung)",
    "quelle": "Quelle",
}
"""Short titles; what has none is titled by the description of its column."""

INDICATOR_KEYS = ("indikator_id", "version", "name", "definition")


def handbook_facts(settings: Settings, region: Region, manifest: Manifest) -> dict:
    """Return the facts that `publication.handbuch.render` asks for."""
    valid = valid_deliveries(region, Folders(settings.landing))
    return {
        "region": region.name,
        "partner": [
            (
                partner.name,
                partner.contact,
                [f"{feed.title} ({feed.feed})" for feed in region.feeds if feed.partner == key],
            )
            for key, partner in region.partners.items()
        ],
        "vereinbarungen": _agreements(region),
        "lieferungen": [_delivery(region, outcome) for outcome in valid],
        "fehlende": _missing(region, valid),
        "indikatoren": _indicators(settings, manifest),
        "parameter": _parameters(settings),
        "tore": [_gate(settings, gate, checks) for gate, checks in GATES.items()],
        "hinweise": [
            (
                note.hinweis_id,
                note.art,
                note.raum_id or "alle",
                note.indikator_id or note.thema or "alle",
                note.stichtag_von,
                note.stichtag_bis,
                note.text,
            )
            for note in region.lesehilfe.hinweise
        ],
        "abgleiche": [
            (
                pair.name,
                pair.eigen.quelle,
                pair.fremd.quelle,
                f"{pair.toleranz:g} {pair.toleranz_in}".replace(".", ","),
                pair.erklaerung,
            )
            for pair in region.abgleiche
        ],
        "reparaturen": [(repair.id, repair.feed, repair.reason) for repair in region.repairs]
        + [("ohne Einwohner", area.raum_id, area.reason) for area in region.uninhabited],
        "grenzen": [limit.text for limit in region.lesehilfe.bekannte_grenzen],
    }


def _agreements(region: Region) -> list[tuple]:
    return [
        (
            agreement.id,
            agreement.feeds,
            legal_bases()[agreement.rechtsgrundlage].gesetz,
            agreement.zweck,
            agreement.parteien,
            agreement.gueltig_ab,
            agreement.gueltig_bis or "auf Weiteres",
            agreement.aufbewahrung_monate or "unbefristet (keine Zeilen von Personen)",
            agreement.kleinraeumig,
        )
        for agreement in region.agreements
    ]


def _delivery(region: Region, outcome: Outcome) -> tuple:
    """Return what is told of a delivery; of persons not how many, which is a protected count."""
    rows = (outcome.rows_read, outcome.rows_accepted, outcome.rows_quarantined)
    if region.feed(outcome.feed).ebene == "einzeldaten":
        rows = (None, None, None)
    return (
        outcome.feed,
        _unit(region, outcome.liefereinheit),
        outcome.stichtag,
        *rows,
        outcome.layout,
        outcome.agreement,
        (outcome.sha256 or "")[:12],
        bool(outcome.repairs),
    )


def _unit(region: Region, unit: str | None) -> str:
    if unit in region.liefereinheiten:
        return region.liefereinheiten[unit].name
    return region.name if unit == KREIS else str(unit)


def _missing(region: Region, valid: Iterable[Outcome]) -> list[tuple]:
    there = {(o.feed, o.liefereinheit, o.stichtag) for o in valid}
    return [
        (feed.feed, _unit(region, unit), stichtag)
        for feed in region.feeds
        for unit in feed.liefereinheiten
        for stichtag in region.expected.get(feed.feed, ())
        if (feed.feed, unit, stichtag) not in there
    ]


def _indicators(settings: Settings, manifest: Manifest) -> list[dict]:
    """Return the catalogue as the edition publishes it, titled by the columns' descriptions."""
    import duckdb

    table = next(t for t in manifest.published_tables() if t.name == "dim_indikator")
    titles = {column.name: column.description for column in table.columns} | INDICATOR_TITLES
    with duckdb.connect(str(settings.warehouse), read_only=True) as con:
        rows = con.execute(
            f"select {', '.join(table.column_names)} from {table.relation} "
            "order by indikator_id, version"
        ).fetchall()
    catalogue = [dict(zip(table.column_names, row, strict=True)) for row in rows]
    return [
        {
            **{key: entry[key] for key in INDICATOR_KEYS},
            "angaben": [
                (titles[name], value) for name, value in entry.items() if name not in INDICATOR_KEYS
            ],
        }
        for entry in catalogue
    ]


def _parameters(settings: Settings) -> list[dict]:
    """Return every rule table that has a title and rows; what has none is not published."""
    import pyarrow.parquet as pq

    told = []
    for path in sorted(settings.rules.glob("rule_*.parquet")):
        table = pq.read_table(path)
        if path.stem not in TITLES or not table.num_rows:
            continue
        rows = [tuple(row.values()) for row in table.to_pylist()]
        told.append({"titel": TITLES[path.stem], "spalten": table.column_names, "zeilen": rows})
    return told


def _gate(settings: Settings, gate: str, checks: str) -> tuple:
    if gate == PUBLICATION:
        return gate, checks, None, "siehe manifest.json"
    summary = gate_summary(settings, gate)
    return gate, checks, summary["rules"], "bestanden" if summary["passed"] else "nicht bestanden"
