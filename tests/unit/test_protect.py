"""Which counts are withheld, and that no withheld count follows from the published ones."""

from datetime import date, timedelta

import pyarrow as pa
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from disclosure.policy import Policy, read_policy
from disclosure.protect import protect_counts, withhold_sums
from sources.region import REGIONS, region_names

TODAY = date(2020, 6, 1)
AGES, SEXES = ("00-17", "18-64", "65+"), ("maennlich", "weiblich")
TOTAL = "insgesamt"
SCHEMA = pa.schema(
    {
        "raum_id": pa.string(),
        "gebietsstand": pa.string(),
        "stichtag": pa.date32(),
        "altersgruppe": pa.string(),
        "geschlecht": pa.string(),
        "anzahl": pa.int64(),
        "status": pa.string(),
        "publishable_from": pa.date32(),
    }
)


def cell(raum_id: str, age: str, sex: str, count: int | None, **more) -> dict:
    """One row of counts."""
    return {
        "raum_id": raum_id,
        "gebietsstand": "heute",
        "stichtag": date(2019, 12, 31),
        "altersgruppe": age,
        "geschlecht": sex,
        "anzahl": count,
        "status": "ok",
        "publishable_from": TODAY,
        **more,
    }


def area(raum_id: str, ages: list[int], men: int) -> list[dict]:
    """All cells of an area: its total, its age bands and its sexes, which are not crossed."""
    total = sum(ages)
    return [
        cell(raum_id, TOTAL, TOTAL, total),
        *(cell(raum_id, age, TOTAL, n) for age, n in zip(AGES, ages, strict=True)),
        cell(raum_id, TOTAL, "maennlich", men),
        cell(raum_id, TOTAL, "weiblich", total - men),
    ]


def protect(rows: list[dict], max_sensitive: int = 2, **more) -> dict[tuple, tuple]:
    """Return (area, age, sex) -> (published count, status)."""
    counts = pa.Table.from_pylist(rows, schema=SCHEMA)
    published = protect_counts(
        counts,
        max_sensitive=max_sensitive,
        dimensions=("altersgruppe", "geschlecht"),
        as_of=TODAY,
        **more,
    )
    assert set(published.column_names) == set(SCHEMA.names)
    cells = {
        (row["raum_id"], row["altersgruppe"], row["geschlecht"]): (row["anzahl"], row["status"])
        for row in published.to_pylist()
    }
    assert len(cells) == published.num_rows == len(rows)
    return cells


def withheld(cells: dict[tuple, tuple]) -> set[tuple]:
    return {key for key, (_, status) in cells.items() if status == "geheim"}


# --- the rule -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "status"), [(0, "ok"), (1, "geheim"), (2, "geheim"), (3, "ok"), (4, "ok")]
)
def test_one_to_the_maximum_is_withheld_and_zero_is_printed(count, status):
    counts = pa.Table.from_pylist([cell("0101", TOTAL, TOTAL, count)], schema=SCHEMA)
    (row,) = protect_counts(counts, max_sensitive=2, as_of=TODAY).to_pylist()
    assert row["status"] == status
    assert row["anzahl"] == (count if status == "ok" else None)


def test_a_maximum_of_zero_withholds_nothing():
    assert withheld(protect(area("0101", [1, 1, 1], 2), max_sensitive=0)) == set()


def test_a_sensitive_part_takes_all_parts_of_its_dimension_and_no_other():
    cells = protect([*area("0101", [2, 10, 20], 16), *area("0102", [5, 10, 20], 16)])
    assert withheld(cells) == {("0101", age, TOTAL) for age in AGES}
    assert cells["0101", TOTAL, TOTAL] == (32, "ok")
    assert cells["0101", TOTAL, "maennlich"] == (16, "ok")
    assert cells["0102", "00-17", TOTAL] == (5, "ok")


def test_a_zero_beside_a_sensitive_part_is_withheld_with_it():
    """Otherwise an area of two parts would show the other one as its total."""
    cells = protect(area("0101", [0, 0, 8], 1))
    assert withheld(cells) == {("0101", TOTAL, sex) for sex in SEXES}
    assert cells["0101", "00-17", TOTAL] == (0, "ok")


def test_a_sensitive_total_takes_all_its_parts():
    cells = protect(area("0101", [0, 0, 2], 0))
    assert withheld(cells) == set(cells)


@pytest.mark.parametrize("kept", [7, None], ids=["with its number", "without"])
def test_what_the_partner_withheld_is_not_the_difference_of_the_rest(kept):
    rows = area("0101", [7, 10, 20], 16)
    rows[1].update(status="geheim", anzahl=kept)
    cells = protect(rows)
    assert withheld(cells) == {("0101", age, TOTAL) for age in AGES}


