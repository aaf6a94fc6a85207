{# Which models a region has. A region delivers some of the feeds that the project knows: a model
   whose feed is not among them is disabled, and unions are made over those that are there. #}

{# At the top of a model: it is there only if the region has the feed. #}
{% macro needs(feed) -%}
    {% do config(enabled=has_feed(feed)) %}
{%- endmacro %}

{% macro has_feed(feed) -%}
    {{ return(feed in var('feeds', [])) }}
{%- endmacro %}

{# Those of `feeds` that the region has, in the given order. #}
{% macro feeds_here(feeds) -%}
    {%- set here = [] -%}
    {%- for feed in feeds if has_feed(feed) -%}{%- do here.append(feed) -%}{%- endfor -%}
    {{ return(here) }}
{%- endmacro %}

{# Feeds that bring areas of the levels. #}
{% macro area_feeds() -%}
    {{ return(feeds_here([
        'lor_planungsraeume', 'lor_bezirksregionen', 'lor_bezirke',
        'sozialraum_grenzen', 'gemeinde_grenzen'
    ])) }}
{%- endmacro %}

{# Feeds that bring inhabitants: each has a model int_bevoelkerung__<feed>. #}
{% macro bevoelkerung_feeds() -%}
    {{ return(feeds_here([
        'einwohnerregister', 'ewo_bestand', 'ewo_bestand_raum', 'ewo_jahressummen',
        'itnrw_fortschreibung'
    ])) }}
{%- endmacro %}

{# Feeds that bring cases and places: each has a model int_fallzahl__<feed>. #}
{% macro fallzahl_feeds() -%}
    {{ return(feeds_here([
        'mss_anteile', 'kita_verzeichnis', 'ewo_bestand', 'ewo_bestand_raum', 'ewo_bewegung',
        'ba_einzeldaten', 'ba_kommunal', 'itnrw_mindestsicherung', 'itnrw_pflege',
        'seu_einzeldaten', 'seu_raum', 'jugendamt_hze', 'jugendamt_kita', 'schulen', 'sozialamt_leistungen', 'sozialamt_raum',
        'schwerbehinderte', 'schwerbehinderte_plz', 'auslaenderamt', 'wohlfahrt_angebote',
        'wohnungsunternehmen', 'baugenehmigungen', 'wahlen'
    ])) }}
{%- endmacro %}

{# Feeds that bring figures or classes without their counts: int_lieferwert__<feed>. #}
{% macro lieferwert_feeds() -%}
    {{ return(feeds_here([
        'mss_anteile', 'jobcenter_bewertung', 'itnrw_mindestsicherungsquote'
    ])) }}
{%- endmacro %}

{# The staging model of a feed of areas or counts. #}
{% macro staging_of(feed) -%}
    {%- set models = {
        'einwohnerregister': 'stg_afs__einwohner',
        'ewo_bestand': 'stg_ewo__bestand',
        'ewo_bestand_raum': 'stg_ewo__bestand_raum',
        'ewo_jahressummen': 'stg_ewo__jahressummen',
        'itnrw_fortschreibung': 'stg_itnrw__fortschreibung',
        'mss_anteile': 'stg_senstadt__mss_anteile',
        'kita_verzeichnis': 'stg_senbjf__kitas',
        'ewo_bewegung': 'stg_ewo__bewegungen',
        'ba_einzeldaten': 'stg_ba__leistungsberechtigte',
        'ba_kommunal': 'stg_ba__kommunal',
        'itnrw_mindestsicherung': 'stg_itnrw__mindestsicherung',
        'itnrw_mindestsicherungsquote': 'stg_itnrw__mindestsicherungsquote',
        'itnrw_pflege': 'stg_itnrw__pflege',
        'seu_einzeldaten': 'stg_gesundheitsamt__kinder',
        'seu_raum': 'stg_gesundheitsamt__raum',
        'jugendamt_hze': 'stg_jugendamt__hze',
        'jugendamt_kita': 'stg_jugendamt__kita',
        'schulen': 'stg_schulamt__schulen',
        'sozialamt_leistungen': 'stg_sozialamt__leistungen',
        'sozialamt_raum': 'stg_sozialamt__raum',
        'schwerbehinderte': 'stg_versorgungsamt__ausweise',
        'schwerbehinderte_plz': 'stg_versorgungsamt__plz',
        'auslaenderamt': 'stg_auslaenderamt__auslaender',
        'wohlfahrt_angebote': 'stg_wohlfahrt__angebote',
        'wohnungsunternehmen': 'stg_wohnungswirtschaft__objekte',
        'baugenehmigungen': 'stg_bauaufsicht__genehmigungen',
        'wahlen': 'stg_wahlamt__ergebnisse',
        'jobcenter_bewertung': 'stg_jobcenter__bewertung',
        'lor_planungsraeume': 'stg_geoportal__planungsraeume',
        'lor_bezirksregionen': 'stg_geoportal__bezirksregionen',
        'lor_bezirke': 'stg_geoportal__bezirke',
        'sozialraum_grenzen': 'stg_kataster__sozialraeume',
        'gemeinde_grenzen': 'stg_kataster__gemeinden'
    } -%}
    {{ return(ref(models[feed])) }}
{%- endmacro %}

{# The columns that a model of counts has, with their types; archives have the same. #}
{% macro int_columns(kind) -%}
    {%- set area = {
        'feed': 'varchar', 'delivery_id': 'varchar', 'liefereinheit': 'varchar',
        'raum_id': 'varchar', 'gebietsstand': 'varchar', 'stichtag': 'date'
    } -%}
    {%- set own = {
        'bevoelkerung': {
            'basis': 'varchar', 'altersgruppe': 'varchar', 'geschlecht': 'varchar',
            'staatsangehoerigkeit': 'varchar', 'anzahl': 'bigint', 'zustand': 'varchar',
            'geschaetzt': 'boolean'
        },
        'fallzahl': {
            'merkmal': 'varchar', 'anzahl': 'bigint', 'zustand': 'varchar',
            'geschaetzt': 'boolean'
        },
        'lieferwert': {
            'merkmal': 'varchar', 'wert': 'double', 'klasse': 'varchar', 'zustand': 'varchar',
            'geschaetzt': 'boolean'
        }
    } -%}
    {{ return(dict(area, **own[kind])) }}
{%- endmacro %}

{# All rows of the models int_<kind>__<feed>; without any feed a table without rows. #}
{% macro union_of_feeds(kind, feeds) -%}
    {%- set columns = int_columns(kind) -%}
    {%- for feed in feeds %}
    select {% for name, type in columns.items() -%}
        cast({{ name }} as {{ type }}) as {{ name }}{{ ', ' if not loop.last }}
    {%- endfor %}
    from {{ ref('int_' ~ kind ~ '__' ~ feed) }}
    {% if not loop.last %}union all{% endif %}
    {%- else %}
    select {% for name, type in columns.items() -%}
        cast(null as {{ type }}) as {{ name }}{{ ', ' if not loop.last }}
    {%- endfor %}
    where false
    {%- endfor %}
{%- endmacro %}

{# Which Gebietsstand a row of a feed speaks of: joins `alias` (a relation with `stichtag`) with
   the expected Stichtage of the feed, in which it stands. #}
{% macro join_gebietsstand(alias, feed) -%}
    inner join {{ ref('int_stichtag__expected') }} as stand
        on stand.feed = '{{ feed }}'
        and stand.liefereinheit = {{ alias }}.liefereinheit
        and stand.stichtag = {{ alias }}.stichtag
{%- endmacro %}

{# The areas that the rows of a feed lie in: one row for each row and area, with its share. #}
{% macro join_placement(alias, feed) -%}
    inner join {{ source('warehouse', 'placement_' ~ feed) }} as platz
        on platz.delivery_id = {{ alias }}.delivery_id
        and platz.row_number = {{ alias }}.row_number
{%- endmacro %}
