"""The files of a Sozialbericht beside its other forms: one web page and one PDF.

Not here: what they tell (`document`).
"""

from publication.bericht.document import document
from publication.layers import generalised
from publication.material import REPORT, Material
from publication.profiles import page, place, reading, sheet


def write(material: Material) -> None:
    """Write `bericht.html` and `bericht.pdf`, if the edition is a Sozialbericht.

    Raises:
        ValueError: as `profiles.reading.read`.
        typst.TypstError: the PDF would not keep to its standards.
    """
    if material.facts["kind"] != REPORT:
        return
    known = reading.read(material)
    told = document(known, place.shapes_of(generalised(material.shapes)))
    page.Writer(known.imprint).write(told, material.folder)
    sheet.Printer(known.imprint, material.facts).write(told, material.folder)
