"""German words of the profiles: statuses, directions, themes, age bands.

Shared by writer and audit. Not here: sentences of a part, which stand with the part.
"""

from publication.legends import OTHER, SECRET

STATUS = {
    "geheim": SECRET,
    "zu_klein": "zu klein",
    "nicht_geliefert": "nicht geliefert",
    "nicht_freigegeben": "nicht freigegeben",
    "nicht_vergleichbar": "nicht vergleichbar",
    "nicht_zutreffend": "nicht zutreffend",
    None: OTHER,
}
"""What stands where a value would, by status; None: there is no row."""

THEMES = {
    "bevoelkerung": "Bevölkerung",
    "arbeit": "Arbeit und Grundsicherung",
    "soziales": "Soziales",
    "soziale_lage": "Soziale Lage",
    "jugend": "Kinder, Jugend, Familie",
    "kinderbetreuung": "Kinderbetreuung",
    "bildung": "Bildung",
    "gesundheit": "Gesundheit",
    "pflege": "Pflege",
    "behinderung": "Behinderung",
    "wohnen": "Wohnen",
    "wahlen": "Wahlen",
}
"""Themes in their order; others follow, spelled as they are."""

STATEMENTS = {
    "kommune": "Stellungnahme der Kommune",
    "traeger": "Stellungnahme der Träger",
    "empfehlung": "Empfohlenes Handeln",
}

TRENDS = {"steigend": "steigend", "fallend": "fallend", "stabil": "stabil"}

NOTES = {
    "besonderer_ort": "Besonderer Ort",
    "fussnote": "Fußnote",
    "systemwechsel": "Systemwechsel",
    "definition": "Definition",
    "lieferung": "Lieferung",
    "lesehilfe": "Lesehilfe",
}

CHANCE_SHARE = "95 %"
"""The one number that a template may print of its own: the width of chance intervals."""


def status(value: str | None) -> str:
    """Return what stands where a value would; an unknown status reads as it is spelled."""
    return STATUS.get(value, spelled(value or OTHER))


def theme(key: str) -> str:
    """Return the German name of a theme."""
    return THEMES.get(key, spelled(key))


def theme_order(key: str) -> tuple[int, str]:
    """Return by what themes are ordered."""
    known = list(THEMES)
    return (known.index(key) if key in THEMES else len(known), key)


def spelled(key: str) -> str:
    """Return a key as words: `erste_hilfe` is `Erste hilfe`."""
    text = key.replace("_", " ")
    return text[:1].upper() + text[1:]


def paragraphs(text: str) -> list[str]:
    """Return the paragraphs of a statement: its lines, without the empty ones."""
    return [" ".join(line.split()) for line in text.splitlines() if line.strip()]


def class_word(key: str) -> str:
    """Return a class of words as it is printed: `sehr_hoch` is `sehr hoch`."""
    return key.replace("_", " ")


def age(band: str) -> str:
    """Return an age band in words: `00-02` is `0 bis 2`, `80+` is `80 und älter`."""
    if band.endswith("+"):
        return f"{int(band[:-1])} und älter"
    low, _, high = band.partition("-")
    if not (low.isdigit() and high.isdigit()):
        return spelled(band)
    return f"{int(low)} bis {int(high)}" if int(low) != int(high) else f"{int(low)}"


def direction(striking: str | None, meaning: str | None, strength: str | None) -> str | None:
    """Return how an area compares with its Kreis, in words; None if nothing was tested.

    Args:
        striking: `auffaellig` of mart_indikator.
        meaning: its `richtung`.
        strength: its `aussagekraft`.
    """
    if striking is None:
        return None
    words = {"ueber": "höher", "unter": "niedriger"}.get(striking, "im Rahmen des Zufalls")
    if striking in ("ueber", "unter") and meaning in ("unguenstiger", "guenstiger"):
        words += ", " + {"unguenstiger": "ungünstiger", "guenstiger": "günstiger"}[meaning]
    return f"{words} (geringe Aussagekraft)" if strength == "gering" else words
