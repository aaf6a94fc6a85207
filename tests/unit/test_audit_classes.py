"""Index classes that rest on all counts: worked out anew, and what they may not tell.

Expected classes are worked out by hand or by the warehouse's SQL, which is other code; that a
class tells nothing is checked by trying every table there is.
"""

import itertools
import json
import statistics
from dataclasses import replace
from datetime import date

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from test_indices import an_index, indexed

from disclosure.audit.classes import audit_classes
from disclosure.audit.index import NO_CLASS, IndexRule, Limits, Part, index_classes
from disclosure.audit.scales import Index, Protected, Side
from disclosure.ledger import NOTE, record
from disclosure.policy import Policy
from disclosure.release import TOTAL
from disclosure.specification import make_release
from disclosure.star.classes import PARTS, without
from disclosure.star.releases import DayRelease
from disclosure.star.store import write_releases
from expectations.checks.classes_tell_nothing import REPORT, class_faults
from orchestration import index_sources
from orchestration.release import released_classes
from orchestration.rules import RULE_SCHEMAS
from orchestration.settings import PROJECT, Settings
from sources.calculations import Index as Declared
from sources.region import read_region, rule_tables

DAY = date(2015, 12, 31)
KEYS = ["raum_id", "gebietsstand", "stichtag"]
RULES = Policy(decided_by="Kreis", decided_on="2020-01-01", thresholds=())


def a_rule(limits, parts=("p",), **changes) -> IndexRule:
    """An index of equal parts; its classes are numbered between the limits, upper ones included."""
    rule = IndexRule(
        index_id="i",
        exponential=False,
        by_share=False,
        most_missing=0,
        parts=tuple(Part(key, 1, 1.0, key, 1.0) for key in parts),
        classes=tuple(
            Limits(str(number), above, up_to, False, True)
            for number, (above, up_to) in enumerate(itertools.pairwise([None, *limits, None]))
        ),
    )
    return replace(rule, **changes)


def classes_of(rule, values, reference=None, excluded=()) -> list[int]:
    table = np.array(values, dtype=np.float64).reshape(1, len(values), -1)
    everywhere = np.ones(len(values), dtype=bool)
    chosen = everywhere if reference is None else np.array(reference)
    left_out = np.isin(np.arange(len(values)), list(excluded))
    return index_classes(rule, table, chosen, left_out)[0].tolist()


# --- the auditor's arithmetic -----------------------------------------------------------


def test_z_values_rest_on_the_population_deviation_of_who_takes_part():
    values = [1.0, 2.0, 4.0, 9.0, 100.0]
    mean, spread = statistics.fmean(values[:4]), statistics.pstdev(values[:4])
    z = [(value - mean) / spread for value in values[:4]]
    limit = (z[2] + z[3]) / 2
    assert classes_of(a_rule([limit]), values, excluded=[4]) == [0, 0, 0, 1, NO_CLASS]
    sample = [(value - mean) / statistics.stdev(values[:4]) for value in values[:4]]
    assert sample[3] < z[3] - 1e-3 < z[3]  # between them the sample deviation would say otherwise
    assert classes_of(a_rule([(sample[3] + z[3]) / 2]), values, excluded=[4])[3] == 1


def test_a_missing_part_is_the_mean_as_far_as_it_may_be_missing():
    values = [[1, 1], [2, 2], [9, np.nan], [np.nan, np.nan]]
    rule = a_rule([1.0], parts=("p", "q"))
    assert classes_of(rule, values) == [0, 0, NO_CLASS, NO_CLASS]
    assert classes_of(replace(rule, most_missing=1), values) == [0, 0, 1, NO_CLASS]


