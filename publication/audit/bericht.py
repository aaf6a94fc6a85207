"""The audit of a Sozialbericht's own page and PDF: as each profile is audited.

Not here: whether its period is what was asked for; its rows are those of its own marts.
"""

from collections.abc import Iterator

from publication.audit.profile_marts import Marts
from publication.audit.profiles import document_faults
from publication.bericht.document import PAGE, SHEET
from publication.material import REPORT, Finished


def names(finished: Finished) -> set[str]:
    """Return the files of this form: those of a report alone."""
    return {PAGE, SHEET} if finished.manifest["kind"] == REPORT else set()


def check(finished: Finished) -> Iterator[str]:
    """Compare page and PDF with the marts; one sentence for each problem."""
    if finished.manifest["kind"] != REPORT:
        return
    with finished.open() as con:
        marts = Marts(con, finished)
    yield from document_faults(finished, marts, PAGE, SHEET)
