{{ needs('ewo_bewegung') }}
{# Movements of a year, by the day of the event. What was booked after the agreed day (days after the
   Stichtag, buchungsschluss_tage of the contract) does not count, nor does an event of another
   year that was booked late. Children under 6 by their age on the day of the event.
   Grain: delivery × area × merkmal. #}
with events as (
    select
        event.delivery_id,
        event.liefereinheit,
        platz.raum_id,
        platz.gebietsstand,
        event.stichtag,
        case event.bewegungsart
            when 'geburt' then 'geburten'
            when 'sterbefall' then 'sterbefaelle'
            when 'zuzug' then 'zuzuege'
            when 'fortzug' then 'fortzuege'
            when 'umzug' then 'umzuege_im_kreis'
        end as merkmal,
        {{ jahre_am('event.ereignisdatum', 'event.geburtsmonat') }} as jahre
    from {{ ref('stg_ewo__bewegungen') }} as event
    inner join {{ source('warehouse', 'rule_feed') }} as rule on rule.feed = 'ewo_bewegung'
    {{ join_placement('event', 'ewo_bewegung') }}
    where extract(year from event.ereignisdatum) = extract(year from event.stichtag)
        and event.ereignisdatum <= event.stichtag
        and {{ days_between('event.stichtag', 'event.verarbeitungsdatum') }}
            <= coalesce(rule.buchungsschluss_tage, 0)
),

named as (
    select delivery_id, liefereinheit, raum_id, gebietsstand, stichtag, merkmal from events
    union all
    select delivery_id, liefereinheit, raum_id, gebietsstand, stichtag, concat(merkmal, '_u6')
    from events
    where merkmal in ('zuzuege', 'fortzuege') and jahre < 6
)

select
    'ewo_bewegung' as feed,
    delivery_id,
    liefereinheit,
    raum_id,
    gebietsstand,
    stichtag,
    merkmal,
    count(*) as anzahl,
    cast(null as varchar) as zustand,
    false as geschaetzt
from named
group by delivery_id, liefereinheit, raum_id, gebietsstand, stichtag, merkmal
