"""What every form of an edition is made from: the finished marts, shapes, and who publishes.

A form writes its own files into the folder and touches no other. Not here: the forms themselves.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from publication.imprint import Imprint
from publication.tables import PublishedTable

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

MARTS = "marts.duckdb"
MANIFEST = "manifest.json"
REPORT = "sozialbericht"
"""The kind of an edition that freezes a reporting period; all others are `monitoring`."""


@dataclass(frozen=True)
class Material:
    """What a form is made from.

    Attributes:
        folder: the draft; its `marts.duckdb` is complete when a form is written.
        tables: the declarations of what is published.
        shapes: areas that the edition shows, as `layers.area_shapes` returns them.
        areas: Parquet with the shapes of all Gebietsstände: `raum_id`, `gebietsstand`,
            `raumebene`, `geometry` (WKB, EPSG:25832).
        imprint: who publishes, and what leads.
        facts: the manifest as far as it stands: `edition_id`, `kind`, `region`, `created_at`, ….
        previous: the folder of the edition before, or None.
    """

    folder: Path
    tables: tuple[PublishedTable, ...]
    shapes: "pa.Table"
    areas: Path
    imprint: Imprint
    facts: Mapping
    previous: Path | None = None

    @property
    def marts(self) -> Path:
        """The draft's own database."""
        return self.folder / MARTS

    @contextmanager
    def open(self) -> "Iterator[duckdb.DuckDBPyConnection]":
        """Open the draft's database for reading."""
        import duckdb

        with duckdb.connect(str(self.marts), read_only=True) as con:
            yield con


@dataclass(frozen=True)
class Finished:
    """Finished files of an edition, as an audit reads them; nothing is known of how they came.

    Attributes:
        folder: a draft or an edition.
        tables: the declarations with which it was written.
        manifest: its manifest.
        imprint: who publishes, as the manifest says.
        previous: the folder of the edition before; None: there is none, or it is not at hand.
    """

    folder: Path
    tables: tuple[PublishedTable, ...]
    manifest: Mapping
    imprint: Imprint
    previous: Path | None = None

    @contextmanager
    def open(self) -> "Iterator[duckdb.DuckDBPyConnection]":
        """Open the edition's database for reading."""
        import duckdb

        with duckdb.connect(str(self.folder / MARTS), read_only=True) as con:
            yield con
