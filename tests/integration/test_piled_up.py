"""Indices and sets of thresholds of a whole county, computed again from its published values."""

import math
from collections import Counter, defaultdict
from datetime import date

import pytest

from sources.region import read_region


def published_parts(county, index) -> dict:
    """Burdens by part, area and Stichtag of the index, as its declared alignment picks them."""
    parts = {part.indikator_id: part for d in index.domains for part in d.bestandteile}
    rows = county.published(
        "select indikator_id, raum_id, gebietsstand, stichtag, m.status, zaehler, nenner, wert, "
        "polaritaet from mart_indikator as m join dim_indikator using (indikator_id, version) "
        "where raumebene = 'sozialraum'"
    )
    days = defaultdict(set)
    values = {}
    for key, area, stand, day, status, zaehler, nenner, wert, polarity in rows:
        days[key, stand].add(day)
        value = zaehler / nenner if nenner else wert
        usable = status in ("ok", "zu_klein") and value is not None
        values[key, area, stand, day] = (-value if polarity > 0 else value) if usable else None
    found = defaultdict(dict)
    stands = {stand for _, stand in days}
    for stand in stands:
        for head in days[index.leitindikator, stand]:
            for key, part in parts.items():
                near = [
                    (abs((day - head).days), day)
                    for day in days[key, stand]
                    if abs((day - head).days) <= index.hoechstabstand_tage
                    and (part.ausrichtung == "naechster" or day <= head)
                ]
                if not near:
                    continue
                for (k, area, s, day), value in values.items():
                    if (k, s, day) == (key, stand, min(near)[1]):
                        found[area, stand, head][key] = value
    return found


def deviation(values: list[float]) -> tuple[float, float]:
    """Mean and population standard deviation."""
    mean = math.fsum(values) / len(values)
    return mean, math.sqrt(math.fsum((v - mean) ** 2 for v in values) / len(values))


@pytest.mark.parametrize("name", ["aachen", "rbk"])
def test_teilhabeindex_is_that_of_the_published_values(request, name):
    county = request.getfixturevalue(name)
    (index,) = (i for i in read_region(name).indices if i.index_id == "teilhabe")
    parts = published_parts(county, index)
    keys = [part.indikator_id for d in index.domains for part in d.bestandteile]
    complete = {
        row: values
        for row, values in parts.items()
        if len(keys) - sum(values.get(k) is not None for k in keys) <= index.hoechstens_fehlend
    }
    then = [row for row in complete if row[2] == index.referenz_stichtag]
    scales = {}
    for key in keys:
        known = [complete[row][key] for row in then if complete[row].get(key) is not None]
        scales[key] = deviation(known) if known else (0, 0)

    def total(values) -> float:
        return sum(
            d.gewicht
            * p.gewicht
            * (values[p.indikator_id] - scales[p.indikator_id][0])
            / scales[p.indikator_id][1]
            for d in index.domains
            for p in d.bestandteile
            if values.get(p.indikator_id) is not None and scales[p.indikator_id][1]
        )

    mean, spread = deviation([total(complete[row]) for row in then])
    expected = {row: (total(values) - mean) / spread for row, values in complete.items()}
    found = county.published(
        "select raum_id, gebietsstand, stichtag, index_wert from mart_index "
        "where index_id = 'teilhabe' and status = 'ok'"
    )
    assert {row[:3]: row[3] for row in found} == pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert len({row[2] for row in found}) == 3


def test_exponential_index_stays_below_the_sum_of_its_weights(aachen):
    (index,) = (i for i in read_region("aachen").indices if i.index_id == "mehrfachbelastung")
    weights = sum(domain.gewicht for domain in index.domains)
    assert weights == pytest.approx(0.72)
    rows = aachen.published(
        "select stichtag, index_wert, klasse, rang from mart_index "
        "where index_id = 'mehrfachbelastung' and status = 'ok'"
    )
    assert rows
    for day in {row[0] for row in rows}:
        ranked = sorted((r for r in rows if r[0] == day), key=lambda row: row[3])
        assert all(0 < value <= 100 * weights for _, value, _, _ in ranked)
        assert [r[1] for r in ranked] == sorted((r[1] for r in ranked), reverse=True)
        assert [int(r[2]) for r in ranked] == sorted(int(r[2]) for r in ranked)
        sizes = Counter(r[2] for r in ranked)
        assert max(sizes.values()) - min(sizes.values()) <= 1


@pytest.mark.parametrize("name", ["aachen", "rbk", "berlin"])
def test_need_for_action_is_told_with_its_reasons(request, name):
    county = request.getfixturevalue(name)
    sets = {s.schwellen_id: s for s in read_region(name).schwellen}
    rows = county.published(
        "select schwellen_id, stichtag, anzahl_ueberschritten, anzahl_bewertet, anzahl_regeln, "
        "erhoehter_bedarf, seit, begruendung, status from mart_kumulation"
    )
    assert {row[0] for row in rows} == set(sets)
    for key, day, exceeded, known, rules, need, since, reason, status in rows:
        least = sets[key].mindestzahl
        assert 0 <= exceeded <= known <= rules == len(sets[key].regeln)
        assert need == (
            True if exceeded >= least else False if exceeded + rules - known < least else None
        )
        assert (status == "ok") == (need is not None)
        assert (since is not None and date(2000, 1, 1) < since <= day) == bool(need)
        assert len(reason.split("; ")) == exceeded if exceeded else reason is None
    newest = {key: max(r[1] for r in rows if r[0] == key and r[3]) for key in sets}
    listed = county.published(
        "select schwellen_id, stichtag, begruendung from mart_handlungsbedarf"
    )
    assert sorted(listed) == sorted(
        (r[0], r[1], r[7]) for r in rows if r[5] and r[1] == newest[r[0]]
    )
    assert listed
