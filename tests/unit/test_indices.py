"""Indices and sets of thresholds: the marts' SQL on made-up published values.

The SQL is rendered with its macros and run on DuckDB, declared rules are read as a region's.
Expected numbers are worked out by hand here, or follow from what an index must never do.
"""

import math
import random
import re
import time
from datetime import date
from functools import cache

import duckdb
import jinja2
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.catalogue import check_calculations, read_entries
from orchestration.rules import RULE_SCHEMAS
from orchestration.settings import PROJECT
from sources.calculations import Index, ThresholdSet
from sources.region import read_region, region_names, rule_tables

DBT = PROJECT / "dbt_project"
REGION = read_region("berlin")
THEN, NOW = date(2013, 12, 31), date(2015, 12, 31)
LIMITS = [{"klasse": "niedrig", "bis": 0}, {"klasse": "hoch", "ueber": 0}]


@cache
def render(mart: str) -> str:
    """Render a mart as DuckDB gets it; tables keep their bare names."""
    environment = jinja2.Environment(extensions=["jinja2.ext.do"])
    macros = {}
    environment.globals |= {
        "ref": lambda name: name,
        "source": lambda _, name: name,
        "return": lambda result: result,
        "adapter": type("Adapter", (), {"dispatch": lambda _, name: macros[f"duckdb__{name}"]})(),
    }
    for name in ("engine", "index"):
        module = environment.from_string((DBT / f"macros/{name}.sql").read_text("utf-8")).module
        macros |= {key: macro for key, macro in vars(module).items() if not key.startswith("_")}
        environment.globals |= macros
    text = (DBT / f"models/marts/{mart}.sql").read_text(encoding="utf-8")
    return environment.from_string(text).render()


def database(figures, polarities, *, index=None, schwellen=None) -> duckdb.DuckDBPyConnection:
    """Published values and declared rules.

    `figures`: (area, stichtag, indicator, value) or, with what else a test needs, a dict.
    """
    con = duckdb.connect()
    rows = [
        f
        if isinstance(f, dict)
        else dict(zip(("raum_id", "stichtag", "id", "wert"), f, strict=True))
        for f in figures
    ]
    columns = {
        "raum_id": (pa.string(), [r["raum_id"] for r in rows]),
        "gebietsstand": (pa.string(), [r.get("gebietsstand", "g") for r in rows]),
        "stichtag": (pa.date32(), [r["stichtag"] for r in rows]),
        "indikator_id": (pa.string(), [r["id"] for r in rows]),
        "wert": (pa.float64(), [r["wert"] for r in rows]),
        "status": (
            pa.string(),
            [r.get("status", "geheim" if r["wert"] is None else "ok") for r in rows],
        ),
        "zaehler": (pa.int64(), [r.get("zaehler") for r in rows]),
        "nenner": (pa.int64(), [r.get("nenner") for r in rows]),
        "kreis_wert": (pa.float64(), [r.get("kreis") for r in rows]),
        "kommune_wert": (pa.float64(), [r.get("kommune") for r in rows]),
    }
    values = pa.table({name: pa.array(cells, kind) for name, (kind, cells) in columns.items()})
    con.register("figures", values)
    con.execute(
        "create table mart_indikator as "
        "select *, 'sozialraum' as raumebene, 1 as version from figures"
    )
    con.execute(
        "create table dim_indikator "
        "(indikator_id text, version int, polaritaet int, name text, einheit text)"
    )
    con.executemany(
        "insert into dim_indikator values (?, 1, ?, ?, '%')",
        [(key, polarity, key.upper()) for key, polarity in polarities.items()],
    )
    con.execute(
        "create table indexklasse (index_id text, raum_id text, gebietsstand text, stichtag date, "
        "klasse text, status text)"
    )
    region = REGION.model_copy(
        update={
            "indices": (Index.model_validate(index),) if index else (),
            "schwellen": (ThresholdSet.model_validate(schwellen),) if schwellen else (),
        }
    )
    for name, table in rule_tables(region).items():
        if name.startswith(("rule_index", "rule_schwelle")):
            kinds = {c: pa.type_for_alias(kind) for c, kind in RULE_SCHEMAS[name].items()}
            con.register("rules", pa.Table.from_pylist(table, schema=pa.schema(kinds.items())))
            con.execute(f"create table {name} as from rules")
    return con


