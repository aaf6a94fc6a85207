{{ needs('itnrw_mindestsicherungsquote') }}
{# Grain: unit of the state × delivery. #}
select
    delivery_id, row_number, liefereinheit, stichtag, gebiet_id, quote, quote__zustand
from {{ source('landing', 'itnrw_mindestsicherungsquote') }}
