{{ needs('wohlfahrt_angebote') }}
{# Grain: service × delivery. #}
select
    delivery_id, row_number, liefereinheit, stichtag, traeger, angebot, kommune_id, plaetze,
    plaetze__zustand, zielgruppe, zustand_angebot
from {{ source('landing', 'wohlfahrt_angebote') }}
