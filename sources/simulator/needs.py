"""What people need: benefits, care, disability, help for families, school entry examinations.

Every need follows the deprivation of the area where a person lives. Chance is drawn once for each
person or household and need, not for each year: so who needs something mostly keeps needing it.
Rates are rough and common sense; nothing here is an estimate for a real place.
"""

# Shares stand where they are drawn; a name for each would say nothing more.
# ruff: noqa: PLR2004

from zlib import crc32

import numpy as np
import pandas as pd

SGB2_RANGE = (0.04, 0.25)
"""Share of those under 65 who receive SGB II in the least and the most deprived area."""

SGB2_COUNTY = 0.12
RETIRED = 65
ADULT = 18
BG_CHILD_UNTIL = 25
"""Age from which a grown child is no member of its parents' Bedarfsgemeinschaft."""

HZE_UNTIL = 21
SEVERE = 50
"""Degree of disability from which a person is severely disabled."""

UNDERSTANDS_LITTLE = 2
"""Competence in German up to which the language test is not done."""

SEU_AGE = 6
"""Age at the end of the year in which a child is examined before school."""

HZE_RATES = {
    "p28": (0.018, 0.012),
    "p27": (0.001, 0.003),
    "p29": (0.0005, 0.002),
    "p30": (0.002, 0.006),
    "p31": (0.003, 0.018),
    "p32": (0.001, 0.004),
    "p33": (0.003, 0.011),
    "p34": (0.003, 0.013),
    "p35": (0.0003, 0.001),
    "p35a": (0.005, 0.003),
    "p41": (0.0008, 0.002),
}
"""Help by its paragraph of SGB VIII: share of those under 21 without deprivation, and what full
deprivation adds."""

_OF_PERSON = (
    "person",
    "haushalt",
    "adresse",
    "kommune_id",
    "raum_id",
    "alter",
    "geschlecht",
    "staatsangehoerigkeit",
)

HZE_OF_ADULTS = "p41"

HZE_COST = {"p28": 900, "p32": 24_000, "p33": 13_000, "p34": 58_000, "p35a": 15_000}
"""Euro for a case in a year; 9,000 for the other kinds."""

MERKZEICHEN = ("", "G", "G,B", "G,aG,B", "G,H,B", "RF", "G,RF", "Bl,H,B", "Gl", "G,Gl,RF", "TBl,Gl")


def make_needs(stock: pd.DataFrame, deprivation: np.ndarray, persons: int, seed: int, year: int):
    """Return the needs of everybody in the stock, in its order.

    Args:
        stock: as `County.bestand` returns it, with `art` of the address.
        deprivation: of each row's area, 0 to 1.
        persons: how many there are in the whole simulation; persons and households are numbered
            from 0 and there are fewer households.
        seed: of the county.
        year: of the stock.

    Returns:
        Who and where, as the stock says, and all needs as `County.lagen` describes them.
    """
    chance = _Chance(stock, persons, seed)
    age = stock["alter"].to_numpy()
    here = (stock["wohnungsstatus"] != "neben").to_numpy()
    frame = stock[list(_OF_PERSON)].copy()
    poor = deprivation.astype(np.float32)
    sgb2 = _sgb2(stock, poor, here, chance)
    frame = frame.assign(
        **sgb2,
        **_unemployment(age, poor, here, sgb2["sgb2"], chance),
        **_care(stock, age, poor, here, chance),
        **_disability(age, poor, here, chance),
        **_childhood(age, poor, here, chance),
        **_examination(stock, age, poor, here, chance),
    )
    return frame.assign(**_social_assistance(frame, poor, here, chance))


class _Chance:
    """Chance that stays with a person or household: the same for every year."""

    def __init__(self, stock: pd.DataFrame, persons: int, seed: int) -> None:
        self.person = stock["person"].to_numpy()
        self.household = stock["haushalt"].to_numpy()
        self.number, self.seed = persons, seed

    def _drawn(self, need: str) -> np.ndarray:
        rng = np.random.default_rng([self.seed, crc32(need.encode())])
        return rng.random(self.number, dtype=np.float32)

    def of_person(self, need: str) -> np.ndarray:
        return self._drawn(need)[self.person]

    def of_household(self, need: str) -> np.ndarray:
        return self._drawn(need)[self.household]


