CREATE VIEW kennzahlen AS
SELECT
    figur.raum_id,
    raum.raum_name AS raum,
    figur.raumebene,
    raum.kommune_id,
    kommune.raum_name AS kommune,
    figur.gebietsstand,
    figur.stichtag,
    figur.indikator_id,
    eintrag.name AS indikator,
    eintrag.thema,
    eintrag.einheit,
    figur.zaehler,
    figur.nenner,
    figur.wert,
    figur.klasse,
    figur.status,
    figur.kommune_wert,
    figur.kreis_wert,
    figur.abw_kommune,
    figur.abw_kreis,
    figur.untergrenze,
    figur.obergrenze,
    figur.auffaellig,
    figur.richtung,
    figur.aussagekraft,
    figur.rang_kommune,
    figur.rang_kreis,
    figur.quintil,
    figur.abdeckung,
    figur.geschaetzt,
    figur.umgerechnet,
    figur.version
FROM mart_indikator AS figur
LEFT JOIN dim_raum AS raum
    ON raum.raum_id = figur.raum_id AND raum.gebietsstand = figur.gebietsstand
LEFT JOIN dim_raum AS kommune
    ON kommune.raum_id = raum.kommune_id
    AND kommune.gebietsstand = raum.gebietsstand
    AND kommune.raumebene = 'kommune'
LEFT JOIN dim_indikator AS eintrag
    ON eintrag.indikator_id = figur.indikator_id AND eintrag.version = figur.version
QUALIFY rank() OVER (
    PARTITION BY figur.raumebene, figur.gebietsstand, figur.stichtag, figur.indikator_id
    ORDER BY figur.version DESC
) = 1;

COMMENT ON VIEW kennzahlen IS 'Indikatoren mit Namen, Zähler, Nenner und Vergleich, an jedem Stichtag nach der neuesten Version der Definition und auf den Grenzen, auf denen geliefert wurde. Korn: Raum × Gebietsstand × Stichtag × Indikator.';
COMMENT ON COLUMN kennzahlen.raum_id IS 'Schlüssel des Raums';
COMMENT ON COLUMN kennzahlen.raum IS 'Name des Raums';
COMMENT ON COLUMN kennzahlen.raumebene IS 'sozialraum, eine Zwischenebene der Region, kommune, kreis oder ohne_raum';
COMMENT ON COLUMN kennzahlen.kommune_id IS 'Schlüssel der Kommune, in der der Raum liegt; leer beim Kreis';
COMMENT ON COLUMN kennzahlen.kommune IS 'Name dieser Kommune';
COMMENT ON COLUMN kennzahlen.gebietsstand IS 'Version der Grenzen';
COMMENT ON COLUMN kennzahlen.stichtag IS 'Tag, für den der Wert gilt';
COMMENT ON COLUMN kennzahlen.indikator_id IS 'Schlüssel des Indikators';
COMMENT ON COLUMN kennzahlen.indikator IS 'Name des Indikators';
COMMENT ON COLUMN kennzahlen.thema IS 'Thema';
COMMENT ON COLUMN kennzahlen.einheit IS 'Einheit des Werts';
COMMENT ON COLUMN kennzahlen.zaehler IS 'Zähler: Summe der veröffentlichten Teile';
COMMENT ON COLUMN kennzahlen.nenner IS 'Nenner: Summe über dieselben Teile';
COMMENT ON COLUMN kennzahlen.wert IS 'Wert; leer, wenn der Status nicht ok ist. Nie mitteln: Zähler und Nenner summieren, dann teilen';
COMMENT ON COLUMN kennzahlen.klasse IS 'Klasse eines Indikators, der keine Zahl ist';
COMMENT ON COLUMN kennzahlen.status IS 'ok, oder warum es keinen Wert gibt: geheim, zu_klein, nicht_geliefert, nicht_freigegeben, nicht_vergleichbar, nicht_zutreffend';
COMMENT ON COLUMN kennzahlen.kommune_wert IS 'Wert der Kommune, in der der Raum liegt';
COMMENT ON COLUMN kennzahlen.kreis_wert IS 'Wert des Kreises';
COMMENT ON COLUMN kennzahlen.abw_kommune IS 'Wert minus Wert der Kommune';
COMMENT ON COLUMN kennzahlen.abw_kreis IS 'Wert minus Wert des Kreises';
COMMENT ON COLUMN kennzahlen.untergrenze IS 'Zufallsschwankung: untere Grenze (95 %)';
COMMENT ON COLUMN kennzahlen.obergrenze IS 'Zufallsschwankung: obere Grenze (95 %)';
COMMENT ON COLUMN kennzahlen.auffaellig IS 'ueber oder unter: der Wert des Kreises liegt außerhalb der Zufallsschwankung; sonst im_rahmen';
COMMENT ON COLUMN kennzahlen.richtung IS 'Was die Auffälligkeit bedeutet: unguenstiger, guenstiger oder neutral';
COMMENT ON COLUMN kennzahlen.aussagekraft IS 'gering: die Zufallsschwankung ist so breit, dass der Wert über den Raum wenig sagt';
COMMENT ON COLUMN kennzahlen.rang_kommune IS 'Rang in der Kommune, 1 ist am stärksten belastet; nur für die Arbeit in der Verwaltung';
COMMENT ON COLUMN kennzahlen.rang_kreis IS 'Rang im Kreis, 1 ist am stärksten belastet; nur für die Arbeit in der Verwaltung';
COMMENT ON COLUMN kennzahlen.quintil IS 'Fünftel nach dem Rang im Kreis, 1 ist am stärksten belastet; nur für die Arbeit in der Verwaltung';
COMMENT ON COLUMN kennzahlen.abdeckung IS 'Anteil des Nenners, den die Summe abdeckt; 1, wenn nichts fehlt';
COMMENT ON COLUMN kennzahlen.geschaetzt IS 'wahr, wenn der Wert eine Schätzung ist';
COMMENT ON COLUMN kennzahlen.umgerechnet IS 'wahr, wenn der Wert von einem anderen Gebietsstand umgerechnet ist';
COMMENT ON COLUMN kennzahlen.version IS 'Version der Definition';
