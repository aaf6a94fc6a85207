"""Planted faults: each is caught at the right gate, and the last edition stays."""

import json
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import dagster as dg
import duckdb

from orchestration.gates import DRAFT, RELEASED_TABLES, released_key
from orchestration.landing import feed_key
from orchestration.models import CORE_STEP, LAYERS, MART_STEP, read_manifest
from orchestration.notes import NOTES
from orchestration.progress import failure_text
from orchestration.warehouse import model_key
from sources import ledger
from sources.landing import Folders, land_feed
from tests.integration.conftest import Warehouse

EDITION = dg.AssetKey(["edition", "published"])
MSS = "berlin-monitoring-social-urban-development"


def outcomes(warehouse, feed: str) -> dict[str, str]:
    """The last result of each Stichtag of a feed."""
    rows = ledger.read(Folders(warehouse.settings.landing).ledger, feed)
    return {str(o.stichtag): o.result for o in rows}


def reason(warehouse, feed: str, result: str, stichtag: str | None = None) -> str:
    """The reason of the last outcome with this result, at a Stichtag if one is given."""
    rows = ledger.read(Folders(warehouse.settings.landing).ledger, feed)
    return [
        o.reason
        for o in rows
        if o.result == result and str(o.stichtag) == (stichtag or str(o.stichtag))
    ][-1]


def failed_checks(result: dg.ExecuteInProcessResult) -> set[str]:
    """Names of the checks that failed in a run."""
    return {check.check_name for check in result.get_asset_check_evaluations() if not check.passed}


def failure(result: dg.ExecuteInProcessResult) -> str:
    """Why the steps of a run failed."""
    assert not result.success
    return "\n".join(failure_text(event) for event in result.all_events if event.is_step_failure)


def steps(warehouse, layers) -> list[dg.AssetKey]:
    """Asset keys of the dbt models of some layers."""
    models = read_manifest(warehouse.settings).models.values()
    return [model_key(model) for model in models if model.layer in layers]


def tamper(warehouse, feed: str, stichtag: str, query: str) -> None:
    """Rewrite an accepted delivery by a query over `landed`, as a fault behind the arrival gate."""
    for path in Folders(warehouse.settings.landing).accepted(feed).glob("*.parquet"):
        with duckdb.connect() as con:
            con.execute(f"create table landed as from '{path}'")
            if con.execute("select max(stichtag)::varchar from landed").fetchone() == (stichtag,):
                con.execute(f"copy ({query}) to '{path}' (format parquet)")
                return
    raise AssertionError(f"no accepted delivery of {feed} at {stichtag}")


def test_faults_on_arrival_reject_a_delivery_and_not_the_run(small_berlin, edit):
    """Five partners' faults at once: what they sent is nicht_geliefert, the rest is published."""
    data = small_berlin.settings.data
    edit(data / "register/EWR201412E_Matrix.csv", lambda s: s.replace("E_E;", "EINW;", 1))
    (data / "register/EWR201512E_Matrix.csv").write_bytes(b"")
    shares = data / f"mss/{MSS}-2017-00-2-1-planning-areas.csv"
    edit(shares, lambda s: s.replace("01011101,3114,4.98155", "01011101,3114,101", 1))
    classes = data / f"mss/{MSS}-2015-00-1-planning-areas.csv"
    classes.write_text(classes.read_text(), encoding="utf-16")
    kita = next((data / "kita").iterdir())
    kita.rename(kita.with_name("berlin-daycare-centers-2001-10-details.csv"))

    result = small_berlin.run()

    assert result.success
    assert failed_checks(result) == {"arrival", "rhythm"}
    assert outcomes(small_berlin, "einwohnerregister")["2014-12-31"] == "rejected"
    assert outcomes(small_berlin, "einwohnerregister")["2015-12-31"] == "rejected"
    assert outcomes(small_berlin, "einwohnerregister")["2016-12-31"] == "accepted"
    assert outcomes(small_berlin, "einwohnerregister")["2001-12-31"] == "not_delivered"
    assert outcomes(small_berlin, "mss_anteile")["2016-12-31"] == "rejected"
    text = reason(small_berlin, "mss_anteile", "rejected", "2016-12-31")
    for part in (
        "mss_anteile",
        shares.name,
        "anteil_arbeitslose",
        "100",
        "first in row 1",
        "To do",
    ):
        assert part in text
    assert "2001-10-01" in reason(small_berlin, "kita_verzeichnis", "rejected")
    # Without the classes of 2015 a 0 cannot be told from an exclusion: the shares wait.
    assert "accepted rows of feed mss_klassen" in reason(
        small_berlin, "mss_anteile", "rejected", "2014-12-31"
    )
    statuses = small_berlin.published(
        "select distinct stichtag::varchar, status from mart_bevoelkerung "
        "where raumebene = 'sozialraum' and stichtag >= '2014-01-01' order by all"
    )
    assert statuses == [
        ("2014-12-31", "nicht_geliefert"),
        ("2015-12-31", "nicht_geliefert"),
        ("2016-12-31", "ok"),
        ("2017-12-31", "nicht_geliefert"),
    ]
    missing = small_berlin.published(
        "select distinct status, wert, zaehler from mart_indikator "
        "where indikator_id in ('mss_arbeitslose', 'kita_plaetze')"
    )
    assert missing == [("nicht_geliefert", None, None)]
    totals = small_berlin.published(
        "select anzahl from mart_bevoelkerung where raumebene = 'kreis' and status = 'ok' "
        "and altersgruppe = 'insgesamt' and geschlecht = 'insgesamt'"
    )
    assert totals == [(3_670_622,)]


