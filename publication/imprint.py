"""Who publishes an edition, under which licence, and what its forms lead with: plain data.

Made from the region's declarations by orchestration and kept in the manifest, so that whatever is
made from an edition later (a report, a service) needs the edition alone. Not here: any file.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Self

IMPRINT = "publikation"
"""The key of the manifest under which it stands."""


@dataclass(frozen=True)
class Imprint:
    """What the forms of an edition say of themselves.

    Attributes:
        region: id of the region.
        region_name: the Kreis' own name.
        titel, beschreibung: of the dataset, German.
        kennung: UUID as text, from which identifiers of catalogue records are derived.
        organisation, stelle, email, url: who publishes and answers.
        lizenz_kennung, lizenz_name, lizenz_url, lizenz_dcat, quellenvermerk: the licence.
        schlagworte: keywords.
        stufennamen: level → (singular, plural), German.
        stufen: kinds of profiles that the edition has.
        leitindikatoren: ids of the key figures that lead.
        leitindex: id of the index that leads, or None.
        stellungnahme_pflicht: whether nothing is published without the municipalities' statements.
        kommunen: the keys of the municipalities that take part.
    """

    region: str
    region_name: str
    titel: str
    beschreibung: str
    kennung: str
    organisation: str
    stelle: str
    email: str
    url: str
    lizenz_kennung: str
    lizenz_name: str
    lizenz_url: str
    lizenz_dcat: str
    quellenvermerk: str
    schlagworte: tuple[str, ...]
    stufennamen: Mapping[str, tuple[str, str]]
    stufen: tuple[str, ...]
    leitindikatoren: tuple[str, ...]
    leitindex: str | None
    stellungnahme_pflicht: bool
    kommunen: tuple[str, ...]

    def singular(self, level: str) -> str:
        """Return the German name of a level, such as `Sozialraum`."""
        return self.stufennamen.get(level, (_spelled(level),) * 2)[0]

    def plural(self, level: str) -> str:
        """Return the German plural of a level, such as `Sozialräume`."""
        return self.stufennamen.get(level, (_spelled(level),) * 2)[1]

    def facts(self) -> dict:
        """Return it as JSON values, as the manifest keeps it."""
        return {
            **asdict(self),
            "schlagworte": list(self.schlagworte),
            "stufennamen": {level: list(names) for level, names in self.stufennamen.items()},
            "stufen": list(self.stufen),
            "leitindikatoren": list(self.leitindikatoren),
            "kommunen": list(self.kommunen),
        }

    @classmethod
    def of(cls, manifest: Mapping) -> Self:
        """Read it from a manifest.

        Raises:
            ValueError: the manifest has none: the edition was written before there was one.
        """
        if IMPRINT not in manifest:
            raise ValueError(
                f"manifest.json: expected {IMPRINT!r}, found none; publish a new edition first"
            )
        told = manifest[IMPRINT]
        return cls(
            **{
                **told,
                "schlagworte": tuple(told["schlagworte"]),
                "stufennamen": {k: tuple(v) for k, v in told["stufennamen"].items()},
                "stufen": tuple(told["stufen"]),
                "leitindikatoren": tuple(told["leitindikatoren"]),
                "kommunen": tuple(told["kommunen"]),
            }
        )


def _spelled(level: str) -> str:
    return level.replace("_", " ").capitalize()
