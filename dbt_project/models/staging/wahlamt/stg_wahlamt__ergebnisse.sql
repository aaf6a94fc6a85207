{{ needs('wahlen') }}
{# Grain: voting district × delivery. #}
select
    delivery_id, row_number, liefereinheit, stichtag, wahl, kommune_id, bezirk_nr,
    wahlberechtigte, waehler
from {{ source('landing', 'wahlen') }}
