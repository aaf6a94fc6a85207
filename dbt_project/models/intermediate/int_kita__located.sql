{{ needs('kita_verzeichnis') }}
{# Day-care places with the area they lie in. What has no place, or lies in an area that the
   region declares uninhabited and that therefore has no facts, belongs to the pseudo-area of
   its Kommune: counted, and no Sozialraum. Grain: day-care centre × Stichtag. #}
select
    kitas.einrichtung_id,
    kitas.stichtag,
    kitas.delivery_id,
    kitas.liefereinheit,
    kitas.plaetze,
    case
        when placement.raum_id is not null and uninhabited.raum_id is null then placement.raum_id
        else concat(
            substr(coalesce(placement.raum_id, kitas.lor_2021), 1, kommune.prefix), '-ohne'
        )
    end as raum_id
from {{ ref('stg_senbjf__kitas') }} as kitas
inner join {{ source('warehouse', 'rule_level') }} as kommune on kommune.raumebene = 'kommune'
left join {{ source('warehouse', 'placement_kita_verzeichnis') }} as placement
    on placement.delivery_id = kitas.delivery_id and placement.row_number = kitas.row_number
left join {{ source('warehouse', 'rule_uninhabited') }} as uninhabited
    on uninhabited.raum_id = placement.raum_id
