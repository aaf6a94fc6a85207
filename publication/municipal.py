"""The files of a draft for one municipality: tables that an office opens, and a page that explains.

Here belongs the form alone. What a municipality may see is chosen before (orchestration), what of
it is withheld in `disclosure`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

PAGE = "LIESMICH.txt"

_PAGE = """Entwurf für {name} ({kommune_id})
{line}

Dies sind die eigenen Zahlen der Kommune nach Sozialräumen, bevor sie veröffentlicht werden, und
die Werte des Kreises, die die Ausgabe {edition} veröffentlicht hat. Die Dateien sind vertraulich:
Sie gehen an die Stelle, die über die Freigabe entscheidet, und an niemanden sonst.

  indikatoren    Zähler, Nenner und Werte der eigenen Räume; kommune_wert und kreis_wert daneben
  bevoelkerung   Einwohnerinnen und Einwohner der eigenen Räume

Beide liegen als CSV (UTF-8, Semikolon, Dezimalpunkt) und als Parquet vor.

Auch im Entwurf fehlen Zahlen mit dem Status "geheim": Sie ließen auf Einzelne schließen, selbst
wenn man Entwurf und Ausgabe nebeneinander legt. Sie fehlen auch nach der Freigabe.

Stand der Freigabe nach Themen, und der jüngste Stichtag, von dem hier Werte der Sozialräume stehen:

{states}

Was noch als Entwurf geführt wird, steht in der Ausgabe als "nicht_freigegeben"; die Summe der
Kommune steht dort. Eine Freigabe nimmt die Sozialplanung des Kreises entgegen: für welche Themen,
von wem und an welchem Tag entschieden. Sie gilt für jedes Thema bis zu seinem jüngsten Stichtag
oben, wenn nichts anderes gesagt wird, und wirkt mit der nächsten Ausgabe.

Was die Vereinbarung für Sozialräume nicht erlaubt ("nicht_vereinbart"), zeigt auch der Entwurf
nicht, und von einer Kommune, die nicht teilnimmt, keinen Sozialraum.
"""


def write_municipal_draft(
    folder: Path,
    tables: "Mapping[str, pa.Table]",
    states: Sequence[Mapping[str, str]],
    facts: Mapping[str, str],
    stichtag_bis: Mapping[str, str],
) -> None:
    """Write a municipality's draft into a new folder that only its owner may enter.

    Args:
        folder: where to write; must not exist.
        tables: by name; each becomes `<name>.csv` and `<name>.parquet`.
        states: how far the themes have come: `thema`, `stand`, optionally `seit`.
        facts: `kommune_id`, `name`, `edition`.
        stichtag_bis: by theme the newest Stichtag that the tables show of Sozialräume.
    """
    import pyarrow.parquet as pq
    from pyarrow import csv

    folder.mkdir(parents=True, mode=0o700)
    form = csv.WriteOptions(delimiter=";", quoting_style="needed")
    for name, table in tables.items():
        pq.write_table(table, folder / f"{name}.parquet", compression="zstd")
        csv.write_csv(table, folder / f"{name}.csv", form)
    listed = "\n".join(
        f"  {one['thema']:16}{one['stand']:18}{one.get('seit', ''):12}"
        f"{stichtag_bis.get(one['thema'], 'keine Werte')}"
        for one in states
    )
    title = f"Entwurf für {facts['name']} ({facts['kommune_id']})"
    page = _PAGE.format(**facts, states=listed, line="=" * len(title))
    (folder / PAGE).write_text(page, encoding="utf-8")
    for path in folder.iterdir():
        path.chmod(0o600)
