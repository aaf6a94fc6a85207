{{ needs('itnrw_mindestsicherung') }}
{# Grain: unit of the state × benefit × delivery. #}
select
    delivery_id, row_number, liefereinheit, stichtag, gebiet_id, leistung, anzahl,
    anzahl__zustand
from {{ source('landing', 'itnrw_mindestsicherung') }}
