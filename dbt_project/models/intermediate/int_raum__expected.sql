{{ config(materialized='table') }}
{# The areas of which a feed must say something at a Stichtag: those of the Kommunen that the
   Liefereinheit serves; with the delivery that came, if one did. `freigegeben`: whether values
   of the area may be published: the Kommune takes part and has released the theme up to the
   Stichtag, and the agreement allows small areas. `wartet`: nothing is missing but that release.
   Grain: feed × Liefereinheit × Stichtag × area. #}
with served as (
    select rule.feed, rule.liefereinheit, kommune.raum_id as kommune_id, kommune.gebietsstand
    from {{ source('warehouse', 'rule_liefereinheit') }} as rule
    inner join {{ ref('dim_raum') }} as kommune
        on kommune.raumebene = 'kommune'
        and (rule.kommune_id is null or rule.kommune_id = kommune.raum_id)
),

agreed as (
    select
        stichtage.feed,
        stichtage.liefereinheit,
        stichtage.stichtag,
        -- Where several agreements cover a delivery the stricter one wins.
        min(case when agreement.kleinraeumig then 1 else 0 end) = 1 as kleinraeumig
    from {{ ref('int_stichtag__expected') }} as stichtage
    inner join {{ source('warehouse', 'rule_agreement') }} as agreement
        on agreement.feed = stichtage.feed
        and agreement.liefereinheit = stichtage.liefereinheit
        and stichtage.stichtag >= agreement.gueltig_ab
        and stichtage.stichtag <= coalesce(agreement.gueltig_bis, stichtage.stichtag)
    group by stichtage.feed, stichtage.liefereinheit, stichtage.stichtag
),

released as (
    select distinct served.feed, served.kommune_id, rule.stichtag_bis
    from served
    inner join {{ source('warehouse', 'rule_feed') }} as feed on feed.feed = served.feed
    inner join {{ source('warehouse', 'rule_freigabe') }} as rule
        on (rule.kommune_id is null or rule.kommune_id = served.kommune_id)
        and (rule.thema is null or rule.thema = feed.thema)
),

expected as (
    select
        stichtage.feed,
        stichtage.liefereinheit,
        stichtage.stichtag,
        raum.raum_id,
        raum.gebietsstand,
        raum.raumebene,
        raum.kommune_id,
        valid.delivery_id,
        dated.publishable_from,
        raum.raumebene = 'ohne_raum' as ohne_raum,
        coalesce(agreed.kleinraeumig, false) and coalesce(kommune.teilnahme, true) as erlaubt,
        exists (
            select 1 from released
            where released.feed = stichtage.feed
                and released.kommune_id = raum.kommune_id
                and stichtage.stichtag <= coalesce(released.stichtag_bis, stichtage.stichtag)
        ) as von_kommune
    from {{ ref('int_stichtag__expected') }} as stichtage
    inner join served
        on served.feed = stichtage.feed
        and served.liefereinheit = stichtage.liefereinheit
        and served.gebietsstand = stichtage.gebietsstand
    inner join {{ ref('dim_raum') }} as raum
        on raum.kommune_id = served.kommune_id
        and raum.gebietsstand = served.gebietsstand
        and raum.raumebene in ('sozialraum', 'ohne_raum')
        and not raum.unbewohnt
    left join {{ ref('int_lieferung__valid') }} as valid
        on valid.feed = stichtage.feed
        and valid.liefereinheit = stichtage.liefereinheit
        and valid.stichtag = stichtage.stichtag
    left join {{ ref('int_delivery__dated') }} as dated on dated.delivery_id = valid.delivery_id
    left join agreed
        on agreed.feed = stichtage.feed
        and agreed.liefereinheit = stichtage.liefereinheit
        and agreed.stichtag = stichtage.stichtag
    left join {{ source('warehouse', 'rule_kommune') }} as kommune
        on kommune.kommune_id = raum.kommune_id
)

select
    feed,
    liefereinheit,
    stichtag,
    raum_id,
    gebietsstand,
    raumebene,
    kommune_id,
    delivery_id,
    publishable_from,
    ohne_raum or (erlaubt and von_kommune) as freigegeben,
    not ohne_raum and erlaubt and not von_kommune as wartet
from expected
