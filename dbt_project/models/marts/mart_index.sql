{# Indices as the region declares them: parts, weights, class limits and exclusions are rows of
   rule_index*. `z_population`: each part is standardised over the areas that take part, with
   their unweighted mean and the population standard deviation; the weighted z-values are summed
   and the sum is standardised again. Nothing is rounded on the way.
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

standardised as (
    select
        members.index_id,
        members.raum_id,
        members.gebietsstand,
        members.stichtag,
        members.gewicht * (members.wert - avg(members.wert) over peers)
            / nullif(stddev_pop(members.wert) over peers, 0) as z_gewichtet
    from members
    inner join areas
        on areas.index_id = members.index_id
        and areas.raum_id = members.raum_id
        and areas.gebietsstand = members.gebietsstand
        and areas.stichtag = members.stichtag
    where areas.status = 'ok'
    window peers as (
        partition by members.index_id, members.gebietsstand, members.stichtag,
            members.indikator_id
    )
),

sums as (
    select index_id, raum_id, gebietsstand, stichtag, sum(z_gewichtet) as summe
    from standardised
    group by index_id, raum_id, gebietsstand, stichtag
),

indexed as (
    select
        sums.*,
        (summe - avg(summe) over peers) / nullif(stddev_pop(summe) over peers, 0) as index_wert
    from sums
    window peers as (partition by index_id, gebietsstand, stichtag)
)

select
    areas.raum_id,
    areas.gebietsstand,
    areas.raumebene,
    areas.stichtag,
    areas.index_id,
    indexed.summe,
    indexed.index_wert,
    class.klasse,
    areas.status
from areas
left join indexed
    on indexed.index_id = areas.index_id
    and indexed.raum_id = areas.raum_id
    and indexed.gebietsstand = areas.gebietsstand
    and indexed.stichtag = areas.stichtag
left join {{ source('warehouse', 'rule_index_class') }} as class
    on class.index_id = areas.index_id
    and (
        class.ueber is null
        or indexed.index_wert > class.ueber
        or (class.ueber_einschliesslich and indexed.index_wert = class.ueber)
    )
    and (
        class.bis is null
        or indexed.index_wert < class.bis
        or (class.bis_einschliesslich and indexed.index_wert = class.bis)
    )
    and indexed.index_wert is not null
