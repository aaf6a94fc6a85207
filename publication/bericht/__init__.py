"""The Sozialbericht: an edition that freezes a reporting period and binds it into one document.

Here belongs what is particular to it: the rows of a period (`period`), and the citable document
with its chapters (`document`). Not here: its other forms, which are those of every edition, and
when a report is made (orchestration).
"""
