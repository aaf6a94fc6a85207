"""How a profile says where each of its numbers comes from: table, key and column.

A page carries these marks in attributes, so that whoever reads it by machine finds the cell in the
marts, and the audit compares each with it. Shared by writer and audit. Not here: any value.
"""

from typing import NamedTuple

from publication.numbers import digits_of


class Mark(NamedTuple):
    """The cell of a mart: its table, its key in the order of `KEYS`, and its column."""

    table: str
    key: tuple[str, ...]
    column: str

    @property
    def joined(self) -> str:
        """The key as one text; no part of a key holds the separator."""
        return SEPARATOR.join(self.key)


SEPARATOR = "|"

_SERIES = ("raum_id", "gebietsstand", "stichtag", "indikator_id", "version")
KEYS = {
    "dim_raum": ("raum_id", "gebietsstand"),
    "dim_indikator": ("indikator_id", "version"),
    "mart_indikator": _SERIES,
    "mart_reihe": _SERIES,
    "mart_index": ("raum_id", "gebietsstand", "stichtag", "index_id"),
    "mart_bevoelkerung": (
        *("raum_id", "gebietsstand", "stichtag", "basis"),
        *("altersgruppe", "geschlecht", "staatsangehoerigkeit"),
    ),
    "mart_kumulation": ("raum_id", "gebietsstand", "stichtag", "schwellen_id"),
    "mart_abgleich": ("raum_id", "gebietsstand", "stichtag", "gegenstand"),
    # not its own key: that holds the rank, which is for experts
    "mart_vergleichsraum": ("vergleich_id", "raum_id", "gebietsstand", "stichtag", "peer_raum_id"),
}
"""What identifies a cell; all of these columns are for everyone."""

AS_INDICATOR = None
"""Digits after the comma that follow from art and unit (`numbers.digits_of`)."""

COLUMNS: dict[str, dict[str, int | None]] = {
    "dim_raum": {"flaeche_km2": 1},
    "dim_indikator": dict.fromkeys(
        ("version", "min_nenner", "min_einwohner", "min_zaehler", "min_zaehler_sozialraum"), 0
    ),
    "mart_indikator": dict.fromkeys(
        (
            *("wert", "klasse", "untergrenze", "obergrenze"),
            *("kommune_wert", "kreis_wert", "abw_kommune", "abw_kreis"),
        ),
        AS_INDICATOR,
    ),
    "mart_reihe": dict.fromkeys(("wert", "klasse", "veraenderung"), AS_INDICATOR),
    "mart_index": {"klasse": 0},
    "mart_bevoelkerung": {"anzahl": 0},
    "mart_kumulation": dict.fromkeys(
        ("anzahl_ueberschritten", "anzahl_bewertet", "anzahl_regeln"), 0
    ),
    "mart_abgleich": dict.fromkeys(("eigener_wert", "fremder_wert", "differenz"), AS_INDICATOR),
    "mart_vergleichsraum": {"distanz": 2},
}
"""Columns whose numbers stand in profiles, with their digits after the comma."""

SIGNED = ("abw_kommune", "abw_kreis", "veraenderung", "differenz")
"""Differences, which are printed with their sign."""

OWN = ("wert", "klasse", "untergrenze", "obergrenze", "anzahl", "abw_kommune", "abw_kreis")
"""Columns that have nothing to show where the row's own status is not `ok`, whatever they hold."""


def digits(mark: Mark, art: str | None, unit: str | None) -> int:
    """Return the digits after the comma of one number.

    Args:
        mark: where it comes from.
        art: of its indicator; None if there is none.
        unit: of its indicator or object.
    """
    declared = COLUMNS[mark.table][mark.column]
    return digits_of(art or "", unit) if declared is AS_INDICATOR else declared
