{# Classes of the indices for which the region declares `klasse_aus: alle`: a coarse class may rest
   on all counts and delivered figures, those too that are withheld. Only the class goes on from
   here, and only if the audit finds that no withheld count can be told from it. #}
with members as (
    select
        teil.index_id,
        teil.raum_id,
        teil.gebietsstand,
        teil.stichtag,
        teil.indikator_id,
        {{ as_burden('teil.wert', 'quelle.polaritaet') }} as wert,
        teil.thema,
        teil.publishable_from
    from {{ ref('fct_index_teil') }} as teil
    inner join {{ source('warehouse', 'rule_index_quelle') }} as quelle
        on quelle.indikator_id = teil.indikator_id
),

parts as (
    select index_id, count(*) as anzahl
    from {{ source('warehouse', 'rule_index_part') }}
    group by index_id
),

areas as (
    select
        members.index_id,
        members.raum_id,
        members.gebietsstand,
        members.stichtag,
        max(members.thema) as thema,
        max(members.publishable_from) as publishable_from,
        case
            when max(case when exclusion.raum_id is not null then 1 else 0 end) = 1
                then 'nicht_zutreffend'
            when max(parts.anzahl) - count(members.wert) <= max(rule.hoechstens_fehlend)
                and count(members.wert) > 0 then 'ok'
            else 'nicht_zutreffend'
        end as status
    from members
    inner join {{ source('warehouse', 'rule_index') }} as rule on rule.index_id = members.index_id
    inner join parts on parts.index_id = members.index_id
    left join {{ source('warehouse', 'rule_index_exclusion') }} as exclusion
        on exclusion.index_id = members.index_id and exclusion.raum_id = members.raum_id
    group by members.index_id, members.raum_id, members.gebietsstand, members.stichtag
),

dated as (
    -- Mean and deviation rest on all areas, or on those of the reference Stichtag: a class waits
    -- for them too.
    select
        areas.index_id,
        areas.gebietsstand,
        areas.stichtag,
        greatest(
            max(areas.publishable_from),
            max(max(
                case when areas.stichtag = rule.referenz_stichtag then areas.publishable_from end
            )) over (partition by areas.index_id)
        ) as publishable_from
    from areas
    inner join {{ source('warehouse', 'rule_index') }} as rule on rule.index_id = areas.index_id
    group by areas.index_id, areas.gebietsstand, areas.stichtag
),

{{ index_values() }}

select
    classed.raum_id,
    classed.gebietsstand,
    classed.stichtag,
    classed.index_id,
    classed.klasse,
    'ok' as status,
    areas.thema,
    dated.publishable_from
from classed
inner join areas
    on areas.index_id = classed.index_id
    and areas.raum_id = classed.raum_id
    and areas.gebietsstand = classed.gebietsstand
    and areas.stichtag = classed.stichtag
inner join dated
    on dated.index_id = classed.index_id
    and dated.gebietsstand = classed.gebietsstand
    and dated.stichtag = classed.stichtag
