{{ needs('wohlfahrt_angebote') }}
{# Active services by area. Grain: delivery × area. #}
with counts as (
    select service.delivery_id, service.liefereinheit, service.stichtag, platz.raum_id,
        platz.gebietsstand, 'angebote_wohlfahrt' as merkmal, 1 as anzahl,
        cast(null as varchar) as zustand
    from {{ ref('stg_wohlfahrt__angebote') }} as service
    {{ join_placement('service', 'wohlfahrt_angebote') }}
    where service.zustand_angebot = 'aktiv'
)

{{ int_fallzahl_of('counts', 'wohlfahrt_angebote', placed=true) }}
