{{ needs('sozialraum_grenzen') }}
{# Grain: area × delivery. Geometry stays in the landed file. #}
select
    delivery_id, row_number, liefereinheit, stichtag, raum_id, raum_name, flaeche_km2
from {{ source('landing', 'sozialraum_grenzen') }}
