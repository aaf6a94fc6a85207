"""Households as they are when they come into being here: their members, and what these are.

Everything is drawn for many households at once. What happens to them afterwards is `people.py`.
"""

# Shares stand where they are drawn; a name for each would say nothing more.
# ruff: noqa: PLR2004

import numpy as np
import pandas as pd

KINDS = (
    "single_jung",
    "single_mittel",
    "single_alt",
    "paar_jung",
    "paar_mittel",
    "paar_alt",
    "familie",
    "alleinerziehend",
)
"""What a household begins as."""

SETTLED = np.array([0.11, 0.17, 0.155, 0.07, 0.115, 0.125, 0.20, 0.055])
"""Shares of the kinds among households that have long been here."""

ARRIVING = np.array([0.36, 0.22, 0.03, 0.12, 0.05, 0.01, 0.17, 0.04])
"""Shares of the kinds among households that move in."""

MAX_CHILDREN = 4
ADULT = 18
RETIRED = 65

PARENT, PARTNER, CHILD = 0, 1, 2
"""Roles in a household; the first adult is the mother, where there is one."""

STATES = ("000", "163", "152", "154", "137", "148", "475", "423", "438", "479", "436", "160")
"""Staat codes of the Destatis systematics; the first is German."""

STATE_SHARES = np.array([0.26, 0.13, 0.09, 0.08, 0.11, 0.07, 0.04, 0.06, 0.06, 0.05, 0.05])
REFUGEE_SHARES = np.array([0.02, 0.0, 0.0, 0.0, 0.0, 0.5, 0.2, 0.2, 0.0, 0.0, 0.08])

NATIVE, NATURALISED, FOREIGN = 0, 1, 2
"""Origins of a household: without history of migration, German with one, foreign."""

UNMARRIED = {"paar_jung": 0.12, "paar_mittel": 0.04, "paar_alt": 0.01, "familie": 0.10}
"""Shares of couples that are not married: a register does not know them as couples."""

TEXTS = {
    "geschlecht": ("maennlich", "weiblich", "divers"),
    "familienstand": (
        "ledig",
        "verheiratet",
        "verwitwet",
        "geschieden",
        "lebenspartnerschaft",
        "unbekannt",
    ),
    "staat1": STATES,
    "staat2": ("", *STATES[1:]),
    "geburtsland": ("", *STATES),
    "art_deutsche_sta": ("", "geburt", "einbuergerung", "aussiedler", "option"),
    "wohnungsstatus": ("alleinige", "haupt", "neben"),
}
"""Canonical values; the code of a value is its position."""