def an_index(**changes) -> dict:
    """An index of the indicators a and b, as it stands in indices.yaml."""
    declared = {
        "index_id": "i",
        "name": "Index",
        "quelle": "Test",
        "standardisierung": "z_population",
        "bestandteile": [{"indikator_id": "a"}, {"indikator_id": "b"}],
        "klassen": LIMITS,
    }
    return {k: v for k, v in {**declared, **changes}.items() if v is not None}


def indexed(figures, polarities=None, column="index_wert", **changes) -> dict:
    """One column of mart_index by area, or by area and Stichtag if there are several."""
    con = database(figures, polarities or {"a": -1, "b": -1}, index=an_index(**changes))
    rows = con.execute(
        f"select raum_id, stichtag, {column} from ({render('mart_index')})"
    ).fetchall()
    if len({stichtag for _, stichtag, _ in rows}) == 1:
        return {area: value for area, _, value in rows}
    return {(area, stichtag.year): value for area, stichtag, value in rows}


# --- the exponential transformation -----------------------------------------------------

FIVE = [
    *((area, NOW, "a", wert) for area, wert in zip("vwxyz", (1, 2, 3, 4, 5), strict=True)),
    *((area, NOW, "b", wert) for area, wert in zip("vwxyz", (10, 10, 30, 40, 50), strict=True)),
]
"""Five areas. By a, where high is bad, v to z have R = .2, .4, .6, .8, 1. By b, where high is good,
z, y, x have R = .2, .4, .6, and v and w share the ranks 4 and 5: R = .9."""

X = {0.2: 5.0580, 0.4: 11.5515, 0.6: 20.6327, 0.8: 35.8568, 0.9: 50.4267, 1.0: 100.0}
"""-23 ln(1 - R (1 - e^(-100/23))), with e^(-100/23) = 0.01293."""

EXPONENTIAL = {
    "standardisierung": "exponential",
    "bestandteile": [
        {"indikator_id": "a", "gewicht": 0.6},
        {"indikator_id": "b", "gewicht": 0.4},
    ],
    "klassen": None,
    "quantile": 5,
}


def test_exponential_index_is_the_one_worked_out_by_hand():
    for share, transformed in X.items():
        by_hand = -23 * math.log(1 - share * (1 - math.exp(-100 / 23)))
        assert by_hand == pytest.approx(transformed, abs=1e-4), share
    assert indexed(FIVE, {"a": -1, "b": 1}, **EXPONENTIAL) == pytest.approx(
        {
            "v": 0.6 * X[0.2] + 0.4 * X[0.9],
            "w": 0.6 * X[0.4] + 0.4 * X[0.9],
            "x": X[0.6],
            "y": 0.6 * X[0.8] + 0.4 * X[0.4],
            "z": 0.6 * X[1.0] + 0.4 * X[0.2],
        },
        abs=1e-4,
    )


def test_quantiles_and_ranks_begin_with_the_most_burdened():
    for column in ("klasse", "rang"):
        found = indexed(FIVE, {"a": -1, "b": 1}, column, **EXPONENTIAL)
        assert [int(found[area]) for area in "zwyvx"] == [1, 2, 3, 4, 5], column


def test_most_burdened_of_all_reaches_a_hundred_and_equals_are_equal():
    found = indexed(
        [(area, NOW, part, wert) for part in "ab" for area, wert in (("v", 7), ("w", 7), ("x", 9))],
        **{
            **EXPONENTIAL,
            "bestandteile": [
                {"indikator_id": "a", "gewicht": 0.5},
                {"indikator_id": "b", "gewicht": 0.5},
            ],
        },
    )
    assert found["x"] == pytest.approx(100)
    assert found["v"] == found["w"] == pytest.approx(15.6468, abs=1e-4)  # R = 1.5 / 3


