-- The same Stichtage as the layers of the GIS show.
CREATE VIEW kennzahlen_aktuell AS
SELECT kennzahlen.*
FROM kennzahlen
JOIN raeume USING (raum_id, gebietsstand)
QUALIFY rank() OVER (
    PARTITION BY kennzahlen.raumebene, kennzahlen.indikator_id ORDER BY kennzahlen.stichtag DESC
) = 1;

COMMENT ON VIEW kennzahlen_aktuell IS 'Indikatoren am neuesten Stichtag, den es von ihnen auf der Ebene gibt, auf dem neuesten Gebietsstand; sonst wie kennzahlen. Korn: Raum × Indikator.';
COMMENT ON COLUMN kennzahlen_aktuell.raum_id IS 'Schlüssel des Raums';
COMMENT ON COLUMN kennzahlen_aktuell.raum IS 'Name des Raums';
COMMENT ON COLUMN kennzahlen_aktuell.raumebene IS 'sozialraum, eine Zwischenebene der Region, kommune, kreis oder ohne_raum';
COMMENT ON COLUMN kennzahlen_aktuell.kommune_id IS 'Schlüssel der Kommune, in der der Raum liegt; leer beim Kreis';
COMMENT ON COLUMN kennzahlen_aktuell.kommune IS 'Name dieser Kommune';
COMMENT ON COLUMN kennzahlen_aktuell.gebietsstand IS 'Version der Grenzen';
COMMENT ON COLUMN kennzahlen_aktuell.stichtag IS 'Tag, für den der Wert gilt';
COMMENT ON COLUMN kennzahlen_aktuell.indikator_id IS 'Schlüssel des Indikators';
COMMENT ON COLUMN kennzahlen_aktuell.indikator IS 'Name des Indikators';
COMMENT ON COLUMN kennzahlen_aktuell.thema IS 'Thema';
COMMENT ON COLUMN kennzahlen_aktuell.einheit IS 'Einheit des Werts';
COMMENT ON COLUMN kennzahlen_aktuell.zaehler IS 'Zähler: Summe der veröffentlichten Teile';
COMMENT ON COLUMN kennzahlen_aktuell.nenner IS 'Nenner: Summe über dieselben Teile';
COMMENT ON COLUMN kennzahlen_aktuell.wert IS 'Wert; leer, wenn der Status nicht ok ist. Nie mitteln: Zähler und Nenner summieren, dann teilen';
COMMENT ON COLUMN kennzahlen_aktuell.klasse IS 'Klasse eines Indikators, der keine Zahl ist';
COMMENT ON COLUMN kennzahlen_aktuell.status IS 'ok, oder warum es keinen Wert gibt: geheim, zu_klein, nicht_geliefert, nicht_freigegeben, nicht_vergleichbar, nicht_zutreffend';
COMMENT ON COLUMN kennzahlen_aktuell.kommune_wert IS 'Wert der Kommune, in der der Raum liegt';
COMMENT ON COLUMN kennzahlen_aktuell.kreis_wert IS 'Wert des Kreises';
COMMENT ON COLUMN kennzahlen_aktuell.abw_kommune IS 'Wert minus Wert der Kommune';
COMMENT ON COLUMN kennzahlen_aktuell.abw_kreis IS 'Wert minus Wert des Kreises';
COMMENT ON COLUMN kennzahlen_aktuell.untergrenze IS 'Zufallsschwankung: untere Grenze (95 %)';
COMMENT ON COLUMN kennzahlen_aktuell.obergrenze IS 'Zufallsschwankung: obere Grenze (95 %)';
COMMENT ON COLUMN kennzahlen_aktuell.auffaellig IS 'ueber oder unter: der Wert des Kreises liegt außerhalb der Zufallsschwankung; sonst im_rahmen';
COMMENT ON COLUMN kennzahlen_aktuell.richtung IS 'Was die Auffälligkeit bedeutet: unguenstiger, guenstiger oder neutral';
COMMENT ON COLUMN kennzahlen_aktuell.aussagekraft IS 'gering: die Zufallsschwankung ist so breit, dass der Wert über den Raum wenig sagt';
COMMENT ON COLUMN kennzahlen_aktuell.rang_kommune IS 'Rang in der Kommune, 1 ist am stärksten belastet; nur für die Arbeit in der Verwaltung';
COMMENT ON COLUMN kennzahlen_aktuell.rang_kreis IS 'Rang im Kreis, 1 ist am stärksten belastet; nur für die Arbeit in der Verwaltung';
COMMENT ON COLUMN kennzahlen_aktuell.quintil IS 'Fünftel nach dem Rang im Kreis, 1 ist am stärksten belastet; nur für die Arbeit in der Verwaltung';
COMMENT ON COLUMN kennzahlen_aktuell.abdeckung IS 'Anteil des Nenners, den die Summe abdeckt; 1, wenn nichts fehlt';
COMMENT ON COLUMN kennzahlen_aktuell.geschaetzt IS 'wahr, wenn der Wert eine Schätzung ist';
COMMENT ON COLUMN kennzahlen_aktuell.umgerechnet IS 'wahr, wenn der Wert von einem anderen Gebietsstand umgerechnet ist';
COMMENT ON COLUMN kennzahlen_aktuell.version IS 'Version der Definition';
