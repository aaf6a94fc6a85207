"""The catalogue: every indicator has its agreed entry, complete, and a test of what it computes."""

import re
from datetime import date
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from disclosure.policy import read_policy
from orchestration.catalogue import Entry, read_entries
from orchestration.models import dbt_vars
from orchestration.settings import PROJECT, Settings
from sources.region import REGIONS, read_region, region_names

DBT = PROJECT / "dbt_project"
INDICATORS = DBT / "models" / "indicators"
RANGE = re.compile(r"einwohner\((\d+)(?:, (\d+))?\)")
REGISTERS = ("ewo_bestand", "ewo_bestand_raum", "einwohnerregister")

# The 50 that are agreed on, in their order; some have variants.
AGREED = {
    1: ("einwohner",),
    2: ("bevoelkerungsentwicklung",),
    3: ("durchschnittsalter",),
    4: ("jugendquotient",),
    5: ("altenquotient",),
    6: ("greying_index",),
    7: ("billeter_mass",),
    8: ("anteil_unter_18",),
    9: ("anteil_ab_65",),
    10: ("anteil_ab_80",),
    11: ("auslaenderanteil",),
    12: ("migrationshintergrund", "migrationshintergrund_u18"),
    13: ("geburten_je_1000_frauen",),
    14: ("wanderungssaldo",),
    15: ("wanderungsvolumen",),
    16: ("wohndauer_ab_10",),
    17: ("familienwanderung_u6",),
    18: ("haushalte_einperson_anteil",),
    19: ("haushalte_mit_kindern_anteil",),
    20: ("alleinerziehende_anteil",),
    21: ("kinderreiche_haushalte",),
    22: ("alleinlebende_ab_65",),
    23: ("sgb2_quote",),
    24: ("elb_quote",),
    25: ("kinderarmut",),
    26: ("alleinerziehende_sgb2",),
    27: ("arbeitslosenanteil",),
    28: ("jugendarbeitslosigkeit",),
    29: ("langzeitarbeitslose_anteil",),
    30: ("beschaeftigungsquote",),
    31: ("altersarmut",),
    32: ("grundsicherung_erwerbsminderung_quote",),
    33: ("mindestsicherungsquote",),
    34: ("hze_quote", "hze_quote_mit_beratung"),
    35: ("eingliederungshilfe_quote",),
    36: ("betreuungsquote_u3",),
    37: ("betreuungsquote_ue3",),
    38: ("seu_sprache_auffaellig",),
    39: ("seu_masern",),
    40: ("seu_u8_u9", "seu_adipositas", "seu_uebergewicht"),
    41: ("uebergang_gymnasium",),
    42: ("abgaenge_ohne_abschluss",),
    43: ("pflegequote",),
    44: ("schwerbehindertenquote",),
    45: ("wahlbeteiligung",),
    46: ("wohnflaeche_je_einwohner",),
    47: ("sozialwohnungsanteil",),
    48: ("leerstandsquote",),
    49: ("eigentuemerquote",),
    50: ("genehmigte_wohnungen",),
}
CATALOGUE = {name for names in AGREED.values() for name in names}

NOBODY_DELIVERS = {
    "beschaeftigungsquote",
    "eigentuemerquote",
    "leerstandsquote",
    "seu_adipositas",
    "seu_uebergewicht",
    "wohnflaeche_je_einwohner",
}
"""Agreed on, and defined; no partner brings them yet."""


@pytest.fixture(scope="module")
def entries() -> dict[str, Entry]:
    return read_entries(DBT)


def settings_of(region: str) -> Settings:
    return Settings(Path("nowhere"), region)


def test_the_agreed_fifty_are_there(entries):
    assert list(AGREED) == list(range(1, 51))
    assert CATALOGUE - set(entries) == set()
    assert {name for name in CATALOGUE if "nrw" not in entries[name].katalog} == set()
    assert {name for name in CATALOGUE if not entries[name].feeds} == NOBODY_DELIVERS


def test_every_file_of_an_indicator_is_a_pair(entries):
    for suffix in (".sql", ".yml"):
        files = {path.stem.removeprefix("ind_") for path in INDICATORS.rglob(f"*{suffix}")}
        assert files == set(entries)


def test_every_indicator_has_a_unit_test_and_the_description_that_it_publishes(entries):
    for path in INDICATORS.rglob("ind_*.yml"):
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        (model,) = content["models"]
        assert model["name"] == path.stem
        assert {test["model"] for test in content.get("unit_tests", [])} == {path.stem}, path.stem
        for test in content["unit_tests"]:
            assert test["expect"]["rows"], path.stem
        definition = entries[path.stem.removeprefix("ind_")].definition
        assert " ".join(model["description"].split()).startswith(definition), path.stem


