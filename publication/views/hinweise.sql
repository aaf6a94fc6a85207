-- A name may change from one Gebietsstand to the next: the newest one is told.
CREATE VIEW hinweise AS
SELECT
    hinweis.hinweis_id,
    hinweis.raum_id,
    coalesce(raum.raum, CASE WHEN hinweis.raum_id = 'alle' THEN 'alle Räume' END) AS raum,
    hinweis.indikator_id,
    coalesce(
        definition.indikator, CASE WHEN hinweis.indikator_id = 'alle' THEN 'alle Indikatoren' END
    ) AS indikator,
    hinweis.stichtag_von,
    hinweis.stichtag_bis,
    hinweis.art,
    hinweis.text
FROM mart_hinweis AS hinweis
LEFT JOIN raeume AS raum ON raum.raum_id = hinweis.raum_id
LEFT JOIN definitionen AS definition ON definition.indikator_id = hinweis.indikator_id;

COMMENT ON VIEW hinweise IS 'Womit ein Wert zu lesen ist. Ein Hinweis gilt für einen Wert, wenn raum_id der Raum, seine Kommune oder alle ist, indikator_id der Indikator oder alle, und der Stichtag zwischen stichtag_von und stichtag_bis liegt. Korn: Hinweis × Raum × Indikator.';
COMMENT ON COLUMN hinweise.hinweis_id IS 'Schlüssel des Hinweises';
COMMENT ON COLUMN hinweise.raum_id IS 'Raum oder Kommune, für die der Hinweis gilt; alle: der ganze Kreis';
COMMENT ON COLUMN hinweise.raum IS 'Name des Raums; leer, wenn es ihn heute nicht mehr gibt';
COMMENT ON COLUMN hinweise.indikator_id IS 'Indikator, für den der Hinweis gilt; alle: jeder Wert';
COMMENT ON COLUMN hinweise.indikator IS 'Name des Indikators';
COMMENT ON COLUMN hinweise.stichtag_von IS 'erster Stichtag, für den der Hinweis gilt; leer: von Anfang an';
COMMENT ON COLUMN hinweise.stichtag_bis IS 'letzter Stichtag, für den der Hinweis gilt; leer: bis auf Weiteres';
COMMENT ON COLUMN hinweise.art IS 'besonderer_ort, fussnote, systemwechsel, definition oder lieferung';
COMMENT ON COLUMN hinweise.text IS 'der Hinweis in Worten';
