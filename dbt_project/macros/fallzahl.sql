{# What models of counts share. #}

{# Sums of a relation with delivery_id, liefereinheit, stichtag, raum_id, merkmal, anzahl and zustand,
   in the shape of int_fallzahl__<feed>. `placed`: the rows come from a placement, which says their
   Gebietsstand. Within an area a state that hides a part hides the sum.
   Grain: delivery × area × merkmal. #}
{% macro int_fallzahl_of(relation, feed, placed=false) -%}
{%- set stand = 'counts' if placed else 'stand' -%}
select
    '{{ feed }}' as feed,
    counts.delivery_id,
    counts.liefereinheit,
    counts.raum_id,
    {{ stand }}.gebietsstand,
    counts.stichtag,
    counts.merkmal,
    sum(counts.anzahl) as anzahl,
    {{ state_of_sum('counts.zustand', 'counts.anzahl') }} as zustand,
    max(case when {{ is_estimate('counts.zustand') }} then 1 else 0 end) = 1 as geschaetzt
from {{ relation }} as counts
{% if not placed -%}
{{ join_gebietsstand('counts', feed) }}
{% endif -%}
where counts.merkmal is not null
group by counts.delivery_id, counts.liefereinheit, counts.raum_id, {{ stand }}.gebietsstand,
    counts.stichtag, counts.merkmal
{%- endmacro %}

{# A CTE `counts`: every column of `columns` of a relation by area as rows of one merkmal. #}
{% macro counts_as_rows(relation, columns) -%}
counts as (
    {% for column in columns -%}
    select delivery_id, liefereinheit, stichtag, raum_id, '{{ column }}' as merkmal,
        {{ column }} as anzahl, cast(null as varchar) as zustand
    from {{ relation }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
)
{%- endmacro %}

{# A table of the Landesdatenbank, of which the county's own Kommunen count: their figures lie in
   their pseudo-areas. Grain: delivery × Kommune. #}
{% macro landesdatenbank(model, feed, merkmal, condition) -%}
select
    '{{ feed }}' as feed,
    cells.delivery_id,
    cells.liefereinheit,
    concat(kommune.kommune_id, '-ohne') as raum_id,
    stand.gebietsstand,
    cells.stichtag,
    '{{ merkmal }}' as merkmal,
    cells.anzahl,
    cells.anzahl__zustand as zustand,
    {{ is_estimate('cells.anzahl__zustand') }} as geschaetzt
from {{ ref(model) }} as cells
inner join {{ source('warehouse', 'rule_kommune') }} as kommune
    on kommune.kommune_id = cells.gebiet_id
{{ join_gebietsstand('cells', feed) }}
where cells.{{ condition }}
{%- endmacro %}

{# What a benefit of the social office counts as. #}
{% macro sozialamt_merkmal(column) -%}
    case {{ column }}
        when 'hlu' then 'hilfe_zum_lebensunterhalt'
        when 'gs_alter' then 'grundsicherung_alter'
        when 'gs_erwerbsminderung' then 'grundsicherung_erwerbsminderung'
        when 'hilfe_zur_pflege' then 'hilfe_zur_pflege'
    end
{%- endmacro %}

{# The cells of a fact: every area of every expected delivery × every key that its feed gives, with
   the delivered count, or why there is none. The number of a Sozialraum that may not be published
   stays with it, under the status nicht_freigegeben: totals hold it, and it is protected in them.
   `wartet`: it is so for the want of its Kommune's release alone.
   `counts`: a relation of the shape int_<kind>__united. `keys`: a relation with feed, raumebene,
   leer_ist_null, geschaetzt and the columns `cell`, which name what is counted.
   Grain: area × Gebietsstand × Stichtag × cell. #}
{% macro fact_of(counts, keys, cell) -%}
{%- set of_counts = 'counts.' ~ cell | join(', counts.') -%}
{%- set of_cells = 'cells.' ~ cell | join(', cells.') -%}
summed as (
    select
        counts.feed,
        counts.liefereinheit,
        counts.stichtag,
        counts.gebietsstand,
        counts.raum_id,
        {{ of_counts }},
        sum(counts.anzahl) as anzahl,
        {{ sum_status(delivered_status('counts.zustand', 'counts.anzahl')) }} as status,
        max(case when counts.geschaetzt then 1 else 0 end) as geschaetzt
    from {{ counts }} as counts
    inner join {{ ref('int_raum__expected') }} as area
        on area.feed = counts.feed
        and area.liefereinheit = counts.liefereinheit
        and area.stichtag = counts.stichtag
        and area.gebietsstand = counts.gebietsstand
        and area.raum_id = counts.raum_id
    group by counts.feed, counts.liefereinheit, counts.stichtag, counts.gebietsstand,
        counts.raum_id, {{ of_counts }}
),

counted_in as (
    select distinct feed, stichtag, gebietsstand, raum_id from summed
),

-- A pseudo-area has cells where its feed counted something in it or did not come, so that nobody
-- knows what is in it, and where the figure of a whole Kommune is expected.
cells as (
    select area.*, {{ of_cells | replace('cells.', 'keys.') }},
        keys.leer_ist_null, keys.geschaetzt
    from {{ ref('int_raum__expected') }} as area
    inner join {{ keys }} as keys on keys.feed = area.feed
    left join counted_in
        on counted_in.feed = area.feed
        and counted_in.stichtag = area.stichtag
        and counted_in.gebietsstand = area.gebietsstand
        and counted_in.raum_id = area.raum_id
    where (keys.raumebene = 'sozialraum' and area.raumebene = 'sozialraum')
        or (area.raumebene = 'ohne_raum'
            and (
                keys.raumebene = 'kommune'
                or counted_in.raum_id is not null
                or area.delivery_id is null
            ))
),

delivered as (
    select
        cells.*,
        coalesce(summed.anzahl, case when cells.leer_ist_null then 0 end) as anzahl_summe,
        case
            when cells.delivery_id is null then 'nicht_geliefert'
            when summed.raum_id is not null then summed.status
            when cells.leer_ist_null then 'ok'
            else 'nicht_geliefert'
        end as lieferstatus,
        coalesce(summed.geschaetzt, 0) as zeile_geschaetzt
    from cells
    left join summed
        on summed.feed = cells.feed
        and summed.liefereinheit = cells.liefereinheit
        and summed.stichtag = cells.stichtag
        and summed.gebietsstand = cells.gebietsstand
        and summed.raum_id = cells.raum_id
        {% for name in cell -%}
        and summed.{{ name }} = cells.{{ name }}
        {% endfor %}
),

judged as (
    select
        delivered.*,
        case when lieferstatus = 'ok' then anzahl_summe end as anzahl,
        case
            when delivery_id is not null and not freigegeben then 'nicht_freigegeben'
            else lieferstatus
        end as status
    from delivered
),

-- What is unknown of one Liefereinheit makes the sum of all unknown.
united as (
    select
        cells.feed,
        cells.raum_id,
        cells.gebietsstand,
        cells.stichtag,
        {{ of_cells }},
        case when count(cells.anzahl) = count(*) then sum(cells.anzahl) end as anzahl,
        {{ sum_status('cells.status') }} as status,
        max(case when cells.wartet then 1 else 0 end) = 1
            and min(case when cells.freigegeben or cells.wartet then 1 else 0 end) = 1 as wartet,
        max(case when cells.geschaetzt then 1 else cells.zeile_geschaetzt end) = 1 as geschaetzt,
        max(cells.delivery_id) as delivery_id,
        max(cells.publishable_from) as publishable_from
    from judged as cells
    group by cells.feed, cells.raum_id, cells.gebietsstand, cells.stichtag, {{ of_cells }}
)
{%- endmacro %}
