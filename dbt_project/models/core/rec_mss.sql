{{ needs('mss_bezirke') }}
{# Reconciliation: the MSS shares that the partner delivers for larger areas, beside the sums of
   numerators and denominators of their Planungsräume. Control only, never published. #}
with delivered as (
    select raum_id, stichtag, merkmal, einwohner, anteil, anteil_zustand
    from {{ ref('stg_senstadt__mss_bezirksregionen') }}
    union all
    select raum_id, stichtag, merkmal, einwohner, anteil, anteil_zustand
    from {{ ref('stg_senstadt__mss_bezirke') }}
),

sums as (
    select
        bridge.ober_raum_id as raum_id,
        bridge.ober_raumebene as raumebene,
        bridge.gebietsstand,
        rebuilt.stichtag,
        rebuilt.merkmal,
        cast(sum(case when rebuilt.anteil_zustand is null then rebuilt.zaehler end) as bigint)
            as zaehler,
        cast(sum(rebuilt.nenner) as bigint) as nenner,
        cast(sum(rebuilt.einwohner_register) as bigint) as einwohner,
        sum(case when rebuilt.anteil_zustand is null then 0 else 1 end) as raeume_ausgeschlossen
    from {{ ref('int_mss__rebuilt') }} as rebuilt
    inner join {{ ref('int_stichtag__expected') }} as stichtage
        on stichtage.feed = 'mss_anteile' and stichtage.stichtag = rebuilt.stichtag
    inner join {{ ref('bridge_raum') }} as bridge
        on bridge.raum_id = rebuilt.raum_id and bridge.gebietsstand = stichtage.gebietsstand
    group by bridge.ober_raum_id, bridge.ober_raumebene, bridge.gebietsstand,
        rebuilt.stichtag, rebuilt.merkmal
)

select
    sums.raum_id,
    sums.gebietsstand,
    sums.raumebene,
    sums.stichtag,
    sums.merkmal,
    sums.einwohner,
    cast(delivered.einwohner as bigint) as einwohner_geliefert,
    sums.zaehler,
    sums.nenner,
    cast(100 as double) * sums.zaehler / sums.nenner as anteil,
    delivered.anteil as anteil_geliefert,
    case
        when delivered.anteil_zustand is null
            then cast(round(delivered.anteil * sums.nenner / 100) as bigint) - sums.zaehler
    end as ueberschuss,
    cast(sums.raeume_ausgeschlossen as bigint) as raeume_ausgeschlossen,
    rule.max_ueberschuss
from delivered
inner join sums
    on sums.raum_id = delivered.raum_id
    and sums.stichtag = delivered.stichtag
    and sums.merkmal = delivered.merkmal
left join {{ source('warehouse', 'rule_reconciliation') }} as rule
    on rule.raumebene = sums.raumebene and rule.merkmal = sums.merkmal
