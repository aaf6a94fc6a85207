{# What engines spell differently. DuckDB and Spark; everything else is plain SQL. #}

{# How many threads a county's engine uses from now on: a number, or 'all'. A cluster has its own. #}
{% macro threads(number) -%}
    {{ return(adapter.dispatch('threads')(number)) }}
{%- endmacro %}

{% macro duckdb__threads(number) -%}
    {{ return('reset threads' if number == 'all' else 'set threads = ' ~ number) }}
{%- endmacro %}

{% macro spark__threads(number) -%}
    {{ return('') }}
{%- endmacro %}

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

{# A number of 64 bits that stands for the values of `columns`: joins on it are faster than on texts.
   For use within one query; it differs between engines. #}
{% macro key_of(columns) -%}
    {{ return(adapter.dispatch('key_of')(columns)) }}
{%- endmacro %}

{% macro duckdb__key_of(columns) -%}
    hash({{ columns | join(', ') }})
{%- endmacro %}

{% macro spark__key_of(columns) -%}
    xxhash64({{ columns | join(', ') }})
{%- endmacro %}

{# Texts of a group as one, in a stated order; empty ones are left out, NULL if none is left. #}
{% macro joined_texts(text, separator, order) -%}
    {{ return(adapter.dispatch('joined_texts')(text, separator, order)) }}
{%- endmacro %}

{% macro duckdb__joined_texts(text, separator, order) -%}
    string_agg({{ text }}, '{{ separator }}' order by {{ order }})
{%- endmacro %}

{% macro spark__joined_texts(text, separator, order) -%}
    nullif(array_join(transform(array_sort(collect_list(
        case when {{ text }} is not null then struct({{ order }} as ordnung, {{ text }} as wert) end
    )), teil -> teil.wert), '{{ separator }}'), '')
{%- endmacro %}
