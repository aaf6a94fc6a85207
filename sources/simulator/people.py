"""What happens to people: who lives where from when to when, and what the register books of it.

Three years are played: deaths, births, moves in, out and within a municipality. Nobody has more
than one event in a year, so that events never contradict each other. Most are booked within three
weeks; about one in a hundred after the register's yearly cut, `CUT_DAYS` after the Stichtag.
Moves from one municipality of the county into another do not occur: registers cannot link them.
What people need is `needs.py`.
"""

# Shares stand where they are drawn; a name for each would say nothing more.
# ruff: noqa: PLR2004

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sources.simulator import households as hh
from sources.simulator.profile import Profile

YEARS = (2013, 2014, 2015)

CUT_DAYS = 31
"""Days after a Stichtag until which bookings count for it."""

LATE_SHARE = 0.01
NEBEN_SHARE = 0.01

UNKNOWN_SHARE = 0.0017
"""Share of persons whose address the register of addresses does not know."""

UNKNOWN_MIN = 14
"""At least so many of them in each municipality, at scale 1."""

OCCUPIED = {
    2012: {"pflegeheim": 0.95, "wohnheim": 0.95, "unterkunft": 0.35},
    2013: {"pflegeheim": 0.95, "wohnheim": 0.95, "unterkunft": 0.40},
    2014: {"pflegeheim": 0.95, "wohnheim": 0.95, "unterkunft": 0.50},
    2015: {"pflegeheim": 0.95, "wohnheim": 0.95, "unterkunft": 0.95},
}
"""Which share of the beds of special places is taken at the end of a year."""

REFUGEES = {2012: 0.005, 2013: 0.03, 2014: 0.05, 2015: 0.12}
"""Share of arriving households that have fled."""

ALONE = np.where([kind in ("single_jung", "single_mittel") for kind in hh.KINDS], 0.5, 0.0)
"""Shares of the kinds where one person more must come."""

ANLAESSE = ("bestand_alt", "geburt", "zuzug", "umzug", "sterbefall", "fortzug")
ALT, GEBURT, ZUZUG, UMZUG, STERBEFALL, FORTZUG = range(6)
NEVER = np.datetime64("NaT", "D")
NO_ADDRESS = -1
SECONDARY = hh.TEXTS["wohnungsstatus"].index("neben")


@dataclass(frozen=True)
class People:
    """People and where they live.

    Attributes:
        menschen: one row for each person, in the order of their numbers: what does not change.
        personen: one row for each person and stay at an address.
    """

    menschen: pd.DataFrame
    personen: pd.DataFrame


def make_people(
    profile: Profile, adressen: pd.DataFrame, scale: float, soll: np.ndarray, rng
) -> People:
    """Play the years.

    Args:
        profile: the county.
        adressen: its addresses, ordered by municipality.
        scale: share of the county that is made.
        soll: inhabitants of each municipality (rows) before the first year and at the end of each
            (columns) as its register knows them, without secondary residences; met exactly.
        rng: source of chance.
    """
    town = _Town(profile, adressen, scale, rng)
    town.settle(soll[:, 0])
    for position, year in enumerate(YEARS, start=1):
        town.play(year, soll[:, position])
    return People(town.menschen_frame(), town.personen_frame())


def choose_addresses(
    adressen: pd.DataFrame, kommune: np.ndarray, year: int, rng: np.random.Generator
) -> np.ndarray:
    """Choose an address in its municipality for each household, by how much lives there."""
    built, of = adressen["ab"].to_numpy(), adressen["kommune"].to_numpy()
    weight = adressen["gewicht"].to_numpy() * np.select([built < year, built == year], [1.0, 3.0])
    edges = np.r_[0.0, np.cumsum(weight)]
    first, end = (np.searchsorted(of, kommune, side=side) for side in ("left", "right"))
    drawn = edges[first] + rng.random(len(kommune)) * (edges[end] - edges[first])
    chosen = np.searchsorted(edges, drawn, side="right") - 1
    return np.clip(chosen, first, end - 1).astype(np.int32)