def test_a_missing_year_stops_nothing_and_another_one_needs_no_change(small_berlin):
    """Without the register of 2014 the shares of 2015, which rest on it, are nicht_geliefert.

    2018 is made of 2016: six more children in each area, so that it is no copy.
    """
    register = small_berlin.settings.data / "register"
    (register / "EWR201412E_Matrix.csv").unlink()
    lines = (register / "EWR201612E_Matrix.csv").read_text().splitlines()
    header = lines[0].split(";")
    born = {"E_E": 6, "E_EM": 3, "E_EW": 3, "E_E00_01": 6, "E_EU1": 6}
    rows = [line.split(";") for line in lines[1:]]
    for row in rows:
        row[0] = "201812"
        for name, number in born.items():
            row[header.index(name)] = str(int(row[header.index(name)]) + number)
    text = "\n".join(";".join(row) for row in [header, *rows])
    (register / "EWR201812E_Matrix.csv").write_text(text + "\n")
    assert small_berlin.run().success

    assert small_berlin.published(
        "select anzahl from mart_bevoelkerung where raumebene = 'kreis' "
        "and altersgruppe = 'insgesamt' and geschlecht = 'insgesamt' and stichtag = '2018-12-31'"
    ) == [(3_670_622 + 6 * 447,)]
    assert small_berlin.published(
        "select count(*) from mart_indikator where stichtag = '2018-12-31' "
        "and raumebene = 'kreis' and indikator_id = 'anteil_unter_18' and status = 'ok'"
    ) == [(1,)]
    assert small_berlin.published(
        "select distinct stichtag::varchar, status from mart_indikator where raumebene = 'kreis' "
        "and indikator_id = 'mss_arbeitslose' order by all"
    ) == [("2014-12-31", "nicht_geliefert"), ("2016-12-31", "ok")]


def test_another_home_gives_the_same_content(small_edition, tmp_path):
    settings = small_edition.settings
    fresh = Warehouse(replace(settings, home=tmp_path / "home"))
    assert fresh.run().success
    first, elsewhere = (
        json.loads((home / "current/manifest.json").read_text())
        for home in (settings.published, fresh.settings.published)
    )
    assert elsewhere["edition_id"] != first["edition_id"]
    assert elsewhere["content_hash"] == first["content_hash"]


