{{ needs('jobcenter_bewertung') }}
{# Grain: area × delivery. #}
select
    delivery_id, row_number, liefereinheit, stichtag, raum_id, bewertung
from {{ source('landing', 'jobcenter_bewertung') }}
