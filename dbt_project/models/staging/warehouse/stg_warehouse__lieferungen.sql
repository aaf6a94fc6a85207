{# Grain: try to land a delivery. #}
select feed, partner, liefereinheit, stichtag, result, delivery_id, publishable_from, tried_at
from {{ source('warehouse', 'lieferungen') }}
