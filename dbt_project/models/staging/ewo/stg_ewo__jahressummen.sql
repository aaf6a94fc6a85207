{{ needs('ewo_jahressummen') }}
{# Grain: area × delivery. #}
select
    delivery_id, row_number, liefereinheit, stichtag, raum_id, anzahl
from {{ source('landing', 'ewo_jahressummen') }}