def test_thirty_thousand_areas_with_seven_domains_take_seconds():
    weights = dict(zip("abcdefg", (0.225, 0.225, 0.135, 0.135, 0.093, 0.093, 0.093), strict=True))
    chance = random.Random(7)
    con = database(
        [],
        dict.fromkeys(weights, -1),
        index=an_index(
            standardisierung="exponential",
            bestandteile=[
                {"indikator_id": key, "gewicht": weight} for key, weight in weights.items()
            ],
            klassen=None,
            quantile=10,
        ),
    )
    number = 30_000
    order = {key: chance.sample(range(number), number) for key in weights}
    made = pa.table(
        {
            "raum_id": [f"{i:05d}" for i in range(number) for _ in weights],
            "indikator_id": list(weights) * number,
            "wert": [float(order[key][i]) for i in range(number) for key in weights],
        }
    )
    con.register("made", made)
    con.execute(
        "insert into mart_indikator by name select *, 'g' as gebietsstand, 1 as version, "
        "date '2015-12-31' as stichtag, 'ok' as status, 'sozialraum' as raumebene from made"
    )
    start = time.perf_counter()
    rows = con.execute(
        f"select raum_id, index_wert, klasse from ({render('mart_index')})"
    ).fetchall()
    assert time.perf_counter() - start < 60
    assert len(rows) == number
    for area, value, _ in rows[:: number // 50]:
        shares = {key: (order[key][int(area)] + 1) / number for key in weights}
        assert value == pytest.approx(
            sum(
                -23 * weight * math.log(1 - shares[key] * (1 - math.exp(-100 / 23)))
                for key, weight in weights.items()
            ),
            rel=1e-9,
        )
    assert max(value for _, value, _ in rows) < 99.9 + 1e-9  # the printed weights sum to .999
    sizes = [sum(klasse == str(i) for *_, klasse in rows) for i in range(1, 11)]
    assert sizes == [number // 10] * 10


# --- what an index must do, whatever the numbers ----------------------------------------

burdens = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=4, max_size=9)


def of_year(values, stichtag) -> list[tuple]:
    return [
        (f"{i}", stichtag, part, pair[k])
        for i, pair in enumerate(values)
        for k, part in enumerate("ab")
    ]


@settings(max_examples=6, deadline=None)
@given(burdens, st.integers(1, 60), st.sampled_from([-1, 1]))
def test_more_burden_never_lowers_an_exponential_index(values, more, polarity):
    before = indexed(of_year(values, NOW), {"a": polarity, "b": -1}, **EXPONENTIAL)
    worse = [(values[0][0] - polarity * more, values[0][1]), *values[1:]]
    after = indexed(of_year(worse, NOW), {"a": polarity, "b": -1}, **EXPONENTIAL)
    assert after["0"] >= before["0"] - 1e-9


@settings(max_examples=6, deadline=None)
@given(burdens, st.integers(1, 60), st.sampled_from(["z_population", "exponential"]))
def test_more_burden_never_lowers_an_index_with_a_reference_year(values, more, method):
    changes = {"referenz_stichtag": THEN, "standardisierung": method}
    then = of_year(values, THEN)
    before = indexed(then + of_year(values, NOW), **changes)
    worse = [(values[0][0] + more, values[0][1]), *values[1:]]
    after = indexed(then + of_year(worse, NOW), **changes)
    if before["0", 2015] is not None:  # all areas alike give no scale
        assert after["0", 2015] >= before["0", 2015] - 1e-9
        assert after["0", 2013] == before["0", 2013]


VALUES = [(1, 4), (2, 9), (5, 7), (8, 1)]
RISEN = [(a + 3, b + 2) for a, b in VALUES]


@pytest.mark.parametrize("method", ["z_population", "exponential"])
def test_a_rise_of_all_areas_shows_with_a_reference_year_only(method):
    both = of_year(VALUES, THEN) + of_year(RISEN, NOW)
    relative = indexed(both, standardisierung=method)
    fixed = indexed(both, standardisierung=method, referenz_stichtag=THEN)
    change = indexed(both, column="veraenderung", standardisierung=method, referenz_stichtag=THEN)
    for area in "0123":
        assert relative[area, 2015] == pytest.approx(relative[area, 2013])
        assert fixed[area, 2013] == pytest.approx(relative[area, 2013])
        assert fixed[area, 2015] > fixed[area, 2013]
        assert change[area, 2015] == pytest.approx(fixed[area, 2015] - fixed[area, 2013])
        assert change[area, 2013] is None
    assert set(indexed(both, column="veraenderung", standardisierung=method).values()) == {None}


def test_reference_serves_another_gebietsstand():
    now = [
        {"raum_id": f"n{r}", "stichtag": NOW, "id": part, "wert": wert, "gebietsstand": "h"}
        for r, _, part, wert in of_year(VALUES, NOW)
    ]
    found = indexed(of_year(VALUES, THEN) + now, referenz_stichtag=THEN)
    assert [found[f"n{i}", 2015] for i in range(4)] == pytest.approx(
        [found[f"{i}", 2013] for i in range(4)]
    )


def test_without_the_reference_year_nothing_is_told():
    figures = of_year(VALUES, NOW)
    for method in ("z_population", "exponential"):
        for column, expected in (
            ("status", "nicht_vergleichbar"),
            ("index_wert", None),
            ("klasse", None),
        ):
            changes = {"standardisierung": method, "referenz_stichtag": THEN}
            assert set(indexed(figures, column=column, **changes).values()) == {expected}


def test_a_class_that_rests_on_all_counts_is_the_released_one_or_none():
    """Its numbers go with it; without the declaration a released class means nothing."""
    released = [("0", "hoch", "ok"), ("1", None, "geheim"), ("2", "niedrig", "ok")]
    found = {}
    for klasse_aus in ("alle", "veroeffentlicht"):
        con = database(
            of_year(VALUES, NOW), {"a": -1, "b": -1}, index=an_index(klasse_aus=klasse_aus)
        )
        con.executemany(f"insert into indexklasse values ('i', ?, 'g', '{NOW}', ?, ?)", released)
        rows = con.execute(
            "select raum_id, klasse, status, index_wert is not null, rang is not null "
            f"from ({render('mart_index')})"
        ).fetchall()
        found[klasse_aus] = {row[0]: row[1:] for row in rows}
    assert found["alle"] == {
        "0": ("hoch", "ok", True, True),
        "1": (None, "geheim", False, False),
        "2": ("niedrig", "ok", True, True),
        "3": (None, "nicht_vergleichbar", False, False),
    }
    # a and b are -1.1, -0.7, 0.4, 1.5 and -0.4, 1.2, 0.6, -1.4 in standard deviations.
    assert {area: row[0] for area, row in found["veroeffentlicht"].items()} == {
        "0": "niedrig",
        "1": "hoch",
        "2": "hoch",
        "3": "hoch",
    }


# --- parts, domains, what is missing ----------------------------------------------------


def test_z_index_is_the_standardised_sum_of_burdens():
    # a: mean 4, variance 7.5; b: high is good; mean 5.25, variance 9.1875.
    found = indexed(of_year(VALUES, NOW), {"a": -1, "b": 1}, column="summe")
    by_hand = [(a - 4) / math.sqrt(7.5) - (b - 5.25) / math.sqrt(9.1875) for a, b in VALUES]
    assert [found[f"{i}"] for i in range(4)] == pytest.approx(by_hand)
    spread = math.sqrt(sum(x * x for x in by_hand) / 4)
    found = indexed(of_year(VALUES, NOW), {"a": -1, "b": 1})
    assert [found[f"{i}"] for i in range(4)] == pytest.approx([x / spread for x in by_hand])


def test_one_domain_is_ranked_by_the_sum_of_its_parts():
    domain = [
        {
            "domaene": "d",
            "gewicht": 1,
            "bestandteile": [{"indikator_id": "a"}, {"indikator_id": "b"}],
        }
    ]
    found = indexed(
        of_year([(1, 1), (2, 3), (3, 2), (4, 4)], NOW),
        **{**EXPONENTIAL, "bestandteile": None, "domaenen": domain},
    )
    assert found["1"] == pytest.approx(found["2"])
    assert found["0"] < found["1"] < found["3"] == pytest.approx(100)


WITH_GAP = [*of_year(VALUES, NOW), ("4", NOW, "a", 6), ("4", NOW, "b", None)]


def test_an_area_with_a_gap_takes_no_part():
    complete = indexed(of_year(VALUES, NOW))
    found = indexed(WITH_GAP)
    assert found.pop("4") is None
    assert found == pytest.approx(complete)
    assert indexed(WITH_GAP, column="status")["4"] == "geheim"
    assert indexed(WITH_GAP, column="fehlende_teile")["4"] == "b"


def test_or_the_gap_counts_as_the_mean():
    changes = {"fehlwerte": "mittel", "hoechstens_fehlend": 1}
    found = indexed(WITH_GAP, column="summe", **changes)
    values = [a for a, _ in VALUES] + [6]
    mean = sum(values) / 5
    assert found["4"] == pytest.approx(
        (6 - mean) / math.sqrt(sum((v - mean) ** 2 for v in values) / 5)
    )
    assert indexed(WITH_GAP, column="teile", **changes)["4"] == 1
    none_left = [*WITH_GAP[:-2], ("4", NOW, "a", None), ("4", NOW, "b", None)]
    assert indexed(none_left, column="status", **changes)["4"] == "geheim"


def test_excluded_areas_do_not_move_the_others():
    found = indexed(
        [*of_year(VALUES, NOW), ("9", NOW, "a", 99), ("9", NOW, "b", 99)], ausschluss=["9"]
    )
    assert found.pop("9") is None
    assert found == pytest.approx(indexed(of_year(VALUES, NOW)))


def test_a_denominator_too_small_to_be_printed_serves_all_the_same():
    rows = [
        {"raum_id": r, "stichtag": s, "id": i, "wert": w, "zaehler": int(w), "nenner": 1}
        for r, s, i, w in of_year(VALUES, NOW)
    ]
    rows[0] |= {"wert": None, "status": "zu_klein"}
    assert indexed(rows) == pytest.approx(indexed(of_year(VALUES, NOW)))


@pytest.mark.parametrize(
    ("days", "direction", "used"),
    [
        (0, "naechster", None),
        (60, "naechster", date(2016, 2, 1)),
        (400, "letzter", date(2015, 10, 1)),
        (80, "letzter", None),
    ],
)
def test_a_part_of_another_day_is_aligned_as_declared(days, direction, used):
    values = {date(2015, 10, 1): (1, 2, 3, 5), date(2016, 2, 1): (5, 3, 2, 1)}
    b = [(f"{i}", day, "b", v) for day, row in values.items() for i, v in enumerate(row)]
    a = [(f"{i}", NOW, "a", v) for i, (v, _) in enumerate(VALUES)]
    found = indexed(
        a + b,
        bestandteile=[{"indikator_id": "a"}, {"indikator_id": "b", "ausrichtung": direction}],
        leitindikator="a",
        hoechstabstand_tage=days,
    )
    if used is None:
        assert set(found.values()) == {None}
    else:
        same_day = [(f"{i}", NOW, "b", v) for i, v in enumerate(values[used])]
        assert found == pytest.approx(indexed(a + same_day))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"bestandteile": None}, "either bestandteile or domaenen"),
        ({"quantile": 5}, "either klassen or quantile"),
        ({"bestandteile": [{"indikator_id": "a"}, {"indikator_id": "a"}]}, "stands twice"),
        ({"fehlwerte": "mittel"}, "hoechstens_fehlend is from 1 to 1"),
        ({"hoechstens_fehlend": 1}, "fehlwerte mittel, and only then"),
        ({"bestandteile": [{"indikator_id": "a", "gewicht": -1}]}, "greater than 0"),
        ({"index_id": "A & B"}, "index_id"),
        (
            {"klassen": [{"klasse": "l", "bis": 0}, {"klasse": "h", "ueber": 1}]},
            "a gap or an overlap",
        ),
        (
            {
                "klassen": [
                    {"klasse": "l", "bis": 0},
                    {"klasse": "h", "ueber": 0, "ueber_einschliesslich": True},
                ]
            },
            "a gap or an overlap",
        ),
        ({"klassen": [{"klasse": "l", "bis": 0}]}, "the first class is open below"),
    ],
)
def test_a_wrong_index_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        Index.model_validate(an_index(**changes))


