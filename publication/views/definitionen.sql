CREATE VIEW definitionen AS
SELECT
    indikator_id,
    version,
    name AS indikator,
    thema,
    art,
    einheit,
    definition,
    zaehler_definition,
    nenner_definition,
    faktor,
    polaritaet,
    quelle,
    quelle_vorhanden,
    stichtag_regel,
    fruehere_versionen,
    nicht_vergleichbar_mit,
    min_nenner,
    min_zaehler,
    beschlossen_am,
    beschlossen_von
FROM dim_indikator
QUALIFY row_number() OVER (PARTITION BY indikator_id ORDER BY version DESC) = 1;

COMMENT ON VIEW definitionen IS 'Was jeder Indikator bedeutet, in der neuesten Version seiner Definition. Korn: Indikator.';
COMMENT ON COLUMN definitionen.indikator_id IS 'Schlüssel des Indikators';
COMMENT ON COLUMN definitionen.version IS 'neueste Version der Definition';
COMMENT ON COLUMN definitionen.indikator IS 'Name des Indikators';
COMMENT ON COLUMN definitionen.thema IS 'Thema';
COMMENT ON COLUMN definitionen.art IS 'anteil, verhaeltnis, anzahl, saldo, median, veraenderung oder klasse';
COMMENT ON COLUMN definitionen.einheit IS 'Einheit des Werts';
COMMENT ON COLUMN definitionen.definition IS 'Was der Indikator sagt, in einem Satz';
COMMENT ON COLUMN definitionen.zaehler_definition IS 'Was gezählt wird';
COMMENT ON COLUMN definitionen.nenner_definition IS 'Worauf es bezogen wird; leer ohne Nenner';
COMMENT ON COLUMN definitionen.faktor IS 'Faktor der Formel: wert = zaehler / nenner × faktor';
COMMENT ON COLUMN definitionen.polaritaet IS '−1: hoch ist eine Belastung; 0: weder noch; 1: hoch ist gut';
COMMENT ON COLUMN definitionen.quelle IS 'Quelle';
COMMENT ON COLUMN definitionen.quelle_vorhanden IS 'wahr, wenn ein Partner der Region liefert, was gezählt wird';
COMMENT ON COLUMN definitionen.stichtag_regel IS 'An welchem Tag gezählt wird, und zu welchem Tag die Bezugsgröße gehört';
COMMENT ON COLUMN definitionen.fruehere_versionen IS 'Was in früheren Versionen anders war; leer bei Version 1';
COMMENT ON COLUMN definitionen.nicht_vergleichbar_mit IS 'Schlüssel ähnlicher Indikatoren, die anders definiert sind';
COMMENT ON COLUMN definitionen.min_nenner IS 'kleinster Nenner, auf den ein Wert gebildet wird; leer ohne Nenner';
COMMENT ON COLUMN definitionen.min_zaehler IS 'kleinste veröffentlichte Fallzahl über null';
COMMENT ON COLUMN definitionen.beschlossen_am IS 'Tag des Beschlusses über die Definition';
COMMENT ON COLUMN definitionen.beschlossen_von IS 'Wer die Definition beschlossen hat';
