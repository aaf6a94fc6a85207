{# What figures need to be read with: what the region declares, and what has to be told of
   deliveries. A note of a theme becomes one for each of its indicators. #}
with declared as (
    select
        rule.hinweis_id,
        coalesce(rule.raum_id, 'alle') as raum_id,
        coalesce(rule.indikator_id, themen.indikator_id, 'alle') as indikator_id,
        rule.stichtag_von,
        rule.stichtag_bis,
        rule.art,
        rule.text
    from {{ source('warehouse', 'rule_hinweis') }} as rule
    left join (select distinct thema, indikator_id from {{ ref('dim_indikator') }}) as themen
        on themen.thema = rule.thema
    where rule.thema is null or themen.indikator_id is not null
)

select hinweis_id, raum_id, indikator_id, stichtag_von, stichtag_bis, art, text from declared
union all
select hinweis_id, raum_id, indikator_id, stichtag_von, stichtag_bis, art, text
from {{ source('released', 'hinweis') }}
