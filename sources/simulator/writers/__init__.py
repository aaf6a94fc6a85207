"""Partners' files, written from the frames of a synthetic county in the partners' own formats.

One module for each group of offices; each has `write(outbox)` and writes the feeds that the
county has agreed on. What is planted on purpose is told to the outbox too. What the county is
like is decided elsewhere, never here.
"""
