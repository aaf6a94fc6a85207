{# How old somebody is. #}

{# Whole years of age at a day, of who was born in a month JJJJMM. The day of birth is not known: the
   month of birth has passed when it begins, and a month 00 counts as January. #}
{% macro jahre_am(tag, geburtsmonat) -%}
    cast(
        extract(year from {{ tag }}) - cast(substr({{ geburtsmonat }}, 1, 4) as integer)
        - case
            when extract(month from {{ tag }}) < cast(substr({{ geburtsmonat }}, 5, 2) as integer)
                then 1
            else 0
        end as integer
    )
{%- endmacro %}

{# Whole months of age at a day, by the same rules: a month 00 counts as January. #}
{% macro monate_am(tag, geburtsmonat) -%}
    cast(
        12 * (extract(year from {{ tag }}) - cast(substr({{ geburtsmonat }}, 1, 4) as integer))
        + extract(month from {{ tag }})
        - greatest(cast(substr({{ geburtsmonat }}, 5, 2) as integer), 1) as integer
    )
{%- endmacro %}

{# The age limit of SGB II of who was born in the year `geburtsjahr`; joins dim_altersgrenze as
   `grenze`. Below it is who has not more months than `grenze.grenze_monate`: the limit is reached
   at the end of the month. #}
{% macro join_altersgrenze(geburtsjahr) -%}
    inner join {{ ref('dim_altersgrenze') }} as grenze
        on {{ geburtsjahr }} >= coalesce(grenze.geburtsjahr_von, 0)
        and {{ geburtsjahr }} <= coalesce(grenze.geburtsjahr_bis, 9999)
{%- endmacro %}
