"""The star's counts as releases, and what of them is published.

Which counts are protected jointly, what is known of their cells, which of them are not released,
and how a cell is called on both sides: that belongs here. What is withheld is the engine's to find;
whether it holds, the auditor's.

A release holds all counts of one Stichtag on one Gebietsstand: no sum links two of them. Its
measures are the `merkmale` of the cases, and for each basis the inhabitants.
"""

from disclosure.star.facts import CountsError, Facts, themes_of
from disclosure.star.published import long_patterns, published_counts
from disclosure.star.releases import DayRelease, day_releases

__all__ = [
    "CountsError",
    "DayRelease",
    "Facts",
    "day_releases",
    "long_patterns",
    "published_counts",
    "themes_of",
]
