"""Of the engine's patterns nothing can be left out: each secondary cell is needed."""

import os
from collections import defaultdict
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from disclosure.audit import audit_release
from disclosure.audit.cells import enumerate_atoms, enumerate_cells, incidence
from disclosure.audit.pattern import same_rows
from disclosure.engine import protect_release
from disclosure.specification import read_release


@pytest.fixture(scope="module")
def cases() -> Path:
    """The six cases of the handbook; tests that need them are skipped, visibly, without them."""
    beside = Path(__file__).parents[3] / "shared"
    folder = Path(os.environ.get("SOZIALRAUM_DATA") or beside / "data").parent / "disclosure/cases"
    if not folder.is_dir():
        pytest.skip("../shared/disclosure/cases is not here")
    return folder


def published_again(release, pattern: pa.Table) -> list[tuple[str, pa.Table]]:
    """Return for each secondary cell the pattern that publishes it and all cells identical to it.

    Identical cells share one pattern; it is named by one of them.
    """
    cells = enumerate_cells(release)
    suppressed = pattern["suppressed"].to_numpy() > 0
    primary = pattern["primary"].to_numpy() > 0
    place = cells.find(pattern)
    zero = np.zeros(len(cells.key), dtype=bool)
    zero[place[~suppressed]] = cells.value[place[~suppressed]] == 0
    group = same_rows(incidence(cells, enumerate_atoms(cells, zero)))[place]
    rows_of = defaultdict(list)
    for row in np.flatnonzero(suppressed):
        rows_of[int(group[row])].append(int(row))
    found = []
    for rows in rows_of.values():
        if not primary[rows].any():
            shown = suppressed.copy()
            shown[rows] = False
            position = pattern.column_names.index("suppressed")
            table = pattern.set_column(position, "suppressed", pa.array(shown.astype(np.int8)))
            found.append((" × ".join(cells.names([place[rows[0]]])[0]), table))
    return found


# The two large cases are sampled, for time: all of their cells were tried when this was written.
@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("c01_1d_geo", 1),
        ("c02_2d_flat", 1),
        ("c03_pop_geo_age_sex", 15),
        ("c07_singletons_issue135", 1),
        ("c09_linked_issue136", 1),
        ("c12_sgb2_min10", 35),
    ],
)
def test_no_secondary_cell_can_be_published_again(cases, name, step):
    release = read_release(cases / name / "spec.json", cases / name / "inner.csv")
    pattern = protect_release(release).pattern
    assert audit_release(release, pattern).passed
    tried = published_again(release, pattern)[::step]
    assert tried
    spared = [cell for cell, table in tried if not audit_release(release, table).hits]
    assert not spared
