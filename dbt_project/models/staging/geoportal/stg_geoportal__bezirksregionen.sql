{{ needs('lor_bezirksregionen') }}
{# Grain: area. Geometry stays in the landed file. #}
select delivery_id, liefereinheit, stichtag, raum_id, raum_name, flaeche_km2
from {{ source('landing', 'lor_bezirksregionen') }}
