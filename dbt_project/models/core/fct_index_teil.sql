{# What the indices with `klasse_aus: alle` are made of: every part of every Sozialraum from all counts
   and delivered figures, withheld ones too, and of which Stichtage they are. Sealed: only the class
   that rests on them goes on, and only as far as the audit lets it. #}
{%- set rules = source('warehouse', 'rule_index') %}
{%- set parts = source('warehouse', 'rule_index_part') %}
{%- set quellen = source('warehouse', 'rule_index_quelle') %}
with sides as (
    {% for side in ['zaehler', 'nenner'] -%}
    select indikator_id, '{{ side }}' as seite, {{ side }}_merkmal as merkmal,
        {{ side }}_von as von, {{ side }}_bis as bis
    from {{ quellen }}
    where lieferwert is null
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

people as (
    select counts.*, bands.von, bands.bis
    from {{ ref('fct_bevoelkerung') }} as counts
    left join {{ ref('altersgruppen') }} as bands on bands.altersgruppe = counts.altersgruppe
    where counts.basis = 'melderegister'
        and counts.geschlecht = 'insgesamt'
        and counts.staatsangehoerigkeit = 'insgesamt'
),

counted as (
    select sides.indikator_id, sides.seite, cases.raum_id, cases.gebietsstand, cases.stichtag,
        cases.anzahl, cases.status, cases.thema, cases.publishable_from
    from sides
    inner join {{ ref('fct_fallzahl') }} as cases on cases.merkmal = sides.merkmal
    union all
    select sides.indikator_id, sides.seite, people.raum_id, people.gebietsstand, people.stichtag,
        sum(people.anzahl), {{ sum_status('people.status') }}, max(people.thema),
        max(people.publishable_from)
    from sides
    inner join people
        on (sides.von is null and people.altersgruppe = 'insgesamt')
        or (people.von >= sides.von and people.bis <= coalesce(sides.bis, people.bis))
    where sides.merkmal is null
    group by sides.indikator_id, sides.seite, people.raum_id, people.gebietsstand, people.stichtag
),

small as (
    select counted.*
    from counted
    inner join {{ ref('dim_raum') }} as raum
        on raum.raum_id = counted.raum_id
        and raum.gebietsstand = counted.gebietsstand
        and raum.raumebene = 'sozialraum'
),

nenner_pairs as (
    select
        zaehler.indikator_id,
        zaehler.gebietsstand,
        zaehler.stichtag,
        nenner.stichtag as nenner_stichtag,
        row_number() over (
            partition by zaehler.indikator_id, zaehler.gebietsstand, zaehler.stichtag
            order by abs({{ days_between('nenner.stichtag', 'zaehler.stichtag') }}), nenner.stichtag
        ) as rang
    from (
        select distinct indikator_id, gebietsstand, stichtag from small where seite = 'zaehler'
    ) as zaehler
    inner join {{ quellen }} as quelle on quelle.indikator_id = zaehler.indikator_id
    inner join (
        select distinct indikator_id, gebietsstand, stichtag from small where seite = 'nenner'
    ) as nenner
        on nenner.indikator_id = zaehler.indikator_id
        and nenner.gebietsstand = zaehler.gebietsstand
        and abs({{ days_between('nenner.stichtag', 'zaehler.stichtag') }})
            <= quelle.hoechstabstand_tage
        and (quelle.nenner_stichtag <> 'letzter' or nenner.stichtag <= zaehler.stichtag)
),

figures as (
    select
        zaehler.indikator_id,
        zaehler.raum_id,
        zaehler.gebietsstand,
        zaehler.stichtag,
        pairs.nenner_stichtag,
        cast(zaehler.anzahl as bigint) as zaehler,
        cast(nenner.anzahl as bigint) as nenner,
        case when nenner.anzahl > 0 then cast(zaehler.anzahl as double) / nenner.anzahl end as wert,
        zaehler.thema,
        greatest(zaehler.publishable_from, nenner.publishable_from) as publishable_from
    from small as zaehler
    inner join nenner_pairs as pairs
        on pairs.indikator_id = zaehler.indikator_id
        and pairs.gebietsstand = zaehler.gebietsstand
        and pairs.stichtag = zaehler.stichtag
        and pairs.rang = 1
    inner join small as nenner
        on nenner.indikator_id = zaehler.indikator_id
        and nenner.raum_id = zaehler.raum_id
        and nenner.gebietsstand = zaehler.gebietsstand
        and nenner.stichtag = pairs.nenner_stichtag
        and nenner.seite = 'nenner'
        and nenner.status = 'ok'
    where zaehler.seite = 'zaehler' and zaehler.status = 'ok'
    union all
    select
        quelle.indikator_id,
        delivered.raum_id,
        delivered.gebietsstand,
        delivered.stichtag,
        cast(null as date) as nenner_stichtag,
        cast(null as bigint) as zaehler,
        cast(null as bigint) as nenner,
        delivered.wert,
        delivered.thema,
        delivered.publishable_from
    from {{ ref('fct_lieferwert') }} as delivered
    inner join {{ quellen }} as quelle on quelle.lieferwert = delivered.merkmal
    where delivered.status = 'ok' and delivered.raum_id not like '%-ohne'
),

{{ aligned_stichtage(rules, parts, 'index_id', figures='figures') }}

select
    aligned.index_id,
    figures.raum_id,
    figures.gebietsstand,
    aligned.stichtag,
    figures.indikator_id,
    figures.stichtag as teil_stichtag,
    figures.nenner_stichtag,
    figures.zaehler,
    figures.nenner,
    figures.wert,
    figures.thema,
    figures.publishable_from
from aligned
inner join {{ rules }} as rule on rule.index_id = aligned.index_id and rule.klasse_aus_allen
inner join figures
    on figures.indikator_id = aligned.indikator_id
    and figures.gebietsstand = aligned.gebietsstand
    and figures.stichtag = aligned.teil_stichtag
