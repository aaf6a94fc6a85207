"""From a finished draft to `published/current`: move, seal, switch.

Here belongs what changes the folder `published`. Not here: what the edition holds (draft) and
whether it may be published (audit, orchestration).
"""

import json
import os
from pathlib import Path

from publication.material import MANIFEST

CURRENT = "current"


def publish(draft: Path, published: Path, edition_id: str, *, current: bool = True) -> Path:
    """Make a finished draft an edition, and the current one.

    Moves the folder to `published/<edition_id>` (same file system), makes its files read-only and
    switches the link `published/current` atomically: readers see the old edition or the new one,
    and a file that is open stays what it was. If any step fails, `current` is as it was and the
    draft is back in its place.

    Args:
        draft: the folder; its manifest names the edition.
        published: where editions lie.
        edition_id: the name of its folder.
        current: False leaves the link as it is: a report is an edition, but never the current one.

    Returns:
        The folder of the edition.

    Raises:
        ValueError: the edition id is no plain folder name, or the manifest names another edition.
        FileNotFoundError: the draft has no manifest, so it is not finished.
        FileExistsError: an edition of that id exists; editions are never changed.
        OSError: moving or switching failed.
    """
    _check_id(edition_id)
    _check_draft(draft, edition_id)
    target = published / edition_id
    if os.path.lexists(target):
        raise FileExistsError(
            f"edition {edition_id}: expected a new name under {published.name}/, found a folder; "
            "choose a new id, or remove the folder if an interrupted run left it"
        )
    published.mkdir(parents=True, exist_ok=True)
    draft.replace(target)
    try:
        _seal(target)
        if current:
            _switch(published, edition_id)
    except BaseException:
        target.replace(draft)
        raise
    return target


def current_manifest(published: Path) -> dict | None:
    """Return the manifest of the current edition, or None if nothing is published yet.

    Raises:
        OSError: `current` exists and its manifest cannot be read.
    """
    link = published / CURRENT
    if not os.path.lexists(link):
        return None
    return json.loads((link / MANIFEST).read_text("utf-8"))


def _check_id(edition_id: str) -> None:
    if (
        edition_id in ("", CURRENT)
        or edition_id.startswith(".")
        or Path(edition_id).name != edition_id
    ):
        raise ValueError(
            f"edition id: expected the name of a folder other than {CURRENT!r}, without dot at its "
            f"start or slash, found {edition_id!r}; choose a plain name such as 2015-1"
        )


def _check_draft(draft: Path, edition_id: str) -> None:
    manifest = draft / MANIFEST
    if not manifest.is_file():
        raise FileNotFoundError(
            f"draft {draft.name}: expected a {MANIFEST}, found none; finish the draft first"
        )
    found = json.loads(manifest.read_text("utf-8")).get("edition_id")
    if found != edition_id:
        raise ValueError(
            f"draft {draft.name}: expected edition_id {edition_id!r} in its {MANIFEST}, found "
            f"{found!r}; publish it under its own id or write it anew"
        )


def _seal(folder: Path) -> None:
    # the draft was written inside the sealed zone, perhaps under a strict umask: readers need
    # entry to the folders, and nobody needs to write the files
    folder.chmod(0o755)
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o444)


def _switch(published: Path, edition_id: str) -> None:
    link = published / f".{CURRENT}"
    link.unlink(missing_ok=True)  # left by a run that was killed between the two steps
    link.symlink_to(edition_id)  # relative, so that the home can be moved
    try:
        link.replace(published / CURRENT)
    except BaseException:
        link.unlink()
        raise
