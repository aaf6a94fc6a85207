{# Cases and places by area. An area of a delivered Stichtag without a facility has 0 places;
   what did not come is nicht_geliefert. #}
with mss_merkmale as (
    {{ mss_merkmal_rows() }}
),

mss as (
    select
        raum.raum_id,
        raum.gebietsstand,
        stichtage.stichtag,
        mss_merkmale.merkmal,
        rebuilt.zaehler as anzahl,
        {{ delivered_status('rebuilt.anteil_zustand', 'rebuilt.zaehler') }} as status,
        {{ is_estimate('rebuilt.anteil_zustand') }} as geschaetzt,
        rebuilt.delivery_id
    from {{ ref('dim_raum') }} as raum
    inner join {{ ref('int_stichtag__expected') }} as stichtage
        on stichtage.feed = 'mss_anteile' and stichtage.gebietsstand = raum.gebietsstand
    cross join mss_merkmale
    left join {{ ref('int_mss__rebuilt') }} as rebuilt
        on rebuilt.raum_id = raum.raum_id
        and rebuilt.stichtag = stichtage.stichtag
        and rebuilt.merkmal = mss_merkmale.merkmal
    where raum.raumebene = 'sozialraum' and not raum.unbewohnt
),

kita_sums as (
    select raum_id, stichtag, sum(plaetze) as anzahl, max(delivery_id) as delivery_id
    from {{ ref('int_kita__located') }}
    group by raum_id, stichtag
),

kita_deliveries as (
    select stichtag, max(delivery_id) as delivery_id from kita_sums group by stichtag
),

kita as (
    select
        raum.raum_id,
        raum.gebietsstand,
        stichtage.stichtag,
        'kita_plaetze' as merkmal,
        case
            when kita_deliveries.delivery_id is not null then coalesce(kita_sums.anzahl, 0)
        end as anzahl,
        case
            when kita_deliveries.delivery_id is null then 'nicht_geliefert' else 'ok'
        end as status,
        false as geschaetzt,
        kita_deliveries.delivery_id
    from {{ ref('dim_raum') }} as raum
    inner join {{ ref('int_stichtag__expected') }} as stichtage
        on stichtage.feed = 'kita_verzeichnis' and stichtage.gebietsstand = raum.gebietsstand
    left join kita_deliveries on kita_deliveries.stichtag = stichtage.stichtag
    left join kita_sums
        on kita_sums.raum_id = raum.raum_id and kita_sums.stichtag = stichtage.stichtag
    where (raum.raumebene = 'sozialraum' and not raum.unbewohnt)
        or (raum.raumebene = 'ohne_raum' and kita_sums.raum_id is not null)
),

united as (
    select 'mss_anteile' as feed, mss.* from mss
    union all
    select 'kita_verzeichnis' as feed, kita.* from kita
)

select
    united.raum_id,
    united.gebietsstand,
    united.stichtag,
    united.merkmal,
    case when united.status = 'ok' then cast(united.anzahl as bigint) end as anzahl,
    united.status,
    united.geschaetzt,
    rule.thema,
    united.delivery_id,
    dated.publishable_from
from united
inner join {{ source('warehouse', 'rule_feed') }} as rule on rule.feed = united.feed
left join {{ ref('int_delivery__dated') }} as dated on dated.delivery_id = united.delivery_id
