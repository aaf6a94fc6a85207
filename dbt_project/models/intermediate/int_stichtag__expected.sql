{# Every Stichtag of which a delivery has come, was refused or is missing, and the Gebietsstand that
   it speaks of. Grain: feed × Liefereinheit × Stichtag. #}
select distinct
    lieferungen.feed,
    lieferungen.liefereinheit,
    lieferungen.stichtag,
    coalesce(rule.gebietsstand, stand.gebietsstand) as gebietsstand
from {{ ref('stg_warehouse__lieferungen') }} as lieferungen
inner join {{ source('warehouse', 'rule_feed') }} as rule on rule.feed = lieferungen.feed
left join {{ source('warehouse', 'rule_gebietsstand') }} as stand
    on rule.gebietsstand is null
    and lieferungen.stichtag >= coalesce(stand.gueltig_ab, lieferungen.stichtag)
    and lieferungen.stichtag <= coalesce(stand.gueltig_bis, lieferungen.stichtag)
where lieferungen.stichtag is not null
    and lieferungen.liefereinheit is not null
    and lieferungen.result in (
        'accepted', 'rejected', 'not_delivered', 'not_agreed', 'purged', 'unchanged', 'duplicate'
    )
