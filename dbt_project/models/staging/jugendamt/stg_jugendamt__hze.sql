{{ needs('jugendamt_hze') }}
{# Grain: area × kind of aid × delivery. #}
select
    delivery_id, row_number, liefereinheit, stichtag, raum_id, hilfeart, laufend,
    laufend__zustand, beendet, beendet__zustand, kosten_eur
from {{ source('landing', 'jugendamt_hze') }}
