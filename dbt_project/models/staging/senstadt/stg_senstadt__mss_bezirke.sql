{# Grain: area × Stichtag × merkmal. #}
{% for merkmal in ['arbeitslose', 'langzeitarbeitslose', 'transferbezug', 'transferbezug_u15'] %}
select
    raum_id,
    stichtag,
    delivery_id,
    einwohner,
    'mss_{{ merkmal }}' as merkmal,
    anteil_{{ merkmal }} as anteil,
    cast(null as varchar) as anteil_zustand,
    veraenderung_{{ merkmal }} as veraenderung,
    cast(null as varchar) as veraenderung_zustand
from {{ source('landing', 'mss_bezirke') }}
{% if not loop.last %}union all{% endif %}
{% endfor %}
