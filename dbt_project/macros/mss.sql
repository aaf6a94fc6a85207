{# Monitoring Soziale Stadtentwicklung: its four numerators, told once. #}
{% macro mss_merkmale() -%}
    {{ return(['arbeitslose', 'langzeitarbeitslose', 'transferbezug', 'transferbezug_u15']) }}
{%- endmacro %}

{# The numerators as rows of one column `merkmal`. #}
{% macro mss_merkmal_rows() -%}
    {% for merkmal in mss_merkmale() -%}
    select 'mss_{{ merkmal }}' as merkmal
    {% if not loop.last %}union all {% endif %}
    {%- endfor %}
{%- endmacro %}

{# A landed table of shares as rows: area × Stichtag × merkmal. Without marks there are no states. #}
{% macro mss_shares(feed, marks=true) -%}
    {% for merkmal in mss_merkmale() -%}
    select
        raum_id,
        stichtag,
        delivery_id,
        liefereinheit,
        einwohner,
        'mss_{{ merkmal }}' as merkmal,
        anteil_{{ merkmal }} as anteil,
        {{ 'anteil_' ~ merkmal ~ '__zustand' if marks else 'cast(null as varchar)' }} as anteil_zustand,
        veraenderung_{{ merkmal }} as veraenderung,
        {{ 'veraenderung_' ~ merkmal ~ '__zustand' if marks else 'cast(null as varchar)' }}
            as veraenderung_zustand
    from {{ source('landing', feed) }}
    {% if not loop.last %}union all {% endif %}
    {%- endfor %}
{%- endmacro %}
