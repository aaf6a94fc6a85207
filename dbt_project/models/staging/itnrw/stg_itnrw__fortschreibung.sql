{{ needs('itnrw_fortschreibung') }}
{# Grain: unit of the state × sex × delivery. #}
select
    delivery_id, row_number, liefereinheit, stichtag, gebiet_id, geschlecht, anzahl,
    anzahl__zustand
from {{ source('landing', 'itnrw_fortschreibung') }}
