"""An edition and its forms: what is published, written, audited and switched.

Here belongs everything between the marts and the folder `published/current`: which columns are
published (`tables`), the files of a draft (`draft`, `geopackage`), the hash over their values
(`content`), the audit of the finished files (`audit`) and the switch to a new edition (`edition`).

Not here: what the figures mean (dbt_project), what may leave the sealed zone (disclosure,
expectations), and when an edition is written (orchestration). This room imports no other room.
"""
