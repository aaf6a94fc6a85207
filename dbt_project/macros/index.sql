{# The arithmetic of indices, and which Stichtag of a part stands for the Stichtag of the whole. What
   an index is made of is declared by the region (rule_index*) and stands in no query. #}

{# Which Stichtag of each part is used at a Stichtag of the whole, for indices and for sets of
   thresholds. `rules`: relation with the key `id`, leitindikator and hoechstabstand_tage. `parts`:
   relation with `id`, indikator_id and ausrichtung. The whole has the Stichtage of its
   leitindikator, without one those of all its parts. A part gives its nearest Stichtag of the same
   Gebietsstand, the earlier of two as near ones, or (`letzter`) its last one until then; none if
   that is further away than hoechstabstand_tage. `figures`: the CTE of what there is in Sozialräumen,
   by indikator_id; the published values without one.
   Gives the CTE `aligned`, grain: whole × Gebietsstand × Stichtag × part. #}
{% macro aligned_stichtage(rules, parts, id, figures=none) -%}
present as (
    select distinct indikator_id, gebietsstand, stichtag
    from {{ figures or ref('mart_indikator') }}
    {% if not figures -%}
    where raumebene = 'sozialraum'
    {%- endif %}
),

heads as (
    select distinct rule.{{ id }}, present.gebietsstand, present.stichtag, rule.hoechstabstand_tage
    from {{ rules }} as rule
    inner join {{ parts }} as part on part.{{ id }} = rule.{{ id }}
    inner join present
        on present.indikator_id = coalesce(rule.leitindikator, part.indikator_id)
),

stichtag_pairs as (
    select
        heads.{{ id }},
        heads.gebietsstand,
        heads.stichtag,
        part.indikator_id,
        present.stichtag as teil_stichtag,
        row_number() over (
            partition by heads.{{ id }}, heads.gebietsstand, heads.stichtag, part.indikator_id
            order by abs({{ days_between('present.stichtag', 'heads.stichtag') }}), present.stichtag
        ) as rang
    from heads
    inner join {{ parts }} as part on part.{{ id }} = heads.{{ id }}
    inner join present
        on present.indikator_id = part.indikator_id
        and present.gebietsstand = heads.gebietsstand
        and (part.ausrichtung = 'naechster' or present.stichtag <= heads.stichtag)
        and abs({{ days_between('present.stichtag', 'heads.stichtag') }})
            <= heads.hoechstabstand_tage
),

aligned as (
    select {{ id }}, gebietsstand, stichtag, indikator_id, teil_stichtag
    from stichtag_pairs
    where rang = 1
)
{%- endmacro %}

{# Value of an indicator as a burden: high is bad. What is better when it is high is turned around;
   an indicator without polarity stays as it is. #}
{% macro as_burden(wert, polaritaet) -%}
    case when {{ polaritaet }} > 0 then -({{ wert }}) else {{ wert }} end
{%- endmacro %}

{# A number as a text of German form, with one decimal. #}
{% macro german_number(number) -%}
    replace(cast(cast({{ number }} as decimal(18, 1)) as varchar), '.', ',')
{%- endmacro %}

{# From parts to classes, for a query that has the CTEs `members` (index × area × Gebietsstand ×
   Stichtag × indicator with `wert`, a burden) and `areas` (without the indicator, with `status`);
   only areas with status ok take part. Gives the CTE `classed` (summe, index_wert, klasse).

   Every distribution below is that of the reference population (`bezug`): the areas that take part
   at the index's referenz_stichtag, whatever their Gebietsstand, or without one those of the same
   Stichtag. Areas of one `skala` are measured on the same.

   1. Each part is standardised with the unweighted mean and the population standard deviation; a
      missing part, where the rule allows it, counts as the mean, 0. A domain is the weighted sum of
      its parts.
   2. `z_population`: summe is the weighted sum of the domains, index_wert is summe standardised again.
      `exponential`: areas are ranked in each domain, the most deprived highest; equal ones share the
      mean of their ranks. R is the rank over the number of ranked areas, X = -23 * ln(1 - R * (1 -
      exp(-100/23))), which lies in (0, 100]; summe and index_wert are the sum of X times the weight of
      the domain, as declared. A value between two of the reference gets the rank between them, one
      above all of them R = 1. Source: The English Indices of Deprivation 2015,
      technical report, Department for Communities and Local Government.
   3. The class is that of index_wert, or that of the share of areas that are as deprived or more
      (rank over number; equal ones share the best rank).

   Nothing is rounded on the way; sums are made in one order, so that the same values give the same
   last digit. #}
{% macro index_values() -%}
scaled as (
    select
        areas.index_id,
        areas.raum_id,
        areas.gebietsstand,
        areas.stichtag,
        rule.standardisierung,
        rule.klassen_nach,
        case
            when rule.referenz_stichtag is null
                then concat(areas.gebietsstand, ' ', cast(areas.stichtag as varchar))
            else cast(rule.referenz_stichtag as varchar)
        end as skala,
        case when coalesce(rule.referenz_stichtag, areas.stichtag) = areas.stichtag then 1 end
            as bezug
    from areas
    inner join {{ source('warehouse', 'rule_index') }} as rule on rule.index_id = areas.index_id
    where areas.status = 'ok'
),

standardised as (
    select
        scaled.*,
        part.domaene,
        part.domaene_gewicht,
        part.gewicht * coalesce(
            (members.wert - avg(case when scaled.bezug = 1 then members.wert end) over peers)
            / nullif(stddev_pop(case when scaled.bezug = 1 then members.wert end) over peers, 0),
            0
        ) as z_gewichtet
    from scaled
    inner join {{ source('warehouse', 'rule_index_part') }} as part
        on part.index_id = scaled.index_id
    left join members
        on members.index_id = scaled.index_id
        and members.raum_id = scaled.raum_id
        and members.gebietsstand = scaled.gebietsstand
        and members.stichtag = scaled.stichtag
        and members.indikator_id = part.indikator_id
    window peers as (
        partition by scaled.index_id, scaled.skala, part.indikator_id
        order by scaled.stichtag, scaled.gebietsstand, scaled.raum_id
        rows between unbounded preceding and unbounded following
    )
),

domains as (
    select
        index_id,
        raum_id,
        gebietsstand,
        stichtag,
        standardisierung,
        klassen_nach,
        skala,
        bezug,
        domaene,
        domaene_gewicht,
        sum(z_gewichtet) as punkte
    from standardised
    group by index_id, raum_id, gebietsstand, stichtag, standardisierung, klassen_nach, skala,
        bezug, domaene, domaene_gewicht
),

ranked as (
    select
        domains.*,
        count(bezug) over (partition by index_id, skala, domaene) as anzahl,
        count(bezug) over (
            partition by index_id, skala, domaene
            order by punkte range between unbounded preceding and current row
        ) as bis_hier,
        count(bezug) over (partition by index_id, skala, domaene, punkte) as gleiche
    from domains
),

transformed as (
    select
        ranked.*,
        case
            when standardisierung <> 'exponential' then punkte
            when anzahl > 0
                then -23 * ln(
                    1 - least(cast(1 as double), (bis_hier - (gleiche - 1) / cast(2 as double)) / anzahl)
                    * (1 - exp(-100 / cast(23 as double)))
                )
        end as domaene_wert
    from ranked
),

sums as (
    select
        index_id,
        raum_id,
        gebietsstand,
        stichtag,
        standardisierung,
        klassen_nach,
        skala,
        bezug,
        sum(domaene_gewicht * domaene_wert) as summe
    from transformed
    group by index_id, raum_id, gebietsstand, stichtag, standardisierung, klassen_nach, skala, bezug
),

indexed as (
    select
        sums.*,
        case
            when standardisierung = 'exponential' then summe
            else (summe - avg(case when bezug = 1 then summe end) over peers)
                / nullif(stddev_pop(case when bezug = 1 then summe end) over peers, 0)
        end as index_wert
    from sums
    window peers as (
        partition by index_id, skala
        order by stichtag, gebietsstand, raum_id
        rows between unbounded preceding and unbounded following
    )
),

placed as (
    select
        indexed.*,
        case
            when klassen_nach = 'index_wert' then index_wert
            when index_wert is not null
                then cast(
                    count(bezug) over (partition by index_id, skala) - count(bezug) over (
                        partition by index_id, skala
                        order by index_wert range between unbounded preceding and current row
                    ) + 1 as double
                ) / count(bezug) over (partition by index_id, skala)
        end as mass
    from indexed
),

classed as (
    select placed.index_id, placed.raum_id, placed.gebietsstand, placed.stichtag,
        placed.summe, placed.index_wert, class.klasse
    from placed
    inner join {{ source('warehouse', 'rule_index_class') }} as class
        on class.index_id = placed.index_id
        and (
            class.ueber is null
            or placed.mass > class.ueber
            or (class.ueber_einschliesslich and placed.mass = class.ueber)
        )
        and (
            class.bis is null
            or placed.mass < class.bis
            or (class.bis_einschliesslich and placed.mass = class.bis)
        )
)
{%- endmacro %}
