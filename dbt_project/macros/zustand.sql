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

{# A zero that stands for less than half of the unit is an estimate, and so is a value that the
   partner calls limited in meaning. #}
{% macro is_estimate(state) -%}
    coalesce({{ state }} in ('rounded_zero', 'flagged'), false)
{%- endmacro %}

{# The state of two values that are added: what hides one hides the sum. #}
{% macro worse_state(one, other) -%}
    case
        {% for state in hiding_states() -%}
        when {{ one }} = '{{ state }}' or {{ other }} = '{{ state }}' then '{{ state }}'
        {% endfor -%}
        else coalesce({{ one }}, {{ other }})
    end
{%- endmacro %}

{# The state of a sum of cells: what hides one hides the sum, and so does a cell without a value. #}
{% macro state_of_sum(state, value) -%}
    coalesce(
        {% for name in hiding_states() -%}
        max(case when {{ state }} = '{{ name }}' then '{{ name }}' end),
        {% endfor -%}
        max(case when {{ value }} is null then 'pending' end)
    )
{%- endmacro %}

{# States under which there is no number, the most severe first. #}
{% macro hiding_states() -%}
    {{ return([
        'suppressed', 'suppressed_or_unknown', 'unreliable', 'pending', 'not_applicable'
    ]) }}
{%- endmacro %}
