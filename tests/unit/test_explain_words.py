"""Helpers of `sozialraum explain` that need no warehouse."""

import pytest

from orchestration.explain import nearest, on_sealed_counts
from orchestration.settings import Settings

VIEW = """CREATE VIEW indicators.ind_quote AS WITH z AS (SELECT anzahl FROM
"/somewhere/sealed/r/released/fallzahl.parquet" WHERE (merkmal = 'as')) SELECT * FROM z,
'/somewhere/sealed/r/released/bevoelkerung.parquet' AS counts;"""


def test_a_view_is_read_on_the_facts():
    query = on_sealed_counts(VIEW)
    assert query.split()[:2] == ["WITH", "z"]
    assert "released" not in query
    assert "FROM\ncore.fct_fallzahl WHERE" in query
    assert "core.fct_bevoelkerung AS counts" in query
    assert not query.endswith(";")


def test_nearest_words():
    known = ["kinderarmut", "altersarmut", "pflegequote"]
    assert nearest("kinderarmt", known)[0] == "kinderarmut"
    assert nearest("xyz", known) == []


def test_a_home_without_a_run_says_so(tmp_path):
    from orchestration.explain import explain
    from sources.region import read_region

    with pytest.raises(ValueError, match="run `sozialraum run` first"):
        explain(Settings(tmp_path, "aachen"), read_region("aachen"), "a", "b", "2015-12-31")
