{# Indices as the region declares them: parts, weights, class limits and exclusions are rows of
   rule_index*; the arithmetic is the macro z_population_index. Where a region declares so, the
   class rests on all figures and is released as such; summe and index_wert never do.
   Values come from published numerators and denominators, not from `wert`: a denominator too
   small to speak for itself (zu_klein) may still serve in an index. #}
with members as (
    select
        part.index_id,
        part.gewicht,
        indikator.raum_id,
        indikator.gebietsstand,
        indikator.raumebene,
        indikator.stichtag,
        indikator.indikator_id,
        case
            when indikator.status not in ('ok', 'zu_klein') then null
            when indikator.nenner > 0
                then cast(indikator.zaehler as double) / indikator.nenner
            else indikator.wert
        end as wert,
        indikator.status,
        exclusion.raum_id is not null as ausgeschlossen
    from {{ ref('mart_indikator') }} as indikator
    inner join {{ source('warehouse', 'rule_index_part') }} as part
        on part.indikator_id = indikator.indikator_id
    left join {{ source('warehouse', 'rule_index_exclusion') }} as exclusion
        on exclusion.index_id = part.index_id and exclusion.raum_id = indikator.raum_id
    where indikator.raumebene = 'sozialraum'
),

areas as (
    select
        members.index_id,
        members.raum_id,
        members.gebietsstand,
        members.raumebene,
        members.stichtag,
        case
            when max(case when members.ausgeschlossen then 1 else 0 end) = 1
                then 'nicht_zutreffend'
            when count(members.wert) = max(parts.anzahl) then 'ok'
            else coalesce(
                {% for status in ['geheim', 'nicht_freigegeben', 'nicht_geliefert'] -%}
                max(case when members.status = '{{ status }}' then members.status end),
                {% endfor -%}
                max(case when members.wert is null then members.status end),
                'nicht_geliefert'
            )
        end as status
    from members
    inner join (
        select index_id, count(*) as anzahl
        from {{ source('warehouse', 'rule_index_part') }}
        group by index_id
    ) as parts on parts.index_id = members.index_id
    group by members.index_id, members.raum_id, members.gebietsstand, members.raumebene,
        members.stichtag
),

{{ z_population_index() }}

select
    areas.raum_id,
    areas.gebietsstand,
    areas.raumebene,
    areas.stichtag,
    areas.index_id,
    classed.summe,
    classed.index_wert,
    coalesce(released.klasse, classed.klasse) as klasse,
    case when released.klasse is not null then 'ok' else areas.status end as status
from areas
left join classed
    on classed.index_id = areas.index_id
    and classed.raum_id = areas.raum_id
    and classed.gebietsstand = areas.gebietsstand
    and classed.stichtag = areas.stichtag
left join {{ source('released', 'indexklasse') }} as released
    on released.index_id = areas.index_id
    and released.raum_id = areas.raum_id
    and released.gebietsstand = areas.gebietsstand
    and released.stichtag = areas.stichtag
    and released.status = 'ok'