def test_an_overridden_entry_is_the_agreed_one(entries):
    """A unit test shows no graph: what it repeats of the entry must be what the entry says."""
    for path in INDICATORS.rglob("ind_*.yml"):
        entry = entries[path.stem.removeprefix("ind_")]
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        needs = entry.nenner_stichtag != "gleich"
        for test in content["unit_tests"]:
            told = test.get("overrides", {}).get("macros", {}).get("indikator_entry")
            assert (told is not None) or not needs, path.stem
            for field, value in (told or {}).items():
                assert getattr(entry, field) == value, (path.stem, field)


def test_entries_name_indicators_feeds_and_themes_that_exist(entries):
    regions = [read_region(name) for name in region_names()]
    feeds = {feed.feed for region in regions for feed in region.feeds}
    kommunen = {kommune.kommune_id for region in regions for kommune in region.kommunen}
    catalogues = {region.katalog for region in regions}
    for indikator_id, entry in entries.items():
        strangers = set(entry.nicht_vergleichbar_mit) - (set(entries) - {indikator_id})
        assert not strangers, (indikator_id, strangers)
        assert set(entry.feeds) <= feeds, indikator_id
        assert set(entry.katalog) <= catalogues, indikator_id
        assert entry.geltungsbereich in {"kreis", *kommunen}, indikator_id


@pytest.mark.parametrize("region", region_names())
def test_every_theme_of_the_region_has_its_thresholds(entries, region):
    policy = read_policy(REGIONS / region / "privacy.yaml")
    here = dbt_vars(settings_of(region))["indikatoren"]
    known = {threshold.thema for threshold in policy.thresholds}
    assert {entries[name].thema for name in here} <= known


def test_a_catalogue_is_in_its_region_whoever_delivers(entries):
    for region in region_names():
        here = set(dbt_vars(settings_of(region))["indikatoren"])
        katalog = read_region(region).katalog
        assert {name for name, entry in entries.items() if katalog in entry.katalog} <= here


def test_definitions_of_a_history_of_migration_are_not_compared(entries):
    """Register, BA, schools and health office mean different things by the word."""
    words = ("migrationshintergrund", "zuwanderungsgeschichte", "einwanderungsgeschichte")
    alike = {name for name, entry in entries.items() if any(w in name for w in words)}
    by_source = {}
    for name in alike:
        by_source.setdefault(entries[name].feeds, set()).add(name)
    for feeds, names in by_source.items():
        others = alike - names
        for name in names:
            assert others <= set(entries[name].nicht_vergleichbar_mit), (feeds, name)


def test_sql_names_counts_that_are_counted(entries):
    """A count that no feed brings is named only where nobody delivers."""
    counted = {
        line.split(",")[0]
        for line in (DBT / "seeds" / "merkmale.csv").read_text(encoding="utf-8").splitlines()[1:]
    }
    for path in INDICATORS.rglob("ind_*.sql"):
        sql = path.read_text(encoding="utf-8")
        unknown = set(re.findall(r"\b(?:fallzahl|lieferwert)\('(\w+)'", sql)) - counted
        assert not unknown or not entries[path.stem.removeprefix("ind_")].feeds, (path, unknown)


GOOD = {
    "version": 1,
    "name": "Muster",
    "thema": "bevoelkerung",
    "art": "anteil",
    "definition": "Wie viele von hundert etwas sind.",
    "zaehler_definition": "was etwas ist",
    "nenner_definition": "alle",
    "einheit": "%",
    "faktor": 100,
    "polaritaet": 0,
    "quelle": "Melderegister",
    "feeds": ["ewo_bestand"],
    "stichtag_regel": "31. Dezember",
    "sensitivitaet": "statistik",
    "gueltig_ab": date(2010, 1, 1),
    "gueltig_bis": None,
    "nicht_vergleichbar_mit": [],
    "geltungsbereich": "kreis",
    "mengen": ["sozialbericht"],
    "katalog": ["nrw"],
    "beschlossen_am": date(2026, 11, 22),
    "beschlossen_von": "Regelwerk",
}


@pytest.mark.parametrize(
    "change",
    [
        {"unbekannt": 1},
        {"definition": "Anteil von etwas"},
        {"art": "mittelwert"},
        {"mengen": ["irgendein_bericht"]},
        {"polaritaet": 2},
        {"geltungsbereich": "stadt"},
        {"nenner_definition": None},
        {"art": "anzahl"},
        {"feeds": [], "katalog": []},
        {"version": 2},
        {"versionen": [{"version": 1, "bis": "2026-01-01", "text": "anders"}]},
    ],
    ids=",".join,
)
def test_an_entry_that_says_too_little_or_too_much_is_refused(change):
    assert Entry.model_validate(GOOD)
    with pytest.raises(ValidationError):
        Entry.model_validate({**GOOD, **change})


