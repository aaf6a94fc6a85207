"""What the parts of indices with `klasse_aus: alle` are made of, as rows for the models.

The authority is the SQL of each indicator, which runs behind the privacy gate. What it says there,
`indikator(fallzahl('x'), einwohner(15, 64))`, is read here as data, so that a class can rest on all
counts before the gate, and so that the auditor knows what it rests on. Nothing is computed here.
"""

from collections.abc import Mapping
from pathlib import Path

from orchestration.catalogue import Entry, read_entries
from sources.region import Region

SCHEMA = {
    "indikator_id": "string",
    "polaritaet": "int32",
    "lieferwert": "string",
    "zaehler_merkmal": "string",
    "zaehler_von": "int32",
    "zaehler_bis": "int32",
    "nenner_merkmal": "string",
    "nenner_von": "int32",
    "nenner_bis": "int32",
    "nenner_stichtag": "string",
    "hoechstabstand_tage": "int32",
}
"""`rule_index_quelle`: an indicator is a delivered figure (`lieferwert`), or two sides, each of a
`merkmal` or, without one, of the inhabitants of an age range (all of them without `von`)."""


def index_sources(region: Region, dbt_project: Path) -> list[dict]:
    """Return the rows of `rule_index_quelle`: one for each part of an index that rests on all.

    Raises:
        ValueError: a part is neither a delivered figure nor a rate of two plain counts, or it is
            a delivered figure in an index that declares no `spielraum`.
    """
    entries = read_entries(dbt_project)
    rows = {}
    for index in region.indices:
        if index.klasse_aus != "alle":
            continue
        for indikator_id in index.indicators:
            row = _source(indikator_id, entries[indikator_id], dbt_project)
            if row["lieferwert"] and not index.spielraum:
                raise ValueError(
                    f"{region.region}/indices.yaml, index {index.index_id}: {indikator_id} is "
                    "delivered without counts; expected a spielraum above 0 beside klasse_aus: alle"
                )
            rows[indikator_id] = row
    return [rows[indikator_id] for indikator_id in sorted(rows)]


def _source(indikator_id: str, entry: Entry, dbt_project: Path) -> dict:
    (path,) = (dbt_project / "models" / "indicators").rglob(f"ind_{indikator_id}.sql")
    said = _read(path)
    return {
        **dict.fromkeys(SCHEMA),
        "indikator_id": indikator_id,
        "polaritaet": entry.polaritaet,
        "nenner_stichtag": entry.nenner_stichtag,
        "hoechstabstand_tage": entry.hoechstabstand_tage,
        **said,
    }


def _read(path: Path) -> Mapping[str, object]:
    """Return what an indicator's SQL names, by letting its calls fill in a row."""
    import jinja2

    found: list[dict] = []

    def rate(zaehler: dict, nenner: dict) -> str:
        sides = {"zaehler": zaehler, "nenner": nenner}
        found.append({f"{side}_{k}": v for side, own in sides.items() for k, v in own.items()})
        return ""

    def figure(merkmal: str) -> str:
        found.append({"lieferwert": merkmal})
        return ""

    environment = jinja2.Environment(undefined=jinja2.StrictUndefined)
    environment.globals = {
        "indikator": rate,
        "indikator_geliefert": figure,
        "fallzahl": lambda merkmal: {"merkmal": merkmal},
        "einwohner": lambda von=None, bis=None: {"von": von, "bis": bis},
        "lieferwert": lambda merkmal: merkmal,
    }
    try:
        rest = environment.from_string(path.read_text(encoding="utf-8")).render()
    except (jinja2.TemplateError, TypeError) as error:
        raise _unreadable(path) from error
    if len(found) != 1 or rest.strip():
        raise _unreadable(path)
    return found[0]


def _unreadable(path: Path) -> ValueError:
    return ValueError(
        f"{path.name}: an index with klasse_aus: alle may use indicators that are a delivered "
        "figure, or a rate of fallzahl('...') and einwohner(von, bis), and nothing else. Leave the "
        "index at klasse_aus: veroeffentlicht, or take another indicator"
    )
