"""What may pass a border: suites of expectations, the runner and the Data Docs.

Knows no Dagster and imports no other room: paths and plain data come in, counts go out. Reading
partners' files belongs to `sources`, deciding what a failed suite stops to `orchestration`.
"""
