{{ needs('ba_kommunal') }}
{# Grain: area × merkmal × delivery. #}
select
    delivery_id, row_number, liefereinheit, stichtag, raum_id, merkmal, anzahl,
    anzahl__zustand
from {{ source('landing', 'ba_kommunal') }}
