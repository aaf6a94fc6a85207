{{ needs('ba_kommunal') }}
{# Unemployed by area, and what a Kommune's own delivered total has beyond its areas: that belongs
   to its pseudo-area, but only if no area is suppressed, for else the difference would tell what
   the partner withheld; then it is suppressed as well. Grain: delivery × area × merkmal. #}
with cells as (
    select workbook.*, stand.gebietsstand
    from {{ ref('stg_ba__kommunal') }} as workbook
    {{ join_gebietsstand('workbook', 'ba_kommunal') }}
    where workbook.merkmal in (
        'arbeitslose', 'arbeitslose_sgb2', 'arbeitslose_15_24', 'langzeitarbeitslose'
    )
),

parts as (
    select cells.*, raum.raumebene, raum.kommune_id
    from cells
    left join {{ ref('dim_raum') }} as raum
        on raum.raum_id = cells.raum_id and raum.gebietsstand = cells.gebietsstand
),

totals as (
    select delivery_id, merkmal, raum_id as kommune_id, anzahl
    from parts
    where raumebene = 'kommune' and anzahl is not null and anzahl__zustand is null
),

sums as (
    select
        parts.delivery_id,
        parts.liefereinheit,
        parts.stichtag,
        parts.gebietsstand,
        parts.merkmal,
        parts.kommune_id,
        totals.anzahl as gesamt,
        sum(case when parts.raumebene = 'sozialraum' then parts.anzahl end) as summe,
        sum(case when parts.anzahl is null then 1 else 0 end) as verdeckt
    from parts
    inner join totals
        on totals.delivery_id = parts.delivery_id
        and totals.merkmal = parts.merkmal
        and totals.kommune_id = parts.kommune_id
    where parts.raumebene in ('sozialraum', 'ohne_raum')
    group by parts.delivery_id, parts.liefereinheit, parts.stichtag, parts.gebietsstand,
        parts.merkmal, parts.kommune_id, totals.anzahl
)

select
    'ba_kommunal' as feed,
    parts.delivery_id,
    parts.liefereinheit,
    parts.raum_id,
    parts.gebietsstand,
    parts.stichtag,
    parts.merkmal,
    parts.anzahl,
    parts.anzahl__zustand as zustand,
    {{ is_estimate('parts.anzahl__zustand') }} as geschaetzt
from parts
left join sums
    on sums.delivery_id = parts.delivery_id
    and sums.merkmal = parts.merkmal
    and sums.kommune_id = parts.kommune_id
where parts.raumebene is null
    or parts.raumebene = 'sozialraum'
    or (parts.raumebene = 'ohne_raum' and sums.kommune_id is null)
union all
select
    'ba_kommunal',
    delivery_id,
    liefereinheit,
    concat(kommune_id, '-ohne'),
    gebietsstand,
    stichtag,
    merkmal,
    case when verdeckt = 0 then gesamt - summe end,
    case when verdeckt > 0 then 'suppressed' end,
    false
from sums
