{{ needs('ewo_bestand_raum') }}
{# Grain: area × year of age × sex × nationality group × delivery. #}
select
    delivery_id, row_number, liefereinheit, stichtag, raum_id, altersjahr, geschlecht,
    staatsangehoerigkeit, anzahl
from {{ source('landing', 'ewo_bestand_raum') }}
