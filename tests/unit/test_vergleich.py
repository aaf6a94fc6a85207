"""Comparison: the interval of chance, fifths, and peers, on made-up published values.

The models' SQL is rendered with its macros and run on DuckDB; what is expected is computed here,
by other code, or printed in a paper.
"""

import math
from itertools import pairwise

import duckdb
import jinja2
import pytest

from orchestration.models import dbt_vars
from orchestration.settings import PROJECT, Settings
from sources.calculations import Chance, PeerFeature, Peers
from sources.region import read_region, region_names, rule_tables

MARTS = PROJECT / "dbt_project" / "models" / "marts"
Z = 1.959963984540054


def render(source: str, **variables) -> str:
    """Render SQL with the macros of the project; tables keep their bare names."""
    environment = jinja2.Environment(extensions=["jinja2.ext.do"])
    environment.globals |= {
        "ref": lambda name: name,
        "source": lambda _, name: name,
        "var": lambda name, default=None: variables.get(name, default),
    }
    for name in ("rollup", "vergleich"):
        path = PROJECT / "dbt_project" / "macros" / f"{name}.sql"
        module = environment.from_string(path.read_text(encoding="utf-8")).module
        environment.globals |= {
            key: macro for key, macro in vars(module).items() if not key.startswith("_")
        }
    return environment.from_string(source).render()


def model(name: str, **variables) -> str:
    """Render a mart."""
    return render((MARTS / f"{name}.sql").read_text(encoding="utf-8"), **variables)


def limits(formula: str, zaehler: float, nenner: float) -> tuple[float | None, float | None]:
    """Both limits of the interval, by a macro."""
    macro = "{{ " + formula + "('o', 'n', 'z', '%s') }}"
    query = render(
        f"select {macro % '-'}, {macro % '+'} from "
        f"(select {zaehler}::bigint as o, {nenner}::bigint as n, {Z!r}::double as z)"
    )
    return duckdb.sql(query).fetchone()