@pytest.mark.parametrize(
    "field", [name for name, field in Entry.model_fields.items() if field.is_required()]
)
def test_every_field_has_to_be_there(field):
    with pytest.raises(ValidationError):
        Entry.model_validate({name: value for name, value in GOOD.items() if name != field})


def test_an_indicator_without_an_entry_is_named(tmp_path):
    folder = tmp_path / "models" / "indicators" / "thema"
    folder.mkdir(parents=True)
    (folder / "ind_muster.sql").write_text("{{ indikator(einwohner()) }}\n")
    with pytest.raises(ValueError, match=r"ind_muster\.sql: no agreed entry"):
        read_entries(tmp_path)


def test_a_fault_in_an_entry_is_told_by_file_and_field(tmp_path):
    folder = tmp_path / "models" / "indicators" / "thema"
    folder.mkdir(parents=True)
    (folder / "ind_muster.sql").write_text("{{ indikator(einwohner()) }}\n")
    entry = {name: value for name, value in GOOD.items() if name != "stichtag_regel"}
    models = [{"name": "ind_muster", "config": {"meta": {"indikator": entry}}}]
    (folder / "ind_muster.yml").write_text(yaml.safe_dump({"models": models}))
    with pytest.raises(ValueError, match=r"ind_muster\.yml: stichtag_regel"):
        read_entries(tmp_path)


AVERAGE = re.compile(r"\b(?:avg|mean|median|quantile\w*|percentile\w*)\s*\(", re.I)
STANDARDISED = re.compile(r"- avg\((?:[^()]|\([^()]*\))*\) over peers\b")
"""What averages on purpose: a z-value, of a window that is named for it."""
RATE = re.compile(r"\bsum\s*\(\s*(\w+\.)?(wert|anteil|quote|rate)\b", re.I)


def test_no_rate_is_averaged():
    """A rate rolls up over its numerator and denominator, in every model and macro."""
    found = {}
    for path in sorted([*DBT.glob("macros/*.sql"), *DBT.glob("models/**/*.sql")]):
        if hits := averages(path.read_text(encoding="utf-8")):
            found[path.name] = hits
    assert found == {}


def averages(sql: str) -> list[str]:
    code = re.sub(r"\{#.*?#\}|--[^\n]*", "", sql, flags=re.S)
    code = STANDARDISED.sub("", code)
    return [hit.group() for search in (AVERAGE, RATE) for hit in search.finditer(code)]


@pytest.mark.parametrize(
    "line", ["avg(wert)", "sum(parts.wert)", "AVG (x)", "median(quote)", "avg(wert) over peers"]
)
def test_the_search_finds_what_it_looks_for(line):
    assert averages(f"select {line} from t")


def test_the_search_knows_a_z_value():
    assert not averages("(wert - avg(wert) over peers) / stddev_pop(wert) over peers -- avg(wert)")


def test_ranges_of_age_end_where_bands_end():
    """A band that lies in a range only in part would be left out without a word."""
    bands = {name: (von, bis) for name, von, bis in _rows("altersgruppen")}
    crossings = _rows("kreuzungen")
    for path in INDICATORS.rglob("ind_*.sql"):
        for von, bis in RANGE.findall(path.read_text("utf-8")):
            assert _ends(bands, crossings, int(von), int(bis or 999)) == [], path.name


def test_a_range_that_cuts_a_band_is_found():
    bands = {name: (von, bis) for name, von, bis in _rows("altersgruppen")}
    assert ("ewo_bestand", "06-09") in _ends(bands, _rows("kreuzungen"), 3, 6)


def _rows(seed: str) -> list[tuple]:
    import duckdb

    return duckdb.sql(f"from read_csv('{DBT / 'seeds' / seed}.csv', header = true)").fetchall()


def _ends(bands: dict, crossings: list[tuple], von: int, bis: int) -> list[tuple[str, str]]:
    """Bands of the counties' registers that lie in a range of ages in part."""
    return [
        (feed, band)
        for feed, _, band, sex, nationality in crossings
        if feed in REGISTERS and (sex, nationality) == ("insgesamt",) * 2 and band != "insgesamt"
        for first, last in [(bands[band][0], 999 if bands[band][1] is None else bands[band][1])]
        if first <= bis and last >= von and not (von <= first and last <= bis)
    ]
