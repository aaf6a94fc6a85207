CREATE VIEW zeitreihen AS
SELECT
    reihe.raum_id,
    raum.raum_name AS raum,
    reihe.raumebene,
    raum.kommune_id,
    kommune.raum_name AS kommune,
    reihe.gebietsstand,
    reihe.indikator_id,
    eintrag.name AS indikator,
    eintrag.thema,
    eintrag.einheit,
    reihe.stichtag,
    reihe.zaehler,
    reihe.nenner,
    reihe.wert,
    reihe.klasse,
    reihe.status,
    reihe.vor_stichtag,
    reihe.vorwert,
    reihe.veraenderung,
    reihe.veraenderung_prozent,
    reihe.trend,
    reihe.bruch,
    reihe.bruch_text,
    reihe.umgerechnet,
    reihe.geschaetzt,
    reihe.fehler_umrechnung,
    reihe.version
FROM mart_reihe AS reihe
LEFT JOIN dim_raum AS raum
    ON raum.raum_id = reihe.raum_id AND raum.gebietsstand = reihe.gebietsstand
LEFT JOIN dim_raum AS kommune
    ON kommune.raum_id = raum.kommune_id
    AND kommune.gebietsstand = raum.gebietsstand
    AND kommune.raumebene = 'kommune'
LEFT JOIN dim_indikator AS eintrag
    ON eintrag.indikator_id = reihe.indikator_id AND eintrag.version = reihe.version
QUALIFY rank() OVER (
    PARTITION BY reihe.raumebene, reihe.indikator_id, reihe.stichtag ORDER BY reihe.version DESC
) = 1;

COMMENT ON VIEW zeitreihen IS 'Zeitreihen der Indikatoren auf dem neuesten Gebietsstand: ältere Werte sind auf die heutigen Räume umgerechnet, mit Veränderung, Brüchen und Trend. Korn: Raum × Stichtag × Indikator.';
COMMENT ON COLUMN zeitreihen.raum_id IS 'Schlüssel des Raums';
COMMENT ON COLUMN zeitreihen.raum IS 'Name des Raums';
COMMENT ON COLUMN zeitreihen.raumebene IS 'sozialraum, eine Zwischenebene der Region, kommune, kreis oder ohne_raum';
COMMENT ON COLUMN zeitreihen.kommune_id IS 'Schlüssel der Kommune, in der der Raum liegt; leer beim Kreis';
COMMENT ON COLUMN zeitreihen.kommune IS 'Name dieser Kommune';
COMMENT ON COLUMN zeitreihen.gebietsstand IS 'Version der Grenzen, auf der die Reihe erzählt wird: die neueste';
COMMENT ON COLUMN zeitreihen.indikator_id IS 'Schlüssel des Indikators';
COMMENT ON COLUMN zeitreihen.indikator IS 'Name des Indikators';
COMMENT ON COLUMN zeitreihen.thema IS 'Thema';
COMMENT ON COLUMN zeitreihen.einheit IS 'Einheit des Werts';
COMMENT ON COLUMN zeitreihen.stichtag IS 'Tag, für den der Wert gilt';
COMMENT ON COLUMN zeitreihen.zaehler IS 'Zähler, bei umgerechneten Werten gerundet';
COMMENT ON COLUMN zeitreihen.nenner IS 'Nenner, bei umgerechneten Werten gerundet';
COMMENT ON COLUMN zeitreihen.wert IS 'Wert; leer, wenn der Status nicht ok ist';
COMMENT ON COLUMN zeitreihen.klasse IS 'Klasse eines Indikators, der keine Zahl ist';
COMMENT ON COLUMN zeitreihen.status IS 'ok, oder warum es keinen Wert gibt';
COMMENT ON COLUMN zeitreihen.vor_stichtag IS 'voriger Stichtag derselben Reihe; leer am Anfang und nach einem Bruch';
COMMENT ON COLUMN zeitreihen.vorwert IS 'Wert am vorigen Stichtag; leer am Anfang und nach einem Bruch';
COMMENT ON COLUMN zeitreihen.veraenderung IS 'Wert minus Vorwert, in der Einheit des Indikators';
COMMENT ON COLUMN zeitreihen.veraenderung_prozent IS 'Veränderung in Prozent des Vorwerts';
COMMENT ON COLUMN zeitreihen.trend IS 'steigend, fallend oder stabil seit dem letzten Bruch bis zu diesem Stichtag; leer bei weniger als vier Werten';
COMMENT ON COLUMN zeitreihen.bruch IS 'Warum der Wert nicht mit dem vorigen vergleichbar ist: definition, gebietsstand, quelle, basis; leer ohne Bruch';
COMMENT ON COLUMN zeitreihen.bruch_text IS 'Der Bruch in Worten';
COMMENT ON COLUMN zeitreihen.umgerechnet IS 'wahr, wenn der Wert von einem anderen Gebietsstand umgerechnet ist';
COMMENT ON COLUMN zeitreihen.geschaetzt IS 'wahr, wenn der Wert eine Schätzung ist';
COMMENT ON COLUMN zeitreihen.fehler_umrechnung IS 'Anteil der Einwohner des Raums, um den die Umrechnung höchstens fehlgeht; leer ohne Umrechnung';
COMMENT ON COLUMN zeitreihen.version IS 'Version der Definition';
