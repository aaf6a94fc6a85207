"""How German street names and house numbers are compared: one definition, in SQL.

Nothing here knows a register. The functions that take SQL return SQL; `normalise` and
`house_number` run the same expressions for one text.

Decisions. Umlauts are written out (`ü` = `ue`, `ß` = `ss`), because offices without them do so;
accents fall away; case and everything that is no letter or digit separates words only. A name is
compared without its blanks (`name_key`), so `Karl-Marx-Str.` is `Karl Marx Straße`. An abbreviation
is one only at the end of a word: `Bergstr.` becomes `bergstrasse`, `Bergstraße` stays itself.
Two streets that fall together are no danger: between two Sozialräume no match is made.
"""

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

LETTERS = {"ß": "ss", "ä": "ae", "ö": "oe", "ü": "ue"}
"""Letters that are written out."""

ENDINGS = {"str": "strasse", "pl": "platz"}
"""Abbreviations at the end of a word: `Bergstr.`, `Marktpl.`."""

WORDS = {
    "al": "allee",
    "bgm": "buergermeister",
    "dr": "doktor",
    "prof": "professor",
    "st": "sankt",
}
"""Abbreviations that are a word of their own: `St. Josef`, never `Ost`."""

NO_NUMBER = ("", "*", "-", "0", "ohne", "ohne nr.")
"""What stands for an address without a house number."""

_SUFFIX = r"(?:/\s*[0-9]{1,2}|1/2|[a-z]{0,2})"
_TO = r"(?:-|–|—|\+|&|bis|und|u\.)"
_NUMBER = rf"^0*([0-9]{{1,5}})\s*({_SUFFIX})\s*(?:{_TO}\s*0*([0-9]{{1,5}})?\s*([a-z]{{0,2}}))?$"
_NUMBER_PREFIX = r"^(?:haus)?nr\.?\s*"
_ADDRESS = (
    r"^(.*?(?:[^0-9 ,][ ,]*|[0-9][ ,]+))"  # a number is the last one: `Straße 101 Nr. 12`
    r"((?:nr\.?\s*)?"
    rf"[0-9]{{1,5}}\s*{_SUFFIX}\s*(?:{_TO}\s*(?:[0-9]{{1,5}})?\s*[a-z]{{0,2}})?|\*)$"
)
_POST_TOWN = r"[ ,]+[0-9]{5}( [^0-9]*)?$"


def name_sql(text: str) -> str:
    """Return SQL for the normal form of the street name that the SQL `text` yields.

    Lower-case words with single blanks between them; never NULL, empty for no name.
    """
    folded = f"lower(nfc_normalize(coalesce({text}, '')))"
    for letter, written in LETTERS.items():
        folded = f"replace({folded}, '{letter}', '{written}')"
    words = f"trim(regexp_replace(strip_accents({folded}), '[^\\p{{L}}\\p{{N}}]+', ' ', 'g'))"
    whole = " ".join(f"when word = '{short}' then '{long}'" for short, long in WORDS.items())
    ends = " ".join(
        f"when ends_with(word, '{short}') then word[:-{len(short) + 1}] || '{long}'"
        for short, long in ENDINGS.items()
    )
    spelt = f"lambda word: case {whole} {ends} else word end"
    return f"array_to_string(list_transform(string_split({words}, ' '), {spelt}), ' ')"


def name_key_sql(text: str) -> str:
    """Return SQL for what all spellings of one street have in common: its name without blanks."""
    return f"replace({name_sql(text)}, ' ', '')"


def numbers_sql(source: str) -> str:
    """Return a query that reads the house numbers in the column `text` of a relation.

    Its columns: `text`, `nummer`, `zusatz`, `bis_nummer`, `bis_zusatz`. A single number is the
    range from itself to itself; 0 stands for an address without one. `12/14` is a range, `12/1` a
    suffix. All are NULL if the text is no house number, or its range runs backwards.
    """
    none = ", ".join(f"'{text}'" for text in NO_NUMBER)
    groups = "['von', 'zusatz', 'bis', 'bis_zusatz']"
    return f"""
        with plain as (
            select text, regexp_replace(
                trim(lower(nfc_normalize(coalesce(text, '')))), '{_NUMBER_PREFIX}', ''
            ) as bare
            from {source}
        ),
        parts as (
            select text, bare in ({none}) as keine,
                   regexp_extract(bare, '{_NUMBER}', {groups}) as part
            from plain
        ),
        numbers as (
            select text, keine,
                   try_cast(part.von as integer) as von,
                   replace(part.zusatz, ' ', '') as zusatz,
                   try_cast(part.bis as integer) as bis,
                   try_cast(ltrim(part.zusatz, '/ ') as integer) as nach_strich,
                   part.bis_zusatz as bis_zusatz
            from parts
        ),
        ranges as (
            select text, keine, von,
                   case when starts_with(zusatz, '/') and nach_strich > von then '' else zusatz
                   end as zusatz,
                   case
                       when starts_with(zusatz, '/') and nach_strich > von then nach_strich
                       else coalesce(bis, von)
                   end as bis,
                   case when bis is null and bis_zusatz = '' then zusatz else bis_zusatz
                   end as bis_zusatz
            from numbers
        ),
        checked as (
            select text, keine, von, zusatz, bis,
                   case when bis > von and starts_with(bis_zusatz, '/') then '' else bis_zusatz
                   end as bis_zusatz
            from ranges
        )
        select text,
               case when keine then 0 when gut then von end as nummer,
               case when keine then '' when gut then zusatz end as zusatz,
               case when keine then 0 when gut then bis end as bis_nummer,
               case when keine then '' when gut then bis_zusatz end as bis_zusatz
        from (select *, von > 0 and (von, zusatz) <= (bis, bis_zusatz) as gut from checked)
    """


def parts_sql(address: str) -> str:
    """Return SQL for an address in one text, as a struct `strasse`, `hausnummer`.

    The house number is the last number; a postcode with its town at the end is left out. An
    address without a number is a street.
    """
    plain = f"trim(regexp_replace(coalesce({address}, ''), '{_POST_TOWN}', ''))"
    found = f"regexp_extract({plain}, '(?i){_ADDRESS}', ['strasse', 'hausnummer'])"
    whole = f"{{'strasse': {plain}, 'hausnummer': ''}}"
    return f"case when ({found}).strasse = '' then {whole} else {found} end"


@cache
def _calculator() -> "duckdb.DuckDBPyConnection":
    import duckdb

    return duckdb.connect()


def normalise(name: str) -> str:
    """Return the normal form of a street name."""
    query = f"select {name_sql('name')} from (select ? as name)"
    return _calculator().cursor().execute(query, [name]).fetchone()[0]


def house_number(text: str) -> tuple[int, str, int, str] | None:
    """Return number, suffix, last number and its suffix; None if the text is no house number."""
    query = f"select * exclude (text) from ({numbers_sql('(select ? as text)')})"
    found = _calculator().cursor().execute(query, [text]).fetchone()
    return None if found[0] is None else found
