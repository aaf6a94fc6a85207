{{ needs('ewo_bestand') }}
{# What is derived from the register of persons. Grain: delivery × area × merkmal. #}
select
    'ewo_bestand' as feed,
    delivery_id,
    liefereinheit,
    raum_id,
    gebietsstand,
    stichtag,
    merkmal,
    anzahl,
    cast(null as varchar) as zustand,
    true as geschaetzt
from {{ ref('int_ewo_bestand__counted') }}
where merkmal <> 'einwohner'
