{# How an indicator names its counts, and what is made of them. Counts are read from
   `released` alone, so that nothing here can see what is withheld. #}

{% macro indikator_id(model_name) -%}
    {{ return(model_name | replace('ind_', '', 1)) }}
{%- endmacro %}

{# The agreed entry of the model that is being built, as it stands beside its SQL. A unit test
   shows no graph; it gives what it needs of the entry as an override of this macro. #}
{% macro indikator_entry() -%}
    {%- set nodes = graph.nodes if execute and graph.nodes is defined else {} -%}
    {%- set node = nodes.get('model.' ~ project_name ~ '.' ~ this.identifier) -%}
    {{ return(node.config.meta.indikator if node else {}) }}
{%- endmacro %}

{% macro text_literal(text) -%}
    {%- if text is none -%}cast(null as varchar)
    {%- else -%}'{{ (text | string | trim).replace("'", "''") }}'{%- endif -%}
{%- endmacro %}

{# Status of a sum of parts within one area: what is not ok in one part is not ok in the sum. #}
{% macro sum_status(column) -%}
    coalesce(
        max(case when {{ column }} = 'geheim' then 'geheim' end),
        max(case when {{ column }} = 'nicht_freigegeben' then 'nicht_freigegeben' end),
        max(case when {{ column }} <> 'ok' then {{ column }} end),
        'ok'
    )
{%- endmacro %}

{# Inhabitants of an age range (whole years, inclusive; open above without `bis`), or all.
   Grain: area × Gebietsstand × Stichtag. #}
{% macro einwohner(von=none, bis=none) -%}
    select
        counts.raum_id,
        counts.gebietsstand,
        counts.stichtag,
        sum(counts.anzahl) as anzahl,
        {{ sum_status('counts.status') }} as status,
        false as geschaetzt
    from {{ source('released', 'bevoelkerung') }} as counts
    {% if von is none -%}
    where counts.altersgruppe = 'insgesamt'
    {%- else -%}
    inner join {{ ref('altersgruppen') }} as bands
        on bands.altersgruppe = counts.altersgruppe and bands.art = 'fein'
    where bands.von >= {{ von }}
    {%- if bis is not none %} and bands.bis <= {{ bis }}{% endif %}
    {%- endif %}
        and counts.geschlecht = 'insgesamt'
        and counts.staatsangehoerigkeit = 'insgesamt'
    group by counts.raum_id, counts.gebietsstand, counts.stichtag
{%- endmacro %}

{# Cases or places. Grain: area × Gebietsstand × Stichtag. #}
{% macro fallzahl(merkmal) -%}
    select raum_id, gebietsstand, stichtag, anzahl, status, geschaetzt
    from {{ source('released', 'fallzahl') }}
    where merkmal = '{{ merkmal }}'
{%- endmacro %}

{# Figures that a partner delivers without their counts; never rolled up. #}
{% macro lieferwert(merkmal) -%}
    select raum_id, gebietsstand, stichtag, wert, status
    from {{ source('released', 'lieferwert') }}
    where merkmal = '{{ merkmal }}'
{%- endmacro %}

{# An indicator of counts: numerator and, but for `art: anzahl`, denominator.
   The denominator is taken at the same Stichtag, or with `nenner_stichtag: letzter` in the
   indicator's entry at the last one before; further away than `hoechstabstand_tage` the two
   are not comparable. Grain: area × Gebietsstand × Stichtag. #}
{% macro indikator(zaehler, nenner=none) -%}
{%- set entry = indikator_entry() -%}
with zaehler as (
    {{ zaehler }}
)

{%- if nenner is not none %},

nenner as (
    {{ nenner }}
),

nenner_stichtag as (
    select zaehler.stichtag, max(nenner.stichtag) as nenner_stichtag
    from (select distinct stichtag from zaehler) as zaehler
    left join (select distinct stichtag from nenner) as nenner
    {% if entry.get('nenner_stichtag') == 'letzter' -%}
        on nenner.stichtag <= zaehler.stichtag
    {%- else -%}
        on nenner.stichtag = zaehler.stichtag
    {%- endif %}
    group by zaehler.stichtag
),

parts as (
    select raum_id, gebietsstand, stichtag from zaehler
    union
    select nenner.raum_id, nenner.gebietsstand, nenner_stichtag.stichtag
    from nenner
    inner join nenner_stichtag on nenner_stichtag.nenner_stichtag = nenner.stichtag
)

-- Facts of a delivered Stichtag are complete for every Sozialraum. Only a pseudo-area may lack
-- one side, and there that side is 0.
select
    parts.raum_id,
    parts.gebietsstand,
    parts.stichtag,
    '{{ indikator_id(this.identifier) }}' as indikator_id,
    cast({{ entry.get('version', 1) }} as integer) as version,
    case when zaehler.raum_id is null then 0 else zaehler.anzahl end as zaehler,
    case
        when nenner.raum_id is null and nenner_stichtag.nenner_stichtag is not null then 0
        else nenner.anzahl
    end as nenner,
    cast(null as double) as wert_geliefert,
    case
        when coalesce(zaehler.status, 'ok') <> 'ok' then zaehler.status
        when nenner_stichtag.nenner_stichtag is null then 'nicht_geliefert'
        else coalesce(nenner.status, 'ok')
    end as status,
    coalesce(
        {{ days_between('nenner_stichtag.nenner_stichtag', 'parts.stichtag') }}
            <= {{ entry.get('hoechstabstand_tage', 0) }},
        true
    ) as vergleichbar,
    coalesce(zaehler.geschaetzt, false) as geschaetzt
from parts
inner join nenner_stichtag on nenner_stichtag.stichtag = parts.stichtag
left join zaehler
    on zaehler.raum_id = parts.raum_id
    and zaehler.gebietsstand = parts.gebietsstand
    and zaehler.stichtag = parts.stichtag
left join nenner
    on nenner.raum_id = parts.raum_id
    and nenner.gebietsstand = parts.gebietsstand
    and nenner.stichtag = nenner_stichtag.nenner_stichtag
{%- else %}

select
    raum_id,
    gebietsstand,
    stichtag,
    '{{ indikator_id(this.identifier) }}' as indikator_id,
    cast({{ entry.get('version', 1) }} as integer) as version,
    anzahl as zaehler,
    cast(null as bigint) as nenner,
    cast(null as double) as wert_geliefert,
    status,
    true as vergleichbar,
    geschaetzt
from zaehler
{%- endif %}
{%- endmacro %}

{# An indicator that a partner delivers as a figure, without counts. #}
{% macro indikator_geliefert(werte) -%}
{%- set entry = indikator_entry() -%}
select
    raum_id,
    gebietsstand,
    stichtag,
    '{{ indikator_id(this.identifier) }}' as indikator_id,
    cast({{ entry.get('version', 1) }} as integer) as version,
    cast(null as bigint) as zaehler,
    cast(null as bigint) as nenner,
    wert as wert_geliefert,
    status,
    true as vergleichbar,
    false as geschaetzt
from (
    {{ werte }}
) as werte
{%- endmacro %}
