{# Inhabitants. Every inhabited Sozialraum has every cell at every Stichtag that was delivered
   or expected: what did not come is nicht_geliefert, not absent. #}
with cells as (
    select distinct
        'melderegister' as basis,
        altersgruppe,
        geschlecht,
        'insgesamt' as staatsangehoerigkeit
    from {{ ref('altersgruppen') }}
    where art <> 'grob'
),

expected as (
    select raum.raum_id, raum.gebietsstand, stichtage.stichtag,
        cells.basis, cells.altersgruppe, cells.geschlecht, cells.staatsangehoerigkeit
    from {{ ref('dim_raum') }} as raum
    inner join {{ ref('int_stichtag__expected') }} as stichtage
        on stichtage.feed = 'einwohnerregister' and stichtage.gebietsstand = raum.gebietsstand
    cross join cells
    where raum.raumebene = 'sozialraum' and not raum.unbewohnt
)

select
    expected.raum_id,
    expected.gebietsstand,
    expected.stichtag,
    expected.basis,
    expected.altersgruppe,
    expected.geschlecht,
    expected.staatsangehoerigkeit,
    counts.anzahl,
    case when counts.anzahl is null then 'nicht_geliefert' else 'ok' end as status,
    rule.thema,
    counts.delivery_id,
    dated.publishable_from
from expected
inner join {{ source('warehouse', 'rule_feed') }} as rule on rule.feed = 'einwohnerregister'
left join {{ ref('int_bevoelkerung__decoded') }} as counts
    on counts.raum_id = expected.raum_id
    and counts.stichtag = expected.stichtag
    and counts.basis = expected.basis
    and counts.altersgruppe = expected.altersgruppe
    and counts.geschlecht = expected.geschlecht
    and counts.staatsangehoerigkeit = expected.staatsangehoerigkeit
left join {{ ref('int_delivery__dated') }} as dated on dated.delivery_id = counts.delivery_id
