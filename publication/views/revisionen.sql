CREATE VIEW revisionen AS
SELECT
    revision.raum_id,
    raum.raum_name AS raum,
    revision.raumebene,
    revision.gebietsstand,
    revision.stichtag,
    revision.indikator_id,
    eintrag.name AS indikator,
    revision.version,
    revision.edition_alt AS ausgabe_alt,
    revision.wert_alt,
    revision.wert_neu,
    revision.zaehler_alt,
    revision.zaehler_neu,
    revision.nenner_alt,
    revision.nenner_neu,
    revision.status_alt,
    revision.status_neu,
    revision.lieferung
FROM mart_revision AS revision
LEFT JOIN dim_raum AS raum
    ON raum.raum_id = revision.raum_id AND raum.gebietsstand = revision.gebietsstand
LEFT JOIN dim_indikator AS eintrag
    ON eintrag.indikator_id = revision.indikator_id AND eintrag.version = revision.version;

COMMENT ON VIEW revisionen IS 'Werte, die eine spätere Ausgabe geändert hat. Wo eine Zahl jetzt zurückgehalten wird, stehen nur die Status. Korn: Raum × Gebietsstand × Stichtag × Indikator × Version × alte Ausgabe.';
COMMENT ON COLUMN revisionen.raum_id IS 'Schlüssel des Raums';
COMMENT ON COLUMN revisionen.raum IS 'Name des Raums';
COMMENT ON COLUMN revisionen.raumebene IS 'Ebene des Raums';
COMMENT ON COLUMN revisionen.gebietsstand IS 'Version der Grenzen';
COMMENT ON COLUMN revisionen.stichtag IS 'Tag, für den der Wert gilt';
COMMENT ON COLUMN revisionen.indikator_id IS 'Schlüssel des Indikators';
COMMENT ON COLUMN revisionen.indikator IS 'Name des Indikators';
COMMENT ON COLUMN revisionen.version IS 'Version der Definition';
COMMENT ON COLUMN revisionen.ausgabe_alt IS 'Ausgabe, die den alten Wert nannte: die ersten 16 Stellen ihres content_hash';
COMMENT ON COLUMN revisionen.wert_alt IS 'Wert in der alten Ausgabe; leer, wenn er damals nicht veröffentlicht war oder jetzt etwas verraten würde';
COMMENT ON COLUMN revisionen.wert_neu IS 'Wert in der Ausgabe danach, unter denselben Bedingungen';
COMMENT ON COLUMN revisionen.zaehler_alt IS 'Zähler in der alten Ausgabe, unter denselben Bedingungen';
COMMENT ON COLUMN revisionen.zaehler_neu IS 'Zähler in der Ausgabe danach';
COMMENT ON COLUMN revisionen.nenner_alt IS 'Nenner in der alten Ausgabe, unter denselben Bedingungen';
COMMENT ON COLUMN revisionen.nenner_neu IS 'Nenner in der Ausgabe danach';
COMMENT ON COLUMN revisionen.status_alt IS 'Status in der alten Ausgabe';
COMMENT ON COLUMN revisionen.status_neu IS 'Status in der Ausgabe danach';
COMMENT ON COLUMN revisionen.lieferung IS 'neue Lieferungen dieses Stichtags zu den Daten des Indikators';