def test_a_total_that_the_partner_withheld_is_not_the_sum_of_its_parts():
    rows = area("0101", [7, 10, 20], 16)
    rows[0].update(status="geheim", anzahl=None)
    cells = protect(rows)
    assert withheld(cells) == set(cells)


def test_other_cells_of_other_times_are_not_touched():
    rows = area("0101", [1, 10, 20], 16)
    later = [{**row, "raum_id": "0101", "stichtag": date(2018, 12, 31)} for row in rows]
    later[1]["anzahl"], later[0]["anzahl"] = 5, 35
    counts = pa.Table.from_pylist([*rows, *later], schema=SCHEMA)
    published = protect_counts(
        counts, max_sensitive=2, dimensions=("altersgruppe", "geschlecht"), as_of=TODAY
    )
    hit = {row["stichtag"].year for row in published.to_pylist() if row["status"] == "geheim"}
    assert hit == {2019}


@pytest.mark.parametrize(("days", "status"), [(-1, "ok"), (0, "ok"), (1, "nicht_freigegeben")])
def test_before_its_embargo_ends_a_count_is_not_released(days, status):
    rows = [{**row, "publishable_from": TODAY + timedelta(days=days)}
            for row in area("0101", [5, 10, 20], 16)]  # fmt: skip
    assert {cell[1] for cell in protect(rows).values()} == {status}


def test_an_embargo_does_not_tell_what_is_sensitive():
    rows = [{**row, "publishable_from": TODAY + timedelta(days=1)}
            for row in area("0101", [1, 10, 20], 16)]  # fmt: skip
    assert {cell[1] for cell in protect(rows).values()} == {"nicht_freigegeben"}


@pytest.mark.parametrize("status", ["nicht_geliefert", "nicht_zutreffend", "nicht_freigegeben"])
def test_a_status_that_came_with_the_count_stays(status):
    rows = area("0101", [5, 10, 20], 16)
    rows[1].update(status=status, anzahl=None)
    cells = protect(rows)
    assert cells["0101", "00-17", TOTAL] == (None, status)
    assert withheld(cells) == set()


def test_the_order_of_the_rows_makes_no_difference():
    rows = [*area("0101", [1, 10, 20], 16), *area("0102", [5, 10, 20], 1)]
    forward, backward = (
        protect_counts(
            pa.Table.from_pylist(some, schema=SCHEMA),
            max_sensitive=2,
            dimensions=("altersgruppe", "geschlecht"),
            as_of=TODAY,
        )
        for some in (rows, rows[::-1])
    )
    assert forward.equals(backward)


# --- no withheld count follows from the published ones --------------------------------------


@st.composite
def areas_at_random(draw) -> list[dict]:
    rows = []
    for number in range(draw(st.integers(1, 3))):
        ages = draw(st.lists(st.integers(0, 6), min_size=3, max_size=3))
        cells = area(f"010{number}", ages, draw(st.integers(0, sum(ages))))
        days = draw(st.sampled_from([0, 0, 0, 1]))
        hidden = draw(st.sets(st.integers(0, 5), max_size=2))
        for position, row in enumerate(cells):
            row["publishable_from"] = TODAY + timedelta(days=days)
            if position in hidden:
                row.update(status="geheim", anzahl=draw(st.sampled_from([row["anzahl"], None])))
        rows += cells
    return rows


def recovered(cells: dict[tuple, tuple]) -> set[tuple]:
    """Return the empty cells that a reader of the table can compute: total = sum of parts."""
    known = {key: count for key, (count, _) in cells.items() if count is not None}
    sums = []
    for raum_id in {key[0] for key in cells}:
        total = (raum_id, TOTAL, TOTAL)
        sums.append((total, [(raum_id, age, TOTAL) for age in AGES]))
        sums.append((total, [(raum_id, TOTAL, sex) for sex in SEXES]))
    found = set()
    while True:
        new = set()
        for total, parts in sums:
            unknown = [key for key in (total, *parts) if key not in known]
            if len(unknown) == 1:
                key = unknown[0]
                others = sum(known[part] for part in parts if part != key)
                known[key] = others if key == total else known[total] - others
                new.add(key)
        if not new:
            return found
        found |= new


def test_the_attack_finds_what_a_careless_table_gives_away():
    cells = protect(area("0101", [5, 10, 20], 16))
    cells["0101", "00-17", TOTAL] = (None, "geheim")
    cells["0101", TOTAL, "weiblich"] = (None, "geheim")
    assert recovered(cells) == {("0101", "00-17", TOTAL), ("0101", TOTAL, "weiblich")}


