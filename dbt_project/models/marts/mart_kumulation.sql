{# How many of a declared set of thresholds each area exceeds, which ones, and since when. The sets are
   rows of rule_schwellen and rule_schwelle; everything is told from published values.
   A missing value is not a kept threshold: whether there is increased need for action is said only
   where the missing ones could not change the answer. #}
{%- set rules = source('warehouse', 'rule_schwellen') %}
{%- set parts = source('warehouse', 'rule_schwelle') %}
with newest as (
    select indikator_id, max(version) as version
    from {{ ref('dim_indikator') }}
    group by indikator_id
),

{{ aligned_stichtage(rules, parts, 'schwellen_id') }},

figures as (
    select
        aligned.schwellen_id,
        aligned.stichtag,
        aligned.indikator_id,
        indikator.raum_id,
        indikator.gebietsstand,
        indikator.wert,
        indikator.kreis_wert,
        indikator.kommune_wert,
        indikator.status,
        dim.name,
        dim.einheit,
        dim.polaritaet
    from aligned
    inner join {{ ref('mart_indikator') }} as indikator
        on indikator.indikator_id = aligned.indikator_id
        and indikator.gebietsstand = aligned.gebietsstand
        and indikator.stichtag = aligned.teil_stichtag
        and indikator.raumebene = 'sozialraum'
    inner join newest
        on newest.indikator_id = indikator.indikator_id and newest.version = indikator.version
    inner join {{ ref('dim_indikator') }} as dim
        on dim.indikator_id = indikator.indikator_id and dim.version = indikator.version
),

limits as (
    select
        area.schwellen_id,
        area.raum_id,
        area.gebietsstand,
        area.stichtag,
        part.position,
        part.art,
        figures.name,
        figures.einheit,
        figures.wert,
        figures.polaritaet,
        rule.gegen,
        rule.mindestzahl,
        case
            when part.art = 'absolut' then part.wert
            when rule.gegen = 'kommune' then figures.kommune_wert
            else figures.kreis_wert
        end as vergleich,
        case
            when part.art = 'abweichung_prozent' then part.wert / 100 * abs(
                case when rule.gegen = 'kommune' then figures.kommune_wert else figures.kreis_wert end
            )
            when part.art = 'abweichung_punkte' then part.wert
            else 0
        end as abstand,
        -- A value whose comparison is missing cannot be judged either.
        case
            when figures.status is null then 'nicht_geliefert'
            when figures.status <> 'ok' then figures.status
            else 'nicht_vergleichbar'
        end as status
    from (select distinct schwellen_id, raum_id, gebietsstand, stichtag from figures) as area
    inner join {{ rules }} as rule on rule.schwellen_id = area.schwellen_id
    inner join {{ parts }} as part on part.schwellen_id = area.schwellen_id
    left join figures
        on figures.schwellen_id = area.schwellen_id
        and figures.raum_id = area.raum_id
        and figures.gebietsstand = area.gebietsstand
        and figures.stichtag = area.stichtag
        and figures.indikator_id = part.indikator_id
),

judged as (
    select
        limits.*,
        case
            when {{ as_burden('wert', 'polaritaet') }}
                > {{ as_burden('vergleich', 'polaritaet') }} + abstand then 1
            when wert is not null and vergleich is not null then 0
        end as ueberschritten
    from limits
),

counted as (
    select
        schwellen_id,
        raum_id,
        gebietsstand,
        stichtag,
        max(mindestzahl) as mindestzahl,
        cast(count(*) as integer) as anzahl_regeln,
        cast(count(ueberschritten) as integer) as anzahl_bewertet,
        cast(coalesce(sum(ueberschritten), 0) as integer) as anzahl_ueberschritten,
        {{ joined_texts('case when ueberschritten = 1 then name end', ', ', 'position') }}
            as ueberschritten,
        {{ joined_texts(
            "case when ueberschritten = 1 then concat("
            ~ "name, ' ', " ~ german_number('wert') ~ ", ' ', einheit, "
            ~ "case when art = 'absolut' then ' gegenüber der Grenze von ' else ' gegenüber ' end, "
            ~ german_number('vergleich') ~ ", ' ', einheit, "
            ~ "case when art = 'absolut' then '' when gegen = 'kreis' then ' im Kreis' "
            ~ "else ' in der Kommune' end) end",
            '; ', 'position'
        ) }} as begruendung,
        coalesce(
            {% for status in ['geheim', 'nicht_freigegeben', 'nicht_geliefert'] -%}
            max(case when ueberschritten is null and status = '{{ status }}' then status end),
            {% endfor -%}
            max(case when ueberschritten is null then status end)
        ) as fehlt
    from judged
    group by schwellen_id, raum_id, gebietsstand, stichtag
),

decided as (
    select
        counted.*,
        case
            when anzahl_ueberschritten >= mindestzahl then true
            when anzahl_ueberschritten + anzahl_regeln - anzahl_bewertet < mindestzahl then false
        end as erhoehter_bedarf
    from counted
),

-- Rows of one uninterrupted exceedance follow the same number of other rows.
runs as (
    select
        decided.*,
        sum(case when erhoehter_bedarf then 0 else 1 end) over (
            partition by schwellen_id, gebietsstand, raum_id
            order by stichtag rows between unbounded preceding and current row
        ) as lauf
    from decided
)

select
    raum_id,
    gebietsstand,
    'sozialraum' as raumebene,
    stichtag,
    schwellen_id,
    anzahl_ueberschritten,
    anzahl_bewertet,
    anzahl_regeln,
    ueberschritten,
    erhoehter_bedarf,
    case
        when erhoehter_bedarf
            then min(case when erhoehter_bedarf then stichtag end) over (
                partition by schwellen_id, gebietsstand, raum_id, lauf
            )
    end as seit,
    begruendung,
    case when erhoehter_bedarf is null then fehlt else 'ok' end as status
from runs
