"""The ledger of releases: what left is known, unchanged days stand, corrections tell nothing."""

from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from test_counts import AREAS, LARGE, TODAY, case, cases_of, close, facts, policy

from disclosure.engine import protect_release
from disclosure.ledger import (
    MUNICIPAL,
    NOTE,
    LedgerError,
    known_of,
    read_ledger,
    record,
    strike,
    tells_the_same,
)
from disclosure.star import day_releases, themes_of
from disclosure.star.store import read_evidence, read_patterns, write_releases
from expectations.checks.withstands_attack import REPORT, faults_of
from orchestration import release as release_step
from orchestration.drafts import record_draft
from orchestration.ledger import (
    AUDIENCE,
    Past,
    churn_of,
    editions_of,
    past_of,
    recorded,
    require_decided,
)
from orchestration.settings import Settings

DAY = "2019-12-31 g"
# K1-1 was published with 5 and is corrected to 1; so the totals change by 4.
BEFORE = {**LARGE, "K1-1": 5, "K2-1": 1}
CORRECTED = {**BEFORE, "K1-1": 1}


CLASS = {"index_id": "i", "raum_id": "K1-1", "gebietsstand": "g", "stichtag": TODAY}
CLASSES = pa.Table.from_pylist(
    [
        {**CLASS, "klasse": "hoch", "status": "ok"},
        {**CLASS, "raum_id": "K1-2", "klasse": None, "status": "geheim"},
    ]
)


class Home:
    """A folder with releases and a ledger; editions are made from cases."""

    def __init__(self, folder: Path):
        self.releases, self.ledger = folder / "release", folder / "ledger"
        self.rules = policy()

    def release(self, rows: list[dict], rules) -> None:
        """Protect and store, as the release step does."""
        past = Past(read_ledger(self.ledger), rules)
        given = facts(rows)
        require_decided(past.entries, rules, themes_of(given))
        days = day_releases(given, rules, TODAY)
        made = [(day, *release_step.protect_day(day, past)) for day in days]
        write_releases(self.releases, made)
        self.rules = rules

    def publish(self, edition: str, rows: list[dict], rules=None) -> None:
        """Release, and record what leaves."""
        rules = rules or policy()
        self.release(rows, rules)
        record(self.ledger, self.releases, edition, rules, audience=AUDIENCE)

    @property
    def note(self) -> dict:
        return read_evidence(self.releases, DAY)[NOTE]

    @property
    def withheld(self) -> set[str]:
        pattern = read_patterns(self.releases)[DAY]
        return set(pattern.filter(pc.equal(pattern["suppressed"], 1))["raum"].to_pylist())

    def faults(self) -> int:
        """What the auditor finds who knows all editions, by the policy of the last release."""
        return faults_of(self.releases, self.ledger, self.rules, 600)


@pytest.fixture
def home(tmp_path) -> Home:
    return Home(tmp_path)


def test_what_left_is_recorded_and_what_was_withheld_is_not(home):
    home.publish("e1", cases_of(BEFORE))
    (entry,) = read_ledger(home.ledger)
    told = {row["raum"]: row["n"] for row in entry.told(DAY).to_pylist()}
    assert told["K1-1"] == 5 and told["Total"] == 171
    assert "K2-1" in home.withheld and not home.withheld & set(told)
    assert entry.policy["thresholds"][0]["max_sensitive"] == 2
    assert home.ledger.stat().st_mode & 0o077 == 0


def test_an_unchanged_day_keeps_its_pattern_without_being_protected_anew(home, monkeypatch):
    home.publish("e1", cases_of(BEFORE))
    first = read_patterns(home.releases)[DAY]
    monkeypatch.setattr("disclosure.engine.protect_release", None)
    home.publish("e2", cases_of(BEFORE))
    home.publish("e3", cases_of(BEFORE))
    assert read_patterns(home.releases)[DAY].equals(first)
    assert home.faults() == 0
    _, entry = read_ledger(home.ledger)[1:]
    assert known_of(read_ledger(home.ledger), facts_release(BEFORE)).hashes == (
        entry.days[DAY].counts,
    )