@pytest.mark.parametrize("method", ["z_population", "exponential"])
@pytest.mark.parametrize("by_share", [False, True])
def test_classes_are_those_of_the_warehouse(method, by_share):
    """Two codes, one rule: domains, weights, ties, polarity, missing parts and a reference."""
    random = np.random.default_rng(5 + by_share)
    then, now = date(2013, 12, 31), date(2015, 12, 31)
    values = random.integers(0, 12, (2, 12, 3)).astype(float)
    values[1, 3, 1] = np.nan
    domains = [
        {"domaene": "d", "gewicht": 0.7, "bestandteile": [{"indikator_id": "a", "gewicht": 2}]},
        {
            "domaene": "e",
            "gewicht": 0.3,
            "bestandteile": [{"indikator_id": "b"}, {"indikator_id": "c", "gewicht": 0.5}],
        },
    ]
    limits = {"quantile": 4, "klassen": None} if by_share else {}
    if method == "exponential" and not by_share:
        limits = {"klassen": [{"klasse": "l", "bis": 15}, {"klasse": "h", "ueber": 15}]}
    declared = Declared.model_validate(
        an_index(
            standardisierung=method,
            bestandteile=None,
            domaenen=domains,
            referenz_stichtag=then,
            fehlwerte="mittel",
            hoechstens_fehlend=1,
            **limits,
        )
    )
    figures = [
        (f"{area}", day, part, None if np.isnan(value) else float(value))
        for year, day in enumerate((then, now))
        for area in range(12)
        for part, value in zip("abc", values[year, area], strict=True)
    ]
    dumped = {k: v for k, v in declared.model_dump().items() if v not in ((), None)}
    told = indexed(figures, {"a": -1, "b": 1, "c": -1}, "klasse", **{**dumped, "bestandteile": None,
        **({"klassen": None} if by_share else {})})  # fmt: skip
    rule = IndexRule(
        index_id="i",
        exponential=method == "exponential",
        by_share=by_share,
        most_missing=1,
        parts=(
            Part("a", 1, 2.0, "d", 0.7),
            Part("b", -1, 1.0, "e", 0.3),
            Part("c", 1, 0.5, "e", 0.3),
        ),
        classes=tuple(
            Limits(c.klasse, c.ueber, c.bis, c.ueber_einschliesslich, c.bis_einschliesslich)
            for c in declared.classes
        ),
    )
    found = classes_of(rule, values.reshape(24, 3), reference=[True] * 12 + [False] * 12)
    keys = [(f"{area}", day.year) for day in (then, now) for area in range(12)]
    assert dict(zip(keys, (rule.classes[number].klasse for number in found), strict=True)) == told
    assert len(set(told.values())) > 1


# --- what classes tell ------------------------------------------------------------------

CASES = {"A": 1, "B": 6, "C": 5, "D": 5, "E": 5}
"""A is withheld for its one case, B because of A; each area has 100 inhabitants. The z-values are
A −1.95, B 0.92, C to E 0.34; with three cases in A, four are in B: A −1.75, B −0.5, C to E 0.75."""


def released(cases=CASES, withheld=("A", "B"), inhabitants=None) -> Protected:
    """Cases and inhabitants of areas, published with their sums but for some counts of cases."""
    people, live = "einwohner melderegister", inhabitants or dict.fromkeys(cases, 100)
    spec = {
        "name": "r",
        "dims": {"raum": [[area, TOTAL] for area in cases]},
        "measures": {
            "faelle": {
                "maxN": 2,
                "tables": [["raum"]],
                "thema": "soziales",
                "part_of": [{"measure": people}],
            },
            people: {"maxN": 2, "tables": [["raum"]]},
        },
    }
    atoms = {
        "faelle": pa.table({"raum": list(cases), "n": list(cases.values())}),
        people: pa.table({"raum": list(cases), "n": list(live.values())}),
    }
    rows = [
        ("faelle", area, n, int(0 < n <= 2), int(area in withheld))
        for area, n in [*cases.items(), (TOTAL, sum(cases.values()))]
    ]
    rows += [(people, area, n, 0, 0) for area, n in live.items()]
    rows += [(people, TOTAL, sum(live.values()), 0, 0)]
    names = ["measure", "raum", "n", "primary", "suppressed"]
    pattern = pa.table(dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))
    release = make_release(spec, atoms)
    return Protected("g", DAY, release, pattern)


def an_index_of(cases, limits, klassen=None, inhabitants=None) -> Index:
    """The share of cases as an index; its classes are the true ones unless given by area."""
    rule, live = a_rule(limits), inhabitants or dict.fromkeys(cases, 100)
    shares = [n / live[area] for area, n in cases.items()]
    true = classes_of(rule, shares)
    told = {area: str(klasse) for area, klasse in zip(cases, true, strict=True)} | (klassen or {})
    areas = {
        "raum_id": list(cases),
        "gebietsstand": ["g"] * len(cases),
        "stichtag": pa.array([DAY] * len(cases), pa.date32()),
    }
    parts = pa.table(
        {
            **areas,
            "indikator_id": ["p"] * len(cases),
            "teil_stichtag": areas["stichtag"],
            "nenner_stichtag": areas["stichtag"],
            "zaehler": list(cases.values()),
            "nenner": [live[area] for area in cases],
            "wert": shares,
            "geheim": [False] * len(cases),
        }
    )
    classes = pa.table({**areas, "klasse": pa.array([told[area] for area in cases], pa.string())})
    sides = {"p": (Side("faelle", None, None), Side(None, None, None))}
    return Index(rule, None, frozenset(), 0.0, sides, parts, classes)


