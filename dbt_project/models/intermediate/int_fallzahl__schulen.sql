{{ needs('schulen') }}
{# Pupils by the area in which the school lies, not that in which they live.
   Grain: delivery × area × merkmal. #}
{% set measures = {
    'schueler': 'schueler',
    'abgaenge_klasse4': 'abgaenge_klasse4',
    'uebergaenge_gymnasium': 'uebergaenge_gymnasium',
    'abgaenge': 'schulabgaenge',
    'abgaenge_ohne_abschluss': 'schulabgaenge_ohne_abschluss'
} %}

with counts as (
    {% for column, merkmal in measures.items() -%}
    select school.delivery_id, school.liefereinheit, school.stichtag, platz.raum_id,
        platz.gebietsstand, '{{ merkmal }}' as merkmal, school.{{ column }} as anzahl,
        {{ 'cast(null as varchar)' if column == 'schueler' else 'school.' ~ column ~ '__zustand' }}
            as zustand
    from {{ ref('stg_schulamt__schulen') }} as school
    {{ join_placement('school', 'schulen') }}
    {# A school without a fourth form, or without leavers, says nothing about them. #}
    where school.{{ column }} is not null
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
)

{{ int_fallzahl_of('counts', 'schulen', placed=true) }}
