"""The rules that Great Expectations lacks, one module each.

A rule belongs here only if no class of Great Expectations says it. Each module builds its class
inside a function, because importing Great Expectations costs seconds.
"""
