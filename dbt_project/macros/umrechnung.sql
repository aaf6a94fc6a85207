{# How values of an older Gebietsstand come to the newest, and what a series needs to know. #}

{# The feeds that bring the numerator of each indicator, as its entry names them: a table of
   indikator_id and feed. A unit test shows no graph and gives its own. #}
{% macro indikator_feeds() -%}
    {%- set ns = namespace(rows=[]) -%}
    {%- set nodes = graph.nodes if execute and graph.nodes is defined else {} -%}
    {%- for name in var('indikatoren', []) -%}
        {%- set node = nodes.get('model.' ~ project_name ~ '.ind_' ~ name) -%}
        {%- for feed in (node.config.meta.indikator.feeds if node else []) -%}
            {%- do ns.rows.append("select '" ~ name ~ "' as indikator_id, '" ~ feed ~ "' as feed") -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- if ns.rows -%}
        {{ ns.rows | join(' union all ') }}
    {%- else -%}
        select cast(null as varchar) as indikator_id, cast(null as varchar) as feed where false
    {%- endif -%}
{%- endmacro %}

{# The Gebietsstand on which series are told: the newest one that has areas. #}
{% macro newest_gebietsstand() -%}
    select gebietsstand
    from (
        select gebietsstand, row_number() over (
            order by coalesce(gueltig_ab, cast('0001-01-01' as date)) desc, gebietsstand desc
        ) as rang
        from (select distinct gebietsstand, gueltig_ab from {{ ref('dim_raum') }}) as staende
    ) as staende
    where rang = 1
{%- endmacro %}

{# CTEs for a query that has `newest` (one row: gebietsstand) and `werte` (mart_indikator):
   `getragen`, the values of older Gebietsstände on the areas of the newest one.
   Grain: new area × Stichtag × indicator × version.

   Numerators and denominators are multiplied by the weights and summed; only where all old areas
   that contribute have their counts, else the sum has the status of the worst. An area that is one
   old area and nothing else keeps all it had and is not `umgerechnet`; of the others what has no
   counts (a median, a class) is not comparable. Only counts as published go in. #}
{% macro carried_over() -%}
gewichte as (
    select
        regel.*,
        raum.raumebene,
        count(*) over (partition by regel.gebietsstand_von, regel.raum_id_nach) = 1
            and regel.gewicht = 1 as unveraendert,
        -- A pseudo-area without a case has no row; every other area has one, if it is inhabited.
        case when alt.raumebene = 'sozialraum' and not alt.unbewohnt then 1 else 0 end as erwartet
    from {{ source('warehouse', 'rule_umrechnung') }} as regel
    inner join newest on newest.gebietsstand = regel.gebietsstand_nach
    inner join {{ ref('dim_raum') }} as raum
        on raum.raum_id = regel.raum_id_nach and raum.gebietsstand = regel.gebietsstand_nach
    inner join {{ ref('dim_raum') }} as alt
        on alt.raum_id = regel.raum_id_von and alt.gebietsstand = regel.gebietsstand_von
),

erwartet as (
    select gebietsstand_von, raum_id_nach, sum(erwartet) as anzahl
    from gewichte
    group by gebietsstand_von, raum_id_nach
),

einwohner_alt as (
    select raum_id, gebietsstand, stichtag, anzahl
    from {{ ref('mart_bevoelkerung') }}
    where basis = 'melderegister' and altersgruppe = 'insgesamt' and geschlecht = 'insgesamt'
        and staatsangehoerigkeit = 'insgesamt' and status = 'ok'
),

beitraege as (
    select
        gewichte.raum_id_nach as raum_id,
        gewichte.raumebene,
        gewichte.gebietsstand_von,
        gewichte.gewicht,
        gewichte.unveraendert,
        gewichte.erwartet,
        werte.stichtag,
        werte.indikator_id,
        werte.version,
        werte.zaehler,
        werte.nenner,
        werte.wert,
        werte.klasse,
        werte.status,
        werte.geschaetzt,
        einwohner_alt.anzahl as einwohner,
        case
            when indikator.art not in ('anteil', 'verhaeltnis', 'anzahl', 'saldo')
                then 'nicht_vergleichbar'
            when werte.status in ('ok', 'zu_klein', 'nicht_zutreffend')
                and werte.zaehler is not null
                and (werte.nenner is not null or indikator.art in ('anzahl', 'saldo')) then 'ok'
            else werte.status
        end as teilstatus
    from gewichte
    inner join werte
        on werte.raum_id = gewichte.raum_id_von
        and werte.gebietsstand = gewichte.gebietsstand_von
    inner join {{ ref('dim_indikator') }} as indikator
        on indikator.indikator_id = werte.indikator_id and indikator.version = werte.version
    left join einwohner_alt
        on einwohner_alt.raum_id = werte.raum_id
        and einwohner_alt.gebietsstand = werte.gebietsstand
        and einwohner_alt.stichtag = werte.stichtag
),

summiert as (
    select
        raum_id,
        raumebene,
        gebietsstand_von,
        stichtag,
        indikator_id,
        version,
        min(case when unveraendert then 1 else 0 end) = 1 as unveraendert,
        sum(zaehler * gewicht) as zaehler,
        sum(nenner * gewicht) as nenner,
        sum(einwohner * gewicht) as einwohner,
        max(wert) as wert,
        max(klasse) as klasse,
        max(status) as status,
        {{ sum_status('teilstatus') }} as summenstatus,
        sum(erwartet) as vorhanden,
        -- Whole areas add up to what they are; only parts of one are an estimate.
        max(case when geschaetzt or gewicht < 1 then 1 else 0 end) = 1 as geschaetzt
    from beitraege
    group by raum_id, raumebene, gebietsstand_von, stichtag, indikator_id, version
),

beurteilt as (
    select
        summiert.*,
        indikator.art,
        indikator.faktor,
        case
            when summiert.unveraendert then summiert.status
            when summiert.vorhanden < erwartet.anzahl then 'nicht_geliefert'
            when summiert.summenstatus <> 'ok' then summiert.summenstatus
            when indikator.art not in ('anteil', 'verhaeltnis') then 'ok'
            when summiert.nenner = 0 then 'nicht_zutreffend'
            when summiert.nenner < indikator.min_nenner
                or summiert.einwohner < indikator.min_einwohner then 'zu_klein'
            else 'ok'
        end as neuer_status
    from summiert
    inner join erwartet
        on erwartet.gebietsstand_von = summiert.gebietsstand_von
        and erwartet.raum_id_nach = summiert.raum_id
    inner join {{ ref('dim_indikator') }} as indikator
        on indikator.indikator_id = summiert.indikator_id
        and indikator.version = summiert.version
),

getragen as (
    select
        raum_id,
        raumebene,
        gebietsstand_von,
        stichtag,
        indikator_id,
        version,
        case when unveraendert or neuer_status in ('ok', 'zu_klein', 'nicht_zutreffend')
            then zaehler end as zaehler,
        case when unveraendert or neuer_status in ('ok', 'zu_klein', 'nicht_zutreffend')
            then nenner end as nenner,
        case
            when unveraendert then wert
            when neuer_status <> 'ok' then null
            when art in ('anteil', 'verhaeltnis') then zaehler / nenner * faktor
            else zaehler * faktor
        end as wert,
        case when unveraendert then klasse end as klasse,
        neuer_status as status,
        not unveraendert as umgerechnet,
        geschaetzt
    from beurteilt
)
{%- endmacro %}
