{# Classes of the indices for which the region declares `klasse_aus: alle`: a coarse class may rest
   on all delivered figures, those too that are withheld. Only the class goes on from here. #}
with members as (
    select
        part.index_id,
        figures.raum_id,
        figures.gebietsstand,
        figures.stichtag,
        figures.merkmal as indikator_id,
        case when figures.status = 'ok' then {{ as_burden('figures.wert', 'dim.polaritaet') }} end
            as wert,
        figures.thema,
        figures.publishable_from,
        exclusion.raum_id is not null as ausgeschlossen
    from {{ ref('fct_lieferwert') }} as figures
    inner join {{ source('warehouse', 'rule_index_part') }} as part
        on part.indikator_id = figures.merkmal
    inner join {{ source('warehouse', 'rule_index') }} as rule
        on rule.index_id = part.index_id and rule.klasse_aus_allen
    inner join {{ ref('dim_indikator') }} as dim on dim.indikator_id = figures.merkmal
    left join {{ source('warehouse', 'rule_index_exclusion') }} as exclusion
        on exclusion.index_id = part.index_id and exclusion.raum_id = figures.raum_id
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
            when count(members.wert) = max(parts.anzahl)
                and max(case when members.ausgeschlossen then 1 else 0 end) = 0 then 'ok'
            else 'nicht_zutreffend'
        end as status
    from members
    inner join (
        select index_id, count(*) as anzahl
        from {{ source('warehouse', 'rule_index_part') }}
        group by index_id
    ) as parts on parts.index_id = members.index_id
    group by members.index_id, members.raum_id, members.gebietsstand, members.stichtag
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
    areas.publishable_from
from classed
inner join areas
    on areas.index_id = classed.index_id
    and areas.raum_id = classed.raum_id
    and areas.gebietsstand = classed.gebietsstand
    and areas.stichtag = classed.stichtag
