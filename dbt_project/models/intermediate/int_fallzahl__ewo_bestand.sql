{{ needs('ewo_bestand') }}
{# What is derived from the register of persons. Ages and days of moving in stand in it; a history of
   migration and households are estimates, as the seed merkmale says. Grain: delivery × area × merkmal. #}
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
    false as geschaetzt
from {{ ref('int_ewo_bestand__counted') }}
where merkmal <> 'einwohner'