class _Town:
    """The county while it is played.

    `people` is what does not change of a person, `now` where each is (both in the order of their
    numbers), `homes` one row for each household, `past` the stays that have ended.
    """

    def __init__(self, profile: Profile, adressen: pd.DataFrame, scale: float, rng) -> None:
        self.adressen, self.scale, self.rng = adressen, scale, rng
        self.ids = [kommune.kommune_id for kommune in profile.kommunen]
        towns, states = profile.herkunft.gemeinden, profile.herkunft.staaten
        self.origins = [*towns, *states, *(s for s in hh.STATES[1:] if s not in states), ""]
        self.towns, self.states = len(towns), len(states)
        self.people, self.now, self.homes = pd.DataFrame(), pd.DataFrame(), pd.DataFrame()
        self.past: list[pd.DataFrame] = []

    # Arriving

    def settle(self, soll: np.ndarray) -> None:
        """Fill the county before the first year."""
        year = YEARS[0] - 1
        missing = self._fill_places(year, soll)
        least = max(1, round(UNKNOWN_MIN * self.scale))
        unknown = np.maximum(np.ceil(UNKNOWN_SHARE * soll), least).astype(int)
        self._fill(year, unknown, hh.SETTLED, unknown=True)
        secondary = np.round(NEBEN_SHARE * soll).astype(int)
        kommune = np.repeat(np.arange(len(soll)), secondary)
        self._arrive(year, kommune, secondary, hh.SETTLED, secondary=True)
        self._fill(year, missing - unknown, hh.SETTLED)

    def _fill(
        self, year: int, missing: np.ndarray, shares: np.ndarray, *, unknown: bool = False
    ) -> None:
        """Let households arrive until each municipality has who is missing, singles at last."""
        missing = np.maximum(missing, 0)
        kommune = np.repeat(np.arange(len(missing)), np.ceil(0.7 * missing).astype(int))
        missing = self._arrive(year, kommune, missing, shares, unknown=unknown)
        kommune = np.repeat(np.arange(len(missing)), missing)
        self._arrive(year, kommune, missing, ALONE, unknown=unknown, late=False)

    def _fill_places(self, year: int, missing: np.ndarray) -> np.ndarray:
        """Fill the beds of special places; return who is missing then."""
        places = self.adressen[self.adressen["plaetze"] > 0]
        for place in places.itertuples():
            taken = int((self.now["adresse"] == place.adresse).sum()) if len(self.now) else 0
            free = max(0, round(place.plaetze * OCCUPIED[year][place.art]) - taken)
            free = min(free, max(0, missing[place.kommune] // 2))
            limit = np.zeros(len(missing), int)
            limit[place.kommune] = free
            left = self._arrive(
                year,
                np.full(free, place.kommune),
                limit,
                hh.ARRIVING if place.art == "unterkunft" else _only(place.art),
                place=place,
            )
            missing = missing - (limit - left)
        return missing

    def _arrive(
        self,
        year: int,
        kommune: np.ndarray,
        limit: np.ndarray,
        shares: np.ndarray,
        *,
        place=None,
        unknown: bool = False,
        secondary: bool = False,
        late: bool = True,
    ) -> np.ndarray:
        """Let households arrive in a year, as long as the limit of their municipality holds.

        Returns:
            How many inhabitants are still missing in each municipality, as its register knows.
        """
        rng, settled = self.rng, year < YEARS[0]
        adresse = choose_addresses(self.adressen, kommune, year, rng)
        if place is not None:
            adresse[:] = place.adresse
        poor = self.adressen["deprivation"].to_numpy()[adresse]
        lost = rng.random(len(kommune)) < (UNKNOWN_SHARE / 3 if not settled and late else 0)
        adresse[lost | unknown] = NO_ADDRESS
        kinds = hh.draw_kinds(shares, poor, rng)
        if secondary:
            kinds = kinds % 2
        fled = rng.random(len(kommune)) < REFUGEES[year]
        members = hh.make_members(
            kinds,
            poor,
            year,
            rng,
            refugees=fled | (place is not None and place.art == "unterkunft"),
            aged=np.full(len(kinds), place is not None and place.art == "pflegeheim"),
        )
        day, booked = self._days(year, len(kommune), late)
        in_time = settled | (booked <= _cut(year))
        size = np.bincount(members["haushalt"], minlength=len(kommune))
        kept = _within(kommune, np.where(in_time, size, 0), limit)
        homes = pd.DataFrame(
            {
                "kommune": kommune.astype(np.int8),
                "adresse": adresse,
                "geburtsjahr": year - _first(members, year - members["geburtsjahr"].to_numpy()),
                "heim": place is not None,
                "fest": unknown or secondary,
                "spaet": ~in_time,
                "von": day,
                "buchung": booked,
                "herkunft": self._from(fled),
            }
        )
        homes["geburtsjahr"] = homes["geburtsjahr"].astype(np.int16)
        if secondary:
            members["wohnungsstatus"] = np.int8(SECONDARY)
        self._move_in(homes, members, kept, settled)
        return limit - np.bincount(kommune, np.where(kept & in_time, size, 0), len(limit)).astype(
            int
        )

    def _move_in(
        self, homes: pd.DataFrame, members: pd.DataFrame, kept: np.ndarray, settled: bool
    ) -> None:
        """Number the households that are kept and their members, and put them into the county."""
        keep = kept[members["haushalt"]]
        number = np.cumsum(keep) - 1 + len(self.people)
        home = np.cumsum(kept) - 1 + len(self.homes)
        for pointer in ("ehegatte", "mutter", "vater"):
            target = members[pointer].to_numpy()
            members[pointer] = np.where(target >= 0, number[target], -1).astype(np.int32)
        old = members["haushalt"].to_numpy()
        members["haushalt"] = home[old].astype(np.int32)
        von, booked = homes["von"].to_numpy()[old], homes["buchung"].to_numpy()[old]
        if settled:
            von, booked = self._long_ago(members, homes["geburtsjahr"].to_numpy()[old], old)
        stays = pd.DataFrame(
            {
                "haushalt": members["haushalt"],
                "adresse": homes["adresse"].to_numpy()[old],
                "kommune": homes["kommune"].to_numpy()[old],
                "von": von,
                "buchung_von": booked,
                "anlass_von": np.int8(ALT if settled else ZUZUG),
                "herkunft": homes["herkunft"].to_numpy()[old],
                "da": True,
            }
        )
        members["zuzugsherkunft"] = stays["herkunft"]
        if settled:
            stays["herkunft"] = np.int8(len(self.origins) - 1)
        self._append(members[keep], stays[keep])
        homes["erster"], homes["zweiter"] = -1, -1
        for role, column in ((hh.PARENT, "erster"), (hh.PARTNER, "zweiter")):
            mine = members["rolle"].to_numpy() == role
            of_home = np.full(len(homes), -1, np.int32)
            of_home[old[mine]] = number[mine]
            homes[column] = of_home
        columns = ["geburtsjahr", "heim", "fest", "spaet", "erster", "zweiter", "adresse"]
        self.homes = pd.concat([self.homes, homes.loc[kept, columns]], ignore_index=True)

    def _append(self, members: pd.DataFrame, stays: pd.DataFrame) -> None:
        self.people = pd.concat([self.people, members], ignore_index=True)
        self.now = pd.concat([self.now, stays], ignore_index=True)

    def _long_ago(
        self, members: pd.DataFrame, head: np.ndarray, home: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return since when those live here who came before the first year, and its booking."""
        end = YEARS[0] - 1
        grown = np.maximum(0.2, end - head - hh.ADULT)
        per_home = self.rng.exponential(1.0, home.max() + 1 if len(home) else 0)[home]
        years = np.minimum(per_home * (2 + 0.25 * grown), grown)
        since = np.datetime64(f"{end}-12-10") - (years * 365).astype("timedelta64[D]")
        month = np.maximum(members["monat"].to_numpy().astype(int), 1)
        born = _day(members["geburtsjahr"].to_numpy(), month, self.rng.integers(0, 28, len(month)))
        since = np.minimum(np.maximum(since, born), np.datetime64(f"{end}-12-31"))
        return since, np.minimum(since + self.rng.integers(0, 15, len(since)), _cut(end))

    def _from(self, fled: np.ndarray) -> np.ndarray:
        """Draw where households come from or go to, as codes of `origins`."""
        town = self.rng.integers(0, self.towns, len(fled))
        state = self.towns + self.rng.integers(0, self.states, len(fled))
        return np.where(fled | (self.rng.random(len(fled)) < 0.2), state, town).astype(np.int8)

    def _days(self, year: int, number: int, late: bool = True) -> tuple[np.ndarray, np.ndarray]:
        """Draw days of events in a year and the days of their booking."""
        start = np.datetime64(f"{year}-01-01")
        length = int((np.datetime64(f"{year + 1}-01-01") - start) / np.timedelta64(1, "D"))
        day = start + self.rng.integers(0, length, number)
        booked = day + self.rng.integers(0, 21, number)
        after = _cut(year) + self.rng.integers(1, 120, number)
        tardy = (self.rng.random(number) < LATE_SHARE) & late
        return day, np.where(tardy, after, booked)

    # A year

    def play(self, year: int, soll: np.ndarray) -> None:
        """Let a year happen; at its end the registers know `soll` inhabitants."""
        free = ~(self.homes["fest"] | self.homes["spaet"]).to_numpy()
        self.homes["spaet"] = False
        leaving, moving = self._movers(year, free)
        home = self.now["haushalt"].to_numpy()
        still = self.now["da"].to_numpy() & free[home] & ~(leaving | moving)[home]
        self._deaths_and_departures(year, still, leaving)
        self._moves(year, moving)
        self._births(year, still & self.now["da"].to_numpy())
        missing = soll - self._known(year)
        missing = self._fill_places(year, missing)
        self._fill(year, missing, hh.ARRIVING)

    def _movers(self, year: int, free: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return which households leave and which move within their municipality."""
        age = year - self.homes["geburtsjahr"].to_numpy()
        limits = np.array([30, 45, 65])
        group = np.searchsorted(limits, age, side="right")
        drawn = self.rng.random(len(age))
        heim = self.homes["heim"].to_numpy()
        leave = np.where(heim, 0.10, np.array([0.15, 0.055, 0.018, 0.008])[group])
        move = np.where(heim, 0.0, np.array([0.14, 0.085, 0.04, 0.018])[group])
        return free & (drawn < leave), free & (drawn > 1 - move)

    def _deaths_and_departures(self, year: int, still: np.ndarray, leaving: np.ndarray) -> None:
        age = year - self.people["geburtsjahr"].to_numpy()
        home = self.now["haushalt"].to_numpy()
        chance = np.minimum(np.exp(0.1 + 0.093 * age - 10), 0.6)
        raising = np.zeros(len(self.homes), bool)
        raising[home[(self.people["rolle"] == hh.CHILD) & self.now["da"] & (age < 20)]] = True
        chance = np.where(raising[home] & (age >= hh.ADULT), 0.0, chance)
        drawn = self.rng.random(len(age))
        dies = still & (drawn < chance)
        grown = (self.people["rolle"].to_numpy() == hh.CHILD) & (age >= hh.ADULT)
        flies = still & ~dies & grown & (drawn > 0.88)
        follows = self.now["da"].to_numpy() & leaving[home]
        day, booked = self._days(year, len(age))
        home_day, home_booked = self._days(year, len(self.homes))
        day, booked = (
            np.where(follows, of_home[home], own)
            for of_home, own in ((home_day, day), (home_booked, booked))
        )
        goes = dies | flies | follows
        target = np.where(
            follows,
            self._from(np.zeros(len(self.homes), bool))[home],
            self._from(np.zeros(len(age), bool)),
        )
        reason = np.where(dies, STERBEFALL, FORTZUG)
        target = np.where(dies, len(self.origins) - 1, target)
        self._close(goes, day, booked, reason, target)
        self.now["da"] = self.now["da"].to_numpy() & ~goes

    def _moves(self, year: int, moving: np.ndarray) -> None:
        home = self.now["haushalt"].to_numpy()
        goes = self.now["da"].to_numpy() & moving[home]
        day, booked = (values[home] for values in self._days(year, len(self.homes)))
        self._close(goes, day, booked, np.full(len(home), UMZUG), len(self.origins) - 1)
        kommune = np.zeros(len(self.homes), np.int8)
        kommune[home] = self.now["kommune"].to_numpy()
        new = choose_addresses(self.adressen, kommune[moving], year, self.rng)
        self.homes.loc[moving, "adresse"] = new
        late = np.zeros(len(self.homes), bool)
        late[home[goes & (booked > _cut(year))]] = True
        self.homes["spaet"] = self.homes["spaet"].to_numpy() | late
        for column, value in (
            ("adresse", self.homes["adresse"].to_numpy()[home]),
            ("von", day),
            ("buchung_von", booked),
            ("anlass_von", np.int8(UMZUG)),
            ("herkunft", np.int8(len(self.origins) - 1)),
        ):
            self.now[column] = np.where(goes, value, self.now[column].to_numpy())

    def _close(self, goes, day, booked, reason, target) -> None:
        """End the stays of some: they are past."""
        ended = self.now[goes].drop(columns="da")
        ended.insert(0, "person", np.flatnonzero(goes).astype(np.int32))
        ended["bis"], ended["buchung_bis"] = day[goes], booked[goes]
        ended["anlass_bis"] = reason[goes].astype(np.int8)
        ended["ziel"] = np.broadcast_to(target, goes.shape)[goes].astype(np.int8)
        self.past.append(ended)

    def _births(self, year: int, still: np.ndarray) -> None:
        age = year - self.people["geburtsjahr"].to_numpy()
        sex, role = self.people["geschlecht"].to_numpy(), self.people["rolle"].to_numpy()
        home = self.now["haushalt"].to_numpy()
        first, second = (self.homes[c].to_numpy()[home] for c in ("erster", "zweiter"))
        other = np.where(role == hh.PARENT, second, first)
        father = np.where(
            (other >= 0) & (sex[other] == 0) & self.now["da"].to_numpy()[other], other, -1
        )
        father = np.where(role == hh.CHILD, -1, father)
        fertile = np.exp(-(((age - 31) / 5.5) ** 2) / 2) * ((age >= 19) & (age <= 44))
        chance = fertile * np.where(father >= 0, 0.17, np.where(role == hh.CHILD, 0.0, 0.045))
        heim = self.homes["heim"].to_numpy()[home]
        bears = still & (sex == 1) & ~heim & (self.rng.random(len(age)) < chance)
        mother = np.flatnonzero(bears)
        day, booked = self._days(year, len(mother))
        month = day.astype("datetime64[M]").astype(int) % 12 + 1
        mothers = self.people.iloc[mother].assign(person=mother)
        children = hh.make_children(mothers, father[mother], month, year, self.rng)
        children["zuzugsherkunft"] = np.int8(len(self.origins) - 1)
        stays = self.now.iloc[mother].assign(
            von=day,
            buchung_von=booked,
            anlass_von=np.int8(GEBURT),
            herkunft=np.int8(len(self.origins) - 1),
        )
        late = np.zeros(len(self.homes), bool)
        late[home[mother[booked > _cut(year)]]] = True
        self.homes["spaet"] = self.homes["spaet"].to_numpy() | late
        self._append(children, stays)

    def _known(self, year: int) -> np.ndarray:
        """Return the inhabitants whom each register knows at the end of a year."""
        primary = self.people["wohnungsstatus"].to_numpy() != SECONDARY
        kommune, cut = self.now["kommune"].to_numpy(), _cut(year)
        new = np.isin(self.now["anlass_von"].to_numpy(), (GEBURT, ZUZUG))
        unheard = new & (self.now["buchung_von"].to_numpy() > cut)
        known = np.bincount(
            kommune[self.now["da"].to_numpy() & primary & ~unheard], minlength=len(self.ids)
        )
        for ended in self.past:
            gone = ended["anlass_bis"].to_numpy() != UMZUG
            ghosts = gone & (ended["buchung_bis"].to_numpy() > cut)
            ghosts &= primary[ended["person"]]
            known += np.bincount(ended["kommune"].to_numpy()[ghosts], minlength=len(self.ids))
        return known

    # Frames

    def menschen_frame(self) -> pd.DataFrame:
        """Return what does not change of each person."""
        people = self.people
        month = people["geburtsjahr"].to_numpy().astype(np.int32) * 100 + people["monat"].to_numpy()
        coded = {
            name: pd.Categorical.from_codes(people[name], list(values))
            for name, values in hh.TEXTS.items()
        }
        return pd.DataFrame(
            {
                "person": np.arange(len(people), dtype=np.int32),
                "geburtsmonat": month,
                **coded,
                "zuzugsherkunft": pd.Categorical.from_codes(people["zuzugsherkunft"], self.origins),
                "ehegatte": people["ehegatte"].astype(np.int32),
                "vater": people["vater"].astype(np.int32),
                "mutter": people["mutter"].astype(np.int32),
                "auskunftssperre": self.rng.random(len(people)) < 0.004,
                "rolle": people["rolle"],
                "migrationshintergrund": people["migrationshintergrund"],
            }
        )

    def personen_frame(self) -> pd.DataFrame:
        """Return the stays, by person and time."""
        staying = self.now[self.now["da"]].drop(columns="da")
        staying.insert(0, "person", staying.index.to_numpy().astype(np.int32))
        staying = staying.assign(
            bis=NEVER,
            buchung_bis=NEVER,
            anlass_bis=np.int8(-1),
            ziel=np.int8(len(self.origins) - 1),
        )
        stays = pd.concat([*self.past, staying], ignore_index=True)
        stays = stays.sort_values(["person", "von"], ignore_index=True, kind="stable")
        stays["kommune_id"] = pd.Categorical.from_codes(stays.pop("kommune"), self.ids)
        for column in ("anlass_von", "anlass_bis"):
            stays[column] = pd.Categorical.from_codes(stays[column], list(ANLAESSE))
        for column in ("herkunft", "ziel"):
            stays[column] = pd.Categorical.from_codes(stays[column], self.origins)
        return stays


def _only(art: str) -> np.ndarray:
    """Return the shares of kinds for a care home or a student hall."""
    shares = np.zeros(len(hh.KINDS))
    shares[hh.KINDS.index("single_alt" if art == "pflegeheim" else "single_jung")] = 1.0
    return shares


def _cut(year: int) -> np.datetime64:
    return np.datetime64(f"{year}-12-31") + np.timedelta64(CUT_DAYS, "D")


def _day(year: np.ndarray, month: np.ndarray, day: np.ndarray) -> np.ndarray:
    months = (year.astype(int) - 1970) * 12 + month - 1
    return months.astype("datetime64[M]").astype("datetime64[D]") + day


def _first(members: pd.DataFrame, values: np.ndarray) -> np.ndarray:
    """Return the value of each household's first adult."""
    return values[np.flatnonzero(members["rolle"].to_numpy() == hh.PARENT)]


def _within(kommune: np.ndarray, size: np.ndarray, limit: np.ndarray) -> np.ndarray:
    """Return which households come, in their order, before the limit of the municipality is met.

    Args:
        kommune: of each household, ascending.
        size: how much of the limit it takes.
        limit: for each municipality.
    """
    taken = np.cumsum(size)
    before = np.r_[0, taken][np.searchsorted(kommune, kommune, side="left")]
    return taken - before <= limit[kommune]
