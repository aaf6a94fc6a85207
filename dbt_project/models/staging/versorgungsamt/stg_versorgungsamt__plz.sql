{{ needs('schwerbehinderte_plz') }}
{# Grain: postcode × age group × sex × delivery. #}
select
    delivery_id, row_number, liefereinheit, stichtag, plz, altersgruppe, geschlecht, anzahl,
    anzahl__zustand
from {{ source('landing', 'schwerbehinderte_plz') }}
