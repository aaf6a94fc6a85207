"""An edition and its forms: what is published, written, audited and switched.

Here belongs everything between the marts and whoever receives an edition: which columns are
published (`tables`), the draft (`draft`) with its forms (`forms`, `profiles`, `catalogue`), the
wide layers and legends that several of them share (`layers`, `legends`), the hash over their values
(`content`), the audit of the finished files (`audit`), the switch to a new edition (`edition`) and
what happens with it afterwards (`targets`, `service`).

Not here: what the figures mean (dbt_project), what may leave the sealed zone (disclosure,
expectations), and when an edition is written (orchestration). This room imports no other room.
"""
