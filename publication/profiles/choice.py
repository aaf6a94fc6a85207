"""Which profiles an edition has, and what their files are called.

The one declaration that writer and audit share. Not here: what stands in a profile.
"""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from publication.imprint import Imprint
from publication.layers import SHOWN
from publication.legends import NEWEST

if TYPE_CHECKING:
    import duckdb

FOLDER = "profiles"
INDEX = f"{FOLDER}/index.html"
INDICATOR = "indikator"
"""The one kind of profile that is no level of areas."""
FACT = "steckbriefe"
"""The key of the manifest that says how many profiles a trial has: `alle` (default) or `kreis`."""
ALL, TRIAL = "alle", "kreis"
PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


class Profile(NamedTuple):
    """One profile: its kind (a level of areas, or `indikator`) and the key of what it tells of."""

    kind: str
    key: str

    @property
    def page(self) -> str:
        """The web page, relative to the edition."""
        return f"{FOLDER}/{self.kind}/{self.key}.html"

    @property
    def sheet(self) -> str:
        """The PDF, relative to the edition."""
        return f"{FOLDER}/{self.kind}/{self.key}.pdf"


def chosen(
    con: "duckdb.DuckDBPyConnection", imprint: Imprint, facts: Mapping
) -> tuple[Profile, ...]:
    """Return the profiles of an edition, in the order of the kinds and of their keys.

    There is one for each area of the Gebietsstand that a level shows, and one for each indicator,
    of the kinds that `imprint.stufen` names. With the fact `steckbriefe: kreis` (trials) there are
    only the Kreis' and one Kommune's.

    Args:
        con: the database of a draft or an edition.
        imprint: who publishes.
        facts: the manifest, as far as it stands.

    Raises:
        ValueError: the fact is unknown, or a key is no plain file name.
    """
    wanted = facts.get(FACT) or ALL
    if wanted not in (ALL, TRIAL):
        raise ValueError(
            f"{FACT}: expected {ALL} or {TRIAL}, found {wanted!r}; mend the setting of the run"
        )
    found = con.execute(
        f"""
        SELECT raumebene, raum_id FROM dim_raum JOIN ({SHOWN}) USING (raumebene, gebietsstand)
        UNION ALL
        SELECT ?, indikator_id FROM ({NEWEST})
        ORDER BY ALL
        """,
        [INDICATOR],
    ).fetchall()
    keys: dict[str, list[str]] = {}
    for kind, key in found:
        keys.setdefault(kind, []).append(key)
    if wanted == TRIAL:
        keys = {"kommune": keys.get("kommune", [])[:1], "kreis": keys.get("kreis", [])}
    profiles = tuple(Profile(kind, key) for kind in imprint.stufen for key in keys.get(kind, ()))
    for profile in profiles:
        if not (PLAIN.fullmatch(profile.key) and PLAIN.fullmatch(profile.kind)):
            raise ValueError(
                f"profiles {profile.kind}: expected a key of letters, digits, _, - and ., "
                f"found {profile.key!r}; files are named after keys, change it in the region"
            )
    return profiles
