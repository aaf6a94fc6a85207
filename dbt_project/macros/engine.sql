{# What engines spell differently. DuckDB and Spark; everything else is plain SQL. #}

{# Columns into rows: every column of `columns` becomes a row with its name and its value. #}
{% macro unpivot(relation, keys, columns, name_to, value_to) -%}
    {{ return(adapter.dispatch('unpivot')(relation, keys, columns, name_to, value_to)) }}
{%- endmacro %}

{% macro duckdb__unpivot(relation, keys, columns, name_to, value_to) -%}
    select {{ keys | join(', ') }}, {{ name_to }}, {{ value_to }}
    from {{ relation }}
    unpivot include nulls ({{ value_to }} for {{ name_to }} in ({{ columns | join(', ') }}))
{%- endmacro %}

{% macro spark__unpivot(relation, keys, columns, name_to, value_to) -%}
    select {{ keys | join(', ') }},
        stack({{ columns | length }}{% for c in columns %}, '{{ c }}', {{ c }}{% endfor %})
            as ({{ name_to }}, {{ value_to }})
    from {{ relation }}
{%- endmacro %}

{# Whole days from `earlier` to `later`. #}
{% macro days_between(earlier, later) -%}
    {{ return(adapter.dispatch('days_between')(earlier, later)) }}
{%- endmacro %}

{% macro duckdb__days_between(earlier, later) -%}
    date_diff('day', {{ earlier }}, {{ later }})
{%- endmacro %}

{% macro spark__days_between(earlier, later) -%}
    datediff({{ later }}, {{ earlier }})
{%- endmacro %}
