"""What municipalities have released for publication: who, when, for what.

Here belong the entries, of a region's `releases.yaml` and of the log of a home, and what follows
from them for a municipality and a theme. Not here: whether a municipality takes part at all
(`region.py`) and whether the agreement about a feed allows small areas (`agreement.py`). Without
an entry nothing is released.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from sources.layouts import Strict

ALLE = "alle"
"""Stands for every municipality of the region, or for every theme."""


class Freigabe(Strict):
    """One decision: figures of some themes of some municipalities may be published by Sozialraum.

    Attributes:
        kommunen: AGS of the municipalities, or `alle`.
        themen: themes, or `alle`.
        stichtag_bis: the last Stichtag released; None: until further notice.
        am: day of the decision.
        von: who decided, with the office; names no private person.
        entwurf: the draft that they had seen, if there was one.
    """

    kommunen: Literal["alle"] | tuple[str, ...]
    themen: Literal["alle"] | tuple[str, ...]
    stichtag_bis: date | None = None
    am: date
    von: str = Field(min_length=1)
    entwurf: str | None = None

    @model_validator(mode="after")
    def _speaks_of_something(self) -> Self:
        if not (self.kommunen and self.themen):
            raise ValueError(
                f"release of {self.am}: names no municipality or no theme; name them, or write "
                f"{ALLE!r}, or remove the entry"
            )
        return self

    def speaks_of(self, kommune_id: str, thema: str) -> bool:
        """Return whether the entry releases figures of a theme of a municipality."""
        return (self.kommunen == ALLE or kommune_id in self.kommunen) and (
            self.themen == ALLE or thema in self.themen
        )


def check_freigaben(
    freigaben: Iterable[Freigabe], kommunen: Sequence[str], themen: Sequence[str]
) -> None:
    """Check that entries speak of what there is.

    Args:
        freigaben: the entries.
        kommunen: AGS of the region's municipalities; empty where it does not list them.
        themen: the themes of its feeds.

    Raises:
        ValueError: an entry names an unknown municipality or theme.
    """
    for entry in freigaben:
        for what, named, known in (
            ("municipality", entry.kommunen, kommunen),
            ("theme", entry.themen, themen),
        ):
            strange = set(() if named == ALLE or not known else named) - set(known)
            if strange:
                raise ValueError(
                    f"release of {entry.am}: no {what} {sorted(strange)}; known are {sorted(known)}"
                )


def still_there(
    freigaben: Iterable[Freigabe], kommunen: Sequence[str], themen: Sequence[str]
) -> tuple[Freigabe, ...]:
    """Return entries without the municipalities and themes that there are no more.

    What was decided stays in the log when a feed is dropped or a municipality merged; an entry of
    which nothing is left speaks of nobody. Arguments as those of `check_freigaben`.
    """
    kept = []
    for entry in freigaben:
        left = {
            "kommunen": _left(entry.kommunen, kommunen),
            "themen": _left(entry.themen, themen),
        }
        if all(left.values()):
            kept.append(entry.model_copy(update=left))
    return tuple(kept)


def _left(named: str | tuple[str, ...], known: Sequence[str]) -> str | tuple[str, ...]:
    return named if named == ALLE or not known else tuple(n for n in named if n in known)


def freigabe_rows(freigaben: Iterable[Freigabe]) -> list[dict]:
    """Return `rule_freigabe`: `kommune_id`, `thema`, `stichtag_bis`, `am`; NULL stands for all."""
    rows = {
        (kommune_id, thema, entry.stichtag_bis, entry.am)
        for entry in freigaben
        for kommune_id in _named(entry.kommunen)
        for thema in _named(entry.themen)
    }
    columns = ("kommune_id", "thema", "stichtag_bis", "am")
    return [dict(zip(columns, row, strict=True)) for row in sorted(rows, key=str)]


def _named(codes: str | tuple[str, ...]) -> tuple[str | None, ...]:
    return (None,) if codes == ALLE else tuple(codes)


def states(
    rows: Sequence[Mapping[str, Any]],
    kommunen: Mapping[str, bool],
    themen: Iterable[str],
    agreed: Mapping[str, Collection[str]],
    published: Collection[tuple[str, str, str | None]] | None = None,
) -> list[dict]:
    """Return how far each theme of each municipality has come.

    Args:
        rows: `rule_freigabe`.
        kommunen: of each AGS whether it takes part; `alle` where the region lists none.
        themen: the themes.
        agreed: of each AGS the themes of which agreements allow to publish Sozialräume.
        published: municipality, theme and last Stichtag of what the last edition has published;
            None: the edition in question publishes all that is released.

    Returns:
        Plain rows: `kommune_id`, `thema`, `stand`, `seit` (day of the decision), `stichtag_bis`.
        `stand` is `nicht_vereinbart` (no agreement allows to publish Sozialräume), `entwurf`,
        `freigegeben` (from the next edition on) or `veroeffentlicht`.
    """
    return [
        {
            "kommune_id": kommune_id,
            "thema": thema,
            **_state(kommune_id, thema, rows if takes_part else [], agreed, published),
        }
        for kommune_id, takes_part in kommunen.items()
        for thema in themen
    ]


def _state(
    kommune_id: str,
    thema: str,
    rows: Iterable[Mapping[str, Any]],
    agreed: Mapping[str, Collection[str]],
    published: Collection[tuple[str, str, str | None]] | None,
) -> dict:
    if thema not in agreed[kommune_id]:
        return {"stand": "nicht_vereinbart"}
    own = [
        row
        for row in rows
        if row["kommune_id"] in (kommune_id, None) and row["thema"] in (thema, None)
    ]
    if not own:
        return {"stand": "entwurf"}
    widest = max(own, key=lambda row: (row["stichtag_bis"] or date.max, row["am"]))
    until = widest["stichtag_bis"] and widest["stichtag_bis"].isoformat()
    there = published is None or (kommune_id, thema, until) in published
    return {
        "stand": "veroeffentlicht" if there else "freigegeben",
        "seit": widest["am"].isoformat(),
        "stichtag_bis": until,
    }


def read_log(path: Path) -> tuple[Freigabe, ...]:
    """Read the log of a home, one entry a line; none if there is no log.

    Raises:
        ValueError: a line is not well formed; the message names file and line.
    """
    if not path.exists():
        return ()
    entries = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            entries.append(Freigabe.model_validate_json(line))
        except ValueError as error:
            raise ValueError(
                f"{path.name}, line {number}: expected a release as JSON; {error}. To do: mend "
                "the line; the log is only ever added to"
            ) from error
    return tuple(entries)


def append_to_log(path: Path, entry: Freigabe) -> None:
    """Add one entry to the log of a home; what stands there stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    line = json.dumps(entry.model_dump(mode="json", exclude_none=True), ensure_ascii=False)
    with path.open("a", encoding="utf-8") as log:
        log.write(line + "\n")
