{# Which units a Sozialraum (or pseudo-area) counts towards, itself included: every roll-up is
   one join with this table and one sum. `stufe` orders the units of a part: the higher one has the
   smaller number. #}
with parts as (
    select raum_id, gebietsstand, raumebene
    from {{ ref('dim_raum') }}
    where raumebene in ('sozialraum', 'ohne_raum')
),

upwards as (
    select
        parts.raum_id,
        parts.gebietsstand,
        parts.raumebene,
        level.raumebene as ober_raumebene,
        coalesce(level.unit, substr(parts.raum_id, 1, level.prefix)) as ober_raum_id,
        coalesce(level.prefix, 0) as stufe
    from parts
    cross join {{ source('warehouse', 'rule_level') }} as level
    where level.raumebene <> 'sozialraum'
        and (parts.raumebene = 'sozialraum' or level.raumebene in ('kommune', 'kreis'))
)

select
    raum_id, gebietsstand, raumebene, raum_id as ober_raum_id, raumebene as ober_raumebene,
    1000 as stufe
from parts
union all
select raum_id, gebietsstand, raumebene, ober_raum_id, ober_raumebene, stufe from upwards
