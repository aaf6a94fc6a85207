{{ needs('mss_klassen') }}
{# Grain: Planungsraum × Stichtag. #}
select raum_id, stichtag, delivery_id, einwohner, status_klasse, dynamik_klasse
from {{ source('landing', 'mss_klassen') }}
