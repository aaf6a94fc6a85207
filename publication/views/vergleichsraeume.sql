CREATE VIEW vergleichsraeume AS
SELECT
    peer.vergleich_id,
    peer.raum_id,
    raum.raum_name AS raum,
    raum.kommune_id,
    kommune.raum_name AS kommune,
    peer.gebietsstand,
    peer.stichtag,
    peer.rang,
    peer.peer_raum_id AS vergleichsraum_id,
    dort.raum_name AS vergleichsraum,
    dort.kommune_id AS vergleichskommune_id,
    dort_kommune.raum_name AS vergleichskommune,
    peer.distanz,
    peer.status
FROM mart_vergleichsraum AS peer
LEFT JOIN dim_raum AS raum
    ON raum.raum_id = peer.raum_id AND raum.gebietsstand = peer.gebietsstand
LEFT JOIN dim_raum AS kommune
    ON kommune.raum_id = raum.kommune_id
    AND kommune.gebietsstand = raum.gebietsstand
    AND kommune.raumebene = 'kommune'
LEFT JOIN dim_raum AS dort
    ON dort.raum_id = peer.peer_raum_id AND dort.gebietsstand = peer.gebietsstand
LEFT JOIN dim_raum AS dort_kommune
    ON dort_kommune.raum_id = dort.kommune_id
    AND dort_kommune.gebietsstand = dort.gebietsstand
    AND dort_kommune.raumebene = 'kommune';

COMMENT ON VIEW vergleichsraeume IS 'Zu jedem Sozialraum die ähnlichsten in anderen Kommunen, nach vereinbarten Merkmalen der Struktur. Korn: Vergleich × Raum × Gebietsstand × Stichtag × Rang.';
COMMENT ON COLUMN vergleichsraeume.vergleich_id IS 'Schlüssel des Vergleichs: welche Merkmale mit welchem Gewicht zählen';
COMMENT ON COLUMN vergleichsraeume.raum_id IS 'Schlüssel des Raums';
COMMENT ON COLUMN vergleichsraeume.raum IS 'Name des Raums';
COMMENT ON COLUMN vergleichsraeume.kommune_id IS 'Schlüssel der Kommune, in der der Raum liegt';
COMMENT ON COLUMN vergleichsraeume.kommune IS 'Name dieser Kommune';
COMMENT ON COLUMN vergleichsraeume.gebietsstand IS 'Version der Grenzen';
COMMENT ON COLUMN vergleichsraeume.stichtag IS 'Tag, für den die Merkmale gelten';
COMMENT ON COLUMN vergleichsraeume.rang IS 'Platz nach der Ähnlichkeit, 1 ist der ähnlichste; 1 auch in der einen Zeile eines Raums ohne ähnliche';
COMMENT ON COLUMN vergleichsraeume.vergleichsraum_id IS 'Schlüssel des ähnlichen Raums; leer, wenn es keinen gibt';
COMMENT ON COLUMN vergleichsraeume.vergleichsraum IS 'Name des ähnlichen Raums';
COMMENT ON COLUMN vergleichsraeume.vergleichskommune_id IS 'Schlüssel der Kommune, in der der ähnliche Raum liegt';
COMMENT ON COLUMN vergleichsraeume.vergleichskommune IS 'Name dieser Kommune';
COMMENT ON COLUMN vergleichsraeume.distanz IS 'Abstand in Standardabweichungen; 0 bei gleichen Räumen';
COMMENT ON COLUMN vergleichsraeume.status IS 'ok, oder warum es keine ähnlichen Räume gibt';
