"""Streets and addresses: where people live, before anybody does.

A street is a line with houses on both sides; long ones cross the borders of Sozialräume. Names and
keys are unique within a municipality only. How addresses are written by an office is not here.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sources.simulator.profile import Profile
from sources.simulator.space import Space

INHABITANTS_PER_ADDRESS = 4.5
ADDRESSES_PER_STREET = 30

HOUSE_SPACING_M = 16.0
"""Distance of two neighbouring houses on one side of the street."""

SETBACK_M = 14.0
"""Distance of a house from the middle of the street."""

RENAMED_SHARE = 0.004
"""Share of the streets that get a new name in 2014."""

BUILT_SHARE = {2014: 0.008, 2015: 0.008}
"""Share of the addresses that are new in a year."""

LETTERED_SHARE = 0.02
"""Share of the street keys that end in a letter."""

SMALL_HOUSES = 0.55
"""Share of the houses that hold one household, more or less."""

OPENED = 2010
"""Year from which all older streets and addresses count."""

_USUAL = (
    "Bergstraße", "Am Markt", "Hauptstraße", "Bahnhofstraße", "Kirchstraße", "In den 30 Morgen",
    "Schulstraße", "Straße des 17. Juni", "Marl", "Gartenstraße", "Dorfstraße",
    "An der Alten Mühle", "Am Bäumchen", "Zum Sportplatz",
)  # fmt: skip
_STEMS = (
    "Ahorn", "Akazien", "Amsel", "Anemonen", "Apfel", "Auen", "Bach", "Beethoven", "Birken",
    "Bismarck", "Blumen", "Brahms", "Brunnen", "Buchen", "Burg", "Dahlien", "Disteln", "Drossel",
    "Eichen", "Erlen", "Eschen", "Falken", "Feld", "Fichten", "Finken", "Flieder", "Forst",
    "Friedens", "Gerber", "Ginster", "Glocken", "Goethe", "Habichts", "Hafen", "Hasel", "Heide",
    "Heine", "Hirsch", "Hochwald", "Holunder", "Industrie", "Jasmin", "Kapellen", "Kastanien",
    "Kiefern", "Kiesgruben", "Kloster", "Kohl", "Korn", "Kranich", "Lärchen", "Lerchen",
    "Lessing", "Linden", "Lilien", "Mozart", "Mühlen", "Nachtigallen", "Nelken", "Obst", "Park",
    "Pappel", "Platanen", "Quellen", "Reiher", "Ring", "Rosen", "Rotdorn", "Sand", "Schiller",
    "Schlehen", "Schloss", "Schmiede", "Schubert", "Schützen", "Schwalben", "See", "Sonnen",
    "Stadion", "Stein", "Tannen", "Teich", "Tulpen", "Turm", "Uhland", "Ulmen", "Veilchen",
    "Wacholder", "Wald", "Wasser", "Weiden", "Weiher", "Wiesen", "Winzer", "Ziegelei", "Zeder",
    "Zeisig",
)  # fmt: skip
_ENDS = (
    "straße", "weg", "platz", "allee", "gasse", "ring", "pfad", "hof", "winkel", "kamp", "stieg",
    "damm",
)  # fmt: skip
_PREFIXES = ("Am", "Alter", "Kleiner", "Neuer", "Oberer", "Unterer")
_OUTWARD = (
    "Bonner", "Kölner", "Trierer", "Jülicher", "Neusser", "Mainzer", "Leipziger", "Dresdner",
    "Wiener", "Pariser", "Brüsseler", "Lütticher", "Bremer", "Kasseler", "Ulmer", "Stettiner",
    "Danziger", "Breslauer",
)  # fmt: skip
_OUTWARD_ENDS = (
    " Straße", " Weg", " Platz", " Allee", " Ring",
)  # fmt: skip
_RENAMED_TO = (
    "Anne-Frank-Straße", "Sophie-Scholl-Weg", "Platz der Republik", "Edith-Stein-Straße",
    "Europaplatz", "Käthe-Kollwitz-Straße", "Willy-Brandt-Ring", "Elisabeth-Selbert-Straße",
    "Clara-Schumann-Weg", "Hannah-Arendt-Straße", "Lise-Meitner-Straße", "Nelly-Sachs-Weg",
    "Fritz-Bauer-Straße", "Marie-Curie-Weg",
)  # fmt: skip


@dataclass(frozen=True)
class Addresses:
    """Streets and addresses.

    Attributes:
        strassen: kommune_id, strassenschluessel, strasse, gueltig_ab, gueltig_bis (NaT: open),
            nachfolger (key of the street that it became, None).
        adressen: adresse, oi, kommune_id, strassenschluessel, strasse, strassenschluessel_alt,
            strasse_alt, umbenannt_am (first day of the new name), hausnummer, zusatz, x, y, plz,
            raum_<gebietsstand>, bezirk_id, ab, art; and for the simulator itself `kommune`
            (position in the profile), `deprivation`, `gewicht` (how many live there, relative to
            the municipality's other addresses) and `plaetze` (of special places).
    """

    strassen: pd.DataFrame
    adressen: pd.DataFrame


def make_addresses(
    profile: Profile, space: Space, scale: float, rng: np.random.Generator
) -> Addresses:
    """Make streets and addresses for the county's inhabitants at a scale."""
    streets = _streets(profile, space, scale, rng)
    houses = _houses(space, streets, rng)
    addresses = _addresses(profile, space, streets, houses, scale, rng)
    return Addresses(_directory(profile, streets), addresses)


def _streets(
    profile: Profile, space: Space, scale: float, rng: np.random.Generator
) -> pd.DataFrame:
    """Return one row for each street: kommune, name, key, start and direction, how many houses."""
    frames = []
    for k, gemeinde in enumerate(profile.kommunen):
        blocks = space.blocks[space.blocks["kommune"] == k]
        wanted = gemeinde.einwohner * scale / INHABITANTS_PER_ADDRESS
        first = _a_block_of_each_area(blocks, rng)
        number = max(round(wanted / ADDRESSES_PER_STREET), len(first) + 4)
        rest = rng.choice(
            len(blocks), size=number - len(first), p=blocks["gewicht"] / blocks["gewicht"].sum()
        )
        start = blocks.iloc[np.r_[first, rest]]
        kept = np.arange(number) < len(first)  # begins in the very middle of its block
        size = rng.gamma(2.0, 1.0, number)
        houses = np.maximum(4, np.round(size / size.sum() * wanted * 1.05)).astype(int)
        frames.append(
            pd.DataFrame(
                {
                    "kommune": k,
                    "strasse": _street_names(number, rng),
                    "schluessel": _street_keys(number, rng),
                    "x": start["x"].to_numpy() + np.where(kept, 0, rng.uniform(-90, 90, number)),
                    "y": start["y"].to_numpy() + np.where(kept, 0, rng.uniform(-90, 90, number)),
                    "richtung": rng.uniform(0, 2 * np.pi, number),
                    "haeuser": houses,
                }
            )
        )
    streets = pd.concat(frames, ignore_index=True)
    return _renamed(streets, rng)


def _a_block_of_each_area(blocks: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
    """Return the position of one block of each Sozialraum, so that none is without a street."""
    mixed = rng.permutation(len(blocks))
    _, first = np.unique(blocks["atom"].to_numpy()[mixed], return_index=True)
    return mixed[first]


def _street_names(number: int, rng: np.random.Generator) -> list[str]:
    possible = [stem + end for stem in _STEMS for end in _ENDS]
    possible += [town + end for town in _OUTWARD for end in _OUTWARD_ENDS]
    possible += [f"{at} {stem}{end}" for at in _PREFIXES for stem in _STEMS for end in _ENDS[1:3]]
    mixed = [name for name in rng.permutation(possible).tolist() if name not in _USUAL]
    return [*_USUAL, *mixed][:number]


def _street_keys(number: int, rng: np.random.Generator) -> list[str]:
    """Return keys of five characters, in no order that the names have; some end in a letter."""
    keys = rng.permutation(np.arange(1, number + 1) * 5)
    lettered = (rng.random(number) < LETTERED_SHARE) & (keys < 10**4)
    return [
        f"{key:04d}A" if letter else f"{key:05d}"
        for key, letter in zip(keys.tolist(), lettered.tolist(), strict=True)
    ]


def _renamed(streets: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Give some streets of every municipality a new name and key within 2014."""
    streets["strasse_alt"] = ""
    streets["schluessel_alt"] = ""
    streets["umbenannt_am"] = pd.Series(pd.NaT, streets.index, dtype="datetime64[s]")
    for k, mine in streets.groupby("kommune").groups.items():
        number = min(max(1, round(len(mine) * RENAMED_SHARE)), len(_RENAMED_TO))
        chosen = rng.choice(mine[len(mine) // 2 :], size=number, replace=False)
        streets.loc[chosen, "strasse_alt"] = streets.loc[chosen, "strasse"]
        streets.loc[chosen, "schluessel_alt"] = streets.loc[chosen, "schluessel"]
        streets.loc[chosen, "strasse"] = list(_RENAMED_TO[:number])
        streets.loc[chosen, "schluessel"] = [f"9{k:02d}{n:02d}" for n in range(number)]
        day = np.datetime64("2014-02-01") + rng.integers(0, 300, number)
        streets.loc[chosen, "umbenannt_am"] = day.astype("datetime64[s]")
    return streets


def _houses(space: Space, streets: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Return one row for each house that lies in the municipality of its street."""
    count = streets["haeuser"].to_numpy()
    street = np.repeat(np.arange(len(streets)), count)
    first = (np.cumsum(count) - count)[street]
    position = np.arange(len(street)) - first
    suffix = _suffixes(position, rng)
    bare = np.cumsum(suffix == 0)
    number = bare - bare[first] + 1
    along = (number // 2) * HOUSE_SPACING_M + suffix * 4.0 + rng.uniform(-1, 1, len(street))
    aside = np.where(number % 2 == 1, SETBACK_M, -SETBACK_M)
    angle = streets["richtung"].to_numpy()[street]
    x = streets["x"].to_numpy()[street] + along * np.cos(angle) - aside * np.sin(angle)
    y = streets["y"].to_numpy()[street] + along * np.sin(angle) + aside * np.cos(angle)
    houses = pd.DataFrame(
        {"street": street, "hausnummer": number, "suffix": suffix, "x": x.round(3), "y": y.round(3)}
    )
    houses["kommune"] = streets["kommune"].to_numpy()[street]
    houses["block"] = _block_at(space, houses)
    inside = space.blocks["kommune"].to_numpy()[houses["block"]] == houses["kommune"]
    return houses[inside & (houses["block"] >= 0)].reset_index(drop=True)


def _suffixes(position: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return 0 for a bare number, 1 for `a`, 2 for `b`, 3 for `c`, none without the one before."""
    place = position % 4
    longest = rng.choice(4, size=len(position), p=[0.86, 0.08, 0.03, 0.03])
    group = np.arange(len(position)) - place  # the bare number that the house would belong to
    return np.where(place <= longest[group], place, 0)


def _block_at(space: Space, points: pd.DataFrame) -> np.ndarray:
    """Return the block in which each point lies, -1 outside the county."""
    import shapely

    tree = shapely.STRtree(space.blocks["geometry"].to_numpy())
    point, block = tree.query(shapely.points(points["x"], points["y"]), predicate="within")
    found = np.full(len(points), -1, np.int64)
    found[point] = block
    return found


def _addresses(
    profile: Profile,
    space: Space,
    streets: pd.DataFrame,
    houses: pd.DataFrame,
    scale: float,
    rng: np.random.Generator,
) -> pd.DataFrame:
    ids = pd.Index([kommune.kommune_id for kommune in profile.kommunen])
    street, block = houses["street"].to_numpy(), houses["block"].to_numpy()
    number = np.arange(len(houses))
    frame = pd.DataFrame(
        {
            "adresse": number.astype(np.int32),
            "oi": _identifiers(profile, number),
            "kommune_id": pd.Categorical.from_codes(houses["kommune"], ids),
            "strassenschluessel": _of_street(streets["schluessel"], street),
            "strasse": _of_street(streets["strasse"], street),
            "strassenschluessel_alt": _of_street(streets["schluessel_alt"], street),
            "strasse_alt": _of_street(streets["strasse_alt"], street),
            "umbenannt_am": streets["umbenannt_am"].to_numpy()[street],
            "hausnummer": houses["hausnummer"].astype(np.int32),
            "zusatz": pd.Categorical.from_codes(houses["suffix"], ["", "a", "b", "c"]),
            "x": houses["x"],
            "y": houses["y"],
            "plz": pd.Categorical(space.blocks["plz"].to_numpy()[block]),
        }
    )
    for stand, raum in space.raeume.items():
        frame[f"raum_{stand}"] = pd.Categorical(raum[block])
    bezirk = space.blocks["bezirk"].to_numpy()[block]
    frame["bezirk_id"] = pd.Categorical.from_codes(bezirk, space.bezirke["bezirk_id"].tolist())
    frame["ab"] = _built(houses, rng)
    frame["art"], frame["plaetze"] = _special_places(profile, houses, frame["ab"], scale, rng)
    frame["kommune"] = houses["kommune"].astype(np.int32)
    frame["deprivation"] = space.blocks["deprivation"].to_numpy()[block].astype(np.float32)
    frame["gewicht"] = _weights(space, frame, block, rng)
    return frame


def _identifiers(profile: Profile, number: np.ndarray) -> list[str]:
    return [f"DENW{profile.kreis_id[2:]}{n:09d}" for n in number.tolist()]


def _of_street(values: pd.Series, street: np.ndarray) -> pd.Categorical:
    codes, names = pd.factorize(values, sort=True)
    return pd.Categorical.from_codes(codes[street], names)


def _built(houses: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
    """Return the year of building; `OPENED` stands for all that is older."""
    year = np.full(len(houses), OPENED, np.int32)
    drawn = rng.random(len(houses))
    start = 0.0
    for built, share in BUILT_SHARE.items():
        year[(drawn >= start) & (drawn < start + share) & (houses["hausnummer"] > 1)] = built
        start += share
    return year


def _special_places(
    profile: Profile, houses: pd.DataFrame, built: pd.Series, scale: float, rng: np.random.Generator
) -> tuple[pd.Categorical, np.ndarray]:
    """Choose old houses with a bare number as special places; return kind and number of beds."""
    kinds = ["normal", "unterkunft", "pflegeheim", "wohnheim"]
    kind = np.zeros(len(houses), np.int8)
    beds = np.zeros(len(houses), np.int32)
    ids = [kommune.kommune_id for kommune in profile.kommunen]
    usable = (built == OPENED) & (houses["suffix"] == 0) & (houses["hausnummer"] > 1)
    for ort in profile.orte:
        mine = usable & (houses["kommune"] == ids.index(ort.kommune_id)) & (kind == 0)
        chosen = rng.choice(np.flatnonzero(mine))
        kind[chosen] = kinds.index(ort.art)
        beds[chosen] = max(3, round(ort.plaetze * scale))
    return pd.Categorical.from_codes(kind, kinds), beds


def _weights(
    space: Space, frame: pd.DataFrame, block: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Return how much of its municipality lives at each address: so that each Sozialraum has the
    share it should have, most houses hold one household and some many.
    """
    newest = list(space.raeume)[-1]
    area, of_block = np.unique(space.raeume[newest], return_inverse=True)
    share = np.bincount(of_block, space.blocks["gewicht"])
    size = np.where(rng.random(len(frame)) < SMALL_HOUSES, 1.0, rng.lognormal(1.1, 0.8, len(frame)))
    size = np.where(frame["art"] == "normal", size, 0.0)
    mine = of_block[block]
    return share[mine] * size / np.bincount(mine, size, len(area))[mine]


def _directory(profile: Profile, streets: pd.DataFrame) -> pd.DataFrame:
    """Return the directory of streets: current ones, and the old names of renamed ones."""
    ids = np.array([kommune.kommune_id for kommune in profile.kommunen])
    opened = pd.Timestamp("1990-01-01")
    current = pd.DataFrame(
        {
            "kommune_id": ids[streets["kommune"]],
            "strassenschluessel": streets["schluessel"],
            "strasse": streets["strasse"],
            "gueltig_ab": streets["umbenannt_am"].fillna(opened),
            "gueltig_bis": pd.NaT,
            "nachfolger": None,
        }
    )
    renamed = streets[streets["umbenannt_am"].notna()]
    old = pd.DataFrame(
        {
            "kommune_id": ids[renamed["kommune"]],
            "strassenschluessel": renamed["schluessel_alt"],
            "strasse": renamed["strasse_alt"],
            "gueltig_ab": opened,
            "gueltig_bis": renamed["umbenannt_am"] - pd.Timedelta(days=1),
            "nachfolger": renamed["schluessel"],
        }
    )
    for frame in (current, old):
        for day in ("gueltig_ab", "gueltig_bis"):
            frame[day] = frame[day].astype("datetime64[s]")
        frame["nachfolger"] = frame["nachfolger"].astype(object)
    order = ["kommune_id", "strassenschluessel", "gueltig_ab"]
    return pd.concat([current, old]).sort_values(order, ignore_index=True)
