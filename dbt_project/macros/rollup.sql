{# CTEs up to `pieces`: what each unit is summed from, of a relation with rows of every level. A unit
   with a published figure of its own (`status` ok) is its only piece; else its pieces are the
   largest units within it that have one, and the Sozialräume and pseudo-areas in none of these.
   So a sum never falls behind what is published, and no part counts twice. `keys`: the columns
   that name a figure beside its area and Gebietsstand. Grain: unit × key × piece. #}
{% macro pieces_of(relation, keys) -%}
{%- set named = 'gebietsstand, ' ~ keys | join(', ') -%}
{%- set of_parts = 'parts.gebietsstand, parts.' ~ keys | join(', parts.') -%}
ganze as (
    select bridge.raum_id, bridge.ober_raum_id, bridge.stufe, {{ of_parts }}
    from {{ relation }} as parts
    inner join {{ ref('bridge_raum') }} as bridge
        on bridge.ober_raum_id = parts.raum_id and bridge.gebietsstand = parts.gebietsstand
    where parts.status = 'ok' and bridge.raum_id <> bridge.ober_raum_id
),

teile as (
    select parts.raum_id, bridge.ober_raum_id, bridge.ober_raumebene, {{ of_parts }},
        min_by(ganze.ober_raum_id, ganze.stufe) as ganzes
    from {{ relation }} as parts
    inner join {{ ref('bridge_raum') }} as bridge
        on bridge.raum_id = parts.raum_id and bridge.gebietsstand = parts.gebietsstand
    left join ganze
        on ganze.raum_id = parts.raum_id
        and ganze.stufe >= bridge.stufe
        and ganze.gebietsstand = parts.gebietsstand
        {% for key in keys -%}
        and ganze.{{ key }} = parts.{{ key }}
        {% endfor -%}
    group by parts.raum_id, bridge.ober_raum_id, bridge.ober_raumebene, {{ of_parts }}
),

pieces as (
    select distinct ober_raum_id, ober_raumebene, {{ named }}, coalesce(ganzes, raum_id) as raum_id
    from teile
)
{%- endmacro %}

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