def test_table_of_another_year_is_caught_at_the_plausibility_gate(small_edition, edit):
    """A Bezirksregion table made from another year's inhabitants and shares."""
    before = small_edition.current()
    data = small_edition.settings.data
    table = data / f"mss/{MSS}-2015-00-2-2-district-regions.csv"
    register = data / "register/EWR201612E_Matrix.csv"
    shares = data / f"mss/{MSS}-2017-00-2-1-planning-areas.csv"
    header = table.read_text().splitlines()[0]
    columns = header.split(",")[2:]
    means = ", ".join(f"round(sum({c} * inhabitants) / sum(inhabitants), 5)" for c in columns)
    rows = duckdb.sql(
        f"select left(id, 6), sum(E_E), {means} "
        f"from read_csv('{shares}', types = {{'id': 'varchar'}}) join "
        f"read_csv('{register}', delim = ';', types = {{'RAUMID': 'varchar'}}) on RAUMID = id "
        "group by 1 order by 1"
    ).fetchall()
    lines = [",".join(str(value) for value in row) for row in rows]
    table.write_text("\n".join([header, *lines]) + "\n")

    result = small_edition.run()

    assert not result.success
    assert "plausibility" in failed_checks(result)
    assert outcomes(small_edition, "mss_bezirksregionen")["2014-12-31"] == "accepted"
    assert small_edition.current() == before


def test_gates_hold_when_the_publishing_asset_runs_alone(small_edition):
    """After a failed plausibility check, a failed dbt test, and a backfill in parts."""
    before = small_edition.current()
    original = Folders(small_edition.settings.landing).accepted("einwohnerregister")
    kept = small_edition.settings.home / "kept"
    shutil.copytree(original, kept)

    # A failed plausibility check: a band no longer adds up, by a value that must not be shown.
    broken = "select * replace (case when row_number = 7 then -918273645 else alter_18_20 end "
    broken += "as alter_18_20) from landed"
    tamper(small_edition, "einwohnerregister", "2016-12-31", broken)
    result = small_edition.run()
    assert not result.success
    assert "plausibility" in failed_checks(result)
    assert "were not made from each other" in failure(small_edition.run([EDITION]))
    assert small_edition.current() == before
    assert find_in(searched(small_edition), [b"918273645"]) == []

    # Nor do such counts make a release, where no gate stands before it.
    core = steps(small_edition, CORE_STEP)
    made = small_edition.run(core).get_asset_materialization_events()
    assert {event.asset_key for event in made} == set(core)
    released = small_edition.run([*map(released_key, RELEASED_TABLES), NOTES])
    assert "do not add up" in failure(released)
    assert find_in(searched(small_edition), [b"918273645"]) == []

    # A backfill in parts of what is implausible beside the counts: every asset is made.
    shutil.rmtree(original)
    shutil.copytree(kept, original)
    coarse = "select * replace (grob_00_00 + 1 as grob_00_00) from landed"
    tamper(small_edition, "einwohnerregister", "2016-12-31", coarse)
    parts = [
        steps(small_edition, CORE_STEP),
        [*map(released_key, RELEASED_TABLES), NOTES],
        steps(small_edition, MART_STEP),
        [DRAFT],
    ]
    for part in parts:
        made = small_edition.run(part).get_asset_materialization_events()
        assert {event.asset_key for event in made} == set(part)
    result = small_edition.run([EDITION])
    assert "plausibility gate, repeated before publishing" in failure(result)
    assert small_edition.current() == before

    # A failed dbt test: the grain is broken, so the core build is not green.
    shutil.rmtree(original)
    shutil.copytree(kept, original)
    doubled = "select * from landed union all select * from landed where row_number = 7"
    tamper(small_edition, "einwohnerregister", "2016-12-31", doubled)
    assert not small_edition.run().success
    assert not small_edition.settings.core_token.exists()
    assert "the last core build was not green" in failure(small_edition.run([EDITION]))
    assert small_edition.current() == before

    # And with the good delivery back, all goes on.
    shutil.rmtree(original)
    shutil.copytree(kept, original)
    assert small_edition.run().success
    latest = small_edition.current()
    assert latest != before

    # A new release without new marts: the draft would show what the old release allowed.
    small_edition.run([*map(released_key, RELEASED_TABLES), NOTES])
    small_edition.run([DRAFT])
    assert "were not made from each other" in failure(small_edition.run([EDITION]))
    assert small_edition.current() == latest


