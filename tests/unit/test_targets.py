"""Targets: folders and SFTP servers hold a whole edition at every moment, and mail goes once.

What lies at a target is read here as whoever reads there does, with the manifest that lies beside
it. Editions are made by hand (`finished_edition`).
"""

import errno
import json
import logging
import os
import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import get_args

import pytest
from finished_edition import FILES, finish

from publication.targets import folder as folders
from publication.targets import mail as mails
from publication.targets import place as places
from publication.targets.errors import TargetDown, TargetError
from publication.targets.files import EXPERT_FORMS, FORM_FILES, deliver, package_of, read_back
from publication.targets.folder import folder_place
from publication.targets.mail import announce, announcement, changes
from publication.targets.place import Place
from publication.targets.sftp import sftp_place
from sources.ziele import FACHLICH, FORM, Ankuendigung, Ziel, Ziele
from tests.servers import (
    SftpServer,
    cutting_proxy,
    free_port,
    mail_server,
    make_certificate,
    make_key,
    sftp_server,
)

PUBLIC_FORMS = tuple(form for form in FORM_FILES if form not in EXPERT_FORMS)
GIS = ("geopackage", "catalogue", "handbuch")
GIS_FILES = {
    "sozialraum.gpkg",
    "catalogue/dcat.rdf",
    "catalogue/aenderungen.csv",
    "handbuch.html",
    "manifest.json",
}


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    monkeypatch.setattr(places, "FIRST_WAIT", 0.01)
    monkeypatch.setattr(mails, "FIRST_WAIT", 0.01)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The folder of a target, as a share that is mounted."""
    folder = tmp_path / "freigabe" / "sozialraum"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def here(tmp_path: Path, root: Path) -> Callable[[], Place]:
    """The folder as a place, for one use."""
    return lambda: folder_place(str(root), home=tmp_path / "home")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SftpServer]:
    with sftp_server(tmp_path / "server") as running:
        yield running


def bring(edition: Path, place: Place, forms=GIS, publikum="oeffentlich") -> dict:
    return deliver(package_of(edition, forms, publikum), place)


def names(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if not p.is_dir()}


def whole(folder: int | Path) -> str:
    """Read an edition as a program does that has opened its folder; return its id.

    Every file must be what the manifest beside it says.
    """
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:

        def read(name: str) -> bytes:
            with open(os.open(name, os.O_RDONLY, dir_fd=handle), "rb") as file:  # noqa: PTH123
                return file.read()

        manifest = json.loads(read("manifest.json"))
        for name, facts in manifest["files"].items():
            content = read(name)
            assert len(content) == facts["bytes"], name
            assert sha256(content).hexdigest() == facts["sha256"], name
        return manifest["edition_id"]
    finally:
        os.close(handle)


# --- what goes to whom


def test_every_form_that_a_region_may_name_has_its_files():
    assert set(FORM_FILES) == set(get_args(FORM))
    assert EXPERT_FORMS == FACHLICH
    assert {form for form in FORM_FILES for name in FILES if name in FORM_FILES[form]} == {
        "marts",
        "geopackage",
        "handbuch",
    }


def test_every_form_brings_its_own_files_and_no_other(tmp_path):
    edition = finish(tmp_path)
    brought = {form: set(package_of(edition, [form], "fachlich").files) for form in FORM_FILES}
    assert set().union(*brought.values()) == set(FILES)
    assert sum(map(len, brought.values())) == len(FILES)
    assert brought["csv"] == {"csv/datapackage.json", "csv/mart_indikator.csv"}
    assert brought["parquet"] == {"parquet/mart_indikator.parquet"}


def test_a_public_target_has_no_form_for_experts_and_a_reduced_manifest(tmp_path, root, here):
    bring(finish(tmp_path), here(), PUBLIC_FORMS)
    held = names(root / "aktuell")
    assert not {name for name in held if name.startswith(("marts", "parquet/"))}
    told = json.loads((root / "aktuell/manifest.json").read_text("utf-8"))
    assert set(told) == {
        "edition_id",
        "kind",
        "region",
        "created_at",
        "content_hash",
        "publikation",
        "files",
    }
    assert set(told["files"]) == held - {"manifest.json"}
    assert "mart_indikator.parquet" not in json.dumps(told)
    assert "bestand.csv" not in json.dumps(told)


def test_experts_receive_the_whole_manifest_for_their_files(tmp_path, root, here):
    bring(finish(tmp_path), here(), ("marts", "parquet"), "fachlich")
    told = json.loads((root / "aktuell/manifest.json").read_text("utf-8"))
    assert told["gates"] == {"privacy": {"passed": True}}
    assert set(told["files"]) == {"marts.duckdb", "parquet/mart_indikator.parquet"}


def test_a_form_for_experts_is_refused_at_a_public_target(tmp_path, root, here):
    with pytest.raises(TargetError, match="found marts, which hold columns for experts"):
        bring(finish(tmp_path), here(), ("marts", "csv"))
    assert names(root) == set()


def test_a_target_that_becomes_public_loses_what_is_for_experts(tmp_path, root, here):
    edition = finish(tmp_path)
    bring(edition, here(), ("marts", "handbuch"), "fachlich")
    held = read_back(package_of(edition, ["handbuch"], "oeffentlich"), here())
    assert any(problem.startswith("marts.duckdb: expected only") for problem in held.problems)
    bring(edition, here(), ("handbuch",))
    assert names(root / "aktuell") == {"handbuch.html", "manifest.json"}
    assert whole(root / "aktuell") == "muster-1"


def test_a_form_that_the_edition_lacks_is_refused_and_nothing_changes(tmp_path, root, here):
    bring(finish(tmp_path), here())
    lacking = finish(tmp_path, 2, without=("sozialraum.gpkg",))
    with pytest.raises(TargetError, match="expected files of geopackage in edition muster-2"):
        bring(lacking, here())
    assert whole(root / "aktuell") == "muster-1"


# --- a folder


def test_a_folder_holds_the_edition_and_a_link_to_it(tmp_path, root, here):
    facts = bring(finish(tmp_path), here())
    assert {path.name for path in root.iterdir()} == {"muster-1", "aktuell"}
    assert os.readlink(root / "aktuell") == "muster-1"  # noqa: PTH115 - relative, as it stands
    assert names(root / "aktuell") == GIS_FILES
    assert (root / "aktuell/sozialraum.gpkg").read_bytes() == (
        tmp_path / "muster-1/sozialraum.gpkg"
    ).read_bytes()
    size = sum((root / "muster-1" / name).stat().st_size for name in GIS_FILES)
    assert facts == {
        "edition": "muster-1",
        "files": 5,
        "bytes": size,
        "sent": 5,
        "pointer": "link",
        "switched": True,
    }


def test_the_next_edition_is_found_under_the_same_name_and_the_last_one_stays(tmp_path, root, here):
    for number in (1, 2):
        bring(finish(tmp_path, number), here())
    assert whole(root / "aktuell") == "muster-2"
    assert whole(root / "muster-1") == "muster-1"


def test_what_lies_there_whole_is_not_sent_again(tmp_path, root, here):
    edition = finish(tmp_path)
    bring(edition, here())
    before = {name: (root / "muster-1" / name).stat().st_ino for name in GIS_FILES}
    again = bring(edition, here())
    assert (again["sent"], again["switched"]) == (0, False)
    assert {name: (root / "muster-1" / name).stat().st_ino for name in GIS_FILES} == before


@pytest.mark.parametrize(
    "harm",
    [
        lambda path: path.write_bytes(bytes(path.stat().st_size)),
        lambda path: path.write_bytes(b"half"),
        lambda path: path.unlink(),
    ],
)
@pytest.mark.parametrize("name", ["sozialraum.gpkg", "manifest.json"])
def test_a_damaged_file_is_found_and_sent_again(tmp_path, root, here, harm, name):
    edition = finish(tmp_path)
    bring(edition, here())
    harm(root / "muster-1" / name)
    package = package_of(edition, GIS, "oeffentlich")
    assert any(name in p or "aktuell" in p for p in read_back(package, here()).problems)
    assert bring(edition, here())["sent"] == 1
    assert read_back(package, here()).problems == ()
    assert whole(root / "aktuell") == "muster-1"


def test_what_programs_lay_beside_stays_and_is_counted(tmp_path, root, here):
    edition = finish(tmp_path)
    bring(edition, here())
    (root / "aktuell/sozialraum.gpkg-shm").write_text("QGIS")
    bring(edition, here())
    held = read_back(package_of(edition, GIS, "oeffentlich"), here())
    assert (held.others, held.problems, held.files) == (1, (), 5)


def test_a_target_that_holds_another_edition_or_none_is_told(tmp_path, here):
    first, second = finish(tmp_path, 1), finish(tmp_path, 2)
    package = package_of(second, GIS, "oeffentlich")
    assert read_back(package, here()).problems == (
        "aktuell: expected edition muster-2, found no edition",
    )
    bring(first, here())
    held = read_back(package, here())
    assert held.edition == "muster-1"
    assert held.problems == ("aktuell: expected edition muster-2, found edition muster-1",)


def test_a_share_that_is_not_mounted_is_not_filled(tmp_path):
    with pytest.raises(TargetError, match="expected a folder that exists, found none; mount"):
        folder_place(str(tmp_path / "fehlt"), home=tmp_path / "home")
    assert not (tmp_path / "fehlt").exists()


@pytest.mark.parametrize("address", ["home", "home/published", "verweis/published"])
def test_a_folder_of_the_warehouse_is_no_target(tmp_path, address):
    (tmp_path / "home/published").mkdir(parents=True)
    (tmp_path / "verweis").symlink_to("home")
    with pytest.raises(TargetError, match="outside SOZIALRAUM_HOME"):
        folder_place(str(tmp_path / address), home=tmp_path / "home")


@pytest.mark.parametrize("address", ["var/ziel", "", "~/ziel"])
def test_a_folder_is_told_in_full(tmp_path, address):
    with pytest.raises(TargetError, match="an absolute path"):
        folder_place(address, home=tmp_path)


def test_files_may_be_read_by_whoever_may_read_the_folder(tmp_path, root, here):
    root.chmod(0o750)
    before = os.umask(0o077)
    try:
        bring(finish(tmp_path), here())
    finally:
        os.umask(before)
    modes = {path.stat().st_mode & 0o777 for path in (root / "muster-1").rglob("*.rdf")}
    assert modes == {0o640}
    assert (root / "muster-1/catalogue").stat().st_mode & 0o777 == 0o750
    assert (root / "muster-1").stat().st_mode & 0o777 == 0o750


def test_a_passing_disturbance_is_tried_again(tmp_path, root, here, monkeypatch):
    stumbling(monkeypatch, "store", times=2, number=errno.EIO)
    bring(finish(tmp_path), here())
    assert whole(root / "aktuell") == "muster-1"


def test_a_disk_that_stores_other_bytes_never_becomes_current(tmp_path, root, here, monkeypatch):
    bring(finish(tmp_path, 1), here())
    kind = folders._file_system

    def lying():
        class Lying(kind()):
            def store(self, path, chunks):
                super().store(path, (chunk.replace(b"2", b"7") for chunk in chunks))

        return Lying

    monkeypatch.setattr(folders, "_file_system", lying)
    with pytest.raises(TargetDown, match="expected to read back what was sent, found other"):
        bring(finish(tmp_path, 2), here())
    assert whole(root / "aktuell") == "muster-1"
    assert not (root / "muster-2").exists()


def test_a_full_disk_leaves_the_last_edition_and_the_rest_comes_later(
    tmp_path, root, here, monkeypatch
):
    bring(finish(tmp_path, 1), here())
    with monkeypatch.context() as patch:
        stumbling(patch, "store", times=99, number=errno.ENOSPC, after=3)
        with pytest.raises(TargetError, match=r"ENOSPC"):
            bring(finish(tmp_path, 2), here())
    assert whole(root / "aktuell") == "muster-1"
    assert not (root / "muster-2").exists()
    assert bring(tmp_path / "muster-2", here())["sent"] == 2
    assert whole(root / "aktuell") == "muster-2"
    assert {path.name for path in root.iterdir()} == {"muster-1", "muster-2", "aktuell"}


def test_what_an_interrupted_delivery_left_goes_with_the_next_edition(tmp_path, root, here):
    for name in (".muster-0.neu/csv", ".fremd.neu", ".aktuell.neu"):
        (root / name).mkdir(parents=True)
    (root / ".muster-0.neu/csv/a.csv").write_text("half")
    bring(finish(tmp_path), here())
    assert {path.name for path in root.iterdir()} == {"muster-1", "aktuell", ".fremd.neu"}


def test_a_delivery_ends_when_its_time_is_over(tmp_path, root):
    place = folder_place(str(root), home=tmp_path / "home", seconds=0)
    time.sleep(0.01)
    with pytest.raises(TargetDown, match="expected an end within 0 s"):
        bring(finish(tmp_path), place)
    assert not (root / "aktuell").exists()


def test_an_edition_that_is_not_what_its_manifest_says_is_refused(tmp_path, root, here):
    edition = finish(tmp_path)
    (edition / "sozialraum.gpkg").write_bytes(b"other")
    with pytest.raises(TargetError, match=r"sozialraum\.gpkg: expected in the published edition"):
        bring(edition, here())
    assert not (root / "aktuell").exists()


def stumbling(patch, name: str, *, times: int, number: int, after: int = 0) -> None:
    """Let a step of every folder fail some times, after some that go well."""
    kind = folders._file_system
    left = {"well": after, "ill": times}

    def made():
        def stumble(self, *told):
            if left["well"]:
                left["well"] -= 1
            elif left["ill"]:
                left["ill"] -= 1
                raise OSError(number, "planted", "/geheim/pfad")
            return getattr(super(fallen, self), name)(*told)

        fallen = type("Stumbling", (kind(),), {name: stumble})
        return fallen

    patch.setattr(folders, "_file_system", made)


# --- whole at every moment


class Reader:
    """Reads `aktuell` over and over, in a thread, and keeps what it saw."""

    def __init__(self, current: Path):
        self.current, self.seen, self.gone, self.errors = current, [], 0, []
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self) -> None:
        while not self.stop.is_set():
            try:
                self.seen.append(whole(self.current))
            except FileNotFoundError as error:
                if error.filename != str(self.current):
                    self.errors.append(repr(error))
                self.gone += 1
            except (AssertionError, OSError, ValueError) as error:
                self.errors.append(repr(error))

    def __enter__(self) -> "Reader":
        self.thread.start()
        return self

    def __exit__(self, *_) -> None:
        self.stop.set()
        self.thread.join()


def test_a_reader_sees_whole_editions_through_twenty_replacements(tmp_path, root, here):
    bring(finish(tmp_path, 0), here())
    with Reader(root / "aktuell") as reader:
        for number in range(1, 21):
            bring(finish(tmp_path, number), here())
    assert (reader.errors, reader.gone) == ([], 0)
    order = [int(seen.rpartition("-")[2]) for seen in reader.seen]
    assert order == sorted(order)
    assert len(set(order)) > 10


def test_where_links_are_unknown_a_folder_is_replaced_and_never_half_written(
    tmp_path, root, here, monkeypatch
):
    stumbling(monkeypatch, "point", times=999, number=errno.EOPNOTSUPP)
    assert bring(finish(tmp_path, 0), here())["pointer"] == "folder"
    assert (root / "aktuell").is_dir()
    assert not (root / "aktuell").is_symlink()
    with Reader(root / "aktuell") as reader:
        for number in range(1, 21):
            bring(finish(tmp_path, number), here())
    assert reader.errors == []
    order = [int(seen.rpartition("-")[2]) for seen in reader.seen]
    assert order == sorted(order)
    assert len(set(order)) > 10
    assert whole(root / "aktuell") == whole(root / "muster-20") == "muster-20"
    assert {path.name for path in root.iterdir() if path.name.startswith(".")} == {".aktuell.alt"}


def test_who_wants_a_folder_makes_it(tmp_path, root, here):
    (root / "aktuell").mkdir()
    assert bring(finish(tmp_path, 1), here())["pointer"] == "folder"
    assert bring(finish(tmp_path, 2), here())["pointer"] == "folder"
    assert whole(root / "aktuell") == "muster-2"
    assert bring(tmp_path / "muster-2", here())["switched"] is False


def test_a_folder_with_a_damaged_file_is_replaced(tmp_path, root, here):
    (root / "aktuell").mkdir()
    edition = finish(tmp_path)
    bring(edition, here())
    (root / "aktuell/handbuch.html").write_text("other")
    bring(edition, here())
    assert whole(root / "aktuell") == "muster-1"


def test_a_switch_that_was_killed_between_its_renamings_is_healed(tmp_path, root, here):
    (root / "aktuell").mkdir()
    bring(finish(tmp_path, 1), here())
    (root / "aktuell").rename(root / ".aktuell.alt")
    with pytest.raises(TargetError):
        bring(finish(tmp_path, 2, without=("handbuch.html",)), here())
    assert not (root / "aktuell").exists()  # refused before anything was looked at
    bring(tmp_path / "muster-1", here())
    assert whole(root / "aktuell") == "muster-1"


def test_a_folder_whose_files_a_program_keeps_open_waits_for_the_next_run(
    tmp_path, root, here, monkeypatch
):
    (root / "aktuell").mkdir()
    bring(finish(tmp_path, 1), here())
    with monkeypatch.context() as patch:
        # the renaming of the edition goes well, then that of `aktuell` is refused
        stumbling(patch, "replace", times=99, number=errno.EACCES, after=11)
        with pytest.raises(TargetDown, match="a program keeps its files open"):
            bring(finish(tmp_path, 2), here())
    assert whole(root / "aktuell") == "muster-1"
    bring(tmp_path / "muster-2", here())
    assert whole(root / "aktuell") == "muster-2"


def test_a_file_called_aktuell_is_not_touched(tmp_path, root, here):
    (root / "aktuell").write_text("mine")
    with pytest.raises(TargetError, match="found a file of that name"):
        bring(finish(tmp_path), here())
    assert (root / "aktuell").read_text() == "mine"


def test_cleaning_up_as_the_docs_say_leaves_the_newest_five(root):
    page = (Path(__file__).parents[2] / "docs/ziele.md").read_text("utf-8")
    (command,) = re.findall(r"^\$ (ls .*)$", page, flags=re.M)
    for day in range(10, 18):
        (root / f"muster-201601{day}T000000000000Z").mkdir()
    (root / "aktuell").symlink_to("muster-20160117T000000000000Z")
    for _ in range(2):
        subprocess.run(["bash", "-euc", command], cwd=root, check=True, timeout=20)
    assert sorted(path.name for path in root.iterdir()) == [
        "aktuell",
        *(f"muster-201601{day}T000000000000Z" for day in range(13, 18)),
    ]


# --- SFTP


def test_sftp_holds_the_edition_and_a_link_to_it(tmp_path, server):
    facts = bring(finish(tmp_path), sftp_place(server.address()), PUBLIC_FORMS)
    assert facts["pointer"] == "link"
    assert os.readlink(server.folder / "aktuell") == "muster-1"  # noqa: PTH115
    assert whole(server.folder / "aktuell") == "muster-1"
    assert names(server.folder / "muster-1") == {
        "manifest.json",
        *(name for name in FILES if not name.startswith(("marts", "parquet"))),
    }
    again = bring(tmp_path / "muster-1", sftp_place(server.address()), PUBLIC_FORMS)
    assert (again["sent"], again["switched"]) == (0, False)


def test_a_reader_of_the_server_sees_whole_editions_through_twenty_replacements(tmp_path, server):
    bring(finish(tmp_path, 0), sftp_place(server.address()), ("handbuch", "geopackage"))
    with Reader(server.folder / "aktuell") as reader:
        for number in range(1, 21):
            edition = finish(tmp_path, number)
            bring(edition, sftp_place(server.address()), ("handbuch", "geopackage"))
    assert (reader.errors, reader.gone) == ([], 0)
    assert len(set(reader.seen)) > 10


def test_a_server_without_links_gets_a_folder(tmp_path):
    with sftp_server(tmp_path / "server", "-P symlink") as server:
        for number in (1, 2, 3):
            facts = bring(finish(tmp_path, number), sftp_place(server.address()))
            assert facts["pointer"] == "folder"
            assert whole(server.folder / "aktuell") == f"muster-{number}"
        assert not (server.folder / "aktuell").is_symlink()


def test_a_server_that_renames_onto_nothing_gets_a_folder(tmp_path):
    with sftp_server(tmp_path / "server", "-P posix-rename") as server:
        for number in (1, 2):
            facts = bring(finish(tmp_path, number), sftp_place(server.address()))
            assert facts["pointer"] == "folder"
        assert whole(server.folder / "aktuell") == "muster-2"


def test_sftp_damaged_files_are_found_and_sent_again(tmp_path, server):
    edition = finish(tmp_path)
    package = package_of(edition, GIS, "oeffentlich")
    bring(edition, sftp_place(server.address()))
    path = server.folder / "muster-1/sozialraum.gpkg"
    path.write_bytes(bytes(path.stat().st_size))
    assert read_back(package, sftp_place(server.address())).problems == (
        "sozialraum.gpkg: expected as the manifest says, found other bytes",
    )
    assert bring(edition, sftp_place(server.address()))["sent"] == 1
    assert read_back(package, sftp_place(server.address())).problems == ()


def test_a_connection_that_breaks_is_made_again(tmp_path, server):
    edition = finish(tmp_path)
    with cutting_proxy(server.port, 6000, cuts=2) as (port, brought):
        server.trust(port)
        bring(edition, sftp_place(server.address(port)), PUBLIC_FORMS)
    assert len(brought) > 2
    assert whole(server.folder / "aktuell") == "muster-1"


def test_a_server_that_is_down_is_told_and_caught_up_later(tmp_path, server):
    edition = finish(tmp_path)
    with pytest.raises(TargetDown, match="found none at 4 tries"):
        bring(edition, sftp_place(server.address(free_port())))
    bring(edition, sftp_place(server.address()))
    assert whole(server.folder / "aktuell") == "muster-1"


def test_a_server_with_another_key_gets_nothing(tmp_path, server):
    server.trust(
        server.port, public_key=make_key(tmp_path / "other").with_suffix(".pub").read_text()
    )
    with pytest.raises(TargetError, match="whose key is not the one in known_hosts"):
        bring(finish(tmp_path), sftp_place(server.address()))
    server.known_hosts.write_text("")
    with pytest.raises(TargetError, match="known_hosts does not hold"):
        bring(tmp_path / "muster-1", sftp_place(server.address()))
    assert names(server.folder) == set()


def test_a_folder_that_the_server_has_not_is_refused(tmp_path, server):
    missing = server.address().replace("/ausgang?", "/fehlt?")
    with pytest.raises(TargetError, match="a folder or key file that is not there"):
        bring(finish(tmp_path), sftp_place(missing))
    assert not (server.folder.parent / "fehlt").exists()


@pytest.mark.parametrize(
    "address",
    ["ftp://a@b/c", "sftp://", "sftp://a@b", "sftp://a@b/", "sftp://a:geheim@b:port/c", "geheim"],
)
def test_an_address_that_is_none_is_refused_without_being_told(address):
    with pytest.raises(TargetError, match="expected sftp://user@host/folder") as told:
        sftp_place(address)
    assert "geheim" not in str(told.value)


def test_no_message_and_no_log_names_secrets(tmp_path, server, caplog, capfd, monkeypatch):
    caplog.set_level(logging.DEBUG)
    edition = finish(tmp_path)
    secret = "geheimes-wort"
    user = server.user
    told = []
    for address in (
        f"sftp://{user}:{secret}@127.0.0.1:{server.port}{server.folder}"
        f"?known_hosts={server.known_hosts}",
        f"sftp://{user}:{secret}@127.0.0.1:{free_port()}{server.folder}",
        f"sftp://{user}:{secret}@127.0.0.1:x{server.folder}",
        f"sftp://{user}@127.0.0.1:{server.port}/{secret}"
        f"?known_hosts={server.known_hosts}&key={server.key}",
    ):
        with pytest.raises((TargetError, TargetDown)) as error:
            bring(edition, sftp_place(address))
        told.append(str(error.value))
    stumbling(monkeypatch, "store", times=99, number=errno.EIO)
    (tmp_path / secret).mkdir()
    with pytest.raises(TargetDown, match="OSError, EIO") as error:
        bring(edition, folder_place(str(tmp_path / secret), home=tmp_path / "home"))
    told.append(str(error.value))
    with pytest.raises(TargetError) as error:
        announce(message(edition), f"smtp://amt:{secret}@127.0.0.1:x", ["a@b.example"])
    told.append(str(error.value))
    with (
        mail_server(login=("amt", "anderes")) as mail,
        pytest.raises(TargetError, match="SMTPAuthenticationError, 535") as error,
    ):
        announce(message(edition), f"smtp://amt:{secret}@127.0.0.1:{mail.port}", ["a@b.example"])
    told.append(str(error.value))
    printed = capfd.readouterr()
    # what the libraries say for their own debugging, which nobody shows, names folders; a password
    # stands nowhere at all
    libraries = ("paramiko", "fsspec")
    shown = [
        record.getMessage()
        for record in caplog.records
        if not record.name.startswith(libraries) or record.levelno >= logging.WARNING
    ]
    for text in (*told, *shown, printed.out, printed.err):
        assert secret not in text
        assert "127.0.0.1" not in text
    everything = [r.getMessage() for r in caplog.records if f"/{secret}" not in r.getMessage()]
    assert not [text for text in everything if secret in text]


# --- mail


def message(edition: Path, sent_to: dict[str, bool] | None = None):
    return announcement(edition, "planung@kreis.example", sent_to or {})


def test_the_announcement_says_what_is_new_and_where(tmp_path):
    told = message(finish(tmp_path), {"gis_ordner": True, "kommunen_sftp": False})
    assert told["Subject"] == "Neue Ausgabe: Sozialraumdaten für Prüfungen (muster-1)"
    assert told["From"] == '"StädteRegion (gemacht)" <planung@kreis.example>'
    assert told["Message-ID"] == "<sozialraum.muster-1@kreis.example>"
    assert told["Date"] == "Mon, 23 Nov 2026 12:00:00 +0000"
    assert told.get_content() == (
        "Guten Tag,\n\n"
        "„Sozialraumdaten für Prüfungen“ liegt in einer neuen Ausgabe vor.\n\n"
        "Ausgabe: muster-1\n"
        "Art: Monitoring\n"
        "Erstellt am: 23.11.2026\n"
        "Neu oder geändert: 2 Indikator(en), 2 Stichtag(e)\n\n"
        "Zu finden unter: https://kreis.example/sozialplanung\n"
        "- gis_ordner: liegt bereit\n"
        "- kommunen_sftp: folgt, sobald das Ziel erreichbar ist\n\n"
        "Lizenz: Datenlizenz Deutschland – Namensnennung – Version 2.0 "
        "(https://www.govdata.de/dl-de/by-2-0)\n"
        "Quellenvermerk: StädteRegion (gemacht)\n\n"
        "StädteRegion (gemacht)\n"
        "Sozialplanung\n"
        "sozialplanung@kreis.example\n"
    )


def test_without_a_list_of_changes_nothing_is_said_of_them(tmp_path):
    edition = finish(tmp_path, without=("catalogue/aenderungen.csv",))
    assert changes(edition) == {}
    assert "Neu oder" not in message(edition).get_content()
    commas = finish(tmp_path, 2)
    (commas / "catalogue/aenderungen.csv").write_text("stichtag,art\n2015-12-31,neu\n")
    assert changes(commas) == {"Stichtag(e)": 1}
    (commas / "catalogue/aenderungen.csv").write_text("stichtag;art\n")
    assert "Neu oder geändert: nichts\n" in message(commas).get_content()


def test_each_recipient_gets_a_message_that_names_no_other(tmp_path):
    told = []
    with mail_server() as mail:
        recipients = ["a@kreis.example", "b@stadt.example"]
        sent = announce(message(finish(tmp_path)), mail.address, recipients, told.append)
    assert sent.accepted == ("a@kreis.example", "b@stadt.example")
    assert told == recipients
    assert [to for _, to, _ in mail.taken] == [["a@kreis.example"], ["b@stadt.example"]]
    for sender, (recipient,), received in mail.taken:
        assert sender == "planung@kreis.example"
        assert received["To"] == recipient
        assert received["Bcc"] is None
        other = next(one for one in recipients if one != recipient)
        assert other not in received.as_string()
        assert "liegt in einer neuen Ausgabe vor" in received.get_content()


def test_the_same_edition_gives_the_same_message(tmp_path):
    edition = finish(tmp_path)
    with mail_server() as mail:
        for _ in range(2):
            announce(message(edition), mail.address, ["a@kreis.example"])
    first, second = (received.as_bytes() for *_, received in mail.taken)
    assert first == second


def test_refused_recipients_are_counted_and_the_others_hear(tmp_path):
    with mail_server(refuses={"weg@kreis.example": 550, "voll@kreis.example": 452}) as mail:
        sent = announce(
            message(finish(tmp_path)),
            mail.address,
            ["weg@kreis.example", "voll@kreis.example", "a@kreis.example"],
        )
    assert sent == mails.Sent(("a@kreis.example",), (550, 452))
    assert [to for _, to, _ in mail.taken] == [["a@kreis.example"]]


def test_a_login_is_made_if_the_address_has_a_user(tmp_path):
    with mail_server(login=("amt", "geheim und: lang/@")) as mail:
        announce(message(finish(tmp_path)), mail.address, ["a@kreis.example"])
    assert mail.logins == ["amt"]


def test_a_password_goes_to_no_other_machine_without_tls(tmp_path, monkeypatch):
    monkeypatch.setattr(mails, "_is_this_machine", lambda host: False)
    with mail_server(login=("amt", "geheim")) as mail:
        with pytest.raises(TargetError, match="expected STARTTLS before a login"):
            announce(message(finish(tmp_path)), mail.address, ["a@kreis.example"])
        announce(
            message(tmp_path / "muster-1"), f"smtp://127.0.0.1:{mail.port}", ["a@kreis.example"]
        )
    assert mail.logins == []


def test_tls_is_used_where_it_is_offered_and_only_with_a_certificate_that_is_trusted(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(mails, "_is_this_machine", lambda host: False)
    certificate = make_certificate(tmp_path / "mail.pem")
    with mail_server(login=("amt", "geheim"), tls=certificate) as mail:
        with pytest.raises(TargetError, match="expected a certificate that this machine trusts"):
            announce(message(finish(tmp_path)), mail.address, ["a@kreis.example"])
        assert mail.logins == []
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        announce(message(tmp_path / "muster-1"), mail.address, ["a@kreis.example"])
    assert mail.logins == ["amt"]
    assert len(mail.taken) == 1


def test_a_mail_server_that_breaks_off_is_tried_again_and_nobody_hears_twice(tmp_path):
    with mail_server(breaks=2) as mail:
        announce(message(finish(tmp_path)), mail.address, ["a@kreis.example", "b@kreis.example"])
    assert len(mail.taken) == 2
    with pytest.raises(TargetDown, match="expected a mail server, found none"):
        announce(message(tmp_path / "muster-1"), f"smtp://127.0.0.1:{free_port()}", ["a@b.example"])


# --- what a region declares


@pytest.mark.parametrize(
    ("declared", "told"),
    [
        ({"formen": ["gibtesnicht"]}, "Input should be"),
        ({"publikum": "alle"}, "Input should be"),
        ({"formen": ["csv", "csv"]}, "expected each form once"),
        ({"formen": ["marts"]}, "hold columns for experts"),
        ({"art": "postgis"}, "none for PostGIS"),
    ],
)
def test_a_target_is_declared_as_it_can_be(declared, told):
    good = {"ziel": "z", "art": "ordner", "verbindung": "Z", "formen": ["csv"]}
    Ziel.model_validate(good)
    with pytest.raises(ValueError, match=told):
        Ziel.model_validate({**good, **declared})


def test_the_announcement_has_a_name_and_a_variable_of_its_own():
    ziel = Ziel(ziel="z", art="ordner", verbindung="Z", formen=("csv",))
    mail = Ankuendigung(verbindung="MAIL", absender="a@b", an=("c@d",))
    Ziele(ziele=(ziel,), ankuendigung=mail)
    with pytest.raises(ValueError, match="expected another name than ankuendigung"):
        Ziele(ziele=(ziel.model_copy(update={"ziel": "ankuendigung"}),))
    with pytest.raises(ValueError, match="a verbindung of its own for the mail"):
        Ziele(ziele=(ziel,), ankuendigung=mail.model_copy(update={"verbindung": "Z"}))
    for an in (("c@d", "c@d"), ("c@d, e@f",), ()):
        with pytest.raises(ValueError, match=r"ankuendigung|pattern|at least 1"):
            Ankuendigung(verbindung="MAIL", absender="a@b", an=an)
