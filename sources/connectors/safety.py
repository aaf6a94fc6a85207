"""What is too dangerous to read: looked for before anything else touches a partner's file.

Only what a file *is* counts here; whether it is what was agreed, `formats/` and `delivery.py` say.
"""

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO

LARGEST_CONTENT = 2 * 1024**3
"""Bytes to which an archive may unpack."""

LARGEST_RATIO = 200
"""How many times its own size an archive may unpack to, from `SMALL_CONTENT` on."""

SMALL_CONTENT = 64 * 1024**2
MOST_MEMBERS = 10_000

_ZIP = b"PK\x03\x04"
_OLE = bytes.fromhex("d0cf11e0a1b11ae1")
_FORMULA = re.compile(rb"<(?:\w+:)?f[\s/>]")
_DOCTYPE = re.compile(rb"<!(?:DOCTYPE|ENTITY)")
_CHUNK = 1024 * 1024
_OVERLAP = 32
_FORMULA_RECORDS = frozenset({8, 9, 10, 11})  # BrtFmlaString, -Num, -Bool, -Error of [MS-XLSB]
_SHORT = 0x80


def inspect(path: Path) -> list[str]:
    """Return why a file must not be read, in words for its sender; nothing if it may be.

    An archive (a workbook is one) is judged by its list of contents before anything is unpacked,
    then by the contents, which are unpacked into nothing.
    """
    with path.open("rb") as file:
        start = file.read(8)
    if start == _OLE:
        return _old_office(path)
    if not start.startswith(_ZIP) and not zipfile.is_zipfile(path):
        return []
    try:
        with zipfile.ZipFile(path) as archive:
            return _archive(archive)
    except (zipfile.BadZipFile, NotImplementedError, EOFError, RuntimeError, OSError):
        return ["is a damaged archive; save and send it again"]


def unpack_one(path: Path, target: Path) -> list[str]:
    """Unpack an archive's one file to `target`; return why not, nothing if it is done."""
    import shutil

    if problems := inspect(path):
        return problems
    with zipfile.ZipFile(path) as archive:
        members = [member for member in archive.infolist() if not member.is_dir()]
        if len(members) != 1:
            return [f"is an archive of {len(members)} files; one was expected"]
        with archive.open(members[0]) as source, target.open("wb") as sink:
            shutil.copyfileobj(source, sink, _CHUNK)
    return []


def _archive(archive: zipfile.ZipFile) -> list[str]:
    members = archive.infolist()
    if problems := _listed(archive, members):
        return problems
    if archive.testzip() is not None:  # also what claims to be smaller than it is
        return ["is a damaged archive; save and send it again"]
    names = {member.filename for member in members}
    return _workbook(archive, names) if "[Content_Types].xml" in names else []


def _listed(archive: zipfile.ZipFile, members: list[zipfile.ZipInfo]) -> list[str]:
    """What an archive's list of contents says, before anything is unpacked."""
    size = sum(member.file_size for member in members)
    packed = Path(archive.filename).stat().st_size
    problems = []
    if size > LARGEST_CONTENT or (size > SMALL_CONTENT and size > LARGEST_RATIO * packed):
        problems.append(
            f"unpacks to {size // 1024**2} MB from {packed // 1024**2} MB; "
            "send the table itself, without blown-up contents"
        )
    if len(members) > MOST_MEMBERS:
        problems.append(f"is an archive of {len(members)} files; at most {MOST_MEMBERS} are taken")
    if any(_leaves_its_folder(member.filename) for member in members):
        problems.append("holds names that lead out of its folder (`../` or absolute)")
    if any(member.flag_bits & 1 for member in members):
        problems.append("is encrypted; send it without a password")
    return problems


def _leaves_its_folder(name: str) -> bool:
    windows = PureWindowsPath(name)
    return bool(".." in windows.parts or windows.anchor or PurePosixPath(name).is_absolute())


def _workbook(archive: zipfile.ZipFile, names: set[str]) -> list[str]:
    problems = []
    if any("externallinks/" in name.casefold() for name in names):
        problems.append("holds links to other workbooks; break them and keep the values")
    if any("vbaproject" in name.casefold() or "macrosheets/" in name for name in names):
        problems.append("holds macros; save it as .xlsx without macros")
    if any(name.endswith("/connections.xml") for name in names):
        problems.append("holds data connections; remove them and keep the values")
    sheets = [name for name in sorted(names) if re.match(r"xl/worksheets/[^/]+\.(xml|bin)$", name)]
    if any(_has_formulas(archive, name) for name in sheets):
        problems.append("contains formulas; paste them as values")
    if any(_has_entities(archive, name) for name in names if name.endswith((".xml", ".rels"))):
        problems.append("defines entities in its XML; save it with an office program")
    return problems


def _has_formulas(archive: zipfile.ZipFile, name: str) -> bool:
    with archive.open(name) as sheet:
        if name.endswith(".bin"):
            return any(kind in _FORMULA_RECORDS for kind in _records(sheet))
        before = b""
        while chunk := sheet.read(_CHUNK):
            if _FORMULA.search(before + chunk):
                return True
            before = chunk[-_OVERLAP:]
    return False


def _has_entities(archive: zipfile.ZipFile, name: str) -> bool:
    """Return whether an XML part declares a document type; it would stand at the start."""
    with archive.open(name) as part:
        return bool(_DOCTYPE.search(part.read(_CHUNK)))


def _records(sheet: IO[bytes]) -> Iterator[int]:
    """Yield the kinds of records of a binary sheet: kind and length of each, in seven-bit bytes."""
    while start := sheet.read(1):
        kind = start[0]
        if kind & _SHORT:
            kind = (kind & ~_SHORT) | (_byte(sheet) << 7)
        length = shift = 0
        while True:
            part = _byte(sheet)
            length |= (part & ~_SHORT) << shift
            shift += 7
            if not part & _SHORT:
                break
        sheet.read(length)
        yield kind


def _byte(sheet: IO[bytes]) -> int:
    read = sheet.read(1)
    if not read:
        raise EOFError
    return read[0]


def _old_office(path: Path) -> list[str]:
    """An old binary workbook, or a new one that is encrypted: both are compound files.

    Their parts are found by name. Formulas of old workbooks are not looked for.
    """
    content = path.read_bytes()
    problems = []
    if "EncryptedPackage".encode("utf-16-le") in content:
        problems.append("is encrypted; send it without a password")
    if "_VBA_PROJECT".encode("utf-16-le") in content:
        problems.append("holds macros; save it as .xlsx without macros")
    return problems
