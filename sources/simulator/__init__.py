"""A synthetic county: its profile, its people and their needs, and what partners write of them.

The county itself is `county.make_county`; its frames are the only source of the partners' files,
so that the true results are known. Nothing here is about real persons, streets or borders.
"""