def taken(audit) -> list[str]:
    assert audit.problems == ()
    return audit.taken["raum_id"].to_pylist()


def test_a_class_that_says_that_a_count_is_small_has_to_go():
    """Below −1.8 is A with one or two cases, and never with three."""
    audit = audit_classes([an_index_of(CASES, [-1.8])], [released()])
    assert taken(audit) == ["A"]
    assert not audit.passed
    withheld = an_index_of(CASES, [-1.8], {"A": None})
    assert audit_classes([withheld], [released()]).passed


REST = {"A": 19, "B": 30, "C": 80, "D": 35, "E": 30}
"""Of 20 inhabitants of A one is no case; elsewhere there are 100. A and B are 49 together. The
z-value of A is 1.47; with 18 cases in A (31 in B) it is 1.40, with 17 (32 in B) 1.32."""


@pytest.mark.parametrize(("limit", "gone"), [(1.44, ["A"]), (1.35, ["A"]), (1.2, [])])
def test_a_class_that_says_that_few_are_no_cases_has_to_go(limit, gone):
    """19 withheld cases are no small number; that at most two of 20 are none must not be told."""
    inhabitants = {**dict.fromkeys(REST, 100), "A": 20}
    numbers = {"max_sensitive": 2, "min_nenner": 0, "min_einwohner": 0, "reason": "x"}
    policy = Policy(
        decided_by="Kreis",
        decided_on="2020-01-01",
        thresholds=({"thema": "soziales", **numbers},),
        komplement={"bis": 2, "themen": ("soziales",), "reason": "x"},
    )
    protected = replace(released(REST, inhabitants=inhabitants), policy=policy)
    index = an_index_of(REST, [limit], inhabitants=inhabitants)
    assert taken(audit_classes([index], [protected])) == gone
    # Without the rule nobody asks for it.
    assert taken(audit_classes([index], [replace(protected, policy=None)])) == []


def test_classes_that_fit_another_table_stand():
    assert audit_classes([an_index_of(CASES, [3.0])], [released()]).passed
    assert audit_classes([an_index_of(CASES, [-1.0])], [released()]).passed


def test_a_class_that_is_not_that_of_the_counts_is_named_without_them():
    audit = audit_classes([an_index_of(CASES, [-1.0], {"C": "0"})], [released()])
    assert [fault for fault in audit.problems if "C 2015-12-31" in fault] == list(audit.problems)
    assert not audit.passed
    for klasse in ("unbekannt", "9"):
        stray = audit_classes([an_index_of(CASES, [-1.0], {"C": klasse})], [released()])
        assert any("nothing explains: C 2015-12-31" in fault for fault in stray.problems)


def test_what_is_not_decided_is_no_pass():
    index = an_index_of(CASES, [3.0])
    alone = released(withheld=("A",))  # the sum and the others tell it
    (fault,) = audit_classes([index], [alone]).problems
    assert "no second table found for faelle × A" in fault
    excused = replace(alone, unsatisfiable=pa.table({"measure": ["faelle"], "raum": ["A"]}))
    assert audit_classes([index], [excused]).passed
    late = audit_classes([index], [released()], seconds=-1)
    assert late.problems == ("release r: not judged within -1 seconds",)


def test_the_time_is_over_within_a_release_too(monkeypatch):
    """The clock stands still until the release's first programme, and then goes on a long way."""
    from disclosure.audit import attackers

    first, now = attackers.Attack.__init__, [0.0]

    def built(self, *more, **options):
        first(self, *more, **options)
        now[0] = 1000.0

    monkeypatch.setattr(attackers.Attack, "__init__", built)
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    audit = audit_classes([an_index_of(CASES, [-1.8])], [released()], seconds=60)
    assert audit.problems == ("release r: not judged within 60 seconds",)


