{{ needs('seu_raum') }}
{# School entry examination as counts by area. Grain: delivery × area × merkmal. #}
with counts as (
    select delivery_id, liefereinheit, stichtag, raum_id, merkmal, anzahl,
        anzahl__zustand as zustand
    from {{ ref('stg_gesundheitsamt__raum') }}
)

{{ int_fallzahl_of('counts', 'seu_raum') }}
