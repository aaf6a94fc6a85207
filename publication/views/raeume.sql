-- The same Gebietsstand of each level as the layers of the GIS show.
CREATE VIEW raeume AS
WITH gezeigt AS (
    SELECT raumebene, gebietsstand
    FROM dim_raum
    GROUP BY raumebene, gebietsstand
    QUALIFY row_number() OVER (
        PARTITION BY raumebene
        ORDER BY
            (raumebene, gebietsstand)
                IN (SELECT DISTINCT (raumebene, gebietsstand) FROM mart_indikator) DESC,
            max(gueltig_ab) DESC NULLS LAST,
            gebietsstand DESC
    ) = 1
)
SELECT
    raum.raum_id,
    raum.raum_name AS raum,
    raum.raumebene,
    raum.kommune_id,
    kommune.raum_name AS kommune,
    raum.kreis_id,
    raum.gebietsstand,
    raum.gueltig_ab,
    raum.gueltig_bis,
    raum.flaeche_km2
FROM dim_raum AS raum
JOIN gezeigt USING (raumebene, gebietsstand)
LEFT JOIN dim_raum AS kommune
    ON kommune.raum_id = raum.kommune_id
    AND kommune.gebietsstand = raum.gebietsstand
    AND kommune.raumebene = 'kommune';

COMMENT ON VIEW raeume IS 'Räume aller Ebenen auf dem neuesten Gebietsstand, zu dem es Zahlen gibt. Korn: Raum.';
COMMENT ON COLUMN raeume.raum_id IS 'Schlüssel des Raums';
COMMENT ON COLUMN raeume.raum IS 'Name des Raums';
COMMENT ON COLUMN raeume.raumebene IS 'sozialraum, eine Zwischenebene der Region, kommune, kreis; ohne_raum: was keinem Sozialraum zugeordnet werden kann';
COMMENT ON COLUMN raeume.kommune_id IS 'Schlüssel der Kommune, in der der Raum liegt; leer beim Kreis';
COMMENT ON COLUMN raeume.kommune IS 'Name dieser Kommune';
COMMENT ON COLUMN raeume.kreis_id IS 'Schlüssel des Kreises';
COMMENT ON COLUMN raeume.gebietsstand IS 'Version der Grenzen';
COMMENT ON COLUMN raeume.gueltig_ab IS 'Tag, von dem an die Grenzen gelten; leer, wenn nicht mitgeteilt';
COMMENT ON COLUMN raeume.gueltig_bis IS 'letzter Tag, an dem die Grenzen gelten; leer, wenn sie noch gelten';
COMMENT ON COLUMN raeume.flaeche_km2 IS 'Fläche in Quadratkilometern';
