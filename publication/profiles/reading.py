"""What the profiles are made from: everything that they tell of, read at once from the marts.

One query for each table, whatever the number of areas, and only columns for everyone. Not here: how
any of it is told.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from publication.handbuch import HANDBOOK
from publication.imprint import Imprint
from publication.layers import SHOWN
from publication.legends import NEWEST, Legend, legends
from publication.material import Material
from publication.numbers import day, number, signed
from publication.profiles import words as german
from publication.profiles.choice import INDICATOR, Profile, chosen
from publication.profiles.document import CLASS, DAY, NAME, Piece, Words, words
from publication.profiles.marks import OWN, SIGNED, Mark, digits
from publication.tables import PublishedTable, table_named

if TYPE_CHECKING:
    import duckdb


class Area(NamedTuple):
    """An area of the Gebietsstand that its level shows."""

    raum_id: str
    gebietsstand: str
    raumebene: str
    raum_name: str
    kommune_id: str | None
    kreis_id: str | None
    flaeche_km2: float | None


class Indicator(NamedTuple):
    """The newest definition of an indicator."""

    indikator_id: str
    version: int
    name: str
    thema: str
    art: str
    definition: str | None
    zaehler_definition: str | None
    nenner_definition: str | None
    einheit: str | None
    quelle: str | None
    quelle_vorhanden: bool | None
    stichtag_regel: str | None
    fruehere_versionen: str | None
    nicht_vergleichbar_mit: str | None
    polaritaet: int | None
    beschlossen_am: date | None
    beschlossen_von: str | None
    min_nenner: int | None
    min_einwohner: int | None
    min_zaehler: int | None
    min_zaehler_sozialraum: int | None


class Figure(NamedTuple):
    """What is published of one area, indicator and Stichtag; `tabelle` says where."""

    tabelle: str
    raum_id: str
    gebietsstand: str
    stichtag: date
    indikator_id: str
    version: int
    wert: float | None
    klasse: str | None
    status: str
    umgerechnet: bool
    geschaetzt: bool
    untergrenze: float | None
    obergrenze: float | None
    kommune_wert: float | None
    kreis_wert: float | None
    abw_kommune: float | None
    abw_kreis: float | None
    auffaellig: str | None
    richtung: str | None
    aussagekraft: str | None

    @property
    def shown(self) -> bool:
        """Whether there is a value to show."""
        return self.status == "ok" and (self.wert is not None or self.klasse is not None)

    def mark(self, column: str) -> Mark:
        """Return where one of its numbers comes from."""
        return _mark_of_series(self.tabelle, self, column)


class Point(NamedTuple):
    """One Stichtag of a series."""

    raum_id: str
    gebietsstand: str
    stichtag: date
    indikator_id: str
    version: int
    wert: float | None
    klasse: str | None
    status: str
    umgerechnet: bool
    bruch: str | None
    bruch_text: str | None
    vor_stichtag: date | None
    veraenderung: float | None
    trend: str | None

    @property
    def shown(self) -> bool:
        """Whether there is a value to show."""
        return self.status == "ok" and (self.wert is not None or self.klasse is not None)

    def mark(self, column: str) -> Mark:
        """Return where one of its numbers comes from."""
        return _mark_of_series("mart_reihe", self, column)


class IndexClass(NamedTuple):
    """The class of an area in one index."""

    raum_id: str
    gebietsstand: str
    stichtag: date
    index_id: str
    klasse: str | None
    status: str
    fehlende_teile: str | None

    @property
    def shown(self) -> bool:
        """Whether there is a class to show."""
        return self.status == "ok" and self.klasse is not None

    def mark(self) -> Mark:
        """Return where the class comes from."""
        key = (self.raum_id, self.gebietsstand, str(self.stichtag), self.index_id)
        return Mark("mart_index", key, "klasse")


class People(NamedTuple):
    """How many live in an area, by age and sex."""

    raum_id: str
    gebietsstand: str
    stichtag: date
    basis: str
    altersgruppe: str
    geschlecht: str
    staatsangehoerigkeit: str
    anzahl: int | None
    status: str

    @property
    def shown(self) -> bool:
        """Whether there is a number to show."""
        return self.status == "ok" and self.anzahl is not None

    def mark(self) -> Mark:
        """Return where the number comes from."""
        return Mark("mart_bevoelkerung", tuple(map(str, self[:7])), "anzahl")


class Peer(NamedTuple):
    """An area that resembles another one."""

    vergleich_id: str
    raum_id: str
    gebietsstand: str
    stichtag: date
    peer_raum_id: str | None
    distanz: float | None
    status: str

    def mark(self) -> Mark:
        """Return where the distance comes from."""
        return Mark("mart_vergleichsraum", tuple(map(str, self[:5])), "distanz")


class Need(NamedTuple):
    """Whether burdens come together in an area, by one set of thresholds."""

    raum_id: str
    gebietsstand: str
    stichtag: date
    schwellen_id: str
    anzahl_ueberschritten: int | None
    anzahl_bewertet: int | None
    anzahl_regeln: int | None
    erhoehter_bedarf: bool | None
    seit: date | None
    begruendung: str | None
    status: str

    def mark(self, column: str) -> Mark:
        """Return where one of its numbers comes from."""
        return Mark("mart_kumulation", tuple(map(str, self[:4])), column)


class Check(NamedTuple):
    """An own figure beside that of somebody else."""

    raum_id: str
    gebietsstand: str
    stichtag: date
    gegenstand: str
    name: str
    einheit: str | None
    eigener_wert: float | None
    fremder_wert: float | None
    quelle_fremd: str | None
    differenz: float | None
    erklaerung: str | None
    status: str

    def mark(self, column: str) -> Mark:
        """Return where one of its numbers comes from."""
        return Mark("mart_abgleich", tuple(map(str, self[:4])), column)


class Hint(NamedTuple):
    """What somebody has to know of an area, an indicator, or both; `alle` is each."""

    raum_id: str
    indikator_id: str
    stichtag_von: date | None
    stichtag_bis: date | None
    art: str
    text: str

    def covers(self, when: date) -> bool:
        """Return whether it is valid for a Stichtag."""
        return (self.stichtag_von or when) <= when <= (self.stichtag_bis or when)


class Statement(NamedTuple):
    """What a municipality, a carrier or the planners say of an area."""

    position: int
    raum_id: str
    art: str
    von: str
    am: date
    text: str


@dataclass(frozen=True)
class Known:
    """Everything that profiles tell of; keyed by area, then by indicator or index.

    `figures` and `classes` hold the newest Stichtag of each level; `series` holds the key figures
    of every area and all indicators of the Kreis; `people` the newest Stichtag with age bands.
    """

    imprint: Imprint
    facts: Mapping
    handbook: bool
    profiles: Mapping[Profile, None]
    areas: Mapping[str, Area]
    indicators: Mapping[str, Indicator]
    legends: Mapping[str, Legend]
    index_names: Mapping[str, str]
    figures: Mapping[str, Mapping[str, Figure]]
    classes: Mapping[str, Mapping[str, IndexClass]]
    series: Mapping[str, Mapping[str, Sequence[Point]]]
    people: Mapping[str, Sequence[People]]
    peers: Mapping[str, Sequence[Peer]]
    needs: Mapping[str, Sequence[Need]]
    checks: Mapping[str, Sequence[Check]]
    hints: Sequence[Hint]
    statements: Mapping[str, Sequence[Statement]]

    @property
    def leading(self) -> tuple[str, ...]:
        """The key figures that are defined."""
        return tuple(key for key in self.imprint.leitindikatoren if key in self.indicators)

    def within(self, unit: str, level: str) -> list[Area]:
        """Return the areas of a level within a Kommune or the Kreis, by their keys."""
        return [
            area
            for area in self.areas.values()
            if area.raumebene == level and unit in (area.kommune_id, area.kreis_id)
        ]

    def link(self, kind: str, key: str) -> str | None:
        """Return the page of a profile; None if the edition has none."""
        profile = Profile(kind, key)
        return profile.page if profile in self.profiles else None

    def area(self, key: str) -> Piece:
        """Return the name of an area, with a link to its profile."""
        area = self.areas.get(key)
        if area is None:
            return Piece(key, NAME)
        return Piece(area.raum_name, NAME, link=self.link(area.raumebene, key))

    def indicator(self, key: str, *, unit: bool = False) -> Piece:
        """Return the name of an indicator, with a link to its profile."""
        found = self.indicators.get(key)
        if found is None:
            return Piece(key, NAME)
        text = f"{found.name} ({found.einheit})" if unit and found.einheit else found.name
        return Piece(text, NAME, link=self.link(INDICATOR, key))

    def index(self, key: str) -> Piece:
        """Return the name of an index."""
        return Piece(self.index_names.get(key, german.spelled(key)), NAME)

    def number(self, value: float | None, mark: Mark, indicator: str | None = None) -> Piece:
        """Return a number as printed, with where it comes from.

        Args:
            value: None is a dash.
            mark: its cell.
            indicator: whose art and unit decide on digits; for others see `number_in`.
        """
        found = self.indicators.get(indicator or "")
        return number_in(value, mark, found.art if found else None, found and found.einheit)

    def value(self, figure: "Figure | Point | None", column: str = "wert") -> Words:
        """Return a value of an indicator, or in words why there is none."""
        if figure is None:
            return (absent(None),)
        if column in OWN and not figure.shown:
            return (absent(figure.status),)
        if column == "wert" and figure.klasse is not None:
            return (Piece(german.class_word(figure.klasse), CLASS, figure.mark("klasse")),)
        found = getattr(figure, column)
        return (self.number(found, figure.mark(column), figure.indikator_id),)


def number_in(value: float | None, mark: Mark, art: str | None, unit: str | None) -> Piece:
    """Return a number as printed, with where it comes from; None is a dash."""
    if value is None:
        return Piece(number(None))
    form = signed if mark.column in SIGNED else number
    return Piece(form(value, digits(mark, art, unit)), mark=mark)


def absent(status: str | None) -> Piece:
    """Return in words why there is no value; None: there is no row."""
    return Piece(german.status(status), secret=status in ("geheim", "nicht_freigegeben"))


def dated(value: date | None) -> Piece:
    """Return a day as printed."""
    return Piece(day(value), DAY)


def index_class(known: Known, found: IndexClass | None) -> Words:
    """Return the class of an area in an index, or in words why there is none."""
    if found is None or not found.shown:
        return (absent(found.status if found else None),)
    return words(Piece(german.class_word(found.klasse), CLASS, found.mark()))


# What each record is read from, and the columns that have to be for everyone
RECORDS = {
    "dim_raum": Area,
    "dim_indikator": Indicator,
    "mart_indikator": Figure,
    "mart_reihe": Point,
    "mart_index": IndexClass,
    "mart_bevoelkerung": People,
    "mart_vergleichsraum": Peer,
    "mart_kumulation": Need,
    "mart_abgleich": Check,
    "mart_hinweis": Hint,
    "dim_stellungnahme": Statement,
}


def read(material: Material) -> Known:
    """Read everything that the profiles of an edition tell of.

    Raises:
        ValueError: a column that the profiles need is not for everyone, a key is no plain file
            name, or the fact that chooses profiles is unknown.
    """
    check_audience(material.tables)
    with material.open() as con:
        areas = _areas(con)
        kreise = [key for key, area in areas.items() if area.raumebene == "kreis"]
        leading = list(material.imprint.leitindikatoren)
        return Known(
            imprint=material.imprint,
            facts=material.facts,
            handbook=(material.folder / HANDBOOK).exists(),
            profiles=dict.fromkeys(chosen(con, material.imprint, material.facts)),
            areas=areas,
            indicators={row.indikator_id: row for row in _rows(con, Indicator, NEWEST)},
            legends=legends(con),
            index_names=_index_names(con),
            figures=_by(_rows(con, Figure, FIGURES), "indikator_id"),
            classes=_by(_rows(con, IndexClass, CLASSES), "index_id"),
            series=_series(_rows(con, Point, SERIES, [leading, kreise])),
            people=_grouped(_rows(con, People, PEOPLE)),
            peers=_grouped(_rows(con, Peer, PEERS, order="distanz, peer_raum_id, raum_id")),
            needs=_grouped(_rows(con, Need, NEEDS)),
            checks=_grouped(_rows(con, Check, CHECKS)),
            hints=tuple(_rows(con, Hint, "FROM mart_hinweis")),
            statements=_grouped(_rows(con, Statement, "FROM dim_stellungnahme")),
        )


def check_audience(tables: Sequence[PublishedTable]) -> None:
    """Demand that every column the profiles read is for everyone.

    Raises:
        ValueError: one is not.
    """
    for name, record in RECORDS.items():
        public = table_named(tables, name).public_columns()
        needed = {*record._fields} - {"tabelle"}
        withheld = sorted(needed - set(public))
        if withheld:
            raise ValueError(
                f"{name}: expected columns for everyone (audience oeffentlich) in profiles, "
                f"found {', '.join(withheld)} not so; change their audience in the model"
            )


def _of_shown(table: str) -> str:
    return f"SELECT * FROM {table} JOIN ({SHOWN}) USING (raumebene, gebietsstand)"


def _newest(query: str, per: str) -> str:
    return f"""
        FROM ({query})
        QUALIFY dense_rank() OVER (PARTITION BY raumebene, {per} ORDER BY stichtag DESC) = 1
    """


_KEPT = (
    "raum_id, gebietsstand, raumebene, stichtag, indikator_id, version, wert, klasse, status, "
    "umgerechnet, geschaetzt"
)

# The newest Stichtag of each level and indicator. What is only told on an older Gebietsstand comes
# from its series on the one that is shown
FIGURES = f"""
    FROM (
        SELECT
            'mart_indikator' AS tabelle, {_KEPT}, untergrenze, obergrenze, kommune_wert, kreis_wert,
            abw_kommune, abw_kreis, auffaellig, richtung, aussagekraft
        FROM ({_of_shown("mart_indikator")})
        UNION ALL BY NAME
        SELECT 'mart_reihe' AS tabelle, {_KEPT}
        FROM ({_of_shown("mart_reihe")})
        WHERE (raumebene, indikator_id) NOT IN (
            SELECT DISTINCT (raumebene, indikator_id) FROM ({_of_shown("mart_indikator")})
        )
    )
    QUALIFY dense_rank() OVER (
        PARTITION BY raumebene, indikator_id ORDER BY stichtag DESC, version DESC
    ) = 1