def test_a_ledger_that_does_not_balance_leaves_the_core_untouched(small_edition, monkeypatch):
    """A row that is neither accepted nor quarantined: nothing after landing is made."""
    settings = small_edition.settings
    before = small_edition.current()
    core, token = settings.warehouse.read_bytes(), settings.core_token.read_bytes()

    def losing_a_row(feed, *arguments, **named):
        outcomes = land_feed(feed, *arguments, **named)
        if feed.feed != "einwohnerregister":
            return outcomes
        counts = {"rows_read": 448, "rows_accepted": 446, "rows_quarantined": 1}
        return [replace(outcomes[0], **counts), *outcomes[1:]]

    monkeypatch.setattr("orchestration.landing.land_feed", losing_a_row)
    result = small_edition.run()

    assert not result.success
    assert "ledger_balances" in failed_checks(result)
    made = {event.asset_key for event in result.get_asset_materialization_events()}
    assert feed_key("einwohnerregister") in made
    assert not made & {*steps(small_edition, LAYERS), DRAFT, EDITION}
    assert settings.warehouse.read_bytes() == core
    assert settings.core_token.read_bytes() == token
    assert small_edition.current() == before


def test_missing_geometry_is_rejected_and_the_old_one_stays(small_edition):
    path = small_edition.settings.data / "lor/berlin-lor-planning-areas-until-2020.geojson"
    collection = json.loads(path.read_text())
    collection["features"][5]["geometry"] = None
    path.write_text(json.dumps(collection))

    result = small_edition.run()

    assert result.success
    assert failed_checks(result) == {"arrival", "rhythm"}
    assert "geometrie: missing" in reason(small_edition, "lor_planungsraeume", "rejected")
    assert small_edition.published(
        "select count(*) from dim_raum where raumebene = 'sozialraum'"
    ) == [(448,)]


def test_area_that_the_table_lacks_is_caught(small_berlin, edit):
    """An area that does not exist is named on arrival; one that is missing, by plausibility."""
    path = small_berlin.settings.data / "register/EWR201612E_Matrix.csv"
    edit(path, lambda s: s.replace("201612;01011101", "201612;99999999", 1))
    prepared = small_berlin.run([feed_key("lor_planungsraeume"), feed_key("einwohnerregister")])
    assert failed_checks(prepared) == {"arrival", "rhythm"}
    assert "no such area" in reason(small_berlin, "einwohnerregister", "rejected")

    edit(path, lambda s: "".join(s.splitlines(keepends=True)[:-1]))
    edit(path, lambda s: s.replace("201612;99999999", "201612;01011101", 1))
    result = small_berlin.run()
    assert outcomes(small_berlin, "einwohnerregister")["2016-12-31"] == "accepted"
    assert "plausibility" in failed_checks(result)
    assert small_berlin.current() is None


def test_small_counts_are_withheld(small_berlin, edit):
    """Berlin's publisher leaves no 1 and no 2; planted ones do not leave the sealed zone."""
    path = small_berlin.settings.data / "register/EWR201612E_Matrix.csv"
    lines = path.read_text().splitlines()
    header = lines[0].split(";")
    row = lines[1].split(";")
    # Two of the oldest become one; the total, men and women follow, and so does the coarse band.
    assert row[header.index("E_E95_110")] == "3"
    for name in ("E_E95_110", "E_E", "E_EM", "E_E80U110"):
        row[header.index(name)] = str(int(row[header.index(name)]) - 1)
    lines[1] = ";".join(row)
    path.write_text("\n".join(lines) + "\n")
    # The shares of that year rest on the unchanged register, and so stay away.
    for path in small_berlin.settings.data.glob(f"mss/{MSS}-2017-*"):
        path.unlink()

    assert small_berlin.run().success

    area = "raum_id = '01011101' and stichtag = '2016-12-31'"
    # The planted 2, and one other band from which it could be told.
    withheld = small_berlin.published(
        f"select altersgruppe, anzahl from mart_bevoelkerung where {area} and status = 'geheim'"
    )
    assert len(withheld) == 2
    assert ("95+", None) in withheld
    assert all(number is None for _, number in withheld)
    assert small_berlin.published(
        f"select anzahl from mart_bevoelkerung where {area} "
        "and altersgruppe = 'insgesamt' and geschlecht = 'insgesamt'"
    ) == [(3113,)]
    # The Bezirk is the sum of its published parts, and says how much that covers.
    assert small_berlin.published(
        "select bool_and(abdeckung < 1 and status = 'ok') from mart_bevoelkerung "
        "where raum_id = '01' and stichtag = '2016-12-31' and altersgruppe = '95+'"
    ) == [(True,)]
    # Both are among those of 80 and more, who are the total without the younger, all printed: the
    # sum of the two is told, neither of them.
    assert all(band[:2] in ("80", "85", "90", "95") for band, _ in withheld)
    assert small_berlin.published(
        f"select status, zaehler from mart_indikator where {area} and indikator_id = 'anteil_ab_80'"
    ) == [("ok", int(row[header.index("E_E80U110")]))]


