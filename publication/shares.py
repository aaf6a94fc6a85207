"""How much of an edition is withheld, for reports: numbers of cells, never what is in them."""

from pathlib import Path


def withheld_shares(database: Path) -> list[tuple[str, int, int]]:
    """Return for each theme how many cells of small areas are withheld for privacy.

    Args:
        database: `marts.duckdb` of an edition.

    Returns:
        Theme, cells with status `geheim`, and cells that are `ok`, `geheim` or `zu_klein`, of
        mart_indikator's Sozialräume; what was not delivered or released, or cannot be compared,
        counts in neither.
    """
    import duckdb

    with duckdb.connect(str(database), read_only=True) as con:
        return con.execute(
            """
            select thema, count(*) filter (cells.status = 'geheim'), count(*)
            from mart_indikator as cells
            inner join dim_indikator using (indikator_id, version)
            where raumebene = 'sozialraum' and cells.status in ('ok', 'geheim', 'zu_klein')
            group by thema order by thema
            """
        ).fetchall()
