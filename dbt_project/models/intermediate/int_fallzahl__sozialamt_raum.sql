{{ needs('sozialamt_raum') }}
{# Persons with a benefit, as counts by area. Grain: delivery × area × merkmal. #}
with counts as (
    select delivery_id, liefereinheit, stichtag, raum_id,
        {{ sozialamt_merkmal('leistungsart') }} as merkmal, anzahl, anzahl__zustand as zustand
    from {{ ref('stg_sozialamt__raum') }}
)

{{ int_fallzahl_of('counts', 'sozialamt_raum') }}
