{# Cases and places by area. An area of a delivered Stichtag without a case has 0; what did not
   come is nicht_geliefert, not 0 and not absent. #}
with merkmale as (
    select * from {{ ref('merkmale') }} where fakt = 'fallzahl'
),

{{ fact_of(ref('int_fallzahl__united'), 'merkmale', ['merkmal']) }}

select
    united.raum_id,
    united.gebietsstand,
    united.stichtag,
    united.merkmal,
    case
        when united.status in ('ok', 'nicht_freigegeben') then cast(united.anzahl as bigint)
    end as anzahl,
    united.status,
    united.status = 'nicht_freigegeben' and united.wartet as wartet,
    united.geschaetzt,
    rule.thema,
    united.delivery_id,
    united.publishable_from
from united
inner join {{ source('warehouse', 'rule_feed') }} as rule on rule.feed = united.feed
