"""What would expose someone, and what may leave the sealed zone.

Pure functions on Arrow tables. Knows neither Dagster nor dbt nor Great Expectations.
"""
