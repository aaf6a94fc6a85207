"""The OGC API Features service over PostGIS: an edition for GIS and browsers, by HTTP.

Here belongs what pygeoapi is told (`config`) and what the database must be like (`database`), the
process that answers (`app`, with its view of a table in `provider` and its German pages in
`templates`), how it is started and ended (`run`), and the audit of its answers (`audit`). Not here:
how an edition comes into PostGIS, and what it holds. The service reads the database only, as a
login that has the rights of `sozialraum_oeffentlich` and no other.
"""
