{{ needs('schwerbehinderte') }}
{# Grain: card × delivery. #}
select
    delivery_id, row_number, liefereinheit, stichtag, fall_id, kommune_id, gdb, merkzeichen,
    geburtsjahr, geschlecht, gueltig_bis
from {{ source('landing', 'schwerbehinderte') }}
