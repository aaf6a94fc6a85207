{{ needs('ewo_bestand_raum') }}
{# What follows from a register that comes as counts by year of age: the sum of all ages, and an
   estimate of who is above the age limit of SGB II. Of those of one age the share is taken as
   above the limit that they would be if they were born in equal parts in every month of the year
   in which they were, as at a Stichtag at the end of a year. Whole persons. Grain: delivery × area × merkmal. #}
with ages as (
    select
        register.delivery_id,
        register.liefereinheit,
        register.stichtag,
        register.raum_id,
        register.altersjahr,
        register.anzahl,
        greatest(least(12 * register.altersjahr + 11 - grenze.grenze_monate, 12), 0)
            as monate_ueber_der_grenze
    from {{ ref('stg_ewo__bestand_raum') }} as register
    {{ join_altersgrenze('extract(year from register.stichtag) - register.altersjahr') }}
),

sums as (
    select
        delivery_id,
        liefereinheit,
        stichtag,
        raum_id,
        sum(altersjahr * anzahl) as alterssumme,
        cast(round(sum(anzahl * monate_ueber_der_grenze) / cast(12 as double)) as bigint)
            as einwohner_ab_altersgrenze
    from ages
    group by delivery_id, liefereinheit, stichtag, raum_id
),

{{ counts_as_rows('sums', ['alterssumme', 'einwohner_ab_altersgrenze']) }}

{{ int_fallzahl_of('counts', 'ewo_bestand_raum') }}
