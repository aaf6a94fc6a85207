{{ needs('wohnungsunternehmen') }}
{# Dwellings of companies that take part, a part of the market; bound as long as the bond lasts.
   Grain: delivery × area × merkmal. #}
with counts as (
    {% for merkmal, dwellings in {
        'wohnungen_gemeldet': 'building.wohnungen',
        'wohnungen_gebunden': 'case when building.bindung_bis is null '
            ~ 'or building.bindung_bis >= building.stichtag then building.gebunden else 0 end'
    }.items() -%}
    select building.delivery_id, building.liefereinheit, building.stichtag, platz.raum_id,
        platz.gebietsstand, '{{ merkmal }}' as merkmal, {{ dwellings }} as anzahl,
        cast(null as varchar) as zustand
    from {{ ref('stg_wohnungswirtschaft__objekte') }} as building
    {{ join_placement('building', 'wohnungsunternehmen') }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
)

{{ int_fallzahl_of('counts', 'wohnungsunternehmen', placed=true) }}
