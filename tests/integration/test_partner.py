"""A partner's way, gone as a partner would: package, template, check, SFTP, receipt."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from textwrap import indent

import geopandas as gpd
import pytest
from shapely import box

from orchestration.cli import main
from orchestration.settings import PROJECT, Settings
from sources.connectors import files, retry
from sources.connectors.pull import pull, seen_of
from sources.folders import Folders
from sources.kit.receipt import receipt_paths, write_receipts
from sources.landing import land_feed
from sources.ledger import Outcome
from sources.placement import unite_areas
from sources.region import Region, Source, read_region
from tests.servers import SftpServer, sftp_server

KREIS = {"05334004": 302_000, "05334008": 306_000}
"""Two municipalities of two Sozialräume each: key -> western edge."""

SOUTH, SIDE = 5_639_000, 2_000
ANSWER = Source(art="sftp", verbindung="JUGENDAMT", abfrage="KITA_*")


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    monkeypatch.setattr(retry, "FIRST_WAIT", 0.01)
    monkeypatch.setattr(files, "LOOK", 0.0)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SftpServer]:
    with sftp_server(tmp_path / "server") as running:
        yield running


class County:
    """The county's side: it packs, pulls, lands and gives receipts."""

    def __init__(self, home: Path):
        self.settings = Settings(home, "aachen", steckbriefe="kreis")
        self.region: Region = read_region("aachen")
        self.folders = Folders(self.settings.landing)

    def has_areas(self) -> None:
        """Lay boundaries into the inbox and land them."""
        spaces = {
            f"{key}-00{n + 1}": box(west + n * SIDE, SOUTH, west + (n + 1) * SIDE, SOUTH + SIDE)
            for key, west in KREIS.items()
            for n in range(2)
        }
        towns = {
            key: box(west, SOUTH, west + 2 * SIDE, SOUTH + SIDE) for key, west in KREIS.items()
        }
        for feed, name, shapes in (
            ("sozialraum_grenzen", "sozialraeume_20150101.gpkg", spaces),
            ("gemeinde_grenzen", "gemeinden_20150101.gpkg", towns),
            ("stadtbezirke", None, {}),
        ):
            if name:
                path = self.settings.inbox / feed / name
                path.parent.mkdir(parents=True)
                named = {"schluessel": [*shapes], "name": [*shapes]}
                frame = gpd.GeoDataFrame(named, geometry=[*shapes.values()], crs=25832)
                frame.to_file(path, driver="GPKG")
            outcomes = self.land(feed)
            assert not name or "accepted" in {outcome.result for outcome in outcomes}, outcomes
        unite_areas(self.region, self.folders, self.settings.areas)

    def land(self, feed: str) -> list[Outcome]:
        return land_feed(
            self.region.feed(feed),
            self.region,
            self.folders,
            inbox=self.settings.inbox,
            data=None,
            gate=lambda _: {},
        )

    def fetch(self, server: SftpServer, before: list[Outcome]) -> list[Outcome]:
        """Pull what is new, land it and write receipts; return what became of it."""
        done = pull(
            self.region.feed("jugendamt_kita"),
            ANSWER,
            self.region,
            inbox=self.settings.inbox,
            address=server.address(),
            seen=seen_of(before),
            stichtage=[date(2016, 3, 1)],
        )
        assert (len(done.written), done.failed) == (1, {})
        outcomes = [o for o in self.land("jugendamt_kita") if o.file]
        write_receipts(receipt_paths(outcomes, self.settings.receipts), self.region)
        return outcomes


def test_a_partner_delivers(tmp_path, server, monkeypatch, capsys):
    county = County(tmp_path / "home")
    county.has_areas()
    monkeypatch.setenv("REGION", "aachen")

    # The operator makes the package and hands it over.
    monkeypatch.setenv("SOZIALRAUM_HOME", str(county.settings.home))
    desk = tmp_path / "schreibtisch"
    packed = ["paket", "jugendamt_kita", "--liefereinheit", "ja_alsdorf", "--ziel", str(desk)]
    assert main(packed) == 0
    guide, template, areas = (Path(line) for line in capsys.readouterr().out.split())
    assert "sozialraum pruefe --region aachen KITA_ja_alsdorf_20160301.csv" in guide.read_text()
    assert areas.read_text().split() == ["raum_id", "05334004-001", "05334004-002"]

    # The partner fills the template, with a mistake, and checks it without any home.
    monkeypatch.setenv("SOZIALRAUM_HOME", str(tmp_path / "kein_home"))
    rows = ["05334004-001;U3;31;40", "05334004-001;Ü3;88;90", "05334004-002;U3;12;10"]
    rows += ["05334004-002;Ü3;47;-", "05334004-ohne;U3;2;0", "05334004-ohne;Ü3;-;0"]
    empty = template.read_text(encoding="cp1252")
    wrong = [*rows[:3], rows[3].replace("Ü3", "3-6"), *rows[4:]]
    template.write_text(empty + "\n".join([*wrong, ""]), encoding="cp1252")
    assert main(["pruefe", str(template)]) == 1
    told = capsys.readouterr().out
    assert "Altersgruppe: keiner der vereinbarten Schlüssel: 1 Zeile(n), zuerst Zeile 4" in told
    assert "würde ohne die fehlerhaften Zeilen angenommen" in told
    page = (PROJECT / "docs" / "lieferung.md").read_text(encoding="utf-8")
    assert indent(told, "   ") in page

    # Sent nevertheless: what is wrong stays aside, the receipt says so.
    server.push(template)
    (outcome,) = county.fetch(server, [])
    assert (outcome.result, outcome.rows_accepted, outcome.rows_quarantined) == ("accepted", 5, 1)
    (path,) = county.settings.receipts.rglob("*.md")
    assert path.parent.name == "ja_alsdorf"
    assert path.name == f"jugendamt_kita_2016-03-01_{outcome.sha256[:8]}.md"
    first = path.read_text(encoding="utf-8")
    assert "- Lieferstelle: Jugendamt Alsdorf" in first
    assert "| geliefert | 6 |\n| in Ordnung | 5 |\n| fehlerhaft | 1 |" in first
    assert "| Altersgruppe: keiner der vereinbarten Schlüssel | 1 | 4 |" in first
    assert "3-6" not in first

    # The corrected file passes the check, comes the same way and takes the first one's place.
    template.write_text(empty + "\n".join([*rows, ""]), encoding="cp1252")
    assert main(["pruefe", str(template)]) == 0
    assert "Ergebnis: kann gesendet werden." in capsys.readouterr().out
    server.push(template)
    corrected = county.fetch(server, [outcome])[-1]
    assert (corrected.result, corrected.rows_accepted, corrected.rows_quarantined) == (
        "accepted",
        6,
        0,
    )
    texts = [path.read_text(encoding="utf-8") for path in county.settings.receipts.rglob("*.md")]
    assert len(texts) == 2
    assert sum("| in Ordnung | 6 |\n| fehlerhaft | 0 |" in text for text in texts) == 1
    assert not (tmp_path / "kein_home").exists()
