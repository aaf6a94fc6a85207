{{ needs('auslaenderamt') }}
{# Foreigners of the central register by Kommune. Every cell is rounded to a multiple of five, so the
   delivered total counts and not the sum of its cells. Grain: delivery × Kommune. #}
with counts as (
    select
        delivery_id,
        liefereinheit,
        stichtag,
        concat(kommune_id, '-ohne') as raum_id,
        'auslaender_azr' as merkmal,
        coalesce(
            max(case when aufenthaltsstatus = 'insgesamt' then anzahl end), sum(anzahl)
        ) as anzahl,
        cast(null as varchar) as zustand
    from {{ ref('stg_auslaenderamt__auslaender') }}
    where staatsangehoerigkeit = 'insgesamt'
    group by delivery_id, liefereinheit, stichtag, kommune_id
)

{{ int_fallzahl_of('counts', 'auslaenderamt') }}
