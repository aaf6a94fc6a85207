"""The files of an edition beside its marts: one module for each form, `write(material)` in each.

Here belongs how values become files that others read: GIS, catalogues, browsers. Not here: what is
published (`tables`), and whether a finished file says what it may (`publication/audit`).
"""