def searched(warehouse) -> list[Path]:
    """All that a run leaves outside landing and the sealed database, and in the temp folder."""
    settings = warehouse.settings
    sealed_tables = {settings.warehouse, settings.areas}
    inside = [
        path
        for path in settings.home.rglob("*")
        if path.is_file()
        and not path.is_relative_to(settings.landing)
        and not path.is_relative_to(settings.home / "kept")
        and path not in sealed_tables
        and path.suffix != ".wal"
    ]
    own = settings.home.parent
    temporary = [
        path
        for path in Path(tempfile.gettempdir()).rglob("*")
        if path.is_file()
        and not path.is_relative_to(own)
        and not any(part.startswith("pytest-") for part in path.parts)
        and path.stat().st_mtime >= own.stat().st_ctime
        and path.stat().st_size < 50_000_000
    ]
    return inside + temporary


def find_in(paths: list[Path], markers: list[bytes]) -> list[str]:
    """Files that hold a marker."""
    hits = []
    for path in paths:
        try:
            content = path.read_bytes()
        except OSError:
            continue
        hits += [path.name for marker in markers if marker in content]
    return hits


def test_no_value_of_a_row_leaves_the_sealed_zone(small_berlin, capfd):
    """Markers in quarantined rows, in a value that fails a cast, and in what does not land."""
    kita = next((small_berlin.settings.data / "kita").iterdir())
    header = kita.read_text(encoding="utf-8").splitlines()[0].split(",")
    good = dict.fromkeys(header, "ZEICHEN-7391") | {
        "id": "99990001",
        "places": "7",
        "type": "Reguläre Einrichtung",
        "lat": "52.5",
        "lon": "13.4",
        "geojson_feature_id": "01100308",
    }
    bad = [
        good | {"places": "ZEICHEN-7391"},
        good | {"id": "99990002", "places": "-918273645"},
        good | {"id": "ZEICHEN-7391", "type": "ZEICHEN-7391"},
    ]
    with kita.open("a", encoding="utf-8") as file:
        file.writelines(",".join(row[name] for name in header) + "\n" for row in bad)

    assert small_berlin.run().success

    rows = ledger.read(Folders(small_berlin.settings.landing).ledger, "kita_verzeichnis")
    assert [o.rows_quarantined for o in rows if o.result == "accepted"] == [3]
    shown = capfd.readouterr()
    assert "ZEICHEN-7391" not in shown.out + shown.err
    assert "918273645" not in shown.out + shown.err
    assert find_in(searched(small_berlin), [b"ZEICHEN-7391", b"918273645"]) == []
    landed = Folders(small_berlin.settings.landing)
    inside = [*landed.accepted("kita_verzeichnis").rglob("*"), *landed.ledger.rglob("*")]
    assert find_in(inside, [b"ZEICHEN-7391", b"918273645"]) == []


def test_sealed_folders_are_for_their_owner_only(berlin):
    for name in ("inbox", "landing", "sealed", "dagster", "reports"):
        assert (berlin.settings.home / name).stat().st_mode & 0o777 == 0o700


def test_without_data_one_sentence_says_where_to_get_it(tmp_path, monkeypatch, capsys):
    from orchestration.cli import main

    monkeypatch.setenv("SOZIALRAUM_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("SOZIALRAUM_DATA", raising=False)
    assert main(["run", "--region", "berlin"]) == 2
    assert "SOZIALRAUM_DATA" in capsys.readouterr().err
    assert main(["run", "--region", "atlantis"]) == 2
    assert "known are" in capsys.readouterr().err
