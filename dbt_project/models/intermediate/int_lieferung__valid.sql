{{ config(materialized='table') }}
{# The delivery that counts for a feed, Liefereinheit and Stichtag: the one that lies in landing,
   or, where its persons have been purged, the archive of the last one.
   Grain: feed × Liefereinheit × Stichtag. #}
with landed as (
    {% for feed in feeds_here(
        bevoelkerung_feeds() + fallzahl_feeds() + lieferwert_feeds()
    ) | unique -%}
    select distinct '{{ feed }}' as feed, delivery_id, liefereinheit, stichtag
    from {{ staging_of(feed) }}
    {% if not loop.last %}union all{% endif %}
    {% else -%}
    select cast(null as varchar) as feed, cast(null as varchar) as delivery_id,
        cast(null as varchar) as liefereinheit, cast(null as date) as stichtag
    where false
    {% endfor %}
),

archived as (
    select delivery_id from {{ source('archive', 'bevoelkerung') }}
    union
    select delivery_id from {{ source('archive', 'fallzahl') }}
),

-- Without an archive a purged delivery is one that has not come: it must not count as zero.
purged as (
    select
        tries.feed,
        tries.delivery_id,
        tries.liefereinheit,
        tries.stichtag,
        row_number() over (
            partition by tries.feed, tries.liefereinheit, tries.stichtag
            order by max(case when tries.result = 'accepted' then tries.tried_at end) desc
                nulls last, tries.delivery_id
        ) as rang
    from {{ ref('stg_warehouse__lieferungen') }} as tries
    inner join archived on archived.delivery_id = tries.delivery_id
    group by tries.feed, tries.delivery_id, tries.liefereinheit, tries.stichtag
    having sum(case when tries.result = 'purged' then 1 else 0 end) > 0
)

select feed, delivery_id, liefereinheit, stichtag, false as archiviert from landed
union all
select purged.feed, purged.delivery_id, purged.liefereinheit, purged.stichtag, true
from purged
left join landed
    on landed.feed = purged.feed
    and landed.liefereinheit = purged.liefereinheit
    and landed.stichtag = purged.stichtag
where purged.rang = 1 and landed.feed is null
