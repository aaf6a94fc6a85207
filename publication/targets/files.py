"""Deliver chosen forms of a finished edition to a folder, here or on a server.

At the target lie `<edition_id>/…`, which stays, and `aktuell`, the newest one: a relative link that
is switched atomically where the place knows links, else a folder of its own that two renamings
replace. Every file is read back from where it is stored and compared with the manifest before
anything carries its name, and `aktuell` is switched last of all. What has arrived whole is not sent
again.

Not here: how a place is reached (`folder`, `sftp`), and which there are.
"""

import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from posixpath import join

from publication.handbuch import HANDBOOK
from publication.imprint import IMPRINT
from publication.material import MANIFEST, MARTS
from publication.targets.errors import TargetError
from publication.targets.place import Passing, Place, Store, clear, kind, listing, size

FORM_FILES = {
    "marts": (MARTS,),
    "parquet": ("parquet/",),
    "geopackage": ("sozialraum.gpkg",),
    "geoparquet": ("geoparquet/",),
    "csv": ("csv/",),
    "kommonitor": ("kommonitor/",),
    "profiles": ("profiles/",),
    "catalogue": ("catalogue/",),
    "handbuch": (HANDBOOK,),
}
"""The files of each form: a file, or with a slash at its end a folder with all that is in it."""

EXPERT_FORMS = ("marts", "parquet")
"""They hold columns for experts in the administration."""

PUBLIC = "oeffentlich"
PUBLIC_FACTS = ("edition_id", "kind", "region", "created_at", "content_hash", IMPRINT)
"""What a public target's manifest tells beside its files: nothing of deliveries and gates."""

CURRENT = "aktuell"
NEW, OLD = f".{CURRENT}.neu", f".{CURRENT}.alt"
PROBES = (f".{CURRENT}.probe1", f".{CURRENT}.probe2")
PART = ".teil"


@dataclass(frozen=True)
class Package:
    """What one target receives of an edition.

    Attributes:
        source: the folder of the edition.
        edition: its id.
        files: {relative path: {sha256, bytes}} as the edition's manifest says.
        manifest: the manifest that goes with them.
        withheld: the edition's files that this target does not receive.
    """

    source: Path
    edition: str
    files: Mapping[str, Mapping]
    manifest: bytes
    withheld: frozenset[str]

    @property
    def names(self) -> tuple[str, ...]:
        """All files in the order in which they go, the manifest last."""
        return (*self.files, MANIFEST)

    @property
    def bytes(self) -> int:
        """How much it is in all."""
        return sum(self.expected(name)[0] for name in self.names)

    def expected(self, name: str) -> tuple[int, str]:
        """Return size and SHA-256 that a file must have at the target."""
        if name == MANIFEST:
            return len(self.manifest), sha256(self.manifest).hexdigest()
        return self.files[name]["bytes"], self.files[name]["sha256"]


@dataclass(frozen=True)
class Held:
    """What a target holds: read there, not remembered.

    Attributes:
        edition: id of the edition that `aktuell` is, or None.
        files, bytes: how many of the edition's files were read, and how large they are.
        others: files in `aktuell` that no edition has.
        problems: one sentence for each thing that is not as it should be.
    """

    edition: str | None
    files: int
    bytes: int
    others: int
    problems: tuple[str, ...]


def package_of(edition: Path, forms: Collection[str], publikum: str) -> Package:
    """Choose what a target receives.

    Args:
        edition: the folder of a finished edition.
        forms: keys of `FORM_FILES`.
        publikum: `oeffentlich` or `fachlich`, who reads at the target.

    Raises:
        TargetError: there is no such form, the edition has no file of it, or it is none for this
            audience.
    """
    _check_forms(forms, publikum)
    manifest = json.loads((edition / MANIFEST).read_text("utf-8"))
    listed = manifest["files"]
    chosen = {form: [name for name in listed if _belongs(name, form)] for form in forms}
    if missing := [form for form, names in chosen.items() if not names]:
        raise TargetError(
            f"expected files of {', '.join(missing)} in edition {manifest['edition_id']}, found "
            "none; publish a new edition, or take the form out of ziele.yaml"
        )
    files = {name: listed[name] for names in chosen.values() for name in names}
    told = {
        **{
            key: value
            for key, value in manifest.items()
            if publikum != PUBLIC or key in PUBLIC_FACTS
        },
        "files": files,
    }
    text = json.dumps(told, indent=2, sort_keys=True, ensure_ascii=False)
    return Package(
        source=edition,
        edition=manifest["edition_id"],
        files=dict(sorted(files.items())),
        manifest=f"{text}\n".encode(),
        withheld=frozenset(listed) - frozenset(files),
    )


