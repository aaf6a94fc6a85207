{# The catalogue of the region's indicators: each one's entry stands beside its SQL, as `meta: indikator` of the
   model; the thresholds come from the region's privacy.yaml. #}
with entries as (
{%- set ns = namespace(rows=[]) -%}
{%- if execute -%}
    {%- for node in graph.nodes.values() | sort(attribute='name') -%}
        {%- if node.resource_type == 'model' and 'indikator' in node.config.meta
            and indikator_id(node.name) in var('indikatoren', []) -%}
            {%- do ns.rows.append(node) -%}
        {%- endif -%}
    {%- endfor -%}
{%- endif -%}
{%- for node in ns.rows %}
    {%- set entry = node.config.meta.indikator %}
    select
        '{{ indikator_id(node.name) }}' as indikator_id,
        cast({{ entry.version }} as integer) as version,
    {%- for field in [
        'name', 'thema', 'art', 'definition', 'zaehler_definition', 'nenner_definition',
        'einheit', 'quelle', 'stichtag_regel', 'sensitivitaet', 'geltungsbereich', 'beschlossen_von'
    ] %}
        {{ text_literal(entry.get(field)) }} as {{ field }},
    {%- endfor %}
        cast({{ entry.faktor }} as double) as faktor,
        cast({{ entry.polaritaet }} as integer) as polaritaet,
        {{ entry.get('ereignisse', false) | lower }} as ereignisse,
        {{ entry.get('differenz', false) | lower }} as differenz,
        {{ text_literal(named_indicators(entry.nicht_vergleichbar_mit) or none) }}
            as nicht_vergleichbar_mit,
        {{ text_literal(entry.mengen | join(', ') or none) }} as mengen,
        {{ text_literal(entry.katalog | join(', ') or none) }} as katalog,
        {{ text_literal(earlier_versions(entry.get('versionen', [])) or none) }}
            as fruehere_versionen,
        {{ 'true' if feeds_here(entry.feeds) else 'false' }} as quelle_vorhanden,
        cast({{ text_literal(entry.gueltig_ab) }} as date) as gueltig_ab,
        cast({{ text_literal(entry.gueltig_bis) }} as date) as gueltig_bis,
        cast('{{ entry.beschlossen_am }}' as date) as beschlossen_am
    {% if not loop.last %}union all{% endif %}
{%- else %}
    select cast(null as varchar) as indikator_id where false
{%- endfor %}
)

select
    entries.indikator_id,
    entries.version,
    entries.name,
    entries.thema,
    entries.art,
    entries.definition,
    entries.zaehler_definition,
    entries.nenner_definition,
    entries.einheit,
    entries.faktor,
    entries.polaritaet,
    entries.ereignisse,
    entries.quelle,
    entries.quelle_vorhanden,
    entries.stichtag_regel,
    entries.sensitivitaet,
    entries.gueltig_ab,
    entries.gueltig_bis,
    entries.fruehere_versionen,
    entries.nicht_vergleichbar_mit,
    entries.geltungsbereich,
    entries.mengen,
    entries.katalog,
    entries.beschlossen_am,
    entries.beschlossen_von,
    case when entries.art in ('anteil', 'verhaeltnis') then threshold.min_nenner end as min_nenner,
    case when entries.art in ('anteil', 'verhaeltnis') then threshold.min_einwohner end
        as min_einwohner,
    case when entries.differenz then 0 else threshold.min_zaehler end as min_zaehler,
    case when entries.differenz then 0 else threshold.min_zaehler_sozialraum end
        as min_zaehler_sozialraum
from entries
left join {{ source('warehouse', 'rule_threshold') }} as threshold
    on threshold.thema = entries.thema
