"""A proposal of class limits for maps, from the values of an edition.

Limits are agreed on once and then declared (`klassen.yaml`); this is only where to begin. Not here:
colours and labels (`legends.py`).
"""

from pathlib import Path

CLASSES = 5


def propose_limits(database: Path) -> dict[str, list[float]]:
    """Return for each indicator limits that part the published values of Sozialräume into fifths.

    Values of all Stichtage count, so that a map of an older Stichtag can be drawn with the same
    limits. Limits are rounded to two digits of the spread between the first and the last of them.
    An indicator of classes, or with fewer than ten values, has none; equal limits become one.

    Args:
        database: `marts.duckdb` of an edition.
    """
    import duckdb

    shares = [number / CLASSES for number in range(1, CLASSES)]
    with duckdb.connect(str(database), read_only=True) as con:
        found = con.execute(
            """
            SELECT indikator_id, quantile_cont(wert, ?)
            FROM mart_indikator
            WHERE raumebene = 'sozialraum' AND status = 'ok' AND wert IS NOT NULL
            GROUP BY indikator_id HAVING count(*) >= 10
            ORDER BY indikator_id
            """,
            [shares],
        ).fetchall()
    return {key: limits for key, values in found if (limits := _rounded(values))}


def _rounded(values: list[float]) -> list[float]:
    from math import floor, log10

    spread = values[-1] - values[0]
    if not spread:
        return sorted({float(f"{value:.2g}") for value in values})
    digits = 1 - floor(log10(spread))
    return sorted({round(value, digits) for value in values})
