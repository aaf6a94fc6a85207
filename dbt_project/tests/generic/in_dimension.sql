{# Every combination of `columns` stands in the dimension `to` (there named `to_columns`, if
   otherwise). Returns those that do not. #}
{% test in_dimension(model, columns, to, to_columns=none) %}
    select {{ columns | join(', ') }} from {{ model }}
    except
    select {{ (to_columns or columns) | join(', ') }} from {{ to }}
{% endtest %}
