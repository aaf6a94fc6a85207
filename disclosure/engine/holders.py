"""Magnitudes by holder: which cells tell one holder's amount to another.

The p % rule with the largest other holder as an insider, and the least number of holders. What a
holder knows of a cell is at most the largest amount in it; so a move that leaves every cell at
least that much cannot be ruled out by any single holder.
"""

import numpy as np

from disclosure.engine.system import System
from disclosure.release import ReleaseError


def dominance(system: System) -> tuple[np.ndarray, np.ndarray]:
    """Apply the p % rule and the least number of holders to every node.

    Args:
        system: of a release of magnitudes.

    Returns:
        For each node the largest amount of one holder, and by how much the upper bound has to lie
        above the true sum (0 where it is not sensitive); both in the grid's unit.

    Raises:
        ReleaseError: an amount is unknown, so that nobody can say whose cell it dominates.
    """
    import duckdb
    import pyarrow as pa

    grid, release = system.grid, system.grid.release
    largest = np.zeros(system.size, np.int64)
    reach = np.zeros(system.size, np.int64)
    for cells, _ in system.measures:
        table = release.atoms[cells.measure.name]
        if table["value"].null_count:
            raise ReleaseError(
                f"release {release.name}: amounts without a number; expected each holder's amount"
            )
        positions = grid.positions(cells.measure.dims)
        leaves = grid.read(table, cells.measure.dims)
        holder = table["holder"].combine_chunks().dictionary_encode().indices.to_numpy()
        value = table["value"].to_numpy()
        pairs = [
            (keys + grid.base_of(cells.measure), holder[rows], value[rows])
            for keys, rows in grid.upwards(leaves, positions)
        ]
        columns = [np.concatenate(column) for column in zip(*pairs, strict=True)]
        amounts = pa.table(dict(zip(("key", "holder", "value"), columns, strict=True)))
        with duckdb.connect() as con:
            con.register("amounts", amounts)
            ranked = con.execute(
                """
                with held as (
                    select key, sum(value) as value from amounts group by key, holder
                    having sum(value) > 0
                )
                select key, max(value) as first, sum(value) as total, count(*) as holders,
                    coalesce(max(value, 2)[2], 0) as second
                from held group by key order by key
                """
            ).to_arrow_table()
        keys = ranked["key"].to_numpy()
        place = np.searchsorted(system.cell_keys, keys)
        place[place == len(system.cell_keys)] = 0
        node = np.where(system.cell_keys[place] == keys, system.cell_node[place], -1)
        first, second = ranked["first"].to_numpy(), ranked["second"].to_numpy()
        rest = ranked["total"].to_numpy() - first - second
        wanted = np.maximum(release.p / 100 * first - rest, 0)
        few = ranked["holders"].to_numpy() < release.min_contributors
        wanted = np.where(few, np.maximum(wanted, release.p / 100 * first), wanted)
        shown = node >= 0
        up = np.ceil(wanted / grid.unit).astype(np.int64)
        np.maximum.at(reach, node[shown], np.where(few | (wanted > 0), np.maximum(up, 1), 0)[shown])
        amount = np.rint(first / grid.unit).astype(np.int64)
        np.maximum.at(largest, node[shown], amount[shown])
    return np.minimum(largest, system.value), reach
