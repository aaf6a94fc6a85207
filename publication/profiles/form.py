"""The profiles of an edition as files: a web page and a PDF for each, and the list of all.

Not here: what stands in them (`content`), how they look (`page`, `sheet`).
"""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from publication.layers import generalised
from publication.material import Material
from publication.profiles import content, page, place, reading, sheet
from publication.profiles.choice import FOLDER
from publication.profiles.document import Document


def write(material: Material) -> None:
    """Write `profiles/`: the profiles that `choice.chosen` names, and `index.html`.

    Raises:
        ValueError: as `reading.read`.
        typst.TypstError: a PDF would not keep to its standards.
    """
    known = reading.read(material)
    shapes = place.shapes_of(generalised(material.shapes))
    told = list(content.documents(known, shapes))
    folders = {Path(material.folder, one.page).parent for one in told}
    for folder in (material.folder / FOLDER, *sorted(folders)):
        folder.mkdir(parents=True, exist_ok=True)
    # typst works outside the interpreter's lock, so threads are enough for all cores
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        printing = sheet.Printer(known.imprint, material.facts)
        pages = page.Writer(known.imprint)

        def files(document: Document) -> None:
            pages.write(document, material.folder)
            if document.sheet:
                printing.write(document, material.folder)

        for _ in pool.map(files, told):
            pass
