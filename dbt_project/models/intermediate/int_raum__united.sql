{# Areas of all levels that partners deliver; other systems of areas are not among them.
   Grain: area × Gebietsstand. #}
{% for feed in area_feeds() %}
select areas.raum_id, areas.raum_name, areas.flaeche_km2, rule.raumebene, stand.gebietsstand
from {{ staging_of(feed) }} as areas
inner join {{ source('warehouse', 'rule_feed') }} as rule on rule.feed = '{{ feed }}'
{{ join_gebietsstand('areas', feed) }}
{% if not loop.last %}union all{% endif %}
{% else %}
select cast(null as varchar) as raum_id, cast(null as varchar) as raum_name,
    cast(null as double) as flaeche_km2, cast(null as varchar) as raumebene,
    cast(null as varchar) as gebietsstand
where false
{% endfor %}
