{# Grain: area. Geometry stays in the landed file. #}
select raum_id, raum_name, flaeche_km2, delivery_id
from {{ source('landing', 'lor_bezirksregionen') }}
