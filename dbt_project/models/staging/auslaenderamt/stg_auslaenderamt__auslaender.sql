{{ needs('auslaenderamt') }}
{# Grain: Kommune × nationality × status × delivery. #}
select
    delivery_id, row_number, liefereinheit, stichtag, kommune_id, staatsangehoerigkeit,
    aufenthaltsstatus, anzahl, anzahl__zustand
from {{ source('landing', 'auslaenderamt') }}
