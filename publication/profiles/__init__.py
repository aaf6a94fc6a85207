"""Profiles (Steckbriefe): what an edition says of one area or one indicator, as page and as PDF.

Here belongs everything from the published columns of the marts to the finished profile: which
there are (`choice`), what is read (`reading`), what can stand in a profile (`document`), its parts
(`overview`, `place`, `ages`, `development`, `comparison`, `figures`, `notes`, `indicator`), how
they are put together (`content`), the two renderers (`page`, `sheet`) and the writer (`form`).

Parts return plain data (`document`) and know neither HTML nor typst; the renderers know no figures.
Not here: the audit of the finished files (`publication/audit/profiles.py`), which shares `choice`,
`marks` and `words` with this room and none of its steps.
"""