def facts_release(numbers: dict):
    (day,) = day_releases(facts(cases_of(numbers)), policy(), TODAY)
    return day.release


def test_a_draft_binds_the_edition_that_publishes_its_areas_and_none_before(home):
    own = set(AREAS["K1"][:3])
    waiting = close(cases_of(CORRECTED), *own)
    home.publish("e1", waiting)
    home.release(cases_of(CORRECTED), policy())
    record(home.ledger, home.releases, "e1-entwurf", policy(), audience=[MUNICIPAL])
    hidden = home.withheld
    assert not own <= hidden
    home.release(waiting, policy())
    assert own <= home.withheld
    assert home.note["told before and sensitive now"] == []
    assert home.faults() == 0
    home.publish("e2", cases_of(CORRECTED))
    assert home.withheld <= hidden
    assert home.faults() == 0


def test_two_editions_with_a_correction_tell_nothing_withheld(home):
    home.publish("e1", cases_of(BEFORE))
    home.publish("e2", cases_of(CORRECTED))
    assert {"K1-1", "K2-1"} <= home.withheld
    assert home.faults() == 0
    assert home.note["told before and sensitive now"] == [
        {"raum": "K1-1", "edition": "e1", "corrected": True}
    ]


def test_a_second_edition_that_forgets_the_first_is_refused(home):
    home.publish("e1", cases_of(BEFORE))
    days = day_releases(facts(cases_of(CORRECTED)), policy(), TODAY)
    forgetful = [(day, protect_release(day.release)) for day in days]
    write_releases(home.releases, [(day, made.pattern, made.evidence) for day, made in forgetful])
    assert faults_of(home.releases, home.ledger.parent / "none", policy(), 600) == 0
    assert home.faults() > 0
    assert "K1-1" in (home.releases / REPORT).read_text()


def test_what_was_told_before_and_is_sensitive_under_a_stricter_policy_is_named(home):
    home.publish("e1", cases_of({**LARGE, "K1-1": 4}))
    home.publish("e2", cases_of({**LARGE, "K1-1": 4}), policy(5))
    assert {"raum": "K1-1", "edition": "e1", "corrected": False} in home.note[
        "told before and sensitive now"
    ]
    assert "K1-1" in home.withheld
    assert home.faults() == 0  # nothing can make it secret again, and the evidence says so
    unsatisfiable = read_evidence(home.releases, DAY)["unsatisfiable"]
    assert "K1-1" in {cell["raum"] for cell in unsatisfiable}


def test_little_changes_from_one_edition_to_the_next_and_it_is_counted(home):
    home.publish("e1", cases_of(BEFORE))
    before = home.withheld
    home.publish("e2", cases_of({**BEFORE, "K2-3": 61}))
    assert home.note["compared with"] == "edition e1"
    assert home.note["newly_withheld"] == len(home.withheld - before)
    assert home.note["newly_shown"] == len(before - home.withheld)
    changes = churn_of([home.note])
    assert changes["newly_shown_since_edition"] == home.note["newly_shown"]
    assert changes["newly_withheld_since_stichtag"] == 0


def test_a_new_stichtag_is_compared_with_the_one_before(home):
    later = [{**row, "stichtag": date(2020, 3, 31)} for row in cases_of(BEFORE)]
    home.publish("e1", cases_of(BEFORE) + later)
    note = read_evidence(home.releases, "2020-03-31 g")[NOTE]
    assert note["compared with"] == "stichtag 2019-12-31"
    assert (note["newly_withheld"], note["newly_shown"]) == (0, 0)


def test_counts_that_are_no_cells_any_more_are_left_out_and_counted(home):
    rows = cases_of(BEFORE)
    home.publish("e1", rows + [case(area, 20, "gestrichen") for area in BEFORE])
    home.publish("e2", rows)
    assert home.note["known counts that are no cells any more"] > 0
    assert home.faults() == 0


