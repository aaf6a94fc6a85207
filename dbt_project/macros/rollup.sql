{# Sums over published parts. A part counts when its status is ok; if none does, the sum has
   the status of its parts, missing before withheld. #}
{% macro rolled_status(column) -%}
    coalesce(
        max(case when {{ column }} = 'ok' then 'ok' end),
        {% for status in ['nicht_geliefert', 'nicht_freigegeben', 'geheim'] -%}
        max(case when {{ column }} = '{{ status }}' then '{{ status }}' end),
        {% endfor -%}
        max({{ column }})
    )
{%- endmacro %}

{# Share of `weight` (the denominator) that the parts with status ok cover: 1 where nothing is
   missing, NULL where the weight of a missing part is not published. #}
{% macro coverage(column, weight) -%}
    case
        when sum(case when {{ column }} = 'ok' then 0 else 1 end) = 0 then cast(1 as double)
        when sum(case when {{ column }} <> 'ok' and {{ weight }} is null then 1 else 0 end) > 0
            then null
        when sum({{ weight }}) > 0 then
            cast(coalesce(sum(case when {{ column }} = 'ok' then {{ weight }} end), 0) as double)
            / sum({{ weight }})
    end
{%- endmacro %}
