"""The catalogue of an edition: what others have to know to find, cite, compare and trust it.

Here belong the records for geodata infrastructures and open-data portals (`iso`, `dcat`), how areas
of one Gebietsstand relate to those of another (`concordance`), and what has changed since the
edition before (`changes`). Names and identifiers that writers and audit share are in `declared`.
Not here: the forms that a record describes, and who fetches it.
"""

from publication.catalogue import changes, concordance, dcat, iso
from publication.catalogue.declared import CATALOGUE
from publication.material import REPORT, Material


def write(material: Material) -> None:
    """Write all files below `catalogue/`; a Sozialbericht, which is no new dataset, has none.

    The records list the files of the other forms, so this is the last form that is written.

    Raises:
        ValueError: the imprint's `kennung` is no UUID.
    """
    if material.facts["kind"] == REPORT:
        return
    (material.folder / CATALOGUE).mkdir()
    concordance.write(material)
    changes.write(material)
    iso.write(material)
    dcat.write(material)