def test_a_looser_policy_needs_a_decision_before_anything_is_released(home):
    home.publish("e1", cases_of(BEFORE), policy(4))
    stored = read_patterns(home.releases)[DAY]
    with pytest.raises(LedgerError, match=r"edition e1 .*thresholds\.soziales\.max_sensitive"):
        home.release(cases_of(BEFORE), policy(2))
    assert read_patterns(home.releases)[DAY].equals(stored)
    decisions = [
        {
            "regel": f"thresholds.{thema}.max_sensitive",
            "von": 4,
            "auf": 2,
            "grund": "g",
            "beschlossen_von": "b",
            "beschlossen_am": date(2020, 1, 1),
        }
        for thema in ("soziales", "bevoelkerung")
    ]
    home.publish("e2", cases_of(BEFORE), policy(2, lockerungen=decisions))
    home.publish("e3", cases_of(BEFORE), policy(2))  # what was decided need not stay for ever


def test_counts_that_move_to_a_looser_theme_need_a_decision(home):
    """The policy is the same; the feed's theme is another one, and then the first one is gone."""
    home.publish("e1", cases_of(BEFORE))
    moved = cases_of(BEFORE, thema="angebote")
    with pytest.raises(LedgerError, match=r"thresholds\.angebote\.max_sensitive from 2 to 0"):
        home.release(moved, policy())
    home.publish("e2", cases_of(BEFORE, "andere"))
    with pytest.raises(LedgerError, match=r"thresholds\.angebote\.max_sensitive from 2 to 0"):
        home.release(moved, policy())
    decision = {
        "regel": "thresholds.angebote.max_sensitive",
        "von": 2,
        "auf": 0,
        "grund": "g",
        "beschlossen_von": "b",
        "beschlossen_am": date(2020, 1, 1),
    }
    home.publish("e3", moved + cases_of(BEFORE, "andere"), policy(lockerungen=[decision]))
    home.publish("e4", moved + cases_of(BEFORE, "andere"))


def test_an_entry_is_whole_and_is_never_changed(home):
    home.publish("e1", cases_of(BEFORE))
    with pytest.raises(LedgerError, match="entry e1"):
        record(home.ledger, home.releases, "e1", policy(), audience=AUDIENCE)
    with pytest.raises(LedgerError, match="release the counts again"):
        record(home.ledger, home.releases, "e2", policy(3), audience=AUDIENCE)
    assert [entry.edition for entry in read_ledger(home.ledger)] == ["e1"]


@pytest.mark.parametrize(
    "lost", ["entry.json", "counts/2019-12-31_g.parquet", "release/pattern.parquet"]
)
def test_an_entry_that_is_not_whole_is_named_on_the_command_line(home, tmp_path, capsys, lost):
    from orchestration.cli import main

    home.publish("e1", cases_of(BEFORE))
    (home.ledger / "e1" / lost).unlink()
    with pytest.raises(LedgerError, match=f"entry e1 has no {lost}"):
        read_ledger(home.ledger)
    settings = Settings(home=tmp_path / "home", region="aachen")
    settings.sealed.mkdir(parents=True)
    home.ledger.rename(settings.release_ledger)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOZIALRAUM_HOME", str(settings.home))
        assert main(["audit", "e1", "--region", "aachen"]) == 2
    assert f"sozialraum: ledger of releases: entry e1 has no {lost}" in capsys.readouterr().err


def test_an_entry_is_known_again_by_what_it_told(home):
    home.publish("e1", cases_of(BEFORE))
    (entry,) = read_ledger(home.ledger)
    home.release(cases_of(BEFORE), policy())
    assert tells_the_same(entry, home.releases)
    home.release(cases_of(CORRECTED), policy())
    assert not tells_the_same(entry, home.releases)


