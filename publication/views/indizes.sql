CREATE VIEW indizes AS
SELECT
    figur.raum_id,
    raum.raum_name AS raum,
    figur.raumebene,
    raum.kommune_id,
    kommune.raum_name AS kommune,
    figur.gebietsstand,
    figur.stichtag,
    figur.index_id,
    name.name AS index_name,
    figur.klasse,
    klasse.rang AS klasse_platz,
    figur.index_wert,
    figur.summe,
    figur.veraenderung,
    figur.rang,
    figur.teile,
    figur.fehlende_teile,
    figur.status
FROM mart_index AS figur
LEFT JOIN dim_raum AS raum
    ON raum.raum_id = figur.raum_id AND raum.gebietsstand = figur.gebietsstand
LEFT JOIN dim_raum AS kommune
    ON kommune.raum_id = raum.kommune_id
    AND kommune.gebietsstand = raum.gebietsstand
    AND kommune.raumebene = 'kommune'
LEFT JOIN (SELECT index_id, min(name) AS name FROM dim_indexklasse GROUP BY index_id) AS name
    ON name.index_id = figur.index_id
LEFT JOIN dim_indexklasse AS klasse
    ON klasse.index_id = figur.index_id AND klasse.klasse = figur.klasse;

COMMENT ON VIEW indizes IS 'Indizes der Sozialräume mit ihren Klassen. Ein Index vergleicht die Räume eines Stichtags miteinander. Korn: Raum × Gebietsstand × Stichtag × Index.';
COMMENT ON COLUMN indizes.raum_id IS 'Schlüssel des Raums';
COMMENT ON COLUMN indizes.raum IS 'Name des Raums';
COMMENT ON COLUMN indizes.raumebene IS 'Ebene des Raums: sozialraum';
COMMENT ON COLUMN indizes.kommune_id IS 'Schlüssel der Kommune, in der der Raum liegt';
COMMENT ON COLUMN indizes.kommune IS 'Name dieser Kommune';
COMMENT ON COLUMN indizes.gebietsstand IS 'Version der Grenzen';
COMMENT ON COLUMN indizes.stichtag IS 'Tag, für den der Index gilt';
COMMENT ON COLUMN indizes.index_id IS 'Schlüssel des Index';
COMMENT ON COLUMN indizes.index_name IS 'Name des Index';
COMMENT ON COLUMN indizes.klasse IS 'Klasse nach den erklärten Grenzen';
COMMENT ON COLUMN indizes.klasse_platz IS 'Platz der Klasse, ab 1 von den niedrigen zu den hohen Indexwerten; ein hoher Wert ist eine Belastung';
COMMENT ON COLUMN indizes.index_wert IS 'Indexwert; hoch ist belastet';
COMMENT ON COLUMN indizes.summe IS 'gewichtete Summe der Bereiche, aus der der Indexwert entsteht';
COMMENT ON COLUMN indizes.veraenderung IS 'Veränderung des Indexwerts gegenüber dem vorigen Stichtag, wo die Regel des Index das zulässt';
COMMENT ON COLUMN indizes.rang IS 'Rang im Kreis, 1 ist am stärksten belastet; nur für die Arbeit in der Verwaltung';
COMMENT ON COLUMN indizes.teile IS 'Wie viele Bestandteile einen veröffentlichten Wert haben';
COMMENT ON COLUMN indizes.fehlende_teile IS 'Schlüssel der Bestandteile ohne veröffentlichten Wert';
COMMENT ON COLUMN indizes.status IS 'ok, oder warum es keinen Wert gibt';
