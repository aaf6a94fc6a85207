"""Reading a release: what is good is normalised, what is wrong is named, all of it at once."""

import json

import pyarrow as pa
import pytest

from disclosure.agreement import check_given
from disclosure.keys import make_keys
from disclosure.release import ReleaseError
from disclosure.specification import make_release, read_release

GEO = [["M1", "Total"], ["S1", "M1"], ["S2", "M1"], ["M2", "Total"], ["S3", "M2"]]
SEX = [["X1", "Total"], ["X2", "Total"]]


def spec(**more) -> dict:
    return {"dims": {"geo": GEO, "sex": SEX}, "tables": [["geo", "sex"]], "maxN": 2, **more}


def cells(*rows: tuple, names=("geo", "sex", "n")) -> pa.Table:
    return pa.table({name: [row[i] for row in rows] for i, name in enumerate(names)})


GOOD = cells(("S1", "X1", 4), ("S2", "X2", None), ("S3", "X1", 0))


def test_a_release_is_read_from_files(tmp_path):
    (tmp_path / "spec.json").write_text(json.dumps(spec(name="eins")))
    (tmp_path / "cells.csv").write_text("sex,geo,n\nX1,S2,7\nX2,S1,\nX1,S1,0\n")
    release = read_release(tmp_path / "spec.json", tmp_path / "cells.csv")
    assert release.name == "eins"
    assert release.dimensions["geo"].leaves == ("S1", "S2", "S3")
    assert release.dimensions["geo"].path("S3") == ("S3", "M2", "Total")
    assert release.key_columns == ("geo", "sex")
    assert release.atoms["n"].to_pylist() == [
        {"geo": "S1", "sex": "X1", "n": 0},
        {"geo": "S1", "sex": "X2", "n": None},
        {"geo": "S2", "sex": "X1", "n": 7},
    ]


def test_what_no_table_uses_is_added_up_and_stays_unknown_if_a_part_is():
    release = make_release(
        spec(tables=[["geo"]]), cells(("S1", "X1", 4), ("S1", "X2", 3), ("S2", "X1", None))
    )
    assert release.measures[0].dims == ("geo",)
    assert release.atoms["n"].to_pylist() == [{"geo": "S1", "n": 7}, {"geo": "S2", "n": None}]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"tabels": []}, "tabels"),
        ({"dims": {"geo": [["A", "B"], ["B", "A"]]}}, "no total"),
        ({"dims": {"geo": [["A", "Total"], ["B", "C"], ["C", "B"]]}}, "circle through B, C"),
        ({"dims": {"geo": [["A", "Total"], ["B", "Z"]]}}, "no codes: Z"),
        ({"dims": {"geo": [["A", "Total"], ["A", "Total"]]}}, "stand twice: A"),
        ({"dims": {"geo": [["Total", "Total"]]}}, "root"),
        ({"tables": [["geo", "alter"]]}, "alter"),
        ({"tables": []}, "no tables"),
        ({"maxN": -1}, "maxN"),
        ({"kind": "mean"}, "mean"),
        ({"support": [["plz"]]}, "plz"),
    ],
)
def test_a_wrong_specification_is_named(changes, named):
    with pytest.raises(ReleaseError, match=named):
        make_release(spec(**changes), GOOD)


@pytest.mark.parametrize(
    ("rows", "named"),
    [
        ([("S1", "X1", -4)], "negative numbers in rows 1"),
        ([("S1", "X1", 2), ("S1", "X2", 2.5)], "fractions, but it counts in rows 2"),
        ([("M1", "X1", 4)], "not leaves of the hierarchy: M1"),
        ([("S9", "X1", 4)], "not leaves of the hierarchy: S9"),
        ([(None, "X1", 4)], "empty"),
        ([("S1", "X1", 4), ("S1", "X1", 5)], "twice: S1 × X1"),
        ([("S1", "X1", "viele")], "no number"),
    ],
)
def test_wrong_cells_are_named(rows, named):
    with pytest.raises(ReleaseError, match=named):
        make_release(spec(), cells(*rows))


def test_all_faults_are_named_at_once():
    with pytest.raises(ReleaseError) as error:
        make_release(spec(), cells(("S9", "X1", -4), ("S1", "X7", 1)))
    assert all(word in str(error.value) for word in ("S9", "X7", "negative"))


def test_a_line_that_cannot_be_split_is_not_quoted(tmp_path):
    (tmp_path / "spec.json").write_text(json.dumps(spec()))
    (tmp_path / "cells.csv").write_text("geo,sex,n\nS1,X1,4711,0815\n")
    with pytest.raises(ReleaseError, match=r"cells\.csv") as error:
        read_release(tmp_path / "spec.json", tmp_path / "cells.csv")
    assert "4711" not in str(error.value)


