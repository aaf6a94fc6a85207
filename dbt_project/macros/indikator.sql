{# How an indicator names its counts, and what is made of them. Counts are read from
   `released` alone, so that nothing here can see what is withheld. #}

{% macro indikator_id(model_name) -%}
    {{ return(model_name | replace('ind_', '', 1)) }}
{%- endmacro %}

{# An indicator is there only if the region has a feed that brings its numerator. #}
{% macro indikator_here() -%}
    {% do config(enabled=indikator_id(this.identifier) in var('indikatoren', [])) %}
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

{# Those of some indicators that the region has, joined. #}
{% macro named_indicators(ids) -%}
    {%- set here = [] -%}
    {%- for id in ids if id in var('indikatoren', []) -%}{%- do here.append(id) -%}{%- endfor -%}
    {{ return(here | join(', ')) }}
{%- endmacro %}

{# What was different in earlier versions of a definition, as one text. #}
{% macro earlier_versions(versions) -%}
    {%- set told = [] -%}
    {%- for earlier in versions -%}
        {%- do told.append(
            'Version ' ~ earlier.version ~ ' bis ' ~ earlier.bis ~ ': ' ~ earlier.text
        ) -%}
    {%- endfor -%}
    {{ return(told | join(' ')) }}
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

{# Inhabitants of an age range (whole years, inclusive; open above without `bis`), or all; of one
   nationality group, or of both, and of one sex, or of both: of an age range of one sex only if
   `kreuzungen` gives it as a band. They are those of the register, the reference of every rate; the
   Fortschreibung, which knows Kommunen only, is `einwohner_fortschreibung`.
   Where a band of the range is withheld and none outside is, the range is what these leave of all:
   the bands of both sexes and of all nationalities add up to all inhabitants.
   Grain: area × Gebietsstand × Stichtag. #}
{% macro einwohner(von=none, bis=none, staatsangehoerigkeit='insgesamt', geschlecht='insgesamt') -%}
    {%- set chosen = einwohner_baender(von, bis, staatsangehoerigkeit, geschlecht) -%}
    {%- if von is none or geschlecht != 'insgesamt' or staatsangehoerigkeit != 'insgesamt' -%}
    {{ chosen }}
    {%- else -%}
    select
        chosen.raum_id,
        chosen.gebietsstand,
        chosen.stichtag,
        case when chosen.status = 'ok' then chosen.anzahl else rest.anzahl end as anzahl,
        case when rest.status = 'ok' then 'ok' else chosen.status end as status,
        false as geschaetzt
    from ({{ chosen }}) as chosen
    left join (
        {{ verrechnet([einwohner_baender()], [einwohner_baender(von, bis, ausserhalb=true)]) }}
    ) as rest
        on rest.raum_id = chosen.raum_id
        and rest.gebietsstand = chosen.gebietsstand
        and rest.stichtag = chosen.stichtag
    {%- endif %}
{%- endmacro %}

{# The bands in an age range, or outside of it, added up as they are printed. #}
{% macro einwohner_baender(
    von=none, bis=none, staatsangehoerigkeit='insgesamt', geschlecht='insgesamt', ausserhalb=false
) -%}
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
        on bands.altersgruppe = counts.altersgruppe
    where {% if ausserhalb %}not {% endif %}(
        bands.von >= {{ von }}
        {%- if bis is not none %} and coalesce(bands.bis <= {{ bis }}, false){% endif %}
    )
    {%- endif %}
        and counts.basis = 'melderegister'
        and counts.geschlecht = '{{ geschlecht }}'
        and counts.staatsangehoerigkeit = '{{ staatsangehoerigkeit }}'
    group by counts.raum_id, counts.gebietsstand, counts.stichtag
{%- endmacro %}

{# Inhabitants by the Fortschreibung, for indicators that are told for whole Kommunen.
   Grain: pseudo-area × Gebietsstand × Stichtag. #}
{% macro einwohner_fortschreibung() -%}
    select raum_id, gebietsstand, stichtag, anzahl, status, false as geschaetzt
    from {{ source('released', 'bevoelkerung') }}
    where basis = 'fortschreibung'
        and altersgruppe = 'insgesamt'
        and geschlecht = 'insgesamt'
        and staatsangehoerigkeit = 'insgesamt'
{%- endmacro %}

{# Cases or places. Grain: area × Gebietsstand × Stichtag. #}
{% macro fallzahl(merkmal) -%}
    select raum_id, gebietsstand, stichtag, anzahl, status, geschaetzt
    from {{ source('released', 'fallzahl') }}
    where merkmal = '{{ merkmal }}'
{%- endmacro %}

{# Figures or classes that a partner delivers without their counts; never rolled up. #}
{% macro lieferwert(merkmal) -%}
    select raum_id, gebietsstand, stichtag, wert, klasse, status
    from {{ source('released', 'lieferwert') }}
    where merkmal = '{{ merkmal }}'
{%- endmacro %}

{# An indicator of counts: numerator and, but for `art: anzahl`, denominator. Of the denominator
   the entry says by `nenner_stichtag` which Stichtag of the same Gebietsstand counts: the same
   (`gleich`, unless said otherwise), the last one before (`letzter`) or the nearest before or
   after (`naechster`); further away than `hoechstabstand_tage` the two are not comparable.
   Grain: area × Gebietsstand × Stichtag. #}
{% macro indikator(zaehler, nenner=none) -%}
{%- do indikator_here() -%}
{%- set entry = indikator_entry() -%}
with zaehler as (
    {{ zaehler }}
)

{%- if nenner is not none %},

nenner as (
    {{ nenner }}
),

stichtag_pairs as (
    select
        zaehler.stichtag,
        zaehler.gebietsstand,
        nenner.stichtag as nenner_stichtag,
        row_number() over (
            partition by zaehler.stichtag, zaehler.gebietsstand
            order by abs({{ days_between('nenner.stichtag', 'zaehler.stichtag') }}),
                nenner.stichtag
        ) as rang
    from (select distinct stichtag, gebietsstand from zaehler) as zaehler
    left join (select distinct stichtag, gebietsstand from nenner) as nenner
        on nenner.gebietsstand = zaehler.gebietsstand
    {%- if entry.get('nenner_stichtag') == 'letzter' %}
        and nenner.stichtag <= zaehler.stichtag
    {%- elif entry.get('nenner_stichtag') != 'naechster' %}
        and nenner.stichtag = zaehler.stichtag
    {%- endif %}
),

nenner_stichtag as (
    select stichtag, gebietsstand, nenner_stichtag from stichtag_pairs where rang = 1
),

parts as (
    select raum_id, gebietsstand, stichtag from zaehler
    union
    select nenner.raum_id, nenner.gebietsstand, nenner_stichtag.stichtag
    from nenner
    inner join nenner_stichtag
        on nenner_stichtag.nenner_stichtag = nenner.stichtag
        and nenner_stichtag.gebietsstand = nenner.gebietsstand
),

-- Facts of a delivered Stichtag are complete for every Sozialraum. Only a pseudo-area may lack
-- one side, and there that side is 0; a Sozialraum that lacks one was not delivered.
sides as (
    select
        parts.raum_id,
        parts.gebietsstand,
        parts.stichtag,
        nenner_stichtag.nenner_stichtag,
        case
            when zaehler.raum_id is null and parts.raum_id like '%-ohne' then 0
            else zaehler.anzahl
        end as zaehler,
        case
            when zaehler.raum_id is null and parts.raum_id not like '%-ohne'
                then 'nicht_geliefert'
            else coalesce(zaehler.status, 'ok')
        end as zaehler_status,
        case
            when nenner.raum_id is null and parts.raum_id like '%-ohne'
                and nenner_stichtag.nenner_stichtag is not null then 0
            else nenner.anzahl
        end as nenner,
        case
            when nenner.raum_id is not null then nenner.status
            when nenner_stichtag.nenner_stichtag is not null and parts.raum_id like '%-ohne'
                then 'ok'
            else 'nicht_geliefert'
        end as nenner_status,
        coalesce(zaehler.geschaetzt, false) or coalesce(nenner.geschaetzt, false) as geschaetzt
    from parts
    inner join nenner_stichtag
        on nenner_stichtag.stichtag = parts.stichtag
        and nenner_stichtag.gebietsstand = parts.gebietsstand
    left join zaehler
        on zaehler.raum_id = parts.raum_id
        and zaehler.gebietsstand = parts.gebietsstand
        and zaehler.stichtag = parts.stichtag
    left join nenner
        on nenner.raum_id = parts.raum_id
        and nenner.gebietsstand = parts.gebietsstand
        and nenner.stichtag = nenner_stichtag.nenner_stichtag
)

select
    raum_id,
    gebietsstand,
    stichtag,
    '{{ indikator_id(this.identifier) }}' as indikator_id,
    cast({{ entry.get('version', 1) }} as integer) as version,
    zaehler,
    nenner,
    nenner_stichtag,
    cast(null as double) as wert_geliefert,
    cast(null as varchar) as klasse,
    case when zaehler_status <> 'ok' then zaehler_status else nenner_status end as status,
    coalesce(
        abs({{ days_between('nenner_stichtag', 'stichtag') }})
            <= {{ entry.get('hoechstabstand_tage', 0) }},
        true
    ) as vergleichbar,
    geschaetzt
from sides
{%- else %}

select
    raum_id,
    gebietsstand,
    stichtag,
    '{{ indikator_id(this.identifier) }}' as indikator_id,
    cast({{ entry.get('version', 1) }} as integer) as version,
    anzahl as zaehler,
    cast(null as bigint) as nenner,
    cast(null as date) as nenner_stichtag,
    cast(null as double) as wert_geliefert,
    cast(null as varchar) as klasse,
    status,
    true as vergleichbar,
    geschaetzt
from zaehler
{%- endif %}
{%- endmacro %}

{# An indicator that a partner delivers as a figure or as a class, without counts. #}
{% macro indikator_geliefert(werte) -%}
{%- do indikator_here() -%}
{%- set entry = indikator_entry() -%}
select
    raum_id,
    gebietsstand,
    stichtag,
    '{{ indikator_id(this.identifier) }}' as indikator_id,
    cast({{ entry.get('version', 1) }} as integer) as version,
    cast(null as bigint) as zaehler,
    cast(null as bigint) as nenner,
    cast(null as date) as nenner_stichtag,
    wert as wert_geliefert,
    klasse,
    status,
    true as vergleichbar,
    false as geschaetzt
from (
    {{ werte }}
) as werte
{%- endmacro %}
