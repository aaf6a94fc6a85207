"""The true results of a synthetic county: what the warehouse must find. Only tests read them.

They are counted from the county's frames, never from the partners' files. Definitions are those of
the agreed Merkmale; what a register cannot show (unmarried couples without children, a history of
migration without a trace) is told as it is, not as it is derived.
"""

from datetime import date

import numpy as np
import pandas as pd

from sources.simulator.county import County
from sources.simulator.needs import SEVERE
from sources.simulator.people import CUT_DAYS

BANDS = {
    "00-02": 0, "03-05": 3, "06-09": 6, "10-14": 10, "15-17": 15, "18-20": 18, "21-24": 21,
    "25-29": 25, "30-44": 30, "45-49": 45, "50-59": 50, "60-64": 60, "65-79": 65, "80+": 80,
}  # fmt: skip
"""Age bands and the age at which each begins."""

TOTAL = "insgesamt"
CHILD = 2
"""Role of a child in a household."""

MANY_CHILDREN = 3
ADULT, PROTECTED = 18, 2
"""Age of majority; vaccinations that protect against measles."""

OLD, SMALL, LONG = 65, 6, 10
"""Age from which somebody is old, below which a child is small; many years in one dwelling."""


def true_results(county: County) -> dict[str, pd.DataFrame]:
    """Return the true results.

    Returns:
        `bevoelkerung`: raum_id (also `<kommune_id>-ohne`), gebietsstand, stichtag, basis,
        altersgruppe, geschlecht, staatsangehoerigkeit, anzahl: totals, and each of the three
        crossings alone. Persons of neither sex count in totals only, so that the two sexes may be
        a few less. With basis fortschreibung the municipalities' totals lie at `-ohne`.
        `fallzahl`: raum_id, gebietsstand, stichtag, merkmal, anzahl: every area of a Stichtag has
        a row.
    """
    return {"bevoelkerung": _bevoelkerung(county), "fallzahl": _fallzahl(county)}


def _bevoelkerung(county: County) -> pd.DataFrame:
    frames = [_earlier(county), _fortschreibung(county)]
    for stichtag in county.stichtage:
        stock = _inhabitants(county, stichtag.year)
        bands = np.searchsorted(list(BANDS.values()), stock["alter"].to_numpy(), side="right") - 1
        crossings = {
            "altersgruppe": pd.Categorical.from_codes(bands, list(BANDS)),
            "geschlecht": stock["geschlecht"].cat.remove_categories("divers"),
            "staatsangehoerigkeit": stock["staatsangehoerigkeit"],
        }
        counted = [_counts(stock["raum_id"], pd.Series(TOTAL, stock.index)).assign(wert=TOTAL)]
        counted += [
            _counts(stock["raum_id"], pd.Series(values, stock.index)).assign(merkmal=name)
            for name, values in crossings.items()
        ]
        for frame in counted:
            frames.append(_dated(county, frame, stichtag).assign(basis="melderegister"))
    columns = ["altersgruppe", "geschlecht", "staatsangehoerigkeit"]
    united = pd.concat(frames, ignore_index=True)
    for column in columns:
        united[column] = united["wert"].where(united["merkmal"] == column, TOTAL)
    united = united[["raum_id", "gebietsstand", "stichtag", "basis", *columns, "anzahl"]]
    return united.astype({"anzahl": np.int64})


def _inhabitants(county: County, jahr: int) -> pd.DataFrame:
    stock = county.bestand(jahr)
    return stock[(stock["wohnungsstatus"] != "neben").to_numpy()]


def _counts(raum: pd.Series, wert: pd.Series) -> pd.DataFrame:
    """Count every area crossed with every value; what does not occur is 0."""
    grouped = pd.DataFrame({"raum_id": raum, "wert": wert.astype("category")})
    counted = grouped.groupby(["raum_id", "wert"], observed=False).size().rename("anzahl")
    return counted.reset_index().astype({"raum_id": str, "wert": str})


def _dated(county: County, frame: pd.DataFrame, stichtag: date) -> pd.DataFrame:
    stand = county.profile.gebietsstand_am(stichtag)
    return frame.assign(gebietsstand=stand, stichtag=stichtag)


def _earlier(county: County) -> pd.DataFrame:
    """The register's totals of the years before the first stock."""
    frames = [
        _dated(county, totals, date(int(jahr), 12, 31))
        for jahr, totals in county.jahressummen.groupby("jahr")
    ]
    united = pd.concat(frames)[["raum_id", "anzahl", "gebietsstand", "stichtag"]]
    return united.assign(basis="melderegister", merkmal="", wert=TOTAL)