def _sgb2(stock: pd.DataFrame, poor: np.ndarray, here: np.ndarray, chance: _Chance) -> dict:
    """Households in need (Bedarfsgemeinschaften): grown children from 25 are none of it."""
    age, household = stock["alter"].to_numpy(), stock["haushalt"].to_numpy()
    child = (stock["rolle"] == 2).to_numpy()
    member = here & (age < RETIRED) & ~(child & (age >= BG_CHILD_UNTIL))
    size = household.max(initial=0) + 1
    adults = np.bincount(household[member & ~child], minlength=size)[household]
    children = np.bincount(household[member & child], minlength=size)[household]
    foreign = (stock["staatsangehoerigkeit"] == "auslaendisch").to_numpy()
    any_foreign = np.bincount(household[foreign], minlength=size)[household] > 0
    member &= adults > 0
    lean = np.select(
        [children == 0, adults == 1], [np.where(adults == 1, 1.0, 0.45), 2.6], default=1.0
    ) * np.where(any_foreign, 1.7, 1.0)
    lean = np.where(stock["art"].isin(["wohnheim", "pflegeheim"]), 0.0, lean) * member
    wanted = _sgb2_shares(poor, here & (age < RETIRED))
    area = stock["raum_id"].cat.codes.to_numpy()
    under = np.bincount(area[here & (age < RETIRED)], minlength=area.max() + 1)
    mean = np.bincount(area, lean, minlength=area.max() + 1) / np.maximum(under, 1)
    rate = np.minimum(wanted * lean / np.maximum(mean[area], 1e-9), 0.9)
    needy = member & (chance.of_household("sgb2") < rate)
    able = needy & (age >= 15) & (chance.of_person("erwerbsfaehig") > 0.03)
    kinds = {
        "": ~needy,
        "single": (adults == 1) & (children == 0),
        "alleinerziehend": adults == 1,
        "paar_ohne_kind": children == 0,
        "paar_mit_kind": needy,
    }
    return {
        "sgb2": needy,
        "personengruppe": _first_true({"": ~needy, "elb": able, "nef": needy}),
        "bg": np.where(needy, household, -1).astype(np.int32),
        "bg_typ": _first_true(kinds),
    }


def _sgb2_shares(poor: np.ndarray, counted: np.ndarray) -> np.ndarray:
    """Return the share wanted in each row's area: the range holds, and the county's mean fits."""
    low, high = SGB2_RANGE
    level, of_row = np.unique(poor, return_inverse=True)
    weight = np.bincount(of_row[counted], minlength=len(level)) / counted.sum()
    bends = np.linspace(0.3, 5, 95)[:, None]
    means = (low + (high - low) * level**bends) @ weight
    bend = bends[np.argmin(np.abs(means - SGB2_COUNTY)), 0]
    return (low + (high - low) * level**bend)[of_row]


def _unemployment(age, poor, here, sgb2, chance: _Chance) -> dict:
    working_age = here & (age >= 15) & (age < RETIRED)
    drawn = chance.of_person("arbeitslos")
    rate = np.where(sgb2, 0.50, 0.013 + 0.022 * poor) * np.where(age < 20, 0.4, 1.0)
    unemployed = working_age & (drawn < rate)
    long = chance.of_person("langzeit") < np.where(sgb2, 0.48, 0.10) * np.where(age < 25, 0.3, 1.0)
    return {
        "arbeitslos": unemployed,
        "arbeitslos_sgb2": unemployed & sgb2,
        "langzeit": unemployed & long,
    }


def _care(stock, age, poor, here, chance: _Chance) -> dict:
    steps = np.array([0.004, 0.006, 0.028, 0.075, 0.24, 0.50])
    rate = steps[np.searchsorted([40, 60, 70, 80, 90], age, side="right")] * (0.85 + 0.3 * poor)
    home = (stock["art"] == "pflegeheim").to_numpy()
    needs = here & ((chance.of_person("pflege") < rate) | home)
    drawn = chance.of_person("pflegeart")
    stationary = home | (drawn > 0.82)
    kinds = {
        "none": ~needs,
        "stationaer": stationary,
        "ambulant": drawn < 0.26,
        "pflegegeld": needs,
    }
    help_rate = np.where(stationary, 0.22, 0.03) * (0.6 + 0.9 * poor)
    return {
        "pflege": _first_true(kinds),
        "hilfe_pflege": needs & (age >= ADULT) & (chance.of_person("hilfe_pflege") < help_rate),
    }


def _disability(age, poor, here, chance: _Chance) -> dict:
    steps = np.array([0.015, 0.03, 0.06, 0.15, 0.28, 0.36])
    rate = steps[np.searchsorted([18, 35, 50, 65, 80], age, side="right")] * (0.85 + 0.3 * poor)
    disabled = here & (chance.of_person("gdb") < rate)
    degree = np.array([20, 30, 40, 50, 60, 70, 80, 90, 100])
    shares = np.cumsum([0.05, 0.12, 0.10, 0.23, 0.12, 0.09, 0.10, 0.04, 0.15])
    of_person = degree[np.searchsorted(shares[:-1], chance.of_person("grad"), side="right")]
    severe = disabled & (of_person >= SEVERE)
    signs = np.cumsum([0.46, 0.24, 0.10, 0.05, 0.05, 0.03, 0.03, 0.01, 0.01, 0.01, 0.01])
    sign = np.searchsorted(signs[:-1], chance.of_person("merkzeichen"), side="right")
    return {
        "gdb": np.where(disabled, of_person, 0).astype(np.int8),
        "merkzeichen": pd.Categorical.from_codes(np.where(severe, sign, 0), list(MERKZEICHEN)),
    }


