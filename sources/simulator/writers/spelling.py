"""Addresses as offices write them: shortened, in capitals, with old street names, as ranges, with
typing errors. Each comes with the truth: how it is to be found again, and where it lies.

Only the spelling is here. Nothing is written that leads to two places: a range lies in one
Sozialraum, a misspelt name is close to one name of its municipality and far from all others.
"""

import re
import zlib
from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from sources.simulator.county import County
    from sources.simulator.writers.outbox import Outbox

HOMELESS = "ohne festen Wohnsitz"
"""What stands for a street where an office knows of no address."""

TYPO_SHARE, RANGE_SHARE, OLD_NAME_SHARE = 0.01, 0.02, 0.3
"""Shares of rows with a misspelt name, with a range, and with the old name of a renamed street."""

SHORT_SHARE, CAPITALS_SHARE, APART_SHARE = 0.25, 0.07, 0.5
"""Shares of rows with `str.` for `straße`, in capitals, with a blank before the suffix."""

SLIPS = ("replaced", "left out", "doubled", "swapped")
SHORTEST = 8
"""Letters that a name needs for a slip to leave no doubt."""

MIN_SCORE, MAX_SECOND = 93.0, 86.0
"""How similar (0 to 100, Indel) a misspelt name is to its own, and at most to any other one."""


def spell(
    outbox: "Outbox",
    adresse: "pd.Series",
    stichtag: date,
    rng: "np.random.Generator",
) -> "pd.DataFrame":
    """Return addresses as text, with what is true of them.

    Args:
        outbox: gives the county.
        adresse: number of the address of each row, -1 for one that nobody knows.
        stichtag: day at which they are written; before it is renamed a street has its old name.
        rng: random numbers of the feed.

    Returns:
        A frame like `adresse`: strasse, hausnummer, methode (name, bereich, aehnlich, ohne).
    """
    import numpy as np
    import pandas as pd

    known = outbox.spellings
    rows = known.iloc[np.maximum(adresse.to_numpy(), 0)].reset_index(drop=True)
    draw, style, form, old = rng.random((4, len(rows)))

    before = rows["umbenannt"] > pd.Timestamp(stichtag)
    renamed = rows["alt"].ne("") & (before | (old < OLD_NAME_SHARE))
    ranged = rows["bereich"].ne("") & (draw < RANGE_SHARE)
    wrong = rows["falsch"].ne("") & (draw > 1 - TYPO_SHARE * _typo_boost(known)) & ~renamed
    name = rows["strasse"].mask(renamed, rows["alt"]).mask(wrong, rows["falsch"])
    name = name.mask(style < SHORT_SHARE, _each(name, shortened))
    name = name.mask((style > 1 - CAPITALS_SHARE) & ~wrong, _each(name, str.upper))
    plain_number, suffix = rows["hausnummer"].astype(str), rows["zusatz"]
    apart = plain_number + (" " + suffix).where(suffix.ne(""), "")
    number = (plain_number + suffix).mask(form < APART_SHARE, apart)
    number = number.mask(form > 1 - CAPITALS_SHARE, number.str.upper())
    number = number.mask(ranged, rows["bereich"]).mask(wrong, plain_number + suffix)
    methode = pd.Series("name", index=rows.index).mask(ranged, "bereich").mask(wrong, "aehnlich")

    nowhere = pd.Series(adresse.to_numpy() < 0)
    return pd.DataFrame(
        {
            "strasse": name.mask(nowhere, HOMELESS).to_numpy(),
            "hausnummer": number.mask(nowhere, "").to_numpy(),
            "methode": methode.mask(nowhere, "ohne").to_numpy(),
        },
        index=adresse.index,
    )


def label(outbox: "Outbox", feed: str, file: str, rows: "pd.DataFrame") -> None:
    """Note the truth about the addresses of a file.

    `rows` has raum_id and methode in the file's order; row 1 is the first line of data.
    """
    import numpy as np

    truth = rows[["raum_id", "methode"]].reset_index(drop=True)
    truth.insert(0, "row_number", np.arange(1, len(truth) + 1))
    truth.insert(0, "file", file)
    truth.insert(0, "feed", feed)
    outbox.addresses.append(truth)


def shortened(street: str) -> str:
    """Return a street name as offices shorten it: `Bergstraße` becomes `Bergstr.`."""
    street = re.sub(r"(?<=\w)(straße|strasse)$", "str.", street)
    street = re.sub(r"\b(Straße|Strasse)$", "Str.", street)
    return re.sub(r"(?<=\w)platz$", "pl.", street)


def spellings(county: "County") -> "pd.DataFrame":
    """Return how each address may be written, in the order of the County's addresses.

    Columns: strasse, hausnummer, zusatz, alt (the old street name or empty), umbenannt (since when
    the new one holds), falsch (misspelt name or empty), bereich (a house number as a range or
    empty).
    """
    import pandas as pd

    addresses = county.adressen.reset_index(drop=True)
    text = ["kommune_id", "strasse", "strasse_alt", "zusatz"]
    addresses[text] = addresses[text].astype(object).fillna("")
    # An old name that another street has today leads nowhere for sure.
    today = pd.MultiIndex.from_frame(addresses[["kommune_id", "strasse"]])
    before = pd.MultiIndex.from_frame(addresses[["kommune_id", "strasse_alt"]])
    rows = addresses[["kommune_id", "strasse", "hausnummer", "zusatz"]].copy()
    rows["alt"] = addresses["strasse_alt"].mask(before.isin(today), "")
    rows["umbenannt"] = pd.to_datetime(addresses["umbenannt_am"])
    rows["bereich"] = _ranges(addresses)
    return rows.merge(_names(addresses), on=["kommune_id", "strasse"], how="left")


