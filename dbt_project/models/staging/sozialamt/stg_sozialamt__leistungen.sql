{{ needs('sozialamt_leistungen') }}
{# Grain: case × delivery. #}
select
    delivery_id, row_number, liefereinheit, stichtag, fall_id, kommune_id, kapitel,
    leistungsart, in_einrichtung, beginn, ende, betrag_eur
from {{ source('landing', 'sozialamt_leistungen') }}
