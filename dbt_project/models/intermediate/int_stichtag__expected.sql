{# Every Stichtag of which a delivery has come, was refused or is missing. Grain: feed × Stichtag. #}
select distinct
    lieferungen.feed,
    lieferungen.stichtag,
    rule.gebietsstand
from {{ ref('stg_warehouse__lieferungen') }} as lieferungen
inner join {{ source('warehouse', 'rule_feed') }} as rule on rule.feed = lieferungen.feed
where lieferungen.stichtag is not null
