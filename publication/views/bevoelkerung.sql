CREATE VIEW bevoelkerung AS
SELECT
    figur.raum_id,
    raum.raum_name AS raum,
    figur.raumebene,
    raum.kommune_id,
    kommune.raum_name AS kommune,
    figur.gebietsstand,
    figur.stichtag,
    figur.basis,
    figur.altersgruppe,
    figur.geschlecht,
    figur.staatsangehoerigkeit,
    figur.anzahl,
    figur.status,
    figur.abdeckung,
    figur.umgerechnet
FROM mart_bevoelkerung AS figur
LEFT JOIN dim_raum AS raum
    ON raum.raum_id = figur.raum_id AND raum.gebietsstand = figur.gebietsstand
LEFT JOIN dim_raum AS kommune
    ON kommune.raum_id = raum.kommune_id
    AND kommune.gebietsstand = raum.gebietsstand
    AND kommune.raumebene = 'kommune';

COMMENT ON VIEW bevoelkerung IS 'Einwohnerinnen und Einwohner nach Alter, Geschlecht und Staatsangehörigkeit. insgesamt ist eine Summe: nie mit ihren Teilen zusammenzählen. Korn: Raum × Gebietsstand × Stichtag × Basis × Altersgruppe × Geschlecht × Staatsangehörigkeit.';
COMMENT ON COLUMN bevoelkerung.raum_id IS 'Schlüssel des Raums';
COMMENT ON COLUMN bevoelkerung.raum IS 'Name des Raums';
COMMENT ON COLUMN bevoelkerung.raumebene IS 'sozialraum, eine Zwischenebene der Region, kommune, kreis oder ohne_raum';
COMMENT ON COLUMN bevoelkerung.kommune_id IS 'Schlüssel der Kommune, in der der Raum liegt; leer beim Kreis';
COMMENT ON COLUMN bevoelkerung.kommune IS 'Name dieser Kommune';
COMMENT ON COLUMN bevoelkerung.gebietsstand IS 'Version der Grenzen';
COMMENT ON COLUMN bevoelkerung.stichtag IS 'Tag, für den die Zahl gilt';
COMMENT ON COLUMN bevoelkerung.basis IS 'fortschreibung des Landesamts oder melderegister; beide stimmen nie überein';
COMMENT ON COLUMN bevoelkerung.altersgruppe IS 'vollendete Jahre, beide Grenzen eingeschlossen; insgesamt ist die Summe';
COMMENT ON COLUMN bevoelkerung.geschlecht IS 'maennlich, weiblich oder insgesamt';
COMMENT ON COLUMN bevoelkerung.staatsangehoerigkeit IS 'deutsch, auslaendisch oder insgesamt';
COMMENT ON COLUMN bevoelkerung.anzahl IS 'Personen; leer, wenn der Status nicht ok ist';
COMMENT ON COLUMN bevoelkerung.status IS 'ok, oder warum es keine Zahl gibt';
COMMENT ON COLUMN bevoelkerung.abdeckung IS 'Anteil der Einwohner, den die Summe abdeckt; 1, wenn nichts fehlt';
COMMENT ON COLUMN bevoelkerung.umgerechnet IS 'wahr, wenn die Zahl von einem anderen Gebietsstand umgerechnet ist';