def deliver(package: Package, place: Place) -> dict:
    """Bring an edition to a place and make it the current one there.

    Returns:
        `edition`; `files` and `bytes` that lie there, `sent`, how many of them came now; `pointer`:
        `link` or `folder`, what `aktuell` is; `switched`, whether it was another edition before.

    Raises:
        TargetError: the place or the edition is not as it must be; `aktuell` stays as it was.
        TargetDown: the place cannot be reached, broke off, or keeps other bytes than were sent;
            `aktuell` stays as it was, and the next try goes on with what is missing.
    """
    try:
        place.patiently(lambda store: _heal(store, place))
        sent = _bring_edition(package, place)
        pointer = place.patiently(lambda store: _pointer(store, place))
        if pointer == "link":
            switched = place.patiently(lambda store: _switch_link(store, place, package.edition))
        else:
            switched = _switch_folder(package, place)
        place.patiently(lambda store: _sweep(store, place, package))
    finally:
        place.close()
    return {
        "edition": package.edition,
        "files": len(package.names),
        "bytes": package.bytes,
        "sent": sent,
        "pointer": pointer,
        "switched": switched,
    }


def read_back(package: Package, place: Place) -> Held:
    """Read every file of a target's current edition and compare it with what it must be.

    Raises:
        TargetError: the place is not as it must be.
        TargetDown: the place cannot be reached.
    """
    try:
        return place.patiently(lambda store: _held(store, place, package))
    finally:
        place.close()


def _check_forms(forms: Collection[str], publikum: str) -> None:
    if unknown := sorted(set(forms) - set(FORM_FILES)):
        raise TargetError(
            f"expected forms among {', '.join(FORM_FILES)}, found {', '.join(unknown)}"
        )
    expert = [form for form in EXPERT_FORMS if form in forms]
    if publikum == PUBLIC and expert:
        raise TargetError(
            f"expected forms for everyone, found {', '.join(expert)}, which hold columns for "
            "experts; leave them out, or set publikum: fachlich"
        )


def _belongs(name: str, form: str) -> bool:
    return any(
        name.startswith(one) if one.endswith("/") else name == one for one in FORM_FILES[form]
    )


def _heal(store: Store, place: Place) -> None:
    """Demand the root; bring back `aktuell` if a switch was killed between its two renamings."""
    store.ls(place.root, detail=True)
    current, old = place.at(CURRENT), place.at(OLD)
    if kind(store, current) is None and kind(store, old) is not None:
        store.replace(old, current)


def _bring_edition(package: Package, place: Place) -> int:
    """Bring `<edition_id>/`: under another name until it is whole; return how many files came."""
    final, beside = place.at(package.edition), place.at(f".{package.edition}.neu")
    if place.patiently(lambda store: kind(store, final)) is not None:
        return _fill(package, place, final, alone=False)
    sent = _fill(package, place, beside, alone=True)
    place.patiently(lambda store: _rename(store, beside, final))
    return sent


def _fill(package: Package, place: Place, folder: str, *, alone: bool) -> int:
    """Make a folder hold the package; return how many files had to be sent.

    `alone`: it holds nothing else afterwards. Otherwise what programs have laid beside stays, and
    only what this target must not have goes.
    """
    present = place.patiently(lambda store: listing(store, folder))
    for name in sorted(present):
        foreign = name not in package.names
        if foreign and (alone or name in package.withheld or name.endswith(PART)):
            place.patiently(lambda store, name=name: clear(store, join(folder, name)))
    return sum(
        place.patiently(lambda store, name=name: _bring(store, place, package, folder, name))
        for name in package.names
    )


def _bring(store: Store, place: Place, package: Package, folder: str, name: str) -> int:
    """Send a file unless it lies there whole; return how many came: 1 or 0.

    Raises:
        Passing: what is stored is not what was sent.
    """
    path, part = join(folder, name), _part(folder, name)
    if _is_whole(store, place, package, path, name):
        return 0
    store.makedirs(path.rpartition("/")[0], exist_ok=True)
    store.store(part, _source(package, place, name))
    if not _is_whole(store, place, package, part, name):
        raise Passing(
            f"{name}: expected to read back what was sent, found other bytes; check the disk of "
            "the target, the next run sends it again"
        )
    store.replace(part, path)
    return 1


def _part(folder: str, name: str) -> str:
    above, _, last = name.rpartition("/")
    return join(folder, above, f".{last}{PART}")


def _is_whole(store: Store, place: Place, package: Package, path: str, name: str) -> bool:
    expected_size, expected_hash = package.expected(name)
    return size(store, path) == expected_size and place.digest(store, path) == expected_hash


