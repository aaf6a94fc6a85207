{{ needs('wohnungsunternehmen') }}
{# Grain: building × delivery. #}
select
    delivery_id, row_number, liefereinheit, stichtag, objekt_id, kommune_id, wohnungen,
    gebunden, bindung_bis, leer
from {{ source('landing', 'wohnungsunternehmen') }}
