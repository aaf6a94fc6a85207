{# The arithmetic of an index, for a query that has the CTEs `members` (index × area × Stichtag ×
   indicator with `wert` and `gewicht`) and `areas` (index × area × Stichtag with `status`); only
   areas with status ok take part. Gives the CTEs `indexed` (summe, index_wert) and `classed`.
   `z_population`: each part is standardised over the areas that take part, with their
   unweighted mean and the population standard deviation; the weighted z-values are summed and
   the sum is standardised again. Nothing is rounded on the way. #}
{% macro z_population_index() -%}
standardised as (
    select
        members.index_id,
        members.raum_id,
        members.gebietsstand,
        members.stichtag,
        members.gewicht * (members.wert - avg(members.wert) over peers)
            / nullif(stddev_pop(members.wert) over peers, 0) as z_gewichtet
    from members
    inner join areas
        on areas.index_id = members.index_id
        and areas.raum_id = members.raum_id
        and areas.gebietsstand = members.gebietsstand
        and areas.stichtag = members.stichtag
    where areas.status = 'ok'
    window peers as (
        partition by members.index_id, members.gebietsstand, members.stichtag,
            members.indikator_id
    )
),

sums as (
    select index_id, raum_id, gebietsstand, stichtag, sum(z_gewichtet) as summe
    from standardised
    group by index_id, raum_id, gebietsstand, stichtag
),

indexed as (
    select
        sums.*,
        (summe - avg(summe) over peers) / nullif(stddev_pop(summe) over peers, 0) as index_wert
    from sums
    window peers as (partition by index_id, gebietsstand, stichtag)
),

classed as (
    select indexed.index_id, indexed.raum_id, indexed.gebietsstand, indexed.stichtag,
        indexed.summe, indexed.index_wert, class.klasse
    from indexed
    inner join {{ source('warehouse', 'rule_index_class') }} as class
        on class.index_id = indexed.index_id
        and (
            class.ueber is null
            or indexed.index_wert > class.ueber
            or (class.ueber_einschliesslich and indexed.index_wert = class.ueber)
        )
        and (
            class.bis is null
            or indexed.index_wert < class.bis
            or (class.bis_einschliesslich and indexed.index_wert = class.bis)
        )
)
{%- endmacro %}