@settings(max_examples=40, deadline=None, database=None, derandomize=True)
@given(rows=areas_at_random(), max_sensitive=st.integers(0, 3))
def test_no_withheld_count_is_a_difference_of_published_ones(rows, max_sensitive):
    cells = protect(rows, max_sensitive)
    delivered = {(r["raum_id"], r["altersgruppe"], r["geschlecht"]): r for r in rows}
    for key, (count, status) in cells.items():
        assert (count is None) == (status != "ok")
        if status == "ok":
            assert count == delivered[key]["anzahl"]
            assert count == 0 or count > max_sensitive
    assert recovered(cells) == set()


# --- the policy -----------------------------------------------------------------------------

THRESHOLD = {
    "thema": "bevoelkerung",
    "max_sensitive": 2,
    "min_nenner": 100,
    "min_einwohner": 300,
    "reason": "r",
}
POLICY = {"decided_by": "Amt", "decided_on": "2020-01-01", "thresholds": [THRESHOLD]}


def write(folder, content) -> Policy:
    path = folder / "musterkreis" / "privacy.yaml"
    path.parent.mkdir()
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return read_policy(path)


def test_a_policy_gives_the_rules_of_a_theme(tmp_path):
    threshold = write(tmp_path, POLICY).of("bevoelkerung")
    assert (threshold.max_sensitive, threshold.min_zaehler, threshold.min_nenner) == (2, 3, 100)


def test_a_theme_that_nobody_decided_about_is_an_error(tmp_path):
    policy = write(tmp_path, POLICY)
    with pytest.raises(ValueError, match=r"no thresholds for theme 'gesundheit'.*add the theme"):
        policy.of("gesundheit")


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ({**POLICY, "schwelle": 3}, "schwelle"),
        ({**POLICY, "thresholds": [{**THRESHOLD, "schwelle": 3}]}, "schwelle"),
        ({**POLICY, "thresholds": [{"thema": "x"}]}, "max_sensitive"),
        ({**POLICY, "thresholds": [{**THRESHOLD, "max_sensitive": -1}]}, "max_sensitive"),
        ({**POLICY, "thresholds": [THRESHOLD, {**THRESHOLD, "max_sensitive": 9}]}, "bevoelkerung"),
        ("thresholds: [", "parsing"),
    ],
    ids=["unknown key", "unknown key of a theme", "missing", "negative", "theme twice", "no yaml"],
)
def test_a_policy_that_is_not_well_formed_is_refused(tmp_path, content, named):
    with pytest.raises(ValueError, match=f"musterkreis/privacy.yaml(?s:.*){named}"):
        write(tmp_path, content)


def test_the_policys_version_changes_with_its_numbers(tmp_path):
    first = write(tmp_path, POLICY)
    (tmp_path / "b").mkdir()
    second = write(tmp_path / "b", {**POLICY, "thresholds": [{**THRESHOLD, "max_sensitive": 4}]})
    assert first.version != second.version


@pytest.mark.parametrize("region", region_names())
def test_every_region_of_the_product_has_a_policy(region):
    policy = read_policy(REGIONS / region / "privacy.yaml")
    assert policy.thresholds


def test_berlins_policy_withholds_one_and_two():
    policy = read_policy(REGIONS / "berlin" / "privacy.yaml")
    for thema in ("bevoelkerung", "soziale_lage"):
        assert policy.of(thema).max_sensitive == 2


# --- sums over persons ------------------------------------------------------------------------


def test_a_sum_over_withheld_inhabitants_goes_with_their_number():
    """0101 has three inhabitants, 0102 thirty of whom one age band is withheld."""
    people = pa.Table.from_pylist(
        [
            {**row, "basis": basis, "staatsangehoerigkeit": TOTAL}
            for basis, small in (("melderegister", "0101"), ("fortschreibung", "0102"))
            for row in (
                cell("0101", TOTAL, TOTAL, 3, status="geheim" if small == "0101" else "ok"),
                cell("0102", TOTAL, TOTAL, 30, status="geheim" if small == "0102" else "ok"),
                cell("0102", "65+", TOTAL, None, status="geheim"),
            )
        ]
    )
    counts = pa.Table.from_pylist(
        [
            {
                "raum_id": raum_id,
                "gebietsstand": "heute",
                "stichtag": date(2019, 12, 31),
                "merkmal": merkmal,
                "anzahl": 120,
                "status": "ok",
            }
            for raum_id in ("0101", "0102")
            for merkmal in ("alterssumme", "haushalte")
        ]
    )
    rules = pa.table({"merkmal": ["alterssumme"]})
    rows = withhold_sums(counts, people, rules).to_pylist()
    found = {(r["raum_id"], r["merkmal"]): (r["anzahl"], r["status"]) for r in rows}
    assert found == {
        ("0101", "alterssumme"): (None, "geheim"),
        ("0101", "haushalte"): (120, "ok"),
        ("0102", "alterssumme"): (120, "ok"),
        ("0102", "haushalte"): (120, "ok"),
    }