# --- sets of thresholds -----------------------------------------------------------------


def a_set(**changes) -> dict:
    """A set of three thresholds, as it stands in schwellen.yaml."""
    return {
        "schwellen_id": "s",
        "name": "Schwellen",
        "gegen": "kreis",
        "mindestzahl": 2,
        "regeln": [
            {"indikator_id": "a", "art": "abweichung_prozent", "wert": 25},
            {"indikator_id": "b", "art": "abweichung_punkte", "wert": 5},
            {"indikator_id": "c", "art": "absolut", "wert": 30},
        ],
        "beschlossen_am": date(2026, 1, 1),
        "beschlossen_von": "Test",
        **changes,
    }


def figures_of(area: str, values, stichtag=NOW) -> list[dict]:
    """Values of a, b, c. County: 10, 60, 20; own municipality: 14, 50, 20."""
    return [
        {
            "raum_id": area,
            "stichtag": stichtag,
            "id": key,
            "wert": wert,
            "kreis": kreis,
            "kommune": kommune,
        }
        for key, wert, kreis, kommune in zip("abc", values, (10, 60, 20), (14, 50, 20), strict=True)
    ]


def piled(figures, column, **changes) -> dict:
    con = database(figures, {"a": -1, "b": 1, "c": -1}, schwellen=a_set(**changes))
    rows = con.execute(
        f"select raum_id, stichtag, {column} from ({render('mart_kumulation')})"
    ).fetchall()
    return {(area, stichtag.year): value for area, stichtag, value in rows}


