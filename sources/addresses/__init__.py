"""German addresses: how they are spelt, where they lie, and what a row's address is matched with.

    spelling.py    spelling of streets and house numbers
    register.py    addresses and streets with their history
    matching.py    the address that a row means
    streets.py     the street list for partners who cut tables themselves
    program.py     the same matching for a partner's file

Geometry of areas, points and postcodes are `sources/placement.py`.
"""

from sources.addresses.matching import match
from sources.addresses.program import export_register, locate
from sources.addresses.register import build_register
from sources.addresses.spelling import house_number, normalise
from sources.addresses.streets import street_list

__all__ = [
    "build_register",
    "export_register",
    "house_number",
    "locate",
    "match",
    "normalise",
    "street_list",
]
