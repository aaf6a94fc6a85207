{# Areas of all levels that partners deliver. Grain: area. #}
{% set sources = [
    ('stg_geoportal__planungsraeume', 'lor_planungsraeume'),
    ('stg_geoportal__bezirksregionen', 'lor_bezirksregionen'),
    ('stg_geoportal__bezirke', 'lor_bezirke'),
] %}

{% for model, feed in sources %}
select areas.raum_id, areas.raum_name, areas.flaeche_km2, rule.raumebene, rule.gebietsstand
from {{ ref(model) }} as areas
inner join {{ source('warehouse', 'rule_feed') }} as rule on rule.feed = '{{ feed }}'
{% if not loop.last %}union all{% endif %}
{% endfor %}