@pytest.mark.parametrize(
    ("values", "exceeded", "known", "need", "status"),
    [
        ((12.5, 55, 30), None, 3, False, "ok"),  # on the limit is not beyond it
        ((12.6, 54.9, 30), "A, B", 3, True, "ok"),
        ((20, None, 31), "A, C", 2, True, "ok"),  # whatever b is
        ((9, None, 29), None, 2, False, "ok"),  # b alone is not enough
        ((20, None, 29), "A", 2, None, "geheim"),  # b would decide
    ],
)
def test_thresholds_are_counted_against_the_county(values, exceeded, known, need, status):
    figures = figures_of("r", values)
    for column, expected in (
        ("ueberschritten", exceeded),
        ("anzahl_ueberschritten", len(exceeded.split(", ")) if exceeded else 0),
        ("anzahl_bewertet", known),
        ("anzahl_regeln", 3),
        ("erhoehter_bedarf", need),
        ("status", status),
        ("seit", NOW if need else None),
    ):
        assert piled(figures, column) == {("r", 2015): expected}, column


def test_against_the_own_municipality_another_answer_comes_out():
    figures = figures_of("r", (15, 52, 31))
    assert piled(figures, "ueberschritten") == {("r", 2015): "A, B, C"}
    assert piled(figures, "ueberschritten", gegen="kommune") == {("r", 2015): "C"}