def two_measures(**part) -> dict:
    of = {"measure": "alle", "where": {"sex": ["X1"]}}
    return {
        "dims": {"geo": GEO, "sex": SEX},
        "measures": {
            "alle": {"column": "a", "maxN": 2, "tables": [["geo", "sex"]]},
            "teil": {"maxN": 2, "tables": [["geo"]], "part_of": of, **part},
        },
    }


BOTH = ("geo", "sex", "a", "teil")


def test_several_measures_have_their_own_atoms():
    release = make_release(
        two_measures(), cells(("S1", "X1", 9, 3), ("S1", "X2", 8, 1), names=BOTH)
    )
    assert release.key_columns == ("measure", "geo", "sex")
    assert release.atoms["teil"].to_pylist() == [{"geo": "S1", "n": 4}]
    assert release.measure("teil").part_of[0].where == {"sex": ("X1",)}


def test_a_part_that_is_more_than_its_whole_is_named():
    with pytest.raises(ReleaseError, match="teil is more than alle, of which it is a part, in S1"):
        make_release(two_measures(), cells(("S1", "X1", 3, 3), ("S1", "X2", 8, 1), names=BOTH))


@pytest.mark.parametrize(
    ("of", "named"),
    [({"measure": "niemand"}, "niemand"), ({"measure": "alle", "where": {"sex": ["X9"]}}, "X9")],
)
def test_a_wrong_part_is_named(of, named):
    with pytest.raises(ReleaseError, match=named):
        make_release(two_measures(part_of=of), cells(("S1", "X1", 9, 3), names=BOTH))


def test_measures_may_bring_tables_of_their_own():
    release = make_release(
        two_measures(),
        {
            "alle": cells(("S1", "X1", 9)),
            "teil": pa.table({"geo": ["S1", "S2"], "n": [2, 0]}),
        },
    )
    assert release.atoms["teil"].column_names == ["geo", "n"]


def test_what_exists_is_what_any_measure_lists():
    declared = two_measures() | {"support": [["geo", "sex"]]}
    release = make_release(
        declared, {"alle": cells(("S1", "X1", 9)), "teil": pa.table({"geo": ["S1"], "n": [2]})}
    )
    assert [table.to_pylist() for table in release.existing("alle")] == [
        [{"geo": "S1", "sex": "X1"}]
    ]
    assert [table.to_pylist() for table in release.existing("teil")] == [[{"geo": "S1"}]]


def test_a_magnitude_has_a_row_for_each_holder():
    release = make_release(
        spec(kind="magnitude", p=10, minContributors=3) | {"tables": [["geo"]]},
        pa.table(
            {
                "geo": ["S1", "S1", "S1"],
                "sex": ["X1", "X2", "X1"],
                "holder": ["a", "a", "b"],
                "value": [1.5, 2.0, 4.0],
            }
        ),
    )
    assert release.number_column == "value"
    assert release.atoms["n"].to_pylist() == [
        {"geo": "S1", "holder": "a", "value": 3.5},
        {"geo": "S1", "holder": "b", "value": 4.0},
    ]


@pytest.mark.parametrize("left_out", ["p", "minContributors"])
def test_a_magnitude_without_its_rules_is_refused(left_out):
    rules = {"p": 10, "minContributors": 3}
    del rules[left_out]
    declared = spec(kind="magnitude", **rules) | {"tables": [["geo"]]}
    cells = pa.table({"geo": ["S1"], "sex": ["X1"], "holder": ["a"], "value": [1.5]})
    with pytest.raises(ReleaseError, match=f"{left_out}.*missing; a magnitude needs the p"):
        make_release(declared, cells)


def test_keys_are_completed_sorted_and_checked():
    release = make_release(spec(), GOOD)
    keys = make_keys(
        release, pa.table({"geo": ["S2", "S1"], "n": ["5", "6"]}), "given", number=True
    )
    assert keys.to_pylist() == [
        {"geo": "S1", "sex": "Total", "n": 6},
        {"geo": "S2", "sex": "Total", "n": 5},
    ]
    for table, named in (
        ({"geo": ["S9"]}, "S9"),
        ({"ort": ["S1"]}, "ort"),
        ({"geo": ["S1", "S1"]}, "twice"),
    ):
        with pytest.raises(ReleaseError, match=named):
            make_keys(release, pa.table(table), "primary")
    with pytest.raises(ReleaseError, match="no column 'n'"):
        make_keys(release, pa.table({"geo": ["S1"]}), "given", number=True)


@pytest.mark.parametrize(
    ("geo", "number", "good"),
    [("S1", 4, True), ("S1", 5, False), ("M1", 3, False), ("M1", 9, True), ("S2", 0, True)],
)
def test_given_totals_have_to_agree_with_their_parts(geo, number, good):
    release = make_release(spec(), GOOD)
    given = make_keys(release, pa.table({"geo": [geo], "n": [number]}), "given", number=True)
    if good:
        check_given(release, given)
    else:
        with pytest.raises(ReleaseError, match=f"{geo} × Total"):
            check_given(release, given)