"""
CLASSES = _newest(_of_shown("mart_index"), "index_id")
SERIES = f"""
    FROM ({_of_shown("mart_reihe")})
    WHERE list_contains(?, indikator_id) OR list_contains(?, raum_id)
"""
PEOPLE = f"""
    FROM ({_of_shown("mart_bevoelkerung")})
    WHERE staatsangehoerigkeit = 'insgesamt'
    QUALIFY stichtag = max(stichtag) FILTER (WHERE altersgruppe <> 'insgesamt')
        OVER (PARTITION BY raumebene, basis)
"""
PEERS = _newest(_of_shown("mart_vergleichsraum"), "vergleich_id")
NEEDS = _newest(_of_shown("mart_kumulation"), "schwellen_id")
CHECKS = _newest(_of_shown("mart_abgleich"), "gegenstand")


def _rows(
    con: "duckdb.DuckDBPyConnection",
    record: type,
    query: str,
    values: Sequence = (),
    order: str = "ALL",
) -> list:
    """Return the rows of a query as records, ordered by all of their columns or as asked for."""
    columns = ", ".join(record._fields)
    rows = con.execute(f"SELECT {columns} FROM ({query}) ORDER BY {order}", values).fetchall()
    return [record(*row) for row in rows]


def _areas(con: "duckdb.DuckDBPyConnection") -> dict[str, Area]:
    return {row.raum_id: row for row in _rows(con, Area, _of_shown("dim_raum"))}


def _index_names(con: "duckdb.DuckDBPyConnection") -> dict[str, str]:
    return dict(
        con.execute(
            "SELECT index_id, any_value(name) FROM dim_indexklasse GROUP BY index_id ORDER BY ALL"
        ).fetchall()
    )


def _grouped(rows: Iterable) -> dict[str, list]:
    result: dict[str, list] = {}
    for row in rows:
        result.setdefault(row.raum_id, []).append(row)
    return result


def _by(rows: Iterable, key: str) -> dict[str, dict]:
    result: dict[str, dict] = {}
    for row in rows:
        result.setdefault(row.raum_id, {})[getattr(row, key)] = row
    return result


def _series(rows: Iterable[Point]) -> dict[str, dict[str, list[Point]]]:
    result: dict[str, dict[str, list[Point]]] = {}
    for row in sorted(rows, key=lambda row: (row.raum_id, row.stichtag, row.version)):
        result.setdefault(row.raum_id, {}).setdefault(row.indikator_id, []).append(row)
    return result


def _mark_of_series(table: str, row: Figure | Point, column: str) -> Mark:
    key = (row.raum_id, row.gebietsstand, str(row.stichtag), row.indikator_id, str(row.version))
    return Mark(table, key, column)
