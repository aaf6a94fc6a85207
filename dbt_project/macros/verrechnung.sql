{# Counts that are made of several published counts: sums, differences, changes over years. Each has
   the shape that `indikator` takes, and what is not ok in one of its parts is not ok in it. #}

{# Sum of counts, each a query like `einwohner()` or `fallzahl()`. #}
{% macro summe(counts) -%}
    {{ verrechnet(counts, []) }}
{%- endmacro %}

{# One count less another; it may be below zero. #}
{% macro differenz(minuend, subtrahend) -%}
    {{ verrechnet([minuend], [subtrahend]) }}
{%- endmacro %}

{# Sum of cases of several merkmale. #}
{% macro fallzahl_summe(merkmale) -%}
    {%- set counts = [] -%}
    {%- for merkmal in merkmale -%}{%- do counts.append(fallzahl(merkmal)) -%}{%- endfor -%}
    {{ summe(counts) }}
{%- endmacro %}

{# Cases of one merkmal less those of another. #}
{% macro fallzahl_saldo(minuend, subtrahend) -%}
    {{ differenz(fallzahl(minuend), fallzahl(subtrahend)) }}
{%- endmacro %}

{# What is added less what is taken away. In a pseudo-area a part may lack and is 0 there; an area
   that lacks one was not delivered. Grain: area × Gebietsstand × Stichtag. #}
{% macro verrechnet(added, taken) -%}
    select
        raum_id,
        gebietsstand,
        stichtag,
        case when status = 'ok' then summe end as anzahl,
        status,
        geschaetzt
    from (
        select
            raum_id,
            gebietsstand,
            stichtag,
            sum(anzahl * vorzeichen) as summe,
            case
                when {{ sum_status('status') }} <> 'ok' then {{ sum_status('status') }}
                when count(*) < {{ added | length + taken | length }}
                    and raum_id not like '%-ohne' then 'nicht_geliefert'
                else 'ok'
            end as status,
            max(case when geschaetzt then 1 else 0 end) = 1 as geschaetzt
        from (
            {% for counts in added + taken -%}
            select raum_id, gebietsstand, stichtag, anzahl, status, geschaetzt,
                {{ 1 if loop.index <= added | length else -1 }} as vorzeichen
            from (
                {{ counts }}
            ) as counts
            {% if not loop.last %}union all{% endif %}
            {% endfor %}
        ) as parts
        group by raum_id, gebietsstand, stichtag
    ) as sums
{%- endmacro %}

{# Inhabitants some years before each Stichtag, on the boundaries of the Stichtag (`was='frueher'`),
   or how many more there are since (`was='veraenderung'`). A Stichtag without an earlier one has
   no rows.

   Where both days have one Gebietsstand, area by area. Where the boundaries changed between them,
   the Kommune alone is comparable: its figure lies whole in its pseudo-area, as every figure that
   is told for Kommunen, and the Sozialräume are `nicht_vergleichbar`, with 0 in the denominator,
   which the Kommune covers without them. One part that is not ok leaves the Kommune without a
   figure: the two sums would lack different people. Grain: area × Gebietsstand × Stichtag. #}
{% macro einwohner_seit(jahre, was) -%}
    {%- set part = "raum.raumebene in ('sozialraum', 'ohne_raum')" -%}
    {%- set whole = "raum.raumebene = 'kommune' and counts.status = 'ok'" -%}
    with counts as (
        {{ einwohner() }}
    ),

    days as (
        select
            later.stichtag,
            later.gebietsstand,
            earlier.stichtag as frueherer_stichtag,
            earlier.gebietsstand as frueherer_stand
        from (select distinct stichtag, gebietsstand from counts) as later
        inner join (select distinct stichtag, gebietsstand from counts) as earlier
            on extract(year from later.stichtag) = extract(year from earlier.stichtag) + {{ jahre }}
            and extract(month from later.stichtag) = extract(month from earlier.stichtag)
            and extract(day from later.stichtag) = extract(day from earlier.stichtag)
    ),

    -- The published total of a Kommune, else the sum of its parts.
    kommunen as (
        select
            concat(raum.kommune_id, '-ohne') as raum_id,
            counts.gebietsstand,
            counts.stichtag,
            coalesce(
                max(case when {{ whole }} then counts.anzahl end),
                sum(case when {{ part }} then counts.anzahl end)
            ) as anzahl,
            case
                when max(case when {{ whole }} then 1 else 0 end) = 1 then 'ok'
                else {{ sum_status('case when ' ~ part ~ ' then counts.status end') }}
            end as status
        from counts
        inner join {{ ref('dim_raum') }} as raum
            on raum.raum_id = counts.raum_id and raum.gebietsstand = counts.gebietsstand
        where {{ part }} or raum.raumebene = 'kommune'
        group by raum.kommune_id, counts.gebietsstand, counts.stichtag
    ),

    -- Each count at its own day and as the earlier one of another, area by area or as a whole.
    sides as (
        {% for parts, same, alone_is_zero in [
            ('counts', '=', "parts.raum_id like '%-ohne'"), ('kommunen', '<>', 'false')
        ] -%}
        {%- for stichtag, stand, heute, frueher in [
            ('stichtag', 'gebietsstand', 'parts.anzahl', '0'),
            ('frueherer_stichtag', 'frueherer_stand', '0', 'parts.anzahl')
        ] -%}
        select parts.raum_id, days.gebietsstand, days.stichtag, {{ heute }} as heute,
            {{ frueher }} as frueher, parts.status, {{ alone_is_zero }} as alone_is_zero
        from {{ parts }} as parts
        inner join days
            on days.{{ stichtag }} = parts.stichtag and days.{{ stand }} = parts.gebietsstand
            and days.gebietsstand {{ same }} days.frueherer_stand
        union all
        {% endfor -%}
        {%- endfor -%}
        select counts.raum_id, counts.gebietsstand, counts.stichtag, 0, 0, 'nicht_vergleichbar',
            true
        from counts
        inner join days
            on days.stichtag = counts.stichtag and days.gebietsstand = counts.gebietsstand
            and days.gebietsstand <> days.frueherer_stand
        where counts.raum_id not like '%-ohne'
    ),

    compared as (
        select
            raum_id,
            gebietsstand,
            stichtag,
            sum(heute) as heute,
            sum(frueher) as frueher,
            case
                when {{ sum_status('status') }} <> 'ok' then {{ sum_status('status') }}
                when count(*) < 2 and max(case when alone_is_zero then 0 else 1 end) = 1
                    then 'nicht_geliefert'
                else 'ok'
            end as status
        from sides
        group by raum_id, gebietsstand, stichtag
    )

    select
        raum_id,
        gebietsstand,
        stichtag,
        case
            when status in ('ok', 'nicht_vergleichbar')
                then {{ {'frueher': 'frueher', 'veraenderung': 'heute - frueher'}[was] }}
        end as anzahl,
        status,
        false as geschaetzt
    from compared
{%- endmacro %}

{# Inhabitants from an age in whole years (without one: all) to the age limit of SGB II: all but who
   is younger and who is above. Made of published counts, so that what is withheld of the three
   cannot be read from it. Only of a Stichtag of which the older ones are counted.
   Grain: area × Gebietsstand × Stichtag. #}
{% macro einwohner_bis_altersgrenze(von=none, ab='einwohner_ab_altersgrenze') -%}
    {%- set others = [fallzahl(ab)] -%}
    {%- if von is not none -%}{%- do others.append(einwohner(0, von - 1)) -%}{%- endif -%}
    select raum_id, gebietsstand, stichtag, anzahl, status, geschaetzt
    from (
        {{ verrechnet([einwohner()], others) }}
    ) as younger
    where exists (
        select 1 from {{ source('released', 'fallzahl') }} as counted
        where counted.merkmal = '{{ ab }}'
            and counted.gebietsstand = younger.gebietsstand
            and counted.stichtag = younger.stichtag
    )
{%- endmacro %}
