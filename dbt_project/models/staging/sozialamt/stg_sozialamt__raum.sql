{{ needs('sozialamt_raum') }}
{# Grain: area × benefit × delivery. #}
select
    delivery_id, row_number, liefereinheit, stichtag, raum_id, leistungsart, anzahl,
    anzahl__zustand, betrag_eur
from {{ source('landing', 'sozialamt_raum') }}
