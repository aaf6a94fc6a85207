"""An asset for each place that receives the editions, its check, and the announcement by mail.

What is done with a target is `publication/targets`, which there are is `ziele.yaml` of the region.
A target's trouble never fails the run, for the edition is published by then: its asset says what
became of it, its check `gelesen` reads there and turns red, and the others go on. To catch up,
materialise the one asset again.
"""

import json
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import dagster as dg

from orchestration.edition import PUBLISHED
from orchestration.settings import Settings
from orchestration.warehouse import OWNER
from publication.edition import CURRENT, current_manifest
from publication.targets.errors import TargetDown, TargetError
from sources.region import Region
from sources.ziele import ANKUENDIGUNG, Ankuendigung, Ziel

if TYPE_CHECKING:
    from publication.tables import PublishedTable
    from publication.targets.place import Place

GROUP = "ziele"
READ, SENT = "gelesen", "verschickt"
"""The checks of a target, and of the mail."""

THERE, PASSED_OVER, LATE, REFUSED, FAILED = (
    "aktuell",
    "uebersprungen",
    "nicht_erreicht",
    "abgelehnt",
    "fehler",
)
"""What becomes of a target: the edition lies there; no address, or a trial; a later run catches up;
somebody has to mend something; something that nobody foresaw."""

LONGEST = 900.0
"""Seconds after which a target is given up in this run, whatever it does."""

CHECK_TRIES = 2
"""A check asks less patiently than the delivery that came just before."""

Tables = Callable[[], "Sequence[PublishedTable]"]
Result = TypeVar("Result")


@dataclass(frozen=True)
class Told:
    """What became of a target in a run; `facts` are counts, `message` says why not."""

    status: str
    edition: str
    message: str = ""
    facts: Mapping = field(default_factory=dict)


def target_key(ziel: str) -> dg.AssetKey:
    """Return the asset key of a target."""
    return dg.AssetKey(["ziel", ziel])


def target_assets(settings: Settings, region: Region, tables: Tables) -> list[dg.AssetsDefinition]:
    """Return one asset for each target of the region, and that of the announcement.

    Args:
        settings: paths and addresses.
        region: what the region declares.
        tables: returns what is published; a database needs it.
    """
    assets = [_target_asset(settings, ziel, tables) for ziel in region.ziele.ziele]
    if mail := region.ziele.ankuendigung:
        assets.append(_mail_asset(settings, region, mail))
    return assets


def target_checks(
    settings: Settings, region: Region, tables: Tables
) -> list[dg.AssetChecksDefinition]:
    """Return the check of each target, and that of the announcement. None of them blocks."""
    checks = [_read_check(settings, ziel, tables) for ziel in region.ziele.ziele]
    if mail := region.ziele.ankuendigung:
        checks.append(_sent_check(settings, mail))
    return checks


def record_of(settings: Settings, ziel: str) -> dict:
    """Return what the last run has recorded of a target or of the mail, {} if there was none."""
    path = _record(settings, ziel)
    return json.loads(path.read_text("utf-8")) if path.exists() else {}


def settled(settings: Settings, names: Sequence[str]) -> dict[str, tuple[bool, str]]:
    """Return of each target whether there is nothing left to do, and what became of it."""
    records = {name: record_of(settings, name) for name in names}
    return {
        name: (
            record.get("status") in (THERE, PASSED_OVER),
            ": ".join(filter(None, (record.get("status", FAILED), record.get("message")))),
        )
        for name, record in records.items()
    }


def summary_of(settings: Settings, region: Region, edition: str) -> str:
    """Return in one line what became of each target of an edition; "" if it goes nowhere."""
    records = {
        name: record_of(settings, name)
        for name in (*(ziel.ziel for ziel in region.ziele.ziele), ANKUENDIGUNG)
    }
    return ", ".join(
        f"{name} {record['status']}"
        for name, record in records.items()
        if record.get("edition") == edition and record.get("status") not in (None, PASSED_OVER)
    )


