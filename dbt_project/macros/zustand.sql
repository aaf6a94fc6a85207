{# What becomes of a cell whose partner may have printed a mark. The marks themselves stand in the
   contracts; they have landed as states beside the value. #}

{# Status of a delivered value: its state decides, then whether it came at all. #}
{% macro delivered_status(state, value) -%}
    case
        when {{ state }} in ('suppressed', 'suppressed_or_unknown') then 'geheim'
        when {{ state }} in ('pending', 'unreliable') then 'nicht_geliefert'
        when {{ state }} = 'not_applicable' then 'nicht_zutreffend'
        when {{ value }} is null then 'nicht_geliefert'
        else 'ok'
    end
{%- endmacro %}

{# A zero that stands for less than half of the unit is an estimate. #}
{% macro is_estimate(state) -%}
    coalesce({{ state }} = 'rounded_zero', false)
{%- endmacro %}
