CREATE VIEW ausgabe AS
SELECT
    $edition_id AS ausgabe,
    $kind AS art,
    CAST($created_at AS TIMESTAMP) AS erstellt_am,
    $region AS region_id,
    $region_name AS region,
    $titel AS titel,
    $organisation AS herausgeber,
    $stelle AS stelle,
    $email AS email,
    $url AS url,
    $lizenz_name AS lizenz,
    $lizenz_url AS lizenz_url,
    $quellenvermerk AS quellenvermerk;

COMMENT ON VIEW ausgabe IS 'Welche Ausgabe dies ist, von wem und unter welcher Lizenz. Eine Zeile.';
COMMENT ON COLUMN ausgabe.ausgabe IS 'Kennung der Ausgabe';
COMMENT ON COLUMN ausgabe.art IS 'monitoring oder sozialbericht';
COMMENT ON COLUMN ausgabe.erstellt_am IS 'Zeitpunkt, zu dem die Ausgabe entstand (UTC)';
COMMENT ON COLUMN ausgabe.region_id IS 'Schlüssel der Region';
COMMENT ON COLUMN ausgabe.region IS 'Name des Kreises';
COMMENT ON COLUMN ausgabe.titel IS 'Titel des Datensatzes';
COMMENT ON COLUMN ausgabe.herausgeber IS 'Wer die Ausgabe veröffentlicht';
COMMENT ON COLUMN ausgabe.stelle IS 'Stelle, die Auskunft gibt';
COMMENT ON COLUMN ausgabe.email IS 'E-Mail dieser Stelle';
COMMENT ON COLUMN ausgabe.url IS 'Seite dieser Stelle';
COMMENT ON COLUMN ausgabe.lizenz IS 'Lizenz; sie gilt nicht für Ränge und anderes, was nur für die Arbeit in der Verwaltung ist';
COMMENT ON COLUMN ausgabe.lizenz_url IS 'Wortlaut der Lizenz';
COMMENT ON COLUMN ausgabe.quellenvermerk IS 'So ist die Quelle zu nennen';