def _fortschreibung(county: County) -> pd.DataFrame:
    by_sex = county.fortschreibung
    total = by_sex.groupby(["kommune_id", "jahr"], as_index=False)["anzahl"].sum()
    united = pd.concat([by_sex.assign(merkmal="geschlecht"), total.assign(geschlecht=TOTAL)])
    stichtage = [date(int(jahr), 12, 31) for jahr in united["jahr"]]
    return pd.DataFrame(
        {
            "raum_id": united["kommune_id"].astype(str) + "-ohne",
            "anzahl": united["anzahl"],
            "gebietsstand": [county.profile.gebietsstand_am(stichtag) for stichtag in stichtage],
            "stichtag": stichtage,
            "basis": "fortschreibung",
            "merkmal": united["merkmal"].fillna(""),
            "wert": united["geschlecht"],
        }
    )


def _fallzahl(county: County) -> pd.DataFrame:
    frames = []
    for stichtag in county.stichtage:
        frames += [
            _dated(county, _register(county, stichtag.year), stichtag),
            _dated(county, _movements(county, stichtag), stichtag),
            *_needs(county, stichtag.year),
        ]
    columns = ["raum_id", "gebietsstand", "stichtag", "merkmal", "anzahl"]
    return pd.concat(frames, ignore_index=True)[columns].astype({"anzahl": np.int64})


def _sums(raum: pd.Series, counted: dict[str, np.ndarray]) -> pd.DataFrame:
    """Add up each Merkmal by area; every area has a row."""
    codes = raum.cat.codes.to_numpy()
    areas = raum.cat.categories.to_numpy()
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "raum_id": areas,
                    "merkmal": merkmal,
                    "anzahl": np.bincount(codes, values, len(areas)).round().astype(int),
                }
            )
            for merkmal, values in counted.items()
        ]
    )


def _register(county: County, jahr: int) -> pd.DataFrame:
    """Ages, years in the dwelling, migration; households as they are, not as rules derive them."""
    stock = _inhabitants(county, jahr)
    age = stock["alter"].to_numpy()
    migration = stock["migrationshintergrund"].to_numpy()
    long_ago = np.datetime64(f"{jahr - LONG}-12-31")
    below = _below_age_limit(stock["geburtsmonat"].to_numpy(), jahr)
    persons_of = _sums(
        stock["raum_id"],
        {
            "alterssumme": age,
            "wohndauer_ab_10": (age >= ADULT) & (stock["einzug_wohnung"] <= long_ago).to_numpy(),
            "migrationshintergrund": migration,
            "migrationshintergrund_u18": migration & (age < ADULT),
            "einwohner_unter_altersgrenze": below,
            "einwohner_15_bis_altersgrenze": below & (age >= BANDS["15-17"]),
            "einwohner_18_bis_altersgrenze": below & (age >= ADULT),
            "einwohner_ab_altersgrenze": ~below,
        },
    )
    household = stock["haushalt"].to_numpy()
    child = (stock["rolle"] == CHILD).to_numpy()
    persons = np.bincount(household)
    adults = np.bincount(household, ~child)
    children = np.bincount(household, child & (stock["alter"] < ADULT).to_numpy())
    homes = stock.loc[~stock["haushalt"].duplicated(), ["haushalt", "raum_id", "alter"]]
    persons, adults, children = (
        values[homes["haushalt"].to_numpy()] for values in (persons, adults, children)
    )
    return pd.concat(
        [
            persons_of,
            _sums(
                homes["raum_id"],
                {
                    "haushalte": persons > 0,
                    "haushalte_einperson": persons == 1,
                    "haushalte_einperson_ab_65": (persons == 1)
                    & (homes["alter"] >= OLD).to_numpy(),
                    "haushalte_mit_kindern": children > 0,
                    "haushalte_alleinerziehend": (children > 0) & (adults == 1),
                    "haushalte_kinderreich": children >= MANY_CHILDREN,
                },
            ),
        ]
    )


def _below_age_limit(born: np.ndarray, jahr: int) -> np.ndarray:
    """Who has not completed the age of § 7a SGB II before December of a year; `born` is JJJJMM.

    65 years, for those born from 1947 to 1958 one month more a year, then two, up to 67 years.
    """
    year, month = born // 100, np.maximum(born % 100, 1)
    limit = 65 * 12 + np.clip(year - 1946, 0, 12) + 2 * np.clip(year - 1958, 0, 6)
    return (jahr - year) * 12 + 12 - month <= limit


