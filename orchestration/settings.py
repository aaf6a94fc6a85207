"""The one reader of the environment. Every path of the warehouse is a method here.

Nothing else in the project looks at environment variables or puts a path together.
"""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
DEFAULT_REGION = (PROJECT / "sources" / "regions" / "default").read_text().strip()


STECKBRIEFE = ("alle", "kreis")
"""All profiles that the region declares, or, for a trial, those of the Kreis and of one Kommune."""


def _scale(text: str) -> float:
    """Read SCALE.

    Raises:
        ValueError: it is no share.
    """
    try:
        scale = float(text)
    except ValueError:
        scale = 0.0
    if not 0 < scale <= 1:
        raise ValueError(f"SCALE: expected a number above 0 and up to 1, found {text!r}")
    return scale


def _profiles(text: str) -> str:
    """Read STECKBRIEFE.

    Raises:
        ValueError: it is neither of the two words.
    """
    if text not in STECKBRIEFE:
        raise ValueError(f"STECKBRIEFE: expected {' or '.join(STECKBRIEFE)}, found {text!r}")
    return text


@dataclass(frozen=True)
class Settings:
    """Where a run reads and writes.

    Attributes:
        home: SOZIALRAUM_HOME; everything the warehouse writes lies below it.
        region: REGION.
        open_data: SOZIALRAUM_DATA, a folder with a subfolder for each region, or None.
        reports_port: SOZIALRAUM_REPORTS_PORT; Data Docs are served there on loopback.
        scale: SCALE; the share of a simulated county that is made, from 0 (excluded) to 1.
        steckbriefe: STECKBRIEFE; which profiles an edition gets.
    """

    home: Path
    region: str
    open_data: Path | None = None
    reports_port: int = 3070
    scale: float = 1.0
    steckbriefe: str = "alle"

    @classmethod
    def from_environment(cls) -> "Settings":
        """Read the environment; a relative home lies below the working directory."""
        data = os.environ.get("SOZIALRAUM_DATA")
        home = Path(os.environ.get("SOZIALRAUM_HOME") or "var").resolve()
        if odd := set(str(home)) & set("'[]*?"):
            raise ValueError(
                f"SOZIALRAUM_HOME: expected a path that can stand in SQL, found {sorted(odd)} in "
                "it; choose another folder"
            )
        return cls(
            home=home,
            region=os.environ.get("REGION") or DEFAULT_REGION,
            open_data=Path(data).resolve() if data else None,
            reports_port=int(os.environ.get("SOZIALRAUM_REPORTS_PORT") or 3070),
            scale=_scale(os.environ.get("SCALE") or "1"),
            steckbriefe=_profiles(os.environ.get("STECKBRIEFE") or "alle"),
        )

    def export(self) -> None:
        """Hand the settings to what can only read the environment: dbt, Dagster, child processes.

        Telemetry is switched off here as well as in files.
        """
        os.environ.update(
            SOZIALRAUM_HOME=str(self.home),
            REGION=self.region,
            SCALE=str(self.scale),
            STECKBRIEFE=self.steckbriefe,
            DAGSTER_HOME=str(self.dagster_home),
            DBT_TARGET_PATH=str(self.dbt_target),
            DBT_LOG_PATH=str(self.dbt_target),
            DBT_PROFILES_DIR=str(self.dbt_project),
            DBT_SEND_ANONYMOUS_USAGE_STATS="false",
            GX_ANALYTICS_ENABLED="false",
        )
        if self.open_data:
            os.environ["SOZIALRAUM_DATA"] = str(self.open_data)

    @property
    def is_trial(self) -> bool:
        """Whether an edition is made to be looked at here: it goes to no target."""
        return self.scale < 1 or self.steckbriefe != "alle"

    def source_address(self, verbindung: str) -> str | None:
        """Return the address of a partner's source with its secrets, or None if there is none.

        It is SOZIALRAUM_QUELLE_<verbindung>; a simulated partner's database answers without.
        """
        simulated = self.simulator / f"{verbindung.lower()}.sqlite"
        told = os.environ.get(f"SOZIALRAUM_QUELLE_{verbindung}")
        return told or (f"sqlite:///{simulated}" if simulated.exists() else None)

    def target_address(self, verbindung: str) -> str | None:
        """Return where a target is, with its secrets, or None if it is passed over.

        It is SOZIALRAUM_ZIEL_<verbindung>.
        """
        return os.environ.get(f"SOZIALRAUM_ZIEL_{verbindung}") or None

    @property
    def service_address(self) -> str:
        """The address of the database that the service reads, with its password.

        Raises:
            ValueError: SOZIALRAUM_DIENST is not set.
        """
        told = os.environ.get("SOZIALRAUM_DIENST")
        if not told:
            raise ValueError(
                "SOZIALRAUM_DIENST: expected the address of the database that the service reads, "
                "found none; set it to postgresql://login:password@host:5432/database"
            )
        return told

    def service(self, port: int) -> Path:
        """What the service on a port keeps: its configuration, with the database's password."""
        return self.home / "service" / str(port)

    def environment(self, **more: str) -> dict[str, str]:
        """Return the environment of a child process with these settings, and `more`."""
        self.export()
        return {**os.environ, **more}

    @property
    def data(self) -> Path | None:
        """The region's open data, if SOZIALRAUM_DATA has any."""
        folder = self.open_data / self.region if self.open_data else None
        return folder if folder and folder.is_dir() else None

    @property
    def region_folder(self) -> Path:
        """What the region declares."""
        return PROJECT / "sources" / "regions" / self.region

    @property
    def dbt_project(self) -> Path:
        """The dbt project."""
        return PROJECT / "dbt_project"

    @property
    def inbox(self) -> Path:
        """Where partners' files arrive."""
        return self.home / "inbox" / self.region

    @property
    def landing(self) -> Path:
        """Root of landed deliveries."""
        return self.home / "landing" / self.region

    @property
    def sealed(self) -> Path:
        """The region's part of the sealed zone."""
        return self.home / "sealed" / self.region

    @property
    def simulator(self) -> Path:
        """What the simulator keeps: partners' own databases, and the truth that tests compare."""
        return self.sealed / "simulator"

    @property
    def receipts(self) -> Path:
        """Receipts of deliveries, a folder for each Liefereinheit."""
        return self.reports / "quittungen" / self.region

    @property
    def secret(self) -> Path:
        """What the keys of identifiers' hashes are made from; it never leaves the machine."""
        return self.home / "sealed" / "pseudonym.key"

    @property
    def warehouse(self) -> Path:
        """The sealed database; dbt is its one writer."""
        return self.sealed / "warehouse.duckdb"

    @property
    def rules(self) -> Path:
        """What the region declares, as Parquet."""
        return self.sealed / "rules"

    @property
    def placement(self) -> Path:
        """Which area located things lie in, as Parquet."""
        return self.sealed / "placement"

    @property
    def freigaben(self) -> Path:
        """What municipalities have released beside the region's own entries; only added to."""
        return self.sealed / "freigaben.jsonl"

    @property
    def areas(self) -> Path:
        """Geometry of all areas, as Parquet."""
        return self.sealed / "areas.parquet"

    @property
    def crosswalk(self) -> Path:
        """Weights from older Gebietsstände to the newest, as Parquet."""
        return self.sealed / "umrechnung.parquet"

    @property
    def crosswalk_errors(self) -> Path:
        """How far carrying over with these weights misses, as Parquet."""
        return self.sealed / "umrechnung_fehler.parquet"

    @property
    def last_edition(self) -> Path:
        """What the last edition said, as Parquet."""
        return self.sealed / "vorausgabe"

    @property
    def released(self) -> Path:
        """Published counts, as Parquet."""
        return self.sealed / "released"

    @property
    def release(self) -> Path:
        """The releases that the published counts come from, with patterns and evidence."""
        return self.sealed / "release"

    @property
    def release_ledger(self) -> Path:
        """Every count that ever left, a folder for each edition."""
        return self.sealed / "ledger"

    @property
    def core_token(self) -> Path:
        """Written when a core build was green, deleted when one starts."""
        return self.sealed / "core_green.json"

    @property
    def release_token(self) -> Path:
        """Written when counts were released, deleted when a release starts."""
        return self.released / "release.json"

    @property
    def mart_token(self) -> Path:
        """Written when a mart build was green, deleted when one starts."""
        return self.sealed / "marts_green.json"

    @property
    def draft(self) -> Path:
        """The finished files of an edition; sealed until they are published."""
        return self.sealed / "draft"

    @property
    def drafts(self) -> Path:
        """Municipalities' own areas before they are released, a folder for each edition."""
        return self.sealed / "drafts"

    @property
    def published(self) -> Path:
        """Editions, and `current`."""
        return self.home / "published"

    @property
    def targets(self) -> Path:
        """What was delivered where, and who was told; a record for each target."""
        return self.home / "targets" / self.region

    @property
    def dagster_home(self) -> Path:
        """Dagster's instance."""
        return self.home / "dagster"

    @property
    def lock(self) -> Path:
        """Held by the run that writes."""
        return self.dagster_home / "run.lock"

    @property
    def prepare_lock(self) -> Path:
        """Held by the process that makes the home ready."""
        return self.dagster_home / "prepare.lock"

    @property
    def dbt_target(self) -> Path:
        """dbt's manifest and caches."""
        return self.sealed / "dbt"

    @property
    def reports(self) -> Path:
        """Data Docs."""
        return self.home / "reports"

    def report_url(self, page: str) -> str:
        """Return where a page of the Data Docs is served while the UI runs."""
        return f"http://127.0.0.1:{self.reports_port}/{page}"

    def make_folders(self) -> None:
        """Make the folders of the warehouse; the sealed ones are for their owner only."""
        for folder in (
            self.inbox,
            self.landing,
            self.sealed,
            self.dagster_home,
            self.reports,
            self.targets,
        ):
            folder.mkdir(parents=True, exist_ok=True)
        for name in ("inbox", "landing", "sealed", "dagster", "reports", "targets"):
            (self.home / name).chmod(0o700)
        if not self.published.exists():
            # Who reads editions passes through the home and sees nothing else of it; an operator
            # who wants it otherwise changes it once.
            self.published.mkdir()
            self.home.chmod(0o711)
            self.published.chmod(0o755)

    def code_version(self) -> str:
        """Return a short hash of the code that makes an edition: SQL, Python and suites."""
        digest = hashlib.sha256()
        rooms = ("orchestration", "sources", "dbt_project", "expectations", "disclosure")
        for room in (*rooms, "publication"):
            for path in sorted((PROJECT / room).rglob("*")):
                if path.suffix in {".py", ".sql", ".yml", ".yaml", ".csv"}:
                    digest.update(path.relative_to(PROJECT).as_posix().encode())
                    digest.update(path.read_bytes())
        return digest.hexdigest()[:12]
