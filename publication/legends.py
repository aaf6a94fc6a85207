"""Legends: which class, label and colour a published value has on every map of an edition.

GeoPackage styles, profiles and reports draw with these; limits and classes come from the edition's
own `dim_klassengrenze` and `dim_indexklasse`, so a colour means the same in each edition. Not here:
how a client is told (QML, SVG).
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from publication.numbers import number

if TYPE_CHECKING:
    import duckdb

SECRET, OTHER = "Geheimhaltung", "keine Angabe"
SECRET_STATUS = "geheim"
SECRET_LINE, SECRET_GROUND = "#595959", "#ffffff"
"""Withheld areas are hatched: dark lines on white, which no class has."""
OTHER_COLOUR = "#d9d9d9"

# ColorBrewer 2.0 (C. A. Brewer, Pennsylvania State University), sequential, safe for colour-blind
# readers: burdens in red, what is neither in blue, what is good in green
RAMPS = {
    -1: ("#ffffb2", "#fecc5c", "#fd8d3c", "#f03b20", "#bd0026"),
    0: ("#eff3ff", "#bdd7e7", "#6baed6", "#3182bd", "#08519c"),
    1: ("#edf8e9", "#bae4b3", "#74c476", "#31a354", "#006d2c"),
}


# The newest definition of each indicator
NEWEST = """
    SELECT * FROM dim_indikator
    QUALIFY row_number() OVER (PARTITION BY indikator_id ORDER BY version DESC) = 1
"""


class Entry(NamedTuple):
    """One class of a legend.

    Attributes:
        label: German, as printed.
        colour: `#rrggbb`.
        ueber, bis: of numbers, (ueber, bis]; None is open.
        klasse: of classes that are words, the word.
    """

    label: str
    colour: str
    ueber: float | None = None
    bis: float | None = None
    klasse: str | None = None

    def holds(self, value: float | str) -> bool:
        """Return whether a value belongs to this class."""
        if isinstance(value, str):
            return value == self.klasse
        return (self.ueber is None or value > self.ueber) and (
            self.bis is None or value <= self.bis
        )


class Legend(NamedTuple):
    """The legend of one indicator or index.

    Attributes:
        key: `indikator_id` or `index_id`.
        column: the layers' column with the value; `<key>_status` tells why there is none.
        title: name and unit.
        entries: classes from low to high.
    """

    key: str
    column: str
    title: str
    entries: tuple[Entry, ...]

    def entry(self, value: float | str | None) -> Entry | None:
        """Return the class of a value; None without a value or class."""
        if value is None:
            return None
        return next((entry for entry in self.entries if entry.holds(value)), None)


def legends(con: "duckdb.DuckDBPyConnection") -> dict[str, Legend]:
    """Return the legend of each indicator that has limits or classes, and of each index.

    Args:
        con: the database of a draft or an edition.
    """
    return {legend.key: legend for legend in (*_numbers(con), *_words(con), *_indices(con))}


def ramp(count: int, polarity: int) -> list[str]:
    """Return as many colours as there are classes, light to dark.

    More than five classes are interpolated between the five.
    """
    colours = [tuple(bytes.fromhex(colour[1:])) for colour in RAMPS[polarity]]
    if count == 1:
        return [RAMPS[polarity][2]]
    places = [number * (len(colours) - 1) / (count - 1) for number in range(count)]
    return [_between(colours, place) for place in places]


def _between(colours: list[tuple[int, ...]], place: float) -> str:
    low = min(int(place), len(colours) - 2)
    part = place - low
    mixed = (round(a + (b - a) * part) for a, b in zip(colours[low], colours[low + 1], strict=True))
    return "#" + "".join(f"{channel:02x}" for channel in mixed)


def _numbers(con: "duckdb.DuckDBPyConnection") -> Iterable[Legend]:
    rows = con.execute(
        f"""
        SELECT indikator_id, any_value(entry.name), any_value(einheit), any_value(polaritaet),
            list({{'ueber': ueber, 'bis': bis}} ORDER BY klasse)
        FROM dim_klassengrenze AS grenze JOIN ({NEWEST}) AS entry USING (indikator_id)
        WHERE grenze.name IS NULL
        GROUP BY indikator_id ORDER BY indikator_id
        """
    ).fetchall()
    for key, name, unit, polarity, limits in rows:
        digits = _digits(limit["bis"] for limit in limits)
        entries = [
            Entry(
                _label(limit["ueber"], limit["bis"], digits), colour, limit["ueber"], limit["bis"]
            )
            for limit, colour in zip(limits, ramp(len(limits), polarity or 0), strict=True)
        ]
        yield Legend(key, key, f"{name} ({unit})" if unit else name, tuple(entries))


def _words(con: "duckdb.DuckDBPyConnection") -> Iterable[Legend]:
    """Indicators of art `klasse`, whose classes are declared words, from low to high."""
    rows = con.execute(
        f"""
        SELECT indikator_id, any_value(entry.name), any_value(polaritaet),
            list(grenze.name ORDER BY grenze.klasse)
        FROM dim_klassengrenze AS grenze JOIN ({NEWEST}) AS entry USING (indikator_id)
        WHERE grenze.name IS NOT NULL
        GROUP BY indikator_id ORDER BY indikator_id
        """
    ).fetchall()
    for key, name, polarity, words in rows:
        yield Legend(key, f"{key}_klasse", name, _named(words, polarity or 0))


def _indices(con: "duckdb.DuckDBPyConnection") -> Iterable[Legend]:
    rows = con.execute(
        "SELECT index_id, any_value(name), list(klasse ORDER BY rang) FROM dim_indexklasse "
        "GROUP BY index_id ORDER BY index_id"
    ).fetchall()
    for key, name, words in rows:
        yield Legend(key, f"{key}_klasse", name, _named(words, -1))


def _named(words: list[str], polarity: int) -> tuple[Entry, ...]:
    return tuple(
        Entry(word, colour, klasse=word)
        for word, colour in zip(words, ramp(len(words), polarity), strict=True)
    )


def _digits(limits: Iterable[float | None]) -> int:
    told = [f"{limit:.6f}".rstrip("0").partition(".")[2] for limit in limits if limit is not None]
    return max(map(len, told), default=0)


def _label(low: float | None, high: float | None, digits: int) -> str:
    if low is None and high is None:
        return "alle Werte"
    if low is None:
        return f"bis {number(high, digits)}"
    if high is None:
        return f"über {number(low, digits)}"
    return f"über {number(low, digits)} bis {number(high, digits)}"
