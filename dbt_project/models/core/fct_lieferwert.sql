{# Figures and classes that a partner delivers without their counts. They are never summed. #}
with merkmale as (
    select * from {{ ref('merkmale') }} where fakt = 'lieferwert'
)

select
    area.raum_id,
    area.gebietsstand,
    area.stichtag,
    merkmale.merkmal,
    figures.wert,
    figures.klasse,
    case
        when not area.freigegeben and area.delivery_id is not null then 'nicht_freigegeben'
        else {{ delivered_status('figures.zustand', 'coalesce(cast(figures.wert as varchar), figures.klasse)') }}
    end as status,
    rule.thema,
    area.delivery_id,
    area.publishable_from
from {{ ref('int_raum__expected') }} as area
inner join {{ source('warehouse', 'rule_feed') }} as rule on rule.feed = area.feed
inner join merkmale on merkmale.feed = area.feed
left join {{ ref('int_lieferwert__united') }} as figures
    on figures.feed = area.feed
    and figures.liefereinheit = area.liefereinheit
    and figures.raum_id = area.raum_id
    and figures.gebietsstand = area.gebietsstand
    and figures.stichtag = area.stichtag
    and figures.merkmal = merkmale.merkmal
-- The figure of a whole Kommune lies in its pseudo-area.
where (merkmale.raumebene = 'sozialraum' and area.raumebene = 'sozialraum')
    or (merkmale.raumebene = 'kommune' and area.raumebene = 'ohne_raum')
