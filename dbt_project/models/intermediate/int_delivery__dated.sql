{# From which day the values of a delivery may leave the sealed zone. Grain: delivery. #}
select delivery_id, max(publishable_from) as publishable_from
from {{ ref('stg_warehouse__lieferungen') }}
where delivery_id is not null
group by delivery_id
