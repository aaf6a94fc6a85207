{{ needs('itnrw_hze') }}
{# Grain: Jugendamt × kind of aid × way of counting × delivery. #}
select
    delivery_id, row_number, liefereinheit, stichtag, jugendamt_id, hilfeart, zaehlweise,
    anzahl, anzahl__zustand
from {{ source('landing', 'itnrw_hze') }}
