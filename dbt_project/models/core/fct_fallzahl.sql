{# Cases and places by area. An area of a delivered Stichtag without a facility has 0 places;
   what did not come is nicht_geliefert. #}
with mss_merkmale as (
    select merkmal from (
        values ('mss_arbeitslose'), ('mss_langzeitarbeitslose'),
            ('mss_transferbezug'), ('mss_transferbezug_u15')
    ) as declared (merkmal)
),

mss as (
    select
        raum.raum_id,
        raum.gebietsstand,
        stichtage.stichtag,
        mss_merkmale.merkmal,
        case when rebuilt.anteil_zustand is null then rebuilt.zaehler end as anzahl,
        case
            when rebuilt.anteil_zustand is not null then {{ status_of_state('rebuilt.anteil_zustand') }}
            when rebuilt.zaehler is null then 'nicht_geliefert'
            else 'ok'
        end as status,
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
    select raum_id, gebietsstand, stichtag, merkmal, anzahl, status,
        'soziale_lage' as thema, delivery_id
    from mss
    union all
    select raum_id, gebietsstand, stichtag, merkmal, anzahl, status,
        'kinderbetreuung' as thema, delivery_id
    from kita
)

select
    united.raum_id,
    united.gebietsstand,
    united.stichtag,
    united.merkmal,
    cast(united.anzahl as bigint) as anzahl,
    united.status,
    false as geschaetzt,
    united.thema,
    united.delivery_id,
    dated.publishable_from
from united
left join {{ ref('int_delivery__dated') }} as dated on dated.delivery_id = united.delivery_id