def _names(addresses: "pd.DataFrame") -> "pd.DataFrame":
    """Return for each street how it may be misspelt, or empty."""
    old = addresses[["kommune_id", "strasse_alt"]].rename(columns={"strasse_alt": "strasse"})
    names = addresses[["kommune_id", "strasse"]].drop_duplicates(ignore_index=True)
    names["falsch"] = ""
    for kommune_id, group in names.groupby("kommune_id"):
        former = old.loc[old["kommune_id"] == kommune_id, "strasse"]
        every = sorted({*group["strasse"], *former} - {""})
        names.loc[group.index, "falsch"] = _misspelt(list(group["strasse"]), every)
    return names


def _misspelt(streets: list[str], every: list[str]) -> list[str]:
    """Return each street with one wrong letter, or empty where that could mean another one."""
    import numpy as np
    from rapidfuzz import fuzz, process

    wrong = [_one_letter_wrong(street) for street in streets]
    scores = process.cdist(
        [plain(street) for street in wrong], [plain(street) for street in every], scorer=fuzz.ratio
    )
    ranked = np.sort(scores, axis=1)
    second = ranked[:, -2] if scores.shape[1] > 1 else np.zeros(len(wrong))
    own = np.array([every.index(street) for street in streets])
    clear = (
        (scores[np.arange(len(own)), own] >= MIN_SCORE)
        & (scores.argmax(axis=1) == own)
        & (second <= MAX_SECOND)
        & np.array([slip != street for slip, street in zip(wrong, streets, strict=True)])
    )
    return [street if good else "" for street, good in zip(wrong, clear, strict=True)]


def plain(street: str) -> str:
    """Return a street name as it is compared: lower case, `strasse` written out."""
    return re.sub(r"str\.$", "strasse", street.casefold())


def _one_letter_wrong(street: str) -> str:
    """Return a street name with one slip: a letter replaced, left out, doubled or swapped with the
    next one. Start, end and umlauts stay. Too short a name stays as it is.
    """
    letters = [i for i, letter in enumerate(street) if letter.isascii() and letter.isalpha()]
    if len(letters) < SHORTEST:
        return street
    chance = zlib.crc32(street.encode())
    at = letters[1 + chance // len(SLIPS) % (len(letters) - 3)]
    before, letter, after = street[:at], street[at], street[at + 1 :]
    slip = SLIPS[chance % len(SLIPS)]
    if slip == "left out":
        return before + after
    if slip == "doubled":
        return before + letter + letter + after
    if slip == "swapped" and at + 1 in letters and after[0] != letter:
        return before + after[0] + letter + after[1:]
    return before + ("o" if letter == "e" else "e") + after


def _each(names: "pd.Series", function: Callable[[str], str]) -> "pd.Series":
    """Return names changed by a function, which is asked once for each name."""
    return names.map({name: function(name) for name in names.unique()})


def _ranges(addresses: "pd.DataFrame") -> "np.ndarray":
    """Return house numbers as ranges (`12-14`, `12 a-c`) where all that they cover lie in the
    same Sozialraum at every Gebietsstand; else empty.
    """
    import numpy as np

    areas = [name for name in addresses.columns if name.startswith("raum_")]
    rows = addresses[["kommune_id", "strasse", "hausnummer", "zusatz"]].copy()
    rows["place"] = addresses.groupby(areas, observed=True, dropna=False).ngroup()
    house = rows.groupby(["kommune_id", "strasse", "hausnummer"])["place"].agg(["first", "nunique"])
    house = house.reset_index()
    suffixes = rows[rows["zusatz"].ne("")].groupby(["kommune_id", "strasse", "hausnummer"])[
        "zusatz"
    ]
    last = suffixes.max().rename("last").reset_index()
    key = ["kommune_id", "strasse", "hausnummer"]
    rows = rows.merge(house, on=key, how="left").merge(last, on=key, how="left")
    for step in (1, 2):
        beside = house.assign(hausnummer=house["hausnummer"] - step)
        beside = beside.rename(columns={"first": f"first_{step}", "nunique": f"nunique_{step}"})
        rows = rows.merge(beside, on=key, how="left")

    def same(step: int) -> "pd.Series":
        return rows[f"first_{step}"].eq(rows["place"]) & rows[f"nunique_{step}"].eq(1)

    one_place = rows["nunique"].eq(1)
    between = rows["first_1"].isna() | same(1)
    number = rows["hausnummer"].astype(str)
    pair = one_place & rows["zusatz"].eq("") & between & same(2)
    lettered = one_place & rows["zusatz"].eq("a") & rows["last"].gt("a")
    numbers = number + "-" + (rows["hausnummer"] + 2).astype(str)
    letters = number + " a-" + rows["last"].fillna("")
    return np.select([pair, lettered], [numbers, letters], "")


def _typo_boost(known: "pd.DataFrame") -> float:
    """How much oftener a name that may be misspelt is, so that the share of all rows is right."""
    share = known["falsch"].ne("").mean()
    return min(10.0, 1 / share) if share else 0.0
