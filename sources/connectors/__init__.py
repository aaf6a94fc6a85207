"""Where deliveries come from. A connector brings files into the inbox; it judges no row.

`pull.py` is the way in: it decides what may be asked for, one module for each kind of source asks.
`safety.py` says which files are too dangerous to be read at all.
"""
