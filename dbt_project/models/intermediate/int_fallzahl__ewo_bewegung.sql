{{ needs('ewo_bewegung') }}
{# Movements of a year, by the day of the event. What was booked after the agreed day (days after the
   Stichtag, buchungsschluss_tage of the contract) does not count, nor does an event of another
   year that was booked late. Grain: delivery × area × merkmal. #}
select
    'ewo_bewegung' as feed,
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
    count(*) as anzahl,
    cast(null as varchar) as zustand,
    false as geschaetzt
from {{ ref('stg_ewo__bewegungen') }} as event
inner join {{ source('warehouse', 'rule_feed') }} as rule on rule.feed = 'ewo_bewegung'
{{ join_placement('event', 'ewo_bewegung') }}
where extract(year from event.ereignisdatum) = extract(year from event.stichtag)
    and event.ereignisdatum <= event.stichtag
    and {{ days_between('event.stichtag', 'event.verarbeitungsdatum') }}
        <= coalesce(rule.buchungsschluss_tage, 0)
group by event.delivery_id, event.liefereinheit, platz.raum_id, platz.gebietsstand,
    event.stichtag, event.bewegungsart