@pytest.mark.parametrize("seed", range(4))
def test_what_stands_leaves_a_table_for_every_sensitive_count(seed):
    """All tables that there are: some keeps every class that stands, and reaches the bar."""
    random = np.random.default_rng(seed)
    cases = dict(zip("ABCDEF", [1, 2, *random.integers(3, 8, 4).tolist()], strict=True))
    withheld = ("A", "B", "C", "D")
    index = an_index_of(cases, random.uniform(-1.5, 1.5, 1).tolist())
    audit = audit_classes([index], [released(cases, withheld)])
    standing = [area for area in cases if area not in taken(audit)]
    told = dict(zip(cases, index.classes["klasse"].to_pylist(), strict=True))
    total = sum(cases[area] for area in withheld)
    reached = dict.fromkeys("AB", 0)
    for counts in itertools.product(range(1, total), repeat=len(withheld)):
        if sum(counts) != total:
            continue
        table = {**cases, **dict(zip(withheld, counts, strict=True))}
        found = dict(
            zip(cases, classes_of(index.rule, [n / 100 for n in table.values()]), strict=True)
        )
        if all(str(found[area]) == told[area] for area in standing):
            reached = {area: max(most, table[area]) for area, most in reached.items()}
    assert min(reached.values()) >= 3


def test_a_withheld_figure_is_free_by_its_width():
    """A −1.41, B 0, C 1.41; half a point more or less in A leaves its class at −1, not at −1.4."""
    areas = {
        "raum_id": ["A", "B", "C"],
        "gebietsstand": ["g"] * 3,
        "stichtag": pa.array([DAY] * 3, pa.date32()),
    }
    z = [-1.2247, 0, 1.2247]
    figures = pa.table(
        {
            **areas,
            "indikator_id": ["p"] * 3,
            "teil_stichtag": areas["stichtag"],
            "nenner_stichtag": pa.nulls(3, pa.date32()),
            "zaehler": pa.nulls(3, pa.int64()),
            "nenner": pa.nulls(3, pa.int64()),
            "wert": [1.0, 3.0, 5.0],
            "geheim": [True, False, False],
        }
    )
    for limit, gone in ((-1.0, []), (z[0] + 0.01, ["A"])):
        klassen = pa.table({**areas, "klasse": [str(int(value > limit)) for value in z]})
        index = Index(a_rule([limit]), None, frozenset(), 0.5, {}, figures, klassen)
        assert taken(audit_classes([index], [])) == gone


def test_withheld_classes_look_like_other_withheld_ones():
    classes = pa.table(
        {
            "raum_id": ["A", "B", "C"],
            "gebietsstand": ["g"] * 3,
            "stichtag": pa.array([DAY] * 3, pa.date32()),
            "index_id": ["i"] * 3,
            "klasse": ["0", "1", None],
            "status": ["ok", "ok", "nicht_freigegeben"],
        }
    )
    gone = classes.select(["index_id", *KEYS]).take([0, 2])
    rows = without(classes, gone).to_pylist()
    assert [(r["raum_id"], r["klasse"], r["status"]) for r in rows] == [
        ("A", None, "geheim"),
        ("B", "1", "ok"),
        ("C", None, "nicht_freigegeben"),
    ]


# --- the gate ---------------------------------------------------------------------------


@pytest.fixture
def stored(tmp_path):
    """A release, the rules and the parts of an index as files; returns the gate's faults."""
    protected = released()
    spec = {
        "name": "r",
        "dims": {"raum": [[area, TOTAL] for area in CASES]},
        "measures": {m.name: {"maxN": 2, "tables": [["raum"]]} for m in protected.release.measures},
    }
    day = DayRelease(
        gebietsstand="g",
        stichtag=DAY,
        top="K",
        spec=spec,
        atoms=protected.release.atoms,
        release=protected.release,
        primary=pa.table({"measure": pa.array([], pa.string()), "raum": pa.array([], pa.string())}),
        left_out=(),
    )
    releases, rules = tmp_path / "release", tmp_path / "rules"
    note = {"policy": RULES.version, "made_from": "", "known": []}
    write_releases(releases, [(day, protected.pattern, {NOTE: note})])
    rules.mkdir()
    index = Declared.model_validate(
        an_index(
            bestandteile=[{"indikator_id": "p"}],
            klassen=[{"klasse": "0", "bis": -1.8}, {"klasse": "1", "ueber": -1.8}],
            klasse_aus="alle",
        )
    )
    tables = rule_tables(read_region("berlin").model_copy(update={"indices": (index,)}))
    source = dict.fromkeys(index_sources.SCHEMA)
    tables["rule_index_quelle"] = [
        {**source, "indikator_id": "p", "polaritaet": -1, "zaehler_merkmal": "faelle"}
    ]
    for name, fields in RULE_SCHEMAS.items():
        if name.startswith("rule_index"):
            kinds = pa.schema([(c, pa.type_for_alias(kind)) for c, kind in fields.items()])
            pq.write_table(pa.Table.from_pylist(tables[name], kinds), rules / f"{name}.parquet")
    own = an_index_of(CASES, [-1.8])
    pq.write_table(own.parts.append_column("index_id", [["i"] * 5]), releases / PARTS)

    def faults(status) -> int:
        classes = own.classes.append_column("index_id", [["i"] * 5]).append_column(
            "status", [[status.get(area, "ok") for area in CASES]]
        )
        pq.write_table(classes, tmp_path / "indexklasse.parquet")
        nothing_left = tmp_path / "ledger"
        told = tmp_path / "indexklasse.parquet"
        return class_faults(releases, rules, told, nothing_left, RULES)

    return faults, releases / REPORT


