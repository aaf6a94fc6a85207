{{ needs('jugendamt_kita') }}
{# Children in day care by the area they live in, and places. Grain: delivery × area × merkmal. #}
with counts as (
    select delivery_id, liefereinheit, stichtag, raum_id,
        case altersgruppe when 'u3' then 'kita_kinder_u3' else 'kita_kinder_ue3' end as merkmal,
        kinder as anzahl, kinder__zustand as zustand
    from {{ ref('stg_jugendamt__kita') }}
    union all
    select delivery_id, liefereinheit, stichtag, raum_id, 'kita_plaetze', plaetze,
        plaetze__zustand
    from {{ ref('stg_jugendamt__kita') }}
)

{{ int_fallzahl_of('counts', 'jugendamt_kita') }}