def test_a_draft_is_recorded_once_and_again_only_if_it_tells_the_same(home, tmp_path, monkeypatch):
    settings = Settings(home=tmp_path, region="musterkreis")
    monkeypatch.setattr(Settings, "release_ledger", home.ledger)
    monkeypatch.setattr("orchestration.drafts.read_policy", lambda _: policy())
    home.publish("e1", cases_of(BEFORE))
    for _ in range(2):  # as after an attempt that died before its files were in their place
        record_draft(settings, home.releases, "e1")
    entries = read_ledger(home.ledger)
    assert [(entry.edition, entry.is_draft) for entry in entries] == [
        ("e1", False),
        ("e1-entwurf", True),
    ]
    home.release(cases_of(CORRECTED), policy())
    with pytest.raises(LedgerError, match=r"knows e1-entwurf, expected the same counts.*restore"):
        record_draft(settings, home.releases, "e1")


def test_an_edition_that_did_not_leave_is_struck_out(home):
    home.publish("e1", cases_of(BEFORE))
    strike(home.ledger, "e1")
    assert read_ledger(home.ledger) == []


def test_an_edition_leaves_recorded_or_not_at_all(home, tmp_path, monkeypatch):
    home.release(cases_of(BEFORE), policy())
    settings = Settings(home=tmp_path, region="musterkreis")
    monkeypatch.setattr(Settings, "release", home.releases)
    monkeypatch.setattr(Settings, "release_ledger", home.ledger)
    settings.released.mkdir(parents=True)
    pq.write_table(CLASSES, settings.released / "indexklasse.parquet")
    with (
        pytest.raises(OSError, match="full"),
        recorded(settings, policy(), "musterkreis-1", "hash"),
    ):
        assert [entry.edition for entry in read_ledger(home.ledger)] == ["musterkreis-1"]
        raise OSError("the disk is full")
    assert read_ledger(home.ledger) == []
    (settings.published / "musterkreis-1").mkdir(parents=True)
    with pytest.raises(LedgerError, match=r"holds musterkreis-1, .* 1 edition\(s\)"):
        past_of(settings, policy(), {})
    (settings.published / "musterkreis-nord-1").mkdir()  # another region's, which has a ledger too
    with (
        pytest.raises(OSError, match="after the switch"),
        recorded(settings, policy(), "musterkreis-1", "hash"),
    ):
        raise OSError("after the switch: what lies there has left")
    (entry,) = past_of(settings, policy(), {}).entries
    assert entry.facts["content_hash"] == "hash" and editions_of([entry]) == [entry]
    assert entry.classes.to_pylist() == [{**CLASS, "klasse": "hoch"}]


def test_the_counts_behind_an_edition_are_at_hand_where_they_were_others(home):
    # K1-1 fell from 5 to 1; what is withheld is named as well, and what stayed is not.
    home.publish("e1", cases_of({**BEFORE, "K2-1": 2}))
    known = known_of(read_ledger(home.ledger), facts_release(CORRECTED))
    assert known.old.to_pylist() == [
        {"raum": "K1-1", "n": 5, "edition": "e1"},
        {"raum": "K2-1", "n": 2, "edition": "e1"},
    ]
    assert not len(known_of(read_ledger(home.ledger), facts_release({**BEFORE, "K2-1": 2})).old)


def test_an_edition_that_told_the_same_of_other_counts_counts_for_itself(home):
    # Two withheld counts change places: nothing that is told changes, but what is behind it does.
    first, second = ({**LARGE, "K1-1": a, "K1-2": 3 - a, "K2-1": 1} for a in (1, 2))
    home.publish("e1", cases_of(first))
    home.publish("e2", cases_of(second))
    one, two = read_ledger(home.ledger)
    assert one.told(DAY).equals(two.told(DAY))
    (day,) = day_releases(facts(cases_of(first)), policy(), TODAY)
    past = Past(read_ledger(home.ledger), policy())
    assert past.known(day).hashes == (one.days[DAY].counts, two.days[DAY].counts)
    # The pattern of e1 was made before e2 left, and does not stand for that.
    assert past.standing(day) is None
    home.publish("e3", cases_of(first))
    assert home.faults() == 0
    assert Past(read_ledger(home.ledger), policy()).standing(day) is not None
