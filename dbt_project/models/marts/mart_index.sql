{# Indices as the region declares them: parts, weights, class limits and exclusions are rows of
   rule_index*; the arithmetic is the macro index_values. Where a region declares so, the class rests
   on all figures and is released as such; summe and index_wert never do.
   Values come from published numerators and denominators, not from `wert`: a denominator too
   small to speak for itself (zu_klein) may still serve in an index. #}
{%- set rules = source('warehouse', 'rule_index') %}
{%- set parts = source('warehouse', 'rule_index_part') %}
with newest as (
    select indikator_id, max(version) as version
    from {{ ref('dim_indikator') }}
    group by indikator_id
),

{{ aligned_stichtage(rules, parts, 'index_id') }},

figures as (
    select
        aligned.index_id,
        indikator.raum_id,
        indikator.gebietsstand,
        aligned.stichtag,
        aligned.indikator_id,
        case
            when indikator.status not in ('ok', 'zu_klein') then null
            when indikator.nenner > 0 then {{ as_burden(
                'cast(indikator.zaehler as double) / indikator.nenner', 'dim.polaritaet'
            ) }}
            else {{ as_burden('indikator.wert', 'dim.polaritaet') }}
        end as wert,
        indikator.status
    from aligned
    inner join {{ ref('mart_indikator') }} as indikator
        on indikator.indikator_id = aligned.indikator_id
        and indikator.gebietsstand = aligned.gebietsstand
        and indikator.stichtag = aligned.teil_stichtag
        and indikator.raumebene = 'sozialraum'
    inner join newest
        on newest.indikator_id = indikator.indikator_id and newest.version = indikator.version
    inner join {{ ref('dim_indikator') }} as dim
        on dim.indikator_id = indikator.indikator_id and dim.version = indikator.version
),

members as (
    select
        area.index_id,
        area.raum_id,
        area.gebietsstand,
        area.stichtag,
        part.indikator_id,
        figures.wert,
        coalesce(figures.status, 'nicht_geliefert') as status
    from (select distinct index_id, raum_id, gebietsstand, stichtag from figures) as area
    inner join {{ parts }} as part on part.index_id = area.index_id
    left join figures
        on figures.index_id = area.index_id
        and figures.raum_id = area.raum_id
        and figures.gebietsstand = area.gebietsstand
        and figures.stichtag = area.stichtag
        and figures.indikator_id = part.indikator_id
),

areas as (
    select
        members.index_id,
        members.raum_id,
        members.gebietsstand,
        members.stichtag,
        cast(count(members.wert) as integer) as teile,
        {{ joined_texts(
            'case when members.wert is null then members.indikator_id end', ', ',
            'members.indikator_id'
        ) }} as fehlende_teile,
        case
            when max(case when exclusion.raum_id is not null then 1 else 0 end) = 1
                then 'nicht_zutreffend'
            when count(*) - count(members.wert) <= max(rule.hoechstens_fehlend)
                and count(members.wert) > 0 then 'ok'
            else coalesce(
                {% for status in ['geheim', 'nicht_freigegeben', 'nicht_geliefert'] -%}
                max(case when members.status = '{{ status }}' then members.status end),
                {% endfor -%}
                max(case when members.wert is null then members.status end)
            )
        end as status
    from members
    inner join {{ rules }} as rule on rule.index_id = members.index_id
    left join {{ source('warehouse', 'rule_index_exclusion') }} as exclusion
        on exclusion.index_id = members.index_id and exclusion.raum_id = members.raum_id
    group by members.index_id, members.raum_id, members.gebietsstand, members.stichtag
),

{{ index_values() }},

-- A part that is missing at one of two Stichtage would look like a change; without a reference
-- there is no scale on which one could be told.
compared as (
    select
        areas.*,
        rule.referenz_stichtag,
        classed.summe,
        classed.index_wert,
        classed.klasse,
        lag(classed.index_wert) over earlier as vorher,
        coalesce(lag(areas.fehlende_teile) over earlier, '') as vorher_fehlend
    from areas
    inner join {{ rules }} as rule on rule.index_id = areas.index_id
    left join classed
        on classed.index_id = areas.index_id
        and classed.raum_id = areas.raum_id
        and classed.gebietsstand = areas.gebietsstand
        and classed.stichtag = areas.stichtag
    window earlier as (
        partition by areas.index_id, areas.gebietsstand, areas.raum_id order by areas.stichtag
    )
)

select
    compared.raum_id,
    compared.gebietsstand,
    'sozialraum' as raumebene,
    compared.stichtag,
    compared.index_id,
    compared.summe,
    compared.index_wert,
    coalesce(released.klasse, compared.klasse) as klasse,
    case
        when compared.index_wert is not null
            then cast(rank() over (
                partition by compared.index_id, compared.gebietsstand, compared.stichtag
                order by compared.index_wert desc nulls last
            ) as integer)
    end as rang,
    case
        when compared.referenz_stichtag is not null
            and coalesce(compared.fehlende_teile, '') = compared.vorher_fehlend
            then compared.index_wert - compared.vorher
    end as veraenderung,
    compared.teile,
    compared.fehlende_teile,
    case
        when released.klasse is not null then 'ok'
        when compared.status = 'ok' and compared.klasse is null then 'nicht_vergleichbar'
        else compared.status
    end as status
from compared
left join {{ source('released', 'indexklasse') }} as released
    on released.index_id = compared.index_id
    and released.raum_id = compared.raum_id
    and released.gebietsstand = compared.gebietsstand
    and released.stichtag = compared.stichtag
    and released.status = 'ok'
