{# What the catalogue holds for a Kommune, and why not the rest: statuses of its Sozialräume as they
   are published, counted, and told in words. Values carried over from other boundaries do not
   count. Of an indicator without any figure there is one row, of the newest Stichtag of the
   register. #}
{%- set reasons = {
    'nicht_geliefert': 'nicht geliefert',
    'nicht_freigegeben': 'von der Kommune oder durch die Vereinbarung nicht freigegeben',
    'geheim': 'zum Schutz kleiner Zahlen zurückgehalten',
    'zu_klein': 'zu wenige Personen für eine Aussage',
    'nicht_vergleichbar': 'Zähler und Nenner nicht vergleichbar',
    'nicht_zutreffend': 'niemand in der Bezugsgruppe oder nicht zutreffend'
} -%}
with figures as (
    select
        wert.raum_id,
        wert.gebietsstand,
        wert.raumebene,
        wert.stichtag,
        wert.indikator_id,
        wert.version,
        wert.status,
        raum.kommune_id,
        raum.unbewohnt
    from {{ ref('mart_indikator') }} as wert
    inner join {{ ref('dim_raum') }} as raum
        on raum.raum_id = wert.raum_id and raum.gebietsstand = wert.gebietsstand
    where not wert.umgerechnet
        and wert.raumebene in ('sozialraum', 'kommune')
),

newest as (
    select gebietsstand, stichtag
    from (
        select gebietsstand, stichtag,
            row_number() over (order by stichtag desc, gebietsstand desc) as rang
        from {{ ref('mart_bevoelkerung') }}
        where basis = 'melderegister' and raumebene = 'kreis' and status = 'ok'
    ) as days
    where rang = 1
),

-- When there is something of an indicator at all, or would have to be.
asked as (
    select distinct gebietsstand, stichtag, indikator_id, version from figures
    union all
    select newest.gebietsstand, newest.stichtag, indikator.indikator_id, indikator.version
    from {{ ref('dim_indikator') }} as indikator
    cross join newest
    left join (select distinct indikator_id from figures) as told
        on told.indikator_id = indikator.indikator_id
    where told.indikator_id is null
),

kommunen as (
    select
        kommune.raum_id,
        kommune.gebietsstand,
        cast(count(raum.raum_id) as integer) as sozialraeume
    from {{ ref('dim_raum') }} as kommune
    left join {{ ref('dim_raum') }} as raum
        on raum.kommune_id = kommune.raum_id
        and raum.gebietsstand = kommune.gebietsstand
        and raum.raumebene = 'sozialraum'
        and not raum.unbewohnt
    where kommune.raumebene = 'kommune'
    group by kommune.raum_id, kommune.gebietsstand
),

counted as (
    select
        kommune_id,
        gebietsstand,
        stichtag,
        indikator_id,
        version,
        count(*) as mit_zeile,
        {% for status in reasons -%}
        sum(case when status = '{{ status }}' then 1 else 0 end) as {{ status }},
        {% endfor -%}
        sum(case when status = 'ok' then 1 else 0 end) as ok
    from figures
    where raumebene = 'sozialraum' and not unbewohnt
    group by kommune_id, gebietsstand, stichtag, indikator_id, version
),

-- An area without a row of a source that tells of areas was not delivered.
tableau as (
    select
        kommunen.raum_id,
        kommunen.gebietsstand,
        asked.indikator_id,
        asked.version,
        asked.stichtag,
        indikator.art,
        indikator.quelle_vorhanden,
        kommunen.sozialraeume,
        told.indikator_id is not null as nach_raeumen,
        coalesce(counted.ok, 0) as ok,
        {% for status in reasons if status != 'nicht_geliefert' -%}
        coalesce(counted.{{ status }}, 0) as {{ status }},
        {% endfor -%}
        coalesce(counted.nicht_geliefert, 0)
            + kommunen.sozialraeume - coalesce(counted.mit_zeile, 0) as nicht_geliefert,
        ganze.status as kommune_status
    from asked
    inner join {{ ref('dim_indikator') }} as indikator
        on indikator.indikator_id = asked.indikator_id and indikator.version = asked.version
    inner join kommunen
        on kommunen.gebietsstand = asked.gebietsstand
        and indikator.geltungsbereich in ('kreis', kommunen.raum_id)
    left join (
        select distinct indikator_id, gebietsstand, stichtag from figures
        where raumebene = 'sozialraum'
    ) as told
        on told.indikator_id = asked.indikator_id
        and told.gebietsstand = asked.gebietsstand
        and told.stichtag = asked.stichtag
    left join counted
        on counted.kommune_id = kommunen.raum_id
        and counted.gebietsstand = kommunen.gebietsstand
        and counted.stichtag = asked.stichtag
        and counted.indikator_id = asked.indikator_id
        and counted.version = asked.version
    left join figures as ganze
        on ganze.raum_id = kommunen.raum_id
        and ganze.gebietsstand = kommunen.gebietsstand
        and ganze.stichtag = asked.stichtag
        and ganze.indikator_id = asked.indikator_id
        and ganze.version = asked.version
)

select
    raum_id,
    gebietsstand,
    indikator_id,
    version,
    stichtag,
    sozialraeume,
    cast(ok as integer) as raeume_ok,
    {% for status in reasons -%}
    cast({{ status }} as integer) as raeume_{{ status }},
    {% endfor -%}
    coalesce(kommune_status = 'ok', false) as kommune_wert_vorhanden,
    coalesce(
        kommune_status,
        case when nach_raeumen and art in ('klasse', 'median', 'veraenderung')
            then 'nicht_zutreffend' end,
        'nicht_geliefert'
    ) as kommune_status,
    case
        when not quelle_vorhanden then 'Vereinbart, aber kein Partner liefert die Zahlen.'
        when kommune_status is null and not nach_raeumen
            then 'Die Zahlen liegen nicht vor.'
        when kommune_status = 'ok' and not nach_raeumen
            then 'Die Quelle nennt nur Zahlen ganzer Kommunen.'
        else nullif(concat_ws(
            '; ',
            {% for status, words in reasons.items() -%}
            case when {{ status }} > 0
                then concat(cast({{ status }} as varchar), ' von ', cast(sozialraeume as varchar),
                    ' Sozialräumen: {{ words }}') end,
            {% endfor -%}
            case kommune_status
                {% for status, words in reasons.items() -%}
                when '{{ status }}' then 'Kommune: {{ words }}'
                {% endfor -%}
            end
        ), '')
    end as grund
from tableau
