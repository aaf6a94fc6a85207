"""How a partner's delivery becomes a landed Parquet file.

Contracts, connectors, formats and landing live here. Nothing here knows Dagster,
dbt or Great Expectations, and no county's name or key stands in code: what is
particular to a region is YAML in `regions/<region>/`.
"""