def test_the_reason_is_told_in_words():
    assert piled(figures_of("r", (12.55, 51, 31.04)), "begruendung") == {
        ("r", 2015): "A 12,6 % gegenüber 10,0 % im Kreis; B 51,0 % gegenüber 60,0 % im Kreis; "
        "C 31,0 % gegenüber der Grenze von 30,0 %"
    }


def test_need_lasts_since_the_last_interruption():
    bad, good, unknown = (20, 40, 40), (1, 90, 1), (20, None, None)
    years = {2010: bad, 2011: good, 2012: bad, 2013: bad, 2014: unknown, 2015: bad}
    figures = [f for year, v in years.items() for f in figures_of("r", v, date(year, 12, 31))]
    found = piled(figures, "year(seit)")
    assert [found["r", year] for year in years] == [2010, None, 2012, 2012, None, 2015]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"mindestzahl": 4}, "mindestzahl exceeds the rules"),
        ({"regeln": a_set()["regeln"][:1] * 2}, "stands twice"),
    ],
)
def test_a_wrong_set_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        ThresholdSet.model_validate(a_set(**changes))


# --- what the regions declare -----------------------------------------------------------


@pytest.mark.parametrize("name", region_names())
def test_regions_name_indicators_that_they_have_and_that_have_a_direction(name):
    check_calculations(read_region(name), read_entries(DBT))


@pytest.mark.parametrize(
    ("indikator_id", "message"),
    [
        (
            "kinderarmuth",
            "aachen/indices.yaml, index x: the region has no indicator 'kinderarmuth'; "
            "alike are ['kinderarmut'",
        ),
        ("einwohner", "aachen/indices.yaml, index x: einwohner has polaritaet 0"),
    ],
)
def test_an_index_on_nothing_is_refused_by_name(indikator_id, message):
    index = Index(
        index_id="x",
        name="X",
        quelle="X",
        standardisierung="z_population",
        bestandteile=({"indikator_id": indikator_id},),
        quantile=5,
    )
    region = read_region("aachen").model_copy(update={"indices": (index,)})
    with pytest.raises(ValueError, match=re.escape(message)):
        check_calculations(region, read_entries(DBT))


def test_a_key_that_stands_twice_is_named():
    declared = read_region("aachen").model_dump()
    declared["indices"] = [*declared["indices"], declared["indices"][0]]
    twice = declared["indices"][0]["index_id"]
    with pytest.raises(ValueError, match=rf"indices\.yaml: stand twice: \['{twice}'\]"):
        type(read_region("aachen")).model_validate(declared)
