{{ needs('ewo_bestand') }}
{# Whole numbers are the same in any order: all cores count, and sums of decimals stay with one. #}
{{ config(materialized='table', pre_hook=threads('all'), post_hook=threads(1)) }}
{# The register of persons as counts; nothing else reads its rows. Inhabitants by year of age, sex
   and nationality group, the rest as totals. Grain: delivery × area × merkmal × year of age ×
   sex × nationality group. #}
with persons as (
    select * from {{ ref('int_ewo_person__derived') }}
),

households as (
    select
        delivery_id,
        liefereinheit,
        stichtag,
        gebietsstand,
        haushalt,
        min(raum_id) as raum_id,
        count(*) as personen,
        sum(case when ist_kind and jahre < 18 then 1 else 0 end) as kinder,
        sum(case when ist_kind then 0 else 1 end) as erwachsene,
        min(jahre) as juengster
    from persons
    group by delivery_id, liefereinheit, stichtag, gebietsstand, haushalt
),

kinds as (
    select delivery_id, liefereinheit, stichtag, raum_id, gebietsstand,
        count(*) as haushalte,
        sum(case when personen = 1 then 1 else 0 end) as haushalte_einperson,
        sum(case when kinder > 0 then 1 else 0 end) as haushalte_mit_kindern,
        sum(case when kinder > 0 and erwachsene = 1 then 1 else 0 end)
            as haushalte_alleinerziehend,
        sum(case when personen = 1 and juengster >= 65 then 1 else 0 end)
            as haushalte_einperson_ab_65,
        sum(case when kinder >= 3 then 1 else 0 end) as haushalte_kinderreich
    from households
    group by delivery_id, liefereinheit, stichtag, raum_id, gebietsstand
),

inhabitants as (
    select delivery_id, liefereinheit, stichtag, raum_id, gebietsstand, jahre, geschlecht,
        staatsangehoerigkeit,
        count(*) as anzahl,
        count(*) * jahre as alterssumme,
        sum(case when migrationshintergrund then 1 else 0 end) as migrationshintergrund,
        sum(case when migrationshintergrund and jahre < 18 then 1 else 0 end)
            as migrationshintergrund_u18,
        sum(case when unter_altersgrenze then 0 else 1 end) as einwohner_ab_altersgrenze,
        sum(case when zehn_jahre_hier and jahre >= 18 then 1 else 0 end) as wohndauer_ab_10
    from persons
    group by delivery_id, liefereinheit, stichtag, raum_id, gebietsstand, jahre, geschlecht,
        staatsangehoerigkeit
)

select delivery_id, liefereinheit, stichtag, raum_id, gebietsstand, 'einwohner' as merkmal,
    jahre, geschlecht, staatsangehoerigkeit, anzahl
from inhabitants
{% for merkmal in [
    'alterssumme', 'migrationshintergrund', 'migrationshintergrund_u18', 'wohndauer_ab_10',
    'einwohner_ab_altersgrenze'
] -%}
union all
select delivery_id, liefereinheit, stichtag, raum_id, gebietsstand, '{{ merkmal }}',
    cast(null as integer), 'insgesamt', 'insgesamt', sum({{ merkmal }})
from inhabitants
group by delivery_id, liefereinheit, stichtag, raum_id, gebietsstand
{% endfor %}
{% for merkmal in [
    'haushalte', 'haushalte_einperson', 'haushalte_einperson_ab_65', 'haushalte_mit_kindern',
    'haushalte_alleinerziehend', 'haushalte_kinderreich'
] -%}
union all
select delivery_id, liefereinheit, stichtag, raum_id, gebietsstand, '{{ merkmal }}',
    cast(null as integer), 'insgesamt', 'insgesamt', {{ merkmal }}
from kinds
{% endfor %}
