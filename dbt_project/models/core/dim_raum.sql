{# Sozialräume, the levels above them, and for each Kommune the pseudo-area of what cannot be
   placed. Which unit an area lies in follows from its key (rule_level). #}
with areas as (
    select united.raum_id, united.gebietsstand, united.raumebene, united.raum_name,
        united.flaeche_km2
    from {{ ref('int_raum__united') }} as united
),

kommunen as (
    select raum_id, gebietsstand, raum_name, flaeche_km2 from areas where raumebene = 'kommune'
),

everything as (
    select raum_id, gebietsstand, raumebene, raum_name, flaeche_km2 from areas
    union all
    select concat(raum_id, '-ohne'), gebietsstand, 'ohne_raum',
        concat(raum_name, ', ohne Raum'), cast(null as double)
    from kommunen
    union all
    select kreis.unit, kommunen.gebietsstand, 'kreis', kreis.name, sum(kommunen.flaeche_km2)
    from kommunen
    inner join {{ source('warehouse', 'rule_level') }} as kreis on kreis.raumebene = 'kreis'
    group by kreis.unit, kommunen.gebietsstand, kreis.name
)

select
    everything.raum_id,
    everything.gebietsstand,
    everything.raumebene,
    everything.raum_name,
    case
        when everything.raumebene <> 'kreis' then substr(everything.raum_id, 1, kommune.prefix)
    end as kommune_id,
    kreis.unit as kreis_id,
    stand.gueltig_ab,
    stand.gueltig_bis,
    everything.flaeche_km2,
    uninhabited.raum_id is not null as unbewohnt
from everything
inner join {{ source('warehouse', 'rule_level') }} as kommune on kommune.raumebene = 'kommune'
inner join {{ source('warehouse', 'rule_level') }} as kreis on kreis.raumebene = 'kreis'
inner join {{ source('warehouse', 'rule_gebietsstand') }} as stand
    on stand.gebietsstand = everything.gebietsstand
left join {{ source('warehouse', 'rule_uninhabited') }} as uninhabited
    on uninhabited.raum_id = everything.raum_id
