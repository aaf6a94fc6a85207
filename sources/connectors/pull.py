"""Pull what partners do not bring themselves: the way in to all connectors.

What may be asked for is decided here: by agreement, by what is known already, by name. Files are
written beside their place and renamed when they are complete, so that the inbox never shows half
of one. What becomes of them there is `landing.py`.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

from sources.connectors.files import is_unfinished
from sources.contract import Feed
from sources.errors import DeliveryError
from sources.ledger import Outcome
from sources.region import Region, Source


@dataclass(frozen=True)
class Known:
    """What the ledger knows of a file name: what came under it, and what came of that.

    Attributes:
        sizes: in bytes, of everything that came; empty if the ledger does not tell.
        usable: whether something that came was accepted, or had been before.
        received_at: when the last usable file came.
    """

    sizes: frozenset[int] = frozenset()
    usable: bool = True
    received_at: datetime | None = None


@dataclass
class Pulled:
    """What one pull has done. Names are those of files.

    Attributes:
        written: the new files in the inbox.
        known: came before, or nothing newer is there.
        waiting: at the partner's still being written; for next time.
        not_agreed: no agreement covers them; not asked for.
        failed: name (or the source's) -> what is wrong, in words for the operator.
        remarks: what was taken nevertheless, and is odd.
    """

    written: list[Path] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    not_agreed: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    remarks: dict[str, str] = field(default_factory=dict)


class NoAnswer(DeliveryError):
    """A source that does not answer, or not as it should: it is not asked for more this time."""


@dataclass(frozen=True)
class Request:
    """What a connector is asked for: a feed's files, from a source, into a folder."""

    feed: Feed
    source: Source
    region: Region
    folder: Path
    address: str
    known: Mapping[str, Known]
    stichtage: tuple[date, ...]

    def error(self, file: str, *, expected: str, found: str, remedy: str) -> DeliveryError:
        """Return an error in the words of all others; it names the source, not its address."""
        expected = f"{expected} from source {self.source.verbindung}"
        return DeliveryError(self.feed.feed, file, expected=expected, found=found, remedy=remedy)

    def refused(self, file: str, error: BaseException, found: str | None = None) -> NoAnswer:
        """Return the error for a source that does not answer, or not as it should.

        Of `error` only the kind is told: its text may hold the address, or values of rows.
        """
        return NoAnswer(
            self.feed.feed,
            file,
            expected=f"an answer from source {self.source.verbindung}",
            found=found or f"an error ({type(error).__name__})",
            remedy=f"check the source, `abfrage` and SOZIALRAUM_QUELLE_{self.source.verbindung}",
        )

    def agreed(self, name: str, stichtag: date) -> bool:
        """Return whether a file of this name may be taken."""
        unit = self.region.liefereinheit_of(self.feed, name)
        return bool(unit and self.region.agreement_for(self.feed, unit, stichtag))

    def known_of(self, name: str) -> Known:
        """Return what the ledger knows of a name."""
        return self.known.get(name, Known(usable=False))


def pull(
    feed: Feed,
    source: Source,
    region: Region,
    *,
    inbox: Path,
    address: str | None,
    seen: Collection[str],
    stichtage: Sequence[date],
) -> Pulled:
    """Bring the files of a feed that a source has and we have not into the inbox.

    Args:
        feed: the feed.
        source: where it comes from.
        region: gives the agreements; without a valid one nothing is pulled.
        inbox: the region's inbox; files go into its folder of the feed.
        address: the source's address with whatever is secret; it appears in no message.
        seen: names of files that have come before, best as `seen_of` returns them.
        stichtage: those that are expected; days that have not come yet are left out. For `sftp`
            the names of the partner's files decide.

    Returns:
        What was done. A fault of the partner is told there, never raised.
    """
    from sources.connectors import sftp

    done = Pulled()
    if not address:
        variable = f"SOZIALRAUM_QUELLE_{source.verbindung}"
        done.failed[source.verbindung] = f"no address: set {variable} to that of the source"
        return done
    request = Request(
        feed=feed,
        source=source,
        region=region,
        folder=inbox / feed.location,
        address=address,
        known=seen if isinstance(seen, Mapping) else dict.fromkeys(seen, Known()),
        stichtage=tuple(sorted(day for day in set(stichtage) if day <= date.today())),
    )
    request.folder.mkdir(parents=True, exist_ok=True)
    if source.art == "sftp":
        sftp.pull(request, done)
    else:
        _pull_snapshots(request, done)
    return done


def seen_of(outcomes: Iterable[Outcome]) -> dict[str, Known]:
    """Return what the outcomes of one feed say of each file name; for `pull`'s `seen`."""
    seen: dict[str, Known] = {}
    for outcome in outcomes:
        if not outcome.file:
            continue
        before = seen.get(outcome.file, Known(usable=False))
        usable = outcome.result not in ("rejected", "not_agreed", "not_delivered")
        seen[outcome.file] = Known(
            sizes=before.sizes | ({outcome.bytes} - {None}),
            usable=before.usable or usable,
            received_at=outcome.received_at if usable else before.received_at,
        )
    return seen


def file_name(source: Source, stichtag: date) -> str:
    """Return the name under which the snapshot of a Stichtag is put into the inbox."""
    return source.datei.format(
        jahr=f"{stichtag:%Y}",
        monat=f"{stichtag:%m}",
        tag=f"{stichtag:%d}",
        stichtag=f"{stichtag:%Y%m%d}",
    )


def is_plain_name(name: str) -> bool:
    """Return whether a name that a server tells stays in the folder in which it is put."""
    harmless = name.isprintable() and not set(name) & set('/\\:*?"<>|')
    return harmless and not name.startswith((".", " ")) and not is_unfinished(name)


def _pull_snapshots(request: Request, done: Pulled) -> None:
    """Ask for what is missing, one file for each Stichtag."""
    from sources.connectors import features, genesis, sql

    silent: NoAnswer | None = None
    connector = {"sql": sql, "genesis": genesis, "features": features}[request.source.art]
    for stichtag in connector.stichtage_of(request):
        name = file_name(request.source, stichtag)
        target = request.folder / name
        if not is_plain_name(name):
            done.failed[name] = "`datei` of the source gives no plain file name"
        elif not request.agreed(name, stichtag):
            done.not_agreed.append(name)
        elif target.exists() or connector.is_known(request, name):
            done.known.append(name)
        elif silent:
            done.failed[name] = str(request.refused(name, silent, silent.found))
        else:
            silent = _fetch(connector.fetch, request, stichtag, target, done)


def _fetch(
    fetch: Callable[[Request, date, Path], bool],
    request: Request,
    stichtag: date,
    target: Path,
    done: Pulled,
) -> NoAnswer | None:
    """Let a connector write a file beside its place; put it there when it is complete.

    Returns:
        The error, if it makes asking further useless.
    """
    part = target.with_name(f"{target.name}.part")
    part.unlink(missing_ok=True)
    try:
        if fetch(request, stichtag, part):
            part.rename(target)
            done.written.append(target)
        else:
            done.known.append(target.name)
    except DeliveryError as error:
        done.failed[target.name] = str(error)
        return error if isinstance(error, NoAnswer) else None
    finally:
        part.unlink(missing_ok=True)
    return None