def _target_asset(settings: Settings, ziel: Ziel, tables: Tables) -> dg.AssetsDefinition:
    @dg.asset(
        key=target_key(ziel.ziel),
        deps=[PUBLISHED],
        description=_description(ziel),
        group_name=GROUP,
        kinds={"postgres" if ziel.art == "postgis" else "file"},
        owners=[OWNER],
        required_resource_keys={"run_lock"},
    )
    def target(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        started = time.perf_counter()
        told = _attempt(
            settings, ziel.verbindung, lambda address: _deliver(settings, ziel, address, tables)
        )
        _write_record(settings, ziel.ziel, asdict(told))
        return _materialized(context, ziel.ziel, told, time.perf_counter() - started)

    return target


def _description(ziel: Ziel) -> str:
    what = ", ".join(ziel.formen) or "Tabellen und Sichten"
    return (
        f"The edition at a target ({ziel.art}, {ziel.publikum}): {what}. "
        f"Its address stands in SOZIALRAUM_ZIEL_{ziel.verbindung}."
    )


def _read_check(settings: Settings, ziel: Ziel, tables: Tables) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=target_key(ziel.ziel),
        name=READ,
        description="What lies at the target now, read there, is the current edition.",
        required_resource_keys={"run_lock"},
    )
    def check(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        return _checked(
            _attempt(
                settings, ziel.verbindung, lambda address: _read(settings, ziel, address, tables)
            )
        )

    return check


def _mail_asset(settings: Settings, region: Region, mail: Ankuendigung) -> dg.AssetsDefinition:
    @dg.asset(
        key=target_key(ANKUENDIGUNG),
        deps=[PUBLISHED, *(target_key(ziel.ziel) for ziel in region.ziele.ziele)],
        description="A mail to those who want to hear of a new edition, once for each edition. "
        f"The server stands in SOZIALRAUM_ZIEL_{mail.verbindung}.",
        group_name=GROUP,
        kinds={"file"},
        owners=[OWNER],
        required_resource_keys={"run_lock"},
    )
    def announcement(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        started = time.perf_counter()
        told = _attempt(
            settings, mail.verbindung, lambda address: _announce(settings, region, mail, address)
        )
        _write_record(
            settings, ANKUENDIGUNG, {**_mail_record(settings, told.edition), **asdict(told)}
        )
        return _materialized(context, ANKUENDIGUNG, told, time.perf_counter() - started)

    return announcement


def _sent_check(settings: Settings, mail: Ankuendigung) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=target_key(ANKUENDIGUNG),
        name=SENT,
        description="Every recipient's server has taken the mail about the current edition.",
        required_resource_keys={"run_lock"},
    )
    def check(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        return _checked(
            _attempt(settings, mail.verbindung, lambda address: _remembered(settings, mail))
        )

    return check


def _kept_back(settings: Settings, manifest: Mapping) -> Told | None:
    """Return why the current edition is for none of this region's targets, if that is so."""
    edition = manifest["edition_id"]
    if manifest["region"] != settings.region:
        return Told(
            REFUSED,
            edition,
            f"published/{CURRENT}: expected an edition of {settings.region}, found one of "
            f"{manifest['region']}; give each region a home of its own",
        )
    if settings.is_trial or _was_trial(manifest):
        return Told(PASSED_OVER, edition, "a trial (SCALE, STECKBRIEFE) goes to no target")
    return None


def _was_trial(manifest: Mapping) -> bool:
    return manifest.get("scale", 1) < 1 or manifest.get("steckbriefe", "alle") != "alle"


def _attempt(settings: Settings, verbindung: str, work: Callable[[str], Told]) -> Told:
    """Do the work of a target, if it is to be done; whatever goes wrong there is told, not raised.

    Raises:
        dg.Failure: nothing is published yet.
    """
    manifest = current_manifest(settings.published)
    if manifest is None:
        raise dg.Failure(
            "expected a published edition, found none; run the job `edition` before its targets"
        )
    edition, variable = manifest["edition_id"], f"SOZIALRAUM_ZIEL_{verbindung}"
    if (kept := _kept_back(settings, manifest)) is not None:
        return kept
    address = settings.target_address(verbindung)
    if address is None:
        return Told(PASSED_OVER, edition, f"no address: set {variable} to deliver there")
    try:
        return _within(LONGEST, lambda: work(address))
    except TargetError as error:
        return Told(REFUSED, edition, f"{variable}: {error}")
    except TargetDown as error:
        return Told(LATE, edition, f"{variable}: {error}")
    except Exception as error:
        # what a library says may hold the address: only where it happened is told
        last = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(last.filename).name}, line {last.lineno}"
        return Told(FAILED, edition, f"{variable}: unexpected {type(error).__name__} in {where}")


def _within(seconds: float, work: Callable[[], Result]) -> Result:
    """Do the work in a thread, and give it up after some time: a mounted share may never answer.

    Raises:
        TargetDown: the time is over.
        Exception: what the work raised.
    """
    results: list[Result] = []
    errors: list[BaseException] = []

    def do() -> None:
        try:
            results.append(work())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=do, daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not results:
        raise TargetDown(
            f"expected an end within {seconds:.0f} s, found none; given up in this run"
        )
    return results[0]


def _deliver(settings: Settings, ziel: Ziel, address: str, tables: Tables) -> Told:
    edition = _edition(settings)
    if ziel.art == "postgis":
        facts, _ = _show_in_database(edition, tables, address)
        return Told(THERE, edition.name, facts=facts)
    from publication.targets.files import deliver, package_of

    package = package_of(edition, ziel.formen, ziel.publikum)
    facts = deliver(package, _place(settings, ziel, address))
    return Told(THERE, package.edition, facts=facts)


def _read(settings: Settings, ziel: Ziel, address: str, tables: Tables) -> Told:
    edition = _edition(settings)
    if ziel.art == "postgis":
        return _read_database(settings, ziel, address, tables)
    from publication.targets.files import package_of, read_back

    package = package_of(edition, ziel.formen, ziel.publikum)
    held = read_back(package, _place(settings, ziel, address, tries=CHECK_TRIES))
    return Told(
        REFUSED if held.problems else THERE,
        package.edition,
        "\n".join(held.problems),
        {
            "there": held.edition or "",
            "files": held.files,
            "bytes": held.bytes,
            "other_files": held.others,
        },
    )


def _read_database(settings: Settings, ziel: Ziel, address: str, tables: Tables) -> Told:
    """Read a database back: the same edition again is read there, and changed only if it differs.

    One that has not got the edition yet is left alone.
    """
    edition = _edition(settings)
    record = record_of(settings, ziel.ziel)
    if (record.get("status"), record.get("edition")) != (THERE, edition.name):
        message = (
            record.get("message") or f"expected edition {edition.name}, found it not delivered"
        )
        return Told(LATE, edition.name, message)
    facts, replaced = _show_in_database(edition, tables, address)
    if replaced:
        message = "expected the edition as it was delivered, found other values; delivered anew"
        return Told(REFUSED, edition.name, message, facts)
    return Told(THERE, edition.name, facts=facts)


def _show_in_database(edition: Path, tables: Tables, address: str) -> tuple[dict, bool]:
    """Return counts of what was read back there, and whether anything had to be changed.

    Before the switch the API is audited over the staging schema, too.
    """
    from publication.service.run import check_staged
    from publication.targets import postgis

    declared = tables()

    def answers(schema: str) -> list[str]:
        return check_staged(edition, declared, address, schema)

    shown = postgis.publish(edition, declared, address, further=answers)
    rows = sum(found.rows for found in shown.tables.values())
    return {"tables": len(shown.tables), "rows": rows}, shown.replaced


def _place(settings: Settings, ziel: Ziel, address: str, **options: int) -> "Place":
    if ziel.art == "sftp":
        from publication.targets.sftp import sftp_place

        return sftp_place(address, seconds=LONGEST, **options)
    from publication.targets.folder import folder_place

    return folder_place(address, home=settings.home, seconds=LONGEST, **options)


def _announce(settings: Settings, region: Region, mail: Ankuendigung, address: str) -> Told:
    from publication.targets.mail import announce, announcement

    edition = _edition(settings)
    record = _mail_record(settings, edition.name)
    told = list(record["told"])

    def accepted(recipient: str) -> None:
        # at once: what was sent is sent, whatever happens to the rest
        told.append(recipient)
        _write_record(settings, ANKUENDIGUNG, {**record, "told": told})

    waiting = [recipient for recipient in mail.an if recipient not in told]
    places = {
        ziel.ziel: stand["status"] == THERE
        for ziel in region.ziele.ziele
        if (stand := record_of(settings, ziel.ziel)).get("edition") == edition.name
        and stand["status"] != PASSED_OVER
    }
    sent = announce(announcement(edition, mail.absender, places), address, waiting, accepted)
    facts = {
        "recipients": len(mail.an),
        "sent": len(sent.accepted),
        "told_before": len(mail.an) - len(waiting),
        "refused": len(sent.refused),
    }
    if sent.refused:
        codes = ", ".join(map(str, sorted(set(sent.refused))))
        message = (
            f"expected {len(mail.an)} recipients, found {len(sent.refused)} refused by the mail "
            f"server (code {codes}); check `an` in ziele.yaml"
        )
        return Told(REFUSED, edition.name, message, facts)
    return Told(THERE, edition.name, facts=facts)


def _remembered(settings: Settings, mail: Ankuendigung) -> Told:
    edition = _edition(settings).name
    record = _mail_record(settings, edition)
    missing = [recipient for recipient in mail.an if recipient not in record["told"]]
    if missing:
        message = record.get("message") or f"{len(missing)} recipients have not been told"
        return Told(LATE, edition, message, {"not_told": len(missing)})
    return Told(THERE, edition, facts={"told": len(mail.an)})


def _mail_record(settings: Settings, edition: str) -> dict:
    """Return who was told of an edition."""
    record = record_of(settings, ANKUENDIGUNG)
    return record if record.get("edition") == edition else {"edition": edition, "told": []}


def _edition(settings: Settings) -> Path:
    """Return the folder of the current edition itself: it stays what it is while a run switches."""
    return (settings.published / CURRENT).resolve()


def _record(settings: Settings, ziel: str) -> Path:
    return settings.targets / f"{ziel}.json"


def _write_record(settings: Settings, ziel: str, content: Mapping) -> None:
    path = _record(settings, ziel)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}")
    beside.write_text(
        json.dumps(content, indent=2, ensure_ascii=False, default=str) + "\n", "utf-8"
    )
    beside.replace(path)


def _materialized(
    context: dg.AssetExecutionContext, ziel: str, told: Told, seconds: float
) -> dg.MaterializeResult:
    if told.message:
        tell = context.log.info if told.status == PASSED_OVER else context.log.warning
        tell(f"ziel {ziel}: {told.status}: {told.message}")
    return dg.MaterializeResult(
        metadata={
            "status": told.status,
            "edition": told.edition,
            **({told.status: told.message} if told.message else {}),
            **{key: value for key, value in told.facts.items() if key != "edition"},
            "seconds": round(seconds, 2),
        }
    )


def _checked(told: Told) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        passed=told.status in (THERE, PASSED_OVER),
        severity=dg.AssetCheckSeverity.ERROR,
        description=told.message or None,
        metadata={"status": told.status, "edition": told.edition, **told.facts},
    )
