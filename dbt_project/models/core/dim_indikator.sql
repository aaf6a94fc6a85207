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
        'einheit', 'quelle', 'beschlossen_von'
    ] %}
        {{ text_literal(entry.get(field)) }} as {{ field }},
    {%- endfor %}
        cast({{ entry.faktor }} as double) as faktor,
        cast({{ entry.polaritaet }} as integer) as polaritaet,
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
    entries.quelle,
    entries.beschlossen_am,
    entries.beschlossen_von,
    case when entries.art in ('anteil', 'verhaeltnis') then threshold.min_nenner end as min_nenner,
    case when entries.art in ('anteil', 'verhaeltnis') then threshold.min_einwohner end
        as min_einwohner,
    threshold.min_zaehler
from entries
left join {{ source('warehouse', 'rule_threshold') }} as threshold
    on threshold.thema = entries.thema
