"""Every published value of the counties against the true counts that the simulator kept.

The expressions of the indicators are worked out a second time, in Python and on the truth.
"""

import re
from collections import Counter, defaultdict
from datetime import date

import duckdb
import pytest

from orchestration.settings import PROJECT
from tests.integration.conftest import Warehouse

INDICATORS = PROJECT / "dbt_project" / "models" / "indicators"
CALL = re.compile(r"\{\{ (indikator\(.*\)) \}\}", re.DOTALL)
OTHER = re.compile(r"einwohner_(seit|fortschreibung)\(")
TOTAL = "insgesamt"

Counts = dict[tuple, int]
"""A true count by area, Gebietsstand and Stichtag."""

WITHOUT_TRUTH = {"geburten_je_1000_frauen", "bevoelkerungsentwicklung", "bewertung_jobcenter"}
"""Looked at in tests of their own: women of 15 to 44, five years ago, classes without counts."""


class Truth:
    """What the macros of the indicators name, made of the simulator's truth."""

    def __init__(self, warehouse: Warehouse):
        self.cases: dict[str, Counts] = {}
        for merkmal, *place, count in _cases(warehouse, "fallzahl"):
            self.cases.setdefault(merkmal, {})[tuple(place)] = count
        # Offices list places with a case only, and one may be listed by several of them.
        for merkmal, *place, count in _cases(warehouse, "fallzahl_offices"):
            self.cases.setdefault(merkmal, defaultdict(int))[tuple(place)] += count
        self.inhabitants: dict[tuple, Counts] = {}
        for *cell, raum_id, gebietsstand, stichtag, count in duckdb.sql(
            "select altersgruppe, geschlecht, staatsangehoerigkeit, raum_id, gebietsstand, "
            f"stichtag, anzahl from read_parquet('{warehouse.truth('bevoelkerung')}') "
            "where basis = 'melderegister'"
        ).fetchall():
            self.inhabitants.setdefault(tuple(cell), {})[raum_id, gebietsstand, stichtag] = count

    def sides(self, call: str) -> list[Counts]:
        """Work out numerator and denominator of an indicator; KeyError if one is not known."""
        names = {
            name: getattr(self, name) for name in ("fallzahl", "fallzahl_saldo", "fallzahl_summe")
        }
        names |= {
            "einwohner": self.einwohner,
            "einwohner_bis_altersgrenze": self.einwohner_bis_altersgrenze,
            "differenz": _less,
            "none": None,
        }
        return eval(call, {"__builtins__": {}, "indikator": lambda *sides: list(sides), **names})

    def fallzahl(self, merkmal: str) -> Counts:
        return self.cases[merkmal]

    def fallzahl_summe(self, merkmale: list[str]) -> Counts:
        return _sum([self.cases[merkmal] for merkmal in merkmale])

    def fallzahl_saldo(self, more: str, less: str) -> Counts:
        return _less(self.cases[more], self.cases[less])

    def einwohner(self, von=None, bis=None, staatsangehoerigkeit=TOTAL, geschlecht=TOTAL) -> Counts:
        if von is None:
            return self.inhabitants[TOTAL, geschlecht, staatsangehoerigkeit]
        bands = [
            (altersgruppe, geschlecht, staatsangehoerigkeit)
            for altersgruppe, *_ in self.inhabitants
            if altersgruppe != TOTAL
            and von <= int(altersgruppe[:2])
            and (bis is None or ("+" not in altersgruppe and int(altersgruppe[-2:]) <= bis))
        ]
        return _sum([self.inhabitants[band] for band in bands])

    def einwohner_bis_altersgrenze(self, von=None, *, ab: str) -> Counts:
        """Counted person by person, and not as a difference."""
        return self.cases[ab.replace("_ab_", f"_{von}_bis_" if von else "_unter_")]


def _cases(warehouse: Warehouse, name: str) -> list[tuple]:
    return duckdb.sql(
        "select merkmal, raum_id, gebietsstand, stichtag, anzahl "
        f"from read_parquet('{warehouse.truth(name)}')"
    ).fetchall()


def _sum(parts: list[Counts]) -> Counts:
    everywhere = set.intersection(*map(set, parts))
    return {place: sum(part[place] for part in parts) for place in everywhere}


def _less(one: Counts, other: Counts) -> Counts:
    return {place: one[place] - other[place] for place in one.keys() & other.keys()}


@pytest.mark.parametrize("region", ["aachen", "rbk"])
def test_what_is_ok_is_true(request, region):
    """Counts exactly, rates to 1e-9, in each Sozialraum; estimates are looked at elsewhere."""
    warehouse = request.getfixturevalue(region)
    truth = Truth(warehouse)
    calls = {
        path.stem.removeprefix("ind_"): found[1]
        for path in INDICATORS.rglob("ind_*.sql")
        if (found := CALL.search(path.read_text("utf-8"))) and not OTHER.search(found[1])
    }
    rows = warehouse.published(
        "select indikator_id, raum_id, gebietsstand, stichtag, nenner_stichtag, zaehler, nenner, "
        "wert, faktor from mart_indikator inner join dim_indikator using (indikator_id, version) "
        "where raumebene = 'sozialraum' and status = 'ok' and not geschaetzt and not umgerechnet"
    )
    sides: dict[str, list[Counts]] = {}
    compared, unknown, wrong = Counter(), Counter(), []
    for indikator_id, raum_id, gebietsstand, stichtag, nenner_stichtag, *figures, faktor in rows:
        if indikator_id not in sides:
            sides[indikator_id] = _known(truth, calls.get(indikator_id))
        days: tuple[date, ...] = (stichtag, nenner_stichtag)
        true = [
            _at(side, (raum_id, gebietsstand, day))
            for side, day in zip(sides[indikator_id], days, strict=False)
        ]
        if not true or None in true:
            unknown[indikator_id] += 1
            continue
        compared[indikator_id] += 1
        zaehler, nenner, wert = figures
        expected = true[0] * faktor / (true[1] if nenner is not None else 1)
        if (zaehler, nenner) != (true[0], true[1] if len(true) > 1 else None) or (
            wert != pytest.approx(expected, rel=1e-9, abs=1e-12)
        ):
            wrong.append((indikator_id, raum_id, stichtag))
    assert wrong == []
    assert set(unknown) <= WITHOUT_TRUTH
    assert len(compared) >= {"aachen": 31, "rbk": 15}[region]


def _at(side: Counts, place: tuple) -> int | None:
    return side[place] if isinstance(side, defaultdict) else side.get(place)


def _known(truth: Truth, call: str | None) -> list[Counts]:
    try:
        return truth.sides(call) if call else []
    except KeyError:
        return []
