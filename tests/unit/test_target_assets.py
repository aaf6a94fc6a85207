"""The assets of targets: each on its own, told and never raised, once for each edition.

They run on a home whose `published/current` is an edition made by hand; the warehouse does not run.
"""

import json
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace

import dagster as dg
import pytest
from finished_edition import finish

import publication.targets
from orchestration import targets
from orchestration.cli import main
from orchestration.progress import summary
from orchestration.run_lock import run_lock
from orchestration.settings import Settings
from orchestration.targets import settled, summary_of, target_assets, target_checks, target_key
from publication.edition import publish
from publication.targets import mail as mails
from publication.targets import place as places
from publication.targets.errors import TargetDown, TargetError
from sources.ziele import Ziele
from tests.servers import MailServer, free_port, mail_server, pulling_region

SECRET = "geheimes-wort"
DECLARED = {
    "ziele": [
        {"ziel": "gis", "art": "ordner", "verbindung": "GIS", "formen": ["geopackage", "csv"]},
        {"ziel": "netz", "art": "sftp", "verbindung": "NETZ", "formen": ["handbuch"]},
        {"ziel": "bank", "art": "postgis", "verbindung": "BANK", "publikum": "fachlich"},
    ],
    "ankuendigung": {
        "verbindung": "MAIL",
        "absender": "planung@kreis.example",
        "an": ["a@kreis.example", "b@stadt.example"],
    },
}
ALL = ("gis", "netz", "bank", "ankuendigung")


@dataclass
class Result:
    """What a run of target assets has told."""

    success: bool
    metadata: dict[str, dict]
    checks: dict[str, tuple[bool, str | None]]
    logged: str

    @property
    def status(self) -> dict[str, str]:
        return {name: told["status"] for name, told in self.metadata.items()}


@dataclass
class Home:
    """A home with an edition, and the targets of a small county."""

    settings: Settings
    root: Path
    tmp: Path
    declared: dict = field(default_factory=lambda: json.loads(json.dumps(DECLARED)))

    @property
    def region(self):
        return pulling_region().model_copy(
            update={"ziele": Ziele.model_validate(self.declared), "region": "muster"}
        )

    def publish(self, number: int, **facts) -> None:
        draft = finish(self.tmp / "drafts", number, **facts)
        publish(draft, self.settings.published, draft.name)

    def run(self, *names: str, settings: Settings | None = None) -> Result:
        """Materialise all target assets, or some, with their checks."""
        chosen = [target_key(name) for name in names]
        return self._run(settings, dg.AssetSelection.assets(*chosen) if chosen else None)

    def check(self, name: str) -> tuple[bool, str | None]:
        """Run the check of a target alone."""
        result = self._run(None, dg.AssetSelection.checks_for_assets(target_key(name)))
        assert result.metadata == {}
        return result.checks[name]

    def _run(self, settings: Settings | None, selection: dg.AssetSelection | None) -> Result:
        told = settings or self.settings
        everything = [
            *target_assets(told, self.region, lambda: ()),
            *target_checks(told, self.region, lambda: ()),
        ]
        with dg.DagsterInstance.ephemeral(str(self.tmp)) as instance:
            result = dg.materialize(
                everything,
                instance=instance,
                resources={"run_lock": run_lock(told)},
                selection=selection,
                raise_on_error=False,
            )
            checks = result.get_asset_check_evaluations()
            assert {check.severity for check in checks} <= {dg.AssetCheckSeverity.ERROR}
            return Result(
                result.success,
                {
                    event.asset_key.path[1]: {
                        key: value.value for key, value in event.materialization.metadata.items()
                    }
                    for event in result.get_asset_materialization_events()
                },
                {check.asset_key.path[1]: (check.passed, check.description) for check in checks},
                "\n".join(str(entry) for entry in instance.all_logs(result.run_id)),
            )

    def lies(self) -> str:
        """The edition that the folder of the GIS holds."""
        return json.loads((self.root / "aktuell/manifest.json").read_text("utf-8"))["edition_id"]