def _source(package: Package, place: Place, name: str) -> Iterator[bytes]:
    """Read a file of the edition, and demand that it is what the edition's manifest says."""
    if name == MANIFEST:
        yield package.manifest
        return
    digest = sha256()
    try:
        with (package.source / name).open("rb") as file:
            for chunk in place.chunks(file):
                digest.update(chunk)
                yield chunk
        found = digest.hexdigest()
    except FileNotFoundError:
        found = None
    if found != package.expected(name)[1]:
        raise TargetError(
            f"{name}: expected in the published edition what its manifest says, found "
            f"{'another file' if found else 'none'}; publish a new edition"
        )


def _rename(store: Store, old: str, new: str) -> None:
    """Rename a folder; at a second try it may have happened already."""
    if kind(store, old) is not None:
        store.replace(old, new)


def _pointer(store: Store, place: Place) -> str:
    """Return what `aktuell` is, or can be: `link` or `folder`."""
    found = kind(store, place.at(CURRENT))
    if found is None:
        return "link" if _knows_links(store, place) else "folder"
    if found not in ("link", "directory"):
        raise TargetError(
            f"{CURRENT}: expected a link or a folder, found a file of that name; rename it"
        )
    return "link" if found == "link" else "folder"


def _knows_links(store: Store, place: Place) -> bool:
    """Try whether links can be made, followed, and replaced in one step."""
    first, second = (place.at(name) for name in PROBES)
    try:
        for path in (first, second):
            clear(store, path)
            store.point(path, ".")
        store.replace(first, second)
        works = store.pointed(second) == "." and store.info(second)["type"] == "directory"
    except OSError:
        store.ls(place.root, detail=True)  # raises if it was the connection
        works = False
    for path in (first, second):
        with suppress(OSError):
            clear(store, path)
    return works


def _switch_link(store: Store, place: Place, edition: str) -> bool:
    current, new = place.at(CURRENT), place.at(NEW)
    if store.pointed(current) == edition:
        return False
    clear(store, new)
    store.point(new, edition)
    store.replace(new, current)
    return True


def _switch_folder(package: Package, place: Place) -> bool:
    """Replace the folder `aktuell` by a whole copy; the one before stays as `.aktuell.alt`.

    It stays until the next switch, so that whoever reads in it can go on.
    """
    current, new, old = (place.at(name) for name in (CURRENT, NEW, OLD))
    held = place.patiently(lambda store: _held(store, place, package))
    if held.edition == package.edition and not held.problems:
        return False
    _fill(package, place, new, alone=True)
    place.patiently(lambda store: _swap(store, current, new, old))
    return held.edition != package.edition


def _swap(store: Store, current: str, new: str, old: str) -> None:
    if kind(store, new) is None:
        return  # an earlier try came through
    if kind(store, current) is not None:
        clear(store, old)
        try:
            store.replace(current, old)
        except PermissionError:
            raise Passing(
                f"{CURRENT}: expected a folder that can be replaced, found that a program keeps "
                "its files open; the earlier edition stays, and the next run tries again"
            ) from None
    try:
        store.replace(new, current)
    except BaseException:
        with suppress(OSError):
            store.replace(old, current)
        raise


def _sweep(store: Store, place: Place, package: Package) -> None:
    """Remove what interrupted deliveries of this region have left; whole editions stay."""
    own = f".{package.edition.rpartition('-')[0]}-"
    for entry in store.ls(place.root, detail=True):
        name = entry["name"].rstrip("/").rpartition("/")[2]
        if name in (NEW, *PROBES) or (name.startswith(own) and name.endswith(".neu")):
            clear(store, place.at(name))


def _held(store: Store, place: Place, package: Package) -> Held:
    store.ls(place.root, detail=True)
    current = place.at(CURRENT)
    present = listing(store, current)
    edition = _edition_in(store, current) if MANIFEST in present else None
    if edition != package.edition:
        there = "no edition" if edition is None else f"edition {edition}"
        return Held(
            edition,
            0,
            0,
            len(present),
            (f"{CURRENT}: expected edition {package.edition}, found {there}",),
        )
    problems = [
        f"{name}: expected as the manifest says, found "
        f"{'other bytes' if name in present else 'no such file'}"
        for name in package.names
        if not _is_whole(store, place, package, join(current, name), name)
    ]
    problems += [
        f"{name}: expected only the forms of this target, found a file of another form"
        for name in sorted(package.withheld & set(present))
    ]
    own = set(package.names) & set(present)
    return Held(
        edition,
        len(own),
        sum(present[name] for name in own),
        len(set(present) - own - package.withheld),
        tuple(problems),
    )


def _edition_in(store: Store, folder: str) -> str | None:
    """Return which edition a folder at the target says to be; None if it cannot be read."""
    with store.open(join(folder, MANIFEST), "rb") as file:
        text = file.read()
    try:
        told = json.loads(text)
        return str(told["edition_id"])
    except (ValueError, KeyError, TypeError):
        return None