def draw_kinds(shares: np.ndarray, deprivation: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw what each household is; poor places have more who bring up children alone."""
    lean = np.ones((len(deprivation), len(KINDS)), np.float32)
    lean[:, KINDS.index("alleinerziehend")] = 0.5 + deprivation
    lean[:, KINDS.index("paar_alt")] = 1.3 - 0.6 * deprivation
    chance = np.cumsum(lean * shares, axis=1)
    drawn = rng.random(len(deprivation)) * chance[:, -1]
    return (chance < drawn[:, None]).sum(axis=1).astype(np.int8)


def make_members(
    kinds: np.ndarray,
    deprivation: np.ndarray,
    year: int,
    rng: np.random.Generator,
    *,
    refugees: np.ndarray | None = None,
    aged: np.ndarray | None = None,
) -> pd.DataFrame:
    """Make the members of households.

    Args:
        kinds: position in KINDS for each household.
        deprivation: of the place where it lives, 0 to 1.
        year: ages are those at its end.
        rng: source of chance.
        refugees: households of refugees.
        aged: households of very old people, as in a care home.

    Returns:
        One row for each person, ordered by household: haushalt (position), rolle, geburtsjahr,
        monat (0: not known), the codes of TEXTS, migrationshintergrund (true, whether or not a
        register shows it), and ehegatte, vater, mutter as positions in this frame (-1: none).
    """
    refugees = np.zeros(len(kinds), bool) if refugees is None else refugees
    first, second, children = _ages(kinds, deprivation, aged, rng)
    slots = np.concatenate([first[:, None], second[:, None], children], axis=1)
    household, slot = np.nonzero(slots >= 0)
    age = slots[household, slot]
    position = np.full(slots.shape, -1, np.int32)
    position[household, slot] = np.arange(len(household), dtype=np.int32)
    role = np.minimum(slot, CHILD).astype(np.int8)
    sex, couple_sex = _sexes(kinds, first, household, slot, rng)
    married = _married(kinds, second >= 0, rng)
    origin, state = _origins(deprivation, refugees, rng)
    frame = pd.DataFrame(
        {
            "haushalt": household.astype(np.int32),
            "rolle": role,
            "geburtsjahr": (year - age).astype(np.int16),
            "monat": _months(origin[household], rng),
            "geschlecht": sex,
            "familienstand": _marital_status(
                role, age, married[household], couple_sex[household], rng
            ),
            "wohnungsstatus": (rng.random(len(age)) < 0.03).astype(np.int8),
        }
    )
    spouse = np.where(role == PARENT, position[household, 1], position[household, 0])
    frame["ehegatte"] = np.where((role != CHILD) & married[household], spouse, -1).astype(np.int32)
    parents = _parents(role, position[household, 0], position[household, 1], sex)
    frame["mutter"], frame["vater"] = parents
    return frame.assign(**_nationality(role, age, origin[household], state[household], rng))


def _ages(
    kinds: np.ndarray, deprivation: np.ndarray, aged: np.ndarray | None, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return ages of first and second adult and of the children, -1 where there is none."""
    number = len(kinds)
    late = RETIRED + rng.gamma(2.0, 5.5, number)
    oldest = rng.integers(0, 23, number)
    first_birth = np.clip(rng.normal(29.5 - 3 * deprivation, 4.5), ADULT + 1, 42)
    by_kind = np.stack(
        [
            rng.integers(ADULT, 30, number),
            rng.integers(30, RETIRED, number),
            late,
            rng.integers(20, 38, number),
            rng.integers(45, RETIRED, number),
            late - 1,
            first_birth + oldest,
            first_birth + oldest,
        ]
    )
    first = np.minimum(by_kind[kinds, np.arange(number)], 100).astype(np.int16)
    if aged is not None:
        first = np.where(aged, np.minimum(76 + rng.gamma(2.0, 4.0, number), 103), first)
    with_children = kinds >= KINDS.index("familie")
    coupled = (kinds >= KINDS.index("paar_jung")) & (kinds <= KINDS.index("familie"))
    youngest = np.where(with_children, oldest + ADULT, ADULT)  # a father is grown at the birth
    second = np.clip(first + np.round(rng.normal(2.5, 3.0, number)), youngest, 101)
    count = rng.choice(np.arange(1, MAX_CHILDREN + 1), number, p=[0.46, 0.39, 0.11, 0.04])
    gaps = np.cumsum(rng.integers(1, 5, (number, MAX_CHILDREN)), axis=1)
    children = oldest[:, None] - np.where(np.arange(MAX_CHILDREN) == 0, 0, np.roll(gaps, 1, axis=1))
    there = with_children[:, None] & (np.arange(MAX_CHILDREN) < count[:, None]) & (children >= 0)
    return (
        first.astype(np.int16),
        np.where(coupled, second, -1).astype(np.int16),
        np.where(there, children, -1).astype(np.int16),
    )


def _sexes(
    kinds: np.ndarray,
    first: np.ndarray,
    household: np.ndarray,
    slot: np.ndarray,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Return each person's sex, and for each household whether its couple is of one sex."""
    alone = kinds < KINDS.index("paar_jung")
    same = ~alone & (kinds < KINDS.index("familie")) & (rng.random(len(kinds)) < 0.012)
    female = np.ones(len(kinds), bool)
    female[alone] = rng.random(alone.sum()) < np.where(first[alone] >= RETIRED, 0.7, 0.47)
    female[kinds == KINDS.index("alleinerziehend")] = (
        rng.random((kinds == KINDS.index("alleinerziehend")).sum()) < 0.9
    )
    mother, child = female[household], rng.random(len(household)) < 0.487
    partner = same[household]
    sex = np.where(slot == 0, mother, np.where(slot == 1, partner, child)).astype(np.int8)
    diverse = (slot == 0) & alone[household] & (rng.random(len(household)) < 0.0008)
    return np.where(diverse, 2, sex).astype(np.int8), same


def _married(kinds: np.ndarray, coupled: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    unmarried = np.array([UNMARRIED.get(kind, 1.0) for kind in KINDS])
    return coupled & (rng.random(len(kinds)) >= unmarried[kinds])


def _marital_status(
    role: np.ndarray,
    age: np.ndarray,
    married: np.ndarray,
    same_sex: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """Return codes of `familienstand`: those who live alone are unmarried while they are young,
    divorced in the middle and widowed later.
    """
    single, spouse, widowed, divorced, partnership, unknown = range(6)
    drawn = rng.random(len(role))
    alone = np.where(
        age >= RETIRED,
        np.where(drawn < 0.68, widowed, np.where(drawn < 0.86, divorced, single)),
        np.where((age >= 32) & (drawn < 0.42), divorced, single),
    )
    status = np.where(married, np.where(same_sex, partnership, spouse), alone)
    status = np.where(role == CHILD, single, status)
    lost = (role != CHILD) & ~married & (rng.random(len(role)) < 0.01)
    return np.where(lost, unknown, status).astype(np.int8)


def _months(origin: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return months of birth; those of some foreigners are not known."""
    month = rng.integers(1, 13, len(origin))
    unknown = (origin == FOREIGN) & (rng.random(len(origin)) < 0.02)
    return np.where(unknown, 0, month).astype(np.int8)


def _parents(
    role: np.ndarray, first: np.ndarray, second: np.ndarray, sex: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the positions of mother and father of each child, -1 for others."""
    father_first = sex[first] == 0
    child = role == CHILD
    mother = np.where(child, np.where(father_first, second, first), -1)
    father = np.where(child, np.where(father_first, first, second), -1)
    return mother.astype(np.int32), father.astype(np.int32)


def _origins(
    deprivation: np.ndarray, refugees: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return each household's origin and the code of its state of origin."""
    drawn = rng.random(len(deprivation))
    foreign = drawn < 0.03 + 0.20 * deprivation
    naturalised = drawn > 1 - (0.06 + 0.16 * deprivation)
    origin = np.where(foreign | refugees, FOREIGN, np.where(naturalised, NATURALISED, NATIVE))
    codes = np.arange(1, len(STATES))
    state = rng.choice(codes, len(origin), p=STATE_SHARES)
    fled = rng.choice(codes, len(origin), p=REFUGEE_SHARES)
    return origin.astype(np.int8), np.where(refugees, fled, state).astype(np.int8)


def _nationality(
    role: np.ndarray, age: np.ndarray, origin: np.ndarray, state: np.ndarray, rng
) -> dict[str, np.ndarray]:
    """Return what a register knows of where people come from, and whether they have a history of
    migration: now and then it has no trace of it.
    """
    number = len(role)
    drawn, other = rng.random(number), rng.random(number)
    child = role == CHILD
    option = (origin == FOREIGN) & child & (age < 16) & (drawn < 0.4)
    foreign = (origin == FOREIGN) & ~option
    native_partner = (origin == NATURALISED) & (role == PARTNER) & (other < 0.3)
    naturalised = (origin == NATURALISED) & ~native_partner
    adult = naturalised & ~child
    two = option | (adult & (drawn < 0.45)) | (naturalised & child & (drawn < 0.5))
    einbuergerung = adult & (drawn >= 0.45) & (drawn < 0.73)
    aussiedler = adult & (drawn >= 0.73) & (drawn < 0.93)
    art = np.select([foreign, option, einbuergerung, aussiedler], [0, 4, 2, 3], default=1)
    abroad = (foreign & ~child & (other < 0.85)) | (foreign & child & (other < 0.3))
    abroad |= adult & ((drawn >= 0.93) & (drawn < 0.98) | (einbuergerung & (other < 0.7)))
    born = np.where(abroad, state + 1, np.where(foreign & (other > 0.95), 0, 1))
    return {
        "staat1": np.where(foreign, state, 0).astype(np.int8),
        "staat2": np.where(two, state, 0).astype(np.int8),
        "geburtsland": born.astype(np.int8),
        "art_deutsche_sta": art.astype(np.int8),
        "migrationshintergrund": foreign | option | naturalised,
        "herkunft_staat": np.where(abroad, state, 0).astype(np.int8),
    }


def make_children(
    mothers: pd.DataFrame, fathers: np.ndarray, month: np.ndarray, year: int, rng
) -> pd.DataFrame:
    """Make children that are born in a year.

    Args:
        mothers: the mothers' rows as `make_members` makes them, with the column `person`.
        fathers: person of each father, -1: none in the household.
        month: month of birth.
        year: year of birth.
        rng: source of chance.

    Returns:
        Rows as `make_members` makes them, pointers being persons.
    """
    number = len(mothers)
    history = mothers["migrationshintergrund"].to_numpy()
    german = (mothers["staat1"].to_numpy() == 0) | (rng.random(number) < 0.4)
    option = german & (mothers["staat1"].to_numpy() != 0)
    state = np.maximum(mothers["staat1"].to_numpy(), mothers["staat2"].to_numpy())
    return pd.DataFrame(
        {
            "haushalt": mothers["haushalt"].to_numpy(),
            "rolle": np.full(number, CHILD, np.int8),
            "geburtsjahr": np.full(number, year, np.int16),
            "monat": month.astype(np.int8),
            "geschlecht": (rng.random(number) < 0.487).astype(np.int8),
            "familienstand": np.zeros(number, np.int8),
            "wohnungsstatus": np.zeros(number, np.int8),
            "ehegatte": np.full(number, -1, np.int32),
            "mutter": mothers["person"].to_numpy().astype(np.int32),
            "vater": fathers.astype(np.int32),
            "staat1": np.where(german, 0, state).astype(np.int8),
            "staat2": np.where(option, state, 0).astype(np.int8),
            "geburtsland": np.ones(number, np.int8),
            "art_deutsche_sta": np.where(option, 4, np.where(german, 1, 0)).astype(np.int8),
            "migrationshintergrund": history,
            "herkunft_staat": np.zeros(number, np.int8),
        }
    )
