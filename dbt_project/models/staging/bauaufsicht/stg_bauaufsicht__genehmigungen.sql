{{ needs('baugenehmigungen') }}
{# Grain: permit × delivery. #}
select
    delivery_id, row_number, liefereinheit, stichtag, vorgang_id, kommune_id, genehmigt_am,
    wohnungen, art, storniert
from {{ source('landing', 'baugenehmigungen') }}
