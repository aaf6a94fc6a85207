{# Inhabitants. Every inhabited Sozialraum has every cell at every Stichtag that was delivered
   or expected: what did not come is nicht_geliefert, not absent. #}
with crossings as (
    select kreuzungen.*, merkmale.raumebene, merkmale.leer_ist_null, merkmale.geschaetzt
    from {{ ref('kreuzungen') }} as kreuzungen
    inner join {{ ref('merkmale') }} as merkmale
        on merkmale.feed = kreuzungen.feed and merkmale.fakt = 'bevoelkerung'
),

{{ fact_of(
    ref('int_bevoelkerung__united'), 'crossings',
    ['basis', 'altersgruppe', 'geschlecht', 'staatsangehoerigkeit']
) }}

select
    united.raum_id,
    united.gebietsstand,
    united.stichtag,
    united.basis,
    united.altersgruppe,
    united.geschlecht,
    united.staatsangehoerigkeit,
    case
        when united.status in ('ok', 'nicht_freigegeben') then cast(united.anzahl as bigint)
    end as anzahl,
    united.status,
    united.status = 'nicht_freigegeben' and united.wartet as wartet,
    rule.thema,
    united.delivery_id,
    united.publishable_from
from united
inner join {{ source('warehouse', 'rule_feed') }} as rule on rule.feed = united.feed
