{# Indices as the region declares them: parts, weights, class limits and exclusions are rows of
   rule_index*; the arithmetic is the macro index_values. Where a region declares so, the class rests
   on all counts and is the released one or none; summe and index_wert never do.
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

-- Where a class that rests on all counts is withheld, its numbers are, too.
told as (
    select
        areas.*,
        rule.referenz_stichtag,
        case when not rule.klasse_aus_allen or released.status = 'ok' then classed.summe end
            as summe,
        case when not rule.klasse_aus_allen or released.status = 'ok' then classed.index_wert end
            as index_wert,
        case when rule.klasse_aus_allen then released.klasse else classed.klasse end as klasse,
        released.status as freigabe
    from areas
    inner join {{ rules }} as rule on rule.index_id = areas.index_id
    left join classed
        on classed.index_id = areas.index_id
        and classed.raum_id = areas.raum_id
        and classed.gebietsstand = areas.gebietsstand
        and classed.stichtag = areas.stichtag
    left join {{ source('released', 'indexklasse') }} as released
        on rule.klasse_aus_allen
        and released.index_id = areas.index_id
        and released.raum_id = areas.raum_id
        and released.gebietsstand = areas.gebietsstand
        and released.stichtag = areas.stichtag
),

-- A part that is missing at one of two Stichtage would look like a change; without a reference
-- there is no scale on which one could be told.
compared as (
    select
        told.*,
        lag(told.index_wert) over earlier as vorher,
        coalesce(lag(told.fehlende_teile) over earlier, '') as vorher_fehlend
    from told
    window earlier as (
        partition by told.index_id, told.gebietsstand, told.raum_id order by told.stichtag
    )
)

select
    raum_id,
    gebietsstand,
    'sozialraum' as raumebene,
    stichtag,
    index_id,
    summe,
    index_wert,
    klasse,
    case
        when index_wert is not null
            then cast(rank() over (
                partition by index_id, gebietsstand, stichtag
                order by index_wert desc nulls last
            ) as integer)
    end as rang,
    case
        when referenz_stichtag is not null and coalesce(fehlende_teile, '') = vorher_fehlend
            then index_wert - vorher
    end as veraenderung,
    teile,
    fehlende_teile,
    case
        when freigabe is not null then freigabe
        when status = 'ok' and klasse is null then 'nicht_vergleichbar'
        else status
    end as status
from compared
