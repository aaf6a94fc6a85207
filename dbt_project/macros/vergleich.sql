{# What makes a comparison one can trust: how far a value may differ by chance alone, and to which
   fifth an area belongs. Counts are full counts, no sample: the interval says how much the value
   would vary if the same chances had turned out differently for as many people. The quantile `z`
   and the limit of what still says something are declared by the region (rule_chance). #}

{# Lower (`sign` '-') or upper ('+') limit of a share `zaehler` / `nenner`: the score interval,
   Wilson, Journal of the American Statistical Association 22 (1927), p. 209-212. It stays within
   0 and 1, which it reaches exactly for nobody and for everybody; nothing is told where the
   numerator is not between 0 and the denominator. #}
{% macro wilson(zaehler, nenner, z, sign) -%}
{%- set n = 'cast(' ~ nenner ~ ' as double)' -%}
{%- set p = '(' ~ zaehler ~ ' / ' ~ n ~ ')' -%}
case
    when {{ nenner }} > 0 and {{ zaehler }} = {{ 0 if sign == '-' else nenner }}
        then {{ 0 if sign == '-' else 1 }}
    when {{ nenner }} > 0 and {{ zaehler }} between 0 and {{ nenner }} then (
        {{ p }} + {{ z }} * {{ z }} / (2 * {{ n }})
        {{ sign }} {{ z }} * sqrt({{ p }} * (1 - {{ p }}) / {{ n }}
            + {{ z }} * {{ z }} / (4 * {{ n }} * {{ n }}))
    ) / (1 + {{ z }} * {{ z }} / {{ n }})
end
{%- endmacro %}

{# Lower or upper limit of a rate of events `zaehler` / `nenner`: Byar's approximation to the exact
   limits of a Poisson count, Breslow & Day, Statistical Methods in Cancer Research, vol. II
   (1987), p. 69. Without events the lower limit is 0. #}
{% macro byar(zaehler, nenner, z, sign) -%}
{%- set o = 'cast(' ~ zaehler ~ ' as double)' if sign == '-'
    else '(cast(' ~ zaehler ~ ' as double) + 1)' -%}
case
    {% if sign == '-' -%}
    when {{ nenner }} > 0 and {{ zaehler }} = 0 then 0
    {% endif -%}
    when {{ nenner }} > 0 and {{ zaehler }} >= 0 then
        {{ o }} * power(1 - 1 / (9 * {{ o }}) {{ sign }} {{ z }} / (3 * sqrt({{ o }})), 3)
            / {{ nenner }}
end
{%- endmacro %}

{# Limit of the value of a row of mart_indikator: which formula serves, tells the indicator. #}
{% macro chance_limit(sign) -%}
case
    when wert is null then null
    when art = 'anteil' then faktor * {{ wilson('zaehler', 'nenner', 'z', sign) }}
    when art = 'verhaeltnis' and ereignisse then
        faktor * {{ byar('zaehler', 'nenner', 'z', sign) }}
end
{%- endmacro %}

{# The fifth in which a rank from 1 to `anzahl` lies, 1 the first. Equal values share one: that of
   the middle of their ranks, so that many equal ones are in neither the first nor the last fifth.
   With fewer than five ranked there are no fifths. #}
{% macro fifth_of(rank, ties, anzahl) -%}
case
    when {{ anzahl }} >= 5 then
        cast(floor(({{ rank }} - 1 + cast({{ ties }} as double) / 2) * 5 / {{ anzahl }}) as integer)
            + 1
end
{%- endmacro %}

{# What of one area's distance to another an indicator brings, squared: exact numbers, so that the
   sum does not depend on the order in which an engine adds. #}
{% macro squared_part(gewicht, abstand) -%}
cast({{ gewicht }} * {{ abstand }} * {{ abstand }} as decimal(28, 12))
{%- endmacro %}

{# CTEs up to `features`: the declared structural indicators of every Sozialraum at the newest
   Stichtag of each Gebietsstand at which all of them have values, in the newest version of their
   definitions. `komplett`: the area has all of them. `streuung`: the population standard deviation
   over the areas that have; the order of the window fixes the order in which is added.
   Grain: definition × area × Gebietsstand × indicator. #}
{% macro peer_features() -%}
declared as (
    select feature.vergleich_id, feature.indikator_id, feature.gewicht, newest.version
    from {{ source('warehouse', 'rule_peer_feature') }} as feature
    left join (
        select indikator_id, max(version) as version
        from {{ ref('dim_indikator') }}
        group by indikator_id
    ) as newest on newest.indikator_id = feature.indikator_id
),

published as (
    select declared.vergleich_id, indikator.raum_id, indikator.gebietsstand, indikator.raumebene,
        indikator.stichtag, indikator.indikator_id, indikator.wert, indikator.status
    from {{ ref('mart_indikator') }} as indikator
    inner join declared
        on declared.indikator_id = indikator.indikator_id
        and declared.version = indikator.version
    where indikator.raumebene = 'sozialraum'
),

full_days as (
    select published.vergleich_id, published.gebietsstand, published.stichtag
    from published
    inner join (
        select vergleich_id, count(*) as anzahl from declared group by vergleich_id
    ) as wanted on wanted.vergleich_id = published.vergleich_id
    where published.wert is not null
    group by published.vergleich_id, published.gebietsstand, published.stichtag
    having count(distinct published.indikator_id) = max(wanted.anzahl)
),

newest_days as (
    select vergleich_id, gebietsstand, max(stichtag) as stichtag
    from full_days
    group by vergleich_id, gebietsstand
),

areas as (
    select distinct published.vergleich_id, published.raum_id, published.gebietsstand,
        published.raumebene, published.stichtag
    from published
    inner join newest_days
        on newest_days.vergleich_id = published.vergleich_id
        and newest_days.gebietsstand = published.gebietsstand
        and newest_days.stichtag = published.stichtag
),

valued as (
    select
        areas.*,
        declared.indikator_id,
        declared.gewicht,
        published.wert,
        coalesce(published.status, 'nicht_geliefert') as status,
        count(published.wert) over area = count(*) over area as komplett
    from areas
    inner join declared on declared.vergleich_id = areas.vergleich_id
    left join published
        on published.vergleich_id = areas.vergleich_id
        and published.raum_id = areas.raum_id
        and published.gebietsstand = areas.gebietsstand
        and published.stichtag = areas.stichtag
        and published.indikator_id = declared.indikator_id
    window area as (partition by areas.vergleich_id, areas.raum_id, areas.gebietsstand)
),

features as (
    select
        valued.*,
        stddev_pop(case when komplett then wert end) over (
            partition by vergleich_id, gebietsstand, indikator_id
            order by raum_id rows between unbounded preceding and unbounded following
        ) as streuung
    from valued
)
{%- endmacro %}

{# The difference of two values in standard deviations; 0 where all areas are equal. #}
{% macro standard_distance(wert, other, streuung) -%}
case
    when {{ streuung }} > 0 then ({{ wert }} - {{ other }}) / {{ streuung }}
    when {{ wert }} = {{ other }} then 0
end
{%- endmacro %}
