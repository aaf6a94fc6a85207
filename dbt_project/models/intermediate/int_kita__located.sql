{# Day-care places with the area they lie in; what has no place belongs to the pseudo-area
   of its Bezirk. Grain: day-care centre × Stichtag. #}
select
    kitas.einrichtung_id,
    kitas.stichtag,
    kitas.delivery_id,
    kitas.plaetze,
    coalesce(
        placement.raum_id,
        concat(substr(kitas.lor_2021, 1, kommune.prefix), '-ohne')
    ) as raum_id
from {{ ref('stg_senbjf__kitas') }} as kitas
inner join {{ source('warehouse', 'rule_level') }} as kommune on kommune.raumebene = 'kommune'
left join {{ source('warehouse', 'placement_kita_verzeichnis') }} as placement
    on placement.delivery_id = kitas.delivery_id and placement.row_number = kitas.row_number
