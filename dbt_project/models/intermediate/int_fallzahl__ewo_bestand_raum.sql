{{ needs('ewo_bestand_raum') }}
{# What follows from a register that comes as counts by year of age: the sum of all ages, and an
   estimate of who is below the age limit of SGB II. Of those of one age the share is taken as
   above the limit that they would be if they were born in equal parts in every month of the year
   in which they were, as at a Stichtag at the end of a year. Whole persons, so that the parts add
   up. Grain: delivery × area × merkmal. #}
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
        sum(anzahl) as alle,
        sum(case when altersjahr >= 15 then anzahl else 0 end) as ab_15,
        sum(case when altersjahr >= 18 then anzahl else 0 end) as ab_18,
        cast(round(sum(anzahl * monate_ueber_der_grenze) / cast(12 as double)) as bigint)
            as einwohner_ab_altersgrenze
    from ages
    group by delivery_id, liefereinheit, stichtag, raum_id
),

counted as (
    select
        sums.*,
        alle - einwohner_ab_altersgrenze as einwohner_unter_altersgrenze,
        ab_15 - einwohner_ab_altersgrenze as einwohner_15_bis_altersgrenze,
        ab_18 - einwohner_ab_altersgrenze as einwohner_18_bis_altersgrenze
    from sums
),

{{ counts_as_rows('counted', [
    'alterssumme', 'einwohner_ab_altersgrenze', 'einwohner_unter_altersgrenze',
    'einwohner_15_bis_altersgrenze', 'einwohner_18_bis_altersgrenze'
]) }}

{{ int_fallzahl_of('counts', 'ewo_bestand_raum') }}