@pytest.fixture(autouse=True)
def _alone(monkeypatch):
    """No waiting, and no variable of whoever runs the tests."""
    monkeypatch.setattr(places, "FIRST_WAIT", 0.01)
    monkeypatch.setattr(mails, "FIRST_WAIT", 0.01)
    for name in [name for name in os.environ if name.startswith("SOZIALRAUM_ZIEL_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    settings = Settings(tmp_path / "home", "muster")
    settings.make_folders()
    root = tmp_path / "freigabe"
    root.mkdir()
    home = Home(settings, root, tmp_path)
    home.publish(1)
    return home


@pytest.fixture
def post(monkeypatch) -> Iterator[MailServer]:
    with mail_server() as mail:
        monkeypatch.setenv("SOZIALRAUM_ZIEL_MAIL", mail.address)
        yield mail


@dataclass
class Bank:
    """Stands for PostGIS: what was asked of it, and what it does next."""

    error: Exception | None = None
    holds: str | None = None
    addresses: list[str] = field(default_factory=list)

    def publish(self, folder, tables, address, further):
        self.addresses.append(address)
        if self.error:
            raise self.error
        replaced = self.holds != folder.name
        self.holds = folder.name
        return SimpleNamespace(
            edition=folder.name, tables={"dim_raum": SimpleNamespace(rows=7)}, replaced=replaced
        )


@pytest.fixture
def bank(monkeypatch) -> Bank:
    made = Bank()
    monkeypatch.setattr(publication.targets, "postgis", made, raising=False)
    monkeypatch.setenv("SOZIALRAUM_ZIEL_BANK", f"postgresql://amt:{SECRET}@127.0.0.1/db")
    return made


def test_without_variables_everything_is_passed_over_with_a_message(home):
    result = home.run()
    assert result.success
    assert result.status == dict.fromkeys(ALL, "uebersprungen")
    assert result.metadata["gis"]["uebersprungen"] == (
        "no address: set SOZIALRAUM_ZIEL_GIS to deliver there"
    )
    assert "ziel gis: uebersprungen: no address: set SOZIALRAUM_ZIEL_GIS" in result.logged
    assert {passed for passed, _ in result.checks.values()} == {True}
    assert set(result.checks) == set(ALL)
    assert summary_of(home.settings, home.region, "muster-1") == ""


def test_every_target_receives_the_edition_and_tells_what_came(home, bank, post, monkeypatch):
    monkeypatch.setenv("SOZIALRAUM_ZIEL_GIS", str(home.root))
    result = home.run()
    assert result.success
    assert result.status == {**dict.fromkeys(ALL, "aktuell"), "netz": "uebersprungen"}
    told = result.metadata["gis"]
    assert (told["edition"], told["files"], told["sent"]) == ("muster-1", 4, 4)
    assert told["bytes"] == sum(
        path.stat().st_size for path in (home.root / "muster-1").rglob("*") if path.is_file()
    )
    assert told["seconds"] >= 0
    assert result.metadata["bank"]["rows"] == 7
    assert home.lies() == "muster-1"
    assert {passed for passed, _ in result.checks.values()} == {True}
    assert summary_of(home.settings, home.region, "muster-1") == (
        "gis aktuell, bank aktuell, ankuendigung aktuell"
    )


def test_a_target_that_is_down_is_late_alone_and_catches_up(home, bank, post, monkeypatch):
    monkeypatch.setenv("SOZIALRAUM_ZIEL_GIS", str(home.root))
    bank.error = TargetDown("expected an answer, found none")
    down = f"sftp://amt:{SECRET}@127.0.0.1:{free_port()}/ziel"
    monkeypatch.setenv("SOZIALRAUM_ZIEL_NETZ", down)
    result = home.run()
    assert result.success  # the edition is published, and nothing hides that
    assert result.status == {
        "gis": "aktuell",
        "netz": "nicht_erreicht",
        "bank": "nicht_erreicht",
        "ankuendigung": "aktuell",
    }
    assert {name: passed for name, (passed, _) in result.checks.items()} == {
        "gis": True,
        "netz": False,
        "bank": False,
        "ankuendigung": True,
    }
    assert "SOZIALRAUM_ZIEL_NETZ: expected an answer, found none at 4 tries" in result.logged
    assert SECRET not in result.logged
    assert "127.0.0.1" not in result.logged
    (_, _, received), _ = post.taken
    assert "- gis: liegt bereit\n" in received.get_content()
    assert "- bank: folgt, sobald" in received.get_content()

    bank.error = None
    again = home.run("bank")
    assert set(again.metadata) == {"bank"}
    assert again.status == {"bank": "aktuell"}
    assert again.checks == {"bank": (True, None)}


def test_a_refused_target_says_what_to_mend(home, monkeypatch):
    monkeypatch.setenv("SOZIALRAUM_ZIEL_GIS", str(home.tmp / SECRET))
    result = home.run("gis")
    assert result.success
    assert result.status == {"gis": "abgelehnt"}
    message = (
        "SOZIALRAUM_ZIEL_GIS: expected a folder that exists, found none; mount the share, or make "
        "the folder"
    )
    assert result.metadata["gis"]["abgelehnt"] == message
    assert result.checks == {"gis": (False, message)}
    assert not (home.tmp / SECRET).exists()


def test_a_folder_of_the_home_is_refused(home, monkeypatch):
    monkeypatch.setenv("SOZIALRAUM_ZIEL_GIS", str(home.settings.published))
    assert home.run("gis").status == {"gis": "abgelehnt"}
    assert {path.name for path in home.settings.published.iterdir()} == {"current", "muster-1"}


def test_what_nobody_foresaw_is_told_without_its_words(home, bank):
    bank.error = RuntimeError(f"password {SECRET}")
    result = home.run("bank")
    assert result.success
    assert result.status == {"bank": "fehler"}
    assert "unexpected RuntimeError in test_target_assets.py, line" in result.logged
    assert SECRET not in result.logged


def test_a_target_that_never_answers_is_given_up(home, bank, monkeypatch):
    import threading

    ended = threading.Event()
    monkeypatch.setattr(targets, "LONGEST", 0.2)
    monkeypatch.setattr(bank, "publish", lambda *told, **more: ended.wait(20))
    result = home.run("bank")
    ended.set()
    assert result.status == {"bank": "nicht_erreicht"}
    assert "given up in this run" in result.metadata["bank"]["nicht_erreicht"]


def test_the_check_reads_there_and_not_what_was_delivered(home, monkeypatch):
    monkeypatch.setenv("SOZIALRAUM_ZIEL_GIS", str(home.root))
    home.run("gis")
    home.publish(2)
    assert home.check("gis") == (
        False,
        "aktuell: expected edition muster-2, found edition muster-1",
    )
    home.run("gis")
    assert home.check("gis") == (True, None)
    (home.root / "muster-2/sozialraum.gpkg").write_bytes(b"other")
    assert home.check("gis") == (
        False,
        "sozialraum.gpkg: expected as the manifest says, found other bytes",
    )


def test_the_check_of_a_database_reads_it_again(home, bank):
    assert home.run("bank").checks == {"bank": (True, None)}
    bank.holds = "changed by somebody"
    passed, told = home.check("bank")
    assert not passed
    assert "found other values; delivered anew" in told
    assert home.check("bank") == (True, None)
    home.publish(2)
    asked = len(bank.addresses)
    assert home.check("bank") == (False, "expected edition muster-2, found it not delivered")
    assert len(bank.addresses) == asked  # a check delivers nothing that has not been delivered
    bank.error = TargetError("expected the role, found none")
    assert home.run("bank").checks == {
        "bank": (False, "SOZIALRAUM_ZIEL_BANK: expected the role, found none")
    }


def test_a_trial_goes_to_nobody(home, bank, post, monkeypatch):
    monkeypatch.setenv("SOZIALRAUM_ZIEL_GIS", str(home.root))
    result = home.run(settings=replace(home.settings, scale=0.1))
    assert result.status == dict.fromkeys(ALL, "uebersprungen")
    assert "a trial (SCALE, STECKBRIEFE) goes to no target" in result.logged
    home.publish(2, scale=0.1)  # published by a trial, delivered by hand without SCALE
    assert home.run().status == dict.fromkeys(ALL, "uebersprungen")
    home.publish(3, steckbriefe="kreis")
    assert home.run().status == dict.fromkeys(ALL, "uebersprungen")
    assert (post.taken, bank.addresses, list(home.root.iterdir())) == ([], [], [])


def test_mail_goes_once_for_each_edition(home, post):
    for _ in range(3):
        result = home.run("ankuendigung")
    assert result.metadata["ankuendigung"]["told_before"] == 2
    assert [to for _, to, _ in post.taken] == [["a@kreis.example"], ["b@stadt.example"]]
    home.publish(2)
    home.run("ankuendigung")
    assert len(post.taken) == 4
    assert len({received["Message-ID"] for *_, received in post.taken}) == 2


def test_who_was_refused_is_told_later_and_the_others_not_again(home, post):
    post.refuses["b@stadt.example"] = 450
    result = home.run("ankuendigung")
    assert result.success
    assert result.status == {"ankuendigung": "abgelehnt"}
    assert result.metadata["ankuendigung"]["refused"] == 1
    passed, told = result.checks["ankuendigung"]
    assert not passed
    assert "found 1 refused by the mail server (code 450)" in told
    post.refuses.clear()
    assert home.run("ankuendigung").checks == {"ankuendigung": (True, None)}
    assert [to for _, to, _ in post.taken] == [["a@kreis.example"], ["b@stadt.example"]]


def test_a_mail_server_that_is_down_delays_the_mail_alone(home, monkeypatch):
    monkeypatch.setenv("SOZIALRAUM_ZIEL_GIS", str(home.root))
    monkeypatch.setenv("SOZIALRAUM_ZIEL_MAIL", f"smtp://amt:{SECRET}@127.0.0.1:{free_port()}")
    result = home.run()
    assert result.success
    assert result.status["gis"] == "aktuell"
    assert result.status["ankuendigung"] == "nicht_erreicht"
    assert not result.checks["ankuendigung"][0]
    assert SECRET not in result.logged


def test_records_are_for_the_owner_only_and_hold_no_address(home, bank, post, monkeypatch):
    monkeypatch.setenv("SOZIALRAUM_ZIEL_GIS", str(home.root))
    home.run()
    folder = home.settings.home / "targets"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    texts = [path.read_text("utf-8") for path in folder.rglob("*.json")]
    assert len(texts) == len(ALL)
    for text in texts:
        assert SECRET not in text
        assert str(home.root) not in text


def test_nothing_published_is_said_before_anything_is_tried(tmp_path, bank):
    settings = Settings(tmp_path / "leer", "muster")
    settings.make_folders()
    result = Home(settings, tmp_path, tmp_path).run("bank")
    assert not result.success
    assert "expected a published edition, found none" in result.logged
    assert bank.addresses == []


def test_the_address_comes_from_the_environment(tmp_path, monkeypatch):
    settings = Settings(tmp_path, "muster")
    assert settings.target_address("GIS") is None
    monkeypatch.setenv("SOZIALRAUM_ZIEL_GIS", "")
    assert settings.target_address("GIS") is None
    monkeypatch.setenv("SOZIALRAUM_ZIEL_GIS", "/mnt/gis")
    assert settings.target_address("GIS") == "/mnt/gis"


def test_the_summary_of_a_run_names_the_targets(home, monkeypatch):
    monkeypatch.setattr("orchestration.progress._withheld", lambda settings: "nothing")
    monkeypatch.setenv("SOZIALRAUM_ZIEL_GIS", str(home.root))
    monkeypatch.setenv("SOZIALRAUM_ZIEL_NETZ", "sftp://niemand")
    home.run()
    told = summary(home.settings, home.region, 0, success=True)
    assert told.splitlines()[-1] == "targets      gis aktuell, netz abgelehnt"


def test_the_verb_knows_the_targets_of_the_region(home, monkeypatch, capsys):
    monkeypatch.setenv("SOZIALRAUM_HOME", str(home.tmp / "leer"))
    monkeypatch.setenv("REGION", "aachen")
    monkeypatch.setattr(os, "umask", lambda mask: 0)
    assert main(["ziele", "gibtesnicht"]) == 2
    assert "found gibtesnicht; see ziele.yaml" in capsys.readouterr().err
    assert main(["ziele"]) == 2
    assert "expected a published edition, found none" in capsys.readouterr().err


def test_what_is_left_to_do_is_told_of_each_target(home, bank, monkeypatch):
    monkeypatch.setenv("SOZIALRAUM_ZIEL_GIS", str(home.root))
    bank.error = TargetDown("expected an answer, found none")
    home.run("gis", "netz", "bank")
    assert settled(home.settings, ["gis", "netz", "bank"]) == {
        "gis": (True, "aktuell"),
        "netz": (
            True,
            "uebersprungen: no address: set SOZIALRAUM_ZIEL_NETZ to deliver there",
        ),
        "bank": (
            False,
            "nicht_erreicht: SOZIALRAUM_ZIEL_BANK: expected an answer, found none",
        ),
    }
