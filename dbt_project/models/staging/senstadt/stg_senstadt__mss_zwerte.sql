{{ needs('mss_zwerte') }}
{# Grain: Planungsraum × Stichtag. #}
select
    raum_id, stichtag, delivery_id, einwohner,
    z_arbeitslose, z_langzeitarbeitslose, z_transferbezug, z_transferbezug_u15,
    summe, index_wert, klasse_text
from {{ source('landing', 'mss_zwerte') }}