def _movements(county: County, stichtag: date) -> pd.DataFrame:
    """Events of the year that were booked in time, in the area of the address they concern."""
    stays, until = county.personen, np.datetime64(stichtag) + np.timedelta64(CUT_DAYS, "D")
    frames = []
    for side, day, kinds in (
        ("von", "von", {"geburt": "geburten", "zuzug": "zuzuege", "umzug": "umzuege_im_kreis"}),
        ("bis", "bis", {"sterbefall": "sterbefaelle", "fortzug": "fortzuege"}),
    ):
        counts = (stays[day].dt.year == stichtag.year) & (stays[f"buchung_{side}"] <= until)
        events = stays[counts.to_numpy() & stays[f"anlass_{side}"].isin(list(kinds)).to_numpy()]
        raum = pd.Series(
            county.raum_am(events["adresse"].to_numpy(), events["kommune_id"], stichtag)
        )
        reason = events[f"anlass_{side}"].astype(str).to_numpy()
        small = _age_at(county, events["person"].to_numpy(), events[day]) < SMALL
        counted = {name: reason == kind for kind, name in kinds.items()}
        counted |= {
            f"{kinds[kind]}_u6": (reason == kind) & small
            for kind in ("zuzug", "fortzug")
            if kind in kinds
        }
        frames.append(_sums(raum, counted))
    return pd.concat(frames)


def _age_at(county: County, person: np.ndarray, day: pd.Series) -> np.ndarray:
    """Return the years of age of persons at days: the month of birth has passed when it begins."""
    born = county.menschen["geburtsmonat"].to_numpy()[person]
    before = day.dt.month.to_numpy() < born % 100
    return day.dt.year.to_numpy() - born // 100 - before


def _needs(county: County, jahr: int) -> list[pd.DataFrame]:
    needs = county.lagen(jahr)
    year_end, school, kita = date(jahr, 12, 31), date(jahr, 6, 30), date(jahr + 1, 3, 1)
    counted = {
        year_end: _at_year_end(needs),
        school: _at_school_entry(needs),
        kita: {
            "kita_kinder_u3": needs["kita"] & (needs["alter"] < BANDS["03-05"]),
            "kita_kinder_ue3": needs["kita"] & (needs["alter"] >= BANDS["03-05"]),
        },
    }
    frames = []
    for stichtag, values in counted.items():
        raum = pd.Series(county.raum_am(needs["adresse"].to_numpy(), needs["kommune_id"], stichtag))
        frames.append(_dated(county, _sums(raum, values), stichtag))
    return frames


def _at_year_end(needs: pd.DataFrame) -> dict[str, pd.Series]:
    age, gs, hze = needs["alter"], needs["gs"], needs["hze"]
    head = needs["sgb2"] & ~needs["bg"].duplicated()
    aided = hze != "none"
    return {
        "sgb2_leistungsberechtigte": needs["sgb2"],
        "sgb2_elb": needs["personengruppe"] == "elb",
        "sgb2_nef": needs["personengruppe"] == "nef",
        "sgb2_kinder_u15": needs["sgb2"] & (age < BANDS["15-17"]),
        "sgb2_bg_alleinerziehend": head & (needs["bg_typ"] == "alleinerziehend"),
        "arbeitslose": needs["arbeitslos"],
        "arbeitslose_sgb2": needs["arbeitslos_sgb2"],
        "arbeitslose_15_24": needs["arbeitslos"] & (age < BANDS["25-29"]),
        "langzeitarbeitslose": needs["langzeit"],
        "hze_hilfen": aided & (hze != "p35a"),
        "hze_ohne_28": aided & ~hze.isin(["p28", "p35a"]),
        "eingliederungshilfe_35a": hze == "p35a",
        "grundsicherung_alter": gs == "gs_alter",
        "grundsicherung_erwerbsminderung": gs == "gs_erwerbsminderung",
        "hilfe_zum_lebensunterhalt": gs == "hlu",
        "hilfe_zur_pflege": needs["hilfe_pflege"],
        "schwerbehinderte": needs["gdb"] >= SEVERE,
    }


def _at_school_entry(needs: pd.DataFrame) -> dict[str, pd.Series]:
    return {
        "seu_untersuchte": needs["seu"],
        "seu_sprache_auffaellig": needs["sopess"] == "auffaellig",
        "seu_impfbuch": needs["impfbuch"],
        "seu_mmr2": needs["impfbuch"] & (needs["mmr"] >= PROTECTED),
        "seu_vorsorgeheft": needs["vorsorgeheft"],
        "seu_u8_u9": needs["vorsorgeheft"] & needs["u8"] & needs["u9"],
    }