def _childhood(age, poor, here, chance: _Chance) -> dict:
    base = np.array([0.03, 0.32, 0.56, 0.90, 0.97, 0.98])
    step = np.array([0.02, 0.14, 0.16, 0.10, 0.06, 0.04])
    young = np.minimum(age, 5)
    kita = here & (age < 6) & (chance.of_person("kita") < base[young] - step[young] * poor)
    drawn = chance.of_person("hze")
    kinds, edge = {"none": ~here | (age >= HZE_UNTIL)}, np.zeros(len(age), np.float32)
    for name, (low, more) in HZE_RATES.items():
        adults_only = (age >= ADULT) if name == HZE_OF_ADULTS else 1
        edge = edge + (low + more * poor) * adults_only
        kinds[name] = drawn < edge
    kinds["none"] = kinds["none"] | (drawn >= edge)
    hze = _first_true(kinds)
    cost = np.array([HZE_COST.get(name, 0 if name == "none" else 9_000) for name in kinds])
    given = ~kinds["none"]
    return {
        "kita": kita,
        "hze": hze,
        "hze_beendet": given & (chance.of_person("hze_ende") < 0.4),
        "hze_kosten": np.round(cost[hze.codes] * (0.6 + 0.8 * chance.of_person("kosten")), 2),
    }


def _examination(stock, age, poor, here, chance: _Chance) -> dict:
    """The school entry examination. mmr is -1 without a vaccination card; groesse and gewicht are
    NaN where nobody measured.
    """
    seu = here & (age == SEU_AGE) & (chance.of_person("seu") < 0.97)
    history = stock["migrationshintergrund"].to_numpy()
    other = seu & history & (chance.of_person("sprache") < 0.55)
    skill = 5 - np.floor(chance.of_person("deutsch") * np.where(other, 2.2 + 2.6 * poor, 1.15))
    skill = np.clip(skill, 1, 5).astype(np.int8)
    noted = chance.of_person("sopess")
    bad = 0.08 + 0.20 * poor + 0.08 * other
    results = {
        "": ~seu,
        "nicht_durchgefuehrt": skill <= UNDERSTANDS_LITTLE,
        "auffaellig": noted < bad,
        "grenzwertig": noted < bad + 0.12,
        "unauffaellig": seu,
    }
    card = seu & (chance.of_person("impfbuch") < 0.95 - 0.05 * poor)
    shots = chance.of_person("mmr")
    doses = np.where(shots < 0.95 - 0.07 * poor, 2, np.where(shots < 0.98 - 0.04 * poor, 1, 0))
    book = seu & (chance.of_person("vorsorgeheft") < 0.94 - 0.10 * poor)
    height = np.round(118 + 11 * (chance.of_person("groesse") - 0.5) * 2, 1)
    mass = 15.2 + 2.2 * (chance.of_person("gewicht") - 0.5) * 2 + 1.2 * poor  # kg per square metre
    measured = seu & (chance.of_person("gemessen") < 0.98)
    return {
        "seu": seu,
        "erstsprache": _first_true({"": ~seu, "andere": other, "deutsch": seu}),
        "deutschkompetenz": np.where(seu, skill, 0).astype(np.int8),
        "sopess": _first_true(results),
        "groesse": np.where(measured, height, np.nan).astype(np.float32),
        "gewicht": np.where(measured, np.round(mass * (height / 100) ** 2, 1), np.nan).astype(
            np.float32
        ),
        "impfbuch": card,
        "mmr": np.where(card, doses, -1).astype(np.int8),
        "vorsorgeheft": book,
        "u8": book & (chance.of_person("u8") < 0.97 - 0.12 * poor),
        "u9": book & (chance.of_person("u9") < 0.97 - 0.12 * poor),
    }


def _social_assistance(frame: pd.DataFrame, poor, here, chance: _Chance) -> dict:
    """SGB XII. Nobody has it beside SGB II."""
    age, rest = frame["alter"].to_numpy(), here & ~frame["sgb2"].to_numpy()
    drawn = chance.of_person("sozialhilfe")
    old = rest & (age >= RETIRED) & (drawn < 0.01 + 0.065 * poor)
    unable = rest & (age >= ADULT) & (age < RETIRED) & (drawn < 0.005 + 0.011 * poor)
    living = rest & (age < RETIRED) & ~unable & (drawn > 1 - (0.0008 + 0.0025 * poor))
    none = ~(old | unable | living)
    amount = np.where(none, 0.0, 380 + 420 * chance.of_person("betrag"))
    amount += np.where(frame["hilfe_pflege"], 600 + 900 * chance.of_person("betrag_pflege"), 0.0)
    kinds = {"none": none, "hlu": living, "gs_alter": old, "gs_erwerbsminderung": unable}
    return {"gs": _first_true(kinds), "betrag": np.round(amount, 2)}


def _first_true(conditions: dict[str, np.ndarray]) -> pd.Categorical:
    """Return for each row the name of the first condition that holds."""
    holds = np.stack(list(conditions.values()))
    return pd.Categorical.from_codes(holds.argmax(axis=0).astype(np.int8), list(conditions))
