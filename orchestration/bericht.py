"""The Sozialbericht: freezes a reporting period of the current edition as an edition of its own.

It is made from the published edition alone, so that it can tell nothing else; it is audited like
any edition, is never `current`, and goes to no target by itself. What it holds: `publication/
bericht`.
"""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from orchestration.edition import areas_hash
from orchestration.models import Manifest, read_manifest
from orchestration.run_lock import hold
from orchestration.settings import Settings
from publication.material import REPORT
from publication.tables import widened


@dataclass(frozen=True)
class Order:
    """What is asked for.

    Attributes:
        begin: first day of the reporting period.
        end: last day.
        title: on the title page, German; None: `Sozialbericht` with the years.
    """

    begin: date
    end: date
    title: str | None = None

    @property
    def years(self) -> str:
        """The years of the period: `2013–2015`."""
        first, last = self.begin.year, self.end.year
        return str(first) if first == last else f"{first}–{last}"


def make_report(settings: Settings, order: Order, tell=print) -> Path:
    """Write, audit and publish a Sozialbericht; return its folder.

    Raises:
        ValueError: there is no edition, it has no figures in the period, its boundaries are not
            those of the home any more, or the finished files are not what was declared.
    """
    with hold(settings.lock, tell):
        return _make(settings, read_manifest(settings), order)


def _make(settings: Settings, manifest: Manifest, order: Order) -> Path:
    from publication.audit import audit_files
    from publication.bericht.period import freeze, rows_of_other_origin
    from publication.draft import write_draft
    from publication.edition import CURRENT, current_manifest, publish
    from publication.imprint import Imprint
    from publication.material import MARTS

    edition = current_manifest(settings.published)
    if edition is None:
        raise ValueError(
            f"{settings.region}: expected a published edition, found none; run `sozialraum run` "
            "first: a report is made from an edition"
        )
    if edition["region"] != settings.region:
        raise ValueError(
            f"published/{CURRENT}: expected an edition of {settings.region}, found one of "
            f"{edition['region']}; set REGION to it, or name another SOZIALRAUM_HOME"
        )
    folder = (settings.published / CURRENT).resolve()
    tables = manifest.published_tables()
    _demand_same_boundaries(settings, edition)
    if wider := widened(tables, edition):
        raise ValueError(
            f"{edition['edition_id']}: expected columns for everyone as when it was published, "
            f"found more today: {', '.join(wider[:5])}; publish a new edition first"
        )
    place = settings.sealed / "bericht"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    try:
        freeze(folder / MARTS, tables, order.begin, order.end, place / "zeitraum.duckdb")
        facts = _facts(edition, order)
        write_draft(
            warehouse=place / "zeitraum.duckdb",
            tables=tables,
            areas=settings.areas,
            folder=place / "draft",
            facts=facts,
            imprint=Imprint.of(edition),
        )
        faults = [
            *rows_of_other_origin(place / "draft" / MARTS, folder / MARTS, tables),
            *audit_files(place / "draft", tables),
        ]
        if faults:
            raise ValueError(
                "Sozialbericht: expected finished files as declared, found:\n" + "\n".join(faults)
            )
        return publish(place / "draft", settings.published, facts["edition_id"], current=False)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _demand_same_boundaries(settings: Settings, edition: Mapping) -> None:
    """Shapes of all Gebietsstände come from the home; those of the edition were hashed."""
    if areas_hash(settings) != edition.get("areas_sha256"):
        raise ValueError(
            f"{edition['edition_id']}: expected the boundaries that it was published with, found "
            "others in this home; publish a new edition first"
        )


def _facts(edition: Mapping, order: Order) -> dict:
    """What the report's manifest says: what it is, and of which edition."""
    now = datetime.now(UTC)
    kept = ("region", "code_version", "rule_versions", "deliveries", "scale", "steckbriefe")
    return {
        **{name: edition[name] for name in kept if name in edition},
        "edition_id": f"{edition['region']}-{REPORT}-{now:%Y%m%dT%H%M%S%fZ}",
        "kind": REPORT,
        "created_at": now.isoformat(timespec="seconds"),
        "bericht": {
            "titel": order.title or f"Sozialbericht {order.years}",
            "von": order.begin.isoformat(),
            "bis": order.end.isoformat(),
            "ausgabe": edition["edition_id"],
            "ausgabe_content_hash": edition["content_hash"],
        },
    }
