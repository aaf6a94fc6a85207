{{ needs('jugendamt_hze') }}
{# Aids of a year: those that run at its end and those that ended in it. Counselling (§ 28) outweighs
   the rest, so there is a count without it; § 35a is no Hilfe zur Erziehung.
   Grain: delivery × area × merkmal. #}
with aids as (
    select
        delivery_id,
        liefereinheit,
        stichtag,
        raum_id,
        hilfeart,
        laufend + beendet as anzahl,
        {{ worse_state('laufend__zustand', 'beendet__zustand') }} as zustand
    from {{ ref('stg_jugendamt__hze') }}
),

counts as (
    select delivery_id, liefereinheit, stichtag, raum_id, 'hze_hilfen' as merkmal, anzahl, zustand
    from aids
    where hilfeart <> 'p35a'
    union all
    select delivery_id, liefereinheit, stichtag, raum_id, 'hze_ohne_28', anzahl, zustand
    from aids
    where hilfeart not in ('p28', 'p35a')
    union all
    select delivery_id, liefereinheit, stichtag, raum_id, 'eingliederungshilfe_35a', anzahl, zustand
    from aids
    where hilfeart = 'p35a'
)

{{ int_fallzahl_of('counts', 'jugendamt_hze') }}
