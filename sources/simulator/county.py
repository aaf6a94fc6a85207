"""The synthetic county: its frames, and the views of them that partners' files are written from.

`make_county` puts together space, streets and people; the registers' totals follow the profile.
True results are `truth.py`, files are `writers/`.
"""

from dataclasses import dataclass, field, replace
from datetime import date
from zlib import crc32

import numpy as np
import pandas as pd

from sources.simulator.needs import make_needs
from sources.simulator.people import CUT_DAYS, YEARS, make_people
from sources.simulator.profile import Profile
from sources.simulator.space import make_space
from sources.simulator.streets import make_addresses

GROWTH = {2013: 0.003, 2014: 0.006, 2015: 0.012}
"""How the registers grow in a year, on average."""

FIRST_YEAR = 2010
"""Yearly totals go back to this year."""

DEVIATION = (0.006, 0.018)
"""By which share of its size a register differs from the Fortschreibung, at least and at most."""

MORE_SHARE = 0.7
"""Share of the registers that have more people than the Fortschreibung."""

MIDDLING = 0.45
"""Deprivation where no area is known."""


@dataclass(frozen=True, repr=False)
class County:
    """A synthetic county; see `make_county`.

    Attributes:
        profile: what is particular to it.
        scale: share of it that was made.
        seed: where its chance began.
        stichtage: the reference dates of the stocks.
        kommunen: kommune_id, name, geometry, fortschreibung (year -> inhabitants, 2010 to 2015).
        fortschreibung: kommune_id, jahr, geschlecht (maennlich, weiblich), anzahl.
        sozialraeume: raum_id, gebietsstand, kommune_id, raum_name, geometry (EPSG:25832),
            deprivation (0 to 1).
        bezirke: bezirk_id, name, geometry of a further system of areas; may be empty.
        strassen: see `streets.Addresses`.
        adressen: see `streets.Addresses`; its row number is `adresse`.
        menschen: what does not change of a person; its row number is `person`. `geburtsmonat` is
            JJJJMM as a number, MM 00 if not known; `rolle` in the household (0 and 1 adults, 2
            child); `migrationshintergrund` is the truth, which a register shows almost always.
        personen: one row for each person and stay: person, haushalt, adresse (-1: one that the
            register of addresses does not know), kommune_id, von, bis (NaT: open), anlass_von,
            anlass_bis, buchung_von, buchung_bis, herkunft, ziel ('' where it does not apply).
        jahressummen: raum_id (also `<kommune_id>-ohne`), jahr, anzahl: the registers' totals of
            the years before the first stock, by the areas of the first Gebietsstand.
    """

    profile: Profile
    scale: float
    seed: int
    stichtage: tuple[date, ...]
    kommunen: pd.DataFrame
    fortschreibung: pd.DataFrame
    sozialraeume: pd.DataFrame
    bezirke: pd.DataFrame
    strassen: pd.DataFrame
    adressen: pd.DataFrame
    menschen: pd.DataFrame
    personen: pd.DataFrame
    jahressummen: pd.DataFrame = field(default_factory=pd.DataFrame)
    _made: dict = field(default_factory=dict, repr=False, compare=False)

    def raum_am(self, adresse: np.ndarray, kommune_id: pd.Series, stichtag: date) -> pd.Categorical:
        """Return the Sozialraum of addresses by the Gebietsstand that is valid at a day;
        `<kommune_id>-ohne` for the address -1.
        """
        raum = self.adressen[f"raum_{self.profile.gebietsstand_am(stichtag)}"].cat
        ids = [kommune.kommune_id for kommune in self.profile.kommunen]
        categories = [*raum.categories, *(f"{kommune}-ohne" for kommune in ids)]
        codes = raum.codes.to_numpy()[adresse].astype(np.int16)
        nowhere = len(raum.categories) + pd.Index(ids).get_indexer(kommune_id)
        return pd.Categorical.from_codes(np.where(adresse < 0, nowhere, codes), categories)

    def bestand(self, jahr: int) -> pd.DataFrame:
        """Return everybody whom the registers know at 31.12.: booked until 31 days later.

        One row for each person: person, haushalt, adresse, kommune_id, raum_id (of the Gebietsstand
        valid then), einzug_wohnung, alter, staatsangehoerigkeit (deutsch, auslaendisch), art of the
        address, and what `menschen` has. Rows with wohnungsstatus `neben` are no inhabitants.
        Pointers to those who are not registered are -1; who lost husband or wife is widowed.
        """
        if ("bestand", jahr) not in self._made:
            self._made["bestand", jahr] = self._stock(jahr)
        return self._made["bestand", jahr]

    def lagen(self, jahr: int) -> pd.DataFrame:
        """Return the needs of everybody in the stock of a year, row by row as `bestand`.

        Columns: person, haushalt, adresse, kommune_id, raum_id, alter, geschlecht,
        staatsangehoerigkeit; sgb2, personengruppe (elb, nef, ''), bg (-1: none), bg_typ;
        arbeitslos, arbeitslos_sgb2, langzeit; pflege (none, ambulant, stationaer, pflegegeld),
        hilfe_pflege; gs (none, hlu, gs_alter, gs_erwerbsminderung), betrag (EUR a month); gdb (0,
        20 to 100), merkzeichen (comma between codes); kita; hze (none or its paragraph),
        hze_beendet (else running), hze_kosten (EUR a year); seu, erstsprache, deutschkompetenz
        (0: not examined), sopess, groesse (cm), gewicht (kg), impfbuch, mmr (-1: no card),
        vorsorgeheft, u8, u9.
        """
        if ("lagen", jahr) not in self._made:
            stock = self.bestand(jahr)
            self._made["lagen", jahr] = make_needs(
                stock, self._deprivation(stock, jahr), len(self.menschen), self.seed, jahr
            )
        return self._made["lagen", jahr]

    def _stock(self, jahr: int) -> pd.DataFrame:
        stays = known_at(self.personen, jahr)
        person = stays["person"].to_numpy()
        adresse = stays["adresse"].to_numpy()
        frame = self.menschen.iloc[person].reset_index(drop=True)
        frame.insert(1, "haushalt", stays["haushalt"].to_numpy())
        frame.insert(2, "adresse", adresse)
        frame.insert(3, "kommune_id", stays["kommune_id"].array)
        frame.insert(4, "raum_id", self.raum_am(adresse, stays["kommune_id"], date(jahr, 12, 31)))
        frame["einzug_wohnung"] = stays["von"].to_numpy()
        frame["alter"] = (jahr - frame["geburtsmonat"].to_numpy() // 100).astype(np.int16)
        frame["staatsangehoerigkeit"] = pd.Categorical.from_codes(
            (frame["staat1"] != "000").astype(np.int8), ["deutsch", "auslaendisch"]
        )
        art = self.adressen["art"].cat
        codes = np.where(adresse < 0, 0, art.codes.to_numpy()[adresse])
        frame["art"] = pd.Categorical.from_codes(codes, art.categories)
        return _registered_pointers(frame, len(self.menschen))

    def _deprivation(self, stock: pd.DataFrame, jahr: int) -> np.ndarray:
        stand = self.profile.gebietsstand_am(date(jahr, 12, 31))
        areas = self.sozialraeume[self.sozialraeume["gebietsstand"] == stand]
        of_area = areas.set_index("raum_id")["deprivation"]
        by_code = of_area.reindex(stock["raum_id"].cat.categories).fillna(MIDDLING).to_numpy()
        return by_code[stock["raum_id"].cat.codes]


def make_county(profile: Profile, scale: float = 1.0, seed: int | None = None) -> County:
    """Make a synthetic county.

    Args:
        profile: what is particular to it.
        scale: share of its inhabitants, addresses and beds that are made; areas stay.
        seed: the same seed gives the same county; by default that of the profile.
    """
    seed = profile.seed if seed is None else seed
    space = make_space(profile, _rng(seed, "space"))
    streets = make_addresses(profile, space, scale, _rng(seed, "streets"))
    totals, deviation = _totals(profile, scale, _rng(seed, "totals"))
    soll = totals[:, YEARS[0] - 1 - FIRST_YEAR :]
    people = make_people(profile, streets.adressen, scale, soll, _rng(seed, "people"))
    fortschreibung = _fortschreibung(profile, scale, totals, deviation)
    county = County(
        profile=profile,
        scale=scale,
        seed=seed,
        stichtage=tuple(date(year, 12, 31) for year in YEARS),
        kommunen=space.kommunen.assign(fortschreibung=fortschreibung),
        fortschreibung=_by_sex(space.kommunen["kommune_id"], fortschreibung),
        sozialraeume=space.sozialraeume,
        bezirke=space.bezirke,
        strassen=streets.strassen,
        adressen=streets.adressen.drop(columns=["kommune", "gewicht"]),
        menschen=people.menschen,
        personen=people.personen,
    )
    earlier = _earlier_totals(county, totals, _rng(seed, "jahressummen"))
    return replace(county, jahressummen=earlier)


def known_at(personen: pd.DataFrame, jahr: int) -> pd.DataFrame:
    """Return the stays that a register knows at 31.12.: whatever is booked later, it has not heard
    of: a late arrival is not there yet, a late departure is still there.
    """
    stichtag = np.datetime64(f"{jahr}-12-31")
    cut = stichtag + np.timedelta64(CUT_DAYS, "D")
    begun = (personen["von"] <= stichtag) & (personen["buchung_von"] <= cut)
    ended = (personen["bis"] <= stichtag) & (personen["buchung_bis"] <= cut)
    return personen[begun & ~ended]


def _rng(seed: int, part: str) -> np.random.Generator:
    """A source of chance for each part, so that a change in one leaves the others as they are."""
    return np.random.default_rng([seed, crc32(part.encode())])


def _registered_pointers(frame: pd.DataFrame, persons: int) -> pd.DataFrame:
    """Cut pointers to those who are not in the stock."""
    there = np.zeros(persons + 1, bool)
    there[frame["person"]] = True
    there[-1] = False
    lost = (frame["ehegatte"] >= 0).to_numpy() & ~there[frame["ehegatte"]]
    for pointer in ("ehegatte", "vater", "mutter"):
        target = frame[pointer].to_numpy()
        frame[pointer] = np.where(there[target], target, -1).astype(np.int32)
    codes = frame["familienstand"].cat.codes.to_numpy().copy()
    categories = list(frame["familienstand"].cat.categories)
    codes[lost] = categories.index("verwitwet")
    frame["familienstand"] = pd.Categorical.from_codes(codes, categories)
    return frame


def _totals(
    profile: Profile, scale: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return the registers' inhabitants, municipality × year from FIRST_YEAR on, and by which
    share they differ from the Fortschreibung. Most registers have more people than it.
    """
    official = np.array([kommune.einwohner for kommune in profile.kommunen]) * scale
    number = len(official)
    years = range(FIRST_YEAR, YEARS[-1] + 1)
    sign = np.where(rng.random(number) < MORE_SHARE, 1, -1)
    deviation = (sign * rng.uniform(*DEVIATION, number))[:, None] * np.ones(len(years))
    drift = rng.uniform(-0.001, 0.001, deviation.shape)
    deviation = sign[:, None] * np.clip(np.abs(deviation) + drift, *DEVIATION)
    totals = np.zeros(deviation.shape)
    totals[:, -1] = official * (1 + deviation[:, -1])
    for column in range(len(years) - 1, 0, -1):
        growth = GROWTH.get(years[column], 0.002) + rng.uniform(-0.002, 0.002, number)
        totals[:, column - 1] = totals[:, column] / (1 + growth)
    return np.round(totals).astype(int), deviation


def _fortschreibung(
    profile: Profile, scale: float, totals: np.ndarray, deviation: np.ndarray
) -> list[dict[int, int]]:
    official = np.round(totals / (1 + deviation)).astype(int)
    official[:, -1] = [round(kommune.einwohner * scale) for kommune in profile.kommunen]
    return [
        {FIRST_YEAR + column: int(number) for column, number in enumerate(row)} for row in official
    ]


def _by_sex(kommune_id: pd.Series, fortschreibung: list[dict[int, int]]) -> pd.DataFrame:
    rows = [
        (kommune, jahr, sex, number)
        for kommune, years in zip(kommune_id, fortschreibung, strict=True)
        for jahr, total in years.items()
        for sex, number in (
            ("maennlich", round(total * 0.488)),
            ("weiblich", total - round(total * 0.488)),
        )
    ]
    return pd.DataFrame(rows, columns=["kommune_id", "jahr", "geschlecht", "anzahl"])


def _earlier_totals(county: County, totals: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    """Scale the first stock back to the years before it, area by area."""
    stock = county.bestand(YEARS[0])
    primary = stock[stock["wohnungsstatus"] != "neben"]
    now = primary.groupby("raum_id", observed=False).size()
    ids = [kommune.kommune_id for kommune in county.profile.kommunen]
    of_area = pd.Index(ids).get_indexer([raum_id[:8] for raum_id in now.index])
    frames = []
    for jahr in range(FIRST_YEAR, YEARS[0]):
        factor = totals[:, jahr - FIRST_YEAR] / totals[:, YEARS[0] - FIRST_YEAR]
        then = now.to_numpy() * factor[of_area] * rng.normal(1, 0.008, len(now))
        frames.append(
            pd.DataFrame({"raum_id": now.index.astype(str), "jahr": jahr, "anzahl": np.round(then)})
        )
    return pd.concat(frames, ignore_index=True).astype({"anzahl": np.int32})
