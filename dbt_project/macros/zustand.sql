{# The status that a partner's mark leads to; the marks themselves stand in the contracts. #}
{% macro status_of_state(column) -%}
    case
        when {{ column }} in ('suppressed', 'suppressed_or_unknown') then 'geheim'
        when {{ column }} in ('pending', 'unreliable') then 'nicht_geliefert'
        when {{ column }} = 'not_applicable' then 'nicht_zutreffend'
        else 'ok'
    end
{%- endmacro %}
