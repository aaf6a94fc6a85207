"""The privacy gate's rule on sums over persons fails on its planted fault."""

from datetime import date

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from expectations.runner import run_suite
from expectations.suite import Suite, load_suite

AREA = {"raum_id": "K1-001", "gebietsstand": "g", "stichtag": date(2015, 12, 31)}
TOTAL = {
    "basis": "melderegister",
    "altersgruppe": "insgesamt",
    "geschlecht": "insgesamt",
    "staatsangehoerigkeit": "insgesamt",
}


@pytest.mark.parametrize(
    ("inhabitants", "ages", "passes"),
    [(30, 1200, True), (None, None, True), (None, 120, False)],
    ids=["both printed", "both withheld", "ages alone"],
)
def test_sum_of_ages_goes_with_the_inhabitants(tmp_path, inhabitants, ages, passes):
    tables = {
        "bevoelkerung": [{**AREA, **TOTAL, "anzahl": inhabitants}],
        "fallzahl": [
            {**AREA, "merkmal": "alterssumme", "anzahl": ages},
            {**AREA, "merkmal": "haushalte", "anzahl": 20},
        ],
        "rule_sum": [{"merkmal": "alterssumme"}],
    }
    for name, rows in tables.items():
        schema = pa.Table.from_pylist(rows).schema
        if "anzahl" in schema.names:
            schema = schema.set(schema.get_field_index("anzahl"), pa.field("anzahl", pa.int64()))
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), tmp_path / f"{name}.parquet")
    found = next(t for t in load_suite("privacy").tables if t.table == "fallzahl")
    one = [e for e in found.expectations if e.name == "no_sum_over_withheld_inhabitants"]
    suite = Suite(
        name="one", description="one", tables=[found.model_copy(update={"expectations": one})]
    )
    source = {name: tmp_path / f"{name}.parquet" for name in tables}
    (result,) = run_suite(suite, source, parameters={"today": "2026-01-01"}).results
    assert result.problem is None
    assert result.passed is passes
