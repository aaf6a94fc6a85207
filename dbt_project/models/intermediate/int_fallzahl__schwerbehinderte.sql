{{ needs('schwerbehinderte') }}
{# Severely disabled persons: degree of 50 or more and a card that is valid at the Stichtag.
   Grain: delivery × area. #}
with counts as (
    select card.delivery_id, card.liefereinheit, card.stichtag, platz.raum_id, platz.gebietsstand,
        'schwerbehinderte' as merkmal, 1 as anzahl, cast(null as varchar) as zustand
    from {{ ref('stg_versorgungsamt__ausweise') }} as card
    {{ join_placement('card', 'schwerbehinderte') }}
    where card.gdb >= 50 and (card.gueltig_bis is null or card.gueltig_bis >= card.stichtag)
)

{{ int_fallzahl_of('counts', 'schwerbehinderte', placed=true) }}
