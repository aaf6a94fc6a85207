{# Figures that a partner delivers without their counts: changes of the MSS shares in points. #}
with merkmale as (
    {{ mss_merkmal_rows() }}
)

select
    raum.raum_id,
    raum.gebietsstand,
    stichtage.stichtag,
    concat(merkmale.merkmal, '_veraenderung') as merkmal,
    mss.veraenderung as wert,
    {{ delivered_status('mss.veraenderung_zustand', 'mss.veraenderung') }} as status,
    rule.thema,
    mss.delivery_id,
    dated.publishable_from
from {{ ref('dim_raum') }} as raum
inner join {{ ref('int_stichtag__expected') }} as stichtage
    on stichtage.feed = 'mss_anteile' and stichtage.gebietsstand = raum.gebietsstand
inner join {{ source('warehouse', 'rule_feed') }} as rule on rule.feed = stichtage.feed
cross join merkmale
left join {{ ref('stg_senstadt__mss_anteile') }} as mss
    on mss.raum_id = raum.raum_id
    and mss.stichtag = stichtage.stichtag
    and mss.merkmal = merkmale.merkmal
left join {{ ref('int_delivery__dated') }} as dated on dated.delivery_id = mss.delivery_id
where raum.raumebene = 'sozialraum' and not raum.unbewohnt
