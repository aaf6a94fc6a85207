{{ needs('jugendamt_kita') }}
{# Grain: area × age group × delivery. #}
select
    delivery_id, row_number, liefereinheit, stichtag, raum_id, altersgruppe, kinder,
    kinder__zustand, plaetze, plaetze__zustand
from {{ source('landing', 'jugendamt_kita') }}