# Newcombe, Statistics in Medicine 17 (1998), p. 861, table I, method 3: as printed.
@pytest.mark.parametrize(
    ("zaehler", "nenner", "lower", "upper"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_gives_the_printed_limits(zaehler, nenner, lower, upper):
    assert limits("wilson", zaehler, nenner) == pytest.approx((lower, upper), abs=5e-5)


@pytest.mark.parametrize(("zaehler", "nenner"), [(0, 7), (7, 7), (81, 263), (4_711, 553_922)])
def test_wilson_limits_are_where_the_score_test_changes_its_mind(zaehler, nenner):
    """A limit π solves |p − π| = z·√(π(1 − π)/n), the equation the formula is the solution of."""
    for limit in limits("wilson", zaehler, nenner):
        assert (zaehler / nenner - limit) ** 2 == pytest.approx(
            Z**2 * limit * (1 - limit) / nenner, abs=1e-15
        )


@pytest.mark.parametrize(("zaehler", "nenner"), [(0, 7), (7, 7), (81, 263), (4_711, 553_922)])
def test_wilson_is_that_of_scipy(zaehler, nenner):
    stats = pytest.importorskip("scipy.stats")
    expected = stats.binomtest(zaehler, nenner).proportion_ci(method="wilson")
    found = limits("wilson", zaehler, nenner)
    assert found == pytest.approx((expected.low, expected.high))
    assert found[0] <= zaehler / nenner <= found[1]


@pytest.mark.parametrize(
    ("events", "lower", "upper"),
    [
        # 10·(0.988889 − 1.959964/9.486833)³ = 10·0.782291³; 11·(0.989899 + 0.196984)³
        (10, 4.78745, 18.39146),
        # 100·(0.998889 − 0.065332)³ = 100·0.933557³; 101·(0.998900 + 0.065008)³
        (100, 81.3623, 121.6275),
    ],
)
def test_byar_gives_limits_computed_by_hand(events, lower, upper):
    found = limits("byar", events, 1000)
    assert [1000 * limit for limit in found] == pytest.approx([lower, upper], rel=1e-5)


@pytest.mark.parametrize("events", [5, 10, 25, 400])
def test_byar_is_near_the_exact_limits_of_a_count_of_events(events):
    stats = pytest.importorskip("scipy.stats")
    lower, upper = (1000 * limit for limit in limits("byar", events, 1000))
    assert lower == pytest.approx(stats.chi2.ppf(0.025, 2 * events) / 2, rel=0.02)
    assert upper == pytest.approx(stats.chi2.ppf(0.975, 2 * events + 2) / 2, rel=0.002)


def test_without_events_the_lower_limit_is_zero():
    lower, upper = limits("byar", 0, 1000)
    assert lower == 0
    assert 1000 * upper == pytest.approx(-math.log(0.025), rel=0.01)  # exact: 3.689


@pytest.mark.parametrize("formula", ["wilson", "byar"])
@pytest.mark.parametrize(("zaehler", "nenner"), [(-3, 100), (0, 0), (5, 0)])
def test_what_is_no_count_has_no_interval(formula, zaehler, nenner):
    assert limits(formula, zaehler, nenner) == (None, None)


def test_a_share_above_the_whole_has_no_interval():
    assert limits("wilson", 11, 10) == (None, None)


def test_the_quantile_is_that_of_the_declared_certainty():
    assert Chance().z == pytest.approx(Z, abs=1e-12)
    assert Chance(sicherheit=0.99).z == pytest.approx(2.575829303548901, abs=1e-12)


@pytest.mark.parametrize("ranked", [5, 7, 10, 93, 436])
def test_fifths_are_even_and_begin_with_the_first_rank(ranked):
    query = render(
        f"select {{{{ fifth_of('rang', 1, {ranked}) }}}}, count(*) "
        f"from range(1, {ranked} + 1) as t (rang) group by all order by all"
    )
    sizes = duckdb.sql(query).fetchall()
    assert [fifth for fifth, _ in sizes] == [1, 2, 3, 4, 5]
    assert max(n for _, n in sizes) - min(n for _, n in sizes) <= 1


@pytest.mark.parametrize(("rang", "ties", "fifth"), [(3, 18, 3), (1, 20, 3), (17, 4, 5), (1, 4, 1)])
def test_equal_values_lie_in_the_fifth_of_their_middle(rang, ties, fifth):
    query = render(f"select {{{{ fifth_of({rang}, {ties}, 20) }}}}")
    assert duckdb.sql(query).fetchone() == (fifth,)


def test_there_are_no_fifths_of_four():
    assert duckdb.sql(render("select {{ fifth_of(1, 1, 4) }}")).fetchone() == (None,)


# Six areas of two municipalities. Share of the county: 150 of 1,200 = 12.5 %.
SHARES = {"A-1": 60, "A-2": 30, "A-3": 30, "B-1": 20, "B-2": 8, "B-3": 2}
STAR = """
create table dim_raum as from (values {areas})
    as t (raum_id, gebietsstand, raumebene, kommune_id, kreis_id);
create table bridge_raum as
    select raum_id, gebietsstand, unnest([raum_id, kommune_id, kreis_id]) as ober_raum_id,
        unnest(['sozialraum', 'kommune', 'kreis']) as ober_raumebene,
        unnest([1000, 8, 5]) as stufe
    from dim_raum where raumebene = 'sozialraum';
create table dim_indikator as from (values
    ('quote', 1, 'anteil', 100.0::double, -1, false, 100, 0),
    ('rate', 1, 'verhaeltnis', 1000.0::double, 0, true, 100, 0),
    ('quotient', 1, 'verhaeltnis', 100.0::double, 1, false, 100, 0),
    ('saldo', 1, 'verhaeltnis', 1000.0::double, 1, true, 100, 0))
    as t (indikator_id, version, art, faktor, polaritaet, ereignisse, min_nenner, min_einwohner);
create table mart_bevoelkerung (raum_id varchar, gebietsstand varchar, stichtag date, basis varchar,
    altersgruppe varchar, geschlecht varchar, staatsangehoerigkeit varchar, anzahl bigint,
    status varchar);
create table rule_chance as select {z!r}::double as z, 1.0::double as hoechstbreite;
"""
PART = """
create table ind_{name} as
select raum_id, 'g' as gebietsstand, date '2015-12-31' as stichtag, '{name}' as indikator_id,
    1 as version, zaehler::bigint as zaehler, nenner::bigint as nenner,
    date '2015-12-31' as nenner_stichtag, null::double as wert_geliefert, null::varchar as klasse,
    status, true as vergleichbar, false as geschaetzt
from (values {rows}) as t (raum_id, zaehler, nenner, status);
"""
INDICATORS = ("quote", "rate", "quotient", "saldo")


@pytest.fixture(scope="module")
def values() -> dict[tuple[str, str], dict]:
    """The rows of mart_indikator by area and indicator."""
    areas = [
        *((area, "g", "sozialraum", area[0], "K") for area in SHARES),
        *((kommune, "g", "kommune", kommune, "K") for kommune in "AB"),
        ("K", "g", "kreis", None, "K"),
    ]
    rows = {
        "quote": [(area, n, 200, "ok") for area, n in SHARES.items()],
        "rate": [(area, n, 400, "ok") for area, n in SHARES.items()],
        "quotient": [(area, 300 + n, 200, "ok") for area, n in SHARES.items()],
        "saldo": [(area, 10 - n, 200, "ok") for area, n in SHARES.items()],
    }
    rows["rate"][0] = ("A-1", None, 400, "geheim")
    with duckdb.connect() as con:
        listed = ", ".join(str(area).replace("None", "null") for area in areas)
        con.execute(STAR.format(areas=listed, z=Z))
        for name in INDICATORS:
            listed = ", ".join(str(row).replace("None", "null") for row in rows[name])
            con.execute(PART.format(name=name, rows=listed))
        found = con.execute(model("mart_indikator", indikatoren=INDICATORS))
        names = [column[0] for column in found.description]
        listed = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    return {(row["raum_id"], row["indikator_id"]): row for row in listed}


def wilson_by_hand(zaehler: int, nenner: int) -> tuple[float, float]:
    share, weight = zaehler / nenner, 1 + Z**2 / nenner
    centre = share + Z**2 / 2 / nenner
    spread = Z * math.sqrt(share * (1 - share) / nenner + Z**2 / 4 / nenner**2)
    return (centre - spread) / weight, (centre + spread) / weight


def test_the_interval_is_told_in_the_unit_of_the_value(values):
    for area, zaehler in SHARES.items():
        row = values[area, "quote"]
        expected = [100 * limit for limit in wilson_by_hand(zaehler, 200)]
        assert [row["untergrenze"], row["obergrenze"]] == pytest.approx(expected)
        assert row["untergrenze"] <= row["wert"] <= row["obergrenze"]
    county = values["K", "quote"]
    assert county["wert"] == 12.5
    assert [county["untergrenze"], county["obergrenze"]] == pytest.approx(
        [100 * limit for limit in wilson_by_hand(150, 1200)]
    )


def test_only_what_lies_outside_chance_is_noticed(values):
    assert {area: values[area, "quote"]["auffaellig"] for area in SHARES} == {
        "A-1": "ueber",  # 30 %: 24.1 to 36.7
        "A-2": "im_rahmen",  # 15 %: 10.7 to 20.6
        "A-3": "im_rahmen",
        "B-1": "im_rahmen",  # 10 %: 6.6 to 14.9
        "B-2": "unter",  # 4 %: 2.0 to 7.7
        "B-3": "unter",
    }
    assert values["A", "quote"]["auffaellig"] == "ueber"
    assert values["K", "quote"]["auffaellig"] is None


def test_direction_follows_polarity(values):
    told = [values[area, "quote"]["richtung"] for area in ("A-1", "A-2", "B-2")]
    assert told == ["unguenstiger", "neutral", "guenstiger"]
    assert values["B-3", "rate"]["auffaellig"] == "unter"
    assert values["B-3", "rate"]["richtung"] == "neutral"  # no polarity
    assert values["K", "quote"]["richtung"] is None


def test_an_interval_wider_than_the_limit_says_little(values):
    """Around 12.5 %, or 9 per thousand of 18: widths by hand."""
    for area in SHARES:
        row = values[area, "quote"]
        wide = row["obergrenze"] - row["untergrenze"] > row["kreis_wert"]
        assert row["aussagekraft"] == ("gering" if wide else "ausreichend")
    assert values["A-1", "quote"]["aussagekraft"] == "gering"  # 12.6 points
    assert values["B-1", "quote"]["aussagekraft"] == "ausreichend"  # 8.4 points


def test_equal_values_share_their_fifth(values):
    fifths = {area: values[area, "quote"]["quintil"] for area in SHARES}
    assert fifths == {"A-1": 1, "A-2": 2, "A-3": 2, "B-1": 3, "B-2": 4, "B-3": 5}
    reverse = {area: values[area, "quotient"]["quintil"] for area in SHARES}
    assert reverse == {"B-3": 1, "B-2": 2, "B-1": 3, "A-2": 4, "A-3": 4, "A-1": 5}
    assert values["A-2", "rate"]["quintil"] is None  # no polarity
    assert values["A", "quote"]["quintil"] is None  # two municipalities have no fifths


def test_what_is_no_rate_of_events_or_is_withheld_has_no_interval(values):
    nothing = dict.fromkeys(("untergrenze", "obergrenze", "auffaellig", "richtung", "aussagekraft"))
    for row in (values["B-1", "quotient"], values["B-1", "saldo"], values["A-1", "rate"]):
        assert {key: row[key] for key in nothing} == nothing
    assert values["A-1", "rate"]["status"] == "geheim"


PEER_STAR = """
create table dim_raum as
    select raum_id, gebietsstand, left(raum_id, 1) as kommune_id
    from (select distinct raum_id, gebietsstand from mart_indikator);
create table dim_indikator as select distinct indikator_id, version from mart_indikator;
create table rule_peers as select 'v' as vergleich_id, {k} as anzahl;
create table rule_peer_feature as
    select vergleich_id, indikator_id, gewicht::double as gewicht
    from (values ('v', 'jung', 1), ('v', 'alt', 4)) as t (vergleich_id, indikator_id, gewicht);
"""
# Two indicators, population SD over the five complete areas 10·√2 and √2.
FEATURES = {
    "A-1": (10.0, 5.0),
    "A-2": (20.0, 4.0),
    "B-1": (30.0, 3.0),
    "B-2": (40.0, 2.0),
    "C-1": (50.0, 1.0),
}


def peers(features: dict, k: int = 2, **other) -> dict[str, list[dict]]:
    """The rows of mart_vergleichsraum by area, and under `merkmal` those that explain them."""
    rows = [
        (
            area,
            "g",
            "sozialraum",
            "2015-12-31",
            name,
            1,
            value,
            "ok" if value is not None else "geheim",
        )
        for area, values in features.items()
        for name, value in zip(("jung", "alt"), values, strict=True)
    ]
    # An older Stichtag, another level and an older version count for nothing.
    rows += [(*row[:3], "2014-12-31", *row[4:6], 1.0, "ok") for row in rows]
    rows += [(*row[:5], 0, 7.0, "ok") for row in rows]
    rows += [("A", "g", "kommune", "2015-12-31", name, 1, 3.0, "ok") for name in ("jung", "alt")]
    with duckdb.connect() as con:
        con.execute(
            "create table mart_indikator (raum_id varchar, gebietsstand varchar, "
            "raumebene varchar, stichtag date, indikator_id varchar, version integer, "
            "wert double, status varchar)"
        )
        con.executemany("insert into mart_indikator values (?, ?, ?, ?, ?, ?, ?, ?)", rows)
        con.execute(PEER_STAR.format(k=k))
        con.execute(f"create table mart_vergleichsraum as {model('mart_vergleichsraum')}")
        merkmal = model("mart_vergleichsraum_merkmal")
        con.execute(f"create table mart_vergleichsraum_merkmal as {merkmal}")
        found = {"merkmal": []}
        for name in ("mart_vergleichsraum", "mart_vergleichsraum_merkmal"):
            table = con.execute(f"from {name} order by all")
            names = [column[0] for column in table.description]
            for row in table.fetchall():
                told = dict(zip(names, row, strict=True))
                key = "merkmal" if name.endswith("merkmal") else told["raum_id"]
                found.setdefault(key, []).append(told)
    return found


def told(rows: list[dict]) -> list[tuple]:
    return [(row["rang"], row["peer_raum_id"], row["status"]) for row in rows]


def test_peers_are_the_nearest_of_other_municipalities():
    found = peers(FEATURES)
    assert told(found["A-1"]) == [(1, "B-1", "ok"), (2, "B-2", "ok")]
    assert told(found["B-1"]) == [(1, "A-2", "ok"), (2, "A-1", "ok")]  # as near as C-1: by key
    # Differences of √2 SD in both, weights 1 and 4: √(2 + 4·2).
    assert found["A-1"][0]["distanz"] == pytest.approx(math.sqrt(10))
    assert found["A-1"][0]["stichtag"].isoformat() == "2015-12-31"


def test_the_distance_is_explained_by_indicator():
    found = peers(FEATURES)
    nearest = [r for r in found["merkmal"] if (r["raum_id"], r["rang"]) == ("A-1", 1)]
    parts = {row["indikator_id"]: (row["abstand"], row["anteil"]) for row in nearest}
    assert parts["jung"] == pytest.approx((-math.sqrt(2), 0.2))
    assert parts["alt"] == pytest.approx((math.sqrt(2), 0.8))
    squares = [row["gewicht"] * row["abstand"] ** 2 for row in nearest]
    assert math.sqrt(sum(squares)) == pytest.approx(found["A-1"][0]["distanz"])


def test_a_twin_is_found_first():
    twin = {**FEATURES, "C-2": (20.001, 4.0001), "A-9": (20.0, 4.0)}
    found = peers(twin)
    assert told(found["A-2"])[0] == (1, "C-2", "ok")
    assert told(found["C-2"])[:2] == [(1, "A-2", "ok"), (2, "A-9", "ok")]
    assert found["A-2"][0]["distanz"] < 0.001


def test_an_exact_copy_has_no_distance_to_explain():
    found = peers({**FEATURES, "C-2": FEATURES["A-2"]})
    assert found["A-2"][0]["distanz"] == 0
    copy = [r for r in found["merkmal"] if (r["raum_id"], r["rang"]) == ("A-2", 1)]
    assert [(row["abstand"], row["anteil"]) for row in copy] == [(0, None), (0, None)]


def test_an_area_that_lacks_an_indicator_has_no_peers_and_is_none():
    found = peers({**FEATURES, "C-2": (20.0, None)})
    assert told(found["C-2"]) == [(1, None, "geheim")]
    assert "C-2" not in {row["peer_raum_id"] for rows in found.values() for row in rows}
    explained = [r for r in found["merkmal"] if r["raum_id"] == "C-2"]
    assert [(r["indikator_id"], r["status"], r["abstand"]) for r in explained] == [
        ("alt", "geheim", None),
        ("jung", "ok", None),
    ]
    assert found["A-1"] == peers(FEATURES)["A-1"]  # nor does it change how others are standardised


def test_without_another_municipality_there_are_no_peers():
    found = peers({area: row for area, row in FEATURES.items() if area.startswith("A")})
    assert told(found["A-1"]) == [(1, None, "nicht_zutreffend")]


def test_an_indicator_in_which_all_are_equal_brings_nothing():
    found = peers({area: (first, 3.0) for area, (first, _) in FEATURES.items()})
    nearest = [r for r in found["merkmal"] if (r["raum_id"], r["rang"]) == ("A-1", 1)]
    assert [(r["indikator_id"], r["anteil"]) for r in nearest] == [("alt", 0), ("jung", 1)]


def test_two_builds_are_equal_and_the_order_of_rows_does_not_matter():
    odd = {f"{'ABC'[i % 3]}-{i:03}": (math.sin(i) * 30, math.cos(7 * i) / 3) for i in range(60)}
    first = peers(odd, k=5)
    assert first == peers(odd, k=5) == peers(dict(reversed(odd.items())), k=5)
    for rows in (first[area] for area in odd):
        assert [row["rang"] for row in rows] == [1, 2, 3, 4, 5]
        assert all(a["distanz"] <= b["distanz"] for a, b in pairwise(rows))
        assert all(row["peer_raum_id"][0] != row["raum_id"][0] for row in rows)


@pytest.mark.parametrize("region", region_names())
def test_declared_features_are_indicators_of_the_region(region, tmp_path):
    known = set(dbt_vars(Settings(tmp_path, region))["indikatoren"])
    tables = rule_tables(read_region(region))
    assert {row["indikator_id"] for row in tables["rule_peer_feature"]} <= known
    assert len(tables["rule_chance"]) == 1


def test_an_indicator_stands_once_in_a_definition():
    twice = (PeerFeature(indikator_id="a"), PeerFeature(indikator_id="a", gewicht=2))
    with pytest.raises(ValueError, match="vergleich v: an indicator stands twice"):
        Peers(
            vergleich_id="v",
            name="V",
            merkmale=twice,
            beschlossen_am="2026-01-01",
            beschlossen_von="X",
        )