def test_the_gate_refuses_a_class_that_one_table_alone_explains(stored):
    faults, report = stored
    assert faults({}) == 1
    assert '"i A g 2015-12-31"' in report.read_text()
    assert faults({"A": "geheim"}) == 0


def test_a_class_that_left_before_and_is_withheld_now_is_named(stored, tmp_path, monkeypatch):
    """A's class tells its count today; e1 printed it, e2 did not any more."""
    own, key = an_index_of(CASES, [-1.8]), [["i"] * 5]
    classes = own.classes.append_column("index_id", key).append_column("status", [["ok"] * 5])
    figures = {name: pa.array([], pa.string()) for name in ("merkmal", *KEYS[:2], "status")}
    figures = pa.table({**figures, "stichtag": pa.array([], pa.date32())})
    warehouse, ledger = tmp_path / "warehouse.duckdb", tmp_path / "ledger"
    with duckdb.connect(str(warehouse)) as con:
        con.register("parts", own.parts.drop_columns("geheim").append_column("index_id", key))
        con.execute("create schema core; create table core.fct_index_teil as from parts")
    places = {"warehouse": warehouse, "release_ledger": ledger, "rules": tmp_path / "rules"}
    for name, place in {**places, "release": tmp_path / "release"}.items():
        monkeypatch.setattr(Settings, name, place)

    def release() -> pa.Table:
        return released_classes(Settings(tmp_path, "r"), RULES, classes, figures)

    def named() -> list[dict]:
        found = json.loads((tmp_path / "release" / "index_klassen.json").read_text())
        return found["told before and withheld now"]

    today = release()
    withheld = [row["raum_id"] for row in today.to_pylist() if row["status"] == "geheim"]
    assert (withheld, named()) == (["A"], [])
    for edition, told in (("e1", classes), ("e2", today)):
        record(ledger, tmp_path / "release", edition, RULES, audience=["fachlich"], classes=told)
    assert release().equals(today)
    key = {"index_id": "i", "raum_id": "A", "gebietsstand": "g", "stichtag": "2015-12-31"}
    assert named() == [{**key, "edition": "e1"}]


# --- what an index may rest on ----------------------------------------------------------


def test_parts_are_read_from_the_indicators_own_sql():
    region = read_region("berlin")
    rows = {row["indikator_id"]: row for row in index_sources.index_sources(
        region, PROJECT / "dbt_project"
    )}  # fmt: skip
    assert len(rows) == 8
    share = rows["mss_transferbezug_u15"]
    assert share["zaehler_merkmal"] == "mss_transferbezug_u15"
    assert (share["nenner_merkmal"], share["nenner_von"], share["nenner_bis"]) == (None, 0, 14)
    assert rows["mss_transferbezug"]["nenner_von"] is None
    assert rows["mss_arbeitslose_veraenderung"]["lieferwert"] == "mss_arbeitslose_veraenderung"


@pytest.mark.parametrize(
    ("indikator_id", "message"),
    [
        ("auslaenderanteil", "a rate of fallzahl"),
        ("einwohner", "a rate of fallzahl"),
        ("mss_arbeitslose_veraenderung", "expected a spielraum above 0"),
    ],
)
def test_other_parts_are_refused(indikator_id, message):
    index = Declared.model_validate(
        an_index(bestandteile=[{"indikator_id": indikator_id}], klasse_aus="alle")
    )
    region = read_region("berlin").model_copy(update={"indices": (index,)})
    with pytest.raises(ValueError, match=message):
        index_sources.index_sources(region, PROJECT / "dbt_project")


def test_fine_classes_rest_on_published_counts_only():
    with pytest.raises(ValueError, match="at most 5 classes"):
        Declared.model_validate(an_index(klassen=None, quantile=10, klasse_aus="alle"))
