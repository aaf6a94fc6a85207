{{ needs('wahlbezirke') }}
{# Grain: voting district × delivery. #}
select
    delivery_id, row_number, liefereinheit, stichtag, kommune_id, bezirk_nr, raum_id
from {{ source('landing', 'wahlbezirke') }}
