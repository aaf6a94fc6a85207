{# Indicators on every level, with what one needs to compare them. Rates roll up over their
   numerators and denominators only, over published totals where there are any; figures delivered
   without counts stay where they are. #}
with parts as (
    {% for name in var('indikatoren') -%}
    select * from {{ ref('ind_' ~ name) }}
    {% if not loop.last %}union all{% endif %}
    {% else -%}
    select cast(null as varchar) as raum_id, cast(null as varchar) as gebietsstand,
        cast(null as date) as stichtag, cast(null as varchar) as indikator_id,
        cast(null as integer) as version, cast(null as bigint) as zaehler,
        cast(null as bigint) as nenner, cast(null as date) as nenner_stichtag,
        cast(null as double) as wert_geliefert, cast(null as varchar) as klasse,
        cast(null as varchar) as status, true as vergleichbar, false as geschaetzt
    where false
    {% endfor %}
),

inhabitants as (
    select raum_id, gebietsstand, stichtag, anzahl
    from {{ ref('mart_bevoelkerung') }}
    where basis = 'melderegister' and altersgruppe = 'insgesamt' and geschlecht = 'insgesamt'
        and staatsangehoerigkeit = 'insgesamt' and status = 'ok'
),

{{ pieces_of('parts', ['stichtag', 'indikator_id', 'version']) }},

rolled as (
    select
        pieces.ober_raum_id as raum_id,
        parts.gebietsstand,
        pieces.ober_raumebene as raumebene,
        parts.stichtag,
        parts.indikator_id,
        parts.version,
        sum(case when parts.status = 'ok' then parts.zaehler end) as zaehler,
        sum(case when parts.status = 'ok' then parts.nenner end) as nenner,
        max(case when parts.raum_id = pieces.ober_raum_id then parts.wert_geliefert end)
            as wert_geliefert,
        max(case when parts.raum_id = pieces.ober_raum_id then parts.klasse end) as klasse,
        max(parts.nenner_stichtag) as nenner_stichtag,
        {{ rolled_status('parts.status') }} as zaehlstatus,
        min(case when parts.vergleichbar then 1 else 0 end) = 1 as vergleichbar,
        max(case when parts.geschaetzt then 1 else 0 end) = 1 as geschaetzt,
        {{ coverage(
            'parts.status',
            "case when indikator.art in ('anteil', 'verhaeltnis') then parts.nenner "
            ~ "else inhabitants.anzahl end"
        ) }} as abdeckung
    from parts
    inner join pieces
        on pieces.raum_id = parts.raum_id
        and pieces.gebietsstand = parts.gebietsstand
        and pieces.stichtag = parts.stichtag
        and pieces.indikator_id = parts.indikator_id
        and pieces.version = parts.version
    inner join {{ ref('dim_indikator') }} as indikator
        on indikator.indikator_id = parts.indikator_id and indikator.version = parts.version
    left join inhabitants
        on inhabitants.raum_id = parts.raum_id
        and inhabitants.gebietsstand = parts.gebietsstand
        and inhabitants.stichtag = parts.stichtag
    where indikator.art in ('anteil', 'verhaeltnis', 'anzahl', 'saldo')
        or parts.raum_id = pieces.ober_raum_id
    group by
        pieces.ober_raum_id, parts.gebietsstand, pieces.ober_raumebene, parts.stichtag,
        parts.indikator_id, parts.version
),

judged as (
    select
        rolled.*,
        indikator.art,
        indikator.faktor,
        indikator.polaritaet,
        indikator.ereignisse,
        raum.kommune_id,
        raum.kreis_id,
        case
            when rolled.zaehlstatus <> 'ok' then rolled.zaehlstatus
            when not rolled.vergleichbar then 'nicht_vergleichbar'
            when indikator.art not in ('anteil', 'verhaeltnis') then 'ok'
            when rolled.nenner = 0 then 'nicht_zutreffend'
            when rolled.nenner < indikator.min_nenner
                or inhabitants.anzahl < indikator.min_einwohner then 'zu_klein'
            else 'ok'
        end as status
    from rolled
    inner join {{ ref('dim_indikator') }} as indikator
        on indikator.indikator_id = rolled.indikator_id and indikator.version = rolled.version
    inner join {{ ref('dim_raum') }} as raum
        on raum.raum_id = rolled.raum_id and raum.gebietsstand = rolled.gebietsstand
    left join inhabitants
        on inhabitants.raum_id = rolled.raum_id
        and inhabitants.gebietsstand = rolled.gebietsstand
        and inhabitants.stichtag = rolled.stichtag
),

valued as (
    select
        judged.*,
        case
            when status <> 'ok' then null
            when art in ('anteil', 'verhaeltnis') then cast(zaehler as double) / nenner * faktor
            when art in ('anzahl', 'saldo') then zaehler * faktor
            else wert_geliefert * faktor
        end as wert
    from judged
),

compared as (
    select
        valued.*,
        kommune.wert as kommune_wert,
        kreis.wert as kreis_wert,
        -- Rank 1 is the most burdened; an indicator without polarity has no rank.
        case when valued.polaritaet < 0 then -valued.wert when valued.polaritaet > 0 then valued.wert
        end as rangfolge
    from valued
    left join valued as kommune
        on kommune.raum_id = valued.kommune_id
        and kommune.gebietsstand = valued.gebietsstand
        and kommune.stichtag = valued.stichtag
        and kommune.indikator_id = valued.indikator_id
        and kommune.version = valued.version
    left join valued as kreis
        on kreis.raum_id = valued.kreis_id
        and kreis.gebietsstand = valued.gebietsstand
        and kreis.stichtag = valued.stichtag
        and kreis.indikator_id = valued.indikator_id
        and kreis.version = valued.version
),

ranked as (
    select
        compared.*,
        case
            when rangfolge is not null and raumebene not in ('kommune', 'kreis', 'ohne_raum')
                then cast(rank() over (
                    partition by gebietsstand, raumebene, stichtag, indikator_id, version,
                        kommune_id
                    order by rangfolge nulls last
                ) as integer)
        end as rang_kommune,
        case
            when rangfolge is not null and raumebene not in ('kreis', 'ohne_raum')
                then cast(rank() over (
                    partition by gebietsstand, raumebene, stichtag, indikator_id, version
                    order by rangfolge nulls last
                ) as integer)
        end as rang_kreis,
        count(rangfolge) over peers as gereiht,
        count(*) over (
            partition by gebietsstand, raumebene, stichtag, indikator_id, version, rangfolge
        ) as gleiche,
        case
            when stddev_pop(wert) over peers > 0
                then (wert - avg(wert) over peers) / stddev_pop(wert) over peers
        end as z_wert
    from compared
    window peers as (partition by gebietsstand, raumebene, stichtag, indikator_id, version)
),

limited as (
    select
        ranked.*,
        {{ chance_limit('-') | indent(8) }} as untergrenze,
        {{ chance_limit('+') | indent(8) }} as obergrenze,
        chance.hoechstbreite
    from ranked
    cross join {{ source('warehouse', 'rule_chance') }} as chance
),

-- The Kreis is what is compared with, and a pseudo-area is no area.
noticed as (
    select
        limited.*,
        case
            when raumebene in ('kreis', 'ohne_raum') then null
            when untergrenze > kreis_wert then 'ueber'
            when obergrenze < kreis_wert then 'unter'
            when untergrenze <= kreis_wert and obergrenze >= kreis_wert then 'im_rahmen'
        end as auffaellig
    from limited
)

select
    raum_id,
    gebietsstand,
    raumebene,
    stichtag,
    indikator_id,
    version,
    cast(zaehler as bigint) as zaehler,
    cast(nenner as bigint) as nenner,
    nenner_stichtag,
    wert,
    case when status = 'ok' then klasse end as klasse,
    status,
    false as umgerechnet,
    geschaetzt,
    abdeckung,
    kommune_wert,
    kreis_wert,
    case when art <> 'anzahl' then wert - kommune_wert end as abw_kommune,
    case when art <> 'anzahl' then wert - kreis_wert end as abw_kreis,
    z_wert,
    rang_kommune,
    rang_kreis,
    case
        when rang_kreis is not null
            then {{ fifth_of('rang_kreis', 'gleiche', 'gereiht') | indent(12) }}
    end as quintil,
    untergrenze,
    obergrenze,
    auffaellig,
    case
        when auffaellig is null then null
        when auffaellig = 'im_rahmen' or polaritaet = 0 then 'neutral'
        when (auffaellig = 'ueber') = (polaritaet < 0) then 'unguenstiger'
        else 'guenstiger'
    end as richtung,
    case
        when obergrenze - untergrenze > hoechstbreite * kreis_wert then 'gering'
        when obergrenze - untergrenze <= hoechstbreite * kreis_wert then 'ausreichend'
    end as aussagekraft
from noticed
