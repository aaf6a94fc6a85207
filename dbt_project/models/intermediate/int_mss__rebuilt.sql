{{ needs('mss_anteile') }}
{# Numerators of the MSS as whole persons: share × register count of the same Stichtag.
   The MSS prints shares of register counts to five decimals, so the product lies within
   0.002 of a whole number; `rest` is that distance. Denominators (MSS 2015, definitions):
   15 to under 65 for S1 and S2, all inhabitants for S3, under 15 for S4.
   Grain: area × Stichtag × merkmal. #}
with denominators as (
    select
        raum_id,
        stichtag,
        sum(case when altersgruppe = 'insgesamt' and geschlecht = 'insgesamt' then anzahl end)
            as alle,
        sum(case when von >= 15 and bis <= 64 then anzahl end) as alter_15_64,
        sum(case when von >= 0 and bis <= 14 then anzahl end) as unter_15
    from (
        select counts.raum_id, counts.stichtag, counts.altersgruppe, counts.geschlecht,
            counts.anzahl, bands.von, bands.bis
        from {{ ref('int_bevoelkerung__einwohnerregister') }} as counts
        left join {{ ref('altersgruppen') }} as bands
            on bands.altersgruppe = counts.altersgruppe
    ) as banded
    group by raum_id, stichtag
),

shares as (
    select
        mss.*,
        case
            when mss.merkmal in ('mss_arbeitslose', 'mss_langzeitarbeitslose')
                then denominators.alter_15_64
            when mss.merkmal = 'mss_transferbezug' then denominators.alle
            when mss.merkmal = 'mss_transferbezug_u15' then denominators.unter_15
        end as nenner,
        denominators.alle as einwohner_register
    from {{ ref('stg_senstadt__mss_anteile') }} as mss
    left join denominators
        on denominators.raum_id = mss.raum_id and denominators.stichtag = mss.stichtag
)

select
    raum_id,
    stichtag,
    merkmal,
    delivery_id,
    liefereinheit,
    einwohner,
    einwohner_register,
    nenner,
    cast(round(anteil * nenner / 100) as bigint) as zaehler,
    abs(anteil * nenner / 100 - round(anteil * nenner / 100)) as rest,
    anteil_zustand
from shares
