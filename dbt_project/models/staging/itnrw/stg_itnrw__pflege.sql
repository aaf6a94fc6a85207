{{ needs('itnrw_pflege') }}
{# Grain: unit of the state × kind of care × delivery. #}
select
    delivery_id, row_number, liefereinheit, stichtag, gebiet_id, leistungsart, anzahl,
    anzahl__zustand
from {{ source('landing', 'itnrw_pflege') }}
