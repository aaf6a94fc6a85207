{{ needs('sozialamt_leistungen') }}
{# Persons with a benefit at the Stichtag: begun by then, not ended before it is over.
   Grain: delivery × area × merkmal. #}
with counts as (
    select benefit.delivery_id, benefit.liefereinheit, benefit.stichtag, platz.raum_id,
        platz.gebietsstand, {{ sozialamt_merkmal('benefit.leistungsart') }} as merkmal,
        1 as anzahl, cast(null as varchar) as zustand
    from {{ ref('stg_sozialamt__leistungen') }} as benefit
    {{ join_placement('benefit', 'sozialamt_leistungen') }}
    where benefit.beginn <= benefit.stichtag
        and (benefit.ende is null or benefit.ende > benefit.stichtag)
)

{{ int_fallzahl_of('counts', 'sozialamt_leistungen', placed=true) }}
