{# Grain: area × Stichtag × merkmal. #}
{% for merkmal in ['arbeitslose', 'langzeitarbeitslose', 'transferbezug', 'transferbezug_u15'] %}
select
    raum_id,
    stichtag,
    delivery_id,
    einwohner,
    'mss_{{ merkmal }}' as merkmal,
    anteil_{{ merkmal }} as anteil,
    {{ 'anteil_' ~ merkmal ~ '__zustand' }} as anteil_zustand,
    veraenderung_{{ merkmal }} as veraenderung,
    {{ 'veraenderung_' ~ merkmal ~ '__zustand' }} as veraenderung_zustand
from {{ source('landing', 'mss_anteile') }}
{% if not loop.last %}union all{% endif %}
{% endfor %}
