{# The county's own figure beside that of somebody else, for Kommunen and Kreis, as the region
   declares the pairs. Both are published totals or sums of published counts, or published
   values; where a part is missing or withheld, the two figures are not set against each other: the difference would not be
   one of the sources, and might tell what is withheld. #}
with counts as (
    select
        concat('bevoelkerung:', basis, ':', staatsangehoerigkeit) as schluessel,
        raum_id, gebietsstand, stichtag, anzahl, status
    from {{ source('released', 'bevoelkerung') }}
    where altersgruppe = 'insgesamt' and geschlecht = 'insgesamt'
    union all
    select concat('fallzahl:', merkmal), raum_id, gebietsstand, stichtag, anzahl, status
    from {{ source('released', 'fallzahl') }}
),

{{ pieces_of('counts', ['schluessel', 'stichtag']) }},

-- A sum of counts, over the parts of the area.
summed as (
    select
        rule.gegenstand,
        rule.seite,
        pieces.ober_raum_id as raum_id,
        counts.gebietsstand,
        counts.stichtag,
        cast(sum(case when counts.status = 'ok' then counts.anzahl end) as double) as wert,
        case
            when sum(case when counts.status <> 'ok' then 1 else 0 end) = 0
                and count(distinct counts.schluessel) = max(rule.teile) then 'ok'
            when sum(case when counts.status = 'ok' then 1 else 0 end) > 0 then 'nicht_vergleichbar'
            else {{ rolled_status('counts.status') }}
        end as status
    from {{ source('warehouse', 'rule_abgleich') }} as rule
    inner join counts on counts.schluessel = rule.schluessel
    inner join pieces
        on pieces.raum_id = counts.raum_id
        and pieces.gebietsstand = counts.gebietsstand
        and pieces.schluessel = counts.schluessel
        and pieces.stichtag = counts.stichtag
        and pieces.ober_raumebene in ('kommune', 'kreis')
    group by rule.gegenstand, rule.seite, pieces.ober_raum_id, counts.gebietsstand, counts.stichtag
),

-- Values stand as they are; what is told for a whole Kommune lies in its pseudo-area.
valued as (
    select
        rule.gegenstand, rule.seite, werte.raum_id, werte.gebietsstand, werte.stichtag, werte.wert,
        case
            when werte.status = 'ok' and coalesce(werte.abdeckung, 0) < 1 then 'nicht_vergleichbar'
            else werte.status
        end as status
    from {{ source('warehouse', 'rule_abgleich') }} as rule
    inner join {{ ref('mart_indikator') }} as werte
        on concat('indikator:', werte.indikator_id) = rule.schluessel
    inner join (
        select indikator_id, max(version) as version
        from {{ ref('dim_indikator') }}
        group by indikator_id
    ) as newest
        on newest.indikator_id = werte.indikator_id and newest.version = werte.version
    where werte.raumebene in ('kommune', 'kreis')
    union all
    select
        rule.gegenstand, rule.seite, raum.kommune_id, werte.gebietsstand, werte.stichtag,
        werte.wert, werte.status
    from {{ source('warehouse', 'rule_abgleich') }} as rule
    inner join {{ source('released', 'lieferwert') }} as werte
        on concat('lieferwert:', werte.merkmal) = rule.schluessel
    inner join {{ ref('dim_raum') }} as raum
        on raum.raum_id = werte.raum_id
        and raum.gebietsstand = werte.gebietsstand
        and raum.raumebene = 'ohne_raum'
),

sides as (
    select * from summed
    union all
    select * from valued
),

pairs as (
    select
        eigen.gegenstand,
        eigen.raum_id,
        eigen.gebietsstand,
        eigen.stichtag,
        -- the sum of a part of the parts, less the other office's total, would tell the rest
        case when eigen.status = 'ok' then eigen.wert end as eigener_wert,
        case when fremd.status = 'ok' then fremd.wert end as fremder_wert,
        case
            when eigen.status = 'ok' then fremd.status else eigen.status
        end as status
    from sides as eigen
    inner join sides as fremd
        on fremd.gegenstand = eigen.gegenstand
        and fremd.raum_id = eigen.raum_id
        and fremd.gebietsstand = eigen.gebietsstand
        and fremd.stichtag = eigen.stichtag
        and fremd.seite = 'fremd'
    where eigen.seite = 'eigen'
),

declared as (
    select
        gegenstand, name, einheit, toleranz, toleranz_in, erklaerung,
        max(case when seite = 'eigen' then quelle end) as quelle_eigen,
        max(case when seite = 'fremd' then quelle end) as quelle_fremd
    from {{ source('warehouse', 'rule_abgleich') }}
    group by gegenstand, name, einheit, toleranz, toleranz_in, erklaerung
),

compared as (
    select
        pairs.*,
        case when pairs.status = 'ok' then pairs.eigener_wert - pairs.fremder_wert end
            as differenz,
        case
            when pairs.status = 'ok' and pairs.fremder_wert <> 0
                then 100 * (pairs.eigener_wert - pairs.fremder_wert) / pairs.fremder_wert
        end as differenz_prozent
    from pairs
)

select
    compared.raum_id,
    compared.gebietsstand,
    raum.raumebene,
    compared.stichtag,
    compared.gegenstand,
    declared.name,
    declared.einheit,
    compared.eigener_wert,
    declared.quelle_eigen,
    compared.fremder_wert,
    declared.quelle_fremd,
    compared.differenz,
    compared.differenz_prozent,
    declared.toleranz,
    declared.toleranz_in,
    case
        when declared.toleranz_in = 'punkte' then abs(compared.differenz) <= declared.toleranz
        when compared.differenz = 0 then true
        else abs(compared.differenz_prozent) <= declared.toleranz
    end as innerhalb_toleranz,
    declared.erklaerung,
    compared.status
from compared
inner join declared on declared.gegenstand = compared.gegenstand
inner join {{ ref('dim_raum') }} as raum
    on raum.raum_id = compared.raum_id and raum.gebietsstand = compared.gebietsstand
